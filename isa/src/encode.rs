//! The encoder, for tests and for generated code.

use crate::decode::Xlen;
use crate::insn::Insn;
use crate::tables::{Op, row_of};
use std::fmt;

/// Why an instruction has no encoding.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The op does not exist on this XLEN.
    Xlen {
        /// The op.
        op: Op,
        /// The XLEN.
        xlen: Xlen,
    },
    /// A field has a value that the encoding cannot hold.
    Field {
        /// The op.
        op: Op,
        /// The name of the field in [`Insn`].
        field: &'static str,
        /// Its value.
        value: i32,
    },
    /// Each field fits, but the encoding is reserved (an immediate that must not be 0) or another instruction's.
    Reserved {
        /// The op.
        op: Op,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Xlen { op, xlen } => write!(f, "{op} does not exist on RV{}", xlen.bits()),
            EncodeError::Field { op, field, value } => write!(f, "{op} cannot encode {field} = {value}"),
            EncodeError::Reserved { op } => write!(f, "{op} is reserved with these operands"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Encodes one instruction; a compressed one in the low 16 bits. `insn.len` must be the op's length.
pub fn encode(insn: &Insn, xlen: Xlen) -> Result<u32, EncodeError> {
    let op = insn.op;
    let row = row_of(op, xlen).ok_or(EncodeError::Xlen { op, xlen })?;
    let bits = row.value | row.layout().place(insn);
    // A value that did not fit was truncated, so decoding returns another one.
    let back = row.layout().extract(bits, op, if op.info().compressed { 2 } else { 4 });
    let fields = |i: &Insn| {
        [
            ("rd", i.rd.into()),
            ("rs1", i.rs1.into()),
            ("rs2", i.rs2.into()),
            ("rs3", i.rs3.into()),
            ("rm", i.rm.into()),
            ("len", i.len.into()),
            ("imm", i.imm),
        ]
    };
    if let Some(((field, value), _)) = fields(insn).into_iter().zip(fields(&back)).find(|(a, b)| a != b) {
        return Err(EncodeError::Field { op, field, value });
    }
    if row.fits(bits) { Ok(bits) } else { Err(EncodeError::Reserved { op }) }
}
