//! A source that watches wallets on a chain.

use std::{fs, thread, time::Duration};

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolValue as _, sol};
use serde_json::{Value, json};

use crate::{
    chain::Anvil,
    parties::{TOKEN, free_ports, start},
    sandbox::{Sandbox, read_json},
};

sol! {
    function mint(address to, uint256 amount) external;
}

const SUBJECT: &str = "0x1111111111111111111111111111111111111111";
const REGISTRY: &str = "0x2222222222222222222222222222222222222222";

/// The slot of the mapping of balances in the token of the contracts' tests.
const SLOT: u64 = 0;

struct Scene {
    sandbox: Sandbox,
    anvil: Anvil,
    token: Address,
    /// Addresses of the keys `wallet` and `custodian-north`.
    wallet: Address,
    source: Address,
}

impl Scene {
    /// A wallet with coins and tokens, deep enough in the chain.
    fn new() -> Option<Self> {
        let sandbox = Sandbox::new();
        sandbox.surety("init .").expect(0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let anvil = Anvil::start(now - 1_000)?;
        let address = |name: &str| -> Address {
            let line = format!("key address --key {}", sandbox.demo_key(name));
            sandbox.surety(&line).expect(0).stdout.trim().parse().unwrap()
        };
        let (wallet, source) = (address("wallet"), address("custodian-north"));
        anvil.fund(&wallet.to_string());
        let token = anvil.create(wallet, "MockToken", "MockToken", U256::from(6).abi_encode());
        anvil.call(wallet, token, mintCall { to: wallet, amount: U256::from(123_456_789_u64) });
        anvil.ask("anvil_setBalance", json!([wallet.to_string(), "0x1bc16d674ec80001"]));
        anvil.ask("anvil_mine", json!(["0x50"]));
        sandbox.write("token", TOKEN);
        sandbox.write("rpc-1", &anvil.url);
        // Another name of the same node, for want of another operator.
        sandbox.write("rpc-2", &anvil.url.replace("127.0.0.1", "localhost"));
        Some(Self { sandbox, anvil, token, wallet, source })
    }

    /// What the wallet's key signs for a source.
    fn binding(&self, source: &Address) -> Value {
        let line = format!(
            "--json source wallet --subject {SUBJECT} --source {source:#x} --key {}",
            self.sandbox.demo_key("wallet")
        );
        self.sandbox.surety(&line).data()
    }

    fn configure(&self, binding: &Value, slot: u64) -> u16 {
        let port = free_ports(1)[0];
        let recipient = self.sandbox.surety("key recipient --out fund.age").expect(0).stdout.trim().to_owned();
        let text = format!(
            "kind = \"surety/service\"\nversion = 1\nstate = \"state\"\n\n[http]\nlisten = \"127.0.0.1:{port}\"\n\n\
             [[source]]\nname = \"watcher\"\nuniverse = \"universe.toml\"\nkey = {{ file = \"{}\" }}\n\
             chain_id = 31337\nregistry = \"{REGISTRY}\"\nevery = \"1m\"\nvalid_for = \"1h\"\n\n\
             [[source.accounts]]\naccount = \"treasury\"\nsubject = \"{SUBJECT}\"\nrecipient = \"{recipient}\"\n\
             token = {{ file = \"token\" }}\n\n[source.accounts.balances.wallets]\n\
             rpc = [{{ file = \"rpc-1\" }}, {{ file = \"rpc-2\" }}]\nchain_id = 31337\n\
             wallets = [{{ address = {}, signature = {} }}]\n\
             holdings = [\n  {{ instrument = \"ETH\", decimals = 18 }},\n  \
             {{ instrument = \"USDC\", decimals = 6, token = {{ contract = \"{:#x}\", slot = {slot} }} }},\n]\n",
            self.sandbox.demo_key("custodian-north"),
            binding["address"],
            binding["signature"],
            self.token,
        );
        self.sandbox.write("source.toml", &text);
        port
    }

    /// Runs the source until it serves a bundle, or has something to say.
    fn run(&self, port: u16) -> Result<Value, String> {
        // Nothing that was stated before.
        let _ = fs::remove_dir_all(self.sandbox.path("state"));
        let _ = fs::remove_file(self.sandbox.path("source.log"));
        let _process = start(&self.sandbox, "source");
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("http://127.0.0.1:{port}/v1/sources/watcher/treasury/{SUBJECT}");
        let mut found = Err("nothing".to_owned());
        for _ in 0..600 {
            let asked = agent.get(&url).header("authorization", format!("Bearer {TOKEN}")).call();
            if let Ok(mut answer) = asked
                && answer.status() == 200
            {
                found = Ok(serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap());
                break;
            }
            let log = fs::read_to_string(self.sandbox.path("source.log")).unwrap();
            if let Some(line) = log.lines().find(|line| line.contains("expected")) {
                found = Err(line.to_owned());
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        found
    }

    #[track_caller]
    fn refuses(&self, binding: &Value, slot: u64, says: &str) {
        self.refuses_where(binding, slot, ["", ""], says);
    }

    /// The same with a part of the configuration in the place of another.
    #[track_caller]
    fn refuses_where(&self, binding: &Value, slot: u64, [from, to]: [&str; 2], says: &str) {
        let port = self.configure(binding, slot);
        let text = fs::read_to_string(self.sandbox.path("source.toml")).unwrap();
        self.sandbox.write("source.toml", &text.replace(from, to));
        let refused = self.run(port).unwrap_err();
        assert!(refused.contains(says), "{says}: {refused}");
        // The log has no balance.
        assert!(!refused.contains("123456789") && !refused.contains("123.456789"), "{refused}");
    }
}

#[test]
fn balances_of_wallets_are_stated_as_of_a_final_block() {
    let Some(scene) = Scene::new() else { return };
    let binding = scene.binding(&scene.source);
    assert_eq!(binding["address"], json!(format!("{:#x}", scene.wallet)));
    let port = scene.configure(&binding, SLOT);
    let bundle = scene.run(port).unwrap();
    scene.sandbox.write("bundle.json", &bundle.to_string());
    scene.sandbox.surety("source open bundle.json --identity fund.age --out got").expect(0);
    let opening = fs::read_dir(scene.sandbox.path("got/private")).unwrap().next().unwrap().unwrap().path();
    let opening = read_json(&opening);
    let mut held: Vec<(String, String)> = Vec::new();
    for balance in opening["holdings"]["balances"].as_array().unwrap() {
        let text = |name: &str| balance[name].as_str().unwrap().to_owned();
        held.push((text("instrument"), text("lots")));
    }
    // Rounded down to lots: of 2.000…001 coins, and of a token with as many decimals as the universe has.
    assert!(held.iter().any(|(name, lots)| name == "ETH" && lots.starts_with('2') && !lots.ends_with('1')), "{held:?}");
    assert!(held.contains(&("USDC".to_owned(), "123456789".to_owned())), "{held:?}");
    let block = scene.anvil.ask("eth_getBlockByNumber", json!(["finalized", false]));
    let time = u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap();
    assert_eq!(bundle["statement"]["as_of"], json!(time));
}

/// Attack: balances of somebody else's wallet, of another place in a token's storage, or of a chain of one's own.
#[test]
fn rejects_wallets_that_are_not_bound_and_balances_that_are_not_proven() {
    let Some(scene) = Scene::new() else { return };
    let elsewhere = scene.binding(&scene.wallet);
    scene.refuses(&elsewhere, SLOT, "its signature for subject");
    let binding = scene.binding(&scene.source);
    scene.refuses(&binding, SLOT + 5, "what the contract says of the wallet");
    // A chain of the same number, with other blocks.
    let Some(other) = Anvil::start(1_700_000_000) else { return };
    other.ask("anvil_mine", json!(["0x90"]));
    scene.sandbox.write("rpc-2", &other.url);
    scene.refuses(&binding, SLOT, "one block");
    // A token of other decimals would count as more.
    scene.sandbox.write("rpc-2", &scene.anvil.url.replace("127.0.0.1", "localhost"));
    scene.refuses_where(&binding, SLOT, ["decimals = 6, token", "decimals = 4, token"], "give the token's own");
    // Blocks that were final long ago.
    scene.sandbox.write("rpc-1", &other.url);
    scene.sandbox.write("rpc-2", &other.url.replace("127.0.0.1", "localhost"));
    scene.refuses(&binding, SLOT, "a block of time");
    scene.sandbox.write("rpc-1", &scene.anvil.url);
    scene.sandbox.write("rpc-2", &format!("{}/", scene.anvil.url));
    scene.refuses(&binding, SLOT, "expected two nodes, found one twice");
    // One node under two names in the configuration is two secrets; the same secret twice is not.
    let text = fs::read_to_string(scene.sandbox.path("source.toml")).unwrap();
    let another = text[text.find("[[source]]").unwrap()..].replace("\"watcher\"", "\"other\"");
    for (changed, says) in [
        (text.replace("rpc-2", "rpc-1"), "expected nodes of two operators"),
        (text.replace("decimals = 18", "decimals = 6"), "expected 18, the coin's"),
        (format!("{text}\n{another}"), "expected each wallet in one account"),
    ] {
        scene.sandbox.write("source.toml", &changed);
        let refused = scene.sandbox.surety("run --config source.toml --check").expect(2);
        assert!(refused.says(says), "{says}: {}", refused.stderr);
    }
}
