//! What the tests have to know of the host: how new its kernel is, and what they may do on it.

use super::Bench;
use rustix::io::Errno;

/// To bypass permissions of directories (CAP_DAC_READ_SEARCH).
pub(super) const READ_ANYTHING: u32 = 2;
/// To administer: mounts, quotas, swap, names (CAP_SYS_ADMIN).
pub(super) const ADMINISTER: u32 = 21;
/// To reboot (CAP_SYS_BOOT).
pub(super) const BOOT: u32 = 22;

/// Whether the thread has a capability.
pub(super) fn capable(capability: u32) -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(set.trim(), 16).unwrap() >> capability & 1 != 0
}

/// Whether the host's kernel is older than a call, which then has to answer ENOSYS, as its own kernel does.
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
