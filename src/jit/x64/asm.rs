//! The buffer of code, labels and the displacements that wait for them.

use super::encode::Bytes;
use thiserror::Error;

/// Why the code of an [`Assembler`] cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AsmError {
    /// An instruction was asked for that the architecture does not have.
    #[error("no such x86-64 instruction: {0}")]
    NoForm(&'static str),
    /// A jump does not reach its target.
    #[error("the target of the displacement at offset {0:#x} is out of reach")]
    OutOfReach(usize),
    /// A label is used but bound nowhere.
    #[error("the label that the displacement at offset {0:#x} leads to is not bound")]
    Unbound(usize),
    /// A label is bound in two places.
    #[error("a label is bound again at offset {0:#x}")]
    BoundTwice(usize),
}

/// A place in the code, set by [`Assembler::bind`]. It is valid for the assembler that made it, until its next
/// [`Assembler::clear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// A displacement that leads to a label.
#[derive(Debug, Clone, Copy)]
struct Fixup {
    at: usize,
    label: Label,
    reach: Reach,
}

/// The width of a displacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Short,
    Near,
}

/// Emits x86-64 instructions into its own buffer.
///
/// The code is complete after [`finish`](Self::finish). [`clear`](Self::clear) keeps the buffer, so that compiling
/// another block allocates nothing.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The code, and behind it room for an instruction.
    buffer: Vec<u8>,
    /// The length of the code.
    end: usize,
    /// The offset of each label that is bound.
    labels: Vec<Option<usize>>,
    fixups: Vec<Fixup>,
    /// The first error.
    error: Option<AsmError>,
}

/// What [`Assembler::write`] writes at once. The longest instruction has 15 bytes.
const ROOM: usize = 16;

impl Assembler {
    /// An assembler without code.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the code, the labels and errors, and keeps the memory.
    pub fn clear(&mut self) {
        self.end = 0;
        self.labels.clear();
        self.fixups.clear();
        self.error = None;
    }

    /// The code so far. Forward displacements to labels are valid after [`finish`](Self::finish).
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.end]
    }

    /// The length of the code so far, which is where the next instruction begins.
    pub fn offset(&self) -> usize {
        self.end
    }

    /// Drops the code from an offset on. No label may be bound there.
    pub fn truncate(&mut self, offset: usize) {
        debug_assert!(!self.labels.iter().flatten().any(|&at| at > offset), "a label would be lost");
        self.end = offset;
        self.fixups.retain(|fixup| fixup.at < offset);
    }

    /// Appends data.
    pub fn data(&mut self, bytes: &[u8]) {
        self.buffer.resize(self.buffer.len().max(self.end + bytes.len() + ROOM), 0);
        self.buffer[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Has the displacement at an offset lead to the end of the code.
    pub fn set_displacement(&mut self, at: usize) {
        match i32::try_from(distance(at + 4, self.end)) {
            Ok(disp) => self.buffer[at..at + 4].copy_from_slice(&disp.to_le_bytes()),
            Err(_) => self.fail(AsmError::OutOfReach(at)),
        }
    }

    /// A label that is not bound yet.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Sets the label to the offset of the next instruction.
    pub fn bind(&mut self, label: Label) {
        let end = self.end;
        if self.labels[label.0 as usize].replace(end).is_some() {
            self.fail(AsmError::BoundTwice(end));
        }
    }

    /// The offset of a label that is bound.
    pub fn label_offset(&self, label: Label) -> Option<usize> {
        self.labels[label.0 as usize]
    }

    /// Fills in the displacements to labels, and reports the first error since [`clear`](Self::clear).
    pub fn finish(&mut self) -> Result<(), AsmError> {
        for n in 0..self.fixups.len() {
            if let Err(error) = self.resolve(self.fixups[n]) {
                self.fail(error);
            }
        }
        self.fixups.clear();
        self.error.map_or(Ok(()), Err)
    }

    fn resolve(&mut self, Fixup { at, label, reach }: Fixup) -> Result<(), AsmError> {
        let target = self.label_offset(label).ok_or(AsmError::Unbound(at))?;
        let out_of_reach = |_| AsmError::OutOfReach(at);
        match reach {
            Reach::Short => {
                let disp = i8::try_from(distance(at + 1, target)).map_err(out_of_reach)?;
                self.buffer[at] = disp as u8;
            }
            Reach::Near => {
                let disp = i32::try_from(distance(at + 4, target)).map_err(out_of_reach)?;
                self.buffer[at..at + 4].copy_from_slice(&disp.to_le_bytes());
            }
        }
        Ok(())
    }

    /// The displacement that ends the code leads to the label.
    pub(super) fn fix_up(&mut self, label: Label, reach: Reach) {
        let width = if reach == Reach::Short { 1 } else { 4 };
        self.fixups.push(Fixup { at: self.end - width, label, reach });
    }

    /// How far a bound label is from an instruction that ends `length` bytes behind the code.
    pub(super) fn distance_to(&self, label: Label, length: usize) -> Option<i64> {
        Some(distance(self.end + length, self.label_offset(label)?))
    }

    /// Records that an instruction does not exist.
    #[cold]
    pub(super) fn no_form(&mut self, what: &'static str) {
        self.fail(AsmError::NoForm(what));
    }

    #[cold]
    fn fail(&mut self, error: AsmError) {
        self.error.get_or_insert(error);
    }

    /// Appends `first`, then `second`. Eight bytes are written for each; the next bytes overwrite the excess.
    #[inline]
    pub(super) fn write(&mut self, first: Bytes, second: Bytes) {
        let room = loop {
            match self.buffer[self.end..].first_chunk_mut::<ROOM>() {
                Some(room) => break room,
                None => self.grow(),
            }
        };
        room[..8].copy_from_slice(&first.bits().to_le_bytes());
        room[first.len()..][..8].copy_from_slice(&second.bits().to_le_bytes());
        self.end += first.len() + second.len();
    }

    #[cold]
    fn grow(&mut self) {
        let room = (self.buffer.len() * 2).max(4096);
        self.buffer.resize(room, 0);
    }
}

/// From one offset to another. Offsets in a `Vec` fit `i64`.
fn distance(from: usize, to: usize) -> i64 {
    to as i64 - from as i64
}
