//! What the venues of `examples/venues` compute, in their own integers and with their own rounding: written anew from
//! the sources that each file names, and by no means with the code under test.

pub(crate) mod aave;
pub(crate) mod comet;
pub(crate) mod drift;
pub(crate) mod dydx;

use alloy_primitives::U256;

/// A number as a 256-bit integer.
pub(crate) fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// `10^places`
pub(crate) fn ten(places: usize) -> U256 {
    U256::from(10).pow(U256::from(places))
}
