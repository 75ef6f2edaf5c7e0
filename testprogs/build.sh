#!/bin/bash
# testprogs/build.sh LIST OUT - builds the guest programs of LIST (see programs.list for its form):
#   OUT/riscv64/NAME  each of them, statically linked, by Debian's cross compiler
#   OUT/native/BASE   the same C source for the host, the oracle of the tests and benchmarks
# Only what is older than its source, or was built by another command, is built again.
set -euo pipefail
list=$(realpath "$1") out=$2
here=$(dirname "$(realpath "$0")")
sources=$(dirname "$list")
cross=riscv64-linux-gnu-gcc
common="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-infinite-recursion -ffp-contract=off"

for need in "$cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross" "gcc gcc libc6-dev"; do
    read -r tool packages <<<"$need"
    command -v "$tool" >/dev/null || { echo "testprogs/build.sh: $tool is not installed: apt-get install $packages" >&2; exit 1; }
done

mkdir -p "$out/riscv64" "$out/native"
out=$(realpath "$out")
exec 9>"$out/lock"
flock 9 # two tests may ask at the same time

# one TARGET SOURCE COMMAND...: builds TARGET unless it is up to date
one() {
    local target=$1 source=$2 stamp
    shift 2
    stamp="$* $source"
    if [ -e "$target" ] && [ "$(cat "$target.cmd" 2>/dev/null)" = "$stamp" ] && [ ! "$source" -nt "$target" ] &&
        [ ! "$headers" -nt "$target" ]; then
        return 0
    fi
    "$@" -o "$target.new" "$source" -lm -latomic || { echo "testprogs/build.sh: building $target failed" >&2; return 1; }
    mv "$target.new" "$target"
    echo "$stamp" >"$target.cmd"
}

headers=$(ls -t "$here"/*.h | head -1)
jobs=$(nproc) failed=0 running=0
spawn() {
    if [ "$running" -ge "$jobs" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    one "$@" 9>&- &
    running=$((running + 1))
}

declare -A seen
while IFS='|' read -r name source flags _; do
    name=${name// /} source=${source// /}
    case $name in '' | '#'*) continue ;; esac
    guest=() native=() has_native=1
    for flag in $flags; do
        case $flag in
        riscv) has_native=0 ;;
        native:*) native+=("${flag#native:}") ;;
        -march=* | -static-pie) guest+=("$flag") ;;
        *) guest+=("$flag") native+=("$flag") ;;
        esac
    done
    case " $flags " in *" -static-pie "*) ;; *) guest+=(-static) ;; esac
    spawn "$out/riscv64/$name" "$sources/$source" "$cross" $common "${guest[@]}"
    base=${name%%@*}
    if [ $has_native = 1 ] && [ -z "${seen[$base]:-}" ]; then
        seen[$base]=1
        spawn "$out/native/$base" "$sources/$source" gcc $common "${native[@]}" -static
    fi
done <"$list"
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit $failed
