//! execve(2) and execveat(2).

use crate::elf::MAX_STRING;
use crate::linux::call::Call;
use crate::linux::exec::ExecRequest;
use crate::linux::outcome::SysResult;
use crate::linux::sysroot::Intent;
use crate::linux::table::FollowLink;
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The most bytes of arguments and environment, whatever the stack's limit (_STK_LIM / 4 * 3).
const MAX_STRINGS: u64 = 6 << 20;

pub(in crate::linux) fn execve(c: &mut Call<'_>) -> SysResult {
    let name = c.raw_path(0)?;
    let path = c.path(0, FollowLink::Follow, Intent::Read)?;
    let file = Executed { path: path_of(path), given: path_of(name), file: None, is_reachable: true };
    execute(c, [1, 2], file)
}

pub(in crate::linux) fn execveat(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(4);
    if flags & !(libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::INVAL.into());
    }
    let dir = c.fd(0)?;
    let name = c.raw_path(1)?;
    if name.is_empty() {
        if flags & libc::AT_EMPTY_PATH == 0 {
            return Err(Errno::NOENT.into());
        }
        let place = PathBuf::from(crate::host::path_of_fd(dir));
        let file = File::open(&place).map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
            if errno == Errno::NOENT { Errno::BADF } else { errno }
        })?;
        let given = PathBuf::from(format!("/dev/fd/{dir}"));
        let executed = Executed { path: place, given, file: Some(file), is_reachable: stays_open(c, dir) };
        return execute(c, [2, 3], executed);
    }
    let path = c.path(1, FollowLink::FollowUnless(4), Intent::Read)?;
    if flags & libc::AT_SYMLINK_NOFOLLOW != 0 {
        let at = if dir == libc::AT_FDCWD || path.as_bytes().starts_with(b"/") { libc::AT_FDCWD } else { dir };
        let found = crate::host::stat_at(at, &path, libc::AT_SYMLINK_NOFOLLOW)?;
        if found.st_mode & libc::S_IFMT == libc::S_IFLNK {
            return Err(Errno::LOOP.into());
        }
    }
    let relative = dir != libc::AT_FDCWD && !name.as_bytes().starts_with(b"/");
    if relative {
        crate::host::stat_at(dir, c"", libc::AT_EMPTY_PATH)?;
    }
    let given =
        if relative { [format!("/dev/fd/{dir}/").as_bytes(), name.as_bytes()].concat() } else { name.into_bytes() };
    let path = if relative && !path.as_bytes().starts_with(b"/") {
        [crate::host::path_of_fd(dir).as_bytes(), b"/", path.as_bytes()].concat()
    } else {
        path.into_bytes()
    };
    let executed = Executed {
        path: OsString::from_vec(path).into(),
        given: OsString::from_vec(given).into(),
        file: None,
        is_reachable: !relative || stays_open(c, dir),
    };
    execute(c, [2, 3], executed)
}

/// Whether a descriptor stays open when a program is executed.
fn stays_open(c: &Call<'_>, fd: i32) -> bool {
    let flags = c.task.files.guest_fd(fd).and_then(rustix::io::fcntl_getfd);
    flags.is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC))
}

/// The file to execute.
struct Executed {
    /// Its path on the host.
    path: PathBuf,
    /// Its path for the program.
    given: PathBuf,
    /// The file, if it is already open.
    file: Option<File>,
    /// Whether an interpreter can open it by the path for the program.
    is_reachable: bool,
}

fn path_of(path: CString) -> PathBuf {
    OsString::from_vec(path.into_bytes()).into()
}

/// Executes a program with the strings in the arguments `lists`. The callers own no memory by then: in a vfork child,
/// nobody would free it.
fn execute(c: &mut Call<'_>, lists: [usize; 2], executed: Executed) -> SysResult {
    let Executed { path: program, given, file, is_reachable } = executed;
    let stack = c.task.process.limits.lock().stack.cur;
    // As in the kernel: a quarter of the stack, at least ARG_MAX.
    let mut room = (stack / 4).clamp(131_072, MAX_STRINGS).saturating_sub(given.as_os_str().len() as u64 + 1);
    let mut argv = strings(c, c.args[lists[0]], &mut room)?;
    let envp = strings(c, c.args[lists[1]], &mut room)?;
    if argv.is_empty() {
        // As in Linux 5.18 and later.
        argv.push(CString::default());
    }
    let script_name = CString::new(given.as_os_str().as_bytes()).expect("it comes from a C string");
    let script_name = is_reachable.then_some(script_name);
    let request = ExecRequest { program, file, refuses_writers: true, given_path: given, script_name, argv, envp };
    Err(c.task.execute(request))
}

/// Copies a list of strings in, which take their bytes and pointers from `room`.
fn strings(c: &Call<'_>, list: u64, room: &mut u64) -> Result<Vec<CString>, Errno> {
    let mut strings = Vec::new();
    if list == 0 {
        return Ok(strings);
    }
    for i in 0.. {
        let at: u64 = c.read(list.wrapping_add(8 * i))?;
        if at == 0 {
            break;
        }
        let text = c.task.mm.read_cstr(GuestAddr(at), MAX_STRING)?.ok_or(Errno::TOOBIG)?;
        let size = text.count_bytes() as u64 + 1 + 8;
        *room = room.checked_sub(size).ok_or(Errno::TOOBIG)?;
        strings.push(text);
    }
    Ok(strings)
}
