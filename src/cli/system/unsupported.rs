//! The options of QEMU's system emulation that are not supported, and the purpose of each.

const OPTIONS: &[(&[&str], &str)] = &[
    (&["s", "S", "gdb"], "a GDB server"),
    (&["numa"], "NUMA nodes"),
    (&["add-fd", "readconfig", "set", "global", "compat"], "settings for devices"),
    (&["boot", "option-rom", "pflash", "mtdblock", "fw_cfg", "shim", "smbios", "acpitable"], "more firmware"),
    (&["mem-path", "mem-prealloc", "overcommit"], "choosing the host memory for RAM"),
    (&["k", "full-screen", "vga", "vnc", "spice", "g"], "a screen and a keyboard"),
    (&["audio", "audiodev", "usb", "usbdevice"], "sound and USB"),
    (&["device", "object", "tpmdev"], "more devices"),
    (&["uuid"], "an identifier of the machine"),
    (&["fda", "fdb", "hda", "hdb", "hdc", "hdd", "cdrom", "blockdev", "drive", "sd", "snapshot", "iscsi"], "disks"),
    (&["fsdev", "virtfs"], "shared host directories"),
    (&["netdev", "nic", "net"], "a network"),
    (&["chardev", "parallel", "debugcon"], "more serial ports"),
    (&["dtb"], "a device tree from a file"),
    (&["mon", "qmp", "qmp-pretty", "preconfig"], "a monitor"),
    (&["pidfile", "daemonize", "run-with", "sandbox", "runas", "chroot"], "running as a service"),
    (&["seed"], "seeding random numbers"),
    (&["L"], "a firmware directory"),
    (&["enable-kvm"], "hardware virtualization"),
    (&["no-shutdown", "action", "watchdog-action"], "actions on shutdown, reset and panic"),
    (&["loadvm", "incoming", "only-migratable", "dump-vmstate"], "snapshots and migration"),
    (&["rtc"], "choosing the time of day"),
    (&["echr"], "an escape key other than Ctrl-A"),
    (&["semihosting", "semihosting-config"], "semihosting"),
    (&["trace", "plugin", "msg", "enable-sync-profile"], "trace events and plugins"),
];

/// The purpose of an unsupported option.
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
    fn errors_name_the_option() {
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
