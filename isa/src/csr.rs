//! The names of control and status registers.

use crate::tables::{CSRS, CSRS_BY_NAME, Ext};

/// A named CSR.
#[derive(Debug)]
pub struct CsrInfo {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// The extension that defines it.
    pub ext: Option<Ext>,
    /// Whether it exists on RV32 only.
    pub rv32_only: bool,
}

/// All named CSRs, sorted by number.
pub fn csrs() -> &'static [CsrInfo] {
    &CSRS
}

/// The description of a CSR, if it has a name.
pub fn csr_info(number: u16) -> Option<&'static CsrInfo> {
    CSRS.binary_search_by_key(&number, |c| c.number).ok().map(|i| &CSRS[i])
}

/// The name of a CSR.
pub fn csr_name(number: u16) -> Option<&'static str> {
    csr_info(number).map(|c| c.name)
}

/// The number of a CSR.
pub fn csr_number(name: &str) -> Option<u16> {
    let found = CSRS_BY_NAME.binary_search_by_key(&name, |i| CSRS[*i as usize].name).ok()?;
    Some(CSRS[CSRS_BY_NAME[found] as usize].number)
}
