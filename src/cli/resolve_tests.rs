//! Settings from options and environment variables.

use super::*;
use remu_isa::Ext;
use std::ffi::CStr;

/// Resolves a command line and an environment, both separated by spaces.
fn run(line: &str, environ: &str) -> Result<Action, String> {
    resolve(start(line, environ)).map_err(|e| e.to_string())
}

fn start(line: &str, environ: &str) -> Start {
    let words = std::iter::once("remu").chain(line.split(' ').filter(|w| !w.is_empty())).map(OsString::from);
    let environ = environ.split(' ').filter_map(|v| v.split_once('=')).map(|(n, v)| (n.into(), v.into()));
    Start {
        words: words.collect(),
        environ: environ.collect(),
        registered: None,
        is_secure: false,
        is_handed_on: false,
        directory: PathBuf::from("/work/dir"),
    }
}

fn settings(line: &str, environ: &str) -> Settings {
    match run(line, environ) {
        Ok(Action::Run(s)) => *s,
        other => panic!("{line}: {other:?}"),
    }
}

fn error(line: &str, environ: &str) -> String {
    run(line, environ).expect_err(line)
}

fn list(strings: &[CString]) -> Vec<&str> {
    strings.iter().map(|s| s.to_str().unwrap()).collect()
}

#[test]
fn options_after_the_program_are_the_programs() {
    let s = settings("./p --help -L x -- -strace", "A=1 B=");
    assert_eq!(s.program.to_str(), Some("./p"));
    assert_eq!(list(&s.argv), ["./p", "--help", "-L", "x", "--", "-strace"]);
    assert_eq!(list(&s.envp), ["A=1", "B="]);
    assert_eq!((s.prefix, s.uname, s.seed, s.log_file), (None, None, None, None));
    assert_eq!((s.log, s.one_insn_per_block, s.cpu), (LogItems::default(), false, CpuModel::default()));
    assert_eq!(list(&settings("-0 zero p x", "").argv), ["zero", "x"]);
    assert_eq!(list(&settings("p x", "QEMU_ARGV0=q").argv), ["q", "x"]);
}

#[test]
fn the_environment_is_changed_in_order() {
    let envp = |line: &str, environ: &str| {
        settings(line, environ).envp.iter().map(|s| s.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(envp("-E A=1,B=2 p", "A=0"), ["A=1", "B=2"]);
    assert_eq!(envp("-E A=1 -U A p", "C=3"), ["C=3"]);
    assert_eq!(envp("-U A -E A=x=y p", "A=0"), ["A=x=y"]);
    assert_eq!(envp("-U A,C p", "A=0 B=1 C=2"), ["B=1"]);
    let by_variable = "QEMU_SET_ENV=A=1,B=1 REMU_UNSET_ENV=B REMU_SET_ENV=A=2";
    assert_eq!(&envp("-E B=3 p", by_variable)[3..], ["A=2", "B=3"]);
    assert_eq!(error("-E A p", ""), "-E 'A': write NAME=VALUE,...");
    assert!(error("-E A=x,y p", "").starts_with("-E 'A=x,y': write NAME=VALUE,...; for a value with a comma"));
    assert_eq!(error("-E =x p", ""), "-E '=x': write NAME=VALUE,...");
    assert_eq!(error("p", "QEMU_SET_ENV=A"), "QEMU_SET_ENV 'A': write NAME=VALUE,...");
    assert_eq!(error("-U A=1 p", ""), "-U 'A=1': write NAME,...");
}

#[test]
fn an_option_overrides_remu_variables_which_override_qemu_variables() {
    let cpu = |line: &str, environ: &str| settings(line, environ).cpu.name;
    assert_eq!(cpu("p", "QEMU_CPU=rv64gc"), "rv64gc");
    assert_eq!(cpu("p", "QEMU_CPU=nonsense REMU_CPU=rva20u64"), "rva20u64");
    assert_eq!(cpu("-cpu max p", "QEMU_CPU=nonsense REMU_CPU=rva20u64"), "max");
    assert_eq!(cpu("-cpu rv64gc -cpu rva22u64 p", ""), "rva22u64");
    assert!(settings("-cpu rv64gc,zba=on p", "").cpu.exts.contains(Ext::Zba));
    assert_eq!(error("-cpu pdp11 p", ""), "-cpu: no CPU model 'pdp11'; -cpu list shows them");
    assert_eq!(error("p", "QEMU_CPU=pdp11"), "QEMU_CPU: no CPU model 'pdp11'; -cpu list shows them");
}

#[test]
fn sizes_and_numbers_are_parsed_completely() {
    assert_eq!(error("--mmu sv57 p", ""), "--mmu 'sv57': only sv39 and sv48 are supported");
    assert_eq!((settings("p", "").mmu, settings("-mmu sv39 p", "REMU_MMU=sv48").mmu), (Mmu::Sv48, Mmu::Sv39));
    assert_eq!(settings("p", "REMU_MMU=sv39").mmu.limit().0, 1 << 38);
    assert!(settings("p", "").aslr && !settings("--no-aslr p", "").aslr && !settings("p", "REMU_NO_ASLR=1").aslr);
    let size = |s: &str| settings("p", &format!("REMU_STACK_SIZE={s}")).stack_size.unwrap();
    assert_eq!(
        [size("4096"), size("64k"), size("16M"), size("1G"), size("0x10000")],
        [4096, 65536, 16 << 20, 1 << 30, 65536]
    );
    assert_eq!(settings("-s 2M p", "QEMU_STACK_SIZE=bad").stack_size, Some(2 << 20));
    let why = "not a size: a number with an optional suffix k, M or G";
    for bad in ["x", "12q", "M", "-1", "+1", "1.5M", "0x"] {
        assert_eq!(error(&format!("-s {bad} p"), ""), format!("-s '{bad}': {why}"));
    }
    assert_eq!(
        error("-s 0 p", ""),
        "-s '0': the stack size must be at least 4096; the limit of strings in the system call log is --strace-string-limit"
    );
    assert!(error("-s 200 -strace p", "").starts_with("-s '200': the stack size must be at least 4096"));
    assert!(error("-r -strace p", "").starts_with("-r '-strace': -r is the kernel release"));
    assert_eq!(error("-s 99999999999G p", ""), "-s '99999999999G': too large");
    assert_eq!(settings("-seed 12 p", "").seed, Some(12));
    assert_eq!(settings("p", "QEMU_RAND_SEED=0xff").seed, Some(255));
    assert_eq!(error("-seed 1x p", ""), "-seed '1x': not a number of at most 64 bits");
    assert_eq!(settings("-r 6.6.1 p", "QEMU_UNAME=1").uname.as_deref(), Some("6.6.1"));
    assert_eq!(
        error(&format!("-r {} p", "x".repeat(65)), ""),
        format!("-r '{}': longer than 64 bytes", "x".repeat(65))
    );
}

#[test]
fn log_items_accumulate() {
    let s = settings("-d strace,in_asm -d unimp p", "QEMU_LOG=nonsense");
    assert!(s.log.strace && s.log.trace.in_asm && s.log.unimp && !s.log.page);
    assert!(settings("-strace p", "").log.strace && settings("p", "QEMU_STRACE=").log.strace);
    assert!(settings("p", "QEMU_LOG=page").log.page);
    assert!(settings("-one-insn-per-tb p", "").one_insn_per_block);
    assert!(
        settings("p", "QEMU_SINGLESTEP=1").one_insn_per_block
            && settings("p", "REMU_ONE_INSN_PER_TB=").one_insn_per_block
    );
    assert_eq!(error("-d foo p", ""), "-d: no log item 'foo'; -d help lists them");
    assert_eq!(error("p", "REMU_LOG=op"), "REMU_LOG: log item 'op' is not supported yet; -d help lists those that are");
    assert_eq!(
        settings("-D /tmp/l.%d.%d p", "").log_file.unwrap().shown().to_str().unwrap(),
        format!("/tmp/l.{0}.{0}", std::process::id())
    );
}

#[test]
fn strace_options_are_applied() {
    use crate::linux::strace::{PidStyle, Timestamps};
    let s = settings("p", "");
    assert!(!s.log.strace && s.strace.lines && !s.strace.summary && s.strace_file.is_none());
    for options in ["-e read", "-c", "-C", "-o f", "-f", "-T", "--strace-timestamps=s", "--strace-string-limit 9"] {
        assert!(settings(&format!("{options} p"), "").log.strace, "{options}");
    }
    let s = settings("-c -f -o f.%d -T --strace-string-limit=0x40 --strace-timestamps relative p", "");
    assert_eq!((s.strace.lines, s.strace.summary, s.strace.durations, s.strace.string_limit), (false, true, true, 64));
    assert_eq!((s.strace.pids, s.strace.timestamps), (Some(PidStyle::Plain), Some(Timestamps::Relative)));
    assert_eq!(s.strace_file.unwrap().shown().to_str().unwrap(), format!("f.{}", std::process::id()));
    let s = settings("-C -f p", "");
    assert_eq!((s.strace.lines, s.strace.summary, s.strace.pids), (true, true, Some(PidStyle::Marked)));
    let s = settings("-e trace=read -e status=failed p", "");
    assert!(s.strace.filter.has_call(63) && !s.strace.filter.has_call(64) && !s.strace.filter.has_every_status());
    assert_eq!(error("-e trace=/( p", "").split(": ").next(), Some("-e 'trace=/('"));
    assert_eq!(error("--strace-string-limit 2000000 p", ""), "--strace-string-limit '2000000': more than 1048576");
}

#[test]
fn options_that_print_need_no_program() {
    let text = |line: &str| match run(line, "") {
        Ok(Action::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(text("-version"), format!("remu {}\n", env!("CARGO_PKG_VERSION")));
    assert!(text("-h").contains("PROGRAM") && text("--help").contains("-one-insn-per-tb"));
    assert!(text("-cpu list") == text("-cpu help") && text("-cpu list").contains("rva23u64"));
    assert!(text("-d help").contains("in_asm"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&format!("--completions {shell}")).contains("remu"));
    }
    assert_eq!(error("", ""), "no program given; usage: remu [OPTIONS] PROGRAM [ARGS...]");
    assert!(error("--completions cshell", "").starts_with("invalid value 'cshell' for '--completions <SHELL>'"));
}

#[test]
fn unsupported_variables_are_named() {
    for u in UNSUPPORTED {
        for prefix in ["QEMU", "REMU"] {
            let name = format!("{prefix}_{}", u.variable);
            let expected = format!("{name} is set but not supported yet: {}; unset it", u.what);
            assert_eq!(error("p", &format!("{name}=1")), expected);
        }
    }
}

#[test]
fn the_prefix_must_be_a_directory() {
    assert_eq!(settings("-L / p", "").prefix.unwrap().to_str(), Some("/"));
    assert_eq!(settings("p", "QEMU_LD_PREFIX=/").prefix.unwrap().to_str(), Some("/"));
    assert_eq!(error("-L /nonexistent p", ""), "-L '/nonexistent': No such file or directory (os error 2)");
    assert!(error("-L /dev/null p", "").starts_with("-L '/dev/null': not a directory"));
}

#[test]
fn clap_finds_nothing_wrong_with_the_definitions() {
    Options::command().debug_assert();
}

/// Resolves the command line that binfmt_misc makes for `path`. `has_argv0`: the registration has flag P.
fn executed(line: &str, environ: &str, has_argv0: bool, path: &CStr) -> Settings {
    let registered = Registered { has_argv0, file: None, path: path.to_owned() };
    match resolve(Start { registered: Some(registered), ..start(line, environ) }) {
        Ok(Action::Run(s)) => *s,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn arguments_from_binfmt_misc_are_never_options() {
    let s = executed("./p name -L x", "", true, c"./p");
    assert_eq!((s.program.to_str(), list(&s.argv)), (Some("./p"), vec!["name", "-L", "x"]));
    let s = executed("-p -strace", "", true, c"-p");
    assert_eq!((s.program.to_str(), list(&s.argv), s.log.strace), (Some("-p"), vec!["-strace"], false));
    let s = executed("./p -L x", "", false, c"./p");
    assert_eq!((s.program.to_str(), list(&s.argv)), (Some("./p"), vec!["./p", "-L", "x"]));
    let s = executed("/bin/sh /bin/sh -e ./script", "REMU_STRACE=1", true, c"./script");
    assert_eq!((s.given_path.to_str(), list(&s.argv)), (Some("./script"), vec!["/bin/sh", "-e", "./script"]));
    assert!(s.log.strace, "variables are read");
    let s = executed("./p name", "REMU_ARGV0=other", true, c"./p");
    assert_eq!(list(&s.argv), ["other"]);
    let none = Registered { has_argv0: true, file: None, path: c"".into() };
    assert!(resolve(Start { registered: Some(none), ..start("", "") }).is_err());
}

#[test]
fn variables_are_ignored_if_the_program_has_more_privileges_than_its_caller() {
    let start = Start { is_secure: true, ..start("./p", "REMU_LD_PREFIX=/nowhere QEMU_LOG=strace REMU_GDB=1 A=1") };
    let Ok(Action::Run(s)) = resolve(start) else { panic!("they are read") };
    assert_eq!((s.prefix, s.log.strace), (None, false));
    assert_eq!(s.envp.len(), 4, "they are the program's");
}
