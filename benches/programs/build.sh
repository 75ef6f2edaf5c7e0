#!/bin/bash
# benches/programs/build.sh OUT - builds the programs of programs.toml that have a `source`:
#   OUT/native/NAME   for the host
#   OUT/riscv64/NAME  for RV64GC
#   OUT/rva22/NAME    those with `rva22 = true`, for RV64GC with RVA22's bit manipulation
#   OUT/machine/kernel  the kernel that runs such programs on a machine
# All are built with -O2 and only those other flags that identical output requires. Programs that are up to date are not
# rebuilt.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
list=$here/programs.toml
cross=riscv64-linux-gnu

. "$here/../../testprogs/building.sh"
need $cross-gcc gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
need $cross-g++ g++-riscv64-linux-gnu
need gcc gcc libc6-dev
need g++ g++

mkdir -p "$1"/{native,riscv64,rva22,machine}
out=$(realpath "$1")
build_in "$out"

# Prints a line NAME|SOURCE|RVA22|DYNAMIC|FLAGS for each program. In programs.toml, values are on the line of their key.
sources() {
    awk '
        function flush() { if (v["source"] != "") print v["name"] "|" v["source"] "|" v["rva22"] "|" v["dynamic"] "|" v["flags"]; split("", v) }
        /^\[\[program\]\]/ { flush() }
        /^[a-z0-9_]+ = / { key = $1; sub(/^[^=]*= */, ""); gsub(/["\[\],]/, ""); v[key] = $0 }
        END { flush() }' "$list"
}

while IFS='|' read -r name source rva22 dynamic flags; do
    compiler=gcc standard=-std=gnu11
    case $source in *.cc) compiler=g++ standard=-std=gnu++17 ;; esac
    options=($standard -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -ffp-contract=off $flags)
    [ "$dynamic" = true ] || options+=(-static)
    spawn "$out/native/$name" "$here/$source" "$compiler" "${options[@]}"
    spawn "$out/riscv64/$name" "$here/$source" "$cross-$compiler" "${options[@]}" -march=rv64gc
    [ "$rva22" != true ] || spawn "$out/rva22/$name" "$here/$source" "$cross-$compiler" "${options[@]}" -march=rv64gc_zba_zbb_zbs
done < <(sources)

# The kernel has no C library and no floating point of its own.
kernel=$out/machine/kernel
newest=$(ls -t "$here"/machine/* "$here/../../testprogs/machine/machine.h" "$here/build.sh" | sed -n 1p)
if [ ! "$kernel" -nt "$newest" ]; then
    $cross-gcc -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -O2 -Wall -Wextra -Werror -ffreestanding \
        -fno-builtin -fno-pic -fno-stack-protector -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie \
        -Wl,--section-start=.reset=0x80000000,-Ttext=0x80001000,--build-id=none,--no-warn-rwx-segments \
        -o "$kernel.new" "$here/machine/entry.S" "$here/machine/kernel.c"
    mv "$kernel.new" "$kernel"
fi
finish
