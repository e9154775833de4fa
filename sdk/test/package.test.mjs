import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';

import { ROOT, scratch } from './fixture.mjs';

/** The most that the verifier may take, in bytes, compressed with gzip -9. */
const BUDGET = 1_500_000;

const CONTENTS = join(ROOT, 'test', 'contents.txt');

const project = join(scratch, 'project');
const installed = join(project, 'node_modules', '@surety', 'sdk');

/** A project with the package as npm makes it, and with viem. */
before(() => {
  const options = ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch];
  const [{ filename }] = JSON.parse(execFileSync('npm', options, { cwd: ROOT, encoding: 'utf8' }));
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(scratch, filename), '-C', installed, '--strip-components=1']);
  symlinkSync(join(ROOT, 'node_modules', 'viem'), join(project, 'node_modules', 'viem'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(project, 'index.html'), '<script type="module" src="/main.js"></script>\n');
  writeFileSync(join(project, 'main.js'), `
    import { Verifier, levelId } from '@surety/sdk';
    globalThis.loaded = Verifier.load().then((verifier) => {
      const nothing = { attestation: '', universe: '', policy: '', market: '' };
      return [levelId('initial'), verifier.verify(nothing, { now: 0 }).command];
    });
  `);
});

const files = (directory) => readdirSync(directory, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
  .sort();

/** The verifier in the package. */
const carried = async () => {
  const { default: base64 } = await import(pathToFileURL(join(installed, 'dist', 'esm', 'verifier-module.js')));
  return Buffer.from(base64, 'base64');
};

describe('the package', () => {
  test('contains what test/contents.txt says', () => {
    const found = `${files(installed).join('\n')}\n`;
    if (process.env.UPDATE) writeFileSync(CONTENTS, found);
    assert.equal(found, readFileSync(CONTENTS, 'utf8'), 'if it is on purpose: UPDATE=1 npm test');
  });

  test('depends on viem alone, as a peer', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    assert.equal(manifest.dependencies, undefined);
    assert.deepEqual(Object.keys(manifest.peerDependencies), ['viem']);
    const script = readFileSync(join(installed, 'dist', 'esm', 'index.js'), 'utf8');
    const imports = [...script.matchAll(/^(?:import|\}) .*?from "([^"]+)";$|import\("([^"]+)"\)/gms)];
    const names = new Set(imports.map(([, name, loaded]) => name ?? loaded));
    assert.deepEqual([...names].sort(), ['./verifier-module.js', 'viem', 'viem/actions']);
  });

  test('works for CommonJS', async () => {
    const { Verifier, levelId } = createRequire(join(project, 'main.cjs'))('@surety/sdk');
    assert.equal(levelId('initial').length, 66);
    assert.equal((await Verifier.load()).verify({ attestation: '' }, { now: 0 }).ok, false);
  });

  test('publishes its typed data', () => {
    const statement = createRequire(join(project, 'main.cjs'))('@surety/sdk/typed-data/statement.json');
    assert.equal(statement.primaryType, 'SourceStatement');
  });

  test('rejects_a_verifier_beyond_its_budget', async (context) => {
    const compressed = await carried();
    context.diagnostic(`the verifier: ${gunzipSync(compressed).length} bytes, ${compressed.length} compressed`);
    assert.ok(compressed.length <= BUDGET, `expected at most ${BUDGET} bytes compressed, found ${compressed.length}`);
  });

  test('carries the verifier of the page', async () => {
    assert.deepEqual(await carried(), readFileSync(join(ROOT, '..', 'web', 'dist', 'verifier.wasm.gz')));
  });
});

describe('bundled', () => {
  /** Runs a bundle, and compares what the verifier in it does. */
  async function check(directory, entry) {
    const address = JSON.stringify(pathToFileURL(join(directory, entry)));
    const script = `await import(${address}); console.log(await globalThis.loaded);`;
    // The bundle alone, without the packages that it was made of.
    const options = { cwd: scratch, encoding: 'utf8' };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], options);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /0x[0-9a-f]{64}.*verify/s);
  }

  const out = (name) => join(scratch, 'bundles', name);

  test('with esbuild', async () => {
    await esbuild({
      absWorkingDir: project, entryPoints: ['main.js'], bundle: true, splitting: true, format: 'esm',
      outdir: out('esbuild'), outExtension: { '.js': '.mjs' }, logLevel: 'silent',
    });
    await check(out('esbuild'), 'main.mjs');
  });

  test('with Vite', async () => {
    await vite({
      root: project, configFile: false, logLevel: 'silent', build: {
        outDir: out('vite'), emptyOutDir: true, target: 'es2022', modulePreload: false, minify: false,
        rolldownOptions: {
          input: join(project, 'main.js'), output: { entryFileNames: 'main.mjs', chunkFileNames: '[name].mjs' },
        },
      },
    });
    await check(out('vite'), 'main.mjs');
  });

  test('with webpack', async () => {
    const configuration = {
      mode: 'production', context: project, entry: './main.js', target: ['web', 'es2022'], devtool: false,
      optimization: { minimize: false }, experiments: { outputModule: true }, performance: false,
      output: {
        path: out('webpack'), filename: 'main.mjs', chunkFilename: '[id].mjs', module: true, chunkFormat: 'module',
      },
    };
    const stats = await new Promise((built, failed) => {
      webpack(configuration, (error, result) => (error ? failed(error) : built(result)));
    });
    assert.ok(!stats.hasErrors(), stats.toString());
    await check(out('webpack'), 'main.mjs');
  });
});
