//! Whole machines, tested with small hand-encoded programs: traps and returns, interrupts, memory protection, counters,
//! devices, and how a machine ends.

#[path = "common/elf.rs"]
mod elf;

use elf::{
    A0, A1, A2, R, Segment, T0, T1, W, X, ZERO, assemble, branch, ebreak, ecall, here, imm, jump, li, lui, reg, store,
};
use remu::guest::riscv::privileged::Privileged;
use remu::guest::riscv::{Base, Rv32, Rv64};
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, MachineCompiler};
use remu::machine::{
    BootPlan, ClockSource, Console, Ending, HartEngine, Machine, MachineConfig, MachineError, MachineKind, Scheduling,
};
use remu::memory::CodeWatch;
use remu::memory::machine::HartMemory;
use remu_isa::{Insn, Isa, Op};
use std::io;
use std::sync::{Arc, Mutex};

const BASE: u64 = 0x8000_0000;
/// The address of the word `tohost`. Scratch memory follows it.
const TOHOST: u64 = BASE + 0x1000;

const MSTATUS: i32 = 0x300;
const MIE: i32 = 0x304;
const MTVEC: i32 = 0x305;
const MSCRATCH: i32 = 0x340;
const MEPC: i32 = 0x341;
const MCAUSE: i32 = 0x342;
const MTVAL: i32 = 0x343;
const S0: u8 = 8;
const S1: u8 = 9;

type Engine<B> = Interp<B, Privileged>;

fn engine<B: Base>(_: &HartMemory, watch: CodeWatch) -> io::Result<Engine<B>> {
    let mut engine = Interp::new(InterpConfig::default());
    engine.watch_code(watch);
    Ok(engine)
}

/// The program's output, and its input.
#[derive(Clone, Default)]
struct Terminal {
    printed: Arc<Mutex<Vec<u8>>>,
    typed: Arc<Mutex<Vec<u8>>>,
}

impl Console for Terminal {
    fn put(&mut self, byte: u8) {
        self.printed.lock().unwrap().push(byte);
    }

    fn get(&mut self) -> Option<u8> {
        let mut typed = self.typed.lock().unwrap();
        if typed.is_empty() { None } else { Some(typed.remove(0)) }
    }

    fn flush(&mut self) {}
}

fn config(isa: Isa) -> MachineConfig {
    MachineConfig {
        kind: MachineKind::Virt,
        isa,
        ram_base: BASE,
        ram_size: 1 << 20,
        harts: 1,
        scheduling: Scheduling::InTurn,
        clock: ClockSource::Host,
        arguments: String::new(),
        aligned_only: false,
    }
}

/// An image of code at the start of memory, and a page of data after it.
fn image(code: &[Insn]) -> Vec<u8> {
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, assemble(code)));
    e.segments.push(Segment::load(R | W, TOHOST, [0; 64]).mem_size(0x1000));
    e.symbols.push(("tohost", TOHOST, 8));
    e.symbols.push(("fromhost", TOHOST + 8, 8));
    e.bytes()
}

/// Runs the code in the interpreter, and then in the compiler on the terminal.
fn run_on(config: &MachineConfig, code: &[Insn], terminal: Terminal) -> Ending {
    let typed = terminal.typed.lock().unwrap().clone();
    let copy = Terminal { typed: Arc::new(Mutex::new(typed)), ..Terminal::default() };
    let interpreted = run_with(config, code, copy, engine);
    let compiler = MachineCompiler::new(JitConfig::default(), None);
    let ending = run_with(config, code, terminal, |mem, watch| Ok(Jit::new(&compiler.code(mem)?, watch)));
    assert_eq!(ending, interpreted, "compiled and interpreted");
    ending
}

fn run_with<E: HartEngine<Rv64> + Send>(
    config: &MachineConfig,
    code: &[Insn],
    terminal: Terminal,
    engine: impl Fn(&HartMemory, CodeWatch) -> io::Result<E>,
) -> Ending {
    let bytes = image(code);
    let plan = BootPlan::new(None, Some(&bytes)).unwrap();
    Machine::<Rv64, _>::new(config, &plan, Box::new(terminal), engine).unwrap().run(Some(1_000_000))
}

/// Runs to the end; returns the program's exit code.
#[track_caller]
fn run(code: &[Insn]) -> u64 {
    match run_on(&config(Isa::rv64_max()), code, Terminal::default()) {
        Ending::Exited(code) => code,
        other => panic!("{other:?}"),
    }
}

fn csr(op: Op, rd: u8, rs1: u8, number: i32) -> Insn {
    imm(op, rd, rs1, number)
}

fn csrw(number: i32, rs: u8) -> Insn {
    csr(Op::Csrrw, ZERO, rs, number)
}

fn csrr(rd: u8, number: i32) -> Insn {
    csr(Op::Csrrs, rd, ZERO, number)
}

/// Exits with the value of a register: `tohost = value << 1 | 1`.
fn exit_with(rs: u8) -> Vec<Insn> {
    vec![
        imm(Op::Slli, T0, rs, 1),
        imm(Op::Ori, T0, T0, 1),
        lui(T1, TOHOST as u32 as i32),
        imm(Op::Slli, T1, T1, 32),
        imm(Op::Srli, T1, T1, 32),
        store(Op::Sd, T0, T1, 0),
        jump(0),
    ]
}

/// Sets `mtvec` to the handler, which follows `code`. The handler exits with `mcause << 8` plus the low byte of
/// `mtval`.
fn with_handler(code: &[Insn]) -> Vec<Insn> {
    let after = 4 * (code.len() as i32 + 3);
    let mut all = vec![here(T0), imm(Op::Addi, T0, T0, after), csrw(MTVEC, T0)];
    all.extend_from_slice(code);
    all.extend([csrr(A0, MCAUSE), imm(Op::Slli, A0, A0, 8), csrr(A1, MTVAL), imm(Op::Andi, A1, A1, 0xff)]);
    all.push(reg(Op::Or, A0, A0, A1));
    all.extend(exit_with(A0));
    all
}

#[test]
fn a_program_exits_with_its_code() {
    assert_eq!(run(&[[li(A0, 0)].as_slice(), &exit_with(A0)].concat()), 0);
    assert_eq!(run(&[[li(A0, 77)].as_slice(), &exit_with(A0)].concat()), 77);
    // The power-off device of `virt`.
    let fail = [lui(T0, 0x10_0000), lui(T1, 0x2_3000), imm(Op::Addi, T1, T1, 0x333), store(Op::Sw, T1, T0, 0)];
    let mut code = fail.to_vec();
    code.push(jump(0));
    assert_eq!(run(&code), 2);
}

#[test]
fn reset_sets_the_hart_id_and_the_device_tree() {
    // The magic number of a device tree, byte-swapped.
    let mut code = vec![reg(Op::Or, S0, A0, ZERO), imm(Op::Lwu, A0, A1, 0)];
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 0xedfe_0dd0);
}

#[test]
fn traps_set_cause_and_value() {
    let illegal = Insn { ..imm(Op::Csrrs, A0, ZERO, 0x7ff) };
    let cases: Vec<(&str, Vec<Insn>, u64)> = vec![
        ("ecall", vec![ecall()], 11 << 8),
        ("ebreak", vec![ebreak()], 3 << 8 | 12),
        ("no such csr", vec![illegal], 2 << 8 | 0x73),
        ("load from nowhere", vec![imm(Op::Ld, A0, ZERO, 0x58)], 5 << 8 | 0x58),
        ("store to nowhere", vec![store(Op::Sd, A0, ZERO, 0x60)], 7 << 8 | 0x60),
        ("store to the reset code", vec![lui(T0, 0x1000), store(Op::Sd, A0, T0, 8)], 7 << 8 | 8),
        ("jump to nowhere", vec![imm(Op::Jalr, ZERO, ZERO, 0x64)], 1 << 8 | 0x64),
        ("misaligned atomic", vec![li(T0, 0x81), reg(Op::AmoaddW, A0, T0, A1)], 6 << 8 | 0x81),
        ("write to a read-only csr", vec![csrw(0xf14, ZERO)], 2 << 8 | 0x73),
        ("floating point that is off", vec![reg(Op::FaddD, 1, 1, 1)], 2 << 8 | 0xd3),
    ];
    for (what, code, expected) in cases {
        assert_eq!(run(&with_handler(&code)), expected, "{what}");
    }
}

#[test]
fn user_mode_is_entered_and_left() {
    // Enters user mode, where the CSR cannot be read.
    let to_user = |code: &[Insn]| {
        let mut all = vec![here(T0), imm(Op::Addi, T0, T0, 12 + 4 * 6), csrw(MEPC, T0)];
        // Makes all memory accessible.
        all.extend([li(T1, -1), csrw(0x3b0, T1), li(T1, 0x1f), csrw(0x3a0, T1)]);
        all.extend([csrw(MSTATUS, ZERO), imm(Op::Mret, 0, 0, 0)]);
        all.extend_from_slice(code);
        with_handler(&all)
    };
    assert_eq!(run(&to_user(&[ecall()])), 8 << 8);
    assert_eq!(run(&to_user(&[csrr(A0, MSCRATCH)])), 2 << 8 | 0x73);
    assert_eq!(run(&to_user(&[imm(Op::Mret, 0, 0, 0)])), 2 << 8 | 0x73);
    assert_eq!(run(&to_user(&[csrr(A0, 0xc00)])), 2 << 8 | 0x73, "the counter is not permitted");
    let mut closed = to_user(&[ecall()]);
    closed[3 + 6] = li(T1, 0);
    assert_eq!(run(&closed) >> 8, 1, "user mode can only access memory that a PMP entry grants");
}

#[test]
fn pmp_binds_user_mode_and_locked_entries_bind_machine_mode() {
    // Entry 0, locked: four bytes of the scratch memory are read-only.
    let page = |offset| (TOHOST + offset) as i64;
    let address = |rd, value: i64| {
        vec![
            lui(rd, value as i32 & !0xfff),
            imm(Op::Slli, rd, rd, 32),
            imm(Op::Srli, rd, rd, 32),
            imm(Op::Addi, rd, rd, (value & 0xfff) as i32),
        ]
    };
    let mut code = address(S0, page(0x40));
    code.extend([imm(Op::Srli, T0, S0, 2), csrw(0x3b0, T0), li(T1, 0x91), csrw(0x3a0, T1)]);
    let read =
        [code.clone(), vec![imm(Op::Lw, A0, S0, 0), store(Op::Sw, A0, S0, 4), store(Op::Sw, A0, S0, 0)]].concat();
    assert_eq!(run(&with_handler(&read)), 7 << 8 | 0x40);
    let inside = [code.clone(), vec![store(Op::Sd, A0, S0, -4)]].concat();
    assert_eq!(run(&with_handler(&inside)), 7 << 8 | 0x40, "mtval is the address of the part that faults");
    // The same four bytes as the second half of an aligned access.
    code[0] = address(S0, page(0x44))[0];
    code[3] = address(S0, page(0x44))[3];
    let straddles = [code, vec![store(Op::Sd, A0, S0, -4)]].concat();
    assert_eq!(run(&with_handler(&straddles)), 7 << 8 | 0x40, "an access that overlaps a region in part");
}

#[test]
fn enabled_interrupts_are_taken_by_priority() {
    // Software and timer interrupt at once: the software interrupt is taken.
    let clint = 0x200_0000;
    let mut code = vec![lui(S0, clint), li(T0, 1), store(Op::Sw, T0, S0, 0)];
    code.extend([lui(S1, clint + 0x4000), store(Op::Sd, ZERO, S1, 0)]);
    code.extend([li(T0, 0x88), csrw(MIE, T0), csr(Op::Csrrsi, ZERO, 8, MSTATUS), jump(0)]);
    let run_shifted = |code: &[Insn]| run(&with_handler(code));
    assert_eq!(run_shifted(&code), (1 << 63 | 3) << 8 & (u64::MAX >> 1));
    code[2] = store(Op::Sw, ZERO, S0, 0);
    assert_eq!(run_shifted(&code), (1 << 63 | 7) << 8 & (u64::MAX >> 1));
    // WFI returns if an interrupt is pending, even with interrupts globally disabled.
    let last = code.len() - 2;
    code[last] = imm(Op::Wfi, 0, 0, 0);
    code[last + 1] = ecall();
    assert_eq!(run_shifted(&code), 11 << 8);
    // Or when the timer fires, a millisecond from now.
    let mut code = vec![lui(S0, clint + 0xc000), imm(Op::Ld, A0, S0, -8), lui(T0, 0x2000), reg(Op::Add, A0, A0, T0)];
    code.extend([lui(S1, clint + 0x4000), store(Op::Sd, A0, S1, 0), li(T0, 0x80), csrw(MIE, T0)]);
    code.extend([imm(Op::Wfi, 0, 0, 0), ecall()]);
    assert_eq!(run_shifted(&code), 11 << 8);
}

#[test]
fn a_store_to_a_device_takes_effect_at_once() {
    const MIP: i32 = 0x344;
    let clint = 0x200_0000;
    // The bit is pending at the next instruction, and clear after the store that clears it.
    let mut code = vec![lui(S0, clint), li(T0, 1), store(Op::Sw, T0, S0, 0), csrr(A0, MIP)];
    code.extend([store(Op::Sw, ZERO, S0, 0), csrr(A1, MIP), imm(Op::Slli, A1, A1, 8), reg(Op::Or, A0, A0, A1)]);
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 8);
    // The interrupt is taken before the next instruction: `mepc` is the address after the store.
    let mut code = vec![here(T0), imm(Op::Addi, T0, T0, 4 * 11), csrw(MTVEC, T0), li(T0, 8), csrw(MIE, T0)];
    code.extend([csr(Op::Csrrsi, ZERO, 8, MSTATUS), lui(S0, clint), li(T0, 1), here(S1)]);
    code.extend([store(Op::Sw, T0, S0, 0), jump(0)]);
    code.extend([csrr(A0, MEPC), reg(Op::Sub, A0, A0, S1)]);
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 8);
}

#[test]
fn nothing_is_executed_after_power_off() {
    // The serial port would print what follows.
    let mut code = vec![lui(S1, 0x1000_0000), lui(S0, 0x10_0000), lui(T0, 0x5000), imm(Op::Addi, T0, T0, 0x555)];
    code.extend([store(Op::Sw, T0, S0, 0), store(Op::Sb, T0, S1, 0), jump(0)]);
    let config = config(Isa::rv64_max());
    let (compiled, interpreted) = (Terminal::default(), Terminal::default());
    let compiler = MachineCompiler::new(JitConfig::default(), None);
    let jit = |mem: &HartMemory, watch| Ok(Jit::new(&compiler.code(mem)?, watch));
    assert_eq!(run_with(&config, &code, compiled.clone(), jit), Ending::Exited(0));
    assert_eq!(run_with(&config, &code, interpreted.clone(), engine), Ending::Exited(0));
    for terminal in [compiled, interpreted] {
        assert_eq!(*terminal.printed.lock().unwrap(), []);
    }
}

#[test]
fn mtime_and_the_time_csr_are_one_clock() {
    let mut code = vec![lui(S0, 0x200_c000), li(A0, 0)];
    let body = [
        imm(Op::Ld, A1, S0, -8),
        csrr(A2, 0xc01),
        imm(Op::Ld, S1, S0, -8),
        // Counts the times at which the clock goes backwards.
        reg(Op::Sltu, A1, A2, A1),
        reg(Op::Add, A0, A0, A1),
        reg(Op::Sltu, A2, S1, A2),
        reg(Op::Add, A0, A0, A2),
    ];
    code.extend((0..100).flat_map(|_| body));
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 0);
}

#[test]
fn misaligned_accesses_can_be_made_to_trap() {
    let load = with_handler(&[here(S0), imm(Op::Lw, A0, S0, 1), ecall()]);
    let stores = with_handler(&[here(S0), imm(Op::Addi, S0, S0, 0x400), store(Op::Sd, A0, S0, 1), ecall()]);
    let strict = MachineConfig { aligned_only: true, ..config(Isa::rv64_max()) };
    let on = |config: &MachineConfig, code: &[Insn]| match run_on(config, code, Terminal::default()) {
        Ending::Exited(code) => code >> 8,
        other => panic!("{other:?}"),
    };
    assert_eq!((on(&strict, &load), on(&strict, &stores)), (4, 6));
    let lenient = config(Isa::rv64_max());
    assert_eq!((on(&lenient, &load), on(&lenient, &stores)), (11, 11));
}

#[test]
fn counters_count_and_can_be_written_and_inhibited() {
    let mut code = vec![csr(Op::Csrrwi, ZERO, 7, 0xb02), csrr(A0, 0xb02), csrr(A1, 0xb02)];
    code.extend([csr(Op::Csrrwi, ZERO, 4, 0x320), csrr(A2, 0xb02), csrr(S0, 0xb02)]);
    code.extend([reg(Op::Sub, S0, S0, A2), reg(Op::Sub, A2, A2, A1), reg(Op::Sub, A1, A1, A0)]);
    // 7, then one more, then unchanged after two instructions that counted before.
    for (register, shift) in [(A1, 8), (A2, 16), (S0, 24)] {
        code.extend([imm(Op::Slli, register, register, shift), reg(Op::Add, A0, A0, register)]);
    }
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 7 | 1 << 8 | 1 << 16);
}

#[test]
fn floating_point_use_makes_fs_dirty() {
    // The FPU state is clean at first. The sum is computed, and the state is dirty afterwards.
    let mut code = vec![lui(T0, 0x4000), csrw(MSTATUS, T0), li(T1, 3), reg(Op::FcvtDL, 1, T1, 0)];
    code.extend([reg(Op::FaddD, 2, 1, 1), Insn { rm: 1, ..reg(Op::FcvtLD, A0, 2, 0) }]);
    code.extend([csrr(A1, MSTATUS), imm(Op::Srli, A1, A1, 13), imm(Op::Andi, A1, A1, 3), imm(Op::Slli, A1, A1, 8)]);
    code.push(reg(Op::Or, A0, A0, A1));
    code.extend(exit_with(A0));
    assert_eq!(run(&code), 6 | 3 << 8);
}

#[test]
fn code_that_changes_is_seen_after_a_fence() {
    // Executes the code in scratch memory twice: first `li a0, 1; ret`, then, rewritten, `li a0, 2; ret`.
    let words = |value| u64::from_le_bytes(assemble(&[li(A0, value), imm(Op::Jalr, ZERO, 1, 0)]).try_into().unwrap());
    let (one, two) = (words(1), words(2));
    let mut code = vec![here(S0), lui(T0, 0x1000), reg(Op::Add, S0, S0, T0)];
    let data = 4 * 40;
    code.extend([here(S1), imm(Op::Addi, S1, S1, data - 12)]);
    for (at, fence) in [(0, true), (8, true)] {
        code.extend([imm(Op::Ld, T0, S1, at), store(Op::Sd, T0, S0, 0x80)]);
        if fence {
            code.push(imm(Op::FenceI, 0, 0, 0));
        }
        code.push(imm(Op::Jalr, 1, S0, 0x80));
    }
    code.extend(exit_with(A0));
    code.resize(data as usize / 4, li(0, 0));
    let mut bytes = assemble(&code);
    bytes.extend([one, two].iter().flat_map(|w| w.to_le_bytes()));
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, bytes));
    e.segments.push(Segment::load(R | W, TOHOST, [0; 64]).mem_size(0x1000));
    e.symbols.push(("tohost", TOHOST, 8));
    let file = e.bytes();
    let plan = BootPlan::new(None, Some(&file)).unwrap();
    let mut machine =
        Machine::<Rv64, Engine<Rv64>>::new(&config(Isa::rv64_max()), &plan, Box::new(Terminal::default()), engine)
            .unwrap();
    assert_eq!(machine.run(Some(100_000)), Ending::Exited(2));
}

#[test]
fn the_serial_port_echoes() {
    let terminal = Terminal::default();
    terminal.typed.lock().unwrap().push(b'k');
    let mut code = vec![lui(S0, 0x1000_0000), imm(Op::Lbu, T0, S0, 5), imm(Op::Andi, T0, T0, 1)];
    code.extend([branch(Op::Beq, T0, ZERO, -8), imm(Op::Lbu, A0, S0, 0), store(Op::Sb, A0, S0, 0), li(A0, 0)]);
    code.extend(exit_with(A0));
    assert_eq!(run_on(&config(Isa::rv64_max()), &code, terminal.clone()), Ending::Exited(0));
    assert_eq!(*terminal.printed.lock().unwrap(), b"k");
}

#[test]
fn a_wide_load_of_the_serial_port_consumes_no_input() {
    let terminal = Terminal::default();
    terminal.typed.lock().unwrap().push(b'k');
    let code = with_handler(&[lui(S0, 0x1000_0000), imm(Op::Lw, A0, S0, 0)]);
    assert_eq!(run_on(&config(Isa::rv64_max()), &code, terminal.clone()), Ending::Exited(5 << 8));
    assert_eq!(*terminal.typed.lock().unwrap(), b"k");
}

#[test]
fn cache_blocks_are_managed_only_in_accessible_memory() {
    let refused = |code: &[Insn]| run(&with_handler(&[code, &[ecall()]].concat()));
    for op in [Op::CboInval, Op::CboClean, Op::CboFlush] {
        let managed = imm(op, ZERO, S0, 0);
        // It reads no device register.
        let terminal = Terminal::default();
        terminal.typed.lock().unwrap().push(b'k');
        let mut code = vec![lui(S0, 0x1000_0000), managed, imm(Op::Lbu, A0, S0, 0)];
        code.extend(exit_with(A0));
        assert_eq!(run_on(&config(Isa::rv64_max()), &code, terminal), Ending::Exited(b'k'.into()), "{op:?}");
        assert_eq!(refused(&[lui(S0, 0x3000_0000), managed]), 7 << 8, "{op:?} at an address without memory or device");
        // Four bytes of the block are locked and inaccessible. mtval is the address as given.
        let mut code = vec![here(S0), imm(Op::Addi, S0, S0, 0x400), imm(Op::Andi, S0, S0, -64)];
        code.extend([imm(Op::Addi, T0, S0, 0x20), imm(Op::Srli, T0, T0, 2), csrw(0x3b0, T0)]);
        code.extend([li(T1, 0x90), csrw(0x3a0, T1), imm(Op::Addi, S0, S0, 8), managed]);
        assert_eq!(refused(&code) >> 8, 7, "{op:?}");
        assert_eq!(refused(&code) & 0x3f, 8, "{op:?}");
        // A locked part of the next block does not matter.
        code[3] = imm(Op::Addi, T0, S0, 0x40);
        assert_eq!(refused(&code) >> 8, 11, "{op:?}");
    }
}

#[test]
fn harts_take_turns() {
    // The second hart stores the value that the first waits for.
    let mut code = vec![branch(Op::Bne, A0, ZERO, 4 * 12), lui(S0, 0x8000_1000u32 as i32)];
    code.extend([imm(Op::Slli, S0, S0, 32), imm(Op::Srli, S0, S0, 32)]);
    code.extend([imm(Op::Ld, A0, S0, 0x20), branch(Op::Beq, A0, ZERO, -4)]);
    code.extend(exit_with(A0).into_iter().take(6));
    assert_eq!(code.len(), 12);
    code.extend([lui(S0, 0x8000_1000u32 as i32), imm(Op::Slli, S0, S0, 32), imm(Op::Srli, S0, S0, 32)]);
    code.extend([li(T0, 33), store(Op::Sd, T0, S0, 0x20), jump(0)]);
    let two = MachineConfig { harts: 2, ..config(Isa::rv64_max()) };
    assert_eq!(run_on(&two, &code, Terminal::default()), Ending::Exited(33));
    assert_eq!(run_on(&config(Isa::rv64_max()), &code, Terminal::default()), Ending::OutOfInstructions);
}

fn wfi() -> Insn {
    remu_isa::decode(0x1050_0073, Isa::rv64_max()).unwrap()
}

fn on_threads(harts: usize) -> MachineConfig {
    MachineConfig { harts, scheduling: Scheduling::Threads, ..config(Isa::rv64_max()) }
}

#[test]
fn harts_on_threads_end_with_the_machine() {
    // The first hart ends the machine while the others run, and while they wait.
    for rest in [jump(0), wfi()] {
        let mut code = vec![branch(Op::Bne, A0, ZERO, 4 * 9)];
        code.extend(exit_with(ZERO).into_iter().chain(std::iter::repeat(jump(0))).take(8));
        code.extend([rest, jump(-4)]);
        assert_eq!(run_on(&on_threads(4), &code, Terminal::default()), Ending::Exited(0));
    }
}

#[test]
fn harts_that_wait_for_ever_do_not_keep_a_limited_machine_running() {
    let all_wait = [wfi(), jump(-4)];
    let one_runs = [branch(Op::Beq, A0, ZERO, 12), wfi(), jump(-4), jump(0)];
    for scheduling in [Scheduling::Threads, Scheduling::InTurn] {
        let config = MachineConfig { scheduling, ..on_threads(3) };
        assert_eq!(run_on(&config, &all_wait, Terminal::default()), Ending::OutOfInstructions);
        assert_eq!(run_on(&config, &one_runs, Terminal::default()), Ending::OutOfInstructions);
    }
}

#[test]
fn a_panic_on_a_hart_ends_the_machine() {
    // The first hart traps, which panics; the second runs for ever.
    let bytes = image(&[branch(Op::Bne, A0, ZERO, 8), ebreak(), jump(0)]);
    let plan = BootPlan::new(None, Some(&bytes)).unwrap();
    let console = Box::new(Terminal::default());
    let mut machine = Machine::<Rv64, Engine<Rv64>>::new(&on_threads(2), &plan, console, engine).unwrap();
    machine.watch_traps(Arc::new(|_, _| panic!("a defect")));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| machine.run(None)));
    assert!(result.is_err());
}

#[test]
fn narrow_harts_trap_and_count_too() {
    // An image that is not an ELF file. Its exit code combines the interrupt bit of a cause, the upper half of a
    // counter, and the width in `misa`.
    let clint = 0x200_0000;
    let mut code = vec![here(T0), imm(Op::Addi, T0, T0, 4 * 12), csrw(MTVEC, T0)];
    code.extend([lui(S0, clint), li(T0, 1), store(Op::Sw, T0, S0, 0), li(T0, 8), csrw(MIE, T0)]);
    code.extend([csr(Op::Csrrwi, ZERO, 5, 0xb82), csr(Op::Csrrsi, ZERO, 8, MSTATUS), jump(0), li(0, 0)]);
    code.extend([csrr(A0, MCAUSE), imm(Op::Srli, A0, A0, 31), csrr(A1, 0xb82), imm(Op::Slli, A1, A1, 4)]);
    code.extend([csrr(A2, 0x301), imm(Op::Srli, A2, A2, 30), imm(Op::Slli, A2, A2, 8)]);
    code.extend([reg(Op::Or, A0, A0, A1), reg(Op::Or, A0, A0, A2), imm(Op::Slli, A0, A0, 16)]);
    code.extend([lui(T0, 0x10_0000), lui(T1, 0x3000), imm(Op::Addi, T1, T1, 0x333), reg(Op::Or, T1, T1, A0)]);
    code.extend([store(Op::Sw, T1, T0, 0), jump(0)]);
    let bytes = assemble(&code);
    let plan = BootPlan::new(None, Some(&bytes)).unwrap();
    let config = config(Isa::rv32_max());
    let mut machine =
        Machine::<Rv32, Engine<Rv32>>::new(&config, &plan, Box::new(Terminal::default()), engine).unwrap();
    assert_eq!(machine.run(Some(1_000_000)), Ending::Exited(0x151));
}

#[test]
fn images_that_do_not_fit_are_rejected() {
    let file = image(&[jump(0)]);
    let plan = BootPlan::new(None, Some(&file)).unwrap();
    let refused = |config: &MachineConfig| {
        Machine::<Rv64, Engine<Rv64>>::new(config, &plan, Box::new(Terminal::default()), engine)
            .err()
            .map(|e: MachineError| e.to_string())
            .unwrap()
    };
    let low = MachineConfig { ram_base: 0, ..config(Isa::rv64_max()) };
    let wide = MachineConfig { ram_size: 0x100_1000, ram_base: 0x100_0000, ..config(Isa::rv64_max()) };
    assert_eq!(refused(&wide), "memory at 0x1000000..0x2001000 overlaps the CLINT at 0x2000000");
    assert_eq!(refused(&low), "its entry point is at 0x80000000, outside memory, 0x0..0x100000");
    let none = MachineConfig { ram_size: 0, ..config(Isa::rv64_max()) };
    assert_eq!(refused(&none), "memory of 0x0 bytes cannot start at 0x80000000");
    let bytes = image(&[jump(0)]);
    let narrow = BootPlan::new(None, Some(&bytes)).unwrap();
    let error =
        Machine::<Rv32, Engine<Rv32>>::new(&config(Isa::rv32_max()), &narrow, Box::new(Terminal::default()), engine);
    assert_eq!(error.err().unwrap().to_string(), "a 64-bit program cannot run on 32-bit harts");
}

#[test]
fn memory_may_replace_the_reset_code() {
    // An image at 0, where the reset code would be otherwise.
    let bytes = assemble(&[[li(A0, 5)].as_slice(), &power_off_with(A0)].concat());
    let plan = BootPlan::new(None, Some(&bytes)).unwrap();
    let config = MachineConfig { ram_base: 0, ..config(Isa::rv64_max()) };
    let mut machine =
        Machine::<Rv64, Engine<Rv64>>::new(&config, &plan, Box::new(Terminal::default()), engine).unwrap();
    assert_eq!(machine.run(Some(1_000)), Ending::Exited(5));
}

/// Exits with the value of a register through the power-off device.
fn power_off_with(rs: u8) -> Vec<Insn> {
    let mut code = vec![imm(Op::Slli, T0, rs, 16), lui(T1, 0x3000), imm(Op::Addi, T1, T1, 0x333)];
    code.extend([reg(Op::Or, T1, T1, T0), lui(T0, 0x10_0000), store(Op::Sw, T1, T0, 0), jump(0)]);
    code
}
