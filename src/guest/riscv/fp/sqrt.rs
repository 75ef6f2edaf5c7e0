//! The square root.

use super::format::{FloatKind, Format, Number, invalid, nan};
use super::round::round;
use super::{Flags, Rm};

/// The square root of `a`; of -0 it is -0.
pub(super) fn sqrt<F: Format>(rm: Rm, a: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    match x.kind {
        FloatKind::Zero => (a, Flags::NONE),
        FloatKind::QuietNan | FloatKind::SignallingNan => nan::<F>(x.is_signalling()),
        _ if x.negative => invalid::<F>(),
        FloatKind::Infinite => (a, Flags::NONE),
        FloatKind::Finite => {
            // The exponent must be even to be halved. An odd one moves a factor of two to the significand, which is
            // then in [1, 4) and its root in [1, 2).
            let odd = x.exp & 1 != 0;
            round::<F>(rm, false, x.exp >> 1, root::<F>(x.sig, odd))
        }
    }
}

/// The root of the significand, or of twice it, as a significand with a sticky lowest bit.
#[inline(always)]
fn root<F: Format>(sig: u64, twice: bool) -> u64 {
    if F::FRAC < 31 {
        // The significand is short and its low bits are zero: 32 bits of root suffice.
        let n = sig >> u32::from(!twice);
        let r = n.isqrt();
        r << 32 | u64::from(r * r != n)
    } else {
        let n = u128::from(sig) << (63 + u32::from(twice));
        let r = n.isqrt();
        r as u64 | u64::from(r * r != n)
    }
}
