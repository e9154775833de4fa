//! The policies of `examples/venues` against the venues' own integers: whatever a policy calls sufficient, the venue
//! neither liquidates nor, at the initial level, refuses; and what the policy is stricter by is bounded. Accounts are
//! taken to the boundary of the policy, to the last lot.

use std::sync::LazyLock;

use alloy_primitives::U256;
use proptest::prelude::*;

use crate::{
    integers::{aave, comet, drift, dydx, ten, wide},
    venue::{Venue, units},
};

/// Lots of up to so many bits, all sizes alike; none at all one time in five.
fn sizes(bits: u32) -> impl Strategy<Value = i128> {
    let size = (1..=bits, any::<u64>()).prop_map(|(bits, digits)| i128::from(digits >> (64 - bits)));
    prop_oneof![4 => size, 1 => Just(0)]
}

/// The largest number for which something is so, that is so up to some number. It must be so for `low`.
fn largest(mut low: i128, mut high: i128, is_so: impl Fn(i128) -> bool) -> i128 {
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if is_so(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// More lots than any account here may owe.
const LIMIT: i128 = 1 << 63;

/// Takes an account to the boundary of a level by what it owes, and demands that the venue is content there and one lot
/// to either side, as long as the policy is. Returns how many lots more the venue would let it owe; none if the policy
/// admits not even the account without the debt.
fn beyond_the_policy(
    venue: &Venue,
    level: &str,
    account: impl Fn(i128) -> Vec<(&'static str, i128)>,
    is_content: impl Fn(i128) -> bool,
) -> Option<i128> {
    let is_sufficient = |owed: i128| venue.is_sufficient(level, &account(owed));
    if !is_sufficient(0) {
        return None;
    }
    let most = largest(0, LIMIT, is_sufficient);
    for owed in (most - 2).max(0)..=most + 2 {
        let sufficient = is_sufficient(owed);
        assert_eq!(venue.is_provable(level, &account(owed)), sufficient, "{level} {:?}", account(owed));
        assert!(!sufficient || is_content(owed), "laxer than the venue: {level} {:?}", account(owed));
    }
    Some(largest(most, LIMIT, is_content) - most)
}

mod lending {
    use super::*;

    /// Reported numbers in the order of `aave.toml`, and the last nine digits of the venue's indexes.
    #[derive(Clone, Debug)]
    struct Market {
        prices: [u128; 3],
        indexes: [u128; 7],
        digits: u128,
    }

    impl Market {
        fn reported(&self) -> Vec<u128> {
            self.prices.iter().chain(&self.indexes).copied().collect()
        }

        /// An index as the venue has it. What is reported is rounded down for what is supplied, and up for what is
        /// owed.
        fn index(&self, place: usize) -> U256 {
            let reported = wide(self.indexes[place]) * ten(9);
            if place < 5 { reported + wide(self.digits) } else { reported - wide(self.digits) }
        }

        fn balance(&self, name: &str, lots: i128, percents: [u64; 2]) -> aave::Balance {
            let [ether, dollar, curve] = self.prices;
            let staked = (wide(ether) * wide(self.indexes[0]) / ten(18)).to::<u128>();
            let (decimals, price, place) = match name {
                "aWETH" => (18, ether, 1),
                "awstETH" => (18, staked, 2),
                "aUSDC" => (6, dollar, 3),
                "aCRV" => (18, curve, 4),
                "debt-WETH" => (18, ether, 5),
                "debt-USDC" => (6, dollar, 6),
                _ => panic!("{name}"),
            };
            let lot_decimals = if matches!(name, "aUSDC" | "aCRV" | "debt-USDC") { 6 } else { 8 };
            let scaled = lots.unsigned_abs() * 10_u128.pow(decimals - lot_decimals);
            let [threshold, loan_to_value] = percents;
            let (index, decimals) = (self.index(place), decimals as usize);
            aave::Balance { scaled, index, decimals, price, threshold, loan_to_value }
        }
    }

    /// Anywhere in the boxes of the file.
    fn markets() -> impl Strategy<Value = Market> {
        let index = || 1_000_000_000_000_000_001..=5_000_000_000_000_000_000_u128;
        let prices =
            (10_000_000_000..=10_000_000_000_000_u128, 50_000_000..=200_000_000_u128, 1_000_000..=10_000_000_000_u128);
        let indexes = [(); 7].map(|()| index());
        (prices, indexes, 0..1_000_000_000_u128).prop_map(|((ether, dollar, curve), indexes, digits)| Market {
            prices: [ether, dollar, curve],
            indexes,
            digits,
        })
    }

    const BASE: [(&str, [u64; 2]); 3] =
        [("aWETH", [8_300, 8_050]), ("awstETH", [8_100, 7_850]), ("aUSDC", [7_800, 7_500])];
    const ETHER: [(&str, [u64; 2]); 2] = [("aWETH", [9_500, 9_300]), ("awstETH", [9_500, 9_300])];
    const CURVE: [(&str, [u64; 2]); 1] = [("aCRV", [5_500, 4_900])];

    /// By how much more the venue lets an account owe in a mode, in units of the eighth decimal, with its collateral;
    /// none if the policy does not admit it without a debt.
    fn gap(
        market: &Market,
        level: &str,
        terms: &[(&'static str, [u64; 2])],
        held: &[i128],
        (debt, other): (&'static str, &[(&'static str, i128)]),
    ) -> Option<(U256, U256)> {
        static VENUE: LazyLock<Venue> = LazyLock::new(|| Venue::new("aave.toml", &aave_example()));
        let venue = VENUE.at(&market.reported());
        let collateral: Vec<_> =
            terms.iter().zip(held).map(|((name, percents), lots)| market.balance(name, *lots, *percents)).collect();
        let account = |owed: i128| {
            let held = terms.iter().zip(held).map(|((name, _), lots)| (*name, *lots));
            held.chain(other.iter().map(|(name, lots)| (*name, -lots))).chain([(debt, -owed)]).collect()
        };
        let is_initial = level.ends_with("initial");
        let is_content = |owed: i128| {
            let debts = other.iter().copied().chain([(debt, owed)]);
            let debts: Vec<_> = debts.map(|(name, lots)| market.balance(name, lots, [0, 0])).collect();
            if is_initial { aave::may_borrow(&collateral, &debts) } else { !aave::is_liquidatable(&collateral, &debts) }
        };
        let lots = beyond_the_policy(&venue, level, account, is_content)?;
        let owed = market.balance(debt, lots, [0, 0]);
        let gap = wide(owed.scaled) * owed.index * wide(owed.price) / ten(27) / ten(owed.decimals);
        Some((gap, aave::collateral_value(&collateral)))
    }

    /// Two lots and their rounding at the highest price and index: 10^-6 USDC, or 10^-8 WETH.
    const DOLLAR_LOTS: u64 = 2_500;
    const ETHER_LOTS: u64 = 1_100_000_000_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Collateral of several thresholds: up to a basis point of it stricter, and a millionth of the staked ether.
        #[test]
        fn aave_base_mode(market in markets(), held in [sizes(40), sizes(40), sizes(45)], ether in sizes(20)) {
            for level in ["maintenance", "initial"] {
                let owed = ("debt-USDC", &[("debt-WETH", ether)][..]);
                let Some((gap, value)) = gap(&market, level, &BASE, &held, owed) else {
                    continue;
                };
                let bound = value / U256::from(10_000) + value / U256::from(1_000_000) + U256::from(DOLLAR_LOTS);
                prop_assert!(gap <= bound);
            }
        }

        /// One threshold for all: no more than rounding, and a millionth of the staked ether.
        #[test]
        fn aave_efficiency_mode(market in markets(), held in [sizes(40), sizes(40)]) {
            for level in ["ether-maintenance", "ether-initial"] {
                let Some((gap, value)) = gap(&market, level, &ETHER, &held, ("debt-WETH", &[])) else { continue };
                prop_assert!(gap <= value / U256::from(1_000_000) + U256::from(ETHER_LOTS));
            }
        }

        /// One asset: no more than rounding.
        #[test]
        fn aave_isolation_mode(market in markets(), held in sizes(45)) {
            for level in ["isolated-maintenance", "isolated-initial"] {
                let Some((gap, _)) = gap(&market, level, &CURVE, &[held], ("debt-USDC", &[])) else { continue };
                prop_assert!(gap <= U256::from(DOLLAR_LOTS), "{gap}");
            }
        }
    }

    fn aave_example() -> Vec<u128> {
        let prices = ["2500", "0.9995", "0.5"].map(|price| units(price, 8));
        let indexes = ["1.18", "1.02", "1.001", "1.04", "1", "1.03", "1.05"].map(|index| units(index, 18));
        [&prices[..], &indexes[..]].concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Two cuts of each collateral's value, and those of the debt, which favour the account: 10^-8 each, a unit of USDC
    /// and the lot.
    #[test]
    fn compound_iii(
        prices in (
            50_000_000..=200_000_000_u128,
            10_000_000_000..=10_000_000_000_000_u128,
            100_000_000_000..=100_000_000_000_000_u128,
        ),
        index in prop_oneof![Just(1_000_000_000_000_000), 1_000_000_000_000_000..=5_000_000_000_000_000_u128],
        at_par in any::<bool>(),
        held in [sizes(40), sizes(40)],
    ) {
        static VENUE: LazyLock<Venue> = LazyLock::new(|| {
            let prices = ["1", "2500", "60000"].map(|price| units(price, 8));
            Venue::new("compound.toml", &[&prices[..], &["1.05", "1.1"].map(|index| units(index, 15))[..]].concat())
        });
        // Without interest and at par nothing of a debt is cut, which would favour the account.
        let (dollar, ether, bitcoin) = if at_par { (100_000_000, prices.1, prices.2) } else { prices };
        let venue = VENUE.at(&[dollar, ether, bitcoin, index, index]);
        for (level, factors) in [("maintenance", ["0.895", "0.85"]), ("initial", ["0.825", "0.80"])] {
            let [weth, wbtc] = held;
            let factors = factors.map(|factor| units(factor, 18));
            let collateral = [
                comet::Collateral {
                        balance: weth as u128 * 10_u128.pow(10), decimals: 18, price: ether, factor: factors[0]
                    },
                comet::Collateral { balance: wbtc as u128, decimals: 8, price: bitcoin, factor: factors[1] },
            ];
            let account = |owed: i128| vec![("WETH", weth), ("WBTC", wbtc), ("base-borrowed", -owed)];
            let is_content = |owed: i128| {
                let debt = comet::Debt { principal: owed as u128, index, decimals: 6, price: dollar };
                comet::is_covered(&collateral, debt)
            };
            // Everything is worth more than its allowance, so that every account without a debt is sufficient.
            let lots = beyond_the_policy(&venue, level, account, is_content).unwrap();
            let gap = wide(lots as u128) * wide(index) * wide(dollar) / ten(15 + 6);
            prop_assert!(gap <= U256::from(1_300), "{gap}");
        }
    }

    /// The allowance of each position, and where it is short what the venue cuts off its value and off the requirement
    /// on it: five quanta at most, but for what open interest is rounded up by.
    #[test]
    fn dydx_v4(
        prices in (100_000_000..=100_000_000_000_u128, 100_000..=1_000_000_000_u128),
        open in sizes(40),
        positions in [sizes(44), sizes(40)],
        signs in [any::<bool>(), any::<bool>()],
    ) {
        static VENUE: LazyLock<Venue> = LazyLock::new(|| {
            Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units("100", 4)])
        });
        let (bitcoin, solana) = prices;
        let open = open.unsigned_abs();
        let venue = VENUE.at(&[bitcoin, solana, open]);
        let market = |price, places, initial_ppm, open_interest, caps| {
            dydx::Market { price, places, initial_ppm, maintenance_fraction_ppm: 600_000, open_interest, caps }
        };
        // A base quantum is 10^-10 BTC, and 10^-7 SOL.
        let markets = [
            market(bitcoin, 9, 20_000, 0, [0, 0]),
            market(solana, 6, 50_000, open * 1_000, [25_000_000_000_000, 50_000_000_000_000]),
        ];
        let [btc, sol] = [0, 1].map(|i: usize| if signs[i] { positions[i] } else { -positions[i] });
        let held = [(markets[0], btc * 100), (markets[1], sol * 1_000)];
        for level in ["maintenance", "initial"] {
            let quote = |owed: i128| LIMIT / 2 - owed;
            let account = |owed: i128| vec![("USDC", quote(owed)), ("BTC-PERP", btc), ("SOL-PERP", sol)];
            let is_content = |owed: i128| {
                let risk = dydx::risk(quote(owed), &held);
                risk.net_collateral >= if level == "initial" { risk.initial } else { risk.maintenance }
            };
            let gap = beyond_the_policy(&venue, level, account, is_content).unwrap();
            let positions = i128::from(btc != 0) + i128::from(sol != 0);
            // 10^-15 for each contract, and what a quantum of 25 million is of the position.
            let notional = sol.abs() * solana as i128 / 1_000;
            prop_assert!(gap <= 5 * positions + notional / 10_000_000_000_000, "{gap}");
        }
    }

    /// Rounding of each balance at maintenance. At the initial level, too, what the distance of USDC from its mean is
    /// of the perpetual, three times, and of its quote amount.
    #[test]
    fn drift_v2(
        prices in [1_000_000..=10_000_000_000_u128, 1_000_000_000..=1_000_000_000_000_u128, 500_000..=2_000_000_u128],
        apart in [0..=1_000_000_u128, 0..=1_000_000_u128, 0..=20_000_u128],
        above in [any::<bool>(), any::<bool>(), any::<bool>()],
        sizes in [sizes(45), sizes(40), sizes(40), sizes(45)],
        signs in [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()],
        is_near_entry in any::<bool>(),
    ) {
        static VENUE: LazyLock<Venue> = LazyLock::new(|| {
            Venue::new("drift.toml", &["150", "150", "60000", "60500", "1", "1"].map(|number| units(number, 6)))
        });
        let boxes = [(1_000_000, 10_000_000_000), (1_000_000_000, 1_000_000_000_000), (500_000, 2_000_000)];
        let mean = |i: usize| {
            let (least, most) = boxes[i];
            let distance = prices[i] * apart[i] / 1_000_000;
            if above[i] { (prices[i] + distance).min(most) } else { (prices[i] - distance).max(least) }
        };
        let price = [0, 1, 2].map(|i| drift::Price { current: prices[i] as i128, mean: mean(i) as i128 });
        let market = [0, 1, 2].map(|i| [prices[i], mean(i)]).concat();
        let venue = VENUE.at(&market);
        let [sol, btc, perpetual, quote] = [0, 1, 2, 3].map(|i: usize| if signs[i] { sizes[i] } else { -sizes[i] });
        // Half of the time about what was paid for the position.
        let quote = if is_near_entry { -perpetual * price[0].current / 10_000 + quote % 1_000_000_000 } else { quote };
        for (level, weights, ratio) in [("maintenance", [9_000, 11_000], 500), ("initial", [8_000, 12_000], 1_000)] {
            let [asset_weight, liability_weight] = weights;
            let spot = |amount, decimals, price| {
                drift::Spot { amount, decimals, price, asset_weight, liability_weight }
            };
            let spots = [spot(sol * 1_000, 9, price[0]), spot(btc, 8, price[1])];
            let base = perpetual * 100_000;
            let held = drift::Perpetual { base, quote, price: price[0].current, margin_ratio: ratio };
            let dollars = |owed: i128| LIMIT / 2 - owed;
            let account = |owed: i128| {
                let balances = [("USDC", dollars(owed)), ("SOL", sol), ("BTC", btc)];
                [&balances[..], &[("DRIFT-SOL-PERP", perpetual), ("DRIFT-SOL-QUOTE", quote)]].concat()
            };
            let is_initial = level == "initial";
            let is_content = |owed: i128| drift::is_met(dollars(owed), price[2], &spots, held, is_initial);
            let gap = beyond_the_policy(&venue, level, account, is_content).unwrap();
            let worth = gap * price[2].current.min(price[2].mean) / 1_000_000;
            let apart = if is_initial { (price[2].current - price[2].mean).abs() } else { 0 };
            let notional = perpetual.abs() * price[0].current / 10_000;
            prop_assert!(worth <= 20 + (3 * notional + quote.abs()) * apart / 1_000_000, "{level} {worth}");
        }
    }
}
