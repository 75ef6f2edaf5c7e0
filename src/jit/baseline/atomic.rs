//! Atomic memory operations: the host's locked instructions, which are full barriers, so that every order is kept.
//!
//! What is misaligned is handled as if the access had faulted, so it is executed by its definition, which refuses it.
//! After the access, reservations of LR/SC end as [`Reservations::written`] does it.

use super::emitter::{Cold, Emitter, imm32};
use super::memory::size_of;
use super::node::{Node, Val};
use crate::guest::{AmoOp, MemType};
use crate::jit::x64::{self, Alu, Gpr, Mem, RegMem, Scale, Shift, Size};
use crate::memory::{Access, Reservations};

/// Memory at a guest address that is in a register.
pub struct Place {
    pub addr: Gpr,
    pub mem: Mem,
}

impl Emitter<'_> {
    /// An atomic memory operation. Yields the old value if it is `wanted`.
    pub fn emit_amo(&mut self, op: AmoOp, ty: MemType, addr: Val, v: Val, wanted: bool) -> Val {
        let place = self.atomic_place(Access::Write, ty, addr, &[Gpr::Rax]);
        let size = size_of(ty);
        let alu = match op {
            AmoOp::Add => Some(Alu::Add),
            AmoOp::Xor => Some(Alu::Xor),
            AmoOp::And => Some(Alu::And),
            AmoOp::Or => Some(Alu::Or),
            AmoOp::Swap | AmoOp::Min | AmoOp::Max | AmoOp::Minu | AmoOp::Maxu => None,
        };
        match (op, alu) {
            (_, Some(alu)) if !wanted => match self.stored_immediate(size, v) {
                Some(imm) => {
                    self.access();
                    self.asm.lock_alu_imm(alu, size, place.mem, imm);
                }
                None => {
                    self.eval(Gpr::Rax, v);
                    self.access();
                    self.asm.lock_alu_store(alu, size, place.mem, Gpr::Rax);
                }
            },
            (AmoOp::Swap, _) => {
                self.eval(Gpr::Rax, v);
                self.access();
                self.asm.xchg(size, Gpr::Rax, place.mem);
            }
            (AmoOp::Add, _) => {
                self.eval(Gpr::Rax, v);
                self.access();
                self.asm.lock_xadd(size, place.mem, Gpr::Rax);
            }
            _ => self.update(op, alu, size, place.mem, v),
        }
        if self.uncompiled {
            return self.nodes.imm(0);
        }
        self.written(place.addr);
        self.result(ty)
    }

    /// A compare-and-swap; yields the old value.
    pub fn emit_cas(&mut self, ty: MemType, addr: Val, expected: Val, new: Val) -> Val {
        let place = self.atomic_place(Access::Write, ty, addr, &[Gpr::Rax]);
        let new = self.in_register(new);
        self.eval(Gpr::Rax, expected);
        if self.uncompiled {
            return self.nodes.imm(0);
        }
        self.access();
        self.asm.lock_cmpxchg(size_of(ty), place.mem, new);
        self.written(place.addr);
        self.result(ty)
    }

    /// Leaves in rax what was in memory before it was replaced by the result of an operation.
    fn update(&mut self, op: AmoOp, alu: Option<Alu>, size: Size, mem: Mem, v: Val) {
        let wide = if size == Size::Qword { Size::Qword } else { Size::Dword };
        let new = Gpr::Rcx;
        self.take(new);
        let imm = self.stored_immediate(size, v);
        let operand = match (alu, imm) {
            (Some(_), None) => self.operand(v),
            _ => RegMem::Reg(new),
        };
        // A label that is bound cannot be taken back.
        if self.uncompiled {
            return;
        }
        self.access();
        self.asm.mov(size, Gpr::Rax, mem);
        let again = self.asm.new_label();
        self.asm.bind(again);
        match alu {
            Some(alu) => {
                self.asm.mov(wide, new, Gpr::Rax);
                match imm {
                    Some(imm) => self.asm.alu_imm(alu, wide, new, imm),
                    None => self.asm.alu(alu, wide, new, operand),
                }
            }
            None => {
                let keeps = match op {
                    AmoOp::Min => x64::Cond::L,
                    AmoOp::Max => x64::Cond::G,
                    AmoOp::Minu => x64::Cond::B,
                    _ => x64::Cond::A,
                };
                self.eval(new, v);
                self.asm.alu(Alu::Cmp, size, Gpr::Rax, new);
                self.asm.cmov(keeps, wide, new, Gpr::Rax);
            }
        }
        self.access();
        self.asm.lock_cmpxchg(size, mem, new);
        self.asm.jcc(x64::Cond::Ne, again);
    }

    /// The place of an access, which is checked to be aligned. It is in none of the registers `taken`.
    pub fn atomic_place(&mut self, access: Access, ty: MemType, addr: Val, taken: &[Gpr]) -> Place {
        if self.translates {
            let place = self.translated_atomic(access, ty, addr);
            taken.iter().for_each(|&reg| self.take(reg));
            return place;
        }
        taken.iter().for_each(|&reg| self.take(reg));
        let addr = self.in_register(addr);
        self.check_alignment(ty, addr);
        let mem = match self.map.base() {
            Some(base) => self.checked(base, addr),
            None => Mem::base(addr, 0),
        };
        Place { addr, mem }
    }

    /// Refuses the next access if the address is misaligned.
    pub fn check_alignment(&mut self, ty: MemType, addr: Gpr) {
        if ty.size() > 1 {
            let (from, access) = (self.asm.new_label(), self.next_access_label());
            self.asm.test_imm(Size::Byte, addr, ty.size() as i32 - 1);
            self.asm.jcc(x64::Cond::Ne, from);
            self.cold.push(Cold::Refused { from, access });
        }
    }

    /// The place of an access that has been checked.
    pub fn known_place(&mut self, addr: Val) -> Place {
        let addr = self.in_register(addr);
        let mem = match self.map.base() {
            Some(base) => Mem::indexed(base, addr, Scale::One, 0),
            None => Mem::base(addr, 0),
        };
        Place { addr, mem }
    }

    /// The constant as an immediate of an operation in memory.
    fn stored_immediate(&self, size: Size, v: Val) -> Option<i32> {
        let v = self.nodes.constant(v)?;
        if size == Size::Qword { imm32(v) } else { Some(v as i32) }
    }

    /// Ends the reservations of the address if there are any. Leaves rax as it is.
    pub fn written(&mut self, addr: Gpr) {
        let bucket = self.bucket(addr, Gpr::Rcx, Gpr::Rdx);
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.test_imm(Size::Byte, RegMem::Mem(bucket), Reservations::RESERVED as i32);
        self.asm.jcc(x64::Cond::Ne, from);
        self.asm.bind(back);
        self.cold.push(Cold::Reserved { from, back, bucket });
    }

    /// The bucket of an address. Its index and the table are put into the registers given, the index first.
    pub fn bucket(&mut self, addr: Gpr, index: Gpr, table: Gpr) -> Mem {
        const SHIFT: u8 = Reservations::GRANULE.trailing_zeros() as u8;
        const BITS: u8 = Reservations::BUCKETS.trailing_zeros() as u8;
        // The hash needs no higher bits than a half has.
        const _: () = assert!(SHIFT + 2 * BITS <= 32);
        let addr = match self.reservation_offset {
            0 => addr,
            offset => {
                self.asm.lea(Size::Dword, table, Mem::base(addr, offset));
                table
            }
        };
        self.asm.mov(Size::Dword, index, addr);
        self.asm.shift_imm(Shift::Shr, Size::Dword, index, BITS);
        self.asm.alu(Alu::Xor, Size::Dword, index, addr);
        self.asm.shift_imm(Shift::Shr, Size::Dword, index, SHIFT);
        self.asm.alu_imm(Alu::And, Size::Dword, index, Reservations::BUCKETS as i32 - 1);
        self.asm.mov_imm(table, self.reservations);
        Mem::indexed(table, index, Scale::Eight, 0)
    }

    /// Moves a bucket that is reserved to the next version, as [`Reservations::written`] does.
    pub fn cold_reserved(&mut self, bucket: Mem) {
        const BOTH: i32 = (Reservations::RESERVED | Reservations::CLAIMED) as i32;
        const NEXT: i32 = (Reservations::VERSION - Reservations::RESERVED) as i32;
        let asm = &mut *self.asm;
        let claimed = asm.new_label();
        asm.push(Gpr::Rax);
        asm.lea(Size::Qword, Gpr::Rdx, bucket);
        asm.mov(Size::Qword, Gpr::Rax, Mem::base(Gpr::Rdx, 0));
        asm.mov(Size::Dword, Gpr::Rcx, Gpr::Rax);
        asm.alu_imm(Alu::And, Size::Dword, Gpr::Rcx, BOTH);
        asm.alu_imm(Alu::Cmp, Size::Dword, Gpr::Rcx, Reservations::RESERVED as i32);
        asm.jcc(x64::Cond::Ne, claimed);
        asm.lea(Size::Qword, Gpr::Rcx, Mem::base(Gpr::Rax, NEXT));
        asm.lock_cmpxchg(Size::Qword, Mem::base(Gpr::Rdx, 0), Gpr::Rcx);
        asm.bind(claimed);
        asm.pop(Gpr::Rax);
    }

    /// What rax holds. Every other scratch register is free again.
    pub fn result(&mut self, ty: MemType) -> Val {
        self.free_scratch_but(Gpr::Rax);
        let old = self.nodes.push(Node::Scratch(Gpr::Rax));
        self.nodes.extend(ty, old)
    }
}
