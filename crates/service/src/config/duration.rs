//! Durations as people write them: `"60s"`, `"15m"`, `"1h"`, `"30d"`. A bare number is refused: nobody knows its unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A duration of whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct HumanDuration(Duration);

/// Not a duration as [`HumanDuration`] wants it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write a number and a unit: \"60s\", \"15m\", \"1h\" or \"30d\"")]
pub struct InvalidDuration(String);

impl HumanDuration {
    /// For defaults.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for HumanDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let seconds = || {
            let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
            let number = text.strip_suffix(unit)?;
            let digits_only = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            if digits_only { number.parse::<u64>().ok()?.checked_mul(factor) } else { None }
        };
        seconds().map(Self::from_secs).ok_or_else(|| InvalidDuration(text.to_owned()))
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = InvalidDuration;

    fn try_from(text: String) -> Result<Self, InvalidDuration> {
        text.parse()
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, factor) =
            UNITS.into_iter().find(|(_, factor)| seconds > 0 && seconds.is_multiple_of(*factor)).unwrap_or(('s', 1));
        write!(f, "{}{unit}", seconds / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit_and_print_as_they_are_written() {
        for (text, seconds) in [("60s", 60), ("15m", 900), ("1h", 3_600), ("30d", 2_592_000), ("0s", 0)] {
            assert_eq!(text.parse::<HumanDuration>().map(|d| d.get().as_secs()), Ok(seconds), "{text}");
        }
        for text in ["61s", "15m", "1h", "30d", "0s"] {
            assert_eq!(text.parse::<HumanDuration>().map(|d| d.to_string()), Ok(text.to_owned()));
        }
        for bad in [
            "60",
            "",
            "s",
            "1.5h",
            "-1s",
            "+1s",
            "1 h",
            "1H",
            "1w",
            "99999999999999999999s",
            "999999999999999999d",
            "1h30m",
            "١s",
        ] {
            assert!(bad.parse::<HumanDuration>().is_err(), "{bad:?}");
        }
    }
}
