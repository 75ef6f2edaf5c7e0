//! The state of the emission of one block, and the operations of [`Semantics`] as descriptions of values.

use super::Config;
use super::known::{Fact, FpKnown, Known};
use super::map::{RegisterMap, f_slot};
use super::node::{Binary, Node, Nodes, Rounding, Unary, Val};
use super::window::Window;
use crate::guest::riscv::csr::{FFLAGS, FRM};
use crate::guest::riscv::fp::{Fmt, Rm, RmField};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Sgnj, Trap, insn_align};
use crate::guest::{AmoOp, BitOp, Cond, Flow, MemType, Order, Reg, Semantics, Width};
use crate::jit::x64::{Assembler, Gpr, HostFeatures, Label, Mem, Size, Xmm};
use remu_isa::{Ext, Insn, Isa};

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
    Pause { from: Label, pc: u64 },
    /// The exit to a block that is not linked. `at` is the offset of the displacement to link.
    Unlinked { at: usize, pc: u64 },
    /// Leaves for the reason in rax.
    Leave { from: Label },
    /// Leaves to look up the block at the pc in rax.
    Missed { from: Label },
    /// Executes the instruction at the pc by its definition, and goes on behind it.
    Definition { from: Label, back: Label, pc: u64, bits: u32, uncounted: u16 },
    /// Executes the instruction by its definition, and leaves.
    Rare { from: Label, pc: u64, bits: u32, next: u64, uncounted: u16, known: FpKnown },
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
    /// At least one of two registers holds a NaN to be made canonical.
    Nan { from: Label, back: Label, fmt: Fmt, regs: [Xmm; 2] },
    /// The minimum or maximum of equal numbers: the result and the operands.
    Equal { from: Label, back: Label, op: FpMinMax, operands: [Xmm; 3] },
    /// Division by zero or by minus one, which is in rcx; the dividend is in rax.
    Division { from: Label, back: Label, op: Binary, size: Size },
}

/// The first instruction of a pair, whose result is known but not written.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    /// See [`Access::insn`].
    pub index: u16,
    /// See [`Access::uncounted`].
    pub uncounted: u16,
    /// The register.
    pub rd: Reg,
    /// The result.
    pub result: i64,
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
    /// Whether the dynamic rounding mode is that of MXCSR.
    pub dynamic: bool,
    /// See [`Config::reservations`].
    pub reservations: u64,
    /// The first instruction of the pair that the instruction is the second of.
    pub first: Option<First>,
    /// The window that the instruction is in.
    pub window: Option<Window>,
    /// Whether the guest has the CSR of accrued exceptions.
    has_flags: bool,
    /// The instruction at this label is executed by its definition. See [`Cold::Definition`].
    pub slow: Option<Label>,
    /// The same, where the superblock is then left. See [`Cold::Rare`].
    pub rare: Vec<(Label, FpKnown)>,
    /// The label of the next access.
    pub access_label: Option<Label>,
}

/// The scratch registers, in the order in which they are given out. rcx comes last: shifts need it.
const SCRATCH: [Gpr; 3] = [Gpr::Rax, Gpr::Rdx, Gpr::Rcx];

/// The constant as an immediate operand.
pub(super) fn imm32(v: i64) -> Option<i32> {
    i32::try_from(v).ok()
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
        nodes: &'a mut Nodes,
        accesses: &'a mut Vec<Access>,
        cold: &'a mut Vec<Cold>,
        isa: &Isa,
    ) -> Self {
        Self {
            asm,
            map: &config.map,
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
            dynamic: config.dynamic,
            reservations: config.reservations,
            first: None,
            window: None,
            has_flags: isa.exts.contains(Ext::F),
            slow: None,
            rare: Vec::new(),
            access_label: None,
        }
    }

    /// Begins an instruction.
    pub fn begin(&mut self, index: u16, pc: u64) {
        self.index = index;
        self.pc = pc;
        self.nodes.clear();
        self.used = 0;
        self.uncompiled = false;
        self.forget_labels();
    }

    /// Forgets the labels of the instruction's cold parts.
    pub fn forget_labels(&mut self) {
        self.slow = None;
        self.rare.clear();
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

    /// A scratch register is not needed any more.
    pub fn release(&mut self, reg: Gpr) {
        self.used &= !(1 << reg.number());
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
        if let Some(label) = self.access_label.take() {
            self.asm.bind(label);
        }
        let offset = self.asm.offset() as u32;
        let fresh = [Fmt::S, Fmt::D].map(|fmt| self.known.fp.all_fresh(fmt));
        let (insn, uncounted) = match self.first {
            Some(first) => (first.index, first.uncounted),
            None => (self.index, self.uncounted),
        };
        self.accesses.push(Access { offset, insn, uncounted, fresh, reservation: Unsettled::No });
    }

    /// What is known of a value before it is computed.
    fn fact(&self, v: Val) -> Fact {
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

    fn binary(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        self.nodes.binary(op, w, a, b)
    }

    fn carryless(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        if !self.features.contains(HostFeatures::PCLMULQDQ) {
            return self.uncompiled();
        }
        self.binary(op, w, a, b)
    }

    fn unary(&mut self, op: Unary, w: Width, a: Val) -> Val {
        self.nodes.push(Node::Unary(op, w, a))
    }

    /// Whether an operation in these formats that rounds in this mode is compiled.
    fn rounds(&self, formats: &[Fmt], rm: RmField) -> bool {
        self.has(formats) && rm == RmField::DYNAMIC && self.dynamic
    }

    /// The same for an operation that is exact.
    fn is_exact(&self, formats: &[Fmt], rm: RmField) -> bool {
        self.rounds(formats, rm) || self.has(formats) && rm.0 <= Rm::Rmm.bits()
    }

    /// Whether operations in these formats are compiled.
    fn has(&self, formats: &[Fmt]) -> bool {
        self.map.has_fp() && !formats.contains(&Fmt::H)
    }

    /// The register of a number.
    fn number(&self, v: Val) -> Reg {
        match self.nodes.get(v) {
            Node::Number(_, r) => r,
            other => unreachable!("instructions read their numbers from registers, not from {other:?}"),
        }
    }

    /// A number, or nothing if it is not compiled.
    fn number_if(&mut self, is_compiled: bool, node: Node) -> Result<Val, Stop> {
        if is_compiled { Ok(self.nodes.push(node)) } else { Err(Stop::Uncompiled) }
    }
}

/// The type of a number in memory.
fn type_of(fmt: Fmt) -> MemType {
    match fmt {
        Fmt::H => MemType::U16,
        Fmt::S => MemType::U32,
        Fmt::D => MemType::I64,
    }
}

macro_rules! binaries {
    ($($name:ident = $op:ident;)*) => {$(
        fn $name(&mut self, w: Width, a: Val, b: Val) -> Val {
            self.binary(Binary::$op, w, a, b)
        }
    )*};
}

macro_rules! bitwise {
    ($($name:ident = $op:ident;)*) => {$(
        fn $name(&mut self, a: Val, b: Val) -> Val {
            self.binary(Binary::$op, Width::W64, a, b)
        }
    )*};
}

/// Operations that are executed by their definition.
macro_rules! uncompiled {
    ($($name:ident($($arg:ty),*);)*) => {$(
        fn $name(&mut self, $(_: $arg),*) -> Val {
            self.uncompiled()
        }
    )*};
}

/// The same, for those that can stop.
macro_rules! uncompiled_results {
    ($($name:ident($($arg:ty),*);)*) => {$(
        fn $name(&mut self, $(_: $arg),*) -> Result<Val, Stop> {
            Err(Stop::Uncompiled)
        }
    )*};
}

impl Semantics for Emitter<'_> {
    type Value = Val;
    type Stop = Stop;

    const XLEN: Width = Width::W64;

    fn read(&mut self, r: Reg) -> Val {
        match self.known.get(r).constant {
            Some(v) => self.nodes.imm(v),
            None => self.nodes.push(Node::Reg(r)),
        }
    }

    fn write(&mut self, r: Reg, v: Val) {
        if self.uncompiled {
            return;
        }
        let v = match self.nodes.get(v) {
            Node::Amo(op, ty, addr, operand) => self.emit_amo(op, ty, addr, operand, r != 0),
            _ => v,
        };
        if self.uncompiled {
            return;
        }
        if r == 0 {
            // A load to x0 can still fault, and an operation on numbers raise a flag.
            if let Node::Load(..) | Node::FpCompare(..) | Node::FpToInt(..) = self.nodes.get(v) {
                let scratch = self.scratch();
                self.eval(scratch, v);
            }
            return;
        }
        let fact = self.fact(v);
        self.write_register(r, v);
        self.known.set(r, fact);
    }

    fn imm(&mut self, v: i64) -> Val {
        self.nodes.imm(v)
    }

    fn pc(&mut self, offset: i64) -> Val {
        self.nodes.imm(self.pc.wrapping_add_signed(offset) as i64)
    }

    binaries! {
        add = Add;
        sub = Sub;
        shl = Shl;
        lshr = Lshr;
        ashr = Ashr;
        rotr = Rotr;
        rotl = Rotl;
        mul = Mul;
        mulh = Mulh;
        mulhu = Mulhu;
        mulhsu = Mulhsu;
        div = Div;
        divu = Divu;
        rem = Rem;
        remu = Remu;
    }

    bitwise! {
        and = And;
        or = Or;
        xor = Xor;
        and_not = AndNot;
        or_not = OrNot;
        xor_not = XorNot;
    }

    fn shift_add(&mut self, w: Width, shift: u8, a: Val, b: Val) -> Val {
        match (shift, self.nodes.constant(a)) {
            (0, _) => self.binary(Binary::Add, w, a, b),
            (_, Some(a)) => {
                let a = self.nodes.imm(a << shift);
                self.binary(Binary::Add, w, a, b)
            }
            _ => self.nodes.push(Node::ShiftAdd(shift, w, a, b)),
        }
    }

    fn compare(&mut self, w: Width, c: Cond, a: Val, b: Val) -> Val {
        self.nodes.compare(w, c, a, b)
    }

    fn select(&mut self, c: Val, a: Val, b: Val) -> Val {
        match self.nodes.constant(c) {
            Some(0) => b,
            Some(_) => a,
            None => self.nodes.push(Node::Select(c, a, b)),
        }
    }

    fn extend(&mut self, ty: MemType, a: Val) -> Val {
        self.nodes.extend(ty, a)
    }

    fn bit(&mut self, w: Width, op: BitOp, a: Val, index: Val) -> Val {
        self.nodes.push(Node::Bit(op, w, a, index))
    }

    fn clz(&mut self, w: Width, a: Val) -> Val {
        if !self.features.contains(HostFeatures::LZCNT) {
            return self.uncompiled();
        }
        self.unary(Unary::Clz, w, a)
    }

    fn ctz(&mut self, w: Width, a: Val) -> Val {
        if !self.features.contains(HostFeatures::BMI1) {
            return self.uncompiled();
        }
        self.unary(Unary::Ctz, w, a)
    }

    fn cpop(&mut self, w: Width, a: Val) -> Val {
        if !self.features.contains(HostFeatures::POPCNT) {
            return self.uncompiled();
        }
        self.unary(Unary::Cpop, w, a)
    }

    fn rev8(&mut self, w: Width, a: Val) -> Val {
        self.unary(Unary::Rev8, w, a)
    }

    fn clmul(&mut self, w: Width, a: Val, b: Val) -> Val {
        self.carryless(Binary::Clmul, w, a, b)
    }

    fn clmulh(&mut self, w: Width, a: Val, b: Val) -> Val {
        self.carryless(Binary::Clmulh, w, a, b)
    }

    fn address(&mut self, base: Val, offset: i64) -> Val {
        let offset = self.nodes.imm(offset);
        self.binary(Binary::Add, Width::W64, base, offset)
    }

    fn load(&mut self, ty: MemType, addr: Val) -> Result<Val, Stop> {
        Ok(self.nodes.push(Node::Load(ty, addr)))
    }

    fn store(&mut self, ty: MemType, addr: Val, v: Val) -> Result<(), Stop> {
        self.emit_store(ty, addr, v);
        Ok(())
    }

    fn load_reserved(&mut self, ty: MemType, order: Order, addr: Val) -> Result<Val, Stop> {
        Ok(match self.window {
            Some(_) => self.emit_window_load(ty, order, addr),
            None => self.emit_load_reserved(ty, order, addr),
        })
    }

    fn store_conditional(&mut self, ty: MemType, _: Order, addr: Val, v: Val) -> Result<Val, Stop> {
        Ok(match self.window {
            Some(window) => self.emit_window_store(window, addr, v),
            None => self.emit_store_conditional(ty, addr, v),
        })
    }

    fn amo(&mut self, op: AmoOp, ty: MemType, _: Order, addr: Val, v: Val) -> Result<Val, Stop> {
        Ok(self.nodes.push(Node::Amo(op, ty, addr, v)))
    }

    fn cas(&mut self, ty: MemType, _: Order, addr: Val, expected: Val, new: Val) -> Result<Val, Stop> {
        Ok(self.emit_cas(ty, addr, expected, new))
    }

    fn cas_pair(&mut self, _: Width, _: Order, _: Val, _: [Val; 2], _: [Val; 2]) -> Result<[Val; 2], Stop> {
        Err(Stop::Uncompiled)
    }

    fn fence(&mut self, pred: u8, succ: u8) {
        // The host keeps every order except that of an earlier store and a later load (I/O counts as both).
        if pred & 0b0101 != 0 && succ & 0b1010 != 0 {
            self.full_barrier();
        }
    }

    fn fence_i(&mut self) {
        self.uncompiled = true;
    }

    fn zero_block(&mut self, _: Val) -> Result<(), Stop> {
        Err(Stop::Uncompiled)
    }

    fn manage_block(&mut self, _: Val) -> Result<(), Stop> {
        Err(Stop::Uncompiled)
    }

    fn pause(&mut self) {
        self.asm.pause();
    }
}

impl RiscvSemantics for Emitter<'_> {
    fn insn_align(&self) -> u64 {
        self.insn_align
    }

    fn check_target(&mut self, target: Val) -> Result<(), Stop> {
        match self.nodes.constant(target) {
            Some(target) if (target as u64).is_multiple_of(self.insn_align) => Ok(()),
            // Bit 0 is always clear. The instruction may write the register that its target is computed from.
            None if self.insn_align == 2 => {
                self.take(Gpr::Rax);
                self.eval(Gpr::Rax, target);
                Ok(())
            }
            _ => Err(Stop::Uncompiled),
        }
    }

    uncompiled! {
        brev8(Width, Val);
        zip(Val);
        unzip(Val);
        xperm4(Width, Val, Val);
        xperm8(Width, Val, Val);
        fp_to_int_modular(Val);
    }

    fn orc_b(&mut self, w: Width, a: Val) -> Val {
        if !self.features.contains(HostFeatures::AVX) {
            return self.uncompiled();
        }
        self.unary(Unary::OrcB, w, a)
    }

    fn clmulr(&mut self, w: Width, a: Val, b: Val) -> Val {
        self.carryless(Binary::Clmulr, w, a, b)
    }

    fn fp_sgnj(&mut self, fmt: Fmt, kind: Sgnj, a: Val, b: Val) -> Val {
        if !self.has(&[fmt]) {
            return self.uncompiled();
        }
        let (a, b) = (self.number(a), self.number(b));
        self.nodes.push(Node::FpSign(kind, fmt, a, b))
    }

    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: Val, b: Val) -> Val {
        if !self.has(&[fmt]) || !matches!(op, FpMinMax::Min | FpMinMax::Max) {
            return self.uncompiled();
        }
        let (a, b) = (self.number(a), self.number(b));
        self.nodes.push(Node::FpMinMax(op, fmt, a, b))
    }

    fn fp_compare(&mut self, op: FpCmp, fmt: Fmt, a: Val, b: Val) -> Val {
        if !self.has(&[fmt]) {
            return self.uncompiled();
        }
        let (a, b) = (self.number(a), self.number(b));
        self.nodes.push(Node::FpCompare(op, fmt, a, b))
    }

    fn fp_class(&mut self, fmt: Fmt, a: Val) -> Val {
        if !self.has(&[fmt]) {
            return self.uncompiled();
        }
        let a = self.number(a);
        self.nodes.push(Node::FpClass(fmt, a))
    }

    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> Val {
        self.nodes.push(Node::Number(fmt, r))
    }

    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: Val) {
        if self.uncompiled {
            return;
        }
        if self.map.has_fp() { self.write_fp(fmt, r, v) } else { self.write_fp_from_integer(fmt, f_slot(r), v) }
    }

    fn fp_read_bits(&mut self, r: Reg) -> Val {
        self.nodes.push(Node::FpBits(r))
    }

    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: Val, b: Val) -> Result<Val, Stop> {
        let node = Node::FpArith(op, fmt, self.number(a), self.number(b));
        self.number_if(self.rounds(&[fmt], rm), node)
    }

    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: Val) -> Result<Val, Stop> {
        let node = Node::FpSqrt(fmt, self.number(a));
        self.number_if(self.rounds(&[fmt], rm), node)
    }

    fn fp_fma(
        &mut self,
        fmt: Fmt,
        rm: RmField,
        neg_product: bool,
        neg_addend: bool,
        a: Val,
        b: Val,
        c: Val,
    ) -> Result<Val, Stop> {
        let is_compiled = self.rounds(&[fmt], rm) && self.features.contains(HostFeatures::FMA);
        let node = Node::FpFma(fmt, (neg_product, neg_addend), self.number(a), self.number(b), self.number(c));
        self.number_if(is_compiled, node)
    }

    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: Val) -> Result<Val, Stop> {
        let is_compiled = if to == Fmt::D { self.is_exact(&[from, to], rm) } else { self.rounds(&[from, to], rm) };
        let node = Node::FpConvert(from, to, self.number(a));
        self.number_if(is_compiled, node)
    }

    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Val) -> Result<Val, Stop> {
        let rounding = match Rm::from_bits(rm.0) {
            Some(Rm::Rtz) => Some(Rounding::Truncate),
            Some(Rm::Rne) => Some(Rounding::Mode(0)),
            Some(Rm::Rdn) => Some(Rounding::Mode(1)),
            Some(Rm::Rup) => Some(Rounding::Mode(2)),
            Some(Rm::Rmm) => None,
            None if rm == RmField::DYNAMIC && self.dynamic => Some(Rounding::Current),
            None => None,
        };
        let Some(rounding) = rounding.filter(|_| self.has(&[fmt])) else { return Err(Stop::Uncompiled) };
        let a = self.number(a);
        Ok(self.nodes.push(Node::FpToInt(fmt, ty, rounding, a)))
    }

    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Val) -> Result<Val, Stop> {
        let is_exact = fmt == Fmt::D && matches!(ty, IntType::I32 | IntType::U32);
        let is_compiled = if is_exact { self.is_exact(&[fmt], rm) } else { self.rounds(&[fmt], rm) };
        self.number_if(is_compiled, Node::FpFromInt(fmt, ty, a))
    }

    uncompiled_results! {
        fp_round(Fmt, bool, RmField, Val);
    }

    fn fp_load(&mut self, fmt: Fmt, addr: Val) -> Result<Val, Stop> {
        self.load(type_of(fmt), addr)
    }

    fn fp_store(&mut self, fmt: Fmt, addr: Val, bits: Val) -> Result<(), Stop> {
        self.emit_fp_store(fmt, addr, bits);
        Ok(())
    }

    fn csr_read(&mut self, csr: u16) -> Result<Val, Stop> {
        let value = match csr {
            FFLAGS if self.has_flags => self.read_flags(),
            FRM if self.has_flags => {
                let mode = self.scratch();
                self.asm.movzx(Size::Byte, mode, super::map::FRM);
                mode
            }
            _ => return Err(Stop::Uncompiled),
        };
        Ok(self.nodes.push(Node::Scratch(value)))
    }

    fn csr_write(&mut self, csr: u16, v: Val) -> Result<(), Stop> {
        match csr {
            FFLAGS if self.has_flags => self.write_flags(v),
            FRM if self.has_flags => self.write_same_mode(v),
            _ => return Err(Stop::Uncompiled),
        }
        Ok(())
    }

    fn trap(&mut self, trap: Trap) -> Stop {
        match trap {
            Trap::EnvironmentCall => Stop::Syscall,
            Trap::Breakpoint => Stop::Breakpoint,
        }
    }

    fn privileged(&mut self, _: &Insn, _: Val, _: Val) -> Result<Flow<Val>, Stop> {
        Err(Stop::Uncompiled)
    }
}
