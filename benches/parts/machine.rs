//! A hart of a machine: address translation, CSR instructions and traps.

use crate::elf::{A0, A1, A2, A3, A7, T0, T1, ZERO, assemble, branch, ecall, imm, li, lui, reg, store};
use criterion::{Criterion, Throughput};
use remu::guest::riscv::privileged::{NoInputs, Privileged};
use remu::guest::riscv::{Cpu, Rv64};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, MachineCompiler};
use remu::memory::machine::{HartMemory, NoDevices, Ram};
use remu_isa::{Insn, Isa, Op};
use std::sync::Arc;

const PAGE: u64 = 4096;
/// Memory is from 0 to here.
const SIZE: u64 = 64 << 20;
const SETUP: u64 = 0x1000;
const CODE: u64 = 0x2000;
const HANDLER: u64 = 0x3000;
/// Sv39 tables that map all memory to itself in small pages: the root, one of the middle level, and the leaves.
const TABLES: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;

const SATP: i32 = 0x180;
const SSCRATCH: i32 = 0x140;
const MSTATUS: i32 = 0x300;
const MTVEC: i32 = 0x305;
const MEPC: i32 = 0x341;
const PMPCFG0: i32 = 0x3a0;
const PMPADDR0: i32 = 0x3b0;

fn csrw(csr: i32, rs: u8) -> Insn {
    imm(Op::Csrrw, ZERO, rs, csr)
}

/// A hart about to run a program that ends with WFI.
struct Hart {
    state: HartOwner<Rv64>,
    privileged: Privileged,
    memory: HartMemory,
    engine: Box<dyn Engine<Rv64, Privilege = Privileged, Memory = HartMemory>>,
}

impl Hart {
    /// In supervisor mode with address translation, or in machine mode.
    fn new(code: &[Insn], translates: bool, compiled: bool) -> Self {
        let ram = Arc::new(Ram::new(0, SIZE).expect("memory"));
        let put = |at: u64, bytes: &[u8]| ram.write(at, bytes).expect("it is in memory");
        let entry = |at: u64, page: u64, flags: u64| put(at, &(page >> 12 << 10 | flags).to_le_bytes());
        entry(TABLES, TABLES + PAGE, 1);
        for table in 0..SIZE >> 21 {
            entry(TABLES + PAGE + 8 * table, TABLES + (2 + table) * PAGE, 1);
        }
        for page in 0..SIZE / PAGE {
            entry(TABLES + 2 * PAGE + 8 * page, page * PAGE, 0xcf);
        }
        let setup = [csrw(PMPADDR0, A3), csrw(PMPCFG0, A2), csrw(SATP, A0), csrw(MTVEC, A7), csrw(MSTATUS, T0)];
        let enter = [csrw(MEPC, A1), reg(Op::Mret, 0, 0, 0)];
        put(SETUP, &assemble(&[&setup[..], &enter].concat()));
        put(CODE, &assemble(&[code, &[reg(Op::Wfi, 0, 0, 0)]].concat()));
        // Returns behind the ECALL.
        let handler =
            [imm(Op::Csrrs, T1, ZERO, MEPC), imm(Op::Addi, T1, T1, 4), csrw(MEPC, T1), reg(Op::Mret, 0, 0, 0)];
        put(HANDLER, &assemble(&handler));
        let memory = HartMemory::new(vec![ram], Arc::new(NoDevices));
        let mut cpu = Cpu::new(Isa::rv64_max());
        cpu.pc = SETUP;
        let mode = if translates { 1 } else { 3 };
        for (r, value) in [
            (A0, if translates { 8 << 60 | TABLES >> 12 } else { 0 }),
            (A1, CODE),
            (A2, 0x1f),
            (A3, u64::MAX),
            (A7, HANDLER),
            (T0, mode << 11),
        ] {
            cpu.set_x(r, value);
        }
        let state = HartOwner::new(cpu);
        let watch = memory.code().changes().register(state.cell().clone());
        let engine: Box<dyn Engine<Rv64, Privilege = Privileged, Memory = HartMemory>> = if compiled {
            let compiler = MachineCompiler::new(JitConfig::default(), None);
            Box::new(Jit::new(&compiler.code(&memory).expect("a code cache"), watch))
        } else {
            let mut engine = Interp::new(InterpConfig::default());
            engine.watch_code(watch);
            Box::new(engine)
        };
        let mut hart = Self { state, privileged: Privileged::new(0, Arc::new(NoInputs)), memory, engine };
        // The program runs once, and so the hart is in its mode.
        hart.finish();
        hart
    }

    fn run(&mut self) {
        self.state.cpu_mut().pc = CODE;
        self.finish();
    }

    fn finish(&mut self) {
        let exit = self.engine.run(&mut self.state, &mut self.privileged, &self.memory);
        assert_eq!(exit, Exit::Wait, "at {:#x}", self.state.cpu().pc);
    }
}

/// Address translation, CSR instructions, traps.
pub fn machine(c: &mut Criterion) {
    const TURNS: i32 = 1000;
    let counted = |start: &[Insn], body: &[Insn]| {
        let back = -4 * (body.len() as i32 + 1);
        let mut code = [&[li(T0, TURNS)], start, body].concat();
        code.extend([imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, ZERO, back)]);
        code
    };
    let data = [lui(A1, DATA as i32)];
    let same = [imm(Op::Ld, T1, A1, 8), store(Op::Sd, T1, A1, 16)].repeat(10);
    // More pages than the TLB has entries, one after the other.
    let strides = [imm(Op::Ld, T1, A1, 0), reg(Op::Add, A1, A1, A2)].repeat(10);
    let far = [data[0], lui(A2, PAGE as i32)];
    let mut group = c.benchmark_group("machine");
    for (name, code, elements, translates) in [
        ("accesses without translation", counted(&data, &same), 20, false),
        ("accesses that hit the TLB", counted(&data, &same), 20, true),
        ("accesses that miss it", counted(&far, &strides), 10, true),
        ("CSR instruction", counted(&[], &[csrw(SSCRATCH, T1); 10]), 10, true),
        ("trap and return", counted(&[], &[ecall()]), 1, true),
    ] {
        group.throughput(Throughput::Elements(TURNS as u64 * elements));
        for (engine, compiled) in [("interp", false), ("jit", true)] {
            let mut hart = Hart::new(&code, translates, compiled);
            group.bench_function(format!("{name}, {engine}"), |b| b.iter(|| hart.run()));
        }
    }
    group.finish();
}
