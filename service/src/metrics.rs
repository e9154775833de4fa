//! Numbers for Prometheus, by its conventions for names and units. None depends on hidden balances, but for one bit a
//! holder asks for: that an account is below the headroom of its configuration.

use std::{fmt, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use surety_core::units::Timestamp;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RoleLabel {
    /// Its kind: source, oracle, holder, keeper or auditor.
    pub kind: String,
    /// Its name.
    pub role: String,
}

impl fmt::Display for RoleLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.role)
    }
}

/// Something that a role keeps up to date: an account, a level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SubjectLabel {
    /// The role's name.
    pub role: String,
    /// The account or the level.
    pub of: String,
}

/// Answers of the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: u16,
}

/// Seconds since 1970.
type Time = Gauge<i64, std::sync::atomic::AtomicI64>;

/// The numbers of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Rounds of a role that went well.
    pub rounds: Family<RoleLabel, Counter<u64, AtomicU64>>,
    /// Rounds of a role that failed.
    pub failures: Family<RoleLabel, Counter<u64, AtomicU64>>,
    /// Duration of rounds.
    pub durations: Family<RoleLabel, Histogram>,
    /// When a role's last round went well.
    pub succeeded_at: Family<RoleLabel, Time>,
    /// When a source's newest statement about an account lapses.
    pub statement_valid_until: Family<SubjectLabel, Time>,
    /// When a holder's newest attestation of a level lapses.
    pub attestation_valid_until: Family<SubjectLabel, Time>,
    /// Whether an account is below the headroom of its holder's configuration.
    pub headroom_low: Family<SubjectLabel, Gauge>,
    /// Whether an account that a keeper watches does not attest.
    pub account_insufficient: Family<SubjectLabel, Gauge>,
    /// What a keeper has done.
    pub keeper_actions: Family<SubjectLabel, Counter<u64, AtomicU64>>,
    /// Attestations that an auditor accepts.
    pub accepted: Family<RoleLabel, Gauge>,
    /// Attestations that an auditor rejects.
    pub rejected: Family<RoleLabel, Gauge>,
    answers: Family<StatusLabel, Counter<u64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("surety");
        let histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let metrics = Self {
            rounds: Family::default(),
            failures: Family::default(),
            durations: Family::new_with_constructor(histogram as fn() -> Histogram),
            succeeded_at: Family::default(),
            statement_valid_until: Family::default(),
            attestation_valid_until: Family::default(),
            headroom_low: Family::default(),
            account_insufficient: Family::default(),
            keeper_actions: Family::default(),
            accepted: Family::default(),
            rejected: Family::default(),
            answers: Family::default(),
            registry: Registry::default(),
        };
        registry.register("role_rounds", "Rounds of a role that went well", metrics.rounds.clone());
        registry.register("role_failures", "Rounds of a role that failed", metrics.failures.clone());
        registry.register("role_round_seconds", "Duration of a role's rounds", metrics.durations.clone());
        let help = "When the last round of a role went well";
        registry.register("role_success_timestamp_seconds", help, metrics.succeeded_at.clone());
        let help = "When the newest statement about an account lapses";
        registry.register("statement_lapse_timestamp_seconds", help, metrics.statement_valid_until.clone());
        let help = "When the newest attestation of a level lapses";
        registry.register("attestation_lapse_timestamp_seconds", help, metrics.attestation_valid_until.clone());
        let help = "Whether an account is below the headroom of the configuration";
        registry.register("headroom_low", help, metrics.headroom_low.clone());
        let help = "Whether an account that is watched on a chain does not attest";
        registry.register("account_insufficient", help, metrics.account_insufficient.clone());
        registry.register("keeper_actions", "Transactions of a keeper", metrics.keeper_actions.clone());
        registry.register("audit_accepted", "Attestations that the last audit accepts", metrics.accepted.clone());
        registry.register("audit_rejected", "Attestations that the last audit rejects", metrics.rejected.clone());
        registry.register("http_answers", "Answers of the server, by status", metrics.answers.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts an answer of the server.
    pub fn answered(&self, status: u16) {
        self.answers.get_or_create(&StatusLabel { status }).inc();
    }

    /// All of them, in the text format of OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        encode(&mut text, &self.registry).map_or_else(|_| String::new(), |()| text)
    }
}

/// A time as a gauge.
#[must_use]
pub fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_units_follow_the_conventions() {
        let metrics = Metrics::default();
        let role = RoleLabel { kind: "holder".to_owned(), role: "fund".to_owned() };
        metrics.rounds.get_or_create(&role).inc();
        metrics.durations.get_or_create(&role).observe(0.2);
        metrics.answered(200);
        let text = metrics.text();
        for line in [
            "# TYPE surety_role_rounds counter",
            "surety_role_rounds_total{kind=\"holder\",role=\"fund\"} 1",
            "surety_role_round_seconds_count{kind=\"holder\",role=\"fund\"} 1",
            "surety_http_answers_total{status=\"200\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
