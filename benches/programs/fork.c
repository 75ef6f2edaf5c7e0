/* System calls: fork and wait, with children that do little; some copy memory of the parent. */
#include "../../testprogs/lib.h"
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 64 };

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    unsigned char *memory = malloc(PAGE * PAGES);
    CHECK(memory);
    memset(memory, 1, PAGE * PAGES);
    long sum = 0;
    for (int t = 0; t < rounds; t++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            int touched = 0;
            for (int i = 0; i < PAGES; i += 8)
                touched += memory[i * PAGE]++;
            _exit((t + touched) & 127);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        sum += WEXITSTATUS(status);
        CHECK(memory[0] == 1);
    }
    printf("%d children, sum %ld\n", rounds, sum);
    free(memory);
    return 0;
}
