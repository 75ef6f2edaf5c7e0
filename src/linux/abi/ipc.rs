//! Inter-process communication: `linux/ipc.h`, `linux/shm.h`, `linux/sem.h`, `linux/msg.h`, `linux/mqueue.h`, and the
//! generic `asm/ipcbuf.h`, `asm/shmbuf.h`, `asm/sembuf.h` and `asm/msgbuf.h`. Only `asm/sembuf.h` differs on x86-64.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct ipc64_perm`.
    IpcPerm {
        key: i32,
        uid: u32,
        gid: u32,
        cuid: u32,
        cgid: u32,
        mode: u32,
        seq: u16,
        pad2: u16,
        pad3: u32,
        unused: [u64; 2],
    }

    /// `struct shmid64_ds`.
    ShmidDs {
        perm: IpcPerm,
        segsz: u64,
        atime: i64,
        dtime: i64,
        ctime: i64,
        cpid: i32,
        lpid: i32,
        nattch: u64,
        unused: [u64; 2],
    }

    /// `struct shminfo64`.
    Shminfo { max: u64, min: u64, mni: u64, seg: u64, all: u64, unused: [u64; 4], }

    /// `struct shm_info`.
    ShmInfo { used_ids: i32, pad: u32, tot: u64, rss: u64, swp: u64, swap_attempts: u64, swap_successes: u64, }

    /// `struct semid64_ds`: the generic one, not x86-64's.
    SemidDs { perm: IpcPerm, otime: i64, ctime: i64, nsems: u64, unused: [u64; 2], }

    /// `struct seminfo`.
    Seminfo {
        map: i32,
        mni: i32,
        mns: i32,
        mnu: i32,
        msl: i32,
        opm: i32,
        ume: i32,
        usz: i32,
        vmx: i32,
        aem: i32,
    }

    /// `struct sembuf`.
    Sembuf { num: u16, op: i16, flg: i16, }

    /// `struct msqid64_ds`.
    MsqidDs {
        perm: IpcPerm,
        stime: i64,
        rtime: i64,
        ctime: i64,
        cbytes: u64,
        qnum: u64,
        qbytes: u64,
        lspid: i32,
        lrpid: i32,
        unused: [u64; 2],
    }

    /// `struct msginfo`.
    Msginfo { pool: i32, map: i32, max: i32, mnb: i32, mni: i32, ssz: i32, tql: i32, seg: u16, pad: u16, }

    /// `struct mq_attr`.
    MqAttr { flags: i64, maxmsg: i64, msgsize: i64, curmsgs: i64, reserved: [i64; 4], }

    /// The fixed part of `struct msgbuf`; the text follows.
    MsgHead { mtype: i64, }
}

layout!(IpcPerm: 48, mode @ 20, seq @ 24, unused @ 32);
layout!(ShmidDs: 112, segsz @ 48, atime @ 56, ctime @ 72, cpid @ 80, nattch @ 88);
layout!(Shminfo: 72, all @ 32);
layout!(ShmInfo: 48, tot @ 8, swap_successes @ 40);
layout!(SemidDs: 88, otime @ 48, ctime @ 56, nsems @ 64);
layout!(Seminfo: 40, vmx @ 32);
layout!(Sembuf: 6, op @ 2, flg @ 4);
layout!(MsqidDs: 120, stime @ 48, cbytes @ 72, qbytes @ 88, lspid @ 96);
layout!(Msginfo: 32, tql @ 24);
layout!(MqAttr: 64);
layout!(MsgHead: 8);

/// The commands of shmctl, semctl and msgctl.
pub mod command {
    #![allow(missing_docs, reason = "the names are those of the manual page")]
    pub const IPC_RMID: i32 = 0;
    pub const IPC_SET: i32 = 1;
    pub const IPC_STAT: i32 = 2;
    pub const IPC_INFO: i32 = 3;
    pub const MSG_STAT: i32 = 11;
    pub const MSG_INFO: i32 = 12;
    pub const MSG_STAT_ANY: i32 = 13;
    pub const SHM_STAT: i32 = 13;
    pub const SHM_INFO: i32 = 14;
    pub const SHM_STAT_ANY: i32 = 15;
    pub const GETALL: i32 = 13;
    pub const SETVAL: i32 = 16;
    pub const SETALL: i32 = 17;
    pub const SEM_STAT: i32 = 18;
    pub const SEM_INFO: i32 = 19;
    pub const SEM_STAT_ANY: i32 = 20;
}
