//! Parses `exts.isa` and `csrs.isa`: extensions and their implications, and the names of CSRs.

use super::Source;

/// Whether the tables hold an extension's instructions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Its instructions are in the tables.
    Instructions,
    /// It has no instructions.
    Property,
    /// It has instructions, but they are not in the tables.
    Absent,
}

/// One extension.
pub struct Ext {
    /// The name as in an ISA string, capitalised.
    pub name: String,
    /// Whether the tables hold its instructions.
    pub class: Class,
    /// The indices of the extensions that it implies directly.
    pub implies: Vec<usize>,
}

/// All extensions. A sum is an extension that equals a set of others.
pub struct Exts {
    /// The extensions in the order of the table.
    pub list: Vec<Ext>,
    /// The sums: (whole, its parts).
    pub sums: Vec<(usize, Vec<usize>)>,
}

impl Exts {
    /// The index of an extension by name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|e| e.name == name)
    }
}

/// The lines that are neither empty nor comments, each with its file and line number.
pub fn lines(source: &Source) -> impl Iterator<Item = (String, &str)> {
    source.text.lines().enumerate().filter_map(|(i, line)| {
        let line = if line.trim_start().starts_with('#') { "" } else { line.trim() };
        (!line.is_empty()).then(|| (format!("{}:{}", source.name, i + 1), line))
    })
}

/// Parses `exts.isa`.
pub fn parse(source: &Source) -> Result<Exts, String> {
    let mut exts = Exts { list: Vec::new(), sums: Vec::new() };
    let mut implied = Vec::new();
    let mut sums = Vec::new();
    for (at, line) in lines(source) {
        if let Some((whole, parts)) = line.split_once('=') {
            sums.push((at, whole.trim().to_string(), parts.to_string()));
            continue;
        }
        let (head, implies) = line.split_once("->").unwrap_or((line, ""));
        let mut words = head.split_whitespace();
        let name = words.next().unwrap_or_default().to_string();
        let class = match words.next() {
            None => Class::Instructions,
            Some("property") => Class::Property,
            Some("absent") => Class::Absent,
            Some(other) => return Err(format!("{at}: `{other}` is not a class of extension")),
        };
        if exts.find(&name).is_some() {
            return Err(format!("{at}: extension {name} is listed twice"));
        }
        exts.list.push(Ext { name, class, implies: Vec::new() });
        implied.push((at, implies.to_string()));
    }
    if exts.list.len() > 128 {
        return Err(format!("{}: {} extensions do not fit the 128 bits of ExtSet", source.name, exts.list.len()));
    }
    let find_all = |at: &str, names: &str| -> Result<Vec<usize>, String> {
        let unknown = |n| format!("{at}: unknown extension {n}");
        names.split_whitespace().map(|n| exts.find(n).ok_or_else(|| unknown(n))).collect()
    };
    let mut all_implied = Vec::new();
    for (at, names) in &implied {
        all_implied.push(find_all(at, names)?);
    }
    let mut all_sums = Vec::new();
    for (at, whole, parts) in &sums {
        all_sums.push((find_all(at, whole)?[0], find_all(at, parts)?));
    }
    for (ext, implies) in exts.list.iter_mut().zip(all_implied) {
        ext.implies = implies;
    }
    exts.sums = all_sums;
    Ok(exts)
}

/// One named CSR.
pub struct Csr {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// The extension that defines it.
    pub ext: Option<usize>,
    /// Whether it exists on RV32 only.
    pub rv32: bool,
}

/// Parses `csrs.isa`; the result is sorted by number.
pub fn parse_csrs(source: &Source, exts: &Exts) -> Result<Vec<Csr>, String> {
    let mut csrs: Vec<Csr> = Vec::new();
    for (at, line) in lines(source) {
        let mut words = line.split_whitespace();
        let numbers = words.next().unwrap_or_default();
        let name = words.next().ok_or_else(|| format!("{at}: a CSR needs a name"))?;
        let (mut ext, mut rv32) = (None, false);
        for word in words {
            match word {
                "rv32" => rv32 = true,
                _ => ext = Some(exts.find(word).ok_or_else(|| format!("{at}: unknown extension {word}"))?),
            }
        }
        let number = |s: &str| {
            let digits = s.strip_prefix("0x").unwrap_or_default();
            let number = u16::from_str_radix(digits, 16).ok().filter(|n| *n < 1 << 12);
            number.ok_or_else(|| format!("{at}: `{s}` is not a CSR number"))
        };
        let (first, last) = numbers.split_once("..").unwrap_or((numbers, numbers));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("{at}: the range `{numbers}` is descending"));
        }
        for (i, number) in (first..=last).enumerate() {
            let name = match name.split_once('#') {
                None => name.to_string(),
                Some((before, rest)) => {
                    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                    let start: usize = rest[..digits].parse().map_err(|_| format!("{at}: `#` needs a number"))?;
                    format!("{before}{}{}", start + i, &rest[digits..])
                }
            };
            if let Some(other) = csrs.iter().find(|c| c.number == number || c.name == name) {
                return Err(format!(
                    "{at}: CSR {name} ({number:#x}) clashes with {} ({:#x})",
                    other.name, other.number
                ));
            }
            csrs.push(Csr { number, name, ext, rv32 });
        }
    }
    csrs.sort_by_key(|c| c.number);
    Ok(csrs)
}
