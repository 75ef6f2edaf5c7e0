//! Sequences of instructions under QEMU and remu, as user programs: registers, flags and memory are the same behind each.
//!
//! A program has some hundred sequences that nothing stops. Each loads all registers from a table and stores them to the
//! output.

use crate::bench::{DATA, PAGE, STACK};
use crate::elf::{R, Segment, W, X, assemble, elf};
use crate::generate::{self, Ops};
use crate::program::Program;
use crate::qemu::{CPU, command, qemu};
use crate::shrink::shrink;
use remu_isa::{Insn, Op, Xlen, f_name, x_name};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

const CODE: u64 = 0x100_0000;
const TABLE: u64 = 0x1000_0000;
const OUT: u64 = 0x3000_0000;

/// Doublewords of a result: x1 to x31, f0 to f31, fcsr.
const WORDS: usize = 64;
/// Holds the address of the result. Sequences leave it alone.
const RESULT: u8 = 3;
const FCSR: i32 = 3;

/// Options of remu that choose an engine.
const ENGINES: &[&[&str]] = &[&["--engine", "interp"], &["--engine", "jit"], &["--tier-after", "1"]];

/// Sequences of a program, and programs.
const SEQUENCES: u64 = 400;
const PROGRAMS: u64 = 10;

/// Ops whose call QEMU 11 leaves out if nothing reads its result, although it raises flags.
const LEFT_OUT: [Op; 6] = [Op::FroundH, Op::FroundS, Op::FroundD, Op::FroundnxH, Op::FroundnxS, Op::FroundnxD];

/// The sequence of a seed.
fn sequence(ops: &Ops, seed: u64) -> Program {
    let mut sequence = generate::calm(ops, seed, (RESULT, OUT));
    for slot in &mut sequence.slots {
        slot.take_if(|s| LEFT_OUT.contains(&s.insn.op));
    }
    sequence
}

fn insn(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm }
}

/// Loads an address below 2^31.
fn constant(r: u8, v: u64) -> [Insn; 2] {
    let low = (v as i32) << 20 >> 20;
    [insn(Op::Lui, r, 0, 0, v as i32 - low), insn(Op::Addi, r, r, 0, low)]
}

/// An executable file with these sequences.
fn compose(sequences: &[Program]) -> Vec<u8> {
    let (mut code, mut table) = (Vec::new(), Vec::new());
    for (n, sequence) in sequences.iter().enumerate() {
        const LAST: u8 = 31;
        let word = |index: usize| 8 * index as i32;
        let x = |r: u8| word(usize::from(r) - 1);
        let f = |r: u8| word(31 + usize::from(r));
        let mut before = Vec::from(constant(LAST, TABLE + (8 * WORDS * n) as u64));
        before.extend((0..32).map(|r| insn(Op::Fld, r, LAST, 0, f(r))));
        before.extend([insn(Op::Ld, 1, LAST, 0, word(63)), insn(Op::Csrrw, 0, 1, 0, FCSR)]);
        before.extend((1..32).map(|r| insn(Op::Ld, r, LAST, 0, x(r))));
        code.extend(assemble(&before));
        let sequence = Program { base: CODE + code.len() as u64, ..sequence.clone() };
        let bytes = sequence.assemble().bytes;
        // Without the final ebreak.
        code.extend(&bytes[..bytes.len() - 4]);
        let mut after: Vec<Insn> = (1..32).map(|r| insn(Op::Sd, 0, RESULT, r, x(r))).collect();
        after.extend((0..32).map(|r| insn(Op::Fsd, 0, RESULT, r, f(r))));
        after.extend([insn(Op::Csrrs, 1, 0, 0, FCSR), insn(Op::Sd, 0, RESULT, 1, word(63))]);
        code.extend(assemble(&after));
        let registers = Program { x: with_result(sequence.x, n), ..sequence };
        let words = registers.x[1..].iter().chain(&registers.f).copied().chain([registers.fcsr.into()]);
        words.for_each(|v| table.extend(v.to_le_bytes()));
    }
    let size = (8 * WORDS * sequences.len()) as u64;
    let (write, exit) = (64, 93);
    let call = |number, [a, b, c]: [u64; 3]| {
        let arguments = [(10, a), (11, b), (12, c), (17, number)].map(|(r, v)| constant(r, v));
        arguments.into_iter().flatten().chain([insn(Op::Ecall, 0, 0, 0, 0)])
    };
    let end = call(write, [1, OUT, size]).chain(call(write, [1, DATA, 2 * PAGE])).chain(call(exit, [0, 0, 0]));
    code.extend(assemble(&end.collect::<Vec<_>>()));
    let mut data = vec![0; 2 * PAGE as usize];
    if let Some(first) = sequences.first() {
        first.fill(DATA, &mut data);
    }
    elf(CODE)
        .segment(Segment::load(R | W, DATA, data))
        .segment(Segment::load(R | W, STACK, []).mem_size(2 * PAGE))
        .segment(Segment::load(R | X, CODE, code))
        .segment(Segment::load(R, TABLE, table))
        .segment(Segment::load(R | W, OUT, []).mem_size(size))
        .bytes()
}

/// The registers of the sequence at this place in a program.
fn with_result(mut x: [u64; 32], place: usize) -> [u64; 32] {
    x[usize::from(RESULT)] = OUT + (8 * WORDS * place) as u64;
    x
}

/// What the program writes, or how it ends otherwise.
fn output(mut command: Command, file: &Path) -> Result<Vec<u8>, String> {
    let dir = file.parent().expect("a file is in a folder");
    let out = command.arg(file).current_dir(dir).stdin(Stdio::null()).output().expect("a program can be started");
    if out.status.success() {
        Ok(out.stdout)
    } else {
        Err(format!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr)))
    }
}

/// Runs the sequences on both sides. `Err` has the place of the first that differs, and in what.
fn compare(sequences: &[Program], options: &[&str]) -> Result<(), (usize, String)> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("program");
    fs::write(&file, compose(sequences)).expect("writing a program");
    fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("making it executable");
    let mut theirs = command(&qemu(Xlen::Rv64).unwrap_or_else(|e| panic!("{e}")));
    theirs.args(CPU);
    let theirs = output(theirs, &file);
    let mut ours = Command::new(env!("CARGO_BIN_EXE_remu"));
    ours.args(options);
    let ours = output(ours, &file);
    let (theirs, ours) = match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        // Shrinking makes programs that fault.
        (Err(_), Err(_)) if sequences.len() == 1 => return Ok(()),
        (theirs, ours) => {
            let what = format!("QEMU: {:?}, remu: {:?}", theirs.err(), ours.err());
            let alone = |s| sequences.len() > 1 && compare(std::slice::from_ref(s), options).is_err();
            return Err((sequences.iter().position(alone).unwrap_or(0), what));
        }
    };
    let expected = 8 * WORDS * sequences.len() + 2 * PAGE as usize;
    assert_eq!((theirs.len(), ours.len()), (expected, expected), "bytes of output");
    if theirs == ours {
        return Ok(());
    }
    let words = |bytes: &[u8]| -> Vec<u64> {
        bytes.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes"))).collect()
    };
    let (theirs, ours) = (words(&theirs), words(&ours));
    let first = theirs.iter().zip(&ours).position(|(a, b)| a != b).expect("they differ");
    let place = first / WORDS;
    let mut text = String::new();
    for at in
        (0..theirs.len()).filter(|&at| theirs[at] != ours[at] && (at / WORDS == place || place >= sequences.len()))
    {
        let name = match at.checked_sub(sequences.len() * WORDS) {
            Some(word) => format!("{:#x}", DATA + 8 * word as u64),
            None => match at % WORDS {
                r @ 0..31 => x_name(r as u8 + 1).to_owned(),
                63 => "fcsr".to_owned(),
                r => f_name(r as u8 - 31).to_owned(),
            },
        };
        let _ = writeln!(text, "  {name}: QEMU {:#x}, remu {:#x}", theirs[at], ours[at]);
    }
    // Memory that differs is the work of any.
    Err((if place < sequences.len() { place } else { 0 }, text))
}

#[test]
fn sequences_agree_with_qemu() {
    let ops = Ops::new();
    let programs = crate::number("REMU_AGREE_PROGRAMS", PROGRAMS);
    for (number, options) in (0..programs).flat_map(|n| ENGINES.iter().map(move |options| (n, *options))) {
        let seeds: Vec<u64> = (0..SEQUENCES).map(|n| 1 + number * SEQUENCES + n).collect();
        let sequences: Vec<Program> = seeds.iter().map(|&seed| sequence(&ops, seed)).collect();
        let Err((place, text)) = compare(&sequences, options) else { continue };
        let small = |p: &Program| compare(std::slice::from_ref(p), options).err().map(|(_, text)| text);
        let alone = small(&sequences[place]);
        let (smallest, text) = match alone {
            Some(text) => shrink(sequences[place].clone(), text, &mut |p| small(p)),
            None => (sequences[place].clone(), format!("only behind the sequences before it:\n{text}")),
        };
        println!("sequence {}, remu {options:?}:\n{}{text}", seeds[place], smallest.listing());
        panic!("remu {options:?} and QEMU differ");
    }
}
