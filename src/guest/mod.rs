//! The interface of a guest CPU: its state, the decoding of instructions, their meaning, and the reasons for which an
//! engine stops.
//!
//! This module knows nothing of operating systems, engines or files.

pub mod alu;
mod block_key;
mod exit_counts;
mod hart;
mod host_code;
pub mod riscv;
mod semantics;

pub use block_key::{BlockContext, BlockKey};
pub use exit_counts::ExitCounts;
pub use hart::{ENGINE_WORDS, EngineWords, HartCell, HartOwner};
pub use host_code::{CodeListener, HostCode, Part};
pub use semantics::{AmoOp, BitOp, CACHE_BLOCK, Cond, Flow, JumpHint, MemType, Order, Reg, Semantics, Width};

use crate::memory::GuestFault;
use std::borrow::Cow;
use std::fmt::Debug;

/// Counters, by name.
pub type Counters = Vec<(Cow<'static, str>, u64)>;

/// Adds counters to sums.
pub fn add_counters(sums: &mut Counters, counters: Counters) {
    for (name, count) in counters {
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name, count)),
        }
    }
}

/// A block in the file of counters: `title`, which names what ran, then one line for each counter.
pub fn report_counters(title: &str, counters: &Counters) -> String {
    let lines = counters.iter().map(|(name, count)| format!("{name} {count}\n"));
    let number = |name| counters.iter().find(|(known, _)| known == name).map_or(0, |&(_, count)| count);
    let share = (number("helper-calls") * 1_000_000).checked_div(number("instructions"));
    let share = share.filter(|_| number("superblocks") > 0).map(|share| format!("helper-calls-per-million {share}\n"));
    [format!("{title}\n")].into_iter().chain(lines).chain(share).collect()
}

/// A guest architecture: the types an engine needs, and how instructions are decoded. What they do is defined over
/// [`Semantics`].
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
}

/// Why bytes did not decode to an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the instruction does.
    #[error("the instruction is cut off")]
    Truncated,
    /// No known instruction has this encoding, or its extension is disabled.
    #[error("illegal instruction {bits:#010x}")]
    Illegal {
        /// The encoding: only 16 bits of it if the low two bits are not `11`.
        bits: u32,
    },
}

/// Why an engine stopped. The program counter is that of the instruction that stopped it, also for [`Exit::Syscall`]:
/// the kernel layer decides where execution resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The environment-call instruction.
    Syscall,
    /// Memory refused an access or a fetch.
    Fault(GuestFault),
    /// The encoding is not an enabled instruction, or is not allowed in this state.
    Illegal {
        /// The encoding.
        bits: u32,
    },
    /// The breakpoint instruction.
    Breakpoint,
    /// [`HartCell::request_stop`] was called, or the instruction budget is used up.
    Interrupted,
    /// The hart waits for an interrupt.
    Wait,
}

/// Executes guest instructions until there is a reason to stop.
pub trait Engine<G: Guest> {
    /// The privileged state that the engine consults.
    type Privilege;
    /// The guest memory the engine works on.
    type Memory;

    /// Makes the engine stop with [`Exit::Interrupted`] after about this many more instructions: at the end of the
    /// block in which they are used up.
    fn limit(&mut self, instructions: u64);

    /// Runs the hart from its pc until an [`Exit`].
    fn run(&mut self, hart: &mut HartOwner<G>, privilege: &mut Self::Privilege, mem: &Self::Memory) -> Exit;

    /// Drops all code that was decoded: it may have changed.
    fn forget_code(&mut self);

    /// The engine's counters so far, by name. A program that takes the same path again gives the same counts, but for
    /// times, whose names end in `-ns`.
    fn statistics(&self) -> Counters;
}

impl<G: Guest, E: Engine<G> + ?Sized> Engine<G> for Box<E> {
    type Privilege = E::Privilege;
    type Memory = E::Memory;

    fn limit(&mut self, instructions: u64) {
        (**self).limit(instructions);
    }

    fn run(&mut self, hart: &mut HartOwner<G>, privilege: &mut Self::Privilege, mem: &Self::Memory) -> Exit {
        (**self).run(hart, privilege, mem)
    }

    fn forget_code(&mut self) {
        (**self).forget_code();
    }

    fn statistics(&self) -> Counters {
        (**self).statistics()
    }
}

/// Observes what an engine decodes and runs.
pub trait Tracer<G: Guest> {
    /// Called after a block has been decoded, with its instructions and their addresses.
    fn decoded(&mut self, insns: &[(u64, G::Insn)]);

    /// Called after a block has been compiled, behind [`Tracer::decoded`].
    fn compiled(&mut self, _insns: &[(u64, G::Insn)], _code: &HostCode<'_>) {}

    /// Whether [`Tracer::entered`] is to be called, which disables the links between blocks.
    fn wants_entries(&self) -> bool;

    /// Called before a block runs, with the state it starts in.
    fn entered(&mut self, cpu: &G::Cpu);
}
