//! The encodings: legacy instructions with their prefixes, VEX, and the operand bytes that both share.

use super::asm::Assembler;
use super::operand::{Mem, RegMem, Scale, XmmMem};
use super::reg::{Gpr, Size};

/// Up to eight bytes, the first one lowest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes {
    bits: u64,
    len: u32,
}

impl Bytes {
    pub(super) const NONE: Self = Self { bits: 0, len: 0 };

    pub(super) const fn new(bits: u64, len: u32) -> Self {
        Self { bits, len }
    }

    pub(super) const fn byte(byte: u8) -> Self {
        Self::new(byte as u64, 1)
    }

    pub(super) const fn dword(value: u32) -> Self {
        Self::new(value as u64, 4)
    }

    /// An immediate for operands of a size: 64-bit operands take 32 bits, sign-extended.
    pub(super) const fn imm(size: Size, value: i32) -> Self {
        match size {
            Size::Byte => Self::byte(value as u8),
            Size::Word => Self::new(value as u16 as u64, 2),
            Size::Dword | Size::Qword => Self::dword(value as u32),
        }
    }

    pub(super) const fn bits(self) -> u64 {
        self.bits
    }

    pub(super) const fn len(self) -> usize {
        self.len as usize
    }

    /// These bytes and then others. There is room for at least one more byte.
    const fn then(self, next: Self) -> Self {
        Self { bits: self.bits | next.bits << (8 * self.len), len: self.len + next.len }
    }
}

/// The operand in the ModRM byte's `rm` field: a register's number, or memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rm {
    Reg(u8),
    Mem(Mem),
}

impl From<RegMem> for Rm {
    fn from(operand: RegMem) -> Self {
        match operand {
            RegMem::Reg(reg) => Self::Reg(reg.number()),
            RegMem::Mem(mem) => Self::Mem(mem),
        }
    }
}

impl From<XmmMem> for Rm {
    fn from(operand: XmmMem) -> Self {
        match operand {
            XmmMem::Reg(reg) => Self::Reg(reg.number()),
            XmmMem::Mem(mem) => Self::Mem(mem),
        }
    }
}

/// ModRM, SIB and displacement, and the upper bits of the registers, which go into a prefix.
struct Operands {
    /// ModRM, and SIB where it is needed.
    fields: Bytes,
    disp: Bytes,
    /// REX.R, REX.X and REX.B in their places.
    high: u8,
}

impl Operands {
    /// `None` if rsp is the index.
    #[inline(always)]
    fn new(reg: u8, rm: Rm) -> Option<Self> {
        let modrm = (reg & 7) << 3;
        let high = (reg >> 3) << 2;
        let mem = match rm {
            Rm::Reg(rm) => {
                return Some(Self {
                    fields: Bytes::byte(0xc0 | modrm | rm & 7),
                    disp: Bytes::NONE,
                    high: high | rm >> 3,
                });
            }
            // An index times one without a base is a base, which needs no SIB.
            Rm::Mem(Mem { base: None, index: Some((reg, Scale::One)), disp }) => Mem::base(reg, disp),
            Rm::Mem(mem) => mem,
        };
        let (index, scale) = match mem.index {
            Some((Gpr::Rsp, _)) => return None,
            Some((index, scale)) => (index.number(), scale as u8),
            // In the SIB byte, rsp's number says that there is no index.
            None => (Gpr::Rsp.number(), 0),
        };
        let Some(base) = mem.base else {
            // With mod 0, rbp's number says that there is no base but four bytes of displacement.
            let sib = scale << 6 | (index & 7) << 3 | 5;
            let fields = Bytes::byte(modrm | 4).then(Bytes::byte(sib));
            return Some(Self { fields, disp: Bytes::dword(mem.disp as u32), high: high | (index >> 3) << 1 });
        };
        let base = base.number();
        let (mode, disp) = match mem.disp {
            0 if base & 7 != 5 => (0, Bytes::NONE),
            disp if i8::try_from(disp).is_ok() => (0x40, Bytes::byte(disp as u8)),
            disp => (0x80, Bytes::dword(disp as u32)),
        };
        let fields = if mem.index.is_none() && base & 7 != 4 {
            Bytes::byte(mode | modrm | base & 7)
        } else {
            let sib = scale << 6 | (index & 7) << 3 | base & 7;
            Bytes::byte(mode | modrm | 4).then(Bytes::byte(sib))
        };
        Some(Self { fields, disp, high: high | (index >> 3) << 1 | base >> 3 })
    }
}

/// A legacy instruction without its operands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Insn {
    /// Prefixes before REX: the one for 16 bits, then another.
    prefixes: Bytes,
    /// REX with its W bit, or 0 for none unless the operands need it.
    rex: u8,
    opcode: Bytes,
}

impl Insn {
    /// An opcode of one byte.
    pub(super) const fn one(opcode: u8) -> Self {
        Self { prefixes: Bytes::NONE, rex: 0, opcode: Bytes::byte(opcode) }
    }

    /// An opcode of two bytes, the first of which is 0f.
    pub(super) const fn two(opcode: u8) -> Self {
        Self { opcode: Bytes::new((opcode as u64) << 8 | 0x0f, 2), ..Self::one(0) }
    }

    /// With operands of 16, 32 or 64 bits.
    pub(super) const fn sized(self, size: Size) -> Self {
        match size {
            Size::Byte | Size::Dword => self,
            Size::Word => Self { prefixes: Bytes::byte(0x66).then(self.prefixes), ..self },
            Size::Qword => Self { rex: 0x48, ..self },
        }
    }

    /// With operands of any size: the opcode is the one for bytes, and the next one is for the others.
    pub(super) const fn any_size(self, size: Size) -> Self {
        match size {
            Size::Byte => self,
            _ => self.plus(1).sized(size),
        }
    }

    /// The opcode `n` further on.
    pub(super) const fn plus(self, n: u8) -> Self {
        let bits = self.opcode.bits + ((n as u64) << (8 * (self.opcode.len - 1)));
        Self { opcode: Bytes::new(bits, self.opcode.len), ..self }
    }

    /// With a prefix that is not the one for an operand's size.
    pub(super) const fn prefix(self, prefix: u8) -> Self {
        Self { prefixes: self.prefixes.then(Bytes::byte(prefix)), ..self }
    }

    /// With the register as an operand of that size. Without REX, the numbers of spl, bpl, sil and dil mean the second
    /// bytes of other registers.
    pub(super) const fn with_reg(self, size: Size, reg: Gpr) -> Self {
        match (size, reg) {
            (Size::Byte, Gpr::Rsp | Gpr::Rbp | Gpr::Rsi | Gpr::Rdi) => Self { rex: self.rex | 0x40, ..self },
            _ => self,
        }
    }

    /// As [`with_reg`](Self::with_reg), if the operand is a register.
    pub(super) const fn with_rm(self, size: Size, rm: RegMem) -> Self {
        match rm {
            RegMem::Reg(reg) => self.with_reg(size, reg),
            RegMem::Mem(_) => self,
        }
    }

    /// What precedes the operands, given the upper bits of their registers.
    const fn head(self, high: u8) -> Bytes {
        let rex = if high != 0 { self.rex | 0x40 | high } else { self.rex };
        let prefixes = if rex != 0 { self.prefixes.then(Bytes::byte(rex)) } else { self.prefixes };
        prefixes.then(self.opcode)
    }
}

/// The prefix that a VEX instruction implies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pp {
    None,
    P66,
    Pf3,
    Pf2,
}

/// The opcode map of a VEX instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    M0f = 1,
    M0f38,
    M0f3a,
}

/// A VEX instruction of 128 bits or on scalars, without its operands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vex {
    map: Map,
    pp: Pp,
    wide: bool,
    opcode: u8,
}

impl Vex {
    pub(super) const fn new(map: Map, pp: Pp, opcode: u8) -> Self {
        Self { map, pp, wide: false, opcode }
    }

    /// With VEX.W.
    pub(super) const fn wide(self, wide: bool) -> Self {
        Self { wide, ..self }
    }

    /// What precedes the operands, given the upper bits of their registers and the register in `vvvv`.
    fn head(self, high: u8, vvvv: u8) -> Bytes {
        let last = (!vvvv & 15) << 3 | self.pp as u8;
        // The registers' upper bits are inverted. The short prefix has that of the ModRM byte's register alone.
        let prefix = if self.map == Map::M0f && !self.wide && high & 3 == 0 {
            Bytes::new((u64::from((!high & 4) << 5 | last)) << 8 | 0xc5, 2)
        } else {
            let second = (!high & 7) << 5 | self.map as u8;
            let third = u8::from(self.wide) << 7 | last;
            Bytes::new(u64::from(third) << 16 | u64::from(second) << 8 | 0xc4, 3)
        };
        prefix.then(Bytes::byte(self.opcode))
    }
}

// Encoding is inlined into the methods for instructions, where opcode, prefixes and size are constants. That makes it
// nearly twice as fast.
impl Assembler {
    /// Emits a legacy instruction. `reg` is a register's number, or what the opcode has in that place.
    #[inline(always)]
    pub(super) fn emit(&mut self, insn: Insn, reg: u8, rm: Rm, imm: Bytes) {
        match Operands::new(reg, rm) {
            Some(operands) => {
                let head = insn.head(operands.high).then(operands.fields);
                self.write(head, operands.disp.then(imm));
            }
            None => self.no_form("rsp as an index"),
        }
    }

    /// Emits a legacy instruction that has a register in its last opcode byte.
    pub(super) fn emit_in_opcode(&mut self, insn: Insn, reg: Gpr, imm: Bytes) {
        let number = reg.number();
        self.write(insn.plus(number & 7).head(number >> 3), imm);
    }

    /// Emits a legacy instruction with a register and an operand at a displacement from its end, which stays to be filled
    /// in.
    pub(super) fn emit_rip(&mut self, insn: Insn, reg: Gpr) {
        // With mod 0 and without SIB, rbp's number means rip.
        let modrm = Bytes::byte((reg.number() & 7) << 3 | 5);
        self.write(insn.head(reg.number() >> 3 << 2).then(modrm), Bytes::dword(0));
    }

    /// Emits a legacy instruction without a ModRM byte.
    pub(super) fn emit_plain(&mut self, insn: Insn, imm: Bytes) {
        self.write(insn.head(0), imm);
    }

    /// Emits a VEX instruction. Without a register in `vvvv`, that is 0.
    #[inline(always)]
    pub(super) fn emit_vex(&mut self, vex: Vex, reg: u8, vvvv: u8, rm: Rm, imm: Bytes) {
        match Operands::new(reg, rm) {
            Some(operands) => {
                let head = vex.head(operands.high, vvvv).then(operands.fields);
                self.write(head, operands.disp.then(imm));
            }
            None => self.no_form("rsp as an index"),
        }
    }
}
