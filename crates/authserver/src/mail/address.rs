//! E-mail addresses of people: the one form in which they are stored, compared and written to.

use lettre::Address;

/// The longest that SMTP carries (RFC 5321 §4.5.3.1.3).
const MAX_LENGTH: usize = 254;

/// In small letters, without space around it; `None` when it cannot be one. Visible ASCII only, so that no letter passes for another
/// and no two addresses become one; and nothing that needs quotes.
pub fn canonical(typed: &str) -> Option<String> {
    let address = typed.trim().to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&b);
    let fits = address.len() <= MAX_LENGTH && address.bytes().all(plain) && address.parse::<Address>().is_ok();
    fits.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_spelling_and_nothing_else_is_one() {
        assert_eq!(canonical(" Ada.Lovelace+x@Example.COM "), Some("ada.lovelace+x@example.com".into()));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com,eve@example.com",
            "ada@example.com eve@example.com",
            "Ada <ada@example.com>",
            "\"ada \"@example.com",
            "ada@[192.0.2.1]",
            "\u{212a}ate@example.com",
            "ada@exämple.com",
            &format!("{}@example.com", "a".repeat(250)),
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }
}
