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

/** The coordinates of a point. */
const point = (bytes) => list([bytes.slice(0, 66), `0x${bytes.slice(66)}`]);

const FEEDS = 8;
const EPOCH = 300;
const PUBLISH = `publish((${[
  "bytes32,uint32,bytes32,bytes32,bytes32,uint32,address,address,uint40,uint40,uint40,uint40,bool,uint40,uint40,uint40,uint32",
  "(address,bytes32)[]", // sources
  "address[]", // nodes
  "(address,uint8,uint8,uint32,uint32,uint96,uint96)[]", // feeds
  "(bytes32,uint256[2],uint256[2],(uint256[2],uint256[2][]))[]", // levels
].join(",")}))`;

/** Snapshots of the first feeds of the example, whose every price each level reads. */
async function measureSnapshots(node) {
  const [owner] = await node.rpc("eth_accounts");
  const encodeArguments = (signature, ...values) => `0x${encode(signature, ...values).slice(10)}`;
  const registry = await node.deploy(
    "PolicyRegistry.sol",
    "PolicyRegistry",
    { args: encodeArguments("constructor(uint40,address,address)", "0", owner, owner) },
  );
  const oracle = await node.deploy("SnapshotOracle.sol", "SnapshotOracle", { args: encodeArguments("constructor(address)", registry) });
  const verifier = await node.deploy("DevelopmentVerifierK10.sol", "SuretyVerifierK10");
  const aggregators = [];
  for (let feed = 0; feed < FEEDS; ++feed) {
    aggregators.push(await node.deploy("MockAggregator.sol", "MockAggregator", { args: encodeArguments("constructor(uint8)", "8") }));
  }
  const policy = read("test/fixtures/policy.json");
  const word = (number) => `0x${number.toString(16).padStart(64, "0")}`;
  const tuple = (...values) => `(${values.join(",")})`;

  /** Publishes the first levels of the example, and returns the policy's identifier. */
  const publish = async (line, levels) => {
    const publication = tuple(
      ...[word(line), 1, policy.document, policy.universe, policy.srs, policy.capacity, verifier],
      ...[`0x${"0".repeat(40)}`, 86400, 120, 3600, 60, false, EPOCH, 900, 60, 0],
      list([tuple(owner, word(1))]),
      "[]",
      list(aggregators.map((aggregator) => tuple(aggregator, 8, 8, 3600, 100000, 1, 10n ** 20n))),
      list(
        policy.levels.slice(0, levels).map(({ idx, flag, base, market }, index) => {
          const coefficients = tuple(point(base), list(market.slice(0, FEEDS).map(point)));
          return tuple(word(index + 1), point(idx), point(flag), coefficients);
        }),
      ),
    );
    await node.transact({ to: registry, data: encode(PUBLISH, publication) });
    return node.call(registry, encode("policyOf(bytes32,uint32)", word(line), "1"));
  };

  /** Gas of the first snapshots, one an epoch, with new answers each time. */
  const take = async (id, count) => {
    const gas = [];
    for (let number = 0; number < count; ++number) {
      const { timestamp } = await node.rpc("eth_getBlockByNumber", "latest", false);
      const time = (Math.floor(Number(timestamp) / EPOCH) + 1) * EPOCH;
      await node.rpc("evm_setNextBlockTimestamp", time);
      for (const [feed, aggregator] of aggregators.entries()) {
        const answer = 10n ** 10n + BigInt(1000 * feed + number);
        await node.transact({ to: aggregator, data: encode("set(int128,uint40)", `${answer}`, `${time}`) });
      }
      gas.push(Number((await node.transact({ to: oracle, data: encode("take(bytes32)", id) })).gasUsed));
    }
    return gas;
  };

  const one = await take(await publish(1, 1), 4);
  const three = await take(await publish(2, 3), 4);
  // From the third on, snapshots overwrite: in turn two places, which differ by a few gas.
  return {
    snapshot_8_feeds_first_tx: one[0],
    snapshot_8_feeds_tx: Math.max(one[2], one[3]),
    snapshot_8_feeds_3_levels_tx: Math.max(three[2], three[3]),
  };
}

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
    ...(await measureSnapshots(node)),
  };
}

/** Coordinates of a point, as a list. */
const point = (encoded) => list([encoded.slice(0, 66), `0x${encoded.slice(66)}`]);

/** Values of a struct. */
const tuple = (...values) => `(${values.join(",")})`;

const TERMS =
  "(bytes32,bytes32,bytes32,address,address,uint32,uint40,uint40,uint40,uint40,bool,(address,bytes32)[],address[],(bytes32,uint256[2],uint256[2])[])";
const SNAPSHOT = "(uint64,uint64,uint40,uint40,uint32,bool)";
const ATTESTATION =
  "(address,bytes32,uint256,uint64,uint64,(uint256,uint256,uint64,uint64,uint64,bytes32,bytes)[],bytes)";
const NOBODY = `0x${"00".repeat(20)}`;

const attestations = read("test/fixtures/attestations-k11.json");

/** The policy as the registry of policies tells it. */
const terms = ({ publication: policy }) =>
  tuple(
    policy.universe,
    policy.srs,
    policy.verifying_key,
    policy.verifier,
    NOBODY,
    policy.k,
    policy.validity,
    policy.max_statement_skew,
    policy.max_statement_age,
    300,
    false,
    list(policy.sources.map(({ signer, account }) => tuple(signer, account))),
    list(policy.nodes),
    list(policy.levels.map(({ level, idx, flag }) => tuple(level, point(idx), point(flag)))),
  );

/** A snapshot as the oracle tells it. */
const snapshot = ({ epoch, previous_epoch, time }, { publication }) =>
  tuple(epoch, previous_epoch, time, time, publication.max_market_age, false);

/** A statement as the registry takes it. */
const statement = ({ commitment, as_of, valid_until, sequence, encumbrance, signature }) =>
  tuple(point(commitment).slice(1, -1), as_of, valid_until, sequence, encumbrance, signature);

/** An attestation as the registry takes it. */
const attestation = ({ subject, level, epoch, valid_until, statements, proof }) =>
  tuple(subject, attestations.publication.policy, level, epoch, valid_until, list(statements.map(statement)), proof);

/** Attestations of three sources: where nothing is known of the subject, an epoch later, and many at once. */
async function measureAttestations(node) {
  const accounts = await node.rpc("eth_accounts");
  await node.deploy("DevelopmentVerifierK11.sol", "SuretyVerifierK11", { from: accounts.at(-2) });
  const policies = await node.deploy("StandIns.sol", "PolicyStandIn");
  const oracle = await node.deploy("StandIns.sol", "OracleStandIn");
  const args = execFileSync("cast", ["abi-encode", "f(address,address,bool)", policies, oracle, "false"], {
    encoding: "utf8",
  }).trim();
  const registry = await node.deploy("AttestationRegistry.sol", "AttestationRegistry", { from: accounts.at(-1), args });

  const gas = async (to, ...call) => Number((await node.transact({ to, data: encode(...call) })).gasUsed);
  const { policy } = attestations.publication;
  const take = (taken) =>
    gas(
      oracle,
      `add(bytes32,${SNAPSHOT},uint256[2][])`,
      policy,
      snapshot(taken, attestations),
      list(taken.coef.map(point)),
    );
  const attest = (made) => gas(registry, `attest(${ATTESTATION})`, attestation(made));
  const { first, next, batch } = attestations.attestations;

  await gas(policies, `set(bytes32,${TERMS})`, policy, terms(attestations));
  await take(attestations.snapshots[0]);
  const one = await attest(first);
  const many = await gas(registry, `attestBatch(${ATTESTATION}[])`, list(batch.map(attestation)));
  await node.rpc("evm_increaseTime", attestations.snapshots[1].time - attestations.snapshots[0].time);
  await take(attestations.snapshots[1]);
  const repeated = await attest(next);
  return {
    attest_3_sources_k11_tx: one,
    attest_3_sources_k11_repeated_tx: repeated,
    attestBatch_16_3_sources_k11_tx: many,
    attestBatch_16_3_sources_k11_per_attestation: Math.ceil(many / batch.length),
  };
}

const verifiers = await withAnvil(measure);
const time = attestations.snapshots[0].time + 60;
const registry = await withAnvil(measureAttestations, "--timestamp", `${time}`);
const measured = `${JSON.stringify({ ...verifiers, ...registry }, null, 2)}\n`;
if (process.argv.includes("--update")) {
  writeFileSync(SNAPSHOT, measured);
} else if (measured !== readFileSync(SNAPSHOT, "utf8")) {
  console.error(`gas: expected what snapshots/gas.json says, found\n${measured}If it is on purpose: npm run gas -- --update`);
  process.exitCode = 1;
}
