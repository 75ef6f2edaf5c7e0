//! Debian's newest QEMU, unpacked by `tests/debian/fetch.sh --newest`.

use remu_isa::Xlen;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command that fetches QEMU.
pub const FETCH: &str = "tests/debian/fetch.sh --newest qemu-user qemu-riscv32 qemu-riscv64";

/// QEMU's binaries; if missing, the error says how to get them.
pub fn qemu(xlen: Xlen) -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = set("REMU_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?.join("remu")))
        .unwrap_or_default();
    let suite = std::env::var("SUITE").unwrap_or_else(|_| "sid".to_owned());
    let bin = cache.join(format!("debian/{suite}/amd64/qemu-user/usr/bin/qemu-riscv{}", xlen.bits()));
    if bin.exists() { Ok(bin) } else { Err(format!("{} is missing: run {FETCH}", bin.display())) }
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
