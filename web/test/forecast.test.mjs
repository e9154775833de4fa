import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** The module, and the bits that a test of the native estimator demands. */
const MODULE = new URL('../target/forecast.wasm', import.meta.url);
const BITS = new URL('../../calibration/tests/bits.json', import.meta.url);

test('forecasts in WebAssembly have the bits of native ones', async () => {
  const module = await WebAssembly.compile(readFileSync(MODULE));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const { exports: { bits } } = await WebAssembly.instantiate(module);
  const expected = JSON.parse(readFileSync(BITS, 'utf8'));
  const found = expected.map((numbers, column) => numbers.map((_, number) =>
    BigInt.asUintN(64, bits(column, number)).toString(16).padStart(16, '0')));
  assert.deepEqual(found, expected);
  assert.equal(bits(3, 0), 0n);
});
