//! dYdX v4, from `x/perpetuals/lib/lib.go` (`GetMarginRequirementsInQuoteQuantums`),
//! `x/perpetuals/types/liquidity_tier.go` (`GetInitialMarginQuoteQuantums`), `lib/quantums.go` (`BaseToQuoteQuantums`),
//! `lib/margin/risk.go` and `x/subaccounts/lib/updates.go` (`GetRiskForSubaccount`) of dydxprotocol/v4-chain.

use alloy_primitives::U256;

use super::{ten, wide};

/// A market and its liquidity tier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market {
    pub(crate) price: u128,
    /// Decimals of the price and of a base quantum, less those of a quote quantum.
    pub(crate) places: usize,
    pub(crate) initial_ppm: u64,
    pub(crate) maintenance_fraction_ppm: u64,
    /// In base quantums.
    pub(crate) open_interest: u128,
    /// In quote quantums, lower and upper; the upper one zero for none.
    pub(crate) caps: [u128; 2],
}

/// Net collateral and what is required of it, in quote quantums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Risk {
    pub(crate) net_collateral: i128,
    pub(crate) initial: i128,
    pub(crate) maintenance: i128,
}

impl Market {
    /// A number of base quantums in quote quantums, cut.
    fn quote(&self, quantums: u128) -> U256 {
        wide(quantums) * wide(self.price) / ten(self.places)
    }

    fn initial(&self, notional: U256) -> U256 {
        let million = U256::from(1_000_000);
        let base = U256::from(self.initial_ppm);
        let [lower, upper] = self.caps.map(wide);
        let open = self.quote(self.open_interest);
        if !upper.is_zero() && open >= upper {
            notional
        } else if upper.is_zero() || open <= lower {
            up(notional * base, million)
        } else {
            // base + (open - lower) / (upper - lower)·(1 - base), as one fraction.
            let span = upper - lower;
            up(notional * (base * span + (open - lower) * (million - base)), million * span).min(notional)
        }
    }

    fn maintenance(&self, notional: U256) -> U256 {
        let million = U256::from(1_000_000);
        let base = up(notional * U256::from(self.initial_ppm), million);
        up(base * U256::from(self.maintenance_fraction_ppm), million)
    }
}

fn up(dividend: U256, divisor: U256) -> U256 {
    (dividend + divisor - U256::ONE) / divisor
}

/// The risk of an account: its quote balance and its positions in base quantums.
pub(crate) fn risk(quote_balance: i128, positions: &[(Market, i128)]) -> Risk {
    let mut risk = Risk { net_collateral: quote_balance, ..Risk::default() };
    for (market, quantums) in positions {
        let notional = market.quote(quantums.unsigned_abs());
        let signed = |amount: U256| amount.to::<i128>();
        risk.net_collateral += quantums.signum() * signed(notional);
        risk.initial += signed(market.initial(notional));
        risk.maintenance += signed(market.maintenance(notional));
    }
    risk
}
