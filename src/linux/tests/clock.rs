//! Calls that read clocks: made, or answered by the engine.

use super::{BEYOND, Bench, NOWHERE};
use crate::guest::Exit;
use crate::guest::riscv::{Privilege, UserProgram};
use crate::linux::task::Services;

const CLOCK_GETTIME: u64 = 113;
const CLOCK_GETRES: u64 = 114;
const GETTIMEOFDAY: u64 = 169;
const MONOTONIC: u64 = libc::CLOCK_MONOTONIC as u64;
const PROCESS_CPU: u64 = libc::CLOCK_PROCESS_CPUTIME_ID as u64;

/// Without a log of the calls.
fn untraced() -> Bench {
    Bench::with(|config| config.services = Services::default())
}

/// Offers a call at `pc` to the task's quick calls. Returns whether they have answered it.
fn is_answered(b: &mut Bench, pc: u64, number: u64, args: [u64; 2]) -> bool {
    b.cpu.pc = pc;
    b.cpu.set_x(17, number);
    (10..).zip(args).for_each(|(register, arg)| b.cpu.set_x(register, arg));
    let mut program = UserProgram::answering(b.task.quick_calls());
    let exit = program.trap(&mut b.cpu, b.task.mm.space(), Exit::Syscall);
    let moved = b.cpu.pc == pc + 4;
    assert_eq!(exit, if moved { None } else { Some(Exit::Syscall) });
    assert_eq!(b.cpu.x(10), if moved { 0 } else { args[0] });
    moved
}

#[test]
fn the_engine_answers_what_the_kernels_vdso_does() {
    let mut b = untraced();
    let vdso = b.task.mm.vdso.base.0;
    let at = b.room(16);
    let [before, after] = [b.room(16), b.room(16)];
    for clock in [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC, libc::CLOCK_BOOTTIME, libc::CLOCK_TAI].map(|c| c as u64)
    {
        b.sys("clock_gettime", &[clock, before]).unwrap();
        assert!(is_answered(&mut b, vdso + 0x40, CLOCK_GETTIME, [clock, at]));
        b.cpu.pc = 0x1000;
        b.sys("clock_gettime", &[clock, after]).unwrap();
        let times = [before, at, after].map(|at| b.get::<[i64; 2]>(at));
        assert!(times.is_sorted(), "{clock}: {times:?}");
    }
    b.sys("clock_gettime", &[0, before]).unwrap();
    assert!(is_answered(&mut b, vdso + 0xffc, GETTIMEOFDAY, [at, 0]));
    let [[sec, _], [now, micro]] = [before, at].map(|at| b.get::<[i64; 2]>(at));
    assert!((sec..sec + 100).contains(&now) && (0..1_000_000).contains(&micro), "{now} {micro}");
}

#[test]
fn other_calls_are_the_callers_affair() {
    let mut b = untraced();
    let vdso = b.task.mm.vdso.base.0;
    let at = b.room(16);
    assert!(is_answered(&mut b, vdso, CLOCK_GETTIME, [MONOTONIC, at]));
    // Of another kind, or with a result that only the call has.
    assert!(!is_answered(&mut b, vdso, CLOCK_GETTIME, [PROCESS_CPU, at]));
    assert!(!is_answered(&mut b, vdso, CLOCK_GETTIME, [77, at]));
    assert!(!is_answered(&mut b, vdso, CLOCK_GETRES, [MONOTONIC, at]));
    assert!(!is_answered(&mut b, vdso, GETTIMEOFDAY, [at, at]));
    assert!(!is_answered(&mut b, vdso, GETTIMEOFDAY, [0, 0]));
    // They fail.
    for bad in [0, NOWHERE, BEYOND, u64::MAX] {
        assert!(!is_answered(&mut b, vdso, CLOCK_GETTIME, [MONOTONIC, bad]), "{bad:#x}");
    }
    // From elsewhere.
    for pc in [vdso - 4, vdso + 0x1000, 0x1000] {
        assert!(!is_answered(&mut b, pc, CLOCK_GETTIME, [MONOTONIC, at]), "{pc:#x}");
    }
    // They are logged.
    let mut b = Bench::new();
    let (vdso, at) = (b.task.mm.vdso.base.0, b.room(16));
    assert!(!is_answered(&mut b, vdso, CLOCK_GETTIME, [MONOTONIC, at]));
}
