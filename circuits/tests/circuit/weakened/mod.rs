//! Every rule is needed: whatever one place of the circuit is changed to, either something false gets through, or
//! nothing true does any more, or the change is one of a few that change nothing.
//!
//! The circuit is made from its own description, as data ([`crate::common::described`]), first as it is and then with
//! one thing changed at a time ([`catalogue`]): each constraint, lookup and pair of a lookup deleted; each part of each
//! expression replaced by zero, by one, by its negative, by the same column in another row; each number made one more
//! and one less; the cells of `ROW` and `BASE` at the edges, at the one, at the beginning and end of limb groups and in
//! rows of programs, for all rules or for one alone. For each change a forger ([`claims`]) looks for a witness to a
//! false claim that the changed rules accept. The same forgeries are refused by the circuit, by its plain twin and by
//! the verifier.
//!
//! A change that refuses witnesses to true claims is no weakening, and every other test of the circuit notices it; the
//! forger tries those as well. A change that refuses nothing true and lets nothing false through must be listed in
//! [`HARMLESS`], with the reason. Two things are out of reach here and harmless too: `ACC[0]`, which no rule reads and
//! none should; and fixed columns in the blinding rows, which Halo2 leaves zero, and of which only row 0 sees one
//! (`BASE[-1]`), at an address that is never read.
//!
//! The commitments that verifiers put in place themselves are no part of the description; `forgeries.rs` is about what
//! happens where a verifier takes the prover's instead.

mod catalogue;
mod claims;

use std::collections::BTreeSet;

use AdviceColumn::{Acc, Coef, Flag, Idx, Val, Var};
use ff::Field as _;
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use rand_chacha::rand_core::OsRng;
use surety_circuits::{AdviceColumn, Witness, check::check, circuit::LinearProgramCircuit};
use surety_core::capacity::Capacity;
use surety_kzg::scalar;
use surety_verifier::VerifyingKey;

use self::{
    catalogue::{Change, changes},
    claims::{Forger, Forgery, Lever, blank, claims, first_slot_of_a_group, true_claims},
};
use crate::common::{
    Statement,
    described::{DescribedCircuit, Design},
    forger::BlindProver,
    panel::Panel,
};

const CONTEXT: Fr = Fr::ONE;

/// Changes that change nothing, and why.
const HARMLESS: [(&str, &str); 14] = [
    ("running sum: ROW·(ACC[+1] - 1·(ACC + COEF·VAL)) = 0", "where FLAG is not zero the sum is: nothing is carried on"),
    ("running sum: ROW·(ACC[+1] - (1 + FLAG)·(ACC + COEF·VAL)) = 0", "the same: twice zero is zero"),
    ("equation: 1·FLAG·(ACC + COEF·VAL) = 0", "the rule in more rows; FLAG is zero there"),
    ("BASE: 2 in row 1", ONE_IS_MARKED),
    ("BASE: (b-1) in row 1", ONE_IS_MARKED),
    ("BASE: (b+1) in row 1", ONE_IS_MARKED),
    ("BASE: -b in row 1", ONE_IS_MARKED),
    ("BASE: b in row 498", NOT_ALLOCATED),
    ("BASE: b in row 504", NOT_ALLOCATED),
    ("running sum: ROW = 0 in row 504", "the last row of a program: nothing reads the sum behind it"),
    ("equation: ROW = 0 in row 1", "no equation: the flag there lets no sum into the next row, whatever it is"),
    ("blind: ROW = 0 in row 1", "row 2 is no address"),
    ("blind: ROW = 0 in row 503", NOT_ALLOCATED),
    ("blind: ROW = 0 in row 504", "the last usable row is no address but 0"),
];

const ONE_IS_MARKED: &str =
    "any number but 0 and b marks the one; what else it says is about VAR[2], which nothing reads";
const NOT_ALLOCATED: &str = "behind the last limb group: neither this row nor the next is an address";

/// The smallest circuit.
fn capacity() -> Capacity {
    Capacity::new(Capacity::MIN_K).unwrap()
}

/// Witnesses to what is true, with blinding rows as the prover makes them.
fn honest() -> Vec<Witness> {
    let plain = Design::of(capacity());
    let blank = blank(Statement::small().witness());
    let forger = Forger::new(&plain, &blank);
    let claims = true_claims(capacity()).into_iter();
    let claims = claims.map(|(claim, value)| forger.fill(&claim, Lever::Variable, scalar::from_u128(value)));
    let mut honest: Vec<_> = claims.chain([Statement::small().witness()]).collect();
    for witness in &mut honest {
        let usable = capacity().usable();
        [Idx, Flag, Coef].iter().for_each(|column| witness[*column][usable..].fill(Fr::ZERO));
        [Var, Val, Acc].iter().for_each(|column| witness[*column][usable..].fill_with(|| Fr::random(OsRng)));
        assert_eq!(check(witness), Ok(()));
        assert!(plain.accepts(witness) && mock_accepts(&plain, witness));
    }
    honest
}

fn mock_accepts(design: &Design, witness: &Witness) -> bool {
    let circuit = DescribedCircuit::with_witness(design, witness.clone());
    MockProver::run(capacity().k(), &circuit, vec![vec![Fr::ZERO]]).unwrap().verify().is_ok()
}

fn real_mock_accepts(witness: &Witness) -> bool {
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    MockProver::run(capacity().k(), &circuit, vec![vec![Fr::ZERO]]).unwrap().verify().is_ok()
}

/// What a forger makes of a change.
fn forge(change: &Change, blank: &Witness) -> Option<Forgery> {
    let mut elsewhere = vec![first_slot_of_a_group(capacity()) + 1];
    elsewhere.extend(change.row);
    Forger::new(&change.design, blank).find(&claims(capacity(), change.row), &elsewhere)
}

/// Unchanged, the circuit made from the description is the circuit: the same key, and proofs that go both ways.
#[test]
fn the_described_circuit_is_the_circuit() {
    let panel = Panel::new(capacity());
    let plain = Design::of(capacity());
    let described = BlindProver::new(&panel.params, &DescribedCircuit::new(&plain));
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(capacity()));
    assert_eq!(format!("{:?}", described.halo2_key().pinned()), format!("{:?}", real.halo2_key().pinned()));
    let fixed = described.halo2_key().fixed_commitments().clone();
    let key = VerifyingKey::new(plain.protocol.clone(), fixed, *panel.params.verifier_key()).unwrap();
    assert_eq!(key.digest(), panel.digest());
    for witness in &honest() {
        for (prover, verifier) in [(&described, &real), (&real, &described)] {
            let (known, proof) = prover.prove(panel.digest(), CONTEXT, witness).unwrap();
            assert!(verifier.accepts(panel.digest(), CONTEXT, &known, &proof));
            assert!(panel.accepts(CONTEXT, &known, &proof, "a true claim"));
        }
    }
}

#[test]
fn no_weakening_survives() {
    let honest = honest();
    let blank = blank(honest[0].clone());
    let (mut weakened, mut useless, mut survivors) = (0, 0, Vec::new());
    for change in changes(capacity()) {
        let name = change.name();
        if let Some(Forgery { claim, lever, witness }) = forge(&change, &blank) {
            let how = format!("{name}: {lever:?}, {claim:?}");
            assert!(!claim.is_true(capacity()), "{how}");
            assert!(mock_accepts(&change.design, &witness), "{how}: Halo2 refuses it");
            assert!(check(&witness).is_err(), "{how}: the twin accepts it");
            assert!(!real_mock_accepts(&witness), "{how}: the circuit accepts it");
            weakened += 1;
        } else if honest.iter().all(|witness| change.design.accepts(witness)) {
            survivors.push(name);
        } else {
            useless += 1;
        }
    }
    assert_eq!(survivors, HARMLESS.map(|(name, _)| name));
    println!("{weakened} changes let something false through, {useless} nothing true");
    assert!(weakened > 100);
}

/// Forgeries for all changes, or for the first at each place, as proofs: the changed key accepts them, by Halo2 and
/// natively, and the real one does not, whether they are proven with the changed circuit or with the real one.
fn assert_proofs_tell_circuits_apart(all: bool) {
    let panel = Panel::new(capacity());
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(capacity()));
    let blank = blank(Statement::small().witness());
    let mut places = BTreeSet::new();
    for change in changes(capacity()) {
        if !all && places.contains(&change.place) {
            continue;
        }
        let Some(Forgery { witness, .. }) = forge(&change, &blank) else { continue };
        places.insert(change.place.clone());
        let name = change.name();
        let weak = BlindProver::new(&panel.params, &DescribedCircuit::new(&change.design));
        let fixed = weak.halo2_key().fixed_commitments().clone();
        let key = VerifyingKey::new(change.design.protocol.clone(), fixed, *panel.params.verifier_key()).unwrap();
        let (known, proof) = weak.prove(key.digest(), CONTEXT, &witness).unwrap();
        assert!(weak.accepts(key.digest(), CONTEXT, &known, &proof), "{name}");
        assert_eq!(key.verify(CONTEXT, &known, &proof), Ok(()), "{name}");
        assert!(!panel.accepts(CONTEXT, &known, &proof, &name), "{name}");

        let under_the_real_digest = weak.prove(panel.digest(), CONTEXT, &witness).unwrap();
        let with_the_real_circuit = real.prove(panel.digest(), CONTEXT, &witness).ok();
        for (known, proof) in [under_the_real_digest].into_iter().chain(with_the_real_circuit) {
            assert!(!panel.accepts(CONTEXT, &known, &proof, &name), "{name}");
        }
    }
    // Seven rules and two columns.
    assert_eq!(places.len(), 9, "{places:?}");
}

#[test]
fn rejects_proofs_that_weakened_circuits_accept() {
    assert_proofs_tell_circuits_apart(false);
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_rejects_every_proof_that_a_weakened_circuit_accepts() {
    assert_proofs_tell_circuits_apart(true);
}
