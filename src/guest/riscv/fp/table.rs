//! The constants of Zfa's `fli`.

use super::Rm;
use super::format::{Double, Format};

/// The constants as doubles, which hold all of them exactly; entry 1 is a placeholder, as it depends
/// on the format.
#[rustfmt::skip]
const CONSTANTS: [f64; 32] = [
    -1.0, 0.0, 1.0 / 65536.0, 1.0 / 32768.0, 1.0 / 256.0, 1.0 / 128.0, 0.0625, 0.125,
    0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0,
    8.0, 16.0, 128.0, 256.0, 32768.0, 65536.0, f64::INFINITY, f64::NAN,
];

/// The index of the smallest positive normal number of the format.
const SMALLEST_NORMAL: u8 = 1;

/// The constant of the given index. In half precision 2^16 is out of range and becomes infinity, as
/// the manual says; 2^-15 and 2^-16 are subnormal but exact.
pub(super) fn fli<F: Format>(index: u8) -> u64 {
    let index = index & 31;
    if index == SMALLEST_NORMAL {
        return 1 << F::FRAC;
    }
    super::convert::convert::<Double, F>(Rm::Rne, CONSTANTS[usize::from(index)].to_bits()).0
}
