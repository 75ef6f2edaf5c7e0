//! The operations that any guest could use, as descriptions of values.

use super::emitter::{Chain, Compared, Emitter, Stop};
use super::flags::ReadFlags;
use super::node::{Binary, Node, Unary, Val};
use crate::guest::{AmoOp, BitOp, Cond, MemType, Order, Reg, Semantics, Width};
use crate::jit::x64::HostFeatures;

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

impl Semantics for Emitter<'_> {
    type Value = Val;
    type Stop = Stop;

    const XLEN: Width = Width::W64;

    fn read(&mut self, r: Reg) -> Val {
        if let Some(Chain { rd, value: Some(v), .. }) = self.chain
            && rd == r
        {
            return v;
        }
        match self.known.get(r).constant {
            Some(v) => self.nodes.imm(v),
            None => self.nodes.push(Node::Reg(r)),
        }
    }

    fn write(&mut self, r: Reg, v: Val) {
        if self.uncompiled {
            return;
        }
        if let Some(chain) = self.chain.as_mut().filter(|chain| chain.is_open) {
            chain.value = Some(v);
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
        let sum = self.lasting_sum(v).filter(|sum| !sum.reads(r));
        self.condition = None;
        self.write_register(r, v);
        if self.uncompiled {
            return;
        }
        self.known.set(r, fact);
        if self.reads_flags {
            self.known.fp.flags = Some(ReadFlags { r, index: self.index });
        }
        if let Some(sum) = sum {
            self.known.set_sum(r, sum);
        }
        if let Node::Compare(..) | Node::FpCompare(..) = self.nodes.get(v) {
            self.compared = self.condition.map(|cond| Compared { index: self.index, r, cond });
        }
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
        // A machine may let another hart run.
        match self.translates {
            true => self.uncompiled = true,
            false => self.asm.pause(),
        }
    }
}
