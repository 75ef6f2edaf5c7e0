//! The operands in the tests' tables.

use crate::operands::{Operands, edges, integer_edges};
use crate::oracle;
use remu::guest::riscv::fp::{Fmt, Rm};

/// The letter of a format in the names of instructions.
pub fn letter(fmt: Fmt) -> char {
    match fmt {
        Fmt::H => 'h',
        Fmt::S => 's',
        Fmt::D => 'd',
    }
}

/// Its width in bits.
pub fn width(fmt: Fmt) -> u32 {
    match fmt {
        Fmt::H => 16,
        Fmt::S => 32,
        Fmt::D => 64,
    }
}

/// The sign of a number.
pub fn sign(fmt: Fmt) -> u64 {
    1 << (width(fmt) - 1)
}

/// A number as a format has it.
pub fn number(fmt: Fmt, value: f64) -> u64 {
    match fmt {
        Fmt::D => value.to_bits(),
        _ => oracle::convert(Fmt::D, fmt, Rm::Rne, value.to_bits()).0,
    }
}

/// Random operands of one instruction.
pub fn chance(fmt: Fmt, name: &str) -> Operands {
    Operands::new(fmt, name, Rm::Rne)
}

type Rows = Vec<Vec<u64>>;

/// Edge cases, then random operands.
pub fn singles(fmt: Fmt, name: &str) -> Rows {
    let mut random = chance(fmt, name);
    edges(fmt).into_iter().chain((0..150).map(|_| random.single())).map(|a| vec![a]).collect()
}

/// All pairs of the most important edge cases; pairs that cancel, tie, underflow and overflow.
pub fn pairs(fmt: Fmt, name: &str) -> Rows {
    let edges = edges(fmt);
    // Magnitudes: zero; the ends of the subnormal numbers; the least normal one; one; the largest; infinity; NaNs,
    // signalling and quiet.
    let some: Vec<u64> =
        [0, 1, 4, 5, 12, 20, 21, 22, 24].iter().flat_map(|i| [edges[2 * i], edges[2 * i + 1]]).collect();
    let mut random = chance(fmt, name);
    let by_chance = (0..120).map(|_| random.pair()).map(|(a, b)| vec![a, b]);
    some.iter().flat_map(|&a| some.iter().map(move |&b| vec![a, b])).chain(by_chance).collect()
}

/// The same for three operands.
pub fn triples(fmt: Fmt, name: &str) -> Rows {
    let edges = edges(fmt);
    // Both zeros, one, the largest number, both infinities, a signalling NaN, a quiet one.
    let some = [0, 1, 24, 40, 42, 43, 44, 49].map(|i: usize| edges[i]);
    let mut rows = Vec::new();
    for a in some {
        for b in some {
            rows.extend(some.map(|c| vec![a, b, c]));
        }
    }
    let mut random = chance(fmt, name);
    rows.extend((0..200).map(|_| random.triple()).map(|(a, b, c)| vec![a, b, c]));
    rows
}

/// Around integers and halves, and around the limits of the integer types.
pub fn to_integer(fmt: Fmt) -> Rows {
    let mut list = edges(fmt);
    for power in [0, 7, 8, 10, 11, 15, 16, 23, 24, 31, 32, 52, 53, 62, 63, 64] {
        let limit = f64::from(power).exp2();
        for offset in [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5] {
            let a = number(fmt, limit + offset);
            list.extend([a, a ^ sign(fmt), a.saturating_sub(1), a.saturating_sub(1) ^ sign(fmt)]);
        }
    }
    let mut random = chance(fmt, "to integer");
    list.extend((0..150).map(|_| random.near_integer()));
    list.sort_unstable();
    list.dedup();
    list.into_iter().map(|a| vec![a]).collect()
}

/// Around the numbers of another format.
pub fn to_format(from: Fmt, to: Fmt) -> Rows {
    let mut random = chance(from, "to format");
    let mut rows = singles(from, "to format");
    rows.extend((0..150).map(|_| vec![random.near_format(to)]));
    rows
}

/// All 64 bits of a register: those that an instruction does not look at are set in some.
pub fn integers(fmt: Fmt, name: &str) -> Rows {
    let mut random = chance(fmt, name);
    let edges = integer_edges().into_iter().enumerate().filter(|(i, _)| {
        let power = i / 10;
        power < 2 || [7, 8, 11, 12, 15, 16, 24, 25, 31, 32, 33, 52, 53, 54, 62, 63].contains(&power)
    });
    edges.map(|(_, a)| a).chain((0..150).map(|_| random.integer())).map(|a| vec![a]).collect()
}

/// Bits of any kind: boxed numbers, and what is none.
pub fn raw(count: usize) -> Rows {
    let mut random = chance(Fmt::D, "raw");
    let boxes = [0, !0, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_0000, 0xffff_0000_0000_0000];
    let mut list: Vec<u64> = crate::FORMATS.into_iter().flat_map(edges).map(|a| a | boxes[a as usize % 5]).collect();
    list.extend((0..64).flat_map(|bit| [1 << bit, !(1 << bit)]));
    list.extend((0..64).map(|_| random.integer()));
    let turned = |i: usize| (0..count).map(|k| list[(i + 7 * k) % list.len()]).collect();
    (0..list.len()).map(turned).collect()
}
