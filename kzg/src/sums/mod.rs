//! Sums of many points, in affine coordinates and with inversions that many additions share.
//!
//! | module | idea |
//! |---|---|
//! | `adder` | sums of pairs of points, and doubles |
//! | `bench` | sums of groups of points, and of buckets by their weights |

mod adder;
mod bench;

pub(crate) use self::{
    adder::Adder,
    bench::{Bench, Benches, room},
};
