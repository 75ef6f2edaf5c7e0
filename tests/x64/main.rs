//! Tests the assembler of `jit::x64`. `forms` lists every instruction with the text it must be; Capstone reads the bytes
//! back as that text, and the GNU assembler makes the same bytes of it.

mod cases;
mod features;
mod forms;
mod jumps;
mod oracles;

use cases::Cases;
use oracles::{Disassembler, alike, assemble};

fn all() -> Cases {
    let mut cases = Cases::new();
    forms::int::add(&mut cases);
    forms::bits::add(&mut cases);
    forms::control::add(&mut cases);
    forms::fp::add(&mut cases);
    assert_eq!(cases.assembler.finish(), Ok(()));
    println!("{} instructions", cases.list.len());
    cases
}

/// Panics with the first few of the complaints.
fn none(complaints: &[String]) {
    let shown = complaints.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} differences:\n{shown}", complaints.len());
}

#[test]
fn capstone_reads_every_form_as_its_text() {
    let cases = all();
    let disassembler = Disassembler::new();
    let mut complaints = Vec::new();
    for case in &cases.list {
        let bytes = cases.bytes(case);
        let read = disassembler.text(bytes);
        if !alike(&read, case) {
            complaints.push(format!("{}: {bytes:02x?} is {read}", case.text));
        }
    }
    none(&complaints);
}

#[test]
fn the_gnu_assembler_makes_the_same_bytes() {
    let cases = all();
    let theirs = assemble(cases.list.iter().map(|case| case.text.as_str()));
    let mut complaints = Vec::new();
    for (case, theirs) in cases.list.iter().zip(&theirs) {
        let ours = cases.bytes(case);
        if ours != theirs {
            complaints.push(format!("{}: {ours:02x?}, but as makes {theirs:02x?}", case.text));
        }
    }
    none(&complaints);
}
