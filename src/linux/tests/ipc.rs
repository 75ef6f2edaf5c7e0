//! System V shared memory, semaphores and message queues.

use super::alone::alone;
use super::{BEYOND, Bench, NOWHERE};
use crate::host::{self, Sys, SysArg};
use crate::linux::abi::ipc::{MsqidDs, Sembuf, SemidDs, ShmInfo, ShmidDs, Shminfo};
use crate::linux::abi::time::Timespec;
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault};
use rustix::io::Errno;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE: u64 = 4096;
const CREATE: u64 = (libc::IPC_CREAT | libc::IPC_EXCL | 0o600) as u64;
const RMID: u64 = 0;
const SET: u64 = 1;
const STAT: u64 = 2;
const INFO: u64 = 3;
const GETPID: u64 = 11;
const GETVAL: u64 = 12;
const GETALL: u64 = 13;
const GETNCNT: u64 = 14;
const GETZCNT: u64 = 15;
const SETVAL: u64 = 16;
const SETALL: u64 = 17;
const SEM_INFO: u64 = 19;
const SHM_LOCK: u64 = 11;
const SHM_UNLOCK: u64 = 12;
const SHM_INFO: u64 = 14;
const RDONLY: u64 = 0o10000;
const RND: u64 = 0o20000;
const REMAP: u64 = 0o40000;
const EXEC: u64 = 0o100000;
const NOWAIT: i16 = libc::IPC_NOWAIT as i16;

/// An IPC object of the host, which outlives processes. A shell removes it when this process drops it or ends, even if
/// the test fails.
struct IpcObject {
    id: u64,
    key: u64,
    remover: Child,
}

impl IpcObject {
    /// Makes an object with a call that takes a key and then `rest`.
    fn new(b: &mut Bench, call: &str, rest: &[u64], option: char, host: Sys) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let key = u64::from(std::process::id() & 0x3f_ffff) << 8 | COUNT.fetch_add(1, Ordering::Relaxed);
        let remover = Command::new("sh")
            .args(["-c", "read -r _; ipcrm \"$0\" \"$1\" 2>&-", &format!("-{option}"), &key.to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let id = b.sys(call, &[&[key], rest].concat()).unwrap();
        let numbers = [key, 0, 0].map(SysArg::Val);
        // If the ID were another object's, the test would change that object.
        assert_eq!(host::pass(host, &mut { numbers }[..if option == 'Q' { 2 } else { 3 }]), Ok(id));
        IpcObject { id, key, remover }
    }
}

impl Drop for IpcObject {
    fn drop(&mut self) {
        drop(self.remover.stdin.take());
        let _ = self.remover.wait();
    }
}

fn segment(b: &mut Bench, size: u64) -> IpcObject {
    IpcObject::new(b, "shmget", &[size, CREATE], 'M', Sys::Shmget)
}

fn semaphores(b: &mut Bench, count: u64) -> IpcObject {
    IpcObject::new(b, "semget", &[count, CREATE], 'S', Sys::Semget)
}

fn queue(b: &mut Bench) -> IpcObject {
    IpcObject::new(b, "msgget", &[CREATE], 'Q', Sys::Msgget)
}

fn status(b: &mut Bench, id: u64) -> ShmidDs {
    let at = b.room(112);
    assert_eq!(b.sys("shmctl", &[id, STAT, at]), Ok(0));
    b.get(at)
}

/// The lines of /proc/self/maps for segments, without addresses: permissions, offset, name.
fn attached(b: &mut Bench) -> Vec<String> {
    let maps = super::proc::read(b, "/proc/self/maps");
    let lines = maps.lines().filter(|line| line.contains("/SYSV"));
    lines.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_segment_is_attached_shared_and_counted() {
    // A fork of another test attaches the segments a second time.
    alone(|| {
        let mut b = Bench::new();
        let shm = segment(&mut b, 2 * PAGE - 100);
        let made = status(&mut b, shm.id);
        assert_eq!((made.segsz, made.nattch, made.perm.mode & 0o777), (2 * PAGE - 100, 0, 0o600));
        assert_eq!(made.cpid, b.task.pid());
        let first = b.sys("shmat", &[shm.id, 0, 0]).unwrap();
        let second = b.sys("shmat", &[shm.id, NOWHERE, RDONLY]).unwrap();
        assert_eq!(second, NOWHERE);
        assert_eq!(status(&mut b, shm.id).nattch, 2);
        b.task.mm.write(GuestAddr(first + PAGE), &77u64).unwrap();
        assert_eq!(b.get::<u64>(second + PAGE), 77);
        assert!(b.task.mm.write(GuestAddr(second), &1u8).is_err());
        let denied = GuestFault { addr: GuestAddr(second), access: Access::Write, kind: FaultKind::Denied };
        assert_eq!(b.task.mm.classify(GuestAddr(second), 1, Access::Write), Some(denied));
        let id = shm.id;
        let dev = "00:01";
        let name = format!("{dev} {id} /SYSV{:08x} (deleted)", shm.key);
        assert_eq!(attached(&mut b), [format!("r--s 00000000 {name}"), format!("rw-s 00000000 {name}")]);
        assert_eq!(b.sys("shmdt", &[first]), Ok(0));
        assert_eq!(status(&mut b, shm.id).nattch, 1);
        assert!(b.task.mm.read::<u8>(GuestAddr(first)).is_err());
        assert_eq!(b.sys("shmdt", &[first]), Err(Errno::INVAL));
        // A removed segment keeps its memory while it is attached.
        assert_eq!(b.sys("shmctl", &[shm.id, RMID, 0]), Ok(0));
        assert_eq!(b.get::<u64>(second + PAGE), 77);
        assert_eq!(b.sys("shmdt", &[second]), Ok(0));
        assert_eq!(b.sys("shmat", &[shm.id, 0, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmdt", &[second + 1]), Err(Errno::INVAL));
    });
}

#[test]
fn segments_are_attached_only_at_valid_addresses() {
    // A fork of another test attaches the segments a second time.
    alone(|| {
        let mut b = Bench::new();
        let shm = segment(&mut b, 2 * PAGE);
        let at = b.sys("shmat", &[shm.id, NOWHERE, 0]).unwrap();
        assert_eq!(b.sys("shmat", &[shm.id, at, 0]), Err(Errno::INVAL), "there is something");
        assert_eq!(b.sys("shmat", &[shm.id, at + PAGE, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmat", &[shm.id, at + 1, REMAP]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmat", &[shm.id, at + 1, REMAP | RND]), Ok(at));
        assert_eq!(status(&mut b, shm.id).nattch, 1, "one attachment replaced the other");
        assert_eq!(b.sys("shmat", &[shm.id, 0, REMAP]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmat", &[shm.id, 1, REMAP | RND]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmat", &[u64::MAX, 0, 0]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmat", &[shm.id, 1 << 47, 0]), Err(Errno::NOMEM));
        assert_eq!(b.sys("shmat", &[shm.id, BEYOND, 0]), Err(Errno::INVAL));
        let limit = b.put(&[b.task.mm.mapped_bytes() + PAGE, u64::MAX]);
        b.sys("setrlimit", &[libc::RLIMIT_AS.into(), limit]).unwrap();
        assert_eq!(b.sys("shmat", &[shm.id, 0, 0]), Err(Errno::NOMEM));
        assert_eq!(b.sys("shmget", &[0, 1 << 21, CREATE | libc::SHM_HUGETLB as u64]), Err(Errno::INVAL));
        assert_eq!(b.missing.take(), "shmget with SHM_HUGETLB\n");
    });
}

#[test]
fn detaching_removes_the_parts_still_in_place() {
    // A fork of another test attaches the segments a second time.
    alone(|| {
        let mut b = Bench::new();
        let shm = segment(&mut b, 4 * PAGE);
        let at = b.sys("shmat", &[shm.id, NOWHERE, 0]).unwrap();
        let other = b.sys("shmat", &[shm.id, NOWHERE + 4 * PAGE, 0]).unwrap();
        b.sys("munmap", &[at + PAGE, PAGE]).unwrap();
        assert_eq!(status(&mut b, shm.id).nattch, 3, "the kernel counts the parts");
        b.sys("mprotect", &[at + 3 * PAGE, PAGE, 1]).unwrap();
        // A moved part is not detached from its old place. It belongs to the address at which the whole segment would
        // begin.
        let moved = b.sys("mremap", &[at + 2 * PAGE, PAGE, PAGE, 3, NOWHERE + 32 * PAGE]).unwrap();
        assert_eq!(b.sys("shmdt", &[at + PAGE]), Err(Errno::INVAL));
        assert_eq!(b.sys("shmdt", &[at]), Ok(0));
        assert!(b.task.mm.read::<u8>(GuestAddr(at)).is_err());
        assert!(b.task.mm.read::<u8>(GuestAddr(at + 3 * PAGE)).is_err());
        assert!(b.task.mm.read::<u8>(GuestAddr(moved)).is_ok());
        assert!(b.task.mm.read::<u8>(GuestAddr(other + 3 * PAGE)).is_ok());
        assert_eq!(b.sys("shmdt", &[moved - 2 * PAGE]), Ok(0));
        assert!(b.task.mm.read::<u8>(GuestAddr(moved)).is_err());
        assert_eq!(status(&mut b, shm.id).nattch, 1);
        b.sys("munmap", &[other, PAGE]).unwrap();
        assert_eq!(b.sys("shmdt", &[other]), Ok(0), "even without its first page");
        assert_eq!(status(&mut b, shm.id).nattch, 0);
    });
}

#[test]
fn segments_may_be_executable() {
    let mut b = Bench::new();
    let shm = segment(&mut b, PAGE);
    let denied = b.sys("shmat", &[shm.id, 0, EXEC]);
    // The superuser may execute any segment.
    assert!(matches!(denied, Ok(_) | Err(Errno::ACCESS)), "{denied:?}");
    let mut ds = status(&mut b, shm.id);
    ds.perm.mode = 0o700;
    let new = b.put(&ds);
    assert_eq!(b.sys("shmctl", &[shm.id, SET, new]), Ok(0));
    assert_eq!(status(&mut b, shm.id).perm.mode & 0o777, 0o700);
    let at = b.sys("shmat", &[shm.id, 0, EXEC]).unwrap();
    b.task.mm.write(GuestAddr(at), &0x1234u16).unwrap();
    let mut code = [0; 2];
    assert_eq!(b.task.mm.fetch(GuestAddr(at), &mut code), Ok(2));
    assert_eq!(u16::from_le_bytes(code), 0x1234);
    assert!(attached(&mut b)[0].starts_with("rwxs"));
    let host = std::fs::read_to_string("/proc/self/maps").unwrap();
    let number = format!(" {} ", shm.id);
    let ours = host.lines().filter(|line| line.contains("/SYSV") && line.contains(&number));
    assert!(ours.into_iter().all(|line| line.contains("rw-s")), "no host mapping is executable\n{host}");
    let plain = segment(&mut b, PAGE);
    let at = b.sys("shmat", &[plain.id, 0, 0]).unwrap();
    assert!(b.task.mm.fetch(GuestAddr(at), &mut code).is_err());
}

#[test]
fn segments_are_found_by_key_and_counted_over_all() {
    let mut b = Bench::new();
    let named = segment(&mut b, PAGE);
    let key = named.key;
    assert_eq!(b.sys("shmget", &[key, 0, 0]), Ok(named.id));
    assert_eq!(b.sys("shmget", &[key, PAGE, CREATE]), Err(Errno::EXIST));
    assert_eq!(b.sys("shmget", &[u64::from(u32::MAX) - key, 0, 0]), Err(Errno::NOENT));
    assert_eq!(status(&mut b, named.id).perm.key as u64, key);
    b.sys("shmat", &[named.id, 0, 0]).unwrap();
    assert!(attached(&mut b)[0].ends_with(&format!("/SYSV{key:08x} (deleted)")));
    let at = b.room(112);
    assert!(b.sys("shmctl", &[0, INFO, at]).is_ok());
    assert_eq!(b.get::<Shminfo>(at).min, 1);
    assert!(b.sys("shmctl", &[0, SHM_INFO, at]).is_ok());
    assert!(b.get::<ShmInfo>(at).used_ids >= 1);
    assert_eq!(b.sys("shmctl", &[named.id, SHM_LOCK, 0]), Ok(0));
    assert_eq!(status(&mut b, named.id).perm.mode & 0o2000, 0o2000, "SHM_LOCKED");
    assert_eq!(b.sys("shmctl", &[named.id, SHM_UNLOCK, 0]), Ok(0));
    assert_eq!(status(&mut b, named.id).perm.mode & 0o2000, 0);
    assert_eq!(b.sys("shmctl", &[named.id, 99, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("shmctl", &[named.id, STAT, 8]), Err(Errno::FAULT));
    assert_eq!(b.sys("shmctl", &[named.id, STAT, BEYOND]), Err(Errno::FAULT));
}

#[test]
fn semaphores_count() {
    let mut b = Bench::new();
    let sem = semaphores(&mut b, 2);
    let ops = b.put(&[Sembuf { num: 0, op: 3, flg: 0 }, Sembuf { num: 1, op: 2, flg: 0 }]);
    assert_eq!(b.sys("semop", &[sem.id, ops, 2]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 1, GETVAL, 0]), Ok(2));
    assert_eq!(b.sys("semctl", &[sem.id, 1, GETPID, 0]), Ok(b.task.pid() as u64));
    let down = b.put(&Sembuf { num: 0, op: -4, flg: NOWAIT });
    assert_eq!(b.sys("semop", &[sem.id, down, 1]), Err(Errno::AGAIN));
    let down = b.put(&Sembuf { num: 0, op: -4, flg: 0 });
    let soon = b.put(&Timespec { sec: 0, nsec: 1000 });
    assert_eq!(b.sys("semtimedop", &[sem.id, down, 1, soon]), Err(Errno::AGAIN));
    assert_eq!(b.sys("semtimedop", &[sem.id, down, 1, BEYOND]), Err(Errno::FAULT));
    // The upper half of the union is ignored.
    assert_eq!(b.sys("semctl", &[sem.id, 0, SETVAL, 7 | 9 << 32]), Ok(0));
    assert_eq!(b.sys("semtimedop", &[sem.id, down, 1, soon]), Ok(0));
    let values = b.room(4);
    assert_eq!(b.sys("semctl", &[sem.id, 0, GETALL, values]), Ok(0));
    assert_eq!(b.get::<[u16; 2]>(values), [3, 2]);
    let new = b.put(&[11u16, 12]);
    assert_eq!(b.sys("semctl", &[sem.id, 0, SETALL, new]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 0, GETVAL, 0]), Ok(11));
    assert_eq!(b.sys("semctl", &[sem.id, 0, SETVAL, 100_000]), Err(Errno::RANGE));
    assert_eq!(b.sys("semctl", &[sem.id, 0, GETNCNT, 0]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 0, GETZCNT, 0]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 0, GETALL, BEYOND]), Err(Errno::FAULT));
    assert_eq!(b.sys("semop", &[sem.id, BEYOND, 1]), Err(Errno::FAULT));
    assert_eq!(b.sys("semop", &[sem.id, ops, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("semop", &[sem.id, ops, 1 << 20]), Err(Errno::TOOBIG));
    let far = b.put(&Sembuf { num: 9, op: 1, flg: 0 });
    assert_eq!(b.sys("semop", &[sem.id, far, 1]), Err(Errno::FBIG));
}

#[test]
fn the_status_of_semaphores_has_the_generic_layout() {
    let mut b = Bench::new();
    let sem = semaphores(&mut b, 5);
    let at = b.put(&[0xaau8; 104]);
    assert_eq!(b.sys("semctl", &[sem.id, 0, STAT, at]), Ok(0));
    let ds: SemidDs = b.get(at);
    assert_eq!((ds.nsems, ds.otime, ds.perm.mode & 0o777), (5, 0, 0o600));
    assert!(ds.ctime > 1_500_000_000, "{}", ds.ctime);
    assert_eq!(b.bytes(at + 88, 16), [0xaa; 16], "no write past the structure");
    let new = b.put(&SemidDs { perm: crate::linux::abi::ipc::IpcPerm { mode: 0o640, ..ds.perm }, ..ds });
    assert_eq!(b.sys("semctl", &[sem.id, 0, SET, new]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 0, STAT, at]), Ok(0));
    assert_eq!(b.get::<SemidDs>(at).perm.mode & 0o777, 0o640);
    assert_eq!(b.sys("semctl", &[sem.id, 0, STAT, BEYOND]), Err(Errno::FAULT));
    assert_eq!(b.sys("semctl", &[sem.id, 0, SET, BEYOND]), Err(Errno::FAULT));
    assert!(b.sys("semctl", &[0, 0, SEM_INFO, at]).is_ok());
    assert!(b.get::<[i32; 10]>(at)[7] >= 1, "semusz counts the sets");
    assert_eq!(b.sys("semctl", &[sem.id, 0, RMID, 0]), Ok(0));
    assert_eq!(b.sys("semctl", &[sem.id, 0, STAT, at]), Err(Errno::INVAL));
}

#[test]
fn messages_are_queued_by_type() {
    let mut b = Bench::new();
    let queue = queue(&mut b);
    let (five, six) = (b.put(b"\x05\0\0\0\0\0\0\0five".as_slice()), b.put(b"\x06\0\0\0\0\0\0\0sixes".as_slice()));
    assert_eq!(b.sys("msgsnd", &[queue.id, five, 4, 0]), Ok(0));
    assert_eq!(b.sys("msgsnd", &[queue.id, six, 5, 0]), Ok(0));
    let at = b.room(120);
    assert_eq!(b.sys("msgctl", &[queue.id, STAT, at]), Ok(0));
    let ds: MsqidDs = b.get(at);
    assert_eq!((ds.qnum, ds.cbytes, ds.lspid, ds.lrpid), (2, 9, b.task.pid(), 0));
    let to = b.room(32);
    assert_eq!(b.sys("msgrcv", &[queue.id, to, 8, 6, 0]), Ok(5));
    assert_eq!(b.bytes(to, 13), b"\x06\0\0\0\0\0\0\0sixes");
    assert_eq!(b.sys("msgrcv", &[queue.id, to, 2, 0, 0]), Err(Errno::TOOBIG));
    assert_eq!(b.sys("msgrcv", &[queue.id, to, 2, 0, libc::MSG_NOERROR as u64]), Ok(2));
    assert_eq!(b.bytes(to, 13), b"\x05\0\0\0\0\0\0\0fixes");
    assert_eq!(b.sys("msgrcv", &[queue.id, to, 8, 0, NOWAIT as u64]), Err(Errno::NOMSG));
    assert_eq!(b.sys("msgsnd", &[queue.id, NOWHERE, 4, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("msgsnd", &[queue.id, BEYOND, u64::MAX, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("msgsnd", &[queue.id, five, u64::MAX, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("msgsnd", &[queue.id, to + 16, 4, 0]), Err(Errno::INVAL), "a type of zero");
    let new = b.put(&MsqidDs { qbytes: 64, ..ds });
    assert_eq!(b.sys("msgctl", &[queue.id, SET, new]), Ok(0));
    assert_eq!(b.sys("msgctl", &[queue.id, STAT, at]), Ok(0));
    assert_eq!(b.get::<MsqidDs>(at).qbytes, 64);
    assert_eq!(b.sys("msgctl", &[queue.id, RMID, 0]), Ok(0));
    assert_eq!(b.sys("msgsnd", &[queue.id, five, 4, 0]), Err(Errno::INVAL));
}

#[test]
fn ipc_calls_are_printed_as_by_strace() {
    let mut b = Bench::new();
    let (shm, sem, queue) = (segment(&mut b, PAGE), semaphores(&mut b, 1), queue(&mut b));
    b.trace.take();
    let mut line = |name: &str, args: &[u64]| {
        let _ = b.sys(name, args);
        b.trace.take().trim_end().to_owned()
    };
    // An invalid size, so that no object is created.
    let refused = "-1 EINVAL (Invalid argument)";
    let text = line("shmget", &[0, 0, (libc::IPC_CREAT | 0o600) as u64]);
    assert_eq!(text, format!("shmget(IPC_PRIVATE, 0, IPC_CREAT|0600) = {refused}"));
    let text = line("shmget", &[0x1234, 0, CREATE]);
    assert_eq!(text, format!("shmget(0x1234, 0, IPC_CREAT|IPC_EXCL|0600) = {refused}"));
    let id = shm.id;
    assert_eq!(
        line("shmat", &[id, NOWHERE, RDONLY | RND]),
        format!("shmat({id}, {NOWHERE:#x}, SHM_RDONLY|SHM_RND) = {NOWHERE:#x}")
    );
    assert_eq!(line("shmdt", &[NOWHERE]), format!("shmdt({NOWHERE:#x}) = 0"));
    assert_eq!(
        line("shmctl", &[id, 99, 8]),
        format!("shmctl({id}, 0x63 /* SHM_??? */, 0x8) = -1 EINVAL (Invalid argument)")
    );
    let at = super::SCRATCH + 0x8000;
    let text = line("shmctl", &[id, STAT, at]);
    let begin = format!("shmctl({id}, IPC_STAT, {{shm_perm={{uid=");
    assert!(text.starts_with(&begin), "{text}");
    assert!(text.contains(&format!(", mode=0600, key={:#x}, cuid=", shm.key)), "{text}");
    assert!(text.contains(", shm_segsz=4096, shm_cpid="), "{text}");
    let id = sem.id;
    assert_eq!(line("semctl", &[id, 0, SETVAL, 7]), format!("semctl({id}, 0, SETVAL, 0x7) = 0"));
    let text = line("semctl", &[id, 0, STAT, at]);
    assert!(text.contains(", sem_nsems=1}) = 0"), "{text}");
    assert_eq!(line("semctl", &[id, 0, RMID]), format!("semctl({id}, 0, IPC_RMID, NULL) = 0"));
    let missing = line("semop", &[id, NOWHERE, 1]);
    assert_eq!(missing, format!("semop({id}, {NOWHERE:#x}, 1) = -1 EFAULT (Bad address)"));
    let id = queue.id;
    assert_eq!(
        line("msgrcv", &[id, NOWHERE, 8, 0, NOWAIT as u64]),
        format!("msgrcv({id}, {NOWHERE:#x}, 8, 0, IPC_NOWAIT) = -1 ENOMSG (No message of desired type)")
    );
    let message = b.put(b"\x05\0\0\0\0\0\0\0five".as_slice());
    let ops = b.put(&Sembuf { num: 0, op: 1, flg: 0x1000 });
    let mut line = |name: &str, args: &[u64]| {
        b.trace.take();
        let _ = b.sys(name, args);
        b.trace.take().trim_end().to_owned()
    };
    assert_eq!(line("msgsnd", &[id, message, 4, 0]), format!(r#"msgsnd({id}, {{mtype=5, mtext="five"}}, 4, 0) = 0"#));
    assert_eq!(
        line("msgrcv", &[id, message, 4, 5, 0]),
        format!(r#"msgrcv({id}, {{mtype=5, mtext="five"}}, 4, 5, 0) = 4"#)
    );
    assert_eq!(
        line("semop", &[sem.id, ops, 1]),
        format!("semop({}, [{{sem_num=0, sem_op=1, sem_flg=SEM_UNDO}}], 1) = {refused}", sem.id)
    );
}
