//! What long computations tell their caller, who may show it to a person.

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// `done` of `total` units of `stage` are finished. Reported at the start (0) and up to the end (`total`).
    Progress {
        /// What is going on.
        stage: Stage,
        /// Units finished.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// Something went on without help, though not as hoped; a sentence for a person.
    Notice(String),
}

/// The computations that report progress, with their units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Turning powers of τ into Lagrange points; layers of the transform.
    LagrangeBasis,
    /// Computing the multiples of a basis, such as that of Lagrange points; digits.
    Table,
    /// Computing the points that cells are opened with; layers of transforms.
    CellPoints,
    /// Reading the powers in a set-up file; points.
    ReadingPowers,
    /// Fetching a file; bytes.
    Downloading,
    /// Making many proofs; proofs.
    Proving,
    /// Looking through a directory; files.
    Scanning,
    /// Verifying many proofs; proofs.
    Verifying,
}

/// Receives events, possibly from other threads.
pub trait Observer: Sync {
    /// Called for each event, in order.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Observer for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}
