//! Compares remu with QEMU user mode and with the native build of the same programs: engines, measurement and report.
//!
//! The programs are listed in `benches/programs/programs.toml` ([`catalogue`]). [`Lab`](engines::Lab) prepares what runs
//! need and knows the [engines](engines::Engine); [`measure`] alternates between them; [`figures`] takes deterministic
//! counts. The result is a [`Report`](report::Report), kept as JSON. [`terminal`], [`html`], [`svg`] and [`markdown`]
//! render it, alone or [beside an earlier one](baseline).

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
