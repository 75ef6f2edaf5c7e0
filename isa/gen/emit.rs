//! Writes the generated Rust: the enums `Ext` and `Op`, and the tables.

use super::XLENS;
use super::absent::Absent;
use super::expand::{Expansion, From};
use super::exts::{Class as ExtClass, Csr, Exts};
use super::parse::{Class, FLAGS, OPERANDS, Row};
use super::pattern::{Field, MAX_FORBID, Slot, ones};
use super::tree::Tree;
use std::collections::BTreeMap;
use std::fmt::Write;

type Layout = BTreeMap<Slot, Field>;

/// The generated source, except for absent instructions.
pub fn emit(exts: &Exts, csrs: &[Csr], rows: &[Row], expansions: &[Option<Expansion>], trees: &[Tree]) -> String {
    let mut out = String::new();
    // An Op for each mnemonic. Compressed ones come last, so that tables of executed instructions can end before them.
    let mut ops: Vec<(&str, Vec<usize>)> = Vec::new();
    for compressed in [false, true] {
        for (i, row) in rows.iter().enumerate().filter(|(_, r)| r.compressed() == compressed) {
            match ops.iter_mut().find(|(m, _)| *m == row.mnemonic) {
                Some((_, of)) => of.push(i),
                None => ops.push((&row.mnemonic, vec![i])),
            }
        }
    }
    let mut layouts: Vec<Layout> = Vec::new();
    for row in rows {
        if !layouts.contains(&row.pattern.fields) {
            layouts.push(row.pattern.fields.clone());
        }
    }
    emit_exts(&mut out, exts);
    emit_csrs(&mut out, exts, csrs);
    emit_ops(&mut out, exts, rows, &ops, expansions);
    emit_rows(&mut out, rows, &layouts);
    emit_layouts(&mut out, &layouts);
    for (tree, xlen) in trees.iter().zip(XLENS) {
        let _ = writeln!(out, "pub(crate) static TREE{xlen}: Tree = Tree {{ first: {:?}, ", tree.first);
        let _ = writeln!(out, "entries: &{:?}, candidates: &{:?} }};", tree.entries, tree.candidates);
    }
    for (x, xlen) in XLENS.iter().enumerate() {
        let of = |(_, of): &(&str, Vec<usize>)| {
            of.iter().find(|i| rows[**i].xlens[x]).map_or("NO_ROW".to_string(), |i| i.to_string())
        };
        let list: Vec<String> = ops.iter().map(of).collect();
        let _ = writeln!(out, "pub(crate) static ROW_OF_OP{xlen}: [u16; Op::COUNT] = [{}];", list.join(", "));
    }
    out
}

/// The table of absent instructions.
pub fn emit_absent(exts: &Exts, all: &[Absent]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "pub(crate) static ABSENT: [Absent; {}] = [", all.len());
    for Absent { mnemonic, ext, xlens: [rv32, rv64], cube, .. } in all {
        let ext = &exts.list[*ext].name;
        let _ = writeln!(
            out,
            "Absent {{ mask: {:#x}, value: {:#x}, rv32: {rv32}, rv64: {rv64}, mnemonic: {mnemonic:?}, ext: Ext::{ext} }},",
            cube.mask, cube.value,
        );
    }
    let _ = writeln!(out, "];");
    out
}

/// `c.addi4spn` to `CAddi4spn`.
fn camel(mnemonic: &str) -> String {
    let word = |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    mnemonic.split(['.', '_']).map(word).collect()
}

fn ext_set(exts: &Exts, of: &[usize]) -> String {
    let bits = of.iter().fold(0u128, |bits, e| bits | 1 << e);
    let names: Vec<&str> = of.iter().map(|e| exts.list[*e].name.as_str()).collect();
    format!("/* {} */ ExtSet::from_bits({bits:#x})", names.join(" "))
}

fn emit_exts(out: &mut String, exts: &Exts) {
    let count = exts.list.len();
    let _ = writeln!(out, "/// An extension of the instruction set, in the order in which an ISA string names them.");
    let _ = writeln!(
        out,
        "#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)] #[repr(u8)] pub enum Ext {{"
    );
    for ext in &exts.list {
        let _ = writeln!(out, "/// The extension {0}.\n{0},", ext.name);
    }
    let names: Vec<String> = exts.list.iter().map(|e| format!("Ext::{}", e.name)).collect();
    let _ = writeln!(out, "}}\npub(crate) const EXTS: [Ext; {count}] = [{}];", names.join(", "));
    let _ = writeln!(out, "pub(crate) static EXT_INFO: [ExtInfo; {count}] = [");
    for ext in &exts.list {
        let class = match ext.class {
            ExtClass::Instructions => "Instructions",
            ExtClass::Property => "Property",
            ExtClass::Absent => "Absent",
        };
        let implies = ext_set(exts, &ext.implies);
        let _ = writeln!(out, "ExtInfo {{ name: {:?}, kind: ExtKind::{class}, implies: {implies} }},", ext.name);
    }
    let _ = writeln!(out, "];\npub(crate) static EXT_SUMS: [(Ext, ExtSet); {}] = [", exts.sums.len());
    for (whole, parts) in &exts.sums {
        let _ = writeln!(out, "(Ext::{}, {}),", exts.list[*whole].name, ext_set(exts, parts));
    }
    let _ = writeln!(out, "];");
}

fn emit_csrs(out: &mut String, exts: &Exts, csrs: &[Csr]) {
    let _ = writeln!(out, "pub(crate) static CSRS: [CsrInfo; {}] = [", csrs.len());
    for csr in csrs {
        let ext = csr.ext.map_or("None".to_string(), |e| format!("Some(Ext::{})", exts.list[e].name));
        let _ = writeln!(
            out,
            "CsrInfo {{ number: {:#x}, name: {:?}, ext: {ext}, rv32_only: {} }},",
            csr.number, csr.name, csr.rv32
        );
    }
    let mut by_name: Vec<usize> = (0..csrs.len()).collect();
    by_name.sort_by_key(|i| &csrs[*i].name);
    let _ = writeln!(out, "];\npub(crate) static CSRS_BY_NAME: [u16; {}] = {by_name:?};", csrs.len());
}

fn emit_ops(out: &mut String, exts: &Exts, rows: &[Row], ops: &[(&str, Vec<usize>)], expansions: &[Option<Expansion>]) {
    let count = ops.len();
    let _ = writeln!(out, "/// An instruction without its operands. Compressed instructions come last.");
    let _ = writeln!(
        out,
        "#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)] #[repr(u16)] pub enum Op {{"
    );
    for (mnemonic, _) in ops {
        let _ = writeln!(out, "/// `{mnemonic}`\n{},", camel(mnemonic));
    }
    let names: Vec<String> = ops.iter().map(|(m, _)| format!("Op::{}", camel(m))).collect();
    let _ = writeln!(out, "}}\npub(crate) const OPS: [Op; {count}] = [{}];", names.join(", "));
    let plain = ops.iter().filter(|(_, of)| !rows[of[0]].compressed());
    let pairs: Vec<String> = plain.map(|(m, _)| format!("({}, {})", camel(m), m.replace('.', "_"))).collect();
    let _ = writeln!(
        out,
        "/// Invokes `cb! {{ (Lui, lui) (FaddS, fadd_s) … }}` with the variant and the snake-case name of every
        /// [`Op`](crate::Op) that is not compressed, in the order of the enum.
        #[macro_export] macro_rules! for_each_op {{ ($($cb:ident)::+) => {{ $($cb)::+! {{ {} }} }}; }}",
        pairs.join(" ")
    );
    let _ = writeln!(out, "pub(crate) static OP_INFO: [OpInfo; {count}] = [");
    for (mnemonic, of) in ops {
        let row = &rows[of[0]];
        // A compressed instruction has the flags of its expansion.
        let acts = match &expansions[of[0]] {
            Some(e) => rows.iter().find(|r| r.mnemonic == e.target).unwrap_or(row),
            None => row,
        };
        let has = |flag: &str| acts.flags.iter().any(|f| f == flag);
        let class = |slot| match row.class(slot) {
            Class::None => "RegClass::None",
            Class::X => "RegClass::X",
            Class::F => "RegClass::F",
        };
        let operands = row.operands.iter().map(|o| OPERANDS.iter().find(|(name, _)| name == o));
        let operands: Vec<String> = operands.flatten().map(|(_, v)| format!("Operand::{v}")).collect();
        let needs: Vec<String> = row.needs.iter().map(|n| ext_set(exts, n)).collect();
        let on = [0, 1].map(|x| of.iter().any(|i| rows[*i].xlens[x]));
        let pair = of.iter().find(|i| rows[**i].pattern.pair);
        let pair = pair.map_or("None", |i| if rows[*i].xlens[0] { "Some(Xlen::Rv32)" } else { "Some(Xlen::Rv64)" });
        let rounds = row.operands.iter().any(|o| o == "rm" || o == "[rm]");
        let aqrl = row.pattern.fields.contains_key(&Slot::Rm) && !rounds;
        let expansion = expansions[of[0]].as_ref().map_or("None".to_string(), |e| {
            let from = |f: &From| match f {
                From::Unset => "From::Fixed(0)".to_string(),
                f => format!("From::{f:?}"),
            };
            let [rd, rs1, rs2, imm] = [0, 1, 2, 3].map(|i| from(&e.fields[i]));
            let op = camel(&e.target);
            format!("Some(Expansion {{ op: Op::{op}, rd: {rd}, rs1: {rs1}, rs2: {rs2}, imm: {imm} }})")
        });
        debug_assert_eq!(FLAGS.len(), 6);
        let _ = writeln!(
            out,
            "OpInfo {{ op: Op::{}, mnemonic: {mnemonic:?}, ext: Ext::{}, needs: &[{}], rv32: {}, rv64: {}, \
             operands: &[{}], rd: {}, rs1: {}, rs2: {}, rs3: {}, pair: {pair}, reads_rd: {}, has_rm: {rounds}, \
             has_aqrl: {aqrl}, is_load: {}, is_store: {}, is_atomic: {}, may_fault: {}, ends_block: {}, \
             compressed: {}, expansion: {expansion} }},",
            camel(mnemonic),
            exts.list[row.needs[0][0]].name,
            needs.join(", "),
            on[0],
            on[1],
            operands.join(", "),
            class(Slot::Rd),
            class(Slot::Rs1),
            class(Slot::Rs2),
            class(Slot::Rs3),
            has("reads-rd"),
            has("load"),
            has("store"),
            has("atomic"),
            has("load") || has("store") || has("fault"),
            has("ends"),
            row.compressed(),
        );
    }
    let _ = writeln!(out, "];");
    let mut by_name: Vec<usize> = (0..count).collect();
    by_name.sort_by_key(|i| ops[*i].0);
    let _ = writeln!(out, "pub(crate) static OPS_BY_NAME: [u16; {count}] = {by_name:?};");
}

fn emit_rows(out: &mut String, rows: &[Row], layouts: &[Layout]) {
    let _ = writeln!(out, "pub(crate) static ROWS: [Row; {}] = [", rows.len());
    for row in rows {
        let layout = layouts.iter().position(|l| *l == row.pattern.fields).unwrap_or(0);
        let sets = row.needs.iter().map(|all| all.iter().fold(0u128, |bits, e| bits | 1 << e));
        let sets: Vec<String> = sets.map(|bits| format!("ExtSet::from_bits({bits:#x})")).collect();
        let mut forbid: Vec<String> =
            row.pattern.forbid.iter().map(|c| format!("({:#x}, {:#x})", c.mask, c.value)).collect();
        forbid.resize(MAX_FORBID, "NOTHING".to_string());
        let _ = writeln!(
            out,
            "Row {{ op: Op::{}, layout: {layout}, mask: {:#x}, value: {:#x}, forbid: [{}], need: {}, or: &[{}] }},",
            camel(&row.mnemonic),
            row.pattern.cube.mask,
            row.pattern.cube.value,
            forbid.join(", "),
            sets[0],
            sets[1..].join(", ")
        );
    }
    let _ = writeln!(out, "];\nconst NO_ROW: u16 = u16::MAX;");
}

fn emit_layouts(out: &mut String, layouts: &[Layout]) {
    let _ = writeln!(out, "pub(crate) static LAYOUTS: [Layout; {}] = [", layouts.len());
    for layout in layouts {
        let register = |slot: Slot| {
            // A register field is never split; see `pattern::parse`.
            let field = layout.get(&slot).and_then(|f| Some((f.parts.first()?, f.base)));
            field.map_or("NO_BITS".to_string(), |(part, base)| {
                format!("Bits {{ shift: {}, mask: {:#x}, or: {base} }}", part.at, ones(part.width))
            })
        };
        let imm = layout.get(&Slot::Imm).cloned().unwrap_or_default();
        // Parts that move by the same distance are moved together.
        let mut moves: BTreeMap<u32, u32> = BTreeMap::new();
        for part in &imm.parts {
            *moves.entry((part.at + 32 - part.to) % 32).or_default() |= ones(part.width) << part.at;
        }
        let mut moves: Vec<String> =
            moves.iter().map(|(rotate, mask)| format!("Rotated {{ mask: {mask:#x}, rotate: {rotate} }}")).collect();
        let count = moves.len().max(4);
        moves.resize(count, "NO_ROTATED".to_string());
        let _ = writeln!(
            out,
            "Layout {{ rd: {}, rs1: {}, rs2: {}, rs3: {}, rm: {}, imm: [{}], more: &[{}], or: {:#x}, extend: {} }},",
            register(Slot::Rd),
            register(Slot::Rs1),
            register(Slot::Rs2),
            register(Slot::Rs3),
            register(Slot::Rm),
            moves[..4].join(", "),
            moves[4..].join(", "),
            imm.base,
            if imm.signed { 32 - imm.width() } else { 0 }
        );
    }
    let _ = writeln!(out, "];");
}
