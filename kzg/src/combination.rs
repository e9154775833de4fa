//! Linear combinations of points, as verifiers compute them.

use halo2curves::bn256::{Fr, G1, G1Affine};

use crate::{buckets, glv};

/// Up to so many terms share doublings; of more, those with equal digits are added first.
const FEW: usize = 200;

/// `Σ scalar·point`, for public scalars: the running time depends on them.
#[must_use]
pub fn combination(terms: &[(Fr, G1Affine)]) -> G1 {
    if terms.len() <= FEW { glv::sum(terms) } else { buckets::sum(terms) }
}
