//! What the README says of the system calls is what the table says.

use crate::linux::table::{self, Support};
use std::collections::BTreeMap;

const README: &str = include_str!("../../../README.md");

/// The part of the README that is about them.
fn section() -> &'static str {
    let (_, from) = README.split_once("\n## System calls that answer ENOSYS\n").expect("the heading");
    from.split("\n## ").next().unwrap()
}

#[test]
fn the_list_of_calls_that_are_not_there_is_closed() {
    let mut listed = BTreeMap::new();
    for line in section().lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, why] = cells[..] else { panic!("two cells: {line}") };
        for name in names.split(", ") {
            let name = name.trim_matches('`');
            assert_eq!(listed.insert(name, why), None, "{name} is listed twice");
        }
    }
    let missing = table::rows().iter().filter_map(|row| match row.support {
        Support::Unsupported(why) => Some((row.name, why)),
        _ => None,
    });
    assert_eq!(listed, missing.collect(), "the README's list beside the table's");
}

#[test]
fn calls_are_counted_by_level() {
    let count = |level: fn(&Support) -> bool| table::rows().iter().filter(|row| level(&row.support)).count();
    let levels = [
        table::rows().len(),
        count(|s| matches!(s, Support::Full)),
        count(|s| matches!(s, Support::Partial(_))),
        count(|s| matches!(s, Support::Unsupported(_))),
    ];
    assert_eq!(levels[0], levels[1..].iter().sum::<usize>());
    let said: Vec<usize> = section()
        .split(|c: char| c.is_whitespace())
        .take_while(|word| *word != "|")
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(said, levels, "the README's numbers: all, complete, with something missing, ENOSYS");
}
