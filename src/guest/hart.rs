//! One hart: its state, owned by one thread, and the flag that other threads may set.

use super::Guest;
use crate::host::StopFlag;
use std::cell::UnsafeCell;
use std::fmt;
use std::mem::offset_of;
use std::sync::Arc;

/// The number of [`EngineWords`].
pub const ENGINE_WORDS: usize = 21;

/// Words before the CPU state for the engine that runs the hart: what emitted code needs at a fixed displacement from
/// the state. They mean nothing between two runs.
pub type EngineWords = [u64; ENGINE_WORDS];

/// A hart as threads, signal handlers and emitted code share it.
///
/// Each cell has one [`HartOwner`], which owns the CPU state and belongs to the thread that runs the hart. Other threads
/// access only the flag.
#[repr(C, align(16))]
pub struct HartCell<G: Guest> {
    words: UnsafeCell<EngineWords>,
    /// Zero, so that the flag is the upper half of a word. Keeps the displacement the same for states aligned to 8 and to
    /// 16 bytes.
    before: u32,
    stop: StopFlag,
    cpu: UnsafeCell<G::Cpu>,
}

// SAFETY: the flag is atomic. The state and the words are accessed only through the cell's one `HartOwner`: a shared
// reference to the owner cannot write them, and an exclusive one is held by one thread at a time. The last `Arc` may
// drop the state on another thread, hence `Send`; `&HartOwner` hands out `&Cpu`, hence `Sync`.
unsafe impl<G: Guest> Sync for HartCell<G> where G::Cpu: Send + Sync {}

impl<G: Guest> HartCell<G> {
    /// The displacement of the stop flag from the CPU state, in bytes. It is the same for every guest, and emitted
    /// code relies on it.
    pub const STOP: isize = -4;

    /// The displacement of the word whose upper half is the stop flag and whose lower half is zero.
    pub const STOP_WORD: isize = -8;

    /// The displacement of the [`EngineWords`] from the CPU state, in bytes. It is the same for every guest.
    pub const WORDS: isize = Self::STOP_WORD - size_of::<EngineWords>() as isize;

    /// Asks the engine to leave with [`Exit::Interrupted`](super::Exit::Interrupted). It does so at the end of a
    /// block, within a bounded number of instructions. Async-signal-safe.
    pub fn request_stop(&self) {
        self.stop.raise(StopFlag::LEAVE);
    }

    /// Withdraws the request; true if there was one.
    pub fn take_stop(&self) -> bool {
        self.stop.lower(StopFlag::LEAVE) != 0
    }

    /// The flag itself, for engines that test it in their inner loop.
    pub fn stop_flag(&self) -> &StopFlag {
        const {
            assert!(offset_of!(Self, before) as isize - offset_of!(Self, cpu) as isize == Self::STOP_WORD);
            assert!(offset_of!(Self, stop) as isize - offset_of!(Self, cpu) as isize == Self::STOP);
            assert!(offset_of!(Self, words) as isize - offset_of!(Self, cpu) as isize == Self::WORDS);
        }
        &self.stop
    }
}

impl<G: Guest> AsRef<StopFlag> for HartCell<G> {
    fn as_ref(&self) -> &StopFlag {
        self.stop_flag()
    }
}

impl<G: Guest> fmt::Debug for HartCell<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HartCell").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// The exclusive access to the state of a hart. The thread that runs the hart owns it and lends it to the engine. It can
/// move to another thread, for example when a new thread starts.
pub struct HartOwner<G: Guest> {
    cell: Arc<HartCell<G>>,
}

impl<G: Guest> HartOwner<G> {
    /// A hart in the given state.
    pub fn new(cpu: G::Cpu) -> Self {
        let cell = HartCell {
            words: UnsafeCell::new([0; ENGINE_WORDS]),
            before: 0,
            stop: StopFlag::new(),
            cpu: UnsafeCell::new(cpu),
        };
        Self { cell: Arc::new(cell) }
    }

    /// The cell, for other threads and the thread's signal handler.
    pub fn cell(&self) -> &Arc<HartCell<G>> {
        &self.cell
    }

    /// The CPU state.
    pub fn cpu(&self) -> &G::Cpu {
        // SAFETY: the state is accessed only through this owner, which is borrowed for as long as the reference lives.
        unsafe { &*self.cell.cpu.get() }
    }

    /// The CPU state, mutably.
    pub fn cpu_mut(&mut self) -> &mut G::Cpu {
        // SAFETY: the state is accessed only through this owner, which is borrowed exclusively.
        unsafe { &mut *self.cell.cpu.get() }
    }

    /// The CPU state and the stop flag, for a running engine.
    pub fn running(&mut self) -> (&mut G::Cpu, &StopFlag) {
        // SAFETY: as in `cpu_mut`. The flag is a different field.
        (unsafe { &mut *self.cell.cpu.get() }, self.cell.stop_flag())
    }

    /// The words for the engine that runs the hart.
    pub fn words_mut(&mut self) -> &mut EngineWords {
        // SAFETY: the words are accessed only through this owner, which is borrowed exclusively.
        unsafe { &mut *self.cell.words.get() }
    }

    /// The CPU state for emitted code, which also accesses what lies at a fixed displacement from it. The pointer is
    /// valid as long as the owner is not used otherwise.
    pub fn as_ptr(&mut self) -> *mut G::Cpu {
        // The pointer is made from one to the whole cell.
        let cell = Arc::as_ptr(&self.cell).cast_mut();
        cell.wrapping_byte_add(offset_of!(HartCell<G>, cpu)).cast()
    }
}

impl<G: Guest> fmt::Debug for HartOwner<G>
where
    G::Cpu: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HartOwner").field("cell", &self.cell).field("cpu", self.cpu()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::riscv::{Cpu, Rv32, Rv64};
    use remu_isa::Isa;

    fn displacement<G: Guest>(cpu: G::Cpu) -> isize {
        let mut hart = HartOwner::<G>::new(cpu);
        let (cpu, stop) = hart.running();
        std::ptr::from_ref(stop).addr() as isize - std::ptr::from_ref(cpu).addr() as isize
    }

    #[test]
    fn the_stop_flag_has_a_fixed_displacement_from_the_state() {
        assert_eq!(displacement::<Rv64>(Cpu::new(Isa::rv64_max())), HartCell::<Rv64>::STOP);
        assert_eq!(displacement::<Rv32>(Cpu::new(Isa::rv32_max())), HartCell::<Rv32>::STOP);
    }

    #[test]
    fn an_owner_moves_to_another_thread_and_the_flag_stays_reachable() {
        let mut hart = HartOwner::<Rv64>::new(Cpu::new(Isa::rv64_max()));
        let cell = hart.cell().clone();
        let thread = std::thread::spawn(move || {
            while !hart.cell().take_stop() {
                hart.cpu_mut().instret += 1;
                std::thread::yield_now();
            }
            hart
        });
        cell.request_stop();
        let hart = thread.join().unwrap();
        drop(cell);
        assert_eq!(Arc::strong_count(hart.cell()), 1, "nothing else keeps the cell");
    }
}
