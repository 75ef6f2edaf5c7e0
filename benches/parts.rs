//! Microbenchmarks with criterion: decoding and encoding, the interpreter's dispatch and blocks, guest memory, a system
//! call, a fault that the guest handles, a machine's hart, loading a program, locks, the x86-64 assembler, and the
//! compiler.
//!
//! `cargo bench --bench parts [FILTER]`, for example `interpreter/`. Whole programs are measured by `benches/compare`.

#[path = "../tests/common/elf.rs"]
mod elf;
#[path = "parts/machine.rs"]
mod machine;
#[path = "../tests/golden/sequences.rs"]
mod sequences;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use elf::{A0, A1, A2, A3, A7, RA, SP, T0, T1, T2, ZERO, assemble, branch, ecall, here, imm, jump, li, reg, store};
use remu::guest::riscv::fp::Rm;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::host::{InheritedLimits, Lock, Rank};
use remu::interp::{Interp, InterpConfig};
use remu::jit::baseline::map::RegisterMap;
use remu::jit::baseline::{Compiler, Config, MAX_INSNS, USUAL_GAIN};
use remu::jit::x64::{Alu, Assembler, Cond, Fp, Gpr, HostFeatures, Mem, Scale, Shift, Size, VArith, Xmm};
use remu::linux::exec::{Image, ProcessSpec};
use remu::linux::limits::Limits;
use remu::linux::{Outcome, Services, Task, TaskConfig, Vdso};
use remu::memory::machine::{HartMemory, NoDevices, Ram};
use remu::memory::{GuestAddr, GuestMemory, MapRequest, Mdwe, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Insn, Isa, Op, Xlen, decode, encode};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;
const STACK: u64 = 0x40_0000;
const SIZE: u64 = 0x10_0000;

/// The path of the prebuilt guest program.
fn hello() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testprogs/prebuilt/hello-riscv64")
}

/// An address space with room for code, data and a stack.
fn space(identity: bool) -> UserSpace {
    let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 38), identity }).expect("an address space");
    for (at, prot) in [(CODE, Prot::EXEC), (DATA, Prot::WRITE), (STACK, Prot::WRITE)] {
        let request = MapRequest::anonymous(Place::Fixed(GuestAddr(at)), SIZE, Prot::READ | Prot::WRITE | prot);
        space.map(&request).expect("it is free");
    }
    space
}

/// A hart, its engine and its memory, about to run code.
struct Bench {
    space: Arc<UserSpace>,
    hart: HartOwner<Rv64>,
    engine: Interp<Rv64>,
}

impl Bench {
    fn new(space: UserSpace, code: &[Insn]) -> Self {
        space.write_bytes(GuestAddr(CODE), &assemble(code)).expect("it is mapped");
        let mut engine = Interp::new(InterpConfig::default());
        let space = Arc::new(space);
        let mut cpu = Cpu::new(Isa::rv64_max());
        cpu.set_x(SP, STACK + SIZE);
        cpu.set_x(A1, DATA);
        let hart = HartOwner::new(cpu);
        engine.watch_code(space.watch_code(hart.cell().clone()));
        Self { space, hart, engine }
    }

    /// Runs the code from its start to its call.
    fn run(&mut self) {
        self.hart.cpu_mut().pc = CODE;
        let exit = self.engine.run(&mut self.hart, &mut UserProgram::new(), &self.space);
        assert_eq!(exit, Exit::Syscall);
    }

    /// Runs the code as a process, from its start to the call that ends it.
    fn run_process(&mut self, task: &mut Task) {
        self.hart.cpu_mut().pc = CODE;
        loop {
            let exit = self.engine.run(&mut self.hart, &mut UserProgram::new(), &self.space);
            let cpu = self.hart.cpu_mut();
            if exit == Exit::Breakpoint {
                return;
            }
            assert!(matches!(task.handle_exit(cpu, exit), Outcome::Resume), "{exit:?} at {:#x}", cpu.pc);
        }
    }
}

/// The instructions of a real program, including compressed ones.
fn real_code() -> Vec<u32> {
    let file = std::fs::read(hello()).expect("it is in the repository");
    let image = remu::elf::Image::parse(&file).expect("it is an ELF file");
    let start = image.entry;
    let segment = image.segments.iter().find(|s| (s.addr..s.addr + s.size).contains(&start));
    let segment = segment.expect("a segment contains the entry point");
    let text = &file[segment.file.clone()][(start - segment.addr) as usize..];
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&[a, b, c, d]) = text.get(at..at + 4) {
        let bits = u32::from_le_bytes([a, b, c, d]);
        let Ok(insn) = decode(bits, Isa::rv64_max()) else { break };
        words.push(bits);
        at += usize::from(insn.len);
    }
    assert!(words.len() > 50, "{} instructions", words.len());
    words.repeat(20)
}

fn encodings(c: &mut Criterion) {
    let words = real_code();
    let insns: Vec<Insn> = words.iter().map(|w| decode(*w, Isa::rv64_max()).expect("it was decoded before")).collect();
    let mut group = c.benchmark_group("isa");
    group.throughput(Throughput::Elements(words.len() as u64));
    let isa = Isa::rv64_max();
    group.bench_function("decode", |b| b.iter(|| words.iter().filter(|w| decode(black_box(**w), isa).is_ok()).count()));
    let encode = |insn: &&Insn| encode(black_box(insn), Xlen::Rv64).is_ok();
    group.bench_function("encode", |b| b.iter(|| insns.iter().filter(encode).count()));
    group.bench_function("expand", |b| {
        b.iter(|| insns.iter().fold(0, |sum, i| sum ^ black_box(i).expand(Xlen::Rv64).imm));
    });
    group.finish();
}

fn interpreter(c: &mut Criterion) {
    let mut group = c.benchmark_group("interpreter");
    let mut programs = vec![];
    // Dependent additions, which measure dispatch.
    const TURNS: i32 = 1000;
    let counted = |body: &[Insn]| {
        let back = -4 * (body.len() as i32 + 1);
        let mut code = vec![li(T0, TURNS)];
        code.extend_from_slice(body);
        code.extend([imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, ZERO, back), ecall()]);
        (code, TURNS as u64 * (body.len() as u64 + 2))
    };
    programs.push(("dispatch", counted(&[imm(Op::Addi, T1, T1, 1); 20])));
    programs.push(("loads and stores", counted(&[imm(Op::Ld, T1, A1, 8), store(Op::Sd, T1, A1, 16)].repeat(10))));
    programs.push(("branches", counted(&[branch(Op::Beq, ZERO, ZERO, 4); 20])));
    programs
        .push(("floating point", counted(&[reg(Op::FaddD, 1, 1, 2), reg(Op::FmulD, 3, 1, 1)].map(dynamic).repeat(10))));
    for (name, (code, instructions)) in &programs {
        let mut bench = Bench::new(space(false), code);
        group.throughput(Throughput::Elements(*instructions));
        group.bench_function(*name, |b| b.iter(|| bench.run()));
    }

    // Blocks of one jump each: decoded again in each run; and looked up by address, without links.
    const BLOCKS: u64 = 2000;
    let mut chain = vec![jump(4); BLOCKS as usize];
    chain.push(ecall());
    let mut bench = Bench::new(space(false), &chain);
    group.throughput(Throughput::Elements(BLOCKS));
    group.bench_function("pre-decode of a block", |b| {
        b.iter(|| {
            bench.space.code_changed(GuestAddr(CODE)..GuestAddr(CODE + SIZE));
            bench.run();
        });
    });
    let mut chain: Vec<Insn> = (0..BLOCKS).flat_map(|_| [here(T1), imm(Op::Jalr, ZERO, T1, 8)]).collect();
    chain.push(ecall());
    let mut bench = Bench::new(space(false), &chain);
    group.bench_function("indirect jump", |b| b.iter(|| bench.run()));
    group.finish();
}

/// In the rounding mode of `frm`.
fn dynamic(insn: Insn) -> Insn {
    Insn { rm: 7, ..insn }
}

fn memory(c: &mut Criterion) {
    fn words(c: &mut Criterion, name: &str, memory: &impl GuestMemory) {
        const WORDS: u64 = 512;
        let mut group = c.benchmark_group(format!("memory/{name}"));
        group.throughput(Throughput::Elements(WORDS));
        let at = |i: u64| GuestAddr(black_box(DATA + 8 * i));
        group.bench_function("load", |b| {
            b.iter(|| (0..WORDS).fold(0, |sum, i| sum ^ memory.load(8, at(i)).expect("it is mapped")));
        });
        group.bench_function("store", |b| {
            b.iter(|| {
                for i in 0..WORDS {
                    memory.store(8, at(i), i).expect("it is mapped");
                }
            });
        });
        group.finish();
    }
    let user = space(false);
    words(c, "process", &user);
    let ram = Arc::new(Ram::new(0, 4 << 20).expect("memory"));
    words(c, "machine", &HartMemory::new(vec![ram], Arc::new(NoDevices)));

    let mut group = c.benchmark_group("memory/process");
    let mut buffer = [0; 4096];
    group.throughput(Throughput::Bytes(buffer.len() as u64));
    group.bench_function("a page for a system call", |b| {
        b.iter(|| user.read_bytes(GuestAddr(DATA), black_box(&mut buffer)).expect("it is mapped"));
    });
    group.finish();
}

fn kernel(c: &mut Criterion) {
    const TURNS: i32 = 500;
    let space = space(true);
    let vdso = Vdso::map(&space).expect("there is room");
    // A loop of getppid. The second program loops over loads from an unmapped address, which the handler skips.
    let calls = [li(T0, TURNS), li(A7, 173), ecall(), imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, ZERO, -8)];
    let pc_in_context = 176;
    let faults = [
        // rt_sigaction(SIGSEGV, {handler, SA_SIGINFO}, NULL, 8)
        here(T1),
        imm(Op::Addi, T1, T1, 4 * 17),
        store(Op::Sd, T1, A1, 0),
        li(T1, 4),
        store(Op::Sd, T1, A1, 8),
        store(Op::Sd, ZERO, A1, 16),
        li(A0, 11),
        li(A2, 0),
        li(A3, 8),
        li(A7, 134),
        ecall(),
        li(T0, TURNS),
        imm(Op::Ld, T2, ZERO, 0),
        imm(Op::Addi, T0, T0, -1),
        branch(Op::Bne, T0, ZERO, -8),
        elf::ebreak(),
        jump(0),
        // The handler skips the load.
        imm(Op::Ld, T1, A2, pc_in_context),
        imm(Op::Addi, T1, T1, 4),
        store(Op::Sd, T1, A2, pc_in_context),
        imm(Op::Jalr, ZERO, RA, 0),
    ];
    let mut bench = Bench::new(space, &[calls.as_slice(), &[elf::ebreak()]].concat());
    let _mailbox = remu::host::attach(bench.hart.cell().clone());
    let mut task = Task::new(TaskConfig {
        filters: Vec::new(),
        signals: None,
        image: Image {
            exe_file: None,
            space: bench.space.clone(),
            vdso,
            exe: hello(),
            args: Vec::new(),
            env: Vec::new(),
            auxv: Vec::new(),
            start_stack: GuestAddr(STACK + SIZE),
        },
        spec: ProcessSpec {
            sysroot: None,
            exts: Isa::rv64_max().exts,
            release: None,
            limits: Limits::new(&InheritedLimits::current(), Some(SIZE)),
            mdwe: Mdwe::empty(),
            address_limit: bench.space.limit(),
            is_randomized: false,
            seed: None,
        },
        services: Services::default(),
    })
    .expect("a process");
    let mut group = c.benchmark_group("kernel");
    group.throughput(Throughput::Elements(TURNS as u64));
    group.bench_function("system call", |b| b.iter(|| bench.run_process(&mut task)));
    bench.space.write_bytes(GuestAddr(CODE), &assemble(&faults)).expect("it is mapped");
    bench.space.code_changed(GuestAddr(CODE)..GuestAddr(CODE + SIZE));
    bench.hart.cpu_mut().set_x(A1, DATA);
    group.bench_function("fault, its handler, and back", |b| {
        b.iter(|| {
            bench.hart.cpu_mut().set_x(A1, DATA);
            bench.run_process(&mut task);
        });
    });
    group.finish();
}

fn program_of(path: &Path) -> remu::elf::Program {
    let file = remu::elf::open(path).expect("it is in the repository");
    remu::elf::Program::from_file(file, path).expect("it is a program")
}

fn loading(c: &mut Criterion) {
    let mut group = c.benchmark_group("loader");
    group.bench_function("plan of a static program", |b| {
        b.iter(|| program_of(black_box(&hello())));
    });
    let program = program_of(&hello());
    let empty = || UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 38), identity: false }).expect("a space");
    group.bench_function("its segments, mapped", |b| {
        b.iter_batched_ref(empty, |space| remu::elf::map(space, &program, None).is_ok(), BatchSize::PerIteration);
    });
    group.finish();
}

/// An uncontended lock, compared with the standard library's.
fn locks(c: &mut Criterion) {
    let mut group = c.benchmark_group("locks");
    let ours = Lock::new(Rank::Space, 0u64);
    group.bench_function("ours", |b| b.iter(|| *black_box(&ours).lock() += 1));
    let standard = std::sync::Mutex::new(0u64);
    group.bench_function("std", |b| b.iter(|| *black_box(&standard).lock().expect("nobody panics") += 1));
    group.finish();
}

/// Twenty instructions such as a compiler of guest code emits.
fn emit_mix(a: &mut Assembler) {
    use Gpr::{R8, R9, R12, R13, Rax, Rbx, Rcx, Rdi, Rdx, Rsi};
    use Size::{Byte, Dword, Qword};
    use Xmm::{Xmm1, Xmm2, Xmm9};
    let exit = a.new_label();
    a.mov(Qword, Rax, Mem::base(Rbx, 0x48));
    a.alu(Alu::Add, Qword, Rax, R12);
    a.lea(Qword, Rcx, Mem::indexed(R13, Rax, Scale::Eight, 16));
    a.mov(Dword, Rdx, Mem::base(Rcx, 0x1234));
    a.movsx(Dword, Qword, Rdx, Rdx);
    a.alu_imm(Alu::And, Qword, Rdx, 0xff);
    a.mov_imm(Rsi, 0x1234_5678);
    a.alu(Alu::Cmp, Qword, Rdx, Rsi);
    a.jcc(Cond::Ae, exit);
    a.shift_imm(Shift::Shl, Qword, R12, 3);
    a.shift_x(Shift::Shr, Qword, R8, R12, Rcx);
    a.movzx(Byte, R9, Mem::base(Rcx, 1));
    a.imul(Qword, R9, R8);
    a.mov_store(Qword, Mem::base(Rbx, 0x50), R9);
    a.vmov_load(Fp::Double, Xmm1, Mem::base(Rcx, 8));
    a.varith(VArith::Mul, Fp::Double, Xmm2, Xmm1, Xmm9);
    a.vmov_store(Fp::Double, Mem::base(Rcx, 8), Xmm2);
    a.test(Qword, R9, R9);
    a.cmov(Cond::E, Qword, Rdi, Rdx);
    a.bind(exit);
    a.mov_store_imm(Dword, Mem::base(Rbx, 0x100), 0x10);
}

fn assembler(c: &mut Criterion) {
    const ROUNDS: u64 = 50;
    let mut group = c.benchmark_group("assembler");
    group.throughput(Throughput::Elements(20 * ROUNDS));
    let mut assembler = Assembler::new();
    group.bench_function("emit", |b| {
        b.iter(|| {
            assembler.clear();
            for _ in 0..ROUNDS {
                emit_mix(black_box(&mut assembler));
            }
            assembler.finish().expect("it is right");
            assembler.offset()
        });
    });
    group.finish();
}

/// The superblocks of typical sequences, with decoding: the time for each instruction of the guest.
fn compiler(c: &mut Criterion) {
    let space = space(false);
    let all: Vec<Insn> = sequences::all().into_iter().flat_map(|(_, insns)| insns).collect();
    space.write_bytes(GuestAddr(CODE), &assemble(&all)).expect("it is mapped");
    let features = HostFeatures::detect();
    let config = Config {
        map: RegisterMap::new(features, false),
        features,
        max_insns: MAX_INSNS,
        link: true,
        count: false,
        rounding: Some(Rm::Rne),
        translates: false,
        reservation_offset: 0,
        reservations: space.reservations().address(),
        exchange_gain: USUAL_GAIN,
    };
    let isa = Isa::rv64_max();
    let mut compiler = Compiler::default();
    let mut compile_all = || {
        let (mut pc, mut bytes) = (CODE, 0);
        while pc < CODE + 4 * all.len() as u64 {
            compiler.fetch(pc, &config, &isa, &space).expect("the instructions are legal");
            compiler.compile(&config, &isa).expect("the host has the code");
            pc += compiler.fetched().source.len() as u64;
            bytes += compiler.code().len();
        }
        bytes
    };
    let mut group = c.benchmark_group("compiler");
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("typical sequences", |b| b.iter(&mut compile_all));
    group.finish();
}

criterion_group!(parts, encodings, interpreter, memory, machine::machine, kernel, loading, locks, assembler, compiler);
criterion_main!(parts);
