//! What a user can do about a file that was not found: where it was looked for, where it is, or what provides it.

use super::find::{CROSS_SYSROOT, SearchPlaces};
use std::ffi::{CStr, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A dynamic linker or script interpreter that was not found, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// Its path in the guest.
    pub wanted: String,
    /// Where it was looked for.
    pub places: SearchPlaces,
    /// The sysroot that would be found if none were given.
    pub without_prefix: Option<PathBuf>,
    /// The Debian packages that provide it.
    pub packages: Option<&'static str>,
}

impl NotFound {
    pub(super) fn new(wanted: &CStr, places: SearchPlaces, without_prefix: Option<PathBuf>) -> Self {
        let name = Path::new(OsStr::from_bytes(wanted.to_bytes())).file_name().unwrap_or_default();
        let packages = match name.as_bytes() {
            b"ld-linux-riscv64-lp64d.so.1" => Some("libc6-riscv64-cross or libc6:riscv64"),
            b"ld-musl-riscv64.so.1" => Some("musl:riscv64"),
            _ => None,
        };
        Self { wanted: wanted.to_string_lossy().escape_default().to_string(), places, without_prefix, packages }
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which was not found for RISC-V {}; ", self.wanted, self.places)?;
        match (&self.places, &self.without_prefix, self.packages) {
            // Neither a package nor -L provides a relative path.
            (SearchPlaces::WorkingDirectory, ..) => f.write_str("run remu in the directory that the path starts from"),
            (_, Some(root), _) => write!(f, "{} has it: leave out -L", root.display()),
            (_, None, Some(names)) => {
                write!(f, "install {names} (Debian's names), or name its root directory with -L")
            }
            (_, None, None) => f.write_str("name its root directory with -L"),
        }
    }
}

impl fmt::Display for SearchPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = Path::new("/");
        match self {
            Self::Prefix(root) if root == host => f.write_str("in /"),
            Self::Prefix(root) => write!(f, "in {} or /", root.display()),
            Self::Ancestors(dir) if dir == host => write!(f, "in / or {CROSS_SYSROOT}"),
            Self::Ancestors(dir) if dir.parent() == Some(host) => {
                write!(f, "in {}, / or {CROSS_SYSROOT}", dir.display())
            }
            Self::Ancestors(dir) => write!(f, "in {}, the directories above it, or {CROSS_SYSROOT}", dir.display()),
            Self::WorkingDirectory => f.write_str("in the working directory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wanted: &CStr, places: SearchPlaces, without_prefix: Option<&str>) -> String {
        NotFound::new(wanted, places, without_prefix.map(PathBuf::from)).to_string()
    }

    #[test]
    fn places_are_named_once() {
        let places = |dir: &str| SearchPlaces::Ancestors(dir.into()).to_string();
        assert_eq!(places("/"), "in / or /usr/riscv64-linux-gnu");
        assert_eq!(places("/srv"), "in /srv, / or /usr/riscv64-linux-gnu");
        assert_eq!(places("/srv/a"), "in /srv/a, the directories above it, or /usr/riscv64-linux-gnu");
        assert_eq!(SearchPlaces::Prefix("/".into()).to_string(), "in /");
    }

    #[test]
    fn the_advice_fits_the_case() {
        let glibc = c"/lib/ld-linux-riscv64-lp64d.so.1";
        let prefix = || SearchPlaces::Prefix("/srv".into());
        assert_eq!(
            said(glibc, prefix(), Some(CROSS_SYSROOT)),
            "/lib/ld-linux-riscv64-lp64d.so.1, which was not found for RISC-V in /srv or /; /usr/riscv64-linux-gnu has \
             it: leave out -L",
            "what is installed is not advised"
        );
        assert!(said(glibc, prefix(), None).contains("; install libc6-riscv64-cross or libc6:riscv64 "));
        assert!(said(c"/lib/ld-musl-riscv64.so.1", prefix(), None).contains("; install musl:riscv64 "));
        assert!(said(c"/lib/ld.so", prefix(), None).ends_with("; name its root directory with -L"));
        let relative = said(c"ld-linux-riscv64-lp64d.so.1", SearchPlaces::WorkingDirectory, None);
        assert!(relative.ends_with("in the working directory; run remu in the directory that the path starts from"));
    }
}
