//! A conversation with a machine over its serial port.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a machine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running machine.
pub struct Session {
    child: Child,
    output: Receiver<Vec<u8>>,
    said: String,
    /// What was read up to here.
    read: usize,
}

impl Session {
    /// Starts a machine.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
        let mut from = child.stdout.take().expect("stdout is piped");
        let (to, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                if to.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, output, said: String::new(), read: 0 }
    }

    /// Waits until the machine says `text`, and returns what it said since the last call, up to the end of `text`.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(at) = self.said[self.read..].find(text) {
                let end = self.read + at + text.len();
                let found = self.said[self.read..end].to_owned();
                self.read = end;
                return found;
            }
            match self.output.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("the machine does not say {text:?}:\n{}", self.said),
                Err(RecvTimeoutError::Disconnected) => panic!("the machine ends without {text:?}:\n{}", self.said),
            }
        }
    }

    /// Types a line.
    #[track_caller]
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("the machine reads its input");
    }

    /// The time that the host's processors have spent on the machine, to a hundredth of a second.
    pub fn cpu_time(&self) -> Duration {
        cpu_time(&self.child.id().to_string(), UTIME)
    }

    /// Waits until the machine ends, and returns its exit status and all that it said.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        loop {
            match self.output.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("the machine does not end:\n{}", self.said),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = self.child.wait().expect("waiting for a child");
        (status.code(), std::mem::take(&mut self.said))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the times of a process are among its fields after the name: its own, and those of children that it has waited
/// for. Each is a pair, in user mode and in the kernel.
const UTIME: usize = 11;
const CUTIME: usize = 13;

/// The processor time of all programs that this process has waited for.
pub fn cpu_time_of_children() -> Duration {
    cpu_time("self", CUTIME)
}

fn cpu_time(process: &str, field: usize) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process exists");
    let (_, fields) = stat.rsplit_once(") ").expect("the name is in parentheses");
    let times = fields.split(' ').skip(field).take(2);
    // Hundredths of a second, on every kernel.
    times.map(|ticks| Duration::from_millis(10 * ticks.parse::<u64>().expect("a number"))).sum()
}
