//! Many proofs with one pairing, and, where it fails, the proofs to blame by bisection.
//!
//! All claims over one set-up are folded into one with random weights. If that holds, all of them do; if not, one half
//! is computed anew, the other is what is left of the whole, and so on until single claims are reached. The weights
//! serve for every half: whoever made the proofs did not know them, so each combination with a false claim in it fails
//! but for one choice of weights among as many as there are. What is left at the end is one claim, whose verdict is
//! exact.
//!
//! For `n` claims of which `f` are false this takes one multi-scalar multiplication over all points, one more of that
//! size for a single culprit, and at most `1 + 2·f·log₂(n)` pairings.

use core::ops::Range;
use std::collections::BTreeMap;

use ff::Field as _;
use halo2curves::bn256::Fr;
use surety_kzg::Lanes;

use crate::proof::pairing::{BatchError, PairingCheck, PairingKey, Sides};

/// The positions of the claims that do not hold, ascending. A claim over a set-up that none of `keys` is of does not
/// hold.
///
/// `weights`, one for each claim, must be drawn at random, at least 128 bits each, after every proof of the batch is
/// fixed. `lanes` says how many points are added at a time; the result is the same.
///
/// # Errors
/// If there are no claims, not as many weights as claims, or a weight is zero.
pub fn failures(
    checks: Vec<PairingCheck>,
    weights: &[Fr],
    keys: &[&PairingKey],
    lanes: Lanes,
) -> Result<Vec<usize>, BatchError> {
    if checks.is_empty() {
        return Err(BatchError::Empty);
    }
    if checks.len() != weights.len() {
        return Err(BatchError::Weights { checks: checks.len(), weights: weights.len() });
    }
    if let Some(position) = weights.iter().position(|weight| bool::from(weight.is_zero())) {
        return Err(BatchError::ZeroWeight(position));
    }
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for (position, (check, weight)) in checks.into_iter().zip(weights).enumerate() {
        let empty = || Group { lanes, ..Group::default() };
        let group = groups.entry(check.srs).or_insert_with(empty);
        group.positions.push(position);
        group.checks.push(check);
        group.weights.push(*weight);
    }
    let mut failing = Vec::new();
    for (srs, group) in groups {
        match keys.iter().find(|key| key.srs() == srs) {
            Some(key) => failing.extend(group.failing(key)?),
            None => failing.extend(group.positions),
        }
    }
    failing.sort_unstable();
    Ok(failing)
}

/// Claims over one set-up, with their positions in the batch and their weights.
#[derive(Default)]
struct Group {
    positions: Vec<usize>,
    checks: Vec<PairingCheck>,
    weights: Vec<Fr>,
    lanes: Lanes,
}

impl Group {
    fn failing(&self, key: &PairingKey) -> Result<Vec<usize>, BatchError> {
        let all = 0..self.checks.len();
        let sides = self.fold(all.clone())?;
        let mut failing = Vec::new();
        if !sides.hold(key) {
            self.search(all, &sides, key, &mut failing)?;
        }
        Ok(failing)
    }

    /// Finds the failing claims among those of a range whose combination is known to fail.
    fn search(
        &self,
        range: Range<usize>,
        sides: &Sides,
        key: &PairingKey,
        failing: &mut Vec<usize>,
    ) -> Result<(), BatchError> {
        if range.len() == 1 {
            failing.extend(self.positions.get(range.start));
            return Ok(());
        }
        let middle = range.start + range.len() / 2;
        let first = self.fold(range.start..middle)?;
        let second = sides.without(&first);
        let first_holds = first.hold(key);
        if !first_holds {
            self.search(range.start..middle, &first, key, failing)?;
        }
        // The whole fails: where its first half holds, its second cannot.
        if first_holds || !second.hold(key) {
            self.search(middle..range.end, &second, key, failing)?;
        }
        Ok(())
    }

    fn fold(&self, range: Range<usize>) -> Result<Sides, BatchError> {
        Ok(PairingCheck::combine(&self.checks[range.clone()], &self.weights[range])?.sides(self.lanes))
    }
}

#[cfg(test)]
mod tests {
    use group::Curve as _;
    use halo2curves::bn256::G2Affine;
    use rand_core::OsRng;
    use surety_core::capacity::Capacity;
    use surety_kzg::{Srs, SrsId, srs::VerifierKey};

    use super::*;
    use crate::proof::pairing::Msm;

    fn srs() -> Srs {
        Srs::development(Capacity::new(Capacity::MIN_K).unwrap())
    }

    /// `e([a]₁, [τ]₂) = e([a·τ]₁, [1]₂)`, or, if it is not to hold, something near it.
    fn claim(srs: &Srs, holds: bool) -> PairingCheck {
        let factor = Fr::random(OsRng);
        let (mut left, mut right) = (Msm::default(), Msm::default());
        left.push(factor, srs.powers()[0]);
        right.push(if holds { factor } else { factor + Fr::ONE }, srs.powers()[1]);
        PairingCheck { srs: srs.id(), left, right }
    }

    fn weights(count: usize) -> Vec<Fr> {
        (0..count).map(|_| Fr::random(OsRng)).collect()
    }

    /// With each of the lanes: they agree.
    fn failures(checks: Vec<PairingCheck>, weights: &[Fr], keys: &[&PairingKey]) -> Result<Vec<usize>, BatchError> {
        let found = super::failures(checks.clone(), weights, keys, Lanes::One);
        assert_eq!(super::failures(checks, weights, keys, Lanes::widest()), found);
        found
    }

    fn found(claims: &[bool]) -> Vec<usize> {
        let srs = srs();
        let key = PairingKey::from(srs.verifier_key());
        let checks = claims.iter().map(|holds| claim(&srs, *holds)).collect();
        failures(checks, &weights(claims.len()), &[&key]).unwrap()
    }

    #[test]
    fn a_batch_of_valid_proofs_holds() {
        for count in [1, 2, 3, 7, 64] {
            assert_eq!(found(&vec![true; count]), [0; 0]);
        }
    }

    #[test]
    fn rejects_exactly_the_culprits() {
        for count in 1..=6_usize {
            for pattern in 0..1_u32 << count {
                let claims: Vec<bool> = (0..count).map(|bit| pattern >> bit & 1 == 0).collect();
                let culprits: Vec<usize> = (0..count).filter(|bit| !claims[*bit]).collect();
                assert_eq!(found(&claims), culprits);
            }
        }
        let mut claims = vec![true; 100];
        for culprit in [0, 41, 42, 99] {
            claims[culprit] = false;
        }
        assert_eq!(found(&claims), [0, 41, 42, 99]);
    }

    /// Attack: two false claims that cancel each other without weights.
    #[test]
    fn rejects_claims_that_make_up_for_each_other() {
        let srs = srs();
        let key = PairingKey::from(srs.verifier_key());
        let mut claims = [claim(&srs, true), claim(&srs, true)];
        claims[0].right.push(Fr::ONE, srs.powers()[0]);
        claims[1].right.push(-Fr::ONE, srs.powers()[0]);
        assert_eq!(failures(claims.to_vec(), &[Fr::ONE; 2], &[&key]), Ok(vec![]), "why weights must not be known");
        assert_eq!(failures(claims.to_vec(), &weights(2), &[&key]), Ok(vec![0, 1]));
    }

    #[test]
    fn each_set_up_is_a_batch_of_its_own() {
        let srs = srs();
        let other = VerifierKey::new((G2Affine::generator() * Fr::from(1_234_567)).to_affine()).unwrap();
        let keys = [PairingKey::from(srs.verifier_key()), PairingKey::from(&other)];
        let foreign = |factor: u64| {
            let mut check = claim(&srs, true);
            check.srs = other.id();
            check.right = Msm::default();
            check.left.terms().iter().for_each(|(scalar, point)| check.right.push(*scalar * Fr::from(factor), *point));
            check
        };
        let checks = vec![claim(&srs, true), foreign(1_234_567), claim(&srs, false), foreign(7)];
        let [first, second] = &keys;
        assert_eq!(failures(checks.clone(), &weights(4), &[first, second]), Ok(vec![2, 3]));
        assert_eq!(failures(checks.clone(), &weights(4), &[first]), Ok(vec![1, 2, 3]), "no key, no proof");
        assert_eq!(failures(checks, &weights(4), &[]), Ok(vec![0, 1, 2, 3]));
        assert_ne!(srs.id(), SrsId::from(other.id().bytes()));
    }

    #[test]
    fn rejects_empty_batches_and_weights_that_do_not_fit() {
        let check = claim(&srs(), true);
        assert_eq!(failures(Vec::new(), &[], &[]), Err(BatchError::Empty));
        assert_eq!(failures(vec![check.clone()], &[], &[]), Err(BatchError::Weights { checks: 1, weights: 0 }));
        assert_eq!(failures(vec![check], &[Fr::ZERO], &[]), Err(BatchError::ZeroWeight(0)));
    }
}
