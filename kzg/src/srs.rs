//! Structured reference strings: powers of an unknown τ, with the checks that make them ones.

use core::fmt;

use alloy_primitives::Keccak256;
use ff::Field;
use group::{Curve, Group, prime::PrimeCurveAffine};
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine, G2, G2Affine};
use pairing::{MillerLoopResult, MultiMillerLoop};
use rand_core::{OsRng, RngCore};
use rayon::prelude::*;
use surety_core::{
    capacity::Capacity,
    ident::{Bytes32, HexBytes},
};

use crate::{
    glv::Splitter,
    msm::msm,
    origin::{Origin, development_tau},
    point::{self, PointError},
    scalar,
};

/// Prefix of what an [`SrsId`] hashes.
const ID_DOMAIN: &[u8] = b"surety/srs/v1";

/// Powers of the development τ are computed in runs of this many, in parallel.
const DEVELOPMENT_CHUNK: usize = 64;

/// The identifier of a set-up: `keccak256("surety/srs/v1" ‖ [τ]₂)`, with `[τ]₂` as in [`point::g2_to_bytes`].
///
/// It says which τ, not how many powers: every prefix of a set-up has the same identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SrsId(Bytes32);

impl SrsId {
    /// The hash.
    #[must_use]
    pub fn bytes(self) -> Bytes32 {
        self.0
    }
}

impl fmt::Display for SrsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Bytes32> for SrsId {
    fn from(bytes: Bytes32) -> Self {
        Self(bytes)
    }
}

/// Why points are no set-up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrsError {
    /// The number of powers is not `2^k` for a capacity class.
    #[error("expected 2^k powers of τ with k from {} to {}, found {found} points", Capacity::MIN_K, Capacity::MAX_K)]
    PowerCount {
        /// Points given.
        found: usize,
    },
    /// The set-up is too short.
    #[error(
        "capacity class {wanted} needs 2^{wanted} powers of τ, this set-up has 2^{found}: import a larger file of the \
         same ceremony"
    )]
    TooSmall {
        /// The k asked for.
        wanted: u32,
        /// The k there is.
        found: u32,
    },
    /// A power is no point.
    #[error("power {index} of τ: {error}")]
    Power {
        /// The exponent of τ.
        index: usize,
        /// What is wrong with the point.
        error: PointError,
    },
    /// `[τ]₂` is no point.
    #[error("[τ]₂: {0}")]
    TauG2(PointError),
    /// The first power is not the generator.
    #[error(
        "expected the generator (1, 2) as power 0 of τ, found another point: the file is damaged, or in another order"
    )]
    Generator,
    /// τ is 0 or 1.
    #[error("expected a secret τ, found τ = 1, with which anybody can prove anything")]
    TrivialTau,
    /// τ is a root of unity of order `2^k`: the point of a row.
    #[error(
        "expected a random τ, found a root of unity of order 2^{k}: somebody chose it so that commitments of class {k} \
         show what is in a row; use a ceremony's file, and distrust whoever made this one"
    )]
    TauOfRow {
        /// The smallest capacity class, or less, with such a row.
        k: u32,
    },
    /// The points are not powers of the τ of `[τ]₂`.
    #[error(
        "the points are not powers of the τ in [τ]₂ (pairing check): the file is damaged, mixed from two, or forged"
    )]
    NotPowers,
    /// There are fewer powers in G2 than binary digits of the powers in G1.
    #[error("expected {expected} points [τ]₂, [τ²]₂, [τ⁴]₂, … for 2^{expected} powers of τ, found {found}")]
    G2PowerCount {
        /// One for each power of two below the number of powers.
        expected: u32,
        /// Points given.
        found: usize,
    },
    /// A power in G2 does not belong to those in G1.
    #[error(
        "[τ^(2^{exponent})]₂ is another power, or one of another τ (pairing check): the file is damaged, or of another \
         ceremony"
    )]
    G2Power {
        /// The i of `[τ^(2^i)]₂`.
        exponent: usize,
    },
    /// The set-up is not the one asked for.
    #[error("expected the set-up {expected}, found {found}: import the file of the ceremony that the universe names")]
    OtherSetUp {
        /// The set-up asked for.
        expected: SrsId,
        /// The set-up there is.
        found: SrsId,
    },
    /// The computed Lagrange basis does not belong to the powers.
    #[error(
        "the computed Lagrange basis does not belong to the powers of τ: try again, and suspect the machine's memory"
    )]
    Basis,
}

/// What a verifier needs of a set-up: `[1]₂` and `[τ]₂`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    tau_g2: G2Affine,
    // Computed once: to tell a secret τ from those that everybody knows takes as long as verifying a proof.
    id: SrsId,
    origin: Origin,
}

impl VerifierKey {
    /// The key with this `[τ]₂`. Its [origin](Self::origin) tells whether to trust it.
    ///
    /// # Errors
    /// If the point is off the curve, outside the subgroup, the identity, or the generator (τ = 1).
    pub fn new(tau_g2: G2Affine) -> Result<Self, SrsError> {
        let tau_g2 = point::g2_from_coordinates(tau_g2.x, tau_g2.y).map_err(SrsError::TauG2)?;
        if tau_g2 == G2Affine::generator() {
            return Err(SrsError::TrivialTau);
        }
        Ok(Self::of_sound_point(tau_g2))
    }

    fn of_sound_point(tau_g2: G2Affine) -> Self {
        let mut hasher = Keccak256::new();
        hasher.update(ID_DOMAIN);
        hasher.update(point::g2_to_bytes(&tau_g2));
        Self { tau_g2, id: SrsId(HexBytes(hasher.finalize().0)), origin: Origin::of(&tau_g2) }
    }

    /// `[1]₂`: always the standard generator.
    #[must_use]
    pub fn g2(&self) -> G2Affine {
        G2Affine::generator()
    }

    /// `[τ]₂`.
    #[must_use]
    pub fn tau_g2(&self) -> G2Affine {
        self.tau_g2
    }

    /// The set-up's identifier.
    #[must_use]
    pub fn id(&self) -> SrsId {
        self.id
    }

    /// Where the set-up comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

/// `[1]₁, [τ]₁, [τ²]₁, …` (`2^k` of them) and `[τ]₂`; with them, where somebody had them, `[τ²]₂, [τ⁴]₂, …`.
///
/// Every value of this type has passed the checks of [`Srs::new_checked`], or is the development set-up, and its powers
/// in G2 those of [`Srs::with_g2_powers`].
#[derive(Clone, PartialEq, Eq)]
pub struct Srs {
    capacity: Capacity,
    powers: Vec<G1Affine>,
    verifier_key: VerifierKey,
    // [τ^(2^i)]₂ for i below k, or none.
    g2_powers: Option<Vec<G2Affine>>,
}

impl fmt::Debug for Srs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Srs").field("k", &self.capacity.k()).field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Srs {
    /// Takes points for a set-up if they are one: on the curve, the generator first, `[τ]₂` of order r and not trivial,
    /// each point τ times the one before, and τ not the point of a row.
    ///
    /// That each is τ times the one before is checked for all at once, with fresh random weights ρ of 128 bits:
    /// `e(Σ ρ_i·P_{i+1}, [1]₂) = e(Σ ρ_i·P_i, [τ]₂)`; a false set-up passes with probability `2^-128`.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn new_checked(powers: Vec<G1Affine>, tau_g2: G2Affine) -> Result<Self, SrsError> {
        let capacity = capacity_of(powers.len()).ok_or(SrsError::PowerCount { found: powers.len() })?;
        let verifier_key = VerifierKey::new(tau_g2)?;
        if powers[0] != G1Affine::generator() {
            return Err(SrsError::Generator);
        }
        let bad = powers.par_iter().enumerate().find_map_first(|(index, power)| {
            point::g1_from_coordinates(power.x, power.y).err().map(|error| SrsError::Power { index, error })
        });
        if let Some(error) = bad {
            return Err(error);
        }
        if !are_successive_multiples(&powers, &tau_g2) {
            return Err(SrsError::NotPowers);
        }
        match order_of_row(&powers) {
            Some(k) => Err(SrsError::TauOfRow { k }),
            None => Ok(Self { capacity, powers, verifier_key, g2_powers: None }),
        }
    }

    /// The same set-up with `[τ^(2^i)]₂` for each i below k, of which each is held to the power in G1 with the same
    /// exponent: `e([τ^(2^i)]₁, [1]₂) = e([1]₁, [τ^(2^i)]₂)`. Those beyond, which no power in G1 vouches for, are
    /// dropped.
    ///
    /// # Errors
    /// If there are fewer than k points, or one is none of G2 or another power.
    pub fn with_g2_powers(self, mut g2_powers: Vec<G2Affine>) -> Result<Self, SrsError> {
        let k = self.capacity.k();
        if g2_powers.len() < k as usize {
            return Err(SrsError::G2PowerCount { expected: k, found: g2_powers.len() });
        }
        g2_powers.truncate(k as usize);
        let bad = g2_powers.par_iter().enumerate().find_first(|(exponent, point)| {
            point::g2_from_coordinates(point.x, point.y).is_err() || !is_same_power(&self.powers[1 << exponent], point)
        });
        match bad {
            Some((exponent, _)) => Err(SrsError::G2Power { exponent }),
            None => Ok(Self { g2_powers: Some(g2_powers), ..self }),
        }
    }

    /// The powers of a τ that everybody can compute, for development and tests. **Proofs under it are worthless**: its
    /// [origin](Self::origin) is [`Origin::InsecureDevelopment`].
    #[must_use]
    pub fn development(capacity: Capacity) -> Self {
        let tau = development_tau();
        let times_tau = Splitter::new().multiplier(&tau);
        let mut points = vec![G1::identity(); capacity.rows()];
        points.par_chunks_mut(DEVELOPMENT_CHUNK).enumerate().for_each(|(chunk, points)| {
            let mut power = G1::generator() * tau.pow_vartime([(chunk * DEVELOPMENT_CHUNK) as u64]);
            for point in points {
                *point = power;
                power = times_tau.times(&power);
            }
        });
        let mut powers = vec![G1Affine::identity(); points.len()];
        G1::batch_normalize(&points, &mut powers);
        let verifier_key = VerifierKey::of_sound_point((G2::generator() * tau).to_affine());
        Self { capacity, powers, verifier_key, g2_powers: None }
    }

    /// The development set-up with its powers in G2, for what opens cosets.
    #[must_use]
    pub fn development_with_g2_powers(capacity: Capacity) -> Self {
        let exponents = core::iter::successors(Some(development_tau()), |power| Some(power.square()));
        let powers = exponents.take(capacity.k() as usize).map(|power| (G2::generator() * power).to_affine());
        Self { g2_powers: Some(powers.collect()), ..Self::development(capacity) }
    }

    /// The first powers, as many as a capacity class needs.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn truncated(&self, capacity: Capacity) -> Result<Self, SrsError> {
        let powers = self.powers_for(capacity)?.to_vec();
        let g2_powers = self.g2_powers.as_ref().map(|powers| powers[..capacity.k() as usize].to_vec());
        Ok(Self { capacity, powers, verifier_key: self.verifier_key, g2_powers })
    }

    /// The first powers, as many as a capacity class needs.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn powers_for(&self, capacity: Capacity) -> Result<&[G1Affine], SrsError> {
        let too_small = SrsError::TooSmall { wanted: capacity.k(), found: self.capacity.k() };
        self.powers.get(..capacity.rows()).ok_or(too_small)
    }

    /// The largest capacity class there are powers for.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// `[τ^i]₁` for each i below `2^k`.
    #[must_use]
    pub fn powers(&self) -> &[G1Affine] {
        &self.powers
    }

    /// `[τ^(2^i)]₂` for each i from 0 up to k − 1, if the file that the set-up was read from had them. They open
    /// columns at cosets: `[τ^ℓ − a]₂` for ℓ a power of two below the number of rows.
    #[must_use]
    pub fn g2_powers_of_two(&self) -> Option<&[G2Affine]> {
        self.g2_powers.as_deref()
    }

    /// What a verifier needs.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier_key
    }

    /// The set-up's identifier.
    #[must_use]
    pub fn id(&self) -> SrsId {
        self.verifier_key.id()
    }

    /// Where the set-up comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.verifier_key.origin()
    }
}

/// The capacity class of this many powers.
fn capacity_of(count: usize) -> Option<Capacity> {
    Capacity::all().find(|capacity| capacity.rows() == count)
}

/// Whether each point is τ times the one before, except with probability `2^-128`.
pub(crate) fn are_successive_multiples(points: &[G1Affine], tau_g2: &G2Affine) -> bool {
    let mut random = vec![[0; 16]; points.len() - 1];
    OsRng.fill_bytes(random.as_flattened_mut());
    let weights: Vec<Fr> = random.into_iter().map(|bytes| scalar::from_u128(u128::from_le_bytes(bytes))).collect();
    let low = msm(points.iter().zip(&weights)).to_affine();
    let high = msm(points[1..].iter().zip(&weights)).to_affine();
    Bn256::multi_miller_loop(&[(&high, &G2Affine::generator().into()), (&-low, &(*tau_g2).into())])
        .final_exponentiation()
        .is_identity()
        .into()
}

/// Whether the points of G1 and G2 are the same multiple of the generators.
fn is_same_power(of_g1: &G1Affine, of_g2: &G2Affine) -> bool {
    Bn256::multi_miller_loop(&[(of_g1, &G2Affine::generator().into()), (&-G1Affine::generator(), &(*of_g2).into())])
        .final_exponentiation()
        .is_identity()
        .into()
}

/// The k for which τ has order `2^k`, if it is a row's point in a class that there are powers for: the root of order
/// two, -1, is then the power `2^(k-1)`.
///
/// `L_j(τ)` is then one for that row and zero for all others. The commitment to a column is the value in this row times
/// the generator, whatever the masks: whoever chose τ could read a holding off a source's statement.
fn order_of_row(powers: &[G1Affine]) -> Option<u32> {
    let minus_one = -G1Affine::generator();
    (1..=powers.len().ilog2()).find(|k| powers[1 << (k - 1)] == minus_one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fft::root_of_unity;

    fn powers_of(tau: Fr) -> Result<Srs, SrsError> {
        let powers = core::iter::successors(Some(Fr::ONE), |power| Some(power * tau)).take(512);
        let powers = powers.map(|power| (G1::generator() * power).to_affine()).collect();
        Srs::new_checked(powers, (G2::generator() * tau).to_affine())
    }

    fn development(k: u32) -> Srs {
        Srs::development(Capacity::new(k).unwrap())
    }

    fn check(change: impl FnOnce(&mut Vec<G1Affine>)) -> SrsError {
        let srs = development(9);
        let mut powers = srs.powers().to_vec();
        change(&mut powers);
        Srs::new_checked(powers, srs.verifier_key().tau_g2()).unwrap_err()
    }

    #[test]
    fn the_development_set_up_passes_every_check_and_is_recognised() {
        let srs = development(10);
        assert_eq!(Srs::new_checked(srs.powers().to_vec(), srs.verifier_key().tau_g2()).as_ref(), Ok(&srs));
        assert_eq!(srs.origin(), Origin::InsecureDevelopment);
    }

    #[test]
    fn identifiers_do_not_depend_on_the_number_of_powers() {
        let srs = development(10);
        let prefix = srs.truncated(Capacity::new(9).unwrap()).unwrap();
        assert_eq!(prefix, development(9));
        assert_eq!(prefix.id(), srs.id());
        assert_eq!(srs.id().to_string(), "0xa6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b");
    }

    #[test]
    fn rejects_more_powers_than_there_are() {
        let error = development(9).truncated(Capacity::new(10).unwrap()).unwrap_err();
        assert_eq!(error, SrsError::TooSmall { wanted: 10, found: 9 });
    }

    #[test]
    fn rejects_numbers_of_powers_that_fit_no_capacity_class() {
        assert_eq!(check(|powers| powers.truncate(511)), SrsError::PowerCount { found: 511 });
        assert_eq!(check(|powers| powers.truncate(256)), SrsError::PowerCount { found: 256 });
    }

    #[test]
    fn rejects_powers_that_do_not_start_at_the_generator() {
        let tau = development_tau();
        let error = check(|powers| powers.iter_mut().for_each(|power| *power = (*power * tau).to_affine()));
        assert_eq!(error, SrsError::Generator);
    }

    #[test]
    fn rejects_powers_off_the_curve() {
        let error = check(|powers| powers[300].y += halo2curves::bn256::Fq::one());
        assert_eq!(error, SrsError::Power { index: 300, error: PointError::NotOnCurve });
        let error = check(|powers| powers[7] = G1Affine::identity());
        assert_eq!(error, SrsError::Power { index: 7, error: PointError::Identity });
    }

    #[test]
    fn rejects_points_that_are_not_powers() {
        assert_eq!(check(|powers| powers.swap(1, 2)), SrsError::NotPowers);
        assert_eq!(check(|powers| powers[511] = powers[510]), SrsError::NotPowers);
        assert_eq!(check(|powers| powers[255] = -powers[255]), SrsError::NotPowers);
    }

    #[test]
    fn rejects_the_wrong_tau_g2() {
        let srs = development(9);
        let wrong = (G2::generator() * Fr::from(3)).to_affine();
        assert_eq!(Srs::new_checked(srs.powers().to_vec(), wrong), Err(SrsError::NotPowers));
    }

    /// Over such a set-up the commitment to a column is what stands in row 78, times the generator: no mask hides it.
    #[test]
    fn rejects_a_tau_that_is_the_point_of_a_row() {
        let order = |k: u32, row: u64| powers_of(root_of_unity(k).pow_vartime([row]));
        assert_eq!(order(9, 1), Err(SrsError::TauOfRow { k: 9 }));
        assert_eq!(order(9, 78), Err(SrsError::TauOfRow { k: 8 }));
        assert_eq!(order(1, 1), Err(SrsError::TauOfRow { k: 1 }));
        // No row of the classes that these powers serve.
        assert_eq!(order(10, 1).map(|srs| srs.origin()), Ok(Origin::Unknown));
    }

    /// `[τ^(2^i)]₂` of the development τ, for i below `count`.
    fn development_g2_powers(count: usize) -> Vec<G2Affine> {
        core::iter::successors(Some(development_tau()), |tau| Some(tau.square()))
            .take(count)
            .map(|power| (G2::generator() * power).to_affine())
            .collect()
    }

    #[test]
    fn powers_in_g2_are_kept_as_far_as_powers_in_g1_vouch_for_them() {
        let srs = development(10);
        assert_eq!(srs.g2_powers_of_two(), None);
        let with = srs.clone().with_g2_powers(development_g2_powers(28)).unwrap();
        assert_eq!(with.g2_powers_of_two(), Some(&development_g2_powers(10)[..]));
        assert_eq!((with.id(), with.powers()), (srs.id(), srs.powers()), "the identifier is that of τ");
        let prefix = with.truncated(Capacity::new(9).unwrap()).unwrap();
        assert_eq!(prefix.g2_powers_of_two(), Some(&development_g2_powers(9)[..]));
    }

    #[test]
    fn the_development_set_up_has_powers_in_g2_of_its_own() {
        let with = development(9).with_g2_powers(development_g2_powers(9)).unwrap();
        assert_eq!(Srs::development_with_g2_powers(Capacity::new(9).unwrap()), with);
    }

    #[test]
    fn rejects_other_powers_in_g2() {
        let powers = development_g2_powers(10);
        let check = |change: &dyn Fn(&mut Vec<G2Affine>)| {
            let mut powers = powers.clone();
            change(&mut powers);
            development(10).with_g2_powers(powers).unwrap_err()
        };
        assert_eq!(check(&|powers| powers.truncate(9)), SrsError::G2PowerCount { expected: 10, found: 9 });
        for exponent in 0..10 {
            assert_eq!(check(&|powers| powers[exponent] = -powers[exponent]), SrsError::G2Power { exponent });
        }
        assert_eq!(check(&|powers| powers.swap(3, 4)), SrsError::G2Power { exponent: 3 });
        assert_eq!(check(&|powers| powers[9] = G2Affine::identity()), SrsError::G2Power { exponent: 9 });
        assert_eq!(check(&|powers| powers[5].y.c0 += halo2curves::bn256::Fq::one()), SrsError::G2Power { exponent: 5 });
        assert_eq!(check(&|powers| powers.insert(0, G2Affine::generator())), SrsError::G2Power { exponent: 0 });
    }

    #[test]
    fn rejects_a_tau_of_zero_or_one() {
        let generator = G2Affine::generator();
        assert_eq!(VerifierKey::new(generator), Err(SrsError::TrivialTau));
        assert_eq!(VerifierKey::new(G2Affine::identity()), Err(SrsError::TauG2(PointError::Identity)));
        assert_eq!(Srs::new_checked(vec![G1Affine::generator(); 512], generator), Err(SrsError::TrivialTau));
    }
}
