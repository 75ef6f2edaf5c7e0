//! A guest thread in the kernel layer (`task_struct`).
//!
//! The host keeps as much of the state as possible: a guest thread has the descriptor table, working directory, umask
//! and credentials of the host thread that runs it.

use super::abi::signal::StackT;
use super::arch::riscv64 as arch;
use super::call::Call;
use super::exec::{ExecError, Executing, Image, ProcessSpec, Successor};
use super::outcome::{Outcome, SysResult};
use super::proc::{self};
use super::process::{Files, Fs, Mask, MemoryOf, Mm, Process, Sighand};
use super::seccomp::{Program, Seccomp};
use super::signal::{Interrupted, Pending};
use super::strace::{CallPrinter, Traced, Tracer, UnfinishedLine};
use super::sysroot::Sysroot;
use super::table::{self, Restart, Row, Run, Support};
use super::thread::{NoThreads, Threads};
use crate::elf::at;
use crate::guest::Exit;
use crate::guest::riscv::{Cpu, QuickCalls};
use crate::host::{Lock, LockRef, Rank};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Receives text for a log or for the user.
pub type TextSink = Box<dyn Fn(&str) + Send + Sync>;

/// The initial state of a process.
pub struct TaskConfig {
    /// The signals that are blocked and those that are ignored, if the host does not have them so.
    pub signals: Option<(u64, u64)>,
    /// The filters of system calls that the process keeps, the newest last.
    pub filters: Vec<Program>,
    /// The loaded program.
    pub image: Image,
    /// How the process runs.
    pub spec: ProcessSpec,
    /// The outputs of the kernel layer.
    pub services: Services,
}

/// The outputs of the kernel layer.
pub struct Services {
    /// remu's descriptors, which the guest must not see.
    pub own_fds: Vec<i32>,
    /// The log of system calls.
    pub tracer: Option<Tracer>,
    /// The log of unsupported features, each once.
    pub unimplemented: Option<TextSink>,
    /// Tells the user of unsupported calls that programs seldom work without.
    pub required: Option<TextSink>,
    /// The log of calls that filters answer.
    pub filtered: Option<TextSink>,
    /// The file of counters: see [`Task::report`].
    pub reports: Option<TextSink>,
    /// What runs new threads.
    pub threads: Threads,
    /// What executes programs, or why it cannot.
    pub successor: Result<Successor, Errno>,
}

impl Default for Services {
    /// Reports nothing, and starts no threads.
    fn default() -> Self {
        Self {
            own_fds: Vec::new(),
            tracer: None,
            unimplemented: None,
            required: None,
            filtered: None,
            reports: None,
            threads: Arc::new(NoThreads),
            successor: Err(Errno::NOENT),
        }
    }
}

/// The system that all processes run on.
pub struct System {
    /// The log of system calls.
    pub tracer: Option<Tracer>,
    /// What runs new threads.
    pub threads: Threads,
    /// What executes programs, or why it cannot.
    pub successor: Result<Successor, Errno>,
    /// Held while a process is made or a program executed: descriptors are inherited then.
    pub making_processes: Lock<()>,
    unimplemented: Option<TextSink>,
    required: Option<TextSink>,
    filtered: Option<TextSink>,
    reports: Option<TextSink>,
    reported: Lock<HashSet<String>>,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

impl System {
    /// Logs an unsupported feature, once for each.
    pub fn unimplemented(&self, what: String) {
        let Some(sink) = &self.unimplemented else { return };
        if self.is_new(&what) {
            sink(&what);
        }
    }

    /// Tells the user that a call is unsupported, once for all calls with the same reason.
    fn required(&self, row: &Row) {
        let (Some(sink), Support::Unsupported(why)) = (&self.required, row.support) else { return };
        if self.is_new(why) {
            sink(&format!("{} is not supported: {why}", row.name));
        }
    }

    /// Tells the user that a form of a call is missing.
    pub fn missing(&self, what: String) {
        let line = format!("{what} is not implemented yet");
        if let Some(sink) = &self.required
            && self.is_new(&line)
        {
            sink(&line);
        }
        self.unimplemented(what);
    }

    /// Logs a call that filters have answered.
    pub(super) fn log_filtered(&self, text: impl FnOnce() -> String) {
        if let Some(sink) = &self.filtered {
            sink(&text());
        }
    }

    /// Writes a report into the file of counters.
    pub(super) fn write_report(&self, report: &str) {
        if let Some(sink) = &self.reports {
            sink(report);
        }
    }

    /// Tells the user of a surprise, once.
    fn warn(&self, what: &str) {
        if let Some(sink) = &self.required
            && self.is_new(what)
        {
            sink(what);
        }
    }

    /// The locks that are held while the process forks.
    pub fn locks(&self) -> Vec<LockRef<'_>> {
        let tracer = self.tracer.iter().flat_map(Tracer::locks);
        [self.reported.erased()].into_iter().chain(tracer).chain(self.threads.locks()).collect()
    }

    fn is_new(&self, what: &str) -> bool {
        self.reported.lock().insert(what.to_owned())
    }
}

/// A guest thread.
#[derive(Debug)]
pub struct Task {
    /// The descriptor table.
    pub files: Arc<Files>,
    /// The state of file lookups.
    pub fs: Arc<Fs>,
    /// The signal dispositions.
    pub sighand: Arc<Sighand>,
    /// The address space.
    pub mm: Arc<Mm>,
    /// The thread group.
    pub process: Arc<Process>,
    /// The system.
    pub system: Arc<System>,
    /// personality(2).
    pub personality: u32,
    /// The blocked signals.
    pub blocked: u64,
    /// The same for other threads; while this one waits for signals, without those that it waits for.
    pub shown_mask: Mask,
    /// The mask to restore after a signal ended a call that waited with a temporary mask.
    pub saved_mask: Option<u64>,
    /// The alternate stack.
    pub altstack: StackT,
    /// Signals to be delivered to handlers.
    pub pending: Pending,
    /// The call that a signal interrupted.
    pub interrupted: Option<Interrupted>,
    /// What the thread passes to the program that it is just executing. The parent of a vfork child frees it.
    pub executing: Option<Box<Executing>>,
    /// Tells the parent when this process executes a program or ends (CLONE_VFORK without CLONE_VM).
    pub until_exec: Option<OwnedFd>,
    /// The address at which to write zero when the thread exits (set_tid_address).
    pub clear_child_tid: u64,
    /// The robust list: the address and size of its head.
    pub robust_list: (u64, u64),
    /// The filters of system calls.
    pub seccomp: Arc<Seccomp>,
    /// What the engine has counted, while the thread makes a call that may execute a program.
    pub report: Option<String>,
    /// The line of the call being made, if it is begun in the system call log.
    pub unfinished_line: Option<UnfinishedLine>,
}

impl Task {
    /// The first thread of a process.
    pub fn new(config: TaskConfig) -> Result<Self, ExecError> {
        let TaskConfig { image, spec, services, signals, filters } = config;
        let seccomp = Arc::new(Seccomp::with_filters(filters));
        let (actions, blocked) = super::signal::inherited(signals);
        let shown_mask = Mask::default();
        shown_mask.store(blocked, Ordering::Relaxed);
        let task = Self {
            files: Arc::new(Files::new(services.own_fds)),
            fs: Arc::new(Fs { sysroot: spec.sysroot.as_deref().and_then(Sysroot::new) }),
            sighand: Arc::new(Sighand::new(actions)),
            mm: Arc::new(Mm::new(image)?),
            process: Arc::new(Process::new(spec, &seccomp, shown_mask.clone(), MemoryOf::Itself)),
            personality: crate::host::personality(),
            system: Arc::new(System {
                tracer: services.tracer,
                threads: services.threads,
                successor: services.successor,
                making_processes: Lock::new(Rank::MakingProcesses, ()),
                unimplemented: services.unimplemented,
                required: services.required,
                filtered: services.filtered,
                reports: services.reports,
                reported: Lock::new(Rank::Reported, HashSet::new()),
            }),
            blocked,
            shown_mask,
            saved_mask: None,
            altstack: StackT::NONE,
            pending: Pending::default(),
            interrupted: None,
            executing: None,
            until_exec: None,
            clear_child_tid: 0,
            robust_list: (0, 0),
            seccomp,
            report: None,
            unfinished_line: None,
        };
        task.apply_limits();
        task.take_name();
        task.publish();
        task.mirror_dispositions();
        task.warn_of_lost_privileges();
        // A shell's `<` opens the file before the process becomes remu.
        for file in (0..3).filter_map(|fd| task.files.guest_fd(fd).ok()) {
            // An error means a file that the guest could not have opened itself.
            let _ = proc::opened(&task, file);
        }
        Ok(task)
    }

    /// Names the thread after the file that was executed, a script's included (AT_EXECFN). A file that was executed by
    /// its descriptor has its own name, as in Linux 6.14 and later.
    fn take_name(&self) {
        let Some(at) = self.mm.auxv(at::EXECFN) else { return };
        let Ok(Some(path)) = self.mm.read_cstr(GuestAddr(at), libc::PATH_MAX as usize) else { return };
        let path = path.as_bytes();
        let by_descriptor = path.strip_prefix(b"/dev/fd/").is_some_and(|number| !number.contains(&b'/'));
        let exe = self.mm.exe.as_bytes();
        let path = if by_descriptor { exe.strip_suffix(b" (deleted)").unwrap_or(exe) } else { path };
        let name = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let name = CString::new(&name[..name.len().min(15)]).expect("a part of a string without zeroes");
        // A thread without its name runs as well.
        let _ = rustix::thread::set_name(&name);
    }

    /// Tells the user that a program does not get the user or group that its file grants: the host starts remu, not the
    /// program.
    fn warn_of_lost_privileges(&self) {
        let Ok(file) = rustix::fs::stat(self.mm.exe.as_c_str()) else { return };
        let is_set = |bit: u32| file.st_mode & bit != 0;
        let user = is_set(libc::S_ISUID) && file.st_uid != rustix::process::geteuid().as_raw();
        // Without execution by the group, the bit means mandatory locking.
        let group =
            is_set(libc::S_ISGID) && is_set(libc::S_IXGRP) && file.st_gid != rustix::process::getegid().as_raw();
        let what = match (user, group) {
            (true, _) => format!("it runs as the caller, not as its file's owner (user {})", file.st_uid),
            (_, true) => format!("it runs as the caller, not as its file's group ({})", file.st_gid),
            _ => return,
        };
        self.system.warn(&what);
    }

    /// Whether the thread is about to make a call that executes a program.
    pub fn executes_program(&self, cpu: &Cpu) -> bool {
        table::find(arch::system_call(cpu).0).is_some_and(|row| matches!(row.name, "execve" | "execveat"))
    }

    /// Handles an exit of the engine: makes a system call, or turns a fault into a signal. Then delivers signals.
    pub fn handle_exit(&mut self, cpu: &mut Cpu, exit: Exit) -> Outcome {
        let outcome = match exit {
            Exit::Syscall => self.system_call(cpu),
            Exit::Interrupted => Outcome::Resume,
            other => self.synchronous_fault(cpu, other),
        };
        let outcome = if outcome == Outcome::Resume { self.deliver_signals(cpu) } else { outcome };
        if outcome == Outcome::Resume {
            return outcome;
        }
        // The host marks the locks of the other threads.
        self.release_robust_list();
        if let Some(tracer) = &self.system.tracer {
            match outcome {
                Outcome::ThreadExited(status) => tracer.thread_exited(status, self.tid()),
                Outcome::ThreadKilled(signal) => tracer.killed(signal, self.tid()),
                Outcome::Exited(status) => tracer.exited(status, self.tid()),
                Outcome::Killed(fatal) => tracer.killed(fatal.signal, self.tid()),
                Outcome::Resume => {}
            }
        }
        outcome
    }

    /// The calls that need not be made by [`Self::handle_exit`].
    pub fn quick_calls(&self) -> Option<QuickCalls> {
        self.system.tracer.is_none().then(|| self.mm.vdso.quick_calls())
    }

    fn system_call(&mut self, cpu: &mut Cpu) -> Outcome {
        let (number, args) = arch::system_call(cpu);
        arch::skip_call(cpu);
        let mut restart = Restart::Never;
        let result = match table::find(number) {
            Some(row) => {
                restart = row.restart;
                if self.system.tracer.is_some() {
                    self.traced_call(cpu, row, args)
                } else {
                    self.dispatch(cpu, row, args)
                }
            }
            None => {
                if let Some(tracer) = &self.system.tracer {
                    tracer.unknown(number, &args, self.tid());
                }
                match self.filtered(cpu, number, args) {
                    Some(result) => result,
                    None => {
                        self.system.unimplemented(format!("system call {}", number as i64));
                        Err(Errno::NOSYS.into())
                    }
                }
            }
        };
        self.finish_call(cpu, restart, args[0], result)
    }

    /// Logs the execve with which the first program began, as strace(1) does. The program's memory has its arguments.
    pub fn trace_start(&self) {
        let Some(tracer) = &self.system.tracer else { return };
        let sp = self.mm.start_stack.0;
        let (Some(row), Ok(count)) =
            (table::rows().iter().find(|row| row.name == "execve"), self.mm.read::<u64>(GuestAddr(sp)))
        else {
            return;
        };
        let args = [self.mm.auxv(at::EXECFN).unwrap_or(0), sp + 8, sp + 8 * (count + 2), 0, 0, 0];
        let call = CallPrinter::new(&self.mm, row, &args, sp, tracer.string_limit());
        if let Some(traced) = tracer.enter(call, self.tid()) {
            traced.leave(Ok(0));
        }
    }

    #[cold]
    fn traced_call(&mut self, cpu: &mut Cpu, row: &'static Row, args: [u64; 6]) -> SysResult {
        let system = self.system.clone();
        let Some(tracer) = &system.tracer else { return self.dispatch(cpu, row, args) };
        let mm = self.mm.clone();
        let call = CallPrinter::new(&mm, row, &args, arch::stack_pointer(cpu), tracer.string_limit());
        let traced = tracer.enter(call, self.tid());
        self.unfinished_line = traced.as_ref().and_then(Traced::unfinished);
        let result = self.dispatch(cpu, row, args);
        if let Some(traced) = traced {
            traced.leave(result);
        }
        result
    }

    /// The result of a call that the filters do not let through.
    #[inline]
    fn filtered(&mut self, cpu: &Cpu, number: u64, args: [u64; 6]) -> Option<SysResult> {
        if self.seccomp.is_on() { self.refused(cpu, number, args) } else { None }
    }

    /// Makes the call of a row with these arguments.
    #[inline]
    fn dispatch(&mut self, cpu: &mut Cpu, row: &'static Row, args: [u64; 6]) -> SysResult {
        if let Some(result) = self.filtered(cpu, row.number.into(), args) {
            return result;
        }
        #[cfg(test)]
        if let Some(result) = super::tests::zeroed::instead_of(row, &args) {
            return result;
        }
        let mut call = Call { task: self, cpu, row, args };
        match row.run {
            Run::Native(function) => function(&mut call),
            Run::Passthrough(host) => call.pass(host),
            Run::Unimplemented | Run::Required => {
                if matches!(row.run, Run::Required) {
                    call.task.system.required(row);
                }
                call.unimplemented(format!("{} (system call {})", row.name, row.number));
                Err(Errno::NOSYS.into())
            }
            Run::Unsupported => Err(Errno::NOSYS.into()),
        }
    }

    /// The process ID, which is the host's.
    pub fn pid(&self) -> i32 {
        rustix::process::getpid().as_raw_nonzero().get()
    }

    /// The thread ID, which is the host's.
    pub fn tid(&self) -> i32 {
        rustix::thread::gettid().as_raw_nonzero().get()
    }

    /// Applies the current limits to the address space.
    pub fn apply_limits(&self) {
        let limits = self.process.limits.lock();
        self.mm.set_limits(limits.of_space());
    }
}
