#!/bin/bash
# tests/run.sh - installs what the tests need, builds the guest programs, fetches Debian's packages, and runs all tests.
set -euo pipefail
exec </dev/null
cd "$(dirname "$(realpath "$0")")/.."
. tests/stages.sh
# The value of CARGO_TARGET_TMPDIR in the tests. The triple is the one in .cargo/config.toml.
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
tmp=$target/x86_64-unknown-linux-gnu/tmp

stage packages tests/setup.sh
fetch() {
    tests/debian/fetch.sh busybox-static
    tests/debian/fetch.sh --root tests/programs/packages
    tests/debian/fetch.sh --newest qemu-user qemu-riscv32 qemu-riscv64
    tests/debian/fetch.sh --newest qemu-system-riscv qemu-system-riscv32 qemu-system-riscv64
    tests/debian/fetch.sh --newest opensbi
    tests/debian/fetch.sh --newest u-boot-qemu
    tests/debian/fetch.sh --kernel
    tests/riscv_tests/fetch.sh
}

# Packages are fetched while programs are built.
begin fetch
stage "guest programs" testprogs/build.sh testprogs/programs.list "$tmp/testprogs"
stage "machine programs" testprogs/machine/build.sh "$tmp/machine"
stage "instruction suite" testprogs/isa/build.sh "$tmp/isa"
finish "Debian's packages"
stage "instruction suite on QEMU" testprogs/isa/check-qemu.sh "$tmp/isa"
stage tests cargo test --workspace --locked --no-fail-fast
cat "$tmp/busybox-times.txt" "$tmp/programs-times.txt" "$tmp/oracle-cases.txt" "$tmp/strace-calls.txt"
stages_total tests/run.sh
