//! Rows of tables, and labels of policies, shared by the text and the page.

use std::collections::BTreeMap;

use surety_core::{
    ident::{Bytes32, Name},
    shown::Screen,
    spelling::iso_time,
    visible::one_line,
    words::counted,
};

use super::facts::percent;
use crate::audit::history::{Gap, History, Month, Series, SubjectMonth, share_of};

/// The label of each policy: its name, followed by the start of its identifier where several policies share the name.
pub(super) fn policies(history: &History) -> BTreeMap<Bytes32, String> {
    let names: BTreeMap<Bytes32, Option<&Name>> =
        history.subjects.iter().map(|series| (series.policy, series.policy_name.as_ref())).collect();
    let label = |(id, name): (&Bytes32, &Option<&Name>)| {
        let is_only = names.values().filter(|other| *other == name).count() == 1;
        let label = match name {
            Some(name) if is_only => name.to_string(),
            Some(name) => format!("{name} ({:.10}…)", id.to_string()),
            None => format!("unknown ({:.10}…)", id.to_string()),
        };
        (*id, label)
    };
    names.iter().map(label).collect()
}

/// The subjects of each level, by the label of the policy. Levels of different policies stay apart, whatever their
/// names.
#[must_use]
pub fn levels(history: &History) -> Vec<([String; 2], Vec<&Series>)> {
    let policies = policies(history);
    let mut levels: BTreeMap<(Option<&Name>, Bytes32, &Name), Vec<&Series>> = BTreeMap::new();
    for series in &history.subjects {
        levels.entry((series.policy_name.as_ref(), series.policy, &series.level)).or_default().push(series);
    }
    let row = |((_, policy, level), series): ((_, Bytes32, &Name), _)| {
        ([called(&policies, &policy), level.to_string()], series)
    };
    levels.into_iter().map(row).collect()
}

/// The coverage of each level: policy, level, valid and rejected attestations, subjects, subjects attested at the time
/// of the audit, and the share of the time.
#[must_use]
pub fn coverage_of_levels(history: &History, screen: Screen) -> Vec<[String; 7]> {
    let row = |([policy, level], series): ([String; 2], Vec<&Series>)| {
        let sum = |count: fn(&Series) -> usize| screen.count(series.iter().map(|series| count(series)).sum::<usize>());
        [
            policy,
            level,
            sum(|series| series.attestations),
            sum(|series| series.rejected),
            screen.count(series.len()),
            sum(|series| usize::from(series.current)),
            percent(share_of(&series)),
        ]
    };
    levels(history).into_iter().map(row).collect()
}

/// Each month of each level: the month, its policy, the level, attestations, attested subjects, and the share of the
/// time.
#[must_use]
pub fn months(history: &History) -> Vec<[String; 6]> {
    let policies = policies(history);
    let row = |month: &Month| {
        [
            month.month.clone(),
            called(&policies, &month.policy),
            month.level.to_string(),
            month.attestations.to_string(),
            format!("{} of {}", month.attested_subjects, month.subjects),
            percent(month.attested_ppm),
        ]
    };
    history.months.iter().map(row).collect()
}

/// Each month of each subject at each level: the subject, the policy, the level, the month, attestations, and the share
/// of the time.
#[must_use]
pub fn months_of_subjects(history: &History) -> Vec<[String; 6]> {
    let policies = policies(history);
    let row = |series: &Series, month: &SubjectMonth| {
        [
            named(series),
            called(&policies, &series.policy),
            series.level.to_string(),
            month.month.clone(),
            month.attestations.to_string(),
            percent(month.attested_ppm),
        ]
    };
    let rows = |series: &Series| series.months.iter().map(|month| row(series, month)).collect::<Vec<_>>();
    history.subjects.iter().flat_map(rows).collect()
}

/// Each subject at each level: the subject, the policy, the level, valid and rejected attestations, the end of the last
/// attestation, gaps, and the share of the time.
#[must_use]
pub fn subjects(history: &History) -> Vec<[String; 8]> {
    let policies = policies(history);
    let row = |series: &Series| {
        let until = series.attested.last().map(|span| iso_time(span.until));
        [
            named(series),
            called(&policies, &series.policy),
            series.level.to_string(),
            series.attestations.to_string(),
            series.rejected.to_string(),
            match until {
                Some(until) if series.current => format!("until {until}"),
                Some(until) => format!("lapsed {until}"),
                None => "never".to_owned(),
            },
            series.gaps.iter().filter(|gap| !gap.tolerated).count().to_string(),
            percent(series.attested_ppm),
        ]
    };
    history.subjects.iter().map(row).collect()
}

/// Each gap: the subject, the policy, the level, its first and last second, its length, and why it is one.
#[must_use]
pub fn gaps(history: &History) -> Vec<[String; 7]> {
    let policies = policies(history);
    let row = |series: &Series, gap: &Gap| {
        let cause = match gap.rejected {
            0 => "missing".to_owned(),
            rejected => counted(rejected, "rejected attestation"),
        };
        [
            named(series),
            called(&policies, &series.policy),
            series.level.to_string(),
            iso_time(gap.span.from),
            iso_time(gap.span.until),
            counted(gap.span.length(), "second"),
            if gap.tolerated { format!("{cause}, tolerated") } else { cause },
        ]
    };
    let rows = |series: &Series| series.gaps.iter().map(|gap| row(series, gap)).collect::<Vec<_>>();
    history.subjects.iter().flat_map(rows).collect()
}

/// The address of a subject, with the name that the engagement gives it.
fn named(series: &Series) -> String {
    let name = series.subject_name.as_ref().map(|name| format!(" {}", one_line(name))).unwrap_or_default();
    format!("{}{name}", series.subject)
}

/// The label of a policy, from [`policies`].
pub(super) fn called(policies: &BTreeMap<Bytes32, String>, policy: &Bytes32) -> String {
    policies.get(policy).cloned().unwrap_or_default()
}

/// A history in which two policies share one name and a third has another: a level and a subject of each.
#[cfg(test)]
pub(super) fn namesakes() -> History {
    use crate::audit::history::Span;
    use surety_core::{ident::HexBytes, units::Timestamp};

    let name = |text: &str| Name::new(text).unwrap();
    let policies = [(1, "house"), (2, "house"), (3, "other")].map(|(byte, text)| (HexBytes([byte; 32]), name(text)));
    let series = policies.clone().map(|(policy, policy_name)| Series {
        subject: HexBytes([9; 20]),
        subject_name: None,
        policy,
        policy_name: Some(policy_name),
        level: name("initial"),
        attestations: 1,
        rejected: 0,
        overlapping: 0,
        current: true,
        observed: Span { from: Timestamp(10), until: Timestamp(30) },
        observed_seconds: 21,
        attested_seconds: 10,
        attested_ppm: 476_190,
        attested: vec![Span { from: Timestamp(10), until: Timestamp(19) }],
        gaps: Vec::new(),
        months: vec![SubjectMonth {
            month: "1970-01".into(),
            attestations: 1,
            observed_seconds: 21,
            attested_seconds: 10,
            attested_ppm: 476_190,
        }],
    });
    let months = policies.map(|(policy, policy_name)| Month {
        month: "1970-01".into(),
        policy,
        policy_name: Some(policy_name),
        level: name("initial"),
        attestations: 1,
        subjects: 1,
        attested_subjects: 1,
        observed_seconds: 21,
        attested_seconds: 10,
        attested_ppm: 476_190,
    });
    History { subjects: series.into(), months: months.into(), ..History::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLED: [&str; 3] = ["house (0x01010101…)", "house (0x02020202…)", "other"];

    #[test]
    fn policies_of_one_name_are_told_apart() {
        let history = namesakes();
        let levels = levels(&history);
        let rows: Vec<_> = levels.iter().map(|([policy, level], series)| (&**policy, &**level, series.len())).collect();
        assert_eq!(rows, CALLED.map(|policy| (policy, "initial", 1)));
        assert_eq!(months(&history).iter().map(|row| &*row[1]).collect::<Vec<_>>(), CALLED);
        assert_eq!(months_of_subjects(&history).iter().map(|row| &*row[1]).collect::<Vec<_>>(), CALLED);
    }
}
