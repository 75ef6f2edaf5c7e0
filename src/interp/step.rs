//! The hart at a record: where the interpreter keeps what [`Concrete`] executes on.

use super::block::{Record, Variant};
use super::env::Env;
use crate::guest::Reg;
use crate::guest::riscv::concrete::{Concrete, Hart};
use crate::guest::riscv::fp::FpMode;
use crate::guest::riscv::{Base, Cpu, Privilege};
use std::marker::PhantomData;

/// The register number of an operand that is [forwarded](Variant).
pub(super) const LAST_RESULT: Reg = 63;

/// One instruction being executed.
pub(super) type Step<'a, B, P, const VARIANT: u8, const CALLS: bool> = Concrete<At<'a, B, P, VARIANT, CALLS>>;

/// The hart at a record, in the [variant](Variant) of its handler. A handler without `CALLS` calls nothing, and so saves
/// no registers.
pub(super) struct At<'a, B, P: Privilege, const VARIANT: u8, const CALLS: bool> {
    cpu: &'a mut Cpu,
    env: &'a mut Env,
    mem: &'a P::Memory,
    record: &'a Record,
    last: u64,
    fuel: i64,
    base: PhantomData<B>,
}

impl<'a, B: Base, P: Privilege, const VARIANT: u8, const CALLS: bool> At<'a, B, P, VARIANT, CALLS> {
    /// # Safety
    /// `env` is that of a running engine whose privileged state is a `P`.
    #[inline(always)]
    pub unsafe fn new(
        cpu: &'a mut Cpu,
        env: &'a mut Env,
        mem: &'a P::Memory,
        record: &'a Record,
        last: u64,
        fuel: i64,
    ) -> Self {
        Self { cpu, env, mem, record, last, fuel, base: PhantomData }
    }

    /// The value last written to an integer register.
    #[inline(always)]
    pub fn last(&self) -> u64 {
        self.last
    }
}

impl<B: Base, P: Privilege, const VARIANT: u8, const CALLS: bool> Hart for At<'_, B, P, VARIANT, CALLS> {
    type Base = B;
    type Privilege = P;

    const CALLS: bool = CALLS;

    #[inline(always)]
    fn state(&mut self) -> (&mut Cpu, &mut FpMode) {
        (self.cpu, &mut self.env.fp_mode)
    }

    #[inline(always)]
    fn fp_mode(&self) -> &FpMode {
        &self.env.fp_mode
    }

    #[inline(always)]
    fn memory(&self) -> &P::Memory {
        self.mem
    }

    #[inline(always)]
    fn privileged(&mut self) -> (&mut P, &mut Cpu, &P::Memory) {
        // SAFETY: whoever made this promised that the environment has a `P`, which nothing refers to while a handler
        // runs. It is borrowed like the environment.
        (unsafe { &mut *self.env.privilege.cast::<P>() }, self.cpu, self.mem)
    }

    #[inline(always)]
    fn pc(&self) -> u64 {
        self.record.pc
    }

    #[inline(always)]
    fn insn_align(&self) -> u64 {
        if VARIANT & Variant::ALIGNED != 0 { 4 } else { 2 }
    }

    #[inline(always)]
    fn uncounted(&self) -> u64 {
        (self.env.slice_start - self.fuel) as u64 + u64::from(self.record.before)
    }

    #[inline(always)]
    fn fence_i(&mut self) {
        self.env.fence_i = true;
    }

    #[inline(always)]
    fn read_x(&mut self, r: Reg) -> u64 {
        if VARIANT & (Variant::RS1 | Variant::RS2) != 0 && r == LAST_RESULT {
            return self.last;
        }
        debug_assert!(r < 64);
        // SAFETY: the decoder yields registers below 32, `predecode` the sink, and an instruction on
        // pairs the register after one of these: all below 64.
        unsafe { *self.cpu.x.get_unchecked(usize::from(r)) }
    }

    #[inline(always)]
    fn write_x(&mut self, r: Reg, v: u64) {
        debug_assert!(r < 64);
        if CALLS && r == 0 {
            // A record whose handler does not test for x0 has the sink as its destination.
            return;
        }
        debug_assert!(r != 0);
        self.last = v;
        // SAFETY: as for `read_x`.
        unsafe { *self.cpu.x.get_unchecked_mut(usize::from(r)) = v }
    }

    #[inline(always)]
    fn read_f(&mut self, r: Reg) -> u64 {
        debug_assert!(r < 32);
        // SAFETY: the decoder yields registers below 32.
        unsafe { *self.cpu.f.get_unchecked(usize::from(r)) }
    }

    #[inline(always)]
    fn write_f(&mut self, r: Reg, v: u64) {
        debug_assert!(r < 32);
        // SAFETY: the decoder yields registers below 32.
        unsafe { *self.cpu.f.get_unchecked_mut(usize::from(r)) = v }
    }
}
