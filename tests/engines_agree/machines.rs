//! Random programs for a hart with privileged modes: the interpreter and the compiler leave the same state and memory.
//!
//! A program runs in M, S or U mode with Sv39 translation. Some of its pages lack rights, and it changes their entries,
//! flushes the TLB by address or whole, accesses CSRs, changes modes, changes its own code and jumps where nothing can be
//! fetched. Handlers in M and S mode log each trap with its CSRs in memory and go on behind the instruction, so that the
//! comparison at the end covers every trap.

use crate::elf::{self, assemble, branch, ebreak, ecall, imm, lui, reg, store};
use crate::rng::Rng;
use remu::guest::riscv::privileged::{NoInputs, Privileged};
use remu::guest::riscv::{Cpu, Rv64};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, MachineCompiler};
use remu::memory::CodeWatch;
use remu::memory::machine::{HartMemory, NoDevices, Ram};
use remu_isa::{Insn, Isa, Op};
use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: u64 = 4096;
const RAM: u64 = 4 << 20;
const SETUP: u64 = 0x1000;
const M_HANDLER: u64 = 0x2000;
const S_HANDLER: u64 = 0x3000;
/// The body of the program: two pages.
const CODE: u64 = 0x1_0000;
/// The bit of the address at which U mode has the same code.
const ALIAS: i32 = 1 << 24;
/// Pages of data, and as many addresses at which they are mapped.
const DATA: u64 = 0x4_0000;
const DATA_PAGES: u64 = 8;
/// The page tables: the root, the middle level, and the leaves of the first 2 MiB and of the alias.
const TABLES: u64 = 0x10_0000;
const LEAVES: u64 = TABLES + 2 * PAGE;
/// The log of traps: a superpage that ends where RAM does.
const LOG: u64 = 0x20_0000;
/// Where nothing can be fetched.
const NOWHERE: i32 = 0x7000_0000;

/// Registers with a role. x5 to x15 are operands, x16 to x23 addresses of data.
const RA: u8 = 1;
const SATP: u8 = 27;
const TURNS: u8 = 28;
const T: u8 = 29;
const U: u8 = 30;
const TO: u8 = 31;

/// Bits of a page table's entry.
const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const USER: u64 = 16;
const AD: u64 = 0xc0;

fn csrr(rd: u8, csr: i32) -> Insn {
    imm(Op::Csrrs, rd, 0, csr)
}

fn csrw(csr: i32, rs: u8) -> Insn {
    imm(Op::Csrrw, 0, rs, csr)
}

/// Logs some CSRs.
fn log(csrs: &[i32]) -> Vec<Insn> {
    let each = csrs.iter().enumerate().flat_map(|(n, &csr)| [csrr(U, csr), store(Op::Sd, U, TO, 8 * n as i32)]);
    each.chain([imm(Op::Addi, TO, TO, 8 * csrs.len() as i32)]).collect()
}

/// Goes on behind the instruction that trapped, or behind the jump to where nothing can be fetched.
fn resume(cause: i32, epc: i32, ret: Op) -> Vec<Insn> {
    let mut code = vec![csrr(U, cause), imm(Op::Sltiu, T, U, 2)];
    // Causes 0, 1 and 12 are those of fetches.
    code.extend([imm(Op::Addi, U, U, -12), imm(Op::Sltiu, U, U, 1), reg(Op::Or, U, U, T)]);
    code.extend([branch(Op::Bne, U, 0, 20), csrr(U, epc), imm(Op::Addi, U, U, 4), csrw(epc, U), reg(ret, 0, 0, 0)]);
    code.extend([csrw(epc, RA), reg(ret, 0, 0, 0)]);
    code
}

fn m_handler() -> Vec<Insn> {
    let mut code = log(&[0x342, 0x341, 0x343, 0x300]);
    // A breakpoint ends the program.
    code.extend([csrr(U, 0x342), imm(Op::Addi, U, U, -3)]);
    let rest = resume(0x342, 0x341, Op::Mret);
    code.push(branch(Op::Beq, U, 0, 4 * (rest.len() as i32 + 1)));
    code.extend(rest);
    code.extend(log(&[0x100, 0x140, 0x141, 0x142, 0x143, 0x180, 0x300, 0x302, 0x306, 0x30a, 0xb00, 0xb02]));
    code.push(reg(Op::Wfi, 0, 0, 0));
    code
}

fn s_handler() -> Vec<Insn> {
    let mut code = log(&[0x142, 0x141, 0x143, 0x100]);
    // A call of user mode goes on in supervisor mode.
    let to_supervisor = [
        csrr(U, 0x141),
        lui(T, ALIAS),
        reg(Op::Sub, U, U, T),
        imm(Op::Addi, U, U, 4),
        csrw(0x141, U),
        imm(Op::Addi, U, 0, 0x100),
        imm(Op::Csrrs, 0, U, 0x100),
        reg(Op::Sret, 0, 0, 0),
    ];
    code.extend([csrr(U, 0x142), imm(Op::Addi, U, U, -8)]);
    code.push(branch(Op::Bne, U, 0, 4 * (to_supervisor.len() as i32 + 1)));
    code.extend(to_supervisor);
    code.extend(resume(0x142, 0x141, Op::Sret));
    code
}

/// A program: what memory and registers hold when it starts.
#[derive(Clone)]
struct Program {
    body: Vec<Insn>,
    registers: Vec<u64>,
    floats: Vec<u64>,
    entries: Vec<(u64, u64)>,
    data: Vec<u8>,
    /// The values of mstatus, medeleg, menvcfg, scounteren, mepc.
    start: [u64; 5],
}

/// Writes a program.
struct Writer<'a> {
    rng: &'a mut Rng,
    body: Vec<Insn>,
}

impl Writer<'_> {
    fn operand(&mut self) -> u8 {
        5 + self.rng.below(11) as u8
    }

    fn source(&mut self) -> u8 {
        if self.rng.one_in(12) { 0 } else { self.operand() }
    }

    fn address(&mut self) -> u8 {
        16 + self.rng.below(8) as u8
    }

    fn float(&mut self) -> u8 {
        self.rng.below(8) as u8
    }

    /// An address of data, often near the end of a page.
    fn data(&mut self) -> u64 {
        let page = DATA + PAGE * self.rng.below(DATA_PAGES as usize) as u64;
        let offset = if self.rng.one_in(3) { PAGE - 16 + self.rng.below(16) as u64 } else { self.rng.next() % PAGE };
        page + if self.rng.one_in(3) { offset } else { offset & !7 }
    }

    /// `li` of a number of 31 bits.
    fn constant(&mut self, rd: u8, value: u64) {
        let low = (value as i32) << 20 >> 20;
        self.body.push(lui(rd, (value as i32).wrapping_sub(low)));
        self.body.push(imm(Op::Addiw, rd, rd, low));
    }

    fn calculation(&mut self) {
        const TWO: &[Op] = &[
            Op::Add,
            Op::Sub,
            Op::Xor,
            Op::Or,
            Op::And,
            Op::Sll,
            Op::Srl,
            Op::Sra,
            Op::Slt,
            Op::Sltu,
            Op::Addw,
            Op::Subw,
            Op::Sllw,
            Op::Mul,
            Op::Mulhu,
            Op::Div,
            Op::Remu,
            Op::Mulw,
            Op::Divw,
            Op::Sh2add,
            Op::Andn,
            Op::Min,
        ];
        const ONE: &[Op] = &[Op::Addi, Op::Addiw, Op::Xori, Op::Ori, Op::Andi, Op::Slti, Op::Sltiu];
        let (rd, rs1, rs2) = (self.operand(), self.source(), self.source());
        let insn = match self.rng.below(3) {
            0 => imm(self.rng.of(ONE), rd, rs1, self.rng.below(4096) as i32 - 2048),
            1 => imm(self.rng.of(&[Op::Slli, Op::Srli, Op::Srai]), rd, rs1, self.rng.below(64) as i32),
            _ => reg(self.rng.of(TWO), rd, rs1, rs2),
        };
        self.body.push(insn);
    }

    fn access(&mut self) {
        const LOADS: &[Op] = &[Op::Lb, Op::Lbu, Op::Lh, Op::Lhu, Op::Lw, Op::Lwu, Op::Ld];
        const STORES: &[Op] = &[Op::Sb, Op::Sh, Op::Sw, Op::Sd];
        const ATOMICS: &[Op] = &[Op::AmoaddD, Op::AmoswapW, Op::AmoxorD, Op::AmomaxuW, Op::AmominD, Op::AmocasD];
        let (rd, rs, base) = (self.operand(), self.source(), self.address());
        let offset = (self.rng.below(9) as i32 - 4) * if self.rng.one_in(4) { 3 } else { 8 };
        match self.rng.below(8) {
            0..3 => self.body.push(imm(self.rng.of(LOADS), rd, base, offset)),
            3..5 => self.body.push(store(self.rng.of(STORES), rs, base, offset)),
            5 => self.body.push(reg(self.rng.of(ATOMICS), rd, base, rs)),
            6 => {
                let (load, conditional) = self.rng.of(&[(Op::LrD, Op::ScD), (Op::LrW, Op::ScW)]);
                self.body.push(reg(load, rd, base, 0));
                if !self.rng.one_in(4) {
                    let rd = self.operand();
                    self.body.push(reg(conditional, rd, base, rs));
                }
            }
            _ => {
                let f = self.float();
                let insn = match self.rng.below(3) {
                    0 => imm(Op::Fld, f, base, offset),
                    1 => store(Op::Fsd, f, base, offset),
                    _ => imm(Op::CboZero, 0, base, 0),
                };
                self.body.push(insn);
            }
        }
    }

    fn floating_point(&mut self) {
        let (rd, rs1, rs2) = (self.float(), self.float(), self.float());
        let op = self.rng.of(&[Op::FaddD, Op::FmulD, Op::FdivD, Op::FsubD, Op::FaddS]);
        self.body.push(Insn { rm: 7, ..reg(op, rd, rs1, rs2) });
    }

    fn csr(&mut self) {
        // sstatus, scounteren, sscratch, sepc, scause, stval, satp, instret, cycle, fflags, frm, fcsr, mscratch, sie
        const CSRS: &[i32] =
            &[0x100, 0x100, 0x106, 0x140, 0x141, 0x142, 0x143, 0x180, 0xc02, 0xc00, 1, 2, 3, 0x340, 0x104];
        let csr = self.rng.of(CSRS);
        let (rd, rs) = (self.operand(), self.source());
        let insn = match csr {
            0x180 if self.rng.one_in(2) => csrw(csr, SATP),
            0x180 => csrr(rd, csr),
            _ => match self.rng.below(4) {
                0 => imm(Op::Csrrw, rd, rs, csr),
                1 => imm(Op::Csrrs, rd, rs, csr),
                2 => imm(Op::Csrrc, rd, rs, csr),
                _ => csrr(rd, csr),
            },
        };
        self.body.push(insn);
    }

    /// Changes the entry of a page of data, and flushes it.
    fn entry(&mut self) {
        let va = self.data();
        let entry = entry_of(self.rng);
        self.constant(T, LEAVES + 8 * (va / PAGE));
        self.constant(U, entry);
        self.body.push(store(Op::Sd, U, T, 0));
        self.flush(va);
    }

    fn flush(&mut self, va: u64) {
        if self.rng.one_in(3) {
            self.body.push(reg(Op::SfenceVma, 0, 0, 0));
        } else {
            self.constant(T, va);
            self.body.push(reg(Op::SfenceVma, 0, T, 0));
        }
    }

    /// From M or S to U, or from U to S if the call is delegated.
    fn mode(&mut self) {
        if self.rng.one_in(2) {
            self.body.push(ecall());
            return;
        }
        self.body.push(elf::here(U));
        let back = self.rng.one_in(3);
        self.body.push(lui(T, if back { 0 } else { ALIAS }));
        self.body.push(reg(Op::Or, U, U, T));
        self.body.push(imm(Op::Addi, U, U, 4 * 8));
        self.body.push(csrw(0x141, U));
        self.body.push(imm(Op::Addi, U, 0, 0x100));
        self.body.push(imm(if back { Op::Csrrs } else { Op::Csrrc }, 0, U, 0x100));
        self.body.push(reg(Op::Sret, 0, 0, 0));
    }

    /// A jump to where nothing can be fetched.
    fn nowhere(&mut self) {
        match self.rng.below(3) {
            0 => self.body.push(lui(U, NOWHERE)),
            1 => self.body.extend([imm(Op::Addi, U, 0, -1), imm(Op::Slli, U, U, 50)]),
            _ => {
                // The other address of the instruction behind the jump.
                let insns = [elf::here(U), lui(T, ALIAS), reg(Op::Xor, U, U, T), imm(Op::Addi, U, U, 20)];
                self.body.extend(insns);
            }
        }
        self.body.push(imm(Op::Jalr, RA, U, 0));
    }

    /// Changes one of the next instructions.
    fn code(&mut self) {
        let new = imm(Op::Addi, self.operand(), self.source(), self.rng.below(100) as i32);
        let bits = u32::from_le_bytes(assemble(&[new]).try_into().expect("four bytes"));
        self.constant(U, bits.into());
        let distance = 1 + self.rng.below(6) as i32;
        self.body.push(elf::here(T));
        self.body.push(store(Op::Sw, U, T, 4 * (2 + distance)));
        self.body.push(imm(Op::FenceI, 0, 0, 0));
        for _ in 0..8 {
            let (rd, rs) = (self.operand(), self.source());
            self.body.push(imm(Op::Addi, rd, rs, 1));
        }
    }

    fn step(&mut self) {
        match self.rng.below(40) {
            0..12 => self.calculation(),
            12..26 => self.access(),
            26..28 => self.floating_point(),
            28..31 => self.csr(),
            31 => self.entry(),
            32 => {
                let va = self.data();
                self.flush(va);
            }
            33 => self.mode(),
            34 => self.nowhere(),
            35 => self.code(),
            36 | 37 => {
                let (base, va) = (self.address(), self.data());
                self.constant(base, va);
            }
            38 => self.body.push(ecall()),
            _ => {
                let (a, b) = (self.source(), self.source());
                let op = self.rng.of(&[Op::Beq, Op::Bne, Op::Blt, Op::Bgeu]);
                self.body.push(branch(op, a, b, 8));
                self.calculation();
            }
        }
    }

    fn write(&mut self) {
        for _ in 0..2 + self.rng.below(4) {
            if self.rng.one_in(2) {
                (0..1 + self.rng.below(12)).for_each(|_| self.step());
                continue;
            }
            self.body.push(imm(Op::Addi, TURNS, 0, 1 + self.rng.below(12) as i32));
            let start = self.body.len();
            (0..1 + self.rng.below(10)).for_each(|_| self.step());
            self.body.push(imm(Op::Addi, TURNS, TURNS, -1));
            let back = -4 * (self.body.len() - start) as i32;
            self.body.push(branch(Op::Bne, TURNS, 0, back));
        }
        self.body.push(ebreak());
        assert!(self.body.len() * 4 <= 2 * PAGE as usize, "the code fits");
    }
}

/// An entry of a page of data: mostly one that allows accesses, sometimes one of a page without memory.
fn entry_of(rng: &mut Rng) -> u64 {
    let page = if rng.one_in(8) { NOWHERE as u64 } else { DATA + PAGE * rng.below(DATA_PAGES as usize) as u64 };
    let all = V | R | W | X | USER | AD;
    let flags = if rng.one_in(2) { V | R | W | AD | rng.of(&[0, USER]) } else { rng.next() & all };
    page >> 12 << 10 | flags
}

impl Program {
    fn new(seed: u64) -> Self {
        let rng = &mut Rng(seed);
        let mode = rng.of(&[0, 1, 1, 3]);
        let mut writer = Writer { rng, body: Vec::new() };
        writer.write();
        let body = std::mem::take(&mut writer.body);
        let mut registers: Vec<u64> = (0..32)
            .map(|_| if writer.rng.one_in(2) { writer.rng.below(64) as u64 } else { writer.rng.next() })
            .collect();
        (16..24).for_each(|r| registers[r] = writer.data());
        let Writer { rng, .. } = writer;
        let mut entries = vec![(TABLES, TABLES + PAGE, V), (TABLES + PAGE, LEAVES, V)];
        entries.push((TABLES + PAGE + 8 * (ALIAS as u64 >> 21), LEAVES + PAGE, V));
        entries.push((TABLES + PAGE + 8, LOG, V | R | W | AD));
        entries.push((LEAVES + 8 * (S_HANDLER / PAGE), S_HANDLER, V | R | X | AD));
        // The tables, which the program changes.
        entries.push((LEAVES + 8 * (LEAVES / PAGE), LEAVES, V | R | W | AD));
        for page in [CODE, CODE + PAGE] {
            entries.push((LEAVES + 8 * (page / PAGE), page, V | R | W | X | AD));
            entries.push((LEAVES + PAGE + 8 * (page / PAGE), page, V | R | X | USER | AD));
        }
        let mut entries: Vec<_> = entries.into_iter().map(|(at, page, flags)| (at, page >> 12 << 10 | flags)).collect();
        entries.extend((0..DATA_PAGES).map(|n| (LEAVES + 8 * (DATA / PAGE + n), entry_of(rng))));
        let data = (0..DATA_PAGES * PAGE).map(|_| rng.next() as u8).collect();
        let floats =
            (0..32).map(|_| if rng.one_in(2) { f64::to_bits(rng.below(100) as f64) } else { rng.next() }).collect();
        // FS, SUM, MXR; in M mode also MPRV, with a mode of its own once it returns from the start.
        let mstatus =
            mode << 11 | rng.next() & (3 << 13 | 1 << 18 | 1 << 19) | if mode == 3 { rng.next() & 1 << 17 } else { 0 };
        let medeleg = if rng.one_in(3) { 0 } else { rng.next() & 0xb1f7 };
        let mepc = if mode == 0 { CODE + ALIAS as u64 } else { CODE };
        let start = [mstatus, medeleg, rng.next() & (1 << 61 | 0xf0), rng.next() & 7, mepc];
        Self { body, registers, floats, entries, data, start }
    }
}

type AnyEngine = Box<dyn Engine<Rv64, Privilege = Privileged, Memory = HartMemory>>;

/// What a program leaves.
#[derive(PartialEq)]
struct Left {
    pc: u64,
    instret: u64,
    registers: Vec<u64>,
    floats: Vec<u64>,
    memory: Vec<u8>,
}

impl Left {
    /// The logged causes of traps.
    fn causes(&self) -> impl Iterator<Item = u64> {
        let end = self.registers[usize::from(TO)].saturating_sub(LOG + 12 * 8) as usize;
        let log = &self.memory[LOG as usize..][..end.min((RAM - LOG) as usize)];
        log.chunks_exact(32).map(|entry| u64::from_le_bytes(entry[..8].try_into().expect("eight bytes")))
    }

    /// What differs.
    fn difference(&self, other: &Self) -> Option<String> {
        let word = |memory: &[u8], at: usize| u64::from_le_bytes(memory[at..at + 8].try_into().expect("eight bytes"));
        if let Some(at) = (0..RAM as usize).step_by(8).find(|&at| word(&self.memory, at) != word(&other.memory, at)) {
            return Some(format!(
                "memory at {at:#x}: {:#x} and {:#x}",
                word(&self.memory, at),
                word(&other.memory, at)
            ));
        }
        if let Some(r) = (0..32).find(|&r| self.registers[r] != other.registers[r]) {
            return Some(format!("x{r}: {:#x} and {:#x}", self.registers[r], other.registers[r]));
        }
        if let Some(r) = (0..32).find(|&r| self.floats[r] != other.floats[r]) {
            return Some(format!("f{r}: {:#x} and {:#x}", self.floats[r], other.floats[r]));
        }
        let differs = (self.pc, self.instret) != (other.pc, other.instret);
        differs.then(|| format!("{:#x} after {} and {:#x} after {}", self.pc, self.instret, other.pc, other.instret))
    }
}

/// Runs a program on an engine until it waits; `None` if it does not.
fn run(program: &Program, engine: impl FnOnce(&HartMemory, CodeWatch) -> AnyEngine) -> Option<Left> {
    let ram = Arc::new(Ram::new(0, RAM).expect("memory"));
    let put = |at: u64, bytes: &[u8]| ram.write(at, bytes).expect("it is in memory");
    // satp, pmpaddr0, pmpcfg0, mtvec, stvec, mcounteren, then those of the program.
    let set = [(0x180, SATP), (0x3b0, 1), (0x3a0, 2), (0x305, 3), (0x105, 4), (0x306, 5)];
    let own = [(0x302, 7), (0x30a, 8), (0x106, 9), (0x341, 10), (0x300, 6)];
    let mut setup: Vec<Insn> = set.into_iter().chain(own).map(|(csr, r)| csrw(csr, r)).collect();
    // Then the program's registers, through a pointer to them behind the code.
    setup.extend((1..31).map(|r| imm(Op::Ld, r, TO, 8 * i32::from(r))));
    setup.extend([imm(Op::Ld, TO, TO, 8 * 31), reg(Op::Mret, 0, 0, 0)]);
    put(SETUP, &assemble(&setup));
    let mut registers = program.registers.clone();
    (registers[usize::from(TO)], registers[usize::from(SATP)]) = (LOG, 8 << 60 | TABLES >> 12);
    registers.iter().zip(0..).for_each(|(value, r)| put(SETUP + 0x800 + 8 * r, &value.to_le_bytes()));
    put(M_HANDLER, &assemble(&m_handler()));
    put(S_HANDLER, &assemble(&s_handler()));
    put(CODE, &assemble(&program.body));
    put(DATA, &program.data);
    program.entries.iter().for_each(|(at, entry)| put(*at, &entry.to_le_bytes()));

    let memory = HartMemory::new(vec![ram.clone()], Arc::new(NoDevices));
    let mut cpu = Cpu::new(Isa::rv64_max());
    cpu.pc = SETUP;
    let [mstatus, medeleg, menvcfg, scounteren, mepc] = program.start;
    let values = [(1, u64::MAX), (2, 0x1f), (3, M_HANDLER), (4, S_HANDLER), (5, 7)];
    let own = [(6, mstatus), (7, medeleg), (8, menvcfg), (9, scounteren), (10, mepc)];
    values.into_iter().chain(own).for_each(|(r, value)| cpu.set_x(r, value));
    cpu.set_x(SATP, registers[usize::from(SATP)]);
    cpu.set_x(TO, SETUP + 0x800);
    cpu.f.copy_from_slice(&program.floats);
    let mut state = HartOwner::new(cpu);
    let watch = memory.code().changes().register(state.cell().clone());
    let mut engine = engine(&memory, watch);
    let mut privileged = Privileged::new(0, Arc::new(NoInputs));
    engine.limit(1_000_000);
    let exit = engine.run(&mut state, &mut privileged, &memory);
    if exit != Exit::Wait {
        return None;
    }
    let cpu = state.cpu();
    let mut bytes = vec![0; RAM as usize];
    ram.read(0, &mut bytes).expect("it is in memory");
    Some(Left {
        pc: cpu.pc,
        instret: cpu.instret,
        registers: (0..32).map(|r| cpu.x(r)).collect(),
        floats: cpu.f.to_vec(),
        memory: bytes,
    })
}

fn nothing() -> Insn {
    imm(Op::Addi, 0, 0, 0)
}

/// The program with the fewest instructions found for which `differ` still says in what engines differ. The others are
/// replaced, so that branches keep their distances.
fn shrink(mut program: Program, mut what: String, differ: impl Fn(&Program) -> Option<String>) -> (Program, String) {
    // The last instruction ends the program.
    let len = program.body.len() - 1;
    let mut size = len.next_power_of_two();
    while size > 0 {
        for start in (0..len).step_by(size) {
            let part = start..(start + size).min(len);
            if program.body[part.clone()].iter().all(|insn| *insn == nothing()) {
                continue;
            }
            let mut smaller = program.clone();
            smaller.body[part].fill(nothing());
            if let Some(still) = differ(&smaller) {
                (program, what) = (smaller, still);
            }
        }
        size /= 2;
    }
    (program, what)
}

/// The instructions of a program, but for those that were replaced.
fn listing(program: &Program) -> String {
    let pcs = (CODE..).step_by(4);
    let shown = pcs.zip(&program.body).filter(|(_, insn)| **insn != nothing());
    shown.map(|(pc, insn)| format!("  {pc:#x}: {}\n", insn.disassemble(pc))).collect()
}

fn interp(max_block: usize) -> impl Fn(&HartMemory, CodeWatch) -> AnyEngine {
    move |_, watch| {
        let mut engine = Interp::<Rv64, Privileged>::new(InterpConfig { max_block, budget: None });
        engine.watch_code(watch);
        Box::new(engine)
    }
}

fn compiler(max_block: usize) -> impl Fn(&HartMemory, CodeWatch) -> AnyEngine {
    move |memory, watch| {
        let config = JitConfig { max_block, cache_size: 1 << 20, ..JitConfig::default() };
        Box::new(Jit::new(&MachineCompiler::new(config, None).code(memory).expect("a code cache"), watch))
    }
}

/// Runs a program on one engine.
type Runs<'a> = &'a dyn Fn(&Program) -> Option<Left>;

#[test]
fn machines_agree() {
    let wanted = super::instructions(4);
    let (mut seed, mut ran, mut causes) = (super::number("REMU_AGREE_SEED", 1), 0, BTreeMap::<u64, u64>::new());
    let watchdog = super::Watchdog::new("machines");
    let mut differences = 0;
    while ran < wanted && differences < 5 {
        watchdog.begins(seed);
        let program = Program::new(seed);
        let reference = run(&program, interp(1)).expect("the program ends");
        let engines: [(&str, Runs); 3] = [
            ("blocks", &|p| run(p, interp(64))),
            ("compiled", &|p| run(p, compiler(JitConfig::default().max_block))),
            ("compiled one by one", &|p| run(p, compiler(1))),
        ];
        for (name, engine) in engines {
            let left = engine(&program).unwrap_or_else(|| panic!("seed {seed}: no end, {name}"));
            if let Some(what) = reference.difference(&left) {
                let differ = |p: &Program| run(p, interp(1))?.difference(&engine(p)?);
                let (small, what) = shrink(program.clone(), what, differ);
                println!("seed {seed}, single steps and {name}: {what}\n{}", listing(&small));
                differences += 1;
            }
        }
        reference.causes().for_each(|cause| *causes.entry(cause).or_default() += 1);
        ran += reference.instret;
        seed += 1;
    }
    println!("machines: {ran} instructions; traps by cause: {causes:?}");
    assert_eq!(differences, 0);
    if ran >= 200_000 {
        // Fetches, illegal instructions, accesses, calls of each mode, page faults.
        for cause in [1, 2, 5, 7, 8, 9, 11, 12, 13, 15] {
            assert!(causes.contains_key(&cause), "no trap of cause {cause}: {causes:?}");
        }
    }
}

#[test]
fn a_wrong_machine_is_found_and_its_program_shrunk() {
    // An engine that takes one operation for another.
    for (right, wrong) in [(Op::Xor, Op::Or), (Op::Sd, Op::Sw), (Op::Csrrc, Op::Csrrs), (Op::Sret, Op::Mret)] {
        let differ = |p: &Program| {
            let mut broken = p.clone();
            broken.body.iter_mut().filter(|insn| insn.op == right).for_each(|insn| insn.op = wrong);
            run(p, interp(1))?.difference(&run(&broken, interp(64))?)
        };
        let found = (1..200).find_map(|seed| {
            let program = Program::new(seed);
            differ(&program).map(|what| shrink(program, what, differ))
        });
        let (small, what) = found.unwrap_or_else(|| panic!("nobody sees that {right} is {wrong}"));
        let left: Vec<Op> = small.body.iter().filter(|insn| **insn != nothing()).map(|insn| insn.op).collect();
        assert!(left.contains(&right) && left.len() <= 16, "{right} as {wrong}: {what}\n{}", listing(&small));
    }
}
