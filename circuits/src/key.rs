//! Proving keys: Halo2's, and the verifying key that says what they must agree with.

use halo2_proofs::{
    plonk::{self, keygen_pk2},
    poly::{commitment::Params as _, kzg::commitment::ParamsKZG},
};
use halo2curves::bn256::{Bn256, G1Affine};
use rand_core::OsRng;
use surety_core::capacity::{Capacity, TAIL_ROWS};
use surety_kzg::Params;
use surety_verifier::{KeyError, Protocol, VerifyingKey, proof::protocol::MalformedProtocol};

use crate::{
    circuit::{DEGREE, LinearProgramCircuit},
    export::{self, Undescribable},
};

/// What it takes to prove in one capacity class over one set-up.
#[derive(Debug)]
pub struct ProvingKey {
    pub(crate) halo2: plonk::ProvingKey<G1Affine>,
    pub(crate) bases: ParamsKZG<Bn256>,
    pub(crate) verifying_key: VerifyingKey,
}

/// Why there is no proving key. Other than by the first, the program itself is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ProvingKeyError {
    /// Halo2 reads this variable and panics if it is not a number.
    #[error("the environment variable MAX_DEGREE: expected a number or nothing, found {0:?}; unset it")]
    MaxDegree(String),
    /// The circuit uses something that its description has no words for.
    #[error(transparent)]
    Export(#[from] Undescribable),
    /// The verifying key.
    #[error(transparent)]
    Verifying(#[from] KeyError),
    /// Halo2 cannot make a key.
    #[error("Halo2 made no key: {0}")]
    Halo2(#[from] plonk::Error),
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
    /// Generates the key of the capacity class that the bases are for.
    ///
    /// # Errors
    /// If the key differs in anything from what verifiers expect.
    pub fn generate(params: &Params) -> Result<Self, ProvingKeyError> {
        refuse_unreadable_degree()?;
        let capacity = params.capacity();
        let protocol = export::protocol(capacity)?;
        agree(protocol == Protocol::of(capacity)?, "description")?;
        // Halo2's own idea of the degree is capped and says nothing.
        agree(protocol.degree() == DEGREE, "degree")?;
        let bases = halo2_bases(params);
        agree(bases.n() == capacity.rows() as u64, "number of bases")?;
        let halo2 = keygen_pk2(&bases, &LinearProgramCircuit::new(capacity), false)?;
        check_shape(&halo2)?;
        let fixed_commitments = halo2.get_vk().fixed_commitments().clone();
        let verifying_key = VerifyingKey::new(protocol, fixed_commitments, *params.verifier_key())?;
        Ok(Self { halo2, bases, verifying_key })
    }

    /// The key that proofs verify under.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.verifying_key.protocol().capacity
    }
}

/// Halo2-axiom parses `MAX_DEGREE` whenever it computes a degree. Its value changes nothing here, see [`DEGREE`].
fn refuse_unreadable_degree() -> Result<(), ProvingKeyError> {
    match std::env::var("MAX_DEGREE") {
        Ok(text) if text.parse::<usize>().is_err() => Err(ProvingKeyError::MaxDegree(text)),
        _ => Ok(()),
    }
}

/// Asserts what the layout and the verifiers take for granted.
fn check_shape(key: &plonk::ProvingKey<G1Affine>) -> Result<(), ProvingKeyError> {
    let (system, domain) = (key.get_vk().cs(), key.get_vk().get_domain());
    agree(system.blinding_factors() + 1 == TAIL_ROWS, "number of blinding rows")?;
    agree(domain.get_quotient_poly_degree() == DEGREE - 1, "number of quotient pieces")
}

fn agree(holds: bool, what: &'static str) -> Result<(), ProvingKeyError> {
    if holds { Ok(()) } else { Err(ProvingKeyError::Disagreement(what)) }
}

/// The bases as Halo2 wants them. Its constructor is a method, hence the smallest set-up that it can be called on.
#[must_use]
pub fn halo2_bases(params: &Params) -> ParamsKZG<Bn256> {
    let key = params.verifier_key();
    ParamsKZG::setup(1, OsRng).from_parts(
        params.capacity().k(),
        params.powers().to_vec(),
        Some(params.lagrange().to_vec()),
        key.g2(),
        key.tau_g2(),
    )
}
