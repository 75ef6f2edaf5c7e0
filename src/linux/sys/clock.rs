//! Clocks. The vDSO's functions call these, so they use the fastest path on the host.

use crate::host::{Sys, clock};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;

pub(in crate::linux) fn clock_gettime(c: &mut Call<'_>) -> SysResult {
    let now = clock::now(c.int(0))?;
    c.write(c.args[1], &[now.sec, now.nsec])?;
    Ok(0)
}

pub(in crate::linux) fn clock_getres(c: &mut Call<'_>) -> SysResult {
    let resolution = clock::resolution(c.int(0))?;
    c.write_opt(c.args[1], &[resolution.sec, resolution.nsec])?;
    Ok(0)
}

pub(in crate::linux) fn gettimeofday(c: &mut Call<'_>) -> SysResult {
    // Only the system call returns the kernel's time zone.
    if c.args[0] == 0 || c.args[1] != 0 {
        return c.pass(Sys::Gettimeofday);
    }
    let now = clock::now(libc::CLOCK_REALTIME)?;
    c.write(c.args[0], &[now.sec, now.nsec / 1000])?;
    Ok(0)
}
