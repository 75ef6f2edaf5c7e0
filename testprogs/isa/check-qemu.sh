#!/bin/bash
# testprogs/isa/check-qemu.sh SUITE [PATTERN] - runs what `build.sh` has built on Debian's QEMU, a whole machine
# in machine mode: the suite has to be right there too. Prints what fails, and how many of each group passed.
#
# Debian 12's QEMU, 7.2, differs in these places, and is not right:
#   rv64uzbb-p-ctzw        it looks at the upper half of a register whose lower is 0; the manual: "if the
#                          least-significant word is 0, the operation returns 32"
#   rv??mi-p-csr_readonly  it does not write where rs1 holds 0; the manual: "if rs1 specifies a register holding a zero
#                          value other than x0, the instruction will still attempt to write the unmodified value"
#   rv??mi-p-mepc          it keeps the lowest bit; the manual: "the low bit of mepc (mepc[0]) is always zero"
#   rv??u*-p-dirty         an instruction that raises flags, and writes no f register, leaves mstatus.FS clean; the
#                          manual: FS is "the status of the floating-point unit state, including the floating-point
#                          registers f0-f31 and the CSRs fcsr, frm, and fflags"
#   rv??uzicond, uzcb, uzabha, uzfa  it does not have Zicond, Zcb, Zabha, Zfa
set -uo pipefail
suite=$1 pattern=${2:-rv*}
command -v qemu-system-riscv64 >/dev/null || { echo "$0: apt-get install qemu-system-misc" >&2; exit 1; }

one() {
    local name=${1##*/} cpu
    cpu=${name:0:4},zba=on,zbb=on,zbc=on,zbs=on,zbkb=on,zbkx=on,Zfh=on,Zfhmin=on,pmu-num=29
    timeout 20 "qemu-system-riscv${name:2:2}" -machine spike -cpu "$cpu" -bios none -kernel "$1" -display none \
        -serial null -monitor none >/dev/null 2>&1 </dev/null
    echo "$name $?"
}
export -f one
results=$(find "$suite" -maxdepth 1 -name "$pattern" -type f -print0 | sort -z | xargs -0 -n 1 -P "$(nproc)" bash -c 'one "$1"' bash)
echo "$results" | sort | awk '
    { group = $1; sub(/-p-.*/, "", group); total[group]++ }
    $2 == 0 { passed[group]++ }
    $2 != 0 { print $1 ": " ($2 == 124 ? "does not end" : "status " $2); failed = 1 }
    END { for (g in total) print g, passed[g] + 0, "of", total[g]; exit failed }'
