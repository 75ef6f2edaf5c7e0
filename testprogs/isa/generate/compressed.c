// C: arithmetic. Loads, stores and jumps are by hand.
#include "emit.h"
void compressed(void) {}
