//! Seals, remap_file_pages, and calls on the process's own memory.

use super::{BEYOND, Bench, NOWHERE};
use crate::linux::abi::file::Iovec;
use crate::memory::GuestAddr;
use rustix::io::Errno;

const PAGE: u64 = 4096;
const RW: u64 = 3;
const READ: u64 = 1;
const ANONYMOUS: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
const SHARED: u64 = libc::MAP_SHARED as u64;
const FIXED: u64 = libc::MAP_FIXED as u64;
const DONTNEED: u64 = libc::MADV_DONTNEED as u64;
const NONE: u64 = u64::MAX;

fn map(b: &mut Bench, at: u64, pages: u64, prot: u64) -> u64 {
    b.sys("mmap", &[at, pages * PAGE, prot, ANONYMOUS | FIXED, NONE, 0]).unwrap()
}

/// The areas from `at`: offset from `at`, permissions, file offset.
fn areas(b: &mut Bench, at: u64) -> Vec<(u64, String, u64)> {
    let maps = super::proc::read(b, "/proc/self/maps");
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let lines = maps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.map(|f| (hex(f[0].split('-').next().unwrap()), f[1].to_owned(), hex(f[2])));
    found
        .filter(|(start, ..)| (at..at + 32 * PAGE).contains(start))
        .map(|(s, p, o)| ((s - at) / PAGE, p, o / PAGE))
        .collect()
}

#[test]
fn sealed_memory_cannot_be_changed() {
    let mut b = Bench::new();
    let at = map(&mut b, NOWHERE, 4, RW);
    let sealed = at + PAGE;
    b.task.mm.write(GuestAddr(sealed), &5u8).unwrap();
    assert_eq!(b.sys("mseal", &[sealed, PAGE, 0]), Ok(0));
    assert_eq!(b.sys("mseal", &[sealed, PAGE, 0]), Ok(0), "sealing twice has no further effect");
    assert_eq!(b.sys("munmap", &[at, 3 * PAGE]), Err(Errno::PERM));
    assert!(b.task.mm.read::<u8>(GuestAddr(at)).is_ok(), "nothing is unmapped");
    assert_eq!(b.sys("mmap", &[at, 3 * PAGE, RW, ANONYMOUS | FIXED, NONE, 0]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[sealed, PAGE, 2 * PAGE, 1]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[sealed, PAGE, PAGE, 0]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[sealed, PAGE, PAGE, 3, at + 64 * PAGE]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[at + 3 * PAGE, PAGE, PAGE, 3, sealed]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[at, 4 * PAGE, PAGE, 0]), Err(Errno::PERM));
    assert_eq!(b.sys("mremap", &[sealed, PAGE, PAGE, 1 | 4]), Err(Errno::PERM), "MREMAP_DONTUNMAP");
    assert_eq!(b.sys("mremap", &[sealed, PAGE, 0, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mprotect", &[at, 3 * PAGE, READ]), Err(Errno::PERM));
    let perms = |n: u64, p: &str| (n, p.to_owned(), 0);
    assert_eq!(
        areas(&mut b, at),
        [perms(0, "r--p"), perms(1, "rw-p"), perms(2, "rw-p")],
        "the part before the sealed area is changed"
    );
    assert_eq!(b.get::<u8>(sealed), 5);
    assert_eq!(b.sys("madvise", &[sealed, PAGE, DONTNEED]), Ok(0), "writable sealed memory may be discarded");
    assert_eq!(b.get::<u8>(sealed), 0);
    assert_eq!(b.sys("munmap", &[at + 2 * PAGE, 2 * PAGE]), Ok(0));
}

#[test]
fn sealed_read_only_memory_cannot_be_discarded() {
    let mut b = Bench::new();
    let at = map(&mut b, NOWHERE, 3, RW);
    for page in 0..3 {
        b.task.mm.write(GuestAddr(at + page * PAGE), &7u8).unwrap();
    }
    b.sys("mprotect", &[at, 3 * PAGE, READ]).unwrap();
    b.sys("mseal", &[at + PAGE, PAGE, 0]).unwrap();
    assert_eq!(b.sys("madvise", &[at, 3 * PAGE, DONTNEED]), Err(Errno::PERM));
    assert_eq!([0, 1, 2].map(|page| b.get::<u8>(at + page * PAGE)), [0, 7, 7]);
    let discards = [libc::MADV_FREE, libc::MADV_REMOVE, libc::MADV_DONTFORK, libc::MADV_WIPEONFORK, 24, 102];
    for advice in discards {
        assert_eq!(b.sys("madvise", &[at + PAGE, PAGE, advice as u64]), Err(Errno::PERM), "{advice}");
    }
    assert_eq!(b.sys("madvise", &[at + PAGE, PAGE, libc::MADV_WILLNEED as u64]), Ok(0));
    let fd = b.file(&[b'f'; 4096]);
    for sharing in [SHARED, libc::MAP_PRIVATE as u64] {
        let file = b.sys("mmap", &[0, PAGE, READ, sharing, fd, 0]).unwrap();
        b.sys("mseal", &[file, PAGE, 0]).unwrap();
        assert_eq!(b.sys("madvise", &[file, PAGE, DONTNEED]), Ok(0));
        assert_eq!(b.get::<u8>(file), b'f', "file pages reappear");
    }
}

#[test]
fn seals_are_checked_as_the_kernel_does() {
    let mut b = Bench::new();
    let at = map(&mut b, NOWHERE, 3, RW);
    assert_eq!(b.sys("mseal", &[at + 1, PAGE, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mseal", &[at, PAGE, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("mseal", &[at, 0, 0]), Ok(0));
    assert_eq!(b.sys("mseal", &[at, u64::MAX, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mseal", &[at, (40 * PAGE).wrapping_neg(), 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mseal", &[at + 64 * PAGE, PAGE, 0]), Err(Errno::NOMEM));
    b.sys("munmap", &[at + PAGE, PAGE]).unwrap();
    assert_eq!(b.sys("mseal", &[at, 3 * PAGE, 0]), Err(Errno::NOMEM));
    assert_eq!(b.sys("munmap", &[at, PAGE]), Ok(0), "a range with a hole is not sealed in part");
    let heap = b.sys("brk", &[0]).unwrap();
    assert_eq!(b.sys("brk", &[heap + 4 * PAGE]), Ok(heap + 4 * PAGE));
    b.sys("mseal", &[heap, PAGE, 0]).unwrap();
    assert_eq!(b.sys("brk", &[heap]), Ok(heap + 4 * PAGE));
    assert_eq!(b.sys("brk", &[heap + 2 * PAGE]), Ok(heap + 2 * PAGE));
}

#[test]
fn remap_file_pages_reorders_pages() {
    let mut b = Bench::new();
    let contents: Vec<u8> = (0..8).flat_map(|n| vec![b'0' + n; PAGE as usize]).collect();
    let fd = b.file(&contents);
    let at = b.sys("mmap", &[NOWHERE, 8 * PAGE, RW, SHARED, fd, 0]).unwrap();
    assert_eq!(b.sys("remap_file_pages", &[at, PAGE, 0, 5, 0]), Ok(0));
    assert_eq!(b.get::<u8>(at), b'5');
    let line = |n: u64, offset: u64| (n, "rw-s".to_owned(), offset);
    assert_eq!(areas(&mut b, at), [line(0, 5), line(1, 1)]);
    assert_eq!(
        b.sys("remap_file_pages", &[at + PAGE + 1, 2 * PAGE - 1, 0, 7, 0]),
        Ok(0),
        "the range is rounded to whole pages"
    );
    assert_eq!((b.get::<u8>(at + PAGE), b.get::<u8>(at + 2 * PAGE)), (b'7', b'2'));
    assert_eq!(b.sys("remap_file_pages", &[at, 3 * PAGE, 0, 2, 0]), Ok(0));
    assert_eq!(areas(&mut b, at), [line(0, 2), line(3, 3)]);
    assert_eq!(b.sys("remap_file_pages", &[at, PAGE, 1, 2, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("remap_file_pages", &[at, PAGE - 1, 0, 2, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("remap_file_pages", &[at, PAGE, 0, u64::MAX, 0]), Err(Errno::INVAL));
    b.sys("mprotect", &[at + PAGE, PAGE, READ]).unwrap();
    assert_eq!(b.sys("remap_file_pages", &[at, 2 * PAGE, 0, 0, 0]), Err(Errno::INVAL), "other permissions");
    assert_eq!(b.sys("remap_file_pages", &[at + PAGE, PAGE, 0, 0, 0]), Ok(0));
    assert_eq!(b.get::<u8>(at + PAGE), b'0');
    b.sys("munmap", &[at + 3 * PAGE, PAGE]).unwrap();
    assert_eq!(b.sys("remap_file_pages", &[at + 2 * PAGE, 2 * PAGE, 0, 0, 0]), Err(Errno::INVAL));
    let private = b.sys("mmap", &[0, PAGE, RW, libc::MAP_PRIVATE as u64, fd, 0]).unwrap();
    assert_eq!(b.sys("remap_file_pages", &[private, PAGE, 0, 1, 0]), Err(Errno::INVAL));
    let memory = b.sys("mmap", &[0, 2 * PAGE, RW, SHARED | libc::MAP_ANONYMOUS as u64, NONE, 0]).unwrap();
    b.task.mm.write(GuestAddr(memory + PAGE), b"x").unwrap();
    assert_eq!(b.sys("remap_file_pages", &[memory, PAGE, 0, 1, 0]), Ok(0));
    assert_eq!(b.get::<u8>(memory), b'x');
    b.sys("mseal", &[memory, PAGE, 0]).unwrap();
    assert_eq!(b.sys("remap_file_pages", &[memory, PAGE, 0, 0, 0]), Err(Errno::PERM));
}

#[test]
fn the_processs_own_memory_is_copied_by_pid() {
    let mut b = Bench::new();
    let pid = b.task.pid() as u64;
    let (source, target) = (b.put(b"abcdef".as_slice()), b.room(16));
    let local = b.put(&[Iovec { base: target, len: 4 }, Iovec { base: target + 8, len: 8 }]);
    let remote = b.put(&[Iovec { base: source, len: 1 }, Iovec { base: source + 2, len: 4 }]);
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 2, remote, 2, 0]), Ok(5));
    assert_eq!(b.bytes(target, 10), b"acde\0\0\0\0f\0");
    assert_eq!(b.sys("process_vm_writev", &[pid, local, 1, remote, 1, 0]), Ok(1));
    assert_eq!(b.bytes(source, 2), b"ab");
    let back = b.put(&Iovec { base: source + 1, len: 2 });
    assert_eq!(b.sys("process_vm_writev", &[pid, local, 1, back, 1, 0]), Ok(2));
    assert_eq!(b.bytes(source, 6), b"aacdef");
    // The transfer ends at an unmapped address. If the first address is unmapped, that is an error.
    let bad = b.put(&[Iovec { base: source, len: 1 }, Iovec { base: BEYOND, len: 1 }]);
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 1, bad, 2, 0]), Ok(1));
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 1, bad + 16, 1, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("process_vm_readv", &[pid, bad + 16, 1, remote, 1, 0]), Err(Errno::FAULT));
    let hole = b.put(&Iovec { base: NOWHERE, len: 4 });
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 1, hole, 1, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 2, remote, 2, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("process_vm_readv", &[pid, local, 2000, remote, 2, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("process_vm_readv", &[0, local, 1, remote, 1, 0]), Err(Errno::SRCH));
    assert_eq!(b.sys("process_vm_readv", &[0x3fff_ffff, local, 1, remote, 1, 0]), Err(Errno::SRCH));
    assert_eq!(b.missing.take(), "");
    assert_eq!(
        b.sys("process_vm_readv", &[u64::from(std::os::unix::process::parent_id()), local, 1, remote, 1, 0]),
        Err(Errno::PERM)
    );
}

#[test]
fn process_madvise_accepts_a_pidfd() {
    let mut b = Bench::new();
    let pidfd = b.sys("pidfd_open", &[b.task.pid() as u64, 0]).unwrap();
    let at = map(&mut b, NOWHERE, 2, RW);
    for page in 0..2 {
        b.task.mm.write(GuestAddr(at + page * PAGE), &7u8).unwrap();
    }
    let list = b.put(&[
        Iovec { base: at, len: PAGE },
        Iovec { base: at + PAGE, len: PAGE },
        Iovec { base: at + 2 * PAGE, len: PAGE },
    ]);
    assert_eq!(b.sys("process_madvise", &[pidfd, list, 1, DONTNEED, 0]), Ok(PAGE));
    assert_eq!((b.get::<u8>(at), b.get::<u8>(at + PAGE)), (0, 7));
    assert_eq!(b.sys("process_madvise", &[pidfd, list, 3, DONTNEED, 0]), Ok(2 * PAGE));
    assert_eq!(b.get::<u8>(at + PAGE), 0);
    assert_eq!(b.sys("process_madvise", &[pidfd, list + 32, 1, DONTNEED, 0]), Err(Errno::NOMEM));
    assert_eq!(b.sys("process_madvise", &[pidfd, list, 1, DONTNEED, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("process_madvise", &[pidfd, list, 1, 4711, 0]), Err(Errno::INVAL));
    b.task.mm.write(GuestAddr(at), &7u8).unwrap();
    assert_eq!(b.sys("process_madvise", &[-10000i64 as u64, list, 1, DONTNEED, 0]), Ok(PAGE), "PIDFD_SELF");
    assert_eq!(b.get::<u8>(at), 0);
    let file = b.file(b"");
    assert_eq!(b.sys("process_madvise", &[file, list, 1, DONTNEED, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("process_madvise", &[pidfd, BEYOND, 1, DONTNEED, 0]), Err(Errno::FAULT));
    // Only a dying process can be reaped, and this one is not dying.
    assert_eq!(b.sys("process_mrelease", &[pidfd, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("process_mrelease", &[file, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("process_mrelease", &[pidfd, 1]), Err(Errno::INVAL));
}

#[test]
fn vmsplice_moves_pages_to_and_from_a_pipe() {
    let mut b = Bench::new();
    let (r, w) = b.pipe();
    let at = map(&mut b, NOWHERE, 1, RW);
    b.task.mm.write(GuestAddr(at), b"pages").unwrap();
    let list = b.put(&[Iovec { base: at, len: 3 }, Iovec { base: at + 3, len: 2 }]);
    assert_eq!(b.sys("vmsplice", &[w, list, 2, 0]), Ok(5));
    b.task.mm.write(GuestAddr(at + 1), b"A").unwrap();
    let to = b.room(8);
    assert_eq!(b.sys("read", &[r, to, 4]), Ok(4));
    assert_eq!(b.bytes(to, 4), b"pAge", "the pipe shares the pages");
    let rest = b.put(&Iovec { base: to + 4, len: 4 });
    assert_eq!(b.sys("vmsplice", &[r, rest, 1, 0]), Ok(1));
    assert_eq!(b.bytes(to, 5), b"pAges");
    assert_eq!(b.sys("vmsplice", &[r, rest, 1, libc::SPLICE_F_NONBLOCK as u64]), Err(Errno::AGAIN));
    let file = b.file(b"");
    assert_eq!(b.sys("vmsplice", &[file, list, 2, 0]), Err(Errno::BADF));
    let bad = b.put(&Iovec { base: NOWHERE + PAGE, len: 8 });
    assert_eq!(b.sys("vmsplice", &[w, bad, 1, 0]), Err(Errno::FAULT));
}

#[test]
fn secret_memory_is_mapped_like_any_other() {
    let mut b = Bench::new();
    let fd = match b.sys("memfd_secret", &[libc::O_CLOEXEC as u64]) {
        // Secret memory may be disabled in the host kernel.
        Err(e) => return assert_eq!(e, Errno::NOSYS),
        Ok(fd) => fd,
    };
    assert_eq!(b.sys("memfd_secret", &[1]), Err(Errno::INVAL));
    assert_eq!(b.sys("ftruncate", &[fd, PAGE]), Ok(0));
    assert_eq!(b.sys("mmap", &[0, PAGE, RW, libc::MAP_PRIVATE as u64, fd, 0]), Err(Errno::INVAL));
    let at = b.sys("mmap", &[0, PAGE, RW, SHARED, fd, 0]).unwrap();
    b.task.mm.write(GuestAddr(at), &42u32).unwrap();
    let twin = b.sys("mmap", &[0, PAGE, READ, SHARED, fd, 0]).unwrap();
    assert_eq!(b.get::<u32>(twin), 42);
    let (_, w) = b.pipe();
    assert_eq!(b.sys("write", &[w, at, 4]), Ok(4), "the kernel may copy it for its owner");
    let list = b.put(&Iovec { base: at, len: 4 });
    assert_eq!(b.sys("vmsplice", &[w, list, 1, 0]), Err(Errno::FAULT), "but cannot share the page");
}

/// The host could not follow the addresses in requests.
#[test]
fn asynchronous_io_needs_addresses_that_are_the_hosts() {
    let mut b = Bench::new();
    for call in ["io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents", "io_uring_setup"]
    {
        assert_eq!(b.sys(call, &[0; 6]), Err(Errno::NOSYS), "{call}");
        assert_eq!(b.missing.take(), format!("{call} where addresses are not the host's\n"));
    }
    assert_eq!(b.sys("io_uring_enter", &[0; 6]), Err(Errno::NOSYS));
    assert_eq!(b.sys("io_uring_register", &[0; 6]), Err(Errno::NOSYS));
}
