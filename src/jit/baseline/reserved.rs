//! LR and SC: what [`Concrete`](crate::guest::riscv::concrete::Concrete) does with the hart's reservation and its bucket,
//! see [`Reservations`].
//!
//! A store-conditional that faults has claimed its bucket and still has its reservation. Its [access](Access::claimed) is
//! noted as such, so that the claim is taken back before the instruction is executed by its definition.

use super::emitter::{Cold, Emitter};
use super::map::{RESERVED_PLACE, RESERVED_VALUE, RESERVED_VERSION, SPILL};
use super::memory::size_of;
use super::node::Val;
use crate::guest::riscv::Reservation;
use crate::guest::{MemType, Order};
use crate::jit::x64::{self, Alu, Gpr, Mem, Scale, Size};
use crate::memory::Reservations;

const RESERVED: i32 = Reservations::RESERVED as i32;
const CLAIMED: i32 = Reservations::CLAIMED as i32;
const VERSION: i32 = Reservations::VERSION as i32;

impl Emitter<'_> {
    /// Orders all accesses before it before all after it.
    pub fn full_barrier(&mut self) {
        self.asm.lock_alu_imm(Alu::Or, Size::Dword, Mem::base(Gpr::Rsp, 0), 0);
    }

    /// A load-reserved.
    pub fn emit_load_reserved(&mut self, ty: MemType, order: Order, addr: Val) -> Val {
        if order.release {
            // The one order that the host's loads do not have: after earlier stores.
            self.full_barrier();
        }
        self.take(Gpr::Rax);
        self.take(Gpr::Rcx);
        let place = self.aligned(ty, addr);
        if self.uncompiled {
            return self.nodes.imm(0);
        }
        let bucket = self.bucket(place.addr, Gpr::Rcx, Gpr::Rax);
        self.asm.lea(Size::Qword, Gpr::Rcx, bucket);
        self.asm.mov(Size::Qword, Gpr::Rax, Mem::base(Gpr::Rcx, 0));
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.test_imm(Size::Byte, Gpr::Rax, RESERVED);
        self.asm.jcc(x64::Cond::E, from);
        self.asm.bind(back);
        self.cold.push(Cold::Reserve { from, back });
        // A bucket that is claimed gets another version: this reservation will fail.
        self.asm.alu_imm(Alu::And, Size::Qword, Gpr::Rax, !CLAIMED);
        self.asm.mov(Size::Qword, Gpr::Rcx, Gpr::Rax);
        self.access();
        self.asm.mov(size_of(ty), Gpr::Rax, place.mem);
        self.asm.mov_store(Size::Qword, RESERVED_VALUE, Gpr::Rax);
        self.asm.mov_store(Size::Qword, RESERVED_VERSION, Gpr::Rcx);
        self.asm.lea(Size::Qword, Gpr::Rcx, marked(ty, place.addr));
        self.asm.mov_store(Size::Qword, RESERVED_PLACE, Gpr::Rcx);
        self.result(ty)
    }

    /// Reserves the bucket at rcx, whose contents are in rax. Leaves what it holds then in rax.
    pub fn cold_reserve(&mut self) {
        let asm = &mut *self.asm;
        let (again, done) = (asm.new_label(), asm.new_label());
        asm.push(Gpr::Rdx);
        asm.bind(again);
        asm.lea(Size::Qword, Gpr::Rdx, Mem::base(Gpr::Rax, RESERVED));
        asm.lock_cmpxchg(Size::Qword, Mem::base(Gpr::Rcx, 0), Gpr::Rdx);
        asm.cmov(x64::Cond::E, Size::Qword, Gpr::Rax, Gpr::Rdx);
        asm.jcc_short(x64::Cond::E, done);
        asm.test_imm(Size::Byte, Gpr::Rax, RESERVED);
        asm.jcc(x64::Cond::E, again);
        asm.bind(done);
        asm.pop(Gpr::Rdx);
    }

    /// A store-conditional. Yields 0 if it has stored, otherwise 1.
    pub fn emit_store_conditional(&mut self, ty: MemType, addr: Val, v: Val) -> Val {
        self.take(Gpr::Rax);
        self.take(Gpr::Rcx);
        let place = self.aligned(ty, addr);
        if self.uncompiled {
            return self.nodes.imm(0);
        }
        let (failed, done) = (self.asm.new_label(), self.asm.new_label());
        self.asm.lea(Size::Qword, Gpr::Rax, marked(ty, place.addr));
        // If the access was refused above, this is where: nothing is claimed yet.
        self.access();
        self.asm.alu(Alu::Cmp, Size::Qword, Gpr::Rax, RESERVED_PLACE);
        self.asm.jcc(x64::Cond::Ne, failed);
        let bucket = self.bucket(place.addr, Gpr::Rcx, Gpr::Rax);
        self.asm.lea(Size::Qword, Gpr::Rcx, bucket);
        self.asm.mov_store(Size::Qword, SPILL, Gpr::Rcx);
        self.asm.mov(Size::Qword, Gpr::Rax, RESERVED_VERSION);
        self.asm.lea(Size::Qword, Gpr::Rdx, Mem::base(Gpr::Rax, CLAIMED));
        self.asm.lock_cmpxchg(Size::Qword, Mem::base(Gpr::Rcx, 0), Gpr::Rdx);
        self.asm.jcc(x64::Cond::Ne, failed);
        // The address and the value take the registers that are free now.
        self.free_scratch_but(Gpr::Rax);
        let addr = self.in_register(addr);
        let value = self.in_register(v);
        let mem = match self.map.base() {
            Some(base) => Mem::indexed(base, addr, Scale::One, 0),
            None => Mem::base(addr, 0),
        };
        self.asm.mov(Size::Qword, Gpr::Rax, RESERVED_VALUE);
        self.access();
        self.accesses.last_mut().expect("it was just noted").claimed = true;
        self.asm.lock_cmpxchg(size_of(ty), mem, value);
        self.asm.set(x64::Cond::Ne, Gpr::Rax);
        self.asm.movzx(Size::Byte, Gpr::Rax, Gpr::Rax);
        self.asm.mov(Size::Qword, Gpr::Rcx, SPILL);
        self.asm.mov(Size::Qword, Gpr::Rdx, RESERVED_VERSION);
        self.asm.alu_imm(Alu::Add, Size::Qword, Gpr::Rdx, VERSION - RESERVED);
        self.asm.mov_store(Size::Qword, Mem::base(Gpr::Rcx, 0), Gpr::Rdx);
        self.asm.bind(done);
        self.asm.mov_store_imm(Size::Qword, RESERVED_PLACE, 0);
        self.cold.push(Cold::NotStored { from: failed, back: done });
        self.result(MemType::I64)
    }

    /// A store-conditional fails.
    pub fn cold_not_stored(&mut self) {
        self.asm.mov_imm(Gpr::Rax, 1);
    }
}

/// A register plus the mark of an access of this type.
fn marked(ty: MemType, addr: Gpr) -> Mem {
    Mem::base(addr, Reservation::mark(ty.size()) as i32)
}
