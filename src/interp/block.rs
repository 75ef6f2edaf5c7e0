//! Pre-decoded code: records of one size, one after the other, and behind those that end a block
//! where its exits lead.

use super::Leave;
use super::env::Env;
use crate::guest::riscv::Cpu;
use remu_isa::Insn;

/// The guest memory of the interpreter that a block belongs to, whose type its handlers know.
pub(super) enum Memory {}

/// Executes the record and all that follow, until there is a reason to return to the loop.
///
/// `sysv64` passes all arguments in registers, where they stay from handler to handler. `last` is what
/// was last written to an integer register in this block: see [`Forward`]; `fuel` counts down the
/// instructions of the slice, by whole blocks.
///
/// # Safety
/// The pointers are those of a running [`Interp`](super::Interp): valid, the CPU and environment
/// borrowed by nobody else, and the slot a record of a block in its cache.
pub(super) type Handler = unsafe extern "sysv64" fn(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    last: u64,
    fuel: i64,
) -> Leave;

/// Which source operands are the result of the instruction before, as far as integer registers go.
/// That result is handed on in a host register: reading it back from the state would cost the latency
/// of a store and a load, several times that of most instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forward(pub u8);

impl Forward {
    /// The first source.
    pub const RS1: u8 = 1;
    /// The second source.
    pub const RS2: u8 = 2;
}

/// One instruction, ready to run.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    pub handler: Handler,
    /// Expanded; a destination x0 is the sink register, except where the op also reads it.
    pub insn: Insn,
    /// How many instructions of the block come before this one.
    pub before: u32,
    /// The guest address.
    pub pc: u64,
}

/// Where a block goes when it ends in a branch, a direct jump, or by its length: the first record of
/// the next block, or null while that is not known.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Exits {
    pub taken: *const Slot,
    pub fallthrough: *const Slot,
    pub taken_pc: u64,
    pub fallthrough_pc: u64,
}

/// A record or, behind the last one, exits.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Slot {
    pub record: Record,
    pub exits: Exits,
}

const _: () = assert!(size_of::<Slot>() == 32);

/// One of the two links of an [`Exits`], to be set when its target is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(pub *mut *const Slot);

/// Slots that stay where they are: blocks point into each other.
pub(super) struct Arena {
    chunks: Vec<Vec<Slot>>,
    used: usize,
}

/// Slots per chunk, 64 KiB. A block never needs more.
const CHUNK: usize = 2048;

impl Arena {
    pub fn new() -> Self {
        Self { chunks: Vec::new(), used: 0 }
    }

    /// Copies a block in; the pointer is valid until [`Arena::clear`].
    pub fn push(&mut self, slots: &[Slot]) -> *mut Slot {
        assert!(slots.len() <= CHUNK, "blocks are limited in length");
        if self.chunks.last().is_none_or(|c| c.len() + slots.len() > CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.last_mut().expect("there is one now");
        let at = chunk.len();
        chunk.extend_from_slice(slots);
        self.used += slots.len();
        // SAFETY: the chunk has more than `at` elements. Not a reference to them: other blocks point in here.
        unsafe { chunk.as_mut_ptr().add(at) }
    }

    /// How many slots are in use, by live blocks or dropped ones.
    pub fn used(&self) -> usize {
        self.used
    }

    pub fn clear(&mut self) {
        self.chunks.clear();
        self.used = 0;
    }
}
