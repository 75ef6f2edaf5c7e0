//! Executes a [`LoadPlan`]: maps the program, its interpreter and the stack, as the kernel would.
//!
//! Segments are private mappings of the file, so that a large program costs only what it touches. The stack starts as
//! small as in the kernel and grows on access. Were it mapped as a whole, limits and /proc/self/maps would count
//! memory that was never used.

use super::script::LINE_MAX;
use super::{
    Auxv, ElfError, FileSource, LoadPlan, LoadRange, OpenError, Placed, Script, Segment, StackError, StackExec,
    StackImage, StackRequest,
};
use crate::host::path_of_fd;
use crate::memory::{Backing, GuestAddr, MapError, MapRequest, PAGE_SIZE, Place, Prot, UserSpace};
use goblin::elf::header;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::File;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much the kernel maps below the initial contents of the stack (`stack_expand` of setup_arg_pages).
const STACK_EXPAND: u64 = 128 << 10;

/// Why a program cannot be run. The caller adds the path.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is not a program for this CPU.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// Arguments and environment are too large.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The program interpreter (PT_INTERP) cannot be run.
    #[error("its dynamic linker {}: {error}", path.display())]
    Interpreter {
        /// Its path on the host.
        path: PathBuf,
        /// The cause.
        error: Box<LoadError>,
    },
    /// There is no room for a position-independent file.
    #[error("{limits}cannot allocate {len} bytes of guest memory: {error}")]
    NoRoom {
        /// The limits behind it, as the beginning of a message.
        limits: String,
        /// The size from its first to its last page.
        len: u64,
        /// The error of the address space.
        error: Errno,
    },
    /// A segment could not be mapped.
    #[error("{limits}segment {index} at {start:#x}..{end:#x} cannot be mapped: {error}")]
    MapSegment {
        /// The limits behind it, as the beginning of a message.
        limits: String,
        /// The program header's index.
        index: usize,
        /// Its first page.
        start: u64,
        /// The end of its last page.
        end: u64,
        /// The error of the host.
        error: Errno,
    },
    /// A part that must be cleared is past the end of the file.
    #[error(
        "is cut off: segment {index} is to be cleared from {start:#x} on, past the end of the file; copy or download it again"
    )]
    Clear {
        /// The program header's index.
        index: usize,
        /// The first byte.
        start: u64,
    },
    /// The stack could not be mapped.
    #[error("{limits}a stack of {size} bytes below {top} cannot be mapped: {error}")]
    MapStack {
        /// The limits behind it, as the beginning of a message.
        limits: String,
        /// Its size.
        size: u64,
        /// Its end.
        top: GuestAddr,
        /// The error of the host.
        error: Errno,
    },
}

/// A program file whose headers have been read and checked.
#[derive(Debug)]
pub struct Program {
    file: File,
    /// The absolute path, for /proc/self/maps and /proc/self/exe.
    pub path: Arc<Path>,
    /// The plan to load it.
    pub plan: LoadPlan,
}

/// The kinds of files that can be executed.
#[derive(Debug)]
pub enum Executable {
    /// An ELF program.
    Program(Program),
    /// A script, and its absolute path.
    Script(Script, PathBuf),
}

impl Executable {
    /// Reads the headers or the first line of a file that is open and may be executed.
    pub fn from_file(file: File, path: &Path) -> Result<Self, LoadError> {
        let real = absolute(&file, path);
        let mut first = [0; LINE_MAX];
        let have = FileSource::read_at(&file, &mut first, 0).map_err(ElfError::Io)?;
        if let Some(script) = Script::parse(&first[..have]) {
            return Ok(Self::Script(script.map_err(ElfError::Script)?, real));
        }
        let plan = LoadPlan::read(&file)?;
        Ok(Self::Program(Program { file, path: real.into(), plan }))
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Program {
    /// Reads the headers of an open file that must be an ELF program, such as a program interpreter.
    pub fn from_file(file: File, path: &Path) -> Result<Self, LoadError> {
        let plan = LoadPlan::read(&file)?;
        let path = absolute(&file, path);
        Ok(Self { file, path: path.into(), plan })
    }
}

/// Opens a regular file that may be executed.
pub fn open(path: &Path) -> Result<File, OpenError> {
    // Without NONBLOCK, opening a named pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let stat = match &opened {
        Ok(fd) => rustix::fs::fstat(fd),
        Err(_) => rustix::fs::stat(path),
    };
    let kind = stat.map(|s| FileType::from_raw_mode(s.st_mode));
    match kind {
        Ok(FileType::RegularFile) => {}
        Ok(FileType::Directory) => return Err(OpenError::Directory),
        Ok(_) => return Err(OpenError::NotRegular),
        Err(Errno::NOENT) => return Err(OpenError::NotFound),
        Err(Errno::NOTDIR) => return Err(OpenError::BelowFile),
        Err(e) => return Err(OpenError::Other(e.into())),
    }
    match rustix::fs::accessat(CWD, path, rustix::fs::Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => {}
        Err(Errno::ACCESS) => return Err(OpenError::NotExecutable),
        Err(e) => return Err(OpenError::Other(e.into())),
    }
    match opened {
        Ok(fd) => Ok(fd.into()),
        Err(Errno::ACCESS) => Err(OpenError::NotReadable),
        Err(e) => Err(OpenError::Other(e.into())),
    }
}

/// Whether remu would run a file: an ELF file for RISC-V, or a script. True if the file cannot be opened for lack of a
/// descriptor: opening it again reports the error.
pub fn is_for_riscv(path: &Path) -> bool {
    let mut first = [0; 20];
    let read = match open(path) {
        Ok(file) => FileSource::read_at(&file, &mut first, 0).is_ok(),
        Err(error) => return matches!(error.errno(), Errno::MFILE | Errno::NFILE),
    };
    let machine = u16::from_le_bytes([first[18], first[19]]);
    read && (first.starts_with(b"#!") || first.starts_with(header::ELFMAG) && machine == header::EM_RISCV)
}

/// The segments of an ELF file; none if it is no such file for RISC-V.
pub fn segments_of(path: &Path) -> Vec<Segment> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map(File::from);
    file.ok().and_then(|file| LoadPlan::read(&file).ok()).map(|plan| plan.segments).unwrap_or_default()
}

/// The file's absolute path: from /proc in one call, or from the given name if /proc is not mounted.
fn absolute(file: &File, path: &Path) -> PathBuf {
    std::fs::read_link(path_of_fd(file.as_raw_fd()))
        .or_else(|_| std::fs::canonicalize(path))
        .unwrap_or_else(|_| path.to_path_buf())
}

/// What a new process starts with.
#[derive(Clone, Debug)]
pub struct Layout<'a> {
    /// The path as given, for AT_EXECFN.
    pub given_path: &'a Path,
    /// The arguments, the program's name first.
    pub argv: &'a [CString],
    /// The environment.
    pub envp: &'a [CString],
    /// Sixteen bytes for AT_RANDOM.
    pub random: [u8; 16],
    /// The variable part of the auxiliary vector, except for the interpreter's address.
    pub auxv: Auxv,
}

/// A program and its interpreter in memory, with an empty stack.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// The program's addresses.
    pub placed: Placed,
    /// The interpreter's addresses and its base.
    pub interpreter: Option<Placed>,
    /// The end of the stack.
    pub stack_top: GuestAddr,
    phnum: u16,
}

/// A program in memory, about to execute its first instruction.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The first instruction: the interpreter's, if there is one.
    pub entry: GuestAddr,
    /// The stack pointer.
    pub sp: GuestAddr,
    /// The argument strings.
    pub args: Range<GuestAddr>,
    /// The environment strings.
    pub env: Range<GuestAddr>,
    /// The auxiliary vector, AT_NULL included.
    pub auxv: Vec<(u64, u64)>,
}

/// Maps a stack, a program and its interpreter into an empty address space, and sets the start of the heap. The stack
/// may grow to the limit of the address space.
///
/// The vDSO, the other thing that the kernel maps before the first instruction, is mapped between this and
/// [`Mapped::enter`].
pub fn map(space: &UserSpace, program: &Program, interpreter: Option<&Program>) -> Result<Mapped, LoadError> {
    let plan = &program.plan;
    let stack = || map_stack(space, plan);
    // As in the kernel: a program with an interpreter goes to its own region. One without may be the dynamic linker
    // itself, and stays clear of what it will load.
    let alone = plan.relocatable && interpreter.is_none();
    let (placed, stack_top) = if alone {
        // The stack is placed first, so that mappings without a fixed address avoid it.
        let stack = stack()?;
        (map_program(space, program, free_range(space, plan)?)?, stack)
    } else {
        // Unlike a segment, the stack never replaces a mapping: one in its place is an error.
        (map_program(space, program, space.dynamic_base().0)?, stack()?)
    };
    space.set_heap(if alone { space.dynamic_base() } else { placed.brk }, plan.data_len());
    let interpreter = interpreter.map(|file| {
        let base = if file.plan.relocatable { free_range(space, &file.plan) } else { Ok(0) };
        let failed = |error| LoadError::Interpreter { path: file.path.to_path_buf(), error: Box::new(error) };
        base.and_then(|base| map_program(space, file, base)).map_err(failed)
    });
    Ok(Mapped { placed, interpreter: interpreter.transpose()?, stack_top, phnum: plan.phnum })
}

impl Mapped {
    /// Fills the stack, the last step before the first instruction.
    pub fn enter(&self, space: &UserSpace, layout: &Layout<'_>) -> Result<Loaded, LoadError> {
        let (top, size) = (self.stack_top, space.limits().stack);
        // A path from the command line cannot contain a NUL.
        let path = CString::new(layout.given_path.as_os_str().as_bytes()).unwrap_or_default();
        let interpreter_base = GuestAddr(self.interpreter.map_or(0, |i| i.bias));
        let image = StackImage::build(&StackRequest {
            top,
            size,
            argv: layout.argv,
            envp: layout.envp,
            path: &path,
            random: layout.random,
            shift: space.stack_shift(),
            placed: &self.placed,
            phnum: self.phnum,
            auxv: Auxv { interpreter_base, ..layout.auxv },
        })?;
        // The kernel maps this much below the strings, or less if the limit is near.
        let below = image.args.start.page_floor().0.saturating_sub(STACK_EXPAND);
        space.grow_stack(GuestAddr(below.max(top.0.saturating_sub(size))));
        if space.write_bytes(image.sp, &image.bytes).is_err() {
            let error = Errno::NOMEM;
            return Err(LoadError::MapStack { limits: space.limits().behind(error), size, top, error });
        }
        let entry = self.interpreter.map_or(self.placed.entry, |i| i.entry);
        Ok(Loaded { entry, sp: image.sp, args: image.args, env: image.env, auxv: image.auxv })
    }
}

/// A free range in the mmap area for a file, at its alignment.
fn free_range(space: &UserSpace, plan: &LoadPlan) -> Result<u64, LoadError> {
    let span = plan.span();
    let len = (span.end - span.start).saturating_add(plan.align - PAGE_SIZE);
    let no_room = |MapError(error)| LoadError::NoRoom { limits: space.limits().behind(error), len, error };
    let anywhere = MapRequest::anonymous(Place::Anywhere { hint: None }, len, Prot::empty());
    let start = space.map(&MapRequest { noreserve: true, ..anywhere }).map_err(no_room)?;
    space.unmap(start, len).map_err(no_room)?;
    Ok(start.0.next_multiple_of(plan.align))
}

/// Maps a file's segments, from `base` on if the file is position-independent.
fn map_program(space: &UserSpace, program: &Program, base: u64) -> Result<Placed, LoadError> {
    let placed = program.plan.place(&LoadRange { low: space.lowest().0, high: space.limit().0, dyn_base: base })?;
    map_segments(space, program, &placed)?;
    Ok(placed)
}

fn map_segments(space: &UserSpace, program: &Program, placed: &Placed) -> Result<(), LoadError> {
    for (nth, segment) in program.plan.segments.iter().enumerate() {
        let maps = segment.map(placed.bias);
        let map = |pages: &Range<u64>, prot: Prot, backing: Backing<'_>| {
            let start = GuestAddr(pages.start);
            // As in the kernel: the first segment may not replace anything, the others may replace the rest of the
            // first.
            let place = if nth == 0 { Place::Exactly(start) } else { Place::Fixed(start) };
            let request = MapRequest::anonymous(place, pages.end - pages.start, prot);
            space.map(&MapRequest { backing, ..request }).map_err(|MapError(error)| LoadError::MapSegment {
                limits: space.limits().behind(error),
                index: segment.index,
                start: pages.start,
                end: pages.end,
                error,
            })
        };
        if let Some((pages, offset)) = &maps.file {
            let fd = program.file.as_fd();
            map(pages, segment.prot, Backing::File { fd, offset: *offset, path: program.path.clone() })?;
        }
        if let Some(pages) = &maps.zero {
            let prot = Prot::READ | Prot::WRITE | segment.prot & Prot::EXEC;
            map(pages, prot, Backing::Anonymous(None))?;
        }
        let clear = &maps.clear;
        if !clear.is_empty() && segment.prot.contains(Prot::WRITE) {
            space
                .fill_zero(GuestAddr(clear.start), clear.end - clear.start)
                .map_err(|_| LoadError::Clear { index: segment.index, start: clear.start })?;
        }
    }
    Ok(())
}

/// Maps the last page of the stack, which grows from there.
fn map_stack(space: &UserSpace, plan: &LoadPlan) -> Result<GuestAddr, LoadError> {
    let top = space.stack_top();
    let exec = if plan.stack == StackExec::Yes { Prot::EXEC } else { Prot::empty() };
    let place = Place::Exactly(GuestAddr(top.0 - PAGE_SIZE));
    let request = MapRequest::anonymous(place, PAGE_SIZE, Prot::READ | Prot::WRITE | exec);
    let backing = Backing::Anonymous(Some("[stack]"));
    space.map(&MapRequest { backing, grows_down: true, ..request }).map_err(|MapError(error)| LoadError::MapStack {
        limits: space.limits().behind(error),
        size: space.limits().stack,
        top,
        error,
    })?;
    Ok(top)
}
