//! Proofs of what is not true, by provers who leave out what they break: every verifier refuses them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use alloy_primitives::{I256, U256};
use common::{
    Proven, Statement, attacks,
    contract::{Contract, Verdict},
    described::{DescribedCircuit, Design},
    forger::BlindProver,
    known,
    panel::Panel,
    replaced,
};
use ff::Field as _;
use halo2curves::bn256::{Fr, G1, G1Affine, G2, G2Affine};
use surety_circuits::{AdviceColumn, ProveError, Witness, check::check, circuit::LinearProgramCircuit};
use surety_kzg::{Srs, scalar};
use surety_margin::{
    capacity::Capacity,
    ident::Name,
    market::{MarketIndex, PriceRange},
    program::{Affine, Builder, Expression, HoldingRange, Program, ProgramError, Unsatisfied, abs, holding},
    units::Price,
};
use surety_verifier::{KnownCommitments, VerifyingKey};

use AdviceColumn::{Coef, Flag, Hold, Idx, Val, Var};

const CONTEXT: Fr = Fr::ONE;

/// For each witness that breaks a rule, two provers: one who has the circuit as it is and checks nothing, and one who
/// has a circuit without the rules that are broken. Both speak to the verifiers of the real key.
#[test]
fn rejects_proofs_of_every_broken_rule() {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let digest = panel.digest();
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(honest.capacity()));
    let (known, proof) = real.prove(digest, CONTEXT, &honest).unwrap();
    assert!(panel.accepts(CONTEXT, &known, &proof, "what is true"));

    for attacks::Attack { name, rule, witness } in attacks::all(&honest) {
        assert_eq!(check(&witness).unwrap_err().rule, rule, "{name}");
        // Halo2 itself finds no proof where a lookup fails.
        if let Ok((known, proof)) = real.prove(digest, CONTEXT, &witness) {
            assert!(!panel.accepts(CONTEXT, &known, &proof, name), "{name}");
        }
        let design = Design::of(honest.capacity()).without_broken_rules(&witness);
        let lenient = BlindProver::new(&panel.params, &DescribedCircuit::new(&design));
        let (known, proof) = lenient.prove(digest, CONTEXT, &witness).unwrap();
        assert!(lenient.accepts(digest, CONTEXT, &known, &proof), "{name}: a proof, if it were not for the rule");
        assert!(!panel.accepts(CONTEXT, &known, &proof, name), "{name}");
        // The library does not even try.
        let error = panel.key.prove(CONTEXT, &known, &witness).unwrap_err();
        assert!(matches!(error, ProveError::Unsatisfied(violation) if violation.rule == rule), "{name}: {error}");
    }
}

/// A proof of a true claim, and what the verifiers take in the place of one of its columns if they do not insist.
fn assert_column_is_not_the_provers(column: AdviceColumn, change: impl Fn(&mut Witness)) {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let expected = known(&panel.params, &honest);
    let mut other = honest.clone();
    change(&mut other);
    attacks::rerun(&mut other);
    assert_eq!(check(&other), Ok(()), "the circuit alone has nothing against it");
    let own = known(&panel.params, &other);
    let differs = |index: usize| own.in_order()[index] != expected.in_order()[index];
    assert!((0..KnownCommitments::COUNT).all(|index| differs(index) == (index == column as usize)));
    // Proven to those who take the prover's word for the column.
    let proof = panel.key.prove(CONTEXT, &own, &other).unwrap().0;
    assert!(panel.accepts(CONTEXT, &own, &proof, column.name()));
    assert!(!panel.accepts(CONTEXT, &expected, &proof, column.name()));
    // Nor is the proof of the other claim one of this.
    let negated = replaced(&expected, column as usize, -expected.in_order()[column as usize]);
    assert!(!panel.accepts(CONTEXT, &negated, &proof, column.name()));
    let error = panel.key.prove(CONTEXT, &expected, &other).unwrap_err();
    assert!(matches!(error, ProveError::OtherCommitment { column: found } if found == column.name()), "{error}");
}

/// Attack: the program reads nothing where debts are. (Nothing at all would be no commitment, hence an unused row that
/// reads the one, times nothing.)
#[test]
fn rejects_addresses_of_the_provers_choice() {
    assert_column_is_not_the_provers(Idx, |witness| {
        let usable = witness.capacity().usable();
        witness[Idx][..usable].fill(Fr::ZERO);
        witness[Val][..usable].fill(Fr::ZERO);
        witness[Idx][usable - 2] = Fr::ONE;
    });
    // The unused row alone: harmless by itself, and still not the program.
    assert_column_is_not_the_provers(Idx, |witness| {
        let row = witness.capacity().usable() - 2;
        witness[Idx][row] = Fr::ONE;
    });
}

/// Attack: an equation that never ends need not come to zero.
#[test]
fn rejects_flags_of_the_provers_choice() {
    assert_column_is_not_the_provers(Flag, |witness| {
        let usable = witness.capacity().usable();
        witness[Flag][2..usable].fill(Fr::ZERO);
    });
}

/// Attack: nothing counts but what an unused row reads, which is nothing.
#[test]
fn rejects_coefficients_of_the_provers_choice() {
    assert_column_is_not_the_provers(Coef, |witness| {
        let row = witness.capacity().usable() - 2;
        witness[Coef].fill(Fr::ZERO);
        witness[Coef][row] = Fr::ONE;
    });
}

/// Attack: a column that is not what the sources signed, be it in a row that no program reads.
#[test]
fn rejects_holdings_of_the_provers_choice() {
    assert_column_is_not_the_provers(Hold, |witness| {
        let mask = witness.capacity().masks().next().unwrap().index();
        witness[Hold][mask] += Fr::ONE;
    });
}

/// A verifier that told openings apart by points would take two equal columns for one, and skip what is said of the second.
#[test]
fn equal_columns_are_not_merged() {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let mut witness = honest.clone();
    let usable = honest.capacity().usable();
    for column in [Idx, Flag, Coef, Val] {
        witness[column][..usable].fill(Fr::ZERO);
    }
    // The flag and the coefficient of one neutral entry are the same column.
    (witness[Flag][1], witness[Coef][1], witness[Idx][usable - 2]) = (Fr::ONE, Fr::ONE, Fr::ONE);
    attacks::rerun(&mut witness);
    let known = known(&panel.params, &witness);
    assert_eq!(known.flag, known.coef);
    let proof = panel.key.prove(CONTEXT, &known, &witness).unwrap().0;
    assert!(panel.accepts(CONTEXT, &known, &proof, "equal columns"));
    // Each of the two evaluations counts.
    let evaluations = panel.key.verifying_key().protocol().advice_queries.iter();
    let of = |column: AdviceColumn| evaluations.clone().position(|query| query.column == column as usize).unwrap();
    for column in [Flag, Coef] {
        let at = 64 * 14 + 32 * of(column);
        let mut changed = proof;
        let value = scalar::from_bytes(proof[at..at + 32].try_into().unwrap()).unwrap();
        changed[at..at + 32].copy_from_slice(&scalar::to_bytes(&(value + Fr::ONE)));
        assert!(!panel.accepts(CONTEXT, &known, &changed, column.name()));
    }
}

/// A program over a few assets, each held within a thousand lots, that requires this margin.
fn program(prices: &[PriceRange], assets: usize, margin: &Expression) -> Result<Program, ProgramError> {
    let range =
        |index: usize| HoldingRange { name: Name::new(format!("asset-{index}")).unwrap(), min: -1_000, max: 1_000 };
    let mut builder = Builder::new(Capacity::new(9).unwrap(), prices, (0..assets).map(range).collect());
    builder.require("margin", margin)?;
    builder.finish()
}

fn witness(program: &Program, prices: &[Price], lots: &[i128]) -> Result<Witness, Unsatisfied> {
    let assignment = program.solve(&common::position(lots), prices)?;
    Ok(Witness::new(program, prices, &common::hold(program.capacity(), lots), &assignment).unwrap())
}

/// Attack: a debtor negates all of his holdings. A verifier who compares nothing but x takes the sources' commitment for
/// his: the two points differ in the sign of y alone.
#[test]
fn rejects_holdings_with_the_sign_turned_around() {
    let program = program(&[], 1, &holding(0)).unwrap();
    let panel = Panel::new(program.capacity());
    let rich = witness(&program, &[], &[7]).unwrap();
    assert!(witness(&program, &[], &[-7]).is_err());

    let own = known(&panel.params, &rich);
    // What the sources signed: seven lots of debt.
    let mut debt = rich.clone();
    debt[Hold].iter_mut().for_each(|value| *value = -*value);
    let signed = known(&panel.params, &debt).hold;
    assert_eq!((own.hold.x, own.hold.y), (signed.x, -signed.y));
    let proof = panel.key.prove(CONTEXT, &own, &rich).unwrap().0;
    assert!(panel.accepts(CONTEXT, &own, &proof, "what the debtor would like"));
    assert!(!panel.accepts(CONTEXT, &KnownCommitments { hold: signed, ..own }, &proof, "what the sources signed"));
}

/// Attack: a price below zero turns a charge on the size of a position into a credit, a price of zero makes debts
/// worthless, and a huge one makes a lot a fortune. The circuit has nothing against any of them: the coefficients are
/// the verifier's own, from prices in the policy's box.
#[test]
fn rejects_prices_of_the_provers_choice() {
    let price = |price: u128| Price::new(price).unwrap();
    let entry = |factor: i128| Affine::price(MarketIndex(0), I256::unchecked_from(factor));
    // cash + 2·p·q - p·|q| >= 0
    let margin = holding(0) + holding(1).times(entry(2)) - abs(holding(1)).times(entry(1));
    let program = program(&[PriceRange { min: price(1), max: price(1_000) }], 2, &margin).unwrap();
    let panel = Panel::new(program.capacity());
    let market = [price(3)];
    let coef = known(&panel.params, &witness(&program, &market, &[0, 0]).unwrap()).coef;

    // The same parts of the position and the same surplus as with more cash and a price of one.
    let mut below_zero = witness(&program, &[price(1)], &[55, -10]).unwrap();
    for (row, entry) in (1..).zip(program.table()) {
        let at_minus_one =
            entry.coefficient.market_part().values().fold(entry.coefficient.constant_part(), |sum, x| sum - *x);
        below_zero[Coef][row] = scalar::from_i256(at_minus_one);
    }
    let capacity = program.capacity();
    below_zero[Hold][capacity.instrument(0).unwrap().index()] = -Fr::from(5);
    let part = |sign: usize| capacity.variable(program.variables() - 2 + sign).unwrap().index();
    below_zero[Var][part(0)] = Fr::ZERO;
    below_zero[Var][part(1)] = Fr::from(5);
    attacks::rerun(&mut below_zero);

    let forged = [
        ("a price below zero", [-5, -10], below_zero),
        ("a price of zero", [5, -10], witness(&program, &[Price::ZERO], &[5, -10]).unwrap()),
        ("a huge price", [-50, 10], witness(&program, &[price(1 << 60)], &[-50, 10]).unwrap()),
    ];
    for (name, lots, forged) in forged {
        assert!(witness(&program, &market, &lots).is_err(), "{name}: not at the market's");
        assert_eq!(check(&forged), Ok(()), "{name}");
        let own = known(&panel.params, &forged);
        let proof = panel.key.prove(CONTEXT, &own, &forged).unwrap().0;
        assert!(panel.accepts(CONTEXT, &own, &proof, name), "to those who take any coefficients");
        assert!(!panel.accepts(CONTEXT, &KnownCommitments { coef, ..own }, &proof, name), "{name}");
    }
}

/// Attack: a coefficient of r - 1, which is large and above zero to whoever reads the policy, and minus one to the
/// circuit. The compiler refuses whatever could wrap around.
#[test]
fn rejects_a_program_whose_equations_wrap_around() {
    let modulus: I256 = I256::from_raw(U256::from_be_slice(&scalar::to_bytes(&-Fr::ONE))) + I256::ONE;
    let claim = |coefficient: I256| holding(0).times(Affine::constant(coefficient));
    let error = program(&[], 1, &claim(modulus - I256::ONE)).unwrap_err();
    assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");

    // To the circuit it would be this one, by which a debt is as good as an asset.
    let wrapped = program(&[], 1, &claim(I256::MINUS_ONE)).unwrap();
    assert_eq!(scalar::from_i256(modulus - I256::ONE), scalar::from_i256(I256::MINUS_ONE));
    assert_eq!(check(&witness(&wrapped, &[], &[-7]).unwrap()), Ok(()));
}

/// Attack: a proof for a smaller circuit, or over a set-up whose secret somebody knows.
#[test]
fn rejects_proofs_at_the_wrong_key_or_contract() {
    let proven = Proven::small();
    for k in [10, 11] {
        let capacity = Capacity::new(k).unwrap();
        let verdict = Contract::deployed(capacity).verify(proven.context, &proven.known, &proven.proof);
        assert_eq!(verdict, Verdict::Pairing, "k = {k}");
    }
    let tau = Fr::from(0x5eed);
    let powers = core::iter::successors(Some(Fr::ONE), |power| Some(*power * tau)).take(512);
    let powers = powers.map(|power| G1Affine::from(G1::generator() * power)).collect();
    let srs = Srs::new_checked(powers, G2Affine::from(G2::generator() * tau)).unwrap();
    let real = proven.key.verifying_key();
    let other = VerifyingKey::derive(real.protocol().clone(), &srs).unwrap();
    assert!(other.verify(proven.context, &proven.known, &proven.proof).is_err());
    // Nor with the real commitments to the fixed columns beside another's point in G2.
    let mixed = VerifyingKey::new(real.protocol().clone(), real.fixed_commitments().to_vec(), *srs.verifier_key());
    assert!(mixed.unwrap().verify(proven.context, &proven.known, &proven.proof).is_err());
}
