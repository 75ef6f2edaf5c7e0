//! The process itself: its end, its limits, its name.

use crate::host::{self, Sys, SysArg};
use crate::linux::abi::process::Rlimit;
use crate::linux::abi::riscv::{PR_RISCV_SET_ICACHE_FLUSH_CTX, PR_RISCV_V_GET_CONTROL, PR_RISCV_V_SET_CONTROL};
use crate::linux::call::{Call, SysResult};
use crate::linux::task::Outcome;
use rustix::io::Errno;
use zerocopy::{FromBytes, IntoBytes};

/// The only thread of its process that ends ends the process.
pub(in crate::linux) fn exit(c: &mut Call<'_>) -> SysResult {
    if c.task.clear_child_tid != 0 {
        // As in the kernel, an address that cannot be written is nobody's concern any more.
        let _ = c.write(c.task.clear_child_tid, &0u32);
    }
    exit_group(c)
}

pub(in crate::linux) fn exit_group(c: &mut Call<'_>) -> SysResult {
    c.task.ending = Some(Outcome::Exited(c.int(0) & 0xff));
    Ok(0)
}

pub(in crate::linux) fn set_tid_address(c: &mut Call<'_>) -> SysResult {
    c.task.clear_child_tid = c.args[0];
    Ok(c.task.tid() as u64)
}

/// The size of `struct robust_list_head`.
const ROBUST_HEAD: u64 = 24;

pub(in crate::linux) fn set_robust_list(c: &mut Call<'_>) -> SysResult {
    if c.args[1] != ROBUST_HEAD {
        return Err(Errno::INVAL);
    }
    c.task.robust_list = (c.args[0], c.args[1]);
    Ok(0)
}

pub(in crate::linux) fn get_robust_list(c: &mut Call<'_>) -> SysResult {
    let who = c.int(0);
    if who != 0 && who != c.task.tid() {
        c.unimplemented("get_robust_list of another thread".to_owned());
        return Err(Errno::PERM);
    }
    let (head, size) = c.task.robust_list;
    c.write(c.args[2], &size)?;
    c.write(c.args[1], &head)?;
    Ok(0)
}

pub(in crate::linux) fn personality(c: &mut Call<'_>) -> SysResult {
    let new = c.args[0] as u32;
    Ok(c.task.personality((new != u32::MAX).then_some(new)).into())
}

/// Reads and sets a limit. Those that bind the address space are the guest's own: the host's would
/// bind remu, its reservation above all.
fn limit(c: &mut Call<'_>, pid: i32, which: u32, new: Option<Rlimit>) -> Result<Rlimit, Errno> {
    if new.is_some_and(|n| n.cur > n.max) {
        return Err(Errno::INVAL);
    }
    if pid == 0 || pid == c.task.pid() {
        let mut limits = c.task.process.limits.lock().expect("no panic happens with the lock held");
        if let Some((_, limit)) = limits.iter_mut().find(|(own, _)| *own == which) {
            let old = *limit;
            if let Some(new) = new {
                if new.max > old.max && !rustix::process::geteuid().is_root() {
                    return Err(Errno::PERM);
                }
                *limit = new;
            }
            drop(limits);
            c.task.apply_limits();
            return Ok(old);
        }
    }
    let mut old = Rlimit { cur: 0, max: 0 };
    let mut args = [
        SysArg::Val(pid as u64),
        SysArg::Val(which.into()),
        new.as_ref().map_or(SysArg::Null, |new| SysArg::In(new.as_bytes())),
        SysArg::Out(old.as_mut_bytes()),
    ];
    host::pass(Sys::Prlimit64, &mut args)?;
    Ok(old)
}

pub(in crate::linux) fn getrlimit(c: &mut Call<'_>) -> SysResult {
    let old = limit(c, 0, c.args[0] as u32, None)?;
    c.write(c.args[1], &old)?;
    Ok(0)
}

pub(in crate::linux) fn setrlimit(c: &mut Call<'_>) -> SysResult {
    let new = c.read(c.args[1])?;
    limit(c, 0, c.args[0] as u32, Some(new))?;
    Ok(0)
}

pub(in crate::linux) fn prlimit64(c: &mut Call<'_>) -> SysResult {
    let new = c.read_opt(c.args[2])?;
    let old = limit(c, c.int(0), c.args[1] as u32, new)?;
    c.write_opt(c.args[3], &old)?;
    Ok(0)
}

pub(in crate::linux) fn prctl(c: &mut Call<'_>) -> SysResult {
    let option = c.int(0);
    let [_, a, b, d, e, _] = c.args;
    match option {
        libc::PR_SET_NAME => {
            let mut name = [0u8; 16];
            // The kernel copies up to 15 bytes or the terminating zero, byte by byte.
            for (i, byte) in name[..15].iter_mut().enumerate() {
                *byte = c.read(a.wrapping_add(i as u64))?;
                if *byte == 0 {
                    break;
                }
            }
            rustix::thread::set_name(std::ffi::CStr::from_bytes_until_nul(&name).map_err(|_| Errno::INVAL)?)?;
            Ok(0)
        }
        libc::PR_GET_NAME => pointer(c, option, 16),
        libc::PR_GET_PDEATHSIG | libc::PR_GET_CHILD_SUBREAPER => pointer(c, option, 4),
        libc::PR_GET_TID_ADDRESS => {
            c.write(a, &c.task.clear_child_tid)?;
            Ok(0)
        }
        libc::PR_SET_PDEATHSIG
        | libc::PR_GET_DUMPABLE
        | libc::PR_SET_DUMPABLE
        | libc::PR_GET_KEEPCAPS
        | libc::PR_SET_KEEPCAPS
        | libc::PR_GET_TIMING
        | libc::PR_SET_TIMING
        | libc::PR_CAPBSET_READ
        | libc::PR_CAPBSET_DROP
        | libc::PR_GET_SECUREBITS
        | libc::PR_SET_SECUREBITS
        | libc::PR_SET_TIMERSLACK
        | libc::PR_GET_TIMERSLACK
        | libc::PR_SET_CHILD_SUBREAPER
        | libc::PR_SET_NO_NEW_PRIVS
        | libc::PR_GET_NO_NEW_PRIVS
        | libc::PR_SET_THP_DISABLE
        | libc::PR_GET_THP_DISABLE
        | libc::PR_CAP_AMBIENT
        | libc::PR_MCE_KILL
        | libc::PR_MCE_KILL_GET
        | libc::PR_SET_PTRACER => {
            let mut args = [option as u64, a, b, d, e].map(SysArg::Val);
            host::pass(Sys::Prctl, &mut args)
        }
        // No filter is in force; setting one is refused as the call of that name is.
        libc::PR_GET_SECCOMP => Ok(0),
        // Names of anonymous mappings: what a kernel without CONFIG_ANON_VMA_NAME answers.
        libc::PR_SET_VMA => Err(Errno::INVAL),
        // There are no vectors yet; the kernel answers this where the CPU has none.
        other if matches!(other as u64, PR_RISCV_V_SET_CONTROL | PR_RISCV_V_GET_CONTROL) => Err(Errno::INVAL),
        // fence.i works on every hart in any case.
        other if other as u64 == PR_RISCV_SET_ICACHE_FLUSH_CTX => {
            if a <= 1 && b <= 1 {
                Ok(0)
            } else {
                Err(Errno::INVAL)
            }
        }
        other => {
            c.unimplemented(format!("prctl option {other}"));
            Err(Errno::INVAL)
        }
    }
}

/// An option that writes to where its first argument points.
fn pointer(c: &Call<'_>, option: i32, size: u64) -> SysResult {
    let [_, a, b, d, e, _] = c.args;
    let target = c.guest(a, size);
    let rest = [b, d, e].map(SysArg::Val);
    let [b, d, e] = rest;
    host::pass(Sys::PrctlPointer, &mut [SysArg::Val(option as u64), target, b, d, e])
}

// The limit's structure goes to the host as bytes.
const _: fn() = || {
    fn plain<T: FromBytes + IntoBytes>() {}
    plain::<Rlimit>();
};
