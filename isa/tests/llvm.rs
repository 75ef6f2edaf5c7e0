//! Compares each row and its reserved neighbours with LLVM's disassembler: legality, text and extension.

mod common;

use common::differences;
use common::llvm::{assemble, disassemble, features};
use common::sweep::Sweep;
use common::{XLENS, compressed, max, near_misses, random_words, words_of};
use remu_isa::{Ext, ExtKind, ExtSet, Insn, Isa, Op, Xlen, decode, encode};
use std::collections::BTreeSet;

/// Whether LLVM knows an instruction only as an alias of the one that it specialises.
fn is_alias(op: Op) -> bool {
    let mnemonic = op.mnemonic();
    mnemonic == "pause" || mnemonic.contains("ntl.")
}

#[test]
fn every_row_agrees_with_llvm() {
    let mut sweep = Sweep::new("LLVM", &differences::LLVM);
    for xlen in XLENS {
        let isa = max(xlen);
        let mut words: Vec<u32> = compressed().collect();
        words.extend(Op::ALL.iter().flat_map(|op| words_of(*op, xlen, 150)));
        words.extend(Op::ALL.iter().flat_map(|op| near_misses(*op, xlen)));
        words.extend((0..4096).map(|csr| csr << 20 | 0x0000_2573));
        words.extend(random_words(200_000));
        let alias = |word: &u32| decode(*word, isa).is_ok_and(|i| is_alias(i.op));
        let (aliases, words): (Vec<u32>, Vec<u32>) = words.into_iter().partition(alias);
        for (words, use_aliases) in [(words, false), (aliases, true)] {
            for (word, theirs) in words.iter().zip(disassemble(xlen, &features(isa.exts), use_aliases, &words)) {
                sweep.compare(isa, *word, theirs.as_deref(), true);
            }
        }
    }
    sweep.differences_are_all_needed();
    sweep.finish(|_, _| true);
}

/// Each extension, alone and in the combinations that some rows need, enables the same instructions as in LLVM.
#[test]
fn extensions_enable_the_same_instructions_as_in_llvm() {
    // LLVM always enables these.
    let base: ExtSet = [Ext::I, Ext::S, Ext::Sm, Ext::Zicsr, Ext::Zifencei].into_iter().collect();
    let mut sets: Vec<Vec<Ext>> =
        Ext::ALL.iter().filter(|e| e.kind() == ExtKind::Instructions).map(|e| vec![*e]).collect();
    sets.extend([
        vec![Ext::C, Ext::F],
        vec![Ext::C, Ext::D],
        vec![Ext::Zcb, Ext::M],
        vec![Ext::Zcb, Ext::Zmmul],
        vec![Ext::Zcb, Ext::Zbb],
        vec![Ext::Zcb, Ext::Zba],
        vec![Ext::Zfa, Ext::D],
        vec![Ext::Zfa, Ext::Zfh],
        vec![Ext::Zfhmin, Ext::D],
        vec![Ext::Zacas, Ext::Zabha],
        vec![Ext::Zihintntl, Ext::C],
        vec![Ext::Zcmop, Ext::C],
        vec![Ext::Zbb, Ext::Zbkb],
    ]);
    let mut sweep = Sweep::new("LLVM", &differences::LLVM);
    for xlen in XLENS {
        let mut words: Vec<u32> = compressed().step_by(7).collect();
        words.extend(Op::ALL.iter().flat_map(|op| words_of(*op, xlen, 3).into_iter().step_by(3)));
        for set in &sets {
            if set.contains(&Ext::Zcf) && xlen == Xlen::Rv64 {
                continue;
            }
            let isa = Isa::new(xlen, set.iter().fold(base, |all, e| all.with(*e)));
            for (word, theirs) in words.iter().zip(disassemble(xlen, &features(isa.exts), false, &words)) {
                sweep.compare(isa, *word, theirs.as_deref(), false);
            }
        }
    }
    sweep.finish(|_, _| true);
}

/// LLVM's assembler compresses the expansion of a compressed instruction to the same instruction.
#[test]
fn llvm_compresses_expansions_to_the_original() {
    for xlen in XLENS {
        let isa = max(xlen);
        let insns: Vec<(u32, Insn)> = compressed().filter_map(|w| Some((w, decode(w, isa).ok()?))).collect();
        let long = |insn: &Insn| Insn { len: 4, ..insn.expand(xlen) };
        let text = |(_, insn): &(u32, Insn)| long(insn).disassemble(0).xlen(xlen).offsets().to_string();
        let texts: Vec<String> = insns.iter().map(text).collect();
        let mut agreed = BTreeSet::new();
        for (i, theirs) in assemble(xlen, &features(isa.exts), &texts).into_iter().enumerate() {
            let (word, insn) = insns[i];
            if theirs == word {
                agreed.insert(insn.op);
                continue;
            }
            let long = long(&insn);
            let by_0 =
                matches!(long.op, Op::Addi | Op::Slli | Op::Srli | Op::Srai) && (long.rd, long.imm) == (long.rs1, 0);
            let is_hint = long.rd == 0 || by_0;
            let same = if theirs & 3 == 3 {
                // LLVM does not compress to hints.
                is_hint && encode(&long, xlen) == Ok(theirs)
            } else {
                // `c.addi sp, 16` instead of `c.addi16sp sp, 16`, and `c.mv a0, a0` instead of `c.addi a0, 0`.
                let theirs = decode(theirs, isa).unwrap();
                let moves = theirs.op == Op::CMv && theirs.rd == theirs.rs2;
                theirs.expand(xlen) == insn.expand(xlen) || moves && is_hint && long.op == Op::Addi
            };
            assert!(same, "RV{} {word:#06x} {insn:?}: `{}`, which is {theirs:#x} for LLVM", xlen.bits(), texts[i]);
        }
        println!("LLVM RV{}: {} compressed instructions are what they expand to", xlen.bits(), agreed.len());
        let is_row = |op: &Op| op.info().compressed && op.pattern(xlen).is_some();
        let rest: Vec<Op> = Op::ALL.into_iter().filter(|op| is_row(op) && !agreed.contains(op)).collect();
        assert_eq!(
            rest,
            [Op::CMopN, Op::CNtlP1, Op::CNtlPall, Op::CNtlS1, Op::CNtlAll],
            "only hints are not compressed"
        );
    }
}
