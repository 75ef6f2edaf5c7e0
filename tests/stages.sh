# Sourced by scripts that run in stages. `stage NAME COMMAND...` runs the command and prints how long it took. If the
# command fails, it prints the stage's name and exits.

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

# begin COMMAND...: starts a command in the background of the following stages, one at a time. `finish NAME` waits for
# it and prints its output and how long it took.
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
    echo "== $name: $((SECONDS - begun_at)) s, in the background of the stages before"
}

stages_total() {
    echo "== $1: all passed in $((SECONDS - stages_start)) s"
}
