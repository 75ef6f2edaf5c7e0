# An empty test, which checks the environment only.
    .include "p.inc"
    start
    finish
