//! Whole machines: harts, what they share, and how they start and end.
//!
//! A [`Machine`] runs its harts in turn on engines that it is given, answers why they stop by the
//! privileged architecture, and owns the devices. Knows guests, memory, ELF images and the host, and
//! neither engines nor the kernel interface of user mode.

mod boot;
mod bus;
mod clint;
mod console;
mod devicetree;
mod hart;
mod htif;
mod uart;

pub use boot::{BootError, BootPlan};
pub use bus::{Bus, Ending};
pub use console::{Console, Silent};
pub use devicetree::DeviceTreeError;
pub use hart::{EngineParts, Hart, TrapWatcher};

use crate::elf::Image;
use crate::guest::Engine;
use crate::guest::riscv::Base;
use crate::memory::machine::{HartMemory, Ram, RamError};
use remu_isa::Isa;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How many instructions a hart runs before it is the next one's turn and devices are looked at.
const TURN: u64 = 5_000;

/// How long a machine sleeps at most in which all harts wait: a device may have news that nothing tells of.
const NAP: Duration = Duration::from_millis(5);

/// Which machine it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineKind {
    /// QEMU's `virt`, as far as it goes here.
    Virt,
    /// Spike's: no power-off device, the end is told by HTIF.
    Spike,
}

impl MachineKind {
    /// All there are, by their names.
    pub const ALL: [(&'static str, MachineKind); 2] = [("virt", MachineKind::Virt), ("spike", MachineKind::Spike)];
}

/// What a machine is made of.
#[derive(Debug)]
pub struct MachineConfig {
    /// Which one.
    pub kind: MachineKind,
    /// What its harts implement.
    pub isa: Isa,
    /// Where its memory starts.
    pub ram_base: u64,
    /// How much there is, in bytes.
    pub ram_size: u64,
    /// How many harts there are, at least one.
    pub harts: usize,
    /// The kernel's command line.
    pub arguments: String,
    /// Whether loads and stores that are not aligned trap.
    pub aligned_only: bool,
}

/// Why a machine cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// No memory.
    #[error(transparent)]
    Ram(#[from] RamError),
    /// Memory where devices are.
    #[error("memory from {start:#x} to {end:#x} is where the {device} is, at {at:#x}")]
    Overlap {
        /// Where memory starts.
        start: u64,
        /// Where it ends.
        end: u64,
        /// The device.
        device: &'static str,
        /// Its address.
        at: u64,
    },
    /// What is to be run does not fit.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The device tree cannot be composed.
    #[error(transparent)]
    DeviceTree(#[from] DeviceTreeError),
}

/// A machine.
pub struct Machine<B: Base, E> {
    harts: Vec<Hart<B, E>>,
    bus: Rc<Bus>,
    ram: Arc<Ram>,
}

impl<B: Base, E: Engine<B, Memory = HartMemory>> Machine<B, E> {
    /// A machine that is about to start what `plan` says, on engines that `engine` makes.
    pub fn new(
        config: &MachineConfig,
        plan: &BootPlan<'_>,
        console: Box<dyn Console>,
        engine: impl Fn() -> EngineParts<E> + Clone + 'static,
    ) -> Result<Self, MachineError> {
        let ram = Arc::new(Ram::new(config.ram_base, config.ram_size)?);
        let range = ram.range();
        let mut devices = Bus::devices(config.kind);
        if let Some((device, at, _)) = devices.find(|(_, at, size)| range.start < at + size && range.end > *at) {
            return Err(MachineError::Overlap { start: range.start, end: range.end, device, at });
        }
        let htif = plan.image().and_then(Image::htif);
        let tree = devicetree::compose(config)?;
        let rom = Arc::new(boot::load(config, plan, &ram, &tree)?);
        let bus = Rc::new(Bus::new(config, ram.clone(), htif, console));
        let harts = (0..config.harts)
            .map(|id| {
                let memory = HartMemory::new(vec![ram.clone(), rom.clone()], bus.clone());
                let memory = if config.aligned_only { memory.aligned_only() } else { memory };
                Hart::new(id as u64, config.isa, rom.range().start, memory, Box::new(engine.clone()))
            })
            .collect();
        Ok(Self { harts, bus, ram })
    }

    /// Tells of the traps that harts take from now on.
    pub fn watch_traps(&mut self, watcher: TrapWatcher) {
        for hart in &mut self.harts {
            hart.watch_traps(watcher.clone());
        }
    }

    /// Runs until the guest ends it; with a limit, until each hart has run so many instructions, or all wait
    /// and no timer is set.
    pub fn run(&mut self, limit: Option<u64>) -> Ending {
        loop {
            for id in 0..self.harts.len() {
                self.harts[id].turn(TURN, &self.bus);
                if let Some(ending) = self.bus.news() {
                    return ending;
                }
            }
            let waits = |(id, hart): (usize, &Hart<B, E>)| hart.waits(&self.bus.inputs(id));
            let all_wait = self.harts.iter().enumerate().all(waits);
            let left = self.bus.until_timer();
            let for_ever = all_wait && left.is_none();
            if limit.is_some_and(|limit| for_ever || self.harts.iter().all(|hart| hart.begun() >= limit)) {
                return Ending::OutOfInstructions;
            }
            if all_wait {
                std::thread::sleep(left.map_or(NAP, |left| left.min(NAP)));
            }
        }
    }

    /// The harts.
    pub fn harts(&self) -> &[Hart<B, E>] {
        &self.harts
    }

    /// Copies out of memory; `None` if the range is not all memory.
    pub fn read(&self, addr: u64, to: &mut [u8]) -> Option<()> {
        self.ram.read(addr, to)
    }
}
