// The package with ethers 6, which takes its interfaces and its typed data.
import { Contract } from 'ethers';

import { explain, isSufficientRequest, statementTypedData } from '@surety/sdk';

/** Asks whether a subject is sufficient. */
export async function ask(provider, question) {
  const { address, abi, args } = isSufficientRequest(question);
  const registry = new Contract(address, abi, provider);
  // Two functions have this name.
  return registry['isSufficientNoOlderThan(address,bytes32,uint256,uint256)'](...args);
}

/** Says why a question is refused. */
export async function refusal(provider, question) {
  try {
    await ask(provider, question);
  } catch (error) {
    return explain(error);
  }
  throw new Error('expected a refusal');
}

/** Signs a statement as its source. */
export function sign(signer, statement) {
  const { domain, types, message } = statementTypedData(statement);
  return signer.signTypedData(domain, types, message);
}
