//! Files: `asm/stat.h`, `linux/stat.h`, `asm/statfs.h`, `linux/fcntl.h`, `linux/uio.h`,
//! `linux/dirent.h`, `linux/xattr.h`, `linux/fs.h`, `linux/mman.h`.

use super::time::Timespec;
use super::{guest_structs, layout};

guest_structs! {
    /// `struct stat`: the generic one, not x86-64's.
    Stat {
        dev: u64,
        ino: u64,
        mode: u32,
        nlink: u32,
        uid: u32,
        gid: u32,
        rdev: u64,
        pad1: u64,
        size: i64,
        blksize: i32,
        pad2: i32,
        blocks: i64,
        atime: Timespec,
        mtime: Timespec,
        ctime: Timespec,
        unused: [u32; 2],
    }

    /// `struct statx_timestamp`.
    StatxTimestamp { sec: i64, nsec: u32, pad: i32, }

    /// `struct statx`.
    Statx {
        mask: u32,
        blksize: u32,
        attributes: u64,
        nlink: u32,
        uid: u32,
        gid: u32,
        mode: u16,
        pad0: u16,
        ino: u64,
        size: u64,
        blocks: u64,
        attributes_mask: u64,
        atime: StatxTimestamp,
        btime: StatxTimestamp,
        ctime: StatxTimestamp,
        mtime: StatxTimestamp,
        rdev_major: u32,
        rdev_minor: u32,
        dev_major: u32,
        dev_minor: u32,
        mnt_id: u64,
        dio_mem_align: u32,
        dio_offset_align: u32,
        spare: [u64; 12],
    }

    /// `struct statfs64`.
    Statfs {
        kind: i64,
        bsize: i64,
        blocks: u64,
        bfree: u64,
        bavail: u64,
        files: u64,
        ffree: u64,
        fsid: [i32; 2],
        namelen: i64,
        frsize: i64,
        flags: i64,
        spare: [i64; 4],
    }

    /// `struct flock`.
    Flock { kind: i16, whence: i16, pad: u32, start: i64, len: i64, pid: i32, pad2: u32, }

    /// `struct f_owner_ex`.
    OwnerEx { kind: i32, pid: i32, }

    /// `struct iovec`.
    Iovec { base: u64, len: u64, }

    /// `struct iocb`.
    Iocb {
        data: u64,
        key: u32,
        rw_flags: u32,
        opcode: u16,
        priority: i16,
        fildes: u32,
        buf: u64,
        nbytes: u64,
        offset: i64,
        reserved: u64,
        flags: u32,
        resfd: u32,
    }

    /// `struct open_how`, first version.
    OpenHow { flags: u64, mode: u64, resolve: u64, }

    /// `struct xattr_args`, first version.
    XattrArgs { value: u64, size: u32, flags: u32, }

    /// `struct file_attr`, first version.
    FileAttr { xflags: u64, extsize: u32, nextents: u32, projid: u32, cowextsize: u32, }

    /// The fixed part of `struct file_handle`; the handle follows.
    HandleHead { bytes: u32, kind: i32, }

    /// `struct file_handle` of the maximum length.
    FileHandle { head: HandleHead, handle: [u8; 128], }

    /// `struct cachestat_range`.
    CachestatRange { off: u64, len: u64, }

    /// `struct cachestat`.
    Cachestat { cache: u64, dirty: u64, writeback: u64, evicted: u64, recently_evicted: u64, }

    /// The fixed part of `struct linux_dirent64`; the name follows at offset 19.
    DirentHead { ino: u64, off: i64, reclen: [u8; 2], kind: u8, name: [u8; 5], }
}

layout!(Stat: 128, mode @ 16, nlink @ 20, rdev @ 32, size @ 48, blksize @ 56, blocks @ 64, atime @ 72, ctime @ 104);
layout!(Statx: 256, mode @ 28, ino @ 32, atime @ 64, mtime @ 112, rdev_major @ 128, mnt_id @ 144);
layout!(Statfs: 120, fsid @ 56, namelen @ 64, flags @ 80);
layout!(Flock: 32, start @ 8, len @ 16, pid @ 24);
layout!(OwnerEx: 8);
layout!(Iovec: 16);
layout!(Iocb: 64, opcode @ 16, fildes @ 20, buf @ 24, flags @ 56);
layout!(OpenHow: 24);
layout!(XattrArgs: 16, size @ 8, flags @ 12);
layout!(FileAttr: 24, extsize @ 8, cowextsize @ 20);
layout!(HandleHead: 8, kind @ 4);
layout!(FileHandle: 136, handle @ 8);
layout!(CachestatRange: 16);
layout!(Cachestat: 40);
layout!(DirentHead: 24, reclen @ 16, kind @ 18, name @ 19);

impl From<&libc::stat> for Stat {
    fn from(s: &libc::stat) -> Self {
        Stat {
            dev: s.st_dev,
            ino: s.st_ino,
            mode: s.st_mode,
            // File systems also count links in 32 bits.
            nlink: s.st_nlink as u32,
            uid: s.st_uid,
            gid: s.st_gid,
            rdev: s.st_rdev,
            pad1: 0,
            size: s.st_size,
            blksize: s.st_blksize as i32,
            pad2: 0,
            blocks: s.st_blocks,
            atime: Timespec { sec: s.st_atime, nsec: s.st_atime_nsec },
            mtime: Timespec { sec: s.st_mtime, nsec: s.st_mtime_nsec },
            ctime: Timespec { sec: s.st_ctime, nsec: s.st_ctime_nsec },
            unused: [0; 2],
        }
    }
}
