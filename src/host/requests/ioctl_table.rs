//! The closed table of ioctl(2) requests, because only the request determines what its argument is.
//!
//! The kernel follows the addresses it is given. A request is passed only if its argument is known to be a number, or a
//! structure that contains no addresses and is the same on both CPUs. [`super::ioctl_through`] handles the few
//! structures with an address.

use super::through::Through;

/// What the argument of an ioctl(2) request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoctlArg {
    /// A number.
    Number,
    /// No argument: the kernel is given 0 whatever the caller passes. On another kind of file, the same number may mean
    /// a request with an address.
    Nothing,
    /// A structure of this size with the host's layout and without addresses.
    Struct(u64),
    /// A structure that contains an address.
    Holds(Through),
}

impl IoctlArg {
    /// The argument of a request; `None` if it is not known.
    pub fn of(request: u32) -> Option<Self> {
        by_number(request).or_else(|| by_encoding(request))
    }
}

use IoctlArg::{Holds, Nothing, Number, Struct};

/// The size of the kernel's `struct termios`, `struct termios2`, `struct termio` and `struct ifreq`.
const TERMIOS: u64 = 36;
const TERMIOS2: u64 = 44;
const TERMIO: u64 = 18;
const IFREQ: u64 = 40;

/// Requests from before request numbers encoded direction and size, and those whose numbers encode them wrongly.
fn by_number(request: u32) -> Option<IoctlArg> {
    Some(match libc::Ioctl::from(request) {
        // Terminals.
        libc::TCGETS | libc::TCSETS | libc::TCSETSW | libc::TCSETSF => Struct(TERMIOS),
        libc::TCGETS2 | libc::TCSETS2 | libc::TCSETSW2 | libc::TCSETSF2 => Struct(TERMIOS2),
        // TCGETA, TCSETA, TCSETAW, TCSETAF.
        0x5405..=0x5408 => Struct(TERMIO),
        // TIOCGLCKTRMIOS, TIOCSLCKTRMIOS.
        0x5456 | 0x5457 => Struct(TERMIOS),
        libc::TIOCGWINSZ | libc::TIOCSWINSZ => Struct(8),
        libc::TCSBRK | libc::TCSBRKP | libc::TCXONC | libc::TCFLSH | libc::TIOCSCTTY | libc::TIOCGPTPEER => Number,
        libc::TIOCEXCL
        | libc::TIOCNXCL
        | libc::TIOCNOTTY
        | libc::TIOCSBRK
        | libc::TIOCCBRK
        | libc::TIOCCONS
        | libc::FIOCLEX
        | libc::FIONCLEX => Nothing,
        // TIOCSIG, whose argument is a number although the encoding says otherwise; TIOCMIWAIT; TIOCVHANGUP.
        0x4004_5436 | 0x545c => Number,
        0x5437 => Nothing,
        libc::TIOCGPGRP
        | libc::TIOCSPGRP
        | libc::TIOCOUTQ
        | libc::TIOCGSID
        | libc::TIOCMGET
        | libc::TIOCMSET
        | libc::TIOCMBIS
        | libc::TIOCMBIC
        | libc::TIOCGSOFTCAR
        | libc::TIOCSSOFTCAR
        | libc::TIOCGETD
        | libc::TIOCSETD
        | libc::TIOCPKT
        | libc::FIONREAD
        | libc::FIONBIO
        | libc::FIOASYNC
        | libc::TIOCSERGETLSR => Struct(4),
        libc::TIOCSTI => Struct(1),
        // TIOCGSERIAL and TIOCSSERIAL, whose address is never followed; TIOCGICOUNT; TIOCGRS485, TIOCSRS485.
        0x541e | 0x541f => Struct(72),
        0x545d => Struct(80),
        0x542e | 0x542f => Struct(32),
        // Consoles: KIOCSOUND, KDMKTONE, KDSETLED, KDSETMODE, KDSKBMODE, KDSKBMETA, KDSKBLED; VT_RELDISP,
        // VT_ACTIVATE, VT_WAITACTIVE, VT_DISALLOCATE.
        0x4b2f | 0x4b30 | 0x4b32 | 0x4b3a | 0x4b45 | 0x4b63 | 0x4b65 | 0x5605..=0x5608 => Number,
        // KDGETLED, KDGKBTYPE, KDGETMODE, KDGKBMODE, KDGKBMETA, KDGKBLED; VT_OPENQRY.
        0x4b31 | 0x4b33 | 0x4b3b | 0x4b44 | 0x4b62 | 0x4b64 | 0x5600 => Struct(4),
        // KDGKBENT and KDSKBENT; VT_GETMODE and VT_SETMODE; VT_GETSTATE.
        0x4b46 | 0x4b47 => Struct(4),
        0x5601 | 0x5602 => Struct(8),
        0x5603 => Struct(6),
        // Files: FIBMAP, FIGETBSZ, FIOQSIZE, FICLONE.
        1 | 2 => Struct(4),
        0x5460 => Struct(8),
        libc::FICLONE => Number,
        // Block devices: BLKROSET, BLKROGET, BLKRRPART, BLKGETSIZE, BLKFLSBUF, BLKRASET and BLKRAGET,
        // BLKFRASET and BLKFRAGET, BLKSECTGET, BLKSSZGET.
        0x125d | 0x125e | 0x1268 => Struct(4),
        0x1260 | 0x1263 | 0x1265 => Struct(8),
        0x1262 | 0x1264 => Number,
        0x125f | 0x1261 => Nothing,
        0x1267 => Struct(2),
        // BLKBSZGET and BLKBSZSET, an int in the kernel and a size_t in the number; BLKGETSIZE64.
        0x8008_1270 | 0x4008_1271 | 0x8008_1272 => Struct(8),
        // BLKDISCARD, BLKSECDISCARD, BLKZEROOUT; BLKIOMIN to BLKPBSZGET; BLKDISCARDZEROES; BLKROTATIONAL;
        // BLKGETDISKSEQ.
        0x1277 | 0x127d | 0x127f => Struct(16),
        0x1278..=0x127c => Struct(4),
        0x127e => Struct(2),
        0x8008_1280 => Struct(8),
        // HDIO_GETGEO; CDROMEJECT, CDROM_DRIVE_STATUS, CDROM_LOCKDOOR, CDROM_GET_CAPABILITY.
        0x0301 => Struct(16),
        0x5309 | 0x5326 | 0x5329 | 0x5331 => Number,
        // Loop devices. LOOP_SET_STATUS and LOOP_GET_STATUS are missing: their structure differs between the CPUs.
        0x4c00 | 0x4c01 | 0x4c06..=0x4c09 | 0x4c80..=0x4c82 => Number,
        0x4c04 | 0x4c05 => Struct(232),
        0x4c0a => Struct(304),
        // Sockets: FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP, SIOCATMARK; SIOCGSTAMP, SIOCGSTAMPNS;
        // SIOCOUTQNSD; SIOCGSKNS; SIOCUNIXFILE, whose number is SIOCGETVIFCNT of a multicast router.
        0x8901..=0x8905 | 0x894b => Struct(4),
        0x8906 | 0x8907 => Struct(16),
        0x894c | 0x89e0 => Nothing,
        // `struct ifreq` without addresses: names, indices, flags, addresses, sizes, queues, hardware, bridges.
        0x8910
        | 0x8911
        | 0x8913..=0x891e
        | 0x8921..=0x8927
        | 0x8929
        | 0x8930..=0x8938
        | 0x8942
        | 0x8943
        | 0x8947..=0x8949
        | 0x8970
        | 0x8971
        | 0x89a2
        | 0x89a3 => Struct(IFREQ),
        // SIOCBRADDBR and SIOCBRDELBR: a name. SIOCDARP, SIOCGARP, SIOCSARP. SIOCGIFVLAN and SIOCSIFVLAN.
        0x89a0 | 0x89a1 => Struct(16),
        0x8953..=0x8955 => Struct(68),
        0x8982 | 0x8983 => Struct(56),
        0x8912 => Holds(Through::InterfaceList),
        // SIOCETHTOOL; SIOCSHWTSTAMP and SIOCGHWTSTAMP.
        0x8946 => Holds(Through::Ethtool),
        0x89b0 => Holds(Through::SetTimestamping),
        0x89b1 => Holds(Through::GetTimestamping),
        // TUN: the arguments of TUNSETNOCSUM, TUNSETDEBUG, TUNSETPERSIST, TUNSETOWNER, TUNSETLINK, TUNSETGROUP and
        // TUNSETOFFLOAD are numbers. TUNSETIFF, TUNGETIFF and TUNSETQUEUE have larger structures than their numbers
        // say.
        0x4004_54c8 | 0x4004_54c9 | 0x4004_54cb | 0x4004_54cc | 0x4004_54cd | 0x4004_54ce | 0x4004_54d0 => Number,
        0x4004_54ca | 0x8004_54d2 | 0x4004_54d9 => Struct(IFREQ),
        // IOCTL_VM_SOCKETS_GET_LOCAL_CID of /dev/vsock.
        0x07b9 => Struct(4),
        // Namespaces: NS_GET_OWNER_UID.
        0xb704 => Struct(4),
        _ => return None,
    })
}

/// Requests whose numbers encode direction and size. Within these types, only the structures excluded here contain
/// addresses.
fn by_encoding(request: u32) -> Option<IoctlArg> {
    /// _IOC_READ: the kernel writes the structure.
    const READ: u32 = 2;
    let (direction, size) = (request >> 30, u64::from(request >> 16 & 0x3fff));
    let (kind, number) = ((request >> 8) as u8, request as u8);
    // NS_GET_PID_FROM_PIDNS to NS_GET_TGID_IN_PIDNS: a process, despite the size in the number.
    if kind == 0xb7 && matches!(number, 6..=9) {
        return Some(Number);
    }
    let flat = match (kind, number) {
        // Files: PAGEMAP_SCAN, PROCMAP_QUERY, and two of fs-verity's.
        (b'f', 16 | 17 | 133 | 135) => false,
        // The others are flags, encryption, fiemap, and ext4's; versions; names of file systems.
        (b'f', _) | (b'v', 1 | 2) | (0x15, _) => true,
        // FIFREEZE, FITHAW, FITRIM; FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR.
        (b'X', 31 | 32 | 119..=121) => true,
        // FICLONERANGE, labels, FIDEDUPERANGE.
        (0x94, 13 | 49 | 50 | 54) => true,
        // TUN's filters.
        (b'T', 0xd5 | 0xd6 | 0xdb) => false,
        // Terminals, timers and TUN; time stamps of sockets.
        (b'T', _) | (0x89, 6 | 7) => true,
        // Clocks, random numbers, watchdogs, joysticks.
        (b'p', 0..=0x20) | (b'R', 0..=7) | (b'W', _) | (b'j', _) => true,
        // Raw HID devices. Writing requests with the same numbers load images into sound cards.
        (b'H', 1..=3) => direction == READ,
        (b'H', 4..=9) => true,
        // Input devices: EVIOCSFF, EVIOCGMASK, EVIOCSMASK.
        (b'E', 0x80 | 0x92 | 0x93) => false,
        (b'E', _) => true,
        // Namespaces, processes, the device mapper, FUSE's clone, epoll's parameters, inotify.
        (0xb7, _) | (0xff, _) | (0xfd, _) | (0xe5, 0) | (0x8a, 1 | 2) | (b'I', 0) => true,
        _ => false,
    };
    match direction {
        _ if !flat => None,
        // Without a size the argument may be anything, except in these types, which are known to take numbers.
        0 if matches!(kind, b'p' | b'R' | 0xb7 | 0xff) => Some(Number),
        0 => None,
        _ => Some(Struct(size)),
    }
}
