//! System calls passed through to the host kernel.
//!
//! A system call is safe if the kernel accesses only the memory that its pointer arguments name. The table of [`Sys`]
//! says which arguments of each call are pointers, and only checked pointers are accepted there: guest memory
//! ([`GuestPtr`](super::GuestPtr), which Rust never refers to), or a slice borrowed from the caller. Calls whose
//! arguments mean what a request among them says are not in that table: each shape of them is a type of
//! [`super::requests`].

use super::pointer::{GuestPtr, SysArg};
use super::signals::{CallError, interruptible};
use super::sys::{Extent, HostCall, Pointer, Sys};
use rustix::io::Errno;

/// Makes an interruptible host system call for the guest. Missing arguments are zero.
///
/// # Panics
/// If an argument does not have the kind in the table, or if memory is shorter than the kernel's access. Each is a bug
/// in the caller.
pub fn pass(call: Sys, args: &mut [SysArg<'_>]) -> Result<u64, CallError> {
    make(call, args)
}

/// As [`pass`], for a call all of whose pointers are to guest memory, or null: `memory` finds it. What `args` has in
/// their place is not used.
///
/// # Panics
/// As [`pass`].
#[inline]
pub fn pass_guest<'a>(
    call: Sys,
    mut args: [u64; 6],
    memory: impl Fn(&Pointer) -> Option<GuestPtr<'a>>,
) -> Result<u64, CallError> {
    let numbers = args;
    for pointer in call.pointers() {
        args[pointer.arg] = address(call, pointer, &mut memory(pointer).into(), &numbers);
    }
    // SAFETY: the calls in the table access memory only through pointer arguments. Each of these is guest memory as long
    // as the kernel's access, or null, where no memory of Rust's is.
    unsafe { interruptible(call.number(), args) }
}

/// Makes a call of either table.
pub(super) fn make(call: impl HostCall, args: &mut [SysArg<'_>]) -> Result<u64, CallError> {
    let mut raw = [0u64; 6];
    let mut pointers = 0u32;
    for (i, (raw, arg)) in raw.iter_mut().zip(args.iter()).enumerate() {
        match arg {
            SysArg::Val(v) => *raw = *v,
            _ => pointers |= 1 << i,
        }
    }
    let numbers = raw;
    for pointer in call.pointers() {
        raw[pointer.arg] = address(call, pointer, args.get_mut(pointer.arg).unwrap_or(&mut SysArg::Null), &numbers);
        pointers &= !(1 << pointer.arg);
    }
    assert!(pointers == 0, "{call:?}: a number is expected among {args:?}");
    // SAFETY: the calls in the tables access memory only through pointer arguments, and the type of a `ByRequest` call
    // ensures the request's shape. Checked above: each is guest memory, a list of it that is long enough, or a live
    // slice as long as the kernel's access and mutable if the kernel writes. Null is no memory of Rust's: a missing
    // argument, or address 0, where nothing is mapped or the guest's window starts.
    unsafe { interruptible(call.number(), raw) }
}

/// The address to pass for a pointer argument.
///
/// # Panics
/// If the argument is a number, or if memory is shorter than the kernel's access.
#[inline]
fn address(call: impl HostCall, pointer: &Pointer, arg: &mut SysArg<'_>, numbers: &[u64; 6]) -> u64 {
    match arg {
        SysArg::Guest(g) => match pointer.extent.bytes(numbers) {
            Some(bytes) => g.raw(bytes).addr(),
            None => g.open().addr(),
        },
        SysArg::Null => {
            assert!(pointer.extent.may_be_null(numbers), "{call:?}: {pointer:?} is a range at address 0");
            0
        }
        SysArg::In(s) if !pointer.written => {
            check_lent(call, pointer, s, numbers);
            s.as_ptr() as u64
        }
        SysArg::Vector(list) if let Extent::Vector(n) = pointer.extent => {
            assert!(numbers[n] <= list.len() as u64, "{call:?}: the kernel may go past the list lent to it");
            list.as_ptr() as u64
        }
        SysArg::Out(s) => {
            check_lent(call, pointer, s, numbers);
            s.as_mut_ptr() as u64
        }
        arg => panic!("{call:?}: {pointer:?} may not be {arg:?}"),
    }
}

fn check_lent(call: impl HostCall, pointer: &Pointer, slice: &[u8], numbers: &[u64; 6]) {
    let fits = match pointer.extent.bytes(numbers) {
        Some(bytes) => bytes <= slice.len() as u64,
        None => match pointer.extent {
            Extent::CString => slice.contains(&0),
            Extent::Address => slice.len() >= size_of::<libc::sockaddr_storage>(),
            _ => false,
        },
    };
    assert!(fits, "{call:?}: the kernel may access more than the {} bytes it was given", slice.len());
}

/// # Safety
/// The call with these arguments must not break Rust's view of memory.
pub(super) unsafe fn syscall(number: libc::c_long, a: [u64; 6]) -> Result<u64, Errno> {
    let result: i64;
    // SAFETY: this is the Linux system call convention of x86-64. The caller is responsible for what the call does.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn only_checked_pointers_are_passed_and_only_where_the_table_has_one() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&null) as u64;
        let read = |buffer: SysArg<'_>, len: u64| pass(Sys::Read, &mut [SysArg::Val(fd), buffer, SysArg::Val(len)]);
        assert_eq!(read(SysArg::Out(&mut [0; 4]), 4), Ok(0));
        assert_eq!(pass(Sys::Read, &mut [SysArg::Val(fd)]), Ok(0), "missing arguments are zero");
        let panics = |call: &dyn Fn() -> Result<u64, CallError>| {
            catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("it panics");
        };
        panics(&|| read(SysArg::Out(&mut [0; 4]), 5));
        panics(&|| read(SysArg::In(&[0; 4]), 4));
        panics(&|| read(SysArg::Val(0x1000), 1));
        panics(&|| pass(Sys::Read, &mut [SysArg::In(&[0]), SysArg::Null, SysArg::Val(0)]));
        panics(&|| pass(Sys::Close, &mut [SysArg::Null]));
        panics(&|| pass(Sys::Msync, &mut [SysArg::Null, SysArg::Val(4096), SysArg::Val(1)]));
    }
}
