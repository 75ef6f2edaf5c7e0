//! A guest thread as the kernel keeps it, and what it shares with others.
//!
//! As in Linux, a [`Task`] points at reference-counted [`Files`], [`Fs`], [`Sighand`], [`Mm`] and
//! [`Process`], which clone(2) will share or copy by its flags. Nothing of it is static.
//!
//! The host keeps what it can keep for us: the descriptor table, the working directory, the umask and
//! the credentials of a guest thread are those of the host thread that runs it.

use super::abi::signal::{Sigaction, StackT};
use super::call::Call;
use super::exec::{ExecError, Image, ProcessSpec};
use super::limits::Limits;
use super::outcome::{Outcome, SysResult};
use super::proc::{self, OpenProc};
use super::signal::{Interrupted, Pending};
use super::strace::{CallPrinter, Tracer};
use super::sysroot::{Intent, Sysroot};
use super::table::{self, Restart, Row, Run, Support};
use super::vdso::Vdso;
use crate::elf::at;
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::host::{Lock, LockGuard, Rank};
use crate::memory::{GuestAddr, UserSpace};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::CString;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is told of something that is missing, once for each.
pub type UnimplementedSink = Box<dyn Fn(&str) + Send + Sync>;

/// What a process starts from.
pub struct TaskConfig {
    /// The loaded program.
    pub image: Image,
    /// How the process runs.
    pub spec: ProcessSpec,
    /// Where the kernel layer reports.
    pub services: Services,
}

/// Where the kernel layer reports what the process does.
#[derive(Default)]
pub struct Services {
    /// Descriptors that the guest may not see.
    pub own_fds: Vec<i32>,
    /// The log of system calls.
    pub tracer: Option<Tracer>,
    /// The log of what is missing.
    pub unimplemented: Option<UnimplementedSink>,
    /// Where the user is told of calls that programs seldom work without.
    pub required: Option<UnimplementedSink>,
}

/// The descriptor table: the host's, less what is ours.
#[derive(Debug)]
pub struct Files {
    own: Vec<i32>,
    /// The files under /proc among them that show the guest.
    pub proc: OpenProc,
}

impl Files {
    /// Whether a descriptor is one of ours, which the guest must not touch.
    pub fn is_ours(&self, fd: i32) -> bool {
        self.own.contains(&fd)
    }

    /// Our descriptors, in no order.
    pub fn ours(&self) -> &[i32] {
        &self.own
    }
}

/// The handlers of signals.
#[derive(Debug)]
pub struct Sighand {
    actions: Lock<[Sigaction; 64]>,
}

impl Sighand {
    /// What is to be done on signals 1 to 64, from index 0.
    pub fn actions(&self) -> LockGuard<'_, [Sigaction; 64]> {
        self.actions.lock()
    }
}

/// What the threads of a process share beside the rest.
#[derive(Debug)]
pub struct Process {
    /// How it runs.
    pub spec: ProcessSpec,
    /// The limits that bind the guest's address space and so cannot be the host's: AS, DATA, STACK.
    pub limits: Lock<Limits>,
    /// What personality(2) was told.
    pub personality: AtomicU32,
    /// The arguments.
    pub args: Vec<CString>,
    /// The environment.
    pub env: Vec<CString>,
    /// The auxiliary vector.
    pub auxv: Vec<(u64, u64)>,
    /// The stack pointer at the start.
    pub start_stack: GuestAddr,
}

/// The address space, and what the kernel puts into it.
#[derive(Debug)]
pub struct Mm {
    space: Arc<UserSpace>,
    /// The vDSO in it.
    pub vdso: Vdso,
}

impl Mm {
    /// The address space.
    pub fn space(&self) -> &Arc<UserSpace> {
        &self.space
    }
}

impl Deref for Mm {
    type Target = UserSpace;

    fn deref(&self) -> &UserSpace {
        &self.space
    }
}

/// Where a process looks files up.
#[derive(Debug)]
pub struct Fs {
    /// The directory that has some of the guest's files.
    pub sysroot: Option<Sysroot>,
    /// The program.
    pub exe: CString,
    /// Its device and inode.
    pub exe_id: Option<(u64, u64)>,
}

/// The machine that all processes run on.
pub struct System {
    /// Where calls are written.
    pub tracer: Option<Tracer>,
    unimplemented: Option<UnimplementedSink>,
    required: Option<UnimplementedSink>,
    reported: Lock<HashSet<String>>,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

impl System {
    /// Logs that something is missing, the first time.
    pub fn unimplemented(&self, what: String) {
        let Some(sink) = &self.unimplemented else { return };
        if self.is_new(&what) {
            sink(&what);
        }
    }

    /// Tells the user that a call is missing, once for all calls that are missing for the same reason: a C library
    /// tries `clone3` and then `clone`.
    fn required(&self, row: &Row) {
        let (Some(sink), Support::Unsupported(why)) = (&self.required, row.support) else { return };
        if self.is_new(why) {
            sink(&format!("{} is not implemented yet", row.name));
        }
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
    /// Where files are looked up.
    pub fs: Arc<Fs>,
    /// The handlers of signals.
    pub sighand: Arc<Sighand>,
    /// The address space.
    pub mm: Arc<Mm>,
    /// What else the process has.
    pub process: Arc<Process>,
    /// The machine.
    pub system: Arc<System>,
    /// The signals that are blocked.
    pub blocked: u64,
    /// The mask to go back to once a signal has ended a call that waits with another.
    pub saved_mask: Option<u64>,
    /// The alternate stack.
    pub altstack: StackT,
    /// Signals that are on their way to their handlers.
    pub pending: Pending,
    /// The call that a signal has interrupted.
    pub interrupted: Option<Interrupted>,
    /// Where to write zero when the thread ends (set_tid_address).
    pub clear_child_tid: u64,
    /// The robust list: its head and the head's size.
    pub robust_list: (u64, u64),
}

impl Task {
    /// The first thread of a process.
    pub fn new(config: TaskConfig) -> Result<Self, ExecError> {
        let TaskConfig { image, spec, services } = config;
        let exe = std::path::absolute(&image.exe).unwrap_or(image.exe);
        let exe = CString::new(exe.as_os_str().as_bytes()).map_err(|_| ExecError::Path(exe.clone()))?;
        let exe_id = rustix::fs::stat(exe.as_c_str()).ok().map(|file| (file.st_dev, file.st_ino));
        let (actions, blocked) = super::signal::inherited();
        let task = Self {
            files: Arc::new(Files { own: services.own_fds, proc: OpenProc::default() }),
            fs: Arc::new(Fs { sysroot: spec.sysroot.as_deref().and_then(Sysroot::new), exe, exe_id }),
            sighand: Arc::new(Sighand { actions: Lock::new(Rank::SignalActions, actions) }),
            mm: Arc::new(Mm { space: image.space, vdso: image.vdso }),
            process: Arc::new(Process {
                limits: Lock::new(Rank::Limits, spec.limits.clone()),
                personality: AtomicU32::new(crate::host::personality()),
                args: image.args,
                env: image.env,
                auxv: image.auxv,
                start_stack: image.start_stack,
                spec,
            }),
            system: Arc::new(System {
                tracer: services.tracer,
                unimplemented: services.unimplemented,
                required: services.required,
                reported: Lock::new(Rank::Reported, HashSet::new()),
            }),
            blocked,
            saved_mask: None,
            altstack: StackT { sp: 0, flags: 0, pad: 0, size: 0 },
            pending: Pending::default(),
            interrupted: None,
            clear_child_tid: 0,
            robust_list: (0, 0),
        };
        task.apply_limits();
        task.take_name();
        task.mirror_dispositions();
        // A shell's `<` opens a file in the process that becomes this one.
        for file in (0..3).filter_map(crate::host::guest_fd) {
            // What may not be opened was not opened by the guest.
            let _ = proc::opened(&task, file);
        }
        Ok(task)
    }

    /// Names the thread after the file that was to be executed, a script's included (AT_EXECFN).
    fn take_name(&self) {
        let Some((_, at)) = self.process.auxv.iter().find(|(key, _)| *key == at::EXECFN) else { return };
        let Ok(Some(path)) = self.mm.read_cstr(GuestAddr(*at), libc::PATH_MAX as usize) else { return };
        let name = path.as_bytes().rsplit(|&b| b == b'/').next().unwrap_or_default();
        let name = CString::new(&name[..name.len().min(15)]).expect("a part of a string without zeroes");
        // A thread without its name runs as well.
        let _ = rustix::thread::set_name(&name);
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
        self.release_robust_list();
        if let Some(tracer) = &self.system.tracer {
            match outcome {
                Outcome::Exited(status) => tracer.exited(status, self.tid()),
                Outcome::Killed(fatal) => tracer.killed(fatal.signal, self.tid()),
                Outcome::Resume => {}
            }
        }
        outcome
    }

    fn system_call(&mut self, cpu: &mut Cpu) -> Outcome {
        let number = cpu.x(17);
        let args = std::array::from_fn(|i| cpu.x(10 + i as u8));
        // Whatever looks at the pc from here on, a signal frame above all, sees the call behind it.
        cpu.pc = cpu.pc.wrapping_add(4);
        let mut restart = Restart::Never;
        let result = match table::find(number) {
            Some(row) => {
                restart = row.restart;
                self.traced_call(cpu, row, args)
            }
            None => {
                self.system.unimplemented(format!("system call {}", number as i64));
                if let Some(tracer) = &self.system.tracer {
                    tracer.unknown(number, &args, self.tid());
                }
                Err(Errno::NOSYS.into())
            }
        };
        self.finish_call(cpu, restart, args[0], result)
    }

    fn traced_call(&mut self, cpu: &mut Cpu, row: &'static Row, args: [u64; 6]) -> SysResult {
        let system = self.system.clone();
        let Some(tracer) = &system.tracer else { return self.dispatch(cpu, row, args) };
        let mm = self.mm.clone();
        let call = CallPrinter::new(&mm, row, &args, cpu.x(2), tracer.string_limit());
        let traced = tracer.enter(call, self.tid());
        let result = self.dispatch(cpu, row, args);
        if let Some(traced) = traced {
            traced.leave(result);
        }
        result
    }

    /// Makes the call of a row with the given arguments.
    pub fn dispatch(&mut self, cpu: &mut Cpu, row: &'static Row, args: [u64; 6]) -> SysResult {
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

    /// The host's process number, which is the guest's.
    pub fn pid(&self) -> i32 {
        rustix::process::getpid().as_raw_nonzero().get()
    }

    /// The host's thread number, which is the guest's.
    pub fn tid(&self) -> i32 {
        rustix::thread::gettid().as_raw_nonzero().get()
    }

    /// What personality(2) was told last, replaced if there is something new.
    pub fn personality(&self, new: Option<u32>) -> u32 {
        let personality = &self.process.personality;
        match new {
            Some(new) => personality.swap(new, Ordering::Relaxed),
            None => personality.load(Ordering::Relaxed),
        }
    }

    /// Has the address space keep within the limits as they are now.
    pub fn apply_limits(&self) {
        let limits = self.process.limits.lock();
        self.mm.set_limits(limits.of_space());
    }
}

impl Fs {
    /// A path of the host's as the guest would write it: without the sysroot.
    pub fn guest_path<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        self.sysroot.as_ref().map_or(path, |sysroot| sysroot.guest_name(path))
    }

    /// The host's path for a guest's, relative to a directory descriptor.
    pub fn host_path(&self, dir: i32, path: CString, follow: bool, intent: Intent) -> Result<CString, Errno> {
        let Some(sysroot) = &self.sysroot else { return Ok(path) };
        Ok(sysroot.resolve(dir, &path, follow, intent)?.host.unwrap_or(path))
    }
}
