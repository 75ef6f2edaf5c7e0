//! Formats keys, quotas, security modules and other administration.

use super::CallPrinter;
use super::flags::{Names, values};
use super::special::specials;
use crate::linux::table::Special;

values! {
    /// keyctl(2).
    KEYCTL "KEYCTL_???" [
        KEYCTL_GET_KEYRING_ID = 0, KEYCTL_JOIN_SESSION_KEYRING = 1, KEYCTL_UPDATE = 2, KEYCTL_REVOKE = 3,
        KEYCTL_CHOWN = 4, KEYCTL_SETPERM = 5, KEYCTL_DESCRIBE = 6, KEYCTL_CLEAR = 7, KEYCTL_LINK = 8, KEYCTL_UNLINK = 9,
        KEYCTL_SEARCH = 10, KEYCTL_READ = 11, KEYCTL_INSTANTIATE = 12, KEYCTL_NEGATE = 13,
        KEYCTL_SET_REQKEY_KEYRING = 14, KEYCTL_SET_TIMEOUT = 15, KEYCTL_ASSUME_AUTHORITY = 16,
        KEYCTL_GET_SECURITY = 17, KEYCTL_SESSION_TO_PARENT = 18, KEYCTL_REJECT = 19, KEYCTL_INSTANTIATE_IOV = 20,
        KEYCTL_INVALIDATE = 21, KEYCTL_GET_PERSISTENT = 22, KEYCTL_DH_COMPUTE = 23, KEYCTL_PKEY_QUERY = 24,
        KEYCTL_PKEY_ENCRYPT = 25, KEYCTL_PKEY_DECRYPT = 26, KEYCTL_PKEY_SIGN = 27, KEYCTL_PKEY_VERIFY = 28,
        KEYCTL_RESTRICT_KEYRING = 29, KEYCTL_MOVE = 30, KEYCTL_CAPABILITIES = 31, KEYCTL_WATCH_KEY = 32,
    ];
    /// Special keyrings.
    KEYRING "KEY_SPEC_???" [
        KEY_SPEC_THREAD_KEYRING = -1i64 as u64, KEY_SPEC_PROCESS_KEYRING = -2i64 as u64,
        KEY_SPEC_SESSION_KEYRING = -3i64 as u64, KEY_SPEC_USER_KEYRING = -4i64 as u64,
        KEY_SPEC_USER_SESSION_KEYRING = -5i64 as u64, KEY_SPEC_GROUP_KEYRING = -6i64 as u64,
        KEY_SPEC_REQKEY_AUTH_KEY = -7i64 as u64, KEY_SPEC_REQUESTOR_KEYRING = -8i64 as u64,
    ];
    /// kcmp(2).
    KCMP "KCMP_???" [
        KCMP_FILE = 0, KCMP_VM = 1, KCMP_FILES = 2, KCMP_FS = 3, KCMP_SIGHAND = 4, KCMP_IO = 5, KCMP_SYSVSEM = 6,
        KCMP_EPOLL_TFD = 7,
    ];
    /// swapon(2).
    SWAP "SWAP_FLAG_???" [SWAP_FLAG_PREFER = 0x8000, SWAP_FLAG_DISCARD = 0x10000];
    /// reboot(2): the magic numbers.
    REBOOT_MAGIC "LINUX_REBOOT_MAGIC_???" [
        LINUX_REBOOT_MAGIC1 = 0xfee1_dead, LINUX_REBOOT_MAGIC2 = 0x2812_1969, LINUX_REBOOT_MAGIC2A = 0x0512_1996,
        LINUX_REBOOT_MAGIC2B = 0x1604_1998, LINUX_REBOOT_MAGIC2C = 0x2011_2000,
    ];
    /// reboot(2): the commands.
    REBOOT "LINUX_REBOOT_CMD_???" [
        LINUX_REBOOT_CMD_CAD_OFF = 0, LINUX_REBOOT_CMD_RESTART = 0x0123_4567, LINUX_REBOOT_CMD_HALT = 0xcdef_0123,
        LINUX_REBOOT_CMD_CAD_ON = 0x89ab_cdef, LINUX_REBOOT_CMD_POWER_OFF = 0x4321_fedc,
        LINUX_REBOOT_CMD_RESTART2 = 0xa1b2_c3d4, LINUX_REBOOT_CMD_SW_SUSPEND = 0xd000_fce2,
        LINUX_REBOOT_CMD_KEXEC = 0x4558_4543,
    ];
    /// Attributes of security modules.
    LSM_ATTR "LSM_ATTR_???" [
        LSM_ATTR_UNDEF = 0, LSM_ATTR_CURRENT = 100, LSM_ATTR_EXEC = 101, LSM_ATTR_FSCREATE = 102,
        LSM_ATTR_KEYCREATE = 103, LSM_ATTR_PREV = 104, LSM_ATTR_SOCKCREATE = 105,
    ];
    /// quotactl(2), without the type.
    QUOTA "Q_???" [
        Q_SYNC = 0x80_0001, Q_QUOTAON = 0x80_0002, Q_QUOTAOFF = 0x80_0003, Q_GETFMT = 0x80_0004, Q_GETINFO = 0x80_0005,
        Q_SETINFO = 0x80_0006, Q_GETQUOTA = 0x80_0007, Q_SETQUOTA = 0x80_0008, Q_GETNEXTQUOTA = 0x80_0009,
        Q_XQUOTAON = 0x5801, Q_XQUOTAOFF = 0x5802, Q_XGETQUOTA = 0x5803, Q_XSETQLIM = 0x5804, Q_XGETQSTAT = 0x5805,
        Q_XQUOTARM = 0x5806, Q_XQUOTASYNC = 0x5807, Q_XGETQSTATV = 0x5808, Q_XGETNEXTQUOTA = 0x5809,
    ];
    /// Types of quota.
    QUOTA_TYPE "???QUOTA" [USRQUOTA = 0, GRPQUOTA = 1, PRJQUOTA = 2];
}

specials! {
    /// quotactl: the user or group.
    QUOTA_ID before |s, i| match quota_operation(s) {
        0x80_0001 | 0x80_0003 | 0x5801 | 0x5802 | 0x5805..=0x5808 => None,
        _ => Some(s.int(i).to_string()),
    };
    /// quotactl: the output address.
    QUOTA_ADDR before |s, i| match quota_operation(s) {
        0x80_0001 | 0x80_0003 | 0x5807 => None,
        0x80_0002 => Some(s.path(s.args[i])),
        _ => Some(CallPrinter::pointer(s.args[i])),
    };
    /// reboot: the string for the firmware, with LINUX_REBOOT_CMD_RESTART2.
    REBOOT_ARG before |s, i| (s.args[2] as u32 == 0xa1b2_c3d4).then(|| s.string(s.args[i]));
    /// kcmp: a descriptor.
    KCMP_INDEX before |s, i| match s.int(2) {
        0 => Some((s.args[i] as u32).to_string()),
        7 => Some(if i == 3 { (s.args[i] as u32).to_string() } else { CallPrinter::pointer(s.args[i]) }),
        1..=6 => None,
        _ => Some(hex(s.args[i])),
    };
    /// A key or keyring, by number or special name.
    KEY before |s, i| Some(key(s, i));
    /// keyctl: the arguments, by operation.
    KEYCTL_ARG after |s, i| keyctl_argument(s, i);
    /// quotactl: command and type.
    QUOTA_COMMAND before |s, i| {
        let (command, kind) = (u64::from(s.args[i] as u32) >> 8, s.args[i] & 0xff);
        Some(format!("QCMD({}, {})", QUOTA.show_value(command), QUOTA_TYPE.show_value(kind)))
    };
}

/// The operation of quotactl, without the quota type.
fn quota_operation(s: &CallPrinter<'_>) -> u64 {
    let at = if s.row.name == "quotactl" { 0 } else { 1 };
    u64::from(s.args[at] as u32) >> 8
}

/// A number without a name.
fn hex(value: u64) -> String {
    if value == 0 { "0".to_owned() } else { format!("{value:#x}") }
}

fn key(s: &CallPrinter<'_>, i: usize) -> String {
    let number = s.int(i);
    KEYRING.find(number as i64 as u64).map_or_else(|| number.to_string(), str::to_owned)
}

/// The format of an argument of keyctl.
fn keyctl_argument(s: &CallPrinter<'_>, i: usize) -> Option<String> {
    let text = |i: usize| s.string(s.args[i]);
    let filled = |i: usize| s.written(s.args[i], || s.bytes(s.args[i], s.success().unwrap_or(0).min(s.args[i + 1])));
    let described = |i: usize| s.written(s.args[i], || s.string(s.args[i]));
    Some(match (s.int(0), i) {
        (1, 1) | (10 | 29, 2 | 3) => text(i),
        (2 | 12, 2) => s.bytes(s.args[i], s.args[3]),
        (6, 2) => described(i),
        (11 | 17, 2) => filled(i),
        (3 | 7 | 16 | 21, 1)
        | (8 | 9, 1 | 2)
        | (10, 1 | 4)
        | (0 | 2 | 4 | 5 | 6 | 11 | 12 | 13 | 15 | 17 | 19 | 24, 1) => key(s, i),
        (2 | 6 | 11 | 17, 3) | (4, 2 | 3) | (0, 2) | (13 | 15, 2) | (14, 1) => s.args[i].to_string(),
        (1 | 3 | 7 | 14 | 16 | 18 | 21, _) | (0 | 5 | 8 | 9 | 15, 3 | 4) | (2 | 4 | 6 | 11 | 17, 4) => return None,
        (24, 3) => text(i),
        (23, 3) | (31, 2) => s.args[i].to_string(),
        (23, 1 | 2 | 4) | (31, 1) | (24, 4) => CallPrinter::pointer(s.args[i]),
        (31, _) => return None,
        _ => hex(s.args[i]),
    })
}
