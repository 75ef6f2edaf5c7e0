//! The escape keys of the console: Ctrl-A and a command, as in QEMU.

/// Ctrl-A.
pub(super) const CTRL_A: u8 = 1;

/// What `Ctrl-A h` prints.
const HELP: &str = "
Ctrl-A h       print this help
Ctrl-A x       end remu-system
Ctrl-A c       (QEMU's monitor is not supported)
Ctrl-A Ctrl-A  send Ctrl-A to the guest
";

/// Separates commands from input for the guest.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The last key was Ctrl-A; the next one is a command.
    escaped: bool,
}

/// The meaning of an input byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A byte for the guest.
    Guest(u8),
    /// Ctrl-A, the first half of a command.
    Escape,
    /// A command that prints this text.
    Text(String),
    /// The command to end remu-system.
    End,
}

impl Keys {
    /// Takes the next byte.
    pub fn take(&mut self, byte: u8) -> Key {
        if !std::mem::take(&mut self.escaped) {
            self.escaped = byte == CTRL_A;
            return if self.escaped { Key::Escape } else { Key::Guest(byte) };
        }
        match byte {
            CTRL_A => Key::Guest(CTRL_A),
            b'x' => Key::End,
            b'h' | b'?' => Key::Text(HELP.to_owned()),
            b'c' => Key::Text("\nremu-system: the monitor is not supported\n".to_owned()),
            other => Key::Text(format!("\nremu-system: Ctrl-A {} is not supported\n", other.escape_ascii())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_after_ctrl_a_are_commands() {
        let mut keys = Keys::default();
        let mut take = |typed: &[u8]| typed.iter().map(|&byte| keys.take(byte)).collect::<Vec<_>>();
        assert_eq!(take(b"xh"), [Key::Guest(b'x'), Key::Guest(b'h')]);
        assert_eq!(take(b"\x01"), [Key::Escape]);
        assert_eq!(take(b"x"), [Key::End]);
        assert_eq!(take(b"\x01\x01x"), [Key::Escape, Key::Guest(CTRL_A), Key::Guest(b'x')]);
        assert_eq!(take(b"\x01h")[1], Key::Text(HELP.to_owned()));
        assert_eq!(take(b"\x01\x02")[1], Key::Text("\nremu-system: Ctrl-A \\x02 is not supported\n".to_owned()));
    }
}
