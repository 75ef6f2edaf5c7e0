//! Errors before the guest runs, and the exit status of each.

use crate::elf::{ElfError, LoadError, OpenError};
use crate::guest::riscv::profiles::CpuError;
use crate::host::limits_behind;
use crate::jit::x64::UnknownFeature;
use crate::linux::exec::ExecError;
use crate::linux::strace::FilterError;
use std::io;
use std::path::PathBuf;

/// remu itself failed, for example by wrong usage or lack of memory.
pub const EXIT_OWN_ERROR: i32 = 125;
/// The program cannot be executed.
pub const EXIT_NOT_EXECUTABLE: i32 = 126;
/// There is no such program.
pub const EXIT_NOT_FOUND: i32 = 127;

/// An error to print as `remu: …`.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An option that does not exist.
    #[error("unknown option '{option}'; {advice}")]
    UnknownOption {
        /// As written.
        option: String,
        /// Where to look, or what may have been meant.
        advice: String,
    },
    /// An option without its value.
    #[error("option '{0}' needs a value; --help says which")]
    MissingValue(String),
    /// A value for an option that takes none.
    #[error("option '{0}' takes no value")]
    UnexpectedValue(String),
    /// A short option with an equals sign.
    #[error("option '{option}': write '-{letter} {value}' or '--{long}={value}'")]
    ShortWithSign {
        /// As written.
        option: String,
        /// Its letter.
        letter: char,
        /// Its long name.
        long: String,
        /// What follows the sign.
        value: String,
    },
    /// A QEMU option that is not supported.
    #[error("option '{option}' is not supported yet: {what}")]
    Unsupported {
        /// As written.
        option: String,
        /// What it is for.
        what: String,
    },
    /// An option of `remu-system`.
    #[error("option '{option}' is for whole machines; use remu-system{also}")]
    OfMachines {
        /// As written.
        option: String,
        /// What else it may have been meant for.
        also: String,
    },
    /// An option about compiled code, for the interpreter.
    #[error("{0} is about compiled code, and --engine interp compiles none")]
    NeedsCompiler(&'static str),
    /// A QEMU environment variable that is not supported.
    #[error("{variable} is set but not supported yet: {what}; unset it")]
    UnsupportedVariable {
        /// Its name.
        variable: String,
        /// What it is for.
        what: &'static str,
    },
    /// An invalid value.
    #[error("{source_name} '{value}': {why}")]
    BadValue {
        /// The option or environment variable.
        source_name: String,
        /// As written.
        value: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A feature of the host that remu does not know.
    #[error("--host-features: {0}")]
    HostFeatures(UnknownFeature),
    /// The host gives no memory for compiled code.
    #[error("no code cache: {0}")]
    CodeCache(io::Error),
    /// An invalid CPU model.
    #[error("{source_name}: {error}")]
    Cpu {
        /// The option or environment variable.
        source_name: String,
        /// What is wrong.
        error: CpuError,
    },
    /// A log item that does not exist.
    #[error("{source_name}: no log item '{item}'; -d help lists them")]
    UnknownLogItem {
        /// The option or environment variable.
        source_name: String,
        /// As written.
        item: String,
    },
    /// A QEMU log item that is not supported.
    #[error("{source_name}: log item '{item}' is not supported yet; -d help lists those that are")]
    UnsupportedLogItem {
        /// The option or environment variable.
        source_name: String,
        /// As written.
        item: String,
    },
    /// An invalid filter expression for the system call log.
    #[error("{source_name} '{value}': {error}")]
    Filter {
        /// The option.
        source_name: &'static str,
        /// As written.
        value: String,
        /// What is wrong.
        error: FilterError,
    },
    /// An error found by clap.
    #[error("{0}")]
    Usage(String),
    /// No PROGRAM.
    #[error("no program given; usage: remu [OPTIONS] PROGRAM [ARGS...]")]
    NoProgram,
    /// The log cannot be opened.
    #[error("{}cannot write {what} {}: {error}", limits_behind(error), path.display())]
    Log {
        /// What is written there.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// The host's error.
        error: io::Error,
    },
    /// A file that names compiled code cannot be created.
    #[error("{}cannot write {}: {error}", limits_behind(error), path.display())]
    CodeMap {
        /// Its path.
        path: PathBuf,
        /// The host's error.
        error: io::Error,
    },
    /// Writing to standard output failed.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The directory of -L is not usable.
    #[error("{}{source_name} '{}': {error}", limits_behind(error), path.display())]
    Prefix {
        /// The option or environment variable.
        source_name: String,
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// What another remu has handed on cannot be read.
    #[error("cannot go on as the program that another remu has executed: what it handed on cannot be read")]
    Handover,
    /// The program cannot be started.
    #[error(transparent)]
    Exec(Box<ExecError>),
}

impl From<ExecError> for CliError {
    fn from(error: ExecError) -> Self {
        Self::Exec(Box::new(error))
    }
}

impl CliError {
    /// The exit status for this error.
    pub fn exit_status(&self) -> i32 {
        let CliError::Exec(error) = self else { return EXIT_OWN_ERROR };
        match &**error {
            ExecError::Load { error, .. } => load_status(error),
            ExecError::NoDynamicLinker { .. }
            | ExecError::NoScriptInterpreter { .. }
            | ExecError::TooManyScripts { .. } => EXIT_NOT_EXECUTABLE,
            _ => EXIT_OWN_ERROR,
        }
    }
}

fn load_status(error: &LoadError) -> i32 {
    match error {
        LoadError::Open(OpenError::NotFound | OpenError::BelowFile) => EXIT_NOT_FOUND,
        LoadError::Stack(_)
        | LoadError::MapStack { .. }
        | LoadError::NoRoom { .. }
        | LoadError::Elf(ElfError::Io(_)) => EXIT_OWN_ERROR,
        _ => EXIT_NOT_EXECUTABLE,
    }
}
