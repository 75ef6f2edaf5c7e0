//! A process that shares the memory of its parent, which goes on meanwhile: clone(2) with CLONE_VM, without CLONE_VFORK
//! and CLONE_THREAD.
//!
//! Its code needs thread-local storage of its own. A helper thread lends its storage and sleeps until the process has
//! ended or has executed a program; then it puts right what the process has left behind, as a
//! [vfork parent](super::vfork()) does. The process is made by the calling thread, whose child it is.

use super::fork::{ChildProcess, CloneCall, NewProcess, c_librarys_tid};
use super::pass::syscall;
use super::vfork::{Stack, clone_onto};
use super::{CallError, GuestFd, StopFlag, alloc, futex_sleep, futex_wake, lock, signals, thread};
use rustix::io::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// What runs in the process. It is made and dropped by the helper thread.
pub trait VmClone {
    /// The flag of its hart, which signals raise.
    fn stop(&self) -> &StopFlag;
    /// Runs in the process, and returns its exit status. As in a [vfork child](super::vfork()), values that it owns
    /// when it ends otherwise are not dropped.
    fn run(&mut self) -> i32;
    /// Runs in the helper thread when the process has ended or has executed a program.
    fn ended(self: Box<Self>);
}

/// Makes the body of the process in the helper thread.
pub type MakeVmClone = Box<dyn FnOnce() -> Box<dyn VmClone> + Send>;

/// The steps of the two threads, in order.
const PREPARING: u32 = 0;
const READY: u32 = 1;
const MADE: u32 = 2;
const FAILED: u32 = 3;

/// What the calling thread and the helper tell each other.
struct Handshake {
    step: AtomicU32,
    call: AtomicPtr<CloneCall>,
    body: AtomicPtr<&'static mut dyn FnMut() -> i32>,
    pidfd: AtomicI32,
    error: AtomicU64,
}

impl Handshake {
    fn go_to(&self, step: u32) {
        self.step.store(step, Ordering::SeqCst);
        futex_wake(&self.step, i32::MAX);
    }

    /// Waits until this step is over. Touches no thread-local storage.
    fn wait_while(&self, step: u32) -> u32 {
        loop {
            let now = self.step.load(Ordering::SeqCst);
            if now != step {
                return now;
            }
            futex_sleep(&self.step, step);
        }
    }
}

/// Makes a process that shares this one's memory.
///
/// # Errors
/// The kernel's, and [`CallError::NotBegun`] as in [`fork`](super::fork()).
pub fn clone_vm(new: &NewProcess<'_>, make: MakeVmClone) -> Result<ChildProcess, CallError> {
    if new.flags & !NewProcess::FLAGS != 0 {
        return Err(Errno::INVAL.into());
    }
    let _blocked = signals::block_every_signal();
    if signals::has_arrived() {
        return Err(CallError::NotBegun);
    }
    let handshake = Arc::new(Handshake {
        step: AtomicU32::new(PREPARING),
        call: AtomicPtr::default(),
        body: AtomicPtr::default(),
        pidfd: AtomicI32::new(-1),
        error: AtomicU64::new(0),
    });
    let owned = OwnedNew::of(new);
    let theirs = handshake.clone();
    thread::spawn(move || help(&theirs, &owned, make))?;
    if handshake.wait_while(PREPARING) == FAILED {
        return Err(Errno::from_raw_os_error(handshake.error.load(Ordering::SeqCst) as i32).into());
    }
    let (call, body) = (handshake.call.load(Ordering::SeqCst), handshake.body.load(Ordering::SeqCst));
    // SAFETY: both are in the frame of the helper, which stays in it until the process has gone or `FAILED` is set below,
    // and touches neither.
    // The stack and the thread-local storage that the call names are the process's alone until then.
    let result = unsafe { clone_onto(&*call, body) };
    handshake.go_to(if result.is_ok() { MADE } else { FAILED });
    let pid = result.map_err(CallError::from)? as i32;
    let pidfd = (new.flags & libc::CLONE_PIDFD as u64 != 0).then(|| handshake.pidfd.load(Ordering::SeqCst));
    Ok(ChildProcess { pid, pidfd })
}

/// The request for a new process, for another thread.
struct OwnedNew {
    flags: u64,
    exit_signal: i32,
    shares_handlers: bool,
    cgroup: Option<GuestFd>,
    set_tid: Vec<i32>,
}

impl OwnedNew {
    fn of(new: &NewProcess<'_>) -> Self {
        Self {
            flags: new.flags,
            exit_signal: new.exit_signal,
            shares_handlers: new.shares_handlers,
            cgroup: new.cgroup,
            set_tid: new.set_tid.to_vec(),
        }
    }
}

/// What the helper thread does.
fn help(handshake: &Handshake, new: &OwnedNew, make: MakeVmClone) {
    if let Err(errno) = lend(handshake, new, make) {
        handshake.error.store(errno.raw_os_error() as u64, Ordering::SeqCst);
        handshake.go_to(FAILED);
    }
}

fn lend(handshake: &Handshake, new: &OwnedNew, make: MakeVmClone) -> Result<(), Errno> {
    let stack = Stack::new()?;
    alloc::before_child()?;
    let mut body = make();
    let request = NewProcess {
        flags: new.flags,
        exit_signal: new.exit_signal,
        shares_handlers: new.shares_handlers,
        cgroup: new.cgroup,
        set_tid: &new.set_tid,
    };
    let more = libc::CLONE_VM | libc::CLONE_SETTLS | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
    // SAFETY: only gives the address of this thread's descriptor, which is its thread pointer.
    let tls = unsafe { libc::pthread_self() };
    let mut call = CloneCall::new(&request, more, stack.place(), handshake.pidfd.as_ptr());
    call.set_tls(tls);
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    // SAFETY: the C library's number of this thread, which lives as long as the thread. Only the kernel writes it until
    // the process has gone, and only the process reads it by other means.
    let number = unsafe { AtomicU32::from_ptr(std::ptr::with_exposed_provenance_mut(c_librarys_tid())) };
    // A signal sent to this process must not be handled here, where its handler would use the mailbox of the other one.
    let _blocked = signals::block_every_signal();
    let mailbox = signals::lend_mailbox(body.stop());
    let before = lock::enter_child();
    // From here on until the process has gone, this thread must not use its thread-local storage: it makes raw calls
    // and allocates nothing.
    {
        let mut run = || body.run();
        let mut run: &mut dyn FnMut() -> i32 = &mut run;
        handshake.call.store(&raw mut call, Ordering::SeqCst);
        handshake.body.store((&raw mut run).cast(), Ordering::SeqCst);
        handshake.go_to(READY);
        if handshake.wait_while(READY) == MADE {
            // The kernel writes the process's number there when it begins, and 0 when it has gone.
            loop {
                let now = number.load(Ordering::SeqCst);
                if now == 0 {
                    break;
                }
                // The kernel wakes as at a shared word.
                // SAFETY: the kernel reads the word, which is live, and no timeout.
                let _ = unsafe {
                    syscall(libc::SYS_futex, [number.as_ptr() as u64, libc::FUTEX_WAIT as u64, now.into(), 0, 0, 0])
                };
            }
        }
    }
    number.store(own as u32, Ordering::SeqCst);
    lock::release_of_child(before);
    signals::take_mailbox_back(mailbox);
    alloc::after_child();
    drop(stack);
    body.ended();
    Ok(())
}
