//! Waiting, waking and stopping: what threads of one process tell each other.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Longest sleep without a look at the clock, which somebody may have set.
const NAP: Duration = Duration::from_secs(1);

/// Tells all threads to stop.
#[derive(Debug, Default)]
pub struct Stop {
    stopped: AtomicBool,
    slept: Mutex<()>,
    woken: Condvar,
}

impl Stop {
    /// Tells all threads to stop. What they are doing they finish.
    pub fn stop(&self) {
        let guard = self.slept.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::SeqCst);
        drop(guard);
        self.woken.notify_all();
    }

    /// Whether all threads shall stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Wakes all threads that wait, to look whether there is something to do.
    pub fn wake(&self) {
        drop(self.slept.lock().unwrap_or_else(PoisonError::into_inner));
        self.woken.notify_all();
    }

    /// Waits until something is due, all shall stop, or a while has passed.
    pub fn wait(&self, is_due: impl Fn() -> bool) {
        let mut guard = self.slept.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_stopped() && !is_due() {
            guard = self.woken.wait_timeout(guard, NAP).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a duration, or until all shall stop.
    pub fn pause(&self, duration: Duration) {
        let end = Instant::now() + duration;
        self.wait(|| Instant::now() >= end);
    }
}

/// How many threads may do something at a time.
#[derive(Debug)]
pub struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Permits {
    /// So many at a time; at least one.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self { free: Mutex::new(number.max(1)), returned: Condvar::new() }
    }

    /// Does something once it is this thread's turn.
    pub fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        drop(free);
        let _permit = Permit(self);
        work()
    }
}

/// Given back when dropped, also if the work panics.
struct Permit<'a>(&'a Permits);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, thread};

    use super::*;

    #[test]
    fn no_more_threads_work_at_a_time_than_permitted() {
        let (permits, at_work, most) = (Permits::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    permits.with(|| {
                        most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(5));
                        at_work.fetch_sub(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn who_waits_is_woken_by_the_end() {
        let stop = Stop::default();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.wait(|| false));
            stop.stop();
            waiting.join().unwrap();
        });
        assert!(stop.is_stopped());
    }
}
