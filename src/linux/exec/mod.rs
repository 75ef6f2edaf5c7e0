//! Starting a program, as execve(2) does: from a path to a process that is about to execute its first instruction.
//!
//! [`Target`] finds the files. [`Image::load`] makes the address space, maps the program and fills its stack. The first
//! [`Task`](super::Task) is made from the image. A [`ProcessSpec`] says how the process runs: the command line makes
//! one from its options.

mod advice;
mod error;
mod find;
mod successor;

pub use advice::NotFound;
pub use error::ExecError;
pub use find::{CROSS_SYSROOT, SearchPlaces, Target};
pub use successor::{Executing, Handover, Options, Successor};

use super::Vdso;
use super::abi::signal::RtSigframe;
use super::arch::riscv64 as arch;
use super::limits::Limits;
use crate::elf::{self, Auxv, Credentials, Layout, LoadError};
use crate::guest::riscv::{Cpu, profiles};
use crate::host;
use crate::memory::{GuestAddr, Mdwe, SpaceConfig, UserSpace};
use remu_isa::{ExtSet, Isa, Xlen};
use std::ffi::CString;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// How a process runs. The programs that it executes, and its children, run the same way.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// The directory that has some of the guest's files, by its canonical path. Without one, the search for a dynamic
    /// linker or a script interpreter may find it.
    pub sysroot: Option<PathBuf>,
    /// The extensions of its CPU.
    pub exts: ExtSet,
    /// The kernel release that uname reports, if not the host's.
    pub release: Option<String>,
    /// The limits on its memory.
    pub limits: Limits,
    /// Its memory-deny-write-execute flags when it starts.
    pub mdwe: Mdwe,
    /// The first address past its address space.
    pub address_limit: GuestAddr,
    /// Whether the layout of its memory is randomized. personality(2) can disable this, too.
    pub is_randomized: bool,
    /// The seed of AT_RANDOM and the memory layout; `None` for random ones.
    pub seed: Option<u64>,
}

/// A program to execute.
#[derive(Debug)]
pub struct ExecRequest {
    /// Its path on the host.
    pub program: PathBuf,
    /// The program if it is already open.
    pub file: Option<File>,
    /// Whether files that are open for writing are refused, as the kernel does. The next remu does not check them again,
    /// since the call cannot fail any more.
    pub refuses_writers: bool,
    /// The executed path (AT_EXECFN).
    pub given_path: PathBuf,
    /// What a script's interpreter gets as the script's name; `None` if it could not open the script, whose descriptor is
    /// closed by then.
    pub script_name: Option<CString>,
    /// The arguments, the program's name first.
    pub argv: Vec<CString>,
    /// The environment.
    pub envp: Vec<CString>,
}

/// A loaded program: its address space, and what the kernel remembers of its start.
#[derive(Debug)]
pub struct Image {
    /// The address space.
    pub space: Arc<UserSpace>,
    /// The vDSO in it.
    pub vdso: Vdso,
    /// The host's path of the program.
    pub exe: PathBuf,
    /// A descriptor of remu's for the program's file, which stays open.
    pub exe_file: Option<i32>,
    /// The arguments, for /proc/self/cmdline.
    pub args: Vec<CString>,
    /// The environment, for /proc/self/environ.
    pub env: Vec<CString>,
    /// The auxiliary vector, for /proc/self/auxv.
    pub auxv: Vec<(u64, u64)>,
    /// The initial stack pointer.
    pub start_stack: GuestAddr,
}

impl Image {
    /// Loads a program into an address space of its own. `observe` gets the space before anything is mapped in it.
    /// Returns the CPU state at the program's first instruction, too.
    pub fn load(
        spec: &ProcessSpec,
        target: Target,
        request: &ExecRequest,
        observe: impl FnOnce(&Arc<UserSpace>),
    ) -> Result<(Self, Cpu), ExecError> {
        let failed = |error: LoadError| ExecError::Load { path: request.program.clone(), error };
        let space = Arc::new(UserSpace::new(&SpaceConfig { limit: spec.address_limit, identity: true })?);
        space.set_limits(spec.limits.of_space());
        space.set_mdwe(spec.mdwe).expect("a new space has no flags yet");
        observe(&space);
        // `setarch -R` disables randomization, too, as on the kernel.
        let is_randomized = spec.is_randomized && host::personality() & libc::ADDR_NO_RANDOMIZE as u32 == 0;
        // AT_RANDOM has other bytes, since the program sees those.
        let layout = |seed: Option<u64>| random(seed.map(|seed| !seed)).map(u64::from_le_bytes);
        space.lay_out(spec.limits.stack.cur, is_randomized.then(|| layout(spec.seed)).transpose()?);
        let mapped = elf::map(&space, &target.program, target.interpreter.as_ref()).map_err(failed)?;
        let vdso = Vdso::map(&space)?;
        let layout = Layout {
            given_path: &request.given_path,
            argv: &target.argv,
            envp: &request.envp,
            random: random(spec.seed)?,
            auxv: auxv(spec, vdso),
        };
        let loaded = mapped.enter(&space, &layout).map_err(failed)?;
        let mut cpu = Cpu::new(Isa::new(Xlen::Rv64, spec.exts));
        cpu.enter(loaded.entry.0);
        arch::set_stack_pointer(&mut cpu, loaded.sp.0);
        let image = Self {
            space,
            vdso,
            exe: target.program.path.to_path_buf(),
            exe_file: None,
            args: target.argv,
            env: request.envp.clone(),
            auxv: loaded.auxv,
            start_stack: loaded.sp,
        };
        Ok((image, cpu))
    }
}

fn auxv(spec: &ProcessSpec, vdso: Vdso) -> Auxv {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    let credentials = Credentials {
        uid: getuid().as_raw(),
        euid: geteuid().as_raw(),
        gid: getgid().as_raw(),
        egid: getegid().as_raw(),
    };
    Auxv {
        hwcap: profiles::hwcap(spec.exts),
        min_signal_stack: size_of::<RtSigframe>() as u64,
        vdso: Some(vdso.base),
        rseq: None,
        interpreter_base: GuestAddr(0),
        credentials,
        secure: host::is_secure(),
    }
}

/// Random bytes: from the host, or derived from the seed.
fn random<const N: usize>(seed: Option<u64>) -> Result<[u8; N], ExecError> {
    let mut bytes = [0; N];
    match seed {
        None => {
            let mut done = 0;
            while done < bytes.len() {
                match rustix::rand::getrandom(&mut bytes[done..], rustix::rand::GetRandomFlags::empty()) {
                    Ok(n) => done += n,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(ExecError::Random(e.into())),
                }
            }
        }
        Some(seed) => {
            for (nth, chunk) in (1..).zip(bytes.chunks_exact_mut(8)) {
                chunk.copy_from_slice(&host::split_mix(seed, nth).to_le_bytes());
            }
        }
    }
    Ok(bytes)
}
