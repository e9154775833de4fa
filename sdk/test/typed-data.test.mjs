import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { hashTypedData, keccak256, recoverTypedDataAddress, stringToBytes } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

import {
  CONSENT_TYPES, DOMAIN, GRANT_TYPES, REPORT_TYPES, SNAPSHOT_TYPES, STATEMENT_TYPES, SignatureError, accountId,
  checkSignatures, consentTypedData, grantTypedData, levelId, lienRegistryAbi, readAttestation, readStatement,
  reportTypedData, snapshotOracleAbi, snapshotTypedData, statementTypedData,
} from '@surety/sdk';

import {
  AUDIENCE, COEFFICIENTS, DIGESTS, POLICY, ROOT, attestationFile, demo, onChain, publish, publishSigned, surety, text,
} from './fixture.mjs';

const LETTERS = [
  ['statement', STATEMENT_TYPES, ['verifier/src/attestation/statement.rs', 'contracts/src/libraries/Constants.sol']],
  ['report', REPORT_TYPES, ['verifier/src/attestation/report.rs']],
  ['snapshot', SNAPSHOT_TYPES, ['contracts/src/libraries/Constants.sol']],
  ['consent', CONSENT_TYPES, ['verifier/src/attestation/consent.rs', 'contracts/src/libraries/Constants.sol']],
  ['grant', GRANT_TYPES, ['contracts/src/libraries/Constants.sol']],
];

describe('types', () => {
  for (const [name, types, sources] of LETTERS) {
    test(`of a ${name} are those of the sources`, () => {
      const [primaryType] = Object.keys(types);
      const written = `${primaryType}(${types[primaryType].map(({ type, name: field }) => `${type} ${field}`)})`;
      // Rust continues a text behind a backslash, Solidity in another literal.
      const joined = (path) => text(path).replace(/\\\n/g, '').replace(/"\s*\n\s*"/g, '');
      for (const source of sources) assert.ok(joined(source).includes(`"${written}"`), `${source}: ${written}`);
    });
  }

  test('the domain is that of the contracts', () => {
    const constants = text('contracts/src/libraries/Constants.sol');
    assert.ok(constants.includes(`EIP712_NAME = "${DOMAIN.name}"`));
    assert.ok(constants.includes(`EIP712_VERSION = "${DOMAIN.version}"`));
  });
});

describe('hashes', () => {
  test('of statements are those of the Rust library', () => {
    const { claim } = attestationFile();
    assert.deepEqual(claim.statements.map((statement) => hashTypedData(statementTypedData(statement))), DIGESTS);
  });

  test('of statements are those that a trust file pins', () => {
    const directory = demo();
    const trust = readFileSync(join(directory, 'trust.toml'), 'utf8');
    const { claim } = readAttestation(readFileSync(join(directory, 'attestation.json'), 'utf8'));
    for (const statement of claim.statements) {
      assert.ok(trust.includes(`statement = "${hashTypedData(statementTypedData(statement))}"`));
    }
  });

  test('of reports are those that nodes have signed', async () => {
    const seed = JSON.parse(text('fuzz/seeds/report/demo.json'));
    const signer = await recoverTypedDataAddress({ ...reportTypedData(seed), signature: seed.signature });
    assert.equal(signer.toLowerCase(), seed.oracle);
    // An entry that the node does not follow.
    const fewer = { ...seed, observations: ['absent', ...seed.observations.slice(1)] };
    const { message } = reportTypedData(fewer);
    assert.deepEqual([message.observed[0], message.prices[0], message.ages[0]], [false, 0n, 0n]);
  });

  test('of consents are those that a subject signs', () => {
    // As `surety demo` derives keys from names.
    process.env.KEY = keccak256(stringToBytes('surety demo key: meridian')).slice(2);
    const directory = demo();
    const options = ['--key-env', 'KEY', '--out', 'consented.json', '--force'];
    const answer = surety(directory, 'consent', 'attestation.json', ...options);
    assert.ok(answer.ok, JSON.stringify(answer));
    return checkSignatures(readAttestation(readFileSync(join(directory, 'consented.json'), 'utf8')));
  });

  test('of identifiers are those of the contracts’ fixture', () => {
    const [{ account }] = JSON.parse(text('contracts/test/fixtures/attestations-k11.json')).publication.sources;
    assert.equal(accountId('main'), account);
    assert.notEqual(levelId('initial'), levelId('initial', true));
  });
});

describe('contracts accept what is signed', () => {
  const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);

  test('snapshots', () => onChain(async (chain) => {
    const policy = await publishSigned(chain, account.address);
    const { timestamp } = await chain.public.getBlock();
    const time = Number(timestamp);
    const snapshot = {
      policy, epoch: BigInt(Math.floor(time / 3600)), time, newest: time, slack: 3000, marked: false,
      id: `0x${'5a'.repeat(32)}`, coefficients: COEFFICIENTS,
    };
    const at = { chainId: 31337, oracle: chain.oracle };
    const signature = await account.signTypedData(snapshotTypedData(at, snapshot));
    await chain.write(chain.oracle, snapshotOracleAbi, 'submit', [snapshot, [account.address], [signature]]);
    const latest = await chain.public.readContract({
      address: chain.oracle, abi: snapshotOracleAbi, functionName: 'latest', args: [policy],
    });
    assert.equal(latest.time, time);
  }));

  test('liens', () => onChain(async (chain) => {
    await publish(chain);
    const lienRegistry = await chain.deploy('LienRegistry', lienRegistryAbi, [chain.registry]);
    const grant = {
      subject: account.address, policy: POLICY, consumer: chain.accounts[1], until: 1_900_000_000, nonce: 0n,
      deadline: 1_900_000_000n,
    };
    const signature = await account.signTypedData(grantTypedData({ chainId: 31337, lienRegistry }, grant));
    const { subject, policy, consumer, until, deadline } = grant;
    const granted = [subject, policy, consumer, until, deadline, signature];
    await chain.write(lienRegistry, lienRegistryAbi, 'grantFor', granted);
    const secured = await chain.public.readContract({
      address: lienRegistry, abi: lienRegistryAbi, functionName: 'securedUntil', args: [consumer, subject, policy],
    });
    assert.equal(secured, until);
  }));
});

describe('the files for wallets and hardware', () => {
  const directory = join(ROOT, 'typed-data');
  const statement = attestationFile().claim.statements[0];
  const report = JSON.parse(text('fuzz/seeds/report/demo.json'));
  const address = (digit) => `0x${digit.repeat(40)}`;
  const word = (digit) => `0x${digit.repeat(64)}`;
  const EXAMPLES = {
    statement: statementTypedData(statement),
    report: reportTypedData(report),
    snapshot: snapshotTypedData({ chainId: 31337, oracle: address('1') }, {
      policy: word('2'), epoch: 500_000n, time: 1_800_000_600, newest: 1_800_000_610, slack: 900, marked: false,
      id: word('3'), coefficients: [1n, 2n],
    }),
    consent: consentTypedData(AUDIENCE, word('4')),
    grant: grantTypedData({ chainId: 31337, lienRegistry: address('5') }, {
      subject: address('6'), policy: word('7'), consumer: address('8'), until: 1_900_000_000, nonce: 0n,
      deadline: 1_900_000_000n,
    }),
  };
  const FIELDS = { name: 'string', version: 'string', chainId: 'uint256', verifyingContract: 'address' };

  /** What `eth_signTypedData_v4` takes, and the hash that is signed. */
  function file(example) {
    const { domain, types, primaryType, message } = example;
    const EIP712Domain = Object.keys(domain).map((name) => ({ name, type: FIELDS[name] }));
    const written = { types: { EIP712Domain, ...types }, primaryType, domain, message };
    const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);
    return `${JSON.stringify({ ...written, digest: hashTypedData(example) }, plain, 2)}\n`;
  }

  for (const [name, example] of Object.entries(EXAMPLES)) {
    test(`typed-data/${name}.json is current`, () => {
      const path = join(directory, `${name}.json`);
      if (process.env.UPDATE) writeFileSync(path, file(example));
      assert.equal(readFileSync(path, 'utf8'), file(example), 'if it is on purpose: UPDATE=1 npm test');
    });
  }

  test('there are no others', () => {
    assert.deepEqual(readdirSync(directory).sort(), Object.keys(EXAMPLES).map((name) => `${name}.json`).sort());
  });
});

describe('signatures and forms', () => {
  const changed = (change) => {
    const file = structuredClone(attestationFile());
    change(file);
    return file;
  };

  test('of the fixture are right', () => checkSignatures(attestationFile()));

  const REFUSED = {
    rejects_a_statement_that_was_changed: ({ claim }) => { claim.statements[1].sequence += 1; },
    rejects_a_statement_of_another_source: ({ claim }) => { claim.statements[0].source = `0x${'11'.repeat(20)}`; },
    rejects_a_statement_about_another_subject: ({ claim }) => { claim.subject = `0x${'11'.repeat(20)}`; },
    rejects_a_statement_for_another_registry: ({ claim }) => {
      claim.audience = { ...claim.audience, registry: `0x${'11'.repeat(20)}` };
    },
    rejects_bytes_that_are_no_signature: ({ claim }) => { claim.statements[2].signature = `0x${'00'.repeat(65)}`; },
    rejects_a_consent_of_another: (file) => { file.consent = file.claim.statements[0].signature; },
  };
  for (const [name, change] of Object.entries(REFUSED)) {
    test(name, () => assert.rejects(checkSignatures(changed(change)), SignatureError));
  }

  test('large numbers stay as they are written', () => {
    const seed = text('fuzz/seeds/statement/demo.json').replace(/"sequence": \d+/, '"sequence": 18446744073709551615');
    const statement = readStatement(seed);
    assert.equal(statementTypedData(statement).message.sequence, 2n ** 64n - 1n);
  });

  const FORMS = {
    rejects_text_that_is_no_json: ['{', /expected JSON/],
    rejects_another_kind: [JSON.stringify({ ...attestationFile(), kind: 'surety/statement' }), /^kind: expected/],
    rejects_another_version: [JSON.stringify({ ...attestationFile(), version: 3 }), /^version: expected/],
    rejects_a_missing_field: [JSON.stringify({ ...attestationFile(), context: undefined }), /^context: expected/],
    rejects_a_statement_of_another_form: [
      JSON.stringify(changed(({ claim }) => { claim.statements[1].as_of = -1; })),
      /^claim.statements\[1\].as_of: expected/,
    ],
    rejects_numbers_that_are_not_whole: [
      JSON.stringify(changed(({ claim }) => { claim.epoch = 1.5; })), /^claim.epoch: expected/,
    ],
  };
  for (const [name, [content, message]] of Object.entries(FORMS)) {
    test(name, () => assert.throws(() => readAttestation(content), { name: 'FileError', message }));
  }
});
