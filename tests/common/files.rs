//! Input files for tests of real programs, generated from fixed seeds, and snapshots of the files that a program
//! leaves.

#![allow(dead_code, reason = "each test uses a part")]

use super::rng::Rng;
use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn text(rng: &mut Rng) -> String {
    const WORDS: [&str; 24] = [
        "the", "a", "guest", "host", "register", "machine", "loads", "stores", "page", "fault", "branch", "of", "in",
        "memory", "then", "fact", "first", "wrong", "value", "program", "and", "is", "to", "kernel",
    ];
    let mut text = String::new();
    while text.len() < 200_000 {
        for _ in 0..3 + rng.next() % 9 {
            let (a, b) = (rng.next() as usize % WORDS.len(), rng.next() as usize % WORDS.len());
            text.push_str(WORDS[a.min(b)]);
            text.push(' ');
        }
        text.pop();
        text.push('\n');
    }
    text
}

/// Writes a file and creates its parent folders.
pub fn put(dir: &Path, name: &str, data: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("making a folder");
    fs::write(&path, data).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// Writes text files, tables, bytes that look random, and two directory trees.
pub fn generate(dir: &Path) {
    let mut rng = Rng(2);
    let text = text(&mut rng);
    let blob: Vec<u8> = (0..25_000).flat_map(|_| rng.next().to_le_bytes()).collect();
    let numbers: String = (0..25_000).map(|_| format!("{}\n", rng.next() as i32 >> (rng.next() % 24))).collect();
    let table: String = (0..8000)
        .map(|i| format!("{},{},{}.{}\tx\n", i * 7919 % 8000, rng.next() % 10, rng.next() % 1000, rng.next() % 100))
        .collect();
    let sorted: String = (0..20_000).map(|i| format!("line {}\n", i * i / 90_000)).collect();
    let mut edited: Vec<&str> = text.lines().collect();
    edited.remove(100);
    edited.insert(2000, "an added line");
    edited[3000] = "a changed line";
    put(dir, "text", text.as_bytes());
    put(dir, "edited", (edited.join("\n") + "\n").as_bytes());
    put(dir, "blob", &blob);
    put(dir, "again", &blob);
    put(dir, "numbers", numbers.as_bytes());
    put(dir, "table", table.as_bytes());
    put(dir, "sorted", sorted.as_bytes());
    put(dir, "old", &blob[..5000]);
    for tree in ["tree", "changed"] {
        for i in 0..30 {
            put(dir, &format!("{tree}/source{i}.c"), &text.as_bytes()[i * 1000..i * 1000 + i * 300]);
        }
        put(dir, &format!("{tree}/sub/big"), &blob[..120_000]);
        put(dir, &format!("{tree}/sub/deep/empty"), b"");
        symlink("sub/big", dir.join(tree).join("link")).expect("a symbolic link");
    }
    put(dir, "changed/source7.c", b"something else\n");
    put(dir, "changed/only-here", b"");
    for (name, mode) in [("tree/source1.c", 0o4711), ("old", 0o600)] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).expect("permissions");
    }
}

/// Sets the timestamps of everything under `dir` to the past, so that changes by a program are visible.
pub fn age(dir: &Path) {
    age_from(dir, &mut 0);
}

/// Gives everything under `dir` a distinct modification time. Folders come after their contents.
fn age_from(dir: &Path, count: &mut u64) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(dir).expect("the folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries.iter().filter(|p| !p.is_symlink()) {
        if path.is_dir() {
            age_from(path, count);
        }
        *count += 1;
        let seconds = if path.ends_with("old") { 0 } else { *count * 1009 };
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000 + seconds, 123_456_789);
        // With relatime, a read does not update a recent access time, and `stat` prints access times.
        let times = FileTimes::new().set_modified(time).set_accessed(SystemTime::now());
        File::open(path).and_then(|f| f.set_times(times)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// The properties of a directory entry that both sides must agree on.
#[derive(PartialEq)]
pub struct Entry {
    mode: u32,
    links: u64,
    /// The modification time if the program set it; `None` if it is the time of the run.
    modified: Option<i64>,
    content: Vec<u8>,
}

/// Everything under `dir`, by relative path.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    collect(dir, dir, &mut entries);
    entries
}

fn collect(dir: &Path, base: &Path, into: &mut BTreeMap<PathBuf, Entry>) {
    for entry in fs::read_dir(dir).expect("the folder") {
        let path = entry.expect("an entry").path();
        let meta = fs::symlink_metadata(&path).expect("an entry's status");
        let content = if meta.is_symlink() {
            fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes()
        } else if meta.is_dir() {
            collect(&path, base, into);
            Vec::new()
        } else {
            fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        let old = meta.mtime() < 1_600_000_000 && !meta.is_symlink();
        let entry = Entry { mode: meta.mode(), links: meta.nlink(), modified: old.then(|| meta.mtime()), content };
        into.insert(path.strip_prefix(base).expect("below the folder").to_owned(), entry);
    }
}

/// Splits a command line at blanks outside quotes.
pub fn split(step: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in step.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}
