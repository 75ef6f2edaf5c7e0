//! The decoder.

use crate::ExtKind;
use crate::ext::ExtSet;
use crate::insn::Insn;
use crate::tables::{Absent, Ext, Op, ROWS, TREE32, TREE64, Tree, absent};
use std::fmt;

/// The width of integer registers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Xlen {
    /// 32 bits.
    Rv32,
    /// 64 bits.
    Rv64,
}

impl Xlen {
    /// The width in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Xlen::Rv32 => 32,
            Xlen::Rv64 => 64,
        }
    }
}

/// An instruction set: the register width and the enabled extensions.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Isa {
    /// The width of integer registers.
    pub xlen: Xlen,
    /// The enabled extensions. The decoder does not add implied ones: without `Zca`, `C` enables nothing.
    /// [`Isa::new`] adds them.
    pub exts: ExtSet,
}

impl Isa {
    /// The instruction set of `exts` and the extensions that they imply.
    pub fn new(xlen: Xlen, exts: ExtSet) -> Isa {
        let mut exts = exts.with_implied();
        // On RV32, C with F implies Zcf.
        if xlen == Xlen::Rv32 && exts.contains(Ext::C) && exts.contains(Ext::F) {
            exts = exts.with(Ext::Zcf);
        }
        Isa { xlen, exts }
    }

    /// RV64 with every extension whose instructions are in the tables.
    pub fn rv64_max() -> Isa {
        Isa { xlen: Xlen::Rv64, exts: max().without(Ext::Zcf) }
    }

    /// RV32 with every extension whose instructions are in the tables.
    pub fn rv32_max() -> Isa {
        Isa { xlen: Xlen::Rv32, exts: max() }
    }
}

fn max() -> ExtSet {
    Ext::ALL.into_iter().filter(|e| e.kind() == ExtKind::Instructions).collect()
}

/// Why bits are not an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Illegal {
    /// No known instruction has this encoding.
    Reserved,
    /// The instruction with this encoding belongs to an extension that is not implemented.
    Unimplemented {
        /// The instruction's mnemonic.
        mnemonic: &'static str,
        /// Its extension.
        ext: Ext,
    },
    /// The instruction with this encoding belongs to an extension that is disabled.
    Disabled {
        /// The instruction.
        op: Op,
        /// Its extension.
        ext: Ext,
    },
}

/// Bits that are not an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The bits: 16 of them if the lowest two are not both ones.
    pub bits: u32,
    /// The reason.
    pub why: Illegal,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.bits & 3 == 3 { 10 } else { 6 };
        write!(f, "illegal instruction {:#0digits$x}", self.bits)?;
        match self.why {
            Illegal::Reserved => f.write_str(": no instruction has this encoding"),
            Illegal::Unimplemented { mnemonic, ext } => {
                write!(f, ": {mnemonic} belongs to {ext}, which is not implemented")
            }
            Illegal::Disabled { op, ext } => write!(f, ": {op} belongs to {ext}, which is off"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Decodes one instruction. The upper half of `bits` is ignored if the lowest two bits are not both ones.
#[inline]
pub fn decode(bits: u32, isa: Isa) -> Result<Insn, DecodeError> {
    let tree = match isa.xlen {
        Xlen::Rv32 => &TREE32,
        Xlen::Rv64 => &TREE64,
    };
    let (bits, len) = if bits & 3 == 3 { (bits, 4) } else { (bits & 0xffff, 2) };
    for candidate in candidates(tree, bits) {
        let row = &ROWS[*candidate as usize];
        let enabled = row.need.is_subset(isa.exts) || row.or.iter().any(|need| need.is_subset(isa.exts));
        if enabled && row.fits(bits) {
            return Ok(row.layout().extract(bits, row.op, len));
        }
    }
    Err(illegal(tree, bits, isa))
}

#[inline]
fn candidates(tree: &Tree, bits: u32) -> &'static [u16] {
    let compressed = bits >> 11 & 0x1c | bits & 3;
    let first = if bits & 3 == 3 { 32 | bits >> 2 & 31 } else { compressed };
    let mut entry = tree.first[first as usize];
    while entry >> 31 == 0 {
        let choice = bits >> (entry & 31) & ((1 << (entry >> 5 & 31)) - 1);
        entry = tree.entries[((entry >> 10) + choice) as usize];
    }
    let first = (entry & 0xffff) as usize;
    &tree.candidates[first..first + (entry >> 16 & 0x7fff) as usize]
}

#[cold]
fn illegal(tree: &Tree, bits: u32, isa: Isa) -> DecodeError {
    // The last candidate is the most general one.
    let row = candidates(tree, bits).iter().rev().map(|c| &ROWS[*c as usize]).find(|row| row.fits(bits));
    let why = match row {
        None => match absent(bits, isa.xlen) {
            Some(Absent { mnemonic, ext, .. }) => Illegal::Unimplemented { mnemonic, ext: *ext },
            None => Illegal::Reserved,
        },
        Some(row) => {
            let missing = row.need.difference(isa.exts).iter().next();
            Illegal::Disabled { op: row.op, ext: missing.unwrap_or(row.op.info().ext) }
        }
    };
    DecodeError { bits, why }
}
