//! A holder and a keeper as processes, on a chain whose blocks come by themselves.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall as _, sol};
use serde_json::{Value, json};

use crate::{
    chain::{PRICES, Scene},
    commands::example,
};

sol! {
    struct Position {
        int128 size;
        uint96 price;
    }

    function mint(address to, uint256 amount) external;
    function open(int128 size) external;
    function positionOf(address subject) external view returns (Position memory);
}

/// Seconds of an epoch.
const EPOCH: u64 = 8;

/// Largest age of prices, in seconds, of an attestation that counts for the venue.
const AGE: u64 = 30;

/// Longest time that anything takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The parties of a chain.
struct Coast {
    scene: Scene,
    ports: Vec<u16>,
}

impl Coast {
    fn start(&self, name: &str) -> Process {
        let log = fs::File::options().create(true).append(true).open(self.scene.sandbox.path(&format!("{name}.log")));
        let config = format!("{name}.toml");
        let mut command = self.scene.sandbox.command(["run", "--config", &config, "--log-json"]);
        Process(command.stdout(Stdio::null()).stderr(log.unwrap()).spawn().unwrap())
    }

    fn configure(&self, name: &str, party: usize, roles: &str) {
        let head = format!(
            "kind = \"surety/service\"\nversion = 1\nstate = \"state-{name}\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\
             operators = \"127.0.0.1:{}\"\n\n",
            self.ports[2 * party],
            self.ports[2 * party + 1]
        );
        self.scene.sandbox.write(&format!("{name}.toml"), &format!("{head}{roles}"));
    }

    /// What the keeper has done, the newest first.
    fn events(&self) -> Vec<String> {
        let answer = ureq::get(format!("http://127.0.0.1:{}/events", self.ports[5])).call().ok();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok()).unwrap_or_default();
        let events: Value = serde_json::from_str(&text).unwrap_or_default();
        let events = events["events"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| event["what"].as_str().unwrap().to_owned()).collect()
    }

    fn logs(&self) -> String {
        let log = |name: &str| fs::read_to_string(self.scene.sandbox.path(&format!("{name}.log"))).unwrap_or_default();
        ["source", "holder", "keeper"].map(log).concat()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_there() {
            assert!(Instant::now() < end, "expected {what}\n{}", self.logs());
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Whether an account has a position at the venue.
    fn has_position(&self, venue: Address) -> bool {
        let position = self.scene.anvil.view(venue, &positionOfCall { subject: self.scene.subject });
        position.size != 0
    }

    /// Whether the keeper has told of something.
    fn is_told(&self, what: &str) -> bool {
        self.events().iter().any(|event| event.contains(what))
    }
}

/// A holder attests epoch after epoch at prices of feeds; when it is gone, the keeper flags its account and closes its
/// position; when it is back, the account attests again.
#[test]
fn an_account_whose_holder_is_gone_is_flagged_and_liquidated_by_a_keeper() {
    let (sandbox, _) = example();
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let short = policy.replace("epoch = 300", &format!("epoch = {EPOCH}"));
    assert_ne!(short, policy);
    sandbox.write("here/policy.toml", &short);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // As many blocks as the contracts take are of the past.
    let Some(scene) = Scene::over(sandbox, now - 300) else { return };
    scene.edit_policy("level = \"maintenance\"\nmax_age = 900", &format!("level = \"maintenance\"\nmax_age = {AGE}"));
    let policy = scene.run("publish here --rules rules.toml ON KEY")["policy"].as_str().unwrap().to_owned();
    let venue = scene.venue_within(&policy, 0, AGE, EPOCH);
    let listeners: Vec<_> = (0..6).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    drop(listeners);
    let coast = Coast { scene, ports };
    let Coast { scene: Scene { sandbox, anvil, subject, owner, token, .. }, ports } = &coast;
    anvil.call(*owner, *token, mintCall { to: *subject, amount: U256::from(1_000_000_000_u64) });

    // From here on the chain has the machine's time.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    anvil.ask("anvil_removeBlockTimestampInterval", json!([]));
    anvil.ask("evm_setNextBlockTimestamp", json!([now]));
    anvil.ask("evm_setIntervalMining", json!([1]));
    coast.scene.set_prices(now, &PRICES);

    let recipient = sandbox.surety("key recipient --out fund.age").expect(0).stdout.trim().to_owned();
    sandbox.write("token", "0123456789abcdef0123456789abcdef");
    // The first does not answer: another stands in for it.
    sandbox.write("rpc", &format!("http://127.0.0.1:1\n{}\n", anvil.url));
    let sources = [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];
    let registry = coast.scene.deployed("registry");
    let source = |(name, account): (&str, &str)| {
        format!(
            "[[source]]\nname = \"{name}\"\nuniverse = \"here/universe.toml\"\nkey = {{ file = \"{}\" }}\n\
             chain_id = 31337\nregistry = \"{registry:#x}\"\nevery = \"60s\"\nvalid_for = \"10m\"\n\n\
             [[source.accounts]]\naccount = \"{account}\"\nsubject = \"{subject:#x}\"\nrecipient = \"{recipient}\"\n\
             token = {{ file = \"token\" }}\nbalances = {{ file = \"here/holdings/{name}.csv\" }}\n\n",
            sandbox.demo_key(name),
        )
    };
    coast.configure("source", 0, &sources.map(source).concat());
    let from = |(name, account): (&str, &str)| {
        format!(
            "[[holder.sources]]\nsource = \"http://127.0.0.1:{}/v1/sources/{name}\"\naccount = \"{account}\"\n\
             token = {{ file = \"token\" }}\n\n",
            ports[0]
        )
    };
    let chain = |key: &str| {
        let key = sandbox.demo_key(key);
        format!("deployment = \"deployment.json\"\nrpc = {{ file = \"rpc\" }}\nkey = {{ file = \"{key}\" }}\n")
    };
    let holder = format!(
        "[[holder]]\nname = \"fund\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
         levels = [\"initial\", \"maintenance\"]\nsubject = \"{subject:#x}\"\nidentity = {{ file = \"fund.age\" }}\n\
         allow_insecure_srs = true\nheadroom = 100_000_000\n\n\
         [[holder.moves]]\ninstrument = \"USDC\"\nat_most = \"5000000000\"\ncost = \"1\"\n\
         deposit = {{ a_day = \"5\", step = \"5\" }}\n\n\
         {}[holder.chain]\n{}",
        sources.map(from).concat(),
        chain("meridian"),
    );
    coast.configure("holder", 1, &holder);
    let keeper = format!(
        "[[keeper]]\nname = \"keeper\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
         level = \"maintenance\"\nmax_age = \"{AGE}s\"\nsubjects = [\"{subject:#x}\"]\nevery = \"1s\"\n\
         allow_insecure_srs = true\n\n[keeper.chain]\n{}\n[keeper.venue]\naddress = \"{venue:#x}\"\nfrom = 0\n\
         coin = \"ETH-USD\"\n",
        chain("owner"),
    );
    coast.configure("keeper", 2, &keeper);

    let _source = coast.start("source");
    let _keeper = coast.start("keeper");
    let holder = coast.start("holder");
    coast.wait_for("snapshots of three epochs", || {
        coast.events().iter().filter(|event| event.starts_with("snapshot of epoch")).count() >= 3
    });
    coast.wait_for("an account that attests", || coast.is_told("attests to maintenance again"));
    let open = || {
        // Refused, where the newest attestation is of the epoch before.
        let data = openCall { size: 100_000_000 }.abi_encode();
        let data = alloy_primitives::hex::encode_prefixed(data);
        let transaction =
            json!({ "from": subject.to_string(), "to": venue.to_string(), "data": data, "gas": "0xf42400" });
        anvil.ask("eth_sendTransaction", json!([transaction]));
        thread::sleep(Duration::from_secs(2));
        coast.has_position(venue)
    };
    coast.wait_for("a position", open);
    // The holder adds to the account as much as it may, and not more than that.
    let log = || fs::read_to_string(sandbox.path("holder.log")).unwrap();
    coast.wait_for("a deposit", || log().contains("5.000000 USDC deposited, as the headroom is low"));
    coast.wait_for("the end of the day's deposits", || log().contains("USDC: the day's deposits are made"));
    assert_eq!(log().matches("deposited, as").count(), 1);
    let flagged = "flag, as it does not attest";
    assert!(!coast.is_told(flagged), "{}", coast.logs());

    drop(holder);
    coast.wait_for("a flag", || coast.is_told(flagged));
    coast.wait_for("a liquidation", || coast.is_told("liquidation, as its grace is over"));
    assert!(!coast.has_position(venue));
    assert!(coast.is_told("which pays"), "{:?}", coast.events());
    let again = || coast.events().iter().filter(|event| event.contains("attests to maintenance again")).count();
    let before = again();
    let _holder = coast.start("holder");
    coast.wait_for("an account that attests again", || again() > before);
}
