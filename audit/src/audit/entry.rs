//! The verdict on one attestation.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    spelling::iso_time,
    text::toml_keys,
    units::{Ppm, Timestamp},
};
use surety_margin::level::Claimed;
use surety_verifier::attestation::{
    check::Accepted,
    claim::{Attestation, Claim},
    eip712::Audience,
    identifiers::{PolicyId, SnapshotId},
    rejection::Rule,
    trust::Faith,
    vault::DrawnVault,
};

use super::faith::objects;

/// What an audit makes of an attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything is in order.
    Accepted,
    /// Everything was in order until it lapsed.
    Lapsed,
    /// Something is not in order.
    Rejected,
}

/// An attestation, and what an audit makes of it.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// The file, from the audited directory on.
    pub file: String,
    /// What is made of it.
    pub verdict: Verdict,
    /// The SHA-256 of its bytes, if they could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Bytes32>,
    /// Why it is not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it claims, of no value where it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
    /// What it establishes, unless it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Established>,
}

/// What a file says, unverified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The level of the policy.
    pub level: Name,
    /// The policy.
    pub policy: PolicyId,
    /// The market's epoch, if the file has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// When the newest balances were held: it cannot have been made before that.
    pub from: Timestamp,
    /// The last second at which it is to count.
    pub valid_until: Timestamp,
}

impl Stated {
    /// What a file says that is no attestation of this version, whatever else is wrong with it. None if it says too
    /// little.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}');
        // Something may follow.
        let first = serde_json::Deserializer::from_str(text).into_iter().next();
        let content: Value = first.and_then(Result::ok).or_else(|| toml_keys(text))?;
        let claim = content.get("claim")?;
        let valid_until = part(claim, "valid_until")?;
        let statements = claim.get("statements").and_then(Value::as_array).into_iter().flatten();
        let newest = statements.filter_map(|statement| part(statement, "as_of")).max();
        Some(Self {
            subject: part(claim, "subject")?,
            level: part(claim, "level")?,
            policy: part(claim, "policy")?,
            epoch: part(claim, "epoch"),
            from: newest.unwrap_or(valid_until),
            valid_until,
        })
    }
}

fn part<T: DeserializeOwned>(value: &Value, key: &str) -> Option<T> {
    serde_json::from_value(value.get(key)?.clone()).ok()
}

/// What an attestation establishes.
#[derive(Clone, Debug, Serialize)]
pub struct Established {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The level of the policy.
    pub level: Name,
    /// Whether they satisfy it, or are short of it.
    #[serde(skip_serializing_if = "Claimed::is_sufficient")]
    pub claim: Claimed,
    /// The multiple of the requirement that they do not cover, where the level is a band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Ppm>,
    /// The policy.
    pub policy: PolicyId,
    /// What the policy calls itself.
    pub policy_name: Name,
    /// The registry that it counts for.
    pub audience: Audience,
    /// The market's epoch.
    pub epoch: u64,
    /// The market snapshot.
    pub snapshot: SnapshotId,
    /// When the oldest prices were observed.
    pub prices_at: Timestamp,
    /// When the oldest balances were held.
    pub balances_at: Timestamp,
    /// The earliest moment at which it can have been made.
    pub earliest: Timestamp,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// Whether every account is pledged to the policy.
    pub pledged: bool,
    /// The market entries that have moved further than the policy's circuit breaker allows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<Name>,
    /// The vault that it draws on, in the state that the auditor has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<DrawnVault>,
    /// Whether the set-up's secret is known to everybody.
    pub insecure_srs: bool,
    /// What was taken on faith.
    #[serde(serialize_with = "objects")]
    pub faith: Vec<Faith>,
    /// The sources that have stated balances.
    pub sources: Vec<EvmAddress>,
}

/// Why an attestation is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A word for programs: the rule that is broken, or what cannot be read.
    pub code: String,
    /// The kind of fault.
    pub class: Class,
    /// Where the fault is.
    pub input: String,
    /// What was expected there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// A sentence for people, with what to do.
    pub message: String,
}

impl Reason {
    /// The reason that an error is.
    #[must_use]
    pub fn of(error: &dyn Failure) -> Self {
        let first = error.problems().into_iter().next();
        let place = |problem: &LocatedProblem| match (&*problem.input, &*problem.problem.path) {
            (input, "") => input.to_owned(),
            (_, path) => path.to_owned(),
        };
        Self {
            code: error.code().into_owned(),
            class: error.class(),
            input: first.as_ref().map(place).unwrap_or_default(),
            expected: first.as_ref().map(|problem| problem.problem.expected.clone()).unwrap_or_default(),
            found: first.map(|problem| problem.problem.found).unwrap_or_default(),
            message: surety_core::visible::visible(&error.to_string()),
        }
    }

    pub(super) fn lapsed(valid_until: Timestamp, at: Timestamp) -> Self {
        let rejection = surety_verifier::Rejection::new(
            Rule::Lapsed,
            "attestation: valid until",
            format!("{}, the time of the audit, or later", iso_time(at)),
            iso_time(valid_until),
        );
        Self::of(&rejection)
    }
}

impl AuditEntry {
    /// A file that is no attestation though it should be one, and what it says all the same.
    pub(super) fn unreadable(file: String, error: &dyn Failure, stated: Option<Stated>) -> Self {
        let reason = Some(Reason::of(error));
        Self { file, verdict: Verdict::Rejected, sha256: None, reason, stated, claim: None }
    }

    /// An attestation that breaks a rule.
    pub(super) fn refused(file: String, claim: &Claim, reason: Reason) -> Self {
        let newest = claim.statements.iter().map(|statement| statement.as_of).max();
        let stated = Stated {
            subject: claim.subject,
            level: claim.level.clone(),
            policy: claim.policy,
            epoch: Some(claim.epoch),
            from: newest.unwrap_or(claim.valid_until),
            valid_until: claim.valid_until,
        };
        let (reason, stated) = (Some(reason), Some(stated));
        Self { file, verdict: Verdict::Rejected, sha256: None, reason, stated, claim: None }
    }

    /// An attestation in order, though it may have lapsed before a given time; then that is given.
    pub(super) fn good(file: String, claim: &Claim, accepted: Accepted, lapsed_at: Option<Timestamp>) -> Self {
        let established = Established {
            subject: accepted.subject,
            level: accepted.level,
            claim: accepted.claim,
            below: accepted.below,
            policy: accepted.policy_id,
            policy_name: accepted.policy,
            audience: accepted.audience,
            epoch: accepted.epoch,
            snapshot: claim.snapshot,
            prices_at: accepted.prices_at,
            balances_at: accepted.balances_at,
            earliest: accepted.earliest,
            valid_until: accepted.valid_until,
            pledged: accepted.pledged,
            marked: accepted.marked,
            vault: accepted.vault,
            insecure_srs: accepted.insecure_srs,
            faith: accepted.faith,
            sources: claim.statements.iter().map(|statement| statement.source).collect(),
        };
        let reason = lapsed_at.map(|at| Reason::lapsed(claim.valid_until, at));
        let verdict = if reason.is_some() { Verdict::Lapsed } else { Verdict::Accepted };
        Self { file, verdict, sha256: None, reason, stated: None, claim: Some(established) }
    }

    /// Its proof is not valid after all.
    pub(super) fn refuse(&mut self, reason: Reason) {
        self.stated = self.claim.take().map(|claim| Stated {
            subject: claim.subject,
            level: claim.level,
            policy: claim.policy,
            epoch: Some(claim.epoch),
            from: claim.earliest,
            valid_until: claim.valid_until,
        });
        (self.verdict, self.reason) = (Verdict::Rejected, Some(reason));
    }

    /// Whether everything is or was in order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict != Verdict::Rejected
    }
}

/// What is compared between attestations.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The file.
    pub(super) file: String,
    /// The claim's subject.
    pub(super) subject: EvmAddress,
    /// What the proof is about.
    pub(super) context: Bytes32,
    /// The statements.
    pub(super) statements: Vec<Stating>,
}

/// A statement, as far as it is compared.
#[derive(Clone, Debug)]
pub(super) struct Stating {
    pub(super) hash: Bytes32,
    pub(super) account: StatedAccount,
    pub(super) commitment: HexBytes<64>,
    pub(super) as_of: Timestamp,
    pub(super) sequence: u64,
}

/// An account of a subject at a source, for one audience.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StatedAccount {
    pub(super) chain_id: u64,
    pub(super) registry: EvmAddress,
    pub(super) source: EvmAddress,
    pub(super) subject: EvmAddress,
    pub(super) account: Name,
}

impl Evidence {
    /// `hashes` are those of the statements.
    pub(super) fn of(file: &str, attestation: &Attestation, hashes: &[Bytes32]) -> Self {
        let statements = attestation.claim.statements.iter().zip(hashes).map(|(statement, hash)| Stating {
            hash: *hash,
            account: StatedAccount {
                chain_id: statement.audience.chain_id,
                registry: statement.audience.registry,
                source: statement.source,
                subject: statement.subject,
                account: statement.account.clone(),
            },
            commitment: statement.commitment,
            as_of: statement.as_of,
            sequence: statement.sequence,
        });
        Self {
            file: file.to_owned(),
            subject: attestation.claim.subject,
            context: attestation.context,
            statements: statements.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content() -> Value {
        let subject = format!("0x{}", "01".repeat(20));
        let policy = format!("0x{}", "02".repeat(32));
        json!({
            "kind": "surety/attestation",
            "version": 2,
            "claim": {
                "subject": subject,
                "level": "initial",
                "policy": policy,
                "epoch": 7,
                "valid_until": 50,
                "statements": [{ "as_of": 30 }, { "as_of": 40, "new": 1 }, { "as_of": "yesterday" }],
                "unknown": true,
            },
            "proof": "0x1",
        })
    }

    #[test]
    fn what_a_malformed_attestation_states_is_read_as_far_as_it_goes() {
        let stated = Stated::of_text(&content().to_string()).unwrap();
        assert_eq!((stated.subject, stated.policy.0), (HexBytes([1; 20]), HexBytes([2; 32])));
        assert_eq!((stated.epoch, stated.from, stated.valid_until), (Some(7), Timestamp(40), Timestamp(50)));
        assert_eq!(Stated::of_text(&format!("\u{feff}{} and more", content())), Some(stated.clone()));
        let toml = toml::to_string(&content()).unwrap();
        assert_eq!(Stated::of_text(&toml), Some(stated.clone()));
        let mut without = content();
        without["claim"]["statements"] = json!([]);
        without["claim"]["epoch"] = json!(-1);
        let stated = Stated::of_text(&without.to_string()).unwrap();
        assert_eq!((stated.epoch, stated.from), (None, Timestamp(50)));
    }

    #[test]
    fn rejects_to_guess_what_a_file_does_not_state() {
        for key in ["subject", "level", "policy", "valid_until"] {
            let mut content = content();
            content["claim"][key] = json!({});
            assert_eq!(Stated::of_text(&content.to_string()), None, "{key}");
        }
        for text in ["", "{", "[]", "{\"claim\": 5}", "this is neither"] {
            assert_eq!(Stated::of_text(text), None, "{text}");
        }
    }
}
