//! Namespaces, mounts, keys, quotas, security modules, and privileged calls.

use super::alone::alone;
use super::host::{ADMINISTER, BOOT, capable, lacks};
use super::{BEYOND, Bench, CWD, NOWHERE};
use crate::linux::abi::mount::{MntIdReq, MountAttr, StatmountHead};
use crate::linux::abi::process::Utsname;
use rustix::io::Errno;

const NEWNS: u64 = libc::CLONE_NEWNS as u64;
const NEWUTS: u64 = libc::CLONE_NEWUTS as u64;

/// EPERM without the capability, otherwise the expected error.
fn if_capable(capability: u32, expected: Errno) -> Result<u64, Errno> {
    Err(if capable(capability) { expected } else { Errno::PERM })
}

fn node_name(b: &mut Bench) -> String {
    let at = b.room(390);
    b.sys("uname", &[at]).unwrap();
    let name: Utsname = b.get(at);
    String::from_utf8_lossy(&name.nodename).trim_end_matches('\0').to_owned()
}

#[test]
fn a_name_in_another_uts_namespace_is_private() {
    alone(|| {
        let b = &mut Bench::new();
        assert_eq!(b.sys("unshare", &[libc::CLONE_FS as u64]), Ok(0));
        assert_eq!(b.sys("unshare", &[1]), Err(Errno::INVAL));
        let unshared = b.sys("unshare", &[NEWUTS]);
        let before = node_name(b);
        let path = b.text("/proc/self/ns/uts");
        let outside = b.sys("openat", &[CWD, path, 0]).unwrap();
        assert_eq!(b.sys("setns", &[outside, NEWNS]), Err(Errno::INVAL), "another type of namespace");
        if !capable(ADMINISTER) {
            assert_eq!(unshared, Err(Errno::PERM));
            return assert_eq!(b.sys("setns", &[outside, NEWUTS]), Err(Errno::PERM));
        }
        assert_eq!(unshared, Ok(0));
        let name = b.text("elsewhere");
        b.sys("sethostname", &[name, 9]).unwrap();
        assert_eq!(node_name(b), "elsewhere");
        assert_eq!(b.sys("setns", &[outside, NEWUTS]), Ok(0));
        assert_eq!(node_name(b), before);
        assert_eq!(b.sys("setns", &[999_999, 0]), Err(Errno::BADF));
    });
}

#[test]
fn file_systems_are_mounted_by_descriptor() {
    alone(|| {
        let b = &mut Bench::new();
        let (tmpfs, key, bad) = (b.text("tmpfs"), b.text("size"), b.text("no such file system"));
        if !capable(ADMINISTER) {
            let root = b.text("/");
            assert_eq!(b.sys("fsopen", &[tmpfs, 0]), Err(Errno::PERM));
            assert_eq!(b.sys("fspick", &[CWD, root, 0]), Err(Errno::PERM));
            assert_eq!(b.sys("open_tree", &[CWD, root, 1]), Err(Errno::PERM));
            assert_eq!(b.sys("move_mount", &[CWD, root, CWD, root, 0]), Err(Errno::PERM));
            let attr = b.put(&MountAttr { set: 1, clear: 0, propagation: 0, userns_fd: 0 });
            let file = b.file(b"");
            assert_eq!(b.sys("fsconfig", &[file, 6, 0, 0, 0]), Err(Errno::INVAL));
            assert_eq!(b.sys("fsmount", &[file, 0, 0]), Err(Errno::PERM));
            if !lacks(b, "open_tree_attr", (6, 15)) {
                assert_eq!(b.sys("open_tree_attr", &[CWD, root, 1, attr, 32]), Err(Errno::PERM));
            }
            return assert_eq!(b.sys("mount_setattr", &[CWD, root, 0, attr, 32]), Err(Errno::PERM));
        }
        b.sys("unshare", &[NEWNS]).unwrap();
        let root = b.text("/");
        let private = b.put(&MountAttr { set: 0, clear: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 });
        const RECURSIVE: u64 = 0x8000;
        assert_eq!(b.sys("mount_setattr", &[CWD, root, RECURSIVE, private, 32]), Ok(0));
        assert_eq!(b.sys("mount_setattr", &[CWD, root, 0, private, 31]), Err(Errno::INVAL));
        assert_eq!(b.sys("mount_setattr", &[CWD, root, 0, NOWHERE, 32]), Err(Errno::FAULT));
        let dir = tempfile::tempdir().unwrap();
        let target = b.text(dir.path().to_str().unwrap());
        assert_eq!(b.sys("fsopen", &[bad, 0]), Err(Errno::NODEV));
        assert_eq!(b.sys("fsopen", &[NOWHERE, 0]), Err(Errno::FAULT));
        let context = b.sys("fsopen", &[tmpfs, 1]).unwrap();
        let size = b.text("64k");
        b.trace.take();
        assert_eq!(b.sys("fsconfig", &[context, 1, key, size, 0]), Ok(0));
        assert_eq!(b.trace.take(), format!("fsconfig({context}, FSCONFIG_SET_STRING, \"size\", \"64k\", 0) = 0\n"));
        assert_eq!(b.sys("fsconfig", &[context, 1, key, 0, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("fsconfig", &[context, 1, key, BEYOND, 0]), Err(Errno::FAULT));
        assert_eq!(b.sys("fsconfig", &[context, 99, 0, 0, 0]), Err(Errno::OPNOTSUPP));
        assert_eq!(b.sys("fsconfig", &[context, 6, 0, 0, 0]), Ok(0));
        const NOEXEC: u64 = 8;
        let mount = b.sys("fsmount", &[context, 1, NOEXEC]).unwrap();
        let empty = b.text("");
        const FROM_EMPTY: u64 = 4;
        assert_eq!(b.sys("move_mount", &[mount, empty, CWD, target, FROM_EMPTY]), Ok(0));
        let table = || std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let options = |table: String| {
            let line = table.lines().find(|line| line.contains(dir.path().to_str().unwrap())).unwrap_or("").to_owned();
            line.split(' ').nth(5).unwrap_or("").to_owned() + line.rsplit(' ').next().unwrap_or("")
        };
        let mounted = options(table());
        assert!(mounted.contains("noexec") && mounted.contains("size=64k"), "{mounted}");
        let read_only = b.put(&MountAttr { set: 1, clear: NOEXEC, propagation: 0, userns_fd: 0 });
        assert_eq!(b.sys("mount_setattr", &[CWD, target, 0, read_only, 32]), Ok(0));
        let mounted = options(table());
        assert!(mounted.starts_with("ro") && !mounted.contains("noexec"), "{mounted}");
        let picked = b.sys("fspick", &[CWD, target, 1]).unwrap();
        let larger = b.text("128k");
        assert_eq!(b.sys("fsconfig", &[picked, 1, key, larger, 0]), Ok(0));
        assert_eq!(b.sys("fsconfig", &[picked, 7, 0, 0, 0]), Ok(0));
        assert!(options(table()).contains("size=128k"));
        let tree = b.sys("open_tree", &[CWD, target, libc::O_CLOEXEC as u64]).unwrap();
        assert_eq!(b.sys("open_tree", &[CWD, bad, 0]), Err(Errno::NOENT));
        if !lacks(b, "open_tree_attr", (6, 15)) {
            let clone = 1;
            let attr = b.put(&MountAttr { set: 2, clear: 0, propagation: 0, userns_fd: 0 });
            assert!(b.sys("open_tree_attr", &[CWD, target, clone, attr, 32]).is_ok());
            assert_eq!(b.sys("open_tree_attr", &[CWD, target, clone, BEYOND, 32]), Err(Errno::FAULT));
        }
        for fd in [mount, picked, context, tree] {
            b.sys("close", &[fd]).unwrap();
        }
        assert_eq!(b.sys("umount2", &[target, libc::MNT_DETACH as u64]), Ok(0));
        assert_eq!(options(table()), "");
    });
}

#[test]
fn mounts_are_listed_and_described() {
    let mut b = Bench::new();
    if lacks(&mut b, "statmount", (6, 8)) {
        return;
    }
    let request = |b: &mut Bench, mnt_id, param| b.put(&MntIdReq { size: 24, spare: 0, mnt_id, param });
    const ROOT: u64 = u64::MAX;
    let ids = b.room(64);
    let all = request(&mut b, ROOT, 0);
    let count = b.sys("listmount", &[all, ids, 8, 0]).unwrap();
    assert!((1..=8).contains(&count));
    let first: u64 = b.get(ids);
    assert!(first > i32::MAX as u64, "a unique ID: {first:#x}");
    let (basic, to) = (request(&mut b, first, 3), b.room(1024));
    assert_eq!(b.sys("statmount", &[basic, to, 1024, 0]), Ok(0));
    let head: StatmountHead = b.get(to);
    assert_eq!((head.mask, head.size >= 256), (3, true));
    assert_eq!(b.sys("statmount", &[basic, to, 1024, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("statmount", &[basic, BEYOND, 1024, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("statmount", &[NOWHERE, to, 1024, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("listmount", &[all, NOWHERE, 8, 0]), Err(Errno::FAULT));
    let nobody = request(&mut b, 1, 3);
    assert_eq!(b.sys("statmount", &[nobody, to, 1024, 0]), Err(Errno::INVAL), "an old, reusable mount ID");
}

#[test]
fn namespaces_are_listed() {
    let mut b = Bench::new();
    if lacks(&mut b, "listns", (6, 19)) {
        return;
    }
    let request = b.put(&[32u64, 0, 0, 0]);
    let ids = b.room(64);
    assert!(b.sys("listns", &[request, ids, 8, 0]).unwrap() >= 1);
    assert!(b.get::<u64>(ids) > 0);
    assert_eq!(b.sys("listns", &[request, ids, 8, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("listns", &[NOWHERE, ids, 8, 0]), Err(Errno::FAULT));
}

#[test]
fn keys_are_stored_found_and_read() {
    alone(|| {
        let b = &mut Bench::new();
        const THREAD: u64 = -1i64 as u64;
        const REVOKE: u64 = 3;
        const DESCRIBE: u64 = 6;
        const SEARCH: u64 = 10;
        const READ: u64 = 11;
        let (user, name, value) = (b.text("user"), b.text("remu's test"), b.text("payload"));
        b.trace.take();
        let key = b.sys("add_key", &[user, name, value, 7, THREAD]).unwrap();
        let line = b.trace.take();
        let shown = r#"add_key("user", "remu's test", "payload", 7, KEY_SPEC_THREAD_KEYRING) = "#;
        assert_eq!(line, format!("{shown}{key}\n"));
        let to = b.room(128);
        assert_eq!(b.sys("keyctl", &[READ, key, to, 128]), Ok(7));
        assert_eq!(b.bytes(to, 8), b"payload\0");
        let new = b.text("another");
        assert_eq!(b.sys("keyctl", &[2, key, new, 4]), Ok(0));
        assert_eq!(b.sys("keyctl", &[READ, key, to, 128]), Ok(4));
        assert_eq!(b.bytes(to, 4), b"anot");
        let described = b.sys("keyctl", &[DESCRIBE, key, to, 128]).unwrap() as usize;
        assert!(b.bytes(to, described).ends_with(b";remu's test\0"));
        assert_eq!(b.sys("keyctl", &[SEARCH, THREAD, user, name, 0]), Ok(key));
        assert_eq!(b.sys("request_key", &[user, name, 0, 0]), Ok(key));
        let nobody = b.text("remu knows no such key");
        assert_eq!(b.sys("request_key", &[user, nobody, 0, 0]), Err(Errno::NOKEY));
        assert_eq!(b.sys("keyctl", &[SEARCH, THREAD, user, nobody, 0]), Err(Errno::NOKEY));
        let ring = b.sys("keyctl", &[0, THREAD, 0]).unwrap();
        assert_ne!(ring, key);
        let keyring = b.text("keyring");
        let other = b.sys("add_key", &[keyring, name, 0, 0, THREAD]).unwrap();
        assert_eq!(b.sys("keyctl", &[8, key, other]), Ok(0));
        assert_eq!(b.sys("keyctl", &[READ, other, to, 128]), Ok(4));
        assert_eq!(b.get::<u32>(to), key as u32, "a keyring contains its keys' IDs");
        assert_eq!(b.sys("keyctl", &[29, other, user, 0]), Err(Errno::INVAL), "a type without a restriction");
        assert_eq!(b.sys("keyctl", &[READ, key, BEYOND, 128]), Err(Errno::FAULT));
        assert_eq!(b.sys("keyctl", &[2, key, NOWHERE, 4]), Err(Errno::FAULT));
        assert_eq!(b.sys("keyctl", &[SEARCH, THREAD, NOWHERE, name, 0]), Err(Errno::FAULT));
        assert_eq!(b.sys("add_key", &[user, NOWHERE, value, 7, THREAD]), Err(Errno::FAULT));
        let long = b.put([b'u'; 40].as_slice());
        assert_eq!(b.sys("add_key", &[long, name, value, 7, THREAD]), Err(Errno::INVAL), "longer than any type name");
        assert!(b.sys("keyctl", &[31, to, 2]).unwrap() >= 2);
        assert_eq!(b.sys("keyctl", &[15, key, 1000]), Ok(0));
        assert_eq!(b.sys("keyctl", &[REVOKE, key]), Ok(0));
        assert_eq!(b.sys("keyctl", &[READ, key, to, 128]), Err(Errno::KEYREVOKED));
        assert_eq!(b.sys("keyctl", &[20, key, NOWHERE, 1, 0]), Err(Errno::FAULT));
        let list = b.put(&[value, 7]);
        assert_eq!(b.sys("keyctl", &[20, key, list, 1, 0]), Err(Errno::PERM), "the key was not requested");
        assert_eq!(b.sys("keyctl", &[99]), Err(Errno::OPNOTSUPP));
        let session = b.text("remu's session");
        assert!(b.sys("keyctl", &[1, session]).unwrap() > 0);
        assert_eq!(b.sys("keyctl", &[1, NOWHERE]), Err(Errno::FAULT));
        assert_eq!(b.sys("keyctl", &[23, to, to, 4, to]), Err(Errno::OPNOTSUPP));
        assert_eq!(b.missing.take(), "keyctl: KEYCTL_DH_COMPUTE with a key derivation function\n");
        // Key agreement and public keys are optional in the kernel configuration.
        for (operation, args) in [(23, [BEYOND, to, 4, 0]), (25, [BEYOND, 0, to, to])] {
            let refused = b.sys("keyctl", &[&[operation][..], &args].concat());
            assert!(matches!(refused, Err(Errno::FAULT | Errno::OPNOTSUPP)), "{operation}: {refused:?}");
        }
    });
}

#[test]
fn quotas_come_from_the_file_system() {
    let mut b = Bench::new();
    let command = |sub: u64| sub << 8;
    const SYNC: u64 = 0x80_0001;
    const ON: u64 = 0x80_0002;
    const GET: u64 = 0x80_0007;
    let (null, missing, to) = (b.text("/dev/null"), b.text("/nowhere/at/all"), b.room(72));
    assert_eq!(b.sys("quotactl", &[command(SYNC), 0, 0, 0]), Ok(0));
    assert_eq!(b.sys("quotactl", &[command(GET), null, 0, to]), Err(Errno::NOTBLK));
    assert_eq!(b.sys("quotactl", &[command(GET), missing, 0, to]), Err(Errno::NOENT));
    assert_eq!(b.sys("quotactl", &[command(GET), NOWHERE, 0, to]), Err(Errno::FAULT));
    assert_eq!(
        b.sys("quotactl", &[command(ON), null, 0, missing]),
        Err(Errno::NOTBLK),
        "the error of the device comes first"
    );
    assert_eq!(b.sys("quotactl", &[command(ON), null, 0, NOWHERE]), Err(Errno::NOTBLK));
    b.trace.take();
    let file = b.file(b"");
    // tmpfs may have no quotas.
    assert_eq!(b.sys("quotactl_fd", &[file, command(GET), 0, to]), Err(Errno::NOSYS));
    assert!(b.trace.take().contains("QCMD(Q_GETQUOTA, USRQUOTA)"));
    assert_eq!(b.sys("quotactl_fd", &[999_999, command(GET), 0, to]), Err(Errno::BADF));
    assert_eq!(b.sys("quotactl_fd", &[file, command(GET) | 9, 0, to]), Err(Errno::INVAL));
}

#[test]
fn security_modules_are_listed() {
    let mut b = Bench::new();
    if lacks(&mut b, "lsm_list_modules", (6, 8)) {
        return;
    }
    let (ids, size) = (b.room(256), b.put(&256u32));
    let count = b.sys("lsm_list_modules", &[ids, size, 0]).unwrap();
    assert_eq!(u64::from(b.get::<u32>(size)), count * 8);
    assert!(count >= 1 && (100..200).contains(&b.get::<u64>(ids)), "the first is LSM_ID_CAPABILITY");
    let none = b.put(&0u32);
    assert_eq!(b.sys("lsm_list_modules", &[ids, none, 0]), Err(Errno::TOOBIG));
    assert_eq!(u64::from(b.get::<u32>(none)), count * 8);
    assert_eq!(b.sys("lsm_list_modules", &[ids, size, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("lsm_list_modules", &[ids, NOWHERE, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("lsm_get_self_attr", &[0, ids, size, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("lsm_get_self_attr", &[100, ids, BEYOND, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("lsm_set_self_attr", &[100, ids, 256, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("lsm_set_self_attr", &[100, ids, 8, 0]), Err(Errno::INVAL), "too short");
    assert_eq!(b.sys("lsm_set_self_attr", &[100, NOWHERE, 256, 0]), Err(Errno::FAULT));
}

#[test]
fn the_processs_own_objects_are_compared() {
    let mut b = Bench::new();
    let pid = b.task.pid() as u64;
    const FILE: u64 = 0;
    const EPOLL: u64 = 7;
    let file = b.file(b"");
    let twin = b.sys("dup", &[file]).unwrap();
    let other = b.file(b"");
    assert_eq!(b.sys("kcmp", &[pid, pid, FILE, file, twin]), Ok(0));
    assert!(matches!(b.sys("kcmp", &[pid, pid, FILE, file, other]), Ok(1 | 2)));
    assert_eq!(b.sys("kcmp", &[pid, pid, FILE, file, 999_999]), Err(Errno::BADF));
    assert_eq!(b.sys("kcmp", &[pid, pid, 1, 0, 0]), Ok(0));
    assert_eq!(b.sys("kcmp", &[pid, pid, 99, 0, 0]), Err(Errno::INVAL));
    let (epoll, (r, _)) = (b.sys("epoll_create1", &[0]).unwrap(), b.pipe());
    let event = b.room(16);
    b.sys("epoll_ctl", &[epoll, 1, r, event]).unwrap();
    let slot = b.put(&[epoll as u32, r as u32, 0]);
    assert_eq!(b.sys("kcmp", &[pid, pid, EPOLL, r, slot]), Ok(0));
    assert_eq!(b.sys("kcmp", &[pid, pid, EPOLL, r, BEYOND]), Err(Errno::FAULT));
    assert_eq!(b.sys("kcmp", &[0x3fff_ffff, pid, 1, 0, 0]), Err(Errno::SRCH));
    let pidfd = b.sys("pidfd_open", &[pid, 0]).unwrap();
    let fetched = b.sys("pidfd_getfd", &[pidfd, file, 0]).unwrap();
    assert_eq!(b.sys("kcmp", &[pid, pid, FILE, file, fetched]), Ok(0));
    assert_eq!(b.sys("pidfd_getfd", &[pidfd, 999_999, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("pidfd_getfd", &[pidfd, file, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("pidfd_getfd", &[file, file, 0]), Err(Errno::BADF));
}

#[test]
fn remus_descriptors_cannot_be_fetched() {
    use std::os::fd::AsRawFd;
    let ours = tempfile::tempfile().unwrap();
    let fd = ours.as_raw_fd();
    let mut b = Bench::with(|config| config.services.own_fds.push(fd));
    let pid = b.task.pid() as u64;
    let pidfd = b.sys("pidfd_open", &[pid, 0]).unwrap();
    assert_eq!(b.sys("pidfd_getfd", &[pidfd, fd as u64, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("kcmp", &[pid, pid, 0, fd as u64, fd as u64]), Err(Errno::BADF));
    assert_eq!(b.sys("vmsplice", &[fd as u64, 0, 0, 0]), Err(Errno::BADF));
}

#[test]
fn reboot_and_swap_require_capabilities() {
    let mut b = Bench::new();
    // The first argument is not the required magic number.
    assert_eq!(b.sys("reboot", &[1, 672_274_793, 0, 0]), if_capable(BOOT, Errno::INVAL));
    assert_eq!(b.sys("reboot", &[0xfee1_dead, 672_274_793, 77, 0]), if_capable(BOOT, Errno::INVAL));
    let file = tempfile::NamedTempFile::new().unwrap();
    let (path, missing) = (b.text(file.path().to_str().unwrap()), b.text("/nowhere/at/all"));
    assert_eq!(b.sys("swapon", &[missing, 0]), if_capable(ADMINISTER, Errno::NOENT));
    assert_eq!(b.sys("swapon", &[path, 0]), if_capable(ADMINISTER, Errno::INVAL));
    assert_eq!(b.sys("swapon", &[path, 1 << 30]), Err(Errno::INVAL));
    assert_eq!(b.sys("swapoff", &[missing]), if_capable(ADMINISTER, Errno::NOENT));
    assert_eq!(b.sys("swapoff", &[path]), if_capable(ADMINISTER, Errno::INVAL));
}

#[test]
fn administration_calls_are_printed_as_by_strace() {
    let mut b = Bench::new();
    let pid = b.task.pid();
    let lines = [
        (
            "kcmp",
            vec![pid as u64, pid as u64, 0, 999_998, 999_999],
            format!("kcmp({pid}, {pid}, KCMP_FILE, 999998, 999999)"),
        ),
        ("kcmp", vec![pid as u64, pid as u64, 1, 5, 5], format!("kcmp({pid}, {pid}, KCMP_VM)")),
        ("quotactl", vec![0x8000_0100, 0, 7, 7], "quotactl(QCMD(Q_SYNC, USRQUOTA), NULL)".to_owned()),
        ("quotactl", vec![0x8000_0701, 0, 7, 16], "quotactl(QCMD(Q_GETQUOTA, GRPQUOTA), NULL, 7, 0x10)".to_owned()),
        ("reboot", vec![1, 2, 3, 4], {
            let unknown = "/* LINUX_REBOOT_MAGIC_??? */";
            format!("reboot(0x1 {unknown}, 0x2 {unknown}, 0x3 /* LINUX_REBOOT_CMD_??? */)")
        }),
        ("keyctl", vec![6, 1, 0, 0], "keyctl(KEYCTL_DESCRIBE, 1, NULL, 0)".to_owned()),
        ("keyctl", vec![3, 0], "keyctl(KEYCTL_REVOKE, 0)".to_owned()),
        ("keyctl", vec![99, 0, 16], "keyctl(0x63 /* KEYCTL_??? */, 0, 0x10, 0, 0)".to_owned()),
        ("setns", vec![u64::MAX, NEWUTS | NEWNS], "setns(-1, CLONE_NEWNS|CLONE_NEWUTS)".to_owned()),
        ("move_mount", vec![CWD, 0, CWD, 0, 0x41], {
            "move_mount(AT_FDCWD, NULL, AT_FDCWD, NULL, MOVE_MOUNT_F_SYMLINKS|MOVE_MOUNT_T_EMPTY_PATH)".to_owned()
        }),
    ];
    for (name, args, expected) in lines {
        b.trace.take();
        let _ = b.sys(name, &args);
        let text = b.trace.take();
        assert!(text.starts_with(&format!("{expected} = ")), "{text}");
    }
}
