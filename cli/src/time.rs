//! Times for people.

pub(super) use surety_core::spelling::iso_time as format;
