//! Why a program cannot be started.

use super::advice::NotFound;
use super::find::MAX_SCRIPTS;
use crate::elf::LoadError;
use crate::memory::{MapError, SpaceError};
use std::io;
use std::path::PathBuf;

/// Why a program cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The guest's address space cannot be reserved.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// getrandom failed.
    #[error("cannot get random bytes from the host: {0}")]
    Random(io::Error),
    /// There is no room for the vDSO.
    #[error("cannot map the vDSO: {0}")]
    Vdso(#[from] MapError),
    /// The program's path is not a C string.
    #[error("the program's path {0:?} contains a zero byte")]
    Path(PathBuf),
    /// The program's dynamic linker is not found.
    #[error("{}: needs the dynamic linker {linker}", path.display())]
    NoDynamicLinker {
        /// The program's path as given.
        path: PathBuf,
        /// What PT_INTERP says.
        linker: NotFound,
    },
    /// The interpreter of a script is not found.
    #[error("{}: is a script for {interpreter}", path.display())]
    NoScriptInterpreter {
        /// The script's path.
        path: PathBuf,
        /// What follows `#!`.
        interpreter: NotFound,
    },
    /// The interpreter of a script could not open it.
    #[error("{}: is a script whose descriptor is closed before its interpreter starts", path.display())]
    UnreachableScript {
        /// The script's path.
        path: PathBuf,
    },
    /// The chain of script interpreters is too long.
    #[error("{}: has a chain of script interpreters longer than the limit of {MAX_SCRIPTS}", path.display())]
    TooManyScripts {
        /// The path as given.
        path: PathBuf,
    },
    /// The program or an interpreter is open for writing.
    #[error("{}: is open for writing", path.display())]
    OpenForWriting {
        /// The path of the open file.
        path: PathBuf,
    },
    /// The program cannot be loaded.
    #[error("{}: {error}", path.display())]
    Load {
        /// The path as given.
        path: PathBuf,
        /// Why.
        error: LoadError,
    },
}
