# fence.i: stored code is executed.
# tests: fence.i
    .include "p.inc"
    start
    .option norvc
    la s0, patched
    la s1, new
    lw s2, 0(s1)
    li s3, 3

    case 1              # before
    call patched
    expect a0, 1

    case 2              # after; several times, as a cache may have seen the line run
2:  sw s2, 0(s0)
    fence.i
    call patched
    expect a0, 2
    lw t0, 4(s1)
    sw t0, 0(s0)
    fence.i
    call patched
    expect a0, 1
    addi s3, s3, -1
    bnez s3, 2b

    case 3              # fences of all kinds change nothing
    fence
    fence r, r
    fence rw, w
    fence io, io
    fence.tso
    expect s3, 0
    j done

    .balign 64
patched:
    li a0, 1
    ret
new:
    li a0, 2
    li a0, 1
done:
    finish
