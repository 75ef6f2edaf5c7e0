//! RISC-V only: `asm/hwprobe.h`, `asm/syscall.h`, the vector part of `linux/prctl.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct riscv_hwprobe`.
    HwprobePair { key: i64, value: u64, }
}

layout!(HwprobePair: 16);

/// riscv_flush_icache: only this thread needs to see the change.
pub const FLUSH_ICACHE_LOCAL: u64 = 1;

/// riscv_hwprobe: return the CPUs that have all the given values.
pub const HWPROBE_WHICH_CPUS: u64 = 1;

/// The keys of riscv_hwprobe.
pub mod key {
    #![allow(missing_docs, reason = "the names are the kernel's")]
    pub const MVENDORID: i64 = 0;
    pub const MARCHID: i64 = 1;
    pub const MIMPID: i64 = 2;
    pub const BASE_BEHAVIOR: i64 = 3;
    pub const IMA_EXT_0: i64 = 4;
    pub const CPUPERF_0: i64 = 5;
    pub const ZICBOZ_BLOCK_SIZE: i64 = 6;
    pub const HIGHEST_VIRT_ADDRESS: i64 = 7;
    pub const TIME_CSR_FREQ: i64 = 8;
    pub const MISALIGNED_SCALAR_PERF: i64 = 9;
    pub const MISALIGNED_VECTOR_PERF: i64 = 10;
    pub const VENDOR_EXT_THEAD_0: i64 = 11;
    pub const ZICBOM_BLOCK_SIZE: i64 = 12;
    pub const VENDOR_EXT_SIFIVE_0: i64 = 13;
    pub const VENDOR_EXT_MIPS_0: i64 = 14;
    pub const ZICBOP_BLOCK_SIZE: i64 = 15;
    pub const IMA_EXT_1: i64 = 16;
}

/// Key 3: the base I, M and A behave as the specification says.
pub const BASE_BEHAVIOR_IMA: u64 = 1;

/// Keys 5 and 9: misaligned scalar accesses are fast.
pub const MISALIGNED_FAST: u64 = 3;

/// Key 10: misaligned vector accesses are not known to work.
pub const MISALIGNED_VECTOR_UNSUPPORTED: u64 = 4;

/// Bits of key 4, by extension name.
pub const IMA_EXT_0: &[(&str, u32)] = &[
    ("c", 1),
    ("v", 2),
    ("zba", 3),
    ("zbb", 4),
    ("zbs", 5),
    ("zicboz", 6),
    ("zbc", 7),
    ("zbkb", 8),
    ("zbkc", 9),
    ("zbkx", 10),
    ("zknd", 11),
    ("zkne", 12),
    ("zknh", 13),
    ("zksed", 14),
    ("zksh", 15),
    ("zkt", 16),
    ("zvbb", 17),
    ("zvbc", 18),
    ("zvkb", 19),
    ("zvkg", 20),
    ("zvkned", 21),
    ("zvknha", 22),
    ("zvknhb", 23),
    ("zvksed", 24),
    ("zvksh", 25),
    ("zvkt", 26),
    ("zfh", 27),
    ("zfhmin", 28),
    ("zihintntl", 29),
    ("zvfh", 30),
    ("zvfhmin", 31),
    ("zfa", 32),
    ("ztso", 33),
    ("zacas", 34),
    ("zicond", 35),
    ("zihintpause", 36),
    ("zve32x", 37),
    ("zve32f", 38),
    ("zve64x", 39),
    ("zve64f", 40),
    ("zve64d", 41),
    ("zimop", 42),
    ("zca", 43),
    ("zcb", 44),
    ("zcd", 45),
    ("zcf", 46),
    ("zcmop", 47),
    ("zawrs", 48),
    ("supm", 49),
    ("zicntr", 50),
    ("zihpm", 51),
    ("zfbfmin", 52),
    ("zvfbfmin", 53),
    ("zvfbfwma", 54),
    ("zicbom", 55),
    ("zaamo", 56),
    ("zalrsc", 57),
    ("zabha", 58),
    ("zalasr", 59),
    ("zicbop", 60),
    ("zilsd", 61),
    ("zclsd", 62),
];

/// prctl: sets and reads a thread's use of the vector unit.
pub const PR_RISCV_V_SET_CONTROL: u64 = 69;
#[allow(missing_docs, reason = "the names are the kernel's")]
pub const PR_RISCV_V_GET_CONTROL: u64 = 70;
#[allow(missing_docs, reason = "the names are the kernel's")]
pub const PR_RISCV_SET_ICACHE_FLUSH_CTX: u64 = 71;
