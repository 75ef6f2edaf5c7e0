//! Formats attributes, handles and notifications of files.

use super::flags::{Names, values};
use super::special::specials;
use super::structs::{Text, structs};
use crate::linux::abi::file::{Cachestat, CachestatRange, FileAttr, HandleHead, XattrArgs};
use crate::linux::abi::structs::*;
use crate::linux::table::Special;

values! {
    /// name_to_handle_at(2).
    AT_HANDLE "AT_???" [
        AT_HANDLE_MNT_ID_UNIQUE = 1, AT_HANDLE_CONNECTABLE = 2, AT_HANDLE_FID = 0x200, AT_SYMLINK_FOLLOW = 0x400,
        AT_EMPTY_PATH = 0x1000,
    ];
    /// fanotify_init(2).
    FANOTIFY "FAN_???" [
        FAN_CLOEXEC = 1, FAN_NONBLOCK = 2,
        FAN_UNLIMITED_QUEUE = 0x10, FAN_UNLIMITED_MARKS = 0x20, FAN_ENABLE_AUDIT = 0x40, FAN_REPORT_PIDFD = 0x80,
        FAN_REPORT_TID = 0x100, FAN_REPORT_FID = 0x200, FAN_REPORT_DIR_FID = 0x400, FAN_REPORT_NAME = 0x800,
        FAN_REPORT_TARGET_FID = 0x1000, FAN_REPORT_FD_ERROR = 0x2000, FAN_REPORT_MNT = 0x4000,
    ];
    /// fanotify_init(2): classes.
    FANOTIFY_CLASS "FAN_CLASS_???" [FAN_CLASS_NOTIF = 0, FAN_CLASS_CONTENT = 4, FAN_CLASS_PRE_CONTENT = 8];
    /// fanotify_mark(2): the action and its target.
    FANOTIFY_MARK "FAN_MARK_???" [
        FAN_MARK_ADD = 1, FAN_MARK_REMOVE = 2, FAN_MARK_DONT_FOLLOW = 4, FAN_MARK_ONLYDIR = 8, FAN_MARK_MOUNT = 0x10,
        FAN_MARK_IGNORED_MASK = 0x20, FAN_MARK_IGNORED_SURV_MODIFY = 0x40, FAN_MARK_FLUSH = 0x80,
        FAN_MARK_FILESYSTEM = 0x100, FAN_MARK_EVICTABLE = 0x200, FAN_MARK_IGNORE = 0x400,
    ];
    /// fanotify_mark(2): events.
    FANOTIFY_MASK "FAN_???" [
        FAN_ACCESS = 1, FAN_MODIFY = 2, FAN_ATTRIB = 4, FAN_CLOSE_WRITE = 8, FAN_CLOSE_NOWRITE = 0x10, FAN_OPEN = 0x20,
        FAN_MOVED_FROM = 0x40, FAN_MOVED_TO = 0x80, FAN_CREATE = 0x100, FAN_DELETE = 0x200, FAN_DELETE_SELF = 0x400,
        FAN_MOVE_SELF = 0x800, FAN_OPEN_EXEC = 0x1000, FAN_Q_OVERFLOW = 0x4000, FAN_FS_ERROR = 0x8000,
        FAN_OPEN_PERM = 0x10000, FAN_ACCESS_PERM = 0x20000, FAN_OPEN_EXEC_PERM = 0x40000, FAN_PRE_ACCESS = 0x100000,
        FAN_MNT_ATTACH = 0x1000000, FAN_MNT_DETACH = 0x2000000, FAN_EVENT_ON_CHILD = 0x8000000,
        FAN_RENAME = 0x10000000, FAN_ONDIR = 0x40000000,
    ];
}

structs! {
    XATTR_ARGS: XattrArgs => |s, a| {
        let value = match s.row.name {
            "setxattrat" => s.bytes(a.value, a.size.into()),
            _ => s.written(a.value, || s.bytes(a.value, s.success().unwrap_or(0))),
        };
        format!("{{value={value}, size={}, flags={}}}", a.size, super::flags::XATTR.show_flags(a.flags.into()))
    };
    FILE_ATTR: FileAttr => |_, a| {
        format!(
            "{{fa_xflags={:#x}, fa_extsize={}, fa_nextents={}, fa_projid={}, fa_cowextsize={}}}",
            a.xflags, a.extsize, a.nextents, a.projid, a.cowextsize
        )
    };
    CACHESTAT_RANGE: CachestatRange => |_, r| format!("{{off={}, len={}}}", r.off, r.len);
    CACHESTAT: Cachestat => |_, c| {
        format!(
            "{{nr_cache={}, nr_dirty={}, nr_writeback={}, nr_evicted={}, nr_recently_evicted={}}}",
            c.cache, c.dirty, c.writeback, c.evicted, c.recently_evicted
        )
    };
}

/// File handles, which have a variable length.
pub(super) static HANDLES: &[Text] = &[Text::new(&FILE_HANDLE, |s, addr| {
    let head: HandleHead = s.mem.read(addr).ok()?;
    if s.row.name == "name_to_handle_at" && s.success().is_none() {
        return Some(format!("{{handle_bytes={}}}", head.bytes));
    }
    let longest = FILE_HANDLE.size as usize - size_of::<HandleHead>();
    let mut handle = vec![0; (head.bytes as usize).min(longest)];
    s.mem.read_bytes(addr.offset(size_of::<HandleHead>() as u64), &mut handle).ok()?;
    let text: String = handle.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    Some(format!("{{handle_bytes={}, handle_type={}, f_handle=\"{text}\"}}", head.bytes, head.kind))
})];

specials! {
    /// fanotify_init: the class, which is one of three, then the flags.
    FANOTIFY_FLAGS before |s, i| {
        let flags = u64::from(s.args[i] as u32);
        let class = FANOTIFY_CLASS.show_value(flags & 0xc);
        Some(if flags & !0xc == 0 { class } else { format!("{class}|{}", FANOTIFY.show_flags(flags & !0xc)) })
    };
}
