//! Checks that each word is at most one instruction. The comparison includes the rows' constraints, so it is exact: for
//! two overlapping rows, the message shows a word that matches both.

use super::XLENS;
use super::parse::Row;

/// The message about two rows that share a word. Each row has its mnemonic and place.
pub fn message((a, a_at): (&str, &str), (b, b_at): (&str, &str), xlen: u8, word: u32) -> String {
    format!("{a} ({a_at}) and {b} ({b_at}) overlap on RV{xlen}: {word:#010x} matches both")
}

/// Checks all pairs of rows of one XLEN.
pub fn check(rows: &[Row], xlen: u8) -> Result<(), String> {
    let index = XLENS.iter().position(|x| *x == xlen).unwrap_or(0);
    let rows: Vec<_> = rows.iter().filter(|r| r.xlens[index]).map(|r| (r, r.pattern.cubes())).collect();
    for (i, (a, a_cubes)) in rows.iter().enumerate() {
        if a_cubes.is_empty() {
            return Err(format!("{}: {} matches nothing", a.at, a.mnemonic));
        }
        for (b, b_cubes) in &rows[i + 1..] {
            let word = a_cubes.iter().find_map(|x| b_cubes.iter().find_map(|y| x.meet(*y)));
            let declared = [(a, a_cubes, b, b_cubes), (b, b_cubes, a, a_cubes)]
                .into_iter()
                .find(|(special, _, general, _)| special.of.as_deref() == Some(&general.mnemonic));
            match (word, declared) {
                (None, None) => {}
                (None, Some((special, _, general, _))) => {
                    return Err(format!(
                        "{}: {} is marked `of {}`, but no word matches both",
                        special.at, special.mnemonic, general.mnemonic
                    ));
                }
                (Some(word), None) => {
                    return Err(message((&a.mnemonic, &a.at), (&b.mnemonic, &b.at), xlen, word));
                }
                (Some(_), Some((special, inner, general, outer))) => {
                    let contained = inner.iter().all(|x| outer.iter().any(|y| y.covers(*x) && x != y));
                    if !contained {
                        return Err(format!(
                            "{}: {} is marked `of {}` ({}), but is not a proper subset of it",
                            special.at, special.mnemonic, general.mnemonic, general.at
                        ));
                    }
                }
            }
        }
        if let Some(of) = &a.of
            && !rows.iter().any(|(r, _)| r.mnemonic == *of)
        {
            return Err(format!("{}: {} is marked `of {of}`, which has no row on RV{xlen}", a.at, a.mnemonic));
        }
    }
    Ok(())
}
