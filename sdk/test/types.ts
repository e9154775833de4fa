// Checked by `npm run types` and never run: what users of TypeScript may and may not write.
import {
  DOMAIN, Verifier, attestRequest, attestationRegistryAbi, explain, isSufficient, isSufficientRequest, levelOf,
  readAttestation, statementTypedData, watchAttested,
} from '@surety/sdk';
import { createPublicClient, hashTypedData, http, type Address, type Hex, type ReadContractReturnType } from 'viem';
import { foundry } from 'viem/chains';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

const client = createPublicClient({ chain: foundry, transport: http() });
const asked = { registry: '0x1', subject: '0x2', policy: '0x3' } as const;

const sufficient = await isSufficient(client, { ...asked, level: 0n, maxAge: 900n });
same<typeof sufficient, boolean>(true);
const level = await levelOf(client, asked);
same<typeof level, bigint | undefined>(true);

// Interfaces are literal, so that viem knows what functions return.
const registry = await client.readContract({
  address: '0x1', abi: attestationRegistryAbi, functionName: 'levelOf', args: ['0x2', '0x3'],
});
same<typeof registry, readonly [boolean, bigint]>(true);
same<ReadContractReturnType<typeof attestationRegistryAbi, 'EXCLUSIVE'>, boolean>(true);
const request = await client.readContract(isSufficientRequest({ ...asked, level: 0n, maxAge: 900n }));
same<typeof request, boolean>(true);

const attestation = readAttestation('');
same<typeof attestation.claim.subject, Address>(true);
const [statement] = attestation.claim.statements;
if (statement) {
  const digest: Hex = hashTypedData(statementTypedData(statement));
  void digest;
}
attestRequest(attestation, []).args[0].level satisfies bigint;
same<typeof DOMAIN.version, '1'>(true);

const answer = (await Verifier.load()).verify(
  { attestation: '', universe: '', policy: { name: 'policy.json', content: new Uint8Array() }, market: '' },
  { now: 0 },
);
if (answer.ok) answer.data.faith satisfies readonly { readonly text: string }[];
else answer.error.code satisfies string;
explain(new Error())?.cure satisfies string | undefined;
watchAttested(client, { registry: '0x1', onAttested: ({ claim }) => claim satisfies 'sufficient' | 'shortfall' })();

// @ts-expect-error: levels are indices.
await isSufficient(client, { ...asked, level: 'maintenance', maxAge: 900n });
// @ts-expect-error: an age is asked for.
await isSufficient(client, { ...asked, level: 0n });
// @ts-expect-error: an attestation needs its policy.
(await Verifier.load()).verify({ attestation: '', universe: '', market: '' }, { now: 0 });
// @ts-expect-error: findings are there only if the answer is good.
answer.data;
// @ts-expect-error: there is no such function.
await client.readContract({ address: '0x1', abi: attestationRegistryAbi, functionName: 'isWealthy', args: [] });
