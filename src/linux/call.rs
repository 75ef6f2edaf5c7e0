//! A system call in progress: its arguments, and safe access to what they refer to.

use super::abi::file::Iovec;
use super::outcome::SysResult;
use super::proc::{self, Link};
use super::refusal::Refusals;
use super::sysroot::Intent;
use super::table::{ArgKind, FollowLink, Row};
use super::task::Task;
use crate::guest::riscv::Cpu;
use crate::host::{self, GuestFd, GuestPtr, IoVec, Pointer, Sys, SysArg};
use crate::memory::{BadAddress, GuestAddr, MapError, PAGE_SIZE};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use zerocopy::{FromBytes, Immutable, IntoBytes};

impl From<BadAddress> for Errno {
    fn from(_: BadAddress) -> Self {
        Errno::FAULT
    }
}

impl From<MapError> for Errno {
    fn from(e: MapError) -> Self {
        e.0
    }
}

/// The maximum number of iovecs (UIO_MAXIOV).
const VECTOR_MAX: u64 = 1024;

/// The maximum number of bytes that one call transfers (MAX_RW_COUNT).
const TRANSFER_MAX: u64 = i32::MAX as u64 & !(PAGE_SIZE - 1);

/// Makes an interruptible host system call for the guest.
pub fn pass(call: Sys, args: &mut [SysArg<'_>]) -> SysResult {
    Ok(host::pass(call, args)?)
}

/// A system call in progress.
pub struct Call<'a> {
    /// The calling thread.
    pub task: &'a mut Task,
    /// The thread's CPU. The pc is already past the call.
    pub cpu: &'a mut Cpu,
    /// The call's row in the table.
    pub row: &'static Row,
    /// The arguments.
    pub args: [u64; 6],
}

impl Call<'_> {
    /// An argument of C's type `int`.
    pub fn int(&self, i: usize) -> i32 {
        self.args[i] as i32
    }

    /// An argument that is an address.
    pub fn addr(&self, i: usize) -> GuestAddr {
        GuestAddr(self.args[i])
    }

    /// A file descriptor that is not one of remu's. The host kernel checks whether it is open.
    pub fn fd(&self, i: usize) -> Result<i32, Errno> {
        let fd = self.int(i);
        if self.task.files.is_ours(fd) { Err(Errno::BADF) } else { Ok(fd) }
    }

    /// A file descriptor that is not one of remu's, for remu's own use.
    pub fn guest_fd(&self, i: usize) -> Result<GuestFd, Errno> {
        self.task.files.guest_fd(self.int(i))
    }

    /// Copies a structure in.
    pub fn read<T: FromBytes>(&self, addr: u64) -> Result<T, Errno> {
        Ok(self.task.mm.read(GuestAddr(addr))?)
    }

    /// Copies a structure in; `None` if the address is null.
    pub fn read_opt<T: FromBytes>(&self, addr: u64) -> Result<Option<T>, Errno> {
        if addr == 0 { Ok(None) } else { self.read(addr).map(Some) }
    }

    /// Copies in a structure that has grown over time (`copy_struct_from_user`): of a shorter one, the rest is zero; of a
    /// longer one, the rest must be zero.
    pub fn read_growing<T: FromBytes + IntoBytes>(&self, addr: u64, size: u64) -> Result<T, Errno> {
        let known = size_of::<T>() as u64;
        if size >= known {
            return self.read_sized(addr, size);
        }
        let mut value = T::new_zeroed();
        self.task.mm.read_bytes(GuestAddr(addr), &mut value.as_mut_bytes()[..size as usize])?;
        Ok(value)
    }

    /// Copies in a structure of `size` bytes that may be longer in a newer kernel. The bytes beyond the known ones must
    /// be zero.
    pub fn read_sized<T: FromBytes>(&self, addr: u64, size: u64) -> Result<T, Errno> {
        let known = size_of::<T>() as u64;
        if size < known {
            return Err(Errno::INVAL);
        }
        if size > PAGE_SIZE {
            return Err(Errno::TOOBIG);
        }
        let value = self.read(addr)?;
        let mut later = vec![0; (size - known) as usize];
        self.task.mm.read_bytes(GuestAddr(addr).offset(known), &mut later)?;
        if later.iter().all(|&b| b == 0) { Ok(value) } else { Err(Errno::TOOBIG) }
    }

    /// Copies a structure out.
    pub fn write<T: IntoBytes + Immutable>(&self, addr: u64, value: &T) -> Result<(), Errno> {
        Ok(self.task.mm.write(GuestAddr(addr), value)?)
    }

    /// Copies a structure out, unless the address is null.
    pub fn write_opt<T: IntoBytes + Immutable>(&self, addr: u64, value: &T) -> Result<(), Errno> {
        if addr == 0 { Ok(()) } else { self.write(addr, value) }
    }

    /// A path as the guest wrote it.
    pub fn raw_path(&self, i: usize) -> Result<CString, Errno> {
        let path = self.task.mm.read_cstr(self.addr(i), libc::PATH_MAX as usize)?;
        path.ok_or(Errno::NAMETOOLONG)
    }

    /// The directory that a pathname is relative to.
    fn directory_of(&self, i: usize) -> i32 {
        match i.checked_sub(1).map(|before| self.row.args[before]) {
            Some(ArgKind::DirFd) => self.int(i - 1),
            _ => libc::AT_FDCWD,
        }
    }

    /// Whether an empty pathname means the file behind the descriptor (AT_EMPTY_PATH).
    fn takes_empty_path(&self, last: FollowLink) -> bool {
        matches!(last, FollowLink::FollowUnless(flags) | FollowLink::KeepUnless(flags)
            if self.int(flags) & libc::AT_EMPTY_PATH != 0)
    }

    /// Fails if the call with this intent would change a file of the sysroot through a descriptor.
    pub fn permit_fd(&self, fd: i32, intent: Intent) -> Result<(), Errno> {
        let Some(sysroot) = self.task.fs.sysroot.as_ref().filter(|_| intent != Intent::Read) else { return Ok(()) };
        // The host kernel reports what is no descriptor.
        let Ok(file) = self.task.files.guest_dir(fd) else { return Ok(()) };
        sysroot.permit_fd(file, intent).unwrap_or_else(|| {
            self.unimplemented(format!("{}: telling the sysroot's files by descriptor without /proc", self.row.name));
            Err(Errno::ROFS)
        })
    }

    /// A path, or `None` if the pointer is null.
    pub fn path_or_null(&self, i: usize, last: FollowLink, intent: Intent) -> Result<Option<CString>, Errno> {
        if self.args[i] != 0 {
            return self.path(i, last, intent).map(Some);
        }
        let dir = self.directory_of(i);
        if dir != libc::AT_FDCWD || self.takes_empty_path(last) {
            self.permit_fd(dir, intent)?;
        }
        Ok(None)
    }

    /// The host path for a call with this intent.
    pub fn path(&self, i: usize, last: FollowLink, intent: Intent) -> Result<CString, Errno> {
        let path = self.raw_path(i)?;
        let follow = match last {
            FollowLink::Follow => true,
            FollowLink::Keep => false,
            FollowLink::FollowUnless(flags) => self.int(flags) & libc::AT_SYMLINK_NOFOLLOW == 0,
            FollowLink::KeepUnless(flags) => self.int(flags) & libc::AT_SYMLINK_FOLLOW != 0,
            FollowLink::FollowUnlessSet(flags, bits) => self.args[flags] & bits == 0,
            FollowLink::KeepUnlessSet(flags, bits) => self.args[flags] & bits != 0,
        };
        let intent = match intent {
            Intent::ChangeIf(flags, bits) if self.args[flags] & bits != 0 => Intent::Change,
            other => other,
        };
        let dir = self.directory_of(i);
        if path.is_empty() && self.takes_empty_path(last) {
            self.permit_fd(dir, intent)?;
        }
        match proc::link(self.task, dir, &path) {
            Some(Link::Hidden) => Err(Errno::NOENT),
            Some(Link::Exe { path: exe, .. }) if follow => {
                self.task.fs.sysroot.as_ref().map_or(Ok(()), |root| root.permit_file(exe.as_bytes(), intent))?;
                Ok(exe)
            }
            _ => self.task.fs.host_path(dir, path, follow, intent),
        }
    }

    /// Guest memory that the host kernel may access. An address where no guest memory can be becomes one that the host
    /// kernel rejects, so that errors come from the host kernel and in its order.
    pub fn guest(&self, addr: u64, len: u64) -> SysArg<'_> {
        self.nullable(addr, len).into()
    }

    /// The same for a request.
    pub fn nullable(&self, addr: u64, len: u64) -> Option<GuestPtr<'_>> {
        (addr != 0).then(|| self.pointer(addr, len))
    }

    /// The same as a pointer, for a structure that the host kernel reads.
    pub fn pointer(&self, addr: u64, len: u64) -> GuestPtr<'_> {
        self.task.mm.host_range(GuestAddr(addr), len).unwrap_or(GuestPtr::refused(addr))
    }

    /// Iovecs, each checked to lie in guest memory.
    pub fn vector(&self, addr: u64, count: u64) -> Result<Vec<IoVec<'_>>, Errno> {
        self.iovecs(addr, count, |iovec| {
            // The kernel shortens a single iovec before it checks the end of the range.
            let len = if count == 1 { iovec.len.min(TRANSFER_MAX) } else { iovec.len };
            Ok(self.task.mm.host_iovec(GuestAddr(iovec.base), len)?)
        })
    }

    /// Reads iovecs from guest memory and converts each with `convert`.
    pub fn iovecs<T>(
        &self,
        addr: u64,
        count: u64,
        convert: impl Fn(Iovec) -> Result<T, Errno>,
    ) -> Result<Vec<T>, Errno> {
        if count > VECTOR_MAX {
            return Err(Errno::INVAL);
        }
        let mut list = Vec::with_capacity(count as usize);
        for i in 0..count {
            let iovec: Iovec = self.read(addr.wrapping_add(i * size_of::<Iovec>() as u64))?;
            if iovec.len > i64::MAX as u64 {
                return Err(Errno::INVAL);
            }
            list.push(convert(iovec)?);
        }
        Ok(list)
    }

    /// Passes the call through: pointers as the host's table says, paths and descriptors as the row's kinds say.
    pub fn pass(&self, call: Sys) -> SysResult {
        if self.row.has_copies {
            return self.pass_copies(call);
        }
        self.check_descriptors()?;
        let count = self.row.args.len();
        let args = std::array::from_fn(|i| if i < count { self.args[i] } else { 0 });
        Ok(host::pass_guest(call, args, |pointer| self.memory_of(pointer))?)
    }

    /// The guest memory that a pointer argument names, or null.
    fn memory_of(&self, pointer: &Pointer) -> Option<GuestPtr<'_>> {
        // Where memory sets the limit, the kernel stops at the end of the guest's window at the latest.
        self.nullable(self.args[pointer.arg], pointer.extent.bytes(&self.args).unwrap_or(1))
    }

    /// As [`Self::pass`], for a row with arguments that the host gets as copies.
    fn pass_copies(&self, call: Sys) -> SysResult {
        // Pathnames and addresses live here while the host kernel accesses them.
        let (mut sent, mut received) = (None, None);
        let mut paths: [Option<Vec<u8>>; 6] = Default::default();
        let mut refusals = Refusals::default();
        for (i, kind) in self.row.args.iter().enumerate() {
            match *kind {
                ArgKind::PathOrNull(last, intent) if self.args[i] == 0 => {
                    self.path_or_null(i, last, intent)?;
                }
                ArgKind::Path(last, intent) | ArgKind::PathOrNull(last, intent) => match self.path(i, last, intent) {
                    Ok(path) => paths[i] = Some(path.into_bytes_with_nul()),
                    // The host kernel decides whether a bad path matters.
                    Err(Errno::FAULT) => {}
                    Err(e) => {
                        let path = self.raw_path(i).unwrap_or_default();
                        paths[i] = Some(refusals.add(intent, &path, e).into_bytes_with_nul());
                    }
                },
                ArgKind::InAddr(n, intent) => {
                    let len = u64::from(self.args[n] as u32);
                    sent = self.host_address(self.args[i], len, intent)?.map(|address| (i, n, address));
                }
                ArgKind::OutAddr(n) => received = self.received_address(self.args[i]).map(|address| (i, n, address)),
                _ => {}
            }
        }
        let mut args = [const { SysArg::Val(0) }; 6];
        self.arguments(call, &mut args)?;
        for (arg, path) in args.iter_mut().zip(&paths) {
            if let Some(path) = path {
                *arg = SysArg::In(path);
            }
        }
        if let Some((i, n, address)) = &sent {
            let bytes = address.bytes();
            (args[*i], args[*n]) = (SysArg::In(bytes), SysArg::Val(bytes.len() as u64));
        }
        let count = self.row.args.len();
        let Some((i, n, address)) = &mut received else { return refusals.settle(pass(call, &mut args[..count])) };
        (args[*i], args[*n]) = (SysArg::Out(&mut address.bytes), SysArg::Out(&mut address.len));
        let result = pass(call, &mut args[..count])?;
        let written = self.read(self.args[*n]).and_then(|room| self.write_address(address, self.args[*i], room));
        if let Err(e) = written.and_then(|len| self.write(self.args[*n], &len)) {
            // As in the kernel, a connection whose address cannot be returned is lost.
            if matches!(call, Sys::Accept | Sys::Accept4) {
                host::close(result as i32);
            }
            return Err(e.into());
        }
        Ok(result)
    }

    /// Checks the descriptors among the arguments, by the row's kinds.
    fn check_descriptors(&self) -> Result<(), Errno> {
        let mut descriptors = self.row.descriptors;
        while descriptors != 0 {
            let i = descriptors.trailing_zeros() as usize;
            descriptors &= descriptors - 1;
            let fd = self.fd(i)?;
            if matches!(self.row.args[i], ArgKind::ChangedFd) {
                self.permit_fd(fd, Intent::Change)?;
            }
        }
        Ok(())
    }

    /// The arguments for the host. A path is one that the host kernel cannot read: the caller replaces those it has.
    fn arguments<'a>(&'a self, call: Sys, args: &mut [SysArg<'a>; 6]) -> Result<(), Errno> {
        for (arg, &value) in args.iter_mut().zip(&self.args) {
            *arg = SysArg::Val(value);
        }
        self.check_descriptors()?;
        for pointer in call.pointers() {
            let (i, value) = (pointer.arg, self.args[pointer.arg]);
            args[i] = match self.row.args[i] {
                ArgKind::Path(..) | ArgKind::PathOrNull(..) if value != 0 => SysArg::Guest(GuestPtr::refused(value)),
                _ => self.memory_of(pointer).into(),
            };
        }
        Ok(())
    }

    /// Reports an unsupported feature, once for each.
    pub fn unimplemented(&self, what: String) {
        self.task.system.unimplemented(what);
    }

    /// Reports a form of the call that is missing and that programs seldom work without.
    pub fn missing_form(&self, form: &str) {
        self.task.system.missing(format!("{}: {form}", self.row.name));
    }

    /// A path for messages.
    pub fn lossy(path: &CStr) -> String {
        path.to_string_lossy().into_owned()
    }
}
