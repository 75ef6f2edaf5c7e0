//! The instructions by topic, as in `jit::x64`.

pub mod bits;
pub mod control;
pub mod fp;
pub mod int;
