//! LLVM's disassembler as an oracle.
#![allow(dead_code)] // each test uses its part

use remu_isa::{ExtSet, Xlen};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

const TOOL: &str = "llvm-mc-19";

/// LLVM's name for turning on these extensions; what it does not know by name it does not gate.
pub fn features(exts: ExtSet) -> String {
    let known = exts.iter().filter(|e| !matches!(e.name(), "I" | "S" | "Sm"));
    let name = |e: remu_isa::Ext| match e.name() {
        "Zacas" => "+experimental-zacas".to_string(),
        name => format!("+{}", name.to_lowercase()),
    };
    known.map(name).collect::<Vec<_>>().join(",")
}

/// LLVM's text for each word, or none where it says there is no such instruction.
pub fn disassemble(xlen: Xlen, features: &str, aliases: bool, words: &[u32]) -> Vec<Option<String>> {
    let mut input = String::new();
    for word in words {
        let size = if word & 3 == 3 { 4 } else { 2 };
        let bytes: Vec<String> = word.to_le_bytes()[..size].iter().map(|b| format!("{b:#04x}")).collect();
        // The brackets keep an illegal word from putting the next out of step.
        input += &format!("[{}]\n", bytes.join(" "));
    }
    let mut child = Command::new(TOOL)
        .arg("--disassemble")
        .args(if aliases { &[][..] } else { &["-M", "no-aliases"] })
        .arg(format!("--triple=riscv{}", xlen.bits()))
        .arg(format!("-mattr={features}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{TOOL}: {e}; apt-get install llvm-19"));
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let unknown = errors.lines().find(|l| l.contains("not a recognized feature"));
    assert_eq!(unknown, None);
    let illegal: BTreeSet<usize> = errors
        .lines()
        .filter_map(|l| l.strip_suffix(": warning: invalid instruction encoding"))
        .map(|l| l.split(':').nth(1).unwrap().parse::<usize>().unwrap() - 1)
        .collect();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    let texts = (0..words.len()).map(|i| (!illegal.contains(&i)).then(|| lines.next().unwrap().to_string())).collect();
    assert_eq!(lines.next(), None, "LLVM printed more instructions than there were words");
    texts
}
