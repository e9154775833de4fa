//! An auditor: collects what holders attest into an archive, audits the archive, and reports.
//!
//! Universe, policy and anchors are the auditor's own; holders give attestations and the snapshots that these refer to.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use surety_audit::{
    archive::{Archive, Archived},
    audit::{self, AnchorFile, AuditRequest, books::BookAnchors},
    report,
};
use surety_core::{
    failure::{AnyFailure, Internal},
    ident::Name,
    text::Document as _,
    units::{Seconds, Timestamp},
};
use surety_host::files::{self, Access, Existing};
use surety_margin::market::Snapshot;
use surety_verifier::attestation::{
    claim::Attestation,
    compiled::{CommittedPolicy, CompiledPolicy},
    report::snapshot_id,
};

use super::{Logged, Role, World, label, read_policy, shelf};
use crate::{
    configuration::{AuditorRole, HolderAt},
    error::NotDone,
    metrics::RoleLabel,
    state::Shelf,
};

/// How many reports are kept.
const REPORTS: u32 = 1_000;

/// Most epochs that a holder is asked for at a time.
const AT_A_TIME: u32 = 100;

/// An auditor.
#[derive(Debug)]
pub struct Auditor {
    world: Arc<World>,
    label: RoleLabel,
    archive: PathBuf,
    levels: Vec<Name>,
    holders: Vec<HolderAt>,
    policy: CommittedPolicy,
    trust: Vec<AnchorFile>,
    strict: bool,
    allow_insecure_srs: bool,
    every: Seconds,
    report: Option<PathBuf>,
    audited_at: Option<Timestamp>,
}

impl Auditor {
    /// The role of a configuration.
    ///
    /// # Errors
    /// If a file cannot be read, or the archive not be kept.
    pub fn new(role: AuditorRole, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let label = label("auditor", &role.name);
        let (universe, policy) = read_policy(&role.universe, &role.policy)?;
        let params = world.params(&universe, role.allow_insecure_srs)?;
        let policy = CompiledPolicy::compile(policy, universe, &params)?.committed().clone();
        let archive = world.state.directory().join(format!("{}.archive", role.name));
        let read = |path: &PathBuf| Ok::<_, AnyFailure>(Archived::read(path, &files::read_text(path)?)?);
        Archive::open(&archive)?.add(&[read(&role.universe)?, read(&role.policy)?])?;
        Ok(Self {
            world: Arc::clone(world),
            archive,
            levels: policy.policy().levels.iter().map(|level| level.name.clone()).collect(),
            holders: role.holders,
            policy,
            trust: role.trust.iter().map(|path| AnchorFile::read(path)).collect::<Result<_, _>>()?,
            strict: role.strict,
            allow_insecure_srs: role.allow_insecure_srs,
            every: role.every,
            report: role.report,
            audited_at: None,
            label,
        })
    }

    /// Where its reports are, the newest with the largest number.
    #[must_use]
    pub fn reports(label: &RoleLabel) -> Shelf {
        shelf(label, &["report"])
    }

    /// Takes what a holder has attested since the last time, so much at a time that no holder keeps others waiting.
    fn collect(&self, holder: &HolderAt, now: Timestamp) -> Result<usize, AnyFailure> {
        let mut taken = 0;
        for level in &self.levels {
            let id = self.policy.id().0.to_string();
            let cursor = shelf(&self.label, &["taken", &id, level.as_str(), &holder.at.to_string()]);
            let from = self.world.state.newest_number(&cursor)?.map_or(0, |epoch| epoch + 1);
            let Some(epochs) = self.epochs(holder, level, from, now)? else { continue };
            let mut documents = Vec::new();
            for epoch in epochs.iter().take_while(|_| !self.world.stop.is_stopped()) {
                documents.extend(self.attested(holder, level, *epoch)?);
                taken += 1;
            }
            if let Some(last) = epochs.last().filter(|_| !self.world.stop.is_stopped()) {
                Archive::open(&self.archive)?.add(&documents)?;
                self.world.state.put(&cursor, *last, "")?;
                self.world.state.keep_newest(&cursor, 1)?;
            }
        }
        Ok(taken)
    }

    /// The epochs in which a holder says that it has attested a level; none if it does not attest the level.
    fn epochs(
        &self,
        holder: &HolderAt,
        level: &Name,
        from: u64,
        now: Timestamp,
    ) -> Result<Option<Vec<u64>>, AnyFailure> {
        let at = holder.at.below(&format!("levels/{level}?from={from}&most={AT_A_TIME}"));
        let Some(listed) = self.world.client.text(&at, None)? else { return Ok(None) };
        let latest = now.0 / self.policy.policy().oracle.epoch.0.max(1);
        let expected = format!("at most {AT_A_TIME} epochs from {from} to {latest}, in their order");
        let wrong = || NotDone::outside(at.to_string(), &expected, "something else");
        let epochs: Vec<u64> = serde_json::from_str(&listed).map_err(|_| wrong())?;
        let good = epochs.len() <= AT_A_TIME as usize
            && epochs.is_sorted_by(|a, b| a < b)
            && epochs.iter().all(|epoch| (from..=latest).contains(epoch));
        if good { Ok(Some(epochs)) } else { Err(wrong().into()) }
    }

    /// The attestation of an epoch and the snapshot that it refers to. What a holder serves that is something else
    /// never reaches the archive, out of which nothing is taken again.
    fn attested(&self, holder: &HolderAt, level: &Name, epoch: u64) -> Result<[Archived; 2], AnyFailure> {
        let fetch = |place: String| {
            let at = holder.at.below(&place);
            let text = self.world.client.text(&at, None)?;
            let text =
                text.ok_or_else(|| NotDone::outside(at.to_string(), "what the list of epochs promises", "none"))?;
            Ok::<_, AnyFailure>((at, text))
        };
        let (at, text) = fetch(format!("levels/{level}/{epoch}"))?;
        let claim = Attestation::from_json(&at.to_string(), &text)?.claim;
        let (subject, own) = (holder.subject, self.policy.id());
        if (claim.policy, &claim.level, claim.epoch, claim.subject) != (own, level, epoch, subject) {
            let expected = format!("an attestation of {level} of epoch {epoch} about {subject} under {}", own.0);
            let found = format!("one of {} of epoch {} about {}", claim.level, claim.epoch, claim.subject);
            return Err(NotDone::mismatch(at.to_string(), expected, found).into());
        }
        let attestation = Archived::read(Path::new("attestation.json"), &text)?;
        let (at, text) = fetch(format!("snapshots/{epoch}"))?;
        let found = snapshot_id(&self.policy, &Snapshot::from_json(&at.to_string(), &text)?);
        if found != claim.snapshot {
            let expected = format!("the snapshot of the attestation, {}", claim.snapshot.0);
            return Err(NotDone::mismatch(at.to_string(), expected, found.0.to_string()).into());
        }
        Ok([attestation, Archived::read(Path::new("market.json"), &text)?])
    }

    fn audit(&self, now: Timestamp) -> Result<(), AnyFailure> {
        let request = AuditRequest {
            directory: &self.archive,
            trust: &self.trust,
            vaults: &[],
            books: BookAnchors::default(),
            strict: self.strict,
            allow_insecure_srs: self.allow_insecure_srs,
            at: now,
            history: true,
            one_by_one: false,
            engagement: None,
            sample: None,
        };
        let audit = audit::kept::run(&request, None, &self.world.setups, &Logged)?;
        let text = serde_json::to_string(&audit).map_err(|error| Internal(error.to_string()))?;
        let reports = Self::reports(&self.label);
        if let Some(path) = &self.report {
            files::write(path, report::html(&audit)?.as_bytes(), Access::Public, Existing::Replace)?;
        }
        // By a number of its own: clocks may be set back.
        let number = self.world.state.newest_number(&reports)?.map_or(0, |number| number + 1);
        self.world.state.put(&reports, number, &text)?;
        self.world.state.keep_newest(&reports, REPORTS)?;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.world.metrics.accepted.get_or_create(&self.label).set(count(audit.accepted));
        self.world.metrics.rejected.get_or_create(&self.label).set(count(audit.rejected));
        let what = format!("report: {} accepted, {} rejected", audit.accepted, audit.rejected);
        self.world.note(now, &self.label, &what);
        Ok(())
    }
}

impl Role for Auditor {
    fn label(&self) -> &RoleLabel {
        &self.label
    }

    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        // A holder that does not answer keeps nobody else from being audited.
        let collected: Vec<_> = self.holders.iter().map(|holder| self.collect(holder, now)).collect();
        let taken: usize = collected.iter().flatten().sum();
        let due = self.audited_at.is_none_or(|at| now < at || now.0 >= at.0.saturating_add(self.every.0));
        let kept = self.world.state.newest_number(&Self::reports(&self.label))?.is_some();
        if due && (taken > 0 || kept) {
            self.audit(now)?;
            self.audited_at = Some(now);
        }
        collected.into_iter().collect::<Result<Vec<_>, _>>()?;
        // Until there is something to report on, it looks more often.
        let next = if self.audited_at.is_some() { self.every.0 } else { 2 };
        Ok(Timestamp(now.0 + next.max(1)))
    }
}
