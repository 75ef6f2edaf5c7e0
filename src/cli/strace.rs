//! The options of the system call log. They have strace(1)'s letters unless QEMU uses the letter for something else,
//! and long names with `strace`, to distinguish this log from others.

use super::resolve::{Given, log_path, number};
use super::{CliError, Options};
use crate::linux::TraceConfig;
use crate::linux::strace::{PidStyle, Timestamps};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The largest string limit.
const STRING_MAX: u64 = 1 << 20;

/// Whether any of these options is given: each enables the log.
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

/// The settings of the log, and its file if it has its own.
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
