//! Moments, of which the time between is measured where there is a clock.

use std::time::{Duration, Instant};

/// A moment; nothing is known of it in WebAssembly, which has no clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(Option<Instant>);

impl Moment {
    pub(super) fn now() -> Self {
        Self((!cfg!(target_family = "wasm")).then(Instant::now))
    }

    /// The time since an earlier moment; none without a clock.
    pub(super) fn since(self, earlier: Self) -> Option<Duration> {
        Some(self.0? - earlier.0?)
    }
}
