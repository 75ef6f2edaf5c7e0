//! The settings of the compiler, and the code that the engines of an address space or a machine share.

use super::cache::{CodeCache, Guest};
use crate::guest::CodeListener;
use crate::guest::riscv::fp::Rm;
use crate::guest::riscv::privileged::Privileged;
use crate::guest::riscv::{Privilege, UserProgram};
use crate::jit::baseline::map::RegisterMap;
use crate::jit::baseline::{self, MAX_INSNS, USUAL_GAIN};
use crate::jit::x64::HostFeatures;
use crate::memory::machine::HartMemory;
use crate::memory::{GuestMemory, UserSpace};
use std::cell::OnceCell;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

/// Settings of the compiler, for all harts of a process or a machine.
#[derive(Clone, Debug)]
pub struct JitConfig {
    /// The most instructions of a superblock.
    pub max_block: usize,
    /// The features of the host that emitted code uses.
    pub features: HostFeatures,
    /// The size of the code cache in bytes.
    pub cache_size: usize,
    /// Whether instructions are counted from the start, and compiling is timed. If not, they are from the first block on that
    /// reads the counter. Those of a machine always are.
    pub count: bool,
    /// How often code is executed by its definition before it is compiled. With 0, all code is compiled.
    pub after: u8,
    /// Whether blocks are linked. A tracer of entries needs that they are not.
    pub link: bool,
    /// See [`Config::exchange_gain`](baseline::Config::exchange_gain).
    pub exchange_gain: u32,
}

impl JitConfig {
    /// The size of the code cache unless set otherwise, in bytes.
    pub const DEFAULT_CACHE_SIZE: usize = 64 << 20;

    /// How often the default engine executes code by its definition before it compiles it.
    pub const DEFAULT_AFTER: u8 = 2;
}

impl Default for JitConfig {
    fn default() -> Self {
        Self {
            max_block: MAX_INSNS,
            features: HostFeatures::detect(),
            cache_size: Self::DEFAULT_CACHE_SIZE,
            count: false,
            after: 0,
            link: true,
            exchange_gain: USUAL_GAIN,
        }
    }
}

/// The smallest code cache that is tried where address space is scarce, in bytes.
const SMALLEST_CACHE: usize = 1 << 20;

/// The compiled code of an address space or a machine, for [`Jit::new`](super::Jit::new).
pub struct SharedCode<P = UserProgram> {
    pub(super) cache: Arc<CodeCache>,
    /// The code calls helpers for this privileged state.
    privilege: PhantomData<fn(&P)>,
}

impl<P> Clone for SharedCode<P> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), privilege: PhantomData }
    }
}

impl<P: Privilege> SharedCode<P> {
    fn create(
        config: &JitConfig,
        mem: &P::Memory,
        base: u64,
        reservation_offset: u64,
        listener: Option<Arc<dyn CodeListener>>,
    ) -> io::Result<Self> {
        let &JitConfig { max_block, features, cache_size, count, after, link, exchange_gain } = config;
        let translates = P::Memory::TRANSLATES;
        let map = RegisterMap::new(features, base != 0);
        let config = baseline::Config {
            map: if translates { map.with_counter() } else { map },
            features,
            max_insns: max_block,
            link,
            count: count || translates,
            rounding: Some(Rm::Rne),
            translates,
            reservations: mem.reservations().address(),
            exchange_gain,
            reservation_offset: reservation_offset as i32,
        };
        let guest =
            Guest { base, helper: super::execute::execute_bits::<P> as *const () as u64, is_timed: count, after };
        let mut size = cache_size;
        loop {
            match CodeCache::new(size, config.clone(), &guest, listener.clone()) {
                Ok(cache) => return Ok(Self { cache: Arc::new(cache), privilege: PhantomData }),
                // Under a limit of address space, a smaller one may do.
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory && size > SMALLEST_CACHE => size /= 4,
                Err(error) => return Err(error),
            }
        }
    }
}

impl SharedCode {
    /// A cache without code, which discards what changes in the address space. An address space has at most one. The
    /// listener, if any, is told of all code.
    ///
    /// # Errors
    /// If the host does not give the memory.
    pub fn new(config: &JitConfig, mem: &UserSpace, listener: Option<Arc<dyn CodeListener>>) -> io::Result<Self> {
        let code = Self::create(config, mem, mem.host_offset(), 0, listener)?;
        mem.observe_code(code.cache.clone());
        Ok(code)
    }
}

/// The code of a machine, which is made together with its first hart.
pub struct MachineCompiler {
    config: JitConfig,
    listener: Option<Arc<dyn CodeListener>>,
    code: OnceCell<SharedCode<Privileged>>,
}

impl MachineCompiler {
    /// For a machine that has not been made yet. The listener, if any, is told of all code.
    pub fn new(config: JitConfig, listener: Option<Arc<dyn CodeListener>>) -> Self {
        Self { config, listener, code: OnceCell::new() }
    }

    /// The code of the machine that has this memory.
    ///
    /// # Errors
    /// If the host does not give the memory for code.
    pub fn code(&self, mem: &HartMemory) -> io::Result<SharedCode<Privileged>> {
        if let Some(code) = self.code.get() {
            return Ok(code.clone());
        }
        let code = SharedCode::create(&self.config, mem, 0, mem.physical_offset(), self.listener.clone())?;
        mem.code().changes().observe(code.cache.clone());
        Ok(self.code.get_or_init(|| code).clone())
    }
}
