//! The operations on plain values against the interpreter, which wraps them with registers, counters and fast paths of
//! its own: random instructions on random registers leave the same state and memory in both.

mod common;

use common::rng::Rng;
use remu::guest::riscv::concrete::{Concrete, PlainHart, Stopped};
use remu::guest::riscv::fp::{self, FpMode};
use remu::guest::riscv::{Base, Cpu, Rv32, Rv64, UserProgram};
use remu::guest::{Engine, Exit, Flow, HartOwner, Semantics, alu};
use remu::interp::{Interp, InterpConfig};
use remu::memory::{GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Ext, Insn, Isa, Op, decode};

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;
const DATA_SIZE: usize = 0x1000;

/// Random instructions for each op.
const EACH: usize = 60;

fn memory() -> UserSpace {
    let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
    let map = |at, prot| mem.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(at)), 0x1000, prot)).unwrap();
    map(CODE, Prot::READ | Prot::WRITE | Prot::EXEC);
    map(DATA, Prot::READ | Prot::WRITE);
    mem
}

/// Registers of which most are addresses of data, small numbers, or numbers with all bits at random.
fn random_state(rng: &mut Rng, isa: Isa) -> Cpu {
    let mut cpu = Cpu::new(isa);
    for r in 1..32 {
        let v = match rng.below(4) {
            0 => rng.next(),
            1 => rng.next() % 70,
            _ => (DATA + rng.next() % 0x1040) & !rng.of(&[0, 1, 3, 7, 15]),
        };
        cpu.x[r] = if cpu.is_64bit() { v } else { v as i32 as u64 };
    }
    for r in 0..32 {
        cpu.f[r] = match rng.below(4) {
            0 => rng.next(),
            1 => 0xffff_ffff_0000_0000 | rng.next() >> 32,
            2 => 0xffff_ffff_ffff_0000 | rng.next() >> 48,
            _ => f64::to_bits(rng.of(&[0.0, -0.0, 1.5, -3.25, 1e300, f64::INFINITY, f64::NAN, 4e-320])),
        };
    }
    cpu.set_fcsr(rng.next() as u32 & 0xff);
    cpu.pc = CODE;
    cpu
}

/// Executes one instruction at the pc. The state is as an engine leaves it.
fn step<B: Base>(cpu: &mut Cpu, mem: &UserSpace, insn: &Insn) -> Exit {
    let (mut mode, mut privilege) = (FpMode::new(cpu.frm), UserProgram::new());
    let host = fp::host::enter(mode.hardware(), cpu.fflags);
    let pc = cpu.pc;
    let mut concrete = Concrete::new(PlainHart::<B, _>::new(cpu, &mut mode, &mut privilege, mem));
    let flow = B::exec(&mut concrete, insn);
    let next = match flow {
        Ok(Flow::Next | Flow::Refetch) => Ok(insn.len.into()),
        Ok(Flow::Jump { offset }) => Ok(offset),
        Ok(Flow::Branch { cond, a, b, offset }) if alu::compare(B::WIDTH, cond, a, b) => Ok(offset),
        Ok(Flow::Branch { .. }) => Ok(insn.len.into()),
        Ok(Flow::Indirect { target, .. }) => Ok(target.wrapping_sub(pc) as i64),
        Err(stopped) => Err(stopped),
    };
    let next = next.map(|offset| concrete.address(pc, offset));
    cpu.fflags = fp::host::leave(host);
    match next {
        Ok(next) => {
            cpu.pc = next;
            cpu.instret += 1;
            Exit::Interrupted
        }
        Err(Stopped { addr, reason }) => reason.exit(addr, pc, insn.len, mem).expect("no area grows"),
    }
}

fn state(cpu: &Cpu) -> (u64, &[u64], [u64; 32], u32, u64) {
    (cpu.pc, &cpu.x[..32], cpu.f, cpu.fcsr(), cpu.instret)
}

fn compare<B: Base>(isa: Isa, seed: u64) {
    let (left, right) = (memory(), memory());
    let mut rng = Rng(seed);
    let mut done = 0;
    for &op in Op::ALL.iter() {
        let Some(pattern) = op.pattern(isa.xlen) else { continue };
        for _ in 0..EACH {
            let bits = (rng.next() >> 32) as u32;
            let bits = pattern.value | bits & !pattern.mask;
            let Ok(insn) = decode(bits, isa) else { continue };
            // The time differs from call to call.
            let is_time = insn.op.mnemonic().starts_with("csrr") && insn.imm as u32 & 0xf7f == 0xc01;
            if insn.op != op || is_time {
                continue;
            }
            let data: Vec<u8> = (0..DATA_SIZE).map(|_| rng.next() as u8).collect();
            for mem in [&left, &right] {
                mem.write_bytes(GuestAddr(DATA), &data).unwrap();
                mem.write_bytes(GuestAddr(CODE), &bits.to_le_bytes()).unwrap();
            }
            let mut cpu = random_state(&mut rng, isa);
            let mut hart = HartOwner::<B>::new(cpu.clone());
            let mut interp = Interp::<B>::new(InterpConfig { max_block: 1, budget: Some(1) });
            let by_interp = interp.run(&mut hart, &mut UserProgram::new(), &left);
            let expanded = insn.expand(isa.xlen);
            let concrete = step::<B>(&mut cpu, &right, &expanded);
            let what = format!("{bits:08x} {expanded:?}");
            assert_eq!(by_interp, concrete, "{what}");
            assert_eq!(state(hart.cpu()), state(&cpu), "{what}");
            let read = |mem: &UserSpace| {
                let mut bytes = vec![0; DATA_SIZE];
                mem.read_bytes(GuestAddr(DATA), &mut bytes).unwrap();
                bytes
            };
            assert!(read(&left) == read(&right), "memory differs after {what}");
            done += 1;
        }
    }
    assert!(done > 10_000, "{done} instructions were compared");
}

#[test]
fn rv64_instructions_agree_with_the_interpreter() {
    compare::<Rv64>(Isa::rv64_max(), 1);
}

#[test]
fn rv32_instructions_agree_with_the_interpreter() {
    compare::<Rv32>(Isa::rv32_max(), 2);
}

#[test]
fn instructions_aligned_to_four_bytes_agree_with_the_interpreter() {
    let mut isa = Isa::rv64_max();
    isa.exts = isa.exts.without_dependents(Ext::Zca);
    compare::<Rv64>(isa, 3);
}
