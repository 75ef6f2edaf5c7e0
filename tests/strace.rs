//! The system call log, compared with strace(1) on the same C program built for the host, and the log's options.

mod common;
#[path = "common/elf.rs"]
mod elf;
#[path = "common/run.rs"]
mod run;

use common::{build_dir, build_programs};
use elf::{A0, A1, A2, A7, SP, ecall, exit, imm, li};
use regex_lite::Regex;
use remu_isa::Op;
use run::{Programs, remu, run as run_remu};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of strace(1) with which every line must agree. Other versions know more or fewer names.
const VERSION: &str = "6.1";

/// The least number of calls that must agree with any version.
const AT_LEAST: usize = 60;

/// The line in the program after which everything is compared.
const MARKER: &str = r#"write(-1000, "begin", 5)"#;

/// Removes what differs between runs or, by necessity, between architectures.
struct Normal(Vec<(Regex, &'static str)>);

/// Calls whose results depend on time, chance or the user.
const MOMENTARY: &str = "clock_gettime|gettimeofday|times|sysinfo|getrusage|getcpu|adjtimex|timerfd_settime|\
    timerfd_gettime|setitimer|sched_getattr|getppid|getpgid|getsid|getrandom|rt_sigreturn|fstatfs|getpid|gettid|set_tid_address";

impl Normal {
    fn new() -> Self {
        let rules = [
            (" +", " "),
            // x86-64 has sa_restorer, and a flag for it.
            (r"SA_RESTORER\|", ""),
            ("SA_RESTORER", "0"),
            (", sa_restorer=0x[0-9a-f]+", ""),
            // strace has two names for this number.
            ("SNDCTL_TMR_START or ", ""),
            (r" \(core dumped\)", ""),
            ("0x[0-9a-f]{5,}", "ADDRESS"),
            (r"left \{[^}]*\}", "left TIME"),
            (r"htons\([1-9][0-9]*\)", "htons(PORT)"),
            (r"^((?:msg|sem|shm)[a-z]+)\([0-9]+", "$1(ID"),
            (r"^((?:msg|sem|shm)get\(.*\) += )[0-9]+", "${1}ID"),
            // The comment with the seconds, which zero ticks do not have.
            (r" /\* [0-9]+\.[0-9]+ s \*/", ""),
        ];
        Self(rules.map(|(pattern, to)| (Regex::new(pattern).unwrap(), to)).into())
    }

    fn lines(&self, log: &str) -> Vec<String> {
        let momentary = Regex::new(&format!(r"^({MOMENTARY})\(")).unwrap();
        let number = Regex::new(r#""[^"]*"|[0-9]+"#).unwrap();
        let pid = Regex::new(r"getpid\(\) += ([0-9]+)|si_pid=([0-9]+)").unwrap().captures(log);
        let pid = pid.as_ref().and_then(|c| c.get(1).or(c.get(2))).map_or("no pid", |m| m.as_str());
        let pid = Regex::new(&format!(r"\b{pid}\b")).unwrap();
        let begin = log.lines().position(|line| line.starts_with(MARKER)).expect("the program's marker");
        let normal = |line: &str| {
            let mut line = pid.replace_all(line, "PID").into_owned();
            for (pattern, to) in &self.0 {
                line = pattern.replace_all(&line, *to).into_owned();
            }
            // Last, since the other rules match numbers by their digits.
            if momentary.is_match(&line) && !line.contains("= -1 ") {
                line = number.replace_all(&line, "N").into_owned();
            }
            line
        };
        log.lines().skip(begin).map(normal).collect()
    }
}

fn programs() -> (PathBuf, PathBuf) {
    let out = build_dir("strace");
    build_programs("testprogs/strace/programs.list", &out);
    (out.join("native/calls"), out.join("riscv64/calls"))
}

fn strace() -> Command {
    let mut command = Command::new("strace");
    command.env_clear();
    command
}

/// The version of the installed strace(1).
fn strace_version() -> String {
    let out = strace().arg("--version").output();
    let out = out.unwrap_or_else(|e| panic!("strace(1) cannot be run ({e}): apt-get install strace"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().next().and_then(|line| line.split(' ').next_back()).unwrap_or_default().to_owned()
}

/// Runs a tracer in an empty folder with a fixed name and returns the log.
fn traced(mut command: Command, options: &[&str], program: &Path, args: &[&str]) -> String {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("work");
    std::fs::create_dir(&dir).unwrap();
    let log = parent.path().join("log");
    command.args(options).arg("-o").arg(&log).arg(program).args(args).current_dir(&dir).env("TZ", "UTC0");
    let out = command.output().expect("the tracer runs");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(
        !err.contains("ptrace") && !err.contains("PTRACE"),
        "strace(1) may not trace here, and with it there is nothing to compare to (in a container: \
         --cap-add=SYS_PTRACE): {err}"
    );
    assert!(!text.is_empty(), "{command:?} wrote nothing: {err}");
    text.replace(parent.path().to_str().unwrap(), "PARENT")
}

fn both(options: &[&str], args: &[&str]) -> (String, String) {
    let (native, guest) = programs();
    let mut remu = remu();
    remu.arg("-strace");
    (traced(strace(), options, &native, args), traced(remu, options, &guest, args))
}

fn call_name(line: &str) -> Option<&str> {
    line.split_once('(').map(|(name, _)| name).filter(|name| !name.contains(' '))
}

/// The lines that differ, side by side.
fn differences(native: &[String], guest: &[String]) -> String {
    let mut text = String::new();
    for (want, got) in native.iter().zip(guest).filter(|(want, got)| want != got) {
        text += &format!("  strace: {want}\n  remu:   {got}\n");
    }
    if native.len() != guest.len() {
        text += &format!("  strace has {} lines, remu {}\n", native.len(), guest.len());
    }
    text
}

#[test]
fn elapsed_time_is_not_a_difference() {
    let lines = |user: &str, system: &str| {
        let times = format!("times({{tms_utime={user}, tms_stime={system}, tms_cutime=0, tms_cstime=0}}) = 1718281828");
        Normal::new().lines(&format!("getpid() = 4711\n{MARKER} = -1 EBADF (Bad file descriptor)\n{times}\n"))
    };
    assert_eq!(lines("0", "12 /* 0.12 s */"), lines("3 /* 0.03 s */", "0"));
}

#[test]
fn lines_agree_with_straces() {
    let version = strace_version();
    let (native, guest) = both(&[], &[]);
    let normal = Normal::new();
    let (native, guest) = (normal.lines(&native), normal.lines(&guest));
    let report = differences(&native, &guest);
    assert_eq!(native.len(), guest.len(), "not the same number of lines:\n{report}");
    let unequal = native.iter().zip(&guest).filter(|(want, got)| want != got);
    let differing: BTreeSet<&str> = unequal.filter_map(|(want, _)| call_name(want)).collect();
    let all: BTreeSet<&str> = native.iter().filter_map(|line| call_name(line)).collect();
    let agreeing = all.difference(&differing).count();
    let summary = format!("strace {version}: {} lines; all lines of {agreeing} system calls agree\n", native.len());
    println!("{summary}{report}");
    std::fs::write(build_dir("strace-calls.txt"), summary).expect("the summary is written");
    assert!(agreeing >= AT_LEAST, "only {agreeing} system calls agree:\n{report}");
    assert!(version != VERSION || differing.is_empty(), "differences from strace {version}:\n{report}");
}

#[test]
fn death_by_a_signal_is_logged_as_by_strace() {
    for (how, end) in [("crash", "SIGSEGV"), ("kill", "SIGTERM")] {
        let (native, guest) = both(&[], &[how]);
        let normal = Normal::new();
        assert_eq!(normal.lines(&guest), normal.lines(&native), "{how}");
        assert!(guest.ends_with(&format!("+++ killed by {end} +++\n")), "{guest}");
    }
}

#[test]
fn filters_select_the_same_lines_as_straces() {
    let classes = ["%file", "%desc", "%memory", "%network", "%process", "%signal", "%creds", "%clock", "%pure", "%ipc"];
    let statistics = ["%fstat", "%%stat", "%statfs", "%fstatfs", "%%statfs"];
    let others = ["file", "trace=!%memory", "trace=/^p.*v2?$", "trace=none", "signal=none", "signal=!SEGV,usr1"];
    for filter in classes.into_iter().chain(statistics).chain(others) {
        let (native, guest) = both(&["-e", filter, "-e", "status=!unfinished"], &[]);
        let made = |log: &str| -> BTreeSet<String> {
            log.lines().filter_map(|line| call_name(line).map(str::to_owned)).collect()
        };
        // Calls of the C library's start-up that only one side makes.
        let start = [
            "execve",
            "arch_prctl",
            "readlink",
            "brk",
            "riscv_hwprobe",
            "rseq",
            "set_robust_list",
            "access",
            "prlimit64",
        ];
        let without = |names: BTreeSet<String>| -> BTreeSet<String> {
            names.into_iter().filter(|n| !start.contains(&n.as_str())).collect()
        };
        assert_eq!(without(made(&guest)), without(made(&native)), "{filter}");
        assert_eq!(guest.contains("--- SIG"), native.contains("--- SIG"), "{filter}");
    }
    let (native, guest) = both(&["-e", "status=failed"], &[]);
    let normal = Normal::new();
    if strace_version() == VERSION {
        assert_eq!(differences(&normal.lines(&native), &normal.lines(&guest)), "");
    }
}

/// Calls and errors by name, from the table of `-c`.
fn counts(table: &str) -> BTreeMap<String, (u64, u64)> {
    let mut counts = BTreeMap::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| fields[i].parse::<u64>().ok();
        match fields.len() {
            5 if number(3).is_some() => counts.insert(fields[4].to_owned(), (number(3).unwrap(), 0)),
            6 if number(3).is_some() => counts.insert(fields[5].to_owned(), (number(3).unwrap(), number(4).unwrap())),
            _ => None,
        };
    }
    counts
}

#[test]
fn call_counts_agree_with_straces() {
    let (native, guest) = both(&[], &[]);
    // The C libraries start differently.
    let start: BTreeSet<String> = [&native, &guest]
        .iter()
        .flat_map(|log| log.lines().take_while(|line| !line.starts_with(MARKER)))
        .filter_map(|line| call_name(line).map(str::to_owned))
        .collect();
    let (native, guest) = both(&["-c"], &[]);
    assert_eq!(guest.lines().next(), native.lines().next(), "the heading");
    let own = |table: &str| {
        let mut counts = counts(table);
        assert!(counts.remove("total").is_some(), "{table}");
        counts.retain(|name, _| !start.contains(name));
        counts
    };
    assert!(own(&native).len() > 100);
    // Only one of the two counts interrupted calls as errors.
    let differing: Vec<_> =
        own(&native).into_iter().filter(|(name, n)| own(&guest).get(name).is_none_or(|g| g.0 != n.0)).collect();
    assert!(differing.is_empty(), "{differing:?}\n{guest}");
    assert_eq!(own(&guest)["lseek"], own(&native)["lseek"]);
}

/// A program that writes to a closed descriptor and exits.
fn small() -> Programs {
    let p = Programs::new();
    let mut code = vec![li(A0, 77), li(A1, 0), li(A2, 0), li(A7, 64), ecall()];
    code.extend(exit(42));
    p.code("small", &code);
    p
}

/// The program's log with these options.
#[track_caller]
fn lines(p: &Programs, options: &[&str]) -> String {
    let ran = run_remu(p, &[options, &["./small"]].concat());
    assert_eq!((ran.status, ran.out.as_str()), (Some(42), ""), "{ran:?}");
    environment_hidden(&ran.err)
}

/// A log without the address and size of the environment.
fn environment_hidden(log: &str) -> String {
    let environment = Regex::new(r"0x[0-9a-f]+ /\* [0-9]+ vars? \*/\)( *)=").unwrap();
    environment.replace_all(log, "ENV) =").into_owned()
}

const EXEC: &str = "execve(\"./small\", [\"./small\"], ENV) = 0\n";
const WRITE: &str = "write(77, NULL, 0)                      = -1 EBADF (Bad file descriptor)\n";
const END: &str = "exit_group(42)                          = ?\n";
const EXITED: &str = "+++ exited with 42 +++\n";

#[test]
fn each_option_enables_the_log() {
    let p = small();
    for options in [&["-strace"][..], &["-e", "trace=all"], &["--strace-filter=all"], &["--strace-string-limit", "5"]] {
        let log = lines(&p, options).replace("\"./sma\"...", "\"./small\"");
        assert_eq!(log, [EXEC, WRITE, END, EXITED].concat(), "{options:?}");
    }
    assert_eq!(lines(&p, &["-e", "write"]), [WRITE, EXITED].concat());
    assert_eq!(lines(&p, &["-e", "trace=!write"]), [EXEC, END, EXITED].concat());
    assert_eq!(lines(&p, &["-e", "status=failed"]), [WRITE, EXITED].concat());
    assert_eq!(lines(&p, &["-e", "status=unfinished"]), [END, EXITED].concat());
    assert_eq!(lines(&p, &["-e", "status=successful"]), [EXEC, EXITED].concat());
    assert_eq!(lines(&p, &["-e", "read", "-e", "status=failed", "-e", "write"]), [WRITE, EXITED].concat());
}

#[test]
fn lines_can_show_process_time_and_duration() {
    let p = small();
    let begins = |options: &[&str], pattern: &str| {
        let text = lines(&p, options);
        let pattern = Regex::new(&format!("^{pattern}")).unwrap();
        for line in text.lines() {
            assert!(pattern.is_match(line), "{options:?}: {line}");
        }
        assert_eq!(text.lines().count(), 4);
    };
    begins(&["-f"], r"\[pid +[0-9]+\] (execve|write|exit_group|\+\+\+)");
    begins(&["--strace-timestamps", "s"], r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9] (execve|write|exit_group|\+\+\+)");
    begins(&["--strace-timestamps=us"], r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6} (execve|write|exit_group|\+\+\+)");
    begins(&["--strace-timestamps=unix"], r"[0-9]{10,}\.[0-9]{6} (execve|write|exit_group|\+\+\+)");
    begins(&["--strace-timestamps=relative"], r" +[0-9]+\.[0-9]{6} (execve|write|exit_group|\+\+\+)");
    begins(
        &["-f", "--strace-timestamps=unix"],
        r"\[pid +[0-9]+\] [0-9]{10,}\.[0-9]{6} (execve|write|exit_group|\+\+\+)",
    );
    let text = lines(&p, &["-T"]);
    let lines: Vec<&str> = text.lines().collect();
    let with_time = Regex::new(r"\(Bad file descriptor\) <[0-9]+\.[0-9]{6}>$").unwrap();
    assert!(with_time.is_match(lines[1]), "{text}");
    assert_eq!(lines[2], END.trim_end(), "a call that does not return has no duration");
}

#[test]
fn the_log_can_go_to_a_file() {
    let p = small();
    let read = |name: &str| std::fs::read_to_string(p.path().join(name)).unwrap();
    assert_eq!(lines(&p, &["-o", "calls"]), "");
    assert_eq!(environment_hidden(&read("calls")), [EXEC, WRITE, END, EXITED].concat());
    let rest = lines(&p, &["-d", "exec", "-o", "calls"]);
    assert!(rest.starts_with("exec 0x") && !rest.contains("write("), "{rest}");
    assert_eq!(lines(&p, &["-d", "exec", "-D", "rest", "-o", "calls"]), "");
    assert_eq!((read("rest"), environment_hidden(&read("calls"))), (rest, [EXEC, WRITE, END, EXITED].concat()));
    let mut child = remu().args(["-f", "-o", "calls.%d", "./small"]).current_dir(p.path()).spawn().unwrap();
    child.wait().unwrap();
    let text = read(&format!("calls.{}", child.id()));
    assert!(text.lines().all(|line| line.starts_with(&format!("{:<5} ", child.id()))), "{text}");
}

#[test]
fn a_summary_replaces_the_lines_or_follows_them() {
    let p = small();
    let table = lines(&p, &["-c"]);
    let only = counts(&table);
    assert_eq!((only.len(), only["write"], only["exit_group"], only["total"]), (4, (1, 1), (1, 0), (3, 1)), "{table}");
    assert!(!table.contains("+++"), "{table}");
    let all = lines(&p, &["-C"]);
    assert!(all.starts_with(&[EXEC, WRITE, END, EXITED, "% time "].concat()), "{all}");
    assert_eq!(counts(&lines(&p, &["-c", "-e", "write"])).len(), 2);
    p.code("dies", &[elf::ebreak()]);
    let ran = run_remu(&p, &["-c", "./dies"]);
    assert_eq!(ran.signal, Some(libc::SIGTRAP));
    assert!(counts(&ran.err)["total"] == (1, 0), "{ran:?}");
}

#[test]
fn an_interrupted_line_is_resumed() {
    let p = Programs::new();
    // `unimp` logs a line between the two halves: the call is not implemented.
    let mut code = vec![li(A0, 1), li(A1, 0), li(A2, 0), li(A7, 42), ecall()];
    code.extend(exit(0));
    p.code("odd", &code);
    let ran = run_remu(&p, &["-strace", "-d", "unimp", "./odd"]);
    assert_eq!(
        ran.err.split_once('\n').expect("the first line is execve's").1,
        "nfsservctl(1, NULL, NULL <unfinished ...>\nunimp nfsservctl (system call 42)\n\
         <... nfsservctl resumed>)               = -1 ENOSYS (Function not implemented)\n\
         exit_group(0)                           = ?\n+++ exited with 0 +++\n"
    );
}

#[test]
fn errors_are_one_line() {
    let p = small();
    let error = |options: &[&str]| {
        let ran = run_remu(&p, &[options, &["./small"]].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(125), ""), "{ran:?}");
        ran.err
    };
    assert_eq!(error(&["-e", "trace=opne"]), "remu: -e 'trace=opne': there is no system call 'opne' on riscv64\n");
    assert_eq!(error(&["-e", "signal=SIGNO"]), "remu: -e 'signal=SIGNO': there is no signal 'SIGNO'\n");
    assert_eq!(
        error(&["-e", "fault=read"]),
        "remu: -e 'fault=read': 'fault=' is not supported; trace=, signal= and status= are\n"
    );
    assert_eq!(error(&["-o", "|cat"]), "remu: -o '|cat': a log goes to a file, not to a command\n");
    assert_eq!(error(&["-o", "x/y"]), "remu: cannot write the log x/y: No such file or directory\n");
    assert_eq!(
        error(&["--strace-timestamps", "ns"]),
        "remu: --strace-timestamps 'ns': write s, us, unix or relative\n"
    );
    assert_eq!(
        error(&["--strace-string-limit", "x"]),
        "remu: --strace-string-limit 'x': not a number of at most 64 bits\n"
    );
}

#[test]
fn the_call_that_executes_a_program_is_finished_by_the_next() {
    let p = small();
    // Executes its first argument with the arguments from there on.
    let arguments = [imm(Op::Ld, A0, SP, 16), imm(Op::Addi, A1, SP, 16), li(A2, 0), li(A7, 221), ecall()];
    p.code("executes", &[&arguments[..], &exit(1)].concat());
    let ran = run_remu(&p, &["-strace", "./executes", "./small"]);
    let first = |program: &str| format!("execve(\"./executes\", [\"./executes\", \"{program}\"], ENV) = 0\n");
    let executed = first("./small") + "execve(\"./small\", [\"./small\"], NULL)    = 0\n";
    assert_eq!((ran.status, environment_hidden(&ran.err)), (Some(42), [&executed, WRITE, END, EXITED].concat()));
    let ran = run_remu(&p, &["-strace", "./executes", "/bin/true"]);
    let executed = first("/bin/true") + "execve(\"/bin/true\", [\"/bin/true\"], NULL <unfinished ...>\n";
    assert_eq!((ran.status, environment_hidden(&ran.err)), (Some(0), executed));
}

/// Lines of two processes, each without its ID, addresses and columns.
fn anonymous(log: &str) -> Vec<String> {
    let address = Regex::new("0x[0-9a-f]{5,}").unwrap();
    let mut pids: Vec<String> = Vec::new();
    let normal = |line: &str| {
        let (pid, rest) = line.split_once(' ').expect("a process ID");
        assert!(pid.parse::<u32>().is_ok(), "{line}");
        if !pids.iter().any(|known| known == pid) {
            pids.push(pid.to_owned());
        }
        let rest = address.replace_all(&environment_hidden(rest.trim_start()), "ADDRESS").into_owned();
        let number = pids.iter().position(|known| known == pid).expect("it is known");
        let words: Vec<&str> = rest.split_whitespace().collect();
        format!("{number} {}", words.join(" "))
    };
    let lines: Vec<String> = log.lines().map(normal).collect();
    // The child's ID is known only now.
    lines.iter().map(|line| pids.iter().skip(1).fold(line.clone(), |line, pid| line.replace(pid, "CHILD"))).collect()
}

#[test]
fn the_lines_of_two_processes_agree_with_straces() {
    let (native, guest) = programs();
    let [native, guest] = [native, guest].map(|path| path.with_file_name("forks"));
    let options = ["-f", "-e", "signal=none", "-e", "trace=clone,wait4,write,execve,exit_group"];
    let strip = |log: String, path: &Path| anonymous(&log.replace(path.to_str().expect("text"), "PROGRAM"));
    let want = strip(traced(strace(), &options, &native, &[]), &native);
    let got = strip(traced(remu(), &options, &guest, &[]), &guest);
    assert_eq!(got, want);
    for line in ["0 wait4(-1, <unfinished ...>", "1 write(1, \"child\\n\", 6) = 6"] {
        assert!(got.iter().any(|found| found == line), "{got:?}");
    }
}

#[test]
fn each_process_can_have_a_log_of_its_own() {
    let (native, guest) = programs();
    let options = ["-ff", "-e", "signal=none", "-e", "trace=clone,wait4,write,execve"];
    // The logs of parent and child, without numbers.
    let logs = |mut command: Command, output: &[&str], program: &Path| {
        let dir = tempfile::tempdir().unwrap();
        let program = program.with_file_name("forks");
        let out = command.args(options).args(output).arg(&program).current_dir(dir.path()).output().expect("it runs");
        assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(0), &b"child\nexecuted\n"[..]), "{out:?}");
        let number = Regex::new("0x[0-9a-f]+|[0-9]{2,}").unwrap();
        let text = |entry: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(entry.expect("a file").path()).expect("a log");
            let text = environment_hidden(&text.replace(program.to_str().expect("text"), "PROGRAM"));
            let words: Vec<&str> = text.split_whitespace().collect();
            number.replace_all(&words.join(" "), "N").into_owned()
        };
        let mut all: Vec<String> = std::fs::read_dir(dir.path()).unwrap().map(text).collect();
        all.sort();
        all
    };
    let want = logs(strace(), &["-o", "log"], &native);
    assert_eq!(want.len(), 2, "{want:?}");
    for output in [&["-o", "log"][..], &["-D", "common.%d"]] {
        let got = logs(remu(), output, &guest);
        // On standard error and in the common log, each line begins with the ID.
        let id = Regex::new(r"\[pid N\] ").unwrap();
        let got: Vec<String> = got.iter().map(|log| id.replace_all(log, "").into_owned()).collect();
        assert_eq!(got, want, "{output:?}");
    }
}

#[test]
fn a_summary_counts_the_calls_of_its_own_process() {
    let (_, guest) = programs();
    let forks = guest.with_file_name("forks");
    let dir = tempfile::tempdir().unwrap();
    let out = remu().args(["-c", "-D", "table.%d"]).arg(forks).current_dir(dir.path()).output().expect("remu runs");
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let clones = |entry: std::io::Result<std::fs::DirEntry>| {
        let table = std::fs::read_to_string(entry.expect("a file").path()).expect("a table");
        counts(&table).get("clone").map_or(0, |count| count.0)
    };
    let mut all: Vec<u64> = std::fs::read_dir(dir.path()).unwrap().map(clones).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1]);
}
