//! `measure RESULT LIMIT REPEAT CPU ROOT FOLDER PROGRAM [ARGS...]`: runs a program REPEAT times in sequence, and writes
//! its cost, including descendants, to the file RESULT as a line `STATUS TIMED-OUT WALL USER SYSTEM MEMORY`: the wait
//! status of the first run that failed or 0, whether LIMIT (milliseconds per run) ended it, the total times in
//! nanoseconds, and the resident KiB of the largest process. On failure the line is `error WHAT ERRNO`.
//!
//! ROOT is the root directory or `-`; FOLDER the working directory in it; CPU the only processor to run on or `-`.
//!
//! It is a separate program because the kernel's peak memory of a process includes what it shared with its parent
//! before `exec`, and this parent must be smaller than any measured program. For the same reason it uses neither the
//! Rust runtime nor the heap.
#![no_main]

use libc::{c_char, c_int, pid_t, rusage, sigset_t, timespec, timeval};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// The program to run, and its settings.
struct Job {
    result: c_int,
    limit: i64,
    repeat: u64,
    words: *const *mut c_char,
    /// The program's signal mask.
    mask: sigset_t,
    /// The signals to wait for.
    wanted: sigset_t,
}

/// # Safety
/// `argc` and `argv` are those of a process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *mut c_char) -> c_int {
    if argc < 8 {
        return 2;
    }
    // SAFETY: `argv` has `argc` entries, each a C string that lives as long as the process.
    let word = |n: usize| unsafe { CStr::from_ptr(*argv.add(n)) };
    let number = |n: usize| word(n).to_bytes().iter().fold(0, |sum, b| sum * 10 + i64::from(b.wrapping_sub(b'0')));
    // SAFETY: the calls get C strings and initialised local structures, and this process has one thread.
    unsafe {
        let result =
            libc::open(word(1).as_ptr(), libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC, 0o644);
        if result < 0 {
            return 3;
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
        // As a subreaper, it also waits for descendants that outlive their parents.
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        if word(4) != c"-" {
            let mut set: libc::cpu_set_t = MaybeUninit::zeroed().assume_init();
            libc::CPU_SET(number(4) as usize, &mut set);
            if libc::sched_setaffinity(0, size_of_val(&set), &set) != 0 {
                return failed(result, "sched_setaffinity", errno());
            }
        }
        if word(5) != c"-" && libc::chroot(word(5).as_ptr()) != 0 {
            return failed(result, "chroot", errno());
        }
        if libc::chdir(word(6).as_ptr()) != 0 {
            return failed(result, "chdir", errno());
        }
        let mut wanted: sigset_t = MaybeUninit::zeroed().assume_init();
        let mut mask: sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&mut wanted);
        for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT] {
            libc::sigaddset(&mut wanted, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &wanted, &mut mask);
        let job = Job { result, limit: number(2), repeat: number(3) as u64, words: argv.add(7), mask, wanted };
        run(&job)
    }
}

/// # Safety
/// The job's arguments are those of the process, ended by a null pointer.
unsafe fn run(job: &Job) -> c_int {
    let (mut worst, mut late, mut wall) = (0, false, 0);
    for _ in 0..job.repeat {
        let start = now();
        // SAFETY: the attributes are initialised before they are set; arguments and environment are null-terminated
        // arrays of C strings.
        let child = unsafe {
            let mut attributes: libc::posix_spawnattr_t = MaybeUninit::zeroed().assume_init();
            libc::posix_spawnattr_init(&mut attributes);
            let flags = libc::POSIX_SPAWN_SETPGROUP | libc::POSIX_SPAWN_SETSIGMASK;
            libc::posix_spawnattr_setflags(&mut attributes, flags as _);
            libc::posix_spawnattr_setsigmask(&mut attributes, &job.mask);
            let mut child: pid_t = 0;
            let error = libc::posix_spawn(&mut child, *job.words, null(), &attributes, job.words, environ);
            if error != 0 {
                return failed(job.result, "exec", error);
            }
            child
        };
        let (status, timed_out) = wait(job, child, start);
        wall += now() - start;
        late |= timed_out;
        if worst == 0 {
            worst = status;
        }
        if status != 0 {
            break;
        }
    }
    let mut usage = MaybeUninit::<rusage>::zeroed();
    // SAFETY: getrusage fills the structure, of which all-zero bytes are a valid value.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |t: timeval| (t.tv_sec * 1_000_000_000 + t.tv_usec * 1000) as u64;
    let mut line = Line::default();
    line.number(worst as u32 as u64).number(u64::from(late)).number(wall as u64);
    line.number(time(usage.ru_utime)).number(time(usage.ru_stime)).number(usage.ru_maxrss as u64);
    line.write(job.result)
}

/// Waits for the child and its descendants; returns its status, and whether the limit ended it.
fn wait(job: &Job, child: pid_t, start: i64) -> (c_int, bool) {
    let (mut result, mut late) = (0, false);
    loop {
        let mut status = 0;
        // SAFETY: waits for children of this process; nothing else waits for them.
        match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
            0 => {}
            -1 => return (result, late),
            pid => {
                if pid == child {
                    result = status;
                }
                continue;
            }
        }
        let left = (job.limit * 1_000_000 - (now() - start)).max(0);
        let timeout = if late { 1_000_000_000 } else { left };
        let timeout = timespec { tv_sec: timeout / 1_000_000_000, tv_nsec: timeout % 1_000_000_000 };
        // SAFETY: the set and the timeout are initialised, and the siginfo pointer may be null.
        let signal = unsafe { libc::sigtimedwait(&job.wanted, null_mut(), &timeout) };
        if signal != libc::SIGCHLD && (signal >= 0 || errno() == libc::EAGAIN) {
            // SAFETY: the process group is the child's. Its id is still in use: the child has not been waited for, or
            // members remain.
            unsafe { libc::kill(-child, libc::SIGKILL) };
            if late {
                // The remaining processes changed their group and do not exit: do not wait for them.
                return (libc::SIGKILL, true);
            }
            late = true;
        }
    }
}

/// The monotonic clock in nanoseconds.
fn now() -> i64 {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn errno() -> c_int {
    // SAFETY: the C library's own place for it.
    unsafe { *libc::__errno_location() }
}

/// Writes the error to the result file.
fn failed(result: c_int, what: &str, error: c_int) -> c_int {
    let mut line = Line::default();
    line.text(b"error ").text(what.as_bytes()).text(b" ").number(error as u64);
    line.write(result)
}

/// A line of text in a fixed buffer.
struct Line {
    bytes: [u8; 256],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; 256], len: 0 }
    }
}

impl Line {
    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[at..]).text(b" ")
    }

    fn write(&mut self, fd: c_int) -> c_int {
        self.text(b"\n");
        // SAFETY: the bytes are this line's own.
        let written = unsafe { libc::write(fd, self.bytes.as_ptr().cast(), self.len) };
        c_int::from(written != self.len as isize)
    }
}
