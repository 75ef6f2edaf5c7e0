//! The machine `virt` beside QEMU's: its device tree, its devices under bare-metal programs, and firmware.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/qemu.rs"]
mod qemu;

mod cpio;
mod firmware;
mod linux;
mod programs;
mod session;
mod tree;

use remu_isa::Xlen;
use std::process::Command;

fn remu_system() -> Command {
    Command::new(env!("CARGO_BIN_EXE_remu-system"))
}

/// remu-system on an engine.
fn remu_system_on(engine: &str) -> Command {
    let mut command = remu_system();
    command.args(["--engine", engine]);
    command
}

/// Debian's newest QEMU, without a window.
fn qemu_system(xlen: Xlen) -> Command {
    let bin = qemu::qemu_system(xlen).unwrap_or_else(|missing| panic!("{missing}"));
    let mut command = qemu::command(&bin);
    command.args(["-display", "none", "-monitor", "none"]);
    command
}
