//! System-wide calls: names, clocks, mounts, the kernel log. Most of them need root, and the tests change nothing: all
//! requests are invalid.

use super::alone::alone;
use super::{Bench, CWD, NOWHERE};
use crate::linux::abi::signal::{SIG_IGN, Sigaction};
use crate::linux::abi::time::{Timespec, Timeval};
use rustix::io::Errno;

/// The error for root; everybody else gets EPERM.
fn refused(as_root: Errno) -> Result<u64, Errno> {
    Err(if rustix::process::geteuid().is_root() { as_root } else { Errno::PERM })
}

#[test]
fn names_of_the_machine_are_checked() {
    let mut b = Bench::new();
    let long = b.put([b'x'; 65].as_slice());
    for call in ["sethostname", "setdomainname"] {
        assert_eq!(b.sys(call, &[long, 65]), refused(Errno::INVAL), "{call}");
        assert_eq!(b.sys(call, &[NOWHERE, 5]), refused(Errno::FAULT), "{call}");
    }
}

#[test]
fn mounts_are_looked_up() {
    let mut b = Bench::new();
    let (none, missing, kind) = (b.text("none"), b.text("/proc/nowhere/at/all"), b.text("tmpfs"));
    assert_eq!(b.sys("mount", &[none, missing, kind, 0, 0]), Err(Errno::NOENT));
    assert_eq!(b.sys("mount", &[none, NOWHERE, kind, 0, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("umount2", &[missing, 0]), Err(Errno::NOENT));
    assert_eq!(b.sys("umount2", &[missing, 0xff00]), Err(Errno::INVAL));
    assert_eq!(b.sys("pivot_root", &[missing, missing]), refused(Errno::NOENT));
    match b.sys("acct", &[missing]) {
        Err(Errno::NOSYS) => {} // a host kernel without accounting
        other => assert_eq!(other, refused(Errno::NOENT)),
    }
}

#[test]
fn clocks_are_not_set_to_nonsense() {
    let mut b = Bench::new();
    let time = b.put(&Timespec { sec: 1, nsec: 0 });
    assert_eq!(b.sys("clock_settime", &[libc::CLOCK_MONOTONIC as u64, time]), Err(Errno::INVAL));
    assert_eq!(b.sys("clock_settime", &[libc::CLOCK_REALTIME as u64, NOWHERE]), Err(Errno::FAULT));
    let never = b.put(&Timeval { sec: 1, usec: -1 });
    assert_eq!(b.sys("settimeofday", &[never, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("settimeofday", &[NOWHERE, 0]), Err(Errno::FAULT));
    // A struct timex that changes nothing. The kernel fills it in.
    let timex = b.room(208);
    let tick = |b: &Bench| b.get::<i64>(timex + 88);
    assert!(b.sys("adjtimex", &[timex]).unwrap() <= 5);
    assert!((9000..=11000).contains(&tick(&b)), "{}", tick(&b));
    b.task.mm.write(crate::memory::GuestAddr(timex + 88), &0i64).unwrap();
    assert!(b.sys("clock_adjtime", &[libc::CLOCK_REALTIME as u64, timex]).unwrap() <= 5);
    assert!((9000..=11000).contains(&tick(&b)), "{}", tick(&b));
    assert_eq!(b.sys("adjtimex", &[NOWHERE]), Err(Errno::FAULT));
}

#[test]
fn the_kernel_log_is_as_readable_as_on_the_host() {
    let mut b = Bench::new();
    assert_eq!(b.sys("syslog", &[99, 0, 0]), refused(Errno::INVAL));
    // SYSLOG_ACTION_SIZE_BUFFER.
    match b.sys("syslog", &[10, 0, 0]) {
        Err(Errno::PERM) => assert!(!rustix::process::geteuid().is_root()),
        size => assert!(size.unwrap() >= 4096),
    }
}

#[test]
fn the_controlling_terminal_hangs_up() {
    alone(|| {
        let mut b = Bench::new();
        if !rustix::process::geteuid().is_root() {
            assert_eq!(b.sys("vhangup", &[]), Err(Errno::PERM));
            return;
        }
        let ignore = b.put(&Sigaction { handler: SIG_IGN, flags: 0, mask: 0 });
        b.sys("rt_sigaction", &[libc::SIGHUP as u64, ignore, 0, 8]).unwrap();
        b.sys("setsid", &[]).unwrap();
        // The terminal that the tests were started from must not hang up.
        assert_eq!(rustix::process::getsid(None).unwrap(), rustix::process::getpid());
        let path = b.text("/dev/ptmx");
        let master = b.sys("openat", &[CWD, path, (libc::O_RDWR | libc::O_NOCTTY) as u64]);
        let master = master.expect("/dev/ptmx can be opened: a container has to have /dev/pts mounted");
        let number = b.put(&u32::MAX);
        let unlock = b.put(&0u32);
        b.sys("ioctl", &[master, libc::TIOCSPTLCK, unlock]).unwrap();
        b.sys("ioctl", &[master, libc::TIOCGPTN, number]).unwrap();
        let path = format!("/dev/pts/{}", b.get::<u32>(number));
        let path = b.text(&path);
        let terminal = b.sys("openat", &[CWD, path, libc::O_RDWR as u64]).unwrap();
        let text = b.text("x");
        assert_eq!(b.sys("write", &[terminal, text, 1]), Ok(1));
        assert_eq!(b.sys("vhangup", &[]), Ok(0));
        assert_eq!(b.sys("write", &[terminal, text, 1]), Err(Errno::IO));
    });
}
