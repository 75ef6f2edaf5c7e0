//! Runs a program under QEMU, and the same bytes in remu's interpreter.

use crate::program::{CODE, Program};
use crate::qemu::{CPU, command, qemu};
use remu::guest::riscv::{Base, Cpu, Rv32, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::memory::{FaultKind, GuestAddr, GuestFault, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Isa, Xlen};
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

/// How a program ended, in terms common to both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With status 0 and this output.
    Output(Vec<u8>),
    /// By a signal: its number.
    Signal(i32),
    /// Otherwise: the error message.
    Other(String),
}

pub fn qemu_version() -> Result<String, String> {
    let out = command(&qemu(Xlen::Rv64)?).arg("--version").output().map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or("").to_owned())
}

/// Runs the program under QEMU.
pub fn under_qemu(program: &Program) -> End {
    let bin = qemu(program.xlen).unwrap_or_else(|e| panic!("{e}"));
    // A temporary folder, which also takes core dumps.
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("program");
    std::fs::write(&file, program.elf()).expect("writing a program");
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("making it executable");
    let mut child = command(&bin)
        .args(CPU)
        .arg(&file)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", bin.display()));
    // QEMU writes little to standard error, and only at its end.
    let (mut out, mut err) = (Vec::new(), String::new());
    child.stdout.take().expect("stdout is piped").read_to_end(&mut out).expect("reading QEMU's output");
    child.stderr.take().expect("stderr is piped").read_to_string(&mut err).expect("reading QEMU's messages");
    let status = child.wait().expect("waiting for QEMU");
    // The first line on either stream is the error; registers may follow.
    let message = err + &String::from_utf8_lossy(if status.success() { b"" } else { &out });
    let message = message.lines().find(|l| !l.is_empty()).unwrap_or("");
    match (status.code(), status.signal()) {
        (Some(0), _) => End::Output(out),
        (_, Some(signal)) => End::Signal(signal),
        _ => End::Other(format!("{status}: {message}")),
    }
}

/// Runs the program in remu.
pub fn under_remu(program: &Program) -> End {
    interpret(program, InterpConfig::default())
}

/// As above, with one instruction per basic block.
pub fn single_stepped(program: &Program) -> End {
    interpret(program, InterpConfig { max_block: 1, ..InterpConfig::default() })
}

fn interpret(program: &Program, config: InterpConfig) -> End {
    match program.xlen {
        Xlen::Rv64 => interpret_as::<Rv64>(program, Isa::rv64_max(), config),
        Xlen::Rv32 => interpret_as::<Rv32>(program, Isa::rv32_max(), config),
    }
}

fn interpret_as<B: Base>(program: &Program, isa: Isa, config: InterpConfig) -> End {
    let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).expect("an address space");
    for (flags, address, contents, size) in program.segments() {
        let address = GuestAddr(address);
        let all = Prot::READ | Prot::WRITE;
        mem.map(&MapRequest::anonymous(Place::Fixed(address), size, all)).expect("mapping a segment");
        mem.write_bytes(address, contents).expect("loading a segment");
        let prot = match flags {
            5 => Prot::READ | Prot::EXEC,
            4 => Prot::READ,
            _ => all,
        };
        mem.protect(address, size.next_multiple_of(0x1000), prot).expect("protecting a segment");
    }
    let mut cpu = Cpu::new(isa);
    cpu.pc = CODE;
    let mut hart = HartOwner::<B>::new(cpu);
    let mut engine = Interp::<B>::new(config);
    engine.watch_code(mem.watch_code(hart.cell().clone()));
    let mut out = Vec::new();
    loop {
        match engine.run(&mut hart, &mut UserProgram::new(), &mem) {
            Exit::Syscall => {}
            Exit::Illegal { .. } => return End::Signal(libc::SIGILL),
            Exit::Breakpoint => return End::Signal(libc::SIGTRAP),
            Exit::Fault(GuestFault { kind: FaultKind::Misaligned | FaultKind::NoBacking, .. }) => {
                return End::Signal(libc::SIGBUS);
            }
            Exit::Fault(_) => return End::Signal(libc::SIGSEGV),
            other => return End::Other(format!("{other:?} at {:#x}", hart.cpu().pc)),
        }
        let cpu = hart.cpu_mut();
        let [number, _, address, len] = [17, 10, 11, 12].map(|r| cpu.x(r));
        match number {
            64 => {
                let at = out.len();
                out.resize(at + len as usize, 0);
                mem.read_bytes(GuestAddr(address), &mut out[at..]).expect("the output is mapped");
                cpu.set_x(10, len);
            }
            93 => return End::Output(out),
            _ => return End::Other(format!("call {number}")),
        }
        cpu.pc += 4;
    }
}
