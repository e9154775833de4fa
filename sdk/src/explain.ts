// What an error of a contract means, and what to do about it.

import { BaseError, ContractFunctionRevertedError, decodeErrorResult, type Abi, type Hex } from 'viem';

import { errors } from './errors.js';

/** An error of a contract, with its cause and its cure. */
export interface Explanation {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly cause: string;
  readonly cure: string;
}

interface Row {
  readonly cause: string;
  readonly cure: string;
  readonly parts?: Readonly<Record<string, { readonly cause: string; readonly cure: string }>>;
}

const TABLE = errors as Readonly<Record<string, Row>>;

/** The errors of all contracts, as an interface. */
const ERRORS: Abi = Object.keys(TABLE).map((signature) => {
  const [name = '', types = ''] = signature.slice(0, -1).split('(');
  const inputs = types.split(',').filter(Boolean).map((type) => ({ name: '', type }));
  return { type: 'error', name, inputs } as const;
});

/**
 * Explains why a call was refused: from what viem throws, or from the data of the revert, as ethers has it in `data`.
 * `undefined` if no contract of Surety has said why.
 */
export function explain(error: unknown): Explanation | undefined {
  const data = revertData(error);
  if (!data) return undefined;
  try {
    const { errorName: name, args = [], abiItem } = decodeErrorResult({ abi: ERRORS, data });
    const inputs = 'inputs' in abiItem ? abiItem.inputs : [];
    const row = TABLE[`${name}(${inputs.map(({ type }) => type).join(',')})`];
    if (!row) return undefined;
    const { cause, cure } = row.parts?.[String(args[0])] ?? row;
    return { name, args, cause, cure };
  } catch {
    return undefined;
  }
}

function revertData(error: unknown): Hex | undefined {
  if (typeof error === 'string') return error as Hex;
  if (error instanceof BaseError) {
    const reverted = error.walk((inner) => inner instanceof ContractFunctionRevertedError);
    return reverted instanceof ContractFunctionRevertedError ? reverted.raw : undefined;
  }
  const { data } = (error ?? {}) as { data?: unknown };
  return typeof data === 'string' ? (data as Hex) : undefined;
}
