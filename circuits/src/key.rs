//! Proving keys, and the verifying key that says what they must agree with.

use group::Curve as _;
use surety_core::capacity::{Capacity, Groups};
use surety_kzg::{Lanes, Params, Table, progress::Silent};
use surety_verifier::{KeyError, Protocol, VerifyingKey, proof::protocol::MalformedProtocol};

#[cfg(feature = "halo2")]
use crate::export::{self, Undescribable};
use crate::{prover::Prover, rules::DEGREE};

/// What it takes to prove in one capacity class over one set-up: the verifying key, a table of multiples of the
/// Lagrange points, and the fixed columns where the quotient is computed.
#[derive(Debug)]
pub struct ProvingKey {
    pub(crate) prover: Prover,
    pub(crate) verifying_key: VerifyingKey,
}

/// Why there is no proving key. Other than by the first, the program itself is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ProvingKeyError {
    /// Halo2 reads this variable and panics if it is not a number.
    #[error("the environment variable MAX_DEGREE: expected a number or nothing, found {0:?}; unset it")]
    MaxDegree(String),
    /// The circuit uses something that its description has no words for.
    #[cfg(feature = "halo2")]
    #[error(transparent)]
    Export(#[from] Undescribable),
    /// The verifying key.
    #[error(transparent)]
    Verifying(#[from] KeyError),
    /// Halo2 cannot make a key.
    #[cfg(feature = "halo2")]
    #[error("Halo2 made no key: {0}")]
    Halo2(#[from] halo2_proofs::plonk::Error),
    /// Halo2's key is not the one that verifiers expect.
    #[error("the circuit's {0} is not the one that verifiers expect; the program was built wrongly")]
    Disagreement(&'static str),
}

impl From<MalformedProtocol> for ProvingKeyError {
    fn from(error: MalformedProtocol) -> Self {
        Self::Verifying(error.into())
    }
}

impl ProvingKey {
    /// Generates the key of the capacity class that the bases are for, and the table, which takes longest: a seventh of
    /// a second at k = 12, a few seconds at k = 16 on two cores.
    ///
    /// # Errors
    /// If the key differs in anything from what verifiers expect.
    pub fn generate(params: &Params) -> Result<Self, ProvingKeyError> {
        Self::with_table(params, Table::new(params.lagrange(), &Silent), Lanes::widest())
    }

    /// Generates the key of the capacity class that the bases are for, given the table over them. Proofs are the same
    /// for all lanes.
    ///
    /// # Errors
    /// If the key differs in anything from what verifiers expect, or the table is not that of the bases.
    pub fn with_table(params: &Params, table: Table, lanes: Lanes) -> Result<Self, ProvingKeyError> {
        Self::divided(params, params.capacity().into(), table, lanes)
    }

    /// The same for rows that are divided otherwise.
    ///
    /// # Errors
    /// If the key differs in anything from what verifiers expect, or the table is not that of the bases, or the groups
    /// are another class's.
    pub fn divided(params: &Params, groups: Groups, table: Table, lanes: Lanes) -> Result<Self, ProvingKeyError> {
        let capacity = params.capacity();
        agree(groups.capacity() == capacity, "capacity class")?;
        let protocol = described(capacity)?;
        // The lines that values are interpolated with.
        agree(protocol.rotation_sets().iter().all(|set| set.rotations.len() <= 2), "number of opened points")?;
        agree(table.bases() == params.lagrange(), "table")?;
        let prover = Prover::new(groups, table, lanes);
        // A table that is wrong elsewhere makes proofs that do not verify.
        let fixed: Vec<_> = prover.fixed_commitments().iter().map(|commitment| commitment.to_affine()).collect();
        let verifying_key = VerifyingKey::new(protocol, fixed, *params.verifier_key())?;
        Ok(Self { prover, verifying_key })
    }

    /// The key that proofs verify under.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// How the rows are divided.
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.prover.groups
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.verifying_key.protocol().capacity
    }
}

/// The circuit as verifiers describe it, if that is what it is. Without Halo2 there is no circuit to compare with: then
/// tests of the same version have compared the two.
pub(crate) fn described(capacity: Capacity) -> Result<Protocol, ProvingKeyError> {
    let protocol = Protocol::of(capacity)?;
    #[cfg(feature = "halo2")]
    agree(export::protocol(capacity)? == protocol, "description")?;
    // Halo2's own idea of the degree is capped and says nothing.
    agree(protocol.degree() == DEGREE, "degree")?;
    Ok(protocol)
}

pub(crate) fn agree(holds: bool, what: &'static str) -> Result<(), ProvingKeyError> {
    if holds { Ok(()) } else { Err(ProvingKeyError::Disagreement(what)) }
}
