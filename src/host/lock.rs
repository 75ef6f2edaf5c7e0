//! The lock of all data that threads share.
//!
//! Every lock has a [`Rank`]. A thread takes locks in the order of their ranks only, so no two threads can wait for
//! each other; debug builds check this at every lock. The futex word is ours, which the standard library's is not:
//! fork takes [a set of locks](LockSet) inside its own order, and a parent [releases](release_of_child) what a killed
//! vfork child held.
//!
//! There is no poisoning. A panic is a bug: it is reported and ends the process at once, so no other thread goes on
//! with what the panicking one left. Where a panic unwinds, as in tests, the guard releases the lock.

use super::pass::syscall;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering, compiler_fence};

/// All locks in the order in which a thread may take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rank {
    /// Held while a process is made or a program executed.
    MakingProcesses,
    /// What threads leave to their runner when they end.
    EndedThreads,
    /// The threads of a process.
    Threads,
    /// The filters of a thread's system calls.
    Seccomp,
    /// The signals of a process that the host does not keep.
    ProcessSignals,
    /// The resource limits of a process that bind its address space.
    Limits,
    /// The actions of signals.
    SignalActions,
    /// The unfinished reads of files under /proc.
    ProcReads,
    /// The rings of io_uring.
    Rings,
    /// What a process was told once to be missing.
    Reported,
    /// The summary and the times of traced calls.
    Trace,
    /// What the engines of a process share.
    Engines,
    /// The names of emitted code, for profilers.
    CodeMap,
    /// The areas of an address space and what belongs to them.
    Space,
    /// The ranges of changed code that an engine has not handled.
    ChangedCode,
    /// The translated code that engines share.
    CodeCache,
    /// The lines of a log.
    Log,
    /// The gate that keeps other threads from allocating while one forks.
    AllocatorGate,
    /// Memory of remu's own beyond the C library's. Whoever holds another lock may allocate, so it is the last.
    SpareMemory,
}

const FREE: u32 = 0;

/// Set in the word if a thread may sleep until the lock is free.
const CONTENDED: u32 = 1 << 31;

/// The owner in the word of a lock that a thread of this process holds. Other owners are vfork children.
const THREAD: u32 = 1;

/// How many locks a vfork child can hold or wait for at a time: all ranks, and a [`LockSet`] with several of one rank.
const OF_CHILD: usize = 64;

/// How often a locked word is read before the thread sleeps: a lock is held briefly, and a sleep takes microseconds.
const SPINS: u32 = 100;

thread_local! {
    // Constants without destructors, so that the allocator and a vfork child may use them.

    /// The owner that this thread writes into words.
    static OWNER: Cell<u32> = const { Cell::new(THREAD) };

    /// The words that the vfork child which runs on this thread's memory holds, waits for or is just releasing.
    static OF_CHILD_WORDS: [AtomicPtr<Word>; OF_CHILD] =
        const { [const { AtomicPtr::new(std::ptr::null_mut()) }; OF_CHILD] };
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
        if owner != THREAD {
            self.note_for_parent();
        }
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
        let was = self.0.swap(FREE, Ordering::Release);
        if was != THREAD {
            self.after_release(was);
        }
    }

    #[cold]
    fn after_release(&self, was: u32) {
        if was & CONTENDED != 0 {
            wake(&self.0, 1);
        }
        if was & !CONTENDED != THREAD {
            OF_CHILD_WORDS.with(|words| {
                let ours = words.iter().find(|word| std::ptr::eq(word.load(Ordering::Relaxed), self));
                // A fork child of a vfork child has the list, too.
                if let Some(word) = ours {
                    compiler_fence(Ordering::SeqCst);
                    word.store(std::ptr::null_mut(), Ordering::Relaxed);
                }
            });
        }
    }

    /// Notes the word for the parent of this vfork child, before it is taken: a kill may come at any instruction.
    fn note_for_parent(&self) {
        OF_CHILD_WORDS.with(|words| {
            let free = words.iter().find(|word| word.load(Ordering::Relaxed).is_null());
            let free = free.expect("a vfork child holds few locks");
            free.store(std::ptr::from_ref(self).cast_mut(), Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
        });
    }
}

/// What a thread needs to know again after its vfork child has ended.
pub(super) struct BeforeChild {
    owner: u32,
    order: order::Held,
}

/// Has this thread's memory take locks as a vfork child, until [`release_of_child`] is called.
pub(super) fn enter_child() -> BeforeChild {
    static LAST: AtomicU32 = AtomicU32::new(THREAD);
    let owner = loop {
        // Numbers come again after 2^31 children, of which all but a few have ended.
        let next = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & !CONTENDED;
        if next > THREAD {
            break next;
        }
    };
    BeforeChild { owner: OWNER.replace(owner), order: order::held() }
}

/// Releases the locks that the vfork child held at its end; returns whether there were any. What such a lock protects
/// is as the child left it, perhaps in the middle of a change.
///
/// The locks must still exist: a child takes only locks that its parent keeps alive.
pub(super) fn release_of_child(before: BeforeChild) -> bool {
    let child = OWNER.replace(before.owner);
    order::set_held(before.order);
    let mut held = false;
    OF_CHILD_WORDS.with(|words| {
        for noted in words {
            // SAFETY: null, or the word of a lock that the child was using and that outlives it: see above.
            let Some(word) = (unsafe { noted.load(Ordering::Relaxed).as_ref() }) else { continue };
            let now = word.0.load(Ordering::Relaxed);
            // A child that itself was a vfork child's parent leaves the locks of the latter in the list.
            if now & !CONTENDED == child {
                held = true;
                word.0.store(FREE, Ordering::Release);
            } else if now & !CONTENDED == before.owner && before.owner != THREAD {
                continue;
            }
            noted.store(std::ptr::null_mut(), Ordering::Relaxed);
            // The child may have been killed before it woke somebody, or after it was woken itself.
            wake(&word.0, 1);
        }
    });
    held
}

/// Whether this process runs in the memory of another one, which goes on when this one is killed.
#[inline]
pub fn is_in_others_memory() -> bool {
    OWNER.get() != THREAD
}

/// Makes the only thread of a forked process an ordinary one, whoever it was a copy of.
pub(super) fn forget_vfork_child() {
    OWNER.set(THREAD);
    OF_CHILD_WORDS.with(|words| words.iter().for_each(|word| word.store(std::ptr::null_mut(), Ordering::Relaxed)));
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

impl<T: ?Sized> Lock<T> {
    /// The lock without its value, for a [`LockSet`].
    pub fn erased(&self) -> LockRef<'_> {
        LockRef { word: &self.word, rank: self.rank }
    }
}

/// A lock without its value.
#[derive(Clone, Copy, Debug)]
pub struct LockRef<'a> {
    word: &'a Word,
    rank: Rank,
}

/// Locks that are taken together: those whose values must be whole in the child of a fork.
#[derive(Debug, Default)]
pub struct LockSet<'a>(Vec<LockRef<'a>>);

impl<'a> LockSet<'a> {
    /// A set of locks, in any order. A lock may be named twice.
    pub fn new(mut locks: Vec<LockRef<'a>>) -> Self {
        let place = |lock: &LockRef<'_>| (lock.rank, std::ptr::from_ref(lock.word).addr());
        locks.sort_by_key(place);
        locks.dedup_by_key(|lock| place(lock));
        Self(locks)
    }

    /// Checks that the calling thread may take them.
    ///
    /// # Panics
    /// As [`Self::lock`].
    pub fn check_order(&self) {
        if let Some(first) = self.0.first() {
            order::check(first.rank);
        }
    }

    /// Takes all of them in the order of their ranks, those of one rank by address. Allocates nothing.
    ///
    /// # Panics
    /// In debug builds, if this thread holds a lock of the lowest rank in the set or a higher one.
    pub fn lock(&self) -> LockSetGuard<'_> {
        self.check_order();
        for lock in &self.0 {
            if !lock.word.try_take() {
                lock.word.take_slowly();
            }
            order::taken(lock.rank);
        }
        LockSetGuard { locks: &self.0, of_this_thread: PhantomData }
    }
}

/// Holds the locks of a [`LockSet`] until it is dropped, in the parent and in the child of a fork.
#[must_use = "the locks are released when the guard is dropped"]
#[derive(Debug)]
pub struct LockSetGuard<'a> {
    locks: &'a [LockRef<'a>],
    of_this_thread: PhantomData<*const ()>,
}

impl Drop for LockSetGuard<'_> {
    fn drop(&mut self) {
        for lock in self.locks.iter().rev() {
            order::released(lock.rank);
            lock.word.release();
        }
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
            MakingProcesses,
            EndedThreads,
            Threads,
            Seccomp,
            ProcessSignals,
            Limits,
            SignalActions,
            ProcReads,
            Rings,
            Reported,
            Trace,
            Engines,
            CodeMap,
            Space,
            ChangedCode,
            CodeCache,
            Log,
            AllocatorGate,
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

    /// How many locks of each rank are held.
    pub(super) type Held = [u8; RANKS];

    pub(super) fn held() -> Held {
        HELD.with(|held| std::array::from_fn(|i| held[i].get()))
    }

    pub(super) fn set_held(counts: Held) {
        HELD.with(|held| held.iter().zip(counts).for_each(|(held, count)| held.set(count)));
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

    pub(super) type Held = ();

    pub(super) fn held() -> Held {}

    pub(super) fn set_held((): Held) {}
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
