//! The result of a measurement, its file format, and values computed from it.

use crate::catalogue::{Category, Needs};
use crate::statistics::{Mean, Spread, mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// The version of the file format; a reader refuses others.
pub const FORMAT: u32 = 1;

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    /// The command that made it.
    pub command: String,
    /// When it began, in UTC.
    pub started: String,
    /// remu's revision.
    pub revision: String,
    pub machine: Machine,
    /// Runs of each program in each engine.
    pub rounds: usize,
    /// How many programs ran at a time.
    pub jobs: usize,
    /// Whether the programs did less work than they do for a comparison.
    pub quick: bool,
    /// Whether it was completed.
    pub complete: bool,
    /// Who ran the programs: native first, then QEMUs, then remu's engines.
    pub engines: Vec<EngineInfo>,
    pub programs: Vec<ProgramReport>,
}

/// Where it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory_mib: u64,
    pub kernel: String,
    pub system: String,
}

/// The kind of an engine, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    Native,
    Qemu,
    Remu,
}

/// An engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// A short, unique name.
    pub name: String,
    pub kind: EngineKind,
    /// The version that it reports.
    pub version: String,
}

/// A program and its outcome in each engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramReport {
    pub name: String,
    pub category: Category,
    pub title: String,
    /// Its words, as they ran.
    pub command: String,
    /// Whether it is a second build of another program, left out of means.
    pub variant: bool,
    /// By the engines' names; an engine that has not had its turn yet is not there.
    pub outcomes: BTreeMap<String, Outcome>,
    /// By the names of remu's engines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Figures>,
}

/// The outcome of a program in an engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub samples: Vec<Sample>,
    /// How it went wrong, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the engine lacks to run it, if it has not been tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_yet: Option<Needs>,
}

/// The cost of one run, in seconds and KiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub user: f64,
    pub system: f64,
    pub wall: f64,
    pub memory: u64,
}

/// Counts that depend on the program and the engine alone, of a run in the quick size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What the engine counts, by its own names.
    pub counts: BTreeMap<String, u64>,
    /// Instructions of the host in user mode, as Callgrind counts them, and those among them that the same engine takes for
    /// a program that ends at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_instructions: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_start: Option<u64>,
}

impl Figures {
    /// Instructions of the host for one of the guest, without those of the start.
    pub fn expansion(&self) -> Option<f64> {
        let guest = *self.counts.get("instructions").filter(|n| **n > 0)?;
        Some(self.host_instructions?.saturating_sub(self.host_start?) as f64 / guest as f64)
    }

    /// How many of a hundred lookups found their block.
    pub fn found(&self) -> Option<f64> {
        let lookups = *self.counts.get("lookups").filter(|n| **n > 0)?;
        Some(*self.counts.get("lookup-hits")? as f64 * 100.0 / lookups as f64)
    }

    /// A count for a million instructions of the guest.
    pub fn per_million(&self, count: &str) -> Option<f64> {
        let guest = *self.counts.get("instructions").filter(|n| **n > 0)?;
        Some(*self.counts.get(count)? as f64 * 1e6 / guest as f64)
    }
}

impl Outcome {
    /// Whether it counts: it ran, and did what it should, each time.
    pub fn is_good(&self) -> bool {
        self.failure.is_none() && self.not_yet.is_none() && !self.samples.is_empty()
    }

    /// The spread of something about its runs, if they were good.
    pub fn spread(&self, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        if self.is_good() { Spread::of(self.samples.iter().map(of)) } else { None }
    }

    /// Processor time.
    pub fn cpu(&self) -> Option<Spread> {
        self.spread(|s| s.user + s.system)
    }
}

impl ProgramReport {
    /// Processor time as a multiple of the native build's.
    pub fn ratio(&self, native: &str, engine: &str) -> Option<Spread> {
        self.ratio_of(native, engine, |s| s.user + s.system)
    }

    /// Something about the runs as a multiple of the same of the native build's.
    pub fn ratio_of(&self, native: &str, engine: &str, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let host = self.outcomes.get(native)?.spread(&of)?.median;
        // What the kernel's clock is too coarse for is no measure.
        (host > 0.0).then_some(())?;
        Some(self.outcomes.get(engine)?.spread(&of)?.over(host))
    }
}

impl Report {
    /// Reads one from a file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bad = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
        let report: Self = serde_json::from_str(&fs::read_to_string(path)?).map_err(|e| bad(e.to_string()))?;
        if report.format != FORMAT {
            return Err(bad(format!("a report of format {}, not {FORMAT}", report.format)));
        }
        Ok(report)
    }

    /// Writes it to a file, which at no moment has half of it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        replace(path, &text)
    }

    /// The name of the native engine.
    pub fn native(&self) -> &str {
        self.engines.iter().find(|e| e.kind == EngineKind::Native).map_or("", |e| &e.name)
    }

    /// The engines that are compared with the native build.
    pub fn emulators(&self) -> impl Iterator<Item = &EngineInfo> {
        self.engines.iter().filter(|e| e.kind != EngineKind::Native)
    }

    /// The categories that have programs.
    pub fn categories(&self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(|c| self.programs.iter().any(|p| p.category == *c))
    }

    /// The programs that means and counts are of: second builds of others are left out.
    pub fn counted(&self) -> impl Iterator<Item = &ProgramReport> {
        self.programs.iter().filter(|p| !p.variant)
    }

    /// The programs of a category.
    pub fn of(&self, category: Category) -> impl Iterator<Item = &ProgramReport> {
        self.programs.iter().filter(move |p| p.category == category)
    }

    /// The mean of a category for an engine. What the native build does not run has nothing to be compared with.
    pub fn mean(&self, category: Category, engine: &str) -> Option<Mean> {
        let native = self.native();
        let comparable = |p: &ProgramReport| p.outcomes.get(native).is_some_and(Outcome::is_good);
        let here = |p: &&ProgramReport| p.category == category && p.outcomes.contains_key(engine) && comparable(p);
        let counted: Vec<_> = self.counted().filter(here).collect();
        let ratio = |p: &ProgramReport, engine: &str| p.ratio(native, engine).map(|r| r.median);
        let all = counted.iter().flat_map(|p| self.emulators().filter_map(|e| ratio(p, &e.name)));
        let worst = all.max_by(f64::total_cmp);
        let not_yet = counted.iter().filter(|p| p.outcomes[engine].not_yet.is_some()).count();
        mean(&counted.iter().map(|p| ratio(p, engine)).collect::<Vec<_>>(), worst, not_yet)
    }

    /// The programs in which an emulator is ahead of the others.
    pub fn led_by<'a>(&'a self, engine: &EngineInfo) -> impl Iterator<Item = &'a ProgramReport> {
        self.counted().filter(move |p| self.ahead(p).is_some_and(|e| e.name == engine.name))
    }

    /// The emulator that is ahead in a program: the one that takes the least processor time.
    pub fn ahead<'a>(&'a self, program: &ProgramReport) -> Option<&'a EngineInfo> {
        let time = |e: &EngineInfo| program.outcomes.get(&e.name)?.cpu().map(|s| s.median);
        let timed = self.emulators().filter_map(|e| Some((e, time(e)?)));
        timed.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(e, _)| e)
    }
}

/// Writes a file by way of another, so that a reader sees the old text or the new one. What is no file, such as a device or
/// a link, stays what it is.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    match beside(path)? {
        Some(mut new) => {
            new.write_all(text.as_bytes())?;
            new.persist(path)?;
            Ok(())
        }
        None => fs::write(path, text),
    }
}

/// Whether [`replace`] could write the file, found out before the text is there.
pub fn replaceable(path: &Path) -> io::Result<()> {
    beside(path).map(drop)
}

/// A new file that can take the path's place; `None` if it is to be written to as it is.
fn beside(path: &Path) -> io::Result<Option<NamedTempFile>> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return Ok(None),
        _ => {}
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any file: the umask has its say.
    tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map(Some)
}
