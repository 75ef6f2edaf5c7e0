//! Changes since an earlier measurement.

use crate::report::{Figures, ProgramReport, Report};
use crate::statistics::geometric_mean;

/// The changes from an earlier measurement to a later one.
pub struct Baseline {
    /// The date and revision of the earlier measurement.
    pub made: String,
    /// Why the two are not comparable, if they are not.
    pub caution: Option<String>,
    pub changes: Vec<Change>,
    /// The counts of a program in an engine that changed: name, old value, new value.
    pub counts: Vec<(String, f64, f64)>,
}

/// The change of a program in an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub program: String,
    pub engine: String,
    /// Whether the program is a second build of another, which is excluded from means.
    pub variant: bool,
    pub what: Difference,
}

/// A difference between two measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// The new processor time as a multiple of the old one, and whether the change exceeds the spread of the runs. A
    /// single run has no spread.
    Time { factor: f64, beyond_spread: bool },
    /// It did not run before.
    Runs,
    /// It no longer runs.
    Fails,
}

impl Baseline {
    /// The changes, in the order of the later report.
    pub fn new(old: &Report, new: &Report) -> Self {
        let (mut changes, mut counts) = (Vec::new(), Vec::new());
        for program in &new.programs {
            let Some(before) = old.programs.iter().find(|p| p.name == program.name && p.command == program.command)
            else {
                continue;
            };
            for engine in &new.engines {
                if let Some(what) = difference(before, program, &engine.name) {
                    let (program, variant) = (program.name.clone(), program.variant);
                    changes.push(Change { program, engine: engine.name.clone(), variant, what });
                }
                counts.extend(count_changes(before, program, &engine.name));
            }
        }
        let caution = if old.machine.processor != new.machine.processor {
            Some(format!("the earlier one was made on another machine ({})", old.machine.processor))
        } else if old.jobs != new.jobs {
            Some(format!("the earlier one was made with --jobs {}", old.jobs))
        } else if old.quick != new.quick {
            Some("one of the two is of small sizes".to_owned())
        } else {
            None
        };
        Self { made: format!("{}, {}", old.started, old.revision), caution, changes, counts }
    }

    /// The mean factor of an engine.
    pub fn mean(&self, engine: &str) -> Option<f64> {
        let of = self.changes.iter().filter(|c| c.engine == engine && !c.variant);
        geometric_mean(of.filter_map(|c| match c.what {
            Difference::Time { factor, .. } => Some(factor),
            _ => None,
        }))
    }

    /// The change of one program in one engine.
    pub fn of(&self, program: &str, engine: &str) -> Option<Difference> {
        self.changes.iter().find(|c| c.program == program && c.engine == engine).map(|c| c.what)
    }
}

fn difference(before: &ProgramReport, now: &ProgramReport, engine: &str) -> Option<Difference> {
    let (old, new) = (before.outcomes.get(engine)?, now.outcomes.get(engine)?);
    let several = old.samples.len() > 1 && new.samples.len() > 1;
    Some(match (old.cpu(), new.cpu()) {
        (Some(old), Some(new)) if old.median > 0.0 => Difference::Time {
            factor: new.median / old.median,
            beyond_spread: several && (new.least > old.most || new.most < old.least),
        },
        (None, Some(_)) => Difference::Runs,
        (Some(_), None) => Difference::Fails,
        _ => return None,
    })
}

/// The smallest relative change of a count that is reported. Callgrind's counts vary slightly, with the length of
/// paths.
const TOLD: f64 = 0.005;

fn count_changes(before: &ProgramReport, now: &ProgramReport, engine: &str) -> Vec<(String, f64, f64)> {
    let (Some(old), Some(new)) = (before.figures.get(engine), now.figures.get(engine)) else { return Vec::new() };
    let count = |figures: &Figures, name: &str| figures.counts.get(name).map(|n| *n as f64);
    let pairs = [
        ("host instructions for one of the guest", old.expansion(), new.expansion()),
        ("guest instructions", count(old, "instructions"), count(new, "instructions")),
        ("blocks", count(old, "blocks"), count(new, "blocks")),
        ("lookups", count(old, "lookups"), count(new, "lookups")),
        ("exits", count(old, "exits"), count(new, "exits")),
    ];
    let changed = |(what, old, new): (&str, Option<f64>, Option<f64>)| {
        let (old, new) = (old?, new?);
        ((new - old).abs() > TOLD * old).then(|| (format!("{} by {engine}: {what}", now.name), old, new))
    };
    pairs.into_iter().filter_map(changed).collect()
}
