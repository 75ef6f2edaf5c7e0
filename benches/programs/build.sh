#!/bin/bash
# benches/programs/build.sh OUT - builds the programs of programs.toml that have a `source`:
#   OUT/native/NAME   for the host
#   OUT/riscv64/NAME  for RV64GC
#   OUT/rva22/NAME    those with `rva22 = true`, for RV64GC with RVA22's bit manipulation
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

mkdir -p "$1"/{native,riscv64,rva22}
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
finish
