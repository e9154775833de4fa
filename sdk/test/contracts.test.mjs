import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { encodeFunctionData, toFunctionSelector } from 'viem';

import {
  acceptsAttestations, attest, attestRequest, explain, isShort, isSufficient, isSufficientRequest, levelId, levelOf,
  levelsOf, readAttestation, recordOf, watchAttested,
} from '@surety/sdk';

import {
  POLICY, ROOT, attestationFile, demo, mockRegistry, onChain, publish, scratch, suretyMockRegistryAbi, surety, text,
} from './fixture.mjs';

const SUBJECT = attestationFile().claim.subject;
const LEVEL = 1n;

/** A chain with the fixture's policy and its first attestation. */
const attested = (use) => onChain(async (chain) => {
  await publish(chain);
  await chain.wait(await attest(chain.wallet, attestationFile()));
  const { registry } = chain;
  return use(chain, { registry, subject: SUBJECT, policy: POLICY });
});

describe('reads and writes', () => {
  test('an attestation is brought, and holds', () => attested(async (chain, asked) => {
    const client = chain.public;
    const question = { ...asked, level: LEVEL, maxAge: 3600n };
    assert.equal(await isSufficient(client, question), true);
    assert.equal(await isSufficient(client, { ...question, level: LEVEL + 1n }), false);
    await chain.node.rpc('evm_increaseTime', 100);
    await chain.node.rpc('evm_mine');
    assert.equal(await isSufficient(client, { ...question, maxAge: 99n }), false);
    assert.equal(await isSufficient(client, question), true);
    assert.equal(await isShort(client, question), false);
    assert.equal(await levelOf(client, asked), LEVEL);
    assert.equal(await levelOf(client, { ...asked, subject: chain.accounts[0] }), undefined);
    assert.equal(await acceptsAttestations(client, asked), true);
    const record = await recordOf(client, { ...asked, level: LEVEL });
    assert.equal(record.streak, 1);
    assert.equal(record.validUntil, attestationFile().claim.valid_until);
  }));

  test('accepted attestations are watched', () => onChain(async (chain) => {
    await publish(chain);
    const seen = [];
    const onAttested = (event) => seen.push(event);
    const { public: client, registry } = chain;
    const end = watchAttested(client, { registry, policy: POLICY, onAttested, pollingInterval: 20 });
    await setTimeout(200);
    await chain.wait(await attest(chain.wallet, attestationFile()));
    for (let waited = 0; seen.length === 0 && waited < 5000; waited += 50) await setTimeout(50);
    end();
    // The node must be there until its filters are removed, or viem asks it forever.
    await setTimeout(1000);
    assert.equal(seen.length, 1);
    const [{ claim, subject, level, streak }] = seen;
    assert.deepEqual([claim, subject.toLowerCase(), level, streak], ['sufficient', SUBJECT, levelId('initial'), 1]);
  }));

  test('the call is the one that surety writes', () => {
    const attestation = readAttestation(readFileSync(join(demo(), 'attestation.json'), 'utf8'));
    const compiled = JSON.parse(readFileSync(join(demo(), 'policy.compiled.json'), 'utf8'));
    const levels = compiled.levels.map(({ level }) => levelId(level));
    const answer = surety(demo(), 'calldata', 'attestation.json');
    assert.ok(answer.ok, JSON.stringify(answer));
    assert.equal(encodeFunctionData(attestRequest(attestation, levels)), answer.data.data);
  });
});

describe('refusals', () => {
  test('rejects_an_attestation_that_was_changed', () => onChain(async (chain) => {
    await publish(chain);
    const attestation = structuredClone(attestationFile());
    attestation.claim.statements[2].sequence += 1;
    const error = await attest(chain.wallet, attestation).then(() => assert.fail('accepted'), (refusal) => refusal);
    const { name, args, cause, cure } = explain(error);
    assert.deepEqual([name, args], ['WrongSignature', [2n]]);
    assert.match(cause, /not signed by its source/);
    assert.ok(cure);
    // Nothing was sent.
    const asked = { registry: chain.registry, subject: SUBJECT, policy: POLICY };
    assert.equal(await levelOf(chain.public, asked), undefined);
  }));

  test('rejects_a_level_that_the_policy_has_not', () => {
    assert.throws(() => attestRequest(attestationFile(), [levelId('other')]), /expected a level of the policy/);
  });

  test('rejects_an_unknown_policy', () => onChain(async (chain) => {
    const asked = { registry: chain.registry, policy: POLICY };
    const error = await levelsOf(chain.public, asked).then(() => assert.fail('answered'), (refusal) => refusal);
    assert.equal(explain(error).name, 'UnknownPolicy');
  }));

  test('parts of an error have causes of their own', () => {
    const part = (name) => Buffer.from(name.padEnd(32, '\0')).toString('hex');
    const word = (number) => number.toString(16).padStart(64, '0');
    // InvalidSnapshot(string)
    const data = (name) => `${SELECTOR}${word(32)}${word(name.length)}${part(name)}`;
    const SELECTOR = toFunctionSelector('InvalidSnapshot(string)');
    assert.match(explain(data('newest')).cause, /ahead of the chain's clock/);
    assert.match(explain({ data: data('coefficients') }).cause, /commitments to the coefficients/);
  });

  test('rejects_reverts_of_other_contracts', () => {
    const unknown = ['0x', '0x01020304', undefined, {}, new Error('no')];
    for (const error of unknown) assert.equal(explain(error), undefined);
  });
});

describe('examples', () => {
  test('ethers', () => attested(async (chain, asked) => {
    const { JsonRpcProvider } = await import('ethers');
    const { ask, refusal } = await import('../examples/ethers.mjs');
    const provider = new JsonRpcProvider(chain.node.url);
    try {
      assert.equal(await ask(provider, { ...asked, level: LEVEL, maxAge: 3600n }), true);
      const { name } = await refusal(provider, { ...asked, policy: `0x${'99'.repeat(32)}`, level: LEVEL, maxAge: 1n });
      assert.equal(name, 'UnknownPolicy');
    } finally {
      provider.destroy();
    }
  }));

  test('ethers signs the same', async () => {
    const { Wallet } = await import('ethers');
    const { sign } = await import('../examples/ethers.mjs');
    const { privateKeyToAccount } = await import('viem/accounts');
    const { statementTypedData } = await import('@surety/sdk');
    const key = `0x${'17'.repeat(32)}`;
    const [statement] = attestationFile().claim.statements;
    const expected = await privateKeyToAccount(key).signTypedData(statementTypedData(statement));
    assert.equal(await sign(new Wallet(key), statement), expected);
  });

  test('wagmi', () => attested(async (chain, asked) => {
    const { ask } = await import('../examples/wagmi.mjs');
    assert.equal(await ask(chain.node.url, { ...asked, level: LEVEL, maxAge: 3600n }), true);
  }));

  test('the quickstart asks', () => onChain(async (chain) => {
    const page = text('docs/src/quickstart.md');
    const [, script] = page.match(/```js\n(.*?)```/s);
    const path = join(scratch, 'quickstart', 'ask.mjs');
    mkdirSync(join(scratch, 'quickstart', 'node_modules', '@surety'), { recursive: true });
    symlinkSync(ROOT, join(scratch, 'quickstart', 'node_modules', '@surety', 'sdk'));
    writeFileSync(path, script);
    const { ask } = await import(path);
    const registry = await mockRegistry(chain);
    const [, subject] = chain.accounts;
    const asked = { registry, subject, policy: POLICY };
    assert.deepEqual(await ask(chain.public, asked), { sufficient: false, level: undefined });
    const { timestamp } = await chain.public.getBlock();
    await chain.write(registry, suretyMockRegistryAbi, 'vouch', [subject, POLICY, 0n, timestamp + 1000n]);
    assert.deepEqual(await ask(chain.public, asked), { sufficient: true, level: 0n });
  }));
});
