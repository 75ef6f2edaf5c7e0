//! Multiplication, alone and fused with an addition.

use super::add::exact_zero;
use super::format::{FloatKind, Format, Number, infinity, invalid, nan, zero};
use super::round::{round, shift_right_sticky_wide, upper_half_sticky};
use super::{Flags, Rm};

/// `a * b`.
pub(super) fn mul<F: Format>(rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    let y = Number::unpack::<F>(b);
    let negative = x.negative != y.negative;
    match (x.kind, y.kind) {
        (FloatKind::Finite, FloatKind::Finite) => {
            let product = u128::from(x.sig) * u128::from(y.sig);
            // The product of two numbers in [1, 2) is in [1, 4), with its units bit at 126.
            let carry = product.leading_zeros() == 0;
            let sig = upper_half_sticky(if carry { product } else { product << 1 });
            round::<F>(rm, negative, x.exp + y.exp + i32::from(carry), sig)
        }
        _ if x.is_nan() || y.is_nan() => nan::<F>(x.is_signalling() || y.is_signalling()),
        (FloatKind::Infinite, FloatKind::Zero) | (FloatKind::Zero, FloatKind::Infinite) => invalid::<F>(),
        (FloatKind::Infinite, _) | (_, FloatKind::Infinite) => (infinity::<F>(negative), Flags::NONE),
        (_, _) => (zero::<F>(negative), Flags::NONE),
    }
}

/// `a * b + c`, rounded once.
pub(super) fn fma<F: Format>(rm: Rm, a: u64, b: u64, c: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    let y = Number::unpack::<F>(b);
    let z = Number::unpack::<F>(c);
    let negative = x.negative != y.negative;
    if x.kind == FloatKind::Finite
        && y.kind == FloatKind::Finite
        && matches!(z.kind, FloatKind::Finite | FloatKind::Zero)
    {
        return fma_finite::<F>(rm, negative, x, y, z);
    }
    let infinity_times_zero = x.is_infinite() && y.is_zero() || x.is_zero() && y.is_infinite();
    if x.is_nan() || y.is_nan() || z.is_nan() {
        // RISC-V raises invalid for infinity times zero even if a quiet NaN is added.
        return nan::<F>(x.is_signalling() || y.is_signalling() || z.is_signalling() || infinity_times_zero);
    }
    if infinity_times_zero {
        return invalid::<F>();
    }
    if x.is_infinite() || y.is_infinite() {
        return if z.is_infinite() && z.negative != negative {
            invalid::<F>()
        } else {
            (infinity::<F>(negative), Flags::NONE)
        };
    }
    // The product is zero, or c is infinite. The result is c, except for a sum of zeroes of opposite sign.
    if z.is_zero() && z.negative != negative { (exact_zero::<F>(rm), Flags::NONE) } else { (c, Flags::NONE) }
}

#[inline(always)]
fn fma_finite<F: Format>(rm: Rm, negative: bool, x: Number, y: Number, z: Number) -> (u64, Flags) {
    // The exact product of two numbers in [1, 2), shifted down so that its units bit is 125, which leaves room for a
    // sum. The bit shifted out is zero, as are the low 22 bits even for doubles.
    let product = (u128::from(x.sig) * u128::from(y.sig)) >> 1;
    let product_exp = x.exp + y.exp;
    let (negative, exp, sum) = if z.is_zero() {
        (negative, product_exp, product)
    } else {
        let addend = u128::from(z.sig) << 62;
        let distance = product_exp - z.exp;
        // If aligning loses bits, the exponents are so far apart that at most one leading bit cancels. The lost bits
        // are then sticky some hundred bits below the leading one.
        let (exp, product, addend) = if distance >= 0 {
            (product_exp, product, shift_right_sticky_wide(addend, distance as u32))
        } else {
            (z.exp, shift_right_sticky_wide(product, (-distance) as u32), addend)
        };
        if negative == z.negative {
            (negative, exp, product + addend)
        } else if product >= addend {
            (negative, exp, product - addend)
        } else {
            (z.negative, exp, addend - product)
        }
    };
    if sum == 0 {
        return (exact_zero::<F>(rm), Flags::NONE);
    }
    let zeros = sum.leading_zeros();
    round::<F>(rm, negative, exp + 2 - zeros as i32, upper_half_sticky(sum << zeros))
}
