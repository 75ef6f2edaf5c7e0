#!/bin/bash
# testprogs/dynamic/build.sh OUT - builds the dynamically linked guest programs with Debian's cross compiler, and the
# hello of the benchmarks for both architectures, in OUT/riscv64 and OUT/native.
set -euo pipefail
here=$(dirname "$(realpath "$0")") out=$1
for tool in gcc g++; do
    command -v riscv64-linux-gnu-$tool >/dev/null || {
        echo "testprogs/dynamic/build.sh: riscv64-linux-gnu-$tool is not installed:" \
            "apt-get install $tool-riscv64-linux-gnu" >&2
        exit 1
    }
done
mkdir -p "$out"
cd "$out"
exec 9>lock
flock 9 # tests run this script concurrently
newest=$(ls -t "$here"/* | head -1)
[ stamp -nt "$newest" ] && exit 0
cc="riscv64-linux-gnu-gcc -O2 -D_GNU_SOURCE -Wall -Wextra -Werror"
$cc -shared -fPIC -DNAME='"first"' -DENTRY=first "$here/lib.c" -o libfirst.so
$cc -shared -fPIC -DNAME='"second"' -DENTRY=second -Dshared_tls=second_tls "$here/lib.c" -o libsecond.so
link="-L. -lfirst -lm -Wl,-rpath,\$ORIGIN"
$cc -pie -fPIE "$here/program.c" -o pie $link
$cc -no-pie -fno-pie "$here/program.c" -o no-pie $link
$cc -pie -fPIE "$here/program.c" -o lazy $link -Wl,-z,lazy
$cc -pie -fPIE "$here/layout.c" -o layout
$cc -pie -fPIE "$here/clock.c" -o clock
$cc -static -no-pie "$here/layout.c" -o layout-static
bare="-fno-builtin -nostdlib"
$cc -shared -fPIC $bare -DSTUB "$here/musl.c" -o libmusl-stub.so -Wl,-soname,libc.so
$cc -pie -fPIE $bare "$here/musl.c" libmusl-stub.so -o musl -Wl,--dynamic-linker=/lib/ld-musl-riscv64.so.1
$cc -pie -fPIE "$here/program.c" -o nowhere $link -Wl,--dynamic-linker=/lib/ld-nowhere.so.1
$cc -fexceptions -fnon-call-exceptions -fasynchronous-unwind-tables -shared-libgcc "$here/unwind.c" -o unwind
cxx="riscv64-linux-gnu-g++ -O2 -std=c++17 -Wall -Wextra -Werror"
$cxx -shared -fPIC "$here/cxx-plugin.cc" -o libcxx-plugin.so
$cxx "$here/cxx.cc" -o cxx
mkdir -p riscv64 native
$cc "$here/../hello.c" -o riscv64/hello
gcc -O2 "$here/../hello.c" -o native/hello
touch stamp
