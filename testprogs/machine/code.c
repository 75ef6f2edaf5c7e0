// Code in virtual memory: changed, remapped, and in several address spaces.
#include "probe.h"

stub(do_patch, "sw a1, (a0); fence.i");

enum { RWX = V | R | W | X | A | D, OTHER = DATA + 0x10000, HERE = WINDOW, THERE = WINDOW + 8 * PAGE };

// addi a2, x0, value
static u32 li_a2(u32 value) { return 0x613 | value << 20; }
// lui a2, value
static u32 lui_a2(u32 value) { return 0x637 | value << 12; }
enum { ECALL = 0x73, RET = 0x8067 };

static void put_code(u64 at, u32 first, u32 second) {
    // An instruction may be at any even address.
    for (int i = 0; i < 2; i++) {
        *(volatile unsigned short *)(at + 2 * i) = first >> 16 * i;
        *(volatile unsigned short *)(at + 4 + 2 * i) = second >> 16 * i;
    }
}

static void map(int page, u64 to, u64 bits) { *entry(0, page) = to ? leaf(to, bits) : 0; }

static void fence_address(u64 at) { __asm__ volatile("sfence.vma %0" : : "r"(at) : "memory"); }
static void fence_i(void) { __asm__ volatile("fence.i" : : : "memory"); }

// Executes code that loads a value.
static void execute(const char *what, u64 status, u64 at) {
    probe(status, at, 0, 0);
    if (trap.cause == CALL_S || trap.cause == CALL_U) {
        show(what, trap.loaded);
    } else {
        print(what);
        show(": cause", trap.cause);
        show("  distance of tval", trap.tval - at);
    }
}

static void changed(void) {
    map(0, DATA, V | X | A);
    map(8, DATA, V | R | W | A | D);
    flush();
    put_code(DATA, li_a2(1), ECALL);
    fence_i();
    execute("before", MPP_S, HERE);
    probe(MPP_S, (u64)do_patch, THERE, li_a2(2));
    execute("changed by another address", MPP_S, HERE);
    probe(MPP_S, (u64)do_patch, DATA, li_a2(3));
    execute("changed by a superpage", MPP_S, HERE);
    put_code(DATA, li_a2(4), ECALL);
    fence_i();
    execute("changed by machine mode", MPP_S, HERE);
    probe(MPRV | MPP_S, (u64)do_patch, THERE, li_a2(5));
    execute("changed with MPRV", MPP_S, HERE);
    for (u32 i = 0; i < 2000; i++) {
        probe(MPP_S, (u64)do_patch, i & 1 ? THERE : DATA, li_a2(i));
        probe(MPP_S, HERE, 0, 0);
        if (trap.loaded != i)
            show("not changed", i);
    }
    execute("changed often", MPP_S, HERE);
}

// Counts in a word of its own page.
extern char counting[], counting_end[];
__asm__(".text; .balign 8; .option push; .option norvc; .option norelax\n"
        "counting: auipc a3, 0; li a4, 1000\n"
        "1: lw a2, 64(a3); addi a2, a2, 1; sw a2, 64(a3); addi a4, a4, -1; bnez a4, 1b; ecall\n"
        "counting_end: .option pop");

static void mixed(void) {
    map(0, DATA, RWX);
    flush();
    for (char *from = counting; from < counting_end; from += 4)
        write32(DATA + (from - counting), read32((u64)from));
    write32(DATA + 64, 0);
    fence_i();
    for (int i = 0; i < 3; i++)
        execute("data beside code", MPP_S, HERE);
    // The word that is counted lies in the same page for others, too.
    map(8, DATA, RWX);
    flush();
    execute("by another address", MPP_S, THERE);
}

static void over_the_end(void) {
    // lui lies at the end of the first page with two bytes, and in either second page with the others.
    map(0, DATA, RWX);
    map(1, OTHER, RWX);
    put_code(DATA + PAGE - 2, lui_a2(0x11111), ECALL);
    for (int i = 0; i < 2; i++) {
        write32(OTHER + i * PAGE, lui_a2(0x11111 * (i + 1)) >> 16 | ECALL << 16);
        write32(OTHER + i * PAGE + 4, 0);
    }
    flush();
    fence_i();
    execute("first mapping", MPP_S, HERE + PAGE - 2);
    map(1, OTHER + PAGE, RWX);
    fence_address(HERE + PAGE);
    execute("second mapping", MPP_S, HERE + PAGE - 2);
    map(1, OTHER, RWX);
    flush();
    execute("first again", MPP_S, HERE + PAGE - 2);
    map(1, OTHER, RWX & ~X);
    fence_address(HERE + PAGE + 8);
    execute("not executable", MPP_S, HERE + PAGE - 2);
    map(1, OTHER, RWX);
    fence_address(HERE + PAGE);
    execute("executable", MPP_S, HERE + PAGE - 2);
    deny(OTHER, 12);
    execute("denied", MPP_S, HERE + PAGE - 2);
    allow();
    write32(OTHER, lui_a2(0x33333) >> 16 | ECALL << 16);
    fence_i();
    execute("changed", MPP_S, HERE + PAGE - 2);
}

static void revoked(void) {
    map(0, DATA, RWX);
    put_code(DATA, li_a2(1), ECALL);
    flush();
    fence_i();
    execute("supervisor", MPP_S, HERE);
    execute("user", 0, HERE);
    map(0, DATA, RWX | U);
    flush();
    execute("user", 0, HERE);
    execute("supervisor", MPP_S, HERE);
    execute("supervisor sum", MPP_S | SUM, HERE);
    execute("user", 0, HERE);
    map(0, DATA, RWX & ~X);
    fence_address(HERE + 128);
    execute("not executable", MPP_S, HERE);
    map(0, 0, 0);
    fence_address(HERE);
    execute("not mapped", MPP_S, HERE);
    map(0, DATA, RWX);
    fence_address(HERE);
    execute("mapped", MPP_S, HERE);
    deny(DATA, 12);
    execute("denied", MPP_S, HERE);
    allow();
    execute("allowed", MPP_S, HERE);
    // Two mappings, of which one changes.
    map(8, DATA, RWX);
    put_code(OTHER, li_a2(2), ECALL);
    flush();
    fence_i();
    execute("here", MPP_S, HERE);
    execute("there", MPP_S, THERE);
    map(0, OTHER, RWX);
    fence_address(HERE);
    execute("here changed", MPP_S, HERE);
    execute("there", MPP_S, THERE);
}

static void spaces(void) {
    // A second set of tables for the window, with other code.
    u64 root = table(2), other_root = table(6), middle = table(5), last = table(4);
    for (int i = 0; i < 512; i++)
        write64(other_root + 8 * i, read64(root + 8 * i));
    write64(other_root + 8, pointer(middle));
    write64(middle, pointer(last));
    write64(last, leaf(OTHER, RWX));
    map(0, DATA, RWX);
    put_code(DATA, li_a2(1), ECALL);
    put_code(OTHER, li_a2(2), ECALL);
    flush();
    fence_i();
    for (int i = 0; i < 3; i++) {
        csr_write(satp, 8ul << 60 | 1ul << 44 | root >> 12);
        execute("space 1", MPP_S, HERE);
        csr_write(satp, 8ul << 60 | 2ul << 44 | other_root >> 12);
        execute("space 2", MPP_S, HERE);
    }
    // More spaces than any cache remembers.
    u64 sum = 0;
    for (u64 asid = 0; asid < 200; asid++) {
        csr_write(satp, 8ul << 60 | asid << 44 | (asid & 1 ? other_root : root) >> 12);
        fence_i();
        __asm__ volatile("sfence.vma x0, %0" : : "r"(asid) : "memory");
        probe(MPP_S, HERE, 0, 0);
        sum += trap.loaded << (asid & 1 ? 16 : 0);
    }
    show("many spaces", sum);
    use_tables(3);
}

// Calls a function many times; after each call maps it to the other of two pages and flushes its address. Sums what it
// returns, weighted so that the order matters.
struct calls { u64 function, entry, next, other; };
stub(calling, "ld a3, 0(a0); ld a4, 8(a0); ld a5, 16(a0); ld a6, 24(a0); li a7, 1000; li s2, 0\n"
              "1: jalr ra, (a3); slli s3, s2, 1; add s2, s2, s3; add s2, s2, a2\n"
              "sd a5, (a4); mv s3, a5; mv a5, a6; mv a6, s3; sfence.vma a3\n"
              "addi a7, a7, -1; bnez a7, 1b; mv a2, s2");

static void called(void) {
    static struct calls calls;
    map(0, DATA, RWX);
    map(8, DATA, RWX);
    put_code(DATA, li_a2(1), RET);
    put_code(OTHER, li_a2(2), RET);
    flush();
    fence_i();
    calls = (struct calls){HERE, (u64)entry(0, 0), leaf(OTHER, RWX), leaf(DATA, RWX)};
    probe(MPP_S, (u64)calling, (u64)&calls, 0);
    show("calls: cause", trap.cause);
    show("  sum", trap.loaded);
    u64 sum = 0;
    for (int i = 0; i < 1000; i++)
        sum = 3 * sum + 1 + (i & 1);
    show("  expected", sum);
}

int main(u64 hart) {
    allow();
    tables(3);
    use_tables(3);
    changed();
    mixed();
    over_the_end();
    revoked();
    spaces();
    called();
    use_tables(0);
    return 0;
}
