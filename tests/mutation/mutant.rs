//! A mutant: an op, the base width, and the fault.

use crate::call::{Call, How, Watch};
use remu::guest::riscv::Trap;
use remu::guest::riscv::fp::RmField;
use remu::guest::riscv::{FpOp, RiscvSemantics, Sgnj};
use remu::guest::{Cond, Flow, MemType, Width};
use remu_isa::{Insn, Isa, Op, RegClass, Xlen, decode};
use std::fmt;

/// An instruction field that its table row extracts from the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Rd,
    Rs1,
    Rs2,
    Rs3,
    Rm,
    Imm,
}

impl Field {
    pub const ALL: [Field; 6] = [Field::Rd, Field::Rs1, Field::Rs2, Field::Rs3, Field::Rm, Field::Imm];

    pub fn get(self, insn: &Insn) -> u32 {
        match self {
            Field::Rd => insn.rd.into(),
            Field::Rs1 => insn.rs1.into(),
            Field::Rs2 => insn.rs2.into(),
            Field::Rs3 => insn.rs3.into(),
            Field::Rm => insn.rm.into(),
            Field::Imm => insn.imm as u32,
        }
    }

    pub fn set(self, insn: &mut Insn, value: u32) {
        match self {
            Field::Rd => insn.rd = value as u8,
            Field::Rs1 => insn.rs1 = value as u8,
            Field::Rs2 => insn.rs2 = value as u8,
            Field::Rs3 => insn.rs3 = value as u8,
            Field::Rm => insn.rm = value as u8,
            Field::Imm => insn.imm = value as i32,
        }
    }
}

/// The fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is missing from the table.
    NoRow,
    /// A constant bit of the row is inverted; the words of the row decode as another row's.
    ConstantBit(u8),
    /// A bit of a field is ignored.
    FieldBit(Field, u8),
    /// Two adjacent bits of a field, this one and the next higher, are swapped.
    BitsSwapped(Field, u8),
    /// The field is zero-extended instead of sign-extended, from this many bits.
    NoSign(u8),
    /// The immediate is off by this amount.
    ImmOff(i32),
    /// Two fields are swapped.
    Swapped(Field, Field),
    /// The call with this number behaves differently.
    Call(usize, Call, Act),
    /// Control flow after the instruction.
    Flow(FlowChange),
}

/// The change to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Another call.
    Instead(Call),
    /// The call with two operands swapped.
    Swap(usize, usize),
    /// No call; the result is one of its operands.
    Yield(usize),
    /// No call; the result is a constant.
    YieldConstant(i64),
    /// A constant of the call, or otherwise its result, is off by this amount.
    Off(i64),
    /// It reads the register that another operand names.
    OtherRegister,
    /// It writes the neighbouring register.
    NeighbouringRegister,
    /// It rounds in this mode; 7 is the dynamic mode.
    Rounds(u8),
    /// It raises no flags.
    NoFlags,
    /// A product and a sum, each rounded separately.
    RoundsTwice,
    /// Pairs: the high half is ignored, or the halves are swapped.
    NoHigh,
    HalvesSwapped,
}

/// The change of control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// A branch compares in another way, with its operands swapped, or only their low halves.
    Compares(Cond),
    Swapped,
    Narrow,
    Always,
    Never,
    /// A jump misses its target by this many bytes; another instruction skips this many.
    Off(i64),
    /// It traps.
    Traps(Trap),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutant {
    pub op: Op,
    pub xlen: Xlen,
    pub change: Change,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rv{} {} ", self.xlen.bits(), self.op)?;
        match self.change {
            Change::Call(n, call, act) => write!(f, "call {n} {call:?}: {act:?}"),
            Change::Flow(flow_change) => write!(f, "flow: {flow_change:?}"),
            row => write!(f, "row: {row:?}"),
        }
    }
}

impl Mutant {
    /// Decodes as the mutant does; `None` if the result is not an instruction.
    pub fn decode(&self, bits: u32, isa: Isa) -> Option<Insn> {
        let mut insn = decode(bits, isa).ok()?;
        if insn.op != self.op {
            return Some(insn);
        }
        match self.change {
            Change::NoRow => return None,
            Change::ConstantBit(bit) => return decode(bits ^ 1 << bit, isa).ok(),
            Change::FieldBit(field, bit) => {
                let value = field.get(&insn) & !(1 << bit);
                field.set(&mut insn, value);
            }
            Change::BitsSwapped(field, bit) => {
                let value = field.get(&insn);
                let both = 3 << bit;
                let differ = (value >> bit ^ value >> (bit + 1)) & 1 != 0;
                field.set(&mut insn, if differ { value ^ both } else { value });
            }
            Change::NoSign(bits) => insn.imm &= !(-1 << bits),
            Change::ImmOff(by) => insn.imm = insn.imm.wrapping_add(by),
            Change::Swapped(a, b) => {
                let (va, vb) = (a.get(&insn), b.get(&insn));
                a.set(&mut insn, vb);
                b.set(&mut insn, va);
            }
            Change::Call(..) | Change::Flow(_) => {}
        }
        Some(insn)
    }

    /// The control flow of the mutant after the instruction.
    pub fn redirect<S: RiscvSemantics>(
        &self,
        s: &mut S,
        insn: &Insn,
        flow: Flow<S::Value>,
    ) -> Result<Flow<S::Value>, S::Stop> {
        let Change::Flow(flow_change) = self.change else { return Ok(flow) };
        Ok(match (flow_change, flow) {
            (FlowChange::Traps(trap), _) => return Err(s.trap(trap)),
            (FlowChange::Compares(cond), Flow::Branch { a, b, offset, .. }) => Flow::Branch { cond, a, b, offset },
            (FlowChange::Swapped, Flow::Branch { cond, a, b, offset }) => Flow::Branch { cond, a: b, b: a, offset },
            (FlowChange::Narrow, Flow::Branch { cond, a, b, offset }) => {
                let (a, b) = (s.extend(MemType::I32, a), s.extend(MemType::I32, b));
                Flow::Branch { cond, a, b, offset }
            }
            (FlowChange::Always, Flow::Branch { offset, .. }) => Flow::Jump { offset },
            (FlowChange::Never, Flow::Branch { .. }) => Flow::Jump { offset: insn.len.into() },
            (FlowChange::Off(by), Flow::Branch { cond, a, b, offset }) => {
                Flow::Branch { cond, a, b, offset: offset + by }
            }
            (FlowChange::Off(by), Flow::Jump { offset }) => Flow::Jump { offset: offset + by },
            (FlowChange::Off(by), Flow::Indirect { target, hint }) => {
                let by = s.imm(by);
                Flow::Indirect { target: s.add(S::XLEN, target, by), hint }
            }
            (FlowChange::Off(by), Flow::Next | Flow::Refetch) => Flow::Jump { offset: i64::from(insn.len) + by },
            _ => flow,
        })
    }
}

/// Changes one call of an instruction.
pub struct Changer<'a> {
    insn: &'a Insn,
    at: usize,
    of: Call,
    act: Act,
    seen: usize,
}

impl<'a> Changer<'a> {
    pub fn new(insn: &'a Insn, at: usize, of: Call, act: Act) -> Self {
        Self { insn, at, of, act, seen: 0 }
    }

    /// Whether this is the call to change. Another instance of the op may make a different call at this position.
    fn is_due(&mut self, call: Call) -> bool {
        self.seen += 1;
        self.seen == self.at + 1 && std::mem::discriminant(&call) == std::mem::discriminant(&self.of)
    }
}

impl Watch for Changer<'_> {
    fn call<S: RiscvSemantics>(
        &mut self,
        s: &mut S,
        call: Call,
        v: &[S::Value],
        how: How,
    ) -> Result<S::Value, S::Stop> {
        if !self.is_due(call) {
            return call.execute(s, v, how);
        }
        match self.act {
            // The replacement was built from another instance of the op, which may use another register.
            Act::Instead(other) => register(call).map_or(other, |r| with_register(other, r)).execute(s, v, how),
            Act::Swap(a, b) => {
                let mut v = v.to_vec();
                v.swap(a, b);
                call.execute(s, &v, how)
            }
            Act::Yield(n) => Ok(v[n]),
            Act::YieldConstant(value) => Ok(s.imm(value)),
            Act::Off(by) => match call {
                Call::Imm(value) => Ok(s.imm(value.wrapping_add(by))),
                Call::Pc(offset) => Ok(s.pc(offset + by)),
                Call::Address(offset) => Ok(s.address(v[0], offset + by)),
                Call::Write(_) | Call::FpWrite(..) => {
                    let by = s.imm(by);
                    let value = s.add(S::XLEN, v[0], by);
                    call.execute(s, &[value], how)
                }
                _ => {
                    let (value, by) = (call.execute(s, v, how)?, s.imm(by));
                    Ok(s.add(S::XLEN, value, by))
                }
            },
            Act::OtherRegister => other_register(call, self.insn).execute(s, v, how),
            Act::NeighbouringRegister => match call {
                Call::Write(r) | Call::FpWrite(_, r) => with_register(call, r ^ 1).execute(s, v, how),
                _ => call.execute(s, v, how),
            },
            Act::Rounds(mode) => call.execute(s, v, How { rm: RmField(mode), ..how }),
            Act::NoFlags => {
                let before = s.csr_read(FFLAGS)?;
                let value = call.execute(s, v, how)?;
                s.csr_write(FFLAGS, before)?;
                Ok(value)
            }
            Act::RoundsTwice => {
                let Call::FpFma { fmt, neg_product, neg_addend } = call else { return call.execute(s, v, how) };
                let negate = |s: &mut S, on: bool, v| if on { s.fp_sgnj(fmt, Sgnj::Negate, v, v) } else { v };
                let (a, c) = (negate(s, neg_product, v[0]), negate(s, neg_addend, v[2]));
                let product = s.fp_arith(FpOp::Mul, fmt, how.rm, a, v[1])?;
                s.fp_arith(FpOp::Add, fmt, how.rm, product, c)
            }
            Act::NoHigh | Act::HalvesSwapped => call.execute(s, v, how),
        }
    }

    fn trap(&mut self, trap: Trap) -> Trap {
        let act = self.act;
        match act {
            Act::Instead(Call::Trap(other)) if self.is_due(Call::Trap(trap)) => other,
            _ => trap,
        }
    }

    fn cas_pair<V: Copy>(&mut self, w: Width, expected: [V; 2], new: [V; 2]) -> (Width, [V; 2], [V; 2]) {
        if !self.is_due(Call::CasPair(w)) {
            return (w, expected, new);
        }
        match self.act {
            Act::Instead(Call::CasPair(other)) => (other, expected, new),
            Act::Swap(..) => (w, new, expected),
            Act::Yield(_) => (w, expected, expected),
            Act::NoHigh => (w, expected, [new[0], expected[1]]),
            Act::HalvesSwapped => (w, expected, [new[1], new[0]]),
            _ => (w, expected, new),
        }
    }
}

/// The CSR number of the accrued flags.
const FFLAGS: u16 = 1;

/// Replaces the register by another operand's, if they differ.
fn other_register(call: Call, insn: &Insn) -> Call {
    let info = insn.op.info();
    let classes = [(info.rs1, insn.rs1), (info.rs2, insn.rs2), (info.rs3, insn.rs3), (info.rd, insn.rd)];
    let Some(own) = register(call) else { return call };
    let mut registers = classes.into_iter().filter(|(class, _)| *class != RegClass::None).map(|(_, r)| r);
    registers.find(|r| *r != own && *r < 32).map_or(call, |r| with_register(call, r))
}

/// The register that a call reads or writes.
fn register(call: Call) -> Option<u8> {
    match call {
        Call::Read(r) | Call::Write(r) | Call::FpRead(_, r) | Call::FpWrite(_, r) | Call::FpReadBits(r) => Some(r),
        _ => None,
    }
}

fn with_register(call: Call, r: u8) -> Call {
    match call {
        Call::Read(_) => Call::Read(r),
        Call::Write(_) => Call::Write(r),
        Call::FpRead(fmt, _) => Call::FpRead(fmt, r),
        Call::FpWrite(fmt, _) => Call::FpWrite(fmt, r),
        Call::FpReadBits(_) => Call::FpReadBits(r),
        _ => call,
    }
}
