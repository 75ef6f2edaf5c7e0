//! The terminal of a machine.

/// The other end of a machine's serial port and HTIF console.
pub trait Console {
    /// Writes a byte, at the latest at the next [`Console::flush`].
    fn put(&mut self, byte: u8);

    /// The next byte of input, if one has arrived.
    fn get(&mut self) -> Option<u8>;

    /// Writes buffered output. Called between the turns of harts.
    fn flush(&mut self);

    /// Whether the user asked to end the machine.
    fn wants_end(&self) -> bool {
        false
    }
}

/// A console without input, which discards its output.
#[derive(Debug, Default)]
pub struct Silent;

impl Console for Silent {
    fn put(&mut self, _: u8) {}

    fn get(&mut self) -> Option<u8> {
        None
    }

    fn flush(&mut self) {}
}
