// A C expression over the operands defines an instruction. `emit.c` generates a test from it; the host's compiler
// computes the expected values.
#ifndef EMIT_H
#define EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// XLEN is set on the command line. Each XLEN is a separate build, so that the expressions have the type of the
// registers.
#if XLEN == 64
typedef uint64_t word;
typedef int64_t sword;
typedef unsigned __int128 dword;
typedef __int128 sdword;
#else
typedef uint32_t word;
typedef int32_t sword;
typedef uint64_t dword;
typedef int64_t sdword;
#endif

typedef word meaning(word a, word b);

// The sign extension of 32 bits.
#define W(x) ((word)(int32_t)(x))
#define SHAMT(x) ((x) & (XLEN - 1))

// Each of these writes a file: the group and name of the test, the instruction in assembly, and its result as an
// expression over `a` (rs1) and `b` (rs2 or the immediate).
#define MEANS(expression) \
    ({ word meaning_(word a, word b) { (void)a, (void)b; return (expression); } meaning_; })
#define BINARY(group, name, expression) binary(group, name, MEANS(expression))
#define UNARY(group, name, expression) unary(group, name, MEANS(expression))
#define IMMEDIATE(group, name, expression) immediate(group, name, MEANS(expression))
#define SHIFT(group, name, bits, expression) shift(group, name, bits, MEANS(expression))

void binary(const char *group, const char *name, meaning *f);
void unary(const char *group, const char *name, meaning *f);
void immediate(const char *group, const char *name, meaning *f);       // 12 bits with a sign
void shift(const char *group, const char *name, int bits, meaning *f); // the immediates below 1 << bits

// For tests in another form: `begin`, then lines and cases, then `end`.
void begin(const char *group, const char *name);
void end(void);
void line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void next_case(void);
void li(int reg, word value);
void expect(int reg, word value);

// A random register other than x0, gp and the last two returned; one of x8..x15 if `small`.
int any_reg(bool small);

// Operands: the edge cases, then as many random ones, which are the same in each run.
enum { EDGES = 13 };
extern const word edges[EDGES];
uint64_t chance(void);
word any_word(void);

void integer(void);
void multiply(void);
void bits(void);
void memory(void);
void atomic(void);
void compressed(void);
void others(void);

#endif
