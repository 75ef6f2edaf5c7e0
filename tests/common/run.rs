//! Runs remu on composed programs.

#![allow(dead_code, reason = "each test uses a part")]

use super::elf::{
    A0, A1, A2, A7, Elf, SP, T0, T1, T2, ZERO, assemble, branch, ecall, exit, here, imm, jump, li, mv, program, reg,
    store,
};
use remu_isa::{Insn, Op};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A command that runs remu without REMU_ and QEMU_ variables.
pub fn remu() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_remu"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("REMU_") || text.starts_with("QEMU_") {
            c.env_remove(name);
        }
    }
    c
}

/// A directory with programs in it.
pub struct Programs(tempfile::TempDir);

impl Programs {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes an executable file. A process of its own does so: for a moment, the children that other threads start have
    /// what this process has open, and a file that is open for writing cannot be executed.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        let mut copy =
            Command::new("cp").arg("/dev/stdin").arg(&path).stdin(Stdio::piped()).spawn().expect("cp starts");
        copy.stdin.take().expect("a pipe").write_all(bytes).expect("cp reads");
        assert!(copy.wait().expect("a child").success(), "{} is written", path.display());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("and made executable");
        path
    }

    pub fn elf(&self, name: &str, e: &Elf) -> PathBuf {
        self.file(name, &e.bytes())
    }

    pub fn code(&self, name: &str, code: &[Insn]) -> PathBuf {
        self.elf(name, &program(code))
    }
}

/// The status and the output of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub status: Option<i32>,
    pub signal: Option<i32>,
    pub core: bool,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(o: Output) -> Self {
        Self {
            status: o.status.code(),
            signal: o.status.signal(),
            core: o.status.core_dumped(),
            out: String::from_utf8_lossy(&o.stdout).into_owned(),
            err: String::from_utf8_lossy(&o.stderr).into_owned(),
        }
    }
}

/// Runs remu with these arguments in the directory of the programs.
pub fn run(programs: &Programs, words: &[&str]) -> Ran {
    run_with(programs, words, &[])
}

/// As [`run`], with environment variables.
pub fn run_with(programs: &Programs, words: &[&str], vars: &[(&str, &str)]) -> Ran {
    let mut c = remu();
    c.args(words).envs(vars.iter().copied()).current_dir(programs.path());
    c.output().expect("remu starts").into()
}

// --- programs ---

/// Writes each string of a null-terminated list, whose address is in t1, on its own line; then exits.
fn write_strings(mut code: Vec<Insn>) -> Vec<Insn> {
    code.extend([
        // next:
        imm(Op::Ld, A1, T1, 0),
        branch(Op::Beq, A1, ZERO, 18 * 4),
        mv(A2, A1),
        // length:
        imm(Op::Lbu, T2, A2, 0),
        branch(Op::Beq, T2, ZERO, 12),
        imm(Op::Addi, A2, A2, 1),
        jump(-12),
        reg(Op::Sub, A2, A2, A1),
        li(A0, 1),
        li(A7, 64),
        ecall(),
        li(T2, 10),
        store(Op::Sb, T2, SP, -16),
        imm(Op::Addi, A1, SP, -16),
        li(A2, 1),
        li(A0, 1),
        ecall(),
        imm(Op::Addi, T1, T1, 8),
        jump(-18 * 4),
    ]);
    code.extend(exit(0));
    code
}

/// Writes its arguments.
pub fn write_args() -> Vec<Insn> {
    write_strings(vec![imm(Op::Addi, T1, SP, 8)])
}

/// Puts the address of the environment list into t1.
fn find_env() -> Vec<Insn> {
    vec![imm(Op::Ld, T0, SP, 0), imm(Op::Slli, T0, T0, 3), reg(Op::Add, T1, SP, T0), imm(Op::Addi, T1, T1, 16)]
}

/// Writes its environment.
pub fn write_env() -> Vec<Insn> {
    write_strings(find_env())
}

/// Writes the bytes that AT_RANDOM points at.
pub fn write_random() -> Vec<Insn> {
    let mut code = find_env();
    code.extend([
        imm(Op::Ld, T0, T1, 0),
        imm(Op::Addi, T1, T1, 8),
        branch(Op::Bne, T0, ZERO, -8),
        // t1 is now at the auxiliary vector.
        li(T2, 25),
        imm(Op::Ld, T0, T1, 0),
        imm(Op::Ld, A1, T1, 8),
        imm(Op::Addi, T1, T1, 16),
        branch(Op::Bne, T0, T2, -12),
        li(A0, 1),
        li(A2, 16),
        li(A7, 64),
        ecall(),
    ]);
    code.extend(exit(0));
    code
}

/// Makes a system call that fills a buffer, whose address it passes in `buffer_in`, and writes `count` bytes of the
/// buffer.
pub fn write_result(number: i32, args: &[(u8, i32)], buffer_in: u8, count: i32) -> Vec<Insn> {
    let mut code: Vec<Insn> = args.iter().map(|&(r, v)| li(r, v)).collect();
    code.extend([
        imm(Op::Addi, buffer_in, SP, -512),
        li(A7, number),
        ecall(),
        li(A0, 1),
        imm(Op::Addi, A1, SP, -512),
        li(A2, count),
        li(A7, 64),
        ecall(),
    ]);
    code.extend(exit(0));
    code
}

/// Copies up to 100 bytes of a file to standard output; exits with 1 if it cannot be opened.
pub fn write_file(path: &str) -> Elf {
    let mut code = vec![
        here(A1),
        imm(Op::Addi, A1, A1, 21 * 4),
        li(A0, -100),
        li(A2, 0),
        li(A7, 56),
        ecall(),
        branch(Op::Bge, A0, ZERO, 16),
    ];
    code.extend(exit(1));
    code.extend([
        imm(Op::Addi, A1, SP, -512),
        li(A2, 100),
        li(A7, 63),
        ecall(),
        mv(A2, A0),
        li(A0, 1),
        li(A7, 64),
        ecall(),
    ]);
    code.extend(exit(0));
    assert_eq!(code.len(), 21);
    let mut e = program(&code);
    let data = &mut e.segments[0].data;
    *data = assemble(&code);
    data.extend_from_slice(path.as_bytes());
    data.push(0);
    e.segments[0].mem_size = e.segments[0].data.len() as u64;
    e
}
