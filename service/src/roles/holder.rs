//! A holder: collects statements and the snapshot of each epoch, proves, and delivers.
//!
//! Statements come as bundles and stay encrypted in the state; openings are in memory alone while a proof is made. A
//! snapshot counts if those who publish it agree on it: whoever could show each holder prices of its own would learn
//! something of the holdings (see [`surety_prover::epoch`]). An attestation is in the state before it is delivered, and
//! is delivered until that has worked.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};
use surety_chain::{ChainError, Contracts};
use surety_core::{
    decimal::Decimal,
    failure::{AnyFailure, Class, Failure as _, Internal},
    ident::{Bytes32, EvmAddress, Name},
    units::{Decimals, Lots, Ppm, Price, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    keys::SecretAt,
};
use surety_margin::{
    evaluate::{Evaluator, evaluate},
    holdings::Position,
    level::{Claimed, Level},
    market::Snapshot,
    oracle::{CLOCK_TOLERANCE, market_without_reports},
};
use surety_prover::{
    account::Account,
    bundle::{Bundle, Identity},
    opening::Opening,
    prove::{ProofRequest, ProveError, Prover},
    snapshots::ProvenSnapshots,
};
use surety_verifier::attestation::{
    claim::Attestation,
    compiled::{CommittedPolicy, CompiledPolicy},
    eip712::Audience,
    identifiers::{PricesId, SnapshotId},
    report::{check_snapshot, snapshot_id},
    signature::signer,
    statement::Statement,
    vault::VaultBalances,
};

use super::{KEPT, Role, World, allowance::Allowance, chain::Chain, label, read_policy, shelf};
use crate::{
    access::Token,
    address::Address,
    configuration::{DepositRule, HolderRole, MoveRule, StatementsFrom},
    error::{NotDone, ServiceError},
    metrics::{RoleLabel, SubjectLabel, seconds},
    state::{Shelf, text_of},
    top_up::{Move, cheapest},
};

/// Seconds between looks for statements and snapshots.
const INTERVAL: u64 = 2;

/// How often in an epoch the oracle of a chain is looked at, at least ...
const LOOKS: u64 = 30;

/// ... and most seconds between two looks.
const ON_CHAIN: u64 = 30;

/// Sequence numbers begin at the time of the balances, and go on from there by one.
const SEQUENCES_AHEAD: u64 = 1 << 32;

/// How often a level is proven in an epoch because its snapshot is another, and how often its attestations are sent to
/// a chain that has lost them: whoever a holder reads a chain from could have it do both without end.
const AGAIN: u32 = 3;

/// How many bundles of an account are kept.
const BUNDLES: u32 = 2;

/// A holder.
pub struct Holder {
    world: Arc<World>,
    label: RoleLabel,
    policy: CompiledPolicy,
    prover: Arc<Prover>,
    levels: Vec<Name>,
    subject: EvmAddress,
    identity: Identity,
    sources: Vec<From>,
    snapshots: Vec<Address>,
    agreeing: usize,
    directory: Option<PathBuf>,
    chain: Option<Chain>,
    headroom: Option<Ppm>,
    moves: Vec<Permitted>,
    proven: ProvenSnapshots,
    shelves: Shelves,
    /// When publishers last agreed on a snapshot.
    agreed_at: Option<Timestamp>,
    /// When it was last looked whether a level is on the chain.
    looked_at: BTreeMap<Name, Timestamp>,
    /// How often a level's attestation of an epoch was proven, and brought to the chain.
    proofs: Counts,
    deliveries: Counts,
    /// The last question that was answered, with everything that an answer takes.
    answered: Option<Asked>,
}

/// How often something was done for a level, in the epoch that is there.
#[derive(Debug, Default)]
struct Counts(BTreeMap<Name, (u64, u32)>);

impl Counts {
    /// Whether it was done as often in an epoch as is allowed.
    fn is_enough(&self, level: &Name, epoch: u64) -> bool {
        self.0.get(level).is_some_and(|(at, count)| *at == epoch && *count >= AGAIN)
    }

    /// Counts once more.
    fn count(&mut self, level: &Name, epoch: u64) {
        let (at, count) = self.0.entry(level.clone()).or_default();
        *count = if *at == epoch { count.saturating_add(1) } else { 1 };
        *at = epoch;
    }
}

/// The snapshot, the newest statement of each source by its sequence number, and the checkpoint of the vault.
#[derive(Debug, PartialEq, Eq)]
struct Asked(SnapshotId, Vec<Option<u64>>, Option<Bytes32>);

/// Something that may be added to the account.
struct Permitted {
    instrument: Name,
    lot_decimals: Decimals,
    one: Move,
    /// The most lots that may be deposited within a day, and of how many at a time.
    deposit: Option<(Lots, Lots)>,
}

/// Where a holder's documents are, each for one policy: epochs are numbered by it.
#[derive(Clone, Debug)]
pub struct Shelves {
    /// Attestations of each level, by epoch.
    pub attestations: BTreeMap<Name, Shelf>,
    /// The snapshots that were proven against, by epoch.
    pub snapshots: Shelf,
    /// What publishers first agreed on, by epoch.
    pins: Shelf,
}

/// The newest statements, their openings, and what is in the policy's vault.
struct Stated {
    statements: Vec<Statement>,
    openings: Vec<Opening>,
    vault: Option<VaultBalances>,
}

impl Stated {
    /// The time of the newest thing that a proof rests on.
    fn newest(&self, snapshot: &Snapshot) -> Timestamp {
        let reports = snapshot.reports.iter().map(|report| report.observed_at);
        let statements = self.statements.iter().map(|statement| statement.as_of);
        reports.chain(statements).fold(snapshot.time, Timestamp::max)
    }
}

/// Where statements about one account come from.
#[derive(Debug)]
struct From {
    at: Address,
    account: Name,
    token: Token,
    shelf: Shelf,
}

impl Holder {
    /// The role of a configuration. `path` is where it is there.
    ///
    /// # Errors
    /// If a file or a key cannot be read, the policy has no such level, or the set-up is nobody's.
    pub fn new(role: HolderRole, path: &str, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let label = label("holder", &role.name);
        let (universe, policy) = read_policy(&role.universe, &role.policy)?;
        if let Some(unknown) = role.levels.iter().find(|level| policy.level(level).is_none()) {
            return Err(ProveError::no_level(&policy, unknown).into());
        }
        let params = world.params(&universe, role.allow_insecure_srs)?;
        let prover = world.prover(&params)?;
        let policy = CompiledPolicy::compile(policy, universe, &params)?;
        let text = SecretAt::from(role.identity).passphrase()?;
        let identity = Identity::from_file_text(text.as_str());
        let identity =
            identity.map_err(|found| ServiceError::value(&format!("{path}.identity"), "a key of age", found))?;
        let id = policy.committed().id().0.to_string();
        let from = |StatementsFrom { source, account, token }: StatementsFrom| {
            let token = Token::load(&token)?;
            let shelf = shelf(&label, &["bundle", &id, account.as_str(), &source.to_string()]);
            Ok::<_, AnyFailure>(From { at: source, account, token, shelf })
        };
        let chain = role.chain.map(Chain::load).transpose()?;
        if policy.committed().policy().vault.is_some() && chain.is_none() {
            let expected = "the deployment of the vault that the policy draws on";
            return Err(NotDone::input(format!("{path}.chain"), expected, "none").into());
        }
        let permitted = |(i, rule): (usize, MoveRule)| {
            let path = format!("{path}.moves[{i}]");
            Permitted::new(rule, &path, policy.committed(), role.subject, chain.as_ref())
        };
        let moves = role.moves.into_iter().enumerate().map(permitted).collect::<Result<_, _>>()?;
        let agreeing = role.agreeing.unwrap_or(role.snapshots.len());
        let directory = role.directory;
        directory.iter().try_for_each(|directory| files::create_directory(directory))?;
        let attestations = |level: &Name| (level.clone(), shelf(&label, &["attestation", &id, level.as_str()]));
        let shelves = Shelves {
            attestations: role.levels.iter().map(attestations).collect(),
            snapshots: shelf(&label, &["snapshot", &id]),
            pins: shelf(&label, &["prices", &id]),
        };
        let holder = Self {
            world: Arc::clone(world),
            policy,
            prover,
            levels: role.levels,
            subject: role.subject,
            identity,
            sources: role.sources.into_iter().map(from).collect::<Result<_, _>>()?,
            snapshots: role.snapshots,
            agreeing,
            directory,
            chain,
            headroom: role.headroom,
            moves,
            proven: ProvenSnapshots::open(world.state.directory())?,
            shelves,
            agreed_at: None,
            looked_at: BTreeMap::new(),
            proofs: Counts::default(),
            deliveries: Counts::default(),
            answered: None,
            label,
        };
        for level in &holder.levels {
            if let Some((_, attestation)) = holder.newest(level)? {
                holder.tell_lapse(level, &attestation);
            }
        }
        Ok(holder)
    }

    /// Where its documents are.
    #[must_use]
    pub fn shelves(&self) -> &Shelves {
        &self.shelves
    }

    /// The shelf of a level's attestations.
    fn shelf(&self, level: &Name) -> Result<&Shelf, AnyFailure> {
        let shelf = self.shelves.attestations.get(level);
        Ok(shelf.ok_or_else(|| Internal(format!("no shelf for {level}")))?)
    }

    /// The newest attestation of a level, and its epoch.
    fn newest(&self, level: &Name) -> Result<Option<(u64, Attestation)>, AnyFailure> {
        self.world.state.newest_document(self.shelf(level)?)
    }

    fn tell_lapse(&self, level: &Name, attestation: &Attestation) {
        let of = SubjectLabel { role: self.label.role.clone(), of: level.to_string() };
        self.world.metrics.attestation_valid_until.get_or_create(&of).set(seconds(attestation.claim.valid_until));
    }

    /// Fetches a source's newest bundle, and keeps it if it is newer than the last and good.
    fn fetch(&self, from: &From, now: Timestamp) -> Result<(), AnyFailure> {
        let at = from.at.below(&format!("{}/{}", from.account, self.subject));
        let Some(bundle) = self.world.client.document::<Bundle>(&at, Some(&from.token))? else {
            return Err(NotDone::outside(at.to_string(), "a statement", "none yet").into());
        };
        let known = self.world.state.newest_number(&from.shelf)?;
        if known.is_some_and(|known| known >= bundle.statement.sequence) {
            return Ok(());
        }
        self.check(from, &bundle, now)?;
        self.world.state.put_document(&from.shelf, bundle.statement.sequence, &bundle)?;
        Ok(self.world.state.keep_newest(&from.shelf, BUNDLES)?)
    }

    /// Refuses a bundle that would be in the way of good ones: of another account, subject or universe, signed by
    /// nobody whom the policy lists, or whose opening is not that of the statement.
    fn check(&self, from: &From, bundle: &Bundle, now: Timestamp) -> Result<(), AnyFailure> {
        let (statement, committed) = (&bundle.statement, self.policy.committed());
        let refuse = |what: &str, expected: String, found: String| {
            Err(NotDone::mismatch(format!("{}: {what}", from.at), expected, found).into())
        };
        if statement.account != from.account {
            return refuse("account", from.account.to_string(), statement.account.to_string());
        }
        if statement.subject != self.subject {
            return refuse("subject", self.subject.to_string(), statement.subject.to_string());
        }
        if statement.universe != committed.universe_id() {
            let (expected, found) = (committed.universe_id().0, statement.universe.0);
            return refuse("universe", expected.to_string(), found.to_string());
        }
        // One that counts at no time that matters, or takes all numbers of later ones, would stay in the way.
        if statement.as_of.0 > now.0.saturating_add(CLOCK_TOLERANCE.0) || statement.valid_until < now {
            let found = format!("one as of {} until {}", statement.as_of.0, statement.valid_until.0);
            return refuse("statement", format!("one that counts now, at {}", now.0), found);
        }
        let largest = now.0.saturating_add(SEQUENCES_AHEAD);
        if statement.sequence > largest {
            return refuse("sequence", format!("at most {largest}"), statement.sequence.to_string());
        }
        if let Some(chain) = &self.chain
            && statement.audience != chain.deployment.audience()
        {
            let place = |at: &Audience| format!("{} on chain {}", at.registry, at.chain_id);
            return refuse("registry", place(&chain.deployment.audience()), place(&statement.audience));
        }
        let rules = &committed.policy().sources;
        let rule = rules.iter().find(|rule| rule.signer == statement.source && rule.accounts.contains(&from.account));
        let Some(rule) = rule else {
            return refuse("source", "a source of the policy".to_owned(), statement.source.to_string());
        };
        if !rule.contract && signer(&statement.hash(), &statement.signature) != Ok(statement.source) {
            return refuse("signature", format!("that of {}", statement.source), "another".to_owned());
        }
        let opening = bundle.open(&self.identity)?;
        let one = std::slice::from_ref(statement);
        Account::open(committed.universe(), self.prover.params(), one, &[opening])?;
        Ok(())
    }

    /// What a snapshot and the newest statements ask.
    fn asked(&self, snapshot: &Snapshot, vault: Option<&VaultBalances>) -> Result<Asked, AnyFailure> {
        let newest = |from: &From| self.world.state.newest_number(&from.shelf);
        let sequences = self.sources.iter().map(newest).collect::<Result<_, _>>()?;
        let checkpoint = vault.map(|vault| vault.checkpoint);
        Ok(Asked(snapshot_id(self.policy.committed(), snapshot), sequences, checkpoint))
    }

    /// The newest statements that are known, with their openings; none where one is missing.
    fn stated(&self, vault: Option<VaultBalances>) -> Result<Option<Stated>, AnyFailure> {
        let (mut statements, mut openings) = (Vec::new(), Vec::new());
        for from in &self.sources {
            let Some((_, bundle)) = self.world.state.newest_document::<Bundle>(&from.shelf)? else { return Ok(None) };
            openings.push(bundle.open(&self.identity)?);
            statements.push(bundle.statement);
        }
        Ok(Some(Stated { statements, openings, vault }))
    }

    /// Seconds between looks at what others pay for.
    fn pace(&self) -> u64 {
        (self.policy.committed().policy().oracle.epoch.0 / LOOKS).clamp(INTERVAL, ON_CHAIN)
    }

    /// Whether the deployment's oracle is what says the prices.
    fn takes_prices_from_chain(&self) -> bool {
        self.snapshots.is_empty()
    }

    /// The chain, where it says prices or what is in a vault.
    fn contracts(&self) -> Result<Option<Contracts>, AnyFailure> {
        let is_read = self.takes_prices_from_chain() || self.policy.committed().policy().vault.is_some();
        self.chain.as_ref().filter(|_| is_read).map(Chain::connect).transpose()
    }

    /// The newest snapshot, on which enough of its publishers agree, or which the deployment's oracle has taken from
    /// feeds; none if there is none yet.
    fn snapshot(&self, contracts: Option<&Contracts>) -> Result<Option<Snapshot>, AnyFailure> {
        let committed = self.policy.committed();
        if let Some(contracts) = contracts.filter(|_| self.takes_prices_from_chain()) {
            let is_there = contracts.latest(committed)?.is_some();
            return Ok(is_there.then(|| contracts.market(committed)).transpose()?);
        }
        let mut published: BTreeMap<u64, (SnapshotId, Snapshot, usize)> = BTreeMap::new();
        let mut failures = Vec::new();
        for address in &self.snapshots {
            let at = address.below("snapshots/latest");
            let good = |snapshot: Snapshot| {
                check_snapshot(self.policy.committed(), &snapshot)?;
                Ok::<_, AnyFailure>(snapshot)
            };
            let found = self.world.client.document::<Snapshot>(&at, None);
            let snapshot = match found.and_then(|snapshot| snapshot.map(good).transpose()) {
                Ok(Some(snapshot)) => snapshot,
                Ok(None) => continue,
                Err(error) => {
                    failures.push(error);
                    continue;
                }
            };
            let id = snapshot_id(self.policy.committed(), &snapshot);
            let (known, _, count) = published.entry(snapshot.epoch).or_insert((id, snapshot, 0));
            if *known != id {
                let expected = format!("the snapshot that others publish, {}", known.0);
                let advice = "find out who is wrong: whoever shows holders different prices may search for holdings";
                return Err(NotDone::mismatch(at.to_string(), expected, id.0.to_string()).advise(advice).into());
            }
            *count += 1;
        }
        let agreed = published.into_values().rev().find(|(_, _, count)| *count >= self.agreeing);
        match agreed {
            Some((_, snapshot, _)) => Ok(Some(snapshot)),
            // Those that answered have none, or not the same one yet.
            None if self.snapshots.len() - failures.len() >= self.agreeing => Ok(None),
            None => Err(failures.pop().unwrap_or_else(|| {
                NotDone::outside("snapshots", format!("answers of {} publishers", self.agreeing), "fewer").into()
            })),
        }
    }

    /// Proves a level over a snapshot, unless it is proven over the same statements, and delivers.
    fn attest(
        &mut self,
        level: &Name,
        snapshot: &Snapshot,
        Stated { statements, openings, vault }: &Stated,
        now: Timestamp,
    ) -> Result<(), AnyFailure> {
        let committed = self.policy.committed();
        let (newest, id) = (self.newest(level)?, snapshot_id(committed, snapshot));
        let hashes = |statements: &[Statement]| {
            let mut hashes: Vec<Bytes32> = statements.iter().map(Statement::hash).collect();
            hashes.sort_unstable();
            hashes
        };
        let is_same = |(epoch, attestation): &(u64, Attestation)| {
            let claim = &attestation.claim;
            let checkpoint = vault.as_ref().map_or(Bytes32::ZERO, |vault| vault.checkpoint);
            *epoch > snapshot.epoch
                || *epoch == snapshot.epoch
                    && claim.snapshot == id
                    && claim.vault_checkpoint == checkpoint
                    && hashes(&claim.statements) == hashes(statements)
        };
        if newest.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        // Nodes of a chain that disagree on its blocks would have it proven without end.
        let is_another =
            |(epoch, attestation): &(u64, Attestation)| *epoch == snapshot.epoch && attestation.claim.snapshot != id;
        if newest.as_ref().is_some_and(is_another) {
            if self.proofs.is_enough(level, snapshot.epoch) {
                return Ok(());
            }
            self.proofs.count(level, snapshot.epoch);
        }
        self.proven.check(committed.id(), snapshot.epoch, id)?;
        let request = ProofRequest {
            policy: &self.policy,
            snapshot,
            on_chain: self.takes_prices_from_chain(),
            vault: vault.as_ref(),
            statements,
            level,
            verifier: self.chain.as_ref().map_or(EvmAddress::ZERO, |chain| chain.deployment.verifier),
            valid_until: None,
            presentation: Bytes32::ZERO,
            now,
        };
        let proven = self.world.prove(|| self.prover.prove(&request, openings));
        let attestation = proven.map_err(|error| self.without_amounts(level, error))?;
        self.proven.count(committed.id(), snapshot.epoch, id)?;
        let (snapshots, shelf) = (&self.shelves.snapshots, self.shelf(level)?);
        self.world.state.put_document(snapshots, snapshot.epoch, snapshot)?;
        self.world.state.put_document(shelf, snapshot.epoch, &attestation)?;
        [snapshots, shelf].into_iter().try_for_each(|shelf| self.world.state.keep_newest(shelf, KEPT))?;
        self.tell_lapse(level, &attestation);
        self.world.note(now, &self.label, &format!("{level} of epoch {} proven", snapshot.epoch));
        self.deliver(level, snapshot.epoch, &attestation, now)
    }

    /// An error as logs may have it: which rule of a margin model an account breaks is the holder's alone.
    fn without_amounts(&self, level: &Name, error: ProveError) -> AnyFailure {
        if error.class() != Class::Insufficient {
            return error.into();
        }
        let claim = self.policy.committed().policy().level(level).map_or(Claimed::Sufficient, |level| level.claim);
        let expected = match claim {
            Claimed::Sufficient => "an account that satisfies it",
            Claimed::Shortfall => "an account that does not satisfy it",
        };
        let advice = "surety explain shows the holder why";
        NotDone::insufficient(format!("level {level}"), expected).advise(advice).into()
    }

    /// Delivers the newest attestation of each level that still counts, whatever else goes on.
    fn deliver_newest(&mut self, now: Timestamp) -> Result<(), AnyFailure> {
        let levels = self.levels.clone();
        let mut deliver = |level: &Name| match self.newest(level)? {
            Some((epoch, attestation)) if attestation.claim.valid_until >= now => {
                self.deliver(level, epoch, &attestation, now)
            }
            _ => Ok(()),
        };
        // A level that cannot be delivered holds up no other.
        let delivered: Vec<_> = levels.iter().map(&mut deliver).collect();
        delivered.into_iter().collect()
    }

    /// Takes a snapshot on which publishers agree for the only one of its epoch. Says whether it is the newest.
    ///
    /// An answer about an account, whatever it is and whoever learns it, says something of its holdings at the prices
    /// that it is about. So nothing is evaluated at other prices of an epoch, nor of an earlier one. What a policy
    /// derives from prices depends on their time, too. Prices of feeds alone are no others where a chain that is
    /// reorganised has them as of another time: nothing is derived from these.
    fn pin(&self, snapshot: &Snapshot, now: Timestamp) -> Result<bool, AnyFailure> {
        let (pins, committed) = (&self.shelves.pins, self.policy.committed());
        if snapshot.time.0 > now.0.saturating_add(CLOCK_TOLERANCE.0) {
            let expected = format!("one of now, {}, or before", now.0);
            return Err(NotDone::mismatch("snapshots", expected, format!("one of {}", snapshot.time.0)).into());
        }
        // Pinned by a clock that was fast.
        let begun = now.0.saturating_add(CLOCK_TOLERANCE.0) / committed.policy().oracle.epoch.0.max(1);
        while let Some(epoch) = self.world.state.newest_number(pins)?.filter(|epoch| *epoch > begun) {
            self.world.state.remove(pins, epoch)?;
        }
        let id = if self.takes_prices_from_chain() {
            PricesId::of(committed.feeds_id(), &snapshot.into()).0.to_string()
        } else {
            snapshot_id(committed, snapshot).0.to_string()
        };
        if self.world.state.newest_number(pins)?.is_some_and(|epoch| epoch > snapshot.epoch) {
            return Ok(false);
        }
        self.world.state.put_first(pins, snapshot.epoch, &id)?;
        self.world.state.keep_newest(pins, KEPT)?;
        let pinned = self.world.state.at(pins, snapshot.epoch)?.unwrap_or_default();
        if pinned != id {
            let expected = format!("{pinned}, on which they agreed before for epoch {}", snapshot.epoch);
            let advice = "find out who is wrong: whoever shows holders several prices may search for holdings";
            return Err(NotDone::mismatch("snapshots", expected, id).advise(advice).into());
        }
        Ok(true)
    }

    /// Delivers an attestation wherever it has not been delivered.
    fn deliver(
        &mut self,
        level: &Name,
        epoch: u64,
        attestation: &Attestation,
        now: Timestamp,
    ) -> Result<(), AnyFailure> {
        if let Some(directory) = &self.directory {
            let path = directory.join(format!("{level}-{epoch}.json"));
            let text = text_of(attestation)?;
            if files::read_text(&path).ok().is_none_or(|written| *written != text) {
                documents::write(&path, attestation, Existing::Replace)?;
            }
        }
        let Some(chain) = &self.chain else { return Ok(()) };
        let id = self.policy.committed().id().0.to_string();
        let delivered = shelf(&self.label, &["delivered", &id, level.as_str()]);
        // Of two proofs of one context each does.
        let context = attestation.context.to_string();
        let known = self.world.state.at(&delivered, epoch)?.is_some_and(|known| known == context);
        let look = (self.policy.committed().policy().oracle.epoch.0 / LOOKS).max(INTERVAL);
        let looked_at = self.looked_at.get(level).copied().unwrap_or_default();
        if known && (looked_at.0..looked_at.0.saturating_add(look)).contains(&now.0) {
            return Ok(());
        }
        let contracts = chain.connect()?;
        let newest = contracts.latest(self.policy.committed())?.map(|latest| latest.epoch);
        if newest.is_none_or(|newest| newest < epoch) {
            // A keeper brings it; before, the registry refuses.
            let length = self.policy.committed().policy().oracle.epoch.0;
            if now.0 < (epoch + 1).saturating_mul(length) {
                return Ok(());
            }
            let found = newest.map_or_else(|| "none".to_owned(), |newest| format!("that of epoch {newest}"));
            return Err(NotDone::outside("oracle on chain", format!("the snapshot of epoch {epoch}"), found).into());
        }
        if known {
            // A block may be the chain's no longer, and its record with it.
            self.looked_at.insert(level.clone(), now);
            let standing = contracts.query(&self.subject, self.policy.committed(), None)?;
            let record = standing.levels.iter().find(|record| record.level == *level);
            let is_there = record.is_some_and(|record| {
                record.epoch > epoch || record.epoch == epoch && record.valid_until == attestation.claim.valid_until
            });
            if newest != Some(epoch) || is_there {
                return Ok(());
            }
        }
        if self.deliveries.is_enough(level, epoch) {
            let expected = format!("{level} of epoch {epoch}, which was sent {AGAIN} times");
            return Err(NotDone::outside("registry on chain", expected, "none").into());
        }
        let one = std::slice::from_ref(attestation);
        let sent = contracts.attest(one, self.policy.committed(), &*chain.signer);
        // A refusal is told before anything is sent.
        if !matches!(sent, Err(ChainError::Refused { .. })) {
            self.deliveries.count(level, epoch);
        }
        let receipt = match sent {
            // Too late, and the next one takes its place.
            Err(ChainError::Refused { .. }) if newest > Some(epoch) => return Ok(()),
            sent => sent?,
        };
        let (gas, transaction) = (receipt.gas(), receipt.transaction());
        let what = format!("{level} of epoch {epoch} brought to the registry for {gas} gas, {transaction}");
        self.world.note(now, &self.label, &what);
        self.world.state.put(&delivered, epoch, &context)?;
        Ok(self.world.state.keep_newest(&delivered, KEPT)?)
    }

    /// Looks whether the account satisfies its levels at the headroom's multiple, and warns if not: one bit a level,
    /// which the holder has asked for.
    fn watch_headroom(
        &self,
        snapshot: &Snapshot,
        Stated { statements, openings, vault }: &Stated,
        may_deposit: bool,
        now: Timestamp,
    ) -> Result<(), AnyFailure> {
        let Some(headroom) = self.headroom else { return Ok(()) };
        let (policy, universe) = (self.policy.committed().policy(), self.policy.committed().universe());
        let prices = market_without_reports(policy, universe, snapshot);
        let prices = prices.map_err(|problems| {
            let found = problems.first().map_or_else(String::new, ToString::to_string);
            NotDone::outside("snapshot", "the policy's prices", found)
        })?;
        let mut account = Account::open(universe, self.prover.params(), statements, openings)?;
        if let Some(vault) = vault {
            account = account.with_public(&vault.position(universe, self.prover.params())?)?;
        }
        let mut lows: Vec<Level> = Vec::new();
        for name in &self.levels {
            let Some(level) = policy.level(name).filter(|level| level.claim == Claimed::Sufficient) else { continue };
            let multiple = u64::from(level.multiple.0) * u64::from(headroom.0) / u64::from(Ppm::ONE.0);
            let multiple = Ppm(u32::try_from(multiple).unwrap_or(u32::MAX));
            let raised = Level { multiple, below: None, ..level.clone() };
            let low = evaluate(policy, universe, &raised, account.position(), &prices)
                .map_or(true, |evaluation| !evaluation.is_sufficient());
            let of = SubjectLabel { role: self.label.role.clone(), of: name.to_string() };
            let before = self.world.metrics.headroom_low.get_or_create(&of).set(low.into()) != 0;
            if low && !before {
                self.world.note(now, &self.label, &format!("{name}: the headroom is below {headroom}"));
            }
            if low {
                lows.push(raised);
            }
        }
        if lows.is_empty() || self.moves.is_empty() {
            return Ok(());
        }
        self.top_up(&lows, account.position(), &prices, may_deposit, now)
    }

    /// Writes what brings the account to levels at the least cost to a file of the state, and deposits of it what may
    /// be. The amounts say something of the holdings: the log has those alone that a chain shows to everybody.
    fn top_up(
        &self,
        levels: &[Level],
        position: &Position,
        prices: &[Price],
        may_deposit: bool,
        now: Timestamp,
    ) -> Result<(), AnyFailure> {
        let (policy, universe) = (self.policy.committed().policy(), self.policy.committed().universe());
        let mut moves: Vec<Move> = self.moves.iter().map(|permitted| permitted.one).collect();
        let mut sum = vec![0_i128; moves.len()];
        let mut position = position.clone();
        for level in levels {
            let evaluator = Evaluator::new(policy, universe, level).map_err(|error| Internal(error.to_string()))?;
            let Some(found) = cheapest(&evaluator, &position, prices, &moves) else {
                let what = format!("{}: no top-up of the permitted moves brings the headroom", level.name);
                self.world.note(now, &self.label, &what);
                // Another level may need less.
                continue;
            };
            let mut more = vec![Lots::default(); position.lots().len()];
            for ((one, lots), total) in moves.iter_mut().zip(found.lots()).zip(&mut sum) {
                *total += lots.get();
                more[one.instrument] = *lots;
                one.at_most = Lots::new(one.at_most.get() - lots.get()).unwrap_or_default();
            }
            position = position.plus(&Position::from_lots(more)).map_err(Internal)?;
        }
        let wanted = self.moves.iter().zip(&sum).filter(|(_, lots)| **lots > 0);
        let wanted: Vec<_> =
            wanted.map(|(permitted, lots)| (permitted, Lots::new(*lots).unwrap_or_default())).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let amounts: Vec<_> = wanted.iter().map(|(permitted, lots)| permitted.told(*lots)).collect();
        let levels: Vec<_> = levels.iter().map(|level| &level.name).collect();
        let text = json!({ "at": now, "levels": levels, "add": amounts }).to_string();
        let path = self.world.state.directory().join(format!("{}.top-up.json", self.label.role));
        files::write(&path, text.as_bytes(), Access::Secret, Existing::Replace)?;
        self.world.note(now, &self.label, &format!("a top-up is due: {}", path.display()));
        let mut is_deposited = false;
        for (permitted, lots) in wanted.into_iter().filter(|_| may_deposit) {
            is_deposited |= self.deposit(permitted, lots, now)?;
        }
        if is_deposited {
            // What is proven with the deposit takes statements that are no older.
            for from in &self.sources {
                let at = from.at.below(&format!("{}/{}", from.account, self.subject));
                if let Err(error) = self.world.client.ask_for_new(&at, &from.token) {
                    tracing::warn!(kind = self.label.kind, role = self.label.role, "{error}");
                }
            }
        }
        Ok(())
    }

    /// Deposits what a day has left of a move, in whole steps. Says whether anything was deposited.
    fn deposit(&self, permitted: &Permitted, lots: Lots, now: Timestamp) -> Result<bool, AnyFailure> {
        let (Some((a_day, step)), Some(chain)) = (permitted.deposit, &self.chain) else { return Ok(false) };
        let shelf = shelf(&self.label, &["deposited", permitted.instrument.as_str()]);
        let allowance = Allowance::new(&self.world.state, shelf, a_day.get().unsigned_abs());
        let left = i128::try_from(allowance.left(now)?).unwrap_or_default();
        let (wanted, left) = ((lots.get() + step.get() - 1) / step.get(), left / step.get());
        let lots = Lots::new(wanted.min(left) * step.get()).unwrap_or_default();
        if lots.get() <= 0 {
            let what = format!("{}: the day's deposits are made", permitted.instrument);
            self.world.note(now, &self.label, &what);
            return Ok(false);
        }
        let contracts = chain.connect()?;
        let counted = allowance.count(lots.get().unsigned_abs(), now)?;
        let policy = self.policy.committed();
        let receipt = match contracts.deposit(policy, &permitted.instrument, lots, &*chain.signer) {
            Ok(receipt) => receipt,
            Err(error) => {
                // A refusal is told before anything is sent.
                if matches!(error, ChainError::Refused { .. }) {
                    allowance.take_back(counted)?;
                }
                return Err(error.into());
            }
        };
        let (amount, gas) = (lots.in_units(permitted.lot_decimals), receipt.gas());
        let (name, transaction) = (&permitted.instrument, receipt.transaction());
        let what = format!("{amount} {name} deposited, as the headroom is low, for {gas} gas, {transaction}");
        self.world.note(now, &self.label, &what);
        Ok(true)
    }
}

impl Permitted {
    fn new(
        rule: MoveRule,
        path: &str,
        policy: &CommittedPolicy,
        subject: EvmAddress,
        chain: Option<&Chain>,
    ) -> Result<Self, AnyFailure> {
        let wrong = |field: &str, expected: &str, found: String| {
            AnyFailure::from(NotDone::input(format!("{path}.{field}"), expected, found))
        };
        let universe = policy.universe();
        let Some(&place) = universe.positions().get(&rule.instrument) else {
            return Err(wrong("instrument", "an instrument of the universe", rule.instrument.to_string()));
        };
        let lot_decimals = universe.instruments[place].lot_decimals;
        let lots = |field: &str, amount: Decimal| {
            let lots = amount.at_places(lot_decimals.get().into()).and_then(|lots| Lots::new(lots).ok());
            let lots = lots.filter(|lots| lots.get() > 0);
            lots.ok_or_else(|| wrong(field, "at least a lot, and at most 2^95 - 1 of them", amount.to_string()))
        };
        let both = |rule: DepositRule| {
            Ok::<_, AnyFailure>((lots("deposit.a_day", rule.a_day)?, lots("deposit.step", rule.step)?))
        };
        let deposit = rule.deposit.map(both).transpose()?;
        if deposit.is_some() {
            if policy.vault_assets().iter().all(|asset| asset.instrument != rule.instrument) {
                let expected = "an asset of the vault that the policy draws on";
                return Err(wrong("deposit", expected, rule.instrument.to_string()));
            }
            // A deposit counts for whoever makes it.
            if let Some(other) = chain.map(|chain| chain.signer.address()).filter(|signer| *signer != subject) {
                return Err(wrong("deposit", "the subject's key under chain", format!("that of {other}")));
            }
        }
        let cost = rule.cost.to_f64() / 10_u128.pow(lot_decimals.get().into()) as f64;
        let one = Move { instrument: place, at_most: lots("at_most", rule.at_most)?, cost };
        Ok(Self { instrument: rule.instrument, lot_decimals, one, deposit })
    }

    fn told(&self, lots: Lots) -> Value {
        json!({ "instrument": self.instrument, "amount": lots.in_units(self.lot_decimals) })
    }
}

impl Role for Holder {
    fn label(&self) -> &RoleLabel {
        &self.label
    }

    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        // A source that does not answer is told of, and what it stated before counts for as long as it is valid.
        let delivered = self.deliver_newest(now);
        let fetched: Vec<_> = self.sources.iter().map(|from| self.fetch(from, now)).collect();
        let contracts = self.contracts()?;
        let snapshot = self.snapshot(contracts.as_ref())?;
        let length = self.policy.committed().policy().oracle.epoch.0;
        let agreed_at = *self.agreed_at.get_or_insert(now);
        match snapshot {
            Some(snapshot) => {
                self.agreed_at = Some(Timestamp((snapshot.epoch + 1).saturating_mul(length)).min(now));
                let committed = self.policy.committed();
                let vault = contracts.as_ref().filter(|_| committed.policy().vault.is_some());
                let vault = vault.map(|contracts| contracts.vault(&self.subject, committed, self.prover.params()));
                let vault = vault.transpose()?;
                let asked = self.asked(&snapshot, vault.as_ref())?;
                // Openings are decrypted only where there is something to do with them.
                if self.pin(&snapshot, now)?
                    && self.answered.as_ref() != Some(&asked)
                    && let Some(stated) = self.stated(vault)?
                {
                    let newest = stated.newest(&snapshot);
                    if (now.0 + 1..=now.0.saturating_add(CLOCK_TOLERANCE.0)).contains(&newest.0) {
                        // By a clock that is ahead of this one: nothing is proven over what is still to come.
                        return delivered.and(fetched.into_iter().collect()).map(|()| newest);
                    }
                    let levels = self.levels.clone();
                    let attest = |level: &Name| self.attest(level, &snapshot, &stated, now);
                    let attested: Vec<_> = levels.iter().map(attest).collect();
                    // A deposit ends what was proven without it, so nothing may be under way.
                    let is_settled = |done: &Result<(), AnyFailure>| {
                        done.as_ref().map_or_else(|error| error.class() == Class::Insufficient, |()| true)
                    };
                    let may_deposit = attested.iter().all(is_settled);
                    self.watch_headroom(&snapshot, &stated, may_deposit, now)?;
                    attested.into_iter().collect::<Result<(), _>>()?;
                    self.answered = Some(asked);
                }
            }
            None if now.0 > agreed_at.0.saturating_add(2 * length) => {
                let expected = "one snapshot of this epoch or the last on which publishers agree";
                return Err(NotDone::outside("snapshots", expected, "none").into());
            }
            None => {}
        }
        delivered?;
        fetched.into_iter().collect::<Result<(), _>>()?;
        // Nodes of a chain are asked less often than publishers, who are few.
        let pause = if contracts.is_some() { self.pace() } else { INTERVAL };
        Ok(Timestamp(now.0 + pause))
    }

    /// What fails for one reason, such as a source that does not answer, makes nothing else late.
    fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.pace())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: a chain that loses what a holder brings, or shows it one snapshot after the other, again and again.
    #[test]
    fn rejects_doing_the_same_without_end_in_an_epoch() {
        let [one, other] = ["maintenance", "initial"].map(|name| Name::new(name).unwrap());
        let mut counts = Counts::default();
        for _ in 0..AGAIN {
            assert!(!counts.is_enough(&one, 7));
            counts.count(&one, 7);
        }
        assert!(counts.is_enough(&one, 7));
        // Other levels, and other epochs, are counted by themselves.
        assert!(!counts.is_enough(&other, 7) && !counts.is_enough(&one, 8));
        counts.count(&one, 8);
        assert!(!counts.is_enough(&one, 8));
    }
}
