//! Formats the System V IPC calls.

use super::CallPrinter;
use super::flags::{Names, names, values};
use super::special::specials;
use super::structs::structs;
use crate::linux::abi::ipc::command::*;
use crate::linux::abi::ipc::{IpcPerm, MsgHead, MsqidDs, Sembuf, SemidDs, Seminfo, ShmInfo, ShmidDs, Shminfo};
use crate::linux::abi::structs::*;
use crate::linux::table::Special;
use crate::memory::GuestAddr;

names! {
    /// shmget(2), semget(2) and msgget(2), above the permissions.
    IPC_GET "IPC_???" [IPC_CREAT, IPC_EXCL];
    /// shmat(2).
    SHMAT "SHM_???" [SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC];
    /// `sem_flg` of semop(2).
    SEMOP "SEM_???" [SEM_UNDO, IPC_NOWAIT];
    /// msgsnd(2).
    MSGSND "MSG_???" [IPC_NOWAIT];
    /// msgrcv(2).
    MSGRCV "MSG_???" [MSG_NOERROR, MSG_EXCEPT, MSG_COPY, IPC_NOWAIT];
}

values! {
    /// shmget(2), in addition to the common flags.
    SHMGET "SHM_???" [
        IPC_CREAT = 0o1000, IPC_EXCL = 0o2000, SHM_HUGETLB = 0o4000, SHM_NORESERVE = 0o10000,
    ];
    /// shmctl(2).
    SHMCTL "SHM_???" [
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13,
        SHM_INFO = 14, SHM_STAT_ANY = 15,
    ];
    /// semctl(2).
    SEMCTL "SEM_???" [
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14,
        GETZCNT = 15, SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19, SEM_STAT_ANY = 20,
    ];
    /// msgctl(2).
    MSGCTL "MSG_???" [
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13,
    ];
}

structs! {
    SEMBUF: Sembuf => |_, s| {
        format!("{{sem_num={}, sem_op={}, sem_flg={}}}", s.num, s.op, SEMOP.show_flags(s.flg as u16 as u64))
    };
    SHMID_DS: ShmidDs => |s, d| {
        if changes(s, 1) {
            return format!("{{shm_perm={{{}}}}}", owner(&d.perm));
        }
        format!(
            "{{shm_perm={}, shm_segsz={}, shm_cpid={}, shm_lpid={}, shm_nattch={}, shm_atime={}, shm_dtime={}, \
             shm_ctime={}}}",
            permissions(&d.perm), d.segsz, d.cpid, d.lpid, d.nattch, d.atime, d.dtime, d.ctime
        )
    };
    SHMINFO: Shminfo => |_, i| {
        format!("{{shmmax={}, shmmin={}, shmmni={}, shmseg={}, shmall={}}}", i.max, i.min, i.mni, i.seg, i.all)
    };
    SHM_USE: ShmInfo => |_, i| {
        format!(
            "{{used_ids={}, shm_tot={}, shm_rss={}, shm_swp={}, swap_attempts={}, swap_successes={}}}",
            i.used_ids, i.tot, i.rss, i.swp, i.swap_attempts, i.swap_successes
        )
    };
    SEMID_DS: SemidDs => |s, d| {
        if changes(s, 2) {
            return format!("{{sem_perm={{{}}}}}", owner(&d.perm));
        }
        let SemidDs { otime, ctime, nsems, .. } = d;
        format!("{{sem_perm={}, sem_otime={otime}, sem_ctime={ctime}, sem_nsems={nsems}}}", permissions(&d.perm))
    };
    SEMINFO: Seminfo => |_, i| {
        format!(
            "{{semmap={}, semmni={}, semmns={}, semmnu={}, semmsl={}, semopm={}, semume={}, semusz={}, semvmx={}, \
             semaem={}}}",
            i.map, i.mni, i.mns, i.mnu, i.msl, i.opm, i.ume, i.usz, i.vmx, i.aem
        )
    };
    MSQID_DS: MsqidDs => |s, d| {
        if changes(s, 1) {
            return format!("{{msg_perm={{{}}}, msg_qbytes={}}}", owner(&d.perm), d.qbytes);
        }
        format!(
            "{{msg_perm={}, msg_stime={}, msg_rtime={}, msg_ctime={}, msg_qnum={}, msg_qbytes={}, msg_lspid={}, \
             msg_lrpid={}}}",
            permissions(&d.perm), d.stime, d.rtime, d.ctime, d.qnum, d.qbytes, d.lspid, d.lrpid
        )
    };
}

specials! {
    /// shmget, semget, msgget: the key.
    IPC_KEY before |s, i| Some(match s.int(i) {
        0 => "IPC_PRIVATE".to_owned(),
        key => format!("{key:#x}"),
    });
    /// shmget: flags and permissions.
    SHMGET_FLAGS before |s, i| Some(with_mode(&SHMGET, s.args[i]));
    /// semget, msgget: flags and permissions.
    IPC_FLAGS before |s, i| Some(with_mode(&IPC_GET, s.args[i]));
    /// shmctl: the structure by command.
    SHMCTL_ARG after |s, i| Some(structure(s, i, match s.int(1) {
        IPC_SET | IPC_STAT | SHM_STAT | SHM_STAT_ANY => Some(&SHMID_DS),
        IPC_INFO => Some(&SHMINFO),
        SHM_INFO => Some(&SHM_USE),
        _ => None,
    }, s.int(1) == IPC_SET));
    /// semctl: the value or the structure by command.
    SEMCTL_ARG after |s, i| Some(structure(s, i, match s.int(2) {
        IPC_SET | IPC_STAT | SEM_STAT | SEM_STAT_ANY => Some(&SEMID_DS),
        IPC_INFO | SEM_INFO => Some(&SEMINFO),
        _ => None,
    }, s.int(2) == IPC_SET));
    /// msgctl: the structure by command.
    MSGCTL_ARG after |s, i| Some(structure(s, i, match s.int(1) {
        IPC_SET | IPC_STAT | MSG_STAT | MSG_STAT_ANY => Some(&MSQID_DS),
        _ => None,
    }, s.int(1) == IPC_SET));
    /// msgsnd: the message.
    MESSAGE_IN before |s, i| Some(message(s, s.args[i], s.args[2]));
    /// msgrcv: the message.
    MESSAGE_OUT after |s, i| Some(s.written(s.args[i], || message(s, s.args[i], s.success().unwrap_or(0))));
}

/// Whether the call is IPC_SET. Only the values that it sets are shown.
fn changes(s: &CallPrinter<'_>, command: usize) -> bool {
    s.row.name.ends_with("ctl") && s.int(command) == IPC_SET
}

fn owner(p: &IpcPerm) -> String {
    format!("uid={}, gid={}, mode={}", p.uid, p.gid, super::octal(p.mode))
}

fn permissions(p: &IpcPerm) -> String {
    format!("{{{}, key={:#x}, cuid={}, cgid={}}}", owner(p), p.key, p.cuid, p.cgid).replace("key=0x0", "key=0")
}

fn with_mode(names: &Names, value: u64) -> String {
    let (flags, mode) = (u64::from(value as u32 & !0o777), super::octal(value as u32 & 0o777));
    if flags == 0 { mode } else { format!("{}|{mode}", names.show_flags(flags)) }
}

fn structure(s: &CallPrinter<'_>, i: usize, what: Option<&Struct>, read: bool) -> String {
    match what {
        Some(what) if read || s.success().is_some() => s.structure(what, s.args[i]),
        _ => CallPrinter::pointer(s.args[i]),
    }
}

fn message(s: &CallPrinter<'_>, addr: u64, len: u64) -> String {
    match s.mem.read::<MsgHead>(GuestAddr(addr)) {
        Ok(head) => {
            let text = s.bytes(addr.wrapping_add(size_of::<MsgHead>() as u64), len);
            format!("{{mtype={}, mtext={text}}}", head.mtype)
        }
        Err(_) => CallPrinter::pointer(addr),
    }
}
