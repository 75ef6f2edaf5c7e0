//! The report as a self-contained HTML page: bar charts, tables and the measuring conditions. It follows the reader's
//! light or dark theme and fits a phone.

use crate::baseline::{Baseline, Change, Difference};
use crate::catalogue::Category;
use crate::measure::duration;
use crate::report::{EngineInfo, EngineKind, Outcome, Report};
use crate::svg::{Scale, tick};
use crate::terminal::{mean, percent, ratio};
use std::fmt::{self, Write};

const STYLE: &str = include_str!("page.css");

/// The theme button. Its state is not saved: a page follows the system until the button is pressed.
const SCRIPT: &str = "document.querySelector('.theme').addEventListener('click', () => {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light');
  document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
});";

const LIGHT: &str = "--page: #f5f6f8; --card: #ffffff; --text: #1b212c; --soft: #596273; --line: #e3e7ed; --grid: #e3e7ed; \
    --link: #1a56b8; --bad: #b3261e; --good: #0b6b50; --whisker: #1b212ccc;";
const DARK: &str = "--page: #12151b; --card: #1a1f28; --text: #e8ebf1; --soft: #a2acbc; --line: #2b323e; --grid: #2f3744; \
    --link: #8ab4ff; --bad: #ff8f80; --good: #59d0a8; --whisker: #ffffffcc;";

/// The colours of remu's engines and of QEMUs, for the light and the dark theme: blues and oranges, which are safe for
/// colour-blind readers, in different lightness.
const REMU: [(&str, &str); 3] = [("#2f74d8", "#6ea6ff"), ("#6f9fe8", "#3c78d8"), ("#0b3a82", "#b4d2ff")];
const QEMU: [(&str, &str); 3] = [("#efac4f", "#b9742a"), ("#c9590c", "#ff9a4a"), ("#7a3b0a", "#ffd0a0")];

/// An engine's colour.
pub fn colour(report: &Report, engine: &str, dark: bool) -> &'static str {
    let Some(info) = report.engines.iter().find(|e| e.name == engine) else { return "#888888" };
    let number = report.engines.iter().filter(|e| e.kind == info.kind).position(|e| e.name == engine).unwrap_or(0);
    let (on_light, on_dark) = match info.kind {
        EngineKind::Native => ("#8a93a3", "#7b8596"),
        EngineKind::Qemu => QEMU[number % QEMU.len()],
        EngineKind::Remu => REMU[number % REMU.len()],
    };
    if dark { on_dark } else { on_light }
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page.
pub fn render(report: &Report, baseline: Option<&Baseline>) -> String {
    let mut page = Page { out: String::new(), report, baseline };
    let _ = page.write();
    page.out
}

struct Page<'a> {
    out: String,
    report: &'a Report,
    baseline: Option<&'a Baseline>,
}

impl Page<'_> {
    fn write(&mut self) -> fmt::Result {
        self.head()?;
        self.out += "<main>\n";
        self.summary()?;
        if let Some(baseline) = self.baseline {
            self.changes(baseline)?;
        }
        for category in self.report.categories() {
            self.category(category)?;
        }
        if self.report.programs.iter().any(|p| !p.figures.is_empty()) {
            self.figures()?;
        }
        self.method()?;
        write!(self.out, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")
    }

    /// The CSS class of an engine, which sets its colour.
    fn class(&self, engine: &str) -> usize {
        self.report.engines.iter().position(|e| e.name == engine).unwrap_or(0)
    }

    fn head(&mut self) -> fmt::Result {
        let report = self.report;
        let colours = |dark| {
            let of = report.engines.iter().enumerate();
            of.map(|(n, e)| format!("--e{n}: {}; ", colour(report, &e.name, dark))).collect::<String>()
        };
        let (light, dark) = (format!("{LIGHT} {}", colours(false)), format!("{DARK} {}", colours(true)));
        let classes: String = (0..report.engines.len()).map(|n| format!(".e{n} {{ --c: var(--e{n}) }} ")).collect();
        write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>remu beside QEMU</title>\n<style>\n:root {{ {light} }}\n\
             @media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n\
             :root[data-theme=dark] {{ {dark} color-scheme: dark }}\n:root[data-theme=light] {{ color-scheme: light }}\n\
             {classes}\n{STYLE}</style>\n</head>\n<body>\n"
        )?;
        let names: Vec<&str> = report.emulators().map(|e| e.name.as_str()).collect();
        write!(
            self.out,
            "<header><div class=\"top\"><h1>remu beside QEMU</h1><button class=\"theme\" type=\"button\">light / dark\
             </button></div>\n<p class=\"lead\">The processor time of {} programs by {}, as a multiple of what the same \
             source takes when it is built for this machine.</p>\n<p class=\"soft\">{}, {} processors · Linux {} · {} · \
             revision <code>{}</code></p>\n",
            report.counted().count(),
            escape(&listed(&names)),
            escape(&report.machine.processor),
            report.machine.processors,
            escape(&report.machine.kernel),
            escape(&report.started),
            escape(&report.revision)
        )?;
        if report.quick {
            self.out += "<p class=\"banner\">Small sizes and one run each: a check, not a measurement.</p>\n";
        }
        if !report.complete {
            self.out += "<p class=\"banner\">The measurement was interrupted; this is what there is of it.</p>\n";
        }
        self.out += "</header>\n";
        Ok(())
    }

    fn legend(&mut self) -> fmt::Result {
        self.out += "<ul class=\"legend\">";
        for engine in self.report.emulators() {
            write!(self.out, "<li class=\"e{}\">{}</li>", self.class(&engine.name), escape(&engine.name))?;
        }
        self.out += "</ul>\n";
        Ok(())
    }

    /// The means, and in how many programs each emulator is ahead.
    fn summary(&mut self) -> fmt::Result {
        let report = self.report;
        self.out += "<section>\n<h2>Geometric means by category</h2>\n";
        self.legend()?;
        let means = report.categories().flat_map(|c| report.emulators().filter_map(move |e| report.mean(c, &e.name)));
        let scale = Scale::of(means.map(|m| m.ratio));
        self.out += "<div class=\"chart\">\n";
        for category in report.categories() {
            let count = report.counted().filter(|p| p.category == category).count();
            let programs = if count == 1 { "1 program".to_owned() } else { format!("{count} programs") };
            write!(
                self.out,
                "<div class=\"row\"><div class=\"what\"><b>{}</b><span>{programs}</span></div><div>",
                category.title()
            )?;
            for engine in report.emulators() {
                let Some(m) = report.mean(category, &engine.name) else { continue };
                let note = match m.failed {
                    0 => String::new(),
                    n => format!("{n} of {} count as the worst", m.programs),
                };
                let shown = m.none().is_none().then_some(Bar {
                    ratio: m.ratio,
                    spread: None,
                    label: if m.failed == 0 { ratio(m.ratio) } else { format!("{} *", ratio(m.ratio)) },
                    title: format!("{}: {} {note}", engine.name, mean(&m)),
                    ahead: false,
                });
                self.bar(engine, &scale, shown, "none of them runs")?;
            }
            self.out += "</div></div>\n";
        }
        self.axis(&scale)?;
        self.out += "</div>\n";
        if report.programs.iter().any(|p| p.outcomes.values().any(|o| !o.is_good())) {
            self.out += "<p class=\"soft\">* A program that does not run in an engine counts as the worst that any \
                         engine has in the category; it is not left out.</p>\n";
        }
        self.share()?;
        self.out += "</section>\n";
        Ok(())
    }

    fn share(&mut self) -> fmt::Result {
        let report = self.report;
        let counts: Vec<(&EngineInfo, usize)> = report.emulators().map(|e| (e, report.led_by(e).count())).collect();
        self.out += "<h3>Who is ahead, by programs</h3>\n<div class=\"share\">";
        for (engine, count) in counts.iter().filter(|(_, count)| *count > 0) {
            write!(
                self.out,
                "<div class=\"e{}\" style=\"flex: {count}\" title=\"{}: {count}\"></div>",
                self.class(&engine.name),
                escape(&engine.name)
            )?;
        }
        let told: Vec<String> = counts.iter().map(|(e, count)| format!("{} in {count}", escape(&e.name))).collect();
        writeln!(self.out, "</div>\n<p class=\"soft\">Of {}: {}.</p>", report.counted().count(), told.join(", "))
    }

    fn axis(&mut self, scale: &Scale) -> fmt::Result {
        self.out += "<div class=\"axis\"><div>";
        for value in scale.ticks() {
            // On narrow screens, every third label is hidden.
            let class =
                if tick(value).trim_start_matches(['0', '.']).starts_with('2') { " class=\"minor\"" } else { "" };
            let place = scale.place(value) * 100.0;
            write!(self.out, "<span{class} style=\"left: {place:.2}%\">{}</span>", tick(value))?;
        }
        self.out += "</div></div>\n";
        Ok(())
    }

    /// A bar, or the reason why there is none.
    fn bar(&mut self, engine: &EngineInfo, scale: &Scale, bar: Option<Bar>, absent: &str) -> fmt::Result {
        write!(
            self.out,
            "<div class=\"bar e{}\"><span class=\"who\">{}</span><div class=\"track\">",
            self.class(&engine.name),
            escape(&engine.name)
        )?;
        for value in scale.ticks() {
            let class = if value == 1.0 { " class=\"one\"" } else { "" };
            write!(self.out, "<i{class} style=\"left: {:.2}%\"></i>", scale.place(value) * 100.0)?;
        }
        let place = |r: f64| scale.place(r) * 100.0;
        match bar {
            Some(bar) => {
                write!(
                    self.out,
                    "<div class=\"fill\" style=\"width: {:.2}%\" title=\"{}\"></div>",
                    place(bar.ratio),
                    escape(&bar.title)
                )?;
                let mut end = place(bar.ratio);
                if let Some((least, most)) = bar.spread {
                    let (from, to) = (place(least), place(most));
                    write!(
                        self.out,
                        "<div class=\"spread\" style=\"left: {from:.2}%; width: {:.2}%\"></div>",
                        to - from
                    )?;
                    end = to;
                }
                let class = if bar.ahead { "value ahead" } else { "value" };
                write!(self.out, "<span class=\"{class}\" style=\"left: {end:.2}%\">{}</span>", escape(&bar.label))?;
            }
            None => write!(self.out, "<span class=\"none\" title=\"{0}\">{0}</span>", escape(absent))?,
        }
        writeln!(self.out, "</div></div>")
    }

    fn category(&mut self, category: Category) -> fmt::Result {
        let report = self.report;
        let native = report.native();
        write!(
            self.out,
            "<section id=\"{}\">\n<div class=\"heading\"><h2>{}</h2><div class=\"means\">",
            category.name(),
            category.title()
        )?;
        for engine in report.emulators() {
            let Some(m) = report.mean(category, &engine.name) else { continue };
            write!(
                self.out,
                "<span class=\"e{}\">{} <b>{}</b></span>",
                self.class(&engine.name),
                escape(&engine.name),
                escape(&mean(&m))
            )?;
        }
        self.out += "</div></div>\n";
        self.out += "<ul class=\"legend soft\"><li class=\"whisker\">least to most of the runs</li>\
                     <li class=\"mark\">ahead of the others</li></ul>\n";
        let ratios = report.of(category).flat_map(|p| report.emulators().filter_map(|e| p.ratio(native, &e.name)));
        let scale = Scale::of(ratios.flat_map(|r| [r.least, r.most]));
        self.out += "<div class=\"chart\">\n";
        for program in report.of(category) {
            write!(
                self.out,
                "<div class=\"row\"><div class=\"what\" title=\"{}\"><b>{}</b><span>{}</span></div><div>",
                escape(&program.command),
                escape(&program.name),
                escape(&program.title)
            )?;
            for engine in report.emulators() {
                let Some(outcome) = program.outcomes.get(&engine.name) else { continue };
                let bar = program.ratio(native, &engine.name).map(|r| Bar {
                    ratio: r.median,
                    spread: Some((r.least, r.most)),
                    label: ratio(r.median),
                    title: format!("{}: {} ({} to {})", engine.name, ratio(r.median), ratio(r.least), ratio(r.most)),
                    ahead: report.ahead(program).is_some_and(|e| e.name == engine.name),
                });
                self.bar(engine, &scale, bar, why_absent(outcome))?;
            }
            self.out += "</div></div>\n";
        }
        self.axis(&scale)?;
        self.out += "</div>\n";
        self.times(category)?;
        self.out += "</section>\n";
        Ok(())
    }

    /// The table below a chart.
    fn times(&mut self, category: Category) -> fmt::Result {
        self.out += "<details><summary>Times and memory</summary><div class=\"scroll\"><table class=\"times\">\n<thead><tr><th>Program</th>\
                     <th>Engine</th><th>Processor</th><th>least – most</th><th>user</th><th>system</th><th>Elapsed</th>\
                     <th>× native</th><th>elapsed × native</th><th>Memory</th></tr></thead>\n<tbody>\n";
        let native = self.report.native();
        for program in self.report.of(category) {
            let mut first = true;
            for engine in &self.report.engines {
                let Some(outcome) = program.outcomes.get(&engine.name) else { continue };
                let name = if first { escape(&program.name) } else { String::new() };
                let class = if first { " class=\"first\"" } else { "" };
                first = false;
                write!(self.out, "<tr{class}><td>{name}</td><td>{}</td>", escape(&engine.name))?;
                let Some(cpu) = outcome.cpu() else {
                    let why = why_absent(outcome);
                    writeln!(self.out, "<td colspan=\"8\" class=\"soft\">{}</td></tr>", escape(why))?;
                    continue;
                };
                let median = |of: fn(&crate::report::Sample) -> f64| outcome.spread(of).map_or(0.0, |s| s.median);
                let ahead = self.report.ahead(program).is_some_and(|e| e.name == engine.name);
                let class = if ahead { " class=\"ahead\"" } else { "" };
                let times = |r: Option<crate::statistics::Spread>| r.map_or_else(String::new, |r| ratio(r.median));
                writeln!(
                    self.out,
                    "<td{class}>{}</td><td>{} – {}</td><td>{}</td><td>{}</td><td>{}</td><td{class}>{}</td><td>{}</td>\
                     <td>{:.1} MiB</td></tr>",
                    duration(cpu.median),
                    duration(cpu.least),
                    duration(cpu.most),
                    duration(median(|s| s.user)),
                    duration(median(|s| s.system)),
                    duration(median(|s| s.wall)),
                    times(program.ratio(native, &engine.name)),
                    times(program.ratio_of(native, &engine.name, |s| s.wall)),
                    median(|s| s.memory as f64) / 1024.0
                )?;
            }
        }
        self.out += "</tbody></table></div></details>\n";
        Ok(())
    }

    fn figures(&mut self) -> fmt::Result {
        self.out += "<section>\n<h2>Counts</h2>\n<p class=\"soft\">Of runs in the small size; the same at any time, so that \
                     a change shows on a noisy machine too. Host instructions are Callgrind's, in user mode, without those \
                     of the start. A lookup is a return to the loop that finds a block by its address.</p>\n\
                     <div class=\"scroll\"><table>\n<thead><tr><th>Program</th><th>guest instructions</th>\
                     <th>host for one</th><th>blocks decoded</th><th>lookups per million</th><th>found</th>\
                     <th>exits per million</th><th>system calls</th></tr></thead>\n<tbody>\n";
        for engine in self.report.engines.iter().filter(|e| e.kind == EngineKind::Remu) {
            for program in &self.report.programs {
                let Some(figures) = program.figures.get(&engine.name) else { continue };
                let count = |name: &str| figures.counts.get(name).map_or_else(|| "–".into(), |n| grouped(*n));
                let number = |n: Option<f64>| n.map_or_else(|| "–".to_owned(), |n| format!("{n:.1}"));
                writeln!(
                    self.out,
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} %</td><td>{}</td><td>{}</td></tr>",
                    escape(&program.name),
                    count("instructions"),
                    number(figures.expansion()),
                    count("blocks"),
                    number(figures.per_million("lookups")),
                    number(figures.found()),
                    number(figures.per_million("exits")),
                    count("exit-syscall")
                )?;
            }
        }
        self.out += "</tbody></table></div>\n</section>\n";
        Ok(())
    }

    fn changes(&mut self, baseline: &Baseline) -> fmt::Result {
        writeln!(
            self.out,
            "<section>\n<h2>Since the earlier measurement</h2>\n<p class=\"soft\">Processor time beside {}.</p>",
            escape(&baseline.made)
        )?;
        if let Some(caution) = &baseline.caution {
            writeln!(self.out, "<p class=\"banner\">Mind that {}.</p>", escape(caution))?;
        }
        self.out += "<p>";
        for engine in &self.report.engines {
            let Some(mean) = baseline.mean(&engine.name) else { continue };
            write!(self.out, "{} <b>{}</b> in the mean. ", escape(&engine.name), percent(mean))?;
        }
        self.out += "</p>\n";
        let within = |c: &Change| matches!(c.what, Difference::Time { beyond_spread: false, .. });
        if baseline.changes.iter().all(within) && baseline.counts.is_empty() {
            self.out += "<p class=\"soft\">No change of a program is beyond the spread of its runs.</p>\n</section>\n";
            return Ok(());
        }
        self.out += "<details open><summary>Changes beyond the spread of the runs</summary>\
                     <div class=\"scroll\"><table><tbody>\n";
        for change in &baseline.changes {
            let (class, what) = match change.what {
                Difference::Time { beyond_spread: false, .. } => continue,
                Difference::Time { factor, .. } if factor < 1.0 => ("faster", percent(factor)),
                Difference::Time { factor, .. } => ("slower", percent(factor)),
                Difference::Runs => ("faster", "runs now".to_owned()),
                Difference::Fails => ("slower", "ran before".to_owned()),
            };
            writeln!(
                self.out,
                "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{what}</td></tr>",
                escape(&change.program),
                escape(&change.engine)
            )?;
        }
        for (what, was, is) in &baseline.counts {
            writeln!(self.out, "<tr><td>{}</td><td>{was:.2}</td><td>{is:.2}</td></tr>", escape(what))?;
        }
        self.out += "</tbody></table></div></details>\n</section>\n";
        Ok(())
    }

    fn method(&mut self) -> fmt::Result {
        let report = self.report;
        let beside = match report.jobs {
            1 => "one program at a time".to_owned(),
            n => format!(
                "{n} programs at a time, each bound to a core of its own, but those of memory, threads or several \
                 processes alone"
            ),
        };
        write!(
            self.out,
            "<section>\n<h2>How it was measured</h2>\n<p>Every round runs each program in each engine, in turn; {} rounds, \
             {beside}. Processor time is user and system time of the program and its descendants; the bars show medians. \
             Memory is that of the largest process. All engines have to print what the native build prints. A program \
             with a build in parentheses is a second one of the same source, and left out of the means. Scales are \
             logarithmic.</p>\n<dl>\n<dt>command</dt><dd><code>{}</code></dd>\n",
            report.rounds,
            escape(&report.command)
        )?;
        for engine in &report.engines {
            writeln!(self.out, "<dt>{}</dt><dd>{}</dd>", escape(&engine.name), escape(&engine.version))?;
        }
        let machine = &report.machine;
        writeln!(
            self.out,
            "<dt>machine</dt><dd>{}, {} processors, {:.1} GiB, Linux {}, {}</dd>\n</dl>\n</section>",
            escape(&machine.processor),
            machine.processors,
            machine.memory_mib as f64 / 1024.0,
            escape(&machine.kernel),
            escape(&machine.system)
        )
    }
}

/// A bar of a chart.
struct Bar {
    ratio: f64,
    spread: Option<(f64, f64)>,
    label: String,
    title: String,
    ahead: bool,
}

/// Why there is no time.
fn why_absent(outcome: &Outcome) -> &str {
    outcome.failure.as_deref().unwrap_or("the native build has no time to compare with")
}

/// A list of names with commas and `and`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
