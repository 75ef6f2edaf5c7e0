// Prints its resource limits, and checks them: how much memory and how many descriptors it gets.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void show(const char *name, int which)
{
    struct rlimit limit;
    getrlimit(which, &limit);
    printf("%s %lld %lld\n", name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

int main(void)
{
    show("AS", RLIMIT_AS);
    show("DATA", RLIMIT_DATA);
    show("STACK", RLIMIT_STACK);
    show("NOFILE", RLIMIT_NOFILE);
    show("MEMLOCK", RLIMIT_MEMLOCK);
    // Far more than the small limits, far less than the large ones.
    void *memory = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("256 MiB: %s\n", memory == MAP_FAILED ? "no" : "yes");
    int last = 0, fd;
    while (last < 100 && (fd = dup(0)) >= 0)
        last = fd;
    printf("descriptors up to %d\n", last);
    return 0;
}
