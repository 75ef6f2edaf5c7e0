//! Strings in quotes, escaped as in C.

fn escape(bytes: &[u8], text: &mut String) {
    for (i, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\r' => text.push_str("\\r"),
            0x0b => text.push_str("\\v"),
            0x0c => text.push_str("\\f"),
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(byte.into()),
            // A digit that follows would be read as part of a short octal escape.
            _ if bytes.get(i + 1).is_some_and(|next| next.is_ascii_digit()) => text.push_str(&format!("\\{byte:03o}")),
            _ => text.push_str(&format!("\\{byte:o}")),
        }
    }
}

/// The first of `len` bytes, up to the limit.
pub(super) fn quote_bytes(bytes: &[u8], len: u64, limit: usize) -> String {
    let shown = &bytes[..bytes.len().min(limit)];
    let mut text = String::from("\"");
    escape(shown, &mut text);
    text.push('"');
    if len > shown.len() as u64 {
        text.push_str("...");
    }
    text
}

/// A pathname, in full.
pub(super) fn quote_path(path: &[u8]) -> String {
    let mut text = String::from("\"");
    escape(path, &mut text);
    text.push('"');
    text
}

/// Binary data, in hexadecimal.
pub(super) fn quote_hex(bytes: &[u8], len: u64, limit: usize) -> String {
    let shown = &bytes[..bytes.len().min(limit)];
    let text: String = shown.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{text}\"{}", if len > shown.len() as u64 { "..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_escaped_as_in_c() {
        assert_eq!(quote_bytes(b"a\n\"\\\x01\x0012\x7f\xff", 10, 32), r#""a\n\"\\\1\00012\177\377""#);
    }

    #[test]
    fn long_strings_are_cut_and_paths_are_not() {
        let long = [b'x'; 40];
        assert_eq!(quote_bytes(&long, 40, 32), format!("\"{}\"...", "x".repeat(32)));
        assert_eq!(quote_bytes(&long[..32], 32, 32), format!("\"{}\"", "x".repeat(32)));
        assert_eq!(quote_bytes(&long, 40, 0), "\"\"...");
        assert_eq!(quote_hex(b"\x00a\xff", 3, 2), r#""\x00\x61"..."#);
        assert_eq!(quote_path(&long), format!("\"{}\"", "x".repeat(40)));
    }
}
