//! The command's behaviour without a measurement.

use std::process::{Command, Output, Stdio};

fn compare(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.args(words).stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = compare(words).output().expect("the command");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_list_of_programs_tolerates_a_closed_pipe() {
    let (status, out, err) = run(&["--list", "integer", "hello"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let categories: Vec<&str> = out.lines().map(|l| l.split_whitespace().next().unwrap()).collect();
    assert!(categories.starts_with(&["integer", "integer"]) && categories.ends_with(&["startup", "startup"]), "{out}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let out = compare(&["--list"]).stdout(writer).stderr(Stdio::piped()).output().expect("the command");
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn errors_are_one_line() {
    let error = |words: &[&str], says: &str| {
        let (status, out, err) = run(words);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{words:?}: {err}");
        assert!(err.lines().next().is_some_and(|line| line.contains(says)), "{words:?}: {err}");
    };
    error(&["no-such-program"], "compare: no program is of that category or name; --list lists them");
    error(&["--rounds", "0"], "0 is not in 1..=1000");
    error(&["--limit", "99999999999"], "99999999999 is not in 1..=86400");
    error(&["--from", "/nonexistent/report.json"], "compare: /nonexistent/report.json: No such file");
    error(&["--baseline", "/dev/null"], "compare: /dev/null: EOF");
    // Output files are checked before anything is built or measured.
    for option in ["--json", "--html", "--svg", "--markdown"] {
        error(&[option, "/nonexistent/report"], "compare: /nonexistent/report: No such file");
        error(&[option, "/"], "compare: /: is a directory");
    }
}
