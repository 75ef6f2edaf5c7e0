//! Memory: the mmap family on the guest's address space.

use super::io_uring;
use crate::host::{Sys, SysArg};
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::memory::{Backing, GuestAddr, MapRequest, MlockMode, PAGE_SIZE, Place, Prot, page_len};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

const MAP_TYPE: i32 = 0xf;
const MAP_DROPPABLE: i32 = 8;
const MAP_UNINITIALIZED: i32 = 0x400_0000;
/// The huge page sizes that every kernel accepts in the flags (LEGACY_MAP_MASK).
const HUGE_SIZES: i32 = (21 | 30) << libc::MAP_HUGE_SHIFT;

/// The permissions in PROT_* bits. As in the kernel, other bits have no effect.
fn prot(bits: u64) -> Prot {
    Prot::from_bits_truncate(bits as u32)
}

pub(in crate::linux) fn brk(c: &mut Call<'_>) -> SysResult {
    Ok(c.task.mm.brk(c.addr(0)).0)
}

pub(in crate::linux) fn mmap(c: &mut Call<'_>) -> SysResult {
    let (addr, len, flags, offset) = (c.addr(0), c.args[1], c.int(3), c.args[5]);
    if !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::INVAL.into());
    }
    let anonymous = flags & libc::MAP_ANONYMOUS != 0;
    let fd = if anonymous { None } else { Some(c.guest_fd(4)?) };
    if flags & libc::MAP_HUGETLB != 0 {
        return Err(no_huge_pages(addr, len, flags, anonymous).into());
    }
    if len == 0 {
        return Err(Errno::INVAL.into());
    }
    let known = libc::MAP_FIXED
        | libc::MAP_ANONYMOUS
        | libc::MAP_GROWSDOWN
        | libc::MAP_DENYWRITE
        | libc::MAP_EXECUTABLE
        | libc::MAP_LOCKED
        | libc::MAP_NORESERVE
        | libc::MAP_POPULATE
        | libc::MAP_NONBLOCK
        | libc::MAP_STACK
        | MAP_UNINITIALIZED
        | HUGE_SIZES
        | MAP_TYPE;
    let shared = match flags & MAP_TYPE {
        libc::MAP_PRIVATE => false,
        libc::MAP_SHARED => true,
        libc::MAP_SHARED_VALIDATE if anonymous => return Err(Errno::INVAL.into()),
        libc::MAP_SHARED_VALIDATE if flags & !known != 0 => return Err(Errno::OPNOTSUPP.into()),
        libc::MAP_SHARED_VALIDATE => true,
        MAP_DROPPABLE if anonymous => false,
        _ => return Err(Errno::INVAL.into()),
    };
    let grows_down = flags & libc::MAP_GROWSDOWN != 0;
    let droppable = flags & MAP_TYPE == MAP_DROPPABLE;
    if grows_down && (shared || droppable || !anonymous) {
        return Err(Errno::INVAL.into());
    }
    let place = if flags & libc::MAP_FIXED_NOREPLACE != 0 {
        Place::Exactly(addr)
    } else if flags & libc::MAP_FIXED != 0 {
        Place::Fixed(addr)
    } else {
        Place::Anywhere { hint: (addr.0 != 0).then_some(addr) }
    };
    let ring;
    let backing = match &fd {
        None => Backing::Anonymous(None),
        Some(fd) => {
            let end = page_len(len).and_then(|len| offset.checked_add(len)).ok_or(Errno::OVERFLOW)?;
            if end > i64::MAX as u64 {
                return Err(Errno::OVERFLOW.into());
            }
            let path = path_of(fd.as_raw_fd());
            if path.as_os_str().as_bytes() == io_uring::LINK {
                ring = c.task.files.rings.find(fd.as_raw_fd())?;
                io_uring::mapped(&ring, offset, len)?
            } else {
                Backing::File { fd: fd.as_fd(), offset, path: path.into() }
            }
        }
    };
    let lock = if flags & libc::MAP_LOCKED != 0 { MlockMode::Now } else { MlockMode::None };
    if lock != MlockMode::None && !may_lock() {
        return Err(Errno::PERM.into());
    }
    let request = MapRequest {
        place,
        len,
        prot: prot(c.args[2]),
        shared,
        grows_down,
        noreserve: flags & libc::MAP_NORESERVE != 0,
        droppable,
        populate: flags & libc::MAP_POPULATE != 0 && flags & libc::MAP_NONBLOCK == 0,
        lock,
        backing,
    };
    Ok(c.task.mm.map(&request)?.0)
}

/// The error of a MAP_HUGETLB request: that of a kernel with empty huge page pools if the request is valid.
fn no_huge_pages(addr: GuestAddr, len: u64, flags: i32, anonymous: bool) -> Errno {
    const FIXED: i32 = libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE;
    // The binary logarithm of the size; 0 means the default size. All translation schemes have 2 MiB and 1 GiB.
    let size = match flags as u32 >> libc::MAP_HUGE_SHIFT & libc::MAP_HUGE_MASK as u32 {
        0 | 21 if anonymous => 2 << 20,
        30 if anonymous => 1 << 30,
        _ => return Errno::INVAL,
    };
    // For the kernel, a length that overflows when rounded up is empty.
    let is_empty = len.checked_next_multiple_of(size).is_none_or(|len| len == 0);
    let is_misplaced = flags & FIXED != 0 && !addr.0.is_multiple_of(size);
    let kind = flags & MAP_TYPE;
    let bad_type = ![libc::MAP_PRIVATE, libc::MAP_SHARED, libc::MAP_SHARED_VALIDATE].contains(&kind);
    // Huge pages are backed by a file, and a file mapping does not grow down.
    let grows = flags & libc::MAP_GROWSDOWN != 0;
    if is_empty || is_misplaced || bad_type || grows { Errno::INVAL } else { Errno::NOMEM }
}

/// The path of an open file, for /proc/self/maps.
fn path_of(fd: i32) -> PathBuf {
    let link = rustix::fs::readlink(crate::host::path_of_fd(fd), Vec::new());
    link.map(|l| PathBuf::from(OsString::from_vec(l.into_bytes()))).unwrap_or_default()
}

pub(in crate::linux) fn munmap(c: &mut Call<'_>) -> SysResult {
    c.task.mm.unmap(c.addr(0), c.args[1])?;
    Ok(0)
}

pub(in crate::linux) fn mprotect(c: &mut Call<'_>) -> SysResult {
    const GROWS_DOWN: u64 = libc::PROT_GROWSDOWN as u64;
    const GROWS_UP: u64 = libc::PROT_GROWSUP as u64;
    const SEM: u64 = 8;
    let (start, len, bits) = (c.addr(0), c.args[1], c.args[2]);
    let grows = bits & (GROWS_DOWN | GROWS_UP);
    if grows == GROWS_DOWN | GROWS_UP || !start.is_page_aligned() {
        return Err(Errno::INVAL.into());
    }
    if len == 0 {
        return Ok(0);
    }
    let end = page_len(len).and_then(|len| start.0.checked_add(len)).ok_or(Errno::NOMEM)?;
    if bits & !(7 | SEM | grows) != 0 {
        return Err(Errno::INVAL.into());
    }
    match grows {
        0 => c.task.mm.protect(start, len, prot(bits))?,
        GROWS_DOWN => c.task.mm.protect_growing(start, len, prot(bits))?,
        // Areas do not grow up on this architecture.
        _ if c.task.mm.mapped_parts(&(start..GuestAddr(end))).first().is_some_and(|part| part.start == start) => {
            return Err(Errno::INVAL.into());
        }
        _ => return Err(Errno::NOMEM.into()),
    }
    Ok(0)
}

pub(in crate::linux) fn mremap(c: &mut Call<'_>) -> SysResult {
    const MAY_MOVE: u64 = libc::MREMAP_MAYMOVE as u64;
    const FIXED: u64 = libc::MREMAP_FIXED as u64;
    const KEEP: u64 = libc::MREMAP_DONTUNMAP as u64;
    let [old, old_len, new_len, flags, new, _] = c.args;
    let bound = flags & (FIXED | KEEP) != 0;
    if flags & !(MAY_MOVE | FIXED | KEEP) != 0 || (bound && flags & MAY_MOVE == 0) {
        return Err(Errno::INVAL.into());
    }
    let mm = &c.task.mm;
    let old = GuestAddr(old);
    let place = match flags & (MAY_MOVE | FIXED) {
        0 => None,
        MAY_MOVE if flags & KEEP == 0 => Some(Place::Anywhere { hint: None }),
        MAY_MOVE => Some(Place::Anywhere { hint: (new != 0).then_some(GuestAddr(new)) }),
        _ => Some(Place::Fixed(GuestAddr(new))),
    };
    let at = match place {
        Some(_) if flags & KEEP != 0 && page_len(old_len) != page_len(new_len) => return Err(Errno::INVAL.into()),
        Some(place) if flags & KEEP != 0 => mm.remap_keeping(old, old_len, place)?,
        place => mm.remap(old, old_len, new_len, place)?,
    };
    Ok(at.0)
}

/// How a call treats a hole in its range. In either case it fails with ENOMEM.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    /// The rest of the range is still processed.
    Skip,
    /// Processing stops at the hole.
    End,
}

/// Makes a host call on the mapped parts of a guest range. Holes must be found here: the host has a reservation there
/// and would succeed.
fn on_range(c: &Call<'_>, call: Sys, start: GuestAddr, len: u64, holes: Holes, rest: &[u64]) -> SysResult {
    let len = page_len(len).ok_or(Errno::NOMEM)?;
    let end = GuestAddr(start.0.checked_add(len).ok_or(Errno::NOMEM)?);
    let mut at = start;
    let mut missing = Ok(0);
    for part in c.task.mm.mapped_parts(&(start..end)) {
        if part.start != at {
            missing = Err(Errno::NOMEM);
            if holes == Holes::End {
                return Ok(missing?);
            }
        }
        let size = part.end.0 - part.start.0;
        let mut args = vec![c.pointer(part.start.0, size).into(), SysArg::Val(size)];
        args.extend(rest.iter().map(|&value| SysArg::Val(value)));
        pass(call, &mut args)?;
        at = part.end;
    }
    if at < end { Err(Errno::NOMEM.into()) } else { Ok(missing?) }
}

pub(in crate::linux) fn msync(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(2);
    let both = libc::MS_ASYNC | libc::MS_SYNC;
    if !c.addr(0).is_page_aligned() || flags & !(both | libc::MS_INVALIDATE) != 0 || flags & both == both {
        return Err(Errno::INVAL.into());
    }
    match page_len(c.args[1]) {
        // For the kernel, a length that overflows is empty.
        None | Some(0) => Ok(0),
        Some(len) => {
            // With only MS_ASYNC, the kernel stops at the first hole.
            let holes = if flags == libc::MS_ASYNC { Holes::End } else { Holes::Skip };
            on_range(c, Sys::Msync, c.addr(0), len, holes, &[c.args[2]])
        }
    }
}

/// Whether this process may lock any memory.
fn may_lock() -> bool {
    lock_limit() > 0
}

/// How much memory this process may lock, in bytes.
fn lock_limit() -> u64 {
    use rustix::thread::{CapabilitySet, capabilities};
    if capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK)) {
        return u64::MAX;
    }
    rustix::process::getrlimit(rustix::process::Resource::Memlock).current.unwrap_or(u64::MAX)
}

/// Locks or unlocks a range. Its start is rounded down to a page.
fn set_lock(c: &Call<'_>, lock: MlockMode) -> SysResult {
    if lock != MlockMode::None && !may_lock() {
        return Err(Errno::PERM.into());
    }
    let start = c.addr(0).page_floor();
    let len = page_len(c.args[1].wrapping_add(c.args[0] - start.0)).unwrap_or(0);
    let end = GuestAddr(start.0.checked_add(len).ok_or(Errno::INVAL)?);
    if len > 0 {
        c.task.mm.lock(&(start..end), lock)?;
    }
    Ok(0)
}

pub(in crate::linux) fn mlock(c: &mut Call<'_>) -> SysResult {
    set_lock(c, MlockMode::Now)
}

pub(in crate::linux) fn mlock2(c: &mut Call<'_>) -> SysResult {
    const ON_FAULT: i32 = libc::MLOCK_ONFAULT as i32;
    match c.int(2) {
        0 => set_lock(c, MlockMode::Now),
        ON_FAULT => set_lock(c, MlockMode::OnFault),
        _ => Err(Errno::INVAL.into()),
    }
}

pub(in crate::linux) fn munlock(c: &mut Call<'_>) -> SysResult {
    set_lock(c, MlockMode::None)
}

pub(in crate::linux) fn mlockall(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(0);
    let all = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    if flags & !all != 0 || flags == 0 || flags == libc::MCL_ONFAULT {
        return Err(Errno::INVAL.into());
    }
    if !may_lock() {
        return Err(Errno::PERM.into());
    }
    let (now, future) = (flags & libc::MCL_CURRENT != 0, flags & libc::MCL_FUTURE != 0);
    if now && c.task.mm.mapped_bytes() > lock_limit() {
        return Err(Errno::NOMEM.into());
    }
    let lock = if flags & libc::MCL_ONFAULT != 0 { MlockMode::OnFault } else { MlockMode::Now };
    // The host's mlockall would lock the whole reservation, and remu itself.
    c.task.mm.lock_all(now.then_some(lock), if future { lock } else { MlockMode::None });
    Ok(0)
}

pub(in crate::linux) fn munlockall(c: &mut Call<'_>) -> SysResult {
    c.task.mm.lock_all(Some(MlockMode::None), MlockMode::None);
    Ok(0)
}

pub(in crate::linux) fn mincore(c: &mut Call<'_>) -> SysResult {
    let start = c.addr(0);
    if !start.is_page_aligned() {
        return Err(Errno::INVAL.into());
    }
    let limit = c.task.mm.limit().0;
    let inside = |start: u64, len: u64| start.checked_add(len).is_some_and(|end| end <= limit);
    let len = page_len(c.args[1]).filter(|&len| inside(start.0, len)).ok_or(Errno::NOMEM)?;
    if !inside(c.args[2], len / PAGE_SIZE) {
        return Err(Errno::FAULT.into());
    }
    // The pages before a hole are reported before the call fails with ENOMEM.
    let mapped = c.task.mm.mapped_parts(&(start..start.offset(len)));
    let covered = mapped.first().filter(|part| part.start == start).map_or(0, |part| part.end.0 - start.0);
    if covered > 0 {
        let (memory, vector) = (c.pointer(start.0, covered).into(), c.guest(c.args[2], covered / PAGE_SIZE));
        pass(Sys::Mincore, &mut [memory, SysArg::Val(covered), vector])?;
    }
    if covered < len { Err(Errno::NOMEM.into()) } else { Ok(0) }
}

const MADV_DONTNEED_LOCKED: i32 = 24;
const MADV_COLLAPSE: i32 = 25;
const MADV_SOFT_OFFLINE: i32 = 101;
const MADV_GUARD_INSTALL: i32 = 102;
const MADV_GUARD_REMOVE: i32 = 103;

/// The host handles the advice, which concerns the pages of the areas, and rejects advice that it does not know.
pub(in crate::linux) fn madvise(c: &mut Call<'_>) -> SysResult {
    advise(c, c.addr(0), c.args[1], c.int(2))
}

/// Applies advice to a range.
pub(super) fn advise(c: &Call<'_>, start: GuestAddr, len: u64, advice: i32) -> SysResult {
    let known = matches!(
        advice,
        libc::MADV_NORMAL..=libc::MADV_DONTNEED
            | libc::MADV_FREE..=MADV_COLLAPSE
            | libc::MADV_HWPOISON..=MADV_GUARD_REMOVE
    );
    if !known {
        c.unimplemented(format!("madvise advice {advice}"));
        return Err(Errno::INVAL.into());
    }
    let len = page_len(len).ok_or(Errno::INVAL)?;
    let end = GuestAddr(start.0.checked_add(len).ok_or(Errno::INVAL)?);
    if !start.is_page_aligned() {
        return Err(Errno::INVAL.into());
    }
    let holes = match advice {
        libc::MADV_POPULATE_READ | libc::MADV_POPULATE_WRITE => Holes::End,
        libc::MADV_HWPOISON | MADV_SOFT_OFFLINE => Holes::End,
        _ => Holes::Skip,
    };
    // The host also validates the advice for an empty range.
    let drops = [libc::MADV_DONTNEED, MADV_DONTNEED_LOCKED, libc::MADV_FREE, libc::MADV_REMOVE, MADV_GUARD_INSTALL];
    let discards = drops.contains(&advice) || matches!(advice, libc::MADV_DONTFORK | libc::MADV_WIPEONFORK);
    // The part before the first area that must be kept is processed.
    let kept = if discards { c.task.mm.first_kept(&(start..end)) } else { None };
    let end = kept.unwrap_or(end);
    let result = match end.0 - start.0 {
        0 => pass(Sys::Madvise, &mut [SysArg::Null, SysArg::Val(0), SysArg::Val(advice as u64)]),
        len => on_range(c, Sys::Madvise, start, len, holes, &[advice as u64]),
    };
    if drops.contains(&advice) {
        c.task.mm.contents_changed(&(start..end));
    }
    if matches!(advice, libc::MADV_DONTFORK | libc::MADV_DOFORK)
        && (result.is_ok() || result == Err(Errno::NOMEM.into()))
    {
        // With ENOMEM for a hole, the rest has been advised.
        c.task.mm.set_not_forked(&(start..end), advice == libc::MADV_DONTFORK);
    }
    if kept.is_some() { Err(Errno::PERM.into()) } else { result }
}
