#!/bin/bash
# benches/programs/build.sh OUT - builds the programs of programs.toml that have a source:
#   OUT/native/NAME   for the host
#   OUT/riscv64/NAME  for RV64GC
#   OUT/rva22/NAME    those with `rva22 = true`, with RVA22's bit manipulation as well
# All of them with -O2, and else only with what the same output needs. Only what is older than its source, or was built
# by another command, is built again.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
list=$here/programs.toml
cross=riscv64-linux-gnu

for need in "$cross-gcc gcc-riscv64-linux-gnu libc6-dev-riscv64-cross" "$cross-g++ g++-riscv64-linux-gnu" "gcc gcc libc6-dev" "g++ g++"; do
    read -r tool packages <<<"$need"
    command -v "$tool" >/dev/null || { echo "benches/programs/build.sh: $tool is not installed: apt-get install $packages" >&2; exit 1; }
done

mkdir -p "$1"/{native,riscv64,rva22}
out=$(realpath "$1")
exec 9>"$out/lock"
flock 9

# one TARGET SOURCE COMMAND...: builds TARGET unless it is up to date
one() {
    local target=$1 source=$2 stamp
    shift 2
    stamp="$* $source"
    if [ -e "$target" ] && [ "$(cat "$target.cmd" 2>/dev/null)" = "$stamp" ] && [ ! "$source" -nt "$target" ] &&
        [ ! "$here/../../testprogs/lib.h" -nt "$target" ]; then
        return 0
    fi
    "$@" -o "$target.new" "$source" -lm -latomic || { echo "benches/programs/build.sh: building $target failed" >&2; return 1; }
    mv "$target.new" "$target"
    echo "$stamp" >"$target.cmd"
}

jobs=$(nproc) failed=0 running=0
spawn() {
    if [ "$running" -ge "$jobs" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    one "$@" 9>&- &
    running=$((running + 1))
}

# A line NAME|SOURCE|RVA22|DYNAMIC|FLAGS for each program: in the list every key has its value on the same line.
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
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit $failed
