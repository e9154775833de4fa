//! Cells: a column opened at cosets of its rows, all at once, so that each of many users checks values of their own.
//!
//! A page is a column f of `n = 2^k` rows. Its rows split into M cosets of `ℓ = n/M`: coset u has the rows
//! `t ≡ u (mod M)`, on whose points `X^ℓ` takes the value `a_u = ζ^u` with `ζ = ω^ℓ`. With `r_u` the polynomial of
//! degree below ℓ that agrees with f on the coset, `f - r_u` is a multiple of `X^ℓ - a_u`. The *opening* is the
//! commitment to the quotient, `W_u = [(f - r_u)/(X^ℓ - a_u)]`, and a user who knows the values of a coset checks
//!
//! `e(C - [r_u(τ)]₁ + a_u·W_u, [1]₂) = e(W_u, [τ^ℓ]₂)`.
//!
//! That binds all ℓ values: a user learns that their rows hold what they were told, and zeros else. An opening follows
//! from the commitment and the coset's values alone, so it tells nothing about other rows.
//!
//! # All openings at once
//!
//! As Feist and Khovratovich show (*Fast amortized KZG proofs*, 2023, ePrint 2023/033), openings at all points of a
//! group have a Fourier transform in common. In terms of values rather than coefficients, with
//! `A_v = Σ_{t∈v} f_t·[L_t]` the share of a coset in the commitment,
//!
//! `W_u = Σ_{v≠u} A_v/(a_v - a_u) + Σ_{t∈u} d_t·[L_t] + Σ_{t∈u} f_t·[E_t]`,
//!
//! `d_t = (f′(ω^t) - r_u′(ω^t))·ω^t/(ℓ·a_u) - f_t·(M-1)/(2·a_u)`, `E_t = [(L_t - ℓ_t)/(X^ℓ - a_u)]`,
//!
//! where `ℓ_t` is the polynomial of degree below ℓ that is one in row t and zero in the others of its coset.
//! For a row outside of the coset, the value of the quotient is `(f_t - r_u(ω^t))/(a_v - a_u)`; in the coset it is the
//! quotient of derivatives. The `E_t` are fixed, and stand for what `r_u` contributes in all rows; in row t itself
//! `E_t` has the value `(M-1)/(2·a_u)`, which is taken off again.
//!
//! The first sum is a cyclic convolution of `A_v/a_v` with `1/(1 - ζ^d)`, zero for d = 0. The transform of that is
//! known: `κ - (M+1)/2` for κ from 1 to M, small numbers. Two transforms of M points therefore do for all cosets, and
//! the other sums are over few rows and fixed points.
//!
//! | module | idea |
//! |---|---|
//! | `layout` | which rows belong to which coset, and which cosets are opened |
//! | `steps` | many points times a scalar each, in affine coordinates |
//! | `transform` | the Fourier transform of points |
//! | `table` | the fixed points of a layout, with multiples |
//! | `prover` | all openings of a page |
//! | `opening` | one opening, as bytes |
//! | `key` | what verifiers have of a set-up |
//! | `verifier` | one cell, or many with one pairing |

mod key;
mod layout;
mod opening;
mod prover;
mod steps;
mod table;
mod transform;
mod verifier;

#[cfg(test)]
mod tests;

pub use self::{
    key::{CellKey, CellKeyError},
    layout::{CellLayout, CellRows, Coset, LayoutError, is_never_opened},
    opening::Opening,
    prover::{CellProver, OpenError},
    table::CellTable,
    verifier::{Cell, CellError, CellVerifier, OtherKey},
};
