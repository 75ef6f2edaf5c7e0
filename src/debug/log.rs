//! A log that the guest cannot disturb. It has its own descriptor, outside the guest's range, and writes each entry in
//! one call.
//!
//! A line can be begun before its end is known, for example while a system call blocks. If something else is logged
//! meanwhile, the line is marked unfinished, and its end becomes a separate line, as in strace. This works across the
//! processes that write to the same file: they share the [state of its last line](OpenLine).

use crate::host::fd::{duplicate_high, replace};
use crate::host::{Lock, LockRef, Rank};
use rustix::fs::{FlockOperation, MemfdFlags, SeekFrom, fcntl_lock, memfd_create, seek};
use rustix::io::{DupFlags, Errno};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The path of a log. `%d` in it stands for the process ID: each process then has a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    given: PathBuf,
    directory: PathBuf,
}

impl LogPath {
    /// A path relative to `directory`, which processes keep if they change their working directory.
    pub fn new(given: &OsStr, directory: &Path) -> Self {
        Self { given: given.into(), directory: directory.into() }
    }

    /// Whether each process has a file of its own.
    fn is_per_process(&self) -> bool {
        self.given.as_os_str().as_bytes().windows(2).any(|pair| pair == b"%d")
    }

    /// The path for this process, as it was given.
    pub fn shown(&self) -> PathBuf {
        let mut path = Vec::new();
        let mut rest = self.given.as_os_str().as_bytes();
        while let Some(at) = rest.windows(2).position(|pair| pair == b"%d") {
            path.extend_from_slice(&rest[..at]);
            path.extend_from_slice(std::process::id().to_string().as_bytes());
            rest = &rest[at + 2..];
        }
        path.extend_from_slice(rest);
        OsString::from_vec(path).into()
    }

    /// Creates the file for this process.
    fn create(&self) -> io::Result<File> {
        File::create(self.directory.join(self.shown()))
    }
}

/// A log. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Log(Arc<Place>);

#[derive(Debug)]
struct Place {
    fd: OwnedFd,
    /// Set if lines are begun.
    open_line: Option<OpenLine>,
    /// Where the file lies, if each process has one.
    path: Option<LogPath>,
    /// Held while an entry is written.
    writing: Lock<()>,
}

/// The mark at the end of an interrupted line.
const CUT: &str = " <unfinished ...>\n";

/// Which line is unfinished at the end of a log, for all processes that write to it.
///
/// The state is the file offset of an empty memfd: twice the number of the line begun last, plus 1 while that line is
/// unfinished. Processes share an offset through fork, vfork and execve, it needs no memory, and a limit on file sizes
/// does not apply to it.
#[derive(Debug)]
struct OpenLine(OwnedFd);

impl OpenLine {
    fn new() -> Result<Self, Errno> {
        Ok(Self(duplicate_high(memfd_create("remu-log", MemfdFlags::CLOEXEC)?)?))
    }

    /// Locks the log against other processes. The kernel releases the lock of a process that dies.
    ///
    /// A process that another one has stopped may hold the lock. After 100 ms, the entry is written regardless.
    fn lock(&self) {
        for _ in 0..1000 {
            match fcntl_lock(&self.0, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::AGAIN | Errno::ACCESS) => std::thread::sleep(Duration::from_micros(100)),
                _ => return,
            }
        }
    }

    fn unlock(&self) {
        let _ = fcntl_lock(&self.0, FlockOperation::NonBlockingUnlock);
    }

    fn get(&self) -> u64 {
        seek(&self.0, SeekFrom::Current(0)).unwrap_or(0)
    }

    fn set(&self, state: u64) {
        let _ = seek(&self.0, SeekFrom::Start(state));
    }
}

impl Log {
    /// Logs to a duplicate of `fd`.
    pub fn new(fd: impl AsFd, begins_lines: bool) -> io::Result<Self> {
        Self::to(fd, begins_lines, None)
    }

    /// Logs to a new file.
    pub fn create(path: &LogPath, begins_lines: bool) -> io::Result<Self> {
        Self::to(path.create()?, begins_lines, Some(path))
    }

    fn to(fd: impl AsFd, begins_lines: bool, path: Option<&LogPath>) -> io::Result<Self> {
        let open_line = if begins_lines { Some(OpenLine::new()?) } else { None };
        Ok(Self::with(duplicate_high(fd)?, open_line, path))
    }

    /// Logs to the [descriptors](Self::fds) of a log that another process has created.
    pub fn adopt(fd: OwnedFd, open_line: Option<OwnedFd>, path: Option<&LogPath>) -> Self {
        Self::with(fd, open_line.map(OpenLine), path)
    }

    fn with(fd: OwnedFd, open_line: Option<OpenLine>, path: Option<&LogPath>) -> Self {
        let path = path.filter(|path| path.is_per_process()).cloned();
        Self(Arc::new(Place { fd, open_line, path, writing: Lock::new(Rank::Log, ()) }))
    }

    /// The log's descriptors: the file, and the state of its last line if lines are begun.
    pub fn fds(&self) -> impl Iterator<Item = RawFd> {
        let open_line = self.0.open_line.as_ref().map(|line| line.0.as_raw_fd());
        [self.0.fd.as_raw_fd()].into_iter().chain(open_line)
    }

    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.0.writing.erased()
    }

    /// Goes on in a new process, which has descriptors of its own: in another file if the path has `%d`.
    pub fn enter_process(&self) {
        let Some(path) = &self.0.path else { return };
        let create = || {
            let next = Self::create(path, self.0.open_line.is_some())?;
            let replace = |fd: &OwnedFd, with: &OwnedFd| replace(fd, with.as_fd(), DupFlags::CLOEXEC);
            if let Some((own, next)) = self.0.open_line.as_ref().zip(next.0.open_line.as_ref()) {
                replace(&own.0, &next.0)?;
            }
            replace(&self.0.fd, &next.0.fd)?;
            io::Result::Ok(())
        };
        if let Err(error) = create() {
            self.put(&format!("process {}: cannot write {}: {error}\n", std::process::id(), path.shown().display()));
        }
    }

    /// Writes an entry.
    pub fn put(&self, text: &str) {
        self.entry(|state| {
            self.send(text, state);
            state & !1
        });
    }

    /// Begins a line; returns its number for [`end`](Self::end).
    pub fn begin(&self, text: &str) -> u64 {
        let mut line = 0;
        self.entry(|state| {
            self.send(text, state);
            line = state / 2 + 1;
            line * 2 + 1
        });
        line
    }

    /// Ends a line with `rest`, or with the new line `resumed` if it was interrupted.
    pub fn end(&self, line: u64, rest: &str, resumed: &str) {
        self.entry(|state| {
            if state == line * 2 + 1 {
                self.send(rest, 0)
            } else {
                self.send(resumed, state)
            }
            state & !1
        });
    }

    /// Runs `write` while nothing else is written. It gets the [state](OpenLine), and returns the next one.
    fn entry(&self, write: impl FnOnce(u64) -> u64) {
        let _writing = self.0.writing.lock();
        match &self.0.open_line {
            Some(line) => {
                line.lock();
                let before = line.get();
                let after = write(before);
                if after != before {
                    line.set(after);
                }
                line.unlock();
            }
            None => drop(write(0)),
        }
    }

    /// Writes text at the start of a line, if the log ends in this state. Ignores failures: they must not disturb the
    /// program.
    fn send(&self, text: &str, state: u64) {
        let cut = if state & 1 != 0 { CUT } else { "" };
        let text = [cut, text].concat();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(&self.0.fd, rest) {
                Ok(n) if n > 0 => rest = &rest[n..],
                Err(Errno::INTR) => {}
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
        let log = Log::adopt(duplicate_high(&file).unwrap(), Some(OpenLine::new().unwrap().0), None);
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

    #[test]
    fn the_lines_of_another_log_on_the_same_file_interrupt() {
        let (log, mut text) = log();
        // As another process has it: the state of the last line is shared.
        let place = &log.0;
        let lines = place.open_line.as_ref().unwrap().0.try_clone().unwrap();
        let other = Log::adopt(place.fd.try_clone().unwrap(), Some(lines), None);
        let line = log.begin("wait(");
        let own = other.begin("write(");
        assert_ne!(line, own);
        other.end(own, ") = 1\n", "unused");
        log.end(line, "unused", "<... wait resumed>) = 2\n");
        let line = log.begin("execve(");
        other.end(line, ") = 0\n", "unused");
        assert_eq!(text(), "wait( <unfinished ...>\nwrite() = 1\n<... wait resumed>) = 2\nexecve() = 0\n");
    }
}
