//! `remu [OPTIONS] PROGRAM [ARGS...]`: runs a RISC-V Linux program.

fn main() {
    std::process::exit(remu::cli::user_main())
}
