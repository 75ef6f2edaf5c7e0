#!/bin/sh
# tests/programs/enter.sh INPUTS FOLDERS ROOT ROOT COMMAND... - prepares two roots and runs the command. Must run in its
# own mount namespace (`unshare --mount`). Each root gets the host's /proc and /dev, the inputs as /in, and FOLDERS/ARCH
# as /work, where ARCH is the name of the folder that contains the root.
set -eu
inputs=$1
folders=$2
shift 2
for root in "$1" "$2"; do
    arch=$(basename "$(dirname "$root")")
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$inputs" "$root/in"
    mount --bind "$folders/$arch" "$root/work"
done
shift 2
# A shell starts background commands with these ignored, and a program that waits for one would fail.
exec env --default-signal=INT,QUIT "$@"
