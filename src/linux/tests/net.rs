//! Sockets.

use super::{BEYOND, Bench, NOWHERE};
use crate::linux::abi::file::Iovec;
use crate::linux::abi::net::{Mmsghdr, Msghdr};
use crate::linux::abi::time::Timespec;
use crate::memory::GuestAddr;
use rustix::io::Errno;

const STREAM: u64 = libc::SOCK_STREAM as u64;
const UNIX: u64 = libc::AF_UNIX as u64;
const INET: u64 = libc::AF_INET as u64;

fn pair(b: &mut Bench, kind: i32) -> (u64, u64) {
    let at = b.room(8);
    assert_eq!(b.sys("socketpair", &[UNIX, kind as u64, 0, at]), Ok(0));
    let [x, y]: [i32; 2] = b.get(at);
    (x as u64, y as u64)
}

/// A loopback address with a port, in the kernel's layout.
fn address(port: u16) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = libc::AF_INET as u8;
    bytes[2..4].copy_from_slice(&port.to_be_bytes());
    bytes[4..8].copy_from_slice(&[127, 0, 0, 1]);
    bytes
}

#[test]
fn a_connection_is_made_named_used_and_closed() {
    let mut b = Bench::new();
    // On a non-blocking socket, having nothing to accept or read is an error.
    let listener = b.sys("socket", &[INET, STREAM | libc::SOCK_NONBLOCK as u64, 0]).unwrap();
    let any = b.put(&address(0));
    assert_eq!(b.sys("bind", &[listener, any, 16]), Ok(0));
    assert_eq!(b.sys("bind", &[listener, any, u64::from(u32::MAX)]), Err(Errno::INVAL));
    assert_eq!(b.sys("listen", &[listener, 5]), Ok(0));
    let (name, len) = (b.room(16), b.put(&16u32));
    assert_eq!(b.sys("getsockname", &[listener, name, len]), Ok(0));
    let port = u16::from_be_bytes([b.bytes(name, 4)[2], b.bytes(name, 4)[3]]);
    assert_ne!(port, 0);
    let client = b.sys("socket", &[INET, STREAM | libc::SOCK_CLOEXEC as u64, 0]).unwrap();
    assert_eq!(b.sys("connect", &[client, name, 16]), Ok(0));
    let (peer, peer_len) = (b.room(16), b.put(&16u32));
    let server = b.sys("accept4", &[listener, peer, peer_len, libc::SOCK_CLOEXEC as u64]).unwrap();
    assert_eq!(b.sys("fcntl", &[server, libc::F_GETFD as u64]), Ok(1));
    assert_eq!(b.bytes(peer, 8)[4..], [127, 0, 0, 1]);
    assert_eq!(b.sys("getpeername", &[client, peer, peer_len]), Ok(0));
    assert_eq!(b.bytes(peer, 16), b.bytes(name, 16));
    let text = b.put(b"hello".as_slice());
    assert_eq!(b.sys("sendto", &[client, text, 5, 0, 0, 0]), Ok(5));
    let buf = b.room(16);
    assert_eq!(b.sys("recvfrom", &[server, buf, 16, libc::MSG_PEEK as u64, 0, 0]), Ok(5));
    assert_eq!(b.sys("recvfrom", &[server, buf, 16, 0, 0, 0]), Ok(5));
    assert_eq!(b.bytes(buf, 5), b"hello");
    let second = b.sys("socket", &[INET, STREAM, 0]).unwrap();
    assert_eq!(b.sys("connect", &[second, name, 16]), Ok(0));
    let other = b.sys("accept", &[listener, 0, 0]).unwrap();
    assert_eq!(b.sys("fcntl", &[other, libc::F_GETFD as u64]), Ok(0));
    assert_eq!(b.sys("accept", &[second, 0, 0]), Err(Errno::INVAL), "the socket is not listening");
    assert_eq!(b.sys("shutdown", &[client, 1]), Ok(0));
    assert_eq!(b.sys("recvfrom", &[server, buf, 16, libc::MSG_DONTWAIT as u64, 0, 0]), Ok(0));
    assert_eq!(b.sys("sendto", &[client, text, 5, libc::MSG_NOSIGNAL as u64, 0, 0]), Err(Errno::PIPE));
    assert_eq!(b.sys("socket", &[4711, STREAM, 0]), Err(Errno::AFNOSUPPORT));
}

#[test]
fn options_are_set_and_read() {
    let mut b = Bench::new();
    let s = b.sys("socket", &[INET, STREAM, 0]).unwrap();
    let (level, keepalive) = (libc::SOL_SOCKET as u64, libc::SO_KEEPALIVE as u64);
    let (value, len) = (b.put(&1i32), b.put(&4u32));
    assert_eq!(b.sys("setsockopt", &[s, level, keepalive, value, 4]), Ok(0));
    let back = b.room(8);
    assert_eq!(b.sys("getsockopt", &[s, level, keepalive, back, len]), Ok(0));
    assert_eq!((b.get::<i32>(back), b.get::<u32>(len)), (1, 4));
    assert_eq!(b.sys("getsockopt", &[s, level, libc::SO_TYPE as u64, back, len]), Ok(0));
    assert_eq!(b.get::<i32>(back), libc::SOCK_STREAM);
    assert_eq!(b.sys("setsockopt", &[s, level, keepalive, NOWHERE, 4]), Err(Errno::FAULT));
    // IPV6_TCLASS has the same number as netfilter's IPT_SO_SET_REPLACE at another level.
    let six = b.sys("socket", &[libc::AF_INET6 as u64, STREAM, 0]).unwrap();
    let class = b.put(&32i32);
    assert_eq!(b.sys("setsockopt", &[six, libc::SOL_IPV6 as u64, 67, class, 4]), Ok(0));
    assert_eq!(b.sys("getsockopt", &[six, libc::SOL_IPV6 as u64, 67, back, len]), Ok(0));
    assert_eq!(b.get::<i32>(back), 32);
    assert_eq!(b.missing.take(), "");
    assert_eq!(b.sys("setsockopt", &[s, libc::SOL_IP as u64, 64, value, 4]), Err(Errno::NOPROTOOPT));
    assert_eq!(b.missing.take(), "setsockopt: option 64 of level 0\n");
}

#[test]
fn packets_are_filtered() {
    let mut b = Bench::new();
    let (x, y) = pair(&mut b, libc::SOCK_DGRAM);
    let level = libc::SOL_SOCKET as u64;
    let attach = libc::SO_ATTACH_FILTER as u64;
    // Loads the first byte; keeps the packet if it is 'k', and otherwise truncates it to nothing.
    let program = [(0x30u16, 0u8, 0u8, 0u32), (0x15, 0, 1, u32::from(b'k')), (0x06, 0, 0, u32::MAX), (0x06, 0, 0, 0)];
    let code: Vec<u64> = program
        .iter()
        .map(|&(code, jt, jf, k)| u64::from(code) | u64::from(jt) << 16 | u64::from(jf) << 24 | u64::from(k) << 32)
        .collect();
    let code = b.put(code.as_slice());
    let filter = b.put(&[4u64, code]);
    assert_eq!(b.sys("setsockopt", &[y, level, attach, filter, 16]), Ok(0));
    let (drop, keep, buf) = (b.text("drop"), b.text("keep"), b.room(8));
    assert_eq!(b.sys("sendto", &[x, drop, 4, 0, 0, 0]), Ok(4));
    assert_eq!(b.sys("sendto", &[x, keep, 4, 0, 0, 0]), Ok(4));
    assert_eq!(b.sys("recvfrom", &[y, buf, 8, libc::MSG_DONTWAIT as u64, 0, 0]), Ok(4));
    assert_eq!(b.bytes(buf, 4), b"keep");
    // Read back; the length counts instructions.
    let (back, len) = (b.room(32), b.put(&4u32));
    assert_eq!(b.sys("getsockopt", &[y, level, attach, back, len]), Ok(0));
    assert_eq!((b.bytes(back, 32), b.get::<u32>(len)), (b.bytes(code, 32), 4));
    assert_eq!(b.sys("setsockopt", &[y, level, attach, filter, 8]), Err(Errno::INVAL));
    assert_eq!(b.sys("setsockopt", &[y, level, attach, NOWHERE, 16]), Err(Errno::FAULT));
    let nowhere = b.put(&[4u64, NOWHERE]);
    assert_eq!(b.sys("setsockopt", &[y, level, attach, nowhere, 16]), Err(Errno::FAULT));
    let (r, _) = b.pipe();
    assert_eq!(b.sys("setsockopt", &[r, level, attach, filter, 16]), Err(Errno::NOTSOCK));
}

fn message(b: &mut Bench, base: u64, len: u64, control: u64, controllen: u64) -> Msghdr {
    let iov = b.put(&Iovec { base, len });
    Msghdr { name: 0, namelen: 0, pad1: 0, iov, iovlen: 1, control, controllen, flags: 0, pad2: 0 }
}

#[test]
fn messages_carry_descriptors() {
    let mut b = Bench::new();
    let (x, y) = pair(&mut b, libc::SOCK_DGRAM);
    let file = b.file(b"passed");
    // struct cmsghdr: length, level, type, then the descriptor.
    let control = b.put(&[20u64, 1 << 32 | libc::SOL_SOCKET as u64, file]);
    let text = b.put(b"data".as_slice());
    let header = message(&mut b, text, 4, control, 24);
    let header = b.put(&header);
    assert_eq!(b.sys("sendmsg", &[x, header, 0]), Ok(4));
    let (buf, control) = (b.room(2), b.room(64));
    let header = message(&mut b, buf, 2, control, 64);
    let header = b.put(&header);
    assert_eq!(b.sys("recvmsg", &[y, header, 0]), Ok(2));
    let got: Msghdr = b.get(header);
    assert_eq!((got.controllen, got.flags), (24, libc::MSG_TRUNC as u32));
    let passed: i32 = b.get(control + 16);
    let back = b.room(8);
    assert_eq!(b.sys("pread64", &[passed as u64, back, 8, 0]), Ok(6));
    assert_eq!(b.bytes(back, 6), b"passed");
    assert_eq!(b.sys("recvmsg", &[y, NOWHERE, 0]), Err(Errno::FAULT));
    let bad = message(&mut b, BEYOND, 4, 0, 0);
    let bad = b.put(&bad);
    assert_eq!(b.sys("sendmsg", &[x, bad, 0]), Err(Errno::FAULT));
    // The check that the descriptor is a socket comes first.
    for call in ["sendmsg", "recvmsg"] {
        for header in [NOWHERE, bad] {
            assert_eq!(b.sys(call, &[file, header, 0]), Err(Errno::NOTSOCK), "{call}");
            assert_eq!(b.sys(call, &[999_999, header, 0]), Err(Errno::BADF), "{call}");
        }
    }
}

#[test]
fn control_data_that_changes_sends_no_descriptor_of_remus() {
    use std::os::fd::AsRawFd;
    use std::sync::atomic::{AtomicBool, Ordering};
    let own = tempfile::tempfile().unwrap();
    let hidden = rustix::fs::fstat(&own).unwrap().st_ino;
    let fd = own.as_raw_fd();
    let mut b = Bench::with(|config| config.services.own_fds.push(fd));
    let (x, y) = pair(&mut b, libc::SOCK_DGRAM);
    let file = b.file(b"passed");
    let control = b.put(&[20u64, 1 << 32 | libc::SOL_SOCKET as u64, file]);
    let (text, room) = (b.put(b"data".as_slice()), b.room(64));
    let (sent, received) = (message(&mut b, text, 4, control, 24), message(&mut b, text, 4, room, 64));
    let (sent, received) = (b.put(&sent), b.put(&received));
    let (mm, done) = (b.task.mm.clone(), AtomicBool::new(false));
    let passed = std::thread::scope(|scope| {
        scope.spawn(|| {
            for fd in [file as i32, fd].into_iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                mm.write(GuestAddr(control + 16), &fd).unwrap();
            }
        });
        let mut passed = Vec::new();
        for _ in 0..20_000 {
            match b.sys("sendmsg", &[x, sent, 0]) {
                Ok(_) => {}
                Err(errno) => {
                    assert_eq!(errno, Errno::BADF);
                    continue;
                }
            }
            mm.write(GuestAddr(received), &Msghdr { controllen: 64, ..b.get(received) }).unwrap();
            assert_eq!(b.sys("recvmsg", &[y, received, 0]), Ok(4));
            let got: i32 = b.get(room + 16);
            passed.push(crate::host::stat_at(got, c"", libc::AT_EMPTY_PATH).unwrap().st_ino);
            b.sys("close", &[got as u64]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        passed
    });
    assert!(!passed.is_empty() && !passed.contains(&hidden));
}

#[test]
fn several_messages_go_in_one_call() {
    let mut b = Bench::new();
    let (x, y) = pair(&mut b, libc::SOCK_DGRAM);
    let text = b.put(b"abcdef".as_slice());
    let (one, two) = (message(&mut b, text, 2, 0, 0), message(&mut b, text + 2, 4, 0, 0));
    let list = b.put(&[Mmsghdr { hdr: one, len: 0, pad: 0 }, Mmsghdr { hdr: two, len: 0, pad: 0 }]);
    assert_eq!(b.sys("sendmmsg", &[x, list, 2, 0]), Ok(2));
    let sent: [Mmsghdr; 2] = b.get(list);
    assert_eq!((sent[0].len, sent[1].len), (2, 4));
    let buf = b.room(32);
    let headers: Vec<_> = (0..3).map(|i| message(&mut b, buf + 8 * i, 8, 0, 0)).collect();
    let list = b.put(&[0, 1, 2].map(|i: usize| Mmsghdr { hdr: headers[i], len: 0, pad: 0 }));
    assert_eq!(b.sys("recvmmsg", &[y, list, 3, libc::MSG_WAITFORONE as u64, 0]), Ok(2));
    assert_eq!((b.bytes(buf, 2), b.bytes(buf + 8, 4)), (b"ab".to_vec(), b"cdef".to_vec()));
    assert_eq!(b.sys("recvmmsg", &[y, list, 3, libc::MSG_DONTWAIT as u64, 0]), Err(Errno::AGAIN));
    // The timeout is checked after each message.
    let (soon, never) = (b.put(&Timespec { sec: 0, nsec: 1 }), b.put(&Timespec { sec: 0, nsec: -1 }));
    b.sys("sendto", &[x, text, 2, 0, 0, 0]).unwrap();
    assert_eq!(b.sys("recvmmsg", &[y, list, 3, 0, soon]), Ok(1));
    assert_eq!(b.get::<Timespec>(soon).nsec, 0);
    assert_eq!(b.sys("recvmmsg", &[y, list, 3, 0, never]), Err(Errno::INVAL));
    // The messages before an invalid one are sent.
    let bad =
        b.put(&[Mmsghdr { hdr: one, len: 0, pad: 0 }, Mmsghdr { hdr: Msghdr { iov: NOWHERE, ..two }, len: 0, pad: 0 }]);
    assert_eq!(b.sys("sendmmsg", &[x, bad, 2, 0]), Ok(1));
    assert_eq!(b.sys("sendmmsg", &[x, bad + 64, 1, 0]), Err(Errno::FAULT));
    let (r, _) = b.pipe();
    assert_eq!(b.sys("sendmmsg", &[r, NOWHERE, 1, 0]), Err(Errno::NOTSOCK));
}
