/* Calls: an interpreter of a register machine, whose program counts primes, follows Collatz sequences and mixes an
 * array. With -DGOTO each operation ends in its own indirect jump; otherwise all return to one switch. */
#include "../../testprogs/lib.h"

enum Op { LI, MOV, ADD, ADDI, SUB, MUL, REM, AND, SHRI, XOR, LOAD, STORE, BLT, BEQ, BNE, JMP, CALL, RET, OUT, HALT };

typedef struct {
    uint8_t op, a, b, c;
    int32_t n;
} Insn;

enum { MEMORY = 4096, DEPTH = 64 };
static int64_t memory[MEMORY];

#define WRAP(x, op, y) (int64_t)((uint64_t)(x) op (uint64_t)(y))

static uint64_t run(const Insn *code, int64_t argument)
{
    int64_t r[16] = {argument};
    const Insn *pc = code, *stack[DEPTH], **sp = stack;
    uint64_t out = HASH_START;
#ifdef GOTO
    static const void *const label[] = {&&LI, &&MOV, &&ADD, &&ADDI, &&SUB, &&MUL, &&REM, &&AND, &&SHRI, &&XOR, &&LOAD, &&STORE, &&BLT, &&BEQ,
        &&BNE, &&JMP, &&CALL, &&RET, &&OUT, &&HALT};
#define OP(name) name:
#define NEXT goto *label[(i = *pc++).op]
    Insn i;
    NEXT;
#else
#define OP(name) case name:
#define NEXT continue
    for (;;) {
        Insn i = *pc++;
        switch ((enum Op)i.op) {
#endif
    OP(LI) r[i.a] = i.n; NEXT;
    OP(MOV) r[i.a] = r[i.b]; NEXT;
    OP(ADD) r[i.a] = WRAP(r[i.b], +, r[i.c]); NEXT;
    OP(ADDI) r[i.a] = WRAP(r[i.b], +, i.n); NEXT;
    OP(SUB) r[i.a] = WRAP(r[i.b], -, r[i.c]); NEXT;
    OP(MUL) r[i.a] = WRAP(r[i.b], *, r[i.c]); NEXT;
    OP(REM) r[i.a] = r[i.b] % r[i.c]; NEXT;
    OP(AND) r[i.a] = r[i.b] & i.n; NEXT;
    OP(SHRI) r[i.a] = (int64_t)((uint64_t)r[i.b] >> i.n); NEXT;
    OP(XOR) r[i.a] = r[i.b] ^ r[i.c]; NEXT;
    OP(LOAD) r[i.a] = memory[(r[i.b] + i.n) & (MEMORY - 1)]; NEXT;
    OP(STORE) memory[(r[i.b] + i.n) & (MEMORY - 1)] = r[i.a]; NEXT;
    OP(BLT) if (r[i.a] < r[i.b]) pc = code + i.n; NEXT;
    OP(BEQ) if (r[i.a] == r[i.b]) pc = code + i.n; NEXT;
    OP(BNE) if (r[i.a] != r[i.b]) pc = code + i.n; NEXT;
    OP(JMP) pc = code + i.n; NEXT;
    OP(CALL) CHECK(sp < stack + DEPTH); *sp++ = pc; pc = code + i.n; NEXT;
    OP(RET) pc = *--sp; NEXT;
    OP(OUT) out = hash_u64(out, (uint64_t)r[i.a]); NEXT;
    OP(HALT) return out;
#ifndef GOTO
        }
    }
#endif
}

/* r0 is the limit, r15 is zero. */
static const Insn program[] = {
    {CALL, 0, 0, 0, 4},     {CALL, 0, 0, 0, 18},     {CALL, 0, 0, 0, 37},     {HALT, 0, 0, 0, 0},
    /* 4: r1 = how many primes are below r0, by division */
    {LI, 1, 0, 0, 0},       {LI, 2, 0, 0, 2},
    /* 6 */
    {LI, 3, 0, 0, 2},
    /* 7 */
    {MUL, 4, 3, 3, 0},      {BLT, 2, 4, 0, 13},      {REM, 4, 2, 3, 0},       {BEQ, 4, 15, 0, 14},
    {ADDI, 3, 3, 0, 1},     {JMP, 0, 0, 0, 7},
    /* 13 */
    {ADDI, 1, 1, 0, 1},
    /* 14 */
    {ADDI, 2, 2, 0, 1},     {BLT, 2, 0, 0, 6},       {OUT, 1, 0, 0, 0},       {RET, 0, 0, 0, 0},
    /* 18: r1 = the steps of all Collatz sequences that start below r0 */
    {LI, 1, 0, 0, 0},       {LI, 2, 0, 0, 1},        {LI, 5, 0, 0, 1},
    /* 21 */
    {MOV, 3, 2, 0, 0},
    /* 22 */
    {BEQ, 3, 5, 0, 32},     {AND, 4, 3, 0, 1},       {ADDI, 1, 1, 0, 1},      {BEQ, 4, 15, 0, 30},
    {ADD, 4, 3, 3, 0},      {ADD, 3, 4, 3, 0},       {ADDI, 3, 3, 0, 1},      {JMP, 0, 0, 0, 22},
    /* 30 */
    {SHRI, 3, 3, 0, 1},     {JMP, 0, 0, 0, 22},
    /* 32 */
    {ADDI, 2, 2, 0, 1},     {BLT, 2, 0, 0, 21},      {OUT, 1, 0, 0, 0},       {RET, 0, 0, 0, 0},
    {HALT, 0, 0, 0, 0},
    /* 37: the memory, mixed r0 times */
    {LI, 2, 0, 0, 0},       {LI, 1, 0, 0, 12345},    {LI, 6, 0, 0, 1103515245},
    /* 40 */
    {MUL, 1, 1, 6, 0},      {ADDI, 1, 1, 0, 12345},  {SHRI, 3, 1, 0, 16},     {LOAD, 4, 3, 0, 0},
    {LOAD, 5, 2, 0, 7},     {XOR, 4, 4, 5, 0},       {ADD, 4, 4, 1, 0},       {STORE, 4, 3, 0, 0},
    {CALL, 0, 0, 0, 53},    {ADDI, 2, 2, 0, 1},      {BNE, 2, 0, 0, 40},      {OUT, 4, 0, 0, 0},
    {RET, 0, 0, 0, 0},
    /* 53: a small function */
    {SUB, 5, 4, 2, 0},      {STORE, 5, 2, 0, 0},     {RET, 0, 0, 0, 0},
};

int main(int argc, char **argv)
{
    int limit = argc > 1 ? atoi(argv[1]) : 1000;
    uint64_t out = run(program, limit);
    printf("out %016llx, memory %016llx\n", (unsigned long long)out, (unsigned long long)hash_bytes(HASH_START, memory, sizeof memory));
    return 0;
}
