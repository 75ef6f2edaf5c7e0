//! Encoding patterns in the manual's order: constant bits and named fields, most significant first.

use std::collections::BTreeMap;

/// The member of `Insn` that a field of an encoding sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    Rd,
    Rs1,
    Rs2,
    Rs3,
    Rm,
    Imm,
}

/// A contiguous part of a field: `width` bits at bit `at` of the encoding are bits `to` and up of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPart {
    pub at: u32,
    pub width: u32,
    pub to: u32,
}

/// The encoding of one member of `Insn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    pub parts: Vec<FieldPart>,
    /// Whether the value is sign-extended.
    pub signed: bool,
    /// ORed into the value: 8 for three-bit registers; the fixed low bit of `c.mop.n`.
    pub base: u32,
}

impl Field {
    /// The bits of the encoding that hold the value.
    pub fn mask(&self) -> u32 {
        self.parts.iter().map(|p| ones(p.width) << p.at).fold(0, |a, b| a | b)
    }

    /// The width of the value in bits.
    pub fn width(&self) -> u32 {
        self.parts.iter().map(|p| p.to + p.width).max().unwrap_or(0)
    }

    /// The value in an encoding, not sign-extended.
    pub fn value(&self, word: u32) -> u32 {
        self.parts.iter().map(|p| (word >> p.at & ones(p.width)) << p.to).fold(self.base, |a, b| a | b)
    }

    /// The bits of the encoding for a value.
    pub fn place(&self, value: u32) -> u32 {
        self.parts.iter().map(|p| (value >> p.to & ones(p.width)) << p.at).fold(0, |a, b| a | b)
    }
}

/// A mask of `n` low bits.
pub fn ones(n: u32) -> u32 {
    if n >= 32 { u32::MAX } else { (1 << n) - 1 }
}

/// The most excluded sets of words per row, which is the size of the array in the generated table.
pub const MAX_FORBID: usize = 2;

/// The set of words with `word & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cube {
    pub mask: u32,
    pub value: u32,
}

impl Cube {
    /// A word that is in both sets, if any.
    pub fn meet(self, other: Cube) -> Option<u32> {
        let agree = (self.value ^ other.value) & self.mask & other.mask == 0;
        agree.then_some(self.value | other.value)
    }

    /// Whether every word of `other` is in `self`.
    pub fn covers(self, other: Cube) -> bool {
        other.mask & self.mask == self.mask && other.value & self.mask == self.value
    }
}

/// A parsed pattern: a cube minus the cubes that its constraints exclude, and the fields.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub cube: Cube,
    pub forbid: Vec<Cube>,
    pub fields: BTreeMap<Slot, Field>,
    /// Whether `rd` and `rs2` select even/odd register pairs.
    pub pair: bool,
}

/// Parses a pattern of `size` bits at the start of `text`; returns it and the rest of the text.
pub fn parse(text: &str, size: u32) -> Result<(Pattern, &str), String> {
    let mut at = size;
    let mut cube = Cube { mask: 0, value: 0 };
    let mut fields: BTreeMap<Slot, Field> = BTreeMap::new();
    let mut conditions = Vec::new();
    let mut pair = false;
    let mut rest = text.trim_start();
    while at > 0 {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (token, tail) = rest.split_at(end);
        rest = tail.trim_start();
        if token.is_empty() {
            return Err(format!("the pattern is {at} bits short of {size}"));
        }
        let mut take = |n: u32| {
            at = at.checked_sub(n).ok_or_else(|| format!("the pattern is longer than {size} bits at `{token}`"))?;
            Ok::<u32, String>(at)
        };
        if token.bytes().all(|b| b == b'0' || b == b'1') {
            let n = token.len() as u32;
            let at = take(n)?;
            cube.mask |= ones(n) << at;
            cube.value |= u32::from_str_radix(token, 2).map_err(|e| e.to_string())? << at;
            continue;
        }
        let (name, condition) = match token.split_once("!=") {
            Some((name, c)) => (name, Some(c)),
            None => (token, None),
        };
        if let Some((name, bits)) = name.split_once('[') {
            let (signed, nonzero) = match name {
                "imm" => (true, false),
                "nzimm" => (true, true),
                "uimm" | "shamt" => (false, false),
                "nzuimm" => (false, true),
                _ => return Err(format!("`{name}` is not an immediate")),
            };
            let field = fields.entry(Slot::Imm).or_default();
            field.signed = signed;
            if nonzero && !conditions.contains(&(Slot::Imm, 0)) {
                conditions.push((Slot::Imm, 0));
            }
            for range in bits.trim_end_matches(']').split('|') {
                let number = |s: &str| s.parse::<u32>().map_err(|_| format!("`{token}`: `{s}` is not a bit number"));
                if let Some((bit, fixed)) = range.split_once('=') {
                    let (bit, fixed, at) = (number(bit)?, number(fixed)?, take(1)?);
                    if bit > 31 || fixed > 1 {
                        return Err(format!("`{token}`: bit {bit} of a value cannot be {fixed}"));
                    }
                    cube.mask |= 1 << at;
                    cube.value |= fixed << at;
                    field.base |= fixed << bit;
                    continue;
                }
                let (high, low) = range.split_once(':').unwrap_or((range, range));
                let (high, low) = (number(high)?, number(low)?);
                if high > 31 {
                    return Err(format!("`{token}`: a value has no bit {high}"));
                }
                let width =
                    (high + 1).checked_sub(low).ok_or_else(|| format!("`{token}`: the high bit comes first"))?;
                field.parts.push(FieldPart { at: take(width)?, width, to: low });
            }
            continue;
        }
        let mut shared = 0;
        for (i, name) in name.split('/').enumerate() {
            let (name, even) = name.strip_suffix(":pair").map_or((name, false), |n| (n, true));
            let (slot, width, to, base) = match name {
                "rd" => (Slot::Rd, 5, 0, 0),
                "rs1" | "zimm" => (Slot::Rs1, 5, 0, 0),
                "rs2" => (Slot::Rs2, 5, 0, 0),
                "rs3" => (Slot::Rs3, 5, 0, 0),
                "rd'" => (Slot::Rd, 3, 0, 8),
                "rs1'" => (Slot::Rs1, 3, 0, 8),
                "rs2'" => (Slot::Rs2, 3, 0, 8),
                "rm" => (Slot::Rm, 3, 0, 0),
                "aqrl" => (Slot::Rm, 2, 0, 0),
                "csr" => (Slot::Imm, 12, 0, 0),
                "fm" => (Slot::Imm, 4, 8, 0),
                "pred" => (Slot::Imm, 4, 4, 0),
                "succ" => (Slot::Imm, 4, 0, 0),
                _ => return Err(format!("`{token}` is neither bits nor a field")),
            };
            // The second name in `rd/rs1` stands for the same bits.
            if i == 0 {
                shared = take(width)?;
            }
            let field = fields.entry(slot).or_default();
            if !field.parts.is_empty() && slot != Slot::Imm {
                return Err(format!("field `{name}` appears twice"));
            }
            field.parts.push(FieldPart { at: shared, width, to });
            field.base = base;
            pair |= even;
            if let Some(value) = condition.filter(|_| i == 0) {
                let value = value.parse().map_err(|_| format!("`{token}`: `{value}` is not a number"))?;
                conditions.push((slot, value));
            }
        }
    }
    let mut forbid = Vec::new();
    for (slot, value) in conditions {
        let field = &fields[&slot];
        let hole = Cube { mask: field.mask(), value: field.place(value) };
        if field.value(hole.value) != value {
            return Err(format!("{slot:?} is never {value}; remove the condition"));
        }
        forbid.push(hole);
    }
    if pair {
        for slot in [Slot::Rd, Slot::Rs2] {
            let low = fields.get(&slot).map_or(0, |f| f.place(1));
            forbid.push(Cube { mask: low, value: low });
        }
    }
    if forbid.len() > MAX_FORBID {
        return Err(format!("more than {MAX_FORBID} constraints"));
    }
    for (slot, field) in &mut fields {
        field.parts.sort_by_key(|p| p.to);
        // The base of a three-bit register is above its bits; a fixed bit of an immediate is between them.
        let mut seen = field.base;
        for part in &field.parts {
            let bits = ones(part.width) << part.to;
            if seen & bits != 0 {
                return Err(format!("bit {} of {slot:?} appears twice", (seen & bits).trailing_zeros()));
            }
            seen |= bits;
        }
    }
    if size == 16 && cube.mask & 3 != 3 || size == 32 && (cube.value & 3 != 3 || cube.value & 0x1f == 0x1f) {
        return Err("the low bits do not match the length of the instruction".to_string());
    }
    Ok((Pattern { cube, forbid, fields, pair }, rest))
}

impl Pattern {
    /// The words of the pattern, constraints applied, as disjoint cubes.
    pub fn cubes(&self) -> Vec<Cube> {
        let mut cubes = vec![self.cube];
        for hole in &self.forbid {
            cubes = cubes.into_iter().flat_map(|c| subtract(c, *hole)).collect();
        }
        cubes
    }
}

/// `from` minus `hole`: one cube for each bit that can be the first to differ from the hole.
fn subtract(from: Cube, hole: Cube) -> Vec<Cube> {
    if from.meet(hole).is_none() {
        return vec![from];
    }
    let mut parts = Vec::new();
    let mut base = from;
    for bit in (0..32).map(|b| 1u32 << b).filter(|b| hole.mask & !from.mask & b != 0) {
        parts.push(Cube { mask: base.mask | bit, value: base.value | (!hole.value & bit) });
        base = Cube { mask: base.mask | bit, value: base.value | (hole.value & bit) };
    }
    parts
}
