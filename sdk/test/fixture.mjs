// A chain with the contracts' fixture on it, and files that `surety` has made.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { createPublicClient, createWalletClient, encodeDeployData, http } from 'viem';
import { foundry } from 'viem/chains';

import { mockAggregatorAbi, suretyMockRegistryAbi } from '../../contracts/abi/index.js';
import { withAnvil } from '../../contracts/scripts/anvil.mjs';
import { attestationRegistryAbi, policyRegistryAbi, snapshotOracleAbi } from '@surety/sdk';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const REPOSITORY = join(ROOT, '..');
const SURETY = process.env.SURETY ?? join(REPOSITORY, 'target', 'debug', 'surety');

export const text = (path) => readFileSync(join(REPOSITORY, path), 'utf8');
const json = (path) => JSON.parse(text(path));

// Anvil comes with the tools of the contracts.
process.env.PATH = `${join(REPOSITORY, 'contracts', 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;

export const scratch = mkdtempSync(join(tmpdir(), 'surety-sdk-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Runs `surety` in a directory; returns its answer, or its output where it gives none. */
export function surety(directory, ...args) {
  const directories = ['CACHE', 'DATA', 'STATE'].map((name) => [`SURETY_${name}_DIR`, join(scratch, name)]);
  const env = { ...process.env, ...Object.fromEntries(directories), SURETY_OFFLINE: '1' };
  const { stdout, stderr, error } = spawnSync(SURETY, [...args, '--json'], { cwd: directory, env, encoding: 'utf8' });
  if (error) throw error;
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

let demonstration;

/** The directory of a demonstration. */
export function demo() {
  if (!demonstration) {
    const answer = surety(scratch, 'demo', '--out', 'demo');
    if (!answer.ok) throw new Error(JSON.stringify(answer));
    demonstration = join(scratch, 'demo');
  }
  return demonstration;
}

// The contracts' fixture ---------------------------------------------------------------------------------------------

const fixture = json('contracts/test/fixtures/attestations-k11.json');
const NOBODY = `0x${'0'.repeat(40)}`;
const point = (bytes) => [BigInt(bytes.slice(0, 66)), BigInt(`0x${bytes.slice(66)}`)];
const word = (number) => `0x${number.toString(16).padStart(64, '0')}`;

/** What Rust's library says that the sources have signed. */
export const DIGESTS = fixture.attestations.first.statements.map(({ digest }) => digest);

export const POLICY = fixture.publication.policy;
export const AUDIENCE = { chain_id: fixture.chain_id, registry: fixture.registry };

/** The first attestation of the fixture as a file. */
export function attestationFile() {
  const { publication: policy, attestations: { first } } = fixture;
  const statements = first.statements.map((statement, index) => ({
    kind: 'surety/statement', version: 1, audience: AUDIENCE, source: policy.sources[index].signer,
    subject: first.subject, account: 'main', universe: policy.universe, commitment: statement.commitment,
    as_of: statement.as_of, valid_until: statement.valid_until, sequence: statement.sequence,
    encumbrance: statement.encumbrance, signature: statement.signature,
  }));
  const claim = {
    subject: first.subject, level: 'initial', audience: AUDIENCE, verifier: policy.verifier,
    verifying_key: policy.verifying_key, srs: policy.srs, universe: policy.universe, policy: policy.policy,
    epoch: first.epoch, snapshot: word(0), vault_checkpoint: word(0), valid_until: first.valid_until,
    presentation: word(0), statements,
  };
  return { kind: 'surety/attestation', version: 2, claim, context: first.context, proof: first.proof };
}

/** The publication of the fixture's policy. */
function publication(changes) {
  const { publication: policy } = fixture;
  return {
    line: word(1), version: 1, document: policy.document, universe: policy.universe, srs: policy.srs, k: policy.k,
    verifier: policy.verifier, vault: { at: NOBODY, level: 0, maxAge: 0, minAge: 0 }, validity: policy.validity,
    maxStatementSkew: policy.max_statement_skew, maxStatementAge: policy.max_statement_age, grace: 300,
    acceptsMarked: false, requiresConsent: false, sufficient: policy.levels.length, epochLength: policy.epoch_length,
    maxMarketAge: policy.max_market_age, maxMarketSkew: 60, quorum: 0,
    sources: policy.sources.map((source) => ({ ...source, isContract: false })), scopes: [], nodes: policy.nodes,
    feeds: [],
    levels: policy.levels.map(({ level, idx, flag, base, market }) => ({
      level, idx: point(idx), flag: point(flag), coefficients: { base: point(base), market: market.map(point) },
    })),
    ...changes,
  };
}

/** Estimates are made at the time of the block before, where a snapshot is of another epoch. */
const GAS = 12_000_000n;

/** A local chain, and who calls it. */
class Chain {
  constructor(node, accounts) {
    const options = { chain: foundry, transport: http(node.url), pollingInterval: 20 };
    this.node = node;
    this.accounts = accounts;
    this.public = createPublicClient(options);
    this.wallet = createWalletClient({ ...options, account: accounts[0] });
  }

  /** The receipt of a transaction, which must not have reverted. Anvil makes a block of each. */
  async wait(hash) {
    for (;;) {
      const receipt = await this.public.getTransactionReceipt({ hash }).catch(() => undefined);
      if (receipt?.status === 'reverted') throw new Error(`the transaction ${hash} reverted`);
      if (receipt) return receipt;
      await setTimeout(10);
    }
  }

  /** Creates a contract from the code that the package publishes. */
  async deploy(name, abi, args, account = this.accounts[0]) {
    const { bytecode } = json(`contracts/bytecode/${name}.json`);
    const data = encodeDeployData({ abi, bytecode, args });
    const hash = await this.wallet.sendTransaction({ account, data, gas: GAS });
    return (await this.wait(hash)).contractAddress;
  }

  async write(address, abi, functionName, args) {
    return this.wait(await this.wallet.writeContract({ address, abi, functionName, args, gas: GAS }));
  }
}

const TIME = fixture.snapshots[0].time;

/** Runs on a chain with a policy registry, an oracle, and the fixture's verifier and attestation registry. */
export const onChain = (use) => withAnvil(async (node) => {
  const chain = new Chain(node, await node.rpc('eth_accounts'));
  const [owner] = chain.accounts;
  chain.policyRegistry = await chain.deploy('PolicyRegistry', policyRegistryAbi, [0, owner, owner]);
  chain.oracle = await chain.deploy('SnapshotOracle', snapshotOracleAbi, [chain.policyRegistry]);
  const made = [chain.policyRegistry, chain.oracle, false];
  chain.registry = await chain.deploy('AttestationRegistry', attestationRegistryAbi, made, chain.accounts.at(-1));
  const { VerifierK11 } = json('contracts/test/fixtures/bytecode.json');
  await node.rpc('anvil_setCode', fixture.publication.verifier, VerifierK11);
  return use(chain);
}, '--timestamp', `${TIME - 1000}`);

/** Publishes the fixture's policy, with its prices from feeds, and takes its first snapshot. */
export async function publish(chain) {
  const [{ prices, time }] = fixture.snapshots;
  const feeds = [];
  for (const _ of prices) {
    const aggregator = await chain.deploy('MockAggregator', mockAggregatorAbi, [0]);
    feeds.push({
      aggregator, aggregatorDecimals: 0, decimals: 0, maxAge: fixture.publication.max_market_age, maxDeviation: 0,
      min: 1n, max: 10n ** 20n,
    });
  }
  await chain.write(chain.policyRegistry, policyRegistryAbi, 'publish', [publication({ feeds })]);
  await chain.node.rpc('evm_setNextBlockTimestamp', time - prices.length);
  for (const [index, { aggregator }] of feeds.entries()) {
    await chain.write(aggregator, mockAggregatorAbi, 'set', [BigInt(prices[index]), time - prices.length]);
  }
  await chain.node.rpc('evm_setNextBlockTimestamp', time);
  await chain.write(chain.oracle, snapshotOracleAbi, 'take', [POLICY]);
}

/** Publishes a policy whose snapshots `signer` signs, and returns its identifier. */
export async function publishSigned(chain, signer) {
  const levels = publication({})
    .levels.map(({ coefficients, ...level }) => ({ ...level, coefficients: { ...coefficients, market: [] } }));
  const changes = { nodes: [signer], quorum: 1, levels };
  await chain.write(chain.policyRegistry, policyRegistryAbi, 'publish', [publication(changes)]);
  return chain.public.readContract({
    address: chain.policyRegistry, abi: policyRegistryAbi, functionName: 'policyOf', args: [word(1), 1],
  });
}

/** The commitments of the fixture's first snapshot: x, y, x, y, … */
export const COEFFICIENTS = fixture.snapshots[0].coef.flatMap(point);

/** A mock registry with one level. */
export const mockRegistry = (chain) => chain.deploy('SuretyMockRegistry', suretyMockRegistryAbi, [1n, 0n]);

export { suretyMockRegistryAbi };
