//! The files under /proc that would show remu instead of the guest.
//!
//! A file that shows the guest is written out when it is opened, into a file of memory: it is as old
//! as its opening, where the kernel's is as old as each read.

use super::task::Task;
use crate::guest::riscv::Cpu;
use crate::memory::Source;
use remu_isa::ExtKind;
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// What follows /proc/self/ (or the same by number, or for the thread) in a path that is about this
/// process.
pub fn own_entry(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/proc/")?;
    let slash = rest.iter().position(|&b| b == b'/')?;
    let (who, entry) = (&rest[..slash], &rest[slash + 1..]);
    let own = match who {
        b"self" | b"thread-self" => true,
        number => std::str::from_utf8(number)
            .ok()
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: i32| n == rustix::process::getpid().as_raw_nonzero().get()),
    };
    own.then_some(entry)
}

/// The contents of a file under /proc as the guest has to see it; `None` for those that are the host's.
pub fn contents(task: &Task, cpu: &Cpu, path: &[u8]) -> Option<Vec<u8>> {
    if path == b"/proc/cpuinfo" {
        return Some(cpuinfo(task, cpu).into_bytes());
    }
    match own_entry(path)? {
        b"maps" => Some(maps(task)),
        b"cmdline" => Some(joined(&task.process.args)),
        b"environ" => Some(joined(&task.process.env)),
        b"auxv" => {
            let pairs = task.process.auxv.iter().flat_map(|(key, value)| [*key, *value]);
            Some(pairs.flat_map(u64::to_le_bytes).collect())
        }
        _ => None,
    }
}

/// A file that holds `bytes`, to be read from its start.
pub fn as_file(bytes: &[u8], close_on_exec: bool) -> Result<OwnedFd, Errno> {
    let flags = if close_on_exec { MemfdFlags::CLOEXEC } else { MemfdFlags::empty() };
    let fd = rustix::fs::memfd_create(c"proc", flags)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let done = rustix::io::write(&fd, rest)?;
        rest = &rest[done..];
    }
    rustix::fs::seek(&fd, rustix::fs::SeekFrom::Start(0))?;
    Ok(fd)
}

fn joined(strings: &[std::ffi::CString]) -> Vec<u8> {
    strings.iter().flat_map(|s| s.as_bytes_with_nul()).copied().collect()
}

fn maps(task: &Task) -> Vec<u8> {
    let mut text = Vec::new();
    for vma in task.mm.vmas() {
        let sharing = if vma.shared { 's' } else { 'p' };
        let (offset, (dev, ino), name) = match &vma.source {
            Source::Anonymous => (0, (0, 0), &b""[..]),
            Source::Named(name) => (0, (0, 0), name.as_bytes()),
            Source::File { path, offset, id } => (*offset, *id, path.as_os_str().as_bytes()),
        };
        let (start, end) = (vma.range.start.0, vma.range.end.0);
        let (major, minor) = (libc::major(dev), libc::minor(dev));
        let mut line =
            format!("{start:08x}-{end:08x} {}{sharing} {offset:08x} {major:02x}:{minor:02x} {ino}", vma.prot);
        if !name.is_empty() {
            // The kernel pads to this column, then puts a space.
            line = format!("{line:<72} ");
        }
        text.extend_from_slice(line.as_bytes());
        text.extend_from_slice(name);
        text.push(b'\n');
    }
    text
}

/// The ISA string: base and single letters, then the longer names in the specification's order.
pub fn isa_string(cpu: &Cpu) -> String {
    let mut text = String::from(if cpu.is_64bit() { "rv64" } else { "rv32" });
    for ext in cpu.isa.exts.iter() {
        let name = ext.name().to_ascii_lowercase();
        if name.len() > 1 {
            text.push('_');
        } else if name == "b" || name == "s" || name == "u" {
            // B is spelt out by its parts; the privilege modes are no part of the string.
            continue;
        }
        text.push_str(&name);
    }
    text
}

/// The name of the guest's address translation scheme, as its user space shows.
pub fn mmu(task: &Task, cpu: &Cpu) -> &'static str {
    if !cpu.is_64bit() {
        "sv32"
    } else if task.mm.limit().0 <= 1 << 38 {
        "sv39"
    } else {
        "sv48"
    }
}

fn cpuinfo(task: &Task, cpu: &Cpu) -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let isa = isa_string(cpu);
    let mut text = String::new();
    for n in 0..cpus {
        let _ = write!(
            text,
            "processor\t: {n}\nhart\t\t: {n}\nisa\t\t: {isa}\nmmu\t\t: {}\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\n\
             mimpid\t\t: 0x0\nhart isa\t: {isa}\n\n",
            mmu(task, cpu)
        );
    }
    text
}

/// Whether an extension has instructions or promises that a program can rely on; what is only named
/// does not count.
pub fn offered(cpu: &Cpu, name: &str) -> bool {
    cpu.isa.exts.iter().any(|e| e.name().eq_ignore_ascii_case(name) && e.kind() != ExtKind::Absent)
}
