//! `cargo compare [OPTIONS] [FILTER...]`: compares remu with QEMU and the native build, and writes reports.

use clap::Parser;
use compare::baseline::Baseline;
use compare::catalogue::{self, Origin, Program};
use compare::engines::{Engine, Lab, PREBUILT, Qemu, shown};
use compare::measure::{Plan, measure};
use compare::report::{EngineKind, FORMAT, Machine, ProgramReport, Report, replace, replaceable};
use compare::run::command_output;
use compare::{figures, html, markdown, processors, svg, terminal};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

/// Compares remu with QEMU and the native build of the same programs
///
/// The programs are listed in benches/programs/programs.toml. Each round runs every program once in every engine. The
/// table goes to standard output. The measurement, even an interrupted one, is saved as
/// target/…/tmp/compare/report.json, from which --from makes reports.
#[derive(Parser, Debug)]
#[command(name = "cargo compare", version)]
struct Options {
    /// Only programs of these categories or with these parts of names
    filters: Vec<String>,

    /// Runs of each program in each engine
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: u64,

    /// Use small inputs and one round: checks that everything runs and prints the right output, but measures nothing
    #[arg(long)]
    quick: bool,

    /// A QEMU to compare with; can be repeated (default: qemu-riscv64 in PATH). For programs on whole machines,
    /// qemu-system-riscv64 is looked for beside it
    #[arg(long, value_name = "PATH")]
    qemu: Vec<PathBuf>,

    /// Also compare with Debian's newest QEMU, which is fetched but not installed; REMU_DEBIAN_UPDATE=1 fetches a newer
    /// one
    #[arg(long)]
    newest_qemu: bool,

    /// The remu to measure, with remu-system beside it for programs on whole machines (default: a fresh release build)
    #[arg(long, value_name = "PATH")]
    remu: Option<PathBuf>,

    /// Number of single-threaded programs to run in parallel, each on its own processor
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    jobs: u64,

    /// Time limit of a run in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86400))]
    limit: u64,

    /// Also count guest and host instructions, blocks and exits, with small inputs
    #[arg(long)]
    figures: bool,

    /// Also save the measurement in this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the report as an HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write a chart of the means by category
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Write the means and the start-up cost as a table for a README
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Compare with the measurement in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Measure nothing; report the measurement in this file
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// List the programs
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    // Cargo passes it to benchmarks; it has no effect.
    let words = std::env::args_os().filter(|w| w != "--bench");
    match compare(&Options::parse_from(words)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::from(2)
        }
    }
}

fn compare(options: &Options) -> Result<ExitCode, String> {
    let baseline = options.baseline.as_deref().map(read).transpose()?;
    let report = match &options.from {
        Some(path) => read(path)?,
        None => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package is in the clone");
            let list = root.join("benches/programs/programs.toml");
            let text = fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
            let programs = catalogue::parse(&text).map_err(|e| format!("{}: {e}", list.display()))?;
            let chosen: Vec<&Program> = programs.iter().filter(|p| catalogue::chosen(p, &options.filters)).collect();
            if chosen.is_empty() {
                return Err("no program is of that category or name; --list lists them".to_owned());
            }
            if options.list {
                let line = |p: &&Program| format!("{:9} {:24} {}\n", p.category, p.name, p.title);
                print(&chosen.iter().map(line).collect::<String>())?;
                return Ok(ExitCode::SUCCESS);
            }
            for path in outputs(options) {
                replaceable(path).map_err(|e| format!("{}: {e}", path.display()))?;
            }
            run(options, root, &chosen)?
        }
    };
    let baseline = baseline.as_ref().map(|old| Baseline::new(old, &report));
    write_files(options, &report, baseline.as_ref())?;
    print(&terminal::render(&report, baseline.as_ref(), terminal::width()))?;
    let wrong: Vec<String> = report.programs.iter().flat_map(|p| wrong_results(&report, p)).collect();
    for line in &wrong {
        eprintln!("compare: {line}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The failures of remu and of native builds. QEMU's failures are reported, but do not fail the command.
fn wrong_results(report: &Report, program: &ProgramReport) -> Vec<String> {
    let of = |kind| report.engines.iter().filter(move |e| e.kind == kind);
    let ours = of(EngineKind::Native).chain(of(EngineKind::Remu));
    let failure = |name: &str| program.outcomes.get(name)?.failure.clone();
    ours.filter_map(|e| Some(format!("{} by {}: {}", program.name, e.name, failure(&e.name)?))).collect()
}

fn read(path: &Path) -> Result<Report, String> {
    Report::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Prints to standard output. A closed pipe is not an error.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {e}")),
        _ => Ok(()),
    }
}

/// The output files.
fn outputs(options: &Options) -> impl Iterator<Item = &PathBuf> {
    [&options.json, &options.html, &options.svg, &options.markdown].into_iter().flatten()
}

fn write_files(options: &Options, report: &Report, baseline: Option<&Baseline>) -> Result<(), String> {
    let written = |path: &Path, text: String| replace(path, &text).map_err(|e| format!("{}: {e}", path.display()));
    if let Some(path) = &options.json {
        report.write(path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if let Some(path) = &options.html {
        written(path, html::render(report, baseline))?;
    }
    if let Some(path) = &options.svg {
        written(path, svg::summary(report))?;
    }
    if let Some(path) = &options.markdown {
        written(path, markdown::summary(report))?;
    }
    Ok(())
}

/// Runs the measurement.
fn run(options: &Options, root: &Path, programs: &[&Program]) -> Result<Report, String> {
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let target = exe.ancestors().nth(2).ok_or("this program is not in cargo's target folder")?;
    let folder = target.join("tmp/compare");
    let _alone = alone(&folder)?;
    nobody_runs_guests()?;
    if options.figures {
        figures::tool()?;
    }
    let remu = build(root, target, options.remu.as_deref())?;
    let mut qemus = Vec::new();
    for path in &options.qemu {
        qemus.push(Qemu::at(path.canonicalize().map_err(|e| format!("{}: {e}", path.display()))?));
    }
    if qemus.is_empty() {
        qemus.push(Qemu::at(in_path("qemu-riscv64")?));
    }
    if options.newest_qemu {
        qemus.push(newest_qemu(root, programs.iter().any(|p| p.origin == Origin::Machine))?);
    }
    eprintln!("building and fetching what the programs need");
    let lab = Lab::prepare(root, target, programs)?;
    let engines = lab.engines(&qemus, &remu)?;
    let processors = if options.jobs > 1 { processors::apart(options.jobs as usize)? } else { Vec::new() };
    let rounds = if options.quick { 1 } else { options.rounds as usize };
    let plan = Plan {
        lab: &lab,
        engines: &engines,
        programs,
        rounds,
        quick: options.quick,
        limit: Duration::from_secs(options.limit),
        processors,
    };
    let kept = folder.join("report.json");
    let report = Mutex::new(begin(&plan, root, options.jobs as usize)?);
    let note = |report: &Report, line: &str| {
        eprintln!("{line}");
        if let Err(error) = report.write(&kept) {
            eprintln!("compare: {}: {error}", kept.display());
        }
    };
    measure(&plan, &report, &note);
    {
        let mut report = report.lock().expect("no panic happened with the lock held");
        report.complete = true;
        note(&report, &format!("the measurement is kept in {}", kept.display()));
    }
    if options.figures {
        figures::count(&plan, &report, options.jobs as usize, &note);
    }
    Ok(report.into_inner().expect("no panic happened with the lock held"))
}

/// Creates and locks the folder of the measured programs. The lock is held while the file is open.
fn alone(folder: &Path) -> Result<File, String> {
    let own = |e: io::Error| format!("{}: {e}", folder.display());
    fs::create_dir_all(folder).map_err(own)?;
    let lock = File::create(folder.join("measuring")).map_err(own)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => {
            Err(format!("another comparison has {}; wait for its end", folder.display()))
        }
        Err(fs::TryLockError::Error(e)) => Err(own(e)),
    }
}

/// An empty report.
fn begin(plan: &Plan<'_>, root: &Path, jobs: usize) -> Result<Report, String> {
    let words = std::env::args_os().skip(1).map(|w| w.to_string_lossy().into_owned());
    let words = words.filter(|w| w != "--bench").collect::<Vec<_>>().join(" ");
    let git = |args: &[&str]| command_output(Command::new("git").arg("-C").arg(root).args(args));
    let programs = plan.programs.iter().map(|p| ProgramReport {
        name: p.name.clone(),
        category: p.category,
        title: p.title.clone(),
        command: shown(p, plan.args(p)),
        variant: p.is_variant(),
        outcomes: Default::default(),
        figures: Default::default(),
    });
    Ok(Report {
        format: FORMAT,
        command: format!("cargo compare {words}").trim().to_owned(),
        started: command_output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?.trim().to_owned(),
        // An unpacked archive has no revision.
        revision: git(&["describe", "--always", "--dirty"]).unwrap_or_default().trim().to_owned(),
        machine: machine(),
        rounds: plan.rounds,
        jobs,
        quick: plan.quick,
        complete: false,
        engines: plan.engines.iter().map(|e: &Engine| e.info.clone()).collect(),
        programs: programs.collect(),
    })
}

fn machine() -> Machine {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str, separator: char| {
        let line = text.lines().find(|l| l.starts_with(name)).and_then(|l| l.split_once(separator));
        line.map(|(_, value)| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
    };
    let memory = field(&file("/proc/meminfo"), "MemTotal", ':');
    Machine {
        processor: field(&file("/proc/cpuinfo"), "model name", ':'),
        processors: processors::allowed().map_or(1, |p| p.len()),
        memory_mib: memory.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024,
        kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
        system: field(&file("/etc/os-release"), "PRETTY_NAME", '='),
    }
}

/// Builds remu and the helper `measure`; returns remu's path.
fn build(root: &Path, target: &Path, given: Option<&Path>) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cargo = |args: &[&str]| {
        let mut command = Command::new(&cargo);
        let status = command.current_dir(root).args(["build", "--locked", "--quiet"]).args(args).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("cargo build {} failed ({status})", args.join(" "))),
            Err(e) => Err(format!("cargo: {e}")),
        }
    };
    cargo(&["--package", "compare", "--bin", "measure"])?;
    if let Some(path) = given {
        // Absolute, since programs run in other folders.
        return path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    }
    eprintln!("building remu");
    cargo(&["--release", "--bin", "remu", "--bin", "remu-system"])?;
    Ok(target.join("release/remu"))
}

/// Checks that no emulator is registered for riscv64 programs on the host: it would run in place of remu and of the
/// native build.
fn nobody_runs_guests() -> Result<(), String> {
    match Command::new(PREBUILT).output() {
        Err(e) if e.raw_os_error() == Some(libc::ENOEXEC) => Ok(()),
        Err(e) => Err(format!("{PREBUILT}: {e}")),
        Ok(_) => Err("this machine runs riscv64 programs by itself: take the registration out of \
                      /proc/sys/fs/binfmt_misc first"
            .to_owned()),
    }
}

fn in_path(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file());
    found.ok_or(format!("{name} is not in PATH: apt-get install --no-install-recommends qemu-user, or --qemu PATH"))
}

/// Debian's newest QEMU, with its emulator of machines if it is needed.
fn newest_qemu(root: &Path, machines: bool) -> Result<Qemu, String> {
    let folder = |words: &[&str]| {
        let mut fetch = Command::new(root.join("tests/debian/fetch.sh"));
        let line = command_output(fetch.arg("--newest").args(words))?;
        let folder = line.split_whitespace().nth(2).ok_or("tests/debian/fetch.sh printed no folder")?;
        Ok::<_, String>(PathBuf::from(folder))
    };
    let user = folder(&["qemu-user", "qemu-riscv32", "qemu-riscv64"])?.join("usr/bin/qemu-riscv64");
    if !machines {
        return Ok(Qemu { user, machine: None });
    }
    let folder = folder(&["qemu-system-riscv", "qemu-system-riscv32", "qemu-system-riscv64"])?;
    // It is dynamically linked, and its libraries may be newer than the host's.
    let linker = [folder.join("usr/lib64/ld-linux-x86-64.so.2").into(), "--library-path".into()];
    let rest = [folder.join("usr/lib/x86_64-linux-gnu").into(), folder.join("usr/bin/qemu-system-riscv64").into()];
    Ok(Qemu { user, machine: Some([linker, rest].concat()) })
}
