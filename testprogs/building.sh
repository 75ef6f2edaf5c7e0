# testprogs/building.sh - functions for scripts that build programs; to be sourced. Runs one compiler per processor. A
# program is rebuilt only if its source, a header or the command is newer or different.

headers=$(ls -t "$(dirname "${BASH_SOURCE[0]}")"/{,torture/}*.h | head -1)
jobs=$(nproc) failed=0 builds=()

# need TOOL PACKAGES...: exits with a hint to install PACKAGES if TOOL is missing
need() {
    command -v "$1" >/dev/null || { echo "$0: $1 is not installed: apt-get install ${*:2}" >&2; exit 1; }
}

# build_in FOLDER: locks FOLDER, so that scripts that build there at the same time wait for each other
build_in() {
    exec 9>"$1/lock"
    flock 9
}

# spawn TARGET SOURCE COMMAND...: builds TARGET in the background
spawn() {
    [ ${#builds[@]} -lt "$jobs" ] || await
    build_one "$@" 9>&- &
    builds+=($!)
}

# await: waits for the oldest build. By its process: `wait -n` misses those that have already ended.
await() {
    wait "${builds[0]}" || failed=1
    builds=("${builds[@]:1}")
}

# finish: waits for all builds and exits with their status
finish() {
    while [ ${#builds[@]} -gt 0 ]; do await; done
    exit $failed
}

build_one() {
    local target=$1 source=$2 stamp
    shift 2
    stamp="$* $source"
    if [ -e "$target" ] && [ "$(cat "$target.cmd" 2>/dev/null)" = "$stamp" ] && [ ! "$source" -nt "$target" ] &&
        [ ! "$headers" -nt "$target" ]; then
        return 0
    fi
    "$@" -o "$target.new" "$source" -lm -latomic || { echo "$0: building $target failed" >&2; return 1; }
    mv "$target.new" "$target"
    echo "$stamp" >"$target.cmd"
}
