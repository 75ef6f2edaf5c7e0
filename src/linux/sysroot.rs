//! Resolves guest paths to host paths when some of the guest's files are in a sysroot.
//!
//! Paths are resolved component by component in the guest's name space, because a link or `..` may lead from the
//! sysroot to the host's files and back. Each component costs one or two readlink(2) calls, and no descriptor or procfs
//! access. A path that never enters the sysroot goes to the host kernel as the guest wrote it.

use rustix::fs::FileType;
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a call does with the file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Reads the file or its attributes.
    Read,
    /// Changes or removes an existing file.
    Change,
    /// Writes to an existing file. A read-only file system permits this for devices, FIFOs and sockets.
    Write,
    /// Creates a file that must not exist.
    Create,
    /// Makes another link to the file, which could then be written to.
    Link,
    /// Creates or replaces the file.
    Replace,
    /// Opens the file, and creates it if it is missing.
    OpenOrCreate {
        /// Whether it is opened for writing.
        write: bool,
    },
    /// Writes to the file if the argument has these bits, otherwise reads it.
    WriteIf(usize, u64),
    /// Makes the file changeable at another path if the argument has these bits, otherwise reads it.
    ChangeIf(usize, u64),
}

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

/// The result of resolving a path.
#[derive(Debug)]
pub struct Resolved {
    /// The host path, if the host kernel would resolve the guest's path differently.
    pub host: Option<CString>,
    /// Whether the path contains a symbolic link.
    pub linked: bool,
    /// Whether the path leads through a link of procfs to an object.
    pub magic: bool,
}

/// A canonical guest path and its host path. The root is the empty path.
struct Place {
    guest: Vec<u8>,
    host: Vec<u8>,
    exists: bool,
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

    /// Resolves a path relative to a directory descriptor.
    pub fn resolve(&self, dir: i32, path: &CStr, follow: bool, intent: Intent) -> Result<Resolved, Errno> {
        let path = path.to_bytes();
        let (mut linked, mut magic) = (false, false);
        let as_written = |linked| Ok(Resolved { host: None, linked, magic: false });
        let mut at = Place { guest: Vec::new(), host: Vec::new(), exists: true };
        if path.is_empty() {
            return as_written(false);
        }
        if !path.starts_with(b"/") {
            // The host kernel reports a bad descriptor. A directory without a path has nothing in the sysroot.
            let Some(host) = directory(dir) else { return as_written(false) };
            at.guest = self.guest_name(&host).to_vec();
            at.host = host;
        }
        // Whether the host kernel would resolve the path differently.
        let mut moved = false;
        let mut links = 0;
        let mut rest: Vec<Vec<u8>> = components(path);
        let directory = path.ends_with(b"/") || path.ends_with(b"/.");
        while let Some(name) = rest.pop() {
            if name == b".." {
                let below = at.host;
                at.guest.truncate(at.guest.iter().rposition(|&b| b == b'/').unwrap_or(0));
                at.host = self.locate(&at.guest);
                moved |= at.host != parent(&below);
                continue;
            }
            let last = rest.is_empty();
            let kernel_path = join(&at.host, &name);
            let (next, node) = match self.step(&at, &name) {
                Ok(found) => found,
                // The host kernel reports errors about its own files.
                Err(_) if !moved && self.inside(&at.host).is_none() => return as_written(linked),
                Err(Errno::NOENT) if last => {
                    at = self.missing(&at, &name);
                    moved |= at.host != kernel_path;
                    break;
                }
                Err(e) => return Err(e),
            };
            moved |= next.host != kernel_path;
            let target = match node {
                Node::Link(target) if !last || follow || directory => target,
                _ => {
                    at = next;
                    continue;
                }
            };
            linked = true;
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP);
            }
            if is_magic(&next.host) {
                // The link refers to an object; its text only describes that object.
                if last {
                    if target.starts_with(b"/") && self.inside(&target).is_some() {
                        self.permit_file(&target, intent)?;
                    }
                    return Ok(Resolved { host: moved.then(|| with_end(next.host, path)), linked, magic });
                }
                if !target.starts_with(b"/") || look(&target).is_err() {
                    return if moved { Err(Errno::NOENT) } else { as_written(linked) };
                }
                magic = true;
                at.host = if target == b"/" { Vec::new() } else { target };
                at.guest = self.guest_name(&at.host).to_vec();
                continue;
            }
            if target.starts_with(b"/") {
                moved |= self.inside(&at.host).is_some();
                at = Place { guest: Vec::new(), host: Vec::new(), exists: true };
            }
            rest.extend(components(&target));
        }
        self.permit(&at, intent)?;
        Ok(Resolved { host: moved.then(|| with_end(at.host, path)), linked, magic })
    }

    /// Finds a name in a directory.
    fn step(&self, at: &Place, name: &[u8]) -> Result<(Place, Node), Errno> {
        let guest = join(&at.guest, name);
        let mut error = Errno::NOENT;
        for host in self.candidates(&guest) {
            match look(&host) {
                Ok(node) => {
                    // A path that contains the sysroot's host path means the files in the sysroot.
                    let guest = if guest == host { self.guest_name(&host).to_vec() } else { guest };
                    return Ok((Place { guest, host, exists: true }, node));
                }
                Err(e) if parent(&host) == at.host || e != Errno::NOTDIR => error = e,
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

    /// Whether the intent is allowed for an existing file of the host.
    pub fn permit_file(&self, host: &[u8], intent: Intent) -> Result<(), Errno> {
        self.permit(&Place { guest: Vec::new(), host: host.to_vec(), exists: true }, intent)
    }

    /// Whether the intent is allowed for the file behind a descriptor, or for the working directory; `None` if there is
    /// no procfs to tell.
    pub fn permit_fd(&self, fd: i32, intent: Intent) -> Option<Result<(), Errno>> {
        let path = if fd == libc::AT_FDCWD {
            rustix::process::getcwd(Vec::new())
        } else {
            rustix::fs::readlink(format!("/proc/self/fd/{fd}"), Vec::new())
        };
        let Ok(path) = path else {
            // The host kernel reports a descriptor that is not open.
            let open = crate::host::guest_fd(fd).is_some_and(|fd| rustix::io::fcntl_getfd(fd).is_ok());
            return if open { None } else { Some(Ok(())) };
        };
        let nameless = path.as_bytes() == b"/" && crate::host::guest_fd(fd).is_some_and(|fd| !is_directory(fd));
        // A file that was opened by a handle may have no name. It may be anywhere, so it counts as the sysroot's.
        let host = if nameless { &self.root } else { path.as_bytes() };
        Some(self.permit_file(host, intent))
    }

    /// Whether the intent is allowed. The sysroot behaves like a read-only file system.
    fn permit(&self, at: &Place, intent: Intent) -> Result<(), Errno> {
        if self.inside(&at.host).is_none() {
            return Ok(());
        }
        let write = || match Path::new(OsStr::from_bytes(&at.host)).symlink_metadata().map(|m| m.file_type()) {
            Ok(kind) if !kind.is_file() && !kind.is_dir() && !kind.is_symlink() => Ok(()),
            _ => Err(Errno::ROFS),
        };
        match (intent, at.exists) {
            (Intent::Read | Intent::WriteIf(..) | Intent::ChangeIf(..), true) => Ok(()),
            (Intent::OpenOrCreate { write: false }, true) => Ok(()),
            (Intent::Write | Intent::OpenOrCreate { write: true }, true) => write(),
            (Intent::Create, true) => Err(Errno::EXIST),
            (Intent::Link, true) => Err(Errno::XDEV),
            (Intent::Change | Intent::Replace, true) => Err(Errno::ROFS),
            (Intent::Create | Intent::Replace | Intent::OpenOrCreate { .. }, false) => Err(Errno::ROFS),
            (Intent::Read | Intent::Change | Intent::Link | Intent::Write, false) => Err(Errno::NOENT),
            (Intent::WriteIf(..) | Intent::ChangeIf(..), false) => Err(Errno::NOENT),
        }
    }
}

fn is_directory(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
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
    if host.is_empty() || path.ends_with(b"/") {
        host.push(b'/');
    } else if path.ends_with(b"/.") {
        host.extend_from_slice(b"/.");
    }
    CString::new(host).expect("its parts contain no zeroes")
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
        rustix::fs::readlink(format!("/proc/self/fd/{dir}"), Vec::new()).ok()?
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
