//! Times, as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use surety_margin::units::Timestamp;

/// The last second that RFC 3339 can write, at the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// The time.
pub(super) fn now() -> Timestamp {
    // A clock before 1970 is as wrong as one in 1970, which every check of freshness tells.
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// Reads seconds since 1970, or a time as in `2026-11-21T08:00:00Z`.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let expected = || format!("expected seconds since 1970 or a time like 2026-11-21T08:00:00Z, found {text:?}");
    if let Ok(seconds) = text.parse() {
        return Ok(Timestamp(seconds));
    }
    let time = humantime::parse_rfc3339(text).map_err(|_| expected())?;
    Ok(Timestamp(time.duration_since(UNIX_EPOCH).map_err(|_| expected())?.as_secs()))
}

/// Writes a time for people.
pub(super) fn format(Timestamp(seconds): Timestamp) -> String {
    if seconds > LAST {
        return format!("second {seconds}");
    }
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
