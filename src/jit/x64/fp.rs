//! Scalar floating point and the few vector forms that go with it, all in the VEX encoding.
//!
//! A result in an XMM register keeps the upper bits of the first source, and clears those beyond 128.

use super::asm::Assembler;
use super::encode::{Bytes, Insn, Map, Pp, Rm, Vex};
use super::operand::{Mem, RegMem, XmmMem};
use super::reg::{Gpr, Size, Xmm};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fp {
    /// 32 bits.
    Single,
    /// 64 bits.
    Double,
}

impl Fp {
    /// The prefix of scalar instructions.
    const fn scalar(self) -> Pp {
        match self {
            Self::Single => Pp::Pf3,
            Self::Double => Pp::Pf2,
        }
    }

    /// The prefix of instructions on vectors, and of comparisons into the flags.
    const fn packed(self) -> Pp {
        match self {
            Self::Single => Pp::None,
            Self::Double => Pp::P66,
        }
    }

    const fn is_double(self) -> bool {
        matches!(self, Self::Double)
    }
}

/// An operation of two operands; `Sqrt` takes the second one only. Its opcode is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VArith {
    /// `a + b`
    Add = 0x58,
    /// `a - b`
    Sub = 0x5c,
    /// `a * b`
    Mul = 0x59,
    /// `a / b`
    Div = 0x5e,
    /// `a < b ? a : b`
    Min = 0x5d,
    /// `a > b ? a : b`
    Max = 0x5f,
    /// The square root of `b`.
    Sqrt = 0x51,
}

/// A fused multiplication and addition. The discriminant is its part of the opcode.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fma {
    /// `x * y + z`
    Madd = 0x9,
    /// `x * y - z`
    Msub = 0xb,
    /// `-(x * y) + z`
    Nmadd = 0xd,
    /// `-(x * y) - z`
    Nmsub = 0xf,
}

/// Which operands are `x`, `y` and `z`; the first one is also the destination. The discriminant is its part of the opcode.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FmaOrder {
    /// First * third, second.
    O132 = 0x90,
    /// Second * first, third.
    O213 = 0xa0,
    /// Second * third, first.
    O231 = 0xb0,
}

/// A bitwise operation. Its opcode is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VLogic {
    /// `a & b`
    And = 0x54,
    /// `!a & b`
    Andn,
    /// `a | b`
    Or,
    /// `a ^ b`
    Xor,
}

/// The predicate of a comparison into a mask. Its number in an encoding is its discriminant. All raise the invalid flag
/// for signaling NaNs; `Lt`, `Le`, `NotLt` and `NotLe` raise it for quiet NaNs too.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CmpPredicate {
    /// `a == b`
    Eq,
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a` or `b` is NaN.
    Unordered,
    /// `a != b`
    Ne,
    /// `!(a < b)`
    NotLt,
    /// `!(a <= b)`
    NotLe,
    /// Neither is NaN.
    Ordered,
    /// `a < b`, without the invalid flag for quiet NaNs.
    LtQuiet = 17,
    /// `a <= b`, without the invalid flag for quiet NaNs.
    LeQuiet = 18,
}

/// How a conversion to an integer rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToInt {
    /// Towards zero.
    Truncate,
    /// As MXCSR says.
    Mxcsr,
}

impl Assembler {
    /// Loads a scalar and clears the rest of the register.
    pub fn vmov_load(&mut self, fp: Fp, dst: Xmm, src: Mem) {
        self.fp(Vex::new(Map::M0f, fp.scalar(), 0x10), dst, None, src.into(), Bytes::NONE);
    }

    /// Stores a scalar.
    pub fn vmov_store(&mut self, fp: Fp, dst: Mem, src: Xmm) {
        self.fp(Vex::new(Map::M0f, fp.scalar(), 0x11), src, None, dst.into(), Bytes::NONE);
    }

    /// Copies all 128 bits.
    pub fn vmov_reg(&mut self, dst: Xmm, src: Xmm) {
        // Both directions exist. The one with the lower register in the `rm` field may do with the short prefix.
        if src.number() >= 8 && dst.number() < 8 {
            self.fp(Vex::new(Map::M0f, Pp::None, 0x29), src, None, dst.into(), Bytes::NONE);
        } else {
            self.fp(Vex::new(Map::M0f, Pp::None, 0x28), dst, None, src.into(), Bytes::NONE);
        }
    }

    /// `dst = ` the scalar of `b` below the upper bits of `a`.
    pub fn vmov_merge(&mut self, fp: Fp, dst: Xmm, a: Xmm, b: Xmm) {
        if b.number() >= 8 && dst.number() < 8 {
            self.fp(Vex::new(Map::M0f, fp.scalar(), 0x11), b, Some(a), dst.into(), Bytes::NONE);
        } else {
            self.fp(Vex::new(Map::M0f, fp.scalar(), 0x10), dst, Some(a), b.into(), Bytes::NONE);
        }
    }

    /// Copies the low 32 or 64 bits.
    pub fn vmov_to_gpr(&mut self, size: Size, dst: Gpr, src: Xmm) {
        self.full(Vex::new(Map::M0f, Pp::P66, 0x7e), size, src.number(), 0, Rm::Reg(dst.number()));
    }

    /// Copies 32 or 64 bits and clears the rest of `dst`.
    pub fn vmov_from_gpr(&mut self, size: Size, dst: Xmm, src: impl Into<RegMem>) {
        match (size, src.into()) {
            (Size::Qword, RegMem::Mem(src)) => {
                self.fp(Vex::new(Map::M0f, Pp::Pf3, 0x7e), dst, None, src.into(), Bytes::NONE);
            }
            (_, src) => self.full(Vex::new(Map::M0f, Pp::P66, 0x6e), size, dst.number(), 0, src.into()),
        }
    }

    /// `dst = a op b`
    pub fn varith(&mut self, op: VArith, fp: Fp, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, fp.scalar(), op as u8), dst, Some(a), b.into(), Bytes::NONE);
    }

    /// A fused multiplication and addition of `dst`, `b` and `c` in that order (FMA).
    pub fn vfma(&mut self, op: Fma, order: FmaOrder, fp: Fp, dst: Xmm, b: Xmm, c: impl Into<XmmMem>) {
        let vex = Vex::new(Map::M0f38, Pp::P66, order as u8 | op as u8).wide(fp.is_double());
        self.fp(vex, dst, Some(b), c.into(), Bytes::NONE);
    }

    /// Compares into ZF, PF and CF; unordered sets all three. Raises the invalid flag for signaling NaNs only.
    pub fn vucomis(&mut self, fp: Fp, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, fp.packed(), 0x2e), a, None, b.into(), Bytes::NONE);
    }

    /// As [`vucomis`](Self::vucomis), but raises the invalid flag for all NaNs.
    pub fn vcomis(&mut self, fp: Fp, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, fp.packed(), 0x2f), a, None, b.into(), Bytes::NONE);
    }

    /// `dst = ` all ones if the predicate holds for `a` and `b`, otherwise zeros.
    pub fn vcmp(&mut self, fp: Fp, predicate: CmpPredicate, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        let imm = Bytes::byte(predicate as u8);
        self.fp(Vex::new(Map::M0f, fp.scalar(), 0xc2), dst, Some(a), b.into(), imm);
    }

    /// `dst = a op b`, all 128 bits. Memory need not be aligned.
    pub fn vlogic(&mut self, op: VLogic, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, Pp::None, op as u8), dst, Some(a), b.into(), Bytes::NONE);
    }

    /// All ones in each element where `a` and `b` are equal. An operand compared with itself makes ones.
    pub fn vpcmpeq(&mut self, size: Size, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        let vex = match size {
            Size::Byte => Vex::new(Map::M0f, Pp::P66, 0x74),
            Size::Word => Vex::new(Map::M0f, Pp::P66, 0x75),
            Size::Dword => Vex::new(Map::M0f, Pp::P66, 0x76),
            Size::Qword => Vex::new(Map::M0f38, Pp::P66, 0x29),
        };
        self.fp(vex, dst, Some(a), b.into(), Bytes::NONE);
    }

    /// The smaller of each two bytes, unsigned.
    pub fn vpminub(&mut self, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, Pp::P66, 0xda), dst, Some(a), b.into(), Bytes::NONE);
    }

    /// The bytes of `a` that the low four bits of each byte of `b` select, zero where its highest bit is set.
    pub fn vpshufb(&mut self, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f38, Pp::P66, 0x00), dst, Some(a), b.into(), Bytes::NONE);
    }

    /// The bytes of the lower halves of `a` and `b` in turn.
    pub fn vpunpcklbw(&mut self, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, Pp::P66, 0x60), dst, Some(a), b.into(), Bytes::NONE);
    }

    /// Shifts each element to the left.
    pub fn vpsll_imm(&mut self, size: Size, dst: Xmm, src: Xmm, count: u8) {
        self.vector_shift(6, size, dst, src, count);
    }

    /// Shifts each element to the right, with zeros.
    pub fn vpsrl_imm(&mut self, size: Size, dst: Xmm, src: Xmm, count: u8) {
        self.vector_shift(2, size, dst, src, count);
    }

    fn vector_shift(&mut self, op: u8, size: Size, dst: Xmm, src: Xmm, count: u8) {
        if size == Size::Byte {
            return self.no_form("a vector shift of bytes");
        }
        let vex = Vex::new(Map::M0f, Pp::P66, 0x70 + size as u8);
        self.emit_vex(vex, op, dst.number(), Rm::Reg(src.number()), Bytes::byte(count));
    }

    /// `dst = ` each element of `b` where the sign of `mask`'s is set, otherwise of `a`.
    pub fn vblendv(&mut self, fp: Fp, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, mask: Xmm) {
        let vex = Vex::new(Map::M0f3a, Pp::P66, 0x4a + fp.is_double() as u8);
        self.fp(vex, dst, Some(a), b.into(), Bytes::byte(mask.number() << 4));
    }

    /// Converts to a signed integer of 32 or 64 bits. What does not fit becomes the most negative one.
    pub fn vcvt_int(&mut self, rounding: ToInt, fp: Fp, size: Size, dst: Gpr, src: impl Into<XmmMem>) {
        let opcode = match rounding {
            ToInt::Truncate => 0x2c,
            ToInt::Mxcsr => 0x2d,
        };
        self.full(Vex::new(Map::M0f, fp.scalar(), opcode), size, dst.number(), 0, src.into().into());
    }

    /// `dst = ` a signed integer of 32 or 64 bits, converted, below the upper bits of `a`.
    pub fn vcvt_from_int(&mut self, fp: Fp, size: Size, dst: Xmm, a: Xmm, src: impl Into<RegMem>) {
        self.full(Vex::new(Map::M0f, fp.scalar(), 0x2a), size, dst.number(), a.number(), src.into().into());
    }

    /// `dst = ` a scalar of the format `from` in the other one, below the upper bits of `a`.
    pub fn vcvt_fp(&mut self, from: Fp, dst: Xmm, a: Xmm, src: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f, from.scalar(), 0x5a), dst, Some(a), src.into(), Bytes::NONE);
    }

    /// Rounds to an integer in the same format. `mode`: bits 0 and 1 the direction as in MXCSR, bit 2 MXCSR's direction
    /// instead, bit 3 without the inexact flag.
    pub fn vround(&mut self, fp: Fp, mode: u8, dst: Xmm, a: Xmm, src: impl Into<XmmMem>) {
        let vex = Vex::new(Map::M0f3a, Pp::P66, 0x0a + fp.is_double() as u8);
        self.fp(vex, dst, Some(a), src.into(), Bytes::byte(mode));
    }

    /// Converts four half-precision numbers to single precision (F16C).
    pub fn vcvtph2ps(&mut self, dst: Xmm, src: impl Into<XmmMem>) {
        self.fp(Vex::new(Map::M0f38, Pp::P66, 0x13), dst, None, src.into(), Bytes::NONE);
    }

    /// Converts four single-precision numbers to half precision (F16C). `mode`: bits 0 and 1 the direction as in MXCSR,
    /// bit 2 MXCSR's direction instead.
    pub fn vcvtps2ph(&mut self, dst: impl Into<XmmMem>, src: Xmm, mode: u8) {
        self.fp(Vex::new(Map::M0f3a, Pp::P66, 0x1d), src, None, dst.into(), Bytes::byte(mode));
    }

    /// `dst = ` the carry-less product of one half of `a` and one of `b`, all 128 bits (PCLMULQDQ). `halves`: bit 0 set for
    /// the upper half of `a`, bit 4 for that of `b`.
    pub fn vpclmulqdq(&mut self, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, halves: u8) {
        self.fp(Vex::new(Map::M0f3a, Pp::P66, 0x44), dst, Some(a), b.into(), Bytes::byte(halves));
    }

    /// Clears the upper halves of the YMM registers.
    pub fn vzeroupper(&mut self) {
        self.write(Bytes::new(0x77_f8_c5, 3), Bytes::NONE);
    }

    /// Stores MXCSR.
    pub fn stmxcsr(&mut self, dst: Mem) {
        self.emit(Insn::two(0xae), 3, Rm::Mem(dst), Bytes::NONE);
    }

    /// Loads MXCSR.
    pub fn ldmxcsr(&mut self, src: Mem) {
        self.emit(Insn::two(0xae), 2, Rm::Mem(src), Bytes::NONE);
    }

    fn fp(&mut self, vex: Vex, reg: Xmm, vvvv: Option<Xmm>, rm: XmmMem, imm: Bytes) {
        self.emit_vex(vex, reg.number(), vvvv.map_or(0, Xmm::number), rm.into(), imm);
    }

    /// An instruction that takes a general-purpose register of 32 or 64 bits.
    fn full(&mut self, vex: Vex, size: Size, reg: u8, vvvv: u8, rm: Rm) {
        match size {
            Size::Dword | Size::Qword => self.emit_vex(vex.wide(size == Size::Qword), reg, vvvv, rm, Bytes::NONE),
            Size::Byte | Size::Word => self.no_form("a byte or word between registers of both kinds"),
        }
    }
}
