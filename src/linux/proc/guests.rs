//! Other guests: the files of their processes under /proc.
//!
//! The host shows the strings, code and data of another guest as they are, since its remu has told it where they are in
//! the guest's memory. The rest is in a sealed file that each remu keeps open for the others: they find it among the
//! process's descriptors, which the host lets them read where it would let them read its memory.

use super::smaps::{self, Counts};
use super::{ProcFile, Record, numa, status as own};
use crate::elf::{self, Segment, at};
use crate::host;
use crate::linux::limits::Limits;
use crate::linux::process::MemoryOf;
use crate::linux::task::Task;
use crate::memory::{PAGE_SIZE, Prot};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::CString;
use std::ops::Range;
use std::path::Path;

/// What remu tells other remus about its guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The program's host path.
    pub exe: CString,
    /// The descriptors that are remu's.
    pub own_fds: Vec<i32>,
    /// The size of the address space, in which guest addresses are host addresses.
    pub limit: u64,
    /// The start of the heap.
    pub heap: u64,
    /// The initial stack pointer.
    pub start_stack: u64,
    /// The auxiliary vector.
    pub auxv: Vec<(u64, u64)>,
    /// The limits that the host does not know: [`Limits::to_pairs`].
    pub limits: [(u64, u64); 3],
    /// How its first thread filters calls: the mode and the number of filters.
    pub filters: (u32, usize),
}

/// How many of a process's descriptors are tried: remu's are among the highest.
const TRIED: usize = 64;

impl Guest {
    /// The guest of a process by its directory on procfs; `None` for another program, or one that the caller may not
    /// look into.
    pub fn of(task: &Task, process: &Path) -> Option<Self> {
        let fds = process.join("fd");
        // A child of this process has it at the same number.
        let here = task.system.successor.as_ref().ok().map(|successor| successor.own_file.numbers()[1]);
        if let Some(guest) = here.and_then(|fd| Self::read(&fds.join(fd.to_string()))) {
            return Some(guest);
        }
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
        let mut numbers: Vec<i32> = std::fs::read_dir(&fds).ok()?.filter_map(name).collect();
        numbers.sort_unstable();
        numbers.iter().rev().take(TRIED).find_map(|fd| Self::read(&fds.join(fd.to_string())))
    }

    /// The guest of a process by its id.
    pub fn of_pid(task: &Task, pid: i32) -> Option<Self> {
        Self::of(task, Path::new(&format!("/proc/{pid}")))
    }

    fn read(fd: &Path) -> Option<Self> {
        // Opening another file could block, or have an effect.
        let link = std::fs::read_link(fd).ok()?;
        if link.as_os_str() != host::MEMFD_LINK {
            return None;
        }
        let bytes = std::fs::read(fd).ok()?;
        postcard::from_bytes(host::public_part(&bytes)?).ok()
    }

    /// As other remus read it.
    pub fn encode(&self) -> Result<Vec<u8>, Errno> {
        postcard::to_stdvec(self).map_err(|_| Errno::NOMEM)
    }

    fn vdso(&self) -> Option<u64> {
        self.auxv.iter().find(|(key, _)| *key == at::SYSINFO_EHDR).map(|(_, value)| *value)
    }
}

impl Task {
    /// The guest, for other remus.
    pub(in crate::linux) fn published(&self) -> Guest {
        let limits = self.process.limits.lock().to_pairs();
        let filters = self.process.filters_of(self.pid());
        Guest {
            exe: self.mm.exe.clone(),
            own_fds: self.files.ours().to_vec(),
            limit: if self.mm.is_identity() { self.mm.limit().0 } else { 0 },
            heap: own::start_of_heap(self),
            start_stack: self.mm.start_stack.0,
            auxv: self.mm.auxv.clone(),
            limits,
            filters,
        }
    }

    /// Shows the guest to other processes.
    pub(in crate::linux) fn publish(&self) {
        self.publish_guest();
        if self.mm.is_identity() {
            // Without it, the host shows the arguments of remu itself.
            let _ = own::shown_program(self).show();
        }
    }

    /// Shows other remus the guest as it is now. A process in the memory of another one may share its descriptors, too.
    pub(in crate::linux) fn publish_guest(&self) {
        let is_alone = self.mm.is_identity() && self.process.memory == MemoryOf::Itself;
        if let Some(successor) = self.system.successor.as_ref().ok().filter(|_| is_alone) {
            // Without it, others see remu.
            let _ = self.published().encode().and_then(|guest| successor.own_file.publish(&guest));
        }
    }
}

/// An area of another guest: the first line of its record, and its counters.
struct Area<'a> {
    range: Range<u64>,
    /// `rw-p`.
    access: String,
    /// Offset, device and inode.
    origin: String,
    name: String,
    counters: Vec<&'a str>,
}

impl<'a> Area<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let range = number(start)?..number(end)?;
        let access = words.next()?.to_owned();
        let origin = [words.next()?, words.next()?, words.next()?].join(" ");
        let name = words.next().unwrap_or_default().trim_start().to_owned();
        Some(Self { range, access, origin, name, counters: Vec::new() })
    }

    /// Whether it is memory of the guest's that can be told from the reservation.
    fn is_the_guests(&self, guest: &Guest) -> bool {
        let is_reserved = self.access == "---p" && self.name.is_empty();
        self.range.end <= guest.limit && !is_reserved
    }

    /// Adds what the host does not know: which pages are executable, and what they are for.
    fn complete(&mut self, guest: &Guest, code: &mut CodeOfFiles) {
        let has = |address: u64| self.range.contains(&address);
        let is_vdso = guest.vdso().is_some_and(has);
        if self.name.is_empty() && is_vdso {
            self.name = "[vdso]".to_owned();
        } else if self.name.is_empty() && has(guest.start_stack) {
            self.name = "[stack]".to_owned();
        } else if self.name.is_empty() && has(guest.heap) {
            self.name = "[heap]".to_owned();
        }
        let offset = self.origin.split(' ').next().and_then(|text| u64::from_str_radix(text, 16).ok());
        if is_vdso || self.name.starts_with('/') && code.is_code(&self.name, offset.unwrap_or(0)) {
            self.access.replace_range(2..3, "x");
        }
    }

    fn line(&self) -> Vec<u8> {
        super::line(self.range.clone(), &self.access, &self.origin, self.name.as_bytes())
    }

    fn len(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// The segments of mapped files, by path. Guest code is not executable for the host, so the file has to tell.
#[derive(Default)]
struct CodeOfFiles(HashMap<String, Vec<Segment>>);

impl CodeOfFiles {
    /// Whether a mapping from this offset is of a segment of code.
    fn is_code(&mut self, path: &str, offset: u64) -> bool {
        let segments = self.0.entry(path.to_owned()).or_insert_with(|| elf::segments_of(Path::new(path)));
        let start = |segment: &Segment| segment.offset / PAGE_SIZE * PAGE_SIZE;
        // A page of the file may belong to two segments. The mapping is of the later one.
        let mapped = segments.iter().filter(|segment| segment.file_size > 0);
        let found = mapped.filter(|segment| start(segment) <= offset).max_by_key(|segment| segment.offset);
        found.is_some_and(|segment| segment.prot.contains(Prot::EXEC))
    }
}

/// The areas of another guest from its `maps` or `smaps`.
fn areas<'a>(guest: &Guest, text: &'a str) -> Vec<Area<'a>> {
    let mut areas: Vec<Area<'_>> = Vec::new();
    for line in text.lines() {
        match Area::parse(line) {
            Some(area) => areas.push(area),
            None => areas.last_mut().into_iter().for_each(|area| area.counters.push(line)),
        }
    }
    let mut code = CodeOfFiles::default();
    areas.retain(|area| area.is_the_guests(guest));
    areas.iter_mut().for_each(|area| area.complete(guest, &mut code));
    areas
}

/// The kinds of files that the host shows of another guest with values of remu's.
pub(super) fn shows_remu(kind: ProcFile) -> bool {
    use ProcFile::*;
    matches!(kind, Maps | Smaps | SmapsRollup | NumaMaps | Auxv | Stat | Statm | Status | Limits)
}

/// The contents of a file of another guest's. `host` is what the host shows; `read` reads another file of the process.
pub(super) fn contents(
    guest: &Guest,
    kind: ProcFile,
    host: &str,
    read: impl FnOnce(&str) -> Result<String, Errno>,
) -> Result<Vec<Record>, Errno> {
    let record = |area: &Area<'_>| Record { key: area.range.end, text: area.line() };
    Ok(match kind {
        ProcFile::Maps => areas(guest, host).iter().map(record).collect(),
        ProcFile::Smaps => areas(guest, host)
            .iter()
            .map(|area| {
                let counters = area.counters.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat());
                Record { key: area.range.end, text: area.line().into_iter().chain(counters).collect() }
            })
            .collect(),
        ProcFile::SmapsRollup => Record::only(rollup(guest, host)),
        ProcFile::NumaMaps => numa_maps(guest, host, &read("maps")?),
        ProcFile::Limits => Record::only(own::limits(host, &Limits::from_pairs(guest.limits))),
        ProcFile::Auxv => {
            let words = guest.auxv.iter().flat_map(|(key, value)| [*key, *value]);
            Record::only(words.flat_map(u64::to_le_bytes).collect::<Vec<_>>())
        }
        ProcFile::Stat => Record::only(stat(guest, host, &read("maps")?)),
        ProcFile::Statm => Record::only(statm(guest, host, &read("maps")?)),
        ProcFile::Status => Record::only(status(guest, host, &read("maps")?)),
        _ => Record::only(host),
    })
}

/// `smaps_rollup` of another guest, from its `smaps`.
fn rollup(guest: &Guest, smaps: &str) -> Vec<u8> {
    let counted = areas(guest, smaps).into_iter().map(|area| {
        let counts = Counts::of_lines(area.counters.iter().copied());
        let is_in_memory = smaps::is_in_memory(area.name.as_bytes());
        (area.range, counts, is_in_memory)
    });
    smaps::sum_up(counted)
}

/// `numa_maps` of another guest. Only `maps` says what an area is.
fn numa_maps(guest: &Guest, host: &str, maps: &str) -> Vec<Record> {
    let lines: HashMap<u64, &str> =
        host.lines().filter_map(|line| Some((u64::from_str_radix(line.split_once(' ')?.0, 16).ok()?, line))).collect();
    let record = |area: Area<'_>| {
        let line = lines.get(&area.range.start)?;
        let purpose = match area.name.as_str() {
            "[heap]" => Some("heap"),
            "[stack]" => Some("stack"),
            _ => None,
        };
        Some(Record { key: area.range.end, text: numa::with_attribute(line, purpose).into_bytes() })
    };
    areas(guest, maps).into_iter().filter_map(record).collect()
}

/// The size of the areas for which `which` holds.
fn size(areas: &[Area<'_>], which: impl Fn(&Area<'_>) -> bool) -> u64 {
    areas.iter().filter(|area| which(area)).map(Area::len).sum()
}

/// Private memory that can be written, without the stack.
fn is_data(area: &Area<'_>) -> bool {
    area.access.as_bytes()[1] == b'w' && area.access.ends_with('p') && area.name != "[stack]"
}

/// `stat` of another guest: the host knows all but the size of the address space, and the heap.
fn stat(guest: &Guest, host: &str, maps: &str) -> String {
    let Some((name, rest)) = host.trim_end().rsplit_once(") ") else { return host.to_owned() };
    let mut fields: Vec<String> = rest.split(' ').map(str::to_owned).collect();
    // Field numbers as in proc(5), where the state is the third.
    for (number, value) in [(23, size(&areas(guest, maps), |_| true)), (47, guest.heap)] {
        // The host shows zero to those who may not know.
        if let Some(field) = fields.get_mut(number - 3).filter(|field| *field != "0") {
            *field = value.to_string();
        }
    }
    format!("{name}) {}\n", fields.join(" "))
}

/// `statm` of another guest.
fn statm(guest: &Guest, host: &str, maps: &str) -> String {
    let areas = areas(guest, maps);
    let pages = |bytes: u64| (bytes / PAGE_SIZE).to_string();
    let mut fields: Vec<String> = host.split_ascii_whitespace().map(str::to_owned).collect();
    let data = size(&areas, |area| is_data(area) || area.name == "[stack]");
    for (index, value) in [(0, size(&areas, |_| true)), (5, data)] {
        if let Some(field) = fields.get_mut(index) {
            *field = pages(value);
        }
    }
    fields.join(" ") + "\n"
}

/// `status` of another guest.
fn status(guest: &Guest, host: &str, maps: &str) -> String {
    let areas = areas(guest, maps);
    let mut text = String::new();
    for line in host.lines() {
        let key = line.split(':').next().unwrap_or_default();
        let bytes = match key {
            "VmPeak" | "VmSize" => Some(size(&areas, |_| true)),
            "VmData" => Some(size(&areas, is_data)),
            "VmStk" => Some(size(&areas, |area| area.name == "[stack]")),
            _ => None,
        };
        match bytes {
            _ if own::is_of_x86(key) => continue,
            Some(bytes) => text.push_str(&format!("{key}:\t{:>8} kB\n", bytes / 1024)),
            None => text.push_str(&format!("{}\n", own::with_filters(line, guest.filters))),
        }
    }
    text
}
