// Builds dist/: the package as an ES module and for CommonJS, its types, and the verifier.
//
// Expects ../web/dist/verifier.wasm.gz, which ../web/build makes.

import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => `${ROOT}${path}`;

/** The verifier is an ES module, for CommonJS too, and is loaded when it is asked for. */
const verifierBeside = (path) => ({
  name: 'verifier',
  setup: ({ onResolve }) => onResolve({ filter: /^#verifier-module$/ }, () => ({ path, external: true })),
});

rmSync(at('dist'), { recursive: true, force: true });
for (const format of ['esm', 'cjs']) {
  await build({
    entryPoints: [at('src/index.ts')],
    outfile: at(`dist/${format}/index.js`),
    bundle: true,
    format,
    target: 'es2022',
    external: ['viem', 'viem/*'],
    plugins: [verifierBeside(format === 'esm' ? './verifier-module.js' : '../esm/verifier-module.js')],
    supported: { 'dynamic-import': true },
    platform: format === 'cjs' ? 'node' : 'neutral',
    legalComments: 'none',
  });
}
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', ROOT], { stdio: 'inherit' });
for (const file of readdirSync(at('dist/esm')).filter((name) => name.endsWith('.d.ts'))) {
  cpSync(at(`dist/esm/${file}`), at(`dist/cjs/${file}`));
}
writeFileSync(at('dist/cjs/package.json'), '{ "type": "commonjs" }\n');
const verifier = readFileSync(new URL('../../web/dist/verifier.wasm.gz', import.meta.url)).toString('base64');
writeFileSync(at('dist/esm/verifier-module.js'), `export default '${verifier}';\n`);
