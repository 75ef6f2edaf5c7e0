//! Printing. Standard output and standard error may be closed or full.

use std::io::{self, Write};

/// Prints a message on standard error in one write. A failure is ignored: there is nowhere left to report it.
pub fn complain(message: &dyn std::fmt::Display) {
    complain_as("remu", message);
}

/// As [`complain`], for a program other than remu.
pub fn complain_as(program: &str, message: &dyn std::fmt::Display) {
    let _ = io::stderr().write_all(format!("{program}: {}\n", without_errno(&message.to_string())).as_bytes());
}

/// A message without the errno that [`io::Error`] puts behind its words.
fn without_errno(message: &str) -> String {
    let mut parts = message.split(" (os error ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')').filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit())) {
            Some((_, rest)) => text.push_str(rest),
            None => text.extend([" (os error ", part]),
        }
    }
    text
}

/// Prints text on standard output.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_errno() {
        let error = |errno| io::Error::from_raw_os_error(errno);
        let text = format!("a: {}; b: {}", error(libc::ENOENT), error(libc::EACCES));
        assert_eq!(without_errno(&text), "a: No such file or directory; b: Permission denied");
        for other in ["", "x", "a (os error", "a (os error x) b", "a (os error "] {
            assert_eq!(without_errno(other), other);
        }
    }
}
