//! The flattened device tree, which describes a machine to its software. Nodes and properties are those of QEMU's
//! `virt`, for the devices that exist.

use super::devices::{clint, finisher, plic, rtc, uart};
use super::{MachineConfig, MachineKind};
use crate::guest::CACHE_BLOCK;
use crate::guest::riscv::csr::TIMEBASE_HZ;
use crate::guest::riscv::profiles::isa_string;
use remu_isa::{Ext, Isa, Xlen};
use std::ops::Range;
use vm_fdt::{Error, FdtWriter};

/// The tree cannot be written: a defect of remu.
#[derive(Debug, thiserror::Error)]
#[error("the device tree: {0}")]
pub struct DeviceTreeError(#[from] Error);

/// The interrupt numbers of a hart.
const MACHINE_SOFTWARE: u32 = 3;
const MACHINE_TIMER: u32 = 7;
const SUPERVISOR_EXTERNAL: u32 = 9;
const MACHINE_EXTERNAL: u32 = 11;

/// The name of the serial port's node, and its path.
fn serial() -> (String, String) {
    let name = format!("serial@{:x}", uart::BASE);
    let path = format!("/soc/{name}");
    (name, path)
}

/// The handles by which nodes refer to each other.
struct Handles {
    harts: u32,
}

impl Handles {
    fn cpu(&self, hart: u32) -> u32 {
        1 + hart
    }

    /// The interrupt controller of a hart.
    fn controller(&self, hart: u32) -> u32 {
        1 + self.harts + hart
    }

    fn plic(&self) -> u32 {
        1 + 2 * self.harts
    }

    fn finisher(&self) -> u32 {
        2 + 2 * self.harts
    }

    /// The value of `interrupts-extended`: the given interrupts of each hart.
    fn of_harts(&self, interrupts: &[u32]) -> Vec<u32> {
        (0..self.harts).flat_map(|hart| interrupts.iter().flat_map(move |&i| [self.controller(hart), i])).collect()
    }
}

/// The tree of a machine whose kernel has an initial RAM disk at these addresses.
pub(super) fn compose(config: &MachineConfig, initrd: Option<Range<u64>>) -> Result<Vec<u8>, DeviceTreeError> {
    let handles = Handles { harts: config.harts as u32 };
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    let (compatible, model) = match config.kind {
        MachineKind::Virt => ("riscv-virtio", "riscv-virtio,remu"),
        MachineKind::Spike => ("ucbbar,spike-bare-dev", "ucbbar,spike-bare"),
    };
    fdt.property_string("compatible", compatible)?;
    fdt.property_string("model", model)?;

    chosen(&mut fdt, config, initrd)?;
    let node = fdt.begin_node(&format!("memory@{:x}", config.ram_base))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[config.ram_base, config.ram_size])?;
    fdt.end_node(node)?;
    cpus(&mut fdt, config, &handles)?;

    let soc = fdt.begin_node("soc")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "simple-bus")?;
    fdt.property_null("ranges")?;
    common_devices(&mut fdt, config, &handles)?;
    if config.kind == MachineKind::Virt {
        virt_devices(&mut fdt, config, &handles)?;
    }
    fdt.end_node(soc)?;
    if config.kind == MachineKind::Virt {
        system_control(&mut fdt, "poweroff", finisher::PASS, &handles)?;
        system_control(&mut fdt, "reboot", finisher::RESET, &handles)?;
    }
    fdt.end_node(root)?;
    Ok(fdt.finish()?)
}

fn chosen(fdt: &mut FdtWriter, config: &MachineConfig, initrd: Option<Range<u64>>) -> Result<(), Error> {
    let (_, path) = serial();
    let node = fdt.begin_node("aliases")?;
    fdt.property_string("serial0", &path)?;
    fdt.end_node(node)?;
    let node = fdt.begin_node("chosen")?;
    if !config.arguments.is_empty() {
        fdt.property_string("bootargs", &config.arguments)?;
    }
    if let Some(initrd) = initrd {
        fdt.property_u64("linux,initrd-start", initrd.start)?;
        fdt.property_u64("linux,initrd-end", initrd.end)?;
    }
    fdt.property_string("stdout-path", &path)?;
    fdt.end_node(node)
}

fn cpus(fdt: &mut FdtWriter, config: &MachineConfig, handles: &Handles) -> Result<(), Error> {
    let cpus = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    fdt.property_u32("timebase-frequency", TIMEBASE_HZ as u32)?;
    for hart in 0..handles.harts {
        cpu(fdt, config.isa, hart, handles)?;
    }
    let map = fdt.begin_node("cpu-map")?;
    let cluster = fdt.begin_node("cluster0")?;
    for hart in 0..handles.harts {
        let core = fdt.begin_node(&format!("core{hart}"))?;
        fdt.property_u32("cpu", handles.cpu(hart))?;
        fdt.end_node(core)?;
    }
    fdt.end_node(cluster)?;
    fdt.end_node(map)?;
    fdt.end_node(cpus)
}

/// The widest address translation of a hart, if it has supervisor mode.
fn mmu_type(isa: Isa) -> Option<&'static str> {
    let name = if isa.xlen == Xlen::Rv64 { "riscv,sv57" } else { "riscv,sv32" };
    isa.exts.contains(Ext::S).then_some(name)
}

/// The privileged extensions that add no instruction, and that every hart of this width has. Software that finds Svadu
/// without Svade may rely on hardware to set the accessed and dirty bits.
fn privileged_extensions(isa: Isa) -> &'static [&'static str] {
    match isa.xlen {
        _ if !isa.exts.contains(Ext::S) => &["smepmp"],
        Xlen::Rv32 => &["smepmp", "sstc", "svadu"],
        Xlen::Rv64 => &["smepmp", "sstc", "svadu", "svnapot", "svpbmt"],
    }
}

fn cpu(fdt: &mut FdtWriter, isa: Isa, hart: u32, handles: &Handles) -> Result<(), Error> {
    let (xlen, base) = if isa.xlen == Xlen::Rv64 { (64, "rv64i") } else { (32, "rv32i") };
    let cpu = fdt.begin_node(&format!("cpu@{hart:x}"))?;
    fdt.property_string("device_type", "cpu")?;
    fdt.property_string("compatible", "riscv")?;
    fdt.property_u32("reg", hart)?;
    fdt.property_string("status", "okay")?;
    let privileged = privileged_extensions(isa);
    let string: String = privileged.iter().fold(isa_string(xlen, isa.exts), |string, name| string + "_" + name);
    fdt.property_string("riscv,isa", &string)?;
    fdt.property_string("riscv,isa-base", base)?;
    // Privilege modes are not extensions here.
    let names = isa.exts.iter().filter(|ext| !matches!(ext, Ext::S | Ext::Sm)).map(|e| e.name().to_ascii_lowercase());
    let names = names.chain(privileged.iter().map(|name| (*name).to_owned()));
    fdt.property_string_list("riscv,isa-extensions", names.collect())?;
    for (ext, name) in [
        (Ext::Zicbom, "riscv,cbom-block-size"),
        (Ext::Zicbop, "riscv,cbop-block-size"),
        (Ext::Zicboz, "riscv,cboz-block-size"),
    ] {
        if isa.exts.contains(ext) {
            fdt.property_u32(name, CACHE_BLOCK as u32)?;
        }
    }
    if let Some(name) = mmu_type(isa) {
        fdt.property_string("mmu-type", name)?;
    }
    fdt.property_phandle(handles.cpu(hart))?;
    let controller = fdt.begin_node("interrupt-controller")?;
    fdt.property_string("compatible", "riscv,cpu-intc")?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_phandle(handles.controller(hart))?;
    fdt.end_node(controller)?;
    fdt.end_node(cpu)
}

/// The devices that all machines have.
fn common_devices(fdt: &mut FdtWriter, config: &MachineConfig, handles: &Handles) -> Result<(), Error> {
    let node = fdt.begin_node(&format!("clint@{:x}", clint::BASE))?;
    fdt.property_string_list("compatible", vec!["sifive,clint0".into(), "riscv,clint0".into()])?;
    fdt.property_array_u64("reg", &[clint::BASE, clint::SIZE])?;
    fdt.property_array_u32("interrupts-extended", &handles.of_harts(&[MACHINE_SOFTWARE, MACHINE_TIMER]))?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&serial().0)?;
    fdt.property_string("compatible", "ns16550a")?;
    fdt.property_array_u64("reg", &[uart::BASE, uart::SIZE])?;
    fdt.property_u32("clock-frequency", 3_686_400)?;
    if config.kind == MachineKind::Virt {
        interrupt(fdt, uart::SOURCE, handles)?;
    }
    fdt.end_node(node)
}

/// Connects a device to a source of the PLIC.
fn interrupt(fdt: &mut FdtWriter, source: usize, handles: &Handles) -> Result<(), Error> {
    fdt.property_u32("interrupt-parent", handles.plic())?;
    fdt.property_u32("interrupts", source as u32)
}

fn virt_devices(fdt: &mut FdtWriter, config: &MachineConfig, handles: &Handles) -> Result<(), Error> {
    let node = fdt.begin_node(&format!("interrupt-controller@{:x}", plic::BASE))?;
    fdt.property_string_list("compatible", vec!["sifive,plic-1.0.0".into(), "riscv,plic0".into()])?;
    fdt.property_array_u64("reg", &[plic::BASE, plic::SIZE])?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_u32("#address-cells", 0)?;
    fdt.property_u32("riscv,ndev", plic::SOURCES as u32 - 1)?;
    let modes: &[u32] = match config.isa.exts.contains(Ext::S) {
        true => &[MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL],
        false => &[MACHINE_EXTERNAL],
    };
    fdt.property_array_u32("interrupts-extended", &handles.of_harts(modes))?;
    fdt.property_phandle(handles.plic())?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("rtc@{:x}", rtc::BASE))?;
    fdt.property_string("compatible", "google,goldfish-rtc")?;
    fdt.property_array_u64("reg", &[rtc::BASE, rtc::SIZE])?;
    interrupt(fdt, rtc::SOURCE, handles)?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("test@{:x}", finisher::BASE))?;
    fdt.property_string_list("compatible", vec!["sifive,test1".into(), "sifive,test0".into(), "syscon".into()])?;
    fdt.property_array_u64("reg", &[finisher::BASE, finisher::SIZE])?;
    fdt.property_phandle(handles.finisher())?;
    fdt.end_node(node)
}

/// A node that says which value to write to the power-off device.
fn system_control(fdt: &mut FdtWriter, name: &str, value: u64, handles: &Handles) -> Result<(), Error> {
    let node = fdt.begin_node(name)?;
    fdt.property_string("compatible", &format!("syscon-{name}"))?;
    fdt.property_u32("regmap", handles.finisher())?;
    fdt.property_u32("offset", 0)?;
    fdt.property_u32("value", value as u32)?;
    fdt.end_node(node)
}
