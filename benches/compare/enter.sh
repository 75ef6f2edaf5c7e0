#!/bin/sh
# benches/compare/enter.sh ROOT INPUTS WORK TOOLS LIBRARIES QEMU COMMAND... - sets up the mounts of a run, then runs
# COMMAND, still with the host's root. To be run in a new mount namespace (`unshare --mount`). `-` stands for an
# argument that does not apply.
#   ROOT       a Debian root. It gets the host's /proc and /dev, INPUTS as /in, WORK as /work and TOOLS as /run; and for
#              a dynamically linked QEMU, lib64 and lib of LIBRARIES as the host's dynamic linker and libraries.
#   QEMU       is registered for riscv64 programs, so that they can execute each other. This needs a user namespace too,
#              which owns the registration.
set -eu
root=$1 inputs=$2 work=$3 tools=$4 libraries=$5 qemu=$6
shift 6
if [ "$qemu" != - ]; then
    register=/proc/sys/fs/binfmt_misc
    mount -t binfmt_misc none "$register"
    magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # F: the file is opened now, so that it is found in any root; P: argv[0] is preserved.
    printf '%s' ":qemu-riscv64:M::$magic:$mask:$qemu:PF" >"$register/register"
fi
if [ "$root" != - ]; then
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$inputs" "$root/in"
    mount --bind "$work" "$root/work"
    mount --bind "$tools" "$root/run"
    if [ "$libraries" != - ]; then
        mkdir -p "$root/lib64" "$root/usr/lib/x86_64-linux-gnu"
        mount --bind "$libraries/lib64" "$root/lib64"
        mount --bind "$libraries/lib" "$root/usr/lib/x86_64-linux-gnu"
    fi
fi
exec "$@"
