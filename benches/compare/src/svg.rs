//! A small chart of the means by category, to be seen on a page that is light or dark.

use crate::html::{colour, escape};
use crate::report::Report;
use crate::terminal::{mean, ratio};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
/// Where bars begin and end.
const LEFT: f64 = 132.0;
const RIGHT: f64 = 610.0;
const BAR: f64 = 11.0;
const GAP: f64 = 3.0;
const BETWEEN: f64 = 13.0;
const TOP: f64 = 58.0;

/// A scale of ratios, by their logarithm: from less than any to more than any.
pub struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// For these ratios.
    pub fn of(ratios: impl IntoIterator<Item = f64>) -> Self {
        let (mut least, mut most) = (1.0_f64, 2.0_f64);
        for ratio in ratios.into_iter().filter(|r| r.is_finite() && *r > 0.0) {
            least = least.min(ratio);
            most = most.max(ratio);
        }
        Self { least: if least < 1.0 { least * 0.9 } else { 1.0 }, most: most * 1.08 }
    }

    /// The place of a ratio, from 0 to 1.
    pub fn place(&self, ratio: f64) -> f64 {
        ((ratio / self.least).ln() / (self.most / self.least).ln()).clamp(0.0, 1.0)
    }

    /// Round ratios to be marked.
    pub fn ticks(&self) -> Vec<f64> {
        const ROUND: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
        ROUND.into_iter().filter(|t| (self.least..=self.most).contains(t)).collect()
    }
}

/// A tick's label.
pub fn tick(value: f64) -> String {
    format!("{value}×")
}

/// The chart.
pub fn summary(report: &Report) -> String {
    let emulators: Vec<_> = report.emulators().collect();
    let categories: Vec<_> = report.categories().collect();
    let means = categories.iter().flat_map(|c| emulators.iter().filter_map(|e| report.mean(*c, &e.name)));
    let scale = Scale::of(means.map(|m| m.ratio));
    let x = |ratio: f64| LEFT + scale.place(ratio) * (RIGHT - LEFT);
    let group = emulators.len() as f64 * (BAR + GAP) + BETWEEN;
    let bottom = TOP + group * categories.len() as f64;
    let height = bottom + 24.0;
    let mut out = String::new();
    // GitHub shows the file as an image, in which the media query follows the reader's theme.
    let _ = write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">
<title id="title">Processor time as a multiple of the native build's, geometric means by category</title>
<style>
text {{ font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2430 }}
.head {{ font-size: 14px; font-weight: 600 }}
.soft {{ fill: #5b6472 }}
.number {{ font-size: 11px; font-variant-numeric: tabular-nums }}
.grid {{ stroke: #d5dae2; stroke-width: 1 }}
.one {{ stroke: #8a93a3; stroke-width: 1 }}
"##
    );
    for (number, engine) in emulators.iter().enumerate() {
        let _ = writeln!(out, ".e{number} {{ fill: {} }}", colour(report, &engine.name, false));
    }
    out += "@media (prefers-color-scheme: dark) {\ntext { fill: #e6e9ef }\n.soft { fill: #a3adbb }\n\
            .grid { stroke: #343b47 }\n.one { stroke: #7b8596 }\n";
    for (number, engine) in emulators.iter().enumerate() {
        let _ = writeln!(out, ".e{number} {{ fill: {} }}", colour(report, &engine.name, true));
    }
    out += "}\n</style>\n";
    let _ = writeln!(
        out,
        r#"<text class="head" x="0" y="15">Processor time, as a multiple of the native build's</text>
<text class="soft" x="{WIDTH}" y="15" text-anchor="end">shorter is faster; logarithmic</text>"#
    );
    let mut at = 0.0;
    for (number, engine) in emulators.iter().enumerate() {
        let _ = writeln!(
            out,
            r#"<rect class="e{number}" x="{at}" y="27" width="11" height="11" rx="2"/><text x="{}" y="37">{}</text>"#,
            at + 17.0,
            escape(&engine.name)
        );
        at += 42.0 + 7.2 * engine.name.chars().count() as f64;
    }
    for value in scale.ticks() {
        let class = if value == 1.0 { "one" } else { "grid" };
        let _ = writeln!(
            out,
            r#"<line class="{class}" x1="{0:.1}" x2="{0:.1}" y1="{TOP}" y2="{1:.1}"/><text class="soft number" x="{0:.1}" y="{2:.1}" text-anchor="middle">{3}</text>"#,
            x(value),
            bottom - BETWEEN + 4.0,
            bottom + 8.0,
            tick(value)
        );
    }
    for (row, category) in categories.iter().enumerate() {
        let top = TOP + 4.0 + row as f64 * group;
        let middle = top + (group - BETWEEN) / 2.0 + 3.0;
        let _ = writeln!(out, r#"<text x="0" y="{middle:.1}">{}</text>"#, category.title());
        for (number, engine) in emulators.iter().enumerate() {
            let y = top + number as f64 * (BAR + GAP);
            let Some(m) = report.mean(*category, &engine.name) else { continue };
            if let Some(none) = m.none() {
                let _ = writeln!(
                    out,
                    r#"<text class="soft number" x="{:.1}" y="{:.1}">{none}</text>"#,
                    LEFT + 4.0,
                    y + 9.5
                );
                continue;
            }
            let end = x(m.ratio).max(LEFT + 2.0);
            let label = if m.failed == 0 { ratio(m.ratio) } else { format!("{} *", ratio(m.ratio)) };
            let _ = writeln!(
                out,
                r#"<rect class="e{number}" x="{LEFT}" y="{y:.1}" width="{:.1}" height="{BAR}" rx="2"><title>{}: {}</title></rect><text class="number" x="{:.1}" y="{:.1}">{label}</text>"#,
                end - LEFT,
                escape(&engine.name),
                mean(&m),
                end + 5.0,
                y + 9.5
            );
        }
    }
    let failures = categories
        .iter()
        .any(|c| emulators.iter().filter_map(|e| report.mean(*c, &e.name)).any(|m| m.failed > 0 && m.none().is_none()));
    if failures {
        let _ = writeln!(
            out,
            r#"<text class="soft number" x="{WIDTH}" y="{:.1}" text-anchor="end">* one that does not run counts as the worst</text>"#,
            37.0
        );
    }
    out += "</svg>\n";
    out
}
