//! A host that forbids memory which is writable and executable: code is compiled there, too, in two views of
//! the same memory.

#[path = "common/elf.rs"]
mod elf;
#[path = "common/run.rs"]
mod run;

use elf::{A0, A1, A2, A3, A7, T0, ZERO, branch, ecall, exit, imm, li, reg};
use remu_isa::{Insn, Op};
use run::{Programs, remu};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// An instruction of classic BPF.
const fn bpf(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// What a host forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forbidden {
    /// Nothing.
    Nothing,
    /// mmap and mprotect with PROT_WRITE and PROT_EXEC, by a seccomp filter.
    Both,
    /// Also to make memory executable that was not, by PR_SET_MDWE.
    Gain,
}

impl Forbidden {
    /// Has the host forbid it to a program.
    fn to(self, command: &mut Command) {
        match self {
            Self::Nothing => {}
            Self::Both => forbid_both(command),
            Self::Gain => {
                let set = || {
                    // SAFETY: the call takes no pointer.
                    let failed = unsafe { libc::prctl(libc::PR_SET_MDWE, 1, 0, 0, 0) } != 0;
                    if failed { Err(std::io::Error::last_os_error()) } else { Ok(()) }
                };
                // SAFETY: the function makes one system call.
                unsafe { command.pre_exec(set) };
            }
        }
    }
}

fn forbid_both(command: &mut Command) {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    // The number of the call, and the low half of its third argument.
    let (number, protection) = (0, 32);
    let both = (libc::PROT_WRITE | libc::PROT_EXEC) as u32;
    let mut filter = [
        bpf(LOAD, 0, 0, number),
        bpf(EQUAL, 1, 0, libc::SYS_mmap as u32),
        bpf(EQUAL, 0, 3, libc::SYS_mprotect as u32),
        bpf(LOAD, 0, 0, protection),
        bpf(AND, 0, 0, both),
        bpf(EQUAL, 1, 0, both),
        bpf(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        bpf(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EACCES as u32),
    ];
    let install = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the kernel copies the filter, which lives until the calls return.
        let failed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) != 0
        };
        if failed { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the function makes two system calls.
    unsafe { command.pre_exec(install) };
}

/// The counters of each process of a run, which ends with this status.
fn counters(
    p: &Programs,
    words: &[&str],
    forbidden: Forbidden,
    status: i32,
    processes: usize,
) -> Vec<BTreeMap<String, u64>> {
    let file = p.path().join("counters");
    let mut command = remu();
    command.arg("--statistics").arg(&file).args(words).current_dir(p.path());
    forbidden.to(&mut command);
    let out = command.output().expect("remu starts");
    assert_eq!((out.status.code(), &out.stderr[..]), (Some(status), &b""[..]), "{words:?}");
    let text = std::fs::read_to_string(&file).expect("the counters are written");
    let mut all = Vec::new();
    for line in text.lines() {
        let (name, count) = line.split_once(' ').expect("two words");
        if name == "process" {
            all.push(BTreeMap::new());
            continue;
        }
        all.last_mut().expect("a process comes first").insert(name.to_owned(), count.parse().expect("a number"));
    }
    assert_eq!(all.len(), processes);
    all
}

/// Parent and child run a loop that was compiled before the fork, then one that was not. The child exits with 5; the
/// parent waits for it, and exits with its status.
fn forks() -> Vec<Insn> {
    let add_up = [li(T0, 1000), imm(Op::Addi, A2, A2, 1), imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, ZERO, -8)];
    let mut code = add_up.to_vec();
    code.extend([li(A0, libc::SIGCHLD), li(A1, 0), li(A2, 0), li(A3, 0), li(A3 + 1, 0), li(A7, 220), ecall()]);
    code.push(branch(Op::Bne, A0, ZERO, 4 * 9));
    code.extend(add_up);
    code.extend([imm(Op::Addi, A0, A2, -995), li(A7, 93), ecall(), ecall()]);
    // The parent: wait4(child, sp - 64, 0, NULL), then the status, which is in the second byte.
    code.extend([imm(Op::Addi, A1, 2, -64), li(A2, 0), li(A3, 0), li(A7, 260), ecall()]);
    code.extend([imm(Op::Lbu, A0, 2, -63), reg(Op::Add, A0, A0, ZERO), li(A7, 93), ecall()]);
    code
}

#[test]
fn code_is_compiled_in_two_views_through_forks() {
    let p = Programs::new();
    p.code("exit42", &exit(42));
    p.code("forks", &forks());
    for forbidden in [Forbidden::Nothing, Forbidden::Both, Forbidden::Gain] {
        let all = counters(&p, &["-tier-after", "0", "./exit42"], forbidden, 42, 1);
        assert_eq!((all[0]["superblocks"], all[0]["instructions"]), (1, 2), "{forbidden:?}");
        for size in ["1", "64"] {
            let all = counters(&p, &["-tb-size", size, "./forks"], forbidden, 5, 2);
            assert!(all.iter().all(|c| c["superblocks"] > 0), "{forbidden:?}, {all:?}");
        }
    }
}

#[test]
fn a_child_without_descriptors_compiles_in_two_views() {
    let p = Programs::new();
    p.code("forks", &forks());
    let mut command = remu();
    command.args(["--engine", "jit", "./forks"]).current_dir(p.path());
    Forbidden::Both.to(&mut command);
    let full = || {
        let limit = libc::rlimit { rlim_cur: 4, rlim_max: 4 };
        // SAFETY: the kernel reads the limit, which lives until the call returns.
        let failed = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0;
        if failed { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the function makes one system call.
    unsafe { command.pre_exec(full) };
    let out = command.output().expect("remu starts");
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(5), ""));
}
