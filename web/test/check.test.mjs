import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  CHECKING_PAGE, CELL_FILES, SCREENSHOTS, ask, bookDemo, cellFiles, check, checkedByCommand, engine, give, launch, open,
  read, spoil,
} from './fixture.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TERMS = { root: '', user: '', nonce: '', allow_insecure_srs: true };
const MEBIBYTE = 2 ** 20;

let browser;

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** A fresh page with a cell and the files of its book, checked. */
async function onPage(directory, terms = {}) {
  const opened = await open(browser, { file: CHECKING_PAGE });
  await give(opened.page, directory, CELL_FILES);
  await check(opened.page, terms);
  return opened;
}

const verdict = (page) => page.locator('#verdict').textContent();
const text = (page) => page.locator('#result').innerText();

describe('checking a cell', () => {
  test('the module says what the command line says', async (context) => {
    const [directory, module] = [bookDemo(), await engine('verifier')];
    const { root } = JSON.parse(read(directory, 'book/public/book.json'));
    for (const terms of [TERMS, { ...TERMS, root, user: 'customer-0' }]) {
      const start = performance.now();
      const answer = ask(module, 'check', terms, cellFiles(directory));
      context.diagnostic(`${(performance.now() - start).toFixed(1)} ms`);
      assert.equal(answer.ok, true, JSON.stringify(answer));
      assert.deepEqual(answer, checkedByCommand(directory, terms));
    }
  });

  const flip = (text) => text.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  const cases = [
    ['rejects_a_changed_balance', ({ balances }) => { balances[0].lots += 1; }, 'cell'],
    ['rejects_a_balance_that_is_left_out', ({ balances }) => { balances.pop(); }, 'cell'],
    ['rejects_the_cell_of_another_coset', (cell) => { cell.coset += 1; }, 'cell'],
    ['rejects_another_page', (cell) => { cell.commitment = flip(cell.commitment); }, 'cell'],
    ['rejects_another_path', (cell) => { cell.page += 1; }, 'root'],
    ['rejects_the_cell_of_another_book', (cell) => { cell.root = flip(cell.root); }, 'reference'],
    ['rejects_the_development_set_up_of_a_book', () => {}, 'set-up', { allow_insecure_srs: false }],
    ['rejects_another_root_than_is_known', () => {}, 'anchor', { root: `0x${'12'.repeat(32)}` }],
    ['rejects_another_name_than_is_known', () => {}, 'anchor', { user: 'customer-1' }],
    ['rejects_another_nonce_than_is_known', () => {}, 'anchor', { nonce: `0x${'12'.repeat(32)}` }],
  ];
  for (const [name, change, code, terms = {}] of cases) {
    test(name, async () => {
      const [directory, module] = [bookDemo(), await engine('verifier')];
      spoil(directory, 'customer-0.json', change);
      const answer = ask(module, 'check', { ...TERMS, ...terms }, cellFiles(directory));
      assert.equal(answer.error?.code, code, JSON.stringify(answer));
      assert.deepEqual(answer, checkedByCommand(directory, { ...TERMS, ...terms }));
      const { page, errors, close } = await onPage(directory, terms);
      assert.equal(await verdict(page), 'Refused');
      assert.ok((await text(page)).includes(answer.error.problems[0].expected));
      assert.deepEqual(errors, []);
      await close();
    });
  }

  test('the page shows the balances, sends nothing and keeps nothing', async () => {
    const directory = bookDemo();
    const { page, requests, errors, url, close } = await onPage(directory, { user: 'customer-0' });
    assert.equal(await verdict(page), 'This proves nothing');
    const shown = await text(page);
    const cell = JSON.parse(read(directory, 'customer-0.json'));
    const { data } = checkedByCommand(directory, TERMS);
    assert.deepEqual(data.balances.map(({ lots }) => lots), cell.balances.map(({ lots }) => lots));
    for (const { instrument, units } of data.balances) {
      assert.ok(shown.includes(instrument) && shown.includes(units), instrument);
    }
    assert.ok(shown.includes(cell.root) && shown.includes('that others see the book of this root'));
    assert.ok(!shown.includes('give your name'), 'the name was given');
    assert.ok(!(await page.content()).includes(cell.salt), 'the salt is nowhere');
    assert.deepEqual(requests.filter((request) => !request.startsWith('blob:')), [url]);
    assert.deepEqual(errors, []);
    await close();
  });

  test('rejects_words_in_the_place_of_a_root', async () => {
    const { page, close } = await onPage(bookDemo(), { root: 'yesterday' });
    assert.equal(await verdict(page), 'Not checked');
    assert.ok((await page.locator('#result').innerText()).includes('root'));
    await close();
  });

  test('rejects_traces_of_a_cell_in_memory', async () => {
    const [directory, module] = [bookDemo(), await engine('verifier')];
    const { salt, opening } = JSON.parse(read(directory, 'customer-0.json'));
    const files = cellFiles(directory);
    assert.equal(ask(module, 'check', TERMS, files).ok, true);
    assert.ok(files.every(({ content }) => content.every((byte) => byte === 0)), 'files are overwritten');
    // The answer, which has the balances, is there until the next question.
    ask(module, 'recognise', 'checking', [{ role: null, name: 'x', content: new Uint8Array(MEBIBYTE) }]);
    const memory = Buffer.from(module.memory.buffer);
    for (const secret of [salt, opening]) {
      const digits = secret.slice(2);
      assert.equal(memory.indexOf(digits), -1);
      assert.equal(memory.indexOf(Buffer.from(digits, 'hex')), -1);
    }
  });

  test('everybody can use the page', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const { page, close } = await open(browser, { file: CHECKING_PAGE, colorScheme });
      const look = async (state) => {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [state, id, nodes.map(({ html }) => html)]), []);
        await page.screenshot({ path: join(SCREENSHOTS, `check-${colorScheme}-${state}.png`), fullPage: true });
      };
      await look('empty');
      await give(page, bookDemo(), CELL_FILES);
      await check(page, {});
      await look('checked');
      await close();
    }
  });
});
