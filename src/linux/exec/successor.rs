//! Executing a program: everything is checked in this process, then remu executes itself, which loads the program.

use super::{ExecError, ExecRequest, Target};
use crate::elf::{ElfError, LoadError};
use crate::host::{self, ExecStrings, Next, OwnFile, SignalsOfProgram};
use crate::linux::abi::signal::SIG_IGN;
use crate::linux::limits::Limits;
use crate::linux::outcome::CallEnd;
use crate::linux::proc::Guest;
use crate::linux::seccomp::Program;
use crate::linux::signal::bit;
use crate::linux::strace::UnfinishedLine;
use crate::linux::task::Task;
use crate::memory::Mdwe;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What this remu hands to the next one besides the data in a [`Handover`].
#[derive(Debug)]
pub struct Successor {
    /// remu's own file.
    pub own_file: OwnFile,
    /// The command line's options, from which the next remu makes its settings.
    pub options: Options,
    /// The descriptors of logs, in the order in which the command line opens them.
    pub logs: Vec<i32>,
}

/// Options as the command line and the environment gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The words before the program.
    pub words: Vec<Vec<u8>>,
    /// remu's environment variables.
    pub variables: Vec<(Vec<u8>, Vec<u8>)>,
    /// The directory to which the paths of logs are relative.
    pub directory: Vec<u8>,
}

/// What one remu hands to the next that executes a program: what the process keeps, and what the host does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The command line's options.
    pub options: Options,
    sysroot: Option<Vec<u8>>,
    limits: [(u64, u64); 3],
    mdwe: u32,
    /// The signals that are blocked.
    pub blocked: u64,
    /// The signals that are ignored.
    pub ignored: u64,
    /// The line of this call in the system call log, which is not finished.
    pub unfinished: Option<UnfinishedLine>,
    /// What the engine has counted for the program that is replaced.
    pub report: Option<String>,
    /// The instructions of the filters of system calls, the newest filter last.
    filters: Vec<Vec<u8>>,
    program: Vec<u8>,
    given_path: Vec<u8>,
    script_name: Option<Vec<u8>>,
}

impl Handover {
    /// The inverse of [`Handover::encode`].
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    fn encode(&self) -> Result<Vec<u8>, Errno> {
        postcard::to_stdvec(self).map_err(|_| Errno::NOMEM)
    }

    /// The sysroot.
    pub fn sysroot(&self) -> Option<PathBuf> {
        self.sysroot.as_deref().map(path)
    }

    /// The limits on the guest's memory.
    pub fn limits(&self) -> Limits {
        Limits::from_pairs(self.limits)
    }

    /// The memory-deny-write-execute flags.
    pub fn mdwe(&self) -> Mdwe {
        Mdwe::from_bits_truncate(self.mdwe)
    }

    /// The filters of system calls, the newest last.
    pub fn filters(&self) -> Option<Vec<Program>> {
        self.filters.iter().map(|bytes| Program::new(bytes).ok()).collect()
    }

    /// The program, which is open as `file`, with these arguments and the environment of this process.
    pub fn request(&self, file: File, argv: Vec<CString>) -> ExecRequest {
        ExecRequest {
            program: path(&self.program),
            file: Some(file),
            refuses_writers: false,
            given_path: path(&self.given_path),
            script_name: self.script_name.clone().and_then(|name| CString::new(name).ok()),
            argv,
            envp: host::environment(),
        }
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}

impl ExecError {
    /// The errno of execve(2).
    pub fn errno(&self) -> Errno {
        match self {
            Self::Space(_) | Self::Vdso(_) => Errno::NOMEM,
            Self::Random(_) => Errno::IO,
            Self::Path(_) => Errno::INVAL,
            Self::NoDynamicLinker { .. } | Self::NoScriptInterpreter { .. } | Self::UnreachableScript { .. } => {
                Errno::NOENT
            }
            Self::TooManyScripts { .. } => Errno::LOOP,
            Self::OpenForWriting { .. } => Errno::TXTBSY,
            Self::Load { error, .. } => load_errno(error),
        }
    }

    /// Whether the file is nothing that remu runs, so that the host decides.
    fn is_for_host(&self) -> bool {
        match self {
            Self::NoScriptInterpreter { .. } => true,
            Self::Load { error: LoadError::Elf(error), .. } => {
                matches!(error, ElfError::WrongMachine { .. } | ElfError::NotElf | ElfError::Empty)
            }
            _ => false,
        }
    }
}

fn load_errno(error: &LoadError) -> Errno {
    let of_io = |error: &std::io::Error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
    match error {
        LoadError::Open(error) => error.errno(),
        LoadError::Elf(ElfError::Io(error)) => of_io(error),
        LoadError::Elf(_) => Errno::NOEXEC,
        LoadError::Stack(_) => Errno::TOOBIG,
        LoadError::Interpreter { error, .. } => match load_errno(error) {
            Errno::NOEXEC => Errno::LIBBAD,
            other => other,
        },
        LoadError::NoRoom { .. }
        | LoadError::MapSegment { .. }
        | LoadError::Clear { .. }
        | LoadError::MapStack { .. } => Errno::NOMEM,
    }
}

/// What a thread passes to the program that it executes.
#[derive(Debug)]
pub struct Executing {
    /// Without its file and strings.
    _request: ExecRequest,
    path: CString,
    strings: ExecStrings,
    handed: Handed,
}

/// What the next remu and the others read; empty for a program of the host.
#[derive(Debug, Default)]
struct Handed {
    /// The encoded [`Handover`].
    data: Vec<u8>,
    /// The encoded [`Guest`].
    public: Vec<u8>,
}

/// How many descriptors logs have at most.
const MAX_LOGS: usize = 6;

impl Task {
    /// Executes a program. Returns only if that fails, with everything as it was.
    pub fn execute(&mut self, mut request: ExecRequest) -> CallEnd {
        let file = request.file.as_ref().map(File::try_clone).transpose();
        let Ok(file) = file else { return Errno::MFILE.into() };
        let exe = match Target::find(&self.process.spec, &mut request) {
            Ok(target) => target.program.path.as_os_str().as_bytes().to_vec(),
            Err(error) if error.is_for_host() && self.seccomp.is_on() => return self.refuse_native(&error),
            Err(error) if error.is_for_host() => {
                // Other files, such as a shell's script, are not executed.
                if let (Some(report), ExecError::Load { error: LoadError::Elf(ElfError::WrongMachine { .. }), .. }) =
                    (self.report.take(), &error)
                {
                    self.system.write_report(&report);
                }
                return self.leave_to(request, Handed::default(), Self::execute_native);
            }
            Err(error) => return error.errno().into(),
        };
        if let Err(error) = self.system.successor {
            self.system.missing(match error {
                Errno::MFILE => {
                    "execve when remu was started with too few descriptors to keep its own file open (ulimit -n)".into()
                }
                _ => "execve when /proc is not mounted and no path leads to remu".into(),
            });
            return error.into();
        }
        let file = match file.map_or_else(|| File::open(&request.program), Ok) {
            Ok(file) => file,
            Err(error) => return error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error).into(),
        };
        // The next remu adds the rest once it knows.
        let exe = CString::new(exe).unwrap_or_default();
        let guest = Guest { exe, own_fds: self.files.ours().to_vec(), ..Guest::default() };
        let handed = self.handover(&request).and_then(|data| Ok(Handed { data, public: guest.encode()? }));
        drop(guest);
        match handed {
            Ok(handed) => self.leave_to(request, handed, |task, executing| task.execute_remu(executing, &file)),
            Err(errno) => errno.into(),
        }
    }

    /// Has `execute` replace this program, and brings the signals into the state in which the next one finds them. From
    /// here on a signal that arrives stays pending.
    fn leave_to(
        &mut self,
        mut request: ExecRequest,
        handed: Handed,
        execute: impl FnOnce(&Self, &Executing) -> CallEnd,
    ) -> CallEnd {
        request.file = None;
        let strings = ExecStrings::new(std::mem::take(&mut request.argv), std::mem::take(&mut request.envp));
        let Ok(path) = CString::new(request.program.as_os_str().as_bytes()) else { return Errno::NOENT.into() };
        let blocked = host::block_every_signal();
        if host::has_arrived() {
            return CallEnd::NotBegun;
        }
        self.give_back();
        self.executing = Some(Box::new(Executing { _request: request, path, strings, handed }));
        let end = match &self.executing {
            Some(executing) => execute(self, executing),
            None => unreachable!("it was set just now"),
        };
        drop(blocked);
        self.executing = None;
        end
    }

    /// Executes remu, which goes on with the program in `file`.
    fn execute_remu(&self, executing: &Executing, file: &File) -> CallEnd {
        let successor = match &self.system.successor {
            Ok(successor) => successor,
            Err(error) => return (*error).into(),
        };
        let mut files = [file.as_fd(); 1 + MAX_LOGS];
        let mut count = 1;
        for log in successor.logs.iter().filter_map(|&fd| self.files.own_fd(fd)) {
            files[count] = log;
            count += 1;
        }
        let _one_at_a_time = self.system.making_processes.lock();
        let next = Next { public: &executing.handed.public, data: &executing.handed.data, files: &files[..count] };
        successor.own_file.execute(&next, &executing.strings).into()
    }

    /// Refuses a file that is nothing for remu to a thread with filters, which the host would not apply.
    fn refuse_native(&self, error: &ExecError) -> CallEnd {
        if let ExecError::Load { error: LoadError::Elf(ElfError::WrongMachine { .. }), .. } = error {
            self.system.missing("execve of a host program under a seccomp filter".to_owned());
            return Errno::ACCESS.into();
        }
        error.errno().into()
    }

    /// Has the host execute a program of its own, or refuse it.
    fn execute_native(&self, executing: &Executing) -> CallEnd {
        let signals = SignalsOfProgram { blocked: self.blocked_by_next(), ignored: self.ignored() };
        let limits = self.process.limits.lock().clone();
        let raised = limits.set_on_host();
        // The program may write to the same file as the log.
        if let Some((tracer, _)) = self.system.tracer.as_ref().zip(self.unfinished_line.as_ref()) {
            tracer.leave_unfinished();
        }
        let _one_at_a_time = self.system.making_processes.lock();
        let error = host::execute_native(&executing.path, &executing.strings, signals);
        raised.restore();
        error.into()
    }

    /// The signals that are blocked in the next program.
    fn blocked_by_next(&self) -> u64 {
        self.saved_mask.unwrap_or(self.blocked)
    }

    /// The ignored signals.
    fn ignored(&self) -> u64 {
        let actions = self.sighand.actions();
        (1..=64).filter(|&signal| actions[signal as usize - 1].handler == SIG_IGN).map(bit).sum()
    }

    /// The encoded handover for the program of a request.
    fn handover(&mut self, request: &ExecRequest) -> Result<Vec<u8>, Errno> {
        let report = self.report.take();
        let successor = self.system.successor.as_ref().map_err(|&error| error)?;
        let filters = self.seccomp.programs();
        let limits = self.process.limits.lock();
        let handover = Handover {
            options: successor.options.clone(),
            sysroot: self.process.spec.sysroot.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()),
            limits: limits.to_pairs(),
            mdwe: self.mm.inherited_mdwe().bits(),
            report,
            blocked: self.blocked_by_next(),
            ignored: self.ignored(),
            unfinished: self.unfinished_line.clone(),
            filters,
            program: request.program.as_os_str().as_bytes().to_vec(),
            given_path: request.given_path.as_os_str().as_bytes().to_vec(),
            script_name: request.script_name.as_ref().map(|name| name.as_bytes().to_vec()),
        };
        handover.encode()
    }
}
