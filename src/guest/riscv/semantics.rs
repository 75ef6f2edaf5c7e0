//! The operations in which RISC-V instructions are defined, beyond those that any guest could use: floating point with
//! RISC-V's NaNs, rounding modes and flags, CSRs, traps, and bit manipulation that no other architecture has.

use super::Trap;
use super::fp::{Fmt, RmField};
use crate::guest::{Flow, Reg, Semantics, Width};
use remu_isa::Insn;

/// An integer type of a floating-point conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IntType {
    I32,
    U32,
    I64,
    U64,
}

/// A floating-point operation on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FpOp {
    Add,
    Sub,
    Mul,
    Div,
}

/// Minimum and maximum, with the IEEE 754-2019 treatment of NaNs: `Min`/`Max` prefer the number
/// (`fmin`, `fmax`), `MinM`/`MaxM` propagate (`fminm`, `fmaxm` of Zfa).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FpMinMax {
    Min,
    Max,
    MinM,
    MaxM,
}

/// A floating-point comparison. The quiet ones (`feq`, `fleq`, `fltq`) signal only for signalling NaNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FpCmp {
    Eq,
    Lt,
    Le,
    LtQuiet,
    LeQuiet,
}

/// Sign injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Sgnj {
    Copy,
    Negate,
    Xor,
}

/// An abstract machine that RISC-V instructions are executed on.
pub trait RiscvSemantics: Semantics {
    // --- control transfer ---

    /// The alignment of instructions in bytes: 2, or 4 without compressed instructions. It is known when code is
    /// decoded.
    fn insn_align(&self) -> u64;
    /// Stops with the exception for a misaligned fetch if no instruction can be at `target`.
    fn check_target(&mut self, target: Self::Value) -> Result<(), Self::Stop>;

    // --- bit manipulation ---

    /// Bits of each byte in reverse order.
    fn brev8(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Each byte 0xff if it was not zero (Zbb).
    fn orc_b(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Interleaves the halves of a 32-bit value (Zbkb, RV32 only).
    fn zip(&mut self, a: Self::Value) -> Self::Value;
    /// The inverse of [`Self::zip`].
    fn unzip(&mut self, a: Self::Value) -> Self::Value;
    /// Bits 2·width-2 .. width-1 of the carry-less product.
    fn clmulr(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Looks up each nibble of `b` in the nibbles of `a`; 0 where it is out of range.
    fn xperm4(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Looks up each byte of `b` in the bytes of `a`; 0 where it is out of range.
    fn xperm8(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;

    // --- floating point ---
    // A value of a format is its bits in the low end of the 64-bit value, upper bits zero.

    /// The floating-point register `r` as a number of format `fmt`, or the canonical NaN if it is not properly
    /// NaN-boxed.
    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> Self::Value;
    /// Writes a number of format `fmt`, NaN-boxed.
    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: Self::Value);
    /// All bits of the floating-point register.
    fn fp_read_bits(&mut self, r: Reg) -> Self::Value;
    /// `a op b`. Stops as illegal if the rounding mode is reserved, as all operations with a rounding mode do.
    fn fp_arith(
        &mut self,
        op: FpOp,
        fmt: Fmt,
        rm: RmField,
        a: Self::Value,
        b: Self::Value,
    ) -> Result<Self::Value, Self::Stop>;
    /// Square root.
    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// `(-1)^neg_product (a * b) + (-1)^neg_addend c`, rounded once.
    #[allow(clippy::too_many_arguments)]
    fn fp_fma(
        &mut self,
        fmt: Fmt,
        rm: RmField,
        neg_product: bool,
        neg_addend: bool,
        a: Self::Value,
        b: Self::Value,
        c: Self::Value,
    ) -> Result<Self::Value, Self::Stop>;
    /// Sign injection.
    fn fp_sgnj(&mut self, fmt: Fmt, kind: Sgnj, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Minimum or maximum.
    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Comparison: 0 or 1.
    fn fp_compare(&mut self, op: FpCmp, fmt: Fmt, a: Self::Value, b: Self::Value) -> Self::Value;
    /// The class mask of `fclass`.
    fn fp_class(&mut self, fmt: Fmt, a: Self::Value) -> Self::Value;
    /// Conversion between formats.
    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Saturating conversion to an integer; 32-bit results, signed or not, are sign-extended.
    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Conversion from an integer.
    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Rounds to an integral value in the same format (`fround`; with `exact`, `froundnx`, which
    /// raises inexact).
    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// `fcvtmod.w.d`: conversion modulo 2^32 towards zero.
    fn fp_to_int_modular(&mut self, a: Self::Value) -> Self::Value;
    /// Loads a number of format `fmt` from a possibly misaligned address.
    fn fp_load(&mut self, fmt: Fmt, addr: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Stores the low bits of a floating-point register, as many as `fmt` has, to a possibly misaligned address.
    fn fp_store(&mut self, fmt: Fmt, addr: Self::Value, bits: Self::Value) -> Result<(), Self::Stop>;

    // --- system ---

    /// Reads a CSR. Stops as illegal if it does not exist or may not be read.
    fn csr_read(&mut self, csr: u16) -> Result<Self::Value, Self::Stop>;
    /// Writes a CSR; the caller ends the block with [`Flow::Refetch`] if anything else may depend on it.
    fn csr_write(&mut self, csr: u16, v: Self::Value) -> Result<(), Self::Stop>;
    /// Stops as illegal where CBO.CLEAN and CBO.FLUSH are not allowed. A user-level machine allows them.
    fn check_block_management(&mut self) -> Result<(), Self::Stop> {
        Ok(())
    }
    /// The stop for a trap that the instruction itself raises.
    fn trap(&mut self, trap: Trap) -> Self::Stop;
    /// An instruction of the privileged architecture that this machine may or may not allow
    /// (`mret`, `sret`, `wfi`, `sfence.vma`, ...). User-level machines stop as illegal.
    fn privileged(&mut self, insn: &Insn, rs1: Self::Value, rs2: Self::Value) -> Result<Flow<Self::Value>, Self::Stop>;
}
