//! The operations that any guest could use.

use super::{Concrete, Hart, Stopped, checked};
use crate::guest::riscv::{Base, Privilege, Reservation};
use crate::guest::{AmoOp, BitOp, CACHE_BLOCK, Cond, MemType, Order, Reg, Semantics, Width, alu};
use crate::memory::{Access, AtomicRmw, AtomicSize, GuestAddr, GuestMemory, MemoryError};
use std::sync::atomic::{Ordering, fence};

#[inline(always)]
fn check_aligned(addr: u64, size: u64, access: Access) -> Result<GuestAddr, Stopped> {
    if addr.is_multiple_of(size) {
        return Ok(GuestAddr(addr));
    }
    Err(Stopped::misaligned(addr, size, access))
}

#[inline(always)]
const fn atomic_size(ty: MemType) -> AtomicSize {
    match ty.size() {
        1 => AtomicSize::B1,
        2 => AtomicSize::B2,
        4 => AtomicSize::B4,
        _ => AtomicSize::B8,
    }
}

impl<H: Hart> Semantics for Concrete<H> {
    type Value = u64;
    type Stop = Stopped;

    const XLEN: Width = <H::Base as Base>::WIDTH;

    #[inline(always)]
    fn read(&mut self, r: Reg) -> u64 {
        self.hart.read_x(r)
    }

    #[inline(always)]
    fn write(&mut self, r: Reg, v: u64) {
        if !self.needs_calls {
            self.hart.write_x(r, v);
        }
    }

    #[inline(always)]
    fn imm(&mut self, v: i64) -> u64 {
        v as u64
    }

    #[inline(always)]
    fn pc(&mut self, offset: i64) -> u64 {
        alu::add(<H::Base as Base>::WIDTH, self.hart.pc(), offset as u64)
    }

    delegate! {
        add(a, b);
        sub(a, b);
        shl(a, b);
        lshr(a, b);
        ashr(a, b);
        rotr(a, b);
        rotl(a, b);
        mul(a, b);
        mulh(a, b);
        mulhu(a, b);
        mulhsu(a, b);
        div(a, b);
        divu(a, b);
        rem(a, b);
        remu(a, b);
        clz(a);
        ctz(a);
        cpop(a);
        rev8(a);
        clmul(a, b);
        clmulh(a, b);
    }

    #[inline(always)]
    fn and(&mut self, a: u64, b: u64) -> u64 {
        a & b
    }

    #[inline(always)]
    fn or(&mut self, a: u64, b: u64) -> u64 {
        a | b
    }

    #[inline(always)]
    fn xor(&mut self, a: u64, b: u64) -> u64 {
        a ^ b
    }

    #[inline(always)]
    fn and_not(&mut self, a: u64, b: u64) -> u64 {
        a & !b
    }

    #[inline(always)]
    fn or_not(&mut self, a: u64, b: u64) -> u64 {
        a | !b
    }

    #[inline(always)]
    fn xor_not(&mut self, a: u64, b: u64) -> u64 {
        a ^ !b
    }

    #[inline(always)]
    fn shift_add(&mut self, w: Width, shift: u8, a: u64, b: u64) -> u64 {
        alu::add(w, a << shift, b)
    }

    #[inline(always)]
    fn bit(&mut self, w: Width, op: BitOp, a: u64, index: u64) -> u64 {
        alu::bit(w, op, a, index)
    }

    #[inline(always)]
    fn compare(&mut self, w: Width, c: Cond, a: u64, b: u64) -> u64 {
        alu::compare(w, c, a, b).into()
    }

    #[inline(always)]
    fn select(&mut self, c: u64, a: u64, b: u64) -> u64 {
        if c != 0 { a } else { b }
    }

    #[inline(always)]
    fn extend(&mut self, ty: MemType, a: u64) -> u64 {
        ty.extend(a)
    }

    #[inline(always)]
    fn address(&mut self, base: u64, offset: i64) -> u64 {
        let addr = base.wrapping_add(offset as u64);
        if <H::Base as Base>::WIDTH == Width::W32 { addr & 0xffff_ffff } else { addr }
    }

    #[inline(always)]
    fn load(&mut self, ty: MemType, addr: u64) -> Result<u64, Stopped> {
        Ok(ty.extend(self.load_bits(ty.size(), GuestAddr(addr))?))
    }

    #[inline(always)]
    fn store(&mut self, ty: MemType, addr: u64, v: u64) -> Result<(), Stopped> {
        self.store_bits(ty.size(), GuestAddr(addr), v)
    }

    #[inline(always)]
    fn amo(&mut self, op: AmoOp, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        if Self::LEAVES_OUT_ATOMICS {
            return Ok(self.leave_out());
        }
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let size = atomic_size(ty);
        let result = match op {
            AmoOp::Swap => self.hart.memory().read_modify_write(AtomicRmw::Swap, size, addr, v),
            AmoOp::Add => self.hart.memory().read_modify_write(AtomicRmw::Add, size, addr, v),
            _ => update(self.hart.memory(), size, addr, |old| alu::amo(op, ty.extend(old), ty.extend(v))),
        };
        let old = checked(result, addr, ty.size(), Access::Write)?;
        Ok(ty.extend(old))
    }

    #[inline(always)]
    fn cas(&mut self, ty: MemType, _: Order, addr: u64, expected: u64, new: u64) -> Result<u64, Stopped> {
        if Self::LEAVES_OUT_ATOMICS {
            return Ok(self.leave_out());
        }
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let result = self.hart.memory().compare_exchange(atomic_size(ty), addr, expected, new);
        let old = checked(result, addr, ty.size(), Access::Write)?;
        Ok(ty.extend(old))
    }

    #[inline(always)]
    fn cas_pair(
        &mut self,
        w: Width,
        _: Order,
        addr: u64,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], Stopped> {
        if Self::LEAVES_OUT_ATOMICS {
            return Ok([self.leave_out(); 2]);
        }
        let size = u64::from(w.bits() / 4);
        let addr = check_aligned(addr, size, Access::Write)?;
        match w {
            Width::W32 => {
                let join = |[low, high]: [u64; 2]| low & 0xffff_ffff | high << 32;
                let result = self.hart.memory().compare_exchange(AtomicSize::B8, addr, join(expected), join(new));
                let old = checked(result, addr, size, Access::Write)?;
                Ok([old as i32 as u64, (old >> 32) as i32 as u64])
            }
            Width::W64 => {
                let result = self.hart.memory().compare_exchange_pair(addr, expected, new);
                let old = checked(result, addr, size, Access::Write)?;
                Ok(old)
            }
        }
    }

    #[inline(always)]
    fn load_reserved(&mut self, ty: MemType, order: Order, addr: u64) -> Result<u64, Stopped> {
        if Self::LEAVES_OUT_ATOMICS {
            return Ok(self.leave_out());
        }
        let addr = check_aligned(addr, ty.size(), Access::Read)?;
        if order.release {
            // The one order that the host's loads do not have: after earlier stores.
            fence(Ordering::SeqCst);
        }
        let reserved = self.hart.memory().reservation_addr(addr, ty.size(), Access::Read);
        let reserved = checked(reserved, addr, ty.size(), Access::Read)?;
        let version = self.hart.memory().reservations().reserve(reserved);
        let result = self.hart.memory().load(ty.size(), addr);
        let value = checked(result, addr, ty.size(), Access::Read)?;
        self.hart.cpu().reservation = Reservation { place: Reservation::place(addr, ty.size()), value, version };
        Ok(ty.extend(value))
    }

    #[inline(always)]
    fn store_conditional(&mut self, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        if Self::LEAVES_OUT_ATOMICS {
            return Ok(self.leave_out());
        }
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let reservation = std::mem::replace(&mut self.hart.cpu().reservation, Reservation::NONE);
        if reservation.place != Reservation::place(addr, ty.size()) {
            return Ok(1);
        }
        let reserved = self.hart.memory().reservation_addr(addr, ty.size(), Access::Write);
        let reserved = checked(reserved, addr, ty.size(), Access::Write)?;
        let Some(claim) = self.hart.memory().reservations().claim(reserved, reservation.version) else { return Ok(1) };
        let result = self.hart.memory().compare_exchange(atomic_size(ty), addr, reservation.value, v);
        claim.release();
        let old = checked(result, addr, ty.size(), Access::Write)?;
        Ok((old != reservation.value).into())
    }

    #[inline(always)]
    fn fence(&mut self, pred: u8, succ: u8) {
        // The host keeps every order except that of an earlier store and a later load (I/O counts as both).
        if pred & 0b0101 != 0 && succ & 0b1010 != 0 {
            fence(Ordering::SeqCst);
        }
    }

    #[inline(always)]
    fn fence_i(&mut self) {
        self.hart.fence_i();
    }

    fn zero_block(&mut self, addr: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.hart.memory().fill_zero(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
        checked(result, addr, 1, Access::Write)
    }

    fn manage_block(&mut self, addr: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.hart.memory().probe(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
        checked(result, addr, 1, Access::Write)
    }

    #[inline(always)]
    fn pause(&mut self) {
        if H::CALLS {
            self.hart.privileged().0.pause();
        } else {
            self.leave_out();
        }
    }
}

/// Replaces a value in memory atomically by a function of it; yields the old one.
#[inline(always)]
fn update<M: GuestMemory>(
    mem: &M,
    size: AtomicSize,
    addr: GuestAddr,
    f: impl Fn(u64) -> u64,
) -> Result<u64, MemoryError> {
    let mut seen = mem.load(size.bytes(), addr)?;
    loop {
        let old = mem.compare_exchange(size, addr, seen, f(seen))?;
        if old == seen {
            return Ok(old);
        }
        seen = old;
    }
}
