//! Conversion between formats.

use super::format::{FloatKind, Format, Number, infinity, nan, zero};
use super::round::round;
use super::{Flags, Rm};

/// The number `a` of format `A` in format `B`.
pub(super) fn convert<A: Format, B: Format>(rm: Rm, a: u64) -> (u64, Flags) {
    let x = Number::unpack::<A>(a);
    match x.kind {
        FloatKind::Finite => round::<B>(rm, x.negative, x.exp, x.sig),
        FloatKind::Zero => (zero::<B>(x.negative), Flags::NONE),
        FloatKind::Infinite => (infinity::<B>(x.negative), Flags::NONE),
        FloatKind::QuietNan | FloatKind::SignallingNan => nan::<B>(x.is_signalling()),
    }
}
