//! Compares the decoder with an oracle word by word. Counts agreements, known differences and failures.

use super::XLENS;
use remu_isa::{Ext, Insn, Isa, Op, Xlen, csr_number, decode};
use std::collections::{BTreeMap, BTreeSet};

/// The mnemonic and the operands; `8(sp)` gives two.
pub fn tokens(text: &str) -> Vec<&str> {
    text.split([' ', '\t', ',', '(', ')']).filter(|t| !t.is_empty()).collect()
}

/// Parses a number or the name of a CSR.
pub fn number(token: &str) -> Option<i64> {
    let hex = |t: &str| t.strip_prefix("0x").and_then(|h| i64::from_str_radix(h, 16).ok());
    hex(token)
        .or_else(|| token.strip_prefix('-').and_then(hex).map(|n| -n))
        .or_else(|| token.parse().ok())
        .or_else(|| csr_number(token).map(i64::from))
}

/// Whether two texts are equal except for spacing and the base of numbers.
pub fn same_text(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (tokens(ours), tokens(theirs));
    let same = |(a, b): (&&str, &&str)| a == b || number(a).is_some_and(|n| Some(n) == number(b));
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
}

/// A word on which remu and the oracle differ.
pub struct Case<'a> {
    pub word: u32,
    pub xlen: Xlen,
    pub ours: Option<Insn>,
    pub theirs: Option<&'a str>,
}

impl Case<'_> {
    /// Whether the word is legal for remu only, and `of` accepts the instruction.
    pub fn only_ours(&self, of: impl Fn(&Insn) -> bool) -> bool {
        self.theirs.is_none() && self.ours.as_ref().is_some_and(of)
    }

    /// Whether the word is legal for the oracle only, and `of` accepts its tokens.
    pub fn only_theirs(&self, of: impl Fn(&[&str]) -> bool) -> bool {
        self.ours.is_none() && self.theirs.is_some_and(|t| of(&tokens(t)))
    }

    /// Whether the word is legal for both with different texts, and `of` accepts them.
    pub fn both(&self, of: impl Fn(&Insn, &[&str]) -> bool) -> bool {
        self.ours.is_some_and(|i| self.theirs.is_some_and(|t| of(&i, &tokens(t))))
    }
}

/// A known difference: a fault of the oracle, or a harmless one.
pub struct Difference {
    pub reason: &'static str,
    pub applies: fn(&Case) -> bool,
}

/// The results so far.
pub struct Sweep {
    oracle: &'static str,
    known: &'static [Difference],
    agreed: BTreeMap<(u32, Op), usize>,
    illegal: usize,
    differences: BTreeMap<usize, usize>,
    /// Failures by both mnemonics: their count, and the first one.
    failures: BTreeMap<(String, String), (usize, String)>,
}

impl Sweep {
    pub fn new(oracle: &'static str, known: &'static [Difference]) -> Sweep {
        let (agreed, differences) = (BTreeMap::new(), BTreeMap::new());
        Sweep { oracle, known, agreed, illegal: 0, differences, failures: BTreeMap::new() }
    }

    /// Compares legality, and with `text` also the texts of legal words.
    pub fn compare(&mut self, isa: Isa, word: u32, theirs: Option<&str>, text: bool) {
        let ours = decode(word, isa).ok();
        let printed = ours.map(|i| i.disassemble(0).xlen(isa.xlen).offsets().to_string());
        match (&printed, theirs) {
            (None, None) => self.illegal += 1,
            (Some(a), Some(b)) if !text || same_text(a, b) => {
                *self.agreed.entry((isa.xlen.bits(), ours.unwrap().op)).or_default() += 1
            }
            _ => {
                let case = Case { word, xlen: isa.xlen, ours, theirs };
                match self.known.iter().position(|d| (d.applies)(&case)) {
                    Some(known) => *self.differences.entry(known).or_default() += 1,
                    None => self.fail(&case, isa, printed.as_deref()),
                }
            }
        }
    }

    fn fail(&mut self, case: &Case, isa: Isa, ours: Option<&str>) {
        let (ours, theirs) = (ours.unwrap_or("illegal"), case.theirs.unwrap_or("illegal"));
        let first = |text: &str| tokens(text)[0].to_string();
        let word = format!("RV{} {:#010x}: remu `{ours}`, {} `{theirs}`", isa.xlen.bits(), case.word, self.oracle);
        let entry = self
            .failures
            .entry((first(ours), first(theirs)))
            .or_insert_with(|| (0, format!("{word} with {:?}", isa.exts)));
        entry.0 += 1;
    }

    /// Prints a summary. Fails if there were failures, or if an op selected by `compared` never agreed.
    pub fn finish(self, compared: impl Fn(Op, Xlen) -> bool) {
        let oracle = self.oracle;
        let mut per_ext: BTreeMap<Ext, (BTreeSet<Op>, usize)> = BTreeMap::new();
        for ((_, op), words) in &self.agreed {
            let entry = per_ext.entry(op.info().ext).or_default();
            entry.0.insert(*op);
            entry.1 += words;
        }
        for (ext, (ops, words)) in &per_ext {
            println!("{oracle} {ext:<12} {:>3} instructions, {words:>6} words agree", ops.len());
        }
        println!("{oracle} illegal for both: {} words", self.illegal);
        for (known, words) in &self.differences {
            println!("{oracle} {words} words differ: {}", self.known[*known].reason);
        }
        let mut missing = Vec::new();
        for op in Op::ALL {
            for xlen in XLENS {
                let is_row = op.pattern(xlen).is_some() && compared(op, xlen);
                if is_row && !self.agreed.contains_key(&(xlen.bits(), op)) {
                    missing.push(format!("RV{}: no word of {op} was compared", xlen.bits()));
                }
            }
        }
        let failures = self.failures.values().map(|(count, first)| format!("{count} words like {first}"));
        let failures: Vec<String> = failures.chain(missing).collect();
        assert!(failures.is_empty(), "disagreements:\n{}", failures.join("\n"));
    }

    /// Fails if a known difference did not occur.
    pub fn differences_are_all_needed(&self) {
        for (i, difference) in self.known.iter().enumerate() {
            assert!(self.differences.contains_key(&i), "no longer differs, remove it: {}", difference.reason);
        }
    }
}
