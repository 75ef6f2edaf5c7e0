//! Memory policies, on node 0, which every machine has.

use super::{BEYOND, Bench, NOWHERE};
use crate::memory::GuestAddr;
use rustix::io::Errno;

const PAGE: u64 = 4096;
const ANONYMOUS: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
const BIND: u64 = 2;
const ADDR: u64 = 2;
const MEMS_ALLOWED: u64 = 4;
const MOVE: u64 = 2;

/// A number of bits for the most nodes that any kernel supports.
const BITS: u64 = 1025;

/// The address of a set of [`BITS`] with the allowed nodes.
fn allowed(b: &mut Bench) -> u64 {
    let mask = b.room(128);
    assert_eq!(b.sys("get_mempolicy", &[0, mask, BITS, 0, MEMS_ALLOWED]), Ok(0));
    assert!(b.bytes(mask, 128).iter().any(|&byte| byte != 0));
    mask
}

#[test]
fn the_threads_policy_is_set_and_read() {
    let mut b = Bench::new();
    let nodes = allowed(&mut b);
    let (mode, told) = (b.put(&99u32), b.room(128));
    assert_eq!(b.sys("get_mempolicy", &[mode, told, BITS, 0, 0]), Ok(0));
    assert_eq!((b.get::<u32>(mode), b.get::<u64>(told)), (0, 0));
    assert_eq!(b.sys("set_mempolicy", &[BIND, nodes, BITS]), Ok(0));
    assert_eq!(b.sys("get_mempolicy", &[mode, told, BITS, 0, 0]), Ok(0));
    assert_eq!((b.get::<u32>(mode), b.bytes(told, 128)), (BIND as u32, b.bytes(nodes, 128)));
    assert_eq!(b.sys("set_mempolicy", &[0, 0, 0]), Ok(0));
    assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, 0, 0]), Ok(0));
    assert_eq!(b.get::<u32>(mode), 0);
    assert_eq!(b.sys("set_mempolicy", &[77, nodes, BITS]), Err(Errno::INVAL));
    assert_eq!(b.sys("set_mempolicy", &[BIND, 0, 0]), Err(Errno::INVAL), "an empty set");
    assert_eq!(b.sys("set_mempolicy", &[BIND, nodes, u64::MAX]), Err(Errno::INVAL));
    assert_eq!(b.sys("set_mempolicy", &[BIND, NOWHERE, BITS]), Err(Errno::FAULT));
    assert_eq!(b.sys("set_mempolicy", &[BIND, BEYOND, BITS]), Err(Errno::FAULT));
    assert_eq!(b.sys("get_mempolicy", &[NOWHERE, 0, 0, 0, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("migrate_pages", &[0, BITS, nodes, nodes]), Ok(0));
    assert_eq!(b.sys("migrate_pages", &[0, BITS, BEYOND, nodes]), Err(Errno::FAULT));
    assert_eq!(b.sys("migrate_pages", &[0x3fff_ffff, BITS, nodes, nodes]), Err(Errno::SRCH));
}

#[test]
fn ranges_have_policies_of_their_own() {
    let mut b = Bench::new();
    let nodes = allowed(&mut b);
    let mode = b.room(4);
    let at = b.sys("mmap", &[NOWHERE, 3 * PAGE, 3, ANONYMOUS, u64::MAX, 0]).unwrap();
    assert_eq!(b.sys("mbind", &[at + PAGE, PAGE, BIND, nodes, BITS, 0]), Ok(0));
    let policies = [0, 1, 2].map(|page| {
        assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, at + page * PAGE, ADDR]), Ok(0));
        b.get::<u32>(mode)
    });
    assert_eq!(policies, [0, BIND as u32, 0]);
    // The host has its reservation where the guest has no mapping.
    assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, at + 3 * PAGE, ADDR]), Err(Errno::FAULT));
    assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, BEYOND, ADDR]), Err(Errno::FAULT));
    assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, at, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mbind", &[at, 4 * PAGE, BIND, nodes, BITS, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("mbind", &[at, 4 * PAGE, BIND, nodes, BITS, 1 << 20]), Err(Errno::INVAL), "flags come first");
    assert_eq!(b.sys("mbind", &[at + 1, PAGE, BIND, nodes, BITS, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mbind", &[at, PAGE, 77, nodes, BITS, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mbind", &[at, u64::MAX, BIND, nodes, BITS, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("mbind", &[at, PAGE, BIND, NOWHERE + 64 * PAGE, BITS, 0]), Err(Errno::FAULT));
    let node = u64::from(b.bytes(nodes, 8).iter().position(|&byte| byte != 0).unwrap() as u32 * 8);
    if !super::host::lacks(&mut b, "set_mempolicy_home_node", (5, 17)) && b.bytes(nodes, 1)[0] & 1 != 0 {
        assert_eq!(b.sys("set_mempolicy_home_node", &[at + PAGE, PAGE, node, 0]), Ok(0));
        assert_eq!(
            b.sys("set_mempolicy_home_node", &[at, PAGE, node, 0]),
            Err(Errno::NOENT),
            "the range has no policy"
        );
        assert_eq!(b.sys("set_mempolicy_home_node", &[at + PAGE, PAGE, node, 1]), Err(Errno::INVAL));
        assert_eq!(b.sys("set_mempolicy_home_node", &[at + PAGE, PAGE, 1 << 20, 0]), Err(Errno::INVAL));
    }
    b.sys("munmap", &[at + PAGE, PAGE]).unwrap();
    b.sys("mmap", &[at + PAGE, PAGE, 3, ANONYMOUS | libc::MAP_FIXED as u64, u64::MAX, 0]).unwrap();
    assert_eq!(b.sys("get_mempolicy", &[mode, 0, 0, at + PAGE, ADDR]), Ok(0));
    assert_eq!(b.get::<u32>(mode), 0, "a new mapping has no policy");
}

#[test]
fn pages_report_their_nodes_and_move() {
    let mut b = Bench::new();
    let at = b.sys("mmap", &[NOWHERE, 2 * PAGE, 3, ANONYMOUS, u64::MAX, 0]).unwrap();
    b.task.mm.write(GuestAddr(at), &1u8).unwrap();
    let pages = b.put(&[at, at + PAGE, at + 2 * PAGE, BEYOND]);
    let status = b.put(&[99i32; 4]);
    b.trace.take();
    assert_eq!(b.sys("move_pages", &[0, 4, pages, 0, status, 0]), Ok(0));
    let [node, absent, unmapped, beyond]: [i32; 4] = b.get(status);
    assert!((0..1024).contains(&node), "{node}");
    assert_eq!([absent, unmapped, beyond], [-libc::ENOENT, -libc::EFAULT, -libc::EFAULT]);
    let shown = b.trace.take();
    assert!(shown.contains(&format!("NULL, [{node}, -ENOENT, -EFAULT, -EFAULT], 0) = 0")), "{shown}");
    let target = b.put(&node);
    assert_eq!(b.sys("move_pages", &[b.task.pid() as u64, 1, pages, target, status, MOVE]), Ok(0));
    assert_eq!(b.get::<i32>(status), node);
    assert_eq!(b.sys("move_pages", &[0, 1, pages, 0, status, 64]), Err(Errno::INVAL));
    assert_eq!(b.sys("move_pages", &[0, 1, BEYOND, 0, status, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("move_pages", &[0, u64::MAX, pages, 0, status, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("move_pages", &[0, 1, pages, 0, BEYOND, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("move_pages", &[0x3fff_ffff, 1, pages, 0, status, 0]), Err(Errno::SRCH));
}
