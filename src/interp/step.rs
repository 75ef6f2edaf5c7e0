//! Semantics on concrete values: each operation is executed immediately.

use super::block::{Record, Variant};
use super::env::Env;
use super::stopped::Stopped;
use crate::guest::riscv::fp::{self, Fmt, Rm, RmField, host::ToInt};
use crate::guest::riscv::{Base, Cpu, Reservation, RiscvSemantics, Trap, csr};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use crate::guest::{AmoOp, BitOp, CACHE_BLOCK, Cond, Flow, MemType, Order, Reg, Semantics, Width, alu};
use crate::host::clock;
use crate::memory::{Access, AtomicRmw, AtomicSize, BadAddress, GuestAddr, GuestMemory};
use remu_isa::Op;
use std::marker::PhantomData;
use std::sync::atomic::{Ordering, fence};

/// The register number of an operand that is [forwarded](super::block::Variant).
pub(super) const LAST_RESULT: Reg = 63;

/// One instruction being executed, in the [variant](Variant) of its handler. With `FAST`, an
/// operation that needs calls is left out: it yields 0, and nothing is written after it. The instruction must then be
/// executed again without `FAST`. A handler that calls nothing saves no registers.
pub(super) struct Step<'a, B, M, const VARIANT: u8, const FAST: bool> {
    cpu: &'a mut Cpu,
    env: &'a mut Env,
    mem: &'a M,
    record: &'a Record,
    last: u64,
    fuel: i64,
    needs_calls: bool,
    base: PhantomData<B>,
}

impl<'a, B: Base, M: GuestMemory, const VARIANT: u8, const FAST: bool> Step<'a, B, M, VARIANT, FAST> {
    #[inline(always)]
    pub fn new(cpu: &'a mut Cpu, env: &'a mut Env, mem: &'a M, record: &'a Record, last: u64, fuel: i64) -> Self {
        Self { cpu, env, mem, record, last, fuel, needs_calls: false, base: PhantomData }
    }

    /// The value last written to an integer register.
    #[inline(always)]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether an operation was left out. The only effects of the instruction so far are flags that it raises again.
    #[inline(always)]
    pub fn needs_calls(&self) -> bool {
        self.needs_calls
    }

    /// Leaves out the rest of a fast step.
    #[inline(always)]
    fn leave_out(&mut self) -> u64 {
        debug_assert!(FAST);
        self.needs_calls = true;
        0
    }

    /// Computes in integers what the host's unit cannot, and raises the flags.
    #[inline(always)]
    fn software(&mut self, f: impl FnOnce() -> (u64, fp::Flags)) -> u64 {
        if FAST {
            return self.leave_out();
        }
        let (v, flags) = f();
        fp::host::raise(flags);
        v
    }

    /// The same in the rounding mode of the instruction.
    #[inline(always)]
    fn software_rounded(&mut self, rm: RmField, f: impl FnOnce(Rm) -> (u64, fp::Flags)) -> Result<u64, Stopped> {
        if FAST {
            return Ok(self.leave_out());
        }
        let Some(rm) = rm.resolve(self.cpu.frm) else {
            return Err(Stopped::ILLEGAL);
        };
        Ok(self.software(|| f(rm)))
    }

    #[inline(always)]
    fn check_aligned(&mut self, addr: u64, size: u64, access: Access) -> Result<GuestAddr, Stopped> {
        if addr.is_multiple_of(size) {
            return Ok(GuestAddr(addr));
        }
        Err(Stopped::misaligned(addr, size, access))
    }

    #[inline(always)]
    fn checked<T>(
        &mut self,
        result: Result<T, BadAddress>,
        addr: GuestAddr,
        size: u64,
        access: Access,
    ) -> Result<T, Stopped> {
        match result {
            Ok(v) => Ok(v),
            Err(_) => Err(Stopped::refused(addr.0, size, access)),
        }
    }
}

/// `run` is the number of instructions that `Cpu::instret` does not count yet.
#[inline(never)]
fn read_csr(cpu: &mut Cpu, run: u64, number: u16) -> Option<u64> {
    cpu.fflags = fp::host::accrued();
    let stale = cpu.instret;
    cpu.instret += run;
    let value = csr::read(cpu, number, || clock::ticks(csr::TIMEBASE_HZ));
    cpu.instret = stale;
    value
}

#[inline(never)]
fn write_csr(cpu: &mut Cpu, env: &mut Env, number: u16, value: u64) -> Option<()> {
    cpu.fflags = fp::host::accrued();
    csr::write(cpu, number, value)?;
    env.note_frm(cpu);
    fp::host::set(env.hardware_mode(), cpu.fflags);
    Some(())
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

/// Delegates operations to their definition on concrete values.
macro_rules! delegate {
    ($($name:ident($($arg:ident),*);)*) => {$(
        #[inline(always)]
        fn $name(&mut self, w: Width, $($arg: u64),*) -> u64 {
            alu::$name(w, $($arg),*)
        }
    )*};
}

impl<B: Base, M: GuestMemory, const VARIANT: u8, const FAST: bool> Semantics for Step<'_, B, M, VARIANT, FAST> {
    type Value = u64;
    type Stop = Stopped;

    const XLEN: Width = B::WIDTH;

    #[inline(always)]
    fn read(&mut self, r: Reg) -> u64 {
        if VARIANT & (Variant::RS1 | Variant::RS2) != 0 && r == LAST_RESULT {
            return self.last;
        }
        debug_assert!(r < 64);
        // SAFETY: the decoder yields registers below 32, `predecode` the sink, and an instruction on
        // pairs the register after one of these: all below 64.
        unsafe { *self.cpu.x.get_unchecked(usize::from(r)) }
    }

    #[inline(always)]
    fn write(&mut self, r: Reg, v: u64) {
        debug_assert!(r < 64);
        if !FAST && r == 0 {
            // The fast handlers of instructions with this destination write the sink.
            return;
        }
        if self.needs_calls {
            return;
        }
        debug_assert!(r != 0);
        self.last = v;
        // SAFETY: as for `read`.
        unsafe { *self.cpu.x.get_unchecked_mut(usize::from(r)) = v }
    }

    #[inline(always)]
    fn imm(&mut self, v: i64) -> u64 {
        v as u64
    }

    #[inline(always)]
    fn pc(&mut self, offset: i64) -> u64 {
        alu::add(B::WIDTH, self.record.pc, offset as u64)
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
        if B::WIDTH == Width::W32 { addr & 0xffff_ffff } else { addr }
    }

    #[inline(always)]
    fn load(&mut self, ty: MemType, addr: u64) -> Result<u64, Stopped> {
        let addr = GuestAddr(addr);
        let result = self.mem.load(ty.size(), addr);
        Ok(ty.extend(self.checked(result, addr, ty.size(), Access::Read)?))
    }

    #[inline(always)]
    fn store(&mut self, ty: MemType, addr: u64, v: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.mem.store(ty.size(), addr, v);
        self.checked(result, addr, ty.size(), Access::Write)
    }

    #[inline(always)]
    fn amo(&mut self, op: AmoOp, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        let addr = self.check_aligned(addr, ty.size(), Access::Write)?;
        let size = atomic_size(ty);
        let result = match op {
            AmoOp::Swap => self.mem.read_modify_write(AtomicRmw::Swap, size, addr, v),
            AmoOp::Add => self.mem.read_modify_write(AtomicRmw::Add, size, addr, v),
            _ => update(self.mem, size, addr, |old| alu::amo(op, ty.extend(old), ty.extend(v))),
        };
        let old = self.checked(result, addr, ty.size(), Access::Write)?;
        self.mem.reservations().written(addr);
        Ok(ty.extend(old))
    }

    #[inline(always)]
    fn cas(&mut self, ty: MemType, _: Order, addr: u64, expected: u64, new: u64) -> Result<u64, Stopped> {
        let addr = self.check_aligned(addr, ty.size(), Access::Write)?;
        let result = self.mem.compare_exchange(atomic_size(ty), addr, expected, new);
        let old = self.checked(result, addr, ty.size(), Access::Write)?;
        self.mem.reservations().written(addr);
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
        let size = u64::from(w.bits() / 4);
        let addr = self.check_aligned(addr, size, Access::Write)?;
        match w {
            Width::W32 => {
                let join = |[low, high]: [u64; 2]| low & 0xffff_ffff | high << 32;
                let result = self.mem.compare_exchange(AtomicSize::B8, addr, join(expected), join(new));
                let old = self.checked(result, addr, size, Access::Write)?;
                self.mem.reservations().written(addr);
                Ok([old as i32 as u64, (old >> 32) as i32 as u64])
            }
            Width::W64 => {
                let result = self.mem.compare_exchange_pair(addr, expected, new);
                let old = self.checked(result, addr, size, Access::Write)?;
                self.mem.reservations().written(addr);
                Ok(old)
            }
        }
    }

    #[inline(always)]
    fn load_reserved(&mut self, ty: MemType, order: Order, addr: u64) -> Result<u64, Stopped> {
        let addr = self.check_aligned(addr, ty.size(), Access::Read)?;
        if order.release {
            // The one order that the host's loads do not have: after earlier stores.
            fence(Ordering::SeqCst);
        }
        let version = self.mem.reservations().reserve(addr);
        let result = self.mem.load(ty.size(), addr);
        let value = self.checked(result, addr, ty.size(), Access::Read)?;
        self.cpu.reservation = Some(Reservation { addr, value, size: ty.size(), version });
        Ok(ty.extend(value))
    }

    #[inline(always)]
    fn store_conditional(&mut self, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        let addr = self.check_aligned(addr, ty.size(), Access::Write)?;
        match self.cpu.reservation.take() {
            Some(r) if r.addr == addr && r.size == ty.size() => {
                let Some(claim) = self.mem.reservations().claim(addr, r.version) else { return Ok(1) };
                let result = self.mem.compare_exchange(atomic_size(ty), addr, r.value, v);
                claim.release();
                let old = self.checked(result, addr, ty.size(), Access::Write)?;
                Ok((old != r.value).into())
            }
            _ => Ok(1),
        }
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
        self.env.fence_i = true;
    }

    fn zero_block(&mut self, addr: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.mem.fill_zero(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
        self.checked(result, addr, 1, Access::Write)
    }

    fn manage_block(&mut self, addr: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.mem.probe(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
        self.checked(result, addr, 1, Access::Write)
    }

    #[inline(always)]
    fn pause(&mut self) {
        std::hint::spin_loop();
    }
}

impl<B: Base, M: GuestMemory, const VARIANT: u8, const FAST: bool> RiscvSemantics for Step<'_, B, M, VARIANT, FAST> {
    delegate! {
        brev8(a);
        orc_b(a);
        clmulr(a, b);
        xperm4(a, b);
        xperm8(a, b);
    }

    #[inline(always)]
    fn insn_align(&self) -> u64 {
        if VARIANT & Variant::ALIGNED != 0 { 4 } else { 2 }
    }

    #[inline(always)]
    fn check_target(&mut self, target: u64) -> Result<(), Stopped> {
        if target.is_multiple_of(self.insn_align()) {
            return Ok(());
        }
        Err(Stopped::misaligned(target, 4, Access::Fetch))
    }

    #[inline(always)]
    fn zip(&mut self, a: u64) -> u64 {
        alu::zip(a)
    }

    #[inline(always)]
    fn unzip(&mut self, a: u64) -> u64 {
        alu::unzip(a)
    }

    #[inline(always)]
    fn fp_load(&mut self, fmt: Fmt, addr: u64) -> Result<u64, Stopped> {
        let (addr, size) = (GuestAddr(addr), u64::from(fmt.bits() / 8));
        let result = self.mem.load(size, addr);
        self.checked(result, addr, size, Access::Read)
    }

    #[inline(always)]
    fn fp_store(&mut self, fmt: Fmt, addr: u64, bits: u64) -> Result<(), Stopped> {
        let (addr, size) = (GuestAddr(addr), u64::from(fmt.bits() / 8));
        let result = self.mem.store(size, addr, bits);
        self.checked(result, addr, size, Access::Write)
    }

    #[inline(always)]
    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> u64 {
        fp::unbox(fmt, self.fp_read_bits(r))
    }

    #[inline(always)]
    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: u64) {
        debug_assert!(r < 32);
        if self.needs_calls {
            return;
        }
        // SAFETY: the decoder yields registers below 32.
        unsafe { *self.cpu.f.get_unchecked_mut(usize::from(r)) = fp::box_bits(fmt, v) }
    }

    #[inline(always)]
    fn fp_read_bits(&mut self, r: Reg) -> u64 {
        debug_assert!(r < 32);
        // SAFETY: the decoder yields registers below 32.
        unsafe { *self.cpu.f.get_unchecked(usize::from(r)) }
    }

    #[inline(always)]
    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: u64, b: u64) -> Result<u64, Stopped> {
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::arith(op, fmt, a, b)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::arith(op, fmt, rm, a, b))
    }

    #[inline(always)]
    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::sqrt(fmt, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::sqrt(fmt, rm, a))
    }

    #[inline(always)]
    fn fp_fma(
        &mut self,
        fmt: Fmt,
        rm: RmField,
        neg_product: bool,
        neg_addend: bool,
        a: u64,
        b: u64,
        c: u64,
    ) -> Result<u64, Stopped> {
        let a = if neg_product { fp::negate(fmt, a) } else { a };
        let c = if neg_addend { fp::negate(fmt, c) } else { c };
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::fma(fmt, a, b, c)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::fma(fmt, rm, a, b, c))
    }

    #[inline(always)]
    fn fp_sgnj(&mut self, fmt: Fmt, kind: Sgnj, a: u64, b: u64) -> u64 {
        fp::sgnj(fmt, kind, a, b)
    }

    #[inline(always)]
    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: u64, b: u64) -> u64 {
        match fp::host::min_max(op, fmt, a, b) {
            Some(v) => v,
            None => self.software(|| fp::min_max(op, fmt, a, b)),
        }
    }

    #[inline(always)]
    fn fp_compare(&mut self, op: FpCmp, fmt: Fmt, a: u64, b: u64) -> u64 {
        match fp::host::compare(op, fmt, a, b) {
            Some(v) => v,
            None => self.software(|| fp::compare(op, fmt, a, b)),
        }
    }

    #[inline(always)]
    fn fp_class(&mut self, fmt: Fmt, a: u64) -> u64 {
        fp::class(fmt, a)
    }

    #[inline(always)]
    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::convert(from, to, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::convert(from, to, rm, a))
    }

    #[inline(always)]
    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if rm.0 == Rm::Rtz.bits()
            && let Some(v) = fp::host::to_int(fmt, ty, ToInt::Truncate, a)
        {
            return Ok(v);
        }
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::to_int(fmt, ty, ToInt::Current, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::to_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.env.on_hardware(rm)
            && let Some(v) = fp::host::from_int(fmt, ty, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::from_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if let Some(mode) = rm.resolve(self.cpu.frm)
            && let Some(v) = fp::host::round_to_integral(fmt, exact, mode, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::round_to_integral(fmt, exact, rm, a))
    }

    #[inline(always)]
    fn fp_to_int_modular(&mut self, a: u64) -> u64 {
        self.software(|| fp::to_int_modular(a))
    }

    #[inline(always)]
    fn csr_read(&mut self, csr: u16) -> Result<u64, Stopped> {
        if FAST {
            return Ok(self.leave_out());
        }
        let run = (self.env.slice_start - self.fuel) as u64 + u64::from(self.record.before);
        match read_csr(self.cpu, run, csr) {
            Some(v) => Ok(v),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn csr_write(&mut self, csr: u16, v: u64) -> Result<(), Stopped> {
        if FAST {
            self.leave_out();
            return Ok(());
        }
        match write_csr(self.cpu, self.env, csr, v) {
            Some(()) => Ok(()),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn trap(&mut self, trap: Trap) -> Stopped {
        match trap {
            Trap::EnvironmentCall => Stopped::TRAP,
            Trap::Breakpoint => Stopped::BREAKPOINT,
        }
    }

    #[inline(always)]
    fn privileged(&mut self, _: Op, _: u64, _: u64) -> Result<Flow<u64>, Stopped> {
        // User mode has no privileged instructions.
        Err(Stopped::ILLEGAL)
    }
}

/// Replaces a value in memory atomically by a function of it; yields the old one.
#[inline(always)]
fn update<M: GuestMemory>(
    mem: &M,
    size: AtomicSize,
    addr: GuestAddr,
    f: impl Fn(u64) -> u64,
) -> Result<u64, BadAddress> {
    let mut seen = mem.load(size.bytes(), addr)?;
    loop {
        let old = mem.compare_exchange(size, addr, seen, f(seen))?;
        if old == seen {
            return Ok(old);
        }
        seen = old;
    }
}
