//! Forking: a process with a copy of this one's memory.
//!
//! It goes through the C library's `fork`, which keeps its own locks whole around it. If there are other threads, our
//! locks come first, in the order of their ranks, then the [allocator's gate](super::alloc), then the C library's. What
//! the C library calls to make the process is [`_Fork`]; ours takes the flags of clone(2).

use super::lock::{LockSet, forget_vfork_child, is_in_others_memory};
use super::pass::syscall;
use super::{CallError, GuestFd, alloc, signals};
use rustix::io::Errno;
use std::cell::Cell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;
use std::sync::atomic::{AtomicU8, Ordering};

/// The choices of clone(2) and clone3(2) for a new process, apart from memory and threads.
#[derive(Clone, Copy, Debug)]
pub struct NewProcess<'a> {
    /// `CLONE_*` flags, of those in [`NewProcess::FLAGS`].
    pub flags: u64,
    /// The signal that tells of its end, or 0.
    pub exit_signal: i32,
    /// The control group to start in (CLONE_INTO_CGROUP).
    pub cgroup: Option<GuestFd>,
    /// Its numbers in its own process namespace and the ones above (`set_tid`); mostly none.
    pub set_tid: &'a [i32],
    /// Whether it shares the actions of signals (CLONE_SIGHAND), which it can only together with the memory.
    pub shares_handlers: bool,
}

impl NewProcess<'_> {
    /// As fork(2) makes them.
    pub const ORDINARY: Self =
        Self { flags: 0, exit_signal: libc::SIGCHLD, cgroup: None, set_tid: &[], shares_handlers: false };

    /// The flags that can be asked for. The others concern memory, threads, signal handlers, and words that the kernel
    /// writes: they are the caller's affair. So is CLONE_VFORK without CLONE_VM, which keeps the C library's locks.
    pub const FLAGS: u64 = (libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_PTRACE
        | libc::CLONE_PARENT
        | libc::CLONE_NEWNS
        | libc::CLONE_SYSVSEM
        | libc::CLONE_UNTRACED
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_PIDFD
        | CLONE_NEWTIME) as u32 as u64
        | libc::CLONE_IO as u32 as u64;

    /// Whether only clone3(2) can do it.
    fn needs_clone3(&self) -> bool {
        self.cgroup.is_some()
            || !self.set_tid.is_empty()
            || self.flags & CLONE_NEWTIME as u64 != 0
            || self.exit_signal & !0xff != 0
    }
}

/// Within the low byte, which is clone's exit signal: only clone3 takes it.
const CLONE_NEWTIME: i32 = 0x80;

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A new process, as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildProcess {
    /// Its number, in the parent's namespace.
    pub pid: i32,
    /// Its descriptor, if CLONE_PIDFD asked for one.
    pub pidfd: Option<i32>,
}

/// Which of the two processes has returned from [`fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// The one that called.
    Parent(ChildProcess),
    /// The new one.
    Child,
}

/// The kernel's `struct clone_args`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// The system call that makes a process.
pub(super) struct CloneCall {
    args: CloneArgs,
    by_clone3: bool,
}

impl CloneCall {
    /// The call for `new` with more flags. The kernel writes the child's descriptor to `pidfd` if it is asked for, and
    /// with CLONE_CHILD_SETTID the child's number to where the C library has it. `stack` is where a stack lies, if the
    /// child is to have another, and its size.
    pub(super) fn new(new: &NewProcess<'_>, more: i32, stack: (u64, u64), pidfd: *mut i32) -> Self {
        let mut args = CloneArgs {
            flags: new.flags | more as u32 as u64,
            pidfd: pidfd.expose_provenance() as u64,
            child_tid: c_librarys_tid() as u64,
            exit_signal: new.exit_signal as u64,
            stack: stack.0,
            stack_size: stack.1,
            set_tid: if new.set_tid.is_empty() { 0 } else { new.set_tid.as_ptr().expose_provenance() as u64 },
            set_tid_size: new.set_tid.len() as u64,
            ..CloneArgs::default()
        };
        if new.shares_handlers {
            args.flags |= libc::CLONE_SIGHAND as u64;
        }
        if let Some(cgroup) = new.cgroup {
            args.flags |= CLONE_INTO_CGROUP;
            args.cgroup = cgroup.as_raw_fd() as u64;
        }
        Self { args, by_clone3: new.needs_clone3() }
    }

    /// Sets the thread pointer of the child (CLONE_SETTLS).
    pub(super) fn set_tls(&mut self, tls: u64) {
        self.args.tls = tls;
    }

    /// The number and the arguments. They hold while the call is borrowed.
    pub(super) fn raw(&self) -> (libc::c_long, [u64; 6]) {
        let a = &self.args;
        if self.by_clone3 {
            let size = size_of::<CloneArgs>() as u64;
            return (libc::SYS_clone3, [(&raw const self.args).expose_provenance() as u64, size, 0, 0, 0, 0]);
        }
        let top = if a.stack == 0 { 0 } else { a.stack + a.stack_size };
        // Here the descriptor is written to where the parent's copy of the number would be.
        (libc::SYS_clone, [a.flags | a.exit_signal, top, a.pidfd, a.child_tid, a.tls, 0])
    }
}

// SAFETY: two variables of glibc's. The first is a constant meant for libthread_db: the size in bits, count and offset
// of a thread's number in its descriptor. It stands in the file that creates threads, which every program of Rust's has.
// The second, a `char` of <sys/single_threaded.h>, is not zero only if the process has one thread.
unsafe extern "C" {
    static _thread_db_pthread_tid: [u32; 3];
    static __libc_single_threaded: AtomicU8;
}

/// Whether no other thread uses this memory: neither of this process, nor of one that shares it. While another process
/// runs in this one's memory, this one has a helper thread, or its only thread waits.
fn is_alone() -> bool {
    // SAFETY: a live variable. What writes it is the start of a thread by this one.
    let single = unsafe { __libc_single_threaded.load(Ordering::Relaxed) } != 0;
    single && !is_in_others_memory()
}

/// Where the C library has this thread's number, which `raise` needs.
pub(super) fn c_librarys_tid() -> usize {
    // SAFETY: the constant is never written; `pthread_self` has no preconditions, and is the descriptor's address.
    unsafe { libc::pthread_self() as usize + _thread_db_pthread_tid[2] as usize }
}

thread_local! {
    /// The call that [`_Fork`] is to make in this thread; null for an ordinary one.
    static CALL: Cell<*const CloneCall> = const { Cell::new(null()) };
}

/// Makes a process, as the C library's function of this name, in whose place the linker puts it.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the C library calls it so")]
extern "C" fn _Fork() -> libc::pid_t {
    let more = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
    let ordinary = CloneCall::new(&NewProcess::ORDINARY, more, (0, 0), std::ptr::null_mut());
    // SAFETY: null, or the call that `fork` in this thread has on its stack.
    let call = unsafe { CALL.replace(null()).as_ref() }.unwrap_or(&ordinary);
    let (number, args) = call.raw();
    // SAFETY: the child has a copy of this memory and goes on here on its copy of this stack, as the C library
    // expects. The kernel writes to the C library's number of the thread, in the child, and to `fork`'s variable.
    match unsafe { syscall(number, args) } {
        Ok(pid) => pid as libc::pid_t,
        Err(errno) => {
            // SAFETY: the address of this thread's errno.
            unsafe { *libc::__errno_location() = errno.raw_os_error() };
            -1
        }
    }
}

/// Forks. Of this process's threads only the calling one exists in the child; the values of `locks` are whole there,
/// and nobody holds them. In the child `in_child` runs before this returns: it may allocate, take locks and map memory.
/// All signals are blocked until this returns, in both; `in_child` can access guest memory.
///
/// A vfork child may fork. If it is killed while it does, the allocator of its parent may stay locked.
///
/// # Errors
/// The kernel's. EINVAL if a flag is not one of [`NewProcess::FLAGS`]. [`CallError::NotBegun`] if a signal has arrived that the
/// thread has not taken: otherwise both processes would get it.
///
/// # Panics
/// In debug builds, if this thread holds a lock of the lowest rank in `locks` or a higher one.
pub fn fork(new: &NewProcess<'_>, locks: &LockSet<'_>, in_child: &mut dyn FnMut()) -> Result<Forked, CallError> {
    if new.flags & !NewProcess::FLAGS != 0 {
        return Err(Errno::INVAL.into());
    }
    let _blocked = signals::block_every_signal();
    if signals::has_arrived() {
        return Err(CallError::NotBegun);
    }
    let mut pidfd = -1;
    let more = libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
    let call = CloneCall::new(new, more, (0, 0), &raw mut pidfd);
    let pid = {
        locks.check_order();
        // If nobody else can hold them, they are not taken: the kernel would copy the pages of each for both processes.
        let shared = !is_alone();
        let _locked = shared.then(|| locks.lock());
        let _closed = shared.then(alloc::close_gate);
        CALL.set(&raw const call);
        // SAFETY: the child goes on as this thread's copy with the C library's state whole. Our own locks and the
        // allocator are held by this thread, and released in both, or nobody else can hold them.
        let pid = unsafe { libc::fork() };
        // A pointer to this frame must not stay.
        let left = CALL.replace(null());
        debug_assert!(left.is_null(), "the C library forks through `_Fork`");
        if pid < 0 {
            // SAFETY: the address of this thread's errno.
            return Err(Errno::from_raw_os_error(unsafe { *libc::__errno_location() }).into());
        }
        pid
    };
    if pid == 0 {
        forget_vfork_child();
        alloc::forget_children();
        // All but those of faults.
        signals::set_signal_mask(u64::MAX);
        in_child();
        return Ok(Forked::Child);
    }
    Ok(Forked::Parent(ChildProcess { pid, pidfd: (new.flags & libc::CLONE_PIDFD as u64 != 0).then_some(pidfd) }))
}

/// A pipe whose writing end a forked child keeps until it executes a program or ends, while its parent waits for that:
/// CLONE_VFORK without CLONE_VM. The host's own flag would keep all locks of this process meanwhile.
#[derive(Debug)]
pub struct UntilExec {
    read: OwnedFd,
    write: OwnedFd,
}

impl UntilExec {
    /// A pipe, with high numbers.
    pub fn new() -> Result<Self, Errno> {
        let (read, write) = std::io::pipe().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::MFILE))?;
        Ok(Self { read: super::fd::duplicate_high(read)?, write: super::fd::duplicate_high(write)? })
    }

    /// The child's end.
    pub fn keep(self) -> OwnedFd {
        self.write
    }

    /// Waits for the child, in the parent. Signals that arrive meanwhile stay in the mailbox.
    pub fn wait(self) {
        drop(self.write);
        while rustix::io::read(&self.read, &mut [0; 1]) == Err(Errno::INTR) {}
    }
}

#[cfg(test)]
#[path = "fork_tests.rs"]
pub(super) mod tests;
