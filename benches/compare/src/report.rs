//! The result of a measurement, its file format, and values computed from it.

use crate::catalogue::Category;
use crate::statistics::{Mean, Spread, mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// The version of the file format. Other versions are refused.
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
    /// The number of programs that ran in parallel.
    pub jobs: usize,
    /// Whether the programs ran with small inputs.
    pub quick: bool,
    /// Whether it was completed.
    pub complete: bool,
    /// The engines: native first, then QEMUs, then remu's.
    pub engines: Vec<EngineInfo>,
    pub programs: Vec<ProgramReport>,
}

/// The machine of the measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory_mib: u64,
    pub kernel: String,
    pub system: String,
}

/// The kind of an engine, which determines its colour.
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
    /// Its command line.
    pub command: String,
    /// Whether it is a second build of another program, which is excluded from means.
    pub variant: bool,
    /// The outcomes by engine name. Engines that have not run it yet are missing.
    pub outcomes: BTreeMap<String, Outcome>,
    /// The counts by name of remu's engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Figures>,
}

/// The outcome of a program in an engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub samples: Vec<Sample>,
    /// How it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The cost of one run, in seconds and KiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub user: f64,
    pub system: f64,
    pub wall: f64,
    pub memory: u64,
}

/// Deterministic counts of a run in quick size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The engine's counters by name.
    pub counts: BTreeMap<String, u64>,
    /// Host instructions in user mode, counted by Callgrind, and those of the same engine for a program that exits at
    /// once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_instructions: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_start: Option<u64>,
}

impl Figures {
    /// Host instructions per guest instruction, without start-up.
    pub fn expansion(&self) -> Option<f64> {
        let guest = *self.counts.get("instructions").filter(|n| **n > 0)?;
        Some(self.host_instructions?.saturating_sub(self.host_start?) as f64 / guest as f64)
    }

    /// The hit rate of block lookups in percent.
    pub fn found(&self) -> Option<f64> {
        let lookups = *self.counts.get("lookups").filter(|n| **n > 0)?;
        Some(*self.counts.get("lookup-hits")? as f64 * 100.0 / lookups as f64)
    }

    /// A count per million guest instructions.
    pub fn per_million(&self, count: &str) -> Option<f64> {
        let guest = *self.counts.get("instructions").filter(|n| **n > 0)?;
        Some(*self.counts.get(count)? as f64 * 1e6 / guest as f64)
    }
}

impl Outcome {
    /// Whether every run succeeded with the right output.
    pub fn is_good(&self) -> bool {
        self.failure.is_none() && !self.samples.is_empty()
    }

    /// The spread of a quantity over the runs, if all succeeded.
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

    /// The spread of a quantity as a multiple of the native build's.
    pub fn ratio_of(&self, native: &str, engine: &str, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let host = self.outcomes.get(native)?.spread(&of)?.median;
        // Values below the resolution of the kernel's clock are not usable.
        (host > 0.0).then_some(())?;
        Some(self.outcomes.get(engine)?.spread(&of)?.over(host))
    }
}

impl Report {
    /// Reads a report from a file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bad = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
        let report: Self = serde_json::from_str(&fs::read_to_string(path)?).map_err(|e| bad(e.to_string()))?;
        if report.format != FORMAT {
            return Err(bad(format!("a report of format {}, not {FORMAT}", report.format)));
        }
        Ok(report)
    }

    /// Writes the report to a file atomically.
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

    /// The programs in means and counts: all except second builds.
    pub fn counted(&self) -> impl Iterator<Item = &ProgramReport> {
        self.programs.iter().filter(|p| !p.variant)
    }

    /// The programs of a category.
    pub fn of(&self, category: Category) -> impl Iterator<Item = &ProgramReport> {
        self.programs.iter().filter(move |p| p.category == category)
    }

    /// The mean of a category for an engine. Programs that the native build does not run are excluded.
    pub fn mean(&self, category: Category, engine: &str) -> Option<Mean> {
        let native = self.native();
        let comparable = |p: &ProgramReport| p.outcomes.get(native).is_some_and(Outcome::is_good);
        let here = |p: &&ProgramReport| p.category == category && p.outcomes.contains_key(engine) && comparable(p);
        let counted: Vec<_> = self.counted().filter(here).collect();
        let ratio = |p: &ProgramReport, engine: &str| p.ratio(native, engine).map(|r| r.median);
        let all = counted.iter().flat_map(|p| self.emulators().filter_map(|e| ratio(p, &e.name)));
        let worst = all.max_by(f64::total_cmp);
        mean(&counted.iter().map(|p| ratio(p, engine)).collect::<Vec<_>>(), worst)
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

/// Replaces a file through a temporary file, so that readers see the old text or the new one. Devices, pipes and links
/// are written in place.
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

/// Checks in advance that [`replace`] can write the file.
pub fn replaceable(path: &Path) -> io::Result<()> {
    beside(path).map(drop)
}

/// A temporary file to replace the path; `None` if the path must be written in place.
fn beside(path: &Path) -> io::Result<Option<NamedTempFile>> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return Ok(None),
        _ => {}
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The umask applies, as for any new file.
    tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map(Some)
}
