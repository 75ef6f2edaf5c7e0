//! Files that tell a profiler what emitted code is.

use memmap2::{Mmap, MmapOptions};
use std::io;
use std::os::fd::OwnedFd;

/// Maps the start of a file as code, which tells perf that the file describes emitted code. Nothing is ever read there.
pub fn map_for_profiler(file: &OwnedFd) -> io::Result<ProfilerMapping> {
    // SAFETY: the mapping is not accessed, so it does not matter that the file changes.
    let map = unsafe { MmapOptions::new().len(1).map_exec(file) }?;
    Ok(ProfilerMapping { _map: map })
}

/// See [`map_for_profiler`].
#[derive(Debug)]
pub struct ProfilerMapping {
    _map: Mmap,
}
