//! A sample of accepted attestations for manual follow-up, which anybody can draw again.
//!
//! Each attestation has a rank, `SHA-256(seed ‖ space ‖ SHA-256 of the file in 64 digits)`, and the lowest ranks are
//! drawn. Neither the order of files nor their number decides about any of them:
//! `printf '%s %s' "$seed" "$sha256" | sha256sum` gives the rank.

use serde::Serialize;
use surety_core::ident::Bytes32;

use super::{entry::AuditEntry, input::sha256};

/// The size of a sample, and what decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleTerms {
    /// How many attestations to draw.
    pub size: usize,
    /// Decides which. Chosen before the attestations are known, it leaves their holders no influence.
    pub seed: String,
}

/// A sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// How many accepted attestations it was drawn from.
    pub population: usize,
    /// Those that were drawn, in the order of their ranks.
    pub drawn: Vec<Drawn>,
}

/// An attestation that was drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Drawn {
    /// What decided.
    pub rank: Bytes32,
    /// The file.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Bytes32,
}

impl Sample {
    /// Draws from accepted attestations.
    pub(super) fn of<'a>(terms: &SampleTerms, accepted: impl Iterator<Item = &'a AuditEntry>) -> Self {
        let rank = |sha256_of_file: Bytes32| {
            let digits = sha256_of_file.to_string();
            sha256(format!("{} {}", terms.seed, digits.trim_start_matches("0x")).as_bytes())
        };
        let ranked = accepted.filter_map(|entry| {
            let sha256 = entry.sha256?;
            Some(Drawn { rank: rank(sha256), file: entry.file.clone(), sha256 })
        });
        let mut drawn: Vec<Drawn> = ranked.collect();
        let population = drawn.len();
        drawn.sort();
        drawn.truncate(terms.size);
        Self { seed: terms.seed.clone(), population, drawn }
    }
}

#[cfg(test)]
mod tests {
    use surety_core::ident::HexBytes;

    use super::*;
    use crate::audit::entry::Verdict;

    fn entry(number: u8) -> AuditEntry {
        AuditEntry {
            file: format!("./{number}"),
            verdict: Verdict::Accepted,
            sha256: Some(HexBytes([number; 32])),
            reason: None,
            stated: None,
            claim: None,
        }
    }

    #[test]
    fn a_sample_depends_on_seed_and_content_alone() {
        let entries: Vec<AuditEntry> = (0..50).map(entry).collect();
        let terms = |size, seed: &str| SampleTerms { size, seed: seed.to_owned() };
        let drawn = Sample::of(&terms(5, "2026"), entries.iter());
        assert_eq!((drawn.population, drawn.drawn.len()), (50, 5));
        assert_eq!(Sample::of(&terms(5, "2026"), entries.iter().rev()), drawn);
        assert_eq!(Sample::of(&terms(3, "2026"), entries.iter()).drawn, drawn.drawn[..3]);
        assert_ne!(Sample::of(&terms(5, "2027"), entries.iter()).drawn, drawn.drawn);
        assert_eq!(Sample::of(&terms(80, "x"), entries.iter()).drawn.len(), 50);
        // printf '%s %s' 2026 0101…01 | sha256sum
        let one = Sample::of(&terms(1, "2026"), entries[1..2].iter());
        assert_eq!(one.drawn[0].rank, sha256(format!("2026 {}", "01".repeat(32)).as_bytes()));
    }
}
