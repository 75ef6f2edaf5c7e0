//! The flattened device tree, which describes a machine to its software.

use super::devices::{clint, finisher, uart};
use super::{MachineConfig, MachineKind};
use crate::guest::riscv::csr::TIMEBASE_HZ;
use crate::guest::riscv::profiles::isa_string;
use remu_isa::Xlen;
use vm_fdt::{Error, FdtWriter};

/// The tree cannot be written: a defect of remu.
#[derive(Debug, thiserror::Error)]
#[error("the device tree: {0}")]
pub struct DeviceTreeError(#[from] Error);

/// The interrupt numbers of a hart's machine-level interrupts.
const MACHINE_SOFTWARE: u32 = 3;
const MACHINE_TIMER: u32 = 7;

/// The phandle of hart 0's interrupt controller. The other harts' follow it.
const FIRST_CONTROLLER: u32 = 1;

pub(super) fn compose(config: &MachineConfig) -> Result<Vec<u8>, DeviceTreeError> {
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

    let chosen = fdt.begin_node("chosen")?;
    if !config.arguments.is_empty() {
        fdt.property_string("bootargs", &config.arguments)?;
    }
    fdt.property_string("stdout-path", &format!("/soc/serial@{:x}", uart::BASE))?;
    fdt.end_node(chosen)?;

    let memory = fdt.begin_node(&format!("memory@{:x}", config.ram_base))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[config.ram_base, config.ram_size])?;
    fdt.end_node(memory)?;

    let cpus = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    fdt.property_u32("timebase-frequency", TIMEBASE_HZ as u32)?;
    for hart in 0..config.harts as u32 {
        cpu(&mut fdt, config, hart)?;
    }
    fdt.end_node(cpus)?;

    let soc = fdt.begin_node("soc")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "simple-bus")?;
    fdt.property_null("ranges")?;
    devices(&mut fdt, config)?;
    fdt.end_node(soc)?;
    fdt.end_node(root)?;
    Ok(fdt.finish()?)
}

fn cpu(fdt: &mut FdtWriter, config: &MachineConfig, hart: u32) -> Result<(), Error> {
    let (xlen, base) = if config.isa.xlen == Xlen::Rv64 { (64, "rv64i") } else { (32, "rv32i") };
    let cpu = fdt.begin_node(&format!("cpu@{hart:x}"))?;
    fdt.property_string("device_type", "cpu")?;
    fdt.property_string("compatible", "riscv")?;
    fdt.property_u32("reg", hart)?;
    fdt.property_string("status", "okay")?;
    fdt.property_string("riscv,isa", &isa_string(xlen, config.isa.exts))?;
    fdt.property_string("riscv,isa-base", base)?;
    let names = config.isa.exts.iter().map(|e| e.name().to_ascii_lowercase()).collect();
    fdt.property_string_list("riscv,isa-extensions", names)?;
    let controller = fdt.begin_node("interrupt-controller")?;
    fdt.property_string("compatible", "riscv,cpu-intc")?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_phandle(FIRST_CONTROLLER + hart)?;
    fdt.end_node(controller)?;
    fdt.end_node(cpu)
}

fn devices(fdt: &mut FdtWriter, config: &MachineConfig) -> Result<(), Error> {
    let node = fdt.begin_node(&format!("clint@{:x}", clint::BASE))?;
    fdt.property_string_list("compatible", vec!["sifive,clint0".into(), "riscv,clint0".into()])?;
    fdt.property_array_u64("reg", &[clint::BASE, clint::SIZE])?;
    let lines = |hart| [FIRST_CONTROLLER + hart, MACHINE_SOFTWARE, FIRST_CONTROLLER + hart, MACHINE_TIMER];
    let interrupts: Vec<u32> = (0..config.harts as u32).flat_map(lines).collect();
    fdt.property_array_u32("interrupts-extended", &interrupts)?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("serial@{:x}", uart::BASE))?;
    fdt.property_string("compatible", "ns16550a")?;
    fdt.property_array_u64("reg", &[uart::BASE, uart::SIZE])?;
    fdt.property_u32("clock-frequency", 3_686_400)?;
    fdt.end_node(node)?;

    if config.kind == MachineKind::Virt {
        let node = fdt.begin_node(&format!("test@{:x}", finisher::BASE))?;
        fdt.property_string_list("compatible", vec!["sifive,test1".into(), "sifive,test0".into(), "syscon".into()])?;
        fdt.property_array_u64("reg", &[finisher::BASE, finisher::SIZE])?;
        fdt.end_node(node)?;
    }
    Ok(())
}
