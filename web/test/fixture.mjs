// A demonstration to verify, the command line to compare with, and Chromium with the page in it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const PAGE = join(root, 'dist', 'index.html');
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
export function surety(directory, ...args) {
  const options = { cwd: directory, env: environment, encoding: 'utf8' };
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

/** A server of the page and of nothing else. */
export async function serve() {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(request.url === '/' ? readFileSync(PAGE) : '');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
}

/** Opens the page where every other request is refused and noted. */
export async function open(browser, { url = pathToFileURL(PAGE).href, ...options } = {}) {
  const context = await browser.newContext({ timezoneId: 'Asia/Tokyo', ...options });
  const requests = [];
  context.on('request', (request) => requests.push(request.url()));
  // What the page's own policy stops is announced too, and never made.
  context.on('requestfailed', (request) => {
    if (request.failure().errorText === 'csp') requests.splice(requests.indexOf(request.url()), 1);
  });
  await context.route('**', (route) => (route.request().url() === url ? route.continue() : route.abort()));
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
  await page.click('#verify');
  await page.waitForSelector('#verdict');
  const json = page.locator('#json');
  return (await json.count()) > 0 ? JSON.parse(await json.textContent()) : null;
}
