//! Loads and stores: each is one instruction of the host that accesses guest memory, so that a fault leaves the state as
//! it was before the guest's instruction.

use super::emitter::{Cold, Emitter, imm32};
use super::map::Word;
use super::node::Val;
use crate::guest::MemType;
use crate::jit::x64::{self, Alu, Gpr, Mem, RegMem, Scale, Size};

/// The size of what is in memory.
pub fn size_of(ty: MemType) -> Size {
    match ty {
        MemType::I8 | MemType::U8 => Size::Byte,
        MemType::I16 | MemType::U16 => Size::Word,
        MemType::I32 | MemType::U32 => Size::Dword,
        MemType::I64 => Size::Qword,
    }
}

impl Emitter<'_> {
    /// The guest address as an operand of the host.
    pub fn mem_of(&mut self, addr: Val) -> Mem {
        if let Some(base) = self.map.base() {
            let reg = self.in_register(addr);
            return self.checked(base, reg);
        }
        let sum = self.sum_of(addr, true);
        self.operand_of_sum(sum)
    }

    /// The guest address relative to the host address of guest address 0. What lies beyond the guest's address space is
    /// handled as if the access had faulted, since it could reach memory of remu's own.
    pub fn checked(&mut self, base: Gpr, reg: Gpr) -> Mem {
        self.asm.alu(Alu::Cmp, Size::Qword, reg, Word::Space.mem());
        let (from, access) = (self.asm.new_label(), self.next_access_label());
        self.asm.jcc(x64::Cond::Ae, from);
        self.cold.push(Cold::Refused { from, access });
        Mem::indexed(base, reg, Scale::One, 0)
    }

    /// Loads into a register.
    pub fn eval_load(&mut self, d: Gpr, ty: MemType, addr: Val) {
        let mem = self.mem_of(addr);
        self.access();
        match ty {
            MemType::I8 => self.asm.movsx(Size::Byte, Size::Qword, d, mem),
            MemType::I16 => self.asm.movsx(Size::Word, Size::Qword, d, mem),
            MemType::I32 => self.asm.movsx(Size::Dword, Size::Qword, d, mem),
            MemType::U8 => self.asm.movzx(Size::Byte, d, mem),
            MemType::U16 => self.asm.movzx(Size::Word, d, mem),
            MemType::U32 => self.asm.mov(Size::Dword, d, mem),
            MemType::I64 => self.asm.mov(Size::Qword, d, mem),
        }
    }

    /// Stores the low bytes of a value.
    pub fn emit_store(&mut self, ty: MemType, addr: Val, v: Val) {
        if self.uncompiled {
            return;
        }
        let size = size_of(ty);
        let mem = self.mem_of(addr);
        // As many bytes of a constant as are stored.
        let constant = match (size, self.nodes.constant(v)) {
            (Size::Qword, Some(v)) => imm32(v),
            (_, v) => v.map(|v| v as i32),
        };
        if let Some(imm) = constant {
            self.access();
            return self.asm.mov_store_imm(size, mem, imm);
        }
        let value = match self.operand(v) {
            RegMem::Reg(reg) => reg,
            operand => {
                let scratch = self.scratch();
                self.asm.mov(Size::Qword, scratch, operand);
                scratch
            }
        };
        self.access();
        self.asm.mov_store(size, mem, value);
    }
}
