//! The device tree: what it has in common with QEMU's is equal, and dtc finds no error in it.

use super::{qemu_system, remu_system};
use remu_isa::Xlen;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The properties of a tree by path: `/soc/serial@10000000:reg`.
type Properties = BTreeMap<String, Vec<u8>>;

/// Reads a flattened tree. References to nodes are replaced by their paths, since their numbers differ.
fn parse(blob: &[u8]) -> Properties {
    let word = |at: usize| u32::from_be_bytes(blob[at..at + 4].try_into().unwrap()) as usize;
    let text =
        |at: usize| blob[at..].split(|b| *b == 0).next().map(|t| String::from_utf8(t.to_vec()).unwrap()).unwrap();
    assert_eq!(word(0), 0xd00d_feed, "the magic number");
    let (mut at, strings) = (word(8), word(12));
    let mut path: Vec<String> = Vec::new();
    let mut found = Properties::new();
    loop {
        let token = word(at);
        at += 4;
        match token {
            1 => {
                let name = text(at);
                at = (at + name.len() + 1).next_multiple_of(4);
                path.push(name);
            }
            2 => drop(path.pop()),
            3 => {
                let (len, name) = (word(at), text(strings + word(at + 4)));
                let value = blob[at + 8..at + 8 + len].to_vec();
                at = (at + 8 + len).next_multiple_of(4);
                found.insert(format!("{}:{name}", path.join("/")), value);
            }
            4 => {}
            _ => break,
        }
    }
    let handle = |(key, value): (&String, &Vec<u8>)| Some((value.clone(), key.strip_suffix(":phandle")?.to_owned()));
    let nodes: BTreeMap<Vec<u8>, String> = found.iter().filter_map(handle).collect();
    for (key, value) in &mut found {
        let each = match key.rsplit(':').next().unwrap() {
            "interrupt-parent" | "regmap" | "cpu" => 1,
            "interrupts-extended" => 2,
            _ => continue,
        };
        let cells = value.chunks(4).enumerate();
        *value = cells
            .flat_map(|(i, cell)| if i % each == 0 { nodes[cell].clone().into_bytes() } else { cell.into() })
            .collect();
    }
    found.retain(|key, _| !key.ends_with(":phandle"));
    found
}

fn dumped(mut command: Command, words: &[&str], folder: &Path) -> Properties {
    let to = folder.join("dtb");
    let machine = format!("virt,dumpdtb={}", to.display());
    let ran = command.args(["-M", &machine]).args(words).current_dir(folder).output().unwrap();
    assert!(ran.status.success() && to.exists(), "{ran:?}");
    parse(&std::fs::read(to).unwrap())
}

#[test]
fn the_device_tree_is_that_of_qemu_for_the_devices_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kernel"), [0; 8]).unwrap();
    std::fs::write(folder.path().join("disk"), [1; 5000]).unwrap();
    let words = "-smp 3 -m 256 -kernel kernel -initrd disk -append";
    let words: Vec<&str> = words.split(' ').chain(["console=ttyS0 quiet"]).collect();
    let ours = dumped(remu_system(), &words, folder.path());
    let theirs = dumped(qemu_system(Xlen::Rv64), &[&["-bios", "none"], &words[..]].concat(), folder.path());
    let mut checked = 0;
    for (key, value) in &ours {
        // The name of the emulator, and the extensions.
        if matches!(key.rsplit(':').next(), Some("model" | "riscv,isa" | "riscv,isa-extensions")) {
            continue;
        }
        // QEMU's harts have supervisor mode.
        let supervisor = ours.keys().any(|key| key.ends_with(":mmu-type"));
        if key == "/soc/interrupt-controller@c000000:interrupts-extended" && !supervisor {
            continue;
        }
        let show = |value: &[u8]| value.escape_ascii().to_string();
        assert_eq!(theirs.get(key).map(|v| show(v)), Some(show(value)), "{key}");
        checked += 1;
    }
    assert!(checked > 80, "{checked} properties");
    // What QEMU's tree has beyond that: devices that do not exist here, and a random seed.
    const ABSENT: [&str; 7] =
        ["/pmu", "/platform-bus", "/fw-cfg", "/flash", "/soc/virtio", "/soc/pci", "/chosen:rng-seed"];
    for key in theirs.keys() {
        let absent = ABSENT.iter().any(|prefix| key.starts_with(prefix));
        let later = key.ends_with(":mmu-type");
        assert!(absent || later || ours.contains_key(key), "{key} is missing");
    }
}

#[test]
fn dtc_finds_no_error_in_the_device_tree() {
    let folder = tempfile::tempdir().unwrap();
    for machine in ["virt", "spike"] {
        let to = folder.path().join(machine);
        let machine = format!("{machine},dumpdtb={}", to.display());
        assert!(remu_system().args(["-M", &machine, "-smp", "2"]).status().unwrap().success());
        // It warns of the harts' interrupt controllers: like QEMU's, they have no #address-cells.
        let words = ["-I", "dtb", "-O", "dts", "-Wno-interrupt_provider", "-o", "/dev/null"];
        let ran = Command::new("dtc").args(words).arg(&to).output();
        let ran = ran.unwrap_or_else(|e| panic!("dtc: {e}: install device-tree-compiler"));
        assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}
