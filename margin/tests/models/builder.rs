//! What the builder refuses, and what it does with shared sums.

use alloy_primitives::I256;
use surety_core::{
    capacity::Capacity,
    ident::Name,
    units::{Lots, Ppm, Price},
};
use surety_margin::{
    holdings::Position,
    market::{MarketIndex, PriceRange},
    program::{
        Affine, Builder, Expression, HoldingRange, Program, ProgramError, Scenario, TailShare, Unsatisfied, abs,
        holding, lack, min_of, number, once, positive_part, tail_sum, worst_of,
    },
};

fn int(value: i128) -> I256 {
    I256::unchecked_from(value)
}

fn constant(value: i128) -> Affine {
    Affine::constant(int(value))
}

fn price(index: usize) -> Affine {
    Affine::price(MarketIndex(index), int(1))
}

fn range(min: u128, max: u128) -> PriceRange {
    PriceRange { min: Price::new(min).unwrap(), max: Price::new(max).unwrap() }
}

fn holdings(ranges: &[(i128, i128)]) -> Vec<HoldingRange> {
    let name = |i: usize| Name::new(format!("asset-{i}")).unwrap();
    ranges.iter().enumerate().map(|(i, (min, max))| HoldingRange { name: name(i), min: *min, max: *max }).collect()
}

fn compile(
    k: u32,
    prices: &[PriceRange],
    ranges: &[(i128, i128)],
    requirements: &[Expression],
) -> Result<Program, ProgramError> {
    let mut builder = Builder::new(Capacity::new(k).unwrap(), prices, holdings(ranges));
    for requirement in requirements {
        builder.require("margin", requirement)?;
    }
    builder.finish()
}

fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}

fn scenario(label: &str, value: Expression) -> Scenario {
    Scenario { label: label.to_owned(), value }
}

const WIDE: (i128, i128) = (-1_000_000, 1_000_000);

#[test]
fn nothing_times_an_absolute_value_counts_for_nothing() {
    let requirement = holding(0) + abs(holding(1)).times(constant(0));
    let program = compile(9, &[], &[WIDE, WIDE], &[requirement]).unwrap();
    assert!(program.solve(&position(&[0, -5]), &[]).is_ok());
    assert!(matches!(program.solve(&position(&[-1, 5]), &[]), Err(Unsatisfied::Insufficient { .. })));
}

/// Whether an account with so many lots of one instrument is sufficient, for each number of lots.
fn verdicts<const N: usize>(program: &Program, prices: &[u128], lots: [i128; N]) -> [bool; N] {
    let prices: Vec<_> = prices.iter().map(|price| Price::new(*price).unwrap()).collect();
    lots.map(|lots| program.solve(&position(&[lots]), &prices).is_ok())
}

/// Parts that are used against their curvature are exact: the value itself counts, and one lot less does not.
#[test]
fn parts_may_count_in_favour_of_the_account() {
    let worst = |x, y| worst_of(vec![scenario("x", x), scenario("y", y)]);
    let tail = |values| tail_sum(values, TailShare::new(Ppm(500_000)).unwrap());
    for (name, value, lots, expected) in [
        ("absolute value", abs(holding(0)), [-5, -4, 4, 5], [true, false, false, true]),
        ("positive part", positive_part(holding(0)), [-5, -4, 4, 5], [false, false, false, true]),
        ("what is lacking", lack(holding(0)), [-5, -4, 4, 5], [true, false, false, false]),
        ("a minimum against", -worst(holding(0), -holding(0)), [-5, -4, 4, 5], [true, false, false, true]),
        ("of what is not linear", abs(positive_part(holding(0))), [-5, -4, 4, 5], [false, false, false, true]),
        (
            "a tail loss",
            tail(vec![holding(0), -holding(0)]) - number(constant(4_000_000)),
            [-5, -4, 4, 5],
            [true, false, false, true],
        ),
    ] {
        let program = compile(9, &[], &[WIDE], &[value - number(constant(5))]).unwrap();
        assert_eq!(verdicts(&program, &[], lots), expected, "{name}");
    }
}

/// Where one price below 3 turns the charge into a credit, slack must not pay.
#[test]
fn a_charge_whose_sign_the_price_box_leaves_open_is_exact() {
    let charge = abs(holding(0)).times(price(0).plus(&constant(-3)).unwrap());
    let requirement = number(constant(6)) - charge;
    let either = compile(9, &[range(2, 100)], &[WIDE], std::slice::from_ref(&requirement)).unwrap();
    let charged = compile(9, &[range(3, 100)], &[WIDE], &[requirement]).unwrap();
    assert!(charged.variables() < either.variables());
    for program in [&either, &charged] {
        assert_eq!(verdicts(program, &[5], [-4, -3, 3, 4]), [false, true, true, false]);
    }
    let credit = compile(
        9,
        &[range(2, 100)],
        &[WIDE],
        &[-abs(holding(0)).times(price(0).plus(&constant(-3)).unwrap()) - number(constant(6))],
    )
    .unwrap();
    assert_eq!(verdicts(&credit, &[2], [-6, -5, 5, 6]), [true, false, false, true]);
}

/// Attack: a policy with one market entry that discounts gains and another for losses. Where the first is the larger,
/// slack must not pay.
#[test]
fn rejects_slack_where_gains_are_discounted_less_than_losses() {
    // gains·x if x is positive, losses·x if it is negative
    let of = |losses: Affine| {
        let debt = losses.plus(&price(0).times(int(-1)).unwrap()).unwrap();
        once(holding(0)).times(price(0)) - positive_part(-holding(0)).times(debt) + number(constant(100))
    };
    let either = compile(9, &[range(1, 5), range(4, 9)], &[WIDE], &[of(price(1))]).unwrap();
    let apart = compile(9, &[range(1, 4), range(4, 9)], &[WIDE], &[of(price(1))]).unwrap();
    let spread = compile(9, &[range(1, 5), range(0, 9)], &[WIDE], &[of(price(0).plus(&price(1)).unwrap())]).unwrap();
    // 100 lots of cash bear 100/9 lots of debt.
    assert_eq!(verdicts(&apart, &[4, 9], [-11, -12]), [true, false]);
    assert_eq!(verdicts(&spread, &[4, 5], [-11, -12]), [true, false]);
    assert_eq!(verdicts(&either, &[4, 9], [-11, -12]), [true, false]);
    assert_eq!(verdicts(&either, &[5, 4], [-25, -26]), [true, false]);
}

#[test]
fn rejects_the_smallest_and_the_worst_of_nothing() {
    let share = TailShare::new(Ppm(500_000)).unwrap();
    for nothing in [worst_of(Vec::new()), tail_sum(Vec::new(), share)] {
        for requirement in [nothing.clone(), -nothing, worst_of(Vec::new()) + holding(0)] {
            let error = compile(9, &[], &[WIDE], &[requirement]).unwrap_err();
            assert!(matches!(error, ProgramError::Nothing { .. }), "{error}");
        }
    }
}

#[test]
fn rejects_a_product_of_two_prices() {
    let error =
        compile(9, &[range(1, 2), range(1, 2)], &[WIDE], &[holding(0).times(price(0)).times(price(1))]).unwrap_err();
    assert!(matches!(error, ProgramError::NotAffine { .. }));
}

#[test]
fn rejects_a_row_that_could_wrap_around() {
    // 2^99 for the holding, 2^96 for the price and 2^58 for the factor reach half the modulus.
    let prices = [range(1, Price::MAX)];
    let claim = |bits: usize| holding(0).times(Affine::price(MarketIndex(0), int(1 << bits)));
    let error = compile(9, &prices, &[(0, 1)], &[claim(58)]).unwrap_err();
    assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");
    assert!(compile(9, &prices, &[(0, 1)], &[claim(56)]).is_ok());
}

/// Attack: a variable of at most one by the rules, and of up to 2^99 by the circuit, with a factor that carries the row
/// around the modulus.
#[test]
fn rejects_variables_with_which_a_row_could_wrap_around() {
    let prices = [range(1, Price::MAX)];
    let debt = |bits: usize| {
        let owed = positive_part(-holding(0)).times(Affine::price(MarketIndex(0), int(1 << bits)));
        holding(0) - owed
    };
    let error = compile(9, &prices, &[(-1, 1)], &[debt(58)]).unwrap_err();
    assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");
    assert!(compile(9, &prices, &[(-1, 1)], &[debt(56)]).is_ok());
}

/// Attack: a holding so large that the circuit lets it go beyond what the bound on rows counts with.
#[test]
fn rejects_holdings_that_take_up_more_than_one_variable() {
    let bound = Capacity::new(9).unwrap().variable_bound() as i128;
    for range in [(-bound, 0), (0, bound), (i128::MIN, i128::MAX)] {
        let error = compile(9, &[], &[range], &[holding(0)]).unwrap_err();
        assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");
    }
    assert!(compile(9, &[], &[(1 - bound, bound - 1)], &[holding(0)]).is_ok());
}

#[test]
fn rejects_numbers_beyond_256_bits() {
    let huge = number(Affine::constant(I256::MAX));
    let error = compile(9, &[], &[WIDE], &[huge.clone() + huge]).unwrap_err();
    assert!(matches!(error, ProgramError::Wraps { .. }));
}

#[test]
fn rejects_a_program_that_does_not_fit_and_says_what_would() {
    let claim = || (0..30).map(|i| holding(i) - abs(holding(i)).times(constant(2))).sum::<Expression>();
    let error = compile(9, &[], &[WIDE; 30], &[claim()]).unwrap_err();
    let ProgramError::TooLarge { variables, max_variables, k, advice, .. } = error else { panic!("{error}") };
    assert_eq!((variables, max_variables, k), (61, 45, 9));
    assert_eq!(advice, "use a universe of capacity 10");
    assert!(compile(10, &[], &[WIDE; 30], &[claim()]).is_ok());
}

#[test]
fn rejects_a_liability_that_the_model_does_not_mention() {
    let program = compile(9, &[], &[(0, 10), (0, 0)], &[holding(0)]).unwrap();
    assert!(program.solve(&position(&[5, 0]), &[]).is_ok());
    let forgotten = program.solve(&position(&[5, -1]), &[]).unwrap_err();
    assert_eq!(forgotten, Unsatisfied::OutOfRange { name: "asset-1".to_owned() });
    assert!(program.solve(&position(&[5, 1]), &[]).is_err());
}

#[test]
fn rejects_a_debt_where_only_assets_are_admitted() {
    let program = compile(9, &[], &[(0, 10), WIDE], &[holding(0) + holding(1)]).unwrap();
    let error = program.solve(&position(&[-1, 100]), &[]).unwrap_err();
    assert_eq!(error, Unsatisfied::OutOfRange { name: "asset-0".to_owned() });
}

#[test]
fn the_failing_scenario_is_named() {
    let profit = |x: i128| holding(0).times(constant(x));
    let worst = worst_of(vec![scenario("up", profit(3)), scenario("down", profit(-2))]);
    let program = compile(9, &[], &[WIDE], &[number(constant(10)) + worst]).unwrap();
    assert!(program.solve(&position(&[5]), &[]).is_ok());
    let error = program.solve(&position(&[6]), &[]).unwrap_err();
    assert_eq!(error.to_string(), "the account is not sufficient: margin, down");
}

#[test]
fn minima_may_be_nested_and_summed() {
    // min(x, y) + min(x, 2, y - min(1, x)…) needs a variable for every minimum but one; 4 + both must cover -8.
    let (x, y) = (holding(0), holding(1));
    let first = worst_of(vec![scenario("x", x.clone()), scenario("y", y.clone())]);
    let second = min_of(first.clone(), y) + x;
    let program = compile(9, &[], &[WIDE; 2], &[first.times(constant(2)) + second + number(constant(8))]).unwrap();
    let margin = |x: i128, y: i128| 2 * x.min(y) + x.min(y).min(y) + x + 8;
    for x in -6..6 {
        for y in -6..6 {
            assert_eq!(program.solve(&position(&[x, y]), &[]).is_ok(), margin(x, y) >= 0, "{x} {y}");
        }
    }
}

#[test]
fn expected_shortfall_is_the_mean_of_the_worst_losses() {
    // Losses of 5, 3, 9, -2 and 4 a lot: the worst two fifths of them are 9 and 5.
    let losses = [5, 3, 9, -2, 4].map(|loss| holding(0).times(constant(loss)));
    let margin =
        |share: u32| number(constant(14_000_000)) - tail_sum(losses.to_vec(), TailShare::new(Ppm(share)).unwrap());
    let program = |share| compile(9, &[], &[WIDE], &[margin(share)]).unwrap();
    let two = program(400_000);
    assert!(two.solve(&position(&[1]), &[]).is_ok());
    assert!(two.solve(&position(&[2]), &[]).is_err());
    // Short, the worst two are -(-2) and -3: together -1.
    assert!(two.solve(&position(&[-14]), &[]).is_ok());
    // Half of five is two and a half: 9 + 5 + 4/2 = 16 is more than 14, one lot too many.
    assert!(program(500_000).solve(&position(&[1]), &[]).is_err());
    assert!(program(500_000).solve(&position(&[0]), &[]).is_ok());
}

/// What the worst of two scenarios lacks, beside a charge: exactly that, and never less.
#[test]
fn what_is_lacking_is_covered_exactly() {
    let worst = worst_of(vec![scenario("up", holding(0)), scenario("down", holding(1))]) - abs(holding(2));
    let program = compile(10, &[], &[WIDE, WIDE, WIDE, (0, 1_000_000)], &[holding(3) - lack(worst)]).unwrap();
    for (x, y, z) in [(5, 7, 0), (5, -7, 0), (-5, -7, 3), (0, 0, -2), (4, 9, 4), (-1, 0, 0)] {
        let needed = (i128::abs(z) - x.min(y)).max(0);
        let holds = |covered: i128| program.solve(&position(&[x, y, z, covered]), &[]).is_ok();
        assert!(holds(needed) && holds(needed + 1), "{x}, {y}, {z}");
        assert!(needed == 0 || !holds(needed - 1), "{x}, {y}, {z}");
    }
}

/// The same rule of other holdings, and of one that is left out.
#[test]
fn a_rule_is_moved_to_other_holdings() {
    let rule = holding(0) - positive_part(-holding(1)).times(constant(3)) - lack(holding(2));
    let moved = rule.over(&|at| [holding(3), holding(4), Expression::zero()][at].clone());
    let program = compile(10, &[], &[WIDE; 5], &[moved]).unwrap();
    let holds = |lots: [i128; 5]| program.solve(&position(&lots), &[]).is_ok();
    assert!(holds([-9, -9, -9, 6, -2]) && !holds([9, 9, 9, 5, -2]));
}

#[test]
fn rejects_zeros_that_are_one_off() {
    let zero = |expression: &Expression| {
        let mut builder = Builder::new(Capacity::new(9).unwrap(), &[], holdings(&[WIDE, WIDE]));
        builder.require_zero("zero", expression)?;
        builder.finish()
    };
    let program = zero(&(holding(0) - holding(1))).unwrap();
    let verdicts = [-1, 0, 1].map(|more| program.solve(&position(&[7 + more, 7]), &[]).is_ok());
    assert_eq!(verdicts, [false, true, false]);
    let program = zero(&(abs(holding(0)) - holding(1))).unwrap();
    let verdicts = [-8, -7, 6, 7].map(|lots| program.solve(&position(&[lots, 7]), &[]).is_ok());
    assert_eq!(verdicts, [false, true, false, true]);
}

#[test]
fn a_surplus_larger_than_a_variable_takes_two() {
    let limit = Lots::MAX;
    let program = compile(9, &[], &[(0, limit)], &[holding(0).times(constant(1 << 40))]).unwrap();
    let assignment = program.solve(&position(&[limit]), &[]).unwrap();
    assert_eq!(assignment.variables().len(), 3);
    assert!(assignment.variables().iter().all(|value| *value < Capacity::new(9).unwrap().variable_bound()));
}

#[test]
fn shared_charges_are_summed_once() {
    let charges = || (0..8).map(|i| -abs(holding(i))).sum::<Expression>();
    let worst = |count: usize| {
        let profit = |s: usize| holding(0).times(constant(s as i128));
        worst_of((0..count).map(|s| scenario(&s.to_string(), profit(s))).collect())
    };
    let rows = |count| compile(11, &[], &[WIDE; 8], &[charges() + worst(count)]).unwrap().table().len();
    // A further scenario costs its own term, the shared sum's two parts or fewer, and its surplus.
    assert!(rows(21) - rows(20) <= 4);
}

#[test]
fn secrets_do_not_print() {
    let program = compile(9, &[], &[WIDE], &[holding(0)]).unwrap();
    let position = position(&[987_654]);
    let assignment = program.solve(&position, &[]).unwrap();
    assert!(!format!("{position:?} {assignment:?}").contains("987"));
}

/// Attack: every scenario repeats all holdings, so that a policy of some hundred kilobytes stands for a program of
/// gigabytes.
#[test]
fn rejects_short_policies_of_endless_programs() {
    const MANY: usize = 2_000;
    let held: Expression = (0..MANY).map(holding).sum();
    let scenarios = (0..MANY).map(|index| scenario(&index.to_string(), holding(index))).collect();
    let error = compile(12, &[], &vec![WIDE; MANY], &[held + worst_of(scenarios)]).unwrap_err();
    let ProgramError::TooLarge { rows, variables, .. } = error else { panic!("{error}") };
    let room = Capacity::new(Capacity::MAX_K).unwrap().program_rows();
    assert!(rows > room || variables > room, "it fits somewhere");
    assert!(rows <= room + MANY + 2, "compilation went on for {rows} rows");
}
