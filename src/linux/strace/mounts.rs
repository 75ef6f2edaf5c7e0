//! Formats mounts and namespaces.

use super::CallPrinter;
use super::flags::{Names, values};
use super::special::specials;
use super::structs::structs;
use crate::linux::abi::mount::{MntIdReq, MountAttr, NsIdReq, StatmountHead};
use crate::linux::abi::structs::*;
use crate::linux::table::Special;

values! {
    /// open_tree(2).
    OPEN_TREE "OPEN_TREE_???" [
        OPEN_TREE_CLONE = 1, AT_SYMLINK_NOFOLLOW = 0x100, AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000,
        AT_RECURSIVE = 0x8000, OPEN_TREE_CLOEXEC = 0o2000000,
    ];
    /// mount_setattr(2).
    AT_MOUNT "AT_???" [
        AT_SYMLINK_NOFOLLOW = 0x100, AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000,
    ];
    /// move_mount(2).
    MOVE_MOUNT "MOVE_MOUNT_???" [
        MOVE_MOUNT_F_SYMLINKS = 1, MOVE_MOUNT_F_AUTOMOUNTS = 2, MOVE_MOUNT_F_EMPTY_PATH = 4,
        MOVE_MOUNT_T_SYMLINKS = 0x10, MOVE_MOUNT_T_AUTOMOUNTS = 0x20, MOVE_MOUNT_T_EMPTY_PATH = 0x40,
        MOVE_MOUNT_SET_GROUP = 0x100, MOVE_MOUNT_BENEATH = 0x200,
    ];
    /// fsopen(2).
    FSOPEN "FSOPEN_???" [FSOPEN_CLOEXEC = 1];
    /// fsmount(2).
    FSMOUNT "FSMOUNT_???" [FSMOUNT_CLOEXEC = 1];
    /// fspick(2).
    FSPICK "FSPICK_???" [
        FSPICK_CLOEXEC = 1, FSPICK_SYMLINK_NOFOLLOW = 2, FSPICK_NO_AUTOMOUNT = 4, FSPICK_EMPTY_PATH = 8,
    ];
    /// fsconfig(2).
    FSCONFIG "FSCONFIG_???" [
        FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_SET_BINARY = 2, FSCONFIG_SET_PATH = 3,
        FSCONFIG_SET_PATH_EMPTY = 4, FSCONFIG_SET_FD = 5, FSCONFIG_CMD_CREATE = 6, FSCONFIG_CMD_RECONFIGURE = 7,
        FSCONFIG_CMD_CREATE_EXCL = 8,
    ];
    /// Attributes of a mount.
    MOUNT_ATTR_FLAGS "MOUNT_ATTR_???" [
        MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_NOEXEC = 8,
        MOUNT_ATTR_NOATIME = 0x10, MOUNT_ATTR_STRICTATIME = 0x20, MOUNT_ATTR_NODIRATIME = 0x80,
        MOUNT_ATTR_IDMAP = 0x100000, MOUNT_ATTR_NOSYMFOLLOW = 0x200000,
    ];
    /// Propagation of a mount.
    PROPAGATION "MS_???" [MS_UNBINDABLE = 1 << 17, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20];
    /// Namespaces of setns(2) and unshare(2); fields of statmount(2).
    NAMESPACE "CLONE_NEW???" [
        CLONE_NEWTIME = 0x80, CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800,
        CLONE_THREAD = 0x10000, CLONE_NEWNS = 0x20000, CLONE_SYSVSEM = 0x40000, CLONE_NEWCGROUP = 0x2000000,
        CLONE_NEWUTS = 0x4000000, CLONE_NEWIPC = 0x8000000, CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000,
        CLONE_NEWNET = 0x40000000,
    ];
    /// statmount(2).
    STATMOUNT_MASK "STATMOUNT_???" [
        STATMOUNT_SB_BASIC = 1, STATMOUNT_MNT_BASIC = 2, STATMOUNT_PROPAGATE_FROM = 4, STATMOUNT_MNT_ROOT = 8,
        STATMOUNT_MNT_POINT = 0x10, STATMOUNT_FS_TYPE = 0x20, STATMOUNT_MNT_NS_ID = 0x40, STATMOUNT_MNT_OPTS = 0x80,
    ];
}

structs! {
    MOUNT_ATTR: MountAttr => |_, a| {
        let [set, clear] = [a.set, a.clear].map(|flags| MOUNT_ATTR_FLAGS.show_flags(flags));
        let propagation = PROPAGATION.show_flags(a.propagation);
        format!("{{attr_set={set}, attr_clr={clear}, propagation={propagation}, userns_fd={}}}", a.userns_fd)
    };
    MNT_ID_REQ: MntIdReq => |s, r| {
        let param = match s.row.name {
            "statmount" => STATMOUNT_MASK.show_flags(r.param),
            _ => r.param.to_string(),
        };
        format!("{{size={}, mnt_id={:#x}, param={param}}}", r.size, r.mnt_id)
    };
    STATMOUNT: StatmountHead => |_, m| format!("{{size={}, mask={}, ...}}", m.size, STATMOUNT_MASK.show_flags(m.mask));
    NS_ID_REQ: NsIdReq => |_, r| {
        let kind = NAMESPACE.show_flags(r.ns_type.into());
        format!("{{size={}, ns_id={:#x}, ns_type={kind}, user_ns_id={}}}", r.size, r.ns_id, r.user_ns_id)
    };
    OBJECT_ID: u64 => |_, id| format!("{id:#x}");
}

specials! {
    /// fsconfig: the value by command.
    FSCONFIG_VALUE before |s, i| Some(match s.args[1] as u32 {
        1 => s.string(s.args[i]),
        2 => s.bytes(s.args[i], u64::from(s.args[4] as u32)),
        3 | 4 => s.path(s.args[i]),
        _ => CallPrinter::pointer(s.args[i]),
    });
    /// fsconfig: the numeric argument, by command.
    FSCONFIG_AUX before |s, i| Some(match (s.args[1] as u32, s.int(i)) {
        (3 | 4, libc::AT_FDCWD) => "AT_FDCWD".to_owned(),
        (_, number) => number.to_string(),
    });
}
