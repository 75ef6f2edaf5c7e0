//! poll, select and epoll.

use super::alone::alone;
use super::{Bench, NOWHERE};
use crate::linux::abi::poll::{EpollEvent, Pollfd};
use crate::linux::abi::signal::Siginfo;
use crate::linux::abi::time::{Itimerspec, Timespec};
use rustix::io::Errno;

const SHORT: Timespec = Timespec { sec: 0, nsec: 2_000_000 };

#[test]
fn poll_reports_ready_descriptors() {
    let mut b = Bench::new();
    let (r, w) = b.pipe();
    let list = b.put(&[
        Pollfd { fd: r as i32, events: libc::POLLIN, revents: 0 },
        Pollfd { fd: w as i32, events: libc::POLLOUT, revents: 0 },
        Pollfd { fd: 999_999, events: libc::POLLIN, revents: 0 },
    ]);
    let time = b.put(&SHORT);
    assert_eq!(b.sys("ppoll", &[list, 3, time, 0, 8]), Ok(2));
    let ready: [Pollfd; 3] = b.get(list);
    assert_eq!(ready.map(|p| p.revents), [0, libc::POLLOUT, libc::POLLNVAL]);
    assert_eq!(b.sys("ppoll", &[list, 1, time, 0, 8]), Ok(0));
    assert_eq!(b.get::<Timespec>(time).nsec, 0, "the remaining time is written back");
    assert_eq!(b.sys("ppoll", &[NOWHERE, 1, time, 0, 8]), Err(Errno::FAULT));
    let mask = b.put(&0u64);
    assert_eq!(b.sys("ppoll", &[list, 1, time, mask, 7]), Err(Errno::INVAL));
}

#[test]
fn a_signal_unblocked_by_the_temporary_mask_ends_the_wait() {
    alone(|| {
        let mut b = Bench::new();
        let usr1 = b.put(&(1u64 << (libc::SIGUSR1 - 1)));
        let action = b.put(&[0x4000u64, 0, 0]);
        b.sys("rt_sigaction", &[libc::SIGUSR1 as u64, action, 0, 8]).unwrap();
        b.block(1 << (libc::SIGUSR1 - 1));
        b.sys("tgkill", &[std::process::id().into(), b.task.tid() as u64, libc::SIGUSR1 as u64]).unwrap();
        let (none, short) = (b.put(&0u64), b.put(&SHORT));
        assert_eq!(b.sys("ppoll", &[0, 0, short, usr1, 8]), Ok(0), "the signal is still blocked");
        let time = b.put(&Timespec { sec: 100, nsec: 0 });
        b.outcome(73, &[0, 0, time, none, 8]);
        assert_eq!(b.cpu.pc, 0x4000, "in the handler");
        let frame = b.cpu.x(2);
        let info: Siginfo = b.get(frame);
        assert_eq!((info.signo, info.sender().0), (libc::SIGUSR1, std::process::id() as i32));
        assert_eq!(b.get::<u64>(frame + 128 + 40), 1 << (libc::SIGUSR1 - 1), "the mask from before the call");
    });
}

#[test]
fn select_works_on_sets() {
    let mut b = Bench::new();
    let (r, w) = b.pipe();
    let set = |fds: &[u64]| {
        let mut words = [0u64; 16];
        fds.iter().for_each(|fd| words[*fd as usize / 64] |= 1 << (fd % 64));
        words
    };
    let (reads, writes) = (b.put(&set(&[r])), b.put(&set(&[w])));
    let count = r.max(w) + 1;
    let time = b.put(&SHORT);
    assert_eq!(b.sys("pselect6", &[count, reads, writes, 0, time, 0]), Ok(1));
    assert_eq!((b.get::<[u64; 16]>(reads), b.get::<[u64; 16]>(writes)), (set(&[]), set(&[w])));
    let time = b.put(&SHORT);
    assert_eq!(b.sys("pselect6", &[0, 0, 0, 0, time, 0]), Ok(0));
    assert_eq!(b.get::<Timespec>(time).nsec, 0);
    assert_eq!(b.sys("pselect6", &[count, NOWHERE, 0, 0, time, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("pselect6", &[u64::MAX, 0, 0, 0, time, 0]), Err(Errno::INVAL));
    let bad_mask = b.put(&[SHORT.sec as u64 + 64, 4]);
    assert_eq!(b.sys("pselect6", &[0, 0, 0, 0, time, bad_mask]), Err(Errno::INVAL));
}

#[test]
fn epoll_events_are_naturally_aligned() {
    let mut b = Bench::new();
    let epoll = b.sys("epoll_create1", &[libc::EPOLL_CLOEXEC as u64]).unwrap();
    let event = b.sys("eventfd2", &[3, 0]).unwrap();
    let mark = 0x0123_4567_89ab_cdef;
    let wanted = b.put(&EpollEvent { events: libc::EPOLLIN as u32, pad: 0, data: mark });
    assert_eq!(b.sys("epoll_ctl", &[epoll, libc::EPOLL_CTL_ADD as u64, event, wanted]), Ok(0));
    assert_eq!(b.sys("epoll_ctl", &[epoll, libc::EPOLL_CTL_ADD as u64, event, wanted]), Err(Errno::EXIST));
    assert_eq!(b.sys("epoll_ctl", &[epoll, libc::EPOLL_CTL_MOD as u64, event, NOWHERE]), Err(Errno::FAULT));
    let out = b.room(64);
    assert_eq!(b.sys("epoll_pwait", &[epoll, out, 4, 100, 0, 8]), Ok(1));
    let got: EpollEvent = b.get(out);
    assert_eq!((got.events, got.data), (libc::EPOLLIN as u32, mark));
    assert_eq!(b.sys("epoll_pwait", &[epoll, NOWHERE, 4, 100, 0, 8]), Err(Errno::FAULT));
    let buf = b.room(8);
    assert_eq!(b.sys("read", &[event, buf, 8]), Ok(8));
    assert_eq!(b.get::<u64>(buf), 3);
    let time = b.put(&SHORT);
    assert_eq!(b.sys("epoll_pwait2", &[epoll, out, 4, time, 0, 8]), Ok(0));
    assert_eq!(b.sys("epoll_pwait2", &[epoll, out, 0, time, 0, 8]), Err(Errno::INVAL));
    assert_eq!(b.sys("epoll_pwait2", &[epoll, super::BEYOND, 4, time, 0, 8]), Err(Errno::FAULT), "before the wait");
    assert_eq!(b.sys("epoll_pwait2", &[epoll, out, 4, NOWHERE, 0, 8]), Err(Errno::FAULT));
    let one = b.put(&1u64);
    b.sys("write", &[event, one, 8]).unwrap();
    assert_eq!(b.sys("epoll_pwait2", &[epoll, out + 16, 2, time, 0, 8]), Ok(1));
    assert_eq!(b.get::<EpollEvent>(out + 16).data, mark);
    assert_eq!(b.sys("epoll_pwait", &[epoll, out, 0, 0, 0, 8]), Err(Errno::INVAL));
    assert_eq!(b.sys("epoll_ctl", &[epoll, libc::EPOLL_CTL_DEL as u64, event, 0]), Ok(0));
    assert_eq!(b.sys("epoll_ctl", &[epoll, libc::EPOLL_CTL_DEL as u64, event, 0]), Err(Errno::NOENT));
}

#[test]
fn timerfd_and_inotify_are_read() {
    let mut b = Bench::new();
    let timer = b.sys("timerfd_create", &[libc::CLOCK_MONOTONIC as u64, 0]).unwrap();
    let zero = Timespec { sec: 0, nsec: 0 };
    let time = b.put(&Itimerspec { interval: zero, value: Timespec { sec: 0, nsec: 1_000_000 } });
    let hour = b.put(&Itimerspec { interval: zero, value: Timespec { sec: 3600, nsec: 0 } });
    let buf = b.room(64);
    assert_eq!(b.sys("timerfd_settime", &[timer, 0, hour, 0]), Ok(0));
    assert_eq!(b.sys("timerfd_settime", &[timer, 0, time, buf]), Ok(0));
    assert!(b.get::<Itimerspec>(buf).value.sec > 3000, "the remaining time of the hour");
    assert_eq!(b.sys("read", &[timer, buf, 8]), Ok(8));
    assert_eq!(b.get::<u64>(buf), 1);
    assert_eq!(b.sys("timerfd_gettime", &[timer, NOWHERE]), Err(Errno::FAULT));
    let dir = tempfile::tempdir().unwrap();
    let path = b.text(dir.path().to_str().unwrap());
    let watcher = b.sys("inotify_init1", &[libc::IN_NONBLOCK as u64]).unwrap();
    let watch = b.sys("inotify_add_watch", &[watcher, path, libc::IN_CREATE.into()]).unwrap();
    assert!(watch > 0);
    std::fs::write(dir.path().join("new"), "").unwrap();
    assert_eq!(b.sys("read", &[watcher, buf, 64]), Ok(32));
    assert_eq!(b.bytes(buf + 16, 4), b"new\0");
    assert_eq!(b.sys("inotify_rm_watch", &[watcher, watch]), Ok(0));
    assert_eq!(b.sys("inotify_rm_watch", &[watcher, watch]), Err(Errno::INVAL));
}
