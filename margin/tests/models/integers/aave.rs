//! Aave v3, from `GenericLogic.sol` (`calculateUserAccountData`), `ValidationLogic.sol` (`validateBorrow`,
//! `validateHFAndLtv`), `PercentageMath.sol`, `WadRayMath.sol` and `TokenMath.sol` of aave/aave-v3-core (3.0) and
//! aave-dao/aave-v3-origin (the versions since). Two versions of the rounding: the first multiplies balances half up,
//! cuts both values, and cuts the average of the thresholds; the later one rounds each balance and value against the
//! account and averages for borrowing only.

use alloy_primitives::U256;

use super::{ten, wide};

/// What was supplied or is owed of one asset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    /// In the token's least units, divided by the index.
    pub(crate) scaled: u128,
    /// With 27 decimals.
    pub(crate) index: U256,
    /// Decimals of the token.
    pub(crate) decimals: usize,
    /// With 8 decimals.
    pub(crate) price: u128,
    /// In basis points.
    pub(crate) threshold: u64,
    /// In basis points.
    pub(crate) loan_to_value: u64,
}

#[derive(Clone, Copy)]
enum Version {
    First,
    Later,
}

/// An account in the base currency, with 8 decimals.
struct Account {
    collateral: U256,
    debt: U256,
    by_threshold: U256,
    by_loan_to_value: U256,
}

impl Balance {
    fn value(&self, version: Version, is_debt: bool) -> U256 {
        let (ray, unit) = (ten(27), ten(self.decimals));
        let product = wide(self.scaled) * self.index;
        let up = |dividend: U256, divisor: U256| (dividend + divisor - U256::ONE) / divisor;
        match (version, is_debt) {
            (Version::First, _) => (product + ray / U256::from(2)) / ray * wide(self.price) / unit,
            (Version::Later, false) => product / ray * wide(self.price) / unit,
            (Version::Later, true) => up(up(product, ray) * wide(self.price), unit),
        }
    }
}

impl Account {
    fn new(collateral: &[Balance], debts: &[Balance], version: Version) -> Self {
        let values: Vec<_> = collateral.iter().map(|balance| balance.value(version, false)).collect();
        let weighted = |weight: fn(&Balance) -> u64| {
            collateral.iter().zip(&values).map(|(balance, value)| *value * U256::from(weight(balance))).sum()
        };
        Self {
            collateral: values.iter().sum(),
            debt: debts.iter().map(|balance| balance.value(version, true)).sum(),
            by_threshold: weighted(|balance| balance.threshold),
            by_loan_to_value: weighted(|balance| balance.loan_to_value),
        }
    }

    fn average(&self, weighted: U256) -> U256 {
        weighted.checked_div(self.collateral).unwrap_or_default()
    }

    /// With 18 decimals, for a debt that is not zero.
    fn health_factor(&self, version: Version) -> U256 {
        let percent = U256::from(10_000);
        let over_debt = |amount: U256| (amount * ten(18) + self.debt / U256::from(2)) / self.debt;
        match version {
            Version::First => {
                let average = self.average(self.by_threshold);
                over_debt((self.collateral * average + percent / U256::from(2)) / percent)
            }
            Version::Later => over_debt(self.by_threshold) / percent,
        }
    }

    fn may_borrow(&self, version: Version) -> bool {
        let average = self.average(self.by_loan_to_value);
        if average.is_zero() {
            return false;
        }
        let debt = self.debt * U256::from(10_000);
        match version {
            Version::First => {
                self.health_factor(version) > ten(18) && (debt + average / U256::from(2)) / average <= self.collateral
            }
            Version::Later => {
                self.health_factor(version) >= ten(18) && (debt + average - U256::ONE) / average <= self.collateral
            }
        }
    }
}

/// Whether any version could liquidate the account.
pub(crate) fn is_liquidatable(collateral: &[Balance], debts: &[Balance]) -> bool {
    [Version::First, Version::Later].into_iter().any(|version| {
        let account = Account::new(collateral, debts, version);
        !account.debt.is_zero() && account.health_factor(version) < ten(18)
    })
}

/// Whether every version would have let the account borrow what it owes.
pub(crate) fn may_borrow(collateral: &[Balance], debts: &[Balance]) -> bool {
    [Version::First, Version::Later].into_iter().all(|version| {
        let account = Account::new(collateral, debts, version);
        account.debt.is_zero() || account.may_borrow(version)
    })
}

/// The collateral in the base currency, with 8 decimals.
pub(crate) fn collateral_value(collateral: &[Balance]) -> U256 {
    Account::new(collateral, &[], Version::First).collateral
}
