//! The table of `strace -c`: the number, the errors and the time of each call.

use std::collections::HashMap;
use std::time::Duration;

/// The counters of a call.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    time: Duration,
    calls: u64,
    errors: u64,
}

impl Count {
    fn average(&self) -> u128 {
        self.time.as_micros() / u128::from(self.calls.max(1))
    }
}

/// The counters of all calls.
#[derive(Debug, Default)]
pub(super) struct Summary(HashMap<String, Count>);

impl Summary {
    /// Counts a call that has taken this much CPU time.
    pub fn add(&mut self, name: &str, time: Duration, failed: bool) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Count::default());
        }
        if let Some(count) = self.0.get_mut(name) {
            count.time += time;
            count.calls += 1;
            count.errors += u64::from(failed);
        }
    }

    /// The table, sorted by time.
    pub fn table(&self) -> String {
        let mut rows: Vec<(&str, Count)> = self.0.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        rows.sort_by_key(|&(name, c)| (std::cmp::Reverse((c.time, c.calls)), name));
        let total = rows.iter().fold(Count::default(), |sum, (_, c)| Count {
            time: sum.time + c.time,
            calls: sum.calls + c.calls,
            errors: sum.errors + c.errors,
        });
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(16);
        let rule = format!("------ ----------- ----------- --------- --------- {}\n", "-".repeat(width));
        let mut text = String::from("% time     seconds  usecs/call     calls    errors syscall\n");
        text.push_str(&rule);
        for (name, count) in &rows {
            let share = 100.0 * count.time.as_secs_f64() / total.time.as_secs_f64();
            text.push_str(&line(name, count, if total.time.is_zero() { 0.0 } else { share }));
        }
        text.push_str(&rule);
        text.push_str(&line("total", &total, 100.0));
        text
    }
}

fn line(name: &str, count: &Count, share: f64) -> String {
    let errors = if count.errors == 0 { String::new() } else { count.errors.to_string() };
    let (seconds, average, calls) = (count.time.as_secs_f64(), count.average(), count.calls);
    format!("{share:6.2} {seconds:11.6} {average:11} {calls:9} {errors:>9} {name}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_summed_up_as_by_strace() {
        let mut summary = Summary::default();
        summary.add("read", Duration::from_micros(30), false);
        summary.add("openat", Duration::from_micros(150), true);
        summary.add("read", Duration::from_micros(20), true);
        summary.add("close", Duration::ZERO, false);
        assert_eq!(
            summary.table(),
            "% time     seconds  usecs/call     calls    errors syscall\n\
             ------ ----------- ----------- --------- --------- ----------------\n \
             75.00    0.000150         150         1         1 openat\n \
             25.00    0.000050          25         2         1 read\n  \
             0.00    0.000000           0         1           close\n\
             ------ ----------- ----------- --------- --------- ----------------\n\
             100.00    0.000200          50         4         2 total\n"
        );
        let empty = Summary::default().table();
        assert!(empty.ends_with("100.00    0.000000           0         0           total\n"), "{empty}");
    }
}
