//! New processes: fork(2), vfork(2), and clone(2) without CLONE_THREAD.
//!
//! The host makes the process. After a fork, it is a copy of this one in which only the calling thread exists, and the
//! kernel layer takes from the child what a new process does not have. A vfork child runs in this process's memory with
//! a task of its own, which is made for it.

use super::abi::signal::{SIG_DFL, SIG_IGN};
use super::outcome::CallEnd;
use super::process::Files;
use super::signal::Pending;
use super::strace::Tracer;
use super::task::Task;
use super::thread::{NewThread, ThreadRequest};
use crate::guest::riscv::Cpu;
use crate::host::{self, Forked, LockSet, NewProcess};
use crate::memory::GuestAddr;
use rustix::io::Errno;

/// What clone(2) is to do for a new process.
#[derive(Clone, Debug)]
pub struct ProcessRequest {
    /// What a thread has, too.
    pub thread: ThreadRequest,
    /// The signal that reports its end, or 0.
    pub exit_signal: i32,
    /// Its ids in its own PID namespace and the ones above; empty for any.
    pub set_tid: Vec<i32>,
    /// The control group that it starts in (CLONE_INTO_CGROUP).
    pub cgroup: Option<i32>,
    /// Whether it has no handlers of signals (CLONE_CLEAR_SIGHAND).
    pub clears_handlers: bool,
}

impl ProcessRequest {
    /// What of it the host does.
    fn for_host(&self, files: &Files) -> Result<NewProcess<'_>, Errno> {
        Ok(NewProcess {
            flags: self.thread.flags & NewProcess::FLAGS,
            exit_signal: self.exit_signal,
            cgroup: self.cgroup.map(|fd| files.guest_fd(fd)).transpose()?,
            set_tid: &self.set_tid,
            shares_handlers: self.thread.has(libc::CLONE_SIGHAND),
        })
    }
}

impl Task {
    /// Makes a process. Returns the child's id in the parent, and 0 in the child.
    pub(super) fn fork(&mut self, cpu: &mut Cpu, request: &ProcessRequest) -> Result<u64, CallEnd> {
        let files = self.files.clone();
        let new = request.for_host(&files)?;
        let until_exec = if request.thread.has(libc::CLONE_VFORK) { Some(host::UntilExec::new()?) } else { None };
        let forked = {
            let system = self.system.clone();
            let _one_at_a_time = system.making_processes.lock();
            let mut locks = system.locks();
            locks.extend(self.mm.locks());
            locks.extend(self.process.locks());
            locks.extend([self.sighand.lock(), self.files.proc.lock(), self.files.rings.lock()]);
            let mut in_child = || {
                self.mm.after_fork();
                system.tracer.iter().for_each(Tracer::after_fork);
                system.threads.after_fork(request.thread.has(libc::CLONE_FILES));
                self.process.after_fork(&self.seccomp, self.shown_mask.clone());
            };
            host::fork(&new, &LockSet::new(locks), &mut in_child)?
        };
        match forked {
            Forked::Parent(child) => {
                // As in the kernel, a bad address is ignored.
                if request.thread.has(libc::CLONE_PARENT_SETTID) {
                    let _ = self.mm.write(GuestAddr(request.thread.parent_tid), &child.pid);
                }
                if let Some(pidfd) = child.pidfd {
                    self.mm.write(GuestAddr(request.thread.pidfd), &pidfd)?;
                }
                if let Some(until_exec) = until_exec {
                    until_exec.wait();
                }
                Ok(child.pid as u64)
            }
            Forked::Child => {
                // Drops the descriptor of a parent that waits for its own parent.
                self.until_exec = until_exec.map(host::UntilExec::keep);
                self.become_child(cpu, request);
                Ok(0)
            }
        }
    }

    /// Makes a process that shares the memory. With CLONE_VFORK, waits until it has ended or executed a program.
    pub(super) fn share_memory(&mut self, cpu: &Cpu, request: &ProcessRequest) -> Result<u64, CallEnd> {
        let new = request.for_host(&self.files)?;
        let child = NewThread::of_process(self, cpu, request);
        let system = self.system.clone();
        let child = match request.thread.has(libc::CLONE_VFORK) {
            true => system.threads.vfork(child, &new)?,
            false => system.threads.clone_vm(child, &new)?,
        };
        if let Some(pidfd) = child.pidfd {
            self.mm.write(GuestAddr(request.thread.pidfd), &pidfd)?;
        }
        Ok(child.pid as u64)
    }

    /// Takes from the child of a fork what it does not have, and gives it what the call asked for.
    fn become_child(&mut self, cpu: &mut Cpu, request: &ProcessRequest) {
        // Signals that were sent to the parent are not the child's.
        self.pending = Pending::default();
        self.robust_list = (0, 0);
        self.clear_child_tid = 0;
        if self.seccomp.is_on() {
            // The caller was perhaps not its parent's first thread.
            self.publish_guest();
        }
        if request.clears_handlers {
            let mut actions = self.sighand.actions();
            for (signal, action) in (1..).zip(actions.iter_mut()) {
                if action.handler > SIG_IGN {
                    action.handler = SIG_DFL;
                    self.mirror_disposition(signal, action);
                }
            }
        }
        request.thread.set_registers(cpu);
        if request.thread.has(libc::CLONE_CHILD_SETTID) {
            let _ = self.mm.write(GuestAddr(request.thread.child_tid), &self.tid());
        }
        if request.thread.has(libc::CLONE_CHILD_CLEARTID) {
            self.set_clear_child_tid(request.thread.child_tid);
        }
    }
}
