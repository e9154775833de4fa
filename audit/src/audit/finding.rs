//! What strikes an auditor where many attestations are seen together. No finding makes an attestation less valid: each
//! says what a holder, a source or an oracle might explain.
//!
//! | finding | of | why it matters |
//! |---|---|---|
//! | statement for two subjects | warning | one account vouches for two subjects; one of the attestations is rejected |
//! | shared commitment | warning | one commitment in two statements: one account for two subjects, or reused masks |
//! | conflicting statements | warning | a source has said two things under one sequence number |
//! | sequence runs backwards | warning | a later statement is about an earlier time |
//! | several snapshots | warning | two snapshots of one epoch: a holder could pick the kinder |
//! | several books | warning | two books of a venue as of one moment: different people may see different ones |
//! | missing book | warning | the registry has a book of a venue that is not among those audited |
//! | unusable file | warning | something looks like a public file and is none |
//! | statement for two policies | notice | the same balances serve two policies, so they are pledged to neither |
//! | sequence gap | notice | a statement exists that was not shown |
//! | duplicate | notice | the same claim twice |
//! | marked prices | notice | prices have jumped, and the policy accepts that |
//! | shortfall | warning | an account was short of a level, which is proven |
//! | book without pages | notice | a book in an archive, which keeps no pages, is not verified |
//! | lapse | notice | for a time, nothing was attested, or what was is rejected; a warning where a period is stated |
//! | unexpected attestation | notice | the engagement does not expect its subject or level |
//!
//! That attestations of a level count at the same time is ordinary: see [`super::history::Series::overlapping`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use surety_core::{
    failure::Failure,
    ident::{Bytes32, EvmAddress, HexBytes},
    spelling::iso_time,
    words::counted,
};

use super::entry::{AuditEntry, Established, Evidence, StatedAccount, Stating};

/// Most files that a finding lists.
const MOST_FILES: usize = 8;

/// How much attention a finding asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Somebody should explain it.
    Warning,
    /// It happens, and is good to know.
    Notice,
}

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// One statement of a source in attestations of two subjects.
    StatementForTwoSubjects,
    /// One commitment in two statements.
    SharedCommitment,
    /// Two statements of a source about an account with the same sequence number.
    ConflictingStatements,
    /// A statement with a larger sequence number about an earlier time.
    SequenceRunsBackwards,
    /// Two snapshots of one policy and epoch.
    SeveralSnapshots,
    /// Two books of one venue and moment.
    SeveralBooks,
    /// A book of the registry that is not among those audited.
    MissingBook,
    /// An account whose margin was negative.
    Shortfall,
    /// A public file that cannot be used.
    UnusableFile,
    /// One statement of a source in attestations of two policies.
    StatementForTwoPolicies,
    /// Sequence numbers that are missing in between.
    SequenceGap,
    /// The same claim in several files.
    Duplicate,
    /// Prices that bear the mark of a circuit breaker.
    MarkedPrices,
    /// A book in an archive, without its pages.
    BookWithoutPages,
    /// A time without an attestation.
    Lapse,
    /// An attestation about somebody or something that the engagement does not expect.
    UnexpectedAttestation,
}

impl FindingKind {
    /// A word for it, as reports have it.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much attention it asks for.
    pub severity: Severity,
    /// What kind of thing it is.
    pub kind: FindingKind,
    /// Whose attestations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<EvmAddress>,
    /// A sentence.
    pub message: String,
    /// Some of the files that show it.
    pub files: Vec<String>,
}

impl Finding {
    pub(super) fn unusable(file: &str, error: &dyn Failure) -> Self {
        let error = surety_core::visible::visible(&error.to_string());
        let message = format!("cannot be used, so attestations that refer to it are rejected: {error}");
        warning(FindingKind::UnusableFile, None, message, [file])
    }

    /// That something happens now and then.
    pub(super) fn notice<'a>(
        kind: FindingKind,
        subject: Option<EvmAddress>,
        message: String,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let files = files.into_iter().take(MOST_FILES).map(str::to_owned).collect();
        Self { severity: Severity::Notice, kind, subject, message, files }
    }
}

pub(super) fn warning<'a>(
    kind: FindingKind,
    subject: Option<EvmAddress>,
    message: String,
    files: impl IntoIterator<Item = &'a str>,
) -> Finding {
    Finding { severity: Severity::Warning, ..Finding::notice(kind, subject, message, files) }
}

/// What attestations show together. Statements of rejected ones may be forged: of those, only that they are used for
/// several subjects is looked at.
pub(super) fn all(attestations: &[(&AuditEntry, &Evidence)]) -> Vec<Finding> {
    let good: Vec<(&Established, &Evidence)> =
        attestations.iter().filter_map(|(entry, evidence)| Some((entry.claim.as_ref()?, *evidence))).collect();
    let mut findings = statements_for_two_subjects(attestations.iter().map(|(_, evidence)| *evidence));
    let mut statements: BTreeMap<Bytes32, (&Stating, &str)> = BTreeMap::new();
    for (_, evidence) in &good {
        for stating in &evidence.statements {
            statements.entry(stating.hash).or_insert((stating, &evidence.file));
        }
    }
    findings.extend(statements_for_two_policies(&good));
    findings.extend(shared_commitments(&statements));
    findings.extend(sequences(&statements));
    findings.extend(several_snapshots(&good));
    findings.extend(duplicates(&good));
    findings.extend(marked_prices(&good));
    findings.extend(shortfalls(&good));
    findings
}

fn shortfalls(good: &[(&Established, &Evidence)]) -> Vec<Finding> {
    type Key<'a> = (EvmAddress, Bytes32, &'a str);
    let mut subjects: BTreeMap<Key<'_>, BTreeSet<(u64, &str)>> = BTreeMap::new();
    for (claim, evidence) in good.iter().filter(|(claim, _)| !claim.claim.is_sufficient()) {
        let key = (claim.subject, claim.policy.0, claim.level.as_str());
        subjects.entry(key).or_default().insert((claim.epoch, &evidence.file));
    }
    let mut findings = Vec::new();
    for ((subject, _, level), shown) in subjects {
        let epochs: BTreeSet<u64> = shown.iter().map(|(epoch, _)| *epoch).collect();
        let (count, first) = (counted(epochs.len(), "epoch"), epochs.first().copied().unwrap_or_default());
        let message = format!("{level}: the margin was negative in {count}, first in epoch {first}");
        let files = shown.into_iter().map(|(_, file)| file);
        findings.push(warning(FindingKind::Shortfall, Some(subject), message, files));
    }
    findings
}

fn statements_for_two_subjects<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Vec<Finding> {
    let mut users: BTreeMap<Bytes32, BTreeMap<EvmAddress, &str>> = BTreeMap::new();
    for evidence in evidence {
        for stating in &evidence.statements {
            users.entry(stating.hash).or_default().entry(evidence.subject).or_insert(&evidence.file);
        }
    }
    let used_twice = users.into_iter().filter(|(_, users)| users.len() > 1);
    used_twice
        .map(|(hash, users)| {
            let subjects: Vec<_> = users.keys().map(ToString::to_string).collect();
            let message = format!("the statement {hash} is in attestations of {}", subjects.join(", "));
            warning(FindingKind::StatementForTwoSubjects, None, message, users.into_values())
        })
        .collect()
}

fn statements_for_two_policies(good: &[(&Established, &Evidence)]) -> Vec<Finding> {
    let mut users: BTreeMap<Bytes32, BTreeMap<Bytes32, &str>> = BTreeMap::new();
    for (claim, evidence) in good {
        for stating in &evidence.statements {
            users.entry(stating.hash).or_default().entry(claim.policy.0).or_insert(&evidence.file);
        }
    }
    let mut subjects: BTreeMap<(EvmAddress, Vec<Bytes32>), Vec<&str>> = BTreeMap::new();
    for (claim, evidence) in good {
        let users = evidence.statements.iter().filter_map(|stating| users.get(&stating.hash));
        for users in users.filter(|users| users.len() > 1) {
            subjects.entry((claim.subject, users.keys().copied().collect())).or_default().extend(users.values());
        }
    }
    let notice = |((subject, policies), files): ((EvmAddress, Vec<Bytes32>), Vec<&str>)| {
        let policies: Vec<_> = policies.iter().map(ToString::to_string).collect();
        let message = format!("the same statements serve {} policies: {}", policies.len(), policies.join(", "));
        let files: BTreeSet<&str> = files.into_iter().collect();
        Finding::notice(FindingKind::StatementForTwoPolicies, Some(subject), message, files)
    };
    subjects.into_iter().map(notice).collect()
}

fn shared_commitments(statements: &BTreeMap<Bytes32, (&Stating, &str)>) -> Vec<Finding> {
    let mut by_commitment: BTreeMap<HexBytes<64>, Vec<(&Stating, &str)>> = BTreeMap::new();
    for (stating, file) in statements.values() {
        by_commitment.entry(stating.commitment).or_default().push((stating, file));
    }
    let shared = by_commitment.into_values().filter(|sharing| sharing.len() > 1);
    shared
        .map(|sharing| {
            let subjects: BTreeSet<_> = sharing.iter().map(|(stating, _)| stating.account.subject).collect();
            let accounts: BTreeSet<_> = sharing.iter().map(|(stating, _)| describe(&stating.account)).collect();
            let accounts = accounts.into_iter().collect::<Vec<_>>().join("; ");
            let what = if subjects.len() > 1 {
                "the same balances under the same masks are stated for several subjects"
            } else {
                "the same masks hide the balances of several statements, which lessens what they hide"
            };
            let subject = subjects.iter().next().copied().filter(|_| subjects.len() == 1);
            let files = sharing.iter().map(|(_, file)| *file);
            warning(FindingKind::SharedCommitment, subject, format!("{what}: {accounts}"), files)
        })
        .collect()
}

fn describe(account: &StatedAccount) -> String {
    format!("{} of {} at {}", account.account, account.subject, account.source)
}

/// What the sequence numbers of each account show.
fn sequences(statements: &BTreeMap<Bytes32, (&Stating, &str)>) -> Vec<Finding> {
    let mut accounts: BTreeMap<&StatedAccount, Vec<(&Stating, &str)>> = BTreeMap::new();
    for (stating, file) in statements.values() {
        accounts.entry(&stating.account).or_default().push((stating, file));
    }
    let mut findings = Vec::new();
    for (account, mut stated) in accounts {
        stated.sort_by_key(|(stating, _)| (stating.sequence, stating.hash));
        let (mut missing, mut first_missing) = (0_u64, None);
        for pair in stated.windows(2) {
            let [(before, file_before), (after, file_after)] = pair else { continue };
            let (subject, files) = (Some(account.subject), [*file_before, *file_after]);
            if before.sequence == after.sequence {
                let message =
                    format!("two statements about {} have the sequence number {}", describe(account), after.sequence);
                findings.push(warning(FindingKind::ConflictingStatements, subject, message, files));
            } else if before.as_of > after.as_of {
                let message = format!(
                    "about {}, statement {} is as of {}, and statement {} as of {}",
                    describe(account),
                    before.sequence,
                    iso_time(before.as_of),
                    after.sequence,
                    iso_time(after.as_of)
                );
                findings.push(warning(FindingKind::SequenceRunsBackwards, subject, message, files));
            }
            let between = after.sequence.saturating_sub(before.sequence).saturating_sub(1);
            if between > 0 {
                missing += between;
                first_missing.get_or_insert((before.sequence + 1, files));
            }
        }
        if let Some((first, files)) = first_missing {
            let message = format!(
                "about {}, {} between the first and the last {} not shown, from number {first} on",
                describe(account),
                counted(missing, "statement"),
                if missing == 1 { "was" } else { "were" },
            );
            findings.push(Finding::notice(FindingKind::SequenceGap, Some(account.subject), message, files));
        }
    }
    findings
}

fn several_snapshots(good: &[(&Established, &Evidence)]) -> Vec<Finding> {
    let mut epochs: BTreeMap<(Bytes32, u64), BTreeMap<Bytes32, &str>> = BTreeMap::new();
    for (claim, evidence) in good {
        let snapshots = epochs.entry((claim.policy.0, claim.epoch)).or_default();
        snapshots.entry(claim.snapshot.0).or_insert(&evidence.file);
    }
    let several = epochs.into_iter().filter(|(_, snapshots)| snapshots.len() > 1);
    several
        .map(|((policy, epoch), snapshots)| {
            let count = snapshots.len();
            let message = format!("attestations of epoch {epoch} rest on {count} snapshots of the policy {policy}");
            warning(FindingKind::SeveralSnapshots, None, message, snapshots.into_values())
        })
        .collect()
}

fn duplicates(good: &[(&Established, &Evidence)]) -> Vec<Finding> {
    let mut contexts: BTreeMap<Bytes32, Vec<(&Established, &str)>> = BTreeMap::new();
    for (claim, evidence) in good {
        contexts.entry(evidence.context).or_default().push((claim, &evidence.file));
    }
    let several = contexts.into_values().filter(|same| same.len() > 1);
    several
        .map(|same| {
            let subject = same.first().map(|(claim, _)| claim.subject);
            let message = format!("{} files attest the same claim", same.len());
            Finding::notice(FindingKind::Duplicate, subject, message, same.into_iter().map(|(_, file)| file))
        })
        .collect()
}

fn marked_prices(good: &[(&Established, &Evidence)]) -> Vec<Finding> {
    let mut snapshots: BTreeMap<Bytes32, Vec<(&Established, &str)>> = BTreeMap::new();
    for (claim, evidence) in good.iter().filter(|(claim, _)| !claim.marked.is_empty()) {
        snapshots.entry(claim.snapshot.0).or_default().push((claim, &evidence.file));
    }
    let marked = snapshots.into_values().filter_map(|same| Some((same.first()?.0, same.clone())));
    marked
        .map(|(claim, same)| {
            let names: Vec<_> = claim.marked.iter().map(ToString::to_string).collect();
            let (count, names) = (same.len(), names.join(", "));
            let attestations = counted(count, "attestation");
            let message = format!("over prices that have jumped, {names}: {attestations} of epoch {}", claim.epoch);
            Finding::notice(FindingKind::MarkedPrices, None, message, same.into_iter().map(|(_, file)| file))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use surety_core::{ident::Name, units::Timestamp};
    use surety_margin::level::Claimed;
    use surety_verifier::attestation::{
        eip712::Audience,
        identifiers::{PolicyId, SnapshotId},
    };

    use super::*;
    use crate::audit::entry::Verdict;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// An attestation of a subject at an epoch of 100 seconds, which counts for as many, with a statement of that
    /// number.
    fn attestation(subject: u8, epoch: u8) -> (AuditEntry, Evidence) {
        let start = 100 * u64::from(epoch);
        let (subject_address, registry) = (HexBytes([subject; 20]), HexBytes([9; 20]));
        let file = format!("./{subject}-{epoch}.json");
        let claim = Established {
            subject: subject_address,
            level: name("initial"),
            claim: Claimed::Sufficient,
            below: None,
            policy: PolicyId(HexBytes([1; 32])),
            policy_name: name("policy"),
            audience: Audience { chain_id: 1, registry },
            epoch: epoch.into(),
            snapshot: SnapshotId(HexBytes([epoch; 32])),
            prices_at: Timestamp(start),
            balances_at: Timestamp(start),
            earliest: Timestamp(start),
            valid_until: Timestamp(start + 99),
            pledged: false,
            marked: Vec::new(),
            vault: None,
            insecure_srs: false,
            faith: Vec::new(),
            sources: vec![HexBytes([7; 20])],
        };
        let mut unique = [subject; 64];
        unique[0] = epoch;
        let stating = Stating {
            hash: HexBytes(core::array::from_fn(|index| unique[index])),
            account: StatedAccount {
                chain_id: 1,
                registry,
                source: HexBytes([7; 20]),
                subject: subject_address,
                account: name("main"),
            },
            commitment: HexBytes(unique),
            as_of: Timestamp(start),
            sequence: epoch.into(),
        };
        let context = stating.hash;
        let entry = AuditEntry {
            file: file.clone(),
            verdict: Verdict::Accepted,
            sha256: None,
            reason: None,
            stated: None,
            claim: Some(claim),
        };
        (entry, Evidence { file, subject: subject_address, context, statements: vec![stating] })
    }

    fn series() -> Vec<(AuditEntry, Evidence)> {
        [(1, 1), (1, 2), (1, 3), (2, 2)].map(|(subject, epoch)| attestation(subject, epoch)).to_vec()
    }

    fn kinds(attestations: &[(AuditEntry, Evidence)]) -> Vec<FindingKind> {
        let pairs: Vec<_> = attestations.iter().map(|(entry, evidence)| (entry, evidence)).collect();
        all(&pairs).into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn nothing_strikes_about_good_attestations() {
        assert_eq!(kinds(&series()), []);
    }

    #[test]
    fn finds_one_statement_for_two_subjects_though_one_is_rejected() {
        let mut attestations = series();
        let statement = attestations[0].1.statements[0].clone();
        attestations[3].1.statements = vec![statement];
        attestations[3].0.claim = None;
        assert_eq!(kinds(&attestations), [FindingKind::StatementForTwoSubjects]);
    }

    #[test]
    fn finds_commitments_that_are_used_again() {
        let mut attestations = series();
        attestations[3].1.statements[0].commitment = attestations[0].1.statements[0].commitment;
        assert_eq!(kinds(&attestations), [FindingKind::SharedCommitment]);
        // What is rejected may be forged.
        attestations[3].0.claim = None;
        assert_eq!(kinds(&attestations), []);
        let mut attestations = series();
        attestations[1].1.statements[0].commitment = attestations[0].1.statements[0].commitment;
        assert_eq!(kinds(&attestations), [FindingKind::SharedCommitment]);
    }

    #[test]
    fn finds_what_sequence_numbers_show() {
        let mut attestations = series();
        attestations[1].1.statements[0].sequence = 1;
        assert_eq!(kinds(&attestations), [FindingKind::ConflictingStatements, FindingKind::SequenceGap]);
        let mut attestations = series();
        attestations[2].1.statements[0].as_of = Timestamp(150);
        assert_eq!(kinds(&attestations), [FindingKind::SequenceRunsBackwards]);
        let mut attestations = series();
        attestations[2].1.statements[0].sequence = u64::MAX;
        assert_eq!(kinds(&attestations), [FindingKind::SequenceGap]);
    }

    #[test]
    fn finds_several_snapshots_of_an_epoch() {
        let mut attestations = series();
        attestations[3].0.claim.as_mut().unwrap().snapshot = SnapshotId(HexBytes([77; 32]));
        assert_eq!(kinds(&attestations), [FindingKind::SeveralSnapshots]);
    }

    #[test]
    fn finds_statements_that_serve_two_policies() {
        let mut attestations = series();
        let (mut entry, mut evidence) = attestation(1, 1);
        entry.claim.as_mut().unwrap().policy = PolicyId(HexBytes([2; 32]));
        evidence.context = HexBytes([3; 32]);
        attestations.push((entry, evidence));
        assert_eq!(kinds(&attestations), [FindingKind::StatementForTwoPolicies]);
    }

    #[test]
    fn overlaps_are_no_findings() {
        let mut attestations = series();
        attestations[0].0.claim.as_mut().unwrap().valid_until = Timestamp(350);
        assert_eq!(kinds(&attestations), []);
    }

    #[test]
    fn finds_duplicates_and_marks() {
        let mut attestations = series();
        attestations.push(attestation(2, 2));
        assert_eq!(kinds(&attestations), [FindingKind::Duplicate]);
        let mut attestations = series();
        attestations[0].0.claim.as_mut().unwrap().marked = vec![name("btc")];
        assert_eq!(kinds(&attestations), [FindingKind::MarkedPrices]);
    }
}
