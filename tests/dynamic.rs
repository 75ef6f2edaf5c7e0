//! Dynamic programs and scripts: the dynamic linker, the vDSO and the sysroot.

mod common;

use common::{Outcome, Status, build_dir, root, run, script};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The sysroot of Debian's cross compiler.
const CROSS: &str = "/usr/riscv64-linux-gnu";
const LINKER: &str = "lib/ld-linux-riscv64-lp64d.so.1";

fn built() -> PathBuf {
    let out = build_dir("dynamic");
    script("testprogs/dynamic/build.sh", &[&out]);
    out
}

/// Runs remu in a folder, without settings from outside.
fn remu(dir: &Path, words: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu"));
    command.args(words).current_dir(dir).env_clear().env("LC_ALL", "C");
    run(&mut command, Vec::new(), Duration::from_secs(120))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The error line of a program that remu rejects.
#[track_caller]
fn refused(outcome: &Outcome) -> String {
    assert_eq!(outcome.status, Status::Exit(126), "{outcome:?}");
    assert!(outcome.stdout.is_empty());
    let line = text(&outcome.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().strip_prefix("remu: ").expect("it is remu's line").to_owned()
}

/// The expected output of the test program when run by this path.
fn expected(path: &str) -> String {
    let file = root().join("testprogs/dynamic/program.expected");
    fs::read_to_string(file).expect("it is in the repository").replace("PATH", path)
}

#[track_caller]
fn right(outcome: &Outcome, path: &str) {
    assert_eq!(text(&outcome.stdout), expected(path), "stderr: {}", text(&outcome.stderr));
    assert_eq!((outcome.status, text(&outcome.stderr).as_str()), (Status::Exit(3), ""));
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("the file is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("and made executable");
}

/// A root directory with a C library, and the test program in it.
fn make_root() -> (tempfile::TempDir, PathBuf) {
    let out = built();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().canonicalize().expect("it exists");
    for dir in ["usr/lib", "usr/bin"] {
        fs::create_dir_all(root.join(dir)).expect("a folder");
    }
    symlink("/usr/lib", root.join("lib")).expect("a link that is valid only inside the root");
    for lib in [LINKER, "lib/libc.so.6", "lib/libm.so.6"] {
        fs::copy(Path::new(CROSS).join(lib), root.join("usr").join(lib)).expect("the cross library is copied");
    }
    for file in ["pie", "libfirst.so", "libsecond.so"] {
        fs::copy(out.join(file), root.join("usr/bin").join(file)).expect("the program is copied");
    }
    (dir, root)
}

#[test]
fn the_dynamic_linker_runs_programs_of_every_kind() {
    let out = built();
    for name in ["./pie", "./no-pie", "./lazy"] {
        right(&remu(&out, &[name, "one", "two words"]), name);
    }
    let named = remu(&out, &["-0", "other", "./pie", "one", "two words"]);
    let lines = text(&named.stdout);
    assert!(lines.contains("argv[0] = other\n") && lines.contains("execfn = ./pie\n"), "{lines}");
}

#[test]
fn the_dynamic_linker_can_be_run_by_itself() {
    let out = built();
    let linker = format!("{CROSS}/{LINKER}");
    let libraries = format!("{CROSS}/lib");
    for name in ["./pie", "./no-pie"] {
        let ran = remu(&out, &[&linker, "--library-path", &libraries, name, "one", "two words"]);
        assert_eq!(ran.status, Status::Exit(3), "{}", text(&ran.stderr));
        // The kernel started the linker: AT_EXECFN names it, and AT_BASE is 0.
        let output = text(&ran.stdout).replace("base is ELF 0", "base is ELF 1");
        let start = output.lines().zip(expected(name).lines().map(str::to_owned).collect::<Vec<_>>());
        for (got, want) in start {
            assert!(got == want || got.starts_with("execfn = "), "expected: {want}, got: {got}");
        }
        assert_eq!(output.lines().count(), expected(name).lines().count());
    }
}

#[test]
fn the_c_library_uses_the_vdso_and_unwinders_know_its_signal_frame() {
    let out = built();
    let ran = remu(&out, &["-d", "page,exec", "./pie", "one"]);
    let log = text(&ran.stderr);
    let area = log.lines().find_map(|l| l.trim().strip_suffix(" r-xp [vdso]")).expect("the vDSO is mapped");
    let page = area.split('-').next().expect("it begins somewhere").trim_end_matches("000");
    let calls = log.lines().filter(|l| l.strip_prefix("exec ").is_some_and(|pc| pc.starts_with(page))).count();
    // At least four calls of clock_gettime (two through the C library, two directly) and two of getrandom.
    assert!(calls >= 6, "{calls} blocks in {area}");
    let ran = remu(&out, &["./unwind"]);
    assert_eq!(text(&ran.stdout), "signal 11: through the faulting function 1, to main 1\n");
    assert_eq!(ran.status, Status::Exit(0), "{}", text(&ran.stderr));
}

#[test]
fn reading_a_clock_makes_no_other_host_system_call() {
    let out = built();
    // Counts each host system call, except clock calls: the host's vDSO may fall back to them.
    let calls = |count: &str| -> BTreeMap<String, u64> {
        let table = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-U", "calls,name", "-o"]).arg(table.path());
        command.args([env!("CARGO_BIN_EXE_remu"), "-seed", "1", "./clock", count]).current_dir(&out);
        let ran = run(&mut command, Vec::new(), Duration::from_secs(120));
        assert_eq!(ran.status, Status::Exit(0), "{ran:?}; if strace is missing: apt-get install strace");
        let table = fs::read_to_string(table.path()).expect("strace has written it");
        let rows = table.lines().filter_map(|line| {
            let (calls, name) = line.trim().split_once(' ')?;
            Some((name.trim().to_owned(), calls.parse().ok()?))
        });
        rows.filter(|(name, _)| !["clock_gettime", "total"].contains(&name.as_str())).collect()
    };
    // An argument of the same length, so that remu allocates the same memory.
    let few = calls("0000001");
    assert!(few["openat"] > 1 && few["mmap"] > 1, "{few:?}");
    assert_eq!(calls("1000000"), few);
}

#[test]
fn cxx_programs_throw_open_plugins_and_clean_up() {
    let expected = fs::read_to_string(root().join("testprogs/dynamic/cxx.expected")).expect("it is in the repository");
    let out = built();
    let ran = remu(&out, &["./cxx"]);
    assert_eq!(text(&ran.stdout), expected, "{}", text(&ran.stderr));
    assert_eq!(ran.status, Status::Exit(5));
    // Also with the newest libraries, in a separate root.
    let (_dir, root) = debian_root(&["libc6", "libgcc-s1", "libstdc++6"]);
    for file in ["cxx", "libcxx-plugin.so"] {
        fs::copy(out.join(file), root.join("usr/bin").join(file)).expect("the program is copied");
    }
    let ran = remu(&root.join("usr/bin"), &["./cxx"]);
    assert_eq!(text(&ran.stdout), expected, "{}", text(&ran.stderr));
    assert_eq!(ran.status, Status::Exit(5));
}

#[test]
fn a_program_runs_in_the_root_that_contains_it() {
    let (_dir, root) = make_root();
    let ran = remu(&root.join("usr/bin"), &["-d", "page", "./pie", "one", "two words"]);
    assert_eq!(text(&ran.stdout), expected("./pie"), "{}", text(&ran.stderr));
    let linker = root.join("usr").join(LINKER);
    assert!(text(&ran.stderr).contains(linker.to_str().expect("UTF-8")), "{}", text(&ran.stderr));
    // With -L, the root serves a program elsewhere.
    let out = built();
    let prefix = root.to_str().expect("UTF-8");
    let ran = remu(&out, &["-d", "page", "-L", prefix, "./pie", "one", "two words"]);
    assert_eq!(text(&ran.stdout), expected("./pie"), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains(linker.to_str().expect("UTF-8")), "{}", text(&ran.stderr));
}

#[test]
fn a_missing_linkers_error_lists_the_searched_places() {
    let out = built();
    let empty = tempfile::tempdir().expect("a temporary folder");
    let dir = empty.path().canonicalize().expect("it exists");
    for name in ["nowhere", "pie"] {
        fs::copy(out.join(name), dir.join(name)).expect("the program is copied");
    }
    let here = dir.display();
    assert_eq!(
        refused(&remu(&dir, &["./nowhere"])),
        format!(
            "./nowhere: needs the dynamic linker /lib/ld-nowhere.so.1, which was not found for RISC-V in {here}, \
             the directories above it, or /usr/riscv64-linux-gnu; name its root directory with -L"
        )
    );
    if !Path::new("/").join(LINKER).exists() {
        assert_eq!(
            refused(&remu(&dir, &["-L", ".", "./pie"])),
            format!(
                "./pie: needs the dynamic linker /lib/ld-linux-riscv64-lp64d.so.1, which was not found for RISC-V in \
                 {here} or /; /usr/riscv64-linux-gnu has it: leave out -L"
            )
        );
    }
    fs::create_dir(dir.join("lib")).expect("a folder");
    executable(&dir.join(LINKER), "hello\n");
    assert_eq!(
        refused(&remu(&dir, &["-L", ".", "./pie"])),
        format!(
            "./pie: its dynamic linker {here}/{LINKER}: is neither an ELF program nor a script that begins with #!"
        )
    );
}

#[test]
fn scripts_run_by_the_kernels_rules() {
    let (_dir, root) = make_root();
    let bin = root.join("usr/bin");
    // The path exists only in the guest's root.
    executable(&bin.join("script"), "#! /usr/bin/pie  an argument \t\nnot read\n");
    let ran = remu(&bin, &["./script", "one"]);
    let lines = text(&ran.stdout);
    let args: Vec<_> = lines.lines().filter(|l| l.starts_with("argv") || l.starts_with("execfn")).collect();
    let want =
        ["argv[0] = /usr/bin/pie", "argv[1] = an argument", "argv[2] = ./script", "argv[3] = one", "execfn = ./script"];
    assert_eq!(args, want, "{}", text(&ran.stderr));

    // Up to five nested script interpreters.
    for n in 1..=6 {
        let by = if n == 1 { "pie".into() } else { format!("s{}", n - 1) };
        executable(&bin.join(format!("s{n}")), &format!("#!/usr/bin/{by} a{n}\n"));
    }
    let ran = remu(&bin, &["./s5"]);
    let args: Vec<_> =
        text(&ran.stdout).lines().filter_map(|l| l.strip_prefix("argv[")).map(|l| l[5..].to_owned()).collect();
    let want = "/usr/bin/pie a1 /usr/bin/s1 a2 /usr/bin/s2 a3 /usr/bin/s3 a4 /usr/bin/s4 a5 ./s5";
    let got: Vec<_> = args.iter().map(|a| a.trim_start()).collect();
    assert_eq!(got.join(" "), want, "{}", text(&ran.stderr));
    assert_eq!(refused(&remu(&bin, &["./s6"])), "./s6: has a chain of script interpreters longer than the limit of 5");
}

#[test]
fn a_script_without_a_riscv_interpreter_is_rejected() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let here = dir.path().canonicalize().expect("it exists");
    executable(&here.join("script"), "#!/no/such/shell\n");
    assert_eq!(
        refused(&remu(&here, &["./script"])),
        format!(
            "./script: is a script for /no/such/shell, which was not found for RISC-V in {}, the directories above it, \
             or /usr/riscv64-linux-gnu; name its root directory with -L",
            here.display()
        )
    );
    executable(&here.join("long"), &format!("#!/{}\n", "y".repeat(300)));
    assert_eq!(
        refused(&remu(&here, &["./long"])),
        "./long: is a script whose interpreter's path does not end within the first 256 bytes"
    );
}

#[test]
fn ld_library_path_reaches_the_dynamic_linker() {
    let out = built();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (bin, lib) = (dir.path().join("bin"), dir.path().join("lib"));
    for (dir, files) in [(&bin, &["pie"][..]), (&lib, &["libfirst.so", "libsecond.so"])] {
        fs::create_dir(dir).expect("a folder");
        for file in files {
            fs::copy(out.join(file), dir.join(file)).expect("it is copied");
        }
    }
    let alone = remu(&bin, &["./pie"]);
    assert_eq!(alone.status, Status::Exit(127));
    let lines = text(&alone.stderr);
    let (linkers, advice) = lines.split_once('\n').expect("the dynamic linker's line and remu's");
    assert!(linkers.contains("libfirst.so: cannot open shared object file"), "{alone:?}");
    assert_eq!(
        advice,
        "remu: ./pie: its dynamic linker does not find libfirst.so in the sysroot /usr/riscv64-linux-gnu; name its \
         directory with -E LD_LIBRARY_PATH=DIR, or a sysroot that has it with -L\n"
    );
    let setting = format!("LD_LIBRARY_PATH={}", lib.display());
    right(&remu(&bin, &["-E", &setting, "./pie", "one", "two words"]), "./pie");
    // Also from remu's own environment.
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu"));
    command.args(["./pie", "one", "two words"]).current_dir(&bin).env_clear().env("LC_ALL", "C");
    right(&run(command.env("LD_LIBRARY_PATH", &lib), Vec::new(), Duration::from_secs(120)), "./pie");
}

/// The addresses that the program prints, by name.
fn layout(words: &[&str]) -> BTreeMap<String, String> {
    let ran = remu(&built(), words);
    assert_eq!((ran.status, text(&ran.stderr).as_str()), (Status::Exit(0), ""), "{words:?}");
    let lines = text(&ran.stdout);
    let pair = |line: &str| line.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.lines().map(|line| pair(line).expect("a name and a value")).collect()
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or_else(|_| panic!("an address: {text}"))
}

const PLACES: [&str; 6] = ["program", "library", "vdso", "heap", "mmap", "stack"];

#[test]
fn addresses_fit_the_translation_scheme() {
    let long = layout(&["./layout"]);
    assert_eq!(long["mmu"], "sv48");
    assert!(hex(&long["highest"]) >= 1 << 46 && PLACES.iter().all(|place| hex(&long[*place]) > 1 << 38), "{long:?}");
    assert_eq!([&long["hint-2^38"], &long["hint-2^46"]], ["taken", "taken"]);
    assert_eq!([&long["hint-2^47"], &long["fixed-2^47"], &long["fixed-2^63"]], ["elsewhere", "ENOMEM", "ENOMEM"]);
    for words in [&["--mmu", "sv39", "./layout"][..], &["-mmu", "sv39", "./layout-static"]] {
        let short = layout(words);
        assert_eq!((short["mmu"].as_str(), hex(&short["highest"])), ("sv39", (1 << 38) - 1));
        assert!(hex(&short["end"]) <= 1 << 38 && hex(&short["end"]) > (1 << 38) - (2 << 30), "{short:?}");
        assert!(PLACES.iter().all(|place| hex(&short[*place]) < 1 << 38), "{short:?}");
        assert_eq!([&short["hint-2^37"], &short["hint-2^38"]], ["taken", "elsewhere"]);
        assert_eq!([&short["hint-2^46"], &short["fixed-2^38"]], ["elsewhere", "ENOMEM"]);
    }
    let plain = layout(&["--mmu", "sv39", "--no-aslr", "./layout"]);
    // Two thirds of the address space up; below the stack's gap; one page below the hint, and 128 KiB below that.
    assert_eq!(hex(&plain["program"]) & !0xfff, 0x2a_aaaa_a000);
    assert_eq!(hex(&plain["end"]), (1 << 38) - 0x1000);
    assert!(((1 << 38) - (144 << 20)..(1 << 38) - (128 << 20)).contains(&hex(&plain["library"])), "{plain:?}");
    assert_eq!(plain["stack-size"], "21000");
}

#[test]
fn aslr_moves_all_parts_unless_switched_off() {
    let plain = layout(&["--no-aslr", "./layout"]);
    assert_eq!(plain, layout(&["--no-aslr", "./layout"]));
    let mut command = Command::new("setarch");
    command.args(["-R", env!("CARGO_BIN_EXE_remu"), "./layout"]).current_dir(built()).env_clear().env("LC_ALL", "C");
    let ran = run(&mut command, Vec::new(), Duration::from_secs(120));
    let stack = text(&ran.stdout).lines().find_map(|l| l.strip_prefix("stack ").map(str::to_owned));
    assert_eq!(stack.as_deref(), Some(plain["stack"].as_str()), "{ran:?}");

    let one = layout(&["-seed", "1", "./layout"]);
    assert_eq!(one, layout(&["-seed", "1", "./layout"]));
    let two = layout(&["-seed", "2", "./layout"]);
    let runs = [layout(&["./layout"]), layout(&["./layout"])];
    for place in PLACES.iter().chain(&["random"]) {
        assert!(one[*place] != two[*place] && one[*place] != plain[*place], "{place}");
        assert!(runs[0][*place] != runs[1][*place], "{place}");
    }
    // Also within its page.
    let within = |l: &BTreeMap<String, String>| hex(&l["random"]) & 0xff0;
    assert!([&one, &two, &runs[0], &runs[1]].iter().any(|l| within(l) != within(&plain)));
    assert!([&one, &two, &runs[0], &runs[1]].iter().all(|l| hex(&l["random"]) & 0xf == 0));
}

/// Unpacks Debian packages into one root directory, with /lib and /bin as Debian has them.
fn debian_root(packages: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().canonicalize().expect("it exists");
    for package in packages {
        let output = script("tests/debian/fetch.sh", &[Path::new(package)]);
        let line = output.lines().find_map(|l| l.strip_prefix("riscv64 ")).expect("it has been fetched");
        let (version, folder) = line.split_once(' ').expect("a version and a folder");
        println!("{package} {version}");
        let copied = Command::new("cp").arg("-a").arg(format!("{folder}/.")).arg(&root).status();
        assert!(copied.expect("cp runs").success());
    }
    fs::create_dir_all(root.join("usr/bin")).expect("a folder");
    for name in ["lib", "bin"] {
        if !root.join(name).exists() {
            symlink(format!("usr/{name}"), root.join(name)).expect("a link");
        }
    }
    (dir, root)
}

#[test]
fn a_shell_reads_its_own_writes_outside_the_sysroot() {
    let (_dir, sysroot) = debian_root(&["libc6", "dash"]);
    let work = tempfile::tempdir().expect("a temporary folder");
    let work = work.path().canonicalize().expect("it exists");
    let inside = sysroot.join(work.strip_prefix("/").expect("it is absolute"));
    fs::create_dir_all(&inside).expect("the sysroot has the folder too");
    fs::write(inside.join("file"), "sysroot\n").expect("and a file in it");
    fs::write(work.join("file"), "host\n").expect("the host has another version");
    let script = format!(
        "cd {0}; echo hi >file; read x <file; echo $x; read x <{0}/file; echo $x; pwd -P
         cd /; read x <proc/self/comm; echo $x; cd usr/bin; pwd -P; cd ../..; pwd -P; echo no >/usr/bin/dash",
        work.display()
    );
    let prefix = sysroot.to_str().expect("a name in UTF-8");
    let dash = sysroot.join("usr/bin/dash");
    let ran = remu(&work, &["-L", prefix, dash.to_str().expect("a name in UTF-8"), "-c", &script]);
    let expected = format!("hi\nhi\n{}\ndash\n/usr/bin\n/\n", work.display());
    assert_eq!(text(&ran.stdout), expected, "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("cannot create /usr/bin/dash: Read-only file system"), "{ran:?}");
    assert_eq!(fs::read_to_string(work.join("file")).expect("it is there"), "hi\n");
    assert_eq!(fs::read_to_string(inside.join("file")).expect("it is there"), "sysroot\n");
}

#[test]
fn a_shell_of_debian_runs_in_its_own_root() {
    let (_dir, root) = debian_root(&["libc6", "dash"]);
    let ran = remu(&root, &["usr/bin/dash", "-c", "echo $0 $((6 * 7)) \"$@\"", "name", "a", "b  c"]);
    assert_eq!(text(&ran.stdout), "name 42 a b  c\n", "{}", text(&ran.stderr));
    executable(&root.join("script"), "#!/bin/dash -e\necho $0 \"$1\"; false; echo not here\n");
    let ran = remu(&root, &["./script", "b  c"]);
    assert_eq!((text(&ran.stdout).as_str(), ran.status), ("./script b  c\n", Status::Exit(1)), "{}", text(&ran.stderr));
}

#[test]
fn musls_dynamic_linker_runs_directly_and_for_a_program() {
    let out = built();
    let (_dir, root) = debian_root(&["musl"]);
    fs::copy(out.join("musl"), root.join("usr/bin/musl")).expect("the program is copied");
    for words in [&["bin/musl", "x"][..], &["-L", ".", "lib/ld-musl-riscv64.so.1", "bin/musl", "x"]] {
        let ran = remu(&root, words);
        assert_eq!(text(&ran.stdout), "bin/musl\nx\nclock\n", "{words:?} {}", text(&ran.stderr));
        assert_eq!(ran.status, Status::Exit(4));
    }
    if !Path::new("/lib/ld-musl-riscv64.so.1").exists() {
        assert_eq!(
            refused(&remu(&out, &["-L", ".", "./musl"])),
            format!(
                "./musl: needs the dynamic linker /lib/ld-musl-riscv64.so.1, which was not found for RISC-V in {} or /; \
                 install musl:riscv64 (Debian's names), or name its root directory with -L",
                out.canonicalize().expect("it exists").display()
            )
        );
    }
}

#[test]
fn a_missing_library_is_explained_after_the_dynamic_linker() {
    let out = built();
    let advice = |ran: Outcome| {
        assert_eq!(ran.status, Status::Exit(127), "{ran:?}");
        let lines = text(&ran.stderr);
        lines.split_once("\nremu: ").unwrap_or_else(|| panic!("{lines}")).1.to_owned()
    };
    // A root with a C library and nothing else.
    let (_dir, root) = debian_root(&["libc6", "libgcc-s1"]);
    fs::copy(out.join("cxx"), root.join("usr/bin/cxx")).expect("the program is copied");
    let lacks = |name: &str| {
        format!("usr/bin/cxx: its dynamic linker does not find {name} in the sysroot {}; name its ", root.display())
    };
    let anywhere = "directory with -E LD_LIBRARY_PATH=DIR, or a sysroot that has it with -L\n";
    assert_eq!(advice(remu(&root, &["usr/bin/cxx"])), format!("{}{anywhere}", lacks("libstdc++.so.6")));
    // Beside the program.
    fs::write(root.join("usr/bin/libstdc++.so.6"), "").expect("a file");
    assert_eq!(
        advice(remu(&root, &["usr/bin/cxx"])),
        format!("{}directory with -E LD_LIBRARY_PATH=usr/bin\n", lacks("libstdc++.so.6"))
    );
    // A library that a library needs.
    let (_dir, root) = debian_root(&["libc6", "libgcc-s1", "libstdc++6"]);
    fs::copy(out.join("cxx"), root.join("usr/bin/cxx")).expect("the program is copied");
    fs::remove_file(root.join("usr/lib/riscv64-linux-gnu/libm.so.6")).expect("the C library has it");
    assert!(advice(remu(&root, &["usr/bin/cxx"])).contains("does not find libm.so.6 in"));
    let (_dir, root) = debian_root(&["musl"]);
    let mut program = fs::read(out.join("musl")).expect("it is built");
    let name = program.windows(8).position(|bytes| bytes == b"libc.so\0").expect("its only library");
    program[name + 3] = b'q';
    fs::write(root.join("usr/bin/musl"), program).expect("the program is written");
    fs::set_permissions(root.join("usr/bin/musl"), fs::Permissions::from_mode(0o755)).expect("it is executable");
    assert!(advice(remu(&root, &["usr/bin/musl"])).contains("does not find libq.so in"));
}

#[test]
fn a_program_that_exits_with_127_is_not_explained() {
    let (_dir, root) = debian_root(&["libc6", "dash"]);
    let ran = remu(&root, &["usr/bin/dash", "-c", "exit 127"]);
    assert_eq!((ran.status, text(&ran.stderr).as_str()), (Status::Exit(127), ""));
}
