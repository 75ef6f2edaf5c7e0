//! Printing. Standard output and standard error may be closed or full.

use std::io::{self, Write};

/// Prints a message on standard error in one write. A failure is ignored: there is nowhere left to report it.
pub fn complain(message: &dyn std::fmt::Display) {
    complain_as("remu", message);
}

/// As [`complain`], for a program other than remu.
pub fn complain_as(program: &str, message: &dyn std::fmt::Display) {
    let _ = io::stderr().write_all(format!("{program}: {message}\n").as_bytes());
}

/// Prints text on standard output.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
