//! Memory as one hart of a machine sees it.

use super::code::MachineCode;
use super::pmp::PmpView;
use super::tlb::{Bank, Tlb};
use super::walk::{Level, Regime, Tables, WalkOptions, translate};
use super::{Mmio, Ram};
use crate::memory::access;
use crate::memory::{
    Access, AtomicRmw, AtomicSize, BadAddress, CodePlace, FaultKind, FetchView, GuestAddr, GuestFault, GuestMemory,
    Inside, MemoryError, PAGE_SIZE, Reservations, Stored,
};
use std::cell::{Cell, RefCell};
use std::ops::Range;

use std::sync::Arc;

/// The target of an access.
#[derive(Clone, Copy)]
enum Place {
    Ram(*mut u8),
    /// Its physical address.
    Device(u64),
}

/// Memory as one hart of a machine sees it.
pub struct HartMemory {
    /// The banks in force, which are among those of `tlb`.
    data: Cell<*const Bank>,
    fetches: Cell<*const Bank>,
    /// Their indices.
    selected: Cell<[usize; 2]>,
    tlb: Tlb,
    pmp: RefCell<PmpView>,
    options: Cell<WalkOptions>,
    memories: Vec<Arc<Ram>>,
    mmio: Arc<dyn Mmio>,
    /// The first address past the physical address space.
    limit: u64,
    /// Whether misaligned loads and stores fault.
    aligned_only: bool,
    reservations: Arc<Reservations>,
    code: Arc<MachineCode>,
    /// How many of the pages that hold code the TLB has been told of.
    code_seen: Cell<usize>,
}

// SAFETY: the pointers lead to banks of `tlb`, which are in an allocation of their own that moves with the value. No copy of
// them leaves this value.
unsafe impl Send for HartMemory {}

impl HartMemory {
    /// The memory of a hart in machine mode. `memories` do not overlap.
    pub fn new(memories: Vec<Arc<Ram>>, mmio: Arc<dyn Mmio>) -> Self {
        let tlb = Tlb::new();
        let first = tlb.select(&Regime::MACHINE, usize::MAX);
        let bank = Cell::new(std::ptr::from_ref(tlb.bank(first)));
        Self {
            data: bank.clone(),
            fetches: bank,
            selected: Cell::new([first; 2]),
            tlb,
            pmp: RefCell::default(),
            options: Cell::default(),
            memories,
            mmio,
            limit: 1 << 56,
            aligned_only: false,
            reservations: Arc::default(),
            code: Arc::default(),
            code_seen: Cell::new(0),
        }
    }

    /// Shares the reservations of LR/SC and the code with the other harts of the machine.
    #[must_use]
    pub fn sharing(mut self, reservations: Arc<Reservations>, code: Arc<MachineCode>) -> Self {
        self.reservations = reservations;
        self.code = code;
        self
    }

    /// Makes misaligned loads and stores fault.
    #[must_use]
    pub fn aligned_only(mut self) -> Self {
        self.aligned_only = true;
        self
    }

    /// The code that engines decode from this memory.
    pub fn code(&self) -> &Arc<MachineCode> {
        &self.code
    }

    /// Changes what addresses mean: to fetches, and to loads and stores.
    #[inline]
    pub fn set_regimes(&self, fetches: &Regime, data: &Regime) {
        if self.fetch_bank().regime() != *fetches {
            self.select(1, fetches);
        }
        if self.data_bank().regime() != *data {
            self.select(0, data);
        }
    }

    #[cold]
    fn select(&self, which: usize, regime: &Regime) {
        let mut selected = self.selected.get();
        selected[which] = self.tlb.select(regime, selected[1 - which]);
        self.selected.set(selected);
        let bank = std::ptr::from_ref(self.tlb.bank(selected[which]));
        if which == 0 { self.data.set(bank) } else { self.fetches.set(bank) }
    }

    /// Changes the memory protection.
    pub fn set_pmp(&self, view: PmpView) {
        if *self.pmp.borrow() != view {
            *self.pmp.borrow_mut() = view;
            self.tlb.clear();
        }
    }

    /// Changes the extensions of page tables in force.
    pub fn set_walk_options(&self, options: WalkOptions) {
        if self.options.replace(options) != options {
            self.tlb.clear();
        }
    }

    /// Forgets translations (SFENCE.VMA): of one address or of all, in one address space or in all.
    pub fn flush(&self, addr: Option<u64>, asid: Option<u16>) {
        self.tlb.flush(addr, asid);
    }

    #[inline(always)]
    fn data_bank(&self) -> &Bank {
        // SAFETY: the pointer leads to a bank of `tlb`, whose banks do not move and live as long as this.
        unsafe { &*self.data.get() }
    }

    #[inline(always)]
    fn fetch_bank(&self) -> &Bank {
        // SAFETY: as for `data_bank`.
        unsafe { &*self.fetches.get() }
    }

    #[inline(always)]
    fn bank(&self, access: Access) -> &Bank {
        if access == Access::Fetch { self.fetch_bank() } else { self.data_bank() }
    }

    /// The target of an access that does not cross a page boundary. Fills the TLB if the whole page allows it.
    fn locate(&self, access: Access, addr: u64, size: u64) -> Result<Place, FaultKind> {
        let bank = self.bank(access);
        if let Some(host) = bank.hit(access, addr, size) {
            return Ok(Place::Ram(host));
        }
        let regime = bank.regime();
        let found = translate(&SupervisorTables(self), &regime, self.options.get(), addr, access)?;
        let pmp = self.pmp.borrow();
        if found.addr >= self.limit || !pmp.allow(found.addr, size, access, regime.level) {
            return Err(FaultKind::AccessFault);
        }
        let Some((ram, host)) = self.ram_at(found.addr, size) else {
            return if access == Access::Fetch { Err(FaultKind::AccessFault) } else { Ok(Place::Device(found.addr)) };
        };
        if access == Access::Write && !ram.is_writable() {
            return Err(FaultKind::AccessFault);
        }
        // TLB hits check neither alignment nor whether somebody must be told of a store.
        let page = found.addr & !(PAGE_SIZE - 1);
        let told = || self.code.holds_code(found.addr) || self.mmio.watches(page);
        let data_hits = !self.aligned_only && (access != Access::Write || !told());
        if pmp.is_uniform(page) && (data_hits || access == Access::Fetch) {
            bank.fill(access, addr, host, found.page_size);
        }
        Ok(Place::Ram(host))
    }

    fn ram_at(&self, addr: u64, size: u64) -> Option<(&Ram, *mut u8)> {
        self.memories.iter().find_map(|m| Some((&**m, m.host(addr, size)?)))
    }

    /// What is added to a host address in the first of the memories to have the physical address.
    pub fn physical_offset(&self) -> u64 {
        self.memories.first().map_or(0, |ram| {
            let start = ram.range().start;
            start.wrapping_sub(ram.host(start, 1).map_or(start, |host| host as u64))
        })
    }

    /// The physical address of a host address in RAM.
    fn physical(&self, host: *const u8) -> u64 {
        let of = |m: &Arc<Ram>| m.physical(host);
        self.memories.iter().find_map(of).expect("the address was found in RAM")
    }

    /// Reports a store that was made, if it may have changed code or concerns a device. Only the slow path makes such.
    fn stored(&self, host: *const u8, len: u64) -> Stored {
        let addr = self.physical(host);
        self.code.stored(addr, len);
        if !self.mmio.watches(addr & !(PAGE_SIZE - 1)) {
            return Stored::InMemory;
        }
        self.mmio.stored(addr, len);
        Stored::ToDevice
    }

    /// An atomic operation on `size` bytes of RAM at an aligned address, a power of two. The instruction checks the
    /// alignment first and raises its own fault.
    ///
    /// # Panics
    /// If the address is not aligned.
    #[inline(always)]
    fn atomic<T>(
        &self,
        addr: GuestAddr,
        size: u64,
        f: impl Fn(*mut u8) -> Result<T, BadAddress>,
    ) -> Result<T, MemoryError> {
        assert!(addr.0.is_multiple_of(size), "an atomic access to a misaligned address");
        if let Some(host) = self.data_bank().hit(Access::Write, addr.0, size) {
            let result = f(host).map_err(backing)?;
            self.reservations.written(GuestAddr(self.physical(host)));
            return Ok(result);
        }
        let host = self.ram_slow(addr.0, size)?;
        let result = f(host).map_err(backing)?;
        self.reservations.written(GuestAddr(self.physical(host)));
        self.stored(host, size);
        Ok(result)
    }

    #[cold]
    fn ram_slow(&self, addr: u64, size: u64) -> Result<*mut u8, MemoryError> {
        // An atomic operation both loads and stores.
        let place = self.locate(Access::Write, addr, size).and_then(|place| {
            self.locate(Access::Read, addr, size)?;
            Ok(place)
        });
        match place {
            Ok(Place::Ram(host)) => Ok(host),
            Ok(Place::Device(_)) => Err(MemoryError::new(FaultKind::AccessFault, 0)),
            Err(kind) => Err(MemoryError::new(kind, 0)),
        }
    }

    #[cold]
    fn load_slow(&self, addr: u64, size: u64) -> Result<u64, MemoryError> {
        if !addr.is_multiple_of(size) {
            let parts = self.parts(Access::Read, addr, size)?;
            let mut value = 0;
            for (i, host) in parts.into_iter().take(size as usize).enumerate() {
                // SAFETY: `parts` yields the addresses of as many bytes of RAM.
                value |= unsafe { access::load(1, host) }.map_err(backing)? << (8 * i);
            }
            return Ok(value);
        }
        match self.locate(Access::Read, addr, size) {
            // SAFETY: `locate` returned the address of `size` bytes of RAM.
            Ok(Place::Ram(host)) => unsafe { access::load(size, host) }.map_err(backing),
            Ok(Place::Device(at)) => self.mmio.read(at, size).ok_or(MemoryError::new(FaultKind::AccessFault, 0)),
            Err(kind) => Err(MemoryError::new(kind, 0)),
        }
    }

    #[cold]
    fn store_slow(&self, addr: u64, size: u64, value: u64) -> Result<Stored, MemoryError> {
        if !addr.is_multiple_of(size) {
            let parts = self.parts(Access::Write, addr, size)?;
            let mut stored = Stored::InMemory;
            for (i, host) in parts.into_iter().take(size as usize).enumerate() {
                // SAFETY: as in `load_slow`.
                unsafe { access::store(1, host, value >> (8 * i)) }.map_err(backing)?;
                if self.stored(host, 1) == Stored::ToDevice {
                    stored = Stored::ToDevice;
                }
            }
            return Ok(stored);
        }
        match self.locate(Access::Write, addr, size) {
            Ok(Place::Ram(host)) => {
                // SAFETY: as in `load_slow`.
                unsafe { access::store(size, host, value) }.map_err(backing)?;
                Ok(self.stored(host, size))
            }
            Ok(Place::Device(at)) => {
                self.mmio.write(at, size, value).ok_or(MemoryError::new(FaultKind::AccessFault, 0))?;
                Ok(Stored::ToDevice)
            }
            Err(kind) => Err(MemoryError::new(kind, 0)),
        }
    }

    /// The host addresses of the bytes of a misaligned access, which is made byte by byte in RAM, and only if all bytes
    /// allow it.
    fn parts(&self, access: Access, addr: u64, size: u64) -> Result<[*mut u8; 8], MemoryError> {
        if self.aligned_only {
            return Err(MemoryError::new(FaultKind::Misaligned, 0));
        }
        let mut parts = [std::ptr::null_mut(); 8];
        for (i, part) in (0..).zip(&mut parts[..size as usize]) {
            *part = match self.locate(access, addr.wrapping_add(i.into()), 1) {
                Ok(Place::Ram(host)) => host,
                Ok(Place::Device(_)) => return Err(MemoryError::new(FaultKind::AccessFault, i)),
                Err(kind) => return Err(MemoryError::new(kind, i)),
            };
        }
        Ok(parts)
    }
}

/// RAM always has backing, unless the host runs out of memory.
fn backing(_: BadAddress) -> MemoryError {
    MemoryError::new(FaultKind::AccessFault, 0)
}

/// Physical memory as walks of page tables access it.
struct SupervisorTables<'a>(&'a HartMemory);

impl SupervisorTables<'_> {
    fn entry(&self, addr: u64, size: u64, access: Access) -> Option<(&Ram, *mut u8)> {
        let allowed = addr < self.0.limit && self.0.pmp.borrow().allow(addr, size, access, Level::Supervisor);
        if allowed { self.0.ram_at(addr, size) } else { None }
    }
}

impl Tables for SupervisorTables<'_> {
    fn read(&self, addr: u64, size: u64) -> Option<u64> {
        let (_, host) = self.entry(addr, size, Access::Read)?;
        // SAFETY: the address of so many bytes of RAM.
        unsafe { access::load(size, host) }.ok()
    }

    fn replace(&self, addr: u64, size: u64, old: u64, new: u64) -> Option<bool> {
        let (ram, host) = self.entry(addr, size, Access::Write)?;
        if !ram.is_writable() {
            return None;
        }
        let atomic = if size == 4 { AtomicSize::B4 } else { AtomicSize::B8 };
        // SAFETY: the address of so many bytes of RAM, aligned like the entry's.
        let seen = unsafe { access::compare_exchange(atomic, host, old, new) }.ok()?;
        self.0.stored(host, size);
        Some(seen == old)
    }
}

impl GuestMemory for HartMemory {
    const TRANSLATES: bool = true;

    #[inline(always)]
    fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, MemoryError> {
        match self.data_bank().hit(Access::Read, addr.0, size) {
            // SAFETY: TLB entries map whole pages of RAM, and `hit` checks that the access ends within the page.
            Some(host) => unsafe { access::load(size, host) }.map_err(backing),
            None => self.load_slow(addr.0, size),
        }
    }

    #[inline(always)]
    fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<Stored, MemoryError> {
        match self.data_bank().hit(Access::Write, addr.0, size) {
            // SAFETY: as for `load`.
            Some(host) => unsafe { access::store(size, host, value) }.map(|()| Stored::InMemory).map_err(backing),
            None => self.store_slow(addr.0, size, value),
        }
    }

    #[inline(always)]
    fn load_inline(&self, size: u64, addr: GuestAddr) -> Option<Result<u64, MemoryError>> {
        let host = self.data_bank().hit(Access::Read, addr.0, size)?;
        // SAFETY: as for `load`.
        Some(Ok(unsafe { access::load(size, host) }.ok()?))
    }

    #[inline(always)]
    fn store_inline(&self, size: u64, addr: GuestAddr, value: u64) -> Option<Result<Stored, MemoryError>> {
        let host = self.data_bank().hit(Access::Write, addr.0, size)?;
        // SAFETY: as for `load`.
        unsafe { access::store(size, host, value) }.ok()?;
        Some(Ok(Stored::InMemory))
    }

    #[inline(always)]
    fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, MemoryError> {
        // SAFETY: `atomic` passes the address of so many bytes of RAM. It is aligned: `atomic` checks the guest's
        // address, and RAM starts at page boundaries, in the host too.
        self.atomic(addr, size.bytes(), |host| unsafe { access::read_modify_write(op, size, host, operand) })
    }

    #[inline(always)]
    fn compare_exchange(&self, size: AtomicSize, addr: GuestAddr, expected: u64, new: u64) -> Result<u64, MemoryError> {
        // SAFETY: as for `read_modify_write`.
        self.atomic(addr, size.bytes(), |host| unsafe { access::compare_exchange(size, host, expected, new) })
    }

    #[inline(always)]
    fn compare_exchange_pair(
        &self,
        addr: GuestAddr,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], MemoryError> {
        // SAFETY: as for `read_modify_write`.
        self.atomic(addr, 16, |host| unsafe { access::cmpxchg128(host, expected, new) })
    }

    #[inline(always)]
    fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    #[inline(always)]
    fn reservation_addr(&self, addr: GuestAddr, size: u64, access: Access) -> Result<GuestAddr, MemoryError> {
        // A hit needs no walk. LR may also find a device, which has no other addresses.
        match self.locate(access, addr.0, size) {
            Ok(Place::Ram(host)) => Ok(GuestAddr(self.physical(host))),
            Ok(Place::Device(at)) => Ok(GuestAddr(at)),
            Err(kind) => Err(MemoryError::new(kind, 0)),
        }
    }

    fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), MemoryError> {
        let host = match self.locate(Access::Write, addr.0, len) {
            Ok(Place::Ram(host)) => host,
            Ok(Place::Device(_)) => return Err(MemoryError::new(FaultKind::AccessFault, 0)),
            Err(kind) => return Err(MemoryError::new(kind, 0)),
        };
        // SAFETY: `locate` returned the address of `len` bytes of RAM.
        unsafe { access::zero(host, len) }.map_err(backing)?;
        self.stored(host, len);
        Ok(())
    }

    fn probe(&self, addr: GuestAddr, len: u64) -> Result<(), MemoryError> {
        let load = self.locate(Access::Read, addr.0, len);
        match load.or_else(|_| self.locate(Access::Write, addr.0, len)) {
            Ok(Place::Device(at)) if !self.mmio.has_device(at) => Err(MemoryError::new(FaultKind::AccessFault, 0)),
            Ok(_) => Ok(()),
            Err(kind) => Err(MemoryError::new(kind, 0)),
        }
    }

    fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        let mut done = 0;
        while done + 2 <= to.len() {
            let at = addr.0.wrapping_add(done as u64);
            // Permissions may change at any multiple of four bytes, unless they apply to the whole page. Instructions are
            // aligned to two.
            let located = self.locate(Access::Fetch, at, 2);
            let whole = self.fetch_bank().hit(Access::Fetch, at, 1).is_some();
            let in_page = (PAGE_SIZE - at % PAGE_SIZE).min((to.len() - done) as u64);
            let len = if whole { in_page as usize } else { 2 };
            let copied = match located {
                Ok(Place::Ram(host)) => {
                    // SAFETY: `locate` found two bytes of RAM here, and a TLB hit means that the whole page is RAM.
                    unsafe { access::copy_from(host, &mut to[done..done + len]) }.map_err(|_| FaultKind::AccessFault)
                }
                Ok(Place::Device(_)) => Err(FaultKind::AccessFault),
                Err(kind) => Err(kind),
            };
            match copied {
                Ok(()) => done += len,
                Err(_) if done > 0 => break,
                Err(kind) => return Err(GuestFault { addr: GuestAddr(at), access: Access::Fetch, kind }),
            }
        }
        Ok(done)
    }

    fn before_decoding(&self, range: &Range<GuestAddr>, inside: &Inside<'_>) -> bool {
        self.code.before_decoding(range, inside)
    }

    fn resume(&self) {
        self.code_seen.set(self.code.added_since(self.code_seen.get(), |page| {
            if let Some(host) = self.memories.iter().find_map(|m| m.host(page, PAGE_SIZE)) {
                self.tlb.forget_writes(host);
            }
        }));
    }

    #[inline]
    fn code_place(&self, addr: GuestAddr) -> Result<CodePlace, GuestFault> {
        match self.locate(Access::Fetch, addr.0, 2) {
            Ok(Place::Ram(host)) => {
                let whole_page = self.fetch_bank().hit(Access::Fetch, addr.0, 2).is_some();
                Ok(CodePlace { addr: self.physical(host), whole_page })
            }
            Ok(Place::Device(_)) => Err(GuestFault { addr, access: Access::Fetch, kind: FaultKind::AccessFault }),
            Err(kind) => Err(GuestFault { addr, access: Access::Fetch, kind }),
        }
    }

    #[inline]
    fn fetch_view(&self) -> FetchView {
        let bank = self.fetch_bank();
        FetchView { index: self.selected.get()[1], generation: bank.generation(), pages: bank.forgotten() }
    }

    fn forgotten_page(&self, n: u64) -> GuestAddr {
        GuestAddr(self.fetch_bank().forgotten_page(n))
    }

    #[inline]
    fn space(&self) -> u64 {
        self.data.get() as u64
    }

    fn explain(&self, error: MemoryError, addr: GuestAddr, _: u64, access: Access) -> Option<GuestFault> {
        error.fault(addr, access)
    }
}

#[cfg(test)]
mod tests {
    use super::super::NoDevices;
    use super::*;

    fn memory() -> HartMemory {
        HartMemory::new(vec![Arc::new(Ram::new(0x8000_0000, PAGE_SIZE).unwrap())], Arc::new(NoDevices))
    }

    #[test]
    fn an_access_that_takes_calls_is_left_out_without_an_effect() {
        let (memory, addr) = (memory(), GuestAddr(0x8000_0ff0));
        assert!(memory.store_inline(8, addr, 1).is_none() && memory.load_inline(8, addr).is_none());
        assert_eq!(memory.load(8, addr), Ok(0));
        assert_eq!((memory.load_inline(8, addr), memory.store_inline(8, addr, 1)), (Some(Ok(0)), None));
        assert_eq!(memory.store(8, addr, 2), Ok(Stored::InMemory));
        assert_eq!(memory.store_inline(8, addr, 3), Some(Ok(Stored::InMemory)));
        assert_eq!((memory.load_inline(8, addr), memory.load_inline(1, addr)), (Some(Ok(3)), Some(Ok(3))));
        for size in [2, 4, 8] {
            let over = GuestAddr(0x8000_1001 - size);
            assert!(memory.load_inline(size, over).is_none() && memory.store_inline(size, over, 0).is_none(), "{size}");
            let inside = GuestAddr(0x8000_1000 - size);
            assert_eq!(memory.load_inline(size, inside), Some(Ok(0)));
        }
    }

    #[test]
    #[should_panic(expected = "an atomic access to a misaligned address")]
    fn an_atomic_operation_is_never_made_at_a_misaligned_address() {
        let _ = memory().read_modify_write(AtomicRmw::Add, AtomicSize::B4, GuestAddr(0x8000_003e), 1);
    }

    #[test]
    #[should_panic(expected = "an atomic access to a misaligned address")]
    fn nor_is_a_compare_and_exchange() {
        let _ = memory().compare_exchange(AtomicSize::B8, GuestAddr(0x8000_003c), 0, 1);
    }
}
