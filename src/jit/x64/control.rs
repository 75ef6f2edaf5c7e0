//! Jumps, calls, the stack, and instructions without operands.

use super::asm::{Assembler, Label, Reach};
use super::encode::{Bytes, Insn, Rm};
use super::operand::RegMem;
use super::reg::{Cond, Gpr, Size};

impl Assembler {
    /// Pushes eight bytes.
    pub fn push(&mut self, reg: Gpr) {
        self.emit_in_opcode(Insn::one(0x50), reg, Bytes::NONE);
    }

    /// Pops eight bytes.
    pub fn pop(&mut self, reg: Gpr) {
        self.emit_in_opcode(Insn::one(0x58), reg, Bytes::NONE);
    }

    /// Returns.
    pub fn ret(&mut self) {
        self.emit_plain(Insn::one(0xc3), Bytes::NONE);
    }

    /// Calls the address in a register or in memory.
    pub fn call(&mut self, target: impl Into<RegMem>) {
        self.emit(Insn::one(0xff), 2, target.into().into(), Bytes::NONE);
    }

    /// Jumps to the address in a register or in memory.
    pub fn jmp_indirect(&mut self, target: impl Into<RegMem>) {
        self.emit(Insn::one(0xff), 4, target.into().into(), Bytes::NONE);
    }

    /// Jumps to a label, in two bytes where the label is bound and near.
    pub fn jmp(&mut self, label: Label) {
        self.jump(Insn::one(0xeb), Insn::one(0xe9), label);
    }

    /// As [`jmp`](Self::jmp), if the condition holds.
    pub fn jcc(&mut self, cond: Cond, label: Label) {
        self.jump(short(cond), near(cond), label);
    }

    fn jump(&mut self, short: Insn, near: Insn, label: Label) {
        match self.distance_to(label, 2).map(i8::try_from) {
            Some(Ok(disp)) => self.emit_plain(short, Bytes::byte(disp as u8)),
            _ => {
                self.emit_plain(near, Bytes::dword(0));
                self.fix_up(label, Reach::Near);
            }
        }
    }

    /// Jumps in two bytes. [`finish`](Self::finish) reports a label that is too far away.
    pub fn jmp_short(&mut self, label: Label) {
        self.emit_plain(Insn::one(0xeb), Bytes::byte(0));
        self.fix_up(label, Reach::Short);
    }

    /// As [`jmp_short`](Self::jmp_short), if the condition holds.
    pub fn jcc_short(&mut self, cond: Cond, label: Label) {
        self.emit_plain(short(cond), Bytes::byte(0));
        self.fix_up(label, Reach::Short);
    }

    /// `dst = ` the address of a label.
    pub fn lea_label(&mut self, dst: Gpr, label: Label) {
        self.emit_rip(Insn::one(0x8d).sized(Size::Qword), dst);
        self.fix_up(label, Reach::Near);
    }

    /// Jumps to the next instruction, until the displacement is patched. Its four bytes do not cross a multiple of eight
    /// if the code is installed at one, so they can be patched while threads run the code. Returns their offset.
    pub fn jmp_patchable(&mut self) -> usize {
        self.patchable(Insn::one(0xe9), 1)
    }

    /// As [`jmp_patchable`](Self::jmp_patchable), if the condition holds.
    pub fn jcc_patchable(&mut self, cond: Cond) -> usize {
        self.patchable(near(cond), 2)
    }

    fn patchable(&mut self, insn: Insn, opcode_length: usize) -> usize {
        match (self.offset() + opcode_length) % 8 {
            0..=4 => {}
            place => self.nop(8 - place),
        }
        self.external(insn)
    }

    /// Jumps out of the code. Returns the offset of the displacement: four bytes, relative to their end.
    pub fn jmp_external(&mut self) -> usize {
        self.external(Insn::one(0xe9))
    }

    /// As [`jmp_external`](Self::jmp_external), if the condition holds.
    pub fn jcc_external(&mut self, cond: Cond) -> usize {
        self.external(near(cond))
    }

    /// Calls a function outside of the code. Returns the offset of the displacement: four bytes, relative to their end.
    pub fn call_external(&mut self) -> usize {
        self.external(Insn::one(0xe8))
    }

    fn external(&mut self, insn: Insn) -> usize {
        self.emit_plain(insn, Bytes::dword(0));
        self.offset() - 4
    }

    /// Raises an invalid-opcode exception.
    pub fn ud2(&mut self) {
        self.emit_plain(Insn::two(0x0b), Bytes::NONE);
    }

    /// A breakpoint.
    pub fn int3(&mut self) {
        self.emit_plain(Insn::one(0xcc), Bytes::NONE);
    }

    /// Fills a number of bytes with the no-operations that the manuals recommend, nine bytes each at most.
    pub fn nop(&mut self, bytes: usize) {
        let mut left = bytes;
        while left > 9 {
            self.short_nop(9);
            left -= 9;
        }
        self.short_nop(left);
    }

    /// `nop word ptr [rax + rax + disp]` and its shorter kin. The operand is not accessed.
    fn short_nop(&mut self, bytes: usize) {
        let (first, second) = match bytes {
            0 => return,
            1 => (Bytes::byte(0x90), Bytes::NONE),
            2 => (Bytes::new(0x90_66, 2), Bytes::NONE),
            3 => (Bytes::new(0x00_1f_0f, 3), Bytes::NONE),
            4 => (Bytes::new(0x40_1f_0f, 3), Bytes::byte(0)),
            5 => (Bytes::new(0x00_44_1f_0f, 4), Bytes::byte(0)),
            6 => (Bytes::new(0x00_44_1f_0f_66, 5), Bytes::byte(0)),
            7 => (Bytes::new(0x80_1f_0f, 3), Bytes::dword(0)),
            8 => (Bytes::new(0x00_84_1f_0f, 4), Bytes::dword(0)),
            _ => (Bytes::new(0x00_84_1f_0f_66, 5), Bytes::dword(0)),
        };
        self.write(first, second);
    }

    /// Fills up to a multiple of `alignment`, a power of two.
    pub fn align(&mut self, alignment: usize) {
        self.nop(self.offset().next_multiple_of(alignment) - self.offset());
    }

    /// Orders all memory accesses before it before all after it.
    pub fn mfence(&mut self) {
        self.emit(Insn::two(0xae), 6, Rm::Reg(0), Bytes::NONE);
    }

    /// Tells the CPU that this is a spin loop.
    pub fn pause(&mut self) {
        self.emit_plain(Insn::one(0x90).prefix(0xf3), Bytes::NONE);
    }
}

/// A conditional jump with one byte of displacement.
fn short(cond: Cond) -> Insn {
    Insn::one(0x70 + cond.number())
}

/// A conditional jump with four bytes of displacement.
fn near(cond: Cond) -> Insn {
    Insn::two(0x80 + cond.number())
}
