//! Option values from public inputs, the same to the last bit on every machine.
//!
//! What is priced here becomes market entries, and market entries decide proofs: whoever recomputes them must find the
//! same integers. So the arithmetic is IEEE 754 double precision with the five operations that the standard rounds
//! exactly (`+ - * /` and the square root, which Rust never contracts into fused operations), and every other
//! function comes from the `libm` crate, whose version is pinned and whose software paths are used on every
//! platform. The methods of `f64` that call the platform's library (`exp`, `ln`, `powf`, …) are disallowed by
//! `clippy.toml`. At the end stands a conversion to integers in exact arithmetic: [`to_integer`].

mod black76;
mod integer;

pub use black76::{OptionKind, black76, normal_cdf};
pub use integer::{Rounding, to_integer};

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// A number is infinite or not a number.
    #[error("expected a finite number, found an infinite or undefined one")]
    NotFinite,
    /// A number is negative.
    #[error("expected a number that is not negative, found a negative one")]
    Negative,
    /// A number does not fit into 128 bits.
    #[error("expected a number below 2^128, found a larger one")]
    TooLarge,
}
