//! What the threads of a process group do, for the report of a test that hangs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The fields of /proc/PID/stat after the name: the state is the first.
fn stat(dir: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(dir.join("stat")).ok()?;
    Some(text[text.rfind(')')? + 1..].split_whitespace().map(str::to_owned).collect())
}

/// The numbers in a folder's names, in order.
fn numbers(dir: &Path) -> Vec<u32> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<u32> = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    all.sort_unstable();
    all
}

/// One line for each thread of a process.
fn describe(pid: u32, out: &mut String) {
    const STATE: usize = 0;
    const USER_TIME: usize = 11;
    let tasks = Path::new("/proc").join(pid.to_string()).join("task");
    for tid in numbers(&tasks) {
        let dir = tasks.join(tid.to_string());
        let text = |name: &str| fs::read_to_string(dir.join(name)).unwrap_or_default().trim().to_owned();
        // A thread that has ended meanwhile is left out.
        let Some(stat) = stat(&dir) else { continue };
        let status = text("status");
        let masks: Vec<String> = ["SigPnd", "ShdPnd", "SigBlk", "SigCgt"]
            .into_iter()
            .filter_map(|name| {
                let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
                Some(format!("{name} {}", value.trim()))
            })
            .collect();
        let (comm, state, times) = (text("comm"), &stat[STATE], &stat[USER_TIME..USER_TIME + 2]);
        let _ = writeln!(out, "  {pid}/{tid} {comm}: {state}, {} + {} ticks, in {}", times[0], times[1], text("wchan"));
        // The number of the host's call, its arguments, the stack pointer and the pc.
        let _ = writeln!(out, "    call {}", text("syscall"));
        let _ = writeln!(out, "    {}", masks.join(", "));
    }
}

/// The threads of all processes of a group: state, processor time, system call with its arguments and pc, pending and
/// blocked signals.
pub fn describe_group(group: u32) -> String {
    const GROUP: usize = 2;
    let mut out = String::new();
    for pid in numbers(Path::new("/proc")) {
        let stat = stat(&Path::new("/proc").join(pid.to_string()));
        if stat.is_some_and(|stat| stat[GROUP] == group.to_string()) {
            describe(pid, &mut out);
        }
    }
    out
}
