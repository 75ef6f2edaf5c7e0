//! The options, as clap knows them: for the help, the completions and the values' places. What the
//! values mean is in `resolve`, since environment variables give them too.

use clap::{Parser, ValueHint};
use clap_complete::Shell;
use std::ffi::OsString;

const ENVIRONMENT: &str = "\
Environment:
  REMU_LD_PREFIX, REMU_CPU, REMU_STRACE, REMU_LOG, REMU_LOG_FILENAME, REMU_SET_ENV, REMU_UNSET_ENV,
  REMU_STACK_SIZE, REMU_UNAME, REMU_ARGV0, REMU_RAND_SEED, REMU_MMU, REMU_NO_ASLR, REMU_DFILTER,
  REMU_STATISTICS and REMU_ONE_INSN_PER_TB set what -L, -cpu, -strace, -d, -D, -E, -U, -s, -r, -0,
  -seed, --mmu, --no-aslr, -dfilter, --statistics and -one-insn-per-tb set, unless the option is given.
  The names with QEMU_ in the place of REMU_ work too; REMU_ wins.

Exit status:
  The program's; if a signal ends it, remu ends by the same signal. 125 if remu itself fails, 126 if
  the program cannot be executed, 127 if there is no such program.";

/// Runs a RISC-V Linux program on this machine
///
/// Options end at PROGRAM: what follows it is the program's. Long options may be written with one
/// dash or two.
#[derive(Parser, Clone, Debug, Default)]
#[command(
    name = "remu",
    version,
    after_help = ENVIRONMENT,
    override_usage = "remu [OPTIONS] PROGRAM [ARGS...]",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct Options {
    /// The program, by path (PATH is not searched)
    #[arg(value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub program: Option<OsString>,

    /// Its arguments
    #[arg(value_name = "ARGS", value_hint = ValueHint::AnyPath, trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,

    /// Look absolute paths up below DIR first, such as the dynamic linker and libraries (default: the
    /// nearest directory above PROGRAM that has its dynamic linker, else /usr/riscv64-linux-gnu)
    #[arg(short = 'L', long = "prefix", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Program")]
    pub prefix: Option<OsString>,

    /// Set environment variables of the program
    #[arg(short = 'E', long = "set-env", value_name = "NAME=VALUE,...", action = clap::ArgAction::Append, help_heading = "Program")]
    pub set_env: Vec<OsString>,

    /// Unset environment variables of the program
    #[arg(short = 'U', long = "unset-env", value_name = "NAME,...", action = clap::ArgAction::Append, help_heading = "Program")]
    pub unset_env: Vec<OsString>,

    /// Name the program so (its first argument) instead of by its path
    #[arg(short = '0', long = "argv0", value_name = "NAME", help_heading = "Program")]
    pub argv0: Option<OsString>,

    /// How large its stack may become, in bytes, or with k, M or G (default: the limit here)
    #[arg(short = 's', long = "stack-size", value_name = "SIZE", help_heading = "Program")]
    pub stack_size: Option<OsString>,

    /// Kernel release that uname tells it
    #[arg(short = 'r', long = "uname", value_name = "RELEASE", help_heading = "Program")]
    pub uname: Option<OsString>,

    /// Take AT_RANDOM and the memory layout from N, so that runs can be repeated
    #[arg(long = "seed", value_name = "N", help_heading = "Program")]
    pub seed: Option<OsString>,

    /// Address translation scheme: sv48, or sv39 for programs that need small addresses (default: sv48)
    #[arg(long = "mmu", value_name = "SCHEME", help_heading = "Program")]
    pub mmu: Option<OsString>,

    /// Put stack, heap, program and libraries at fixed addresses (setarch -R does so too)
    #[arg(long = "no-aslr", help_heading = "Program")]
    pub no_aslr: bool,

    /// CPU model and extensions, such as rv64gc,zba=on; 'list' shows them (default: max)
    #[arg(long = "cpu", value_name = "MODEL[,EXT=on|off]...", help_heading = "CPU")]
    pub cpu: Option<OsString>,

    /// Make every instruction a block of its own
    #[arg(long = "one-insn-per-tb", visible_alias = "singlestep", help_heading = "CPU")]
    pub one_insn_per_tb: bool,

    /// What to log, separated by commas; 'help' lists the items
    #[arg(short = 'd', long = "log", value_name = "ITEM,...", action = clap::ArgAction::Append, help_heading = "Log")]
    pub log: Vec<OsString>,

    /// Log only code of blocks that begin at these addresses: FIRST..LAST, FIRST+LENGTH or LAST-LENGTH,
    /// separated by commas
    #[arg(long = "dfilter", value_name = "RANGE,...", help_heading = "Log")]
    pub dfilter: Option<OsString>,

    /// Log to FILE instead of standard error; %d in it becomes the process number
    #[arg(short = 'D', long = "log-file", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log")]
    pub log_file: Option<OsString>,

    /// When the program has ended, write what the engine has counted to FILE, a line 'name value' each;
    /// %d in it becomes the process number
    #[arg(long = "statistics", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log")]
    pub statistics: Option<OsString>,

    /// Log system calls in the form of strace(1); the same as -d strace, and implied by what follows
    #[arg(long = "strace", help_heading = "System calls")]
    pub strace: bool,

    /// Log only what EXPR chooses, as with strace(1): trace=SET, signal=SET or status=SET, or SET alone
    /// for trace=SET. SET is a list with commas, or what is not in it after '!'; of system calls by name,
    /// by class (%file, %desc, %memory, %network, %process, %signal, %ipc, %stat, …) or by /REGEX
    #[arg(short = 'e', long = "strace-filter", value_name = "EXPR", action = clap::ArgAction::Append, help_heading = "System calls")]
    pub strace_filter: Vec<OsString>,

    /// Log only a table at the end: calls, errors, and the time they took here
    #[arg(short = 'c', long = "strace-summary-only", help_heading = "System calls")]
    pub strace_summary_only: bool,

    /// Log that table after the system calls
    #[arg(short = 'C', long = "strace-summary", help_heading = "System calls")]
    pub strace_summary: bool,

    /// Log system calls to FILE, apart from the rest; %d in it becomes the process number
    #[arg(short = 'o', long = "strace-output", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "System calls")]
    pub strace_output: Option<OsString>,

    /// Begin each line with the process number
    #[arg(short = 'f', long = "strace-pids", help_heading = "System calls")]
    pub strace_pids: bool,

    /// End each line with the seconds that the call took
    #[arg(short = 'T', long = "strace-durations", help_heading = "System calls")]
    pub strace_durations: bool,

    /// Begin each line with the time: s or us for the time of day, unix for seconds since 1970, relative
    /// for those since the line before
    #[arg(long = "strace-timestamps", value_name = "FORMAT", help_heading = "System calls")]
    pub strace_timestamps: Option<OsString>,

    /// Show at most SIZE bytes of a string (default: 32)
    #[arg(long = "strace-string-limit", value_name = "SIZE", help_heading = "System calls")]
    pub strace_string_limit: Option<OsString>,

    /// Print a completion script for SHELL and exit
    #[arg(long = "completions", value_name = "SHELL", help_heading = "Other")]
    pub completions: Option<Shell>,

    /// Print this help and exit
    #[arg(short = 'h', long = "help", help_heading = "Other")]
    pub help: bool,

    /// Print the version and exit
    #[arg(long = "version", help_heading = "Other")]
    pub version: bool,
}
