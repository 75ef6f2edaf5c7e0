//! keyctl(2).

use super::{guest, int};
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, IoVec, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

macro_rules! shapes {
    ($($(#[$doc:meta])* $variant:ident($name:ident);)*) => {
        /// An operation of keyctl(2), by what its arguments are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum KeyctlRequest { $($(#[$doc])* $variant($name),)* }

        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(i32);)*
    };
}

shapes! {
    /// Numbers: key and keyring ids, owners, permissions and times.
    Numbers(KeyctlNumbers);
    /// KEYCTL_JOIN_SESSION_KEYRING: a name.
    Session(KeyctlSession);
    /// KEYCTL_CAPABILITIES: a buffer and its size.
    Capabilities(KeyctlCapabilities);
    /// A key, a buffer, its size, and a number: KEYCTL_UPDATE, DESCRIBE, READ, INSTANTIATE, GET_SECURITY.
    Buffer(KeyctlBuffer);
    /// KEYCTL_INSTANTIATE_IOV: a key, iovecs, and a number.
    Iovecs(KeyctlIovecs);
    /// A keyring, two strings, and a number: KEYCTL_SEARCH, RESTRICT_KEYRING.
    Strings(KeyctlStrings);
    /// KEYCTL_DH_COMPUTE: parameters, and a buffer with its size.
    Agree(KeyctlAgree);
    /// KEYCTL_PKEY_QUERY: a key, a number, a string, and the place for the result.
    Query(KeyctlQuery);
    /// Parameters, a string, and two buffers: KEYCTL_PKEY_ENCRYPT, DECRYPT, SIGN, VERIFY.
    Crypt(KeyctlCrypt);
}

impl KeyctlRequest {
    /// The request of an operation; `None` if it is not known.
    pub fn new(operation: i32) -> Option<Self> {
        Some(match operation {
            1 => Self::Session(KeyctlSession(operation)),
            31 => Self::Capabilities(KeyctlCapabilities(operation)),
            2 | 6 | 11 | 12 | 17 => Self::Buffer(KeyctlBuffer(operation)),
            20 => Self::Iovecs(KeyctlIovecs(operation)),
            10 | 29 => Self::Strings(KeyctlStrings(operation)),
            23 => Self::Agree(KeyctlAgree(operation)),
            24 => Self::Query(KeyctlQuery(operation)),
            25..=28 => Self::Crypt(KeyctlCrypt(operation)),
            // GET_KEYRING_ID; REVOKE, CHOWN, SETPERM; CLEAR, LINK, UNLINK; NEGATE, SET_REQKEY_KEYRING, SET_TIMEOUT,
            // ASSUME_AUTHORITY; SESSION_TO_PARENT, REJECT; INVALIDATE, GET_PERSISTENT; MOVE; WATCH_KEY.
            0 | 3..=5 | 7..=9 | 13..=16 | 18 | 19 | 21 | 22 | 30 | 32 => Self::Numbers(KeyctlNumbers(operation)),
            _ => return None,
        })
    }
}

impl KeyctlNumbers {
    /// Makes the call.
    pub fn make(self, args: [u64; 4]) -> Result<u64, CallError> {
        let [a, b, c, d] = args.map(SysArg::Val);
        make(ByRequest::KeyctlNumbers, &mut [int(self.0), a, b, c, d])
    }
}

impl KeyctlSession {
    /// Makes the call.
    pub fn make(self, name: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        make(ByRequest::KeyctlSession, &mut [int(self.0), guest(name)])
    }
}

impl KeyctlCapabilities {
    /// Makes the call.
    pub fn make(self, buffer: Option<GuestPtr<'_>>, len: u64) -> Result<u64, CallError> {
        make(ByRequest::KeyctlCapabilities, &mut [int(self.0), guest(buffer), SysArg::Val(len)])
    }
}

impl KeyctlBuffer {
    /// Makes the call.
    pub fn make(self, key: u64, buffer: Option<GuestPtr<'_>>, len: u64, last: u64) -> Result<u64, CallError> {
        let [key, len, last] = [key, len, last].map(SysArg::Val);
        make(ByRequest::KeyctlBuffer, &mut [int(self.0), key, guest(buffer), len, last])
    }
}

impl KeyctlIovecs {
    /// Makes the call.
    pub fn make(self, key: u64, list: &[IoVec<'_>], last: u64) -> Result<u64, CallError> {
        let [key, count, last] = [key, list.len() as u64, last].map(SysArg::Val);
        make(ByRequest::KeyctlIovecs, &mut [int(self.0), key, SysArg::Vector(list), count, last])
    }
}

impl KeyctlStrings {
    /// Makes the call.
    pub fn make(self, keyring: u64, strings: [Option<GuestPtr<'_>>; 2], last: u64) -> Result<u64, CallError> {
        let [first, second] = strings.map(guest);
        make(ByRequest::KeyctlStrings, &mut [int(self.0), SysArg::Val(keyring), first, second, SysArg::Val(last)])
    }
}

impl KeyctlAgree {
    /// The size of `struct keyctl_dh_params`.
    pub const PARAMS: u64 = 12;

    /// Makes the call, without a derivation function: that would be a structure of addresses.
    pub fn make(self, params: Option<GuestPtr<'_>>, buffer: Option<GuestPtr<'_>>, len: u64) -> Result<u64, CallError> {
        make(ByRequest::KeyctlAgree, &mut [int(self.0), guest(params), guest(buffer), SysArg::Val(len), SysArg::Val(0)])
    }
}

impl KeyctlQuery {
    /// The size of `struct keyctl_pkey_query`.
    pub const RESULT: u64 = 56;

    /// Makes the call.
    pub fn make(
        self,
        key: u64,
        reserved: u64,
        info: Option<GuestPtr<'_>>,
        result: Option<GuestPtr<'_>>,
    ) -> Result<u64, CallError> {
        let [key, reserved] = [key, reserved].map(SysArg::Val);
        make(ByRequest::KeyctlQuery, &mut [int(self.0), key, reserved, guest(info), guest(result)])
    }
}

impl KeyctlCrypt {
    /// The size of `struct keyctl_pkey_params`: a key id, two lengths, and reserved space.
    pub const PARAMS: u64 = 40;

    /// Makes the call. The lengths of the buffers are in the parameters.
    pub fn make(
        self,
        params: Option<GuestPtr<'_>>,
        info: Option<GuestPtr<'_>>,
        buffers: [Option<GuestPtr<'_>>; 2],
    ) -> Result<u64, CallError> {
        let [first, second] = buffers.map(guest);
        make(ByRequest::KeyctlCrypt, &mut [int(self.0), guest(params), guest(info), first, second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_one_shape() {
        assert_eq!(KeyctlRequest::new(33), None);
        assert_eq!(KeyctlRequest::new(-1), None);
        assert!((0..=32).all(|operation| KeyctlRequest::new(operation).is_some()));
        // KEYCTL_READ.
        assert!(matches!(KeyctlRequest::new(11), Some(KeyctlRequest::Buffer(_))));
    }
}
