//! The generator: parses the tables in `riscv/`, checks that no two rows overlap, and writes the Rust that `src/`
//! includes. `build.rs` runs it. The tests include it too, to check that it refuses bad tables.

mod absent;
mod emit;
mod expand;
mod exts;
mod overlap;
mod parse;
mod pattern;
mod tree;

use std::path::Path;

/// A table and its file name.
pub struct Source {
    /// The file name, for error messages.
    pub name: String,
    /// The contents.
    pub text: String,
}

/// Reads every `.isa` file in `dir`, sorted by name.
pub fn read_dir(dir: &Path) -> Result<Vec<Source>, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", dir.display());
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|e| e == "isa") {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            sources.push(Source { name, text });
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

/// The two XLENs, in the order of the generated tables.
pub const XLENS: [u8; 2] = [32, 64];

/// Generates Rust from tables. The error is one line that says what is wrong with them.
pub fn generate(sources: &[Source]) -> Result<String, String> {
    let mut exts = None;
    let mut csrs = None;
    let mut tables = Vec::new();
    let mut absent_tables = Vec::new();
    for source in sources {
        match source.name.as_str() {
            "exts.isa" => exts = Some(exts::parse(source)?),
            "csrs.isa" => csrs = Some(source),
            name if name.starts_with("absent") => absent_tables.push(source),
            _ => tables.push(source),
        }
    }
    let exts = exts.ok_or("exts.isa is missing")?;
    let csrs = exts::parse_csrs(csrs.ok_or("csrs.isa is missing")?, &exts)?;
    let mut rows = Vec::new();
    for source in tables {
        parse::parse(source, &exts, &mut rows)?;
    }
    let expansions = expand::resolve(&rows)?;
    let mut trees = Vec::new();
    for xlen in XLENS {
        overlap::check(&rows, xlen)?;
        trees.push(tree::build(&rows, xlen));
    }
    let mut absent = Vec::new();
    for source in absent_tables {
        absent::parse(source, &exts, &mut absent)?;
    }
    absent::check(&absent, &rows)?;
    Ok(emit::emit(&exts, &csrs, &rows, &expansions, &trees) + &emit::emit_absent(&exts, &absent))
}
