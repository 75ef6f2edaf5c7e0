//! A log that the guest cannot disturb. It has its own descriptor, outside the guest's range, and writes each entry in
//! one call.
//!
//! A line can be begun before its end is known, for example while a system call blocks. If something else is logged
//! meanwhile, the line is marked unfinished, and its end becomes a separate line, as in strace.

use crate::host::fd::duplicate_high;
use crate::host::{Lock, LockRef, Rank};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// A log. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Log(Arc<Place>);

#[derive(Debug)]
struct Place {
    fd: OwnedFd,
    lines: Lock<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    /// The number of lines begun so far, which is the number of the last one.
    begun: u64,
    /// The unfinished line at the end of the log.
    open: Option<u64>,
}

/// The mark at the end of an interrupted line.
const CUT: &str = " <unfinished ...>\n";

impl Log {
    /// Logs to a duplicate of `fd`.
    pub fn new(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self(Arc::new(Place { fd: duplicate_high(fd)?, lines: Lock::new(Rank::Log, Lines::default()) })))
    }

    /// Logs to a descriptor that another process has opened.
    pub fn adopt(fd: OwnedFd) -> Self {
        Self(Arc::new(Place { fd, lines: Lock::new(Rank::Log, Lines::default()) }))
    }

    /// The log's descriptor.
    pub fn fd(&self) -> RawFd {
        self.0.fd.as_raw_fd()
    }

    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.0.lines.erased()
    }

    /// Writes an entry.
    pub fn put(&self, text: &str) {
        self.write(text, |lines| lines.open = None);
    }

    /// Begins a line; returns its number for [`end`](Self::end).
    pub fn begin(&self, text: &str) -> u64 {
        self.write(text, |lines| {
            lines.begun += 1;
            lines.open = Some(lines.begun);
        })
    }

    /// Ends a line with `rest`, or with the new line `resumed` if it was interrupted.
    pub fn end(&self, line: u64, rest: &str, resumed: &str) {
        let mut lines = self.0.lines.lock();
        if lines.open == Some(line) {
            lines.open = None;
            self.send(rest);
        } else {
            drop(lines);
            self.put(resumed);
        }
    }

    /// Writes text at the start of a line; returns the number of the last line begun.
    fn write(&self, text: &str, change: impl FnOnce(&mut Lines)) -> u64 {
        let mut lines = self.0.lines.lock();
        match lines.open {
            Some(_) => self.send(&format!("{CUT}{text}")),
            None => self.send(text),
        }
        change(&mut lines);
        lines.begun
    }

    /// Ignores failures: they must not disturb the program.
    fn send(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(&self.0.fd, rest) {
                Ok(n) if n > 0 => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};

    fn log() -> (Log, impl FnMut() -> String) {
        let mut file = tempfile::tempfile().unwrap();
        let log = Log::new(&file).unwrap();
        let text = move || {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        };
        (log, text)
    }

    #[test]
    fn a_line_can_be_begun_and_ended() {
        let (log, mut text) = log();
        log.put("one\n");
        let line = log.begin("two");
        log.end(line, " ends\n", "unused");
        log.put("three\n");
        assert_eq!(text(), "one\ntwo ends\nthree\n");
    }

    #[test]
    fn another_entry_interrupts_a_line() {
        let (log, mut text) = log();
        let line = log.begin("wait(1,");
        log.put("something else\n");
        log.end(line, "unused", "<... wait resumed> 2) = 3\n");
        let (first, second) = (log.begin("a("), log.begin("b("));
        log.end(first, "unused", "<... a resumed>)\n");
        log.end(second, "unused", "<... b resumed>)\n");
        assert_eq!(
            text(),
            "wait(1, <unfinished ...>\nsomething else\n<... wait resumed> 2) = 3\n\
             a( <unfinished ...>\nb( <unfinished ...>\n<... a resumed>)\n<... b resumed>)\n"
        );
    }
}
