//! The cases that Derive publishes, in `../shared/cases/derive-pm2`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use alloy_primitives::I256;
use serde_json::Value;
use surety_core::units::{Lots, Ppm};
use surety_margin::{
    holdings::Position,
    level::Basis,
    models::derive::{DeriveError, PortfolioBreakdown},
    program::Unsatisfied,
};

use super::account::{Account, LEVELS};
use crate::shape::assert_reads_what_the_circuit_binds;

/// The agreement that is required, relative.
pub(crate) const TOLERANCE: f64 = 1e-8;

/// The case whose gains count more than losses.
const GAINS_EXCEED: &str = "test_97_";

/// 80 options, 7 expiries, 31 scenarios.
const LARGEST: &str = "test_65_";

struct Published {
    name: String,
    account: Account,
    expected: Value,
}

impl Published {
    fn of(Text { name, text }: Text) -> Self {
        Self {
            name,
            account: Account::new(&text),
            expected: serde_json::from_str::<Value>(&text).unwrap()["Result"].take(),
        }
    }

    fn expected(&self, figure: &str) -> f64 {
        number(&self.expected[figure])
    }
}

/// The text of a case.
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The texts of all cases, or none if they are not there.
pub(crate) fn texts() -> impl Iterator<Item = Text> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/derive-pm2");
    let files = fs::read_dir(&folder).inspect_err(|_| println!("skipped: there are no cases in {}", folder.display()));
    let mut paths: Vec<_> = files.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| Text {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        text: fs::read_to_string(path).unwrap(),
    })
}

fn cases() -> impl Iterator<Item = Published> {
    texts().map(Published::of)
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// The largest deviation of each figure.
#[derive(Default)]
struct Deviations(BTreeMap<&'static str, (f64, String)>);

impl Deviations {
    /// Relative to the expected figure, or to a size if the figure is a difference of larger ones.
    fn note(&mut self, figure: &'static str, case: &str, found: f64, expected: f64, size: f64) {
        let scale = expected.abs().max(size);
        let deviation = if scale == 0.0 { found.abs() } else { (found - expected).abs() / scale };
        let largest = self.0.entry(figure).or_default();
        if deviation >= largest.0 {
            *largest = (deviation, format!("{case}: found {found}, expected {expected}"));
        }
    }
}

#[test]
fn every_figure_of_every_case_agrees() {
    let mut deviations = Deviations::default();
    for case in cases() {
        let account = &case.account;
        for basis in LEVELS {
            let found = account.evaluate(basis);
            let mut note = |figure, value| {
                deviations.note(figure, &case.name, account.shown(value), case.expected(figure), 0.0);
            };
            note(if basis == Basis::Maintenance { "MM" } else { "IM" }, found.margin().unwrap());
            note("OptionMTM", found.options);
            note("CollateralMTM", found.collateral);
            charges(basis, &found).into_iter().for_each(|(figure, charge)| note(figure, -charge));
            let loss_factor = account.derived().loss_factor(basis) as f64 / 1e15;
            note_scenarios(&mut deviations, &case, &found, |value| account.shown(value) / loss_factor);
        }
    }
    for (figure, (deviation, worst)) in &deviations.0 {
        println!("{figure}: {deviation:.1e} in {worst}");
        assert!(*deviation <= TOLERANCE, "{figure}: {deviation:e} in {worst}");
    }
}

fn charges(basis: Basis, found: &PortfolioBreakdown) -> Vec<(&'static str, I256)> {
    let charges = found.charges;
    match basis {
        Basis::Maintenance => vec![
            ("MMPerpCont", charges.perpetual),
            ("MMOptionCont", charges.naked_shorts),
            ("MMBaseCont", charges.collateral),
        ],
        Basis::Initial => vec![
            ("IMPerpContNormal", charges.perpetual),
            ("IMOptionContNormal", charges.naked_shorts),
            ("IMBaseContNormal", charges.collateral),
            ("OracleCont", charges.confidence),
        ],
    }
}

/// Results of scenarios are differences of values that may be much larger, so their size is the margin's.
fn note_scenarios(
    deviations: &mut Deviations,
    case: &Published,
    found: &PortfolioBreakdown,
    shown: impl Fn(I256) -> f64,
) {
    let size = 1e-4 * case.expected("MM").abs();
    let contingency = case.expected("ForwardContingency");
    deviations.note("ForwardContingency", &case.name, shown(found.basis_contingency), contingency, size);
    let lists = ["reg_losses", "tail_losses", "skew_losses"].into_iter();
    let losses: Vec<_> = lists.flat_map(|list| case.expected[list].as_array().unwrap()).collect();
    assert_eq!(losses.len(), found.scenarios.len(), "{}", case.name);
    for (scenario, loss) in found.scenarios.iter().zip(losses) {
        let loss = number(loss.as_array().unwrap().last().unwrap());
        deviations.note("losses", &case.name, shown(scenario.result), loss, size);
    }
}

/// A model that does not say so refuses a market where gains count more.
#[test]
fn rejects_gains_that_exceed_losses_where_the_model_does_not_say_so() {
    for mut case in cases() {
        let exceed = case.name.starts_with(GAINS_EXCEED);
        let losses = &mut case.account.case.model.parameters.losses;
        assert_eq!(losses.gains_may_exceed, exceed, "{}", case.name);
        losses.gains_may_exceed = false;
        let derived = case.account.schema().derive(&case.account.feeds());
        assert_eq!(matches!(derived, Err(DeriveError::GainsExceed { .. })), exceed, "{}", case.name);
    }
}

#[test]
fn programs_decide_cases_to_one_lot_of_cash() {
    for Published { name, account, .. } in cases() {
        let derived = account.derived();
        let prices = derived.values();
        for basis in LEVELS {
            let program = account.program(basis, Ppm::ONE);
            assert_reads_what_the_circuit_binds(&program);
            let found = account.evaluate(basis);
            let sufficient = !found.margin().unwrap().is_negative();
            assert_eq!(program.solve(&account.position(), prices).is_ok(), sufficient, "{name} {basis:?}");
            let [enough, short] = account.at_the_boundary(&found, Ppm::ONE);
            assert!(program.solve(&enough, prices).is_ok(), "{name} {basis:?}");
            let refused = program.solve(&short, prices).unwrap_err();
            assert!(matches!(refused, Unsatisfied::Insufficient { .. }), "{name} {basis:?}: {refused}");
        }
    }
}

#[test]
fn rejects_collateral_that_is_owed() {
    let secured = cases().filter(|case| !case.account.case.model.collateral.is_empty());
    for Published { name, account, .. } in secured.take(3) {
        let derived = account.derived();
        let prices = derived.values();
        let owed = account.schema().never_negative().next().unwrap();
        let mut lots = account.case.holdings.clone();
        lots[owed] = Lots::new(-1).unwrap();
        lots[0] = account.universe.instruments[0].max_lots;
        let program = account.program(Basis::Maintenance, Ppm::ONE);
        let refused = program.solve(&Position::from_lots(lots), prices);
        assert!(matches!(refused, Err(Unsatisfied::OutOfRange { .. })), "{name}");
    }
}

#[test]
fn the_largest_case_fits_8192_rows() {
    for Published { account, .. } in cases().filter(|case| case.name.starts_with(LARGEST)) {
        let sizes = LEVELS.map(|basis| {
            let program = account.program(basis, Ppm::ONE);
            (program.capacity().k(), program.table().len(), program.variables())
        });
        assert_eq!((account.schema().entries().len(), sizes), (2_836, [(13, 4_771, 840), (13, 5_050, 856)]));
    }
}

/// Gains that may count for more than losses take bits for each expiry and revaluation.
#[test]
fn the_largest_case_with_exact_gains_fits_32768_rows() {
    for Published { mut account, .. } in cases().filter(|case| case.name.starts_with(LARGEST)) {
        account.case.model.parameters.losses.gains_may_exceed = true;
        let exact = account.program(Basis::Initial, Ppm::ONE);
        let bits: usize = exact.bits().values().sum();
        assert_eq!((exact.capacity().k(), exact.table().len(), exact.variables(), bits), (15, 6_855, 1_653, 434));
    }
}
