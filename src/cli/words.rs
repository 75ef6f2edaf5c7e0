//! The pre-pass over the command line: finds PROGRAM, and rewrites QEMU-style options (`-strace`, `-cpu x`) to
//! clap's (`--strace`, `--cpu=x`).
//!
//! Long options take one dash, as in QEMU, or two; a value may be the next argument. clap's definition says which
//! options exist and which take a value.

use super::{CliError, strace, system};
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
    let grammar = Grammar { command, unsupported, of_machines: |_| false, strace: |_| None, joined: false };
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
    let grammar =
        Grammar { command, unsupported, of_machines: system::has_option, strace: strace::of_strace, joined: true };
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

/// How many characters must be inserted, deleted, replaced or swapped with their neighbour to make one word of another.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replace.min(swap).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
        }
    }
    rows[a.len()][b.len()]
}

/// The option syntax of a program.
struct Grammar<'a> {
    command: &'a Command,
    /// The purpose of an option that is not supported.
    unsupported: fn(&[u8]) -> Option<&'static str>,
    /// Whether an option that the program does not have is one of whole machines.
    of_machines: fn(&[u8]) -> bool,
    /// What to write for an option of strace(1).
    strace: fn(&[u8]) -> Option<String>,
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
        let strace = (self.strace)(name);
        let also = || strace.as_ref().map_or_else(String::new, |strace| format!(". {strace}"));
        if let Some(what) = (self.unsupported)(name) {
            return Err(CliError::Unsupported { option: shown(), what: format!("{what}{}", also()) });
        }
        // Otherwise `-drive` would be `-d rive`.
        let of_machines = (self.of_machines)(name);
        if of_machines && name.len() > 1 {
            return Err(CliError::OfMachines { option: shown(), also: also() });
        }
        // A short option; its value may follow in the same argument.
        if bytes[1] != b'-' && (self.joined || bytes.len() == 2) {
            let rest = &bytes[2..];
            if let Some(arg) = self.find_short(bytes[1]) {
                let Some(long) = arg.get_long() else {
                    if !rest.is_empty() {
                        return Err(self.unknown(word, name));
                    }
                    out.push(word.to_owned());
                    return Ok(());
                };
                // QEMU would take the sign for a part of the value.
                if let (true, [b'=', value @ ..]) = (takes_value(arg), rest) {
                    let (letter, value) = (char::from(bytes[1]), String::from_utf8_lossy(value).into_owned());
                    return Err(CliError::ShortWithSign { option: shown(), letter, long: long.to_owned(), value });
                }
                // `-strcae` is a misspelt word, not a size.
                if is_size(arg) && rest.first().is_some_and(|first| !first.is_ascii_digit()) {
                    return Err(self.unknown(word, name));
                }
                let mut text = OsString::from(format!("--{long}"));
                if takes_value(arg) {
                    text.push("=");
                    text.push(if rest.is_empty() { value()? } else { OsStr::from_bytes(rest).to_owned() });
                }
                out.push(text);
                if takes_value(arg) || rest.is_empty() {
                    return Ok(());
                }
                // Letters may be written together, as for strace(1): `-fT`.
                return match self.are_letters(rest) || (self.strace)(rest).is_some() {
                    true => self.option(OsStr::from_bytes(&[b"-", rest].concat()), value, out),
                    false => Err(self.unknown(word, name)),
                };
            }
            if let Some(what) = (self.unsupported)(&bytes[1..2]).filter(|_| strace.is_none()) {
                return Err(CliError::Unsupported { option: shown(), what: what.to_owned() });
            }
        }
        Err(match (of_machines, &strace) {
            (true, _) => CliError::OfMachines { option: shown(), also: also() },
            (false, Some(strace)) => CliError::UnknownOption { option: shown(), advice: strace.clone() },
            (false, None) => self.unknown(word, name),
        })
    }

    fn find_short(&self, letter: u8) -> Option<&Arg> {
        self.command.get_arguments().find(|arg| arg.get_short() == Some(letter.into()))
    }

    /// Whether these are letters of options, of which only the last may take a value: that of the next argument.
    fn are_letters(&self, letters: &[u8]) -> bool {
        let Some((last, others)) = letters.split_last() else { return false };
        let is_switch = |letter: &u8| self.find_short(*letter).is_some_and(|arg| !takes_value(arg));
        self.find_short(*last).is_some() && others.iter().all(is_switch)
    }

    /// The error for an option that does not exist. Names the most similar one, if it is similar enough.
    fn unknown(&self, word: &OsStr, name: &[u8]) -> CliError {
        let arguments = self.command.get_arguments();
        let names = arguments.flat_map(|arg| arg.get_long_and_visible_aliases().unwrap_or_default());
        let nearest = names.map(|known| (distance(name, known.as_bytes()), known)).min();
        let dashes = if word.as_bytes().starts_with(b"--") { "--" } else { "-" };
        let advice = match nearest.filter(|&(distance, known)| distance <= 2 && 2 * distance < known.len()) {
            Some((_, known)) => format!("did you mean '{dashes}{known}'?"),
            None => "--help lists them".to_owned(),
        };
        CliError::UnknownOption { option: word.to_string_lossy().into_owned(), advice }
    }
}

/// Whether a value is a number of bytes.
fn is_size(arg: &Arg) -> bool {
    arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "SIZE"))
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
    fn letters_without_values_may_be_written_together() {
        assert_eq!(words("-ff p"), Ok("--strace-pids --strace-pids -- p".into()));
        assert_eq!(words("-fTo file p"), Ok("--strace-pids --strace-durations --strace-output=file -- p".into()));
        assert_eq!(words("-fTofile p"), Err("unknown option '-fTofile'; --help lists them".into()));
        assert_eq!(words("-frobnicate p"), Err("unknown option '-frobnicate'; --help lists them".into()));
        assert_eq!(words("-fQ p"), Err("unknown option '-fQ'; --help lists them".into()));
        assert_eq!(words("-fX p"), Err("unknown option '-X'; strace(1)'s -X is not supported".into()));
    }

    #[test]
    fn options_of_strace_are_explained() {
        let times = "strace(1)'s -tt is --strace-timestamps=us";
        assert_eq!(words("-tt p"), Err(format!("unknown option '-tt'; {times}")));
        assert_eq!(words("-ftt p"), Err(format!("unknown option '-tt'; {times}")));
        let both =
            "option '-t' is not supported yet: a map of real-time signals. strace(1)'s -t is --strace-timestamps=s";
        assert_eq!(words("-t p"), Err(both.into()));
        let machines = "option '-k' is for whole machines; use remu-system. strace(1)'s -k is not supported";
        assert_eq!(words("-k p"), Err(machines.into()));
        assert_eq!(words("-y p"), Err("unknown option '-y'; strace(1)'s -y is not supported".into()));
    }

    #[test]
    fn errors_name_the_option() {
        assert_eq!(words("-strcae p"), Err("unknown option '-strcae'; did you mean '-strace'?".into()));
        assert_eq!(words("--strce p"), Err("unknown option '--strce'; did you mean '--strace'?".into()));
        assert_eq!(words("-stats=f p"), Err("unknown option '-stats=f'; --help lists them".into()));
        assert_eq!(words("-sedd 5 p"), Err("unknown option '-sedd'; did you mean '-seed'?".into()));
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
                assert!(error.starts_with(&format!("option '-{name}' is not supported yet: {}", u.what)), "{error}");
            }
        }
    }
}
