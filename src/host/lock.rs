//! The lock of all data that threads share.
//!
//! Every lock has a [`Rank`]. A thread takes locks in the order of their ranks only, so no two threads can wait for
//! each other; debug builds check this at every lock.
//!
//! There is no poisoning. A panic is a bug: it is reported and ends the process at once, so no other thread goes on
//! with what the panicking one left. Where a panic unwinds, as in tests, the guard releases the lock.

use super::pass::syscall;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};

/// All locks in the order in which a thread may take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rank {
    /// The counters of engines whose threads have ended.
    Statistics,
    /// The threads of a process.
    Threads,
    /// Signals that a thread has left behind.
    HandedOn,
    /// The resource limits of a process that bind its address space.
    Limits,
    /// The actions of signals.
    SignalActions,
    /// The unfinished reads of files under /proc.
    ProcReads,
    /// What a process was told once to be missing.
    Reported,
    /// The summary and the times of traced calls.
    Trace,
    /// The areas of an address space and what belongs to them.
    Space,
    /// The ranges of changed code that an engine has not handled.
    ChangedCode,
    /// The lines of a log.
    Log,
    /// Memory of remu's own beyond the C library's. Whoever holds another lock may allocate, so it is the last.
    SpareMemory,
}

const FREE: u32 = 0;

/// Set in the word if a thread may sleep until the lock is free.
const CONTENDED: u32 = 1 << 31;

/// The owner in the word of a lock that a thread of this process holds. Larger ones are vfork children.
const THREAD: u32 = 1;

/// How often a locked word is read before the thread sleeps: a lock is held briefly, and a sleep takes microseconds.
const SPINS: u32 = 100;

thread_local! {
    // Constants without destructors, so that the allocator and a vfork child may use them.

    /// The owner that this thread writes into words.
    static OWNER: Cell<u32> = const { Cell::new(THREAD) };
}

/// The word of a lock.
#[derive(Debug)]
struct Word(AtomicU32);

impl Word {
    /// Whether the lock was free and is now the caller's.
    #[inline]
    fn try_take(&self) -> bool {
        OWNER.get() == THREAD && self.0.compare_exchange(FREE, THREAD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slowly(&self) {
        let owner = OWNER.get();
        for _ in 0..SPINS {
            match self.0.load(Ordering::Relaxed) {
                FREE if self.0.compare_exchange(FREE, owner, Ordering::Acquire, Ordering::Relaxed).is_ok() => return,
                held if held & CONTENDED != 0 => break,
                _ => std::hint::spin_loop(),
            }
        }
        // From here on other threads may sleep, too: whoever has slept takes the lock as contended.
        loop {
            let now = self.0.load(Ordering::Relaxed);
            let new = if now == FREE { owner | CONTENDED } else { now | CONTENDED };
            if now != new && self.0.compare_exchange(now, new, Ordering::Acquire, Ordering::Relaxed).is_err() {
                continue;
            }
            if now == FREE {
                return;
            }
            sleep(&self.0, new);
        }
    }

    #[inline]
    fn release(&self) {
        if self.0.swap(FREE, Ordering::Release) & CONTENDED != 0 {
            wake(&self.0, 1);
        }
    }
}

/// Sleeps until the word is no longer `value` or a wake-up comes, which may be a stray one.
pub fn sleep(word: &AtomicU32, value: u32) {
    let operation = (libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG) as u64;
    // SAFETY: the kernel reads the word, which is live, and no timeout.
    let _ = unsafe { syscall(libc::SYS_futex, [word.as_ptr() as u64, operation, value.into(), 0, 0, 0]) };
}

/// Wakes up to `count` threads of this process that sleep at the word.
#[cold]
pub fn wake(word: &AtomicU32, count: i32) {
    let operation = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG) as u64;
    // SAFETY: the kernel only uses the address of the word.
    let _ = unsafe { syscall(libc::SYS_futex, [word.as_ptr() as u64, operation, count as u64, 0, 0, 0]) };
}

/// A value that one thread at a time has access to.
pub struct Lock<T: ?Sized> {
    word: Word,
    rank: Rank,
    value: UnsafeCell<T>,
}

// SAFETY: the value is only reached through a guard, of which there is one at a time, and through exclusive
// references. So a shared lock only moves the value between threads.
unsafe impl<T: ?Sized + Send> Sync for Lock<T> {}
// SAFETY: the lock owns its value.
unsafe impl<T: ?Sized + Send> Send for Lock<T> {}

// A panic with the lock held is a bug that ends the process: see the module.
impl<T: ?Sized> UnwindSafe for Lock<T> {}
impl<T: ?Sized> RefUnwindSafe for Lock<T> {}

impl<T> Lock<T> {
    /// A free lock.
    pub const fn new(rank: Rank, value: T) -> Self {
        Self { word: Word(AtomicU32::new(FREE)), rank, value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits until the lock is free, and takes it.
    ///
    /// # Panics
    /// In debug builds, if this thread holds a lock of the same or a higher rank.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        order::check(self.rank);
        if !self.word.try_take() {
            self.word.take_slowly();
        }
        order::taken(self.rank);
        LockGuard { lock: self, of_this_thread: PhantomData }
    }
}

/// Does not wait for the lock, so the value is not shown.
impl<T: ?Sized> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("rank", &self.rank).finish_non_exhaustive()
    }
}

/// Called before a thread waits for another one.
///
/// # Panics
/// In debug builds, if this thread holds a lock.
#[inline]
pub fn assert_no_lock_is_held() {
    order::check_none();
}

/// Access to the value of a lock. Dropping it releases the lock, which the thread that took it must do.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a, T: ?Sized> {
    lock: &'a Lock<T>,
    of_this_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared access to the value alone.
unsafe impl<T: ?Sized + Sync> Sync for LockGuard<'_, T> {}

impl<T: ?Sized> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held as long as the guard lives, so nobody else refers to the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        order::released(self.lock.rank);
        self.lock.word.release();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The ranks that a thread holds; debug builds keep them.
#[cfg(debug_assertions)]
mod order {
    use super::Rank;
    use std::cell::Cell;

    const RANKS: usize = Rank::SpareMemory as usize + 1;

    thread_local! {
        /// How many locks of each rank are held. A constant without a destructor: the allocator uses it.
        static HELD: [Cell<u8>; RANKS] = const { [const { Cell::new(0) }; RANKS] };
    }

    /// All ranks, to name the one of an index.
    const NAMES: [Rank; RANKS] = {
        use Rank::*;
        [
            Statistics,
            Threads,
            HandedOn,
            Limits,
            SignalActions,
            ProcReads,
            Reported,
            Trace,
            Space,
            ChangedCode,
            Log,
            SpareMemory,
        ]
    };

    pub(super) fn check(rank: Rank) {
        let highest = HELD.with(|held| held.iter().rposition(|count| count.get() != 0));
        if let Some(index) = highest.filter(|&index| index >= rank as usize) {
            panic!("the lock {rank:?} is taken while {:?} is held, against their order", NAMES[index]);
        }
    }

    pub(super) fn check_none() {
        let highest = HELD.with(|held| held.iter().rposition(|count| count.get() != 0));
        if let Some(index) = highest {
            panic!("the lock {:?} is held by a thread that waits for another one", NAMES[index]);
        }
    }

    pub(super) fn taken(rank: Rank) {
        HELD.with(|held| held[rank as usize].set(held[rank as usize].get() + 1));
    }

    pub(super) fn released(rank: Rank) {
        HELD.with(|held| held[rank as usize].set(held[rank as usize].get() - 1));
    }
}

/// Release builds trust the order that debug builds have checked.
#[cfg(not(debug_assertions))]
mod order {
    use super::Rank;

    #[inline(always)]
    pub(super) fn check(_: Rank) {}

    #[inline(always)]
    pub(super) fn check_none() {}

    #[inline(always)]
    pub(super) fn taken(_: Rank) {}

    #[inline(always)]
    pub(super) fn released(_: Rank) {}
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
