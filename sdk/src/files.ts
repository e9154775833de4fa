// Files as `surety` writes them: their fields, and reading them from text.

import type { Address, Hex } from 'viem';

/** A whole number in JSON; as text where JavaScript's numbers are too small. */
export type Whole = number | string;

/** Where a statement or an attestation counts. */
export interface Audience {
  /** The chain's identifier (EIP-155). */
  readonly chain_id: Whole;
  /** The attestation registry. */
  readonly registry: Address;
}

/** A signed statement of a source about an account. Times are in seconds. */
export interface StatementFile {
  readonly kind: 'surety/statement';
  readonly version: 1;
  readonly audience: Audience;
  readonly source: Address;
  readonly subject: Address;
  /** The account's label. */
  readonly account: string;
  readonly universe: Hex;
  /** The commitment to the balances: x and y, 64 bytes. */
  readonly commitment: Hex;
  readonly as_of: Whole;
  readonly valid_until: Whole;
  readonly sequence: Whole;
  /** The only policy that the account is pledged to, or zero. */
  readonly encumbrance: Hex;
  readonly signature: Hex;
}

/** What an attestation claims. */
export interface Claim {
  readonly subject: Address;
  /** The level's name. */
  readonly level: string;
  readonly audience: Audience;
  readonly verifier: Address;
  readonly verifying_key: Hex;
  readonly srs: Hex;
  readonly universe: Hex;
  readonly policy: Hex;
  readonly epoch: Whole;
  readonly snapshot: Hex;
  readonly vault_checkpoint: Hex;
  readonly valid_until: Whole;
  readonly presentation: Hex;
  readonly statements: readonly StatementFile[];
}

/** An attestation: a claim with its proof. */
export interface AttestationFile {
  readonly kind: 'surety/attestation';
  readonly version: 2;
  readonly claim: Claim;
  readonly context: Hex;
  readonly proof: Hex;
  readonly scopes?: { readonly quotients: readonly Hex[]; readonly values: readonly Hex[]; readonly opening: Hex };
  readonly consent?: Hex;
}

/** A price as a node observed it; `absent` of an entry that the node does not follow. */
export type Observed = 'absent' | { readonly price: string; readonly confidence: string; readonly age?: Whole };

/** What an oracle node says that prices are. */
export interface ReportFile {
  readonly kind: 'surety/report';
  readonly version: 1;
  readonly oracle: Address;
  readonly feeds: Hex;
  readonly epoch: Whole;
  readonly observed_at: Whole;
  readonly previous: Hex;
  readonly observations: readonly Observed[];
  readonly signature: Hex;
}

/** A file that is not of the form that was expected. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** JSON whose whole numbers of 16 digits or more stay as they are written. */
function parse(text: string): unknown {
  const exact = text.replace(/("(?:[^"\\]|\\.)*")|-?\d{16,}/g, (found, quoted) => quoted ?? `"${found}"`);
  try {
    return JSON.parse(exact);
  } catch (error) {
    throw new FileError(`expected JSON: ${(error as Error).message}`);
  }
}

type Form = { readonly [key: string]: RegExp | Form | readonly [Form] };

const ADDRESS = /^0x[0-9a-f]{40}$/;
const WORD = /^0x[0-9a-f]{64}$/;
const POINT = /^0x[0-9a-f]{128}$/;
const SIGNATURE = /^0x[0-9a-f]{130}$/;
const WHOLE = /^(0|[1-9][0-9]{0,19})$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

const AUDIENCE: Form = { chain_id: WHOLE, registry: ADDRESS };

const STATEMENT: Form = {
  kind: /^surety\/statement$/, version: /^1$/, audience: AUDIENCE, source: ADDRESS, subject: ADDRESS, account: NAME,
  universe: WORD, commitment: POINT, as_of: WHOLE, valid_until: WHOLE, sequence: WHOLE, encumbrance: WORD,
  signature: SIGNATURE,
};

const ATTESTATION: Form = {
  kind: /^surety\/attestation$/, version: /^2$/, context: WORD, proof: /^0x([0-9a-f]{2})+$/,
  claim: {
    subject: ADDRESS, level: NAME, audience: AUDIENCE, verifier: ADDRESS, verifying_key: WORD, srs: WORD,
    universe: WORD, policy: WORD, epoch: WHOLE, snapshot: WORD, vault_checkpoint: WORD, valid_until: WHOLE,
    presentation: WORD, statements: [STATEMENT],
  },
};

/** Refuses values of another form, by the place of the first that is. */
function check(value: unknown, form: Form, path: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FileError(`${path || 'file'}: expected a table`);
  }
  for (const [key, expected] of Object.entries(form)) {
    const [found, at] = [(value as Record<string, unknown>)[key], path ? `${path}.${key}` : key];
    if (expected instanceof RegExp) {
      const isText = typeof found === 'string' || (typeof found === 'number' && Number.isSafeInteger(found));
      if (!isText || !expected.test(String(found))) {
        throw new FileError(`${at}: expected ${expected.source}, found ${JSON.stringify(found)}`);
      }
    } else if (Array.isArray(expected)) {
      if (!Array.isArray(found)) throw new FileError(`${at}: expected a list`);
      found.forEach((inner, index) => check(inner, expected[0], `${at}[${index}]`));
    } else {
      check(found, expected as Form, at);
    }
  }
}

/**
 * Reads an attestation from the text of its file.
 *
 * This looks at the form alone: {@link checkSignatures} recovers the signers, and {@link Verifier.verify} verifies.
 *
 * @throws {FileError} The first place that is of another form.
 */
export function readAttestation(text: string): AttestationFile {
  const value = parse(text);
  check(value, ATTESTATION, '');
  return value as AttestationFile;
}

/**
 * Reads a statement of a source from the text of its file: its form alone.
 *
 * @throws {FileError} The first place that is of another form.
 */
export function readStatement(text: string): StatementFile {
  const value = parse(text);
  check(value, STATEMENT, '');
  return value as StatementFile;
}
