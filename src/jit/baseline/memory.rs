//! Loads and stores: each is one instruction of the host that accesses guest memory, so that a fault leaves the state as
//! it was before the guest's instruction.
//!
//! Where addresses are translated, an access looks in the hart's TLB first. One that it does not find there is executed
//! by its definition, out of line, and so are those that cross the end of a page and those of devices.

use super::atomic::Place;
use super::emitter::{Cold, Emitter, imm32};
use super::map::Word;
use super::node::{Node, Val};
use super::sum::Sum;
use crate::guest::MemType;
use crate::jit::x64::{self, Alu, Gpr, HostFeatures, Label, Mem, RegMem, Scale, Shift, Size};
use crate::memory::machine::tlb_layout;
use crate::memory::{Access, PAGE_SIZE};

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
    /// The guest address of an access of this type as an operand of the host. `to` is a register that the access will write,
    /// if it is known.
    pub fn mem_of(&mut self, access: Access, ty: MemType, addr: Val, to: Option<Gpr>) -> Mem {
        if self.translates {
            return self.translated(access, ty, addr, to);
        }
        if let Some(base) = self.map.base() {
            let reg = self.in_register(addr);
            return self.checked(base, reg);
        }
        let sum = self.sum_of(addr, true);
        self.operand_of_sum(sum)
    }

    /// The host's address, from the TLB.
    fn translated(&mut self, access: Access, ty: MemType, addr: Val, to: Option<Gpr>) -> Mem {
        if let Some(mem) = self.in_span(access, ty, addr, to) {
            return mem;
        }
        // A register of the guest must keep its value until the access is sure to be made.
        let at = to.filter(|&to| self.is_scratch(to)).unwrap_or_else(|| self.scratch());
        let sum = self.sum_of(addr, true);
        if let Some(addr) = self.constant_sum(sum)
            && addr & (PAGE_SIZE as i32 - 1) <= PAGE_SIZE as i32 - ty.size() as i32
        {
            return self.translated_constant(access, addr, at);
        }
        let base = match (sum.base.map(|base| self.nodes.get(base)), sum) {
            (Some(Node::Reg(base)), Sum { index: None, disp: 0, .. }) => self.map.pinned(base),
            _ => None,
        };
        if base.is_none() {
            self.eval_address(at, addr);
        }
        let (entry, page) = (self.scratch(), self.scratch());
        let mem = match base {
            Some(base) => {
                let missed = self.asm.new_label();
                let delta = self.find_in_tlb(access, ty.size(), [base, entry, page], missed);
                self.asm.mov(Size::Qword, at, delta);
                self.missed.push((missed, self.known.fp));
                Mem::indexed(at, base, Scale::One, 0)
            }
            None => {
                self.look_in_tlb(access, ty, [at, entry, page]);
                Mem::base(at, 0)
            }
        };
        self.release(entry);
        self.release(page);
        mem
    }

    /// The same for an address that is known, on one page.
    fn translated_constant(&mut self, access: Access, addr: i32, at: Gpr) -> Mem {
        let entry = tlb_layout::table(access) + tlb_layout::entry(addr as u64);
        let missed = self.asm.new_label();
        self.asm.mov(Size::Qword, at, Word::Space.mem());
        self.asm.alu_imm(Alu::Cmp, Size::Qword, Mem::base(at, entry + tlb_layout::PAGE), addr & -(PAGE_SIZE as i32));
        self.asm.jcc(x64::Cond::Ne, missed);
        self.asm.mov(Size::Qword, at, Mem::base(at, entry + tlb_layout::DELTA));
        self.missed.push((missed, self.known.fp));
        Mem::base(at, addr)
    }

    /// The place of an atomic operation, from the TLB: its host's address in rdx, whereas the other scratch registers are
    /// free. The address is checked to be aligned.
    pub fn translated_atomic(&mut self, access: Access, ty: MemType, addr: Val) -> Place {
        self.take(Gpr::Rdx);
        self.eval_address(Gpr::Rdx, addr);
        if ty.size() > 1 {
            let misaligned = self.asm.new_label();
            self.asm.test_imm(Size::Byte, Gpr::Rdx, ty.size() as i32 - 1);
            self.asm.jcc(x64::Cond::Ne, misaligned);
            self.missed.push((misaligned, self.known.fp));
        }
        self.look_in_tlb(access, ty, [Gpr::Rdx, Gpr::Rcx, Gpr::Rax]);
        Place { addr: Gpr::Rdx, mem: Mem::base(Gpr::Rdx, 0) }
    }

    /// Makes the address of an access in the first of these registers the host's, if the TLB has it.
    fn look_in_tlb(&mut self, access: Access, ty: MemType, [at, entry, page]: [Gpr; 3]) {
        let missed = self.asm.new_label();
        let delta = self.find_in_tlb(access, ty.size(), [at, entry, page], missed);
        self.asm.alu(Alu::Add, Size::Qword, at, delta);
        self.missed.push((missed, self.known.fp));
    }

    /// Finds the page of `size` bytes at the address in the first of these registers in the TLB, or jumps to `missed`.
    /// Returns where it says what is added to the address to have the host's, by the second register.
    pub fn find_in_tlb(&mut self, access: Access, size: u64, [at, entry, page]: [Gpr; 3], missed: Label) -> Mem {
        let asm = &mut *self.asm;
        if self.features.contains(HostFeatures::BMI2) {
            // The mask drops what comes in from below.
            asm.rorx(Size::Dword, entry, at, tlb_layout::ENTRY_SHIFT);
        } else {
            asm.mov(Size::Dword, entry, at);
            asm.shift_imm(Shift::Shr, Size::Dword, entry, tlb_layout::ENTRY_SHIFT);
        }
        asm.alu_imm(Alu::And, Size::Dword, entry, tlb_layout::ENTRY_MASK);
        asm.alu(Alu::Add, Size::Qword, entry, Word::Space.mem());
        // The page of the last byte: an access that crosses the end of its page is not found.
        match size {
            1 => asm.mov(Size::Qword, page, at),
            size => asm.lea(Size::Qword, page, Mem::base(at, size as i32 - 1)),
        }
        asm.alu_imm(Alu::And, Size::Qword, page, -(PAGE_SIZE as i32));
        let table = tlb_layout::table(access);
        asm.alu(Alu::Cmp, Size::Qword, page, Mem::base(entry, table + tlb_layout::PAGE));
        asm.jcc(x64::Cond::Ne, missed);
        Mem::base(entry, table + tlb_layout::DELTA)
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
        let mem = self.mem_of(Access::Read, ty, addr, Some(d));
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
        let mem = self.mem_of(Access::Write, ty, addr, None);
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
