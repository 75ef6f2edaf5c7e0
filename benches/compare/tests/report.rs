//! Values computed from measurements, and rendered reports.

use compare::baseline::{Baseline, Difference};
use compare::catalogue::{self, Category, Origin};
use compare::report::{
    EngineInfo, EngineKind, FORMAT, Figures, Machine, Outcome, ProgramReport, Report, Sample, replace, replaceable,
};
use compare::statistics::{Mean, Spread, geometric_mean, mean};
use compare::{html, markdown, svg, terminal};
use std::collections::BTreeMap;

// --- statistics ---

#[test]
fn a_spread_has_median_minimum_and_maximum() {
    let of = |numbers: &[f64]| Spread::of(numbers.iter().copied()).map(|s| (s.least, s.median, s.most));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[3.0]), Some((3.0, 3.0, 3.0)));
    assert_eq!(of(&[9.0, 1.0, 2.0]), Some((1.0, 2.0, 9.0)));
    assert_eq!(of(&[4.0, 1.0, 9.0, 2.0]), Some((1.0, 3.0, 9.0)));
    let halves = Spread { median: 2.0, least: 1.0, most: 4.0 }.over(2.0);
    assert_eq!(halves, Spread { median: 1.0, least: 0.5, most: 2.0 });
}

#[test]
fn a_failed_program_counts_with_the_worst_ratio() {
    assert_eq!(geometric_mean([]), None);
    assert!((geometric_mean([2.0, 8.0]).unwrap() - 4.0).abs() < 1e-12);
    let of = |ratios: &[Option<f64>], worst| mean(ratios, worst).map(|m| ((m.ratio * 1e9).round() / 1e9, m.failed));
    assert_eq!(of(&[Some(2.0), Some(8.0)], Some(32.0)), Some((4.0, 0)));
    assert_eq!(of(&[Some(2.0), None], Some(8.0)), Some((4.0, 1)));
    assert_eq!(of(&[None, None], Some(8.0)), Some((8.0, 2)), "nothing runs: all of it is the worst");
    assert_eq!(of(&[None], None), None, "there is nothing to be worst among");
}

// --- the catalogue ---

#[test]
fn the_catalogue_is_read() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../programs/programs.toml")).unwrap();
    let programs = catalogue::parse(&text).unwrap();
    for category in Category::ALL {
        assert!(programs.iter().any(|p| p.category == category), "{category} has no program");
    }
    for program in &programs {
        assert_eq!(program.is_variant(), program.name.ends_with(" (rva22)"), "{}", program.name);
        assert!(program.category != Category::Real || program.origin == Origin::Debian, "{}", program.name);
    }
    let chosen = |filter: &str| programs.iter().filter(|p| catalogue::chosen(p, &[filter.into()])).count();
    assert_eq!(chosen("float"), programs.iter().filter(|p| p.category == Category::Float).count());
    assert_eq!(chosen("no such program"), 0);
}

#[test]
fn a_wrong_catalogue_is_refused() {
    let head = "[[program]]\nname = \"a\"\ncategory = \"integer\"\ntitle = \"A\"\n";
    let error = |rest: &str| catalogue::parse(&format!("{head}{rest}")).expect_err(rest);
    assert_eq!(error(""), "a: write source, or command and quick_command");
    assert_eq!(error("source = \"a.c\"\ncommand = [\"b\"]"), "a: write source, or command and quick_command");
    assert!(error("source = \"a.c\"\nneed = \"threads\"").contains("unknown field `need`"));
    assert!(error("source = \"a.c\"\nforks = \"often\"").contains("expected a boolean"));
    assert_eq!(error(&format!("source = \"a.c\"\n{head}source = \"b.c\"")), "a: two programs have that name");
    let two = catalogue::parse(&format!("{head}source = \"a.c\"\nrva22 = true")).unwrap();
    assert_eq!(two.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "a (rva22)"]);
    let two = catalogue::parse(&format!("{head}source = \"a.c\"\nmachine = true")).unwrap();
    let two: Vec<_> = two.iter().map(|p| (p.name.as_str(), p.category, p.is_variant())).collect();
    assert_eq!(two, [("a", Category::Integer, false), ("a (machine)", Category::Machine, false)]);
    let static_only = "a: only a static program of a source runs on a machine";
    assert_eq!(error("source = \"a.c\"\ndynamic = true\nmachine = true"), static_only);
    assert_eq!(error("command = [\"a\"]\nquick_command = [\"a\"]\nmachine = true"), static_only);
}

// --- reports ---

fn good(times: &[f64]) -> Outcome {
    let sample = |&t: &f64| Sample { user: t * 0.75, system: t * 0.25, wall: t * 1.5, memory: 2048 };
    Outcome { samples: times.iter().map(sample).collect(), ..Outcome::default() }
}

fn failed() -> Outcome {
    Outcome { failure: Some("died of signal 11: <oh> & \"no\"".into()), ..good(&[0.001]) }
}

fn program(name: &str, category: Category, outcomes: [Outcome; 3]) -> ProgramReport {
    ProgramReport {
        name: name.into(),
        category,
        title: "a <title> & more".into(),
        command: format!("{name} 1"),
        variant: name.contains('('),
        outcomes: ["native", "QEMU 7.2", "remu"].into_iter().map(str::to_owned).zip(outcomes).collect(),
        figures: BTreeMap::new(),
    }
}

fn report() -> Report {
    let engine = |name: &str, kind| EngineInfo { name: name.into(), kind, version: format!("{name}, a version") };
    let mut programs = vec![
        program("sieve", Category::Integer, [good(&[1.0, 1.0, 1.0]), good(&[4.0, 5.0, 3.0]), good(&[2.0, 1.0, 3.0])]),
        program("lz", Category::Integer, [good(&[1.0]), good(&[16.0]), failed()]),
        program("lz (rva22)", Category::Integer, [good(&[1.0]), good(&[90.0]), good(&[90.0])]),
        program("parsum", Category::Threads, [good(&[0.5]), good(&[1.0]), failed()]),
    ];
    let counts = [("instructions", 2_000_000), ("blocks", 12), ("lookups", 20), ("lookup-hits", 8), ("exits", 4)];
    let counts = counts.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    let figures = Figures { counts, host_instructions: Some(25_000_000), host_start: Some(1_000_000) };
    programs[0].figures.insert("remu".into(), figures);
    Report {
        format: FORMAT,
        command: "cargo compare".into(),
        started: "2026-01-02 03:04 UTC".into(),
        revision: "abc".into(),
        machine: Machine { processor: "A & B".into(), processors: 2, memory_mib: 2048, ..Machine::default() },
        rounds: 3,
        jobs: 1,
        quick: false,
        complete: true,
        engines: vec![
            engine("native", EngineKind::Native),
            engine("QEMU 7.2", EngineKind::Qemu),
            engine("remu", EngineKind::Remu),
        ],
        programs,
    }
}

#[test]
fn ratios_and_means_come_from_medians() {
    let report = report();
    let sieve = &report.programs[0];
    assert_eq!(sieve.ratio("native", "QEMU 7.2"), Some(Spread { median: 4.0, least: 3.0, most: 5.0 }));
    assert_eq!(report.programs[1].ratio("native", "remu"), None, "a time before a failure is none");
    let of = |category, engine: &str| report.mean(category, engine).unwrap();
    let qemu = of(Category::Integer, "QEMU 7.2");
    assert!((qemu.ratio - 8.0).abs() < 1e-9 && qemu.programs == 2 && qemu.failed == 0, "the second build is left out");
    let remu = of(Category::Integer, "remu");
    assert!((remu.ratio - 32_f64.sqrt()).abs() < 1e-9 && remu.failed == 1, "2 and the worst, which is QEMU's 16");
    assert_eq!(of(Category::Threads, "remu"), Mean { ratio: 2.0, programs: 1, failed: 1 });
    assert_eq!(report.ahead(sieve).unwrap().name, "remu");
    assert_eq!(report.ahead(&report.programs[1]).unwrap().name, "QEMU 7.2");
    let figures = &sieve.figures["remu"];
    assert_eq!((figures.expansion(), figures.per_million("exits")), (Some(12.0), Some(2.0)));
    assert_eq!(figures.found(), Some(40.0));
}

#[test]
fn a_category_of_failures_is_named() {
    let mut report = report();
    assert_eq!(report.mean(Category::Threads, "remu").unwrap().none(), Some("none runs"));
    assert!(svg::summary(&report).contains("none runs"));
    assert!(html::render(&report, None).contains("none of them runs"));
    assert_eq!(report.mean(Category::Integer, "remu").unwrap().none(), None);
    // Without a native time, no engine is at fault.
    report.programs[1].outcomes.insert("native".into(), failed());
    let qemu = report.mean(Category::Integer, "QEMU 7.2").unwrap();
    assert_eq!((qemu.programs, qemu.failed), (1, 0));
}

#[test]
fn files_are_replaced_and_devices_written_in_place() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let there = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    for text in ["first", "second"] {
        replaceable(&at("file")).unwrap();
        replace(&at("file"), text).unwrap();
        assert_eq!(there("file"), text);
    }
    std::fs::write(at("other"), "").unwrap();
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode();
    assert_eq!(mode("file"), mode("other"), "as any file's");
    std::os::unix::fs::symlink("other", at("link")).unwrap();
    replaceable(&at("link")).unwrap();
    replace(&at("link"), "through it").unwrap();
    assert_eq!(there("other"), "through it");
    assert!(at("link").is_symlink());
    replace("/dev/null".as_ref(), "nobody reads it").unwrap();
    assert_eq!(replaceable(&at("none/file")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(replaceable(folder.path()).unwrap_err().kind(), std::io::ErrorKind::IsADirectory);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left");
}

#[test]
fn a_report_survives_saving_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let report = report();
    report.write(&path).unwrap();
    assert_eq!(Report::read(&path).unwrap(), report);
    Report { format: FORMAT + 1, ..report }.write(&path).unwrap();
    let error = Report::read(&path).unwrap_err().to_string();
    assert_eq!(error, format!("a report of format {}, not {FORMAT}", FORMAT + 1));
}

#[test]
fn two_reports_are_compared() {
    let old = report();
    let mut new = report();
    let set = |new: &mut Report, program: usize, engine: &str, outcome| {
        new.programs[program].outcomes.insert(engine.into(), outcome);
    };
    set(&mut new, 0, "remu", good(&[0.5, 0.4, 0.6]));
    set(&mut new, 0, "QEMU 7.2", good(&[4.4, 4.4, 4.4]));
    set(&mut new, 1, "remu", good(&[3.0]));
    set(&mut new, 2, "remu", failed());
    set(&mut new, 2, "QEMU 7.2", good(&[45.0]));
    let remu = new.programs[0].figures.get_mut("remu").unwrap();
    remu.host_instructions = Some(21_000_000);
    let both = Baseline::new(&old, &new);
    assert_eq!(both.of("sieve", "remu"), Some(Difference::Time { factor: 0.25, beyond_spread: true }));
    let Some(Difference::Time { factor, beyond_spread: false }) = both.of("sieve", "QEMU 7.2") else { panic!() };
    assert!((factor - 1.1).abs() < 1e-9);
    assert_eq!(both.of("lz", "remu"), Some(Difference::Runs));
    assert_eq!(both.of("lz (rva22)", "remu"), Some(Difference::Fails));
    assert_eq!(both.of("parsum", "remu"), None, "it ran neither before nor now");
    assert_eq!(both.mean("remu"), Some(0.25));
    let single = Difference::Time { factor: 0.5, beyond_spread: false };
    assert_eq!(both.of("lz (rva22)", "QEMU 7.2"), Some(single), "one run has no spread");
    assert!((both.mean("QEMU 7.2").unwrap() - 1.1_f64.cbrt()).abs() < 1e-9, "second builds are left out");
    assert_eq!(both.counts, [("sieve by remu: host instructions for one of the guest".to_owned(), 12.0, 10.0)]);
    assert_eq!(both.caution, None);
    new.quick = true;
    assert_eq!(Baseline::new(&old, &new).caution.as_deref(), Some("one of the two is of small sizes"));
    new.machine.processor = "C".into();
    new.programs[0].command = "sieve 2".into();
    let both = Baseline::new(&old, &new);
    assert_eq!(both.caution.as_deref(), Some("the earlier one was made on another machine (A & B)"));
    assert_eq!(both.of("sieve", "remu"), None, "other work is no comparison");
}

// --- drawings ---

/// Fails unless every element is properly closed. Sufficient for our output, which has no comments and no `<` or `>` in
/// attributes.
fn check_elements(text: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').unwrap_or_else(|| panic!("not closed: {}", &rest[at..])) + at;
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<'), "a bare < before {tag}");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "at {}", &rest[at..end]);
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        rest = &rest[end + 1..];
        if name == "style" || name == "script" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).unwrap_or(0)..];
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for part in text.split('&').skip(1).filter(|p| !p.starts_with('&')) {
        let entity = part.split(';').next().unwrap();
        assert!(["amp", "lt", "gt", "quot"].contains(&entity), "&{entity}");
    }
}

#[test]
fn the_page_is_well_formed_and_self_contained() {
    let report = report();
    let mut later = report.clone();
    later.programs[0].outcomes.insert("remu".into(), good(&[0.5]));
    let page = html::render(&later, Some(&Baseline::new(&report, &later)));
    check_elements(&page.replace("&&", ""));
    for outside in ["http:", "https:", "//cdn", "<link", "<img", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for part in ["prefers-color-scheme: dark", "viewport", "died of signal 11", "Integer", "sieve"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<oh>") && !page.contains("<title> & more"));
    check_elements(&html::render(&Report { complete: false, quick: true, ..report }, None).replace("&&", ""));
}

#[test]
fn the_chart_is_well_formed() {
    let chart = svg::summary(&report());
    check_elements(&chart);
    assert!(chart.starts_with("<svg xmlns=") && chart.contains("prefers-color-scheme: dark"));
    assert!(chart.contains("none runs") && chart.contains("8.00×") && chart.contains("5.66× *"), "{chart}");
}

#[test]
fn the_table_shows_the_leader_and_failures() {
    let report = report();
    let table = terminal::render(&report, None, 100);
    let line =
        |start: &str| table.lines().find(|l| l.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{table}"));
    assert!(table.contains("    remu         2.00×     1.00×–3.00×     2.0 MiB ◂ "), "{table}");
    assert!(table.contains("    remu       FAILED: died of signal 11"), "{table}");
    assert_eq!(line("geometric mean"), "  geometric mean: QEMU 7.2 8.00×, remu 5.66× (1 of 2 not run)");
    assert!(table.contains("geometric mean: QEMU 7.2 2.00×, remu none runs"), "{table}");
    assert!(table.lines().filter(|l| l.contains('█')).all(|l| l.chars().count() <= 100), "{table}");
}

#[test]
fn the_summary_has_means_start_up_cost_and_leaders() {
    let mut report = report();
    report.programs.push(program("hello", Category::Startup, [good(&[0.002]), good(&[0.02]), failed()]));
    let expected = "\
| | native | QEMU 7.2 | remu |
|---|---|---|---|
| Integer, 2 | 1 | 8.00× (1) | 5.66×, 1 not run (1) |
| Threads, 1 | 1 | 2.00× (1) | none runs |
| Start-up, 1 | 1 | 10.0× (1) | none runs |
| `hello` | 3.00 ms, 2.0 MiB | 30.0 ms, 2.0 MiB | FAILED |

- QEMU 7.2 is ahead in 3 of 4; worst in `lz` (16.0×), `hello` (10.0×), `sieve` (4.00×), `parsum` (2.00×).
- remu is ahead in 1 of 4: `sieve`; worst in `sieve` (2.00×).
";
    assert_eq!(markdown::summary(&report), expected);
}
