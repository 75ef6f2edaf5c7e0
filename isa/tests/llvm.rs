//! Every row and every reserved neighbour of it, compared with LLVM's disassembler: whether it is legal, its text, and
//! which extension brings it.

mod common;

use common::llvm::{Case, DIFFERENCES, disassemble, features, same_text};
use common::{XLENS, compressed, near_misses, random_words, words_of};
use remu_isa::{Ext, ExtKind, ExtSet, Isa, Op, Xlen, decode};
use std::collections::{BTreeMap, BTreeSet};

/// What LLVM knows only as aliases of the instruction they specialise.
fn is_alias(op: Op) -> bool {
    let mnemonic = op.mnemonic();
    mnemonic == "pause" || mnemonic.contains("ntl.")
}

/// What has been seen so far.
#[derive(Default)]
struct Sweep {
    agreed: BTreeMap<(u32, Op), usize>,
    illegal: usize,
    differences: BTreeMap<usize, usize>,
    failures: Vec<String>,
}

impl Sweep {
    /// `text` also compares the text, where both say it is an instruction.
    fn compare(&mut self, isa: Isa, word: u32, theirs: Option<&str>, text: bool) {
        let ours = decode(word, isa).ok();
        let printed = ours.map(|i| i.disassemble(0).xlen(isa.xlen).offsets().to_string());
        match (&printed, theirs) {
            (None, None) => self.illegal += 1,
            (Some(a), Some(b)) if !text || same_text(a, b) => {
                *self.agreed.entry((isa.xlen.bits(), ours.unwrap().op)).or_default() += 1
            }
            _ => {
                let case = Case { word, xlen: isa.xlen, ours, theirs };
                match DIFFERENCES.iter().position(|d| (d.applies)(&case)) {
                    Some(known) => *self.differences.entry(known).or_default() += 1,
                    None => self.failures.push(format!(
                        "RV{} {word:#010x}: remu `{}`, LLVM `{}`",
                        isa.xlen.bits(),
                        printed.as_deref().unwrap_or("illegal"),
                        theirs.unwrap_or("illegal")
                    )),
                }
            }
        }
    }

    fn finish(mut self) {
        let mut per_ext: BTreeMap<Ext, (BTreeSet<Op>, usize)> = BTreeMap::new();
        for ((_, op), words) in &self.agreed {
            let entry = per_ext.entry(op.info().ext).or_default();
            entry.0.insert(*op);
            entry.1 += words;
        }
        for (ext, (ops, words)) in &per_ext {
            println!("{ext:<12} {:>3} instructions, {words:>6} words agree", ops.len());
        }
        println!("illegal for both: {} words", self.illegal);
        for (known, words) in &self.differences {
            println!("{words} words differ: {}", DIFFERENCES[*known].reason);
        }
        for op in Op::ALL {
            for xlen in XLENS {
                if op.pattern(xlen).is_some() && !self.agreed.contains_key(&(xlen.bits(), op)) {
                    self.failures.push(format!("RV{}: no word of {op} was compared", xlen.bits()));
                }
            }
        }
        self.failures.truncate(100);
        assert!(self.failures.is_empty(), "disagreements:\n{}", self.failures.join("\n"));
    }
}

#[test]
fn every_row_agrees_with_llvm() {
    let mut sweep = Sweep::default();
    for xlen in XLENS {
        let isa = if xlen == Xlen::Rv32 { Isa::rv32_max() } else { Isa::rv64_max() };
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
    for (i, difference) in DIFFERENCES.iter().enumerate() {
        assert!(sweep.differences.contains_key(&i), "no longer differs, take it out: {}", difference.reason);
    }
    sweep.finish();
}

/// Whether each extension, alone and in the combinations that some rows ask for, brings what it brings for LLVM.
#[test]
fn extensions_gate_what_they_gate_for_llvm() {
    // LLVM always has the base, these included.
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
    let mut sweep = Sweep::default();
    for xlen in XLENS {
        let mut words: Vec<u32> = compressed().step_by(7).collect();
        words.extend(Op::ALL.iter().flat_map(|op| words_of(*op, xlen, 3).into_iter().step_by(3)));
        for set in &sets {
            if set.contains(&Ext::Zcf) && xlen == Xlen::Rv64 {
                continue;
            }
            let isa = Isa::new(xlen, set.iter().fold(base, |all, e| all.with(*e)));
            let before = sweep.failures.len();
            for (word, theirs) in words.iter().zip(disassemble(xlen, &features(isa.exts), false, &words)) {
                sweep.compare(isa, *word, theirs.as_deref(), false);
            }
            if sweep.failures.len() > before {
                sweep.failures.insert(before, format!("with {set:?}:"));
            }
        }
    }
    sweep.finish();
}
