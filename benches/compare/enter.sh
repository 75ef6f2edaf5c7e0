#!/bin/sh
# benches/compare/enter.sh ROOT INPUTS WORK TOOLS LIBRARIES QEMU COMMAND... - in a mount namespace of its own
# (`unshare --mount`), sets up what a run needs, then runs the command, on the host's root still. A word that does not
# apply is `-`.
#   ROOT       a root of Debian's, which gets the host's /proc and /dev, the folder INPUTS as /in, WORK as /work and TOOLS
#              as /run; and, of the folder LIBRARIES, lib64 and lib as the host's dynamic linker and libraries, for a
#              QEMU that is not static.
#   QEMU       is registered for riscv64 programs, so that they can execute each other. This takes a user namespace, too:
#              the registration belongs to it, and ends with it.
set -eu
root=$1 inputs=$2 work=$3 tools=$4 libraries=$5 qemu=$6
shift 6
if [ "$qemu" != - ]; then
    register=/proc/sys/fs/binfmt_misc
    mount -t binfmt_misc none "$register"
    magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # F: the file is opened now, and found in any root; P: the program is told its own argv[0].
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
