//! Where a stream may send its messages, and the id that we give out for it.

use super::*;

fn addresses() -> Addresses {
    Addresses::new(&LegacySse {
        sse_path: "/mcp/sse".into(),
        message_path: "/mcp/messages".into(),
        upstream: Url::parse("http://my-mcp:3000/app/sse").expect("a URL"),
    })
}

#[test]
fn messages_go_to_the_host_of_the_stream_and_to_no_other() {
    let addresses = addresses();
    for (data, target) in [
        ("messages?sessionId=1", "/app/messages?sessionId=1"),
        ("?s=1", "/app/sse?s=1"),
        ("/messages/?session_id=ab", "/messages/?session_id=ab"),
        (" /m#f ", "/m"),
        ("../m", "/m"),
        ("http://my-mcp:3000/m?a=b&c=%2F", "/m?a=b&c=%2F"),
        ("HTTP://MY-MCP:3000", "/"),
        ("//my-mcp:3000/m", "/m"),
    ] {
        assert_eq!(addresses.target(data.as_bytes()).as_deref(), Some(target), "{data}");
    }
    for data in [
        "http://evil.example/m",
        "//evil.example/m",
        "\\\\evil.example/m",
        "/\t/evil.example/m",
        "https://my-mcp:3000/m",
        "http://my-mcp/m",
        "http://my-mcp:3001/m",
        "http://my-mcp:3000@evil.example/m",
        "http://user@my-mcp:3000/m",
        "http://my-mcp.evil.example:3000/m",
        "javascript:alert(1)",
        "data:,x",
        "file:///etc/passwd",
        "http://",
    ] {
        assert_eq!(addresses.target(data.as_bytes()), None, "{data}");
    }
    assert_eq!(addresses.target(b"/\xff"), None, "it is not UTF-8");
    assert_eq!(addresses.target("/x".repeat(LONGEST_ADDRESS).as_bytes()), None);
    let target = addresses.target("/m?a b\r\nX: y\u{e9}".as_bytes()).expect("a path");
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
}

#[test]
fn an_id_is_there_once_and_as_it_was_given_out() {
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    assert!(id_in(&format!("sessionId={id}")).is_some() && id_in(&format!("a=b&sessionId={id}&c")).is_some());
    for query in [
        String::new(),
        "sessionId=".into(),
        format!("session_id={id}"),
        format!("sessionId={id}&sessionId={id}"),
        format!("sessionId={id}&sessionId=x"),
        format!("sessionId={}", id.to_uppercase()),
        format!("sessionId={}", id.replace('-', "")),
        format!("sessionId={{{id}}}"),
        format!("sessionId=%36{}", &id[1..]),
    ] {
        assert_eq!(id_in(&query), None, "{query}");
    }
}
