//! KZG over BN254: set-ups from ceremonies, Lagrange bases, and commitments to columns and to hidden holdings.
//!
//! Start with [`Srs`], the powers of an unknown τ, which the `import` module reads from the files that ceremonies
//! publish. [`Params::from_srs`] turns the powers into the two bases of one [`Capacity`] class, and
//! [`Params::commit_column`] and [`Params::commit_sparse`] commit to columns. Holders and custodians commit with
//! [`HoldingCommitment::commit`]. A verifier needs only a [`VerifierKey`], and [`affine_combination`] to follow prices.
//!
//! | module | idea |
//! |---|---|
//! | [`scalar`], [`point`] | the project's single encoding of scalars and of points |
//! | [`secret`] | scalars that are wiped when dropped |
//! | [`srs`] | checked powers of τ, and their identifier |
//! | [`origin`] | the ceremony behind a τ, and τs that are no secret |
//! | [`params`] | the bases of a capacity class and commitments to columns |
//! | [`transform`] | polynomials by rows and by coefficients |
//! | [`table`] | many commitments over one table of multiples |
//! | [`cell`] | columns opened at the cosets of their rows, all at once |
//! | [`holding`] | masked commitments to holdings, which add up |
//! | [`progress`] | progress of long computations |
//! | [`import`] | readers of other tools' set-up files |
//! | [`carried`] | the set-up that a release carries |
//!
//! The crate opens no file: set-ups on disk are the business of the crate `host`.
//!
//! ```
//! use rand_core::OsRng;
//! use surety_core::capacity::Capacity;
//! use surety_kzg::{HoldingCommitment, Masks, Params, Srs, progress::Silent};
//!
//! let capacity = Capacity::new(9).unwrap();
//! // The development set-up is insecure: its secret is published.
//! let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap();
//! let masks = Masks::random(&mut OsRng);
//! // 700 lots of the first instrument, hidden by the masks.
//! let commitment = HoldingCommitment::commit(&params, &[(0, 700)], &masks).unwrap();
//! assert_ne!(commitment, HoldingCommitment::commit(&params, &[(0, 701)], &masks).unwrap());
//! ```

mod combination;
mod fft;
mod glv;
mod msm;

pub mod carried;
pub mod cell;
mod ceremonies;
pub mod holding;
pub mod import;
pub mod origin;
pub mod params;
pub mod point;
pub mod progress;
pub mod rows;
pub mod scalar;
pub mod scope;
pub mod secret;
pub mod srs;
mod sums;
pub mod table;
pub mod transform;

pub use halo2curves::bn256::{Bn256, Fr, G1, G1Affine, G2Affine};
pub use surety_core::capacity::{Capacity, Row};
pub use surety_wide::{Kernel, Lanes, Lines, Number};

pub use crate::{
    combination::combination,
    holding::{HoldingCommitment, Masks},
    origin::{Ceremony, Origin},
    params::{Params, affine_combination},
    progress::{Event, Observer},
    secret::SecretScalars,
    srs::{Srs, SrsError, SrsId, VerifierKey},
    table::Table,
    transform::Domain,
};
