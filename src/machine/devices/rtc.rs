//! The real-time clock (Goldfish's): the date in nanoseconds since 1970, and an alarm.

use super::plic::Line;
use super::{Device, lock};
use crate::machine::{Clock, Events};
use std::sync::{Arc, Mutex};

/// Its address.
pub const BASE: u64 = 0x10_1000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x1000;
/// The interrupt controller's source.
pub const SOURCE: usize = 11;

/// The registers. A load of TIME_LOW latches TIME_HIGH; stores take effect with the low half.
const TIME_LOW: u64 = 0x00;
const TIME_HIGH: u64 = 0x04;
const ALARM_LOW: u64 = 0x08;
const ALARM_HIGH: u64 = 0x0c;
const IRQ_ENABLED: u64 = 0x10;
const CLEAR_ALARM: u64 = 0x14;
const ALARM_STATUS: u64 = 0x18;
const CLEAR_INTERRUPT: u64 = 0x1c;

/// The real-time clock.
#[derive(Debug)]
pub struct Rtc {
    clock: Arc<Clock>,
    line: Line,
    events: Arc<Events>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The date minus the machine's clock.
    offset: u64,
    /// The upper half of the date at the last load of TIME_LOW.
    latched: u32,
    alarm: u64,
    /// Whether the alarm is set.
    running: bool,
    enabled: bool,
    /// The alarm has gone off.
    pending: bool,
}

impl Rtc {
    /// A real-time clock that shows the date of the machine's clock.
    pub fn new(clock: Arc<Clock>, line: Line, events: Arc<Events>) -> Self {
        let state =
            State { offset: clock.start_date(), latched: 0, alarm: 0, running: false, enabled: false, pending: false };
        Self { clock, line, events, state: Mutex::new(state) }
    }

    fn date(&self, state: &State) -> u64 {
        state.offset.wrapping_add(self.clock.nanos())
    }

    /// Lets the alarm go off if it is time, and sets the line.
    fn update(&self, state: &mut State) {
        if state.running && self.date(state) >= state.alarm {
            state.running = false;
            state.pending = true;
        }
        self.line.set(state.pending && state.enabled);
    }

    fn alarm_at(&self, state: &State) -> Option<u64> {
        let left = state.alarm.saturating_sub(self.date(state));
        state.running.then(|| self.clock.nanos().saturating_add(left))
    }
}

/// `old` with its low or high half replaced.
fn with_half(old: u64, high: bool, half: u32) -> u64 {
    if high { old & 0xffff_ffff | u64::from(half) << 32 } else { old & !0xffff_ffff | u64::from(half) }
}

impl Device for Rtc {
    fn read(&self, offset: u64, size: u64) -> Option<u64> {
        let mut state = lock(&self.state);
        let value = match offset {
            _ if size != 4 => return None,
            TIME_LOW => {
                let date = self.date(&state);
                state.latched = (date >> 32) as u32;
                date as u32
            }
            TIME_HIGH => state.latched,
            ALARM_LOW => state.alarm as u32,
            ALARM_HIGH => (state.alarm >> 32) as u32,
            IRQ_ENABLED => state.enabled.into(),
            ALARM_STATUS => state.running.into(),
            _ => 0,
        };
        Some(value.into())
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        let mut state = lock(&self.state);
        let value = value as u32;
        match offset {
            _ if size != 4 => return None,
            TIME_LOW | TIME_HIGH => {
                let date = with_half(self.date(&state), offset == TIME_HIGH, value);
                state.offset = date.wrapping_sub(self.clock.nanos());
            }
            ALARM_LOW => {
                state.alarm = with_half(state.alarm, false, value);
                state.running = true;
            }
            ALARM_HIGH => state.alarm = with_half(state.alarm, true, value),
            IRQ_ENABLED => state.enabled = value & 1 != 0,
            CLEAR_ALARM => state.running = false,
            CLEAR_INTERRUPT => state.pending = false,
            _ => {}
        }
        self.update(&mut state);
        if let Some(at) = self.alarm_at(&state) {
            self.events.expect_at(at);
        }
        Some(())
    }

    fn poll(&self) {
        let mut state = lock(&self.state);
        if state.running {
            self.update(&mut state);
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.alarm_at(&lock(&self.state))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plic::Plic;
    use super::*;
    use crate::machine::console::NoInput;
    use crate::machine::{ClockSource, InterruptLines};

    struct Bench {
        rtc: Rtc,
        clock: Arc<Clock>,
        plic: Arc<Plic>,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Arc::new(Clock::new(ClockSource::Instructions { shift: 0, sleep: false }));
            let lines = Arc::new(InterruptLines::new(1));
            let plic = Arc::new(Plic::new(1, false, lines.clone()));
            let events = Arc::new(Events::new(lines, Arc::<NoInput>::default(), &clock));
            Self { rtc: Rtc::new(clock.clone(), plic.line(SOURCE), events), clock, plic }
        }

        fn read(&self, offset: u64) -> u64 {
            self.rtc.read(offset, 4).unwrap()
        }

        fn write(&self, offset: u64, value: u64) {
            self.rtc.write(offset, 4, value).unwrap();
        }

        /// The date: the low half is read first.
        fn date(&self) -> u64 {
            self.read(TIME_LOW) | self.read(TIME_HIGH) << 32
        }

        fn requested(&self) -> bool {
            self.plic.read(0x1000, 4).unwrap() == 1 << SOURCE
        }
    }

    #[test]
    fn it_shows_the_date_and_latches_its_upper_half() {
        let b = Bench::new();
        assert_eq!(b.date(), b.clock.start_date());
        b.clock.count(5);
        assert_eq!(b.date(), b.clock.start_date() + 5);
        let (low, high) = (b.read(TIME_LOW), b.read(TIME_HIGH));
        b.clock.count(1 << 33);
        assert_eq!((b.read(TIME_HIGH), b.read(TIME_LOW), b.read(TIME_HIGH)), (high, low, high + 2));
    }

    #[test]
    fn the_date_can_be_set() {
        let b = Bench::new();
        b.write(TIME_HIGH, 7);
        b.write(TIME_LOW, 9);
        assert_eq!(b.date(), 7 << 32 | 9);
        b.clock.count(1);
        assert_eq!(b.date(), 7 << 32 | 10);
    }

    #[test]
    fn the_alarm_interrupts_if_enabled() {
        let b = Bench::new();
        b.write(TIME_HIGH, 0);
        b.write(TIME_LOW, 0);
        b.write(IRQ_ENABLED, 1);
        b.write(ALARM_HIGH, 0);
        assert_eq!((b.read(ALARM_STATUS), b.rtc.deadline()), (0, None), "the low half sets it");
        b.write(ALARM_LOW, 1000);
        assert_eq!((b.read(ALARM_STATUS), b.rtc.deadline(), b.requested()), (1, Some(1000), false));
        b.clock.count(1000);
        b.rtc.poll();
        assert_eq!((b.read(ALARM_STATUS), b.rtc.deadline(), b.requested()), (0, None, true));
        assert_eq!((b.read(ALARM_LOW), b.read(ALARM_HIGH)), (1000, 0));
    }

    #[test]
    fn the_alarm_can_be_cleared_and_may_lie_in_the_past() {
        let b = Bench::new();
        b.write(ALARM_HIGH, u32::MAX.into());
        b.write(ALARM_LOW, 1);
        b.write(CLEAR_ALARM, 1);
        assert_eq!((b.read(ALARM_STATUS), b.rtc.deadline()), (0, None));
        b.write(ALARM_HIGH, 0);
        b.write(ALARM_LOW, 1);
        assert_eq!((b.read(ALARM_STATUS), b.requested()), (0, false), "it went off, but is not enabled");
        b.write(IRQ_ENABLED, 1);
        assert!(b.requested());
        b.write(CLEAR_INTERRUPT, 1);
        b.write(IRQ_ENABLED, 0);
        b.write(IRQ_ENABLED, 1);
        b.plic.write(4 * SOURCE as u64, 4, 1).unwrap();
        b.plic.write(0x2000, 4, 1 << SOURCE).unwrap();
        assert_eq!(b.plic.read(0x20_0004, 4), Some(SOURCE as u64));
        b.plic.write(0x20_0004, 4, SOURCE as u64).unwrap();
        assert!(!b.requested(), "the line is low");
    }

    #[test]
    fn registers_are_words() {
        let b = Bench::new();
        assert_eq!((b.rtc.read(0, 8), b.rtc.read(0, 2), b.rtc.write(0, 8, 0)), (None, None, None));
        assert_eq!((b.read(CLEAR_ALARM), b.read(0x20), b.read(0xffc)), (0, 0, 0));
    }
}
