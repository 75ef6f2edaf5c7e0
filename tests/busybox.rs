//! Debian's riscv64 busybox-static under remu, compared with its amd64 build on the host: standard output, standard
//! error, status and the resulting files are equal byte by byte.
//!
//! The packages come from one suite (`tests/debian/fetch.sh`). Nothing here depends on their version. The times are
//! written to `busybox-times.txt` in cargo's target directory.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::files::{self, snapshot, split};
use common::{Outcome, Status, build_dir, in_parallel, run, script};

const LIMIT: Duration = Duration::from_secs(180);

/// A task for an applet, or for a few in a row.
struct Check {
    name: &'static str,
    /// Command lines, words separated by blanks or quoted with `'`; `<FILE` at the end is standard
    /// input and `>FILE` keeps standard output for the next step.
    steps: &'static [&'static str],
    /// The status of every step.
    status: i32,
    /// Whether it changes files, and so needs a folder for each side.
    writes: bool,
}

const fn reads(name: &'static str, steps: &'static [&'static str]) -> Check {
    Check { name, steps, status: 0, writes: false }
}

const fn writes(name: &'static str, steps: &'static [&'static str]) -> Check {
    Check { name, steps, status: 0, writes: true }
}

const CHECKS: &[Check] = &[
    reads(
        "sh: arithmetic and loops",
        &[
            "sh -c 'i=0; s=0; while [ $i -lt 20000 ]; do s=$(( (s * 31 + i) % 1000003 )); i=$((i + 1)); done; echo $s $((1 << 40)) $((-7 / 2)) $((0x7f & ~3)) $((5 > 3 ? 1 : 2))'",
        ],
    ),
    reads(
        "sh: words, functions, case",
        &[
            "sh -c 'f() { local n=$1; shift; case $n in [0-9]*) echo number $n \"$@\";; *) echo word \"$n\" $#;; esac; }; for w in 12 abc 7x; do f $w a \"b c\"; done; v=path/to/file.tar.gz; echo ${v##*/} ${v%%.*} ${v#*/} ${#v} ${u:-default} ${v:+set}; set -- x y z; echo $# \"$*\"; IFS=:; r=a:b:c; set -- $r; echo $2; printf \"%s-%05d\\n\" text 42; eval \"e=\\$v\"; echo $e; umask 027; umask; trap \"echo leaving\" EXIT; test -d . && [ -f text ] && echo there'",
        ],
    ),
    reads(
        "sh: read",
        &[
            "sh -c 'n=0; c=0; while read -r first rest; do n=$((n + 1)); c=$((c + ${#rest})); done; echo $n $c $first' <text",
            "sh -c 'while IFS=, read -r a b; do echo \"$b=$a\"; done <<END\n1,one\n2,two\nEND'",
        ],
    ),
    Check { name: "sh: errors", steps: &["sh -c 'nosuchcommand'"], status: 127, writes: false },
    Check { name: "sh: syntax", steps: &["sh -c 'if then'"], status: 2, writes: false },
    reads("sha256sum", &["sha256sum text blob numbers", "sha256sum -c sums"]),
    reads("md5sum", &["md5sum text blob numbers", "md5sum <blob"]),
    reads("sha1sum, sha512sum, sha3sum", &["sha1sum blob", "sha512sum blob", "sha3sum blob"]),
    reads("sort", &["sort text", "sort -n numbers", "sort -k2,2 -k1nr -t, table", "sort -ru text"]),
    reads("uniq", &["uniq -c sorted", "uniq -d sorted", "uniq -u sorted"]),
    reads(
        "awk",
        &[
            "awk '{ n[$1]++; len += length($0) } END { for (w in n) if (n[w] > 100) s += n[w]; print NR, len, s }' text",
            "awk -F, '{ sum[$2] += $3; if ($3 > max) max = $3 } END { printf \"%.6f %d %s\\n\", sum[3], max, substr(\"abcdef\", 2, 3) }' table",
            "awk 'BEGIN { for (i = 1; i < 3000; i++) x += i / 7 - int(i / 7) * 0.125; printf \"%.8g %s %x\\n\", x, toupper(\"abc\"), 255; print match(\"foobar\", /o+/), RSTART, RLENGTH; s = \"a-b-c\"; gsub(/-/, \"+\", s); print s, index(s, \"b\"), split(\"x y z\", p), p[3] }'",
        ],
    ),
    reads(
        "sed",
        &[
            "sed -n '/fa.*t/{s/\\([a-z]*\\) \\([a-z]*\\)/\\2 \\1/gp}' text",
            "sed -e '1,10d' -e 's/e/E/2' -e 'y/abc/xyz/' -e '$!N;P;D' text",
        ],
    ),
    reads(
        "grep",
        &[
            "grep -n 'r[aeiou]g' text",
            "grep -vc the text",
            "grep -o -E '(load|store)s?' text",
            "grep -F -i MACHINE text",
        ],
    ),
    Check { name: "grep: nothing found", steps: &["grep zzzzz text"], status: 1, writes: false },
    writes(
        "gzip and gunzip",
        &["gzip -k text", "gzip -9 blob", "gunzip -c text.gz", "gunzip blob.gz", "cmp blob again"],
    ),
    writes(
        "bzip2 and bunzip2",
        &["bzip2 -k text", "bzip2 -9 blob", "bunzip2 -c text.bz2", "bunzip2 blob.bz2", "cmp blob again"],
    ),
    reads("xz -d", &["xz -dc text.xz", "xz -dc blob.xz"]),
    reads("lzma -d", &["lzma -dc text.lzma"]),
    reads("tar create", &["tar cf - tree text", "tar -c --numeric-owner --no-recursion tree tree/source1.c tree/link"]),
    writes("tar extract", &["tar xvf tree.tar", "tar tvf tree.tar", "tar -xOf tree.tar tree/sub/big"]),
    reads(
        "find",
        &[
            "find . -type f -size +2k",
            "find tree -name '*.c' -o -type l",
            "find . -newer old -type f",
            "find tree -maxdepth 1 -type d -perm -700",
        ],
    ),
    reads("wc", &["wc text blob numbers", "wc -L text", "wc -l <numbers"]),
    reads("cut", &["cut -c 3-9,15- text", "cut -d, -f 2,3 table", "cut -d ' ' -f 2- -s text"]),
    reads("tr", &["tr a-z A-Z <text", "tr -cd '[:alnum:]\\n' <blob", "tr -s ' e' '_' <text"]),
    reads("od", &["od blob", "od -A x -t x1 -v blob", "od -t d4 -j 100 -N 5000 blob", "od -t f8 -N 4096 blob"]),
    reads("xxd", &["xxd blob", "xxd -p text", "xxd -r -p hex"]),
    reads("hexdump", &["hexdump -C blob"]),
    reads("dc", &["dc -e '2 1000 ^ p 40 k 2 v p 17 3 / p [la1+dsa20>b]sb 0sa lbx lap'"]),
    reads("bc", &["bc -l <sums.bc"]),
    reads("expr", &["expr 6 '*' 7", "expr length abcdef", "expr abc123 : '[a-z]*\\([0-9]*\\)'", "expr 17 % 5 + 3"]),
    Check { name: "expr: division by zero", steps: &["expr 1 / 0"], status: 2, writes: false },
    reads(
        "printf",
        &[
            "printf '%s|%5d|%-8s|%x|%o|%e|%.3f|%g|%c\\n' text 42 left 255 8 1234.5678 3.14159 1e-10 q",
            "printf '%b\\n' 'a\\tb\\\\c\\0101'",
        ],
    ),
    reads(
        "date",
        &[
            "date -u -d @0",
            "date -u -d @1234567890 '+%F %T %a %j %s'",
            "date -u -d '2031-02-03 04:05:06' +%s",
            "date -u -d @253402300799",
        ],
    ),
    Check { name: "date: nonsense", steps: &["date -u -d nonsense"], status: 1, writes: false },
    reads("ls -l", &["ls -l", "ls -lan tree", "ls -liR tree", "ls -1S --color=never", "ls -lt"]),
    reads(
        "stat",
        &["stat old", "stat -c '%n %s %f %a %A %h %u %g %U %Y %F %N' text tree tree/link old", "stat -f -c '%S %l' ."],
    ),
    writes(
        "cp",
        &["cp text copy", "cp -a tree other", "cp -p old kept", "cmp text copy", "cp -l text hard", "cp -s text soft"],
    ),
    writes("mv", &["mv text tree/moved", "mv blob renamed", "mv tree grove", "ls grove/sub"]),
    writes("ln", &["ln text hard", "ln -s text soft", "ln -sf blob soft", "readlink soft", "stat -c %h hard"]),
    writes("rm", &["rm text blob", "rm -r tree", "rm -f nothing", "find . -name text"]),
    Check { name: "rm: missing", steps: &["rm nothing"], status: 1, writes: true },
    reads("head", &["head -n 1500 text", "head -c 100001 blob", "head -n -100 numbers", "head -q -n 3 text numbers"]),
    reads("tail", &["tail -n 1500 text", "tail -c 100001 blob", "tail -n +1900 numbers", "tail -n 5 text numbers"]),
    reads("cmp", &["cmp blob again"]),
    Check { name: "cmp: different", steps: &["cmp text edited", "cmp -l text edited"], status: 1, writes: false },
    Check {
        name: "diff",
        steps: &["diff text edited", "diff -u text edited", "diff -r tree changed"],
        status: 1,
        writes: false,
    },
    reads("cksum", &["cksum text blob", "cksum <numbers"]),
    reads("crc32", &["crc32 text blob numbers"]),
    reads("cat, tac, rev, nl", &["cat -n text", "tac text", "rev text", "nl numbers"]),
    reads("base64, uuencode", &["base64 blob", "base64 -d coded", "uuencode -m name <blob"]),
    reads(
        "paste, expand, fold",
        &["paste text numbers", "fold -w 30 text", "expand -t 4 table", "factor 600851475143 4294967291 1099511627776"],
    ),
    writes(
        "dd, truncate, touch, chmod, mkdir",
        &[
            "dd if=blob of=part bs=1000 skip=3 count=70",
            "truncate -s 12345 text",
            "touch -d @1000000000 text",
            "chmod 0641 text",
            "mkdir -p a/b/c",
            "stat -c '%n %s %a %Y' text",
        ],
    ),
    writes("patch, ed", &["patch text change", "cmp text edited", "ed -s edited <script"]),
    reads("cpio, seq", &["cpio -o -H newc <names", "seq 1 3 30000"]),
    reads("id, uname, env", &["id", "uname -s", "env", "pwd"]),
];

/// Writes the inputs. All time stamps are in the past, so that changes show.
fn generate(dir: &Path) {
    files::generate(dir);
    let put = |name: &str, data: &[u8]| files::put(dir, name, data);
    let blob = fs::read(dir.join("blob")).expect("it was just written");
    put("hex", blob.iter().map(|b| format!("{b:02x}")).collect::<String>().as_bytes());
    put("script", b"100i\nby ed\n.\n/changed/d\n$-2,$w part\nw\nq\n");
    put("sums.bc", b"scale = 60\n4 * a(1)\ne(1)\nsqrt(2)\n2 ^ 500 / 7 ^ 30\ndefine f(n) {\nif (n < 2) return (1)\nreturn (n * f(n - 1))\n}\nf(60)\n");
    put("names", b"text\ntree\ntree/source3.c\ntree/sub\ntree/sub/big\n");

    // Inputs that take another program come from the host's.
    for (name, command) in [
        ("text.xz", "xz -9 -c text"),
        ("blob.xz", "xz -c blob"),
        ("text.lzma", "xz --format=lzma -c text"),
        ("sums", "sha256sum text blob numbers"),
        ("coded", "base64 blob"),
        ("change", "diff -u text edited"),
        ("tree.tar", "tar cf - --format=gnu --sort=name tree"),
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let out = Command::new(words[0]).args(&words[1..]).current_dir(dir).output();
        let out = out.unwrap_or_else(|e| panic!("{}: {e}: apt-get install xz-utils coreutils diffutils tar", words[0]));
        assert!(out.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
        put(name, &out.stdout);
    }
    files::age(dir);
}

fn step(mut command: Command, step: &str, dir: &Path) -> Outcome {
    let mut words = split(step);
    let last = words.last().cloned().unwrap_or_default();
    let redirected = last.strip_prefix('<').filter(|name| !name.contains(char::is_whitespace));
    let stdin = redirected.map(|name| fs::read(dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}")));
    if stdin.is_some() {
        words.pop();
    }
    command.args(words).current_dir(dir).env_clear();
    command.envs([("LC_ALL", "C"), ("TZ", "UTC0"), ("PATH", "/usr/bin:/bin"), ("HOME", "/")]);
    run(&mut command, stdin.unwrap_or_default(), LIMIT)
}

/// Copies the inputs with the host's `cp`, which preserves times, modes and links.
fn copy(from: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(dir.path()).status();
    assert!(status.is_ok_and(|s| s.success()), "copying the inputs failed");
    dir
}

/// Runs a check on both sides and returns the failure, if any, and the times.
fn try_check(check: &Check, inputs: &Path, native: &Path, guest: &Path) -> (Result<(), String>, [Duration; 2]) {
    let copies = check.writes.then(|| [copy(inputs), copy(inputs)]);
    let dirs = copies.as_ref().map_or([inputs; 2], |c| [c[0].path(), c[1].path()]);
    let mut times = [Duration::ZERO; 2];
    for line in check.steps {
        let mut emulated = Command::new(env!("CARGO_BIN_EXE_remu"));
        emulated.arg(guest);
        let want = step(Command::new(native), line, dirs[0]);
        let got = step(emulated, line, dirs[1]);
        times[0] += want.elapsed;
        times[1] += got.elapsed;
        if let Err(message) = common::compare(&want, &got, Status::Exit(check.status)) {
            return (Err(format!("{line}: {message}")), times);
        }
    }
    if check.writes {
        let [want, got] = dirs.map(snapshot);
        let names: Vec<_> = want.keys().chain(got.keys()).filter(|name| want.get(*name) != got.get(*name)).collect();
        if !names.is_empty() {
            return (Err(format!("files differ: {names:?}")), times);
        }
    }
    (Ok(()), times)
}

#[test]
fn busybox_agrees_with_its_host_build() {
    let listing = script("tests/debian/fetch.sh", &[Path::new("busybox-static")]);
    println!("{listing}");
    let busybox = |arch: &str| {
        let line = listing.lines().find(|l| l.starts_with(arch)).expect("a line for each architecture");
        let folder = line.splitn(3, ' ').nth(2).expect("the folder is the third word");
        let found = ["usr/bin/busybox", "bin/busybox"].map(|name| Path::new(folder).join(name));
        found.into_iter().find(|p| p.exists()).unwrap_or_else(|| panic!("no busybox in {folder}"))
    };
    let (native, guest) = (busybox("amd64"), busybox("riscv64"));
    let inputs = tempfile::tempdir().expect("a temporary folder");
    generate(inputs.path());

    // An applet that both packages lack is reported, not counted.
    let list = String::from_utf8(step(Command::new(&native), "--list", inputs.path()).stdout).expect("applet names");
    let known: Vec<&str> = list.lines().collect();
    let missing = |check: &Check| check.steps.iter().any(|s| !known.contains(&s.split(' ').next().unwrap_or_default()));
    let (absent, checks): (Vec<&Check>, Vec<&Check>) = CHECKS.iter().partition(|c| missing(c));
    assert!(absent.len() <= 3, "the package lacks {:?}", absent.iter().map(|c| c.name).collect::<Vec<_>>());

    let results = in_parallel(&checks, |check| try_check(check, inputs.path(), &native, &guest));
    let mut report = format!("{:40} {:>9} {:>9}\n", "busybox", "native s", "remu s");
    let mut failures = Vec::new();
    for (check, (result, [native, emulated])) in checks.iter().zip(&results) {
        let name = check.name;
        let verdict = if result.is_ok() { "" } else { "  FAILED" };
        let _ = writeln!(report, "{name:40} {:9.3} {:9.3}{verdict}", native.as_secs_f64(), emulated.as_secs_f64());
        if let Err(message) = result {
            failures.push(format!("{name}: {message}"));
        }
    }
    for check in absent {
        let _ = writeln!(report, "{:40} not in the package", check.name);
    }
    print!("{report}");
    let path = build_dir("busybox-times.txt");
    fs::write(&path, &report).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(failures.is_empty(), "{} of {} checks:\n{}", failures.len(), checks.len(), failures.join("\n"));
}
