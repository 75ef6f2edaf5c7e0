//! seccomp(2), and its options of prctl(2).

use crate::linux::abi::seccomp::{SeccompData, SeccompNotifSizes, SockFilter, SockFprog};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::seccomp::{MAX_LEN, Program, Sync};
use crate::memory::GuestAddr;
use rustix::io::Errno;

/// Only for requests that a listener answers: how they are waited for.
const FLAG_WAIT_KILLABLE_RECV: u64 = 1 << 5;

const KNOWN_FLAGS: u64 = libc::SECCOMP_FILTER_FLAG_TSYNC
    | libc::SECCOMP_FILTER_FLAG_LOG
    | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW
    | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
    | libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH
    | FLAG_WAIT_KILLABLE_RECV;

pub(in crate::linux) fn seccomp(c: &mut Call<'_>) -> SysResult {
    let (operation, flags, argument) = (c.args[0] as u32, u64::from(c.args[1] as u32), c.args[2]);
    match operation {
        libc::SECCOMP_SET_MODE_STRICT if flags == 0 && argument == 0 => strict(c),
        libc::SECCOMP_SET_MODE_FILTER => filter(c, flags, argument),
        libc::SECCOMP_GET_ACTION_AVAIL if flags == 0 => match c.read::<u32>(argument)? {
            libc::SECCOMP_RET_KILL_PROCESS
            | libc::SECCOMP_RET_KILL_THREAD
            | libc::SECCOMP_RET_TRAP
            | libc::SECCOMP_RET_ERRNO
            | libc::SECCOMP_RET_TRACE
            | libc::SECCOMP_RET_LOG
            | libc::SECCOMP_RET_ALLOW => Ok(0),
            // SECCOMP_RET_USER_NOTIF is among them, since it needs a listener.
            _ => Err(Errno::OPNOTSUPP.into()),
        },
        libc::SECCOMP_GET_NOTIF_SIZES if flags == 0 => {
            // `struct seccomp_notif` and `struct seccomp_notif_resp`.
            let (notif, response) = (80, 24);
            c.write(argument, &SeccompNotifSizes { notif, response, data: size_of::<SeccompData>() as u16 })?;
            Ok(0)
        }
        _ => Err(Errno::INVAL.into()),
    }
}

/// PR_SET_SECCOMP.
pub(in crate::linux) fn set_mode(c: &mut Call<'_>, mode: u64, argument: u64) -> SysResult {
    match u32::try_from(mode) {
        Ok(libc::SECCOMP_MODE_STRICT) => strict(c),
        Ok(libc::SECCOMP_MODE_FILTER) => filter(c, 0, argument),
        _ => Err(Errno::INVAL.into()),
    }
}

fn strict(c: &mut Call<'_>) -> SysResult {
    c.task.seccomp.set_strict()?;
    Ok(0)
}

fn filter(c: &mut Call<'_>, flags: u64, argument: u64) -> SysResult {
    let has = |flag: u64| flags & flag != 0;
    let sync = match (has(libc::SECCOMP_FILTER_FLAG_TSYNC), has(libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) {
        (false, _) => Sync::None,
        (true, false) => Sync::OrThreadId,
        (true, true) => Sync::OrError,
    };
    let listener = has(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if flags & !KNOWN_FLAGS != 0 || listener && sync == Sync::OrThreadId || has(FLAG_WAIT_KILLABLE_RECV) && !listener {
        return Err(Errno::INVAL.into());
    }
    if listener {
        // Libraries probe for flags without a filter.
        if argument != 0 {
            c.missing_form("SECCOMP_FILTER_FLAG_NEW_LISTENER");
        }
        return Err(Errno::INVAL.into());
    }
    let SockFprog { len, filter, .. } = c.read(argument)?;
    if len == 0 || usize::from(len) > MAX_LEN {
        return Err(Errno::INVAL.into());
    }
    if !may_filter() {
        return Err(Errno::ACCESS.into());
    }
    if filter == 0 {
        return Err(Errno::INVAL.into());
    }
    let mut bytes = vec![0; usize::from(len) * size_of::<SockFilter>()];
    c.task.mm.read_bytes(GuestAddr(filter), &mut bytes)?;
    let program = Program::new(&bytes).map_err(|_| Errno::INVAL)?;
    Ok(c.task.add_filter(program, sync)?)
}

/// Whether the thread may have filters: its programs gain no privileges by execve, or it has them already.
fn may_filter() -> bool {
    use rustix::thread::{CapabilitySet, capabilities, no_new_privs};
    no_new_privs().unwrap_or(false)
        || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}
