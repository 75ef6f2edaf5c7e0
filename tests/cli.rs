//! The command line: the effect of every option and environment variable, the text of every error, and every exit
//! status.

#[path = "common/elf.rs"]
mod elf;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/profiles.rs"]
mod profiles;
#[path = "common/run.rs"]
mod run;

use elf::{
    A0, A1, A2, A3, A7, R, Segment, T0, T1, X, ZERO, assemble, ebreak, ecall, exit, here, imm, jump, li, lui, mv,
    program, reg, store,
};
use remu_isa::{Insn, Op};
use run::{Programs, Ran, remu, run, run_with};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn programs() -> Programs {
    let p = Programs::new();
    p.code("exit0", &exit(0));
    p.code("exit42", &exit(42));
    p.code("args", &run::write_args());
    p.code("env", &run::write_env());
    p
}

/// The error line of a run that fails with this status.
#[track_caller]
fn fails(ran: Ran, status: i32) -> String {
    assert_eq!((ran.status, ran.out.as_str()), (Some(status), ""), "{ran:?}");
    let line = ran.err.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "one line: {line}");
    line.strip_prefix("remu: ").expect("remu's name").to_owned()
}

#[track_caller]
fn prints(ran: Ran) -> String {
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    ran.out
}

// --- the program's environment ---

#[test]
fn the_exit_status_is_the_programs() {
    let p = programs();
    for (name, status) in [("./exit0", 0), ("./exit42", 42)] {
        assert_eq!(run(&p, &[name]).status, Some(status));
    }
    p.code("exit255", &exit(0x7ff));
    assert_eq!(run(&p, &["./exit255"]).status, Some(255), "the low byte counts");
}

#[test]
fn arguments_reach_the_program() {
    let p = programs();
    let words = ["./args", "--help", "-L", "x", "", "--", "-strace"];
    assert_eq!(prints(run(&p, &words)), "./args\n--help\n-L\nx\n\n--\n-strace\n");
    assert_eq!(prints(run(&p, &["--", "./args", "-x"])), "./args\n-x\n");
    assert_eq!(prints(run(&p, &["-0", "zero", "./args", "1"])), "zero\n1\n");
    assert_eq!(prints(run(&p, &["--argv0=zero", "./args"])), "zero\n");
    assert_eq!(prints(run_with(&p, &["./args"], &[("QEMU_ARGV0", "q")])), "q\n");
    assert_eq!(prints(run_with(&p, &["./args"], &[("QEMU_ARGV0", "q"), ("REMU_ARGV0", "r")])), "r\n");
}

#[test]
fn the_environment_reaches_the_program() {
    let p = programs();
    let env = |words: &[&str], vars: &[(&str, &str)]| {
        let mut c = remu();
        c.env_clear().envs(vars.iter().copied()).args(words).arg("./env").current_dir(p.path());
        let out = prints(c.output().unwrap().into());
        let mut lines: Vec<String> = out.lines().map(String::from).collect();
        lines.sort();
        lines
    };
    assert_eq!(env(&[], &[("A", "1"), ("B", "two words")]), ["A=1", "B=two words"]);
    assert_eq!(env(&["-E", "A=1,B=2", "-E", "C=3"], &[("A", "0")]), ["A=1", "B=2", "C=3"]);
    assert_eq!(env(&["-U", "A,C"], &[("A", "0"), ("B", "0")]), ["B=0"]);
    assert_eq!(env(&["-U", "A", "-E", "A=x"], &[("A", "0")]), ["A=x"]);
    assert_eq!(env(&["-E", "A=x", "-U", "A"], &[("A", "0")]), [""; 0]);
    let with_qemu = env(&[], &[("QEMU_SET_ENV", "A=1"), ("QEMU_UNSET_ENV", "B"), ("B", "0")]);
    assert!(with_qemu.contains(&"A=1".into()) && !with_qemu.contains(&"B=0".into()));
    let with_remu = env(&[], &[("QEMU_SET_ENV", "A=1"), ("REMU_SET_ENV", "A=2"), ("REMU_UNSET_ENV", "B"), ("B", "0")]);
    assert!(with_remu.contains(&"A=2".into()) && !with_remu.contains(&"B=0".into()));
}

#[test]
fn the_stack_has_the_requested_size() {
    let p = programs();
    // prlimit64(0, RLIMIT_STACK, NULL, buffer)
    p.code("limit", &run::write_result(261, &[(A0, 0), (A1, 3), (A2, 0)], A3, 8));
    let limit = |words: &[&str], vars: &[(&str, &str)]| {
        let mut c = remu();
        let out = c.args(words).arg("./limit").envs(vars.iter().copied()).current_dir(p.path()).output().unwrap();
        u64::from_le_bytes(*out.stdout.first_chunk().expect("8 bytes"))
    };
    assert_eq!(limit(&["-s", "16M"], &[]), 16 << 20);
    assert_eq!(limit(&["-s", "131072"], &[]), 131072);
    assert_eq!(limit(&["--stack-size=1G"], &[]), 1 << 30);
    assert_eq!(limit(&[], &[("QEMU_STACK_SIZE", "256k")]), 256 << 10);
    assert_eq!(limit(&[], &[("QEMU_STACK_SIZE", "256k"), ("REMU_STACK_SIZE", "512k")]), 512 << 10);
    assert_eq!(
        fails(run(&p, &["-s", "8Q", "./exit0"]), 125),
        "-s '8Q': not a size: a number with an optional suffix k, M or G"
    );
    assert_eq!(
        fails(run(&p, &["-s", "4k", "./exit0", &"x".repeat(2000)]), 125).split(" take ").next(),
        Some("./exit0: the arguments and the environment")
    );
    assert_eq!(limit(&["-s", "200000G"], &[]), 200_000 << 30, "a limit need not be reached");
}

#[test]
fn uname_reports_the_requested_release() {
    let p = programs();
    p.code("uname", &run::write_result(160, &[], A0, 325));
    let release = |words: &[&str], vars: &[(&str, &str)]| {
        let ran = run_with(&p, &[words, &["./uname"]].concat(), vars);
        let field = |n: usize| ran.out[65 * n..65 * (n + 1)].trim_end_matches('\0').to_owned();
        assert_eq!((field(0).as_str(), field(4).as_str()), ("Linux", "riscv64"));
        field(2)
    };
    assert_eq!(release(&["-r", "6.6.0-test"], &[]), "6.6.0-test");
    assert_eq!(release(&[], &[("QEMU_UNAME", "5.1")]), "5.1");
    assert_eq!(release(&[], &[("QEMU_UNAME", "5.1"), ("REMU_UNAME", "5.2")]), "5.2");
}

#[test]
fn a_seed_makes_runs_repeatable() {
    let p = programs();
    p.code("random", &run::write_random());
    let random = |words: &[&str], vars: &[(&str, &str)]| {
        let mut c = remu();
        c.args(words).arg("./random").envs(vars.iter().copied()).current_dir(p.path());
        c.output().unwrap().stdout
    };
    let seven = random(&["-seed", "7"], &[]);
    assert_eq!(seven.len(), 16);
    assert_eq!(seven, random(&["--seed=0x7"], &[]));
    assert_eq!(seven, random(&[], &[("QEMU_RAND_SEED", "7")]));
    assert_eq!(seven, random(&[], &[("QEMU_RAND_SEED", "8"), ("REMU_RAND_SEED", "7")]));
    assert_ne!(seven, random(&["-seed", "8"], &[]));
    assert_ne!(random(&[], &[]), random(&[], &[]));
}

#[test]
fn the_prefix_is_searched_first() {
    let p = programs();
    p.elf("read", &run::write_file("/remu-test-file"));
    std::fs::create_dir(p.path().join("root")).unwrap();
    std::fs::write(p.path().join("root/remu-test-file"), "from the prefix\n").unwrap();
    assert_eq!(run(&p, &["./read"]).status, Some(1));
    assert_eq!(prints(run(&p, &["-L", "root", "./read"])), "from the prefix\n");
    assert_eq!(prints(run_with(&p, &["./read"], &[("QEMU_LD_PREFIX", "root")])), "from the prefix\n");
    assert_eq!(
        prints(run_with(&p, &["./read"], &[("QEMU_LD_PREFIX", "x"), ("REMU_LD_PREFIX", "root")])),
        "from the prefix\n"
    );
    assert_eq!(fails(run(&p, &["-L", "x", "./read"]), 125), "-L 'x': No such file or directory");
}

#[test]
fn the_cpu_has_the_requested_extensions() {
    let p = programs();
    let mut code = vec![li(T0, 3), reg(Op::Sh1add, A0, T0, T0), li(A7, 94), ecall()];
    code.push(jump(0));
    p.code("zba", &code);
    for cpu in ["max", "rv64gc,zba=on", "rv64gc,Zba=true", "rv64gc,+zba", "rva22u64", "rv64"] {
        assert_eq!(run(&p, &["-cpu", cpu, "./zba"]).status, Some(9), "{cpu}");
    }
    for cpu in ["rv64gc", "rva20u64", "max,zba=off", "max,-zba"] {
        let ran = run(&p, &["-cpu", cpu, "./zba"]);
        assert_eq!(ran.signal, Some(libc::SIGILL), "{cpu}");
        assert_eq!(
            ran.err,
            "remu: SIGILL (ILLOPC) at pc 0x11004 _start+0x4 (zba), illegal instruction 0x2052a533: sh1add belongs to Zba, which is off\n"
        );
    }
    assert_eq!(run(&p, &["./zba"]).status, Some(9), "all extensions are on by default");
    assert_eq!(run_with(&p, &["./zba"], &[("QEMU_CPU", "rv64gc")]).signal, Some(libc::SIGILL));
    assert_eq!(run_with(&p, &["./zba"], &[("QEMU_CPU", "rv64gc"), ("REMU_CPU", "max")]).status, Some(9));
    let list = prints(run(&p, &["-cpu", "list"]));
    assert_eq!(list, prints(run(&p, &["--cpu", "help"])));
    for name in ["max ", "rv64gc ", "rva20u64 ", "rva22u64 ", "rva23u64 "] {
        assert!(list.contains(&format!("\n  {name}")), "{name}: {list}");
    }
    assert!(
        list.contains("rva23u64   the profile RVA23U64; not available, lacks V, Zvbb, Zvfhmin, Zvkt, Supm\n"),
        "{list}"
    );
    assert_eq!(
        fails(run(&p, &["-cpu", "rva23u64", "./zba"]), 125),
        "-cpu: CPU model rva23u64 needs V, Zvbb, Zvfhmin, Zvkt, Supm, not implemented yet"
    );
    assert_eq!(fails(run(&p, &["-cpu", "max,v=on", "./zba"]), 125), "-cpu: extension V is not implemented yet");
    assert_eq!(
        fails(run(&p, &["-cpu", "sifive-u54", "./zba"]), 125),
        "-cpu: no CPU model 'sifive-u54'; -cpu list shows them"
    );
    assert_eq!(
        fails(run(&p, &["-cpu", "max,vlen=128", "./zba"]), 125),
        "-cpu: no extension 'vlen'; -cpu list shows them"
    );
    assert_eq!(
        fails(run(&p, &["-cpu", "max,d=off", "./zba"]), 126),
        "./zba: needs the extension D, which -cpu switches off"
    );
}

// --- death by signal ---

#[test]
fn a_fatal_signal_is_passed_on_with_a_line() {
    let p = programs();
    let dies = |name: &str, code: &[Insn], signal: i32, line: &str| {
        p.code(name, code);
        let ran = run(&p, &["-seed", "1", &format!("./{name}")]);
        assert_eq!((ran.signal, ran.core, ran.out.as_str()), (Some(signal), false, ""), "{ran:?}");
        assert_eq!(ran.err, format!("remu: {line}\n"));
    };
    let nop = li(0, 0);
    dies(
        "load",
        &[nop, nop, imm(Op::Ld, A0, ZERO, 8)],
        libc::SIGSEGV,
        "SIGSEGV (MAPERR) at pc 0x11008 _start+0x8 (load), load from address 0x8: nothing is mapped there",
    );
    dies(
        "store",
        &[here(T0), store(Op::Sd, T0, T0, 16)],
        libc::SIGSEGV,
        "SIGSEGV (ACCERR) at pc 0x11004 _start+0x4 (store), store to address 0x11010: store is mapped there, r-x",
    );
    dies(
        "jump",
        &[imm(Op::Jalr, ZERO, ZERO, 0x40)],
        libc::SIGSEGV,
        "SIGSEGV (MAPERR) at pc 0x40, fetch from address 0x40: nothing is mapped there",
    );
    dies("stackjump", &[imm(Op::Jalr, ZERO, 2, 0)], libc::SIGSEGV, &{
        // The position of the stack follows from the seed and the environment, so the line is checked in parts below.
        p.code("stackjump", &[imm(Op::Jalr, ZERO, 2, 0)]);
        let ran = run(&p, &["-seed", "1", "./stackjump"]);
        assert!(
            ran.err.starts_with("remu: SIGSEGV (ACCERR) at pc 0x")
                && ran.err.ends_with(": [stack] is mapped there, rw-\n")
        );
        ran.err["remu: ".len()..ran.err.len() - 1].to_owned()
    });
    p.code("overflow", &[imm(Op::Addi, 2, 2, -2048), store(Op::Sd, ZERO, 2, 0), jump(-8)]);
    let line = run(&p, &["-s", "64k", "./overflow"]).err;
    let likely = ": nothing is mapped there, just below the stack: probably a stack overflow (see ulimit -s, or remu's \
                  option -s)\n";
    assert!(line.starts_with("remu: SIGSEGV (MAPERR) at pc 0x11004 ") && line.ends_with(likely), "{line}");
    // A thread's stack as a C library maps it: a guard without access below. mmap, then mprotect of the upper half.
    let mut code = vec![li(A0, 0), lui(A1, 0x20000), li(A2, 0), li(A3, 0x22), li(A3 + 1, -1), li(A3 + 2, 0)];
    code.extend([li(A7, 222), ecall(), lui(T0, 0x10000), reg(Op::Add, A0, A0, T0), lui(A1, 0x10000), li(A2, 3)]);
    code.extend([reg(Op::Add, T0, A0, A1), li(A7, 226), ecall(), mv(2, T0)]);
    code.extend([imm(Op::Addi, 2, 2, -2048), store(Op::Sd, ZERO, 2, 0), jump(-8)]);
    p.code("thread", &code);
    let line = run(&p, &["./thread"]).err;
    let likely = ": the guard of a thread's stack: probably a stack overflow (see ulimit -s, remu's option -s, or \
                  pthread_attr_setstacksize)\n";
    assert!(line.starts_with("remu: SIGSEGV (ACCERR) at pc 0x11044 ") && line.ends_with(likely), "{line}");
    dies("trap", &[ebreak()], libc::SIGTRAP, "SIGTRAP (BRKPT) at pc 0x11000 _start+0x0 (trap)");
    dies(
        "lrsc",
        &[here(T0), imm(Op::Addi, T0, T0, 2), reg(Op::LrW, T1, T0, 0)],
        libc::SIGBUS,
        "SIGBUS (ADRALN) at pc 0x11008 _start+0x8 (lrsc), load from address 0x11002: lrsc is mapped there, r-x",
    );
    let mut illegal = program(&[]);
    illegal.segments[0] = Segment::load(R | X, 0x11000, [0, 0]);
    illegal.symbols.clear();
    p.elf("illegal", &illegal);
    let ran = run(&p, &["./illegal"]);
    assert_eq!(ran.signal, Some(libc::SIGILL));
    assert_eq!(
        ran.err,
        "remu: SIGILL (ILLOPC) at pc 0x11000 (illegal), illegal instruction 0x0000: no instruction has this encoding\n"
    );
    illegal.segments[0] = Segment::load(R | X, 0x11000, [0x57, 0x70, 0, 0x0d]);
    p.elf("vector", &illegal);
    let what = "illegal instruction 0x0d007057: vsetvli belongs to V, which is not implemented";
    assert_eq!(run(&p, &["./vector"]).err, format!("remu: SIGILL (ILLOPC) at pc 0x11000 (vector), {what}\n"));
    dies("abort", &kill_self(libc::SIGABRT), libc::SIGABRT, "SIGABRT at pc 0x11014 _start+0x14 (abort)");
}

/// `tgkill(getpid(), gettid(), signal)`; the main thread's ID is the process ID.
fn kill_self(signal: i32) -> Vec<Insn> {
    let mut code = vec![li(A7, 172), ecall(), li(A1, signal), li(A7, 129), ecall()];
    code.extend(exit(0));
    code
}

#[test]
fn a_signal_that_indicates_no_defect_is_not_reported() {
    let p = programs();
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGUSR1, libc::SIGUSR2, libc::SIGPIPE, 40] {
        p.code("kill", &kill_self(signal));
        let ran = run(&p, &["./kill"]);
        assert_eq!((ran.signal, ran.err.as_str()), (Some(signal), ""));
    }
}

#[test]
fn a_fault_signal_sent_by_a_process_is_not_a_bug_in_remu() {
    let p = programs();
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // `kill(0, signal)`: to the process group, which goes through the host.
        let mut code = vec![li(A0, 0), li(A1, signal), li(A7, 129), ecall()];
        code.extend(exit(0));
        p.code("kill", &code);
        let mut c = remu();
        let ran = Ran::from(c.arg("./kill").current_dir(p.path()).process_group(0).output().unwrap());
        assert_eq!((ran.signal, ran.err.as_str()), (Some(signal), ""));
    }
}

#[test]
fn a_signal_from_another_process_runs_the_handler_or_kills_the_program() {
    use std::io::Read;
    let p = programs();
    let (sp, handler) = (2, 0x100);
    // Handles SIGTERM, prints that it is ready, and loops.
    let mut code = vec![here(T0), imm(Op::Addi, T0, T0, handler), imm(Op::Addi, sp, sp, -32)];
    code.extend([store(Op::Sd, T0, sp, 0), store(Op::Sd, ZERO, sp, 8), store(Op::Sd, ZERO, sp, 16)]);
    code.extend([li(A0, libc::SIGTERM), imm(Op::Addi, A1, sp, 0), li(A2, 0), li(A3, 8), li(A7, 134), ecall()]);
    code.extend([imm(Op::Addi, A1, sp, 0)]);
    code.extend(elf::write_out(1));
    code.push(jump(0));
    code.resize(handler as usize / 4, imm(Op::Addi, 0, 0, 0));
    code.extend(exit(5));
    p.code("ready", &code);
    for (signal, status, died) in [(libc::SIGTERM, Some(5), None), (libc::SIGUSR2, None, Some(libc::SIGUSR2))] {
        let mut child = remu().arg("./ready").current_dir(p.path()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::from_named_raw(signal).unwrap()).unwrap();
        let ended = child.wait().unwrap();
        use std::os::unix::process::ExitStatusExt;
        assert_eq!((ended.code(), ended.signal()), (status, died));
    }
}

#[test]
fn a_broken_pipe_kills_the_program_unless_sigpipe_is_ignored() {
    let p = programs();
    let mut code = vec![imm(Op::Addi, A1, 2, 0)];
    code.extend(elf::write_out(1));
    code.extend(exit(7));
    p.code("write", &code);
    let run = |ignored: bool| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut c = remu();
        c.arg("./write").current_dir(p.path()).stdout(writer);
        if ignored {
            // A shell is the portable way to start something with a signal ignored.
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "trap '' PIPE; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_remu"), "./write"]);
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            shell.current_dir(p.path()).stdout(writer);
            c = shell;
        }
        Ran::from(c.output_keeping_stdout())
    };
    assert_eq!(run(false).signal, Some(libc::SIGPIPE));
    assert_eq!(run(true).status, Some(7));
}

/// `Command::output` replaces standard output, which these tests choose.
trait KeepStdout {
    fn output_keeping_stdout(&mut self) -> std::process::Output;
}

impl KeepStdout for Command {
    fn output_keeping_stdout(&mut self) -> std::process::Output {
        self.stderr(Stdio::piped()).spawn().and_then(|c| c.wait_with_output()).expect("it starts")
    }
}

// --- programs that cannot be run ---

#[test]
fn files_that_are_not_programs_are_rejected_by_name() {
    let p = programs();
    let line = |status, name: &str| fails(run(&p, &[name]), status);
    assert_eq!(line(127, "./missing"), "./missing: no such file; give the path of a program (PATH is not searched)");
    assert_eq!(line(127, "exit0/x"), "exit0/x: no such file; give the path of a program (PATH is not searched)");
    assert_eq!(line(126, "/"), "/: is a directory, not a program");
    assert_eq!(line(126, "/dev/null"), "/dev/null: is not a regular file");
    let file = |name: &str, bytes: &[u8]| {
        p.file(name, bytes);
        line(126, name)
    };
    assert_eq!(file("empty", b""), "empty: is an empty file");
    assert_eq!(file("text", b"hello\n"), "text: is neither an ELF program nor a script that begins with #!");
    assert_eq!(file("script", b"#! \n"), "script: is a script that names no interpreter after #!");
    let with = |name: &str, change: fn(&mut elf::Elf)| {
        let mut e = program(&exit(0));
        change(&mut e);
        p.elf(name, &e);
        line(126, name)
    };
    assert_eq!(with("native", |e| e.machine = 62), "native: is built for x86-64; run it without remu");
    assert_eq!(with("arm", |e| e.machine = 183), "arm: is built for AArch64; remu runs riscv64 Linux programs");
    assert_eq!(
        with("rv32", |e| e.class = 1),
        "rv32: is a 32-bit (RV32) RISC-V program, which is not supported yet; build it for riscv64"
    );
    assert_eq!(with("object", |e| e.kind = 1), "object: is an object file; link it first");
    let high = with("high", |e| e.segments[0].vaddr = 0x5500_0000_0000);
    assert!(
        high.starts_with("high: segment 0 at 0x550000000000..0x550000001000 is outside user memory, 0x")
            && high.ends_with("..0x550000000000"),
        "{high}"
    );
    let bytes = program(&exit(0)).bytes();
    assert_eq!(
        file("cut", &bytes[..100]),
        "cut: is cut off: the program header table ends at byte 0xb0, the file at 0x64; copy or download it again"
    );
    std::fs::write(p.path().join("plain"), &bytes).unwrap();
    assert_eq!(line(126, "./plain"), "./plain: is not executable; if it is a program, chmod +x it");
    rustix::fs::mknodat(rustix::fs::CWD, p.path().join("fifo"), rustix::fs::FileType::Fifo, 0o777.into(), 0).unwrap();
    assert_eq!(line(126, "./fifo"), "./fifo: is not a regular file");
}

#[test]
fn a_segment_over_the_stack_is_rejected() {
    let p = programs();
    let mut e = program(&exit(0));
    // Wherever randomisation puts the stack.
    e.segments.push(Segment::load(R, 0x54ff_8000_0000, []).mem_size(0x7fff_f000));
    p.elf("over", &e);
    let line = fails(run(&p, &["-s", "8M", "./over"]), 125);
    assert!(line.starts_with("./over: a stack of 8388608 bytes below 0x54ff"), "{line}");
    assert!(line.ends_with("000 cannot be mapped: File exists"), "{line}");
}

#[test]
fn position_independent_programs_run() {
    let p = programs();
    let mut e = program(&exit(5));
    e.kind = 3;
    e.entry -= 0x10000;
    e.segments[0].vaddr -= 0x10000;
    p.elf("pie", &e);
    assert_eq!(run(&p, &["./pie"]).status, Some(5));
    let mut e = program(&[imm(Op::Ld, A0, ZERO, 0)]);
    e.kind = 3;
    p.elf("piefault", &e);
    let err = run(&p, &["./piefault"]).err;
    assert!(err.contains(" _start+0x0 (piefault+0x11000), load from address 0x0"), "{err}");
}

#[test]
fn the_stack_is_executable_if_the_program_asks() {
    let p = programs();
    // Copies `li a0, 9; li a7, 94; ecall` to the stack and jumps there.
    let there = assemble(&exit(9));
    let mut code = vec![here(T0)];
    for i in 0..3 {
        code.push(imm(Op::Lw, T1, T0, 32 + 4 * i));
        code.push(store(Op::Sw, T1, 2, -64 + 4 * i));
    }
    code.push(imm(Op::Jalr, ZERO, 2, -64));
    assert_eq!(code.len(), 8);
    let mut e = program(&code);
    e.segments[0].data.extend(there);
    e.segments[0].mem_size += 12;
    p.elf("no", &e);
    e.segments[1].flags |= X;
    p.elf("yes", &e);
    assert_eq!(run(&p, &["./yes"]).status, Some(9));
    assert_eq!(run(&p, &["./no"]).signal, Some(libc::SIGSEGV));
}

// --- usage ---

#[test]
fn options_of_whole_machines_point_at_remu_system() {
    let p = programs();
    // Most would be a short option with a value otherwise, such as `-d rive`.
    for option in ["-drive", "-device", "-serial", "-smp", "-machine", "-m", "-echr", "-rtc", "-kernel", "--bios"] {
        assert_eq!(
            fails(run(&p, &[option, "x", "./exit0"]), 125),
            format!("option '{option}' is for whole machines; use remu-system")
        );
    }
    // User mode has its own.
    assert_eq!(prints(run(&p, &["-seed", "1", "-cpu", "max", "-s", "8M", "./exit0"])), "");
}

#[test]
fn usage_errors_are_one_line() {
    let p = programs();
    let line = |words: &[&str]| fails(run(&p, words), 125);
    assert_eq!(line(&[]), "no program given; usage: remu [OPTIONS] PROGRAM [ARGS...]");
    assert_eq!(line(&["-strace"]), "no program given; usage: remu [OPTIONS] PROGRAM [ARGS...]");
    assert_eq!(line(&["-frobnicate", "./exit0"]), "unknown option '-frobnicate'; --help lists them");
    assert_eq!(line(&["--frobnicate", "./exit0"]), "unknown option '--frobnicate'; --help lists them");
    assert_eq!(line(&["-cpu"]), "option '-cpu' needs a value; --help says which");
    assert_eq!(line(&["--strace=1", "./exit0"]), "option '--strace' takes no value");
    assert_eq!(line(&["-seed", "x", "./exit0"]), "-seed 'x': not a number of at most 64 bits");
    assert_eq!(line(&["-E", "x", "./exit0"]), "-E 'x': write NAME=VALUE,...");
    assert_eq!(line(&["-U", "", "./exit0"]), "-U '': write NAME,...");
    for (option, what) in [
        ("-g", "a GDB server"),
        ("-B", "choosing where guest memory lies"),
        ("-R", "choosing the size of the guest's address space"),
        ("-p", "another page size than 4096. strace(1)'s -p is not supported"),
        ("-trace", "trace events"),
        ("-plugin", "plugins"),
    ] {
        assert_eq!(line(&[option, "1", "./exit0"]), format!("option '{option}' is not supported yet: {what}"));
    }
    let ran = run_with(&p, &["./exit0"], &[("QEMU_GDB", "1234")]);
    assert_eq!(fails(ran, 125), "QEMU_GDB is set but not supported yet: a GDB server; unset it");
}

#[test]
fn help_version_and_completions_are_printed() {
    let p = programs();
    let help = prints(run(&p, &["--help"]));
    let short = prints(run(&p, &["-h"]));
    let options = short.lines().filter(|line| line.trim_start().starts_with('-')).count();
    assert!(options > 25 && short.lines().count() < options + 25, "an option takes one line:\n{short}");
    assert!(short.lines().all(|line| line.len() <= 120), "{short}");
    assert!(short.contains("--help describes") && !short.contains("REMU_"), "{short}");
    assert_eq!(help, prints(run(&p, &["-help"])));
    let environment = help.split_once("Environment:\n").expect("a section").1;
    assert!(environment.lines().all(|line| line.len() <= 80), "not wrapped:\n{environment}");
    assert!(environment.contains("REMU_JITDUMP          -jitdump\n"), "{environment}");
    assert_eq!(
        fails(run(&p, &["--completions", "foo"]), 125),
        "invalid value 'foo' for '--completions <SHELL>' [possible values: bash, elvish, fish, powershell, zsh]"
    );
    for word in
        ["Program:", "CPU:", "Log:", "Other:", "Environment:", "Exit status:", "REMU_LD_PREFIX", "--one-insn-per-tb"]
    {
        assert!(help.contains(word), "{word}:\n{help}");
    }
    let version = format!("remu {}\n", env!("CARGO_PKG_VERSION"));
    for word in ["-version", "--version"] {
        assert_eq!(prints(run(&p, &[word])), version);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = prints(run(&p, &["--completions", shell]));
        assert!(script.contains("one-insn-per-tb"), "{shell}");
        assert!(!["bash", "zsh", "fish"].contains(&shell) || script.contains("rva22u64"), "{shell}: {script}");
        match shell {
            "zsh" => {
                assert!(script.contains("\n'-cpu[") && script.contains("\n'*-log["), "{script}");
                assert_eq!(script.matches(": _sequence compadd - in_asm out_asm exec ").count(), 3, "{script}");
            }
            "fish" => {
                assert!(script.contains(" -l cpu -o cpu -d "), "{script}");
                assert!(
                    script.contains(r#"(__fish_complete_list , 'string split \" \" \"in_asm out_asm exec "#),
                    "{script}"
                );
            }
            _ => {}
        }
    }
}

#[test]
fn bash_completes_names_with_one_dash() {
    let p = programs();
    let script = p.file("remu.bash", prints(run(&p, &["--completions", "bash"])).as_bytes());
    std::fs::create_dir(p.path().join("roots")).unwrap();
    let complete = |before: &str, word: &str| {
        let line = format!(
            "source {}; COMP_WORDS=(remu {before} {word}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _remu remu '{word}' '{}' 2>/dev/null; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            if before.is_empty() { "remu" } else { before },
        );
        let mut bash = Command::new("bash");
        let out = bash.args(["--norc", "-c", &line]).current_dir(p.path()).output().expect("bash");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("", "-cp"), "-cpu");
    assert_eq!(complete("", "--cp"), "--cpu");
    assert_eq!(complete("", "-one"), "-one-insn-per-tb");
    assert_eq!(complete("", "-L"), "-L");
    assert_eq!(complete("-completions", "fi"), "fish");
    assert_eq!(complete("-cpu", "rv64g"), "rv64gc");
    assert_eq!(complete("-d", "in_"), "in_asm");
    assert_eq!(complete("-d", "exec,in_"), "exec,in_asm");
    assert_eq!(complete("--log", "exec,cpu,stra"), "exec,cpu,strace");
    assert_eq!(complete("--mmu", "sv3"), "sv39");
}

#[test]
fn closed_and_full_descriptors_cause_no_panic() {
    let p = programs();
    let with_closed = |redirections: &str, words: &str| {
        let line = format!("exec \"$0\" {words} {redirections}");
        let mut c = Command::new("/bin/sh");
        c.args(["-c", &line, env!("CARGO_BIN_EXE_remu")]).current_dir(p.path());
        Ran::from(c.output().unwrap())
    };
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        assert_eq!(with_closed(closed, "./exit42").status, Some(42), "{closed}");
        assert_eq!(with_closed(closed, "./missing").status, Some(127), "{closed}");
    }
    assert_eq!(with_closed("2>&-", "-strace ./exit42").status, Some(125), "the log has no destination");
    let full = with_closed(">/dev/full", "--help");
    assert_eq!(fails(full, 125), "cannot write to standard output: No space left on device");
    assert_eq!(with_closed("2>/dev/full", "./missing").status, Some(127));

    // A closed descriptor stays closed for the program: fstat(0) is EBADF.
    let mut code = vec![li(A0, 0), imm(Op::Addi, A1, 2, -512), li(A7, 80), ecall(), reg(Op::Sub, A0, ZERO, A0)];
    code.extend([li(A7, 94), ecall()]);
    p.code("fstat", &code);
    assert_eq!(with_closed("<&-", "./fstat").status, Some(libc::EBADF));
    let mut c = remu();
    c.arg("./fstat").current_dir(p.path()).stdin(File::open("/dev/null").unwrap());
    assert_eq!(Ran::from(c.output().unwrap()).status, Some(0));
}

#[test]
fn remus_own_name_does_not_matter() {
    let p = programs();
    let mut c = remu();
    c.arg0("").arg("./exit42").current_dir(p.path());
    assert_eq!(Ran::from(c.output().unwrap()).status, Some(42));
}

#[test]
fn the_layout_is_random_unless_seeded_or_disabled() {
    let p = programs();
    let areas = |command: &mut Command| -> Vec<u64> {
        let out = command.args(["-d", "page", "./pie"]).current_dir(p.path()).output().unwrap();
        let text = String::from_utf8(out.stderr).unwrap();
        let starts = text.lines().filter_map(|line| line.trim().strip_prefix("0x")?.split('-').next());
        let starts: Vec<_> = starts.map(|hex| u64::from_str_radix(hex, 16).unwrap()).collect();
        assert!(starts.len() >= 3, "program, vdso and stack: {text}");
        starts
    };
    let mut e = program(&exit(0));
    e.kind = 3;
    e.entry -= 0x10000;
    e.segments[0].vaddr -= 0x10000;
    p.elf("pie", &e);
    let seeded = |seed| areas(remu().args(["-seed", seed]));
    assert_eq!(seeded("7"), seeded("7"));
    assert!(seeded("7").iter().zip(&seeded("8")).all(|(a, b)| a != b), "everything moves");
    assert!(areas(&mut remu()) != areas(&mut remu()) || areas(&mut remu()) != areas(&mut remu()));
    let fixed = || areas(Command::new("setarch").arg("-R").arg(env!("CARGO_BIN_EXE_remu")));
    assert_eq!(fixed(), fixed());
    assert_eq!(*fixed().last().unwrap(), 0x54ff_ffff_f000 - (132 << 10));
}

#[test]
fn programs_run_with_little_address_space() {
    let p = programs();
    for (limit, hard) in [(1 << 20, "-v"), (8 << 20, "-v"), (256 << 10, "-v"), (64 << 10, "-S -v")] {
        let line = format!("ulimit {hard} {limit}; exec \"$0\" -s 1M ./exit42");
        let mut c = Command::new("/bin/sh");
        c.args(["-c", &line, env!("CARGO_BIN_EXE_remu")]).current_dir(p.path());
        assert_eq!(Ran::from(c.output().unwrap()).status, Some(42), "{limit} kB");
    }
}
