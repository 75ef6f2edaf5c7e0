//! POSIX message queues.

use super::{Bench, NOWHERE};
use crate::host::{self, Sys, SysArg};
use crate::linux::abi::time::Timespec;
use rustix::io::Errno;

/// struct mq_attr: flags, maximum messages, maximum size, current messages.
fn attributes(b: &mut Bench, queue: u64, new: u64) -> [i64; 4] {
    let at = b.room(64);
    assert_eq!(b.sys("mq_getsetattr", &[queue, new, at]), Ok(0));
    b.get(at)
}

/// The name of a queue, which is removed when the test ends.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let name = std::ffi::CString::new(&*self.0).unwrap();
        let _ = host::pass(Sys::MqUnlink, &mut [SysArg::In(name.as_bytes_with_nul())]);
    }
}

#[test]
fn messages_arrive_by_priority() {
    let mut b = Bench::new();
    let kept = Name(format!("remu-test-{}", std::process::id()));
    let name = b.text(&kept.0);
    let flags = (libc::O_CREAT | libc::O_EXCL | libc::O_RDWR) as u64;
    let wanted = b.put(&[0i64, 4, 16, 0, 0, 0, 0, 0]);
    let queue = b.sys("mq_open", &[name, flags, 0o600, wanted]).expect("the host has message queues");
    assert_eq!(b.sys("mq_open", &[name, flags, 0o600, wanted]), Err(Errno::EXIST));
    assert_eq!(attributes(&mut b, queue, 0), [0, 4, 16, 0]);
    let text = b.put(b"lowhigh".as_slice());
    assert_eq!(b.sys("mq_timedsend", &[queue, text, 3, 1, 0]), Ok(0));
    assert_eq!(b.sys("mq_timedsend", &[queue, text + 3, 4, 7, 0]), Ok(0));
    assert_eq!(b.sys("mq_timedsend", &[queue, text, 17, 1, 0]), Err(Errno::MSGSIZE));
    assert_eq!(attributes(&mut b, queue, 0), [0, 4, 16, 2]);
    let (buf, priority) = (b.room(16), b.room(4));
    for (bytes, level) in [(b"high".as_slice(), 7), (b"low", 1)] {
        assert_eq!(b.sys("mq_timedreceive", &[queue, buf, 16, priority, 0]), Ok(bytes.len() as u64));
        assert_eq!((b.bytes(buf, bytes.len()), b.get::<u32>(priority)), (bytes.to_vec(), level));
    }
    let past = b.put(&Timespec { sec: 1, nsec: 0 });
    assert_eq!(b.sys("mq_timedreceive", &[queue, buf, 16, 0, past]), Err(Errno::TIMEDOUT));
    let nonblock = b.put(&[libc::O_NONBLOCK as i64, 0, 0, 0, 0, 0, 0, 0]);
    attributes(&mut b, queue, nonblock);
    assert_eq!(b.sys("mq_timedreceive", &[queue, buf, 16, 0, 0]), Err(Errno::AGAIN));
    assert_eq!(b.sys("mq_getsetattr", &[queue, NOWHERE, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("mq_unlink", &[name]), Ok(0));
    assert_eq!(b.sys("mq_unlink", &[name]), Err(Errno::NOENT));
}
