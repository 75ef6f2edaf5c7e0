//! The options as clap sees them, for help and completions. `resolve` interprets the values, because they may also
//! come from environment variables.

use clap::{Parser, ValueHint};
use clap_complete::Shell;
use std::ffi::OsString;

const ENVIRONMENT: &str = "\
Environment:
  REMU_LD_PREFIX        -L                REMU_CPU              -cpu
  REMU_SET_ENV          -E                REMU_ENGINE           --engine
  REMU_UNSET_ENV        -U                REMU_HOST_FEATURES    --host-features
  REMU_ARGV0            -0                REMU_TB_SIZE          -tb-size
  REMU_STACK_SIZE       -s                REMU_ONE_INSN_PER_TB  -one-insn-per-tb
  REMU_UNAME            -r                REMU_STRACE           -strace
  REMU_RAND_SEED        -seed             REMU_LOG              -d
  REMU_MMU              --mmu             REMU_LOG_FILENAME     -D
  REMU_NO_ASLR          --no-aslr         REMU_DFILTER          -dfilter
  REMU_PERFMAP          -perfmap          REMU_STATISTICS       --statistics
  REMU_JITDUMP          -jitdump

  An option overrides its variable. QEMU_NAME works as well;
  REMU_NAME takes precedence.

Exit status:
  The program's. If a signal kills the program, remu dies by
  the same signal.
  125  remu itself failed
  126  the program cannot be executed
  127  the program is not found";

/// Runs a RISC-V Linux program on this machine
///
/// Options end at PROGRAM; everything after it is passed to the program. Options take one dash, as in
/// QEMU, or two.
#[derive(Parser, Clone, Debug, Default)]
#[command(
    name = "remu",
    version,
    after_help = "--help describes the options in detail, and the environment variables.",
    after_long_help = ENVIRONMENT,
    override_usage = "remu [OPTIONS] PROGRAM [ARGS...]",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct Options {
    /// Path of the program (PATH is not searched)
    #[arg(value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub program: Option<OsString>,

    /// Its arguments
    #[arg(value_name = "ARGS", value_hint = ValueHint::AnyPath, trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,

    /// Sysroot, which has the dynamic linker and libraries
    ///
    /// Absolute paths below /usr, /etc and the like are looked up below DIR first. Default: the nearest directory
    /// above PROGRAM that has its dynamic linker, else /usr/riscv64-linux-gnu.
    #[arg(short = 'L', long = "prefix", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Program")]
    pub prefix: Option<OsString>,

    /// Set environment variables of the program
    #[arg(short = 'E', long = "set-env", value_name = "NAME=VALUE,...", action = clap::ArgAction::Append, help_heading = "Program")]
    pub set_env: Vec<OsString>,

    /// Unset environment variables of the program
    #[arg(short = 'U', long = "unset-env", value_name = "NAME,...", action = clap::ArgAction::Append, help_heading = "Program")]
    pub unset_env: Vec<OsString>,

    /// Set the program's first argument, its name (default: its path)
    #[arg(short = '0', long = "argv0", value_name = "NAME", help_heading = "Program")]
    pub argv0: Option<OsString>,

    /// Maximum stack size in bytes, or with suffix k, M or G
    ///
    /// Default: the limit of ulimit -s.
    #[arg(short = 's', long = "stack-size", value_name = "SIZE", help_heading = "Program")]
    pub stack_size: Option<OsString>,

    /// Kernel release that uname reports
    #[arg(short = 'r', long = "uname", value_name = "RELEASE", help_heading = "Program")]
    pub uname: Option<OsString>,

    /// Derive AT_RANDOM and the memory layout from N
    ///
    /// Runs with the same N are repeatable.
    #[arg(long = "seed", value_name = "N", help_heading = "Program")]
    pub seed: Option<OsString>,

    /// Address translation scheme: sv48 (default) or sv39
    ///
    /// sv39 is for programs that need small addresses.
    #[arg(long = "mmu", value_name = "SCHEME", help_heading = "Program")]
    pub mmu: Option<OsString>,

    /// Do not randomize addresses, as with setarch -R
    ///
    /// This applies to the stack, the heap, the program and its libraries.
    #[arg(long = "no-aslr", help_heading = "Program")]
    pub no_aslr: bool,

    /// CPU model and extensions; 'list' shows them
    ///
    /// For example rv64gc,zba=on. Default: max.
    #[arg(long = "cpu", value_name = "MODEL[,EXT=on|off]...", help_heading = "CPU")]
    pub cpu: Option<OsString>,

    /// How code is executed: tiered (default), jit or interp
    ///
    /// interp interprets it, jit compiles it. tiered compiles what is executed more than twice.
    #[arg(long = "engine", value_name = "ENGINE", help_heading = "CPU")]
    pub engine: Option<OsString>,

    /// How often --engine tiered executes code before it compiles it (default: 2)
    #[arg(long = "tier-after", value_name = "N", help_heading = "CPU")]
    pub tier_after: Option<OsString>,

    /// Do without features of the host's CPU in compiled code, such as -bmi2,-fma; -all for the baseline
    #[arg(long = "host-features", value_name = "-FEATURE,...", allow_hyphen_values = true, help_heading = "CPU")]
    pub host_features: Option<OsString>,

    /// The size of the code cache in MiB (default: 64)
    #[arg(long = "tb-size", visible_alias = "code-cache", value_name = "MIB", help_heading = "CPU")]
    pub tb_size: Option<OsString>,

    /// Execute one instruction per basic block
    #[arg(long = "one-insn-per-tb", visible_alias = "singlestep", help_heading = "CPU")]
    pub one_insn_per_tb: bool,

    /// What to log, separated by commas; 'help' lists the items
    #[arg(short = 'd', long = "log", value_name = "ITEM,...", action = clap::ArgAction::Append, help_heading = "Log")]
    pub log: Vec<OsString>,

    /// Log only code in these address ranges
    ///
    /// A block is logged if it starts in one of them. A range is FIRST..LAST, FIRST+LENGTH or LAST-LENGTH.
    #[arg(long = "dfilter", value_name = "RANGE,...", help_heading = "Log")]
    pub dfilter: Option<OsString>,

    /// Log to FILE instead of standard error
    ///
    /// With %d in FILE, each process writes to a file of its own. As in QEMU, -D alone logs nothing: -d or -strace says what to log.
    #[arg(short = 'D', long = "log-file", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log")]
    pub log_file: Option<OsString>,

    /// Write the engine's counters to FILE at the end
    ///
    /// One 'name value' per line. With %d in FILE, each process writes to a file of its own.
    #[arg(long = "statistics", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log")]
    pub statistics: Option<OsString>,

    /// Name compiled code for perf in /tmp/perf-PID.map
    #[arg(long = "perfmap", help_heading = "Log")]
    pub perfmap: bool,

    /// Dump compiled code for 'perf inject --jit' to jit-PID.dump in the current directory
    #[arg(long = "jitdump", help_heading = "Log")]
    pub jitdump: bool,

    /// Log system calls in the format of strace(1)
    ///
    /// Same as -d strace. The options below imply it.
    #[arg(long = "strace", help_heading = "System calls")]
    pub strace: bool,

    /// Log only what EXPR selects, as in strace(1)
    ///
    /// EXPR is trace=SET (or just SET), signal=SET or status=SET. SET is a comma-separated list; a leading '!' inverts
    /// it. System calls are given by name, by class (%file, %desc, %memory, %network, %process, %signal, %ipc, %stat,
    /// …) or by /REGEX.
    #[arg(short = 'e', long = "strace-filter", value_name = "EXPR", action = clap::ArgAction::Append, help_heading = "System calls")]
    pub strace_filter: Vec<OsString>,

    /// Log only a table of calls, errors and time at the end
    #[arg(short = 'c', long = "strace-summary-only", help_heading = "System calls")]
    pub strace_summary_only: bool,

    /// Log the system calls, then the summary table
    #[arg(short = 'C', long = "strace-summary", help_heading = "System calls")]
    pub strace_summary: bool,

    /// Log system calls to FILE, separate from the other items
    ///
    /// With %d in FILE, each process writes to a file of its own; %d is replaced by its ID.
    #[arg(short = 'o', long = "strace-output", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "System calls")]
    pub strace_output: Option<OsString>,

    /// Begin each line with the thread ID; -ff writes a file for each process
    ///
    /// Child processes are always logged. -ff -o FILE writes to FILE.PID for each process.
    #[arg(short = 'f', long = "strace-pids", action = clap::ArgAction::Count, help_heading = "System calls")]
    pub strace_pids: u8,

    /// End each line with the duration of the call in seconds
    #[arg(short = 'T', long = "strace-durations", help_heading = "System calls")]
    pub strace_durations: bool,

    /// Begin each line with a time: s, us, unix or relative
    ///
    /// s and us: the time of day; unix: seconds since 1970; relative: seconds since the previous line.
    #[arg(long = "strace-timestamps", value_name = "FORMAT", help_heading = "System calls")]
    pub strace_timestamps: Option<OsString>,

    /// Show at most SIZE bytes of a string (default: 32)
    #[arg(long = "strace-string-limit", value_name = "SIZE", help_heading = "System calls")]
    pub strace_string_limit: Option<OsString>,

    /// Print a completion script for SHELL and exit
    #[arg(long = "completions", value_name = "SHELL", help_heading = "Other")]
    pub completions: Option<Shell>,

    /// Print a summary of the options and exit
    #[arg(short = 'h', help_heading = "Other")]
    pub short_help: bool,

    /// Print the options in detail, and the environment variables, and exit
    #[arg(long = "help", help_heading = "Other")]
    pub help: bool,

    /// Print the version and exit
    #[arg(long = "version", help_heading = "Other")]
    pub version: bool,
}
