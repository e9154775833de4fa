//! Books end to end, with real proofs, and what is refused of them.

mod scene;
mod whole;
