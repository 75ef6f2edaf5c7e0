//! Files that name emitted code for perf: `-perfmap` and `-jitdump`.
//!
//! A perf map is a text that names the code there is; when code is discarded it is written anew. A jitdump is a log of
//! all code with times, which `perf inject --jit` reads. A child process gets files of its own, which begin with the code
//! that it has inherited.

use super::trace::Names;
use crate::guest::{CodeListener, HostCode};
use crate::host::fd::duplicate_high;
use crate::host::{Lock, LockRef, ProfilerMapping, Rank, map_for_profiler};
use rustix::fs::{Mode, OFlags, ftruncate};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeMapFormat {
    /// `/tmp/perf-PID.map`.
    PerfMap,
    /// `jit-PID.dump` in the current directory.
    JitDump,
}

/// Writes what the engines of a process emit into one or more files.
pub struct CodeMap(Lock<State>);

struct State {
    outputs: Vec<Output>,
    names: Option<Box<dyn Names + Send>>,
    /// The code there is: first the stubs, then the blocks.
    live: Vec<Code>,
    /// The number of stubs.
    stubs: usize,
    /// The number of codes written so far.
    written: u64,
    /// The process whose files they are.
    pid: u32,
}

struct Output {
    format: CodeMapFormat,
    file: OwnedFd,
    _mark: Option<ProfilerMapping>,
}

/// Some code and its name.
struct Code {
    address: u64,
    bytes: Box<[u8]>,
    name: String,
}

/// jitdump's magic number, the version, the machine of the code, and the number of the one kind of record.
const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const EM_X86_64: u32 = 62;
const CODE_LOAD: u32 = 0;
/// The sizes of its header, and of a record without name and code.
const HEADER: u32 = 40;
const RECORD: u32 = 56;

impl CodeMapFormat {
    /// The path of the calling process's file.
    pub fn path(self) -> PathBuf {
        let pid = std::process::id();
        match self {
            Self::PerfMap => format!("/tmp/perf-{pid}.map").into(),
            Self::JitDump => format!("jit-{pid}.dump").into(),
        }
    }
}

impl Output {
    /// Creates the calling process's file.
    fn create(format: CodeMapFormat) -> io::Result<Self> {
        // Names in /tmp can be guessed, so links are not followed.
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let opened = rustix::fs::open(format.path(), flags, Mode::RUSR | Mode::WUSR)?;
        let file = duplicate_high(opened)?;
        let mut output = Self { format, file, _mark: None };
        output.begin()?;
        Ok(output)
    }

    /// Writes what the file begins with.
    fn begin(&mut self) -> io::Result<()> {
        if self.format == CodeMapFormat::PerfMap {
            return Ok(());
        }
        let words = [MAGIC, VERSION, HEADER, EM_X86_64, 0, std::process::id()];
        let mut header: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        header.extend([now(), 0].into_iter().flat_map(u64::to_le_bytes));
        write_all(&self.file, &header)?;
        self._mark = Some(map_for_profiler(&self.file)?);
        Ok(())
    }

    /// Continues in the file of the calling process, under the same descriptor.
    fn continue_in_child(&mut self) -> io::Result<()> {
        let Self { file, _mark, .. } = Self::create(self.format)?;
        rustix::io::dup3(&file, &mut self.file, rustix::io::DupFlags::CLOEXEC)?;
        self._mark = _mark;
        Ok(())
    }

    fn put(&mut self, code: &Code, index: u64) {
        let Code { address, bytes, name } = code;
        let size = bytes.len();
        // A full disk must not disturb the program.
        let _ = match self.format {
            CodeMapFormat::PerfMap => write_all(&self.file, format!("{address:x} {size:x} {name}\n").as_bytes()),
            CodeMapFormat::JitDump => write_all(&self.file, &record(code, index)),
        };
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The record of a jitdump for some code.
fn record(code: &Code, index: u64) -> Vec<u8> {
    let Code { address, bytes, name } = code;
    let total = RECORD as usize + name.len() + 1 + bytes.len();
    let mut record = Vec::with_capacity(total);
    record.extend([CODE_LOAD, total as u32].into_iter().flat_map(u32::to_le_bytes));
    record.extend(now().to_le_bytes());
    let thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    record.extend([std::process::id(), thread].into_iter().flat_map(u32::to_le_bytes));
    record.extend([*address, *address, bytes.len() as u64, index].into_iter().flat_map(u64::to_le_bytes));
    record.extend(name.bytes().chain([0]));
    record.extend(bytes.iter());
    record
}

/// The time that `perf record -k mono` gives its samples.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl CodeMap {
    /// Creates the files of the calling process.
    ///
    /// # Errors
    /// Which file cannot be created, and why.
    pub fn create(formats: &[CodeMapFormat]) -> Result<Self, (PathBuf, io::Error)> {
        let create = |&format: &CodeMapFormat| Output::create(format).map_err(|error| (format.path(), error));
        let outputs = formats.iter().map(create).collect::<Result<_, _>>()?;
        let pid = std::process::id();
        let state = State { outputs, names: None, live: Vec::new(), stubs: 0, written: 0, pid };
        Ok(Self(Lock::new(Rank::CodeMap, state)))
    }

    /// The files' descriptors.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.0.lock().outputs.iter().map(|output| output.file.as_raw_fd()).collect()
    }

    /// Begins with a code cache that is still empty: forgets the code of the previous one, if any. Code is named by `names`
    /// from now on.
    pub fn begin(&self, names: impl Names + Send + 'static) {
        let mut state = self.0.lock();
        state.names = Some(Box::new(names));
        state.stubs = 0;
        state.keep_stubs();
    }

    /// Called in the child of a fork. A child with the same descriptors as its parent leaves the files to the parent, and
    /// one that cannot create files has none.
    pub fn after_fork(&self, shares_descriptors: bool) {
        let mut state = self.0.lock();
        state.pid = std::process::id();
        if shares_descriptors {
            std::mem::take(&mut state.outputs).into_iter().for_each(std::mem::forget);
            return;
        }
        state.outputs.retain_mut(|output| output.continue_in_child().is_ok());
        state.put_all();
    }

    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.0.erased()
    }
}

impl State {
    fn put(&mut self, code: Code) {
        self.outputs.iter_mut().for_each(|output| output.put(&code, self.written));
        self.written += 1;
        self.live.push(code);
    }

    /// Writes all code anew.
    fn put_all(&mut self) {
        for code in &self.live {
            self.outputs.iter_mut().for_each(|output| output.put(code, self.written));
            self.written += 1;
        }
    }

    /// Forgets all code but the stubs.
    fn keep_stubs(&mut self) {
        self.live.truncate(self.stubs);
        if self.pid != std::process::id() {
            // The files are still those of the parent.
            return;
        }
        let Self { outputs, live, written, .. } = self;
        for output in outputs.iter_mut().filter(|output| output.format == CodeMapFormat::PerfMap) {
            let _ = ftruncate(&output.file, 0);
            live.iter().for_each(|code| output.put(code, *written));
        }
    }

    /// The name of a block: its function with an offset, or its address.
    fn name(&mut self, pc: u64) -> String {
        let location = self.names.as_mut().and_then(|names| names.location(pc));
        location.map_or_else(|| format!("guest {pc:#x}"), |location| location.to_string())
    }
}

impl CodeListener for CodeMap {
    fn stubs(&self, address: u64, bytes: &[u8]) {
        let mut state = self.0.lock();
        state.put(Code { address, bytes: bytes.into(), name: "remu enters and leaves code".to_owned() });
        state.stubs += 1;
    }

    fn emitted(&self, code: &HostCode<'_>) {
        let mut state = self.0.lock();
        let name = state.name(code.pc);
        state.put(Code { address: code.address, bytes: code.bytes.into(), name });
    }

    fn emptied(&self) {
        self.0.lock().keep_stubs();
    }
}
