//! Changes of the sysroot's files through descriptors, and by mounts.

use super::super::alone::alone;
use super::super::{Bench, CWD};
use super::{Roots, snapshot};
use crate::linux::table::{self, ArgKind};
use rustix::io::Errno;
use std::os::unix::fs::PermissionsExt;

const EMPTY: u64 = libc::AT_EMPTY_PATH as u64;

/// The calls that change the file behind a descriptor, with arguments that do.
fn changes(b: &mut Bench, fd: u64, new: u64) -> Vec<(&'static str, Vec<u64>)> {
    let (attr, word, empty) = (b.text("user.remu"), b.put(&[0u64; 8]), b.text(""));
    let read_only = b.put(&[1u64, 0, 0, 0]);
    let value = b.put(&[word, 1, 0]);
    vec![
        ("fchmod", vec![fd, 0o600]),
        ("fchown", vec![fd, 1, 1]),
        ("fsetxattr", vec![fd, attr, word, 1, 0]),
        ("fremovexattr", vec![fd, attr]),
        ("ioctl", vec![fd, 0x4008_6602, word]),
        ("ioctl", vec![fd, 0x4008_7602, word]),
        ("ioctl", vec![fd, 0x401c_5820, word]),
        ("utimensat", vec![fd, 0, 0, 0]),
        ("utimensat", vec![fd, empty, 0, EMPTY]),
        ("fchownat", vec![fd, empty, 1, 1, EMPTY]),
        ("fchmodat2", vec![fd, empty, 0o600, EMPTY]),
        ("setxattrat", vec![fd, empty, EMPTY, attr, value, 16]),
        ("setxattrat", vec![fd, 0, EMPTY, attr, value, 16]),
        ("removexattrat", vec![fd, empty, EMPTY, attr]),
        ("file_setattr", vec![fd, empty, word, 24, EMPTY]),
        ("linkat", vec![fd, empty, CWD, new, EMPTY]),
        ("open_tree", vec![fd, empty, EMPTY | 1]),
        ("mount_setattr", vec![fd, empty, EMPTY, read_only, 32]),
    ]
}

#[test]
fn nothing_in_the_sysroot_changes_through_a_descriptor() {
    alone(|| {
        let roots = Roots::new();
        let mut b = roots.bench();
        let before = snapshot(&roots.root);
        let new = b.text(&roots.host("new"));
        for (path, flags) in [
            ("/etc/remu-f", libc::O_RDONLY),
            ("/remu-only/f", libc::O_RDONLY),
            ("/etc/remu-f", libc::O_PATH),
            ("/etc/remu-dir", libc::O_DIRECTORY),
        ] {
            let text = b.text(path);
            let fd = b.sys("openat", &[CWD, text, flags as u64]).unwrap();
            let calls = changes(&mut b, fd, new);
            for row in table::rows() {
                let listed = calls.iter().any(|(call, _)| *call == row.name);
                let changing = row.args.iter().any(|kind| matches!(kind, ArgKind::ChangedFd));
                assert!(listed || !changing, "{} is not tried", row.name);
            }
            for (call, args) in calls {
                let answer = b.sys(call, &args);
                assert!(matches!(answer, Err(Errno::ROFS | Errno::XDEV)), "{call} of {path}: {answer:?}");
                assert_eq!(snapshot(&roots.root), before, "{call} of {path}");
            }
            b.sys("close", &[fd]).unwrap();
        }
        // Files of the host change.
        let f = b.text(&roots.host("f"));
        let fd = b.sys("openat", &[CWD, f, 0]).unwrap();
        assert_eq!(b.sys("fchmod", &[fd, 0o640]), Ok(0));
        assert_eq!(roots.host.join("f").metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(b.sys("utimensat", &[fd, 0, 0, 0]), Ok(0));
        assert_eq!(b.sys("fchmod", &[999_999, 0o600]), Err(Errno::BADF));
    });
}

#[test]
fn the_sysroot_is_mounted_nowhere_else() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let [dir, host] = ["/etc/remu-dir", roots.host.to_str().unwrap()].map(|path| b.text(path));
    for flags in [libc::MS_BIND, libc::MS_MOVE, libc::MS_BIND | libc::MS_REC] {
        assert_eq!(b.sys("mount", &[dir, host, 0, flags, 0]), Err(Errno::ROFS));
    }
    assert_eq!(b.sys("open_tree", &[CWD, dir, 1]), Err(Errno::ROFS));
    let fd = b.sys("open_tree", &[CWD, dir, 0]).unwrap();
    assert_eq!(b.sys("fsync", &[fd]), Err(Errno::BADF), "it is as opened with O_PATH");
}

#[test]
fn a_handle_of_the_sysroots_file_opens_it_for_reading_only() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let before = snapshot(&roots.root);
    let text = b.text("/etc/remu-f");
    let handle = b.put(&[&[128u32, 0][..], &[0; 32]].concat()[..]);
    let mount = b.room(4);
    let dir = b.text(roots.root.to_str().unwrap());
    let dir = b.sys("openat", &[CWD, dir, libc::O_DIRECTORY as u64]).unwrap();
    // This needs CAP_DAC_READ_SEARCH, and a file system with handles for the temporary directory.
    assert_eq!(b.sys("name_to_handle_at", &[CWD, text, handle, mount, 0]), Ok(0));
    assert!(b.sys("open_by_handle_at", &[dir, handle, 0]).is_ok());
    for flags in [libc::O_WRONLY, libc::O_RDWR, libc::O_TRUNC] {
        assert_eq!(b.sys("open_by_handle_at", &[dir, handle, flags as u64]), Err(Errno::ROFS));
    }
    assert_eq!(snapshot(&roots.root), before);
}

#[test]
fn the_running_program_is_not_changed_through_its_link() {
    let roots = Roots::new();
    let exe = roots.root.join("etc/remu-f");
    let root = roots.root.clone();
    let mut b = Bench::with(|config| (config.spec.sysroot, config.image.exe) = (Some(root), exe));
    let before = snapshot(&roots.root);
    let link = b.text("/proc/self/exe");
    assert_eq!(b.sys("fchmodat", &[CWD, link, 0o600]), Err(Errno::ROFS));
    assert_eq!(b.sys("openat", &[CWD, link, libc::O_WRONLY as u64]), Err(Errno::ROFS));
    assert!(b.sys("openat", &[CWD, link, 0]).is_ok());
    assert_eq!(snapshot(&roots.root), before);
}
