//! Memory policies, which apply to the host's nodes and pages.

use super::vm::{foreign, is_own};
use crate::host::{self, GuestPtr, Sys, SysArg};
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::memory::{GuestAddr, PAGE_SIZE, page_len};
use rustix::io::Errno;

/// MPOL_F_ADDR: return the policy of an address.
const MPOL_F_ADDR: u64 = 2;

/// A node mask. `bits` is one more than the number of bits that the kernel uses. The kernel reads whole words, and
/// rejects a mask larger than a page before reading it.
fn nodes<'c>(c: &'c Call<'_>, addr: u64, bits: u64) -> SysArg<'c> {
    let bits = if bits > PAGE_SIZE * 8 + 1 { 0 } else { bits };
    c.guest(addr, bits.saturating_sub(1).div_ceil(64) * 8)
}

/// Whether the whole range is mapped. Where it is not, the host has a reservation.
fn is_mapped(c: &Call<'_>, start: GuestAddr, len: u64) -> bool {
    let Some(end) = page_len(len).and_then(|len| start.0.checked_add(len)) else { return false };
    let range = start..GuestAddr(end);
    range.is_empty() || c.task.mm.mapped_parts(&range) == [range]
}

pub(in crate::linux) fn mbind(c: &mut Call<'_>) -> SysResult {
    let [start, len, mode, mask, bits, flags] = c.args;
    let bind = |len| {
        let (at, mask) = (c.pointer(start, len).into(), nodes(c, mask, bits));
        let [len, mode, bits, flags] = [len, mode, bits, flags].map(SysArg::Val);
        pass(Sys::Mbind, &mut [at, len, mode, mask, bits, flags])
    };
    if is_mapped(c, c.addr(0).page_floor(), len) {
        return bind(len);
    }
    // Other errors come first.
    bind(0)?;
    if start.checked_add(len).is_none() { Err(Errno::INVAL.into()) } else { Err(Errno::FAULT.into()) }
}

pub(in crate::linux) fn get_mempolicy(c: &mut Call<'_>) -> SysResult {
    let [mode, mask, bits, addr, flags, _] = c.args;
    let (mode, mask) = (c.guest(mode, 4), nodes(c, mask, bits));
    let [bits, flags_arg] = [bits, flags].map(SysArg::Val);
    let unmapped = flags & MPOL_F_ADDR != 0 && c.task.mm.vma_at(GuestAddr(addr)).is_none();
    let at = if unmapped { GuestPtr::refused(addr).into() } else { c.guest(addr, 1) };
    pass(Sys::GetMempolicy, &mut [mode, mask, bits, at, flags_arg])
}

pub(in crate::linux) fn set_mempolicy(c: &mut Call<'_>) -> SysResult {
    let [mode, mask, bits, ..] = c.args;
    pass(Sys::SetMempolicy, &mut [SysArg::Val(mode), nodes(c, mask, bits), SysArg::Val(bits)])
}

pub(in crate::linux) fn set_mempolicy_home_node(c: &mut Call<'_>) -> SysResult {
    let [start, len, node, flags, ..] = c.args;
    let [len, node, flags] = [len, node, flags].map(SysArg::Val);
    pass(Sys::SetMempolicyHomeNode, &mut [c.pointer(start, c.args[1]).into(), len, node, flags])
}

pub(in crate::linux) fn migrate_pages(c: &mut Call<'_>) -> SysResult {
    let [pid, bits, from, to, ..] = c.args;
    let (from, to) = (nodes(c, from, bits), nodes(c, to, bits));
    pass(Sys::MigratePages, &mut [SysArg::Val(pid), SysArg::Val(bits), from, to])
}

pub(in crate::linux) fn move_pages(c: &mut Call<'_>) -> SysResult {
    let [_, count, pages, targets, status, flags] = c.args;
    let pid = c.int(0);
    let is_own = pid == 0 || is_own(c, pid);
    if !is_own && !c.task.mm.is_identity() {
        return Err(foreign(c, pid));
    }
    // The kernel checks the flags first.
    host::move_pages(pid, &[], None, None, flags as u32)?;
    // One by one: the list may end in unmapped memory before `count` entries.
    let mut list = Vec::new();
    for i in 0..count {
        let page: u64 = c.read(pages.wrapping_add(i.wrapping_mul(8)))?;
        // The host alone knows the areas of another process.
        let mapped = !is_own || c.task.mm.vma_at(GuestAddr(page)).is_some();
        list.push(if mapped { c.pointer(page, 1) } else { GuestPtr::refused(page) });
    }
    let numbers = |addr: u64| (addr != 0).then(|| c.pointer(addr, count.saturating_mul(4)));
    Ok(host::move_pages(pid, &list, numbers(targets), numbers(status), flags as u32)?)
}
