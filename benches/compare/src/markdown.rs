//! The report in short, as a README has it: a table of the means and of what a start costs, and who is ahead where.

use crate::catalogue::Category;
use crate::measure::duration;
use crate::report::{EngineInfo, Kind, Outcome, ProgramReport, Report};
use crate::terminal::ratio;
use std::fmt::Write;

/// So many of an engine's worst programs are named.
const NAMED: usize = 5;

/// The summary.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    let _ = table(&mut out, report);
    out.push('\n');
    for engine in report.emulators() {
        let _ = engine_in_words(&mut out, report, engine);
    }
    out
}

fn table(out: &mut String, report: &Report) -> std::fmt::Result {
    let names: Vec<_> = report.emulators().map(|e| e.name.as_str()).collect();
    writeln!(out, "| | native | {} |", names.join(" | "))?;
    writeln!(out, "|---|---|{}", "---|".repeat(names.len()))?;
    for category in report.categories() {
        let counted = report.of(category).filter(|p| !p.variant);
        write!(out, "| {}, {} | 1 |", category.title(), counted.count())?;
        for name in &names {
            let first = ahead(report, name, Some(category)).count();
            let mean = report.mean(category, name).map_or("-".to_owned(), |mean| match mean.failed {
                0 => format!("{} ({first})", ratio(mean.ratio)),
                n if n == mean.programs => "none runs".to_owned(),
                n => format!("{}, {n} not run ({first})", ratio(mean.ratio)),
            });
            write!(out, " {mean} |")?;
        }
        out.push('\n');
    }
    // A start is told in time and memory, too: its ratio says little of what one waits for.
    for program in report.of(Category::Startup) {
        let cell = |name: &str| program.outcomes.get(name).map_or("-".to_owned(), start);
        let cells: Vec<_> = std::iter::once(report.native()).chain(names.iter().copied()).map(cell).collect();
        writeln!(out, "| `{}` | {} |", program.name, cells.join(" | "))?;
    }
    Ok(())
}

/// What a start costs: elapsed time and memory.
fn start(outcome: &Outcome) -> String {
    let spread = outcome.spread(|s| s.wall).zip(outcome.spread(|s| s.memory as f64));
    match (spread, outcome.not_yet) {
        (Some((wall, memory)), _) => format!("{}, {:.1} MiB", duration(wall.median), memory.most / 1024.0),
        (None, Some(_)) => "not yet".to_owned(),
        (None, None) => "FAILED".to_owned(),
    }
}

/// The programs, second builds left out, in which an engine is ahead of the other emulators.
fn ahead<'a>(report: &'a Report, engine: &str, category: Option<Category>) -> impl Iterator<Item = &'a ProgramReport> {
    let programs = report.programs.iter().filter(move |p| !p.variant && category.is_none_or(|c| c == p.category));
    programs.filter(move |p| report.ahead(p).is_some_and(|e| e.name == engine))
}

fn engine_in_words(out: &mut String, report: &Report, engine: &EngineInfo) -> std::fmt::Result {
    let all = report.programs.iter().filter(|p| !p.variant);
    let ratio_of = |p: &ProgramReport| p.ratio(report.native(), &engine.name).map(|r| r.median);
    let mut worst: Vec<_> = all.clone().filter_map(|p| Some((ratio_of(p)?, &p.name))).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let worst: Vec<_> = worst.iter().take(NAMED).map(|(r, name)| format!("`{name}` ({})", ratio(*r))).collect();
    let ahead: Vec<_> = ahead(report, &engine.name, None).map(|p| format!("`{}`", p.name)).collect();
    write!(out, "- {} is ahead in {} of {}", engine.name, ahead.len(), all.count())?;
    if engine.kind == Kind::Remu && !ahead.is_empty() {
        write!(out, ": {}", ahead.join(", "))?;
    }
    writeln!(out, "; worst in {}.", worst.join(", "))
}
