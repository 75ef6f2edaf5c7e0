//! Signals from the guest itself and from outside, signal frames and masks.
//!
//! A handler is also installed in the host, so tests that install one run alone in their process.

use super::alone::alone;
use super::{Bench, NOWHERE, SCRATCH, SCRATCH_SIZE};
use crate::guest::Exit;
use crate::host::{self, Sys, SysArg};
use crate::linux::abi::signal::{
    RtSigframe, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SIG_IGN, Sigaction, Sigevent, Siginfo, StackT,
};
use crate::linux::abi::time::{Itimerspec, Itimerval, Timespec, Timeval};
use crate::linux::outcome::Outcome;
use crate::linux::signal::{FatalSignal, bit};
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

/// Sends a signal to this thread. One to the process might arrive in the test harness's thread.
fn raise(b: &mut Bench, signal: u64) -> Outcome {
    b.outcome(131, &[std::process::id().into(), b.task.tid() as u64, signal])
}

fn kill_self(b: &mut Bench, signal: u64) {
    assert_eq!(raise(b, signal), Outcome::Resume);
}

#[test]
fn faults_kill_the_process_with_signal_code_and_address() {
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
        let Outcome::Killed(fatal) = b.task.handle_exit(&mut b.cpu, exit) else { panic!("{exit:?}") };
        let address = address.map(GuestAddr);
        let access = matches!(exit, Exit::Fault(_)).then_some(Access::Read);
        let sp = GuestAddr(b.cpu.x(2));
        assert_eq!(fatal, FatalSignal { signal, code, address, access, pc: GuestAddr(0x1000), sp });
    }
    let mut b = Bench::new();
    b.task.handle_exit(&mut b.cpu, fault(FaultKind::Unmapped));
    let expected =
        "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0xbad} ---\n+++ killed by SIGSEGV +++\n";
    assert_eq!(b.trace.take(), expected);
}

#[test]
fn a_handler_gets_the_frame_and_sigreturn_undoes_it() {
    alone(|| {
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
        assert_eq!(b.task.handle_exit(&mut b.cpu, fault(FaultKind::Denied)), Outcome::Resume);
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
        // A handler may change the pc to return to.
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
    });
}

#[test]
fn a_misaligned_access_reports_the_instructions_address() {
    let mut b = Bench::new();
    handle(&mut b, libc::SIGBUS as u64, 0, 0);
    b.cpu.pc = 0x5678;
    assert_eq!(b.task.handle_exit(&mut b.cpu, fault(FaultKind::Misaligned)), Outcome::Resume);
    let frame: RtSigframe = b.get(b.cpu.x(2));
    assert_eq!((frame.info.signo, frame.info.code, frame.info.addr()), (libc::SIGBUS, 1, 0x5678));
    // Without compressed instructions, jump targets must be aligned to four bytes.
    let mut b = Bench::new();
    b.cpu.isa.exts = b.cpu.isa.exts.without_dependents(remu_isa::Ext::C);
    b.cpu.enter(0x1237);
    assert_eq!(b.cpu.pc, 0x1234);
}

#[test]
fn the_lowest_bit_of_a_resumed_pc_is_cleared() {
    alone(|| {
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
    });
}

#[test]
fn an_invalid_frame_is_a_segmentation_fault() {
    alone(|| {
        for spoil in [772, 776, 780] {
            let mut b = Bench::new();
            handle(&mut b, USR1, 0, 0);
            kill_self(&mut b, USR1);
            let at = b.cpu.x(2) + 128 + 176 + spoil;
            b.task.mm.write(GuestAddr(at), &1u32).unwrap();
            let outcome = b.outcome(139, &[]);
            assert!(
                matches!(
                    outcome,
                    Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, address: None, .. })
                ),
                "{outcome:?}"
            );
        }
    });
}

#[test]
fn a_blocked_fault_kills_the_process() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, SEGV, 0, 0);
        b.task.handle_exit(&mut b.cpu, fault(FaultKind::Unmapped));
        let second = b.task.handle_exit(&mut b.cpu, fault(FaultKind::Unmapped));
        assert!(matches!(second, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, pc: GuestAddr(HANDLER), .. })));
        let mut b = Bench::new();
        handle(&mut b, SEGV, SA_NODEFER, 0);
        b.task.handle_exit(&mut b.cpu, fault(FaultKind::Unmapped));
        assert_eq!(b.task.handle_exit(&mut b.cpu, fault(FaultKind::Unmapped)), Outcome::Resume);
    });
}

#[test]
fn blocked_signals_stay_pending_until_unblocked() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, SA_RESETHAND, 0);
        let set = b.put(&bit(libc::SIGUSR1));
        let old = b.room(8);
        assert_eq!(b.sys("rt_sigprocmask", &[libc::SIG_BLOCK as u64, set, old, 8]), Ok(0));
        assert_eq!(b.get::<u64>(old), 0);
        kill_self(&mut b, USR1);
        kill_self(&mut b, USR1);
        assert_eq!(b.cpu.pc & !0xffff, 0, "the handler does not run");
        let pending = b.put(&0u64);
        assert_eq!(b.sys("rt_sigpending", &[pending, 8]), Ok(0));
        assert_eq!(b.get::<u64>(pending), bit(libc::SIGUSR1));
        let pc = b.cpu.pc;
        b.outcome(135, &[libc::SIG_UNBLOCK as u64, set, 0, 8]);
        assert_eq!(b.cpu.pc, HANDLER);
        assert_eq!(b.cpu.x(10), USR1);
        let frame: RtSigframe = b.get(b.cpu.x(2));
        assert_eq!((frame.uc.mcontext.regs.pc, frame.uc.mcontext.regs.x[9]), (pc + 4, 0), "the call has returned");
        assert_eq!(frame.info.sender(), (std::process::id() as i32, rustix::process::getuid().as_raw()));
        b.outcome(139, &[]);
        assert_eq!(b.cpu.pc, pc + 4, "standard signals do not queue");
        let outcome = raise(&mut b, USR1);
        assert!(
            matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGUSR1, code: -6, .. })),
            "SA_RESETHAND"
        );
    });
}

#[test]
fn real_time_signals_queue_with_their_siginfo() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, 40, 0, 0);
        b.block(bit(40));
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
    });
}

#[test]
fn signals_are_sent_to_one_thread() {
    let mut b = Bench::new();
    handle(&mut b, 41, 0, 0);
    b.task.blocked = bit(41);
    let (pid, tid) = (u64::from(std::process::id()), b.task.tid() as u64);
    let mut info = Siginfo::new(41, -1);
    info.fields[1] = 5;
    let info = b.put(&info);
    assert_eq!(b.sys("rt_tgsigqueueinfo", &[pid, tid, 41, info]), Ok(0));
    assert_eq!(b.sys("rt_tgsigqueueinfo", &[pid, tid, 41, NOWHERE]), Err(Errno::FAULT));
    assert_eq!(b.sys("tkill", &[tid, 41]), Ok(0));
    assert_eq!(b.sys("tkill", &[tid, 99]), Err(Errno::INVAL));
    let (wanted, out) = (b.put(&bit(41)), b.room(128));
    let time = b.put(&Timespec { sec: 0, nsec: 0 });
    for code in [-1, -6] {
        assert_eq!(b.sys("rt_sigtimedwait", &[wanted, out, time, 8]), Ok(41));
        assert_eq!(b.get::<Siginfo>(out).code, code);
    }
}

#[test]
fn ignored_signals_have_no_effect_and_others_kill() {
    alone(|| {
        let mut b = Bench::new();
        kill_self(&mut b, libc::SIGCHLD as u64);
        kill_self(&mut b, libc::SIGWINCH as u64);
        let ignore = b.put(&Sigaction { handler: SIG_IGN, flags: 0, mask: 0 });
        assert_eq!(b.sys("rt_sigaction", &[50, ignore, 0, 8]), Ok(0));
        kill_self(&mut b, 50);
        assert_eq!(b.trace.take().matches("---").count(), 0);
        assert_eq!(b.sys("kill", &[std::process::id().into(), 0]), Ok(0));
        assert_eq!(b.sys("kill", &[std::process::id().into(), 65]), Err(Errno::INVAL));
        assert_eq!(b.sys("tgkill", &[1, 0x7fff_ffff, 0]), Err(Errno::SRCH));
        let outcome = raise(&mut b, libc::SIGTERM as u64);
        assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGTERM, code: -6, address: None, .. })));
    });
}

#[test]
fn dispositions_read_back_and_are_checked() {
    alone(|| {
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
    });
}

#[test]
fn handlers_run_on_the_alternate_stack() {
    alone(|| {
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
        assert_eq!(b.get::<RtSigframe>(frame).uc.stack.flags, 0, "not on the alternate stack before");
        assert_eq!(b.sys("sigaltstack", &[0, old]), Ok(0));
        assert_eq!(b.get::<StackT>(old).flags, 1, "on the alternate stack now");
        assert_eq!(b.sys("sigaltstack", &[stack, 0]), Err(Errno::PERM));
        // Seven frames fit. The eighth does not, and SIGSEGV has no handler.
        for _ in 1..7 {
            kill_self(&mut b, USR1);
            assert!(b.cpu.x(2) >= base);
        }
        let outcome = raise(&mut b, USR1);
        assert!(
            matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, .. })),
            "{outcome:?}"
        );
        assert!(sp > base);
    });
}

#[test]
fn an_unmapped_stack_is_a_segmentation_fault() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        b.cpu.set_x(2, NOWHERE);
        let outcome = raise(&mut b, USR1);
        assert!(
            matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGSEGV, code: 0x80, .. })),
            "{outcome:?}"
        );
    });
}

#[test]
fn sigsuspend_waits_with_a_temporary_mask() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        b.block(bit(libc::SIGUSR1));
        kill_self(&mut b, USR1);
        let none = b.put(&0u64);
        b.outcome(133, &[none, 8]);
        assert_eq!(b.cpu.pc, HANDLER);
        let frame: RtSigframe = b.get(b.cpu.x(2));
        assert_eq!(frame.uc.sigmask, bit(libc::SIGUSR1));
        assert_eq!(frame.uc.mcontext.regs.x[9] as i64, -i64::from(libc::EINTR));
        b.outcome(139, &[]);
        assert_eq!(b.task.blocked, bit(libc::SIGUSR1));
    });
}

/// Starts the real-time timer once, in microseconds.
fn alarm(b: &mut Bench, micros: i64) {
    let time = b.put(&Itimerval { interval: Timeval { sec: 0, usec: 0 }, value: Timeval { sec: 0, usec: micros } });
    assert_eq!(b.sys("setitimer", &[libc::ITIMER_REAL as u64, time, 0]), Ok(0));
}

/// The pc and a0 that the running handler returns to.
fn interrupted_at(b: &Bench) -> (u64, i64) {
    let frame: RtSigframe = b.get(b.cpu.x(2));
    (frame.uc.mcontext.regs.pc, frame.uc.mcontext.regs.x[9] as i64)
}

#[test]
fn a_handler_interrupts_or_restarts_a_blocking_call() {
    alone(|| {
        const EINTR: i64 = -(libc::EINTR as i64);
        let mut b = Bench::new();
        let (r, _w) = b.pipe();
        let (buf, left) = (b.room(8), b.room(16));
        let hour = b.put(&Timespec { sec: 3600, nsec: 0 });
        let set = b.put(&0u64);
        let word = b.put(&0u32);
        let (epoll, calls_pc) = (b.sys("epoll_create1", &[0]).unwrap(), b.cpu.pc);
        // The call, its arguments, and whether SA_RESTART restarts it.
        let calls: [(u64, &[u64], bool); 7] = [
            (63, &[r, buf, 1], true),
            (98, &[word, 0, 0, 0], true),
            (98, &[word, 0, 0, hour], false),
            (101, &[hour, left], false),
            (73, &[0, 0, 0, 0, 8], false),
            (22, &[epoll, buf, 1, u64::MAX, 0, 8], false),
            (133, &[set, 8], false),
        ];
        for (number, args, restarts) in calls {
            for flags in [0, SA_RESTART] {
                handle(&mut b, libc::SIGALRM as u64, flags, 0);
                b.cpu.pc = calls_pc;
                alarm(&mut b, 2000);
                let call = b.cpu.pc;
                while b.cpu.pc != HANDLER {
                    // The call had not begun when the signal came, or was woken early; it is made again.
                    b.cpu.pc = call;
                    assert_eq!(b.outcome(number, args), Outcome::Resume);
                }
                let expected = if restarts && flags == SA_RESTART { (call, args[0] as i64) } else { (call + 4, EINTR) };
                let found = interrupted_at(&b);
                // A signal that came before the call began leaves the state before the call.
                assert!(found == expected || found == (call, args[0] as i64), "call {number}, {flags:#x}: {found:x?}");
                assert_eq!(b.sys_return(), Outcome::Resume);
            }
        }
        let rest: Timespec = b.get(left);
        assert!((3590..3600).contains(&rest.sec), "the remaining sleep: {rest:?}");
    });
}

#[test]
fn a_pending_signal_is_delivered_before_a_call_begins() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        // The signal arrives in this thread's mailbox, without a guest call.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::CONT).unwrap();
        let host_tid = rustix::thread::gettid();
        crate::host::pass(
            crate::host::Sys::Tgkill,
            &mut [std::process::id().into(), host_tid.as_raw_nonzero().get() as u64, USR1]
                .map(crate::host::SysArg::Val),
        )
        .unwrap();
        let pc = b.cpu.pc;
        b.outcome(172, &[77]);
        assert_eq!(b.cpu.pc, HANDLER);
        assert_eq!(interrupted_at(&b), (pc, 77), "getpid has not been made");
        b.sys_return();
        assert_eq!(b.sys("getpid", &[]), Ok(std::process::id().into()));
    });
}

#[test]
fn timers_send_the_requested_signal_and_value() {
    alone(|| {
        let mut b = Bench::new();
        let signal = 45;
        handle(&mut b, signal, 0, 0);
        let event =
            Sigevent { value: 0x1234_5678_9abc, signo: signal as i32, notify: 4, tid: b.task.tid(), pad: [0; 11] };
        let (event, id) = (b.put(&event), b.room(4));
        assert_eq!(b.sys("timer_create", &[libc::CLOCK_MONOTONIC as u64, event, id]), Ok(0));
        let id = u64::from(b.get::<u32>(id));
        let never = Timespec { sec: 0, nsec: 0 };
        let hour = b.put(&Itimerspec { interval: never, value: Timespec { sec: 3600, nsec: 0 } });
        let old = b.room(32);
        assert_eq!(b.sys("timer_settime", &[id, 0, hour, 0]), Ok(0));
        assert_eq!(b.sys("timer_gettime", &[id, old]), Ok(0));
        assert!((3590..=3600).contains(&b.get::<Itimerspec>(old).value.sec));
        let soon = b.put(&Itimerspec { interval: never, value: Timespec { sec: 0, nsec: 1 } });
        assert_eq!(b.outcome(110, &[id, 0, soon, old]), Outcome::Resume);
        assert!((3590..=3600).contains(&b.get::<Itimerspec>(old).value.sec));
        while b.cpu.pc != HANDLER {
            b.outcome(124, &[]);
        }
        let info: Siginfo = b.get(b.cpu.x(2));
        assert_eq!((info.signo, info.code, info.fields[1]), (signal as i32, -2, 0x1234_5678_9abc));
        b.sys_return();
        assert_eq!(b.sys("timer_getoverrun", &[id]), Ok(0));
        assert_eq!(b.sys("timer_getoverrun", &[id + 1]), Err(Errno::INVAL));
        assert_eq!(b.sys("timer_delete", &[id]), Ok(0));
        assert_eq!(b.sys("timer_delete", &[id]), Err(Errno::INVAL));
    });
}

#[test]
fn blocked_signals_are_read_from_a_descriptor() {
    alone(|| {
        let mut b = Bench::new();
        b.block(bit(libc::SIGUSR1));
        let set = b.put(&bit(libc::SIGUSR1));
        let fd = b.sys("signalfd4", &[u64::MAX, set, 8, libc::SFD_NONBLOCK as u64]).unwrap();
        assert_eq!(b.sys("signalfd4", &[u64::MAX, set, 4, 0]), Err(Errno::INVAL));
        let buf = b.room(128);
        assert_eq!(b.sys("read", &[fd, buf, 128]), Err(Errno::AGAIN));
        kill_self(&mut b, USR1);
        assert_eq!(b.sys("read", &[fd, buf, 128]), Ok(128));
        assert_eq!(b.get::<u32>(buf), USR1 as u32);
    });
}

#[test]
fn a_message_queue_notifies_of_its_first_message() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        let text = format!("remu-test-{}", std::process::id());
        let name = b.text(&text);
        let queue = b.sys("mq_open", &[name, (libc::O_CREAT | libc::O_RDWR) as u64, 0o600, 0]).unwrap();
        // Made on the host, so that the queue is removed even if the guest's call has no effect.
        let name = std::ffi::CString::new(text).unwrap();
        let _ = host::pass(Sys::MqUnlink, &mut [SysArg::In(name.as_bytes_with_nul())]);
        let event = b.put(&Sigevent { value: 7, signo: libc::SIGUSR1, notify: 0, tid: 0, pad: [0; 11] });
        assert_eq!(b.sys("mq_notify", &[queue, event]), Ok(0));
        assert_eq!(b.sys("mq_notify", &[queue, event]), Err(Errno::BUSY));
        let text = b.put(b"x".as_slice());
        assert_eq!(b.outcome(182, &[queue, text, 1, 0, 0]), Outcome::Resume);
        assert_eq!(b.cpu.pc, HANDLER);
        let info: Siginfo = b.get(b.cpu.x(2));
        assert_eq!((info.code, info.fields[1]), (-3, 7));
        b.sys_return();
        // By a message to a descriptor that is not a socket.
        let cookie = b.put(&[0u8; 32]);
        let thread = b.put(&Sigevent { value: cookie, signo: queue as i32, notify: 2, tid: 0, pad: [0; 11] });
        assert_eq!(b.sys("mq_notify", &[queue, thread]), Err(Errno::NOTSOCK));
        let nowhere = b.put(&Sigevent { value: NOWHERE, signo: queue as i32, notify: 2, tid: 0, pad: [0; 11] });
        assert_eq!(b.sys("mq_notify", &[queue, nowhere]), Err(Errno::FAULT));
    });
}

#[test]
fn a_sigsegv_from_a_process_can_be_blocked_and_handled() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, SEGV, 0, 0);
        b.block(bit(libc::SIGSEGV));
        kill_self(&mut b, SEGV);
        assert_ne!(b.cpu.pc, HANDLER);
        let set = b.room(8);
        assert_eq!(b.sys("rt_sigpending", &[set, 8]), Ok(0));
        assert_eq!(b.get::<u64>(set), bit(libc::SIGSEGV));
        let none = b.put(&0u64);
        b.outcome(135, &[libc::SIG_SETMASK as u64, none, 0, 8]);
        assert_eq!(b.cpu.pc, HANDLER);
        let info: Siginfo = b.get(b.cpu.x(2));
        assert_eq!((info.signo, info.code), (libc::SIGSEGV, -6));
    });
}

#[test]
fn a_signal_that_dumps_core_is_handled_by_remu() {
    alone(|| {
        let mut b = Bench::with(|config| config.services.tracer = None);
        let outcome = raise(&mut b, libc::SIGXCPU as u64);
        assert!(matches!(outcome, Outcome::Killed(FatalSignal { signal: libc::SIGXCPU, .. })), "{outcome:?}");
    });
}

#[test]
fn a_signal_is_sent_by_descriptor() {
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        let own = b.sys("pidfd_open", &[std::process::id().into(), 0]).unwrap();
        assert_eq!(b.sys("pidfd_send_signal", &[own, 65, 0, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("pidfd_send_signal", &[own, USR1, NOWHERE, 0]), Err(Errno::FAULT));
        assert_eq!(b.outcome(424, &[own, USR1, 0, 0]), Outcome::Resume);
        assert_eq!(b.cpu.pc, HANDLER);
    });
}

#[test]
fn a_directory_reports_changes_by_a_signal() {
    const DN_CREATE: u64 = 4;
    alone(|| {
        let mut b = Bench::new();
        let signal = 45;
        handle(&mut b, signal, 0, 0);
        let folder = tempfile::tempdir().unwrap();
        let path = b.text(folder.path().to_str().unwrap());
        let fd = b.sys("openat", &[super::CWD, path, libc::O_DIRECTORY as u64]).unwrap();
        assert_eq!(b.sys("fcntl", &[fd, 10, signal]), Ok(0));
        assert_eq!(b.sys("fcntl", &[fd, 11]), Ok(signal));
        assert_eq!(b.sys("fcntl", &[fd, libc::F_NOTIFY as u64, DN_CREATE]), Ok(0));
        let file = b.text(folder.path().join("new").to_str().unwrap());
        let flags = (libc::O_CREAT | libc::O_WRONLY) as u64;
        assert_eq!(b.outcome(56, &[super::CWD, file, flags, 0o600]), Outcome::Resume);
        while b.cpu.pc != HANDLER {
            b.outcome(124, &[]);
        }
        let info: Siginfo = b.get(b.cpu.x(2));
        assert_eq!((info.signo, info.fields[1] as u32), (signal as i32, fd as u32), "the descriptor");
    });
}

#[test]
fn a_lease_is_broken_with_a_signal() {
    alone(|| {
        let mut b = Bench::new();
        let signal = 46;
        handle(&mut b, signal, 0, 0);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leased");
        std::fs::write(&file, "x").unwrap();
        let path = b.text(file.to_str().unwrap());
        let fd = b.sys("openat", &[super::CWD, path, libc::O_RDONLY as u64]).unwrap();
        assert_eq!(b.sys("fcntl", &[fd, 10, signal]), Ok(0));
        assert_eq!(b.sys("fcntl", &[fd, libc::F_SETLEASE as u64, libc::F_RDLCK as u64]), Ok(0));
        let flags = (libc::O_WRONLY | libc::O_NONBLOCK) as u64;
        b.outcome(56, &[super::CWD, path, flags]);
        while b.cpu.pc != HANDLER {
            b.outcome(124, &[]);
        }
        assert_eq!(b.get::<Siginfo>(b.cpu.x(2)).signo, signal as i32);
    });
}

#[test]
fn no_signal_stays_behind_when_a_temporary_mask_ends() {
    use std::sync::atomic::{AtomicU32, Ordering};
    const COUNT: u32 = 2_000;
    alone(|| {
        let mut b = Bench::new();
        handle(&mut b, USR1, 0, 0);
        let (thread, handled) = (b.task.tid(), AtomicU32::new(0));
        let left = std::thread::scope(|scope| {
            scope.spawn(|| {
                host::block_all_signals();
                for sent in 0..COUNT {
                    while handled.load(Ordering::SeqCst) < sent {
                        std::thread::yield_now();
                    }
                    host::send_to_thread(thread, libc::SIGUSR1);
                }
            });
            while handled.load(Ordering::SeqCst) < COUNT {
                // As after a call with a mask of its own that a signal without a handler has ended.
                b.task.saved_mask = Some(b.task.blocked);
                assert_eq!(b.task.handle_exit(&mut b.cpu, Exit::Interrupted), Outcome::Resume);
                if b.task.pending.set() != 0 || b.task.saved_mask.is_some() {
                    // Ends the other thread, too.
                    handled.store(COUNT, Ordering::SeqCst);
                    return b.task.pending.set();
                }
                if b.cpu.pc == HANDLER {
                    assert_eq!(b.sys_return(), Outcome::Resume);
                    handled.fetch_add(1, Ordering::SeqCst);
                }
            }
            0
        });
        assert_eq!(left, 0, "nothing tells of a signal that is left");
    });
}
