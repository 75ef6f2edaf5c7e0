//! clone(2) and clone3(2), with a starter that keeps the thread instead of running it.

use super::{BEYOND, Bench, NOWHERE};
use crate::host::{CallError, ChildProcess, Lock, NewProcess, Rank};
use crate::linux::outcome::Outcome;
use crate::linux::process::MemoryOf;
use crate::linux::thread::{NewThread, ThreadStarter};
use rustix::io::Errno;
use std::sync::Arc;

const fn flag(flag: i32) -> u64 {
    flag as u32 as u64
}

const THREAD: u64 = flag(libc::CLONE_VM)
    | flag(libc::CLONE_FS)
    | flag(libc::CLONE_FILES)
    | flag(libc::CLONE_SIGHAND)
    | flag(libc::CLONE_THREAD)
    | flag(libc::CLONE_SYSVSEM);

/// Begins each thread on a host thread of its own, and keeps it.
struct Kept(Lock<Vec<NewThread>>);

impl ThreadStarter for Kept {
    fn start(&self, mut thread: NewThread) -> Result<i32, Errno> {
        let begun = std::thread::scope(|s| {
            let begun = s.spawn(move || {
                thread.begin_itself()?;
                Ok::<_, Errno>((thread.task.tid(), thread))
            });
            begun.join().expect("it does not panic")
        });
        let (tid, thread) = begun?;
        self.0.lock().push(thread);
        Ok(tid)
    }

    fn vfork(&self, child: NewThread, _: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        self.0.lock().push(child);
        Ok(ChildProcess { pid: 4711, pidfd: None })
    }

    fn clone_vm(&self, child: NewThread, _: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        self.0.lock().push(child);
        Ok(ChildProcess { pid: 4711, pidfd: None })
    }
}

fn bench() -> (Bench, Arc<Kept>) {
    let kept = Arc::new(Kept(Lock::new(Rank::EndedThreads, Vec::new())));
    (Bench::with(|config| config.services.threads = kept.clone()), kept)
}

#[test]
fn clone_makes_a_thread() {
    let (mut b, kept) = bench();
    let word = b.put(&[0u32; 2]);
    let flags = THREAD
        | flag(libc::CLONE_SETTLS)
        | flag(libc::CLONE_PARENT_SETTID)
        | flag(libc::CLONE_CHILD_SETTID)
        | flag(libc::CLONE_CHILD_CLEARTID);
    let tid = b.sys("clone", &[flags, 0x7000, word, 0x1234, word + 4]).unwrap();
    let mut child = kept.0.lock().pop().unwrap();
    assert_eq!(b.get::<[u32; 2]>(word), [tid as u32; 2]);
    assert_eq!((child.cpu.x(2), child.cpu.x(4), child.cpu.x(10)), (0x7000, 0x1234, 0));
    assert_eq!(child.cpu.pc, b.cpu.pc, "it goes on after the call");
    assert_eq!(child.task.clear_child_tid, word + 4);
    // The first thread to end is not the last.
    assert_eq!(b.outcome(93, &[3]), Outcome::ThreadExited(3));
    // The test's own thread has the id of the child no more: what is left is the last one.
    b.task.process.remove_thread(tid as i32);
    let (seccomp, mask) = (&child.task.seccomp, child.task.shown_mask.clone());
    b.task.process.add_thread(child.task.tid(), seccomp, &b.task.seccomp, mask);
    for (i, value) in [93, 5].into_iter().enumerate() {
        child.cpu.set_x([17, 10][i], value);
    }
    assert_eq!(child.task.handle_exit(&mut child.cpu, crate::guest::Exit::Syscall), Outcome::Exited(5));
    assert_eq!(b.get::<[u32; 2]>(word), [tid as u32, 0]);
}

#[test]
fn clone_without_a_stack_or_pointers_keeps_the_callers() {
    let (mut b, kept) = bench();
    b.cpu.set_x(4, 0x5678);
    b.sys("clone", &[THREAD, 0, NOWHERE, 0x1234, NOWHERE]).unwrap();
    let child = kept.0.lock().pop().unwrap();
    assert_eq!((child.cpu.x(2), child.cpu.x(4)), (b.cpu.x(2), 0x5678));
    assert_eq!(child.task.clear_child_tid, 0);
    // Bad addresses are ignored.
    let set = flag(libc::CLONE_PARENT_SETTID) | flag(libc::CLONE_CHILD_SETTID);
    b.sys("clone", &[THREAD | set, 0, NOWHERE, 0, BEYOND]).unwrap();
}

#[test]
fn clone3_reads_arguments_of_any_version() {
    let (mut b, kept) = bench();
    let mut args = [THREAD | flag(libc::CLONE_SETTLS), 0, 0, 0, 0, 0x7000, 0x1000, 0x1234, 0, 0, 0, 0];
    let at = b.put(&args);
    for size in [64, 80, 88, 96] {
        b.sys("clone3", &[at, size]).unwrap();
        let child = kept.0.lock().pop().unwrap();
        assert_eq!((child.cpu.x(2), child.cpu.x(4)), (0x8000, 0x1234), "{size}");
    }
    args[11] = 1;
    let later = b.put(&args);
    assert_eq!(b.sys("clone3", &[later, 96]), Err(Errno::TOOBIG));
    assert_eq!(b.sys("clone3", &[at, 63]), Err(Errno::INVAL));
    assert_eq!(b.sys("clone3", &[at, 4097]), Err(Errno::TOOBIG));
    assert_eq!(b.sys("clone3", &[NOWHERE, 88]), Err(Errno::FAULT));
}

#[test]
fn a_vfork_child_has_its_own_handlers_and_its_parents_memory() {
    let (mut b, kept) = bench();
    let vfork = flag(libc::CLONE_VM) | flag(libc::CLONE_VFORK);
    let altstack = b.put(&[0x9000u64, 0, 0x2000]);
    b.sys("sigaltstack", &[altstack, 0]).unwrap();
    assert_eq!(b.sys("clone", &[vfork | 17, 0x7000]), Ok(4711));
    let child = kept.0.lock().pop().unwrap();
    assert_eq!((child.cpu.x(2), child.cpu.x(10)), (0x7000, 0));
    assert!(Arc::ptr_eq(&child.task.mm, &b.task.mm));
    assert!(!Arc::ptr_eq(&child.task.sighand, &b.task.sighand));
    assert_eq!(child.task.process.memory, MemoryOf::WaitingParent);
    assert_eq!((child.task.altstack.sp, child.task.altstack.size), (0x9000, 0x2000));
    assert_eq!(b.sys("clone", &[flag(libc::CLONE_VM) | flag(libc::CLONE_SIGHAND), 0x7000]), Ok(4711));
    let child = kept.0.lock().pop().unwrap();
    assert!(Arc::ptr_eq(&child.task.sighand, &b.task.sighand));
    assert_eq!((child.task.process.memory, child.task.altstack.size), (MemoryOf::Another, 0));
}

#[test]
fn flags_that_no_kernel_takes_are_refused() {
    let (mut b, _) = bench();
    let bad = [
        flag(libc::CLONE_THREAD),
        flag(libc::CLONE_THREAD) | flag(libc::CLONE_SIGHAND),
        flag(libc::CLONE_SIGHAND),
        flag(libc::CLONE_FS) | flag(libc::CLONE_NEWNS),
        flag(libc::CLONE_FS) | flag(libc::CLONE_NEWUSER),
        THREAD | flag(libc::CLONE_NEWUSER),
        THREAD | flag(libc::CLONE_NEWPID),
        flag(libc::CLONE_PIDFD) | flag(libc::CLONE_PARENT_SETTID),
        flag(libc::CLONE_PIDFD) | flag(libc::CLONE_DETACHED),
    ];
    for flags in bad {
        assert_eq!(b.sys("clone", &[flags]), Err(Errno::INVAL), "{flags:#x}");
    }
    let refused = |b: &mut Bench, change: &dyn Fn(&mut [u64; 11])| {
        let mut args = [0; 11];
        args[0] = THREAD;
        change(&mut args);
        let at = b.put(&args);
        assert_eq!(b.sys("clone3", &[at, 88]), Err(Errno::INVAL), "{args:x?}");
    };
    refused(&mut b, &|a| a[0] |= 1);
    refused(&mut b, &|a| a[0] |= 1 << 34);
    refused(&mut b, &|a| a[0] |= 1 << 32);
    refused(&mut b, &|a| a[0] |= flag(libc::CLONE_DETACHED));
    refused(&mut b, &|a| a[4] = 17);
    refused(&mut b, &|a| (a[0], a[4]) = (0, 65));
    refused(&mut b, &|a| a[5] = 0x7000);
    refused(&mut b, &|a| a[6] = 0x1000);
    refused(&mut b, &|a| (a[5], a[6]) = (u64::MAX, 2));
    refused(&mut b, &|a| a[8] = 0x7000);
    refused(&mut b, &|a| a[9] = 1);
    refused(&mut b, &|a| (a[8], a[9]) = (0x7000, 33));
    refused(&mut b, &|a| (a[0], a[10]) = (1 << 33, 1 << 31));
}
