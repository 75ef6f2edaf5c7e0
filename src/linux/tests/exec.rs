//! execve(2) and execveat(2) up to the point of no return; `testprogs/exec.c` goes past it.

use super::{BEYOND, Bench, CWD, NOWHERE};
use rustix::io::Errno;

#[test]
fn what_cannot_be_executed_is_told_before_anything_changes() {
    let mut b = Bench::new();
    let (nowhere, directory) = (b.text("/no/such/program"), b.text("/"));
    let word = b.text("word");
    let list = b.put(&[word, 0]);
    let none = b.put(&[0u64]);
    assert_eq!(b.sys("execve", &[nowhere, list, none]), Err(Errno::NOENT));
    assert_eq!(b.sys("execve", &[directory, list, none]), Err(Errno::ACCESS));
    assert_eq!(b.sys("execve", &[NOWHERE, list, none]), Err(Errno::FAULT));
    assert_eq!(b.sys("execve", &[directory, BEYOND, none]), Err(Errno::FAULT));
    assert_eq!(b.sys("execve", &[directory, list, NOWHERE]), Err(Errno::FAULT));
    assert_eq!(b.sys("execveat", &[CWD, nowhere, list, none, 0]), Err(Errno::NOENT));
    assert_eq!(b.sys("execveat", &[CWD, directory, list, none, 0x4_0000]), Err(Errno::INVAL));
    let empty = b.text("");
    assert_eq!(b.sys("execveat", &[CWD, empty, list, none, 0]), Err(Errno::NOENT));
    assert_eq!(b.sys("execveat", &[999, empty, list, none, 0x1000]), Err(Errno::BADF));
    assert_eq!(b.sys("execveat", &[999, nowhere, list, none, 0]), Err(Errno::NOENT));
    let relative = b.text("program");
    assert_eq!(b.sys("execveat", &[999, relative, list, none, 0]), Err(Errno::BADF));
}
