//! Formats terminal settings and the requests of ioctl(2).

use super::CallPrinter;
use super::flags::{self, Names};
use crate::linux::abi::structs::INT;
use crate::linux::abi::tty::{Termios, Winsize};
use crate::memory::GuestAddr;

/// The name of a request, or the parts of its number.
pub(super) fn request_name(request: u64) -> String {
    let request = request as u32;
    if let Some(name) = flags::IOCTL.find(request.into()) {
        return name.to_owned();
    }
    let direction = match request >> 30 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    };
    let (size, kind, number) = (request >> 16 & 0x3fff, request >> 8 & 0xff, request & 0xff);
    format!("_IOC({direction}, {kind:#x}, {number:#x}, {size:#x})")
}

/// The argument of a request; `None` if it has none.
pub(super) fn argument(s: &CallPrinter<'_>, i: usize) -> Option<String> {
    let addr = s.args[i];
    Some(match s.args[1] as u32 as libc::Ioctl {
        libc::TCGETS => s.written(addr, || termios(s, addr)),
        libc::TCSETS | libc::TCSETSW | libc::TCSETSF => termios(s, addr),
        libc::TIOCGWINSZ => s.written(addr, || winsize(s, addr)),
        libc::TIOCSWINSZ => winsize(s, addr),
        libc::FIONREAD | libc::TIOCGPGRP | libc::TIOCOUTQ | libc::TIOCGSID | libc::TIOCGPTN => {
            s.written(addr, || s.structure(&INT, addr))
        }
        libc::FIONBIO | libc::TIOCSPGRP | libc::TIOCSPTLCK | libc::FIOASYNC => s.structure(&INT, addr),
        libc::TCFLSH => flags::TCFLSH.show_value(addr),
        libc::TCXONC => flags::TCXONC.show_value(addr),
        libc::TCSBRK | libc::TCSBRKP | libc::TIOCSCTTY => s.int(i).to_string(),
        libc::FIOCLEX | libc::FIONCLEX | libc::TIOCNOTTY | libc::TIOCEXCL | libc::TIOCNXCL => return None,
        _ => CallPrinter::number(addr),
    })
}

fn termios(s: &CallPrinter<'_>, addr: u64) -> String {
    let Ok(t) = s.mem.read::<Termios>(GuestAddr(addr)) else { return CallPrinter::pointer(addr) };
    let (oflag, cflag) = (u64::from(t.oflag), u64::from(t.cflag));
    let mut output: Vec<String> = DELAYS.iter().map(|(mask, names)| names.show_value(oflag & mask)).collect();
    let delays = DELAYS.iter().fold(0, |all, (mask, _)| all | mask);
    output.extend(rest(&flags::OFLAG, oflag & !delays));
    let mut control = vec![flags::BAUD.show_value(cflag & CBAUD), flags::CSIZE.show_value(cflag & CSIZE)];
    control.extend(rest(&flags::CFLAG, cflag & !(CBAUD | CSIZE)));
    format!(
        "{{c_iflag={}, c_oflag={}, c_cflag={}, c_lflag={}, ...}}",
        flags::IFLAG.show_flags(t.iflag.into()),
        output.join("|"),
        control.join("|"),
        flags::LFLAG.show_flags(t.lflag.into())
    )
}

const CBAUD: u64 = 0o10017;
const CSIZE: u64 = 0o60;

/// The multi-bit fields of `c_oflag`.
const DELAYS: [(u64, &Names); 6] = [
    (0o400, &flags::NLDLY),
    (0o3000, &flags::CRDLY),
    (0o14000, &flags::TABDLY),
    (0o20000, &flags::BSDLY),
    (0o40000, &flags::VTDLY),
    (0o100000, &flags::FFDLY),
];

fn rest(names: &Names, bits: u64) -> Option<String> {
    (bits != 0).then(|| names.show_flags(bits))
}

fn winsize(s: &CallPrinter<'_>, addr: u64) -> String {
    let Ok(w) = s.mem.read::<Winsize>(GuestAddr(addr)) else { return CallPrinter::pointer(addr) };
    format!("{{ws_row={}, ws_col={}, ws_xpixel={}, ws_ypixel={}}}", w.row, w.col, w.xpixel, w.ypixel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_requests_are_decoded() {
        assert_eq!(request_name(0x5413), "TIOCGWINSZ");
        assert_eq!(request_name(0x1234_5678), "_IOC(_IOC_NONE, 0x56, 0x78, 0x1234)");
        assert_eq!(request_name(0xc018_6201), "_IOC(_IOC_READ|_IOC_WRITE, 0x62, 0x1, 0x18)");
    }
}
