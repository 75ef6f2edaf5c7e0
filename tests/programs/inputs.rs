//! Inputs of the programs in addition to those that all tests of real programs share: `/in` in their roots.

use crate::common::files::{self, put};
use crate::common::rng::Rng;
use std::fmt::Write as _;
use std::path::Path;

/// Writes the inputs, with time stamps in the past.
pub fn generate(dir: &Path) {
    files::generate(dir);
    put(dir, "data.json", json().as_bytes());
    put(dir, "words", words().as_bytes());
    put(dir, "modules.py", include_bytes!("modules.py"));
    files::age(dir);
}

/// An array of 2000 objects.
fn json() -> String {
    let mut rng = Rng(3);
    let mut text = String::from("[\n");
    for i in 0..2000 {
        let (a, b) = (rng.next(), rng.next());
        let _ = write!(
            text,
            "  {{\"id\": {i}, \"name\": \"n\\u00e9 {:x}\", \"value\": {}.{:03}, \"tags\": [\"t{}\", \"t{}\"], \"on\": {}, \"none\": null}}",
            a % 0xffff,
            a as i32 >> 8,
            b % 1000,
            a % 7,
            b % 11,
            b.is_multiple_of(2),
        );
        text.push_str(if i == 1999 { "\n]\n" } else { ",\n" });
    }
    text
}

/// Lines of a few words with letters beyond ASCII.
fn words() -> String {
    const SYLLABLES: [&str; 12] = ["ba", "ké", "Lo", "mü", "ñi", "Æs", "tor", "шо", "λα", "X9", "z_", "qu"];
    let mut rng = Rng(4);
    let mut text = String::new();
    while text.len() < 150_000 {
        for _ in 0..1 + rng.next() % 6 {
            for _ in 0..1 + rng.next() % 3 {
                text.push_str(SYLLABLES[rng.next() as usize % SYLLABLES.len()]);
            }
            text.push(if rng.next().is_multiple_of(5) { '\t' } else { ' ' });
        }
        text.push('\n');
    }
    text
}
