//! Proofs: three verifiers agree on them, and on what is no proof.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Proven, development, known, oracles::Oracles, replaced};
use ff::Field as _;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1Affine};


#[test]
fn three_verifiers_accept_a_proof() {
    let proven = Proven::small();
    let oracles = Oracles::new(&proven.params, proven.key.verifying_key().digest());
    assert_eq!(proven.verify(proven.context, &proven.known, &proven.proof), Ok(()));
    assert!(oracles.halo2_accepts(proven.context, &proven.known, &proven.proof));
    assert!(oracles.snark_verifier_accepts(proven.context, &proven.known, &proven.proof));
}
