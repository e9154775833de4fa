// The package with wagmi: its core, as here; in a component of React, `useReadContract(isSufficientRequest(question))`.
import { createConfig, http, readContract } from '@wagmi/core';
import { foundry } from 'viem/chains';

import { isSufficientRequest } from '@surety/sdk';

/** Asks whether a subject is sufficient. */
export function ask(url, question) {
  const config = createConfig({ chains: [foundry], transports: { [foundry.id]: http(url) } });
  return readContract(config, isSufficientRequest(question));
}
