# jal: forwards and back, the link in any register, the ends of its reach.
    .include "p.inc"
    start
    .option norvc

    case 1
    li ra, 0
link_1:
    jal ra, 1f
back_1:
    tail fail
1:  la t0, back_1
    sub t0, ra, t0
    expect t0, 0

    case 2              # back, and another register
    j 2f
1:  la t1, back_2
    sub t1, s11, t1
    expect t1, 0
    j 3f
2:  jal s11, 1b
back_2:
    tail fail
3:

    case 3              # no link
    jal x0, 1f
    tail fail
1:  mv t0, x0
    expect t0, 0

    case 4              # each bit of the offset, forwards and back
    .irp distance, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144
    jal t2, 2f
1:  tail fail
    .zero \distance - 12
2:  la t3, 1b
    sub t3, t3, t2
    expect t3, 0
    j 2f
1:  j 3f
    .zero \distance - 4
2:  jal t2, 1b
    tail fail
3:
    .endr

    case 5              # the farthest: 1 MiB back, 1 MiB less an instruction forwards
    la t0, 2f
    jr t0
1:  la t0, 3f
    jr t0
    .zero 0x100000 - 12
2:  jal t2, 1b
    tail fail
3:  jal t2, 4f
    .zero 0xffffc - 4 - 8
    tail fail
4:
    finish
