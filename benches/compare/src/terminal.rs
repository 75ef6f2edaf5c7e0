//! The report as a text table with bars.

use crate::baseline::{Baseline, Difference};
use crate::catalogue::Category;
use crate::measure::duration;
use crate::report::{EngineKind, ProgramReport, Report};
use crate::statistics::Mean;
use std::fmt::Write;
use std::io::IsTerminal;

/// The width of the terminal, or a default without one.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let asked = || {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCGWINSZ fills the structure that the pointer refers to.
        let got = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) };
        (got == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    columns.or_else(|| std::io::stdout().is_terminal().then(asked).flatten()).unwrap_or(100).max(60)
}

/// Block characters from one eighth to a full cell.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar with a length in characters.
fn bar(length: f64) -> String {
    let eighths = (length.max(0.125) * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

/// A ratio with three digits.
pub fn ratio(ratio: f64) -> String {
    match ratio {
        r if r < 9.995 => format!("{r:.2}×"),
        r if r < 99.95 => format!("{r:.1}×"),
        r => format!("{r:.0}×"),
    }
}

/// The mark of a mean that includes failed programs.
pub fn mean(mean: &Mean) -> String {
    match (mean.none(), mean.failed) {
        (Some(none), _) => none.to_owned(),
        (None, 0) => ratio(mean.ratio),
        (None, n) => format!("{} ({n} of {} not run)", ratio(mean.ratio), mean.programs),
    }
}

/// The whole report.
pub fn render(report: &Report, baseline: Option<&Baseline>, width: usize) -> String {
    let mut out = String::new();
    let _ = head(&mut out, report);
    for category in report.categories() {
        let _ = programs(&mut out, report, category, baseline, width);
    }
    if report.programs.iter().any(|p| !p.figures.is_empty()) {
        let _ = figures(&mut out, report);
    }
    if let Some(baseline) = baseline {
        let _ = changes(&mut out, report, baseline);
    }
    out
}

fn head(out: &mut String, report: &Report) -> std::fmt::Result {
    let machine = &report.machine;
    writeln!(out, "{}  ({}, {})", report.command, report.started, report.revision)?;
    writeln!(
        out,
        "{}, {} processors, {} GiB, Linux {}, {}",
        machine.processor,
        machine.processors,
        machine.memory_mib.div_ceil(1024),
        machine.kernel,
        machine.system
    )?;
    for engine in report.emulators() {
        writeln!(out, "{}: {}", engine.name, engine.version)?;
    }
    let size = if report.quick { "; small sizes: no measurement" } else { "" };
    let end = if report.complete { "" } else { "; INTERRUPTED, what there is" };
    writeln!(
        out,
        "processor time (user and system) as a multiple of the native build's: median, least to most of {} runs, {} at \
         a time{size}{end}",
        report.rounds, report.jobs
    )
}

fn programs(
    out: &mut String,
    report: &Report,
    category: Category,
    baseline: Option<&Baseline>,
    width: usize,
) -> std::fmt::Result {
    let native = report.native();
    let ratios = report.of(category).flat_map(|p| report.emulators().filter_map(|e| p.ratio(native, &e.name)));
    let longest = ratios.map(|r| r.median).fold(1.0, f64::max);
    writeln!(out, "\n{}", category.title())?;
    for program in report.of(category) {
        let time = program.outcomes.get(native).and_then(|o| o.cpu());
        let time = time.map_or_else(|| "-".to_owned(), |t| duration(t.median));
        writeln!(out, "  {} ({}), native {time}", program.name, program.title)?;
        for engine in report.emulators() {
            let Some(outcome) = program.outcomes.get(&engine.name) else { continue };
            write!(out, "    {:10} ", engine.name)?;
            let Some(r) = program.ratio(native, &engine.name) else {
                let why = match &outcome.failure {
                    Some(failure) => format!("FAILED: {failure}"),
                    None => "the native build has no time to compare with".to_owned(),
                };
                writeln!(out, "{why}")?;
                continue;
            };
            let spread = format!("{}–{}", ratio(r.least), ratio(r.most));
            let memory = outcome.spread(|s| s.memory as f64).map_or(0.0, |m| m.median / 1024.0);
            let ahead = if report.ahead(program).is_some_and(|e| e.name == engine.name) { '◂' } else { ' ' };
            let columns = format!("{:>7} {spread:>15} {memory:7.1} MiB {ahead}", ratio(r.median));
            let room = width.saturating_sub(15 + columns.chars().count() + 3) as f64;
            let changed = change(baseline, program, &engine.name);
            writeln!(out, "{columns} {}{changed}", bar(room * r.median / longest))?;
        }
    }
    let means = report.emulators().filter_map(|e| Some((e, report.mean(category, &e.name)?)));
    let means: Vec<String> = means.map(|(e, m)| format!("{} {}", e.name, mean(&m))).collect();
    writeln!(out, "  geometric mean: {}", means.join(", "))
}

/// The comparison with an earlier measurement.
fn change(baseline: Option<&Baseline>, program: &ProgramReport, engine: &str) -> String {
    match baseline.and_then(|b| b.of(&program.name, engine)) {
        Some(Difference::Time { factor, beyond_spread: true }) => format!(" {}", percent(factor)),
        Some(Difference::Runs) => " runs now".to_owned(),
        Some(Difference::Fails) => " ran before".to_owned(),
        _ => String::new(),
    }
}

/// A factor as a change in percent.
pub fn percent(factor: f64) -> String {
    format!("{:+.1} %", (factor - 1.0) * 100.0)
}

fn figures(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\nCounts of runs in the small size; the same at any time on any machine")?;
    writeln!(
        out,
        "  {:24} {:>13} {:>9} {:>8} {:>9} {:>7} {:>9}",
        "", "guest instr.", "host/inst", "blocks", "lookups/M", "found %", "exits/M"
    )?;
    let engines = report.engines.iter().filter(|e| e.kind == EngineKind::Remu);
    for engine in engines {
        for program in &report.programs {
            let Some(figures) = program.figures.get(&engine.name) else { continue };
            let count = |name: &str| figures.counts.get(name).map_or("-".to_owned(), u64::to_string);
            let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.1}"));
            writeln!(
                out,
                "  {:24} {:>13} {:>9} {:>8} {:>9} {:>7} {:>9}",
                program.name,
                count("instructions"),
                number(figures.expansion()),
                count("blocks"),
                number(figures.per_million("lookups")),
                number(figures.found()),
                number(figures.per_million("exits")),
            )?;
        }
    }
    Ok(())
}

fn changes(out: &mut String, report: &Report, baseline: &Baseline) -> std::fmt::Result {
    writeln!(out, "\nBeside {}: processor time", baseline.made)?;
    if let Some(caution) = &baseline.caution {
        writeln!(out, "  mind that {caution}")?;
    }
    for engine in &report.engines {
        let Some(mean) = baseline.mean(&engine.name) else { continue };
        let of = baseline.changes.iter().filter(|c| c.engine == engine.name);
        let beyond = of.filter(|c| !matches!(c.what, Difference::Time { beyond_spread: false, .. })).count();
        writeln!(out, "  {:10} {:>8} in the mean, {beyond} beyond the spread", engine.name, percent(mean))?;
    }
    for (name, was, is) in &baseline.counts {
        writeln!(out, "  {name}: {was:.2} -> {is:.2}")?;
    }
    Ok(())
}
