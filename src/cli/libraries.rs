//! The line about a shared library that a program's dynamic linker did not find.

use crate::linux::exec::CROSS_SYSROOT;
use std::fmt;
use std::path::Path;

/// Debian's cross packages for the libraries that compilers link by themselves.
const PACKAGES: &[(&str, &str)] = &[
    ("libstdc++.so.6", "libstdc++6-riscv64-cross"),
    ("libgcc_s.so.1", "libgcc-s1-riscv64-cross"),
    ("libatomic.so.1", "libatomic1-riscv64-cross"),
    ("libgomp.so.1", "libgomp1-riscv64-cross"),
    ("libgfortran.so.5", "libgfortran5-riscv64-cross"),
    ("libobjc.so.4", "libobjc4-riscv64-cross"),
    ("libasan.so.8", "libasan8-riscv64-cross"),
];

/// What a user can do about a missing library. The dynamic linker has named it already.
#[derive(Debug)]
pub struct MissingLibrary<'a> {
    /// The program's path as given.
    pub program: &'a Path,
    /// The library's name in DT_NEEDED.
    pub name: &'a str,
    /// The directory in which absolute paths of the guest are looked up first.
    pub sysroot: Option<&'a Path>,
}

impl fmt::Display for MissingLibrary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: its dynamic linker does not find {}", self.program.display(), self.name)?;
        if let Some(sysroot) = self.sysroot {
            write!(f, " in the sysroot {}", sysroot.display())?;
        }
        let is_cross = self.sysroot == Some(Path::new(CROSS_SYSROOT));
        let package = PACKAGES.iter().find(|(library, _)| is_cross && *library == self.name);
        let beside = self.program.parent().filter(|dir| dir.join(self.name).exists());
        match (beside, package) {
            (Some(dir), _) => {
                let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
                write!(f, "; name its directory with -E LD_LIBRARY_PATH={}", dir.display())
            }
            (None, Some((_, package))) => write!(f, "; install {package} (Debian's name)"),
            (None, None) => {
                f.write_str("; name its directory with -E LD_LIBRARY_PATH=DIR, or a sysroot that has it with -L")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_library_and_the_sysroot() {
        let said = |name: &str, sysroot: Option<&str>| {
            MissingLibrary { program: Path::new("./p"), name, sysroot: sysroot.map(Path::new) }.to_string()
        };
        assert_eq!(
            said("libstdc++.so.6", Some(CROSS_SYSROOT)),
            "./p: its dynamic linker does not find libstdc++.so.6 in the sysroot /usr/riscv64-linux-gnu; install \
             libstdc++6-riscv64-cross (Debian's name)"
        );
        let elsewhere = "; name its directory with -E LD_LIBRARY_PATH=DIR, or a sysroot that has it with -L";
        for (name, sysroot) in
            [("libstdc++.so.6", Some("/srv")), ("libstdc++.so.6", None), ("libx.so", Some(CROSS_SYSROOT))]
        {
            assert!(said(name, sysroot).ends_with(elsewhere), "{name}");
        }
    }
}
