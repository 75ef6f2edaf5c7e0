//! Guest threads: how they start and end.
//!
//! A guest thread is a host thread with the same thread id. The kernel layer makes the new thread's [`Task`] and
//! registers; whoever connects engines with the kernel layer runs it ([`ThreadStarter`]).

use super::abi::signal::{SIG_DFL, SIG_IGN, StackT};
use super::arch::riscv64 as arch;
use super::fork::ProcessRequest;
use super::outcome::{CallEnd, Outcome};
use super::process::{Process, Sighand};
use super::seccomp::Seccomp;
use super::task::Task;
use crate::guest::riscv::Cpu;
use crate::host::{self, CallError, ChildProcess, FutexWake, LockRef, NewProcess, Sys, SysArg};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::sync::Arc;

/// Runs new guest threads. [`NewThread::begin`] is the first thing that the new host thread does.
pub trait ThreadStarter: Send + Sync {
    /// Runs the thread on a host thread of its own, on which all signals are blocked at first. Returns its thread id
    /// once the thread has begun.
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
}

impl ThreadRequest {
    pub(super) fn has(&self, flag: i32) -> bool {
        self.flags & flag as u32 as u64 != 0
    }

    /// Sets the registers that the call gives the child.
    pub(super) fn set_registers(&self, cpu: &mut Cpu) {
        cpu.reservation = None;
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
}

impl NewThread {
    /// The thread that `parent` makes in a call with these registers.
    pub fn new(parent: &Task, cpu: &Cpu, request: ThreadRequest) -> Self {
        let mut cpu = cpu.clone();
        arch::set_result(&mut cpu, 0);
        request.set_registers(&mut cpu);
        Self { task: parent.new_thread(), cpu, request, seccomp_of_parent: parent.seccomp.clone() }
    }

    /// The vfork child of `parent`, with copies of what the two do not share. As in Linux, its alternate stack is the
    /// parent's.
    pub fn of_process(parent: &Task, cpu: &Cpu, request: &ProcessRequest) -> Self {
        let mut new = Self::new(parent, cpu, request.thread);
        new.task.altstack = parent.altstack;
        let mut actions = *parent.sighand.actions();
        if request.clears_handlers {
            for action in actions.iter_mut().filter(|action| action.handler > SIG_IGN) {
                action.handler = SIG_DFL;
            }
        }
        new.task.sighand = Arc::new(Sighand::new(actions));
        new.task.process = Arc::new(Process::new(parent.process.spec.clone(), &new.task.seccomp, true));
        let limits = parent.process.limits.lock().clone();
        *new.task.process.limits.lock() = limits;
        new
    }

    /// Makes the calling process the guest's, before it runs guest code. Its signals are still blocked afterwards.
    pub fn begin_process(&mut self) {
        self.task.process.after_fork(&self.task.seccomp);
        for signal in 1..=64 {
            let action = self.task.sighand.actions()[signal as usize - 1];
            self.task.mirror_disposition(signal, &action);
        }
        self.write_ids();
    }

    /// Makes the calling host thread the guest's, before it runs guest code. Its signals are still blocked afterwards.
    pub fn begin(&mut self) -> Result<(), Errno> {
        // The host thread shares all that POSIX threads share.
        let mut apart = 0;
        for flag in [libc::CLONE_FS, libc::CLONE_FILES, libc::CLONE_SYSVSEM] {
            if !self.request.has(flag) {
                apart |= flag as u32 as u64;
            }
        }
        let apart = apart | self.request.flags & NAMESPACES;
        if apart != 0 {
            host::pass(Sys::Unshare, &mut [SysArg::Val(apart)]).map_err(|error| match CallEnd::from(error) {
                CallEnd::Errno(errno) => errno,
                _ => Errno::AGAIN,
            })?;
        }
        self.task.process.add_thread(self.task.tid(), &self.task.seccomp, &self.seccomp_of_parent);
        self.write_ids();
        Ok(())
    }

    /// Writes the thread id where the call asked for it.
    fn write_ids(&mut self) {
        let tid = self.task.tid();
        // As in the kernel, a bad address is ignored.
        if self.request.has(libc::CLONE_PARENT_SETTID) {
            let _ = self.task.mm.write(GuestAddr(self.request.parent_tid), &tid);
        }
        if self.request.has(libc::CLONE_CHILD_SETTID) {
            let _ = self.task.mm.write(GuestAddr(self.request.child_tid), &tid);
        }
        if self.request.has(libc::CLONE_CHILD_CLEARTID) {
            self.task.clear_child_tid = self.request.child_tid;
        }
    }
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
            saved_mask: None,
            altstack: StackT::NONE,
            pending: Default::default(),
            interrupted: None,
            clear_child_tid: 0,
            robust_list: (0, 0),
            seccomp: Arc::new(self.seccomp.inherited()),
        }
    }

    /// What the kernel does at the end of a thread: hands its robust locks on, and clears its thread id. Returns
    /// `of_thread`, or `of_last` for the last thread of its process.
    pub(super) fn end_thread(&mut self, of_thread: Outcome, of_last: Outcome) -> Outcome {
        self.release_robust_list();
        let is_last = self.process.remove_thread(self.tid());
        if self.clear_child_tid != 0 {
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
}

/// A starter to share.
pub type Threads = Arc<dyn ThreadStarter>;
