//! Floating-point arithmetic as the RISC-V F, D, Zfh and Zfa extensions define it: IEEE 754-2019
//! with canonical NaN results and tininess detected after rounding.
//!
//! Everything here is integer arithmetic on encodings, in every rounding mode, with the exact flags:
//! the reference for the fast paths that use the host's unit, and what they fall back to.

/// A floating-point format. A number of it is its encoding in the low bits of a `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fmt {
    /// binary16
    H,
    /// binary32
    S,
    /// binary64
    D,
}

/// A rounding mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rm {
    /// To nearest, ties to even.
    Rne,
    /// Towards zero.
    Rtz,
    /// Downwards.
    Rdn,
    /// Upwards.
    Rup,
    /// To nearest, ties away from zero.
    Rmm,
}

/// The rounding-mode field of an instruction or of `frm`, not yet checked: 0..=4 are modes, 7 in an
/// instruction means `frm`, and the rest is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RmField(pub u8);

/// Accrued exception flags, in the bit positions of `fflags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);
