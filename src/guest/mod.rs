//! What a guest CPU is, to everything that runs or serves one: its state, how its instructions are
//! decoded, what they mean, and why an engine stops.
//!
//! Knows nothing of operating systems, engines or files.

pub mod alu;
pub mod riscv;
pub(crate) mod semantics;

pub use semantics::{
    AmoOp, CACHE_BLOCK, Cond, Flow, FpCmp, FpMinMax, FpOp, IntType, JumpHint, MemType, Order, Reg, Semantics, Sgnj,
    Width,
};

use crate::memory::GuestFault;
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

/// A guest architecture: the types an engine needs, and the way from bytes to meaning.
pub trait Guest: Sized + 'static {
    /// The architectural state of one hart.
    type Cpu: Debug;
    /// One decoded instruction.
    type Insn: Copy + Debug;
    /// What decoding depends on besides the bytes: the enabled extensions.
    type Features: Clone + Debug;

    /// Decodes the instruction at the start of `bytes`.
    ///
    /// `bytes` may be shorter than the instruction, which is then [`DecodeError::Truncated`].
    fn decode(bytes: &[u8], features: &Self::Features) -> Result<Self::Insn, DecodeError>;

    /// Executes one instruction over an abstract value: the one place where its meaning is written.
    fn exec<S: Semantics>(s: &mut S, insn: &Self::Insn) -> Result<Flow<S::Value>, S::Stop>;
}

/// Why bytes are not an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes are needed to tell.
    #[error("the instruction is cut off")]
    Truncated,
    /// No known instruction has this encoding, or its extension is switched off.
    #[error("illegal instruction {bits:#010x}")]
    Illegal {
        /// The encoding: 16 bits of it where the low two bits are not `11`.
        bits: u32,
    },
}

/// Why an engine stopped. The program counter is that of the instruction concerned; for
/// [`Exit::Syscall`] too, so that whoever answers decides where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The environment-call instruction.
    Syscall,
    /// An access or a fetch that memory refused.
    Fault(GuestFault),
    /// An encoding that is no enabled instruction, or one that is not allowed in this state.
    Illegal {
        /// The encoding.
        bits: u32,
    },
    /// The breakpoint instruction.
    Breakpoint,
    /// [`HartCell::request_stop`] was called, or the instruction budget is used up.
    Interrupted,
    /// The hart waits for an interrupt.
    Halt,
}

/// One hart as an engine and the rest of the process share it: the CPU state, borrowed by the engine
/// while it runs and by the kernel layer between runs, and the flag by which others stop it.
///
/// The state sits in a `RefCell`, not a bare `UnsafeCell`: the borrow is taken once per run, costs
/// nothing beside it, and turns an overlap of engine and kernel layer into a panic instead of a race.
#[derive(Debug)]
pub struct HartCell<G: Guest> {
    cpu: RefCell<G::Cpu>,
    stop: AtomicBool,
}

impl<G: Guest> HartCell<G> {
    /// A hart in the given state.
    pub fn new(cpu: G::Cpu) -> Self {
        Self { cpu: RefCell::new(cpu), stop: AtomicBool::new(false) }
    }

    /// The CPU state.
    ///
    /// # Panics
    /// If an engine is running this hart: a bug in the caller.
    pub fn cpu(&self) -> std::cell::RefMut<'_, G::Cpu> {
        self.cpu.borrow_mut()
    }

    /// Asks the engine to leave with [`Exit::Interrupted`]: at the end of a block, within a bounded number
    /// of instructions. Async-signal-safe.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Takes the request back; true if there was one.
    pub fn take_stop(&self) -> bool {
        self.stop.swap(false, Ordering::AcqRel)
    }

    /// The flag itself, for engines that test it in their inner loop.
    pub fn stop_flag(&self) -> &AtomicBool {
        &self.stop
    }
}

/// Something that executes guest instructions until there is a reason to stop.
pub trait Engine<G: Guest> {
    /// The guest memory it works on.
    type Memory;

    /// Makes it stop with [`Exit::Interrupted`] after about so many more instructions: at the end of the block
    /// in which they are used up.
    fn limit(&mut self, instructions: u64);

    /// Runs the hart from its pc until an [`Exit`].
    fn run(&mut self, hart: &HartCell<G>, mem: &Self::Memory) -> Exit;

    /// What it has counted so far, by name. The same program on the same input counts the same, as far as it does
    /// the same: no time is among them.
    fn statistics(&self) -> Vec<(&'static str, u64)>;
}

/// Sees what an engine decodes and runs.
pub trait Tracer<G: Guest> {
    /// A block has been decoded: instructions with their addresses.
    fn decoded(&mut self, insns: &[(u64, G::Insn)]);

    /// Whether [`Tracer::entered`] is to be called, which costs the links between blocks.
    fn wants_entries(&self) -> bool;

    /// A block is about to run, in this state.
    fn entered(&mut self, cpu: &G::Cpu);
}
