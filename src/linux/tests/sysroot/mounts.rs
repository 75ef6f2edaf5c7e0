//! RESOLVE_NO_XDEV and the other restrictions of openat2, where the sysroot is on a mount of its own.

use super::super::alone::alone_in_namespace;
use super::super::{Bench, CWD};
use crate::linux::abi::file::OpenHow;
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const NO_XDEV: u64 = 1;
const NO_MAGICLINKS: u64 = 2;
const NO_SYMLINKS: u64 = 4;

fn mount_tmpfs(plain: &mut Bench, at: &Path) {
    let [kind, at] = ["tmpfs", at.to_str().unwrap()].map(|text| plain.text(text));
    assert_eq!(plain.sys("mount", &[kind, at, kind, 0, 0]), Ok(0));
}

#[test]
fn restrictions_are_those_of_the_guests_path() {
    alone_in_namespace(|| {
        let [root, host] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (root, host) = (root.path().canonicalize().unwrap(), host.path().canonicalize().unwrap());
        let mut plain = Bench::new();
        // The sysroot and the host's directory are mounts, and each has another mount in it.
        for dir in [&root, &host] {
            mount_tmpfs(&mut plain, dir);
        }
        let tree = root.join("etc/remu");
        for dir in [&tree.join("m"), &tree.join("d"), &root.join("remu-only"), &host.join("m")] {
            fs::create_dir_all(dir).unwrap();
        }
        for dir in [&tree, &host] {
            mount_tmpfs(&mut plain, &dir.join("m"));
            fs::write(dir.join("m/g"), "").unwrap();
            fs::write(dir.join("f"), "").unwrap();
        }
        let host_f = host.join("f");
        for (target, name) in [
            ("f", "l"),
            ("m/g", "to-m"),
            ("/etc/remu/f", "abs"),
            (host_f.to_str().unwrap(), "to-host"),
            ("none", "broken"),
            ("/proc/self/fd", "fds"),
        ] {
            symlink(target, tree.join(name)).unwrap();
        }
        let sysroot = root.clone();
        let mut b = Bench::with(|config| config.spec.sysroot = Some(sysroot));
        let mut open = |dir: &str, name: &str, resolve: u64, flags: i32| {
            let [dir, name] = [dir, name].map(|text| b.text(text));
            let fd = b.sys("openat", &[CWD, dir, libc::O_PATH as u64]).unwrap();
            let how = b.put(&OpenHow { flags: flags as u64, mode: 0, resolve });
            let opened = b.sys("openat2", &[fd, name, how, 24]);
            for fd in [Ok(fd), opened].into_iter().flatten() {
                b.sys("close", &[fd]).unwrap();
            }
            opened.map(drop)
        };
        let host_name = |name: &str| host.join(name).to_str().unwrap().to_owned();
        for (dir, name, answer) in [
            ("/etc/remu", "f", Ok(())),
            ("/etc/remu", "d/../f", Ok(())),
            ("/etc/remu", "l", Ok(())),
            ("/etc/remu", "abs", Ok(())),
            ("/etc/remu", "../../remu-only", Ok(())),
            ("/", "etc/remu/f", Ok(())),
            ("/proc", "/etc/remu/f", Ok(())),
            ("/etc/remu", "m", Err(Errno::XDEV)),
            ("/etc/remu", "m/g", Err(Errno::XDEV)),
            ("/etc/remu", "m/none", Err(Errno::XDEV)),
            ("/etc/remu", "m/../f", Err(Errno::XDEV)),
            ("/etc/remu", "to-m", Err(Errno::XDEV)),
            ("/etc/remu", "to-host", Err(Errno::XDEV)),
            ("/etc/remu/m", "../f", Err(Errno::XDEV)),
            ("/etc/remu/m", "g", Ok(())),
            ("/etc/remu", "/etc/remu/m/g", Err(Errno::XDEV)),
            ("/etc/remu", "none", Err(Errno::NOENT)),
            ("/etc/remu", "fds/0", Err(Errno::XDEV)),
            (host.to_str().unwrap(), "f", Ok(())),
            (host.to_str().unwrap(), "m/g", Err(Errno::XDEV)),
            (host.to_str().unwrap(), "../../etc/remu/f", Err(Errno::XDEV)),
        ] {
            assert_eq!(open(dir, name, NO_XDEV, 0), answer, "{dir} {name}");
        }
        assert_eq!(open("/", &host_name("f"), NO_XDEV, 0), Err(Errno::XDEV));
        for (name, resolve, flags, answer) in [
            ("l", NO_SYMLINKS, 0, Err(Errno::LOOP)),
            ("broken", NO_SYMLINKS, 0, Err(Errno::LOOP)),
            ("to-host", NO_SYMLINKS, 0, Err(Errno::LOOP)),
            ("l", NO_SYMLINKS, libc::O_PATH | libc::O_NOFOLLOW, Ok(())),
            ("f", NO_SYMLINKS, 0, Ok(())),
            ("fds/0", NO_MAGICLINKS, 0, Err(Errno::LOOP)),
            ("l", NO_MAGICLINKS, 0, Ok(())),
            ("f", 1 << 40, 0, Err(Errno::INVAL)),
            ("l", NO_SYMLINKS, 1 << 30, Err(Errno::INVAL)),
        ] {
            assert_eq!(open("/etc/remu", name, resolve, flags), answer, "{name} {resolve:#x}");
        }
    });
}
