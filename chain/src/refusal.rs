//! What contracts say when they refuse, what it means, and what to do.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use alloy_primitives::{hex, keccak256};
use alloy_sol_types::{Revert, SolError, SolInterface};
use serde::Deserialize;

use crate::abi::{
    IAccessControl::IAccessControlErrors, IAttestationRegistry::IAttestationRegistryErrors,
    IBookRegistry::IBookRegistryErrors, ICollateralVault::ICollateralVaultErrors,
    IPolicyRegistry::IPolicyRegistryErrors, ISnapshotOracle::ISnapshotOracleErrors,
    ISuretyVerifier::ISuretyVerifierErrors, MarginGatedVenue::MarginGatedVenueErrors,
};

/// What a contract says when it refuses: the name of an error, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    text: String,
    /// Of an error that the contracts declare.
    selector: Option<[u8; 4]>,
}

impl Refusal {
    /// Decodes what a reverted call returns. Contracts pass on the errors of those that they call, so all of them are
    /// looked through; an error that two share means the same in both.
    #[must_use]
    pub fn decode(data: &[u8]) -> Self {
        let found = error::<IAttestationRegistryErrors>(data)
            .or_else(|| error::<ISuretyVerifierErrors>(data))
            .or_else(|| error::<ISnapshotOracleErrors>(data))
            .or_else(|| error::<IPolicyRegistryErrors>(data))
            .or_else(|| error::<ICollateralVaultErrors>(data))
            .or_else(|| error::<IBookRegistryErrors>(data))
            .or_else(|| error::<MarginGatedVenueErrors>(data))
            .or_else(|| error::<IAccessControlErrors>(data));
        let selector = found.as_ref().and_then(|_| data.first_chunk().copied());
        let text = found.unwrap_or_else(|| match Revert::abi_decode(data) {
            Ok(revert) => format!("the message {:?}", revert.reason),
            Err(_) if data.is_empty() => "no reason".to_owned(),
            Err(_) => format!("the unknown error {}", hex::encode_prefixed(data)),
        });
        Self { text, selector }
    }

    /// What has happened.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        self.explained().0
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.explained().1
    }

    fn explained(&self) -> (&'static str, &'static str) {
        const CONTRACTS: &str = "check that the deployment names the contracts of this version, on this chain";
        let text = self.text.as_str();
        self.selector.and_then(|selector| explained(selector, text)).unwrap_or(if text.starts_with("the message") {
            ("a contract that is none of the deployment's, such as a token, says why", "act on what it says")
        } else if text == "no reason" {
            ("the call ran out of gas, or another contract is there", CONTRACTS)
        } else {
            ("the deployment's contracts declare no such error", CONTRACTS)
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An error of an interface, with the names and values of its arguments.
fn error<E: SolInterface + fmt::Debug>(data: &[u8]) -> Option<String> {
    let text = format!("{:?}", E::abi_decode(data).ok()?);
    // The variant and, in brackets, the error of the same name.
    text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).map(str::to_owned)
}

/// What has happened, and what to do about it.
#[derive(Debug, Deserialize)]
struct Explanation {
    cause: String,
    cure: String,
}

/// What an error means; where its argument names a part of something, what it means of some parts.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(flatten)]
    general: Explanation,
    #[serde(default)]
    parts: BTreeMap<String, Explanation>,
}

/// The table of the contracts' package, by selector, as two errors of one name may differ in their arguments. A test
/// demands a row for every error, and so a table that can be read.
static TABLE: LazyLock<BTreeMap<[u8; 4], Row>> = LazyLock::new(|| {
    let rows: BTreeMap<String, Row> = serde_json::from_str(include_str!("../abi/errors.json")).unwrap_or_default();
    rows.into_iter().map(|(signature, row)| (selector(&signature), row)).collect()
});

fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// What an error means and what to do about it. `text` has its arguments.
fn explained(selector: [u8; 4], text: &str) -> Option<(&'static str, &'static str)> {
    let Row { general, parts } = TABLE.get(&selector)?;
    let part = parts.iter().find(|(part, _)| text.contains(&format!("\"{part}\"")));
    let Explanation { cause, cure } = part.map_or(general, |(_, explanation)| explanation);
    Some((cause, cure))
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolError as _;

    use super::*;
    use crate::abi::{
        IAttestationRegistry::WrongStatementCount,
        ISnapshotOracle::{EpochTaken, InvalidSnapshot},
    };

    #[test]
    fn refusals_name_the_error_and_its_arguments() {
        let count =
            WrongStatementCount { expected: alloy_primitives::U256::from(3), found: alloy_primitives::U256::from(2) };
        assert_eq!(Refusal::decode(&count.abi_encode()).to_string(), "WrongStatementCount { expected: 3, found: 2 }");
        let taken = Refusal::decode(&EpochTaken { epoch: 7 }.abi_encode());
        assert_eq!(taken.to_string(), "EpochTaken { epoch: 7 }");
        assert!(taken.advice().contains("next epoch"));
        let message = Revert { reason: "no".into() };
        assert_eq!(Refusal::decode(&message.abi_encode()).to_string(), "the message \"no\"");
        assert_eq!(Refusal::decode(&[]).to_string(), "no reason");
        assert_eq!(Refusal::decode(&[1, 2, 3, 4]).to_string(), "the unknown error 0x01020304");
        // Arguments are missing.
        assert!(Refusal::decode(&EpochTaken::SELECTOR).to_string().starts_with("the unknown error"));
    }

    #[test]
    fn every_error_of_every_interface_is_explained() {
        let signatures = [
            IPolicyRegistryErrors::SIGNATURES,
            ISnapshotOracleErrors::SIGNATURES,
            IAttestationRegistryErrors::SIGNATURES,
            ISuretyVerifierErrors::SIGNATURES,
            ICollateralVaultErrors::SIGNATURES,
            IBookRegistryErrors::SIGNATURES,
            MarginGatedVenueErrors::SIGNATURES,
            IAccessControlErrors::SIGNATURES,
        ]
        .concat();
        assert!(signatures.len() > 50);
        for signature in signatures {
            assert!(explained(selector(signature), signature).is_some(), "{signature}");
        }
    }

    /// A test chain on which nothing happens shows an old time.
    #[test]
    fn a_price_ahead_of_the_chains_clock_is_told_to_be_one() {
        let refusal = |part: &str| Refusal::decode(&InvalidSnapshot { part: part.into() }.abi_encode());
        let newest = refusal("newest");
        assert_eq!(newest.to_string(), "InvalidSnapshot { part: \"newest\" }");
        assert!(newest.cause().starts_with("the newest price is ahead of the chain's clock"), "{}", newest.cause());
        assert!(newest.advice().contains("have the chain make a block"), "{}", newest.advice());
        let causes: std::collections::BTreeSet<_> =
            ["newest", "time", "epoch", "slack", "coefficients"].map(|part| refusal(part).cause()).into();
        assert_eq!(causes.len(), 5, "each part has its own");
    }
}
