//! The current time, and times for people.

use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use surety_core::spelling::iso_time as format;
use surety_core::units::Timestamp;

/// The current time.
pub(super) fn now() -> Timestamp {
    // A clock before 1970 is as wrong as one in 1970, which every check of freshness tells.
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
