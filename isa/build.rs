//! Generates Rust from the tables in `riscv/`. A wrong row stops the build with an error that names it.

#[path = "gen/mod.rs"]
mod generator;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=riscv");
    println!("cargo::rerun-if-changed=gen");
    let generated = generator::read_dir(Path::new("riscv")).and_then(|sources| generator::generate(&sources));
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    match generated.and_then(|text| std::fs::write(Path::new(&out).join("tables.rs"), text).map_err(|e| e.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}
