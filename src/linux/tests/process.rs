//! Identity, limits, names, clocks and timers of the process.

use super::alone::alone;
use super::{Bench, NOWHERE};
use crate::guest::Exit;
use crate::linux::abi::process::{Rlimit, Rusage, Sysinfo, Utsname};
use crate::linux::abi::riscv::{HwprobePair, key};
use crate::linux::abi::time::{Itimerval, Timespec, Timeval};
use crate::linux::outcome::Outcome;
use crate::memory::GuestAddr;
use remu_isa::{Ext, Isa, Xlen};
use rustix::io::Errno;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.iter().position(|&b| b == 0).unwrap()]).into_owned()
}

#[test]
fn a_process_exits_with_its_status() {
    for number in [93, 94] {
        let mut b = Bench::new();
        assert_eq!(b.outcome(number, &[0x103]), Outcome::Exited(3));
        let trace = b.trace.take();
        assert!(trace.ends_with("(259) = ?\n+++ exited with 3 +++\n"), "{trace}");
    }
}

#[test]
fn an_exiting_thread_clears_its_tid() {
    let mut b = Bench::new();
    let at = b.put(&77u32);
    assert_eq!(b.sys("set_tid_address", &[at]), Ok(b.task.tid() as u64));
    b.outcome(93, &[0]);
    assert_eq!(b.get::<u32>(at), 0);
}

#[test]
fn ids_are_those_of_the_host_process() {
    let mut b = Bench::new();
    assert_eq!(b.sys("getpid", &[]), Ok(std::process::id().into()));
    assert_eq!(b.sys("getppid", &[]), Ok(std::os::unix::process::parent_id().into()));
    assert_eq!(b.sys("gettid", &[]), Ok(b.task.tid() as u64));
    let pidfd = b.sys("pidfd_open", &[std::process::id().into(), 0]).unwrap();
    assert_eq!(b.sys("fcntl", &[pidfd, libc::F_GETFD as u64]), Ok(1));
    assert_eq!(b.sys("pidfd_open", &[0x7fff_ffff, 0]), Err(Errno::SRCH));
    let uid = u64::from(rustix::process::getuid().as_raw());
    let (r, e, s) = (b.put(&9u32), b.put(&9u32), b.put(&9u32));
    assert_eq!(b.sys("getresuid", &[r, e, s]), Ok(0));
    assert_eq!([r, e, s].map(|at| u64::from(b.get::<u32>(at))), [uid; 3]);
    assert_eq!(b.sys("getpgid", &[0]), b.sys("getpgid", &[std::process::id().into()]));
    assert_eq!(b.sys("getpgid", &[0x7fff_ffff]), Err(Errno::SRCH));
    let count = b.sys("getgroups", &[0, 0]).unwrap();
    if count > 0 {
        assert_eq!(b.sys("getgroups", &[count, NOWHERE]), Err(Errno::FAULT));
    }
    assert_eq!(b.sys("getgroups", &[u64::MAX, 0]), Err(Errno::INVAL));
}

#[test]
fn uname_names_a_riscv_machine() {
    let mut b = Bench::with(|c| c.spec.release = Some("6.6.6-test".to_owned()));
    let at = b.room(390);
    assert_eq!(b.sys("uname", &[at]), Ok(0));
    let name: Utsname = b.get(at);
    assert_eq!((text(&name.sysname), text(&name.machine)), ("Linux".into(), "riscv64".into()));
    assert_eq!(text(&name.release), "6.6.6-test");
    assert_eq!(b.sys("uname", &[NOWHERE]), Err(Errno::FAULT));
}

#[test]
fn address_space_limits_are_the_guests() {
    let mut b = Bench::new();
    let (old, new) = (b.room(16), b.put(&Rlimit { cur: 1 << 20, max: u64::MAX }));
    assert_eq!(b.sys("prlimit64", &[0, libc::RLIMIT_STACK.into(), new, old]), Ok(0));
    assert_eq!(b.get::<Rlimit>(old).cur, 8 << 20);
    assert_eq!(b.sys("getrlimit", &[libc::RLIMIT_STACK.into(), old]), Ok(0));
    assert_eq!(b.get::<Rlimit>(old).cur, 1 << 20);
    let host = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    assert_eq!(b.sys("getrlimit", &[libc::RLIMIT_NOFILE.into(), old]), Ok(0));
    assert_eq!(b.get::<Rlimit>(old).cur, host.current.unwrap_or(u64::MAX));
    let wrong = b.put(&Rlimit { cur: 2, max: 1 });
    assert_eq!(b.sys("setrlimit", &[libc::RLIMIT_STACK.into(), wrong]), Err(Errno::INVAL));
    assert_eq!(b.sys("getrlimit", &[99, old]), Err(Errno::INVAL));
}

#[test]
fn names_and_options_of_the_thread() {
    let mut b = Bench::new();
    let (name, back) = (b.text("a-name-that-is-too-long"), b.room(16));
    assert_eq!(b.sys("prctl", &[libc::PR_SET_NAME as u64, name]), Ok(0));
    assert_eq!(b.sys("prctl", &[libc::PR_GET_NAME as u64, back]), Ok(0));
    assert_eq!(text(&b.bytes(back, 16)), "a-name-that-is-");
    assert_eq!(b.sys("prctl", &[libc::PR_SET_NAME as u64, NOWHERE]), Err(Errno::FAULT));
    assert_eq!(
        b.sys("prctl", &[libc::PR_GET_DUMPABLE as u64]),
        Ok(rustix::process::dumpable_behavior().unwrap() as u64)
    );
    for other_cpu in [69, 5, 25, 52, 63] {
        assert_eq!(b.sys("prctl", &[other_cpu, 0]), Err(Errno::INVAL));
    }
    assert_eq!(b.sys("prctl", &[libc::PR_GET_MDWE as u64]), Ok(0));
    assert_eq!(b.missing.take(), "");
    assert_eq!(b.sys("prctl", &[4711]), Err(Errno::INVAL));
    assert_eq!(b.missing.take(), "prctl option 4711\n");
    assert_eq!(b.sys("personality", &[0x40000]), Ok(0));
    assert_eq!(b.sys("personality", &[0xffff_ffff]), Ok(0x40000));
}

#[test]
fn personality_changes_the_results_of_calls() {
    alone(|| {
        let mut b = Bench::new();
        let at = b.room(390);
        let uname = |b: &mut Bench| {
            b.sys("uname", &[at]).unwrap();
            let name: Utsname = b.get(at);
            (text(&name.release), text(&name.machine))
        };
        let (release, machine) = uname(&mut b);
        assert_eq!(machine, "riscv64");
        let before = b.sys("personality", &[(8 | libc::UNAME26) as u64]).unwrap();
        // UNAME26 reports 2.6.(60 + minor version): 6.1 becomes 2.6.61.
        let minor: u32 = release.split('.').nth(1).unwrap().parse().unwrap();
        let (old, machine) = uname(&mut b);
        assert!(old.starts_with(&format!("2.6.{}", minor + 60)), "{old}");
        assert_eq!(machine, "riscv32");
        let (time, list) = (b.put(&Timespec { sec: 0, nsec: 1000 }), b.room(8));
        b.sys("personality", &[libc::STICKY_TIMEOUTS as u64]).unwrap();
        for _ in 0..2 {
            assert_eq!(b.sys("ppoll", &[list, 0, time, 0, 8]), Ok(0));
            assert_eq!(b.sys("pselect6", &[0, 0, 0, 0, time, 0]), Ok(0));
            assert_eq!(b.get::<Timespec>(time).nsec, 1000, "not the remaining time");
        }
        assert_eq!(b.sys("personality", &[before]), Ok(libc::STICKY_TIMEOUTS as u64));
        assert_eq!(uname(&mut b).0, release);
        assert_eq!(b.sys("ppoll", &[list, 0, time, 0, 8]), Ok(0));
        assert_eq!(b.get::<Timespec>(time).nsec, 0);
    });
}

#[test]
fn prctl_returns_the_auxiliary_vector() {
    let mut b = Bench::new();
    let at = b.room(512);
    // PR_GET_AUXV.
    assert_eq!(b.sys("prctl", &[0x4155_5856, at, 512]), Ok(512));
    assert_eq!(b.get::<[u64; 2]>(at), [6, 4096]);
    let short = b.put(&[7u64; 4]);
    assert_eq!(b.sys("prctl", &[0x4155_5856, short, 16]), Ok(512));
    assert_eq!(b.get::<[u64; 4]>(short), [6, 4096, 7, 7]);
    assert_eq!(b.sys("prctl", &[0x4155_5856, NOWHERE, 512]), Err(Errno::FAULT));
    assert_eq!(b.sys("prctl", &[0x4155_5856, at, 512, 1]), Err(Errno::INVAL));
}

#[test]
fn an_exiting_owner_marks_its_robust_locks() {
    let mut b = Bench::new();
    let tid = b.task.tid() as u32;
    let waiters = 0x8000_0000;
    // The lock is at offset 16 of an entry. The last entry points to the head.
    let head = b.room(24);
    let locks: Vec<u64> = (0..4).map(|_| b.room(24)).collect();
    let values = [tid | waiters, tid, tid + 1, tid | waiters];
    for (i, value) in values.iter().enumerate() {
        let next = if i == 2 { head } else { locks[(i + 1) % 4] };
        b.task.mm.write(GuestAddr(locks[i]), &next).unwrap();
        b.task.mm.write(GuestAddr(locks[i] + 16), value).unwrap();
    }
    // The fourth entry is pending: it is not on the list yet.
    b.task.mm.write(GuestAddr(head), &[locks[0], 16, locks[3]]).unwrap();
    b.sys("set_robust_list", &[head, 24]).unwrap();
    assert_eq!(b.outcome(94, &[0]), Outcome::Exited(0));
    let died = 0x4000_0000;
    let after: Vec<u32> = locks.iter().map(|at| b.get(at + 16)).collect();
    assert_eq!(after, [died | waiters, died, tid + 1, died | waiters]);
}

#[test]
fn a_robust_list_may_be_invalid() {
    for list in [[NOWHERE, 16, 0], [0, u64::MAX, 3], [u64::MAX, u64::MAX, u64::MAX]] {
        let mut b = Bench::new();
        let head = b.put(&list);
        b.sys("set_robust_list", &[head, 24]).unwrap();
        assert_eq!(b.outcome(94, &[0]), Outcome::Exited(0));
    }
    // The walk of a cycle of two entries is also limited.
    let mut b = Bench::new();
    let (one, two) = (b.room(8), b.room(8));
    b.task.mm.write(GuestAddr(one), &two).unwrap();
    b.task.mm.write(GuestAddr(two), &one).unwrap();
    let head = b.put(&[one, 0u64, 0]);
    b.sys("set_robust_list", &[head, 24]).unwrap();
    assert_eq!(b.outcome(94, &[0]), Outcome::Exited(0));
}

#[test]
fn robust_lists_can_be_read_back() {
    let mut b = Bench::new();
    assert_eq!(b.sys("set_robust_list", &[0x1234, 24]), Ok(0));
    assert_eq!(b.sys("set_robust_list", &[0x1234, 23]), Err(Errno::INVAL));
    let (head, len) = (b.room(8), b.room(8));
    assert_eq!(b.sys("get_robust_list", &[0, head, len]), Ok(0));
    assert_eq!((b.get::<u64>(head), b.get::<u64>(len)), (0x1234, 24));
    assert_eq!(b.sys("get_robust_list", &[0x7fff_ffff, head, len]), Err(Errno::SRCH));
}

#[test]
fn clocks_advance_and_sleeps_wait() {
    let mut b = Bench::new();
    let at = b.room(16);
    let now = |b: &mut Bench| {
        b.sys("clock_gettime", &[libc::CLOCK_MONOTONIC as u64, at]).unwrap();
        let t: Timespec = b.get(at);
        t.sec * 1_000_000_000 + t.nsec
    };
    let before = now(&mut b);
    assert!(before > 0);
    let sleep = b.put(&Timespec { sec: 0, nsec: 3_000_000 });
    assert_eq!(b.sys("nanosleep", &[sleep, 0]), Ok(0));
    assert_eq!(b.sys("clock_nanosleep", &[libc::CLOCK_MONOTONIC as u64, 0, sleep, 0]), Ok(0));
    assert!(now(&mut b) - before >= 6_000_000);
    let wrong = b.put(&Timespec { sec: 0, nsec: -1 });
    assert_eq!(b.sys("nanosleep", &[wrong, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("clock_nanosleep", &[libc::CLOCK_MONOTONIC as u64, 0, wrong, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("clock_nanosleep", &[99, 0, sleep, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("clock_gettime", &[99, sleep]), Err(Errno::INVAL));
    let resolution = b.put(&Timespec { sec: 77, nsec: 0 });
    assert_eq!(b.sys("clock_getres", &[libc::CLOCK_MONOTONIC as u64, resolution]), Ok(0));
    assert_eq!(b.get::<Timespec>(resolution).sec, 0);
    assert_eq!(b.sys("clock_getres", &[99, resolution]), Err(Errno::INVAL));
    let tv = b.room(16);
    assert_eq!(b.sys("gettimeofday", &[tv, 0]), Ok(0));
    assert!(b.get::<Timeval>(tv).sec > 1_600_000_000);
    let usage = b.room(144);
    assert_eq!(b.sys("getrusage", &[0, usage]), Ok(0));
    assert!(b.get::<Rusage>(usage).maxrss > 0);
    assert!(b.sys("times", &[usage]).unwrap() > 0);
    let info = b.room(112);
    assert_eq!(b.sys("sysinfo", &[info]), Ok(0));
    assert!(b.get::<Sysinfo>(info).totalram > 0);
}

#[test]
fn interval_timers_count_down() {
    alone(|| {
        let mut b = Bench::new();
        let hour = b.put(&Itimerval { interval: Timeval { sec: 0, usec: 0 }, value: Timeval { sec: 3600, usec: 0 } });
        let left = b.room(32);
        let seconds = |b: &Bench| b.get::<Itimerval>(left).value.sec;
        assert_eq!(b.sys("setitimer", &[libc::ITIMER_REAL as u64, hour, 0]), Ok(0));
        assert_eq!(b.sys("getitimer", &[libc::ITIMER_REAL as u64, left]), Ok(0));
        assert!((3590..=3600).contains(&seconds(&b)), "{}", seconds(&b));
        let off = b.room(32);
        let left = b.room(32);
        assert_eq!(b.sys("setitimer", &[libc::ITIMER_REAL as u64, off, left]), Ok(0));
        assert!((3590..=3600).contains(&b.get::<Itimerval>(left).value.sec));
        assert_eq!(b.sys("getitimer", &[9, left]), Err(Errno::INVAL));
        assert_eq!(b.sys("setitimer", &[9, off, 0]), Err(Errno::INVAL));
    });
}

#[test]
fn system_information_is_returned() {
    let mut b = Bench::new();
    let mask = b.room(128);
    let bytes = b.sys("sched_getaffinity", &[0, 128, mask]).unwrap();
    assert!(bytes >= 8 && b.bytes(mask, bytes as usize).iter().any(|&b| b != 0));
    assert_eq!(b.sys("sched_getaffinity", &[0, 3, mask]), Err(Errno::INVAL));
    let random = b.room(32);
    assert_eq!(b.sys("getrandom", &[random, 32, 0]), Ok(32));
    assert_ne!(b.bytes(random, 32), [0; 32]);
    assert_eq!(b.sys("getrandom", &[random, 32, 0xff]), Err(Errno::INVAL));
    // A specific process ID, because other tests in this process have children.
    assert_eq!(b.sys("wait4", &[0x7fff_ffff, 0, 0, 0]), Err(Errno::CHILD));
    let info = b.room(128);
    assert_eq!(b.sys("waitid", &[libc::P_PID.into(), 0x7fff_ffff, info, 4 | 1, 0]), Err(Errno::CHILD));
    assert_eq!(b.sys("waitid", &[99, 0, info, 4 | 1, 0]), Err(Errno::INVAL));
    let known = b.sys("membarrier", &[0, 0, 0]).unwrap();
    assert!(known > 0 && known & (3 << 7) == 0, "{known:#x}: there is no rseq");
    assert_eq!(b.sys("membarrier", &[1 << 7, 0, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("membarrier", &[1 << 8, 0, 0]), Err(Errno::INVAL));
}

#[test]
fn futexes_compare_and_wake() {
    let mut b = Bench::new();
    let word = b.put(&5u32);
    let time = b.put(&Timespec { sec: 0, nsec: 1_000_000 });
    assert_eq!(b.sys("futex", &[word, 128, 4, time]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex", &[word, 128, 5, time]), Err(Errno::TIMEDOUT));
    assert_eq!(b.sys("futex", &[word, 129, 1]), Ok(0));
    assert_eq!(b.sys("futex", &[word, 128 | 4, 1, 1, word + 4, 4]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex", &[word + 1, 128, 5, time]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex", &[NOWHERE, 128, 5, time]), Err(Errno::FAULT));
}

#[test]
fn hwprobe_describes_the_isa() {
    let mut b = Bench::new();
    let ask = |b: &mut Bench, keys: &[i64]| -> Vec<(i64, u64)> {
        let pairs: Vec<u64> = keys.iter().flat_map(|&k| [k as u64, 0xdead]).collect();
        let at = b.put(pairs.as_slice());
        assert_eq!(b.sys("riscv_hwprobe", &[at, keys.len() as u64, 0, 0, 0]), Ok(0));
        (0..keys.len()).map(|i| b.get::<HwprobePair>(at + 16 * i as u64)).map(|p| (p.key, p.value)).collect()
    };
    let all: Vec<i64> = (0..=16).collect();
    assert!(ask(&mut b, &all).iter().all(|&(k, v)| k >= 0 && v != 0xdead));
    assert_eq!(ask(&mut b, &[17, -1, 99]), [(-1, 0); 3]);
    let full = ask(&mut b, &[key::IMA_EXT_0, key::BASE_BEHAVIOR, key::HIGHEST_VIRT_ADDRESS]);
    assert_eq!(full[0].1 & 0x1a, 0x1a, "F and D, Zba, Zbb");
    assert_eq!(full[0].1 & 4, 0, "no V");
    assert_eq!((full[1].1, full[2].1), (1, (1 << 32) - 1));
    b.cpu.isa = Isa::new(Xlen::Rv64, [Ext::I, Ext::M, Ext::A].into_iter().collect());
    assert_eq!(ask(&mut b, &[key::IMA_EXT_0, key::ZICBOZ_BLOCK_SIZE])[0].1 & 0b11111, 0);
    let at = b.put(&HwprobePair { key: key::BASE_BEHAVIOR, value: 1 });
    let cpus = b.put(&0u64);
    assert_eq!(b.sys("riscv_hwprobe", &[at, 1, 8, cpus, 1]), Ok(0));
    assert_ne!(b.get::<u64>(cpus), 0, "all CPUs have it");
    let at = b.put(&HwprobePair { key: key::MVENDORID, value: 0x489 });
    assert_eq!(b.sys("riscv_hwprobe", &[at, 1, 8, cpus, 1]), Ok(0));
    assert_eq!(b.get::<u64>(cpus), 0, "none has that");
    assert_eq!(b.sys("riscv_hwprobe", &[at, 1, 0, 0, 2]), Err(Errno::INVAL));
    assert_eq!(b.sys("riscv_hwprobe", &[NOWHERE, 1, 0, 0, 0]), Err(Errno::FAULT));
}

#[test]
fn the_vdso_page_holds_the_return_from_handlers() {
    let b = Bench::new();
    assert_eq!(b.get::<[u32; 2]>(b.task.mm.vdso.restorer.0), [0x08b0_0893, 0x0000_0073]);
    let vma = b.task.mm.vma_at(b.task.mm.vdso.restorer).unwrap();
    assert_eq!(vma.prot.to_string(), "r-x");
    let mut b = b;
    assert_eq!(b.task.handle_exit(&mut b.cpu, Exit::Interrupted), Outcome::Resume);
    assert_eq!(GuestAddr(b.cpu.pc), GuestAddr(0x1000));
}
