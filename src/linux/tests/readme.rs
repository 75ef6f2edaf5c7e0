//! `docs/system-calls.md` agrees with the table of system calls.

use crate::linux::table::{self, Support};
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../docs/system-calls.md");

#[test]
fn the_page_lists_exactly_the_unsupported_and_the_incomplete_calls() {
    let (unsupported, incomplete) = PAGE.split_once("\n## Incomplete system calls\n").expect("a section");
    let missing = table::rows().iter().filter_map(|row| match row.support {
        Support::Unsupported(why) => Some((row.name, why)),
        _ => None,
    });
    assert_eq!(listed(unsupported), missing.collect(), "the page's list and the table's");
    let partial = table::rows().iter().filter_map(|row| match row.support {
        Support::Partial(what) => Some((row.name, what)),
        _ => None,
    });
    assert_eq!(listed(incomplete), partial.collect(), "the page's list and the table's");
}

/// The calls in a part of the page, with what is said of them.
fn listed(part: &'static str) -> BTreeMap<&'static str, &'static str> {
    let mut listed = BTreeMap::new();
    for line in part.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, why] = cells[..] else { panic!("two cells: {line}") };
        for name in names.split(", ") {
            let name = name.trim_matches('`');
            assert_eq!(listed.insert(name, why), None, "{name} is listed twice");
        }
    }
    listed
}

#[test]
fn the_page_counts_calls_by_support() {
    let count = |level: fn(&Support) -> bool| table::rows().iter().filter(|row| level(&row.support)).count();
    let levels = [
        table::rows().len(),
        count(|s| matches!(s, Support::Full)),
        count(|s| matches!(s, Support::Partial(_))),
        count(|s| matches!(s, Support::Unsupported(_))),
    ];
    assert_eq!(levels[0], levels[1..].iter().sum::<usize>());
    let counts: Vec<usize> = PAGE
        .split(|c: char| c.is_whitespace())
        .take_while(|word| *word != "|")
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(counts, levels, "the page's numbers: all, complete, partial, ENOSYS");
}
