//! Each header of a modern request that is missing, wrong, repeated or odd; and that legacy ones are left alone.

use actix_web::http::header::HeaderValue;

use super::*;
use crate::mcp::read;

const CALL: &str = r#"{"jsonrpc":"2.0","id":"a\u0062","method":"tools/call","params":{"name":"weather","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
const GOOD: [(&str, &str); 3] =
    [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "weather")];

fn sent(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    headers
}

fn check(body: &str, list: &[(&str, &str)]) -> Result<Revision, Mismatch> {
    let message = read(body.as_bytes()).expect("a message");
    check_headers(&message, &sent(list)).map_err(|mismatch| mismatch.what)
}

/// `GOOD` with another value for one header, or without it.
fn with(changed: &'static str, value: Option<&'static str>) -> Vec<(&'static str, &'static str)> {
    GOOD.iter()
        .filter_map(
            |(name, good)| if *name == changed { value.map(|value| (*name, value)) } else { Some((*name, *good)) },
        )
        .collect()
}

#[test]
fn a_header_that_is_missing_or_differs_is_a_mismatch() {
    for name in [VERSION, METHOD, NAME] {
        assert_eq!(check(CALL, &with(name, None)), Err(Mismatch::Missing(name)));
        assert_eq!(check(CALL, &with(name, Some(""))), Err(Mismatch::Different(name)));
        assert_eq!(check(CALL, &with(name, Some("2025-11-25"))), Err(Mismatch::Different(name)));
        assert_eq!(check(CALL, &with(name, Some("w\u{e9}"))), Err(Mismatch::Unclear(name)));
        for (value, twice) in [("x", Mismatch::Repeated(name)), ("", Mismatch::Repeated(name))] {
            let list: Vec<_> = GOOD.into_iter().chain([(name, value)]).collect();
            assert_eq!(check(CALL, &list), Err(twice), "{name}");
        }
    }
    for value in ["Tools/Call", "tools/list", "tools/call,tools/call", "=?base64?dG9vbHMvY2FsbA==?="] {
        assert_eq!(check(CALL, &with(METHOD, Some(value))), Err(Mismatch::Different(METHOD)), "{value}");
    }
    for value in ["Weather", "weather2", "\"weather\"", "weather, weather", "wea ther"] {
        assert_eq!(check(CALL, &with(NAME, Some(value))), Err(Mismatch::Different(NAME)), "{value}");
    }
}

#[test]
fn header_names_in_any_case_whitespace_and_equal_repetitions_are_no_mismatch() {
    for list in [
        &GOOD[..],
        &[("mcp-protocol-version", " 2026-07-28\t"), ("MCP-METHOD", "tools/call "), ("mcp-name", "\t weather")],
        &[
            ("Mcp-Name", "weather"),
            ("Mcp-Name", " weather"),
            ("Mcp-Method", "tools/call"),
            ("MCP-Protocol-Version", "2026-07-28"),
        ],
        &[GOOD[0], GOOD[1], GOOD[2], ("Mcp-Param-Region", "x"), ("Mcp-Session-Id", "y")],
    ] {
        assert_eq!(check(CALL, list), Ok(Revision::Modern), "{list:?}");
    }
}

#[test]
fn an_encoded_name_is_decoded_before_it_is_compared() {
    for value in ["=?base64?d2VhdGhlcg==?=", " =?base64?d2VhdGhlcg==?= "] {
        assert_eq!(check(CALL, &with(NAME, Some(value))), Ok(Revision::Modern), "{value}");
    }
    for value in [
        "=?base64?d2VhdGhlcg?=",
        "=?base64?d2VhdGhlcg=?=",
        "=?base64?d2VhdGhlch==?=",
        "=?base64?****?=",
        "=?base64?d2Vh dGhlcg==?=",
        "=?base64?d2VhdGhl\tcg==?=",
    ] {
        assert_eq!(check(CALL, &with(NAME, Some(value))), Err(Mismatch::Unclear(NAME)), "{value}");
    }
    for value in [
        "=?BASE64?d2VhdGhlcg==?=",
        "=?base64?d2VhdGhlcg==",
        "d2VhdGhlcg==?=",
        "d2VhdGhlcg==",
        "=?base64??=",
        "=?base64?V2VhdGhlcg==?=",
        "=?utf-8?b?d2VhdGhlcg==?=",
    ] {
        assert_eq!(check(CALL, &with(NAME, Some(value))), Err(Mismatch::Different(NAME)), "{value}");
    }
    let literal = CALL.replace("weather", "=?base64?d2VhdGhlcg==?=");
    assert_eq!(check(&literal, &with(NAME, Some("=?base64?d2VhdGhlcg==?="))), Err(Mismatch::Different(NAME)));
    assert_eq!(check(&literal, &with(NAME, Some("=?base64?PT9iYXNlNjQ/ZDJWaGRHaGxjZz09Pz0=?="))), Ok(Revision::Modern));
    let padded = CALL.replace("weather", " Grüße");
    assert_eq!(check(&padded, &with(NAME, Some("=?base64?IEdyw7zDn2U=?="))), Ok(Revision::Modern));
    assert_eq!(check(&padded, &with(NAME, Some(" Grüße"))), Err(Mismatch::Unclear(NAME)));
}

#[test]
fn each_method_repeats_its_own_name() {
    for (method, member) in [
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("tasks/get", "taskId"),
        ("tasks/update", "taskId"),
        ("tasks/cancel", "taskId"),
    ] {
        let body = CALL.replace("tools/call", method).replace("\"name\"", &format!("\"{member}\""));
        let mut list = [GOOD[0], (METHOD, method), (NAME, "weather")];
        assert_eq!(check(&body, &list), Ok(Revision::Modern), "{body}");
        assert_eq!(check(&body, &list[..2]), Err(Mismatch::Missing(NAME)), "{body}");
        list[2].1 = "other";
        assert_eq!(check(&body, &list), Err(Mismatch::Different(NAME)), "{body}");
    }
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    assert_eq!(check(list, &[GOOD[0], (METHOD, "tools/list")]), Ok(Revision::Modern));
    assert_eq!(
        check(list, &[GOOD[0], (METHOD, "tools/list"), (NAME, "w\u{e9}")]),
        Ok(Revision::Modern),
        "it means nothing here"
    );
}

#[test]
fn a_modern_request_is_modern_by_body_or_header_and_a_version_that_the_body_lacks_is_the_servers_to_ask_for() {
    assert_eq!(check(CALL, &[]), Err(Mismatch::Missing(VERSION)));
    let silent = CALL.replace("io.modelcontextprotocol/protocolVersion", "progressToken");
    assert_eq!(check(&silent, &GOOD), Ok(Revision::Modern));
    assert_eq!(check(&silent, &GOOD[..1]), Err(Mismatch::Missing(METHOD)));
    let old = CALL.replace("2026-07-28", "2025-11-25");
    assert_eq!(check(&old, &GOOD), Err(Mismatch::Different(VERSION)));
    let later = CALL.replace("2026-07-28", "2027-03-01");
    assert_eq!(check(&later, &GOOD), Err(Mismatch::Different(VERSION)));
    assert_eq!(check(&later, &with(VERSION, Some("2027-03-01"))), Ok(Revision::Modern));
    assert_eq!(check(&silent, &[(VERSION, "2025-11-25"), GOOD[0]]), Err(Mismatch::Repeated(VERSION)));
}

#[test]
fn a_legacy_request_may_have_any_headers() {
    let legacy = CALL.replace("2026-07-28", "2025-11-25");
    for list in [
        &[][..],
        &[(VERSION, "2025-11-25"), (METHOD, "x"), (NAME, "y"), (NAME, "z")],
        &[(VERSION, "2025-06-18")],
        &[(VERSION, "draft")],
    ] {
        assert_eq!(check(&legacy, list), Ok(Revision::Legacy), "{list:?}");
        assert_eq!(check(&format!("[{legacy}]"), list), Ok(Revision::Legacy), "{list:?}");
    }
}

#[test]
fn a_batch_in_a_modern_revision_is_refused_wherever_it_says_so() {
    let legacy = CALL.replace("2026-07-28", "2025-11-25");
    for batch in [format!("[{CALL}]"), format!("[{legacy},{CALL}]")] {
        assert_eq!(check(&batch, &[(VERSION, "2025-03-26")]), Err(Mismatch::Batch), "{batch}");
    }
    assert_eq!(check(&format!("[{legacy}]"), &GOOD), Err(Mismatch::Batch));
    assert_eq!(check(&format!("[{legacy},{legacy}]"), &GOOD), Err(Mismatch::Batch));
}

#[test]
fn notifications_have_no_header_rules() {
    assert_eq!(check(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, &GOOD[..1]), Ok(Revision::Modern));
}

/// Proves MCP 2026-07-28, transports: clients send requests and notifications only.
#[test]
fn a_response_in_a_modern_revision_is_refused_without_its_id() {
    for body in
        [r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#]
    {
        assert_eq!(check(body, &[(VERSION, "2025-11-25")]), Ok(Revision::Legacy), "{body}");
        let message = read(body.as_bytes()).expect("a message");
        let refusal = check_headers(&message, &sent(&GOOD[..1])).expect_err("a response");
        assert_eq!((refusal.id, refusal.what.code()), (None, "response_in_modern_revision"), "{body}");
        assert_eq!(refusal.what.json_rpc_code(), -32_600);
    }
}

#[test]
fn the_refusal_keeps_the_id_and_tells_nothing_of_the_body() {
    let message = read(CALL.as_bytes()).expect("a message");
    let mismatch = check_headers(&message, &sent(&GOOD[..2])).expect_err("the name is missing");
    assert_eq!(mismatch.id.map(Id::as_json), Some(r#""a\u0062""#));
    assert_eq!((mismatch.what.code(), mismatch.what.json_rpc_code()), ("header_missing", -32_020));
    assert_eq!(mismatch.to_string(), "the header Mcp-Name is missing");
    let batch = format!("[{CALL}]");
    let message = read(batch.as_bytes()).expect("a message");
    let mismatch = check_headers(&message, &sent(&GOOD)).expect_err("a batch");
    assert_eq!(
        (mismatch.id, mismatch.what.code(), mismatch.what.json_rpc_code()),
        (None, "batch_in_modern_revision", -32_600)
    );
}
