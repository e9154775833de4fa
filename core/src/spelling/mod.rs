//! The spellings that people use for times, durations, fractions, numbers and identifiers.
//!
//! A spelling is read if it can have one meaning only. Files that people write and the command line are read through
//! these functions; documents that machines write, sign and verify have one spelling each, which the types themselves
//! read. Errors are sentences that say what was expected and what was found. [`iso_time`] is how times are written for
//! people.

mod duration;
mod fraction;
mod hex;
mod number;
mod set_up;
mod time;

pub use self::{
    duration::{duration, whole_duration},
    fraction::{decimal, fraction, multiple, share},
    hex::{address, checksummed, hash, presentation},
    number::whole,
    set_up::{SET_UPS, set_up},
    time::{instant, iso_time, time},
};

/// A text that was read from the front.
#[derive(Clone, Copy)]
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    /// Takes one of several characters.
    fn one_of(&mut self, characters: &[char]) -> Option<char> {
        let first = self.0.chars().next().filter(|first| characters.contains(first))?;
        self.0 = &self.0[first.len_utf8()..];
        Some(first)
    }

    /// Takes all digits there are.
    fn digits(&mut self) -> &'t str {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    /// Takes a number of so many digits.
    fn number(&mut self, digits: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let number = number.bytes().all(|c| c.is_ascii_digit()).then(|| number.parse().ok())??;
        self.0 = rest;
        Some(number)
    }

    fn spaces(&mut self) {
        self.0 = self.0.trim_start();
    }
}
