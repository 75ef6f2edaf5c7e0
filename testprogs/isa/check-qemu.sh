#!/bin/bash
# testprogs/isa/check-qemu.sh SUITE [PATTERN] [QEMU] - runs what `build.sh` has built as whole machines in machine mode on
# QEMU: the suite has to be right there too. QEMU is a folder with usr/bin/qemu-system-riscv64 in it; without one it is
# the newest of Debian, that tests/debian/fetch.sh unpacks. Prints what fails, and how many of each group passed.
set -uo pipefail

# Where QEMU, 11.1.3, is not right, and the specification's sentence. One that no longer differs is a failure here.
differs='
rv??mi-p-menvcfg_reserved  it keeps 2 in CBIE; Zicbom: "10: Reserved", and the field is WARL: what is read is legal
rv??mi-p-minstret_write    it counts the writing instruction, too; Zicsr: "a value written to the instret CSR by one instruction will be the value read by the following instruction"
rv32mi-p-minstreth         no carry comes to the half that was written; Zicntr: minstret and minstreth are one 64-bit counter
rv??mi-p-pmp_none          mret itself faults, in machine mode; "if no PMP entry matches an S-mode or U-mode access, but at least one PMP entry is implemented, the access fails": that of the instruction in user mode
rv??mi-p-pmp_reserved      it keeps W without R; "the combinations with R=0 and W=1 are reserved", of a WARL field
rv??mi-p-time              this machine of its leaves time to be emulated, as "implementations can convert reads of the time CSR into loads"; user mode is then not asked
'

suite=$1 pattern=${2:-rv*} qemu=${3:-}
if [ -z "$qemu" ]; then
    here=$(dirname "$(realpath "$0")")
    qemu=$("$here/../../tests/debian/fetch.sh" --newest qemu-system-riscv qemu-system-riscv32 qemu-system-riscv64) || exit 1
    qemu=${qemu##* }
fi
export qemu

one() {
    local name=${1##*/} run=()
    # With the libraries that it came with, if it came with some.
    [ ! -e "$qemu/usr/lib64/ld-linux-x86-64.so.2" ] ||
        run=("$qemu/usr/lib64/ld-linux-x86-64.so.2" --library-path "$qemu/usr/lib/x86_64-linux-gnu")
    # Everything but misaligned atomics, which no extension of the tables allows; all 29 counters of events; and
    # instructions are counted.
    timeout 60 "${run[@]}" "$qemu/usr/bin/qemu-system-riscv${name:2:2}" -machine spike \
        -cpu max,zama16b=off,pmu-mask=0xfffffff8 -icount shift=0 -bios none \
        -kernel "$1" -display none -serial null -monitor none </dev/null >/dev/null 2>&1
    echo "$name $?"
}
export -f one
results=$(find "$suite" -maxdepth 1 -name "$pattern" -type f -name 'rv*-p-*' -print0 | sort -z |
    xargs -0 -n 1 -P "$(nproc)" bash -c 'one "$1"' bash | sort)

listed() {
    local line
    while read -r line _; do
        # shellcheck disable=SC2053
        [ -z "$line" ] || [[ $1 != $line ]] || return 0
    done <<<"$differs"
    return 1
}
failed=0
while read -r name status; do
    if listed "$name"; then
        [ "$status" != 0 ] || { echo "$name: passes, and is listed as different"; failed=1; }
    elif [ "$status" != 0 ]; then
        [ "$status" = 124 ] && echo "$name: does not end" || echo "$name: status $status"
        failed=1
    fi
done <<<"$results"
awk '{ group = $1; sub(/-p-.*/, "", group); total[group]++; passed[group] += $2 == 0 }
    END { for (g in total) print g, passed[g], "of", total[g] }' <<<"$results" | sort
exit $failed
