//! Descriptors: duplication, flags, locks, terminals.

use super::alone::alone;
use super::{BEYOND, Bench, NOWHERE};
use crate::linux::abi::file::{Flock, Iovec};
use crate::linux::outcome::Outcome;
use rustix::io::Errno;

#[test]
fn reading_and_writing_move_bytes_and_the_position() {
    let mut b = Bench::new();
    let fd = b.file(b"0123456789");
    let buf = b.room(16);
    assert_eq!(b.sys("read", &[fd, buf, 4]), Ok(4));
    assert_eq!(b.bytes(buf, 5), b"0123\0");
    assert_eq!(b.sys("pread64", &[fd, buf, 3, 7]), Ok(3));
    assert_eq!(b.bytes(buf, 4), b"7893");
    assert_eq!(b.sys("lseek", &[fd, 0, 1]), Ok(4));
    assert_eq!(b.sys("lseek", &[fd, -2i64 as u64, 2]), Ok(8));
    let text = b.put(b"xyz".as_slice());
    assert_eq!(b.sys("write", &[fd, text, 3]), Ok(3));
    assert_eq!(b.sys("pwrite64", &[fd, text, 1, 0]), Ok(1));
    assert_eq!(b.sys("pread64", &[fd, buf, 16, 0]), Ok(11));
    assert_eq!(b.bytes(buf, 11), b"x1234567xyz");
    assert_eq!(b.sys("lseek", &[fd, 0, 99]), Err(Errno::INVAL));
}

#[test]
fn ebadf_and_efault_have_the_kernels_order() {
    let mut b = Bench::new();
    let fd = b.file(b"abc");
    for bad in [NOWHERE, BEYOND, 0, 1] {
        assert_eq!(b.sys("write", &[999_999, bad, 5]), Err(Errno::BADF), "{bad:#x}");
        assert_eq!(b.sys("read", &[fd, bad, 3]), Err(Errno::FAULT), "{bad:#x}");
        assert_eq!(b.sys("write", &[fd, bad, 3]), Err(Errno::FAULT), "{bad:#x}");
        assert_eq!(b.sys("readv", &[999_999, bad, 1]), Err(Errno::BADF), "{bad:#x}");
        assert_eq!(b.sys("readv", &[fd, bad, 1]), Err(Errno::FAULT), "{bad:#x}");
    }
}

#[test]
fn iovecs_are_gathered_and_scattered() {
    let mut b = Bench::new();
    let (one, two) = (b.put(b"ab".as_slice()), b.put(b"cde".as_slice()));
    let fd = b.file(b"");
    let list = b.put(&[Iovec { base: one, len: 2 }, Iovec { base: two, len: 3 }]);
    assert_eq!(b.sys("writev", &[fd, list, 2]), Ok(5));
    assert_eq!(b.sys("pwritev", &[fd, list, 2, 10, 0]), Ok(5));
    let (x, y) = (b.room(4), b.room(4));
    let into = b.put(&[Iovec { base: x, len: 1 }, Iovec { base: y, len: 4 }]);
    assert_eq!(b.sys("preadv", &[fd, into, 2, 10, 0]), Ok(5));
    assert_eq!((b.bytes(x, 2), b.bytes(y, 4)), (b"a\0".to_vec(), b"bcde".to_vec()));
    assert_eq!(b.sys("preadv", &[fd, into, 2, u64::MAX, 0]), Err(Errno::INVAL));
    b.sys("lseek", &[fd, 3, 0]).unwrap();
    assert_eq!(b.sys("preadv2", &[fd, into, 1, u64::MAX, 0, 0]), Ok(1));
    assert_eq!(b.bytes(x, 1), b"d");
    assert_eq!(b.sys("pwritev2", &[fd, list, 1, 0, 0, 0x8000]), Err(Errno::OPNOTSUPP));
    assert_eq!(b.sys("readv", &[fd, into, 1025]), Err(Errno::INVAL));
    let bad = b.put(&[Iovec { base: x, len: 1 }, Iovec { base: BEYOND, len: 8 }]);
    assert_eq!(b.sys("readv", &[fd, bad, 2]), Err(Errno::FAULT));
    let negative = b.put(&[Iovec { base: x, len: u64::MAX }]);
    assert_eq!(b.sys("readv", &[fd, negative, 1]), Err(Errno::INVAL));
    // The length of a single iovec is limited to what one call transfers. With several, all must be in user space
    // first.
    let room = b.room(16);
    let endless = b.put(&[Iovec { base: room, len: 1 << 62 }, Iovec { base: x, len: 1 }]);
    assert_eq!(b.sys("preadv", &[fd, endless, 1, 10, 0]), Ok(5));
    assert_eq!(b.bytes(room, 5), b"abcde");
    assert_eq!(b.sys("preadv", &[fd, endless, 2, 10, 0]), Err(Errno::FAULT));
}

#[test]
fn duplicates_share_their_position() {
    let mut b = Bench::new();
    let fd = b.file(b"0123456789");
    let copy = b.sys("dup", &[fd]).unwrap();
    assert_ne!(copy, fd);
    b.sys("lseek", &[fd, 5, 0]).unwrap();
    assert_eq!(b.sys("lseek", &[copy, 0, 1]), Ok(5));
    let high = b.sys("fcntl", &[fd, libc::F_DUPFD_CLOEXEC as u64, 200]).unwrap();
    assert!(high >= 200);
    assert_eq!(b.sys("fcntl", &[high, libc::F_GETFD as u64]), Ok(1));
    assert_eq!(b.sys("dup3", &[fd, high, 0]), Ok(high));
    assert_eq!(b.sys("fcntl", &[high, libc::F_GETFD as u64]), Ok(0));
    assert_eq!(b.sys("dup3", &[fd, fd, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("close", &[high]), Ok(0));
    assert_eq!(b.sys("close", &[high]), Err(Errno::BADF));
}

#[test]
fn fcntl_reads_and_sets_flags_and_locks() {
    let mut b = Bench::new();
    let fd = b.file(b"0123456789");
    let rdwr_large = 0o100_002;
    assert_eq!(b.sys("fcntl", &[fd, libc::F_GETFL as u64]), Ok(rdwr_large));
    b.sys("fcntl", &[fd, libc::F_SETFL as u64, libc::O_APPEND as u64]).unwrap();
    assert_eq!(b.sys("fcntl", &[fd, libc::F_GETFL as u64]), Ok(rdwr_large | libc::O_APPEND as u64));
    let lock = Flock { kind: libc::F_WRLCK as i16, whence: 0, pad: 0, start: 2, len: 3, pid: 0, pad2: 0 };
    let at = b.put(&lock);
    assert_eq!(b.sys("fcntl", &[fd, libc::F_OFD_SETLK as u64, at]), Ok(0));
    // A lock is visible to another open file description of the same file.
    let path = b.text(&format!("/proc/self/fd/{fd}"));
    let other = b.sys("openat", &[super::CWD, path, libc::O_RDWR as u64]).unwrap();
    let probe = b.put(&Flock { start: 0, len: 0, ..lock });
    assert_eq!(b.sys("fcntl", &[other, libc::F_OFD_GETLK as u64, probe]), Ok(0));
    let found: Flock = b.get(probe);
    assert_eq!((found.kind, found.start, found.len, found.pid), (libc::F_WRLCK as i16, 2, 3, -1));
    assert_eq!(b.sys("fcntl", &[other, libc::F_OFD_SETLK as u64, at]), Err(Errno::AGAIN));
    assert_eq!(b.sys("fcntl", &[fd, libc::F_OFD_SETLK as u64, NOWHERE]), Err(Errno::FAULT));
    assert_eq!(b.sys("fcntl", &[fd, 4711]), Err(Errno::INVAL));
    assert_eq!(b.missing.take(), "fcntl command 4711\n");
    assert_eq!(b.sys("flock", &[fd, libc::LOCK_EX as u64]), Ok(0));
    assert_eq!(b.sys("flock", &[other, (libc::LOCK_SH | libc::LOCK_NB) as u64]), Err(Errno::AGAIN));
}

#[test]
fn remus_descriptors_are_invalid_for_the_guest() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let ours = std::os::fd::AsRawFd::as_raw_fd(&file) as u64;
    let mut b = Bench::with(|c| c.services.own_fds = vec![ours as i32]);
    let at = b.room(256);
    assert_eq!(b.sys("close", &[ours]), Err(Errno::BADF));
    assert_eq!(b.sys("read", &[ours, at, 1]), Err(Errno::BADF));
    assert_eq!(b.sys("dup", &[ours]), Err(Errno::BADF));
    assert_eq!(b.sys("fcntl", &[ours, libc::F_GETFD as u64]), Err(Errno::BADF));
    assert_eq!(b.sys("fstat", &[ours, at]), Err(Errno::BADF));
    assert_eq!(b.sys("ioctl", &[ours, 0x5401, at]), Err(Errno::BADF));
    let fd = b.file(b"");
    assert_eq!(b.sys("dup3", &[fd, ours, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("close_range", &[ours, ours, 0]), Ok(0));
    // CLONE_INTO_CGROUP: not a child in another control group, either.
    let args = b.put(&[1u64 << 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, ours]);
    assert_eq!(b.sys("clone3", &[args, 88]), Err(Errno::BADF));
    assert!(file.metadata().is_ok(), "still open");
}

#[test]
fn close_range_skips_remus_descriptors() {
    alone(|| {
        let ours = 702;
        let mut b = Bench::with(|c| c.services.own_fds = vec![ours]);
        let fd = b.file(b"");
        let open = |b: &mut Bench, at: u64| b.sys("fcntl", &[at, libc::F_GETFD as u64]);
        for at in 700..705 {
            // The host makes this descriptor, as remu does for its own.
            let got = b.sys("fcntl", &[fd, libc::F_DUPFD as u64, at]);
            assert_eq!(got, Ok(at));
        }
        assert_eq!(b.sys("close_range", &[701, 703, 0]), Ok(0));
        let host = |at: u64| std::fs::symlink_metadata(format!("/proc/self/fd/{at}")).is_ok();
        assert_eq!([700, 701, 702, 703, 704].map(host), [true, false, true, false, true]);
        // CLOSE_RANGE_CLOEXEC.
        assert_eq!(b.sys("close_range", &[704, u64::from(u32::MAX), 4]), Ok(0));
        assert_eq!((open(&mut b, 700), open(&mut b, 704)), (Ok(0), Ok(1)));
        assert_eq!(b.sys("close_range", &[9, 8, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("close_range", &[800, 900, 0x80]), Err(Errno::INVAL));
    });
}

#[test]
fn fadvise_and_readahead_check_their_arguments() {
    let mut b = Bench::new();
    let (r, _) = b.pipe();
    let fd = b.file(b"0123456789");
    assert_eq!(b.sys("fadvise64", &[fd, 0, 0, libc::POSIX_FADV_WILLNEED as u64]), Ok(0));
    assert_eq!(b.sys("fadvise64", &[fd, 0, 0, 99]), Err(Errno::INVAL));
    assert_eq!(b.sys("fadvise64", &[r, 0, 0, 0]), Err(Errno::SPIPE));
    assert_eq!(b.sys("readahead", &[r, 0, 10]), Err(Errno::INVAL));
    assert_eq!(b.sys("readahead", &[u64::MAX, 0, 10]), Err(Errno::BADF));
    assert_eq!(b.sys("sync_file_range", &[fd, 0, 0, 2]), Ok(0));
    assert_eq!(b.sys("sync_file_range", &[fd, 0, 0, 99]), Err(Errno::INVAL));
    assert_eq!(b.sys("sync_file_range", &[r, 0, 0, 2]), Err(Errno::SPIPE));
}

#[test]
fn sendfile_splice_and_copy_file_range_transfer_data() {
    let mut b = Bench::new();
    let (from, to) = (b.file(b"0123456789"), b.file(b""));
    let (off_in, off_out) = (b.put(&2i64), b.put(&1i64));
    assert_eq!(b.sys("copy_file_range", &[from, off_in, to, off_out, 4, 0]), Ok(4));
    assert_eq!((b.get::<i64>(off_in), b.get::<i64>(off_out)), (6, 5));
    let buf = b.room(16);
    assert_eq!(b.sys("pread64", &[to, buf, 16, 0]), Ok(5));
    assert_eq!(b.bytes(buf, 5), b"\x002345");
    let (r, w) = b.pipe();
    assert_eq!(b.sys("sendfile", &[w, from, off_in, 3]), Ok(3));
    assert_eq!(b.get::<i64>(off_in), 9);
    assert_eq!(b.sys("splice", &[r, 0, to, off_out, 2, 0]), Ok(2));
    let (r2, w2) = b.pipe();
    assert_eq!(b.sys("tee", &[r, w2, 9, 0]), Ok(1));
    assert_eq!(b.sys("read", &[r2, buf, 4]), Ok(1));
    assert_eq!(b.bytes(buf, 1), b"8");
}

#[test]
fn a_broken_pipe_kills_the_writer() {
    alone(|| {
        let mut b = Bench::new();
        // The test harness ignores SIGPIPE.
        let default = b.put(&[0u64; 3]);
        assert_eq!(b.sys("rt_sigaction", &[libc::SIGPIPE as u64, default, 0, 8]), Ok(0));
        let (r, w) = b.pipe();
        b.sys("close", &[r]).unwrap();
        let text = b.put(b"x".as_slice());
        let Outcome::Killed(fatal) = b.outcome(64, &[w, text, 1]) else { panic!("not ended") };
        assert_eq!(fatal.signal, libc::SIGPIPE);
        assert!(b.trace.take().ends_with("+++ killed by SIGPIPE +++\n"));
    });
}

#[test]
fn files_grow_shrink_and_are_sealed() {
    let mut b = Bench::new();
    let name = b.text("sealed");
    let fd = b.sys("memfd_create", &[name, libc::MFD_ALLOW_SEALING.into()]).unwrap();
    assert_eq!(b.sys("ftruncate", &[fd, 5000]), Ok(0));
    assert_eq!(b.sys("lseek", &[fd, 0, 2]), Ok(5000));
    assert_eq!(b.sys("fallocate", &[fd, 0, 0, 9000]), Ok(0));
    assert_eq!(b.sys("lseek", &[fd, 0, 2]), Ok(9000));
    b.sys("fcntl", &[fd, libc::F_ADD_SEALS as u64, libc::F_SEAL_WRITE as u64]).unwrap();
    assert_eq!(b.sys("fcntl", &[fd, libc::F_GET_SEALS as u64]), Ok(libc::F_SEAL_WRITE as u64));
    assert_eq!(b.sys("write", &[fd, name, 1]), Err(Errno::PERM));
    for call in ["fsync", "fdatasync", "syncfs"] {
        assert_eq!(b.sys(call, &[fd]), Ok(0));
        assert_eq!(b.sys(call, &[u64::MAX]), Err(Errno::BADF), "{call}");
    }
}
