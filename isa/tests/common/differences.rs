//! The known differences between the oracles and the tables, each with the manual's rule.
#![allow(dead_code)] // each test uses its part

use super::sweep::{Difference, number};
use remu_isa::{Op, Xlen, x_name};

const ZERO: Difference = Difference {
    reason: "the oracle decodes the all-zero word; the C chapter: the 16-bit instruction with all bits zero is \
             permanently reserved as an illegal instruction",
    applies: |c| c.word == 0 && c.only_theirs(|t| t == ["c.unimp"]),
};

const ROUNDING: Difference = Difference {
    reason: "rounding modes 5 and 6 decode, and trap when executed; the F chapter: the behaviour of an \
             instruction that depends on rounding mode when executed with a reserved rounding mode is reserved",
    applies: |c| c.only_ours(|i| i.op.info().has_rm && matches!(i.rm, 5 | 6)),
};

const FENCE: Difference = Difference {
    reason: "the oracle refuses unused fields and modes of fence; the I chapter: base implementations shall ignore \
             these fields, and shall treat all reserved configurations as normal fences with fm=0000",
    applies: |c| c.only_ours(|i| i.op == Op::Fence && (i.rd, i.rs1, i.imm >> 8) != (0, 0, 0)),
};

const FENCE_I: Difference = Difference {
    reason: "the oracle refuses unused fields of fence.i; the Zifencei chapter: for forward compatibility, base \
             implementations shall ignore these fields",
    applies: |c| c.only_ours(|i| i.op == Op::FenceI && (i.rd, i.rs1, i.imm) != (0, 0, 0)),
};

const FAR_SHIFT: Difference = Difference {
    reason: "the oracle decodes shifts by 32 and more on RV32; the I and Zbs chapters: encodings with shamt[5]=1 are \
             reserved, the C chapter: they are designated for custom extensions",
    applies: |c| {
        let shifts = ["slli", "srli", "srai", "rori", "bclri", "bexti", "binvi", "bseti", "c.slli", "c.srli", "c.srai"];
        let far = |t: &[&str]| shifts.contains(&t[0]) && number(t[t.len() - 1]).is_some_and(|n| (32..64).contains(&n));
        c.xlen == Xlen::Rv32 && c.only_theirs(far)
    },
};

const C_LUI_0: Difference = Difference {
    reason: "the oracle decodes c.lui of 0; the C chapter: the code points with nzimm=0 are reserved",
    applies: |c| c.only_theirs(|t| matches!(t, ["c.lui", _, "0"])),
};

/// LLVM 19.
pub static LLVM: [Difference; 10] = [
    ZERO,
    ROUNDING,
    FENCE,
    FENCE_I,
    FAR_SHIFT,
    C_LUI_0,
    Difference {
        reason: "LLVM decodes fcvtmod.w.d in every rounding mode; the Zfa chapter: the encodings with another \
                 rounding mode than RTZ are reserved",
        applies: |c| c.only_theirs(|t| t[0] == "fcvtmod.w.d" && t[3] != "rtz"),
    },
    Difference {
        reason: "LLVM includes hinval.* in Svinval; the Svinval chapter: if the hypervisor extension is \
                 implemented, Svinval also provides them",
        applies: |c| c.only_theirs(|t| matches!(t[0], "hinval.vvma" | "hinval.gvma")),
    },
    Difference {
        reason: "LLVM writes the immediate of c.lui zero, imm as a signed number; the C chapter: c.lui with rd=x0 is a \
                 hint, and its immediate has no effect",
        applies: |c| {
            c.both(|i, t| match t {
                ["c.lui", "zero", imm] => (i.op, i.rd) == (Op::CLui, 0) && number(imm) == Some((i.imm >> 12).into()),
                _ => false,
            })
        },
    },
    Difference {
        reason: "LLVM has separate mnemonics for compressed shifts by 0; the C chapter: for RV32C and RV64C the code \
                 points with shamt=0 are hints",
        applies: |c| {
            c.both(|i, t| match t {
                [name, rd] => i.imm == 0 && name.strip_suffix("64") == Some(i.op.mnemonic()) && *rd == x_name(i.rd),
                _ => false,
            })
        },
    },
];

/// Capstone 5.
pub static CAPSTONE: [Difference; 13] = [
    ZERO,
    ROUNDING,
    FENCE,
    FENCE_I,
    FAR_SHIFT,
    C_LUI_0,
    Difference {
        reason: "capstone refuses hints; the C chapter: c.li, c.lui, c.mv, c.add and c.slli with rd=x0 and c.nop with \
                 an immediate are hints, which execute as no-ops",
        applies: |c| {
            let of_zero = [Op::CLi, Op::CLui, Op::CMv, Op::CAdd, Op::CSlli];
            c.only_ours(|i| i.op == Op::CNop && i.imm != 0 || of_zero.contains(&i.op) && i.rd == 0)
        },
    },
    Difference {
        reason: "capstone does not write the immediate of c.nop; the C chapter: c.nop with an immediate is a hint",
        applies: |c| c.both(|i, t| i.op == Op::CNop && i.imm != 0 && t == ["c.nop"]),
    },
    Difference {
        reason: "capstone refuses rounding modes of exact conversions; the D chapter: fcvt.d.w[u] always \
                 produces an exact result and is unaffected by rounding mode, fcvt.d.s will never round",
        applies: |c| c.only_ours(|i| matches!(i.op, Op::FcvtDW | Op::FcvtDWu | Op::FcvtDS) && i.rm != 0),
    },
    Difference {
        reason: "capstone writes an empty set of a fence as unknown; the I chapter: fences with an empty predecessor or \
                 successor set are hints",
        applies: |c| {
            c.both(|i, t| match t {
                ["fence", pred, succ] => {
                    let empty = [i.imm >> 4 & 15 == 0, i.imm & 15 == 0];
                    i.op == Op::Fence && [*pred == "unknown", *succ == "unknown"] == empty
                }
                _ => false,
            })
        },
    },
    Difference {
        reason: "capstone has uret, and the CSRs of the N extension, which was never ratified",
        applies: |c| {
            let old = ["ustatus", "uie", "utvec", "uscratch", "uepc", "ucause", "utval", "uip", "sedeleg", "sideleg"];
            c.only_theirs(|t| t == ["uret"])
                || c.both(|i, t| i.op.mnemonic() == t[0] && t.len() == 4 && old.contains(&t[2]))
        },
    },
    Difference {
        reason: "capstone has swapped pmpaddr13 and pmpaddr14; the CSR listing: pmpaddr0 is 0x3b0, and the \
                 next ones follow",
        applies: |c| {
            c.both(|i, t| {
                let swapped = matches!((i.imm, t.get(2)), (0x3bd, Some(&"pmpaddr14")) | (0x3be, Some(&"pmpaddr13")));
                i.op.mnemonic() == t[0] && swapped
            })
        },
    },
    Difference {
        reason: "capstone calls dscratch0 dscratch; the debug specification: 0x7b2 is dscratch0",
        applies: |c| c.both(|i, t| i.op.mnemonic() == t[0] && i.imm == 0x7b2 && t.get(2) == Some(&"dscratch")),
    },
];
