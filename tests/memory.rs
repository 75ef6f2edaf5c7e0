//! The address space of a user process by its calls: what is mapped afterwards, and what a range that
//! is taken away from one thread does to another.

use remu::memory::{GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};

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
    assert_eq!(mem.remap(A, 0x3000, 0x1000, true, Some(B)), Ok(B));
    assert_eq!(ranges(&mem), [(B.0, B.0 + 0x1000)]);
    assert_eq!(mem.read::<u32>(B).unwrap(), 7);
    assert!(mem.read::<u32>(A).is_err() && mem.read::<u32>(A.offset(0x2000)).is_err());
    // In place, as far as there is room.
    assert_eq!(mem.remap(B, 0x1000, 0x5000, false, None), Ok(B));
    mem.write(B.offset(0x4000), &1u32).unwrap();
    map(&mem, B.offset(0x5000), 0x1000);
    mem.protect(B.offset(0x5000), 0x1000, Prot::READ).unwrap();
    assert!(mem.remap(B, 0x5000, 0x6000, false, None).is_err());
    let moved = mem.remap(B, 0x5000, 0x6000, true, None).unwrap();
    assert_eq!((mem.read::<u32>(moved).unwrap(), mem.read::<u32>(moved.offset(0x4000)).unwrap()), (7, 1));
    assert!(mem.read::<u32>(B).is_err());
}

#[test]
fn unmapping_takes_what_is_in_the_range_and_no_more() {
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
            let _ = mem.remap(A, 0x2000, 0x1000, true, Some(B));
        }
        changes.join().is_err()
    });
    assert!(!failed);
}
