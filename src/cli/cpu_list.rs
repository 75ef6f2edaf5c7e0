//! What `-cpu list` prints.

use crate::guest::riscv::profiles::{PROFILES, Support, join, support};
use remu_isa::{Ext, ExtSet};

/// The CPU models and extensions, and what is missing.
pub fn cpu_list() -> String {
    let mut text = String::from("CPU models (-cpu MODEL[,EXT=on|off]...):\n");
    for p in PROFILES {
        text.push_str(&format!("  {:<10} {}", p.name, p.summary));
        if !p.missing().is_empty() {
            text.push_str(&format!("; not available, lacks {}", join(p.missing())));
        }
        text.push('\n');
    }
    let of = |wanted| Ext::ALL.into_iter().filter(|&e| support(e) == wanted).collect::<ExtSet>();
    for (title, wanted) in [
        ("On in max", Support::Standard),
        ("Off unless asked for", Support::OnRequest),
        ("Not implemented yet", Support::Missing),
    ] {
        text.push_str(&format!("\n{title}:\n"));
        wrap(&mut text, &join(of(wanted)));
    }
    text
}

/// Breaks a list of words into indented lines.
fn wrap(text: &mut String, list: &str) {
    let mut column = 0;
    for word in list.split(' ') {
        if column + word.len() > 76 || column == 0 {
            text.push_str(if column == 0 { "  " } else { "\n  " });
            column = 2;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}
