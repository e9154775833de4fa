// The verifier of `surety verify`, in WebAssembly: in Node, browsers and workers, without a network.

// @ts-expect-error: a script of the page, which has no types.
import { Engine } from '../../web/page/engine.mjs';

/** The content of a file, with the name that messages call it by; a name that ends in `.toml` says that it is TOML. */
export type Input = string | Uint8Array | { readonly name: string; readonly content: string | Uint8Array };

/** What an attestation is verified with. Texts and bytes without a name are called what `surety` calls the file. */
export interface VerifyFiles {
  readonly attestation: Input;
  readonly universe: Input;
  readonly policy: Input;
  readonly market: Input;
  /** The policy's commitments. They may be missing only where the file of a set-up is given. */
  readonly compiledPolicy?: Input;
  /** Your own trust anchors, never the prover's. What they leave out is taken on faith, and listed. */
  readonly trust?: Input;
  /** The powers of a set-up, with which the policy's commitments are computed here. */
  readonly setUp?: Input;
  /** The second part of a set-up that comes in two files. */
  readonly setUpG2?: Input;
}

/** What a verifier asks for beyond its files. */
export interface VerifyTerms {
  /** The time, in seconds. */
  readonly now: number;
  /** Refuses what would otherwise be taken on faith. */
  readonly strict?: boolean;
  /** Accepts the development set-up, whose secret is published: such a proof establishes nothing. */
  readonly allowInsecureSrs?: boolean;
  /** Accepts the proof of a shortfall, too, for callers that look at `claim`. */
  readonly shortfalls?: boolean;
}

/** What is established, and what is not. */
export interface Findings {
  readonly subject: string;
  readonly level: string;
  readonly claim?: 'shortfall';
  readonly policy: string;
  readonly policy_id: string;
  readonly valid_until: number;
  readonly insecure_srs: boolean;
  /** What was taken on faith. */
  readonly faith: readonly { readonly text: string }[];
  readonly not_established: readonly string[];
  readonly [finding: string]: unknown;
}

/** Why there are no findings. */
export interface Failure {
  /** The broken rule, or the kind of mistake. */
  readonly code: string;
  readonly class: string;
  readonly message: string;
  readonly problems: readonly Readonly<Record<string, unknown>>[];
}

interface Envelope {
  /** The verifier's version. */
  readonly surety: string;
  readonly version: number;
  readonly command: string;
}

/** The answer of `surety verify --json`. */
export type Answer = Envelope & (
  | { readonly ok: true; readonly data: Findings }
  | { readonly ok: false; readonly error: Failure }
);

const ROLES = {
  attestation: ['attestation', 'attestation.json'],
  universe: ['universe', 'universe.toml'],
  policy: ['policy', 'policy.toml'],
  market: ['market', 'market.json'],
  compiledPolicy: ['compiled-policy', 'policy.compiled.json'],
  trust: ['trust', 'trust.toml'],
  setUp: ['set-up', 'set-up'],
  setUpG2: ['set-up-g2', 'g2.dat'],
} as const satisfies Record<keyof VerifyFiles, readonly [string, string]>;

interface Module {
  ask(question: string, terms: unknown, files: { role: string; name: string; content: Uint8Array }[]): string;
}

/** Verifies attestations, one at a time. */
export class Verifier {
  readonly #module: Module;

  private constructor(module: Module) {
    this.#module = module;
  }

  /**
   * Loads the verifier that the package carries, or one from its bytes, compressed with gzip.
   *
   * A page whose security policy restricts scripts must allow `wasm-unsafe-eval`.
   */
  static async load(compressed?: Uint8Array): Promise<Verifier> {
    const { load } = Engine as { load(bytes: Uint8Array): Promise<Module> };
    return new Verifier(await load(compressed ?? await carried()));
  }

  /** The answer of `surety verify --json` on the same files and terms. Takes some tens of milliseconds. */
  verify(files: VerifyFiles, terms: VerifyTerms): Answer {
    const { now, strict = false, allowInsecureSrs = false, shortfalls = false } = terms;
    const asked = { now, strict, allow_insecure_srs: allowInsecureSrs, shortfalls };
    const given = Object.entries(ROLES).flatMap(([key, [role, usual]]) => {
      const input = files[key as keyof VerifyFiles];
      return input === undefined ? [] : [{ role, ...named(input, usual) }];
    });
    return JSON.parse(this.#module.ask('verify', asked, given)) as Answer;
  }
}

/** A copy of a file, because the module overwrites what it is handed. */
function named(input: Input, usual: string): { name: string; content: Uint8Array } {
  const { name, content } = typeof input === 'object' && 'content' in input ? input : { name: usual, content: input };
  return { name, content: typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content) };
}

async function carried(): Promise<Uint8Array> {
  const { default: base64 } = await import('#verifier-module');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
