// The real-time clock: the date, and an alarm that wakes the hart.
#include "machine.h"

enum { LOW = RTC, HIGH = RTC + 4, ALARM_LOW = RTC + 8, ALARM_HIGH = RTC + 12, ENABLED = RTC + 16 };
enum { CLEAR_ALARM = RTC + 20, STATUS = RTC + 24, CLEAR = RTC + 28 };

static u64 date(void) {
    u64 low = read32(LOW);
    return (u64)read32(HIGH) << 32 | low;
}

static void set_alarm(u64 at) {
    write32(ALARM_HIGH, at >> 32);
    write32(ALARM_LOW, at);
}

static u64 external(void) { return csr_read(mip) & MEIP; }

int main(u64 hart) {
    write32(priority(RTC_SOURCE), 1);
    write32(ENABLE, 1 << RTC_SOURCE);
    u64 year = date() / 1000000000 / 31556952 + 1970;
    show("this century", year >= 2023 && year < 2100);
    u64 before = date();
    for (volatile int i = 0; i < 1000; i++)
        ;
    show("it advances", date() > before);
    show("no alarm", read32(STATUS));

    csr_set(mie, MEIP);
    write32(ENABLED, 1);
    u64 start = date();
    set_alarm(start + 5000000);
    show("set", read32(STATUS));
    show("its time", ((u64)read32(ALARM_HIGH) << 32 | read32(ALARM_LOW)) == start + 5000000);
    while (!external())
        wfi();
    show("waited", date() >= start + 5000000);
    show("gone off", read32(STATUS));
    show("source", read32(CLAIM));
    write32(CLEAR, 1);
    write32(CLAIM, RTC_SOURCE);
    show("cleared", external());

    // An alarm in the past goes off at once; one that is not enabled does not interrupt.
    write32(ENABLED, 0);
    set_alarm(1);
    show("not enabled", external());
    write32(ENABLED, 1);
    show("enabled", external());
    write32(CLEAR, 1);
    write32(CLAIM, read32(CLAIM));
    set_alarm(date() + (1ul << 50));
    write32(CLEAR_ALARM, 1);
    show("no alarm", read32(STATUS));

    write32(HIGH, 5);
    write32(LOW, 0);
    u64 now = date();
    show("set to", now >> 32);
    return 0;
}
