//! Portfolio margin against the cases that Derive publishes, in `../shared/cases/derive-pm2`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use alloy_primitives::{I256, U256};
use serde_json::Value;
use surety_margin::{
    FormatVersion,
    capacity::Capacity,
    holdings::Position,
    ident::{Bytes32, Name},
    market::PriceRange,
    policy::Basis,
    portfolio::{Breakdown, DeriveError, Derived, Schema, case::Case},
    program::{Builder, HoldingRange, Program, Unsatisfied},
    units::{Lots, Ppm, Price},
    universe::{Instrument, Universe, UniverseKind},
};

/// The agreement that is required, relative.
const TOLERANCE: f64 = 1e-8;

/// The case whose discounts are not concave.
const NOT_CONCAVE: &str = "test_97_";

/// 80 options, 7 expiries, 31 scenarios.
const LARGEST: &str = "test_65_";

const LEVELS: [(Basis, &str); 2] = [(Basis::Maintenance, "MM"), (Basis::Initial, "IM")];

struct Loaded {
    name: String,
    case: Case,
    universe: Universe,
    expected: Value,
}

impl Loaded {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let case = Case::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            universe: universe(case.instruments.clone()),
            case,
            expected: serde_json::from_str::<Value>(&text).unwrap()["Result"].take(),
        }
    }

    fn schema(&self) -> Schema<'_> {
        Schema::new(&self.case.model, &self.universe).unwrap()
    }

    fn position(&self) -> Position {
        Position::from_lots(self.case.holdings.clone())
    }

    fn expected(&self, figure: &str) -> f64 {
        number(&self.expected[figure])
    }
}

/// All cases, or none if they are not there.
fn cases() -> impl Iterator<Item = Loaded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/derive-pm2");
    let files = fs::read_dir(&folder).inspect_err(|_| println!("skipped: there are no cases in {}", folder.display()));
    let mut paths: Vec<_> = files.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Loaded::read)
}

fn concave_cases() -> impl Iterator<Item = Loaded> {
    cases().filter(|loaded| !loaded.name.starts_with(NOT_CONCAVE))
}

fn universe(instruments: Vec<Instrument>) -> Universe {
    Universe {
        kind: UniverseKind::Universe,
        version: FormatVersion,
        name: Name::new("case").unwrap(),
        capacity: Capacity::new(13).unwrap(),
        srs: Bytes32::ZERO,
        instruments,
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

fn ten_to(digits: u32) -> I256 {
    I256::from_raw(U256::from(10).pow(U256::from(digits)))
}

fn float(value: I256) -> f64 {
    value.to_string().parse().unwrap()
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
    for loaded in concave_cases() {
        let schema = loaded.schema();
        let derived = schema.derive(&loaded.case.feeds).unwrap();
        for (basis, result) in LEVELS {
            let found = schema.evaluate(basis, &loaded.position(), &derived).unwrap();
            let unit = float(ten_to(schema.scale()));
            let shown = |value: I256| float(value) / unit;
            deviations.note(result, &loaded.name, shown(found.margin().unwrap()), loaded.expected(result), 0.0);
            for (figure, charge) in charges(basis, &found) {
                deviations.note(figure, &loaded.name, -shown(charge), loaded.expected(figure), 0.0);
            }
            deviations.note("OptionMTM", &loaded.name, shown(found.options), loaded.expected("OptionMTM"), 0.0);
            deviations.note(
                "CollateralMTM",
                &loaded.name,
                shown(found.collateral),
                loaded.expected("CollateralMTM"),
                0.0,
            );
            note_scenarios(&mut deviations, &loaded, &found, |value| shown(value) / loss_factor(&derived, basis));
        }
    }
    for (figure, (deviation, worst)) in &deviations.0 {
        println!("{figure}: {deviation:.1e} in {worst}");
        assert!(*deviation <= TOLERANCE, "{figure}: {deviation:e} in {worst}");
    }
}

fn loss_factor(derived: &Derived, basis: Basis) -> f64 {
    derived.loss_factor(basis) as f64 / 1e15
}

fn charges(basis: Basis, found: &Breakdown) -> Vec<(&'static str, I256)> {
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
fn note_scenarios(deviations: &mut Deviations, loaded: &Loaded, found: &Breakdown, shown: impl Fn(I256) -> f64) {
    let size = 1e-4 * loaded.expected("MM").abs();
    let contingency = loaded.expected("ForwardContingency");
    deviations.note("ForwardContingency", &loaded.name, shown(found.basis_contingency), contingency, size);
    let lists = ["reg_losses", "tail_losses", "skew_losses"].into_iter();
    let losses: Vec<_> = lists.flat_map(|list| loaded.expected[list].as_array().unwrap()).collect();
    assert_eq!(losses.len(), found.scenarios.len(), "{}", loaded.name);
    for (scenario, loss) in found.scenarios.iter().zip(losses) {
        let loss = number(loss.as_array().unwrap().last().unwrap());
        deviations.note("losses", &loaded.name, shown(scenario.result), loss, size);
    }
}

#[test]
fn rejects_discounts_that_are_not_concave() {
    for loaded in cases().filter(|loaded| loaded.name.starts_with(NOT_CONCAVE)) {
        let error = loaded.schema().derive(&loaded.case.feeds).unwrap_err();
        assert!(matches!(error, DeriveError::NotConcave { .. }));
        assert!(error.to_string().contains("not concave"), "{error}");
    }
}

/// At the smallest capacity that it fits.
fn compile(loaded: &Loaded, schema: &Schema<'_>, basis: Basis) -> Program {
    let entries = schema.entries().iter();
    let ranges: Vec<_> = entries.map(|entry| PriceRange { min: Price::new(1).unwrap(), max: entry.max }).collect();
    let never_negative: Vec<_> = schema.never_negative().collect();
    let range = |(i, instrument): (usize, &Instrument)| {
        let max = instrument.max_lots.get();
        HoldingRange { name: instrument.name.clone(), min: if never_negative.contains(&i) { 0 } else { -max }, max }
    };
    let holdings: Vec<_> = loaded.universe.instruments.iter().enumerate().map(range).collect();
    let margin = schema.margin(basis, Ppm::ONE).unwrap();
    let compile = |capacity| {
        let mut builder = Builder::new(capacity, &ranges, holdings.clone());
        builder.require("margin", &margin)?;
        builder.finish()
    };
    Capacity::all().find_map(|capacity| compile(capacity).ok()).unwrap()
}

/// The position with as little cash as leaves the margin not negative, and the same with one lot less.
fn at_the_boundary(schema: &Schema<'_>, loaded: &Loaded, found: &Breakdown) -> [Position; 2] {
    let lot = ten_to(schema.scale() - u32::from(loaded.universe.instruments[0].lot_decimals.get()));
    let margin = found.margin().unwrap();
    let spare = (margin - margin.rem_euclid(lot)) / lot;
    [I256::ZERO, I256::ONE].map(|more| {
        let mut lots = loaded.case.holdings.clone();
        lots[0] = Lots::new((lots[0].wide() - spare - more).try_into().unwrap()).unwrap();
        Position::from_lots(lots)
    })
}

#[test]
fn programs_decide_cases_to_one_lot_of_cash() {
    for loaded in concave_cases() {
        let schema = loaded.schema();
        let derived = schema.derive(&loaded.case.feeds).unwrap();
        let prices = derived.prices().unwrap();
        for (basis, level) in LEVELS {
            let program = compile(&loaded, &schema, basis);
            let found = schema.evaluate(basis, &loaded.position(), &derived).unwrap();
            let sufficient = !found.margin().unwrap().is_negative();
            assert_eq!(program.solve(&loaded.position(), &prices).is_ok(), sufficient, "{} {level}", loaded.name);
            let [enough, short] = at_the_boundary(&schema, &loaded, &found);
            assert!(program.solve(&enough, &prices).is_ok(), "{} {level}", loaded.name);
            let refused = program.solve(&short, &prices).unwrap_err();
            assert!(matches!(refused, Unsatisfied::Insufficient { .. }), "{} {level}: {refused}", loaded.name);
        }
    }
}

#[test]
fn rejects_collateral_that_is_owed() {
    for loaded in concave_cases().filter(|loaded| !loaded.case.model.collateral.is_empty()).take(3) {
        let schema = loaded.schema();
        let prices = schema.derive(&loaded.case.feeds).unwrap().prices().unwrap();
        let owed = schema.never_negative().next().unwrap();
        let mut lots = loaded.case.holdings.clone();
        lots[owed] = Lots::new(-1).unwrap();
        lots[0] = loaded.universe.instruments[0].max_lots;
        let refused = compile(&loaded, &schema, Basis::Maintenance).solve(&Position::from_lots(lots), &prices);
        assert!(matches!(refused, Err(Unsatisfied::OutOfRange { .. })), "{}", loaded.name);
    }
}

#[test]
fn the_largest_case_fits_8192_rows() {
    for loaded in cases().filter(|loaded| loaded.name.starts_with(LARGEST)) {
        let schema = loaded.schema();
        let sizes = LEVELS.map(|(basis, _)| {
            let program = compile(&loaded, &schema, basis);
            (program.capacity().k(), program.table().len(), program.variables())
        });
        assert_eq!((schema.entries().len(), sizes), (2_828, [(13, 4_771, 840), (13, 4_851, 840)]));
    }
}
