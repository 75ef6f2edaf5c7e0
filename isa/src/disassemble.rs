//! The text of an instruction, in the syntax of the GNU and LLVM assemblers.

use crate::csr::csr_name;
use crate::decode::Xlen;
use crate::insn::Insn;
use crate::op::Operand;
use crate::tables::Op;
use std::fmt::{self, Display, Formatter};

const X: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];
const F: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];
const ROUNDING: [&str; 8] = ["rne", "rtz", "rdn", "rup", "rmm", "rm5", "rm6", "dyn"];
const FLI: [&str; 32] = [
    "-1.0",
    "min",
    "1.52587890625e-05",
    "3.0517578125e-05",
    "0.00390625",
    "0.0078125",
    "0.0625",
    "0.125",
    "0.25",
    "0.3125",
    "0.375",
    "0.4375",
    "0.5",
    "0.625",
    "0.75",
    "0.875",
    "1.0",
    "1.25",
    "1.5",
    "1.75",
    "2.0",
    "2.5",
    "3.0",
    "4.0",
    "8.0",
    "16.0",
    "128.0",
    "256.0",
    "32768.0",
    "65536.0",
    "inf",
    "nan",
];

/// The ABI name of an integer register.
pub fn x_name(number: u8) -> &'static str {
    X[number as usize & 31]
}

/// The ABI name of a floating-point register.
pub fn f_name(number: u8) -> &'static str {
    F[number as usize & 31]
}

/// The text of an instruction, which implements [`Display`].
#[derive(Copy, Clone, Debug)]
pub struct Disassembly {
    insn: Insn,
    pc: u64,
    xlen: Xlen,
    offsets: bool,
}

impl Insn {
    /// The instruction as text. Branch targets are absolute addresses for an instruction at `pc`.
    pub fn disassemble(&self, pc: u64) -> Disassembly {
        Disassembly { insn: *self, pc, xlen: Xlen::Rv64, offsets: false }
    }
}

impl Disassembly {
    /// Sets the XLEN: on RV32, addresses wrap at 2^32.
    #[must_use]
    pub fn xlen(self, xlen: Xlen) -> Disassembly {
        Disassembly { xlen, ..self }
    }

    /// Writes pc-relative targets as offsets.
    #[must_use]
    pub fn offsets(self) -> Disassembly {
        Disassembly { offsets: true, ..self }
    }

    fn operand(&self, operand: Operand, f: &mut Formatter<'_>) -> fmt::Result {
        let i = &self.insn;
        match operand {
            Operand::Rd => f.write_str(x_name(i.rd)),
            Operand::Rs1 => f.write_str(x_name(i.rs1)),
            Operand::Rs2 => f.write_str(x_name(i.rs2)),
            Operand::Rs3 => f.write_str(x_name(i.rs3)),
            Operand::Fd => f.write_str(f_name(i.rd)),
            Operand::Fs1 => f.write_str(f_name(i.rs1)),
            Operand::Fs2 => f.write_str(f_name(i.rs2)),
            Operand::Fs3 => f.write_str(f_name(i.rs3)),
            Operand::Sp => f.write_str("sp"),
            Operand::Imm | Operand::Uimm | Operand::Hint => write!(f, "{}", i.imm),
            Operand::Hi20 => write!(f, "{:#x}", i.imm as u32 >> 12),
            Operand::Target if self.offsets => write!(f, "{}", i.imm),
            Operand::Target => {
                let target = self.pc.wrapping_add_signed(i.imm.into());
                write!(f, "{:#x}", if self.xlen == Xlen::Rv32 { target & 0xffff_ffff } else { target })
            }
            Operand::ImmRs1 | Operand::UimmRs1 => write!(f, "{}({})", i.imm, x_name(i.rs1)),
            Operand::UimmSp => write!(f, "{}(sp)", i.imm),
            Operand::IndirectRs1 => write!(f, "({})", x_name(i.rs1)),
            Operand::Csr => match csr_name(i.imm as u16) {
                Some(name) => f.write_str(name),
                None => write!(f, "{:#x}", i.imm),
            },
            Operand::Zimm => write!(f, "{}", i.rs1),
            Operand::Rm | Operand::RmExact => f.write_str(ROUNDING[i.rm as usize & 7]),
            Operand::Rtz => f.write_str("rtz"),
            Operand::Pred => fence_set(i.imm >> 4, f),
            Operand::Succ => fence_set(i.imm, f),
            Operand::Fli => f.write_str(FLI[i.imm as usize & 31]),
        }
    }
}

fn fence_set(set: i32, f: &mut Formatter<'_>) -> fmt::Result {
    if set & 15 == 0 {
        return f.write_str("0");
    }
    (0..4).filter(|bit| set >> (3 - bit) & 1 != 0).try_for_each(|bit| f.write_str(["i", "o", "r", "w"][bit]))
}

impl Display for Disassembly {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (i, info) = (&self.insn, self.insn.op.info());
        if i.op == Op::Fence && i.imm == 0x833 && i.rd == 0 && i.rs1 == 0 {
            return f.write_str("fence.tso");
        }
        match i.op {
            // The number is part of the name.
            Op::MopRN | Op::MopRrN | Op::CMopN => write!(f, "{}{}", info.mnemonic.trim_end_matches('n'), i.imm)?,
            _ => f.write_str(info.mnemonic)?,
        }
        if info.has_aqrl {
            f.write_str(["", ".rl", ".aq", ".aqrl"][i.rm as usize & 3])?;
        }
        let mut separator = " ";
        for operand in info.operands {
            if *operand == Operand::Hint && i.imm == 0 || *operand == Operand::RmExact && i.rm == 0 {
                continue;
            }
            f.write_str(separator)?;
            self.operand(*operand, f)?;
            separator = ", ";
        }
        Ok(())
    }
}
