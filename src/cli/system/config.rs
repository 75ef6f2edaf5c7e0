//! The machine that the options select. The values have QEMU's syntax.

use super::{CliError, SystemError, SystemOptions, bad, isa, number};
use crate::cli::resolve;
use crate::machine::{ClockSource, MachineConfig, MachineKind, Scheduling};
use remu_isa::Xlen;
use std::path::PathBuf;

/// What `-machine help` prints.
pub(super) const MACHINES: &str = "\
Machines (-machine NAME[,dumpdtb=FILE]):
  virt   QEMU's virt: CLINT, PLIC, serial port, real-time clock, power-off device
  spike  Spike's: CLINT, serial port, HTIF
";

/// What `-accel help` prints.
pub(super) const ACCELERATORS: &str = "\
Accelerators (-accel NAME[,thread=multi|single]):
  tcg    emulation; thread=multi runs each hart on a thread of its own, thread=single all in turn
";

/// What `-smp help` prints.
pub(super) const SMP: &str = "\
Harts (-smp [cpus=]N[,OPTION=NUMBER]...):
  maxcpus, cores  the same as N
  sockets, threads, dies, clusters, modules, books, drawers  1
";

/// The machine. `wanted` is the register width of the program, if known.
pub(super) fn of(options: &SystemOptions, wanted: Option<Xlen>) -> Result<MachineConfig, SystemError> {
    if let Some(name) = options.name.iter().find(|name| name.contains(',')) {
        return Err(bad("-name", name, "only a name is supported, and it is not shown"));
    }
    Ok(MachineConfig {
        kind: machine(options)?.0,
        isa: isa::of(options, wanted)?,
        aligned_only: options.aligned_only,
        ram_base: number("--memory-base", &options.memory_base)?,
        ram_size: memory(&options.memory)?,
        harts: harts(&options.smp)?,
        scheduling: scheduling(options)?,
        clock: options.icount.as_deref().map(clock).transpose()?.unwrap_or_default(),
        arguments: options.append.clone().unwrap_or_default(),
    })
}

/// `[type=]NAME[,accel=tcg][,dumpdtb=FILE]`: the model, and the file to which the device tree is written.
pub(super) fn machine(options: &SystemOptions) -> Result<(MachineKind, Option<PathBuf>), SystemError> {
    let (mut kind, mut dump) = (MachineKind::Virt, None);
    for (index, part) in options.machine.split(',').enumerate() {
        match part.split_once('=') {
            None if index == 0 => kind = model(part)?,
            Some(("type", name)) => kind = model(name)?,
            Some(("accel", accelerator)) => drop(accelerator_threads(accelerator)?),
            Some(("dumpdtb", file)) => dump = Some(file.into()),
            _ => return Err(SystemError::Property { option: "-machine", property: part.to_owned() }),
        }
    }
    Ok((kind, dump))
}

fn model(name: &str) -> Result<MachineKind, SystemError> {
    let kind = MachineKind::ALL.into_iter().find(|(n, _)| *n == name).map(|(_, kind)| kind);
    kind.ok_or_else(|| SystemError::UnknownMachine(name.to_owned()))
}

/// `[shift=]N[,sleep=on|off][,align=off]`.
fn clock(given: &str) -> Result<ClockSource, SystemError> {
    let (mut shift, mut sleep) = (None, true);
    for (index, part) in given.split(',').enumerate() {
        match part.split_once('=').unwrap_or((if index == 0 { "shift" } else { part }, part)) {
            ("shift", n) => shift = n.parse().ok().filter(|n| (0..=10).contains(n)),
            ("sleep", "on") => sleep = true,
            ("sleep", "off") => sleep = false,
            ("align", "off") => {}
            _ => return Err(SystemError::Property { option: "-icount", property: part.to_owned() }),
        }
    }
    let shift = shift.ok_or_else(|| bad("-icount", given, "shift=N is needed, with N from 0 to 10"))?;
    Ok(ClockSource::Instructions { shift, sleep })
}

/// How the harts run.
fn scheduling(options: &SystemOptions) -> Result<Scheduling, SystemError> {
    let mut threads = None;
    for accelerator in &options.accel {
        threads = accelerator_threads(accelerator)?.or(threads);
    }
    let in_turn = [("--round-robin", options.round_robin), ("-icount", options.icount.is_some())];
    match (threads, in_turn.into_iter().find(|(_, given)| *given)) {
        (Some(Scheduling::Threads), Some((option, _))) => {
            Err(CliError::Usage(format!("{option} runs the harts in turn, -accel thread=multi does not")).into())
        }
        (_, Some(_)) => Ok(Scheduling::InTurn),
        (threads, None) => Ok(threads.unwrap_or_default()),
    }
}

/// `[accel=]tcg[,thread=single|multi]`.
fn accelerator_threads(given: &str) -> Result<Option<Scheduling>, SystemError> {
    let mut parts = given.split(',');
    let name = parts.next().unwrap_or_default();
    if name.strip_prefix("accel=").unwrap_or(name) != "tcg" {
        return Err(bad("-accel", given, "only tcg is supported"));
    }
    let mut threads = None;
    for property in parts {
        threads = Some(match property {
            "thread=single" => Scheduling::InTurn,
            "thread=multi" => Scheduling::Threads,
            _ => return Err(SystemError::Property { option: "-accel", property: property.to_owned() }),
        });
    }
    Ok(threads)
}

/// `[size=]SIZE`. A bare number is in MiB.
fn memory(given: &str) -> Result<u64, SystemError> {
    let mut parts = given.split(',');
    let size = parts.next().unwrap_or_default();
    if let Some(property) = parts.next() {
        return Err(SystemError::Property { option: "-m", property: property.to_owned() });
    }
    let size = size.strip_prefix("size=").unwrap_or(size);
    let size = match size.parse::<u64>() {
        Ok(mib) => mib.checked_mul(1 << 20).ok_or("too large"),
        Err(_) => resolve::bytes(size),
    };
    size.map_err(|why| bad("-m", given, why))
}

/// `[cpus=]N[,PART=N]...`. The topology is fixed: one socket, one thread per core, no hotplug.
fn harts(given: &str) -> Result<usize, SystemError> {
    let mut harts = None;
    let mut cores = None;
    let mut max = None;
    for (index, part) in given.split(',').enumerate() {
        let (name, value) = part.split_once('=').unwrap_or((if index == 0 { "cpus" } else { part }, part));
        let value = number("-smp", value).map_err(|_| bad("-smp", given, "not a number"))?;
        match name {
            "cpus" => harts = Some(value),
            "cores" => cores = Some(value),
            "maxcpus" => max = Some(value),
            "sockets" | "threads" | "dies" | "clusters" | "modules" | "books" | "drawers" if value == 1 => {}
            _ => return Err(SystemError::Property { option: "-smp", property: part.to_owned() }),
        }
    }
    let harts = harts.or(cores).or(max).unwrap_or(1);
    if !(1..=64).contains(&harts) {
        return Err(bad("-smp", given, "a machine has 1 to 64 harts"));
    }
    if cores.is_some_and(|n| n != harts) || max.is_some_and(|n| n != harts) {
        return Err(bad("-smp", given, "cores and maxcpus must equal the number of harts"));
    }
    Ok(harts as usize)
}
