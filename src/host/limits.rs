//! Resource limits. The guest has the limits that the process was started with. remu needs memory, a stack and
//! descriptors that these limits may not allow for. It raises the limits for itself as far as the host permits, and the
//! kernel layer enforces the original ones on the guest.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The stack size that remu itself may need, in bytes.
pub(super) const STACK: u64 = 8 << 20;

/// The number of descriptors that remu itself may need to start a program.
const FILES: u64 = 256;

/// The limits that the process was started with, for the resources that remu needs as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InheritedLimits {
    /// RLIMIT_AS, in bytes.
    pub total: Rlimit,
    /// RLIMIT_DATA, in bytes.
    pub data: Rlimit,
    /// RLIMIT_STACK, in bytes.
    pub stack: Rlimit,
    /// RLIMIT_NOFILE, one more than the largest descriptor.
    pub files: Rlimit,
}

impl InheritedLimits {
    /// The current limits.
    pub fn current() -> Self {
        Self {
            total: getrlimit(Resource::As),
            data: getrlimit(Resource::Data),
            stack: getrlimit(Resource::Stack),
            files: getrlimit(Resource::Nofile),
        }
    }

    /// Reads the limits and raises those that could stop remu, to the hard limit or, if the host permits it, beyond.
    pub fn raise() -> Self {
        let limits = Self::current();
        raise_to(Resource::As, &limits.total, None);
        raise_to(Resource::Data, &limits.data, None);
        raise_to(Resource::Stack, &limits.stack, Some(STACK));
        raise_to(Resource::Nofile, &limits.files, Some(FILES));
        limits
    }

    /// Restores the descriptor limit. Only the host kernel can enforce this limit on the guest, since it allocates the
    /// descriptors. Open descriptors stay open.
    pub fn restore_files(&self) {
        if getrlimit(Resource::Nofile) != self.files {
            // Lowering a limit is always allowed.
            let _ = setrlimit(Resource::Nofile, self.files);
        }
    }
}

/// Raises a soft limit below `wanted` (bytes or descriptors) to that value. `None` is no limit.
fn raise_to(resource: Resource, given: &Rlimit, wanted: Option<u64>) {
    let below = |limit: Option<u64>| limit.is_some_and(|limit| wanted.is_none_or(|wanted| limit < wanted));
    if !below(given.current) {
        return;
    }
    // Only a privileged process may raise a hard limit. Otherwise the existing one must do.
    let beyond = below(given.maximum).then_some(Rlimit { current: wanted, maximum: wanted });
    if beyond.is_none_or(|limit| setrlimit(resource, limit).is_err()) {
        let current = if below(given.maximum) { given.maximum } else { wanted };
        let _ = setrlimit(resource, Rlimit { current, maximum: given.maximum });
    }
}

/// The beginning of a message about a host error: the limits that cause it, if any. Then follows what could not be done.
pub fn limits_behind(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EMFILE) => too_low(&[("-n", getrlimit(Resource::Nofile).current, 1)]),
        Some(libc::ENFILE) => "the host's limit of /proc/sys/fs/file-max is too low: ".to_owned(),
        Some(libc::ENOMEM) => memory_limits(getrlimit(Resource::As).current, getrlimit(Resource::Data).current),
        _ => String::new(),
    }
}

/// The same about memory that does not fit RLIMIT_AS or RLIMIT_DATA, in bytes.
pub fn memory_limits(total: Option<u64>, data: Option<u64>) -> String {
    too_low(&[("-v", total, 1024), ("-d", data, 1024)])
}

/// Names limits by the options of the shell's `ulimit` and by their values in its units.
fn too_low(limits: &[(&str, Option<u64>, u64)]) -> String {
    let named = |&(option, limit, unit): &(&str, Option<u64>, u64)| Some(format!("ulimit {option} {}", limit? / unit));
    let named: Vec<String> = limits.iter().filter_map(named).collect();
    if named.is_empty() { String::new() } else { format!("{} is too low: ", named.join(" or ")) }
}
