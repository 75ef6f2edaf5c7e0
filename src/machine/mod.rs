//! Whole machines: harts, devices, and how they boot and stop.
//!
//! A [`Machine`] owns the devices and [runs](run) its harts, on threads or in turn, on engines that its caller provides. The module knows
//! guests, memory, ELF images and the host, but no engine and no system call.

mod boot;
mod bus;
mod clock;
mod console;
mod devices;
mod devicetree;
mod events;
mod hart;
mod htif;
mod interrupts;
mod run;
mod timer;

pub use boot::{BootError, BootFault, BootPlan, Part, compression, device_tree, is_linux_image};
pub use bus::{Bus, Ending};
pub use clock::{Clock, ClockSource};
pub use console::{Console, Input, Silent};
pub use devicetree::DeviceTreeError;
pub use events::Events;
pub use hart::{Hart, HartEngine, TrapWatcher};
pub use interrupts::InterruptLines;

use crate::elf::Image;
use crate::guest::riscv::Base;
use crate::memory::machine::{HartMemory, MachineCode, Ram, RamError};
use crate::memory::{CodeWatch, Reservations};
use htif::Htif;
use remu_isa::{EncodeError, Isa};
use std::io;
use std::sync::Arc;

/// The machine model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineKind {
    /// A subset of QEMU's `virt`.
    Virt,
    /// Spike's: no power-off device; programs exit through HTIF.
    Spike,
}

impl MachineKind {
    /// All models by name.
    pub const ALL: [(&'static str, MachineKind); 2] = [("virt", MachineKind::Virt), ("spike", MachineKind::Spike)];
}

/// How the harts of a machine run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheduling {
    /// Each on a thread of its own. A clock that counts instructions has them run in turn.
    #[default]
    Threads,
    /// In turn on one thread.
    InTurn,
}

/// The configuration of a machine.
#[derive(Debug)]
pub struct MachineConfig {
    /// The model.
    pub kind: MachineKind,
    /// The ISA of its harts.
    pub isa: Isa,
    /// The first address of RAM.
    pub ram_base: u64,
    /// The size of RAM in bytes.
    pub ram_size: u64,
    /// The number of harts, at least one.
    pub harts: usize,
    /// How they run.
    pub scheduling: Scheduling,
    /// What makes its clock advance.
    pub clock: ClockSource,
    /// The kernel's command line.
    pub arguments: String,
    /// Whether misaligned loads and stores trap.
    pub aligned_only: bool,
}

/// Why a machine cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// RAM cannot be allocated.
    #[error(transparent)]
    Ram(#[from] RamError),
    /// RAM and a device overlap.
    #[error("memory at {start:#x}..{end:#x} overlaps the {device} at {at:#x}")]
    Overlap {
        /// The first address of RAM.
        start: u64,
        /// The address after the last of RAM.
        end: u64,
        /// The device.
        device: &'static str,
        /// Its address.
        at: u64,
    },
    /// The programs cannot be started.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// Nothing to run.
    #[error("no program to run: name an ELF file, or use --bios or --kernel")]
    NoProgram,
    /// The reset code cannot be encoded: a defect of remu.
    #[error("the reset code cannot be encoded: {0}")]
    Reset(#[from] EncodeError),
    /// The device tree cannot be composed.
    #[error(transparent)]
    DeviceTree(#[from] DeviceTreeError),
    /// The engines cannot be made.
    #[error("the host gives no memory for compiled code: {0}")]
    Engine(io::Error),
}

/// A machine.
pub struct Machine<B: Base, E> {
    harts: Vec<Hart<B, E>>,
    bus: Arc<Bus>,
    ram: Arc<Ram>,
    scheduling: Scheduling,
}

impl<B: Base, E: HartEngine<B>> Machine<B, E> {
    /// A machine at reset, with the programs of `plan` loaded. `engine` makes the engines of the harts.
    pub fn new(
        config: &MachineConfig,
        plan: &BootPlan<'_>,
        console: Box<dyn Console>,
        engine: impl Fn(&HartMemory, CodeWatch) -> io::Result<E>,
    ) -> Result<Self, MachineError> {
        let ram = Arc::new(Ram::new(config.ram_base, config.ram_size)?);
        let range = ram.range();
        let (reservations, code) = (Arc::<Reservations>::default(), Arc::<MachineCode>::default());
        let htif = plan.image().and_then(Image::htif).map(|at| Htif::new(at, ram.clone(), code.clone()));
        let bus = Arc::new(Bus::new(config, htif, console));
        let covered = bus.slots().iter().find(|slot| range.start < slot.base + slot.size && range.end > slot.base);
        if let Some(slot) = covered {
            return Err(MachineError::Overlap { start: range.start, end: range.end, device: slot.name, at: slot.base });
        }
        let rom = Arc::new(boot::load(config, plan, &ram)?);
        let harts = (0..config.harts)
            .map(|id| {
                let memories = vec![ram.clone(), rom.clone()];
                let memory = HartMemory::new(memories, bus.clone()).sharing(reservations.clone(), code.clone());
                let memory = if config.aligned_only { memory.aligned_only() } else { memory };
                Hart::new(id, config, rom.range().start, memory, bus.clone(), &engine)
            })
            .collect::<io::Result<_>>()
            .map_err(MachineError::Engine)?;
        Ok(Self { harts, bus, ram, scheduling: config.scheduling })
    }

    /// Calls `watcher` for each trap taken from now on.
    pub fn watch_traps(&mut self, watcher: TrapWatcher) {
        for hart in &mut self.harts {
            hart.watch_traps(watcher.clone());
        }
    }

    /// Runs until the guest or the user stops it. With a limit, also until each hart has run `limit` instructions or
    /// waits: for ever, unless others have run as many.
    pub fn run(&mut self, limit: Option<u64>) -> Ending
    where
        E: Send,
    {
        run::run(&mut self.harts, &self.bus, self.scheduling, limit)
    }

    /// The harts.
    pub fn harts(&self) -> &[Hart<B, E>] {
        &self.harts
    }

    /// Copies bytes from RAM; `None` if the range is not all RAM.
    pub fn read(&self, addr: u64, to: &mut [u8]) -> Option<()> {
        self.ram.read(addr, to)
    }
}
