// Writes what is made of the compiler's output, or compares it with what is kept: interfaces for Rust, what the npm
// packages have of interfaces, code and storage, and the page on errors.
//
//   npm run artifacts               fails if a file is another than the compiler's output says
//   npm run artifacts -- --update   writes the files
//
// Expects the contracts to be built.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { read } from "./anvil.mjs";
import {
  declared, deploymentProblems, errorProblems, errorsPage, importProblems, layout, literal,
} from "./package.mjs";

const REPOSITORY = new URL("../../", import.meta.url);

/** The interfaces that are called from Rust, or whose errors are explained there. */
const IN_RUST = [
  "IAccessControl",
  "IAttestationRegistry",
  "IBookRegistry",
  "ICollateralAuction",
  "ICollateralVault",
  "IERC20Metadata",
  "IPolicyRegistry",
  "ISnapshotOracle",
  "ISuretyVerifier",
  "MarginGatedVenue",
  "MockAggregator",
  "MockToken",
];

/** The contracts that programs in Rust create, besides verifiers: those of a deployment, and of the demonstration. */
const CREATED_IN_RUST = [
  "AttestationRegistry",
  "BookRegistry",
  "CollateralVault",
  "MarginGatedVenue",
  "MockAggregator",
  "MockToken",
  "PolicyRegistry",
  "SnapshotOracle",
];

/** The contracts that the package for TypeScript reads and calls. */
const IN_TYPESCRIPT = [
  "AttestationRegistry",
  "CollateralVault",
  "LienRegistry",
  "PolicyRegistry",
  "SnapshotOracle",
  "ISuretyVerifier",
];

/** Directories in which every file is made here. */
const MADE = ["chain/abi/", "contracts/abi/", "contracts/bytecode/", "contracts/storage/"];

const NOTICE = "Written by `npm run artifacts -- --update` in contracts/. Do not edit.";

const text = (path) => readFileSync(new URL(path, REPOSITORY), "utf8");

/** The contracts and interfaces of src/, by name, as the compiler writes them. */
function compiled() {
  const sources = readdirSync(new URL("contracts/src", REPOSITORY), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sol"));
  const found = new Map();
  for (const { name: file } of sources) {
    let artifacts = [];
    try {
      artifacts = readdirSync(new URL(`contracts/out/${file}`, REPOSITORY));
    } catch (error) {
      // A file of structs alone has none.
      if (error.code !== "ENOENT") throw error;
    }
    for (const artifact of artifacts) found.set(artifact.replace(".json", ""), read(`out/${file}/${artifact}`));
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** An interface as JSON: one event, error or function a line, in the compiler's order. */
const lines = (abi) => `[\n${abi.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`;

/** The name of an interface in TypeScript. */
const constant = (name) => `${name[0].toLowerCase()}${name.slice(1)}Abi`;

/** The code that a deployment sends, before the arguments of the constructor, and what it was made with. */
function code(name, { bytecode, metadata }) {
  if (Object.keys(bytecode.linkReferences).length) throw new Error(`${name}: expected code without libraries`);
  const { compiler, settings } = metadata;
  const [source] = Object.keys(settings.compilationTarget);
  const { evmVersion, optimizer } = settings;
  const made = { contract: name, source, compiler: compiler.version, evmVersion, optimizer };
  return `${JSON.stringify({ ...made, bytecode: bytecode.object }, null, 2)}\n`;
}

/** The code that programs in Rust carry, one contract a line; verifiers over the development set-up by their file. */
function carried(contracts) {
  const verifiers = [...contracts.keys()].filter((name) => /^SuretyVerifierK\d+$/.test(name));
  const ours = [...CREATED_IN_RUST, ...verifiers].map((name) => [name, contracts.get(name)]);
  const development = readdirSync(new URL("contracts/test/verifiers", REPOSITORY)).sort().map((file) => {
    const name = file.replace(".sol", "");
    return [name, read(`out/${file}/${name.replace("Development", "Surety")}.json`)];
  });
  const entry = ([name, { bytecode, metadata }]) => {
    if (Object.keys(bytecode.linkReferences).length) throw new Error(`${name}: expected code without libraries`);
    const [source] = Object.keys(metadata.settings.compilationTarget);
    const { keccak256 } = metadata.sources[source];
    const made = { contract: name, source, keccak256, compiler: metadata.compiler.version, bytecode: bytecode.object };
    return `  ${JSON.stringify(made)}`;
  };
  return `[\n${[...ours, ...development].map(entry).join(",\n")}\n]\n`;
}

/** Every file that is made here, by its path in the repository. */
function made(contracts) {
  const files = new Map();
  // Libraries have no functions of their own.
  const callable = [...contracts].filter(([, { abi }]) => abi.some(({ type }) => type === "function"));
  // Generated verifiers have the interface ISuretyVerifier.
  const described = callable.filter(([name]) => !/^SuretyVerifierK\d+$/.test(name));
  for (const [name, { abi }] of described) files.set(`contracts/abi/${name}.json`, lines(abi));
  const javascript = described.map(([name, { abi }]) => `export const ${constant(name)} = ${literal(abi)};\n`);
  const types = described.map(([name, { abi }]) => `export declare const ${constant(name)}: ${declared(abi)};\n`);
  files.set("contracts/abi/index.js", `// ${NOTICE}\n${javascript.join("")}`);
  files.set("contracts/abi/index.d.ts", `// ${NOTICE}\n${types.join("")}`);
  for (const [name, artifact] of callable) {
    if (artifact.bytecode.object !== "0x") files.set(`contracts/bytecode/${name}.json`, code(name, artifact));
    const { storage, types } = artifact.storageLayout ?? { storage: [] };
    if (storage.length) files.set(`contracts/storage/${name}.json`, layout(storage, types));
  }
  for (const name of IN_RUST) {
    files.set(`chain/abi/${name}.json`, lines((contracts.get(name) ?? read(`out/${name}.sol/${name}.json`)).abi));
  }
  files.set("chain/abi/bytecode.json", carried(contracts));
  const errors = text("contracts/errors.json");
  files.set("chain/abi/errors.json", errors);
  files.set("docs/src/contract-errors.md", errorsPage(JSON.parse(errors), contracts));
  files.set("contracts/deployments/schema.json", text("docs/schemas/deployment.json"));
  const sources = IN_TYPESCRIPT.map((name) => [constant(name.replace(/^I(?=[A-Z])/, "")), contracts.get(name).abi])
    .map(([name, abi]) => `export const ${name} = ${literal(abi)} as const;\n`);
  files.set("sdk/src/abi.ts", `// ${NOTICE}\n${sources.join("")}`);
  files.set("sdk/src/errors.ts", `// ${NOTICE}\nexport const errors = ${errors.trimEnd()} as const;\n`);
  for (const directory of ["contracts", "sdk"]) {
    for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) files.set(`${directory}/${licence}`, text(licence));
  }
  return files;
}

/** What is wrong with what people write: the table of errors, the deployments, imports, the version. */
function problems(contracts) {
  const sources = [...contracts.values()].flatMap(({ metadata }) => Object.keys(metadata.settings.compilationTarget));
  const deployments = readdirSync(new URL("contracts/deployments", REPOSITORY))
    .filter((file) => file !== "schema.json")
    .map((file) => [file, text(`contracts/deployments/${file}`)]);
  const schema = text("docs/schemas/deployment.json");
  const [, version] = text("Cargo.toml").match(/^version = "(.+)"$/m);
  const versions = ["contracts/package.json", "sdk/package.json"].map((path) => [path, JSON.parse(text(path)).version]);
  return [
    ...errorProblems(JSON.parse(text("contracts/errors.json")), contracts),
    ...deployments.flatMap(([file, content]) => deploymentProblems(file, content, schema)),
    ...sources.flatMap((source) => importProblems(source, text(`contracts/${source}`))),
    ...versions.filter(([, found]) => found !== version)
      .map(([path, found]) => `${path}: expected the workspace's version ${version}, found ${found}`),
  ];
}

/** What a file of the repository says; nothing if there is none. */
function current(path) {
  try {
    return text(path);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

const contracts = compiled();
for (const problem of problems(contracts)) {
  console.error(`artifacts: ${problem}`);
  process.exitCode = 1;
}
const files = made(contracts);
for (const directory of MADE) mkdirSync(new URL(directory, REPOSITORY), { recursive: true });
const stale = MADE.flatMap((directory) => readdirSync(new URL(directory, REPOSITORY)).map((file) => directory + file))
  .filter((path) => !files.has(path));
if (process.argv.includes("--update")) {
  for (const path of stale) rmSync(new URL(path, REPOSITORY));
  for (const [path, content] of files) writeFileSync(new URL(path, REPOSITORY), content);
} else {
  const others = [...[...files].filter(([path, content]) => current(path) !== content).map(([path]) => path), ...stale];
  if (others.length) {
    console.error(`artifacts: expected what the compiler's output says, found others: ${others.join(", ")}`);
    console.error("If it is on purpose: npm run artifacts -- --update");
    process.exitCode = 1;
  }
}
