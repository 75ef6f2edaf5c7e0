//! Carries a [`LoadPlan`] out: maps the segments, the stack and nothing else, as the kernel would.
//!
//! Segments are private mappings of the file, so that a large program costs what it touches. The stack
//! is mapped to its full limit at once: the guest sees it grow on its own, and no fault has to be
//! answered for it.

use super::{Auxv, ElfError, LoadPlan, OpenError, Placed, StackError, StackExec, StackImage, StackRequest, Window};
use crate::memory::{Backing, GuestAddr, MapError, MapRequest, Place, Prot, UserSpace};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::File;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The first address a program may be placed at (vm.mmap_min_addr's usual value).
const LOWEST: u64 = 0x1_0000;

/// Why a program cannot be run. The path is the caller's to add.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is no program for us.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// Arguments and environment are too large.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A segment could not be mapped.
    #[error("segment {index} at {start:#x}..{end:#x} cannot be mapped: {error}")]
    MapSegment {
        /// The program header's index.
        index: usize,
        /// Its first page.
        start: u64,
        /// The end of its last page.
        end: u64,
        /// What the host says.
        error: Errno,
    },
    /// A part of the file that must be cleared is past the file's end.
    #[error("segment {index} cannot be cleared from {start:#x} on: the file has nothing there")]
    Clear {
        /// The program header's index.
        index: usize,
        /// The first byte.
        start: u64,
    },
    /// The stack could not be mapped.
    #[error("a stack of {size} bytes below {top} cannot be mapped: {error}")]
    MapStack {
        /// Its size.
        size: u64,
        /// Its end.
        top: GuestAddr,
        /// What the host says.
        error: Errno,
    },
}

/// A program file whose headers have been read and checked.
#[derive(Debug)]
pub struct Program {
    file: File,
    /// The absolute path, for /proc/self/maps and /proc/self/exe.
    pub path: Arc<Path>,
    /// What it asks for.
    pub plan: LoadPlan,
}

impl Program {
    /// Opens a program file as execve would, and reads its headers.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let file = open(path)?;
        let plan = LoadPlan::read(&file)?;
        let path = absolute(&file, path);
        Ok(Self { file, path: path.into(), plan })
    }
}

/// Opens a regular file that may be executed.
fn open(path: &Path) -> Result<File, OpenError> {
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
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(OpenError::NotFound),
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

/// The file's absolute path: by /proc in one call, or, where that is not mounted, by name.
fn absolute(file: &File, path: &Path) -> PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .or_else(|_| std::fs::canonicalize(path))
        .unwrap_or_else(|_| path.to_path_buf())
}

/// How the process that is to be is started.
#[derive(Clone, Debug)]
pub struct Layout<'a> {
    /// The path as given, for AT_EXECFN.
    pub given_path: &'a Path,
    /// The arguments, the program's name first.
    pub argv: &'a [CString],
    /// The environment.
    pub envp: &'a [CString],
    /// The stack's size in bytes.
    pub stack_size: u64,
    /// Sixteen bytes for AT_RANDOM.
    pub random: [u8; 16],
    /// The auxiliary vector's variable part.
    pub auxv: Auxv,
}

/// A program in memory, about to execute its first instruction.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The program's own addresses.
    pub placed: Placed,
    /// The stack pointer.
    pub sp: GuestAddr,
    /// The pages of the stack.
    pub stack: Range<GuestAddr>,
    /// The argument strings.
    pub args: Range<GuestAddr>,
    /// The environment strings.
    pub env: Range<GuestAddr>,
    /// The auxiliary vector, its end included.
    pub auxv: Vec<(u64, u64)>,
}

/// Loads a program into an address space that holds nothing in its way, and sets up stack and heap.
pub fn load(space: &UserSpace, program: &Program, layout: &Layout<'_>) -> Result<Loaded, LoadError> {
    let plan = &program.plan;
    let window = Window { low: LOWEST, high: space.limit().0, dyn_base: space.dynamic_base().0 };
    let placed = plan.place(&window)?;
    map_segments(space, program, &placed)?;

    let top = space.stack_top();
    let stack = map_stack(space, plan, layout.stack_size, top)?;
    // A path comes from the command line, where a NUL cannot be.
    let path = CString::new(layout.given_path.as_os_str().as_bytes()).unwrap_or_default();
    let image = StackImage::build(&StackRequest {
        top,
        size: layout.stack_size,
        argv: layout.argv,
        envp: layout.envp,
        path: &path,
        random: layout.random,
        placed: &placed,
        phnum: plan.phnum,
        auxv: layout.auxv,
    })?;
    if space.write_bytes(image.sp, &image.bytes).is_err() {
        return Err(LoadError::MapStack { size: layout.stack_size, top, error: Errno::FAULT });
    }
    space.set_heap(placed.brk);
    Ok(Loaded { placed, sp: image.sp, stack, args: image.args, env: image.env, auxv: image.auxv })
}

fn map_segments(space: &UserSpace, program: &Program, placed: &Placed) -> Result<(), LoadError> {
    for (nth, segment) in program.plan.segments.iter().enumerate() {
        let maps = segment.map(placed.bias);
        let map = |pages: &Range<u64>, backing: Backing<'_>| {
            let start = GuestAddr(pages.start);
            // As in the kernel: the first may not replace anything, the others may replace the first's rest.
            let place = if nth == 0 { Place::Exactly(start) } else { Place::Fixed(start) };
            let request = MapRequest::anonymous(place, pages.end - pages.start, segment.prot);
            space.map(&MapRequest { backing, ..request }).map_err(|MapError(error)| LoadError::MapSegment {
                index: segment.index,
                start: pages.start,
                end: pages.end,
                error,
            })
        };
        if let Some((pages, offset)) = &maps.file {
            let fd = program.file.as_fd();
            map(pages, Backing::File { fd, offset: *offset, path: program.path.clone() })?;
        }
        if let Some(pages) = &maps.zero {
            map(pages, Backing::Anonymous(None))?;
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

fn map_stack(space: &UserSpace, plan: &LoadPlan, size: u64, top: GuestAddr) -> Result<Range<GuestAddr>, LoadError> {
    let failed = |error| LoadError::MapStack { size, top, error };
    let bottom = top.0.checked_sub(size).map(|a| GuestAddr(a).page_floor()).ok_or(failed(Errno::NOMEM))?;
    let exec = if plan.stack == StackExec::Yes { Prot::EXEC } else { Prot::empty() };
    let request = MapRequest::anonymous(Place::Exactly(bottom), top.0 - bottom.0, Prot::READ | Prot::WRITE | exec);
    space
        .map(&MapRequest { backing: Backing::Anonymous(Some("[stack]")), noreserve: true, ..request })
        .map_err(|MapError(error)| failed(error))?;
    Ok(bottom..top)
}
