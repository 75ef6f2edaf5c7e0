//! Writes calls, signals and process ends as lines in the format of strace(1).

use super::filter::{Filter, Status};
use super::summary::Summary;
use super::{CallPrinter, STRING_LIMIT, failure, signals};
use crate::host::{Lock, LockGuard, LockRef, Rank, clock};
use crate::linux::abi::signal::Siginfo;
use crate::linux::outcome::SysResult;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

/// The column of the results, unless the arguments are longer.
const RESULT_COLUMN: usize = 40;

/// The output. Other writers may interrupt an unfinished line.
pub trait TraceSink: Send + Sync {
    /// Writes whole lines.
    fn line(&self, text: &str);

    /// Begins a line and returns a token for its end.
    fn begin(&self, text: &str) -> u64;

    /// Ends a line with `rest` or, if other output interrupted it, writes `resumed` as a separate line.
    fn end(&self, begun: u64, rest: &str, resumed: &str);

    /// The lock that is held while the process forks.
    fn lock(&self) -> Option<LockRef<'_>> {
        None
    }
}

/// The process ID at the start of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidStyle {
    /// `[pid   123] `, on standard error.
    Marked,
    /// `123   `, in a separate file.
    Plain,
}

/// The time at the start of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// The time of day in seconds.
    Seconds,
    /// The time of day in microseconds.
    Microseconds,
    /// Seconds since 1970 with microseconds.
    Unix,
    /// The time since the previous line.
    Relative,
}

/// What a [`Tracer`] writes.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    /// Which calls, signals and outcomes.
    pub filter: Filter,
    /// Whether events are written as they happen.
    pub lines: bool,
    /// Whether a summary is written at the end.
    pub summary: bool,
    /// The format of the process ID at the start of each line, if any.
    pub pids: Option<PidStyle>,
    /// The time at the start of each line, if any.
    pub timestamps: Option<Timestamps>,
    /// Whether the duration of each call is written.
    pub durations: bool,
    /// How many bytes of a string are shown.
    pub string_limit: usize,
    /// The column of the results.
    pub column: usize,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            lines: true,
            summary: false,
            pids: None,
            timestamps: None,
            durations: false,
            string_limit: STRING_LIMIT,
            column: RESULT_COLUMN,
        }
    }
}

/// Writes the system calls and signals of a process.
pub struct Tracer {
    sink: Box<dyn TraceSink>,
    config: TraceConfig,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    /// The start of the last line.
    last: Option<Duration>,
    summary: Summary,
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A traced call that has not returned.
pub struct Traced<'a> {
    tracer: &'a Tracer,
    call: CallPrinter<'a>,
    tid: i32,
    /// How many arguments are written.
    written: usize,
    begun: Begun,
    /// The start, by the monotonic clock and by the thread's CPU time.
    started: (Duration, Duration),
}

/// The begun line of a call, which another program may finish: execve does not return to the program that calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedLine {
    name: String,
    /// The sink's token.
    line: u64,
    columns: u64,
}

/// The part of a call that is written before the call runs.
enum Begun {
    /// A line with this sink token, and its number of columns.
    Line(u64, usize),
    /// Nothing yet: the result decides whether the line is written.
    Held(String),
    /// Nothing: the line is not written.
    Silent,
}

impl Tracer {
    /// A tracer that writes to `sink`.
    pub fn new(sink: Box<dyn TraceSink>, config: TraceConfig) -> Self {
        Self { sink, config, state: Lock::new(Rank::Trace, State::default()) }
    }

    fn state(&self) -> LockGuard<'_, State> {
        self.state.lock()
    }

    /// How many bytes of a string are shown.
    pub fn string_limit(&self) -> usize {
        self.config.string_limit
    }

    /// The start of a line.
    fn leader(&self, tid: i32) -> String {
        let mut text = match self.config.pids {
            Some(PidStyle::Marked) => format!("[pid {tid:5}] "),
            Some(PidStyle::Plain) => format!("{tid:<5} "),
            None => String::new(),
        };
        let day = |fraction: bool| {
            let now = clock::real_time();
            let text = match clock::local_time(now.as_secs() as i64) {
                Some(local) => format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second),
                None => now.as_secs().to_string(),
            };
            if fraction { format!("{text}.{:06} ", now.subsec_micros()) } else { format!("{text} ") }
        };
        text += &match self.config.timestamps {
            None => String::new(),
            Some(Timestamps::Seconds) => day(false),
            Some(Timestamps::Microseconds) => day(true),
            Some(Timestamps::Unix) => {
                let now = clock::real_time();
                format!("{}.{:06} ", now.as_secs(), now.subsec_micros())
            }
            Some(Timestamps::Relative) => {
                let now = clock::monotonic();
                let passed = self.state().last.replace(now).map_or(Duration::ZERO, |last| now - last);
                format!("{:6}.{:06} ", passed.as_secs(), passed.subsec_micros())
            }
        };
        text
    }

    /// Writes the beginning of a call that is traced.
    pub fn enter<'a>(&'a self, mut call: CallPrinter<'a>, tid: i32) -> Option<Traced<'a>> {
        if !self.config.filter.has_call(call.row.number.into()) {
            return None;
        }
        call.note_inputs();
        let count = call.row.args.len();
        let written = (0..count).find(|&i| call.is_late(i)).unwrap_or(count);
        let begun = if self.config.lines {
            let mut text = format!("{}{}(", self.leader(tid), call.row.name);
            add_arguments(&mut text, &call, 0..written);
            if written > 0 && call.shows_from(written) {
                text.push_str(", ");
            }
            if self.config.filter.has_every_status() {
                let columns = text.chars().count();
                Begun::Line(self.sink.begin(&text), columns)
            } else {
                Begun::Held(text)
            }
        } else {
            Begun::Silent
        };
        let timed = self.config.durations || self.config.summary;
        let started = if timed { (clock::monotonic(), clock::thread_time()) } else { Default::default() };
        Some(Traced { tracer: self, call, tid, written, begun, started })
    }

    /// Leaves the last line unfinished: a call that executes a program of the host does not return if it succeeds.
    pub fn leave_unfinished(&self) {
        self.sink.line("");
    }

    /// Finishes the line of the execve with which this process began.
    pub fn executed(&self, unfinished: &UnfinishedLine, tid: i32) {
        let again = format!("{}<... {} resumed>", self.leader_of_resumed(tid), unfinished.name);
        let resumed = self.tail(again.chars().count(), "", "0");
        self.sink.end(unfinished.line, &self.tail(unfinished.columns as usize, "", "0"), &(again + &resumed));
    }

    /// Called in the child of a fork, which counts its own calls.
    pub fn after_fork(&self) {
        self.state().summary = Summary::default();
    }

    /// The end of a line: the remaining arguments, then the result in its column.
    fn tail(&self, columns: usize, arguments: &str, result: &str) -> String {
        let room = self.config.column.saturating_sub(columns + arguments.chars().count() + 2);
        format!("{arguments}) {:room$}= {result}\n", "")
    }

    /// Writes a call with an unknown number.
    pub fn unknown(&self, number: u64, args: &[u64; 6], tid: i32) {
        if !self.config.filter.has_call(number) {
            return;
        }
        let name = format!("syscall_{number:#x}");
        if self.config.summary {
            self.state().summary.add(&name, Duration::ZERO, true);
        }
        if self.config.lines && self.config.filter.has_status(Status::Failed) {
            let args: Vec<String> = args.iter().map(|a| format!("{a:#x}")).collect();
            let text = format!("{}{name}({}", self.leader(tid), args.join(", "));
            let tail = self.tail(text.chars().count(), "", &failure(libc::ENOSYS));
            self.sink.line(&(text + &tail));
        }
    }

    fn event(&self, tid: i32, text: &str) {
        if self.config.lines {
            self.sink.line(&format!("{}{text}\n", self.leader(tid)));
        }
    }

    /// Writes a delivered signal.
    pub fn signal(&self, info: &Siginfo, tid: i32) {
        if self.config.filter.has_signal(info.signo) {
            let name = super::flags::signal_name(info.signo as u64);
            self.event(tid, &format!("--- {name} {} ---", signals::siginfo_text(info)));
        }
    }

    /// The locks that are held while the process forks.
    pub fn locks(&self) -> impl Iterator<Item = LockRef<'_>> {
        [self.state.erased()].into_iter().chain(self.sink.lock())
    }

    /// Writes the exit of a thread that is not the last of its process.
    pub fn thread_exited(&self, status: i32, tid: i32) {
        self.event(tid, &format!("+++ exited with {} +++", status & 0xff));
    }

    /// Writes the exit of a process.
    pub fn exited(&self, status: i32, tid: i32) {
        self.thread_exited(status, tid);
        self.summarise();
    }

    /// Writes the end of a process by a signal.
    pub fn killed(&self, signal: i32, tid: i32) {
        self.event(tid, &format!("+++ killed by {} +++", super::flags::signal_name(signal as u64)));
        self.summarise();
    }

    fn summarise(&self) {
        if self.config.summary {
            self.sink.line(&self.state().summary.table());
        }
    }
}

impl Traced<'_> {
    /// The line of the call, if it is begun.
    pub fn unfinished(&self) -> Option<UnfinishedLine> {
        match self.begun {
            Begun::Line(line, columns) => {
                Some(UnfinishedLine { name: self.call.row.name.to_owned(), line, columns: columns as u64 })
            }
            Begun::Held(_) | Begun::Silent => None,
        }
    }

    /// Writes the rest of the call. A call that ends the process is shown without a result.
    pub fn leave(mut self, result: SysResult) {
        let tracer = self.tracer;
        // The child of a fork returns from a call that its parent made.
        if matches!(self.call.row.name, "clone" | "clone3") && matches!(result, Ok(0)) {
            return;
        }
        let TraceConfig { summary, durations, .. } = tracer.config;
        let took = if summary || durations {
            (clock::monotonic() - self.started.0, clock::thread_time() - self.started.1)
        } else {
            Default::default()
        };
        // The result of rt_sigreturn is a0 of the interrupted code, which may look like an error.
        let result = match result {
            Err(end) if end.is_exit() => None,
            Ok(value) if self.call.row.name == "rt_sigreturn" && value > -4096i64 as u64 => {
                Some(Err(Errno::from_raw_os_error(-(value as i64) as i32).into()))
            }
            other => Some(other),
        };
        self.call.result = result;
        if summary {
            tracer.state().summary.add(self.call.row.name, took.1, matches!(result, Some(Err(_))));
        }
        let status = match result {
            None => Status::Unfinished,
            Some(Ok(_)) => Status::Successful,
            Some(Err(_)) => Status::Failed,
        };
        if !tracer.config.filter.has_status(status) {
            return;
        }
        let mut arguments = String::new();
        add_arguments(&mut arguments, &self.call, self.written..self.call.row.args.len());
        let mut text = self.call.result_text();
        if durations && result.is_some() {
            let _ = write!(text, " <{}.{:06}>", took.0.as_secs(), took.0.subsec_micros());
        }
        match &self.begun {
            Begun::Silent => {}
            Begun::Held(head) => {
                tracer.sink.line(&(head.clone() + &tracer.tail(head.chars().count(), &arguments, &text)));
            }
            Begun::Line(id, columns) => {
                let again = format!("{}<... {} resumed>", tracer.leader_of_resumed(self.tid), self.call.row.name);
                let resumed = tracer.tail(again.chars().count(), &arguments, &text);
                tracer.sink.end(*id, &tracer.tail(*columns, &arguments, &text), &(again + &resumed));
            }
        }
    }
}

impl Tracer {
    /// The start of a line that may be dropped, and so does not update the time of the last line.
    fn leader_of_resumed(&self, tid: i32) -> String {
        let last = self.state().last;
        let text = self.leader(tid);
        self.state().last = last;
        text
    }
}

/// Adds arguments with commas between them.
fn add_arguments(text: &mut String, call: &CallPrinter<'_>, range: Range<usize>) {
    let mut between = "";
    for argument in range.filter_map(|i| call.argument(i)) {
        text.push_str(between);
        text.push_str(&argument);
        between = ", ";
    }
}
