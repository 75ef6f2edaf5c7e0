//! The first line of a `#!` script, by the rules of the kernel's `binfmt_script.c`.

use std::ffi::CString;

/// How much of a file the kernel reads (BINPRM_BUF_SIZE); a first line may not be longer.
pub(super) const LINE_MAX: usize = 256;

/// The interpreter and argument of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The interpreter's path, as the guest sees it.
    pub interpreter: CString,
    /// The rest of the line, as one argument.
    pub argument: Option<CString>,
}

/// Why the kernel refuses a script with ENOEXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Nothing after `#!`.
    #[error("is a script that names no interpreter after #!")]
    NoInterpreter,
    /// The path may continue past the bytes that the kernel reads.
    #[error("is a script whose interpreter's path does not end within the first {LINE_MAX} bytes")]
    TooLong,
}

impl Script {
    /// Parses the beginning of a file; `None` if it is not a script.
    pub fn parse(first: &[u8]) -> Option<Result<Self, ScriptError>> {
        let rest = first[..first.len().min(LINE_MAX)].strip_prefix(b"#!")?;
        let blank = |b: &u8| matches!(b, b' ' | b'\t');
        let (line, whole) = match rest.iter().position(|&b| b == b'\n') {
            Some(end) => (&rest[..end], true),
            // If the file is shorter than the buffer, zeroes follow it there, which end the line too.
            None => (rest, first.len() < LINE_MAX),
        };
        let Some(start) = line.iter().position(|b| !blank(b)) else { return Some(Err(ScriptError::NoInterpreter)) };
        let line = &line[start..];
        let ends = |b: &u8| blank(b) || *b == 0;
        let end = line.iter().position(ends);
        if end.is_none() && !whole {
            return Some(Err(ScriptError::TooLong));
        }
        let (name, argument) = line.split_at(end.unwrap_or(line.len()));
        if name.is_empty() {
            return Some(Err(ScriptError::NoInterpreter));
        }
        // A cut-off argument is passed as far as it was read. A zero byte ends it, since it is a C string.
        let argument = argument.split(|&b| b == 0).next().unwrap_or_default();
        let from = argument.iter().position(|b| !blank(b)).unwrap_or(argument.len());
        let to = argument.iter().rposition(|b| !blank(b)).map_or(from, |last| last + 1);
        let argument = &argument[from..to];
        let text = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
        Some(Ok(Self { interpreter: text(name), argument: (!argument.is_empty()).then(|| text(argument)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, Option<String>) {
        let script = Script::parse(text.as_bytes()).unwrap().unwrap();
        let text = |s: &CString| s.to_str().unwrap().to_owned();
        (text(&script.interpreter), script.argument.as_ref().map(text))
    }

    #[test]
    fn the_line_is_a_path_and_one_argument() {
        let p = |path: &str, argument: Option<&str>| (path.to_owned(), argument.map(str::to_owned));
        assert_eq!(parsed("#!/bin/sh\necho\n"), p("/bin/sh", None));
        assert_eq!(parsed("#!/bin/sh"), p("/bin/sh", None));
        assert_eq!(parsed("#! \t/bin/sh \t \n"), p("/bin/sh", None));
        assert_eq!(parsed("#!  /usr/bin/env \t -S  a  b \t \n"), p("/usr/bin/env", Some("-S  a  b")));
        assert_eq!(parsed("#!/bin/sh\0 -x\n"), p("/bin/sh", None));
        assert_eq!(Script::parse(b"# !/bin/sh"), None);
        assert_eq!(Script::parse(b"#"), None);
    }

    #[test]
    fn the_kernel_looks_at_256_bytes() {
        let long = "y".repeat(400);
        let (_, argument) = parsed(&format!("#!/bin/sh {long}\n"));
        assert_eq!(argument.unwrap().len(), LINE_MAX - "#!/bin/sh ".len());
        let error = |text: &str| Script::parse(text.as_bytes()).unwrap().unwrap_err();
        assert_eq!(error(&format!("#!/{long}\n")), ScriptError::TooLong);
        assert_eq!(error("#!\n/bin/sh\n"), ScriptError::NoInterpreter);
        assert_eq!(error("#! \t \n"), ScriptError::NoInterpreter);
        assert_eq!(error("#!"), ScriptError::NoInterpreter);
    }
}
