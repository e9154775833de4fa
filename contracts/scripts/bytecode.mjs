// Writes the code of the verifiers that the Rust tests run: test/fixtures/bytecode.json. A Forge test compares it with
// the contracts.
//
// Expects the contracts to be built.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const ROOT = new URL("..", import.meta.url);

const codeOf = (source) => {
  const name = source.replace(/^Development|\.sol$/g, "");
  const artifact = new URL(`out/${source}/Surety${name}.json`, ROOT);
  return [name, JSON.parse(readFileSync(artifact, "utf8")).deployedBytecode.object];
};

const sources = readdirSync(new URL("test/verifiers", ROOT)).sort();
const code = Object.fromEntries(sources.map(codeOf));
writeFileSync(new URL("test/fixtures/bytecode.json", ROOT), `${JSON.stringify(code, null, 2)}\n`);
