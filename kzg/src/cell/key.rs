//! What verifiers of cells have of a set-up.

use group::Group as _;
use halo2curves::bn256::{Bn256, G1Affine, G2Affine};
use pairing::{MillerLoopResult as _, MultiMillerLoop as _};

use crate::{
    point::{self, PointError},
    srs::{Srs, SrsId, VerifierKey, are_successive_multiples},
};

/// Why points are no key for cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellKeyError {
    /// The number of rows of a coset is no power of two from 2 on.
    #[error(
        "expected a power of two of at least 2 as the number of powers of τ, one for each row of a cell, found {0}"
    )]
    Count(usize),
    /// The set-up has too few powers.
    #[error(
        "cells of {wanted} rows need [τ^{wanted}]₂ and as many powers in G1, which this set-up has not: import a \
         ceremony's file with its powers in G2"
    )]
    MissingPowers {
        /// Rows of a cell.
        wanted: usize,
    },
    /// The first power is not the generator.
    #[error("expected the generator (1, 2) as power 0 of τ, found another point: the key is damaged")]
    Generator,
    /// A power in G1 is no point.
    #[error("power {index} of τ: {error}")]
    Power {
        /// The exponent of τ.
        index: usize,
        /// What is wrong with the point.
        error: PointError,
    },
    /// The power in G2 is no point.
    #[error("the power of τ in G2: {0}")]
    PowerG2(PointError),
    /// The points in G1 are not powers of the set-up's τ.
    #[error(
        "the points are not powers of the τ in [τ]₂ (pairing check): the key is damaged, forged, or of another set-up"
    )]
    NotPowers,
    /// The point in G2 is another power.
    #[error(
        "[τ^{exponent}]₂ is another power, or one of another τ (pairing check): the key is damaged, forged, or for \
         cells with another number of rows"
    )]
    OtherPowerG2 {
        /// The exponent that it should have: the rows of a cell.
        exponent: usize,
    },
}

/// `[1]₁, …, [τ^(ℓ-1)]₁` and `[τ^ℓ]₂`, for cells of ℓ rows. Some kilobytes; the rest of a set-up is not needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellKey {
    srs: SrsId,
    powers: Vec<G1Affine>,
    power_g2: G2Affine,
}

impl CellKey {
    /// The key for cells of so many rows, from a set-up, whose points have been checked.
    ///
    /// # Errors
    /// If the number of rows is no power of two from 2 on, or the set-up has not the powers.
    pub fn from_srs(srs: &Srs, rows: usize) -> Result<Self, CellKeyError> {
        check_count(rows)?;
        let missing = CellKeyError::MissingPowers { wanted: rows };
        let power_g2 = srs.g2_powers_of_two().and_then(|powers| powers.get(rows.ilog2() as usize)).ok_or(missing)?;
        let powers = srs.powers().get(..rows).ok_or(missing)?.to_vec();
        Ok(Self { srs: srs.id(), powers, power_g2: *power_g2 })
    }

    /// Takes points for the key of a set-up if they are one. The powers in G1 are checked as those of a set-up are; the
    /// power in G2 by `e([τ^(ℓ-1)]₁, [τ]₂) = e([1]₁, [τ^ℓ]₂)`.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn new_checked(set_up: &VerifierKey, powers: Vec<G1Affine>, power_g2: G2Affine) -> Result<Self, CellKeyError> {
        check_count(powers.len())?;
        if powers[0] != G1Affine::generator() {
            return Err(CellKeyError::Generator);
        }
        for (index, power) in powers.iter().enumerate() {
            point::g1_from_coordinates(power.x, power.y).map_err(|error| CellKeyError::Power { index, error })?;
        }
        point::g2_from_coordinates(power_g2.x, power_g2.y).map_err(CellKeyError::PowerG2)?;
        if !are_successive_multiples(&powers, &set_up.tau_g2()) {
            return Err(CellKeyError::NotPowers);
        }
        let last = powers[powers.len() - 1];
        let terms = [(&last, &set_up.tau_g2().into()), (&-G1Affine::generator(), &power_g2.into())];
        if !bool::from(Bn256::multi_miller_loop(&terms).final_exponentiation().is_identity()) {
            return Err(CellKeyError::OtherPowerG2 { exponent: powers.len() });
        }
        Ok(Self { srs: set_up.id(), powers, power_g2 })
    }

    /// The identifier of the set-up.
    #[must_use]
    pub fn srs(&self) -> SrsId {
        self.srs
    }

    /// `[τ^i]₁` for each i below ℓ.
    #[must_use]
    pub fn powers(&self) -> &[G1Affine] {
        &self.powers
    }

    /// `[τ^ℓ]₂`.
    #[must_use]
    pub fn power_g2(&self) -> G2Affine {
        self.power_g2
    }
}

fn check_count(rows: usize) -> Result<(), CellKeyError> {
    if rows.is_power_of_two() && rows >= 2 { Ok(()) } else { Err(CellKeyError::Count(rows)) }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use group::{Curve as _, prime::PrimeCurveAffine as _};
    use halo2curves::{
        CurveAffine as _,
        bn256::{Fq, Fq2, Fr, G1, G2},
    };
    use surety_core::capacity::Capacity;

    use super::*;
    use crate::origin::development_tau;

    fn srs() -> Srs {
        Srs::development_with_g2_powers(Capacity::new(9).unwrap())
    }

    fn key() -> CellKey {
        CellKey::from_srs(&srs(), 8).unwrap()
    }

    fn check(change: impl FnOnce(&mut CellKey)) -> Result<CellKey, CellKeyError> {
        let mut key = key();
        change(&mut key);
        CellKey::new_checked(srs().verifier_key(), key.powers, key.power_g2)
    }

    #[test]
    fn the_keys_of_a_set_up_pass_every_check() {
        for rows in [2, 8, 256] {
            let key = CellKey::from_srs(&srs(), rows).unwrap();
            assert_eq!(key.powers(), &srs().powers()[..rows]);
            assert_eq!(key.power_g2(), (G2::generator() * development_tau().pow([rows as u64])).to_affine());
            assert_eq!((key.srs(), key.powers().len()), (srs().id(), rows));
            let again = CellKey::new_checked(srs().verifier_key(), key.powers().to_vec(), key.power_g2());
            assert_eq!(again, Ok(key));
        }
    }

    #[test]
    fn rejects_another_number_of_powers() {
        for rows in [0, 1, 3, 12] {
            assert_eq!(CellKey::from_srs(&srs(), rows), Err(CellKeyError::Count(rows)));
        }
        assert_eq!(check(|key| key.powers.truncate(1)), Err(CellKeyError::Count(1)));
        assert_eq!(check(|key| key.powers.clear()), Err(CellKeyError::Count(0)));
        // Half the powers do not go with the power in G2.
        assert_eq!(check(|key| key.powers.truncate(4)), Err(CellKeyError::OtherPowerG2 { exponent: 4 }));
    }

    #[test]
    fn rejects_set_ups_without_the_powers() {
        assert_eq!(CellKey::from_srs(&srs(), 512), Err(CellKeyError::MissingPowers { wanted: 512 }));
        let without = Srs::development(Capacity::new(9).unwrap());
        assert_eq!(CellKey::from_srs(&without, 8), Err(CellKeyError::MissingPowers { wanted: 8 }));
    }

    #[test]
    fn rejects_points_that_are_no_powers() {
        assert_eq!(check(|key| key.powers[0] = key.powers[1]), Err(CellKeyError::Generator));
        assert_eq!(check(|key| key.powers.swap(2, 3)), Err(CellKeyError::NotPowers));
        let other = (G1::generator() * Fr::from(7)).to_affine();
        assert_eq!(check(|key| key.powers[7] = other), Err(CellKeyError::NotPowers));
        let error = PointError::NotOnCurve;
        assert_eq!(
            check(|key| key.powers[5].y = G1Affine::generator().x),
            Err(CellKeyError::Power { index: 5, error })
        );
        let error = PointError::Identity;
        let identity = G1Affine::identity();
        assert_eq!(check(|key| key.powers[5] = identity), Err(CellKeyError::Power { index: 5, error }));
    }

    #[test]
    fn rejects_another_power_in_g2() {
        let other = Err(CellKeyError::OtherPowerG2 { exponent: 8 });
        let set_up = srs();
        for power in set_up.g2_powers_of_two().unwrap().iter().enumerate().filter(|(i, _)| *i != 3).map(|(_, p)| *p) {
            assert_eq!(check(|key| key.power_g2 = power), other);
        }
        assert_eq!(check(|key| key.power_g2 = -key.power_g2), other);
        assert_eq!(check(|key| key.power_g2 = G2Affine::generator()), other);
        let identity = G2Affine::identity();
        assert_eq!(check(|key| key.power_g2 = identity), Err(CellKeyError::PowerG2(PointError::Identity)));
        let error = check(|key| key.power_g2.y = G2Affine::generator().x);
        assert_eq!(error, Err(CellKeyError::PowerG2(PointError::NotOnCurve)));
    }

    #[test]
    fn rejects_a_power_outside_of_the_subgroup_of_g2() {
        let outside = (1u64..).find_map(|x| {
            let x = Fq2 { c0: Fq::from(x), c1: Fq::zero() };
            let y: Option<Fq2> = Option::from((x.square() * x + G2Affine::b()).sqrt());
            y.map(|y| G2Affine { x, y })
        });
        let error = check(|key| key.power_g2 = outside.unwrap());
        assert_eq!(error, Err(CellKeyError::PowerG2(PointError::NotInSubgroup)));
    }

    #[test]
    fn rejects_the_key_of_another_set_up() {
        let tau = Fr::from(12345);
        let other = VerifierKey::new((G2::generator() * tau).to_affine()).unwrap();
        let CellKey { powers, power_g2, .. } = key();
        assert_eq!(CellKey::new_checked(&other, powers, power_g2), Err(CellKeyError::NotPowers));
    }
}
