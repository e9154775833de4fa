//! Numbers of seconds as contracts keep them.

use alloy_primitives::aliases::U40;

use crate::error::ChainError;

/// A number of seconds that contracts keep in 40 bits.
pub(crate) fn seconds(input: &str, value: u64) -> Result<U40, ChainError> {
    U40::try_from(value).map_err(|_| ChainError::input(input, "a number of seconds below 2^40", value))
}
