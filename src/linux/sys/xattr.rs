//! The extended attribute calls that take an address inside a structure.

use crate::host::{self, Attribute};
use crate::linux::abi::file::XattrArgs;
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::refusal::Refusals;
use crate::linux::sysroot::Intent;
use crate::linux::table::FollowLink;
use rustix::io::Errno;

fn attribute(c: &mut Call<'_>, set: bool) -> SysResult {
    let dir = c.fd(0)?;
    let XattrArgs { value, size, flags } = c.read_sized(c.args[4], c.args[5])?;
    let intent = if set { Intent::Change } else { Intent::Read };
    let mut refusals = Refusals::default();
    let path = match c.path_or_null(1, FollowLink::FollowUnless(2), intent) {
        Err(Errno::FAULT) => return Err(Errno::FAULT.into()),
        Err(e) => Some(refusals.add(intent, c"", e)),
        Ok(path) => path,
    };
    let attribute = Attribute {
        dir,
        path: path.as_deref(),
        at_flags: c.args[2] as u32,
        name: c.pointer(c.args[3], 1),
        value: (value != 0).then(|| c.pointer(value, size.into())),
        size,
        flags,
    };
    refusals.settle(host::attribute(set, &attribute).map_err(Into::into))
}

pub(in crate::linux) fn setxattrat(c: &mut Call<'_>) -> SysResult {
    attribute(c, true)
}

pub(in crate::linux) fn getxattrat(c: &mut Call<'_>) -> SysResult {
    attribute(c, false)
}
