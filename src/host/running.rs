//! Which files are running programs, for the other processes that remu runs, and which are open for writing and so
//! cannot be executed.
//!
//! The host kernel keeps a program from being written to while it runs, but it does not know which program remu runs.
//! So a process holds a read lock on one byte of its program's file, far past any end. The lock needs no write access,
//! follows the file by every name, is inherited by fork and ends with the last process that holds it.

use super::pass::syscall;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// The locked byte.
const MARK: i64 = i64::MAX - 1;

/// With a smaller limit, all descriptors are left to the program.
const FEW: u64 = 64;

/// Makes an F_OFD command for the marked byte. Returns the lock as the kernel has filled it in.
fn lock(fd: i32, command: i32, kind: i32) -> Result<libc::flock, Errno> {
    let whence = libc::SEEK_SET as i16;
    let mut lock = libc::flock { l_type: kind as i16, l_whence: whence, l_start: MARK, l_len: 1, l_pid: 0 };
    let at = (&raw mut lock).expose_provenance() as u64;
    // SAFETY: both commands access a `struct flock`, which `lock` is and remains until the call returns. Nobody else
    // refers to it.
    unsafe { syscall(libc::SYS_fcntl, [fd as u64, command as u64, at, 0, 0, 0])? };
    Ok(lock)
}

/// Marks a program's file as running, as long as the new descriptor is open in any process.
pub fn mark_running(program: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    if rustix::process::getrlimit(rustix::process::Resource::Nofile).current.is_some_and(|limit| limit < FEW) {
        return Err(Errno::MFILE);
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Another file description: the guest may have the program's, and could unlock it.
    let path = super::path_of_fd(program.as_raw_fd());
    let file = super::fd::duplicate_high(rustix::fs::open(path, flags, Mode::empty())?)?;
    lock(file.as_raw_fd(), libc::F_OFD_SETLK, libc::F_RDLCK)?;
    Ok(file)
}

/// Whether the file behind a descriptor, which is not one of O_PATH, is marked through another one.
pub fn is_marked_running(fd: i32) -> bool {
    let conflict = lock(fd, libc::F_OFD_GETLK, libc::F_WRLCK);
    // A program's own lock may cover the byte, too.
    conflict.is_ok_and(|lock| i32::from(lock.l_type) != libc::F_UNLCK && (lock.l_start, lock.l_len) == (MARK, 1))
}

/// Whether the host kernel would refuse to execute a file because a process of the host has it open for writing.
pub fn is_open_for_writing(file: BorrowedFd<'_>) -> bool {
    // The kernel opens the file, which finds writers, before it reads the list of arguments, for which it finds no memory.
    const NO_MEMORY: u64 = 1 << 63;
    let args = [file.as_raw_fd() as u64, c"".as_ptr() as u64, NO_MEMORY, NO_MEMORY, libc::AT_EMPTY_PATH as u64, 0];
    // SAFETY: the kernel reads the path. The call fails before this program is given up, since no process has memory at
    // the address of the two lists.
    let failed = unsafe { syscall(libc::SYS_execveat, args) };
    failed == Err(Errno::TXTBSY)
}
