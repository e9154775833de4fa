//! Drift v2, from `math/margin.rs` (`calculate_margin_requirement_and_total_collateral_and_liability_info`,
//! `calculate_perp_position_value_and_pnl`, `meets_withdraw_margin_requirement`), `math/spot_balance.rs`
//! (`get_strict_token_value`), `math/position.rs` and `state/user.rs` of drift-labs/protocol-v2: an account without
//! open orders and liquidity shares, in markets without size factors whose profits count in full.

/// The price and its mean over five minutes, with 6 decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub(crate) current: i128,
    pub(crate) mean: i128,
}

impl Price {
    fn least(self, is_strict: bool) -> i128 {
        if is_strict { self.current.min(self.mean) } else { self.current }
    }

    fn largest(self, is_strict: bool) -> i128 {
        if is_strict { self.current.max(self.mean) } else { self.current }
    }

    /// The value of a token amount, cut downwards.
    fn value(self, amount: i128, decimals: u32, is_strict: bool) -> i128 {
        let price = if amount > 0 { self.least(is_strict) } else { self.largest(is_strict) };
        (amount * price).div_euclid(10_i128.pow(decimals))
    }
}

/// A deposit or a borrow of a token that is not the quote currency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// In least units, negative if borrowed.
    pub(crate) amount: i128,
    pub(crate) decimals: u32,
    pub(crate) price: Price,
    /// In hundredths of a percent.
    pub(crate) asset_weight: i128,
    /// In hundredths of a percent.
    pub(crate) liability_weight: i128,
}

/// A perpetual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Perpetual {
    /// With 9 decimals.
    pub(crate) base: i128,
    /// With 6 decimals.
    pub(crate) quote: i128,
    /// The oracle's price, with 6 decimals.
    pub(crate) price: i128,
    /// In hundredths of a percent.
    pub(crate) margin_ratio: i128,
}

/// Whether the collateral meets the requirement. At the initial one, strict prices count and a profit up to 100 USDC.
pub(crate) fn is_met(dollars: i128, dollar: Price, spots: &[Spot], perpetual: Perpetual, is_initial: bool) -> bool {
    let (mut collateral, mut required) = (0, 0);
    let mut add = |value: i128, weighted: i128| {
        if value > 0 {
            collateral += weighted;
        } else {
            required += weighted.abs();
        }
    };
    let value = dollar.value(dollars, 6, is_initial);
    add(value, value);
    for spot in spots {
        let value = spot.price.value(spot.amount, spot.decimals, is_initial);
        let weight = if value > 0 { spot.asset_weight } else { spot.liability_weight };
        add(value, value * weight / 10_000);
    }
    let notional = perpetual.base * perpetual.price / 1_000_000_000;
    required += notional.abs() * dollar.largest(is_initial) / 1_000_000 * perpetual.margin_ratio / 10_000;
    let profit = notional + perpetual.quote;
    let worth = if profit > 0 { dollar.least(is_initial) } else { dollar.largest(is_initial) };
    let profit = profit * worth / 1_000_000;
    collateral += if is_initial { profit.min(100_000_000) } else { profit };
    collateral >= required
}
