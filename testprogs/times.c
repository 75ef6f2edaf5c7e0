/* Clocks and calendars. The values of clocks cannot be predicted, but their properties can be checked. */
#include "lib.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static int64_t ns(clockid_t clock)
{
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
    static const time_t moments[] = {0, 1, 951782400, 1709210096, 2147483647, 2147483648, 4102444800, -1, -86400 * 365LL * 100, 253402300799};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct tm tm;
        CHECK(gmtime_r(&moments[i], &tm));
        char text[100];
        strftime(text, sizeof text, "%F %T %a %b %j %U %V %G %p %s", &tm);
        printf("%lld: %s\n", (long long)moments[i], text);
        CHECK(timegm(&tm) == moments[i]);
    }
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    time_t summer = 1720000000;
    char text[64];
    strftime(text, sizeof text, "%c %Z %z", localtime(&summer));
    puts(text);
    struct tm parsed = {0};
    CHECK(strptime("2031-02-03 04:05:06", "%Y-%m-%d %H:%M:%S", &parsed));
    printf("%lld\n", (long long)timegm(&parsed));

    int64_t m = ns(CLOCK_MONOTONIC);
    CHECK(nanosleep(&(struct timespec){0, 20000000}, NULL) == 0);
    int64_t slept = ns(CLOCK_MONOTONIC) - m;
    CHECK(slept >= 20000000 && slept < 5000000000);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 5000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    int64_t last = ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 1000; i++) {
        int64_t now = ns(CLOCK_MONOTONIC);
        CHECK(now >= last);
        last = now;
    }
    struct timeval tv;
    CHECK(gettimeofday(&tv, NULL) == 0);
    int64_t wall = ns(CLOCK_REALTIME) / 1000, tod = tv.tv_sec * 1000000LL + tv.tv_usec;
    CHECK(wall >= tod && wall - tod < 5000000);
    CHECK(llabs((long long)(time(NULL) - tv.tv_sec)) <= 5 && tv.tv_sec > 1600000000);
    struct timespec res;
    CHECK(clock_getres(CLOCK_MONOTONIC, &res) == 0 && res.tv_sec == 0 && res.tv_nsec > 0);
    volatile uint64_t spin = 0;
    for (int i = 0; i < 200000; i++)
        spin += (uint64_t)i;
    CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) > 0 && ns(CLOCK_THREAD_CPUTIME_ID) > 0 && clock() >= 0);
    struct rusage ru;
    CHECK(getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > 0);
    struct tms t;
    CHECK(times(&t) != (clock_t)-1);
    puts("clocks: good");
    return 0;
}
