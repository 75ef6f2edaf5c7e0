//! Signals to oneself, frames and masks.

use super::{Bench, NOWHERE, SCRATCH, SCRATCH_SIZE};
use crate::guest::Exit;
use crate::linux::abi::signal::{
    RtSigframe, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SIG_IGN, Sigaction, Siginfo, StackT,
};
use crate::linux::abi::time::Timespec;
use crate::linux::signal::{FatalSignal, bit};
use crate::linux::task::Outcome;
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault};
use rustix::io::Errno;

const HANDLER: u64 = 0x4_0000;
const USR1: u64 = libc::SIGUSR1 as u64;
const SEGV: u64 = libc::SIGSEGV as u64;

fn fault(kind: FaultKind) -> Exit {
    Exit::Fault(GuestFault { addr: GuestAddr(0xbad), access: Access::Read, kind })
}

/// Installs a handler.
fn handle(b: &mut Bench, signal: u64, flags: u64, mask: u64) {
    let action = b.put(&Sigaction { handler: HANDLER, flags, mask });
    assert_eq!(b.sys("rt_sigaction", &[signal, action, 0, 8]), Ok(0));
}

fn kill_self(b: &mut Bench, signal: u64) {
    assert_eq!(b.outcome(129, &[std::process::id().into(), signal]), Outcome::Resume);
}

#[test]
fn faults_end_the_process_with_signal_code_and_address() {
    let cases = [
        (fault(FaultKind::Unmapped), libc::SIGSEGV, 1, Some(0xbad)),
        (fault(FaultKind::Denied), libc::SIGSEGV, 2, Some(0xbad)),
        (fault(FaultKind::NoBacking), libc::SIGBUS, 2, Some(0xbad)),
        (fault(FaultKind::Misaligned), libc::SIGBUS, 1, Some(0xbad)),
        (Exit::Illegal { bits: 0x1234 }, libc::SIGILL, 1, Some(0x1000)),
        (Exit::Breakpoint, libc::SIGTRAP, 1, Some(0x1000)),
    ];
    for (exit, signal, code, address) in cases {
        let mut b = Bench::new();
        let Outcome::Killed(fatal) = b.task.answer(&mut b.cpu, exit) else { panic!("{exit:?}") };
        let bits = if let Exit::Illegal { bits } = exit { Some(bits) } else { None };
        let address = address.map(GuestAddr);
        assert_eq!(fatal, FatalSignal { signal, code, address, pc: GuestAddr(0x1000), bits });
    }
    let mut b = Bench::new();
    b.task.answer(&mut b.cpu, fault(FaultKind::Unmapped));
    let expected =
        "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0xbad} ---\n+++ killed by SIGSEGV +++\n";
    assert_eq!(b.trace.take(), expected);
}

#[test]
fn a_handler_gets_the_frame_and_sigreturn_undoes_it() {
    let mut b = Bench::new();
    handle(&mut b, SEGV, 0, bit(libc::SIGUSR2));
    for n in 1..32 {
        b.cpu.set_x(n, 0x1000 * u64::from(n));
    }
    b.cpu.set_x(2, SCRATCH + SCRATCH_SIZE - 8);
    b.cpu.f = std::array::from_fn(|i| 0xf000 + i as u64);
    b.cpu.set_fcsr(0x61);
    b.cpu.pc = 0x5678;
    let before = b.cpu.clone();
    assert_eq!(b.task.answer(&mut b.cpu, fault(FaultKind::Denied)), Outcome::Resume);
    let frame_at = b.cpu.x(2);
    assert_eq!(frame_at % 16, 0);
    assert_eq!((b.cpu.pc, b.cpu.x(1)), (HANDLER, b.task.mm.vdso.restorer.0));
    assert_eq!((b.cpu.x(10), b.cpu.x(11), b.cpu.x(12)), (SEGV, frame_at, frame_at + 128));
    let mut frame: RtSigframe = b.get(frame_at);
    assert_eq!((frame.info.signo, frame.info.code, frame.info.addr()), (libc::SIGSEGV, 2, 0xbad));
    assert_eq!((frame.uc.mcontext.regs.pc, frame.uc.mcontext.fcsr), (0x5678, 0x61));
    assert_eq!((frame.uc.mcontext.regs.x[0], frame.uc.mcontext.regs.x[30]), (0x1000, 0x1f000));
    assert_eq!(frame.uc.mcontext.f[31], 0xf01f);
    assert_eq!(b.task.blocked, bit(libc::SIGSEGV) | bit(libc::SIGUSR2));
    // A handler may edit what it goes back to.
    frame.uc.mcontext.regs.pc += 4;
    frame.uc.mcontext.regs.x[9] = 99;
    b.task.mm.write(GuestAddr(frame_at), &frame).unwrap();
    b.cpu.set_x(10, 0);
    b.outcome(139, &[]);
    assert_eq!((b.cpu.pc, b.cpu.x(10), b.task.blocked), (0x567c, 99, 0));
    for n in (1..32).filter(|&n| n != 10) {
        assert_eq!(b.cpu.x(n), before.x(n), "x{n}");
    }
    assert_eq!((b.cpu.f, b.cpu.fcsr()), (before.f, before.fcsr()));
}

#[test]
fn of_a_misaligned_access_a_handler_is_told_the_instruction() {
    let mut b = Bench::new();
    handle(&mut b, libc::SIGBUS as u64, 0, 0);
    b.cpu.pc = 0x5678;
    assert_eq!(b.task.answer(&mut b.cpu, fault(FaultKind::Misaligned)), Outcome::Resume);
    let frame: RtSigframe = b.get(b.cpu.x(2));
    assert_eq!((frame.info.signo, frame.info.code, frame.info.addr()), (libc::SIGBUS, 1, 0x5678));
    // Where instructions have four bytes, that is what they are entered at a multiple of.
    let mut b = Bench::new();
    b.cpu.isa.exts = b.cpu.isa.exts.without_dependents(remu_isa::Ext::C);
    b.cpu.enter(0x1237);
    assert_eq!(b.cpu.pc, 0x1234);
}

#[test]
fn the_lowest_bit_of_an_address_to_go_on_at_is_lost() {
    let mut b = Bench::new();
    let action = b.put(&Sigaction { handler: HANDLER | 1, flags: 0, mask: 0 });
    assert_eq!(b.sys("rt_sigaction", &[USR1, action, 0, 8]), Ok(0));
    kill_self(&mut b, USR1);
    assert_eq!(b.cpu.pc, HANDLER);
    let frame_at = b.cpu.x(2);
    let mut frame: RtSigframe = b.get(frame_at);
    frame.uc.mcontext.regs.pc = 0x5679;
    b.task.mm.write(GuestAddr(frame_at), &frame).unwrap();
    b.outcome(139, &[]);
    assert_eq!(b.cpu.pc, 0x5678);
}

#[test]
fn a_spoilt_frame_is_a_segmentation_fault() {
    for spoil in [772, 776, 780] {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        kill_self(&mut b, USR1);
        let at = b.cpu.x(2) + 128 + 176 + spoil;
        b.task.mm.write(GuestAddr(at), &1u32).unwrap();
        let outcome = b.outcome(139, &[]);
        assert!(
            matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, address: None, .. })),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_blocked_fault_cannot_be_held_back() {
    let mut b = Bench::new();
    handle(&mut b, SEGV, 0, 0);
    b.task.answer(&mut b.cpu, fault(FaultKind::Unmapped));
    let second = b.task.answer(&mut b.cpu, fault(FaultKind::Unmapped));
    assert!(matches!(second, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, pc: GuestAddr(HANDLER), .. })));
    let mut b = Bench::new();
    handle(&mut b, SEGV, SA_NODEFER, 0);
    b.task.answer(&mut b.cpu, fault(FaultKind::Unmapped));
    assert_eq!(b.task.answer(&mut b.cpu, fault(FaultKind::Unmapped)), Outcome::Resume);
}

#[test]
fn signals_to_oneself_wait_while_blocked_and_then_run() {
    let mut b = Bench::new();
    handle(&mut b, USR1, SA_RESETHAND, 0);
    let set = b.put(&bit(libc::SIGUSR1));
    let old = b.room(8);
    assert_eq!(b.sys("rt_sigprocmask", &[libc::SIG_BLOCK as u64, set, old, 8]), Ok(0));
    assert_eq!(b.get::<u64>(old), 0);
    kill_self(&mut b, USR1);
    kill_self(&mut b, USR1);
    assert_eq!(b.cpu.pc & !0xffff, 0, "not in the handler");
    let pending = b.put(&0u64);
    assert_eq!(b.sys("rt_sigpending", &[pending, 8]), Ok(0));
    assert_eq!(b.get::<u64>(pending), bit(libc::SIGUSR1));
    let pc = b.cpu.pc;
    b.outcome(135, &[libc::SIG_UNBLOCK as u64, set, 0, 8]);
    assert_eq!(b.cpu.pc, HANDLER);
    assert_eq!(b.cpu.x(10), USR1);
    let frame: RtSigframe = b.get(b.cpu.x(2));
    assert_eq!((frame.uc.mcontext.regs.pc, frame.uc.mcontext.regs.x[9]), (pc + 4, 0), "the call has come back");
    assert_eq!(frame.info.sender(), (std::process::id() as i32, rustix::process::getuid().as_raw()));
    b.outcome(139, &[]);
    assert_eq!(b.cpu.pc, pc + 4, "standard signals do not queue");
    let outcome = b.outcome(131, &[std::process::id().into(), b.task.tid() as u64, USR1]);
    assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGUSR1, code: -6, .. })), "SA_RESETHAND");
}

#[test]
fn real_time_signals_queue_with_what_they_carry() {
    let mut b = Bench::new();
    handle(&mut b, 40, 0, 0);
    b.task.blocked = bit(40);
    for value in [7u64, 8] {
        let mut info = Siginfo::new(40, -1);
        info.fields[1] = value;
        let info = b.put(&info);
        assert_eq!(b.sys("rt_sigqueueinfo", &[std::process::id().into(), 40, info]), Ok(0));
    }
    let (wanted, out) = (b.put(&bit(40)), b.room(128));
    let time = b.put(&Timespec { sec: 0, nsec: 0 });
    for value in [7, 8] {
        assert_eq!(b.sys("rt_sigtimedwait", &[wanted, out, time, 8]), Ok(40));
        let info: Siginfo = b.get(out);
        assert_eq!((info.signo, info.code, info.fields[1]), (40, -1, value));
    }
    assert_eq!(b.sys("rt_sigtimedwait", &[wanted, out, time, 8]), Err(Errno::AGAIN));
}

#[test]
fn ignored_signals_do_nothing_and_others_end() {
    let mut b = Bench::new();
    kill_self(&mut b, libc::SIGCHLD as u64);
    kill_self(&mut b, libc::SIGWINCH as u64);
    let ignore = b.put(&Sigaction { handler: SIG_IGN, flags: 0, mask: 0 });
    // A signal no other test of this process uses: the host is told to ignore it too.
    assert_eq!(b.sys("rt_sigaction", &[50, ignore, 0, 8]), Ok(0));
    kill_self(&mut b, 50);
    assert_eq!(b.trace.take().matches("---").count(), 0);
    assert_eq!(b.sys("kill", &[std::process::id().into(), 0]), Ok(0));
    assert_eq!(b.sys("kill", &[std::process::id().into(), 65]), Err(Errno::INVAL));
    assert_eq!(b.sys("tgkill", &[1, 0x7fff_ffff, 0]), Err(Errno::SRCH));
    let outcome = b.outcome(129, &[std::process::id().into(), libc::SIGTERM as u64]);
    assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGTERM, code: 0, address: None, .. })));
}

#[test]
fn dispositions_read_back_and_are_checked() {
    let mut b = Bench::new();
    let action = b.put(&Sigaction { handler: HANDLER, flags: 0xffff_ffff, mask: u64::MAX });
    let old = b.room(24);
    assert_eq!(b.sys("rt_sigaction", &[USR1, action, 0, 8]), Ok(0));
    assert_eq!(b.sys("rt_sigaction", &[USR1, 0, old, 8]), Ok(0));
    let kept: Sigaction = b.get(old);
    assert_eq!((kept.handler, kept.flags, kept.mask), (HANDLER, 0xd800_0807, !(1 << 8 | 1 << 18)));
    for (signal, size) in [(0, 8), (65, 8), (libc::SIGKILL as u64, 8), (libc::SIGSTOP as u64, 8), (USR1, 4)] {
        assert_eq!(b.sys("rt_sigaction", &[signal, action, 0, size]), Err(Errno::INVAL), "{signal}");
    }
    assert_eq!(b.sys("rt_sigaction", &[libc::SIGKILL as u64, 0, old, 8]), Ok(0));
    assert_eq!(b.sys("rt_sigaction", &[USR1, NOWHERE, 0, 8]), Err(Errno::FAULT));
    assert_eq!(b.sys("rt_sigprocmask", &[9, action, 0, 8]), Err(Errno::INVAL));
    let all = b.put(&u64::MAX);
    assert_eq!(b.sys("rt_sigprocmask", &[2, all, 0, 8]), Ok(0));
    assert_eq!(b.task.blocked, !(1 << 8 | 1 << 18), "SIGKILL and SIGSTOP cannot be blocked");
    assert_eq!(b.sys("restart_syscall", &[]), Err(Errno::INTR));
}

#[test]
fn handlers_run_on_the_alternate_stack() {
    let mut b = Bench::new();
    let base = b.room(8192);
    let stack = b.put(&StackT { sp: base, flags: 0, pad: 0, size: 8192 });
    let old = b.room(24);
    assert_eq!(b.sys("sigaltstack", &[stack, old]), Ok(0));
    assert_eq!((b.get::<StackT>(old).flags, b.get::<StackT>(old).size), (2, 0));
    let small = b.put(&StackT { sp: base, flags: 0, pad: 0, size: 100 });
    assert_eq!(b.sys("sigaltstack", &[small, 0]), Err(Errno::NOMEM));
    let odd = b.put(&StackT { sp: base, flags: 8, pad: 0, size: 8192 });
    assert_eq!(b.sys("sigaltstack", &[odd, 0]), Err(Errno::INVAL));
    handle(&mut b, USR1, SA_ONSTACK | SA_NODEFER, 0);
    let sp = b.cpu.x(2);
    kill_self(&mut b, USR1);
    let frame = b.cpu.x(2);
    assert_eq!(frame, (base + 8192 - 1088) & !15);
    assert_eq!(b.get::<RtSigframe>(frame).uc.stack.size, 8192);
    assert_eq!(b.get::<RtSigframe>(frame).uc.stack.flags, 0, "it was not on it");
    assert_eq!(b.sys("sigaltstack", &[0, old]), Ok(0));
    assert_eq!(b.get::<StackT>(old).flags, 1, "it is on it");
    assert_eq!(b.sys("sigaltstack", &[stack, 0]), Err(Errno::PERM));
    // Seven frames fit; the eighth does not, and SIGSEGV has no handler.
    for _ in 1..7 {
        kill_self(&mut b, USR1);
        assert!(b.cpu.x(2) >= base);
    }
    let outcome = b.outcome(129, &[std::process::id().into(), USR1]);
    assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, .. })), "{outcome:?}");
    assert!(sp > base);
}

#[test]
fn a_stack_that_is_not_there_is_a_segmentation_fault() {
    let mut b = Bench::new();
    handle(&mut b, USR1, 0, 0);
    b.cpu.set_x(2, NOWHERE);
    let outcome = b.outcome(129, &[std::process::id().into(), USR1]);
    assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, .. })), "{outcome:?}");
}

#[test]
fn suspending_waits_with_another_mask_and_goes_back_to_the_old() {
    let mut b = Bench::new();
    handle(&mut b, USR1, 0, 0);
    b.task.blocked = bit(libc::SIGUSR1);
    kill_self(&mut b, USR1);
    let none = b.put(&0u64);
    b.outcome(133, &[none, 8]);
    assert_eq!(b.cpu.pc, HANDLER);
    let frame: RtSigframe = b.get(b.cpu.x(2));
    assert_eq!(frame.uc.sigmask, bit(libc::SIGUSR1));
    assert_eq!(frame.uc.mcontext.regs.x[9] as i64, -i64::from(libc::EINTR));
    b.outcome(139, &[]);
    assert_eq!(b.task.blocked, bit(libc::SIGUSR1));
}
