// Puts the page together: style, script and verifier into one file, and their hashes into its security policy.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const root = new URL('..', import.meta.url);
const read = (path) => readFileSync(new URL(path, root));
const hash = (content, encoding) => createHash('sha256').update(content).digest(encoding);

const wasm = read('target/wasm32-unknown-unknown/web/surety_web.wasm');
const compressed = gzipSync(wasm, { level: 9 });
const [style, script] = ['page/page.css', 'page/page.js'].map((path) => read(path).toString());
const version = read('../Cargo.toml').toString().match(/^version = "(.+)"$/m)[1];
const parts = {
  style,
  script,
  'style-hash': `sha256-${hash(style, 'base64')}`,
  'script-hash': `sha256-${hash(script, 'base64')}`,
  wasm: compressed.toString('base64'),
  'wasm-sha256': hash(wasm, 'hex'),
  version,
};
const page = read('page/index.html').toString().replace(/\{\{([a-z0-9-]+)\}\}/g, (_, name) => {
  if (!(name in parts)) throw new Error(`page/index.html: no part is called ${name}`);
  return parts[name];
});
mkdirSync(new URL('dist', root), { recursive: true });
writeFileSync(new URL('dist/index.html', root), page);
console.log(`web/dist/index.html: ${page.length} bytes, sha256 ${hash(page, 'hex')}; `
  + `verifier ${wasm.length} bytes, ${compressed.length} compressed`);
