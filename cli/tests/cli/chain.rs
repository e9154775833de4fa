//! Attesting on a chain: a local node, the contracts as Forge has built them, and the commands that use them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{
    Address, U256,
    aliases::{U40, U96},
    hex,
};
use alloy_sol_types::{SolCall, SolValue as _, sol};
use serde_json::{Value, json};

use crate::{
    commands::example,
    sandbox::{Sandbox, read_json, write_json},
    shortfall::few_scenarios,
    signers::signing,
};

sol! {
    struct VenueRules {
        bytes32 policy;
        uint256 market;
        uint256 maintenanceLevel;
        uint256 initialLevel;
        uint32 shortfallLevel;
        uint40 openingAge;
        uint40 holdingAge;
        uint40 maxPriceAge;
        uint40 grace;
        uint40 settlementAge;
        uint8 sizeDecimals;
        uint32 penalty;
        uint32 reward;
        uint128 maxNotional;
    }

    struct AuctionRules {
        bytes32 policy;
        uint32 start;
        uint32 floor;
        uint40 duration;
        uint40 maxPriceAge;
        uint96 minimum;
    }

    struct Lot {
        address token;
        uint8 market;
    }

    struct Position {
        int128 size;
        uint96 price;
    }

    function set(int128 answer, uint40 updatedAt) external;
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external;
    function deposit(address token, uint256 amount) external;
    function setVenue(address venue, bytes32 policy) external;
    function fund(uint256 amount) external;
    function open(int128 size) external;
    function flag(address subject) external;
    function liquidate(address subject) external;
    function liquidateShort(address subject) external;
    function positionOf(address subject) external view returns (Position memory);
}

/// The example's prices, as the feeds answer.
pub(crate) const PRICES: [i128; 11] = [
    99_957_100,
    100_046_400,
    10_427_780_000_000,
    390_457_800_000,
    476_292_300_000,
    18_740_560_000,
    10_431_790_000_000,
    390_864_300_000,
    18_756_910_000,
    10_616_140_000_000,
    398_860_300_000,
];

/// Where BTC-USD is among them.
const BTC: usize = 2;

/// The head of the vault's table in the policy.
const VAULT: &str = "\n[vault]\n";
/// The vault's address before it is known.
const NOWHERE: &str = "0x0101010101010101010101010101010101010101";

/// Seconds of an epoch of the example's policy.
pub(crate) const EPOCH: u64 = 300;

/// Maximum age of prices for the venue, in seconds: the policy's.
pub(crate) const AGE: u64 = 900;

pub(crate) fn contracts(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts").join(path)
}

/// A local node, which ends with the test. It sends transactions of anybody.
pub(crate) struct Anvil {
    process: Child,
    pub(crate) url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Anvil {
    /// Starts a node whose time is `time`. Says so if tools or contracts are missing.
    pub(crate) fn start(time: u64) -> Option<Self> {
        let program = contracts("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        let built = contracts("out/AttestationRegistry.sol/AttestationRegistry.json");
        for needed in [&program, &built] {
            if !needed.exists() {
                println!("skipped: {} is absent; contracts/check installs and builds it", needed.display());
                return None;
            }
        }
        let arguments = ["--port", "0", "--hardfork", "osaka", "--auto-impersonate", "--timestamp", &time.to_string()];
        let mut process = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let listening = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
        let url = format!("http://{}", listening.expect("anvil listens"));
        // Nobody reads on, so its output must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let anvil = Self { process, url };
        // However slow the machine is, a block takes a second.
        anvil.ask("anvil_setBlockTimestampInterval", json!([1]));
        Some(anvil)
    }

    fn request(&self, method: &str, parameters: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
        let mut response = ureq::post(&self.url).content_type("application/json").send(body).unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    #[track_caller]
    pub(crate) fn ask(&self, method: &str, parameters: Value) -> Value {
        let answer = self.request(method, parameters);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Waits until this many epochs later, and returns when it begins.
    pub(crate) fn wait(&self, epochs: u64) -> u64 {
        let time = (self.time() / EPOCH + epochs) * EPOCH;
        self.advance(time);
        time
    }

    /// The time of the newest block.
    pub(crate) fn time(&self) -> u64 {
        let block = self.ask("eth_getBlockByNumber", json!(["latest", false]));
        u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap()
    }

    /// Makes a block at a time.
    pub(crate) fn advance(&self, time: u64) {
        self.ask("evm_setNextBlockTimestamp", json!([time]));
        self.ask("evm_mine", json!([]));
    }

    pub(crate) fn fund(&self, account: &str) {
        self.ask("anvil_setBalance", json!([account, "0x56bc75e2d63100000"]));
    }

    /// Sends a transaction in somebody's name, and returns its receipt.
    #[track_caller]
    fn send(&self, from: Address, to: Option<Address>, data: Vec<u8>) -> Value {
        let mut transaction =
            json!({ "from": from.to_string(), "data": hex::encode_prefixed(data), "gas": "0xf42400" });
        if let Some(to) = to {
            transaction["to"] = json!(to.to_string());
        }
        let hash = self.ask("eth_sendTransaction", json!([transaction]));
        let receipts = (0..500).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            self.ask("eth_getTransactionReceipt", json!([hash]))
        });
        let receipt = receipts.into_iter().find(|receipt| !receipt.is_null()).expect("a block within ten seconds");
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    #[track_caller]
    pub(crate) fn call(&self, from: Address, to: Address, call: impl SolCall) {
        self.send(from, Some(to), call.abi_encode());
    }

    pub(crate) fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let data = hex::encode_prefixed(call.abi_encode());
        let answer = self.ask("eth_call", json!([{ "to": to.to_string(), "data": data }, "latest"]));
        C::abi_decode_returns(&hex::decode(answer.as_str().unwrap()).unwrap()).unwrap()
    }

    /// Creates a contract that Forge has built.
    pub(crate) fn create(&self, from: Address, file: &str, contract: &str, arguments: Vec<u8>) -> Address {
        let artifact = read_json(&contracts("out").join(format!("{file}.sol/{contract}.json")));
        let code = hex::decode(artifact["bytecode"]["object"].as_str().unwrap()).unwrap();
        let receipt = self.send(from, None, [code, arguments].concat());
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }
}

/// The example's policy on a chain, with feeds at its prices, and everything that the commands need.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) anvil: Anvil,
    pub(crate) owner: Address,
    pub(crate) subject: Address,
    feeds: Vec<Address>,
    pub(crate) token: Address,
    /// Tokens of further instruments that the vault has.
    pub(crate) others: Vec<Address>,
}

impl Scene {
    /// Contracts are created, nothing is published.
    fn new() -> Option<Self> {
        let (sandbox, now) = example();
        // The commands' clock is the machine's: the chain stays behind it.
        Self::over(sandbox, now - 24 * EPOCH)
    }

    /// The same with files of one's own, on a chain that begins at a time.
    pub(crate) fn over(sandbox: Sandbox, time: u64) -> Option<Self> {
        Self::with_assets(sandbox, time, &[])
    }

    /// The same with further instruments in the vault, of these decimals.
    pub(crate) fn with_assets(sandbox: Sandbox, time: u64, assets: &[(&str, u8)]) -> Option<Self> {
        let anvil = Anvil::start(time)?;
        let address = |name: &str| -> Address {
            let line = format!("key address --key {}", sandbox.demo_key(name));
            sandbox.surety(&line).expect(0).stdout.trim().parse().unwrap()
        };
        let (owner, subject) = (address("owner"), address("meridian"));
        for account in [owner, subject] {
            anvil.fund(&account.to_string());
        }
        let feed = |_| anvil.create(owner, "MockAggregator", "MockAggregator", U256::from(8).abi_encode());
        let feeds: Vec<Address> = (0..PRICES.len()).map(feed).collect();
        let token = anvil.create(owner, "MockToken", "MockToken", U256::from(6).abi_encode());
        let other = |(_, decimals): &(&str, u8)| {
            anvil.create(owner, "MockToken", "MockToken", U256::from(*decimals).abi_encode())
        };
        let others = assets.iter().map(other).collect();
        let scene = Self { sandbox, anvil, owner, subject, feeds, token, others };
        scene.write_rules();
        scene.give_scopes();
        scene.draw_on_a_vault(assets);
        scene.run(
            "deploy here --delay 0 --guardian 0x00000000000000000000000000000000000000aa \
                   --out deployment.json KEY RPC",
        );
        scene.edit_policy(NOWHERE, &format!("{:#x}", scene.deployed("vault")));
        Some(scene)
    }

    /// Two of the sources may state what they do state, and nothing else.
    fn give_scopes(&self) {
        for source in ["custodian-south", "venue-atlas"] {
            let holdings = fs::read_to_string(self.sandbox.path(&format!("here/holdings/{source}.csv"))).unwrap();
            let instruments: Vec<_> = holdings.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
            let name = format!("name = \"{source}\"");
            self.edit_policy(&name, &format!("{name}\nscope = {}", json!(instruments)));
        }
    }

    /// Has the policy draw on a vault, whose address nobody knows yet.
    fn draw_on_a_vault(&self, others: &[(&str, u8)]) {
        let policy = fs::read_to_string(self.sandbox.path("here/policy.toml")).unwrap();
        let asset = |(instrument, decimals): &(&str, u8), token: &Address| {
            format!("{{ instrument = \"{instrument}\", token = \"{token:#x}\", decimals = {decimals} }}")
        };
        let others = others.iter().zip(&self.others).map(|(other, token)| asset(other, token));
        let assets = [asset(&("USDC", 6), &self.token)].into_iter().chain(others).collect::<Vec<_>>().join(", ");
        let vault = format!(
            "{VAULT}chain = 31337\naddress = \"{NOWHERE}\"\nlevel = \"maintenance\"\nmax_age = 900\nmin_age = 0\n\
             assets = [{assets}]\n",
        );
        self.sandbox.write("here/policy.toml", &(policy + &vault));
    }

    /// The policy as it was, without a vault.
    pub(crate) fn draw_on_no_vault(&self) {
        let policy = fs::read_to_string(self.sandbox.path("here/policy.toml")).unwrap();
        self.sandbox.write("here/policy.toml", policy.split(VAULT).next().unwrap());
    }

    pub(crate) fn edit_policy(&self, from: &str, to: &str) {
        let policy = fs::read_to_string(self.sandbox.path("here/policy.toml")).unwrap();
        assert!(policy.contains(from), "{from}");
        self.sandbox.write("here/policy.toml", &policy.replace(from, to));
    }

    fn write_rules(&self) {
        let policy = fs::read_to_string(self.sandbox.path("here/policy.toml")).unwrap();
        let market = policy.split("[oracle]").next().unwrap();
        let entries: Vec<_> =
            market.split("[[market]]").skip(1).map(|entry| entry.split('"').nth(1).unwrap()).collect();
        let mut rules = String::from(
            "kind = \"surety/chain-rules\"\nversion = 1\nline = \"meridian\"\npolicy_version = 1\ngrace = 0\n",
        );
        for (entry, feed) in entries.iter().zip(&self.feeds) {
            rules += &format!("[[feeds]]\nentry = \"{entry}\"\naggregator = \"{feed:#x}\"\ndecimals = 8\n");
        }
        self.sandbox.write("rules.toml", &rules);
    }

    /// Runs a command of `surety chain`, which must succeed, and returns its data.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Value {
        self.sandbox.surety(&self.line(line)).data()
    }

    /// Runs a command, which must fail, and returns its message.
    #[track_caller]
    fn fails(&self, line: &str, code: i32) -> String {
        let envelope = self.sandbox.surety(&self.line(line)).expect(code).envelope();
        envelope["error"]["message"].as_str().unwrap().to_owned()
    }

    fn line(&self, line: &str) -> String {
        let rpc = format!("--rpc {}", self.anvil.url);
        let word = |word: &str| match word {
            "KEY" => format!("--key {}", self.sandbox.demo_key("owner")),
            "RPC" => rpc.clone(),
            "ON" => format!("--deployment deployment.json {rpc}"),
            "ARTIFACTS" => contracts("out").to_str().unwrap().to_owned(),
            word => word.to_owned(),
        };
        let line = line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
        format!("chain {line} --json")
    }

    /// Recomputes what is on the chain, which must agree, and returns the names of what was compared.
    #[track_caller]
    fn reproduces(&self, claims: &str) -> Vec<String> {
        let line = self.line(&format!("ON --artifacts ARTIFACTS {claims}"));
        let data = self.sandbox.surety(&line.replacen("chain", "reproduce here", 1)).data();
        let things = data["things"].as_array().unwrap().iter().filter(|thing| thing["verdict"] == "agrees");
        things.map(|thing| thing["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Attack: a contract of other code, with the same answers.
    #[track_caller]
    fn rejects_another_contract_for_the_registry_of_books(&self) {
        let mut deployment = read_json(&self.sandbox.path("deployment.json"));
        deployment["books"] = deployment["registry"].clone();
        write_json(&self.sandbox.path("other.json"), &deployment);
        let line = self.line("ON --artifacts ARTIFACTS").replacen("chain", "reproduce here", 1);
        let run = self.sandbox.surety(&line.replace("deployment.json", "other.json")).expect(5);
        let problems = run.envelope()["error"]["problems"].clone();
        let paths: Vec<_> = problems.as_array().unwrap().iter().map(|problem| problem["path"].clone()).collect();
        assert_eq!(paths, ["contract: code of BookRegistry"]);
    }

    pub(crate) fn deployed(&self, contract: &str) -> Address {
        read_json(&self.sandbox.path("deployment.json"))[contract].as_str().unwrap().parse().unwrap()
    }

    /// Lets the feeds answer, as of now.
    pub(crate) fn set_prices(&self, time: u64, prices: &[i128]) {
        for (feed, price) in self.feeds.iter().zip(prices) {
            self.anvil.call(self.owner, *feed, setCall { answer: *price, updatedAt: U40::from(time) });
        }
    }

    /// Has every source state its account, as of a time.
    pub(crate) fn state(&self, time: u64) {
        for (source, account) in
            [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")]
        {
            let key = self.sandbox.demo_key(source);
            let line = format!(
                "source attest --universe here/universe.toml --holdings here/holdings/{source}.csv --account {account} \
                 --subject {:#x} --chain-id 31337 --registry {:#x} --as-of {time} --key {key} --out here",
                self.subject,
                self.deployed("registry"),
            );
            self.sandbox.surety(&line).expect(0);
        }
    }

    /// Proves a level over the newest snapshot and what is in the vault.
    pub(crate) fn prove(&self, level: &str, out: &str) {
        self.run("market here ON --force");
        self.run(&format!("vault here ON --subject {:#x} --out vault.json --force", self.subject));
        let verifier = self.deployed("verifier");
        let line = format!(
            "prove here --on-chain --vault vault.json --verifier {verifier:#x} --level {level} --out {out} --force"
        );
        self.sandbox.surety(&line).expect(0);
        assert_eq!(read_json(&self.sandbox.path(out))["scopes"]["quotients"].as_array().unwrap().len(), 2);
        // Nobody has signed what a contract took from feeds; the subject consents to it all the same.
        let line = format!(
            "consent {out} --vault vault.json --universe here/universe.toml --policy here/policy.toml \
             --market here/market.json --key {}",
            self.sandbox.demo_key("meridian"),
        );
        self.sandbox.surety(&line).expect(3);
        self.sandbox.surety(&format!("{line} --on-chain")).expect(0);
    }
}

impl Scene {
    /// A venue that trades BTC, and collateral in its vault.
    fn venue(&self, policy: &str, shortfall_level: u32) -> Address {
        self.venue_within(policy, shortfall_level, AGE, 60)
    }

    /// The same, with the largest age of prices and a grace, in seconds.
    pub(crate) fn venue_within(&self, policy: &str, shortfall_level: u32, age: u64, grace: u64) -> Address {
        let venue = self.create_venue(policy, shortfall_level, age, grace, Address::ZERO);
        self.deposit(self.token, 1_000_000_000_000);
        venue
    }

    /// Has the account deposit tokens in the vault, in their smallest units.
    pub(crate) fn deposit(&self, token: Address, amount: u128) {
        let (subject, vault, amount) = (self.subject, self.deployed("vault"), U256::from(amount));
        self.anvil.call(subject, token, mintCall { to: subject, amount });
        self.anvil.call(subject, token, approveCall { spender: vault, amount });
        self.anvil.call(subject, vault, depositCall { token, amount });
    }

    /// The auction of the vault's first further instrument, which has a price.
    pub(crate) fn auction(&self, policy: &str, market: u8) -> Address {
        let [policies, oracle, vault] = ["policies", "oracle", "vault"].map(|name| self.deployed(name));
        let rules = AuctionRules {
            policy: policy.parse().unwrap(),
            start: 1_050_000,
            floor: 700_000,
            duration: U40::from(4 * EPOCH),
            maxPriceAge: U40::from(AGE),
            minimum: U96::from(10_000_000),
        };
        let lots = vec![Lot { token: self.others[0], market }];
        let arguments = (policies, oracle, vault, self.token, rules, lots).abi_encode_params();
        self.anvil.create(self.owner, "CollateralAuction", "CollateralAuction", arguments)
    }

    /// A venue that trades BTC, with funds, whose auction sells what accounts in debt have.
    pub(crate) fn create_venue(
        &self,
        policy: &str,
        shortfall_level: u32,
        age: u64,
        grace: u64,
        auction: Address,
    ) -> Address {
        let Self { anvil, owner, token, .. } = self;
        let vault = self.deployed("vault");
        let rules = VenueRules {
            policy: policy.parse().unwrap(),
            market: U256::from(BTC),
            maintenanceLevel: U256::ZERO,
            initialLevel: U256::from(1),
            shortfallLevel: shortfall_level,
            openingAge: U40::from(age),
            holdingAge: U40::from(age),
            maxPriceAge: U40::from(age),
            grace: U40::from(grace),
            settlementAge: U40::from(86_400),
            sizeDecimals: 8,
            penalty: 50_000,
            reward: 100_000,
            maxNotional: 1_000_000_000_000,
        };
        let [registry, policies, oracle] = ["registry", "policies", "oracle"].map(|name| self.deployed(name));
        let arguments = (*owner, registry, policies, oracle, vault, *token, auction, rules).abi_encode_params();
        let venue = anvil.create(*owner, "MarginGatedVenue", "MarginGatedVenue", arguments);
        anvil.call(*owner, vault, setVenueCall { venue, policy: policy.parse().unwrap() });
        let million = U256::from(1_000_000_000_000_u64);
        anvil.call(*owner, *token, mintCall { to: *owner, amount: million });
        anvil.call(*owner, *token, approveCall { spender: venue, amount: million });
        anvil.call(*owner, venue, fundCall { amount: million });
        venue
    }
}

/// Prices move until the account is short, which whoever has the openings proves; the venue liquidates at once.
#[test]
fn an_account_that_is_proven_short_is_liquidated_at_once() {
    let Some(scene) = Scene::new() else { return };
    let Scene { sandbox, anvil, owner, subject, .. } = &scene;
    let short = "[[levels]]\nname = \"maintenance-shortfall\"\nbasis = \"maintenance\"\nclaim = \"shortfall\"\n\n";
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let (rules, vault) = policy.split_at(policy.find(VAULT).unwrap());
    let rules = few_scenarios(rules).replace("[model]\n", &format!("{short}[model]\n"));
    sandbox.write("here/policy.toml", &format!("{rules}{vault}"));
    let policy = scene.run("publish here --rules rules.toml ON KEY")["policy"].as_str().unwrap().to_owned();
    let venue = scene.venue(&policy, 3);
    let mut time = anvil.wait(1);
    scene.set_prices(time, &PRICES);
    scene.run("snapshot here ON KEY");
    scene.state(time);
    scene.prove("initial", "here/initial.json");
    scene.run("attest here/initial.json --dir here ON KEY");
    anvil.call(*subject, venue, openCall { size: 100_000_000 });
    // A solvent account cannot be proven short.
    let prove = format!(
        "prove here --on-chain --vault vault.json --verifier {:#x} --shortfall --out here/short.json --force",
        scene.deployed("verifier")
    );
    sandbox.surety(&prove).expect(4);

    let mut prices = PRICES;
    let proven = (0..20).any(|_| {
        time = anvil.wait(1);
        // Less than what marks a snapshot; stablecoins stay.
        prices[BTC..].iter_mut().for_each(|price| *price -= *price / 11);
        scene.set_prices(time, &prices);
        scene.run("snapshot here ON KEY");
        scene.state(time);
        scene.run("market here ON --force");
        scene.run(&format!("vault here ON --subject {subject:#x} --out vault.json --force"));
        sandbox.surety(&prove).code == 0
    });
    assert!(proven, "the account is short at some of the prices");
    let query = |level: &str| scene.run(&format!("query here ON --subject {subject:#x} --level {level} --max-age 900"));
    assert_eq!(query("maintenance-shortfall")["short"], false);
    // Whoever has the openings brings it: no consent of the subject, which would not give it.
    scene.run("attest here/short.json --dir here ON KEY");
    let standing = query("maintenance-shortfall");
    assert_eq!((&standing["short"], &standing["sufficient"]), (&json!(true), &Value::Null));
    assert_eq!(query("maintenance")["sufficient"], false, "a shortfall is no level that holds");
    assert_ne!(anvil.view(venue, &positionOfCall { subject: *subject }).size, 0);
    anvil.call(*owner, venue, liquidateShortCall { subject: *subject });
    assert_eq!(anvil.view(venue, &positionOfCall { subject: *subject }).size, 0);
    // The collateral that was seized has changed what the proof drew on.
    assert_eq!(query("maintenance-shortfall")["short"], false);
}

#[test]
fn an_account_attests_on_a_chain_and_is_liquidated_when_it_does_not() {
    let Some(scene) = Scene::new() else { return };
    let Scene { sandbox, anvil, owner, subject, .. } = &scene;
    let policy = scene.run("publish here --rules rules.toml ON KEY")["policy"].as_str().unwrap().to_owned();
    assert!(scene.fails("publish here --rules rules.toml ON KEY", 2).contains("PolicyExists"));
    let stranger = sandbox.demo_key("stranger");
    let message = scene.fails(&format!("publish here --rules rules.toml ON --key {stranger}"), 2);
    assert!(message.contains("AccessControlUnauthorizedAccount"), "{message}");

    let venue = scene.venue(&policy, 0);
    let registry = scene.deployed("registry");

    // The first snapshot: the account proves two levels over it.
    let first = anvil.wait(1);
    assert!(scene.fails("market here ON --force", 2).contains("surety chain snapshot"));
    scene.set_prices(first, &PRICES);
    let taken = scene.run("snapshot here ON KEY");
    assert_eq!(taken["epoch"].as_u64().unwrap(), first / EPOCH);
    assert!(scene.fails("snapshot here ON KEY", 2).contains("EpochTaken"));
    scene.state(first);
    scene.prove("maintenance", "here/maintenance.json");
    scene.prove("initial", "here/initial.json");
    // The state of the chain follows from the public files.
    let reproduced = scene.reproduces("--attestation here/maintenance.json --attestation here/initial.json");
    for name in [
        "contract: runtime code",
        "level maintenance: B_1",
        "level initial: COEF",
        "policy: sources",
        "market: time",
        "policy: vault.address",
        "vault: universe",
        "vault: point of USDC",
        "vault: decimals of USDC",
        "contract: code of PolicyRegistry",
        "contract: code of SnapshotOracle",
        "contract: code of AttestationRegistry",
        "contract: code of BookRegistry",
        "contract: code of CollateralVault",
        "BookRegistry: ORACLE",
        "SnapshotOracle: POLICY_REGISTRY",
    ] {
        assert!(reproduced.contains(&name.to_owned()), "{name} is compared: {reproduced:?}");
    }
    scene.rejects_another_contract_for_the_registry_of_books();
    let balances = read_json(&sandbox.path("vault.json"));
    assert_eq!(balances["balances"], json!([{ "instrument": "USDC", "lots": "1000000000000" }]));

    // A verifier that has read snapshot and vault from the chain accepts, and refuses without either.
    let snapshot = read_json(&sandbox.path("here/maintenance.json"))["claim"]["snapshot"].as_str().unwrap().to_owned();
    let trust = format!("kind = \"surety/trust\"\nversion = 1\nchain_snapshots = [\"{snapshot}\"]\n");
    sandbox.write("trust.toml", &trust);
    let verify = "verify here/maintenance.json --allow-insecure-srs";
    sandbox.surety(&format!("{verify} --trust trust.toml --vault vault.json")).expect(0);
    sandbox.surety(&format!("{verify} --trust trust.toml")).expect(5);
    sandbox.surety(&format!("{verify} --vault vault.json")).expect(3);

    // A proof of another level is refused, with the reason.
    let mut forged = read_json(&sandbox.path("here/maintenance.json"));
    forged["proof"] = read_json(&sandbox.path("here/initial.json"))["proof"].clone();
    write_json(&sandbox.path("here/forged.json"), &forged);
    let message = scene.fails("attest here/forged.json --dir here ON KEY", 3);
    assert!(message.contains("PairingFailed"), "{message}");

    // Anybody brings an attestation: with the command, or the data of the call alone.
    let accepted = scene.run("attest here/maintenance.json here/initial.json --dir here ON KEY");
    assert_eq!(accepted["attestations"], 2);
    let written = sandbox.surety("calldata here/initial.json --json").data();
    let data = hex::decode(written["data"].as_str().unwrap()).unwrap();
    assert_eq!(written["to"].as_str().unwrap().parse::<Address>().unwrap(), registry);
    let anybody = Address::repeat_byte(0xab);
    anvil.fund(&anybody.to_string());
    anvil.send(anybody, Some(registry), data);
    let query = |more: &str| scene.run(&format!("query here ON --subject {subject:#x} {more}"));
    let standing = query("--level maintenance --max-age 900");
    assert_eq!((&standing["holds"], &standing["sufficient"]), (&json!("initial"), &json!(true)));
    assert_eq!(standing["levels"][0]["streak"], 1);
    let asked = sandbox.surety("calldata here/initial.json --query").expect(0).stdout;
    let answer = anvil.ask("eth_call", json!([{ "to": registry.to_string(), "data": asked.trim() }, "latest"]));
    assert!(answer.as_str().unwrap().ends_with('1'), "{answer}");
    anvil.call(*subject, venue, openCall { size: 100_000_000 });

    // Prices move. What was proven over the old ones counts no more for the venue, and cannot be brought again.
    let second = anvil.wait(4);
    let mut moved = PRICES;
    moved[BTC] -= moved[BTC] / 20;
    scene.set_prices(second, &moved);
    scene.run("snapshot here ON KEY");
    // Calls are simulated at the time of the newest block, which must not be the snapshot's: the grace is inclusive.
    anvil.ask("evm_mine", json!([]));
    let message = scene.fails("attest here/maintenance.json --dir here ON KEY", 3);
    assert!(message.contains("SnapshotSuperseded") && message.contains("prove anew"), "{message}");
    assert_eq!(query("--level maintenance --max-age 900")["sufficient"], false);
    anvil.call(*owner, venue, flagCall { subject: *subject });
    let third = anvil.wait(1);
    scene.set_prices(third, &moved);
    scene.run("snapshot here ON KEY");
    // The account has a window to attest over this snapshot.
    anvil.ask("evm_setNextBlockTimestamp", json!([third + EPOCH / 4 + 60]));
    anvil.ask("evm_mine", json!([]));
    assert_ne!(anvil.view(venue, &positionOfCall { subject: *subject }).size, 0);
    anvil.call(*owner, venue, liquidateCall { subject: *subject });
    assert_eq!(anvil.view(venue, &positionOfCall { subject: *subject }).size, 0);

    // The vault has changed with it; who proves anew holds again.
    scene.state(third);
    scene.prove("maintenance", "here/maintenance.json");
    scene.run("attest here/maintenance.json --dir here ON KEY");
    assert_eq!(query("--level maintenance --max-age 900")["sufficient"], true);
}

/// Attack: publish a policy whose vault counts something else than the policy says, or read its balances so.
#[test]
fn rejects_a_policy_that_its_vault_does_not_count_by() {
    let Some(scene) = Scene::new() else { return };
    let vault = format!("{:#x}", scene.deployed("vault"));
    let refused = |from: &str, to: &str, says: &[&str]| {
        scene.edit_policy(from, to);
        let read = format!("vault here ON --subject {:#x} --out vault.json", scene.subject);
        for line in ["publish here --rules rules.toml ON KEY", &read] {
            let message = scene.fails(line, 5);
            says.iter().for_each(|says| assert!(message.contains(says), "{says}: {message}"));
        }
        scene.edit_policy(to, from);
    };
    refused("decimals = 6 }", "decimals = 8 }", &["vault: unit of USDC", "vault: decimals of USDC"]);
    refused(&vault, NOWHERE, &["vault of the deployment", "vault: contract"]);
    refused("chain = 31337\n", "chain = 31338\n", &["vault: chain"]);
    // Other instruments in the same rows: the vault's USDC would count as USDT.
    let universe = fs::read_to_string(scene.sandbox.path("here/universe.toml")).unwrap();
    let swapped = universe.replace("\"USDC\"", "\"X\"").replace("\"USDT\"", "\"USDC\"").replace("\"X\"", "\"USDT\"");
    scene.sandbox.write("here/universe.toml", &swapped);
    let message = scene.fails("publish here --rules rules.toml ON KEY", 5);
    assert!(message.contains("vault: universe") && message.contains("vault: point of USDC"), "{message}");
    scene.sandbox.write("here/universe.toml", &universe);
    scene.run("publish here --rules rules.toml ON KEY");
}

/// From the first contract to a liquidation, with the code that the program carries.
#[test]
fn a_demonstration_goes_on_to_a_chain() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let Some(anvil) = Anvil::start(now - 100 * EPOCH) else { return };
    let sandbox = Sandbox::new();
    let run = sandbox.surety(&format!("demo --out demo --rpc {}", anvil.url)).expect(0);
    for line in ["proves its initial margin", "can prove otherwise", "flags the account", "MarginGatedVenue.liquidate"]
    {
        assert!(run.says(line), "{line}: {}", run.stdout);
    }
    // The files that it leaves are those that other commands take.
    let ask = run.stdout.lines().find_map(|line| line.strip_prefix("ask with: surety ")).unwrap();
    let standing = sandbox.surety(&format!("--json {ask}")).data();
    assert_eq!((&standing["sufficient"], &standing["holds"]), (&json!(false), &Value::Null));
    let proven = sandbox.surety("--json info demo/attestation.json").data();
    assert_eq!(proven["policy"], standing["policy"]);
    // It overwrites nothing.
    sandbox.surety(&format!("demo --out demo --rpc {}", anvil.url)).expect(2);
}

/// Attack, or a mistake: contracts under which anybody can prove anything, on a chain in use.
#[test]
fn rejects_a_development_set_up_on_a_chain_in_use() {
    let Some(scene) = Scene::new() else { return };
    scene.anvil.ask("anvil_setChainId", json!([5]));
    let line = "deploy here --delay 0 --guardian 0x00000000000000000000000000000000000000aa KEY RPC --out five.json";
    let message = scene.fails(line, 5);
    assert!(message.contains("the development set-up, for chain 5"), "{message}");
    // The policy's vault is on another chain: the next check.
    let message = scene.fails(&format!("{line} --allow-insecure-srs"), 5);
    assert!(message.contains("vault.chain"), "{message}");
}

#[test]
fn rejects_a_demonstration_on_a_chain_without_anvil() {
    let sandbox = Sandbox::new();
    let run = sandbox.command(["demo", "--out", "demo", "--rpc"]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("anvil: expected a program on PATH that listens"), "{said}");
}

/// The code that the program carries is what Forge builds: chains reproduce both.
#[test]
fn contracts_are_created_from_a_build_of_ones_own() {
    let Some(scene) = Scene::new() else { return };
    let line = "deploy here --delay 0 --guardian 0x00000000000000000000000000000000000000aa KEY RPC --force";
    let carried = scene.run(line);
    assert_eq!(carried["code"][0]["compiler"], "0.8.37+commit.f401782d");
    let built = scene.run(&format!("{line} --artifacts ARTIFACTS"));
    assert!(built.get("code").is_none());
    let code = |at: &Value| scene.anvil.ask("eth_getCode", json!([at["policies"], "latest"]));
    assert_eq!(code(&carried), code(&built));
}

#[test]
fn nodes_sign_a_snapshot_for_a_chain() {
    let Some(scene) = Scene::new() else { return };
    let Scene { sandbox, anvil, .. } = &scene;
    scene.draw_on_no_vault();
    let rules = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"signed\"\npolicy_version = 1\ngrace = 60\n";
    sandbox.write("signed.toml", rules);
    // The owner's key is elsewhere, and signs transactions.
    let (owner, _) = signing(sandbox, "owner");
    scene.run(&format!("publish here --rules signed.toml ON {owner}"));
    let time = anvil.wait(1);
    let mut signatures = String::new();
    for node in 1..=3 {
        let key = sandbox.demo_key(&format!("oracle-{node}"));
        let observations = format!("here/market/node-{node}.csv");
        let line = format!("market sign here --observations {observations} --key {key} --out r{node}.json --at {time}");
        sandbox.surety(&line).expect(0);
        signatures += &format!(" --signature s{node}.json");
    }
    sandbox.surety("market aggregate here --report r1.json --report r2.json --report r3.json").expect(0);
    for node in 1..=3 {
        let (node_key, _) = signing(sandbox, &format!("oracle-{node}"));
        scene.run(&format!("sign-snapshot here --deployment deployment.json {node_key} --out s{node}.json"));
    }
    let stranger = sandbox.demo_key("stranger");
    scene.fails(&format!("sign-snapshot here --deployment deployment.json --key {stranger} --out x.json"), 2);
    assert!(scene.fails("snapshot here --signature s1.json ON KEY", 2).contains("InvalidSignatures"));
    assert!(scene.fails("snapshot here ON KEY", 2).contains("WrongKind"));
    let mut other = read_json(&sandbox.path("s1.json"));
    other["signature"] = read_json(&sandbox.path("s2.json"))["signature"].clone();
    write_json(&sandbox.path("other.json"), &other);
    scene.fails("snapshot here --signature other.json --signature s2.json --signature s3.json ON KEY", 5);
    let taken = scene.run(&format!("snapshot here{signatures} ON KEY"));
    assert_eq!(taken["time"].as_u64().unwrap(), time);
    assert!(scene.fails("market here ON --out chain.json", 2).contains("nodes have signed"));

    // An attestation over it, without vault: the reports are in the file.
    scene.state(time);
    let verifier = scene.deployed("verifier");
    sandbox.surety(&format!("prove here --unpublished-snapshot --verifier {verifier:#x}")).expect(0);
    scene.run("attest here/attestation.json --dir here ON KEY");
    let reproduced = scene.reproduces("--attestation here/attestation.json");
    for name in
        ["market snapshot", "level maintenance: COEF", "policy: oracle.quorum", "verifying contract", "registry"]
    {
        assert!(reproduced.contains(&name.to_owned()), "{name} is compared: {reproduced:?}");
    }
    let standing = scene.run(&format!("query here ON --subject {:#x}", scene.subject));
    assert_eq!(standing["holds"], "maintenance");
}

/// The chain's limits may be stricter than the policy's: then its mark does not follow from the prices in the file.
#[test]
fn rejects_prices_that_the_chain_alone_has_marked() {
    let Some(scene) = Scene::new() else { return };
    let Scene { sandbox, anvil, .. } = &scene;
    scene.draw_on_no_vault();
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let breaker = "[oracle]\nbreaker = { max_deviation = 500_000, proofs = \"refused\" }\n";
    sandbox.write("here/policy.toml", &policy.replace("[oracle]\n", breaker));
    let rules = fs::read_to_string(sandbox.path("rules.toml")).unwrap();
    let (head, feeds) = (rules.split("[[feeds]]").next().unwrap(), rules.split("[[feeds]]").skip(1));
    let feeds: String = feeds.map(|feed| format!("[[feeds]]{feed}max_deviation = 10_000\n")).collect();
    sandbox.write("marked.toml", &format!("{}{feeds}", head.replace("meridian", "marked")));
    scene.run("publish here --rules marked.toml ON KEY");

    scene.set_prices(anvil.wait(1), &PRICES);
    assert_eq!(scene.run("snapshot here ON KEY")["marked"], false);
    scene.run("market here ON --force");
    let mut moved = PRICES;
    moved[BTC] -= moved[BTC] / 20;
    scene.set_prices(anvil.wait(1), &moved);
    assert_eq!(scene.run("snapshot here ON KEY")["marked"], true);
    let message = scene.fails("market here ON --force", 2);
    assert!(message.contains("circuit breaker's mark"), "{message}");
}

#[test]
fn rejects_another_chain_and_other_contracts() {
    let Some(scene) = Scene::new() else { return };
    let sandbox = &scene.sandbox;
    let deployment = read_json(&sandbox.path("deployment.json"));
    let with = |field: &str, value: Value| {
        let mut changed = deployment.clone();
        changed[field] = value;
        write_json(&sandbox.path("deployment.json"), &changed);
        let message = scene.fails("snapshot here ON KEY", 5);
        write_json(&sandbox.path("deployment.json"), &deployment);
        message
    };
    assert!(with("chain_id", json!(1)).contains("chain 31337"));
    for contract in ["verifier", "policies", "oracle", "registry", "vault"] {
        let message = with(contract, json!(format!("0x{}", "11".repeat(20))));
        assert!(message.contains(contract) && message.contains("nothing at"), "{message}");
    }
    assert!(with("verifying_key", json!(format!("0x{}", "11".repeat(32)))).contains("VK_HASH"));
    // Another contract does not know the question.
    assert!(with("verifier", deployment["oracle"].clone()).contains("VK_HASH"));
    scene.fails("snapshot here --deployment deployment.json --rpc http://127.0.0.1:9 KEY", 2);
    let message = scene.fails("snapshot here ON KEY", 2);
    assert!(message.contains("UnknownPolicy"), "{message}");
}
