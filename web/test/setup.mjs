// The development set-up as a file, in the form of Aztec's two.
import { bn254 } from '@noble/curves/bn254.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

const G1 = bn254.G1.Point;
const G2 = bn254.G2.Point;
G1.BASE.precompute(8, false);

const word = (number) => number.toString(16).padStart(64, '0');
const bytes = (...numbers) => Buffer.from(numbers.map(word).join(''), 'hex');

/** The published τ: a hash with its three top bits cleared. */
function developmentTau() {
  const hash = keccak_256(Buffer.from('surety insecure development srs v1'));
  hash[0] &= 0x1f;
  return BigInt(`0x${Buffer.from(hash).toString('hex')}`);
}

const once = new Map();

/** `g1.dat` with 2^k powers, and `g2.dat`. */
export function developmentSetUp(k) {
  if (!once.has(k)) once.set(k, write(k));
  return once.get(k);
}

// τ is no secret: what takes variable time may.
function write(k) {
  const tau = developmentTau();
  const points = [bytes(1n, 2n)];
  for (let power = tau; points.length < 2 ** k; power = G1.Fn.mul(power, tau)) {
    const { x, y } = G1.BASE.multiplyUnsafe(power).toAffine();
    points.push(bytes(x, y));
  }
  const { x, y } = G2.BASE.multiply(tau).toAffine();
  return { g1: Buffer.concat(points), g2: bytes(x.c0, x.c1, y.c0, y.c1) };
}
