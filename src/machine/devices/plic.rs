//! The platform-level interrupt controller (PLIC): it forwards the interrupts of devices to the harts, by priority.
//!
//! The RISC-V PLIC specification defines the registers; their number is that of QEMU's `virt`. An offset without a
//! register reads as zero and ignores writes.

use super::{Device, lock};
use crate::guest::riscv::privileged::Interrupts;
use crate::machine::InterruptLines;
use std::sync::{Arc, Mutex};

/// Its address.
pub const BASE: u64 = 0xc00_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x60_0000;
/// The number of sources. Source 0 means "no interrupt".
pub const SOURCES: usize = 96;

/// The highest priority. Priorities and thresholds have as many bits as this.
const MAX_PRIORITY: u8 = 7;
const WORDS: usize = SOURCES / 32;

const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;

/// The interrupt controller.
#[derive(Debug)]
pub struct Plic {
    lines: Arc<InterruptLines>,
    state: Mutex<State>,
}

/// A privilege mode of a hart, which the controller interrupts.
#[derive(Debug)]
struct Context {
    hart: usize,
    line: Interrupts,
    enabled: [u32; WORDS],
    threshold: u8,
}

#[derive(Debug)]
struct State {
    contexts: Vec<Context>,
    priority: [u8; SOURCES],
    /// The levels of the devices' lines.
    level: [u32; WORDS],
    pending: [u32; WORDS],
    /// Claimed and not completed: the gateway forwards no further request.
    claimed: [u32; WORDS],
}

/// The line from a device to the controller.
#[derive(Clone, Debug)]
pub struct Line {
    plic: Arc<Plic>,
    source: usize,
}

impl Line {
    /// Sets the level of the line.
    pub fn set(&self, high: bool) {
        self.plic.set_level(self.source, high);
    }
}

/// A register.
enum Register {
    Priority(usize),
    Pending(usize),
    Enable {
        context: usize,
        word: usize,
    },
    Threshold(usize),
    /// Loads claim, stores complete.
    Claim(usize),
}

impl Plic {
    /// A controller of `harts` harts, each with a context for machine mode and, if it exists, for supervisor mode.
    pub fn new(harts: usize, supervisor: bool, lines: Arc<InterruptLines>) -> Self {
        let modes = [Interrupts::EXTERNAL, Interrupts::SUPERVISOR_EXTERNAL];
        let modes = if supervisor { &modes[..] } else { &modes[..1] };
        let context = |hart| move |&line| Context { hart, line, enabled: [0; WORDS], threshold: 0 };
        let state = State {
            contexts: (0..harts).flat_map(|hart| modes.iter().map(context(hart))).collect(),
            priority: [0; SOURCES],
            level: [0; WORDS],
            pending: [0; WORDS],
            claimed: [0; WORDS],
        };
        Self { lines, state: Mutex::new(state) }
    }

    /// The line of a source.
    pub fn line(self: &Arc<Self>, source: usize) -> Line {
        Line { plic: self.clone(), source }
    }

    fn set_level(&self, source: usize, high: bool) {
        let mut state = lock(&self.state);
        if bit(&state.level, source) != high {
            set_bit(&mut state.level, source, high);
            if high && !bit(&state.claimed, source) {
                set_bit(&mut state.pending, source, true);
                self.signal(&state);
            }
        }
    }

    /// Signals to each context whether it has an interrupt above its threshold.
    fn signal(&self, state: &State) {
        for context in &state.contexts {
            let pending = state.best(context).is_some_and(|source| state.priority[source] > context.threshold);
            self.lines.set(context.hart, context.line, pending);
        }
    }
}

impl State {
    /// The enabled pending interrupt of the highest priority; the lowest source of several. Priority 0 is never.
    fn best(&self, context: &Context) -> Option<usize> {
        (1..SOURCES)
            .filter(|&s| bit(&self.pending, s) && bit(&context.enabled, s) && self.priority[s] > 0)
            .min_by_key(|&s| (u8::MAX - self.priority[s], s))
    }

    fn register(&self, offset: u64) -> Option<Register> {
        let word = |base: u64| ((offset - base) / 4) as usize;
        let exists = |context: usize| context < self.contexts.len();
        match offset {
            ..PENDING => Some(Register::Priority(word(0))).filter(|_| (1..SOURCES).contains(&word(0))),
            PENDING..ENABLE => Some(Register::Pending(word(PENDING))).filter(|_| word(PENDING) < WORDS),
            ENABLE..CONTEXT => {
                let context = ((offset - ENABLE) / ENABLE_STRIDE) as usize;
                let word = (offset % ENABLE_STRIDE / 4) as usize;
                (exists(context) && word < WORDS).then_some(Register::Enable { context, word })
            }
            _ => {
                let context = ((offset - CONTEXT) / CONTEXT_STRIDE) as usize;
                match offset % CONTEXT_STRIDE {
                    _ if !exists(context) => None,
                    0 => Some(Register::Threshold(context)),
                    4 => Some(Register::Claim(context)),
                    _ => None,
                }
            }
        }
    }

    /// Claims the best interrupt of a context, whatever its threshold.
    fn claim(&mut self, context: usize) -> usize {
        let source = self.best(&self.contexts[context]).unwrap_or(0);
        if source != 0 {
            set_bit(&mut self.pending, source, false);
            set_bit(&mut self.claimed, source, true);
        }
        source
    }

    /// Completes an interrupt that is enabled for the context. It is pending again if its line is still high.
    fn complete(&mut self, context: usize, source: usize) {
        if source < SOURCES && bit(&self.contexts[context].enabled, source) && bit(&self.claimed, source) {
            set_bit(&mut self.claimed, source, false);
            if bit(&self.level, source) {
                set_bit(&mut self.pending, source, true);
            }
        }
    }
}

fn bit(words: &[u32; WORDS], at: usize) -> bool {
    words[at / 32] >> (at % 32) & 1 != 0
}

fn set_bit(words: &mut [u32; WORDS], at: usize, value: bool) {
    let mask = 1 << (at % 32);
    words[at / 32] = if value { words[at / 32] | mask } else { words[at / 32] & !mask };
}

impl Device for Plic {
    fn read(&self, offset: u64, size: u64) -> Option<u64> {
        let mut state = lock(&self.state);
        let value = match state.register(offset) {
            _ if size != 4 => return None,
            Some(Register::Priority(source)) => state.priority[source].into(),
            Some(Register::Pending(word)) => state.pending[word],
            Some(Register::Enable { context, word }) => state.contexts[context].enabled[word],
            Some(Register::Threshold(context)) => state.contexts[context].threshold.into(),
            Some(Register::Claim(context)) => {
                let source = state.claim(context);
                self.signal(&state);
                source as u32
            }
            None => 0,
        };
        Some(value.into())
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        let mut state = lock(&self.state);
        let value = value as u32;
        let priority = value as u8 & MAX_PRIORITY;
        match state.register(offset) {
            _ if size != 4 => return None,
            Some(Register::Priority(source)) => state.priority[source] = priority,
            // Source 0 does not exist.
            Some(Register::Enable { context, word }) => {
                state.contexts[context].enabled[word] = if word == 0 { value & !1 } else { value };
            }
            Some(Register::Threshold(context)) => state.contexts[context].threshold = priority,
            Some(Register::Claim(context)) => state.complete(context, value as usize),
            Some(Register::Pending(_)) | None => {}
        }
        self.signal(&state);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: u64 = CONTEXT + 4;

    /// Two harts with two contexts each: 0 and 2 for machine mode, 1 and 3 for supervisor mode.
    struct Bench(Arc<Plic>, Arc<InterruptLines>);

    impl Bench {
        fn new() -> Self {
            let lines = Arc::new(InterruptLines::new(2));
            Self(Arc::new(Plic::new(2, true, lines.clone())), lines)
        }

        fn write(&self, offset: u64, value: u64) {
            self.0.write(offset, 4, value).unwrap();
        }

        fn read(&self, offset: u64) -> u64 {
            self.0.read(offset, 4).unwrap()
        }

        fn level(&self, source: usize, high: bool) {
            self.0.line(source).set(high);
        }

        fn pending(&self, hart: usize) -> u64 {
            self.1.pending(hart).0
        }
    }

    #[test]
    fn an_interrupt_is_signalled_claimed_and_completed() {
        let b = Bench::new();
        b.write(4 * 10, 1);
        b.level(10, true);
        assert_eq!((b.read(PENDING), b.pending(0)), (1 << 10, 0), "not enabled");
        b.write(ENABLE, 1 << 10);
        assert_eq!((b.pending(0), b.pending(1)), (1 << 11, 0));
        assert_eq!((b.read(CLAIM), b.read(CLAIM)), (10, 0));
        assert_eq!((b.read(PENDING), b.pending(0)), (0, 0));
        b.level(10, false);
        b.level(10, true);
        assert_eq!((b.read(PENDING), b.pending(0)), (0, 0), "not completed");
        b.write(CLAIM, 10);
        assert_eq!((b.read(PENDING), b.pending(0)), (1 << 10, 1 << 11), "the line is still high");
        assert_eq!(b.read(CLAIM), 10);
        b.level(10, false);
        b.write(CLAIM, 10);
        assert_eq!((b.read(PENDING), b.pending(0), b.read(CLAIM)), (0, 0, 0));
    }

    #[test]
    fn a_request_stays_pending_when_the_line_falls() {
        let b = Bench::new();
        b.write(4, 1);
        b.write(ENABLE, 2);
        b.level(1, true);
        b.level(1, false);
        assert_eq!((b.pending(0), b.read(CLAIM)), (1 << 11, 1));
        b.write(CLAIM, 1);
        assert_eq!(b.pending(0), 0);
    }

    #[test]
    fn the_highest_priority_wins_then_the_lowest_source() {
        let b = Bench::new();
        for (source, priority) in [(3, 2), (40, 5), (95, 5), (7, 0)] {
            b.write(4 * source, priority);
            b.level(source as usize, true);
        }
        for word in 0..3 {
            b.write(ENABLE + 4 * word, 0xffff_ffff);
        }
        assert_eq!([(); 4].map(|()| b.read(CLAIM)), [40, 95, 3, 0], "priority 0 never interrupts");
    }

    #[test]
    fn a_threshold_masks_and_its_change_is_seen() {
        let b = Bench::new();
        b.write(4, 3);
        b.write(ENABLE, 2);
        b.write(CONTEXT, 3);
        b.level(1, true);
        assert_eq!((b.read(CONTEXT), b.pending(0)), (3, 0));
        b.write(CONTEXT, 2);
        assert_eq!(b.pending(0), 1 << 11);
        b.write(CONTEXT, 7);
        assert_eq!((b.pending(0), b.read(CLAIM)), (0, 1), "a claim ignores the threshold");
    }

    #[test]
    fn each_mode_of_each_hart_has_a_context() {
        let b = Bench::new();
        b.write(4, 1);
        b.level(1, true);
        b.write(ENABLE + ENABLE_STRIDE, 2);
        assert_eq!((b.pending(0), b.pending(1)), (1 << 9, 0));
        b.write(ENABLE + 3 * ENABLE_STRIDE, 2);
        assert_eq!((b.pending(0), b.pending(1)), (1 << 9, 1 << 9));
        b.write(ENABLE + 2 * ENABLE_STRIDE, 2);
        assert_eq!(b.pending(1), 1 << 9 | 1 << 11);
        assert_eq!(b.read(CLAIM + 3 * CONTEXT_STRIDE), 1);
        assert_eq!((b.pending(0), b.pending(1)), (0, 0), "one context claims it from all");
        b.write(CLAIM, 1);
        assert_eq!(b.pending(1), 0, "not enabled for the context that completes it");
        b.write(CLAIM + CONTEXT_STRIDE, 1);
        assert_eq!(b.pending(1), 1 << 9 | 1 << 11);
    }

    #[test]
    fn what_does_not_exist_reads_as_zero() {
        let b = Bench::new();
        for offset in [0, 4 * 96, PENDING + 12, ENABLE + 12, ENABLE + 4 * 0x80, CONTEXT + 8, CONTEXT + 4 * 0x1000] {
            b.write(offset, 0xffff_ffff);
            assert_eq!(b.read(offset), 0, "{offset:#x}");
        }
        b.write(PENDING, 2);
        b.write(ENABLE, 1);
        assert_eq!((b.read(PENDING), b.read(ENABLE)), (0, 0));
        for source in [0, 96, 1023, 0xffff_ffff] {
            b.write(CLAIM, source);
        }
        b.write(4, 0xff);
        assert_eq!(b.read(4), 7, "three bits");
        assert_eq!((b.0.read(4, 8), b.0.read(4, 1), b.0.write(4, 2, 1)), (None, None, None));
        assert_eq!(b.0.read(SIZE - 4, 4), Some(0));
    }
}
