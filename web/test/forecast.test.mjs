// The predictive estimator as WebAssembly finds the bits that the native one is tested with.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const read = (...path) => readFileSync(join(root, ...path));

test('forecasts have the same bits in WebAssembly', async () => {
  const pinned = JSON.parse(read('calibration', 'tests', 'bits.json'));
  const { instance, module } = await WebAssembly.instantiate(read('web', 'target', 'forecast.wasm'), {});
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const bits = (column, number) => {
    return BigInt.asUintN(64, instance.exports.forecast(column, number)).toString(16).padStart(16, '0');
  };
  const found = pinned.map((numbers, column) => numbers.map((_, number) => bits(column, number)));
  assert.deepEqual(found, pinned);
  assert.equal(bits(pinned.length, 0), '0'.repeat(16));
});
