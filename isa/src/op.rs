//! The properties of an [`Op`] that do not depend on operands.

use crate::decode::Xlen;
use crate::ext::ExtSet;
use crate::insn::Expansion;
use crate::tables::{Ext, OP_INFO, OPS, OPS_BY_NAME, Op, row_of};
use std::fmt;

/// The register file that a register field selects from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegClass {
    /// The instruction has no such operand.
    None,
    /// An integer register.
    X,
    /// A floating-point register.
    F,
}

/// An operand in assembly syntax.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Integer register `rd`.
    Rd,
    /// Integer register `rs1`.
    Rs1,
    /// Integer register `rs2`.
    Rs2,
    /// Integer register `rs3`.
    Rs3,
    /// Floating-point register `rd`.
    Fd,
    /// Floating-point register `rs1`.
    Fs1,
    /// Floating-point register `rs2`.
    Fs2,
    /// Floating-point register `rs3`.
    Fs3,
    /// The stack pointer, without a field.
    Sp,
    /// A signed immediate.
    Imm,
    /// An unsigned immediate or shift amount.
    Uimm,
    /// Bits 31 to 12 of the immediate.
    Hi20,
    /// A pc-relative target.
    Target,
    /// `imm(rs1)`
    ImmRs1,
    /// `imm(rs1)` with an unsigned offset.
    UimmRs1,
    /// `imm(sp)` with an unsigned offset.
    UimmSp,
    /// `(rs1)`
    IndirectRs1,
    /// A CSR, by number in `imm`.
    Csr,
    /// A five-bit immediate in `rs1`.
    Zimm,
    /// The rounding mode in `rm`.
    Rm,
    /// The rounding mode in `rm` of a conversion that is always exact; omitted if it is `rne`.
    RmExact,
    /// The rounding mode `rtz`, without a field.
    Rtz,
    /// The predecessor set of a fence.
    Pred,
    /// The successor set of a fence.
    Succ,
    /// The constant that a `fli` loads, by index in `imm`.
    Fli,
    /// An immediate without effect; omitted if it is 0.
    Hint,
}

/// The properties of an [`Op`].
#[derive(Debug)]
pub struct OpInfo {
    /// The op itself.
    pub op: Op,
    /// The mnemonic, without a suffix for `aq` and `rl`.
    pub mnemonic: &'static str,
    /// The first extension that defines it, for messages.
    pub ext: Ext,
    /// The sets of extensions that include the instruction; one enabled set is enough.
    pub needs: &'static [ExtSet],
    /// Whether RV32 has it.
    pub rv32: bool,
    /// Whether RV64 has it.
    pub rv64: bool,
    /// The operands in assembly order.
    pub operands: &'static [Operand],
    /// The register file of `rd`, which is written, and also read if `reads_rd` is set. For compressed instructions,
    /// this and the sources cover only registers that have a field; [`Insn::expand`](crate::Insn::expand) gives all.
    pub rd: RegClass,
    /// The register file of `rs1`, which is read.
    pub rs1: RegClass,
    /// The register file of `rs2`, which is read.
    pub rs2: RegClass,
    /// The register file of `rs3`, which is read.
    pub rs3: RegClass,
    /// The XLEN on which `rd` and `rs2` are even and select register pairs (`amocas.d`, `amocas.q`).
    pub pair: Option<Xlen>,
    /// Whether `rd` is also a source (`amocas.*`).
    pub reads_rd: bool,
    /// Whether `rm` is a rounding mode.
    pub has_rm: bool,
    /// Whether `rm` is `aq << 1 | rl`.
    pub has_aqrl: bool,
    /// Whether it reads memory.
    pub is_load: bool,
    /// Whether it writes memory.
    pub is_store: bool,
    /// Whether it is LR, SC or AMO.
    pub is_atomic: bool,
    /// Whether its address can fault: loads, stores and cache-block management, but not prefetches.
    pub may_fault: bool,
    /// Whether the next instruction may be elsewhere or may have to be fetched again: branches, jumps, traps and trap
    /// returns, CSR accesses, `fence.i`, `sfence.vma` and its variants, `wfi`.
    pub ends_block: bool,
    /// Whether it is two bytes long.
    pub compressed: bool,
    pub(crate) expansion: Option<Expansion>,
}

impl Op {
    /// The number of ops.
    pub const COUNT: usize = OPS.len();
    /// All ops, the compressed ones last.
    pub const ALL: [Op; Op::COUNT] = OPS;

    /// The op's properties.
    pub const fn info(self) -> &'static OpInfo {
        &OP_INFO[self as usize]
    }

    /// The mnemonic, without a suffix for `aq` and `rl`.
    pub fn mnemonic(self) -> &'static str {
        self.info().mnemonic
    }

    /// The op with this mnemonic.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Op> {
        let found = OPS_BY_NAME.binary_search_by_key(&mnemonic, |i| OP_INFO[*i as usize].mnemonic).ok()?;
        Some(OP_INFO[OPS_BY_NAME[found] as usize].op)
    }
}

/// The constant bits of an encoding. Every word of the op has `word & mask == value`, but some words with these bits
/// are reserved or belong to an instruction that specialises this one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The constant bits.
    pub mask: u32,
    /// Their values.
    pub value: u32,
}

impl Op {
    /// The constant bits of its encoding; `None` if the op does not exist on `xlen`.
    pub fn pattern(self, xlen: Xlen) -> Option<Pattern> {
        row_of(self, xlen).map(|row| Pattern { mask: row.mask, value: row.value })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mnemonic())
    }
}
