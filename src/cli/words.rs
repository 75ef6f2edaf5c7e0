//! The pre-pass over the command line: finds PROGRAM, and rewrites QEMU-style options (`-strace`, `-cpu x`) to
//! clap's (`--strace`, `--cpu=x`).
//!
//! Long options take one dash, as in QEMU, or two; a value may be the next argument. clap's definition says which
//! options exist and which take a value.

use super::{CliError, system};
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// An option of QEMU's user mode that is not supported.
pub struct Unsupported {
    /// Its names, without dashes.
    pub options: &'static [&'static str],
    /// The environment variable, without the prefix.
    pub variable: &'static str,
    /// What it is for.
    pub what: &'static str,
}

/// All of them.
pub const UNSUPPORTED: &[Unsupported] = &[
    Unsupported { options: &["g"], variable: "GDB", what: "a GDB server" },
    Unsupported { options: &["B"], variable: "GUEST_BASE", what: "choosing where guest memory lies" },
    Unsupported { options: &["R"], variable: "RESERVED_VA", what: "choosing the size of the guest's address space" },
    Unsupported { options: &["p"], variable: "PAGESIZE", what: "another page size than 4096" },
    Unsupported { options: &["trace"], variable: "TRACE", what: "trace events" },
    Unsupported { options: &["plugin"], variable: "PLUGIN", what: "plugins" },
    Unsupported { options: &["t", "rtsig-map"], variable: "RTSIG_MAP", what: "a map of real-time signals" },
    Unsupported { options: &["xtensa-abi-call0"], variable: "XTENSA_ABI_CALL0", what: "an ABI of Xtensa programs" },
];

/// Normalizes a command line whose options may stand anywhere: options, then `--`, then the other arguments.
pub fn normalize_all(
    command: &Command,
    unsupported: fn(&[u8]) -> Option<&'static str>,
    words: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, CliError> {
    // As in QEMU, `-drive` is not `-d rive`.
    let grammar = Grammar { command, unsupported, of_machines: |_| false, joined: false };
    let mut words = words.into_iter();
    let mut out: Vec<OsString> = words.next().into_iter().collect();
    let mut others = vec!["--".into()];
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--" => others.extend(words.by_ref()),
            [b'-', _, ..] => {
                let mut value = || words.next().ok_or_else(|| CliError::MissingValue(word.to_string_lossy().into()));
                grammar.option(&word, &mut value, &mut out)?;
            }
            _ => others.push(word),
        }
    }
    out.extend(others);
    Ok(out)
}

/// Normalizes a command line whose options end at PROGRAM: options, then `--`, then PROGRAM and its arguments.
pub fn normalize(command: &Command, words: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, CliError> {
    let grammar = Grammar { command, unsupported, of_machines: system::has_option, joined: true };
    let mut words = words.into_iter();
    let mut out: Vec<OsString> = words.next().into_iter().collect();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            break;
        }
        if bytes.len() < 2 || bytes[0] != b'-' {
            out.push("--".into());
            out.push(word);
            out.extend(words);
            return Ok(out);
        }
        let mut value = || words.next().ok_or_else(|| CliError::MissingValue(word.to_string_lossy().into()));
        grammar.option(&word, &mut value, &mut out)?;
    }
    out.push("--".into());
    out.extend(words);
    Ok(out)
}

/// The purpose of an unsupported option of QEMU's user mode.
fn unsupported(name: &[u8]) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|u| u.options.iter().any(|o| o.as_bytes() == name)).map(|u| u.what)
}

/// The option syntax of a program.
struct Grammar<'a> {
    command: &'a Command,
    /// The purpose of an option that is not supported.
    unsupported: fn(&[u8]) -> Option<&'static str>,
    /// Whether an option that the program does not have is one of whole machines.
    of_machines: fn(&[u8]) -> bool,
    /// Whether a short option's value may follow in the same argument.
    joined: bool,
}

impl Grammar<'_> {
    /// Rewrites one option, taking the next argument if that is its value.
    fn option(
        &self,
        word: &OsStr,
        value: &mut dyn FnMut() -> Result<OsString, CliError>,
        out: &mut Vec<OsString>,
    ) -> Result<(), CliError> {
        let shown = || word.to_string_lossy().into_owned();
        let bytes = word.as_bytes();
        let name = bytes.strip_prefix(b"--").or(bytes.strip_prefix(b"-")).unwrap_or(bytes);
        let (name, given) = match name.iter().position(|&b| b == b'=') {
            Some(at) => (&name[..at], Some(OsStr::from_bytes(&name[at + 1..]))),
            None => (name, None),
        };
        if let Some(arg) = find_long(self.command, name) {
            let long = arg.get_long().unwrap_or_default();
            let mut text = OsString::from(format!("--{long}"));
            match (takes_value(arg), given) {
                (false, None) => {}
                (false, Some(_)) => return Err(CliError::UnexpectedValue(format!("--{long}"))),
                (true, given) => {
                    text.push("=");
                    text.push(match given {
                        Some(given) => given.to_owned(),
                        None => value()?,
                    });
                }
            }
            out.push(text);
            return Ok(());
        }
        if let Some(what) = (self.unsupported)(name) {
            return Err(CliError::Unsupported { option: shown(), what });
        }
        // Otherwise `-drive` would be `-d rive`.
        let of_machines = (self.of_machines)(name);
        if of_machines && name.len() > 1 {
            return Err(CliError::OfMachines(shown()));
        }
        // A short option; its value may follow in the same argument.
        if bytes[1] != b'-' && (self.joined || bytes.len() == 2) {
            let rest = &bytes[2..];
            if let Some(arg) =
                self.command.get_arguments().find(|a| a.get_short().map(|c| c as u32) == Some(bytes[1].into()))
            {
                let Some(long) = arg.get_long() else {
                    if !rest.is_empty() {
                        return Err(CliError::UnknownOption(shown()));
                    }
                    out.push(word.to_owned());
                    return Ok(());
                };
                // QEMU would take the sign for a part of the value.
                if let (true, [b'=', value @ ..]) = (takes_value(arg), rest) {
                    let (letter, value) = (char::from(bytes[1]), String::from_utf8_lossy(value).into_owned());
                    return Err(CliError::ShortWithSign { option: shown(), letter, long: long.to_owned(), value });
                }
                let mut text = OsString::from(format!("--{long}"));
                match (takes_value(arg), rest) {
                    (false, []) => {}
                    (false, _) => return Err(CliError::UnknownOption(shown())),
                    (true, rest) => {
                        text.push("=");
                        text.push(if rest.is_empty() { value()? } else { OsStr::from_bytes(rest).to_owned() });
                    }
                }
                out.push(text);
                return Ok(());
            }
            if let Some(what) = (self.unsupported)(&bytes[1..2]) {
                return Err(CliError::Unsupported { option: shown(), what });
            }
        }
        Err(if of_machines { CliError::OfMachines(shown()) } else { CliError::UnknownOption(shown()) })
    }
}

fn find_long<'a>(command: &'a Command, name: &[u8]) -> Option<&'a Arg> {
    let name = std::str::from_utf8(name).ok()?;
    command
        .get_arguments()
        .find(|a| a.get_long() == Some(name) || a.get_all_aliases().is_some_and(|all| all.contains(&name)))
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Options;
    use clap::CommandFactory;

    fn words(line: &str) -> Result<String, String> {
        let words = line.split(' ').filter(|w| !w.is_empty()).map(OsString::from);
        let out = normalize(&Options::command(), std::iter::once("remu".into()).chain(words));
        out.map(|o| o[1..].join(OsStr::new(" ")).into_string().unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn options_end_at_the_program() {
        assert_eq!(words("prog --help -L x"), Ok("-- prog --help -L x".into()));
        assert_eq!(words("-L d prog -- -x"), Ok("--prefix=d -- prog -- -x".into()));
        assert_eq!(words("-strace -- -prog -x"), Ok("--strace -- -prog -x".into()));
        assert_eq!(words("-"), Ok("-- -".into()));
        assert_eq!(words(""), Ok("--".into()));
    }

    #[test]
    fn qemu_style_options_are_rewritten_for_clap() {
        assert_eq!(words("-cpu max,zba=on -seed 7 p"), Ok("--cpu=max,zba=on --seed=7 -- p".into()));
        assert_eq!(words("--cpu=max -singlestep p"), Ok("--cpu=max --one-insn-per-tb -- p".into()));
        assert_eq!(
            words("-s 8M -E A=1,B=2 -0 x -d strace -D f p"),
            Ok("--stack-size=8M --set-env=A=1,B=2 --argv0=x --log=strace --log-file=f -- p".into())
        );
        assert_eq!(words("-s8M -strace p"), Ok("--stack-size=8M --strace -- p".into()));
        assert_eq!(words("-E -x p"), Ok("--set-env=-x -- p".into()), "a value may look like an option");
    }

    #[test]
    fn errors_name_the_option() {
        assert_eq!(words("-foo p"), Err("unknown option '-foo'; --help lists them".into()));
        assert_eq!(words("--foo=1 p"), Err("unknown option '--foo=1'; --help lists them".into()));
        assert_eq!(words("-hx p"), Err("unknown option '-hx'; --help lists them".into()));
        assert_eq!(words("-cpu"), Err("option '-cpu' needs a value; --help says which".into()));
        assert_eq!(words("-L"), Err("option '-L' needs a value; --help says which".into()));
        assert_eq!(words("-L=d p"), Err("option '-L=d': write '-L d' or '--prefix=d'".into()));
        assert_eq!(words("-strace=1 p"), Err("option '--strace' takes no value".into()));
        for u in UNSUPPORTED {
            for name in u.options {
                let error = words(&format!("-{name} x p")).unwrap_err();
                assert_eq!(error, format!("option '-{name}' is not supported yet: {}", u.what));
            }
        }
    }
}
