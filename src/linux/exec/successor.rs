//! Executing a program: everything is checked in this process, then remu executes itself, which loads the program.

use super::{ExecError, ExecRequest, Target};
use crate::elf::{ElfError, LoadError};
use crate::host::{self, Next, OwnFile};
use crate::linux::abi::process::Rlimit;
use crate::linux::abi::signal::SIG_IGN;
use crate::linux::limits::Limits;
use crate::linux::outcome::CallEnd;
use crate::linux::proc::Guest;
use crate::linux::seccomp::Program;
use crate::linux::signal::bit;
use crate::linux::task::Task;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
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
}

/// What one remu hands to the next that executes a program: what the process keeps, and what the host does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The command line's options.
    pub options: Options,
    sysroot: Option<Vec<u8>>,
    limits: [(u64, u64); 3],
    /// The signals that are blocked.
    pub blocked: u64,
    /// The signals that are ignored.
    pub ignored: u64,
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
        let [total, data, stack] = self.limits.map(|(cur, max)| Rlimit { cur, max });
        Limits { total, data, stack }
    }

    /// The filters of system calls, the newest last.
    pub fn filters(&self) -> Option<Vec<Program>> {
        self.filters.iter().map(|bytes| Program::new(bytes).ok()).collect()
    }

    /// The program, which is open as `file`, with the arguments and the environment of this process.
    pub fn request(&self, file: File) -> ExecRequest {
        ExecRequest {
            program: path(&self.program),
            file: Some(file),
            given_path: path(&self.given_path),
            script_name: self.script_name.clone().and_then(|name| CString::new(name).ok()),
            argv: std::env::args_os().map(|word| CString::new(word.into_vec()).unwrap_or_default()).collect(),
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

impl Task {
    /// Executes a program. Returns only if that fails, with everything as it was.
    pub fn execute(&mut self, mut request: ExecRequest) -> CallEnd {
        let system = self.system.clone();
        let file = request.file.as_ref().map(File::try_clone).transpose();
        let Ok(file) = file else { return Errno::MFILE.into() };
        let exe = match Target::find(&self.process.spec, &mut request) {
            Ok(target) => target.program.path.as_os_str().as_bytes().to_vec(),
            Err(error) if error.is_for_host() && self.seccomp.is_on() => return self.refuse_native(&error),
            Err(error) if error.is_for_host() => return self.execute_native(&request),
            Err(error) => return error.errno().into(),
        };
        let Some(successor) = &system.successor else {
            self.system.missing("execve without access to remu's own file".to_owned());
            return Errno::NOENT.into();
        };
        let file = match file.map_or_else(|| File::open(&request.program), Ok) {
            Ok(file) => file,
            Err(error) => return error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error).into(),
        };
        let data = match self.handover(successor, &request).encode() {
            Ok(data) => data,
            Err(errno) => return errno.into(),
        };
        // The next remu adds the rest once it knows.
        let exe = CString::new(exe).unwrap_or_default();
        let guest = Guest { exe, own_fds: self.files.ours().to_vec(), ..Guest::default() };
        let public = match guest.encode() {
            Ok(public) => public,
            Err(errno) => return errno.into(),
        };
        // A signal that arrives now could be lost with its handler.
        host::set_signal_mask(u64::MAX);
        if host::has_arrived() {
            return CallEnd::NotBegun;
        }
        let logs = successor.logs.iter().filter_map(|&fd| self.files.own_fd(fd));
        let files: Vec<BorrowedFd<'_>> = [file.as_fd()].into_iter().chain(logs).collect();
        let _one_at_a_time = system.making_processes.lock();
        let next = Next { public: &public, data: &data, files: &files };
        let errno = successor.own_file.execute(&next, &request.argv, &request.envp);
        host::set_signal_mask(self.blocked);
        errno.into()
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
    fn execute_native(&mut self, request: &ExecRequest) -> CallEnd {
        let Ok(path) = CString::new(request.program.as_os_str().as_bytes()) else { return Errno::NOENT.into() };
        host::set_signal_mask(u64::MAX);
        if host::has_arrived() {
            return CallEnd::NotBegun;
        }
        let limits = self.process.limits.lock().clone();
        let raised = limits.set_on_host();
        let _one_at_a_time = self.system.making_processes.lock();
        host::set_signal_mask(self.blocked);
        let errno = host::execute_native(&path, &request.argv, &request.envp);
        raised.restore();
        errno.into()
    }

    fn handover(&self, successor: &Successor, request: &ExecRequest) -> Handover {
        let filters = self.seccomp.programs();
        let limits = self.process.limits.lock();
        let pair = |limit: &Rlimit| (limit.cur, limit.max);
        let actions = self.sighand.actions();
        let ignored = (1..=64).filter(|&signal| actions[signal as usize - 1].handler == SIG_IGN).map(bit);
        Handover {
            options: successor.options.clone(),
            sysroot: self.process.spec.sysroot.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()),
            limits: [pair(&limits.total), pair(&limits.data), pair(&limits.stack)],
            blocked: self.saved_mask.unwrap_or(self.blocked),
            ignored: ignored.sum(),
            filters,
            program: request.program.as_os_str().as_bytes().to_vec(),
            given_path: request.given_path.as_os_str().as_bytes().to_vec(),
            script_name: request.script_name.as_ref().map(|name| name.as_bytes().to_vec()),
        }
    }
}
