//! When each subject was attested: from the earliest moment at which an attestation can have been made to the last second at
//! which it counts. Lapsed attestations count for their time.

use std::collections::BTreeMap;

use serde::Serialize;
use surety_calibration::day::Day;
use surety_margin::{
    ident::{Bytes32, EvmAddress, Name},
    units::Timestamp,
};

use super::{
    entry::Entry,
    finding::{Finding, Kind},
};

/// Number of 1970-01-01 among [days](Day::number).
const EPOCH_DAY: u64 = 719_162;

const DAY_SECONDS: u64 = 86_400;

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
    /// What the policy calls itself.
    pub policy_name: Name,
    /// The level.
    pub level: Name,
    /// How many attestations.
    pub attestations: usize,
    /// Whether one of them counts at the time of the audit.
    pub current: bool,
    /// For how many seconds it was attested until then.
    pub attested_seconds: u64,
    /// The times at which it was attested, ascending and apart from each other.
    pub attested: Vec<Span>,
    /// Its months, from its first attestation to the audit, or to the end of its last attestation if that is earlier.
    pub months: Vec<SubjectMonth>,
}

/// A month of a subject at a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectMonth {
    /// As in `2026-11`, in UTC.
    pub month: String,
    /// Attestations that can have been made in it at the earliest.
    pub attestations: usize,
    /// How much of its time the subject was attested, in parts per million, from its first attestation on, up to the audit.
    /// Rounded down.
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
    /// What the policy calls itself.
    pub policy_name: Name,
    /// The level.
    pub level: Name,
    /// Attestations that can have been made in it at the earliest.
    pub attestations: usize,
    /// Subjects that were attested before its end, at some time.
    pub subjects: usize,
    /// Subjects that were attested in it.
    pub attested_subjects: usize,
    /// How much of its time they were attested, in parts per million, from each subject's first attestation on, up to the
    /// audit. Rounded down.
    pub attested_ppm: u64,
}

type Key = (Bytes32, Name, EvmAddress);

impl History {
    /// The history that attestations tell, up to a time.
    #[must_use]
    pub fn of(entries: &[Entry], at: Timestamp) -> Self {
        let mut spans: BTreeMap<Key, (Name, Vec<Span>)> = BTreeMap::new();
        for claim in entries.iter().filter_map(|entry| entry.claim.as_ref()) {
            let key = (claim.policy.0, claim.level.clone(), claim.subject);
            let (_, spans) = spans.entry(key).or_insert_with(|| (claim.policy_name.clone(), Vec::new()));
            spans.push(Span { from: claim.earliest, until: claim.valid_until });
        }
        let mut subjects = Vec::with_capacity(spans.len());
        let mut starts: BTreeMap<(Bytes32, Name), Vec<Timestamp>> = BTreeMap::new();
        for ((policy, level, subject), (policy_name, mut spans)) in spans {
            spans.sort();
            let own_starts: Vec<_> = spans.iter().map(|span| span.from).collect();
            starts.entry((policy, level.clone())).or_default().extend(&own_starts);
            let attestations = spans.len();
            let attested = merged(spans);
            let current = attested.iter().any(|span| (span.from..=span.until).contains(&at));
            let attested_seconds = attested.iter().map(|span| span.seconds(0, at.0.saturating_add(1))).sum();
            let mut series = Series {
                subject,
                policy,
                policy_name,
                level,
                attestations,
                current,
                attested_seconds,
                attested,
                months: Vec::new(),
            };
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
        let gaps = self.subjects.iter().filter_map(|series| {
            let gaps = series.attested.windows(2).filter_map(|pair| Some((pair.first()?.until.0, pair.get(1)?.from.0)));
            let lengths: Vec<u64> = gaps.map(|(end, start)| start - end - 1).collect();
            let longest = lengths.iter().max()?;
            let (count, level) = (lengths.len(), &series.level);
            let message = format!("{level} was not attested {count} times in between, for up to {longest} seconds");
            Some(Finding::notice(Kind::Lapse, Some(series.subject), message, []))
        });
        gaps.collect()
    }
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

/// The months of a level from its first attestation to the audit, or to the end of its last attestation if that is earlier.
fn months(series: &[&Series], starts: &[Timestamp], Timestamp(at): Timestamp) -> Vec<Month> {
    let spans = || series.iter().flat_map(|series| &series.attested);
    let first = spans().map(|span| span.from.0).min();
    let last = spans().map(|span| span.until.0).max().map(|last| last.min(at));
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
            let Some(began) = series.attested.first().map(|span| span.from.0).filter(|began| *began < until) else {
                continue;
            };
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
    use surety_margin::ident::HexBytes;
    use surety_verifier::{
        eip712::Audience,
        ids::{PolicyId, SnapshotId},
    };

    use super::*;
    use crate::audit::entry::{Established, Verdict};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn entry(subject: u8, from: u64, until: u64) -> Entry {
        let claim = Established {
            subject: HexBytes([subject; 20]),
            level: name("initial"),
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
            insecure_srs: false,
            faith: Vec::new(),
            sources: Vec::new(),
        };
        Entry { file: "./a".to_owned(), verdict: Verdict::Accepted, reason: None, stated: None, claim: Some(claim) }
    }

    #[test]
    fn spans_are_merged_and_lapses_found() {
        let entries = [entry(1, 10, 19), entry(1, 20, 29), entry(1, 25, 27), entry(1, 40, 49), entry(2, 10, 12)];
        let history = History::of(&entries, Timestamp(44));
        let [first, second] = &history.subjects[..] else { panic!("two subjects") };
        let span = |from, until| Span { from: Timestamp(from), until: Timestamp(until) };
        assert_eq!(first.attested, [span(10, 29), span(40, 49)]);
        assert_eq!((first.attestations, first.attested_seconds, first.current), (4, 25, true));
        assert_eq!((second.attested_seconds, second.current), (3, false));
        let lapses = history.lapses();
        assert_eq!(lapses.len(), 1);
        assert!(lapses[0].message.contains("for up to 10 seconds"), "{}", lapses[0].message);
    }

    #[test]
    fn months_are_summed_up() {
        // 2020-01-31T00:00:00Z, a day before February, which has 29 days.
        let start = 1_580_428_800;
        let day = DAY_SECONDS;
        let entries = [entry(1, start, start + 2 * day - 1), entry(2, start + day, start + 30 * day - 1)];
        let history = History::of(&entries, Timestamp(start + 60 * day));
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
        assert_eq!(History::of(&[], Timestamp(0)), History::default());
    }

    #[test]
    fn times_beyond_the_calendar_have_no_month() {
        let history = History::of(&[entry(1, 5, u64::MAX)], Timestamp(DAY_SECONDS));
        assert_eq!(history.months.len(), 1);
        assert_eq!(month_of(u64::MAX), None);
        assert_eq!(month_of(0).unwrap().0, "1970-01");
    }
}
