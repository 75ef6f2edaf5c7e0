//! An initial RAM file system: a cpio archive in the format "newc".

/// An archive being written.
#[derive(Default)]
pub struct Archive(Vec<u8>);

/// The kinds of files, as bits of a mode.
const FOLDER: u32 = 0o040_000;
const DEVICE: u32 = 0o020_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

impl Archive {
    pub fn folder(self, name: &str) -> Self {
        self.entry(name, FOLDER | 0o755, (0, 0), b"")
    }

    /// A character device.
    pub fn device(self, name: &str, major: u32, minor: u32) -> Self {
        self.entry(name, DEVICE | 0o600, (major, minor), b"")
    }

    /// An executable file.
    pub fn program(self, name: &str, contents: &[u8]) -> Self {
        self.entry(name, FILE | 0o755, (0, 0), contents)
    }

    pub fn link(self, name: &str, to: &str) -> Self {
        self.entry(name, LINK | 0o777, (0, 0), to.as_bytes())
    }

    /// The whole archive.
    pub fn end(self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), b"").0
    }

    fn entry(mut self, name: &str, mode: u32, (major, minor): (u32, u32), contents: &[u8]) -> Self {
        // Inode numbers only matter for hard links: links of a folder are counted as one.
        let (inode, size, name_size) = (self.0.len() as u32, contents.len() as u32, name.len() as u32 + 1);
        let fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0];
        self.0.extend(b"070701");
        fields.iter().for_each(|field| self.0.extend(format!("{field:08x}").bytes()));
        self.0.extend(name.bytes().chain([0]));
        self.pad();
        self.0.extend(contents);
        self.pad();
        self
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}
