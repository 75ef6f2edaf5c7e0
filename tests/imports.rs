//! Checks the module layering: no path in `src/` that starts at the crate root names a module that its own module may
//! not import. Restricts `unsafe` and printing to the modules that own them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules that each module may import; `*` means all. `remu_isa` is the decoder's crate.
const WALLS: &[(&str, &[&str])] = &[
    ("host", &[]),
    ("memory", &["host"]),
    ("elf", &["memory", "host", "remu_isa"]),
    ("guest", &["memory", "host", "remu_isa"]),
    ("interp", &["guest", "memory", "host", "remu_isa"]),
    ("jit::ir", &["guest", "memory", "host", "remu_isa"]),
    ("jit::opt", &["jit::ir", "guest", "memory", "host", "remu_isa"]),
    ("jit::x64", &[]),
    ("jit::runtime", &["jit", "guest", "memory", "host", "remu_isa"]),
    ("jit", &["jit", "guest", "memory", "host", "remu_isa"]),
    ("linux", &["guest", "memory", "elf", "host", "remu_isa"]),
    ("machine", &["guest", "memory", "elf", "host", "remu_isa"]),
    ("debug", &["guest", "memory", "host", "remu_isa"]),
    ("user", &["linux", "interp", "jit", "debug", "guest", "memory", "host", "remu_isa"]),
    ("cli", &["*"]),
    ("bin", &["*"]),
    ("lib", &["*"]),
];

/// The modules that may contain `unsafe`.
const UNSAFE: &[&str] = &["host", "memory", "guest::hart", "interp", "jit::runtime"];

/// The modules that may print or exit.
const PRINTS: &[&str] = &["cli", "bin"];

const PRINTING: &[&str] =
    &["print!", "println!", "eprint!", "eprintln!", "dbg!", "process::exit", "io::stdout", "io::stderr"];

#[derive(Debug, PartialEq)]
struct Breach {
    file: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// A name or punctuation mark of the source, with its line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Splits the source into names and punctuation. Comments and literals are skipped; `::` is one token.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut all = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let start = at;
        let rest = &source[at..];
        let end = if rest.starts_with("//") {
            rest.find('\n').map_or(bytes.len(), |n| at + n)
        } else if rest.starts_with("/*") {
            skip_block_comment(source, at)
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = at + rest.find('"').expect("a raw string has a quote") + 1;
            source[open..].find(&close).map_or(bytes.len(), |n| open + n + close.len())
        } else if bytes[at] == b'"' {
            skip_quoted(bytes, at, b'"')
        } else if bytes[at] == b'\'' && is_char_literal(rest) {
            skip_quoted(bytes, at, b'\'')
        } else if bytes[at].is_ascii_alphabetic() || bytes[at] == b'_' {
            at + rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            let length = if rest.starts_with("::") { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
            at + length
        };
        let first = bytes[start];
        let literal =
            matches!(first, b'"') || rest.starts_with("//") || rest.starts_with("/*") || raw_string(rest).is_some();
        let literal = literal || (first == b'\'' && end > start + 1) || first.is_ascii_whitespace();
        if !literal {
            all.push(Token { text: &source[start..end], line });
        }
        line += source[start..end].matches('\n').count();
        at = end;
    }
    all
}

fn skip_block_comment(source: &str, start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < source.len() {
        match source.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at.min(source.len())
}

/// The number of hashes of the raw string that begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix('b').unwrap_or(rest);
    let rest = rest.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

fn skip_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Tells a character literal from a lifetime.
fn is_char_literal(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// Every path that starts at `crate`, `super` or a crate in `WALLS`, as names from the root, with groups expanded.
fn paths(tokens: &[Token], module: &[String]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = tokens[at];
        let continues = at > 0 && tokens[at - 1].text == "::";
        let is_path = tokens.get(at + 1).is_some_and(|t| t.text == "::") && !continues;
        // `pub(in crate::x)` is not an import.
        let visibility = at > 0 && tokens[at - 1].text == "in";
        let mut prefix = match start.text {
            "crate" | "remu" if is_path && !visibility => Vec::new(),
            "remu_isa" if is_path => vec!["remu_isa".to_owned()],
            "super" if is_path => module[..module.len().saturating_sub(1)].to_vec(),
            _ => {
                at += 1;
                continue;
            }
        };
        at += 2;
        while tokens.get(at).is_some_and(|t| t.text == "super") {
            prefix.pop();
            at += 2;
        }
        at = tree(tokens, at, &prefix, &mut found).max(at);
    }
    found
}

/// Parses a use tree or path at `at`; returns its end.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        if token.text == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|t| t.text != "}") {
                let end = tree(tokens, at, &path, found);
                at = if tokens.get(end).is_some_and(|t| t.text == ",") { end + 1 } else { end.max(at + 1) };
                while tokens
                    .get(at)
                    .is_some_and(|t| !matches!(t.text, "}" | ",") && is_name(t.text) && tokens[at - 1].text == "as")
                {
                    at += 1;
                }
            }
            return at + 1;
        }
        if !is_name(token.text) && token.text != "*" {
            break;
        }
        path.push(token.text.to_owned());
        found.push((path.clone(), token.line));
        at += 1;
        if tokens.get(at).is_some_and(|t| t.text == "::") {
            at += 1;
        } else {
            break;
        }
    }
    if tokens.get(at).is_some_and(|t| t.text == "as") { at + 2 } else { at }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Whether the module `path` lies in one of `names` (`jit::x64`, or `*`).
fn within(path: &[String], names: &[&str]) -> bool {
    let joined = path.join("::");
    names.iter().any(|n| *n == "*" || joined == *n || joined.strip_prefix(n).is_some_and(|rest| rest.starts_with("::")))
}

/// The module of a file, as names from the root.
fn module_of(file: &Path) -> Vec<String> {
    let mut names: Vec<String> = file.with_extension("").iter().map(|n| n.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|n| n == "mod") {
        names.pop();
    }
    names
}

/// The breaches of one file; `file` is relative to `src/`.
fn check(file: &Path, source: &str) -> Vec<Breach> {
    let module = module_of(file);
    let tokens = tokens(source);
    let mut breaches = Vec::new();
    let mut report = |line, what| breaches.push(Breach { file: Path::new("src").join(file), line, what });

    match WALLS.iter().find(|(name, _)| within(&module, &[name])) {
        None => report(1, format!("module {} has no place in tests/imports.rs", module.join("::"))),
        Some((home, allowed)) => {
            let mut last = None;
            for (path, line) in paths(&tokens, &module) {
                // Modules of `jit` have two names, all others one.
                let names = if path[0] == "jit" { 2 } else { 1 };
                let target = &path[..path.len().min(names)];
                if target.len() < names || within(target, &[home]) || within(target, allowed) {
                    continue;
                }
                // Items of lib.rs belong to no module.
                let is_module =
                    target[0] == "remu_isa" || WALLS.iter().any(|(n, _)| n.split("::").next() == Some(&target[0]));
                if is_module && last != Some((line, target[0].clone())) {
                    last = Some((line, target[0].clone()));
                    report(line, format!("{home} may not import {}", target.join("::")));
                }
            }
        }
    }
    for token in &tokens {
        if token.text == "unsafe" && !within(&module, UNSAFE) {
            report(token.line, format!("unsafe outside of {}", UNSAFE.join(", ")));
        }
    }
    if !within(&module, PRINTS) {
        // `sys::process::exit` is a system call of the guest.
        let std_process = tokens.windows(3).any(|t| [t[0].text, t[1].text, t[2].text] == ["std", "::", "process"]);
        for (at, token) in tokens.iter().enumerate() {
            let next = |n: usize| tokens.get(at + n).map_or("", |t| t.text);
            let macro_call = format!("{}{}", token.text, next(1));
            let path = format!("{}{}{}", token.text, next(1), next(2));
            let Some(what) = PRINTING.iter().find(|p| **p == macro_call || **p == path) else { continue };
            if path != "process::exit" || std_process {
                report(token.line, format!("{what} outside of {}", PRINTS.join(", ")));
            }
        }
    }
    breaches
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn no_module_breaks_the_layering() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    assert!(all.len() > 5, "there is more source than {all:?}");
    let mut breaches = Vec::new();
    for path in all {
        let source = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        breaches.extend(check(path.strip_prefix(&src).expect("a file of src"), &source));
    }
    let lines: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    assert!(breaches.is_empty(), "{} breaches:\n{}", lines.len(), lines.join("\n"));
}

/// The lines of a made-up file that break a rule.
fn lines(file: &str, source: &str) -> Vec<usize> {
    check(Path::new(file), source).iter().map(|b| b.line).collect()
}

#[test]
fn every_form_of_forbidden_import_is_found() {
    assert_eq!(lines("linux/sys/fs.rs", "use crate::memory::UserSpace;\nuse crate::interp::Interp;\n"), [2]);
    assert_eq!(lines("linux/mod.rs", "use crate::{\n    memory::{self, GuestAddr},\n    interp::Interp,\n};\n"), [3]);
    assert_eq!(lines("memory/vma.rs", "fn f() -> u64 {\n    crate::guest::riscv::Cpu::new()\n}\n"), [2]);
    assert_eq!(lines("memory/user.rs", "use super::super::guest::Exit;\n"), [1]);
    assert_eq!(lines("memory/user/deep.rs", "use super::super::Vma;\nuse super::super::super::linux::x;\n"), [2]);
    assert_eq!(lines("memory/mod.rs", "use remu_isa::Insn;\n"), [1]);
    assert_eq!(lines("debug/trace.rs", "use crate::{guest::{Exit as E, riscv::*}, linux::strace};\n"), [1]);
    assert_eq!(lines("jit/ir/mod.rs", "use crate::jit::ir::Value;\nuse crate::jit::x64::Reg;\n"), [2]);
    assert_eq!(
        lines("jit/opt/mod.rs", "use crate::jit::{ir::Value, opt::fold};\nuse crate::jit::{ir, runtime};\n"),
        [2]
    );
    assert_eq!(lines("jit/x64/int.rs", "use super::reg::Gpr;\nuse crate::guest::Exit;\n"), [2]);
    assert_eq!(lines("newcomer/mod.rs", ""), [1]);
}

#[test]
fn allowed_imports_pass() {
    let everything =
        "use crate::host::Sys;\nuse remu::interp::Interp;\nfn main() { println!(\"x\"); std::process::exit(1) }\n";
    assert_eq!(lines("bin/remu.rs", everything), []);
    assert_eq!(lines("cli/mod.rs", "use crate::linux::Task;\n"), []);
    assert_eq!(lines("interp/mod.rs", "use crate::guest::{Exit, riscv::Cpu};\nunsafe fn f() {}\n"), []);
    assert_eq!(lines("guest/riscv/sem.rs", "use super::Cpu;\nuse super::super::Exit;\n"), []);
    assert_eq!(lines("memory/mod.rs", "pub(in crate::memory) fn f() {}\n"), []);
}

#[test]
fn unsafe_and_printing_are_found_except_in_text() {
    assert_eq!(
        lines(
            "guest/x.rs",
            "// unsafe, println!\n/* crate::linux /* nested */ */\nconst S: &str = \"unsafe \\\" crate::linux::x\";\n"
        ),
        []
    );
    assert_eq!(
        lines(
            "guest/x.rs",
            "const R: &str = r#\"unsafe \" \"#;\nconst C: char = '\"';\nfn f<'a>(x: &'a str) {}\nunsafe fn g() {}\n"
        ),
        [4]
    );
    assert_eq!(
        lines(
            "elf/x.rs",
            "fn f() {\n    eprintln!(\"x\");\n    std::process::exit(1);\n    let mut e = std::io::stderr();\n}\n"
        ),
        [2, 3, 4]
    );
    assert_eq!(lines("linux/rows.rs", "use super::sys::process;\nconst F: Row = row(process::exit);\n"), []);
    assert_eq!(lines("linux/rows.rs", "use std::process;\nfn f() {\n    process::exit(1)\n}\n"), [3]);
    assert_eq!(lines("guest/x.rs", "#![deny(unsafe_op_in_unsafe_fn)]\n"), []);
    assert_eq!(lines("guest/hart.rs", "unsafe fn f() {}\n"), []);
}
