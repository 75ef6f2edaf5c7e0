//! The comparison of remu with QEMU user mode and with the native build of the same programs: who runs what, what it
//! costs, and the report of it.
//!
//! The programs are those of `benches/programs/programs.toml` ([`catalogue`]). [`Lab`](engines::Lab) makes everything
//! that runs need and knows the [engines](engines::Engine); [`measure`] takes turns between them; [`figures`] counts
//! what does not depend on the moment. What comes of it is a [`Report`](report::Report), kept as JSON, from which
//! [`terminal`], [`html`], [`svg`] and [`markdown`] draw, alone or [beside an earlier one](baseline).

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
