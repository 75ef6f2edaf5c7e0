//! Why an instruction did not complete.

use crate::guest::Exit;
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, GuestMemory, MemoryError};

/// Why an instruction did not complete. Small and by value, so that it reaches an engine's cold path in registers: a
/// reference into a stack frame would keep the compiler from making tail calls.
#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    /// The address, where there is one.
    pub addr: u64,
    /// Everything else.
    pub reason: Reason,
}

/// See [`Stopped`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Reason {
    kind: StopKind,
    /// Bytes accessed.
    size: u8,
    access: Access,
    /// How memory refused the access.
    error: ShortError,
}

/// A [`MemoryError`] in few bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct ShortError {
    kind: FaultKind,
    offset: u8,
    by_host: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum StopKind {
    Refused,
    Misaligned,
    Trap,
    Breakpoint,
    Illegal,
    Resumed,
    Completed,
    Wait,
}

impl Stopped {
    /// ECALL.
    pub const TRAP: Self = Self::without_address(StopKind::Trap);
    /// EBREAK.
    pub const BREAKPOINT: Self = Self::without_address(StopKind::Breakpoint);
    /// The encoding is not allowed in this state.
    pub const ILLEGAL: Self = Self::without_address(StopKind::Illegal);
    /// Not stopped at all: the instruction has moved the pc, and everything must be looked up anew.
    pub const RESUMED: Self = Self::without_address(StopKind::Resumed);
    /// Not stopped at all: the instruction has completed, and may have raised an interrupt or ended the machine. The next
    /// one follows once the engine has looked.
    pub const COMPLETED: Self = Self::without_address(StopKind::Completed);
    /// WFI, with no interrupt pending.
    pub const WAIT: Self = Self::without_address(StopKind::Wait);

    #[inline(always)]
    const fn without_address(kind: StopKind) -> Self {
        Self { addr: 0, reason: Reason { kind, size: 0, access: Access::Read, error: ShortError::NONE } }
    }

    /// Memory refused an access of `size` bytes.
    #[inline(always)]
    pub fn refused(addr: u64, size: u64, access: Access, error: MemoryError) -> Self {
        let error = match error.known() {
            Some((kind, offset)) => ShortError { kind, offset, by_host: false },
            None => ShortError::NONE,
        };
        Self { addr, reason: Reason { kind: StopKind::Refused, size: size as u8, access, error } }
    }

    /// The address is not aligned to the size of the access.
    #[inline(always)]
    pub fn misaligned(addr: u64, size: u64, access: Access) -> Self {
        let error = ShortError::NONE;
        Self { addr, reason: Reason { kind: StopKind::Misaligned, size: size as u8, access, error } }
    }
}

impl ShortError {
    const NONE: Self = Self { kind: FaultKind::Unmapped, offset: 0, by_host: true };

    fn long(self) -> MemoryError {
        if self.by_host { MemoryError::BY_HOST } else { MemoryError::new(self.kind, self.offset) }
    }
}

impl Reason {
    /// Whether the instruction has completed after all: execution goes on at the pc, which it has set.
    pub fn is_resumed(self) -> bool {
        self.kind == StopKind::Resumed
    }

    /// Whether the instruction has completed, and the next one follows.
    pub fn is_completed(self) -> bool {
        self.kind == StopKind::Completed
    }

    /// Why the instruction of `len` bytes at `pc` did not complete; `addr` is that of the [`Stopped`]. `None` if it is to
    /// be executed again.
    pub fn exit(self, addr: u64, pc: u64, len: u8, mem: &impl GuestMemory) -> Option<Exit> {
        let Reason { access, .. } = self;
        Some(match self.kind {
            StopKind::Refused => {
                Exit::Fault(mem.explain(self.error.long(), GuestAddr(addr), u64::from(self.size), access)?)
            }
            StopKind::Misaligned => {
                Exit::Fault(GuestFault { addr: GuestAddr(addr), access, kind: FaultKind::Misaligned })
            }
            StopKind::Trap => Exit::Syscall,
            StopKind::Breakpoint => Exit::Breakpoint,
            StopKind::Illegal => {
                let mut bytes = [0; 4];
                // These are the bytes that were decoded, unless the page is gone.
                let _ = mem.fetch(GuestAddr(pc), &mut bytes[..usize::from(len)]);
                Exit::Illegal { bits: u32::from_le_bytes(bytes) }
            }
            StopKind::Wait => Exit::Wait,
            StopKind::Resumed | StopKind::Completed => unreachable!("the instruction has completed"),
        })
    }
}
