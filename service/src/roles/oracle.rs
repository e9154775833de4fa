//! An oracle node: reads prices each epoch, signs those that hold up to the policy's rules, and, if it publishes, puts
//! the reports of all nodes together.
//!
//! It signs what it has read if no price has moved further from its own last report than `question` says. A move that
//! is larger is signed once it has stood for an epoch: what was read in the epoch before had moved as far, and to much
//! the same price. Every node keeps a copy of each snapshot that it has checked, and serves it: holders need not rely
//! on one publisher.

use std::{path::PathBuf, sync::Arc, thread};

use surety_chain::{Deployment, market};
use surety_core::{
    failure::AnyFailure,
    problem::Problem,
    text::{Document as _, table::Dialect},
    units::{Ppm, Timestamp},
};
use surety_host::{clock, documents};
use surety_import::observations::read_observations;
use surety_margin::{
    market::{Observed, Report, Snapshot},
    oracle::{deviates, observation_problems},
    policy::Policy,
    universe::Universe,
};
use surety_prover::oracle::{self, Clock, Comparison, Previous};
use surety_verifier::attestation::{
    compiled::CompiledPolicy,
    identifiers::{DocumentId, FeedsId},
    report::{check_report_signature, wrong_references},
    signature::KnownKeys,
};

use super::{AnySigner, DAY, KEPT, Role, World, label, load_signer, log_notes, read_policy, shelf};
use crate::{
    address::Address,
    configuration::{Feed, OracleRole},
    error::NotDone,
    feed,
    metrics::RoleLabel,
    state::Shelf,
};

/// How many epochs back an entry is looked for that the last report does not have.
const LOOKBACK: u64 = 20;

/// The publisher waits this share of an epoch for nodes that are late, once there is a quorum.
const GRACE: u64 = 4;

/// An oracle node.
pub struct Oracle {
    world: Arc<World>,
    label: RoleLabel,
    universe: Universe,
    policy: Policy,
    key: AnySigner,
    feed: Feed,
    question: Ppm,
    publisher: Option<Address>,
    nodes: Vec<Address>,
    first: bool,
    shelves: Shelves,
    /// The deployment that it signs snapshots for.
    deployment: Option<(Deployment, CompiledPolicy)>,
    /// What was read in an epoch and questioned.
    questioned: Option<(u64, Vec<Observed>)>,
}

/// Where a node's documents are.
#[derive(Clone, Debug)]
pub struct Shelves {
    /// Its own reports, by epoch.
    pub reports: Shelf,
    /// Snapshots that it has made or checked, by epoch.
    pub snapshots: Shelf,
    /// Its signatures under snapshots for a deployment's oracle, by epoch.
    pub signatures: Shelf,
}

impl Oracle {
    /// The role of a configuration.
    ///
    /// # Errors
    /// If a file or a key cannot be read, or the key is not that of a node of the policy.
    pub fn new(role: OracleRole, path: &str, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let label = label("oracle", &role.name);
        let (universe, policy) = read_policy(&role.universe, &role.policy)?;
        let key = load_signer(role.key, role.passphrase)?;
        if !policy.oracle.nodes.iter().any(|node| node.signer == key.address()) {
            let expected = "the key of an oracle node of the policy";
            return Err(NotDone::input(format!("{path}.key"), expected, format!("that of {}", key.address())).into());
        }
        // Epochs are numbered by the policy.
        let id = DocumentId::of(&policy)?.0.to_string();
        let shelves = Shelves {
            reports: shelf(&label, &["report", &id]),
            snapshots: shelf(&label, &["snapshot", &id]),
            signatures: shelf(&label, &["signature", &id]),
        };
        let compiled = |path: PathBuf| {
            let deployment: Deployment = documents::read(&path)?;
            let params = world.params(&universe, role.allow_insecure_srs)?;
            let policy = CompiledPolicy::compile(policy.clone(), universe.clone(), &params)?;
            Ok::<_, AnyFailure>((deployment, policy))
        };
        let deployment = role.deployment.map(compiled).transpose()?;
        Ok(Self {
            world: Arc::clone(world),
            universe,
            policy,
            key,
            feed: role.prices,
            question: role.question,
            publisher: role.publisher,
            nodes: role.nodes,
            first: role.first,
            shelves,
            deployment,
            questioned: None,
            label,
        })
    }

    /// Where its documents are.
    #[must_use]
    pub fn shelves(&self) -> &Shelves {
        &self.shelves
    }

    /// Signs the newest snapshot for the deployment's oracle, unless it is signed. A contract has no other say in
    /// prices than a quorum of such signatures, so nothing is signed that was not checked against the policy.
    fn sign_snapshot(&self, now: Timestamp) -> Result<(), AnyFailure> {
        let Some((deployment, policy)) = &self.deployment else { return Ok(()) };
        let (snapshots, signatures) = (&self.shelves.snapshots, &self.shelves.signatures);
        let Some((epoch, snapshot)) = self.world.state.newest_document::<Snapshot>(snapshots)? else { return Ok(()) };
        if self.world.state.at(signatures, epoch)?.is_some() {
            return Ok(());
        }
        let signature = market::sign(policy.committed(), &snapshot, deployment, now, &*self.key)?;
        self.world.state.put_first_document(signatures, epoch, &signature)?;
        Ok(self.world.state.keep_newest(signatures, KEPT)?)
    }

    /// Signs the report of an epoch, unless there is one.
    fn report(&mut self, epoch: u64, now: Timestamp) -> Result<(), AnyFailure> {
        if self.world.state.at(&self.shelves.reports, epoch)?.is_some() {
            return Ok(());
        }
        // Prices of now are none of an epoch that is over, whatever a clock says that was set back. One that was wrong
        // by more than a day was fast before.
        let is_over = |newest: &u64| {
            let ahead = newest.saturating_sub(epoch);
            ahead > 0 && ahead.saturating_mul(self.policy.oracle.epoch.0) <= DAY
        };
        if let Some(newest) = self.world.state.newest_number(&self.shelves.reports)?.filter(is_over) {
            let (expected, found) = (format!("epoch {newest}, of which this node has reported, or later"), epoch);
            let advice = "set the clock; if it was fast before, the node reports again once that epoch is over";
            return Err(NotDone::outside("clock", expected, found.to_string()).advise(advice).into());
        }
        let previous = self.previous(epoch)?;
        let text = feed::read(&self.feed, &self.world.client)?;
        let (file, mut notes) = (feed::name(&self.feed), Vec::new());
        let observations = read_observations(&file, &text, &self.policy, &Dialect::default(), &mut notes)?;
        log_notes(&self.label, &notes);
        self.question(epoch, &observations)?;
        let comparison = match &previous {
            _ if self.policy.oracle.breaker.is_none() => Comparison::None,
            Some(previous) => Comparison::With(previous),
            None => Comparison::First,
        };
        for moved in comparison.moved(&self.policy, &observations) {
            let name = &moved.entry.name;
            self.world.note(now, &self.label, &format!("{name} has moved further than the circuit breaker allows"));
        }
        let report = oracle::sign(&self.policy, &self.universe, observations, Clock::at(now), comparison, &*self.key)
            .map_err(|error| error.of_input(oracle::OBSERVATIONS, &file))?;
        // One report for an epoch: of two, a holder could choose.
        self.world.state.put_first_document(&self.shelves.reports, epoch, &report)?;
        self.questioned = None;
        self.world.state.keep_newest(&self.shelves.reports, KEPT)?;
        self.world.note(now, &self.label, &format!("report of epoch {epoch}"));
        Ok(())
    }

    /// Refuses prices that a person would question, until they have stood for an epoch.
    fn question(&mut self, epoch: u64, observations: &[Observed]) -> Result<(), AnyFailure> {
        let moved = self.moved(&self.last_observed()?, observations);
        let Some(entry) = moved.first() else { return Ok(()) };
        let stood = self
            .questioned
            .as_ref()
            .is_some_and(|(before, questioned)| *before < epoch && self.moved(questioned, observations).is_empty());
        if stood {
            return Ok(());
        }
        if self.questioned.as_ref().is_none_or(|(before, _)| *before < epoch) {
            self.questioned = Some((epoch, observations.to_vec()));
        }
        let expected = format!("a price within {} of the last that this node reported", self.question);
        let advice = "look twice: it is signed if it still stands in the next epoch";
        Err(NotDone::outside(format!("{}: {entry}", feed::name(&self.feed)), expected, "another").advise(advice).into())
    }

    /// What this node last reported of each entry. One that its feed did not have for a while is compared with what it
    /// was before.
    fn last_observed(&self) -> Result<Vec<Observed>, AnyFailure> {
        let mut last = vec![Observed::Absent; self.policy.market.len()];
        let Some(newest) = self.world.state.newest_number(&self.shelves.reports)? else { return Ok(last) };
        let from = newest.saturating_sub(LOOKBACK);
        for epoch in self.world.state.numbers(&self.shelves.reports, from, KEPT)? {
            let Some(text) = self.world.state.at(&self.shelves.reports, epoch)? else { continue };
            let report = Report::from_json("state: report", &text)?;
            let seen = last.iter_mut().zip(report.observations).filter(|(_, now)| now.observation().is_some());
            seen.for_each(|(last, now)| *last = now);
        }
        Ok(last)
    }

    /// The entries that have moved further than may be signed at once.
    fn moved(&self, before: &[Observed], now: &[Observed]) -> Vec<String> {
        let price = |observed: &Observed| observed.observation().map(|observation| observation.price);
        let pairs = self.policy.market.iter().zip(before.iter().zip(now));
        let moved = pairs.filter(|(_, (before, now))| match (price(before), price(now)) {
            (Some(before), Some(now)) => deviates(self.question, before, now),
            _ => false,
        });
        moved.map(|(entry, _)| entry.name.to_string()).collect()
    }

    /// The snapshot before an epoch, checked; none if there is none and this node may say so.
    fn previous(&self, epoch: u64) -> Result<Option<Previous>, AnyFailure> {
        if self.policy.oracle.breaker.is_none() {
            return Ok(None);
        }
        let published = match &self.publisher {
            Some(publisher) => {
                let at = publisher.below(&format!("snapshots/before/{epoch}"));
                self.world.client.document::<Snapshot>(&at, None)?
            }
            None => self.before(epoch)?,
        };
        // Whoever publishes could choose an older snapshot, whose prices nothing has moved away from.
        if let Some(own) = self.before(epoch)?
            && published.as_ref().is_none_or(|published| published.epoch < own.epoch)
        {
            let found = published.map_or("none".to_owned(), |published| format!("that of {}", published.epoch));
            let expected = format!("the snapshot of epoch {}, which this node has, or a later one", own.epoch);
            return Err(NotDone::mismatch("publisher", expected, found).into());
        }
        if let Some(snapshot) = published {
            let previous = Previous::check(&self.policy, &self.universe, &snapshot)?;
            return Ok(Some(previous));
        }
        if !self.first {
            let advice = "first = true in the configuration lets this node say that there is none, once";
            return Err(NotDone::input("publisher", "an earlier snapshot", "none").advise(advice).into());
        }
        Ok(None)
    }

    fn before(&self, epoch: u64) -> Result<Option<Snapshot>, AnyFailure> {
        let text = self.world.state.newest_before(&self.shelves.snapshots, epoch)?;
        text.map(|text| Ok(Snapshot::from_json("state: snapshot", &text)?)).transpose()
    }

    /// Puts the reports of an epoch together, once there are enough. Says whether there is a snapshot.
    fn publish(&self, epoch: u64, now: Timestamp) -> Result<bool, AnyFailure> {
        if self.world.state.at(&self.shelves.snapshots, epoch)?.is_some() {
            return Ok(true);
        }
        let feeds = FeedsId::of(&self.policy.market)?;
        let mut reports = self.collect(epoch);
        if let Some(text) = self.world.state.at(&self.shelves.reports, epoch)? {
            reports.push(Report::from_json("state: report", &text)?);
        }
        // Nodes took their time to answer.
        let (previous, now) = (self.previous(epoch)?, clock::now().max(now));
        // No node may spoil the snapshot of the others: a report counts if it is good by itself, ...
        let keys = KnownKeys::default();
        let length = self.policy.oracle.epoch.0.max(1);
        let id = previous.as_ref().map(Previous::id);
        reports.retain(|report| {
            self.policy.oracle.nodes.iter().any(|node| node.signer == report.oracle)
                && (report.epoch, report.observed_at.0 / length) == (epoch, epoch)
                && wrong_references(report, "report", feeds, id).is_empty()
                && self.broken_rules(report, now).is_empty()
                && self.leaves_time(report)
                && check_report_signature(report, "report", &keys).is_ok()
        });
        reports.sort_by_key(|report| report.oracle);
        reports.dedup_by_key(|report| report.oracle);
        // ... and close enough to most others.
        let reports = largest_window(reports, self.policy.oracle.max_skew.0);
        let (count, quorum) = (reports.len(), self.policy.oracle.quorum as usize);
        let waited = now.0 % length >= length / GRACE;
        if count < quorum || count < self.policy.oracle.nodes.len() && !waited {
            if waited {
                let expected = format!("reports of {quorum} nodes for epoch {epoch}");
                return Err(NotDone::outside("nodes", expected, count.to_string()).into());
            }
            return Ok(false);
        }
        let snapshot = oracle::aggregate(&self.policy, &self.universe, &reports, previous.as_ref(), now)?;
        // The first snapshot of an epoch is the only one.
        self.world.state.put_first_document(&self.shelves.snapshots, epoch, &snapshot)?;
        self.world.state.keep_newest(&self.shelves.snapshots, KEPT)?;
        let marked = if snapshot.marked.is_empty() { "" } else { ", marked" };
        self.world.note(now, &self.label, &format!("snapshot of epoch {epoch} from {count} reports{marked}"));
        Ok(true)
    }

    /// The reports of an epoch that the other nodes serve, each asked by itself: one that is slow delays no other.
    fn collect(&self, epoch: u64) -> Vec<Report> {
        let ask = |node: &Address| {
            let report = self.world.client.document::<Report>(&node.below(&format!("reports/{epoch}")), None);
            report.unwrap_or_else(|error| {
                tracing::warn!(kind = self.label.kind, role = self.label.role, "{error}");
                None
            })
        };
        thread::scope(|scope| {
            let asked: Vec<_> = self.nodes.iter().map(|node| scope.spawn(move || ask(node))).collect();
            asked.into_iter().filter_map(|asked| asked.join().ok().flatten()).collect()
        })
    }

    /// The rules that a report breaks by itself.
    fn broken_rules(&self, report: &Report, now: Timestamp) -> Vec<Problem> {
        observation_problems(&self.policy, &self.universe, &report.observations, report.observed_at, now)
    }

    /// Whether a snapshot with a report can be attested over for half an epoch: one old price would leave a contract no
    /// time for it.
    fn leaves_time(&self, report: &Report) -> bool {
        let rules = &self.policy.oracle;
        let least = (rules.epoch.0 / 2).saturating_add(rules.max_skew.0);
        let pairs = self.policy.market.iter().zip(&report.observations);
        let mut aged = pairs.filter_map(|(entry, seen)| Some((rules.max_age_of(entry).0, seen.observation()?.age.0)));
        // Of a policy that allows no age of that kind, nothing else can be asked.
        aged.all(|(most, age)| age == 0 || age.saturating_add(least) <= most)
    }

    /// Keeps a copy of the publisher's newest snapshot, which is checked. Says whether it is that of an epoch.
    fn mirror(&self, publisher: &Address, epoch: u64) -> Result<bool, AnyFailure> {
        let at = publisher.below("snapshots/latest");
        let Some(snapshot) = self.world.client.document::<Snapshot>(&at, None)? else { return Ok(false) };
        if snapshot.epoch > epoch {
            let expected = format!("a snapshot of epoch {epoch} or earlier");
            return Err(NotDone::mismatch(at.to_string(), expected, format!("that of {}", snapshot.epoch)).into());
        }
        if self.world.state.at(&self.shelves.snapshots, snapshot.epoch)?.is_none() {
            Previous::check(&self.policy, &self.universe, &snapshot)?;
            self.world.state.put_first_document(&self.shelves.snapshots, snapshot.epoch, &snapshot)?;
            self.world.state.keep_newest(&self.shelves.snapshots, KEPT)?;
        }
        Ok(snapshot.epoch == epoch)
    }
}

/// The most reports of which no two are further apart than the skew allows; the earliest of several such sets.
fn largest_window(mut reports: Vec<Report>, skew: u64) -> Vec<Report> {
    reports.sort_by_key(|report| report.observed_at);
    let within = |first: usize| {
        let last = reports[first].observed_at.0.saturating_add(skew);
        reports[first..].iter().take_while(|report| report.observed_at.0 <= last).count()
    };
    let best = (0..reports.len()).rev().max_by_key(|first| within(*first));
    let Some(first) = best else { return reports };
    let count = within(first);
    reports.drain(first..).take(count).collect()
}

impl Role for Oracle {
    fn label(&self) -> &RoleLabel {
        &self.label
    }

    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        let length = self.policy.oracle.epoch.0.max(1);
        let epoch = now.0 / length;
        // A node that cannot report publishes what others report all the same.
        let reported = self.report(epoch, now);
        let complete = match self.publisher.clone() {
            Some(publisher) => self.mirror(&publisher, epoch)?,
            None => self.publish(epoch, now)?,
        };
        self.sign_snapshot(clock::now().max(now))?;
        reported?;
        Ok(Timestamp(if complete { (epoch + 1) * length } else { now.0 + 1 }))
    }
}

#[cfg(test)]
mod tests {
    use surety_core::{
        FormatVersion,
        ident::{Bytes32, EvmAddress, HexBytes},
        kind::KindOf,
    };

    use super::*;

    #[test]
    fn reports_that_are_close_to_most_others_count() {
        let report = |observed_at| Report {
            kind: KindOf::new(),
            version: FormatVersion,
            oracle: EvmAddress::ZERO,
            feeds: Bytes32::ZERO,
            epoch: 0,
            observed_at: Timestamp(observed_at),
            previous: Bytes32::ZERO,
            observations: Vec::new(),
            signature: HexBytes::ZERO,
        };
        let window = |times: &[u64]| {
            let reports = largest_window(times.iter().map(|time| report(*time)).collect(), 60);
            reports.iter().map(|report| report.observed_at.0).collect::<Vec<_>>()
        };
        assert_eq!(window(&[100, 10, 75, 5]), [5, 10]);
        assert_eq!(window(&[1, 62, 63, 122]), [62, 63, 122]);
        assert_eq!(window(&[7]), [7]);
        assert!(window(&[]).is_empty());
    }
}
