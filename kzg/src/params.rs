//! The two bases of a capacity class, and commitments to columns.

use core::fmt;

use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::{OsRng, RngCore};
use rayon::prelude::*;
use surety_core::capacity::{Capacity, Row};

use crate::{
    fft::{lagrange_basis, root_of_unity},
    msm::msm,
    progress::Observer,
    scalar,
    srs::{Srs, SrsError, SrsId, VerifierKey},
};

/// The bases of one capacity class: `[τ^i]₁` for coefficients and `[L_j(τ)]₁` for rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Params {
    capacity: Capacity,
    powers: Vec<G1Affine>,
    lagrange: Vec<G1Affine>,
    verifier_key: VerifierKey,
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Params").field("k", &self.capacity.k()).field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Params {
    /// Computes the Lagrange basis: a quarter of a second at k = 11, a dozen seconds at k = 16 on two cores.
    ///
    /// # Errors
    /// If the set-up has too few powers, or the result is wrong, which only a fault of the machine can cause.
    pub fn from_srs(srs: &Srs, capacity: Capacity, observer: &dyn Observer) -> Result<Self, SrsError> {
        let powers = srs.powers_for(capacity)?.to_vec();
        let lagrange = lagrange_basis(&powers, capacity.k(), observer);
        let verifier_key = *srs.verifier_key();
        let params = Self { capacity, powers, lagrange, verifier_key };
        if params.bases_agree() { Ok(params) } else { Err(SrsError::Basis) }
    }

    /// Bases that [`Params::from_srs`] has computed before; both have the length of the capacity class. Nothing is
    /// checked: over other points, commitments bind nobody.
    #[must_use]
    pub fn from_parts(
        capacity: Capacity,
        powers: Vec<G1Affine>,
        lagrange: Vec<G1Affine>,
        verifier_key: VerifierKey,
    ) -> Self {
        Self { capacity, powers, lagrange, verifier_key }
    }

    /// Whether the two bases belong together: commits to a random column in both. A wrong point goes unnoticed with
    /// probability `2^-128`.
    fn bases_agree(&self) -> bool {
        let mut column = vec![Fr::zero(); self.capacity.rows()];
        for value in &mut column {
            let mut bytes = [0; 16];
            OsRng.fill_bytes(&mut bytes);
            *value = scalar::from_u128(u128::from_le_bytes(bytes));
        }
        let by_rows = self.commit_column(&column);
        let k = self.capacity.k();
        let inverse_root = root_of_unity(self.capacity.k()).invert().unwrap_or(Fr::zero());
        halo2curves::fft::best_fft(&mut column, inverse_root, k);
        by_rows * Fr::from(self.capacity.rows() as u64) == msm(self.powers.iter().zip(&column))
    }

    /// Commits to a column: the values of all `2^k` rows, blinding rows included.
    ///
    /// # Panics
    /// If the column's length is not `2^k`.
    #[must_use]
    pub fn commit_column(&self, column: &[Fr]) -> G1 {
        assert_eq!(column.len(), self.capacity.rows(), "a column has a value for each row");
        msm(self.lagrange.iter().zip(column))
    }

    /// Commits to the column that is zero except in the rows given; entries of one row add up. For public values:
    /// holdings are committed to with [`crate::HoldingCommitment::commit`], which wipes its copies of them.
    ///
    /// # Panics
    /// If a row lies outside the capacity class.
    #[must_use]
    pub fn commit_sparse(&self, entries: impl IntoIterator<Item = (Row, Fr)>) -> G1 {
        let (rows, values): (Vec<Row>, Vec<Fr>) = entries.into_iter().unzip();
        msm(rows.iter().map(|row| self.lagrange_point(*row)).zip(&values))
    }

    /// The commitments to many columns of few entries each, as [`Params::commit_sparse`] makes them: in parallel, and
    /// with one inversion for all.
    ///
    /// # Panics
    /// If a row lies outside the capacity class.
    #[must_use]
    pub fn commit_sparse_columns(&self, columns: Vec<Vec<(Row, Fr)>>) -> Vec<G1Affine> {
        let points: Vec<G1> = columns.into_par_iter().map(|column| self.commit_sparse(column)).collect();
        let mut affine = vec![G1Affine::identity(); points.len()];
        G1::batch_normalize(&points, &mut affine);
        affine
    }

    /// `[L_row(τ)]₁`: the commitment to the column that is 1 in this row and 0 elsewhere.
    ///
    /// # Panics
    /// If the row lies outside the capacity class.
    #[must_use]
    pub fn lagrange_point(&self, row: Row) -> &G1Affine {
        &self.lagrange[row.index()]
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// `[τ^i]₁` for each i below `2^k`.
    #[must_use]
    pub fn powers(&self) -> &[G1Affine] {
        &self.powers
    }

    /// `[L_j(τ)]₁` for each row j.
    #[must_use]
    pub fn lagrange(&self) -> &[G1Affine] {
        &self.lagrange
    }

    /// What a verifier needs.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier_key
    }

    /// The identifier of the set-up that the bases come from.
    #[must_use]
    pub fn id(&self) -> SrsId {
        self.verifier_key.id()
    }
}

/// A market vector of another length than the commitments that it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one price for each of the policy's {expected} market entries, found {found}: the snapshot belongs to \
     another policy"
)]
pub struct MarketLengthMismatch {
    /// Market commitments.
    pub expected: usize,
    /// Prices.
    pub found: usize,
}

/// `B_0 + Σ_u p_u·B_u`: the commitment to a column that is affine in the market vector `p`.
///
/// # Errors
/// If there are not as many prices as points.
pub fn affine_combination(base: &G1Affine, market: &[G1Affine], prices: &[Fr]) -> Result<G1, MarketLengthMismatch> {
    if market.len() != prices.len() {
        return Err(MarketLengthMismatch { expected: market.len(), found: prices.len() });
    }
    Ok(msm(market.iter().zip(prices)) + base)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use ff::Field;
    use group::{Curve, Group};
    use halo2_proofs::{
        SerdeFormat,
        poly::{
            EvaluationDomain,
            commitment::{Blind, Params as _, ParamsProver as _},
            kzg::commitment::ParamsKZG,
        },
    };
    use halo2curves::bn256::Bn256;
    use proptest::prelude::*;

    use super::*;
    use crate::progress::{Event, Silent, Stage};

    fn capacity() -> Capacity {
        Capacity::new(9).unwrap()
    }

    fn params() -> Params {
        Params::from_srs(&Srs::development(capacity()), capacity(), &Silent).unwrap()
    }

    /// The same bases as halo2's own type.
    fn halo2_params(params: &Params) -> ParamsKZG<Bn256> {
        ParamsKZG::<Bn256>::new(1).from_parts(
            params.capacity().k(),
            params.powers().to_vec(),
            None,
            params.verifier_key().g2(),
            params.verifier_key().tau_g2(),
        )
    }

    #[test]
    fn bases_and_commitments_agree_with_halo2() {
        let params = params();
        let halo2 = halo2_params(&params);
        assert_eq!(halo2.get_g(), params.powers());
        let mut written = Vec::new();
        halo2.write_custom(&mut written, SerdeFormat::RawBytes).unwrap();
        let lagrange: Vec<u8> =
            params.lagrange().iter().flat_map(halo2curves::serde::SerdeObject::to_raw_bytes).collect();
        let start = 4 + 64 * capacity().rows();
        assert_eq!(written[start..start + lagrange.len()], lagrange);

        let domain = EvaluationDomain::<Fr>::new(1, capacity().k());
        let column: Vec<Fr> = (0..capacity().rows()).map(|_| Fr::random(OsRng)).collect();
        let polynomial = domain.lagrange_from_vec(column.clone());
        assert_eq!(params.commit_column(&column), halo2.commit_lagrange(&polynomial, Blind::default()));
        assert_eq!(
            params.commit_column(&column),
            halo2.commit(&domain.lagrange_to_coeff(polynomial), Blind::default())
        );
    }

    #[test]
    fn rejects_bases_that_do_not_belong_together() {
        let mut params = params();
        assert!(params.bases_agree());
        params.lagrange.swap(3, 4);
        assert!(!params.bases_agree());
    }

    #[test]
    fn rejects_a_set_up_that_is_too_small() {
        let error = Params::from_srs(&Srs::development(capacity()), Capacity::new(10).unwrap(), &Silent).unwrap_err();
        assert_eq!(error, SrsError::TooSmall { wanted: 10, found: 9 });
    }

    #[test]
    fn a_larger_set_up_gives_the_same_bases() {
        let large = Srs::development(Capacity::new(10).unwrap());
        assert_eq!(Params::from_srs(&large, capacity(), &Silent).unwrap(), params());
    }

    #[test]
    fn progress_runs_from_nothing_to_all() {
        let seen = Mutex::new(Vec::new());
        let observer = |event| seen.lock().unwrap().push(event);
        Params::from_srs(&Srs::development(capacity()), capacity(), &observer).unwrap();
        let expected = (0..=9).map(|done| Event::Progress { stage: Stage::LagrangeBasis, done, total: 9 });
        assert_eq!(seen.into_inner().unwrap(), expected.collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "a value for each row")]
    fn rejects_a_column_of_another_length() {
        let _ = params().commit_column(&[Fr::ONE; 511]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn sparse_commitments_are_those_of_the_column(
            entries in prop::collection::vec((0usize..386, any::<i128>()), 0..40),
        ) {
            let params = params();
            let entries = entries.iter().map(|(index, value)| {
                (capacity().instrument(*index).unwrap(), scalar::from_i128(*value))
            });
            let mut column = vec![Fr::ZERO; capacity().rows()];
            entries.clone().for_each(|(row, value)| column[row.index()] += value);
            prop_assert_eq!(params.commit_sparse(entries), params.commit_column(&column));
        }

        #[test]
        fn commitments_follow_prices(prices in prop::collection::vec(1u128.., 3)) {
            let params = params();
            let rows: Vec<Row> = (0..4).map(|index| capacity().slot(index).unwrap()).collect();
            let parts: Vec<BTreeMap<Row, Fr>> = (0..4u64)
                .map(|part| rows.iter().map(|row| (*row, Fr::from(part * 100 + row.index() as u64))).collect())
                .collect();
            let points = parts.iter().map(|part| params.commit_sparse(part.clone()).to_affine());
            let points: Vec<G1Affine> = points.collect();
            let prices: Vec<Fr> = prices.into_iter().map(scalar::from_u128).collect();
            let combined = rows.iter().map(|row| {
                let market: Fr = parts[1..].iter().zip(&prices).map(|(part, price)| part[row] * price).sum();
                (*row, parts[0][row] + market)
            });
            let expected = params.commit_sparse(combined);
            prop_assert_eq!(affine_combination(&points[0], &points[1..], &prices).unwrap(), expected);
        }
    }

    #[test]
    fn market_entries_that_no_coefficient_uses_are_harmless() {
        let base = params().powers()[1];
        let nothing = G1::identity().to_affine();
        assert_eq!(affine_combination(&base, &[nothing], &[Fr::from(7)]), Ok(base.into()));
    }

    #[test]
    fn rejects_a_market_of_another_length() {
        let base = params().powers()[1];
        let mismatch = MarketLengthMismatch { expected: 1, found: 2 };
        assert_eq!(affine_combination(&base, &[base], &[Fr::ONE, Fr::ONE]), Err(mismatch));
    }
}
