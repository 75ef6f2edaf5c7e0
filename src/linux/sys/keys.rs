//! keyctl(2). The operation determines which arguments are addresses.

use crate::host::{self, Sys, SysArg};
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use rustix::io::Errno;

const JOIN_SESSION_KEYRING: i32 = 1;
const UPDATE: i32 = 2;
const DESCRIBE: i32 = 6;
const SEARCH: i32 = 10;
const READ: i32 = 11;
const INSTANTIATE: i32 = 12;
const GET_SECURITY: i32 = 17;
const INSTANTIATE_IOV: i32 = 20;
const DH_COMPUTE: i32 = 23;
const PKEY_QUERY: i32 = 24;
const PKEY_ENCRYPT: i32 = 25;
const PKEY_DECRYPT: i32 = 26;
const PKEY_SIGN: i32 = 27;
const PKEY_VERIFY: i32 = 28;
const RESTRICT_KEYRING: i32 = 29;
const CAPABILITIES: i32 = 31;

/// `struct keyctl_dh_params`.
const DH_PARAMS: u64 = 12;
/// `struct keyctl_pkey_query`.
const PKEY_RESULT: u64 = 56;
/// `struct keyctl_pkey_params`: a key ID, two lengths, and reserved space.
const PKEY_PARAMS: u64 = 40;

pub(in crate::linux) fn keyctl(c: &mut Call<'_>) -> SysResult {
    let [operation, first, second, third, fourth, _] = c.args;
    let val = SysArg::Val;
    let op = val(operation);
    match operation as i32 {
        JOIN_SESSION_KEYRING => pass(Sys::KeyctlFirst, &mut [op, c.guest(first, 1)]),
        CAPABILITIES => pass(Sys::KeyctlFirst, &mut [op, c.guest(first, second), val(second)]),
        UPDATE | DESCRIBE | READ | INSTANTIATE | GET_SECURITY => {
            let buffer = c.guest(second, third);
            pass(Sys::KeyctlSecond, &mut [op, val(first), buffer, val(third), val(fourth)])
        }
        INSTANTIATE_IOV => {
            let list = c.vector(second, third)?;
            let count = val(list.len() as u64);
            pass(Sys::KeyctlPieces, &mut [op, val(first), SysArg::Vector(&list), count, val(fourth)])
        }
        SEARCH | RESTRICT_KEYRING => {
            let strings = [second, third].map(|addr| c.guest(addr, 1));
            let [kind, text] = strings;
            pass(Sys::KeyctlStrings, &mut [op, val(first), kind, text, val(fourth)])
        }
        PKEY_QUERY => {
            let (info, result) = (c.guest(third, 1), c.guest(fourth, PKEY_RESULT));
            pass(Sys::KeyctlQuery, &mut [op, val(first), val(second), info, result])
        }
        PKEY_ENCRYPT | PKEY_DECRYPT | PKEY_SIGN | PKEY_VERIFY => {
            // The key ID, the length of the input, and the length of the output or second input.
            let params: [u32; 3] = c.read(first)?;
            let (into, out) = (c.guest(third, params[1].into()), c.guest(fourth, params[2].into()));
            let params = c.guest(first, PKEY_PARAMS);
            pass(Sys::KeyctlCrypt, &mut [op, params, c.guest(second, 1), into, out])
        }
        DH_COMPUTE if fourth != 0 => {
            c.unimplemented("keyctl: KEYCTL_DH_COMPUTE with a key derivation function".to_owned());
            Err(Errno::OPNOTSUPP.into())
        }
        DH_COMPUTE => {
            let (params, buffer) = (c.guest(first, DH_PARAMS), c.guest(second, third));
            pass(Sys::KeyctlAgree, &mut [op, params, buffer, val(third), val(0)])
        }
        // The kernel's error for an unknown operation.
        other if host::keyctl_row(other).is_none() => Err(Errno::OPNOTSUPP.into()),
        // The arguments are key and keyring IDs, owners, permissions and times.
        _ => pass(Sys::Keyctl, &mut [op, val(first), val(second), val(third), val(fourth)]),
    }
}
