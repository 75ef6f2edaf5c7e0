// C and Zcb: arithmetic, loads and stores. uc/ has the tests of jumps and branches.
#include "emit.h"

#include <stdio.h>

// The test stays at 16 bits where it says so: what the assembler writes for `c.add` is never the long form.
static void open(const char *group, const char *name) {
    begin(group, name);
    line(".option rvc");
}

// The target is the first source: `c.sub rd, rs2`. The small ones have x8..x15 only.
static void two(const char *group, const char *name, bool small, meaning *f) {
    open(group, name);
    for (int i = 0; i < EDGES * EDGES + 64; i++) {
        word a = i < EDGES * EDGES ? edges[i / EDGES] : any_word();
        word b = i < EDGES * EDGES ? edges[i % EDGES] : any_word();
        int rd = any_reg(small), rs2 = any_reg(small);
        next_case(), li(rd, a), li(rs2, b), line("%s x%d, x%d", name, rd, rs2), expect(rd, f(a, b)), expect(rs2, b);
        if (i % 8 == 0)
            next_case(), li(rd, a), line("%s x%d, x%d", name, rd, rd), expect(rd, f(a, a));
        if (i % 8 == 1) // a result that is used at once
            next_case(), li(rd, a), li(rs2, b), line("%s x%d, x%d", name, rd, rs2),
                line("%s x%d, x%d", name, rs2, rd), expect(rs2, f(b, f(a, b)));
    }
    end();
}

static void one(const char *group, const char *name, meaning *f) {
    open(group, name);
    for (int i = 0; i < EDGES + 2 * XLEN + 32; i++) {
        int bit = i - EDGES;
        word a = i < EDGES ? edges[i] : bit < XLEN ? (word)1 << bit : bit < 2 * XLEN ? (word)-1 << (bit - XLEN) : any_word();
        int rd = any_reg(true);
        next_case(), li(rd, a), line("%s x%d", name, rd), expect(rd, f(a, 0));
    }
    end();
}

// `c.addi rd, imm`: each immediate from `first` to `last` but 0, if that is none.
static void with_immediate(const char *name, bool small, int first, int last, bool zero, meaning *f) {
    open("uc", name);
    for (int imm = first; imm <= last; imm++)
        for (int i = 0; i < 6 && (imm || zero); i++) {
            word a = i < 3 ? edges[(unsigned)(imm + 64 + 5 * i) % EDGES] : any_word(), b = (word)(sword)imm;
            int rd = any_reg(small);
            next_case(), li(rd, a), line("%s x%d, %d", name, rd, imm), expect(rd, f(a, b));
        }
    end();
}

// Offsets from 0 to `last` in steps of the size. Memory there is told by its place.
static void memory_of(const char *group, const char *name, bool stack, bool is_store, int size, int last, meaning *extend) {
    open(group, name);
    line(".data");
    line(".balign 16");
    line(".quad 0x6b6b6b6b6b6b6b6b");
    line("data: .zero 1024");
    line(".text");
    char base[8] = "sp";
    const char *plain = size == 8 ? "sd" : size == 4 ? "sw" : size == 2 ? "sh" : "sb";
    for (int offset = 0; offset <= last; offset += size)
        for (int i = 0; i < 2; i++) {
            word value = any_word(), want = extend(value, 0);
            int x = any_reg(true), y = any_reg(!stack), z = any_reg(true);
            while (y == 2 || y == x || y == z)
                y = any_reg(!stack);
            if (!stack)
                snprintf(base, sizeof base, "x%d", x);
            next_case();
            line("la %s, data", base);
            if (is_store) {
                // New where it is, and zero on both sides.
                li(y, value), line("%s x%d, %d(%s)", name, y, offset, base), expect(y, value);
                for (int k = offset ? -1 : 0; k <= size; k++) {
                    line("lbu x%d, %d(%s)", z, offset + k, base);
                    expect(z, k < 0 || k == size ? 0 : (uint8_t)(value >> 8 * k));
                }
                line("%s x0, %d(%s)", plain, offset, base);
            } else {
                li(z, value), line("%s x%d, %d(%s)", plain, z, offset, base);
                li(y, ~want), line("%s x%d, %d(%s)", name, y, offset, base), expect(y, want);
                line("%s x0, %d(%s)", plain, offset, base);
                if (!stack) { // the target is the base
                    line("%s x%d, %d(x%d)", plain, z, offset, x), line("mv x%d, x%d", y, x);
                    line("%s x%d, %d(x%d)", name, x, offset, x), expect(x, want);
                    line("%s x0, %d(x%d)", plain, offset, y);
                }
            }
        }
    end();
}

// A branch of 32 bits where instructions are at even addresses: each bit of its offset alone, both ways, and others.
static void reach(const char *name, word a, word b) {
    open("uc", name);
    line(".option norvc");
    for (int i = 0; i < 32; i++) {
        int bit = i / 2 + 2, distance = bit < 12 ? (1 << bit) + i % 2 * 2 : (int)(chance() % 2044 + 2) * 2;
        int x = any_reg(false), y = any_reg(false);
        next_case(), li(x, a), li(y, b);
        // Back to `1`, and from `3` forwards to `4`. Nothing but zeros, which are illegal, lies between.
        line("j 2f");
        line("1: j 3f");
        line(".zero %d", distance - 4);
        line("2: %s x%d, x%d, 1b", name, x, y);
        line("tail fail");
        line("3: %s x%d, x%d, 4f", name, x, y);
        line(".zero %d", distance - 4);
        line("4: nop"); // its upper half is illegal alone
    }
    line(".balign 4");
    end();
}

#define TWO(name, small, expression) two("uc", name, small, MEANS(expression))
#define ONE(name, expression) one("uzcb", name, MEANS(expression))
#define WITH(name, small, first, last, zero, expression) \
    with_immediate(name, small, first, last, zero, MEANS(expression))

void compressed(void) {
    reach("beq", 5, 5);
    reach("bne", 5, 6);
    reach("blt", (word)-1, 0);
    reach("bge", 0, (word)-1);
    reach("bltu", 0, (word)-1);
    reach("bgeu", (word)-1, 0);
    TWO("c.add", false, a + b);
    TWO("c.mv", false, b);
    TWO("c.sub", true, a - b);
    TWO("c.xor", true, a ^ b);
    TWO("c.or", true, a | b);
    TWO("c.and", true, a & b);
    WITH("c.addi", false, -32, 31, false, a + b);
    WITH("c.li", false, -32, 31, true, b);
    WITH("c.andi", true, -32, 31, true, a & b);
    WITH("c.slli", false, 1, XLEN - 1, false, a << b);
    WITH("c.srli", true, 1, XLEN - 1, false, a >> b);
    WITH("c.srai", true, 1, XLEN - 1, false, (word)((sword)a >> b));
#if XLEN == 64
    TWO("c.addw", true, W(a + b));
    TWO("c.subw", true, W(a - b));
    WITH("c.addiw", false, -32, 31, true, W(a + b));
#endif

    open("uc", "c.lui");
    for (int imm = 1; imm < 64; imm++) {
        int rd = any_reg(false);
        while (rd == 2)
            rd = any_reg(false);
        uint32_t high = imm < 32 ? (uint32_t)imm : 0xfffc0 + (uint32_t)imm;
        next_case(), li(rd, 1), line("c.lui x%d, %#x", rd, high), expect(rd, W(high << 12));
    }
    end();

    open("uc", "c.addi4spn");
    for (int imm = 4; imm < 1024; imm += 4) {
        int rd = any_reg(true);
        word sp = any_word();
        next_case(), li(2, sp), line("c.addi4spn x%d, sp, %d", rd, imm), expect(rd, sp + (word)imm), expect(2, sp);
    }
    end();

    open("uc", "c.addi16sp");
    for (int imm = -512; imm < 512; imm += 16) {
        word sp = any_word();
        if (imm)
            next_case(), li(2, sp), line("c.addi16sp sp, %d", imm), expect(2, sp + (word)(sword)imm);
    }
    end();

    memory_of("uc", "c.lw", false, false, 4, 124, MEANS(W(a)));
    memory_of("uc", "c.sw", false, true, 4, 124, MEANS(a));
    memory_of("uc", "c.lwsp", true, false, 4, 252, MEANS(W(a)));
    memory_of("uc", "c.swsp", true, true, 4, 252, MEANS(a));
#if XLEN == 64
    memory_of("uc", "c.ld", false, false, 8, 248, MEANS(a));
    memory_of("uc", "c.sd", false, true, 8, 248, MEANS(a));
    memory_of("uc", "c.ldsp", true, false, 8, 504, MEANS(a));
    memory_of("uc", "c.sdsp", true, true, 8, 504, MEANS(a));
#endif

    memory_of("uzcb", "c.lbu", false, false, 1, 3, MEANS((uint8_t)a));
    memory_of("uzcb", "c.lhu", false, false, 2, 2, MEANS((uint16_t)a));
    memory_of("uzcb", "c.lh", false, false, 2, 2, MEANS((word)(int16_t)a));
    memory_of("uzcb", "c.sb", false, true, 1, 3, MEANS(a));
    memory_of("uzcb", "c.sh", false, true, 2, 2, MEANS(a));
    ONE("c.zext.b", (uint8_t)a);
    ONE("c.sext.b", (word)(int8_t)a);
    ONE("c.zext.h", (uint16_t)a);
    ONE("c.sext.h", (word)(int16_t)a);
    ONE("c.not", ~a);
#if XLEN == 64
    ONE("c.zext.w", (uint32_t)a);
#endif
    two("uzcb", "c.mul", true, MEANS(a * b));
}
