//! The calls on the address space.

use super::alone::alone;
use super::{BEYOND, Bench, NOWHERE};
use crate::host::StopFlag;
use crate::memory::{GuestAddr, Stale};
use rustix::io::Errno;
use std::sync::Arc;

const RW: u64 = (libc::PROT_READ | libc::PROT_WRITE) as u64;
const ANONYMOUS: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
const FIXED: u64 = libc::MAP_FIXED as u64;
const NONE: u64 = u64::MAX;
const PAGE: u64 = 4096;

#[test]
fn memory_is_mapped_used_protected_and_unmapped() {
    let mut b = Bench::new();
    let at = b.sys("mmap", &[0, 2 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    b.task.mm.write(GuestAddr(at + PAGE), &7u64).unwrap();
    assert_eq!(b.sys("mprotect", &[at, 2 * PAGE, 1]), Ok(0));
    assert!(b.task.mm.write(GuestAddr(at), &1u8).is_err());
    assert_eq!(b.get::<u64>(at + PAGE), 7);
    assert_eq!(b.sys("munmap", &[at, PAGE]), Ok(0));
    assert!(b.task.mm.read::<u8>(GuestAddr(at)).is_err());
    assert_eq!(b.get::<u64>(at + PAGE), 7);
    assert_eq!(b.sys("mprotect", &[at, 2 * PAGE, 3]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mprotect", &[at + 1, PAGE, 3]), Err(Errno::INVAL));
    assert_eq!(b.sys("munmap", &[at + 1, PAGE]), Err(Errno::INVAL));
    assert_eq!(b.sys("munmap", &[at, 0]), Err(Errno::INVAL));
}

#[test]
fn mmap_refuses_what_the_kernel_refuses() {
    let mut b = Bench::new();
    assert_eq!(b.sys("mmap", &[0, 0, RW, ANONYMOUS, NONE, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, ANONYMOUS, NONE, 12]), Err(Errno::INVAL));
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, libc::MAP_ANONYMOUS as u64, NONE, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, libc::MAP_PRIVATE as u64, 999_999, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, libc::MAP_PRIVATE as u64, NONE, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("mmap", &[0, 1 << 40, RW, ANONYMOUS, NONE, 0]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mmap", &[0, u64::MAX, RW, ANONYMOUS, NONE, 0]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mmap", &[BEYOND, PAGE, RW, ANONYMOUS | FIXED, NONE, 0]), Err(Errno::NOMEM));
    let at = b.sys("mmap", &[NOWHERE, PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    assert_eq!(at, NOWHERE, "a free hint is used");
    let exactly = ANONYMOUS | libc::MAP_FIXED_NOREPLACE as u64;
    assert_eq!(b.sys("mmap", &[NOWHERE, PAGE, RW, exactly, NONE, 0]), Err(Errno::EXIST));
    assert_eq!(b.sys("mmap", &[NOWHERE, PAGE, RW, ANONYMOUS | FIXED, NONE, 0]), Ok(NOWHERE));
}

#[test]
fn files_are_mapped_shared_and_private() {
    let mut b = Bench::new();
    let fd = b.file(&[b'a'; 5000]);
    let shared = b.sys("mmap", &[0, 2 * PAGE, RW, libc::MAP_SHARED as u64, fd, 0]).unwrap();
    let private = b.sys("mmap", &[0, PAGE, RW, libc::MAP_PRIVATE as u64, fd, PAGE]).unwrap();
    assert_eq!(b.bytes(private, 2), b"aa");
    assert_eq!(b.bytes(private + 5000 - PAGE, 1), [0]);
    b.task.mm.write(GuestAddr(shared), b"S").unwrap();
    b.task.mm.write(GuestAddr(private), b"P").unwrap();
    let buf = b.room(8);
    b.sys("pread64", &[fd, buf, 1, 0]).unwrap();
    b.sys("pread64", &[fd, buf + 1, 1, PAGE]).unwrap();
    assert_eq!(b.bytes(buf, 2), b"Sa");
    assert_eq!(b.sys("msync", &[shared, 2 * PAGE, libc::MS_SYNC as u64]), Ok(0));
    assert_eq!(b.sys("msync", &[shared, 3 << 20, libc::MS_SYNC as u64]), Err(Errno::NOMEM));
    assert_eq!(b.sys("msync", &[shared, PAGE, (libc::MS_SYNC | libc::MS_ASYNC) as u64]), Err(Errno::INVAL));
}

#[test]
fn mappings_grow_shrink_and_move() {
    let mut b = Bench::new();
    let at = b.sys("mmap", &[NOWHERE, 2 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    b.sys("mmap", &[at + 2 * PAGE, PAGE, 1, ANONYMOUS | FIXED, NONE, 0]).unwrap();
    b.task.mm.write(GuestAddr(at), &42u32).unwrap();
    assert_eq!(b.sys("mremap", &[at, 2 * PAGE, 4 * PAGE, 0]), Err(Errno::NOMEM));
    let moved = b.sys("mremap", &[at, 2 * PAGE, 4 * PAGE, 1]).unwrap();
    assert_ne!(moved, at);
    assert_eq!(b.get::<u32>(moved), 42);
    assert!(b.task.mm.read::<u8>(GuestAddr(at)).is_err());
    assert_eq!(b.sys("mremap", &[moved, 4 * PAGE, PAGE, 0]), Ok(moved));
    assert!(b.task.mm.read::<u8>(GuestAddr(moved + PAGE)).is_err());
    let to = NOWHERE + (1 << 20);
    assert_eq!(b.sys("mremap", &[moved, PAGE, PAGE, 3, to]), Ok(to));
    assert_eq!(b.get::<u32>(to), 42);
    assert_eq!(b.sys("mremap", &[to, PAGE, PAGE, 2, moved]), Err(Errno::INVAL));
    let two = b.sys("mmap", &[NOWHERE + (4 << 20), 2 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    b.sys("mprotect", &[two, PAGE, 1]).unwrap();
    assert_eq!(b.sys("mremap", &[two, 2 * PAGE, 4 * PAGE, 1]), Err(Errno::FAULT), "two areas cannot grow together");
    assert_eq!(b.sys("mremap", &[two, 2 * PAGE, PAGE, 0]), Ok(two), "but they shrink");
    assert_eq!(b.sys("mremap", &[NOWHERE + (8 << 20), PAGE, PAGE, 1]), Err(Errno::FAULT));
}

#[test]
fn the_heap_grows_and_shrinks() {
    let mut b = Bench::new();
    let start = b.sys("brk", &[0]).unwrap();
    assert_eq!(start, 0x80_0000);
    assert_eq!(b.sys("brk", &[start + 10_000]), Ok(start + 10_000));
    b.task.mm.write(GuestAddr(start + 9_999), &1u8).unwrap();
    assert_eq!(b.sys("brk", &[start - 1]), Ok(start + 10_000));
    assert_eq!(b.sys("brk", &[start + 1]), Ok(start + 1));
    assert!(b.task.mm.read::<u8>(GuestAddr(start + 8192)).is_err());
    assert_eq!(b.sys("brk", &[1 << 40]), Ok(start + 1));
}

#[test]
fn the_limit_of_the_address_space_holds() {
    let mut b = Bench::new();
    let limit = b.put(&[b.task.mm.mapped_bytes() + 10 * PAGE, u64::MAX]);
    b.sys("setrlimit", &[libc::RLIMIT_AS.into(), limit]).unwrap();
    assert_eq!(b.sys("mmap", &[0, 11 * PAGE, RW, ANONYMOUS, NONE, 0]), Err(Errno::NOMEM));
    assert!(b.sys("mmap", &[0, 5 * PAGE, RW, ANONYMOUS, NONE, 0]).is_ok());
    let start = b.sys("brk", &[0]).unwrap();
    assert_eq!(b.sys("brk", &[start + 6 * PAGE]), Ok(start));
    assert_eq!(b.sys("brk", &[start + 4 * PAGE]), Ok(start + 4 * PAGE));
}

#[test]
fn madvise_affects_memory_contents() {
    let mut b = Bench::new();
    let at = b.sys("mmap", &[NOWHERE, 2 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    b.task.mm.write(GuestAddr(at), &7u64).unwrap();
    b.task.mm.write(GuestAddr(at + PAGE), &8u64).unwrap();
    let there = b.room(8);
    assert_eq!(b.sys("mincore", &[at, 2 * PAGE, there]), Ok(0));
    assert_eq!(b.bytes(there, 2), [1, 1]);
    assert_eq!(b.sys("madvise", &[at, PAGE, libc::MADV_DONTNEED as u64]), Ok(0));
    assert_eq!((b.get::<u64>(at), b.get::<u64>(at + PAGE)), (0, 8));
    assert_eq!(b.sys("madvise", &[at + 1, PAGE, libc::MADV_DONTNEED as u64]), Err(Errno::INVAL));
    assert_eq!(b.sys("madvise", &[at + PAGE, 3 * PAGE, libc::MADV_DONTNEED as u64]), Err(Errno::NOMEM));
    assert_eq!(b.get::<u64>(at + PAGE), 0, "the part before the hole is processed");
    assert_eq!(b.sys("madvise", &[at, PAGE, 4711]), Err(Errno::INVAL));
    assert_eq!(b.sys("mincore", &[at, 9 * PAGE, there]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mincore", &[at, PAGE, BEYOND]), Err(Errno::FAULT));
    assert_eq!(b.sys("mlock", &[at + 5, PAGE]), Ok(0));
    assert_eq!(b.sys("mlock2", &[at, PAGE, 2]), Err(Errno::INVAL));
    assert_eq!(b.sys("munlock", &[at, 2 * PAGE]), Ok(0));
    assert_eq!(b.sys("munlock", &[at, 3 * PAGE]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mlockall", &[0]), Err(Errno::INVAL));
}

#[test]
fn all_memory_is_unlocked_at_once() {
    alone(|| {
        let locked = || {
            let text = std::fs::read_to_string("/proc/self/status").unwrap();
            text.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim().to_owned()
        };
        let mut b = Bench::new();
        let at = b.sys("mmap", &[NOWHERE, PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
        assert_eq!(b.sys("mlock", &[at, PAGE]), Ok(0));
        assert_eq!(locked(), "4 kB");
        assert_eq!(b.sys("munlockall", &[]), Ok(0));
        assert_eq!(locked(), "0 kB");
    });
}

#[test]
fn droppable_memory_behaves_like_other_memory() {
    const DROPPABLE: u64 = 8 | libc::MAP_ANONYMOUS as u64;
    let mut b = Bench::new();
    for refused in [libc::MAP_GROWSDOWN, libc::MAP_LOCKED, libc::MAP_HUGETLB] {
        let result = b.sys("mmap", &[0, PAGE, RW, DROPPABLE | refused as u64, NONE, 0]);
        assert!(matches!(result, Err(Errno::INVAL | Errno::NOMEM)), "{refused:#x} {result:?}");
    }
    let fd = b.file(b"a");
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, 8, fd, 0]), Err(Errno::INVAL));
    match b.sys("mmap", &[NOWHERE, PAGE, RW, DROPPABLE, NONE, 0]) {
        Ok(at) => {
            b.task.mm.write(GuestAddr(at), &7u8).unwrap();
            assert_eq!(b.sys("mremap", &[at, PAGE, 2 * PAGE, 0]), Ok(at));
            let area = b.task.mm.vma_at(GuestAddr(at)).unwrap();
            assert!(area.droppable && !area.shared && area.len() == 2 * PAGE);
        }
        // Kernels before 6.11 do not know MAP_DROPPABLE.
        result => assert_eq!(result, Err(Errno::INVAL)),
    }
}

#[test]
fn guards_can_be_installed_and_removed() {
    use crate::memory::{Access, FaultKind};
    const INSTALL: u64 = 102;
    const REMOVE: u64 = 103;
    let mut b = Bench::new();
    let at = b.sys("mmap", &[NOWHERE, 2 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    b.task.mm.write(GuestAddr(at), &7u8).unwrap();
    match b.sys("madvise", &[at, PAGE, INSTALL]) {
        Ok(0) => {
            let fault = b.task.mm.classify(GuestAddr(at + 8), 1, Access::Read).unwrap();
            assert_eq!((fault.addr.0, fault.kind), (at + 8, FaultKind::Unmapped));
            assert!(b.task.mm.read::<u8>(GuestAddr(at)).is_err() && b.get::<u8>(at + PAGE) == 0);
            assert_eq!(b.sys("madvise", &[at, PAGE, REMOVE]), Ok(0));
            assert_eq!(b.get::<u8>(at), 0);
        }
        // Kernels before 6.13 do not know guards.
        result => assert_eq!((result, b.get::<u8>(at)), (Err(Errno::INVAL), 7)),
    }
}

#[test]
fn observers_are_notified_of_flushed_and_dropped_code() {
    let mut b = Bench::new();
    let watch = b.task.mm.watch_code(Arc::new(StopFlag::new()));
    watch.enter().decodes(&(GuestAddr(0)..GuestAddr(0x5000)));
    assert_eq!(b.sys("riscv_flush_icache", &[0x1000, 0x2000, 0]), Ok(0));
    assert_eq!(b.sys("riscv_flush_icache", &[0x3000, 0x4000, 1]), Ok(0));
    assert_eq!(b.sys("riscv_flush_icache", &[0x3000, 0x4000, 2]), Err(Errno::INVAL));
    let stale = [0x1000..0x2000, 0x3000..0x4000].map(|r| GuestAddr(r.start)..GuestAddr(r.end));
    assert_eq!(watch.enter().take(), Some(Stale::Ranges(stale.to_vec())));
}

#[test]
fn holes_stop_some_calls_and_not_others() {
    let mut b = Bench::new();
    let at = b.sys("mmap", &[NOWHERE, 3 * PAGE, RW, ANONYMOUS, NONE, 0]).unwrap();
    for page in 0..3 {
        b.task.mm.write(GuestAddr(at + page * PAGE), &7u8).unwrap();
    }
    b.sys("munmap", &[at + PAGE, PAGE]).unwrap();
    let there = b.room(8);
    assert_eq!(b.sys("mincore", &[at, 3 * PAGE, there]), Err(Errno::NOMEM));
    assert_eq!(b.bytes(there, 3), [1, 0, 0], "the part before the hole is reported");
    assert_eq!(b.sys("madvise", &[at, 3 * PAGE, libc::MADV_DONTNEED as u64]), Err(Errno::NOMEM));
    assert_eq!((b.get::<u8>(at), b.get::<u8>(at + 2 * PAGE)), (0, 0), "advice also applies past the hole");
    assert_eq!(b.sys("msync", &[at, 3 * PAGE, libc::MS_SYNC as u64]), Err(Errno::NOMEM));
    assert_eq!(b.sys("mlock", &[at + PAGE, 2 * PAGE]), Err(Errno::NOMEM));
}

#[test]
fn stacks_of_threads_grow_under_system_calls() {
    let mut b = Bench::new();
    let grows = ANONYMOUS | libc::MAP_GROWSDOWN as u64;
    let at = b.sys("mmap", &[NOWHERE + (8 << 20), PAGE, RW, grows, NONE, 0]).unwrap();
    let fd = b.file(b"abc");
    assert_eq!(b.sys("pread64", &[fd, at - 2 * PAGE, 3, 0]), Ok(3));
    assert_eq!(b.bytes(at - 2 * PAGE, 3), b"abc");
    let limit = b.put(&[4 * PAGE, 4 * PAGE]);
    b.sys("setrlimit", &[libc::RLIMIT_STACK.into(), limit]).unwrap();
    assert_eq!(b.sys("pread64", &[fd, at - 4 * PAGE, 3, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("pread64", &[fd, at - 3 * PAGE, 3, 0]), Ok(3));
    let shared = (libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN) as u64;
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, shared, NONE, 0]), Err(Errno::INVAL));
}

#[test]
fn shared_memory_is_mapped_twice_by_a_length_of_zero() {
    let mut b = Bench::new();
    let shared = (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64;
    let at = b.sys("mmap", &[0, PAGE, RW, shared, NONE, 0]).unwrap();
    let twin = b.sys("mremap", &[at, 0, PAGE, 1]).unwrap();
    b.task.mm.write(GuestAddr(twin), &9u8).unwrap();
    assert_eq!(b.get::<u8>(at), 9);
}

#[test]
fn requests_for_huge_pages_are_validated() {
    let mut b = Bench::new();
    let huge = ANONYMOUS | libc::MAP_HUGETLB as u64;
    let exactly = libc::MAP_FIXED_NOREPLACE as u64;
    let gigabytes = 30 << libc::MAP_HUGE_SHIFT;
    let (misplaced, right) = (NOWHERE / (2 << 20) * (2 << 20) + PAGE, NOWHERE / (2 << 20) * (2 << 20));
    let mut result = |at, len, flags| b.sys("mmap", &[at, len, RW, flags, NONE, 0]).unwrap_err();
    assert_eq!(result(misplaced, 2 << 20, huge | FIXED), Errno::INVAL);
    assert_eq!(result(misplaced, 2 << 20, huge | exactly), Errno::INVAL);
    assert_eq!(result(right, PAGE, huge | FIXED), Errno::NOMEM);
    assert_eq!(result(misplaced, 2 << 20, huge), Errno::NOMEM);
    assert_eq!(result((1 << 30) + (2 << 20), 2 << 20, huge | FIXED | gigabytes), Errno::INVAL);
    assert_eq!(result(1 << 30, 2 << 20, huge | FIXED | gigabytes), Errno::NOMEM);
    assert_eq!(result(0, 0, huge), Errno::INVAL);
    assert_eq!(result(0, u64::MAX, huge), Errno::INVAL);
    assert_eq!(result(0, 1 << 48, huge), Errno::NOMEM);
    assert_eq!(result(0, PAGE, huge | libc::MAP_GROWSDOWN as u64), Errno::INVAL);
    assert_eq!(result(0, PAGE, (libc::MAP_ANONYMOUS | libc::MAP_HUGETLB) as u64), Errno::INVAL);
}

#[test]
fn mdwe_denies_writable_executable_memory() {
    // Each expectation is the host kernel's behaviour.
    let mut b = Bench::new();
    let new = |b: &mut Bench, prot| b.sys("mmap", &[0, PAGE, prot, ANONYMOUS, NONE, 0]);
    let [plain, code, both] = [3, 5, 7].map(|prot| new(&mut b, prot).unwrap());
    let (set, get) = (libc::PR_SET_MDWE as u64, libc::PR_GET_MDWE as u64);
    for wrong in [[2, 0], [4, 0], [1, 1], [1 << 32, 0]] {
        assert_eq!(b.sys("prctl", &[set, wrong[0], wrong[1], 0, 0]), Err(Errno::INVAL));
    }
    assert_eq!(b.sys("prctl", &[get, 1, 0, 0, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("prctl", &[set, 0, 0, 0, 0]), Ok(0));
    assert_eq!(b.sys("prctl", &[set, 1, 0, 0, 0]), Ok(0));
    assert_eq!(b.sys("prctl", &[get, 0, 0, 0, 0]), Ok(1));
    for other in [0, 3] {
        assert_eq!(b.sys("prctl", &[set, other, 0, 0, 0]), Err(Errno::PERM));
    }
    assert_eq!(b.sys("prctl", &[set, 1, 0, 0, 0]), Ok(0));
    for (prot, result) in [(7, Err(Errno::ACCESS)), (6, Err(Errno::ACCESS)), (5, Ok(())), (4, Ok(()))] {
        assert_eq!(new(&mut b, prot).map(drop), result, "{prot}");
    }
    let refused = Err(Errno::ACCESS);
    for (at, prot, result) in [
        (plain, 5, refused),
        (plain, 7, refused),
        (plain, 1, Ok(0)),
        (plain, 5, refused),
        (code, 7, refused),
        (code, 5, Ok(0)),
        (code, 4, Ok(0)),
        (code, 1, Ok(0)),
        (code, 5, refused),
        (both, 7, refused),
        (both, 5, Ok(0)),
    ] {
        assert_eq!(b.sys("mprotect", &[at, PAGE, prot]), result, "{at:#x} {prot}");
    }
    // MDWE is checked before seals.
    assert_eq!(b.sys("mseal", &[plain, PAGE, 0]), Ok(0));
    assert_eq!(b.sys("mprotect", &[plain, PAGE, 5]), refused);
    assert_eq!(b.sys("mprotect", &[plain, PAGE, 3]), Err(Errno::PERM));
}
