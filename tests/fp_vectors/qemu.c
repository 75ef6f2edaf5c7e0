/* Executes floating-point instructions for tests/fp_vectors/qemu.rs: reads records of six 64-bit
 * words (operation, format, rounding mode, three operands) and answers each with two (result, flags). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t rm, a, b, c, v, flags;

/* `f` is the format in instructions, `m` in moves between register files. The first line of each
 * sets the mode, the last collects the flags. */
#define ENTER ".option push\n.option arch, +zfh\nfsrm %[rm]\nfsflags zero\n"
#define LEAVE "\nfrflags %[flags]\n.option pop\n"
#define LOAD(m) "fmv." m ".x ft0, %[a]\nfmv." m ".x ft1, %[b]\nfmv." m ".x ft2, %[c]\n"
#define RUN(text)                                                                                  \
    __asm__ volatile(ENTER text LEAVE                                                              \
                     : [v] "=&r"(v), [flags] "=&r"(flags)                                          \
                     : [a] "r"(a), [b] "r"(b), [c] "r"(c), [rm] "r"(rm)                            \
                     : "ft0", "ft1", "ft2")

#define TO_FLOAT(m, insn, operands) RUN(LOAD(m) insn " ft0, " operands "\nfmv.x." m " %[v], ft0")
#define TO_INT(m, insn, operands) RUN(LOAD(m) insn " %[v], " operands)
#define FROM_INT(f, m, ty) RUN("fcvt." f "." ty " ft0, %[a]\nfmv.x." m " %[v], ft0")
#define CONVERT(to, to_m, f, m) RUN(LOAD(m) "fcvt." to "." f " ft0, ft0\nfmv.x." to_m " %[v], ft0")

#define FORMAT(f, m, op)                                                                           \
    switch (op) {                                                                                  \
    case 0: TO_FLOAT(m, "fadd." f, "ft0, ft1"); break;                                             \
    case 1: TO_FLOAT(m, "fsub." f, "ft0, ft1"); break;                                             \
    case 2: TO_FLOAT(m, "fmul." f, "ft0, ft1"); break;                                             \
    case 3: TO_FLOAT(m, "fdiv." f, "ft0, ft1"); break;                                             \
    case 4: TO_FLOAT(m, "fsqrt." f, "ft0"); break;                                                 \
    case 5: TO_FLOAT(m, "fmadd." f, "ft0, ft1, ft2"); break;                                       \
    case 6: TO_FLOAT(m, "fmin." f, "ft0, ft1"); break;                                             \
    case 7: TO_FLOAT(m, "fmax." f, "ft0, ft1"); break;                                             \
    case 8: TO_INT(m, "feq." f, "ft0, ft1"); break;                                                \
    case 9: TO_INT(m, "flt." f, "ft0, ft1"); break;                                                \
    case 10: TO_INT(m, "fle." f, "ft0, ft1"); break;                                               \
    case 11: TO_INT(m, "fclass." f, "ft0"); break;                                                 \
    case 12: TO_INT(m, "fcvt.w." f, "ft0, dyn"); break;                                            \
    case 13: TO_INT(m, "fcvt.wu." f, "ft0, dyn"); break;                                           \
    case 14: TO_INT(m, "fcvt.l." f, "ft0, dyn"); break;                                            \
    case 15: TO_INT(m, "fcvt.lu." f, "ft0, dyn"); break;                                           \
    case 16: FROM_INT(f, m, "w"); break;                                                           \
    case 17: FROM_INT(f, m, "wu"); break;                                                          \
    case 18: FROM_INT(f, m, "l"); break;                                                           \
    case 19: FROM_INT(f, m, "lu"); break;                                                          \
    case 20: TO_FLOAT(m, "fsgnj." f, "ft0, ft1"); break;                                           \
    case 21: TO_FLOAT(m, "fsgnjn." f, "ft0, ft1"); break;                                          \
    case 22: TO_FLOAT(m, "fsgnjx." f, "ft0, ft1"); break;                                          \
    default: abort();                                                                              \
    }

/* Conversions between formats: 30 + 3 * from + to. */
static void convert(uint64_t op)
{
    switch (op - 30) {
    case 1: CONVERT("s", "w", "h", "h"); break;
    case 2: CONVERT("d", "d", "h", "h"); break;
    case 3: CONVERT("h", "h", "s", "w"); break;
    case 5: CONVERT("d", "d", "s", "w"); break;
    case 6: CONVERT("h", "h", "d", "d"); break;
    case 7: CONVERT("s", "w", "d", "d"); break;
    default: abort();
    }
}

int main(void)
{
    uint64_t record[6];
    while (fread(record, sizeof record, 1, stdin) == 1) {
        uint64_t op = record[0];
        rm = record[2], a = record[3], b = record[4], c = record[5];
        if (op >= 30)
            convert(op);
        else if (record[1] == 0)
            FORMAT("h", "h", op)
        else if (record[1] == 1)
            FORMAT("s", "w", op)
        else
            FORMAT("d", "d", op)
        uint64_t answer[2] = {v, flags};
        fwrite(answer, sizeof answer, 1, stdout);
    }
    return 0;
}
