#!/bin/sh
# tests/programs/enter.sh INPUTS FOLDERS ROOT ROOT COMMAND... - in a mount namespace of its own (`unshare --mount`), gives
# each root the host's /proc and /dev, the inputs as /in and the folder of FOLDERS that bears its architecture's name as
# /work; then runs the command. A root lies in a folder that bears that name, too.
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
# A shell has commands in its background ignore these, and a program that waits for one would fail.
exec env --default-signal=INT,QUIT "$@"
