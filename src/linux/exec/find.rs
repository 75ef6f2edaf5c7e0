//! Finds the files of a program: script interpreters, its dynamic linker, and the sysroot in which both are looked up.

use super::advice::NotFound;
use super::{ExecError, ExecRequest, ProcessSpec};
use crate::elf::{self, Executable, LoadError, Program, Script};
use crate::linux::sysroot::lookup;
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where Debian's cross compilation packages put a RISC-V C library.
pub const CROSS_SYSROOT: &str = "/usr/riscv64-linux-gnu";

/// The longest chain of script interpreters (measured on Linux 6.18: the sixth fails with ELOOP).
pub(super) const MAX_SCRIPTS: usize = 5;

/// What to load.
#[derive(Debug)]
pub struct Target {
    /// The program; for a script, its interpreter.
    pub program: Program,
    /// Its dynamic linker.
    pub interpreter: Option<Program>,
    /// The arguments; a script's interpreter gets additional ones.
    pub argv: Vec<CString>,
    /// The sysroot, in which absolute guest paths are looked up first.
    pub sysroot: Option<PathBuf>,
}

impl Target {
    /// Finds and opens all files.
    pub fn find(spec: &ProcessSpec, request: &mut ExecRequest) -> Result<Self, ExecError> {
        let mut sysroot = FoundSysroot { root: spec.sysroot.clone(), is_given: spec.sysroot.is_some() };
        let mut file = request.file.take();
        let mut argv = request.argv.clone();
        let mut path = request.program.clone();
        let mut name = request.script_name.clone();
        let mut scripts = 0;
        let program = loop {
            let failed = |error: LoadError| ExecError::Load { path: path.clone(), error };
            let opened = match file.take() {
                Some(file) => file,
                None => elf::open(&path).map_err(|error| failed(error.into()))?,
            };
            request.check_writers(&opened, &path)?;
            let (script, real) = match Executable::from_file(opened, &path).map_err(failed)? {
                Executable::Program(program) => break program,
                Executable::Script(script, real) => (script, real),
            };
            scripts += 1;
            if scripts > MAX_SCRIPTS {
                return Err(ExecError::TooManyScripts { path: request.program.clone() });
            }
            let Some(script_name) = name else { return Err(ExecError::UnreachableScript { path }) };
            let found = sysroot
                .find_or_advise(&script.interpreter, &real)
                .map_err(|interpreter| ExecError::NoScriptInterpreter { path: path.clone(), interpreter })?;
            let Script { interpreter, argument } = script;
            let first = [interpreter.clone()].into_iter().chain(argument).chain([script_name]);
            argv.splice(..argv.len().min(1), first);
            (path, name) = (found, Some(interpreter));
        };
        program.plan.check_extensions(&spec.exts).map_err(|e| ExecError::Load { path, error: e.into() })?;
        let interpreter = match &program.plan.interpreter {
            Some(wanted) => Some(dynamic_linker(spec, request, &mut sysroot, &program, wanted)?),
            None => None,
        };
        Ok(Self { program, interpreter, argv, sysroot: sysroot.root })
    }
}

fn dynamic_linker(
    spec: &ProcessSpec,
    request: &ExecRequest,
    sysroot: &mut FoundSysroot,
    program: &Program,
    wanted: &CStr,
) -> Result<Program, ExecError> {
    let path = || request.program.clone();
    let found = sysroot
        .find_or_advise(wanted, &program.path)
        .map_err(|linker| ExecError::NoDynamicLinker { path: path(), linker })?;
    let failed = |error: LoadError| ExecError::Load {
        path: path(),
        error: LoadError::Interpreter { path: found.clone(), error: Box::new(error) },
    };
    let file = elf::open(&found).map_err(|error| failed(error.into()))?;
    request.check_writers(&file, &found)?;
    let linker = Program::from_file(file, &found).map_err(failed)?;
    linker.plan.check_extensions(&spec.exts).map_err(|error| failed(error.into()))?;
    Ok(linker)
}

impl ExecRequest {
    /// Fails if the file is open for writing and that matters.
    fn check_writers(&self, file: &File, path: &Path) -> Result<(), ExecError> {
        if self.refuses_writers && crate::host::is_open_for_writing(file.as_fd()) {
            return Err(ExecError::OpenForWriting { path: path.to_owned() });
        }
        Ok(())
    }
}

/// Where a failed search looked for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchPlaces {
    /// The directory of -L, then the host.
    Prefix(PathBuf),
    /// This directory and those above it, then the cross sysroot.
    Ancestors(PathBuf),
    /// The working directory only, since the path is relative.
    WorkingDirectory,
}

/// The sysroot: given, or found by the first lookup.
#[derive(Default)]
struct FoundSysroot {
    root: Option<PathBuf>,
    is_given: bool,
}

impl FoundSysroot {
    /// As [`find`](Self::find), with an error for the user.
    fn find_or_advise(&mut self, wanted: &CStr, by: &Path) -> Result<PathBuf, NotFound> {
        self.find(wanted, by).map_err(|places| {
            let mut other = Self::default();
            let is_elsewhere = self.is_given && other.find(wanted, by).is_ok();
            NotFound::new(wanted, places, other.root.filter(|_| is_elsewhere))
        })
    }

    /// Finds a RISC-V file of the guest; `by` is the real path of the program or script that needs it.
    ///
    /// The host's root is tried last among the directories above `by`. A file found there does not choose the sysroot.
    fn find(&mut self, wanted: &CStr, by: &Path) -> Result<PathBuf, SearchPlaces> {
        let host = PathBuf::from(OsStr::from_bytes(wanted.to_bytes()));
        if !host.is_absolute() {
            return if host.exists() { Ok(host) } else { Err(SearchPlaces::WorkingDirectory) };
        }
        let inside = |root: &Path| match lookup(root, wanted) {
            Ok(found) => Some(found),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            // Opening the file reports the error.
            Err(_) => Some(root.join(host.strip_prefix("/").unwrap_or(&host))),
        };
        let ours = |path: &PathBuf| elf::is_for_riscv(path);
        if let Some(root) = &self.root {
            // A file in the given sysroot is used even if it is not for RISC-V: opening it reports the error.
            let found = inside(root).or_else(|| Some(host).filter(ours));
            return found.ok_or_else(|| SearchPlaces::Prefix(root.clone()));
        }
        // The caller of a privileged program could have linked it below a directory with a dynamic linker of their own.
        let secure = crate::host::is_secure();
        let dir = by.parent().filter(|_| !secure).unwrap_or(Path::new("/"));
        let at =
            |root: &Path| if root == Path::new("/") { host.canonicalize().ok() } else { inside(root) }.filter(ours);
        for root in dir.ancestors().chain([Path::new(CROSS_SYSROOT)]) {
            let Some(found) = at(root) else { continue };
            // If /lib is a link to /usr/lib, the file is in /usr, too, but the root is the directory above.
            let root = root.parent().filter(|above| at(above).as_ref() == Some(&found)).unwrap_or(root);
            if root == Path::new("/") {
                return Ok(host);
            }
            self.root = Some(root.to_path_buf());
            return Ok(found);
        }
        Err(SearchPlaces::Ancestors(dir.to_path_buf()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// The file and sysroot found for a program in `usr/bin` of a root whose `/lib` is made by `make_lib`.
    fn found_with(make_lib: impl FnOnce(&Path)) -> (PathBuf, Option<PathBuf>) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = dir.path().canonicalize().expect("it exists");
        for name in ["usr/bin", "usr/lib"] {
            fs::create_dir_all(root.join(name)).expect("a folder");
        }
        let riscv = Path::new(env!("CARGO_MANIFEST_DIR")).join("testprogs/prebuilt/hello-riscv64");
        fs::copy(riscv, root.join("usr/lib/linker")).expect("a file for RISC-V");
        make_lib(&root);
        let mut sysroot = FoundSysroot::default();
        let found = sysroot.find(c"/lib/linker", &root.join("usr/bin/program")).expect("it is found");
        let below = |path: &Path| path.strip_prefix(&root).expect("in the root").to_path_buf();
        (below(&found), sysroot.root.as_deref().map(below))
    }

    #[test]
    fn a_merged_usr_is_not_the_root() {
        for target in ["usr/lib", "/usr/lib"] {
            let (found, root) = found_with(|root| symlink(target, root.join("lib")).expect("a link"));
            assert_eq!(found, Path::new("usr/lib/linker"));
            assert_eq!(root.as_deref(), Some(Path::new("")));
        }
    }

    #[test]
    fn the_nearest_directory_is_the_root_where_the_file_differs_above() {
        let (_, root) = found_with(|_| {});
        assert_eq!(root.as_deref(), Some(Path::new("usr")));
        let (found, root) = found_with(|root| {
            fs::create_dir(root.join("lib")).expect("a folder");
            fs::copy(root.join("usr/lib/linker"), root.join("lib/linker")).expect("another file");
        });
        assert_eq!((found.as_path(), root.as_deref()), (Path::new("usr/lib/linker"), Some(Path::new("usr"))));
    }
}
