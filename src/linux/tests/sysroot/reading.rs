//! Calls that only read the file at a path: with the file in the sysroot, on the host, in both and in neither.

use super::super::alone::alone;
use super::super::{Bench, CWD};
use super::{Roots, changes};
use crate::linux::abi::file::OpenHow;
use crate::linux::table::{self, ArgKind};
use crate::memory::GuestAddr;
use std::fs;
use std::mem::offset_of;

/// Calls with a path that no test can make: they change the root of the test's threads.
const UNTRIED: [&str; 1] = ["chroot"];

const SIZE: u64 = 512;

/// Every call that reads the file at a path `p`, with a place `out` for the answer.
fn reads(b: &mut Bench, p: u64, out: u64) -> Vec<(&'static str, Vec<u64>)> {
    let (attr, word) = (b.text("user.remu"), b.put(&[0u64; 8]));
    let value = b.put(&[out, SIZE, 0]);
    let how = b.put(&OpenHow { flags: 0, mode: 0, resolve: 0 });
    let handle = b.put(&[128u32, 0]);
    b.room(128);
    let (watch, mark) = (b.sys("inotify_init1", &[0]).unwrap(), b.sys("fanotify_init", &[0x200, 0]));
    let keep = libc::AT_SYMLINK_NOFOLLOW as u64;
    vec![
        ("getxattr", vec![p, attr, out, SIZE]),
        ("lgetxattr", vec![p, attr, out, SIZE]),
        ("listxattr", vec![p, out, SIZE]),
        ("llistxattr", vec![p, out, SIZE]),
        ("inotify_add_watch", vec![watch, p, 2]),
        ("fanotify_mark", vec![mark.unwrap_or(u64::MAX), 1, 2, CWD, p]),
        ("statfs", vec![p, out]),
        ("chdir", vec![p]),
        ("faccessat", vec![CWD, p, libc::R_OK as u64]),
        ("faccessat2", vec![CWD, p, libc::X_OK as u64, keep]),
        ("openat", vec![CWD, p, 0]),
        ("openat", vec![CWD, p, libc::O_NOFOLLOW as u64]),
        ("openat2", vec![CWD, p, how, 24]),
        // No device, and no program.
        ("quotactl", vec![0x8000_0700, p, 0, out]),
        ("execve", vec![p, 0, 0]),
        ("execveat", vec![CWD, p, 0, 0, 0]),
        ("readlinkat", vec![CWD, p, out, SIZE]),
        ("newfstatat", vec![CWD, p, out, 0]),
        ("newfstatat", vec![CWD, p, out, keep]),
        ("statx", vec![CWD, p, 0, 0xfff, out]),
        ("statx", vec![CWD, p, keep, 0xfff, out]),
        ("name_to_handle_at", vec![CWD, p, handle, out, 0]),
        ("open_tree", vec![CWD, p, 0]),
        ("open_tree_attr", vec![CWD, p, 0, word, 32]),
        ("fspick", vec![CWD, p, 0]),
        ("getxattrat", vec![CWD, p, 0, attr, value, 16]),
        ("getxattrat", vec![CWD, p, keep, attr, value, 16]),
        ("listxattrat", vec![CWD, p, 0, out, SIZE]),
        ("file_getattr", vec![CWD, p, out, 24, 0]),
    ]
}

/// Makes a call, and tells its answer: the result or the file that it has opened, and the output.
fn answer(b: &mut Bench, call: &str, args: &[u64], out: u64) -> String {
    let mut result = b.sys(call, args);
    match (call, result) {
        ("openat" | "openat2" | "open_tree" | "open_tree_attr", Ok(fd)) => {
            b.sys("fstat", &[fd, out]).unwrap();
            b.sys("close", &[fd]).unwrap();
            result = Ok(0);
        }
        ("inotify_add_watch" | "fanotify_mark", _) => {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", args[0])).unwrap_or_default();
            b.sys("close", &[args[0]]).ok();
            let watched = info.lines().find(|line| line.starts_with("inotify") || line.contains(" ino:"));
            return format!("{result:?} {watched:?}");
        }
        ("name_to_handle_at", Ok(_)) => {
            let len: u32 = b.get(args[2]);
            return format!("{:?}", b.bytes(args[2], 8 + len as usize));
        }
        ("statfs", Ok(_)) => {
            // What is free changes with every file that somebody writes.
            let free = offset_of!(libc::statfs, f_bfree)..offset_of!(libc::statfs, f_files);
            let free_files = offset_of!(libc::statfs, f_ffree)..offset_of!(libc::statfs, f_fsid);
            for range in [free, free_files] {
                b.task.mm.write_bytes(GuestAddr(out + range.start as u64), &vec![0; range.len()]).unwrap();
            }
        }
        ("chdir", Ok(_)) => {
            let at = std::env::current_dir();
            std::env::set_current_dir("/").unwrap();
            return format!("{at:?}");
        }
        _ => {}
    }
    format!("{result:?} {:?}", b.bytes(out, SIZE as usize))
}

#[test]
fn every_call_reads_the_file_that_the_rule_names() {
    alone(|| {
        let roots = Roots::new();
        fs::write(roots.root.join("etc/passwd"), "sysroot").unwrap();
        let mut b = roots.bench();
        let mut plain = Bench::new();
        let sysroot = |name: &str| roots.root.join(name).to_str().unwrap().to_owned();
        for (file, text) in
            [(roots.host("f"), "host"), (sysroot("etc/remu-f"), "sysroot"), (sysroot("etc/passwd"), "s")]
        {
            let [file, attr, value] = [&file, "user.remu", text].map(|text| plain.text(text));
            // Not every file system has attributes.
            plain.sys("setxattr", &[file, attr, value, text.len() as u64, 0]).ok();
        }
        // The guest's path, and the host's: without following a link at its end, and with.
        let same = |guest: &str, host: String| (guest.to_owned(), host.clone(), host);
        let cases = [
            same("/etc/passwd", sysroot("etc/passwd")),
            same("/etc/remu-f", sysroot("etc/remu-f")),
            same("/etc/remu-dir", sysroot("etc/remu-dir")),
            same("/etc/group", "/etc/group".into()),
            same("/etc", sysroot("etc")),
            same("/etc/remu-none", sysroot("etc/remu-none")),
            same("/etc/remu-f/x", sysroot("etc/remu-f/x")),
            ("/etc/remu-link".into(), sysroot("etc/remu-link"), sysroot("etc/remu-f")),
            ("/etc/remu-to-both".into(), sysroot("etc/remu-to-both"), roots.host("f")),
            same(&roots.host("f"), roots.host("f")),
            same(&roots.host("only"), roots.host("only")),
            same("/remu-only/f", sysroot("remu-only/f")),
            same(&roots.host("none"), roots.host("none")),
        ];
        for (guest, kept, followed) in &cases {
            let mark = (b.next, plain.next);
            let [p, out] = [b.text(guest), b.room(SIZE)];
            let ours = reads(&mut b, p, out);
            let spare = b.text(&roots.host("only"));
            let changing = changes(&mut b, p, spare, spare);
            for row in table::rows() {
                let takes_path =
                    row.args.iter().any(|kind| matches!(kind, ArgKind::Path(..) | ArgKind::PathOrNull(..)));
                let listed = [&ours, &changing].iter().any(|calls| calls.iter().any(|(call, _)| *call == row.name));
                assert!(listed || !takes_path || UNTRIED.contains(&row.name), "{} is not tried", row.name);
            }
            let native_out = plain.room(SIZE);
            let [kept, followed] = [kept, followed].map(|path| {
                let path = plain.text(path);
                reads(&mut plain, path, native_out)
            });
            for (i, (call, args)) in ours.iter().enumerate() {
                let keeps = ["lgetxattr", "llistxattr", "readlinkat", "name_to_handle_at"].contains(call)
                    || args.contains(&(libc::AT_SYMLINK_NOFOLLOW as u64))
                    || args.contains(&(libc::O_NOFOLLOW as u64));
                let native = if keeps { &kept[i].1 } else { &followed[i].1 };
                for (b, out) in [(&b, out), (&plain, native_out)] {
                    b.task.mm.write_bytes(GuestAddr(out), &[0; SIZE as usize]).unwrap();
                }
                let found = answer(&mut b, call, args, out);
                assert_eq!(found, answer(&mut plain, call, native, native_out), "{call} of {guest}");
            }
            for (call, args) in kept.iter().chain(&followed) {
                if ["inotify_add_watch", "fanotify_mark"].contains(call) {
                    plain.sys("close", &[args[0]]).ok();
                }
            }
            (b.next, plain.next) = mark;
        }
    });
}
