/* System calls: the cheapest one, without the C library. */
#include "../../testprogs/lib.h"
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    long parent = syscall(SYS_getppid), same = 0;
    for (long t = 0; t < rounds; t++)
        same += syscall(SYS_getppid) == parent;
    printf("%ld of %ld\n", same, rounds);
    return 0;
}
