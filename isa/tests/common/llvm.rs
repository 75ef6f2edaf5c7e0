//! LLVM's disassembler as an oracle.
#![allow(dead_code)] // each test uses its part

use remu_isa::{ExtSet, Xlen};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

const TOOL: &str = "llvm-mc-19";

/// The LLVM features that enable these extensions.
pub fn features(exts: ExtSet) -> String {
    let known = exts.iter().filter(|e| !matches!(e.name(), "I" | "S" | "Sm"));
    let name = |e: remu_isa::Ext| match e.name() {
        "Zacas" => "+experimental-zacas".to_string(),
        name => format!("+{}", name.to_lowercase()),
    };
    known.map(name).collect::<Vec<_>>().join(",")
}

/// LLVM's disassembly of each word; `None` if LLVM considers it illegal.
pub fn disassemble(xlen: Xlen, features: &str, aliases: bool, words: &[u32]) -> Vec<Option<String>> {
    let mut input = String::new();
    for word in words {
        let size = if word & 3 == 3 { 4 } else { 2 };
        let bytes: Vec<String> = word.to_le_bytes()[..size].iter().map(|b| format!("{b:#04x}")).collect();
        // Brackets separate the words, so that an illegal one does not shift the next.
        input += &format!("[{}]\n", bytes.join(" "));
    }
    let mut arguments = vec!["--disassemble".to_string(), format!("--triple=riscv{}", xlen.bits())];
    arguments.push(format!("-mattr={features}"));
    if !aliases {
        arguments.extend(["-M", "no-aliases"].map(String::from));
    }
    let (text, errors) = run(&arguments, input);
    let unknown = errors.lines().find(|l| l.contains("not a recognized feature"));
    assert_eq!(unknown, None);
    let illegal: BTreeSet<usize> = errors
        .lines()
        .filter_map(|l| l.strip_suffix(": warning: invalid instruction encoding"))
        .map(|l| l.split(':').nth(1).unwrap().parse::<usize>().unwrap() - 1)
        .collect();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    let texts = (0..words.len()).map(|i| (!illegal.contains(&i)).then(|| lines.next().unwrap().to_string())).collect();
    assert_eq!(lines.next(), None, "LLVM printed more instructions than there were words");
    texts
}

/// LLVM's encoding of each text, compressed where possible.
pub fn assemble(xlen: Xlen, features: &str, texts: &[String]) -> Vec<u32> {
    let arguments = [format!("--triple=riscv{}", xlen.bits()), format!("-mattr={features}"), "--show-encoding".into()];
    let (text, errors) = run(&arguments, texts.join("\n"));
    assert_eq!(errors, "", "LLVM's assembler refuses a text");
    let encodings = text.lines().filter_map(|l| l.split_once("encoding: [")).map(|(_, bytes)| {
        let bytes = bytes.trim_end_matches(']').split(',').rev();
        bytes.fold(0, |word, byte| word << 8 | u32::from_str_radix(byte.trim_start_matches("0x"), 16).unwrap())
    });
    let words: Vec<u32> = encodings.collect();
    assert_eq!(words.len(), texts.len());
    words
}

/// Runs the tool; returns its standard output and standard error.
fn run(arguments: &[String], input: String) -> (String, String) {
    let mut child = Command::new(TOOL)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{TOOL}: {e}; apt-get install llvm-19"));
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}
