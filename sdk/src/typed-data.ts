// What sources, oracle nodes and subjects sign (EIP-712), as wallets, HSMs and viem take it.

import {
  concat, keccak256, recoverTypedDataAddress, sliceHex, stringToBytes, type Address, type Hex,
} from 'viem';

import type { AttestationFile, Audience, Observed, ReportFile, StatementFile } from './files.js';

/** The domain's name and version, in every contract and file. */
export const DOMAIN = { name: 'Surety', version: '1' } as const;

/** What a source signs about an account. */
export const STATEMENT_TYPES = {
  SourceStatement: [
    { name: 'source', type: 'address' },
    { name: 'subject', type: 'address' },
    { name: 'account', type: 'bytes32' },
    { name: 'universe', type: 'bytes32' },
    { name: 'commitmentX', type: 'uint256' },
    { name: 'commitmentY', type: 'uint256' },
    { name: 'asOf', type: 'uint64' },
    { name: 'validUntil', type: 'uint64' },
    { name: 'sequence', type: 'uint64' },
    { name: 'encumbrance', type: 'bytes32' },
  ],
} as const;

/** What an oracle node signs about prices. */
export const REPORT_TYPES = {
  MarketReport: [
    { name: 'feeds', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'observedAt', type: 'uint64' },
    { name: 'previous', type: 'bytes32' },
    { name: 'observed', type: 'bool[]' },
    { name: 'prices', type: 'uint256[]' },
    { name: 'confidences', type: 'uint256[]' },
    { name: 'ages', type: 'uint64[]' },
  ],
} as const;

/** What an oracle node signs for a snapshot oracle. */
export const SNAPSHOT_TYPES = {
  SignedSnapshot: [
    { name: 'policy', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'time', type: 'uint40' },
    { name: 'newest', type: 'uint40' },
    { name: 'slack', type: 'uint32' },
    { name: 'marked', type: 'bool' },
    { name: 'id', type: 'bytes32' },
    { name: 'coefficients', type: 'uint256[]' },
  ],
} as const;

/** What a subject signs to consent to an attestation. */
export const CONSENT_TYPES = { Consent: [{ name: 'context', type: 'bytes32' }] } as const;

/** What a subject signs to grant a lien. */
export const GRANT_TYPES = {
  Grant: [
    { name: 'subject', type: 'address' },
    { name: 'policy', type: 'bytes32' },
    { name: 'consumer', type: 'address' },
    { name: 'until', type: 'uint40' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const;

/** The domain of a contract. */
const domainOf = (chainId: bigint | number, verifyingContract: Address) =>
  ({ ...DOMAIN, chainId: Number(chainId), verifyingContract }) as const;

const domain = ({ chain_id: chain, registry }: Audience) => domainOf(BigInt(chain), registry);

/** The identifier of an account's label, as policies and contracts have it. */
export const accountId = (label: string): Hex =>
  keccak256(concat([stringToBytes('surety/account/v1'), stringToBytes(label)]));

/** The identifier of a level's name; of a level that claims a shortfall, the second argument is true. */
export function levelId(name: string, shortfall = false): Hex {
  const named = keccak256(concat([stringToBytes('surety/level/v1'), stringToBytes(name)]));
  return shortfall ? keccak256(concat([keccak256(stringToBytes('surety/shortfall/v1')), named])) : named;
}

/** The coordinates of a point of 64 bytes. */
export const coordinates = (point: Hex): readonly [bigint, bigint] =>
  [BigInt(sliceHex(point, 0, 32)), BigInt(sliceHex(point, 32, 64))];

/** A statement as its source signs it. */
export function statementTypedData(statement: Omit<StatementFile, 'kind' | 'version' | 'signature'>) {
  const [commitmentX, commitmentY] = coordinates(statement.commitment);
  return {
    domain: domain(statement.audience),
    types: STATEMENT_TYPES,
    primaryType: 'SourceStatement',
    message: {
      source: statement.source,
      subject: statement.subject,
      account: accountId(statement.account),
      universe: statement.universe,
      commitmentX,
      commitmentY,
      asOf: BigInt(statement.as_of),
      validUntil: BigInt(statement.valid_until),
      sequence: BigInt(statement.sequence),
      encumbrance: statement.encumbrance,
    },
  } as const;
}

/** A report as its node signs it. Reports are the same for every chain, so that the domain names none. */
export function reportTypedData(report: Omit<ReportFile, 'kind' | 'version' | 'oracle' | 'signature'>) {
  const column = (value: (observed: Exclude<Observed, 'absent'>) => bigint) =>
    report.observations.map((observed) => (observed === 'absent' ? 0n : value(observed)));
  return {
    domain: DOMAIN,
    types: REPORT_TYPES,
    primaryType: 'MarketReport',
    message: {
      feeds: report.feeds,
      epoch: BigInt(report.epoch),
      observedAt: BigInt(report.observed_at),
      previous: report.previous,
      observed: report.observations.map((observed) => observed !== 'absent'),
      prices: column(({ price }) => BigInt(price)),
      confidences: column(({ confidence }) => BigInt(confidence)),
      ages: column(({ age }) => BigInt(age ?? 0)),
    },
  } as const;
}

/** A snapshot as the snapshot oracle takes it. */
export interface SignedSnapshot {
  readonly policy: Hex;
  readonly epoch: bigint;
  /** The time of the oldest price, in seconds. */
  readonly time: number;
  /** The time of the newest price, in seconds. */
  readonly newest: number;
  readonly slack: number;
  readonly marked: boolean;
  readonly id: Hex;
  /** The commitments to the coefficients of each level: x, y, x, y, … */
  readonly coefficients: readonly bigint[];
}

/** A snapshot as a node signs it for a snapshot oracle. */
export function snapshotTypedData(at: { chainId: bigint | number; oracle: Address }, snapshot: SignedSnapshot) {
  return {
    domain: domainOf(at.chainId, at.oracle),
    types: SNAPSHOT_TYPES,
    primaryType: 'SignedSnapshot',
    message: snapshot,
  } as const;
}

/** The consent to the attestation with this context, as the subject signs it. */
export function consentTypedData(audience: Audience, context: Hex) {
  return {
    domain: domain(audience),
    types: CONSENT_TYPES,
    primaryType: 'Consent',
    message: { context },
  } as const;
}

/** A lien, as the subject signs it. */
export interface Grant {
  readonly subject: Address;
  readonly policy: Hex;
  readonly consumer: Address;
  /** The last second of the lien. */
  readonly until: number;
  readonly nonce: bigint;
  /** The last second at which the signature can be used. */
  readonly deadline: bigint;
}

/** A lien as the subject signs it for a lien registry. */
export function grantTypedData(at: { chainId: bigint | number; lienRegistry: Address }, grant: Grant) {
  return {
    domain: domainOf(at.chainId, at.lienRegistry),
    types: GRANT_TYPES,
    primaryType: 'Grant',
    message: grant,
  } as const;
}

/** A rule about the signatures of an attestation that is broken. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

/**
 * Recovers the signers of an attestation's statements, and of its consent if there is one, and compares what the
 * statements say of audience, subject and universe with the claim.
 *
 * This needs no other file, and says nothing about the proof or about which sources a policy names. Sources that are
 * contracts (ERC-1271) are refused, because only their chain knows what they have signed.
 *
 * @throws {SignatureError} The first rule that is broken.
 */
export async function checkSignatures({ claim, context, consent }: AttestationFile): Promise<void> {
  for (const [index, statement] of claim.statements.entries()) {
    const expect = (field: string, expected: unknown, found: unknown) => {
      if (String(expected) !== String(found)) {
        throw new SignatureError(`claim.statements[${index}].${field}: expected ${expected}, found ${found}`);
      }
    };
    expect('audience.chain_id', claim.audience.chain_id, statement.audience.chain_id);
    expect('audience.registry', claim.audience.registry, statement.audience.registry);
    expect('subject', claim.subject, statement.subject);
    expect('universe', claim.universe, statement.universe);
    const signer = await signerOf({ ...statementTypedData(statement), signature: statement.signature });
    expect('signature', `one of ${statement.source}`, `one of ${signer}`);
  }
  if (consent) {
    const signer = await signerOf({ ...consentTypedData(claim.audience, context), signature: consent });
    if (signer !== claim.subject) {
      throw new SignatureError(`consent: expected a signature of ${claim.subject}, found one of ${signer}`);
    }
  }
}

/** The address that signed, in lower case as files have it; `nobody` of bytes that are no signature. */
async function signerOf(signed: Parameters<typeof recoverTypedDataAddress>[0]): Promise<string> {
  try {
    return (await recoverTypedDataAddress(signed)).toLowerCase();
  } catch {
    return 'nobody';
  }
}

/** A proof of scopes as contracts take it: quotients, values, opening. */
export const scopesBytes = (scopes: AttestationFile['scopes']): Hex =>
  scopes ? concat([...scopes.quotients, ...scopes.values, scopes.opening]) : '0x';
