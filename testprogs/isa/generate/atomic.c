// Zaamo and Zabha: what each operation leaves in memory and in the register. Zalrsc is by hand.
#include "emit.h"

#include <stdio.h>

// What a load of so many bytes makes of a value.
static word extended(word value, int size) {
    return size == 1 ? (word)(int8_t)value : size == 2 ? (word)(int16_t)value : size == 4 ? W(value) : value;
}

static void amo(const char *name, int size, meaning *f) {
    static const char *const order[] = {"", ".aq", ".rl", ".aqrl"};
    char full[64];
    char letter = size == 1 ? 'b' : size == 2 ? 'h' : size == 4 ? 'w' : 'd';
    snprintf(full, sizeof full, "%s.%c", name, letter);
    begin(size < 4 ? "uzabha" : "ua", full);
    line(".data");
    line(".balign 16");
    line("cell: .quad 0, 0");
    line(".text");
    for (int i = 0; i < EDGES * EDGES + 32; i++) {
        bool by_chance = i >= EDGES * EDGES;
        word before = by_chance ? any_word() : edges[i / EDGES], b = by_chance ? any_word() : edges[i % EDGES];
        word beside = extended(any_word(), size);
        int place = i % 2 * size; // so that the neighbours on both sides are looked at
        int rs1 = any_reg(false), rs2 = any_reg(false), rd = any_reg(false);
        // The operation sees so many bits, whatever is above them in the register.
        word old = extended(before, size), new = extended(f(old, extended(b, size)), size);
        next_case();
        line("la x%d, cell", rs1);
        li(rs2, beside), line("s%c x%d, %d(x%d)", letter, rs2, size - place, rs1);
        li(rs2, before), line("s%c x%d, %d(x%d)", letter, rs2, place, rs1);
        line("addi x%d, x%d, %d", rs1, rs1, place);
        li(rs2, b);
        switch (i % 8) {
        case 5: // the target is the operand
            line("%s x%d, x%d, (x%d)", full, rs2, rs2, rs1), expect(rs2, old);
            break;
        case 6: // the target is the address
            line("mv x%d, x%d", rd, rs1), line("%s x%d, x%d, (x%d)", full, rd, rs2, rd), expect(rd, old), expect(rs2, b);
            break;
        case 7:
            line("%s x0, x%d, (x%d)", full, rs2, rs1), line("mv x%d, x0", rd), expect(rd, 0), expect(rs2, b);
            break;
        default:
            line("%s%s x%d, x%d, (x%d)", full, order[i % 4], rd, rs2, rs1), expect(rd, old), expect(rs2, b);
        }
        line("l%c x%d, (x%d)", letter, rd, rs1), expect(rd, new);
        line("l%c x%d, %d(x%d)", letter, rd, size - 2 * place, rs1), expect(rd, beside);
    }
    end();
}

#define AMO(name, size, expression) amo(name, size, MEANS(expression))
// All widths of one. They compare as well after their sign is extended, signed or unsigned.
#define AMOS(name, expression) \
    do { \
        AMO(name, 1, expression); \
        AMO(name, 2, expression); \
        AMO(name, 4, expression); \
        if (XLEN == 64) \
            AMO(name, 8, expression); \
    } while (0)

void atomic(void) {
    AMOS("amoswap", b);
    AMOS("amoadd", a + b);
    AMOS("amoxor", a ^ b);
    AMOS("amoand", a & b);
    AMOS("amoor", a | b);
    AMOS("amomin", (sword)a < (sword)b ? a : b);
    AMOS("amomax", (sword)a > (sword)b ? a : b);
    AMOS("amominu", a < b ? a : b);
    AMOS("amomaxu", a > b ? a : b);
}
