//! Floating point.

use crate::cases::{
    Cases, FULL, address, at, every_mem, mems, mems_and_regs, mems_and_xmms, reg, xmm, xmm_pairs, xmm_triples,
};
use remu::jit::x64::{Assembler, CmpPredicate, Fma, FmaOrder, Fp, Gpr, Mem, Size, ToInt, VArith, VLogic, Xmm, XmmMem};

/// The formats with the suffix of scalar and packed instructions, and the size in memory.
const FORMATS: [(Fp, &str, &str, Size); 2] =
    [(Fp::Single, "ss", "ps", Size::Dword), (Fp::Double, "sd", "pd", Size::Qword)];

/// An operand of a size, or of 128 bits without one.
fn operand(size: Option<Size>, mem: Mem) -> String {
    size.map_or_else(|| format!("xmmword ptr {}", address(mem)), |size| at(size, mem))
}

/// `name a, b-or-memory` with a suffix.
fn two(
    cases: &mut Cases,
    name: &str,
    size: Option<Size>,
    suffix: &str,
    emit: impl Fn(&mut Assembler, Xmm, XmmMem) + Copy,
) {
    for (dst, src) in xmm_pairs() {
        cases.add(Size::Byte, format!("{name} {}, {}{suffix}", xmm(dst), xmm(src)), |a| emit(a, dst, src.into()));
    }
    for (mem, dst) in mems_and_xmms() {
        let text = format!("{name} {}, {}{suffix}", xmm(dst), operand(size, mem));
        cases.add(Size::Byte, text, |a| emit(a, dst, mem.into()));
    }
}

/// `name a, b, c-or-memory` with a suffix.
fn three(
    cases: &mut Cases,
    name: &str,
    size: Option<Size>,
    suffix: &str,
    emit: impl Fn(&mut Assembler, Xmm, Xmm, XmmMem) + Copy,
) {
    for (dst, one, other) in xmm_triples() {
        let text = format!("{name} {}, {}, {}{suffix}", xmm(dst), xmm(one), xmm(other));
        cases.add(Size::Byte, text, |a| emit(a, dst, one, other.into()));
    }
    for (n, (mem, dst)) in mems_and_xmms().enumerate() {
        let one = Xmm::ALL[n * 3 % 16];
        let text = format!("{name} {}, {}, {}{suffix}", xmm(dst), xmm(one), operand(size, mem));
        cases.add(Size::Byte, text, |a| emit(a, dst, one, mem.into()));
    }
}

pub fn add(cases: &mut Cases) {
    for (fp, scalar, packed, size) in FORMATS {
        moves(cases, fp, scalar, size);
        arithmetic(cases, fp, scalar, packed, size);
        conversions(cases, fp, scalar, size);
    }
    vectors(cases);
}

fn moves(cases: &mut Cases, fp: Fp, scalar: &str, size: Size) {
    for mem in every_mem() {
        let text = format!("vmov{scalar} xmm11, {}", at(size, mem));
        cases.add(Size::Byte, text, |a| a.vmov_load(fp, Xmm::Xmm11, mem));
    }
    for (mem, xreg) in mems_and_xmms() {
        cases.add(Size::Byte, format!("vmov{scalar} {}, {}", xmm(xreg), at(size, mem)), |a| a.vmov_load(fp, xreg, mem));
        let text = format!("vmov{scalar} {}, {}", at(size, mem), xmm(xreg));
        cases.add(Size::Byte, text, |a| a.vmov_store(fp, mem, xreg));
    }
    for (dst, one, other) in xmm_triples() {
        let text = format!("vmov{scalar} {}, {}, {}", xmm(dst), xmm(one), xmm(other));
        cases.add(Size::Byte, text, |a| a.vmov_merge(fp, dst, one, other));
    }
}

fn arithmetic(cases: &mut Cases, fp: Fp, scalar: &str, packed: &str, size: Size) {
    let size = Some(size);
    for (op, name) in [
        (VArith::Add, "add"),
        (VArith::Sub, "sub"),
        (VArith::Mul, "mul"),
        (VArith::Div, "div"),
        (VArith::Min, "min"),
        (VArith::Max, "max"),
        (VArith::Sqrt, "sqrt"),
    ] {
        three(cases, &format!("v{name}{scalar}"), size, "", |a, dst, one, other| a.varith(op, fp, dst, one, other));
    }
    for (op, name) in [(Fma::Madd, "madd"), (Fma::Msub, "msub"), (Fma::Nmadd, "nmadd"), (Fma::Nmsub, "nmsub")] {
        for (order, digits) in [(FmaOrder::O132, "132"), (FmaOrder::O213, "213"), (FmaOrder::O231, "231")] {
            let name = format!("vf{name}{digits}{scalar}");
            three(cases, &name, size, "", |a, dst, one, other| a.vfma(op, order, fp, dst, one, other));
        }
    }
    two(cases, &format!("vucomi{scalar}"), size, "", |a, one, other| a.vucomis(fp, one, other));
    two(cases, &format!("vcomi{scalar}"), size, "", |a, one, other| a.vcomis(fp, one, other));
    for (predicate, name) in [
        (CmpPredicate::Eq, "eq"),
        (CmpPredicate::Lt, "lt"),
        (CmpPredicate::Le, "le"),
        (CmpPredicate::Unordered, "unord"),
        (CmpPredicate::Ne, "neq"),
        (CmpPredicate::NotLt, "nlt"),
        (CmpPredicate::NotLe, "nle"),
        (CmpPredicate::Ordered, "ord"),
        (CmpPredicate::LtQuiet, "lt_oq"),
        (CmpPredicate::LeQuiet, "le_oq"),
    ] {
        let name = format!("vcmp{name}{scalar}");
        three(cases, &name, size, "", |a, dst, one, other| a.vcmp(fp, predicate, dst, one, other));
    }
    for mask in Xmm::ALL {
        let suffix = format!(", {}", xmm(mask));
        let name = format!("vblendv{packed}");
        three(cases, &name, None, &suffix, |a, dst, one, other| a.vblendv(fp, dst, one, other, mask));
    }
    for mode in [0, 3, 4, 8, 12] {
        let (name, suffix) = (format!("vround{scalar}"), format!(", {mode}"));
        three(cases, &name, size, &suffix, |a, dst, one, other| a.vround(fp, mode, dst, one, other));
    }
}

fn conversions(cases: &mut Cases, fp: Fp, scalar: &str, size: Size) {
    for int in FULL {
        for (rounding, name) in [(ToInt::Truncate, "vcvtt"), (ToInt::Mxcsr, "vcvt")] {
            for dst in Gpr::ALL {
                for src in Xmm::ALL {
                    let text = format!("{name}{scalar}2si {}, {}", reg(int, dst), xmm(src));
                    cases.add(Size::Byte, text, |a| a.vcvt_int(rounding, fp, int, dst, src));
                }
            }
            for (mem, dst) in mems_and_regs() {
                let text = format!("{name}{scalar}2si {}, {}", reg(int, dst), at(size, mem));
                cases.add(Size::Byte, text, |a| a.vcvt_int(rounding, fp, int, dst, mem));
            }
        }
        for (dst, one) in xmm_pairs() {
            let src = Gpr::ALL[(dst as usize * 5 + one as usize * 3) % 16];
            let text = format!("vcvtsi2{scalar} {}, {}, {}", xmm(dst), xmm(one), reg(int, src));
            cases.add(Size::Byte, text, |a| a.vcvt_from_int(fp, int, dst, one, src));
        }
        for (mem, dst) in mems_and_xmms() {
            let text = format!("vcvtsi2{scalar} {}, xmm9, {}", xmm(dst), at(int, mem));
            cases.add(Size::Byte, text, |a| a.vcvt_from_int(fp, int, dst, Xmm::Xmm9, mem));
        }
    }
    let name = if fp == Fp::Single { "vcvtss2sd" } else { "vcvtsd2ss" };
    three(cases, name, Some(size), "", |a, dst, one, other| a.vcvt_fp(fp, dst, one, other));
}

fn vectors(cases: &mut Cases) {
    for (dst, src) in xmm_pairs() {
        cases.add(Size::Byte, format!("vmovaps {}, {}", xmm(dst), xmm(src)), |a| a.vmov_reg(dst, src));
    }
    for (size, name) in [(Size::Dword, "vmovd"), (Size::Qword, "vmovq")] {
        for gpr in Gpr::ALL {
            for xreg in Xmm::ALL {
                let (gpr_name, xmm_name) = (reg(size, gpr), xmm(xreg));
                cases.add(size, format!("{name} {gpr_name}, {xmm_name}"), |a| a.vmov_to_gpr(size, gpr, xreg));
                cases.add(size, format!("{name} {xmm_name}, {gpr_name}"), |a| a.vmov_from_gpr(size, xreg, gpr));
            }
        }
        for (mem, dst) in mems_and_xmms() {
            let text = format!("{name} {}, {}", xmm(dst), at(size, mem));
            cases.add(size, text, |a| a.vmov_from_gpr(size, dst, mem));
        }
    }
    for (op, name) in
        [(VLogic::And, "vandps"), (VLogic::Andn, "vandnps"), (VLogic::Or, "vorps"), (VLogic::Xor, "vxorps")]
    {
        three(cases, name, None, "", |a, dst, one, other| a.vlogic(op, dst, one, other));
    }
    for (size, letter) in [(Size::Byte, "b"), (Size::Word, "w"), (Size::Dword, "d"), (Size::Qword, "q")] {
        three(cases, &format!("vpcmpeq{letter}"), None, "", |a, dst, one, other| a.vpcmpeq(size, dst, one, other));
        if size == Size::Byte {
            continue;
        }
        for count in [0, 1, 31, 63] {
            for (dst, src) in xmm_pairs() {
                let operands = format!("{}, {}, {count}", xmm(dst), xmm(src));
                cases.add(Size::Byte, format!("vpsll{letter} {operands}"), |a| a.vpsll_imm(size, dst, src, count));
                cases.add(Size::Byte, format!("vpsrl{letter} {operands}"), |a| a.vpsrl_imm(size, dst, src, count));
            }
        }
    }
    three(cases, "vpminub", None, "", |a, dst, one, other| a.vpminub(dst, one, other));
    three(cases, "vpshufb", None, "", |a, dst, one, other| a.vpshufb(dst, one, other));
    three(cases, "vpunpcklbw", None, "", |a, dst, one, other| a.vpunpcklbw(dst, one, other));
    two(cases, "vcvtph2ps", Some(Size::Qword), "", |a, dst, src| a.vcvtph2ps(dst, src));
    for mode in [0, 3, 4] {
        for (dst, src) in xmm_pairs() {
            let text = format!("vcvtps2ph {}, {}, {mode}", xmm(dst), xmm(src));
            cases.add(Size::Byte, text, |a| a.vcvtps2ph(dst, src, mode));
        }
        for (mem, src) in mems_and_xmms() {
            let text = format!("vcvtps2ph {}, {}, {mode}", at(Size::Qword, mem), xmm(src));
            cases.add(Size::Byte, text, |a| a.vcvtps2ph(mem, src, mode));
        }
    }
    for halves in [0x00, 0x01, 0x10, 0x11] {
        let suffix = format!(", {halves}");
        three(cases, "vpclmulqdq", None, &suffix, |a, dst, one, other| a.vpclmulqdq(dst, one, other, halves));
    }
    for mem in mems() {
        cases.add(Size::Dword, format!("stmxcsr {}", at(Size::Dword, mem)), |a| a.stmxcsr(mem));
        cases.add(Size::Dword, format!("ldmxcsr {}", at(Size::Dword, mem)), |a| a.ldmxcsr(mem));
    }
}
