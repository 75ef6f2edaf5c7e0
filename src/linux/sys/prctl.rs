//! prctl(2): a closed list of options, because only the option determines what its arguments are.

use super::seccomp;
use crate::host::PrctlRequest;
use crate::linux::abi::riscv::{PR_RISCV_SET_ICACHE_FLUSH_CTX, PR_RISCV_V_GET_CONTROL, PR_RISCV_V_SET_CONTROL};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::memory::Mdwe;
use rustix::io::Errno;

/// Options that riscv64 kernels reject because they concern other CPUs or missing extensions: UNALIGN, FPEMU, FPEXC,
/// ENDIAN, TSC, MPX, FP_MODE, SVE, SPECULATION_CTRL, PAC keys, TAGGED_ADDR_CTRL, SME, DEXCR, SHADOW_STACK.
const OF_OTHER_CPUS: &[i32] = &[
    5, 6, 9, 10, 11, 12, 19, 20, 25, 26, 43, 44, 45, 46, 50, 51, 52, 53, 54, 55, 56, 60, 61, 63, 64, 72, 73, 74, 75, 76,
];

// From `linux/prctl.h`; libc does not have it.
const PR_GET_AUXV: i32 = 0x4155_5856;

/// The size of the kernel's saved auxiliary vector: two words for each of the 22 generic entries, the 9 of this
/// architecture, and the terminator.
const SAVED_AUXV: usize = 2 * (22 + 9 + 1) * 8;

/// Copies as much of the auxiliary vector as fits, and returns its full size.
fn auxv(c: &mut Call<'_>) -> SysResult {
    if c.args[3] != 0 || c.args[4] != 0 {
        return Err(Errno::INVAL.into());
    }
    let mut bytes: Vec<u8> =
        c.task.mm.auxv.iter().flat_map(|(key, value)| [*key, *value]).flat_map(u64::to_le_bytes).collect();
    bytes.resize(SAVED_AUXV, 0);
    let len = bytes.len().min(usize::try_from(c.args[2]).unwrap_or(usize::MAX));
    c.task.mm.write_bytes(c.addr(1), &bytes[..len])?;
    Ok(SAVED_AUXV as u64)
}

pub(in crate::linux) fn prctl(c: &mut Call<'_>) -> SysResult {
    let option = c.int(0);
    let [_, a, b, d, e, _] = c.args;
    if option == libc::PR_GET_SECCOMP && c.task.seccomp.is_on() {
        return Ok(u64::from(c.task.seccomp.mode() as u32));
    }
    // Filters that remu was started with apply to the guest, too: the host knows them.
    match PrctlRequest::new(option) {
        Some(PrctlRequest::Numbers(request)) => return Ok(request.make([a, b, d, e])?),
        Some(PrctlRequest::Pointer(request)) => {
            return Ok(request.make(c.nullable(a, request.size()), [b, d, e])?);
        }
        None => {}
    }
    match option {
        libc::PR_SET_NAME => {
            let mut name = [0u8; 16];
            // The kernel copies byte by byte, up to 15 bytes or the terminating zero.
            for (i, byte) in name[..15].iter_mut().enumerate() {
                *byte = c.read(a.wrapping_add(i as u64))?;
                if *byte == 0 {
                    break;
                }
            }
            rustix::thread::set_name(std::ffi::CStr::from_bytes_until_nul(&name).map_err(|_| Errno::INVAL)?)?;
            Ok(0)
        }
        libc::PR_GET_TID_ADDRESS => {
            c.write(a, &c.task.clear_child_tid)?;
            Ok(0)
        }
        PR_GET_AUXV => auxv(c),
        libc::PR_SET_MDWE => {
            let flags = u32::try_from(a).ok().and_then(Mdwe::from_bits).ok_or(Errno::INVAL)?;
            if flags == Mdwe::NO_INHERIT || [b, d, e] != [0; 3] {
                return Err(Errno::INVAL.into());
            }
            c.task.mm.set_mdwe(flags)?;
            Ok(0)
        }
        libc::PR_GET_MDWE if [a, b, d, e] != [0; 4] => Err(Errno::INVAL.into()),
        libc::PR_GET_MDWE => Ok(c.task.mm.mdwe().bits().into()),
        libc::PR_SET_SECCOMP => seccomp::set_mode(c, a, b),
        // Names of anonymous mappings: the error of a kernel without CONFIG_ANON_VMA_NAME.
        libc::PR_SET_VMA => Err(Errno::INVAL.into()),
        // Vectors are not implemented; this is the kernel's error on a CPU without them.
        other if matches!(other as u64, PR_RISCV_V_SET_CONTROL | PR_RISCV_V_GET_CONTROL) => Err(Errno::INVAL.into()),
        // fence.i always affects every hart.
        other if other as u64 == PR_RISCV_SET_ICACHE_FLUSH_CTX => {
            if a <= 1 && b <= 1 {
                Ok(0)
            } else {
                Err(Errno::INVAL.into())
            }
        }
        other if OF_OTHER_CPUS.contains(&other) => Err(Errno::INVAL.into()),
        other => {
            c.unimplemented(format!("prctl option {other}"));
            Err(Errno::INVAL.into())
        }
    }
}
