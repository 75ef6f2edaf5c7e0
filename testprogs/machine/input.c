// Echoes a line of input, received by interrupts while the hart waits. Counts it, so that no byte is lost.
#include "machine.h"

enum { DATA = UART, IER = UART + 1, FCR = UART + 2, LSR = UART + 5 };

static volatile u64 count, interrupts, ended;
static u8 line[4096];

static void __attribute__((interrupt("machine"), aligned(4))) handler(void) {
    u32 source = read32(CLAIM);
    interrupts += source == UART_SOURCE;
    while (!ended && read8(LSR) & 1) {
        u8 byte = read8(DATA);
        ended = byte == '\n';
        line[count++] = byte;
    }
    write32(CLAIM, source);
}

int main(u64 hart) {
    write32(priority(UART_SOURCE), 1);
    write32(ENABLE, 1 << UART_SOURCE);
    csr_write(mtvec, handler);
    write8(FCR, 0x87);
    write8(IER, 1);
    csr_set(mie, MEIP);
    print("type\n");
    while (!ended) {
        wfi();
        csr_set(mstatus, 8);
        csr_clear(mstatus, 8);
    }
    write8(IER, 0);
    for (u64 i = 0; i < count; i++)
        write8(DATA, line[i]);
    show("bytes", count);
    show("by interrupts", interrupts > 0 && interrupts <= count);
    return 0;
}
