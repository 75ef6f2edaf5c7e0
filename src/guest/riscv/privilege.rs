//! The privileged state of a hart, as engines consult it.

use super::{Cpu, csr};
use crate::guest::{BlockContext, Exit};
use crate::host::clock;
use crate::memory::{GuestMemory, UserSpace};
use remu_isa::{Insn, Isa};
use std::marker::PhantomData;

/// What follows an instruction of the privileged architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next instruction, decoded and looked up anew.
    Refetch,
    /// The instruction at the pc, to which the state was moved.
    Resume,
    /// Nothing: the hart waits for an interrupt. The instruction has not completed.
    Wait,
}

/// The privileged state of a hart: what CSRs there are, what is allowed, and how traps are taken.
///
/// Engines call it with [`Cpu::instret`] and [`Cpu::fflags`] up to date. `mem` is the memory that the hart accesses.
pub trait Privilege {
    /// The memory.
    type Memory: GuestMemory;

    /// Reads a CSR; `None` if it does not exist or may not be read.
    fn csr_read(&mut self, cpu: &mut Cpu, mem: &Self::Memory, number: u16) -> Option<u64>;

    /// Writes a CSR; `None` if it does not exist or may not be written.
    fn csr_write(&mut self, cpu: &mut Cpu, mem: &Self::Memory, number: u16, value: u64) -> Option<()>;

    /// Executes an instruction of the privileged architecture at [`Cpu::pc`]; `None` if it is illegal.
    fn execute(&mut self, cpu: &mut Cpu, mem: &Self::Memory, insn: &Insn, rs1: u64, rs2: u64) -> Option<After>;

    /// Whether CBO.CLEAN and CBO.FLUSH are allowed.
    fn manages_blocks(&self) -> bool {
        true
    }

    /// What the current state lets be decoded.
    fn isa(&self, cpu: &Cpu) -> Isa;

    /// What decoded code depends on besides its bytes and its address.
    fn context(&self) -> BlockContext;

    /// Handles what an instruction or a fetch stops with. Returns the exit if that is the engine's caller's affair;
    /// otherwise the hart goes on at the pc.
    fn trap(&mut self, cpu: &mut Cpu, mem: &Self::Memory, exit: Exit) -> Option<Exit>;

    /// Called while the hart waits for another in a loop.
    fn pause(&mut self) {
        std::hint::spin_loop();
    }

    /// Takes an interrupt if one is pending and enabled; returns whether it did. Called when the engine looks code up, and so after each
    /// instruction that can have enabled one.
    fn poll(&mut self, cpu: &mut Cpu, mem: &Self::Memory) -> bool;
}

/// The privileged state of a user-level hart: there is none. Each trap is the caller's affair.
#[derive(Debug)]
pub struct UserProgram<M = UserSpace>(PhantomData<fn(&M)>);

impl<M> UserProgram<M> {
    /// The state.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M> Default for UserProgram<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: GuestMemory> Privilege for UserProgram<M> {
    type Memory = M;

    fn csr_read(&mut self, cpu: &mut Cpu, _: &M, number: u16) -> Option<u64> {
        csr::read(cpu, number, || clock::ticks(csr::TIMEBASE_HZ))
    }

    fn csr_write(&mut self, cpu: &mut Cpu, _: &M, number: u16, value: u64) -> Option<()> {
        csr::write(cpu, number, value)
    }

    fn execute(&mut self, _: &mut Cpu, _: &M, _: &Insn, _: u64, _: u64) -> Option<After> {
        None
    }

    #[inline(always)]
    fn isa(&self, cpu: &Cpu) -> Isa {
        cpu.isa
    }

    #[inline(always)]
    fn context(&self) -> BlockContext {
        BlockContext::default()
    }

    #[inline(always)]
    fn trap(&mut self, _: &mut Cpu, _: &M, exit: Exit) -> Option<Exit> {
        Some(exit)
    }

    #[inline(always)]
    fn poll(&mut self, _: &mut Cpu, _: &M) -> bool {
        false
    }
}
