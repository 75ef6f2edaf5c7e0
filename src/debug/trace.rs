//! The log items about code: `in_asm` logs it when it is decoded, `out_asm` when it is compiled, `exec` and `cpu` when
//! it runs.

use super::host_code::Disassembler;
use super::{AddressFilter, Location, Log};
use crate::guest::riscv::{Base, Cpu};
use crate::guest::{self, HostCode, Part};
use remu_isa::{Insn, f_name, x_name};
use std::fmt::Write;

/// The enabled items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceItems {
    /// Guest code when it is decoded.
    pub in_asm: bool,
    /// The host's code when guest code is compiled.
    pub out_asm: bool,
    /// The address of each block when it starts.
    pub exec: bool,
    /// The integer registers when a block starts.
    pub cpu: bool,
    /// With `cpu`, the floating-point registers too.
    pub fpu: bool,
}

impl TraceItems {
    /// Whether an item is enabled.
    pub fn any(self) -> bool {
        self.in_asm || self.out_asm || self.of_entries()
    }

    /// Whether an item about the start of blocks is enabled.
    pub fn of_entries(self) -> bool {
        self.exec || self.cpu
    }
}

/// A source of function names.
pub trait Names {
    /// The function at an address, if known.
    fn location(&mut self, pc: u64) -> Option<Location>;
}

/// Writes the enabled items to a log.
pub struct Tracer<N> {
    log: Log,
    items: TraceItems,
    filter: AddressFilter,
    names: N,
}

impl<N: Names> Tracer<N> {
    /// A tracer of the blocks whose start address the filter contains.
    pub fn new(log: Log, items: TraceItems, filter: AddressFilter, names: N) -> Self {
        Self { log, items, filter, names }
    }

    /// The function at an address as ` name+0x12`; empty if unknown.
    fn symbol(&mut self, pc: u64) -> String {
        self.names.location(pc).map_or(String::new(), |l| format!(" {l}"))
    }
}

impl<B: Base, N: Names> guest::Tracer<B> for Tracer<N> {
    fn decoded(&mut self, insns: &[(u64, Insn)]) {
        let Some(&(start, _)) = insns.first().filter(|_| self.items.in_asm) else { return };
        if !self.filter.contains(start) {
            return;
        }
        let mut text = format!("in_asm {start:#x}{}\n", self.symbol(start));
        for (pc, insn) in insns {
            let _ = writeln!(text, "  {pc:#x}:  {}", insn.disassemble(*pc));
        }
        self.log.put(&text);
    }

    fn compiled(&mut self, insns: &[(u64, Insn)], code: &HostCode<'_>) {
        if !self.items.out_asm || !self.filter.contains(code.pc) {
            return;
        }
        let disassembler = Disassembler::new();
        let (pc, symbol) = (code.pc, self.symbol(code.pc));
        let mut text = format!("out_asm {pc:#x}{symbol}: {} bytes at {:#x}\n", code.bytes.len(), code.address);
        let mut hot = code.parts.iter().enumerate().filter(|(_, (_, part))| matches!(part, Part::Insn(_))).peekable();
        for (pc, insn) in insns {
            let _ = writeln!(text, "  {pc:#x}:  {}", insn.disassemble(*pc));
            // One that is compiled with the instruction before, or never reached, has no code.
            if let Some((index, _)) = hot.next_if(|(_, (_, part))| *part == Part::Insn(*pc)) {
                disassembler.part(&mut text, code, index);
            }
        }
        for (index, (_, part)) in code.parts.iter().enumerate() {
            match part {
                Part::Insn(_) => continue,
                Part::Rare(pc) => {
                    let _ = writeln!(text, "  {pc:#x}, rarely:");
                }
                Part::Data => {}
            }
            disassembler.part(&mut text, code, index);
        }
        self.log.put(&text);
    }

    fn wants_entries(&self) -> bool {
        self.items.of_entries()
    }

    fn entered(&mut self, cpu: &Cpu) {
        if !self.filter.contains(cpu.pc) {
            return;
        }
        let mut text = String::new();
        if self.items.exec {
            let _ = writeln!(text, "exec {:#x}{}", cpu.pc, self.symbol(cpu.pc));
        }
        if self.items.cpu {
            registers(&mut text, cpu, self.items.fpu);
        }
        self.log.put(&text);
    }
}

fn registers(text: &mut String, cpu: &Cpu, fpu: bool) {
    let digits = if cpu.is_64bit() { 16 } else { 8 };
    let mask = if cpu.is_64bit() { u64::MAX } else { u32::MAX.into() };
    let _ = writeln!(text, "cpu {:>4} {:0digits$x}", "pc", cpu.pc & mask);
    let mut put = |r: u8, name: &str, value: u64, digits: usize| {
        let end = if r % 4 == 3 { '\n' } else { ' ' };
        let _ = write!(text, "{name:>8} {value:0digits$x}{end}");
    };
    for r in 0..32 {
        put(r, x_name(r), cpu.x(r) & mask, digits);
    }
    if fpu {
        for r in 0..32 {
            put(r, f_name(r), cpu.f[usize::from(r)], 16);
        }
        let _ = writeln!(text, "    fcsr {:08x}", cpu.fcsr());
    }
}
