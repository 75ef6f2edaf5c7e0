//! Instruction encodings of RISC-V.
