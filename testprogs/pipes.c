/* Pipes and polling within one process. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

int main(void)
{
    int p[2];
    CHECK(pipe2(p, O_CLOEXEC) == 0 && fcntl(p[0], F_GETFD) == FD_CLOEXEC);
    static char out[50000], in[50000];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 7);
    CHECK(write(p[1], out, sizeof out) == (ssize_t)sizeof out);
    int waiting;
    CHECK(ioctl(p[0], FIONREAD, &waiting) == 0);
    printf("waiting %d\n", waiting);
    size_t got = 0;
    while (got < sizeof in) {
        ssize_t n = read(p[0], in + got, 7777);
        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK(memcmp(in, out, sizeof in) == 0);

    CHECK(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0 && read(p[0], in, 1) == -1 && errno == EAGAIN);
    struct pollfd fds[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    int n = poll(fds, 2, 0);
    printf("poll %d: %x %x\n", n, fds[0].revents, fds[1].revents);
    CHECK(write(p[1], "x", 1) == 1);
    n = poll(fds, 2, 1000);
    printf("poll %d: %x %x\n", n, fds[0].revents, fds[1].revents);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    struct timeval tv = {1, 0};
    n = select(p[0] + 1, &set, NULL, NULL, &tv);
    printf("select %d %d\n", n, FD_ISSET(p[0], &set) != 0);
    CHECK(close(p[1]) == 0 && read(p[0], in, 10) == 1 && in[0] == 'x');
    printf("end of file %zd\n", read(p[0], in, 10));
    n = poll(fds, 1, 0);
    printf("poll %d: %x\n", n, fds[0].revents);
    CHECK(lseek(p[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
    close(p[0]);
    CHECK(isatty(p[0]) == 0);

    CHECK(pipe(p) == 0);
    FILE *w = fdopen(p[1], "w"), *r = fdopen(p[0], "r");
    fprintf(w, "%d words through a stream\n", 5);
    fclose(w);
    int words;
    char rest[64];
    CHECK(fscanf(r, "%d %63[^\n]", &words, rest) == 2);
    printf("%d %s\n", words, rest);
    fclose(r);
    return 0;
}
