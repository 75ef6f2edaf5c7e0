//! Formats signals, signal sets and siginfo.

use super::flags::{self, Names, signal_name};
use super::{CallPrinter, errno_name};
use crate::linux::abi::signal::{RtSigframe, Siginfo};
use crate::linux::arch::riscv64 as arch;
use crate::linux::table;
use crate::memory::GuestAddr;
use std::fmt::Write;
use std::mem::offset_of;

/// A signal set. A set of most signals is shown by its complement.
pub(super) fn signal_set(set: u64) -> String {
    let (mark, set) = if set.count_ones() > 42 { ("~", !set) } else { ("", set) };
    let names: Vec<String> = (1..=64)
        .filter(|n| set >> (n - 1) & 1 != 0)
        .map(|n| signal_name(n).trim_start_matches("SIG").to_owned())
        .collect();
    format!("{mark}[{}]", names.join(" "))
}

/// The signal mask that rt_sigreturn restores, from the frame on the stack.
pub(super) fn return_mask(s: &CallPrinter<'_>) -> Option<String> {
    let at = GuestAddr(s.sp).offset((offset_of!(RtSigframe, uc) + SIGMASK) as u64);
    Some(match s.mem.read::<u64>(at) {
        Ok(mask) => format!("{{mask={}}}", signal_set(mask)),
        Err(_) => CallPrinter::pointer(s.sp),
    })
}

/// The offset of the mask in `struct ucontext`.
const SIGMASK: usize = offset_of!(crate::linux::abi::signal::Ucontext, sigmask);

/// The si_code values of a signal.
fn codes(signal: i32) -> Option<&'static Names> {
    Some(match signal {
        libc::SIGSEGV => &flags::SEGV,
        libc::SIGBUS => &flags::BUS,
        libc::SIGILL => &flags::ILL,
        libc::SIGFPE => &flags::FPE,
        libc::SIGTRAP => &flags::TRAP,
        libc::SIGCHLD => &flags::CLD,
        libc::SIGIO => &flags::POLL_CODE,
        libc::SIGSYS => &flags::SYS_CODE,
        _ => return None,
    })
}

/// A siginfo.
pub(super) fn siginfo_text(info: &Siginfo) -> String {
    if info.signo == 0 {
        return "{}".to_owned();
    }
    let own = if info.code > 0 { codes(info.signo) } else { None };
    let code = flags::SI.find(info.code as u64).or_else(|| own.and_then(|names| names.find(info.code as u64)));
    let code = code.map_or_else(|| info.code.to_string(), str::to_owned);
    let mut text = format!("{{si_signo={}, si_code={code}", signal_name(info.signo as u64));
    if info.errno != 0 {
        let name = errno_name(info.errno).map_or_else(|| info.errno.to_string(), str::to_owned);
        let _ = write!(text, ", si_errno={name}");
    }
    let low = |i: usize| info.fields[i] as i32;
    let value =
        |bits: u64| if bits == 0 { String::new() } else { format!(", si_int={}, si_ptr={bits:#x}", bits as i32) };
    let (pid, uid) = info.sender();
    let sender = format!(", si_pid={pid}, si_uid={uid}");
    let _ = match (info.signo, info.code) {
        (_, libc::SI_USER | libc::SI_TKILL) => write!(text, "{sender}"),
        (_, libc::SI_TIMER) => {
            let timer = CallPrinter::number(u64::from(pid as u32));
            write!(text, ", si_timerid={timer}, si_overrun={uid}{}", value(info.fields[1]))
        }
        (_, ..0) => write!(text, "{sender}{}", value(info.fields[1])),
        (libc::SIGCHLD, code) => {
            let status = if code == libc::CLD_EXITED { low(1).to_string() } else { signal_name(low(1) as u64) };
            write!(text, "{sender}, si_status={status}, si_utime={}, si_stime={}", info.fields[2], info.fields[3])
        }
        (libc::SIGILL | libc::SIGFPE | libc::SIGSEGV | libc::SIGBUS, _) => {
            write!(text, ", si_addr={}", CallPrinter::pointer(info.addr()))
        }
        (libc::SIGTRAP, code) if code < 0x80 => write!(text, ", si_addr={}", CallPrinter::pointer(info.addr())),
        (libc::SIGSYS, _) => {
            let call = info.fields[1] as u32;
            let name =
                table::find(call.into()).map_or_else(|| format!("{call:#x}"), |row| format!("__NR_{}", row.name));
            let arch = match (info.fields[1] >> 32) as u32 {
                arch::AUDIT_ARCH => "AUDIT_ARCH_RISCV64".to_owned(),
                other => format!("{other:#x} /* AUDIT_ARCH_??? */"),
            };
            let at = CallPrinter::pointer(info.addr());
            write!(text, ", si_call_addr={at}, si_syscall={name}, si_arch={arch}")
        }
        (libc::SIGIO, _) => {
            let band = flags::POLL.show_flags(info.fields[0]);
            write!(text, ", si_band={}, si_fd={}", band, low(1))
        }
        _ => {
            let sender = if (pid, uid) == (0, 0) { String::new() } else { sender };
            write!(text, "{sender}{}", value(info.fields[1]))
        }
    };
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siginfo_fields_depend_on_the_sender() {
        let text = |signo, code, fields: &[u64]| {
            let mut info = Siginfo::new(signo, code);
            info.fields[..fields.len()].copy_from_slice(fields);
            siginfo_text(&info)
        };
        let from = 5 | 1000 << 32;
        assert_eq!(text(0, 0, &[]), "{}");
        assert_eq!(text(libc::SIGUSR1, 0, &[from]), "{si_signo=SIGUSR1, si_code=SI_USER, si_pid=5, si_uid=1000}");
        assert_eq!(
            text(libc::SIGUSR1, -1, &[from, 42]),
            "{si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=5, si_uid=1000, si_int=42, si_ptr=0x2a}"
        );
        assert_eq!(
            text(libc::SIGALRM, -2, &[0, 7]),
            "{si_signo=SIGALRM, si_code=SI_TIMER, si_timerid=0, si_overrun=0, si_int=7, si_ptr=0x7}"
        );
        assert_eq!(text(libc::SIGSEGV, 1, &[0]), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}");
        assert_eq!(text(libc::SIGSEGV, 0x80, &[]), "{si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}");
        assert_eq!(text(libc::SIGTRAP, 1, &[0x11000]), "{si_signo=SIGTRAP, si_code=TRAP_BRKPT, si_addr=0x11000}");
        assert_eq!(
            text(libc::SIGSYS, 1, &[0x1000, 172 | 0xc000_00f3 << 32]),
            "{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0x1000, si_syscall=__NR_getpid, \
             si_arch=AUDIT_ARCH_RISCV64}"
        );
        assert_eq!(text(libc::SIGALRM, 0x80, &[]), "{si_signo=SIGALRM, si_code=SI_KERNEL}");
        assert_eq!(
            text(libc::SIGCHLD, 1, &[from, 3, 1, 2]),
            "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5, si_uid=1000, si_status=3, si_utime=1, si_stime=2}"
        );
        assert_eq!(
            text(libc::SIGCHLD, 2, &[from, 9]),
            "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=1000, si_status=SIGKILL, si_utime=0, si_stime=0}"
        );
        assert_eq!(text(libc::SIGUSR1, 77, &[]), "{si_signo=SIGUSR1, si_code=77}");
    }

    #[test]
    fn sets_are_shown_from_the_shorter_side() {
        assert_eq!(signal_set(0), "[]");
        assert_eq!(signal_set(u64::MAX), "~[]");
        assert_eq!(signal_set(!(1 << 8)), "~[KILL]");
        assert_eq!(signal_set(1 << 1 | 1 << 31 | 1 << 33), "[INT RTMIN RT_2]");
    }
}
