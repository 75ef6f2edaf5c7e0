//! ioctl requests.

use super::{Bench, CWD, NOWHERE};
use crate::linux::abi::poll::Pollfd;
use crate::linux::abi::tty::{Termios, Winsize};
use rustix::io::Errno;

#[test]
fn unknown_requests_are_enotty() {
    let mut b = Bench::new();
    let (r, w) = b.pipe();
    let text = b.put(b"abcde".as_slice());
    b.sys("write", &[w, text, 5]).unwrap();
    let count = b.room(4);
    assert_eq!(b.sys("ioctl", &[r, 0x541b, count]), Ok(0));
    assert_eq!(b.get::<i32>(count), 5);
    assert_eq!(b.sys("ioctl", &[r, 0x541b, NOWHERE]), Err(Errno::FAULT));
    let on = b.put(&1i32);
    assert_eq!(b.sys("ioctl", &[r, 0x5421, on]), Ok(0));
    assert_ne!(b.sys("fcntl", &[r, libc::F_GETFL as u64]).unwrap() & libc::O_NONBLOCK as u64, 0);
    assert_eq!(b.sys("ioctl", &[r, 0x5450, 0]), Ok(0));
    assert_eq!(b.sys("fcntl", &[r, libc::F_GETFD as u64]), Ok(0));
    assert_eq!(b.sys("ioctl", &[r, 0x5401, count]), Err(Errno::NOTTY));
    assert_eq!(b.missing.take(), "");
    assert_eq!(b.sys("ioctl", &[r, 0xdead_beef, count]), Err(Errno::NOTTY));
    assert_eq!(b.missing.take(), "ioctl request 0xdeadbeef\n");
    assert_eq!(b.sys("ioctl", &[999_999, 0xdead_beef, count]), Err(Errno::BADF));
    // TIOCLINUX, LOOP_GET_STATUS, BLKPG, DRM_IOCTL_VERSION and PAGEMAP_SCAN have structures with addresses.
    for request in [0x541c, 0x4c03, 0x1269, 0xc040_6400, 0xc060_6610] {
        assert_eq!(b.sys("ioctl", &[r, request, count]), Err(Errno::NOTTY));
        assert_eq!(b.missing.take(), format!("ioctl request {request:#x}\n"));
    }
}

/// A pseudo-terminal: the master and the slave.
fn terminal(b: &mut Bench) -> (u64, u64) {
    let path = b.text("/dev/ptmx");
    let master = b.sys("openat", &[CWD, path, (libc::O_RDWR | libc::O_NOCTTY) as u64]);
    let master = master.expect("/dev/ptmx can be opened: a container has to have /dev/pts mounted");
    let number = b.put(&0u32);
    // TIOCSPTLCK, TIOCGPTN.
    assert_eq!(b.sys("ioctl", &[master, 0x4004_5431, number]), Ok(0));
    b.task.mm.write(crate::memory::GuestAddr(number), &u32::MAX).unwrap();
    assert_eq!(b.sys("ioctl", &[master, 0x8004_5430, number]), Ok(0));
    let path = b.text(&format!("/dev/pts/{}", b.get::<u32>(number)));
    let slave = b.sys("openat", &[CWD, path, (libc::O_RDWR | libc::O_NOCTTY) as u64]).unwrap();
    (master, slave)
}

#[test]
fn a_terminal_has_settings_and_a_size() {
    let mut b = Bench::new();
    let (master, slave) = terminal(&mut b);
    let size = b.put(&Winsize { row: 24, col: 80, xpixel: 1, ypixel: 2 });
    assert_eq!(b.sys("ioctl", &[master, libc::TIOCSWINSZ, size]), Ok(0));
    let back = b.room(8);
    assert_eq!(b.sys("ioctl", &[slave, libc::TIOCGWINSZ, back]), Ok(0));
    assert_eq!(b.bytes(back, 8), b.bytes(size, 8));
    let at = b.room(size_of::<Termios>() as u64);
    assert_eq!(b.sys("ioctl", &[slave, libc::TCGETS, at]), Ok(0));
    let mut termios: Termios = b.get(at);
    assert_eq!(termios.cc[0], 3, "interrupt is control-C");
    for (request, ctrl) in [(libc::TCSETS, 5), (libc::TCSETSW, 6), (libc::TCSETSF, 7)] {
        termios.cc[0] = ctrl;
        let new = b.put(&termios);
        assert_eq!(b.sys("ioctl", &[slave, request, new]), Ok(0));
        assert_eq!(b.sys("ioctl", &[slave, libc::TCGETS, at]), Ok(0));
        assert_eq!(b.get::<Termios>(at).cc[0], ctrl);
    }
    // termios2 includes the speeds, 38400 by default.
    let at = b.room(44);
    assert_eq!(b.sys("ioctl", &[slave, libc::TCGETS2, at]), Ok(0));
    assert_eq!(b.get::<[u32; 11]>(at)[9..], [38400, 38400]);
    // The oldest structure: struct termio.
    let at = b.put(&[0xffu8; 20]);
    assert_eq!(b.sys("ioctl", &[slave, 0x5405, at]), Ok(0));
    assert_eq!((b.get::<u8>(at + 9), b.bytes(at + 18, 2)), (7, vec![0xff; 2]), "the first control character");
    assert_eq!(b.sys("ioctl", &[slave, libc::TCGETS, NOWHERE]), Err(Errno::FAULT));
}

#[test]
fn a_terminal_has_queues_and_a_line_discipline() {
    let mut b = Bench::new();
    let (master, slave) = terminal(&mut b);
    let (text, count) = (b.text("line\n"), b.room(4));
    b.sys("write", &[master, text, 5]).unwrap();
    // The line arrives asynchronously.
    let wait = b.put(&Pollfd { fd: slave as i32, events: libc::POLLIN, revents: 0 });
    assert_eq!(b.sys("ppoll", &[wait, 1, 0, 0, 8]), Ok(1));
    assert_eq!(b.sys("ioctl", &[slave, libc::FIONREAD, count]), Ok(0));
    assert_eq!(b.get::<i32>(count), 5);
    assert_eq!(b.sys("ioctl", &[slave, libc::TCFLSH, libc::TCIFLUSH as u64]), Ok(0));
    assert_eq!(b.sys("ioctl", &[slave, libc::FIONREAD, count]), Ok(0));
    assert_eq!(b.get::<i32>(count), 0);
    assert_eq!(b.sys("ioctl", &[slave, libc::TIOCGETD, count]), Ok(0));
    assert_eq!(b.get::<i32>(count), 0, "N_TTY");
    assert_eq!(b.sys("ioctl", &[slave, libc::TCFLSH, 99]), Err(Errno::INVAL));
    assert_eq!(b.sys("ioctl", &[slave, libc::TIOCEXCL, 0]), Ok(0));
    // TIOCGEXCL.
    assert_eq!(b.sys("ioctl", &[slave, 0x8004_5440, count]), Ok(0));
    assert_eq!(b.get::<i32>(count), 1);
    // TIOCGPTPEER.
    let flags = (libc::O_RDWR | libc::O_NOCTTY) as u64;
    b.sys("ioctl", &[slave, libc::TIOCNXCL, 0]).unwrap();
    assert!(b.sys("ioctl", &[master, 0x5441, flags]).is_ok());
    assert_eq!(b.missing.take(), "");
}

#[test]
fn files_have_attributes() {
    let mut b = Bench::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = b.text(file.path().to_str().unwrap());
    let fd = b.sys("openat", &[CWD, path, libc::O_RDWR as u64]).unwrap();
    let at = b.put(&u64::MAX);
    // FIGETBSZ.
    assert_eq!(b.sys("ioctl", &[fd, 2, at]), Ok(0));
    assert!(b.get::<i32>(at) >= 512);
    // File systems support different ones of these; each request must reach the file system.
    for request in [0x8008_6601, 0x8008_7601, 0x801c_581f, 0xc020_660b, 0x8100_9431] {
        let room = b.room(256);
        let result = b.sys("ioctl", &[fd, request, room]);
        assert!(
            matches!(result, Ok(0) | Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL)),
            "{request:#x} {result:?}"
        );
    }
    // FICLONE of a closed descriptor; FIDEDUPERANGE, BLKGETSIZE64, LOOP_GET_STATUS64 and
    // IOCTL_VM_SOCKETS_GET_LOCAL_CID on the wrong kind of file.
    assert_eq!(b.sys("ioctl", &[fd, libc::FICLONE, u64::MAX]), Err(Errno::BADF));
    for request in [0x8008_1272, 0x4c05, 0x1268, 0x8024_7009, 0x07b9] {
        assert_eq!(b.sys("ioctl", &[fd, request, at]), Err(Errno::NOTTY), "{request:#x}");
    }
    assert_eq!(b.missing.take(), "");
}

#[test]
fn interfaces_are_listed_and_queried() {
    let mut b = Bench::new();
    let s = b.sys("socket", &[libc::AF_INET as u64, libc::SOCK_DGRAM as u64, 0]).unwrap();
    // struct ifreq: a name, then the requested value. SIOCGIFNAME of the first interface.
    let mut request = [0u8; 40];
    request[16] = 1;
    let at = b.put(&request);
    assert_eq!(b.sys("ioctl", &[s, 0x8910, at]), Ok(0));
    assert_eq!(b.bytes(at, 3), b"lo\0");
    // SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFHWADDR.
    assert_eq!(b.sys("ioctl", &[s, 0x8933, at]), Ok(0));
    assert_eq!(b.get::<u32>(at + 16), 1);
    assert_eq!(b.sys("ioctl", &[s, 0x8921, at]), Ok(0));
    assert!(b.get::<u32>(at + 16) >= 1280);
    assert_eq!(b.sys("ioctl", &[s, 0x8927, at]), Ok(0));
    assert_eq!(b.get::<u16>(at + 16), libc::ARPHRD_LOOPBACK);
    // SIOCGIFCONF: first the required size, then the list.
    let list = b.put(&[0u64; 2]);
    assert_eq!(b.sys("ioctl", &[s, 0x8912, list]), Ok(0));
    let needed = b.get::<u32>(list);
    assert!(needed > 0 && needed.is_multiple_of(40), "{needed}: at least one interface has an address");
    let room = b.room(needed.into());
    let list = b.put(&[u64::from(needed), room]);
    assert_eq!(b.sys("ioctl", &[s, 0x8912, list]), Ok(0));
    assert_eq!(b.get::<[u64; 2]>(list), [u64::from(needed), room], "the structure keeps the guest's address");
    let names: Vec<_> = (0..needed / 40).map(|i| b.bytes(room + u64::from(i) * 40, 3)).collect();
    assert!(names.contains(&b"lo\0".to_vec()), "{names:?}");
    let bad = b.put(&[40u64, NOWHERE]);
    assert_eq!(b.sys("ioctl", &[s, 0x8912, bad]), Err(Errno::FAULT));
    assert_eq!(b.sys("ioctl", &[s, 0x8912, NOWHERE]), Err(Errno::FAULT));
    let (r, _) = b.pipe();
    assert_eq!(b.sys("ioctl", &[r, 0x8912, NOWHERE]), Err(Errno::NOTTY), "a pipe does not read the argument");
    // SIOCETHTOOL with ETHTOOL_GLINK.
    let command = b.put(&[0xau32, 77]);
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..24].copy_from_slice(&command.to_le_bytes());
    let at = b.put(&request);
    assert_eq!(b.sys("ioctl", &[s, 0x8946, at]), Ok(0));
    assert!(b.get::<u32>(command + 4) <= 1);
    assert_eq!(b.bytes(at, 40), request);
    assert_eq!(b.missing.take(), "");
}

/// The numbers say that their argument is an `int` to write to, but the kernel takes it for a process.
#[test]
fn a_pid_namespaces_translations_take_a_number() {
    let mut b = Bench::new();
    let path = b.text("/proc/self/ns/pid");
    let namespace = b.sys("openat", &[CWD, path, libc::O_RDONLY as u64]).unwrap();
    let pid = u64::from(std::process::id());
    // NS_GET_PID_FROM_PIDNS, NS_GET_TGID_FROM_PIDNS, NS_GET_PID_IN_PIDNS, NS_GET_TGID_IN_PIDNS; within one namespace
    // all of them answer the same.
    for request in [0x8004_b706, 0x8004_b707, 0x8004_b708, 0x8004_b709] {
        assert_eq!(b.sys("ioctl", &[namespace, request, pid]), Ok(pid), "{request:#x}");
    }
}
