//! Guest threads: how they start and end.
//!
//! A guest thread is a host thread with the same thread id. The kernel layer makes the new thread's [`Task`] and
//! registers; whoever connects engines with the kernel layer runs it ([`ThreadStarter`]).

use super::abi::signal::{SIG_DFL, SIG_IGN, StackT};
use super::arch::riscv64 as arch;
use super::fork::ProcessRequest;
use super::outcome::Outcome;
use super::process::{MemoryOf, Process, Sighand};
use super::seccomp::Seccomp;
use super::task::Task;
use crate::guest::riscv::{Cpu, Reservation};
use crate::host::{self, CallError, ChildProcess, FutexWake, LockRef, NewProcess, Sys, SysArg};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};

/// Runs new guest threads.
pub trait ThreadStarter: Send + Sync {
    /// Runs the thread on a host thread of its own, on which all signals are blocked at first. Returns its thread id
    /// once the thread has begun: [`NewThread::begin`], or [`NewThread::begin_itself`] where that is needed.
    ///
    /// # Errors
    /// EAGAIN if the host has no more threads; the thread's own error if it could not begin.
    fn start(&self, thread: NewThread) -> Result<i32, Errno>;

    /// Runs a process that shares the memory while its parent, the calling thread, waits until it has ended or executed
    /// a program. The process begins with [`NewThread::begin_process`].
    ///
    /// # Errors
    /// The host's.
    fn vfork(&self, child: NewThread, new: &NewProcess<'_>) -> Result<ChildProcess, CallError>;

    /// Runs a process that shares the memory while the calling thread, its parent, goes on. The process begins with
    /// [`NewThread::begin_process`], and [`NewThread::end_process`] runs here when it has ended or executed a program.
    ///
    /// # Errors
    /// The host's.
    fn clone_vm(&self, child: NewThread, new: &NewProcess<'_>) -> Result<ChildProcess, CallError>;

    /// Called in the child of a fork: drops what the threads of the parent have left. The child may share its descriptors
    /// with the parent (CLONE_FILES).
    fn after_fork(&self, _shares_descriptors: bool) {}

    /// The starter's own locks, which are held while the process forks.
    fn locks(&self) -> Vec<LockRef<'_>> {
        Vec::new()
    }
}

/// What clone(2) is to do besides sharing, with its pointers to guest memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadRequest {
    /// The flags of clone(2), without the exit signal.
    pub flags: u64,
    /// The stack pointer; 0 for the caller's.
    pub stack: u64,
    /// The thread pointer (CLONE_SETTLS).
    pub tls: u64,
    /// Where the thread id is written in the parent (CLONE_PARENT_SETTID).
    pub parent_tid: u64,
    /// Where the thread id is written in the child (CLONE_CHILD_SETTID) and cleared at its end (CLONE_CHILD_CLEARTID).
    pub child_tid: u64,
    /// Where its descriptor is written (CLONE_PIDFD).
    pub pidfd: u64,
}

impl ThreadRequest {
    pub(super) fn has(&self, flag: i32) -> bool {
        self.flags & flag as u32 as u64 != 0
    }

    /// Sets the registers that the call gives the child.
    pub(super) fn set_registers(&self, cpu: &mut Cpu) {
        cpu.reservation = Reservation::NONE;
        if self.stack != 0 {
            arch::set_stack_pointer(cpu, self.stack);
        }
        if self.has(libc::CLONE_SETTLS) {
            arch::set_thread_pointer(cpu, self.tls);
        }
    }
}

/// A thread that has not begun.
pub struct NewThread {
    /// The thread.
    pub task: Task,
    /// Its registers.
    pub cpu: Cpu,
    request: ThreadRequest,
    /// The parent's filters, which another thread may change until this one begins.
    seccomp_of_parent: Arc<Seccomp>,
    /// Dropped at its end, for a parent that waits (CLONE_VFORK).
    until_end: Option<mpsc::Sender<()>>,
}

impl NewThread {
    /// The thread that `parent` makes in a call with these registers.
    pub fn new(parent: &Task, cpu: &Cpu, request: ThreadRequest) -> Self {
        let mut cpu = cpu.clone();
        arch::set_result(&mut cpu, 0);
        request.set_registers(&mut cpu);
        let seccomp_of_parent = parent.seccomp.clone();
        Self { task: parent.new_thread(), cpu, request, seccomp_of_parent, until_end: None }
    }

    /// Yields a receiver whose other end closes when the thread has ended.
    pub fn until_end(&mut self) -> mpsc::Receiver<()> {
        let (sender, receiver) = mpsc::channel();
        self.until_end = Some(sender);
        receiver
    }

    /// The first thread of a child of `parent` in the same memory, with copies of what the two do not share. As in
    /// Linux, a vfork child has its parent's alternate stack.
    pub fn of_process(parent: &Task, cpu: &Cpu, request: &ProcessRequest) -> Self {
        let mut new = Self::new(parent, cpu, request.thread);
        let memory = match request.thread.has(libc::CLONE_VFORK) {
            true => MemoryOf::WaitingParent,
            false => MemoryOf::Another,
        };
        if memory == MemoryOf::WaitingParent {
            new.task.altstack = parent.altstack;
        }
        if !request.thread.has(libc::CLONE_SIGHAND) {
            let mut actions = *parent.sighand.actions();
            if request.clears_handlers {
                for action in actions.iter_mut().filter(|action| action.handler > SIG_IGN) {
                    action.handler = SIG_DFL;
                }
            }
            new.task.sighand = Arc::new(Sighand::new(actions));
        }
        let mask = new.task.shown_mask.clone();
        new.task.process = Arc::new(Process::new(parent.process.spec.clone(), &new.task.seccomp, mask, memory));
        let limits = parent.process.limits.lock().clone();
        *new.task.process.limits.lock() = limits;
        new
    }

    /// Makes the calling process the guest's, before it runs guest code. Its signals are still blocked afterwards.
    pub fn begin_process(&mut self) {
        self.task.process.after_fork(&self.task.seccomp, self.task.shown_mask.clone());
        for signal in 1..=64 {
            let action = self.task.sighand.actions()[signal as usize - 1];
            self.task.mirror_disposition(signal, &action);
        }
        self.write_ids(self.task.tid());
    }

    /// Whether it has its parent's descriptors, and not copies of them.
    pub fn shares_descriptors(&self) -> bool {
        self.request.has(libc::CLONE_FILES)
    }

    /// Clears the thread id of a process in the memory of another one, which has ended or executed a program.
    pub fn end_process(&self) {
        if self.task.process.memory == MemoryOf::Another && self.task.clear_child_tid != 0 {
            self.task.clear_tid(GuestAddr(self.task.clear_child_tid));
        }
    }

    /// Whether the host thread has to change something of its own, or may fail to: [`NewThread::begin_itself`].
    pub fn must_begin_itself(&self) -> bool {
        self.request.has(libc::CLONE_PIDFD) || self.unshared() != 0
    }

    /// What the thread does not share with its creator, as flags for unshare(2).
    fn unshared(&self) -> u64 {
        // The host thread shares all that POSIX threads share.
        let shared = [libc::CLONE_FS, libc::CLONE_FILES, libc::CLONE_SYSVSEM].into_iter();
        let apart = shared.filter(|&flag| !self.request.has(flag)).fold(0, |all, flag| all | flag as u32 as u64);
        apart | self.request.flags & NAMESPACES
    }

    /// Makes a host thread the guest's, before it runs guest code. Its creator calls this, so that it need not wait.
    pub fn begin(&mut self, tid: i32) {
        let mask = self.task.shown_mask.clone();
        self.task.process.add_thread(tid, &self.task.seccomp, &self.seccomp_of_parent, mask);
        self.write_ids(tid);
    }

    /// Makes the calling host thread the guest's, before it runs guest code. Its signals are still blocked afterwards.
    ///
    /// # Errors
    /// The host's. The thread must end then.
    pub fn begin_itself(&mut self) -> Result<(), Errno> {
        if self.request.has(libc::CLONE_PIDFD) {
            // As its creator's descriptor, if the two share them.
            let args = &mut [SysArg::Val(self.task.tid() as u64), SysArg::Val(PIDFD_THREAD)];
            let pidfd = errno_of(host::pass(Sys::PidfdOpen, args))? as i32;
            if self.task.mm.write(GuestAddr(self.request.pidfd), &pidfd).is_err() {
                host::close(pidfd);
                return Err(Errno::FAULT);
            }
        }
        let apart = self.unshared();
        if apart != 0 {
            errno_of(host::pass(Sys::Unshare, &mut [SysArg::Val(apart)]))?;
        }
        self.begin(self.task.tid());
        Ok(())
    }

    /// Writes the thread id where the call asked for it.
    fn write_ids(&mut self, tid: i32) {
        // As in the kernel, a bad address is ignored.
        if self.request.has(libc::CLONE_PARENT_SETTID) {
            let _ = self.task.mm.write(GuestAddr(self.request.parent_tid), &tid);
        }
        if self.request.has(libc::CLONE_CHILD_SETTID) {
            let _ = self.task.mm.write(GuestAddr(self.request.child_tid), &tid);
        }
        if self.request.has(libc::CLONE_CHILD_CLEARTID) {
            self.task.set_clear_child_tid(self.request.child_tid);
        }
    }
}

/// A descriptor of a thread, not of its process.
const PIDFD_THREAD: u64 = libc::O_EXCL as u64;

/// The result of a call that no signal can interrupt.
fn errno_of(result: Result<u64, CallError>) -> Result<u64, Errno> {
    result.map_err(|error| match error {
        CallError::Errno(errno) => errno,
        CallError::NotBegun | CallError::MayRestart => Errno::AGAIN,
    })
}

/// The namespaces that a thread can have for itself.
const NAMESPACES: u64 =
    (libc::CLONE_NEWNS | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC | libc::CLONE_NEWNET | libc::CLONE_NEWCGROUP) as u64;

impl Task {
    /// A thread of the same process, which has not begun.
    fn new_thread(&self) -> Task {
        Task {
            files: self.files.clone(),
            fs: self.fs.clone(),
            sighand: self.sighand.clone(),
            mm: self.mm.clone(),
            process: self.process.clone(),
            system: self.system.clone(),
            personality: self.personality,
            blocked: self.blocked,
            shown_mask: Arc::new(AtomicU64::new(self.blocked)),
            saved_mask: None,
            altstack: StackT::NONE,
            pending: Default::default(),
            interrupted: None,
            executing: None,
            until_exec: None,
            clear_child_tid: 0,
            robust_list: (0, 0),
            seccomp: Arc::new(self.seccomp.inherited()),
            report: None,
            unfinished_line: None,
        }
    }

    /// Sets where the thread's id is cleared when the thread ends. A vfork child may be killed, and its memory is still
    /// used then: so the host clears it.
    pub(super) fn set_clear_child_tid(&mut self, place: u64) {
        if self.process.memory == MemoryOf::WaitingParent && self.mm.is_identity() {
            host::clear_tid_at_end((place != 0).then(|| self.mm.host_range(GuestAddr(place), 4)).and_then(Result::ok));
        } else {
            self.clear_child_tid = place;
        }
    }

    /// What the kernel does at the end of a thread: hands its robust locks on, and clears its thread id. Returns
    /// `of_thread`, or `of_last` for the last thread of its process.
    pub(super) fn end_thread(&mut self, of_thread: Outcome, of_last: Outcome) -> Outcome {
        self.release_robust_list();
        let is_last = self.process.remove_thread(self.tid());
        if self.clear_child_tid != 0 && self.process.memory != MemoryOf::Another {
            self.clear_tid(GuestAddr(self.clear_child_tid));
        }
        if is_last { of_last } else { of_thread }
    }

    /// Writes zero to the thread id of a thread that ends, and wakes who waits for that.
    fn clear_tid(&self, addr: GuestAddr) {
        // As in the kernel, a bad address is ignored.
        if self.mm.write(addr, &0u32).is_err() {
            return;
        }
        let Ok(word) = self.mm.host_range(addr, 4) else { return };
        let _ = FutexWake::WAKE.make(Some(word), 1, 0);
    }
}

/// The starter of a process whose threads nothing can run.
#[derive(Debug)]
pub struct NoThreads;

impl ThreadStarter for NoThreads {
    fn start(&self, _: NewThread) -> Result<i32, Errno> {
        Err(Errno::AGAIN)
    }

    fn vfork(&self, _: NewThread, _: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        Err(Errno::AGAIN.into())
    }

    fn clone_vm(&self, _: NewThread, _: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        Err(Errno::AGAIN.into())
    }
}

/// A starter to share.
pub type Threads = Arc<dyn ThreadStarter>;
