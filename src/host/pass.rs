//! System calls handed through to the host kernel.
//!
//! A system call can be made safely where the kernel touches no memory but what its pointer
//! arguments name. For each call in [`Sys`] the table says which arguments are pointers; only a
//! checked pointer is accepted there: guest memory ([`GuestPtr`], which Rust never refers to), or a
//! slice the caller lends. Calls that change mappings, signals or threads are not in the table.

use rustix::io::Errno;

/// An address inside the guest's window, for the host kernel to follow. Only `memory` makes one.
#[derive(Clone, Copy, Debug)]
pub struct GuestPtr(*mut u8);

impl GuestPtr {
    /// Takes a host address on trust.
    ///
    /// # Safety
    /// As many bytes as the system call it is used in may access must lie within the guest's
    /// window, or be refused by the host kernel.
    pub unsafe fn new(p: *mut u8) -> Self {
        Self(p)
    }
}

/// An element of a scatter/gather list in guest memory, in the kernel's layout.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IoVec {
    base: GuestPtr,
    len: usize,
}

impl IoVec {
    /// `len` bytes at `base`.
    ///
    /// # Safety
    /// The whole range must lie within the guest's window.
    pub unsafe fn new(base: GuestPtr, len: usize) -> Self {
        Self { base, len }
    }
}

/// An argument of a system call.
#[derive(Debug)]
pub enum SysArg<'a> {
    /// A number.
    Val(u64),
    /// A pointer to guest memory.
    Guest(GuestPtr),
    /// A pointer to bytes that the kernel reads; the callee's length argument must not exceed them.
    In(&'a [u8]),
    /// A pointer to bytes that the kernel writes; the callee's length argument must not exceed them.
    Out(&'a mut [u8]),
    /// The null pointer.
    Null,
}

/// How many bytes the kernel may access behind a pointer argument.
#[derive(Clone, Copy)]
enum Extent {
    /// As many as the argument of this index says.
    Arg(usize),
    /// So many.
    Fixed(usize),
    /// Up to a terminating zero.
    CString,
}

struct Pointer {
    arg: usize,
    written: bool,
    extent: Extent,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $nr:ident [$($arg:literal $dir:ident $extent:expr),*];)*) => {
        /// The host calls that can be handed through.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sys { $($(#[$doc])* $name,)* }

        impl Sys {
            fn number(self) -> libc::c_long {
                match self { $(Sys::$name => libc::$nr,)* }
            }

            fn pointers(self) -> &'static [Pointer] {
                use Extent::*;
                match self {
                    $(Sys::$name => &[$(Pointer { arg: $arg, written: calls!(@ $dir), extent: $extent }),*],)*
                }
            }
        }
    };
    (@ reads) => { false };
    (@ writes) => { true };
}

// The second column is the number by name; then, for each pointer argument, its index, what the
// kernel does with the memory, and how far it goes.
calls! {
    /// read(2)
    Read = SYS_read [1 writes Arg(2)];
    /// write(2)
    Write = SYS_write [1 reads Arg(2)];
    /// pread(2)
    Pread64 = SYS_pread64 [1 writes Arg(2)];
    /// pwrite(2)
    Pwrite64 = SYS_pwrite64 [1 reads Arg(2)];
    /// getdents64(2)
    Getdents64 = SYS_getdents64 [1 writes Arg(2)];
    /// getrandom(2)
    Getrandom = SYS_getrandom [0 writes Arg(1)];
    /// lseek(2)
    Lseek = SYS_lseek [];
    /// readlinkat(2)
    Readlinkat = SYS_readlinkat [1 reads CString, 2 writes Arg(3)];
    /// getcwd(2)
    Getcwd = SYS_getcwd [0 writes Arg(1)];
    /// fallocate(2)
    Fallocate = SYS_fallocate [];
    /// ftruncate(2)
    Ftruncate = SYS_ftruncate [];
    /// fsync(2)
    Fsync = SYS_fsync [];
    /// fdatasync(2)
    Fdatasync = SYS_fdatasync [];
    /// umask(2)
    Umask = SYS_umask [];
    /// copy_file_range(2)
    CopyFileRange = SYS_copy_file_range [1 writes Fixed(8), 3 writes Fixed(8)];
    /// sendfile(2)
    Sendfile = SYS_sendfile [2 writes Fixed(8)];
    /// splice(2)
    Splice = SYS_splice [1 writes Fixed(8), 3 writes Fixed(8)];
}

/// Makes a host system call; arguments that are not given are zero.
///
/// # Panics
/// If an argument is not of the kind that the table asks for, or a slice is shorter than what the
/// kernel may access: a bug in the caller.
pub fn pass(call: Sys, args: &mut [SysArg<'_>]) -> Result<u64, Errno> {
    let mut raw = [0u64; 6];
    let numbers: Vec<u64> = args.iter().map(|a| if let SysArg::Val(v) = a { *v } else { 0 }).collect();
    for (i, arg) in args.iter_mut().enumerate() {
        let pointer = call.pointers().iter().find(|p| p.arg == i);
        raw[i] = match (arg, pointer) {
            (SysArg::Val(v), None) => *v,
            (SysArg::Null, Some(_)) => 0,
            (SysArg::Guest(p), Some(_)) => p.0 as u64,
            (SysArg::In(s), Some(p)) if !p.written => {
                check_extent(call, p, s, &numbers);
                s.as_ptr() as u64
            }
            (SysArg::Out(s), Some(p)) => {
                check_extent(call, p, s, &numbers);
                s.as_mut_ptr() as u64
            }
            (arg, _) => panic!("{call:?}: argument {i} may not be {arg:?}"),
        };
    }
    // SAFETY: the calls in the table access no memory but through their pointer arguments, and each
    // of those is guest memory, null, or a live slice at least as long as the kernel's access and
    // mutable where the kernel writes: checked above.
    unsafe { syscall(call.number(), raw) }
}

fn check_extent(call: Sys, pointer: &Pointer, slice: &[u8], numbers: &[u64]) {
    let fits = match pointer.extent {
        Extent::Arg(n) => numbers[n] <= slice.len() as u64,
        Extent::Fixed(n) => n <= slice.len(),
        Extent::CString => slice.contains(&0),
    };
    assert!(fits, "{call:?}: the kernel may go past the {} bytes lent to it", slice.len());
}

/// A call on a scatter/gather list in guest memory: readv, writev, and their positioned forms with
/// the offset and flags in `rest` (both halves of the offset, as the kernel takes it).
pub fn pass_vectored(write: bool, fd: i32, list: &[IoVec], rest: Option<(u64, u64)>) -> Result<u64, Errno> {
    let number = match (write, rest) {
        (false, None) => libc::SYS_readv,
        (true, None) => libc::SYS_writev,
        (false, Some(_)) => libc::SYS_preadv2,
        (true, Some(_)) => libc::SYS_pwritev2,
    };
    let (offset, flags) = rest.unwrap_or((0, 0));
    // SAFETY: the list is a live slice in the kernel's layout, and each range in it lies within the
    // guest's window by the contract of `IoVec::new`.
    unsafe { syscall(number, [fd as u64, list.as_ptr() as u64, list.len() as u64, offset, 0, flags]) }
}

/// # Safety
/// The call with these arguments must not break Rust's view of memory.
unsafe fn syscall(number: libc::c_long, a: [u64; 6]) -> Result<u64, Errno> {
    let result: i64;
    // SAFETY: the Linux system call convention of x86-64; what the call does is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    if (-4095..0).contains(&result) { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as u64) }
}
