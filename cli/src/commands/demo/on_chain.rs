//! `surety demo --rpc`: the example's account on a local chain, from the first contract to a liquidation.
//!
//! The market falls, epoch after epoch. As long as the account satisfies its margin it attests; then it cannot, what it
//! has attested lapses, and a keeper has the venue close its position. The chain sees proofs and a position at the
//! venue, and nothing of what the sources state.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use serde_json::json;
use surety_chain::{
    Contracts, Node,
    attest::Question,
    carried::{Build, Carried},
    deployment::DeploymentTerms,
    local::{Anvil, LocalChain, VenueTerms},
    node::Receipt,
    rules::{ChainRules, FeedRule},
    venue::Step as KeeperStep,
};
use surety_core::{
    FormatVersion,
    failure::{Class, Internal},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::KindOf,
    shown::{grouped, table},
    text::{Document as _, table::Dialect},
    units::{Decimals, Lots, Price, Seconds, Timestamp},
    words::counted,
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    keys::demo_key,
    setup::Setups,
};
use surety_import::observations::read_observations;
use surety_kzg::Origin;
use surety_margin::{
    policy::Policy,
    universe::Universe,
    vault::{VaultAsset, VaultRules},
};
use surety_prover::{
    layout::Layout,
    prove::{ProofRequest, Prover},
};
use surety_verifier::{
    Attestation,
    attestation::{compiled::CompiledPolicy, signature::SigningKey},
};
use surety_walkthrough::{self as demo, example};

use crate::{
    Session,
    error::Error,
    inputs::{origin_name, warn_of_set_up},
    output::Answer,
};

/// How long before the present the chain of an own node begins, in seconds: nothing that is proven is of the future.
const PAST: u64 = 6 * 3_600;

/// What the venue trades, and its decimals of sizes.
const MARKET: (&str, u8) = ("BTC-USD", 8);

/// One coin.
const POSITION: i128 = 100_000_000;

/// What counts as collateral in the vault, the decimals of its token, and how much the account deposits of it, in lots.
const COLLATERAL: (&str, u8, i128) = ("USDC", 6, 1_000_000_000_000);

/// The vault's address as long as there is none.
const NOWHERE: EvmAddress = HexBytes([1; 20]);

/// Levels of the policy: for holding a position, and for opening one.
const LEVELS: [&str; 2] = ["maintenance", "initial"];

/// Prices fall by an eleventh from one epoch to the next; those of coins that are worth a dollar do not.
const FALL: (u128, u128) = (10, 11);

/// Most epochs for which the market falls.
const EPOCHS: u32 = 30;

/// How long a flagged account has to attest, in seconds.
const GRACE: u64 = 60;

/// The transactions of the demonstration, as they come.
type Ledger = Arc<Mutex<Vec<Sent>>>;

/// A transaction.
#[derive(Clone, Debug, Serialize)]
struct Sent {
    action: &'static str,
    transaction: Bytes32,
    gas: u64,
}

/// What happened, and the transactions that it took.
#[derive(Debug, Serialize)]
struct Scene {
    what: String,
    transactions: Vec<Sent>,
}

/// Tells what happens, and keeps it.
struct Teller<'a> {
    session: &'a Session,
    ledger: Ledger,
    scenes: Vec<Scene>,
}

impl Teller<'_> {
    fn tell(&mut self, what: impl Into<String>) {
        let what = what.into();
        let transactions = std::mem::take(&mut *self.ledger.lock().unwrap_or_else(PoisonError::into_inner));
        self.session.progress.note(&what);
        self.scenes.push(Scene { what, transactions });
    }

    /// Each kind of transaction in each scene, with the gas of all of them.
    fn rows(&self) -> Vec<[String; 3]> {
        let mut rows = Vec::new();
        for scene in &self.scenes {
            let mut what = scene.what.as_str();
            if scene.transactions.is_empty() {
                rows.push([what.to_owned(), String::new(), String::new()]);
            }
            for same in scene.transactions.chunk_by(|one, other| one.action == other.action) {
                let gas: u64 = same.iter().map(|sent| sent.gas).sum();
                let action = match same {
                    [one] => one.action.to_owned(),
                    [one, ..] => format!("{} × {}", same.len(), one.action),
                    [] => continue,
                };
                rows.push([what.to_owned(), grouped(&gas.to_string()), action]);
                what = "";
            }
        }
        rows
    }
}

/// The parties' keys, which everybody can derive.
struct Keys {
    owner: SigningKey,
    subject: SigningKey,
    keeper: SigningKey,
}

/// Runs the demonstration on the chain of a node, or of one that it starts itself.
pub(super) fn run(
    directory: &Path,
    url: Option<&str>,
    existing: Existing,
    setups: &Setups,
    session: &Session,
) -> Result<Answer, Error> {
    let layout = Layout::new(directory);
    let deployment_path = directory.join("deployment.json");
    let [first, last] = ["attestation-initial.json", "attestation.json"].map(|name| directory.join(name));
    files::create_directory(directory)?;
    for path in [&deployment_path, &first, &last, &layout.universe(), &layout.policy(), &directory.join("rules.toml")] {
        files::check_target(path, existing)?;
    }
    let own = match url {
        Some(_) => None,
        None => Some(Anvil::start(Timestamp(session.now.0.saturating_sub(PAST)))?),
    };
    let url = own.as_ref().map_or_else(|| url.unwrap_or_default(), Anvil::url);
    let ledger = Ledger::default();
    let connect = || {
        let ledger = Arc::clone(&ledger);
        let record = move |action: &'static str, receipt: &Receipt| {
            let sent = Sent { action, transaction: receipt.transaction(), gas: receipt.gas() };
            ledger.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        };
        Ok::<_, Error>(Node::connect(url)?.telling(record))
    };
    let node = connect()?;
    let chain = LocalChain::of(&node)?;
    let mut teller = Teller { session, ledger: Arc::clone(&ledger), scenes: Vec::new() };
    let keys = Keys { owner: demo_key("owner")?, subject: demo_key("meridian")?, keeper: demo_key("keeper")? };
    let Keys { owner, subject, keeper } = &keys;
    [owner, subject, keeper].iter().try_for_each(|key| chain.fund(&key.address()))?;

    // Feeds and a token stand for those of a chain in use.
    let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text)?;
    let setup = setups.preferred(universe.capacity, &session.progress)?;
    warn_of_set_up(setup.origin(), setup.id(), &session.progress);
    let universe_text = example::universe_over(&setup);
    let universe = Universe::from_toml(example::UNIVERSE.path, &universe_text)?;
    let policy = Policy::read(example::POLICY.path, example::POLICY.text, &universe)?;
    let feeds = policy.market.iter().map(|entry| chain.feed(entry.decimals, owner)).collect::<Result<Vec<_>, _>>()?;
    let token = chain.token(decimals(COLLATERAL.1)?, owner)?;
    teller.tell(format!("{} of prices and a token stand for those of a chain in use", counted(feeds.len(), "feed")));

    // The vault's address is known once it is there, and then enters the policy.
    let params = setups.params(setup.id(), universe.capacity, &session.progress)?;
    let key = setups.verifying_key(setup.id(), universe.capacity, &session.progress)?;
    let mut policy = Policy { vault: Some(vault(&node, NOWHERE, token, &policy)?), ..policy };
    let compiled = CompiledPolicy::compile(policy.clone(), universe.clone(), &params)?;
    let terms =
        DeploymentTerms { owner: owner.address(), guardian: keeper.address(), delay: Seconds(0), exclusive: false };
    let contracts = Contracts::create(connect()?, Build::Carried, compiled.committed(), &key, &terms, owner)?;
    let deployment = contracts.deployment().clone();
    teller.tell("the contracts are created from the code that this program carries");

    policy.vault = Some(vault(&node, deployment.vault.unwrap_or(NOWHERE), token, &policy)?);
    let put = |path: &Path, text: &str| files::write(path, text.as_bytes(), Access::Public, existing);
    put(&layout.universe(), &universe_text)?;
    put(&layout.policy(), &policy.to_toml().map_err(documents::DocumentError::from)?)?;
    documents::write(&deployment_path, &deployment, existing)?;
    let rules = ChainRules {
        kind: KindOf::new(),
        version: FormatVersion,
        line: policy.name.clone(),
        policy_version: 1,
        grace: Seconds(0),
        feeds: policy
            .market
            .iter()
            .zip(&feeds)
            .map(|(entry, feed)| FeedRule {
                entry: entry.name.clone(),
                aggregator: *feed,
                decimals: entry.decimals,
                max_age: None,
                max_deviation: None,
            })
            .collect(),
    };
    put(&directory.join("rules.toml"), &rules.to_toml().map_err(documents::DocumentError::from)?)?;
    let compiled = CompiledPolicy::compile(policy, universe.clone(), &params)?;
    let committed = compiled.committed();
    contracts.publish(committed, &rules, owner)?;
    teller.tell("the policy is published, with the commitments of its programs");

    let Some(market) = committed.policy().market.iter().position(|entry| entry.name.as_str() == MARKET.0) else {
        return Err(Internal(format!("the example has no {}", MARKET.0)).into());
    };
    let bases = setups.table(&params, &session.progress);
    let mut account = Account {
        chain: &chain,
        node: &node,
        contracts: &contracts,
        policy: &compiled,
        prover: Prover::with_table(params, bases)?,
        feeds,
        prices: prices(committed.policy())?,
        keys: &keys,
    };
    let max_age = committed.policy().oracle.max_age.0;
    let venue_terms = VenueTerms {
        market: u32::try_from(market).unwrap_or(u32::MAX),
        levels: [0, 1],
        max_age,
        grace: GRACE,
        size_decimals: MARKET.1,
        quote: token,
        funds: COLLATERAL.2.unsigned_abs(),
    };
    let venue = chain.venue(&contracts, committed, &venue_terms, owner)?;
    chain.mint(&token, &subject.address(), COLLATERAL.2.unsigned_abs(), owner)?;
    let lots = Lots::new(COLLATERAL.2).map_err(Internal)?;
    contracts.deposit(committed, &name(COLLATERAL.0)?, lots, subject)?;
    teller.tell("a venue opens, and the account deposits collateral in its vault");

    account.next(1)?;
    let proof = account.attest(LEVELS[1])?;
    documents::write(&first, &proof, existing)?;
    chain.open(&venue, POSITION, subject)?;
    teller.tell(format!("the account proves its initial margin at {}, and opens a position", account.price(market)));

    let mut is_short = false;
    for _ in 0..EPOCHS {
        account.fall()?;
        account.next(1)?;
        let price = account.price(market);
        match account.attest(LEVELS[0]) {
            Ok(proof) => {
                documents::write(&last, &proof, Existing::Replace)?;
                teller.tell(format!("{price}: the account proves its maintenance margin"));
            }
            Err(error) if error.class() == Class::Insufficient => {
                is_short = true;
                teller.tell(format!("{price}: the account is short, and nobody can prove otherwise"));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if !is_short {
        return Err(Internal("the example's account is never short".to_owned()).into());
    }

    let epoch = committed.policy().oracle.epoch.0;
    account.next(max_age / epoch + 1)?;
    let keeping = contracts.venue(venue, committed)?;
    keeping.take(KeeperStep::Flag, &subject.address(), keeper, None)?;
    teller.tell("what it had proven has lapsed: a keeper flags the account");
    account.next(1)?;
    chain.advance(Timestamp(node.time()?.0 + epoch / 4 + GRACE + 1))?;
    keeping.take(KeeperStep::Liquidate, &subject.address(), keeper, None)?;
    let has_position = keeping.has_position(&subject.address())?;
    let level = name(LEVELS[0])?;
    let question = Question { level: level.clone(), max_age: Seconds(max_age) };
    let standing = contracts.query(&subject.address(), committed, Some(&question))?;
    if has_position || standing.sufficient != Some(false) {
        return Err(Internal("the position of an account that is short is still open".to_owned()).into());
    }
    teller.tell("the grace is over: the keeper has the position closed, and is paid out of the penalty");

    let carried = Carried::of_verifier(&key)?;
    let insecure = setup.origin() == Origin::InsecureDevelopment;
    let data = json!({
        "directory": directory,
        "node": own.is_none().then_some(url),
        "chain_id": deployment.chain_id,
        "deployment": deployment,
        "policy": committed.id(),
        "subject": subject.address(),
        "venue": venue,
        "compiler": carried.compiler,
        "scenes": teller.scenes,
        "srs": { "id": setup.id().bytes(), "origin": origin_name(setup.origin()), "insecure": insecure },
    });
    let mut text = String::new();
    table(&mut text, session.screen, ["WHAT HAPPENS", "GAS", "TRANSACTIONS"], teller.rows());
    text += &format!("\nverifier  {} of {}, by solc {}\n", carried.source, deployment.verifier, carried.compiler);
    if own.is_none() {
        let on = format!("--deployment {} --rpc {url}", deployment_path.display());
        let of = format!("--subject {} --level {level} --max-age {max_age}", subject.address());
        text += &format!("ask with: surety chain query {} {on} {of}\n", directory.display());
    }
    Answer::new(data, text)
}

/// The account, and what it takes to attest.
struct Account<'a> {
    chain: &'a LocalChain<'a>,
    node: &'a Node,
    contracts: &'a Contracts,
    policy: &'a CompiledPolicy,
    prover: Prover,
    feeds: Vec<EvmAddress>,
    /// What the feeds answer, in the order of the policy's market.
    prices: Vec<Price>,
    keys: &'a Keys,
}

impl Account<'_> {
    /// The price of a market entry now, with its name.
    fn price(&self, entry: usize) -> String {
        let rules = &self.policy.committed().policy().market;
        let (Some(rules), Some(price)) = (rules.get(entry), self.prices.get(entry)) else { return String::new() };
        let unit = 10_u128.pow(rules.decimals.get().into());
        format!("{} at {}", rules.name, grouped(&(price.get() / unit).to_string()))
    }

    /// Goes on by a number of epochs, and takes the snapshot of the one that begins then.
    fn next(&self, epochs: u64) -> Result<(), Error> {
        let (committed, owner) = (self.policy.committed(), &self.keys.owner);
        let length = committed.policy().oracle.epoch.0;
        let begins = Timestamp((self.node.time()?.0 / length + epochs) * length);
        self.chain.advance(begins)?;
        for (feed, price) in self.feeds.iter().zip(&self.prices) {
            self.chain.set(feed, *price, begins, owner)?;
        }
        self.contracts.take(committed.id(), owner)?;
        Ok(())
    }

    /// The market falls.
    fn fall(&mut self) -> Result<(), Error> {
        let dollar = |entry: &surety_margin::market::MarketEntry, price: Price| {
            price.get() < 2 * 10_u128.pow(entry.decimals.get().into())
        };
        let market = &self.policy.committed().policy().market;
        for (entry, price) in market.iter().zip(&mut self.prices) {
            if !dollar(entry, *price) {
                *price = Price::new(price.get() * FALL.0 / FALL.1).map_err(Internal)?;
            }
        }
        Ok(())
    }

    /// The sources state the account as of now; it proves a level over the newest snapshot, and brings the attestation
    /// to the chain.
    fn attest(&self, level: &str) -> Result<Attestation, Error> {
        let (committed, contracts) = (self.policy.committed(), self.contracts);
        let (audience, subject) = (contracts.deployment().audience(), self.keys.subject.address());
        let snapshot = contracts.market(committed)?;
        let (policy, universe, params) = (committed.policy(), committed.universe(), self.prover.params());
        let (statements, openings) = demo::state(policy, universe, params, audience, snapshot.time)?;
        let vault = contracts.vault(&subject, committed, params)?;
        let level = name(level)?;
        let request = ProofRequest {
            policy: self.policy,
            snapshot: &snapshot,
            on_chain: true,
            vault: Some(&vault),
            statements: &statements,
            level: &level,
            verifier: contracts.deployment().verifier,
            valid_until: None,
            presentation: Bytes32::ZERO,
            now: self.node.time()?,
        };
        let attestation = self.prover.prove(&request, &openings)?;
        contracts.attest(std::slice::from_ref(&attestation), committed, &self.keys.subject)?;
        Ok(attestation)
    }
}

/// The rules of a vault with the demonstration's token.
fn vault(node: &Node, address: EvmAddress, token: EvmAddress, policy: &Policy) -> Result<VaultRules, Error> {
    let asset = VaultAsset { instrument: name(COLLATERAL.0)?, token, decimals: decimals(COLLATERAL.1)? };
    Ok(VaultRules {
        chain: node.chain_id(),
        address,
        level: name(LEVELS[0])?,
        max_age: policy.oracle.max_age,
        min_age: Seconds(0),
        assets: vec![asset],
    })
}

/// What the first of the example's nodes has observed.
fn prices(policy: &Policy) -> Result<Vec<Price>, Error> {
    let [file, ..] = example::OBSERVATIONS;
    let observed = read_observations(file.path, file.text, policy, &Dialect::default(), &mut Vec::new())?;
    let price =
        |observed: &surety_margin::market::Observed| observed.observation().map(|observation| observation.price);
    let prices: Option<Vec<_>> = observed.iter().map(price).collect();
    prices.ok_or_else(|| Internal("the example's node has not observed everything".to_owned()).into())
}

fn name(text: &str) -> Result<Name, Error> {
    Ok(Name::new(text).map_err(Internal)?)
}

fn decimals(number: u8) -> Result<Decimals, Error> {
    Ok(Decimals::new(number).map_err(Internal)?)
}
