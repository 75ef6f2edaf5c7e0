//! Shifts and rotations, single bits, counts, and the forms of BMI1 and BMI2.

use super::asm::Assembler;
use super::encode::{Bytes, Insn, Map, Pp, Vex};
use super::operand::RegMem;
use super::reg::{Gpr, Size};

/// A shift or rotation. Its number in an encoding is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shift {
    /// Rotation to the left.
    Rol = 0,
    /// Rotation to the right.
    Ror = 1,
    /// To the left.
    Shl = 4,
    /// To the right, with zeros.
    Shr = 5,
    /// To the right, with the sign.
    Sar = 7,
}

/// What is done to a bit after it was copied into CF. Its number in an encoding is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BitTest {
    /// Nothing.
    Bt = 4,
    /// Set.
    Bts,
    /// Cleared.
    Btr,
    /// Inverted.
    Btc,
}

/// The instructions that exist for 32 and 64 bits only.
const fn is_full(size: Size) -> bool {
    matches!(size, Size::Dword | Size::Qword)
}

impl Assembler {
    /// Shifts by a constant. The host takes its low five bits, or six for Qword.
    pub fn shift_imm(&mut self, op: Shift, size: Size, operand: impl Into<RegMem>, count: u8) {
        let operand = operand.into();
        let (opcode, count) = if count == 1 { (0xd0, Bytes::NONE) } else { (0xc0, Bytes::byte(count)) };
        self.emit(Insn::one(opcode).any_size(size).with_rm(size, operand), op as u8, operand.into(), count);
    }

    /// Shifts by cl.
    pub fn shift_cl(&mut self, op: Shift, size: Size, operand: impl Into<RegMem>) {
        let operand = operand.into();
        self.emit(Insn::one(0xd2).any_size(size).with_rm(size, operand), op as u8, operand.into(), Bytes::NONE);
    }

    /// `dst = src op count` without touching flags (BMI2). There are no rotations.
    pub fn shift_x(&mut self, op: Shift, size: Size, dst: Gpr, src: impl Into<RegMem>, count: Gpr) {
        let pp = match op {
            Shift::Shl => Pp::P66,
            Shift::Shr => Pp::Pf2,
            Shift::Sar => Pp::Pf3,
            Shift::Rol | Shift::Ror => return self.no_form("a rotation by a register without flags"),
        };
        self.bmi(Vex::new(Map::M0f38, pp, 0xf7), size, dst.number(), count, src.into(), Bytes::NONE);
    }

    /// `dst = src` rotated to the right, without touching flags (BMI2).
    pub fn rorx(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>, count: u8) {
        // rax as the second register encodes as none.
        self.bmi(Vex::new(Map::M0f3a, Pp::Pf2, 0xf0), size, dst.number(), Gpr::Rax, src.into(), Bytes::byte(count));
    }

    /// `hi:lo = rdx * src`, unsigned, without touching flags (BMI2). If both are the same register, it gets the high half.
    pub fn mulx(&mut self, size: Size, hi: Gpr, lo: Gpr, src: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::Pf2, 0xf6), size, hi.number(), lo, src.into(), Bytes::NONE);
    }

    /// A VEX instruction on general-purpose registers, which exists for 32 and 64 bits.
    fn bmi(&mut self, vex: Vex, size: Size, reg: u8, vvvv: Gpr, rm: RegMem, imm: Bytes) {
        if !is_full(size) {
            return self.no_form("BMI on bytes and words");
        }
        self.emit_vex(vex.wide(size == Size::Qword), reg, vvvv.number(), rm.into(), imm);
    }

    /// Shifts `dst` to the left; the bits that come in are the upper ones of `src`.
    pub fn shld(&mut self, size: Size, dst: impl Into<RegMem>, src: Gpr, count: u8) {
        self.word_up(Insn::two(0xa4), size, src.number(), dst.into(), Bytes::byte(count));
    }

    /// Shifts `dst` to the right; the bits that come in are the lower ones of `src`.
    pub fn shrd(&mut self, size: Size, dst: impl Into<RegMem>, src: Gpr, count: u8) {
        self.word_up(Insn::two(0xac), size, src.number(), dst.into(), Bytes::byte(count));
    }

    /// An instruction on bits that has no form for bytes.
    fn word_up(&mut self, insn: Insn, size: Size, reg: u8, rm: RegMem, imm: Bytes) {
        if size == Size::Byte {
            return self.no_form("an operation on the bits of a byte");
        }
        self.emit(insn.sized(size), reg, rm.into(), imm);
    }

    /// Reverses the bytes of a register.
    pub fn bswap(&mut self, size: Size, reg: Gpr) {
        if !is_full(size) {
            return self.no_form("bswap of a byte or word");
        }
        self.emit_in_opcode(Insn::two(0xc8).sized(size), reg, Bytes::NONE);
    }

    /// Counts leading zeros; the size for 0 (LZCNT).
    pub fn lzcnt(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.count(Insn::two(0xbd), size, dst, src.into());
    }

    /// Counts trailing zeros; the size for 0 (BMI1).
    pub fn tzcnt(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.count(Insn::two(0xbc), size, dst, src.into());
    }

    /// Counts ones (POPCNT).
    pub fn popcnt(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.count(Insn::two(0xb8), size, dst, src.into());
    }

    fn count(&mut self, insn: Insn, size: Size, dst: Gpr, src: RegMem) {
        self.word_up(insn.prefix(0xf3), size, dst.number(), src, Bytes::NONE);
    }

    /// The number of the lowest one. For 0, ZF is set and `dst` stays.
    pub fn bsf(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.word_up(Insn::two(0xbc), size, dst.number(), src.into(), Bytes::NONE);
    }

    /// The number of the highest one. For 0, ZF is set and `dst` stays.
    pub fn bsr(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.word_up(Insn::two(0xbd), size, dst.number(), src.into(), Bytes::NONE);
    }

    /// Tests the bit whose number is in `bit`. In a register the number wraps at the size; in memory it does not, so
    /// that other operands than the one named can be reached.
    pub fn bit(&mut self, op: BitTest, size: Size, operand: impl Into<RegMem>, bit: Gpr) {
        self.word_up(Insn::two(0x83 + ((op as u8) << 3)), size, bit.number(), operand.into(), Bytes::NONE);
    }

    /// Tests a bit of a constant number, which wraps at the size.
    pub fn bit_imm(&mut self, op: BitTest, size: Size, operand: impl Into<RegMem>, bit: u8) {
        self.word_up(Insn::two(0xba), size, op as u8, operand.into(), Bytes::byte(bit));
    }

    /// `dst = !a & b` (BMI1)
    pub fn andn(&mut self, size: Size, dst: Gpr, a: Gpr, b: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf2), size, dst.number(), a, b.into(), Bytes::NONE);
    }

    /// `dst = src` without its lowest one (BMI1).
    pub fn blsr(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf3), size, 1, dst, src.into(), Bytes::NONE);
    }

    /// `dst = ` the ones of `src` up to and with its lowest one, and zeros below (BMI1: `src ^ (src - 1)`).
    pub fn blsmsk(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf3), size, 2, dst, src.into(), Bytes::NONE);
    }

    /// `dst = ` the lowest one of `src` (BMI1).
    pub fn blsi(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf3), size, 3, dst, src.into(), Bytes::NONE);
    }

    /// `dst = ` the field of `src` that begins at bit `control & 255` and has `control >> 8 & 255` bits (BMI1).
    pub fn bextr(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>, control: Gpr) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf7), size, dst.number(), control, src.into(), Bytes::NONE);
    }

    /// `dst = src` with zeros from bit `from & 255` on (BMI2).
    pub fn bzhi(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>, from: Gpr) {
        self.bmi(Vex::new(Map::M0f38, Pp::None, 0xf5), size, dst.number(), from, src.into(), Bytes::NONE);
    }

    /// `dst = ` the bits of `src` that `mask` selects, side by side (BMI2).
    pub fn pext(&mut self, size: Size, dst: Gpr, src: Gpr, mask: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::Pf3, 0xf5), size, dst.number(), src, mask.into(), Bytes::NONE);
    }

    /// `dst = ` the low bits of `src`, in the places that `mask` selects (BMI2).
    pub fn pdep(&mut self, size: Size, dst: Gpr, src: Gpr, mask: impl Into<RegMem>) {
        self.bmi(Vex::new(Map::M0f38, Pp::Pf2, 0xf5), size, dst.number(), src, mask.into(), Bytes::NONE);
    }
}
