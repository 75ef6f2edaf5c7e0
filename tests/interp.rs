//! The interpreter on small hand-encoded programs, RV64 and RV32.

use remu::guest::riscv::{Base, Cpu, Rv32, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::memory::{
    Access, Backing, FaultKind, GuestAddr, GuestFault, MapRequest, Place, Prot, SpaceConfig, UserSpace,
};
use remu_isa::{Ext, Insn, Isa, Op, RegClass, Xlen, encode};
use std::path::Path;

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;

/// A hart with a page of code and a page of data, outside the identity window so that tests can run in parallel.
struct Bench<B: Base> {
    mem: UserSpace,
    hart: HartOwner<B>,
    engine: Interp<B>,
    xlen: Xlen,
}

impl<B: Base> Bench<B> {
    fn new(isa: Isa) -> Self {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let map = |at, prot| {
            mem.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(at)), 0x4000, prot)).unwrap();
        };
        map(CODE, Prot::READ | Prot::WRITE | Prot::EXEC);
        map(DATA, Prot::READ | Prot::WRITE);
        let mut cpu = Cpu::new(isa);
        cpu.pc = CODE;
        cpu.x[10] = DATA;
        let hart = HartOwner::new(cpu);
        let mut engine = Interp::new(InterpConfig::default());
        engine.watch_code(mem.watch_code(hart.cell().clone()));
        Self { mem, hart, engine, xlen: isa.xlen }
    }

    fn put(&self, at: u64, insns: &[Insn]) -> u64 {
        let mut at = at;
        for insn in insns {
            let bits = encode(insn, self.xlen).unwrap();
            self.mem.write_bytes(GuestAddr(at), &bits.to_le_bytes()[..usize::from(insn.len)]).unwrap();
            at += u64::from(insn.len);
        }
        at
    }

    fn run(&mut self) -> Exit {
        self.engine.run(&mut self.hart, &mut UserProgram::new(), &self.mem)
    }

    fn x(&self, r: u8) -> u64 {
        self.hart.cpu().x(r)
    }

    fn pc(&self) -> u64 {
        self.hart.cpu().pc
    }
}

fn rv64() -> Bench<Rv64> {
    Bench::new(Isa::rv64_max())
}

fn rv32() -> Bench<Rv32> {
    Bench::new(Isa::rv32_max())
}

fn insn(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm }
}

fn addi(rd: u8, rs1: u8, imm: i32) -> Insn {
    insn(Op::Addi, rd, rs1, 0, imm)
}

fn ecall() -> Insn {
    insn(Op::Ecall, 0, 0, 0, 0)
}

#[test]
fn a_loop_counts_and_stops_at_the_call() {
    let mut b = rv64();
    b.put(CODE, &[addi(5, 0, 1000), addi(6, 6, 3), addi(5, 5, -1), insn(Op::Bne, 0, 5, 0, -8), ecall()]);
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(6), b.pc()), (3000, CODE + 16));
    assert_eq!(b.hart.cpu().instret, 1 + 3 * 1000);
}

#[test]
fn x0_stays_zero() {
    let mut b = rv64();
    b.put(CODE, &[addi(0, 0, 7), insn(Op::Ld, 0, 10, 0, 0), addi(5, 0, 1), insn(Op::Jal, 0, 0, 0, 4), ecall()]);
    b.mem.write_bytes(GuestAddr(DATA), &[0xff; 8]).unwrap();
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(0), b.x(5)), (0, 1));
}

#[test]
fn calls_and_returns_through_registers() {
    let mut b = rv64();
    let function = CODE + 0x100;
    b.put(CODE, &[addi(5, 0, 50), insn(Op::Jal, 1, 0, 0, 0xfc), addi(5, 5, -1), insn(Op::Bne, 0, 5, 0, -8), ecall()]);
    b.put(function, &[addi(6, 6, 1), insn(Op::Jalr, 0, 1, 0, 0)]);
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!(b.x(6), 50);
}

#[test]
fn jalr_reads_its_base_before_it_writes_the_link_and_clears_bit_0() {
    let mut b = rv64();
    b.put(CODE, &[insn(Op::Auipc, 1, 0, 0, 0), insn(Op::Jalr, 1, 1, 0, 13), addi(7, 0, 1), ecall()]);
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(1), b.x(7)), (CODE + 8, 0));
}

#[test]
fn rv32_values_are_sign_extended_and_addresses_wrap() {
    let mut b = rv32();
    let high = insn(Op::Lui, 5, 0, 0, 0x8000_0000u32 as i32);
    // 0x8000_0000 + 0x8020_0000 wraps to DATA.
    let delta = insn(Op::Lui, 6, 0, 0, 0x8020_0000u32 as i32);
    b.put(
        CODE,
        &[high, delta, insn(Op::Add, 7, 5, 6, 0), insn(Op::Lw, 8, 7, 0, 0), insn(Op::Lw, 9, 0, 0, -4), ecall()],
    );
    b.mem.write_bytes(GuestAddr(DATA), &0x8000_0001u32.to_le_bytes()).unwrap();
    let addr = GuestAddr(0xffff_fffc);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Read, kind: FaultKind::Unmapped }));
    assert_eq!(b.x(5), 0xffff_ffff_8000_0000);
    assert_eq!(b.x(7), DATA);
    assert_eq!(b.x(8), 0xffff_ffff_8000_0001);
    assert_eq!(b.pc(), CODE + 16);
}

#[test]
fn a_fault_leaves_exact_state() {
    let mut b = rv64();
    // The load crosses from the last data page into unmapped memory.
    b.hart.cpu_mut().x[11] = DATA + 0x3ffc;
    b.put(CODE, &[addi(5, 5, 1), insn(Op::Ld, 5, 11, 0, 0), addi(5, 5, 1)]);
    let addr = GuestAddr(DATA + 0x4000);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Read, kind: FaultKind::Unmapped }));
    assert_eq!((b.x(5), b.pc(), b.hart.cpu().instret), (1, CODE + 4, 1));
}

#[test]
fn faults_are_classified() {
    let mut b = rv64();
    b.mem.protect(GuestAddr(DATA), 0x1000, Prot::READ).unwrap();
    b.put(CODE, &[insn(Op::Sd, 0, 10, 5, 0)]);
    let addr = GuestAddr(DATA);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Write, kind: FaultKind::Denied }));
    // Data cannot be executed, nothing can be fetched past the window.
    b.hart.cpu_mut().pc = DATA;
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Denied }));
    b.hart.cpu_mut().pc = u64::MAX - 1;
    let addr = GuestAddr(u64::MAX - 1);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped }));
    b.hart.cpu_mut().pc = CODE;
    b.hart.cpu_mut().x[10] = 1 << 63;
    let addr = GuestAddr(1 << 63);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Write, kind: FaultKind::Unmapped }));
}

#[test]
fn an_instruction_whose_second_half_is_missing_faults_on_the_second_page() {
    let mut b = rv64();
    let pc = CODE + 0x3ffe;
    b.mem.write_bytes(GuestAddr(pc), &[0x13, 0]).unwrap();
    b.hart.cpu_mut().pc = pc;
    let addr = GuestAddr(CODE + 0x4000);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped }));
    assert_eq!(b.pc(), pc);
    // On a page boundary inside the mapping it runs.
    let pc = CODE + 0xffe;
    b.put(pc, &[addi(5, 0, 9), ecall()]);
    b.hart.cpu_mut().pc = pc;
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!(b.x(5), 9);
}

#[test]
fn code_before_the_end_of_its_file_runs() {
    let mut b = rv64();
    let file = rustix::fs::memfd_create("code", rustix::fs::MemfdFlags::empty()).unwrap();
    rustix::fs::ftruncate(&file, 0x1000).unwrap();
    let at = CODE + 0x10_0000;
    let backing = Backing::File { fd: std::os::fd::AsFd::as_fd(&file), offset: 0, path: Path::new("code").into() };
    let place = Place::Fixed(GuestAddr(at));
    b.mem.map(&MapRequest { backing, ..MapRequest::anonymous(place, 0x2000, Prot::all()) }).unwrap();
    b.put(at + 0xff8, &[addi(5, 0, 9), ecall()]);
    b.hart.cpu_mut().pc = at + 0xff8;
    assert_eq!(b.run(), Exit::Syscall);
    // Memory beyond is unmapped.
    b.put(at + 0xffc, &[addi(5, 0, 8)]);
    b.mem.code_changed(GuestAddr(at)..GuestAddr(at + 0x1000));
    b.hart.cpu_mut().pc = at + 0xff8;
    let addr = GuestAddr(at + 0x1000);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::NoBacking }));
    assert_eq!((b.x(5), b.pc()), (8, at + 0x1000));
}

#[test]
fn a_32_bit_address_space_wraps_around() {
    let mut b = rv32();
    let place = Place::Fixed(GuestAddr(0xffff_f000));
    b.mem.map(&MapRequest::anonymous(place, 0x1000, Prot::all())).unwrap();
    let nothing = |addr| Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped });
    for last in [addi(5, 0, 1), insn(Op::Csrrw, 0, 0, 0, 2), insn(Op::FenceI, 0, 0, 0, 0)] {
        b.put(0xffff_fffc, &[last]);
        b.mem.code_changed(GuestAddr(0xffff_f000)..GuestAddr(1 << 32));
        b.hart.cpu_mut().pc = 0xffff_fffc;
        assert_eq!((b.run(), b.pc()), (nothing(GuestAddr(0)), 0));
    }
    // An instruction whose second half is at 0.
    b.mem.write_bytes(GuestAddr(0xffff_fffe), &[0x13, 0]).unwrap();
    b.mem.code_changed(GuestAddr(0xffff_f000)..GuestAddr(1 << 32));
    b.hart.cpu_mut().pc = 0xffff_fffe;
    assert_eq!((b.run(), b.pc()), (nothing(GuestAddr(0)), 0xffff_fffe));
}

#[test]
fn execute_only_code_runs_and_cannot_be_read() {
    let mut b = rv64();
    b.put(CODE, &[addi(5, 0, 9), insn(Op::Auipc, 6, 0, 0, 0), insn(Op::Lw, 7, 6, 0, 0)]);
    b.mem.protect(GuestAddr(CODE), 0x1000, Prot::EXEC).unwrap();
    let addr = GuestAddr(CODE + 4);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Read, kind: FaultKind::Denied }));
    assert_eq!(b.x(5), 9);
}

#[test]
fn illegal_instructions_and_breakpoints_stop_before_any_effect() {
    let mut b = rv64();
    b.put(CODE, &[addi(5, 0, 1), insn(Op::Ebreak, 0, 0, 0, 0)]);
    assert_eq!(b.run(), Exit::Breakpoint);
    assert_eq!(b.pc(), CODE + 4);
    b.mem.write_bytes(GuestAddr(CODE + 4), &0xffff_ffffu32.to_le_bytes()).unwrap();
    b.mem.code_changed(GuestAddr(CODE)..GuestAddr(CODE + 8));
    assert_eq!(b.run(), Exit::Illegal { bits: 0xffff_ffff });
    assert_eq!(b.pc(), CODE + 4);
    // A privileged instruction, a missing CSR, a reserved rounding mode.
    for i in
        [insn(Op::Mret, 0, 0, 0, 0), insn(Op::Csrrs, 5, 0, 0, 0x300), Insn { rm: 5, ..insn(Op::FaddD, 1, 2, 3, 0) }]
    {
        b.put(CODE + 4, &[i]);
        b.mem.code_changed(GuestAddr(CODE)..GuestAddr(CODE + 8));
        b.hart.cpu_mut().pc = CODE;
        assert_eq!(b.run(), Exit::Illegal { bits: encode(&i, Xlen::Rv64).unwrap() });
        assert_eq!(b.pc(), CODE + 4);
    }
}

#[test]
fn a_changed_instruction_is_seen_after_fence_i_and_not_before() {
    let mut b = rv64();
    let new = encode(&addi(6, 0, 2), Xlen::Rv64).unwrap();
    let target = CODE + 0x200;
    b.hart.cpu_mut().x[12] = target;
    b.hart.cpu_mut().x[13] = u64::from(new);
    b.put(target, &[addi(6, 0, 1), insn(Op::Jalr, 0, 1, 0, 0)]);
    let call = insn(Op::Jalr, 1, 12, 0, 0);
    b.put(
        CODE,
        &[call, addi(7, 6, 0), insn(Op::Sw, 0, 12, 13, 0), insn(Op::FenceI, 0, 0, 0, 0), call, addi(8, 6, 0), ecall()],
    );
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(7), b.x(8)), (1, 2));
}

#[test]
fn flushed_or_unmapped_code_is_not_executed_again() {
    let mut b = rv64();
    b.put(CODE, &[addi(6, 0, 1), ecall()]);
    assert_eq!(b.run(), Exit::Syscall);
    b.put(CODE, &[addi(6, 0, 2)]);
    b.mem.code_changed(GuestAddr(CODE)..GuestAddr(CODE + 4));
    b.hart.cpu_mut().pc = CODE;
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!(b.x(6), 2);
    b.mem.unmap(GuestAddr(CODE), 0x4000).unwrap();
    b.hart.cpu_mut().pc = CODE;
    let addr = GuestAddr(CODE);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped }));
}

#[test]
fn a_stop_request_and_a_budget_end_an_endless_loop() {
    let mut b = rv64();
    b.put(CODE, &[insn(Op::Jal, 0, 0, 0, 0)]);
    b.hart.cell().request_stop();
    assert_eq!(b.run(), Exit::Interrupted);
    let mut b = rv64();
    b.engine = Interp::new(InterpConfig { budget: Some(1_000_000), ..InterpConfig::default() });
    b.put(CODE, &[insn(Op::Jal, 0, 0, 0, 0)]);
    assert_eq!(b.run(), Exit::Interrupted);
    assert_eq!(b.hart.cpu().instret, 1_000_000);
}

#[test]
fn counters_count_exactly() {
    let mut b = rv64();
    b.put(
        CODE,
        &[addi(5, 0, 1), insn(Op::Csrrs, 6, 0, 0, 0xc02), addi(5, 0, 1), insn(Op::Csrrs, 7, 0, 0, 0xc02), ecall()],
    );
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(6), b.x(7)), (1, 3));
}

#[test]
fn accrued_exceptions_are_saved_and_restored_within_a_block() {
    // The code of `isless`: the comparison may raise invalid, but the expression must not.
    let mut b = rv64();
    let fflags = 1;
    b.put(
        CODE,
        &[
            addi(5, 0, 100),
            addi(7, 0, -1),
            insn(Op::FmvDX, 1, 7, 0, 0),
            insn(Op::Csrrwi, 0, 0b00101, 0, fflags),
            insn(Op::Csrrs, 6, 0, 0, fflags),
            insn(Op::FltD, 8, 1, 1, 0),
            insn(Op::Csrrs, 9, 0, 0, fflags),
            insn(Op::Csrrw, 0, 6, 0, fflags),
            addi(5, 5, -1),
            insn(Op::Bne, 0, 5, 0, -20),
            insn(Op::Csrrs, 11, 0, 0, fflags),
            ecall(),
        ],
    );
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(8), b.x(9), b.x(11)), (0, 0b10101, 0b00101));
    let lookups = b.engine.statistics().into_iter().find(|(name, _)| name == "lookups").expect("it is counted").1;
    assert!(lookups < 10, "{lookups} for 100 turns of the loop");
}

#[test]
fn reservations() {
    let mut b = rv64();
    b.hart.cpu_mut().x[11] = 42;
    let lr = insn(Op::LrW, 5, 10, 0, 0);
    let sc = |rd| insn(Op::ScW, rd, 10, 11, 0);
    b.put(CODE, &[sc(6), lr, sc(7), sc(8), lr, insn(Op::Sw, 0, 10, 0, 0), sc(9), ecall()]);
    assert_eq!(b.run(), Exit::Syscall);
    // Without a reservation it fails, with one it succeeds once, and not over another store.
    assert_eq!((b.x(6), b.x(7), b.x(8), b.x(9)), (1, 0, 1, 1));
    b.hart.cpu_mut().x[10] = DATA + 2;
    b.hart.cpu_mut().pc = CODE + 4;
    let addr = GuestAddr(DATA + 2);
    assert_eq!(b.run(), Exit::Fault(GuestFault { addr, access: Access::Read, kind: FaultKind::Misaligned }));
}

/// A hart without compressed instructions.
fn uncompressed() -> Isa {
    let isa = Isa::rv64_max();
    Isa { exts: isa.exts.without_dependents(Ext::C), ..isa }
}

#[test]
fn a_misaligned_jump_faults_at_the_jump() {
    let misaligned = |addr| {
        let kind = FaultKind::Misaligned;
        Exit::Fault(GuestFault { addr: GuestAddr(addr), access: Access::Fetch, kind })
    };
    let branch = |op| insn(op, 0, 10, 0, 6);
    let cases = [
        (insn(Op::Jal, 7, 0, 0, 6), Some(CODE + 18)),
        (branch(Op::Bne), Some(CODE + 18)),
        (branch(Op::Bltu), None),
        (insn(Op::Jalr, 7, 5, 0, 3), Some(CODE + 18)),
        (insn(Op::Jalr, 5, 5, 0, -2), Some(CODE + 14)),
        (insn(Op::Jalr, 7, 5, 0, 1), None),
    ];
    for (jump, target) in cases {
        let mut b: Bench<Rv64> = Bench::new(uncompressed());
        let next = CODE + 16;
        b.put(CODE, &[insn(Op::Auipc, 5, 0, 0, 0), addi(5, 5, 16), addi(7, 0, 1), jump, ecall()]);
        match target {
            Some(target) => {
                assert_eq!(b.run(), misaligned(target), "{jump:?}");
                // The jump has no effect: the link register is not written either.
                assert_eq!((b.pc(), b.x(7), b.x(5)), (CODE + 12, 1, next), "{jump:?}");
                assert_eq!(b.hart.cpu().instret, 3);
            }
            // Not taken, or misaligned only in bit 0, which is ignored.
            None => assert_eq!((b.run(), b.pc()), (Exit::Syscall, next), "{jump:?}"),
        }
    }
    // Many in a row do not fill the stack. With compressed instructions, the same jumps are legal.
    let mut b: Bench<Rv64> = Bench::new(uncompressed());
    b.put(CODE, &[insn(Op::Auipc, 5, 0, 0, 0), addi(6, 6, 1)]);
    b.put(CODE + 8, &[insn(Op::Beq, 0, 6, 11, 10), insn(Op::Jalr, 0, 5, 0, 4)]);
    b.hart.cpu_mut().x[11] = 200_000;
    assert_eq!(b.run(), misaligned(CODE + 18));
    assert_eq!(b.x(6), 200_000);
    let mut b = rv64();
    b.put(CODE, &[insn(Op::Jal, 7, 0, 0, 6)]);
    b.put(CODE + 6, &[ecall()]);
    assert_eq!((b.run(), b.pc()), (Exit::Syscall, CODE + 6));
}

/// Every op in a long block on a small stack. A handler that does not tail-call would overflow it.
#[test]
fn handlers_do_not_grow_the_stack() {
    let body = || {
        for op in Op::ALL {
            let info = op.info();
            let leaves = info.ends_block && op != Op::Csrrs;
            if info.compressed || !info.rv64 || leaves || op == Op::CboInval {
                continue;
            }
            let mut b = rv64();
            let even = if info.pair.is_some() { 14 } else { 15 };
            let set = |class: RegClass, r: u8| if class == RegClass::None { 0 } else { r };
            let mut i = Insn {
                rs3: set(info.rs3, 7),
                ..insn(op, set(info.rd, even), set(info.rs1, 10), set(info.rs2, even), 0)
            };
            if op == Op::Csrrs {
                (i.imm, i.rs1) = (3, 0);
            }
            let Ok(bits) = encode(&i, Xlen::Rv64) else { panic!("{i:?} cannot be encoded") };
            assert_eq!(remu_isa::decode(bits, Isa::rv64_max()), Ok(i));
            let count = 500;
            let end = b.put(CODE, &vec![i; count]);
            let loop_end = b.put(end, &[addi(9, 9, -1), insn(Op::Beq, 0, 9, 0, 8)]);
            b.put(loop_end, &[insn(Op::Jal, 0, 0, 0, -(loop_end as i64 - CODE as i64) as i32), ecall()]);
            b.hart.cpu_mut().x[9] = 40;
            assert_eq!(b.run(), Exit::Syscall, "{op}");
            assert_eq!(b.hart.cpu().instret, 40 * (count as u64 + 2) + 39, "{op}");
        }
    };
    let jumps = || {
        let mut b = rv64();
        // Calls a function and loops: a direct jump, an indirect one and a branch, each ending a block.
        b.put(CODE, &[insn(Op::Jal, 1, 0, 0, 0x100), addi(9, 9, -1), insn(Op::Bne, 0, 9, 0, -8), ecall()]);
        b.put(CODE + 0x100, &[insn(Op::Jalr, 0, 1, 0, 0)]);
        b.hart.cpu_mut().x[9] = 20_000;
        assert_eq!(b.run(), Exit::Syscall);
    };
    let body = move || {
        body();
        jumps();
    };
    // 20,000 calls of even the smallest frame would need more than twice this.
    std::thread::Builder::new().stack_size(128 << 10).spawn(body).unwrap().join().unwrap();
}

#[test]
fn a_store_below_a_growing_area_is_restarted() {
    let mut b = rv64();
    let place = Place::Fixed(GuestAddr(DATA + (1 << 24)));
    b.mem
        .map(&MapRequest { grows_down: true, ..MapRequest::anonymous(place, 0x1000, Prot::READ | Prot::WRITE) })
        .unwrap();
    b.hart.cpu_mut().x[10] = DATA + (1 << 24);
    b.put(CODE, &[addi(5, 5, 1), insn(Op::Sd, 0, 10, 5, -8), addi(6, 6, 1), ecall()]);
    assert_eq!(b.run(), Exit::Syscall);
    assert_eq!((b.x(5), b.x(6)), (1, 1));
    assert_eq!(b.mem.read::<u64>(GuestAddr(DATA + (1 << 24) - 8)).unwrap(), 1);
    assert_eq!(b.hart.cpu().instret, 3, "the store counts once");
}
