// The power-off device, told by the letters that are typed: r resets the machine, p ends it.
#include "machine.h"

enum { LSR = UART + 5, READY = 1 };

int main(word hart) {
    print("started\n");
    for (;;) {
        while (!(read8(LSR) & READY))
            ;
        switch (read8(UART)) {
        case 'r': write32(FINISHER, 0x7777); break;
        case 'p': write32(FINISHER, 0x5555); break;
        }
    }
}
