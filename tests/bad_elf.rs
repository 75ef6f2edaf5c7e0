//! Mutated ELF files, each run in a child process with limits. Either the guest runs (and exits, dies by a signal that
//! is reported, or loops), or remu rejects the file in one line. remu itself never panics, hangs or faults.
//!
//! A small number of files runs by default. To run more:
//!
//! ```text
//! REMU_BAD_ELF_COUNT=10000 cargo test --test bad_elf -- --nocapture
//! ```
//!
//! `REMU_BAD_ELF_FIRST` is the number of the first file; `REMU_BAD_ELF_BASES` (paths separated by `:`) adds files to
//! mutate. A file's number alone determines its contents. A file that fails is kept, and its path is printed.

#[path = "common/elf.rs"]
mod elf;
#[path = "common/rng.rs"]
mod rng;
#[path = "common/run.rs"]
mod run;

use elf::{
    A0, A1, A2, A7, Elf, R, RA, SP, Segment, T0, T1, T2, W, X, ZERO, assemble, branch, ecall, exit, here, imm, jump,
    li, program, reg, store,
};
use remu_isa::Op;
use rng::Rng;
use run::{Programs, remu};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The default number of files.
const DEFAULT_COUNT: u64 = 600;
/// A child's limit of CPU time in seconds. Its limit of real time is slightly longer.
const SECONDS: u64 = 2;
/// A child's limit of private memory in KiB.
const MEMORY: u64 = 256 << 10;
/// How long a program may make no progress before it counts as hanging. Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The part of the file that is mutated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Header,
    ProgramHeaders,
    Dynamic,
    Code,
    Data,
    Length,
}

const PARTS: [Part; 6] = [Part::Header, Part::ProgramHeaders, Part::Dynamic, Part::Code, Part::Data, Part::Length];

/// A file to mutate, and the ranges of its parts.
struct Base {
    bytes: Vec<u8>,
    parts: Vec<(Part, Range<usize>)>,
}

impl Base {
    fn new(bytes: Vec<u8>) -> Self {
        let word = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
        let half = |at: usize| usize::from(u16::from_le_bytes(*bytes[at..].first_chunk().unwrap()));
        let (phoff, phnum) = (word(32), half(56));
        let mut parts = vec![(Part::Header, 0..64), (Part::ProgramHeaders, phoff..phoff + 56 * phnum)];
        for h in (0..phnum).map(|i| phoff + 56 * i) {
            let flags = bytes[h + 4];
            let kind = match u32::from_le_bytes(*bytes[h..].first_chunk().unwrap()) {
                elf::PT_DYNAMIC => Part::Dynamic,
                elf::PT_LOAD if flags & 1 != 0 => Part::Code,
                elf::PT_LOAD => Part::Data,
                _ => continue,
            };
            let start = word(h + 8);
            // Text may begin with the headers, which are separate parts.
            let start = if kind == Part::Code { start.max(phoff + 56 * phnum) } else { start };
            let end = word(h + 8) + word(h + 32);
            if start < end {
                parts.push((kind, start..end));
            }
        }
        parts.push((Part::Length, 0..bytes.len()));
        Self { bytes, parts }
    }
}

/// A program with data, bss and loops; atomics and floating point among its code.
fn composed() -> Elf {
    let mut code = vec![
        elf::lui(T0, 0x12000),
        li(T1, 20),
        imm(Op::Ld, T2, T0, 0),
        imm(Op::Addi, T2, T2, 1),
        store(Op::Sd, T2, T0, 0x20),
        reg(Op::AmoaddD, T2, T0, T2),
        imm(Op::Fld, 1, T0, 8),
        reg(Op::FaddD, 2, 1, 1),
        store(Op::Fsd, 2, T0, 0x28),
        imm(Op::Addi, T1, T1, -1),
        branch(Op::Bne, T1, ZERO, -8 * 4),
        imm(Op::Jal, RA, ZERO, 5 * 4),
        // brk(0), then the exit.
        li(A0, 0),
        li(A7, 214),
        ecall(),
        jump(7 * 4),
        // A function that writes.
        imm(Op::Addi, A1, T0, 16),
    ];
    code.extend(elf::write_out(3));
    code.push(imm(Op::Jalr, ZERO, RA, 0));
    code.extend(exit(0));
    let data = [[1u8; 8], 1.5f64.to_le_bytes(), *b"hi\n\0\0\0\0\0"].concat();
    program(&code).segment(Segment::load(R | W, 0x12000, data).mem_size(0x3000))
}

/// A static-pie program that relocates itself by its dynamic section, as the C library's start-up does.
fn relocating() -> Elf {
    // At 0x1000 text, at 0x2000 data: a pointer to be relocated, the text, the table, the dynamic section.
    let mut code = vec![
        here(T0),
        elf::lui(T1, 0x1000),
        reg(Op::Sub, T2, T0, T1),
        reg(Op::Add, T0, T0, T1),
        imm(Op::Addi, A1, T0, 0x100),
        // Looks for DT_RELA (7).
        imm(Op::Ld, A0, A1, 0),
        branch(Op::Beq, A0, ZERO, 14 * 4),
        imm(Op::Addi, A0, A0, -7),
        imm(Op::Addi, A1, A1, 16),
        branch(Op::Bne, A0, ZERO, -4 * 4),
        imm(Op::Ld, A2, A1, -8),
        reg(Op::Add, A2, A2, T2),
        // One relocation: offset, kind, addend.
        imm(Op::Ld, A0, A2, 0),
        imm(Op::Ld, A1, A2, 16),
        reg(Op::Add, A0, A0, T2),
        reg(Op::Add, A1, A1, T2),
        store(Op::Sd, A1, A0, 0),
        imm(Op::Ld, A1, T0, 0),
        jump(2 * 4),
        li(0, 0),
    ];
    code.extend(elf::write_out(4));
    code.extend(exit(3));
    let mut data = vec![0; 0x130];
    data[8..12].copy_from_slice(b"pie\n");
    let mut put = |at: usize, words: &[u64]| {
        for (i, w) in words.iter().enumerate() {
            data[at + 8 * i..at + 8 * i + 8].copy_from_slice(&w.to_le_bytes());
        }
    };
    put(0x40, &[0x2000, 3, 0x2008]);
    put(0x100, &[7, 0x2040, 8, 24, 0, 0]);
    let dynamic =
        Segment { offset: Some(0x2100), file_size: Some(0x30), ..Segment::new(elf::PT_DYNAMIC, R | W, 0x2100, []) };
    let mut e = elf::elf(0x1000)
        .segment(Segment::load(R | X, 0x1000, assemble(&code)))
        .segment(Segment::load(R | W, 0x2000, data))
        .segment(dynamic);
    e.kind = 3;
    e
}

/// A program with deep recursion: it recurses until its counter reaches zero.
fn recursive() -> Elf {
    let mut code = vec![
        elf::lui(T0, 0x1000),
        imm(Op::Jal, RA, ZERO, 5 * 4),
        li(A0, 11),
        li(A7, 94),
        ecall(),
        jump(0),
        // f:
        imm(Op::Addi, SP, SP, -16),
        store(Op::Sd, RA, SP, 0),
        imm(Op::Addi, T0, T0, -1),
        branch(Op::Beq, T0, ZERO, 8),
        imm(Op::Jal, RA, ZERO, -4 * 4),
        imm(Op::Ld, RA, SP, 0),
        imm(Op::Addi, SP, SP, 16),
        imm(Op::Jalr, ZERO, RA, 0),
    ];
    code.extend(exit(0));
    program(&code)
}

fn bases() -> Vec<Base> {
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("testprogs/prebuilt/hello-riscv64");
    let mut files = vec![read(&hello), composed().bytes(), relocating().bytes(), recursive().bytes()];
    if let Some(more) = std::env::var_os("REMU_BAD_ELF_BASES") {
        files.extend(std::env::split_paths(&more).map(|p| read(&p)));
    }
    files.into_iter().map(Base::new).collect()
}

/// Values at which bounds checks are often wrong.
const INTERESTING: [u64; 16] = [
    0,
    1,
    2,
    7,
    0xfff,
    0x1000,
    0x1001,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x5500_0000_0000,
    1 << 47,
    1 << 48,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Makes file number `n`; returns it with the part that was mutated.
fn mutate(bases: &[Base], n: u64) -> (Part, Vec<u8>) {
    let mut rng = Rng(n.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let wanted = PARTS[n as usize % PARTS.len()];
    let having: Vec<_> = bases
        .iter()
        .flat_map(|b| b.parts.iter().filter(|(p, _)| *p == wanted).map(move |(_, range)| (b, range)))
        .collect();
    let (base, range) = having[rng.below(having.len())];
    let mut bytes = base.bytes.clone();
    if wanted == Part::Length {
        bytes.truncate(rng.below(bytes.len()));
        return (wanted, bytes);
    }
    for _ in 0..1 + rng.below(4) {
        let at = range.start + rng.below(range.len());
        let room = range.end - at;
        match rng.below(6) {
            0 | 1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes[at] = rng.next() as u8,
            3 => {
                // A field, aligned as fields are.
                let size = 1 << (1 + rng.below(3));
                let at = at & !(size - 1);
                let value = INTERESTING[rng.below(INTERESTING.len())].wrapping_add(rng.below(3) as u64).wrapping_sub(1);
                let end = (at + size).min(range.end);
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
            4 => {
                // Bytes copied from elsewhere in the part.
                let len = 1 + rng.below(room.min(16));
                let from = range.start + rng.below(range.len() - len + 1);
                let piece = bytes[from..from + len].to_vec();
                bytes[at..at + len].copy_from_slice(&piece);
            }
            _ => {
                let len = 1 + rng.below(room.min(16));
                bytes[at..at + len].fill(if rng.below(2) == 0 { 0 } else { 0xff });
            }
        }
    }
    (wanted, bytes)
}

/// The outcome of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Refused,
    Exited,
    Killed,
    Endless,
}

/// How a child ended: its status, or `None` if it was killed at the limit.
struct Ended {
    status: Option<ExitStatus>,
    err: String,
}

fn run_limited(dir: &Path, file: &Path) -> Ended {
    let err = dir.join("stderr");
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("ulimit -t {SECONDS} && ulimit -d {MEMORY} && ulimit -f 4096 && ulimit -c 0 && exec \"$@\""))
        .args(["sh", env!("CARGO_BIN_EXE_remu"), "-seed", "1"])
        .arg(file)
        .env_clear()
        .current_dir(dir)
        // Signals that the guest sends to its process group stay in the group.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&err).expect("a file for messages"));
    let mut child = shell.spawn().expect("the shell starts");
    let deadline = Instant::now() + Duration::from_secs(SECONDS) + Duration::from_millis(500);
    let status = wait_until(&mut child, deadline);
    let err = String::from_utf8_lossy(&std::fs::read(&err).unwrap_or_default()).into_owned();
    Ended { status, err }
}

/// Waits for a child, and kills it at the deadline.
fn wait_until(child: &mut std::process::Child, deadline: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Classifies the outcome; the error describes the fault.
fn judge(ended: &Ended, still_runs: impl FnOnce() -> bool) -> Result<Outcome, String> {
    let err = &ended.err;
    let ours = err.lines().rev().find_map(|l| l.strip_prefix("remu: "));
    if err.contains("remu: bug") || err.contains("panicked at") {
        return Err("remu reports an internal fault".into());
    }
    let endless = || if still_runs() { Ok(Outcome::Endless) } else { Err("remu hangs".into()) };
    let Some(status) = ended.status else { return endless() };
    match (status.code(), status.signal(), ours) {
        (Some(125 | 126), _, Some(_)) if err.lines().count() == 1 => Ok(Outcome::Refused),
        (Some(125 | 126), _, Some(_)) => Err("an error message must be one line".into()),
        (Some(_), _, _) => Ok(Outcome::Exited),
        // Out of CPU time.
        (_, Some(libc::SIGXCPU | libc::SIGKILL), None) => endless(),
        (
            _,
            Some(
                libc::SIGSEGV
                | libc::SIGBUS
                | libc::SIGILL
                | libc::SIGTRAP
                | libc::SIGABRT
                | libc::SIGFPE
                | libc::SIGSYS,
            ),
            None,
        ) => Err("a signal that remu does not report".into()),
        (_, Some(_), _) => Ok(Outcome::Killed),
        (None, None, _) => Err("neither an exit nor a signal".into()),
    }
}

/// Whether a program that does not exit makes progress: its log of instructions and calls grows, or ends with a
/// blocking call.
fn makes_progress(dir: &Path, file: &Path) -> bool {
    let log = dir.join("log");
    let _ = std::fs::remove_file(&log);
    let mut child = remu()
        .args(["-seed", "1", "-one-insn-per-tb", "-d", "exec,strace", "-D"])
        .args([&log, file])
        .env_clear()
        .current_dir(dir)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("remu starts");
    let deadline = Instant::now() + PATIENCE;
    let (mut size, mut grown) = (0, 0);
    let progress = loop {
        std::thread::sleep(Duration::from_millis(50));
        let now = std::fs::metadata(&log).map_or(0, |m| m.len());
        let grows = now > size;
        size = now;
        grown += u32::from(grows);
        let ended = child.try_wait().expect("it is our child").is_some();
        let waits = || std::fs::read(&log).is_ok_and(|text| !text.is_empty() && !text.ends_with(b"\n"));
        if grown > 2 || ended || !grows && waits() {
            break true;
        }
        if Instant::now() >= deadline {
            break false;
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    progress
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

#[test]
fn the_files_to_mutate_run() {
    let programs = Programs::new();
    let ran: Vec<_> = bases()
        .iter()
        .take(4)
        .map(|base| {
            let path = programs.file("base", &base.bytes);
            run::run(&programs, &["-d", "int", path.to_str().unwrap()])
        })
        .map(|r| (r.status, r.out, r.err))
        .collect();
    let expect = |status, out: &str| (Some(status), out.to_owned(), String::new());
    assert_eq!(ran[0].0, Some(0), "{ran:?}");
    assert_eq!(ran[1..], [expect(0, "hi\n"), expect(3, "pie\n"), expect(11, "")]);
}

#[test]
fn mutated_files_cause_no_internal_fault() {
    let count = number("REMU_BAD_ELF_COUNT").unwrap_or(DEFAULT_COUNT);
    let first = number("REMU_BAD_ELF_FIRST").unwrap_or(0);
    let bases = bases();
    let next = AtomicU64::new(first);
    let outcomes: Mutex<BTreeMap<(Outcome, Part), u64>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    let worker = || {
        let programs = Programs::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= first + count {
                break;
            }
            let (part, bytes) = mutate(&bases, n);
            let path = programs.file("mutant", &bytes);
            let ended = run_limited(programs.path(), &path);
            match judge(&ended, || makes_progress(programs.path(), &path)) {
                Ok(outcome) => *outcomes.lock().unwrap().entry((outcome, part)).or_default() += 1,
                Err(why) => {
                    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bad-elf-{n}"));
                    let _ = std::fs::copy(&path, &kept);
                    let what = format!(
                        "file {n} ({part:?}, kept as {}): {why}; {:?}; {}",
                        kept.display(),
                        ended.status,
                        ended.err
                    );
                    failures.lock().unwrap().push(what);
                }
            }
        }
    };
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            s.spawn(worker);
        }
    });

    let outcomes = outcomes.into_inner().unwrap();
    let failures = failures.into_inner().unwrap();
    let total = |wanted: Outcome| outcomes.iter().filter(|((o, _), _)| *o == wanted).map(|(_, n)| n).sum::<u64>();
    println!("{count} files, {} failures", failures.len());
    for outcome in [Outcome::Refused, Outcome::Exited, Outcome::Killed, Outcome::Endless] {
        let by_part: Vec<String> =
            PARTS.iter().map(|p| format!("{p:?} {}", outcomes.get(&(outcome, *p)).unwrap_or(&0))).collect();
        println!("{outcome:?}: {} ({})", total(outcome), by_part.join(", "));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let loaded = count - total(Outcome::Refused);
    assert!(loaded * 10 >= count * 3, "only {loaded} of {count} files got past the loader");
}
