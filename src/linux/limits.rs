//! The resource limits that cannot be the host's, since the host's would bind remu: its own memory, and the
//! reservation that the guest's address space lies in.

use super::abi::process::Rlimit;
use crate::host::InheritedLimits;
use crate::memory::SpaceLimits;

/// The limits on the guest's memory, in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// RLIMIT_AS: its size.
    pub total: Rlimit,
    /// RLIMIT_DATA: private memory that can be written.
    pub data: Rlimit,
    /// RLIMIT_STACK: what grows downwards.
    pub stack: Rlimit,
}

impl Limits {
    /// What the process was started with, but for a soft limit of the stack that was asked for.
    pub fn new(inherited: &InheritedLimits, stack: Option<u64>) -> Self {
        let limit = |host: &rustix::process::Rlimit| Rlimit {
            cur: host.current.unwrap_or(u64::MAX),
            max: host.maximum.unwrap_or(u64::MAX),
        };
        let mut limits =
            Self { total: limit(&inherited.total), data: limit(&inherited.data), stack: limit(&inherited.stack) };
        if let Some(asked) = stack {
            limits.stack = Rlimit { cur: asked, max: limits.stack.max.max(asked) };
        }
        limits
    }

    /// The limit with this number, if it is one of these.
    pub fn get(&self, which: u32) -> Option<&Rlimit> {
        match which {
            libc::RLIMIT_AS => Some(&self.total),
            libc::RLIMIT_DATA => Some(&self.data),
            libc::RLIMIT_STACK => Some(&self.stack),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, which: u32) -> Option<&mut Rlimit> {
        match which {
            libc::RLIMIT_AS => Some(&mut self.total),
            libc::RLIMIT_DATA => Some(&mut self.data),
            libc::RLIMIT_STACK => Some(&mut self.stack),
            _ => None,
        }
    }

    /// What they mean for the address space.
    pub fn of_space(&self) -> SpaceLimits {
        SpaceLimits {
            total: self.total.cur,
            // Where the soft limit is zero, the kernel holds mappings to the hard one.
            data: if self.data.cur == 0 { self.data.max } else { self.data.cur },
            heap: self.data.cur,
            stack: self.stack.cur,
        }
    }
}
