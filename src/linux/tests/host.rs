//! Properties of the host that the tests depend on: the kernel version and the capabilities.

use super::Bench;
use rustix::io::Errno;

/// Bypass directory permissions (CAP_DAC_READ_SEARCH).
pub(super) const READ_ANYTHING: u32 = 2;
/// System administration: mounts, quotas, swap, names (CAP_SYS_ADMIN).
pub(super) const ADMINISTER: u32 = 21;
/// Reboot (CAP_SYS_BOOT).
pub(super) const BOOT: u32 = 22;

/// Whether the thread has a capability.
pub(super) fn capable(capability: u32) -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(set.trim(), 16).unwrap() >> capability & 1 != 0
}

/// Whether the host kernel is older than a call. Checks that the call then returns ENOSYS, as on that kernel.
pub(super) fn lacks(b: &mut Bench, name: &str, since: (u32, u32)) -> bool {
    let release = rustix::system::uname().release().to_str().unwrap().to_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap(), numbers.next().unwrap());
    let older = version < since;
    if older {
        assert_eq!(b.sys(name, &[u64::MAX, 0, 0, 0, 0, 0]), Err(Errno::NOSYS), "{name} on Linux {release}");
    }
    older
}
