//! Conversion between formats.

use super::format::{Format, Kind, Number, infinity, nan, zero};
use super::round::round;
use super::{Flags, Rm};

/// The number `a` of format `A` in format `B`.
pub(super) fn convert<A: Format, B: Format>(rm: Rm, a: u64) -> (u64, Flags) {
    let x = Number::unpack::<A>(a);
    match x.kind {
        Kind::Finite => round::<B>(rm, x.negative, x.exp, x.sig),
        Kind::Zero => (zero::<B>(x.negative), Flags::NONE),
        Kind::Infinite => (infinity::<B>(x.negative), Flags::NONE),
        Kind::QuietNan | Kind::SignallingNan => nan::<B>(x.is_signalling()),
    }
}
