# Nothing but the environment.
    .include "p.inc"
    start
    finish
