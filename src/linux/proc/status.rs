//! /proc/self/stat, statm, status and limits: the host's files, with the guest's values for memory, signals and limits.

use super::smaps::{Resident, resident};
use crate::elf::at;
use crate::host::ShownProgram;
use crate::linux::abi::signal::SIG_IGN;
use crate::linux::limits::Limits;
use crate::linux::signal::bit;
use crate::linux::task::Task;
use crate::memory::{GuestAddr, PAGE_SIZE, Prot, Source, Vma};
use goblin::elf64::program_header::{PF_X, PT_LOAD, PT_PHDR};
use rustix::io::Errno;
use std::ops::Range;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// An entry of the auxiliary vector.
fn auxv(task: &Task, key: u64) -> u64 {
    task.mm.auxv(key).unwrap_or(0)
}

/// The address ranges of the argument strings and of the environment strings. A program may overwrite them to change
/// what `ps` shows.
pub(super) fn strings(task: &Task) -> (Range<u64>, Range<u64>) {
    let size = |list: &[std::ffi::CString]| list.iter().map(|s| s.count_bytes() as u64 + 1).sum::<u64>();
    let end = auxv(task, at::EXECFN);
    let env = end.saturating_sub(size(&task.mm.env));
    let args = env.saturating_sub(size(&task.mm.args));
    (args..env, env..end)
}

/// The guest memory at a range; empty if it cannot be read in full.
pub(super) fn bytes(task: &Task, range: &Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    let read = task.mm.read_bytes(GuestAddr(range.start), &mut bytes);
    if read.is_ok() { bytes } else { Vec::new() }
}

/// The command line: the arguments, or one string that may extend into the environment if the program has overwritten
/// the last zero.
pub(super) fn command_line(task: &Task, args: &Range<u64>, env: &Range<u64>) -> Vec<u8> {
    let text = bytes(task, args);
    if text.last().is_none_or(|&last| last == 0) {
        return text;
    }
    let text = bytes(task, &(args.start..env.end));
    let len = text.iter().position(|&b| b == 0).map_or(text.len(), |end| end + 1);
    text[..len].to_vec()
}

/// `Elf64_Phdr`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Phdr {
    kind: u32,
    flags: u32,
    offset: u64,
    vaddr: u64,
    paddr: u64,
    filesz: u64,
    memsz: u64,
    align: u64,
}

/// The address ranges of the program's code and data.
fn code_and_data(task: &Task) -> (Range<u64>, Range<u64>) {
    let phdr = auxv(task, at::PHDR);
    let size = size_of::<Phdr>() as u64;
    let headers = (0..auxv(task, at::PHNUM)).map_while(|i| task.mm.read(GuestAddr(phdr.wrapping_add(i * size))).ok());
    let headers: Vec<Phdr> = headers.collect();
    // Without a PT_PHDR, the headers follow the ELF header.
    let loads = || headers.iter().filter(|h| h.kind == PT_LOAD);
    let own = headers.iter().find(|h| h.kind == PT_PHDR).map(|h| h.vaddr);
    let linked = own.or_else(|| loads().find(|h| h.offset == 0).map(|h| h.vaddr + 64)).unwrap_or(phdr);
    let moved = |addr: u64| addr.wrapping_add(phdr).wrapping_sub(linked);
    let code = || loads().filter(|h| h.flags & PF_X != 0);
    let ends = |h: &Phdr| h.vaddr + h.filesz;
    let range = |start: Option<u64>, end: Option<u64>| moved(start.unwrap_or(linked))..moved(end.unwrap_or(linked));
    (
        range(code().map(|h| h.vaddr).min(), code().map(ends).max()),
        range(loads().map(|h| h.vaddr).max(), loads().map(ends).max()),
    )
}

/// The start of the heap.
pub(super) fn start_of_heap(task: &Task) -> u64 {
    let heap = task.mm.vmas().into_iter().find(|v| matches!(&v.source, Source::Named(name) if *name == "[heap]"));
    heap.map_or_else(|| task.mm.brk(GuestAddr(0)).0, |v| v.range.start.0)
}

/// Where the host finds what it shows of the program.
pub(super) fn shown_program(task: &Task) -> ShownProgram {
    let (code, data) = code_and_data(task);
    let (args, env) = strings(task);
    ShownProgram { code, data, start_stack: task.mm.start_stack.0, args, env }
}

/// Whether only x86 has a line of `status`.
pub(super) fn is_of_x86(key: &str) -> bool {
    key == "untag_mask" || key.starts_with("x86_")
}

/// Mapped bytes by the kernel's categories.
struct Mapped {
    all: u64,
    data: u64,
    stack: u64,
    /// The program's own code.
    text: u64,
    /// All other code.
    lib: u64,
}

fn mapped(task: &Task) -> Mapped {
    let vmas = task.mm.vmas();
    let is_stack = |v: &Vma| v.grows_down || matches!(&v.source, Source::Named(name) if *name == "[stack]");
    let sum = |which: &dyn Fn(&Vma) -> bool| vmas.iter().filter(|v| which(v)).map(Vma::len).sum::<u64>();
    let code = code_and_data(task).0;
    let text = code.end.next_multiple_of(PAGE_SIZE) - code.start / PAGE_SIZE * PAGE_SIZE;
    let exec = sum(&|v| v.prot.contains(Prot::EXEC) && !v.prot.contains(Prot::WRITE) && !is_stack(v));
    Mapped {
        all: task.mm.mapped_bytes(),
        data: sum(&|v| v.prot.contains(Prot::WRITE) && !v.shared && !is_stack(v)),
        stack: sum(&is_stack),
        text: text.min(exec),
        lib: exec - text.min(exec),
    }
}

/// The sets of ignored and of caught signals.
fn dispositions(task: &Task) -> (u64, u64) {
    let actions = task.sighand.actions();
    let set = |which: &dyn Fn(u64) -> bool| {
        (1..=64).filter(|n| which(actions[*n as usize - 1].handler)).fold(0, |set, n| set | bit(n))
    };
    (set(&|handler| handler == SIG_IGN), set(&|handler| handler > SIG_IGN))
}

/// /proc/self/stat.
pub(super) fn stat(task: &Task, host: &str) -> Result<Vec<u8>, Errno> {
    // The name may contain anything. It ends at the last parenthesis.
    let Some((name, rest)) = host.trim_end().rsplit_once(") ") else { return Ok(host.into()) };
    let mut fields: Vec<String> = rest.split(' ').map(str::to_owned).collect();
    let (code, data) = code_and_data(task);
    let (args, env) = strings(task);
    let heap = start_of_heap(task);
    let (ignored, caught) = dispositions(task);
    // These masks leave out real-time signals.
    let low = |set: u64| set & 0x7fff_ffff;
    let pending = low(task.pending_set() | crate::host::pending_signals());
    // The host knows the masks of the other threads.
    let is_caller = name.split(' ').next() == Some(task.tid().to_string().as_str());
    let values = [
        // Field numbers as in proc(5), where the state is the third.
        (23, mapped(task).all),
        (24, resident(task)?.all * 1024 / PAGE_SIZE),
        (26, code.start),
        (27, code.end),
        (28, task.mm.start_stack.0),
        (33, low(ignored)),
        (34, low(caught)),
        (45, data.start),
        (46, data.end),
        (47, heap),
        (48, args.start),
        (49, args.end),
        (50, env.start),
        (51, env.end),
    ];
    let of_thread = [(31, pending), (32, low(task.blocked))].into_iter().filter(|_| is_caller);
    for (number, value) in values.into_iter().chain(of_thread) {
        if let Some(field) = fields.get_mut(number - 3) {
            *field = value.to_string();
        }
    }
    Ok(format!("{name}) {}\n", fields.join(" ")).into_bytes())
}

/// /proc/self/statm.
pub(super) fn statm(task: &Task) -> Result<Vec<u8>, Errno> {
    let (map, now) = (mapped(task), resident(task)?);
    let pages = |bytes: u64| bytes / PAGE_SIZE;
    let kilobytes = |kb: u64| kb * 1024 / PAGE_SIZE;
    let shared = kilobytes(now.all - now.anon.min(now.all));
    let (all, rss, text, data) = (pages(map.all), kilobytes(now.all), pages(map.text), pages(map.data + map.stack));
    Ok(format!("{all} {rss} {shared} {text} 0 {data} 0\n").into_bytes())
}

/// /proc/self/status.
pub(super) fn status(task: &Task, host: &str) -> Result<Vec<u8>, Errno> {
    let map = mapped(task);
    let Resident { all, anon, shmem, swap, locked } = resident(task)?;
    let (ignored, caught) = dispositions(task);
    // The host knows the masks of the other threads.
    let tid = host.lines().find_map(|line| line.strip_prefix("Pid:\t")?.parse().ok());
    let is_caller = tid == Some(task.tid());
    let filters = task.process.filters_of(tid.unwrap_or_else(|| task.tid()));
    let mut text = String::new();
    for line in host.lines() {
        let key = line.split(':').next().unwrap_or_default();
        let size = match key {
            // The peak is not tracked: report the current size.
            "VmPeak" | "VmSize" => Some(map.all / 1024),
            "VmHWM" | "VmRSS" => Some(all),
            "VmLck" => Some(locked),
            "RssAnon" => Some(anon),
            "RssFile" => Some(all.saturating_sub(anon + shmem)),
            "RssShmem" => Some(shmem),
            "VmData" => Some(map.data / 1024),
            "VmStk" => Some(map.stack / 1024),
            "VmExe" => Some(map.text / 1024),
            "VmLib" => Some(map.lib / 1024),
            "VmSwap" => Some(swap),
            _ => None,
        };
        let set = match key {
            "SigBlk" if is_caller => Some(task.blocked),
            "SigIgn" => Some(ignored),
            "SigCgt" => Some(caught),
            "ShdPnd" => {
                let host = line.rsplit('\t').next().and_then(|set| u64::from_str_radix(set, 16).ok());
                Some(task.pending_set() | host.unwrap_or(0))
            }
            _ => None,
        };
        if is_of_x86(key) {
            continue;
        }
        match (size, set) {
            (Some(kb), _) => text.push_str(&format!("{key}:\t{kb:>8} kB")),
            (_, Some(set)) => text.push_str(&format!("{key}:\t{set:016x}")),
            _ => text.push_str(&with_filters(line, filters)),
        }
        text.push('\n');
    }
    Ok(text.into_bytes())
}

/// A line of `status` with the guest's filters of calls: the mode and their number. Those that remu was started with,
/// which the host knows, apply to the guest, too.
pub(super) fn with_filters(line: &str, (mode, count): (u32, usize)) -> String {
    let host = |value: &str| value.trim().parse::<usize>().unwrap_or(0);
    match line.split_once(':') {
        Some((key @ "Seccomp", value)) => format!("{key}:\t{}", host(value).max(mode as usize)),
        Some((key @ "Seccomp_filters", value)) => format!("{key}:\t{}", host(value) + count),
        _ => line.to_owned(),
    }
}

/// /proc/PID/limits of a guest with these limits; `host` is the host's file.
pub(super) fn limits(host: &str, own: &Limits) -> Vec<u8> {
    let mut text = String::new();
    for line in host.lines() {
        let resource = match line.get(..26).map(str::trim_end) {
            Some("Max address space") => libc::RLIMIT_AS,
            Some("Max data size") => libc::RLIMIT_DATA,
            Some("Max stack size") => libc::RLIMIT_STACK,
            _ => u32::MAX,
        };
        match own.get(resource) {
            Some(limit) => {
                let number = |n: u64| if n == u64::MAX { "unlimited".to_owned() } else { n.to_string() };
                let name = &line[..26];
                text.push_str(&format!("{name}{:<20} {:<20} {:<10}\n", number(limit.cur), number(limit.max), "bytes"));
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text.into_bytes()
}
