/* A bytecode interpreter with computed goto: every operation ends in an indirect jump with many targets. */
#include "lib.h"

enum { PUSH, ADD, SUB, MUL, MOD, DUP, SWAP, OVER, ROT, DROP, LT, JZ, JMP, CALL, RET, HALT };

static int64_t run(const int64_t *code, int64_t input)
{
    static const void *const label[] = {&&push, &&add, &&sub, &&mul, &&mod, &&dup, &&swap, &&over, &&rot, &&drop, &&lt, &&jz, &&jmp, &&call,
        &&ret, &&halt};
    int64_t stack[256], *sp = stack, t;
    const int64_t *ret_stack[256], **rp = ret_stack, *pc = code;
    *sp = input;
#define NEXT goto *label[*pc++]
    NEXT;
push: *++sp = *pc++; NEXT;
add: sp--; *sp += sp[1]; NEXT;
sub: sp--; *sp -= sp[1]; NEXT;
mul: sp--; *sp *= sp[1]; NEXT;
mod: sp--; *sp %= sp[1]; NEXT;
dup: sp++; *sp = sp[-1]; NEXT;
swap: t = *sp; *sp = sp[-1]; sp[-1] = t; NEXT;
over: sp++; *sp = sp[-2]; NEXT;
rot: t = sp[-2]; sp[-2] = sp[-1]; sp[-1] = *sp; *sp = t; NEXT;
drop: sp--; NEXT;
lt: sp--; *sp = *sp < sp[1]; NEXT;
jz: t = *pc++; if (*sp-- == 0) pc = code + t; NEXT;
jmp: pc = code + *pc; NEXT;
call: *rp++ = pc + 1; pc = code + *pc; NEXT;
ret: pc = *--rp; NEXT;
halt: return *sp;
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 60000;
    static const int64_t fib[] = {CALL, 3, HALT, DUP, PUSH, 2, LT, JZ, 10, RET, DUP, PUSH, 1, SUB, CALL, 3, SWAP, PUSH, 2, SUB, CALL, 3, ADD, RET};
    for (int n = 0; n < 24; n += 1 + n / 6)
        printf("fib %d = %lld\n", n, (long long)run(fib, n));
    /* a linear congruential sequence, n steps: ( n ) -> value */
    static const int64_t lcg[] = {PUSH, 1, SWAP, DUP, JZ, 20, PUSH, 1, SUB, SWAP, PUSH, 48271, MUL, PUSH, 2147483647, MOD, SWAP, JMP, 3, HALT, DROP,
        HALT};
    printf("lcg %lld\n", (long long)run(lcg, steps));
    return 0;
}
