//! The state of the emission of one block. Its operations are in [`general`](super::general) and
//! [`riscv`](super::riscv).

use super::Config;
use super::known::{Fact, FpKnown, Known};
use super::map::RegisterMap;
use super::node::{Binary, Node, Nodes, Unary, Val};
use super::span::{Look, Span};
use super::window::Window;
use crate::guest::riscv::fp::{Fmt, Rm, RmField, host};
use crate::guest::riscv::{FpMinMax, IntType, insn_align};
use crate::guest::{BitOp, Cond, MemType, Reg, Width};
use crate::jit::x64::{self, Assembler, Gpr, HostFeatures, Label, Mem, Size, Xmm};
use remu_isa::{Ext, Isa};

/// Why an instruction ends the block without a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is executed by its definition.
    Uncompiled,
    /// ECALL.
    Syscall,
    /// EBREAK.
    Breakpoint,
}

/// An instruction of the host that accesses guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its offset in the code of the block.
    pub offset: u32,
    /// The index of the guest's instruction in the block.
    pub insn: u16,
    /// Instructions that `instret` does not count yet at this place, in counting code.
    pub uncounted: u16,
    /// Floating-point registers whose NaNs are still to be made canonical: as singles, and as doubles.
    pub fresh: [u32; 2],
    /// What the definition of the instruction needs of its reservation.
    pub reservation: Unsettled,
}

/// What is not yet as the definition of a store-conditional expects it, where its access faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// Nothing.
    No,
    /// The bucket of the hart's reservation is claimed.
    Claimed,
    /// The reservation is still to be made. The register holds what the load-reserved has loaded.
    Late(Reg),
}

/// Code that is rarely executed, emitted behind the block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cold {
    /// Leaves because of the stop flag or a limit, to continue at a pc.
    Pause { from: Label, pc: u64, known: FpKnown },
    /// The exit to a block that is not linked. `at` is the offset of the displacement to link.
    Unlinked { at: usize, pc: u64 },
    /// An exit of a superblock with exchanged registers, or with instructions still to be counted.
    Exit { from: Label, pc: u64, uncounted: u16 },
    /// Enters the superblock at an instruction that is not its first.
    Enter { at: Label, pc: u64 },
    /// The way from outside into a loop, where it joins the way back. If what is expected there does not hold, it leaves
    /// for the pc.
    Join { from: Label, to: Label, pc: u64, uncounted: u16, known: FpKnown, expected: FpKnown },
    /// Leaves for the reason in rax.
    Leave { from: Label },
    /// Leaves to look up the block at the pc in rax.
    Missed { from: Label },
    /// Leaves to look up the block at this pc.
    MissedAt { from: Label, pc: u64 },
    /// Executes the instruction at the pc by its definition, and goes on behind it.
    Definition { from: Label, back: Label, pc: u64, bits: u32, uncounted: u16 },
    /// Executes the instruction by its definition, and leaves.
    Rare { from: Label, pc: u64, bits: u32, next: u64, uncounted: u16, known: FpKnown },
    /// Executes a load or a store by its definition, and goes on behind it unless it stops.
    Miss { from: Label, back: Label, pc: u64, bits: u32, uncounted: u16, known: FpKnown },
    /// Looks up an access whose span is not known to lie in one page of the TLB, or that the micro-TLB does not have, and
    /// goes on with it.
    Look(Look),
    /// An access that the host must not do, beyond the guest's address space or misaligned, at the label of the accessing
    /// instruction. It is handled as if it had faulted.
    Refused { from: Label, access: Label },
    /// No hart has reserved the bucket at rcx, whose contents are in rax.
    Reserve { from: Label, back: Label },
    /// A store-conditional does not store.
    NotStored { from: Label, back: Label },
    /// A branch out of the window, to a label or else to another superblock.
    LeaveWindow { from: Label, window: Window, to: Option<Label>, pc: u64, uncounted: u16 },
    /// The bucket of what an atomic operation has written to is reserved.
    Reserved { from: Label, back: Label, bucket: Mem },
    /// At least one of these registers of the guest holds a NaN to be made canonical.
    Nan { from: Label, back: Label, fmt: Fmt, regs: u32 },
    /// A scratch register holds a NaN to be made canonical.
    ScratchNan { from: Label, back: Label, fmt: Fmt, reg: Xmm },
    /// MXCSR changes to what is in a register, or else on the stack.
    LoadMxcsr { from: Label, back: Label, value: Option<Gpr> },
    /// The minimum or maximum of equal numbers: the result and the operands.
    Equal { from: Label, back: Label, op: FpMinMax, operands: [Xmm; 3] },
    /// The class of a number that is not normal.
    Class { from: Label, back: Label, fmt: Fmt, bits: Gpr, exponent: Gpr },
    /// Division by zero or by minus one, which is in rcx; the dividend is in rax.
    Division { from: Label, back: Label, op: Binary, size: Size },
}

/// A [chain](super::chain) that is being emitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// See [`Access::insn`].
    pub index: u16,
    /// See [`Access::uncounted`].
    pub uncounted: u16,
    /// The register that its instructions write.
    pub rd: Reg,
    /// What has been written to the register so far.
    pub value: Option<Val>,
    /// Whether more instructions follow, so that the register is not written yet.
    pub is_open: bool,
}

/// A register that holds the result of a comparison, of which the host's flags still tell, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared {
    /// The index of the instruction that has compared.
    pub index: u16,
    /// The register.
    pub r: Reg,
    /// The condition that holds if the register is one.
    pub cond: x64::Cond,
}

/// Emits one block.
pub(super) struct Emitter<'a> {
    pub asm: &'a mut Assembler,
    pub map: &'a RegisterMap,
    pub features: HostFeatures,
    pub nodes: &'a mut Nodes,
    pub known: Known,
    pub accesses: &'a mut Vec<Access>,
    pub cold: &'a mut Vec<Cold>,
    /// The address of the current instruction, and its index.
    pub pc: u64,
    pub index: u16,
    /// See [`Access::uncounted`].
    pub uncounted: u16,
    pub insn_align: u64,
    /// The scratch registers in use by the current instruction, by number.
    used: u32,
    /// The current instruction cannot be compiled. What was emitted for it is dropped.
    pub uncompiled: bool,
    /// See [`Config::rounding`].
    pub rounding: Option<Rm>,
    /// The rounding mode of the current instruction, if it is not the guest's dynamic one.
    pub own_mode: Option<Rm>,
    /// See [`Config::reservations`].
    pub reservations: u64,
    /// See [`Config::reservation_offset`].
    pub reservation_offset: i32,
    /// The chain that the instruction is in.
    pub chain: Option<Chain>,
    /// The condition of the comparison that has just been emitted.
    pub condition: Option<x64::Cond>,
    /// What an instruction has compared.
    pub compared: Option<Compared>,
    /// The window that the instruction is in.
    pub window: Option<Window>,
    /// Whether the guest has the CSR of accrued exceptions.
    pub has_flags: bool,
    /// Whether the instruction has read the accrued exceptions, and nothing else.
    pub reads_flags: bool,
    /// Whether the instruction has saved MXCSR on the stack, for reading the accrued exceptions.
    pub saves_mxcsr: bool,
    /// The instruction at this label is executed by its definition. See [`Cold::Definition`].
    pub slow: Option<Label>,
    /// The same, where the superblock is then left. See [`Cold::Rare`].
    pub rare: Vec<(Label, FpKnown)>,
    /// The label of the next access.
    pub access_label: Option<Label>,
    /// See [`Config::translates`].
    pub translates: bool,
    /// The accesses at these labels are not in the TLB. See [`Cold::Miss`].
    pub missed: Vec<(Label, FpKnown)>,
    /// The span that is worth looking up by the current instruction.
    pub ahead: Option<Span>,
    /// Whether the base register of the current instruction is [chased](super::loops::chased).
    pub is_chased: bool,
}

/// The scratch registers, in the order in which they are given out. rcx comes last: shifts need it.
const SCRATCH: [Gpr; 3] = [Gpr::Rax, Gpr::Rdx, Gpr::Rcx];

/// The constant as an immediate operand.
pub(super) fn imm32(v: i64) -> Option<i32> {
    i32::try_from(v).ok()
}

/// The number of a rounding mode in MXCSR.
pub(super) fn in_mxcsr(rm: Rm) -> u8 {
    host::rounding(rm) as u8
}

pub(super) fn size_of_width(w: Width) -> Size {
    match w {
        Width::W32 => Size::Dword,
        Width::W64 => Size::Qword,
    }
}

impl<'a> Emitter<'a> {
    pub fn new(
        asm: &'a mut Assembler,
        config: &'a Config,
        map: &'a RegisterMap,
        nodes: &'a mut Nodes,
        accesses: &'a mut Vec<Access>,
        cold: &'a mut Vec<Cold>,
        isa: &Isa,
    ) -> Self {
        Self {
            asm,
            map,
            features: config.features,
            nodes,
            known: Known::default(),
            accesses,
            cold,
            pc: 0,
            index: 0,
            uncounted: 0,
            insn_align: insn_align(isa),
            used: 0,
            uncompiled: false,
            rounding: config.rounding,
            own_mode: None,
            reservations: config.reservations,
            reservation_offset: config.reservation_offset,
            chain: None,
            condition: None,
            compared: None,
            window: None,
            has_flags: isa.exts.contains(Ext::F),
            reads_flags: false,
            saves_mxcsr: false,
            slow: None,
            rare: Vec::new(),
            access_label: None,
            translates: config.translates,
            missed: Vec::new(),
            ahead: None,
            is_chased: false,
        }
    }

    /// Begins an instruction.
    pub fn begin(&mut self, index: u16, pc: u64) {
        self.index = index;
        self.pc = pc;
        self.nodes.clear();
        self.used = 0;
        self.uncompiled = false;
        self.reads_flags = false;
        self.saves_mxcsr = false;
        self.own_mode = None;
        self.forget_labels();
    }

    /// Forgets the labels of the instruction's cold parts.
    pub fn forget_labels(&mut self) {
        self.slow = None;
        self.rare.clear();
        self.missed.clear();
        self.access_label = None;
    }

    /// Gives up on the instruction. The value stands for any.
    pub fn uncompiled(&mut self) -> Val {
        self.uncompiled = true;
        self.nodes.imm(0)
    }

    /// A scratch register that the instruction does not use yet.
    pub fn scratch(&mut self) -> Gpr {
        match SCRATCH.into_iter().find(|r| self.used & 1 << r.number() == 0) {
            Some(reg) => {
                self.used |= 1 << reg.number();
                reg
            }
            None => {
                self.uncompiled = true;
                Gpr::Rax
            }
        }
    }

    /// Whether this is a scratch register.
    pub fn is_scratch(&self, reg: Gpr) -> bool {
        SCRATCH.contains(&reg)
    }

    /// A scratch register is not needed any more.
    pub fn release(&mut self, reg: Gpr) {
        self.used &= !(1 << reg.number());
    }

    /// Computes a value into a scratch register. What that takes beside is free again.
    pub fn eval_to_scratch(&mut self, v: Val) -> Gpr {
        let scratch = self.scratch();
        let used = self.used;
        self.eval(scratch, v);
        self.used = used;
        scratch
    }

    /// Computes an address into a register. What that takes beside is free again.
    pub fn eval_address(&mut self, d: Gpr, addr: Val) {
        let used = self.used;
        let sum = self.sum_of(addr, true);
        let operand = self.operand_of_sum(sum);
        self.used = used;
        self.asm.lea(Size::Qword, d, operand);
    }

    /// Takes a certain scratch register.
    pub fn take(&mut self, reg: Gpr) {
        if self.used & 1 << reg.number() != 0 {
            self.uncompiled = true;
        }
        self.used |= 1 << reg.number();
    }

    /// Gives all scratch registers back.
    pub fn free_scratch(&mut self) {
        self.used = 0;
    }

    /// Gives all scratch registers back but one.
    pub fn free_scratch_but(&mut self, reg: Gpr) {
        self.used &= 1 << reg.number();
    }

    /// The label of the next access.
    pub fn next_access_label(&mut self) -> Label {
        *self.access_label.get_or_insert_with(|| self.asm.new_label())
    }

    /// The next instruction of the host accesses guest memory.
    pub fn access(&mut self) {
        self.access_with(Unsettled::No);
    }

    /// The same, where a fault leaves the reservation as described.
    pub fn access_with(&mut self, reservation: Unsettled) {
        if self.uncompiled {
            // A label that is bound cannot be taken back.
            return;
        }
        if let Some(label) = self.access_label.take() {
            self.asm.bind(label);
        }
        let offset = self.asm.offset() as u32;
        let fresh = [Fmt::S, Fmt::D].map(|fmt| self.known.fp.all_fresh(fmt));
        let (insn, uncounted) = match self.chain {
            Some(chain) => (chain.index, chain.uncounted),
            None => (self.index, self.uncounted),
        };
        self.accesses.push(Access { offset, insn, uncounted, fresh, reservation });
    }

    /// The condition of the host's flags for a branch on what the instruction before has compared, if they still tell.
    pub fn as_compared(&mut self, cond: Cond, a: Val, b: Val) -> Option<x64::Cond> {
        let Compared { index, r, cond: holds } = self.compared?;
        let has_fresh = [Fmt::S, Fmt::D].into_iter().any(|fmt| self.known.fp.all_fresh(fmt) != 0);
        if index + 1 != self.index
            || has_fresh
            || self.nodes.get(a) != Node::Reg(r)
            || self.nodes.constant(b) != Some(0)
        {
            return None;
        }
        match cond {
            Cond::Ne => Some(holds),
            Cond::Eq => Some(holds.negate()),
            _ => None,
        }
    }

    /// What is known of a value before it is computed.
    pub fn fact(&self, v: Val) -> Fact {
        match self.nodes.get(v) {
            Node::Imm(v) => Fact::constant(v),
            Node::Reg(r) => self.known.get(r),
            Node::Extend(ty, a) => match (ty, self.fact(a)) {
                (MemType::I32, fact @ Fact { is_i32: true, .. }) => fact,
                (MemType::U32, fact @ Fact { is_u32: true, .. }) => fact,
                _ => Fact::extended(ty),
            },
            Node::Load(ty, _) => Fact::extended(ty),
            Node::Compare(..) | Node::FpCompare(..) | Node::FpClass(..) | Node::Bit(BitOp::Extract, ..) => Fact::SMALL,
            Node::FpToInt(_, IntType::I32 | IntType::U32, ..) => Fact::I32,
            Node::Unary(Unary::Clz | Unary::Ctz | Unary::Cpop, ..) => Fact::SMALL,
            Node::Binary(Binary::Lshr, w, _, n) => match self.nodes.constant(n).map(|n| n as u32 & (w.bits() - 1)) {
                Some(n) if n > w.bits() - 32 => Fact::SMALL,
                Some(32) if w == Width::W64 => Fact::extended(MemType::U32),
                _ if w == Width::W32 => Fact::I32,
                _ => Fact::NONE,
            },
            Node::Binary(Binary::And, _, _, n) => match self.nodes.constant(n) {
                Some(n) if (0..=i64::from(i32::MAX)).contains(&n) => Fact::SMALL,
                _ => Fact::NONE,
            },
            Node::Binary(_, Width::W32, ..) | Node::Unary(_, Width::W32, _) | Node::ShiftAdd(_, Width::W32, ..) => {
                Fact::I32
            }
            Node::Select(_, a, b) => {
                let (a, b) = (self.fact(a), self.fact(b));
                Fact { constant: None, is_i32: a.is_i32 && b.is_i32, is_u32: a.is_u32 && b.is_u32 }
            }
            _ => Fact::NONE,
        }
    }

    /// An operation on two values.
    pub fn binary(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        self.nodes.binary(op, w, a, b)
    }

    /// A look-up of the elements of the second value in the first.
    pub fn look_up(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        if !self.features.contains(HostFeatures::AVX) {
            return self.uncompiled();
        }
        self.binary(op, w, a, b)
    }

    /// A carry-less product.
    pub fn carryless(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        if !self.features.contains(HostFeatures::PCLMULQDQ) {
            return self.uncompiled();
        }
        self.binary(op, w, a, b)
    }

    /// An operation on one value.
    pub fn unary(&mut self, op: Unary, w: Width, a: Val) -> Val {
        self.nodes.push(Node::Unary(op, w, a))
    }

    /// Whether an operation in these formats that rounds in this mode is compiled.
    pub fn rounds(&self, formats: &[Fmt], rm: RmField) -> bool {
        self.has(formats) && self.mode_of(rm).is_some_and(|rm| Some(rm) == self.rounding)
    }

    /// The same where another mode is set for the operation alone, [in its own mode](Self::in_own_mode).
    pub fn rounds_as_said(&mut self, formats: &[Fmt], rm: RmField) -> bool {
        if self.rounds(formats, rm) {
            return true;
        }
        self.own_mode = self.mode_of(rm).filter(|_| self.has(formats) && self.rounding.is_some());
        self.own_mode.is_some()
    }

    /// The same for an operation that is exact.
    pub fn is_exact(&self, formats: &[Fmt], rm: RmField) -> bool {
        self.rounds(formats, rm) || self.has(formats) && Rm::from_bits(rm.0).is_some()
    }

    /// The rounding mode of an instruction, if it is valid and the host has it.
    pub fn mode_of(&self, rm: RmField) -> Option<Rm> {
        let rm = if rm == RmField::DYNAMIC { self.rounding } else { Rm::from_bits(rm.0) };
        rm.filter(|&rm| rm != Rm::Rmm)
    }

    /// Whether operations in these formats are compiled.
    pub fn has(&self, formats: &[Fmt]) -> bool {
        self.map.has_fp() && (!formats.contains(&Fmt::H) || self.features.contains(HostFeatures::F16C))
    }

    /// The register of a number.
    pub fn number(&self, v: Val) -> Reg {
        match self.nodes.get(v) {
            Node::Number(_, r) => r,
            other => unreachable!("instructions read their numbers from registers, not from {other:?}"),
        }
    }

    /// A number, or nothing if it is not compiled.
    pub fn number_if(&mut self, is_compiled: bool, node: Node) -> Result<Val, Stop> {
        if is_compiled { Ok(self.nodes.push(node)) } else { Err(Stop::Uncompiled) }
    }
}
