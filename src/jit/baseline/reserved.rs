//! LR and SC: what [`Concrete`](crate::guest::riscv::concrete::Concrete) does with the hart's reservation and its bucket,
//! see [`Reservations`].
//!
//! A store-conditional that faults has claimed its bucket and still has its reservation. The access is noted as
//! [`Unsettled`], so that the claim is taken back before the instruction is executed by its definition.

use super::atomic::Place;
use super::emitter::{Cold, Emitter, Unsettled};
use super::map::{RESERVED_PLACE, RESERVED_VALUE, RESERVED_VERSION, SPILL, SPILL_PLACE};
use super::memory::size_of;
use super::node::{Node, Val};
use super::window::Window;
use crate::guest::riscv::Reservation;
use crate::guest::{MemType, Order};
use crate::jit::x64::{self, Alu, Gpr, Mem, RegMem, Size};
use crate::memory::{Access, Reservations};

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
        let place = self.atomic_place(Access::Read, ty, addr, &[Gpr::Rax, Gpr::Rcx]);
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
        self.eval_marked(Gpr::Rcx, ty, addr, &place);
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
        let place = self.atomic_place(Access::Write, ty, addr, &[Gpr::Rax, Gpr::Rcx]);
        if self.uncompiled {
            return self.nodes.imm(0);
        }
        let (failed, done) = (self.asm.new_label(), self.asm.new_label());
        self.eval_marked(Gpr::Rax, ty, addr, &place);
        // If the access was refused above, this is where: nothing is claimed yet.
        self.access();
        self.asm.alu(Alu::Cmp, Size::Qword, Gpr::Rax, RESERVED_PLACE);
        self.asm.jcc(x64::Cond::Ne, failed);
        let bucket = self.bucket(place.addr, Gpr::Rcx, Gpr::Rax);
        self.asm.lea(Size::Qword, Gpr::Rcx, bucket);
        self.asm.mov_store(Size::Qword, SPILL, Gpr::Rcx);
        if self.translates {
            self.asm.mov_store(Size::Qword, SPILL_PLACE, place.addr);
        }
        self.asm.mov(Size::Qword, Gpr::Rax, RESERVED_VERSION);
        self.asm.lea(Size::Qword, Gpr::Rdx, Mem::base(Gpr::Rax, CLAIMED));
        self.asm.lock_cmpxchg(Size::Qword, Mem::base(Gpr::Rcx, 0), Gpr::Rdx);
        self.asm.jcc(x64::Cond::Ne, failed);
        // The address and the value take the registers that are free now.
        self.free_scratch_but(Gpr::Rax);
        let place = match self.translates {
            true => {
                self.take(Gpr::Rdx);
                self.asm.mov(Size::Qword, Gpr::Rdx, SPILL_PLACE);
                Place { addr: Gpr::Rdx, mem: Mem::base(Gpr::Rdx, 0) }
            }
            false => self.known_place(addr),
        };
        let value = self.in_register(v);
        self.asm.mov(Size::Qword, Gpr::Rax, RESERVED_VALUE);
        self.exchange_if_equal(ty, place.mem, value, Unsettled::Claimed);
        self.asm.mov(Size::Qword, Gpr::Rcx, SPILL);
        self.asm.mov(Size::Qword, Gpr::Rdx, RESERVED_VERSION);
        self.asm.alu_imm(Alu::Add, Size::Qword, Gpr::Rdx, VERSION - RESERVED);
        self.asm.mov_store(Size::Qword, Mem::base(Gpr::Rcx, 0), Gpr::Rdx);
        self.asm.bind(done);
        self.asm.mov_store_imm(Size::Qword, RESERVED_PLACE, 0);
        self.cold.push(Cold::NotStored { from: failed, back: done });
        self.result(MemType::I64)
    }

    /// Computes the place of a reservation, by which the hart knows it: the guest's address with a mark of the type.
    fn eval_marked(&mut self, d: Gpr, ty: MemType, addr: Val, place: &Place) {
        let addr = match self.translates {
            true => {
                // No other register is free.
                self.eval(d, addr);
                d
            }
            false => place.addr,
        };
        self.asm.lea(Size::Qword, d, marked(ty, addr));
    }

    /// Stores a register if memory holds what rax does. Leaves 0 in rax if it has, otherwise 1.
    fn exchange_if_equal(&mut self, ty: MemType, mem: Mem, value: Gpr, reservation: Unsettled) {
        self.access_with(reservation);
        self.asm.lock_cmpxchg(size_of(ty), mem, value);
        self.asm.set(x64::Cond::Ne, Gpr::Rax);
        self.asm.movzx(Size::Byte, Gpr::Rax, Gpr::Rax);
    }

    /// The load-reserved of a [window](super::window).
    pub fn emit_window_load(&mut self, ty: MemType, order: Order, addr: Val) -> Val {
        if order.release {
            self.full_barrier();
        }
        let reg = self.in_register(addr);
        self.check_alignment(ty, reg);
        self.free_scratch();
        self.nodes.push(Node::Load(ty, addr))
    }

    /// The store-conditional of a window.
    pub fn emit_window_store(&mut self, window: Window, addr: Val, v: Val) -> Val {
        self.take(Gpr::Rax);
        let place = self.known_place(addr);
        let value = self.in_register(v);
        let loaded = self.map.x(window.value);
        self.asm.mov(Size::Qword, Gpr::Rax, loaded);
        self.exchange_if_equal(window.ty, place.mem, value, Unsettled::Late(window.value));
        debug_assert!(!self.uncompiled, "an address and a value need two registers");
        self.written(place.addr);
        self.asm.mov_store_imm(Size::Qword, RESERVED_PLACE, 0);
        self.result(MemType::I64)
    }

    /// Makes the reservation of a window that is left. Uses all scratch registers.
    pub fn late_reservation(&mut self, window: Window) {
        let addr = match self.map.x(window.addr) {
            RegMem::Reg(reg) => reg,
            slot => {
                self.asm.mov(Size::Qword, Gpr::Rdx, slot);
                Gpr::Rdx
            }
        };
        let bucket = self.bucket(addr, Gpr::Rcx, Gpr::Rax);
        self.asm.lea(Size::Qword, Gpr::Rcx, bucket);
        self.asm.mov(Size::Qword, Gpr::Rax, Mem::base(Gpr::Rcx, 0));
        let is_reserved = self.asm.new_label();
        self.asm.test_imm(Size::Byte, Gpr::Rax, RESERVED);
        self.asm.jcc(x64::Cond::Ne, is_reserved);
        self.cold_reserve();
        self.asm.bind(is_reserved);
        self.asm.alu_imm(Alu::And, Size::Qword, Gpr::Rax, !CLAIMED);
        self.asm.mov_store(Size::Qword, RESERVED_VERSION, Gpr::Rax);
        let loaded = self.map.x(window.value);
        self.asm.mov(size_of(window.ty), Gpr::Rax, loaded);
        self.asm.mov_store(Size::Qword, RESERVED_VALUE, Gpr::Rax);
        self.asm.lea(Size::Qword, Gpr::Rcx, marked(window.ty, addr));
        self.asm.mov_store(Size::Qword, RESERVED_PLACE, Gpr::Rcx);
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
