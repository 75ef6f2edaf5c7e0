//! The state is exact wherever compiled code can fault or pause: every access of every instruction and sequence faults
//! in turn, and the compiler leaves the same registers, flags, pc and memory as the interpreter.

use crate::{IN_MEMORY, PINNED, sequences, typical};
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::jit::x64::HostFeatures;
use remu::jit::{Jit, JitConfig, SharedCode};
use remu::memory::{Access, GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Insn, Isa, Op, Xlen, encode, f_name, x_name};
use std::collections::BTreeSet;

#[path = "../common/rng.rs"]
mod rng;
use rng::Rng;

const PAGE: u64 = 0x1000;
const CODE: u64 = 0x1_0000;
/// What sequences address relative to the pc. It is there in half of the runs.
const GLOBALS: u64 = CODE + PAGE;
const GLOBALS_SIZE: u64 = 2 * PAGE;
/// Between pages that are not mapped.
const DATA: u64 = 0x2_0000;
/// The same, but read-only.
const CONSTANTS: u64 = 0x3_0000;
const LIMIT: u64 = 1 << 32;

/// Runs of each case in each configuration. A case needs about ten for each of its accesses.
const RUNS: u64 = 400;

/// Instructions after which a run is given up: a loop over random bounds.
const TOO_MANY: u64 = 3000;

/// An engine with memory of its own.
struct Side {
    space: UserSpace,
    hart: HartOwner<Rv64>,
    engine: Box<dyn Engine<Rv64, Memory = UserSpace, Privilege = UserProgram>>,
    has_globals: bool,
}

impl Side {
    fn new<E>(identity: bool, make: impl FnOnce(&UserSpace, &HartOwner<Rv64>) -> E) -> Self
    where
        E: Engine<Rv64, Memory = UserSpace, Privilege = UserProgram> + 'static,
    {
        let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(LIMIT), identity }).expect("an address space");
        let rw = Prot::READ | Prot::WRITE;
        for (at, len, prot) in
            [(CODE, PAGE, Prot::all()), (GLOBALS, GLOBALS_SIZE, rw), (DATA, PAGE, rw), (CONSTANTS, PAGE, Prot::READ)]
        {
            space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(at)), len, prot)).expect("room for a mapping");
        }
        let hart = HartOwner::new(Cpu::new(Isa::rv64_max()));
        let engine = Box::new(make(&space, &hart));
        Self { space, hart, engine, has_globals: true }
    }

    /// An interpreter that executes one instruction at a time, so that its limits are exact.
    fn interpreter() -> Self {
        Self::new(false, |space, hart| {
            let mut engine = Interp::<Rv64>::new(InterpConfig { max_block: 1, ..InterpConfig::default() });
            engine.watch_code(space.watch_code(hart.cell().clone()));
            engine
        })
    }

    fn compiler(identity: bool, config: &JitConfig) -> Self {
        Self::new(identity, |space, hart| {
            let code = SharedCode::new(config, space, None).expect("a code cache");
            Jit::new(&code, space.watch_code(hart.cell().clone()))
        })
    }

    fn put_code(&self, code: &[u8]) {
        self.space.write_bytes(GuestAddr(CODE), code).expect("it is mapped");
        self.space.code_changed(GuestAddr(CODE)..GuestAddr(CODE + PAGE));
    }

    fn run(&mut self, start: &Start) -> Exit {
        if self.has_globals != start.has_globals {
            self.has_globals = start.has_globals;
            let prot = if start.has_globals { Prot::READ | Prot::WRITE } else { Prot::empty() };
            self.space.protect(GuestAddr(GLOBALS), GLOBALS_SIZE, prot).expect("it is mapped");
        }
        let pages = if start.has_globals { &[DATA, GLOBALS, GLOBALS + PAGE][..] } else { &[DATA] };
        for &at in pages {
            self.space.write_bytes(GuestAddr(at), &start.memory).expect("it is writable");
        }
        *self.hart.cpu_mut() = start.cpu.clone();
        self.go_on()
    }

    fn go_on(&mut self) -> Exit {
        self.hart.cell().take_stop();
        self.engine.run(&mut self.hart, &mut UserProgram::new(), &self.space)
    }

    /// The written memory.
    fn memory(&self) -> Vec<u8> {
        let mut all = vec![0; (PAGE + GLOBALS_SIZE) as usize];
        let (data, globals) = all.split_at_mut(PAGE as usize);
        self.space.read_bytes(GuestAddr(DATA), data).expect("it is readable");
        if self.has_globals {
            self.space.read_bytes(GuestAddr(GLOBALS), globals).expect("it is readable");
        }
        all
    }
}

/// What a run starts with.
struct Start {
    cpu: Cpu,
    memory: Vec<u8>,
    has_globals: bool,
}

/// NaNs of both kinds, boxed and not, and ordinary numbers.
const NUMBERS: [u64; 11] = [
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff8_dead_beef_0001,
    0xffff_ffff_7fc0_0000,
    0x1234_5678_7fc0_0000,
    0xffff_ffff_7f80_0001,
    0xffff_ffff_ffc1_2345,
    0x3ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xffff_ffff_3fc0_0000,
    0xffff_ffff_ff80_0000,
];

impl Start {
    fn random(rng: &mut Rng, has_globals: bool) -> Self {
        let mut cpu = Cpu::new(Isa::rv64_max());
        for r in 1..32 {
            cpu.set_x(r, address_or_number(rng));
        }
        for f in &mut cpu.f {
            *f = match rng.below(12) {
                n @ ..10 => NUMBERS[n],
                _ => rng.next(),
            };
        }
        cpu.set_fcsr(((rng.below(5) << 5) | rng.below(32)) as u32);
        cpu.pc = CODE;
        let memory = (0..PAGE / 8).flat_map(|_| address_or_number(rng).to_le_bytes()).collect();
        Self { cpu, memory, has_globals }
    }
}

/// An address near the edge of a page, a small number, or any number.
fn address_or_number(rng: &mut Rng) -> u64 {
    let near = 8 * (rng.below(8) as u64) + if rng.below(8) == 0 { rng.below(8) as u64 } else { 0 };
    match rng.below(10) {
        0..=1 => DATA - 48 + near,
        2..=3 => DATA + PAGE - 48 + near,
        4 => CONSTANTS - 48 + near,
        5..=6 => DATA + 1024 + near,
        7..=8 => rng.below(4) as u64,
        _ => rng.next(),
    }
}

fn add_context(insn: Insn) -> Vec<Insn> {
    let plain = |op, rd, rs1, rs2, imm| Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm };
    let rounded = |op, rd, rs1, rs2| Insn { rm: 7, ..plain(op, rd, rs1, rs2, 0) };
    vec![
        // Results that may be NaNs: in registers of the host and in memory, singles and doubles.
        rounded(Op::FaddD, 8, 10, 11),
        rounded(Op::FmulD, 20, 12, 21),
        rounded(Op::FsubS, 9, 12, 13),
        rounded(Op::FaddS, 22, 14, 23),
        // Constants and extensions that are not written until they are needed, if the compiler does so.
        plain(Op::Lui, 5, 0, 0, 0x1234_5000),
        plain(Op::Addi, 5, 5, 0, 0x678),
        plain(Op::Slli, 17, 11, 0, 32),
        plain(Op::Srli, 17, 17, 0, 32),
        plain(Op::Addw, 18, 11, 12, 0),
        insn,
        plain(Op::Addi, 18, 18, 0, 1),
    ]
}

/// The sequences of the golden file, and each instruction that can fault, alone and behind others.
fn cases() -> Vec<(String, Vec<Insn>)> {
    let mut cases: Vec<(String, Vec<Insn>)> =
        sequences::all().into_iter().map(|(name, insns)| (name.to_owned(), insns)).collect();
    for op in Op::ALL.into_iter().filter(|op| op.info().may_fault && !op.info().compressed) {
        for registers in [PINNED, IN_MEMORY] {
            let Some(insn) = typical(op, registers) else { continue };
            cases.push((op.mnemonic().to_owned(), vec![insn]));
            cases.push((format!("{op} behind others"), add_context(insn)));
        }
    }
    cases
}

fn encoded(insns: &[Insn]) -> Vec<u8> {
    let ebreak = Insn { op: Op::Ebreak, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 };
    let all = insns.iter().chain([&ebreak]);
    all.flat_map(|insn| encode(insn, Xlen::Rv64).expect("it has an encoding").to_le_bytes()).collect()
}

fn listing(insns: &[Insn]) -> String {
    insns.iter().map(|insn| format!("  {}\n", insn.disassemble(CODE))).collect()
}

/// In what the sides differ.
fn differences(left: (Exit, &Side), right: (Exit, &Side)) -> String {
    let (a, b) = (left.1.hart.cpu(), right.1.hart.cpu());
    let memory = [&left, &right].map(|(_, side)| side.memory());
    let registers = |cpu: &Cpu| (cpu.pc, cpu.fcsr(), cpu.x[..32].to_vec(), cpu.f);
    if left.0 == right.0 && memory[0] == memory[1] && registers(a) == registers(b) {
        return String::new();
    }
    let mut text = String::new();
    let mut line = |what: &str, a: String, b: String| {
        if a != b {
            text.push_str(&format!("  {what}: {a} in the interpreter, {b} compiled\n"));
        }
    };
    line("exit", format!("{:x?}", left.0), format!("{:x?}", right.0));
    line("pc", format!("{:#x}", a.pc), format!("{:#x}", b.pc));
    line("fcsr", format!("{:#x}", a.fcsr()), format!("{:#x}", b.fcsr()));
    for r in 0..32 {
        line(x_name(r as u8), format!("{:#x}", a.x[r]), format!("{:#x}", b.x[r]));
        line(f_name(r as u8), format!("{:#x}", a.f[r]), format!("{:#x}", b.f[r]));
    }
    for (n, (a, b)) in memory[0].chunks(8).zip(memory[1].chunks(8)).enumerate() {
        line(&format!("doubleword {n} of the memory"), format!("{a:x?}"), format!("{b:x?}"));
    }
    text
}

/// Runs all cases on the interpreter and on this engine.
fn agree(name: &str, mut right: Side, counts: bool) {
    let mut left = Side::interpreter();
    for (case, insns) in cases() {
        let code = encoded(&insns);
        left.put_code(&code);
        right.put_code(&code);
        let (mut faulted, mut is_legal) = (BTreeSet::new(), true);
        for seed in 1..=RUNS {
            let start = Start::random(&mut Rng(seed), seed > RUNS / 2);
            left.engine.limit(TOO_MANY);
            let ended = left.run(&start);
            if ended == Exit::Interrupted {
                continue;
            }
            if counts {
                right.engine.limit(2 * TOO_MANY);
            }
            let right_ended = right.run(&start);
            let text = differences((ended, &left), (right_ended, &right));
            assert!(text.is_empty(), "{case}, {name}, run {seed}, ends with {ended:x?}:\n{}{text}", listing(&insns));
            if counts {
                let retired = [&left, &right].map(|side| side.hart.cpu().instret - start.cpu.instret);
                assert_eq!(retired[0], retired[1], "{case}, {name}, run {seed}: instructions retired");
            }
            is_legal &= !matches!(ended, Exit::Illegal { .. });
            if let Exit::Fault(fault) = ended
                && fault.access != Access::Fetch
            {
                faulted.insert((left.hart.cpu().pc - CODE) as usize / 4);
            }
        }
        for (n, insn) in insns.iter().enumerate() {
            // SC without a reservation stores nothing.
            let may_fault = insn.op.info().may_fault && !matches!(insn.op, Op::ScW | Op::ScD);
            let must_fault = may_fault && is_legal;
            assert!(!must_fault || faulted.contains(&n), "{case}, {name}: {} faults in no run", insn.disassemble(CODE));
        }
    }
}

/// Runs all sequences on this engine, which is interrupted again and again, and on the interpreter as far.
fn agree_at_pauses(name: &str, mut right: Side) {
    let mut left = Side::interpreter();
    let mut pauses = 0;
    for (case, insns) in sequences::all() {
        let code = encoded(&insns);
        left.put_code(&code);
        right.put_code(&code);
        for seed in 1..=RUNS {
            let mut rng = Rng(seed);
            let start = Start::random(&mut rng, true);
            let mut retired = start.cpu.instret;
            for n in 0..8 {
                right.engine.limit(1 + rng.below(20) as u64);
                let ended = if n == 0 { right.run(&start) } else { right.go_on() };
                let more = right.hart.cpu().instret - retired;
                if ended != Exit::Interrupted || more == 0 {
                    break;
                }
                retired += more;
                left.engine.limit(more);
                let left_ended = if n == 0 { left.run(&start) } else { left.go_on() };
                let text = differences((left_ended, &left), (ended, &right));
                assert!(text.is_empty(), "{case}, {name}, run {seed}, pause {n}:\n{}{text}", listing(&insns));
                pauses += 1;
            }
        }
    }
    assert!(pauses > 1000, "{name}: only {pauses} pauses");
}

#[test]
fn every_pause_leaves_the_state_of_the_interpreter() {
    let counting = JitConfig { count: true, ..JitConfig::default() };
    agree_at_pauses("compiled", Side::compiler(true, &counting));
    let exchanging = JitConfig { exchange_gain: 0, ..counting };
    agree_at_pauses("compiled, with exchanges", Side::compiler(false, &exchanging));
}

#[test]
fn every_fault_leaves_the_state_of_the_interpreter() {
    let counting = || JitConfig { count: true, ..JitConfig::default() };
    agree("compiled", Side::compiler(true, &JitConfig::default()), false);
    // Loops exchange registers though they hardly gain by it.
    let exchanging = || JitConfig { exchange_gain: 0, ..counting() };
    agree("compiled, with a base", Side::compiler(false, &exchanging()), true);
    let plain = JitConfig { features: HostFeatures::empty(), ..exchanging() };
    agree("compiled, plain x86-64", Side::compiler(false, &plain), true);
    let short = JitConfig { max_block: 3, ..JitConfig::default() };
    agree("compiled, short blocks", Side::compiler(false, &short), false);
}
