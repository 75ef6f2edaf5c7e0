//! /proc/self/smaps and smaps_rollup: the memory use of each VMA, from the host's file.
//!
//! The host kernel counts pages per VMA of its own, and these may be split differently. A host VMA that covers several
//! of the guest's counts for the one with the largest share.

use super::{Record, area_line, line};
use crate::host;
use crate::linux::process::MemoryOf;
use crate::linux::task::Task;
use crate::memory::{PAGE_SIZE, Prot, Source, Vma};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

const SMAPS: &CStr = c"/proc/thread-self/smaps";

/// The counters of a VMA, by name and in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// In kB (`smaps`, except `THPeligible`) or in pages (`numa_maps`).
    pub fields: Vec<(String, u64)>,
    /// Words: flags, or the memory policy.
    pub flags: Vec<String>,
}

/// A VMA of the host's.
pub(super) type HostArea = (Range<u64>, Counts);

impl Counts {
    /// The counters in lines of `smaps`.
    pub(super) fn of_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        lines.for_each(|line| counts.parse(line));
        counts
    }

    /// Takes a line `key: value`.
    fn parse(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let Some(key) = words.next().and_then(|first| first.strip_suffix(':')) else { return };
        if key == "VmFlags" {
            self.flags = words.map(str::to_owned).collect();
        } else if let Some(value) = words.next().and_then(|word| word.parse().ok()) {
            self.fields.push((key.to_owned(), value));
        }
    }

    pub(super) fn get(&self, key: &str) -> u64 {
        self.fields.iter().find(|(name, _)| name == key).map_or(0, |(_, value)| *value)
    }

    fn add(&mut self, other: &Counts) {
        for (key, value) in &other.fields {
            match self.fields.iter_mut().find(|(name, _)| name == key) {
                Some((_, sum)) if matches!(key.as_str(), "THPeligible" | "mapmax") => *sum = (*sum).max(*value),
                Some((_, sum)) => *sum += value,
                None => self.fields.push((key.clone(), *value)),
            }
        }
        for flag in &other.flags {
            if !self.flags.contains(flag) {
                self.flags.push(flag.clone());
            }
        }
    }
}

/// The host's VMAs from `smaps`, or from `maps`, which has no counters.
pub(super) fn host_areas(smaps: &str) -> Vec<HostArea> {
    let mut areas: Vec<HostArea> = Vec::new();
    for line in smaps.lines() {
        let Some(first) = line.split_ascii_whitespace().next() else { continue };
        if first.ends_with(':') {
            areas.iter_mut().next_back().into_iter().for_each(|(_, counts)| counts.parse(line));
        } else if let Some((start, end)) = first.split_once('-') {
            let number = |text| u64::from_str_radix(text, 16).unwrap_or(0);
            areas.push((number(start)..number(end), Counts::default()));
        }
    }
    areas
}

/// The host's contents of a file, which needs no free descriptor.
pub(super) fn host_file(task: &Task, path: &CStr) -> Result<String, Errno> {
    let read = || {
        let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        super::read(file.as_fd())
    };
    match read() {
        // A vfork child cannot make a thread in its parent's memory.
        Err(Errno::MFILE) if task.process.memory == MemoryOf::Itself => host::with_own_descriptors(read)?,
        result => result,
    }
}

/// The guest's VMAs with the host's counters.
pub(super) fn counted(task: &Task, host: Vec<HostArea>) -> Vec<(Vma, Counts)> {
    let offset = task.mm.host_offset();
    let mut areas: Vec<_> = task.mm.vmas().into_iter().map(|vma| (vma, Counts::default())).collect();
    for (host, counts) in host {
        let (Some(start), Some(end)) = (host.start.checked_sub(offset), host.end.checked_sub(offset)) else { continue };
        let common = |vma: &Vma| vma.range.end.0.min(end).saturating_sub(vma.range.start.0.max(start));
        let most = areas.iter_mut().max_by_key(|(vma, _)| common(vma));
        if let Some((_, sum)) = most.filter(|(vma, _)| common(vma) > 0) {
            sum.add(&counts);
        }
    }
    areas
}

/// Flags that follow from the guest's VMA.
const OF_THE_AREA: &[&str] = &["rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "nr"];

fn flags(vma: &Vma, counts: &Counts) -> String {
    let has = |wanted, name| if vma.prot.contains(wanted) { name } else { "" };
    let shared = |name| if vma.shared { name } else { "" };
    let own = [
        has(Prot::READ, "rd"),
        has(Prot::WRITE, "wr"),
        has(Prot::EXEC, "ex"),
        shared("sh"),
        "mr",
        "mw",
        "me",
        shared("ms"),
        if vma.grows_down { "gd" } else { "" },
        if vma.noreserve { "nr" } else { "" },
    ];
    let of_the_host = counts.flags.iter().map(String::as_str).filter(|flag| !OF_THE_AREA.contains(flag));
    own.into_iter().filter(|flag| !flag.is_empty()).chain(of_the_host).fold(String::new(), |all, flag| all + flag + " ")
}

/// A counter's line.
fn number(key: &str, value: u64) -> String {
    let unit = if key == "THPeligible" { "" } else { " kB" };
    format!("{:<16}{value:>8}{unit}\n", format!("{key}:"))
}

/// The records of `smaps`.
pub(super) fn areas(task: &Task, smaps: &str) -> Vec<Record> {
    let record = |(vma, counts): (Vma, Counts)| {
        let mut text = area_line(task, &vma);
        for (key, value) in &counts.fields {
            let value = match key.as_str() {
                "Size" => vma.len() / 1024,
                "KernelPageSize" | "MMUPageSize" => PAGE_SIZE / 1024,
                _ => *value,
            };
            text.extend_from_slice(number(key, value).as_bytes());
        }
        text.extend_from_slice(format!("VmFlags: {}\n", flags(&vma, &counts)).as_bytes());
        Record { key: vma.range.end.0, text }
    };
    counted(task, host_areas(smaps)).into_iter().map(record).collect()
}

/// Whether a mapping's file is shared memory, by the path that the kernel shows.
pub(super) fn is_in_memory(path: &[u8]) -> bool {
    [&b"/memfd:"[..], b"/dev/shm/", b"/dev/zero "].iter().any(|prefix| path.starts_with(prefix))
}

/// Whether a VMA is shared memory.
fn is_shared_memory(vma: &Vma) -> bool {
    match &vma.source {
        Source::Anonymous => vma.shared,
        Source::Named(_) => false,
        Source::File { path, .. } => is_in_memory(path.as_os_str().as_bytes()),
    }
}

/// Splits a counter of a VMA into anonymous, file and shared memory.
fn by_origin(in_memory: bool, counts: &Counts, all: u64) -> [u64; 3] {
    let anon = counts.get("Anonymous").min(all);
    let rest = all - anon;
    if in_memory { [anon, 0, rest] } else { [anon, rest, 0] }
}

/// `smaps_rollup`: the sums of all VMAs.
pub(super) fn rollup(task: &Task) -> Result<Vec<u8>, Errno> {
    let areas = counted(task, host_areas(&host_file(task, SMAPS)?)).into_iter();
    Ok(sum_up(areas.map(|(vma, counts)| (vma.range.start.0..vma.range.end.0, counts, is_shared_memory(&vma)))))
}

/// The text of `smaps_rollup` for areas with their counters; the last word says whether one is shared memory.
pub(super) fn sum_up(areas: impl Iterator<Item = (Range<u64>, Counts, bool)>) -> Vec<u8> {
    let mut all: Option<Range<u64>> = None;
    let mut sum = Counts::default();
    let mut pss = [0; 3];
    for (range, counts, in_memory) in areas {
        all = Some(all.map_or(range.start, |all| all.start)..range.end);
        sum.add(&counts);
        let parts = by_origin(in_memory, &counts, counts.get("Pss"));
        pss.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    let Some(all) = all else { return Vec::new() };
    let mut text = line(all, "---p", "00000000 00:00 0", b"[rollup]");
    for (key, value) in &sum.fields {
        // Not in the rollup.
        if matches!(key.as_str(), "Size" | "KernelPageSize" | "MMUPageSize" | "THPeligible" | "ProtectionKey") {
            continue;
        }
        text.extend_from_slice(number(key, *value).as_bytes());
        if key == "Pss_Dirty" {
            for (key, value) in ["Pss_Anon", "Pss_File", "Pss_Shmem"].into_iter().zip(pss) {
                text.extend_from_slice(number(key, value).as_bytes());
            }
        }
    }
    text
}

/// The memory use of the process, in kB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resident {
    /// Resident.
    pub all: u64,
    /// Anonymous.
    pub anon: u64,
    /// Shared memory.
    pub shmem: u64,
    /// Swapped out.
    pub swap: u64,
    /// Locked.
    pub locked: u64,
}

/// Sums the counters of all VMAs.
pub(super) fn resident(task: &Task) -> Result<Resident, Errno> {
    let mut sum = Resident::default();
    for (vma, counts) in counted(task, host_areas(&host_file(task, SMAPS)?)) {
        let all = counts.get("Rss");
        let [anon, _, shmem] = by_origin(is_shared_memory(&vma), &counts, all);
        sum.all += all;
        sum.anon += anon;
        sum.shmem += shmem;
        sum.swap += counts.get("Swap");
        sum.locked += counts.get("Locked");
    }
    Ok(sum)
}
