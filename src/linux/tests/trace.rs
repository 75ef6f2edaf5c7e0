//! The lines of `-strace`, compared with those of strace(1).

use super::{Bench, CWD, NOWHERE};
use crate::linux::abi::file::Iovec;
use crate::linux::abi::poll::Pollfd;
use crate::linux::abi::process::Rlimit;
use crate::linux::abi::signal::Sigaction;
use crate::linux::abi::time::Timespec;
use crate::linux::outcome::SysResult;
use crate::linux::strace::CallPrinter;
use rustix::io::Errno;

/// The line of a call.
fn line(b: &mut Bench, name: &str, args: &[u64]) -> String {
    b.trace.take();
    let _ = b.sys(name, args);
    b.trace.take().trim_end().to_owned()
}

#[test]
fn files() {
    let mut b = Bench::new();
    let missing = b.text("/proc/nowhere/\"quoted\"\n");
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as u64;
    assert_eq!(
        line(&mut b, "openat", &[CWD, missing, flags, 0]),
        r#"openat(AT_FDCWD, "/proc/nowhere/\"quoted\"\n", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)"#
    );
    let flags = (libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC) as u64;
    assert_eq!(
        line(&mut b, "openat", &[CWD, missing, flags, 0o644]),
        r#"openat(AT_FDCWD, "/proc/nowhere/\"quoted\"\n", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 ENOENT (No such file or directory)"#
    );
    assert_eq!(
        line(&mut b, "openat", &[CWD, NOWHERE, 0]),
        "openat(AT_FDCWD, 0x10000000, O_RDONLY) = -1 EFAULT (Bad address)"
    );
    let fd = b.file(&[b'x'; 40]);
    let buf = b.room(64);
    assert_eq!(line(&mut b, "read", &[fd, buf, 64]), format!("read({fd}, \"{}\"..., 64) = 40", "x".repeat(32)));
    assert_eq!(line(&mut b, "read", &[fd, buf, 64]), format!("read({fd}, \"\", 64) = 0"));
    let text = b.put(b"a\x01\x002\xff".as_slice());
    assert_eq!(line(&mut b, "write", &[fd, text, 5]), format!(r#"write({fd}, "a\1\0002\377", 5) = 5"#));
    assert_eq!(
        line(&mut b, "write", &[999, text, 5]),
        r#"write(999, "a\1\0002\377", 5) = -1 EBADF (Bad file descriptor)"#
    );
    assert_eq!(
        line(&mut b, "read", &[999, buf, 5]),
        format!("read(999, {buf:#x}, 5) = -1 EBADF (Bad file descriptor)")
    );
    let iov = b.put(&[Iovec { base: text, len: 1 }, Iovec { base: text + 3, len: 1 }]);
    assert_eq!(
        line(&mut b, "writev", &[fd, iov, 2]),
        format!(r#"writev({fd}, [{{iov_base="a", iov_len=1}}, {{iov_base="2", iov_len=1}}], 2) = 2"#)
    );
    assert_eq!(line(&mut b, "lseek", &[fd, -1i64 as u64, 2]), format!("lseek({fd}, -1, SEEK_END) = 46"));
    let null = b.text("/dev/null");
    assert_eq!(
        line(&mut b, "newfstatat", &[CWD, null, buf, 0]),
        r#"newfstatat(AT_FDCWD, "/dev/null", {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}, 0) = 0"#
    );
    assert_eq!(
        line(&mut b, "fstat", &[fd, buf]),
        format!("fstat({fd}, {{st_mode=S_IFREG|0777, st_size=47, ...}}) = 0")
    );
    assert_eq!(line(&mut b, "faccessat", &[CWD, null, 6]), r#"faccessat(AT_FDCWD, "/dev/null", R_OK|W_OK) = 0"#);
    assert_eq!(line(&mut b, "fcntl", &[fd, 1]), format!("fcntl({fd}, F_GETFD) = 0"));
    assert_eq!(
        line(&mut b, "fcntl", &[fd, libc::F_GETFL as u64]),
        format!("fcntl({fd}, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)")
    );
    assert_eq!(line(&mut b, "fcntl", &[fd, 2, 1]), format!("fcntl({fd}, F_SETFD, FD_CLOEXEC) = 0"));
    let size = b.room(8);
    assert_eq!(
        line(&mut b, "ioctl", &[fd, 0x5413, size]),
        format!("ioctl({fd}, TIOCGWINSZ, {size:#x}) = -1 ENOTTY (Inappropriate ioctl for device)")
    );
    let pair = b.room(8);
    let text = line(&mut b, "pipe2", &[pair, libc::O_CLOEXEC as u64]);
    let [r, w]: [i32; 2] = b.get(pair);
    assert_eq!(text, format!("pipe2([{r}, {w}], O_CLOEXEC) = 0"));
    let list = b.put(&Pollfd { fd: w, events: libc::POLLOUT, revents: 0 });
    let time = b.put(&Timespec { sec: 1, nsec: 5 });
    let text = line(&mut b, "ppoll", &[list, 1, time, 0, 8]);
    let expected = format!("ppoll([{{fd={w}, events=POLLOUT}}], 1, {{tv_sec=");
    assert!(text.starts_with(&expected), "{text}");
    let ready = format!("], 1, {{tv_sec=1, tv_nsec=5}}, NULL, 8) = 1 ([{{fd={w}, revents=POLLOUT}}], left {{tv_sec=");
    assert!(text.contains(&ready), "{text}");
    let empty = b.text("/proc/self/exe");
    assert_eq!(
        line(&mut b, "readlinkat", &[CWD, empty, buf, 64]),
        r#"readlinkat(AT_FDCWD, "/proc/self/exe", "/usr/bin/guest", 64) = 14"#
    );
    assert_eq!(line(&mut b, "close", &[999]), "close(999) = -1 EBADF (Bad file descriptor)");
}

#[test]
fn new_processes_and_programs() {
    let mut b = Bench::new();
    // With given results, because the tests cannot make these calls.
    let made = |b: &Bench, name: &str, args: &[u64; 6], result: SysResult| {
        let row = crate::linux::table::rows().iter().find(|r| r.name == name).unwrap();
        let mut call = CallPrinter::new(&b.task.mm, row, args, 0, 32);
        call.result = Some(result);
        call.text()
    };
    let (path, word) = (b.text("/nowhere"), b.text("x\"y"));
    let argv = b.put(&[path, word, 0]);
    let (one, none) = (b.put(&[word, 0]), b.put(&0u64));
    let missing = "= -1 ENOENT (No such file or directory)";
    assert_eq!(
        made(&b, "execve", &[path, argv, one, 0, 0, 0], Err(Errno::NOENT.into())),
        format!(r#"execve("/nowhere", ["/nowhere", "x\"y"], {one:#x} /* 1 var */) {missing}"#)
    );
    assert_eq!(
        made(&b, "execve", &[path, 0, none, 0, 0, 0], Err(Errno::NOENT.into())),
        format!(r#"execve("/nowhere", NULL, {none:#x} /* 0 vars */) {missing}"#)
    );
    let many = b.put(&[[word; 40].as_slice(), &[0]].concat()[..]);
    let text = made(&b, "execve", &[path, many, NOWHERE, 0, 0, 0], Err(Errno::NOENT.into()));
    assert_eq!(text.matches("x\\\"y").count(), 32, "{text}");
    assert!(text.ends_with(&format!(r#", ...], 0x10000000) {missing}"#)), "{text}");
    let flags = (libc::CLONE_CHILD_CLEARTID | libc::CLONE_CHILD_SETTID | libc::SIGCHLD) as u64;
    assert_eq!(
        made(&b, "clone", &[flags, 0, 0, 0, 0x1000, 0], Ok(7)),
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x1000) = 7"
    );
    let tid = b.put(&9754i32);
    let thread = (libc::CLONE_VM | libc::CLONE_SETTLS | libc::CLONE_PARENT_SETTID) as u64;
    assert_eq!(
        made(&b, "clone", &[thread, 0x5000, tid, 0x6000, 0, 0], Ok(7)),
        "clone(child_stack=0x5000, flags=CLONE_VM|CLONE_SETTLS|CLONE_PARENT_SETTID, parent_tid=[9754], tls=0x6000) = 7"
    );
    assert_eq!(made(&b, "clone", &[17, 0, 0, 0, 0, 0], Ok(7)), "clone(child_stack=NULL, flags=SIGCHLD) = 7");
    let all = b.put(&[thread, 0, 0, tid, 17, 0x7000, 0x9000, 0x6000]);
    let shown = format!(
        "{{flags=CLONE_VM|CLONE_SETTLS|CLONE_PARENT_SETTID, parent_tid={tid:#x}, exit_signal=SIGCHLD, stack=0x7000, \
         stack_size=0x9000, tls=0x6000}}"
    );
    assert_eq!(
        made(&b, "clone3", &[all, 88, 0, 0, 0, 0], Ok(7)),
        format!("clone3({shown} => {{parent_tid=[9754]}}, 88) = 7")
    );
    assert_eq!(
        made(&b, "clone3", &[all, 88, 0, 0, 0, 0], Err(Errno::INVAL.into())),
        format!("clone3({shown}, 88) = -1 EINVAL (Invalid argument)")
    );
    assert_eq!(
        made(&b, "clone3", &[8, 88, 0, 0, 0, 0], Err(Errno::FAULT.into())),
        "clone3(0x8, 88) = -1 EFAULT (Bad address)"
    );
    let status = b.put(&(3i32 << 8));
    assert_eq!(
        made(&b, "wait4", &[5, status, 0, 0, 0, 0], Ok(5)),
        "wait4(5, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 5"
    );
    let status = b.put(&9i32);
    assert_eq!(
        made(&b, "wait4", &[5, status, 0, 0, 0, 0], Ok(5)),
        "wait4(5, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 5"
    );
}

#[test]
fn interrupted_calls_show_the_kernels_internal_errors() {
    use crate::linux::outcome::CallEnd::{MayRestart, NotBegun};
    let b = Bench::new();
    let result = |name: &str, args: &[u64; 6], errno| {
        let row = crate::linux::table::rows().iter().find(|r| r.name == name).unwrap();
        let mut call = CallPrinter::new(&b.task.mm, row, args, 0, 32);
        call.result = Some(Err(errno));
        call.result_text()
    };
    let none = [0; 6];
    assert_eq!(result("read", &none, MayRestart), "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
    assert_eq!(result("read", &none, NotBegun), "? ERESTARTNOINTR (To be restarted)");
    assert_eq!(result("getpid", &none, MayRestart), "? ERESTARTNOINTR (To be restarted)");
    assert_eq!(result("ppoll", &none, MayRestart), "? ERESTARTNOHAND (To be restarted if no handler)");
    assert_eq!(result("rt_sigsuspend", &none, Errno::INTR.into()), "? ERESTARTNOHAND (To be restarted if no handler)");
    assert_eq!(result("nanosleep", &none, MayRestart), "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
    assert_eq!(result("futex", &none, MayRestart), "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
    assert_eq!(result("futex", &[0, 0, 0, 1, 0, 0], MayRestart), "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
    assert_eq!(result("epoll_pwait", &none, MayRestart), "-1 EINTR (Interrupted system call)");
    assert_eq!(result("read", &none, Errno::INTR.into()), "-1 EINTR (Interrupted system call)");
}

#[test]
fn memory() {
    let mut b = Bench::new();
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    assert_eq!(
        line(&mut b, "mmap", &[NOWHERE, 8192, 3, flags, u64::MAX, 0]),
        "mmap(0x10000000, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000000"
    );
    assert_eq!(line(&mut b, "mprotect", &[NOWHERE, 4096, 1]), "mprotect(0x10000000, 4096, PROT_READ) = 0");
    assert_eq!(line(&mut b, "mprotect", &[NOWHERE, 4096, 0]), "mprotect(0x10000000, 4096, PROT_NONE) = 0");
    assert_eq!(line(&mut b, "madvise", &[NOWHERE, 4096, 4]), "madvise(0x10000000, 4096, MADV_DONTNEED) = 0");
    assert_eq!(line(&mut b, "munmap", &[NOWHERE, 8192]), "munmap(0x10000000, 8192) = 0");
    assert_eq!(line(&mut b, "brk", &[0]), "brk(NULL) = 0x800000");
    let refused = line(&mut b, "mmap", &[0, 0, 3, flags, u64::MAX, 0]);
    assert!(refused.ends_with("= -1 EINVAL (Invalid argument)"), "{refused}");
}

#[test]
fn processes_and_time() {
    let mut b = Bench::new();
    let limit = b.put(&Rlimit { cur: 1 << 20, max: u64::MAX });
    assert_eq!(
        line(&mut b, "prlimit64", &[0, libc::RLIMIT_STACK.into(), limit, 0]),
        "prlimit64(0, RLIMIT_STACK, {rlim_cur=1024*1024, rlim_max=RLIM64_INFINITY}, NULL) = 0"
    );
    let set = b.put(&(1u64 << 1 | 1 << 14));
    assert_eq!(line(&mut b, "rt_sigprocmask", &[0, set, 0, 8]), "rt_sigprocmask(SIG_BLOCK, [INT TERM], NULL, 8) = 0");
    let all = b.put(&u64::MAX);
    assert_eq!(
        line(&mut b, "rt_sigprocmask", &[1, all, set, 8]),
        "rt_sigprocmask(SIG_UNBLOCK, ~[], [INT TERM], 8) = 0"
    );
    let action = b.put(&Sigaction { handler: 0x1234, flags: 0x1000_0004, mask: 0 });
    let old = b.room(24);
    assert_eq!(
        line(&mut b, "rt_sigaction", &[10, action, old, 8]),
        "rt_sigaction(SIGUSR1, {sa_handler=0x1234, sa_mask=[], sa_flags=SA_RESTART|SA_SIGINFO}, \
         {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0"
    );
    let time = b.put(&Timespec { sec: 0, nsec: 1000 });
    assert_eq!(
        line(&mut b, "clock_nanosleep", &[1, 0, time, 0]),
        "clock_nanosleep(CLOCK_MONOTONIC, 0, {tv_sec=0, tv_nsec=1000}, NULL) = 0"
    );
    let word = b.put(&0u32);
    assert_eq!(line(&mut b, "futex", &[word, 129, 1]), format!("futex({word:#x}, FUTEX_WAKE_PRIVATE, 1) = 0"));
    assert_eq!(line(&mut b, "getpid", &[]), format!("getpid() = {}", std::process::id()));
    let name = b.room(390);
    let text = line(&mut b, "uname", &[name]);
    assert!(text.starts_with("uname({sysname=\"Linux\", nodename=\"") && text.ends_with("\", ...}) = 0"), "{text}");
    let title = b.text("worker");
    assert_eq!(line(&mut b, "prctl", &[15, title]), "prctl(PR_SET_NAME, \"worker\") = 0");
    assert_eq!(
        line(&mut b, "wait4", &[0x7fff_ffff, 0, 1, 0]),
        "wait4(2147483647, NULL, WNOHANG, NULL) = -1 ECHILD (No child processes)"
    );
    assert_eq!(
        line(&mut b, "socket", &[2, 1 | 0o2_000_000, 0]).split(" = ").next(),
        Some("socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP)")
    );
    assert_eq!(
        line(&mut b, "rseq", &[0x1000, 32, 0, 7]),
        "rseq(0x1000, 32, 0, 0x7) = -1 ENOSYS (Function not implemented)"
    );
    b.trace.take();
    b.outcome(1000, &[1, 2]);
    assert_eq!(b.trace.take(), "syscall_0x3e8(0x1, 0x2, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS (Function not implemented)\n");
    assert_eq!(b.sys("tgkill", &[1, 1, 99]), Err(Errno::INVAL));
}
