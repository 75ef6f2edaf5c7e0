//! Terminals: `asm-generic/termbits.h`, `asm-generic/termios.h`; the same on x86-64.

use super::{guest_structs, layout};

guest_structs! {
    /// The kernel's `struct termios`, which is not the C library's.
    Termios { iflag: u32, oflag: u32, cflag: u32, lflag: u32, line: u8, cc: [u8; 19], }

    /// `struct winsize`.
    Winsize { row: u16, col: u16, xpixel: u16, ypixel: u16, }
}

layout!(Termios: 36, line @ 16, cc @ 17);
layout!(Winsize: 8);
