//! The header of a Linux kernel image for RISC-V (Linux's `Documentation/arch/riscv/boot-image-header.rst`).

/// The fields of the header that matter for loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// The offset from the start of RAM at which the image is loaded.
    pub text_offset: u64,
    /// The memory that the kernel needs, with the part that is not in the file.
    pub size: u64,
}

const TEXT_OFFSET: usize = 8;
const IMAGE_SIZE: usize = 16;
const MAGIC: usize = 56;

impl ImageHeader {
    /// The header at the start of a raw binary, if it has one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        (bytes.get(MAGIC..MAGIC + 4)? == b"RSC\x05").then_some(())?;
        Some(Self { text_offset: word(TEXT_OFFSET)?, size: word(IMAGE_SIZE)? })
    }
}

/// Whether a file is a raw Linux kernel.
pub fn is_linux_image(bytes: &[u8]) -> bool {
    ImageHeader::parse(bytes).is_some()
}

/// The name of the compression of a file, if it is compressed.
pub fn compression(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 4] =
        [(b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2")];
    MAGIC.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_by_its_magic() {
        let mut bytes = vec![0; 64];
        bytes[8..16].copy_from_slice(&0x20_0000u64.to_le_bytes());
        bytes[16..24].copy_from_slice(&0x123_4000u64.to_le_bytes());
        assert_eq!(ImageHeader::parse(&bytes), None);
        bytes[56..60].copy_from_slice(b"RSC\x05");
        assert_eq!(ImageHeader::parse(&bytes), Some(ImageHeader { text_offset: 0x20_0000, size: 0x123_4000 }));
        assert_eq!(ImageHeader::parse(&bytes[..59]), None);
        assert_eq!((compression(&bytes), compression(b"\x1f\x8b\x08")), (None, Some("gzip")));
    }
}
