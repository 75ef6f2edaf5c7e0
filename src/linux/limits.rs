//! The resource limits that are not set on the host, where they would bind remu's own memory and the reservation that
//! contains the guest's address space.

use super::abi::process::Rlimit;
use crate::host::InheritedLimits;
use crate::memory::SpaceLimits;

/// The limits on the guest's memory, in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// RLIMIT_AS: the size of the address space.
    pub total: Rlimit,
    /// RLIMIT_DATA: private writable memory.
    pub data: Rlimit,
    /// RLIMIT_STACK: areas that grow down.
    pub stack: Rlimit,
}

impl Limits {
    /// The limits that the process was started with. `stack` replaces the soft stack limit.
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

    /// The limits with these soft and hard values.
    pub fn from_pairs(pairs: [(u64, u64); 3]) -> Self {
        let [total, data, stack] = pairs.map(|(cur, max)| Rlimit { cur, max });
        Self { total, data, stack }
    }

    /// The soft and hard values.
    pub fn to_pairs(&self) -> [(u64, u64); 3] {
        [&self.total, &self.data, &self.stack].map(|limit| (limit.cur, limit.max))
    }

    /// A limit by its number, if it is one of these.
    pub fn get(&self, which: u32) -> Option<&Rlimit> {
        match which {
            libc::RLIMIT_AS => Some(&self.total),
            libc::RLIMIT_DATA => Some(&self.data),
            libc::RLIMIT_STACK => Some(&self.stack),
            _ => None,
        }
    }

    /// The same, mutable.
    pub fn get_mut(&mut self, which: u32) -> Option<&mut Rlimit> {
        match which {
            libc::RLIMIT_AS => Some(&mut self.total),
            libc::RLIMIT_DATA => Some(&mut self.data),
            libc::RLIMIT_STACK => Some(&mut self.stack),
            _ => None,
        }
    }

    /// The limits for the address space.
    pub fn of_space(&self) -> SpaceLimits {
        SpaceLimits {
            total: self.total.cur,
            // If the soft limit is zero, the kernel enforces the hard limit on mappings.
            data: if self.data.cur == 0 { self.data.max } else { self.data.cur },
            heap: self.data.cur,
            stack: self.stack.cur,
        }
    }

    /// Sets the limits on the host, for a program of the host that this process executes.
    pub fn set_on_host(&self) -> RaisedLimits {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let raised = RaisedLimits(InheritedLimits::current());
        for (resource, limit) in
            [(Resource::As, &self.total), (Resource::Data, &self.data), (Resource::Stack, &self.stack)]
        {
            let value = |limit: u64| Some(limit).filter(|&limit| limit != u64::MAX);
            // The hard limit stays: where it was raised, the program may raise its own again.
            let maximum = getrlimit(resource).maximum;
            let _ = setrlimit(resource, rustix::process::Rlimit { current: value(limit.cur), maximum });
        }
        raised
    }
}

/// The limits of remu itself, while the guest's are set.
#[derive(Debug)]
pub struct RaisedLimits(InheritedLimits);

impl RaisedLimits {
    /// Sets them again.
    pub fn restore(&self) {
        use rustix::process::{Resource, setrlimit};
        let limits = [(Resource::As, self.0.total), (Resource::Data, self.0.data), (Resource::Stack, self.0.stack)];
        for (resource, limit) in limits {
            let _ = setrlimit(resource, limit);
        }
    }
}
