//! Debian's bash, vim and coreutils with a sysroot that has directories of its own outside /usr: the host's files are
//! those that are read and changed there.

mod common;

use common::{Outcome, run, script};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A sysroot with these programs, and a folder that both the host and the sysroot have.
struct Roots {
    _dirs: [tempfile::TempDir; 2],
    sysroot: PathBuf,
    work: PathBuf,
}

impl Roots {
    fn new() -> Self {
        let listing = script("tests/debian/fetch.sh", &["--root".as_ref(), "tests/programs/packages".as_ref()]);
        let line = listing.lines().find(|line| line.starts_with("riscv64")).expect("a line for the architecture");
        let debian = Path::new(line.splitn(3, ' ').nth(2).expect("the folder is the third word"));
        let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let [sysroot, work] = [&dirs[0], &dirs[1]].map(|dir| dir.path().canonicalize().expect("it exists"));
        // The whole root is large. These programs need their libraries only.
        let copy = "cd \"$0\" && mkdir -p \"$1/usr/lib\" \"$1/usr/bin\" \
                    && cp -a usr/lib/ld-linux-riscv64-lp64d.so.1 \"$1/usr/lib\" \
                    && mkdir \"$1/usr/lib/riscv64-linux-gnu\" \
                    && cp -a usr/lib/riscv64-linux-gnu/*.so* \"$1/usr/lib/riscv64-linux-gnu\" \
                    && cd usr/bin && cp -a bash vim.tiny rm mv mkdir cat ln grep \"$1/usr/bin\"";
        let copied = Command::new("sh").args(["-c", copy]).arg(debian).arg(&sysroot).status();
        assert!(copied.expect("a shell").success(), "{}", debian.display());
        for name in ["lib", "bin"] {
            symlink(format!("usr/{name}"), sysroot.join(name)).expect("a link");
        }
        fs::create_dir_all(sysroot.join(work.strip_prefix("/").expect("it is absolute"))).expect("a folder");
        Self { _dirs: dirs, sysroot, work }
    }

    /// The folder's place in the sysroot.
    fn inside(&self) -> PathBuf {
        self.sysroot.join(self.work.strip_prefix("/").expect("it is absolute"))
    }

    /// Puts a file into both.
    fn put(&self, name: &str) {
        for (dir, text) in [(&self.work, "host 1\n"), (&self.inside(), "sysroot 1\n")] {
            fs::write(dir.join(name), text).expect("the file is written");
        }
    }

    /// The contents of a file: the host's, and the sysroot's.
    fn contents(&self, name: &str) -> [Option<String>; 2] {
        [&self.work, &self.inside()].map(|dir| fs::read_to_string(dir.join(name)).ok())
    }

    fn run(&self, program: &str, words: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remu"));
        command.arg("-L").arg(&self.sysroot).arg(self.sysroot.join("usr/bin").join(program)).args(words);
        command.current_dir(&self.work).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin").env("TERM", "dumb");
        run(&mut command, Vec::new(), Duration::from_secs(120))
    }

    /// The output of a script.
    fn bash(&self, script: &str) -> String {
        let ran = self.run("bash", &["-c", script]);
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{script}");
        String::from_utf8(ran.stdout).expect("text")
    }
}

fn lines(host: &str, sysroot: &str) -> [Option<String>; 2] {
    [host, sysroot].map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[test]
fn programs_change_the_hosts_files() {
    let roots = Roots::new();
    let work = roots.work.to_str().expect("a name in UTF-8");
    roots.put("edited");
    let words = ["-es", "-u", "NONE", "-i", "NONE", "-c", "%s/1/one/", "-c", "wq", &format!("{work}/edited")];
    let ran = roots.run("vim.tiny", &words);
    assert_eq!(roots.contents("edited"), lines("host one\n", "sysroot 1\n"), "{ran:?}");

    let script = format!("cd {work}; echo hi >zq; read x <zq; echo $x; cat {work}/zq; pwd; pwd -P");
    assert_eq!(roots.bash(&script), format!("hi\nhi\n{work}\n{work}\n"));
    assert_eq!(roots.contents("zq"), lines("hi\n", ""));

    for name in ["removed", "moved"] {
        roots.put(name);
    }
    roots.bash(&format!("rm {work}/removed; mv {work}/moved {work}/there; mkdir -p {work}/mm/x"));
    assert_eq!(roots.contents("removed"), lines("", "sysroot 1\n"));
    assert_eq!(roots.contents("moved"), lines("", "sysroot 1\n"));
    assert_eq!(roots.contents("there"), lines("host 1\n", ""));
    assert!(roots.work.join("mm/x").is_dir() && !roots.inside().join("mm").exists());
}

#[test]
fn names_and_links_mean_what_the_guest_sees() {
    let roots = Roots::new();
    let work = roots.work.to_str().expect("a name in UTF-8");
    fs::write(roots.work.join("only"), "only the host has it\n").expect("a file");
    symlink(format!("{work}/only"), roots.sysroot.join("usr/link")).expect("a link");
    // A new file is the host's if the host has the directory.
    fs::create_dir(roots.sysroot.join("usr/remu-own")).expect("a folder");
    let script = "cd /; cat proc/self/comm usr/link; cd usr; cat link; cd bin/../..; pwd -P; cat /usr/link";
    let only = "only the host has it\n";
    assert_eq!(roots.bash(script), format!("cat\n{only}{only}/\n{only}"));
    let ran = roots.run("bash", &["-c", "echo changed >/usr/link; ln -s x /usr/remu-own/new || rm /usr/bin/cat"]);
    assert_eq!(fs::read_to_string(roots.work.join("only")).expect("it is there"), "changed\n");
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(errors.matches("Read-only file system").count(), 2, "{errors}");
}

/// Whether a shell can append to a program while the program runs, and after it.
fn appends(mut program: Command, path: &Path, shell: impl Fn(&str) -> String) -> [String; 2] {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let (mut input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    input.write_all(b"started\n").expect("it reads");
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("it writes");
    assert_eq!(line, "started\n");
    let append = format!(
        "{{ echo >>{0}; }} 2>&1 | grep -o 'Text file busy'; {{ : >{0}; }} 2>&1 | grep -o 'busy'",
        path.display()
    );
    let during = shell(&append);
    drop(input);
    assert!(child.wait().expect("it ends").success());
    [during, shell(&append)]
}

#[test]
fn a_running_program_is_not_written_to() {
    let roots = Roots::new();
    let copy = |from: &Path, name: &str| {
        let path = roots.work.join(name);
        fs::copy(from, &path).expect("a copy");
        path
    };
    let native = copy(Path::new("/bin/cat"), "native");
    let wanted = appends(Command::new(&native), &native, |script| {
        let ran = Command::new("sh").args(["-c", script]).output().expect("a shell");
        String::from_utf8(ran.stdout).expect("text")
    });
    assert_eq!(wanted, ["Text file busy\nbusy\n", ""]);
    let guest = copy(&roots.sysroot.join("usr/bin/cat"), "guest");
    let mut program = Command::new(env!("CARGO_BIN_EXE_remu"));
    program.arg("-L").arg(&roots.sysroot).arg(&guest);
    assert_eq!(appends(program, &guest, |script| roots.bash(script)), wanted);
}
