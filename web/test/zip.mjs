// A ZIP, written entry by entry, so that it can have what no tool would write.
import { deflateRawSync } from 'node:zlib';

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});

function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ TABLE[(rest ^ byte) & 0xff];
  return (rest ^ 0xffffffff) >>> 0;
}

const half = (number) => Buffer.from([number & 0xff, number >>> 8]);
const word = (number) => Buffer.from(new Uint32Array([number]).buffer);

/** Entries of a name and a content. `size` is what the directory states instead of the true one. */
export function zip(entries) {
  const [bodies, directory] = [[], []];
  let at = 0;
  for (const { name, content, size = content.length } of entries) {
    const data = deflateRawSync(content);
    const called = Buffer.from(name);
    // In UTF-8, with Deflate, of no time.
    const sizes = [word(checksum(content)), word(data.length), word(size)];
    const fixed = Buffer.concat([half(1 << 11), half(8), word(0), ...sizes, half(called.length), half(0)]);
    const body = Buffer.concat([Buffer.from('PK\x03\x04\x14\x00', 'latin1'), fixed, called, data]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03\x14\x00', 'latin1'), fixed, half(0), half(0), half(0),
      word(0o100644 * 2 ** 16), word(at), called]));
    bodies.push(body);
    at += body.length;
  }
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  return Buffer.concat([...bodies, ...directory, Buffer.from('PK\x05\x06\0\0\0\0', 'latin1'), half(entries.length),
    half(entries.length), word(length), word(at), half(0)]);
}
