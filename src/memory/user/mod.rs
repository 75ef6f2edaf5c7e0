//! The address space of a user process: how it is laid out, and what the parts of it share.

mod accesses;
mod faults;
mod heap;
mod layout;
mod mappings;
mod remap;
mod segments;

use super::vma::VmaTree;
use super::window::Window;
use super::{CodeObserver, GuestAddr, PAGE_SIZE, Prot, SpaceError, Vma};
use crate::host;
use layout::Shifts;
use rustix::io::Errno;
use rustix::mm::ProtFlags;
use rustix::process::Resource;
pub use segments::Segment;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// How to lay out a user address space.
#[derive(Clone, Debug)]
pub struct SpaceConfig {
    /// The first address past what the guest may map; 2^47 for sv48, 2^38 for sv39, 2^32 for RV32.
    pub limit: GuestAddr,
    /// Whether host address = guest address is wanted.
    pub identity: bool,
}

/// Where a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere there is room, from the top of the mmap area down; at the hint if that is free.
    Anywhere {
        /// The address asked for, page-aligned or rounded down.
        hint: Option<GuestAddr>,
    },
    /// At this address, over whatever is there (MAP_FIXED).
    Fixed(GuestAddr),
    /// At this address, or not at all if anything is there (MAP_FIXED_NOREPLACE).
    Exactly(GuestAddr),
}

/// What is behind a mapping.
#[derive(Clone, Debug)]
pub enum Backing<'a> {
    /// Zeroes; with a name for /proc/self/maps or none.
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
    Segment(Segment),
}

/// One mmap.
#[derive(Clone, Debug)]
pub struct MapRequest<'a> {
    /// Where.
    pub place: Place,
    /// Bytes, rounded up to pages.
    pub len: u64,
    /// The guest's permissions. WRITE implies READ, as on the kernel's riscv64.
    pub prot: Prot,
    /// MAP_SHARED.
    pub shared: bool,
    /// MAP_GROWSDOWN.
    pub grows_down: bool,
    /// MAP_NORESERVE.
    pub noreserve: bool,
    /// MAP_POPULATE.
    pub populate: bool,
    /// What is behind it.
    pub backing: Backing<'a>,
}

/// Why a mapping call failed, by the errno that the kernel would give.
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
            populate: false,
            backing: Backing::Anonymous(None),
        }
    }
}

/// The address space of one user process: a window of host addresses, the areas mapped in it, and
/// the heap. All methods may be called from any thread; accesses take no lock.
pub struct UserSpace {
    window: Window,
    state: Mutex<State>,
    /// Whether there has ever been an area that grows, which system calls have to look out for.
    growing: AtomicBool,
}

#[derive(Default)]
struct State {
    areas: VmaTree,
    heap: Range<u64>,
    observers: Vec<Weak<dyn CodeObserver>>,
    limits: SpaceLimits,
    shifts: Shifts,
    /// How many segments have been attached.
    attachments: u64,
}

/// What setrlimit lets an address space have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceLimits {
    /// RLIMIT_AS: the areas' sizes together.
    pub total: u64,
    /// RLIMIT_STACK: the size of an area that grows.
    pub stack: u64,
}

impl Default for SpaceLimits {
    fn default() -> Self {
        Self { total: u64::MAX, stack: u64::MAX }
    }
}

impl std::fmt::Debug for UserSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserSpace").field("window", &self.window).finish_non_exhaustive()
    }
}

/// The gap the kernel keeps between the initial stack and the mmap area, beyond the stack's limit.
const STACK_GAP: u64 = 128 << 20;

fn failed(errno: Errno) -> MapError {
    MapError(errno)
}

/// What the host needs to allow for the guest to have `prot`: execution never reaches the host, so a
/// page that can only be executed is inaccessible there.
fn host_prot(prot: Prot) -> ProtFlags {
    let mut p = ProtFlags::empty();
    p.set(ProtFlags::READ, prot.contains(Prot::READ));
    p.set(ProtFlags::WRITE, prot.contains(Prot::WRITE));
    p
}

/// WRITE implies READ, as the kernel's protection map for RISC-V has it.
fn effective(prot: Prot) -> Prot {
    if prot.contains(Prot::WRITE) { prot | Prot::READ } else { prot }
}

impl UserSpace {
    /// Reserves an address space. Also makes sure that faults in it are caught.
    pub fn new(config: &SpaceConfig) -> Result<Self, SpaceError> {
        host::fault::install();
        // Before the window is reserved, which may raise remu's own limit.
        let total = rustix::process::getrlimit(Resource::As).current.unwrap_or(u64::MAX);
        let window = Window::reserve(config.limit.0, config.identity)?;
        let limits = SpaceLimits { total, ..SpaceLimits::default() };
        let state = State { limits, ..State::default() };
        Ok(Self { window, state: Mutex::new(state), growing: AtomicBool::new(false) })
    }

    /// The first address past what can be mapped.
    pub fn limit(&self) -> GuestAddr {
        GuestAddr(self.window.limit())
    }

    /// The end of the initial stack.
    pub fn stack_top(&self) -> GuestAddr {
        GuestAddr(self.window.limit() - PAGE_SIZE - self.state().shifts.stack)
    }

    /// Where a position-independent program goes: two thirds up, as in the kernel.
    pub fn dynamic_base(&self) -> GuestAddr {
        GuestAddr(self.window.limit() / 3 * 2 + self.state().shifts.program).page_floor()
    }

    /// Moves what is placed from now on, as the kernel's address space randomisation does: the stack, the
    /// top of what is mapped freely, position-independent programs and the heap. The same seed gives the
    /// same layout. To be called before anything is mapped.
    pub fn randomize(&self, seed: u64) {
        self.state().shifts = Shifts::from_seed(seed, self.window.limit());
    }

    /// What the areas may come to; at first, RLIMIT_AS as remu was started with.
    pub fn limits(&self) -> SpaceLimits {
        self.state().limits
    }

    /// The end of what is mapped freely.
    fn mmap_top(&self, state: &State) -> GuestAddr {
        let limit = self.window.limit();
        GuestAddr(limit - PAGE_SIZE - STACK_GAP.min(limit / 8) - state.shifts.mmap)
    }

    /// Is told of code that changes from now on, as long as it lives.
    pub fn observe_code(&self, observer: Weak<dyn CodeObserver>) {
        self.state().observers.push(observer);
    }

    /// Sets what the areas may come to from now on.
    pub fn set_limits(&self, limits: SpaceLimits) {
        self.state().limits = limits;
    }

    /// What the host's own account of its memory (/proc) adds to a guest address.
    pub fn host_offset(&self) -> u64 {
        self.window.base()
    }

    /// Tells the observers that code in `range` is not to be run as it was.
    pub fn code_changed(&self, range: Range<GuestAddr>) {
        self.state().notify(&range);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic happens with the lock held")
    }
}

impl State {
    /// Whether the limit lets the areas grow by so many bytes.
    fn check_total(&self, more: u64) -> Result<(), MapError> {
        let total = self.areas.total().saturating_add(more);
        if total > self.limits.total { Err(failed(Errno::NOMEM)) } else { Ok(()) }
    }

    fn notify(&mut self, range: &Range<GuestAddr>) {
        self.observers.retain(|o| match o.upgrade() {
            Some(observer) => {
                observer.code_changed(range.clone());
                true
            }
            None => false,
        });
    }

    /// Tells of ranges in order, those that touch as one.
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

    /// Tells of those areas that were executable.
    fn notify_replaced(&mut self, areas: &[Vma]) {
        self.notify_joined(areas.iter().filter(|v| v.prot.contains(Prot::EXEC)).map(|v| v.range.clone()));
    }
}
