//! The options of `remu-system` as clap sees them.

use clap::{Parser, ValueHint};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;

/// The prefix of messages.
pub(super) const NAME: &str = "remu-system";

const STATUS: &str = "\
Exit status:
  0 if the guest reports success, otherwise the low 8 bits of its exit code, or 1 if they are 0;
  125 if remu-system itself fails.";

/// Runs a whole RISC-V machine
///
/// The program starts in machine mode. It exits through HTIF (its symbol `tohost`) or, on the machine
/// `virt`, through the power-off device. Options take one dash, as in QEMU, or two.
#[derive(Parser, Clone, Debug, Default)]
#[command(
    name = NAME,
    version,
    after_help = "--help describes the options in detail.",
    after_long_help = STATUS,
    override_usage = "remu-system [OPTIONS] [ELF]",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct SystemOptions {
    /// The program to run; same as --kernel
    #[arg(value_name = "ELF", value_hint = ValueHint::FilePath, num_args = 0..)]
    pub program: Vec<PathBuf>,

    /// Machine: virt or spike; 'help' lists them
    #[arg(short = 'M', long = "machine", value_name = "NAME", default_value = "virt")]
    pub machine: String,

    /// CPU model and extensions; 'list' lists them
    ///
    /// For example rv64gc,zba=on. Default: max.
    #[arg(long = "cpu", value_name = "MODEL[,EXT=on|off]...")]
    pub cpu: Option<String>,

    /// ISA of the harts as an ISA string, such as rv32imac_zicsr
    #[arg(long = "isa", value_name = "STRING", conflicts_with = "cpu")]
    pub isa: Option<String>,

    /// Size of RAM, in MiB or with suffix k, M or G
    #[arg(short = 'm', long = "memory", value_name = "SIZE", default_value = "128M")]
    pub memory: String,

    /// Address of RAM
    #[arg(long = "memory-base", value_name = "ADDRESS", default_value = "0x80000000")]
    pub memory_base: String,

    /// Number of harts; 'help' lists more forms
    #[arg(long = "smp", value_name = "N", default_value = "1")]
    pub smp: String,

    /// Make misaligned loads and stores trap
    #[arg(long = "aligned-only")]
    pub aligned_only: bool,

    /// Firmware, which starts the kernel: ELF or raw
    ///
    /// A raw binary is loaded at the start of RAM. Default: none.
    #[arg(long = "bios", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub bios: Option<PathBuf>,

    /// Program or kernel: an ELF file or a raw binary
    #[arg(long = "kernel", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kernel: Option<PathBuf>,

    /// Initial RAM disk of the kernel
    #[arg(long = "initrd", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub initrd: Option<PathBuf>,

    /// Kernel command line
    #[arg(long = "append", value_name = "ARGUMENTS")]
    pub append: Option<String>,

    /// Connection of the serial port: mon:stdio, stdio or null
    ///
    /// mon:stdio is the default: Ctrl-A h on a terminal lists its keys. null is none.
    #[arg(long = "serial", value_name = "WHERE")]
    pub serial: Option<String>,

    /// Leave the serial port unconnected unless -serial is given
    #[arg(long = "nodefaults")]
    pub nodefaults: bool,

    /// Read no configuration files (always the case)
    #[arg(long = "no-user-config")]
    pub no_user_config: bool,

    /// Name of the machine (ignored)
    #[arg(long = "name", value_name = "NAME")]
    pub name: Option<String>,

    /// Run the harts in turn on one thread instead of each on its own
    #[arg(long = "round-robin")]
    pub round_robin: bool,

    /// Accelerator: only tcg, which is emulation
    ///
    /// thread=multi runs each hart on a thread of its own, which is the default; thread=single is --round-robin.
    #[arg(long = "accel", value_name = "NAME[,thread=multi|single]", action = clap::ArgAction::Append)]
    pub accel: Vec<String>,

    /// Let the clock count instructions, so that runs are repeatable
    ///
    /// Each instruction takes 2^N nanoseconds, N from 0 to 10. While all harts wait, the clock runs on to the next timer;
    /// with sleep=off at once. The date at the start is 2024-01-01. The harts run in turn.
    #[arg(long = "icount", value_name = "shift=N[,sleep=off]")]
    pub icount: Option<String>,

    /// No window; serial port on the terminal (always the case)
    #[arg(long = "nographic")]
    pub nographic: bool,

    /// Window: only none
    #[arg(long = "display", value_name = "WHICH", default_value = "none")]
    pub display: String,

    /// Monitor: only none (null)
    #[arg(long = "monitor", value_name = "WHERE", default_value = "none")]
    pub monitor: String,

    /// Exit when the guest requests a reset
    #[arg(long = "no-reboot")]
    pub no_reboot: bool,

    /// Write the program's signature to FILE at the end
    ///
    /// It is the memory between the symbols begin_signature and end_signature.
    #[arg(long = "signature", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub signature: Option<PathBuf>,

    /// Bytes per line of the signature: 1, 2, 4, 8 or 16
    #[arg(long = "signature-granularity", value_name = "N", default_value = "16")]
    pub signature_granularity: String,

    /// Fail once each hart has run N instructions
    #[arg(long = "max-instructions", value_name = "N")]
    pub max_instructions: Option<String>,

    /// How code is executed: interp, the interpreter, or jit, the compiler
    ///
    /// Default: jit for RV64. RV32 is interpreted.
    #[arg(long = "engine", value_name = "ENGINE")]
    pub engine: Option<String>,

    /// Do without features of the host's CPU in compiled code, such as -bmi2,-fma; -all for the baseline
    #[arg(long = "host-features", value_name = "-FEATURE,...", allow_hyphen_values = true)]
    pub host_features: Option<OsString>,

    /// The size of the code cache in MiB (default: 64)
    #[arg(long = "tb-size", visible_alias = "code-cache", value_name = "MIB")]
    pub tb_size: Option<OsString>,

    /// Execute one instruction per basic block
    #[arg(long = "one-insn-per-tb", visible_alias = "singlestep")]
    pub one_insn_per_tb: bool,

    /// What to log, separated by commas; 'help' lists the items
    #[arg(short = 'd', long = "log", value_name = "ITEM,...", action = clap::ArgAction::Append)]
    pub log: Vec<String>,

    /// Log only code in these address ranges
    ///
    /// A block is logged if it starts in one of them. A range is FIRST..LAST, FIRST+LENGTH or LAST-LENGTH.
    #[arg(long = "dfilter", value_name = "RANGE,...")]
    pub dfilter: Option<String>,

    /// Log to FILE instead of standard error
    ///
    /// %d is replaced by the process ID. As in QEMU, -D alone logs nothing: -d says what to log.
    #[arg(short = 'D', long = "log-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,

    /// Write the engines' counters to FILE at the end
    ///
    /// One 'name value' per line, summed over the harts. %d is replaced by the process ID.
    #[arg(long = "statistics", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub statistics: Option<OsString>,

    /// Name compiled code for perf in /tmp/perf-PID.map
    #[arg(long = "perfmap")]
    pub perfmap: bool,

    /// Dump compiled code for 'perf inject --jit' to jit-PID.dump in the current directory
    #[arg(long = "jitdump")]
    pub jitdump: bool,

    /// Print a completion script for SHELL and exit
    #[arg(long = "completions", value_name = "SHELL")]
    pub completions: Option<Shell>,

    /// Print a summary of the options and exit
    #[arg(short = 'h')]
    pub short_help: bool,

    /// Print the options in detail and exit
    #[arg(long = "help")]
    pub help: bool,

    /// Print the version and exit
    #[arg(long = "version")]
    pub version: bool,
}
