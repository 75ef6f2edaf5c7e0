//! Properties of the machine: uname, hardware probing, the instruction cache.

use crate::guest::CACHE_BLOCK;
use crate::linux::abi::process::Utsname;
use crate::linux::abi::riscv::{
    BASE_BEHAVIOR_IMA, FLUSH_ICACHE_LOCAL, HWPROBE_WHICH_CPUS, HwprobePair, IMA_EXT_0, MISALIGNED_FAST,
    MISALIGNED_VECTOR_UNSUPPORTED, key,
};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::proc::offered;
use rustix::io::Errno;

pub(in crate::linux) fn uname(c: &mut Call<'_>) -> SysResult {
    let host = rustix::system::uname();
    let field = |text: &[u8]| {
        let mut bytes = [0; 65];
        let len = text.len().min(64);
        bytes[..len].copy_from_slice(&text[..len]);
        bytes
    };
    let release = c.task.process.spec.release.as_deref().map_or(host.release().to_bytes(), str::as_bytes);
    // PER_LINUX32 in the bits of PER_MASK asks for the 32-bit machine name.
    let wide = c.cpu.is_64bit() && c.task.personality & 0xff != 8;
    let name = Utsname {
        sysname: field(host.sysname().to_bytes()),
        nodename: field(host.nodename().to_bytes()),
        release: field(release),
        version: field(host.version().to_bytes()),
        machine: field(if wide { b"riscv64" } else { b"riscv32" }),
        domainname: field(host.domainname().to_bytes()),
    };
    c.write(c.args[0], &name)?;
    Ok(0)
}

/// The value of a riscv_hwprobe key; `None` for a key that the kernel does not know.
fn probe(c: &Call<'_>, key: i64) -> Option<u64> {
    let has = |name: &str| offered(c.cpu, name);
    Some(match key {
        // No vendor and no vendor extensions.
        key::MVENDORID | key::MARCHID | key::MIMPID => 0,
        key::VENDOR_EXT_THEAD_0 | key::VENDOR_EXT_SIFIVE_0 | key::VENDOR_EXT_MIPS_0 => 0,
        key::BASE_BEHAVIOR => {
            if has("m") && has("a") {
                BASE_BEHAVIOR_IMA
            } else {
                0
            }
        }
        key::IMA_EXT_0 => {
            let fd = u64::from(has("f") && has("d"));
            IMA_EXT_0.iter().filter(|(name, _)| has(name)).fold(fd, |set, (_, bit)| set | 1 << bit)
        }
        key::IMA_EXT_1 => 0,
        key::CPUPERF_0 | key::MISALIGNED_SCALAR_PERF => MISALIGNED_FAST,
        key::MISALIGNED_VECTOR_PERF => MISALIGNED_VECTOR_UNSUPPORTED,
        key::ZICBOZ_BLOCK_SIZE => block(has("zicboz")),
        key::ZICBOM_BLOCK_SIZE => block(has("zicbom")),
        key::ZICBOP_BLOCK_SIZE => block(has("zicbop")),
        key::HIGHEST_VIRT_ADDRESS => c.task.mm.limit().0 - 1,
        key::TIME_CSR_FREQ => TIME_FREQUENCY,
        _ => return None,
    })
}

/// The size of a cache block, or 0 if the instructions are missing.
fn block(present: bool) -> u64 {
    if present { CACHE_BLOCK } else { 0 }
}

/// Ticks of the `time` CSR per second.
const TIME_FREQUENCY: u64 = crate::guest::riscv::csr::TIMEBASE_HZ;

pub(in crate::linux) fn riscv_hwprobe(c: &mut Call<'_>) -> SysResult {
    let [pairs, count, cpu_bytes, cpus, flags, _] = c.args;
    let which_cpus = match flags as u32 as u64 {
        0 => false,
        HWPROBE_WHICH_CPUS => true,
        _ => return Err(Errno::INVAL.into()),
    };
    // All CPUs are alike, so only an empty set is an error.
    let mut set = Vec::new();
    if which_cpus || cpus != 0 || cpu_bytes != 0 {
        if which_cpus && (cpu_bytes == 0 || cpus == 0) {
            return Err(Errno::INVAL.into());
        }
        set = vec![0; cpu_bytes.min(128) as usize];
        c.task.mm.read_bytes(crate::memory::GuestAddr(cpus), &mut set)?;
        let online = online_cpus(set.len());
        if which_cpus && set.iter().all(|&b| b == 0) {
            set.clone_from(&online);
        }
        set.iter_mut().zip(&online).for_each(|(byte, online)| *byte &= online);
        if !which_cpus && set.iter().all(|&b| b == 0) {
            return Err(Errno::INVAL.into());
        }
    }
    let mut all_agree = true;
    for i in 0..count {
        let at = pairs.wrapping_add(i * size_of::<HwprobePair>() as u64);
        let asked: HwprobePair = c.read(at)?;
        let value = probe(c, asked.key);
        if which_cpus {
            all_agree &= match value {
                None => false,
                Some(value) if is_bitmask(asked.key) => value & asked.value == asked.value,
                Some(value) => value == asked.value,
            };
            if value.is_none() {
                c.write(at, &HwprobePair { key: -1, value: 0 })?;
            }
        } else {
            let result = match value {
                Some(value) => HwprobePair { key: asked.key, value },
                None => HwprobePair { key: -1, value: 0 },
            };
            c.write(at, &result)?;
        }
    }
    if which_cpus {
        if !all_agree {
            set.fill(0);
        }
        c.task.mm.write_bytes(crate::memory::GuestAddr(cpus), &set)?;
    }
    Ok(0)
}

/// Whether a key's value is a bitmask: a CPU matches if it has at least the requested bits.
fn is_bitmask(key: i64) -> bool {
    matches!(key, key::BASE_BEHAVIOR | key::IMA_EXT_0 | key::IMA_EXT_1 | key::CPUPERF_0)
}

fn online_cpus(bytes: usize) -> Vec<u8> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = vec![0u8; bytes];
    for n in (0..count).take_while(|n| n / 8 < bytes) {
        set[n / 8] |= 1 << (n % 8);
    }
    set
}

pub(in crate::linux) fn riscv_flush_icache(c: &mut Call<'_>) -> SysResult {
    if c.args[2] & !FLUSH_ICACHE_LOCAL != 0 {
        return Err(Errno::INVAL.into());
    }
    // The kernel flushes everything regardless of the range. The range only shows which code changed.
    if c.args[0] < c.args[1] {
        c.task.mm.code_changed(c.addr(0)..c.addr(1));
    }
    Ok(0)
}
