//! The initial stack, byte by byte.

use super::*;
use std::collections::BTreeMap;

const TOP: u64 = 0x5500_0000_0000 - 0x1000;

fn strings(list: &[&str]) -> Vec<CString> {
    list.iter().map(|s| CString::new(*s).unwrap()).collect()
}

const PLACED: Placed = Placed { bias: 0, entry: GuestAddr(0x10400), phdr: GuestAddr(0x10040), brk: GuestAddr(0x15000) };

fn request<'a>(argv: &'a [CString], envp: &'a [CString], path: &'a CStr) -> StackRequest<'a> {
    StackRequest {
        top: GuestAddr(TOP),
        size: 8 << 20,
        argv,
        envp,
        path,
        random: *b"0123456789abcdef",
        shift: 0,
        placed: &PLACED,
        phnum: 3,
        auxv: Auxv {
            hwcap: 0x112d,
            min_signal_stack: 1088,
            vdso: None,
            rseq: None,
            interpreter_base: GuestAddr(0),
            credentials: Credentials { uid: 1000, euid: 1001, gid: 1002, egid: 1003 },
            secure: false,
        },
    }
}

/// Reads an image back as a program would.
struct View<'a>(&'a StackImage);

impl View<'_> {
    fn at(&self, addr: u64) -> &[u8] {
        &self.0.bytes[(addr - self.0.sp.0) as usize..]
    }
    fn word(&self, addr: u64) -> u64 {
        u64::from_le_bytes(*self.at(addr).first_chunk().unwrap())
    }
    fn text(&self, addr: u64) -> &str {
        CStr::from_bytes_until_nul(self.at(addr)).unwrap().to_str().unwrap()
    }
    fn list(&self, mut addr: u64) -> (Vec<u64>, u64) {
        let mut words = Vec::new();
        while self.word(addr) != 0 {
            words.push(self.word(addr));
            addr += 8;
        }
        (words, addr + 8)
    }
}

#[test]
fn everything_is_where_the_kernel_puts_it() {
    let (argv, envp) = (strings(&["hello", "", "a b"]), strings(&["A=1", "LANG=C"]));
    let image = StackImage::build(&request(&argv, &envp, c"./hello")).unwrap();
    let v = View(&image);
    let sp = image.sp.0;
    assert_eq!(sp % 16, 0);
    assert_eq!(image.bytes.len() as u64, TOP - sp);
    assert_eq!(v.word(sp), 3);
    let (args, at) = v.list(sp + 8);
    assert_eq!(args.iter().map(|a| v.text(*a)).collect::<Vec<_>>(), ["hello", "", "a b"]);
    let (env, mut at) = v.list(at);
    assert_eq!(env.iter().map(|a| v.text(*a)).collect::<Vec<_>>(), ["A=1", "LANG=C"]);
    let auxv_at = at;
    let mut kinds = Vec::new();
    let mut aux = BTreeMap::new();
    loop {
        kinds.push(v.word(at));
        aux.insert(v.word(at), v.word(at + 8));
        at += 16;
        if kinds.last() == Some(&at::NULL) {
            break;
        }
    }
    let read: Vec<_> = (auxv_at..at).step_by(16).map(|a| (v.word(a), v.word(a + 8))).collect();
    assert_eq!(image.auxv, read);
    assert_eq!(kinds, [40, 41, 42, 43, 44, 45, 46, 47, 51, 16, 6, 17, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 23, 25, 31, 0]);
    let expected = [(16, 0x112d), (6, 4096), (17, 100), (3, 0x10040), (4, 56), (5, 3), (7, 0), (8, 0), (9, 0x10400)];
    let ids = [(11, 1000), (12, 1001), (13, 1002), (14, 1003), (23, 0), (51, 1088), (40, 0), (47, 0)];
    for (kind, value) in expected.into_iter().chain(ids) {
        assert_eq!(aux[&kind], value, "type {kind}");
    }
    assert_eq!(v.text(aux[&at::EXECFN]), "./hello");
    assert_eq!(&v.at(aux[&at::RANDOM])[..16], b"0123456789abcdef");
    assert_eq!(aux[&at::RANDOM] % 16, 0);
    // The strings are one block below the path, below eight zero bytes.
    assert_eq!(&image.bytes[image.bytes.len() - 8..], [0; 8]);
    assert_eq!((image.args.start.0, image.args.end), (args[0], image.env.start));
    assert_eq!((image.env.start.0, image.env.end.0), (env[0], aux[&at::EXECFN]));
    assert_eq!(aux[&at::EXECFN], TOP - 8 - 8);
}

#[test]
fn vdso_rseq_and_interpreter_have_auxv_entries() {
    let argv = strings(&["x"]);
    let mut r = request(&argv, &[], c"x");
    r.auxv.vdso = Some(GuestAddr(0x7000));
    r.auxv.rseq = Some((28, 32));
    r.auxv.interpreter_base = GuestAddr(0x8000);
    let image = StackImage::build(&r).unwrap();
    let aux = image.auxv;
    assert_eq!(aux[0], (at::SYSINFO_EHDR, 0x7000));
    for entry in [(at::RSEQ_FEATURE_SIZE, 28), (at::RSEQ_ALIGN, 32), (at::BASE, 0x8000)] {
        assert!(aux.contains(&entry), "{entry:?}");
    }
}

#[test]
fn sp_is_aligned_for_any_number_of_arguments() {
    for n in 0..9 {
        let argv = strings(&["abc"; 9][..n]);
        let image = StackImage::build(&request(&argv, &[], c"x")).unwrap();
        assert_eq!(image.sp.0 % 16, 0);
        assert_eq!(View(&image).word(image.sp.0), n as u64);
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let argv = strings(&["x".repeat(1000).as_str(); 100]);
    let mut r = request(&argv, &[], c"x");
    assert!(StackImage::build(&r).is_ok());
    r.size = 256 << 10;
    let error = StackImage::build(&r).unwrap_err().to_string();
    assert_eq!(
        error,
        "the arguments and the environment take 100902 bytes; a stack of 262144 has room for 65536: use -s"
    );
    let argv = strings(&["x".repeat(32 * 4096).as_str()]);
    let error = StackImage::build(&request(&argv, &[], c"x")).unwrap_err().to_string();
    assert_eq!(error, "an argument or environment string has 131073 bytes; Linux allows 131072");
}
