/* Thread-local variables: initialised and zero ones, aligned ones, reached through tp. */
#include "lib.h"
#include <errno.h>
#include <unistd.h>

static __thread int counter = 40;
static __thread char text[32] = "thread-local text";
static __thread double zeroed[100];
__thread _Alignas(64) long aligned = -7;
extern __thread long aligned;

__attribute__((noinline)) static int *address(void)
{
    return &counter;
}

int main(void)
{
    counter += 2;
    printf("%d \"%s\" %g %ld\n", counter, text, zeroed[99], aligned);
    CHECK((uintptr_t)&aligned % 64 == 0);
    CHECK(address() == &counter && *address() == 42);
    strcat(text, "!");
    for (int i = 0; i < 100; i++)
        zeroed[i] += i;
    printf("%s %g\n", text, zeroed[99]);
    errno = 0;
    CHECK(close(-1) == -1 && errno == EBADF);
    return 0;
}
