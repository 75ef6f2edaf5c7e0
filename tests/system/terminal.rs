//! `remu-system` on a terminal: raw mode while the machine runs, restored however the machine ends, and the Ctrl-A
//! keys.

use super::elf::{self, A0, R, Segment, T0, X, ZERO, assemble, branch, imm, jump, li, lui, store};
use super::run::Programs;
use super::{BASE, program};
use remu_isa::{Insn, Op};
use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};

/// A session on its own pseudo-terminal.
struct Session {
    terminal: File,
    child: Child,
    before: libc::termios,
    seen: Vec<u8>,
}

fn mode(terminal: &File) -> libc::termios {
    let mut mode = MaybeUninit::uninit();
    // SAFETY: `tcgetattr` fills in the structure if it succeeds.
    unsafe {
        assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), mode.as_mut_ptr()), 0);
        mode.assume_init()
    }
}

impl Session {
    fn new(programs: &Programs, words: &[&str]) -> Self {
        let (mut user, mut slave) = (-1, -1);
        let null = std::ptr::null_mut::<u8>();
        // SAFETY: `openpty` writes the two descriptors and accepts null for the optional arguments.
        let opened = unsafe { libc::openpty(&mut user, &mut slave, null.cast(), null.cast(), null.cast()) };
        assert_eq!(opened, 0, "a pseudo-terminal");
        // SAFETY: both descriptors are new and have no other owner.
        let (terminal, slave) = unsafe { (File::from_raw_fd(user), File::from_raw_fd(slave)) };
        let before = mode(&terminal);
        let mut command = Command::new(env!("CARGO_BIN_EXE_remu-system"));
        command.args(words).current_dir(programs.path());
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let user = terminal.as_raw_fd();
        // SAFETY: the closure makes only calls that are allowed between fork and exec.
        unsafe {
            command.pre_exec(move || {
                // A shell starts background commands with some of these ignored, and the program would inherit that.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                libc::close(user);
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        Self { terminal, child: command.spawn().unwrap(), before, seen: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.terminal.write_all(bytes).unwrap();
    }

    /// Reads until the text appears.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        let mut bytes = [0; 256];
        while !self.seen.windows(text.len()).any(|seen| seen == text.as_bytes()) {
            let n = self.terminal.read(&mut bytes).unwrap_or(0);
            assert_ne!(n, 0, "{text:?} does not appear: {:?}", String::from_utf8_lossy(&self.seen));
            self.seen.extend_from_slice(&bytes[..n]);
        }
        self.seen.clear();
    }

    /// Waits for the end and checks that the terminal mode is restored.
    #[track_caller]
    fn end(mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let (now, before) = (mode(&self.terminal), self.before);
        assert_eq!(
            (now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag, now.c_cc),
            (before.c_iflag, before.c_oflag, before.c_cflag, before.c_lflag, before.c_cc)
        );
        status
    }

    fn kill(&self, signal: i32) {
        // SAFETY: the child has not been waited for, so its process ID cannot have been reused.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }
}

/// `echoes` sends back its input and powers off with 7 at `q`; `deaf` never reads; `ends` ends at once.
fn programs() -> Programs {
    let p = Programs::new();
    let hello = |more: &[Insn]| {
        let mut insns = vec![lui(T0, 0x1000_0000)];
        insns.extend("ready".bytes().flat_map(|byte| [li(A0, byte.into()), store(Op::Sb, A0, T0, 0)]));
        insns.extend_from_slice(more);
        let mut e = elf::elf(BASE);
        e.segments.push(Segment::load(R | X, BASE, assemble(&insns)));
        e
    };
    let mut echo = vec![
        imm(Op::Lbu, A0, T0, 5),
        imm(Op::Andi, A0, A0, 1),
        branch(Op::Beq, A0, ZERO, -8),
        imm(Op::Lbu, A0, T0, 0),
        store(Op::Sb, A0, T0, 0),
        imm(Op::Addi, A0, A0, -i32::from(b'q')),
        branch(Op::Bne, A0, ZERO, -24),
    ];
    echo.extend([lui(T0, 0x10_0000), lui(A0, 0x7_3000), imm(Op::Addi, A0, A0, 0x333), store(Op::Sw, A0, T0, 0)]);
    echo.push(jump(0));
    p.elf("echoes", &hello(&echo));
    p.elf("deaf", &hello(&[jump(0)]));
    p.elf("ends", &program("hello\n", 7));
    p
}

#[test]
fn input_goes_to_the_guest_except_ctrl_a() {
    let p = programs();
    let mut session = Session::new(&p, &["-nographic", "echoes"]);
    session.expect("ready");
    let raw = mode(&session.terminal);
    assert_eq!(raw.c_lflag & (libc::ICANON | libc::ECHO | libc::ISIG), 0);
    session.send(b"ab\x03\x1a\r!");
    session.expect("ab\x03\x1a\r!");
    session.send(b"\x01\x01+");
    session.expect("\x01+");
    session.send(b"\x01h");
    session.expect("Ctrl-A x       end remu-system\r\n");
    session.send(b"\x01c");
    session.expect("remu-system: the monitor is not supported\r\n");
    session.send(b"\x01s");
    session.expect("remu-system: Ctrl-A s is not supported\r\n");
    session.send(b"q");
    assert_eq!(session.end().code(), Some(7));
}

#[test]
fn ctrl_a_x_ends_the_machine_even_if_the_guest_does_not_read() {
    let p = programs();
    for name in ["echoes", "deaf"] {
        let mut session = Session::new(&p, &["-serial", "mon:stdio", name]);
        session.expect("ready");
        session.send(b"\x01x");
        session.expect("ended by Ctrl-A x");
        assert_eq!(session.end().code(), Some(0), "{name}");
    }
}

#[test]
fn the_terminal_is_restored_however_the_machine_ends() {
    let p = programs();
    assert_eq!(Session::new(&p, &["ends"]).end().code(), Some(7));
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGABRT, libc::SIGUSR1] {
        let mut session = Session::new(&p, &["deaf"]);
        session.expect("ready");
        session.kill(signal);
        assert_eq!(session.end().signal(), Some(signal));
    }
    let mut session = Session::new(&p, &["--max-instructions", "10000", "deaf"]);
    session.expect("the machine still runs when the limit of 10000 instructions is reached");
    assert_eq!(session.end().code(), Some(125));
}

#[test]
fn without_the_keys_ctrl_c_is_a_signal_and_ctrl_a_a_byte() {
    let p = programs();
    let mut session = Session::new(&p, &["-serial", "stdio", "echoes"]);
    session.expect("ready");
    session.send(b"\x01x");
    session.expect("\x01x");
    session.send(b"\x03");
    assert_eq!(session.end().signal(), Some(libc::SIGINT));
}
