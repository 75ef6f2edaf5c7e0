//! Deterministic counts from runs in quick size: the counters of remu's engines, and host instructions counted by
//! Callgrind.

use crate::catalogue::{Category, Origin, Program};
use crate::engines::{Engine, Lab, PREBUILT};
use crate::measure::Plan;
use crate::report::{EngineKind, Figures, Report};
use crate::run::{Request, run};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Callgrind slows a program down about fifty times.
const LIMIT: Duration = Duration::from_secs(600);

/// The directory of Valgrind's tools.
const FOLDERS: [&str; 3] = ["/usr/libexec/valgrind", "/usr/lib/x86_64-linux-gnu/valgrind", "/usr/lib/valgrind"];

/// The tool, which is statically linked and so runs in any root.
const TOOL: &str = "callgrind-amd64-linux";

/// The variables that Valgrind adds to the environment. The program must not see them.
const ADDED: &str = "LD_PRELOAD,VALGRIND_LAUNCHER,VALGRIND_LIB";

/// The path of Callgrind; the error says what to install.
pub fn tool() -> Result<PathBuf, String> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(TOOL)).find(|path| path.is_file()).ok_or(format!(
        "--figures counts the host's instructions with Callgrind, and there is no {TOOL}: \
         apt-get install --no-install-recommends valgrind"
    ))
}

/// Counts all programs that remu can run, and calls `note` with the report after each. Programs that cannot be counted
/// are reported and skipped.
pub fn count(plan: &Plan<'_>, report: &Mutex<Report>, jobs: usize, note: &(dyn Fn(&Report, &str) + Sync)) {
    let locked = || report.lock().expect("no panic happens with the lock held");
    for engine in plan.engines.iter().filter(|e| e.info.kind == EngineKind::Remu) {
        let name = &engine.info.name;
        let told = |what: &str, counted: Result<Figures, String>| match counted {
            Ok(figures) => Some(figures),
            Err(error) => {
                eprintln!("compare: no {what} of {error}");
                None
            }
        };
        // Old versions of Valgrind lack system calls that remu makes.
        let watched = |program: &Program| told("host instructions", count_one(plan.lab, engine, program, true));
        let start = watched(&nothing()).and_then(|figures| figures.host_instructions);
        let next = AtomicUsize::new(0);
        let worker = || {
            while let Some((index, program)) =
                plan.programs.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed))
            {
                // remu's machines take other options.
                if program.origin == Origin::Machine {
                    continue;
                }
                if !locked().programs[index].outcomes.get(name).is_some_and(|o| o.is_good()) {
                    continue;
                }
                // Callgrind ends when the program executes another.
                let figures = if program.executes { None } else { watched(program) };
                let figures = figures.or_else(|| told("counts", count_one(plan.lab, engine, program, false)));
                let Some(figures) = figures else { continue };
                let host_start = start.filter(|_| figures.host_instructions.is_some());
                let mut report = locked();
                report.programs[index].figures.insert(name.clone(), Figures { host_start, ..figures });
                note(&report, &format!("[{}/{}] {} counted", index + 1, plan.programs.len(), program.name));
            }
        };
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(worker);
            }
        });
    }
}

/// A program that exits at once. Its cost is the engine's start-up.
fn nothing() -> Program {
    Program {
        name: "nothing".to_owned(),
        build: PREBUILT.to_owned(),
        category: Category::Startup,
        title: String::new(),
        origin: Origin::Compiled { rva22: false, dynamic: false },
        forks: false,
        executes: false,
        full: Vec::new(),
        quick: Vec::new(),
    }
}

/// One run, with or without Callgrind.
fn count_one(lab: &Lab, engine: &Engine, program: &Program, watched: bool) -> Result<Figures, String> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // The folder of the emulator and the tool, as seen in the run.
    let seen = if program.origin == Origin::Debian { Path::new("/run") } else { &engine.tools };
    let copied = engine.tools.join(TOOL);
    if !copied.exists() {
        fs::copy(tool()?, &copied).map_err(|e| format!("{}: {e}", copied.display()))?;
    }
    let [counts, profile] = ["counts", "profile"].map(|name| format!("{name}-{number}"));
    let mut option = OsString::from("--callgrind-out-file=");
    option.push(seen.join(&profile));
    let own = |text: &str| text.to_owned();
    let watcher = [seen.join(TOOL).into(), "--tool=callgrind".into(), "--quiet".into(), option];
    let ran = run(&Request {
        lab,
        engine,
        program,
        args: &program.quick,
        repeat: 1,
        limit: LIMIT,
        cpu: None,
        extra: &[
            own("--seed"),
            own("1"),
            own("--no-aslr"),
            own("-U"),
            own(ADDED),
            own("--statistics"),
            seen.join(&counts).display().to_string(),
        ],
        prefix: if watched { &watcher } else { &[] },
        variables: &[("VALGRIND_LAUNCHER", "/usr/bin/valgrind"), ("VALGRIND_LIB", "/run")],
    })?;
    if let Some(failure) = ran.failure {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("{}: {failure}: {}", program.name, said.trim().lines().next().unwrap_or_default()));
    }
    let read = |name: &str| {
        let path = engine.tools.join(name);
        fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let numbers = read(&counts)?;
    let number = |l: &str| -> Option<(String, u64)> {
        Some((l.split_once(' ')?.0.to_owned(), l.split_once(' ')?.1.parse().ok()?))
    };
    // The sums over the blocks of all processes.
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in numbers.lines().filter_map(number) {
        *counts.entry(name).or_default() += count;
    }
    if !watched {
        return Ok(Figures { counts, ..Figures::default() });
    }
    // Child processes write their own profiles, with the process ID in the name.
    let profile = read(&profile)?;
    let total = profile.lines().find_map(|l| l.strip_prefix("totals: ").or(l.strip_prefix("summary: ")));
    let total = total.and_then(|t| t.trim().parse().ok());
    let total = total.ok_or(format!("{}: Callgrind left no total", program.name))?;
    Ok(Figures { counts, host_instructions: Some(total), host_start: None })
}
