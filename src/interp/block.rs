//! Pre-decoded code: fixed-size records, one after the other. Records that end a block are followed by its exits.

use super::Leave;
use super::env::Env;
use crate::guest::Reg;
use crate::guest::riscv::Cpu;
use remu_isa::Insn;

/// The guest memory of the interpreter that owns the block. Its handlers know the actual type.
pub(super) enum Memory {}

/// Executes the record and those that follow, until there is a reason to return to the loop.
///
/// `sysv64` passes all arguments in registers, where they stay from handler to handler. `last` is the value last
/// written to an integer register in this block: see [`Variant`]. `fuel` is what is left of the slice, in
/// instructions; it is charged by whole blocks.
///
/// # Safety
/// The pointers are those of a running [`Interp`](super::Interp): valid, the CPU and environment
/// not borrowed elsewhere, and the slot a record of a block in its cache.
pub(super) type Handler = unsafe extern "sysv64" fn(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    last: u64,
    fuel: i64,
) -> Leave;

/// The variant of a handler: a set of these bits.
///
/// A source that is the result of the instruction before is passed on in a host register. Reading it back from the state
/// would cost the latency of a store and a load, several times that of most instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant(pub u8);

impl Variant {
    /// The first source is forwarded.
    pub const RS1: u8 = 1;
    /// The second source is forwarded.
    pub const RS2: u8 = 2;
    /// Instructions are aligned to four bytes, so a control transfer checks its target. Nothing is forwarded.
    pub const ALIGNED: u8 = 4;
}

/// The scratch register that a destination x0 is replaced by where nothing else depends on it, so that handlers need
/// not test for x0.
pub(super) const SINK: Reg = 32;

/// One instruction, ready to run.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    pub handler: Handler,
    /// Expanded. A destination x0 may be replaced by [`SINK`].
    pub insn: Insn,
    /// The number of instructions before this one in the block.
    pub before: u32,
    /// The guest address.
    pub pc: u64,
}

/// Where a block continues when it ends in a branch, in a direct jump, or at its maximum length: the first record of
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

/// One of the two links of an [`Exits`], to be set once its target is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(pub *mut *const Slot);

/// Slots with stable addresses, since blocks point into each other.
pub(super) struct Arena {
    /// The first chunk, which is enough for many engines. It never grows, so it can be freed whatever became of a thread
    /// that was pushing.
    first: Vec<Slot>,
    chunks: Vec<Vec<Slot>>,
    used: usize,
}

/// Slots per chunk, 64 KiB. A block never needs more.
const CHUNK: usize = 2048;

impl Arena {
    pub fn new() -> Self {
        Self { first: Vec::with_capacity(CHUNK), chunks: Vec::new(), used: 0 }
    }

    /// Copies a block in; the pointer is valid until [`Arena::clear`].
    ///
    /// # Panics
    /// If the block is empty or longer than [`CHUNK`].
    pub fn push(&mut self, slots: &[Slot]) -> *mut Slot {
        assert!((1..=CHUNK).contains(&slots.len()), "blocks are limited in length");
        let is_full = |chunk: &Vec<Slot>| chunk.len() + slots.len() > CHUNK;
        if is_full(self.chunks.last().unwrap_or(&self.first)) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.last_mut().unwrap_or(&mut self.first);
        let at = chunk.len();
        chunk.extend_from_slice(slots);
        self.used += slots.len();
        // SAFETY: the chunk has more than `at` elements, since a block has at least one. No reference to them is made:
        // other blocks point in here.
        unsafe { chunk.as_mut_ptr().add(at) }
    }

    /// How many slots are in use, by live and by dropped blocks.
    pub fn used(&self) -> usize {
        self.used
    }

    pub fn clear(&mut self) {
        self.first.clear();
        self.chunks.clear();
        self.used = 0;
    }

    /// Frees the first chunk and leaks the others, whose list may be half changed.
    pub fn abandon(self) {
        std::mem::forget(self.chunks);
    }
}
