//! The clock of this computer.

use std::time::{SystemTime, UNIX_EPOCH};

use surety_core::units::Timestamp;

/// The current time. A clock before 1970 is as wrong as one in 1970, which every check of freshness tells.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
