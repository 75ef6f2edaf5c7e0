//! The accrued exceptions and the rounding mode, which are in MXCSR.
//!
//! Loading MXCSR is slow, and what is written to `fflags` is mostly what is already there: C libraries compare numbers
//! without raising exceptions by reading the flags before and writing them back. So MXCSR is loaded only if it changes,
//! by cold code. Where the flags come from an instruction that has read them, MXCSR is compared as a whole, as that
//! instruction has left it on the stack; between the two only a comparison of numbers can have been executed, and then
//! the host's flags tell whether it has raised anything.

use super::emitter::{Cold, Compared, Emitter, in_mxcsr};
use super::map::{FRM, Word};
use super::node::{Node, Val};
use crate::guest::Reg;
use crate::jit::x64::{Alu, Assembler, Cond, Gpr, Label, Mem, Scale, Shift, Size};

/// Four bytes of the stack that nothing else uses: MXCSR as it was when the flags were read last.
const SAVED: Mem = Mem::base(Gpr::Rsp, 0);
/// The four bytes behind.
const CURRENT: Mem = Mem::base(Gpr::Rsp, 4);

/// Where the rounding mode is in MXCSR.
const MODE_IN_MXCSR: u8 = 13;

/// The bits of MXCSR that tell what has been raised.
const STICKY: i32 = 0x3f;

/// The register into which the flags were read last. It still holds them, and [`SAVED`] the MXCSR that they are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadFlags {
    /// The register.
    pub r: Reg,
    /// The index of the instruction that has read them.
    pub index: u16,
}

impl Emitter<'_> {
    /// Reads the accrued exceptions into a scratch register.
    pub fn read_flags(&mut self) -> Gpr {
        let (flags, table) = (self.scratch(), self.scratch());
        self.asm.stmxcsr(SAVED);
        self.asm.mov(Size::Dword, flags, SAVED);
        self.asm.alu_imm(Alu::And, Size::Dword, flags, STICKY);
        self.asm.mov(Size::Qword, table, Word::FlagTable.mem());
        self.asm.movzx(Size::Byte, flags, Mem::indexed(table, flags, Scale::One, 0));
        self.release(table);
        self.known.fp.flags = None;
        self.saves_mxcsr = true;
        flags
    }

    /// Writes the accrued exceptions.
    pub fn write_flags(&mut self, v: Val) {
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        if let Node::Reg(r) = self.nodes.get(v)
            && let Some(read) = self.known.fp.flags.filter(|read| read.r == r)
        {
            self.restore_flags(read, from);
            self.asm.bind(back);
            return self.cold.push(Cold::LoadMxcsr { from, back, value: None });
        }
        let flags = self.eval_to_scratch(v);
        let other = self.scratch();
        if self.nodes.constant(v).is_none_or(|v| !(0..0x20).contains(&v)) {
            self.asm.alu_imm(Alu::And, Size::Dword, flags, 0x1f);
        }
        self.asm.mov(Size::Qword, other, Word::StickyTable.mem());
        self.asm.movzx(Size::Byte, flags, Mem::indexed(other, flags, Scale::One, 0));
        if !self.saves_mxcsr {
            self.asm.stmxcsr(SAVED);
        }
        self.asm.mov(Size::Dword, other, SAVED);
        self.asm.alu_imm(Alu::And, Size::Dword, other, !STICKY);
        self.asm.alu(Alu::Or, Size::Dword, other, flags);
        self.asm.alu(Alu::Cmp, Size::Dword, other, SAVED);
        self.asm.jcc(Cond::Ne, from);
        self.asm.bind(back);
        self.cold.push(Cold::LoadMxcsr { from, back, value: Some(other) });
        self.known.fp.flags = None;
    }

    /// Goes to `changed` if MXCSR is not [`SAVED`].
    fn restore_flags(&mut self, read: ReadFlags, changed: Label) {
        match self.compared {
            // All that a comparison of numbers raises, it raises if they are unordered. That of integers may go there,
            // too.
            Some(compared @ Compared { index, .. }) if (read.index + 1, index + 1) == (index, self.index) => {
                self.asm.jcc(Cond::P, changed);
                // The host's flags are still those of the comparison.
                self.compared = Some(Compared { index: self.index, ..compared });
            }
            _ => {
                let current = self.scratch();
                self.asm.stmxcsr(CURRENT);
                self.asm.mov(Size::Dword, current, CURRENT);
                self.asm.alu(Alu::Cmp, Size::Dword, current, SAVED);
                self.asm.jcc(Cond::Ne, changed);
                self.release(current);
            }
        }
    }

    /// Emits the cold part of writing the flags: loads MXCSR with a value, or with [`SAVED`].
    pub fn cold_load_mxcsr(&mut self, value: Option<Gpr>) {
        if let Some(value) = value {
            self.asm.mov_store(Size::Dword, SAVED, value);
        }
        self.asm.ldmxcsr(SAVED);
    }

    /// Emits what rounds in the rounding mode of the instruction: MXCSR has the guest's dynamic one otherwise. The flags of
    /// the host are lost.
    pub fn in_own_mode(&mut self, emit: impl FnOnce(&mut Assembler)) {
        let modes = self.rounding.zip(self.own_mode).map(|(usual, own)| in_mxcsr(usual) ^ in_mxcsr(own));
        if let Some(difference) = modes {
            self.change_mode(difference);
        }
        emit(self.asm);
        if let Some(difference) = modes {
            self.change_mode(difference);
        }
    }

    /// Changes these bits of MXCSR's rounding mode.
    fn change_mode(&mut self, bits: u8) {
        self.asm.stmxcsr(CURRENT);
        self.asm.alu_imm(Alu::Xor, Size::Dword, CURRENT, i32::from(bits) << MODE_IN_MXCSR);
        self.asm.ldmxcsr(CURRENT);
    }

    /// Writes the rounding mode that is already set, at these bits of a value. Another one is written by the
    /// definition, and leaves.
    pub fn write_same_mode(&mut self, v: Val, shift: u8) {
        match self.nodes.constant(v) {
            Some(v) => self.asm.alu_imm(Alu::Cmp, Size::Byte, FRM, (v >> shift & 7) as i32),
            None => {
                let new = self.eval_to_scratch(v);
                if shift != 0 {
                    self.asm.shift_imm(Shift::Shr, Size::Dword, new, shift);
                }
                self.asm.alu_imm(Alu::And, Size::Dword, new, 7);
                self.asm.alu(Alu::Cmp, Size::Byte, new, FRM);
                self.release(new);
            }
        }
        let from = self.asm.new_label();
        self.asm.jcc(Cond::Ne, from);
        self.rare.push((from, self.known.fp));
    }
}
