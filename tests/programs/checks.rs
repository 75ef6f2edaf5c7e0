//! The checks. The format of `checks/PROGRAM` and `long/PROGRAM`:
//!
//! ```text
//! == what is checked
//! $ PROGRAM WORD 'WORD with blanks' NAME
//! $1 PROGRAM <FILE
//! text
//! ```
//!
//! A step begins with `$` and the expected status, if not 0. Assignments of environment variables may precede the
//! command; `<FILE` and `>FILE` may follow it, and `2>-` if standard error is not reproducible. The text below a step
//! is the content of its file `script`.

use crate::common::files::split;
use std::fs;
use std::path::Path;

/// One command.
#[derive(Debug)]
pub struct Step {
    /// The step as written.
    pub line: String,
    pub variables: Vec<(String, String)>,
    pub program: String,
    pub args: Vec<String>,
    pub stdin: Option<String>,
    pub stdout: Option<String>,
    /// Whether standard error must equal the host's.
    pub stderr: bool,
    pub status: i32,
    pub script: String,
}

/// Commands that run in one folder, which is empty at first.
#[derive(Debug)]
pub struct Check {
    pub program: String,
    pub name: String,
    pub steps: Vec<Step>,
}

/// The checks of all programs, sorted by program name.
pub fn read(dir: &Path) -> Vec<Check> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Vec<Check> {
    let program = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut checks: Vec<Check> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}:{}", path.display(), number + 1);
        if let Some(name) = line.strip_prefix("== ") {
            checks.push(Check { program: program.clone(), name: name.to_owned(), steps: Vec::new() });
            continue;
        }
        let Some(check) = checks.last_mut() else {
            assert!(line.is_empty() || line.starts_with('#'), "{}: a step or a text before the first check", place());
            continue;
        };
        let step = line.strip_prefix('$').and_then(|rest| rest.split_once(' '));
        if let Some((status, command)) = step.filter(|(s, _)| s.is_empty() || s.parse::<i32>().is_ok()) {
            check.steps.push(parse(command, status.parse().unwrap_or(0)));
        } else if let Some(step) = check.steps.last_mut() {
            step.script.push_str(line);
            step.script.push('\n');
        } else {
            panic!("{}: a check must begin with a step", place());
        }
    }
    assert!(checks.iter().all(|c| !c.steps.is_empty()), "{}: a check without a step", path.display());
    checks
}

fn parse(line: &str, status: i32) -> Step {
    let (mut variables, mut program, mut args) = (Vec::new(), String::new(), Vec::new());
    let (mut stdin, mut stdout, mut stderr) = (None, None, true);
    for word in split(line) {
        if program.is_empty() {
            match word.split_once('=') {
                Some((name, value)) => variables.push((name.to_owned(), value.to_owned())),
                None => program = word,
            }
        } else if let Some(name) = word.strip_prefix('<').filter(|n| is_path(n)) {
            stdin = Some(name.to_owned());
        } else if let Some(name) = word.strip_prefix('>').filter(|n| is_path(n)) {
            stdout = Some(name.to_owned());
        } else if word == "2>-" {
            stderr = false;
        } else {
            args.push(word);
        }
    }
    Step { line: line.to_owned(), variables, program, args, stdin, stdout, stderr, status, script: String::new() }
}

fn is_path(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}
