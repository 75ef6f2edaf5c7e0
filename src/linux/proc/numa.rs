//! /proc/self/numa_maps: the NUMA nodes of each VMA's pages, from the host's file.

use super::Record;
use super::smaps::{Counts, HostArea, counted, host_areas, host_file};
use crate::linux::task::Task;
use crate::memory::{PAGE_SIZE, Source, Vma};
use rustix::io::Errno;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// Whether a word after the policy describes the mapping rather than counting pages.
fn is_attribute(word: &str) -> bool {
    matches!(word, "heap" | "stack" | "huge") || word.starts_with("file=")
}

/// A counter `key=value`.
fn number(word: &str) -> Option<(&str, u64)> {
    let (key, value) = word.split_once('=')?;
    Some((key, value.parse().ok()?))
}

/// The host's VMAs. Only `maps` says where they end.
fn areas(numa_maps: &str, maps: &str) -> Vec<HostArea> {
    let mut areas = host_areas(maps);
    for line in numa_maps.lines() {
        let Some((start, rest)) = line.split_once(' ') else { continue };
        let start = u64::from_str_radix(start, 16).unwrap_or(0);
        // A VMA that was mapped or unmapped between the two reads.
        let Some((_, counts)) = areas.iter_mut().find(|(range, _)| range.start == start) else { continue };
        // A policy name may have two words.
        let words: Vec<&str> = rest.split(' ').collect();
        let end = words.iter().position(|word| is_attribute(word) || number(word).is_some()).unwrap_or(words.len());
        counts.flags.push(words[..end].join(" "));
        counts.fields = words[end..].iter().filter_map(|word| number(word)).map(|(k, v)| (k.to_owned(), v)).collect();
        // The kernel omits the counter if all pages are active.
        if counts.get("active") == 0 && !words.contains(&"active=0") {
            counts.fields.push(("active".to_owned(), pages(counts)));
        }
    }
    areas
}

fn is_node(key: &str) -> bool {
    key.strip_prefix('N').is_some_and(|node| node.parse::<u32>().is_ok())
}

/// The number of resident pages, on all nodes.
fn pages(counts: &Counts) -> u64 {
    counts.fields.iter().filter(|(key, _)| is_node(key)).map(|(_, value)| value).sum()
}

/// A VMA's line.
fn line(task: &Task, vma: &Vma, counts: &Counts) -> Vec<u8> {
    let policy = counts.flags.first().map_or("default", String::as_str);
    let mut text = format!("{:08x} {policy}", vma.range.start.0).into_bytes();
    match &vma.source {
        Source::File { path, .. } => {
            text.extend_from_slice(b" file=");
            for &byte in task.fs.guest_path(path.as_os_str().as_bytes()) {
                match byte {
                    b'\n' | b'\t' | b'=' | b' ' => text.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
                    other => text.push(other),
                }
            }
        }
        Source::Named(name) if *name == "[heap]" => text.extend_from_slice(b" heap"),
        Source::Named(name) if *name == "[stack]" => text.extend_from_slice(b" stack"),
        _ => {}
    }
    let pages = pages(counts);
    let (anon, dirty, active) = (counts.get("anon"), counts.get("dirty"), counts.get("active"));
    let shown = [
        ("anon", anon, anon > 0),
        ("dirty", dirty, dirty > 0),
        ("mapped", pages, pages != anon && pages != dirty),
        ("mapmax", counts.get("mapmax"), counts.get("mapmax") > 1),
        ("swapcache", counts.get("swapcache"), counts.get("swapcache") > 0),
        ("active", active, active < pages),
        ("writeback", counts.get("writeback"), counts.get("writeback") > 0),
    ];
    let mut numbers = String::new();
    if pages > 0 {
        let mut put = |key: &str, value: u64| {
            let _ = write!(numbers, " {key}={value}");
        };
        shown.iter().filter(|(.., is_shown)| *is_shown).for_each(|(key, value, _)| put(key, *value));
        let mut nodes: Vec<_> = counts.fields.iter().filter(|(key, _)| is_node(key)).collect();
        nodes.sort_by_key(|(key, _)| key[1..].parse::<u32>().unwrap_or(0));
        nodes.iter().for_each(|(key, value)| put(key, *value));
        put("kernelpagesize_kB", PAGE_SIZE / 1024);
    }
    text.extend_from_slice(numbers.as_bytes());
    text.push(b'\n');
    text
}

/// The host's line with an attribute after the policy.
pub(super) fn with_attribute(line: &str, attribute: Option<&str>) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if let Some(attribute) = attribute {
        let end = words.iter().position(|word| is_attribute(word) || number(word).is_some()).unwrap_or(words.len());
        words.insert(end, attribute);
    }
    words.join(" ") + "\n"
}

/// The file's records; `host` is the host's file.
pub(super) fn lines(task: &Task, host: &str) -> Result<Vec<Record>, Errno> {
    let areas = counted(task, areas(host, &host_file(task, c"/proc/thread-self/maps")?));
    Ok(areas.iter().map(|(vma, counts)| Record { key: vma.range.end.0, text: line(task, vma, counts) }).collect())
}
