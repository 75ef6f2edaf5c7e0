//! Stands in for the crate of the same name, of which `softfloat-sys` (the oracle of the
//! floating-point tests) uses five type names. The original finds them out by running CMake, in a
//! dialect that CMake 4 no longer reads; here are those of the only host that remu builds on.

#![no_std]
#![allow(non_camel_case_types)]

/// `int_fast32_t`
#[cfg(not(target_env = "musl"))]
pub type int_fast32_t = i64;
/// `int_fast32_t`
#[cfg(target_env = "musl")]
pub type int_fast32_t = i32;
/// `int_fast64_t`
pub type int_fast64_t = i64;
/// `uint_fast8_t`
pub type uint_fast8_t = u8;
/// `uint_fast32_t`
#[cfg(not(target_env = "musl"))]
pub type uint_fast32_t = u64;
/// `uint_fast32_t`
#[cfg(target_env = "musl")]
pub type uint_fast32_t = u32;
/// `uint_fast64_t`
pub type uint_fast64_t = u64;
