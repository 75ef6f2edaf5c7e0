//! Parses the rows of a table. `riscv/README.md` describes the format.

use super::exts::{Exts, lines};
use super::pattern::{self, Pattern, Slot};
use super::{Source, XLENS};

/// The spelling of each operand in the tables, and its variant of `Operand`.
pub const OPERANDS: [(&str, &str); 26] = [
    ("rd", "Rd"),
    ("rs1", "Rs1"),
    ("rs2", "Rs2"),
    ("rs3", "Rs3"),
    ("fd", "Fd"),
    ("fs1", "Fs1"),
    ("fs2", "Fs2"),
    ("fs3", "Fs3"),
    ("sp", "Sp"),
    ("imm", "Imm"),
    ("uimm", "Uimm"),
    ("hi20", "Hi20"),
    ("target", "Target"),
    ("imm(rs1)", "ImmRs1"),
    ("uimm(rs1)", "UimmRs1"),
    ("uimm(sp)", "UimmSp"),
    ("(rs1)", "IndirectRs1"),
    ("csr", "Csr"),
    ("zimm", "Zimm"),
    ("rm", "Rm"),
    ("[rm]", "RmExact"),
    ("rtz", "Rtz"),
    ("pred", "Pred"),
    ("succ", "Succ"),
    ("fli", "Fli"),
    ("hint", "Hint"),
];

/// The flags that a row may have in braces.
pub const FLAGS: [&str; 6] = ["load", "store", "atomic", "fault", "ends", "reads-rd"];

/// The register file that a register field selects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    None,
    X,
    F,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// File and line, for messages.
    pub at: String,
    /// The mnemonic.
    pub mnemonic: String,
    /// Whether it exists on each of `XLENS`.
    pub xlens: [bool; 2],
    /// The sets of extensions that include the instruction; one enabled set is enough.
    pub needs: Vec<Vec<usize>>,
    /// Its encoding.
    pub pattern: Pattern,
    /// The operands as spelled, in order.
    pub operands: Vec<String>,
    /// The 32-bit instruction that a compressed one stands for.
    pub expansion: Option<String>,
    /// Members of `FLAGS`.
    pub flags: Vec<String>,
    /// The mnemonic of the row that it specialises.
    pub of: Option<String>,
}

impl Row {
    /// Whether it is two bytes long.
    pub fn compressed(&self) -> bool {
        self.pattern.cube.value & 3 != 3
    }

    /// The register file of the register field `slot`.
    pub fn class(&self, slot: Slot) -> Class {
        let (x, f, memory) = match slot {
            Slot::Rd => ("rd", "fd", ""),
            Slot::Rs1 => ("rs1", "fs1", "(rs1)"),
            Slot::Rs2 => ("rs2", "fs2", ""),
            _ => ("rs3", "fs3", ""),
        };
        for operand in &self.operands {
            if operand == x || !memory.is_empty() && operand.ends_with(memory) {
                return Class::X;
            }
            if operand == f {
                return Class::F;
            }
        }
        let fields = &self.pattern.fields;
        let shared =
            slot == Slot::Rs1 && fields.get(&slot).map(|f| f.mask()) == fields.get(&Slot::Rd).map(|f| f.mask());
        if shared && fields.contains_key(&slot) { self.class(Slot::Rd) } else { Class::None }
    }
}

/// Parses one table and adds its rows to `rows`.
pub fn parse(source: &Source, exts: &Exts, rows: &mut Vec<Row>) -> Result<(), String> {
    let mut section = None;
    for (at, line) in lines(source) {
        if let Some(head) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = Some(parse_section(head, exts).map_err(|e| format!("{at}: {e}"))?);
            continue;
        }
        let (xlens, needs) = section.clone().ok_or_else(|| format!("{at}: a row before any [section]"))?;
        let row = parse_row(&at, line, xlens, needs).map_err(|e| format!("{at}: {e}"))?;
        for other in rows.iter().filter(|o| o.mnemonic == row.mnemonic) {
            if (0..XLENS.len()).any(|x| other.xlens[x] && row.xlens[x]) {
                return Err(format!("{at}: {} is already a row at {}", row.mnemonic, other.at));
            }
            if other.needs != row.needs || other.operands != row.operands || other.flags != row.flags {
                return Err(format!("{at}: {} differs from its row at {}", row.mnemonic, other.at));
            }
        }
        rows.push(row);
    }
    Ok(())
}

/// Parses a section head without its brackets, such as `rv64: Zbb | Zcb & Zba`.
pub fn parse_section(head: &str, exts: &Exts) -> Result<([bool; 2], Vec<Vec<usize>>), String> {
    let (xlens, needs) = match head.split_once(':') {
        None => ([true, true], head),
        Some(("rv32", needs)) => ([true, false], needs),
        Some(("rv64", needs)) => ([false, true], needs),
        Some((other, _)) => return Err(format!("`{other}` is neither rv32 nor rv64")),
    };
    let find = |name: &str| exts.find(name.trim()).ok_or_else(|| format!("unknown extension {}", name.trim()));
    let needs = needs.split('|').map(|all| all.split('&').map(find).collect()).collect::<Result<_, String>>()?;
    Ok((xlens, needs))
}

fn parse_row(at: &str, line: &str, xlens: [bool; 2], needs: Vec<Vec<usize>>) -> Result<Row, String> {
    let (mnemonic, rest) = line.split_once(char::is_whitespace).ok_or("a row needs a pattern")?;
    let size = if mnemonic.starts_with("c.") { 16 } else { 32 };
    let (pattern, rest) = pattern::parse(rest, size).map_err(|e| format!("{mnemonic}: {e}"))?;
    let (rest, notes) = match rest.split_once('{') {
        Some((rest, notes)) => (rest, notes.trim_end().strip_suffix('}').ok_or("a `{` is not closed")?),
        None => (rest, ""),
    };
    let (operands, expansion) = match rest.split_once("=>") {
        Some((operands, expansion)) => (operands, Some(expansion.trim().to_string())),
        None => (rest, None),
    };
    if expansion.is_some() != (size == 16) {
        return Err(format!("{mnemonic}: 16-bit rows, and no others, need an expansion"));
    }
    let (mut flags, mut of) = (Vec::new(), None);
    let mut words = notes.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "of" => of = Some(words.next().ok_or("`of` needs a mnemonic")?.to_string()),
            _ if FLAGS.contains(&word) => flags.push(word.to_string()),
            _ => {
                return Err(format!("{mnemonic}: `{word}` is not a note; the notes are {} and `of`", FLAGS.join(", ")));
            }
        }
    }
    let operands: Vec<String> = operands.split(',').map(|o| o.trim().to_string()).filter(|o| !o.is_empty()).collect();
    let row = Row { at: at.into(), mnemonic: mnemonic.into(), xlens, needs, pattern, operands, expansion, flags, of };
    for operand in &row.operands {
        if !OPERANDS.iter().any(|(o, _)| o == operand) {
            return Err(format!("{mnemonic}: `{operand}` is not an operand"));
        }
        if let Some(slot) = slots(operand).into_iter().find(|s| !row.pattern.fields.contains_key(s)) {
            return Err(format!("{mnemonic}: operand `{operand}` needs {slot:?}, which the pattern does not have"));
        }
    }
    Ok(row)
}

/// The fields that an operand consists of.
fn slots(operand: &str) -> Vec<Slot> {
    match operand {
        "rd" | "fd" => vec![Slot::Rd],
        "rs1" | "fs1" | "(rs1)" | "zimm" => vec![Slot::Rs1],
        "rs2" | "fs2" => vec![Slot::Rs2],
        "rs3" | "fs3" => vec![Slot::Rs3],
        "imm(rs1)" | "uimm(rs1)" => vec![Slot::Rs1, Slot::Imm],
        "rm" | "[rm]" => vec![Slot::Rm],
        "sp" | "rtz" => vec![],
        _ => vec![Slot::Imm],
    }
}
