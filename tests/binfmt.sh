#!/bin/bash
# tests/binfmt.sh REGISTRATION COMMAND... - registers an interpreter with a private binfmt_misc, then runs the command.
# Must run in its own user and mount namespace (`unshare --user --mount`); the registration ends with the namespace.
set -euo pipefail
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$1" >/proc/sys/fs/binfmt_misc/register
shift
exec "$@"
