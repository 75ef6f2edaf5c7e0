// Single accesses in any mode, under any page tables, for bare-metal programs. The trap that ends each returns here.
#include "machine.h"

enum { SUM = 1 << 18, MXR = 1 << 19, MPRV = 1 << 17, MPP_S = 1 << 11, MPP_M = 3 << 11, FS = 3 << 13 };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
enum { CALL_U = 8, CALL_S = 9, CALL_M = 11 };
// CBIE, CBCFE and CBZE: the cache-block instructions are enabled.
#define CBO 0xf0ul
#define ADUE (1ull << 61)
#define PBMTE (1ull << 62)
#define STCE (1ull << 63)

// Names of instructions and offsets in words, for assembly.
#if __riscv_xlen == 32
#define LX "lw "
#define SX "sw "
#define WIDTH ".w "
#define AT(n) #n " * 4"
#else
#define LX "ld "
#define SX "sd "
#define WIDTH ".d "
#define AT(n) #n " * 8"
#define N (1ul << 63)
#define PBMT(type) ((word)(type) << 61)
#endif

static inline void set_menvcfg(u64 value) {
    csr_write(menvcfg, value);
#if __riscv_xlen == 32
    csr_write(menvcfgh, value >> 32);
#endif
}

// Prints the bits of a CSR that can be set and cleared.
#define all_ones_and_zeros(name, mask)                                                                                \
    do {                                                                                                              \
        word before = csr_read(name);                                                                                  \
        csr_write(name, ~0ul);                                                                                        \
        show(#name " of ones", csr_read(name) & (mask));                                                              \
        csr_write(name, 0);                                                                                           \
        show(#name " of zeros", csr_read(name) & (mask));                                                             \
        csr_write(name, before);                                                                                      \
    } while (0)

// What a probe ends with; `loaded` is a2 then, and `status` is mstatus.
struct trap { word cause, tval, epc, loaded, status; };
struct trap trap;
word frame[16];

// Goes to `pc` with a0 and a1: in the mode of `status`'s MPP, or with MPRV in machine mode. Ends with the next trap to
// machine mode.
void probe(word status, word pc, word a0, word a1);
__asm__(
    ".text\n"
    "probe: la t0, frame\n"
    SX "ra, " AT(0) "(t0); " SX "sp, " AT(1) "(t0); " SX "gp, " AT(2) "(t0); " SX "tp, " AT(3) "(t0)\n"
    SX "s0, " AT(4) "(t0); " SX "s1, " AT(5) "(t0); " SX "s2, " AT(6) "(t0); " SX "s3, " AT(7) "(t0)\n"
    SX "s4, " AT(8) "(t0); " SX "s5, " AT(9) "(t0); " SX "s6, " AT(10) "(t0); " SX "s7, " AT(11) "(t0)\n"
    SX "s8, " AT(12) "(t0); " SX "s9, " AT(13) "(t0); " SX "s10, " AT(14) "(t0); " SX "s11, " AT(15) "(t0)\n"
    "la t0, probed; csrw mtvec, t0\n"
    "mv t0, a0; mv t1, a1; mv a0, a2; mv a1, a3; li a2, 0\n"
    "csrw mstatus, t0\n"
    "li t2, 1 << 17; and t2, t2, t0; bnez t2, 1f\n"
    "csrw mepc, t1; mret\n"
    "1: jr t1\n"
    ".balign 4\n"
    "probed: csrr t1, mstatus; li t0, 0xa0000; csrc mstatus, t0\n"
    "la t0, trap; " SX "t1, " AT(4) "(t0)\n"
    "csrr t1, mcause; " SX "t1, " AT(0) "(t0); csrr t1, mtval; " SX "t1, " AT(1) "(t0)\n"
    "csrr t1, mepc; " SX "t1, " AT(2) "(t0); " SX "a2, " AT(3) "(t0)\n"
    "la t0, frame\n"
    LX "ra, " AT(0) "(t0); " LX "sp, " AT(1) "(t0); " LX "gp, " AT(2) "(t0); " LX "tp, " AT(3) "(t0)\n"
    LX "s0, " AT(4) "(t0); " LX "s1, " AT(5) "(t0); " LX "s2, " AT(6) "(t0); " LX "s3, " AT(7) "(t0)\n"
    LX "s4, " AT(8) "(t0); " LX "s5, " AT(9) "(t0); " LX "s6, " AT(10) "(t0); " LX "s7, " AT(11) "(t0)\n"
    LX "s8, " AT(12) "(t0); " LX "s9, " AT(13) "(t0); " LX "s10, " AT(14) "(t0); " LX "s11, " AT(15) "(t0)\n"
    "ret\n");

// Code of so many bytes for a probe, at most.
enum { STUB = 16 };
#define stub(name, code)                                                                                              \
    extern char name[];                                                                                               \
    __asm__(".text; .balign 16; " #name ": .option push; .option norvc; .option norelax\n" code                       \
            "; ecall; .option pop; .balign 16\n")

// Physical memory for page tables and data. The tables are cleared by `tables`.
enum { TABLES = 0x80400000, DATA = 0x80600000, PAGE = 4096, WINDOW = 0x40000000 };

// The entries of the table of a level.
static inline word table(int level) { return TABLES + PAGE * level; }
static inline word *entry(int level, word index) { return (word *)table(level) + index; }
static inline word pointer(word to) { return to >> 12 << 10 | V; }
static inline word leaf(word to, word bits) { return to >> 12 << 10 | bits; }

// Page tables of `levels` levels. Memory is mapped as itself for supervisor mode, and USER above that for user mode, by
// the table of CODE_LEVEL; addresses from WINDOW on by the tables of levels 1, where their index is WINDOW_1, and 0.
#if __riscv_xlen == 32
#define USER 0x40000000ul
enum { INDEX_BITS = 10, WINDOW_1 = WINDOW >> 22, CODE_LEVEL = 1 };
#else
#define USER 0x100000000ul
enum { INDEX_BITS = 9, WINDOW_1 = 0, CODE_LEVEL = 2 };
#endif

static inline void tables(int levels) {
    for (word *p = (word *)TABLES; p < (word *)(TABLES + 8 * PAGE); p++)
        *p = 0;
    const word memory = 0x80000000, bits = V | R | W | X | A | D;
#if __riscv_xlen == 32
    for (word at = 0; at < 16 << 20; at += 4 << 20) {
        *entry(1, (memory + at) >> 22) = leaf(memory + at, bits);
        *entry(1, (memory + USER + at) >> 22) = leaf(memory + at, bits | U);
    }
#else
    for (int level = levels - 1; level > 2; level--)
        *entry(level, 0) = pointer(table(level - 1));
    *entry(2, WINDOW >> 30) = pointer(table(1));
    *entry(2, memory >> 30) = leaf(memory, bits);
    *entry(2, (memory + USER) >> 30) = leaf(memory, bits | U);
#endif
    *entry(1, WINDOW_1) = pointer(table(0));
}

static inline void use_tables(int levels) {
    word mode = !levels ? 0 : sizeof mode == 4 ? 1ul << 31 : (levels + 5ull) << 60;
    csr_write(satp, levels ? mode | table(levels - 1) >> 12 : 0);
    __asm__ volatile("sfence.vma; fence.i" : : : "memory");
}

static inline void flush(void) { __asm__ volatile("sfence.vma" : : : "memory"); }

// PMP entry 0 denies 2^bits bytes at an address to the modes below machine mode; entry 1 lets them access the rest.
static inline void deny(word at, int bits) {
    csr_write(pmpaddr0, at >> 2 | ((1ul << (bits - 3)) - 1));
    csr_write(pmpaddr1, ~0ul);
    csr_write(pmpcfg0, 0x1f18);
    flush();
}

static inline void allow(void) {
    csr_write(pmpaddr1, ~0ul);
    csr_write(pmpcfg0, 0x1f00);
    flush();
}
