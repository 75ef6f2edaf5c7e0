/* setjmp and longjmp: across frames, out of a qsort callback, with saved and unsaved signal masks. */
#include "lib.h"
#include <setjmp.h>

static jmp_buf outer;
static sigjmp_buf masked;

static int dive(int depth)
{
    if (depth == 0)
        longjmp(outer, 42);
    return dive(depth - 1) + 1;
}

static int compare(const void *a, const void *b)
{
    static int calls;
    if (++calls == 20)
        siglongjmp(masked, calls);
    return *(const int *)a - *(const int *)b;
}

int main(void)
{
    volatile int passes = 0;
    /* Callee-saved floating-point registers are part of the buffer. */
    volatile double seed = 1.5;
    double kept[6];
    for (int i = 0; i < 6; i++)
        kept[i] = seed * (i + 1);
    int v = setjmp(outer);
    printf("setjmp returned %d\n", v);
    if (v == 0)
        printf("never printed %d\n", dive(100));
    if (++passes < 5)
        longjmp(outer, passes);
    double sum = 0;
    for (int i = 0; i < 6; i++)
        sum += kept[i];
    printf("passes %d, sum %g\n", passes, sum);

    if (setjmp(outer) == 0)
        longjmp(outer, 0); /* a zero becomes 1 */
    else
        puts("longjmp with 0 came back");

    int values[64];
    for (int i = 0; i < 64; i++)
        values[i] = 63 - i;
    v = sigsetjmp(masked, 1);
    if (v == 0)
        qsort(values, 64, sizeof values[0], compare);
    printf("out of qsort with %d\n", v);
    return 0;
}
