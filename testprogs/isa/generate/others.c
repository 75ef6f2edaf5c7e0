// Maybe-operations, hints, and cache-block operations.
#include "emit.h"

#include <stdio.h>
#include <string.h>

// Fills all registers except gp with the random values in `values`.
static void fill(word values[32]) {
    for (int reg = 1; reg < 32; reg++)
        if (reg != 3)
            li(reg, values[reg] = any_word());
}

static void expect_all(const word values[32]) {
    for (int reg = 1; reg < 32; reg++)
        if (reg != 3)
            expect(reg, values[reg]);
}

// No register changes.
static void hint(const char *group, const char *name, const char *text) {
    word values[32];
    begin(group, name);
    line(".option rvc");
    for (int i = 0; i < 2; i++)
        next_case(), fill(values), line("%s", text), expect_all(values);
    // All of them zero, of which a branch might be taken.
    next_case();
    for (int reg = 1; reg < 32; reg++)
        if (reg != 3)
            li(reg, values[reg] = 0);
    line("%s", text), expect_all(values);
    end();
}

// mop.r.0 and so on: all of these in one file.
static void may_be(const char *file, const char *name, int count, bool two) {
    begin("uzimop", file);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < 8; i++) {
            word a = i ? any_word() : (word)-1, b = any_word();
            int rs1 = any_reg(false), rs2 = any_reg(false), rd = any_reg(false);
            char second[16] = "";
            next_case(), li(rs1, a), li(rs2, b), li(rd, any_word() | 1);
            if (i == 5)
                rd = rs1;
            if (i == 6)
                rd = 0;
            if (two)
                snprintf(second, sizeof second, ", x%d", i == 7 ? 0 : rs2);
            line("%s.%d x%d, x%d%s", name, n, rd, i == 4 ? 0 : rs1, second);
            if (rd == 0)
                rd = any_reg(false), line("mv x%d, x0", rd);
            expect(rd, 0), expect(rs2, b);
            if (i < 5)
                expect(rs1, a);
        }
    end();
}

// The block of 64 bytes that the address is in, and nothing beside it.
static void zero_block(void) {
    begin("uzicbo", "cbo.zero");
    line(".data");
    line(".balign 64");
    line("data: .zero 192");
    line(".text");
    for (int i = 0; i < 72; i++) {
        int at = i < 64 ? i : i < 68 ? 64 - i % 2 : 63 + i % 2, base = any_reg(false), x = any_reg(false);
        next_case();
        // All of it is set, then the block in the middle, or that one's neighbour, is cleared.
        line("la x%d, data", base);
        li(x, (word)-1);
        for (int k = 0; k < 192; k += XLEN / 8)
            line("s%c x%d, %d(x%d)", XLEN == 64 ? 'd' : 'w', x, k, base);
        line("addi x%d, x%d, %d", base, base, i < 64 ? 64 + at : at);
        line("cbo.zero (x%d)", base);
        line("la x%d, data", x), line("sub x%d, x%d, x%d", base, base, x), expect(base, (word)(i < 64 ? 64 + at : at));
        int first = (i < 64 ? 64 : at) & -64;
        line("la x%d, data", base);
        for (int k = 0; k < 192; k += 4)
            line("lw x%d, %d(x%d)", x, k, base), expect(x, k >= first && k < first + 64 ? 0 : (word)-1);
    }
    end();
}

// Memory and registers are the same afterwards. An address that cannot be accessed is no fault of a prefetch.
static void cache(const char *name, bool prefetch) {
    word values[32];
    begin("uzicbo", name);
    if (strcmp(name, "cbo.inval") == 0)
        line("# machine only: Linux does not let programs discard cached data");
    line(".data");
    line(".balign 64");
    line("data: .quad 0x0123456789abcdef, 0x1122334455667788, 0, -1, 1, 2, 3, 4");
    line(".text");
    for (int reg = 1; reg < 32; reg++) {
        if (reg == 3)
            continue;
        next_case(), fill(values);
        int offset = (reg * 160 % 4096 - 2048) & -32;
        if (prefetch)
            line("%s %d(x%d)", name, offset, reg); // wherever that is
        else
            line("la x%d, data + %d", reg, reg * 2), line("%s (x%d)", name, reg), li(reg, values[reg]);
        expect_all(values);
    }
    int x = any_reg(false), y = any_reg(false);
    next_case(), line("la x%d, data", x), line(prefetch ? "%s 0(x%d)" : "%s (x%d)", name, x);
    line("lw x%d, 0(x%d)", y, x), expect(y, W(0x89abcdef));
    line("lw x%d, 60(x%d)", y, x), expect(y, 0);
    end();
}

void others(void) {
    may_be("mop.r.n", "mop.r", 32, false);
    may_be("mop.rr.n", "mop.rr", 8, true);
    hint("uzcmop", "c.mop.n", "c.mop.1; c.mop.3; c.mop.5; c.mop.7; c.mop.9; c.mop.11; c.mop.13; c.mop.15");
    static const char *const hints[] = {"pause", "ntl.p1", "ntl.pall", "ntl.s1", "ntl.all",
                                        "c.ntl.p1", "c.ntl.pall", "c.ntl.s1", "c.ntl.all", "wrs.nto", "wrs.sto"};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        hint("uzihint", hints[i], hints[i]);
    zero_block();
    cache("cbo.inval", false), cache("cbo.clean", false), cache("cbo.flush", false);
    cache("prefetch.i", true), cache("prefetch.r", true), cache("prefetch.w", true);
}
