//! Debian's newest QEMU, unpacked by `tests/debian/fetch.sh --newest`.

#![allow(dead_code, reason = "each test binary uses a part")]

use remu_isa::Xlen;
use std::path::{Path, PathBuf};
use std::process::Command;

/// QEMU's binary for Linux programs; if missing, the error says how to get it.
pub fn qemu(xlen: Xlen) -> Result<PathBuf, String> {
    let bin = format!("usr/bin/qemu-riscv{}", xlen.bits());
    fetched("qemu-user", &bin, "qemu-user qemu-riscv32 qemu-riscv64")
}

/// QEMU's binary for whole machines; if missing, the error says how to get it.
pub fn qemu_system(xlen: Xlen) -> Result<PathBuf, String> {
    let bin = format!("usr/bin/qemu-system-riscv{}", xlen.bits());
    fetched("qemu-system-riscv", &bin, "qemu-system-riscv qemu-system-riscv32 qemu-system-riscv64")
}

/// A file of a package that `tests/debian/fetch.sh --newest WORDS` unpacks; if missing, the error says so.
pub fn fetched(package: &str, file: &str, words: &str) -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = set("REMU_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?.join("remu")))
        .unwrap_or_default();
    let suite = std::env::var("SUITE").unwrap_or_else(|_| "sid".to_owned());
    let path = cache.join(format!("debian/{suite}/amd64/{package}/{file}"));
    let missing = || format!("{} is missing: run tests/debian/fetch.sh --newest {words}", path.display());
    if path.exists() { Ok(path) } else { Err(missing()) }
}

/// A command that runs a QEMU binary, with the dynamic linker from the same unpacked tree, if any.
pub fn command(bin: &Path) -> Command {
    let root = bin.ancestors().nth(3).unwrap_or(bin);
    let linker = root.join("usr/lib64/ld-linux-x86-64.so.2");
    if !linker.exists() {
        return Command::new(bin);
    }
    let mut c = Command::new(linker);
    c.arg("--library-path").arg(root.join("usr/lib/x86_64-linux-gnu")).arg(bin);
    c
}

/// A CPU with all extensions except zama16b (misaligned atomics), which no extension of the tables allows.
pub const CPU: [&str; 2] = ["-cpu", "max,zama16b=off"];

/// The same for whole machines, also without the hypervisor's extension, and without the one that leaves reserved bits of
/// page-table entries to software.
pub const SYSTEM_CPU: [&str; 2] = ["-cpu", "max,zama16b=off,h=off,svrsw60t59b=off"];
