//! The operations on plain values: each is executed at once, on a [`Hart`].
//!
//! The interpreter executes instructions this way. A compiler's helpers do so for what they do not compile.

/// Delegates operations to their definition on concrete values.
macro_rules! delegate {
    ($($name:ident($($arg:ident),*);)*) => {$(
        #[inline(always)]
        fn $name(&mut self, w: Width, $($arg: u64),*) -> u64 {
            alu::$name(w, $($arg),*)
        }
    )*};
}

mod csr;
mod general;
mod riscv;
mod stopped;

pub use stopped::{Reason, Stopped};

use super::fp::{self, FpMode, Rm, RmField};
use super::{Base, Cpu, Privilege, insn_align};
use crate::guest::Reg;
use crate::memory::{Access, GuestAddr, GuestMemory, MemoryError, Stored};
use std::marker::PhantomData;

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
pub struct PlainHart<'a, B, P: Privilege> {
    cpu: &'a mut Cpu,
    mode: &'a mut FpMode,
    privilege: &'a mut P,
    mem: &'a P::Memory,
    base: PhantomData<B>,
}

impl<'a, B: Base, P: Privilege> PlainHart<'a, B, P> {
    /// The hart at the instruction at [`Cpu::pc`].
    pub fn new(cpu: &'a mut Cpu, mode: &'a mut FpMode, privilege: &'a mut P, mem: &'a P::Memory) -> Self {
        Self { cpu, mode, privilege, mem, base: PhantomData }
    }
}

impl<B: Base, P: Privilege> Hart for PlainHart<'_, B, P> {
    type Base = B;
    type Privilege = P;

    const CALLS: bool = true;

    fn state(&mut self) -> (&mut Cpu, &mut FpMode) {
        (self.cpu, self.mode)
    }

    fn fp_mode(&self) -> &FpMode {
        self.mode
    }

    fn memory(&self) -> &P::Memory {
        self.mem
    }

    fn privileged(&mut self) -> (&mut P, &mut Cpu, &P::Memory) {
        (self.privilege, self.cpu, self.mem)
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

    /// Loads, zero-extended.
    #[inline(always)]
    fn load_bits(&mut self, size: u64, addr: GuestAddr) -> Result<u64, Stopped> {
        let memory = self.hart.memory();
        let result = if H::CALLS { Some(memory.load(size, addr)) } else { memory.load_inline(size, addr) };
        match result {
            Some(result) => checked(result, addr, size, Access::Read),
            None => Ok(self.leave_out()),
        }
    }

    #[inline(always)]
    fn store_bits(&mut self, size: u64, addr: GuestAddr, v: u64) -> Result<(), Stopped> {
        let memory = self.hart.memory();
        let result = if H::CALLS { Some(memory.store(size, addr, v)) } else { memory.store_inline(size, addr, v) };
        match result {
            Some(result) => completed(checked(result, addr, size, Access::Write)?),
            None => {
                self.leave_out();
                Ok(())
            }
        }
    }

    /// Whether atomic operations are left out. They take calls where addresses are translated.
    const LEAVES_OUT_ATOMICS: bool = !H::CALLS && <<H::Privilege as Privilege>::Memory as GuestMemory>::TRANSLATES;

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

/// The store is the last effect of its instruction, so that one to a device may end it early.
#[inline(always)]
fn completed(stored: Stored) -> Result<(), Stopped> {
    match stored {
        Stored::InMemory => Ok(()),
        Stored::ToDevice => Err(Stopped::COMPLETED),
    }
}

#[inline(always)]
fn checked<T>(result: Result<T, MemoryError>, addr: GuestAddr, size: u64, access: Access) -> Result<T, Stopped> {
    match result {
        Ok(v) => Ok(v),
        Err(error) => Err(Stopped::refused(addr.0, size, access, error)),
    }
}
