//! The options of the system call log. They have strace(1)'s letters unless QEMU uses the letter for something else,
//! and long names with `strace`, to distinguish this log from others.

use super::resolve::{Given, number};
use super::{CliError, Options};
use crate::debug::LogPath;
use crate::linux::TraceConfig;
use crate::linux::strace::{PidStyle, Timestamps};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The largest string limit.
const STRING_MAX: u64 = 1 << 20;

/// The letters of strace(1) that remu does not have, with what there is instead.
const LETTERS: &[(&str, Option<&str>)] = &[
    ("t", Some("--strace-timestamps=s")),
    ("tt", Some("--strace-timestamps=us")),
    ("ttt", Some("--strace-timestamps=unix")),
    ("z", Some("-e status=successful")),
    ("Z", Some("-e status=failed")),
    ("a", None),
    ("A", None),
    ("b", None),
    ("I", None),
    ("i", None),
    ("k", None),
    ("n", None),
    ("O", None),
    ("p", None),
    ("P", None),
    ("q", None),
    ("S", None),
    ("u", None),
    ("v", None),
    ("w", None),
    ("x", None),
    ("xx", None),
    ("X", None),
    ("y", None),
    ("yy", None),
];

/// What to write for a letter of strace(1) that means nothing to remu.
pub(super) fn of_strace(letter: &[u8]) -> Option<String> {
    let &(name, instead) = LETTERS.iter().find(|(name, _)| name.as_bytes() == letter)?;
    Some(match instead {
        Some(instead) => format!("strace(1)'s -{name} is {instead}"),
        None => format!("strace(1)'s -{name} is not supported"),
    })
}

/// Whether any of these options is given: each enables the log.
pub(super) fn is_asked_for(o: &Options) -> bool {
    o.strace
        || !o.strace_filter.is_empty()
        || o.strace_summary_only
        || o.strace_summary
        || o.strace_output.is_some()
        || o.strace_pids > 0
        || o.strace_durations
        || o.strace_timestamps.is_some()
        || o.strace_string_limit.is_some()
}

/// The settings of the log, and its file if it has its own. The path is relative to `directory`.
pub(super) fn settings(o: &Options, directory: &Path) -> Result<(TraceConfig, Option<LogPath>), CliError> {
    let mut config = TraceConfig {
        lines: o.strace_summary || !o.strace_summary_only,
        summary: o.strace_summary || o.strace_summary_only,
        durations: o.strace_durations,
        ..TraceConfig::default()
    };
    for expression in &o.strace_filter {
        let text = given("-e", expression).text()?.to_owned();
        config.filter.set(&text).map_err(|error| CliError::Filter { source_name: "-e", value: text, error })?;
    }
    config.pids = match (o.strace_pids, o.strace_output.is_some()) {
        (0, _) => None,
        (_, false) => Some(PidStyle::Marked),
        (1, true) => Some(PidStyle::Plain),
        // Each process has a file of its own.
        (_, true) => None,
    };
    if let Some(format) = &o.strace_timestamps {
        let given = given("--strace-timestamps", format);
        config.timestamps = Some(match given.text()? {
            "s" => Timestamps::Seconds,
            "us" => Timestamps::Microseconds,
            "unix" => Timestamps::Unix,
            "relative" => Timestamps::Relative,
            _ => return Err(given.bad("write s, us, unix or relative")),
        });
    }
    if let Some(limit) = &o.strace_string_limit {
        let given = given("--strace-string-limit", limit);
        let limit = number(&given)?;
        if limit > STRING_MAX {
            return Err(given.bad("more than 1048576"));
        }
        config.string_limit = limit as usize;
    }
    let file = match &o.strace_output {
        Some(path) if path.as_bytes().starts_with(b"|") || path.as_bytes().starts_with(b"!") => {
            return Err(given("-o", path).bad("a log goes to a file, not to a command"));
        }
        Some(path) if o.strace_pids > 1 => {
            let mut path = path.clone();
            path.push(".%d");
            Some(LogPath::new(&path, directory))
        }
        Some(path) => Some(LogPath::new(path, directory)),
        None => None,
    };
    Ok((config, file))
}

fn given(source: &str, value: &OsString) -> Given {
    Given { source: source.into(), value: value.clone() }
}
