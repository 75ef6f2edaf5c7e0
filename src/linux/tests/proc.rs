//! /proc, as the guest sees it.

use super::alone::alone;
use super::{Bench, CWD, NOWHERE};
use crate::linux::abi::file::{OpenHow, Stat};
use crate::linux::abi::process::Rlimit;
use crate::linux::abi::signal::Sigaction;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;

const ANONYMOUS: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;

/// Reads a descriptor to its end and closes it.
fn contents(b: &mut Bench, fd: u64) -> String {
    let buf = b.room(4096);
    let mut text = Vec::new();
    loop {
        match b.sys("read", &[fd, buf, 4096]).unwrap() {
            0 => break,
            len => text.extend(b.bytes(buf, len as usize)),
        }
    }
    b.sys("close", &[fd]).unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads a file to its end.
pub(super) fn read(b: &mut Bench, path: &str) -> String {
    let at = b.text(path);
    let fd = b.sys("openat", &[CWD, at, libc::O_CLOEXEC as u64]).unwrap_or_else(|e| panic!("{path}: {e}"));
    contents(b, fd)
}

/// The value of a line `key: value`.
fn value(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {key} in {text}")).trim().to_owned()
}

#[test]
fn files_of_the_guest_need_no_second_descriptor() {
    alone(|| {
        let mut b = Bench::new();
        for name in ["stat", "statm", "status", "smaps", "smaps_rollup", "numa_maps"] {
            let path = format!("/proc/self/{name}");
            let whole = read(&mut b, &path);
            let at = b.text(&path);
            let fd = b.sys("openat", &[CWD, at, 0]).unwrap();
            // It has the lowest free number, so that no number below the limit is free.
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
            let low = rustix::process::Rlimit { current: Some(fd + 1), ..limit };
            rustix::process::setrlimit(rustix::process::Resource::Nofile, low).unwrap();
            assert_eq!(b.sys("dup", &[fd]), Err(Errno::MFILE));
            let text = contents(&mut b, fd);
            rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
            assert_eq!(text.split_whitespace().count(), whole.split_whitespace().count(), "{name}: {text}");
        }
    });
}

#[test]
fn files_show_the_guest() {
    let mut b = Bench::new();
    let maps = read(&mut b, "/proc/self/maps");
    assert!(maps.starts_with("00020000-00120000 rw-p 00000000 00:00 0 \n"), "{maps}");
    assert!(maps.contains(" r-xp 00000000 00:00 0") && maps.ends_with(" [vdso]\n"), "{maps}");
    assert_eq!(read(&mut b, "/proc/self/cmdline"), "guest\0-x\0");
    assert_eq!(read(&mut b, &format!("/proc/{}/environ", std::process::id())), "A=1\0");
    let cpu = read(&mut b, "/proc/cpuinfo");
    assert!(cpu.contains("isa\t\t: rv64imafd") && cpu.contains("_zba_zbb"), "{cpu}");
    // The kernel's ISA string has no Zmmul.
    assert!(!cpu.contains("zmmul"), "{cpu}");
    b.sys("personality", &[0x40000]).unwrap();
    assert_eq!(read(&mut b, "/proc/self/personality"), "00040000\n");
    let path = b.text("/proc/self/auxv");
    let fd = b.sys("openat", &[CWD, path, 0]).unwrap();
    let buf = b.room(64);
    assert_eq!(b.sys("read", &[fd, buf, 64]), Ok(48));
    assert_eq!(b.get::<[u64; 2]>(buf), [6, 4096]);
    assert_eq!(b.sys("fcntl", &[fd, libc::F_GETFD as u64]), Ok(0));
    assert_eq!(b.sys("write", &[fd, buf, 1]), Err(Errno::BADF), "the file is open read-only");
    assert_eq!(b.sys("lseek", &[fd, 0, libc::SEEK_CUR as u64]), Ok(48));
}

#[test]
fn a_program_may_change_what_its_command_line_shows() {
    let mut b = Bench::new();
    let args = super::SCRATCH;
    b.task.mm.write_bytes(crate::memory::GuestAddr(args), b"title: x\0").unwrap();
    assert_eq!(read(&mut b, "/proc/self/cmdline"), "title: x\0");
    b.task.mm.write_bytes(crate::memory::GuestAddr(args), b"title: long").unwrap();
    assert_eq!(read(&mut b, "/proc/self/cmdline"), "title: long1\0", "continues into the environment area");
}

#[test]
fn any_path_to_a_file_shows_the_guest() {
    let mut b = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("/proc/self/maps", &link).unwrap();
    let (pid, tid) = (std::process::id(), b.task.tid());
    let paths = [
        format!("/proc/{pid}/maps"),
        "/proc/thread-self/maps".to_owned(),
        format!("/proc/self/task/{tid}/maps"),
        format!("/proc/{pid}/task/{tid}/maps"),
        "/proc/../proc//self/./maps".to_owned(),
        "/dev/../proc/self/maps".to_owned(),
        link.to_str().unwrap().to_owned(),
    ];
    for path in paths {
        let maps = read(&mut b, &path);
        assert!(maps.starts_with("00020000-00120000 rw-p"), "{path}: {maps}");
    }
    let (own, name) = (b.text("/proc/self"), b.text("maps"));
    let own = b.sys("openat", &[CWD, own, libc::O_PATH as u64]).unwrap();
    let fd = b.sys("openat", &[own, name, 0]).unwrap();
    assert!(contents(&mut b, fd).starts_with("00020000-"));
    let how = b.put(&OpenHow { flags: 0, mode: 0, resolve: 8 });
    let fd = b.sys("openat2", &[own, name, how, 24]).unwrap();
    assert!(contents(&mut b, fd).starts_with("00020000-"));
    // Other processes appear unchanged.
    assert!(!read(&mut b, "/proc/1/cmdline").starts_with("guest"));
}

#[test]
fn exe_is_the_guests_program() {
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().canonicalize().unwrap().join("program");
    std::fs::write(&exe, "the program").unwrap();
    let mut b = Bench::with(|c| c.image.exe.clone_from(&exe));
    let buf = b.room(256);
    for path in ["/proc/self/exe".to_owned(), format!("/proc/self/task/{}/exe", b.task.tid())] {
        assert_eq!(read(&mut b, &path), "the program");
        let path = b.text(&path);
        let len = b.sys("readlinkat", &[CWD, path, buf, 256]).unwrap();
        assert_eq!(b.bytes(buf, len as usize), exe.to_str().unwrap().as_bytes());
        assert_eq!(b.sys("readlinkat", &[CWD, path, buf, 3]), Ok(3));
        b.sys("newfstatat", &[CWD, path, buf, 0]).unwrap();
        assert_eq!(b.get::<Stat>(buf).ino, exe.metadata().unwrap().ino());
        b.sys("newfstatat", &[CWD, path, buf, libc::AT_SYMLINK_NOFOLLOW as u64]).unwrap();
        assert_eq!(b.get::<Stat>(buf).mode & libc::S_IFMT, libc::S_IFLNK);
        assert_eq!(b.sys("openat", &[CWD, path, libc::O_NOFOLLOW as u64]), Err(Errno::LOOP));
    }
    let (own, name, empty) = (b.text("/proc/self"), b.text("exe"), b.text(""));
    let own = b.sys("openat", &[CWD, own, libc::O_DIRECTORY as u64]).unwrap();
    let fd = b.sys("openat", &[own, name, 0]).unwrap();
    assert_eq!(contents(&mut b, fd), "the program");
    b.sys("newfstatat", &[own, name, buf, 0]).unwrap();
    assert_eq!(b.get::<Stat>(buf).ino, exe.metadata().unwrap().ino());
    let link = b.sys("openat", &[own, name, (libc::O_PATH | libc::O_NOFOLLOW) as u64]).unwrap();
    let len = b.sys("readlinkat", &[link, empty, buf, 256]).unwrap();
    assert_eq!(b.bytes(buf, len as usize), exe.to_str().unwrap().as_bytes());
    // An empty path does not follow it.
    b.sys("newfstatat", &[link, empty, buf, libc::AT_EMPTY_PATH as u64]).unwrap();
    assert_eq!(b.get::<Stat>(buf).mode & libc::S_IFMT, libc::S_IFLNK);
    // RESOLVE_NO_MAGICLINKS.
    let how = b.put(&OpenHow { flags: 0, mode: 0, resolve: 2 });
    assert_eq!(b.sys("openat2", &[own, name, how, 24]), Err(Errno::LOOP));
}

#[test]
fn our_descriptors_are_not_listed() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let ours = std::os::fd::AsRawFd::as_raw_fd(&file);
    let mut b = Bench::with(|c| c.services.own_fds = vec![ours]);
    let buf = b.room(4096);
    for kind in ["fd", "fdinfo"] {
        let path = b.text(&format!("/proc/self/{kind}"));
        let dir = b.sys("openat", &[CWD, path, libc::O_DIRECTORY as u64]).unwrap();
        let mut names = Vec::new();
        loop {
            let used = b.sys("getdents64", &[dir, buf, 100]).unwrap() as usize;
            if used == 0 {
                break;
            }
            let bytes = b.bytes(buf, used);
            let mut at = 0;
            while at < used {
                let name = bytes[at + 19..].split(|&c| c == 0).next().unwrap();
                names.push(String::from_utf8_lossy(name).into_owned());
                at += usize::from(u16::from_le_bytes([bytes[at + 16], bytes[at + 17]]));
            }
        }
        assert!(names.contains(&dir.to_string()) && !names.contains(&ours.to_string()), "{ours}: {names:?}");
        let name = b.text(&ours.to_string());
        assert_eq!(b.sys("openat", &[dir, name, 0]), Err(Errno::NOENT));
        assert_eq!(b.sys("readlinkat", &[dir, name, buf, 64]), Err(Errno::NOENT));
        assert_eq!(b.sys("newfstatat", &[dir, name, buf, 0]), Err(Errno::NOENT));
        assert_eq!(b.sys("faccessat", &[dir, name, 0]), Err(Errno::NOENT));
        let theirs = b.text(&dir.to_string());
        assert_eq!(b.sys("faccessat", &[dir, theirs, 0]), Ok(0));
    }
    let short = b.text(&format!("/dev/fd/{ours}"));
    assert_eq!(b.sys("openat", &[CWD, short, 0]), Err(Errno::NOENT));
}

#[test]
fn paths_do_not_contain_the_sysroot() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("lib")).unwrap();
    std::fs::write(root.join("lib/data"), "x").unwrap();
    let mut b = Bench::with(|c| {
        c.image.exe = root.join("bin/guest");
        c.spec.sysroot = Some(root.clone());
    });
    let path = b.text("/lib/data");
    let fd = b.sys("openat", &[CWD, path, 0]).unwrap();
    let at = b.sys("mmap", &[NOWHERE, 4096, 1, libc::MAP_PRIVATE as u64, fd, 0]).unwrap();
    let maps = read(&mut b, "/proc/self/maps");
    let line = maps.lines().find(|line| line.starts_with(&format!("{at:08x}-"))).unwrap();
    assert!(line.ends_with(" /lib/data"), "{line}");
    let (link, buf) = (b.text(&format!("/proc/self/fd/{fd}")), b.room(64));
    assert_eq!(b.sys("readlinkat", &[CWD, link, buf, 64]), Ok(9));
    assert_eq!(b.bytes(buf, 9), b"/lib/data");
    let exe = b.text("/proc/self/exe");
    assert_eq!(b.sys("readlinkat", &[CWD, exe, buf, 64]), Ok(10));
    assert_eq!(b.bytes(buf, 10), b"/bin/guest");
}

#[test]
fn pages_are_counted_per_guest_vma() {
    // The child of another test's fork would share the pages.
    alone(|| {
        let mut b = Bench::new();
        let at = b.sys("mmap", &[NOWHERE, 8 * 4096, 3, ANONYMOUS, u64::MAX, 0]).unwrap();
        for page in [0, 3] {
            b.task.mm.write(crate::memory::GuestAddr(at + page * 4096), &1u8).unwrap();
        }
        let smaps = read(&mut b, "/proc/self/smaps");
        let area = smaps.split_once(&format!("{at:08x}-{:08x} rw-p 00000000 00:00 0 \n", at + 8 * 4096)).unwrap().1;
        assert!(area.starts_with("Size:                 32 kB\nKernelPageSize:        4 kB\n"), "{area}");
        for (key, kb) in [("Rss", "8 kB"), ("Private_Dirty", "8 kB"), ("Anonymous", "8 kB"), ("Swap", "0 kB")] {
            assert_eq!(value(area, key), kb, "{key}");
        }
        assert!(value(area, "VmFlags").starts_with("rd wr mr mw me"), "{area}");
        let rollup = read(&mut b, "/proc/self/smaps_rollup");
        assert!(rollup.starts_with("00020000-") && rollup.lines().next().unwrap().ends_with(" [rollup]"), "{rollup}");
        let kb = |key: &str| value(&rollup, key).strip_suffix(" kB").unwrap().parse::<u64>().unwrap();
        assert!(kb("Anonymous") >= 8 && kb("Rss") >= kb("Anonymous"), "{rollup}");
    });
}

#[test]
fn stat_statm_and_status_are_the_guests() {
    alone(|| {
        // Names, thread IDs and masks are per thread, and the test does not run in the main thread.
        let mut b = Bench::new();
        let tid = b.task.tid().to_string();
        assert_eq!(read(&mut b, "/proc/thread-self/comm"), "guest\n");
        let title = b.text("a ) b");
        b.sys("prctl", &[libc::PR_SET_NAME as u64, title]).unwrap();
        let action = b.put(&Sigaction { handler: 0x4000, flags: 0, mask: 0 });
        b.sys("rt_sigaction", &[12, action, 0, 8]).unwrap();
        let ignore = b.put(&Sigaction { handler: 1, flags: 0, mask: 0 });
        b.sys("rt_sigaction", &[40, ignore, 0, 8]).unwrap();
        let blocked = b.put(&(1u64 << 13));
        b.sys("rt_sigprocmask", &[0, blocked, 0, 8]).unwrap();
        let size = b.task.mm.mapped_bytes();

        let status = read(&mut b, "/proc/thread-self/status");
        assert_eq!(value(&status, "Name"), "a ) b");
        assert_eq!(value(&status, "VmSize"), format!("{} kB", size / 1024));
        assert_eq!(value(&status, "SigBlk"), "0000000000002000");
        assert_eq!(value(&status, "SigCgt"), "0000000000000800");
        assert_eq!(u64::from_str_radix(&value(&status, "SigIgn"), 16).unwrap() >> 39 & 1, 1);
        assert_eq!(value(&status, "Pid"), tid);
        assert!(!status.contains("untag_mask") && !status.contains("x86"), "{status}");
        let rss: u64 = value(&status, "VmRSS").strip_suffix(" kB").unwrap().parse().unwrap();
        assert!((4..=size / 1024).contains(&rss), "{rss}");

        let stat = read(&mut b, "/proc/thread-self/stat");
        assert!(stat.starts_with(&format!("{tid} (a ) b) R ")), "{stat}");
        let fields: Vec<u64> =
            stat.rsplit_once(") ").unwrap().1[2..].trim().split(' ').map(|n| n.parse().unwrap_or(0)).collect();
        let field = |number: usize| fields[number - 4];
        assert_eq!((field(23), field(28)), (size, super::SCRATCH + super::SCRATCH_SIZE));
        assert_eq!((field(32), field(34)), (0x2000, 0x800));
        assert_eq!((field(47), field(48), field(49)), (0x80_0000, super::SCRATCH, super::SCRATCH + 9));
        assert_eq!((field(50), field(51)), (super::SCRATCH + 9, super::SCRATCH + 13));
        assert_eq!(fields.len(), 49);

        let statm = read(&mut b, "/proc/thread-self/statm");
        let pages: Vec<u64> = statm.trim().split(' ').map(|n| n.parse().unwrap()).collect();
        assert_eq!((pages.len(), pages[0]), (7, size / 4096));
        assert!(pages[1] > 0 && pages[2] <= pages[1] && pages[5] >= super::SCRATCH_SIZE / 4096, "{statm}");
    });
}

#[test]
fn limits_are_the_guests() {
    let mut b = Bench::new();
    let limit = b.put(&Rlimit { cur: 12345678, max: u64::MAX });
    b.sys("setrlimit", &[libc::RLIMIT_STACK.into(), limit]).unwrap();
    let limits = read(&mut b, "/proc/self/limits");
    let line = limits.lines().find(|line| line.starts_with("Max stack size")).unwrap();
    assert!(line.starts_with("Max stack size            12345678             "), "{line}");
    assert!(line.ends_with(" bytes     "), "{line}");
    let host = std::fs::read_to_string("/proc/self/limits").unwrap();
    assert_eq!(limits.lines().nth(7), host.lines().nth(7), "the process limit is the host's");
}

#[test]
fn mem_cannot_be_opened_where_addresses_differ() {
    let mut b = Bench::new();
    let path = b.text("/proc/self/mem");
    assert_eq!(b.sys("openat", &[CWD, path, 0]), Err(Errno::ACCESS));
    assert_eq!(b.missing.take(), "/proc/self/mem where addresses are not the host's\n");
}
