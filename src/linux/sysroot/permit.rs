//! The sysroot is read-only: what a call may do with a path in it.

use super::{End, Place, Sysroot};
use crate::host::GuestFd;
use rustix::fs::{Access, AtFlags, FileType};
use rustix::io::Errno;
use std::os::fd::AsRawFd;

/// What a call does with the file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Reads the file or its attributes.
    Read,
    /// Changes the attributes of a file.
    Change,
    /// Creates a file that must not exist.
    Create,
    /// Creates a directory that must not exist. Its name may end with a slash.
    CreateDirectory,
    /// Removes the file.
    Remove,
    /// Renames the file, or renames another file to this name.
    Rename,
    /// Makes another link to the file, which could then be written to.
    Link,
    /// Truncates the file.
    Truncate,
    /// Asks whether the file can be written to.
    Access,
    /// Opens the file with these flags.
    OpenWith(i32),
    /// Makes the file changeable at another path if the argument has these bits, otherwise reads it.
    ChangeIf(usize, u64),
}

impl Intent {
    /// Whether the kernel looks up only the directory, and then acts on the name in it.
    pub(super) fn acts_on_name(self) -> bool {
        match self {
            Self::OpenWith(flags) => flags & libc::O_CREAT != 0 && flags & libc::O_PATH == 0,
            _ => matches!(self, Self::Create | Self::CreateDirectory | Self::Remove | Self::Rename),
        }
    }

    /// Whether the kernel refuses a name on a read-only mount even if its look-up fails with this error.
    pub(super) fn ignores(self, error: Errno) -> bool {
        error == Errno::NOENT || error == Errno::NAMETOOLONG && matches!(self, Self::Remove | Self::Rename)
    }
}

/// Whether opening a file with these flags needs write access.
pub fn opens_for_writing(flags: i32) -> bool {
    let access = flags & libc::O_ACCMODE;
    flags & libc::O_PATH == 0 && (matches!(access, libc::O_WRONLY | libc::O_RDWR) || flags & libc::O_TRUNC != 0)
}

impl Sysroot {
    /// Whether the intent is allowed for an existing file of the host.
    pub fn permit_file(&self, host: &[u8], intent: Intent) -> Result<(), Errno> {
        self.permit(&Place { guest: Vec::new(), host: host.to_vec(), exists: true }, intent, End::Name)
    }

    /// Whether the intent is allowed for an open file or the working directory; `None` if there is no procfs to tell.
    pub fn permit_fd(&self, file: GuestFd, intent: Intent) -> Option<Result<(), Errno>> {
        let path = match file {
            GuestFd::CWD => rustix::process::getcwd(Vec::new()),
            _ => rustix::fs::readlink(crate::host::path_of_fd(file.as_raw_fd()), Vec::new()),
        };
        let Ok(path) = path else {
            // The host kernel reports a descriptor that is not open.
            let open = rustix::io::fcntl_getfd(file).is_ok();
            return if open { None } else { Some(Ok(())) };
        };
        let nameless = path.as_bytes() == b"/" && !is_directory(file);
        // A file that was opened by a handle may have no name. It may be anywhere, so it counts as the sysroot's.
        let host = if nameless { &self.root } else { path.as_bytes() };
        Some(self.permit_file(host, intent))
    }

    /// Whether the intent is allowed. The sysroot behaves like a read-only bind mount: what fails there for another
    /// reason before the kernel asks for write access is left to the host kernel.
    pub(super) fn permit(&self, at: &Place, intent: Intent, end: End) -> Result<(), Errno> {
        if self.inside(&at.host).is_none() {
            return Ok(());
        }
        let kind = if at.exists { at.file_type() } else { None };
        let named = end == End::Name;
        // The kernel finds the file, and the path may end like this.
        let found = kind.is_some_and(|kind| named || kind == FileType::Directory);
        let refused = match intent {
            Intent::Read | Intent::ChangeIf(..) => false,
            Intent::Change => found,
            Intent::Create => kind.is_none() && named,
            Intent::CreateDirectory => kind.is_none() && matches!(end, End::Name | End::Slash),
            Intent::Remove => matches!(end, End::Name | End::Slash),
            Intent::Rename => matches!(end, End::Name | End::Slash) || found,
            Intent::Link if found => return Err(Errno::XDEV),
            Intent::Link => false,
            Intent::Truncate if named && kind == Some(FileType::RegularFile) => {
                self.permit_access(at, libc::W_OK)?;
                true
            }
            Intent::Truncate => false,
            // Permissions come first: the caller has asked the host kernel.
            Intent::Access => {
                matches!(kind, Some(FileType::RegularFile | FileType::Directory | FileType::Symlink)) && found
            }
            Intent::OpenWith(flags) => self.refuses_open(at, flags, kind, end)?,
        };
        if refused { Err(Errno::ROFS) } else { Ok(()) }
    }

    /// Whether the host kernel would open a file with these flags and a read-only mount would not.
    fn refuses_open(&self, at: &Place, flags: i32, kind: Option<FileType>, end: End) -> Result<bool, Errno> {
        let has = |bits: i32| flags & bits == bits;
        if has(libc::O_PATH) {
            return Ok(false);
        }
        if has(libc::O_TMPFILE) {
            return Ok(kind == Some(FileType::Directory));
        }
        let refused = match kind {
            None => has(libc::O_CREAT) && end == End::Name,
            Some(FileType::RegularFile) => {
                let fails = end != End::Name || has(libc::O_CREAT | libc::O_EXCL) || has(libc::O_DIRECTORY);
                opens_for_writing(flags) && !fails
            }
            _ => false,
        };
        if refused && kind.is_some() && !has(libc::O_TRUNC) {
            let reads = flags & libc::O_ACCMODE == libc::O_RDWR;
            self.permit_access(at, if reads { libc::R_OK | libc::W_OK } else { libc::W_OK })?;
        }
        Ok(refused)
    }

    /// Fails if the file's permissions forbid the access.
    fn permit_access(&self, at: &Place, access: i32) -> Result<(), Errno> {
        let access = Access::from_bits_retain(access as u32);
        rustix::fs::accessat(rustix::fs::CWD, &at.host[..], access, AtFlags::EACCESS)
    }
}

fn is_directory(file: GuestFd) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
