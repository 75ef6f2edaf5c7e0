//! Files, directories, links and attributes.

use super::alone::alone;
use super::{Bench, CWD, NOWHERE};
use crate::linux::abi::file::{OpenHow, Stat, Statfs, Statx};
use crate::linux::abi::time::Timespec;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;

const CREATE: u64 = (libc::O_CREAT | libc::O_RDWR) as u64;

/// A temporary directory, and a function that puts the path of a name in it into guest memory.
fn directory() -> (tempfile::TempDir, impl Fn(&mut Bench, &str) -> u64) {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().to_str().unwrap().to_owned();
    (dir, move |b, name| b.text(&format!("{base}/{name}")))
}

#[test]
fn files_are_created_and_opened() {
    let mut b = Bench::new();
    let (dir, path) = directory();
    let f = path(&mut b, "f");
    assert_eq!(b.sys("openat", &[CWD, f, 0]), Err(Errno::NOENT));
    let fd = b.sys("openat", &[CWD, f, CREATE | libc::O_EXCL as u64, 0o600]).unwrap();
    assert_eq!(dir.path().join("f").metadata().unwrap().mode(), 0o100_600);
    assert_eq!(b.sys("openat", &[CWD, f, CREATE | libc::O_EXCL as u64, 0o600]), Err(Errno::EXIST));
    assert_eq!(b.sys("openat", &[CWD, f, libc::O_DIRECTORY as u64]), Err(Errno::NOTDIR));
    assert_eq!(b.sys("openat", &[CWD, NOWHERE, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("openat", &[CWD, 0, 0]), Err(Errno::FAULT));
    let long = b.put([b'a'; 4096].as_slice());
    assert_eq!(b.sys("openat", &[CWD, long, 0]), Err(Errno::NAMETOOLONG));
    let relative = b.text("x");
    assert_eq!(b.sys("openat", &[fd, relative, 0]), Err(Errno::NOTDIR));
    assert_eq!(b.sys("openat", &[999_999, relative, 0]), Err(Errno::BADF));
}

#[test]
fn openat2_checks_its_structure() {
    let mut b = Bench::new();
    let (dir, _) = directory();
    std::fs::write(dir.path().join("f"), "x").unwrap();
    std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
    let base = b.text(dir.path().to_str().unwrap());
    let base = b.sys("openat", &[CWD, base, libc::O_PATH as u64]).unwrap();
    let (f, out) = (b.text("f"), b.text("out/passwd"));
    let how = b.put(&OpenHow { flags: 0, mode: 0, resolve: 8 });
    assert!(b.sys("openat2", &[base, f, how, 24]).is_ok());
    assert_eq!(b.sys("openat2", &[base, out, how, 24]), Err(Errno::XDEV));
    assert_eq!(b.sys("openat2", &[base, f, how, 16]), Err(Errno::INVAL));
    let later = b.put(&[0u64, 0, 0, 1]);
    assert_eq!(b.sys("openat2", &[base, f, later, 32]), Err(Errno::TOOBIG));
}

#[test]
fn stat_has_the_generic_layout() {
    let mut b = Bench::new();
    let (dir, path) = directory();
    std::fs::write(dir.path().join("f"), vec![7; 12345]).unwrap();
    let host = dir.path().join("f").metadata().unwrap();
    let f = path(&mut b, "f");
    let at = b.room(128);
    assert_eq!(b.sys("newfstatat", &[CWD, f, at, 0]), Ok(0));
    let stat: Stat = b.get(at);
    assert_eq!((stat.dev, stat.ino, stat.mode), (host.dev(), host.ino(), host.mode()));
    assert_eq!((stat.nlink, stat.size, stat.blocks), (1, 12345, host.blocks() as i64));
    assert_eq!((stat.mtime.sec, stat.mtime.nsec), (host.mtime(), host.mtime_nsec()));
    assert_eq!(stat.blksize as u64, host.blksize());
    let fd = b.sys("openat", &[CWD, f, 0]).unwrap();
    let again = b.room(128);
    assert_eq!(b.sys("fstat", &[fd, again]), Ok(0));
    assert_eq!(b.bytes(at, 128), b.bytes(again, 128));
    assert_eq!(b.sys("fstat", &[fd, NOWHERE]), Err(Errno::FAULT));
    let null = b.room(128);
    let dev_null = b.text("/dev/null");
    b.sys("newfstatat", &[CWD, dev_null, null, 0]).unwrap();
    assert_eq!(b.get::<Stat>(null).rdev, 0x103);
    let empty = b.text("");
    let both = libc::AT_EMPTY_PATH as u64;
    assert_eq!(b.sys("newfstatat", &[fd, empty, again, both]), Ok(0));
    assert_eq!(b.sys("newfstatat", &[fd, 0, again, both]), Ok(0));
    assert_eq!(b.sys("newfstatat", &[fd, empty, again, 0]), Err(Errno::NOENT));
    let x = b.room(256);
    assert_eq!(b.sys("statx", &[CWD, f, 0, 0x7ff, x]), Ok(0));
    let statx: Statx = b.get(x);
    assert_eq!((statx.size, u64::from(statx.mode), statx.ino), (12345, u64::from(host.mode()), host.ino()));
}

#[test]
fn directory_entries_are_created_renamed_and_removed() {
    let mut b = Bench::new();
    let (dir, path) = directory();
    let there = |name: &str| dir.path().join(name).symlink_metadata().is_ok();
    let (d, f, g, l) = (path(&mut b, "d"), path(&mut b, "f"), path(&mut b, "g"), path(&mut b, "l"));
    assert_eq!(b.sys("mkdirat", &[CWD, d, 0o755]), Ok(0));
    assert_eq!(b.sys("mkdirat", &[CWD, d, 0o755]), Err(Errno::EXIST));
    assert_eq!(b.sys("mknodat", &[CWD, f, libc::S_IFREG as u64 | 0o644, 0]), Ok(0));
    assert!(there("d") && there("f"));
    assert_eq!(b.sys("linkat", &[CWD, f, CWD, g, 0]), Ok(0));
    assert_eq!(dir.path().join("f").metadata().unwrap().nlink(), 2);
    let target = b.text("f");
    assert_eq!(b.sys("symlinkat", &[target, CWD, l]), Ok(0));
    let buf = b.room(16);
    assert_eq!(b.sys("readlinkat", &[CWD, l, buf, 16]), Ok(1));
    assert_eq!(b.bytes(buf, 2), b"f\0");
    assert_eq!(b.sys("readlinkat", &[CWD, f, buf, 16]), Err(Errno::INVAL));
    assert_eq!(b.sys("readlinkat", &[CWD, l, buf, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("renameat2", &[CWD, f, CWD, g, 1]), Err(Errno::EXIST));
    let h = path(&mut b, "h");
    assert_eq!(b.sys("renameat2", &[CWD, f, CWD, h, 0]), Ok(0));
    assert!(!there("f") && there("h"));
    assert_eq!(b.sys("unlinkat", &[CWD, d, 0]), Err(Errno::ISDIR));
    assert_eq!(b.sys("unlinkat", &[CWD, d, libc::AT_REMOVEDIR as u64]), Ok(0));
    assert_eq!(b.sys("unlinkat", &[CWD, h, 0]), Ok(0));
    assert!(!there("d") && !there("h") && there("g"));
}

#[test]
fn modes_owners_times_and_sizes_are_set() {
    let mut b = Bench::new();
    let (dir, path) = directory();
    std::fs::write(dir.path().join("f"), "hello").unwrap();
    let meta = || dir.path().join("f").metadata().unwrap();
    let f = path(&mut b, "f");
    assert_eq!(b.sys("fchmodat", &[CWD, f, 0o604]), Ok(0));
    assert_eq!(meta().mode() & 0o7777, 0o604);
    let fd = b.sys("openat", &[CWD, f, libc::O_RDWR as u64]).unwrap();
    assert_eq!(b.sys("fchmod", &[fd, 0o640]), Ok(0));
    assert_eq!(meta().mode() & 0o7777, 0o640);
    match b.sys("fchmodat2", &[CWD, f, 0o600, 0]) {
        Ok(0) => assert_eq!(meta().mode() & 0o7777, 0o600),
        other => assert_eq!(other, Err(Errno::NOSYS), "only old host kernels lack fchmodat2"),
    }
    assert_eq!(b.sys("faccessat", &[CWD, f, libc::X_OK as u64]), Err(Errno::ACCESS));
    assert_eq!(b.sys("faccessat2", &[CWD, f, libc::R_OK as u64, 0x200]), Ok(0));
    assert_eq!(b.sys("faccessat2", &[CWD, f, libc::X_OK as u64, 0x200]), Err(Errno::ACCESS));
    let times = b.put(&[Timespec { sec: 1000, nsec: 5 }, Timespec { sec: 2000, nsec: 6 }]);
    assert_eq!(b.sys("utimensat", &[CWD, f, times, 0]), Ok(0));
    assert_eq!((meta().atime(), meta().mtime(), meta().mtime_nsec()), (1000, 2000, 6));
    let times = b.put(&[Timespec { sec: 3000, nsec: 0 }, Timespec { sec: 0, nsec: libc::UTIME_OMIT }]);
    assert_eq!(b.sys("utimensat", &[fd, 0, times, 0]), Ok(0));
    assert_eq!((meta().atime(), meta().mtime()), (3000, 2000));
    assert_eq!(b.sys("truncate", &[f, 3]), Ok(0));
    assert_eq!(meta().len(), 3);
    assert_eq!(b.sys("truncate", &[f, u64::MAX]), Err(Errno::INVAL));
    let (uid, gid) = (u64::from(meta().uid()), u64::from(meta().gid()));
    assert_eq!(b.sys("fchown", &[fd, uid, gid]), Ok(0));
    assert_eq!(b.sys("fchown", &[u64::MAX, uid, gid]), Err(Errno::BADF));
    if rustix::process::geteuid().is_root() {
        assert_eq!(b.sys("fchown", &[fd, 1234, u64::MAX]), Ok(0));
        assert_eq!((meta().uid(), u64::from(meta().gid())), (1234, gid));
        assert_eq!(b.sys("fchownat", &[CWD, f, u64::MAX, 1235, 0]), Ok(0));
        assert_eq!((meta().uid(), meta().gid()), (1234, 1235));
        b.sys("fchown", &[fd, uid, gid]).unwrap();
    }
    assert_eq!(b.sys("fchownat", &[CWD, f, uid, gid, 0]), Ok(0));
    let missing = path(&mut b, "missing");
    assert_eq!(b.sys("fchownat", &[CWD, missing, uid, gid, 0]), Err(Errno::NOENT));
}

#[test]
fn directories_are_listed() {
    let mut b = Bench::new();
    let (dir, _) = directory();
    std::fs::write(dir.path().join("name"), "").unwrap();
    let base = b.text(dir.path().to_str().unwrap());
    let fd = b.sys("openat", &[CWD, base, libc::O_DIRECTORY as u64]).unwrap();
    let buf = b.room(1024);
    let used = b.sys("getdents64", &[fd, buf, 1024]).unwrap();
    let bytes = b.bytes(buf, used as usize);
    let mut names = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let len = usize::from(u16::from_le_bytes([bytes[at + 16], bytes[at + 17]]));
        let name = &bytes[at + 19..at + len];
        names.push(String::from_utf8_lossy(&name[..name.iter().position(|&c| c == 0).unwrap()]).into_owned());
        at += len;
    }
    names.sort();
    assert_eq!(names, [".", "..", "name"]);
    assert_eq!(b.sys("getdents64", &[fd, buf, 1024]), Ok(0));
}

#[test]
fn attributes_are_set_read_listed_and_removed() {
    let mut b = Bench::new();
    let (dir, path) = directory();
    std::fs::write(dir.path().join("f"), "").unwrap();
    let (f, name, value) = (path(&mut b, "f"), b.text("user.test"), b.put(b"value".as_slice()));
    let set = b.sys("setxattr", &[f, name, value, 5, 0]);
    assert_ne!(set, Err(Errno::OPNOTSUPP), "set TMPDIR to a file system with extended attributes");
    assert_eq!(set, Ok(0));
    assert_eq!(b.sys("setxattr", &[f, name, value, 5, 1]), Err(Errno::EXIST));
    let buf = b.room(64);
    assert_eq!(b.sys("getxattr", &[f, name, buf, 64]), Ok(5));
    assert_eq!(b.bytes(buf, 5), b"value");
    assert_eq!(b.sys("getxattr", &[f, name, buf, 2]), Err(Errno::RANGE));
    let fd = b.sys("openat", &[CWD, f, 0]).unwrap();
    for call in ["listxattr", "llistxattr", "flistxattr"] {
        let file = if call == "flistxattr" { fd } else { f };
        assert_eq!(b.sys(call, &[file, buf, 64]), Ok(10), "{call}");
        assert_eq!(b.bytes(buf, 10), b"user.test\0", "{call}");
        assert_eq!(b.sys(call, &[file, buf, 2]), Err(Errno::RANGE), "{call}");
    }
    assert_eq!(b.sys("lremovexattr", &[f, name]), Ok(0));
    assert_eq!(b.sys("fgetxattr", &[fd, name, buf, 64]), Err(Errno::NODATA));
    assert_eq!(b.sys("lsetxattr", &[f, name, value, 4, 0]), Ok(0));
    assert_eq!(b.sys("lgetxattr", &[f, name, buf, 64]), Ok(4));
    assert_eq!(b.sys("fremovexattr", &[fd, name]), Ok(0));
    assert_eq!(b.sys("fremovexattr", &[fd, name]), Err(Errno::NODATA));
    assert_eq!(b.sys("fsetxattr", &[fd, name, value, 3, 0]), Ok(0));
    assert_eq!(b.sys("getxattr", &[f, name, buf, 64]), Ok(3));
    assert_eq!(b.sys("removexattr", &[f, name]), Ok(0));
    assert_eq!(b.sys("removexattr", &[f, name]), Err(Errno::NODATA));
}

#[test]
fn chdir_and_chroot_change_the_directories() {
    alone(|| {
        let mut b = Bench::new();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("inner")).unwrap();
        std::fs::write(dir.path().join("inner/f"), "").unwrap();
        let outer = dir.path().canonicalize().unwrap();
        let (outer_text, inner) = (b.text(outer.to_str().unwrap()), b.text("inner"));
        let buf = b.room(4096);
        let cwd = |b: &mut Bench| {
            let len = b.sys("getcwd", &[buf, 4096]).unwrap() as usize;
            String::from_utf8(b.bytes(buf, len - 1)).unwrap()
        };
        assert_eq!(b.sys("chdir", &[outer_text]), Ok(0));
        assert_eq!(cwd(&mut b), outer.to_str().unwrap());
        let fd = b.sys("openat", &[CWD, inner, libc::O_PATH as u64]).unwrap();
        assert_eq!(b.sys("fchdir", &[fd]), Ok(0));
        assert_eq!(cwd(&mut b), outer.join("inner").to_str().unwrap());
        assert_eq!(b.sys("getcwd", &[buf, 2]), Err(Errno::RANGE));
        assert_eq!(b.sys("getcwd", &[NOWHERE, 4096]), Err(Errno::FAULT));
        assert_eq!(b.sys("fchdir", &[u64::MAX]), Err(Errno::BADF));
        assert_eq!(b.sys("chdir", &[inner]), Err(Errno::NOENT));
        assert_eq!(b.sys("chroot", &[inner]), Err(Errno::NOENT));
        let here = b.text(".");
        if rustix::process::geteuid().is_root() {
            assert_eq!(b.sys("chroot", &[here]), Ok(0));
            let f = b.text("/f");
            assert!(b.sys("openat", &[CWD, f, 0]).is_ok());
            assert_eq!(cwd(&mut b), "/");
            // Leave the directory, so that it can be removed.
            let up = b.text("../../../../../../../../../..");
            b.sys("chdir", &[up]).unwrap();
        } else {
            assert_eq!(b.sys("chroot", &[here]), Err(Errno::PERM));
        }
    });
}

#[test]
fn the_umask_clears_mode_bits() {
    alone(|| {
        let mut b = Bench::new();
        b.sys("umask", &[0o27]).unwrap();
        let (dir, path) = directory();
        let f = path(&mut b, "f");
        b.sys("openat", &[CWD, f, CREATE, 0o777]).unwrap();
        assert_eq!(dir.path().join("f").metadata().unwrap().mode(), 0o100_750);
        assert_eq!(b.sys("umask", &[0o77]), Ok(0o27));
        assert_eq!(b.sys("umask", &[0]), Ok(0o77));
    });
}

#[test]
fn statfs_describes_the_file_system() {
    let mut b = Bench::new();
    let (proc, at) = (b.text("/proc"), b.room(120));
    assert_eq!(b.sys("statfs", &[proc, at]), Ok(0));
    assert_eq!(b.get::<Statfs>(at).kind, libc::PROC_SUPER_MAGIC);
    let fd = b.sys("openat", &[CWD, proc, 0]).unwrap();
    let again = b.room(120);
    assert_eq!(b.sys("fstatfs", &[fd, again]), Ok(0));
    assert_eq!(b.get::<Statfs>(again).kind, libc::PROC_SUPER_MAGIC);
}

#[test]
fn absolute_paths_are_looked_up_in_the_sysroot_first() {
    let (dir, _) = directory();
    std::fs::create_dir_all(dir.path().join("etc")).unwrap();
    std::fs::write(dir.path().join("etc/only-here"), "inside").unwrap();
    std::os::unix::fs::symlink("/etc/only-here", dir.path().join("etc/link")).unwrap();
    let root = dir.path().canonicalize().unwrap();
    let mut b = Bench::with(|c| {
        c.image.exe = root.join("bin/guest");
        c.spec.sysroot = Some(root.clone());
    });
    let buf = b.room(256);
    for name in ["/etc/only-here", "/etc/link"] {
        let path = b.text(name);
        let fd = b.sys("openat", &[CWD, path, 0]).unwrap();
        assert_eq!(b.sys("read", &[fd, buf, 64]), Ok(6), "{name}");
        assert_eq!(b.bytes(buf, 6), b"inside");
    }
    let link = b.text("/etc/link");
    assert_eq!(b.sys("readlinkat", &[CWD, link, buf, 256]), Ok(14));
    assert_eq!(b.bytes(buf, 14), b"/etc/only-here");
    let host = b.text("/dev/null");
    assert!(b.sys("openat", &[CWD, host, 0]).is_ok(), "a file missing in the sysroot is the host's");
    let exe = b.text("/proc/self/exe");
    let len = b.sys("readlinkat", &[CWD, exe, buf, 256]).unwrap() as usize;
    assert_eq!(b.bytes(buf, len), b"/bin/guest");
}
