//! The host's code for every instruction of the guest and for typical sequences, as text in `x86.txt`, so that a review
//! of the compiler sees what it changes. `REMU_BLESS=1` writes the file anew.

mod faults;
mod listing;
mod machines;
mod sequences;

use listing::Lister;
use remu_isa::{Insn, Isa, Op, Operand, Xlen, decode, encode};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// The registers of a case, in both register files.
#[derive(Clone, Copy)]
struct Registers {
    rd: u8,
    rs1: u8,
    rs2: u8,
    rs3: u8,
}

/// Those that are in registers of the host.
const PINNED: Registers = Registers { rd: 10, rs1: 11, rs2: 12, rs3: 13 };
/// Those that are in memory.
const IN_MEMORY: Registers = Registers { rd: 28, rs1: 29, rs2: 30, rs3: 31 };

/// Immediates, of which an instruction gets the first that it can have.
const IMMEDIATES: [i32; 7] = [64, 0x1234_5000, 8, 5, 1, 0, 0x33];

/// The number of `fflags`.
const FFLAGS: i32 = 1;

/// The instruction with typical operands; `None` if 64-bit user programs do not have it.
fn typical(op: Op, registers: Registers) -> Option<Insn> {
    let info = op.info();
    let immediates = if info.operands.contains(&Operand::Csr) { &[FFLAGS] } else { &IMMEDIATES[..] };
    let rm = if info.has_rm { 7 } else { 0 };
    let Registers { rd, rs1, rs2, rs3 } = registers;
    // Fields that the instruction does not have are dropped by the decoder.
    let candidates = immediates.iter().map(|&imm| Insn { op, rd, rs1, rs2, rs3, rm, len: 4, imm });
    candidates.into_iter().find_map(|insn| with_its_fields(&insn))
}

/// The instruction without what its encoding has no place for.
fn with_its_fields(insn: &Insn) -> Option<Insn> {
    let zero = Insn { op: insn.op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 };
    let mut kept = zero;
    for keep in [
        |k: &mut Insn, i: &Insn| k.imm = i.imm,
        |k: &mut Insn, i: &Insn| k.rd = i.rd,
        |k: &mut Insn, i: &Insn| k.rs1 = i.rs1,
        |k: &mut Insn, i: &Insn| k.rs2 = i.rs2,
        |k: &mut Insn, i: &Insn| k.rs3 = i.rs3,
        |k: &mut Insn, i: &Insn| k.rm = i.rm,
    ] {
        let mut more = kept;
        keep(&mut more, insn);
        // Some instructions are reserved with a field of zero, so that what fails is only a field too many.
        if !matches!(encode(&more, Xlen::Rv64), Err(remu_isa::EncodeError::Field { .. })) {
            kept = more;
        }
    }
    let bits = encode(&kept, Xlen::Rv64).ok()?;
    let has_immediate = insn.imm == kept.imm || !uses_immediate(insn.op);
    (has_immediate && decode(bits, Isa::rv64_max()) == Ok(kept)).then_some(kept)
}

fn uses_immediate(op: Op) -> bool {
    use Operand::*;
    let immediates = [Imm, Uimm, Hi20, Target, ImmRs1, UimmRs1, UimmSp, Csr, Pred, Succ, Fli, Hint];
    op.info().operands.iter().any(|operand| immediates.contains(operand))
}

fn all() -> String {
    let mut lister = Lister::default();
    let mut text =
        "# Written by `REMU_BLESS=1 cargo test --test golden`. After the colon: the instructions of the host.\n"
            .to_owned();
    let mut by_definition = Vec::new();
    for op in Op::ALL.into_iter().filter(|op| !op.info().compressed) {
        let mut texts = Vec::new();
        for registers in [PINNED, IN_MEMORY] {
            let Some(insn) = typical(op, registers) else { continue };
            let listing = lister.list(&[insn]);
            if listing.uncompiled.is_empty() {
                texts.push(listing.text);
            } else if !by_definition.contains(&op.mnemonic()) {
                by_definition.push(op.mnemonic());
            }
        }
        texts.dedup();
        text.extend(texts);
    }
    let mut machine = Lister::of_machine();
    let user = sequences::all().into_iter().map(|(name, insns)| (name, lister.list(&insns)));
    let machine = machines::all().into_iter().map(|(name, insns)| (name, machine.list(&insns)));
    for (name, listing) in user.chain(machine) {
        assert_eq!(listing.uncompiled, [], "{name}");
        write!(text, "\n## {name}\n{}", listing.text).expect("a string takes it");
    }
    text.push_str("\n## Executed by their definition\n");
    for names in by_definition.chunks(8) {
        writeln!(text, "{}", names.join(" ")).expect("a string takes it");
    }
    text
}

#[test]
fn the_code_is_as_expected() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/x86.txt");
    let is = all();
    if env::var_os("REMU_BLESS").is_some() {
        return fs::write(&path, is).expect("the file is written");
    }
    let expected = fs::read_to_string(&path).expect("x86.txt is there");
    let mut header = "";
    for (number, (is, expected)) in is.lines().zip(expected.lines()).enumerate() {
        if !expected.starts_with(' ') {
            header = expected;
        }
        assert!(
            is == expected,
            "x86.txt, line {}, in '{header}': expected\n{expected}\nbut the code is\n{is}\nREMU_BLESS=1 accepts all changes",
            number + 1
        );
    }
    assert_eq!(is.lines().count(), expected.lines().count(), "lines of x86.txt; REMU_BLESS=1 accepts all changes");
}
