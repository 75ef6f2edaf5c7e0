//! The shape of the system call table: what a row says, and how it is found by number.
//!
//! Everything that is known about a call is in its one row in `rows.rs`: which function answers it,
//! what its arguments are (for handing them to the host kernel and for `strace` alike), what becomes
//! of it when a signal interrupts it, and how much of it is there.

use super::abi::structs::Struct;
use super::call::Call;
use super::outcome::SysResult;
use super::rows::ROWS;
use super::strace::flags::Names;
use super::sysroot::Intent;
use crate::host::Sys;

/// What an argument is.
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
    /// A number better read in hexadecimal.
    Hex,
    /// An address that is not followed.
    Ptr,
    /// An address that is not followed, or NULL.
    NullOrPtr,
    /// An offset in hexadecimal.
    HexOffset,
    /// A file descriptor.
    Fd,
    /// A directory's descriptor, or `AT_FDCWD`.
    DirFd,
    /// A pathname, and what the call does with what it names.
    Path(FollowLink, Intent),
    /// A pathname that may be missing.
    PathOrNull(FollowLink, Intent),
    /// A zero-terminated string that is no pathname.
    Str,
    /// Bits or-ed together.
    Flags(&'static Names),
    /// One of several values.
    Enum(&'static Names),
    /// The flags of openat(2): access mode, then bits.
    Open,
    /// A file mode, in octal.
    Mode,
    /// The mode of openat(2), there only if something is created.
    CreateMode,
    /// Type and permissions of mknodat(2).
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
    /// A structure the kernel reads, whose size the given argument says: it has grown over time.
    InSized(&'static Struct, usize),
    /// A structure the kernel writes, as far as the given argument says.
    OutSized(&'static Struct, usize),
    /// An array of as many structures as the given argument says, which the kernel reads.
    InArray(&'static Struct, usize),
    /// An array that the kernel writes; as many of its elements are shown as the call returns.
    OutArray(&'static Struct, usize),
    /// An array that the kernel writes all of.
    OutAll(&'static Struct, usize),
    /// A set of memory nodes the kernel reads; the given argument is one more than the bits in it.
    InNodes(usize),
    /// A set of memory nodes the kernel writes.
    OutNodes(usize),
    /// An array that the kernel reads and writes.
    InOutArray(&'static Struct, usize),
    /// Bytes the kernel reads; the given argument is their number.
    InBuf(usize),
    /// A set of bits the kernel reads; the given argument is the number of its bytes.
    InBits(usize),
    /// Bytes the kernel writes; the given argument is the room for them, the result their number.
    OutBuf(usize),
    /// The same of bytes that are no text at all.
    OutBytes(usize),
    /// Bytes the kernel writes that are text up to a terminating zero, if there is one.
    OutStr(usize),
    /// A set of bits the kernel writes.
    OutBits(usize),
    /// A signal set the kernel writes, as large as the given argument says.
    OutSet(usize),
    /// Directory entries the kernel writes.
    Dirents(usize),
    /// A list of as many pieces of memory to read from as the given argument says.
    InVec(usize),
    /// A list of as many pieces of memory to write to.
    OutVec(usize),
    /// A socket address the kernel reads; the given argument is its length. The intent is for a path in it.
    InAddr(usize, Intent),
    /// A socket address the kernel writes; the given argument points at its length.
    OutAddr(usize),
    /// What another argument decides about: shown by a function of its own, never handed through.
    Special(&'static Special),
}

/// How to show an argument that depends on another.
#[derive(Debug)]
pub struct Special {
    /// Whether it can be shown only after the call.
    pub after: bool,
    /// Writes it; `None` leaves it out altogether.
    pub show: fn(&super::strace::CallPrinter<'_>, usize) -> Option<String>,
}

/// Whether the last component of a pathname is followed if it is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowLink {
    /// It is.
    Follow,
    /// It is not.
    Keep,
    /// It is, unless this argument has AT_SYMLINK_NOFOLLOW.
    FollowUnless(usize),
    /// It is only if this argument has AT_SYMLINK_FOLLOW.
    KeepUnless(usize),
    /// It is, unless this argument has these bits.
    FollowUnlessSet(usize, u64),
    /// It is only if this argument has these bits.
    KeepUnlessSet(usize, u64),
}

/// What becomes of a call that a signal interrupts before it has done anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It does not wait for anything that a signal could interrupt.
    Never,
    /// It starts again if the handler has SA_RESTART, or if there is no handler (ERESTARTSYS).
    RestartSys,
    /// It fails with EINTR if there is a handler, else it starts again (ERESTARTNOHAND).
    RestartNoHand,
    /// It fails with EINTR.
    Eintr,
    /// It goes on through restart_syscall with what is left of its time (ERESTART_RESTARTBLOCK).
    RestartBlock,
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A decimal number.
    Number,
    /// An address or a set of bits.
    Hex,
    /// A file mode.
    Octal,
    /// Flags of fcntl, if that is what was asked for.
    Fcntl,
    /// There is none: the call does not come back.
    NoReturn,
}

/// How much of a call there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    Full,
    /// The sentence says what is missing.
    Partial(&'static str),
    /// ENOSYS; the sentence says why.
    Unsupported(&'static str),
}

/// Who answers a call.
#[derive(Clone, Copy)]
pub enum Run {
    /// The host kernel, with the arguments as their kinds say.
    Passthrough(Sys),
    /// A function of ours.
    Native(fn(&mut Call<'_>) -> SysResult),
    /// ENOSYS, logged by `-d unimp`.
    Unimplemented,
    /// The same, and the user is told: a program that makes the call seldom does without.
    Required,
    /// ENOSYS, not logged: every C library tries the call.
    Unsupported,
}

/// One system call.
pub struct Row {
    /// Its number on riscv64.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// What its arguments are.
    pub args: &'static [ArgKind],
    /// How its result is shown.
    pub shape: Shape,
    /// What becomes of it when it is interrupted.
    pub restart: Restart,
    /// How much of it there is.
    pub support: Support,
    /// Who answers it.
    pub run: Run,
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

/// The row of a number as the guest gives it.
pub fn find(number: u64) -> Option<&'static Row> {
    let slot = *INDEX.get(usize::try_from(number).ok()?)?;
    ROWS.get(usize::from(slot).checked_sub(1)?)
}

/// All rows, by number.
pub fn rows() -> &'static [Row] {
    ROWS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Extent, Pointer};

    #[test]
    fn every_number_of_the_riscv64_table_has_a_row() {
        // The holes: numbers of 32-bit variants, of other architectures, and of nothing at all.
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
    fn what_has_no_function_says_why_and_the_reverse() {
        for row in rows() {
            let nobody = matches!(row.run, Run::Unimplemented | Run::Required | Run::Unsupported);
            assert_eq!(nobody, matches!(row.support, Support::Unsupported(_)), "{}", row.name);
            if let Support::Unsupported(why) | Support::Partial(why) = row.support {
                assert!(why.len() > 10, "{}: {why}", row.name);
            }
        }
    }

    /// The functions that hand their row through after all, by name.
    const PASSED_LATER: [(&str, Sys); 13] = [
        ("getcwd", Sys::Getcwd),
        ("truncate", Sys::Truncate),
        ("getdents64", Sys::Getdents64),
        ("read", Sys::Read),
        ("pread64", Sys::Pread64),
        ("sendfile", Sys::Sendfile),
        ("ppoll", Sys::Ppoll),
        ("signalfd4", Sys::Signalfd4),
        ("splice", Sys::Splice),
        ("gettimeofday", Sys::Gettimeofday),
        ("shmget", Sys::Shmget),
        ("open_by_handle_at", Sys::OpenByHandleAt),
        ("pidfd_getfd", Sys::PidfdGetfd),
    ];

    /// Whether a row's argument is what the host's kernel takes it for, and as long as it may access.
    fn agree(kind: &ArgKind, pointer: Option<&Pointer>) -> bool {
        use ArgKind::*;
        let extent = pointer.map(|p| p.extent);
        let written = pointer.is_some_and(|p| p.written);
        match *kind {
            In(s) | OutOnInterrupt(s) | Out(s) | InOut(s) => {
                let fits = match extent {
                    Some(Extent::Fixed(bytes)) => bytes <= s.size,
                    other => other == Some(Extent::Open),
                };
                fits && (written || matches!(kind, In(_)))
            }
            InArray(s, n) => extent == Some(Extent::Items(n, s.size)),
            OutArray(s, n) | OutAll(s, n) | InOutArray(s, n) => extent == Some(Extent::Items(n, s.size)) && written,
            InBuf(n) | InSized(_, n) | InBits(n) | InAddr(n, _) => {
                matches!(extent, Some(Extent::Arg(m) | Extent::Int(m)) if m == n)
            }
            OutSized(_, n) | OutBuf(n) | OutBytes(n) | OutStr(n) | OutBits(n) | OutSet(n) | Dirents(n) => {
                matches!(extent, Some(Extent::Arg(m) | Extent::Int(m)) if m == n) && written
            }
            OutAddr(_) => extent == Some(Extent::Address) && written,
            Path(..) | PathOrNull(..) => extent == Some(Extent::CString),
            Str => matches!(extent, Some(Extent::CString | Extent::Open)),
            // Lists are handed through by functions.
            InVec(_) | OutVec(_) | InNodes(_) | OutNodes(_) => false,
            _ => extent.is_none(),
        }
    }

    /// The rows say what arguments are for strace and for handing them through, the host's table says what its kernel
    /// does with them: the bottom layer trusts nobody. Here the two are compared.
    #[test]
    fn rows_and_the_hosts_table_agree_on_pointers() {
        let mut compared = 0;
        for row in rows() {
            let later = PASSED_LATER.iter().find(|(name, _)| *name == row.name).map(|(_, call)| *call);
            let call = match row.run {
                Run::Passthrough(call) => call,
                _ => match later {
                    Some(call) => call,
                    None => continue,
                },
            };
            for i in 0..6 {
                let pointer = call.pointers().iter().find(|p| p.arg == i);
                let alike = row.args.get(i).map_or(pointer.is_none(), |kind| agree(kind, pointer));
                assert!(alike, "{}: argument {i} is {:?} here, {pointer:?} in the host", row.name, row.args.get(i));
            }
            compared += 1;
        }
        assert!(compared > 180, "{compared}");
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
