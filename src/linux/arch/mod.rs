//! Register conventions of the kernel interface, one module for each guest architecture.

pub mod riscv64;
