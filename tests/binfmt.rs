//! remu registered with binfmt_misc: a riscv64 program sees the same arguments, auxiliary vector and /proc as the same
//! C program executed natively. The registration is in a private user namespace.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{build_dir, build_programs, root};

/// The requirements of the test.
const NEEDS: &str = "a private binfmt_misc takes Linux 6.7 or later, with user namespaces and binfmt_misc; \
                     `unshare` is in Debian's util-linux";

/// The repository's registration, for the built remu and with these flags.
fn registration(flags: &str) -> String {
    let file = fs::read_to_string(root().join("binfmt.d/remu-riscv64.conf")).expect("the registration");
    let line = file.lines().find(|line| line.starts_with(':')).expect("a registration line");
    let (magic, _) = line.rsplit_once(":/").expect("a path");
    format!("{magic}:{}:{flags}", env!("CARGO_BIN_EXE_remu"))
}

/// The output of a command in `folder`, with remu registered with these flags.
fn output_of(flags: &str, folder: &Path, command: &[&str]) -> String {
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--mount"]).arg(root().join("tests/binfmt.sh")).arg(registration(flags));
    inside.args(command).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin").stdin(Stdio::null());
    let output = inside.output().unwrap_or_else(|e| panic!("unshare: {e}: {NEEDS}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "flags {flags:?}, {command:?}: {}: {errors}\n{NEEDS}", output.status);
    assert!(errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Two folders with the same names: `native` has programs for the host, `riscv64` for the guest.
fn folders() -> tempfile::TempDir {
    let out = build_dir("binfmt");
    build_programs("testprogs/binfmt/programs.list", &out);
    let base = tempfile::tempdir().expect("a temporary folder");
    for side in ["native", "riscv64"] {
        let folder = base.path().join(side);
        fs::create_dir(&folder).expect("a folder");
        for (name, program) in [("told", "told"), ("-strace", "told"), ("told-static", "told-static")] {
            fs::copy(out.join(side).join(program), folder.join(name)).expect("a program");
        }
        for (name, text) in [("script", "#!./told -x y\n"), ("again", "#!/told-static --by-path\n")] {
            let script = folder.join(name);
            fs::write(&script, text).expect("a script");
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a script that may be executed");
        }
    }
    base
}

/// The outputs on both sides, without the folders' names.
fn both(base: &Path, flags: &str, command: &[&str]) -> (String, String) {
    let side = |side: &str| {
        let folder = base.join(side);
        output_of(flags, &folder, command).replace(folder.to_str().expect("text"), "FOLDER")
    };
    (side("native"), side("riscv64"))
}

#[test]
fn with_flag_p_a_program_sees_no_difference() {
    let base = folders();
    let launcher = base.path().join("native/told");
    let launcher = launcher.to_str().expect("text");
    for flags in ["P", "PF", "PO", "POF", "POCF", "PC"] {
        for command in [
            &["bash", "-c", "exec -a name ./told -L x --help ''"][..],
            &["bash", "-c", "exec -a '' ./told"],
            &["bash", "-c", "PATH=; exec -a -- ./-strace -c"],
            &["bash", "-c", "exec ./script one"],
            &["bash", "-c", "exec -a name ./told <&- 5</dev/null"],
            &[launcher, "--by-descriptor", "told", "name", "-d", "help"],
        ] {
            let (native, guest) = both(base.path(), flags, command);
            assert_eq!(guest, native, "flags {flags:?}, {command:?}");
        }
    }
}

#[test]
fn without_flag_p_argv0_is_the_path() {
    let base = folders();
    for flags in ["", "F", "O", "OF", "C"] {
        let (native, guest) = both(base.path(), flags, &["bash", "-c", "exec -a $PWD/told ./told -L x"]);
        assert_eq!(guest, native, "flags {flags:?}");
        let (_, guest) = both(base.path(), flags, &["bash", "-c", "exec -a name ./told -L x"]);
        assert_eq!(guest, native, "flags {flags:?}");
    }
    // With flag O, AT_EXECFN is the script.
    let (native, guest) = both(base.path(), "O", &["bash", "-c", "exec ./script one"]);
    assert_eq!(guest, native);
}

/// With flag F the kernel finds remu where no path leads to it.
#[test]
fn in_a_chroot_without_proc_a_program_executes_others() {
    let base = folders();
    let again = "/told-static --by-path /told-static first --by-path /told-static name one -d";
    for flags in ["F", "OF", "FC", "PF", "POF", "POCF"] {
        for command in [format!("chroot . {again}"), "chroot . /again one two three".into()] {
            let words: Vec<_> = command.split(' ').collect();
            let (native, guest) = both(base.path(), flags, &words);
            assert!(native.contains("argv[1]: "), "{native}");
            assert_eq!(guest, native, "flags {flags:?}, {command:?}");
        }
    }
}

/// Without flag F, remu is found by its path inside the root, and executes its own file.
#[test]
fn in_a_chroot_remu_executes_the_file_that_lies_there() {
    let base = folders();
    let folder = base.path().join("riscv64");
    let inside = folder.join(env!("CARGO_BIN_EXE_remu").trim_start_matches('/'));
    fs::create_dir_all(inside.parent().expect("a folder")).expect("folders");
    fs::copy(env!("CARGO_BIN_EXE_remu"), inside).expect("a copy of remu");
    let again = ["chroot", ".", "/told-static", "--by-path", "/told-static", "name", "one"];
    for flags in ["", "O", "P"] {
        let (native, guest) = both(base.path(), flags, &again);
        assert_eq!(guest, native, "flags {flags:?}");
    }
}
