//! One run of a program: its environment, output and cost.

use crate::catalogue::Program;
use crate::engines::{Engine, Lab};
use crate::report::{EngineKind, Sample};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The settings of a run.
pub struct Request<'a> {
    pub lab: &'a Lab,
    pub engine: &'a Engine,
    pub program: &'a Program,
    /// The program's arguments, in full or quick size.
    pub args: &'a [String],
    /// The number of consecutive runs, whose total cost is measured.
    pub repeat: u32,
    /// The time limit of each run.
    pub limit: Duration,
    /// The only processor to run on.
    pub cpu: Option<usize>,
    /// Additional options for remu.
    pub extra: &'a [String],
    /// A command to prefix, such as a tool that observes the program.
    pub prefix: &'a [OsString],
    /// The environment variables for the prefix.
    pub variables: &'a [(&'a str, &'a str)],
}

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The cost of one run.
    pub sample: Sample,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// How it failed: a nonzero status, a signal, or the time limit.
    pub failure: Option<String>,
}

impl Ran {
    /// What is wrong with the run, in one line, given the expected output.
    pub fn verdict(&self, expected: &[u8]) -> Option<String> {
        match &self.failure {
            Some(failure) => {
                let said = String::from_utf8_lossy(&self.stderr);
                let line: String = said.lines().last().unwrap_or_default().chars().take(200).collect();
                Some(if line.is_empty() { failure.clone() } else { format!("{failure}: {line}") })
            }
            None if self.stdout != expected => Some("wrong output".to_owned()),
            None => None,
        }
    }
}

/// Runs a program. The error is a failure of the runner, not of the program.
pub fn run(request: &Request<'_>) -> Result<Ran, String> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let Request { lab, engine, program, .. } = request;
    let base = lab.base.path();
    let (work, result) = (base.join(format!("work-{number}")), base.join(format!("result-{number}")));
    fs::create_dir(&work).map_err(|e| format!("{}: {e}", work.display()))?;

    let mut command = enter(lab, engine, program, &work);
    let root = lab.root_of(engine, program);
    command.arg(&result).arg(request.limit.as_millis().to_string()).arg(request.repeat.to_string());
    command.arg(request.cpu.map_or("-".to_owned(), |cpu| cpu.to_string()));
    let home = if root.is_some() { Path::new("/work") } else { &work };
    command.arg(root.unwrap_or(Path::new("-"))).arg(home);
    command.args(request.prefix).args(lab.words(engine, program, request.args, request.extra));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin").env("HOME", home).env("TMPDIR", home);
    command.env("TZ", "UTC0").env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PERL_HASH_SEED", "0").envs(request.variables.iter().copied());
    let ran = finish(&mut command, &result, request);
    // If a program has made a folder unreadable, it is removed with the rest at the end.
    let _ = fs::remove_dir_all(&work);
    let _ = fs::remove_file(&result);
    ran.map_err(|e| format!("{} by {}: {e}", program.name, engine.info.name))
}

/// The command up to the arguments of the helper. It enters new namespaces if the program needs them.
fn enter(lab: &Lab, engine: &Engine, program: &Program, work: &Path) -> Command {
    let root = lab.root_of(engine, program);
    // A guest that executes others needs QEMU registered with the kernel. No other emulator is registered.
    let registered = engine.info.kind == EngineKind::Qemu && program.executes;
    if root.is_none() && !registered {
        return Command::new(&lab.helper);
    }
    let mut command = Command::new("/usr/bin/unshare");
    if registered || !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount").arg(lab.root.join("benches/compare/enter.sh"));
    let none = Path::new("-");
    match (root, &lab.debian) {
        (Some(root), Some(debian)) => command.args([root, &debian.inputs, work, &engine.tools]),
        _ => command.args([none; 4]),
    };
    command.arg(lab.libraries_of(engine).unwrap_or(none));
    command.arg(if registered { engine.tools.join("emulator") } else { none.into() });
    command.arg(&lab.helper);
    command
}

/// Runs the helper and parses its result.
fn finish(command: &mut Command, result: &PathBuf, request: &Request<'_>) -> Result<Ran, String> {
    let file = |name: &str| -> io::Result<File> {
        Ok(rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?.into())
    };
    let own = |e: io::Error| e.to_string();
    let (mut out, mut err) = (file("stdout").map_err(own)?, file("stderr").map_err(own)?);
    command.stdin(Stdio::null());
    command.stdout(out.try_clone().map_err(own)?).stderr(err.try_clone().map_err(own)?);
    let status = command.status().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    let read = |file: &mut File| -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut all)?;
        Ok(all)
    };
    let (stdout, stderr) = (read(&mut out).map_err(own)?, read(&mut err).map_err(own)?);
    let line = fs::read_to_string(result).unwrap_or_default();
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    let &[status_word, late, wall, user, system, memory] = &numbers[..] else {
        let said = String::from_utf8_lossy(&stderr);
        return Err(format!("it could not be started: {} ({status}) {}", line.trim(), said.trim()));
    };
    let seconds = |ns: u64| ns as f64 / 1e9 / f64::from(request.repeat);
    let sample = Sample { user: seconds(user), system: seconds(system), wall: seconds(wall), memory };
    Ok(Ran { sample, stdout, stderr, failure: failure(status_word as i32, late != 0, request.limit) })
}

/// How a process failed; `None` if its status is 0.
fn failure(status: i32, late: bool, limit: Duration) -> Option<String> {
    if late {
        Some(format!("not done after {} s", limit.as_secs()))
    } else if libc::WIFSIGNALED(status) {
        Some(format!("died of signal {}", libc::WTERMSIG(status)))
    } else {
        let code = libc::WEXITSTATUS(status);
        (code != 0).then(|| format!("exit status {code}"))
    }
}

/// The output of a command. The error is its message.
pub fn command_output(command: &mut Command) -> Result<String, String> {
    let what = command.get_program().display().to_string();
    let out = command.stdin(Stdio::null()).output().map_err(|e| format!("{what}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{what} failed ({}): {}", out.status, String::from_utf8_lossy(&out.stderr).trim()));
    }
    String::from_utf8(out.stdout).map_err(|e| format!("{what}: {e}"))
}
