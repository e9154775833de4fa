//! Books end to end, with real proofs, and what is refused of them.

mod cells;
mod directory;
mod scene;
mod units;
mod whole;
