//! `remu [OPTIONS] PROGRAM [ARGS...]`: runs a RISC-V Linux program.
#![no_main]

remu::process_entry!(remu::cli::user_main);
