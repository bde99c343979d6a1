//! Sizes as people write them: `"64KiB"`, `"4MiB"`, `"1GiB"`. A bare number is refused: nobody knows its unit.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A size of whole kibibytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct HumanSize(usize);

/// Not a size as [`HumanSize`] wants it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size; write a number and a unit: \"64KiB\", \"4MiB\" or \"1GiB\"")]
pub struct InvalidSize(String);

impl HumanSize {
    /// For defaults.
    pub const fn from_mib(mebibytes: usize) -> Self {
        Self(mebibytes << 20)
    }

    /// In bytes.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl FromStr for HumanSize {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let bytes = || {
            let (number, factor) =
                UNITS.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
            let digits_only = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            if digits_only { number.parse::<usize>().ok()?.checked_mul(factor) } else { None }
        };
        bytes().map(Self).ok_or_else(|| InvalidSize(text.to_owned()))
    }
}

impl TryFrom<String> for HumanSize {
    type Error = InvalidSize;

    fn try_from(text: String) -> Result<Self, InvalidSize> {
        text.parse()
    }
}

impl fmt::Display for HumanSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.into_iter().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor)).unwrap_or(("KiB", 1024));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_number_and_a_unit_and_print_as_they_are_written() {
        for (text, bytes) in [("0KiB", 0), ("64KiB", 65_536), ("4MiB", 4_194_304), ("1GiB", 1_073_741_824)] {
            let size = text.parse::<HumanSize>().expect("a size");
            assert_eq!((size.get(), size.to_string().as_str()), (bytes, text));
        }
        for bad in ["", "4", "MiB", "4MB", "4mib", "4 MiB", "-4MiB", "+4MiB", "4.5MiB", "4B", "99999999999999999999KiB"]
        {
            assert!(bad.parse::<HumanSize>().is_err(), "{bad:?}");
        }
        assert!(format!("{}GiB", usize::MAX).parse::<HumanSize>().is_err());
    }
}
