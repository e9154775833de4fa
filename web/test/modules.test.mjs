import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import {
  PAGE, PROVING_PAGE, ask, demo, demoOfClass, engine, observe, proofFiles, proofTerms, proveInNode, read, spoil,
  surety, verifiedByCommand, write,
} from './fixture.mjs';

/** The most that the module of a page may take, in bytes, compressed with gzip -9. */
const BUDGETS = { verifier: 1_500_000, prover: 1_500_000 };

const PAGES = { verifier: PAGE, prover: PROVING_PAGE };

/** The module in a page. */
function embedded(name) {
  const [, wasm] = readFileSync(PAGES[name], 'utf8').match(/id="wasm">([^<]+)</);
  return gunzipSync(Buffer.from(wasm, 'base64'));
}

let at;

before(() => {
  at = JSON.parse(read(demo(), 'attestation.json')).claim.valid_until - 60;
});

describe('the modules', () => {
  for (const [name, budget] of Object.entries(BUDGETS)) {
    test(`rejects_a_${name}_beyond_its_budget`, (context) => {
      const [module, page] = [embedded(name), readFileSync(PAGES[name])];
      const found = gzipSync(module, { level: 9 }).length;
      context.diagnostic(`${name}: ${module.length} bytes, ${found} compressed; the page ${page.length}`);
      assert.ok(found <= budget, `${name}: expected at most ${budget} bytes compressed, found ${found}; see what `
        + 'came in with cargo bloat, or with the names that --config profile.web.strip=false keeps');
    });
  }

  async function importsNothing(name, ...expected) {
    const module = await WebAssembly.compile(embedded(name));
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    const exported = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
    // The first is what getrandom calls, under the name that it has.
    assert.deepEqual(exported.map(({ name: found }) => found).sort(), ['__getrandom_custom', ...expected]);
  }

  test('the verifier imports nothing', () =>
    importsNothing('verifier', 'audit', 'check', 'pull', 'push', 'recognise', 'verify'));

  test('the prover imports nothing', () =>
    importsNothing('prover', 'bases', 'prove', 'pull', 'push', 'recognise', 'table'));
});

describe('proving in Node', () => {
  test('the command line accepts what the module proves, and both make the same claim', async () => {
    const [directory, prover] = [demo(), await engine('prover')];
    const expected = JSON.parse(read(directory, 'attestation.json'));
    const { ok, data } = proveInNode(prover, directory, at);
    assert.ok(ok);
    const found = JSON.parse(data.attestation);
    assert.notEqual(found.proof, expected.proof);
    assert.deepEqual({ ...found, proof: '' }, { ...expected, proof: '' });
    // Byte by byte but for the digits of the proof.
    const without = (text) => text.replace(/"proof": "0x[0-9a-f]+"/, '');
    assert.equal(without(data.attestation), without(read(directory, 'attestation.json')));
    write(directory, 'attestation.json', data.attestation);
    const verified = verifiedByCommand(directory, { at, strict: true });
    assert.equal(verified.ok, true, JSON.stringify(verified));
  });

  test('the module accepts what the command line proves', async () => {
    const directory = demo();
    const roles = { 'attestation.json': 'attestation', 'policy.compiled.json': 'compiled-policy' };
    const proven = proofFiles(directory).filter(({ role }) => !['statement', 'opening'].includes(role));
    const others = Object.entries(roles).map(([name, role]) => {
      return { role, name, content: new Uint8Array(readFileSync(join(directory, name))) };
    });
    const terms = { now: at, strict: false, allow_insecure_srs: true };
    const answer = ask(await engine('verifier'), 'verify', terms, [...proven, ...others]);
    assert.deepEqual(answer, verifiedByCommand(directory, { at }));
  });

  test('rejects_a_shortfall_unless_shortfalls_are_asked_for', async () => {
    const directory = demo();
    const policy = read(directory, 'policy.toml');
    // The capacity class of the example has room for the bits of few scenarios.
    const [head, ...scenarios] = policy.split('[[model.scenarios]]');
    const last = scenarios.slice(-4).map((scenario) => `[[model.scenarios]]${scenario}`).join('');
    const short = '[[levels]]\nname = "short"\nbasis = "maintenance"\nclaim = "shortfall"\n\n';
    write(directory, 'policy.toml', head.replace('[model]\n', `${short}[model]\n`) + last);
    const compiled = surety(directory, 'policy', 'compile', '--force');
    assert.ok(compiled.ok, JSON.stringify(compiled));
    spoil(directory, 'attestation.json', ({ claim }) => {
      claim.policy = JSON.parse(read(directory, 'policy.compiled.json')).policy;
      claim.level = 'short';
    });
    const roles = { 'attestation.json': 'attestation', 'policy.compiled.json': 'compiled-policy' };
    // Read anew for each question, since what is handed to a module is erased.
    const files = () => {
      const proven = proofFiles(directory).filter(({ role }) => !['statement', 'opening', 'trust'].includes(role));
      const others = Object.entries(roles).map(([name, role]) => {
        return { role, name, content: new Uint8Array(readFileSync(join(directory, name))) };
      });
      return [...proven, ...others];
    };
    const module = await engine('verifier');
    const code = (terms) => {
      const asked = { now: at, strict: false, allow_insecure_srs: true, ...terms };
      return ask(module, 'verify', asked, files()).error.code;
    };
    assert.equal(code({}), 'claimed');
    // Asked for, it fails because it was made for another claim.
    assert.equal(code({ shortfalls: true }), 'context');
  });

  test('over a set-up’s own file', async () => {
    const [directory, prover] = [demo(), await engine('prover')];
    const { developmentSetUp } = await import('./setup.mjs');
    const { g1, g2 } = developmentSetUp(10);
    const setUp = () => [
      { role: 'set-up', name: 'g1.dat', content: new Uint8Array(g1) },
      { role: 'set-up-g2', name: 'g2.dat', content: new Uint8Array(g2) },
    ];
    for (const step of ['bases', 'table']) {
      const answer = ask(prover, step, null, [...proofFiles(directory), ...setUp()]);
      assert.ok(answer.ok, JSON.stringify(answer));
    }
    assert.ok(ask(prover, 'prove', proofTerms(at), proofFiles(directory)).ok);
  });

  const refusals = [
    ['rejects_a_snapshot_that_no_trust_file_pins', { code: 'unpublished-snapshot', leave: 'trust' }],
    ['rejects_a_level_that_the_policy_has_not', { code: 'prove', terms: { level: 'other' } }],
    ['rejects_a_challenge_that_is_none', { code: 'term', terms: { presentation: 'please' } }],
    ['rejects_a_statement_without_its_opening', { code: 'account', leave: 'opening' }],
    [
      'rejects_an_opening_of_other_balances',
      {
        code: 'account',
        change: (dir) => spoil(dir, openingOf(dir), ({ holdings }) => { holdings.balances.pop(); }),
      },
    ],
    ['rejects_a_time_at_which_nothing_counts', { code: 'lapsed', later: 10 ** 6 }],
  ];
  for (const [name, { code, terms, change = () => {}, leave, later = 0 }] of refusals) {
    test(name, async () => {
      const [directory, prover] = [demo(), await engine('prover')];
      change(directory);
      for (const step of ['bases', 'table']) assert.ok(ask(prover, step, null, proofFiles(directory)).ok);
      const files = proofFiles(directory);
      if (leave) files.splice(files.findLastIndex(({ role }) => role === leave), 1);
      const answer = ask(prover, 'prove', proofTerms(at + later, terms), files);
      assert.equal(answer.ok, false);
      assert.equal(answer.error.code, code, answer.error.message);
    });
  }

  test('rejects_an_account_that_is_insufficient', async () => {
    const directory = demoOfClass(10, { 'custodian-south': [/USDC,-\d+/, 'USDC,-99250000000000'] });
    const now = Math.floor(Date.now() / 1000);
    const { error } = proveInNode(await engine('prover'), directory, now, { unpublished_snapshot: true });
    assert.equal(error.code, 'insufficient', error.message);
    assert.equal(error.class, 'insufficient');
  });

  test('rejects_a_third_snapshot_of_an_epoch', async () => {
    const [directory, prover] = [demoOfClass(10), await engine('prover')];
    const snapshots = [7, 8, 9].map((digit) => {
      for (const node of [1, 2, 3]) {
        const table = `market/node-${node}.csv`;
        write(directory, table, read(directory, table).replace(/^(SOL-USD,\d+)\d,/m, `$1${digit},`));
      }
      observe(directory);
      return read(directory, 'market.json');
    });
    assert.equal(new Set(snapshots.map((snapshot) => JSON.parse(snapshot).epoch)).size, 1, 'a new epoch: try again');
    const prove = (snapshot) => {
      write(directory, 'market.json', snapshot);
      const now = Math.floor(Date.now() / 1000);
      const { ok, error } = proveInNode(prover, directory, now, { unpublished_snapshot: true });
      return ok || error.code;
    };
    // One that was proven against may be proven against again.
    const [first, second, third] = snapshots;
    assert.deepEqual([first, second, third, second].map(prove), [true, true, 'snapshots', true]);
  });

  test('rejects_a_set_up_that_is_not_at_hand', async () => {
    const directory = demo();
    write(directory, 'universe.toml', read(directory, 'universe.toml').replace(/^srs = .*$/m, 'srs = "ppot-0085"'));
    const { error } = ask(await engine('prover'), 'bases', null, proofFiles(directory));
    assert.equal(error.code, 'set-up');
    assert.match(error.message, /surety srs get ppot-0085/);
  });

  test('rejects_a_class_that_is_too_large', async () => {
    const directory = demo();
    write(directory, 'universe.toml', read(directory, 'universe.toml').replace(/^capacity = .*$/m, 'capacity = 14'));
    const { error } = ask(await engine('prover'), 'bases', null, proofFiles(directory));
    assert.equal(error.code, 'capacity');
  });

  test('rejects_a_proof_before_its_key', async () => {
    const { error } = ask(await engine('prover'), 'prove', proofTerms(at), proofFiles(demo()));
    assert.match(error.message, /key to be made/);
  });
});

describe('randomness', () => {
  /** Runs with another generator than the browser's. */
  async function withGenerator(generator, run) {
    const original = crypto.getRandomValues;
    crypto.getRandomValues = generator;
    try {
      return await run();
    } finally {
      crypto.getRandomValues = original;
    }
  }
  /** Has a proof at hand. */
  const prepared = async () => {
    const [directory, prover] = [demo(), await engine('prover')];
    for (const step of ['bases', 'table']) assert.ok(ask(prover, step, null, proofFiles(directory)).ok);
    return () => ask(prover, 'prove', proofTerms(at), proofFiles(directory));
  };

  /** Attack: a page or a browser whose generator gives nothing. */
  test('rejects_proving_without_randomness', async () => {
    const prove = await prepared();
    for (const byte of [0, 255]) {
      const { error } = await withGenerator((array) => array.fill(byte), prove);
      assert.match(error.message, /expected a seed that was drawn/);
    }
    await assert.rejects(withGenerator(() => { throw new Error('no entropy'); }, prove), /no entropy/);
    assert.ok(prove().ok);
  });

  /** Attack: a generator that repeats itself. */
  test('rejects_a_seed_twice', async () => {
    const prove = await prepared();
    const counting = (array) => array.map((_, index) => index + 1);
    assert.ok((await withGenerator(counting, prove)).ok);
    assert.match((await withGenerator(counting, prove)).error.message, /expected a seed that was drawn/);
  });

  test('every random number of a proof follows from the seed', async () => {
    const seeded = (seed) => (array) => {
      for (let index = 0; index < array.length; index += 1) array[index] = index * seed + 1;
      return array;
    };
    const proofs = [];
    for (const seed of [3, 3, 5]) {
      const prove = await prepared();
      const { data } = await withGenerator(seeded(seed), prove);
      proofs.push(JSON.parse(data.attestation).proof);
    }
    assert.equal(proofs[0], proofs[1]);
    assert.notEqual(proofs[0], proofs[2]);
  });
});

describe('memory', () => {
  const MODULUS = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

  /** A scalar as halves, bytes and digits write it: as it is, and as Montgomery has it, in both orders. */
  function forms(hex) {
    const number = BigInt(`0x${hex}`);
    const word = (value) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
    const words = [word(number), word((number << 256n) % MODULUS)];
    return [...words, ...words.map((bytes) => Buffer.from(bytes).reverse()), Buffer.from(hex)];
  }

  /** What the openings of a directory hide. */
  function secrets(directory) {
    const openings = proofFiles(directory).filter(({ role }) => role === 'opening');
    return openings.flatMap(({ content }) => {
      const { masks, holdings } = JSON.parse(Buffer.from(content));
      const scalars = masks.slice(2).match(/.{64}/g).flatMap(forms);
      // Shorter numbers are elsewhere by chance.
      const amounts = holdings.balances.map(({ lots }) => Buffer.from(lots)).filter(({ length }) => length >= 8);
      return [...scalars, ...amounts];
    });
  }

  const traces = (module, wanted) => {
    const memory = Buffer.from(module.memory.buffer);
    return wanted.filter((bytes) => memory.includes(bytes)).map((bytes) => bytes.toString('hex'));
  };

  /** Attack: somebody who reads the memory of a page that stays open. */
  test('rejects_traces_of_secrets_in_memory', async () => {
    const [directory, prover] = [demo(), await engine('prover')];
    const wanted = secrets(directory);
    assert.ok(wanted.length > 100, `${wanted.length} secrets`);
    assert.ok(proveInNode(prover, directory, at).ok);
    assert.deepEqual(traces(prover, wanted), []);
    // Nor after a proof that fails late, or a file that is only recognised.
    spoil(directory, openingOf(directory), ({ holdings }) => { holdings.balances.pop(); });
    assert.equal(proveInNode(prover, directory, at).ok, false);
    for (const file of proofFiles(directory)) ask(prover, 'recognise', 'proving', [file]);
    assert.deepEqual(traces(prover, wanted), []);
    // The search finds what is there.
    const memory = new Uint8Array(prover.memory.buffer);
    memory.set(wanted[7], memory.length - 200);
    assert.equal(traces(prover, wanted).length, 1);
  });

  test('files that were handed over are overwritten', async () => {
    const [directory, prover] = [demo(), await engine('prover')];
    const files = proofFiles(directory);
    ask(prover, 'recognise', 'proving', files);
    assert.ok(files.every(({ content }) => content.every((byte) => byte === 0)));
  });
});

/** The name of the first opening in a directory. */
function openingOf(directory) {
  return proofFiles(directory).find(({ role }) => role === 'opening').name;
}
