//! The system calls, made by a task with a little memory and without an engine.
//!
//! The tests run in parallel in one process. A test that changes per-process state (working directory, umask,
//! credentials) runs [`alone::alone`].

mod admin;
mod alone;
mod attr;
mod clock;
mod credentials;
mod exec;
mod fd;
mod fs;
mod futex;
mod host;
mod ioctl;
mod ipc;
mod mem;
mod net;
mod numa;
mod poll;
mod proc;
mod process;
mod queue;
mod readme;
mod sched;
mod seccomp;
mod signal;
mod sysroot;
mod system;
mod thread;
mod trace;
mod vm;
pub(super) mod zeroed;

use super::exec::{Image, ProcessSpec};
use super::limits::Limits;
use super::outcome::Outcome;
use super::table;
use super::task::{Services, Task, TaskConfig};
use super::vdso::Vdso;
use super::{TraceConfig, TraceSink, Tracer};
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::host::{Attachment, InheritedLimits, StopFlag};
use crate::memory::{GuestAddr, MapRequest, Mdwe, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::Isa;
use rustix::io::Errno;
use std::ffi::CString;
use std::io::Write;
use std::sync::{Arc, Mutex};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The address and the size of the scratch memory.
const SCRATCH: u64 = 0x2_0000;
const SCRATCH_SIZE: u64 = 0x10_0000;
/// An address where nothing is mapped.
pub(super) const NOWHERE: u64 = 0x1000_0000;
/// An address outside any user space.
pub(super) const BEYOND: u64 = 0xffff_ffff_ffff_f000;
pub(super) const CWD: u64 = libc::AT_FDCWD as u64;

/// A log that a test reads back.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// Everything written since the last call.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

impl TraceSink for Shared {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    fn begin(&self, text: &str) -> u64 {
        self.line(text);
        0
    }

    fn end(&self, _: u64, rest: &str, _: &str) {
        self.line(rest);
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A task with scratch memory, which is allocated to the test's values.
pub(super) struct Bench {
    pub task: Task,
    _mailbox: Attachment,
    pub cpu: Cpu,
    pub trace: Shared,
    pub missing: Shared,
    next: u64,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut TaskConfig)) -> Self {
        let config = SpaceConfig { limit: GuestAddr(1 << 32), identity: false };
        let space = Arc::new(UserSpace::new(&config).unwrap());
        let place = Place::Fixed(GuestAddr(SCRATCH));
        space.map(&MapRequest::anonymous(place, SCRATCH_SIZE, Prot::READ | Prot::WRITE)).unwrap();
        // The kernel's strings above the initial stack: arguments, environment, path.
        let strings = b"guest\0-x\0A=1\0/usr/bin/guest\0";
        let name = SCRATCH + strings.len() as u64 - 15;
        space.write_bytes(GuestAddr(SCRATCH), strings).unwrap();
        space.set_heap(GuestAddr(0x80_0000), 0);
        let isa = Isa::rv64_max();
        let (trace, missing) = (Shared::default(), Shared::default());
        let sink = missing.clone();
        let mut config = TaskConfig {
            signals: None,
            filters: Vec::new(),
            image: Image {
                exe_file: None,
                vdso: Vdso::map(&space).unwrap(),
                space,
                exe: "/usr/bin/guest".into(),
                args: vec![c"guest".into(), c"-x".into()],
                env: vec![c"A=1".into()],
                auxv: vec![(6, 4096), (31, name), (0, 0)],
                start_stack: GuestAddr(SCRATCH + SCRATCH_SIZE),
            },
            spec: ProcessSpec {
                sysroot: None,
                exts: isa.exts,
                release: None,
                limits: Limits::new(&InheritedLimits::current(), Some(8 << 20)),
                mdwe: Mdwe::empty(),
                address_limit: config.limit,
                is_randomized: false,
                seed: None,
            },
            services: Services {
                tracer: Some(Tracer::new(Box::new(trace.clone()), TraceConfig { column: 0, ..TraceConfig::default() })),
                unimplemented: Some(Box::new(move |what| writeln!(sink.clone(), "{what}").unwrap())),
                ..Services::default()
            },
        };
        change(&mut config);
        // An earlier task in the same thread may have blocked signals.
        crate::host::set_signal_mask(0);
        let mut cpu = Cpu::new(isa);
        cpu.pc = 0x1000;
        cpu.set_x(2, SCRATCH + SCRATCH_SIZE);
        let mailbox = crate::host::attach(Arc::new(StopFlag::new()));
        let task = Task::new(config).unwrap();
        Self { task, _mailbox: mailbox, cpu, trace, missing, next: SCRATCH + 64 }
    }

    /// Sets the signal mask, also in the host.
    pub fn block(&mut self, mask: u64) {
        let mask = self.put(&mask);
        self.sys("rt_sigprocmask", &[libc::SIG_SETMASK as u64, mask, 0, 8]).unwrap();
    }

    /// Makes a call by number; returns its outcome for the task.
    pub fn outcome(&mut self, number: u64, args: &[u64]) -> Outcome {
        for i in 0..6 {
            self.cpu.set_x(10 + i, args.get(usize::from(i)).copied().unwrap_or(0));
        }
        self.cpu.set_x(17, number);
        self.task.handle_exit(&mut self.cpu, Exit::Syscall)
    }

    /// Makes the call rt_sigreturn.
    pub fn sys_return(&mut self) -> Outcome {
        self.outcome(139, &[])
    }

    /// Makes a call by name.
    pub fn sys(&mut self, name: &str, args: &[u64]) -> Result<u64, Errno> {
        let row = table::rows().iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no call {name}"));
        let pc = self.cpu.pc;
        assert_eq!(self.outcome(row.number.into(), args), Outcome::Resume, "{name}");
        if name != "rt_sigreturn" && self.task.pending.set() == 0 && self.cpu.pc < 0x10000 {
            assert_eq!(self.cpu.pc, pc + 4, "{name} resumes after the call");
        }
        let value = self.cpu.x(10) as i64;
        if (-4095..0).contains(&value) { Err(Errno::from_raw_os_error(-value as i32)) } else { Ok(value as u64) }
    }

    /// Allocates `len` bytes of zeroed memory.
    pub fn room(&mut self, len: u64) -> u64 {
        let at = self.next;
        self.next += len.next_multiple_of(16) + 16;
        assert!(self.next <= SCRATCH + SCRATCH_SIZE);
        at
    }

    /// Puts a value into memory.
    pub fn put<T: IntoBytes + Immutable + ?Sized>(&mut self, value: &T) -> u64 {
        let bytes = value.as_bytes();
        let at = self.room(bytes.len() as u64);
        self.task.mm.write_bytes(GuestAddr(at), bytes).unwrap();
        at
    }

    /// Puts a string into memory.
    pub fn text(&mut self, text: &str) -> u64 {
        self.put(CString::new(text).unwrap().as_bytes_with_nul())
    }

    /// The value at an address.
    pub fn get<T: FromBytes>(&self, at: u64) -> T {
        self.task.mm.read(GuestAddr(at)).unwrap()
    }

    /// The bytes at an address.
    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.task.mm.read_bytes(GuestAddr(at), &mut bytes).unwrap();
        bytes
    }

    /// A new file with these contents, open for reading and writing at its start.
    pub fn file(&mut self, contents: &[u8]) -> u64 {
        let name = self.text("test");
        let fd = self.sys("memfd_create", &[name, 0]).unwrap();
        if !contents.is_empty() {
            let at = self.put(contents);
            assert_eq!(self.sys("pwrite64", &[fd, at, contents.len() as u64, 0]), Ok(contents.len() as u64));
        }
        fd
    }

    /// A pipe: read end, write end.
    pub fn pipe(&mut self) -> (u64, u64) {
        let at = self.room(8);
        self.sys("pipe2", &[at, libc::O_CLOEXEC as u64]).unwrap();
        let [r, w]: [i32; 2] = self.get(at);
        (r as u64, w as u64)
    }
}

#[test]
fn unknown_numbers_are_enosys_and_logged_once() {
    let mut b = Bench::new();
    for number in [38, 250, 300, 500, u64::MAX, -5i64 as u64, 63 | 1 << 32] {
        assert_eq!(b.outcome(number, &[]), Outcome::Resume);
        assert_eq!(b.cpu.x(10) as i64, -i64::from(libc::ENOSYS), "{number}");
    }
    assert_eq!(b.missing.take().lines().count(), 7);
    b.outcome(500, &[]);
    assert_eq!(b.sys("ptrace", &[]), Err(Errno::NOSYS));
    assert_eq!(b.sys("ptrace", &[]), Err(Errno::NOSYS));
    assert_eq!(b.missing.take(), "ptrace (system call 117)\n");
    assert_eq!(b.sys("rseq", &[0, 0, 0, 0]), Err(Errno::NOSYS));
    assert_eq!(b.missing.take(), "");
}

#[test]
fn no_call_panics_on_any_arguments() {
    let mut b = Bench::new();
    // Calls that would change the test process, or block forever.
    let skipped = [
        "exit",
        "exit_group",
        "clone",
        "clone3",
        "rt_sigreturn",
        "rt_sigsuspend",
        "rt_sigtimedwait",
        "close",
        "close_range",
        "dup3",
        "chdir",
        "fchdir",
        "chroot",
        "umask",
        "setsid",
        "setpgid",
        "kill",
        "tkill",
        "tgkill",
        "vhangup",
        "sync",
        "syncfs",
        "prlimit64",
        "setrlimit",
        "setpriority",
        "ioprio_set",
        "acct",
        "personality",
        "umount2",
        "sched_setaffinity",
        "sched_setscheduler",
        "sched_setparam",
        "sched_setattr",
        "nanosleep",
        "clock_nanosleep",
        "ppoll",
        "pselect6",
        "setitimer",
        "wait4",
        "waitid",
        "futex",
        "read",
        "syslog",
        "mlockall",
        "rt_sigprocmask",
        "rt_sigaction",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
        "epoll_pwait",
        "epoll_pwait2",
        "readv",
        "prctl",
        "recvmsg",
        "recvfrom",
        "recvmmsg",
        "accept",
        "accept4",
        "clock_settime",
        "settimeofday",
        "adjtimex",
        "clock_adjtime",
        "sethostname",
        "setdomainname",
        "mq_timedreceive",
        "flock",
        "copy_file_range",
        "splice",
        "tee",
        "brk",
        "munmap",
        "mmap",
        "mremap",
        "mprotect",
        "fcntl",
        "write",
        "writev",
        "ftruncate",
        // Calls that could find objects of other processes on the host, or leave some behind.
        "shmget",
        "semget",
        "msgget",
        "shmctl",
        "semctl",
        "semop",
        "semtimedop",
        "msgctl",
        "msgsnd",
        "msgrcv",
        "swapon",
        "swapoff",
        "reboot",
        "keyctl",
        "migrate_pages",
        "unshare",
        "setns",
        "set_mempolicy",
        "lsm_set_self_attr",
    ];
    let credentials =
        |name: &str| name.starts_with("set") && (name.contains("uid") || name.contains("gid") || name == "setgroups");
    let values = [0, 1, 8, SCRATCH, SCRATCH + 1, NOWHERE, BEYOND, u64::MAX, 1 << 31, i64::MIN as u64];
    for row in table::rows() {
        if skipped.contains(&row.name) || credentials(row.name) {
            continue;
        }
        for (i, &a) in values.iter().enumerate() {
            // Closed descriptors: open ones belong to tests running in parallel.
            let first = if matches!(
                row.args.first(),
                Some(table::ArgKind::Fd | table::ArgKind::ChangedFd | table::ArgKind::DirFd)
            ) {
                u64::MAX
            } else {
                a
            };
            let others: Vec<u64> = (1..6).map(|n| values[(i + n * 3) % values.len()]).collect();
            let args = [&[first][..], &others].concat();
            assert_eq!(b.outcome(row.number.into(), &args), Outcome::Resume, "{} {args:x?}", row.name);
        }
    }
}
