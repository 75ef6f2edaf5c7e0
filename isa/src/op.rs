//! What is known of an [`Op`] without looking at an instruction's operands.

use crate::decode::Xlen;
use crate::ext::ExtSet;
use crate::insn::Expansion;
use crate::tables::{Ext, OP_INFO, OPS, OPS_BY_NAME, Op, row_of};
use std::fmt;

/// What a register field names.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegClass {
    /// Nothing: the instruction has no such operand.
    None,
    /// An integer register.
    X,
    /// A floating-point register.
    F,
}

/// An operand as assembly writes it.
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
    /// The stack pointer, which no field names.
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
    /// The rounding mode of a conversion that cannot round: in `rm`, written unless it is `rne`.
    RmExact,
    /// The rounding mode `rtz`, which no field names.
    Rtz,
    /// The predecessor set of a fence.
    Pred,
    /// The successor set of a fence.
    Succ,
    /// The constant that a `fli` loads, by index in `imm`.
    Fli,
    /// An immediate without effect, written only if it is not zero.
    Hint,
}

/// All that the tables say of an [`Op`].
#[derive(Debug)]
pub struct OpInfo {
    /// The op itself.
    pub op: Op,
    /// As in assembly, without the suffix of `aq` and `rl`.
    pub mnemonic: &'static str,
    /// The extension to name in messages: the first that brings it.
    pub ext: Ext,
    /// Every set of extensions that brings it; any one suffices.
    pub needs: &'static [ExtSet],
    /// RV32 has it.
    pub rv32: bool,
    /// RV64 has it.
    pub rv64: bool,
    /// In the order of assembly.
    pub operands: &'static [Operand],
    /// What `rd` names. It is written, and also read if `reads_rd`. Of compressed instructions, `rd` and the sources
    /// are those that have a field; see [`Insn::expand`](crate::Insn::expand) for the whole truth.
    pub rd: RegClass,
    /// What `rs1` names; it is read.
    pub rs1: RegClass,
    /// What `rs2` names; it is read.
    pub rs2: RegClass,
    /// What `rs3` names; it is read.
    pub rs3: RegClass,
    /// On this XLEN `rd` and `rs2` are even and name themselves and the next register (`amocas.d`, `amocas.q`).
    pub pair: Option<Xlen>,
    /// `rd` is also a source (`amocas.*`).
    pub reads_rd: bool,
    /// `rm` is a rounding mode.
    pub has_rm: bool,
    /// `rm` is `aq << 1 | rl`.
    pub has_aqrl: bool,
    /// Reads memory.
    pub is_load: bool,
    /// Writes memory.
    pub is_store: bool,
    /// LR, SC or AMO.
    pub is_atomic: bool,
    /// Can fault on an address: loads, stores, and cache-block management. Not prefetches.
    pub may_fault: bool,
    /// The next instruction may not be the one that follows, or may have to be fetched anew: branches, jumps, traps
    /// and returns from them, CSR accesses, `fence.i`, `sfence.vma` and its kin, `wfi`.
    pub ends_block: bool,
    /// Two bytes long.
    pub compressed: bool,
    pub(crate) expansion: Option<Expansion>,
}

impl Op {
    /// How many there are.
    pub const COUNT: usize = OPS.len();
    /// All of them, the compressed ones last.
    pub const ALL: [Op; Op::COUNT] = OPS;

    /// What the tables say of it.
    pub const fn info(self) -> &'static OpInfo {
        &OP_INFO[self as usize]
    }

    /// As in assembly, without the suffix of `aq` and `rl`.
    pub fn mnemonic(self) -> &'static str {
        self.info().mnemonic
    }

    /// The op of that mnemonic.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Op> {
        let found = OPS_BY_NAME.binary_search_by_key(&mnemonic, |i| OP_INFO[*i as usize].mnemonic).ok()?;
        Some(OP_INFO[OPS_BY_NAME[found] as usize].op)
    }
}

/// The constant bits of an encoding: every word of the op has `word & mask == value`. Not every such word is the op's;
/// some are reserved, or a more special instruction's.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The bits that are constant.
    pub mask: u32,
    /// What they are.
    pub value: u32,
}

impl Op {
    /// The constant bits of its encoding, if this XLEN has it.
    pub fn pattern(self, xlen: Xlen) -> Option<Pattern> {
        row_of(self, xlen).map(|row| Pattern { mask: row.mask, value: row.value })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mnemonic())
    }
}
