//! Proofs of what is not true, by provers who leave out what they break: every verifier refuses them.

use AdviceColumn::{Acc, BlindedHold, Coef, Flag, Idx, Val, Var};
use alloy_primitives::{I256, U256};
use ff::Field as _;
use group::{Curve as _, Group as _};
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::{Fr, G1, G1Affine, G2, G2Affine};
use surety_circuits::{AdviceColumn, ProveError, Witness, check::check, circuit::LinearProgramCircuit, rules};
use surety_core::{capacity::Capacity, ident::Name, units::Price};
use surety_kzg::{Srs, point, scalar};
use surety_margin::{
    compile::compile,
    market::{MarketIndex, PriceRange},
    models::Model,
    program::{
        Affine, Builder, Expression, HoldingRange, Program, ProgramError, Scenario, Unsatisfied, abs, held, holding,
        number, positive_part, worst_of,
    },
};
use surety_testing::sample;
use surety_verifier::{
    KnownCommitments, ProofError, VerifyingKey,
    proof::protocol::{Query, Rotation},
};

use crate::common::{
    self, Proven, Statement, attacks,
    contract::{Contract, Verdict},
    described::{DescribedCircuit, Design},
    forger::{BlindProver, point_at},
    known,
    panel::Panel,
    replaced,
};

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
        assert_refused(&panel, &real, rule, &witness, name);
    }
}

/// What breaks this rule first is refused by the twin, the circuit and the library, and whatever the two provers make
/// of it by every verifier.
fn assert_refused(panel: &Panel, real: &BlindProver, rule: &'static str, witness: &Witness, name: &str) {
    let (digest, capacity) = (panel.digest(), witness.capacity());
    assert_eq!(check(witness).unwrap_err().rule, rule, "{name}");
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    assert!(MockProver::run(capacity.k(), &circuit, vec![vec![CONTEXT]]).unwrap().verify().is_err(), "{name}");
    // Halo2 itself finds no proof where a lookup fails.
    if let Ok((known, proof)) = real.prove(digest, CONTEXT, witness) {
        assert!(!panel.accepts(CONTEXT, &known, &proof, name), "{name}");
    }
    let design = Design::of(capacity).without_broken_rules(witness);
    let lenient = BlindProver::new(&panel.params, &DescribedCircuit::new(&design));
    let (known, proof) = lenient.prove(digest, CONTEXT, witness).unwrap();
    assert!(lenient.accepts(digest, CONTEXT, &known, &proof), "{name}: a proof, if it were not for the rule");
    assert!(!panel.accepts(CONTEXT, &known, &proof, name), "{name}");
    // The library does not even try.
    let error = panel.key.prove(CONTEXT, &known, witness).unwrap_err();
    assert!(matches!(error, ProveError::Unsatisfied(violation) if violation.rule == rule), "{name}: {error}");
}

/// A proof of a true claim, and what the verifiers take in the place of one of its columns if they do not insist.
fn assert_column_is_not_the_provers(index: usize, change: impl Fn(&mut Witness)) {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let expected = known(&panel.params, &honest);
    let mut other = honest.clone();
    change(&mut other);
    attacks::rerun(&mut other);
    assert_eq!(check(&other), Ok(()), "the circuit alone has nothing against it");
    let own = known(&panel.params, &other);
    let column = KnownCommitments::NAMES[index];
    let differs = |index: usize| own.in_order()[index] != expected.in_order()[index];
    assert!((0..KnownCommitments::COUNT).all(|other| differs(other) == (other == index)));
    // Proven to those who take the prover's word for the column.
    let proof = panel.key.prove(CONTEXT, &own, &other).unwrap().0;
    assert!(panel.accepts(CONTEXT, &own, &proof, column));
    assert!(!panel.accepts(CONTEXT, &expected, &proof, column));
    // Nor is the proof of the other claim one of this.
    let negated = replaced(&expected, index, -expected.in_order()[index]);
    assert!(!panel.accepts(CONTEXT, &negated, &proof, column));
    let error = panel.key.prove(CONTEXT, &expected, &other).unwrap_err();
    assert!(matches!(error, ProveError::OtherCommitment { column: found } if found == column), "{error}");
}

/// Attack: the program reads nothing where debts are. (Nothing at all would be no commitment, hence an unused row that
/// reads the one, times nothing.)
#[test]
fn rejects_addresses_of_the_provers_choice() {
    assert_column_is_not_the_provers(0, |witness| {
        let usable = witness.capacity().usable();
        witness[Idx][..usable].fill(Fr::ZERO);
        witness[Val][..usable].fill(Fr::ZERO);
        witness[Idx][usable - 2] = Fr::ONE;
    });
    // The unused row alone: harmless by itself, and still not the program.
    assert_column_is_not_the_provers(0, |witness| {
        let row = witness.capacity().usable() - 2;
        witness[Idx][row] = Fr::ONE;
    });
}

/// Attack: an equation that never ends need not come to zero.
#[test]
fn rejects_flags_of_the_provers_choice() {
    assert_column_is_not_the_provers(1, |witness| {
        let usable = witness.capacity().usable();
        witness[Flag][2..usable].fill(Fr::ZERO);
    });
}

/// Attack: nothing counts but what an unused row reads, which is nothing.
#[test]
fn rejects_coefficients_of_the_provers_choice() {
    assert_column_is_not_the_provers(2, |witness| {
        let row = witness.capacity().usable() - 2;
        witness[Coef].fill(Fr::ZERO);
        witness[Coef][row] = Fr::ONE;
    });
}

/// Attack: a column that is not what the sources signed, be it in a row that no program reads.
#[test]
fn rejects_holdings_of_the_provers_choice() {
    assert_column_is_not_the_provers(3, |witness| {
        let unread = witness.capacity().slot(witness.capacity().slots() - 1).unwrap().index();
        witness[BlindedHold][unread] += Fr::ONE;
    });
}

/// A verifier that told openings apart by points would take two equal columns for one, and skip what is said of the
/// second.
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
        let at = 64 * 15 + 32 * of(column);
        let mut changed = proof;
        let value = scalar::from_bytes(proof[at..at + 32].try_into().unwrap()).unwrap();
        changed[at..at + 32].copy_from_slice(&scalar::to_bytes(&(value + Fr::ONE)));
        assert!(!panel.accepts(CONTEXT, &known, &changed, column.name()));
    }
}

/// A program over a few assets, each held within a thousand lots, that requires this margin.
fn program(prices: &[PriceRange], assets: usize, margin: &Expression) -> Result<Program, ProgramError> {
    program_within(prices, &vec![(-1_000, 1_000); assets], margin)
}

/// A program over assets held within these lots that requires this margin.
fn program_within(
    prices: &[PriceRange],
    ranges: &[(i128, i128)],
    margin: &Expression,
) -> Result<Program, ProgramError> {
    let range = |(index, (min, max)): (usize, &(i128, i128))| HoldingRange {
        name: Name::new(format!("asset-{index}")).unwrap(),
        min: *min,
        max: *max,
    };
    let ranges = ranges.iter().enumerate().map(range).collect();
    let mut builder = Builder::new(Capacity::new(9).unwrap(), prices, ranges);
    builder.require("margin", margin)?;
    builder.finish()
}

fn witness(program: &Program, prices: &[Price], lots: &[i128]) -> Result<Witness, Unsatisfied> {
    let assignment = program.solve(&common::position(lots), prices)?;
    Ok(Witness::new(program, prices, &common::hold(program.capacity(), lots), &assignment).unwrap())
}

/// A prover's choices for an account that is not sufficient, against a program without prices.
struct Choices {
    panel: Panel,
    real: BlindProver,
    program: Program,
    /// A witness for an account that is sufficient.
    honest: Witness,
}

impl Choices {
    /// The values of the variables of the sufficient account show which variable is what.
    fn new(program: Program, sufficient: &[i128], variables: &[u128]) -> Self {
        let panel = Panel::new(program.capacity());
        let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(program.capacity()));
        let assignment = program.solve(&common::position(sufficient), &[]).unwrap();
        assert_eq!(assignment.variables(), variables, "the program is laid out in another way");
        let honest = witness(&program, &[], sufficient).unwrap();
        let (known, proof) = real.prove(panel.digest(), CONTEXT, &honest).unwrap();
        assert!(panel.accepts(CONTEXT, &known, &proof, "a sufficient account"));
        Self { panel, real, program, honest }
    }

    /// The witness of these holdings and of any numbers for the variables, whether they fit or not.
    fn witness(&self, lots: &[i128], variables: &[Fr]) -> Witness {
        assert!(self.program.solve(&common::position(lots), &[]).is_err(), "an account that is not sufficient");
        assert_eq!(variables.len(), self.program.variables());
        let (mut witness, capacity) = (self.honest.clone(), self.honest.capacity());
        for (index, lots) in lots.iter().enumerate() {
            witness[BlindedHold][capacity.instrument(index).unwrap().index()] = scalar::from_i128(*lots);
        }
        for (index, value) in variables.iter().enumerate() {
            let head = capacity.variable(index).unwrap().index();
            let bytes = scalar::to_bytes(value);
            let (high, low) = bytes.split_first_chunk::<16>().unwrap();
            let small = (*high == [0; 16]).then(|| u128::from_be_bytes(low.try_into().unwrap()));
            attacks::place(&mut witness, head, small.unwrap_or(0));
            if small.is_none() {
                witness[Var][head] = *value;
            }
        }
        attacks::rerun(&mut witness);
        witness
    }

    fn refuse(&self, rule: &'static str, lots: &[i128], variables: &[Fr], name: &str) {
        assert_refused(&self.panel, &self.real, rule, &self.witness(lots, variables), name);
    }
}

/// A small number modulo r.
fn number_of(value: i128) -> Fr {
    scalar::from_i128(value)
}

/// One half modulo r.
fn half() -> Fr {
    Fr::from(2).invert().unwrap()
}

/// Attack: somebody owes one lot of what the model does not mention, and proves the margin of the rest.
#[test]
fn rejects_a_proof_that_forgets_a_liability() {
    let mut sample = sample::scenario_margin(9, 3, 2);
    let Model::Scenario(model) = &mut sample.policy.model else { unreachable!("the sample is scenario margin") };
    model.positions.pop();
    let prices = sample::prices(&sample.policy);
    let program = compile(&sample.policy, &sample.universe).unwrap().remove(0);
    let honest = witness(&program, &prices, &[900_000_000_000, -1_000, 0]).unwrap();
    assert!(witness(&program, &prices, &[900_000_000_000, -1_000, -1]).is_err());
    let panel = Panel::new(program.capacity());
    let real = BlindProver::new(&panel.params, &LinearProgramCircuit::new(program.capacity()));
    let (known, proof) = real.prove(panel.digest(), CONTEXT, &honest).unwrap();
    assert!(panel.accepts(CONTEXT, &known, &proof, "nothing is owed"));

    for lots in [-1, 1] {
        let mut forgotten = honest.clone();
        forgotten[BlindedHold][program.capacity().instrument(2).unwrap().index()] = number_of(lots);
        attacks::rerun(&mut forgotten);
        assert_refused(&panel, &real, rules::EQUATION, &forgotten, "one lot that the model does not mention");
    }
}

/// Attack: a debt of what may not be owed, split into parts as if it could be, or left out of its sum.
#[test]
fn rejects_a_proof_of_a_debt_where_only_assets_are_admitted() {
    let program = program_within(&[], &[(0, 10), (-1_000, 1_000)], &(holding(0) + holding(1))).unwrap();
    // The surplus, the first asset, and the parts of the second.
    let choices = Choices::new(program, &[1, 100], &[101, 1, 100, 0]);
    let lots = [-1, 100];
    let variables = |asset: Fr| [number_of(99), asset, number_of(100), Fr::ZERO];
    choices.refuse(rules::RANGE, &lots, &variables(number_of(-1)), "an asset below zero");
    choices.refuse(rules::EQUATION, &lots, &variables(Fr::ZERO), "an asset of zero");
    choices.refuse(rules::EQUATION, &lots, &variables(Fr::ONE), "an asset in the place of the debt");
}

/// Attack: an account that is one lot short, with whatever values for its slack variables.
#[test]
fn rejects_a_proof_with_slack_of_the_provers_choice() {
    let program = program(&[], 2, &(holding(0) - abs(holding(1)))).unwrap();
    // The parts of the asset, the surplus, and the parts of the cash.
    let choices = Choices::new(program, &[6, -5], &[0, 5, 1, 6, 0]);
    let lots = [4, -5];
    let variables = |positive: Fr, negative: Fr, surplus: Fr| [positive, negative, surplus, number_of(4), Fr::ZERO];
    let surplus = |positive: Fr, negative: Fr| number_of(4) - positive - negative;
    let parts = [
        ("a surplus below zero", Fr::ZERO, number_of(5)),
        ("parts that are larger than need be", number_of(7), number_of(12)),
        ("a part below zero", number_of(-1), number_of(4)),
        ("a part of minus one half", -half(), number_of(5) - half()),
    ];
    for (name, positive, negative) in parts {
        let variables = variables(positive, negative, surplus(positive, negative));
        choices.refuse(rules::RANGE, &lots, &variables, name);
    }
    let open = [
        ("no surplus", Fr::ZERO, number_of(5), Fr::ZERO),
        ("a debt that is smaller", Fr::ZERO, number_of(4), Fr::ZERO),
    ];
    for (name, positive, negative, surplus) in open {
        choices.refuse(rules::EQUATION, &lots, &variables(positive, negative, surplus), name);
    }
}

/// Attack: a least value that is none of the values, with choices that say that it is one, none, half of each, or two
/// less one; the smaller the least value, the more the account would have.
#[test]
fn rejects_a_proof_with_a_least_value_of_the_provers_choice() {
    let scenario = |label: &str, value| Scenario { label: label.to_owned(), value };
    let least = worst_of(vec![scenario("long", holding(0)), scenario("short", -holding(0))]);
    let two = number(Affine::constant(I256::unchecked_from(2)));
    let program = program(&[], 1, &(-least - two)).unwrap();
    // The parts of the least value, choices, the room for what each value has above it, surplus; parts of the position.
    let choices = Choices::new(program, &[3], &[0, 3, 0, 1, 1_994, 0, 1, 3, 0]);
    // One lot: one too little. As if the least of 1 and -1 were -2.
    let variables = |[long, short]: [Fr; 2]| {
        let (above_long, above_short) = (number_of(3), number_of(1));
        let room = |chosen: Fr, above: Fr| number_of(2_000) * (Fr::ONE - chosen) - above;
        let [zero, one] = [Fr::ZERO, Fr::ONE];
        let least = [zero, number_of(2), long, short];
        let rooms = [room(long, above_long), room(short, above_short)];
        [&least[..], &rooms[..], &[zero, one, zero]].concat()
    };
    for (name, rule, chosen) in [
        ("the first is the least", rules::RANGE, [Fr::ONE, Fr::ZERO]),
        ("the second is the least", rules::RANGE, [Fr::ZERO, Fr::ONE]),
        ("half of each", rules::RANGE, [half(), half()]),
        ("two of the first less one of the second", rules::RANGE, [number_of(2), number_of(-1)]),
        ("none", rules::EQUATION, [Fr::ZERO, Fr::ZERO]),
    ] {
        choices.refuse(rule, &[1], &variables(chosen), name);
    }
}

/// Attack: a holding that is not there, where having any counts in favour.
#[test]
fn rejects_a_proof_that_something_is_held() {
    let one = number(Affine::constant(I256::unchecked_from(1)));
    let program = program(&[], 1, &(held(0) - one)).unwrap();
    // The parts of the holding, their bits and rooms; that it is held, that it is not, and two rooms.
    let choices = Choices::new(program, &[3], &[3, 0, 1, 0, 997, 0, 1, 0, 1_997, 2]);
    let variables = |part: i128, bits: [Fr; 2]| {
        let (part, held) = (number_of(part), Fr::ONE);
        let rooms = [number_of(1_000) * bits[0] - part, number_of(1_000) * bits[1] - part];
        let size = part + part;
        let last = [held, Fr::ZERO, number_of(2_000) * held - size, size - held];
        [&[part, part][..], &bits, &rooms, &last].concat()
    };
    for (name, bits, part) in [
        ("nothing, that is held", [Fr::ZERO, Fr::ONE], 0),
        ("both parts, with one bit", [Fr::ONE, Fr::ZERO], 1),
        ("both parts, with half of each bit", [half(), half()], 1),
    ] {
        choices.refuse(rules::RANGE, &[0], &variables(part, bits), name);
    }
}

/// Attack: both parts of a position at once, which would let the positive one be as large as the prover likes, with
/// bits that say that neither is zero, that both are, or half of each.
#[test]
fn rejects_a_proof_with_bits_of_the_provers_choice() {
    let two = number(Affine::constant(I256::unchecked_from(2)));
    let program = program(&[], 1, &(positive_part(holding(0)) - two)).unwrap();
    let choices = Choices::new(program, &[3], &[3, 0, 1, 0, 997, 0, 1]);
    // One lot: one too little. As if it were two less one.
    let (above, below) = (number_of(2), number_of(1));
    let variables = |bits: [Fr; 2]| {
        let rooms = [number_of(1_000) * bits[0] - above, number_of(1_000) * bits[1] - below];
        [above, below, bits[0], bits[1], rooms[0], rooms[1], Fr::ZERO]
    };
    let bits = [
        ("a bit for the larger part only", rules::RANGE, [Fr::ONE, Fr::ZERO]),
        ("a bit for the smaller part only", rules::RANGE, [Fr::ZERO, Fr::ONE]),
        ("half a bit each", rules::RANGE, [half(), half()]),
        ("two bits less one", rules::RANGE, [number_of(2), number_of(-1)]),
        ("no bit", rules::RANGE, [Fr::ZERO, Fr::ZERO]),
        ("both bits", rules::EQUATION, [Fr::ONE, Fr::ONE]),
    ];
    for (name, rule, bits) in bits {
        choices.refuse(rule, &[1], &variables(bits), name);
    }
}

/// Why no program may read address 0: two rows have it, no rule binds them, and a term that reads it is what the prover
/// likes, each time anew. The compiler writes no such term.
#[test]
fn nobody_refuses_what_reads_address_zero() {
    let honest = Statement::small().witness();
    let panel = Panel::new(honest.capacity());
    let (one, last) = (honest.capacity().one().index(), honest.capacity().usable() - 1);
    // A neutral entry, then x + x - 12 = 0 with x at address 0.
    let mut witness = honest;
    for column in [Idx, Flag, Coef, Val, Acc] {
        witness[column][..=last].fill(Fr::ZERO);
    }
    (witness[Flag][1], witness[Flag][4]) = (Fr::ONE, Fr::ONE);
    (witness[Coef][2], witness[Coef][3], witness[Coef][4]) = (Fr::ONE, Fr::ONE, -Fr::from(12));
    witness[Idx][4] = Fr::from(one as u64);
    for (name, cells, [x, y]) in
        [("five and seven", Var, [5, 7]), ("what a source wrote there", BlindedHold, [-1_000_000, 1_000_012])]
    {
        let mut witness = witness.clone();
        (witness[Var][0], witness[Var][last]) = (Fr::ZERO, Fr::ZERO);
        (witness[cells][0], witness[cells][last]) = (number_of(x), number_of(y));
        // Rows that count for nothing read either.
        witness[Val][..=last].fill(number_of(x));
        witness[Val][3] = number_of(y);
        attacks::rerun(&mut witness);
        assert_eq!(check(&witness), Ok(()), "{name}");
        let known = known(&panel.params, &witness);
        let proof = panel.key.prove(CONTEXT, &known, &witness).unwrap().0;
        assert!(panel.accepts(CONTEXT, &known, &proof, name), "{name}");
    }
}

/// Attack: a debtor negates all of his holdings. A verifier who compares nothing but x takes the sources' commitment
/// for his: the two points differ in the sign of y alone.
#[test]
fn rejects_holdings_with_the_sign_turned_around() {
    let program = program(&[], 1, &holding(0)).unwrap();
    let panel = Panel::new(program.capacity());
    let rich = witness(&program, &[], &[7]).unwrap();
    assert!(witness(&program, &[], &[-7]).is_err());

    let own = known(&panel.params, &rich);
    // What the sources signed: seven lots of debt.
    let mut debt = rich.clone();
    debt[BlindedHold].iter_mut().for_each(|value| *value = -*value);
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
            entry.coefficient.market_part().iter().fold(entry.coefficient.constant_part(), |sum, (_, x)| sum - *x);
        below_zero[Coef][row] = scalar::from_i256(at_minus_one);
    }
    let capacity = program.capacity();
    below_zero[BlindedHold][capacity.instrument(0).unwrap().index()] = -Fr::from(5);
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

/// Attack: a key whose column of rows, or of bases, is zero everywhere, so that the rules it selects hold of anything.
#[test]
fn rejects_keys_with_a_fixed_column_that_is_zero_everywhere() {
    let proven = Proven::small();
    let real = proven.key.verifying_key();
    for column in 0..real.fixed_commitments().len() {
        let mut fixed = real.fixed_commitments().to_vec();
        fixed[column] = G1::identity().to_affine();
        let error = VerifyingKey::new(real.protocol().clone(), fixed, *real.srs()).unwrap_err();
        assert!(error.to_string().contains("the identity"), "{error}");
    }
}

/// Attack: the last slot is blinded where the rule about `BLIND` looks at the row behind and not at the one ahead. At
/// k = 16 alone that row is a slot; so this circuit looks ahead.
#[test]
fn rejects_blinding_in_the_last_slot_which_a_rule_that_looks_back_lets_through() {
    let capacity = Capacity::new(16).unwrap();
    let slot = capacity.slot(capacity.slots() - 1).unwrap().index();
    assert_eq!(slot, capacity.usable() - 2);
    let plain = Design::of(capacity);
    let mut looking_back = plain.clone();
    let query = Query { column: AdviceColumn::Blind as usize, rotation: Rotation::PREVIOUS };
    let blind =
        looking_back.protocol.advice_queries.iter().position(|query| query.column == AdviceColumn::Blind as usize);
    looking_back.protocol.advice_queries[blind.unwrap()] = query;

    // The holding less a variable is zero, so that the holding is not below zero.
    let head = capacity.variable(0).unwrap().index();
    let mut witness = Statement::sample(16, 3, 2).witness();
    for column in AdviceColumn::ALL {
        witness[column].fill(Fr::ZERO);
    }
    (witness[Flag][1], witness[Flag][3]) = (Fr::ONE, Fr::ONE);
    (witness[Coef][2], witness[Coef][3]) = (Fr::ONE, -Fr::ONE);
    (witness[Idx][2], witness[Idx][3]) = (Fr::from(slot as u64), Fr::from(head as u64));
    witness[Var][capacity.one().index()] = Fr::ONE;
    witness[BlindedHold][slot] = Fr::from(3);
    attacks::place(&mut witness, head, 3);
    attacks::rerun(&mut witness);
    assert!(plain.accepts(&witness) && looking_back.accepts(&witness), "three lots");

    // What the sources signed: seven lots of debt.
    witness[AdviceColumn::Blind][slot] = Fr::from(10);
    assert!(looking_back.accepts(&witness));
    assert!(!plain.accepts(&witness));
    assert_eq!(check(&witness).unwrap_err().rule, rules::BLIND);
}

/// Attack: a commitment to the blinded holdings, or to the holdings, that is not the proof's own.
#[test]
fn rejects_holdings_and_blinded_holdings_of_others() {
    let proven = Proven::small();
    let panel = Panel::new(proven.key.capacity());
    let with_first = |point: &G1Affine| {
        let mut proof = proven.proof.clone();
        proof[..64].copy_from_slice(&point::g1_to_bytes(point));
        proof
    };
    let refused = |known: &KnownCommitments, proof: &[u8], what: &str| {
        assert!(!panel.accepts(proven.context, known, proof, what), "{what}");
    };
    let again = proven.key.prove(proven.context, &proven.known, &proven.witness).unwrap().0;
    refused(&proven.known, &with_first(&point_at(&again, 0)), "another proof's blinded holdings");

    // Another statement of the same holdings.
    let mut other = proven.witness.clone();
    other[BlindedHold][proven.witness.capacity().usable()] += Fr::ONE;
    let others = known(&panel.params, &other);
    refused(&others, &proven.proof, "another statement's holdings");
    let its_proof = panel.key.prove(proven.context, &others, &other).unwrap().0;
    assert!(panel.accepts(proven.context, &others, &its_proof, "the other statement's proof"));
    refused(&proven.known, &its_proof, "another statement's proof");
    refused(&proven.known, &with_first(&point_at(&its_proof, 0)), "another statement's blinded holdings");

    // One lot more, where there is an instrument and where there is none.
    for slot in [1, proven.witness.capacity().slots() - 1] {
        let row = proven.witness.capacity().slot(slot).unwrap();
        let lot = panel.params.lagrange()[row.index()];
        let hold = (G1::from(proven.known.hold) + lot).to_affine();
        refused(&KnownCommitments { hold, ..proven.known }, &proven.proof, "holdings of one lot more");
        let blinded = (G1::from(point_at(&proven.proof, 0)) + lot).to_affine();
        refused(&proven.known, &with_first(&blinded), "blinded holdings of one lot more");
        refused(&KnownCommitments { hold, ..proven.known }, &with_first(&blinded), "both, with the same difference");
    }
}

/// Attack: the holdings themselves in the place of the blinded ones. Their opening at the challenge would be shown.
#[test]
fn rejects_holdings_that_are_not_blinded() {
    let proven = Proven::small();
    let panel = Panel::new(proven.key.capacity());
    let mut proof = proven.proof.clone();
    proof[..64].copy_from_slice(&point::g1_to_bytes(&proven.known.hold));
    let not_blinded = ProofError::NotBlinded { column: AdviceColumn::BlindedHold.name().to_owned() };
    assert_eq!(proven.verify(proven.context, &proven.known, &proof), Err(not_blinded));
    assert!(!panel.accepts(proven.context, &proven.known, &proof, "holdings that are not blinded"));
    // The difference to the other point of the same x is none of a column that is zero in the rows of programs.
    proof[..64].copy_from_slice(&point::g1_to_bytes(&-proven.known.hold));
    assert!(!panel.accepts(proven.context, &proven.known, &proof, "minus the holdings"));
}

/// Attack: the values of the two columns, which are opened at two points, in each other's place.
#[test]
fn rejects_evaluations_of_blind_and_blinded_holdings_that_are_exchanged() {
    let proven = Proven::small();
    let panel = Panel::new(proven.key.capacity());
    let queries = &panel.key.verifying_key().protocol().advice_queries;
    let offset = |column: AdviceColumn| {
        let index = queries.iter().position(|query| query.column == column as usize).unwrap();
        proven.scalar_offsets()[index]
    };
    let (blind, blinded) = (offset(AdviceColumn::Blind), offset(BlindedHold));
    let mut proof = proven.proof.clone();
    proof[blind..blind + 32].copy_from_slice(&proven.proof[blinded..blinded + 32]);
    proof[blinded..blinded + 32].copy_from_slice(&proven.proof[blind..blind + 32]);
    assert!(!panel.accepts(proven.context, &proven.known, &proof, "exchanged evaluations"));
}
