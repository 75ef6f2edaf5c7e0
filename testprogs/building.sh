# testprogs/building.sh - for scripts that build programs to source: as many at a time as there are processors, and only
# what is older than its source or a header, or was built by another command.

headers=$(ls -t "$(dirname "${BASH_SOURCE[0]}")"/*.h | head -1)
jobs=$(nproc) failed=0 running=0

# need TOOL PACKAGES...: ends the script, and says what to install, if there is no such tool
need() {
    command -v "$1" >/dev/null || { echo "$0: $1 is not installed: apt-get install ${*:2}" >&2; exit 1; }
}

# build_in FOLDER: what is built is below it; a second script that asks at the same time waits for this one
build_in() {
    exec 9>"$1/lock"
    flock 9
}

# spawn TARGET SOURCE COMMAND...: builds TARGET, beside others
spawn() {
    if [ "$running" -ge "$jobs" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    build_one "$@" 9>&- &
    running=$((running + 1))
}

# finish: waits for all, and ends the script
finish() {
    while [ "$running" -gt 0 ]; do
        wait -n || failed=1
        running=$((running - 1))
    done
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
