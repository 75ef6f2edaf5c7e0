/* User and group ids of threads. The kernel keeps them for each thread; a raw call changes the caller's only. libc's
 * functions change those of all threads, by a signal to each. Must be run by root. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t turn;
static char secret[] = "/tmp/ids-XXXXXX";

/* Prints the calling thread's ids, and whether it may open a file that only root may read. */
static void show(const char *when)
{
    uid_t uid, euid, suid;
    gid_t gid, egid, sgid;
    gid_t groups[64];
    CHECK(getresuid(&uid, &euid, &suid) == 0);
    CHECK(getresgid(&gid, &egid, &sgid) == 0);
    int count = getgroups(64, groups);
    int fd = open(secret, O_RDONLY);
    const char *opened = fd >= 0 ? "opened" : strerrorname_np(errno);
    if (fd >= 0)
        close(fd);
    printf("%s: user %u %u %u, group %u %u %u, fsuid %d, fsgid %d, groups", when, uid, euid, suid, gid, egid, sgid,
           setfsuid(-1), setfsgid(-1));
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    printf(", %s\n", opened);
}

static void *body(void *arg)
{
    static const gid_t groups[] = {100, 200};
    show("the thread at first");
    CHECK(syscall(SYS_setgroups, 2, groups) == 0);
    CHECK(syscall(SYS_setresgid, 100, 101, 102) == 0);
    CHECK(syscall(SYS_setresuid, 1000, 0, 1001) == 0);
    show("the thread after raw calls");
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    show("the thread after the first thread called libc");
    CHECK(seteuid(0) == 0 && setgroups(0, NULL) == 0 && setregid(7, 8) == 0);
    show("the thread after it called libc");
    CHECK(syscall(SYS_setresuid, -1, 3000, -1) == 0);
    show("the thread after a last raw call");
    return arg;
}

int main(void)
{
    pthread_t thread;
    int fd = mkstemp(secret);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
    CHECK(pthread_barrier_init(&turn, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    pthread_barrier_wait(&turn);
    show("the first thread after the other's raw calls");
    CHECK(setresuid(2000, 2001, 0) == 0);
    show("the first thread after setresuid");
    pthread_barrier_wait(&turn);
    CHECK(pthread_join(thread, NULL) == 0);
    show("the first thread after the other called libc");
    CHECK(unlink(secret) == 0);
    return 0;
}
