//! Levels that claim the other way: a program has a solution exactly when the margin is negative, and both of a band's
//! exactly when the margin lies between.

use proptest::prelude::*;
use surety_core::units::Ppm;
use surety_margin::{
    compile::compile,
    level::{Claimed, Level},
    program::Unsatisfied,
};
use surety_testing::{
    sample,
    strategies::{Case, accounts, models, name, position},
};

/// A case whose levels claim a shortfall.
fn short(model: surety_margin::models::Model, prices: Vec<u128>) -> Case {
    let mut case = Case::of_class(14, model, prices);
    case.sample.policy.levels.iter_mut().for_each(|level| level.claim = Claimed::Shortfall);
    case
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_shortfall_is_provable_exactly_when_the_margin_is_negative(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = short(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
            let position = position(&lots);
            let evaluation = case.evaluate(level, &position);
            let short = evaluation.margin.atoms.is_negative() && evaluation.not_admitted.is_none();
            prop_assert_eq!(evaluation.is_provable(), short);
            prop_assert_eq!(program.solve(&position, &case.prices).is_ok(), short);
        }
    }

    /// Of a multiple below one, too, at which debts count for less than collateral does.
    #[test]
    fn a_shortfall_of_any_multiple_is_decided_as_it_is_evaluated(
        model in models(),
        account in accounts(),
        multiple in 1..1_000_000_u32,
    ) {
        let (lots, prices) = account;
        let mut case = short(model, prices);
        case.sample.policy.levels.iter_mut().for_each(|level| level.multiple = Ppm(multiple));
        for (level, program) in case.programs().iter().enumerate() {
            let solved = |lots: &[i128]| program.solve(&position(lots), &case.prices).is_ok();
            prop_assert_eq!(solved(&lots), case.evaluate(level, &position(&lots)).is_provable());
            let Some(mut lots) = case.at_the_boundary(level, &lots) else { continue };
            prop_assert!(!solved(&lots));
            lots[0] -= 1;
            prop_assert!(solved(&lots));
        }
    }

    /// With the least cash that suffices there is no proof of a shortfall, and with one lot less there is.
    #[test]
    fn a_shortfall_begins_where_sufficiency_ends(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let case = short(model, prices);
        for (level, program) in case.programs().iter().enumerate() {
            let Some(mut lots) = case.at_the_boundary(level, &lots) else { continue };
            let enough = program.solve(&position(&lots), &case.prices);
            prop_assert!(matches!(enough, Err(Unsatisfied::Insufficient { .. })), "{:?}", enough);
            lots[0] -= 1;
            prop_assert!(program.solve(&position(&lots), &case.prices).is_ok());
        }
    }

    #[test]
    fn a_band_is_provable_exactly_between_its_ends(model in models(), account in accounts()) {
        let (lots, prices) = account;
        let mut case = Case::of_class(14, model, prices);
        case.sample.policy.levels.iter_mut().for_each(|level| level.below = Some(Ppm(level.multiple.0 + 300_000)));
        for (level, program) in case.programs().iter().enumerate() {
            let provable = |lots: &[i128]| {
                let evaluation = case.evaluate(level, &position(lots));
                let solved = program.solve(&position(lots), &case.prices).is_ok();
                (evaluation, solved)
            };
            let (evaluation, solved) = provable(&lots);
            prop_assert_eq!(evaluation.is_provable(), solved);
            let Some(mut lots) = case.at_the_boundary(level, &lots) else { continue };
            let (evaluation, solved) = provable(&lots);
            let end = evaluation.margin_at_end.unwrap().atoms;
            prop_assert_eq!(solved, end.is_negative());
            lots[0] -= 1;
            prop_assert!(!provable(&lots).1);
        }
    }
}

/// Sixteen instruments in sixteen scenarios, which is what the smallest classes are for.
#[test]
fn the_shortfall_of_sixteen_by_sixteen_fits_the_class_of_its_level() {
    let mut sample = sample::scenario_margin(11, 16, 16);
    let levels = &mut sample.policy.levels;
    let short = levels.clone().into_iter().map(|level| Level {
        name: name(format!("{}-short", level.name)),
        claim: Claimed::Shortfall,
        ..level
    });
    levels.extend(short.collect::<Vec<_>>());
    assert_eq!(sample.policy.check(&sample.universe), []);
    let programs = compile(&sample.policy, &sample.universe).unwrap();
    let bits: Vec<usize> = programs.iter().map(|program| program.bits().values().sum()).collect();
    // Two for the gross charge of each of fifteen, and one for each scenario and none.
    assert_eq!(bits, [0, 0, 0, 47, 47, 47]);
}

fn problems(change: impl Fn(&mut Vec<Level>)) -> Vec<String> {
    let mut sample = sample::collateral(11, 4);
    change(&mut sample.policy.levels);
    sample.policy.check(&sample.universe).iter().map(ToString::to_string).collect()
}

fn claiming(level: &Level, claim: Claimed) -> Level {
    Level { name: name(format!("{}-claimed", level.name)), claim, ..level.clone() }
}

#[test]
fn shortfalls_of_any_multiple_stand_behind_the_levels_of_a_policy() {
    let short = |levels: &mut Vec<Level>| {
        let short = claiming(&levels[0], Claimed::Shortfall);
        levels.push(Level { multiple: Ppm(900_000), ..short });
    };
    assert_eq!(problems(short), [""; 0]);
}

#[test]
fn rejects_sufficiency_behind_a_shortfall() {
    let found = problems(|levels| {
        let short = claiming(&levels[0], Claimed::Shortfall);
        levels.insert(1, short);
    });
    assert!(found.iter().any(|problem| problem.contains("before those that claim a shortfall")), "{found:?}");
}

#[test]
fn rejects_policies_of_shortfalls_alone() {
    let found = problems(|levels| levels.iter_mut().for_each(|level| level.claim = Claimed::Shortfall));
    assert!(found.iter().any(|problem| problem.contains("expected a level that claims sufficiency")), "{found:?}");
}

#[test]
fn rejects_shortfalls_of_nothing() {
    let found = problems(|levels| {
        let short = claiming(&levels[0], Claimed::Shortfall);
        levels.push(Level { multiple: Ppm(0), ..short });
    });
    assert!(found.iter().any(|problem| problem.contains("more than 0 %")), "{found:?}");
}

#[test]
fn rejects_bands_that_end_where_they_begin_or_claim_a_shortfall() {
    let found = problems(|levels| levels[0].below = Some(levels[0].multiple));
    assert!(found.iter().any(|problem| problem.contains("more than the multiple")), "{found:?}");
    let found = problems(|levels| {
        let short = claiming(&levels[0], Claimed::Shortfall);
        levels.push(Level { below: Some(Ppm(2_000_000)), ..short });
    });
    assert!(found.iter().any(|problem| problem.contains("a shortfall ends nowhere")), "{found:?}");
}

#[test]
fn a_shortfall_is_that_of_its_level_alone() {
    let level = sample::collateral(11, 4).policy.levels[0].clone();
    let short = claiming(&level, Claimed::Shortfall);
    assert!(short.is_shortfall_of(&level));
    for other in [
        claiming(&level, Claimed::Sufficient),
        Level { multiple: Ppm(level.multiple.0 + 1), ..short.clone() },
        Level { liquidation_penalty: Ppm(1), ..short.clone() },
        Level { mode: Some(name("other".to_owned())), ..short.clone() },
    ] {
        assert!(!other.is_shortfall_of(&level), "{other:?}");
    }
}
