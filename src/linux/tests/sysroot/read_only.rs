//! The sysroot's errors are those of a read-only bind mount. The oracle is the host kernel with such a mount, in a
//! namespace of its own.

use super::super::alone::alone_in_namespace;
use super::super::{Bench, CWD, NOWHERE};
use crate::linux::abi::file::OpenHow;
use crate::linux::sysroot::Intent;
use crate::linux::table::{self, ArgKind};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Calls that change mounts. A read-only mount permits them, the sysroot does not.
const MOUNTS: [&str; 9] = [
    "mount",
    "umount2",
    "pivot_root",
    "move_mount",
    "mount_setattr",
    "open_tree",
    "open_tree_attr",
    "swapon",
    "swapoff",
];

fn populate(dir: &Path) {
    fs::create_dir_all(dir.join("d/e")).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    for name in ["f", "g", "d/f", "closed"] {
        fs::write(dir.join(name), "contents").unwrap();
    }
    let mode = |name: &str, mode| fs::set_permissions(dir.join(name), PermissionsExt::from_mode(mode)).unwrap();
    mode("closed", 0);
    mode("g", 0o666);
    fs::create_dir(dir.join("shut")).unwrap();
    fs::write(dir.join("shut/f"), "").unwrap();
    mode("shut", 0);
    for (target, name) in [("f", "l"), ("d", "dl"), ("none", "broken"), ("loop", "loop"), ("none/x", "far")] {
        symlink(target, dir.join(name)).unwrap();
    }
    rustix::fs::mknodat(rustix::fs::CWD, dir.join("p"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    drop(UnixListener::bind(dir.join("s")).unwrap());
}

/// Paths in the directory.
fn names() -> Vec<String> {
    let short = [
        "f",
        "f/",
        "f/.",
        "f/x",
        "g",
        "d",
        "d/",
        "d/.",
        "d/..",
        "f/..",
        "none/..",
        "d/f",
        "empty",
        "none",
        "none/",
        "none/.",
        "none/x",
        "l",
        "l/",
        "dl",
        "dl/",
        "dl/.",
        "broken",
        "broken/",
        "far",
        "loop",
        "loop/x",
        "p",
        "p/",
        "s",
        "closed",
        "shut",
        "shut/",
        "shut/f",
        "shut/none",
        ".",
        "..",
        "./",
    ];
    let long = "n".repeat(256);
    let endless = "./".repeat(2100);
    short.map(str::to_owned).into_iter().chain([format!("{long}/x"), long, endless]).collect()
}

/// Every call that may change the file at `p`, with good and with bad arguments.
fn calls(b: &mut Bench, p: u64, spare: u64, new: u64) -> Vec<(&'static str, Vec<u64>)> {
    let (attr, empty, word) = (b.text("user.remu"), b.text(""), b.put(&[0u64; 8]));
    let strange = b.text("nothing.remu");
    let value = b.put(&[word, 1, 0]);
    let omit = b.put(&[0u64, 0x3fff_fffe, 0, 0x3fff_fffe]);
    let wrong = b.put(&[0u64, 0x3fff_fffd, 0, 0]);
    let mut list = Vec::new();
    let mut add = |name, args: &[u64]| list.push((name, args.to_vec()));
    for call in ["setxattr", "lsetxattr"] {
        add(call, &[p, attr, word, 1, 0]);
        add(call, &[p, attr, word, 1, 8]);
        add(call, &[p, attr, word, 1 << 20, 0]);
        add(call, &[p, attr, NOWHERE, 1, 0]);
        add(call, &[p, empty, word, 1, 0]);
        add(call, &[p, NOWHERE, word, 1, 0]);
    }
    for call in ["removexattr", "lremovexattr"] {
        add(call, &[p, attr]);
        add(call, &[p, empty]);
        add(call, &[p, strange]);
        add(call, &[p, NOWHERE]);
    }
    for mode in [libc::S_IFREG, libc::S_IFIFO, libc::S_IFDIR, libc::S_IFLNK, libc::S_IFCHR] {
        add("mknodat", &[CWD, p, u64::from(mode | 0o644), 0]);
    }
    add("mkdirat", &[CWD, p, 0o755]);
    for flags in [0, libc::AT_REMOVEDIR, 1] {
        add("unlinkat", &[CWD, p, flags as u64]);
    }
    add("symlinkat", &[spare, CWD, p]);
    add("symlinkat", &[empty, CWD, p]);
    add("symlinkat", &[NOWHERE, CWD, p]);
    for flags in [0, libc::AT_SYMLINK_FOLLOW, 1] {
        add("linkat", &[CWD, p, CWD, new, flags as u64]);
        add("linkat", &[CWD, spare, CWD, p, flags as u64]);
        add("linkat", &[CWD, p, CWD, p, flags as u64]);
        add("linkat", &[CWD, p, CWD, spare, flags as u64]);
    }
    for flags in [0, 1, 2, 3, 8] {
        add("renameat2", &[CWD, p, CWD, new, flags]);
        add("renameat2", &[CWD, p, CWD, spare, flags]);
        add("renameat2", &[CWD, spare, CWD, p, flags]);
        add("renameat2", &[CWD, new, CWD, p, flags]);
        add("renameat2", &[CWD, p, CWD, p, flags]);
    }
    add("truncate", &[p, 0]);
    add("truncate", &[p, u64::MAX]);
    for mode in [0, libc::F_OK, libc::R_OK, libc::W_OK, libc::X_OK, 7, 8] {
        add("faccessat", &[CWD, p, mode as u64]);
        for flags in [0, libc::AT_SYMLINK_NOFOLLOW, libc::AT_EACCESS, 1] {
            add("faccessat2", &[CWD, p, mode as u64, flags as u64]);
        }
    }
    add("fchmodat", &[CWD, p, 0o600]);
    for flags in [0, libc::AT_SYMLINK_NOFOLLOW, 1] {
        add("fchmodat2", &[CWD, p, 0o600, flags as u64]);
        add("fchownat", &[CWD, p, 1, 1, flags as u64]);
        add("fchownat", &[CWD, p, u64::MAX, u64::MAX, flags as u64]);
        for times in [0, omit, wrong, NOWHERE] {
            add("utimensat", &[CWD, p, times, flags as u64]);
        }
        add("setxattrat", &[CWD, p, flags as u64, attr, value, 16]);
        add("setxattrat", &[CWD, p, flags as u64, attr, value, 8]);
        add("removexattrat", &[CWD, p, flags as u64, attr]);
        add("file_setattr", &[CWD, p, word, 24, flags as u64]);
        add("file_setattr", &[CWD, p, word, 8, flags as u64]);
    }
    use libc::{
        O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY,
    };
    for flags in [
        O_RDONLY,
        O_WRONLY,
        O_RDWR | O_APPEND,
        O_TRUNC,
        O_WRONLY | O_TRUNC,
        O_CREAT,
        O_CREAT | O_RDWR,
        O_CREAT | O_TRUNC,
        O_CREAT | O_EXCL,
        O_CREAT | O_EXCL | O_RDWR,
        O_WRONLY | O_NOFOLLOW,
        O_RDWR | O_DIRECTORY,
        O_CREAT | O_NOFOLLOW,
        O_DIRECTORY | O_TRUNC,
        O_TMPFILE | O_RDWR,
        O_TMPFILE,
        O_PATH | O_RDWR,
        O_CREAT | O_DIRECTORY,
        O_CREAT | O_EXCL | O_DIRECTORY,
        O_PATH | O_TRUNC,
    ] {
        let flags = (flags | libc::O_NONBLOCK | libc::O_CLOEXEC) as u64;
        let creates = flags & O_CREAT as u64 != 0 || flags & (O_TMPFILE & !O_DIRECTORY) as u64 != 0;
        add("openat", &[CWD, p, flags, 0o644]);
        for resolve in [0, 4] {
            let how = b.put(&OpenHow { flags, mode: if creates { 0o644 } else { 0 }, resolve });
            add("openat2", &[CWD, p, how, 24]);
        }
    }
    add("acct", &[p]);
    list
}

/// Makes a call. A descriptor that it returns is closed.
fn outcome(b: &mut Bench, call: &str, args: &[u64]) -> Result<(), Errno> {
    let value = b.sys(call, args)?;
    if call.starts_with("openat") {
        b.sys("close", &[value]).unwrap();
    }
    Ok(())
}

#[test]
fn errors_are_those_of_a_read_only_bind_mount() {
    alone_in_namespace(|| {
        let [root, host, mnt] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let root_path = root.path().canonicalize().unwrap();
        for dir in ["etc/remu-tree/top", "remu-tree/top"] {
            populate(&root_path.join(dir));
        }
        let spare = host.path().join("spare");
        fs::write(&spare, "spare").unwrap();
        let sysroot = root_path.clone();
        let mut b = Bench::with(|config| config.spec.sysroot = Some(sysroot));
        let mut plain = Bench::new();
        let [from, to] = [root.path(), mnt.path()].map(|path| plain.text(path.to_str().unwrap()));
        assert_eq!(plain.sys("mount", &[from, to, 0, libc::MS_BIND, 0]), Ok(0));
        let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
        assert_eq!(plain.sys("mount", &[from, to, 0, flags, 0]), Ok(0));
        let mut wrong = Vec::new();
        for privileged in [true, false] {
            if !privileged {
                // Version 3, this thread; no capabilities.
                let (head, sets) = (plain.put(&[0x2008_0522u32, 0]), plain.put(&[0u32; 6]));
                assert_eq!(plain.sys("capset", &[head, sets]), Ok(0));
            }
            for dir in ["etc/remu-tree/top", "remu-tree/top"] {
                for name in names() {
                    let mark = (b.next, plain.next);
                    let mut ran = [(&mut b, Path::new("/")), (&mut plain, mnt.path())].map(|(b, above)| {
                        let p = b.text(&format!("{}/{name}", above.join(dir).to_str().unwrap()));
                        let spare = b.text(spare.to_str().unwrap());
                        let new = b.text(host.path().join("new").to_str().unwrap());
                        let calls = calls(b, p, spare, new);
                        for row in table::rows() {
                            let changes = |kind: &ArgKind| {
                                matches!(kind,
                                ArgKind::Path(_, intent) | ArgKind::PathOrNull(_, intent) if *intent != Intent::Read)
                            };
                            let tried = MOUNTS.contains(&row.name) || calls.iter().any(|(call, _)| *call == row.name);
                            assert!(tried || !row.args.iter().any(changes), "{} is not tried", row.name);
                        }
                        let ran = calls.iter().map(|(call, args)| (*call, args.clone(), outcome(b, call, args)));
                        ran.collect::<Vec<_>>()
                    });
                    (b.next, plain.next) = mark;
                    let [ours, kernels] = &mut ran;
                    for ((call, args, ours), (_, _, kernels)) in ours.iter().zip(kernels) {
                        if ours != kernels {
                            let name = &name[..name.len().min(12)];
                            wrong.push(format!(
                                "{call} {name} {args:x?} {privileged} {dir}: {ours:?}, kernel {kernels:?}"
                            ));
                        }
                    }
                }
            }
        }
        // For the removal of the temporary directory.
        for dir in ["etc/remu-tree/top", "remu-tree/top"] {
            fs::set_permissions(root_path.join(dir).join("shut"), PermissionsExt::from_mode(0o700)).unwrap();
        }
        assert_eq!(wrong.len(), 0, "{}", wrong.join("\n"));
    });
}
