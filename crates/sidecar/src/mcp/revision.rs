//! Which rules a message follows. MCP "Versioning": revision 2026-07-28 does without a handshake, so every request says
//! which revision it is of, and repeats in headers what it asks for. Called by `mirror.rs`.

/// The oldest revision with those headers. Revisions are dates.
const MODERN: &[u8] = b"2026-07-28";

/// What a server needs to know of the revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// 2025-11-25 and before: `Mcp-Method` and `Mcp-Name` mean nothing.
    Legacy,
    /// 2026-07-28 and later: headers and body say the same, or the request is refused.
    Modern,
}

impl Revision {
    /// Of a version as the client writes it. What is no date was never a version.
    pub(super) fn of(version: &[u8]) -> Self {
        let is_date = version.len() == MODERN.len()
            && version
                .iter()
                .zip(MODERN)
                .all(|(byte, like)| if *like == b'-' { byte == like } else { byte.is_ascii_digit() });
        if is_date && version >= MODERN { Revision::Modern } else { Revision::Legacy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_dates() {
        for version in ["2026-07-28", "2026-07-29", "2027-01-01", "9999-99-99"] {
            assert_eq!(Revision::of(version.as_bytes()), Revision::Modern, "{version}");
        }
        for version in [
            "",
            "2024-11-05",
            "2025-03-26",
            "2025-11-25",
            "2026-07-27",
            "2026-7-28",
            "2026-07-28 ",
            "draft",
            "２026-07-2",
            "2026/07/28",
        ] {
            assert_eq!(Revision::of(version.as_bytes()), Revision::Legacy, "{version}");
        }
    }
}
