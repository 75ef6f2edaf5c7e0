//! Options of QEMU's whole machines that cannot be honoured, and what each is for.

const OPTIONS: &[(&[&str], &str)] = &[
    (&["s", "S", "gdb"], "waiting for a debugger"),
    (&["numa"], "memory with several nodes"),
    (&["add-fd", "readconfig", "set", "global", "compat"], "settings for devices"),
    (&["boot", "option-rom", "pflash", "mtdblock", "fw_cfg", "shim", "smbios", "acpitable"], "further firmware"),
    (&["mem-path", "mem-prealloc", "overcommit"], "choosing the host's memory"),
    (&["k", "full-screen", "vga", "vnc", "spice", "g"], "a screen and a keyboard"),
    (&["audio", "audiodev", "usb", "usbdevice"], "sound and USB"),
    (&["device", "object", "tpmdev"], "further devices"),
    (&["uuid"], "a machine with an identifier"),
    (&["fda", "fdb", "hda", "hdb", "hdc", "hdd", "cdrom", "blockdev", "drive", "sd", "snapshot", "iscsi"], "disks"),
    (&["fsdev", "virtfs"], "folders of the host"),
    (&["netdev", "nic", "net"], "a network"),
    (&["chardev", "parallel", "debugcon"], "further serial ports"),
    (&["initrd"], "an initial RAM disk"),
    (&["dtb"], "a device tree from a file"),
    (&["mon", "qmp", "qmp-pretty", "preconfig"], "a monitor"),
    (&["pidfile", "daemonize", "run-with", "sandbox", "runas", "chroot"], "running as a service"),
    (&["seed"], "seeding random numbers"),
    (&["L"], "a folder with firmware"),
    (&["enable-kvm"], "running on the host's processor"),
    (&["no-shutdown", "action", "watchdog-action"], "choosing what follows the end of the guest"),
    (&["loadvm", "incoming", "only-migratable", "dump-vmstate"], "saved states"),
    (&["rtc"], "choosing the time of day"),
    (&["icount"], "a clock that counts instructions"),
    (&["echr"], "another key than Ctrl-A"),
    (&["semihosting", "semihosting-config"], "semihosting"),
    (&["trace", "plugin", "msg", "enable-sync-profile"], "trace events and plugins"),
    (&["perfmap", "jitdump"], "a map of compiled code for perf"),
];

/// What an option of QEMU's is for that cannot be honoured.
pub(super) fn unsupported(name: &[u8]) -> Option<&'static str> {
    OPTIONS.iter().find(|(names, _)| names.iter().any(|n| n.as_bytes() == name)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::SystemOptions;
    use crate::cli::words::normalize_all;
    use clap::CommandFactory;

    #[test]
    fn each_is_refused_by_its_name() {
        for (names, what) in OPTIONS {
            for name in *names {
                for dashes in ["-", "--"] {
                    let words = ["remu-system".into(), format!("{dashes}{name}").into(), "x".into()];
                    let error = normalize_all(&SystemOptions::command(), unsupported, words).unwrap_err();
                    assert_eq!(error.to_string(), format!("option '{dashes}{name}' is not supported yet: {what}"));
                }
            }
        }
    }
}
