//! Names of addresses, from synthetic and malformed tables.

use super::*;

use crate::test_elf as build;

fn symbols(change: impl FnOnce(&mut Vec<u8>)) -> Symbols {
    let mut e = build::elf(0x11000).segment(build::Segment::load(build::R | build::X, 0x11000, [0; 0x100]));
    e.symbols = vec![("_start", 0x11000, 0x20), ("$x", 0x11010, 0), ("main", 0x11020, 0x30), ("end", 0x11080, 0)];
    let mut bytes = e.bytes();
    change(&mut bytes);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, bytes).unwrap();
    Symbols::read(&path)
}

#[test]
fn addresses_and_offsets_are_named() {
    let s = symbols(|_| {});
    let name = |addr| s.at_address(addr).map(|l| l.to_string());
    assert_eq!(name(0x11000).as_deref(), Some("_start+0x0"));
    assert_eq!(name(0x11012).as_deref(), Some("_start+0x12"));
    assert_eq!(name(0x1104f).as_deref(), Some("main+0x2f"));
    assert_eq!(name(0x11050), None, "between functions");
    assert_eq!(name(0x11090).as_deref(), Some("end+0x10"));
    assert_eq!(name(0x10fff), None);
    assert_eq!(s.at_offset(0x1024).map(|l| l.to_string()).as_deref(), Some("main+0x4"));
    assert_eq!(s.at_offset(0x2000), None);
}

#[test]
fn malformed_tables_name_nothing() {
    // Corrupt each byte of the table offsets in the file header, then of the section headers.
    let whole = symbols(|_| {});
    assert!(!whole.list.is_empty());
    for at in (32..48).chain(56..64) {
        symbols(|b| b[at] = 0xff).at_address(0x11000);
    }
    let mut len = 0;
    symbols(|b| len = b.len());
    for at in len - 192..len {
        symbols(|b| b[at] = 0xff).at_address(0x11000);
    }
    assert!(Symbols::read(Path::new("/nonexistent")).at_address(0).is_none());
}
