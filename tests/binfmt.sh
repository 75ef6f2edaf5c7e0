#!/bin/bash
# tests/binfmt.sh REGISTRATION COMMAND... - in a user and a mount namespace of its own (`unshare --user --mount`), registers
# an interpreter with a binfmt_misc that belongs to the namespace and ends with it, then runs the command.
set -euo pipefail
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$1" >/proc/sys/fs/binfmt_misc/register
shift
exec "$@"
