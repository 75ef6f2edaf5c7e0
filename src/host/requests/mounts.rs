//! quotactl(2) and fsconfig(2).

use super::{guest, int};
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;
use std::ffi::CStr;

/// A path that is lent or, if it is `Err`, guest memory that is left to the kernel to read, or to report.
type Path<'a> = Result<&'a CStr, Option<GuestPtr<'a>>>;

fn path(path: Path<'_>) -> SysArg<'_> {
    match path {
        Ok(path) => SysArg::In(path.to_bytes_with_nul()),
        Err(memory) => guest(memory),
    }
}

/// Q_QUOTAON, shifted down over the quota type.
const Q_QUOTAON: u32 = 0x80_0002;

/// A command of quotactl(2), by what its last argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaRequest {
    /// Q_QUOTAON: a file's name.
    File(QuotaFile),
    /// A structure that is the same on both CPUs, or nothing.
    Plain(QuotaPlain),
}

impl QuotaRequest {
    /// The request of a command with its quota type.
    pub fn new(command: u32) -> Self {
        if command >> 8 == Q_QUOTAON { Self::File(QuotaFile(command)) } else { Self::Plain(QuotaPlain(command)) }
    }
}

/// A command with a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaFile(u32);

impl QuotaFile {
    /// Makes the call.
    pub fn make(self, device: Option<&CStr>, id: u64, file: Path<'_>) -> Result<u64, CallError> {
        let device = device.map_or(SysArg::Null, |device| path(Ok(device)));
        make(ByRequest::QuotaFile, &mut [SysArg::Val(self.0.into()), device, SysArg::Val(id), path(file)])
    }
}

/// A command with a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaPlain(u32);

impl QuotaPlain {
    /// Makes the call. The structures of all commands are small, and hold no addresses.
    pub fn make(self, device: Option<&CStr>, id: u64, structure: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let device = device.map_or(SysArg::Null, |device| path(Ok(device)));
        make(ByRequest::QuotaPlain, &mut [SysArg::Val(self.0.into()), device, SysArg::Val(id), guest(structure)])
    }
}

const FSCONFIG_SET_BINARY: u32 = 2;
const FSCONFIG_SET_PATH: u32 = 3;
const FSCONFIG_SET_PATH_EMPTY: u32 = 4;

/// A command of fsconfig(2), by what its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsconfigRequest {
    /// FSCONFIG_SET_BINARY: as many bytes as the last argument says.
    Binary(FsconfigBinary),
    /// FSCONFIG_SET_PATH and FSCONFIG_SET_PATH_EMPTY: a path, below the last argument.
    Path(FsconfigPath),
    /// A string, or nothing.
    Value(FsconfigValue),
}

impl FsconfigRequest {
    /// The request of a command.
    pub fn new(command: u32) -> Self {
        match command {
            FSCONFIG_SET_BINARY => Self::Binary(FsconfigBinary(command)),
            FSCONFIG_SET_PATH | FSCONFIG_SET_PATH_EMPTY => Self::Path(FsconfigPath(command)),
            _ => Self::Value(FsconfigValue(command)),
        }
    }
}

/// A command with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FsconfigBinary(u32);

impl FsconfigBinary {
    /// Makes the call.
    pub fn make(
        self,
        context: i32,
        key: Option<GuestPtr<'_>>,
        value: Option<GuestPtr<'_>>,
        len: i32,
    ) -> Result<u64, CallError> {
        let command = SysArg::Val(self.0.into());
        make(ByRequest::FsconfigBinary, &mut [int(context), command, guest(key), guest(value), int(len)])
    }
}

/// A command with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FsconfigPath(u32);

impl FsconfigPath {
    /// Makes the call.
    pub fn make(self, context: i32, key: Option<GuestPtr<'_>>, value: Path<'_>, dir: i32) -> Result<u64, CallError> {
        let command = SysArg::Val(self.0.into());
        make(ByRequest::FsconfigPath, &mut [int(context), command, guest(key), path(value), int(dir)])
    }
}

/// A command with a string or without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FsconfigValue(u32);

impl FsconfigValue {
    /// Makes the call.
    pub fn make(
        self,
        context: i32,
        key: Option<GuestPtr<'_>>,
        value: Option<GuestPtr<'_>>,
        last: i32,
    ) -> Result<u64, CallError> {
        let command = SysArg::Val(self.0.into());
        make(ByRequest::FsconfigValue, &mut [int(context), command, guest(key), guest(value), int(last)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_take_a_name_are_lent_one() {
        assert!(matches!(QuotaRequest::new(Q_QUOTAON << 8 | 1), QuotaRequest::File(_)));
        // Q_GETQUOTA writes.
        assert!(matches!(QuotaRequest::new(0x80_0007 << 8), QuotaRequest::Plain(_)));
        assert!(matches!(FsconfigRequest::new(3), FsconfigRequest::Path(_)));
        // FSCONFIG_SET_BINARY reads past a string.
        assert!(matches!(FsconfigRequest::new(2), FsconfigRequest::Binary(_)));
    }
}
