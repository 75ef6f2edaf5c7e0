/* System calls: two processes pass a number back and forth through two pipes. */
#include "../../testprogs/lib.h"
#include <sys/wait.h>
#include <unistd.h>

/* Takes a number, passes on its successor, until the number reaches the limit. */
static uint64_t play(int in, int out, uint64_t limit)
{
    uint64_t ball = 0;
    while (ball < limit && read(in, &ball, sizeof ball) == (ssize_t)sizeof ball) {
        ball++;
        CHECK(write(out, &ball, sizeof ball) == (ssize_t)sizeof ball);
    }
    return ball;
}

int main(int argc, char **argv)
{
    uint64_t limit = argc > 1 ? (uint64_t)atol(argv[1]) : 100, ball = 0;
    int there[2], back[2];
    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(play(there[0], back[1], limit) < limit);
    CHECK(write(there[1], &ball, sizeof ball) == (ssize_t)sizeof ball);
    ball = play(back[0], there[1], limit);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    printf("%llu\n", (unsigned long long)ball);
    return 0;
}
