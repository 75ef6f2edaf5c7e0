//! seccomp(2) where no other kernel can be asked: what remu leaves out, and how it ends threads.
//! `testprogs/seccomp.c` compares the rest with the host's kernel.

use super::{Bench, NOWHERE};
use crate::linux::Outcome;
use crate::linux::abi::seccomp::{SockFilter, SockFprog};
use crate::linux::outcome::Outcome::{Killed, Resume, ThreadKilled};
use crate::linux::signal::bit;
use rustix::io::Errno;
use zerocopy::IntoBytes;

const FILTER: u64 = libc::SECCOMP_SET_MODE_FILTER as u64;
const GETPPID: u32 = 173;

const fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> SockFilter {
    SockFilter { code, jt, jf, k }
}

/// Answers one call with `action` and allows all others.
fn answer(call: u32, action: u32) -> [SockFilter; 4] {
    [
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 1, call),
        instruction(6, 0, 0, action),
        instruction(6, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// A bench whose calls may be filtered.
fn bench() -> Bench {
    let mut b = Bench::new();
    b.sys("prctl", &[libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0]).unwrap();
    b
}

fn program(b: &mut Bench, filter: &[SockFilter]) -> u64 {
    let filter_at = b.put(filter.as_bytes());
    b.put(&SockFprog { len: filter.len() as u16, pad: [0; 3], filter: filter_at })
}

fn install(b: &mut Bench, call: u32, action: u32) {
    let at = program(b, &answer(call, action));
    assert_eq!(b.sys("seccomp", &[FILTER, 0, at]), Ok(0));
}

#[test]
fn a_filter_decides_before_the_call() {
    let mut b = bench();
    install(&mut b, GETPPID, libc::SECCOMP_RET_ERRNO | 33);
    assert_eq!(b.sys("getppid", &[]), Err(Errno::DOM));
    assert_eq!(b.sys("prctl", &[libc::PR_GET_SECCOMP as u64]), Ok(2));
    // Numbers without a call are filtered, too, and then not reported.
    install(&mut b, 5000, libc::SECCOMP_RET_ERRNO | 34);
    assert_eq!(b.outcome(5000, &[]), Resume);
    assert_eq!(b.cpu.x(10) as i64, -34);
    assert_eq!(b.missing.take(), "");
    // A filter sees the low half of the register.
    assert_eq!(b.outcome(1 << 32 | u64::from(GETPPID), &[]), Resume);
    assert_eq!(b.cpu.x(10) as i64, -33);
}

#[test]
fn a_trapped_call_leaves_the_registers_and_sends_sigsys() {
    let mut b = bench();
    let action = b.put(&[0x4000u64, 0, 0]);
    b.sys("rt_sigaction", &[libc::SIGSYS as u64, action, 0, 8]).unwrap();
    install(&mut b, GETPPID, libc::SECCOMP_RET_TRAP | 7);
    let pc = b.cpu.pc;
    assert_eq!(b.outcome(GETPPID.into(), &[42]), Resume);
    assert_eq!((b.cpu.pc, b.cpu.x(10)), (0x4000, libc::SIGSYS as u64));
    let info: [u32; 8] = b.get(b.cpu.x(11));
    assert_eq!(info[..4], [libc::SIGSYS as u32, 7, 1, 0]);
    assert_eq!(info[4..], [pc as u32 + 4, 0, GETPPID, 0xc000_00f3]);
    b.sys_return();
    assert_eq!((b.cpu.pc, b.cpu.x(10)), (pc + 4, 42));
    // A blocked signal cannot be delayed.
    b.block(bit(libc::SIGSYS));
    assert!(matches!(b.outcome(GETPPID.into(), &[]), Killed(fatal) if fatal.signal == libc::SIGSYS));
}

#[test]
fn a_thread_that_is_not_the_last_dies_alone() {
    let mut b = bench();
    install(&mut b, GETPPID, libc::SECCOMP_RET_KILL_THREAD);
    b.task.process.add_thread(1, &Default::default(), &Default::default(), Default::default());
    assert_eq!(b.outcome(GETPPID.into(), &[]), ThreadKilled(libc::SIGSYS));
    b.task.process.remove_thread(1);
    assert!(matches!(b.outcome(GETPPID.into(), &[]), Killed(fatal) if fatal.signal == libc::SIGSYS));
}

#[test]
fn strict_mode_allows_four_calls() {
    let mut b = bench();
    let fd = b.file(b"text");
    assert_eq!(b.sys("seccomp", &[0, 0, 0]), Ok(0));
    assert_eq!(b.sys("write", &[fd, NOWHERE, 1]), Err(Errno::FAULT));
    assert!(matches!(b.outcome(GETPPID.into(), &[]), Killed(fatal) if fatal.signal == libc::SIGKILL));
    assert_eq!(b.outcome(93, &[4]), Outcome::Exited(4));
}

#[test]
fn the_vdso_reads_clocks_without_a_call_to_filter() {
    let mut b = bench();
    let room = b.room(16);
    install(&mut b, 113, libc::SECCOMP_RET_ERRNO | 1);
    assert_eq!(b.sys("clock_gettime", &[1, room]), Err(Errno::PERM));
    b.cpu.pc = b.task.mm.vdso.base.0 + 0x400;
    assert_eq!(b.sys("clock_gettime", &[1, room]), Ok(0));
    assert_eq!(b.sys("clock_gettime", &[libc::CLOCK_THREAD_CPUTIME_ID as u64, room]), Err(Errno::PERM));
}

#[test]
fn listeners_are_missing() {
    const NEW_LISTENER: u64 = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let mut b = bench();
    let at = program(&mut b, &answer(GETPPID, libc::SECCOMP_RET_USER_NOTIF));
    // A library asks whether the flag is known.
    assert_eq!(b.sys("seccomp", &[FILTER, NEW_LISTENER, 0]), Err(Errno::INVAL));
    assert_eq!(b.missing.take(), "");
    assert_eq!(b.sys("seccomp", &[FILTER, NEW_LISTENER, at]), Err(Errno::INVAL));
    assert_eq!(b.missing.take(), "seccomp: SECCOMP_FILTER_FLAG_NEW_LISTENER\n");
    let action = b.put(&libc::SECCOMP_RET_USER_NOTIF);
    assert_eq!(b.sys("seccomp", &[2, 0, action]), Err(Errno::OPNOTSUPP));
    // Without a listener the call fails.
    assert_eq!(b.sys("seccomp", &[FILTER, 0, at]), Ok(0));
    assert_eq!(b.sys("getppid", &[]), Err(Errno::NOSYS));
}

#[test]
fn a_filtered_thread_executes_no_program_of_the_host() {
    let mut b = bench();
    install(&mut b, GETPPID, libc::SECCOMP_RET_ALLOW);
    let path = std::env::current_exe().unwrap();
    let (path, word) = (b.text(path.to_str().unwrap()), b.text("word"));
    let (list, none) = (b.put(&[word, 0]), b.put(&[0u64]));
    assert_eq!(b.sys("execve", &[path, list, none]), Err(Errno::ACCESS));
    assert_eq!(b.missing.take(), "execve of a host program under a seccomp filter\n");
    // A shell runs a script without a first line itself after this error.
    let fd = b.file(b"echo\n");
    let (empty, flag) = (b.text(""), libc::AT_EMPTY_PATH as u64);
    assert_eq!(b.sys("execveat", &[fd, empty, list, none, flag]), Err(Errno::NOEXEC));
}
