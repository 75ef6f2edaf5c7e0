//! Files under /proc that would show remu instead of a guest: this one, or one of another process.
//!
//! The host kernel resolves the path with all its links and directories, and the path of the opened file decides. The
//! descriptor stays the host's; only the contents are replaced ([`Shown`]).

mod guests;
mod numa;
mod reading;
mod smaps;
mod status;

pub use guests::Guest;
pub use reading::{OpenProc, Shown};

use super::task::Task;
use crate::guest::riscv::Cpu;
use crate::guest::riscv::profiles::isa_string;
use crate::host::{self, GuestFd};
use crate::memory::{Source, Vma};
use remu_isa::ExtKind;
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The meaning of a path for the guest, if the host kernel would resolve it to something of remu's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A running program, by its host path.
    Exe {
        /// A host path that leads to the file.
        path: CString,
        /// The host path that the link shows.
        shown: CString,
    },
    /// A descriptor of remu's, which the guest must not see.
    Hidden,
}

/// A path under /proc, below the directory of a process or one of its threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'a> {
    /// The directory of the process: `/proc/12`.
    process: &'a [u8],
    /// What follows the directory of the process or the thread: `fd/3`, `maps`.
    name: &'a [u8],
    /// Whether the process is this one.
    is_own: bool,
}

impl<'a> Entry<'a> {
    fn of(path: &'a [u8]) -> Option<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().to_string();
        // procfs may be mounted anywhere.
        let mut start = 1;
        while start < path.len() {
            let (name, rest) = split(&path[start..]);
            let end = start + name.len();
            if name.iter().all(u8::is_ascii_digit) && !name.is_empty() {
                let thread = rest.strip_prefix(b"task/").map(|thread| split(thread).1);
                let is_own = name == pid.as_bytes();
                return Some(Self { process: &path[..end], name: thread.unwrap_or(rest), is_own });
            }
            start = end + 1;
        }
        None
    }

    /// The guest, if the process is another one of remu's.
    fn other_guest(&self, task: &Task) -> Option<Guest> {
        if self.is_own { None } else { Guest::of(task, Path::new(OsStr::from_bytes(self.process))) }
    }

    /// The descriptors of the process that are remu's.
    fn hidden(&self, task: &Task) -> Vec<i32> {
        match self.is_own {
            true => task.files.ours().to_vec(),
            false => self.other_guest(task).map(|guest| guest.own_fds).unwrap_or_default(),
        }
    }
}

/// The first name of a relative path, and what follows it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().position(|&b| b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (path, b""),
    }
}

/// The path of an open file, if it is on procfs.
fn proc_path(fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
    if rustix::fs::fstatfs(fd).ok()?.f_type != libc::PROC_SUPER_MAGIC {
        return None;
    }
    let link = rustix::fs::readlink(host::path_of_fd(fd.as_raw_fd()), Vec::new()).ok()?;
    Some(link.into_bytes())
}

/// The path on procfs of what `path` names, without following its last component.
fn named(task: &Task, dir: i32, path: &CStr) -> Option<Vec<u8>> {
    let dir = task.files.guest_dir(dir).ok()?;
    if path.is_empty() {
        return proc_path(dir.as_fd());
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, path, flags, Mode::empty()).ok()?;
    proc_path(file.as_fd())
}

/// The guest's meaning of a path that the host kernel would resolve to something of remu's. Only paths with a
/// suspicious last name are looked up. An empty path names an open file, and a slash at the end the target of a link.
pub fn link(task: &Task, dir: i32, path: &CStr) -> Option<Link> {
    let last = path.to_bytes().rsplit(|&b| b == b'/').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.iter().all(u8::is_ascii_digit);
    if is_number || last == b"exe" { link_at(task, dir, path) } else { None }
}

/// As [`link`], for any path. An empty one may name a link that was opened with O_PATH.
fn link_at(task: &Task, dir: i32, path: &CStr) -> Option<Link> {
    let path = named(task, dir, path)?;
    let entry = Entry::of(&path)?;
    if entry.name == b"exe" {
        if entry.is_own {
            return Some(Link::Exe { path: task.mm.path_to_exe(), shown: task.mm.shown_exe() });
        }
        let path = entry.other_guest(task)?.exe;
        return Some(Link::Exe { shown: path.clone(), path });
    }
    let (kind, number) = split(entry.name);
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    (matches!(kind, b"fd" | b"fdinfo") && entry.hidden(task).contains(&number)).then_some(Link::Hidden)
}

/// The target of a link under /proc for the guest, if it differs from the host's: the guest's program, or a file in the
/// sysroot.
pub fn target(task: &Task, dir: i32, path: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    let link = if path.is_empty() { link_at(task, dir, path) } else { link(task, dir, path) };
    match link {
        Some(Link::Exe { shown, .. }) => return Ok(Some(task.fs.guest_path(shown.as_bytes()).to_owned())),
        Some(Link::Hidden) => return Err(Errno::NOENT),
        None => {}
    }
    let is_of_process = || named(task, dir, path).is_some_and(|path| Entry::of(&path).is_some());
    if task.fs.sysroot.is_none() || !is_of_process() {
        return Ok(None);
    }
    let dir = task.files.guest_dir(dir)?;
    let host = rustix::fs::readlinkat(dir, path, Vec::new())?;
    Ok(Some(task.fs.guest_path(host.as_bytes()).to_owned()))
}

/// The descriptors to leave out of an open directory's entries.
pub fn hidden_entries(task: &Task, dir: BorrowedFd<'_>) -> Vec<i32> {
    let Some(path) = proc_path(dir) else { return Vec::new() };
    match Entry::of(&path) {
        Some(entry @ Entry { name: b"fd" | b"fdinfo", .. }) => entry.hidden(task),
        _ => Vec::new(),
    }
}

/// The files under /proc that show the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProcFile {
    Maps,
    Smaps,
    SmapsRollup,
    NumaMaps,
    Cmdline,
    Environ,
    Auxv,
    Stat,
    Statm,
    Status,
    Limits,
    Personality,
    Cpuinfo,
}

impl ProcFile {
    /// The file at a path on procfs.
    fn of(path: &[u8]) -> Option<Self> {
        let Some(entry) = Entry::of(path) else {
            return path.ends_with(b"/cpuinfo").then_some(Self::Cpuinfo);
        };
        Some(match entry.name {
            b"maps" => Self::Maps,
            b"smaps" => Self::Smaps,
            b"smaps_rollup" => Self::SmapsRollup,
            b"numa_maps" => Self::NumaMaps,
            b"cmdline" => Self::Cmdline,
            b"environ" => Self::Environ,
            b"auxv" => Self::Auxv,
            b"stat" => Self::Stat,
            b"statm" => Self::Statm,
            b"status" => Self::Status,
            b"limits" => Self::Limits,
            b"personality" => Self::Personality,
            _ => return None,
        })
    }

    /// Whether the kernel implements it as a seq file, which buffers records.
    fn is_seq_file(self) -> bool {
        !matches!(self, Self::Cmdline | Self::Environ | Self::Auxv)
    }
}

/// A record of a seq file, which the kernel formats in one piece.
#[derive(Debug)]
struct Record {
    /// Increases from record to record.
    key: u64,
    text: Vec<u8>,
}

impl Record {
    /// The single record of a file.
    fn only(text: impl Into<Vec<u8>>) -> Vec<Self> {
        vec![Self { key: 1, text: text.into() }]
    }
}

/// Registers a file that the guest has opened, if it shows a guest. Fails for a file that would show remu's memory.
pub fn opened(task: &Task, file: GuestFd) -> Result<(), Errno> {
    let Some(path) = proc_path(file.as_fd()) else { return Ok(()) };
    if Shown::new(task, file, &path).is_some() {
        return task.files.proc.add(file.as_fd());
    }
    match Entry::of(&path) {
        Some(Entry { is_own: true, name: name @ (b"mem" | b"pagemap"), .. }) if task.mm.host_offset() != 0 => {
            let name = String::from_utf8_lossy(name);
            task.system.unimplemented(format!("/proc/self/{name} where addresses are not the host's"));
            Err(Errno::ACCESS)
        }
        _ => Ok(()),
    }
}

/// The file behind a descriptor, if it shows a guest.
pub fn shown(task: &Task, fd: i32) -> Option<Shown> {
    let file = task.files.guest_fd(fd).ok()?;
    if !task.files.proc.may_be(file.as_fd()) {
        return None;
    }
    Shown::new(task, file, &proc_path(file.as_fd())?)
}

impl Shown {
    fn new(task: &Task, file: GuestFd, path: &[u8]) -> Option<Self> {
        let kind = ProcFile::of(path)?;
        let other = match Entry::of(path) {
            Some(entry) if !entry.is_own => Some(entry.other_guest(task).filter(|_| guests::shows_remu(kind))?),
            _ => None,
        };
        Some(Self { file, kind, path: path.to_owned(), other })
    }

    /// Reads another file of the same process.
    fn beside(&self, name: &str) -> Result<String, Errno> {
        let process = Entry::of(&self.path).map_or(&b"/proc/self"[..], |entry| entry.process);
        let path = Path::new(OsStr::from_bytes(process)).join(name);
        let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        read(file.as_fd())
    }
}

/// The current contents of a file.
fn contents(task: &Task, cpu: &Cpu, shown: &Shown) -> Result<Vec<Record>, Errno> {
    let Shown { kind, other, .. } = shown;
    let file = shown.file.as_fd();
    if let Some(guest) = other {
        let host = match kind {
            ProcFile::Auxv => String::new(),
            // The host's sums are over remu's own memory, too.
            ProcFile::SmapsRollup => shown.beside("smaps")?,
            _ => read(file)?,
        };
        return guests::contents(guest, *kind, &host, |name| shown.beside(name));
    }
    let (args, env) = status::strings(task);
    Ok(match kind {
        ProcFile::Maps => maps(task),
        ProcFile::Smaps => smaps::areas(task, &read(file)?),
        ProcFile::NumaMaps => numa::lines(task, &read(file)?)?,
        ProcFile::SmapsRollup => Record::only(smaps::rollup(task)?),
        ProcFile::Cmdline => Record::only(status::command_line(task, &args, &env)),
        ProcFile::Environ => Record::only(status::bytes(task, &env)),
        ProcFile::Auxv => {
            let pairs = task.mm.auxv.iter().flat_map(|(key, value)| [*key, *value]);
            Record::only(pairs.flat_map(u64::to_le_bytes).collect::<Vec<_>>())
        }
        ProcFile::Stat => Record::only(status::stat(task, &read(file)?)?),
        ProcFile::Statm => Record::only(status::statm(task)?),
        ProcFile::Status => Record::only(status::status(task, &read(file)?)?),
        ProcFile::Limits => Record::only(status::limits(&read(file)?, &task.process.limits.lock())),
        ProcFile::Personality => Record::only(format!("{:08x}\n", task.personality)),
        ProcFile::Cpuinfo => cpuinfo(task, cpu),
    })
}

/// The host's contents of a file.
fn read(file: BorrowedFd<'_>) -> Result<String, Errno> {
    let mut bytes = vec![0; 1 << 14];
    let mut len = 0;
    loop {
        match rustix::io::pread(file, &mut bytes[len..], len as u64)? {
            0 => break,
            count => len += count,
        }
        bytes.resize(len + (1 << 14), 0);
    }
    Ok(String::from_utf8_lossy(&bytes[..len]).into_owned())
}

/// A read-only memfd with these bytes.
pub fn as_file(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let fd = rustix::fs::memfd_create(c"proc", MemfdFlags::CLOEXEC)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let done = rustix::io::write(&fd, rest)?;
        rest = &rest[done..];
    }
    rustix::fs::open(host::path_of_fd(fd.as_raw_fd()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn maps(task: &Task) -> Vec<Record> {
    let line = |vma: Vma| Record { key: vma.range.end.0, text: area_line(task, &vma) };
    task.mm.vmas().into_iter().map(line).collect()
}

/// A VMA's line in `maps` and `smaps`.
fn area_line(task: &Task, vma: &Vma) -> Vec<u8> {
    let sharing = if vma.shared { 's' } else { 'p' };
    let (offset, (dev, ino), name) = match &vma.source {
        Source::Anonymous => (0, (0, 0), &b""[..]),
        Source::Named(name) => (0, (0, 0), name.as_bytes()),
        Source::File { path, offset, id } => (*offset, *id, task.fs.guest_path(path.as_os_str().as_bytes())),
    };
    let (start, end) = (vma.range.start.0, vma.range.end.0);
    let (major, minor) = (libc::major(dev), libc::minor(dev));
    let access = format!("{}{sharing}", vma.prot);
    line(start..end, &access, &format!("{offset:08x} {major:02x}:{minor:02x} {ino}"), name)
}

/// The header line of a VMA.
fn line(range: Range<u64>, access: &str, origin: &str, name: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x}-{:08x} {access} {origin} ", range.start, range.end);
    if !name.is_empty() {
        // The kernel pads to this column, then puts a space.
        line = format!("{line:<72} ");
    }
    let mut text = line.into_bytes();
    for &byte in name {
        match byte {
            b'\n' => text.extend_from_slice(b"\\012"),
            other => text.push(other),
        }
    }
    text.push(b'\n');
    text
}

/// The name of the guest's address translation scheme, by the size of its user space.
pub fn mmu(task: &Task, cpu: &Cpu) -> &'static str {
    if !cpu.is_64bit() {
        "sv32"
    } else if task.mm.limit().0 <= 1 << 38 {
        "sv39"
    } else {
        "sv48"
    }
}

fn cpuinfo(task: &Task, cpu: &Cpu) -> Vec<Record> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let isa = isa_string(if cpu.is_64bit() { 64 } else { 32 }, cpu.isa.exts);
    let mmu = mmu(task, cpu);
    let text = |n: u64| {
        format!(
            "processor\t: {n}\nhart\t\t: {n}\nisa\t\t: {isa}\nmmu\t\t: {mmu}\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\n\
             mimpid\t\t: 0x0\nhart isa\t: {isa}\n\n"
        )
    };
    (0..cpus).map(|n| Record { key: n + 1, text: text(n).into_bytes() }).collect()
}

/// Whether a program can rely on an extension: one that is only named in the tables does not count.
pub fn offered(cpu: &Cpu, name: &str) -> bool {
    cpu.isa.exts.iter().any(|e| e.name().eq_ignore_ascii_case(name) && e.kind() != ExtKind::Absent)
}
