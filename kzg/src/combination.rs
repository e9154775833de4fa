//! Linear combinations of points, as verifiers compute them.

use halo2curves::bn256::{Fr, G1, G1Affine};
use surety_wide::Lanes;

use crate::{glv, msm::msm_with};

/// Up to so many terms share doublings; of more, those with equal digits are added first.
const FEW: usize = 200;

/// `Σ scalar·point`, for public scalars: the running time depends on them. The sum is the same with any lanes.
#[must_use]
pub fn combination(terms: &[(Fr, G1Affine)], lanes: Lanes) -> G1 {
    match terms.len() <= FEW {
        true => glv::sum(terms, lanes),
        false => msm_with(lanes, terms.iter().map(|(scalar, point)| (point, scalar))),
    }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use group::Curve as _;
    use proptest::prelude::*;

    use super::*;

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::ZERO),
            Just(Fr::ONE),
            Just(-Fr::ONE),
            // (r - 1)/2 and (r + 1)/2, the largest magnitudes.
            Just(-Fr::from(2).invert().unwrap()),
            Just(Fr::from(2).invert().unwrap()),
            any::<[u64; 4]>().prop_map(Fr::from_raw)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        // Few points, so that some are equal, opposite or the identity.
        #[test]
        fn few_terms_agree_with_double_and_add(terms in prop::collection::vec((any_scalar(), -4i64..5), 0..600)) {
            let generator = G1::generator();
            let point = |seed: &i64| (generator * crate::scalar::from_i128(i128::from(*seed))).to_affine();
            let terms: Vec<_> = terms.iter().map(|(scalar, seed)| (*scalar, point(seed))).collect();
            let expected = terms.iter().map(|(scalar, point)| point * scalar).sum::<G1>();
            for lanes in [Lanes::One, Lanes::widest()] {
                prop_assert_eq!(combination(&terms, lanes), expected);
            }
        }
    }

    #[test]
    fn many_terms_agree_with_double_and_add() {
        let point = |seed: u64| (G1::generator() * Fr::from(seed * seed + 1)).to_affine();
        let scalar = |seed: u64| Fr::from(seed + 7).pow_vartime([40]);
        let terms: Vec<_> = (0..3_000).map(|seed| (scalar(seed), point(seed))).collect();
        let expected = terms.iter().map(|(scalar, point)| point * scalar).sum::<G1>();
        for lanes in [Lanes::One, Lanes::widest()] {
            assert_eq!(combination(&terms, lanes), expected);
        }
    }
}
