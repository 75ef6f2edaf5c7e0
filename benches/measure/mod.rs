//! What the benchmarks share: the guest programs in their two builds, the three ways to run one, and
//! the processor time of a run as the kernel accounts it.

#![allow(dead_code, reason = "each benchmark uses its share")]

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::common::{Program, build_dir, build_programs, root};

/// A program of the benchmarks.
pub struct Workload {
    pub name: String,
    pub float: bool,
    /// Its argument for the table, and the smaller one for criterion.
    pub full: String,
    pub quick: String,
}

/// Who runs a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    Native,
    Qemu,
    Remu,
}

impl Runner {
    pub const ALL: [Self; 3] = [Self::Native, Self::Qemu, Self::Remu];

    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Qemu => "qemu-riscv64",
            Self::Remu => "remu",
        }
    }

    /// The command that runs program `name` of the builds in `dir`.
    pub fn command(self, dir: &Path, name: &str) -> Command {
        let guest = dir.join("riscv64").join(name);
        match self {
            Self::Native => Command::new(dir.join("native").join(name)),
            Self::Qemu => {
                let mut command = emulated(&qemu(), &guest);
                // It looks for no sysroot by itself.
                command.env("QEMU_LD_PREFIX", "/usr/riscv64-linux-gnu");
                command
            }
            Self::Remu => emulated(env!("CARGO_BIN_EXE_remu").as_ref(), &guest),
        }
    }
}

fn emulated(emulator: &Path, guest: &Path) -> Command {
    let mut command = Command::new(emulator);
    command.arg(guest);
    command
}

/// The QEMU to compare with: `REMU_BENCH_QEMU`, or the one in the path.
fn qemu() -> PathBuf {
    std::env::var_os("REMU_BENCH_QEMU").unwrap_or_else(|| OsString::from("qemu-riscv64")).into()
}

/// What QEMU says of itself, for the head of a report.
pub fn qemu_version() -> String {
    let out = Command::new(qemu()).arg("--version").output();
    let out = out.unwrap_or_else(|e| {
        panic!("{}: {e}: apt-get install --no-install-recommends qemu-user, or set REMU_BENCH_QEMU", qemu().display())
    });
    String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned()
}

/// Builds the programs of the benchmarks.
pub fn workloads() -> (PathBuf, Vec<Workload>) {
    const LIST: &str = "benches/programs/programs.list";
    let dir = build_dir("bench-programs");
    let programs = build_programs(LIST, &dir);
    let list = fs::read_to_string(root().join(LIST)).expect("the list was read before");
    let float = |p: &Program| list.lines().any(|l| l.contains("-DFLOAT") && l.starts_with(&format!("{} ", p.name)));
    let all = programs.iter().map(|p| match &p.args[..] {
        [full, quick] => Workload { name: p.name.clone(), float: float(p), full: full.clone(), quick: quick.clone() },
        _ => panic!("{LIST}: {} needs two counts", p.name),
    });
    (dir, all.collect())
}

/// A run that ended well.
pub struct Run {
    pub cpu: Duration,
    pub stdout: Vec<u8>,
}

/// Runs a command and yields the user and system time of its process, children included.
#[expect(clippy::zombie_processes, reason = "wait4 takes the place of Child::wait, for the usage it reports")]
pub fn run(command: &mut Command) -> Run {
    let what = command.get_program().display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut stdout = Vec::new();
    child.stdout.take().expect("stdout is piped").read_to_end(&mut stdout).expect("reading from a child");
    let pid = child.id().cast_signed();
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to locals of the types that wait4 writes. The child is waited for here and
    // nowhere else: dropping a `Child` does not wait.
    let waited = unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) };
    assert!(waited == pid && status == 0, "{what} ended with wait status {status:#x}");
    // SAFETY: all-zero bytes are a valid rusage, and wait4 has succeeded.
    let usage = unsafe { usage.assume_init() };
    let time = |t: libc::timeval| Duration::new(t.tv_sec.unsigned_abs(), t.tv_usec as u32 * 1000);
    Run { cpu: time(usage.ru_utime) + time(usage.ru_stime), stdout }
}
