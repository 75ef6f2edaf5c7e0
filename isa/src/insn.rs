//! Decoded instructions, and the expansion of compressed ones.

use crate::decode::Xlen;
use crate::tables::Op;

/// One decoded instruction. Fields that its [`Op`] does not have are 0.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Insn {
    /// The operation.
    pub op: Op,
    /// Destination register.
    pub rd: u8,
    /// First source register; the immediate of `csrrwi`, `csrrsi` and `csrrci`.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Third source register.
    pub rs3: u8,
    /// The rounding mode, 0 to 7 as encoded; for atomics, `aq << 1 | rl`.
    pub rm: u8,
    /// Length in bytes: 2 or 4.
    pub len: u8,
    /// The immediate as a value: shifted into place (`lui`), a byte offset (branches, loads), a shift amount, a CSR
    /// number, `fm << 8 | pred << 4 | succ` (`fence`), the number of a `mop` or of the constant of a `fli`.
    pub imm: i32,
}

const _: () = assert!(size_of::<Insn>() == 12);

/// The source of a field of an expansion.
#[derive(Copy, Clone, Debug)]
pub(crate) enum From {
    Fixed(i32),
    Rd,
    Rs1,
    Rs2,
    Imm,
}

#[derive(Copy, Clone, Debug)]
pub(crate) struct Expansion {
    pub op: Op,
    pub rd: From,
    pub rs1: From,
    pub rs2: From,
    pub imm: From,
}

impl Insn {
    /// The 32-bit instruction that a compressed one stands for; `len` stays 2. Other instructions are returned
    /// unchanged.
    #[must_use]
    pub fn expand(&self, _xlen: Xlen) -> Insn {
        let Some(expansion) = &self.op.info().expansion else { return *self };
        let get = |from| match from {
            From::Fixed(value) => value,
            From::Rd => self.rd.into(),
            From::Rs1 => self.rs1.into(),
            From::Rs2 => self.rs2.into(),
            From::Imm => self.imm,
        };
        let register = |from| get(from) as u8;
        Insn {
            op: expansion.op,
            rd: register(expansion.rd),
            rs1: register(expansion.rs1),
            rs2: register(expansion.rs2),
            imm: get(expansion.imm),
            ..*self
        }
    }
}
