import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { developmentSetUp } from './setup.mjs';
import {
  FILES, PAGE, SCREENSHOTS, demo, give, launch, open, read, serve, spoil, verifiedByCommand, verify, write,
} from './fixture.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser;
let server;
let at;

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [browser, server] = [await launch(), await serve()];
  at = JSON.parse(read(demo(), 'attestation.json')).claim.valid_until - 60;
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** Verifies the files of a directory on a fresh page. */
async function onPage(directory, options = {}, names = FILES) {
  const opened = await open(browser, options.page);
  await give(opened.page, directory, options.trust === false ? names.filter((name) => name !== 'trust.toml') : names);
  const answer = await verify(opened.page, { at, ...options });
  return { ...opened, answer };
}

const verdict = (page) => page.locator('#verdict').textContent();
const text = (page) => page.locator('#result').innerText();

describe('the page says what the command line says', () => {
  const flip = (text) => text.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  const cases = [
    ['an attestation in order', () => {}, { ok: true }],
    ['in strict mode', () => {}, { ok: true }, { strict: true }],
    ['rejects_the_development_set_up', () => {}, { code: 'set-up' }, { insecure: false }],
    ['rejects_what_has_lapsed', () => {}, { code: 'lapsed' }, { later: 61 }],
    ['rejects_what_is_from_the_future', () => {}, { code: 'not-yet' }, { later: -100_000 }],
    [
      'rejects_a_changed_proof',
      (dir) => spoil(dir, 'attestation.json', (value) => { value.proof = flip(value.proof); }),
      { code: 'proof' },
    ],
    [
      'rejects_a_changed_context',
      (dir) => spoil(dir, 'attestation.json', (value) => { value.context = `0x00${'11'.repeat(31)}`; }),
      { code: 'context' },
    ],
    [
      'rejects_another_subject',
      (dir) => spoil(dir, 'attestation.json', ({ claim }) => { claim.subject = `0x${'22'.repeat(20)}`; }),
      { code: 'subject' },
    ],
    [
      'rejects_another_level',
      (dir) => spoil(dir, 'attestation.json', ({ claim }) => { claim.level = 'initial'; }),
      { code: 'context' },
    ],
    [
      'rejects_a_changed_statement',
      (dir) => spoil(dir, 'attestation.json', ({ claim }) => { claim.statements[0].sequence += 1; }),
      { code: 'signature' },
    ],
    [
      'rejects_a_missing_statement',
      (dir) => spoil(dir, 'attestation.json', ({ claim }) => { claim.statements.pop(); }),
      { code: 'statement-set' },
    ],
    [
      'rejects_a_later_end',
      (dir) => spoil(dir, 'attestation.json', ({ claim }) => { claim.valid_until += 10 ** 6; }),
      { code: 'validity' },
    ],
    [
      'rejects_a_changed_price',
      (dir) => spoil(dir, 'market.json', ({ prices }) => { prices[0].price += 1; }),
      { code: 'reference' },
    ],
    [
      'rejects_a_changed_report',
      (dir) => spoil(dir, 'market.json', ({ reports }) => { reports[0].observed_at -= 1; }),
      { ok: false },
    ],
    [
      'rejects_another_registry_than_is_pinned',
      (dir) => write(dir, 'trust.toml', read(dir, 'trust.toml').replace(/registry = "0x..../, 'registry = "0xabcd')),
      { code: 'anchor' },
    ],
    [
      'rejects_an_older_epoch_than_is_known',
      (dir) => write(dir, 'trust.toml', read(dir, 'trust.toml').replace(/^epoch = .*$/m, 'epoch = 4000000000')),
      { code: 'superseded' },
    ],
    [
      'rejects_a_mistake_in_a_file',
      (dir) => write(dir, 'market.json', read(dir, 'market.json').replace('"epoch"', '"epoque"')),
      { code: 'input' },
    ],
    [
      'rejects_a_file_that_cannot_be_parsed',
      (dir) => write(dir, 'universe.toml', `${read(dir, 'universe.toml')}\n]`),
      { code: 'input' },
    ],
    [
      'rejects_another_version_of_a_format',
      (dir) => write(dir, 'policy.toml', read(dir, 'policy.toml').replace(/^version = 1$/m, 'version = 2')),
      { code: 'input', class: 'mismatch' },
    ],
  ];
  for (const [name, change, expected, { later = 0, ...terms } = {}] of cases) {
    test(name, async () => {
      const directory = demo();
      change(directory);
      const options = { ...terms, at: at + later };
      const { page, answer, errors, close } = await onPage(directory, options);
      assert.deepEqual(answer, verifiedByCommand(directory, options));
      assert.equal(answer.ok, expected.ok ?? false);
      if (expected.code) assert.equal(answer.error.code, expected.code);
      if (expected.class) assert.equal(answer.error.class, expected.class);
      const refusal = answer.error?.code === 'input' ? 'Not verified' : 'Refused';
      assert.equal(await verdict(page), answer.ok ? 'This proves nothing' : refusal);
      assert.deepEqual(errors, []);
      // What the answer says is on the page, for people.
      const shown = await text(page);
      for (const problem of answer.error?.problems ?? []) {
        for (const key of ['input', 'expected', 'found', 'advice']) assert.ok(shown.includes(problem[key] ?? ''), key);
      }
      for (const limit of answer.data?.not_established ?? []) assert.ok(shown.includes(limit));
      await close();
    });
  }

  test('what is taken on faith without a trust file', async () => {
    const directory = demo();
    const { page, answer, close } = await onPage(directory, { trust: false });
    const expected = verifiedByCommand(directory, { at, trust: false });
    // The command line has made the commitments itself.
    const commitments = answer.data.faith.filter(({ anchor }) => anchor === 'commitments');
    assert.equal(commitments.length, 1);
    const faith = answer.data.faith.filter((faith) => !commitments.includes(faith));
    assert.deepEqual({ ...answer.data, faith }, expected.data);
    const shown = await text(page);
    for (const faith of answer.data.faith) assert.ok(shown.includes(faith.text));
    await close();
  });

  test('with the set-up’s file the commitments are computed here', async (context) => {
    const directory = demo();
    const { g1, g2 } = developmentSetUp(10);
    write(directory, 'g1.dat', g1);
    write(directory, 'g2.dat', g2);
    // It is not even looked at.
    write(directory, 'policy.compiled.json', '{ "kind": "surety/compiled-policy" }');
    const { page, answer, close } = await onPage(directory, { trust: false }, [...FILES, 'g1.dat', 'g2.dat']);
    assert.deepEqual(answer, verifiedByCommand(directory, { at, trust: false }));
    const took = (await text(page)).match(/Took\s+(\d+) ms/)[1];
    context.diagnostic(`with the commitments of a policy at k = 10: ${took} ms`);
    await close();
  });

  test('rejects_a_changed_set_up', async () => {
    const directory = demo();
    const { g1, g2 } = developmentSetUp(10);
    const swapped = Buffer.concat([g1.subarray(0, 64), g1.subarray(128, 192), g1.subarray(64, 128), g1.subarray(192)]);
    write(directory, 'g1.dat', swapped);
    write(directory, 'g2.dat', g2);
    const { page, answer, close } = await onPage(directory, {}, [...FILES, 'g1.dat', 'g2.dat']);
    assert.equal(answer.error.code, 'set-up');
    assert.match(await text(page), /not powers of the τ/);
    await close();
  });

  test('rejects_faith_in_strict_mode', async () => {
    const { page, answer, close } = await onPage(demo(), { trust: false, strict: true });
    assert.equal(answer.error.code, 'strict');
    assert.equal(await verdict(page), 'Refused');
    await close();
  });

  test('rejects_published_commitments_that_were_changed', async () => {
    const directory = demo();
    spoil(directory, 'policy.compiled.json', ({ levels: [level] }) => {
      [level.idx, level.flag] = [level.flag, level.idx];
    });
    const { page, answer, close } = await onPage(directory);
    assert.equal(answer.error.code, 'policy');
    assert.equal(await verdict(page), 'Not verified');
    await close();
  });
});

describe('verdicts', () => {
  test('over a ceremony’s set-up it is accepted', async () => {
    const { page, answer, close } = await onPage(demo());
    // No proof over a ceremony is at hand: the answer is this one, with the set-up’s flag as it would be.
    await page.evaluate((answer) => {
      const terms = { now: answer.data.valid_until, strict: false, allow_insecure_srs: false };
      show(JSON.stringify(answer), [], terms, 1);
    }, { ...answer, data: { ...answer.data, insecure_srs: false } });
    assert.equal(await verdict(page), 'Accepted');
    assert.match(await text(page), /satisfies maintenance of/);
    await page.evaluate(axe);
    assert.deepEqual((await page.evaluate(() => window.axe.run())).violations, []);
    await page.screenshot({ path: join(SCREENSHOTS, 'accepted.png'), fullPage: true });
    await close();
  });

  test('a valid proof over the development set-up proves nothing, loudly', async () => {
    const { page, close } = await onPage(demo());
    assert.equal(await verdict(page), 'This proves nothing');
    assert.match(await text(page), /INSECURE/);
    await close();
  });

  test('an answer goes when what it was about changes', async () => {
    const { page, close } = await onPage(demo());
    await page.setChecked('#strict', true);
    assert.equal(await page.locator('#result').isVisible(), false);
    await close();
  });

  test('the time is the clock’s unless it is given', async () => {
    const { page, close } = await open(browser);
    await give(page, demo());
    const start = Math.floor(Date.now() / 1000);
    await verify(page);
    const shown = Date.parse((await text(page)).match(/Time\s+(\S+Z)/)[1]) / 1000;
    assert.ok(start <= shown && shown <= Date.now() / 1000);
    await close();
  });

  test('verifying takes less than a second', async (context) => {
    const { page, close } = await open(browser);
    await give(page, demo());
    const times = [];
    for (let run = 0; run < 5; run += 1) {
      await verify(page, { at });
      times.push(Number((await text(page)).match(/Took\s+(\d+) ms/)[1]));
    }
    context.diagnostic(`one attestation in Chromium: ${times.join(', ')} ms`);
    // The machine of a test may be ten times slower than it should be.
    assert.ok(Math.min(...times) < 10_000);
    await close();
  });
});

describe('files', () => {
  test('a folder is enough, and what is secret or needless in it is told', async () => {
    const directory = demo();
    const { page, close } = await open(browser);
    await page.locator('#folder').setInputFiles(directory);
    await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
    assert.match(await page.locator('#others .alarm').innerText(), /private.*hidden balances.*secret/);
    assert.match(await page.locator('#others summary').innerText(), /other files are not used/);
    // Two attestations are audited together, unless one is chosen.
    const select = page.getByLabel('Attestation', { exact: true });
    assert.equal(await select.evaluate((element) => element.selectedOptions[0].text), 'All 2, audited together');
    const options = await select.locator('option').allTextContents();
    for (const [name, level] of [['attestation', 'maintenance'], ['attestation-initial', 'initial']]) {
      await select.selectOption({ label: options.find((path) => path.endsWith(`/${name}.json`)) });
      assert.equal((await verify(page, { at })).data.level, level);
    }
    await close();
  });

  for (const where of ['file', 'http']) {
    test(`files and folders can be dropped, page from ${where}`, async () => {
      const { page, close } = await open(browser, where === 'http' ? { url: server.url } : {});
      const directory = demo();
      const session = await page.context().newCDPSession(page);
      const drop = async (files) => {
        const data = { items: [], files, dragOperationsMask: 1 };
        for (const type of ['dragEnter', 'dragOver', 'drop']) {
          await session.send('Input.dispatchDragEvent', { type, x: 200, y: 400, data });
        }
      };
      await drop([directory]);
      await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
      await page.getByLabel('Attestation', { exact: true }).selectOption({ index: 1 });
      assert.equal((await verify(page, { at })).ok, true);
      await close();
    });
  }

  test('what is missing is named, and without it nothing is verified', async () => {
    const { page, close } = await open(browser);
    assert.equal(await page.locator('#act').isDisabled(), true);
    await give(page, demo(), FILES.filter((name) => name !== 'market.json' && name !== 'trust.toml'));
    assert.equal(await page.locator('#missing').innerText(), 'Still missing: market snapshot.');
    assert.equal(await page.locator('#act').isDisabled(), true);
    await close();
  });

  test('a file that was changed replaces the one before', async () => {
    const directory = demo();
    const { page, close } = await onPage(directory);
    spoil(directory, 'attestation.json', ({ claim }) => { claim.statements.pop(); });
    await give(page, directory, ['attestation.json']);
    assert.equal((await verify(page, { at })).error.code, 'statement-set');
    await close();
  });
});

describe('hostile content', () => {
  const payload = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;

  test('rejects_markup_in_file_names_and_contents', async () => {
    const directory = demo();
    const name = `"><img src=x onerror='window.pwned=1'>.json`;
    spoil(directory, 'attestation.json', ({ claim }) => { claim.level = payload; });
    renameSync(join(directory, 'attestation.json'), join(directory, name));
    write(directory, `<svg onload='window.pwned=1'>.txt`, payload);
    const { page, errors, close } = await open(browser);
    await give(page, directory, [name, `<svg onload='window.pwned=1'>.txt`, ...FILES]);
    const answer = await verify(page, { at });
    assert.equal(answer.error.code, 'input');
    assert.ok((await text(page)).includes('<img src=x onerror'));
    assert.ok((await page.locator('#parts').innerText()).includes(name));
    assert.equal(await page.evaluate(() => window.pwned ?? document.querySelectorAll('img, svg').length), 0);
    assert.deepEqual(errors, []);
    await close();
  });

  test('rejects_injection_even_if_the_page_tried', async () => {
    const { page, close } = await open(browser);
    const outcome = await page.evaluate((markup) => {
      try {
        document.body.innerHTML = markup;
        return 'injected';
      } catch (error) {
        return error.name;
      }
    }, payload);
    assert.equal(outcome, 'TypeError');
    await close();
  });

  test('huge, empty and binary files are turned away', async () => {
    const directory = demo();
    write(directory, 'empty.json', '');
    write(directory, 'binary.bin', Buffer.from([0xff, 0xfe, 0, 1]));
    write(directory, 'deep.json', '['.repeat(100_000));
    write(directory, 'market.json', Buffer.from([0x7b, 0xff]));
    const { page, errors, close } = await open(browser);
    await give(page, directory, ['empty.json', 'binary.bin', 'deep.json', ...FILES]);
    assert.match(await page.locator('#others summary').innerText(), /^4 other files/);
    assert.match(await page.locator('#missing').innerText(), /market snapshot/);
    assert.deepEqual(errors, []);
    await close();
  });
});

describe('the network', () => {
  for (const where of ['file', 'http']) {
    test(`only the page itself is asked for, from ${where}`, async () => {
      const { page, requests, errors, url, close } = await open(browser, where === 'http' ? { url: server.url } : {});
      await give(page, demo());
      assert.equal((await verify(page, { at })).ok, true);
      assert.deepEqual(requests, [url]);
      assert.deepEqual(errors, []);
      if (where === 'http') assert.ok(server.asked.every((path) => path === '/'));
      await close();
    });
  }

  test('rejects_every_way_out', async () => {
    const { page, requests, url, close } = await open(browser, { url: server.url });
    const blocked = await page.evaluate(async (own) => {
      const violated = new Set();
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
        violated.add(effectiveDirective);
      });
      const failed = await Promise.allSettled([fetch(own), fetch('https://example.org/')]);
      new Image().src = 'https://example.org/a.png';
      const elements = [
        ['iframe', 'src', 'https://example.org/'],
        ['link', 'href', 'https://example.org/a.css'],
        ['video', 'src', 'https://example.org/a.mp4'],
      ];
      for (const [tag, key, value] of elements) {
        document.head.append(Object.assign(document.createElement(tag), { [key]: value, rel: 'stylesheet' }));
      }
      try { new WebSocket('wss://example.org/'); } catch { violated.add('connect-src'); }
      navigator.sendBeacon('https://example.org/', 'x');
      await new Promise((passed) => setTimeout(passed, 300));
      return { fetches: failed.map(({ status }) => status), violated: [...violated].sort() };
    }, url);
    assert.deepEqual(blocked.fetches, ['rejected', 'rejected']);
    for (const directive of ['connect-src', 'frame-src', 'img-src', 'media-src', 'style-src-elem']) {
      assert.ok(blocked.violated.includes(directive), directive);
    }
    assert.deepEqual(requests, [url]);
    await close();
  });
});

describe('accessibility and looks', () => {
  for (const colorScheme of ['light', 'dark']) {
    test(`no barrier in any state, ${colorScheme}`, async () => {
      const { page, close } = await open(browser, { colorScheme, viewport: { width: 1000, height: 900 } });
      const check = async (state) => {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [state, id, nodes.map(({ html }) => html)]), []);
        await page.screenshot({ path: join(SCREENSHOTS, `${colorScheme}-${state}.png`), fullPage: true });
      };
      await check('empty');
      const directory = demo();
      const give = async () => {
        await page.locator('#folder').setInputFiles(directory);
        await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
        await page.getByLabel('Attestation', { exact: true }).selectOption({ index: 1 });
      };
      await give();
      await check('files');
      await verify(page, { at });
      await check('worthless');
      await verify(page, { at, insecure: false });
      await check('refused');
      write(directory, 'market.json', read(directory, 'market.json').replace('"epoch"', '"epoque"'));
      await page.evaluate(() => { document.getElementById('status').textContent = ''; });
      await give();
      await verify(page, { at });
      await check('mistakes');
      await close();
    });
  }

  test('the keyboard is enough, and the verdict has the focus', async () => {
    const { page, close } = await open(browser);
    await give(page, demo());
    const seen = [];
    for (let steps = 0; steps < 40 && seen.at(-1) !== 'act'; steps += 1) {
      await page.keyboard.press('Tab');
      seen.push(await page.evaluate(() => document.activeElement.id));
    }
    for (const id of ['choose-files', 'choose-folder', 'now', 'strict', 'insecure', 'act']) {
      assert.ok(seen.includes(id), id);
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector('#verdict:focus');
    assert.match(await page.locator('#status').textContent(), /^Refused\./);
    await close();
  });

  test('a printout has the verdict and what it rests on, and no controls', async () => {
    const { page, close } = await onPage(demo());
    await page.emulateMedia({ media: 'print' });
    for (const hidden of ['#inputs', '#terms', '#act', 'button']) {
      assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
    }
    const shown = await text(page);
    for (const wanted of ['This proves nothing', 'Not established', 'sha256:', 'attestation.json', 'Surety 0.']) {
      assert.ok(shown.includes(wanted), wanted);
    }
    await page.screenshot({ path: join(SCREENSHOTS, 'print.png'), fullPage: true });
    await page.pdf({ path: join(SCREENSHOTS, 'print.pdf'), format: 'A4' });
    await close();
  });

  test('a narrow screen needs no scrolling to the side', async () => {
    const { page, close } = await onPage(demo(), { page: { viewport: { width: 360, height: 740 } } });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await page.screenshot({ path: join(SCREENSHOTS, 'narrow.png'), fullPage: true });
    await close();
  });
});
