//! The bus: the devices that all harts share, and the request to end the machine.

use super::clint::{self, Clint};
use super::htif::Htif;
use super::uart::Uart;
use super::{Console, MachineConfig, MachineKind, uart};
use crate::elf::HtifAddresses;
use crate::guest::riscv::privileged::ExternalInputs;
use crate::memory::machine::{Mmio, Ram};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

/// The power-off device of `virt` (`sifive,test0`).
pub const FINISHER: u64 = 0x10_0000;
/// Its size in bytes.
pub const FINISHER_SIZE: u64 = 0x1000;

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

#[derive(Clone, Copy, PartialEq)]
enum Device {
    Clint,
    Uart,
    Finisher,
}

/// The devices, each with its name, address and size.
const DEVICES: [(Device, &str, u64, u64); 3] = [
    (Device::Clint, "CLINT", clint::BASE, clint::SIZE),
    (Device::Uart, "serial port", uart::BASE, uart::SIZE),
    (Device::Finisher, "power-off device", FINISHER, FINISHER_SIZE),
];

/// The devices of a machine.
fn devices(kind: MachineKind) -> impl Iterator<Item = (Device, &'static str, u64, u64)> {
    DEVICES.into_iter().filter(move |(device, ..)| *device != Device::Finisher || kind == MachineKind::Virt)
}

/// The devices of a machine, as its harts reach them.
pub struct Bus {
    kind: MachineKind,
    clint: RefCell<Clint>,
    uart: RefCell<Uart>,
    htif: Option<RefCell<Htif>>,
    ram: Arc<Ram>,
    console: RefCell<Box<dyn Console>>,
    ending: RefCell<Option<Ending>>,
    /// A store changed the pending interrupts or ended the machine.
    event: Cell<bool>,
}

impl Bus {
    pub(super) fn new(
        config: &MachineConfig,
        ram: Arc<Ram>,
        htif: Option<HtifAddresses>,
        console: Box<dyn Console>,
    ) -> Self {
        Self {
            kind: config.kind,
            clint: RefCell::new(Clint::new(config.harts)),
            uart: RefCell::default(),
            htif: htif.map(|at| RefCell::new(Htif::new(at))),
            ram,
            console: RefCell::new(console),
            ending: RefCell::default(),
            event: Cell::new(false),
        }
    }

    /// The devices of a machine: name, address and size.
    pub(super) fn devices(kind: MachineKind) -> impl Iterator<Item = (&'static str, u64, u64)> {
        devices(kind).map(|(_, name, base, size)| (name, base, size))
    }

    /// The device that contains the whole access, and the offset into it.
    fn device(&self, addr: u64, size: u64) -> Option<(Device, u64)> {
        let offset = |base, len| addr.checked_sub(base).filter(|offset| offset + size <= len);
        devices(self.kind).find_map(|(device, _, base, len)| Some((device, offset(base, len)?)))
    }

    /// The time and the pending interrupts, which a hart samples before it runs.
    pub(super) fn inputs(&self, hart: usize) -> ExternalInputs {
        let clint = self.clint.borrow();
        let time = clint.time();
        ExternalInputs { time, interrupts: clint.pending(hart, time) }
    }

    /// The time until the next timer interrupt.
    pub(super) fn until_timer(&self) -> Option<Duration> {
        self.clint.borrow().until_timer()
    }

    /// Whether a device has ended the machine.
    pub(super) fn is_over(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Polls HTIF and the console, which raise no interrupts. Returns why the machine stops, if it does.
    pub(super) fn poll(&self) -> Option<Ending> {
        let mut console = self.console.borrow_mut();
        let by_htif = self.htif.as_ref().and_then(|htif| htif.borrow_mut().poll(&self.ram, &mut **console));
        console.flush();
        let by_user = console.wants_end().then_some(Ending::ByUser);
        by_htif.or_else(|| self.ending.borrow_mut().take()).or(by_user)
    }
}

impl Mmio for Bus {
    fn read(&self, addr: u64, size: u64) -> Option<u64> {
        match self.device(addr, size)? {
            (Device::Clint, offset) => self.clint.borrow_mut().read(offset, size),
            (Device::Uart, offset) if size == 1 => {
                self.uart.borrow_mut().read(offset, &mut **self.console.borrow_mut()).map(u64::from)
            }
            (Device::Uart, _) => None,
            (Device::Finisher, _) => Some(0),
        }
    }

    fn write(&self, addr: u64, size: u64, value: u64) -> Option<()> {
        match self.device(addr, size)? {
            (Device::Clint, offset) => {
                self.event.set(true);
                self.clint.borrow_mut().write(offset, size, value)
            }
            (Device::Uart, offset) if size == 1 => {
                self.uart.borrow_mut().write(offset, value as u8, &mut **self.console.borrow_mut())
            }
            (Device::Uart, _) => None,
            (Device::Finisher, 0) => {
                let ending = match value & 0xffff {
                    0x5555 => Some(Ending::Exited(0)),
                    0x3333 => Some(Ending::Exited(value >> 16 & 0xffff)),
                    0x7777 => Some(Ending::Reset),
                    _ => None,
                };
                self.event.set(ending.is_some());
                *self.ending.borrow_mut() = ending;
                Some(())
            }
            (Device::Finisher, _) => Some(()),
        }
    }

    fn has_device(&self, addr: u64) -> bool {
        self.device(addr, 1).is_some()
    }

    fn take_event(&self) -> bool {
        self.event.take()
    }
}
