//! Memory: the mmap family on the guest's address space.

use super::fs::borrow;
use crate::host::{self, Sys, SysArg};
use crate::linux::call::{Call, SysResult};
use crate::memory::{Backing, GuestAddr, MapRequest, PAGE_SIZE, Place, Prot, page_len};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

const MAP_TYPE: i32 = 0xf;
const MAP_DROPPABLE: i32 = 8;

/// The permissions among the bits of PROT_*; the others have no effect, as in the kernel.
fn prot(bits: u64) -> Prot {
    Prot::from_bits_truncate(bits as u32)
}

pub(in crate::linux) fn brk(c: &mut Call<'_>) -> SysResult {
    Ok(c.task.mm.brk(c.addr(0)).0)
}

pub(in crate::linux) fn mmap(c: &mut Call<'_>) -> SysResult {
    let (addr, len, flags, offset) = (c.addr(0), c.args[1], c.int(3), c.args[5]);
    if !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::INVAL);
    }
    let anonymous = flags & libc::MAP_ANONYMOUS != 0;
    if flags & libc::MAP_HUGETLB != 0 {
        c.unimplemented("mmap with MAP_HUGETLB".to_owned());
        return Err(Errno::INVAL);
    }
    let fd = if anonymous { None } else { Some(borrow(c, 4)?) };
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
        | libc::MAP_FIXED_NOREPLACE
        | MAP_TYPE;
    let shared = match flags & MAP_TYPE {
        libc::MAP_PRIVATE => false,
        libc::MAP_SHARED => true,
        libc::MAP_SHARED_VALIDATE if anonymous => return Err(Errno::INVAL),
        libc::MAP_SHARED_VALIDATE if flags & !known != 0 => return Err(Errno::OPNOTSUPP),
        libc::MAP_SHARED_VALIDATE => true,
        MAP_DROPPABLE => {
            c.unimplemented("mmap with MAP_DROPPABLE".to_owned());
            return Err(Errno::INVAL);
        }
        _ => return Err(Errno::INVAL),
    };
    if len == 0 {
        return Err(Errno::INVAL);
    }
    let grows_down = flags & libc::MAP_GROWSDOWN != 0;
    if grows_down && shared {
        return Err(Errno::INVAL);
    }
    if grows_down && !anonymous {
        c.unimplemented("mmap of a file with MAP_GROWSDOWN".to_owned());
        return Err(Errno::INVAL);
    }
    let place = if flags & libc::MAP_FIXED_NOREPLACE != 0 {
        Place::Exactly(addr)
    } else if flags & libc::MAP_FIXED != 0 {
        Place::Fixed(addr)
    } else {
        Place::Anywhere { hint: (addr.0 != 0).then_some(addr) }
    };
    let backing = match fd {
        None => Backing::Anonymous(None),
        Some(fd) => {
            let end = page_len(len).and_then(|len| offset.checked_add(len)).ok_or(Errno::OVERFLOW)?;
            if end > i64::MAX as u64 {
                return Err(Errno::OVERFLOW);
            }
            Backing::File { fd, offset, path: path_of(fd.as_raw_fd()).into() }
        }
    };
    let lock = flags & libc::MAP_LOCKED != 0;
    let request = MapRequest {
        place,
        len,
        prot: prot(c.args[2]),
        shared,
        grows_down,
        noreserve: flags & libc::MAP_NORESERVE != 0,
        populate: (flags & libc::MAP_POPULATE != 0 && flags & libc::MAP_NONBLOCK == 0) || lock,
        backing,
    };
    let at = c.task.mm.map(&request)?;
    if lock {
        // As in the kernel, a mapping that cannot be locked is still a mapping.
        let _ = on_range(c, Sys::Mlock, at, len, Holes::End, &[]);
    }
    Ok(at.0)
}

/// The path of an open file, for /proc/self/maps.
fn path_of(fd: i32) -> PathBuf {
    let link = rustix::fs::readlink(format!("/proc/self/fd/{fd}"), Vec::new());
    link.map(|l| PathBuf::from(OsString::from_vec(l.into_bytes()))).unwrap_or_default()
}

pub(in crate::linux) fn munmap(c: &mut Call<'_>) -> SysResult {
    c.task.mm.unmap(c.addr(0), c.args[1])?;
    Ok(0)
}

pub(in crate::linux) fn mprotect(c: &mut Call<'_>) -> SysResult {
    const PROT_GROWS: u64 = 0x0300_0000;
    const PROT_SEM: u64 = 8;
    if c.args[2] & !(7 | PROT_SEM) != 0 {
        if c.args[2] & PROT_GROWS != 0 {
            c.unimplemented("mprotect with PROT_GROWSDOWN or PROT_GROWSUP".to_owned());
        }
        return Err(Errno::INVAL);
    }
    c.task.mm.protect(c.addr(0), c.args[1], prot(c.args[2]))?;
    Ok(0)
}

pub(in crate::linux) fn mremap(c: &mut Call<'_>) -> SysResult {
    let [old, old_len, new_len, flags, new, _] = c.args;
    let (may_move, fixed) = (flags & libc::MREMAP_MAYMOVE as u64 != 0, flags & libc::MREMAP_FIXED as u64 != 0);
    if flags & !7 != 0 || (fixed && !may_move) {
        return Err(Errno::INVAL);
    }
    if flags & libc::MREMAP_DONTUNMAP as u64 != 0 {
        c.unimplemented("mremap with MREMAP_DONTUNMAP".to_owned());
        return Err(Errno::INVAL);
    }
    let fixed = fixed.then_some(GuestAddr(new));
    Ok(c.task.mm.remap(GuestAddr(old), old_len, new_len, may_move, fixed)?.0)
}

/// What a hole in the range of a call does, besides making it fail with ENOMEM.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    /// What comes after it is done too.
    Skip,
    /// What comes before it is done.
    End,
}

/// Makes a host call on a range of guest memory, all of which should be mapped: where the guest has
/// nothing, the host has a reservation, and would be content with that.
fn on_range(c: &Call<'_>, call: Sys, start: GuestAddr, len: u64, holes: Holes, rest: &[u64]) -> SysResult {
    let len = page_len(len).ok_or(Errno::NOMEM)?;
    let end = GuestAddr(start.0.checked_add(len).ok_or(Errno::NOMEM)?);
    let mut at = start;
    let mut missing = Ok(0);
    for part in c.task.mm.mapped_parts(&(start..end)) {
        if part.start != at {
            missing = Err(Errno::NOMEM);
            if holes == Holes::End {
                return missing;
            }
        }
        let size = part.end.0 - part.start.0;
        let mut args = vec![c.guest(part.start.0, size), SysArg::Val(size)];
        args.extend(rest.iter().map(|&value| SysArg::Val(value)));
        host::pass(call, &mut args)?;
        at = part.end;
    }
    if at < end { Err(Errno::NOMEM) } else { missing }
}

/// A start that need not be at a page boundary, with the length from there.
fn rounded(c: &Call<'_>) -> (GuestAddr, u64) {
    let start = c.addr(0).page_floor();
    (start, c.args[1].saturating_add(c.args[0] - start.0))
}

pub(in crate::linux) fn msync(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(2);
    let both = libc::MS_ASYNC | libc::MS_SYNC;
    if !c.addr(0).is_page_aligned() || flags & !(both | libc::MS_INVALIDATE) != 0 || flags & both == both {
        return Err(Errno::INVAL);
    }
    if c.args[1] == 0 {
        return Ok(0);
    }
    on_range(c, Sys::Msync, c.addr(0), c.args[1], Holes::Skip, &[c.args[2]])
}

pub(in crate::linux) fn mlock(c: &mut Call<'_>) -> SysResult {
    let (start, len) = rounded(c);
    if len == 0 { Ok(0) } else { on_range(c, Sys::Mlock, start, len, Holes::End, &[]) }
}

pub(in crate::linux) fn mlock2(c: &mut Call<'_>) -> SysResult {
    if c.args[2] & !1 != 0 {
        return Err(Errno::INVAL);
    }
    let (start, len) = rounded(c);
    if len == 0 { Ok(0) } else { on_range(c, Sys::Mlock2, start, len, Holes::End, &[c.args[2]]) }
}

pub(in crate::linux) fn munlock(c: &mut Call<'_>) -> SysResult {
    let (start, len) = rounded(c);
    if len == 0 { Ok(0) } else { on_range(c, Sys::Munlock, start, len, Holes::End, &[]) }
}

pub(in crate::linux) fn mlockall(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(0);
    if flags & !7 != 0 || flags == 0 || flags == libc::MCL_ONFAULT {
        return Err(Errno::INVAL);
    }
    if flags & libc::MCL_CURRENT != 0 {
        // The host's own mlockall would lock the whole reservation, and remu.
        let on_fault = u64::from(flags & libc::MCL_ONFAULT != 0);
        for vma in c.task.mm.vmas() {
            on_range(c, Sys::Mlock2, vma.range.start, vma.len(), Holes::End, &[on_fault])?;
        }
    }
    if flags & libc::MCL_FUTURE != 0 {
        c.unimplemented("mlockall with MCL_FUTURE".to_owned());
    }
    Ok(0)
}

pub(in crate::linux) fn munlockall(c: &mut Call<'_>) -> SysResult {
    for vma in c.task.mm.vmas() {
        on_range(c, Sys::Munlock, vma.range.start, vma.len(), Holes::End, &[])?;
    }
    Ok(0)
}

pub(in crate::linux) fn mincore(c: &mut Call<'_>) -> SysResult {
    let (start, len) = (c.addr(0), c.args[1]);
    if !start.is_page_aligned() {
        return Err(Errno::INVAL);
    }
    let len = page_len(len).ok_or(Errno::NOMEM)?;
    let end = start.0.checked_add(len).ok_or(Errno::NOMEM)?;
    // What comes before a hole is answered, then the hole is told of.
    let mapped = c.task.mm.mapped_parts(&(start..GuestAddr(end)));
    let covered = mapped.first().filter(|part| part.start == start).map_or(0, |part| part.end.0 - start.0);
    if covered > 0 || len == 0 {
        let (memory, vector) = (c.guest(start.0, covered), c.guest(c.args[2], covered / PAGE_SIZE));
        host::pass(Sys::Mincore, &mut [memory, SysArg::Val(covered), vector])?;
    }
    if covered < len { Err(Errno::NOMEM) } else { Ok(0) }
}

pub(in crate::linux) fn madvise(c: &mut Call<'_>) -> SysResult {
    advise(c, c.addr(0), c.args[1], c.int(2))
}

/// MADV_DONTNEED_LOCKED of `linux/mman.h`.
const MADV_DONTNEED_LOCKED: i32 = 24;

/// Takes advice on a range.
pub(super) fn advise(c: &Call<'_>, start: GuestAddr, len: u64, advice: i32) -> SysResult {
    let len = page_len(len).ok_or(Errno::INVAL)?;
    if !start.is_page_aligned() || start.0.checked_add(len).is_none() {
        return Err(Errno::INVAL);
    }
    match advice {
        libc::MADV_NORMAL
        | libc::MADV_RANDOM
        | libc::MADV_SEQUENTIAL
        | libc::MADV_WILLNEED
        | libc::MADV_DONTNEED
        | libc::MADV_FREE
        | libc::MADV_REMOVE
        | libc::MADV_DONTFORK
        | libc::MADV_DOFORK
        | libc::MADV_MERGEABLE
        | libc::MADV_UNMERGEABLE
        | libc::MADV_HUGEPAGE
        | libc::MADV_NOHUGEPAGE
        | libc::MADV_DONTDUMP
        | libc::MADV_DODUMP
        | libc::MADV_WIPEONFORK
        | libc::MADV_KEEPONFORK
        | libc::MADV_COLD
        | libc::MADV_PAGEOUT
        | libc::MADV_POPULATE_READ
        | libc::MADV_POPULATE_WRITE
        | MADV_DONTNEED_LOCKED => {}
        other => {
            c.unimplemented(format!("madvise advice {other}"));
            return Err(Errno::INVAL);
        }
    }
    if len == 0 {
        return Ok(0);
    }
    let contents = matches!(advice, libc::MADV_DONTNEED | libc::MADV_FREE | libc::MADV_REMOVE | MADV_DONTNEED_LOCKED);
    let discards = contents || matches!(advice, libc::MADV_DONTFORK | libc::MADV_WIPEONFORK);
    let range = start..start.offset(len);
    let kept = if discards { c.task.mm.first_kept(&range) } else { None };
    // What comes before the area that is to be kept is done.
    let end = kept.unwrap_or(range.end);
    let result = on_range(c, Sys::Madvise, start, end.0 - start.0, Holes::Skip, &[advice as u64]);
    if contents {
        c.task.mm.contents_changed(&(start..end));
    }
    if kept.is_some() { Err(Errno::PERM) } else { result }
}
