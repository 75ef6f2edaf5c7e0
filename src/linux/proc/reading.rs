//! Reads of files under /proc that show the guest.
//!
//! The guest's descriptor is the host's, so fstat, lseek, mmap, poll and dup are the host kernel's. Only reads are
//! answered here, with contents generated at that moment. The file position stays in the host's open file description.
//!
//! Most of these files are seq files: lists of records. A read returns what is left of a record, then whole records up
//! to a page. The rest of a record is kept for the next read at that position, so a record is never torn when the list
//! changes between two reads.

use super::{Guest, ProcFile, Record};
use crate::guest::riscv::Cpu;
use crate::host::{GuestFd, Lock, LockGuard, LockRef, Rank};
use crate::linux::abi::file::Iovec;
use crate::linux::task::Task;
use crate::memory::{GuestAddr, PAGE_SIZE};
use rustix::fs::{AtFlags, OFlags, SeekFrom, StatxFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// State of the files under /proc that show the guest and are open.
#[derive(Debug)]
pub struct OpenProc {
    /// Whether one was ever opened. Until then, reads skip all checks.
    any: AtomicBool,
    kept: Lock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The device numbers of the procfs instances on which such files were opened: usually one.
    devices: Vec<(u32, u32)>,
    /// Unfinished sequential reads, the latest last.
    rests: VecDeque<Rest>,
}

/// The state of a sequential read between two calls.
#[derive(Debug)]
struct Rest {
    /// The file's path.
    path: Vec<u8>,
    /// The position at which it continues.
    position: u64,
    /// The rest of a partly returned record.
    partial: Vec<u8>,
    /// The following records.
    records: VecDeque<Record>,
    /// The key of the last record taken from the list.
    last: u64,
}

/// How many unfinished reads are kept. A dropped one continues by its position alone.
const RESTS: usize = 8;

impl Default for OpenProc {
    fn default() -> Self {
        Self { any: AtomicBool::new(false), kept: Lock::new(Rank::ProcReads, Kept::default()) }
    }
}

impl OpenProc {
    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.kept.erased()
    }

    fn kept(&self) -> LockGuard<'_, Kept> {
        self.kept.lock()
    }

    /// Registers an open file that shows the guest.
    pub(super) fn add(&self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        let device = device(file)?;
        let mut kept = self.kept();
        if !kept.devices.contains(&device) {
            kept.devices.push(device);
        }
        self.any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a descriptor may refer to such a file, by its device number. The path decides.
    pub(super) fn may_be(&self, file: BorrowedFd<'_>) -> bool {
        self.any.load(Ordering::Relaxed) && device(file).is_ok_and(|device| self.kept().devices.contains(&device))
    }

    /// Takes the state of the read that ended at this position.
    fn take(&self, path: &[u8], position: u64) -> Option<Rest> {
        let mut kept = self.kept();
        let at = kept.rests.iter().rposition(|rest| rest.path == path && rest.position == position)?;
        kept.rests.remove(at)
    }

    fn keep(&self, rest: Rest) {
        let mut kept = self.kept();
        if kept.rests.len() == RESTS {
            kept.rests.pop_front();
        }
        kept.rests.push_back(rest);
    }
}

/// The device number of a file. AT_STATX_DONT_SYNC spares network file systems a request.
fn device(file: BorrowedFd<'_>) -> Result<(u32, u32), Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = rustix::fs::statx(file, c"", flags, StatxFlags::empty())?;
    Ok((stat.stx_dev_major, stat.stx_dev_minor))
}

/// An open file under /proc that shows a guest.
pub struct Shown {
    pub(super) file: GuestFd,
    pub(super) kind: ProcFile,
    /// Its path on procfs.
    pub(super) path: Vec<u8>,
    /// The guest, if it is not that of this process.
    pub(super) other: Option<Guest>,
}

impl Shown {
    /// Whether the kernel supports splice and sendfile from it (`splice_read`).
    pub fn can_be_spliced(&self) -> bool {
        self.kind == ProcFile::Cpuinfo
    }

    /// The file position.
    pub fn position(&self) -> Result<u64, Errno> {
        rustix::fs::tell(self.file)
    }

    /// Sets the file position.
    pub fn set_position(&self, position: u64) -> Result<(), Errno> {
        rustix::fs::seek(self.file, SeekFrom::Start(position)).map(drop)
    }

    /// Its current contents.
    pub fn all(&self, task: &Task, cpu: &Cpu) -> Result<Vec<u8>, Errno> {
        Ok(super::contents(task, cpu, self)?.into_iter().flat_map(|record| record.text).collect())
    }

    /// Reads into a list of buffers, at an offset or at the file's own position.
    pub fn read(
        &self,
        task: &Task,
        cpu: &Cpu,
        buffers: &[Iovec],
        offset: Option<u64>,
        flags: u32,
    ) -> Result<u64, Errno> {
        let mode = rustix::fs::fcntl_getfl(self.file)?;
        if mode.contains(OFlags::PATH) || mode & OFlags::RWMODE == OFlags::WRONLY {
            return Err(Errno::BADF);
        }
        let start = match offset {
            Some(offset) => offset,
            None => self.position()?,
        };
        // The host kernel reports errors: an unknown flag, or a process that has executed another program since.
        let flags = ReadWriteFlags::from_bits_retain(flags);
        let mut byte = [0; 1];
        let buffer = &mut [IoSliceMut::new(&mut byte)];
        if (start == 0 || !flags.is_empty()) && rustix::io::preadv2(self.file, buffer, 0, flags)? == 0 {
            return Ok(0);
        }
        let mut done = 0;
        // Without `read_iter`, the kernel reads once per iovec.
        for group in buffers.chunks(if self.kind == ProcFile::Cpuinfo { buffers.len().max(1) } else { 1 }) {
            let wanted: u64 = group.iter().map(|buffer| buffer.len).sum();
            if wanted == 0 {
                continue;
            }
            match self.read_group(task, cpu, group, start + done, offset.is_none()) {
                Ok(count) => {
                    done += count;
                    if count < wanted {
                        break;
                    }
                }
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// A single read operation; `moves` says whether it advances the file position.
    fn read_group(&self, task: &Task, cpu: &Cpu, group: &[Iovec], at: u64, moves: bool) -> Result<u64, Errno> {
        let wanted: u64 = group.iter().map(|buffer| buffer.len).sum();
        let open = &task.files.proc;
        let mut rest = match open.take(&self.path, at) {
            // The kernel looks up the next VMA by address. The counters of the other files are collected once.
            Some(mut rest) if self.kind == ProcFile::Maps => {
                let records = super::contents(task, cpu, self)?.into_iter();
                rest.records = records.filter(|record| record.key > rest.last).collect();
                rest
            }
            Some(rest) => rest,
            None => Rest::at(&self.path, super::contents(task, cpu, self)?, at),
        };
        let prepared = rest.prepare(wanted as usize);
        if prepared == 0 {
            return Ok(0);
        }
        let mut count = 0;
        for buffer in group {
            let part = &rest.partial[count..prepared.min(count + buffer.len as usize)];
            let copied = copy_out(task, buffer.base, part, self.kind == ProcFile::Environ);
            count += copied;
            if copied < part.len() {
                break;
            }
        }
        if count == 0 {
            return Err(Errno::FAULT);
        }
        rest.partial.drain(..count);
        rest.position = at + count as u64;
        if moves {
            self.advance(at, count)?;
        }
        if self.kind.is_seq_file() {
            open.keep(rest);
        }
        Ok(count as u64)
    }

    /// Advances the file position. Reading is cheaper than seeking, which regenerates the host's file from its start.
    fn advance(&self, from: u64, count: usize) -> Result<(), Errno> {
        let mut left = count;
        let mut bytes = vec![0; count.min(PAGE_SIZE as usize)];
        while left > 0 {
            let part = left.min(bytes.len());
            match rustix::io::read(self.file, &mut bytes[..part])? {
                // The host's contents are shorter.
                0 => {
                    self.set_position(from + count as u64)?;
                    break;
                }
                read => left -= read,
            }
        }
        Ok(())
    }
}

impl Rest {
    /// A read that begins at this position.
    fn at(path: &[u8], records: Vec<Record>, position: u64) -> Self {
        let mut rest = Self { path: path.to_owned(), position, partial: Vec::new(), records: records.into(), last: 0 };
        let mut skip = position;
        while let Some(record) = rest.records.pop_front() {
            let len = record.text.len() as u64;
            if skip < len {
                if skip == 0 {
                    rest.records.push_front(record);
                } else {
                    rest.last = record.key;
                    rest.partial = record.text[skip as usize..].to_vec();
                }
                break;
            }
            skip -= len;
            rest.last = record.key;
        }
        rest
    }

    /// Buffers up to `wanted` bytes as a seq file does: the rest of a record, then whole records up to the buffer's
    /// size, which is a page unless a single record is larger. Returns the number of bytes available.
    fn prepare(&mut self, wanted: usize) -> usize {
        let left = self.partial.len();
        let mut room = PAGE_SIZE as usize;
        while self.partial.len() < wanted {
            let Some(record) = self.records.front() else { break };
            let used = self.partial.len() - left;
            if used + record.text.len() >= room {
                if used > 0 {
                    break;
                }
                room = (record.text.len() + 1).next_multiple_of(PAGE_SIZE as usize);
            }
            let record = self.records.pop_front().expect("there is one");
            self.last = record.key;
            self.partial.extend_from_slice(&record.text);
        }
        self.partial.len().min(wanted)
    }
}

/// Copies to the guest up to the first page that is not writable and returns the number of bytes. With `whole`, a
/// partial copy counts as none.
fn copy_out(task: &Task, base: u64, bytes: &[u8], whole: bool) -> usize {
    if task.mm.write_bytes(GuestAddr(base), bytes).is_ok() {
        return bytes.len();
    }
    let mut done = 0;
    while done < bytes.len() && !whole {
        let at = base.wrapping_add(done as u64);
        let part = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(bytes.len() - done);
        if task.mm.write_bytes(GuestAddr(at), &bytes[done..done + part]).is_err() {
            break;
        }
        done += part;
    }
    done
}
