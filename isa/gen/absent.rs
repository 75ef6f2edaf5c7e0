//! Parses `absent*.isa`: encodings of unimplemented extensions, which serve messages only.

use super::exts::{Class, Exts, lines};
use super::overlap;
use super::parse::{Row, parse_section};
use super::pattern::Cube;
use super::{Source, XLENS};

/// One instruction.
pub struct Absent {
    /// File and line, for messages.
    pub at: String,
    /// The mnemonic.
    pub mnemonic: String,
    /// The extension.
    pub ext: usize,
    /// Whether it exists on each of `XLENS`.
    pub xlens: [bool; 2],
    /// Its encoding.
    pub cube: Cube,
}

/// Parses one table and adds its rows to `all`.
pub fn parse(source: &Source, exts: &Exts, all: &mut Vec<Absent>) -> Result<(), String> {
    let mut section = None;
    for (at, line) in lines(source) {
        if let Some(head) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let (xlens, needs) = parse_section(head, exts).map_err(|e| format!("{at}: {e}"))?;
            match needs.as_slice() {
                [one] if matches!(one.as_slice(), [ext] if exts.list[*ext].class == Class::Absent) => {
                    section = Some((xlens, one[0]));
                }
                _ => return Err(format!("{at}: `{head}` is not one absent extension")),
            }
            continue;
        }
        let (xlens, ext) = section.ok_or_else(|| format!("{at}: a row before any [section]"))?;
        let (mnemonic, pattern) = line.split_once(char::is_whitespace).ok_or(format!("{at}: a row needs a pattern"))?;
        // One row for each number of fields of a vector segment.
        let fields = if pattern.contains("nf") { 1..8 } else { 0..1 };
        for field in fields {
            let pattern = pattern.replace("nf", &format!("{field:03b}"));
            let cube = cube(&pattern).map_err(|e| format!("{at}: {mnemonic}: {e}"))?;
            let mnemonic = mnemonic.replace('#', &(field + 1).to_string());
            all.push(Absent { at: at.clone(), mnemonic, ext, xlens, cube });
        }
    }
    Ok(())
}

fn cube(pattern: &str) -> Result<Cube, String> {
    let mut cube = Cube { mask: 0, value: 0 };
    let mut size = 0;
    for c in pattern.chars().filter(|c| !c.is_whitespace()) {
        let (mask, value) = match c {
            '0' => (1, 0),
            '1' => (1, 1),
            '-' => (0, 0),
            _ => return Err(format!("`{c}` is neither a bit nor `-`")),
        };
        cube = Cube { mask: cube.mask << 1 | mask, value: cube.value << 1 | value };
        size += 1;
    }
    if size != 32 || cube.value & 3 != 3 { Err(format!("{size} bits are no 32-bit instruction")) } else { Ok(cube) }
}

/// Checks that no word matches two absent instructions, or an absent one and a row of the tables.
pub fn check(all: &[Absent], rows: &[Row]) -> Result<(), String> {
    for (x, xlen) in XLENS.into_iter().enumerate() {
        for (i, one) in all.iter().enumerate().filter(|(_, a)| a.xlens[x]) {
            let rows = rows.iter().filter(|row| row.xlens[x]);
            let rows = rows.flat_map(|row| row.pattern.cubes().into_iter().map(|cube| (&row.mnemonic, &row.at, cube)));
            let others = all[i + 1..].iter().filter(|a| a.xlens[x]).map(|a| (&a.mnemonic, &a.at, a.cube));
            for (mnemonic, at, cube) in rows.chain(others) {
                if let Some(word) = one.cube.meet(cube) {
                    return Err(overlap::message((&one.mnemonic, &one.at), (mnemonic, at), xlen, word));
                }
            }
        }
    }
    Ok(())
}
