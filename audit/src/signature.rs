//! Detached signatures of reports: a file of any form, by its SHA-256, signed by the auditor (EIP-712).
//!
//! The struct `AuditReport(bytes32 sha256)` is signed in the domain that has name and version alone: a report is said
//! to everybody. The signature states nothing about when it was made; a [time stamp](crate::timestamp) does.

use alloy_primitives::B256;
use alloy_sol_types::{Eip712Domain, SolStruct as _, sol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
};
use surety_verifier::attestation::{
    rejection::{Rejection, Rule, require, same},
    signature::{SignatureBytes, SignatureError, SigningKey, signer},
};

sol! {
    /// What is signed.
    struct AuditReport {
        bytes32 sha256;
    }
}

/// An auditor's signature under a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportSignature {
    /// The format.
    pub kind: KindOf<ReportSignature>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The SHA-256 of the report's bytes.
    pub sha256: Bytes32,
    /// The signer's address.
    pub signer: EvmAddress,
    /// `r ‖ s ‖ v` over the EIP-712 hash of the struct `AuditReport`.
    pub signature: SignatureBytes,
}

impl Kinded for ReportSignature {
    const KIND: Kind = Kind::ReportSignature;
}

/// Whether it is the signer's depends on the report: see [`ReportSignature::check`].
impl Document for ReportSignature {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

fn signing_hash(sha256: Bytes32) -> Bytes32 {
    let domain = Eip712Domain::new(Some("Surety".into()), Some("1".into()), None, None, None);
    HexBytes(AuditReport { sha256: B256::from(sha256.0) }.eip712_signing_hash(&domain).0)
}

impl ReportSignature {
    /// Signs a report of this SHA-256.
    ///
    /// # Errors
    /// As [`SigningKey::sign`].
    pub fn sign(sha256: Bytes32, key: &SigningKey) -> Result<Self, SignatureError> {
        let signature = key.sign(&signing_hash(sha256))?;
        Ok(Self { kind: KindOf::new(), version: FormatVersion, sha256, signer: key.address(), signature })
    }

    /// Demands that it is a signature of `by` under the report of this SHA-256. Only whoever knows the auditor's
    /// address can tell whose signature it is.
    ///
    /// # Errors
    /// [`Rule::Signature`] if it is about another report, or somebody else's.
    pub fn check(&self, sha256: Bytes32, by: EvmAddress) -> Result<(), Rejection> {
        const INPUT: &str = "report signature";
        same(Rule::Signature, INPUT, "one under the report with the SHA-256", sha256, self.sha256)?;
        let found = signer(&signing_hash(sha256), &self.signature).map_err(|error| {
            Rejection::new(Rule::Signature, INPUT, format!("a signature of {by}"), error.to_string())
        })?;
        require(found == by && self.signer == by, Rule::Signature, INPUT, || {
            (format!("a signature of {by}"), format!("one of {found} that says to be of {}", self.signer))
        })
    }
}

#[cfg(test)]
mod tests {
    use surety_core::schema::schema;
    use surety_testing::schemas::assert_published;

    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_secret_bytes(&[byte; 32]).unwrap()
    }

    /// After a change of a type, `UPDATE=1 cargo nextest run -p surety-audit schemas` writes the schemas anew.
    #[test]
    fn schemas_of_report_signatures_are_published() {
        assert_published("report-signature", &schema::<ReportSignature>());
    }

    #[test]
    fn rejects_signatures_of_other_reports_and_other_auditors() {
        let (report, other) = (HexBytes([1; 32]), HexBytes([2; 32]));
        let signature = ReportSignature::sign(report, &key(1)).unwrap();
        let by = key(1).address();
        signature.check(report, by).unwrap();
        assert!(signature.check(other, by).is_err());
        assert!(signature.check(report, key(2).address()).is_err());
        // It says to be about the other report, or of the other auditor.
        assert!(ReportSignature { sha256: other, ..signature.clone() }.check(other, by).is_err());
        let renamed = ReportSignature { signer: key(2).address(), ..signature.clone() };
        assert!(renamed.check(report, by).is_err() && renamed.check(report, key(2).address()).is_err());
        let text = signature.to_json().unwrap();
        assert_eq!(ReportSignature::from_json("s", &text).unwrap(), signature);
    }
}
