//! Generates the verifying contract of a key.
//!
//! Start with [`contract`], which turns a [`VerifyingKey`] into the Solidity source of a contract that accepts exactly
//! the proofs that [`VerifyingKey::verify`] accepts. Both follow one
//! [`Protocol`](surety_verifier::proof::protocol::Protocol), which determines the prover's messages, the challenges,
//! the equations and the openings; the template contains none of these.
//!
//! | module | idea |
//! |---|---|
//! | `layout` | layout of memory, and the rounds of the protocol |
//! | `equations` | the circuit's equations at x |
//! | `openings` | the multi-opening: scalars, and the sum of the commitments |
//! | `yul` | source text of arithmetic modulo r |
//! | `source` | the content of the template `templates/verifier.sol` |
//!
//! ```
//! use surety_core::capacity::Capacity;
//! use surety_kzg::Srs;
//! use surety_solidity::{contract, contract_name};
//! use surety_verifier::VerifyingKey;
//!
//! let capacity = Capacity::new(10).unwrap();
//! let key = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
//! assert!(contract(&key).unwrap().contains(&format!("contract {} ", contract_name(&key))));
//! ```

mod equations;
mod layout;
mod openings;
mod source;
mod yul;

use askama::Template as _;
use surety_verifier::proof::key::VerifyingKey;

use crate::source::Source;

/// Why there is no contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Polynomials are opened in a pattern that contracts are not written for.
    #[error(
        "expected polynomials opened at x alone or at x and one neighbour, the first of each set a commitment of the \
         proof"
    )]
    Openings,
    /// The template failed.
    #[error("the template of verifying contracts cannot be filled in; the program was built wrongly")]
    Template,
}

/// The name of the contract for a key: `SuretyVerifierK` and its capacity class.
#[must_use]
pub fn contract_name(key: &VerifyingKey) -> String {
    format!("SuretyVerifierK{}", key.protocol().capacity.k())
}

/// The source of the contract for a key.
///
/// # Errors
/// If the key's protocol has a shape that contracts are not written for. No checked-in protocol has.
pub fn contract(key: &VerifyingKey) -> Result<String, Unsupported> {
    let source = Source::of(key)?.render().map_err(|_| Unsupported::Template)?;
    // The template sets in blank lines too.
    Ok(source.lines().flat_map(|line| [line.trim_end(), "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use surety_core::capacity::Capacity;
    use surety_kzg::Srs;
    use surety_verifier::proof::protocol::{Protocol, Query, Rotation};

    use super::*;

    fn key(change: impl Fn(&mut Protocol)) -> VerifyingKey {
        let capacity = Capacity::new(9).unwrap();
        let mut protocol = Protocol::of(capacity).unwrap();
        change(&mut protocol);
        VerifyingKey::derive(protocol, &Srs::development(capacity)).unwrap()
    }

    #[test]
    fn contracts_follow_the_protocol() {
        let unchanged = contract(&key(|_| {})).unwrap();
        let changes: [fn(&mut Protocol); 4] = [
            |protocol| protocol.constraints.truncate(3),
            |protocol| protocol.lookups.truncate(1),
            |protocol| protocol.advice_queries.swap(1, 2),
            |protocol| protocol.blinding_factors = 6,
        ];
        for change in changes {
            let changed = key(change);
            let source = contract(&changed).unwrap();
            assert_ne!(source, unchanged);
            assert!(source.contains(&changed.digest().to_string()));
            let length = format!("PROOF_LENGTH = {};", changed.protocol().proof_length());
            assert!(source.contains(&length), "{length}");
        }
    }

    #[test]
    fn rejects_openings_at_three_points() {
        let three = |protocol: &mut Protocol| {
            protocol.advice_queries.push(Query { column: 5, rotation: Rotation::PREVIOUS });
        };
        assert_eq!(contract(&key(three)), Err(Unsupported::Openings));
    }

    #[test]
    fn only_contracts_for_ceremonies_claim_to_be_sound() {
        assert!(contract(&key(|_| {})).unwrap().contains("INSECURE"));
        let ceremony = surety_kzg::origin::CEREMONIES[0].verifier_key().unwrap().id();
        let key = VerifyingKey::pinned(Capacity::new(11).unwrap(), ceremony).unwrap();
        let source = contract(&key).unwrap();
        assert!(source.contains("ppot-0085") && !source.contains("INSECURE"));
    }
}
