//! The options about the log of system calls. They are strace(1)'s where QEMU has no other use for the
//! letter, and have `strace` in their long names since there are other logs.

use super::resolve::{Given, log_path, number};
use super::{CliError, Options};
use crate::linux::TraceConfig;
use crate::linux::strace::{PidStyle, Timestamps};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The most of a string that can be asked for.
const STRING_MAX: u64 = 1 << 20;

/// Whether any of the options is there: each of them asks for the log.
pub(super) fn is_asked_for(o: &Options) -> bool {
    o.strace
        || !o.strace_filter.is_empty()
        || o.strace_summary_only
        || o.strace_summary
        || o.strace_output.is_some()
        || o.strace_pids
        || o.strace_durations
        || o.strace_timestamps.is_some()
        || o.strace_string_limit.is_some()
}

/// What is logged, and to which file if not with the rest.
pub(super) fn settings(o: &Options) -> Result<(TraceConfig, Option<PathBuf>), CliError> {
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
    if o.strace_pids {
        config.pids = Some(if o.strace_output.is_some() { PidStyle::Plain } else { PidStyle::Marked });
    }
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
        Some(path) => Some(log_path(path)),
        None => None,
    };
    Ok((config, file))
}

fn given(source: &str, value: &OsString) -> Given {
    Given { source: source.into(), value: value.clone() }
}
