//! Extended attributes, file handles and file notifications.

use super::host::{ADMINISTER, READ_ANYTHING, capable, lacks};
use super::{BEYOND, Bench, CWD, NOWHERE};
use crate::linux::abi::file::{Cachestat, CachestatRange, FileAttr, HandleHead, XattrArgs};
use rustix::io::Errno;
use std::io::Write;

const EMPTY_PATH: u64 = libc::AT_EMPTY_PATH as u64;

/// A file: its temporary directory, its path in guest memory, and a descriptor.
fn file(b: &mut Bench) -> (tempfile::TempDir, u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, "abcd").unwrap();
    let at = b.text(path.to_str().unwrap());
    let fd = b.sys("openat", &[CWD, at, libc::O_RDWR as u64]).unwrap();
    (dir, at, fd)
}

#[test]
fn attributes_are_set_by_a_structure() {
    let mut b = Bench::new();
    if lacks(&mut b, "setxattrat", (6, 13)) {
        return;
    }
    let (_dir, path, fd) = file(&mut b);
    let (name, empty) = (b.text("user.remu"), b.text(""));
    let value = b.text("value");
    let set = b.put(&XattrArgs { value, size: 5, flags: 0 });
    match b.sys("setxattrat", &[CWD, path, 0, name, set, 16]) {
        // tmpfs may not support user attributes.
        Err(e) => return assert_eq!(e, Errno::OPNOTSUPP),
        Ok(done) => assert_eq!(done, 0),
    }
    let create = b.put(&XattrArgs { value, size: 5, flags: libc::XATTR_CREATE as u32 });
    assert_eq!(b.sys("setxattrat", &[CWD, path, 0, name, create, 16]), Err(Errno::EXIST));
    let to = b.room(64);
    let get = b.put(&XattrArgs { value: to, size: 64, flags: 0 });
    assert_eq!(b.sys("getxattrat", &[CWD, path, 0, name, get, 16]), Ok(5));
    assert_eq!(b.bytes(to, 6), b"value\0");
    for at in [empty, 0] {
        assert_eq!(b.sys("getxattrat", &[fd, at, EMPTY_PATH, name, get, 16]), Ok(5));
    }
    assert_eq!(b.sys("getxattrat", &[fd, 0, 0, name, get, 16]), Err(Errno::FAULT));
    let short = b.put(&XattrArgs { value: to, size: 2, flags: 0 });
    assert_eq!(b.sys("getxattrat", &[CWD, path, 0, name, short, 16]), Err(Errno::RANGE));
    let size_only = b.put(&XattrArgs { value: 0, size: 0, flags: 0 });
    assert_eq!(b.sys("getxattrat", &[CWD, path, 0, name, size_only, 16]), Ok(5));
    for bad in [NOWHERE, BEYOND] {
        let args = b.put(&XattrArgs { value: bad, size: 64, flags: 0 });
        assert_eq!(b.sys("getxattrat", &[CWD, path, 0, name, args, 16]), Err(Errno::FAULT));
        assert_eq!(b.sys("getxattrat", &[CWD, path, 0, name, bad, 16]), Err(Errno::FAULT));
        assert_eq!(b.sys("getxattrat", &[CWD, path, 0, bad, get, 16]), Err(Errno::FAULT));
    }
    assert_eq!(b.sys("setxattrat", &[CWD, path, 0, name, set, 15]), Err(Errno::INVAL));
    assert_eq!(b.sys("setxattrat", &[CWD, path, 0, name, set, 5000]), Err(Errno::TOOBIG));
    let longer = b.put(&[value, 5, 0]);
    assert_eq!(b.sys("setxattrat", &[CWD, path, 0, name, longer, 24]), Ok(0));
    let unknown = b.put(&[value, 5, 1]);
    assert_eq!(b.sys("setxattrat", &[CWD, path, 0, name, unknown, 24]), Err(Errno::TOOBIG));
    assert_eq!(b.sys("listxattrat", &[CWD, path, 0, to, 64]), Ok(10));
    assert_eq!(b.bytes(to, 10), b"user.remu\0");
    assert_eq!(b.sys("listxattrat", &[CWD, path, 0, BEYOND, 64]), Err(Errno::FAULT));
    assert_eq!(b.sys("removexattrat", &[fd, empty, EMPTY_PATH, name]), Ok(0));
    assert_eq!(b.sys("removexattrat", &[fd, empty, EMPTY_PATH, name]), Err(Errno::NODATA));
    assert_eq!(b.sys("listxattrat", &[CWD, path, 0, to, 64]), Ok(0));
    let endless = b.put([b'a'; 300].as_slice());
    assert_eq!(b.sys("removexattrat", &[CWD, path, 0, endless]), Err(Errno::RANGE), "longer than any attribute name");
}

#[test]
fn inode_attributes_are_read_and_set() {
    let mut b = Bench::new();
    if lacks(&mut b, "file_getattr", (6, 17)) {
        return;
    }
    let (_dir, path, fd) = file(&mut b);
    let at = b.put(&[0xaau8; 32]);
    match b.sys("file_getattr", &[CWD, path, at, 24, 0]) {
        // tmpfs has no inode attributes.
        Err(e) => return assert_eq!(e, Errno::OPNOTSUPP),
        Ok(done) => assert_eq!(done, 0),
    }
    assert_eq!((b.get::<FileAttr>(at).extsize, b.bytes(at + 24, 1)), (0, vec![0xaa]));
    let empty = b.text("");
    assert_eq!(b.sys("file_getattr", &[fd, empty, at, 32, EMPTY_PATH]), Ok(0));
    assert_eq!(b.bytes(at + 24, 8), [0; 8], "fields unknown to this kernel are zero");
    assert_eq!(b.sys("file_getattr", &[CWD, path, at, 23, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("file_getattr", &[CWD, path, NOWHERE, 24, 0]), Err(Errno::FAULT));
    const NODUMP: u64 = 0x80;
    let old: FileAttr = b.get(at);
    let new = b.put(&FileAttr { xflags: old.xflags | NODUMP, ..old });
    assert_eq!(b.sys("file_setattr", &[CWD, path, new, 24, 0]), Ok(0));
    assert_eq!(b.sys("file_getattr", &[CWD, path, at, 24, 0]), Ok(0));
    assert_eq!(b.get::<FileAttr>(at).xflags & NODUMP, NODUMP);
    assert_eq!(b.sys("file_setattr", &[CWD, path, BEYOND, 24, 0]), Err(Errno::FAULT));
}

#[test]
fn files_have_handles() {
    let mut b = Bench::new();
    let (_dir, path, fd) = file(&mut b);
    let (handle, mount) = (b.room(136), b.room(8));
    let ask = |b: &mut Bench, bytes| b.task.mm.write(crate::memory::GuestAddr(handle), &HandleHead { bytes, kind: 0 });
    ask(&mut b, 0).unwrap();
    match b.sys("name_to_handle_at", &[CWD, path, handle, mount, 0]) {
        // The file system of temporary files may not support handles.
        Err(Errno::OPNOTSUPP) => return,
        other => assert_eq!(other, Err(Errno::OVERFLOW)),
    }
    let size = b.get::<HandleHead>(handle).bytes;
    assert!(size >= 4, "the kernel returns the size of the handle");
    assert_eq!(b.sys("name_to_handle_at", &[CWD, path, handle, mount, 0]), Ok(0));
    let named = b.bytes(handle, 8 + size as usize);
    assert!(b.get::<i32>(mount) > 0);
    let empty = b.text("");
    ask(&mut b, 128).unwrap();
    assert_eq!(b.sys("name_to_handle_at", &[fd, empty, handle, mount, EMPTY_PATH]), Ok(0));
    assert_eq!(b.bytes(handle, 8 + size as usize), named);
    assert_eq!(b.sys("name_to_handle_at", &[CWD, path, NOWHERE, mount, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("name_to_handle_at", &[CWD, path, handle, BEYOND, 0]), Err(Errno::FAULT));
    ask(&mut b, 129).unwrap();
    assert_eq!(b.sys("name_to_handle_at", &[CWD, path, handle, mount, 0]), Err(Errno::INVAL));
    ask(&mut b, 128).unwrap();
    b.trace.take();
    b.sys("name_to_handle_at", &[CWD, path, handle, mount, 0]).unwrap();
    let text = b.trace.take();
    assert!(text.contains(&format!(", {{handle_bytes=128 => {size}, handle_type=")), "{text}");
    let opened = b.sys("open_by_handle_at", &[fd, handle, 0]);
    let digits: String = named[8..].iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let text = b.trace.take();
    assert!(text.contains(&format!("f_handle=\"{digits}\"}}, O_RDONLY) = ")), "{text}");
    if !capable(READ_ANYTHING) {
        return assert_eq!(opened, Err(Errno::PERM));
    }
    let to = b.room(8);
    assert_eq!(b.sys("read", &[opened.unwrap(), to, 8]), Ok(4));
    assert_eq!(b.bytes(to, 4), b"abcd");
    assert_eq!(b.sys("open_by_handle_at", &[fd, NOWHERE, 0]), Err(Errno::FAULT));
}

#[test]
fn fanotify_reports_file_events() {
    const FD: u64 = 0;
    const FID: u64 = 0x200;
    let mut b = Bench::new();
    let (_dir, path, fd) = file(&mut b);
    let nonblock = 2;
    let plain = b.sys("fanotify_init", &[FD | nonblock, 0]);
    assert_eq!(plain.is_err().then_some(plain), (!capable(ADMINISTER)).then_some(Err(Errno::PERM)));
    assert_eq!(b.sys("fanotify_init", &[FID | 1 << 30, 0]), Err(Errno::INVAL));
    b.trace.take();
    let group = b.sys("fanotify_init", &[FID | nonblock, 0]).unwrap();
    let shown = "fanotify_init(FAN_CLASS_NOTIF|FAN_NONBLOCK|FAN_REPORT_FID, O_RDONLY)";
    assert_eq!(b.trace.take(), format!("{shown} = {group}\n"));
    const MODIFY: u64 = 2;
    let events = b.room(256);
    assert_eq!(b.sys("read", &[group, events, 256]), Err(Errno::AGAIN));
    match b.sys("fanotify_mark", &[group, 1, MODIFY, CWD, path]) {
        // The file system of temporary files may not support handles.
        Err(Errno::OPNOTSUPP | Errno::NODEV) => return,
        other => assert_eq!(other, Ok(0)),
    }
    b.sys("write", &[fd, path, 1]).unwrap();
    let size = b.sys("read", &[group, events, 256]).unwrap();
    assert!(size >= 24);
    assert_eq!(b.get::<u64>(events + 8), MODIFY);
    assert_eq!(b.sys("fanotify_mark", &[group, 2, MODIFY, CWD, path]), Ok(0));
    assert_eq!(b.sys("fanotify_mark", &[group, 2, MODIFY, CWD, path]), Err(Errno::NOENT));
    assert_eq!(b.sys("fanotify_mark", &[group, 1, MODIFY, CWD, NOWHERE]), Err(Errno::FAULT));
    assert_eq!(b.sys("fanotify_mark", &[fd, 1, MODIFY, CWD, path]), Err(Errno::INVAL));
    assert_eq!(
        b.sys("fanotify_mark", &[group, 1, MODIFY, fd, 0]),
        Ok(0),
        "without a path the call applies to the descriptor"
    );
}

#[test]
fn cachestat_counts_cached_pages() {
    let mut b = Bench::new();
    if lacks(&mut b, "cachestat", (6, 5)) {
        return;
    }
    let fd = b.file(&[b'x'; 3 * 4096]);
    let (range, to) = (b.put(&CachestatRange { off: 4096, len: 0 }), b.room(40));
    assert_eq!(b.sys("cachestat", &[fd, range, to, 0]), Ok(0));
    assert_eq!(b.get::<Cachestat>(to).cache, 2);
    assert_eq!(b.sys("cachestat", &[fd, range, to, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("cachestat", &[999_999, range, to, 0]), Err(Errno::BADF));
    assert_eq!(b.sys("cachestat", &[fd, NOWHERE, to, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("cachestat", &[fd, range, BEYOND, 0]), Err(Errno::FAULT));
}

#[test]
fn links_in_the_sysroot_are_followed_as_the_flags_say() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("inside"), "abcd").unwrap();
    std::os::unix::fs::symlink("/inside", root.path().join("link")).unwrap();
    let mut b = Bench::with(|config| config.spec.sysroot = Some(root.path().canonicalize().unwrap()));
    let link = b.text("/link");
    let group = b.sys("fanotify_init", &[0x200 | 2, 0]).unwrap();
    const ADD: u64 = 1;
    const DONT_FOLLOW: u64 = 4;
    const MODIFY: u64 = 2;
    // The host changes the file, since the guest cannot.
    let inside = std::fs::OpenOptions::new().write(true).open(root.path().join("inside")).unwrap();
    let events = b.room(256);
    match b.sys("fanotify_mark", &[group, ADD | DONT_FOLLOW, MODIFY, CWD, link]) {
        // The file system of temporary files may not support handles.
        Err(Errno::OPNOTSUPP | Errno::NODEV) => return,
        other => assert_eq!(other, Ok(0)),
    }
    (&inside).write_all(b"x").unwrap();
    assert_eq!(b.sys("read", &[group, events, 256]), Err(Errno::AGAIN), "the link itself is watched");
    assert_eq!(b.sys("fanotify_mark", &[group, ADD, MODIFY, CWD, link]), Ok(0));
    (&inside).write_all(b"x").unwrap();
    assert!(b.sys("read", &[group, events, 256]).unwrap() >= 24);
}
