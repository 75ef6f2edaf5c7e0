//! The whole-machine program: options, the machine they ask for, and what its end means to the caller.

use super::text::{complain_as, print};
use super::{CliError, EXIT_OWN_ERROR, resolve, words};
use crate::guest::riscv::profiles::CpuModel;
use crate::guest::riscv::{Base, Rv32, Rv64};
use crate::interp::{Interp, InterpConfig};
use crate::machine::{BootError, BootPlan, Console, Ending, EngineParts, Kind, Machine, MachineConfig, MachineError};
use crate::memory::machine::HartMemory;
use clap::{CommandFactory, FromArgMatches, Parser, ValueHint};
use remu_isa::{Ext, ExtSet, Isa, Xlen};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The name that messages begin with.
const NAME: &str = "remu-system";

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

    /// Which machine: virt or spike
    #[arg(short = 'M', long = "machine", value_name = "NAME", default_value = "virt")]
    pub machine: String,

    /// CPU model and extensions, such as rv64gc,zba=on; 'list' shows them (default: max)
    #[arg(long = "cpu", value_name = "MODEL[,EXT=on|off]...")]
    pub cpu: Option<String>,

    /// What the harts implement as an ISA string, such as rv32imac_zicsr
    #[arg(long = "isa", value_name = "STRING", conflicts_with = "cpu")]
    pub isa: Option<String>,

    /// Memory, in MiB, or with k, M or G
    #[arg(short = 'm', long = "memory", value_name = "SIZE", default_value = "128M")]
    pub memory: String,

    /// Where memory starts
    #[arg(long = "memory-base", value_name = "ADDRESS", default_value = "0x80000000")]
    pub memory_base: String,

    /// How many harts
    #[arg(long = "smp", value_name = "N", default_value = "1")]
    pub smp: String,

    /// Firmware to start first: an ELF file or an image for the start of memory; none by default
    #[arg(long = "bios", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub bios: Option<PathBuf>,

    /// The program or kernel: an ELF file, or an image
    #[arg(long = "kernel", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kernel: Option<PathBuf>,

    /// The kernel's command line
    #[arg(long = "append", value_name = "ARGUMENTS", default_value = "")]
    pub append: String,

    /// No window, the serial port on the terminal: always so
    #[arg(long = "nographic")]
    pub nographic: bool,

    /// Write memory between the symbols begin_signature and end_signature to FILE at the end
    #[arg(long = "signature", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub signature: Option<PathBuf>,

    /// Bytes per line of it: 1, 2, 4, 8 or 16
    #[arg(long = "signature-granularity", value_name = "N", default_value = "16")]
    pub signature_granularity: String,

    /// End with an error after so many instructions of each hart
    #[arg(long = "max-instructions", value_name = "N")]
    pub max_instructions: Option<String>,

    /// Print this help and exit
    #[arg(short = 'h', long = "help")]
    pub help: bool,

    /// Print the version and exit
    #[arg(long = "version")]
    pub version: bool,
}

/// Why a machine cannot run, or has not ended by itself.
#[derive(Debug, thiserror::Error)]
enum SystemError {
    /// The command line.
    #[error(transparent)]
    Usage(#[from] CliError),
    /// No such machine.
    #[error("no machine '{0}'; there are virt and spike")]
    UnknownMachine(String),
    /// A value that makes no sense.
    #[error("{option} '{value}': {why}")]
    BadValue { option: &'static str, value: String, why: &'static str },
    /// A file that cannot be read or written.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    /// What is to be started cannot be.
    #[error("{}{error}", path.as_ref().map(|p| format!("{}: ", p.display())).unwrap_or_default())]
    Machine { path: Option<PathBuf>, error: MachineError },
    /// A program without a signature.
    #[error("{}: has no symbol '{symbol}', or not in memory", path.display())]
    NoSignature { path: PathBuf, symbol: &'static str },
    /// The guest wants something that there is not.
    #[error("the guest wants {0}, which is not supported")]
    Unsupported(String),
    /// It has taken too long.
    #[error("not ended after {0} instructions")]
    OutOfInstructions(u64),
}

/// `remu-system [OPTIONS] [ELF]`: yields the exit status.
pub fn system_main() -> i32 {
    super::run::install_panic_report();
    run().unwrap_or_else(|error| {
        complain_as(NAME, &error);
        EXIT_OWN_ERROR
    })
}

fn run() -> Result<i32, SystemError> {
    let command = SystemOptions::command();
    let words = words::normalize_all(&command, std::env::args_os())?;
    let options = command
        .clone()
        .try_get_matches_from(words)
        .and_then(|matches| SystemOptions::from_arg_matches(&matches))
        .map_err(resolve::usage)?;
    let shown = if options.help {
        Some(command.clone().render_help().to_string())
    } else if options.version {
        Some(format!("{NAME} {}\n", env!("CARGO_PKG_VERSION")))
    } else if options.cpu.as_deref().is_some_and(|cpu| matches!(cpu, "list" | "help" | "?")) {
        Some(super::cpu_list::cpu_list())
    } else {
        None
    };
    if let Some(text) = shown {
        print(&text).map_err(CliError::Output)?;
        return Ok(0);
    }
    start(&options)
}

fn start(options: &SystemOptions) -> Result<i32, SystemError> {
    if let [_, second, ..] = options.program.as_slice() {
        return Err(CliError::Usage(format!("unexpected argument '{}'", second.display())).into());
    }
    let kernel_path = options.kernel.as_ref().or(options.program.first());
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| SystemError::File { path: path.clone(), error });
    let bios = options.bios.as_ref().filter(|path| path.as_os_str() != "none");
    let (firmware, kernel) = (bios.map(read).transpose()?, kernel_path.map(read).transpose()?);
    let path = bios.or(kernel_path).cloned();
    let failed = |error: MachineError| SystemError::Machine { path: path.clone(), error };
    let boot = |error: BootError| failed(error.into());
    let plan = BootPlan::new(firmware.as_deref(), kernel.as_deref()).map_err(boot)?;
    let config = configuration(options, plan.xlen())?;
    let limit = options.max_instructions.as_ref().map(|n| number("--max-instructions", n)).transpose()?;
    let granularity = number("--signature-granularity", &options.signature_granularity)?;
    if !matches!(granularity, 1 | 2 | 4 | 8 | 16) {
        return Err(bad("--signature-granularity", &options.signature_granularity, "1, 2, 4, 8 or 16"));
    }
    let signature = options.signature.as_deref().map(|to| Signature { to, granularity });
    match config.isa.xlen {
        Xlen::Rv32 => operate::<Rv32>(&config, &plan, limit, signature, path.as_deref(), &failed),
        Xlen::Rv64 => operate::<Rv64>(&config, &plan, limit, signature, path.as_deref(), &failed),
    }
}

/// Where and how memory is written down in the end.
struct Signature<'a> {
    to: &'a Path,
    granularity: u64,
}

/// Runs the machine, as often as it wants to be started anew.
fn operate<B: Base>(
    config: &MachineConfig,
    plan: &BootPlan<'_>,
    limit: Option<u64>,
    signature: Option<Signature<'_>>,
    path: Option<&Path>,
    failed: &dyn Fn(MachineError) -> SystemError,
) -> Result<i32, SystemError> {
    loop {
        let mut machine = Machine::<B, Interp<B, HartMemory>>::new(config, plan, Box::<Terminal>::default(), engine)
            .map_err(failed)?;
        let ending = machine.run(limit);
        if let Some(signature) = &signature {
            write_signature(&machine, plan, signature, path)?;
        }
        match ending {
            Ending::Exited(0) => return Ok(0),
            Ending::Exited(code) => return Ok(Some(code as u8).filter(|&c| c != 0).unwrap_or(1).into()),
            Ending::Reset => {}
            Ending::Unsupported(what) => return Err(SystemError::Unsupported(what)),
            Ending::OutOfInstructions => return Err(SystemError::OutOfInstructions(limit.unwrap_or_default())),
        }
    }
}

fn engine<B: Base>() -> EngineParts<Interp<B, HartMemory>> {
    let engine = Interp::new(InterpConfig::default());
    let code = engine.code_observer();
    (engine, code)
}

/// Writes the signature in the format of the architectural tests: lines of hexadecimal digits, the byte of
/// the lowest address last.
fn write_signature<B: Base>(
    machine: &Machine<B, Interp<B, HartMemory>>,
    plan: &BootPlan<'_>,
    signature: &Signature<'_>,
    path: Option<&Path>,
) -> Result<(), SystemError> {
    let missing = |symbol| SystemError::NoSignature { path: path.unwrap_or(Path::new("")).into(), symbol };
    let find = |symbol| plan.image().and_then(|image| image.symbol(symbol)).ok_or_else(|| missing(symbol));
    let (begin, end) = (find("begin_signature")?, find("end_signature")?);
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(begin)).unwrap_or(0)];
    machine.read(begin, &mut bytes).ok_or_else(|| missing("begin_signature"))?;
    let mut text = String::new();
    for line in bytes.chunks(signature.granularity as usize) {
        // What is left of the last line is filled with zeroes.
        text.push_str(&"00".repeat(signature.granularity as usize - line.len()));
        line.iter().rev().for_each(|byte| text.push_str(&format!("{byte:02x}")));
        text.push('\n');
    }
    std::fs::write(signature.to, text).map_err(|error| SystemError::File { path: signature.to.into(), error })
}

fn bad(option: &'static str, value: &str, why: &'static str) -> SystemError {
    SystemError::BadValue { option, value: value.to_owned(), why }
}

/// A number, decimal or with `0x`.
fn number(option: &'static str, value: &str) -> Result<u64, SystemError> {
    resolve::parse_number(value).ok_or_else(|| bad(option, value, "not a number"))
}

fn configuration(options: &SystemOptions, wanted: Option<Xlen>) -> Result<MachineConfig, SystemError> {
    let kind = Kind::ALL.into_iter().find(|(name, _)| *name == options.machine).map(|(_, kind)| kind);
    let kind = kind.ok_or_else(|| SystemError::UnknownMachine(options.machine.clone()))?;
    // A bare number is in MiB, as QEMU has it.
    let memory = match options.memory.parse::<u64>() {
        Ok(mib) => mib.checked_mul(1 << 20).ok_or("too large"),
        Err(_) => resolve::bytes(&options.memory),
    };
    let memory = memory.map_err(|why| bad("-m", &options.memory, why))?;
    let harts = match number("--smp", &options.smp)? {
        n @ 1..=64 => n as usize,
        _ => return Err(bad("--smp", &options.smp, "from 1 to 64")),
    };
    Ok(MachineConfig {
        kind,
        isa: isa(options, wanted)?,
        ram_base: number("--memory-base", &options.memory_base)?,
        ram_size: memory,
        harts,
        arguments: options.append.clone(),
    })
}

fn isa(options: &SystemOptions, wanted: Option<Xlen>) -> Result<Isa, SystemError> {
    if let Some(string) = &options.isa {
        let (xlen, exts) = parse_isa(string).ok_or_else(|| bad("--isa", string, "not an ISA string"))?;
        return Ok(on_a_machine(xlen, exts));
    }
    let model = match &options.cpu {
        None => CpuModel::default(),
        Some(spec) => {
            let source_name = "-cpu".to_owned();
            CpuModel::parse(spec).map_err(|error| CliError::Cpu { source_name, error })?
        }
    };
    Ok(on_a_machine(wanted.unwrap_or(Xlen::Rv64), model.exts))
}

/// The harts' instruction set: what a model or a string says, and machine level, which neither has to name.
fn on_a_machine(xlen: Xlen, exts: ExtSet) -> Isa {
    Isa::new(xlen, exts.with(Ext::Sm))
}

/// Reads an ISA string: the base, letters, and names after underscores.
fn parse_isa(string: &str) -> Option<(Xlen, ExtSet)> {
    let string = string.to_ascii_lowercase();
    let (xlen, rest) = match string.strip_prefix("rv32") {
        Some(rest) => (Xlen::Rv32, rest),
        None => (Xlen::Rv64, string.strip_prefix("rv64")?),
    };
    let mut words = rest.split('_');
    let mut exts = ExtSet::default();
    for letter in words.next()?.chars() {
        exts = match letter {
            'g' => {
                [Ext::I, Ext::M, Ext::A, Ext::F, Ext::D, Ext::Zicsr, Ext::Zifencei].into_iter().fold(exts, ExtSet::with)
            }
            // Machines have user mode.
            'u' => exts,
            other => exts.with(Ext::from_name(&other.to_string())?),
        };
    }
    for name in words {
        exts = exts.with(Ext::from_name(name)?);
    }
    exts.contains(Ext::I).then(|| (xlen, exts.with_implied()))
}

/// Standard input and output.
#[derive(Default)]
struct Terminal {
    out: Vec<u8>,
    ended: bool,
}

impl Console for Terminal {
    fn put(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn get(&mut self) -> Option<u8> {
        if self.ended {
            return None;
        }
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut ready, Some(&now)).ok()? == 0 {
            return None;
        }
        let mut byte = [0];
        match rustix::io::read(&stdin, &mut byte) {
            Ok(1) => Some(byte[0]),
            _ => {
                self.ended = true;
                None
            }
        }
    }

    fn flush(&mut self) {
        if !self.out.is_empty() {
            let mut stdout = std::io::stdout().lock();
            // There is nobody to tell if that fails.
            let _ = stdout.write_all(&self.out).and_then(|()| stdout.flush());
            self.out.clear();
        }
    }
}
