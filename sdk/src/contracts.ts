// Reads, writes and events of the contracts. Every request is one that viem, wagmi and ethers take: an address, an
// interface, a function and its arguments.

import type { Account, Address, Chain, Client, Hash, Hex, Transport } from 'viem';
import { readContract, simulateContract, watchContractEvent, writeContract } from 'viem/actions';

import { attestationRegistryAbi, policyRegistryAbi } from './abi.js';
import type { AttestationFile } from './files.js';
import { coordinates, levelId, scopesBytes } from './typed-data.js';

/** A subject under a policy, at an attestation registry. */
export interface Subject {
  readonly registry: Address;
  readonly subject: Address;
  readonly policy: Hex;
}

/** Which level must hold, by prices of which age. */
export interface Question extends Subject {
  /** The level's index in the policy. */
  readonly level: bigint;
  /** The largest age of the prices, in seconds. */
  readonly maxAge: bigint;
}

const question = ({ subject, policy, level, maxAge }: Question) => [subject, policy, level, maxAge] as const;

/** Asks whether the level, or a stricter one, holds. */
export const isSufficientRequest = (asked: Question) => ({
  address: asked.registry,
  abi: attestationRegistryAbi,
  functionName: 'isSufficientNoOlderThan',
  args: question(asked),
}) as const;

/** Asks whether the subject's margin is known to be negative; the level claims a shortfall. */
export const isShortRequest = (asked: Question) => ({
  address: asked.registry,
  abi: attestationRegistryAbi,
  functionName: 'isShortNoOlderThan',
  args: question(asked),
}) as const;

/** Asks for the strictest level that holds. */
export const levelOfRequest = ({ registry, subject, policy }: Subject) => ({
  address: registry,
  abi: attestationRegistryAbi,
  functionName: 'levelOf',
  args: [subject, policy],
}) as const;

/** Asks for the record of a level's newest attestation. */
export const recordOfRequest = ({ registry, subject, policy, level }: Subject & { readonly level: bigint }) => ({
  address: registry,
  abi: attestationRegistryAbi,
  functionName: 'recordOf',
  args: [subject, policy, level],
}) as const;

/** True if the level, or a stricter one, holds by an attestation whose prices are at most `maxAge` seconds old. */
export const isSufficient = (client: Client, asked: Question): Promise<boolean> =>
  readContract(client, isSufficientRequest(asked));

/** True if the subject's margin is known to be negative at a level that claims a shortfall. */
export const isShort = (client: Client, asked: Question): Promise<boolean> =>
  readContract(client, isShortRequest(asked));

/** The index of the strictest level that holds now; `undefined` if none does. */
export async function levelOf(client: Client, asked: Subject): Promise<bigint | undefined> {
  const [holds, level] = await readContract(client, levelOfRequest(asked));
  return holds ? level : undefined;
}

/** What a registry keeps of the newest attestation of a level. Times are in seconds. */
export interface LevelRecord {
  readonly epoch: number;
  readonly pricesAt: number;
  readonly validUntil: number;
  /** The number of consecutive snapshots over which the level was attested; zero without a record. */
  readonly streak: number;
  readonly vaultNumber: number;
  readonly sequences: bigint;
}

/** The record of a level's newest attestation, including one that no longer counts. */
export const recordOf = (client: Client, asked: Subject & { readonly level: bigint }): Promise<LevelRecord> =>
  readContract(client, recordOfRequest(asked));

/** A policy at an attestation registry. */
export type AtRegistry = Omit<Subject, 'subject'>;

/** True if the registry accepts attestations under the policy now. */
export const acceptsAttestations = (client: Client, { registry, policy }: AtRegistry): Promise<boolean> =>
  readContract(client, {
    address: registry, abi: attestationRegistryAbi, functionName: 'acceptsAttestations', args: [policy],
  });

/** The identifiers of a policy's levels in their order, as the policy registry has them. */
export async function levelsOf(client: Client, { registry, policy }: AtRegistry): Promise<readonly Hex[]> {
  const address = await readContract(client, {
    address: registry, abi: attestationRegistryAbi, functionName: 'POLICY_REGISTRY',
  });
  const terms = await readContract(client, { address, abi: policyRegistryAbi, functionName: 'terms', args: [policy] });
  return terms.levels.map(({ level }) => level);
}

/** An attestation as the registry takes it. `levels` are the identifiers of the policy's levels: {@link levelsOf}. */
export function attestRequest({ claim, proof, scopes, consent }: AttestationFile, levels: readonly Hex[]) {
  const known = [levelId(claim.level), levelId(claim.level, true)];
  const level = levels.findIndex((identifier) => known.includes(identifier));
  if (level < 0) throw new Error(`claim.level: expected a level of the policy, found ${claim.level}`);
  const statements = claim.statements.map((statement) => {
    const [commitmentX, commitmentY] = coordinates(statement.commitment);
    return {
      commitmentX,
      commitmentY,
      asOf: BigInt(statement.as_of),
      validUntil: BigInt(statement.valid_until),
      sequence: BigInt(statement.sequence),
      encumbrance: statement.encumbrance,
      signature: statement.signature,
    };
  });
  const attestation = {
    subject: claim.subject,
    policy: claim.policy,
    level: BigInt(level),
    epoch: BigInt(claim.epoch),
    validUntil: BigInt(claim.valid_until),
    presentation: claim.presentation,
    statements,
    proof,
    scopes: scopesBytes(scopes),
    consent: consent ?? '0x',
  } as const;
  return {
    address: claim.audience.registry,
    abi: attestationRegistryAbi,
    functionName: 'attest',
    args: [attestation],
  } as const;
}

/**
 * Brings an attestation to its registry and returns the transaction's hash. The call is simulated first, so that a
 * refusal costs nothing: see {@link explain} for what the error means.
 */
export async function attest(
  client: Client<Transport, Chain | undefined, Account>,
  attestation: AttestationFile,
): Promise<Hash> {
  const { registry } = attestation.claim.audience;
  const levels = await levelsOf(client, { registry, policy: attestation.claim.policy });
  const request = attestRequest(attestation, levels);
  await simulateContract(client, { ...request, account: client.account });
  return writeContract(client, { ...request, account: client.account, chain: client.chain ?? null });
}

/** An attestation that a registry has accepted. */
export interface Attested {
  readonly claim: 'sufficient' | 'shortfall';
  readonly subject: Address;
  readonly policy: Hex;
  /** The identifier of the level: see {@link levelId}. */
  readonly level: Hex;
  readonly epoch: bigint;
  readonly validUntil: bigint;
  readonly streak: number;
}

/** What to watch for; all subjects and policies where none is named. */
export interface Watch {
  readonly registry: Address;
  readonly subject?: Address;
  readonly policy?: Hex;
  readonly onAttested: (attested: Attested) => void;
  readonly onError?: (error: Error) => void;
  /** How often to ask, in milliseconds. */
  readonly pollingInterval?: number;
}

/** Watches the attestations that a registry accepts. Returns a function that ends the watch. */
export function watchAttested(client: Client, watch: Watch): () => void {
  const { registry: address, subject, policy, onAttested, onError, pollingInterval } = watch;
  const args = { ...(subject && { subject }), ...(policy && { policy }) };
  const options = { address, abi: attestationRegistryAbi, args, strict: true, ...(onError && { onError }),
    ...(pollingInterval !== undefined && { pollingInterval }) } as const;
  const ends = [
    watchContractEvent(client, {
      ...options,
      eventName: 'Attested',
      onLogs: (logs) => logs.forEach(({ args: event }) => onAttested({ claim: 'sufficient', ...event })),
    }),
    watchContractEvent(client, {
      ...options,
      eventName: 'ShortfallAttested',
      onLogs: (logs) => logs.forEach(({ args: event }) => onAttested({ claim: 'shortfall', ...event })),
    }),
  ];
  return () => ends.forEach((end) => end());
}
