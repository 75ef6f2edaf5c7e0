//! The structure of the system call table, and the lookup by number.
//!
//! `rows.rs` contains everything known about a call in one row: the function that implements it, the kinds of its
//! arguments, its behaviour when a signal interrupts it, and the level of support. The kinds are for `strace`, and name
//! the paths and descriptors. The memory behind a pointer that is passed to the host kernel is the host layer's
//! knowledge ([`Sys::pointers`]); a row that contradicts it does not compile.

use super::abi::structs::Struct;
use super::call::Call;
use super::outcome::SysResult;
use super::rows::ROWS;
use super::strace::flags::Names;
use super::sysroot::Intent;
use crate::host::{Extent, Pointer, Sys};

/// The kind of an argument.
#[derive(Clone, Copy, Debug)]
pub enum ArgKind {
    /// A signed 32-bit number.
    Int,
    /// An unsigned 32-bit number.
    UInt,
    /// A signed 64-bit number, such as an offset.
    Long,
    /// A size, or another unsigned 64-bit number.
    Size,
    /// A number shown in hexadecimal.
    Hex,
    /// An address that is not followed.
    Ptr,
    /// An address that is not followed, or NULL.
    NullOrPtr,
    /// An offset in hexadecimal.
    HexOffset,
    /// A file descriptor.
    Fd,
    /// A file descriptor through which the call changes its file's attributes.
    ChangedFd,
    /// A directory's descriptor, or `AT_FDCWD`.
    DirFd,
    /// A path, and what the call does with the file.
    Path(FollowLink, Intent),
    /// A path, or a null pointer.
    PathOrNull(FollowLink, Intent),
    /// A zero-terminated string that is not a path.
    Str,
    /// Bits or-ed together.
    Flags(&'static Names),
    /// One of several values.
    Enum(&'static Names),
    /// The flags of openat(2): access mode, then bits.
    Open,
    /// A file mode, in octal.
    Mode,
    /// The mode of openat(2), used only if a file is created.
    CreateMode,
    /// File type and permissions for mknodat(2).
    NodeMode,
    /// A signal number.
    Signal,
    /// A structure the kernel reads.
    In(&'static Struct),
    /// A structure the kernel writes.
    Out(&'static Struct),
    /// A structure the kernel writes only if the call is interrupted.
    OutOnInterrupt(&'static Struct),
    /// A structure the kernel reads and writes.
    InOut(&'static Struct),
    /// A structure that the kernel reads. The given argument is its size, which depends on the kernel version.
    InSized(&'static Struct, usize),
    /// A structure that the kernel writes, up to the size in the given argument.
    OutSized(&'static Struct, usize),
    /// An array that the kernel reads. The given argument is its number of structures.
    InArray(&'static Struct, usize),
    /// An array that the kernel writes. The result is the number of elements shown.
    OutArray(&'static Struct, usize),
    /// An array that the kernel writes completely.
    OutAll(&'static Struct, usize),
    /// A set of memory nodes that the kernel reads. The given argument is one more than the number of bits.
    InNodes(usize),
    /// A set of memory nodes that the kernel writes.
    OutNodes(usize),
    /// An array that the kernel reads and writes.
    InOutArray(&'static Struct, usize),
    /// Bytes that the kernel reads. The given argument is their number.
    InBuf(usize),
    /// A bit set that the kernel reads. The given argument is its size in bytes.
    InBits(usize),
    /// Bytes that the kernel writes. The given argument is the buffer size, the result the number of bytes.
    OutBuf(usize),
    /// The same for binary data.
    OutBytes(usize),
    /// A string that the kernel writes, up to a terminating zero if there is one.
    OutStr(usize),
    /// A bit set that the kernel writes.
    OutBits(usize),
    /// A signal set that the kernel writes, of the size in the given argument.
    OutSet(usize),
    /// Directory entries that the kernel writes.
    Dirents(usize),
    /// Iovecs to read from. The given argument is their number.
    InVec(usize),
    /// Iovecs to write to. The given argument is their number.
    OutVec(usize),
    /// A socket address that the kernel reads. The given argument is its length; the intent is for a path in it.
    InAddr(usize, Intent),
    /// A socket address that the kernel writes. The given argument points to its length.
    OutAddr(usize),
    /// An argument whose meaning depends on another. A function shows it; it is never passed through.
    Special(&'static Special),
}

impl ArgKind {
    /// Whether the call follows the argument as a pointer.
    const fn is_pointer(self) -> bool {
        use ArgKind::*;
        !matches!(
            self,
            Int | UInt
                | Long
                | Size
                | Hex
                | Ptr
                | NullOrPtr
                | HexOffset
                | Fd
                | ChangedFd
                | DirFd
                | Flags(_)
                | Enum(_)
                | Open
                | Mode
                | CreateMode
                | NodeMode
                | Signal
                | Special(_)
        )
    }
}

/// The format of an argument that depends on another.
#[derive(Debug)]
pub struct Special {
    /// Whether the argument can be shown only after the call.
    pub after: bool,
    /// Formats the argument; `None` omits it.
    pub show: fn(&super::strace::CallPrinter<'_>, usize) -> Option<String>,
}

/// Whether a symbolic link in the last component of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowLink {
    /// It is followed.
    Follow,
    /// It is not followed.
    Keep,
    /// It is followed unless this argument has AT_SYMLINK_NOFOLLOW.
    FollowUnless(usize),
    /// It is followed only if this argument has AT_SYMLINK_FOLLOW.
    KeepUnless(usize),
    /// It is followed unless this argument has these bits.
    FollowUnlessSet(usize, u64),
    /// It is followed only if this argument has these bits.
    KeepUnlessSet(usize, u64),
}

/// The behaviour of a call that a signal interrupts before it has any effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It never blocks interruptibly.
    Never,
    /// It restarts if the handler has SA_RESTART or if there is no handler (ERESTARTSYS).
    RestartSys,
    /// It fails with EINTR if there is a handler, otherwise it restarts (ERESTARTNOHAND).
    RestartNoHand,
    /// It fails with EINTR.
    Eintr,
    /// restart_syscall resumes it with the remaining time (ERESTART_RESTARTBLOCK).
    RestartBlock,
}

/// The format of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A decimal number.
    Number,
    /// An address or a set of bits.
    Hex,
    /// A file mode.
    Octal,
    /// Flags of fcntl, if the command returns them.
    Fcntl,
    /// No result: the call does not return.
    NoReturn,
}

/// The level of support of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Complete.
    Full,
    /// Partial; the text names what is missing.
    Partial(&'static str),
    /// ENOSYS; the text gives the reason.
    Unsupported(&'static str),
}

/// The implementation of a call.
#[derive(Clone, Copy)]
pub enum Run {
    /// The host kernel, with the arguments converted by their kinds.
    Passthrough(Sys),
    /// One of our functions.
    Native(fn(&mut Call<'_>) -> SysResult),
    /// ENOSYS, logged by `-d unimp`.
    Unimplemented,
    /// The same, and the user is told, since programs seldom work without the call.
    Required,
    /// ENOSYS, not logged: every C library tries the call.
    Unsupported,
}

/// One system call.
pub struct Row {
    /// The number on riscv64.
    pub number: u16,
    /// The name.
    pub name: &'static str,
    /// The kinds of the arguments.
    pub args: &'static [ArgKind],
    /// The arguments that are descriptors, as bits.
    pub descriptors: u8,
    /// Whether the host gets copies of some arguments: of paths and socket addresses.
    pub has_copies: bool,
    /// The format of the result.
    pub shape: Shape,
    /// The behaviour when a signal interrupts the call.
    pub restart: Restart,
    /// The level of support.
    pub support: Support,
    /// The implementation.
    pub run: Run,
}

/// Those of the kinds that are descriptors, as bits.
pub const fn descriptors(args: &[ArgKind]) -> u8 {
    let mut bits = 0;
    let mut i = 0;
    while i < args.len() {
        if matches!(args[i], ArgKind::Fd | ArgKind::DirFd | ArgKind::ChangedFd) {
            bits |= 1 << i;
        }
        i += 1;
    }
    bits
}

/// Whether the host gets a copy of an argument of one of these kinds.
pub const fn has_copies(args: &[ArgKind]) -> bool {
    let mut i = 0;
    while i < args.len() {
        if matches!(args[i], ArgKind::Path(..) | ArgKind::PathOrNull(..) | ArgKind::InAddr(..) | ArgKind::OutAddr(..)) {
            return true;
        }
        i += 1;
    }
    false
}

/// Passes a call through to the host kernel.
///
/// # Panics
/// If a kind contradicts what the host layer knows of the argument: the table does not compile.
pub const fn passthrough(args: &[ArgKind], call: Sys) -> Run {
    let pointers = call.pointers();
    let mut i = 0;
    while i < 6 {
        let mut pointer = None;
        let mut j = 0;
        while j < pointers.len() {
            if pointers[j].arg == i {
                pointer = Some(pointers[j]);
            }
            j += 1;
        }
        assert!(
            if i < args.len() { agree(args[i], pointer) } else { pointer.is_none() },
            "not the host layer's pointer"
        );
        i += 1;
    }
    Run::Passthrough(call)
}

/// Whether an argument's kind agrees with the host layer in use and size.
const fn agree(kind: ArgKind, pointer: Option<Pointer>) -> bool {
    use ArgKind::*;
    let Some(Pointer { written, extent, .. }) = pointer else { return !kind.is_pointer() };
    match kind {
        In(s) | OutOnInterrupt(s) | Out(s) | InOut(s) => {
            let fits = match extent {
                Extent::Fixed(bytes) => bytes <= s.size,
                Extent::Open => true,
                _ => false,
            };
            fits && (written || matches!(kind, In(_)))
        }
        InArray(s, n) => matches!(extent, Extent::Items(m, size) if m == n && size == s.size),
        OutArray(s, n) | OutAll(s, n) | InOutArray(s, n) => {
            written && matches!(extent, Extent::Items(m, size) if m == n && size == s.size)
        }
        InBuf(n) | InSized(_, n) | InBits(n) | InAddr(n, _) => {
            matches!(extent, Extent::Arg(m) | Extent::Int(m) if m == n)
        }
        OutSized(_, n) | OutBuf(n) | OutBytes(n) | OutStr(n) | OutBits(n) | OutSet(n) | Dirents(n) => {
            written && matches!(extent, Extent::Arg(m) | Extent::Int(m) if m == n)
        }
        OutAddr(_) => written && matches!(extent, Extent::Address),
        Path(..) | PathOrNull(..) => matches!(extent, Extent::CString),
        Str => matches!(extent, Extent::CString | Extent::Open),
        // Our functions pass iovecs and sets of memory nodes.
        _ => false,
    }
}

/// One past the largest number in the table.
pub const LIMIT: usize = 472;

/// For each number, one more than the index of its row.
static INDEX: [u16; LIMIT] = {
    let mut index = [0; LIMIT];
    let mut i = 0;
    while i < ROWS.len() {
        let number = ROWS[i].number as usize;
        assert!(index[number] == 0, "two rows have the same number");
        i += 1;
        index[number] = i as u16;
    }
    index
};

/// The row of a number passed by the guest.
pub fn find(number: u64) -> Option<&'static Row> {
    let slot = *INDEX.get(usize::try_from(number).ok()?)?;
    ROWS.get(usize::from(slot).checked_sub(1)?)
}

/// All rows, sorted by number.
pub fn rows() -> &'static [Row] {
    ROWS
}

#[cfg(test)]
mod tests {
    use super::super::abi::structs;
    use super::*;

    #[test]
    fn every_number_of_the_riscv64_table_has_a_row() {
        // The holes: numbers of 32-bit variants, of other architectures, and unused ones.
        let hole = |n: u64| matches!(n, 38 | 244..=257 | 295..=423);
        for number in 0..=470 {
            assert_eq!(find(number).is_none(), hole(number), "{number}");
        }
        for number in [471, 472, u64::MAX, 1 << 32, u64::from(u32::MAX)] {
            assert!(find(number).is_none(), "{number}");
        }
    }

    #[test]
    fn rows_are_in_order_and_found_by_their_number() {
        assert!(rows().is_sorted_by_key(|r| r.number));
        assert!(rows().iter().all(|r| find(r.number.into()).is_some_and(|f| std::ptr::eq(f, r))));
        assert_eq!(find(63).map(|r| r.name), Some("read"));
        assert_eq!(find(258).map(|r| r.name), Some("riscv_hwprobe"));
        assert_eq!(find(435).map(|r| r.name), Some("clone3"));
    }

    #[test]
    fn exactly_the_rows_without_a_function_give_a_reason() {
        for row in rows() {
            let nobody = matches!(row.run, Run::Unimplemented | Run::Required | Run::Unsupported);
            assert_eq!(nobody, matches!(row.support, Support::Unsupported(_)), "{}", row.name);
            if let Support::Unsupported(why) | Support::Partial(why) = row.support {
                assert!(why.len() > 10, "{}: {why}", row.name);
            }
        }
    }

    #[test]
    fn kinds_that_contradict_the_host_layer_are_found() {
        use ArgKind::*;
        let pointer = |written, extent| Some(Pointer { arg: 1, written, extent });
        for (kind, pointer) in [
            (OutBuf(2), pointer(true, Extent::Arg(2))),
            (In(&structs::TIMESPEC), pointer(false, Extent::Fixed(16))),
            (Size, None),
        ] {
            assert!(agree(kind, pointer), "{kind:?} {pointer:?}");
        }
        for (kind, pointer) in [
            (OutBuf(2), None),
            (OutBuf(2), pointer(false, Extent::Arg(2))),
            (OutBuf(2), pointer(true, Extent::Arg(3))),
            (Out(&structs::TIMESPEC), pointer(true, Extent::Fixed(24))),
            (Out(&structs::TIMESPEC), pointer(false, Extent::Fixed(16))),
            (Size, pointer(true, Extent::Arg(2))),
            (Str, pointer(false, Extent::Arg(2))),
        ] {
            assert!(!agree(kind, pointer), "{kind:?} {pointer:?}");
        }
    }

    #[test]
    fn lengths_name_arguments_that_exist() {
        for row in rows() {
            for kind in row.args {
                use ArgKind::*;
                if let InBuf(n)
                | OutBuf(n)
                | Dirents(n)
                | InVec(n)
                | OutVec(n)
                | InAddr(n, _)
                | OutAddr(n)
                | InSized(_, n)
                | OutSized(_, n)
                | InArray(_, n)
                | OutArray(_, n)
                | OutAll(_, n)
                | InNodes(n)
                | OutNodes(n)
                | InOutArray(_, n) = kind
                {
                    assert!(*n < row.args.len(), "{}", row.name);
                }
            }
        }
    }
}
