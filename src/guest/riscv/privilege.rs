//! The privileged state of a hart, as engines consult it.

use super::{Cpu, csr};
use crate::guest::{BlockContext, Exit};
use crate::host::clock;
use crate::memory::{GuestAddr, GuestMemory, UserSpace};
use remu_isa::{Insn, Isa};

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

/// The privileged state of a user-level hart: there is none. Each trap is the caller's affair, but for [`QuickCalls`].
#[derive(Debug)]
pub struct UserProgram<M = UserSpace> {
    quick_calls: Option<QuickCalls<M>>,
}

/// System calls that are answered without leaving the engine.
#[derive(Debug)]
pub struct QuickCalls<M = UserSpace> {
    /// The page from which they are made.
    pub page: GuestAddr,
    /// Answers the call at the pc and moves the pc past it. Returns false, and has changed no register, if the call is not
    /// among them or fails. The host's unit is in the guest's rounding mode: no floating-point numbers may be computed.
    pub answer: fn(&mut Cpu, &M) -> bool,
}

impl<M> UserProgram<M> {
    /// The state of a hart whose calls are all the caller's affair.
    pub const fn new() -> Self {
        Self { quick_calls: None }
    }

    /// The state of a hart some of whose calls may be answered by the engine.
    pub const fn answering(quick_calls: Option<QuickCalls<M>>) -> Self {
        Self { quick_calls }
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

    #[inline]
    fn trap(&mut self, cpu: &mut Cpu, mem: &M, exit: Exit) -> Option<Exit> {
        if let (Exit::Syscall, Some(calls)) = (exit, &self.quick_calls)
            && GuestAddr(cpu.pc).page_floor() == calls.page
            && (calls.answer)(cpu, mem)
        {
            return None;
        }
        Some(exit)
    }

    #[inline(always)]
    fn poll(&mut self, _: &mut Cpu, _: &M) -> bool {
        false
    }
}
