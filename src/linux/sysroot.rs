//! Resolves guest paths to host paths when some of the guest's files are in a sysroot.
//!
//! Paths are resolved component by component in the guest's name space, because a link or `..` may lead from the
//! sysroot to the host's files and back. Each component costs one or two readlink(2) calls, and no descriptor or procfs
//! access. A path that never enters the sysroot goes to the host kernel as the guest wrote it.

mod permit;

pub use permit::{Intent, opens_for_writing};

use rustix::fs::{AtFlags, FileType, StatxFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Directories whose files come from the sysroot first.
fn sysroot_first(guest: &[u8]) -> bool {
    let mut names = guest.split(|&b| b == b'/').skip(1);
    match names.next().unwrap_or_default() {
        b"bin" | b"sbin" | b"lib" | b"lib32" | b"lib64" | b"libx32" | b"usr" | b"etc" | b"opt" => true,
        b"var" => names.next() == Some(b"lib"),
        _ => false,
    }
}

/// The maximum number of symbolic links in a path (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// A directory with RISC-V files, which the guest sees as part of its root.
#[derive(Debug)]
pub struct Sysroot {
    root: Vec<u8>,
}

/// A directory entry of the host.
enum Node {
    Link(Vec<u8>),
    Other,
}

/// How a path is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Whether a symbolic link at the end is followed.
    pub follow: bool,
    /// What the call does with the file.
    pub intent: Intent,
    /// The RESOLVE flags of openat2(2). Those that give the path its own root are not for this module.
    pub restrictions: u64,
}

/// RESOLVE_NO_XDEV.
pub const RESOLVE_NO_XDEV: u64 = 0x01;

/// RESOLVE_NO_MAGICLINKS.
const RESOLVE_NO_MAGICLINKS: u64 = 0x02;

/// RESOLVE_NO_SYMLINKS.
const RESOLVE_NO_SYMLINKS: u64 = 0x04;

/// The end of a path as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Name,
    Slash,
    Dot,
    DotDot,
}

impl End {
    fn of(path: &[u8]) -> Self {
        let slashes = path.iter().rev().take_while(|&&b| b == b'/').count();
        match path[..path.len() - slashes].rsplit(|&b| b == b'/').next() {
            Some(b".") => Self::Dot,
            Some(b"..") => Self::DotDot,
            _ if slashes > 0 => Self::Slash,
            _ => Self::Name,
        }
    }
}

/// A canonical guest path and its host path. The root is the empty path.
struct Place {
    guest: Vec<u8>,
    host: Vec<u8>,
    exists: bool,
}

impl Place {
    fn root() -> Self {
        Self { guest: Vec::new(), host: Vec::new(), exists: true }
    }

    /// The type of the file. A link is not followed.
    fn file_type(&self) -> Option<FileType> {
        let stat = rustix::fs::lstat(if self.host.is_empty() { b"/" } else { &self.host[..] }).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }
}

impl Sysroot {
    /// The sysroot at a directory; `None` for the host's root.
    pub fn new(root: &Path) -> Option<Self> {
        // The host kernel reports paths without links.
        let root = root.canonicalize().unwrap_or(root.to_path_buf());
        let root = root.as_os_str().as_bytes().to_vec();
        (root != b"/").then_some(Self { root })
    }

    /// The part of a host path below the sysroot. The sysroot itself is the empty path.
    fn inside<'a>(&self, host: &'a [u8]) -> Option<&'a [u8]> {
        host.strip_prefix(&self.root[..]).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// The guest path of a canonical host path. A sysroot file that a host file hides keeps its host path.
    pub fn guest_name<'a>(&self, host: &'a [u8]) -> &'a [u8] {
        match self.inside(host) {
            Some(rest) if sysroot_first(rest) || !rest.is_empty() && look(rest).is_err() => rest,
            _ => host,
        }
    }

    /// Resolves a path relative to a directory descriptor. Returns the host path, or `None` if the host kernel resolves
    /// the path as the guest means it.
    ///
    /// Errors of the walk are left to the host kernel: it gets the host path as far as it leads. Only what it would
    /// permit is refused here.
    pub fn resolve(&self, dir: i32, path: &CStr, lookup: Lookup) -> Result<Option<CString>, Errno> {
        let path = path.to_bytes();
        if path.is_empty() {
            return Ok(None);
        }
        let mut at = Place::root();
        if !path.starts_with(b"/") {
            // The host kernel reports a bad descriptor. A directory without a path has nothing in the sysroot.
            let Some(host) = directory(dir) else { return Ok(None) };
            at.guest = self.guest_name(&host).to_vec();
            at.host = host;
        }
        let Lookup { follow, intent, restrictions } = lookup;
        let end = End::of(path);
        let follow = match end {
            End::Name => follow,
            End::Slash => !intent.acts_on_name(),
            End::Dot | End::DotDot => true,
        };
        // Whether the host kernel would resolve the path differently.
        let mut moved = false;
        // The first violation of the restrictions. The host kernel reports it if the path is not moved.
        let mut violation = None;
        let mut links = 0;
        let mut up = None;
        let mut rest: Vec<Vec<u8>> = components(path);
        let watched = restrictions & RESOLVE_NO_XDEV != 0;
        while let Some(name) = rest.pop() {
            let kernel_path = join(&at.host, &name);
            if name == b".." {
                if look(&join(&at.host, b".")).is_err() {
                    return self.failed(moved, violation, &at, kernel_path, &rest, path);
                }
                let mut above = at.guest;
                above.truncate(parent(&above).len());
                let above = Place { host: self.locate(&above), guest: above, exists: true };
                moved |= above.host != parent(&at.host);
                up = (above.host == parent(&at.host)).then_some(kernel_path);
                if watched && !self.same_mount(&at.host, &above.host) {
                    violation = violation.or(Some(Errno::XDEV));
                }
                at = above;
                continue;
            }
            let last = rest.is_empty();
            let (next, node) = match self.step(&at, &name) {
                Ok(found) => found,
                Err(e) if last && intent.ignores(e) => {
                    let from = at.host.clone();
                    at = self.missing(&at, &name);
                    moved |= at.host != kernel_path;
                    if watched && !self.same_mount(&from, parent(&at.host)) {
                        violation = violation.or(Some(Errno::XDEV));
                    }
                    break;
                }
                Err(_) => return self.failed(moved, violation, &at, kernel_path, &rest, path),
            };
            moved |= next.host != kernel_path;
            if watched && !self.same_mount(&at.host, &next.host) {
                violation = violation.or(Some(Errno::XDEV));
            }
            let target = match node {
                Node::Link(target) if !last || follow => target,
                _ => {
                    at = next;
                    continue;
                }
            };
            if restrictions & RESOLVE_NO_SYMLINKS != 0 {
                violation = violation.or(Some(Errno::LOOP));
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(violation.unwrap_or(Errno::LOOP));
            }
            if is_magic(&next.host) {
                if restrictions & RESOLVE_NO_MAGICLINKS != 0 {
                    violation = violation.or(Some(Errno::LOOP));
                }
                // The link refers to an object; its text only describes that object.
                if last {
                    if watched && mount_id(&next.host, true) != mount_id(&next.host, false) {
                        violation = violation.or(Some(Errno::XDEV));
                    }
                    if target.starts_with(b"/") && self.inside(&target).is_some() {
                        self.permit_file(&target, intent)?;
                    }
                    return finish(moved, violation, next.host, path);
                }
                if !target.starts_with(b"/") || look(&target).is_err() {
                    return if moved { Err(violation.unwrap_or(Errno::NOENT)) } else { Ok(None) };
                }
                at.host = if target == b"/" { Vec::new() } else { target };
                at.guest = self.guest_name(&at.host).to_vec();
                if watched && !self.same_mount(&next.host, &at.host) {
                    violation = violation.or(Some(Errno::XDEV));
                }
                continue;
            }
            if target.starts_with(b"/") {
                moved |= self.inside(&at.host).is_some();
                if watched && !self.same_mount(&at.host, b"") {
                    violation = violation.or(Some(Errno::XDEV));
                }
                at = Place::root();
            }
            rest.extend(components(&target));
        }
        if violation.is_none() || !moved {
            self.permit(&at, intent, end)?;
        }
        match up.filter(|_| end == End::DotDot && intent.acts_on_name()) {
            Some(up) => finish(moved, violation, up, path),
            None => finish(moved, violation, at.host, path),
        }
    }

    /// The result for a path at which the walk fails: the host kernel meets the same error at `kernel_path`.
    fn failed(
        &self,
        moved: bool,
        violation: Option<Errno>,
        at: &Place,
        kernel_path: Vec<u8>,
        rest: &[Vec<u8>],
        path: &[u8],
    ) -> Result<Option<CString>, Errno> {
        let moved = moved || self.inside(&at.host).is_some();
        let host = rest.iter().rev().fold(kernel_path, |host, name| join(&host, name));
        finish(moved, violation, host, path)
    }

    /// Whether two canonical host paths are on the same mount for the guest. Entering the sysroot crosses no mount
    /// point, since the guest sees its files as part of the root.
    fn same_mount(&self, a: &[u8], b: &[u8]) -> bool {
        let mount = |host: &[u8]| {
            let id = mount_id(host, false);
            if self.inside(host).is_some() && id == mount_id(&self.root, false) { mount_id(b"", false) } else { id }
        };
        mount(a) == mount(b)
    }

    /// Finds a name in a directory.
    fn step(&self, at: &Place, name: &[u8]) -> Result<(Place, Node), Errno> {
        let guest = join(&at.guest, name);
        let mut error = Errno::NOENT;
        for host in self.candidates(&guest) {
            match look(&host) {
                Ok(node) => {
                    return Ok((Place { guest, host, exists: true }, node));
                }
                // The directory's own entry decides.
                Err(e) if parent(&host) == at.host => error = e,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// The possible host paths of a canonical guest path. The first that exists counts.
    fn candidates(&self, guest: &[u8]) -> Vec<Vec<u8>> {
        if self.inside(guest).is_some() {
            return vec![guest.to_vec()];
        }
        let (root, host) = ([&self.root[..], guest].concat(), guest.to_vec());
        if sysroot_first(guest) { vec![root, host] } else { vec![host, root] }
    }

    /// The host path of an existing guest directory.
    fn locate(&self, guest: &[u8]) -> Vec<u8> {
        if guest.is_empty() {
            return Vec::new();
        }
        self.candidates(guest).into_iter().find(|host| look(host).is_ok()).unwrap_or(guest.to_vec())
    }

    /// The path at which a missing file would be created: on the host, unless only the sysroot has the directory.
    fn missing(&self, at: &Place, name: &[u8]) -> Place {
        let guest = join(&at.guest, name);
        let directory = if at.guest.is_empty() { Path::new("/") } else { Path::new(OsStr::from_bytes(&at.guest)) };
        let host = if directory.is_dir() { guest.clone() } else { join(&at.host, name) };
        Place { guest, host, exists: false }
    }
}

/// The components of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|&b| b == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.rev().map(<[u8]>::to_vec).collect()
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    [directory, b"/", name].concat()
}

fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|&b| b == b'/').unwrap_or(0)]
}

/// A host path, with the trailing slash or dot of the guest's path.
fn with_end(mut host: Vec<u8>, path: &[u8]) -> CString {
    if host.is_empty() || End::of(path) == End::Slash {
        host.push(b'/');
    } else if End::of(path) == End::Dot {
        host.extend_from_slice(b"/.");
    }
    CString::new(host).expect("its parts contain no zeroes")
}

/// The result for a path that ends at a host path.
fn finish(moved: bool, violation: Option<Errno>, host: Vec<u8>, path: &[u8]) -> Result<Option<CString>, Errno> {
    match violation {
        _ if !moved => Ok(None),
        Some(error) => Err(error),
        None => Ok(Some(with_end(host, path))),
    }
}

/// The id of the mount that holds the file at a canonical host path.
fn mount_id(host: &[u8], follow: bool) -> Option<u64> {
    let host = if host.is_empty() { b"/" } else { host };
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    rustix::fs::statx(rustix::fs::CWD, host, flags, StatxFlags::MNT_ID).ok().map(|stat| stat.stx_mnt_id)
}

/// The entry at a host path that is canonical except for its last component.
fn look(host: &[u8]) -> Result<Node, Errno> {
    match rustix::fs::readlink(host, Vec::new()) {
        Ok(target) => Ok(Node::Link(target.into_bytes())),
        Err(Errno::INVAL) => Ok(Node::Other),
        Err(e) => Err(e),
    }
}

/// Whether the link is in a process's directory of procfs, where links refer to objects.
fn is_magic(host: &[u8]) -> bool {
    host.strip_prefix(b"/proc/")
        .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit) && rest.contains(&b'/'))
}

/// The host path of a directory, if it has one. The root is the empty path.
fn directory(dir: i32) -> Option<Vec<u8>> {
    let path = if dir == libc::AT_FDCWD {
        rustix::process::getcwd(Vec::new()).ok()?
    } else {
        rustix::fs::readlink(crate::host::path_of_fd(dir), Vec::new()).ok()?
    };
    let path = path.into_bytes();
    (path.starts_with(b"/") && look(&path).is_ok()).then(|| if path == b"/" { Vec::new() } else { path })
}

/// The host path of `path` inside `root`, with links resolved as if `root` were the root directory.
pub fn lookup(root: &Path, path: &CStr) -> Result<PathBuf, Errno> {
    let mut host = root.as_os_str().as_bytes().to_vec();
    let mut rest = components(path.to_bytes());
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == b".." {
            if host.len() > root.as_os_str().len() {
                host.truncate(parent(&host).len());
            }
            continue;
        }
        let next = join(&host, &name);
        match look(&next)? {
            Node::Other => host = next,
            Node::Link(_) if links == MAX_LINKS => return Err(Errno::LOOP),
            Node::Link(target) => {
                links += 1;
                if target.starts_with(b"/") {
                    host = root.as_os_str().as_bytes().to_vec();
                }
                rest.extend(components(&target));
            }
        }
    }
    Ok(PathBuf::from(OsStr::from_bytes(&host)))
}
