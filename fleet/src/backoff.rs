//! Waiting longer each time, up to a bound, and never in step with others.

use std::time::Duration;

use rand_core::{OsRng, RngCore as _};

/// The time until the next try: doubles from try to try.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// From a first wait to the longest.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first.min(longest), longest }
    }

    /// The next wait: from half of the time to all of it, at random, so that those who wait for one thing do not come
    /// all at once.
    pub fn wait(&mut self) -> Duration {
        let (all, random) = (self.next, OsRng.next_u32());
        self.next = (all * 2).min(self.longest);
        all / 2 + (all / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for all in [100, 200, 400, 800, 1_000, 1_000, 1_000] {
            let wait = backoff.wait();
            assert!(wait >= Duration::from_millis(all / 2) && wait <= Duration::from_millis(all), "{all}: {wait:?}");
        }
    }
}
