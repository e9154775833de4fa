// A demonstration to verify and to prove, the command line to compare with, and Chromium with a page in it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { keccak_256 } from '@noble/hashes/sha3.js';
import { chromium } from 'playwright-core';

import { Engine } from '../page/engine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const PAGE = join(root, 'dist', 'index.html');
export const CHECKING_PAGE = join(root, 'dist', 'check.html');
export const PROVING_PAGE = join(root, 'dist', 'prove.html');
export const SCREENSHOTS = join(root, 'target', 'screenshots');
const SURETY = process.env.SURETY ?? join(root, '..', 'target', 'debug', 'surety');

const scratch = mkdtempSync(join(tmpdir(), 'surety-web-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const environment = {
  ...process.env,
  SURETY_CACHE_DIR: join(scratch, 'cache'),
  SURETY_DATA_DIR: join(scratch, 'data'),
  SURETY_STATE_DIR: join(scratch, 'state'),
  SURETY_OFFLINE: '1',
};

/** Runs `surety` in a directory. Its exit code says nothing that its answer does not. */
export const surety = (directory, ...args) => suretyWith(undefined, directory, ...args);

/** Runs `surety` with the signing key of the demonstration that has a name, in the variable `KEY`. */
function suretyWith(name, directory, ...args) {
  const key = name && Buffer.from(keccak_256(Buffer.from(`surety demo key: ${name}`))).toString('hex');
  const options = { cwd: directory, env: { ...environment, KEY: key ?? '' }, encoding: 'utf8' };
  const { stdout, stderr, error } = spawnSync(SURETY, [...args, '--json'], options);
  if (error) throw error;
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

let demonstration;

/** A fresh copy of the demonstration's files. */
export function demo() {
  if (!demonstration) {
    demonstration = join(scratch, 'demo');
    const answer = surety(scratch, 'demo', '--out', 'demo');
    if (!answer.ok) throw new Error(JSON.stringify(answer));
  }
  const copy = mkdtempSync(join(scratch, 'copy-'));
  cpSync(demonstration, copy, { recursive: true });
  return copy;
}

const batches = new Map();

/** A fresh copy of so many attestations of different institutions, in a directory that lies in one of its own. */
export function batch(count) {
  if (!batches.has(count)) {
    run(undefined, scratch, 'demo', '--batch', String(count), '--out', `batch-${count}`);
    batches.set(count, join(scratch, `batch-${count}`));
  }
  const copy = join(mkdtempSync(join(scratch, 'copy-')), 'evidence');
  cpSync(batches.get(count), copy, { recursive: true });
  return copy;
}

let book;

/** A fresh copy of a venue's book, and of the cells of some of its users. */
export function bookDemo() {
  if (!book) {
    book = join(scratch, 'book');
    run(undefined, scratch, 'book', 'demo', '--accounts', '40', '--k', '12', '--out', 'book');
  }
  const copy = mkdtempSync(join(scratch, 'copy-'));
  for (const name of CELL_FILES) cpSync(join(book, name), join(copy, name), { recursive: true });
  return copy;
}

const CELL_ROLES = {
  'customer-0.json': 'cell',
  'book/public/book.json': 'book',
  'book/public/universe.toml': 'universe',
  'book/public/cell-keys.json': 'cell-keys',
};

/** What a cell is checked with. */
export const CELL_FILES = Object.keys(CELL_ROLES);

/** The files of a directory that a check takes, for a module. */
export const cellFiles = (directory) => Object.entries(CELL_ROLES).map(([name, role]) => {
  return { role, name, content: new Uint8Array(readFileSync(join(directory, name))) };
});

/** What the command line says about the cell in a directory. */
export function checkedByCommand(directory, { root, user, nonce, allow_insecure_srs: insecure }) {
  const known = Object.entries({ root, user, nonce }).filter(([, value]) => value);
  const args = known.flatMap(([name, value]) => [`--${name}`, value]);
  if (insecure) args.push('--allow-insecure-srs');
  return surety(directory, 'book', 'check', 'customer-0.json', '--book', join('book', 'public'), ...args);
}

const sized = new Map();

/**
 * Like {@link demo} without an attestation and a trust file, and with the capacity class k. `changes` are to the
 * balances at a source: what to replace, and with what.
 */
export function demoOfClass(k, changes = {}) {
  const key = `${k} ${Object.values(changes).flat().join(' ')}`;
  if (!sized.has(key)) sized.set(key, make(k, join(scratch, `class-${sized.size}`), changes));
  const copy = mkdtempSync(join(scratch, 'copy-'));
  cpSync(sized.get(key), copy, { recursive: true });
  return copy;
}

function make(k, directory, changes) {
  run(undefined, scratch, 'init', directory);
  write(directory, 'universe.toml', read(directory, 'universe.toml').replace(/^capacity = .*$/m, `capacity = ${k}`));
  observe(directory);
  const accounts = { 'custodian-north': 'treasury', 'custodian-south': 'lending', 'venue-atlas': 'trading' };
  for (const [source, account] of Object.entries(accounts)) {
    const table = `holdings/${source}.csv`;
    write(directory, table, read(directory, table).replace(...(changes[source] ?? ['', ''])));
    run(source, directory, 'source', 'attest', '--holdings', table, '--quote', 'USDT',
      '--account', account, '--subject', `0x${'22'.repeat(20)}`, '--registry', `0x${'11'.repeat(20)}`,
      '--chain-id', '31337', '--key-env', 'KEY');
  }
  return directory;
}

function run(...args) {
  const answer = suretyWith(...args);
  if (!answer.ok) throw new Error(JSON.stringify(answer));
}

/** Has the nodes sign what they observe in a directory, and makes the snapshot. */
export function observe(directory) {
  const reports = [1, 2, 3].flatMap((node) => {
    const out = `report-${node}.json`;
    run(`oracle-${node}`, directory, 'market', 'sign', '--observations', `market/node-${node}.csv`, '--out', out,
      '--first', '--key-env', 'KEY', '--force');
    return ['--report', out];
  });
  run(undefined, directory, 'market', 'aggregate', ...reports, '--force');
}

const ROLES = { 'universe.toml': 'universe', 'policy.toml': 'policy', 'market.json': 'market', 'trust.toml': 'trust' };

/** The files of a directory that a proof takes, for a module. */
export function proofFiles(directory) {
  const file = (role, name) => ({ role, name, content: new Uint8Array(readFileSync(join(directory, name))) });
  const inside = (role, folder) => readdirSync(join(directory, folder))
    .filter((name) => name.endsWith('.json')).map((name) => file(role, join(folder, name)));
  const named = Object.entries(ROLES).filter(([name]) => existsSync(join(directory, name)));
  return [...named.map(([name, role]) => file(role, name)), ...inside('statement', 'statements'),
    ...inside('opening', 'private')];
}

/** The names of the files of a directory that a proof takes. */
export const proofNames = (directory) => proofFiles(directory).map(({ name }) => name);

/** A module of its own in Node. */
export const engine = (module) => Engine.load(readFileSync(join(root, 'dist', `${module}.wasm.gz`)));

/** What a module answers about the files of a directory. */
export const ask = (module, question, terms, files) => JSON.parse(module.ask(question, terms, files));

/** Terms of a proof. */
export const proofTerms = (at, terms = {}) => ({
  now: at, level: 'maintenance', verifier: '', valid_until: null, presentation: '', on_chain: false,
  unpublished_snapshot: false, ...terms,
});

/** Has a module in Node prove with the files of a directory, and returns its answer. */
export function proveInNode(module, directory, at, terms) {
  for (const step of ['bases', 'table']) {
    const answer = ask(module, step, null, proofFiles(directory));
    if (!answer.ok) return answer;
  }
  return ask(module, 'prove', proofTerms(at, terms), proofFiles(directory));
}

export const FILES = [
  'attestation.json', 'universe.toml', 'policy.toml', 'market.json', 'policy.compiled.json', 'trust.toml',
];

export const read = (directory, name) => readFileSync(join(directory, name), 'utf8');
export const write = (directory, name, text) => writeFileSync(join(directory, name), text);

/** Changes a JSON file. */
export function spoil(directory, name, change) {
  const value = JSON.parse(read(directory, name));
  change(value);
  write(directory, name, JSON.stringify(value, null, 2));
}

/** What the command line says about the files of a directory. */
export function verifiedByCommand(directory, { at, strict = false, insecure = true, trust = true } = {}) {
  const args = [
    '--universe', 'universe.toml', '--policy', 'policy.toml', '--market', 'market.json', '--at', String(at),
  ];
  if (trust && existsSync(join(directory, 'trust.toml'))) args.push('--trust', 'trust.toml');
  if (strict) args.push('--strict');
  if (insecure) args.push('--allow-insecure-srs');
  return surety(directory, 'verify', 'attestation.json', ...args);
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
    chromiumSandbox: false,
  });

/** A server of a page and of nothing else. */
export async function serve(file = PAGE) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(request.url === '/' ? readFileSync(file) : '');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
}

/** Opens the page where every other request is refused and noted. */
export async function open(browser, { file = PAGE, url = pathToFileURL(file).href, before, ...options } = {}) {
  const context = await browser.newContext({ timezoneId: 'Asia/Tokyo', ...options });
  const requests = [];
  context.on('request', (request) => requests.push(request.url()));
  // What the page's own policy stops is announced too, and never made.
  context.on('requestfailed', (request) => {
    if (request.failure().errorText === 'csp') requests.splice(requests.indexOf(request.url()), 1);
  });
  // The worker is a part of the page.
  const isOwn = (address) => address === url || address.startsWith('blob:');
  await context.route('**', (route) => (isOwn(route.request().url()) ? route.continue() : route.abort()));
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(url);
  return { page, requests, errors, url, close: () => context.close() };
}

/** Gives files to the page. */
export async function give(page, directory, names = FILES) {
  const paths = names.map((name) => join(directory, name)).filter((path) => existsSync(path));
  await page.locator('#files').setInputFiles(paths);
  await page.waitForFunction(() => /taken up/.test(document.getElementById('status').textContent));
}

/** Has the page verify and returns its answer. */
export async function verify(page, { at, strict = false, insecure = true } = {}) {
  if (at !== undefined) await page.fill('#now', new Date(at * 1000).toISOString().slice(0, 19));
  await page.setChecked('#strict', strict);
  await page.setChecked('#insecure', insecure);
  await page.click('#act');
  await page.waitForSelector('#verdict');
  const json = page.locator('#json');
  return (await json.count()) > 0 ? JSON.parse(await json.textContent()) : null;
}

/** Has the page check a cell. */
export async function check(page, { root = '', user = '', nonce = '', allow_insecure_srs: insecure = true } = {}) {
  for (const [field, value] of Object.entries({ root, user, nonce })) await page.fill(`#${field}`, value);
  await page.setChecked('#insecure', insecure);
  await page.click('#act');
  await page.waitForSelector('#verdict');
}

/** Has the page prove, and waits for the verdict. */
export async function prove(page, { at, unpublished = false } = {}) {
  if (at !== undefined) await page.fill('#now', new Date(at * 1000).toISOString().slice(0, 19));
  await page.setChecked('#unpublished', unpublished);
  await page.click('#act');
  await page.waitForSelector('#verdict', { timeout: 120_000 });
}
