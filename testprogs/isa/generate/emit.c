// generate DIR - writes the tests of instructions whose semantics are a C expression, as assembly, into DIR.
#include "emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const word edges[EDGES] = {
    0, 1, 2, (word)-1, (word)-2, (word)1 << (XLEN - 1), ((word)1 << (XLEN - 1)) - 1, 0x7fffffff, 0x80000000,
#if XLEN == 64
    0xffffffff, 0x100000000, 0x0123456789abcdef, 0xfedcba9876543210,
#else
    0xffff, 0x10000, 0x01234567, 0xfedcba98,
#endif
};

static const char *folder;
static FILE *file;
static int cases;
static uint64_t state;

// splitmix64
uint64_t chance(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// Of any magnitude, not only of the largest.
word any_word(void) {
    word value = (word)chance();
    switch (chance() % 3) {
    case 0: return value;
    case 1: return value >> chance() % XLEN;
    default: return (word)((sword)value >> chance() % XLEN);
    }
}

int any_reg(bool small) {
    static int last[2];
    int reg;
    do
        reg = small ? 8 + (int)(chance() % 8) : 1 + (int)(chance() % 31);
    while (reg == last[0] || reg == last[1] || reg == 3);
    last[0] = last[1];
    last[1] = reg;
    return reg;
}

void line(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("    ", file);
    vfprintf(file, format, list);
    fputc('\n', file);
    va_end(list);
}

void begin(const char *group, const char *name) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/rv%d%s-p-%s.s", folder, XLEN, group, name);
    for (char *c = path + length - 2; *--c != '/';) // `sext.b` is in sext_b.s
        if (*c == '.')
            *c = '_';
    file = fopen(path, "w");
    if (file == NULL)
        perror(path), exit(1);
    cases = 0;
    state = 0;
    for (const char *c = name; *c; c++)
        state = state * 31 + (unsigned char)*c;
    fprintf(file, "# %s of RV%d, written by testprogs/isa/generate\n", name, XLEN);
    line(".include \"p.inc\"");
    line("start");
}

void end(void) {
    line("finish");
    if (ferror(file) | fclose(file))
        perror(folder), exit(1);
}

void next_case(void) {
    line("case %d", ++cases);
}

void li(int reg, word value) {
    line("li x%d, %#llx", reg, (unsigned long long)value);
}

void expect(int reg, word value) {
    line("expect x%d, %#llx", reg, (unsigned long long)value);
}

// The written form of operands: three registers, or two and an immediate.
static void three(const char *name, int rd, int rs1, int rs2) {
    line("%s x%d, x%d, x%d", name, rd, rs1, rs2);
}

static void pair(const char *name, meaning *f, word a, word b) {
    int rs1 = any_reg(false), rs2 = any_reg(false), rd = any_reg(false);
    next_case();
    li(rs1, a);
    li(rs2, b);
    li(rd, ~f(a, b));
    three(name, rd, rs1, rs2);
    expect(rd, f(a, b));
    expect(rs1, a);
    expect(rs2, b);
}

void binary(const char *group, const char *name, meaning *f) {
    begin(group, name);
    for (size_t i = 0; i < EDGES; i++)
        for (size_t k = 0; k < EDGES; k++)
            pair(name, f, edges[i], edges[k]);
    for (int i = 0; i < 48; i++) {
        word a = any_word(), b = any_word();
        // Of any size; a shift amount or a little more; small in each byte.
        pair(name, f, a, i % 2 ? b : i % 4 ? b % (2 * XLEN) : b & (word)0x0707070707070707);
    }
    for (int i = 0; i < 8; i++) {
        word a = any_word(), b = any_word(), c;
        int x = any_reg(false), y = any_reg(false), z = any_reg(false);
        // The target is a source, one or the other or both.
        next_case(), li(x, a), li(y, b), three(name, x, x, y), expect(x, f(a, b)), expect(y, b);
        next_case(), li(x, a), li(y, b), three(name, y, x, y), expect(y, f(a, b)), expect(x, a);
        next_case(), li(x, a), three(name, x, x, x), expect(x, f(a, a));
        next_case(), li(x, a), three(name, y, x, x), expect(y, f(a, a)), expect(x, a);
        // x0 as each of the operands.
        next_case(), li(x, a), three(name, y, x, 0), expect(y, f(a, 0));
        next_case(), li(x, a), three(name, y, 0, x), expect(y, f(0, a));
        next_case(), li(x, a), three(name, x, 0, 0), expect(x, f(0, 0));
        next_case(), li(x, a), li(y, b), three(name, 0, x, y), line("mv x%d, x0", z), expect(z, 0), expect(x, a);
        // Results that are used at once.
        c = f(a, b);
        next_case(), li(x, a), li(y, b);
        three(name, z, x, y), three(name, y, z, y), three(name, x, y, z);
        expect(x, f(f(c, b), c)), expect(y, f(c, b)), expect(z, c);
    }
    end();
}

void unary(const char *group, const char *name, meaning *f) {
    begin(group, name);
    for (int i = 0; i < EDGES + 2 * XLEN + 48; i++) {
        // Edges; each bit alone; all but each bit's left; by chance.
        int bit = i - EDGES;
        word a = i < EDGES ? edges[i] : bit < XLEN ? (word)1 << bit : bit < 2 * XLEN ? (word)-1 << (bit - XLEN) : any_word();
        int rs1 = any_reg(false), rd = any_reg(false);
        next_case(), li(rs1, a), li(rd, ~f(a, 0)), line("%s x%d, x%d", name, rd, rs1);
        expect(rd, f(a, 0)), expect(rs1, a);
    }
    for (int i = 0; i < 8; i++) {
        word a = any_word();
        int x = any_reg(false), y = any_reg(false);
        next_case(), li(x, a), line("%s x%d, x%d", name, x, x), expect(x, f(a, 0));
        next_case(), li(x, a), line("%s x%d, x0", name, x), expect(x, f(0, 0));
        next_case(), li(x, a), line("%s x0, x%d", name, x), line("mv x%d, x0", y), expect(y, 0), expect(x, a);
        next_case(), li(x, a), line("%s x%d, x%d", name, y, x), line("%s x%d, x%d", name, x, y);
        expect(x, f(f(a, 0), 0)), expect(y, f(a, 0));
    }
    end();
}

static void with_immediates(const char *group, const char *name, meaning *f, const int *list, size_t count) {
    begin(group, name);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < EDGES + 4; k++) {
            // All operands with the first immediates, and some with each.
            if (i >= 16 && k % 5 != i % 5)
                continue;
            word a = k < EDGES ? edges[k] : any_word(), want = f(a, (word)(sword)list[i]);
            int rs1 = any_reg(false), rd = any_reg(false);
            next_case(), li(rs1, a), li(rd, ~want), line("%s x%d, x%d, %d", name, rd, rs1, list[i]);
            expect(rd, want), expect(rs1, a);
        }
    // Operands beside the immediate.
    for (size_t i = 0; i < 3 * count; i++) {
        word b = (word)(sword)list[i / 3], a = b + i % 3 - 1;
        int rs1 = any_reg(false), rd = any_reg(false);
        next_case(), li(rs1, a), li(rd, ~f(a, b)), line("%s x%d, x%d, %d", name, rd, rs1, list[i / 3]);
        expect(rd, f(a, b));
    }
    for (size_t i = 0; i < 8; i++) {
        word a = any_word();
        int x = any_reg(false), y = any_reg(false), imm = list[chance() % count];
        word b = (word)(sword)imm;
        next_case(), li(x, a), line("%s x%d, x%d, %d", name, x, x, imm), expect(x, f(a, b));
        next_case(), li(x, a), line("%s x%d, x0, %d", name, x, imm), expect(x, f(0, b));
        next_case(), li(x, a), line("%s x0, x%d, %d", name, x, imm), line("mv x%d, x0", y), expect(y, 0), expect(x, a);
        next_case(), li(x, a), line("%s x%d, x%d, %d", name, y, x, imm), line("%s x%d, x%d, %d", name, x, y, imm);
        expect(x, f(f(a, b), b)), expect(y, f(a, b));
    }
    end();
}

void immediate(const char *group, const char *name, meaning *f) {
    static const int list[] = {0,   1,    -1,  2047, -2048, 2,    -2,   0x555, -0x556, 4,  8,   16,
                               32,  64,   128, 256,  512,   1024, -1024, 2046, -2047,  -3, 291, -292};
    with_immediates(group, name, f, list, sizeof list / sizeof *list);
}

void shift(const char *group, const char *name, int bits, meaning *f) {
    int list[64];
    for (int i = 0; i < 1 << bits; i++)
        list[i] = i;
    with_immediates(group, name, f, list, (size_t)1 << bits);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return fprintf(stderr, "usage: %s DIR\n", argv[0]), 2;
    folder = argv[1];
    integer();
    multiply();
    bits();
    memory();
    atomic();
    compressed();
    others();
    return 0;
}
