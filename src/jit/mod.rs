//! The compiler of guest code to x86-64 code.

pub mod x64;
