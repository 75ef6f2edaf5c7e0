//! The integer operations of [`Semantics`](super::Semantics) on concrete values: what the interpreter
//! executes and what compilers fold constants with. A 32-bit operation looks at the low halves of its
//! operands and yields its result sign-extended.

use super::Width::{self, W32, W64};
use super::{AmoOp, BitOp, Cond};

/// Sign-extends the low half.
#[inline(always)]
const fn sext(v: u32) -> u64 {
    v as i32 as i64 as u64
}

/// Defines operations by their 32-bit and their 64-bit form.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident($a:ident, $b:ident) = $narrow:expr, $wide:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(w: Width, $a: u64, $b: u64) -> u64 {
            match w {
                W32 => {
                    let ($a, $b) = ($a as u32, $b as u32);
                    sext($narrow)
                }
                W64 => $wide,
            }
        }
    )*};
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident($a:ident) = $narrow:expr, $wide:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(w: Width, $a: u64) -> u64 {
            match w {
                W32 => {
                    let $a = $a as u32;
                    sext($narrow)
                }
                W64 => $wide,
            }
        }
    )*};
}

binary! {
    /// Sum.
    add(a, b) = a.wrapping_add(b), a.wrapping_add(b);
    /// Difference.
    sub(a, b) = a.wrapping_sub(b), a.wrapping_sub(b);
    /// Left shift by `b` modulo the width.
    shl(a, b) = a.wrapping_shl(b), a.wrapping_shl(b as u32);
    /// Logical right shift.
    lshr(a, b) = a.wrapping_shr(b), a.wrapping_shr(b as u32);
    /// Arithmetic right shift.
    ashr(a, b) = (a as i32).wrapping_shr(b) as u32, (a as i64).wrapping_shr(b as u32) as u64;
    /// Rotation to the right.
    rotr(a, b) = a.rotate_right(b & 31), a.rotate_right(b as u32 & 63);
    /// Rotation to the left.
    rotl(a, b) = a.rotate_left(b & 31), a.rotate_left(b as u32 & 63);
    /// Low half of the product.
    mul(a, b) = a.wrapping_mul(b), a.wrapping_mul(b);
    /// High half of the signed product.
    mulh(a, b) =
        ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32,
        ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64;
    /// High half of the unsigned product.
    mulhu(a, b) =
        ((u64::from(a) * u64::from(b)) >> 32) as u32,
        ((u128::from(a) * u128::from(b)) >> 64) as u64;
    /// High half of the product of signed `a` and unsigned `b`.
    mulhsu(a, b) =
        ((i64::from(a as i32) * i64::from(b)) >> 32) as u32,
        ((i128::from(a as i64) * i128::from(b)) >> 64) as u64;
    /// Signed quotient; by zero -1, on overflow the dividend.
    div(a, b) =
        if b == 0 { u32::MAX } else { (a as i32).wrapping_div(b as i32) as u32 },
        if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 };
    /// Unsigned quotient; by zero all ones.
    divu(a, b) = a.checked_div(b).unwrap_or(u32::MAX), a.checked_div(b).unwrap_or(u64::MAX);
    /// Signed remainder; by zero the dividend, on overflow 0.
    rem(a, b) =
        if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 },
        if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 };
    /// Unsigned remainder; by zero the dividend.
    remu(a, b) = a.checked_rem(b).unwrap_or(a), a.checked_rem(b).unwrap_or(a);
    /// Low half of the carry-less product.
    clmul(a, b) = carryless(a.into(), b.into()) as u32, carryless(a, b) as u64;
    /// High half of the carry-less product.
    clmulh(a, b) = (carryless(a.into(), b.into()) >> 32) as u32, (carryless(a, b) >> 64) as u64;
    /// The carry-less product of reversed operands, reversed.
    clmulr(a, b) = (carryless(a.into(), b.into()) >> 31) as u32, (carryless(a, b) >> 63) as u64;
    /// Looks up each nibble of `b` in the nibbles of `a`.
    xperm4(a, b) = look_up(a.into(), b.into(), 4, 32) as u32, look_up(a, b, 4, 64);
    /// Looks up each byte of `b` in the bytes of `a`.
    xperm8(a, b) = look_up(a.into(), b.into(), 8, 32) as u32, look_up(a, b, 8, 64);
}

unary! {
    /// Number of leading zeros.
    clz(a) = a.leading_zeros(), u64::from(a.leading_zeros());
    /// Number of trailing zeros.
    ctz(a) = a.trailing_zeros(), u64::from(a.trailing_zeros());
    /// Number of ones.
    cpop(a) = a.count_ones(), u64::from(a.count_ones());
    /// Bytes in reverse order.
    rev8(a) = a.swap_bytes(), a.swap_bytes();
    /// Bits of each byte in reverse order.
    brev8(a) = a.reverse_bits().swap_bytes(), a.reverse_bits().swap_bytes();
    /// Each byte all ones if it was not zero.
    orc_b(a) = spread_bytes(a.into()) as u32, spread_bytes(a);
}

fn spread_bytes(a: u64) -> u64 {
    u64::from_le_bytes(a.to_le_bytes().map(|b| if b == 0 { 0 } else { 0xff }))
}

/// The whole product of polynomials over GF(2).
fn carryless(a: u64, b: u64) -> u128 {
    let mut product = 0;
    let mut rest = b;
    while rest != 0 {
        product ^= u128::from(a) << rest.trailing_zeros();
        rest &= rest - 1;
    }
    product
}

/// Replaces each `unit`-bit field of `indices` by the field of `table` that it numbers, or 0.
fn look_up(table: u64, indices: u64, unit: u32, bits: u32) -> u64 {
    let mask = (1u64 << unit) - 1;
    let fields = u64::from(bits / unit);
    (0..bits).step_by(unit as usize).fold(0, |result, at| {
        let index = indices >> at & mask;
        let field = if index < fields { table >> (index as u32 * unit) & mask } else { 0 };
        result | field << at
    })
}

/// Interleaves the halves of the low 32 bits: the lower half goes to the even positions.
pub fn zip(a: u64) -> u64 {
    sext((0..16).fold(0, |z, i| z | (a as u32 >> i & 1) << (2 * i) | (a as u32 >> (i + 16) & 1) << (2 * i + 1)))
}

/// The inverse of [`zip`].
pub fn unzip(a: u64) -> u64 {
    sext((0..16).fold(0, |z, i| z | (a as u32 >> (2 * i) & 1) << i | (a as u32 >> (2 * i + 1) & 1) << (i + 16)))
}

/// Whether a comparison holds.
#[inline(always)]
pub fn compare(w: Width, c: Cond, a: u64, b: u64) -> bool {
    let (a, b) = match w {
        W32 => (sext(a as u32), sext(b as u32)),
        W64 => (a, b),
    };
    match c {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Lt => (a as i64) < (b as i64),
        Cond::Ge => (a as i64) >= (b as i64),
        // Sign extension keeps the order of unsigned 32-bit numbers.
        Cond::Ltu => a < b,
        Cond::Geu => a >= b,
    }
}

/// Operates on the bit of `a` that `index` numbers, modulo the width.
#[inline(always)]
pub fn bit(w: Width, op: BitOp, a: u64, index: u64) -> u64 {
    let mask = shl(w, 1, index);
    match op {
        BitOp::Set => a | mask,
        BitOp::Clear => a & !mask,
        BitOp::Invert => a ^ mask,
        BitOp::Extract => lshr(w, a, index) & 1,
    }
}

/// The value an atomic operation stores. `old` and `operand` are both extended from the width of the access; signed
/// operations need sign extension.
#[inline(always)]
pub fn amo(op: AmoOp, old: u64, operand: u64) -> u64 {
    match op {
        AmoOp::Swap => operand,
        AmoOp::Add => old.wrapping_add(operand),
        AmoOp::Xor => old ^ operand,
        AmoOp::And => old & operand,
        AmoOp::Or => old | operand,
        AmoOp::Min => (old as i64).min(operand as i64) as u64,
        AmoOp::Max => (old as i64).max(operand as i64) as u64,
        AmoOp::Minu => old.min(operand),
        AmoOp::Maxu => old.max(operand),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN32: u64 = i32::MIN as i64 as u64;
    const MIN64: u64 = i64::MIN as u64;

    #[test]
    fn division_has_riscv_edges() {
        for (w, min) in [(W32, MIN32), (W64, MIN64)] {
            assert_eq!(div(w, 7, 0), u64::MAX);
            assert_eq!(divu(w, 7, 0), u64::MAX);
            assert_eq!(rem(w, 7, 0), 7);
            assert_eq!(remu(w, 7, 0), 7);
            assert_eq!(div(w, min, u64::MAX), min);
            assert_eq!(rem(w, min, u64::MAX), 0);
            assert_eq!(div(w, -7i64 as u64, 2), -3i64 as u64);
            assert_eq!(rem(w, -7i64 as u64, 2), -1i64 as u64);
        }
        assert_eq!(remu(W32, 0xffff_ffff, 0), u64::MAX, "a 32-bit remainder is sign-extended");
    }

    #[test]
    fn high_products() {
        assert_eq!(mulh(W64, u64::MAX, u64::MAX), 0);
        assert_eq!(mulhu(W64, u64::MAX, u64::MAX), u64::MAX - 1);
        assert_eq!(mulhsu(W64, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(mulhsu(W32, MIN32, 0xffff_ffff), sext(0x8000_0000));
        assert_eq!(mulhu(W32, u64::MAX, u64::MAX), sext(0xffff_fffe));
    }

    #[test]
    fn carryless_products_agree_with_their_definition() {
        let definition =
            |a: u64, b: u64| (0..64).filter(|i| b >> i & 1 == 1).fold(0u128, |p, i| p ^ u128::from(a) << i);
        for (a, b) in [(3, 5), (u64::MAX, u64::MAX), (0x1234_5678_9abc_def0, MIN64)] {
            let p = definition(a, b);
            assert_eq!(clmul(W64, a, b), p as u64);
            assert_eq!(clmulh(W64, a, b), (p >> 64) as u64);
            assert_eq!(clmulr(W64, a, b), (p >> 63) as u64);
        }
        assert_eq!(clmulr(W32, 0x8000_0000, 0x8000_0000), sext(0x8000_0000));
    }

    #[test]
    fn permutations_and_byte_operations() {
        assert_eq!(xperm4(W64, 0xfedc_ba98_7654_3210, 0x0123_4567_89ab_cdef), 0x0123_4567_89ab_cdef);
        assert_eq!(xperm8(W64, 0x8877_6655_4433_2211, 0x0807_0605_0403_0201), 0x0088_7766_5544_3322);
        assert_eq!(xperm4(W32, 0x7654_3210, 0x8765_4321), 0x0765_4321);
        assert_eq!(orc_b(W64, 0x0100_0000_0000_8000), 0xff00_0000_0000_ff00);
        assert_eq!(brev8(W64, 0x0180), 0x8001);
        assert_eq!(rev8(W32, 0x1122_3380), sext(0x8033_2211));
        assert_eq!(zip(0x0000_ffff), 0x5555_5555);
        assert_eq!(zip(0xffff_0000), sext(0xaaaa_aaaa));
        for v in [0x1234_5678, 0xdead_beef, 1, 0x8000_0000] {
            assert_eq!(unzip(zip(v)), sext(v as u32));
        }
    }

    #[test]
    fn shifts_use_the_low_bits_of_the_amount() {
        assert_eq!(shl(W32, 1, 31), MIN32);
        assert_eq!(shl(W32, 1, 32), 1);
        assert_eq!(shl(W64, 1, 64 + 3), 8);
        assert_eq!(ashr(W32, 0x8000_0000, 31), u64::MAX);
        assert_eq!(lshr(W32, u64::MAX, 0), u64::MAX, "the result is sign-extended");
        assert_eq!(rotr(W32, 1, 1), MIN32);
        assert_eq!(rotl(W64, MIN64, 65), 1);
    }
}
