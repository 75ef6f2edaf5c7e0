# Sourced by the scripts that run in stages: `stage NAME COMMAND...` runs the command, prints how long it
# took, and ends the script with the stage's name when it fails.

stages_start=$SECONDS

stage() {
    local name=$1 start=$SECONDS status=0
    shift
    echo "== $name"
    "$@" || status=$?
    if [ "$status" != 0 ]; then
        echo "== $name FAILED after $((SECONDS - start)) s (status $status)" >&2
        exit 1
    fi
    echo "== $name: $((SECONDS - start)) s"
}

# begin COMMAND...: starts a command beside the stages that follow. `finish NAME` waits for it, as a stage that shows
# what it has printed and the seconds that it took in all. One at a time.
begin() {
    begun_log=$(mktemp) begun_at=$SECONDS
    "$@" >"$begun_log" 2>&1 &
    begun=$!
}

finish() {
    local name=$1 status=0
    echo "== $name"
    wait "$begun" || status=$?
    cat "$begun_log"
    rm "$begun_log"
    if [ "$status" != 0 ]; then
        echo "== $name FAILED (status $status)" >&2
        exit 1
    fi
    echo "== $name: $((SECONDS - begun_at)) s, beside the stages before"
}

stages_total() {
    echo "== $1: all passed in $((SECONDS - stages_start)) s"
}
