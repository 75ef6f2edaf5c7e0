//! Programs find wrong meanings: an engine that is wrong on purpose is told from the reference.

use crate::bench::{Outcome, Pair, Side};
use crate::generate::{self, Ops};
use remu::guest::riscv::fp::Flags;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::memory::{Access, GuestAddr, GuestMemory, UserSpace};
use remu_isa::{Insn, Op, Xlen, decode};

/// One executed instruction.
struct Step<'a> {
    insn: Insn,
    /// The instruction executed before, if it was the one in front.
    previous: Option<Insn>,
    /// The state before, and after.
    before: Cpu,
    after: &'a mut Cpu,
    exit: &'a mut Exit,
    space: &'a UserSpace,
}

impl Step<'_> {
    fn rs1(&self) -> u64 {
        self.before.x(self.insn.rs1)
    }

    fn rs2(&self) -> u64 {
        self.before.x(self.insn.rs2)
    }

    /// Whether it retired and is this op.
    fn is(&self, op: Op) -> bool {
        self.insn.op == op && *self.exit == Exit::Interrupted
    }

    /// Whether it retired, behind an op whose result it takes as its first operand.
    fn pair(&self, first: Op, second: Op) -> bool {
        self.is(second) && self.previous.is_some_and(|p| p.op == first && p.rd == self.insn.rs1 && p.rd != 0)
    }

    fn write(&mut self, v: u64) {
        self.after.set_x(self.insn.rd, v);
    }
}

/// Changes what a step did.
type Change = fn(&mut Step);

/// Wrong meanings, each with what is wrong.
const MUTANTS: &[(&str, Change)] = &[
    ("sltu of equal operands is 1", |s| {
        if s.is(Op::Sltu) && s.rs1() == s.rs2() {
            s.write(1);
        }
    }),
    ("sraw shifts by six bits of its operand", |s| {
        if s.is(Op::Sraw) && s.rs2() & 32 != 0 {
            s.write((s.rs1() as i32 >> 31) as u64);
        }
    }),
    ("the minimum and maximum of zeros is the first operand", |s| {
        let [a, b] = [s.insn.rs1, s.insn.rs2].map(|r| s.before.f[usize::from(r)]);
        let is = s.is(Op::FminD) || s.is(Op::FmaxD) || s.is(Op::FminmD) || s.is(Op::FmaxmD);
        if is && (a | b) << 1 == 0 {
            s.after.f[usize::from(s.insn.rd)] = a;
        }
    }),
    ("a load that crosses a page faults at its own address", |s| {
        if let Exit::Fault(fault) = s.exit
            && fault.access == Access::Read
            && s.insn.op.info().is_load
            && !s.insn.op.info().is_atomic
        {
            fault.addr = GuestAddr(s.before.x(s.insn.rs1).wrapping_add_signed(s.insn.imm.into()));
        }
    }),
    ("a faulting store counts as retired", |s| {
        if matches!(s.exit, Exit::Fault(f) if f.access == Access::Write) && s.insn.op == Op::Sd {
            s.after.instret += 1;
        }
    }),
    ("a faulting load clears its destination", |s| {
        if matches!(s.exit, Exit::Fault(f) if f.access == Access::Read) && s.insn.op == Op::Lw {
            s.after.set_x(s.insn.rd, 0);
        }
    }),
    ("slli and srli by 32 sign-extend", |s| {
        if s.pair(Op::Slli, Op::Srli) && s.insn.imm == 32 && s.previous.is_some_and(|p| p.imm == 32) {
            s.write(s.rs1() as i64 as u64 >> 32 | if s.rs1() >> 63 != 0 { u64::MAX << 32 } else { 0 });
        }
    }),
    ("lui and addi do not wrap at 32 bits", |s| {
        if s.pair(Op::Lui, Op::Addiw) && s.rs1() as i32 as u64 == s.rs1() && s.insn.imm < 0 {
            s.write(s.rs1().wrapping_add_signed(s.insn.imm.into()));
        }
    }),
    ("divw of the least number by -1 is 0", |s| {
        if s.is(Op::Divw) && s.rs1() as i32 == i32::MIN && s.rs2() as i32 == -1 {
            s.write(0);
        }
    }),
    ("mulhsu is mulhu", |s| {
        if s.is(Op::Mulhsu) {
            s.write(((u128::from(s.rs1()) * u128::from(s.rs2())) >> 64) as u64);
        }
    }),
    ("jalr keeps bit 0 of its target", |s| {
        if s.is(Op::Jalr) && s.rs1().wrapping_add_signed(s.insn.imm.into()) & 1 != 0 {
            s.after.pc |= 1;
        }
    }),
    ("jalr writes the link before it reads its base", |s| {
        if s.is(Op::Jalr) && s.insn.rd == s.insn.rs1 && s.insn.rd != 0 {
            s.after.pc = s.after.x(s.insn.rd).wrapping_add_signed(s.insn.imm.into()) & !1;
        }
    }),
    ("bgeu is bltu for equal operands", |s| {
        if s.is(Op::Bgeu) && s.rs1() == s.rs2() {
            s.after.pc = s.before.pc + u64::from(s.insn.len);
        }
    }),
    ("add.uw does not clear the upper half", |s| {
        if s.is(Op::AddUw) {
            s.write(s.rs1().wrapping_add(s.rs2()));
        }
    }),
    ("czero.eqz looks at 32 bits", |s| {
        if s.is(Op::CzeroEqz) && s.rs2() as u32 == 0 {
            s.write(0);
        }
    }),
    ("flw does not box", |s| {
        if s.is(Op::Flw) {
            s.after.f[usize::from(s.insn.rd)] &= 0xffff_ffff;
        }
    }),
    ("a NaN that is not boxed is read as it is", |s| {
        if s.is(Op::FsgnjS) && s.insn.rs1 == s.insn.rs2 {
            s.after.f[usize::from(s.insn.rd)] = s.before.f[usize::from(s.insn.rs1)] | 0xffff_ffff << 32;
        }
    }),
    ("division by zero sets no flag", |s| {
        if s.is(Op::FdivD) || s.is(Op::FdivS) {
            s.after.fflags = Flags(s.after.fflags.0 & !8 | s.before.fflags.0 & 8);
        }
    }),
    ("a result NaN keeps its payload", |s| {
        let a = s.before.f[usize::from(s.insn.rs1)];
        if s.is(Op::FaddD) && f64::from_bits(a).is_nan() {
            s.after.f[usize::from(s.insn.rd)] = a | 1 << 51;
        }
    }),
    ("fcvt.w.d of a NaN is the least number", |s| {
        if s.is(Op::FcvtWD) && f64::from_bits(s.before.f[usize::from(s.insn.rs1)]).is_nan() {
            s.write(i32::MIN as u64);
        }
    }),
    ("round to nearest, ties away is ties to even", |s| {
        let mode = if s.insn.rm == 7 { s.before.frm } else { s.insn.rm };
        let v = f32::from_bits(s.before.f[usize::from(s.insn.rs1)] as u32);
        if s.is(Op::FcvtWS) && mode == 4 && v.abs() < 1e6 {
            s.write(v.round_ties_even() as u64);
        }
    }),
    ("a reserved rounding mode is taken for the nearest", |s| {
        if matches!(s.exit, Exit::Illegal { .. }) && s.insn.op == Op::FaddD {
            (*s.exit, s.after.pc) = (Exit::Interrupted, s.before.pc + 4);
            s.after.instret += 1;
        }
    }),
    ("a write of frm keeps the bits above", |s| {
        if s.is(Op::Csrrw) && s.insn.imm == 2 {
            s.after.frm = s.rs1() as u8 & 3;
        }
    }),
    ("sc.w without a reservation succeeds", |s| {
        if s.is(Op::ScW) {
            s.write(0);
        }
    }),
    ("sc keeps the reservation", |s| {
        if s.is(Op::ScD) {
            s.after.reservation = s.before.reservation;
        }
    }),
    ("a store ends reservations, as an atomic operation does", |s| {
        if s.is(Op::Sd) {
            let at = s.rs1().wrapping_add_signed(s.insn.imm.into());
            s.space.reservations().written(GuestAddr(at));
        }
    }),
    ("amomin.w returns its value zero-extended", |s| {
        if s.is(Op::AmominW) {
            let v = s.after.x(s.insn.rd) & 0xffff_ffff;
            s.write(v);
        }
    }),
    ("reading instret in a csrrs counts itself", |s| {
        if s.is(Op::Csrrs) && s.insn.imm == 0xc02 {
            let v = s.after.x(s.insn.rd) + 1;
            s.write(v);
        }
    }),
    ("auipc is that of the next instruction", |s| {
        if s.is(Op::Auipc) && s.insn.imm == 0 {
            let v = s.after.x(s.insn.rd) + 4;
            s.write(v);
        }
    }),
    ("c.ebreak leaves the pc behind it", |s| {
        if *s.exit == Exit::Breakpoint && s.insn.len == 2 {
            s.after.pc += 2;
        }
    }),
];

/// An interpreter whose steps are changed.
struct Mutant {
    interp: Interp<Rv64>,
    change: Change,
    limit: u64,
}

impl Engine<Rv64> for Mutant {
    type Privilege = UserProgram;
    type Memory = UserSpace;

    fn limit(&mut self, instructions: u64) {
        self.limit = instructions;
    }

    fn run(&mut self, hart: &mut HartOwner<Rv64>, privilege: &mut UserProgram, mem: &UserSpace) -> Exit {
        let mut previous: Option<(u64, Insn)> = None;
        for _ in 0..self.limit {
            let before = hart.cpu().clone();
            let mut bytes = [0; 4];
            let pc = GuestAddr(before.pc);
            let read = mem.read_bytes(pc, &mut bytes).or_else(|_| mem.read_bytes(pc, &mut bytes[..2]));
            let insn = read.ok().and_then(|()| decode(u32::from_le_bytes(bytes), before.isa).ok());
            self.interp.limit(1);
            let mut exit = self.interp.run(hart, privilege, mem);
            let Some(insn) = insn.map(|i| i.expand(Xlen::Rv64)) else { return exit };
            let behind = previous.filter(|(next, _)| *next == before.pc).map(|(_, p)| p);
            previous = Some((before.pc + u64::from(insn.len), insn));
            (self.change)(&mut Step {
                insn,
                previous: behind,
                before,
                after: hart.cpu_mut(),
                exit: &mut exit,
                space: mem,
            });
            if exit != Exit::Interrupted {
                return exit;
            }
        }
        Exit::Interrupted
    }

    fn forget_code(&mut self) {
        self.interp.forget_code();
    }

    fn statistics(&self) -> remu::guest::Counters {
        Vec::new()
    }
}

/// The instructions after which a mutant is found, or `None`.
fn found(ops: &Ops, change: Change) -> Option<u64> {
    let mutant = move || {
        Side::new("mutant", false, |space, hart| {
            let mut interp = Interp::<Rv64>::new(InterpConfig { max_block: 1, budget: None });
            interp.watch_code(space.watch_code(hart.cell().clone()));
            Mutant { interp, change, limit: 0 }
        })
    };
    let mut pair = Pair::new(move || (crate::reference(), mutant()));
    let mut instructions = 0;
    for seed in 1.. {
        if instructions > crate::INSTRUCTIONS {
            break;
        }
        let program = generate::program(ops, seed);
        match pair.run(&program) {
            Outcome::Agree(more, _) => instructions += more,
            Outcome::TooLong | Outcome::Unfit => {}
            Outcome::Differ(difference) => {
                let (small, _) = pair.shrink(program, difference);
                assert!(small.len() <= 8, "not shrunk:\n{}", small.listing());
                return Some(instructions);
            }
        }
    }
    None
}

#[test]
fn wrong_meanings_are_found() {
    let ops = Ops::new();
    let mut survivors = Vec::new();
    for (what, change) in MUTANTS {
        match found(&ops, *change) {
            Some(instructions) => println!("{instructions:>8} instructions: {what}"),
            None => survivors.push(*what),
        }
    }
    assert!(survivors.is_empty(), "not noticed: {survivors:#?}");
}
