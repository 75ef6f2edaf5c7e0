//! Code shared by the tests: running commands with a time limit, and building guest programs.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod files;
pub mod rng;
pub mod threads;

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Exit(i32),
    Signal(i32),
    TimedOut,
}

const SIGNALS: [(&str, i32); 6] = [
    ("SIGSEGV", libc::SIGSEGV),
    ("SIGBUS", libc::SIGBUS),
    ("SIGILL", libc::SIGILL),
    ("SIGTRAP", libc::SIGTRAP),
    ("SIGFPE", libc::SIGFPE),
    ("SIGABRT", libc::SIGABRT),
];

impl Status {
    /// An exit code in digits, or a signal's name.
    pub fn parse(text: &str) -> Option<Self> {
        match SIGNALS.iter().find(|(name, _)| *name == text) {
            Some((_, number)) => Some(Self::Signal(*number)),
            None => text.parse().ok().map(Self::Exit),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Exit(code) => write!(f, "exit status {code}"),
            Self::Signal(number) => match SIGNALS.iter().find(|(_, n)| *n == number) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "signal {number}"),
            },
            Self::TimedOut => f.write_str("time limit"),
        }
    }
}

/// The outcome of a program.
#[derive(Debug)]
pub struct Outcome {
    pub status: Status,
    /// Whether the kernel reports a core dump.
    pub core: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub elapsed: Duration,
}

/// Runs a command to its end, or kills it at the limit.
pub fn run(command: &mut Command, stdin: Vec<u8>, limit: Duration) -> Outcome {
    run_watched(command, stdin, limit, |_| ())
}

/// As [`run`]. Calls `watch` with the id of the process from time to time while it runs.
pub fn run_watched(command: &mut Command, stdin: Vec<u8>, limit: Duration, mut watch: impl FnMut(u32)) -> Outcome {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    let mut to_child = child.stdin.take().expect("stdin is piped");
    // A child may exit without reading all its input.
    let writer = thread::spawn(move || drop(to_child.write_all(&stdin)));
    let mut out = child.stdout.take().expect("stdout is piped");
    let mut err = child.stderr.take().expect("stderr is piped");
    let out = thread::spawn(move || read_all(&mut out));
    let err = thread::spawn(move || read_all(&mut err));
    let mut pause = Duration::from_micros(200);
    let status = loop {
        if let Some(status) = child.try_wait().expect("waiting for a child") {
            break Some(status);
        }
        if start.elapsed() > limit {
            child.kill().expect("killing a child");
            child.wait().expect("waiting for a killed child");
            break None;
        }
        watch(child.id());
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    let elapsed = start.elapsed();
    writer.join().expect("the writer of stdin");
    Outcome {
        core: status.is_some_and(|s| s.core_dumped()),
        status: match status {
            None => Status::TimedOut,
            Some(s) => s.code().map_or_else(|| Status::Signal(s.signal().unwrap_or(0)), Status::Exit),
        },
        stdout: out.join().expect("the reader of stdout"),
        stderr: err.join().expect("the reader of stderr"),
        elapsed,
    }
}

fn read_all(from: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).expect("reading from a child");
    all
}

/// The repository of this test.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder in cargo's target directory for files that tests build.
pub fn build_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a script of the repository; panics with its message if it fails.
pub fn script(path: &str, args: &[&Path]) -> String {
    let out = Command::new(root().join(path)).args(args).stdin(Stdio::null()).output();
    let out = out.unwrap_or_else(|e| panic!("{path}: {e}"));
    assert!(out.status.success(), "{path} failed ({}):\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// One line of a list of guest programs.
pub struct Program {
    /// The name of the build.
    pub name: String,
    /// Whether the program also runs on the host.
    pub has_native: bool,
    pub status: Status,
    pub args: Vec<String>,
}

impl Program {
    /// The name without the suffix that distinguishes builds of one source.
    pub fn base(&self) -> &str {
        self.name.split('@').next().expect("a split has a first part")
    }
}

/// Builds the programs of a list and reads the list. The head of `testprogs/programs.list` describes the format.
pub fn build_programs(list: &str, out: &Path) -> Vec<Program> {
    let list = root().join(list);
    script("testprogs/build.sh", &[&list, out]);
    let text = fs::read_to_string(&list).unwrap_or_else(|e| panic!("{}: {e}", list.display()));
    let mut programs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, _source, flags, status, ref rest @ ..] = fields[..] else { bad(&list, number) };
        let args = rest.first().unwrap_or(&"").split_whitespace();
        programs.push(Program {
            name: name.to_owned(),
            has_native: flags.split_whitespace().next() != Some("riscv"),
            status: Status::parse(status).unwrap_or_else(|| bad(&list, number)),
            args: args.map(|a| a.replace("\\_", " ")).collect(),
        });
    }
    programs
}

fn bad(list: &Path, line: usize) -> ! {
    panic!("{}:{}: the line does not have the format described at the top of the file", list.display(), line + 1)
}

/// The first difference between two outputs, for a test's message.
pub fn difference(want: &[u8], got: &[u8]) -> String {
    let (want, got) = (String::from_utf8_lossy(want), String::from_utf8_lossy(got));
    let (mut a, mut b) = (want.lines(), got.lines());
    let mut line = 0;
    loop {
        line += 1;
        let cut = |s: &str| s.chars().take(200).collect::<String>();
        match (a.next(), b.next()) {
            (None, None) => return "they differ in their line endings".to_owned(),
            (x, y) if x == y => {}
            (x, y) => {
                let show = |s: Option<&str>| s.map_or("(nothing)".to_owned(), cut);
                return format!("line {line}\n    expected: {}\n    got:      {}", show(x), show(y));
            }
        }
    }
}

/// Compares a program under remu with its host build, which must end as expected.
pub fn compare(want: &Outcome, got: &Outcome, status: Status) -> Result<(), String> {
    let text = |of: &Outcome| format!("{}{}", String::from_utf8_lossy(&of.stdout), String::from_utf8_lossy(&of.stderr));
    if want.status != status {
        return Err(format!("on the host: {}: {}", want.status, text(want)));
    }
    if got.status != status {
        return Err(format!("{}, expected {status}: {}", got.status, text(got)));
    }
    for (what, want, got) in [("stdout", &want.stdout, &got.stdout), ("stderr", &want.stderr, &got.stderr)] {
        if want != got {
            return Err(format!("{what}: {}", difference(want, got)));
        }
    }
    Ok(())
}

/// Maps the items in parallel, one thread per processor; results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], task: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break done };
            done.push((index, task(item)));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker panicked")).collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
