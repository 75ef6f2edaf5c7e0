//! Operands: edge values and seeded random ones.

use crate::rng::Rng;

/// Integer edge values for carries, overflows, counts and shifts.
pub fn integer_edges() -> Vec<u64> {
    let mut v: Vec<u64> = vec![0, 1, 2, 3, 5, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff];
    v.extend([0x0f0f_3355_aa01_80ff, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x8000_0000_0000_0001]);
    for k in [31, 32, 63] {
        let p = 1u64 << k;
        v.extend([p - 1, p, p + 1, p.wrapping_neg(), p.wrapping_neg() - 1]);
    }
    v.extend([u64::MAX, u64::MAX - 1, 0x80, 0x8000].map(|x: u64| if x < 0x1_0000 { x.wrapping_neg() } else { x }));
    v.sort_unstable();
    v.dedup();
    v
}

/// Integers that floating-point formats cannot represent, on both sides of the midpoint between two representable ones.
pub fn conversion_integers() -> Vec<u64> {
    let mut v = integer_edges();
    // Each format's bits of precision, and the first number too large for half precision.
    for precision in [11, 24, 53] {
        for up in [1, 2, 5, 8, 10] {
            let (one, halfway) = (1u64 << (precision + up), 1u64 << up);
            let even = [one + halfway - 1, one + halfway, one + halfway + 1];
            let odd = [one + 3 * halfway - 1, one + 3 * halfway, one + 3 * halfway + 1];
            v.extend(even.into_iter().chain(odd).flat_map(|n| [n, n.wrapping_neg()]));
        }
    }
    v.extend(
        [65503, 65504, 65505, 65519, 65520, 65521, 65535, 65536].iter().flat_map(|&n: &u64| [n, n.wrapping_neg()]),
    );
    v
}

/// A random integer of random length and sign.
pub fn integer(rng: &mut Rng) -> u64 {
    let v = rng.next() >> rng.below(64);
    match rng.below(4) {
        0 => v.wrapping_neg(),
        1 => rng.next(),
        _ => v,
    }
}

/// A floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fmt {
    H,
    S,
    D,
}

impl Fmt {
    pub fn bits(self) -> u32 {
        match self {
            Fmt::H => 16,
            Fmt::S => 32,
            Fmt::D => 64,
        }
    }

    fn fraction(self) -> u32 {
        match self {
            Fmt::H => 10,
            Fmt::S => 23,
            Fmt::D => 52,
        }
    }

    fn bias(self) -> u64 {
        (1 << (self.bits() - self.fraction() - 2)) - 1
    }

    /// `±2^exponent * 1.fraction`, with the exponent clamped to the range.
    fn compose(self, negative: bool, exponent: i64, fraction: u64) -> u64 {
        let exponent = (exponent + self.bias() as i64).clamp(0, 2 * self.bias() as i64 + 1) as u64;
        let fraction = fraction & ((1 << self.fraction()) - 1);
        u64::from(negative) << (self.bits() - 1) | exponent << self.fraction() | fraction
    }

    /// In a register: NaN-boxed.
    pub fn boxed(self, v: u64) -> u64 {
        if self == Fmt::D { v } else { v | u64::MAX << self.bits() }
    }

    /// Numbers and NaNs of this format, unboxed.
    pub fn edges(self) -> Vec<u64> {
        let max = self.bias() as i64;
        let one = (1 << self.fraction()) - 1;
        let quiet = 1 << (self.fraction() - 1);
        let mut v = Vec::new();
        for negative in [false, true] {
            let mut push = |all: &[(i64, u64)]| v.extend(all.iter().map(|&(e, f)| self.compose(negative, e, f)));
            // Zero, the subnormal numbers at both ends, the least normal one.
            push(&[(-max, 0), (-max, 1), (-max, one), (1 - max, 0), (1 - max, 1)]);
            // Around one, halves, the largest number and infinity.
            push(&[(0, 0), (0, 1), (-1, 0), (-1, one), (0, quiet), (1, quiet), (max, one), (max + 1, 0)]);
            // NaNs: canonical, with a payload, signaling ones.
            push(&[quiet, quiet | 5, 1, quiet - 1].map(|f| (max + 1, f)));
        }
        v
    }

    /// Edge values of conversions to integers and other formats, unboxed.
    pub fn conversion_edges(self) -> Vec<u64> {
        let ones = (1 << self.fraction()) - 1;
        let mut v = self.edges();
        for negative in [false, true] {
            for e in
                [-126, -127, -149, -150, -14, -15, -24, -25, 7, 15, 16, 30, 31, 32, 33, 52, 53, 62, 63, 64, 84, 127]
            {
                for f in [0, 1, ones, ones << 1, 1 << (self.fraction() - 1)] {
                    v.push(self.compose(negative, e, f));
                }
            }
            for e in [0, 1, 2, 3] {
                (0..8).for_each(|f| v.push(self.compose(negative, e, f << (self.fraction() - 3))));
            }
        }
        v
    }

    /// A random number, unboxed: random bits, or a magnitude close to other operands.
    pub fn random(self, rng: &mut Rng) -> u64 {
        let bits = rng.next();
        match rng.below(4) {
            0 => bits >> (64 - self.bits()),
            1 => self.compose(bits >> 63 != 0, rng.below(200) as i64 - 100, bits),
            2 => self.compose(bits >> 63 != 0, rng.below(9) as i64 - 4, bits & bits >> rng.below(40)),
            _ => self.compose(bits >> 63 != 0, rng.below(70) as i64 - 3, bits),
        }
    }

    /// The register contents: NaN-boxed most of the time.
    pub fn in_register(self, v: u64, rng: &mut Rng) -> u64 {
        match rng.below(16) {
            0 if self != Fmt::D => v | rng.next() << self.bits(),
            1 if self != Fmt::D => v,
            // Boxed for a wider format than this one.
            2 if self == Fmt::H => v | 0xffff_ffff_0000_0000,
            _ => self.boxed(v),
        }
    }
}
