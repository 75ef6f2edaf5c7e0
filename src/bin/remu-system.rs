//! Whole machines: `remu-system [OPTIONS] [ELF]`. See the crate's documentation.
#![no_main]

remu::process_entry!(remu::cli::system_main);
