//! Operands: edge values, and related random values whose results cancel, tie, underflow or overflow. Uniform random
//! bits practically never do.

use super::oracle;
use super::rng::Rng;
use remu::guest::riscv::FpOp;
use remu::guest::riscv::fp::{Fmt, Rm};

/// Bits of the fraction and of the exponent.
fn layout(fmt: Fmt) -> (u32, u32) {
    match fmt {
        Fmt::H => (10, 5),
        Fmt::S => (23, 8),
        Fmt::D => (52, 11),
    }
}

/// The edge values of a format, of both signs.
pub fn edges(fmt: Fmt) -> Vec<u64> {
    let (frac, exp) = layout(fmt);
    let bias = (1u64 << (exp - 1)) - 1;
    let one = bias << frac;
    let ulp_of = |power: i64| (bias as i64 + power) as u64 * (1 << frac);
    let infinity = ((1u64 << exp) - 1) << frac;
    let smallest_normal = 1 << frac;
    let magnitudes = [
        0,
        1,
        2,
        smallest_normal / 2,
        smallest_normal - 1,
        smallest_normal,
        smallest_normal + 1,
        smallest_normal * 2,
        ulp_of(-i64::from(frac) - 1),
        ulp_of(-i64::from(frac)),
        one - smallest_normal,
        one - 1,
        one,
        one + 1,
        one + smallest_normal / 2,
        one + smallest_normal,
        one + smallest_normal + smallest_normal / 2,
        ulp_of(i64::from(frac)) + 1,
        infinity - smallest_normal,
        infinity - 2,
        infinity - 1,
        infinity,
        infinity | 1,
        infinity | (smallest_normal / 2),
        infinity | (smallest_normal - 1),
    ];
    let sign = 1 << (frac + exp);
    magnitudes.into_iter().flat_map(|m| [m, m | sign]).collect()
}

/// The edge values of the integer types.
pub fn integer_edges() -> Vec<u64> {
    let mut v = Vec::new();
    for power in 0..64 {
        for offset in -2i64..=2 {
            let n = (1u64 << power).wrapping_add_signed(offset);
            v.extend([n, n.wrapping_neg()]);
        }
    }
    v
}

/// A source of operands. Its sequence depends only on the arguments of `new`.
pub struct Operands {
    fmt: Fmt,
    frac: u32,
    exp: u32,
    rng: Rng,
    edges: Vec<u64>,
}

impl Operands {
    pub fn new(fmt: Fmt, name: &str, rm: Rm) -> Self {
        let (frac, exp) = layout(fmt);
        let seed = name.bytes().fold(u64::from(rm.bits()), |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self { fmt, frac, exp, rng: Rng(seed), edges: edges(fmt) }
    }

    /// 64 random bits.
    fn bits(&mut self) -> u64 {
        self.rng.next()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// A random number between two bounds, both inclusive.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// An encoding from its fields; the exponent is clamped to the format's range.
    fn make(&mut self, exponent: i64, fraction: u64) -> u64 {
        let field = exponent.clamp(0, (1 << self.exp) - 1) as u64;
        let sign = self.bits() & 1;
        sign << (self.frac + self.exp) | field << self.frac | fraction & ((1 << self.frac) - 1)
    }

    /// A fraction: random, or with long runs of equal bits, or with few bits set.
    fn fraction(&mut self) -> u64 {
        let bits = self.bits();
        match self.below(5) {
            0 | 1 => bits,
            2 => (1 << self.below(64)) - 1,
            3 => !((1 << self.below(64)) - 1),
            _ => (1u64 << self.below(64)).wrapping_add_signed(self.between(-1, 1)),
        }
    }

    fn field_of(&self, v: u64) -> i64 {
        (v >> self.frac & ((1 << self.exp) - 1)) as i64
    }

    fn bias(&self) -> i64 {
        (1 << (self.exp - 1)) - 1
    }

    /// A number a few units in the last place from another.
    fn nudge(&mut self, v: u64) -> u64 {
        let mask = u64::MAX >> (64 - 1 - self.frac - self.exp);
        v.wrapping_add_signed(self.between(-2, 2)) & mask
    }

    fn negate(&self, v: u64) -> u64 {
        v ^ 1 << (self.frac + self.exp)
    }

    pub fn single(&mut self) -> u64 {
        match self.below(8) {
            0 => {
                let i = self.below(self.edges.len() as u64) as usize;
                self.edges[i]
            }
            // Subnormal, or close to it, or close to overflow.
            1 => {
                let (e, f) = (self.between(0, 2), self.fraction());
                let f = f >> self.below(u64::from(self.frac));
                self.make(e, f)
            }
            2 => {
                let (e, f) = (self.between((1 << self.exp) - 4, (1 << self.exp) - 1), self.fraction());
                self.make(e, f)
            }
            // Close to one.
            3 => {
                let (e, f) = (self.bias() + self.between(-3, 3), self.fraction());
                self.make(e, f)
            }
            // A square or close to it, for roots.
            4 => {
                let (e, f) = (self.between(0, 1 << self.exp), self.fraction());
                let r = self.make(e, f & !((1 << (self.frac / 2)) - 1));
                let (square, _) = oracle::arith(FpOp::Mul, self.fmt, Rm::Rne, r, r);
                self.nudge(square)
            }
            _ => {
                let (e, f) = (self.between(0, (1 << self.exp) - 2), self.fraction());
                self.make(e, f)
            }
        }
    }

    pub fn pair(&mut self) -> (u64, u64) {
        let a = self.single();
        let frac = i64::from(self.frac);
        let b = match self.below(8) {
            // Close to each other, or to the other's last bits, for sums and differences.
            0 => {
                let (e, f) = (self.field_of(a) + self.between(-frac - 3, frac + 3), self.fraction());
                self.make(e, f)
            }
            // Cancelling to a few bits.
            1 => {
                let b = self.nudge(a);
                if self.below(2) == 0 { b } else { self.negate(b) }
            }
            // Exactly half a unit in the last place, or next to it.
            2 => {
                let e = self.field_of(a) - frac - self.between(0, 2);
                let b = self.make(e, 0);
                if self.below(2) == 0 { b } else { self.nudge(b) }
            }
            // Products near underflow and overflow, and quotients likewise.
            3 => {
                let (e, f) = (self.bias() - self.field_of(a) + self.between(-frac - 2, 3), self.fraction());
                self.make(e, f)
            }
            4 => {
                let (e, f) = (3 * self.bias() - self.field_of(a) + self.between(-3, 3), self.fraction());
                self.make(e, f)
            }
            5 => {
                let (e, f) = (self.field_of(a) + self.bias() + self.between(-3, frac + 3), self.fraction());
                self.make(e, f)
            }
            // A divisor of a nearby number, so that quotients are exact or almost exact.
            6 => {
                let (b, q) = (self.single(), self.single());
                let (product, _) = oracle::arith(FpOp::Mul, self.fmt, Rm::Rne, b, q);
                return (self.nudge(product), b);
            }
            _ => self.single(),
        };
        if self.below(2) == 0 { (a, b) } else { (b, a) }
    }

    pub fn triple(&mut self) -> (u64, u64, u64) {
        let (a, b) = self.pair();
        let frac = i64::from(self.frac);
        let (product, _) = oracle::arith(FpOp::Mul, self.fmt, Rm::Rne, a, b);
        let c = match self.below(6) {
            // The rounding error of the product.
            0 | 1 => {
                let c = self.negate(product);
                if self.below(2) == 0 { c } else { self.nudge(c) }
            }
            // Anywhere in the range of the product, and slightly beyond.
            2 | 3 => {
                let e = self.field_of(product) + self.between(-2 * frac - 4, 2 * frac + 4);
                let f = self.fraction();
                self.make(e, f)
            }
            // Far larger or smaller.
            4 => {
                let (e, f) = (self.between(0, (1 << self.exp) - 2), self.fraction());
                self.make(e, f)
            }
            _ => self.single(),
        };
        (a, b, c)
    }

    /// A number in the range of a narrower format, often exactly between two of its numbers.
    pub fn near_format(&mut self, to: Fmt) -> u64 {
        let (frac, exp) = layout(to);
        if frac >= self.frac {
            return self.single();
        }
        let bias = (1i64 << (exp - 1)) - 1;
        let e = match self.below(3) {
            0 => self.between(-bias - i64::from(frac) - 3, -bias + 2),
            1 => self.between(bias - 1, bias + 2),
            _ => self.between(-bias, bias),
        };
        let dropped = self.frac - frac + if e < 1 - bias { (1 - bias - e) as u32 } else { 0 };
        let f = self.fraction();
        let v = self.make(self.bias() + e, f);
        match self.below(3) {
            0 if dropped <= self.frac => {
                let half = 1 << (dropped - 1);
                let tie = v & !(2 * half - 1) | half;
                self.nudge_within(tie)
            }
            _ => v,
        }
    }

    /// Nudges the number or leaves it unchanged, keeping the sign.
    fn nudge_within(&mut self, v: u64) -> u64 {
        match self.below(3) {
            0 => v,
            1 => v + 1,
            _ => v - 1,
        }
    }

    /// A number around an integer, a half, or a limit of the integer types.
    pub fn near_integer(&mut self) -> u64 {
        let e = match self.below(4) {
            0 => self.between(-3, 2),
            1 => self.between(29, 33),
            2 => self.between(61, 65),
            _ => self.between(0, 127),
        };
        let f = self.fraction();
        let v = self.make(self.bias() + e, f);
        if (-1..i64::from(self.frac) - 1).contains(&e) && self.below(2) == 0 {
            // Clear the bits below the half, and sometimes move off it slightly.
            let below_half = (1u64 << (i64::from(self.frac) - e - 1)) - 1;
            let v = v & !below_half;
            return if v & !(1 << (self.frac + self.exp)) == 0 { v } else { self.nudge_within(v) };
        }
        v
    }

    /// An integer of random length, often next to a power of two or halfway between two numbers.
    pub fn integer(&mut self) -> u64 {
        let length = self.below(65) as u32;
        let v = self.bits().checked_shr(64 - length).unwrap_or(0);
        let v = match self.below(3) {
            0 if length > self.frac + 2 => {
                let dropped = length - self.frac - 1;
                let half = 1u64 << (dropped - 1);
                (v & !(2 * half - 1) | half).wrapping_add_signed(self.between(-1, 1))
            }
            _ => v,
        };
        if self.below(2) == 0 { v } else { v.wrapping_neg() }
    }
}
