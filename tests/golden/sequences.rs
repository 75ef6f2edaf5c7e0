//! Sequences that are typical of compiled programs.

use remu_isa::{Insn, Op};

/// The CSR of accrued exceptions.
const FFLAGS: i32 = 1;

const ZERO: u8 = 0;
const RA: u8 = 1;
const SP: u8 = 2;
const T0: u8 = 5;
const T1: u8 = 6;
const T2: u8 = 7;
const S0: u8 = 8;
const A0: u8 = 10;
const A1: u8 = 11;
const A2: u8 = 12;
const A3: u8 = 13;
const A4: u8 = 14;
const A5: u8 = 15;
const T3: u8 = 28;
const T4: u8 = 29;
const T5: u8 = 30;

pub fn r(op: Op, rd: u8, rs1: u8, rs2: u8) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm: 0 }
}

pub fn i(op: Op, rd: u8, rs1: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2: 0, rs3: 0, rm: 0, len: 4, imm }
}

/// A store or a branch.
pub fn s(op: Op, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd: 0, rs1, rs2, rs3: 0, rm: 0, len: 4, imm }
}

/// Floating point in the dynamic rounding mode.
fn f(op: Op, rd: u8, rs1: u8, rs2: u8, rs3: u8) -> Insn {
    Insn { op, rd, rs1, rs2, rs3, rm: 7, len: 4, imm: 0 }
}

pub fn all() -> Vec<(&'static str, Vec<Insn>)> {
    vec![
        (
            "Prologue",
            vec![i(Op::Addi, SP, SP, -32), s(Op::Sd, SP, RA, 24), s(Op::Sd, SP, S0, 16), i(Op::Addi, S0, SP, 32)],
        ),
        (
            "Epilogue",
            vec![i(Op::Ld, RA, SP, 24), i(Op::Ld, S0, SP, 16), i(Op::Addi, SP, SP, 32), i(Op::Jalr, ZERO, RA, 0)],
        ),
        ("Constant of 32 bits", vec![i(Op::Lui, A0, 0, 0x1234_5000), i(Op::Addiw, A0, A0, 0x678)]),
        (
            "Constant of 64 bits",
            vec![
                i(Op::Lui, A0, 0, 0x1234_5000),
                i(Op::Addi, A0, A0, 0x678),
                i(Op::Slli, A0, A0, 20),
                i(Op::Addi, A0, A0, 0x123),
            ],
        ),
        (
            "Compare-and-swap",
            vec![
                r(Op::LrW, A5, A0, 0),
                s(Op::Bne, A5, A1, 16),
                r(Op::ScW, A4, A0, A2),
                s(Op::Bne, A4, ZERO, -12),
                i(Op::Addi, A0, A5, 0),
            ],
        ),
        (
            "Fetch-and-or of some bits",
            vec![
                r(Op::LrW, A5, A0, 0),
                r(Op::Or, A4, A5, A1),
                r(Op::And, A4, A4, A2),
                r(Op::Xor, A4, A4, A5),
                r(Op::ScW, A4, A0, A4),
                s(Op::Bne, A4, ZERO, -20),
                i(Op::Addi, A0, A5, 0),
            ],
        ),
        (
            "Loop whose registers are exchanged",
            vec![
                i(Op::Ld, T4, T1, 0),
                i(Op::Ld, T5, T2, 0),
                i(Op::Addi, T1, T1, 8),
                i(Op::Addi, T2, T2, 8),
                r(Op::Mul, T4, T4, T5),
                r(Op::Add, T3, T3, T4),
                s(Op::Bne, T1, A0, -24),
                s(Op::Sd, A1, T3, 0),
            ],
        ),
        ("Address", vec![i(Op::Auipc, A0, 0, 0x2000), i(Op::Addi, A0, A0, -16)]),
        ("Load of a global variable", vec![i(Op::Auipc, A5, 0, 0x2000), i(Op::Lw, A5, A5, 16)]),
        ("Store of a global variable", vec![i(Op::Auipc, A5, 0, 0x2000), s(Op::Sw, A5, A0, 16)]),
        ("Call", vec![i(Op::Auipc, RA, 0, 0x2000), i(Op::Jalr, RA, RA, 16)]),
        ("Tail call", vec![i(Op::Auipc, T0, 0, 0x2000), i(Op::Jalr, ZERO, T0, 16)]),
        ("Element of an array of 32 bits", vec![i(Op::Slli, A5, A1, 2), r(Op::Add, A5, A0, A5), i(Op::Lw, A0, A5, 0)]),
        (
            "Element of a table at a constant",
            vec![i(Op::Lui, A5, 0, 0x12000), r(Op::Sh2add, A5, A1, A5), i(Op::Lw, A5, A5, 0x340)],
        ),
        ("Element, over its address", vec![i(Op::Slli, A5, A1, 2), r(Op::Add, A5, A0, A5), i(Op::Lw, A5, A5, 8)]),
        (
            "Element, by an address in memory",
            vec![r(Op::Sh2add, T3, A1, A0), i(Op::Lw, A2, T3, 4), i(Op::Addi, A2, A2, 1), s(Op::Sw, T3, A2, 60)],
        ),
        (
            "Element, with a signed index",
            vec![i(Op::Slli, A5, A1, 32), i(Op::Srai, A5, A5, 29), r(Op::Add, A5, A0, A5), i(Op::Ld, A5, A5, 0)],
        ),
        (
            "Field of an element",
            vec![r(Op::Add, A5, A0, A1), i(Op::Addi, A5, A5, 40), i(Op::Lbu, A3, A5, 1), s(Op::Sb, A5, A3, 60)],
        ),
        (
            "Address whose base changes",
            vec![r(Op::Sh1add, A5, A1, A0), i(Op::Addi, A0, A0, 8), i(Op::Lbu, A3, A5, 1), i(Op::Lbu, A4, A0, 0)],
        ),
        ("Address whose index changes", vec![r(Op::Add, T3, A0, A1), i(Op::Ld, A1, T3, 8), i(Op::Lbu, A3, T3, 1)]),
        (
            "Address that changes",
            vec![r(Op::Add, A5, A0, A1), i(Op::Ld, A5, A5, 8), s(Op::Bne, A1, ZERO, 8), i(Op::Lbu, A3, A5, 1)],
        ),
        ("Low bits by shifts", vec![i(Op::Slli, A0, A1, 43), i(Op::Srli, A0, A0, 43)]),
        ("Element, by shift and add", vec![r(Op::Sh3add, A5, A1, A0), i(Op::Ld, A0, A5, 8)]),
        ("Zero extension by shifts", vec![i(Op::Slli, A0, A0, 32), i(Op::Srli, A0, A0, 32)]),
        ("Sign extension by shifts", vec![i(Op::Slli, A0, A1, 48), i(Op::Srai, A0, A0, 48)]),
        (
            "Index of 32 bits by shifts",
            vec![i(Op::Slli, A5, A1, 32), i(Op::Srli, A5, A5, 30), r(Op::Add, A5, A5, A0), i(Op::Lw, A0, A5, 0)],
        ),
        (
            "Loop over an array",
            vec![i(Op::Lw, A4, A0, 0), r(Op::Addw, A2, A2, A4), i(Op::Addi, A0, A0, 4), s(Op::Bne, A0, A1, -12)],
        ),
        (
            "Loop of stores",
            vec![s(Op::Sb, A0, ZERO, 0), i(Op::Addi, A0, A0, 1), i(Op::Addi, A1, A1, -1), s(Op::Bne, A1, ZERO, -12)],
        ),
        (
            "Loop of copies",
            vec![
                i(Op::Lbu, A4, A1, 0),
                i(Op::Addi, A1, A1, 1),
                i(Op::Addi, A0, A0, 1),
                s(Op::Sb, A0, A4, -1),
                s(Op::Bne, A4, ZERO, -16),
            ],
        ),
        ("Maximum by a branch", vec![s(Op::Bge, A0, A1, 8), i(Op::Addi, A0, A1, 0), i(Op::Addi, A2, A0, 1)]),
        ("Comparison and branch", vec![r(Op::Sltu, A5, A0, A1), s(Op::Bne, A5, ZERO, 64)]),
        ("Comparison and branch, over an operand", vec![r(Op::Slt, A0, A0, A1), s(Op::Beq, A0, ZERO, 64)]),
        ("Choice by czero", vec![r(Op::CzeroEqz, A1, A1, A0), r(Op::CzeroNez, A2, A2, A0), r(Op::Or, A0, A1, A2)]),
        ("Range check", vec![i(Op::Addiw, A5, A0, -48), i(Op::Andi, A5, A5, 255), i(Op::Sltiu, A0, A5, 10)]),
        ("Product of 128 bits", vec![r(Op::Mulhu, A2, A0, A1), r(Op::Mul, A0, A0, A1), i(Op::Addi, A1, A2, 0)]),
        ("Quotient and remainder", vec![r(Op::Divu, A2, A0, A1), r(Op::Remu, A3, A0, A1)]),
        ("Registers in memory", vec![i(Op::Addi, T3, T3, 1), r(Op::Add, T0, T3, A0), r(Op::Xor, T0, T0, T3)]),
        (
            "Dot product",
            vec![
                i(Op::Fld, A4, A0, 0),
                i(Op::Fld, A5, A1, 0),
                f(Op::FmaddD, A0, A4, A5, A0),
                i(Op::Addi, A0, A0, 8),
                s(Op::Bne, A0, A2, -16),
            ],
        ),
        (
            "Sum of squares",
            vec![
                f(Op::FmulD, A0, A0, A0, 0),
                f(Op::FmulD, A1, A1, A1, 0),
                f(Op::FaddD, A0, A0, A1, 0),
                f(Op::FsqrtD, A0, A0, 0, 0),
            ],
        ),
        (
            "Floor of a single",
            vec![
                Insn { rm: 2, ..f(Op::FcvtWS, A5, A0, 0, 0) },
                Insn { rm: 2, ..f(Op::FcvtSW, A5, A5, 0, 0) },
                r(Op::FsgnjS, A0, A5, A0),
            ],
        ),
        (
            "Doubles and singles of integers, towards zero",
            vec![
                Insn { rm: 1, ..f(Op::FcvtDL, A0, A0, 0, 0) },
                Insn { rm: 1, ..f(Op::FcvtDLu, A1, A1, 0, 0) },
                Insn { rm: 1, ..f(Op::FcvtSWu, A2, A2, 0, 0) },
            ],
        ),
        (
            "Doubles in a rounding mode of their own",
            vec![
                Insn { rm: 3, ..f(Op::FaddD, A0, A1, A2, 0) },
                Insn { rm: 2, ..f(Op::FmaddD, A0, A1, A2, A3) },
                Insn { rm: 1, ..f(Op::FcvtSD, A0, A0, 0, 0) },
                Insn { rm: 1, ..f(Op::FsqrtH, A1, A2, 0, 0) },
            ],
        ),
        (
            "Rounding to integral values",
            vec![
                Insn { rm: 2, ..f(Op::FroundD, A0, A1, 0, 0) },
                f(Op::FroundS, A1, A2, 0, 0),
                Insn { rm: 1, ..f(Op::FroundnxD, A0, A0, 0, 0) },
                Insn { rm: 3, ..f(Op::FroundH, A2, A3, 0, 0) },
            ],
        ),
        (
            "Halves",
            vec![
                i(Op::Flh, A0, A0, 0),
                f(Op::FcvtSH, A1, A0, 0, 0),
                f(Op::FaddH, A0, A0, A2, 0),
                r(Op::FsgnjH, A2, A0, A3),
                r(Op::FltH, A1, A0, A2),
                s(Op::Fsh, A2, A0, 2),
            ],
        ),
        (
            "Accrued exceptions and rounding mode",
            vec![
                i(Op::Csrrs, A0, ZERO, 3),
                i(Op::Csrrw, ZERO, A1, 3),
                i(Op::Csrrs, A2, ZERO, 2),
                i(Op::Csrrwi, ZERO, 0, 2),
                i(Op::Csrrci, A3, 31, 1),
            ],
        ),
        ("Comparison of doubles and branch", vec![r(Op::FltD, A5, A0, A1), s(Op::Beq, A5, ZERO, 64)]),
        (
            "Fused products in other registers than their operands",
            vec![
                f(Op::FmaddD, A3, A0, A1, A2),
                f(Op::FmsubD, A4, T3, A1, A2),
                f(Op::FnmaddS, A5, A0, T3, A2),
                f(Op::FnmsubS, A1, A0, A1, T4),
                f(Op::FmaddD, T3, T3, T4, A0),
                f(Op::FmaddD, T4, T5, T4, T3),
            ],
        ),
        (
            "Integers of numbers, from the middle away from zero",
            vec![
                Insn { rm: 4, ..f(Op::FcvtLD, A0, A0, 0, 0) },
                Insn { rm: 4, ..f(Op::FcvtWD, A1, A1, 0, 0) },
                Insn { rm: 4, ..f(Op::FcvtLuD, A2, A2, 0, 0) },
                Insn { rm: 4, ..f(Op::FcvtWuD, A3, A3, 0, 0) },
                Insn { rm: 4, ..f(Op::FcvtLS, T3, A4, 0, 0) },
                Insn { rm: 4, ..f(Op::FcvtWuS, A5, T3, 0, 0) },
            ],
        ),
        (
            "Numbers moved from integer registers",
            vec![
                r(Op::FmvDX, A0, ZERO, 0),
                r(Op::FmvWX, A1, ZERO, 0),
                r(Op::FmvDX, A2, T3, 0),
                r(Op::FmvWX, A3, T3, 0),
            ],
        ),
        (
            "Loop over numbers, in registers that are otherwise in memory",
            vec![
                i(Op::Fld, T3, A0, 0),
                f(Op::FmulD, T4, T4, T3, 0),
                f(Op::FaddD, T5, T5, T4, 0),
                f(Op::FsubD, T4, T5, T3, 0),
                i(Op::Addi, A0, A0, 8),
                s(Op::Bne, A0, A1, -20),
                s(Op::Fsd, A2, T5, 0),
            ],
        ),
        (
            "Loop that stores numbers, in registers that are otherwise in memory",
            vec![
                i(Op::Flw, T3, A0, 0),
                f(Op::FmulS, T4, T4, T3, 0),
                s(Op::Fsw, A0, T4, 0),
                Insn { rm: 1, ..f(Op::FcvtWS, A3, T4, 0, 0) },
                i(Op::Addi, A0, A0, 4),
                s(Op::Bne, A0, A1, -20),
            ],
        ),
        (
            "Sum of products of doubles",
            vec![
                i(Op::Fld, A3, A1, 0),
                i(Op::Fld, A5, A0, 0),
                i(Op::Addi, A0, A0, 8),
                f(Op::FmulD, A5, A5, A3, 0),
                f(Op::FaddD, A4, A4, A5, 0),
                s(Op::Bne, A0, A2, -20),
                s(Op::Fsd, A1, A4, 8),
            ],
        ),
        (
            "Sum of products of singles, with factors in memory",
            vec![
                f(Op::FmulS, A5, A5, T3, 0),
                i(Op::Flw, A5, A0, 0),
                i(Op::Addi, A0, A0, 4),
                f(Op::FmulS, A5, A5, T3, 0),
                f(Op::FsubS, A4, A4, A5, 0),
                f(Op::FmaddS, A3, A4, A5, A3),
                s(Op::Bne, A0, A2, -20),
                f(Op::FaddS, A0, A3, A4, 0),
            ],
        ),
        (
            "Loop that begins with a sum",
            vec![
                f(Op::FaddD, A5, A0, A1, 0),
                f(Op::FaddD, A4, A4, A5, 0),
                i(Op::Fld, A3, A0, 0),
                i(Op::Addi, A0, A0, 8),
                s(Op::Bne, A0, A2, -16),
            ],
        ),
        (
            "Sums of both formats in one register",
            vec![
                i(Op::Flw, A5, A0, 0),
                f(Op::FaddS, A4, A4, A5, 0),
                f(Op::FaddD, A4, A4, A5, 0),
                i(Op::Addi, A0, A0, 4),
                s(Op::Bne, A0, A2, -16),
            ],
        ),
        (
            "Sum that a loop stores before it is a single",
            vec![i(Op::Addi, A0, A0, 8), s(Op::Fsd, A0, A4, -8), f(Op::FaddS, A4, A5, A3, 0), s(Op::Bne, A0, A2, -12)],
        ),
        (
            "Sum that a loop also stores and leaves with",
            vec![
                i(Op::Fld, A5, A0, 0),
                f(Op::FmulD, A3, A5, A5, 0),
                f(Op::FaddD, A4, A4, A3, 0),
                s(Op::Fsd, A0, A4, 0),
                f(Op::FaddD, A4, A4, A5, 0),
                s(Op::Beq, A0, A1, 12),
                i(Op::Addi, A0, A0, 8),
                s(Op::Bne, A0, A2, -28),
            ],
        ),
        (
            "Quiet comparison and branch",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                r(Op::FltD, A5, A0, A1),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
                s(Op::Beq, A5, ZERO, 64),
            ],
        ),
        (
            "Quiet comparison, behind a sum",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                f(Op::FaddS, A2, A2, A3, 0),
                r(Op::FleS, A5, A0, A1),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
                s(Op::Bne, A5, ZERO, 64),
            ],
        ),
        (
            "Quiet comparison, behind a quotient",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                f(Op::FdivD, A2, A2, A3, 0),
                r(Op::FltD, A5, A0, A1),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
                s(Op::Beq, A5, ZERO, 64),
            ],
        ),
        (
            "Flags written back behind a comparison of integers",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                r(Op::Sltu, A5, A0, A1),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
                s(Op::Beq, A5, ZERO, 64),
            ],
        ),
        (
            "Flags written back twice",
            vec![
                i(Op::Csrrs, T3, ZERO, FFLAGS),
                f(Op::FdivD, A0, A0, A1, 0),
                i(Op::Csrrw, ZERO, T3, FFLAGS),
                f(Op::FsqrtD, A1, A1, 0, 0),
                i(Op::Csrrw, ZERO, T3, FFLAGS),
            ],
        ),
        (
            "Other flags written back",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                f(Op::FdivD, A0, A0, A1, 0),
                i(Op::Andi, A4, A4, 24),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
            ],
        ),
        (
            "Flags written back, read again between",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                f(Op::FdivD, A0, A0, A1, 0),
                i(Op::Csrrs, A5, ZERO, FFLAGS),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
            ],
        ),
        (
            "Flags exchanged",
            vec![
                i(Op::Csrrs, A4, ZERO, FFLAGS),
                f(Op::FdivD, A0, A0, A1, 0),
                i(Op::Csrrw, A4, A4, FFLAGS),
                i(Op::Csrrw, ZERO, A4, FFLAGS),
            ],
        ),
        (
            "Results that imply others, stored",
            vec![
                f(Op::FmulD, A2, A0, A1, 0),
                f(Op::FsubD, A3, A2, A1, 0),
                f(Op::FaddD, A4, A3, A2, 0),
                s(Op::Fsd, A0, A4, 8),
                f(Op::FaddD, A2, A2, A2, 0),
                s(Op::Fsd, A0, A3, 16),
                s(Op::Fsd, A0, A2, 24),
            ],
        ),
        (
            "Result over its operand",
            vec![
                f(Op::FmulS, A2, A0, A1, 0),
                f(Op::FaddS, A3, A2, A1, 0),
                f(Op::FmulS, A2, A1, A1, 0),
                s(Op::Fsw, A0, A3, 8),
                i(Op::Ld, A1, A0, 16),
            ],
        ),
        (
            "Copies of a result",
            vec![
                f(Op::FmulD, A2, A0, A1, 0),
                r(Op::FsgnjD, A3, A2, A2),
                f(Op::FsqrtD, A2, A1, 0, 0),
                s(Op::Fsd, A0, A3, 8),
                i(Op::Ld, A1, A0, 16),
            ],
        ),
        (
            "Singles and doubles, stored",
            vec![
                f(Op::FmulD, A2, A0, A1, 0),
                f(Op::FmulS, A3, A2, A1, 0),
                f(Op::FaddS, A4, A2, A3, 0),
                f(Op::FaddD, A5, A3, A2, 0),
                s(Op::Fsw, A0, A4, 8),
                s(Op::Fsd, A0, A5, 16),
            ],
        ),
    ]
}
