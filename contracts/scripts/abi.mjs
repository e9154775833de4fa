// Compares the interfaces that the Rust bindings are made from, ../chain/abi, with those that the compiler found.
//
//   npm run abi               fails if an interface is another than its file says
//   npm run abi -- --update   writes the files
//
// Expects the contracts to be built.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { read } from "./anvil.mjs";

const DIRECTORY = new URL("../../chain/abi/", import.meta.url);

/** The interfaces that are called from Rust, or whose errors are explained there. */
const INTERFACES = [
  "IAccessControl",
  "IAttestationRegistry",
  "IBookRegistry",
  "ICollateralVault",
  "IERC20Metadata",
  "IPolicyRegistry",
  "ISnapshotOracle",
  "ISuretyVerifier",
  "MarginGatedVenue",
];

/** An interface as JSON: one event, error or function a line, in the compiler's order. */
const compiled = (name) => {
  const entries = read(`out/${name}.sol/${name}.json`).abi.map((entry) => `  ${JSON.stringify(entry)}`);
  return `[\n${entries.join(",\n")}\n]\n`;
};

const found = new Map(INTERFACES.map((name) => [`${name}.json`, compiled(name)]));
if (process.argv.includes("--update")) {
  for (const [file, text] of found) writeFileSync(new URL(file, DIRECTORY), text);
} else {
  const kept = new Map(readdirSync(DIRECTORY).map((file) => [file, readFileSync(new URL(file, DIRECTORY), "utf8")]));
  const files = [...new Set([...found.keys(), ...kept.keys()])].filter((file) => found.get(file) !== kept.get(file));
  if (files.length) {
    console.error(`abi: expected the compiler's interfaces in chain/abi, found others: ${files.join(", ")}`);
    console.error("If it is on purpose: npm run abi -- --update");
    process.exitCode = 1;
  }
}
