//! An auditor: collects what holders attest into an archive, audits the archive, and reports.
//!
//! Universe, policy and anchors are the auditor's own; holders give attestations and the snapshots that these refer to.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use surety_audit::{
    archive::{Archive, Archived},
    audit::{self, AnchorFile, Audit, AuditRequest, books::BookAnchors},
};
use surety_core::{
    failure::{AnyFailure, Internal},
    ident::Name,
    units::{Seconds, Timestamp},
};
use surety_host::files::{self, Access, Existing};

use super::{Logged, Role, World, label, read_policy, shelf};
use crate::{configuration::AuditorRole, metrics::RoleLabel, peer::Address, state::Shelf};

/// How many reports are kept.
const REPORTS: u32 = 1_000;

/// Most epochs that a holder is asked for at a time.
const AT_A_TIME: u32 = 1_000;

/// Makes a page of an audit.
pub type Page = fn(&Audit) -> Result<String, AnyFailure>;

/// An auditor.
#[derive(Debug)]
pub struct Auditor {
    world: Arc<World>,
    label: RoleLabel,
    archive: PathBuf,
    levels: Vec<Name>,
    holders: Vec<Address>,
    trust: Vec<AnchorFile>,
    strict: bool,
    allow_insecure_srs: bool,
    every: Seconds,
    report: Option<PathBuf>,
    page: Page,
    audited_at: Option<Timestamp>,
}

impl Auditor {
    /// The role of a configuration.
    ///
    /// # Errors
    /// If a file cannot be read, or the archive not be kept.
    pub fn new(role: AuditorRole, page: Page, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let label = label("auditor", &role.name);
        let (_, policy) = read_policy(&role.universe, &role.policy)?;
        let archive = world.state.directory().join(format!("{}.archive", role.name));
        let read = |path: &PathBuf| Ok::<_, AnyFailure>(Archived::read(path, &files::read_text(path)?)?);
        Archive::open(&archive)?.add(&[read(&role.universe)?, read(&role.policy)?])?;
        Ok(Self {
            world: Arc::clone(world),
            archive,
            levels: policy.levels.iter().map(|level| level.name.clone()).collect(),
            holders: role.holders,
            trust: role.trust.iter().map(|path| AnchorFile::read(path)).collect::<Result<_, _>>()?,
            strict: role.strict,
            allow_insecure_srs: role.allow_insecure_srs,
            every: role.every,
            report: role.report,
            page,
            audited_at: None,
            label,
        })
    }

    /// Where its reports are, by time.
    #[must_use]
    pub fn reports(label: &RoleLabel) -> Shelf {
        shelf(label, &["report"])
    }

    /// Takes what a holder has attested since the last time.
    fn collect(&self, holder: &Address) -> Result<usize, AnyFailure> {
        let mut taken = 0;
        for level in &self.levels {
            let cursor = shelf(&self.label, &["taken", level.as_str(), &holder.to_string()]);
            let from = self.world.state.newest(&cursor)?.map_or(0, |(epoch, _)| epoch + 1);
            let at = holder.below(&format!("levels/{level}?from={from}&most={AT_A_TIME}"));
            let Some(listed) = self.world.client.text(&at, None)? else { continue };
            let epochs: Vec<u64> = serde_json::from_str(&listed)
                .map_err(|_| crate::error::NotDone::outside(at.to_string(), "a list of epochs", "something else"))?;
            for epoch in epochs {
                let places = [format!("levels/{level}/{epoch}"), format!("snapshots/{epoch}")];
                let mut documents = Vec::new();
                for place in places {
                    let at = holder.below(&place);
                    if let Some(text) = self.world.client.text(&at, None)? {
                        documents.push(Archived::read(Path::new("document.json"), &text)?);
                    }
                }
                Archive::open(&self.archive)?.add(&documents)?;
                self.world.state.put(&cursor, epoch, "")?;
                self.world.state.keep_newest(&cursor, 1)?;
                taken += 1;
            }
        }
        Ok(taken)
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
        };
        let audit = audit::kept::run(&request, None, &self.world.setups, &Logged)?;
        let text = serde_json::to_string(&audit).map_err(|error| Internal(error.to_string()))?;
        let reports = Self::reports(&self.label);
        if let Some(path) = &self.report {
            files::write(path, (self.page)(&audit)?.as_bytes(), Access::Public, Existing::Replace)?;
        }
        self.world.state.put(&reports, now.0, &text)?;
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
        let collected: Vec<_> = self.holders.iter().map(|holder| self.collect(holder)).collect();
        let taken: usize = collected.iter().flatten().sum();
        let due = self.audited_at.is_none_or(|at| now.0 >= at.0.saturating_add(self.every.0));
        let kept = self.world.state.newest(&Self::reports(&self.label))?.is_some();
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
