// The registers of the serial port, in loopback mode where that lets the program receive.
#include "machine.h"

enum { DATA = UART, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH, FCR = IIR };
enum { LOOP = 0x10 };

static u64 line(void) {
    u64 source = read32(CLAIM);
    if (source)
        write32(CLAIM, source);
    return source;
}

// Shows a value after leaving loopback mode, in which output would come back.
static void show_outside(const char *name, u64 value) {
    u8 mcr = read8(MCR), ier = read8(IER);
    write8(IER, 0);
    write8(MCR, 0);
    show(name, value);
    write8(MCR, mcr);
    write8(IER, ier);
}

int main(u64 hart) {
    write32(priority(UART_SOURCE), 1);
    write32(ENABLE, 1 << UART_SOURCE);
    write8(SCRATCH, 0xa5);
    show("scratch", read8(SCRATCH));
    write8(IER, 0xff);
    u8 ier = read8(IER);
    write8(IER, 0);
    show("interrupts", ier);
    write8(LCR, 0x83);
    write8(DATA, 0x34);
    write8(IER, 0x12);
    u64 divisor = read8(IER) << 8 | read8(DATA);
    write8(LCR, 3);
    show("divisor", divisor);
    show("beside it", read8(IER));
    show("line control", read8(LCR));
    show("line status", read8(LSR));
    show("modem status", read8(MSR) & 0xf0);
    show("no interrupt", read8(IIR));

    write8(FCR, 7);
    show("with FIFOs", read8(IIR));
    write8(FCR, 0);
    show("without", read8(IIR));

    // The transmitter is empty once more after each byte.
    write8(IER, 2);
    u64 at_once = read8(IIR), again = read8(IIR);
    write8(DATA, '!');
    u64 sent = read8(IIR);
    write8(IER, 0);
    print("\n");
    show("transmitter empty", at_once);
    show("reading clears it", again);
    show("after a byte", sent);

    write8(MCR, LOOP | 0x0a);
    u64 modem = read8(MSR) & 0xf0;
    write8(DATA, 'q');
    u64 status = read8(LSR), data = read8(DATA), empty = read8(LSR);
    show_outside("modem in loopback mode", modem);
    show_outside("ready", status);
    show_outside("received", data);
    show_outside("read", empty);
    write8(MCR, 0);
    for (int i = 0; i < 16; i++) {
        write8(MCR, LOOP | i);
        u64 inputs = read8(MSR) & 0xf0;
        write8(MCR, 0);
        show("inputs", i << 8 | inputs);
    }

    // Received data interrupts at the trigger level: four bytes.
    write8(FCR, 0x47);
    write8(MCR, LOOP);
    write8(IER, 1);
    u64 before = line();
    for (int i = 0; i < 4; i++)
        write8(DATA, 'a' + i);
    u64 at_level = read8(IIR), source = line();
    u64 first = read8(DATA);
    while (read8(LSR) & 1)
        (void)read8(DATA);
    u64 after = read8(IIR), none = line(), none2 = line();
    write8(IER, 0);
    show_outside("quiet", before);
    show_outside("at the level", at_level);
    show_outside("source", source);
    show_outside("first", first);
    show_outside("drained", after);
    (void)none;
    show_outside("quiet again", none2);
    write8(IER, 0);
    write8(MCR, 0);

    // A seventeenth byte is lost.
    write8(FCR, 7);
    write8(MCR, LOOP);
    for (int i = 0; i < 17; i++)
        write8(DATA, i);
    u64 overrun = read8(LSR), cleared = read8(LSR), sum = 0;
    while (read8(LSR) & 1)
        sum += read8(DATA);
    write8(FCR, 0);
    write8(MCR, 0);
    show("overrun", overrun);
    show("cleared", cleared);
    show("sum", sum);
    return 0;
}
