#!/bin/bash
# testprogs/isa/build.sh OUT - builds the instruction suite: OUT/rv32ui-p-add and so on, one program for each
# test and width. Most are written by `generate`, which the host's compiler builds, and those of floating point by
# `float`, which cargo builds; the folders have the rest.
# Prints the number of programs.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
tools="gcc cargo clang-19 ld.lld-19"
for tool in $tools; do
    command -v "$tool" >/dev/null || { echo "testprogs/isa/build.sh: $tool is missing: install Rust, or apt-get install gcc clang-19 lld-19" >&2; exit 1; }
done
mkdir -p "$1"
out=$(realpath "$1")
exec 9>"$out.lock"
flock 9 # two tests may ask at the same time

# The oracle of floating point is that of tests/fp_vectors.
vectors=../../tests/fp_vectors
stamp=$(cd "$here" && find . $vectors/oracle.rs $vectors/operands.rs -type f -print0 | sort -z | xargs -0 sha256sum)
if [ "$(cat "$out/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$out"
    mkdir -p "$out/source"
    for xlen in 32 64; do
        gcc -std=gnu11 -O1 -Wall -Wextra -Werror -DXLEN=$xlen -o "$out/source/generate$xlen" "$here"/generate/*.c
        "$out/source/generate$xlen" "$out/source"
        (cd "$here" && cargo run --quiet --locked --example isa_float -- "$out/source" $xlen)
        for file in "$here"/*/*.s; do
            group=$(basename "$(dirname "$file")") name=$(basename "$file" .s)
            # A test of one width says so in its first line.
            head -1 "$file" | grep -q "RV$((96 - xlen)) only" || cp "$file" "$out/source/rv$xlen$group-p-$name.s"
        done
    done

    # one SOURCE: assembles and links one test.
    one() {
        local name=${1##*/} xlen group march
        name=${name%.s} xlen=${name:2:2} group=${name:4}
        group=${group%%-*}
        case $group in
        ui | mi) march=i ;;
        um) march=im ;;
        ua) march=ia ;;
        uc) march=ic ;;
        uzabha) march=ia_zabha ;;
        uzcb) march=imc_zba_zbb_zcb ;;
        uf | ud) march=ifd ;;
        uzcf | uzcd) march=ifdc ;;
        uzfh | uzfhmin) march=ifd_${group#u} ;;
        uzfa) march=ifd_zfh_zfa ;;
        *) march=i_${group#u} ;;
        esac
        clang-19 --target="riscv$xlen" -march="rv$xlen${march}_zicsr_zifencei" -mno-relax -I "$here" -I "$here/mi" -Wa,-defsym,XLEN="$xlen" \
            -c -o "$1.o" "$1"
        ld.lld-19 -T "$here/link.ld" -o "$out/$name" "$1.o"
    }
    export -f one
    export here out
    find "$out/source" -name '*.s' -print0 | xargs -0 -n 8 -P "$(nproc)" bash -ec 'for file; do one "$file"; done' bash
    rm "$out"/source/*.o
    echo "$stamp" >"$out/stamp"
fi
find "$out/source" -name '*.s' | wc -l
