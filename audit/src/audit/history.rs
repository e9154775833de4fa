//! When each subject was attested: from the earliest moment at which an attestation can have been made to the last
//! second at which it counts. Lapsed attestations count for their time.
//!
//! A rejected attestation attests nothing. The time that it states is time for which the subject should have been
//! attested, so it is a gap wherever no other attestation counts. Tables, plots and files show what is computed here,
//! and compute nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use surety_core::{
    day::Day,
    ident::{Bytes32, EvmAddress, Name},
    units::Timestamp,
    words::{are, counted},
};

use super::{
    entry::{AuditEntry, Stated},
    finding::{Finding, FindingKind},
};

/// Number of 1970-01-01 among [days](Day::number).
const EPOCH_DAY: u64 = 719_162;

const DAY_SECONDS: u64 = 86_400;

/// How far back what rejected attestations state is looked at: nobody has verified it.
const LONGEST_STATED: u64 = 3_660 * DAY_SECONDS;

/// The solvency of subjects over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Each subject at each level of each policy.
    pub subjects: Vec<Series>,
    /// Each month for each level of each policy.
    pub months: Vec<Month>,
}

/// A subject at a level of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The policy.
    pub policy: Bytes32,
    /// What the policy calls itself, if its text is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<Name>,
    /// The level.
    pub level: Name,
    /// How many attestations are in order, or were until they lapsed.
    pub attestations: usize,
    /// How many attestations that say to be about the subject and the level are rejected.
    pub rejected: usize,
    /// Whether an attestation counts at the time of the audit.
    pub current: bool,
    /// From the start of the first attestation, in order or rejected, to the audit.
    pub observed: Span,
    /// For how many of these seconds it was attested.
    pub attested_seconds: u64,
    /// For how much of the time, in parts per million. Rounded down.
    pub attested_ppm: u64,
    /// The times at which it was attested, ascending and apart from each other.
    pub attested: Vec<Span>,
    /// The times at which it was not, between the first start and the last end of its attestations, in order or
    /// rejected.
    pub gaps: Vec<Span>,
    /// Its months, from the first start to the audit, or to the last end if that is earlier.
    pub months: Vec<SubjectMonth>,
}

/// A month of a subject at a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectMonth {
    /// As in `2026-11`, in UTC.
    pub month: String,
    /// Attestations that can have been made in it at the earliest.
    pub attestations: usize,
    /// How much of its [observed time](Series::observed) in it the subject was attested, in parts per million. Rounded
    /// down.
    pub attested_ppm: u64,
}

impl From<Month> for SubjectMonth {
    fn from(Month { month, attestations, attested_ppm, .. }: Month) -> Self {
        Self { month, attestations, attested_ppm }
    }
}

/// A time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The first second.
    pub from: Timestamp,
    /// The last second.
    pub until: Timestamp,
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
    /// Attestations that can have been made in it at the earliest.
    pub attestations: usize,
    /// Subjects whose [observed time](Series::observed) begins before its end.
    pub subjects: usize,
    /// Subjects that were attested in it.
    pub attested_subjects: usize,
    /// How much of their [observed time](Series::observed) in it the subjects were attested, in parts per million.
    /// Rounded down.
    pub attested_ppm: u64,
}

type Key = (Bytes32, Name, EvmAddress);

/// The times of a subject's attestations at a level.
#[derive(Default)]
struct Times {
    good: Vec<Span>,
    /// Those that rejected attestations state, as far as they are looked at.
    rejected: Vec<Span>,
    /// How many attestations are rejected.
    rejections: usize,
}

impl History {
    /// The history that attestations tell, up to a time. `names` are what policies call themselves.
    #[must_use]
    pub fn of<'e>(
        entries: impl IntoIterator<Item = &'e AuditEntry>,
        names: &BTreeMap<Bytes32, Name>,
        at: Timestamp,
    ) -> Self {
        let mut times: BTreeMap<Key, Times> = BTreeMap::new();
        for entry in entries {
            if let Some(claim) = &entry.claim {
                let times = times.entry((claim.policy.0, claim.level.clone(), claim.subject)).or_default();
                times.good.push(Span { from: claim.earliest, until: claim.valid_until });
            } else if let Some(stated) = &entry.stated {
                let times = times.entry((stated.policy.0, stated.level.clone(), stated.subject)).or_default();
                times.rejected.extend(stated_span(stated, at));
                times.rejections += 1;
            }
        }
        let mut subjects = Vec::with_capacity(times.len());
        let mut starts: BTreeMap<(Bytes32, Name), Vec<Timestamp>> = BTreeMap::new();
        for (key, times) in times {
            let own_starts: Vec<_> = times.good.iter().map(|span| span.from).collect();
            let name = names.get(&key.0).cloned();
            starts.entry((key.0, key.1.clone())).or_default().extend(&own_starts);
            let Some(mut series) = Series::of(key, name, times, at) else { continue };
            series.months = months(&[&series], &own_starts, at).into_iter().map(SubjectMonth::from).collect();
            subjects.push(series);
        }
        let months = starts.iter().flat_map(|((policy, level), starts)| {
            let series: Vec<_> =
                subjects.iter().filter(|series| series.policy == *policy && series.level == *level).collect();
            months(&series, starts, at)
        });
        Self { months: months.collect(), subjects }
    }

    /// The times at which a subject was attested no more, or not yet again.
    pub(super) fn lapses(&self) -> Vec<Finding> {
        let lapses = self.subjects.iter().filter_map(|series| {
            let longest = series.gaps.iter().map(|gap| gap.seconds(0, u64::MAX)).max()?;
            let (count, longest) = (counted(series.gaps.len(), "time"), counted(longest, "second"));
            let rejected = match series.rejected {
                0 => String::new(),
                rejected => format!(", and {} rejected", are(rejected, "attestation")),
            };
            let message = format!("{} was not attested {count}, for up to {longest}{rejected}", series.level);
            Some(Finding::notice(FindingKind::Lapse, Some(series.subject), message, []))
        });
        lapses.collect()
    }
}

impl Series {
    /// None if there are no attestations whose times are looked at.
    fn of(
        (policy, level, subject): Key,
        policy_name: Option<Name>,
        Times { mut good, rejected, rejections }: Times,
        at: Timestamp,
    ) -> Option<Self> {
        good.sort();
        let all = || good.iter().chain(&rejected);
        let from = all().map(|span| span.from).min()?;
        let last = all().map(|span| span.until).max()?.min(at);
        let (attestations, rejected) = (good.len(), rejections);
        let attested = merged(good);
        let observed = Span { from, until: at.max(from) };
        let (start, end) = (observed.from.0, observed.until.0.saturating_add(1));
        let attested_seconds: u64 = attested.iter().map(|span| span.seconds(start, end)).sum();
        let share = u128::from(attested_seconds) * 1_000_000 / u128::from(end - start).max(1);
        Some(Self {
            subject,
            policy,
            policy_name,
            level,
            attestations,
            rejected,
            current: attested.iter().any(|span| (span.from..=span.until).contains(&at)),
            observed,
            attested_seconds,
            attested_ppm: u64::try_from(share).unwrap_or(1_000_000),
            gaps: gaps(&attested, Span { from, until: last }),
            attested,
            months: Vec::new(),
        })
    }
}

/// The time that a rejected attestation states, up to the audit. None if it begins after the audit, longer before it
/// than is looked at, or after its own end.
fn stated_span(stated: &Stated, at: Timestamp) -> Option<Span> {
    let span = Span { from: stated.from, until: stated.valid_until.min(at) };
    (span.from.0 >= at.0.saturating_sub(LONGEST_STATED) && span.from <= span.until).then_some(span)
}

/// What `whole` has that no span does. Spans are ascending and apart from each other.
fn gaps(spans: &[Span], whole: Span) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut next = whole.from.0;
    for span in spans {
        if span.from.0 > next && next <= whole.until.0 {
            gaps.push(Span { from: Timestamp(next), until: Timestamp(span.from.0 - 1).min(whole.until) });
        }
        next = next.max(span.until.0.saturating_add(1));
    }
    if next <= whole.until.0 {
        gaps.push(Span { from: Timestamp(next), until: whole.until });
    }
    gaps
}

/// The share of some subjects that are attested, among those whose first attestation has begun, in parts per million:
/// when it changes, ascending, and what it is from then on, up to a time.
#[must_use]
pub fn coverage(series: &[&Series], at: Timestamp) -> Vec<(Timestamp, u64)> {
    // One more from the first second of a span, one fewer after its last.
    let mut changes: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
    for series in series {
        changes.entry(series.observed.from.0).or_default().1 += 1;
        for span in &series.attested {
            changes.entry(span.from.0).or_default().0 += 1;
            changes.entry(span.until.0.saturating_add(1)).or_default().0 -= 1;
        }
    }
    let (mut attested, mut observed) = (0_i64, 0_i64);
    let steps = changes.into_iter().filter(|(time, _)| *time <= at.0).map(|(time, change)| {
        (attested, observed) = (attested + change.0, observed + change.1);
        let share = attested.max(0).unsigned_abs() * 1_000_000 / observed.max(1).unsigned_abs();
        (Timestamp(time), share)
    });
    steps.collect()
}

impl Span {
    /// How many of its seconds are from `start` on and before `end`.
    fn seconds(&self, start: u64, end: u64) -> u64 {
        self.until.0.saturating_add(1).min(end).saturating_sub(self.from.0.max(start))
    }
}

/// Puts together what overlaps or touches. `spans` are in ascending order.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans.into_iter().filter(|span| span.from <= span.until) {
        match merged.last_mut() {
            Some(last) if span.from.0 <= last.until.0.saturating_add(1) => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    merged
}

/// The months of a level from its first attestation to the audit, or to the end of its last attestation if that is
/// earlier.
fn months(series: &[&Series], starts: &[Timestamp], Timestamp(at): Timestamp) -> Vec<Month> {
    let first = series.iter().map(|series| series.observed.from.0).min();
    let ends = series.iter().flat_map(|series| series.attested.iter().chain(&series.gaps)).map(|span| span.until.0);
    let last = ends.max().map(|last| last.min(at));
    let (Some(first), Some(last), Some(any)) = (first, last, series.first()) else {
        return Vec::new();
    };
    let mut months = Vec::new();
    let mut next = month_of(first);
    while let Some((name, start, end)) = next.filter(|(_, start, _)| *start <= last) {
        let until = end.min(at.saturating_add(1));
        let mut month = Month {
            month: name,
            policy: any.policy,
            policy_name: any.policy_name.clone(),
            level: any.level.clone(),
            attestations: starts.iter().filter(|time| (start..end).contains(&time.0)).count(),
            subjects: 0,
            attested_subjects: 0,
            attested_ppm: 0,
        };
        let (mut attested, mut observed) = (0_u128, 0_u128);
        for series in series {
            let began = series.observed.from.0;
            if began >= until {
                continue;
            }
            let seconds: u64 = series.attested.iter().map(|span| span.seconds(start, until)).sum();
            month.subjects += 1;
            month.attested_subjects += usize::from(seconds > 0);
            attested += u128::from(seconds);
            observed += u128::from(until - start.max(began));
        }
        month.attested_ppm = u64::try_from(attested * 1_000_000 / observed.max(1)).unwrap_or(1_000_000);
        months.push(month);
        next = month_of(end);
    }
    months
}

/// The month of a time: its name, its first second, and the first second after it. None after the year 9999.
fn month_of(seconds: u64) -> Option<(String, u64, u64)> {
    let number = u32::try_from(seconds / DAY_SECONDS + EPOCH_DAY).ok()?;
    let day = Day::numbered(number)?;
    let name = format!("{:04}-{:02}", day.year(), day.month());
    let start = |name: &str| Some((u64::from(Day::parse(&format!("{name}-01"))?.number()) - EPOCH_DAY) * DAY_SECONDS);
    let next = match day.month() {
        12 => format!("{:04}-01", day.year() + 1),
        month => format!("{:04}-{:02}", day.year(), month + 1),
    };
    Some((name.clone(), start(&name)?, start(&next)?))
}

#[cfg(test)]
mod tests {
    use surety_core::ident::HexBytes;
    use surety_verifier::attestation::{
        eip712::Audience,
        identifiers::{PolicyId, SnapshotId},
    };

    use super::*;
    use crate::audit::entry::{Established, Verdict};

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
            reason: None,
            stated: None,
            claim: Some(claim),
        }
    }

    fn names() -> BTreeMap<Bytes32, Name> {
        [(HexBytes([1; 32]), name("policy"))].into()
    }

    #[test]
    fn spans_are_merged_and_lapses_found() {
        let entries = [entry(1, 10, 19), entry(1, 20, 29), entry(1, 25, 27), entry(1, 40, 49), entry(2, 10, 12)];
        let history = History::of(&entries, &names(), Timestamp(44));
        let [first, second] = &history.subjects[..] else { panic!("two subjects") };
        let span = |from, until| Span { from: Timestamp(from), until: Timestamp(until) };
        assert_eq!(first.attested, [span(10, 29), span(40, 49)]);
        assert_eq!((first.attestations, first.attested_seconds, first.current), (4, 25, true));
        assert_eq!((second.attested_seconds, second.current), (3, false));
        let lapses = history.lapses();
        assert_eq!(lapses.len(), 1);
        assert_eq!(lapses[0].message, "initial was not attested once, for up to 10 seconds");
        assert_eq!(first.gaps, [span(30, 39)]);
        assert!(second.gaps.is_empty(), "what is after the last attestation is no gap in between");
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
            reason: None,
            stated: Some(stated),
            claim: None,
        }
    }

    /// Five of six attestations are rejected, and the last one counts: that is no time without lapses.
    #[test]
    fn rejects_to_count_the_time_of_rejected_attestations() {
        let span = |from, until| Span { from: Timestamp(from), until: Timestamp(until) };
        let mut entries: Vec<AuditEntry> = (0..5).map(|number| rejected(1, 100 * number, 100 * number + 99)).collect();
        entries.push(entry(1, 500, 599));
        let history = History::of(&entries, &names(), Timestamp(599));
        let [series] = &history.subjects[..] else { panic!("one subject") };
        assert_eq!((series.attestations, series.rejected, series.current), (1, 5, true));
        assert_eq!((series.observed, series.attested_seconds, series.attested_ppm), (span(0, 599), 100, 166_666));
        assert_eq!((&series.attested[..], &series.gaps[..]), (&[span(500, 599)][..], &[span(0, 499)][..]));
        assert_eq!(series.months[0].attested_ppm, 166_666);
        assert_eq!(history.months[0].attested_ppm, 166_666);
        assert_eq!(coverage(&[series], Timestamp(599)), [(Timestamp(0), 0), (Timestamp(500), 1_000_000)]);
        let [lapse] = &history.lapses()[..] else { panic!("one finding") };
        assert_eq!(
            lapse.message,
            "initial was not attested once, for up to 500 seconds, and 5 attestations are rejected"
        );
        // In the middle, at the end, and all of them.
        let entries = [entry(1, 0, 9), rejected(1, 10, 19), entry(1, 20, 29), rejected(1, 30, 39)];
        let history = History::of(&entries, &names(), Timestamp(100));
        assert_eq!(history.subjects[0].gaps, [span(10, 19), span(30, 39)]);
        let history = History::of(&entries[1..2], &names(), Timestamp(100));
        let series = &history.subjects[0];
        assert_eq!((series.attested_ppm, &series.gaps[..], series.current), (0, &[span(10, 19)][..], false));
        assert_eq!((history.months[0].subjects, history.months[0].attested_subjects), (1, 0));
        // Where another attestation counts, nothing is missing.
        let history = History::of(&[entry(1, 0, 100), rejected(1, 10, 19)], &names(), Timestamp(50));
        assert_eq!((history.subjects[0].attested_ppm, history.subjects[0].gaps.len()), (1_000_000, 0));
    }

    /// Attack: a forged file with times that nobody would attest, to have another's record show lapses.
    #[test]
    fn rejects_to_stretch_a_record_beyond_the_audit_and_ten_years_before() {
        let at = 100 * 366 * DAY_SECONDS;
        let good = entry(1, at - 100, at);
        let alone = History::of(std::slice::from_ref(&good), &names(), Timestamp(at));
        for (from, until) in [(0, 0), (0, at), (at + 1, at + 1_000), (at - 50, at - 60)] {
            let mut history = History::of(&[good.clone(), rejected(1, from, until)], &names(), Timestamp(at));
            assert!(history.lapses().is_empty());
            assert_eq!(std::mem::take(&mut history.subjects[0].rejected), 1, "it is told all the same");
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
            let history = History::of(&[rejected(1, from, until)], &names(), Timestamp(at));
            assert_eq!(history, History::default(), "from {from} to {until}");
        }
        let history = History::of(&[rejected(1, at - LONGEST_STATED, u64::MAX)], &names(), Timestamp(at));
        assert!(history.months.len() <= 122, "{} months", history.months.len());
        assert_eq!(history.subjects[0].observed.until.0, at);
    }

    #[test]
    fn shares_are_of_the_subjects_whose_first_attestation_has_begun() {
        let history = History::of(&[entry(1, 10, 19), entry(2, 15, 29)], &names(), Timestamp(40));
        let series: Vec<_> = history.subjects.iter().collect();
        let steps = coverage(&series, Timestamp(40));
        let expected = [(10, 1_000_000), (15, 1_000_000), (20, 500_000), (30, 0)];
        assert_eq!(steps, expected.map(|(time, share)| (Timestamp(time), share)));
    }

    #[test]
    fn months_are_summed_up() {
        // 2020-01-31T00:00:00Z, a day before February, which has 29 days.
        let start = 1_580_428_800;
        let day = DAY_SECONDS;
        let entries = [entry(1, start, start + 2 * day - 1), entry(2, start + day, start + 30 * day - 1)];
        let history = History::of(&entries, &names(), Timestamp(start + 60 * day));
        let months: Vec<_> = history
            .months
            .iter()
            .map(|month| {
                (&*month.month, month.attestations, month.subjects, month.attested_subjects, month.attested_ppm)
            })
            .collect();
        assert_eq!(months, [("2020-01", 1, 1, 1, 1_000_000), ("2020-02", 1, 2, 2, 30 * 1_000_000 / 58)]);
        let of_subjects: Vec<Vec<_>> = history.subjects.iter().map(|series| series.months.clone()).collect();
        let month = |month: &str, attestations, attested_ppm| SubjectMonth {
            month: month.to_owned(),
            attestations,
            attested_ppm,
        };
        let first = vec![month("2020-01", 1, 1_000_000), month("2020-02", 0, 1_000_000 / 29)];
        assert_eq!(of_subjects, [first, vec![month("2020-02", 1, 1_000_000)]]);
        assert_eq!(History::of(&[], &names(), Timestamp(0)), History::default());
    }

    #[test]
    fn times_beyond_the_calendar_have_no_month() {
        let history = History::of(&[entry(1, 5, u64::MAX)], &names(), Timestamp(DAY_SECONDS));
        assert_eq!(history.months.len(), 1);
        assert_eq!(month_of(u64::MAX), None);
        assert_eq!(month_of(0).unwrap().0, "1970-01");
    }
}
