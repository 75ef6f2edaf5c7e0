//! Capstone and the GNU assembler.

use super::cases::Case;
use capstone::Capstone;
use capstone::arch::x86::{ArchMode, ArchSyntax};
use capstone::prelude::{BuildsCapstone, BuildsCapstoneSyntax};
use std::fs;
use std::path::Path;
use std::process::Command;

pub struct Disassembler(Capstone);

impl Disassembler {
    pub fn new() -> Self {
        let built = Capstone::new().x86().mode(ArchMode::Mode64).syntax(ArchSyntax::Intel).build();
        Self(built.expect("Capstone knows x86-64"))
    }

    /// The instructions in these bytes, separated by semicolons.
    pub fn text(&self, bytes: &[u8]) -> String {
        let all = self.0.disasm_all(bytes, 0).expect("Capstone answers");
        let read: usize = all.iter().map(|insn| insn.bytes().len()).sum();
        let text = |insn: &capstone::Insn| {
            format!("{} {}", insn.mnemonic().unwrap_or(""), insn.op_str().unwrap_or("")).trim_end().to_owned()
        };
        let mut texts: Vec<String> = all.iter().map(text).collect();
        if read != bytes.len() {
            texts.push("and no instruction".to_owned());
        }
        texts.join("; ")
    }
}

/// Whether a text means a case's instruction. Numbers are compared as those of the immediate's size, or as displacements.
pub fn alike(text: &str, case: &Case) -> bool {
    tokens(text, case) == tokens(&case.text, case)
}

fn tokens(text: &str, case: &Case) -> Vec<String> {
    let spaced: String = text
        .chars()
        .flat_map(|c| {
            let mark = matches!(c, '[' | ']' | ',' | '+' | '-' | '*');
            [mark.then_some(' '), Some(c), mark.then_some(' ')]
        })
        .flatten()
        .collect();
    let mut tokens = Vec::<String>::new();
    let (mut negative, mut in_brackets) = (false, false);
    for word in spaced.split_whitespace() {
        in_brackets = (in_brackets || word == "[") && word != "]";
        let number = match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse::<u64>().ok(),
        };
        match (word, number) {
            ("-", _) => negative = true,
            ("+", _) => {}
            (_, Some(number)) => {
                let number = if negative { number.wrapping_neg() } else { number };
                let bytes = if in_brackets { 4 } else { case.size.bytes() };
                negative = false;
                tokens.push(format!("{:#x}", number & (u64::MAX >> (64 - 8 * bytes))));
            }
            _ => tokens.push(word.to_owned()),
        }
    }
    tokens
}

/// The bytes that the GNU assembler makes of each text.
pub fn assemble<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let mut source = ".intel_syntax noprefix\n.section .lengths\n.text\n".to_owned();
    for text in texts {
        source.push_str(&format!("0: {text}\n1: .section .lengths\n.byte 1b - 0b\n.text\n"));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| dir.path().join(name);
    fs::write(file("forms.s"), source).expect("it is written");
    run("as", &["--64".as_ref(), "-o".as_ref(), &file("forms.o"), &file("forms.s")]);
    let section = |name: &str| {
        let only = format!("--only-section={name}");
        let keep = format!("--set-section-flags={name}=alloc");
        let out = file(name);
        run("objcopy", &["-O".as_ref(), "binary".as_ref(), only.as_ref(), keep.as_ref(), &file("forms.o"), &out]);
        fs::read(out).expect("objcopy wrote it")
    };
    let code = section(".text");
    let mut rest = code.as_slice();
    let mut all = Vec::new();
    for length in section(".lengths") {
        let (insn, tail) = rest.split_at(usize::from(length));
        all.push(insn.to_vec());
        rest = tail;
    }
    assert!(rest.is_empty(), "the lengths add up");
    all
}

fn run(program: &str, arguments: &[&Path]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}: install binutils, as tests/setup.sh does"));
    assert!(output.status.success(), "{program} failed:\n{}", String::from_utf8_lossy(&output.stderr));
}
