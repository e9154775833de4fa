//! Samples, tampering and stand-ins for tests. No program is built with this crate.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod node;
