# The start of a bare-metal program: each hart gets a stack and calls main(hart); hart 0 powers off with its result.
        # At the start of memory, where QEMU starts programs, whatever their entry point.
        .section .reset, "ax"
        .globl  _start
_start:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, stacks
        addi    t0, a0, 1
        slli    t0, t0, 14
        add     sp, sp, t0
        la      t0, unexpected
        csrw    mtvec, t0
        mv      s0, a0
        call    main
        beqz    s0, power_off
1:      wfi
        j       1b

        # A trap before the program has set a handler fails.
        .balign 4
unexpected:
        li      a0, 99
power_off:
        li      t0, 0x5555
        beqz    a0, 2f
        slli    a0, a0, 16
        li      t0, 0x3333
        or      t0, t0, a0
2:      li      t1, 0x100000
        sw      t0, (t1)
        j       2b

        .bss
        .balign 16
stacks: .space  8 << 14
