// The npm package: its contents, what its files have to follow, and the quickstart built with it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { declared, deploymentProblems, errorProblems, importProblems, layout } from "../scripts/package.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CONTENTS = join(ROOT, "snapshots", "package.txt");

const scratch = mkdtempSync(join(tmpdir(), "surety-contracts-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The package as npm makes it, unpacked. */
function packed() {
  const options = ["pack", "--ignore-scripts", "--json", "--pack-destination", scratch];
  const [{ filename }] = JSON.parse(execFileSync("npm", options, { cwd: ROOT, encoding: "utf8" }));
  execFileSync("tar", ["-xzf", join(scratch, filename), "-C", scratch]);
  return join(scratch, "package");
}

const files = (directory) => readdirSync(directory, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
  .sort();

const PACKAGE = packed();

test("the package contains what snapshots/package.txt says", () => {
  const found = `${files(PACKAGE).join("\n")}\n`;
  if (process.env.UPDATE) writeFileSync(CONTENTS, found);
  assert.equal(found, readFileSync(CONTENTS, "utf8"), "if it is on purpose: UPDATE=1 npm run package");
});

test("interfaces are there for JavaScript, typed and as JSON", async () => {
  const { attestationRegistryAbi } = await import(join(PACKAGE, "abi", "index.js"));
  const json = JSON.parse(readFileSync(join(PACKAGE, "abi", "AttestationRegistry.json"), "utf8"));
  assert.deepEqual(attestationRegistryAbi, json);
  const types = readFileSync(join(PACKAGE, "abi", "index.d.ts"), "utf8");
  assert.ok(types.includes(`export declare const attestationRegistryAbi: ${declared(json)};`));
});

describe("the quickstart", () => {
  const page = readFileSync(join(ROOT, "..", "docs", "src", "quickstart.md"), "utf8");
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
  const sources = blocks.filter(({ language }) => language === "solidity");
  const [npm, forge] = blocks.filter(({ text }) => text.startsWith("@surety/contracts/=")).map(({ text }) => text);

  /** Builds and tests the page's contracts, with the dependencies where `place` puts them. */
  function project(name, remappings, place) {
    const directory = join(scratch, name);
    for (const { text } of sources) {
      const [, path] = text.match(/^\/\/ (\S+)\n/);
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const compiler = join(ROOT, "scripts", "solc");
    writeFileSync(join(directory, "foundry.toml"), `[profile.default]\nsolc = "${compiler}"\noffline = true\n`);
    writeFileSync(join(directory, "remappings.txt"), remappings);
    place((from, to) => {
      mkdirSync(dirname(join(directory, to)), { recursive: true });
      symlinkSync(from, join(directory, to));
    });
    const { status, stdout, stderr } = spawnSync("forge", ["test"], { cwd: directory, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /2 tests passed, 0 failed/);
  }

  const modules = join(ROOT, "node_modules");

  test("works with the npm package", () => project("npm", npm, (place) => {
    place(PACKAGE, "node_modules/@surety/contracts");
    place(join(modules, "@openzeppelin", "contracts"), "node_modules/@openzeppelin/contracts");
    place(join(modules, "solady"), "node_modules/solady");
  }));

  test("works with forge install", () => project("forge", forge, (place) => {
    const clone = join(scratch, "clone");
    cpSync(join(ROOT, "src"), join(clone, "contracts", "src"), { recursive: true });
    place(clone, "lib/surety");
    place(join(modules, "@openzeppelin", "contracts"), "lib/openzeppelin-contracts/contracts");
    place(join(modules, "solady"), "lib/solady");
  }));
});

describe("what the files follow", () => {
  const error = { type: "error", name: "Wrong", inputs: [{ name: "a", type: "bool" }] };
  const contracts = new Map([["One", { abi: [error] }]]);
  const row = { cause: "a cause", cure: "a cure" };

  test("rejects_errors_without_a_row", () => {
    assert.deepEqual(errorProblems({ "Wrong(bool)": row }, contracts), []);
    assert.match(errorProblems({}, contracts)[0], /expected Wrong\(bool\) of One/);
  });

  test("rejects_rows_without_an_error", () => {
    const table = { "Wrong(bool)": row, "Wrong(uint256)": row };
    assert.match(errorProblems(table, contracts)[0], /found Wrong\(uint256\)/);
  });

  test("rejects_rows_without_a_cause_or_a_cure", () => {
    for (const broken of [{ cause: "a cause" }, { ...row, cause: " " }, { ...row, parts: { one: { cause: "a" } } }]) {
      assert.match(errorProblems({ "Wrong(bool)": broken }, contracts)[0], /expected a cause and a cure of Wrong/);
    }
  });

  test("rejects_imports_that_need_this_checkout", () => {
    const source = (path) => `import {A} from "./A.sol";\nimport {\n    B\n} from "${path}";\n`;
    for (const path of ["../B.sol", "@openzeppelin/contracts/B.sol", "solady/src/B.sol"]) {
      assert.deepEqual(importProblems("C.sol", source(path)), []);
    }
    for (const path of ["src/B.sol", "contracts/B.sol", "solady/B.sol", "/B.sol"]) {
      assert.match(importProblems("C.sol", source(path))[0], /expected a relative import/);
    }
  });

  const schema = readFileSync(join(ROOT, "deployments", "schema.json"), "utf8");
  const address = (digit) => `0x${digit.repeat(40)}`;
  const deployment = {
    kind: "surety/deployment", version: 1, chain_id: 7, verifying_key: `0x${"1".repeat(64)}`, verifier: address("2"),
    policies: address("3"), oracle: address("4"), registry: address("5"),
  };
  const found = (changes, file = "7.json") =>
    deploymentProblems(file, JSON.stringify({ ...deployment, ...changes }), schema);

  test("deployments follow their schema", () => {
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ vault: address("6") }), []);
  });

  test("rejects_deployments_of_another_form", () => {
    assert.match(deploymentProblems("7.json", "{", schema)[0], /expected JSON/);
    assert.match(found({ registry: undefined })[0], /expected registry, found nothing/);
    assert.match(found({ owner: address("7") })[0], /expected keys of the schema, found owner/);
    for (const changes of [{ kind: "surety/market" }, { version: 2 }, { oracle: "0x12" }, { vault: 5 }]) {
      assert.match(found(changes)[0], /expected what the schema says/);
    }
  });

  test("rejects_deployments_named_for_another_chain", () => {
    assert.match(found({}, "8.json")[0], /expected the name of its chain, 7.json/);
    assert.match(found({ chain_id: "7" })[0], /expected what the schema says of chain_id/);
  });

  test("layouts do not depend on the compiler's numbers", () => {
    const numbered = (number) => layout(
      [{ astId: number, label: "a", slot: "1", offset: 0, type: `t_struct(S)${number}_storage` }],
      {
        [`t_struct(S)${number}_storage`]: {
          label: "struct S", numberOfBytes: "32", members: [{ label: "b", slot: "0", offset: 0, type: "t_bool" }],
        },
        t_bool: { label: "bool", numberOfBytes: "1" },
      },
    );
    assert.equal(numbered(1), numbered(2));
    assert.equal(JSON.parse(numbered(1)).structs["struct S"][0].type, "bool");
  });
});
