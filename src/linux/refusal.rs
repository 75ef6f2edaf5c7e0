//! The order of errors when remu refuses a path.
//!
//! The kernel checks most arguments before it looks up a path. So a call whose path is refused is still made, with a
//! path in its place at which the host kernel always fails at the same point.

use super::outcome::{CallEnd, SysResult};
use super::sysroot::Intent;
use rustix::io::Errno;
use std::ffi::{CStr, CString};

/// A directory of another mount than any file of the sysroot. Neither can a directory be linked.
const ELSEWHERE: &CStr = c"/proc";

/// A missing file on another mount than any file of the sysroot.
const MISSING_ELSEWHERE: &CStr = c"/proc/self/remu";

/// A directory on that mount, by a name that cannot be renamed.
const DOT_ELSEWHERE: &CStr = c"/proc/self/.";

/// The refused paths of a call.
#[derive(Debug, Default)]
pub struct Refusals(Vec<(Intent, Errno)>);

impl Refusals {
    /// Adds a refused path. Returns the path for the host kernel.
    pub fn add(&mut self, intent: Intent, path: &CStr, error: Errno) -> CString {
        self.0.push((intent, error));
        let last = path.to_bytes().rsplit(|&b| b == b'/').find(|name| !name.is_empty());
        match (intent, error) {
            (Intent::Link, Errno::XDEV) => ELSEWHERE.to_owned(),
            (Intent::Rename, Errno::ROFS) if matches!(last, Some(b"." | b"..")) => DOT_ELSEWHERE.to_owned(),
            (Intent::Rename, Errno::ROFS) => MISSING_ELSEWHERE.to_owned(),
            _ => unfindable(),
        }
    }

    /// The call's result. `made` is the host kernel's with the replaced paths.
    pub fn settle(&self, made: SysResult) -> SysResult {
        let Err(CallEnd::Errno(error)) = made else { return made };
        let error = match (&self.0[..], error) {
            ([(Intent::Link, refused @ Errno::XDEV)], Errno::PERM) => *refused,
            // The kernel asks for write access to the mount before it looks the names up.
            ([(Intent::Rename, refused), (Intent::Rename, _)], Errno::NOENT) => *refused,
            ([.., (_, refused)], Errno::NAMETOOLONG) => *refused,
            _ => error,
        };
        Err(error.into())
    }
}

/// A path that no file can have: the host kernel's look-up fails with ENAMETOOLONG.
fn unfindable() -> CString {
    CString::new([b"/", &[b'n'; 256][..], b"/n"].concat()).expect("it contains no zeroes")
}
