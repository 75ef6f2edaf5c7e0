//! RISC-V's own operations, as descriptions of values.

use super::emitter::{Emitter, Stop, in_mxcsr};
use super::node::{Binary, FromInt, Node, Rounding, Unary, Val};
use crate::guest::riscv::csr::{FCSR, FFLAGS, FRM};
use crate::guest::riscv::fp::{Fmt, Rm, RmField};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Sgnj, Trap};
use crate::guest::{Flow, MemType, Reg, Semantics as _, Width};
use crate::jit::x64::{Alu, Gpr, HostFeatures, Shift, Size};
use remu_isa::Insn;

/// The type of a number in memory.
fn type_of(fmt: Fmt) -> MemType {
    match fmt {
        Fmt::H => MemType::U16,
        Fmt::S => MemType::U32,
        Fmt::D => MemType::I64,
    }
}

/// Where the rounding mode is in `fcsr`.
const MODE_IN_FCSR: u8 = 5;

/// For [`vround`](crate::jit::x64::Assembler::vround): without the inexact flag.
const WITHOUT_INEXACT: u8 = 8;

/// Operations that are executed by their definition.
macro_rules! uncompiled {
    ($($name:ident($($arg:ty),*);)*) => {$(
        fn $name(&mut self, $(_: $arg),*) -> Val {
            self.uncompiled()
        }
    )*};
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
        zip(Val);
        unzip(Val);
    }

    fn brev8(&mut self, w: Width, a: Val) -> Val {
        self.unary(Unary::Brev8, w, a)
    }

    fn xperm4(&mut self, w: Width, a: Val, b: Val) -> Val {
        self.look_up(Binary::Xperm4, w, a, b)
    }

    fn xperm8(&mut self, w: Width, a: Val, b: Val) -> Val {
        self.look_up(Binary::Xperm8, w, a, b)
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
        if fmt == Fmt::H {
            return self.half_sign(kind, a, b);
        }
        self.nodes.push(Node::FpSign(kind, fmt, a, b))
    }

    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: Val, b: Val) -> Val {
        if !self.has(&[fmt]) {
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
        if self.map.has_fp() {
            self.write_fp(fmt, r, v)
        } else {
            self.write_fp_from_integer(fmt, self.map.f_slot(r), v)
        }
    }

    fn fp_read_bits(&mut self, r: Reg) -> Val {
        self.nodes.push(Node::FpBits(r))
    }

    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: Val, b: Val) -> Result<Val, Stop> {
        let node = Node::FpArith(op, fmt, self.number(a), self.number(b));
        let is_compiled = self.rounds_as_said(&[fmt], rm);
        self.number_if(is_compiled, node)
    }

    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: Val) -> Result<Val, Stop> {
        let node = Node::FpSqrt(fmt, self.number(a));
        let is_compiled = self.rounds_as_said(&[fmt], rm);
        self.number_if(is_compiled, node)
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
        let is_compiled = fmt != Fmt::H && self.features.contains(HostFeatures::FMA) && self.rounds_as_said(&[fmt], rm);
        let node = Node::FpFma(fmt, (neg_product, neg_addend), self.number(a), self.number(b), self.number(c));
        self.number_if(is_compiled, node)
    }

    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: Val) -> Result<Val, Stop> {
        let is_compiled = match (from, to) {
            (Fmt::D, Fmt::H) => false,
            (_, Fmt::D) | (Fmt::H, _) => self.is_exact(&[from, to], rm),
            _ => self.rounds_as_said(&[from, to], rm),
        };
        let node = Node::FpConvert(from, to, self.number(a));
        self.number_if(is_compiled, node)
    }

    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Val) -> Result<Val, Stop> {
        let rounding = match self.mode_of(rm) {
            Some(Rm::Rtz) => Some(Rounding::Truncate),
            None if Rm::from_bits(rm.0) == Some(Rm::Rmm) => Some(Rounding::Away),
            mode if mode == self.rounding => mode.map(|_| Rounding::Current),
            mode => mode.map(|mode| Rounding::Mode(in_mxcsr(mode))),
        };
        let Some(rounding) = rounding.filter(|_| self.has(&[fmt])) else { return Err(Stop::Uncompiled) };
        let a = self.number(a);
        Ok(self.nodes.push(Node::FpToInt(fmt, ty, rounding, a)))
    }

    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: Val) -> Result<Val, Stop> {
        let never_rounds = fmt == Fmt::D && matches!(ty, IntType::I32 | IntType::U32);
        let how = if never_rounds || self.rounds(&[fmt], rm) { FromInt::Current } else { FromInt::Exact };
        self.number_if(self.is_exact(&[fmt], rm), Node::FpFromInt(fmt, ty, how, a))
    }

    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: Val) -> Result<Val, Stop> {
        let Some(mode) = self.mode_of(rm).filter(|_| self.has(&[fmt])) else { return Err(Stop::Uncompiled) };
        let mode = in_mxcsr(mode) | if exact { 0 } else { WITHOUT_INEXACT };
        let node = Node::FpRound(fmt, mode, self.number(a));
        Ok(self.nodes.push(node))
    }

    fn fp_to_int_modular(&mut self, a: Val) -> Val {
        if !self.has(&[Fmt::D]) {
            return self.uncompiled();
        }
        // What does not fit is left to the definition by the other conversion, too.
        let a = self.number(a);
        self.nodes.push(Node::FpToInt(Fmt::D, IntType::I32, Rounding::Truncate, a))
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
            FFLAGS if self.has_flags => {
                self.reads_flags = true;
                self.read_flags()
            }
            FRM if self.has_flags => {
                let mode = self.scratch();
                self.asm.movzx(Size::Byte, mode, super::map::FRM);
                mode
            }
            FCSR if self.has_flags => {
                let flags = self.read_flags();
                let mode = self.scratch();
                self.asm.movzx(Size::Byte, mode, super::map::FRM);
                self.asm.shift_imm(Shift::Shl, Size::Dword, mode, MODE_IN_FCSR);
                self.asm.alu(Alu::Or, Size::Dword, flags, mode);
                self.release(mode);
                flags
            }
            _ => return Err(Stop::Uncompiled),
        };
        Ok(self.nodes.push(Node::Scratch(value)))
    }

    fn csr_write(&mut self, csr: u16, v: Val) -> Result<(), Stop> {
        self.reads_flags = false;
        match csr {
            FFLAGS if self.has_flags => self.write_flags(v),
            FRM if self.has_flags => self.write_same_mode(v, 0),
            FCSR if self.has_flags => {
                self.write_same_mode(v, MODE_IN_FCSR);
                self.write_flags(v);
            }
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
