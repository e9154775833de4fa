// Puts the pages together: style, scripts and module into one file each, and their hashes into its security policy.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const root = new URL('..', import.meta.url);
const read = (path) => readFileSync(new URL(path, root));
const text = (path) => read(path).toString();
const hash = (content, encoding) => createHash('sha256').update(content).digest(encoding);

const PAGES = [
  {
    page: 'index.html',
    title: 'Surety: verify attestations',
    description: 'Verifies and audits attestations of collateral sufficiency in the browser, without a server.',
    scripts: ['page/verify.js', 'page/report.js'],
    styles: ['../audit/templates/report.css'],
    module: 'verifier',
  },
  {
    page: 'check.html',
    title: 'Surety: check your account',
    description: 'Checks in the browser, without a server, that an account is in the book of a venue.',
    scripts: ['page/check.js'],
    module: 'verifier',
  },
  {
    page: 'prove.html',
    title: 'Surety: prove',
    description: 'Proves collateral sufficiency in the browser, without a server.',
    scripts: ['page/prove.js'],
    module: 'prover',
  },
];

const common = text('page/common.js');
// What all pages begin with, and what they ask for files with.
const [head, files] = ['page/head.html', 'page/files.html'].map((path) => text(path).trimEnd());
// Pages that are opened as files may not start workers that are modules.
const engine = text('page/engine.mjs').replace('export class Engine', 'class Engine') + text('page/worker.js');
if (/<\/script|^export/m.test(engine)) throw new Error('page/engine.mjs: expected a script that fits into an element');
const version = text('../Cargo.toml').match(/^version = "(.+)"$/m)[1];

mkdirSync(new URL('dist', root), { recursive: true });
for (const { page, title, description, scripts, styles = [], module } of PAGES) {
  const wasm = read(`target/${module}.wasm`);
  const compressed = gzipSync(wasm, { level: 9 });
  const script = scripts.map(text).join('') + common;
  // Its rules come first: those of a report are told apart by their class.
  const style = ['page/page.css', ...styles].map(text).join('');
  const parts = {
    title,
    description,
    files,
    style,
    script,
    engine,
    'style-hash': `sha256-${hash(style, 'base64')}`,
    'script-hash': `sha256-${hash(script, 'base64')}`,
    wasm: compressed.toString('base64'),
    'wasm-sha256': hash(wasm, 'hex'),
    version,
  };
  const whole = text(`page/${page}`).replace('{{head}}', head).replace(/\{\{([a-z0-9-]+)\}\}/g, (_, name) => {
    if (!(name in parts)) throw new Error(`page/${page}: no part is called ${name}`);
    return parts[name];
  });
  writeFileSync(new URL(`dist/${page}`, root), whole);
  writeFileSync(new URL(`dist/${module}.wasm.gz`, root), compressed);
  console.log(`web/dist/${page}: ${whole.length} bytes, sha256 ${hash(whole, 'hex')}; ${module} ${wasm.length} bytes, `
    + `${compressed.length} compressed`);
}
