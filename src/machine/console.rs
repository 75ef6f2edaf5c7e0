//! The terminal of a machine.

/// What a machine's serial port and HTIF console are connected to.
pub trait Console {
    /// Writes a byte, now or by the next [`Console::flush`].
    fn put(&mut self, byte: u8);

    /// The next byte that has been typed, if there is one.
    fn get(&mut self) -> Option<u8>;

    /// Writes what has not been written yet. Called between the turns of harts.
    fn flush(&mut self);

    /// Whether the user wants the machine to end.
    fn wants_end(&self) -> bool {
        false
    }
}

/// A terminal that is not connected.
#[derive(Debug, Default)]
pub struct Silent;

impl Console for Silent {
    fn put(&mut self, _: u8) {}

    fn get(&mut self) -> Option<u8> {
        None
    }

    fn flush(&mut self) {}
}
