//! The options, as clap knows them.

use clap::{Parser, ValueHint};
use std::path::PathBuf;

/// The name that messages begin with.
pub(super) const NAME: &str = "remu-system";

const STATUS: &str = "\
Exit status:
  0 if the guest ends with success, else the code it ends with (1 if that would be 0 as well);
  125 if remu-system itself fails.";

/// Runs a whole RISC-V machine
///
/// The program is started in machine mode. It ends by HTIF (its symbol `tohost`) or, on the machine
/// `virt`, by the power-off device. Long options may be written with one dash or two.
#[derive(Parser, Clone, Debug, Default)]
#[command(
    name = NAME,
    version,
    after_help = STATUS,
    override_usage = "remu-system [OPTIONS] [ELF]",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct SystemOptions {
    /// The program to start, the same as --kernel
    #[arg(value_name = "ELF", value_hint = ValueHint::FilePath, num_args = 0..)]
    pub program: Vec<PathBuf>,

    /// Which machine: virt or spike; 'help' shows them
    #[arg(short = 'M', long = "machine", value_name = "NAME", default_value = "virt")]
    pub machine: String,

    /// CPU model and extensions, such as rv64gc,zba=on; 'list' shows them (default: max)
    #[arg(long = "cpu", value_name = "MODEL[,EXT=on|off]...")]
    pub cpu: Option<String>,

    /// What the harts implement as an ISA string, such as rv32imac_zicsr
    #[arg(long = "isa", value_name = "STRING", conflicts_with = "cpu")]
    pub isa: Option<String>,

    /// Memory, in MiB, or with k, M or G, as SIZE or size=SIZE
    #[arg(short = 'm', long = "memory", value_name = "SIZE", default_value = "128M")]
    pub memory: String,

    /// Where memory starts
    #[arg(long = "memory-base", value_name = "ADDRESS", default_value = "0x80000000")]
    pub memory_base: String,

    /// How many harts, as N or cpus=N; 'help' shows more forms
    #[arg(long = "smp", value_name = "N", default_value = "1")]
    pub smp: String,

    /// Make loads and stores trap that are not aligned
    #[arg(long = "aligned-only")]
    pub aligned_only: bool,

    /// Firmware to start first: an ELF file or an image for the start of memory; none by default
    #[arg(long = "bios", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub bios: Option<PathBuf>,

    /// The program or kernel: an ELF file, or an image
    #[arg(long = "kernel", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kernel: Option<PathBuf>,

    /// The kernel's command line
    #[arg(long = "append", value_name = "ARGUMENTS", default_value = "")]
    pub append: String,

    /// Where the serial port leads: mon:stdio, where Ctrl-A h on a terminal lists keys (the default); stdio;
    /// or null (none)
    #[arg(long = "serial", value_name = "WHERE")]
    pub serial: Option<String>,

    /// No serial port either, unless -serial asks for one
    #[arg(long = "nodefaults")]
    pub nodefaults: bool,

    /// Read no configuration files: always so
    #[arg(long = "no-user-config")]
    pub no_user_config: bool,

    /// A name for the machine, which is not shown
    #[arg(long = "name", value_name = "NAME")]
    pub name: Option<String>,

    /// How instructions are executed: tcg, always so
    #[arg(long = "accel", value_name = "NAME", action = clap::ArgAction::Append)]
    pub accel: Vec<String>,

    /// No window, the serial port on the terminal: always so
    #[arg(long = "nographic")]
    pub nographic: bool,

    /// The window: none, always so
    #[arg(long = "display", value_name = "WHICH", default_value = "none")]
    pub display: String,

    /// The monitor: none (null), always so
    #[arg(long = "monitor", value_name = "WHERE", default_value = "none")]
    pub monitor: String,

    /// End where the guest wants the machine to start anew
    #[arg(long = "no-reboot")]
    pub no_reboot: bool,

    /// Write memory between the symbols begin_signature and end_signature to FILE at the end
    #[arg(long = "signature", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub signature: Option<PathBuf>,

    /// Bytes per line of it: 1, 2, 4, 8 or 16
    #[arg(long = "signature-granularity", value_name = "N", default_value = "16")]
    pub signature_granularity: String,

    /// End with an error after so many instructions of each hart
    #[arg(long = "max-instructions", value_name = "N")]
    pub max_instructions: Option<String>,

    /// Make every instruction a block of its own
    #[arg(long = "one-insn-per-tb", visible_alias = "singlestep")]
    pub one_insn_per_tb: bool,

    /// What to log, separated by commas; 'help' lists the items
    #[arg(short = 'd', long = "log", value_name = "ITEM,...", action = clap::ArgAction::Append)]
    pub log: Vec<String>,

    /// Log only code of blocks that begin at these addresses: FIRST..LAST, FIRST+LENGTH or LAST-LENGTH,
    /// separated by commas
    #[arg(long = "dfilter", value_name = "RANGE,...")]
    pub dfilter: Option<String>,

    /// Log to FILE instead of standard error; %d in it becomes the process number
    #[arg(short = 'D', long = "log-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,

    /// Print this help and exit
    #[arg(short = 'h', long = "help")]
    pub help: bool,

    /// Print the version and exit
    #[arg(long = "version")]
    pub version: bool,
}
