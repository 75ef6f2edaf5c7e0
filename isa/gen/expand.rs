//! Resolves the expansions of compressed rows: the 32-bit instruction, and the source of each of its fields.

use super::parse::Row;

/// The source of a field of an expansion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// A constant.
    Fixed(i32),
    /// The 32-bit instruction has no such field.
    #[default]
    Unset,
    /// A field of the compressed instruction.
    Rd,
    Rs1,
    Rs2,
    Imm,
}

/// One resolved expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The 32-bit mnemonic.
    pub target: String,
    /// rd, rs1, rs2, imm.
    pub fields: [From; 4],
}

/// The expansion of each row.
pub fn resolve(rows: &[Row]) -> Result<Vec<Option<Expansion>>, String> {
    let mut all: Vec<Option<Expansion>> = Vec::new();
    for row in rows {
        let expansion = row.expansion.as_ref().map(|text| resolve_one(row, text, rows)).transpose();
        let expansion = expansion.map_err(|e| format!("{}: {}: {e}", row.at, row.mnemonic))?;
        let twin = all.iter().zip(rows).find(|(_, other)| other.mnemonic == row.mnemonic);
        if twin.is_some_and(|(other, _)| *other != expansion) {
            return Err(format!("{}: {} expands differently on the other XLEN", row.at, row.mnemonic));
        }
        all.push(expansion);
    }
    Ok(all)
}

fn resolve_one(row: &Row, text: &str, rows: &[Row]) -> Result<Expansion, String> {
    let (mnemonic, given) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let target = (0..2)
        .filter(|x| row.xlens[*x])
        .map(|x| rows.iter().find(|r| r.mnemonic == mnemonic && r.xlens[x] && !r.compressed()))
        .reduce(|a, b| a.and(b))
        .flatten()
        .ok_or_else(|| format!("it expands to {mnemonic}, which is not a 32-bit row on the same XLEN"))?;
    let given: Vec<&str> = given.split(',').map(str::trim).filter(|g| !g.is_empty()).collect();
    if given.len() != target.operands.len() {
        return Err(format!("{mnemonic} takes {} operands, not {}", target.operands.len(), given.len()));
    }
    let mut fields = [From::Unset; 4];
    for (to, from) in target.operands.iter().zip(given) {
        match (to.split_once('('), from.split_once('(')) {
            (Some((to_imm, to_reg)), Some((imm, reg))) => {
                assign(&mut fields, to_imm, imm)?;
                assign(&mut fields, to_reg.trim_end_matches(')'), reg.trim_end_matches(')'))?;
            }
            (None, None) => assign(&mut fields, to, from)?,
            _ => return Err(format!("`{from}` cannot be the operand `{to}` of {mnemonic}")),
        }
    }
    Ok(Expansion { target: mnemonic.to_string(), fields })
}

fn assign(fields: &mut [From; 4], to: &str, from: &str) -> Result<(), String> {
    let slot = match to {
        "rd" | "fd" => 0,
        "rs1" | "fs1" => 1,
        "rs2" | "fs2" => 2,
        "imm" | "uimm" | "hi20" | "target" => 3,
        _ => return Err(format!("an expansion cannot give operand `{to}`")),
    };
    fields[slot] = match from {
        "rd" | "fd" => From::Rd,
        "rs1" | "fs1" => From::Rs1,
        "rs2" | "fs2" => From::Rs2,
        "imm" | "uimm" | "hi20" | "target" => From::Imm,
        "zero" => From::Fixed(0),
        "ra" => From::Fixed(1),
        "sp" => From::Fixed(2),
        number => From::Fixed(number.parse().map_err(|_| format!("`{number}` is neither an operand nor a number"))?),
    };
    Ok(())
}
