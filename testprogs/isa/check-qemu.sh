#!/bin/bash
# testprogs/isa/check-qemu.sh SUITE [PATTERN] [QEMU] - runs the machine-mode programs built by `build.sh` on QEMU's
# system emulation, to check the suite itself. QEMU is a folder that contains usr/bin/qemu-system-riscv64 (default:
# Debian's newest, fetched by tests/debian/fetch.sh). Prints failures, and the number of passed tests per group.
set -uo pipefail

# Known faults of QEMU 11.1.3, with the specification's sentence. A listed test that passes is a failure.
differs='
rv??mi-p-menvcfg_reserved  CBIE holds 2; Zicbom: "10: Reserved", and the field is WARL, so a read returns a legal value
rv??mi-p-minstret_write    the writing instruction is counted; Zicsr: "a value written to the instret CSR by one instruction will be the value read by the following instruction"
rv32mi-p-minstreth         the written half gets no carry; Zicntr: minstret and minstreth are one 64-bit counter
rv??mi-p-pmp_none          mret faults in machine mode; "if no PMP entry matches an S-mode or U-mode access, but at least one PMP entry is implemented, the access fails": that of the instruction in user mode
rv??mi-p-pmp_reserved      W is kept without R; "the combinations with R=0 and W=1 are reserved", of a WARL field
rv??mi-p-time              the machine spike leaves time to be emulated, as "implementations can convert reads of the time CSR into loads"; user mode is then not asked
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
    # With its own dynamic linker and libraries, if present.
    [ ! -e "$qemu/usr/lib64/ld-linux-x86-64.so.2" ] ||
        run=("$qemu/usr/lib64/ld-linux-x86-64.so.2" --library-path "$qemu/usr/lib/x86_64-linux-gnu")
    # All extensions except misaligned atomics, which remu does not implement; all 29 event counters; and a clock that
    # counts instructions.
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
        [ "$status" != 0 ] || { echo "$name: passes, but is listed as a known fault"; failed=1; }
    elif [ "$status" != 0 ]; then
        [ "$status" = 124 ] && echo "$name: timed out" || echo "$name: status $status"
        failed=1
    fi
done <<<"$results"
awk '{ group = $1; sub(/-p-.*/, "", group); total[group]++; passed[group] += $2 == 0 }
    END { for (g in total) print g, passed[g], "of", total[g] }' <<<"$results" | sort
exit $failed
