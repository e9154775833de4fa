//! Rows of the tables that the text and the page have in common.

use surety::audit::history::{History, Month, Series, SubjectMonth};

use super::percent;

/// Each month of each level: the month, its policy, the level, attestations, subjects attested, and the share of the time.
pub(super) fn months(history: &History) -> Vec<[String; 6]> {
    let row = |month: &Month| {
        [
            month.month.clone(),
            month.policy_name.to_string(),
            month.level.to_string(),
            month.attestations.to_string(),
            format!("{} of {}", month.attested_subjects, month.subjects),
            percent(month.attested_ppm),
        ]
    };
    history.months.iter().map(row).collect()
}

/// Each month of each subject at each level: the subject, the policy, the level, the month, attestations, and the share of the
/// time.
pub(super) fn months_of_subjects(history: &History) -> Vec<[String; 6]> {
    let row = |series: &Series, month: &SubjectMonth| {
        [
            series.subject.to_string(),
            series.policy_name.to_string(),
            series.level.to_string(),
            month.month.clone(),
            month.attestations.to_string(),
            percent(month.attested_ppm),
        ]
    };
    let rows = |series: &Series| series.months.iter().map(|month| row(series, month)).collect::<Vec<_>>();
    history.subjects.iter().flat_map(rows).collect()
}
