//! Compares remu with QEMU, in user mode and on whole machines, and with the native build of the same programs.
//!
//! `benches/programs/programs.toml` lists the programs ([`catalogue`]). [`Lab`](engines::Lab) builds them and provides
//! the [engines](engines::Engine); [`measure`] alternates between engines; [`figures`] takes deterministic counts. The
//! result is a [`Report`](report::Report), saved as JSON. [`terminal`], [`html`], [`svg`] and [`markdown`] render it,
//! alone or [compared with an earlier one](baseline).

#![allow(missing_docs, reason = "an interface of this package's own programs and tests: many a name says it all")]

pub mod baseline;
pub mod catalogue;
pub mod engines;
pub mod figures;
pub mod html;
pub mod markdown;
pub mod measure;
pub mod processors;
pub mod report;
pub mod run;
pub mod statistics;
pub mod svg;
pub mod terminal;
