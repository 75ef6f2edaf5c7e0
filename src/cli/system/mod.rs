//! `remu-system`: its options, the machine they select, and the exit status.

mod config;
mod engine;
mod isa;
mod keys;
mod options;
mod signature;
mod terminal;
mod traps;
mod unsupported;

pub use options::SystemOptions;

use super::log_items::{self, LogItems, Logged};
use super::text::{complain_as, print};
use super::{CliError, EXIT_OWN_ERROR, completions, resolve, words};
use crate::debug::{AddressFilter, Log, LogPath, Symbols};
use crate::elf::Image;
use crate::guest::riscv::{Base, Rv32, Rv64};
use crate::guest::{Counters, add_counters, report_counters};
use crate::host::{self, InheritedLimits};
use crate::machine::{self, BootError, BootPlan, Console, Ending, Machine, MachineConfig, MachineError, Part, Silent};
use crate::memory::CodeWatch;
use crate::memory::machine::HartMemory;
use clap::{CommandFactory, FromArgMatches};
use engine::{AnyEngine, Engines};
use isa::IsaError;
use options::NAME;
use remu_isa::Xlen;
use signature::Signature;
use std::io;
use std::path::{Path, PathBuf};
use terminal::Terminal;

/// Why a machine cannot run, or did not end by itself.
#[derive(Debug, thiserror::Error)]
enum SystemError {
    /// The command line.
    #[error(transparent)]
    Usage(#[from] CliError),
    /// An unknown machine.
    #[error("unknown machine '{0}'; virt and spike are supported")]
    UnknownMachine(String),
    /// A property of an option's value that QEMU supports and remu-system does not.
    #[error("{option}: '{property}' is not supported")]
    Property { option: &'static str, property: String },
    /// An invalid value.
    #[error("{option} '{value}': {why}")]
    BadValue { option: &'static str, value: String, why: &'static str },
    /// An invalid ISA string.
    #[error("--isa '{string}': {error}")]
    Isa { string: String, error: IsaError },
    /// An option about compiled code, on a machine whose code is not compiled.
    #[error("{0} is about compiled code, and only RV64 is compiled")]
    NotCompiled(&'static str),
    /// A file that cannot be read or written.
    #[error("{}{}: {error}", host::limits_behind(error), path.display())]
    File { path: PathBuf, error: std::io::Error },
    /// The machine cannot be created or started.
    #[error("{}{error}", subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default())]
    Machine { subject: Option<String>, error: MachineError },
    /// A Linux kernel without firmware, where QEMU has firmware of its own.
    #[error(
        "{}: a Linux kernel needs firmware: -bios FILE, such as fw_dynamic.bin of Debian's package opensbi, or \
         -bios none to start the kernel in machine mode",
        .0.display()
    )]
    NeedsFirmware(PathBuf),
    /// The program is a raw binary.
    #[error("{}: not an ELF file; -kernel FILE loads a raw binary", .0.display())]
    NotElf(PathBuf),
    /// The program has no signature.
    #[error("{}: has no symbol '{symbol}' in memory", path.display())]
    NoSignature { path: PathBuf, symbol: &'static str },
    /// The guest requested something that is not implemented.
    #[error("the guest uses {0}, which is not supported")]
    Unsupported(String),
    /// The host refused a descriptor.
    #[error("the host has no descriptor for events: {0}")]
    Events(std::io::Error),
    /// The host refused a thread.
    #[error("the host has no thread for each hart: {0}; --round-robin needs one for all")]
    NoThread(String),
    /// The instruction limit was reached.
    #[error("the machine still runs when the limit of {0} instructions is reached")]
    OutOfInstructions(u64),
}

/// Whether `remu-system` or QEMU's system emulation has an option with this name, given without dashes.
pub(super) fn has_option(name: &[u8]) -> bool {
    let is_short = |short: Option<char>| short.is_some_and(|letter| name == [letter as u8]);
    let known =
        |arg: &clap::Arg| arg.get_long().is_some_and(|long| long.as_bytes() == name) || is_short(arg.get_short());
    unsupported::unsupported(name).is_some() || SystemOptions::command().get_arguments().any(known)
}

/// `remu-system [OPTIONS] [ELF]`: returns the exit status.
pub fn system_main(_: &InheritedLimits) -> i32 {
    super::run::install_panic_report(NAME);
    run().unwrap_or_else(|error| {
        complain_as(NAME, &error);
        EXIT_OWN_ERROR
    })
}

fn run() -> Result<i32, SystemError> {
    let command = SystemOptions::command();
    let words = words::normalize_all(&command, unsupported::unsupported, std::env::args_os())?;
    let options = command
        .clone()
        .try_get_matches_from(words)
        .and_then(|matches| SystemOptions::from_arg_matches(&matches))
        .map_err(resolve::usage)?;
    let shown = if options.short_help {
        Some(command.clone().render_help().to_string())
    } else if options.help {
        Some(command.clone().render_long_help().to_string())
    } else if let Some(shell) = options.completions {
        Some(completions::script(shell, command.clone(), Logged::Machine))
    } else if options.version {
        Some(format!("{NAME} {}\n", env!("CARGO_PKG_VERSION")))
    } else if options.cpu.as_deref().is_some_and(|cpu| matches!(cpu, "list" | "help" | "?")) {
        Some(super::cpu_list::cpu_list())
    } else if options.log.iter().flat_map(|list| list.split(',')).any(|item| matches!(item, "help" | "?")) {
        Some(log_items::help(Logged::Machine))
    } else if matches!(&*options.machine, "help" | "?") {
        Some(config::MACHINES.to_owned())
    } else if options.accel.iter().any(|name| name == "help") {
        Some(config::ACCELERATORS.to_owned())
    } else if options.smp == "help" {
        Some(config::SMP.to_owned())
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
    let kernel_path = match (options.kernel.as_ref(), options.program.as_slice()) {
        (Some(_), [second, ..]) | (None, [_, second, ..]) => {
            return Err(CliError::Usage(format!("unexpected argument '{}'", second.display())).into());
        }
        (kernel, program) => kernel.or(program.first()),
    };
    // Before any other file is opened: that file could become descriptor 2 if standard error is closed.
    let logging = Logging::new(options)?;
    let statistics = options.statistics.as_ref().map(|path| LogPath::new(path, Path::new("")));
    let statistics =
        statistics.map(|path| super::run::create_log("the counters to", Some(&path), false)).transpose()?;
    if options.bios.as_ref().is_some_and(|bios| bios.as_os_str() == "default") {
        return Err(bad("-bios", "default", "remu-system comes without firmware; name a file, or none"));
    }
    let given = [("-append", options.append.is_some()), ("-initrd", options.initrd.is_some())];
    if let Some((option, _)) = given.into_iter().find(|(_, given)| *given && kernel_path.is_none()) {
        return Err(CliError::Usage(format!("{option} needs a kernel: use --kernel")).into());
    }
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| SystemError::File { path: path.clone(), error });
    let bios = options.bios.as_ref().filter(|path| path.as_os_str() != "none");
    let (firmware, kernel) = (bios.map(read).transpose()?, kernel_path.map(read).transpose()?);
    let initrd = options.initrd.as_ref().map(read).transpose()?;
    if options.bios.is_none() && kernel.as_deref().is_some_and(machine::is_linux_image) {
        return Err(SystemError::NeedsFirmware(kernel_path.cloned().unwrap_or_default()));
    }
    if options.kernel.is_none() && kernel.as_deref().is_some_and(is_neither_elf_nor_compressed) {
        return Err(SystemError::NotElf(kernel_path.cloned().unwrap_or_default()));
    }
    let path = bios.or(kernel_path);
    let failed = |error: MachineError| {
        let file = match &error {
            MachineError::Boot(BootError { part: Part::Firmware, .. }) => bios,
            MachineError::Boot(BootError { part: Part::Kernel, .. }) => kernel_path,
            MachineError::Boot(BootError { part: Part::Initrd, .. }) => options.initrd.as_ref(),
            MachineError::Boot(BootError { part: Part::DeviceTree, .. }) => None,
            _ => path,
        };
        let part = match &error {
            MachineError::Boot(error) => Some(error.part.to_string()),
            _ => None,
        };
        SystemError::Machine { subject: file.map(|file| file.display().to_string()).or(part), error }
    };
    let boot = |error: BootError| failed(error.into());
    let plan = BootPlan::new(firmware.as_deref(), kernel.as_deref()).map_err(boot)?.with_initrd(initrd.as_deref());
    let config = config::of(options, plan.xlen())?;
    if let Some(to) = config::machine(options)?.1 {
        let tree = machine::device_tree(&config, &plan).map_err(failed)?;
        std::fs::write(&to, tree).map_err(|error| SystemError::File { path: to, error })?;
        return Ok(0);
    }
    let granularity = number("--signature-granularity", &options.signature_granularity)?;
    if !matches!(granularity, 1 | 2 | 4 | 8 | 16) {
        return Err(bad("--signature-granularity", &options.signature_granularity, "1, 2, 4, 8 or 16"));
    }
    let symbols = Symbols::from_names(plan.image().into_iter().flat_map(Image::symbols));
    let run = Run {
        config: &config,
        plan: &plan,
        limit: options.max_instructions.as_ref().map(|n| number("--max-instructions", n)).transpose()?,
        signature: options.signature.as_deref().map(|to| Signature { to, granularity }),
        path: path.map(PathBuf::as_path),
        engines: Engines::new(options, &config, logging.clone(), symbols)?,
        logging,
        statistics,
        serial: Serial::of(options)?,
        reboot: !options.no_reboot,
    };
    let ending = match config.isa.xlen {
        Xlen::Rv32 => run.run::<Rv32, _>(&failed, || |_: &HartMemory, watch| Ok(run.engines.interpreter(watch))),
        Xlen::Rv64 => run.run::<Rv64, _>(&failed, || {
            let (engines, compiler) = (&run.engines, run.engines.compiler());
            move |mem: &HartMemory, watch| engines.engine(&compiler, mem, watch)
        }),
    };
    match ending? {
        Ending::Exited(0) | Ending::Reset | Ending::ByUser => Ok(0),
        Ending::Exited(code) => Ok(Some(code as u8).filter(|&c| c != 0).unwrap_or(1).into()),
        Ending::Unsupported(what) => Err(SystemError::Unsupported(what)),
        Ending::NoThread(why) => Err(SystemError::NoThread(why)),
        Ending::OutOfInstructions => Err(SystemError::OutOfInstructions(run.limit.unwrap_or_default())),
    }
}

/// Whether a file is a raw binary. Compressed and empty files are reported as such later.
fn is_neither_elf_nor_compressed(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.starts_with(b"\x7fELF") && machine::compression(bytes).is_none()
}

/// The machine to run, and the options for running it.
struct Run<'a> {
    config: &'a MachineConfig,
    plan: &'a BootPlan<'a>,
    limit: Option<u64>,
    signature: Option<Signature<'a>>,
    path: Option<&'a Path>,
    engines: Engines,
    logging: Option<Logging>,
    /// The file of counters.
    statistics: Option<Log>,
    serial: Serial,
    /// Whether a reset requested by the guest restarts the machine.
    reboot: bool,
}

impl Run<'_> {
    /// Runs the machine until it stops. A reset creates it anew. `engines` makes what makes the engines of its harts.
    fn run<B: Base, F: Fn(&HartMemory, CodeWatch) -> io::Result<AnyEngine<B>>>(
        &self,
        failed: &dyn Fn(MachineError) -> SystemError,
        engines: impl Fn() -> F,
    ) -> Result<Ending, SystemError> {
        loop {
            let mut machine =
                Machine::<B, _>::new(self.config, self.plan, self.serial.console()?, engines()).map_err(failed)?;
            let log = self.logging.as_ref().filter(|logging| logging.items.int).map(|logging| logging.log.clone());
            machine.watch_traps(traps::watcher(log));
            let ending = machine.run(self.limit);
            if let Some(file) = &self.statistics {
                let mut counters = Counters::new();
                machine.harts().iter().for_each(|hart| add_counters(&mut counters, hart.statistics()));
                file.put(&report_counters("machine", &counters));
            }
            if let Some(to) = &self.signature {
                signature::write(&machine, self.plan, to, self.path)?;
            }
            if !(self.reboot && ending == Ending::Reset) {
                return Ok(ending);
            }
        }
    }
}

/// The log and its contents.
#[derive(Clone)]
struct Logging {
    log: Log,
    items: LogItems,
    filter: AddressFilter,
}

impl Logging {
    fn new(options: &SystemOptions) -> Result<Option<Self>, SystemError> {
        if options.log.is_empty() {
            return Ok(None);
        }
        // `parse` returns None only for `help`, which was handled above.
        let items = log_items::parse(Logged::Machine, "-d", &options.log.join(","))?.unwrap_or_default();
        let filter = match &options.dfilter {
            Some(ranges) => {
                AddressFilter::parse(ranges, resolve::parse_number).map_err(|why| bad("-dfilter", ranges, why))?
            }
            None => AddressFilter::default(),
        };
        let path = options.log_file.as_ref().map(|path| LogPath::new(path.as_os_str(), Path::new("")));
        Ok(Some(Self { log: super::run::create_log("the log", path.as_ref(), false)?, items, filter }))
    }
}

/// The connection of the serial port.
#[derive(Clone, Copy)]
enum Serial {
    /// Nothing.
    Silent,
    /// Standard input and output. With `keys`, Ctrl-A on a terminal begins a command.
    Stdio { keys: bool },
}

impl Serial {
    /// The connection that the options select.
    fn of(options: &SystemOptions) -> Result<Self, SystemError> {
        if options.display != "none" {
            return Err(bad("-display", &options.display, "only none is supported"));
        }
        if !matches!(&*options.monitor, "none" | "null") {
            return Err(bad("-monitor", &options.monitor, "only none is supported"));
        }
        match options.serial.as_deref() {
            None if options.nodefaults => Ok(Serial::Silent),
            None | Some("mon:stdio") => Ok(Serial::Stdio { keys: true }),
            Some("stdio") => Ok(Serial::Stdio { keys: false }),
            Some("none" | "null") => Ok(Serial::Silent),
            Some(other) => Err(bad("-serial", other, "only stdio, mon:stdio and null are supported")),
        }
    }

    fn console(self) -> Result<Box<dyn Console>, SystemError> {
        Ok(match self {
            Serial::Silent => Box::new(Silent),
            Serial::Stdio { keys } => Box::new(Terminal::new(keys)?),
        })
    }
}

fn bad(option: &'static str, value: &str, why: &'static str) -> SystemError {
    SystemError::BadValue { option, value: value.to_owned(), why }
}

/// Parses a number, decimal or with `0x`.
fn number(option: &'static str, value: &str) -> Result<u64, SystemError> {
    resolve::parse_number(value).ok_or_else(|| bad(option, value, "not a number"))
}
