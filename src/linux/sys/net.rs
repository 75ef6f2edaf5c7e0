//! Sockets: messages and options.

use crate::host::{self, FilterOption, GetOption, GuestPtr, IoVec, Message, SetOption, SysArg, Timespec as HostTime};
use crate::linux::abi::net::{Cmsghdr, Mmsghdr, Msghdr, SockFprog};
use crate::linux::abi::time::Timespec;
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::sockaddr::{HostAddress, ReceivedAddress};
use crate::linux::sysroot::Intent;
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::mem::offset_of;
use zerocopy::FromBytes;

fn refuse(c: &Call<'_>) -> SysResult {
    c.unimplemented(format!("{}: option {} of level {}", c.row.name, c.int(2), c.int(1)));
    Err(Errno::NOPROTOOPT.into())
}

pub(in crate::linux) fn setsockopt(c: &mut Call<'_>) -> SysResult {
    let [_, _, _, value, len, _] = c.args;
    let Some(option) = SetOption::new(c.int(1), c.int(2), c.int(4)) else { return refuse(c) };
    let socket = c.fd(0)?;
    Ok(match option {
        SetOption::Flat(option) => option.set(socket, c.nullable(value, u64::from(len as u32))),
        SetOption::Filter(option) => match c.read::<SockFprog>(value) {
            Ok(program) => option.set(socket, program.len, c.pointer(program.filter, FilterOption::size(program.len))),
            Err(_) => option.unreadable(socket, value),
        },
    }?)
}

pub(in crate::linux) fn getsockopt(c: &mut Call<'_>) -> SysResult {
    let [_, _, _, value, len, _] = c.args;
    let Some(option) = GetOption::new(c.int(1), c.int(2)) else { return refuse(c) };
    // The kernel reads the length itself and writes at most that much. If another thread raises the length in between,
    // the kernel runs into the guard behind guest memory.
    let room: u32 = c.read(len).unwrap_or(0);
    Ok(option.get(c.fd(0)?, c.nullable(value, u64::from(room) * option.unit()), c.nullable(len, 4))?)
}

/// The name of a message.
enum Name<'c> {
    /// None, or guest memory, or what the host kernel refuses.
    Guest(Option<GuestPtr<'c>>),
    /// An address that leads elsewhere on the host.
    Sent(HostAddress),
    /// A buffer for an address that is translated.
    Received(ReceivedAddress),
}

/// The control data of a message.
enum Control<'c> {
    /// None, or guest memory, or what the host kernel refuses.
    Guest(Option<GuestPtr<'c>>),
    /// A copy that is sent: the guest cannot change it after it has been checked.
    Sent(Vec<u8>),
}

/// The most control data that is sent. Hosts allow 128 KiB unless `optmem_max` is raised.
const MAX_CONTROL: u64 = 1 << 20;

/// A message header from guest memory, after the checks that the kernel makes first.
struct CheckedMessage<'c> {
    /// The header's address.
    at: u64,
    header: Msghdr,
    list: Vec<IoVec<'c>>,
    name: Name<'c>,
    control: Control<'c>,
}

impl<'c> CheckedMessage<'c> {
    fn new(c: &'c Call<'_>, at: u64, receive: bool) -> Result<Self, Errno> {
        let header: Msghdr = c.read(at)?;
        if header.namelen < 0 {
            return Err(Errno::INVAL);
        }
        if header.controllen > i32::MAX as u64 {
            return Err(Errno::NOBUFS);
        }
        let list = c.vector(header.iov, header.iovlen).map_err(|e| match e {
            Errno::INVAL if header.iovlen > 1024 => Errno::MSGSIZE,
            other => other,
        })?;
        // The host decides whether it uses these addresses at all.
        let range = |addr: u64, len: u64| {
            let range = || c.task.mm.host_range(GuestAddr(addr), len).unwrap_or(GuestPtr::refused(addr));
            (addr != 0).then(range)
        };
        let len = header.namelen as u64;
        let (sent, received) = match receive {
            false => (c.host_address(header.name, len, Intent::Read)?, None),
            true => (None, c.received_address(header.name)),
        };
        let name = sent.map(Name::Sent).or(received.map(Name::Received));
        let name = name.unwrap_or_else(|| Name::Guest(range(header.name, len)));
        let control = match (receive, header.control) {
            (false, at) if at != 0 => c.sent_control(at, header.controllen)?,
            (_, at) => Control::Guest(range(at, header.controllen)),
        };
        Ok(Self { at, header, list, name, control })
    }

    fn message(&mut self) -> Message<'_> {
        let (name, name_len) = match &mut self.name {
            Name::Guest(name) => (name.map_or(SysArg::Null, SysArg::Guest), self.header.namelen),
            Name::Sent(address) => (SysArg::In(address.bytes()), address.bytes().len() as i32),
            Name::Received(address) => {
                let room = address.bytes.len() as i32;
                (SysArg::Out(&mut address.bytes), room)
            }
        };
        Message {
            name,
            name_len,
            list: &self.list,
            control: match &self.control {
                Control::Guest(control) => control.map_or(SysArg::Null, SysArg::Guest),
                Control::Sent(bytes) => SysArg::In(bytes),
            },
            control_len: self.header.controllen,
            flags: self.header.flags,
        }
    }

    /// Writes the kernel's results for a received message back to guest memory.
    fn received(&mut self, c: &Call<'_>, results: &Results) -> Result<(), Errno> {
        let Msghdr { name, namelen: room, .. } = self.header;
        let name_len = match &mut self.name {
            Name::Received(address) => {
                address.len = results.name_len.to_ne_bytes();
                c.write_address(address, name, room)? as i32
            }
            _ => results.name_len,
        };
        if name != 0 {
            c.write(self.at + offset_of!(Msghdr, namelen) as u64, &name_len)?;
        }
        c.write(self.at + offset_of!(Msghdr, controllen) as u64, &results.control_len)?;
        c.write(self.at + offset_of!(Msghdr, flags) as u64, &results.flags)
    }
}

/// The alignment of control messages.
const CONTROL_ALIGN: usize = 8;

impl Call<'_> {
    /// Control data to send. Fails if it would send one of remu's descriptors (SCM_RIGHTS). The host reports all other
    /// errors in it.
    fn sent_control(&self, at: u64, len: u64) -> Result<Control<'_>, Errno> {
        if len > MAX_CONTROL {
            return Err(Errno::NOBUFS);
        }
        let mut bytes = vec![0; len as usize];
        if self.task.mm.read_bytes(GuestAddr(at), &mut bytes).is_err() {
            return Ok(Control::Guest(Some(GuestPtr::refused(at))));
        }
        let mut rest = &bytes[..];
        while let Ok((head, _)) = Cmsghdr::read_from_prefix(rest) {
            let Some(data) = usize::try_from(head.len).ok().and_then(|len| rest.get(size_of::<Cmsghdr>()..len)) else {
                break;
            };
            let sends_files = (head.level, head.kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
            let mut files = data.as_chunks::<4>().0.iter().map(|&fd| i32::from_ne_bytes(fd));
            if sends_files && files.any(|fd| self.task.files.is_ours(fd)) {
                return Err(Errno::BADF);
            }
            rest = rest.get((head.len as usize).next_multiple_of(CONTROL_ALIGN)..).unwrap_or_default();
        }
        Ok(Control::Sent(bytes))
    }
}

/// The kernel's results for a received message.
struct Results {
    name_len: i32,
    control_len: u64,
    flags: u32,
}

impl Results {
    fn of(message: &Message<'_>) -> Self {
        Self { name_len: message.name_len, control_len: message.control_len, flags: message.flags }
    }
}

/// Sends or receives the message at `at`. The results of a receive are written back there.
fn one_message(c: &mut Call<'_>, receive: bool, at: u64, flags: u32) -> SysResult {
    let fd = c.fd(0)?;
    let mut checked = match CheckedMessage::new(c, at, receive) {
        Ok(checked) => checked,
        Err(e) => {
            // The kernel first checks that the descriptor is a socket. Sending no messages checks this without
            // consuming a pending socket error.
            host::messages(false, fd, &mut [], 0, None)?;
            return Err(e.into());
        }
    };
    let mut message = checked.message();
    let count = host::message(receive, fd, &mut message, flags)?;
    if receive {
        let results = Results::of(&message);
        checked.received(c, &results)?;
    }
    Ok(count)
}

pub(in crate::linux) fn sendmsg(c: &mut Call<'_>) -> SysResult {
    one_message(c, false, c.args[1], c.args[2] as u32)
}

pub(in crate::linux) fn recvmsg(c: &mut Call<'_>) -> SysResult {
    one_message(c, true, c.args[1], c.args[2] as u32)
}

/// The maximum number of messages in one call (UIO_MAXIOV).
const MESSAGES_MAX: u32 = 1024;

/// Sends or receives several messages, up to the first invalid one.
fn messages(c: &mut Call<'_>, receive: bool, timeout: Option<&mut HostTime>) -> SysResult {
    let (fd, flags) = (c.fd(0)?, c.args[3] as u32);
    let total = (c.args[2] as u32).min(MESSAGES_MAX);
    let at = |i: usize| c.args[1].wrapping_add((i * size_of::<Mmsghdr>()) as u64);
    let mut checked = Vec::new();
    let mut failed = None;
    for i in 0..total as usize {
        match CheckedMessage::new(c, at(i), receive) {
            Ok(one) => checked.push(one),
            Err(e) => {
                failed = Some(e);
                break;
            }
        }
    }
    let mut list: Vec<_> = checked.iter_mut().map(CheckedMessage::message).collect();
    let none = list.is_empty();
    // The host is called even without messages, to check that the descriptor is a socket.
    let lengths = host::messages(receive, fd, &mut list, flags, timeout)?;
    if let Some(e) = failed.filter(|_| none) {
        return Err(e.into());
    }
    let results: Vec<_> = list.iter().map(Results::of).collect();
    for (i, (len, results)) in lengths.iter().zip(&results).enumerate() {
        let told = if receive { checked[i].received(c, results) } else { Ok(()) };
        match told.and_then(|()| c.write(at(i) + offset_of!(Mmsghdr, len) as u64, len)) {
            Ok(()) => {}
            Err(e) if i == 0 => return Err(e.into()),
            Err(_) => return Ok(i as u64),
        }
    }
    Ok(lengths.len() as u64)
}

pub(in crate::linux) fn sendmmsg(c: &mut Call<'_>) -> SysResult {
    messages(c, false, None)
}

/// As in the kernel, the timeout is checked only after each message; it does not end the wait for one.
pub(in crate::linux) fn recvmmsg(c: &mut Call<'_>) -> SysResult {
    let mut timeout = c.read_opt::<Timespec>(c.args[4])?.map(|t| HostTime { sec: t.sec, nsec: t.nsec });
    let done = messages(c, true, timeout.as_mut())?;
    if let Some(left) = timeout.filter(|_| done > 0) {
        c.write(c.args[4], &Timespec { sec: left.sec, nsec: left.nsec })?;
    }
    Ok(done)
}
