//! Executing programs: remu again, by a descriptor of its own file, or a program of the host.
//!
//! The descriptor is opened at the start and inherited, so that it works in a chroot, without /proc, and after the file
//! has been replaced. Its number N reaches the next remu as AT_EXECFN, `/dev/fd/N`, which the kernel makes of it. N+1
//! is a memfd with what one remu hands to the next: nothing of that is in the arguments or the environment.
//!
//! In a chroot without /proc, a remu that the kernel started as an interpreter (binfmt_misc) has no path to its own
//! file. It executes the program that it was started for: the kernel then starts remu again.
//!
//! The memfd begins with a public part, which other remus read through /proc: it describes the guest to them.

use super::fd::replace;
use super::pass::syscall;
use super::signals::{CallError, SignalsOfProgram, with_signals_of};
use super::start::{executed_name, first_page, registered};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use rustix::io::{DupFlags, Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd, pread, pwrite};
use rustix::process::{Resource, getrlimit};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the memfd begins with.
const MAGIC: &[u8; 8] = b"remu\0\x02\0\0";

/// The target of a link to the memfd in /proc.
pub const MEMFD_LINK: &str = "/memfd:remu (deleted)";

/// The public part of a memfd's contents.
pub fn public_part(bytes: &[u8]) -> Option<&[u8]> {
    parts(bytes).map(|(public, _)| public)
}

/// The public part, and what only the next remu reads.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_ne_bytes(*len) as usize)
}

/// A memfd with these contents, which cannot be changed.
fn memfd(public: &[u8], rest: &[u8]) -> Result<OwnedFd, Errno> {
    let memfd = memfd_create("remu", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC)?;
    let bytes = [&MAGIC[..], &(public.len() as u32).to_ne_bytes(), public, rest].concat();
    let mut written = 0;
    while written < bytes.len() {
        written += pwrite(&memfd, &bytes[written..], written as u64)?;
    }
    fcntl_add_seals(&memfd, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(memfd)
}

/// Where the two descriptors lie at least, or below a smaller limit.
const LOWEST: i32 = 960;

/// With a smaller limit, all descriptors are left to the program.
const FEW: u64 = 8;

/// remu's own file, and the place of the memfd.
#[derive(Debug)]
pub struct OwnFile {
    file: OwnedFd,
    place: OwnedFd,
    /// Whether `file` is a guest program instead, for which the kernel starts remu.
    is_program: bool,
}

/// What this remu gives to the next one.
#[derive(Clone, Copy, Debug)]
pub struct Next<'a> {
    /// Describes the guest to other remus.
    pub public: &'a [u8],
    /// What only the next remu reads.
    pub data: &'a [u8],
    /// Open files.
    pub files: &'a [BorrowedFd<'a>],
}

/// What a remu that was executed by another one has received.
#[derive(Debug)]
pub struct Received {
    /// remu's own file.
    pub own_file: OwnFile,
    /// The descriptors, in the order in which they were handed on.
    pub files: Vec<OwnedFd>,
    /// The data.
    pub data: Vec<u8>,
    /// The arguments.
    pub argv: Vec<CString>,
}

impl OwnFile {
    /// Opens it, as the program that this process has executed.
    ///
    /// # Errors
    /// EMFILE if descriptors are scarce; another error if nothing leads to the file.
    pub fn open() -> Result<Self, Errno> {
        let (file, is_program) = match open_path("/proc/self/exe") {
            Ok(file) => (file, false),
            Err(error) => Self::without_proc().ok_or(error)?,
        };
        Self::at_neighbours(file, is_program)
    }

    /// Finds what starts remu without /proc: its own file, or else the program for which the kernel started it.
    fn without_proc() -> Option<(OwnedFd, bool)> {
        let executed = executed_name()?;
        let mut arguments = std::env::args_os();
        let own_name = arguments.next().unwrap_or_default();
        // The kernel puts an interpreter's path into argv[0]; a chroot may have another file there, or none.
        for path in [OsStr::from_bytes(executed.as_bytes()), &own_name] {
            if is_own_file(path) {
                return Some((open_path(path).ok()?, false));
            }
        }
        // What was executed is not remu's file. If it exists, it was a program or a script, and argv[1] names the
        // program. A set-user-ID program would not take over what is handed on.
        open_path(OsStr::from_bytes(executed.as_bytes())).ok()?;
        let program = arguments.next().filter(|_| !super::is_secure())?;
        Some((open_path(&program).ok()?, true))
    }

    /// Moves the file to a number whose next one is free, too.
    fn at_neighbours(file: OwnedFd, is_program: bool) -> Result<Self, Errno> {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(1024).min(1024);
        if limit < FEW {
            return Err(Errno::MFILE);
        }
        let mut at = LOWEST.min(limit.saturating_sub(48).max(limit / 2) as i32);
        loop {
            let first = fcntl_dupfd_cloexec(&file, at)?;
            let second = fcntl_dupfd_cloexec(&file, first.as_raw_fd() + 1)?;
            if second.as_raw_fd() == first.as_raw_fd() + 1 {
                return Ok(Self { file: first, place: second, is_program });
            }
            at = second.as_raw_fd();
        }
    }

    /// The numbers of its descriptors, which the guest may not see.
    pub fn numbers(&self) -> [i32; 2] {
        [self.file.as_raw_fd(), self.place.as_raw_fd()]
    }

    /// Describes the guest to other remus.
    pub fn publish(&self, public: &[u8]) -> Result<(), Errno> {
        replace(&self.place, memfd(public, &[])?.as_fd(), DupFlags::CLOEXEC)
    }

    /// Executes remu, with these arguments and this environment, and hands `next` to it. Returns only if that fails,
    /// with the descriptors as they were.
    ///
    /// The caller makes sure that no other thread makes a process or executes a program meanwhile.
    pub fn execute(&self, next: &Next<'_>, strings: &ExecStrings) -> Errno {
        self.try_execute(next, strings).err().unwrap_or(Errno::INVAL)
    }

    /// Owns no memory while it makes the call: a vfork child would leave it behind.
    fn try_execute(&self, next: &Next<'_>, strings: &ExecStrings) -> Result<(), Errno> {
        let Next { public, data, files } = *next;
        let memfd = {
            let mut bytes = Vec::new();
            let numbers = files.iter().map(|file| file.as_raw_fd() as u32);
            // The kernel may replace argv[0] when it starts remu for a program.
            let own_name = if self.is_program { strings.own_name() } else { &[] };
            let lengths = [u32::from(self.is_program), own_name.len() as u32, files.len() as u32];
            for word in lengths.into_iter().chain(numbers) {
                bytes.extend_from_slice(&word.to_ne_bytes());
            }
            bytes.extend_from_slice(own_name);
            bytes.extend_from_slice(data);
            memfd(public, &bytes)?
        };
        let before = fcntl_dupfd_cloexec(&self.place, 0)?;
        match replace(&self.place, memfd.as_fd(), DupFlags::empty()) {
            // The hard limit lies below the number, too: the next remu gets lower numbers.
            Err(Errno::BADF) => {
                drop(before);
                let lower = Self::at_neighbours(fcntl_dupfd_cloexec(&self.file, 0)?, self.is_program)?;
                replace(&lower.place, memfd.as_fd(), DupFlags::empty())?;
                drop(memfd);
                return lower.hand_on(files, strings);
            }
            replaced => replaced?,
        }
        drop(memfd);
        let result = self.hand_on(files, strings);
        replace(&self.place, before.as_fd(), DupFlags::CLOEXEC)?;
        result
    }

    /// Executes the own file. The memfd is at its place.
    fn hand_on(&self, files: &[BorrowedFd<'_>], strings: &ExecStrings) -> Result<(), Errno> {
        let handed = files.iter().copied().chain([self.file.as_fd(), self.place.as_fd()]);
        for file in handed.clone() {
            fcntl_setfd(file, FdFlags::empty())?;
        }
        let args = strings.arguments(self.file.as_fd(), c"", libc::AT_EMPTY_PATH);
        // SAFETY: the kernel reads the path and the lists, which are alive. Either nothing of this process is left, or
        // nothing has changed.
        let result = unsafe { syscall(libc::SYS_execveat, args) };
        for file in handed {
            fcntl_setfd(file, FdFlags::CLOEXEC)?;
        }
        result.map(drop)
    }
}

/// Opens a file to execute it.
fn open_path(path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

/// Whether a file begins with the page with which this program begins in memory.
fn is_own_file(path: &OsStr) -> bool {
    let mut bytes = [0; 4096];
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let read = file.and_then(|file| pread(&file, &mut bytes[..], 0));
    read == Ok(bytes.len()) && first_page().is_some_and(|page| page == bytes)
}

/// The arguments and the environment of a program, as the kernel wants them.
#[derive(Debug)]
pub struct ExecStrings {
    /// The strings of both lists. They are not changed, so the pointers below hold.
    strings: [Vec<CString>; 2],
    /// The lists of their addresses, which end with null.
    lists: [Vec<u64>; 2],
}

impl ExecStrings {
    /// Of these arguments and this environment.
    pub fn new(argv: Vec<CString>, envp: Vec<CString>) -> Self {
        let strings = [argv, envp];
        let address = |text: &CString| text.as_ptr().expose_provenance() as u64;
        let lists = [0, 1].map(|i: usize| strings[i].iter().map(address).chain([0]).collect());
        Self { strings, lists }
    }

    /// The program's own name, `argv[0]`.
    fn own_name(&self) -> &[u8] {
        self.strings[0].first().map_or(&[], |name| name.as_bytes())
    }

    /// The arguments of execveat(2).
    fn arguments(&self, dir: BorrowedFd<'_>, path: &CStr, flags: i32) -> [u64; 6] {
        let [argv, envp] = [0, 1].map(|i: usize| self.lists[i].as_ptr().expose_provenance() as u64);
        [dir.as_raw_fd() as u64, path.as_ptr().expose_provenance() as u64, argv, envp, flags as u64, 0]
    }
}

/// Executes a program of the host, which finds these signals. All signals are blocked before and after the call, which
/// returns only if that fails.
///
/// # Errors
/// The host's, or [`CallError::NotBegun`] if a signal has arrived before.
pub fn execute_native(path: &CStr, strings: &ExecStrings, signals: SignalsOfProgram) -> CallError {
    let args = strings.arguments(rustix::fs::CWD, path, 0);
    // SAFETY: the kernel reads the path and the lists, which are alive. Either the process leaves this memory,
    // which a vfork child's parent keeps, or nothing has changed.
    let result = unsafe { with_signals_of(signals, libc::SYS_execveat, args) };
    result.expect_err("a call that succeeds does not return")
}

/// What another remu has handed to this one, if it was executed by one. It is handed out once.
pub fn received() -> Option<Received> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let name = executed_name()?;
    let number: i32 = name.to_str().ok()?.strip_prefix("/dev/fd/")?.parse().ok()?;
    let place = number.checked_add(1)?;
    if number < 0 || super::is_secure() || TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the descriptor is only looked at here. It is -1 neither, since it is positive.
    let looked_at = unsafe { BorrowedFd::borrow_raw(place) };
    // Only a memfd can be sealed against writing. Other files in memory say that no seal can be added.
    fcntl_get_seals(looked_at).ok().filter(|seals| seals.contains(SealFlags::WRITE))?;
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len();
        bytes.resize(at + 4096, 0);
        let read = pread(looked_at, &mut bytes[at..], at as u64).ok()?;
        bytes.truncate(at + read);
        if read == 0 {
            break;
        }
    }
    let (_, rest) = parts(&bytes)?;
    let mut rest = rest;
    let mut word = || {
        let (word, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        Some(u32::from_ne_bytes(*word))
    };
    let (is_program, name_len, count) = (word()? != 0, word()? as usize, word()?);
    let numbers = (0..count).map(|_| word().map(|number| number as i32)).collect::<Option<Vec<_>>>()?;
    let (own_name, data) = rest.split_at_checked(name_len)?;
    let argv = if is_program { behind_interpreter(own_name) } else { arguments() };
    let data = data.to_vec();
    let all = || numbers.iter().copied().chain([number, place]);
    let mut seen = std::collections::BTreeSet::new();
    if !all().all(|fd| fd >= 0 && seen.insert(fd)) {
        return None;
    }
    let own = |fd: i32| {
        // SAFETY: the descriptor is only looked at, and is not -1.
        let looked_at = unsafe { BorrowedFd::borrow_raw(fd) };
        fcntl_getfd(looked_at)?;
        // SAFETY: the descriptor is open, and nothing else in this process knows of it: it was left open for the process
        // by the remu that wrote the list, and the call to this function is the only one that takes it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        fcntl_setfd(&fd, FdFlags::CLOEXEC).map(|()| fd)
    };
    let files = numbers.iter().map(|&fd| own(fd)).collect::<Result<_, _>>().ok()?;
    let own_file = OwnFile { file: own(number).ok()?, place: own(place).ok()?, is_program };
    Some(Received { own_file, files, data, argv })
}

/// The arguments of this process.
fn arguments() -> Vec<CString> {
    std::env::args_os().map(|word| CString::new(word.into_vec()).unwrap_or_default()).collect()
}

/// The arguments with which a program was executed, if the kernel started this process as its interpreter. The kernel
/// puts the paths of interpreter and program first, and leaves `argv[0]` in place only with flag P.
fn behind_interpreter(own_name: &[u8]) -> Vec<CString> {
    // The program's descriptor (flag O) is closed.
    let has_argv0 = registered().is_some_and(|registered| registered.has_argv0);
    let rest = arguments().into_iter().skip(2 + usize::from(has_argv0));
    CString::new(own_name).into_iter().chain(rest).collect()
}
