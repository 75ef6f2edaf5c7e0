//! Assembles what remu maps into its guests, so that building needs no RISC-V tools.

#[path = "build/vdso.rs"]
mod vdso;

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/vdso.rs");
    let vdso::Image { bytes, restorer } = vdso::image()?;
    let out = std::env::var("OUT_DIR")?;
    let out = Path::new(&out);
    std::fs::write(out.join("vdso.so"), bytes)?;
    std::fs::write(out.join("vdso-restorer.in"), restorer.to_string())?;
    Ok(())
}
