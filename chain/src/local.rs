//! A chain on this machine, for demonstrations: Anvil, whose clock and balances anybody sets, with feeds, a token and a
//! venue at which nothing is at stake.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use alloy::providers::Provider as _;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue as _;
use serde_json::{Value, json};
use surety_core::{
    ident::EvmAddress,
    problem::Problem,
    units::{Decimals, Price, Timestamp},
};
use surety_verifier::{CommittedPolicy, attestation::signer::Signer};

use crate::{
    abi::{
        ICollateralVault::setVenueCall,
        MarginGatedVenue::{fundCall, openCall},
        MockAggregator::setCall,
        MockToken::{approveCall, mintCall},
        VenueRules, address, word,
    },
    carried::Carried,
    deployment::{Contracts, Deployment},
    error::{Action, ChainError},
    node::{Node, Receipt},
    seconds::seconds,
};

/// What a local account has of the chain's coin: 100.
const FUNDS: &str = "0x56bc75e2d63100000";

const PROGRAM: &str = "anvil";

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A process of Anvil, which ends with this value.
#[derive(Debug)]
pub struct Anvil {
    process: Child,
    url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Anvil {
    /// Whether the program is on the path.
    #[must_use]
    pub fn is_there() -> bool {
        let mut command = Command::new(PROGRAM);
        let answer = command.arg("--version").stdin(Stdio::null()).output();
        answer.is_ok_and(|output| output.status.success())
    }

    /// Starts the program on the path, on a port that is free. Its chain begins at a time.
    ///
    /// # Errors
    /// If there is no such program, or it does not say where it listens.
    pub fn start(time: Timestamp) -> Result<Self, ChainError> {
        let failed = |found: String| {
            let advice =
                Some("install Foundry and put its programs on PATH, or give the URL of a node of Anvil".into());
            let (path, expected) = (PROGRAM.to_owned(), "a program on PATH that listens".to_owned());
            ChainError::Input(Problem { path, expected, found, advice })
        };
        let arguments = ["--port", "0", "--hardfork", "osaka", "--timestamp", &time.0.to_string()];
        let mut command = Command::new(PROGRAM);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| failed(error.to_string()))?;
        let output = process.stdout.take();
        let mut anvil = Self { process, url: String::new() };
        let Some(output) = output else { return Err(failed("no output".to_owned())) };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let listening = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
        let Some(listening) = listening else { return Err(failed("one that has ended".to_owned())) };
        anvil.url = format!("http://{listening}");
        // Nobody reads on, and its output must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Ok(anvil)
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The chain of a node of Anvil. Its blocks are a second apart, however slow the machine is, until this value is
/// dropped.
#[derive(Debug)]
pub struct LocalChain<'a> {
    node: &'a Node,
}

impl Drop for LocalChain<'_> {
    fn drop(&mut self) {
        // The node may have ended.
        let _ = self.ask("anvil_removeBlockTimestampInterval", json!([]));
    }
}

impl<'a> LocalChain<'a> {
    /// The chain of a node.
    ///
    /// # Errors
    /// If it is another's than Anvil's: nothing of a demonstration belongs on a chain where something is at stake.
    pub fn of(node: &'a Node) -> Result<Self, ChainError> {
        let version = node.ask("web3_clientVersion", node.provider().get_client_version().into_future())?;
        if !version.to_lowercase().starts_with(PROGRAM) {
            let advice = "start anvil, and give its URL: the demonstration's keys are everybody's";
            return Err(ChainError::mismatch("node", "a local one: Anvil", version, advice));
        }
        let chain = Self { node };
        chain.ask("anvil_setBlockTimestampInterval", json!([1]))?;
        Ok(chain)
    }

    /// Gives an account something to pay gas with.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn fund(&self, account: &EvmAddress) -> Result<(), ChainError> {
        self.ask("anvil_setBalance", json!([account, FUNDS]))
    }

    /// Makes a block at a time, later than the newest.
    ///
    /// # Errors
    /// If it is not later.
    pub fn advance(&self, to: Timestamp) -> Result<(), ChainError> {
        self.ask("evm_setNextBlockTimestamp", json!([to.0]))?;
        self.ask("evm_mine", json!([]))
    }

    /// From a time on, which is the machine's, blocks come by themselves, a second apart.
    ///
    /// # Errors
    /// If the chain's time is later.
    pub fn live(self, from: Timestamp) -> Result<(), ChainError> {
        self.ask("anvil_removeBlockTimestampInterval", json!([]))?;
        self.ask("evm_setNextBlockTimestamp", json!([from.0]))?;
        self.ask("evm_setIntervalMining", json!([1]))
    }

    /// Creates a feed that answers what it is told.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn feed(&self, decimals: Decimals, signer: &dyn Signer) -> Result<EvmAddress, ChainError> {
        self.create("MockAggregator", U256::from(decimals.get()).abi_encode(), "creating a feed", signer)
    }

    /// Has a feed answer a price from now on.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn set(
        &self,
        feed: &EvmAddress,
        price: Price,
        time: Timestamp,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let answer = i128::try_from(price.get()).map_err(|_| ChainError::input("price", "one of a feed", price))?;
        let call = setCall { answer_: answer, updatedAt_: seconds("time", time.0)? };
        self.node.call(signer, feed, &call, Action::new("MockAggregator.set"))
    }

    /// Creates a token of which everybody gets as much as they like.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn token(&self, decimals: Decimals, signer: &dyn Signer) -> Result<EvmAddress, ChainError> {
        self.create("MockToken", U256::from(decimals.get()).abi_encode(), "creating a token", signer)
    }

    /// Mints tokens, in the smallest units.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn mint(
        &self,
        token: &EvmAddress,
        to: &EvmAddress,
        amount: u128,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let call = mintCall { to: address(to), amount: U256::from(amount) };
        self.node.call(signer, token, &call, Action::new("MockToken.mint"))
    }

    fn create(
        &self,
        contract: &str,
        arguments: Vec<u8>,
        action: &'static str,
        signer: &dyn Signer,
    ) -> Result<EvmAddress, ChainError> {
        let code = [Carried::named(contract)?.creation_code()?, arguments].concat();
        self.node.create(signer, code, Action::new(action))
    }

    fn ask(&self, method: &'static str, parameters: Value) -> Result<(), ChainError> {
        self.node.ask(method, self.node.provider().raw_request::<_, Value>(method.into(), parameters)).map(drop)
    }
}

/// What a venue of the demonstration is about.
#[derive(Clone, Debug)]
pub struct VenueTerms {
    /// Place of the traded price in the policy's market vector.
    pub market: u32,
    /// Places of the levels that holding and opening a position takes.
    pub levels: [u32; 2],
    /// The largest age of prices, in seconds.
    pub max_age: u64,
    /// How long a flagged account has to attest, in seconds.
    pub grace: u64,
    /// Decimals of sizes.
    pub size_decimals: u8,
    /// What positions are settled in.
    pub quote: EvmAddress,
    /// What the venue pays gains from, in the quote token's smallest units.
    pub funds: u128,
}

/// Of the notional of a liquidated account a twentieth is the penalty, of which a tenth is the flagger's.
const PENALTY: (u32, u32) = (50_000, 100_000);

/// The largest notional of an account, in the quote token's smallest units.
const LARGEST: u128 = 1_000_000_000_000;

impl LocalChain<'_> {
    /// Creates the venue of a deployment's policy, gives it funds, and has the vault answer to it.
    ///
    /// # Errors
    /// If the policy draws on no vault, or a contract refuses.
    pub fn venue(
        &self,
        contracts: &Contracts,
        policy: &CommittedPolicy,
        terms: &VenueTerms,
        owner: &dyn Signer,
    ) -> Result<EvmAddress, ChainError> {
        let Deployment { registry, policies, oracle, vault, .. } = contracts.deployment();
        let vault = vault.ok_or_else(|| ChainError::input("deployment: vault", "a vault", "none"))?;
        let age = seconds("max_age", terms.max_age)?;
        let [maintenance, initial] = terms.levels.map(U256::from);
        let rules = VenueRules {
            policy: word(&policy.id().0),
            market: U256::from(terms.market),
            maintenanceLevel: maintenance,
            initialLevel: initial,
            shortfallLevel: 0,
            openingAge: age,
            holdingAge: age,
            maxPriceAge: age,
            grace: seconds("grace", terms.grace)?,
            settlementAge: seconds("settlement age", DAY)?,
            sizeDecimals: terms.size_decimals,
            penalty: PENALTY.0,
            reward: PENALTY.1,
            maxNotional: LARGEST,
        };
        let own = address(&owner.address());
        let [registry, policies, oracle, vault_at, quote] =
            [registry, policies, oracle, &vault, &terms.quote].map(address);
        // Nothing is auctioned: what is seized pays.
        let auction = Address::ZERO;
        let arguments = (own, registry, policies, oracle, vault_at, quote, auction, rules).abi_encode_params();
        let venue = self.create("MarginGatedVenue", arguments, "creating the venue", owner)?;
        let call = setVenueCall { venue: address(&venue), policy: word(&policy.id().0) };
        self.node.call(owner, &vault, &call, Action::new("CollateralVault.setVenue"))?;
        self.mint(&terms.quote, &owner.address(), terms.funds, owner)?;
        let amount = U256::from(terms.funds);
        let approve = approveCall { spender: address(&venue), value: amount };
        self.node.call(owner, &terms.quote, &approve, Action::new("MockToken.approve"))?;
        self.node.call(owner, &venue, &fundCall { amount }, Action::new("MarginGatedVenue.fund"))?;
        Ok(venue)
    }

    /// Opens a position at a venue, for the signer; a negative size is short.
    ///
    /// # Errors
    /// If the venue refuses.
    pub fn open(&self, venue: &EvmAddress, size: i128, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        self.node.call(signer, venue, &openCall { size }, Action::new("MarginGatedVenue.open"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// The demonstration's keys are everybody's: funds and policies of a chain in use would be, too.
    #[test]
    fn rejects_a_chain_on_which_something_is_at_stake() {
        let node = sample::node(|method, _| match method {
            "web3_clientVersion" => json!("Geth/v1.16.7-stable/linux-amd64/go1.25"),
            other => unreachable!("{other}"),
        });
        let refusal = LocalChain::of(&node).unwrap_err().to_string();
        assert!(refusal.contains("expected a local one: Anvil, found Geth/v1.16.7"), "{refusal}");
    }
}
