//! Paths where some of the guest's files are in a sysroot.

mod descriptors;
mod mounts;
mod read_only;
mod reading;
mod sockets;

use super::alone::alone;
use super::{Bench, CWD};
use crate::linux::abi::file::OpenHow;
use crate::linux::sysroot::{Intent, lookup};
use crate::linux::table::{self, ArgKind};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// A sysroot, and a host directory with the same names in it.
struct Roots {
    _dirs: [tempfile::TempDir; 2],
    root: PathBuf,
    host: PathBuf,
}

impl Roots {
    fn new() -> Self {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [root, host] = [&dirs[0], &dirs[1]].map(|dir| dir.path().canonicalize().unwrap());
        let both = root.join(host.strip_prefix("/").unwrap());
        for dir in [&root.join("etc/remu-dir"), &root.join("remu-only"), &both] {
            fs::create_dir_all(dir).unwrap();
            fs::write(dir.join("f"), "sysroot").unwrap();
        }
        fs::write(root.join("etc/remu-f"), "sysroot").unwrap();
        fs::write(host.join("f"), "host").unwrap();
        fs::write(host.join("only"), "host").unwrap();
        symlink(host.join("only"), root.join("etc/remu-to-host")).unwrap();
        symlink(host.join("f"), root.join("etc/remu-to-both")).unwrap();
        symlink("/etc/remu-f", root.join("etc/remu-link")).unwrap();
        Self { _dirs: dirs, root, host }
    }

    fn bench(&self) -> Bench {
        let root = self.root.clone();
        Bench::with(|config| config.spec.sysroot = Some(root))
    }

    fn host(&self, name: &str) -> String {
        self.host.join(name).to_str().unwrap().to_owned()
    }
}

/// Everything below a directory, as text.
fn snapshot(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
        all.push(format!("{path:?} {:o} {} {} {} {times:?}", meta.mode(), meta.uid(), meta.nlink(), meta.len()));
        if meta.is_dir() {
            all.extend(snapshot(&path));
        }
    }
    all.sort();
    all
}

fn contents(b: &mut Bench, path: &str) -> Result<String, Errno> {
    let (path, buf) = (b.text(path), b.room(64));
    let fd = b.sys("openat", &[CWD, path, 0])?;
    let len = b.sys("read", &[fd, buf, 64])?;
    b.sys("close", &[fd])?;
    Ok(String::from_utf8(b.bytes(buf, len as usize)).unwrap())
}

fn cwd(b: &mut Bench) -> String {
    let buf = b.room(4096);
    let len = b.sys("getcwd", &[buf, 4096]).unwrap() as usize;
    String::from_utf8(b.bytes(buf, len - 1)).unwrap()
}

/// Every call that changes the file at a path `p`, with suitable arguments.
fn changes(b: &mut Bench, p: u64, spare: u64, new: u64) -> Vec<(&'static str, Vec<u64>)> {
    let (attr, word) = (b.text("user.remu"), b.put(&[0u64; 8]));
    let read_only = b.put(&[1u64, 0, 0, 0]);
    let value = b.put(&[word, 1, 0]);
    let how = b.put(&OpenHow { flags: libc::O_WRONLY as u64, mode: 0, resolve: 0 });
    let flags = |bits: i32| vec![CWD, p, bits as u64, 0o644];
    vec![
        ("setxattr", vec![p, attr, word, 1, 0]),
        ("lsetxattr", vec![p, attr, word, 1, 0]),
        ("removexattr", vec![p, attr]),
        ("lremovexattr", vec![p, attr]),
        ("mknodat", vec![CWD, p, u64::from(libc::S_IFREG) | 0o644, 0]),
        ("mkdirat", vec![CWD, p, 0o755]),
        ("unlinkat", vec![CWD, p, 0]),
        ("symlinkat", vec![spare, CWD, p]),
        ("linkat", vec![CWD, p, CWD, new, 0]),
        ("linkat", vec![CWD, spare, CWD, p, 0]),
        ("umount2", vec![p, 0]),
        ("mount", vec![spare, p, 0, 0x1000, 0]),
        ("pivot_root", vec![p, p]),
        ("truncate", vec![p, 0]),
        ("faccessat", vec![CWD, p, libc::W_OK as u64]),
        ("faccessat2", vec![CWD, p, libc::W_OK as u64, 0]),
        ("fchmodat", vec![CWD, p, 0o600]),
        ("fchmodat2", vec![CWD, p, 0o600, 0]),
        ("fchownat", vec![CWD, p, 1, 1, 0]),
        ("openat", flags(libc::O_WRONLY)),
        ("openat", flags(libc::O_RDWR | libc::O_APPEND)),
        ("openat", flags(libc::O_TRUNC)),
        ("openat", flags(libc::O_CREAT | libc::O_RDWR)),
        ("openat", flags(libc::O_CREAT | libc::O_EXCL | libc::O_RDWR)),
        ("openat2", vec![CWD, p, how, 24]),
        ("utimensat", vec![CWD, p, 0, 0]),
        ("acct", vec![p]),
        ("swapon", vec![p, 0]),
        ("swapoff", vec![p]),
        ("renameat2", vec![CWD, p, CWD, new, 0]),
        ("renameat2", vec![CWD, spare, CWD, p, 0]),
        ("move_mount", vec![CWD, p, CWD, p, 0]),
        ("mount_setattr", vec![CWD, p, 0, read_only, 32]),
        ("open_tree", vec![CWD, p, 1]),
        ("open_tree_attr", vec![CWD, p, 1, word, 32]),
        ("setxattrat", vec![CWD, p, 0, attr, value, 16]),
        ("removexattrat", vec![CWD, p, 0, attr]),
        ("file_setattr", vec![CWD, p, word, 24, 0]),
    ]
}

#[test]
fn nothing_in_the_sysroot_changes() {
    alone(|| {
        let roots = Roots::new();
        let mut b = roots.bench();
        let before = snapshot(&roots.root);
        let dir = b.text("/etc/remu-dir");
        b.sys("chdir", &[dir]).unwrap();
        let literal = roots.root.join("etc/remu-f").to_str().unwrap().to_owned();
        let names = ["/etc/remu-f", "/remu-only/f", "f", "../remu-f", "/proc/self/cwd/f", &literal];
        for name in names {
            let [p, spare, new] = [name, &roots.host("only"), &roots.host("new")].map(|text| b.text(text));
            let calls = changes(&mut b, p, spare, new);
            for row in table::rows() {
                let changing = |kind: &ArgKind| match kind {
                    ArgKind::Path(_, intent) | ArgKind::PathOrNull(_, intent) => *intent != Intent::Read,
                    _ => false,
                };
                let listed = calls.iter().any(|(call, _)| *call == row.name);
                assert!(listed || !row.args.iter().any(changing), "{} is not tried", row.name);
            }
            for (call, args) in calls {
                let refused = matches!(b.sys(call, &args), Err(Errno::ROFS | Errno::EXIST | Errno::XDEV));
                assert!(refused, "{call} of {name}: {:?}", b.sys(call, &args));
                assert_eq!(snapshot(&roots.root), before, "{call} of {name}");
            }
        }
        for name in ["/remu-only/new", "new/", "/etc/remu-dir/new"] {
            let p = b.text(name);
            assert_eq!(b.sys("mkdirat", &[CWD, p, 0o755]), Err(Errno::ROFS), "{name}");
            // The kernel asks for write access first.
            assert_eq!(b.sys("unlinkat", &[CWD, p, 0]), Err(Errno::ROFS), "{name}");
        }
        assert_eq!(snapshot(&roots.root), before);
        let root = b.text("/");
        b.sys("chdir", &[root]).unwrap();
    });
}

#[test]
fn the_hosts_file_wins_if_both_have_it() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let before = snapshot(&roots.root);
    let f = roots.host("f");
    assert_eq!(contents(&mut b, &f).as_deref(), Ok("host"));
    let [p, new, buf] = [b.text(&f), b.text(&roots.host("new")), b.text("changed")];
    let fd = b.sys("openat", &[CWD, p, (libc::O_WRONLY | libc::O_TRUNC) as u64]).unwrap();
    assert_eq!(b.sys("write", &[fd, buf, 7]), Ok(7));
    assert_eq!(contents(&mut b, &f).as_deref(), Ok("changed"));
    assert_eq!(b.sys("renameat2", &[CWD, p, CWD, new, 0]), Ok(0));
    assert_eq!(fs::read_to_string(roots.host.join("new")).unwrap(), "changed");
    // If the host has no file, the sysroot's appears.
    assert_eq!(contents(&mut b, &f).as_deref(), Ok("sysroot"));
    assert_eq!(b.sys("unlinkat", &[CWD, p, 0]), Err(Errno::ROFS));
    let deep = b.text(&roots.host("deep"));
    assert_eq!(b.sys("mkdirat", &[CWD, deep, 0o755]), Ok(0));
    assert!(roots.host.join("deep").is_dir());
    assert_eq!(snapshot(&roots.root), before);
}

#[test]
fn links_resolve_in_the_guests_name_space() {
    let roots = Roots::new();
    let mut b = roots.bench();
    for (name, text) in [
        ("/etc/remu-f", "sysroot"),
        ("/etc/remu-link", "sysroot"),
        ("/etc/remu-to-host", "host"),
        ("/etc/remu-to-both", "host"),
        ("/etc/remu-dir/../remu-link", "sysroot"),
    ] {
        assert_eq!(contents(&mut b, name).as_deref(), Ok(text), "{name}");
    }
    assert_eq!(contents(&mut b, "/etc/remu-f/"), Err(Errno::NOTDIR));
    assert_eq!(contents(&mut b, "/etc/remu-none"), Err(Errno::NOENT));
    let link = b.text("/etc/remu-link");
    assert_eq!(b.sys("openat", &[CWD, link, libc::O_NOFOLLOW as u64]), Err(Errno::LOOP));
    let how = b.put(&OpenHow { flags: 0, mode: 0, resolve: 4 });
    assert_eq!(b.sys("openat2", &[CWD, link, how, 24]), Err(Errno::LOOP));
}

#[test]
fn a_name_in_the_working_directory_is_its_absolute_path() {
    alone(|| {
        let roots = Roots::new();
        let mut b = roots.bench();
        let host = roots.host.to_str().unwrap().to_owned();
        for (dir, name) in
            [("/", "proc/self/comm"), ("/etc", "remu-f"), ("/etc/remu-dir", "f"), (&host, "f"), ("/remu-only", "f")]
        {
            let text = b.text(dir);
            assert_eq!(b.sys("chdir", &[text]), Ok(0), "{dir}");
            assert_eq!(cwd(&mut b), dir);
            let buf = b.room(256);
            let link = b.text("/proc/self/cwd");
            let len = b.sys("readlinkat", &[CWD, link, buf, 256]).unwrap() as usize;
            assert_eq!(b.bytes(buf, len), dir.as_bytes());
            let absolute = contents(&mut b, &format!("{dir}/{name}"));
            assert!(absolute.is_ok(), "{dir}/{name}: {absolute:?}");
            assert_eq!(contents(&mut b, name), absolute);
            assert_eq!(contents(&mut b, &format!("/proc/self/cwd/{name}")), absolute);
            let up = b.text("..");
            b.sys("chdir", &[up]).unwrap();
            assert_eq!(cwd(&mut b), Path::new(dir).parent().unwrap_or(Path::new("/")).to_str().unwrap());
        }
        let root = b.text("/");
        b.sys("chdir", &[root]).unwrap();
    });
}

#[test]
fn path_lookup_uses_no_descriptor() {
    alone(|| {
        let roots = Roots::new();
        let limit = |n| rustix::process::Rlimit { current: n, maximum: n };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit(Some(0))).unwrap();
        assert_eq!(lookup(&roots.root, c"/etc/remu-link"), Ok(roots.root.join("etc/remu-f")));
    });
}

#[test]
fn a_path_with_its_own_root_changes_nothing_in_the_sysroot() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let before = snapshot(&roots.root);
    let above = roots.root.to_str().unwrap().to_owned();
    let below = format!("{}/etc/remu-dir/", &above[1..]);
    let write = libc::O_WRONLY as u64;
    let create = (libc::O_WRONLY | libc::O_CREAT) as u64;
    let exclusive = create | libc::O_EXCL as u64;
    for (dir, prefix) in [("/etc/remu-dir", ""), (&*above, "etc/remu-dir/"), ("/", &*below)] {
        let text = b.text(dir);
        let fd = b.sys("openat", &[CWD, text, libc::O_PATH as u64]).unwrap();
        // RESOLVE_BENEATH and RESOLVE_IN_ROOT.
        for (resolve, start) in [(8, ""), (0x10, ""), (0x10, "/")] {
            for (name, flags, error) in [
                ("f", write, Errno::ROFS),
                ("f", create, Errno::ROFS),
                ("f", exclusive, Errno::EXIST),
                ("f", libc::O_TRUNC as u64, Errno::ROFS),
                ("new", create, Errno::ROFS),
                ("new", exclusive, Errno::ROFS),
                (".", libc::O_TMPFILE as u64 | write, Errno::ROFS),
                ("none/new", create, Errno::NOENT),
            ] {
                let text = b.text(&format!("{start}{prefix}{name}"));
                let mode = if flags & libc::O_CREAT as u64 != 0 || name == "." { 0o644 } else { 0 };
                let how = b.put(&OpenHow { flags, mode, resolve });
                assert_eq!(b.sys("openat2", &[fd, text, how, 24]), Err(error), "{dir} {name} {flags:o} {resolve}");
            }
            let text = b.text(&format!("{start}{prefix}f"));
            let how = b.put(&OpenHow { flags: 0, mode: 0, resolve });
            assert!(b.sys("openat2", &[fd, text, how, 24]).is_ok());
        }
    }
    assert_eq!(snapshot(&roots.root), before);
    // A link of procfs on the way to a file of the sysroot.
    let dir = b.text("/etc/remu-dir");
    let dir = b.sys("openat", &[CWD, dir, 0]).unwrap();
    let path = b.text(&format!("/proc/self/fd/{dir}/../remu-f"));
    for (resolve, answer) in [(0, Ok(())), (2, Err(Errno::LOOP))] {
        let how = b.put(&OpenHow { flags: 0, mode: 0, resolve });
        assert_eq!(b.sys("openat2", &[CWD, path, how, 24]).map(drop), answer);
    }
}

#[test]
fn the_sysroots_own_path_leads_to_no_file_of_the_host() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let inside = |name: &str| format!("{}/{name}", roots.root.display());
    assert_eq!(contents(&mut b, &inside("etc/remu-f")).unwrap(), "sysroot");
    assert!(contents(&mut b, "/etc/passwd").is_ok(), "the host has it, the sysroot does not");
    for name in ["etc/passwd", "etc/remu-dir/../passwd", "usr/bin/env", "bin"] {
        assert_eq!(contents(&mut b, &inside(name)), Err(Errno::NOENT), "{name}");
    }
    let new = b.text(&inside("etc/remu-new"));
    assert_eq!(b.sys("openat", &[CWD, new, (libc::O_CREAT | libc::O_WRONLY) as u64, 0o600]), Err(Errno::ROFS));
    assert_eq!(b.sys("mkdirat", &[CWD, new, 0o700]), Err(Errno::ROFS));
    assert_eq!(b.sys("unlinkat", &[CWD, new, 0]), Err(Errno::ROFS));
    assert!(!Path::new("/etc/remu-new").exists());
}
