//! Executes code that compiling does not pay for yet: by its definition, one instruction after the other, with nothing
//! kept but a count of how often.
//!
//! Much of what a short program executes, it executes once. So does the child of a fork, which has the code that its
//! parent has compiled, and often ends soon or executes a program. Compiling is dearer there: the kernel has to copy each
//! page that the compiler writes to first. A young child therefore waits longer, and keeps nothing of what it decodes.

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
    /// After a fork, in the child: how often code is still to be executed until the child is an old process.
    young: u16,
}

/// The number of counts.
const COUNTS: usize = 16 << 10;

/// How often a young child executes code without compiling it.
const YOUNG_AFTER: u8 = 16;

/// How often a child executes cold code while it is young: for a fraction of a millisecond.
const YOUNG_RUNS: u16 = 512;

/// The most instructions that are executed between two looks for compiled code.
const AT_ONCE: usize = 32;

impl Warmth {
    /// Has code compiled when it has been executed that often.
    pub fn new(after: u8) -> Self {
        Self { counts: Box::default(), after, young: 0 }
    }

    /// Called in the child of a fork.
    pub fn after_fork(&mut self) {
        self.young = YOUNG_RUNS;
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
        let after = if self.young == 0 { self.after } else { self.after.max(YOUNG_AFTER) };
        let is_cold = *count < after;
        *count = if is_cold { *count + 1 } else { 0 };
        self.young = self.young.saturating_sub(u16::from(is_cold));
        is_cold
    }

    /// Has the code at `pc` compiled the next time.
    fn heat(&mut self, pc: u64) {
        self.counts[Self::index(pc)] = self.after.max(YOUNG_AFTER);
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
        self.compiler.fetched_mut().keep_decoded(self.warmth.young == 0);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How often code at `pc` is executed before it is compiled.
    fn cold_runs(warmth: &mut Warmth, pc: u64) -> usize {
        (0..).take_while(|_| warmth.is_cold(pc)).count()
    }

    #[test]
    fn code_is_compiled_later_in_a_young_child() {
        let mut warmth = Warmth::new(2);
        assert_eq!(cold_runs(&mut warmth, 0x100), 2);
        warmth.after_fork();
        assert_eq!(cold_runs(&mut warmth, 0x100), usize::from(YOUNG_AFTER));
        let pcs = (0x200..).step_by(2).take(usize::from(YOUNG_RUNS));
        pcs.for_each(|pc| _ = warmth.is_cold(pc));
        assert_eq!(cold_runs(&mut warmth, 0x100), 2);
        let mut compiles_all = Warmth::new(0);
        compiles_all.after_fork();
        assert_eq!(cold_runs(&mut compiles_all, 0x100), 0);
    }
}
