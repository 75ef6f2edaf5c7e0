//! What the generator writes from `riscv/*.isa`, and the shapes of the tables only this crate sees.

use crate::csr::CsrInfo;
use crate::decode::Xlen;
use crate::ext::{ExtInfo, ExtKind, ExtSet};
use crate::insn::{Expansion, From, Insn};
use crate::op::{OpInfo, Operand, RegClass};

/// A row: the words with `word & mask == value` that are in none of the `forbid`den (mask, value) sets.
pub(crate) struct Row {
    pub op: Op,
    pub layout: u8,
    pub mask: u32,
    pub value: u32,
    pub forbid: &'static [(u32, u32)],
    pub need: ExtSet,
    pub or: &'static [ExtSet],
}

/// See `gen/tree.rs`.
pub(crate) struct Tree {
    pub root: u32,
    pub entries: &'static [u32],
    pub candidates: &'static [u16],
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// The row of an op on an XLEN.
pub(crate) fn row_of(op: Op, xlen: Xlen) -> Option<&'static Row> {
    let rows = match xlen {
        Xlen::Rv32 => &ROW_OF_OP32,
        Xlen::Rv64 => &ROW_OF_OP64,
    };
    ROWS.get(rows[op as usize] as usize)
}
