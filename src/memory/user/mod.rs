//! The address space of a user process: its configuration, its limits and the state its operations share.

mod accesses;
mod aio;
mod exec_gain;
mod faults;
mod file_pages;
mod forks;
mod heap;
mod layout;
mod locking;
mod mappings;
mod remap;
mod seals;
mod segments;

use super::vma::{Growing, VmaTree};
use super::window::Window;
use super::{
    AreaObserver, CodeChanges, CodeObserver, CodeWatch, GuestAddr, MlockMode, Prot, Registration, Reports,
    Reservations, SpaceError, Vma,
};
use crate::host::{self, Lock, LockGuard, LockRef, Rank, StopHandle, UringMemory, UringPart};
pub use aio::NewRing;
pub use exec_gain::Mdwe;
use layout::Layout;
use rustix::io::Errno;
use rustix::mm::ProtFlags;
pub use segments::ShmSegment;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut, Range};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

/// The configuration of a user address space.
#[derive(Clone, Debug)]
pub struct SpaceConfig {
    /// The first address past what the guest may map; 2^47 for sv48, 2^38 for sv39, 2^32 for RV32.
    pub limit: GuestAddr,
    /// Whether the identity is wanted: host address = guest address.
    pub identity: bool,
}

/// Where a mapping is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere there is room, from the top of the mmap area down, or at the hint if that is free.
    Anywhere {
        /// The address asked for, page-aligned or rounded down.
        hint: Option<GuestAddr>,
    },
    /// At this address, over whatever is there (MAP_FIXED).
    Fixed(GuestAddr),
    /// At this address, or an error if anything is there (MAP_FIXED_NOREPLACE).
    Exactly(GuestAddr),
}

/// The backing of a mapping.
#[derive(Clone, Debug)]
pub enum Backing<'a> {
    /// Zeroes; optionally with a name for /proc/self/maps.
    Anonymous(Option<&'static str>),
    /// A file from `offset` (page-aligned).
    File {
        /// The open file.
        fd: BorrowedFd<'a>,
        /// Page-aligned offset in bytes.
        offset: u64,
        /// The path the guest knows it by.
        path: Arc<std::path::Path>,
    },
    /// A System V shared memory segment.
    ShmSegment(ShmSegment),
    /// A ring of completions.
    AioRing(&'a NewRing),
    /// A part of the memory of a ring of io_uring.
    Uring {
        /// The memory.
        memory: &'a UringMemory,
        /// The part.
        part: UringPart,
        /// The offset for mmap(2) that stands for it.
        offset: u64,
    },
}

/// The arguments of one mmap.
#[derive(Clone, Debug)]
pub struct MapRequest<'a> {
    /// The place.
    pub place: Place,
    /// The length in bytes, rounded up to pages.
    pub len: u64,
    /// The guest's permissions. WRITE implies READ, as on riscv64 Linux.
    pub prot: Prot,
    /// MAP_SHARED.
    pub shared: bool,
    /// MAP_GROWSDOWN.
    pub grows_down: bool,
    /// MAP_NORESERVE.
    pub noreserve: bool,
    /// MAP_DROPPABLE.
    pub droppable: bool,
    /// MAP_POPULATE.
    pub populate: bool,
    /// MAP_LOCKED, or the mode set by mlockall(2).
    pub lock: MlockMode,
    /// The backing.
    pub backing: Backing<'a>,
}

/// Why a mapping call failed: the errno that the kernel would return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot map guest memory: {0}")]
pub struct MapError(pub rustix::io::Errno);

impl MapRequest<'_> {
    /// A private anonymous mapping.
    pub fn anonymous(place: Place, len: u64, prot: Prot) -> Self {
        Self {
            place,
            len,
            prot,
            shared: false,
            grows_down: false,
            noreserve: false,
            droppable: false,
            populate: false,
            lock: MlockMode::None,
            backing: Backing::Anonymous(None),
        }
    }
}

/// The address space of one user process: a window of host addresses, the areas mapped in it, and
/// the heap. All methods may be called from any thread; accesses take no lock.
pub struct UserSpace {
    window: Window,
    state: Lock<State>,
    growth: GrowthZone,
    code: Arc<CodeChanges>,
    reservations: Reservations,
}

/// The addresses to which the areas that grow down may still grow, and perhaps more. It is read without the lock of the
/// state.
#[derive(Default)]
struct GrowthZone {
    start: AtomicU64,
    end: AtomicU64,
}

impl GrowthZone {
    /// Whether some of the `len` bytes at `addr` are among them.
    fn touches(&self, addr: GuestAddr, len: u64) -> bool {
        addr.0 < self.end.load(Ordering::Acquire) && addr.0.saturating_add(len) > self.start.load(Ordering::Acquire)
    }

    fn set(&self, growing: Option<Growing>, stack_limit: u64) {
        let (start, end) = growing
            .map_or((0, 0), |growing| (growing.lowest_end.0.saturating_sub(stack_limit), growing.highest_start.0));
        self.start.store(start, Ordering::Release);
        self.end.store(end, Ordering::Release);
    }
}

struct State {
    areas: VmaTree,
    heap: Range<u64>,
    /// The size of the program's own data, which RLIMIT_DATA counts with the heap.
    program_data: u64,
    code: Arc<CodeChanges>,
    /// What the thread that holds the lock has reported.
    reports: Reports,
    limits: SpaceLimits,
    layout: Layout,
    /// The lock mode of new mappings (mlockall with MCL_FUTURE).
    lock_future: MlockMode,
    mdwe: Mdwe,
    /// The number of segments attached so far.
    attachments: u64,
    /// The state before the first change of a process that only borrows this memory and has the lock: it may be killed
    /// at any instruction. Whoever takes the lock next then finds this.
    before: Option<Box<State>>,
}

/// The limits of an address space set by setrlimit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceLimits {
    /// RLIMIT_AS: the total size of the areas.
    pub total: u64,
    /// RLIMIT_DATA: the total size of the areas that are [data](Vma::is_data).
    pub data: u64,
    /// RLIMIT_DATA for the heap with the program's own data, which the kernel checks separately.
    pub heap: u64,
    /// RLIMIT_STACK: the size of an area that grows.
    pub stack: u64,
}

impl SpaceLimits {
    /// The beginning of a message about a mapping that failed: the limits that cause it, if any.
    pub fn behind(&self, error: Errno) -> String {
        let finite = |limit: u64| Some(limit).filter(|&limit| limit != u64::MAX);
        if error == Errno::NOMEM { host::memory_limits(finite(self.total), finite(self.data)) } else { String::new() }
    }
}

impl Default for SpaceLimits {
    fn default() -> Self {
        Self { total: u64::MAX, data: u64::MAX, heap: u64::MAX, stack: u64::MAX }
    }
}

impl std::fmt::Debug for UserSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserSpace").field("window", &self.window).finish_non_exhaustive()
    }
}

/// The stack limit for which the layout is made until [`UserSpace::lay_out`] is called.
const USUAL_STACK: u64 = 8 << 20;

fn failed(errno: Errno) -> MapError {
    MapError(errno)
}

/// The host's permissions for a guest page with `prot`. Execution never reaches the host, so an execute-only page is
/// inaccessible there.
fn host_prot(prot: Prot) -> ProtFlags {
    let mut p = ProtFlags::empty();
    p.set(ProtFlags::READ, prot.contains(Prot::READ));
    p.set(ProtFlags::WRITE, prot.contains(Prot::WRITE));
    p
}

/// WRITE implies READ, as in the kernel's protection map for RISC-V.
fn effective(prot: Prot) -> Prot {
    if prot.contains(Prot::WRITE) { prot | Prot::READ } else { prot }
}

impl UserSpace {
    /// Reserves an address space, and makes sure that faults in it are caught.
    pub fn new(config: &SpaceConfig) -> Result<Self, SpaceError> {
        host::fault::install();
        let window = Window::reserve(config.limit.0, config.identity)?;
        let code = CodeChanges::new();
        let state = State {
            areas: VmaTree::default(),
            heap: 0..0,
            program_data: 0,
            code: code.clone(),
            reports: Reports::default(),
            limits: SpaceLimits::default(),
            layout: Layout::new(window.limit(), USUAL_STACK, None),
            lock_future: MlockMode::None,
            mdwe: Mdwe::empty(),
            attachments: 0,
            before: None,
        };
        let state = Lock::new(Rank::Space, state);
        Ok(Self { window, state, growth: GrowthZone::default(), code, reservations: Reservations::default() })
    }

    /// Whether a guest address is the host's, too: the host kernel can then follow pointers within guest memory.
    pub fn is_identity(&self) -> bool {
        self.window.base() == 0
    }

    /// The first address past what can be mapped.
    pub fn limit(&self) -> GuestAddr {
        GuestAddr(self.window.limit())
    }

    /// The lowest address that can be mapped.
    pub fn lowest(&self) -> GuestAddr {
        GuestAddr(self.window.lowest())
    }

    /// The end of the initial stack.
    pub fn stack_top(&self) -> GuestAddr {
        self.state().layout.stack_top
    }

    /// How far the first stack pointer is below the top of the stack, in bytes: less than a page.
    pub fn stack_shift(&self) -> u64 {
        self.state().layout.stack_shift
    }

    /// Where a position-independent program goes: two thirds up, as in the kernel.
    pub fn dynamic_base(&self) -> GuestAddr {
        self.state().layout.program
    }

    /// Decides where the stack, the mmap area, position-independent programs and the heap are, for a stack of at most
    /// `stack` bytes. The kernel does so at execve: later changes of the limit move nothing. `seed` takes the place
    /// of the kernel's random numbers; the same seed gives the same layout. Must be called before anything is mapped.
    pub fn lay_out(&self, stack: u64, seed: Option<u64>) {
        let mut state = self.state();
        state.layout = Layout::new(self.window.limit(), stack, seed);
        state.limits.stack = stack;
    }

    /// The limits. At first there are none.
    pub fn limits(&self) -> SpaceLimits {
        self.state().limits
    }

    /// Registers the engine of a hart with this stop flag. The engine learns of all code that changes from now on.
    pub fn watch_code(&self, stop: StopHandle) -> CodeWatch {
        self.code.register(stop)
    }

    /// Says whether one thread alone uses this memory. See [`CodeChanges::set_only_thread`].
    pub fn set_only_thread(&self, is_only: bool) {
        self.code.set_only_thread(is_only);
    }

    /// Tells the observer, of which there is at most one, of all code that changes from now on.
    pub fn observe_code(&self, observer: Arc<dyn CodeObserver>) {
        self.code.observe(observer);
    }

    /// Reports all further changes of the areas to the observer.
    pub fn observe_areas(&self, observer: Arc<dyn AreaObserver>) {
        self.state().areas.observe(observer);
    }

    /// Sets the limits for further changes of the areas.
    pub fn set_limits(&self, limits: SpaceLimits) {
        self.state().limits = limits;
    }

    /// The offset from guest addresses to those in the host's own /proc.
    pub fn host_offset(&self) -> u64 {
        self.window.base()
    }

    /// Returns once no engine runs code that was decoded from `range` before.
    ///
    /// All calls that unmap, replace, move or protect executable memory wait in the same way. The calling thread must
    /// not be running guest code and must not hold a lock.
    pub fn code_changed(&self, range: Range<GuestAddr>) {
        self.code.report(&range).wait();
    }

    /// The locks that are held while the process forks.
    pub fn locks(&self) -> Vec<LockRef<'_>> {
        [self.state.erased(), self.code.lock()].into_iter().chain(self.code.observer_lock()).collect()
    }

    /// Called after a process that shared the address space has been killed while its engine ran: nobody waits for the
    /// engine any more, and a store-conditional that it has left unfinished is over.
    pub fn engine_was_killed(&self, engine: &Registration) {
        self.code.remove(engine);
        self.reservations.end_claims();
    }

    fn state(&self) -> StateGuard<'_> {
        let mut guard = self.state.lock();
        if guard.before.is_some() {
            guard.undo();
        }
        StateGuard { guard: ManuallyDrop::new(guard), growth: &self.growth }
    }
}

/// The state, locked. Once it is unlocked, the thread waits for the engines that run code whose change it reported.
struct StateGuard<'a> {
    guard: ManuallyDrop<LockGuard<'a, State>>,
    growth: &'a GrowthZone,
}

impl Deref for StateGuard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.guard
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        if host::is_in_others_memory() {
            self.guard.keep_copy();
        }
        &mut self.guard
    }
}

impl Drop for StateGuard<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.guard.before.take() {
            // A copy that is being dropped must not be gone back to.
            compiler_fence(Ordering::SeqCst);
            drop(before);
        }
        self.growth.set(self.guard.areas.growing(), self.guard.limits.stack);
        let reports = std::mem::take(&mut self.guard.reports);
        // SAFETY: nothing uses the guard afterwards.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
        reports.wait();
    }
}

impl State {
    /// Checks that the limits let the areas grow by `more` bytes, of data or not.
    fn check_growth(&self, more: u64, is_data: bool) -> Result<(), MapError> {
        let fits = |now: u64, limit: u64| now.saturating_add(more) <= limit;
        let allowed =
            fits(self.areas.total(), self.limits.total) && (!is_data || fits(self.areas.data(), self.limits.data));
        if allowed { Ok(()) } else { Err(failed(Errno::NOMEM)) }
    }

    /// Reports that the code in `range` has changed. Under the lock, so that a thread which maps the range next finds
    /// it reported; the waiting comes after it.
    fn notify(&mut self, range: &Range<GuestAddr>) {
        self.reports.append(self.code.report(range));
    }

    /// Reports ranges in order, adjacent ones joined.
    fn notify_joined(&mut self, ranges: impl IntoIterator<Item = Range<GuestAddr>>) {
        let mut pending: Option<Range<GuestAddr>> = None;
        for range in ranges {
            match &mut pending {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => {
                    if let Some(done) = pending.replace(range) {
                        self.notify(&done);
                    }
                }
            }
        }
        if let Some(last) = pending {
            self.notify(&last);
        }
    }

    /// Reports those of the areas that were executable.
    fn notify_replaced(&mut self, areas: &[Vma]) {
        self.notify_joined(areas.iter().filter(|v| v.prot.contains(Prot::EXEC)).map(|v| v.range.clone()));
    }
}
