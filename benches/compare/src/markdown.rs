//! The summary for a README: a table of the means and the start-up cost, and the programs in which each emulator is
//! ahead.

use crate::catalogue::Category;
use crate::measure::duration;
use crate::report::{EngineInfo, EngineKind, Outcome, ProgramReport, Report};
use crate::terminal::ratio;
use std::fmt::Write;

/// The number of worst programs that are named per engine.
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
    let engines: Vec<_> = report.emulators().collect();
    let names: Vec<_> = engines.iter().map(|e| e.name.as_str()).collect();
    writeln!(out, "| | native | {} |", names.join(" | "))?;
    writeln!(out, "|---|---|{}", "---|".repeat(names.len()))?;
    for category in report.categories() {
        let of = |p: &&ProgramReport| p.category == category;
        write!(out, "| {}, {} | 1 |", category.title(), report.counted().filter(of).count())?;
        for engine in &engines {
            let ahead = report.led_by(engine).filter(of).count();
            let mean =
                report.mean(category, &engine.name).map_or("-".to_owned(), |mean| match (mean.none(), mean.failed) {
                    (Some(none), _) => none.to_owned(),
                    (None, 0) => format!("{} ({ahead})", ratio(mean.ratio)),
                    (None, n) => format!("{}, {n} not run ({ahead})", ratio(mean.ratio)),
                });
            write!(out, " {mean} |")?;
        }
        out.push('\n');
    }
    // Start-up is also given in time and memory, since its ratio says little about the delay.
    for program in report.of(Category::Startup) {
        let cells: Vec<String> =
            report.engines.iter().map(|e| program.outcomes.get(&e.name).map_or("-".to_owned(), start)).collect();
        writeln!(out, "| `{}` | {} |", program.name, cells.join(" | "))?;
    }
    Ok(())
}

/// The start-up cost: elapsed time and memory.
fn start(outcome: &Outcome) -> String {
    let spread = outcome.spread(|s| s.wall).zip(outcome.spread(|s| s.memory as f64));
    match spread {
        Some((wall, memory)) => format!("{}, {:.1} MiB", duration(wall.median), memory.median / 1024.0),
        None => "FAILED".to_owned(),
    }
}

fn engine_in_words(out: &mut String, report: &Report, engine: &EngineInfo) -> std::fmt::Result {
    let ratio_of = |p: &ProgramReport| p.ratio(report.native(), &engine.name).map(|r| r.median);
    let mut worst: Vec<_> = report.counted().filter_map(|p| Some((ratio_of(p)?, &p.name))).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let worst: Vec<_> = worst.iter().take(NAMED).map(|(r, name)| format!("`{name}` ({})", ratio(*r))).collect();
    let ahead: Vec<_> = report.led_by(engine).map(|p| format!("`{}`", p.name)).collect();
    write!(out, "- {} is ahead in {} of {}", engine.name, ahead.len(), report.counted().count())?;
    if engine.kind == EngineKind::Remu && !ahead.is_empty() {
        write!(out, ": {}", ahead.join(", "))?;
    }
    writeln!(out, "; worst in {}.", worst.join(", "))
}
