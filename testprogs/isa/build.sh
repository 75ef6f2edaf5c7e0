#!/bin/bash
# testprogs/isa/build.sh OUT - builds the instruction suite: for each test and XLEN, a machine-mode program such as
# OUT/rv32ui-p-add, and a Linux program such as OUT/user/rv32ui-u-add, except for group mi and sources marked
# `# machine only`. OUT/v/rv32 and OUT/v/rv64 are the kernel in `v` with all Linux programs. `generate` (built by the host's compiler) writes most sources, `float` (built by cargo) those of
# floating point; the others are in the folders here. Prints the number of tests.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
tools="gcc cargo llvm-mc-19 riscv64-linux-gnu-ld riscv64-linux-gnu-gcc"
for tool in $tools; do
    command -v "$tool" >/dev/null || { echo "testprogs/isa/build.sh: $tool is missing: install Rust, or apt-get install gcc llvm-19 gcc-riscv64-linux-gnu" >&2; exit 1; }
done
mkdir -p "$1"
out=$(realpath "$1")
shopt -s nullglob
exec 9>"$out.lock"
flock 9 # tests run this script concurrently

# Floating point uses the oracle of tests/fp_vectors.
vectors=../../tests/fp_vectors
stamp=$(cd "$here" && find . ../machine/machine.h $vectors/oracle.rs $vectors/operands.rs -type f -print0 | sort -z | xargs -0 sha256sum)
if [ "$(cat "$out/stamp" 2>/dev/null)" != "$stamp" ]; then
    # If a file that all tests share has changed, everything is rebuilt; otherwise only tests whose source has changed.
    common=$(sha256sum "$here"/{build.sh,link.ld,*.inc,*/*.inc})
    [ "$(cat "$out/common" 2>/dev/null)" = "$common" ] || rm -rf "$out"
    rm -rf "$out/new"
    mkdir -p "$out"/{new,source,user}
    echo "$common" >"$out/common"
    for xlen in 32 64; do
        gcc -std=gnu11 -O1 -Wall -Wextra -Werror -DXLEN=$xlen -o "$out/generate$xlen" "$here"/generate/*.c
        "$out/generate$xlen" "$out/new"
        (cd "$here" && cargo run --quiet --locked --example isa_float -- "$out/new" $xlen)
        for file in "$here"/*/*.s; do
            group=$(basename "$(dirname "$file")") name=$(basename "$file" .s)
            # The first line of a test for one XLEN says so.
            head -1 "$file" | grep -q "RV$((96 - xlen)) only" || cp "$file" "$out/new/rv$xlen$group-p-$name.s"
        done
    done
    for file in "$out"/source/*.s; do
        name=$(basename "$file" .s)
        if cmp -s "$file" "$out/new/$name.s"; then
            rm "$out/new/$name.s"
        else
            rm -f "$file" "$out/$name" "$out/user/${name/-p-/-u-}"
        fi
    done

    # one SOURCE: assembles and links both programs of one test, then moves the source to mark it as built.
    one() {
        local name=${1##*/} xlen group exts ext features assemble link
        name=${name%.s} xlen=${name:2:2} group=${name:4}
        group=${group%%-*}
        case $group in
        ui) exts= ;;
        mi) exts="a f zicbom zicboz svinval" ;;
        um) exts=m ;;
        ua) exts=a ;;
        uc) exts=c ;;
        uzabha) exts="a zabha" ;;
        uzcb) exts="m c zba zbb zcb" ;;
        uzacas) exts="a experimental-zacas zabha" ;;
        uzcmop) exts="c zimop zcmop" ;;
        uzicbo) exts="zicbom zicbop zicboz" ;;
        uzihint) exts="c zihintpause zihintntl zawrs" ;;
        uf | ud) exts="f d" ;;
        uzcf | uzcd) exts="f d c" ;;
        uzfh | uzfhmin) exts="f d ${group#u}" ;;
        uzfa) exts="f d zfh zfa" ;;
        *) exts=${group#u} ;;
        esac
        features=-relax
        for ext in $exts zicsr zifencei; do features+=,+$ext; done
        # The fastest-starting assembler and linker, since there are 1,400 programs.
        assemble=(llvm-mc-19 -filetype=obj -triple="riscv$xlen" -mattr="$features" -I "$here" -I "$here/mi"
            -defsym XLEN="$xlen" "$1" -o "$1.o")
        link=(riscv64-linux-gnu-ld -m "elf${xlen}lriscv")
        "${assemble[@]}"
        "${link[@]}" -T "$here/link.ld" -o "$out/$name" "$1.o"
        if [ "$group" != mi ] && ! grep -q '^ *# machine only' "$1"; then
            "${assemble[@]}" -defsym USER=1
            "${link[@]}" --omagic --no-warn-rwx-segments -o "$out/user/${name/-p-/-u-}" "$1.o" # writable code for fence.i
        fi
        rm "$1.o"
        mv "$1" "$out/source/"
    }
    export -f one
    export here out
    find "$out/new" -name '*.s' -print0 | xargs -0 -n 8 -P "$(nproc)" bash -ec 'for file; do one "$file"; done' bash

    mkdir -p "$out/v"
    for abi in 32,ilp32 64,lp64; do
        xlen=${abi%,*}
        (cd "$out/user" && tar --format=ustar --sort=name -cf "$out/v/$xlen.tar" "rv$xlen"*)
        riscv64-linux-gnu-gcc -march="rv${xlen}ima_zicsr_zifencei" -mabi="${abi#*,}" -mcmodel=medany -O2 -Wall -Wextra -Werror \
            -ffreestanding -fno-builtin -fno-pic -fno-stack-protector -nostdlib -static -no-pie \
            -DPROGRAMS="\"$out/v/$xlen.tar\"" -o "$out/v/rv$xlen" "$here"/v/*.S "$here"/v/*.c \
            -Wl,--section-start=.reset=0x80000000,-Ttext=0x80001000,--build-id=none,--no-warn-rwx-segments
    done
    echo "$stamp" >"$out/stamp"
fi
find "$out/source" -name '*.s' | wc -l
