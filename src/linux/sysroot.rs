//! Where a guest's absolute path is on the host when its files are below a directory of their own.

use std::ffi::{CStr, CString};
use std::os::fd::AsRawFd;
use std::path::Path;

/// The host's path of `path` inside `root`, with links resolved as if `root` were the root; `None` if
/// there is no such file.
pub fn lookup(root: &Path, path: &CStr, follow: bool) -> Option<CString> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    let dir = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let flags = OFlags::PATH | OFlags::CLOEXEC | if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let file = openat2(&dir, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS).ok()?;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::readlink(link, Vec::new()).ok()
}
