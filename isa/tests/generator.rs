//! The generator refuses bad tables with a one-line message that names the row and the fault.

#[path = "../gen/mod.rs"]
mod generator;

use generator::{Source, generate, read_dir};
use std::path::Path;

/// Generates from a small extension table, an empty CSR table and `rows`.
fn of_rows(rows: &str) -> Result<String, String> {
    of("I\nM\nZca\n", "", rows)
}

fn of(exts: &str, csrs: &str, rows: &str) -> Result<String, String> {
    let source = |name: &str, text: &str| Source { name: name.to_string(), text: text.to_string() };
    generate(&[source("csrs.isa", csrs), source("exts.isa", exts), source("rows.isa", rows)])
}

/// Checks that the generator refuses `rows` with exactly this message.
#[track_caller]
fn refused(rows: &str, message: &str) {
    assert_eq!(of_rows(rows).err().as_deref(), Some(message), "of:\n{rows}");
}

const ADD: &str = "[I]\nadd 0000000 rs2 rs1 000 rd 0110011 rd, rs1, rs2\n";
const ADDI: &str = "[I]\naddi imm[11:0] rs1 000 rd 0010011 rd, rs1, imm\n";

#[test]
fn the_tables_of_this_crate_generate() {
    let sources = read_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("riscv")).unwrap();
    assert!(generate(&sources).unwrap().contains("pub enum Op"));
}

#[test]
fn overlapping_rows_are_refused_with_both_names_and_a_word() {
    refused(
        &format!("{ADD}[M]\nmul 0000000 rs2 rs1 000 rd 0110011 rd, rs1, rs2"),
        "add (rows.isa:2) and mul (rows.isa:4) overlap on RV32: 0x00000033 matches both",
    );
    refused(
        &format!("{ADD}[rv64: M]\nodd 0000000 00001 rs1 000 rd 0110011 rd, rs1"),
        "add (rows.isa:2) and odd (rows.isa:4) overlap on RV64: 0x00100033 matches both",
    );
    // A constraint that separates two rows, and one that does not.
    let pair = |bits: &str| {
        format!(
            "{ADD}[Zca]\nc.add 100 1 rd/rs1 rs2!=0 10 rd, rs2 => add rd, rs1, rs2\nc.x 100 1 {bits} 10 => add zero, zero, zero"
        )
    };
    assert!(of_rows(&pair("00000 00000")).is_ok());
    refused(&pair("00000 00001"), "c.add (rows.isa:4) and c.x (rows.isa:5) overlap on RV32: 0x00009006 matches both");
}

#[test]
fn a_row_that_specialises_another_must_be_marked() {
    let hint = |bits: &str, note: &str| format!("{ADD}hint {bits} 0110011 {note}");
    assert!(of_rows(&hint("0000000 00010 00000 000 00000", "{of add}")).is_ok());
    refused(
        &hint("0000000 00010 00000 000 00000", ""),
        "add (rows.isa:2) and hint (rows.isa:3) overlap on RV32: 0x00200033 matches both",
    );
    refused(
        &hint("0000001 00010 00000 000 00000", "{of add}"),
        "rows.isa:3: hint is marked `of add`, but no word matches both",
    );
    refused(
        &hint("0000000 00010 00000 000 00000", "{of sub}"),
        "add (rows.isa:2) and hint (rows.isa:3) overlap on RV32: 0x00200033 matches both",
    );
    refused(
        &hint("0000000 rs2 rs1 000 rd", "rd, rs1, rs2 {of add}"),
        "rows.isa:3: hint is marked `of add` (rows.isa:2), but is not a proper subset of it",
    );
    refused(
        "[I]\nhint 0000000 00010 00000 000 00000 0110011 {of add}",
        "rows.isa:2: hint is marked `of add`, which has no row on RV32",
    );
}

#[test]
fn a_malformed_pattern_is_refused() {
    let addi = |pattern: &str| format!("[I]\naddi {pattern}");
    for (pattern, why) in [
        ("imm[11:0] rs1 000 rd 001001", "the pattern is 1 bits short of 32"),
        ("imm[11:0] rs1 000 rd 00100111", "the pattern is longer than 32 bits at `00100111`"),
        ("imm[11:0] rs1 000 rd", "the pattern is 7 bits short of 32"),
        ("imm[11:0] rs1 0x0 rd 0010011", "`0x0` is neither bits nor a field"),
        ("imm[11:0] rs9 000 rd 0010011", "`rs9` is neither bits nor a field"),
        ("simm[11:0] rs1 000 rd 0010011", "`simm` is not an immediate"),
        ("imm[11:x] rs1 000 rd 0010011", "`imm[11:x]`: `x` is not a bit number"),
        ("imm[0:11] rs1 000 rd 0010011", "`imm[0:11]`: the high bit comes first"),
        ("imm[11:0] rd 000 rd 0010011", "field `rd` appears twice"),
        ("imm[11:0] rs1 000 rd!=x 0010011", "`rd!=x`: `x` is not a number"),
        ("imm[11:0] rs1 000 rd 0010001", "the low bits do not match the length of the instruction"),
        ("imm[11:0] rs1 000 rd 0011111", "the low bits do not match the length of the instruction"),
    ] {
        refused(&addi(&format!("{pattern} ")), &format!("rows.isa:2: addi: {why}"));
    }
    refused("[I]\naddi", "rows.isa:2: a row needs a pattern");
}

#[test]
fn a_malformed_row_is_refused() {
    for (row, why) in [
        ("imm[11:0] rs1 000 rd 0010011 rd, rs1, immediate", "addi: `immediate` is not an operand"),
        ("imm[11:0] rs1 000 rd 0010011 rd, rs1, rs2", "addi: operand `rs2` needs Rs2, which the pattern does not have"),
        (
            "imm[11:0] rs1 000 rd 0010011 rd, rs1, imm {ld}",
            "addi: `ld` is not a note; the notes are load, store, atomic, fault, ends, reads-rd and `of`",
        ),
        ("imm[11:0] rs1 000 rd 0010011 rd, rs1, imm {load", "a `{` is not closed"),
        ("imm[11:0] rs1 000 rd 0010011 rd, rs1, imm {of}", "`of` needs a mnemonic"),
        (
            "imm[11:0] rs1 000 rd 0010011 rd, rs1, imm => add rd, rs1, rs2",
            "addi: 16-bit rows, and no others, need an expansion",
        ),
    ] {
        refused(&format!("[I]\naddi {row}"), &format!("rows.isa:2: {why}"));
    }
    refused(
        &format!("{ADDI}addi imm[11:0] rs1 001 rd 0010011 rd, rs1, imm"),
        "rows.isa:3: addi is already a row at rows.isa:2",
    );
    refused(
        "[rv32: I]\nx 000000000000 rs1 000 rd 0010011 rd, rs1\n[rv64: M]\nx 000000000001 rs1 000 rd 0010011 rd, rs1",
        "rows.isa:4: x differs from its row at rows.isa:2",
    );
    refused("addi imm[11:0] rs1 000 rd 0010011 rd, rs1, imm", "rows.isa:1: a row before any [section]");
    refused("[I]\nx nzimm[11:0] rs1!=0 000 rd!=0 0010011 rd, rs1, imm", "rows.isa:2: x: more than 2 constraints");
    refused("[rv128: I]", "rows.isa:1: `rv128` is neither rv32 nor rv64");
    refused("[I & Zmagic]", "rows.isa:1: unknown extension Zmagic");
    refused(
        "[I]\nx 000000000000 00000 000 rd!=0 0010011 rd\ny 000000000000 00000 000 00000 0010011\n[rv32: I]\nz 0000000 00000 00000 000 00000 0010011",
        "y (rows.isa:3) and z (rows.isa:5) overlap on RV32: 0x00000013 matches both",
    );
}

#[test]
fn a_malformed_expansion_is_refused() {
    let row = |expansion: &str| format!("{ADDI}[Zca]\nc.addi 000 imm[5] rd/rs1!=0 imm[4:0] 01 rd, imm{expansion}");
    assert!(of_rows(&row(" => addi rd, rs1, imm")).is_ok());
    refused(&row(""), "rows.isa:4: c.addi: 16-bit rows, and no others, need an expansion");
    refused(
        &row(" => sub rd, rs1, imm"),
        "rows.isa:4: c.addi: it expands to sub, which is not a 32-bit row on the same XLEN",
    );
    refused(&row(" => addi rd, imm"), "rows.isa:4: c.addi: addi takes 3 operands, not 2");
    refused(&row(" => addi rd, rs1, many"), "rows.isa:4: c.addi: `many` is neither an operand nor a number");
    refused(&row(" => addi rd, rs1, imm(rs1)"), "rows.isa:4: c.addi: `imm(rs1)` cannot be the operand `imm` of addi");
}

#[test]
fn malformed_lists_are_refused() {
    let exts = |text: &str| of(text, "", "").err().unwrap_or_default();
    assert_eq!(exts("I\nI"), "exts.isa:2: extension I is listed twice");
    assert_eq!(exts("I sometimes"), "exts.isa:1: `sometimes` is not a class of extension");
    assert_eq!(exts("# one\nI -> Q"), "exts.isa:2: unknown extension Q");
    assert_eq!(exts("I\nB = Zba"), "exts.isa:2: unknown extension B");
    let many: String = (0..129).map(|i| format!("Z{i}\n")).collect();
    assert_eq!(exts(&many), "exts.isa: 129 extensions do not fit the 128 bits of ExtSet");
    let csrs = |text: &str| of("I", text, "").err().unwrap_or_default();
    assert_eq!(csrs("0x001"), "csrs.isa:1: a CSR needs a name");
    assert_eq!(csrs("1 fflags"), "csrs.isa:1: `1` is not a CSR number");
    assert_eq!(csrs("0x001 fflags F"), "csrs.isa:1: unknown extension F");
    assert_eq!(csrs("0x3..0x5 hpm#"), "csrs.isa:1: `#` needs a number");
    assert_eq!(csrs("0x001 a\n0x001 b"), "csrs.isa:2: CSR b (0x1) clashes with a (0x1)");
    assert_eq!(csrs("0x1000 far"), "csrs.isa:1: `0x1000` is not a CSR number");
    assert_eq!(csrs("0x005..0x003 back#0"), "csrs.isa:1: the range `0x005..0x003` is descending");
    assert_eq!(generate(&[]).err().as_deref(), Some("exts.isa is missing"));
}

#[test]
fn impossible_bits_of_a_value_are_refused() {
    for (pattern, why) in [
        ("imm[40:29] rs1 000 rd 0010011", "`imm[40:29]`: a value has no bit 40"),
        ("imm[4294967295] rs1 000 rd 0010011", "`imm[4294967295]`: a value has no bit 4294967295"),
        ("imm[11:5|9:5] rs1 000 rd 0010011", "bit 5 of Imm appears twice"),
        ("imm[11:0] rs1 000 rd!=32 0010011", "Rd is never 32; remove the condition"),
        ("nzuimm[3|2=1] 0000000000 rs1 000 rd 0010011", "Imm is never 0; remove the condition"),
        ("uimm[3|2=2] 0000000000 rs1 000 rd 0010011", "`uimm[3|2=2]`: bit 2 of a value cannot be 2"),
        ("uimm[3|3=1] 0000000000 rs1 000 rd 0010011", "bit 3 of Imm appears twice"),
        ("csr uimm[7:0] rd 0010011", "bit 0 of Imm appears twice"),
    ] {
        refused(&format!("[I]\nx {pattern}"), &format!("rows.isa:2: x: {why}"));
    }
}
