//! What harts share beside memory: devices, and the word on how it ends.

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
/// How far its register reaches.
pub const FINISHER_SIZE: u64 = 0x1000;

/// How a machine has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The guest has ended it with this code; 0 is success.
    Exited(u64),
    /// The guest wants it to start anew.
    Reset,
    /// The guest wants something that there is not.
    Unsupported(String),
    /// The user at the console has ended it.
    ByUser,
    /// As many instructions as allowed have been run.
    OutOfInstructions,
}

/// A device.
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

/// Those of a machine.
fn devices(kind: MachineKind) -> impl Iterator<Item = (Device, &'static str, u64, u64)> {
    DEVICES.into_iter().filter(move |(device, ..)| *device != Device::Finisher || kind == MachineKind::Virt)
}

/// What harts share beside memory.
pub struct Bus {
    kind: MachineKind,
    clint: RefCell<Clint>,
    uart: RefCell<Uart>,
    htif: Option<RefCell<Htif>>,
    ram: Arc<Ram>,
    console: RefCell<Box<dyn Console>>,
    ending: RefCell<Option<Ending>>,
    /// A store has changed what interrupts are pending, or ended the machine.
    has_news: Cell<bool>,
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
            has_news: Cell::new(false),
        }
    }

    /// The devices of a machine: name, address and size.
    pub(super) fn devices(kind: MachineKind) -> impl Iterator<Item = (&'static str, u64, u64)> {
        devices(kind).map(|(_, name, base, size)| (name, base, size))
    }

    /// The device that all of an access lies in, and the access's place in it.
    fn device(&self, addr: u64, size: u64) -> Option<(Device, u64)> {
        let offset = |base, len| addr.checked_sub(base).filter(|offset| offset + size <= len);
        devices(self.kind).find_map(|(device, _, base, len)| Some((device, offset(base, len)?)))
    }

    /// What a hart is told before it runs.
    pub(super) fn inputs(&self, hart: usize) -> ExternalInputs {
        let clint = self.clint.borrow();
        let time = clint.time();
        ExternalInputs { time, interrupts: clint.pending(hart, time) }
    }

    /// How long it is until the first timer goes off.
    pub(super) fn until_timer(&self) -> Option<Duration> {
        self.clint.borrow().until_timer()
    }

    /// Whether a device has ended the machine.
    pub(super) fn is_over(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Attends to what takes no interrupt, and tells whether it is over.
    pub(super) fn news(&self) -> Option<Ending> {
        let mut console = self.console.borrow_mut();
        let told = self.htif.as_ref().and_then(|htif| htif.borrow_mut().poll(&self.ram, &mut **console));
        console.flush();
        let by_user = console.wants_end().then_some(Ending::ByUser);
        told.or_else(|| self.ending.borrow_mut().take()).or(by_user)
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
                self.has_news.set(true);
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
                self.has_news.set(ending.is_some());
                *self.ending.borrow_mut() = ending;
                Some(())
            }
            (Device::Finisher, _) => Some(()),
        }
    }

    fn answers(&self, addr: u64) -> bool {
        self.device(addr, 1).is_some()
    }

    fn take_news(&self) -> bool {
        self.has_news.take()
    }
}
