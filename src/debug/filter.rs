//! `-dfilter`: the addresses whose code is logged.

use std::ops::RangeInclusive;

/// A set of address ranges. The empty set selects every address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressFilter(Vec<RangeInclusive<u64>>);

impl AddressFilter {
    /// Parses a comma-separated list of `FIRST..LAST`, `FIRST+LENGTH` and `LAST-LENGTH`. The error is a message for the
    /// user.
    pub fn parse(list: &str, number: fn(&str) -> Option<u64>) -> Result<Self, &'static str> {
        let range = |item: &str| {
            let (at, mark) = ["..", "+", "-"].iter().find_map(|mark| Some((item.find(mark)?, *mark)))?;
            let (one, two) = (number(&item[..at])?, number(&item[at + mark.len()..])?);
            let (first, last) = match mark {
                ".." => (one, two),
                "+" => (one, one.checked_add(two.checked_sub(1)?)?),
                _ => (one.checked_sub(two.checked_sub(1)?)?, one),
            };
            (first <= last).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
        ranges.map(Self).ok_or("write FIRST..LAST, FIRST+LENGTH or LAST-LENGTH, separated by commas")
    }

    /// Whether code at this address is logged.
    pub fn contains(&self, addr: u64) -> bool {
        self.0.is_empty() || self.0.iter().any(|range| range.contains(&addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<AddressFilter, &'static str> {
        AddressFilter::parse(list, |text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok())
    }

    #[test]
    fn ranges_include_their_last_address() {
        let filter = parse("0x1000..0x1fff,0x4000+0x10,0x600f-0x10").unwrap();
        for inside in [0x1000, 0x1fff, 0x4000, 0x400f, 0x6000, 0x600f] {
            assert!(filter.contains(inside), "{inside:#x}");
        }
        for outside in [0, 0xfff, 0x2000, 0x3fff, 0x4010, 0x5fff, 0x6010, u64::MAX] {
            assert!(!filter.contains(outside), "{outside:#x}");
        }
        assert!(AddressFilter::default().contains(0) && AddressFilter::default().contains(u64::MAX));
        assert!(parse("0x0..0xffffffffffffffff").unwrap().contains(u64::MAX));
        assert!(parse("0xffffffffffffffff+0x1").unwrap().contains(u64::MAX));
    }

    #[test]
    fn malformed_ranges_are_refused() {
        for bad in [
            "",
            "0x1000",
            "0x2..0x1",
            "0x1+0x0",
            "0x1-0x0",
            "0x0-0x2",
            "0xffffffffffffffff+0x2",
            "0x1..",
            "1..2",
            "0x1..0x2,",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
