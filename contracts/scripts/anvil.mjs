// A local node and what the other scripts ask of it.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const ROOT = new URL("..", import.meta.url);

/** The newest hard fork that this version of anvil implements. */
export const HARD_FORK = "osaka";

/** Reads a JSON file of this project. */
export const read = (path) => JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));

/** Starts anvil on a free port, with further options, hands it to `use`, and ends it. */
export async function withAnvil(use, ...options) {
  const anvil = spawn("anvil", ["--hardfork", HARD_FORK, "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    return await use(new Node(await addressOf(anvil)));
  } finally {
    anvil.kill();
  }
}

/** Waits until anvil says where it listens. */
async function addressOf(anvil) {
  for await (const line of createInterface({ input: anvil.stdout })) {
    const listening = line.match(/^Listening on (.+)$/);
    if (listening) {
      anvil.stdout.resume();
      return `http://${listening[1]}`;
    }
  }
  throw new Error("anvil ended before it listened");
}

/** A node that has unlocked accounts. */
class Node {
  constructor(url) {
    this.url = url;
  }

  /** Calls a method by JSON-RPC; answers with `result` or `error`. */
  async request(method, ...params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const response = await fetch(this.url, { method: "POST", headers: { "content-type": "application/json" }, body });
    return response.json();
  }

  async rpc(method, ...params) {
    const { result, error } = await this.request(method, ...params);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Sends a transaction and returns its receipt; fails if it reverts. */
  async transact(transaction) {
    const [from] = await this.rpc("eth_accounts");
    const hash = await this.rpc("eth_sendTransaction", { from, ...transaction });
    let receipt;
    while (!(receipt = await this.rpc("eth_getTransactionReceipt", hash))) await setTimeout(10);
    if (receipt.status !== "0x1") throw new Error(`the transaction ${hash} reverted`);
    return receipt;
  }

  /** Deploys a contract of the build, with encoded arguments, as an account; returns its address. */
  async deploy(file, contract, { from, args = "0x" } = {}) {
    const code = read(`out/${file}/${contract}.json`).bytecode.object;
    const { contractAddress } = await this.transact({ data: code + args.slice(2), ...(from && { from }) });
    return contractAddress;
  }

  /** What a contract answers to a call. */
  async call(to, data) {
    return this.rpc("eth_call", { to, data });
  }

  /** Calls a contract; returns what it says if it reverts, and nothing if it does not. */
  async revertData(to, data) {
    const { error } = await this.request("eth_call", { to, data });
    return error?.data;
  }
}
