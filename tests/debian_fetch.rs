//! The cache of `tests/debian/fetch.sh`: it records which programs a tool's folder has and whether a folder is
//! complete. The test fetches nothing, because the archive it names does not exist.

mod common;

use common::root;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fetch(cache: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(root().join("tests/debian/fetch.sh"));
    command.args(words).env("REMU_CACHE", cache).env("SUITE", "sid").env("MIRROR", "file:///nonexistent");
    command.output().expect("bash")
}

/// Whether the call uses the cached folder without asking the archive.
fn keeps(cache: &Path, words: &[&str]) -> bool {
    let ran = fetch(cache, words);
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() || text.contains("could not be fetched"), "{words:?}: {text}");
    ran.status.success()
}

#[test]
fn a_tool_is_kept_with_the_programs_that_were_asked_for() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let tool = cache.path().join("debian/sid/amd64/tool");
    assert!(!keeps(cache.path(), &["--newest", "tool", "one"]));
    fs::create_dir_all(&tool).expect("the folder");
    // The state that an interrupted run may leave.
    assert!(!keeps(cache.path(), &["--newest", "tool", "one"]));
    fs::write(tool.join(".kept"), "1.0\none\ntwo\n").expect("written");
    assert!(keeps(cache.path(), &["--newest", "tool", "one"]));
    assert!(keeps(cache.path(), &["--newest", "tool", "two", "one"]));
    assert!(!keeps(cache.path(), &["--newest", "tool", "one", "three"]));
    assert!(!keeps(cache.path(), &["--newest", "tool"]), "the call asks for all programs");
    fs::write(tool.join(".kept"), "1.0\n\n").expect("written");
    assert!(keeps(cache.path(), &["--newest", "tool"]) && keeps(cache.path(), &["--newest", "tool", "three"]));
    let message = fetch(cache.path(), &["--newest", "tool"]);
    assert_eq!(String::from_utf8_lossy(&message.stdout).trim(), format!("amd64 1.0 {}", tool.display()));
    assert!(tool.exists(), "the old folder stays if it could not be replaced");
}

#[test]
fn a_package_is_kept_when_both_architectures_are_whole() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let sid = cache.path().join("debian/sid");
    for arch in ["riscv64", "amd64"] {
        fs::create_dir_all(sid.join(arch).join("package")).expect("the folder");
        fs::write(sid.join(arch).join("package.version"), "1.0\n").expect("written");
    }
    assert!(!keeps(cache.path(), &["package"]), "the folder is not marked complete");
    fs::write(sid.join("package.complete"), "").expect("written");
    assert!(keeps(cache.path(), &["package"]));
}
