//! The reset code, in ROM.

use crate::machine::MachineError;
use crate::memory::machine::Ram;
use remu_isa::{EncodeError, Insn, Op, Xlen, encode};
use std::ops::Range;

/// The reset vector.
const RESET: u64 = 0x1000;
/// The reset vector if RAM covers [`RESET`]. No device is mapped here.
const RESET_ELSEWHERE: u64 = 0x3000_0000;
const ROM_SIZE: u64 = 0x1000;

/// A ROM with the reset code. All harts start at its first address.
pub fn rom(xlen: Xlen, ram: &Range<u64>, entry: u64, tree: u64, kernel: u64) -> Result<Ram, MachineError> {
    let taken = ram.start < RESET + ROM_SIZE && ram.end > RESET;
    let at = if taken { RESET_ELSEWHERE } else { RESET };
    let rom = Ram::new(at, ROM_SIZE)?;
    let written = rom.write(at, &code(xlen, entry, tree, kernel)?);
    debug_assert!(written.is_some(), "the code is much shorter");
    Ok(rom.read_only())
}

/// The reset code: jumps to the entry point with a0 = hart id, a1 = device tree, a2 = OpenSBI's `fw_dynamic_info`.
fn code(xlen: Xlen, entry: u64, tree: u64, kernel: u64) -> Result<Vec<u8>, EncodeError> {
    const T0: u8 = 5;
    const A0: u8 = 10;
    const DATA: i32 = 32;
    let word = if xlen == Xlen::Rv64 { 8 } else { 4 };
    let load = if xlen == Xlen::Rv64 { Op::Ld } else { Op::Lw };
    let insn = |op, rd, rs1, imm| Insn { op, rd, rs1, rs2: 0, rs3: 0, rm: 0, len: 4, imm };
    let code = [
        insn(Op::Auipc, T0, 0, 0),
        insn(Op::Addi, A0 + 2, T0, DATA + 2 * word),
        insn(Op::Csrrs, A0, 0, 0xf14),
        insn(load, A0 + 1, T0, DATA + word),
        insn(load, T0, T0, DATA),
        insn(Op::Jalr, 0, T0, 0),
    ];
    let mut bytes = Vec::new();
    for insn in code {
        bytes.extend(encode(&insn, xlen)?.to_le_bytes());
    }
    bytes.resize(DATA as usize, 0);
    /// `fw_dynamic_info`: magic, version, and the privilege mode in which the kernel starts.
    const MAGIC: u64 = 0x4942_534f;
    const VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    for value in [entry, tree, MAGIC, VERSION, kernel, SUPERVISOR, 0, 0] {
        bytes.extend_from_slice(&value.to_le_bytes()[..word as usize]);
    }
    Ok(bytes)
}
