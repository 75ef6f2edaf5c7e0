//! The serial port: a 16550A for polled use. Its interrupt is not connected.

use super::Console;

/// Its address.
pub const BASE: u64 = 0x1000_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x100;

/// LCR, divisor latch access: the first two registers are the divisor.
const DLAB: u8 = 0x80;
/// LSR: data ready, transmitter holding register empty, transmitter empty.
const DATA_READY: u8 = 0x01;
const SEND_EMPTY: u8 = 0x20;
const ALL_SENT: u8 = 0x40;
/// MCR, loopback: sent bytes are received.
const LOOP: u8 = 0x10;

/// The serial port.
#[derive(Debug, Default)]
pub struct Uart {
    interrupt_enable: u8,
    fifo_enabled: bool,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    divisor: [u8; 2],
    received: Option<u8>,
}

impl Uart {
    /// A load of a register.
    pub fn read(&mut self, offset: u64, console: &mut dyn Console) -> Option<u8> {
        let divisor = self.line_control & DLAB != 0;
        Some(match offset {
            0 | 1 if divisor => self.divisor[offset as usize],
            0 => {
                self.receive(console);
                self.received.take().unwrap_or(0)
            }
            1 => self.interrupt_enable,
            // No interrupt is pending. The upper bits say that the FIFOs are enabled.
            2 => 1 | if self.fifo_enabled { 0xc0 } else { 0 },
            3 => self.line_control,
            4 => self.modem_control,
            5 => {
                self.receive(console);
                SEND_EMPTY | ALL_SENT | if self.received.is_some() { DATA_READY } else { 0 }
            }
            // DCD, DSR and CTS; in loopback mode, the outputs of MCR.
            6 if self.modem_control & LOOP != 0 => {
                let control = self.modem_control;
                (control & 1) << 5 | (control & 2) << 3 | (control & 4) << 4 | (control & 8) << 4
            }
            6 => 0xb0,
            7 => self.scratch,
            _ => return None,
        })
    }

    /// A store to a register.
    pub fn write(&mut self, offset: u64, value: u8, console: &mut dyn Console) -> Option<()> {
        let divisor = self.line_control & DLAB != 0;
        match offset {
            0 | 1 if divisor => self.divisor[offset as usize] = value,
            0 if self.modem_control & LOOP != 0 => self.received = Some(value),
            0 => console.put(value),
            1 => self.interrupt_enable = value & 0x0f,
            2 => self.fifo_enabled = value & 1 != 0,
            3 => self.line_control = value,
            4 => self.modem_control = value & 0x1f,
            // The status registers are read-only.
            5 | 6 => {}
            7 => self.scratch = value,
            _ => return None,
        }
        Some(())
    }

    fn receive(&mut self, console: &mut dyn Console) {
        if self.received.is_none() && self.modem_control & LOOP == 0 {
            self.received = console.get();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo(Vec<u8>, Option<u8>);

    impl Console for Echo {
        fn put(&mut self, byte: u8) {
            self.0.push(byte);
        }

        fn get(&mut self) -> Option<u8> {
            self.1.take()
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn bytes_are_sent_and_received() {
        let (mut uart, mut terminal) = (Uart::default(), Echo(Vec::new(), Some(b'a')));
        uart.write(0, b'x', &mut terminal).unwrap();
        assert_eq!(terminal.0, b"x");
        assert_eq!(uart.read(5, &mut terminal), Some(0x61));
        assert_eq!((uart.read(0, &mut terminal), uart.read(5, &mut terminal)), (Some(b'a'), Some(0x60)));
        uart.write(3, DLAB, &mut terminal).unwrap();
        uart.write(0, 9, &mut terminal).unwrap();
        assert_eq!((uart.read(0, &mut terminal), terminal.0.len()), (Some(9), 1), "the divisor is not sent");
        assert_eq!(uart.read(8, &mut terminal), None);
    }

    #[test]
    fn drivers_probe_it_in_loopback_mode() {
        let (mut uart, mut terminal) = (Uart::default(), Echo(Vec::new(), None));
        uart.write(4, LOOP | 0x0a, &mut terminal).unwrap();
        assert_eq!(uart.read(6, &mut terminal).map(|v| v & 0xf0), Some(0x90));
        uart.write(0, b'q', &mut terminal).unwrap();
        assert_eq!((uart.read(0, &mut terminal), terminal.0.len()), (Some(b'q'), 0));
        uart.write(7, 0x55, &mut terminal).unwrap();
        assert_eq!(uart.read(7, &mut terminal), Some(0x55));
    }
}
