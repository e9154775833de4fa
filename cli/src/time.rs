//! Times in RFC 3339.

use std::time::{Duration, UNIX_EPOCH};

use surety_core::units::Timestamp;

/// The last second that RFC 3339 can write, at the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Formats a time for people.
pub(super) fn format(Timestamp(seconds): Timestamp) -> String {
    if seconds > LAST {
        return format!("second {seconds}");
    }
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
