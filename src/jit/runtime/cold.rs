//! Executes code that compiling does not pay for yet: by its definition, one instruction after the other, with nothing
//! kept but a count of how often.
//!
//! Much of what a short program executes, it executes once.

use super::execute::{Context, execute};
use super::{Core, Link, reads_counter};
use crate::guest::riscv::fetch::FetchLimits;
use crate::guest::riscv::{Cpu, Privilege, Rv64};
use crate::guest::{BlockKey, Exit};
use crate::memory::{GuestAddr, GuestMemory, Inside, PAGE_SIZE};

/// How often code was executed without being compiled.
#[derive(Default)]
pub struct Warmth {
    /// By the address that execution began at. Addresses may share a count, and are then compiled earlier. Empty until
    /// used.
    counts: Box<[u8]>,
    /// The count at which code is compiled.
    after: u8,
}

/// The number of counts.
const COUNTS: usize = 16 << 10;

/// The most instructions that are executed between two looks for compiled code.
const AT_ONCE: usize = 32;

impl Warmth {
    /// Has code compiled when it has been executed that often.
    pub fn new(after: u8) -> Self {
        Self { counts: Box::default(), after }
    }

    /// Whether the code at `pc` is to be executed without being compiled now, which is counted.
    pub fn is_cold(&mut self, pc: u64) -> bool {
        if self.after == 0 {
            return false;
        }
        if self.counts.is_empty() {
            self.counts = vec![0; COUNTS].into();
        }
        let count = &mut self.counts[Self::index(pc)];
        let is_cold = *count < self.after;
        *count = if is_cold { *count + 1 } else { 0 };
        is_cold
    }

    /// Has the code at `pc` compiled the next time.
    fn heat(&mut self, pc: u64) {
        self.counts[Self::index(pc)] = self.after;
    }

    fn index(pc: u64) -> usize {
        (pc >> 1 ^ pc >> 15) as usize % COUNTS
    }
}

impl Core {
    /// Executes the code at the pc up to where it transfers control.
    #[cold]
    pub(super) fn run_cold<P: Privilege>(
        &mut self,
        context: &mut Context<P>,
        cpu: &mut Cpu,
        privilege: &mut P,
        mem: &P::Memory,
        key: BlockKey,
        inside: &Inside,
    ) -> Result<Option<Link>, Exit> {
        let limits = FetchLimits { insns: AT_ONCE, in_page: P::Memory::TRANSLATES };
        let mut range = limits.range(key.addr);
        if P::Memory::TRANSLATES {
            range.end = range.end.min(GuestAddr(key.addr).page_floor().offset(PAGE_SIZE));
        }
        if mem.before_decoding(&range, inside) {
            return Ok(None);
        }
        let isa = privilege.isa(cpu);
        let mut next = self.compiler.fetched_mut().begin::<Rv64, _>(cpu.pc, limits, &isa, mem)?;
        self.statistics.cold_runs += 1;
        while let Some(insn) = self.compiler.fetched_mut().decode::<Rv64, _>(&mut next, &isa, mem)? {
            if !context.count && reads_counter(&insn) {
                // Compiling it has instructions counted.
                self.warmth.heat(cpu.pc);
                break;
            }
            self.statistics.cold += 1;
            match execute(context, cpu, privilege, mem, &insn) {
                None => {
                    cpu.pc += u64::from(insn.len);
                    cpu.instret += u64::from(context.count);
                }
                Some(reason) => return self.handle(context, mem, reason),
            }
        }
        Ok(None)
    }
}
