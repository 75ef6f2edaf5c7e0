//! The extended attribute calls that take an address inside a structure.

use crate::host::{self, Attribute};
use crate::linux::abi::file::XattrArgs;
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::sysroot::Intent;
use crate::linux::table::FollowLink;

fn attribute(c: &mut Call<'_>, set: bool) -> SysResult {
    let dir = c.fd(0)?;
    let XattrArgs { value, size, flags } = c.read_sized(c.args[4], c.args[5])?;
    let path = c.path_or_null(1, FollowLink::FollowUnless(2), if set { Intent::Change } else { Intent::Read })?;
    let attribute = Attribute {
        dir,
        path: path.as_deref(),
        at_flags: c.args[2] as u32,
        name: c.pointer(c.args[3], 1),
        value: (value != 0).then(|| c.pointer(value, size.into())),
        size,
        flags,
    };
    Ok(host::attribute(set, &attribute)?)
}

pub(in crate::linux) fn setxattrat(c: &mut Call<'_>) -> SysResult {
    attribute(c, true)
}

pub(in crate::linux) fn getxattrat(c: &mut Call<'_>) -> SysResult {
    attribute(c, false)
}
