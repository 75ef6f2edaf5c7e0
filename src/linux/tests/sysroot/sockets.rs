//! Paths in the addresses of sockets.

use super::super::alone::alone;
use super::super::{Bench, NOWHERE};
use super::{Roots, snapshot};
use crate::linux::abi::file::Iovec;
use crate::linux::abi::net::{Mmsghdr, Msghdr};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener};

const DATAGRAM: u64 = libc::SOCK_DGRAM as u64;
const STREAM: u64 = libc::SOCK_STREAM as u64;

/// `struct sockaddr_un`.
fn address(path: &str) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], path.as_bytes(), b"\0"].concat()
}

fn socket(b: &mut Bench, kind: u64) -> u64 {
    b.sys("socket", &[libc::AF_UNIX as u64, kind, 0]).unwrap()
}

/// The socket arguments that stand for a path: where its address is, and the length.
fn put(b: &mut Bench, path: &str) -> (u64, u64) {
    let address = address(path);
    (b.put(address.as_slice()), address.len() as u64)
}

fn message(b: &mut Bench, (name, len): (u64, u64)) -> Msghdr {
    let base = b.room(8);
    let iov = b.put(&Iovec { base, len: 1 });
    Msghdr { name, namelen: len as i32, pad1: 0, iov, iovlen: 1, control: 0, controllen: 0, flags: 0, pad2: 0 }
}

#[test]
fn paths_are_looked_up() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let _inside = UnixDatagram::bind(roots.root.join("etc/s")).unwrap();
    let before = snapshot(&roots.root);
    let (one, two) = (socket(&mut b, DATAGRAM), socket(&mut b, DATAGRAM));
    for (path, error) in [("/etc/s", Errno::ADDRINUSE), ("/remu-only/s", Errno::ROFS)] {
        let (at, len) = put(&mut b, path);
        assert_eq!(b.sys("bind", &[one, at, len]), Err(error), "{path}");
    }
    let host = put(&mut b, &roots.host("s"));
    assert_eq!(b.sys("bind", &[one, host.0, host.1]), Ok(0));
    let inside = put(&mut b, "/etc/s");
    for (at, len) in [host, inside] {
        assert_eq!(b.sys("sendto", &[two, at, 1, 0, at, len]), Ok(1));
        let header = message(&mut b, (at, len));
        let list = b.put(&[Mmsghdr { hdr: header, len: 0, pad: 0 }; 2]);
        assert_eq!(b.sys("sendmsg", &[two, list, 0]), Ok(1));
        assert_eq!(b.sys("sendmmsg", &[two, list, 2, 0]), Ok(2));
    }
    let missing = put(&mut b, "/etc/no-such-socket");
    let [good, bad] = [inside, missing].map(|name| Mmsghdr { hdr: message(&mut b, name), len: 0, pad: 0 });
    let list = b.put(&[good, bad]);
    assert_eq!(b.sys("sendmmsg", &[two, list, 2, 0]), Ok(1), "up to the first that fails");
    assert_eq!(b.sys("sendmsg", &[two, list + 64, 0]), Err(Errno::NOENT));
    assert_eq!(b.sys("sendto", &[two, list, 1, 0, missing.0, missing.1]), Err(Errno::NOENT));
    assert_eq!(b.sys("connect", &[two, inside.0, inside.1]), Ok(0));
    // Other descriptors are refused before the path is looked up.
    let inet = b.sys("socket", &[libc::AF_INET as u64, DATAGRAM, 0]).unwrap();
    let file = b.file(b"");
    for (fd, error) in [(inet, Errno::AFNOSUPPORT), (file, Errno::NOTSOCK), (999_999, Errno::BADF)] {
        assert_eq!(b.sys("sendmsg", &[fd, list + 64, 0]), Err(error));
        assert_eq!(b.sys("sendto", &[fd, list, 1, 0, missing.0, missing.1]), Err(error));
    }
    assert_eq!(snapshot(&roots.root), before);
}

/// What a call has written as an address, and the length that it has told.
fn told(b: &Bench, at: u64, len: u64, room: usize) -> (Vec<u8>, u32) {
    let len: u32 = b.get(len);
    (b.bytes(at, room.min(len as usize)), len)
}

#[test]
fn names_come_back_as_the_guests() {
    let roots = Roots::new();
    let mut b = roots.bench();
    let wanted = address("/etc/s");
    let whole = (wanted.clone(), wanted.len() as u32);
    let cut = (wanted[..6].to_vec(), wanted.len() as u32);
    // The peers are the host's, bound below the sysroot.
    let listener = UnixListener::bind(roots.root.join("etc/s")).unwrap();
    let (at, len) = put(&mut b, "/etc/s");
    let client = socket(&mut b, STREAM);
    assert_eq!(b.sys("connect", &[client, at, len]), Ok(0));
    let name = b.room(128);
    for (room, answer) in [(128u32, &whole), (6, &cut)] {
        let size = b.put(&room);
        assert_eq!(b.sys("getpeername", &[client, name, size]), Ok(0));
        assert_eq!(told(&b, name, size, room as usize), *answer);
    }
    // An unnamed socket has no path, and an abstract one none to translate.
    let size = b.put(&128u32);
    assert_eq!(b.sys("getsockname", &[client, name, size]), Ok(0));
    assert_eq!(told(&b, name, size, 128), (vec![1, 0], 2));
    drop(listener);
    fs::remove_file(roots.root.join("etc/s")).unwrap();
    let sender = UnixDatagram::bind(roots.root.join("etc/s")).unwrap();
    let receiver = socket(&mut b, DATAGRAM);
    let own = put(&mut b, &roots.host("s"));
    assert_eq!(b.sys("bind", &[receiver, own.0, own.1]), Ok(0));
    let size = b.put(&128u32);
    assert_eq!(b.sys("getsockname", &[receiver, name, size]), Ok(0));
    assert_eq!(told(&b, name, size, 128), (address(&roots.host("s")), own.1 as u32));
    let buf = b.room(8);
    for (room, answer) in [(128u32, &whole), (6, &cut), (0, &(Vec::new(), cut.1))] {
        let send = || sender.send_to(b"x", roots.host("s")).unwrap();
        send();
        let size = b.put(&room);
        assert_eq!(b.sys("recvfrom", &[receiver, buf, 8, 0, name, size]), Ok(1));
        assert_eq!(told(&b, name, size, room as usize), *answer);
        send();
        let header = message(&mut b, (name, room.into()));
        let header = b.put(&Mmsghdr { hdr: header, len: 0, pad: 0 });
        assert_eq!(b.sys("recvmsg", &[receiver, header, 0]), Ok(1));
        assert_eq!(told(&b, name, header + 8, room as usize), *answer);
        send();
        let header = message(&mut b, (name, room.into()));
        let header = b.put(&Mmsghdr { hdr: header, len: 0, pad: 0 });
        assert_eq!(b.sys("recvmmsg", &[receiver, header, 1, 0, 0]), Ok(1));
        assert_eq!(told(&b, name, header + 8, room as usize), *answer);
    }
    // A message is lost if its sender cannot be told, as in the kernel.
    for (at, size, error) in
        [(NOWHERE, b.put(&128u32), Errno::FAULT), (name, NOWHERE, Errno::FAULT), (name, b.put(&-1i32), Errno::INVAL)]
    {
        sender.send_to(b"x", roots.host("s")).unwrap();
        assert_eq!(b.sys("recvfrom", &[receiver, buf, 8, 0, at, size]), Err(error));
        let again = b.sys("recvfrom", &[receiver, buf, 8, libc::MSG_DONTWAIT as u64, 0, 0]);
        assert_eq!(again, Err(Errno::AGAIN));
    }
}

#[test]
fn accepted_names_come_back_as_the_guests() {
    alone(|| {
        let roots = Roots::new();
        let mut b = roots.bench();
        let name = b.room(128);
        // A client that is bound below the sysroot, which only a process of the host can be.
        let mut plain = Bench::new();
        let connect = |plain: &mut Bench, n: u32| {
            let client = socket(plain, STREAM);
            let (at, len) = put(plain, roots.root.join(format!("etc/c{n}")).to_str().unwrap());
            plain.sys("bind", &[client, at, len]).unwrap();
            let (at, len) = put(plain, &roots.host("l"));
            plain.sys("connect", &[client, at, len]).unwrap();
        };
        let listener = socket(&mut b, STREAM);
        let (at, len) = put(&mut b, &roots.host("l"));
        assert_eq!(b.sys("bind", &[listener, at, len]), Ok(0));
        assert_eq!(b.sys("listen", &[listener, 5]), Ok(0));
        for (n, call) in [(0, "accept"), (1, "accept4")] {
            connect(&mut plain, n);
            let size = b.put(&128u32);
            let fd = b.sys(call, &[listener, name, size, 0]).unwrap();
            assert_eq!(told(&b, name, size, 128).0, address(&format!("/etc/c{n}")));
            connect(&mut plain, n + 2);
            let next = b.sys("dup", &[fd]).unwrap();
            b.sys("close", &[next]).unwrap();
            assert_eq!(b.sys(call, &[listener, NOWHERE, size, 0]), Err(Errno::FAULT));
            assert_eq!(b.sys("dup", &[fd]), Ok(next), "no descriptor is left");
        }
    });
}

#[test]
fn a_path_may_be_longer_on_the_host() {
    alone(|| {
        let mut roots = Roots::new();
        // A socket below a long name, which only a relative path can be bound to.
        let long = roots.root.join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        fs::rename(roots.root.join("etc"), long.join("etc")).unwrap();
        std::env::set_current_dir(long.join("etc")).unwrap();
        let _inside = UnixListener::bind("s").unwrap();
        std::env::set_current_dir("/").unwrap();
        symlink(roots.host("only"), long.join("etc/far")).unwrap();
        fs::remove_file(roots.host.join("only")).unwrap();
        let far = roots.host.join("y".repeat(100));
        fs::create_dir(&far).unwrap();
        symlink(&far, roots.host.join("only")).unwrap();
        roots.root = long;
        let mut b = roots.bench();
        let (at, len) = put(&mut b, "/etc/s");
        let client = socket(&mut b, STREAM);
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        assert_eq!(b.sys("connect", &[client, at, len]), Ok(0));
        assert_eq!(open(), before, "the path took no descriptor");
        let datagram = socket(&mut b, DATAGRAM);
        let header = message(&mut b, (at, len));
        let header = b.put(&Mmsghdr { hdr: header, len: 0, pad: 0 });
        assert_eq!(b.sys("sendmsg", &[datagram, header, 0]), Err(Errno::PROTOTYPE), "it is a stream");
        // The kernel keeps the address of a bound socket as it was given.
        let (at, len) = put(&mut b, "/etc/far/new");
        assert_eq!(b.sys("bind", &[datagram, at, len]), Err(Errno::NAMETOOLONG));
    });
}
