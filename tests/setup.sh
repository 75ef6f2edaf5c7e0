#!/bin/bash
# tests/setup.sh - installs what the tests need in addition to Rust, on Debian: compilers, QEMU and LLVM's disassembler
# as oracles, and small tools. Does nothing if everything is installed.
set -euo pipefail

packages="gcc g++ binutils libc6-dev gcc-riscv64-linux-gnu g++-riscv64-linux-gnu libc6-dev-riscv64-cross llvm-19
device-tree-compiler qemu-user strace xz-utils debian-archive-keyring"

command -v cargo >/dev/null || { echo "tests/setup.sh: cargo is not in the path: install Rust 1.95 or later" >&2; exit 1; }
for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
    command -v rustup >/dev/null || { echo "tests/setup.sh: $component is not installed" >&2; exit 1; }
    rustup component add "$component"
done

missing=()
for package in $packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "tests/setup.sh: as root: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
retry() {
    local n
    for n in 1 2 3; do
        "$@" && return 0
        sleep $((n * 3))
    done
    return 1
}
retry "${as_root[@]}" apt-get update -qq
retry "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
