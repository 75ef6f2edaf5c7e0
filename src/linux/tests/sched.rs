//! Scheduling: policies, priorities, CPU affinity.

use super::alone::alone;
use super::{Bench, NOWHERE};
use crate::linux::abi::time::Timespec;
use rustix::io::Errno;

#[test]
fn policies_are_set_and_read() {
    alone(|| {
        let mut b = Bench::new();
        let (zero, one, back) = (b.put(&0i32), b.put(&1i32), b.put(&77i32));
        assert_eq!(b.sys("sched_setscheduler", &[0, libc::SCHED_BATCH as u64, one]), Err(Errno::INVAL));
        assert_eq!(b.sys("sched_setscheduler", &[0, libc::SCHED_BATCH as u64, zero]), Ok(0));
        assert_eq!(b.sys("sched_getscheduler", &[0]), Ok(libc::SCHED_BATCH as u64));
        assert_eq!(b.sys("sched_getparam", &[0, back]), Ok(0));
        assert_eq!(b.get::<i32>(back), 0);
        assert_eq!(b.sys("sched_setparam", &[0, one]), Err(Errno::INVAL), "this policy has one priority");
        assert_eq!(b.sys("sched_setparam", &[0, NOWHERE]), Err(Errno::FAULT));
        // struct sched_attr: size, policy, flags (8), nice, priority, runtime, deadline, period.
        let attr = b.put(&[48u32, libc::SCHED_IDLE as u32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(b.sys("sched_setattr", &[0, attr, 0]), Ok(0));
        let got = b.room(56);
        assert_eq!(b.sys("sched_getattr", &[0, got, 48, 0]), Ok(0));
        assert_eq!(b.get::<[u32; 2]>(got), [48, libc::SCHED_IDLE as u32]);
        assert_eq!(b.sys("sched_getattr", &[0, got, 47, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("sched_getscheduler", &[0x7fff_ffff]), Err(Errno::SRCH));
    });
}

#[test]
fn policies_have_priorities_and_intervals() {
    let mut b = Bench::new();
    assert_eq!(b.sys("sched_get_priority_min", &[libc::SCHED_FIFO as u64]), Ok(1));
    assert_eq!(b.sys("sched_get_priority_max", &[libc::SCHED_FIFO as u64]), Ok(99));
    assert_eq!(b.sys("sched_get_priority_min", &[4711]), Err(Errno::INVAL));
    let time = b.put(&Timespec { sec: 77, nsec: 0 });
    assert_eq!(b.sys("sched_rr_get_interval", &[0, time]), Ok(0));
    assert_eq!(b.get::<Timespec>(time).sec, 0);
    assert_eq!(b.sys("sched_rr_get_interval", &[0, NOWHERE]), Err(Errno::FAULT));
}

#[test]
fn niceness_is_set_and_read() {
    alone(|| {
        let mut b = Bench::new();
        let before = b.sys("getpriority", &[libc::PRIO_PROCESS.into(), 0]).unwrap();
        assert!((2..=40).contains(&before), "{before}");
        // The kernel returns 20 minus the nice value, which is never negative.
        let nice = 20 - before as i64 + 1;
        assert_eq!(b.sys("setpriority", &[libc::PRIO_PROCESS.into(), 0, nice as u64]), Ok(0));
        assert_eq!(b.sys("getpriority", &[libc::PRIO_PROCESS.into(), 0]), Ok(before - 1));
        assert_eq!(b.sys("getpriority", &[9, 0]), Err(Errno::INVAL));
        // IOPRIO_WHO_PROCESS; the lowest level of the best-effort class.
        let lowest = 2 << 13 | 7;
        assert_eq!(b.sys("ioprio_set", &[1, 0, lowest]), Ok(0));
        assert_eq!(b.sys("ioprio_get", &[1, 0]), Ok(lowest));
        assert_eq!(b.sys("ioprio_set", &[1, 0, 7 << 13]), Err(Errno::INVAL));
    });
}

#[test]
fn cpu_affinity_is_set_and_read() {
    alone(|| {
        let mut b = Bench::new();
        let set = b.room(128);
        let len = b.sys("sched_getaffinity", &[0, 128, set]).unwrap();
        assert!(len >= 8 && len.is_multiple_of(8), "{len}");
        let words: [u64; 16] = b.get(set);
        let word = words.iter().position(|&w| w != 0).expect("some processor");
        let mut one = [0u64; 16];
        one[word] = 1 << words[word].trailing_zeros();
        let only = b.put(&one);
        assert_eq!(b.sys("sched_setaffinity", &[0, 128, only]), Ok(0));
        assert_eq!(b.sys("sched_getaffinity", &[0, 128, set]), Ok(len));
        assert_eq!(b.get::<[u64; 16]>(set), one);
        let none = b.put(&[0u64; 16]);
        assert_eq!(b.sys("sched_setaffinity", &[0, 128, none]), Err(Errno::INVAL));
        let (cpu, node) = (b.put(&u32::MAX), b.put(&u32::MAX));
        assert_eq!(b.sys("getcpu", &[cpu, node, 0]), Ok(0));
        assert_eq!(b.get::<u32>(cpu), word as u32 * 64 + words[word].trailing_zeros());
        assert_ne!(b.get::<u32>(node), u32::MAX);
    });
}
