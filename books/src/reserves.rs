//! The program over reserves less totals.
//!
//! Its holdings are the sum of the custodians' statements less the sum of all pages, in the rows of the totals. With
//! the reserves `R_i`, and the sums `B_i` of balances, `N_i` of net balances, `D_i` of debts and `E` of shortfalls
//! over all pages, it requires
//!
//! ```text
//! R_i - B_i - N_i ≥ 0                 for every instrument that is no derivative
//! R_q - B_q - N_q - E ≥ 0             for the quote instrument q
//! R_i - N_i = 0                       for every derivative: what customers have in sum, the venue has elsewhere
//! D_i ≤ caps.debts                    N_i + D_i ≤ caps.balances
//! E ≤ max_shortfall
//! ```
//!
//! No price occurs in it, so that no price can make it hold.

use alloy_primitives::I256;
use surety_core::{capacity::Groups, ident::Name, units::Lots};
use surety_margin::program::{Affine, Builder, Expression, HoldingRange, Program, ProgramError, holding, number};

use crate::{
    layout::Totals,
    page::{Ground, PageError},
};

impl Ground<'_> {
    /// Compiles the program of the reserves. Its holdings are those of [`Totals::rows`].
    ///
    /// # Errors
    /// If rules are broken, or it does not fit.
    pub fn reserves(&self) -> Result<Program, PageError> {
        self.level()?;
        let capacity = self.universe.capacity;
        let kind = self.rules.venue.clone();
        let totals = Totals::new(capacity, self.universe.instruments.len());
        let totals = totals.map_err(|error| PageError::Layout { kind: kind.clone(), error })?;
        self.reserves_over(&totals).map_err(|error| PageError::Program { kind, error })
    }

    fn reserves_over(&self, totals: &Totals) -> Result<Program, ProgramError> {
        let capacity = self.universe.capacity;
        let instruments = &self.universe.instruments;
        let any = |name: &Name| HoldingRange { name: name.clone(), min: -Lots::MAX, max: Lots::MAX };
        let names = || instruments.iter().map(|instrument| &instrument.name);
        let quote = &self.rules.quote;
        let holdings = names().chain(names()).chain(names()).chain([quote]).map(any).collect();
        let mut builder = Builder::new(capacity, &[], holdings).laid_out(Groups::long(capacity), totals.rows())?;
        let n = instruments.len();
        let capped = self.rules.capped(self.policy, self.universe);
        // What is not reserves is there with a minus.
        let (left, net, debts) = (holding, |i: usize| holding(n + i), |i: usize| holding(2 * n + i));
        let shortfall = || holding(3 * n);
        for (i, instrument) in instruments.iter().enumerate() {
            let name = &instrument.name;
            let rule = format!("reserves of {name}");
            if instrument.class.is_derivative() {
                builder.require_zero(&rule, &(left(i) + net(i)))?;
                continue;
            }
            let fund = if name == quote { shortfall() } else { Expression::zero() };
            builder.require(&rule, &(left(i) + net(i) + fund))?;
            let (most_debts, most_balances) = self.rules.cap_of(instrument);
            if capped.contains(&i) {
                builder.require(&format!("cap on debts of {name}"), &(lots(most_debts) + debts(i)))?;
                builder.require(&format!("cap on balances of {name}"), &(lots(most_balances) + net(i) + debts(i)))?;
            }
        }
        builder.require("cap on shortfalls", &(lots(self.max_shortfall()) + shortfall()))?;
        builder.finish()
    }
}

fn lots(amount: i128) -> Expression {
    number(Affine::constant(I256::unchecked_from(amount)))
}
