import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import { Verifier, readAttestation } from '@surety/sdk';

import { ROOT, demo, scratch, surety } from './fixture.mjs';

const NAMES = {
  attestation: 'attestation.json', universe: 'universe.toml', policy: 'policy.toml', market: 'market.json',
  compiledPolicy: 'policy.compiled.json', trust: 'trust.toml',
};

let [verifier, files, now] = [];

before(async () => {
  verifier = await Verifier.load();
  const read = ([key, name]) => [key, readFileSync(join(demo(), name), 'utf8')];
  files = Object.fromEntries(Object.entries(NAMES).map(read));
  now = readAttestation(files.attestation).claim.valid_until - 60;
});

const byCommand = (...options) => surety(demo(), 'verify', 'attestation.json', '--universe', 'universe.toml',
  '--policy', 'policy.toml', '--market', 'market.json', '--trust', 'trust.toml', '--at', String(now), ...options);

describe('the verifier answers as the command line does', () => {
  test('on a valid attestation', () => {
    const answer = verifier.verify(files, { now, strict: true, allowInsecureSrs: true });
    assert.equal(answer.ok, true, JSON.stringify(answer));
    assert.equal(answer.data.level, 'maintenance');
    assert.deepEqual(answer, byCommand('--strict', '--allow-insecure-srs'));
  });

  test('again, on bytes, and without overwriting them', () => {
    const bytes = new TextEncoder().encode(files.policy);
    const kept = bytes.slice();
    const policy = { name: 'policy.toml', content: bytes };
    for (let time = 0; time < 2; time += 1) {
      assert.ok(verifier.verify({ ...files, policy }, { now, allowInsecureSrs: true }).ok);
    }
    assert.deepEqual(bytes, kept);
  });

  test('from a module that the caller brings', async () => {
    const compressed = readFileSync(join(ROOT, '..', 'web', 'dist', 'verifier.wasm.gz'));
    const own = await Verifier.load(compressed);
    assert.ok(own.verify(files, { now, allowInsecureSrs: true }).ok);
  });

  test('in a worker', async () => {
    const script = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { Verifier } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist', 'esm', 'index.js')))};
      const verifier = await Verifier.load();
      parentPort.postMessage(verifier.verify(workerData.files, workerData.terms));
    `;
    const path = join(scratch, 'worker.mjs');
    writeFileSync(path, script);
    const worker = new Worker(path, { workerData: { files, terms: { now, allowInsecureSrs: true } } });
    const answer = await new Promise((answered, failed) => worker.once('message', answered).once('error', failed));
    assert.ok(answer.ok);
  });
});

describe('refusals', () => {
  const refused = (changes, terms = {}) =>
    verifier.verify({ ...files, ...changes }, { now, allowInsecureSrs: true, ...terms });

  test('rejects_the_development_set_up_by_default', () => {
    const answer = verifier.verify(files, { now });
    assert.equal(answer.ok, false);
    assert.deepEqual(answer.error, byCommand().error);
  });

  test('rejects_an_attestation_that_has_lapsed', () => {
    assert.equal(refused({}, { now: now + 1_000_000 }).error.code, 'lapsed');
  });

  test('rejects_a_proof_that_was_changed', () => {
    const other = (_, head, digit) => head + (digit === '1' ? 2 : 1);
    const attestation = files.attestation.replace(/("proof": "0x.{100})(.)/, other);
    const answer = refused({ attestation });
    assert.equal(answer.ok, false);
    assert.equal(answer.error.class, 'invalid');
  });

  test('rejects_a_claim_that_was_changed', () => {
    const attestation = files.attestation.replace('"level": "maintenance"', '"level": "initial"');
    assert.equal(refused({ attestation }).error.code, 'context');
  });

  test('rejects_missing_files', () => {
    assert.equal(refused({ universe: undefined }).error.code, 'file');
  });

  test('rejects_a_module_that_is_none', () => assert.rejects(Verifier.load(new Uint8Array([1, 2, 3]))));
});
