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

stages_total() {
    echo "== $1: all passed in $((SECONDS - stages_start)) s"
}
