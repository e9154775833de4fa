//! The terms of an audit, as its engagement letter has them: for whom, by whom, over which period, and who is expected
//! to be attested.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, not_empty, repeated, require},
    spelling::iso_time,
    text::{Document, WrittenBy},
    units::{Seconds, Timestamp},
};
use surety_verifier::attestation::identifiers::PolicyId;

const DAY_SECONDS: u64 = 86_400;

/// The terms of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engagement {
    /// The format.
    pub kind: KindOf<Engagement>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The client, as the report names it.
    pub client: String,
    /// The preparer of the working paper.
    pub preparer: String,
    /// The reviewer of the working paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
    /// The period over which coverage is measured.
    pub period: Period,
    /// The longest time without an attestation that is tolerated, in seconds. A longer one is a finding.
    #[serde(default, skip_serializing_if = "Seconds::is_zero")]
    pub tolerance: Seconds,
    /// The subjects that are expected to be attested, at every expected level.
    pub subjects: Vec<ExpectedSubject>,
    /// The policies under which they are expected to be attested.
    pub policies: Vec<ExpectedPolicy>,
    /// Trust files, used like those of `--trust`. Their paths are relative to this file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<PathBuf>,
}

/// A period, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first second.
    pub from: Timestamp,
    /// The last second.
    pub to: Timestamp,
}

/// A subject, and the name that the report gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedSubject {
    /// The name.
    pub name: String,
    /// The address.
    pub address: EvmAddress,
}

/// A policy, and the levels of it that are expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPolicy {
    /// The policy.
    pub policy: PolicyId,
    /// The levels.
    pub levels: Vec<Name>,
}

impl Kinded for Engagement {
    const KIND: Kind = Kind::Engagement;
}

impl Document for Engagement {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.period.problems();
        let named = |path: &str, text: &str| require(!text.trim().is_empty(), path, "a name", "nothing");
        problems.extend(named("client", &self.client));
        problems.extend(named("preparer", &self.preparer));
        problems.extend(self.reviewer.as_deref().and_then(|reviewer| named("reviewer", reviewer)));
        problems.extend(not_empty("subjects", &self.subjects));
        problems.extend(not_empty("policies", &self.policies));
        for (i, subject) in self.subjects.iter().enumerate() {
            problems.extend(named(&format!("subjects[{i}].name"), &subject.name));
        }
        let names = self.subjects.iter().map(|subject| &subject.name);
        problems.extend(repeated(names, |i| format!("subjects[{i}].name"), "a name that no other subject has"));
        let addresses = self.subjects.iter().map(|subject| &subject.address);
        problems.extend(repeated(addresses, |i| format!("subjects[{i}].address"), "each subject once"));
        let policies = self.policies.iter().map(|expected| &expected.policy.0);
        problems.extend(repeated(policies, |i| format!("policies[{i}].policy"), "each policy once"));
        for (i, expected) in self.policies.iter().enumerate() {
            problems.extend(not_empty(&format!("policies[{i}].levels"), &expected.levels));
            problems.extend(repeated(&expected.levels, |k| format!("policies[{i}].levels[{k}]"), "each level once"));
        }
        problems
    }
}

impl Engagement {
    /// The name of a subject.
    pub(super) fn name_of(&self, address: EvmAddress) -> Option<&str> {
        let mut subjects = self.subjects.iter();
        subjects.find(|subject| subject.address == address).map(|subject| subject.name.as_str())
    }
}

impl Period {
    fn problems(&self) -> Vec<Problem> {
        let Self { from, to } = *self;
        let mut problems = Vec::from_iter(require(from < to, "period.to", "a time after period.from", iso_time(to)));
        // A date is read as its first second, so that the day would be left out.
        let midnight = to.0.is_multiple_of(DAY_SECONDS) && from < to;
        let expected = "the last second of the period, such as 2026-12-31T23:59:59Z";
        problems.extend(require(!midnight, "period.to", expected, format!("{}, the first of a day", iso_time(to))));
        problems
    }
}

#[cfg(test)]
mod tests {
    use surety_core::schema::schema;
    use surety_testing::schemas::assert_published;

    use super::*;

    const GOOD: &str = r#"
kind = "surety/engagement"
version = 1
client = "Meridian Capital LLP"
preparer = "A. Preparer"
reviewer = "B. Reviewer"
tolerance = "10m"
trust = ["trust.toml"]

[period]
from = 2026-01-01
to = 2026-12-31T23:59:59Z

[[subjects]]
name = "Fund I"
address = "0x0101010101010101010101010101010101010101"

[[policies]]
policy = "0x0202020202020202020202020202020202020202020202020202020202020202"
levels = ["initial"]
"#;

    fn read(text: &str) -> Result<Engagement, String> {
        Engagement::from_toml("engagement.toml", text).map_err(|error| error.to_string())
    }

    /// After a change of a type, `UPDATE=1 cargo nextest run -p surety-audit schemas` writes the schemas anew.
    #[test]
    fn schemas_of_engagements_are_published() {
        assert_published("engagement", &schema::<Engagement>());
    }

    #[test]
    fn an_engagement_is_read_as_people_write_it() {
        let engagement = read(GOOD).unwrap();
        assert_eq!(engagement.tolerance, Seconds(600));
        assert_eq!(engagement.period, Period { from: Timestamp(1_767_225_600), to: Timestamp(1_798_761_599) });
        assert_eq!(engagement.name_of(engagement.subjects[0].address), Some("Fund I"));
        assert_eq!(engagement.name_of(EvmAddress::ZERO), None);
    }

    /// A date is its first second: the last day would be left out without a word.
    #[test]
    fn rejects_a_period_that_leaves_out_its_last_day() {
        let error = read(&GOOD.replace("2026-12-31T23:59:59Z", "2026-12-31")).unwrap_err();
        assert!(error.contains("period.to: expected the last second of the period"), "{error}");
    }

    #[test]
    fn rejects_engagements_that_expect_nothing_or_something_twice() {
        let subjects = &GOOD[GOOD.find("[[subjects]]").unwrap()..GOOD.find("[[policies]]").unwrap()];
        let policies = &GOOD[GOOD.find("[[policies]]").unwrap()..];
        let again = subjects.replace("Fund I", "Fund II");
        for (text, part) in [
            (GOOD.replace("Meridian Capital LLP", " "), "client: expected a name"),
            (GOOD.replace("B. Reviewer", ""), "reviewer: expected a name"),
            (GOOD.replace("2026-12-31T23:59:59Z", "2025-12-31T23:59:59Z"), "period.to: expected a time after"),
            (GOOD.replace(subjects, "").replace("version = 1\n", "version = 1\nsubjects = []\n"), "subjects: expected"),
            (GOOD.replace("levels = [\"initial\"]", "levels = []"), "policies[0].levels"),
            (GOOD.replace("[\"initial\"]", "[\"initial\", \"initial\"]"), "each level once"),
            (format!("{GOOD}{policies}"), "each policy once"),
            (format!("{GOOD}{again}"), "each subject once"),
            (format!("{GOOD}{}", subjects.replace("0101", "0303")), "a name that no other subject has"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
