#!/bin/bash
# testprogs/machine/build.sh OUT - builds the bare-metal programs in this folder, which test the devices of the machine
# `virt`. Needs Debian's gcc-riscv64-linux-gnu.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
out=$1
mkdir -p "$out"
for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    program=$out/$name
    if [ "$program" -nt "$source" ] && [ "$program" -nt "$here/machine.h" ] && [ "$program" -nt "$here/start.S" ]; then
        continue
    fi
    # Under another name first: another test may build at the same time.
    riscv64-linux-gnu-gcc -march=rv64gc -mabi=lp64d -mcmodel=medany -O2 -Wall -Werror -ffreestanding -fno-builtin \
        -fno-pic -fno-stack-protector -nostdlib -static -no-pie -Wl,--section-start=.reset=0x80000000,-Ttext=0x80001000,--build-id=none,--no-warn-rwx-segments \
        -o "$program.$$" "$here/start.S" "$source"
    mv "$program.$$" "$program"
done
