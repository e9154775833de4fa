import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { developmentSetUp } from './setup.mjs';
import { zip } from './zip.mjs';
import { SCREENSHOTS, batch, launch, open, read, spoil, surety, write } from './fixture.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const IMAGES = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'src', 'images');

/** Widths of a window at which no word is broken, in pixels. */
const WIDTHS = [900, 1024, 1280, 1440, 1600];

let browser;
/** When everything that is audited has been made. */
let at;

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const count of [3, 12, 40, 100]) batch(count);
  at = Math.floor(Date.now() / 1000) + 1;
  browser = await launch();
});
after(() => browser?.close());

const flip = (text) => text.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));

/** A directory of attestations, some of which are not in order, with the set-up’s file. */
function evidence() {
  const directory = batch(12);
  const [first, second] = attestations(directory);
  spoil(directory, first, (value) => { value.proof = flip(value.proof); });
  spoil(directory, second, ({ claim }) => { claim.statements.pop(); });
  write(directory, 'cut.json', '{"kind": "surety/att');
  write(directory, 'notes.txt', 'notes');
  const { g1, g2 } = developmentSetUp(10);
  write(directory, 'g1.dat', g1);
  write(directory, 'g2.dat', g2);
  return directory;
}

const attestations = (directory) => filesBelow(directory).filter((name) => name.startsWith('attestations/'));

function filesBelow(directory) {
  const below = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? below(path) : [relative(directory, path)];
  });
  return below(directory).sort();
}

/** What the command line reports on a place below the directory above, and the report itself. */
function auditedByCommand(place, ...more) {
  const above = dirname(place);
  const args = ['audit', basename(place), '--allow-insecure-srs', '--at', String(at), '--html', 'report.html', ...more];
  const answer = surety(above, ...args);
  return { answer, html: read(above, 'report.html') };
}

/** A page that was given files, with its answer once it has audited. */
async function auditedOnPage(input, paths, options) {
  const opened = await open(browser, options);
  await opened.page.locator(input).setInputFiles(paths);
  await opened.page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
  await audit(opened.page);
  return opened;
}

async function audit(page) {
  await page.fill('#now', new Date(at * 1000).toISOString().slice(0, 19));
  await page.setChecked('#insecure', true);
  await page.click('#act');
  await page.waitForSelector('#verdict', { timeout: 120_000 });
}

async function saved(page, id) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(id)]);
  return readFileSync(await download.path(), 'utf8');
}

const body = (html) => html.slice(html.indexOf('<body'), html.indexOf('</body>'));
const untimed = ({ data: { timing, ...data }, ...answer }) => ({ ...answer, data });

/** The page says what the command line says, in every form. */
async function sameReport(page, { answer, html }) {
  assert.equal(await saved(page, '#save-html'), html);
  assert.deepEqual(untimed(JSON.parse(await saved(page, '#save-json'))), untimed(answer));
}

const refusal = (page) => page.locator('#result').innerText();

describe('the page reports what the command line reports', () => {
  test('on a folder, byte for byte', async () => {
    const directory = evidence();
    const trust = join(basename(directory), 'trust.toml');
    const expected = auditedByCommand(directory, '--trust', trust);
    assert.deepEqual([expected.answer.data.accepted, expected.answer.data.rejected], [10, 3]);
    const { page, errors, close } = await auditedOnPage('#folder', directory);
    assert.equal(await page.locator('#verdict').textContent(), 'Not all accepted');
    await sameReport(page, expected);
    // What is saved is what is shown.
    const words = (text) => text.split(/\s+/).filter(Boolean).join(' ');
    const shown = words(await page.locator('#report').evaluate((report) => report.textContent));
    const { page: report, close: closeReport } = await open(browser, { file: saveAs(directory, expected.html) });
    assert.equal(shown, words(await report.locator('main').evaluate((main) => main.textContent)));
    assert.deepEqual(errors, []);
    await closeReport();
    await close();
  });

  test('on a ZIP of the folder', async () => {
    const directory = evidence();
    const expected = auditedByCommand(directory, '--trust', join(basename(directory), 'trust.toml'));
    const entries = filesBelow(directory).map((name) => {
      return { name: `${basename(directory)}/${name}`, content: readFileSync(join(directory, name)) };
    });
    const path = saveAs(directory, zip(entries), 'given.zip');
    const { page, close } = await auditedOnPage('#files', [path, join(directory, 'g1.dat'), join(directory, 'g2.dat')]);
    const found = JSON.parse(await saved(page, '#save-json'));
    // The set-up’s file lies beside the ZIP, too, and is named once more.
    assert.deepEqual([found.data.accepted, found.data.rejected], [10, 3]);
    const fact = ({ file, verdict, sha256 }) => [file.split('/').at(-1), verdict, sha256];
    const files = ({ data }) => data.attestations.map(fact);
    assert.deepEqual(files(found), files(expected.answer));
    await close();
  });

  test('on an archive', async () => {
    const directory = evidence();
    const above = dirname(directory);
    const kept = join(above, 'kept.surety');
    assert.ok(surety(above, 'archive', 'add', kept, join(basename(directory), 'attestations'),
      ...['universe.toml', 'policy.toml', 'markets'].map((name) => join(basename(directory), name))).ok);
    copyFileSync(join(directory, 'trust.toml'), join(above, 'trust.toml'));
    const expected = auditedByCommand(kept, '--trust', 'trust.toml');
    const given = [kept, join(above, 'trust.toml'), join(directory, 'g1.dat'), join(directory, 'g2.dat')];
    const { page, close } = await auditedOnPage('#files', given);
    await sameReport(page, expected);
    assert.ok(expected.answer.data.archive.entries >= 12);
    await close();
  });

  test('one attestation of several can be picked, and is verified alone', async () => {
    const directory = batch(3);
    const { page, close } = await open(browser);
    await page.locator('#folder').setInputFiles(directory);
    await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
    const select = page.getByLabel('Attestation', { exact: true });
    assert.match(await select.evaluate((element) => element.selectedOptions[0].text), /All 3, audited together/);
    await select.selectOption({ index: 1 });
    await audit(page);
    assert.equal(await page.locator('#report').count(), 0);
    assert.equal(await page.locator('#json').count(), 1);
    await select.selectOption({ index: 0 });
    await audit(page);
    assert.equal(await page.locator('#report').count(), 1);
    await close();
  });
});

/** Writes a file beside a directory. */
function saveAs(directory, content, name = 'saved.html') {
  write(dirname(directory), name, content);
  return join(dirname(directory), name);
}

describe('hostile files', () => {
  const content = Buffer.from('{"kind": "surety/attestation"}');
  const cases = [
    ['rejects_a_zip_that_leads_out_of_its_directory', [{ name: '../a.json', content }], /leads nowhere else/],
    ['rejects_a_zip_with_one_name_twice', [{ name: 'a.json', content }, { name: 'a.json', content }], /no other entry/],
    ['rejects_a_zip_that_is_a_bomb', [{ name: 'a.json', content: Buffer.alloc(2 ** 24 + 1) }], /at most 16777216/],
    ['rejects_a_zip_of_other_sizes_than_it_says', [{ name: 'a.json', content, size: 3 }], /as many bytes/],
  ];
  for (const [name, entries, expected] of cases) {
    test(name, async () => {
      const directory = batch(3);
      const { page, errors, close } = await auditedOnPage('#files', [saveAs(directory, zip(entries), 'given.zip')]);
      const shown = await refusal(page);
      assert.match(shown, /^Not audited/);
      assert.match(shown, expected);
      assert.deepEqual(errors, []);
      await close();
    });
  }

  test('rejects_an_archive_beside_other_files', async () => {
    const directory = batch(3);
    const above = dirname(directory);
    const kept = join(above, 'beside.surety');
    assert.ok(surety(above, 'archive', 'add', kept, join(directory, 'universe.toml')).ok);
    const { page, close } = await auditedOnPage('#files', [kept, join(directory, 'policy.toml')]);
    assert.match(await refusal(page), /^Not audited.*archive alone/s);
    await close();
  });

  test('rejects_a_changed_archive', async () => {
    const directory = batch(3);
    const above = dirname(directory);
    const kept = join(above, 'changed.surety');
    assert.ok(surety(above, 'archive', 'add', kept, join(directory, 'universe.toml')).ok);
    const bytes = readFileSync(kept);
    bytes[bytes.indexOf('max_lots') >= 0 ? bytes.indexOf('max_lots') : bytes.indexOf('capacity')] ^= 1;
    write(above, 'changed.surety', bytes);
    const { page, close } = await auditedOnPage('#files', [kept]);
    assert.match(await refusal(page), /^Not audited.*digest of its document/s);
    await close();
  });

  test('rejects_markup_in_reports', async () => {
    const directory = batch(3);
    const name = `"><img src=x onerror='window.pwned=1'>.json`;
    write(directory, name, '{"kind": "surety/att');
    const { page, errors, close } = await auditedOnPage('#folder', directory);
    assert.ok((await page.locator('#report').innerText()).includes('<img src=x onerror'));
    assert.equal(await page.evaluate(() => window.pwned ?? document.querySelectorAll('img').length), 0);
    // Whatever is no report is not shown at all.
    const others = ['<main><script>1</script></main>', '<main onclick="1"></main>', '<main><p></main>'];
    const refused = await page.evaluate((given) => given.map((html) => {
      try {
        rebuilt(html);
        return 'shown';
      } catch (error) {
        return error.message;
      }
    }), others);
    assert.ok(refused.every((message) => message.startsWith('a report')), String(refused));
    assert.deepEqual(errors, []);
    await close();
  });
});

/** Words that are on two lines, and labels of plots that meet. */
const faults = (root) => {
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest('svg, .id')) continue;
    // Lines may end after the marks in names; what is longer than a line has no words in it.
    for (const { 0: word, index } of node.data.matchAll(/[^\s/_-]+/g)) {
      if (word.length > 24) continue;
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(word);
    }
  }
  for (const svg of root.querySelectorAll('svg')) {
    const boxes = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
    const frame = svg.getBoundingClientRect();
    for (const [index, [name, box]] of boxes.entries()) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`${name} leaves its plot`);
      for (const [other, beside] of boxes.slice(index + 1)) {
        const apart = box.right <= beside.left || beside.right <= box.left || box.bottom <= beside.top
          || beside.bottom <= box.top;
        if (!apart) found.push(`${name} meets ${other}`);
      }
    }
  }
  if (document.documentElement.scrollWidth > window.innerWidth) found.push('wider than the window');
  return found;
};

async function noBarrier(page, state) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [state, id, nodes.map(({ html }) => html)]), []);
}

describe('looks', () => {
  for (const colorScheme of ['light', 'dark']) {
    test(`no word is broken, no label meets another, and there is no barrier, ${colorScheme}`, async () => {
      const directory = evidence();
      const options = { colorScheme, viewport: { width: 1280, height: 900 } };
      const { page, close } = await auditedOnPage('#folder', directory, options);
      const { html } = auditedByCommand(directory, '--trust', join(basename(directory), 'trust.toml'));
      const file = saveAs(directory, html, `report-${colorScheme}.html`);
      const { page: report, close: closeReport } = await open(browser, { ...options, file });
      for (const [shown, selector, name] of [[page, '#report', 'audit'], [report, 'main', 'report']]) {
        await noBarrier(shown, name);
        for (const width of WIDTHS) {
          await shown.setViewportSize({ width, height: 900 });
          assert.deepEqual(await shown.locator(selector).evaluate(faults), [], `${name} at ${width} pixels`);
        }
        await shown.setViewportSize({ width: 360, height: 740 });
        assert.ok(await shown.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), name);
        await shown.setViewportSize({ width: 1280, height: 900 });
        await shown.evaluate(() => (document.querySelector('#result') ?? document.body).scrollIntoView());
        const picture = join(SCREENSHOTS, `${name}-${colorScheme}.png`);
        await shown.screenshot({ path: picture });
        await shown.screenshot({ path: picture.replace('.png', '-whole.png'), fullPage: true });
      }
      if (process.env.UPDATE && colorScheme === 'light') {
        copyFileSync(join(SCREENSHOTS, 'audit-light.png'), join(IMAGES, 'audit-page.png'));
      }
      await closeReport();
      await close();
    });
  }

  test('the keyboard is enough, and the verdict has the focus', async () => {
    const { page, close } = await open(browser);
    await page.locator('#folder').setInputFiles(batch(3));
    await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
    const seen = [];
    for (let steps = 0; steps < 40 && seen.at(-1) !== 'act'; steps += 1) {
      await page.keyboard.press('Tab');
      seen.push(await page.evaluate(() => document.activeElement.id));
    }
    for (const id of ['now', 'strict', 'insecure', 'history', 'act']) assert.ok(seen.includes(id), id);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#verdict:focus', { timeout: 60_000 });
    for (const id of ['save-html', 'save-csv', 'save-json']) {
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement.id), id);
    }
    await close();
  });

  test('a printout has the report and no controls', async () => {
    const { page, close } = await auditedOnPage('#folder', evidence(), { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    for (const hidden of ['#inputs', '#terms', '#act', '#save-html', 'button']) {
      assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
    }
    assert.ok((await page.locator('#report').innerText()).includes('Coverage by level over time'));
    const ink = await page.locator('#report').evaluate((report) => getComputedStyle(report).color);
    assert.equal(ink, 'rgb(0, 0, 0)', 'dark colours are for screens');
    await page.pdf({ path: join(SCREENSHOTS, 'audit.pdf'), format: 'A4' });
    await close();
  });

  test('how far it is, is shown', async () => {
    const { page, close } = await open(browser);
    await page.evaluate(() => {
      window.said = [];
      const line = document.querySelector('#progress p');
      new MutationObserver(() => window.said.push(line.textContent)).observe(line, { childList: true });
    });
    await page.locator('#folder').setInputFiles(batch(40));
    await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
    await audit(page);
    const said = await page.evaluate(() => window.said);
    assert.ok(said.some((line) => /^Reading file \d+ of \d+$/.test(line)), String(said));
    assert.ok(said.some((line) => /^Auditing 40 attestations: \d+ s$/.test(line)), String(said));
    assert.equal(await page.locator('#progress').isVisible(), false);
    await close();
  });
});

test('auditing a hundred attestations takes at most five seconds', async (context) => {
  const directory = batch(100);
  const { page, close } = await open(browser);
  const start = performance.now();
  await page.locator('#folder').setInputFiles(directory);
  const isTaken = () => /taken up/.test(document.getElementById('status').textContent);
  await page.waitForFunction(isTaken, undefined, { timeout: 120_000 });
  const looked = performance.now() - start;
  const times = [];
  for (let run = 0; run < 3; run += 1) {
    await audit(page);
    times.push(Number((await page.locator('#result').innerText()).match(/Audited in (\d+) ms/)[1]));
  }
  assert.match(await page.locator('#result').innerText(), /100 of 100 attestations accepted/);
  const size = filesBelow(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  const recognised = `recognised in ${Math.ceil(looked)} ms`;
  context.diagnostic(`100 attestations, ${size} bytes: ${recognised}, audited in ${times.join(', ')} ms`);
  // The machine of a test may be busy with other work.
  assert.ok(Math.min(...times) <= Number(process.env.AUDIT_MS ?? 5_000), String(times));
  await close();
});
