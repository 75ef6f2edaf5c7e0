// The power-off device: what is not a command is ignored; then it fails with a code.
#include "machine.h"

int main(u64 hart) {
    show("reads", read32(FINISHER));
    write32(FINISHER, 0x1234);
    write32(FINISHER + 4, 0x5555);
    show("ignored", read32(FINISHER + 4));
    return 42;
}
