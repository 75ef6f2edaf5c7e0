//! The operations on plain values: each is executed at once, on a [`Hart`].
//!
//! The interpreter executes instructions this way. A compiler's helpers do so for what they do not compile.

mod stopped;

pub use stopped::{Reason, Stopped};

use super::fp::{self, Fmt, FpMode, Rm, RmField, host::ToInt};
use super::{
    After, Base, Cpu, FpCmp, FpMinMax, FpOp, IntType, Privilege, Reservation, RiscvSemantics, Sgnj, Trap, UserProgram,
    insn_align,
};
use crate::guest::{AmoOp, BitOp, CACHE_BLOCK, Cond, Flow, MemType, Order, Reg, Semantics, Width, alu};
use crate::memory::{Access, AtomicRmw, AtomicSize, GuestAddr, GuestMemory, MemoryError};
use remu_isa::Insn;
use std::marker::PhantomData;
use std::sync::atomic::{Ordering, fence};

/// The hart that an instruction is executed on: its state, its memory, and where it is in the program.
///
/// The host's floating-point unit is the guest's meanwhile: see [`fp::host::enter`].
pub trait Hart {
    /// The base instruction set.
    type Base: Base;
    /// The privileged state, which names the memory.
    type Privilege: Privilege;

    /// Whether operations may call functions. If not, one that would is left out: see [`Concrete::needs_calls`].
    const CALLS: bool;

    /// The state, and the rounding mode of the host's unit.
    fn state(&mut self) -> (&mut Cpu, &mut FpMode);
    /// The rounding mode of the host's unit.
    fn fp_mode(&self) -> &FpMode;
    /// The memory.
    fn memory(&self) -> &<Self::Privilege as Privilege>::Memory;
    /// The privileged state, with the CPU's and the memory.
    #[allow(clippy::type_complexity)]
    fn privileged(&mut self) -> (&mut Self::Privilege, &mut Cpu, &<Self::Privilege as Privilege>::Memory);
    /// The address of the instruction.
    fn pc(&self) -> u64;
    /// The alignment of instructions in bytes.
    fn insn_align(&self) -> u64;
    /// The number of instructions retired that [`Cpu::instret`] does not count yet.
    fn uncounted(&self) -> u64;
    /// Stores to code must be seen by fetches from now on.
    fn fence_i(&mut self);
    /// The integer register `r`.
    fn read_x(&mut self, r: Reg) -> u64;
    /// Writes the integer register `r`, unless it is x0.
    fn write_x(&mut self, r: Reg, v: u64);
    /// All bits of the floating-point register `r`.
    fn read_f(&mut self, r: Reg) -> u64;
    /// Writes all bits of the floating-point register `r`.
    fn write_f(&mut self, r: Reg, v: u64);

    /// The state.
    #[inline(always)]
    fn cpu(&mut self) -> &mut Cpu {
        self.state().0
    }
}

/// A hart at an instruction, with nothing cached outside its state.
pub struct PlainHart<'a, B, M> {
    cpu: &'a mut Cpu,
    mode: &'a mut FpMode,
    mem: &'a M,
    privilege: UserProgram<M>,
    base: PhantomData<B>,
}

impl<'a, B: Base, M: GuestMemory> PlainHart<'a, B, M> {
    /// The hart at the instruction at [`Cpu::pc`].
    pub fn new(cpu: &'a mut Cpu, mode: &'a mut FpMode, mem: &'a M) -> Self {
        Self { cpu, mode, mem, privilege: UserProgram::new(), base: PhantomData }
    }
}

impl<B: Base, M: GuestMemory> Hart for PlainHart<'_, B, M> {
    type Base = B;
    type Privilege = UserProgram<M>;

    const CALLS: bool = true;

    fn state(&mut self) -> (&mut Cpu, &mut FpMode) {
        (self.cpu, self.mode)
    }

    fn fp_mode(&self) -> &FpMode {
        self.mode
    }

    fn memory(&self) -> &M {
        self.mem
    }

    fn privileged(&mut self) -> (&mut UserProgram<M>, &mut Cpu, &M) {
        (&mut self.privilege, self.cpu, self.mem)
    }

    fn pc(&self) -> u64 {
        self.cpu.pc
    }

    fn insn_align(&self) -> u64 {
        insn_align(&self.cpu.isa)
    }

    fn uncounted(&self) -> u64 {
        0
    }

    fn fence_i(&mut self) {}

    fn read_x(&mut self, r: Reg) -> u64 {
        self.cpu.x(r)
    }

    fn write_x(&mut self, r: Reg, v: u64) {
        self.cpu.set_x(r, v);
    }

    fn read_f(&mut self, r: Reg) -> u64 {
        self.cpu.f[usize::from(r)]
    }

    fn write_f(&mut self, r: Reg, v: u64) {
        self.cpu.f[usize::from(r)] = v;
    }
}

/// One instruction being executed on a hart.
pub struct Concrete<H> {
    hart: H,
    needs_calls: bool,
}

impl<H: Hart> Concrete<H> {
    /// An instruction that has had no effect yet.
    #[inline(always)]
    pub fn new(hart: H) -> Self {
        Self { hart, needs_calls: false }
    }

    /// The hart.
    #[inline(always)]
    pub fn hart(&self) -> &H {
        &self.hart
    }

    /// Whether an operation was left out because it needs calls. It yielded 0, and nothing was written after it. The
    /// instruction must be executed again with [`Hart::CALLS`]. Its only effects so far are flags that it raises again.
    #[inline(always)]
    pub fn needs_calls(&self) -> bool {
        self.needs_calls
    }

    /// Leaves out an operation, and the writes that follow.
    #[inline(always)]
    fn leave_out(&mut self) -> u64 {
        debug_assert!(!H::CALLS);
        self.needs_calls = true;
        0
    }

    /// Computes in integers what the host's unit cannot, and raises the flags.
    #[inline(always)]
    fn software(&mut self, f: impl FnOnce() -> (u64, fp::Flags)) -> u64 {
        if !H::CALLS {
            return self.leave_out();
        }
        let (v, flags) = f();
        fp::host::raise(flags);
        v
    }

    /// The same in the rounding mode of the instruction.
    #[inline(always)]
    fn software_rounded(&mut self, rm: RmField, f: impl FnOnce(Rm) -> (u64, fp::Flags)) -> Result<u64, Stopped> {
        if !H::CALLS {
            return Ok(self.leave_out());
        }
        let Some(rm) = rm.resolve(self.hart.cpu().frm) else {
            return Err(Stopped::ILLEGAL);
        };
        Ok(self.software(|| f(rm)))
    }
}

#[inline(always)]
fn check_aligned(addr: u64, size: u64, access: Access) -> Result<GuestAddr, Stopped> {
    if addr.is_multiple_of(size) {
        return Ok(GuestAddr(addr));
    }
    Err(Stopped::misaligned(addr, size, access))
}

#[inline(always)]
fn checked<T>(result: Result<T, MemoryError>, addr: GuestAddr, size: u64, access: Access) -> Result<T, Stopped> {
    match result {
        Ok(v) => Ok(v),
        Err(error) => Err(Stopped::refused(addr.0, size, access, error)),
    }
}

/// Calls the privileged state with [`Cpu::instret`] up to date.
#[inline(always)]
fn consult<H: Hart, T>(
    hart: &mut H,
    f: impl FnOnce(&mut H::Privilege, &mut Cpu, &<H::Privilege as Privilege>::Memory) -> T,
) -> T {
    let uncounted = hart.uncounted();
    let (privilege, cpu, mem) = hart.privileged();
    let stale = cpu.instret;
    cpu.instret += uncounted;
    let result = f(privilege, cpu, mem);
    cpu.instret = stale;
    result
}

/// Whether the CSR is one of floating point, whose state is partly in the host's unit.
const fn is_float(number: u16) -> bool {
    matches!(number, 1..=3)
}

#[inline(never)]
fn read_csr<H: Hart>(hart: &mut H, number: u16) -> Option<u64> {
    if is_float(number) {
        hart.cpu().fflags = fp::host::accrued();
    }
    consult(hart, |privilege, cpu, mem| privilege.csr_read(cpu, mem, number))
}

#[inline(never)]
fn write_csr<H: Hart>(hart: &mut H, number: u16, value: u64) -> Option<()> {
    if is_float(number) {
        hart.cpu().fflags = fp::host::accrued();
    }
    consult(hart, |privilege, cpu, mem| privilege.csr_write(cpu, mem, number, value))?;
    if is_float(number) {
        let (cpu, mode) = hart.state();
        *mode = FpMode::new(cpu.frm);
        fp::host::set(mode.hardware(), cpu.fflags);
    }
    Some(())
}

#[inline(never)]
fn execute_privileged<H: Hart>(hart: &mut H, insn: &Insn, rs1: u64, rs2: u64) -> Result<Flow<u64>, Stopped> {
    let pc = hart.pc();
    hart.cpu().pc = pc;
    match consult(hart, |privilege, cpu, mem| privilege.execute(cpu, mem, insn, rs1, rs2)) {
        Some(After::Refetch) => Ok(Flow::Refetch),
        Some(After::Resume) => Err(Stopped::RESUMED),
        Some(After::Wait) => Err(Stopped::WAIT),
        None => Err(Stopped::ILLEGAL),
    }
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
        let addr = GuestAddr(addr);
        let result = self.hart.memory().load(ty.size(), addr);
        Ok(ty.extend(checked(result, addr, ty.size(), Access::Read)?))
    }

    #[inline(always)]
    fn store(&mut self, ty: MemType, addr: u64, v: u64) -> Result<(), Stopped> {
        let addr = GuestAddr(addr);
        let result = self.hart.memory().store(ty.size(), addr, v);
        checked(result, addr, ty.size(), Access::Write)
    }

    #[inline(always)]
    fn amo(&mut self, op: AmoOp, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let size = atomic_size(ty);
        let result = match op {
            AmoOp::Swap => self.hart.memory().read_modify_write(AtomicRmw::Swap, size, addr, v),
            AmoOp::Add => self.hart.memory().read_modify_write(AtomicRmw::Add, size, addr, v),
            _ => update(self.hart.memory(), size, addr, |old| alu::amo(op, ty.extend(old), ty.extend(v))),
        };
        let old = checked(result, addr, ty.size(), Access::Write)?;
        self.hart.memory().reservations().written(addr);
        Ok(ty.extend(old))
    }

    #[inline(always)]
    fn cas(&mut self, ty: MemType, _: Order, addr: u64, expected: u64, new: u64) -> Result<u64, Stopped> {
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let result = self.hart.memory().compare_exchange(atomic_size(ty), addr, expected, new);
        let old = checked(result, addr, ty.size(), Access::Write)?;
        self.hart.memory().reservations().written(addr);
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
        let addr = check_aligned(addr, size, Access::Write)?;
        match w {
            Width::W32 => {
                let join = |[low, high]: [u64; 2]| low & 0xffff_ffff | high << 32;
                let result = self.hart.memory().compare_exchange(AtomicSize::B8, addr, join(expected), join(new));
                let old = checked(result, addr, size, Access::Write)?;
                self.hart.memory().reservations().written(addr);
                Ok([old as i32 as u64, (old >> 32) as i32 as u64])
            }
            Width::W64 => {
                let result = self.hart.memory().compare_exchange_pair(addr, expected, new);
                let old = checked(result, addr, size, Access::Write)?;
                self.hart.memory().reservations().written(addr);
                Ok(old)
            }
        }
    }

    #[inline(always)]
    fn load_reserved(&mut self, ty: MemType, order: Order, addr: u64) -> Result<u64, Stopped> {
        let addr = check_aligned(addr, ty.size(), Access::Read)?;
        if order.release {
            // The one order that the host's loads do not have: after earlier stores.
            fence(Ordering::SeqCst);
        }
        let version = self.hart.memory().reservations().reserve(addr);
        let result = self.hart.memory().load(ty.size(), addr);
        let value = checked(result, addr, ty.size(), Access::Read)?;
        self.hart.cpu().reservation = Reservation { place: Reservation::place(addr, ty.size()), value, version };
        Ok(ty.extend(value))
    }

    #[inline(always)]
    fn store_conditional(&mut self, ty: MemType, _: Order, addr: u64, v: u64) -> Result<u64, Stopped> {
        let addr = check_aligned(addr, ty.size(), Access::Write)?;
        let reservation = std::mem::replace(&mut self.hart.cpu().reservation, Reservation::NONE);
        if reservation.place != Reservation::place(addr, ty.size()) {
            return Ok(1);
        }
        let Some(claim) = self.hart.memory().reservations().claim(addr, reservation.version) else { return Ok(1) };
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
        std::hint::spin_loop();
    }
}

impl<H: Hart> RiscvSemantics for Concrete<H> {
    delegate! {
        brev8(a);
        orc_b(a);
        clmulr(a, b);
        xperm4(a, b);
        xperm8(a, b);
    }

    #[inline(always)]
    fn insn_align(&self) -> u64 {
        self.hart.insn_align()
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
        let result = self.hart.memory().load(size, addr);
        checked(result, addr, size, Access::Read)
    }

    #[inline(always)]
    fn fp_store(&mut self, fmt: Fmt, addr: u64, bits: u64) -> Result<(), Stopped> {
        let (addr, size) = (GuestAddr(addr), u64::from(fmt.bits() / 8));
        let result = self.hart.memory().store(size, addr, bits);
        checked(result, addr, size, Access::Write)
    }

    #[inline(always)]
    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> u64 {
        fp::unbox(fmt, self.fp_read_bits(r))
    }

    #[inline(always)]
    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: u64) {
        if !self.needs_calls {
            self.hart.write_f(r, fp::box_bits(fmt, v));
        }
    }

    #[inline(always)]
    fn fp_read_bits(&mut self, r: Reg) -> u64 {
        self.hart.read_f(r)
    }

    #[inline(always)]
    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: u64, b: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::arith(op, fmt, a, b)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::arith(op, fmt, rm, a, b))
    }

    #[inline(always)]
    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
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
        if self.hart.fp_mode().on_hardware(rm)
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
        if self.hart.fp_mode().on_hardware(rm)
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
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::to_int(fmt, ty, ToInt::Current, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::to_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::from_int(fmt, ty, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::from_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if let Some(mode) = rm.resolve(self.hart.cpu().frm)
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
        if !H::CALLS {
            return Ok(self.leave_out());
        }
        match read_csr(&mut self.hart, csr) {
            Some(v) => Ok(v),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn csr_write(&mut self, csr: u16, v: u64) -> Result<(), Stopped> {
        if !H::CALLS {
            self.leave_out();
            return Ok(());
        }
        match write_csr(&mut self.hart, csr, v) {
            Some(()) => Ok(()),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn check_block_management(&mut self) -> Result<(), Stopped> {
        let (privilege, ..) = self.hart.privileged();
        if privilege.manages_blocks() { Ok(()) } else { Err(Stopped::ILLEGAL) }
    }

    #[inline(always)]
    fn trap(&mut self, trap: Trap) -> Stopped {
        match trap {
            Trap::EnvironmentCall => Stopped::TRAP,
            Trap::Breakpoint => Stopped::BREAKPOINT,
        }
    }

    #[inline(always)]
    fn privileged(&mut self, insn: &Insn, rs1: u64, rs2: u64) -> Result<Flow<u64>, Stopped> {
        if !H::CALLS {
            self.leave_out();
            return Ok(Flow::Next);
        }
        execute_privileged(&mut self.hart, insn, rs1, rs2)
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
