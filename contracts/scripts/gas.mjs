// Measures whole transactions on anvil and compares them with snapshots/gas.json.
//
//   npm run gas               fails if a figure is another than the snapshot's
//   npm run gas -- --update   writes the snapshot
//
// Expects the contracts to be built.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const ROOT = new URL("..", import.meta.url);
const SNAPSHOT = new URL("snapshots/gas.json", ROOT);
/** The newest hard fork that this version of anvil implements. */
const HARD_FORK = "osaka";
const BATCH = 16;

const read = (path) => JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));

/** Starts anvil on a free port. */
async function startAnvil() {
  const anvil = spawn("anvil", ["--hardfork", HARD_FORK, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: anvil.stdout })) {
    const listening = line.match(/^Listening on (.+)$/);
    if (listening) {
      anvil.stdout.resume();
      return { url: `http://${listening[1]}`, stop: () => anvil.kill() };
    }
  }
  throw new Error("anvil ended before it listened");
}

/** Calls a node by JSON-RPC. */
async function rpc(url, method, ...params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** Waits until a transaction is mined. */
async function receiptOf(url, hash) {
  for (;;) {
    const receipt = await rpc(url, "eth_getTransactionReceipt", hash);
    if (receipt) return receipt;
    await setTimeout(10);
  }
}

/** Sends a transaction and returns its receipt; fails if it reverts. */
async function transact(url, transaction) {
  const [from] = await rpc(url, "eth_accounts");
  const hash = await rpc(url, "eth_sendTransaction", { from, ...transaction });
  const receipt = await receiptOf(url, hash);
  if (receipt.status !== "0x1") throw new Error(`the transaction ${hash} reverted`);
  return receipt;
}

const deploy = async (url, file) =>
  (await transact(url, { data: read(`out/${file}/SuretyVerifierK11.json`).bytecode.object })).contractAddress;

const encode = (signature, ...values) =>
  execFileSync("cast", ["calldata", signature, ...values], { encoding: "utf8" }).trim();

const list = (values) => `[${values.join(",")}]`;

/** The coordinates of the points that callers know, as a list. */
const points = ({ known }) => list(known.flatMap((point) => [point.slice(0, 66), `0x${point.slice(66)}`]));

async function measure(url) {
  const ceremony = await deploy(url, "SuretyVerifierK11.sol");
  const development = await deploy(url, "DevelopmentVerifierK11.sol");
  const [single] = read("test/fixtures/ppot-0085-k11.json").proofs;
  const batch = read("test/fixtures/development-k11.json").proofs.slice(0, BATCH);

  const gas = async (to, data) => Number((await transact(url, { to, data })).gasUsed);
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

const anvil = await startAnvil();
let measured;
try {
  measured = `${JSON.stringify(await measure(anvil.url), null, 2)}\n`;
} finally {
  anvil.stop();
}

if (process.argv.includes("--update")) {
  writeFileSync(SNAPSHOT, measured);
} else if (measured !== readFileSync(SNAPSHOT, "utf8")) {
  console.error(`gas: expected what snapshots/gas.json says, found\n${measured}If it is on purpose: npm run gas -- --update`);
  process.exitCode = 1;
}
