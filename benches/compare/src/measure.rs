//! The measurement: each round runs every program in every engine.

use crate::catalogue::{Category, Origin, Program};
use crate::engines::{Engine, Lab};
use crate::report::{EngineKind, Report};
use crate::run::{Request, run};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The settings of a measurement.
pub struct Plan<'a> {
    pub lab: &'a Lab,
    pub engines: &'a [Engine],
    pub programs: &'a [&'a Program],
    pub rounds: usize,
    pub quick: bool,
    pub limit: Duration,
    /// The processors for single-threaded programs, one program each. If empty, programs are not bound.
    pub processors: Vec<usize>,
}

/// The number of starts per measurement for programs of the start-up category: a single start is too short for the
/// kernel's clock. Debian programs take longer to start than ours.
const STARTS: u32 = 40;
const DEBIAN_STARTS: u32 = 8;
const QUICK_STARTS: u32 = 3;

impl Plan<'_> {
    /// A program's arguments in the measured size.
    pub fn args<'p>(&self, program: &'p Program) -> &'p [String] {
        if self.quick { &program.quick } else { &program.full }
    }

    fn repeat(&self, program: &Program) -> u32 {
        match (program.category, self.quick) {
            (Category::Startup, false) if program.origin == Origin::Debian => DEBIAN_STARTS,
            (Category::Startup, false) => STARTS,
            (Category::Startup, true) => QUICK_STARTS,
            _ => 1,
        }
    }

    /// Whether a program must run alone, because it and a concurrent program would disturb each other.
    fn alone(program: &Program) -> bool {
        program.forks
            || program.executes
            || matches!(program.category, Category::Threads | Category::Memory | Category::Machine)
    }
}

/// Runs the measurement. Calls `note` after each turn of a program, with the report so far and a progress line.
pub fn measure(plan: &Plan<'_>, report: &Mutex<Report>, note: &(dyn Fn(&Report, &str) + Sync)) {
    let parallel = plan.processors.len() > 1;
    let (alone, beside): (Vec<_>, Vec<_>) =
        (0..plan.programs.len()).partition(|&p| !parallel || Plan::alone(plan.programs[p]));
    let progress = Progress::new(plan);
    let turn = |program: usize, cpu: Option<usize>| {
        let line = take_turn(plan, report, program, cpu, &progress);
        let report = report.lock().expect("no panic happens with the lock held");
        note(&report, &line);
    };
    for _ in 0..plan.rounds {
        let next = AtomicUsize::new(0);
        let worker = |cpu: usize| {
            while let Some(&program) = beside.get(next.fetch_add(1, Ordering::Relaxed)) {
                turn(program, Some(cpu));
            }
        };
        thread::scope(|scope| {
            let worker = &worker;
            for &cpu in &plan.processors {
                scope.spawn(move || worker(cpu));
            }
        });
        alone.iter().for_each(|&program| turn(program, None));
    }
}

/// Runs a program once in each engine; returns a line with the times.
fn take_turn(plan: &Plan<'_>, report: &Mutex<Report>, index: usize, cpu: Option<usize>, progress: &Progress) -> String {
    let program = plan.programs[index];
    let start = Instant::now();
    let mut expected = None;
    let mut line = format!("{:24}", program.name);
    for engine in plan.engines.iter().filter(|e| e.runs(program)) {
        let name = &engine.info.name;
        let failed_before = {
            let report = report.lock().expect("no panic happens with the lock held");
            report.programs[index].outcomes.get(name).is_some_and(|o| o.failure.is_some())
        };
        // A program that failed is not run again, except in the native build, whose output is the reference.
        if failed_before && engine.info.kind != EngineKind::Native {
            line += &format!("  {name} -");
            continue;
        }
        let ran = run(&Request {
            lab: plan.lab,
            engine,
            program,
            args: plan.args(program),
            repeat: plan.repeat(program),
            limit: plan.limit,
            cpu,
            extra: &[],
            prefix: &[],
            variables: &[],
        });
        let ran = match ran {
            Ok(ran) => ran,
            // If this machine lacks something for one engine, such as binfmt_misc in a namespace for QEMU, the others
            // are still measured.
            Err(error) => {
                line += &format!("  {name} FAILED ({error})");
                let mut report = report.lock().expect("no panic happens with the lock held");
                report.programs[index].outcomes.entry(name.clone()).or_default().failure = Some(error);
                continue;
            }
        };
        let expected = expected.get_or_insert_with(|| ran.stdout.clone());
        let failure = ran.verdict(expected);
        line += &match &failure {
            Some(failure) => format!("  {name} FAILED ({failure})"),
            None => format!("  {name} {}", duration(ran.sample.user + ran.sample.system)),
        };
        let mut report = report.lock().expect("no panic happens with the lock held");
        let outcome = report.programs[index].outcomes.entry(name.clone()).or_default();
        outcome.samples.push(ran.sample);
        outcome.failure = outcome.failure.take().or(failure);
    }
    format!("{} {line}", progress.done(index, start.elapsed()))
}

/// A time with three digits.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 0.01 => format!("{:.2} ms", s * 1e3),
        s if s < 0.1 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// The progress and the estimated remaining time: each program's earlier time, or the mean of all programs.
struct Progress {
    state: Mutex<State>,
    rounds: usize,
    programs: usize,
    turns: usize,
    workers: usize,
}

#[derive(Default)]
struct State {
    done: usize,
    /// For each program, the number of its turns and their total time.
    taken: HashMap<usize, (usize, Duration)>,
}

impl Progress {
    fn new(plan: &Plan<'_>) -> Self {
        let (rounds, programs) = (plan.rounds, plan.programs.len());
        let workers = plan.processors.len().max(1);
        Self { state: Mutex::default(), rounds, programs, turns: rounds * programs, workers }
    }

    fn done(&self, program: usize, took: Duration) -> String {
        let mut state = self.state.lock().expect("no panic happens with the lock held");
        state.done += 1;
        let entry = state.taken.entry(program).or_default();
        *entry = (entry.0 + 1, entry.1 + took);
        let known: Duration = state.taken.values().map(|(_, time)| *time).sum();
        let mean = known / state.done as u32;
        let left: Duration = (0..self.programs)
            .map(|p| match state.taken.get(&p) {
                Some((turns, time)) => *time / *turns as u32 * (self.rounds - turns) as u32,
                None => mean * self.rounds as u32,
            })
            .sum();
        let left = left.as_secs() / self.workers as u64;
        format!("[{:3}/{}, {}:{:02} left]", state.done, self.turns, left / 60, left % 60)
    }
}
