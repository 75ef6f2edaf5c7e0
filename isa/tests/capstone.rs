//! Compares legality and text with Capstone for the extensions it knows (IMAFDC, Zicsr, Zifencei, privileged
//! instructions). Capstone is independent of LLVM's decoder, so the most important rows have two oracles.

mod common;

use capstone::Capstone;
use capstone::arch::riscv::{ArchExtraMode, ArchMode};
use capstone::prelude::{BuildsCapstone, BuildsCapstoneExtraMode};
use common::differences;
use common::sweep::{Sweep, number, tokens};
use common::{XLENS, compressed, near_misses, random_words, words_of};
use remu_isa::{Ext, Isa, Op, Xlen};

/// The tokens of an instruction, with an alias replaced by the instruction that it stands for. Capstone always prints
/// aliases.
fn unalias(text: &str) -> Vec<&str> {
    let t = tokens(text);
    let fused = |op, rs| vec![op, t[1], rs, rs];
    match t[..] {
        ["nop"] => vec!["addi", "zero", "zero", "0"],
        ["li", rd, imm] => vec!["addi", rd, "zero", imm],
        ["mv", rd, rs] => vec!["addi", rd, rs, "0"],
        ["not", rd, rs] => vec!["xori", rd, rs, "-1"],
        ["neg", rd, rs] => vec!["sub", rd, "zero", rs],
        ["negw", rd, rs] => vec!["subw", rd, "zero", rs],
        ["sext.w", rd, rs] => vec!["addiw", rd, rs, "0"],
        ["seqz", rd, rs] => vec!["sltiu", rd, rs, "1"],
        ["snez", rd, rs] => vec!["sltu", rd, "zero", rs],
        ["sltz", rd, rs] => vec!["slt", rd, rs, "zero"],
        ["sgtz", rd, rs] => vec!["slt", rd, "zero", rs],
        ["beqz", rs, to] => vec!["beq", rs, "zero", to],
        ["bnez", rs, to] => vec!["bne", rs, "zero", to],
        ["blez", rs, to] => vec!["bge", "zero", rs, to],
        ["bgez", rs, to] => vec!["bge", rs, "zero", to],
        ["bltz", rs, to] => vec!["blt", rs, "zero", to],
        ["bgtz", rs, to] => vec!["blt", "zero", rs, to],
        ["j", to] => vec!["jal", "zero", to],
        ["jal", to] => vec!["jal", "ra", to],
        ["ret"] => vec!["jalr", "zero", "0", "ra"],
        ["jr", rs] => vec!["jalr", "zero", "0", rs],
        ["jr", imm, rs] => vec!["jalr", "zero", imm, rs],
        ["jalr", rs] => vec!["jalr", "ra", "0", rs],
        ["jalr", imm, rs] if number(imm).is_some() => vec!["jalr", "ra", imm, rs],
        ["jalr", rd, rs, imm] if number(imm).is_some() => vec!["jalr", rd, imm, rs],
        ["fence"] => vec!["fence", "iorw", "iorw"],
        ["sfence.vma"] => vec!["sfence.vma", "zero", "zero"],
        ["sfence.vma", rs] => vec!["sfence.vma", rs, "zero"],
        ["csrr", rd, csr] => vec!["csrrs", rd, csr, "zero"],
        ["csrw", csr, rs] => vec!["csrrw", "zero", csr, rs],
        ["csrs", csr, rs] => vec!["csrrs", "zero", csr, rs],
        ["csrc", csr, rs] => vec!["csrrc", "zero", csr, rs],
        ["csrwi", csr, imm] => vec!["csrrwi", "zero", csr, imm],
        ["csrsi", csr, imm] => vec!["csrrsi", "zero", csr, imm],
        ["csrci", csr, imm] => vec!["csrrci", "zero", csr, imm],
        ["rdcycle", rd] => vec!["csrrs", rd, "cycle", "zero"],
        ["rdtime", rd] => vec!["csrrs", rd, "time", "zero"],
        ["rdinstret", rd] => vec!["csrrs", rd, "instret", "zero"],
        ["rdcycleh", rd] => vec!["csrrs", rd, "cycleh", "zero"],
        ["rdtimeh", rd] => vec!["csrrs", rd, "timeh", "zero"],
        ["rdinstreth", rd] => vec!["csrrs", rd, "instreth", "zero"],
        ["frcsr", rd] => vec!["csrrs", rd, "fcsr", "zero"],
        ["frrm", rd] => vec!["csrrs", rd, "frm", "zero"],
        ["frflags", rd] => vec!["csrrs", rd, "fflags", "zero"],
        ["fscsr", rs] => vec!["csrrw", "zero", "fcsr", rs],
        ["fsrm", rs] => vec!["csrrw", "zero", "frm", rs],
        ["fsflags", rs] => vec!["csrrw", "zero", "fflags", rs],
        ["fscsr", rd, rs] => vec!["csrrw", rd, "fcsr", rs],
        ["fsrm", rd, rs] => vec!["csrrw", rd, "frm", rs],
        ["fsflags", rd, rs] => vec!["csrrw", rd, "fflags", rs],
        ["fsrmi", imm] => vec!["csrrwi", "zero", "frm", imm],
        ["fsflagsi", imm] => vec!["csrrwi", "zero", "fflags", imm],
        ["fsrmi", rd, imm] => vec!["csrrwi", rd, "frm", imm],
        ["fsflagsi", rd, imm] => vec!["csrrwi", rd, "fflags", imm],
        ["fmv.s", _, rs] => fused("fsgnj.s", rs),
        ["fabs.s", _, rs] => fused("fsgnjx.s", rs),
        ["fneg.s", _, rs] => fused("fsgnjn.s", rs),
        ["fmv.d", _, rs] => fused("fsgnj.d", rs),
        ["fabs.d", _, rs] => fused("fsgnjx.d", rs),
        ["fneg.d", _, rs] => fused("fsgnjn.d", rs),
        _ => t,
    }
}

/// Adds the rounding mode `dyn`, which Capstone does not print.
fn with_rounding_mode(text: &str, ours: Option<&remu_isa::Insn>) -> String {
    let mut tokens = unalias(text);
    if ours.is_some_and(|i| i.op.info().has_rm && i.rm == 7) {
        tokens.push("dyn");
    }
    tokens.join(" ")
}

#[test]
fn every_row_that_capstone_knows_agrees() {
    let exts = [Ext::I, Ext::M, Ext::A, Ext::F, Ext::D, Ext::C, Ext::Zicsr, Ext::Zifencei, Ext::S, Ext::Sm];
    let mut sweep = Sweep::new("capstone", &differences::CAPSTONE);
    let known = |xlen| Isa::new(xlen, exts.into_iter().collect());
    for xlen in XLENS {
        let isa = known(xlen);
        let mode = if xlen == Xlen::Rv32 { ArchMode::RiscV32 } else { ArchMode::RiscV64 };
        let capstone =
            Capstone::new().riscv().mode(mode).extra_mode([ArchExtraMode::RiscVC].into_iter()).build().unwrap();
        let mut words: Vec<u32> = compressed().collect();
        words.extend(Op::ALL.iter().flat_map(|op| words_of(*op, xlen, 150)));
        words.extend(Op::ALL.iter().flat_map(|op| near_misses(*op, xlen)));
        words.extend((0..4096).map(|csr| csr << 20 | 0x0000_2573));
        words.extend(random_words(200_000));
        for word in words {
            let size = if word & 3 == 3 { 4 } else { 2 };
            let found = capstone.disasm_count(&word.to_le_bytes()[..size], 0, 1).unwrap();
            let ours = remu_isa::decode(word, isa).ok();
            let text = found.iter().next().map(|i| {
                let text = format!("{} {}", i.mnemonic().unwrap_or_default(), i.op_str().unwrap_or_default());
                with_rounding_mode(&text, ours.as_ref())
            });
            sweep.compare(isa, word, text.as_deref(), true);
        }
    }
    sweep.differences_are_all_needed();
    sweep.finish(|op, xlen| op.info().needs.iter().any(|n| n.is_subset(known(xlen).exts)));
}
