#!/bin/sh
# testprogs/prebuilt/build.sh [OUT] - builds the hello that is kept in the repository (default: in place).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/hello-riscv64}
riscv64-linux-gnu-gcc -std=gnu11 -Wall -Wextra -Werror -Os -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
    -march=rv64gc -mabi=lp64d -static -nostdlib -nostartfiles -Wl,--build-id=none -s -o "$out" "$here/hello.c"
