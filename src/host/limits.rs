//! Resource limits. Those that the process is started with are the guest's: remu itself needs memory, a
//! stack and descriptors that they do not have to allow for. It raises them for itself as far as the host
//! lets it, and the kernel layer holds the guest to what it was given.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The stack that remu itself may need, in bytes.
pub(super) const STACK: u64 = 8 << 20;

/// The descriptors that remu itself may need while it starts a program.
const FILES: u64 = 256;

/// The limits that the process was started with, of the resources that remu needs, too.
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
    /// The limits as they are.
    pub fn current() -> Self {
        Self {
            total: getrlimit(Resource::As),
            data: getrlimit(Resource::Data),
            stack: getrlimit(Resource::Stack),
            files: getrlimit(Resource::Nofile),
        }
    }

    /// Reads the limits and raises those that could stop remu: to the hard limit, or beyond where the host
    /// lets it.
    pub fn raise() -> Self {
        let limits = Self::current();
        raise_to(Resource::As, &limits.total, None);
        raise_to(Resource::Data, &limits.data, None);
        raise_to(Resource::Stack, &limits.stack, Some(STACK));
        raise_to(Resource::Nofile, &limits.files, Some(FILES));
        limits
    }

    /// Puts the limit on descriptors back. Unlike the others it is the host kernel that has to hold the guest
    /// to it, since it is the host kernel that hands descriptors out. Those that are open stay so.
    pub fn restore_files(&self) {
        if getrlimit(Resource::Nofile) != self.files {
            // Lowering a limit is always allowed.
            let _ = setrlimit(Resource::Nofile, self.files);
        }
    }
}

/// Raises a soft limit to `wanted` bytes or descriptors, `None` being no limit, if it is below.
fn raise_to(resource: Resource, given: &Rlimit, wanted: Option<u64>) {
    let below = |limit: Option<u64>| limit.is_some_and(|limit| wanted.is_none_or(|wanted| limit < wanted));
    if !below(given.current) {
        return;
    }
    // Only a privileged process may raise a hard limit. Without, what there is has to do.
    let beyond = below(given.maximum).then_some(Rlimit { current: wanted, maximum: wanted });
    if beyond.is_none_or(|limit| setrlimit(resource, limit).is_err()) {
        let current = if below(given.maximum) { given.maximum } else { wanted };
        let _ = setrlimit(resource, Rlimit { current, maximum: given.maximum });
    }
}
