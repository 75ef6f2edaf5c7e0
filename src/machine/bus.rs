//! The bus: the devices that all harts share.

use super::console::SharedConsole;
use super::devices::Device;
use super::devices::clint::{self, Clint};
use super::devices::finisher::{self, Finisher};
use super::devices::plic::{self, Plic};
use super::devices::rtc::{self, Rtc};
use super::devices::uart::{self, Uart};
use super::htif::Htif;
use super::timer::Timers;
use super::{Clock, Console, Events, InterruptLines, MachineConfig, MachineKind};
use crate::memory::machine::Mmio;
use remu_isa::Ext;
use rustix::thread::set_current_timer_slack;
use std::num::NonZeroU64;
use std::sync::Arc;

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
    /// The host refused a thread for a hart, for this reason.
    NoThread(String),
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
    timers: Arc<Timers>,
    uart: Arc<Uart>,
    htif: Option<Htif>,
    console: SharedConsole,
    clock: Arc<Clock>,
    lines: Arc<InterruptLines>,
    events: Arc<Events>,
}

impl Bus {
    pub(super) fn new(config: &MachineConfig, htif: Option<Htif>, console: Box<dyn Console>) -> Self {
        let input = console.input();
        let console = SharedConsole::new(console);
        let clock = Arc::new(Clock::new(config.clock));
        let lines = Arc::new(InterruptLines::new(config.harts));
        let events = Arc::new(Events::new(lines.clone(), input, &clock));
        let timers = Arc::new(Timers::new(config.harts, clock.clone(), lines.clone(), events.clone()));
        let clint = Arc::new(Clint::new(config.harts, lines.clone(), timers.clone()));
        let slot = |name, base, size, device| Slot { name, base, size, device };
        let mut slots = vec![slot("CLINT", clint::BASE, clint::SIZE, clint)];
        let mut uart_line = None;
        if config.kind == MachineKind::Virt {
            let plic = Arc::new(Plic::new(config.harts, config.isa.exts.contains(Ext::S), lines.clone()));
            let rtc = Arc::new(Rtc::new(clock.clone(), plic.line(rtc::SOURCE), events.clone()));
            let finisher = Arc::new(Finisher::new(events.clone()));
            uart_line = Some(plic.line(uart::SOURCE));
            slots.push(slot("PLIC", plic::BASE, plic::SIZE, plic));
            slots.push(slot("real-time clock", rtc::BASE, rtc::SIZE, rtc));
            slots.push(slot("power-off device", finisher::BASE, finisher::SIZE, finisher));
        }
        let uart = Arc::new(Uart::new(console.clone(), clock.clone(), events.clone(), uart_line));
        slots.push(slot("serial port", uart::BASE, uart::SIZE, uart.clone()));
        Self { slots, timers, uart, htif, console, clock, lines, events }
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

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(super) fn lines(&self) -> &InterruptLines {
        &self.lines
    }

    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// Brings the devices, HTIF and the console up to date.
    pub(super) fn poll(&self) {
        self.slots.iter().for_each(|slot| slot.device.poll());
        if self.htif.as_ref().is_some_and(|htif| htif.is_due(&self.clock)) {
            self.poll_htif();
        }
        if self.flush() {
            self.events.end(Ending::ByUser);
        }
    }

    fn poll_htif(&self) {
        if let Some(htif) = &self.htif
            && let Some(ending) = htif.poll(&mut **self.console.lock())
        {
            self.events.end(ending);
        }
    }

    /// Ends the machine because its harts have run as many instructions as they may. A request to end it that is under
    /// way comes first.
    pub(super) fn end_at_limit(&self) {
        self.poll_htif();
        self.events.end(Ending::OutOfInstructions);
    }

    /// Writes the console's output. Returns whether the user asked to end the machine.
    pub(super) fn flush(&self) -> bool {
        self.events.take_output();
        let mut console = self.console.lock();
        console.flush();
        console.wants_end()
    }

    /// The next time at which a device is to be polled.
    pub(super) fn deadline(&self) -> Option<u64> {
        let htif = self.htif.as_ref().and_then(Htif::deadline);
        self.slots.iter().filter_map(|slot| slot.device.deadline()).chain(htif).min()
    }

    fn accepts_input(&self) -> bool {
        self.uart.accepts_input() || self.htif.as_ref().is_some_and(Htif::wants_key)
    }

    /// Polls the devices whenever something happens, until the machine ends.
    pub(super) fn serve(&self) {
        // The host may delay other sleeps by 50 microseconds. If it refuses, interrupts are as late.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        loop {
            self.poll();
            if self.events.ended() {
                return;
            }
            self.events.sleep(&self.clock, || (self.deadline(), self.accepts_input()));
        }
    }

    /// Waits until a device may have raised an interrupt, while all harts wait.
    pub(super) fn wait(&self) {
        if !self.uart.receive() {
            self.events.sleep(&self.clock, || (self.deadline(), self.accepts_input()));
            self.uart.receive();
            self.poll();
        }
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

    fn watches(&self, page: u64) -> bool {
        self.htif.as_ref().is_some_and(|htif| htif.is_in(page))
    }

    fn stored(&self, addr: u64, len: u64) {
        if let Some(htif) = &self.htif {
            htif.stored(addr, len, &self.clock, &self.events);
        }
    }
}
