//! The address space of a user process.

use super::access::{self, AtomicRmw, AtomicSize, BadAddress};
use super::vma::{VmaTree, page_len};
use super::window::Window;
use super::{Access, CodeObserver, FaultKind, GuestAddr, GuestFault, PAGE_SIZE, Prot, Source, SpaceError, Vma};
use crate::host::{self, GuestPtr, IoVec};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, MremapFlags, ProtFlags};
use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use zerocopy::{FromBytes, Immutable, IntoBytes};

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
}

#[derive(Default)]
struct State {
    areas: VmaTree,
    heap: Range<u64>,
    observers: Vec<Weak<dyn CodeObserver>>,
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
        let window = Window::reserve(config.limit.0, config.identity)?;
        Ok(Self { window, state: Mutex::default() })
    }

    /// The first address past what can be mapped.
    pub fn limit(&self) -> GuestAddr {
        GuestAddr(self.window.limit())
    }

    /// The end of the initial stack.
    pub fn stack_top(&self) -> GuestAddr {
        GuestAddr(self.window.limit() - PAGE_SIZE)
    }

    /// Where a position-independent program goes: two thirds up, as in the kernel.
    pub fn dynamic_base(&self) -> GuestAddr {
        GuestAddr(self.window.limit() / 3 * 2).page_floor()
    }

    /// Is told of code that changes from now on, as long as it lives.
    pub fn observe_code(&self, observer: Weak<dyn CodeObserver>) {
        self.state().observers.push(observer);
    }

    /// Tells the observers that code in `range` is not to be run as it was.
    pub fn code_changed(&self, range: Range<GuestAddr>) {
        self.state().notify(&range);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic happens with the lock held")
    }

    // --- accesses ---

    /// The host address of `len` bytes in the window.
    #[inline(always)]
    fn host(&self, addr: GuestAddr, len: u64) -> Result<*mut u8, BadAddress> {
        match addr.0.checked_add(len) {
            Some(end) if end <= self.window.limit() => Ok((self.window.base() + addr.0) as *mut u8),
            _ => Err(BadAddress::REFUSED),
        }
    }

    /// As [`Self::host`] for at most 16 bytes, which the guard makes cheaper.
    #[inline(always)]
    fn host_small(&self, addr: GuestAddr) -> Result<*mut u8, BadAddress> {
        if addr.0 >= self.window.limit() {
            return Err(BadAddress::REFUSED);
        }
        Ok((self.window.base() + addr.0) as *mut u8)
    }

    /// Loads 1, 2, 4 or 8 bytes, zero-extended.
    #[inline(always)]
    pub fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, BadAddress> {
        let host = self.host_small(addr)?;
        // SAFETY: `host_small` yields addresses in the window, and the access ends in its guard at most.
        unsafe {
            match size {
                1 => access::load8(host),
                2 => access::load16(host),
                4 => access::load32(host),
                _ => access::load64(host),
            }
        }
    }

    /// Stores the low 1, 2, 4 or 8 bytes of `value`.
    #[inline(always)]
    pub fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<(), BadAddress> {
        let host = self.host_small(addr)?;
        // SAFETY: `host_small` yields addresses in the window, and the access ends in its guard at most.
        unsafe {
            match size {
                1 => access::store8(host, value),
                2 => access::store16(host, value),
                4 => access::store32(host, value),
                _ => access::store64(host, value),
            }
        }
    }

    /// An atomic read-modify-write at an aligned address; yields the old value, zero-extended.
    #[inline(always)]
    pub fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, BadAddress> {
        let host = self.host_small(addr)?;
        // SAFETY: `host_small` yields addresses in the window; the caller has checked the alignment,
        // without which the access is merely slow.
        unsafe { access::read_modify_write(op, size, host, operand) }
    }

    /// An atomic compare-and-exchange at an aligned address; yields the old value, zero-extended.
    #[inline(always)]
    pub fn compare_exchange(
        &self,
        size: AtomicSize,
        addr: GuestAddr,
        expected: u64,
        new: u64,
    ) -> Result<u64, BadAddress> {
        let host = self.host_small(addr)?;
        // SAFETY: as for `read_modify_write`.
        unsafe { access::compare_exchange(size, host, expected, new) }
    }

    /// An atomic compare-and-exchange of 16 bytes at an address aligned to 16, low half first.
    #[inline(always)]
    pub fn compare_exchange_pair(
        &self,
        addr: GuestAddr,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], BadAddress> {
        let host = self.host_small(addr)?;
        assert!(addr.0.is_multiple_of(16), "the instruction faults before an access that is not aligned");
        // SAFETY: `host_small` yields addresses in the window, the base is page-aligned, and so the
        // host address is aligned as the guest's is.
        unsafe { access::cmpxchg128(host, expected, new) }
    }

    /// Copies guest memory into `to`.
    pub fn read_bytes(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let host = self.host(addr, to.len() as u64)?;
        // SAFETY: `host` checked that the whole range is in the window.
        unsafe { access::copy_from(host, to) }
    }

    /// Copies `from` into guest memory; up to a bad address, if there is one.
    pub fn write_bytes(&self, addr: GuestAddr, from: &[u8]) -> Result<(), BadAddress> {
        let host = self.host(addr, from.len() as u64)?;
        // SAFETY: `host` checked that the whole range is in the window.
        unsafe { access::copy_to(host, from) }
    }

    /// Fills guest memory with zeroes.
    pub fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress> {
        let host = self.host(addr, len)?;
        // SAFETY: `host` checked that the whole range is in the window.
        unsafe { access::zero(host, len) }
    }

    /// Copies a structure out of guest memory.
    pub fn read<T: FromBytes>(&self, addr: GuestAddr) -> Result<T, BadAddress> {
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: the slice covers exactly `value`, whose bytes are initialised, and is gone before
        // `value` is used again.
        let bytes = unsafe { std::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
        self.read_bytes(addr, bytes)?;
        // SAFETY: a type that is FromBytes is valid for any bytes.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies a structure into guest memory.
    pub fn write<T: IntoBytes + Immutable>(&self, addr: GuestAddr, value: &T) -> Result<(), BadAddress> {
        self.write_bytes(addr, value.as_bytes())
    }

    /// Reads a string up to its terminating zero; `None` if there is none within `max` bytes.
    pub fn read_cstr(&self, addr: GuestAddr, max: usize) -> Result<Option<CString>, BadAddress> {
        let mut bytes = Vec::new();
        let mut at = addr;
        while bytes.len() < max {
            // Page by page: what follows the string's own page may be unmapped.
            let in_page = (PAGE_SIZE - at.0 % PAGE_SIZE).min((max - bytes.len()) as u64) as usize;
            let start = bytes.len();
            bytes.resize(start + in_page, 0);
            self.read_bytes(at, &mut bytes[start..])?;
            if let Some(end) = bytes[start..].iter().position(|&b| b == 0) {
                bytes.truncate(start + end);
                return Ok(Some(CString::new(bytes).expect("cut at the first zero")));
            }
            at = at.offset(in_page as u64);
        }
        Ok(None)
    }

    /// The host's view of a range, for the host kernel to follow; it answers EFAULT itself for pages
    /// that are not mapped as needed.
    pub fn host_range(&self, addr: GuestAddr, len: u64) -> Result<GuestPtr, BadAddress> {
        let host = self.host(addr, len)?;
        // SAFETY: the whole range is in the window.
        Ok(unsafe { GuestPtr::new(host) })
    }

    /// As [`Self::host_range`], as an element of a scatter/gather list.
    pub fn host_iovec(&self, addr: GuestAddr, len: u64) -> Result<IoVec, BadAddress> {
        let ptr = self.host_range(addr, len)?;
        // SAFETY: the whole range is in the window.
        Ok(unsafe { IoVec::new(ptr, len as usize) })
    }

    /// Fetches code for decoding: up to `to.len()` bytes from pages that may be executed. Yields how
    /// many there are, which is 0 only with a fault.
    pub fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        let mut done = 0;
        let state = self.state();
        while done < to.len() {
            let at = addr.offset(done as u64);
            let executable = state.areas.find(at).filter(|v| v.prot.contains(Prot::EXEC));
            let part = executable.map(|v| {
                // Page by page: of a file that is mapped past its end, only the first pages can be read.
                let len = (to.len() - done).min((PAGE_SIZE - at.0 % PAGE_SIZE) as usize);
                let to = &mut to[done..done + len];
                let read =
                    if v.prot.contains(Prot::READ) { self.read_bytes(at, to) } else { self.read_execute_only(at, to) };
                read.map(|()| len).map_err(|_| self.fault_in(&state, at, len as u64, Access::Fetch, true))
            });
            match part {
                Some(Ok(len)) => done += len,
                _ if done > 0 => break,
                Some(Err(fault)) => return Err(fault),
                None => return Err(self.fault_in(&state, at, 1, Access::Fetch, false)),
            }
        }
        Ok(done)
    }

    /// Reads pages that the host holds inaccessible. The state lock, which the caller holds, keeps
    /// their mapping as it is.
    fn read_execute_only(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let first = addr.page_floor();
        let len = addr.0 + to.len() as u64 - first.0;
        let len = page_len(len).ok_or(BadAddress::REFUSED)?;
        let host = self.host(first, len)?.cast::<c_void>();
        // SAFETY: the pages are in the window and mapped; making them readable and inaccessible
        // again breaks no view of Rust's.
        unsafe {
            rustix::mm::mprotect(host, len as usize, MprotectFlags::READ).map_err(|_| BadAddress::REFUSED)?;
        }
        let result = self.read_bytes(addr, to);
        // SAFETY: as above.
        let _ = unsafe { rustix::mm::mprotect(host, len as usize, MprotectFlags::empty()) };
        result
    }

    /// Says what is wrong with an access that failed: where, and as which kind of fault. `bus`:
    /// [`BadAddress::is_bus`] of the failure.
    pub fn classify(&self, addr: GuestAddr, size: u64, access: Access, bus: bool) -> GuestFault {
        self.fault_in(&self.state(), addr, size, access, bus)
    }

    fn fault_in(&self, state: &State, addr: GuestAddr, size: u64, access: Access, bus: bool) -> GuestFault {
        let needed = match access {
            Access::Read => Prot::READ,
            Access::Write => Prot::WRITE,
            Access::Fetch => Prot::EXEC,
        };
        let mut at = addr;
        loop {
            let next = at.page_floor().offset(PAGE_SIZE);
            let kind = match state.areas.find(at) {
                None => Some(FaultKind::Unmapped),
                Some(v) if !v.prot.contains(needed) => Some(FaultKind::Denied),
                // A mapped and permitted page that faulted all the same has nothing behind it.
                Some(_) if bus && self.probe(at).is_err() => Some(FaultKind::NoBacking),
                Some(_) => None,
            };
            if let Some(kind) = kind {
                return GuestFault { addr: at, access, kind };
            }
            if next.0.wrapping_sub(addr.0) >= size {
                // Another thread has changed the mapping since: the access is worth another try, and
                // a fault that names the first byte is what the hardware may report as well.
                let kind = if bus { FaultKind::NoBacking } else { FaultKind::Unmapped };
                return GuestFault { addr, access, kind };
            }
            at = next;
        }
    }

    fn probe(&self, addr: GuestAddr) -> Result<(), BadAddress> {
        self.read_bytes(addr, &mut [0])
    }

    // --- mappings ---

    /// All areas in order.
    pub fn vmas(&self) -> Vec<Vma> {
        self.state().areas.iter().cloned().collect()
    }

    /// The area that holds `addr`.
    pub fn vma_at(&self, addr: GuestAddr) -> Option<Vma> {
        self.state().areas.find(addr).cloned()
    }

    /// The sum of the areas' sizes in bytes, which RLIMIT_AS limits.
    pub fn mapped_bytes(&self) -> u64 {
        self.state().areas.total()
    }

    /// Whether a page-aligned range lies where the guest may map.
    fn check_range(&self, addr: GuestAddr, len: u64) -> Result<Range<GuestAddr>, MapError> {
        if !addr.is_page_aligned() || len == 0 {
            return Err(failed(Errno::INVAL));
        }
        let end = page_len(len).and_then(|l| addr.0.checked_add(l)).ok_or(failed(Errno::NOMEM))?;
        if end > self.window.limit() {
            return Err(failed(Errno::NOMEM));
        }
        Ok(addr..GuestAddr(end))
    }

    /// mmap(2).
    pub fn map(&self, request: &MapRequest<'_>) -> Result<GuestAddr, MapError> {
        self.map_in(&mut self.state(), request)
    }

    fn map_in(&self, state: &mut State, request: &MapRequest<'_>) -> Result<GuestAddr, MapError> {
        if request.len == 0 {
            return Err(failed(Errno::INVAL));
        }
        let len = page_len(request.len).ok_or(failed(Errno::NOMEM))?;
        let addr = match request.place {
            Place::Fixed(at) => at,
            Place::Exactly(at) => at,
            Place::Anywhere { hint } => self.find_room(state, hint, len)?,
        };
        let range = self.check_range(addr, len)?;
        if range.start.0 < self.window.lowest() {
            return Err(failed(Errno::PERM));
        }
        if matches!(request.place, Place::Exactly(_)) && state.areas.overlapping(&range).next().is_some() {
            return Err(failed(Errno::EXIST));
        }
        let prot = effective(request.prot);
        let source = self.map_on_host(request, &range, prot)?;
        let area = Vma { range: range.clone(), prot, shared: request.shared, grows_down: request.grows_down, source };
        let replaced = state.areas.insert(area);
        state.notify_replaced(&replaced);
        Ok(addr)
    }

    fn map_on_host(&self, request: &MapRequest<'_>, range: &Range<GuestAddr>, prot: Prot) -> Result<Source, MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        let mut flags = MapFlags::FIXED;
        flags |= if request.shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
        flags.set(MapFlags::NORESERVE, request.noreserve);
        flags.set(MapFlags::POPULATE, request.populate);
        match &request.backing {
            Backing::Anonymous(name) => {
                // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
                unsafe { rustix::mm::mmap_anonymous(at, len as usize, host_prot(prot), flags) }.map_err(failed)?;
                Ok(name.map_or(Source::Anonymous, Source::Named))
            }
            Backing::File { fd, offset, path } => {
                // Before there is a mapping that the areas do not know of.
                let stat = rustix::fs::fstat(fd).map_err(failed)?;
                // SAFETY: as above.
                unsafe { rustix::mm::mmap(at, len as usize, host_prot(prot), flags, fd, *offset) }.map_err(failed)?;
                Ok(Source::File { path: path.clone(), offset: *offset, id: (stat.st_dev, stat.st_ino) })
            }
        }
    }

    fn find_room(&self, state: &State, hint: Option<GuestAddr>, len: u64) -> Result<GuestAddr, MapError> {
        if let Some(hint) = hint {
            let at = hint.page_floor();
            if at.0 >= self.window.lowest()
                && let Ok(range) = self.check_range(at, len)
                && state.areas.overlapping(&range).next().is_none()
            {
                return Ok(at);
            }
        }
        let top = GuestAddr(self.stack_top().0 - STACK_GAP.min(self.window.limit() / 8));
        let areas = GuestAddr(self.window.lowest())..top;
        state.areas.gap_top_down(len, &areas).ok_or(failed(Errno::NOMEM))
    }

    /// munmap(2).
    pub fn unmap(&self, addr: GuestAddr, len: u64) -> Result<(), MapError> {
        // Unlike the other calls, munmap answers EINVAL for a range outside user space.
        let range = self.check_range(addr, len).map_err(|_| failed(Errno::INVAL))?;
        self.unmap_in(&mut self.state(), &range)
    }

    fn unmap_in(&self, state: &mut State, range: &Range<GuestAddr>) -> Result<(), MapError> {
        let mut touched = state.areas.overlapping(range).map(|v| v.range.clone());
        let Some(first) = touched.next() else { return Ok(()) };
        let end = touched.last().map_or(first.end, |v| v.end);
        // The host first, and in one go: where it refuses, everything is as it was.
        self.reserve_again(&(first.start.max(range.start)..end.min(range.end)))?;
        let removed = state.areas.remove(range);
        state.notify_replaced(&removed);
        Ok(())
    }

    /// Puts the inaccessible reservation back.
    fn reserve_again(&self, range: &Range<GuestAddr>) -> Result<(), MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::INVAL))?.cast::<c_void>();
        let flags = MapFlags::FIXED | MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
        unsafe { rustix::mm::mmap_anonymous(at, len as usize, ProtFlags::empty(), flags) }.map_err(failed)?;
        Ok(())
    }

    /// mprotect(2): stops with ENOMEM at the first hole, the areas before it changed.
    pub fn protect(&self, addr: GuestAddr, len: u64, prot: Prot) -> Result<(), MapError> {
        if !addr.is_page_aligned() {
            return Err(failed(Errno::INVAL));
        }
        if len == 0 {
            return Ok(());
        }
        let range = self.check_range(addr, len)?;
        let prot = effective(prot);
        let mut state = self.state();
        let mut at = range.start;
        let mut result = Ok(());
        let parts: Vec<Range<GuestAddr>> = state.areas.overlapping(&range).map(|v| v.range.clone()).collect();
        for part in parts {
            if part.start > at {
                break;
            }
            let part = part.start.max(range.start)..part.end.min(range.end);
            let len = part.end.0 - part.start.0;
            let host = self.host(part.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
            let flags = MprotectFlags::from_bits_retain(host_prot(prot).bits());
            // SAFETY: changes guest memory inside the window, which Rust holds no reference into.
            if let Err(e) = unsafe { rustix::mm::mprotect(host, len as usize, flags) } {
                result = Err(failed(e));
                break;
            }
            state.areas.update(&part, |v| v.prot = prot);
            at = part.end;
        }
        state.notify(&(range.start..at.max(range.start)));
        result?;
        if at < range.end { Err(failed(Errno::NOMEM)) } else { Ok(()) }
    }

    /// mremap(2) without MREMAP_DONTUNMAP: to `fixed` if given, else in place if there is room, else,
    /// if it may move, where there is some.
    pub fn remap(
        &self,
        old: GuestAddr,
        old_len: u64,
        new_len: u64,
        may_move: bool,
        fixed: Option<GuestAddr>,
    ) -> Result<GuestAddr, MapError> {
        let invalid = failed(Errno::INVAL);
        let (old_len, new_len) = (page_len(old_len).ok_or(invalid)?, page_len(new_len).ok_or(invalid)?);
        if !old.is_page_aligned() || new_len == 0 || old_len == 0 {
            return Err(invalid);
        }
        let mut state = self.state();
        let mut old_range = self.check_range(old, old_len).map_err(|_| failed(Errno::FAULT))?;
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        if fixed.is_none() && new_len <= old_len {
            if new_len < old_len {
                self.unmap_in(&mut state, &(old.offset(new_len)..old_range.end))?;
            }
            return Ok(old);
        }
        // Only what shrinks in place may reach over more than one area.
        if area.range.end < old_range.end {
            return Err(failed(Errno::FAULT));
        }
        let target = match fixed {
            Some(at) => {
                let range = self.check_range(at, new_len).map_err(|_| invalid)?;
                if at.0 < self.window.lowest() || (range.start < old_range.end && old_range.start < range.end) {
                    return Err(invalid);
                }
                // As in the kernel, what is not to be moved goes first.
                if new_len < old_len {
                    let kept = old_range.start..old.offset(new_len);
                    self.unmap_in(&mut state, &(kept.end..old_range.end))?;
                    old_range = kept;
                }
                at
            }
            None => {
                let grown = self.check_range(old, new_len);
                let room = grown.is_ok_and(|r| {
                    old_range.end == area.range.end && state.areas.overlapping(&(old_range.end..r.end)).next().is_none()
                });
                if room {
                    old
                } else if may_move {
                    self.find_room(&state, None, new_len)?
                } else {
                    return Err(failed(Errno::NOMEM));
                }
            }
        };
        let new_range = target..target.offset(new_len);
        if let Err(e) = self.remap_on_host(&old_range, &new_range) {
            if target != old {
                // The host does not tell whether it has unmapped the target before it failed.
                self.reserve_again(&new_range)?;
                let lost = state.areas.remove(&new_range);
                state.notify_replaced(&lost);
            }
            return Err(e);
        }
        let removed = state.areas.remove(&old_range);
        let moved = removed.first().expect("the area was found above").clone();
        let replaced = state.areas.insert(Vma { range: new_range, ..moved });
        if target != old {
            self.reserve_again(&old_range)?;
            state.notify_replaced(&removed);
        }
        state.notify_replaced(&replaced);
        Ok(target)
    }

    fn remap_on_host(&self, old: &Range<GuestAddr>, new: &Range<GuestAddr>) -> Result<(), MapError> {
        let (old_len, new_len) = (old.end.0 - old.start.0, new.end.0 - new.start.0);
        let from = self.host(old.start, old_len).map_err(|_| failed(Errno::FAULT))?.cast::<c_void>();
        let to = self.host(new.start, new_len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        if new.start == old.start {
            let gap = (to as u64 + old_len) as *mut c_void;
            // SAFETY: the gap is unused reservation inside the window, and the mapping before it is
            // guest memory; Rust holds no reference into either.
            unsafe {
                rustix::mm::munmap(gap, (new_len - old_len) as usize).map_err(failed)?;
                let grown = rustix::mm::mremap(from, old_len as usize, new_len as usize, MremapFlags::empty());
                if let Err(e) = grown {
                    self.reserve_again(&(old.end..new.end))?;
                    return Err(failed(e));
                }
            }
            return Ok(());
        }
        // SAFETY: both ranges are guest memory or reservation inside the window.
        unsafe {
            rustix::mm::mremap_fixed(from, old_len as usize, new_len as usize, MremapFlags::MAYMOVE, to)
                .map_err(failed)?;
        }
        Ok(())
    }

    // --- the heap ---

    /// Where the heap begins; it is empty at first.
    pub fn set_heap(&self, start: GuestAddr) {
        let start = start.page_ceil().map_or(start.0, |a| a.0);
        self.state().heap = start..start;
    }

    /// brk(2): moves the end of the heap if that is possible, and yields where it is.
    pub fn brk(&self, new: GuestAddr) -> GuestAddr {
        let mut state = self.state();
        let heap = state.heap.clone();
        let pages = |a: u64| page_len(a).unwrap_or(u64::MAX);
        let (old_end, new_end) = (pages(heap.end), pages(new.0));
        if new.0 < heap.start || new_end > self.window.limit() {
            return GuestAddr(heap.end);
        }
        let moved = match new_end.cmp(&old_end) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => self.unmap_in(&mut state, &(GuestAddr(new_end)..GuestAddr(old_end))),
            std::cmp::Ordering::Greater => {
                let place = Place::Exactly(GuestAddr(old_end));
                let backing = Backing::Anonymous(Some("[heap]"));
                let prot = Prot::READ | Prot::WRITE;
                let request = MapRequest { backing, ..MapRequest::anonymous(place, new_end - old_end, prot) };
                self.map_in(&mut state, &request).map(|_| ())
            }
        };
        match moved {
            Ok(()) => {
                state.heap.end = new.0;
                new
            }
            Err(_) => GuestAddr(heap.end),
        }
    }
}

impl State {
    fn notify(&mut self, range: &Range<GuestAddr>) {
        self.observers.retain(|o| match o.upgrade() {
            Some(observer) => {
                observer.code_changed(range.clone());
                true
            }
            None => false,
        });
    }

    /// Tells of those areas that were executable.
    fn notify_replaced(&mut self, areas: &[Vma]) {
        for area in areas.iter().filter(|v| v.prot.contains(Prot::EXEC)) {
            self.notify(&area.range);
        }
    }
}
