#!/bin/bash
# testprogs/build.sh LIST OUT - builds the guest programs of LIST (programs.list describes the format):
#   OUT/riscv64/NAME  each program, statically linked, by Debian's cross compiler
#   OUT/native/BASE   the same C source for the host, as the oracle of tests and benchmarks
# Programs that are up to date are not rebuilt.
set -euo pipefail
list=$(realpath "$1") out=$2
here=$(dirname "$(realpath "$0")")
sources=$(dirname "$list")
cross=riscv64-linux-gnu-gcc
common="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-infinite-recursion -ffp-contract=off"

. "$here/building.sh"
need $cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
need gcc gcc libc6-dev

mkdir -p "$out/riscv64" "$out/native"
out=$(realpath "$out")
build_in "$out"

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
finish
