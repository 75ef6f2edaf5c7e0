//! The calls that an instruction's semantics makes to the `Semantics` trait, as values. They are recorded, changed by a
//! mutant, and executed.

use remu::guest::riscv::Trap;
use remu::guest::riscv::fp::{Fmt, RmField};
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Sgnj};
use remu::guest::{AmoOp, BitOp, Cond, Flow, MemType, Order, Reg, Semantics, Width};
use remu_isa::Insn;

/// A call without its values. A call without a result counts as returning its last operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read(Reg),
    Write(Reg),
    Imm(i64),
    Pc(i64),
    Binary(Binary, Width),
    ShiftAdd(Width, u8),
    Bit(Width, BitOp),
    Compare(Width, Cond),
    Select,
    Extend(MemType),
    Unary(Unary, Width),
    Address(i64),
    Load(MemType),
    Store(MemType),
    FpLoad(Fmt),
    FpStore(Fmt),
    Amo(AmoOp, MemType),
    Cas(MemType),
    LoadReserved(MemType),
    StoreConditional(MemType),
    ZeroBlock,
    ManageBlock,
    FpRead(Fmt, Reg),
    FpWrite(Fmt, Reg),
    FpReadBits(Reg),
    FpArith(FpOp, Fmt),
    FpSqrt(Fmt),
    FpFma { fmt: Fmt, neg_product: bool, neg_addend: bool },
    FpSgnj(Fmt, Sgnj),
    FpMinMax(FpMinMax, Fmt),
    FpCompare(FpCmp, Fmt),
    FpClass(Fmt),
    FpConvert(Fmt, Fmt),
    FpToInt(Fmt, IntType),
    FpFromInt(Fmt, IntType),
    FpRound(Fmt, bool),
    FpToIntModular,
    CsrRead(u16),
    CsrWrite(u16),
    // These are recorded, but mutated in their own way.
    CasPair(Width),
    Trap(Trap),
}

macro_rules! operations {
    ($type:ident of $count:tt: $($variant:ident = $method:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($variant,)* }

        impl $type {
            fn execute<S: RiscvSemantics>(self, s: &mut S, w: Width, v: &[S::Value]) -> S::Value {
                match self { $($type::$variant => operations!(@ $method, $count, s, w, v),)* }
            }
        }
    };
    // Some operate on all bits and have no width.
    (@ and, 2, $s:ident, $w:ident, $v:ident) => { $s.and($v[0], $v[1]) };
    (@ or, 2, $s:ident, $w:ident, $v:ident) => { $s.or($v[0], $v[1]) };
    (@ xor, 2, $s:ident, $w:ident, $v:ident) => { $s.xor($v[0], $v[1]) };
    (@ and_not, 2, $s:ident, $w:ident, $v:ident) => { $s.and_not($v[0], $v[1]) };
    (@ or_not, 2, $s:ident, $w:ident, $v:ident) => { $s.or_not($v[0], $v[1]) };
    (@ xor_not, 2, $s:ident, $w:ident, $v:ident) => { $s.xor_not($v[0], $v[1]) };
    (@ zip, 1, $s:ident, $w:ident, $v:ident) => { $s.zip($v[0]) };
    (@ unzip, 1, $s:ident, $w:ident, $v:ident) => { $s.unzip($v[0]) };
    (@ $method:ident, 1, $s:ident, $w:ident, $v:ident) => { $s.$method($w, $v[0]) };
    (@ $method:ident, 2, $s:ident, $w:ident, $v:ident) => { $s.$method($w, $v[0], $v[1]) };
}

operations! { Binary of 2:
    Add = add, Sub = sub, And = and, Or = or, Xor = xor, AndNot = and_not, OrNot = or_not, XorNot = xor_not,
    Shl = shl, Lshr = lshr, Ashr = ashr, Rotr = rotr, Rotl = rotl,
    Mul = mul, Mulh = mulh, Mulhu = mulhu, Mulhsu = mulhsu, Div = div, Divu = divu, Rem = rem, Remu = remu,
    Clmul = clmul, Clmulh = clmulh, Clmulr = clmulr, Xperm4 = xperm4, Xperm8 = xperm8,
}

operations! { Unary of 1:
    Clz = clz, Ctz = ctz, Cpop = cpop, Rev8 = rev8, Brev8 = brev8, OrcB = orc_b, Zip = zip, Unzip = unzip,
}

/// The parts of a call that a recording leaves out.
#[derive(Clone, Copy)]
pub struct How {
    pub rm: RmField,
    pub order: Order,
}

impl How {
    pub const PLAIN: How = How { rm: RmField::UNUSED, order: Order { acquire: false, release: false } };

    fn rounding(rm: RmField) -> How {
        How { rm, ..How::PLAIN }
    }

    fn ordered(order: Order) -> How {
        How { order, ..How::PLAIN }
    }
}

impl Call {
    /// Makes the call.
    pub fn execute<S: RiscvSemantics>(self, s: &mut S, v: &[S::Value], how: How) -> Result<S::Value, S::Stop> {
        let How { rm, order } = how;
        Ok(match self {
            Call::Read(r) => s.read(r),
            Call::Write(r) => {
                s.write(r, v[0]);
                v[0]
            }
            Call::Imm(value) => s.imm(value),
            Call::Pc(offset) => s.pc(offset),
            Call::Binary(op, w) => op.execute(s, w, v),
            Call::ShiftAdd(w, shift) => s.shift_add(w, shift, v[0], v[1]),
            Call::Bit(w, op) => s.bit(w, op, v[0], v[1]),
            Call::Compare(w, c) => s.compare(w, c, v[0], v[1]),
            Call::Select => s.select(v[0], v[1], v[2]),
            Call::Extend(ty) => s.extend(ty, v[0]),
            Call::Unary(op, w) => op.execute(s, w, v),
            Call::Address(offset) => s.address(v[0], offset),
            Call::Load(ty) => s.load(ty, v[0])?,
            Call::Store(ty) => {
                s.store(ty, v[0], v[1])?;
                v[1]
            }
            Call::FpLoad(fmt) => s.fp_load(fmt, v[0])?,
            Call::FpStore(fmt) => {
                s.fp_store(fmt, v[0], v[1])?;
                v[1]
            }
            Call::Amo(op, ty) => s.amo(op, ty, order, v[0], v[1])?,
            Call::Cas(ty) => s.cas(ty, order, v[0], v[1], v[2])?,
            Call::LoadReserved(ty) => s.load_reserved(ty, order, v[0])?,
            Call::StoreConditional(ty) => s.store_conditional(ty, order, v[0], v[1])?,
            Call::ZeroBlock => {
                s.zero_block(v[0])?;
                v[0]
            }
            Call::ManageBlock => {
                s.manage_block(v[0])?;
                v[0]
            }
            Call::FpRead(fmt, r) => s.fp_read(fmt, r),
            Call::FpWrite(fmt, r) => {
                s.fp_write(fmt, r, v[0]);
                v[0]
            }
            Call::FpReadBits(r) => s.fp_read_bits(r),
            Call::FpArith(op, fmt) => s.fp_arith(op, fmt, rm, v[0], v[1])?,
            Call::FpSqrt(fmt) => s.fp_sqrt(fmt, rm, v[0])?,
            Call::FpFma { fmt, neg_product, neg_addend } => {
                s.fp_fma(fmt, rm, neg_product, neg_addend, v[0], v[1], v[2])?
            }
            Call::FpSgnj(fmt, kind) => s.fp_sgnj(fmt, kind, v[0], v[1]),
            Call::FpMinMax(op, fmt) => s.fp_minmax(op, fmt, v[0], v[1]),
            Call::FpCompare(op, fmt) => s.fp_compare(op, fmt, v[0], v[1]),
            Call::FpClass(fmt) => s.fp_class(fmt, v[0]),
            Call::FpConvert(from, to) => s.fp_convert(from, to, rm, v[0])?,
            Call::FpToInt(fmt, ty) => s.fp_to_int(fmt, ty, rm, v[0])?,
            Call::FpFromInt(fmt, ty) => s.fp_from_int(fmt, ty, rm, v[0])?,
            Call::FpRound(fmt, exact) => s.fp_round(fmt, exact, rm, v[0])?,
            Call::FpToIntModular => s.fp_to_int_modular(v[0]),
            Call::CsrRead(csr) => s.csr_read(csr)?,
            Call::CsrWrite(csr) => {
                s.csr_write(csr, v[0])?;
                v[0]
            }
            Call::CasPair(_) | Call::Trap(_) => unreachable!("{self:?} is executed separately"),
        })
    }

    /// Whether it takes a rounding mode that can make a difference.
    pub fn rounds(self) -> bool {
        match self {
            Call::FpArith(..) | Call::FpSqrt(_) | Call::FpFma { .. } | Call::FpToInt(..) | Call::FpRound(..) => true,
            Call::FpConvert(from, to) => from.bits() > to.bits(),
            Call::FpFromInt(fmt, ty) => fmt != Fmt::D || matches!(ty, IntType::I64 | IntType::U64),
            _ => false,
        }
    }

    /// Whether it can raise floating-point flags.
    pub fn raises(self) -> bool {
        match self {
            Call::FpMinMax(..) | Call::FpCompare(..) | Call::FpToIntModular | Call::FpConvert(..) => true,
            _ => self.rounds(),
        }
    }
}

/// Observes the calls of one instruction, and may change them.
pub trait Watch {
    /// Executes the call, or a replacement.
    fn call<S: RiscvSemantics>(
        &mut self,
        s: &mut S,
        call: Call,
        v: &[S::Value],
        how: How,
    ) -> Result<S::Value, S::Stop> {
        call.execute(s, v, how)
    }

    /// What to raise instead of a trap.
    fn trap(&mut self, trap: Trap) -> Trap {
        trap
    }

    /// Executes a compare-and-swap of a pair: the width, and the expected and new values.
    fn cas_pair<V: Copy>(&mut self, w: Width, expected: [V; 2], new: [V; 2]) -> (Width, [V; 2], [V; 2]) {
        (w, expected, new)
    }
}

/// Semantics with observed calls.
pub struct Watched<'a, S, W> {
    pub inner: &'a mut S,
    pub watch: W,
}

impl<S: RiscvSemantics, W: Watch> Watched<'_, S, W> {
    fn fallible(&mut self, call: Call, v: &[S::Value], how: How) -> Result<S::Value, S::Stop> {
        self.watch.call(self.inner, call, v, how)
    }

    fn plain(&mut self, call: Call, v: &[S::Value]) -> S::Value {
        match self.fallible(call, v, How::PLAIN) {
            Ok(v) => v,
            Err(_) => unreachable!("an infallible call is only replaced by another infallible call"),
        }
    }
}

macro_rules! with_width {
    ($($name:ident($($arg:ident),*) = $call:ident $op:ident;)*) => {$(
        fn $name(&mut self, w: Width, $($arg: S::Value),*) -> S::Value {
            self.plain(Call::$call($call::$op, w), &[$($arg),*])
        }
    )*};
}

/// The same for operations on all bits, which have no width.
macro_rules! without_width {
    ($($name:ident($($arg:ident),*) = $call:ident $op:ident;)*) => {$(
        fn $name(&mut self, $($arg: S::Value),*) -> S::Value {
            self.plain(Call::$call($call::$op, S::XLEN), &[$($arg),*])
        }
    )*};
}

impl<S: RiscvSemantics, W: Watch> Semantics for Watched<'_, S, W> {
    type Value = S::Value;
    type Stop = S::Stop;

    const XLEN: Width = S::XLEN;

    with_width! {
        add(a, b) = Binary Add;
        sub(a, b) = Binary Sub;
        shl(a, b) = Binary Shl;
        lshr(a, b) = Binary Lshr;
        ashr(a, b) = Binary Ashr;
        rotr(a, b) = Binary Rotr;
        rotl(a, b) = Binary Rotl;
        mul(a, b) = Binary Mul;
        mulh(a, b) = Binary Mulh;
        mulhu(a, b) = Binary Mulhu;
        mulhsu(a, b) = Binary Mulhsu;
        div(a, b) = Binary Div;
        divu(a, b) = Binary Divu;
        rem(a, b) = Binary Rem;
        remu(a, b) = Binary Remu;
        clmul(a, b) = Binary Clmul;
        clmulh(a, b) = Binary Clmulh;
        clz(a) = Unary Clz;
        ctz(a) = Unary Ctz;
        cpop(a) = Unary Cpop;
        rev8(a) = Unary Rev8;
    }

    without_width! {
        and(a, b) = Binary And;
        or(a, b) = Binary Or;
        xor(a, b) = Binary Xor;
        and_not(a, b) = Binary AndNot;
        or_not(a, b) = Binary OrNot;
        xor_not(a, b) = Binary XorNot;
    }

    fn read(&mut self, r: Reg) -> S::Value {
        self.plain(Call::Read(r), &[])
    }

    fn write(&mut self, r: Reg, v: S::Value) {
        self.plain(Call::Write(r), &[v]);
    }

    fn imm(&mut self, v: i64) -> S::Value {
        self.plain(Call::Imm(v), &[])
    }

    fn pc(&mut self, offset: i64) -> S::Value {
        self.plain(Call::Pc(offset), &[])
    }

    fn shift_add(&mut self, w: Width, shift: u8, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::ShiftAdd(w, shift), &[a, b])
    }

    fn bit(&mut self, w: Width, op: BitOp, a: S::Value, index: S::Value) -> S::Value {
        self.plain(Call::Bit(w, op), &[a, index])
    }

    fn compare(&mut self, w: Width, c: Cond, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::Compare(w, c), &[a, b])
    }

    fn select(&mut self, c: S::Value, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::Select, &[c, a, b])
    }

    fn extend(&mut self, ty: MemType, a: S::Value) -> S::Value {
        self.plain(Call::Extend(ty), &[a])
    }

    fn address(&mut self, base: S::Value, offset: i64) -> S::Value {
        self.plain(Call::Address(offset), &[base])
    }

    fn load(&mut self, ty: MemType, addr: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::Load(ty), &[addr], How::PLAIN)
    }

    fn store(&mut self, ty: MemType, addr: S::Value, v: S::Value) -> Result<(), S::Stop> {
        self.fallible(Call::Store(ty), &[addr, v], How::PLAIN).map(drop)
    }

    fn amo(&mut self, op: AmoOp, ty: MemType, order: Order, addr: S::Value, v: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::Amo(op, ty), &[addr, v], How::ordered(order))
    }

    fn cas(
        &mut self,
        ty: MemType,
        order: Order,
        addr: S::Value,
        expected: S::Value,
        new: S::Value,
    ) -> Result<S::Value, S::Stop> {
        self.fallible(Call::Cas(ty), &[addr, expected, new], How::ordered(order))
    }

    fn cas_pair(
        &mut self,
        w: Width,
        order: Order,
        addr: S::Value,
        expected: [S::Value; 2],
        new: [S::Value; 2],
    ) -> Result<[S::Value; 2], S::Stop> {
        let (w, expected, new) = self.watch.cas_pair(w, expected, new);
        self.inner.cas_pair(w, order, addr, expected, new)
    }

    fn load_reserved(&mut self, ty: MemType, order: Order, addr: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::LoadReserved(ty), &[addr], How::ordered(order))
    }

    fn store_conditional(
        &mut self,
        ty: MemType,
        order: Order,
        addr: S::Value,
        v: S::Value,
    ) -> Result<S::Value, S::Stop> {
        self.fallible(Call::StoreConditional(ty), &[addr, v], How::ordered(order))
    }

    fn fence(&mut self, pred: u8, succ: u8) {
        self.inner.fence(pred, succ);
    }

    fn fence_i(&mut self) {
        self.inner.fence_i();
    }

    fn zero_block(&mut self, addr: S::Value) -> Result<(), S::Stop> {
        self.fallible(Call::ZeroBlock, &[addr], How::PLAIN).map(drop)
    }

    fn manage_block(&mut self, addr: S::Value) -> Result<(), S::Stop> {
        self.fallible(Call::ManageBlock, &[addr], How::PLAIN).map(drop)
    }

    fn pause(&mut self) {
        self.inner.pause();
    }
}

impl<S: RiscvSemantics, W: Watch> RiscvSemantics for Watched<'_, S, W> {
    without_width! {
        zip(a) = Unary Zip;
        unzip(a) = Unary Unzip;
    }

    with_width! {
        clmulr(a, b) = Binary Clmulr;
        xperm4(a, b) = Binary Xperm4;
        xperm8(a, b) = Binary Xperm8;
        brev8(a) = Unary Brev8;
        orc_b(a) = Unary OrcB;
    }

    fn fp_load(&mut self, fmt: Fmt, addr: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpLoad(fmt), &[addr], How::PLAIN)
    }

    fn fp_store(&mut self, fmt: Fmt, addr: S::Value, bits: S::Value) -> Result<(), S::Stop> {
        self.fallible(Call::FpStore(fmt), &[addr, bits], How::PLAIN).map(drop)
    }

    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> S::Value {
        self.plain(Call::FpRead(fmt, r), &[])
    }

    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: S::Value) {
        self.plain(Call::FpWrite(fmt, r), &[v]);
    }

    fn fp_read_bits(&mut self, r: Reg) -> S::Value {
        self.plain(Call::FpReadBits(r), &[])
    }

    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: S::Value, b: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpArith(op, fmt), &[a, b], How::rounding(rm))
    }

    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpSqrt(fmt), &[a], How::rounding(rm))
    }

    fn fp_fma(
        &mut self,
        fmt: Fmt,
        rm: RmField,
        neg_product: bool,
        neg_addend: bool,
        a: S::Value,
        b: S::Value,
        c: S::Value,
    ) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpFma { fmt, neg_product, neg_addend }, &[a, b, c], How::rounding(rm))
    }

    fn fp_sgnj(&mut self, fmt: Fmt, kind: Sgnj, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::FpSgnj(fmt, kind), &[a, b])
    }

    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::FpMinMax(op, fmt), &[a, b])
    }

    fn fp_compare(&mut self, op: FpCmp, fmt: Fmt, a: S::Value, b: S::Value) -> S::Value {
        self.plain(Call::FpCompare(op, fmt), &[a, b])
    }

    fn fp_class(&mut self, fmt: Fmt, a: S::Value) -> S::Value {
        self.plain(Call::FpClass(fmt), &[a])
    }

    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpConvert(from, to), &[a], How::rounding(rm))
    }

    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpToInt(fmt, ty), &[a], How::rounding(rm))
    }

    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpFromInt(fmt, ty), &[a], How::rounding(rm))
    }

    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: S::Value) -> Result<S::Value, S::Stop> {
        self.fallible(Call::FpRound(fmt, exact), &[a], How::rounding(rm))
    }

    fn fp_to_int_modular(&mut self, a: S::Value) -> S::Value {
        self.plain(Call::FpToIntModular, &[a])
    }

    fn csr_read(&mut self, csr: u16) -> Result<S::Value, S::Stop> {
        self.fallible(Call::CsrRead(csr), &[], How::PLAIN)
    }

    fn csr_write(&mut self, csr: u16, v: S::Value) -> Result<(), S::Stop> {
        self.fallible(Call::CsrWrite(csr), &[v], How::PLAIN).map(drop)
    }

    fn insn_align(&self) -> u64 {
        self.inner.insn_align()
    }

    fn check_target(&mut self, target: S::Value) -> Result<(), S::Stop> {
        self.inner.check_target(target)
    }

    fn trap(&mut self, trap: Trap) -> S::Stop {
        let trap = self.watch.trap(trap);
        self.inner.trap(trap)
    }

    fn check_block_management(&mut self) -> Result<(), S::Stop> {
        self.inner.check_block_management()
    }

    fn privileged(&mut self, insn: &Insn, rs1: S::Value, rs2: S::Value) -> Result<Flow<S::Value>, S::Stop> {
        self.inner.privileged(insn, rs1, rs2)
    }
}
