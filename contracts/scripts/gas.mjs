// Measures whole transactions on anvil and compares them with snapshots/gas.json.
//
//   npm run gas               fails if a figure is another than the snapshot's
//   npm run gas -- --update   writes the snapshot
//
// Expects the contracts to be built.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { HARD_FORK, read, withAnvil } from "./anvil.mjs";

const SNAPSHOT = new URL("../snapshots/gas.json", import.meta.url);
const BATCH = 16;

const encode = (signature, ...values) =>
  execFileSync("cast", ["calldata", signature, ...values], { encoding: "utf8" }).trim();

const list = (values) => `[${values.join(",")}]`;

/** The coordinates of the points that callers know, as a list. */
const points = ({ known }) => list(known.flatMap((point) => [point.slice(0, 66), `0x${point.slice(66)}`]));

async function measure(node) {
  const ceremony = await node.deploy("SuretyVerifierK11.sol", "SuretyVerifierK11");
  const development = await node.deploy("DevelopmentVerifierK11.sol", "SuretyVerifierK11");
  const [single] = read("test/fixtures/ppot-0085-k11.json").proofs;
  const batch = read("test/fixtures/development-k11.json").proofs.slice(0, BATCH);

  const gas = async (to, data) => Number((await node.transact({ to, data })).gasUsed);
  const one = await gas(
    ceremony,
    encode("verifyProof(bytes,uint256,uint256[8])", single.proof, single.context, points(single)),
  );
  const many = await gas(
    development,
    encode(
      "verifyBatch(bytes[],uint256[],uint256[8][])",
      list(batch.map(({ proof }) => proof)),
      list(batch.map(({ context }) => context)),
      list(batch.map(points)),
    ),
  );
  return {
    hard_fork: HARD_FORK,
    verifyProof_k11_tx: one,
    verifyBatch_16_k11_tx: many,
    verifyBatch_16_k11_per_proof: Math.ceil(many / batch.length),
  };
}

const measured = `${JSON.stringify(await withAnvil(measure), null, 2)}\n`;
if (process.argv.includes("--update")) {
  writeFileSync(SNAPSHOT, measured);
} else if (measured !== readFileSync(SNAPSHOT, "utf8")) {
  console.error(`gas: expected what snapshots/gas.json says, found\n${measured}If it is on purpose: npm run gas -- --update`);
  process.exitCode = 1;
}
