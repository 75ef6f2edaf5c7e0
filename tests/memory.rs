//! The address space of a user process: the mappings after each call, and the effect of an unmapping on other threads.

use remu::host::StopFlag;
use remu::memory::{
    Access, AtomicSize, Backing, CodeWatch, FaultKind, GuestAddr, GuestFault, GuestMemory, MapError, MapRequest, Place,
    Prot, Source, SpaceConfig, SpaceLimits, Stale, UserSpace,
};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

/// Where mremap may move a mapping.
const ANYWHERE: Option<Place> = Some(Place::Anywhere { hint: None });

const A: GuestAddr = GuestAddr(0x20_0000);
const B: GuestAddr = GuestAddr(0x40_0000);

fn space() -> UserSpace {
    UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap()
}

fn map(mem: &UserSpace, at: GuestAddr, len: u64) {
    mem.map(&MapRequest::anonymous(Place::Fixed(at), len, Prot::READ | Prot::WRITE)).unwrap();
}

fn ranges(mem: &UserSpace) -> Vec<(u64, u64)> {
    mem.vmas().iter().map(|v| (v.range.start.0, v.range.end.0)).collect()
}

#[test]
fn a_mapping_moves_grows_and_shrinks_with_its_contents() {
    let mem = space();
    map(&mem, A, 0x3000);
    mem.write(A, &7u32).unwrap();
    map(&mem, B, 0x1000);
    mem.write(B, &9u32).unwrap();
    // Over another mapping, the tail dropped.
    assert_eq!(mem.remap(A, 0x3000, 0x1000, Some(Place::Fixed(B))), Ok(B));
    assert_eq!(ranges(&mem), [(B.0, B.0 + 0x1000)]);
    assert_eq!(mem.read::<u32>(B).unwrap(), 7);
    assert!(mem.read::<u32>(A).is_err() && mem.read::<u32>(A.offset(0x2000)).is_err());
    // In place, while there is room.
    assert_eq!(mem.remap(B, 0x1000, 0x5000, None), Ok(B));
    mem.write(B.offset(0x4000), &1u32).unwrap();
    map(&mem, B.offset(0x5000), 0x1000);
    mem.protect(B.offset(0x5000), 0x1000, Prot::READ).unwrap();
    assert!(mem.remap(B, 0x5000, 0x6000, None).is_err());
    let moved = mem.remap(B, 0x5000, 0x6000, ANYWHERE).unwrap();
    assert_eq!((mem.read::<u32>(moved).unwrap(), mem.read::<u32>(moved.offset(0x4000)).unwrap()), (7, 1));
    assert!(mem.read::<u32>(B).is_err());
}

#[test]
#[should_panic(expected = "an atomic access to a misaligned address")]
fn atomic_accesses_must_be_aligned() {
    let mem = space();
    map(&mem, A, 0x1000);
    // Across a cache line: a host may raise SIGBUS.
    let _ = mem.compare_exchange(AtomicSize::B8, A.offset(60), 0, 1);
}

#[test]
fn unmapping_removes_exactly_the_range() {
    let mem = space();
    for page in [0, 2, 3, 5] {
        map(&mem, A.offset(page * 0x1000), 0x1000);
    }
    mem.unmap(A.offset(0x1000), 0x2000).unwrap();
    assert_eq!(ranges(&mem), [(A.0, A.0 + 0x1000), (A.0 + 0x3000, A.0 + 0x4000), (A.0 + 0x5000, A.0 + 0x6000)]);
    mem.unmap(A, 0x10_0000).unwrap();
    mem.unmap(A, 0x10_0000).unwrap();
    assert_eq!(ranges(&mem), []);
    assert!(mem.read::<u8>(A.offset(0x3000)).is_err());
}

#[test]
fn threads_may_change_the_same_range_at_once() {
    let mem = space();
    let failed = std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..50_000 {
                map(&mem, A, 0x2000);
                mem.unmap(A, 0x2000).unwrap();
            }
        });
        for _ in 0..50_000 {
            let _ = mem.remap(A, 0x2000, 0x1000, Some(Place::Fixed(B)));
        }
        changes.join().is_err()
    });
    assert!(!failed);
}

/// What an engine is told that has decoded code around [`A`] and [`B`].
struct Seen(CodeWatch);

impl Seen {
    fn of(mem: &UserSpace) -> Self {
        let seen = Self(mem.watch_code(Arc::new(StopFlag::new())));
        seen.take();
        seen
    }

    fn take(&self) -> Vec<(u64, u64)> {
        let inside = self.0.enter();
        let stale = inside.take();
        inside.decodes(&(A..A.offset(0x10_0000)));
        inside.decodes(&(B..B.offset(0x10_0000)));
        match stale {
            None => Vec::new(),
            Some(Stale::Ranges(ranges)) => ranges.iter().map(|r| (r.start.0, r.end.0)).collect(),
            Some(Stale::Everything) => panic!("there are few ranges"),
        }
    }
}

const RW: Prot = Prot::READ.union(Prot::WRITE);
const RX: Prot = Prot::READ.union(Prot::EXEC);

#[test]
fn observers_are_notified_of_code_changes_only() {
    let mem = space();
    let seen = Seen::of(&mem);
    map(&mem, A, 0x6000);
    mem.protect(A, 0x6000, Prot::READ).unwrap();
    mem.contents_changed(&(A..A.offset(0x6000)));
    assert_eq!(seen.take(), []);
    mem.protect(A.offset(0x1000), 0x1000, RX).unwrap();
    assert_eq!(seen.take(), [(A.0 + 0x1000, A.0 + 0x2000)], "data in the range may now be executed as code");
    mem.protect(A.offset(0x2000), 0x1000, Prot::EXEC).unwrap();
    mem.protect(A.offset(0x4000), 0x1000, RX).unwrap();
    seen.take();
    mem.protect(A, 0x6000, RW).unwrap();
    assert_eq!(seen.take(), [(A.0 + 0x1000, A.0 + 0x3000), (A.0 + 0x4000, A.0 + 0x5000)], "neighbours as one");
    mem.protect(A, 0x6000, RX).unwrap();
    seen.take();
    mem.contents_changed(&(A.offset(0x1000)..A.offset(0x2000)));
    assert_eq!(seen.take(), [(A.0 + 0x1000, A.0 + 0x2000)]);
    mem.unmap(A, 0x10000).unwrap();
    assert_eq!(seen.take(), [(A.0, A.0 + 0x6000)]);
}

#[test]
fn a_fault_repaired_meanwhile_is_not_reported() {
    let mem = space();
    let fault = |addr, access, kind| Some(GuestFault { addr, access, kind });
    assert_eq!(mem.classify(A, 8, Access::Read), fault(A, Access::Read, FaultKind::Unmapped));
    map(&mem, A, 0x1000);
    assert_eq!(mem.classify(A, 8, Access::Read), None);
    assert_eq!(mem.classify(A, 8, Access::Write), None);
    let next = A.offset(0x1000);
    assert_eq!(mem.classify(A.offset(0xffc), 8, Access::Write), fault(next, Access::Write, FaultKind::Unmapped));
    mem.protect(A, 0x1000, Prot::READ).unwrap();
    assert_eq!(mem.classify(A, 8, Access::Write), fault(A, Access::Write, FaultKind::Denied));
    // Mapped and permitted, but past the end of the file.
    let file = tempfile::tempfile().unwrap();
    let backing = Backing::File { fd: file.as_fd(), offset: 0, path: Path::new("/f").into() };
    mem.map(&MapRequest { backing, ..MapRequest::anonymous(Place::Fixed(B), 0x1000, RW) }).unwrap();
    assert_eq!(mem.classify(B, 8, Access::Read), fault(B, Access::Read, FaultKind::NoBacking));
    assert_eq!(mem.classify(B, 8, Access::Write), fault(B, Access::Write, FaultKind::NoBacking));
}

#[test]
fn a_failed_mapping_over_another_leaves_it_unchanged() {
    let mem = space();
    map(&mem, A, 0x2000);
    mem.write(A, &7u32).unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let backing = Backing::File { fd: file.as_fd(), offset: 0, path: Path::new("/f").into() };
    let over = MapRequest { backing, shared: true, ..MapRequest::anonymous(Place::Fixed(A), 0x1000, RW) };
    assert_eq!(mem.map(&over), Err(MapError(Errno::ACCESS)));
    assert_eq!(mem.read::<u32>(A).unwrap(), 7);
    assert_eq!(ranges(&mem), [(A.0, A.0 + 0x2000)]);
}

#[test]
fn an_area_of_several_host_mappings_moves_as_one() {
    let mem = space();
    // The host does not merge two areas that have pages. An area that grows in place stays one.
    for page in [0, 1, 2] {
        map(&mem, A.offset(page * 0x2000), 0x2000);
        mem.write(A.offset(page * 0x2000 + 8), &page).unwrap();
    }
    assert_eq!(mem.remap(A, 0x6000, 0x7000, None), Ok(A));
    mem.write(A.offset(0x6000), &9u64).unwrap();
    assert_eq!(mem.remap(A, 0x7000, 0x9000, Some(Place::Fixed(B))), Ok(B));
    for page in [0, 1, 2] {
        assert_eq!(mem.read::<u64>(B.offset(page * 0x2000 + 8)).unwrap(), page);
    }
    assert_eq!(mem.read::<u64>(B.offset(0x6000)).unwrap(), 9);
    assert_eq!(mem.read::<u64>(B.offset(0x8ff8)).unwrap(), 0);
    assert_eq!(ranges(&mem), [(B.0, B.0 + 0x9000)]);
    assert!(mem.read::<u8>(A).is_err() && mem.read::<u8>(A.offset(0x6000)).is_err());
}

#[test]
fn areas_and_the_holes_between_them_move_together() {
    let mem = space();
    map(&mem, A, 0x4000);
    for page in [0, 1, 3] {
        mem.write(A.offset(page * 0x1000), &(page + 1)).unwrap();
    }
    mem.protect(A.offset(0x1000), 0x1000, RX).unwrap();
    mem.unmap(A.offset(0x2000), 0x1000).unwrap();
    let seen = Seen::of(&mem);
    map(&mem, B.offset(0x2000), 0x1000);
    assert_eq!(mem.remap(A, 0x4000, 0x5000, ANYWHERE), Err(MapError(Errno::FAULT)), "but only if they do not grow");
    assert_eq!(mem.remap(A, 0x4000, 0x4000, Some(Place::Fixed(B))), Ok(B));
    assert_eq!(seen.take(), [(A.0 + 0x1000, A.0 + 0x2000)], "observers are notified that code moved");
    let there = ranges(&mem);
    // A mapping at the destination of the hole stays.
    assert_eq!(there, [(B.0, B.0 + 0x1000), (B.0 + 0x1000, B.0 + 0x2000), (B.0 + 0x2000, B.0 + 0x4000)]);
    for page in [0, 1, 3] {
        assert_eq!(mem.read::<u64>(B.offset(page * 0x1000)).unwrap(), page + 1);
    }
    assert_eq!(mem.vma_at(B.offset(0x1000)).unwrap().prot, RX);
}

#[test]
fn a_file_moves_with_its_pages_and_shared_memory_doubles() {
    let mem = space();
    let file = tempfile::tempfile().unwrap();
    file.set_len(0x4000).unwrap();
    let backing = Backing::File { fd: file.as_fd(), offset: 0, path: Path::new("/f").into() };
    let request = MapRequest { backing, shared: true, ..MapRequest::anonymous(Place::Fixed(A), 0x2000, RW) };
    mem.map(&request).unwrap();
    mem.write(A.offset(0x1000), &5u32).unwrap();
    assert_eq!(mem.remap(A, 0x2000, 0x3000, None), Ok(A));
    assert_eq!(mem.remap(A, 0x3000, 0x2000, None), Ok(A));
    assert_eq!(mem.remap(A, 0x2000, 0x3000, Some(Place::Fixed(B))), Ok(B));
    assert!(mem.read::<u8>(A).is_err());
    let twin = mem.remap(B.offset(0x1000), 0, 0x1000, ANYWHERE).unwrap();
    assert_eq!(mem.read::<u32>(twin).unwrap(), 5);
    mem.write(twin, &6u32).unwrap();
    assert_eq!(mem.read::<u32>(B.offset(0x1000)).unwrap(), 6);
    assert!(matches!(mem.vma_at(twin).unwrap().source, Source::File { offset: 0x1000, .. }));
    assert_eq!(mem.remap(B, 0, 0x1000, None), Err(MapError(Errno::NOMEM)));
    map(&mem, A, 0x1000);
    assert_eq!(mem.remap(A, 0, 0x1000, ANYWHERE), Err(MapError(Errno::INVAL)), "private memory does not");
}

#[test]
fn protection_past_the_limit_changes_the_part_before() {
    let mem = space();
    let last = GuestAddr(mem.limit().0 - 0x1000);
    map(&mem, last, 0x1000);
    assert_eq!(mem.protect(last, 0x2000, Prot::READ), Err(MapError(Errno::NOMEM)));
    assert_eq!(mem.vma_at(last).unwrap().prot, Prot::READ);
    assert_eq!(mem.protect(last, u64::MAX - 0x1000, Prot::READ), Err(MapError(Errno::NOMEM)));
}

/// The lowest address that the host's kernel chooses for a mapping.
fn lowest_chosen() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr").expect("the host's limit");
    text.trim().parse::<u64>().expect("a number").max(0x1000)
}

#[test]
fn the_lowest_address_is_the_hosts() {
    let mem = space();
    let native = |at: u64| {
        let flags = rustix::mm::MapFlags::PRIVATE | rustix::mm::MapFlags::FIXED_NOREPLACE;
        // SAFETY: the test does not access the mapping.
        let got = unsafe { rustix::mm::mmap_anonymous(at as _, 0x1000, rustix::mm::ProtFlags::READ, flags) };
        // SAFETY: the page has just been mapped for this test.
        got.map(|at| unsafe { rustix::mm::munmap(at, 0x1000) }.expect("it was mapped"))
    };
    for at in [0, 0x1000, 0x2000, 0x8000, 0xf000, 0x1_0000, 0x10_0000] {
        let page = MapRequest::anonymous(Place::Fixed(GuestAddr(at)), 0x1000, RW);
        assert_eq!(mem.map(&page).map(|_| ()), native(at).map_err(MapError), "{at:#x}");
    }
}

#[test]
fn a_hint_below_the_minimum_means_the_minimum() {
    let mem = space();
    let hint = |hint| Place::Anywhere { hint: Some(GuestAddr(hint)) };
    assert_eq!(mem.map(&MapRequest::anonymous(hint(0x2345), 0x1000, RW)), Ok(GuestAddr(lowest_chosen().max(0x2000))));
    let taken = mem.map(&MapRequest::anonymous(hint(0x2345), 0x1000, RW)).unwrap();
    let none = mem.map(&MapRequest::anonymous(hint(0x345), 0x1000, RW)).unwrap();
    assert!(taken > B && none > B, "without a hint, from the top");
}

fn grows(mem: &UserSpace, at: GuestAddr) {
    mem.map(&MapRequest { grows_down: true, ..MapRequest::anonymous(Place::Fixed(at), 0x2000, RW) }).unwrap();
}

#[test]
fn an_area_grows_down_to_an_access_but_keeps_a_gap() {
    const GAP: u64 = 256 * 4096;
    let mem = space();
    let top = GuestAddr(0x1000_0000);
    grows(&mem, top);
    mem.set_limits(SpaceLimits { stack: 0x40_0000, ..SpaceLimits::default() });
    // A growth by an instruction, by a system call's structure, and by a buffer that the host fills.
    assert_eq!(mem.classify(GuestAddr(top.0 - 0x1008), 8, Access::Write), None);
    assert_eq!(mem.read::<u64>(GuestAddr(top.0 - 0x3000)).unwrap(), 0);
    mem.write(GuestAddr(top.0 - 0x5000), &1u64).unwrap();
    mem.host_range(GuestAddr(top.0 - 0x7000), 16).unwrap();
    assert_eq!(ranges(&mem), [(top.0 - 0x7000, top.0 + 0x2000)]);
    // Not past the stack limit.
    let most = GuestAddr(top.0 + 0x2000 - 0x40_0000);
    assert!(mem.read::<u8>(GuestAddr(most.0 - 1)).is_err());
    // Nor near another mapping, unless that one is inaccessible.
    let below = GuestAddr(top.0 - 0x20_0000);
    map(&mem, below, 0x1000);
    let near = GuestAddr(below.0 + 0x1000 + GAP - 0x1000);
    assert!(mem.read::<u8>(near).is_err() && mem.classify(near, 1, Access::Read).is_some());
    assert!(mem.read::<u8>(near.offset(0x1000)).is_ok());
    mem.protect(below, 0x1000, Prot::empty()).unwrap();
    assert!(mem.read::<u8>(near).is_ok());
    // Mappings at an address of the kernel's choice also stay out of the gap.
    let at = GuestAddr(near.0 - 0x8000);
    let freely = MapRequest::anonymous(Place::Anywhere { hint: Some(at) }, 0x1000, RW);
    assert_ne!(mem.map(&freely).unwrap(), at);
}

#[test]
fn the_limit_counts_new_pages_only() {
    let mem = space();
    map(&mem, A, 0x4000);
    mem.set_limits(SpaceLimits { total: 0x6000, ..SpaceLimits::default() });
    let refused = Err(MapError(Errno::NOMEM));
    assert_eq!(mem.map(&MapRequest::anonymous(Place::Fixed(B), 0x3000, RW)), refused);
    assert_eq!(mem.map(&MapRequest::anonymous(Place::Fixed(A), 0x6000, RW)), Ok(A), "four of the pages are counted");
    assert_eq!(mem.remap(A, 0x6000, 0x7000, ANYWHERE), refused);
    // A mapping that does not grow may move, even beyond the limit.
    mem.set_limits(SpaceLimits { total: 0x1000, ..SpaceLimits::default() });
    assert_eq!(mem.remap(A, 0x6000, 0x5000, Some(Place::Fixed(B))), Ok(B));
    assert_eq!(mem.remap(B, 0x5000, 0x5000, Some(Place::Fixed(A))), Ok(A));
    assert_eq!(mem.map(&MapRequest::anonymous(Place::Fixed(A), 0x1000, RW)), refused, "as in the kernel");
    mem.set_limits(SpaceLimits { total: 0x5000, ..SpaceLimits::default() });
    grows(&mem, A);
    assert!(mem.read::<u8>(GuestAddr(A.0 - 1)).is_err());
}

#[test]
fn reserving_a_terabyte_costs_no_memory() {
    let pages = || -> u64 {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> u64 {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        field("VmRSS:") + field("VmPTE:")
    };
    let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 42), identity: false }).unwrap();
    let before = pages();
    let anywhere = Place::Anywhere { hint: None };
    let request = MapRequest { noreserve: true, ..MapRequest::anonymous(anywhere, 1 << 40, Prot::empty()) };
    let at = mem.map(&request).unwrap();
    assert_eq!(mem.mapped_bytes(), 1 << 40);
    mem.protect(at.offset(1 << 39), 0x1000, RW).unwrap();
    mem.write(at.offset(1 << 39), &1u64).unwrap();
    assert_eq!(mem.remap(at, 1 << 40, 1 << 39, None), Ok(at));
    assert!(pages() < before + (64 << 10), "64 MiB is a sixteen thousandth");
}

#[test]
fn free_memory_is_searched_downwards_then_upwards() {
    let anywhere = |mem: &UserSpace, len| {
        mem.map(&MapRequest { noreserve: true, ..MapRequest::anonymous(Place::Anywhere { hint: None }, len, RW) })
    };
    // No gap can be reserved for an unlimited stack: mappings go below the lowest place it can reach.
    let mem = space();
    mem.lay_out(u64::MAX, None);
    let third = ((1 << 32) / 3) & !0xfff;
    assert_eq!(anywhere(&mem, 0x3000), Ok(GuestAddr(third)));
    assert_eq!(anywhere(&mem, 0x1000), Ok(GuestAddr(third + 0x3000)));
    // Otherwise from the top down; if that is full, between the top and the stack.
    let mem = space();
    mem.lay_out(8 << 20, None);
    let top = mem.stack_top();
    let stack = MapRequest::anonymous(Place::Fixed(GuestAddr(top.0 - 0x1000)), 0x1000, RW);
    mem.map(&MapRequest { grows_down: true, ..stack }).unwrap();
    let base = top.0 - (128 << 20);
    assert_eq!(anywhere(&mem, 0x1000), Ok(GuestAddr(base - 0x1000)));
    let lowest = lowest_chosen();
    assert_eq!(anywhere(&mem, base - 0x1000 - lowest), Ok(GuestAddr(lowest)));
    assert_eq!(anywhere(&mem, 0x2000), Ok(GuestAddr(base)));
    // Up to the gap below the stack, and no further.
    let room = (128 << 20) - 0x3000 - (256 << 12);
    assert_eq!(anywhere(&mem, room + 0x1000), Err(MapError(Errno::NOMEM)));
    assert_eq!(anywhere(&mem, room), Ok(GuestAddr(base + 0x2000)));
}

#[test]
fn a_seed_moves_stack_program_and_mappings() {
    let layout = |seed: Option<u64>| {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 38), identity: false }).unwrap();
        mem.lay_out(8 << 20, seed);
        mem.set_heap(B, 0);
        let mapped = mem.map(&MapRequest::anonymous(Place::Anywhere { hint: None }, 0x1000, RW)).unwrap();
        [mem.stack_top(), mem.dynamic_base(), mapped, mem.brk(GuestAddr(0))]
    };
    let (fixed, one, two) = (layout(None), layout(Some(1)), layout(Some(2)));
    assert_eq!(one, layout(Some(1)));
    for i in 0..4 {
        assert!(fixed[i] != one[i] && one[i] != two[i], "{i}");
        assert!(one[i].is_page_aligned() && fixed[i].0.abs_diff(one[i].0) < 3 << 30, "{i}");
    }
    assert_eq!(fixed[3], B);
    assert!(one[2] < one[0]);
}

#[test]
fn a_mapping_that_fails_late_keeps_areas_and_host_consistent() {
    let mem = space();
    map(&mem, A, 0x3000);
    mem.protect(A, 0x3000, RX).unwrap();
    let seen = Seen::of(&mem);
    // A socket's mmap function fails after some kernels have already unmapped the range.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let over = GuestAddr(A.0 + 0x1000);
    let backing = Backing::File { fd: socket.as_fd(), offset: 0, path: Path::new("socket").into() };
    let request = MapRequest { backing, ..MapRequest::anonymous(Place::Fixed(over), 0x1000, RW) };
    assert_eq!(mem.map(&request), Err(MapError(Errno::NODEV)));
    let kept = mem.vma_at(over).is_some();
    assert_eq!(mem.read::<u8>(over).is_ok(), kept);
    assert_eq!(seen.take().is_empty(), kept, "observers are notified of unmapped code");
    assert!(mem.read::<u8>(A).is_ok() && mem.read::<u8>(A.offset(0x2000)).is_ok());
    map(&mem, over, 0x1000);
    assert!(mem.write(over, &1u8).is_ok());
}
