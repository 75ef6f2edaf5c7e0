/* Calls: recursion in three shapes: Fibonacci numbers, Ackermann's function, and two functions that call each other. */
#include "../../testprogs/lib.h"

static int odd(int n, int *calls);

__attribute__((noinline)) static int even(int n, int *calls)
{
    ++*calls;
    return n == 0 ? 1 : !odd(n - 1, calls) ? 0 : 1;
}

__attribute__((noinline)) static int odd(int n, int *calls)
{
    ++*calls;
    return n == 0 ? 0 : !even(n - 1, calls) ? 0 : 1;
}

__attribute__((noinline)) static uint64_t fib(int n)
{
    return n < 2 ? (uint64_t)n : fib(n - 1) + fib(n - 2);
}

__attribute__((noinline)) static int ackermann(int m, int n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 20;
    int rounds = argc > 2 ? atoi(argv[2]) : 1;
    printf("fib(%d) = %llu\n", n, (unsigned long long)fib(n));
    int total = 0, calls = 0, evens = 0;
    for (int t = 0; t < rounds; t++) {
        total += ackermann(2, 100 + t % 10);
        evens += even(1000 + t, &calls);
    }
    printf("ackermann %d, even %d in %d calls\n", total, evens, calls);
    return 0;
}
