//! What is JSON and what is not, to the letter; and where the limits are.

use super::*;

fn skips(text: &str) -> Result<(), Unreadable> {
    let mut scanner = Scanner::new(text.as_bytes())?;
    scanner.skip()?;
    scanner.end()
}

#[test]
fn what_is_not_json_to_the_letter_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "[1}",
        "{\"a\":1]",
        "[1 2]",
        "{} {}",
        "{}x",
        "1 1",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "+1",
        "-",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "\"",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u{41}\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\u{1}\"",
        "\"\0\"",
        "\u{feff}1",
        "\u{a0}1",
        "\u{2028}1",
        "\u{b}1",
        "\u{c}1",
        "// 1\n1",
        "/**/1",
        "1//",
        "#1",
        "'a'",
        "`a`",
        "[[]",
        "[]]",
        "{\"a\":[}]",
    ] {
        assert_eq!(skips(text), Err(Unreadable::NotJson), "{text:?}");
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_err(), "{text:?}");
    }
    for bytes in [
        &b"\"\xff\""[..],
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b"\"\xf4\x90\x80\x80\"",
    ] {
        let read = Scanner::new(bytes).and_then(|mut scanner| scanner.skip());
        assert_eq!(read, Err(Unreadable::NotJson), "{bytes:?}");
    }
}

#[test]
fn what_is_json_is_passed_over() {
    for text in [
        "null",
        " true\r\n\t",
        "false",
        "0",
        "-0",
        "10",
        "1.5e-10",
        "1E+9",
        "123456789012345678901234567890",
        "1e999",
        "\"\"",
        "\"\\u00e9\\n\\/\"",
        "\"\\ud800\"",
        "\"\u{7f}é\u{10ffff}\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[[],{},[[]]]",
        "{\"a\":{\"b\":[1,{\"c\":null}]},\"a\":1}",
        "\"seven67\"",
        "\"eight678\"",
        "\"1234567890123456789\\\"\"",
    ] {
        assert_eq!(skips(text), Ok(()), "{text:?}");
    }
}

#[test]
fn a_depth_of_sixty_four_is_the_limit_wherever_it_is_reached() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for make in [nested, objects] {
        assert_eq!(skips(&make(64)), Ok(()));
        assert_eq!(skips(&make(65)), Err(Unreadable::TooDeep));
        assert_eq!(skips(&make(1_000_000)), Err(Unreadable::TooDeep));
    }
}

#[test]
fn a_string_is_borrowed_unless_it_has_escapes() {
    let string = |text| Scanner::new(text).and_then(|mut scanner| scanner.string());
    assert!(matches!(string(b"\"plain text\""), Ok(Cow::Borrowed("plain text"))));
    assert!(matches!(string(b"\"pl\\u0061in\\ud83d\\ude00\""), Ok(Cow::Owned(text)) if text == "plain\u{1f600}"));
    for unclear in ["\"\\ud800\"", "\"\\udc00\\ud800\"", "\"a\\u0000\"", "1", "null", "{}", "[\"a\"]"] {
        assert_eq!(string(unclear.as_bytes()), Err(Unreadable::UnclearValue), "{unclear}");
    }
}

#[test]
fn the_end_of_a_string_is_found_at_every_distance() {
    for special in ['"', '\\', '\u{1f}', '\0'] {
        for before in 0..40 {
            let bytes = format!("{}{special}\u{80}\"!", "é!".repeat(before));
            assert_eq!(plain_length(bytes.as_bytes()), before * 3, "{special:?} after {before}");
        }
    }
    assert_eq!(plain_length("é\u{7f} !#[]".repeat(5).as_bytes()), 40);
}
