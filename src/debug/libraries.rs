//! Why a program did not start: a shared library that its dynamic linker did not find.

use crate::memory::{Source, UserSpace};
use goblin::elf::Elf;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// The names by which an ELF file is known and those that it needs (DT_NEEDED).
#[derive(Clone, Debug, Default)]
struct Library {
    names: Vec<String>,
    needed: Vec<String>,
}

impl Library {
    /// A file that cannot be read needs nothing.
    fn read(path: &Path) -> Self {
        let mut library = Self::default();
        library.names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        if let Ok(bytes) = std::fs::read(path)
            && let Ok(elf) = Elf::parse(&bytes)
        {
            library.names.extend(elf.soname.map(str::to_owned));
            library.needed = elf.libraries.into_iter().map(str::to_owned).collect();
        }
        library
    }
}

/// The first library that `program` needs, itself or by another library, and that is not mapped. Dynamic linkers load
/// libraries in this order, so it is where one gave up. A program that started has none.
pub fn missing_library(space: &UserSpace, program: &Path) -> Option<String> {
    let mut mapped = BTreeMap::new();
    for area in space.vmas() {
        if let Source::File { path, .. } = &area.source {
            mapped.entry(path.to_path_buf()).or_insert_with(|| Library::read(path));
        }
    }
    let has_musl = mapped.values().flat_map(|library| &library.names).any(|name| name.starts_with("ld-musl-"));
    let mut queue: VecDeque<_> = mapped.remove(program)?.needed.into();
    while let Some(name) = queue.pop_front() {
        let file = name.rsplit('/').next().unwrap_or_default();
        match mapped.values_mut().find(|library| library.names.iter().any(|known| known == file)) {
            Some(library) => queue.extend(std::mem::take(&mut library.needed)),
            None if has_musl && is_part_of_musl(&name) => {}
            None => return Some(name),
        }
    }
    None
}

/// Whether musl's dynamic linker is this library itself.
fn is_part_of_musl(name: &str) -> bool {
    let parts = ["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];
    parts.iter().any(|part| name.starts_with(part))
}
