#!/bin/bash
# testprogs/machine/build.sh OUT - builds the bare-metal programs in this folder, which test the machine `virt`: its
# devices and the privileged architecture. Those that RV32 has as well are built for it too, as `mmu32` for example.
# Needs Debian's gcc-riscv64-linux-gnu.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
out=$1
mkdir -p "$out"
newest() { ls -t "$@" | sed -n 1p; }

# build PROGRAM SOURCE MARCH MABI
build() {
    local program=$out/$1 source=$here/$2.c
    [ ! "$program" -nt "$(newest "$source" "$here"/*.h "$here/start.S" "$here/build.sh")" ] || return 0
    # Under another name first: another test may build at the same time.
    riscv64-linux-gnu-gcc -march="$3" -mabi="$4" -mcmodel=medany -O2 -Wall -Werror -ffreestanding -fno-builtin \
        -fno-pic -fno-stack-protector -nostdlib -static -no-pie -Wl,--section-start=.reset=0x80000000,-Ttext=0x80001000,--build-id=none,--no-warn-rwx-segments \
        -o "$program.$$" "$here/start.S" "$source"
    mv "$program.$$" "$program"
}

for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    [ "$name" = bare ] || build "$name" "$name" rv64gc lp64d
done
# For harts without F, and with it.
build bare bare rv64imac_zicsr_zifencei lp64
build bare_float bare rv64imac_zicsr_zifencei lp64
for name in corners csrs mmu sstc; do
    build ${name}32 $name rv32gc ilp32d
done
