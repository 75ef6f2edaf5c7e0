//! Processes: `linux/resource.h`, `linux/utsname.h`, `linux/sysinfo.h`, `linux/sched/types.h`, `linux/capability.h`.

use super::time::Timeval;
use super::{guest_structs, layout};

guest_structs! {
    /// `struct rlimit64`.
    Rlimit { cur: u64, max: u64, }

    /// `struct rusage`.
    Rusage {
        utime: Timeval,
        stime: Timeval,
        maxrss: i64,
        ixrss: i64,
        idrss: i64,
        isrss: i64,
        minflt: i64,
        majflt: i64,
        nswap: i64,
        inblock: i64,
        oublock: i64,
        msgsnd: i64,
        msgrcv: i64,
        nsignals: i64,
        nvcsw: i64,
        nivcsw: i64,
    }

    /// `struct new_utsname`.
    Utsname {
        sysname: [u8; 65],
        nodename: [u8; 65],
        release: [u8; 65],
        version: [u8; 65],
        machine: [u8; 65],
        domainname: [u8; 65],
    }

    /// `struct sysinfo`.
    Sysinfo {
        uptime: i64,
        loads: [u64; 3],
        totalram: u64,
        freeram: u64,
        sharedram: u64,
        bufferram: u64,
        totalswap: u64,
        freeswap: u64,
        procs: u16,
        pad: [u16; 3],
        totalhigh: u64,
        freehigh: u64,
        mem_unit: u32,
        pad2: u32,
    }

    /// `struct sched_param`.
    SchedParam { priority: i32, }

    /// `struct sched_attr`, second version.
    SchedAttr {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime: u64,
        deadline: u64,
        period: u64,
        util_min: u32,
        util_max: u32,
    }

    /// `struct __user_cap_header_struct`.
    CapHeader { version: u32, pid: i32, }

    /// `struct __user_cap_data_struct`: 32 of the 64 capabilities.
    CapData { effective: u32, permitted: u32, inheritable: u32, }

    /// `struct clone_args`, up to the fields of its third version.
    CloneArgs {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
        set_tid: u64,
        set_tid_size: u64,
        cgroup: u64,
    }
}

layout!(Rlimit: 16);
layout!(Rusage: 144, maxrss @ 32, nivcsw @ 136);
layout!(Utsname: 390, machine @ 260);
layout!(Sysinfo: 112, procs @ 80, totalhigh @ 88, mem_unit @ 104);
layout!(SchedParam: 4);
layout!(SchedAttr: 56, nice @ 16, runtime @ 24, util_min @ 48);
layout!(CapHeader: 8);
layout!(CapData: 12);
layout!(CloneArgs: 88);
