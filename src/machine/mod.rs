//! Whole machines: harts, devices, and how they boot and stop.
//!
//! A [`Machine`] owns the devices and runs its harts in turn, on engines that its caller provides. The module knows
//! guests, memory, ELF images and the host, but no engine and no system call.

mod boot;
mod bus;
mod clock;
mod console;
mod devices;
mod devicetree;
mod hart;
mod htif;
mod interrupts;

pub use boot::{BootError, BootFault, BootPlan, Part, device_tree};
pub use bus::{Bus, Ending};
pub use clock::{Clock, ClockSource};
pub use console::{Console, Silent};
pub use devicetree::DeviceTreeError;
pub use hart::{Hart, HartEngine, TrapWatcher};
pub use interrupts::InterruptLines;

use crate::elf::Image;
use crate::guest::riscv::Base;
use crate::memory::machine::{HartMemory, MachineCode, Ram, RamError};
use crate::memory::{CodeWatch, Reservations};
use remu_isa::{EncodeError, Isa};
use std::sync::Arc;

/// The number of instructions that a hart runs before devices are polled and the next hart runs.
const TURN: u64 = 5_000;

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
}

/// A machine.
pub struct Machine<B: Base, E> {
    harts: Vec<Hart<B, E>>,
    bus: Arc<Bus>,
    ram: Arc<Ram>,
}

impl<B: Base, E: HartEngine<B>> Machine<B, E> {
    /// A machine at reset, with the programs of `plan` loaded. `engine` makes the engines of the harts.
    pub fn new(
        config: &MachineConfig,
        plan: &BootPlan<'_>,
        console: Box<dyn Console>,
        engine: impl Fn(CodeWatch) -> E,
    ) -> Result<Self, MachineError> {
        let ram = Arc::new(Ram::new(config.ram_base, config.ram_size)?);
        let range = ram.range();
        let bus = Arc::new(Bus::new(config, ram.clone(), plan.image().and_then(Image::htif), console));
        let covered = bus.slots().iter().find(|slot| range.start < slot.base + slot.size && range.end > slot.base);
        if let Some(slot) = covered {
            return Err(MachineError::Overlap { start: range.start, end: range.end, device: slot.name, at: slot.base });
        }
        let rom = Arc::new(boot::load(config, plan, &ram)?);
        let (reservations, code) = (Arc::<Reservations>::default(), Arc::<MachineCode>::default());
        let harts = (0..config.harts)
            .map(|id| {
                let memories = vec![ram.clone(), rom.clone()];
                let memory = HartMemory::new(memories, bus.clone()).sharing(reservations.clone(), code.clone());
                let memory = if config.aligned_only { memory.aligned_only() } else { memory };
                Hart::new(id, config.isa, rom.range().start, memory, bus.clone(), &engine)
            })
            .collect();
        Ok(Self { harts, bus, ram })
    }

    /// Calls `watcher` for each trap taken from now on.
    pub fn watch_traps(&mut self, watcher: TrapWatcher) {
        for hart in &mut self.harts {
            hart.watch_traps(watcher.clone());
        }
    }

    /// Runs until the guest or the user stops it. With a limit, also until each hart has run `limit` instructions,
    /// or until all harts wait and no timer is set.
    pub fn run(&mut self, limit: Option<u64>) -> Ending {
        loop {
            for id in 0..self.harts.len() {
                self.harts[id].turn(TURN);
                if let Some(ending) = self.bus.poll() {
                    return ending;
                }
            }
            let all_wait = self.harts.iter_mut().all(Hart::waits);
            let timer = self.harts.iter().filter_map(|hart| hart.privileged().deadline()).min();
            let for_ever = all_wait && timer.is_none() && self.bus.deadline().is_none();
            if limit.is_some_and(|limit| for_ever || self.harts.iter().all(|hart| hart.begun() >= limit)) {
                return Ending::OutOfInstructions;
            }
            if all_wait {
                self.bus.wait(timer);
            }
        }
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
