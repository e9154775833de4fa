//! A keeper: brings the snapshot of each epoch to a chain, watches who attests there, flags and liquidates the accounts
//! of a venue that do not, and buys at auctions what those in debt have.
//!
//! Each step looks at the chain as it is then and does the first thing that the contracts allow. Nothing is remembered
//! that decides: a block that a reorganisation takes away is made up for in the next step, and two keepers of one venue
//! do no harm.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::U256;
use surety_chain::{
    ChainError, Contracts,
    attest::Question,
    auction::Offer,
    market::SnapshotSignature,
    venue::{Step, Venue},
};
use surety_core::{
    failure::AnyFailure,
    ident::{EvmAddress, Name},
    units::{Seconds, Timestamp},
};
use surety_margin::market::Snapshot;
use surety_prover::prove::ProveError;
use surety_verifier::attestation::{
    compiled::CompiledPolicy,
    report::{check_snapshot, snapshot_id},
};

use super::{Role, World, allowance::Allowance, chain::Chain, label, read_policy, shelf};
use crate::{
    address::Address,
    configuration::{KeeperRole, VenueAt},
    error::NotDone,
    metrics::{RoleLabel, SubjectLabel},
};

/// Blocks that are read again, since they may not be the chain's any more.
const REORGANISATION: u64 = 128;

/// A keeper.
pub struct Keeper {
    world: Arc<World>,
    label: RoleLabel,
    policy: Arc<CompiledPolicy>,
    chain: Chain,
    nodes: Vec<Address>,
    snapshots: bool,
    level: Name,
    max_age: Seconds,
    subjects: Vec<EvmAddress>,
    venue: Option<VenueAt>,
    every: Seconds,
    /// Accounts that had a position when it looked last.
    open: BTreeSet<EvmAddress>,
    /// The block from which on it looks for new ones.
    seen: Option<u64>,
    /// Accounts that were told of, since they do not attest.
    told: BTreeSet<EvmAddress>,
    /// Steps that were told of, since they do not pay.
    unpaid: BTreeSet<(EvmAddress, String)>,
}

impl Keeper {
    /// The role of a configuration.
    ///
    /// # Errors
    /// If a file or a key cannot be read, the policy has no such level or price, or the set-up is nobody's.
    pub fn new(role: KeeperRole, path: &str, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let (universe, policy) = read_policy(&role.universe, &role.policy)?;
        if policy.level(&role.level).is_none() {
            return Err(ProveError::no_level(&policy, &role.level).into());
        }
        let coin = role.venue.as_ref().and_then(|venue| venue.coin.as_ref());
        if let Some(coin) = coin.filter(|coin| policy.market.iter().all(|entry| entry.name != **coin)) {
            let expected = "a market entry of the policy, the price of the chain's coin";
            return Err(NotDone::input(format!("{path}.venue.coin"), expected, coin.to_string()).into());
        }
        let params = world.params(&universe, role.allow_insecure_srs)?;
        let max_age = role.max_age.unwrap_or(policy.oracle.max_age);
        Ok(Self {
            world: Arc::clone(world),
            label: label("keeper", &role.name),
            policy: Arc::new(CompiledPolicy::compile(policy, universe, &params)?),
            chain: Chain::load(role.chain)?,
            nodes: role.nodes,
            snapshots: role.snapshots,
            level: role.level,
            max_age,
            subjects: role.subjects,
            venue: role.venue,
            every: role.every,
            open: BTreeSet::new(),
            seen: None,
            told: BTreeSet::new(),
            unpaid: BTreeSet::new(),
        })
    }

    fn note(&self, now: Timestamp, what: &str) {
        self.world.note(now, &self.label, what);
    }

    /// Brings the snapshot of the present epoch to the chain, unless it is there.
    fn snapshot(&self, contracts: &Contracts, now: Timestamp) -> Result<(), AnyFailure> {
        let policy = self.policy.committed();
        if !self.snapshots || !contracts.is_snapshot_due(policy)? {
            return Ok(());
        }
        let taken = if self.nodes.is_empty() {
            contracts.take(policy.id(), &*self.chain.signer)?
        } else {
            let latest = contracts.latest(policy)?.map_or(0, |latest| latest.epoch);
            let Some((snapshot, signatures)) = self.signed()? else { return Ok(()) };
            if snapshot.epoch <= latest {
                return Ok(());
            }
            contracts.submit(policy, &snapshot, &signatures, &*self.chain.signer)?
        };
        let marked = if taken.marked { ", marked" } else { "" };
        self.count("snapshot");
        let (gas, transaction) = (taken.receipt.gas(), taken.receipt.transaction());
        self.note(now, &format!("snapshot of epoch {}{marked} for {gas} gas, {transaction}", taken.epoch));
        Ok(())
    }

    /// The newest snapshot that a quorum of nodes has signed; none if there is none yet. A node may serve a snapshot of
    /// its own, which follows the policy's rules as well: the signatures decide.
    fn signed(&self) -> Result<Option<(Snapshot, Vec<SnapshotSignature>)>, AnyFailure> {
        let (policy, deployment) = (self.policy.committed(), &self.chain.deployment);
        let (mut snapshots, mut signatures) = (BTreeMap::new(), Vec::<SnapshotSignature>::new());
        let mut failure = None;
        for node in &self.nodes {
            let mut ask = || {
                if let Some(snapshot) = self.world.client.document::<Snapshot>(&node.below("snapshots/latest"), None)? {
                    check_snapshot(policy, &snapshot)?;
                    snapshots.insert(snapshot_id(policy, &snapshot).0, snapshot);
                }
                signatures.extend(self.world.client.document(&node.below("signatures/latest"), None)?);
                Ok::<_, AnyFailure>(())
            };
            // One that fails keeps nobody from what the others have signed.
            failure = ask().err().or(failure);
        }
        let is_nodes = |signer| policy.policy().oracle.nodes.iter().any(|node| node.signer == signer);
        signatures.retain(|signature| is_nodes(signature.signer));
        signatures.sort_by_key(|signature| (signature.signer, signature.snapshot.0));
        signatures.dedup_by_key(|signature| (signature.signer, signature.snapshot.0));
        let mut snapshots: Vec<_> = snapshots.into_iter().collect();
        snapshots.sort_by_key(|(_, snapshot)| Reverse(snapshot.epoch));
        for (id, snapshot) in snapshots {
            let mut of_it: Vec<_> = signatures.iter().filter(|signature| signature.snapshot.0 == id).cloned().collect();
            // One bad signature would have the whole call refused.
            of_it.retain(|signature| signature.verify(policy, &snapshot, deployment).is_ok());
            if of_it.len() >= policy.policy().oracle.quorum as usize {
                return Ok(Some((snapshot, of_it)));
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Tells of accounts that do not attest, and of those that do again.
    fn watch(&mut self, contracts: &Contracts, now: Timestamp) -> Result<(), AnyFailure> {
        let question = Question { level: self.level.clone(), max_age: self.max_age };
        for subject in self.subjects.clone() {
            let standing = contracts.query(&subject, self.policy.committed(), Some(&question))?;
            let holds = standing.sufficient.unwrap_or(false);
            let of = SubjectLabel { role: self.label.role.clone(), of: subject.to_string() };
            self.world.metrics.account_insufficient.get_or_create(&of).set((!holds).into());
            if holds && self.told.remove(&subject) {
                self.note(now, &format!("{subject} attests to {} again", self.level));
            } else if !holds && self.told.insert(subject) {
                let last = standing.levels.iter().find(|record| record.level == self.level);
                let last = last.map_or("never did".to_owned(), |record| format!("did so in epoch {}", record.epoch));
                self.note(now, &format!("{subject} does not attest to {}: {last}", self.level));
            }
        }
        Ok(())
    }

    /// Flags and liquidates accounts of the venue that do not attest, where that pays.
    fn keep_venue(&mut self, contracts: &Contracts, now: Timestamp) -> Result<(), AnyFailure> {
        let Some(at) = self.venue.clone() else { return Ok(()) };
        let policy = Arc::clone(&self.policy);
        let venue = contracts.venue(at.address, policy.committed())?;
        let (opened, newest) = venue.opened(self.seen.unwrap_or(at.from))?;
        self.open.extend(opened);
        // What a reorganisation has changed is read again.
        self.seen = Some(newest.saturating_sub(REORGANISATION).max(at.from));
        let mut failure = Ok(());
        for subject in self.open.clone() {
            // An account that cannot be dealt with keeps nobody else from being.
            let dealt = match (venue.has_position(&subject)?, venue.owed(&subject)?.is_zero()) {
                (true, _) => self.deal_with(&venue, &at, &subject, now),
                (false, false) => self.buy(&venue, &at, &subject, now),
                (false, true) => {
                    self.open.remove(&subject);
                    Ok(())
                }
            };
            failure = failure.and(dealt);
        }
        failure
    }

    /// Buys collateral of an account that owes, where that pays; restarts its auction, where that may.
    fn buy(&self, venue: &Venue<'_>, at: &VenueAt, subject: &EvmAddress, now: Timestamp) -> Result<(), AnyFailure> {
        let Some(rule) = at.auctions else { return Ok(()) };
        let Some(auction) = venue.auction()? else { return Ok(()) };
        let a_day = rule.a_day.at_places(venue.decimals()).and_then(|units| u128::try_from(units).ok());
        let a_day = a_day.ok_or_else(|| {
            let expected = format!("an amount above zero with at most {} decimals", venue.decimals());
            NotDone::input(format!("{}: auctions.a_day", self.label.role), expected, rule.a_day.to_string())
        })?;
        let shelf = shelf(&self.label, &["paid", &at.address.to_string()]);
        let allowance = Allowance::new(&self.world.state, shelf, a_day);
        let (own, left) = (self.chain.signer.address(), U256::from(allowance.left(now)?));
        if left.is_zero() {
            return Ok(());
        }
        let gas = at.coin.as_ref().map_or(Ok(U256::ZERO), |coin| venue.cost(auction.gas(), coin))?;
        let offers = auction.offers(subject, &own, left)?;
        let good = offers.into_iter().find(|offer| offer.is_below_worth_by(rule.discount, gas));
        let Some(offer) = good else {
            let may_pay = auction.falls_by(rule.discount) && auction.best_gain(subject)? > gas;
            if let Some(receipt) = may_pay.then(|| auction.restart(subject, &*self.chain.signer)).transpose()?.flatten()
            {
                self.count("restart");
                let (gas, transaction) = (receipt.gas(), receipt.transaction());
                self.note(now, &format!("{subject}: restart of its auction for {gas} gas, {transaction}"));
            }
            return Ok(());
        };
        let counted = allowance.count(offer.payment.saturating_to(), now)?;
        let receipt = match auction.take(&offer, subject, &*self.chain.signer) {
            Ok(receipt) => receipt,
            Err(error) => {
                // A refusal is told before anything is sent.
                if matches!(error, ChainError::Refused { .. }) {
                    allowance.take_back(counted)?;
                }
                return Err(error.into());
            }
        };
        self.count("purchase");
        let Offer { token, amount, payment, worth } = offer;
        let (gas, transaction) = (receipt.gas(), receipt.transaction());
        let what =
            format!("{amount} of {token} bought for at most {payment}, worth {worth}, for {gas} gas, {transaction}");
        self.note(now, &format!("{subject}: {what}"));
        Ok(())
    }

    fn deal_with(
        &mut self,
        venue: &Venue<'_>,
        at: &VenueAt,
        subject: &EvmAddress,
        now: Timestamp,
    ) -> Result<(), AnyFailure> {
        let own = self.chain.signer.address();
        let Some(step) = venue.possible(subject, &own)? else { return Ok(()) };
        let name = words(step);
        let (paid, most_fee) = match &at.coin {
            None => (String::new(), None),
            Some(coin) => {
                let worth = venue.worth(step, subject, &own, coin)?;
                if !worth.is_profitable() {
                    if self.unpaid.insert((*subject, name.to_owned())) {
                        let what = format!("{subject}: {name} pays {} and costs {}: left", worth.reward, worth.cost);
                        self.note(now, &what);
                    }
                    return Ok(());
                }
                (format!(", which pays {} and costs {}", worth.reward, worth.cost), Some(worth.most_fee))
            }
        };
        let receipt = venue.take(step, subject, &*self.chain.signer, most_fee)?;
        self.count(name);
        self.unpaid.retain(|(known, _)| known != subject);
        let (gas, transaction) = (receipt.gas(), receipt.transaction());
        self.note(now, &format!("{subject}: {name}, {}{paid}, for {gas} gas, {transaction}", reason(step)));
        Ok(())
    }

    fn count(&self, what: &str) {
        let of = SubjectLabel { role: self.label.role.clone(), of: what.to_owned() };
        self.world.metrics.keeper_actions.get_or_create(&of).inc();
    }
}

/// A step in words.
fn words(step: Step) -> &'static str {
    match step {
        Step::Flag => "flag",
        Step::Liquidate => "liquidation",
        Step::LiquidateShort => "liquidation of a shortfall",
    }
}

/// Why a step is taken.
fn reason(step: Step) -> &'static str {
    match step {
        Step::Flag => "as it does not attest",
        Step::Liquidate => "as its grace is over and it does not attest",
        Step::LiquidateShort => "as its shortfall is attested at the newest prices",
    }
}

impl Role for Keeper {
    fn label(&self) -> &RoleLabel {
        &self.label
    }

    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        let contracts = self.chain.connect()?;
        let brought = self.snapshot(&contracts, now);
        let watched = self.watch(&contracts, now);
        self.keep_venue(&contracts, now)?;
        watched?;
        brought?;
        Ok(Timestamp(now.0.saturating_add(self.every.0)))
    }
}
