//! Ending on a signal: first what is begun comes to its end, then nothing waits any more.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{sleep, timeout},
};

/// How soon to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not at all.
    Go,
    /// Once the pages in hand are proven.
    Finish,
    /// At once, giving back the pages in hand.
    Now,
}

/// Tells workers to end.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Stage>);

impl Default for Stopper {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Go))
    }
}

impl Stopper {
    /// Told by SIGTERM and SIGINT: the first asks to finish within the time of grace, the second to end at once.
    ///
    /// # Errors
    /// If the operating system has no signals.
    pub fn on_signals(grace: Duration) -> io::Result<Self> {
        let stopper = Self::default();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told = stopper.clone();
        tokio::task::spawn_local(async move {
            let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
            next().await;
            told.tell(Stage::Finish);
            // Whichever comes first, a second signal or the end of grace.
            let _ = timeout(grace, next()).await;
            told.tell(Stage::Now);
        });
        Ok(stopper)
    }

    /// Tells how soon to end; never later than told before.
    pub fn tell(&self, stage: Stage) {
        self.0.send_if_modified(|told| {
            let sooner = stage > *told;
            *told = stage.max(*told);
            sooner
        });
    }

    /// What was told.
    #[must_use]
    pub fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Waits until told to end so soon.
    pub async fn told(&self, stage: Stage) {
        // The sender is here, so that there is no error.
        let _ = self.0.subscribe().wait_for(|told| *told >= stage).await;
    }

    /// Waits until told to end at once, and so long after that.
    pub async fn told_long_ago(&self, duration: Duration) {
        self.told(Stage::Now).await;
        sleep(duration).await;
    }

    /// Sleeps; not beyond being told to finish.
    pub async fn sleep(&self, duration: Duration) {
        tokio::select! { () = sleep(duration) => {}, () = self.told(Stage::Finish) => {} }
    }
}
