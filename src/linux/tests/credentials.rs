//! Users, groups, sessions and capabilities, in separate processes that may change them.

use super::alone::alone;
use super::{Bench, NOWHERE};
use rustix::io::Errno;

/// Whether the tests may change their user.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn three(b: &mut Bench, call: &str) -> [u32; 3] {
    let at = [b.put(&9u32), b.put(&9u32), b.put(&9u32)];
    assert_eq!(b.sys(call, &at), Ok(0));
    at.map(|at| b.get(at))
}

#[test]
fn groups_are_set_and_read() {
    alone(|| {
        let mut b = Bench::new();
        let list = b.put(&[5u32, 6]);
        if !is_root() {
            let other = u64::from(rustix::process::getgid().as_raw()) + 1;
            assert_eq!(b.sys("getgid", &[]), Ok(other - 1));
            assert_eq!(b.sys("getegid", &[]), Ok(rustix::process::getegid().as_raw().into()));
            assert_eq!(three(&mut b, "getresgid")[0], rustix::process::getgid().as_raw());
            assert_eq!(b.sys("setgid", &[other]), Err(Errno::PERM));
            assert_eq!(b.sys("setregid", &[other, other]), Err(Errno::PERM));
            assert_eq!(b.sys("setresgid", &[other, other, other]), Err(Errno::PERM));
            assert_eq!(b.sys("setfsgid", &[other]), b.sys("getegid", &[]));
            assert_eq!(b.sys("setgroups", &[2, list]), Err(Errno::PERM));
            return;
        }
        assert_eq!(b.sys("setgroups", &[2, list]), Ok(0));
        let back = b.room(8);
        assert_eq!(b.sys("getgroups", &[2, back]), Ok(2));
        assert_eq!(b.get::<[u32; 2]>(back), [5, 6]);
        assert_eq!(b.sys("setgroups", &[2, NOWHERE]), Err(Errno::FAULT));
        assert_eq!(b.sys("setresgid", &[11, 12, 13]), Ok(0));
        assert_eq!(three(&mut b, "getresgid"), [11, 12, 13]);
        assert_eq!((b.sys("getgid", &[]), b.sys("getegid", &[])), (Ok(11), Ok(12)));
        assert_eq!(b.sys("setregid", &[21, u64::MAX]), Ok(0));
        assert_eq!(three(&mut b, "getresgid"), [21, 12, 12]);
        assert_eq!(b.sys("setgid", &[31]), Ok(0));
        assert_eq!(three(&mut b, "getresgid"), [31, 31, 31]);
        assert_eq!(b.sys("setfsgid", &[41]), Ok(31));
        assert_eq!(b.sys("setfsgid", &[u64::MAX]), Ok(41));
    });
}

#[test]
fn users_are_set_and_read() {
    alone(|| {
        let mut b = Bench::new();
        if !is_root() {
            let other = u64::from(rustix::process::getuid().as_raw()) + 1;
            assert_eq!(b.sys("getuid", &[]), Ok(other - 1));
            assert_eq!(b.sys("geteuid", &[]), Ok(rustix::process::geteuid().as_raw().into()));
            assert_eq!(three(&mut b, "getresuid")[0], rustix::process::getuid().as_raw());
            assert_eq!(b.sys("setuid", &[other]), Err(Errno::PERM));
            assert_eq!(b.sys("setreuid", &[other, other]), Err(Errno::PERM));
            assert_eq!(b.sys("setresuid", &[other, other, other]), Err(Errno::PERM));
            assert_eq!(b.sys("setfsuid", &[other]), b.sys("geteuid", &[]));
            return;
        }
        assert_eq!(b.sys("setfsuid", &[51]), Ok(0));
        assert_eq!(b.sys("setfsuid", &[u64::MAX]), Ok(51));
        assert_eq!(b.sys("setresuid", &[71, 0, 73]), Ok(0));
        assert_eq!(three(&mut b, "getresuid"), [71, 0, 73]);
        assert_eq!(b.sys("setreuid", &[61, u64::MAX]), Ok(0));
        assert_eq!(b.sys("getuid", &[]), Ok(61));
        assert_eq!(b.sys("setuid", &[81]), Ok(0));
        assert_eq!(three(&mut b, "getresuid"), [81, 81, 81]);
        assert_eq!((b.sys("getuid", &[]), b.sys("geteuid", &[])), (Ok(81), Ok(81)));
        assert_eq!(b.sys("setuid", &[0]), Err(Errno::PERM), "the privilege is gone");
    });
}

#[test]
fn setsid_makes_a_session_and_a_process_group() {
    alone(|| {
        let mut b = Bench::new();
        let pid = u64::from(std::process::id());
        assert_eq!(b.sys("setsid", &[]), Ok(pid));
        assert_eq!((b.sys("getsid", &[0]), b.sys("getpgid", &[0])), (Ok(pid), Ok(pid)));
        assert_eq!(b.sys("getsid", &[0x7fff_ffff]), Err(Errno::SRCH));
        assert_eq!(b.sys("setpgid", &[0, 0]), Err(Errno::PERM), "the process is a session leader");
    });
}

#[test]
fn a_process_group_leader_cannot_start_a_session() {
    alone(|| {
        let mut b = Bench::new();
        let pid = u64::from(std::process::id());
        assert_ne!(b.sys("getpgid", &[0]), Ok(pid));
        assert_eq!(b.sys("setpgid", &[0, 0]), Ok(0));
        assert_eq!(b.sys("getpgid", &[0]), Ok(pid));
        assert_eq!(b.sys("setsid", &[]), Err(Errno::PERM), "the process is a group leader");
        assert_eq!(b.sys("setpgid", &[0, u64::MAX]), Err(Errno::INVAL));
    });
}

/// _LINUX_CAPABILITY_VERSION_3.
const VERSION: u32 = 0x2008_0522;

/// The hexadecimal value of a line in /proc/self/status.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t")).unwrap().to_owned();
    u64::from_str_radix(&value, 16).unwrap()
}

#[test]
fn capabilities_are_read_and_dropped() {
    alone(|| {
        let mut b = Bench::new();
        let header = b.put(&[VERSION, 0]);
        let data = b.put(&[9u32; 6]);
        assert_eq!(b.sys("capget", &[header, data]), Ok(0));
        let [effective, permitted, _, effective_high, ..] = b.get::<[u32; 6]>(data);
        assert_eq!(u64::from(effective_high) << 32 | u64::from(effective), status("CapEff"));
        assert_eq!(permitted, status("CapPrm") as u32);
        let none = b.put(&[0u32; 6]);
        let other = b.put(&[VERSION, 1]);
        assert_eq!(b.sys("capset", &[other, none]), Err(Errno::PERM));
        assert_eq!(b.sys("capset", &[header, NOWHERE]), Err(Errno::FAULT));
        assert_eq!(b.sys("capset", &[header, none]), Ok(0));
        assert_eq!((status("CapEff"), status("CapPrm")), (0, 0));
        let unknown = b.put(&[1u32, 0]);
        assert_eq!(b.sys("capget", &[unknown, data]), Err(Errno::INVAL));
        assert_eq!(b.get::<u32>(unknown), VERSION, "the kernel returns its preferred version");
    });
}
