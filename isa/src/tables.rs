//! The generated tables, and the types of those that are internal to this crate.

use crate::csr::CsrInfo;
use crate::decode::Xlen;
use crate::ext::{ExtInfo, ExtKind, ExtSet};
use crate::insn::{Expansion, From, Insn};
use crate::op::{OpInfo, Operand, RegClass};

/// A row of the tables. It matches the words with `word & mask == value`, except those in a (mask, value) set of
/// `forbid`.
pub(crate) struct Row {
    pub op: Op,
    layout: u8,
    pub mask: u32,
    pub value: u32,
    forbid: [(u32, u32); 2],
    pub need: ExtSet,
    pub or: &'static [ExtSet],
}

/// A (mask, value) set without words.
const NOTHING: (u32, u32) = (0, 1);

/// An instruction of an extension that is not implemented.
pub(crate) struct Absent {
    pub mask: u32,
    pub value: u32,
    pub rv32: bool,
    pub rv64: bool,
    pub mnemonic: &'static str,
    pub ext: Ext,
}

/// The decision tree; see `gen/tree.rs`.
pub(crate) struct Tree {
    pub first: [u32; 64],
    pub entries: &'static [u32],
    pub candidates: &'static [u16],
}

/// A register or rounding mode field: `bits >> shift & mask | or`.
struct Bits {
    shift: u8,
    mask: u8,
    or: u8,
}

const NO_BITS: Bits = Bits { shift: 0, mask: 0, or: 0 };

/// The bits of an immediate that are rotated by the same distance.
struct Rotated {
    mask: u32,
    rotate: u32,
}

const NO_ROTATED: Rotated = Rotated { mask: 0, rotate: 0 };

/// The places of the fields in an encoding. It is data instead of code: extracting an empty field costs less than a
/// mispredicted branch around it.
pub(crate) struct Layout {
    rd: Bits,
    rs1: Bits,
    rs2: Bits,
    rs3: Bits,
    rm: Bits,
    /// The bits of the immediate; `more` is needed by a few compressed instructions only.
    imm: [Rotated; 4],
    more: &'static [Rotated],
    or: u32,
    /// The number of copies of the sign bit above the immediate, from sign extension.
    extend: u32,
}

impl Bits {
    #[inline]
    fn take(&self, bits: u32) -> u8 {
        (bits >> (self.shift & 31)) as u8 & self.mask | self.or
    }

    fn place(&self, value: u8) -> u32 {
        u32::from(value & self.mask) << self.shift
    }
}

impl Layout {
    /// The instruction with these bits.
    #[inline]
    pub fn extract(&self, bits: u32, op: Op, len: u8) -> Insn {
        let take = |imm: u32, part: &Rotated| imm | (bits & part.mask).rotate_right(part.rotate);
        let imm = self.more.iter().fold(self.imm.iter().fold(self.or, take), take);
        Insn {
            op,
            rd: self.rd.take(bits),
            rs1: self.rs1.take(bits),
            rs2: self.rs2.take(bits),
            rs3: self.rs3.take(bits),
            rm: self.rm.take(bits),
            len,
            imm: (imm << (self.extend & 31)) as i32 >> (self.extend & 31),
        }
    }

    /// The bits of the fields. Values that do not fit are truncated.
    pub fn place(&self, insn: &Insn) -> u32 {
        let imm = self.imm.iter().chain(self.more);
        let imm = imm.map(|p| (insn.imm as u32).rotate_left(p.rotate) & p.mask).fold(0, |a, b| a | b);
        let registers = self.rd.place(insn.rd) | self.rs1.place(insn.rs1) | self.rs2.place(insn.rs2);
        imm | registers | self.rs3.place(insn.rs3) | self.rm.place(insn.rm)
    }
}

impl Row {
    /// The places of its fields.
    #[inline]
    pub fn layout(&self) -> &'static Layout {
        &LAYOUTS[self.layout as usize]
    }

    /// Whether the row matches these bits. Branch-free.
    #[inline]
    pub fn fits(&self, bits: u32) -> bool {
        let [(mask, value), (mask2, value2)] = self.forbid;
        (bits & self.mask == self.value) & (bits & mask != value) & (bits & mask2 != value2)
    }
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// The unimplemented instruction with these bits, if any.
pub(crate) fn absent(bits: u32, xlen: Xlen) -> Option<&'static Absent> {
    let exists = |a: &Absent| if xlen == Xlen::Rv32 { a.rv32 } else { a.rv64 };
    ABSENT.iter().find(|a| bits & a.mask == a.value && exists(a))
}

/// The row of an op on an XLEN.
pub(crate) fn row_of(op: Op, xlen: Xlen) -> Option<&'static Row> {
    let rows = match xlen {
        Xlen::Rv32 => &ROW_OF_OP32,
        Xlen::Rv64 => &ROW_OF_OP64,
    };
    ROWS.get(rows[op as usize] as usize)
}
