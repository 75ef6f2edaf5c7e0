//! Memory as one hart of a machine sees it.

use super::{Mmio, Ram};
use crate::memory::access;
use crate::memory::{
    Access, AtomicRmw, AtomicSize, BadAddress, FaultKind, GuestAddr, GuestFault, GuestMemory, PAGE_SIZE, Refusal,
    Reservations,
};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A PMP region. The first region that contains any byte of an access decides, and fails the access unless it
/// contains all of it (privileged specification, "Physical Memory Protection").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub start: u64,
    /// The last address.
    pub last: u64,
    /// Whether each kind of access is allowed, in the order of [`Access`].
    pub allows: [bool; 3],
    /// Whether it applies to machine mode too.
    pub locked: bool,
}

/// The memory protection of a hart, as its CSRs currently set it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PmpView {
    /// The regions in order of priority.
    pub regions: Vec<Region>,
    /// Whether fetches have the privilege of machine mode.
    pub machine_fetches: bool,
    /// Whether loads and stores have the privilege of machine mode.
    pub machine_accesses: bool,
}

impl PmpView {
    /// Whether an access to `len` bytes is allowed.
    fn allow(&self, addr: u64, len: u64, access: Access) -> bool {
        let last = addr.saturating_add(len - 1);
        let machine = if access == Access::Fetch { self.machine_fetches } else { self.machine_accesses };
        match self.regions.iter().find(|r| addr <= r.last && last >= r.start) {
            Some(r) if addr < r.start || last > r.last => false,
            Some(r) => (machine && !r.locked) || r.allows[access as usize],
            // Only machine mode may access memory that matches no region, even if no region is enabled.
            None => machine,
        }
    }

    /// Whether the same rule applies to the whole page.
    fn is_uniform(&self, page: u64) -> bool {
        let last = page + (PAGE_SIZE - 1);
        self.regions
            .iter()
            .find(|r| page <= r.last && last >= r.start)
            .is_none_or(|r| page >= r.start && last <= r.last)
    }
}

/// A TLB entry: a page that permits one kind of access, and its host address.
#[derive(Clone, Copy)]
struct Entry {
    /// The address of the page; that of [`Entry::EMPTY`] matches no page.
    page: u64,
    /// The host address minus the guest address.
    delta: usize,
}

impl Entry {
    /// Matches no access, since its address is not page-aligned.
    const EMPTY: Self = Self { page: u64::MAX, delta: 0 };
}

/// The number of TLB entries for each kind of access.
const ENTRIES: usize = 256;

/// The target of an access.
enum Place {
    Ram(*mut u8),
    Device,
}

/// Memory as one hart of a machine sees it.
pub struct HartMemory {
    tlb: [Box<[Cell<Entry>]>; 3],
    pmp_view: RefCell<PmpView>,
    memories: Vec<Arc<Ram>>,
    mmio: Arc<dyn Mmio>,
    /// The first address past the physical address space.
    limit: u64,
    /// Whether misaligned loads and stores fault.
    aligned_only: bool,
    reservations: Arc<Reservations>,
    /// The store last reported as refused did happen.
    completed: Cell<bool>,
}

impl HartMemory {
    /// The memory of a hart in machine mode. `memories` do not overlap.
    pub fn new(memories: Vec<Arc<Ram>>, mmio: Arc<dyn Mmio>) -> Self {
        let entries = || vec![Cell::new(Entry::EMPTY); ENTRIES].into_boxed_slice();
        let view = PmpView { machine_fetches: true, machine_accesses: true, ..PmpView::default() };
        Self {
            tlb: [entries(), entries(), entries()],
            pmp_view: RefCell::new(view),
            memories,
            mmio,
            limit: 1 << 56,
            aligned_only: false,
            reservations: Arc::default(),
            completed: Cell::new(false),
        }
    }

    /// Shares the reservations of LR/SC with the other harts of the machine.
    #[must_use]
    pub fn sharing(mut self, reservations: Arc<Reservations>) -> Self {
        self.reservations = reservations;
        self
    }

    /// Makes misaligned loads and stores fault.
    #[must_use]
    pub fn aligned_only(mut self) -> Self {
        self.aligned_only = true;
        self
    }

    /// Changes the memory protection; true if the regions changed.
    pub fn set_pmp_view(&self, view: PmpView) -> bool {
        let mut current = self.pmp_view.borrow_mut();
        if *current == view {
            return false;
        }
        let regions_changed = current.regions != view.regions;
        *current = view;
        for cell in self.tlb.iter().flatten() {
            cell.set(Entry::EMPTY);
        }
        regions_changed
    }

    /// The memory protection.
    pub fn pmp_view(&self) -> PmpView {
        self.pmp_view.borrow().clone()
    }

    /// The host address of an access that hits the TLB.
    #[inline(always)]
    fn hit(&self, access: Access, addr: u64, size: u64) -> Option<*mut u8> {
        let index = (addr / PAGE_SIZE) as usize % ENTRIES;
        // SAFETY: the table has that many entries.
        let entry = unsafe { self.tlb[access as usize].get_unchecked(index) }.get();
        let offset = addr % PAGE_SIZE;
        (addr - offset == entry.page && offset <= PAGE_SIZE - size)
            .then(|| addr.wrapping_add(entry.delta as u64) as *mut u8)
    }

    /// The target of an access that does not cross a page boundary. Fills the TLB if the whole page allows it.
    fn locate(&self, access: Access, addr: u64, size: u64) -> Result<Place, BadAddress> {
        let view = self.pmp_view.borrow();
        if addr >= self.limit || !view.allow(addr, size, access) {
            return Err(BadAddress::REFUSED);
        }
        let Some((ram, host)) = self.memories.iter().find_map(|m| Some((m, m.host(addr, size)?))) else {
            return if access == Access::Fetch { Err(BadAddress::REFUSED) } else { Ok(Place::Device) };
        };
        if access == Access::Write && !ram.is_writable() {
            return Err(BadAddress::REFUSED);
        }
        let page = addr & !(PAGE_SIZE - 1);
        // TLB hits do not check alignment.
        if view.is_uniform(page) && (!self.aligned_only || access == Access::Fetch) {
            let delta = (host as usize).wrapping_sub(addr as usize);
            self.tlb[access as usize][(addr / PAGE_SIZE) as usize % ENTRIES].set(Entry { page, delta });
        }
        Ok(Place::Ram(host))
    }

    /// The host address of an aligned access of `size` bytes to RAM, a power of two, for atomic operations. The
    /// instruction checks the alignment first and raises its own fault.
    ///
    /// # Panics
    /// If the address is not aligned.
    #[inline(always)]
    fn ram(&self, addr: GuestAddr, size: u64) -> Result<*mut u8, BadAddress> {
        assert!(addr.0.is_multiple_of(size), "an atomic access to a misaligned address");
        match self.hit(Access::Write, addr.0, size) {
            Some(host) => Ok(host),
            None => self.ram_slow(addr.0, size),
        }
    }

    #[cold]
    fn ram_slow(&self, addr: u64, size: u64) -> Result<*mut u8, BadAddress> {
        // An atomic operation both loads and stores.
        self.locate(Access::Read, addr, size)?;
        match self.locate(Access::Write, addr, size)? {
            Place::Ram(host) => Ok(host),
            Place::Device => Err(BadAddress::REFUSED),
        }
    }

    #[cold]
    fn load_slow(&self, addr: u64, size: u64) -> Result<u64, BadAddress> {
        if !addr.is_multiple_of(size) {
            return if self.aligned_only { Err(BadAddress::REFUSED) } else { self.load_bytes(addr, size) };
        }
        match self.locate(Access::Read, addr, size)? {
            // SAFETY: `locate` returned the address of `size` bytes of RAM.
            Place::Ram(host) => unsafe { access::load(size, host) },
            Place::Device => self.mmio.read(addr, size).ok_or(BadAddress::REFUSED),
        }
    }

    /// A misaligned load: byte by byte, RAM only.
    fn load_bytes(&self, addr: u64, size: u64) -> Result<u64, BadAddress> {
        let mut value = 0;
        for i in 0..size {
            match self.locate(Access::Read, addr.wrapping_add(i), 1)? {
                // SAFETY: as in `load_slow`.
                Place::Ram(host) => value |= unsafe { access::load(1, host)? } << (8 * i),
                Place::Device => return Err(BadAddress::REFUSED),
            }
        }
        Ok(value)
    }

    #[cold]
    fn store_slow(&self, addr: u64, size: u64, value: u64) -> Result<(), BadAddress> {
        if !addr.is_multiple_of(size) {
            return if self.aligned_only { Err(BadAddress::REFUSED) } else { self.store_bytes(addr, size, value) };
        }
        match self.locate(Access::Write, addr, size)? {
            // SAFETY: `locate` returned the address of `size` bytes of RAM.
            Place::Ram(host) => unsafe { access::store(size, host, value) },
            Place::Device => {
                self.mmio.write(addr, size, value).ok_or(BadAddress::REFUSED)?;
                // After a device event, refuse the completed store so that the engine calls `classify`.
                self.completed.set(self.mmio.take_event());
                if self.completed.get() { Err(BadAddress::REFUSED) } else { Ok(()) }
            }
        }
    }

    /// A misaligned store: byte by byte, RAM only, and only if all bytes are writable.
    fn store_bytes(&self, addr: u64, size: u64, value: u64) -> Result<(), BadAddress> {
        for i in 0..size {
            match self.locate(Access::Write, addr.wrapping_add(i), 1)? {
                Place::Ram(_) => {}
                Place::Device => return Err(BadAddress::REFUSED),
            }
        }
        for i in 0..size {
            self.store_slow(addr.wrapping_add(i), 1, value >> (8 * i))?;
        }
        Ok(())
    }
}

impl GuestMemory for HartMemory {
    #[inline(always)]
    fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, BadAddress> {
        match self.hit(Access::Read, addr.0, size) {
            // SAFETY: TLB entries map whole pages of RAM, and `hit` checks that the access ends within the page.
            Some(host) => unsafe { access::load(size, host) },
            None => self.load_slow(addr.0, size),
        }
    }

    #[inline(always)]
    fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<(), BadAddress> {
        match self.hit(Access::Write, addr.0, size) {
            // SAFETY: as for `load`.
            Some(host) => unsafe { access::store(size, host, value) },
            None => self.store_slow(addr.0, size, value),
        }
    }

    #[inline(always)]
    fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, BadAddress> {
        let host = self.ram(addr, size.bytes())?;
        // SAFETY: `ram` yields the address of so many bytes of RAM. It is aligned: `ram` checks the guest's address,
        // and RAM starts at page boundaries, in the host too.
        unsafe { access::read_modify_write(op, size, host, operand) }
    }

    #[inline(always)]
    fn compare_exchange(&self, size: AtomicSize, addr: GuestAddr, expected: u64, new: u64) -> Result<u64, BadAddress> {
        let host = self.ram(addr, size.bytes())?;
        // SAFETY: as for `read_modify_write`.
        unsafe { access::compare_exchange(size, host, expected, new) }
    }

    #[inline(always)]
    fn compare_exchange_pair(
        &self,
        addr: GuestAddr,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], BadAddress> {
        let host = self.ram(addr, 16)?;
        // SAFETY: as for `read_modify_write`.
        unsafe { access::cmpxchg128(host, expected, new) }
    }

    #[inline(always)]
    fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress> {
        if let Place::Device = self.locate(Access::Write, addr.0, len)? {
            return Err(BadAddress::REFUSED);
        }
        for at in (0..len).step_by(8) {
            self.store(8, addr.offset(at), 0)?;
        }
        Ok(())
    }

    fn probe(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress> {
        let load = self.locate(Access::Read, addr.0, len);
        match load.or_else(|_| self.locate(Access::Write, addr.0, len))? {
            Place::Device if !self.mmio.has_device(addr.0) => Err(BadAddress::REFUSED),
            Place::Device | Place::Ram(_) => Ok(()),
        }
    }

    fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        let mut done = 0;
        // Permissions may change at any multiple of four bytes; instructions are aligned to two.
        for half in to.chunks_exact_mut(2) {
            let at = addr.0.wrapping_add(done as u64);
            let host = match self.hit(Access::Fetch, at, 2) {
                Some(host) => Ok(host),
                None => match self.locate(Access::Fetch, at, 2) {
                    Ok(Place::Ram(host)) => Ok(host),
                    Ok(Place::Device) | Err(_) => Err(BadAddress::REFUSED),
                },
            };
            // SAFETY: the address of two bytes of RAM.
            match host.and_then(|host| unsafe { access::load(2, host) }) {
                Ok(bits) => half.copy_from_slice(&(bits as u16).to_le_bytes()),
                Err(_) if done > 0 => break,
                Err(_) => {
                    let addr = GuestAddr(at);
                    return Err(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Denied });
                }
            }
            done += 2;
        }
        Ok(done)
    }

    fn classify(&self, addr: GuestAddr, size: u64, access: Access) -> Refusal {
        if self.completed.take() {
            return Refusal::Completed;
        }
        if self.aligned_only && !addr.0.is_multiple_of(size) {
            return Refusal::Fault(GuestFault { addr, access, kind: FaultKind::Misaligned });
        }
        // A misaligned access is made byte by byte: report the first byte that is refused.
        let mut parts = if addr.0.is_multiple_of(size) { 0..0 } else { 0..size };
        let bad = parts.find(|&i| match self.locate(access, addr.0.wrapping_add(i), 1) {
            Ok(Place::Ram(_)) => false,
            Ok(Place::Device) | Err(_) => true,
        });
        Refusal::Fault(GuestFault { addr: addr.offset(bad.unwrap_or(0)), access, kind: FaultKind::Denied })
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
