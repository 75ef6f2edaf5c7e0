// I and M: arithmetic, comparisons, branches, constants.
#include "emit.h"

static void branch(const char *name, meaning *f) {
    begin("ui", name);
    for (int i = 0; i < EDGES * EDGES + 24; i++) {
        word a = i < EDGES * EDGES ? edges[i / EDGES] : any_word();
        word b = i < EDGES * EDGES ? edges[i % EDGES] : i % 4 ? any_word() : a;
        int x = any_reg(false), y = any_reg(false);
        bool taken = f(a, b);
        next_case();
        li(x, a), li(y, b);
        // Forwards, or back by way of a jump; an instruction in between is skipped, or not.
        if (i % 2) {
            line("%s x%d, x%d, 1f", name, x, y);
            line(taken ? "tail fail" : "j 2f");
            line("1: %s", taken ? "nop" : "tail fail");
            line("2:");
        } else {
            line("j 2f");
            line("1: %s", taken ? "j 3f" : "tail fail");
            line("2: %s x%d, x%d, 1b", name, x, y);
            line("%s", taken ? "tail fail" : "nop");
            line("3:");
        }
        expect(x, a), expect(y, b);
    }
    // The same register twice, and x0.
    for (int i = 0; i < EDGES; i++) {
        word a = edges[i];
        int x = any_reg(false);
        bool taken[] = {f(a, a), f(a, 0), f(0, a)};
        for (int k = 0; k < 3; k++) {
            next_case(), li(x, a);
            line("%s x%d, x%d, 1f", name, k == 2 ? 0 : x, k == 1 ? 0 : x);
            line("%s", taken[k] ? "tail fail" : "j 2f");
            line("1: %s", taken[k] ? "nop" : "tail fail");
            line("2:");
        }
    }
    // The ends of its reach.
    word a = 0;
    while (!f(edges[a / EDGES], edges[a % EDGES]))
        a++;
    next_case(), li(5, edges[a / EDGES]), li(6, edges[a % EDGES]);
    line("j 2f");
    line(".option push");
    line(".option norvc");
    line("1: j 4f");
    line(".zero 4092");
    line("2: %s x5, x6, 1b", name); // by -4096
    line("tail fail");
    line("4: %s x5, x6, 3f", name); // by 4092, the last whole instruction
    line(".zero 4080");
    line("tail fail");
    line(".option pop");
    line("3:");
    end();
}

#define BRANCH(name, expression) branch(name, MEANS(expression))

void integer(void) {
    BINARY("ui", "add", a + b);
    BINARY("ui", "sub", a - b);
    BINARY("ui", "sll", a << SHAMT(b));
    BINARY("ui", "slt", (sword)a < (sword)b);
    BINARY("ui", "sltu", a < b);
    BINARY("ui", "xor", a ^ b);
    BINARY("ui", "srl", a >> SHAMT(b));
    BINARY("ui", "sra", (word)((sword)a >> SHAMT(b)));
    BINARY("ui", "or", a | b);
    BINARY("ui", "and", a & b);
    IMMEDIATE("ui", "addi", a + b);
    IMMEDIATE("ui", "slti", (sword)a < (sword)b);
    IMMEDIATE("ui", "sltiu", a < b);
    IMMEDIATE("ui", "xori", a ^ b);
    IMMEDIATE("ui", "ori", a | b);
    IMMEDIATE("ui", "andi", a & b);
    SHIFT("ui", "slli", XLEN == 64 ? 6 : 5, a << b);
    SHIFT("ui", "srli", XLEN == 64 ? 6 : 5, a >> b);
    SHIFT("ui", "srai", XLEN == 64 ? 6 : 5, (word)((sword)a >> b));
#if XLEN == 64
    BINARY("ui", "addw", W(a + b));
    BINARY("ui", "subw", W(a - b));
    BINARY("ui", "sllw", W((uint32_t)a << (b & 31)));
    BINARY("ui", "srlw", W((uint32_t)a >> (b & 31)));
    BINARY("ui", "sraw", W((int32_t)a >> (b & 31)));
    IMMEDIATE("ui", "addiw", W(a + b));
    SHIFT("ui", "slliw", 5, W((uint32_t)a << b));
    SHIFT("ui", "srliw", 5, W((uint32_t)a >> b));
    SHIFT("ui", "sraiw", 5, W((int32_t)a >> b));
#endif
    BRANCH("beq", a == b);
    BRANCH("bne", a != b);
    BRANCH("blt", (sword)a < (sword)b);
    BRANCH("bge", (sword)a >= (sword)b);
    BRANCH("bltu", a < b);
    BRANCH("bgeu", a >= b);

    begin("ui", "lui");
    for (int i = 0; i < 40; i++) {
        uint32_t imm = i < 20 ? 1u << i : i == 20 ? 0 : i == 21 ? 0xfffff : (uint32_t)chance() & 0xfffff;
        int x = any_reg(false);
        next_case(), li(x, 1), line("lui x%d, %#x", x, imm), expect(x, W(imm << 12));
        next_case(), line("lui x0, %#x", imm), line("mv x%d, x0", x), expect(x, 0);
    }
    end();

    begin("ui", "auipc");
    for (int i = 0; i < 40; i++) {
        uint32_t imm = i < 20 ? 1u << i : i == 20 ? 0 : i == 21 ? 0xfffff : (uint32_t)chance() & 0xfffff;
        int x = any_reg(false), y = any_reg(false);
        // What it adds to the address of itself, which `jal` knows too.
        next_case();
        line("jal x%d, 1f", y);
        line("1: auipc x%d, %#x", x, imm);
        line("sub x%d, x%d, x%d", x, x, y);
        expect(x, W(imm << 12));
        next_case(), line("auipc x0, %#x", imm), line("mv x%d, x0", x), expect(x, 0);
    }
    end();
}

#define SMIN ((word)1 << (XLEN - 1))

void multiply(void) {
    BINARY("um", "mul", a * b);
    BINARY("um", "mulh", (word)((sdword)(sword)a * (sword)b >> XLEN));
    BINARY("um", "mulhu", (word)((dword)a * b >> XLEN));
    BINARY("um", "mulhsu", (word)((sdword)(sword)a * (sdword)(dword)b >> XLEN));
    BINARY("um", "div", b == 0 ? (word)-1 : a == SMIN && b == (word)-1 ? a : (word)((sword)a / (sword)b));
    BINARY("um", "divu", b == 0 ? (word)-1 : a / b);
    BINARY("um", "rem", b == 0 ? a : a == SMIN && b == (word)-1 ? 0 : (word)((sword)a % (sword)b));
    BINARY("um", "remu", b == 0 ? a : a % b);
#if XLEN == 64
    BINARY("um", "mulw", W((uint32_t)a * (uint32_t)b));
    BINARY("um", "divw", (int32_t)b == 0 ? (word)-1 : W((int64_t)(int32_t)a / (int32_t)b));
    BINARY("um", "divuw", (uint32_t)b == 0 ? (word)-1 : W((uint32_t)a / (uint32_t)b));
    BINARY("um", "remw", (int32_t)b == 0 ? W(a) : W((int64_t)(int32_t)a % (int32_t)b));
    BINARY("um", "remuw", (uint32_t)b == 0 ? W(a) : W((uint32_t)a % (uint32_t)b));
#endif
}
