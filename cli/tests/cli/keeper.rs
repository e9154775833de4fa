//! A holder and a keeper as processes, on a chain whose blocks come by themselves.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall as _, sol};
use serde_json::{Value, json};

use crate::{
    chain::{self, PRICES, Scene},
    commands::example,
    parties::{Process, configure, free_ports, logs, sources, start, statements_at, wait_for},
};

sol! {
    struct Position {
        int128 size;
        uint96 price;
    }

    function mint(address to, uint256 amount) external;
    function open(int128 size) external;
    function balanceOf(address account) external view returns (uint256);
    function owedBy(address subject) external view returns (uint256);
    function positionOf(address subject) external view returns (Position memory);
}

/// Seconds of an epoch.
const EPOCH: u64 = 12;

/// Largest age of prices, in seconds, of an attestation that counts for the venue.
const AGE: u64 = 45;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The parties of a chain.
struct Coast {
    scene: Scene,
    ports: Vec<u16>,
}

impl Coast {
    /// The example on a chain that has the machine's time once the contracts are there, with this policy.
    fn new(edit: impl FnOnce(&Scene)) -> Option<Self> {
        Self::with_epochs(EPOCH, edit)
    }

    fn with_epochs(epoch: u64, edit: impl FnOnce(&Scene)) -> Option<Self> {
        let (sandbox, _) = example();
        let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
        let short = policy.replace("epoch = 300", &format!("epoch = {epoch}"));
        assert_ne!(short, policy);
        sandbox.write("here/policy.toml", &short);
        // As many blocks as the contracts take are of the past.
        let scene = Scene::over(sandbox, now() - 300)?;
        edit(&scene);
        // The first does not answer: another stands in for it.
        scene.sandbox.write("rpc", &format!("http://127.0.0.1:1\n{}\n", scene.anvil.url));
        Some(Self { scene, ports: free_ports(10) })
    }

    /// From here on the chain has the machine's time.
    fn live(&self) -> u64 {
        let (anvil, now) = (&self.scene.anvil, now());
        anvil.ask("anvil_removeBlockTimestampInterval", json!([]));
        anvil.ask("evm_setNextBlockTimestamp", json!([now]));
        anvil.ask("evm_setIntervalMining", json!([1]));
        now
    }

    fn start(&self, name: &str) -> Process {
        start(&self.scene.sandbox, name)
    }

    fn configure(&self, name: &str, party: usize, roles: &str) {
        configure(&self.scene.sandbox, name, [self.ports[2 * party], self.ports[2 * party + 1]], roles);
    }

    /// The deployment as roles name it, and the key that pays.
    fn chain(&self, key: &str) -> String {
        let key = self.scene.sandbox.demo_key(key);
        format!("deployment = \"deployment.json\"\nrpc = {{ file = \"rpc\" }}\nkey = {{ file = \"{key}\" }}\n")
    }

    /// A holder on the chain, with more of its keys.
    fn holder(&self, more: &str) -> String {
        format!(
            "[[holder]]\nname = \"fund\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
             levels = [\"initial\", \"maintenance\"]\nsubject = \"{:#x}\"\nidentity = {{ file = \"fund.age\" }}\n\
             allow_insecure_srs = true\n{more}\n{}[holder.chain]\n{}",
            self.scene.subject,
            statements_at(self.ports[0]),
            self.chain("meridian"),
        )
    }

    /// A keeper who watches the account, with more of its tables.
    fn keeper(&self, more: &str) -> String {
        format!(
            "[[keeper]]\nname = \"keeper\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
             level = \"maintenance\"\nmax_age = \"{AGE}s\"\nsubjects = [\"{:#x}\"]\nevery = \"1s\"\n\
             allow_insecure_srs = true\n\n[keeper.chain]\n{}\n{more}",
            self.scene.subject,
            self.chain("owner"),
        )
    }

    /// Where a node of the policy answers.
    fn node(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}/v1/oracles/oracle-{node}", self.ports[2 * (node - 1)])
    }

    /// Three nodes, of which the first publishes, as the first parties.
    fn configure_nodes(&self) {
        for node in 1..=3 {
            let others = match node {
                1 => format!("nodes = [\"{}\", \"{}\"]", self.node(2), self.node(3)),
                _ => format!("publisher = \"{}\"", self.node(1)),
            };
            let role = format!(
                "[[oracle]]\nname = \"oracle-{node}\"\nuniverse = \"here/universe.toml\"\n\
                 policy = \"here/policy.toml\"\nkey = {{ file = \"{}\" }}\n\
                 prices = {{ file = \"here/market/node-{node}.csv\" }}\nfirst = true\n\
                 deployment = \"deployment.json\"\nallow_insecure_srs = true\n{others}\n",
                self.scene.sandbox.demo_key(&format!("oracle-{node}")),
            );
            self.configure(&format!("oracle-{node}"), node - 1, &role);
        }
    }

    /// Publishes the policy, whose prices the nodes sign.
    fn publish_signed(&self) {
        let rules = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"signed\"\npolicy_version = 1\ngrace = 4\n";
        self.scene.sandbox.write("signed.toml", rules);
        self.scene.run("publish here --rules signed.toml ON KEY");
    }

    fn start_nodes(&self) -> [Process; 3] {
        [1, 2, 3].map(|node| self.start(&format!("oracle-{node}")))
    }

    fn holder_log(&self) -> String {
        fs::read_to_string(self.scene.sandbox.path("holder.log")).unwrap_or_default()
    }

    /// What the keeper has done, the newest first.
    fn events(&self) -> Vec<String> {
        events(self.ports[5])
    }

    fn logs(&self) -> String {
        logs(&self.scene.sandbox, &["source", "holder", "keeper", "oracle-1", "oracle-2", "oracle-3"])
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        wait_for(what, || self.logs(), is_there);
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

/// What operators are told at a port, the newest first.
fn events(port: u16) -> Vec<String> {
    let answer = ureq::get(format!("http://127.0.0.1:{port}/events")).call().ok();
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok()).unwrap_or_default();
    let events: Value = serde_json::from_str(&text).unwrap_or_default();
    let events = events["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["what"].as_str().unwrap().to_owned()).collect()
}

/// A holder attests epoch after epoch at prices of feeds; when it is gone, the keeper flags its account and closes its
/// position; when it is back, the account attests again.
#[test]
fn an_account_whose_holder_is_gone_is_flagged_and_liquidated_by_a_keeper() {
    let younger = |scene: &Scene| {
        let level = "level = \"maintenance\"\nmax_age = ";
        scene.edit_policy(&format!("{level}900"), &format!("{level}{AGE}"));
    };
    let Some(coast) = Coast::new(younger) else { return };
    let Coast { scene: scene @ Scene { sandbox, anvil, subject, owner, token, .. }, .. } = &coast;
    let policy = scene.run("publish here --rules rules.toml ON KEY")["policy"].as_str().unwrap().to_owned();
    let venue = scene.venue_within(&policy, 0, AGE, EPOCH);
    scene.set_prices(coast.live(), &PRICES);

    let (account, registry) = (format!("{subject:#x}"), format!("{:#x}", scene.deployed("registry")));
    coast.configure("source", 0, &sources(sandbox, "here", &account, &registry, "60s"));
    let moves = "headroom = 100_000_000\n\n[[holder.moves]]\ninstrument = \"USDC\"\nat_most = \"5000000000\"\n\
                 cost = \"1\"\ndeposit = { a_day = \"5\", step = \"5\" }\n";
    coast.configure("holder", 1, &coast.holder(moves));
    let at = format!("[keeper.venue]\naddress = \"{venue:#x}\"\nfrom = 0\ncoin = \"ETH-USD\"\n");
    coast.configure("keeper", 2, &coast.keeper(&at));

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
    // The holder adds to the account as much as it may, and not more than that. A deposit that the token refuses takes
    // nothing of the day's.
    let log = || coast.holder_log();
    coast.wait_for("a refused deposit", || log().contains("CollateralVault.deposit: the contract refuses"));
    assert!(!log().contains("deposited, as"));
    anvil.call(*owner, *token, mintCall { to: *subject, amount: U256::from(1_000_000_000_u64) });
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

/// Blocks with a snapshot and an attestation are the chain's no longer: the keeper brings the snapshot again, and the
/// holder the attestation.
#[test]
fn what_a_reorganisation_undoes_is_brought_again() {
    // Nothing else brings either again within a test.
    let Some(coast) = Coast::with_epochs(600, Scene::draw_on_no_vault) else { return };
    let Coast { scene: scene @ Scene { sandbox, anvil, subject, .. }, .. } = &coast;
    scene.run("publish here --rules rules.toml ON KEY");
    scene.set_prices(coast.live(), &PRICES);
    let newest = || u64::from_str_radix(&anvil.ask("eth_blockNumber", json!([])).as_str().unwrap()[2..], 16).unwrap();
    let kept = newest();
    let (account, registry) = (format!("{subject:#x}"), format!("{:#x}", scene.deployed("registry")));
    coast.configure("source", 0, &sources(sandbox, "here", &account, &registry, "5m"));
    coast.configure("holder", 1, &coast.holder(""));
    coast.configure("keeper", 2, &coast.keeper(""));
    let _source = coast.start("source");
    let _keeper = coast.start("keeper");
    let holder = coast.start("holder");
    let brought = || coast.holder_log().matches("brought to the registry").count();
    let taken = || coast.events().iter().filter(|event| event.starts_with("snapshot of epoch")).count();
    // Of both levels.
    coast.wait_for("attestations", || brought() == 2 && taken() == 1);
    // A holder that starts again looks, and sends nothing that is there.
    drop(holder);
    let _holder = coast.start("holder");
    let is_ready = || ureq::get(format!("http://127.0.0.1:{}/ready", coast.ports[2])).call().is_ok();
    coast.wait_for("a holder that is well", is_ready);
    assert_eq!(brought(), 2, "{}", coast.holder_log());
    anvil.ask("anvil_reorg", json!([newest() - kept, []]));
    coast.wait_for("the snapshot again", || taken() == 2);
    // Of the stricter level at least, which the other follows from; of both where the snapshot has another time now.
    coast.wait_for("an attestation again", || brought() >= 3);
    let attests = || coast.events().iter().filter(|event| event.contains("attests to maintenance again")).count();
    coast.wait_for("an account that attests again", || attests() >= 2);
}

/// What is proven over a snapshot of nodes waits for the keeper who brings that snapshot to the chain.
#[test]
fn a_holder_waits_for_the_snapshot_that_a_keeper_brings() {
    // All of this is in one epoch.
    let Some(coast) = Coast::with_epochs(1_000_000, Scene::draw_on_no_vault) else { return };
    let Coast { scene: scene @ Scene { sandbox, subject, .. }, ports } = &coast;
    coast.publish_signed();
    coast.live();
    coast.configure_nodes();
    let (account, registry) = (format!("{subject:#x}"), format!("{:#x}", scene.deployed("registry")));
    let at = [ports[6], ports[7]];
    configure(sandbox, "source", at, &sources(sandbox, "here", &account, &registry, "5m"));
    let snapshots = format!("snapshots = [\"{}\", \"{}\"]\n", coast.node(1), coast.node(2));
    let holder = coast.holder(&snapshots).replace(&statements_at(ports[0]), &statements_at(at[0]));
    configure(sandbox, "holder", [ports[8], ports[9]], &holder);
    let _source = coast.start("source");
    let _nodes = coast.start_nodes();
    let _holder = coast.start("holder");
    let log = || coast.holder_log();
    coast.wait_for("proofs", || log().matches(" proven").count() == 2);
    // Several looks of the holder, none of which fails.
    thread::sleep(Duration::from_secs(6));
    assert!(!log().contains("oracle on chain") && !log().contains("brought to the registry"), "{}", log());

    let [first, second, third] = [1, 2, 3].map(|node| coast.node(node));
    let nodes = format!("nodes = [\"{first}\", \"{second}\", \"{third}\"]\n\n[keeper.chain]");
    let ports = free_ports(2);
    configure(sandbox, "keeper", [ports[0], ports[1]], &coast.keeper("").replacen("[keeper.chain]", &nodes, 1));
    let _keeper = coast.start("keeper");
    coast.wait_for("attestations", || log().matches("brought to the registry").count() == 2);
}

/// A position closes at a loss that the account's cash does not pay; the keeper restarts nothing, waits until what else
/// the account has is cheap, and buys for as much as it may pay within a day.
#[test]
fn a_keeper_buys_what_an_account_in_debt_has() {
    let (sandbox, now) = example();
    let Some(scene) = Scene::with_assets(sandbox, now - 24 * chain::EPOCH, &[("ETH", 18)]) else { return };
    let Scene { sandbox, anvil, owner, subject, token, others, .. } = &scene;
    let policy = scene.run("publish here --rules rules.toml ON KEY")["policy"].as_str().unwrap().to_owned();
    let venue = scene.create_venue(&policy, 0, chain::AGE, 60, scene.auction(&policy, 3));
    scene.deposit(*token, 1_000_000);
    scene.deposit(others[0], 3 * 10_u128.pow(18));
    let time = anvil.wait(1);
    scene.set_prices(time, &PRICES);
    scene.run("snapshot here ON KEY");
    scene.state(time);
    scene.prove("initial", "here/initial.json");
    scene.run("attest here/initial.json --dir here ON KEY");
    anvil.call(*subject, venue, openCall { size: 100_000_000 });
    let balance_of = |token: Address| anvil.view(token, &balanceOfCall { account: *owner });
    anvil.call(*owner, *token, mintCall { to: *owner, amount: U256::from(10_000_000_000_u64) });

    let ports = free_ports(2);
    sandbox.write("rpc", &anvil.url);
    let keeper = format!(
        "[[keeper]]\nname = \"keeper\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
         level = \"maintenance\"\nevery = \"1s\"\nallow_insecure_srs = true\n\n[keeper.chain]\n\
         deployment = \"deployment.json\"\nrpc = {{ file = \"rpc\" }}\nkey = {{ file = \"{}\" }}\n\n[keeper.venue]\n\
         address = \"{venue:#x}\"\nfrom = 0\nauctions = {{ discount = 50_000, a_day = \"1000\" }}\n",
        sandbox.demo_key("owner"),
    );
    configure(sandbox, "keeper", [ports[0], ports[1]], &keeper);
    let _keeper = start(sandbox, "keeper");
    let is_told = |what: &str| events(ports[1]).iter().any(|event| event.contains(what));
    let wait = |what: &str, is_there: &dyn Fn() -> bool| wait_for(what, || logs(sandbox, &["keeper"]), is_there);
    // Nobody attests any more, and the price falls by two percent.
    let mut prices = PRICES;
    prices[2] = prices[2] / 50 * 49;
    let next = |epochs: u64| scene.set_prices(anvil.wait(epochs), &prices);
    next(4);
    wait("a flag", &|| is_told("flag, as it does not attest"));
    next(1);
    wait("a snapshot after the flag", &|| {
        events(ports[1]).iter().filter(|event| event.starts_with("snapshot of epoch")).count() == 2
    });
    anvil.advance(anvil.time() + chain::EPOCH / 4 + 61);
    wait("a liquidation", &|| is_told("liquidation, as its grace is over"));
    let owed = || anvil.view(venue, &owedByCall { subject: *subject });
    let debt = owed();
    assert!(debt > U256::from(2_000_000_000_u64), "{debt}");
    // At more than the price, nobody who asks for a discount buys; and the auction runs.
    thread::sleep(Duration::from_secs(4));
    assert!(!is_told("bought") && !is_told("restart") && balance_of(others[0]).is_zero(), "{:?}", events(ports[1]));
    next(2);
    wait("a purchase", &|| is_told("bought for at most 1000000000,"));
    // The price falls until the block.
    let (paid, bought) = (debt - owed(), balance_of(others[0]));
    assert!(paid > U256::from(990_000_000) && paid <= U256::from(1_000_000_000), "{paid}");
    // Worth at least the discount more, and nothing else for a day.
    assert!(bought * U256::from(PRICES[3] / 20 * 19) >= paid * U256::from(10).pow(U256::from(20)));
    next(1);
    thread::sleep(Duration::from_secs(4));
    assert_eq!((balance_of(others[0]), debt - owed()), (bought, paid));
}

/// A node that serves a snapshot of its own, and how often each epoch was asked for.
#[derive(Clone, Default)]
struct Hostile(Arc<Mutex<(String, BTreeSet<u64>)>>);

impl Hostile {
    /// Answers at a port with its snapshot, and with nothing else.
    fn serve(&self, port: u16) {
        let (listener, own) = (TcpListener::bind(("127.0.0.1", port)).unwrap(), self.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4_096];
                let length = stream.read(&mut request).unwrap_or(0);
                let is_asked = String::from_utf8_lossy(&request[..length]).contains("/snapshots/latest");
                let mut state = own.0.lock().unwrap();
                let text = if is_asked { state.0.clone() } else { String::new() };
                let status = if text.is_empty() { "404 Not Found" } else { "200 OK" };
                let epoch = serde_json::from_str::<Value>(&text).ok().and_then(|snapshot| snapshot["epoch"].as_u64());
                state.1.extend(epoch);
                let length = text.len();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{text}").as_bytes());
            }
        });
    }
}

/// Attack: a node that serves another snapshot, which follows the rules as well: nobody else has signed it.
#[test]
fn rejects_a_snapshot_that_no_quorum_has_signed() {
    let two = |scene: &Scene| {
        scene.draw_on_no_vault();
        scene.edit_policy("quorum = 3", "quorum = 2");
    };
    let Some(coast) = Coast::new(two) else { return };
    let Coast { scene: Scene { sandbox, .. }, ports } = &coast;
    coast.publish_signed();
    coast.live();
    coast.configure_nodes();
    let at = |node: usize| coast.node(node);
    let hostile = Hostile::default();
    hostile.serve(ports[6]);
    let keeper = format!(
        "[[keeper]]\nname = \"keeper\"\nuniverse = \"here/universe.toml\"\npolicy = \"here/policy.toml\"\n\
         level = \"maintenance\"\nevery = \"1s\"\nallow_insecure_srs = true\n\
         nodes = [\"http://127.0.0.1:{}\", \"{}\", \"{}\", \"{}\"]\n\n[keeper.chain]\n{}",
        ports[6],
        at(1),
        at(2),
        at(3),
        coast.chain("owner"),
    );
    // The keeper's port for operators is where the events are asked for.
    configure(sandbox, "keeper", [ports[8], ports[9]], &keeper);
    let _nodes = coast.start_nodes();
    let _keeper = coast.start("keeper");
    let report = |node: usize| -> Option<Value> {
        let mut answer = ureq::get(format!("{}/reports/latest", at(node))).call().ok()?;
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    };
    coast.wait_for("an epoch of which the keeper knew two snapshots", || {
        // Of two nodes instead of three.
        if let (Some(first), Some(second)) = (report(2), report(3))
            && first["epoch"] == second["epoch"]
        {
            sandbox.write("r2.json", &first.to_string());
            sandbox.write("r3.json", &second.to_string());
            let line = "market aggregate here --report r2.json --report r3.json --out own.json --force";
            if sandbox.surety(line).code == 0 {
                hostile.0.lock().unwrap().0 = fs::read_to_string(sandbox.path("own.json")).unwrap();
            }
        }
        let served = hostile.0.lock().unwrap().1.clone();
        let brought = events(ports[9]);
        served.iter().any(|epoch| brought.iter().any(|what| what.starts_with(&format!("snapshot of epoch {epoch} "))))
    });
}
