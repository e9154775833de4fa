//! A case over a universe of its own.

use alloy_primitives::{I256, U256};
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, Name},
    kind::KindOf,
    units::{Lots, Ppm, Price},
};
use surety_import::derive_pm2::case::Case;
use surety_margin::{
    holdings::Position,
    level::Basis,
    market::PriceRange,
    models::derive::{Derived, Feeds, PortfolioBreakdown, Schema},
    program::{Builder, HoldingRange, Program, ProgramError},
    universe::{Instrument, Universe},
};

pub(crate) const LEVELS: [Basis; 2] = [Basis::Maintenance, Basis::Initial];

pub(crate) struct Account {
    pub(crate) case: Case,
    pub(crate) universe: Universe,
}

impl Account {
    pub(crate) fn new(text: &str) -> Self {
        let case = Case::read(text).unwrap();
        let universe = Universe {
            kind: KindOf::new(),
            version: FormatVersion,
            name: Name::new("case").unwrap(),
            capacity: Capacity::new(13).unwrap(),
            srs: Bytes32::ZERO,
            instruments: case.instruments.clone(),
        };
        Self { case, universe }
    }

    pub(crate) fn schema(&self) -> Schema<'_> {
        Schema::new(&self.case.model, &self.universe).unwrap()
    }

    pub(crate) fn feeds(&self) -> Feeds {
        let observed = |name: &Name| Ok(self.case.observed[name]);
        self.case.model.feeds(observed, self.case.time).unwrap()
    }

    pub(crate) fn derived(&self) -> Derived {
        self.schema().derive(&self.feeds()).unwrap()
    }

    pub(crate) fn position(&self) -> Position {
        Position::from_lots(self.case.holdings.clone())
    }

    pub(crate) fn evaluate(&self, basis: Basis) -> PortfolioBreakdown {
        self.schema().evaluate(basis, &self.position(), self.derived().values()).unwrap()
    }

    /// An amount at the schema's scale, in quote units.
    pub(crate) fn shown(&self, value: I256) -> f64 {
        value.to_string().parse::<f64>().unwrap() / libm::pow(10.0, self.schema().scale().into())
    }

    pub(crate) fn compile(&self, capacity: Capacity, basis: Basis, multiple: Ppm) -> Result<Program, ProgramError> {
        self.compile_liquidated(capacity, basis, multiple, Ppm(0))
    }

    /// For a level at which a liquidation costs a fraction.
    pub(crate) fn compile_liquidated(
        &self,
        capacity: Capacity,
        basis: Basis,
        multiple: Ppm,
        cost: Ppm,
    ) -> Result<Program, ProgramError> {
        let schema = self.schema();
        let entries = schema.entries().iter();
        let ranges: Vec<_> = entries.map(|entry| PriceRange { min: Price::ZERO, max: entry.max }).collect();
        let never_negative: Vec<_> = schema.never_negative().collect();
        let range = |(i, instrument): (usize, &Instrument)| {
            let max = instrument.max_lots.get();
            HoldingRange { name: instrument.name.clone(), min: if never_negative.contains(&i) { 0 } else { -max }, max }
        };
        let holdings = self.universe.instruments.iter().enumerate().map(range).collect();
        let mut builder = Builder::new(capacity, &ranges, holdings);
        builder.require("margin", &schema.margin(basis, multiple, cost))?;
        builder.finish()
    }

    /// At the smallest capacity that it fits.
    pub(crate) fn program(&self, basis: Basis, multiple: Ppm) -> Program {
        Capacity::all().find_map(|capacity| self.compile(capacity, basis, multiple).ok()).unwrap()
    }

    /// The position with as little cash as leaves the margin at a multiple not negative, and with one lot less.
    pub(crate) fn at_the_boundary(&self, found: &PortfolioBreakdown, multiple: Ppm) -> [Position; 2] {
        self.at_the_liquidated_boundary(found, multiple, Ppm(0))
    }

    /// For a level at which a liquidation costs a fraction.
    pub(crate) fn at_the_liquidated_boundary(
        &self,
        found: &PortfolioBreakdown,
        multiple: Ppm,
        cost: Ppm,
    ) -> [Position; 2] {
        let times = |value: Option<I256>, ppm: Ppm| value.unwrap() * I256::unchecked_from(ppm.0);
        let margin = times(found.equity(), Ppm::ONE) - times(found.requirement(), multiple);
        let margin = margin - times(Some(found.underlying), cost);
        let digits = self.schema().scale() - u32::from(self.universe.instruments[0].lot_decimals.get());
        let lot = times(Some(I256::from_raw(U256::from(10).pow(U256::from(digits)))), Ppm::ONE);
        let spare = (margin - margin.rem_euclid(lot)) / lot;
        [I256::ZERO, I256::ONE].map(|more| {
            let mut lots = self.case.holdings.clone();
            lots[0] = Lots::new((lots[0].wide() - spare - more).try_into().unwrap()).unwrap();
            Position::from_lots(lots)
        })
    }
}
