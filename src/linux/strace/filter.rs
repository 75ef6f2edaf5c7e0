//! Selects the calls, signals and outcomes to trace: the sets of strace(1)'s `-e trace=`, `-e signal=` and `-e
//! status=`.

use super::classes;
use crate::host;
use crate::linux::table::{self, LIMIT};

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It returns a result.
    Successful,
    /// It returns an error.
    Failed,
    /// It does not return.
    Unfinished,
}

const STATUSES: &[(&str, Status)] =
    &[("successful", Status::Successful), ("failed", Status::Failed), ("unfinished", Status::Unfinished)];

/// Why an expression is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// An unknown call.
    #[error("there is no system call '{0}' on riscv64")]
    NoCall(String),
    /// An unknown class.
    #[error("there is no class of system calls '{name}'; there are {all}", all = classes::names())]
    NoClass {
        /// The name as written.
        name: String,
    },
    /// An invalid regular expression.
    #[error("'{pattern}' is not a regular expression: {error}")]
    BadPattern {
        /// As written, without the slash.
        pattern: String,
        /// What is wrong with it.
        error: String,
    },
    /// A regular expression that no call matches.
    #[error("no system call matches '{0}'")]
    NoMatch(String),
    /// An unknown signal.
    #[error("there is no signal '{0}'")]
    NoSignal(String),
    /// An unknown status.
    #[error("there is no status '{0}'; there are successful, failed, unfinished")]
    NoStatus(String),
    /// A qualifier of strace(1) that is not supported.
    #[error("'{0}=' is not supported; trace=, signal= and status= are")]
    NoKind(String),
}

/// A set of calls by number; `None` is all calls, including unknown numbers.
type Calls = Option<Box<[bool; LIMIT]>>;

/// What is traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    calls: Calls,
    /// Signals 1 to 64, from bit 0.
    signals: u64,
    /// By the values of [`Status`].
    statuses: [bool; 3],
}

impl Default for Filter {
    /// Everything.
    fn default() -> Self {
        Self { calls: None, signals: u64::MAX, statuses: [true; 3] }
    }
}

impl Filter {
    /// Applies an expression such as `trace=%file,!close`. The last one of a kind counts.
    pub fn set(&mut self, expression: &str) -> Result<(), FilterError> {
        let (kind, set) = expression.split_once('=').unwrap_or(("trace", expression));
        // Older versions of strace(1) put the exclamation mark before the equals sign.
        let (kind, before) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
        let (set, behind) = set.strip_prefix('!').map_or((set, false), |set| (set, true));
        let negated = before || behind;
        match kind {
            "t" | "trace" => self.calls = calls(set, negated)?,
            "s" | "signal" | "signals" => self.signals = signals(set)? ^ if negated { u64::MAX } else { 0 },
            "status" => self.statuses = statuses(set)?.map(|on| on != negated),
            other => return Err(FilterError::NoKind(other.to_owned())),
        }
        Ok(())
    }

    /// Whether a call is traced.
    pub fn has_call(&self, number: u64) -> bool {
        match &self.calls {
            None => true,
            Some(calls) => usize::try_from(number).ok().and_then(|n| calls.get(n)).copied().unwrap_or(false),
        }
    }

    /// Whether a signal is traced.
    pub fn has_signal(&self, signal: i32) -> bool {
        self.signals >> (signal - 1) & 1 != 0
    }

    /// Whether a call with this outcome is traced.
    pub fn has_status(&self, status: Status) -> bool {
        self.statuses[status as usize]
    }

    /// Whether a call is traced regardless of its outcome.
    pub fn has_every_status(&self) -> bool {
        self.statuses == [true; 3]
    }
}

fn calls(set: &str, negated: bool) -> Result<Calls, FilterError> {
    let mut chosen = Box::new([false; LIMIT]);
    for item in set.split(',') {
        match item {
            "all" if negated => {}
            "all" => return Ok(None),
            "none" if negated => return Ok(None),
            "none" => {}
            _ => choose(item, &mut chosen)?,
        }
        if item == "all" {
            chosen.fill(true);
        }
    }
    if negated {
        for call in chosen.iter_mut() {
            *call = !*call;
        }
    }
    Ok(Some(chosen))
}

/// Adds the calls of one item: a class, a regular expression or a name. After a question mark, the name may be unknown.
fn choose(item: &str, chosen: &mut [bool; LIMIT]) -> Result<(), FilterError> {
    let (optional, name) = item.strip_prefix('?').map_or((false, item), |name| (true, name));
    let rows = table::rows();
    let mut add = |wanted: &dyn Fn(&table::Row) -> bool| {
        let mut found = false;
        for row in rows.iter().filter(|row| wanted(row)) {
            chosen[usize::from(row.number)] = true;
            found = true;
        }
        found || optional
    };
    if let Some(pattern) = name.strip_prefix('/') {
        let regex = regex_lite::Regex::new(pattern).map_err(|error| FilterError::BadPattern {
            pattern: pattern.to_owned(),
            error: error.to_string().lines().last().unwrap_or_default().to_owned(),
        })?;
        return if add(&|row| regex.is_match(row.name)) { Ok(()) } else { Err(FilterError::NoMatch(name.to_owned())) };
    }
    // Old class names have no percent sign. No call has such a name.
    if let Some(class) = classes::find(name) {
        add(&|row| class.has(row));
        return Ok(());
    }
    if name.starts_with('%') {
        return if optional { Ok(()) } else { Err(FilterError::NoClass { name: name.to_owned() }) };
    }
    if add(&|row| row.name == name) { Ok(()) } else { Err(FilterError::NoCall(name.to_owned())) }
}

fn signals(set: &str) -> Result<u64, FilterError> {
    let mut chosen = 0;
    for item in set.split(',') {
        chosen |= match item {
            "all" => u64::MAX,
            "none" => 0,
            _ => 1 << (signal(item).ok_or_else(|| FilterError::NoSignal(item.to_owned()))? - 1),
        };
    }
    Ok(chosen)
}

/// A signal by number or by name, case-insensitively and with or without `SIG`.
fn signal(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return (1..=64).contains(&number).then_some(number);
    }
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if let Some(n) = name.strip_prefix("RT_").and_then(|n| n.parse::<u8>().ok()) {
        return (0..=32).contains(&n).then_some(32 + u64::from(n));
    }
    match name {
        "RTMIN" => Some(32),
        _ => host::signal_number(&format!("SIG{name}")),
    }
}

fn statuses(set: &str) -> Result<[bool; 3], FilterError> {
    let mut chosen = [false; 3];
    for item in set.split(',') {
        match item {
            "all" => chosen = [true; 3],
            "none" => {}
            _ => match STATUSES.iter().find(|(name, _)| *name == item) {
                Some((_, status)) => chosen[*status as usize] = true,
                None => return Err(FilterError::NoStatus(item.to_owned())),
            },
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expression: &str) -> Vec<&'static str> {
        let mut filter = Filter::default();
        filter.set(expression).unwrap();
        table::rows().iter().filter(|r| filter.has_call(r.number.into())).map(|r| r.name).collect()
    }

    fn error(expression: &str) -> String {
        Filter::default().set(expression).unwrap_err().to_string()
    }

    #[test]
    fn calls_are_selected_by_name_class_and_pattern() {
        let all = table::rows().len();
        assert_eq!(names("trace=read,openat"), ["openat", "read"]);
        assert_eq!(names("read"), ["read"]);
        assert_eq!(names("trace=!read").len(), all - 1);
        assert_eq!(names("trace!=read").len(), all - 1, "the syntax of older versions");
        assert_eq!((names("trace=all").len(), names("trace=none").len()), (all, 0));
        assert_eq!((names("trace=!all").len(), names("trace=!none").len()), (0, all));
        assert_eq!(names("trace=/^p(read|write)v$"), ["preadv", "pwritev"]);
        assert_eq!(names("trace=?nothing,read"), ["read"]);
        assert_eq!(names("trace=%fstat"), ["newfstatat", "fstat", "statx"]);
        assert_eq!(names("trace=!%fstat,read").len(), all - 4, "the exclamation mark negates the whole set");
        assert_eq!(names("trace=memory"), names("trace=%memory"));
        assert!(names("trace=%file").contains(&"openat") && !names("trace=%file").contains(&"read"));
        assert!(names("trace=%desc").contains(&"read") && !names("trace=%desc").contains(&"sendto"));
    }

    #[test]
    fn unknown_numbers_belong_to_all() {
        let mut filter = Filter::default();
        assert!(filter.has_call(9999) && filter.has_call(u64::MAX));
        filter.set("trace=read").unwrap();
        assert!(filter.has_call(63) && !filter.has_call(9999) && !filter.has_call(64));
    }

    #[test]
    fn signals_and_outcomes_are_selected() {
        let mut filter = Filter::default();
        filter.set("signal=SEGV,sigusr1,15,RT_2").unwrap();
        let chosen: Vec<i32> = (1..=64).filter(|&n| filter.has_signal(n)).collect();
        assert_eq!(chosen, [10, 11, 15, 34]);
        filter.set("signal=!RTMIN").unwrap();
        assert!(filter.has_signal(1) && !filter.has_signal(32));
        filter.set("signal=none").unwrap();
        assert!((1..=64).all(|n| !filter.has_signal(n)));
        assert!(filter.has_every_status());
        filter.set("status=failed").unwrap();
        assert!(filter.has_status(Status::Failed) && !filter.has_status(Status::Successful));
        filter.set("status=!failed").unwrap();
        assert!(!filter.has_status(Status::Failed) && filter.has_status(Status::Unfinished));
    }

    #[test]
    fn errors_name_the_faulty_item() {
        assert_eq!(error("trace=read,opne"), "there is no system call 'opne' on riscv64");
        assert_eq!(error("trace=open"), "there is no system call 'open' on riscv64");
        assert_eq!(error("trace="), "there is no system call '' on riscv64");
        assert!(error("trace=%files").starts_with("there is no class of system calls '%files'; there are %file, "));
        assert_eq!(error("trace=/zzz"), "no system call matches '/zzz'");
        assert!(error("trace=/(").starts_with("'(' is not a regular expression: "));
        assert_eq!(error("signal=SIGFOO"), "there is no signal 'SIGFOO'");
        assert_eq!(error("signal=65"), "there is no signal '65'");
        assert_eq!(error("status=lost"), "there is no status 'lost'; there are successful, failed, unfinished");
        assert_eq!(error("inject=read:error=EIO"), "'inject=' is not supported; trace=, signal= and status= are");
    }
}
