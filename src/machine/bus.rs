//! The bus: the devices that all harts share, and the request to end the machine.

use super::clock::Clock;
use super::console::SharedConsole;
use super::devices::Device;
use super::devices::clint::{self, Clint};
use super::devices::finisher::{self, Finisher};
use super::devices::plic::{self, Plic};
use super::devices::rtc::{self, Rtc};
use super::devices::uart::{self, Uart};
use super::htif::Htif;
use super::interrupts::InterruptLines;
use super::{Console, MachineConfig, MachineKind};
use crate::elf::HtifAddresses;
use crate::guest::riscv::privileged::Interrupts;
use crate::memory::machine::{Mmio, Ram};
use remu_isa::Ext;
use std::sync::{Arc, Mutex, PoisonError};

/// Why a machine stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The guest powered off with this exit code; 0 is success.
    Exited(u64),
    /// The guest requested a reset.
    Reset,
    /// The guest requested something that is not implemented.
    Unsupported(String),
    /// The user ended it from the console.
    ByUser,
    /// The instruction limit was reached.
    OutOfInstructions,
}

/// A device at its place.
pub struct Slot {
    /// Its name in messages.
    pub name: &'static str,
    /// Its first address.
    pub base: u64,
    /// The size of its registers in bytes.
    pub size: u64,
    device: Arc<dyn Device>,
}

/// The devices of a machine, as its harts reach them. Any thread may access them.
pub struct Bus {
    slots: Vec<Slot>,
    clint: Arc<Clint>,
    uart: Arc<Uart>,
    finisher: Arc<Finisher>,
    htif: Option<Mutex<Htif>>,
    ram: Arc<Ram>,
    console: SharedConsole,
    clock: Arc<Clock>,
    lines: Arc<InterruptLines>,
}

impl Bus {
    pub(super) fn new(
        config: &MachineConfig,
        ram: Arc<Ram>,
        htif: Option<HtifAddresses>,
        console: Box<dyn Console>,
    ) -> Self {
        let console = SharedConsole::new(console);
        let clock = Arc::new(Clock::new(config.clock));
        let lines = Arc::new(InterruptLines::new(config.harts));
        let clint = Arc::new(Clint::new(config.harts, clock.clone(), lines.clone()));
        let finisher = Arc::<Finisher>::default();
        let slot = |name, base, size, device| Slot { name, base, size, device };
        let mut slots = vec![slot("CLINT", clint::BASE, clint::SIZE, clint.clone())];
        let mut uart_line = None;
        if config.kind == MachineKind::Virt {
            let plic = Arc::new(Plic::new(config.harts, config.isa.exts.contains(Ext::S), lines.clone()));
            let rtc = Arc::new(Rtc::new(clock.clone(), plic.line(rtc::SOURCE)));
            uart_line = Some(plic.line(uart::SOURCE));
            slots.push(slot("PLIC", plic::BASE, plic::SIZE, plic));
            slots.push(slot("real-time clock", rtc::BASE, rtc::SIZE, rtc));
            slots.push(slot("power-off device", finisher::BASE, finisher::SIZE, finisher.clone()));
        }
        let uart = Arc::new(Uart::new(console.clone(), clock.clone(), uart_line));
        slots.push(slot("serial port", uart::BASE, uart::SIZE, uart.clone()));
        Self {
            slots,
            clint,
            uart,
            finisher,
            htif: htif.map(|at| Mutex::new(Htif::new(at))),
            ram,
            console,
            clock,
            lines,
        }
    }

    /// The devices.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The device that contains the whole access, and the offset into it.
    fn device(&self, addr: u64, size: u64) -> Option<(&dyn Device, u64)> {
        self.slots.iter().find_map(|slot| {
            let offset = addr.checked_sub(slot.base).filter(|offset| offset + size <= slot.size)?;
            Some((&*slot.device, offset))
        })
    }

    /// The bits of `mip` that devices set for a hart.
    pub(super) fn pending(&self, hart: usize) -> Interrupts {
        self.lines.pending(hart)
    }

    /// The value of `mtime`.
    pub(super) fn time(&self) -> u64 {
        self.clint.time()
    }

    /// Records that a hart executed this many instructions.
    pub(super) fn count(&self, instructions: u64) {
        self.clock.count(instructions);
    }

    /// Updates the devices, HTIF and the console. Returns why the machine stops, if it does.
    pub(super) fn poll(&self) -> Option<Ending> {
        self.slots.iter().for_each(|slot| slot.device.poll());
        let mut console = self.console.lock();
        let by_htif = self
            .htif
            .as_ref()
            .and_then(|htif| htif.lock().unwrap_or_else(PoisonError::into_inner).poll(&self.ram, &mut **console));
        console.flush();
        let by_user = console.wants_end().then_some(Ending::ByUser);
        by_htif.or_else(|| self.finisher.ending()).or(by_user)
    }

    /// The next time at which a device raises an interrupt.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.slots.iter().filter_map(|slot| slot.device.deadline()).min()
    }

    /// Waits until a device may have raised an interrupt, or the value of `mtime` is `timer`.
    pub(super) fn wait(&self, timer: Option<u64>) {
        if self.uart.receive() {
            return;
        }
        let accepts_input = self.uart.accepts_input();
        let timer = timer.and_then(|at| self.clint.nanos_at(at));
        let deadline = [self.deadline(), timer].into_iter().flatten().min();
        self.clock.wait_until(deadline, |time| self.console.lock().wait(time, accepts_input));
        self.uart.receive();
    }
}

impl Mmio for Bus {
    fn read(&self, addr: u64, size: u64) -> Option<u64> {
        let (device, offset) = self.device(addr, size)?;
        device.read(offset, size)
    }

    fn write(&self, addr: u64, size: u64, value: u64) -> Option<()> {
        let (device, offset) = self.device(addr, size)?;
        device.write(offset, size, value)
    }

    fn has_device(&self, addr: u64) -> bool {
        self.device(addr, 1).is_some()
    }
}
