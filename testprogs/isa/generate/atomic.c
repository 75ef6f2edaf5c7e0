// Zaamo, Zabha and Zacas: the effect of each operation on memory and on the register. For Zalrsc only the choice of
// registers; ua/ has the other tests.
#include "emit.h"

#include <stdio.h>

// A value as a load of `size` bytes extends it.
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

// A pair that succeeds, with any registers.
static void reservation(int size) {
    char letter = size == 4 ? 'w' : 'd', name[16];
    snprintf(name, sizeof name, "lrsc.%c", letter);
    begin("ua", name);
    line(".data");
    line(".balign 16");
    line("cell: .quad 0, 0");
    line(".text");
    for (int i = 0; i < 64; i++) {
        int reg[4];
        for (int k = 0; k < 4; k++)
            do
                reg[k] = any_reg(false);
            while ((k > 0 && reg[k] == reg[0]) || (k > 1 && reg[k] == reg[1]) || (k > 2 && reg[k] == reg[2]));
        int rs1 = reg[0], rs2 = reg[1], old = reg[2], failed = reg[3], place = i % 2 * size;
        word before = extended(any_word(), size), next = any_word(), beside = extended(any_word(), size);
        next_case();
        line("la x%d, cell", rs1);
        li(rs2, beside), line("s%c x%d, %d(x%d)", letter, rs2, size - place, rs1);
        li(rs2, before), line("s%c x%d, %d(x%d)", letter, rs2, place, rs1);
        line("addi x%d, x%d, %d", rs1, rs1, place);
        li(rs2, next), li(old, ~before), li(failed, 1);
        line("1: lr.%c x%d, (x%d)", letter, old, rs1); // it may fail now and then
        line("sc.%c x%d, x%d, (x%d)", letter, failed, rs2, rs1);
        line("bnez x%d, 1b", failed);
        expect(failed, 0), expect(old, before), expect(rs2, next);
        line("l%c x%d, (x%d)", letter, old, rs1), expect(old, extended(next, size));
        line("l%c x%d, %d(x%d)", letter, old, size - 2 * place, rs1), expect(old, beside);
    }
    end();
}

// A value of up to twice the register's width.
typedef struct {
    word low, high;
} two_words;

// Has a value in the register, or in the pair that begins there.
static void li_two(int reg, bool pair, two_words value) {
    li(reg, value.low);
    if (pair)
        li(reg + 1, value.high);
}

static void expect_two(int reg, bool pair, two_words value) {
    expect(reg, value.low);
    if (pair)
        expect(reg + 1, value.high);
}

// Memory's words beginning at `cell`, of the whole value or of the register's width.
static void expect_memory(int size, int place, int scratch, two_words value) {
    static const char letters[] = "?bh?w???d";
    line("la x%d, cell", scratch), line("l%c x%d, %d(x%d)", letters[size > XLEN / 8 ? XLEN / 8 : size], scratch, place, scratch);
    expect(scratch, value.low);
    if (size > XLEN / 8) {
        line("la x%d, cell", scratch), line("l%c x%d, %d(x%d)", letters[XLEN / 8], scratch, place + XLEN / 8, scratch);
        expect(scratch, value.high);
    }
}

// A register for an operand: the first of a pair where it is one, and none of those that are taken. gp is not to be
// in a pair either.
static int operand(bool pair, const int *taken, int count) {
    for (;;) {
        int reg = any_reg(false);
        bool usable = !pair || (reg % 2 == 0 && reg != 2);
        for (int i = 0; i < count; i++)
            usable &= reg != taken[i] && (!pair || reg + 1 != taken[i]);
        if (usable)
            return reg;
    }
}

static void cas(int size) {
    static const char *const order[] = {"", ".aq", ".rl", ".aqrl"};
    bool pair = size > XLEN / 8;
    char full[64];
    snprintf(full, sizeof full, "amocas.%c", "?bh?w???d???????q"[size]);
    begin("uzacas", full);
    line(".data");
    line(".balign 16");
    line("cell: .zero 48");
    line(".text");
    for (int i = 0; i < 160; i++) {
        int part = size < XLEN / 8 ? size : XLEN / 8;
        // What a register holds above the operation's bits is not compared.
        two_words old = {extended(i % 3 ? any_word() : edges[i % EDGES], part), any_word()};
        two_words next = {i % 5 ? any_word() : edges[(i + 3) % EDGES], any_word()};
        two_words wanted = old, junk = {any_word(), 0};
        bool equal = i % 2;
        if (size * 8 < XLEN)
            wanted.low = (old.low & (((word)1 << size * 8) - 1)) | junk.low << size * 8;
        if (!equal) {
            // One bit is another, in turn.
            int bit = i / 2 * 7 % (size * 8);
            *(bit < XLEN ? &wanted.low : &wanted.high) ^= (word)1 << bit % XLEN;
        }
        int taken[5], rs1, rs2, rd, scratch;
        taken[0] = rd = operand(pair, taken, 0), taken[1] = rd + pair;
        taken[2] = rs2 = operand(pair, taken, 2), taken[3] = rs2 + pair;
        taken[4] = rs1 = operand(false, taken, 4);
        scratch = operand(false, taken, 5);
        int place = 16 + i % (16 / size) * size;
        two_words before = {extended(any_word(), part), extended(any_word(), part)}, after = before;
        two_words kept = {extended(next.low, part), next.high};
        next_case();
        // Its neighbours first, then the value itself.
        line("la x%d, cell", rs1);
        for (int k = -1; k <= 1; k++)
            for (int half = 0; half <= pair; half++) {
                two_words *value = k < 0 ? &before : k > 0 ? &after : &old;
                li(scratch, half ? value->high : value->low);
                line("s%c x%d, %d(x%d)", "?bh?w???d"[part], scratch, place + k * size + half * part, rs1);
            }
        line("addi x%d, x%d, %d", rs1, rs1, place);
        switch (i % 16 == 11 && (pair || size < 4) ? 0 : i % 16) {
        case 11: // the target is the address, which memory does not hold
            li(rs2, next.low), line("mv x%d, x%d", rd, rs1);
            line("%s x%d, x%d, (x%d)", full, rd, rs2, rd), expect(rd, old.low);
            kept = old;
            break;
        case 12: // the new value is what is compared, too
            li_two(rd, pair, wanted);
            line("%s x%d, x%d, (x%d)", full, rd, rd, rs1);
            expect_two(rd, pair, old);
            kept = equal ? (two_words){extended(wanted.low, part), wanted.high} : old;
            break;
        case 13: // compared with zero, and the result is dropped
            if (i % 32 < 16)
                for (int half = 0; half <= pair; half++)
                    line("s%c x0, %d(x%d)", "?bh?w???d"[part], half * part, rs1);
            else
                kept = old.low | (pair ? old.high : 0) ? old : kept;
            li_two(rs2, pair, next);
            line("%s x0, x%d, (x%d)", full, rs2, rs1);
            line("mv x%d, x0", scratch), expect(scratch, 0), expect_two(rs2, pair, next);
            break;
        case 14: case 15: // zero is written
            li_two(rd, pair, wanted);
            line("%s x%d, x0, (x%d)", full, rd, rs1);
            expect_two(rd, pair, old);
            kept = equal ? (two_words){0, 0} : old;
            break;
        default:
            li_two(rd, pair, wanted), li_two(rs2, pair, next);
            line("%s%s x%d, x%d, (x%d)", full, order[i / 2 % 4], rd, rs2, rs1);
            expect_two(rd, pair, old), expect_two(rs2, pair, next);
            if (!equal)
                kept = old;
        }
        line("la x%d, cell + %d", scratch, place), line("sub x%d, x%d, x%d", scratch, scratch, rs1), expect(scratch, 0);
        expect_memory(size, place, scratch, kept);
        expect_memory(size, place - size, scratch, before);
        expect_memory(size, place + size, scratch, after);
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
    reservation(4);
    if (XLEN == 64)
        reservation(8);
    AMOS("amoswap", b);
    AMOS("amoadd", a + b);
    AMOS("amoxor", a ^ b);
    AMOS("amoand", a & b);
    AMOS("amoor", a | b);
    AMOS("amomin", (sword)a < (sword)b ? a : b);
    AMOS("amomax", (sword)a > (sword)b ? a : b);
    AMOS("amominu", a < b ? a : b);
    AMOS("amomaxu", a > b ? a : b);
    cas(1), cas(2), cas(4), cas(8);
    if (XLEN == 64)
        cas(16);
}
