//! The state that the threads of a process share. The parts are reference-counted, as in Linux, so that clone(2) shares
//! or copies each of them by its flags.

use super::abi::signal::{Sigaction, Siginfo};
use super::exec::{ExecError, Image, ProcessSpec};
use super::limits::Limits;
use super::proc::OpenProc;
use super::rings::OpenRings;
use super::seccomp::Seccomp;
use super::signal::{Pending, bit};
use super::sysroot::{Intent, Lookup, Sysroot};
use super::vdso::Vdso;
use crate::host::{self, GuestFd, Lock, LockGuard, LockRef, OwnFds, Rank};
use crate::memory::{GuestAddr, UserSpace};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::ops::Deref;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The thread group (`signal_struct`).
#[derive(Debug)]
pub struct Process {
    /// How the process runs.
    pub spec: ProcessSpec,
    /// The limits on the guest's address space, which cannot be set on the host: AS, DATA, STACK.
    pub limits: Lock<Limits>,
    /// Whose memory it runs in.
    pub memory: MemoryOf,
    /// The threads by id, with the filters that other threads may change.
    threads: Lock<BTreeMap<i32, Arc<Seccomp>>>,
    signals: Lock<ProcessSignals>,
    /// The signals in `signals.pending`.
    pending: AtomicU64,
}

/// Whose memory a process runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOf {
    /// Its own.
    Itself,
    /// That of its parent, which waits for it (vfork).
    WaitingParent,
    /// That of another process, which goes on.
    Another,
}

/// The blocked signals of a thread, as the other threads see them.
pub type Mask = Arc<AtomicU64>;

/// Signals sent to the process that the host does not keep.
#[derive(Debug, Default)]
struct ProcessSignals {
    /// The pending ones: SIGSEGV and SIGBUS, which the host cannot block, while all threads block them.
    pending: Pending,
    /// Those that a thread has received and sent to a thread that does not block them.
    sent_on: Vec<Siginfo>,
    /// What each thread blocks, by its id.
    masks: BTreeMap<i32, Mask>,
}

impl ProcessSignals {
    /// None, in a process whose only thread is the calling one.
    fn of_first(mask: Mask) -> Self {
        Self { masks: BTreeMap::from([(rustix::thread::gettid().as_raw_nonzero().get(), mask)]), ..Self::default() }
    }
}

impl Process {
    /// A process with its first thread, which is the calling one.
    pub fn new(spec: ProcessSpec, seccomp: &Arc<Seccomp>, mask: Mask, memory: MemoryOf) -> Self {
        Self {
            memory,
            limits: Lock::new(Rank::Limits, spec.limits.clone()),
            threads: Lock::new(Rank::Threads, Self::only_thread(seccomp)),
            signals: Lock::new(Rank::ProcessSignals, ProcessSignals::of_first(mask)),
            pending: AtomicU64::new(0),
            spec,
        }
    }

    /// Takes a signal that the calling thread has received for the process and does not deliver: another thread gets
    /// it, or it is pending.
    pub fn queue(&self, info: Siginfo) {
        let own = rustix::thread::gettid().as_raw_nonzero().get();
        let mut signals = self.signals.lock();
        signals.pending.add(info);
        // A thread that is about to wait changes its mask first, and looks at the pending signals then.
        self.pending.store(signals.pending.set(), Ordering::SeqCst);
        let lets_through = |mask: &Mask| mask.load(Ordering::SeqCst) & bit(info.signo) == 0;
        let other = signals.masks.iter().find(|&(&tid, mask)| tid != own && lets_through(mask)).map(|(&tid, _)| tid);
        if let Some(tid) = other
            && let Some(info) = signals.pending.take(bit(info.signo))
        {
            signals.sent_on.push(info);
            if host::send_to_thread(tid, info.signo) {
                self.pending.store(signals.pending.set(), Ordering::SeqCst);
            } else {
                signals.sent_on.pop();
                signals.pending.add(info);
            }
        }
    }

    /// The signals that [`Process::queue`] keeps.
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::SeqCst)
    }

    /// Takes a signal that [`Process::queue`] keeps.
    pub fn take_pending(&self, wanted: u64) -> Option<Siginfo> {
        if self.pending() & wanted == 0 {
            return None;
        }
        let mut signals = self.signals.lock();
        let info = signals.pending.take(wanted);
        self.pending.store(signals.pending.set(), Ordering::SeqCst);
        info
    }

    /// The signal that `received` stands for, if a thread has sent it on.
    pub fn original(&self, received: Siginfo) -> Siginfo {
        if received.code != libc::SI_TKILL || received.sender().0 != std::process::id() as i32 {
            return received;
        }
        let mut signals = self.signals.lock();
        let found = signals.sent_on.iter().position(|info| info.signo == received.signo);
        found.map_or(received, |at| signals.sent_on.remove(at))
    }

    /// The locks that are held while the process forks.
    pub fn locks(&self) -> [LockRef<'_>; 3] {
        [self.threads.erased(), self.signals.erased(), self.limits.erased()]
    }

    /// Called in the child of a fork, where only the calling thread exists.
    pub fn after_fork(&self, seccomp: &Arc<Seccomp>, mask: Mask) {
        *self.threads.lock() = Self::only_thread(seccomp);
        *self.signals.lock() = ProcessSignals::of_first(mask);
        self.pending.store(0, Ordering::SeqCst);
    }

    /// The calling thread, with its filters.
    fn only_thread(seccomp: &Arc<Seccomp>) -> BTreeMap<i32, Arc<Seccomp>> {
        BTreeMap::from([(rustix::thread::gettid().as_raw_nonzero().get(), seccomp.clone())])
    }

    /// How a thread filters system calls: the mode and the number of filters.
    pub fn filters_of(&self, tid: i32) -> (u32, usize) {
        self.threads().get(&tid).map_or((0, 0), |thread| (thread.mode() as u32, thread.count()))
    }

    /// The threads by id, with their filters.
    pub fn threads(&self) -> LockGuard<'_, BTreeMap<i32, Arc<Seccomp>>> {
        self.threads.lock()
    }

    /// Adds a thread by its id. It inherits its parent's filters.
    pub fn add_thread(&self, tid: i32, seccomp: &Arc<Seccomp>, parent: &Seccomp, mask: Mask) {
        let mut threads = self.threads.lock();
        seccomp.inherit(parent);
        threads.insert(tid, seccomp.clone());
        self.signals.lock().masks.insert(tid, mask);
    }

    /// Removes a thread that ends; true if it was the last one.
    pub fn remove_thread(&self, tid: i32) -> bool {
        let mut threads = self.threads.lock();
        threads.remove(&tid);
        self.signals.lock().masks.remove(&tid);
        threads.is_empty()
    }
}

/// The signal dispositions (`sighand_struct`).
#[derive(Debug)]
pub struct Sighand {
    actions: Lock<[Sigaction; 64]>,
}

impl Sighand {
    /// Takes the dispositions of signals 1 to 64, from index 0.
    pub fn new(actions: [Sigaction; 64]) -> Self {
        Self { actions: Lock::new(Rank::SignalActions, actions) }
    }

    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.actions.erased()
    }

    /// The dispositions of signals 1 to 64, from index 0. The caller holds the lock until it has mirrored a change in
    /// the host.
    pub fn actions(&self) -> LockGuard<'_, [Sigaction; 64]> {
        self.actions.lock()
    }
}

/// The device and the inode of the file at a host path.
fn id_of(path: impl rustix::path::Arg) -> Option<(u64, u64)> {
    rustix::fs::stat(path).ok().map(|file| (file.st_dev, file.st_ino))
}

/// The address space, and the kernel's related data (`mm_struct`).
#[derive(Debug)]
pub struct Mm {
    space: Arc<UserSpace>,
    /// The mapped vDSO.
    pub vdso: Vdso,
    /// The program's host path.
    pub exe: CString,
    /// A descriptor of remu's for the program's file.
    exe_file: Option<i32>,
    /// The program's device and inode.
    pub exe_id: Option<(u64, u64)>,
    /// The arguments.
    pub args: Vec<CString>,
    /// The environment.
    pub env: Vec<CString>,
    /// The auxiliary vector.
    pub auxv: Vec<(u64, u64)>,
    /// The initial stack pointer.
    pub start_stack: GuestAddr,
}

impl Mm {
    /// The address space of a loaded program.
    pub fn new(image: Image) -> Result<Self, ExecError> {
        let exe = std::path::absolute(&image.exe).unwrap_or(image.exe);
        let exe = CString::new(exe.as_os_str().as_bytes()).map_err(|_| ExecError::Path(exe.clone()))?;
        let Image { space, vdso, exe: _, exe_file, args, env, auxv, start_stack } = image;
        let exe_id = match exe_file {
            Some(fd) => id_of(host::path_of_fd(fd)),
            None => id_of(&exe),
        };
        Ok(Self { space, vdso, exe, exe_file, exe_id, args, env, auxv, start_stack })
    }

    /// A host path that leads to the program's file, also when it has been renamed or deleted.
    pub fn path_to_exe(&self) -> CString {
        let by_descriptor = || CString::new(host::path_of_fd(self.exe_file?)).ok();
        let is_there = id_of(&self.exe) == self.exe_id;
        if is_there { None } else { by_descriptor() }.unwrap_or_else(|| self.exe.clone())
    }

    /// The program's host path as the kernel shows it now, with ` (deleted)` if it has none.
    pub fn shown_exe(&self) -> CString {
        let link = self.exe_file.and_then(|fd| rustix::fs::readlink(host::path_of_fd(fd), Vec::new()).ok());
        link.unwrap_or_else(|| self.exe.clone())
    }

    /// The address space.
    pub fn space(&self) -> &Arc<UserSpace> {
        &self.space
    }

    /// An entry of the auxiliary vector.
    pub fn auxv(&self, key: u64) -> Option<u64> {
        self.auxv.iter().find(|(k, _)| *k == key).map(|(_, value)| *value)
    }
}

impl Deref for Mm {
    type Target = UserSpace;

    fn deref(&self) -> &UserSpace {
        &self.space
    }
}

/// The descriptor table (`files_struct`): the host's, without remu's own descriptors.
#[derive(Debug)]
pub struct Files {
    own: OwnFds,
    /// The open files under /proc that show the guest.
    pub proc: OpenProc,
    /// The rings of io_uring.
    pub rings: OpenRings,
}

impl Files {
    /// A table in which the descriptors `own` belong to remu.
    pub fn new(own: Vec<i32>) -> Self {
        Self { own: OwnFds::new(own), proc: OpenProc::default(), rings: OpenRings::default() }
    }

    /// Whether a descriptor is one of remu's, which the guest must not touch.
    #[inline]
    pub fn is_ours(&self, fd: i32) -> bool {
        self.own.contains(fd)
    }

    /// The descriptor that the guest means by a number. The host kernel checks whether it is open.
    pub fn guest_fd(&self, fd: i32) -> Result<GuestFd, Errno> {
        self.own.guest(fd).ok_or(Errno::BADF)
    }

    /// As [`Self::guest_fd`], for a directory that paths are relative to: also AT_FDCWD.
    pub fn guest_dir(&self, fd: i32) -> Result<GuestFd, Errno> {
        self.own.guest_dir(fd).ok_or(Errno::BADF)
    }

    /// One of remu's descriptors, to be used while the table lives.
    pub fn own_fd(&self, fd: i32) -> Option<BorrowedFd<'_>> {
        self.own.own(fd)
    }

    /// remu's descriptors, in no order.
    pub fn ours(&self) -> &[i32] {
        self.own.numbers()
    }
}

/// File lookup state (`fs_struct`). The working directory and the umask are the host's.
#[derive(Debug)]
pub struct Fs {
    /// The directory that contains some of the guest's files.
    pub sysroot: Option<Sysroot>,
}

impl Fs {
    /// The guest path of a host path: without the sysroot.
    pub fn guest_path<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        self.sysroot.as_ref().map_or(path, |sysroot| sysroot.guest_name(path))
    }

    /// The host path of a guest path, relative to a directory descriptor.
    pub fn host_path(&self, dir: i32, path: CString, follow: bool, intent: Intent) -> Result<CString, Errno> {
        let Some(sysroot) = &self.sysroot else { return Ok(path) };
        let lookup = Lookup { follow, intent, restrictions: 0 };
        Ok(sysroot.resolve(dir, &path, lookup)?.unwrap_or(path))
    }
}
