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
  "bytes32,uint32,bytes32,bytes32,bytes32,uint32,address,(address,uint32,uint40,uint40)",
  "uint40,uint40,uint40,uint40,bool,bool,uint32,uint40,uint40,uint40,uint32",
  "(address,bytes32,bool)[]", // sources
  "(address,uint256[2])[]", // scopes
  "address[]", // nodes
  "(address,uint8,uint8,uint32,uint32,uint96,uint96)[]", // feeds
  "(bytes32,uint256[2],uint256[2],(uint256[2],uint256[2][]))[]", // levels
].join(",")}))`;

const NOBODY = `0x${"0".repeat(40)}`;

/** A number as 32 bytes. */
const word = (number) => `0x${number.toString(16).padStart(64, "0")}`;

/** Values of a struct. */
const tuple = (...values) => `(${values.join(",")})`;

/** The arguments of a constructor. */
const encodeArguments = (signature, ...values) => `0x${encode(signature, ...values).slice(10)}`;

/** A level as the policy registry takes it. */
const levelOf = (level, { idx, flag, base, market }) =>
  tuple(level, point(idx), point(flag), tuple(point(base), list(market.map(point))));

/** The policy registry and the oracle, without delay: policies count at once. */
async function deployMarket(node, owner) {
  const args = encodeArguments("constructor(uint40,address,address)", "0", owner, owner);
  const policyRegistry = await node.deploy("PolicyRegistry.sol", "PolicyRegistry", { args });
  const oracle = await node.deploy("SnapshotOracle.sol", "SnapshotOracle", {
    args: encodeArguments("constructor(address)", policyRegistry),
  });
  return { policyRegistry, oracle };
}

async function deployAggregators(node, count, decimals) {
  const args = encodeArguments("constructor(uint8)", `${decimals}`);
  const aggregators = [];
  for (let feed = 0; feed < count; ++feed) {
    aggregators.push(await node.deploy("MockAggregator.sol", "MockAggregator", { args }));
  }
  return aggregators;
}

/** A market of the first feeds of the example, whose every price each level reads. */
async function feedMarket(node) {
  const [owner] = await node.rpc("eth_accounts");
  const { policyRegistry, oracle } = await deployMarket(node, owner);
  const verifier = await node.deploy("DevelopmentVerifierK10.sol", "SuretyVerifierK10");
  const aggregators = await deployAggregators(node, FEEDS, 8);
  const policy = read("test/fixtures/policy.json");

  /** Publishes the first levels of the example, and returns the policy's identifier. */
  const publish = async (line, levels, { sufficient = levels, vault = tuple(NOBODY, 0, 0, 0) } = {}) => {
    const publication = tuple(
      ...[word(line), 1, policy.document, policy.universe, policy.srs, policy.capacity, verifier],
      ...[vault, 86400, 120, 3600, 60, false, false, sufficient, EPOCH, 900, 60, 0],
      list([tuple(owner, word(1), false)]),
      "[]",
      "[]",
      list(aggregators.map((aggregator) => tuple(aggregator, 8, 8, 3600, 100000, 1, 10n ** 20n))),
      list(
        policy.levels
          .slice(0, levels)
          .map(({ market, ...level }, index) => levelOf(word(index + 1), { market: market.slice(0, FEEDS), ...level })),
      ),
    );
    await node.transact({ to: policyRegistry, data: encode(PUBLISH, publication) });
    return node.call(policyRegistry, encode("policyOf(bytes32,uint32)", word(line), "1"));
  };

  /** Takes the snapshot of the next epoch; returns its epoch and its gas. */
  const take = async (id, answerOf) => {
    const { timestamp } = await node.rpc("eth_getBlockByNumber", "latest", false);
    const epoch = Math.floor(Number(timestamp) / EPOCH) + 1;
    await node.rpc("evm_setNextBlockTimestamp", epoch * EPOCH);
    for (const [feed, aggregator] of aggregators.entries()) {
      const data = encode("set(int128,uint40)", `${answerOf(feed)}`, `${epoch * EPOCH}`);
      await node.transact({ to: aggregator, data });
    }
    const { gasUsed } = await node.transact({ to: oracle, data: encode("take(bytes32)", id) });
    return { epoch, gas: Number(gasUsed) };
  };

  return { owner, policyRegistry, oracle, policy, publish, take };
}

async function measureSnapshots(node) {
  const { publish, take } = await feedMarket(node);

  /** Gas of the first snapshots, one an epoch, with new answers each time. */
  const takeMany = async (id, count) => {
    const gas = [];
    for (let number = 0; number < count; ++number) {
      gas.push((await take(id, (feed) => 10n ** 10n + BigInt(1000 * feed + number))).gas);
    }
    return gas;
  };

  const one = await takeMany(await publish(1, 1), 4);
  const three = await takeMany(await publish(2, 3), 4);
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
  const [scoped] = read("test/fixtures/scopes-k11.json").cases;
  const words = (bytes) => bytes.slice(2).match(/.{64}/g).map((word) => `0x${word}`);
  const scopes = await gas(
    development,
    encode(
      "verifyScopes(bytes,uint256,uint256[4][])",
      scoped.proof,
      scoped.context,
      list(scoped.parts.map((part) => list(words(part)))),
    ),
  );
  return {
    hard_fork: HARD_FORK,
    verifyProof_k11_tx: one,
    verifyScopes_3_sources_tx: scopes,
    verifyBatch_16_k11_tx: many,
    verifyBatch_16_k11_per_proof: Math.ceil(many / batch.length),
    ...(await measureSnapshots(node)),
  };
}

const STATEMENT = "(uint256,uint256,uint64,uint64,uint64,bytes32,bytes)";
const ATTESTATION = `(address,bytes32,uint256,uint64,uint64,bytes32,${STATEMENT}[],bytes,bytes,bytes)`;

const attestations = read("test/fixtures/attestations-k11.json");

/** A statement as the attestation registry takes it. */
const statement = ({ commitment, as_of, valid_until, sequence, encumbrance, signature }) =>
  tuple(point(commitment).slice(1, -1), as_of, valid_until, sequence, encumbrance, signature);

/** An attestation as the attestation registry takes it. */
const attestation = ({ subject, level, epoch, valid_until, statements, proof }) =>
  tuple(
    ...[subject, attestations.publication.policy, level, epoch, valid_until, word(0)],
    ...[list(statements.map(statement)), proof, "0x", "0x"],
  );

/** Attestations of three sources: where nothing is known of the subject, an epoch later, and many at once. */
async function measureAttestations(node) {
  const accounts = await node.rpc("eth_accounts");
  const { publication: policy, snapshots } = attestations;
  const verifier = await node.deploy("DevelopmentVerifierK11.sol", "SuretyVerifierK11", { from: accounts.at(-2) });
  const { policyRegistry, oracle } = await deployMarket(node, accounts[0]);
  const args = encodeArguments("constructor(address,address,bool)", policyRegistry, oracle, "false");
  const attestationRegistry = await node.deploy("AttestationRegistry.sol", "AttestationRegistry", {
    from: accounts.at(-1),
    args,
  });
  const aggregators = await deployAggregators(node, snapshots[0].prices.length, 0);

  // Estimates are made at the time of the block before, where a snapshot is of another epoch.
  const gas = async (to, ...call) =>
    Number((await node.transact({ to, data: encode(...call), gas: "0xf42400" })).gasUsed);
  const publication = tuple(
    ...[word(1), 1, policy.document, policy.universe, policy.srs, policy.k, verifier],
    tuple(NOBODY, 0, 0, 0),
    ...[policy.validity, policy.max_statement_skew, policy.max_statement_age, 300, false, false],
    ...[policy.levels.length, policy.epoch_length, policy.max_market_age, 60, 0],
    list(policy.sources.map(({ signer, account }) => tuple(signer, account, false))),
    "[]",
    list(policy.nodes),
    list(aggregators.map((aggregator) => tuple(aggregator, 0, 0, policy.max_market_age, 0, 1, 10n ** 20n))),
    list(policy.levels.map(({ level, ...commitments }) => levelOf(level, commitments))),
  );
  await gas(policyRegistry, PUBLISH, publication);

  const take = async ({ time, prices }) => {
    await node.rpc("evm_setNextBlockTimestamp", time - prices.length);
    for (const [feed, aggregator] of aggregators.entries()) {
      await gas(aggregator, "set(int128,uint40)", prices[feed], `${time - prices.length}`);
    }
    await node.rpc("evm_setNextBlockTimestamp", time);
    await gas(oracle, "take(bytes32)", policy.policy);
    await node.rpc("evm_setNextBlockTimestamp", time + 60);
  };
  const attest = (made) => gas(attestationRegistry, `attest(${ATTESTATION})`, attestation(made));
  const { first, next, batch } = attestations.attestations;

  await take(snapshots[0]);
  const one = await attest(first);
  const many = await gas(attestationRegistry, `attestBatch(${ATTESTATION}[])`, list(batch.map(attestation)));
  await take(snapshots[1]);
  const repeated = await attest(next);
  return {
    attest_3_sources_k11_tx: one,
    attest_3_sources_k11_repeated_tx: repeated,
    attestBatch_16_3_sources_k11_tx: many,
    attestBatch_16_3_sources_k11_per_attestation: Math.ceil(many / batch.length),
  };
}

const books = read("test/fixtures/book-k10.json");

/** The rules of books, a first book, and one an epoch later. Contracts that answer from storage, too, stand for the
 * policy registry and for the snapshot oracle: the nodes of the policy have signed nothing for this chain. */
async function measureBooks(node) {
  const accounts = await node.rpc("eth_accounts");
  const verifier = await node.deploy("DevelopmentVerifierK10.sol", "SuretyVerifierK10");
  const policyRegistry = await node.deploy("StandIns.sol", "PolicyStandIn");
  const oracle = await node.deploy("StandIns.sol", "OracleStandIn");
  const args = encodeArguments("constructor(address,address)", policyRegistry, oracle);
  const bookRegistry = await node.deploy("BookRegistry.sol", "BookRegistry", { from: accounts.at(-1), args });

  const gas = async (to, data, from) =>
    Number((await node.transact({ to, data, gas: "0xf42400", ...(from && { from }) })).gasUsed);
  const { terms, first, next } = books;
  const SNAPSHOT_OF = "(uint64,uint64,uint40,uint40,uint32,bool)";
  const TERMS = `(${[
    "bytes32,bytes32,bytes32,address,(address,uint32,uint40,uint40),uint32,uint40,uint40,uint40,uint40,bool,bool,uint32",
    "(address,bytes32,bool)[],(address,uint256[2])[],address[],(bytes32,uint256[2],uint256[2])[]",
  ].join(",")})`;
  const kept = tuple(
    ...[terms.universe, terms.srs, terms.verifying_key, verifier, tuple(NOBODY, 0, 0, 0), terms.k, terms.validity],
    ...[terms.max_statement_skew, terms.max_statement_age, 300, false, false, 1],
    list([tuple(terms.source, terms.account, false)]),
    ...["[]", list(terms.nodes), "[]"],
  );
  await gas(policyRegistry, encode(`set(bytes32,${TERMS})`, terms.policy, kept));
  const registered = await gas(bookRegistry, books.register);

  const { venue } = first;
  await node.rpc("anvil_impersonateAccount", venue);
  await node.rpc("anvil_setBalance", venue, "0xde0b6b3a7640000");
  const publish = async ({ epoch, snapshot, snapshot_time: taken, time, publish: data }) => {
    const prices = tuple(epoch, epoch - 1, taken, taken, terms.max_market_age, false);
    const coefficients = list([list([1, 2])]);
    await gas(oracle, encode(`add(bytes32,${SNAPSHOT_OF},uint256[2][])`, terms.policy, prices, coefficients));
    await gas(oracle, encode("setId(bytes32,uint64,bytes32)", terms.policy, `${epoch}`, snapshot));
    await node.rpc("evm_setNextBlockTimestamp", time);
    return gas(bookRegistry, data, venue);
  };
  return {
    register_book_rules_2_kinds_tx: registered,
    publish_book_1_source_first_tx: await publish(first),
    publish_book_1_source_tx: await publish(next),
  };
}

const VENUE_RULES =
  "(bytes32,uint256,uint256,uint256,uint32,uint40,uint40,uint40,uint40,uint40,uint8,uint32,uint32,uint128)";
const VENUE = `constructor(address,address,address,address,address,address,address,${VENUE_RULES})`;
const AUCTION =
  "constructor(address,address,address,address,(bytes32,uint32,uint32,uint40,uint40,uint96),(address,uint8)[])";

/** An account that falls short and into debt, a fill that pays a part, and one that pays the rest. The attestation
 * registry alone is a stand-in, and the account's attestations are not measured. */
async function measureAuctions(node) {
  const [, subject, taker] = await node.rpc("eth_accounts");
  const { owner, policyRegistry, oracle, policy, publish, take } = await feedMarket(node);
  const gas = async (from, to, ...call) =>
    Number((await node.transact({ from, to, data: encode(...call), gas: "0xf42400" })).gasUsed);
  const deploy = (contract, signature, ...values) =>
    node.deploy(`${contract}.sol`, contract, { args: encodeArguments(signature, ...values) });
  const deployToken = (decimals) => deploy("MockToken", "constructor(uint8)", decimals);

  const [quote, token] = [await deployToken("6"), await deployToken("18")];
  const attestationRegistry = await deploy("SuretyMockRegistry", "constructor(uint256,uint256)", "1", "1");
  await gas(owner, attestationRegistry, "setPolicyRegistry(address)", policyRegistry);
  const assets = [tuple(quote, 10n ** 6n, point(policy.levels[0].idx).slice(1, -1)),
    tuple(token, 10n ** 12n, point(policy.levels[0].flag).slice(1, -1))];
  const vault = await deploy(
    ...["CollateralVault", "constructor(address,bytes32,(address,uint96,uint256,uint256)[])"],
    ...[attestationRegistry, policy.universe, list(assets)],
  );
  await gas(owner, attestationRegistry, "setVault(address)", vault);
  const id = await publish(3, 2, { sufficient: 1, vault: tuple(vault, 0, 3600, 0) });
  const sales = tuple(id, 1_200_000, 800_000, 3600, 900, 10n ** 7n);
  const lots = list([tuple(token, 1)]);
  const auction = await deploy("CollateralAuction", AUCTION, policyRegistry, oracle, vault, quote, sales, lots);
  const rules = tuple(id, 0, 0, 0, 1, 3600, 3600, 900, 3600, 86400, 18, 10_000, 250_000, 10n ** 12n);
  const contracts = [attestationRegistry, policyRegistry, oracle, vault, quote, auction];
  const venue = await deploy("MarginGatedVenue", VENUE, owner, ...contracts, rules);
  await gas(owner, vault, "setVenue(address,bytes32)", venue, id);

  for (const [account, asset, spender] of [[owner, quote, venue], [taker, quote, venue], [subject, token, vault]]) {
    await gas(account, asset, "mint(address,uint256)", account, `${10n ** 20n}`);
    await gas(account, asset, "approve(address,uint256)", spender, `${10n ** 20n}`);
  }
  await gas(owner, venue, "fund(uint256)", `${10n ** 14n}`);
  await gas(subject, vault, "deposit(address,uint256)", token, `${10n ** 19n}`);

  const attest = (name, ...values) => gas(owner, attestationRegistry, name, subject, id, ...values, "4294967296");
  await take(id, () => 10n ** 10n);
  await attest("vouch(address,bytes32,uint256,uint64)", "0");
  await gas(subject, venue, "open(int128)", "--", `${-(10n ** 20n)}`);
  const { epoch } = await take(id, () => 105n * 10n ** 8n);
  await attest("vouchShort(address,bytes32,uint64,uint64)", `${epoch}`);
  const liquidated = await gas(taker, venue, "liquidateShort(address)", subject);
  // 605 are owed, of which the first fill pays 252.
  const fill = (amount) =>
    gas(
      ...[taker, auction, "take(address,address,uint256,uint256,address,bytes)"],
      ...[subject, token, `${amount}`, `${10n ** 18n}`, taker, "0x"],
    );
  return {
    liquidate_into_auction_8_feeds_tx: liquidated,
    auction_take_8_feeds_tx: await fill(2n * 10n ** 18n),
    auction_last_take_8_feeds_tx: await fill(8n * 10n ** 18n),
  };
}

const verifiers = await withAnvil(measure);
const time = attestations.snapshots[0].time - 1000;
const attesting = await withAnvil(measureAttestations, "--timestamp", `${time}`);
const before = books.first.snapshot_time - 1000;
const publishing = await withAnvil(measureBooks, "--timestamp", `${before}`);
const selling = await withAnvil(measureAuctions);
const measured = `${JSON.stringify({ ...verifiers, ...attesting, ...publishing, ...selling }, null, 2)}\n`;
if (process.argv.includes("--update")) {
  writeFileSync(SNAPSHOT, measured);
} else if (measured !== readFileSync(SNAPSHOT, "utf8")) {
  console.error(`gas: expected what snapshots/gas.json says, found\n${measured}`);
  console.error("If it is on purpose: npm run gas -- --update");
  process.exitCode = 1;
}
