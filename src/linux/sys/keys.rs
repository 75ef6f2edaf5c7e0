//! keyctl(2). The operation determines which arguments are addresses.

use crate::host::{KeyctlAgree, KeyctlCrypt, KeyctlQuery, KeyctlRequest};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use rustix::io::Errno;

pub(in crate::linux) fn keyctl(c: &mut Call<'_>) -> SysResult {
    let [operation, first, second, third, fourth, _] = c.args;
    // The kernel's error for an unknown operation.
    let request = KeyctlRequest::new(operation as i32).ok_or(Errno::OPNOTSUPP)?;
    Ok(match request {
        KeyctlRequest::Numbers(request) => request.make([first, second, third, fourth]),
        KeyctlRequest::Session(request) => request.make(c.nullable(first, 1)),
        KeyctlRequest::Capabilities(request) => request.make(c.nullable(first, second), second),
        KeyctlRequest::Buffer(request) => request.make(first, c.nullable(second, third), third, fourth),
        KeyctlRequest::Iovecs(request) => request.make(first, &c.vector(second, third)?, fourth),
        KeyctlRequest::Strings(request) => request.make(first, [second, third].map(|addr| c.nullable(addr, 1)), fourth),
        KeyctlRequest::Query(request) => {
            request.make(first, second, c.nullable(third, 1), c.nullable(fourth, KeyctlQuery::RESULT))
        }
        KeyctlRequest::Crypt(request) => {
            // The key ID, the length of the input, and the length of the output or second input.
            let params: [u32; 3] = c.read(first)?;
            let buffers = [c.nullable(third, params[1].into()), c.nullable(fourth, params[2].into())];
            request.make(c.nullable(first, KeyctlCrypt::PARAMS), c.nullable(second, 1), buffers)
        }
        KeyctlRequest::Agree(_) if fourth != 0 => {
            c.unimplemented("keyctl: KEYCTL_DH_COMPUTE with a key derivation function".to_owned());
            return Err(Errno::OPNOTSUPP.into());
        }
        KeyctlRequest::Agree(request) => {
            request.make(c.nullable(first, KeyctlAgree::PARAMS), c.nullable(second, third), third)
        }
    }?)
}
