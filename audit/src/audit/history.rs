//! When each subject was attested: from the earliest moment at which an attestation can have been made to the last
//! second at which it counts. Lapsed attestations count for their time.
//!
//! Time is measured over the period that the auditor states, or else over one that is assumed and told: see [`Basis`].
//! A rejected attestation attests nothing, and neither does a missing one: each is a gap wherever no other attestation
//! counts. Measured time is attested, or in a gap, and nothing else. Tables, plots and files show what is computed
//! here, and compute nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use surety_core::{
    day::Day,
    ident::{Bytes32, EvmAddress, Name},
    spelling::iso_time,
    units::{Seconds, Timestamp},
    words::{are, counted},
};

use super::{
    engagement::Engagement,
    entry::{AuditEntry, Stated},
    finding::{Finding, FindingKind, warning},
};

const DAY_SECONDS: u64 = 86_400;

/// How far back what rejected attestations state is looked at: nobody has verified it.
const LONGEST_STATED: u64 = 3_660 * DAY_SECONDS;

/// The coverage of subjects over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// The time that is measured.
    pub basis: Basis,
    /// Each subject at each level of each policy.
    pub subjects: Vec<Series>,
    /// Each month for each level of each policy.
    pub months: Vec<Month>,
    /// Attestations of the measured time that nobody expects, where an engagement says who is expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<Unexpected>,
}

/// The time over which coverage is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "basis")]
pub enum Basis {
    /// No period is stated: for each subject and level, from the start of its first attestation, valid or rejected, to
    /// the audit.
    #[default]
    Assumed,
    /// The period of the engagement, up to the audit.
    Stated {
        /// The first second.
        from: Timestamp,
        /// The last second.
        until: Timestamp,
        /// The end that the engagement states, if the audit is before it.
        #[serde(skip_serializing_if = "Option::is_none")]
        unfinished_until: Option<Timestamp>,
        /// The longest gap that is tolerated.
        tolerance: Seconds,
    },
}

/// A subject at a level of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The name that the engagement gives the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_name: Option<String>,
    /// The policy.
    pub policy: Bytes32,
    /// What the policy calls itself, if its text is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<Name>,
    /// The level.
    pub level: Name,
    /// How many attestations of the measured time are in order, or were until they lapsed.
    pub attestations: usize,
    /// How many attestations that say to be about the subject and the level are rejected. Those that state a time
    /// outside of the measured time are left out.
    pub rejected: usize,
    /// How many attestations begin to count while an earlier one of another epoch still does. The holder may show
    /// either.
    pub overlapping: usize,
    /// Whether an attestation counts at the time of the audit.
    pub current: bool,
    /// The measured time.
    pub observed: Span,
    /// Its length in seconds.
    pub observed_seconds: u64,
    /// For how many of these seconds the subject was attested.
    pub attested_seconds: u64,
    /// For how much of the time, in parts per million. Rounded down.
    pub attested_ppm: u64,
    /// The measured times at which it was attested, ascending and apart from each other.
    pub attested: Vec<Span>,
    /// All other measured times, ascending and apart from each other.
    pub gaps: Vec<Gap>,
    /// The months of the measured time.
    pub months: Vec<SubjectMonth>,
}

/// A time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The first second.
    pub from: Timestamp,
    /// The last second.
    pub until: Timestamp,
}

/// A time without an attestation that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The time.
    #[serde(flatten)]
    pub span: Span,
    /// How many rejected attestations state to count in it. Without any, attestations are missing.
    pub rejected: usize,
    /// Whether the engagement tolerates a gap of this length.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tolerated: bool,
}

/// A month of a subject at a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectMonth {
    /// As in `2026-11`, in UTC.
    pub month: String,
    /// Attestations that can have been made in it at the earliest; in the first month also those made before the
    /// measured time.
    pub attestations: usize,
    /// How many of its seconds are measured.
    pub observed_seconds: u64,
    /// For how many of these the subject was attested.
    pub attested_seconds: u64,
    /// How much that is, in parts per million. Rounded down.
    pub attested_ppm: u64,
}

/// A month of a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Month {
    /// As in `2026-11`, in UTC.
    pub month: String,
    /// The policy.
    pub policy: Bytes32,
    /// What the policy calls itself, if its text is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<Name>,
    /// The level.
    pub level: Name,
    /// The sum of the subjects' attestations.
    pub attestations: usize,
    /// Subjects of whose time some is measured in it.
    pub subjects: usize,
    /// Subjects that were attested in it.
    pub attested_subjects: usize,
    /// The sum of the subjects' measured seconds.
    pub observed_seconds: u64,
    /// The sum of the subjects' attested seconds.
    pub attested_seconds: u64,
    /// How much that is, in parts per million. Rounded down.
    pub attested_ppm: u64,
}

/// Attestations about a subject and a level that the engagement does not expect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unexpected {
    /// The subject.
    pub subject: EvmAddress,
    /// The policy.
    pub policy: Bytes32,
    /// The level.
    pub level: Name,
    /// How many there are, in order or rejected.
    pub attestations: usize,
}

type Key = (Bytes32, Name, EvmAddress);

/// The times of a subject's attestations at a level.
#[derive(Default)]
struct Times {
    /// With the epoch of each.
    good: Vec<(Span, u64)>,
    /// Those that rejected attestations state, as far as they are looked at.
    rejected: Vec<Span>,
    /// How many rejected attestations state no time that is looked at.
    untimed: usize,
}

impl Basis {
    fn of(engagement: Option<&Engagement>, at: Timestamp) -> Self {
        engagement.map_or(Self::Assumed, |engagement| {
            let (from, to) = (engagement.period.from, engagement.period.to);
            let unfinished_until = (at < to).then_some(to);
            Self::Stated { from, until: to.min(at).max(from), unfinished_until, tolerance: engagement.tolerance }
        })
    }

    /// The measured time of a subject with these attestations; none if nothing is to be measured.
    fn observed(&self, times: &Times, at: Timestamp) -> Option<Span> {
        match *self {
            Self::Stated { from, until, .. } => Some(Span { from, until }),
            Self::Assumed => {
                let all = times.good.iter().map(|(span, _)| span).chain(&times.rejected);
                let from = all.map(|span| span.from).min()?;
                Some(Span { from, until: at.max(from) })
            }
        }
    }

    fn tolerates(&self, seconds: u64) -> bool {
        matches!(*self, Self::Stated { tolerance, .. } if seconds <= tolerance.0)
    }

    /// A sentence on the measured time. `at` is the time of the audit.
    #[must_use]
    pub fn sentence(&self, at: Timestamp) -> String {
        match *self {
            Self::Assumed => format!(
                "No period is stated. Coverage is measured, by assumption, for each subject and level from the start \
                 of its first attestation, valid or rejected, to the audit at {}; attestations that are missing before \
                 the first do not show.",
                iso_time(at)
            ),
            Self::Stated { from, until, unfinished_until, tolerance } => {
                let rest = unfinished_until.map_or_else(String::new, |end| {
                    format!(
                        " The engagement's period ends at {}, after the audit: the rest is not measured.",
                        iso_time(end)
                    )
                });
                let tolerated = if tolerance.is_zero() {
                    String::new()
                } else {
                    format!(
                        " A gap of at most {} is tolerated; its time counts as not attested all the same.",
                        counted(tolerance.0, "second")
                    )
                };
                let (from, until) = (iso_time(from), iso_time(until));
                format!(
                    "Coverage is measured from {from} to {until}, as the engagement states, for every expected subject \
                     and level.{rest}{tolerated}"
                )
            }
        }
    }
}

impl History {
    /// The history that attestations tell, up to a time. `names` are what policies call themselves.
    #[must_use]
    pub fn of<'e>(
        entries: impl IntoIterator<Item = &'e AuditEntry>,
        names: &BTreeMap<Bytes32, Name>,
        engagement: Option<&Engagement>,
        at: Timestamp,
    ) -> Self {
        let mut times: BTreeMap<Key, Times> = BTreeMap::new();
        for entry in entries {
            if let Some(claim) = &entry.claim {
                let times = times.entry((claim.policy.0, claim.level.clone(), claim.subject)).or_default();
                times.good.push((Span { from: claim.earliest, until: claim.valid_until }, claim.epoch));
            } else if let Some(stated) = &entry.stated {
                let times = times.entry((stated.policy.0, stated.level.clone(), stated.subject)).or_default();
                match stated_span(stated, at) {
                    Some(span) => times.rejected.push(span),
                    None => times.untimed += 1,
                }
            }
        }
        let unexpected = engagement.map_or_else(Vec::new, |engagement| expect(&mut times, engagement));
        let basis = Basis::of(engagement, at);
        let name_of = |subject| engagement.and_then(|engagement| engagement.name_of(subject)).map(str::to_owned);
        let subjects: Vec<Series> = times
            .into_iter()
            .filter_map(|(key, times)| {
                let (policy_name, subject_name) = (names.get(&key.0).cloned(), name_of(key.2));
                Series::of(key, times, basis, at).map(|series| Series { policy_name, subject_name, ..series })
            })
            .collect();
        Self { basis, months: months_of_levels(&subjects), subjects, unexpected }
    }

    /// The measured times at which a subject was not attested, and attestations that nobody expects.
    pub(super) fn lapses(&self) -> Vec<Finding> {
        let lapses = self.subjects.iter().filter_map(|series| {
            let open = || series.gaps.iter().filter(|gap| !gap.tolerated);
            let longest = open().max_by_key(|gap| gap.span.length())?;
            let (count, length) = (counted(open().count(), "time"), counted(longest.span.length(), "second"));
            let rejected = match series.rejected {
                0 => String::new(),
                rejected => format!(", and {} rejected", are(rejected, "attestation")),
            };
            let message = format!(
                "{} was not attested {count}, for up to {length} from {}{rejected}",
                series.level,
                iso_time(longest.span.from)
            );
            let subject = Some(series.subject);
            Some(match self.basis {
                Basis::Assumed => Finding::notice(FindingKind::Lapse, subject, message, []),
                // Coverage of the whole period is what was to be shown.
                Basis::Stated { .. } => warning(FindingKind::Lapse, subject, message, []),
            })
        });
        let unexpected = self.unexpected.iter().map(|Unexpected { subject, policy, level, attestations }| {
            let about = counted(*attestations, "attestation");
            let message = format!("{about} of {level} of the policy {policy}, which the engagement does not expect");
            Finding::notice(FindingKind::UnexpectedAttestation, Some(*subject), message, [])
        });
        lapses.chain(unexpected).collect()
    }
}

/// Adds what is expected and takes out what is not.
fn expect(times: &mut BTreeMap<Key, Times>, engagement: &Engagement) -> Vec<Unexpected> {
    let mut expected: BTreeMap<Key, Times> = BTreeMap::new();
    for policy in &engagement.policies {
        for (level, subject) in
            policy.levels.iter().flat_map(|level| engagement.subjects.iter().map(move |subject| (level, subject)))
        {
            let key = (policy.policy.0, level.clone(), subject.address);
            let found = times.remove(&key).unwrap_or_default();
            expected.insert(key, found);
        }
    }
    let others = std::mem::replace(times, expected).into_iter();
    let unexpected = others.map(|((policy, level, subject), times)| Unexpected {
        subject,
        policy,
        level,
        attestations: times.good.len() + times.rejected.len() + times.untimed,
    });
    unexpected.collect()
}

impl Series {
    /// None if there is no time to measure.
    fn of((policy, level, subject): Key, times: Times, basis: Basis, at: Timestamp) -> Option<Self> {
        let observed = basis.observed(&times, at)?;
        let Times { mut good, mut rejected, untimed } = times;
        let current = good.iter().any(|(span, _)| (span.from..=span.until).contains(&at));
        good.retain(|(span, _)| span.within(observed).is_some());
        rejected.retain(|span| span.within(observed).is_some());
        good.sort();
        let overlapping = overlapping(&good);
        let starts: Vec<Timestamp> = good.iter().map(|(span, _)| span.from.max(observed.from)).collect();
        let attested = merged(good.iter().filter_map(|(span, _)| span.within(observed)));
        let gap = |span: Span| {
            let rejected = rejected.iter().filter(|stated| stated.within(span).is_some()).count();
            Gap { span, rejected, tolerated: basis.tolerates(span.length()) }
        };
        let attested_seconds = attested.iter().map(|span| span.length()).sum();
        Some(Self {
            subject,
            subject_name: None,
            policy,
            policy_name: None,
            level,
            attestations: good.len(),
            rejected: rejected.len() + untimed,
            overlapping,
            current,
            observed,
            observed_seconds: observed.length(),
            attested_seconds,
            attested_ppm: share(attested_seconds, observed.length()),
            gaps: gaps(&attested, observed).into_iter().map(gap).collect(),
            months: months(observed, &attested, &starts),
            attested,
        })
    }
}

/// A share in parts per million, rounded down: all of it only if nothing is missing.
fn share(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1_000_000 / u128::from(whole).max(1)).unwrap_or(1_000_000)
}

/// How much of their measured time several subjects were attested, in parts per million. Rounded down.
#[must_use]
pub fn share_of(series: &[&Series]) -> u64 {
    let sum = |seconds: fn(&Series) -> u64| series.iter().map(|series| u128::from(seconds(series))).sum::<u128>();
    let (attested, observed) = (sum(|series| series.attested_seconds), sum(|series| series.observed_seconds));
    u64::try_from(attested * 1_000_000 / observed.max(1)).unwrap_or(1_000_000)
}

/// How many attestations begin while an earlier one of another epoch counts. They are in ascending order.
fn overlapping(good: &[(Span, u64)]) -> usize {
    let mut last: Option<(Span, u64)> = None;
    let mut count = 0;
    for (span, epoch) in good {
        count += usize::from(last.is_some_and(|(before, of)| of != *epoch && span.from <= before.until));
        last = last.filter(|(before, _)| before.until > span.until).or(Some((*span, *epoch)));
    }
    count
}

/// The time that a rejected attestation states, up to the audit. None if it begins after the audit, longer before it
/// than is looked at, or after its own end.
fn stated_span(stated: &Stated, at: Timestamp) -> Option<Span> {
    let span = Span { from: stated.from, until: stated.valid_until.min(at) };
    (span.from.0 >= at.0.saturating_sub(LONGEST_STATED) && span.from <= span.until).then_some(span)
}

/// What `whole` has that no span does. Spans are ascending, apart from each other, and within it.
fn gaps(spans: &[Span], whole: Span) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut next = Some(whole.from.0);
    for span in spans {
        if let Some(from) = next.filter(|from| span.from.0 > *from) {
            gaps.push(Span { from: Timestamp(from), until: Timestamp(span.from.0 - 1) });
        }
        next = span.until.0.checked_add(1);
    }
    if let Some(from) = next.filter(|from| *from <= whole.until.0) {
        gaps.push(Span { from: Timestamp(from), until: whole.until });
    }
    gaps
}

/// The share of some subjects that are attested, among those whose measured time has begun, in parts per million: when
/// it changes, ascending, and what it is from then on.
#[must_use]
pub fn coverage(series: &[&Series]) -> Vec<(Timestamp, u64)> {
    // One more from the first second of a span, one fewer after its last.
    let mut changes: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
    for series in series {
        changes.entry(series.observed.from.0).or_default().1 += 1;
        for span in &series.attested {
            changes.entry(span.from.0).or_default().0 += 1;
            changes.entry(span.until.0.saturating_add(1)).or_default().0 -= 1;
        }
    }
    let end = series.iter().map(|series| series.observed.until.0).max().unwrap_or(0);
    let (mut attested, mut observed) = (0_i64, 0_i64);
    let steps = changes.into_iter().filter(|(time, _)| *time <= end).map(|(time, change)| {
        (attested, observed) = (attested + change.0, observed + change.1);
        let share = attested.max(0).unsigned_abs() * 1_000_000 / observed.max(1).unsigned_abs();
        (Timestamp(time), share)
    });
    steps.collect()
}

impl Span {
    /// The number of its seconds.
    #[must_use]
    pub fn length(&self) -> u64 {
        (self.until.0 - self.from.0).saturating_add(1)
    }

    /// The part of it that is in another; none if there is none.
    fn within(&self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from <= both.until).then_some(both)
    }
}

/// Puts together what overlaps or touches. `spans` are in ascending order.
fn merged(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from.0 <= last.until.0.saturating_add(1) => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    merged
}

/// The months of a measured time. `starts` are those of attestations, none of them before it.
fn months(observed: Span, attested: &[Span], starts: &[Timestamp]) -> Vec<SubjectMonth> {
    let mut months = Vec::new();
    let mut next = month_of(observed.from.0);
    while let Some((month, start, end)) = next.filter(|(_, start, _)| *start <= observed.until.0) {
        let whole = Span { from: Timestamp(start), until: Timestamp(end - 1) };
        let observed_seconds = whole.within(observed).map_or(0, |span| span.length());
        let attested_seconds = attested.iter().filter_map(|span| span.within(whole)).map(|span| span.length()).sum();
        months.push(SubjectMonth {
            month,
            attestations: starts.iter().filter(|time| (start..end).contains(&time.0)).count(),
            observed_seconds,
            attested_seconds,
            attested_ppm: share(attested_seconds, observed_seconds),
        });
        next = month_of(end);
    }
    months
}

/// The months of each level: sums of those of its subjects.
fn months_of_levels(subjects: &[Series]) -> Vec<Month> {
    let mut months: BTreeMap<(Bytes32, &Name, &str), Month> = BTreeMap::new();
    for series in subjects {
        for own in &series.months {
            let month = months.entry((series.policy, &series.level, &own.month)).or_insert_with(|| Month {
                month: own.month.clone(),
                policy: series.policy,
                policy_name: series.policy_name.clone(),
                level: series.level.clone(),
                attestations: 0,
                subjects: 0,
                attested_subjects: 0,
                observed_seconds: 0,
                attested_seconds: 0,
                attested_ppm: 0,
            });
            month.attestations += own.attestations;
            month.subjects += 1;
            month.attested_subjects += usize::from(own.attested_seconds > 0);
            month.observed_seconds = month.observed_seconds.saturating_add(own.observed_seconds);
            month.attested_seconds = month.attested_seconds.saturating_add(own.attested_seconds);
        }
    }
    let with_share =
        |month: Month| Month { attested_ppm: share(month.attested_seconds, month.observed_seconds), ..month };
    months.into_values().map(with_share).collect()
}

/// The month of a time: its name, its first second, and the first second after it. None after the year 9999.
fn month_of(seconds: u64) -> Option<(String, u64, u64)> {
    let epoch = u64::from(Day::EPOCH);
    let number = u32::try_from(seconds / DAY_SECONDS + epoch).ok()?;
    let day = Day::numbered(number)?;
    let start = |year, month| Some((u64::from(Day::new(year, month, 1)?.number()) - epoch) * DAY_SECONDS);
    let (year, month) = (day.year(), day.month());
    let next = if month == 12 { start(year + 1, 1) } else { start(year, month + 1) };
    Some((format!("{year:04}-{month:02}"), start(year, month)?, next?))
}

#[cfg(test)]
mod tests {
    use surety_core::{FormatVersion, ident::HexBytes, kind::KindOf};
    use surety_verifier::attestation::{
        eip712::Audience,
        identifiers::{PolicyId, SnapshotId},
    };

    use super::*;
    use crate::audit::{
        engagement::{ExpectedPolicy, ExpectedSubject, Period},
        entry::{Established, Verdict},
        finding::Severity,
    };

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn entry(subject: u8, from: u64, until: u64) -> AuditEntry {
        let claim = Established {
            subject: HexBytes([subject; 20]),
            level: name("initial"),
            claim: surety_margin::level::Claimed::Sufficient,
            below: None,
            policy: PolicyId(HexBytes([1; 32])),
            policy_name: name("policy"),
            audience: Audience { chain_id: 1, registry: HexBytes([9; 20]) },
            epoch: from,
            snapshot: SnapshotId(HexBytes([1; 32])),
            prices_at: Timestamp(from),
            balances_at: Timestamp(from),
            earliest: Timestamp(from),
            valid_until: Timestamp(until),
            pledged: false,
            marked: Vec::new(),
            vault: None,
            insecure_srs: false,
            faith: Vec::new(),
            sources: Vec::new(),
        };
        AuditEntry {
            file: "./a".to_owned(),
            verdict: Verdict::Accepted,
            sha256: None,
            reason: None,
            stated: None,
            claim: Some(claim),
        }
    }

    fn span(from: u64, until: u64) -> Span {
        Span { from: Timestamp(from), until: Timestamp(until) }
    }

    fn missing(from: u64, until: u64) -> Gap {
        Gap { span: span(from, until), rejected: 0, tolerated: false }
    }

    /// Measured time is attested or in a gap, whatever is summed up: the subject's, its months', its level's months',
    /// and what the plot shows.
    #[track_caller]
    fn agrees(history: &History) {
        for series in &history.subjects {
            let in_gaps: u64 = series.gaps.iter().map(|gap| gap.span.length()).sum();
            assert_eq!(series.attested_seconds + in_gaps, series.observed_seconds, "{series:?}");
            let sum = |seconds: fn(&SubjectMonth) -> u64| series.months.iter().map(seconds).sum::<u64>();
            assert_eq!(sum(|month| month.observed_seconds), series.observed_seconds, "{series:?}");
            assert_eq!(sum(|month| month.attested_seconds), series.attested_seconds, "{series:?}");
            let attestations: usize = series.months.iter().map(|month| month.attestations).sum();
            assert_eq!(attestations, series.attestations, "{series:?}");
            let until = series.observed.until.0;
            let steps = coverage(&[series]);
            let ends = steps.iter().skip(1).map(|(time, _)| time.0).chain([until + 1]);
            let plotted: u64 = steps.iter().zip(ends).map(|((from, share), end)| (end - from.0) * share).sum();
            assert_eq!(plotted, 1_000_000 * series.attested_seconds, "{series:?}");
        }
        let of_subjects: u64 = history.subjects.iter().map(|series| series.attested_seconds).sum();
        assert_eq!(history.months.iter().map(|month| month.attested_seconds).sum::<u64>(), of_subjects);
    }

    fn engagement(period: (u64, u64), subjects: &[u8], tolerance: u64) -> Engagement {
        Engagement {
            kind: KindOf::new(),
            version: FormatVersion,
            client: "C".to_owned(),
            preparer: "P".to_owned(),
            reviewer: None,
            period: Period { from: Timestamp(period.0), to: Timestamp(period.1) },
            tolerance: Seconds(tolerance),
            subjects: subjects
                .iter()
                .map(|byte| ExpectedSubject { name: format!("Fund {byte}"), address: HexBytes([*byte; 20]) })
                .collect(),
            policies: vec![ExpectedPolicy { policy: PolicyId(HexBytes([1; 32])), levels: vec![name("initial")] }],
            trust: Vec::new(),
        }
    }

    fn names() -> BTreeMap<Bytes32, Name> {
        [(HexBytes([1; 32]), name("policy"))].into()
    }

    #[test]
    fn spans_are_merged_and_lapses_found() {
        let entries = [entry(1, 10, 19), entry(1, 20, 29), entry(1, 25, 27), entry(1, 40, 49), entry(2, 10, 12)];
        let history = History::of(&entries, &names(), None, Timestamp(44));
        let [first, second] = &history.subjects[..] else { panic!("two subjects") };
        agrees(&history);
        assert_eq!(first.attested, [span(10, 29), span(40, 44)]);
        assert_eq!((first.attestations, first.attested_seconds, first.current), (4, 25, true));
        assert_eq!((second.attested_seconds, second.current), (3, false));
        // Two at once, of which the second ends first.
        assert_eq!((first.overlapping, second.overlapping), (1, 0));
        let lapses = history.lapses();
        let told: Vec<_> = lapses.iter().map(|finding| (finding.severity, &*finding.message)).collect();
        let told_of = |times| format!("initial was not attested once, for up to {times}");
        let (of_first, of_second) =
            (told_of("10 seconds from 1970-01-01T00:00:30Z"), told_of("32 seconds from 1970-01-01T00:00:13Z"));
        assert_eq!(told, [(Severity::Notice, &*of_first), (Severity::Notice, &*of_second)]);
        assert_eq!(first.gaps, [missing(30, 39)]);
        assert_eq!(second.gaps, [missing(13, 44)], "nobody has attested it since");
    }

    fn rejected(subject: u8, from: u64, until: u64) -> AuditEntry {
        let claim = entry(subject, from, until).claim.unwrap();
        let stated = Stated {
            subject: claim.subject,
            level: claim.level,
            policy: claim.policy,
            epoch: Some(claim.epoch),
            from: claim.earliest,
            valid_until: claim.valid_until,
        };
        AuditEntry {
            file: "./a".to_owned(),
            verdict: Verdict::Rejected,
            sha256: None,
            reason: None,
            stated: Some(stated),
            claim: None,
        }
    }

    /// Five of six attestations are rejected, and the last one counts: that is no time without lapses.
    #[test]
    fn rejects_to_count_the_time_of_rejected_attestations() {
        let gap = |from, until, rejected| Gap { span: span(from, until), rejected, tolerated: false };
        let mut entries: Vec<AuditEntry> = (0..5).map(|number| rejected(1, 100 * number, 100 * number + 99)).collect();
        entries.push(entry(1, 500, 599));
        let history = History::of(&entries, &names(), None, Timestamp(599));
        let [series] = &history.subjects[..] else { panic!("one subject") };
        assert_eq!((series.attestations, series.rejected, series.current), (1, 5, true));
        assert_eq!((series.observed, series.attested_seconds, series.attested_ppm), (span(0, 599), 100, 166_666));
        assert_eq!((&series.attested[..], &series.gaps[..]), (&[span(500, 599)][..], &[gap(0, 499, 5)][..]));
        assert_eq!(series.months[0].attested_ppm, 166_666);
        assert_eq!(history.months[0].attested_ppm, 166_666);
        assert_eq!(coverage(&[series]), [(Timestamp(0), 0), (Timestamp(500), 1_000_000)]);
        agrees(&history);
        let [lapse] = &history.lapses()[..] else { panic!("one finding") };
        assert_eq!(
            lapse.message,
            "initial was not attested once, for up to 500 seconds from 1970-01-01T00:00:00Z, and 5 attestations are \
             rejected"
        );
        // In the middle, at the end, and all of them.
        let entries = [entry(1, 0, 9), rejected(1, 10, 19), entry(1, 20, 29), rejected(1, 30, 39)];
        let history = History::of(&entries, &names(), None, Timestamp(100));
        assert_eq!(history.subjects[0].gaps, [gap(10, 19, 1), gap(30, 100, 1)]);
        agrees(&history);
        let history = History::of(&entries[1..2], &names(), None, Timestamp(100));
        let series = &history.subjects[0];
        assert_eq!((series.attested_ppm, &series.gaps[..], series.current), (0, &[gap(10, 100, 1)][..], false));
        assert_eq!((history.months[0].subjects, history.months[0].attested_subjects), (1, 0));
        // Where another attestation counts, nothing is missing.
        let history = History::of(&[entry(1, 0, 100), rejected(1, 10, 19)], &names(), None, Timestamp(50));
        assert_eq!((history.subjects[0].attested_ppm, history.subjects[0].gaps.len()), (1_000_000, 0));
    }

    /// Attack: a forged file with times that nobody would attest, to have another's record show lapses.
    #[test]
    fn rejects_to_stretch_a_record_beyond_the_audit_and_ten_years_before() {
        let at = 100 * 366 * DAY_SECONDS;
        let good = entry(1, at - 100, at);
        let alone = History::of(std::slice::from_ref(&good), &names(), None, Timestamp(at));
        for (from, until) in [(0, 0), (0, at), (at + 1, at + 1_000), (at - 50, at - 60)] {
            let mut history = History::of(&[good.clone(), rejected(1, from, until)], &names(), None, Timestamp(at));
            assert!(history.lapses().is_empty());
            // Of what begins after the audit, nothing is measured; the rest is told all the same.
            assert_eq!(std::mem::take(&mut history.subjects[0].rejected), 1, "from {from} to {until}");
            assert_eq!(history, alone);
        }
    }

    /// Attack: files that state any times at all, about somebody of whom there is nothing else.
    #[test]
    fn rejects_what_rejected_attestations_state_beyond_the_audit_and_ten_years_before() {
        let at = 100 * 366 * DAY_SECONDS;
        for (from, until) in
            [(0, 0), (0, at), (0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (at + 1, at + 9), (at - 1, at - 2)]
        {
            let history = History::of(&[rejected(1, from, until)], &names(), None, Timestamp(at));
            assert_eq!(history, History::default(), "from {from} to {until}");
        }
        let history = History::of(&[rejected(1, at - LONGEST_STATED, u64::MAX)], &names(), None, Timestamp(at));
        assert!(history.months.len() <= 122, "{} months", history.months.len());
        assert_eq!(history.subjects[0].observed.until.0, at);
        agrees(&history);
    }

    #[test]
    fn shares_are_of_the_subjects_whose_first_attestation_has_begun() {
        let history = History::of(&[entry(1, 10, 19), entry(2, 15, 29)], &names(), None, Timestamp(40));
        let series: Vec<_> = history.subjects.iter().collect();
        let steps = coverage(&series);
        agrees(&history);
        let expected = [(10, 1_000_000), (15, 1_000_000), (20, 500_000), (30, 0)];
        assert_eq!(steps, expected.map(|(time, share)| (Timestamp(time), share)));
    }

    #[test]
    fn months_are_summed_up() {
        // 2020-01-31T00:00:00Z, a day before February, which has 29 days.
        let start = 1_580_428_800;
        let day = DAY_SECONDS;
        let entries = [entry(1, start, start + 2 * day - 1), entry(2, start + day, start + 30 * day - 1)];
        let history = History::of(&entries, &names(), None, Timestamp(start + 60 * day));
        let months: Vec<_> = history
            .months
            .iter()
            .map(|month| {
                (&*month.month, month.attestations, month.subjects, month.attested_subjects, month.attested_ppm)
            })
            .collect();
        let second = ("2020-02", 1, 2, 2, 30 * 1_000_000 / 58);
        assert_eq!(months[..2], [("2020-01", 1, 1, 1, 1_000_000), second]);
        assert_eq!(months.iter().map(|month| month.0).collect::<Vec<_>>(), ["2020-01", "2020-02", "2020-03"]);
        agrees(&history);
        let of_subjects: Vec<Vec<_>> = history.subjects.iter().map(|series| series.months[..2].to_vec()).collect();
        let month = |month: &str, attestations, observed_seconds, attested_seconds| SubjectMonth {
            month: month.to_owned(),
            attestations,
            observed_seconds,
            attested_seconds,
            attested_ppm: attested_seconds * 1_000_000 / observed_seconds,
        };
        let first = vec![month("2020-01", 1, day, day), month("2020-02", 0, 29 * day, day)];
        assert_eq!(of_subjects[0], first);
        assert_eq!(of_subjects[1][0], month("2020-02", 1, 29 * day, 29 * day));
        assert_eq!(History::of(&[], &names(), None, Timestamp(0)), History::default());
    }

    #[test]
    fn times_beyond_the_calendar_have_no_month() {
        let history = History::of(&[entry(1, 5, u64::MAX)], &names(), None, Timestamp(DAY_SECONDS));
        assert_eq!(history.months.len(), 1);
        assert_eq!(month_of(u64::MAX), None);
        assert_eq!(month_of(0).unwrap().0, "1970-01");
    }

    /// A period is covered or not, whoever has shown nothing at all.
    #[test]
    fn rejects_to_leave_out_an_expected_subject_without_attestations() {
        let terms = engagement((0, 99), &[1, 2], 0);
        let history = History::of(&[entry(1, 20, 79)], &names(), Some(&terms), Timestamp(500));
        agrees(&history);
        let [first, second] = &history.subjects[..] else { panic!("both subjects") };
        assert_eq!((first.attested_ppm, &first.gaps[..]), (600_000, &[missing(0, 19), missing(80, 99)][..]));
        assert_eq!((second.attested_ppm, &second.gaps[..]), (0, &[missing(0, 99)][..]));
        assert_eq!(first.subject_name.as_deref(), Some("Fund 1"));
        assert_eq!((history.months[0].attested_subjects, history.months[0].attested_ppm), (1, 300_000));
        // What was to be shown is missing, so that somebody should explain it.
        let severities: Vec<_> = history.lapses().iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Warning]);
        let sentence = history.basis.sentence(Timestamp(500));
        assert!(sentence.contains("from 1970-01-01T00:00:00Z to 1970-01-01T00:01:39Z"), "{sentence}");
        assert!(History::default().basis.sentence(Timestamp(5)).starts_with("No period is stated."));
    }

    /// Before and after the period, and for the part of an attestation that is outside of it, nothing is counted.
    #[test]
    fn rejects_to_count_time_outside_of_the_period() {
        let terms = engagement((100, 199), &[1], 0);
        let entries =
            [entry(1, 0, 49), entry(1, 50, 149), entry(1, 150, 250), entry(1, 300, 400), rejected(1, 260, 270)];
        let history = History::of(&entries, &names(), Some(&terms), Timestamp(500));
        agrees(&history);
        let series = &history.subjects[0];
        assert_eq!((series.attestations, series.rejected, series.attested_ppm), (2, 0, 1_000_000));
        assert_eq!((series.attested.clone(), series.gaps.len()), (vec![span(100, 199)], 0));
        // The period is not over.
        let history = History::of(&entries, &names(), Some(&terms), Timestamp(120));
        assert_eq!(history.subjects[0].observed, span(100, 120));
        let sentence = history.basis.sentence(Timestamp(120));
        assert!(sentence.contains("ends at 1970-01-01T00:03:19Z, after the audit"), "{sentence}");
    }

    #[test]
    fn tolerated_gaps_are_no_findings_and_count_all_the_same() {
        let entries = [entry(1, 0, 49), entry(1, 60, 99)];
        for (tolerance, findings) in [(9, 1), (10, 0)] {
            let terms = engagement((0, 99), &[1], tolerance);
            let history = History::of(&entries, &names(), Some(&terms), Timestamp(500));
            agrees(&history);
            let series = &history.subjects[0];
            assert_eq!((series.attested_ppm, series.gaps[0].tolerated), (900_000, findings == 0));
            assert_eq!(history.lapses().len(), findings);
        }
    }

    #[test]
    fn what_an_engagement_does_not_expect_is_told_apart() {
        let terms = engagement((0, 99), &[1], 0);
        let entries = [entry(1, 0, 99), entry(2, 0, 99), rejected(2, 0, 99), rejected(3, 500, 400)];
        let history = History::of(&entries, &names(), Some(&terms), Timestamp(500));
        assert_eq!(history.subjects.len(), 1);
        let counts: Vec<_> = history.unexpected.iter().map(|other| other.attestations).collect();
        assert_eq!(counts, [2, 1]);
        let kinds: Vec<_> = history.lapses().iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::UnexpectedAttestation; 2]);
    }
}
