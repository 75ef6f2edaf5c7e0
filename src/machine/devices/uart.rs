//! The serial port: a 16550A. It sends at once, and receives as fast as the guest reads.

use super::plic::Line;
use super::{Device, lock};
use crate::machine::console::SharedConsole;
use crate::machine::{Clock, Console, Events};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Its address.
pub const BASE: u64 = 0x1000_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x100;
/// The interrupt controller's source.
pub const SOURCE: usize = 10;

/// The interval at which input is looked for while the guest runs with a clock that counts instructions, in nanoseconds.
const POLL_INTERVAL: u64 = 1_000_000;

/// LCR, divisor latch access: the first two registers are the divisor.
const DLAB: u8 = 0x80;
/// LCR, break: the line is held low.
const SEND_BREAK: u8 = 0x40;

/// IER: enables the interrupts for received data, an empty transmitter, the line status and the modem status.
const RECEIVE: u8 = 0x01;
const SEND: u8 = 0x02;
const LINE: u8 = 0x04;
const MODEM: u8 = 0x08;

/// FCR: enables the FIFOs; clears the one of the receiver; the receiver's trigger level.
const FIFO_ENABLE: u8 = 0x01;
const CLEAR_RECEIVER: u8 = 0x02;
const TRIGGER_SHIFT: u8 = 6;
const TRIGGERS: [usize; 4] = [1, 4, 8, 14];
const FIFO: usize = 16;

/// IIR: the pending interrupt of the highest priority, and whether the FIFOs are enabled.
const NO_INTERRUPT: u8 = 0x01;
const MODEM_STATUS: u8 = 0x00;
const TRANSMITTER_EMPTY: u8 = 0x02;
const DATA_AVAILABLE: u8 = 0x04;
const LINE_STATUS: u8 = 0x06;
const TIMEOUT: u8 = 0x0c;
const FIFOS_ENABLED: u8 = 0xc0;

/// LSR: data ready, overrun, break, transmitter holding register empty, transmitter empty.
const DATA_READY: u8 = 0x01;
const OVERRUN: u8 = 0x02;
const BREAK: u8 = 0x10;
const SEND_EMPTY: u8 = 0x20;
const ALL_SENT: u8 = 0x40;

/// MCR, loopback: what is sent is received, and the modem's outputs are its inputs.
const LOOP: u8 = 0x10;

/// The modem's inputs while a terminal is connected: DCD, DSR and CTS.
const CONNECTED: u8 = 0xb0;

/// The serial port.
pub struct Uart {
    console: SharedConsole,
    clock: Arc<Clock>,
    events: Arc<Events>,
    line: Option<Line>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    registers: Registers,
    /// When input was last looked for.
    polled: u64,
}

impl Uart {
    /// A serial port. Without `line`, its interrupt is not connected.
    pub fn new(console: SharedConsole, clock: Arc<Clock>, events: Arc<Events>, line: Option<Line>) -> Self {
        Self { console, clock, events, line, state: Mutex::new(State { registers: Registers::default(), polled: 0 }) }
    }

    /// Accesses the registers, and then sets the line.
    fn with<T>(&self, access: impl FnOnce(&mut State, &mut dyn Console) -> T) -> T {
        let mut state = lock(&self.state);
        let accepted = state.registers.accepts_input();
        let done = access(&mut state, &mut **self.console.lock());
        if state.registers.accepts_input() && !accepted {
            self.events.accepts_input();
        }
        if let Some(line) = &self.line {
            line.set(state.registers.identify() != NO_INTERRUPT);
        }
        done
    }

    /// Whether input that arrives now interrupts.
    pub fn accepts_input(&self) -> bool {
        lock(&self.state).registers.accepts_input()
    }

    /// Takes input that has arrived, if it interrupts. Returns whether there was any.
    pub fn receive(&self) -> bool {
        self.with(|state, console| state.registers.fill(console))
    }
}

impl Device for Uart {
    fn read(&self, offset: u64, size: u64) -> Option<u64> {
        if size != 1 {
            return None;
        }
        self.with(|state, console| state.registers.read(offset, console)).map(u64::from)
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        if size != 1 {
            return None;
        }
        let done = self.with(|state, console| state.registers.write(offset, value as u8, console));
        if offset == 0 {
            self.events.has_output();
        }
        done
    }

    fn poll(&self) {
        let now = self.clock.nanos();
        let mut state = lock(&self.state);
        let early = self.clock.counts_instructions() && now < state.polled.saturating_add(POLL_INTERVAL);
        if !state.registers.accepts_input() || early {
            return;
        }
        state.polled = now;
        drop(state);
        self.receive();
    }
}

/// The registers of the part.
#[derive(Debug, Default)]
struct Registers {
    interrupt_enable: u8,
    fifo_control: u8,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    divisor: [u8; 2],
    received: VecDeque<u8>,
    /// LSR's errors since it was last read.
    errors: u8,
    /// The transmitter has become empty since IIR was last read as saying so.
    sent: bool,
    /// MSR's changes since it was last read, in its lower half.
    changes: u8,
}

impl Registers {
    fn loops(&self) -> bool {
        self.modem_control & LOOP != 0
    }

    fn capacity(&self) -> usize {
        if self.fifo_control & FIFO_ENABLE != 0 { FIFO } else { 1 }
    }

    /// IIR, without the FIFO bits.
    fn identify(&self) -> u8 {
        let enabled = |bit| self.interrupt_enable & bit != 0;
        let trigger = match self.capacity() {
            1 => 1,
            _ => TRIGGERS[usize::from(self.fifo_control >> TRIGGER_SHIFT)],
        };
        match self.received.len() {
            _ if enabled(LINE) && self.errors != 0 => LINE_STATUS,
            n if enabled(RECEIVE) && n >= trigger => DATA_AVAILABLE,
            // The part waits for four characters' time for more. Input that has arrived is here by now.
            1.. if enabled(RECEIVE) => TIMEOUT,
            _ if enabled(SEND) && self.sent => TRANSMITTER_EMPTY,
            _ if enabled(MODEM) && self.changes != 0 => MODEM_STATUS,
            _ => NO_INTERRUPT,
        }
    }

    fn accepts_input(&self) -> bool {
        self.interrupt_enable & RECEIVE != 0 && !self.loops() && self.received.len() < self.capacity()
    }

    /// Takes input that interrupts until the receiver is full. Returns whether there was any.
    fn fill(&mut self, console: &mut dyn Console) -> bool {
        let before = self.received.len();
        while self.accepts_input() {
            let Some(byte) = console.get() else { break };
            self.received.push_back(byte);
        }
        self.received.len() > before
    }

    /// Takes a byte of input for a guest that polls.
    fn receive(&mut self, console: &mut dyn Console) {
        if self.received.is_empty() && !self.loops() {
            self.received.extend(console.get());
        }
    }

    /// The modem's inputs: those of the connection; in loopback mode the outputs DTR, RTS, OUT1 and OUT2.
    fn inputs(&self) -> u8 {
        let control = self.modem_control;
        match self.loops() {
            true => (control & 1) << 5 | (control & 2) << 3 | (control & 4) << 4 | (control & 8) << 4,
            false => CONNECTED,
        }
    }

    fn read(&mut self, offset: u64, console: &mut dyn Console) -> Option<u8> {
        let divisor = self.line_control & DLAB != 0;
        Some(match offset {
            0 | 1 if divisor => self.divisor[offset as usize],
            0 => {
                self.receive(console);
                self.received.pop_front().unwrap_or(0)
            }
            1 => self.interrupt_enable,
            2 => {
                let pending = self.identify();
                if pending == TRANSMITTER_EMPTY {
                    self.sent = false;
                }
                pending | if self.capacity() == 1 { 0 } else { FIFOS_ENABLED }
            }
            3 => self.line_control,
            4 => self.modem_control,
            5 => {
                self.receive(console);
                let ready = if self.received.is_empty() { 0 } else { DATA_READY };
                SEND_EMPTY | ALL_SENT | ready | std::mem::take(&mut self.errors)
            }
            6 => self.inputs() | std::mem::take(&mut self.changes),
            7 => self.scratch,
            _ => return None,
        })
    }

    fn write(&mut self, offset: u64, value: u8, console: &mut dyn Console) -> Option<()> {
        let divisor = self.line_control & DLAB != 0;
        match offset {
            0 | 1 if divisor => self.divisor[offset as usize] = value,
            0 => {
                match self.loops() {
                    true => self.loop_back(value),
                    false => console.put(value),
                }
                self.sent = true;
            }
            1 => {
                let enable = value & 0x0f;
                // Enabling the transmitter's interrupt while it is empty interrupts.
                if (self.interrupt_enable ^ enable) & SEND != 0 {
                    self.sent = enable & SEND != 0;
                }
                self.interrupt_enable = enable;
                self.fill(console);
            }
            2 => {
                // Switching the FIFOs on or off clears them.
                if (value ^ self.fifo_control) & FIFO_ENABLE != 0 || value & CLEAR_RECEIVER != 0 {
                    self.received.clear();
                }
                self.fifo_control = if value & FIFO_ENABLE != 0 { value } else { 0 };
            }
            3 => {
                let breaks = (value & !self.line_control) & SEND_BREAK != 0;
                self.line_control = value;
                if breaks && self.loops() {
                    self.loop_back(0);
                    self.errors |= BREAK;
                }
            }
            4 => {
                let before = self.inputs();
                self.modem_control = value & 0x1f;
                let after = self.inputs();
                // The ring indicator's change counts only when it ends.
                let changed = (before ^ after) & !0x40 | before & !after & 0x40;
                self.changes |= changed >> 4;
            }
            // The status registers are read-only.
            5 | 6 => {}
            7 => self.scratch = value,
            _ => return None,
        }
        Some(())
    }

    /// Receives what was sent. Without the FIFOs, a byte that was not read is replaced; with them, the new one is lost.
    fn loop_back(&mut self, byte: u8) {
        if self.received.len() < self.capacity() {
            self.received.push_back(byte);
            return;
        }
        self.errors |= OVERRUN;
        if self.capacity() == 1 {
            self.received[0] = byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plic::Plic;
    use super::*;
    use crate::machine::console::NoInput;
    use crate::machine::{ClockSource, InterruptLines};

    /// A console with input, which keeps its output.
    #[derive(Clone, Default)]
    struct Ends(Arc<Mutex<(Vec<u8>, VecDeque<u8>)>>);

    impl Console for Ends {
        fn put(&mut self, byte: u8) {
            lock(&self.0).0.push(byte);
        }

        fn get(&mut self) -> Option<u8> {
            lock(&self.0).1.pop_front()
        }

        fn flush(&mut self) {}
    }

    struct Bench {
        uart: Uart,
        ends: Ends,
        clock: Arc<Clock>,
        plic: Arc<Plic>,
    }

    impl Bench {
        fn new() -> Self {
            let ends = Ends::default();
            let clock = Arc::new(Clock::new(ClockSource::Instructions { shift: 0, sleep: false }));
            let lines = Arc::new(InterruptLines::new(1));
            let plic = Arc::new(Plic::new(1, false, lines.clone()));
            let events = Arc::new(Events::new(lines, Arc::<NoInput>::default(), &clock));
            let console = SharedConsole::new(Box::new(ends.clone()));
            let uart = Uart::new(console, clock.clone(), events, Some(plic.line(SOURCE)));
            plic.write(4 * SOURCE as u64, 4, 1).unwrap();
            plic.write(0x2000, 4, 1 << SOURCE).unwrap();
            Self { uart, ends, clock, plic }
        }

        fn read(&self, offset: u64) -> u64 {
            self.uart.read(offset, 1).unwrap()
        }

        fn write(&self, offset: u64, value: u8) {
            self.uart.write(offset, 1, value.into()).unwrap();
        }

        fn types(&self, text: &[u8]) {
            lock(&self.ends.0).1.extend(text);
        }

        fn left(&self) -> usize {
            lock(&self.ends.0).1.len()
        }

        fn printed(&self) -> Vec<u8> {
            lock(&self.ends.0).0.clone()
        }

        /// Claims and completes the interrupt, if there is one.
        fn interrupts(&self) -> bool {
            let source = self.plic.read(0x20_0004, 4).unwrap();
            self.plic.write(0x20_0004, 4, source).unwrap();
            source == SOURCE as u64
        }
    }

    const IIR: u64 = 2;

    #[test]
    fn bytes_are_sent_and_received_by_polling() {
        let b = Bench::new();
        b.types(b"ab");
        b.write(0, b'x');
        assert_eq!((b.printed(), b.read(5), b.left()), (b"x".to_vec(), 0x61, 1));
        assert_eq!((b.read(0), b.read(5), b.read(0), b.read(5), b.read(0)), (97, 0x61, 98, 0x60, 0));
        assert!(!b.interrupts());
    }

    #[test]
    fn the_divisor_shares_the_addresses_of_data() {
        let b = Bench::new();
        b.write(3, DLAB);
        b.write(0, 9);
        b.write(1, 0xab);
        assert_eq!((b.read(0), b.read(1), b.printed()), (9, 0xab, vec![]));
        b.write(3, 3);
        assert_eq!((b.read(1), b.read(3)), (0, 3));
    }

    #[test]
    fn reserved_offsets_and_sizes_fail() {
        let b = Bench::new();
        b.types(b"a");
        assert_eq!((b.uart.read(0, 4), b.uart.write(0, 2, 1), b.uart.read(8, 1)), (None, None, None));
        assert_eq!((b.left(), b.printed()), (1, vec![]));
        b.write(7, 0x55);
        assert_eq!(b.read(7), 0x55);
    }

    #[test]
    fn received_data_interrupts_until_it_is_read() {
        let b = Bench::new();
        b.types(b"ab");
        b.uart.poll();
        assert_eq!(b.left(), 2, "input that nobody wants is left alone");
        b.write(1, RECEIVE);
        assert_eq!((b.left(), b.read(IIR)), (1, u64::from(DATA_AVAILABLE)), "one byte without the FIFO");
        assert!(b.interrupts() && b.interrupts());
        assert_eq!(b.read(0), 97);
        assert_eq!(b.read(IIR), u64::from(NO_INTERRUPT));
        b.uart.receive();
        assert_eq!((b.read(IIR), b.read(0)), (u64::from(DATA_AVAILABLE), 98));
        b.interrupts();
        assert!(!b.interrupts());
    }

    #[test]
    fn the_fifo_interrupts_at_its_trigger_level_and_for_what_is_left() {
        let b = Bench::new();
        b.write(2, FIFO_ENABLE | 1 << TRIGGER_SHIFT);
        b.write(1, RECEIVE);
        b.types(b"0123456789abcdefghij");
        b.uart.receive();
        assert_eq!((b.left(), b.read(IIR)), (4, u64::from(FIFOS_ENABLED | DATA_AVAILABLE)));
        for byte in b'0'..=b'9' {
            assert_eq!(b.read(0), u64::from(byte));
        }
        assert_eq!([(); 3].map(|()| b.read(0)), [97, 98, 99]);
        assert_eq!(b.read(IIR), u64::from(FIFOS_ENABLED | TIMEOUT), "three are fewer than four");
        b.write(2, FIFO_ENABLE | CLEAR_RECEIVER);
        assert_eq!((b.read(IIR), b.read(5)), (u64::from(FIFOS_ENABLED | NO_INTERRUPT), 0x61), "the next byte");
        b.write(2, 0);
        assert_eq!(b.read(IIR) & u64::from(FIFOS_ENABLED), 0);
    }

    #[test]
    fn input_is_looked_for_now_and_then() {
        let b = Bench::new();
        b.write(1, RECEIVE);
        b.types(b"a");
        b.uart.poll();
        assert_eq!((b.left(), b.uart.accepts_input()), (1, true));
        b.clock.count(POLL_INTERVAL);
        b.uart.poll();
        assert_eq!((b.left(), b.interrupts(), b.uart.accepts_input()), (0, true, false));
    }

    #[test]
    fn the_empty_transmitter_interrupts_until_iir_is_read() {
        let b = Bench::new();
        b.write(0, b'a');
        assert!(!b.interrupts());
        b.write(1, SEND);
        assert!(b.interrupts(), "it is empty already");
        assert_eq!((b.read(IIR), b.read(IIR)), (u64::from(TRANSMITTER_EMPTY), u64::from(NO_INTERRUPT)));
        b.interrupts();
        assert!(!b.interrupts());
        b.write(1, SEND | MODEM);
        assert!(!b.interrupts(), "enabled before");
        b.write(0, b'b');
        assert!(b.interrupts(), "it is empty again");
        b.write(1, 0);
        b.interrupts();
        assert_eq!((b.interrupts(), b.read(IIR)), (false, u64::from(NO_INTERRUPT)));
    }

    #[test]
    fn interrupts_have_an_order() {
        let b = Bench::new();
        b.write(4, LOOP);
        b.read(6);
        b.write(1, 0x0f);
        b.write(0, 1);
        b.write(0, 2);
        b.write(4, LOOP | 1);
        assert_eq!(b.read(IIR), u64::from(LINE_STATUS));
        assert_eq!(b.read(5), u64::from(SEND_EMPTY | ALL_SENT | DATA_READY | OVERRUN));
        assert_eq!((b.read(IIR), b.read(0)), (u64::from(DATA_AVAILABLE), 2), "the last byte");
        assert_eq!(b.read(IIR), u64::from(TRANSMITTER_EMPTY));
        assert_eq!((b.read(IIR), b.read(6)), (u64::from(MODEM_STATUS), 0x22), "DSR is high, and changed");
        assert_eq!((b.read(IIR), b.read(6)), (u64::from(NO_INTERRUPT), 0x20));
    }

    #[test]
    fn drivers_probe_it_in_loopback_mode() {
        let b = Bench::new();
        assert_eq!(b.read(6), u64::from(CONNECTED));
        b.write(4, LOOP | 0x0a);
        assert_eq!(b.read(6) & 0xf0, 0x90);
        b.write(0, b'q');
        assert_eq!((b.read(0), b.printed()), (b'q'.into(), vec![]));
        b.write(3, SEND_BREAK);
        assert_eq!((b.read(5), b.read(5), b.read(0)), (0x71, 0x61, 0));
        b.write(4, LOOP | 4);
        b.write(4, LOOP);
        assert_eq!(b.read(6) & 0x44, 4, "the ring ended");
    }

    #[test]
    fn a_full_fifo_loses_what_comes_next() {
        let b = Bench::new();
        b.write(2, FIFO_ENABLE);
        b.write(4, LOOP);
        for byte in 0..17 {
            b.write(0, byte);
        }
        assert_eq!(b.read(5) & u64::from(OVERRUN), u64::from(OVERRUN));
        assert_eq!(std::iter::from_fn(|| Some(b.read(0))).take(16).collect::<Vec<_>>(), (0..16).collect::<Vec<_>>());
        assert_eq!(b.read(5), 0x60);
    }
}
