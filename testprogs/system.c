/* System calls that query the process and the system. */
#include "lib.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(void)
{
    struct utsname u;
    CHECK(uname(&u) == 0);
#if defined(__riscv)
    printf("%s %s\n", u.sysname, u.machine);
#else
    printf("%s riscv64\n", u.sysname);
#endif
    CHECK(getpid() > 1 && getppid() > 0 && getuid() == geteuid() && gettid() == getpid());
    CHECK(getpgid(0) > 0 && getsid(0) >= 0);
    unsigned char a[32] = {0}, b[32] = {0};
    CHECK(getrandom(a, sizeof a, 0) == 32 && getrandom(b, sizeof b, 0) == 32 && memcmp(a, b, sizeof a) != 0);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_PHYS_PAGES) > 0 && sysconf(_SC_OPEN_MAX) > 0);
    struct sysinfo info;
    CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.uptime > 0);
    struct rlimit lim;
    CHECK(getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur > 0);
    lim.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &lim) == 0 && getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur == 64);
    cpu_set_t cpus;
    CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) >= 1);
    CHECK(sched_yield() == 0 && getpriority(PRIO_PROCESS, 0) <= 20);
    gid_t groups[256];
    CHECK(getgroups(256, groups) >= 0);
    char host[256];
    CHECK(gethostname(host, sizeof host) == 0);
    char name[4096];
    ssize_t n = readlink("/proc/self/exe", name, sizeof name - 1);
    CHECK(n > 0);
    name[n] = 0;
    printf("exe %s\n", strrchr(name, '/') ? "has a path" : name);
    CHECK(umask(027) != 0 || 1);
    CHECK(umask(022) == 027);
    puts("system: good");
    return 0;
}
