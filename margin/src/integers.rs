//! Divisors and multiples of whole numbers.

use core::ops::Rem;

use alloy_primitives::I256;

/// The greatest common divisor of two numbers that are not negative.
pub(crate) fn greatest_common_divisor<T: Copy + Default + PartialEq + Rem<Output = T>>(a: T, b: T) -> T {
    let (mut greater, mut rest) = (a, b);
    while rest != T::default() {
        (greater, rest) = (rest, greater % rest);
    }
    greater
}

/// The least common multiple of two positive numbers; none beyond 256 bits.
#[must_use]
pub fn common_multiple(a: I256, b: I256) -> Option<I256> {
    a.checked_div(greatest_common_divisor(a, b))?.checked_mul(b)
}
