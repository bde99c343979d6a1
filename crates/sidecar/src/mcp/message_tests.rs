//! The hostile forms of each rule first, then what every method of MCP names.

use super::*;
use crate::mcp::Target;

fn refused(body: &str, why: Unreadable) {
    assert_eq!(read(body.as_bytes()), Err(why), "{body}");
}

fn one(body: &str) -> Operation<'_> {
    match read(body.as_bytes()).map(|message| message.operations) {
        Ok(Operations::One(operation)) => operation,
        other => panic!("{body}: {other:?}"),
    }
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

#[test]
fn what_is_not_one_json_text_is_refused() {
    let good = request("tools/call", r#"{"name":"t","arguments":{"a":[1,2.5,null]}}"#);
    for end in 0..good.len() {
        refused(&good[..end], Unreadable::NotJson);
    }
    for around in ["\u{feff}{}", "{}{}", "{},", "{}\0", "/**/{}", "{}//", "){}", "for(;;);{}", "\u{1e}{}"] {
        refused(&around.replace("{}", &good), Unreadable::NotJson);
    }
    for inside in [
        "{\"name\":\"t\",}",
        "{\"name\":'t'}",
        "{name:\"t\"}",
        "{\"name\":\"t\"/**/}",
        "{\"name\":\"t\",\"a\":NaN}",
        "{\"name\":\"t\",\"a\":01}",
    ] {
        refused(&request("tools/call", inside), Unreadable::NotJson);
    }
    for bytes in [
        &b"\xff\xfe{\0}\0"[..],
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\xc0\xaf\"}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\xed\xa0\x80\"}",
    ] {
        assert_eq!(read(bytes), Err(Unreadable::NotJson), "{bytes:?}");
    }
    let deep = |depth: usize| request("x", &format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
    refused(&deep(63), Unreadable::TooDeep);
    refused(&deep(1_000_000), Unreadable::TooDeep);
    assert_eq!(one(&deep(62)).method, "x");
}

#[test]
fn a_name_that_is_there_twice_is_refused_at_every_level() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","m\u0065thod":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}"#,
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":1,"x":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":1,"result":2}"#,
    ] {
        refused(body, Unreadable::DuplicateName);
    }
    for params in [
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","\u006eame":"a"}"#,
        r#"{"name":"a","arguments":{},"arguments":{}}"#,
        r#"{"name":"a","_meta":{},"_meta":{}}"#,
        r#"{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"1","io.modelcontextprotocol/protocolVersion":"1"}}"#,
        r#"{"name":"a","_meta":{"progressToken":1,"progressToken":2}}"#,
        r#"{"name":"a","ref":{"name":"a","name":"b"}}"#,
        r#"{"name":"a","task":{"ttl":1,"ttl":2}}"#,
        r#"{"name":"a","notifications":{"resourceSubscriptions":["a"],"resourceSubscriptions":["b"]}}"#,
    ] {
        refused(&request("tools/call", params), Unreadable::DuplicateName);
    }
    let arguments = request("tools/call", r#"{"name":"a","arguments":{"x":1,"x":2,"name":"b","Name":"c"}}"#);
    assert_eq!(one(&arguments).targets.as_slice(), [Target::Tool("a".into())]);
}

#[test]
fn a_name_in_another_spelling_is_refused_at_every_level() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"METHOD":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","Params":{"name":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{"name":"t"}}"#,
        r#"{"j\u017fonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","ID":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/call"}}"#,
    ] {
        refused(body, Unreadable::AmbiguousName);
    }
    for params in [
        r#"{"name":"a","Name":"b"}"#,
        r#"{"name":"a","NAME":"b"}"#,
        r#"{"name":"a","name\u0000":"b"}"#,
        r#"{"name":"a","URI":"b"}"#,
        r#"{"name":"a","task_id":"b"}"#,
        r#"{"name":"a","tas\u212aId":"b"}"#,
        r#"{"name":"a","meta":{}}"#,
        r#"{"name":"a","_meta":{"io.modelcontextprotocol/protocolversion":"1"}}"#,
        r#"{"name":"a","ref":{"Type":"ref/prompt"}}"#,
        r#"{"name":"a","notifications":{"resource_subscriptions":["b"]}}"#,
        r#"{"name":"a","notifications":{"toolsListchanged":true}}"#,
    ] {
        refused(&request("tools/call", params), Unreadable::AmbiguousName);
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    for value in ["null", "1", "true", "{}", "[\"tools/call\"]", "\"a\\u0000\"", "\"\\ud800\"", "\"\\udc00\\ud800\""] {
        refused(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":{value}}}"#), Unreadable::UnclearValue);
        for (method, member) in
            [("tools/call", "name"), ("resources/read", "uri"), ("tasks/get", "taskId"), ("x", "name")]
        {
            refused(&request(method, &format!(r#"{{"{member}":{value}}}"#)), Unreadable::UnclearValue);
        }
        let meta = format!(r#"{{"name":"a","_meta":{{"io.modelcontextprotocol/protocolVersion":{value}}}}}"#);
        refused(&request("tools/call", &meta), Unreadable::UnclearValue);
    }
    for id in ["null", "true", "false", "{}", "[1]"] {
        refused(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#), Unreadable::UnclearValue);
    }
}

#[test]
fn a_method_that_needs_a_target_is_refused_without() {
    for method in [
        "tools/call",
        "prompts/get",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/get",
        "tasks/result",
        "tasks/update",
        "tasks/cancel",
        "completion/complete",
    ] {
        for params in
            ["{}", "[]", "null", "\"t\"", "[{\"name\":\"t\"}]", r#"{"arguments":{"name":"t","uri":"u","taskId":"i"}}"#]
        {
            refused(&request(method, params), Unreadable::MissingTarget);
        }
        refused(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#), Unreadable::MissingTarget);
        refused(&format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#), Unreadable::MissingTarget);
    }
    refused(&request("tools/call", r#"{"uri":"u","taskId":"i"}"#), Unreadable::MissingTarget);
}

#[test]
fn what_is_no_request_notification_or_response_is_refused() {
    for body in [
        "1",
        "null",
        "\"tools/call\"",
        "{}",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0 ","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":""}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{"name":"t"}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","error":{}}"#,
    ] {
        refused(body, Unreadable::NotJsonRpc);
    }
    refused(r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, Unreadable::UnclearValue);
    refused(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, Unreadable::UnclearValue);
}

#[test]
fn a_batch_holds_operations_and_nothing_else() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let call = request("tools/call", r#"{"name":"t"}"#);
    let initialize = request("initialize", "{}");
    for batch in [
        "[]".to_owned(),
        "[ ]".to_owned(),
        format!("[{ping},1]"),
        format!("[{ping},null]"),
        format!("[[{ping}]]"),
        format!("[{ping},[{call}]]"),
        format!("[{initialize}]"),
        format!("[{ping},{initialize}]"),
    ] {
        refused(&batch, Unreadable::BadBatch);
    }
    refused(&format!("[{ping},{{}}]"), Unreadable::NotJsonRpc);
    refused(&format!("[{ping},]"), Unreadable::BadBatch);
    refused(&format!("[{ping}"), Unreadable::NotJson);
    refused(&format!("[{ping}]{ping}"), Unreadable::NotJson);
    refused(&format!("[{}{ping}]", format!("{ping},").repeat(MAX_BATCH)), Unreadable::TooMany);

    let batch = format!(
        r#"[{ping},{call},{{"jsonrpc":"2.0","method":"notifications/initialized"}},{{"jsonrpc":"2.0","id":"s","result":{{}}}}]"#
    );
    let message = read(batch.as_bytes()).expect("a batch");
    assert!(message.is_batch());
    let seen: Vec<_> = message.operations().iter().map(|operation| (operation.kind, &*operation.method)).collect();
    let wanted = [
        (Kind::Request, "ping"),
        (Kind::Request, "tools/call"),
        (Kind::Notification, "notifications/initialized"),
        (Kind::Response, ""),
    ];
    assert_eq!(seen, wanted);
    assert!(read(format!("[{}{ping}]", format!("{ping},").repeat(MAX_BATCH - 1)).as_bytes()).is_ok());
}

#[test]
fn a_completion_names_what_its_type_says() {
    for reference in [
        r#"{"type":"ref/prompt","name":"p","uri":"u"}"#,
        r#"{"type":"ref/resource","name":"p","uri":"u"}"#,
        r#"{"type":"ref/prompt","uri":"u"}"#,
        r#"{"type":"ref/resource","name":"p"}"#,
        r#"{"type":"ref/tool","name":"p"}"#,
        r#"{"type":"REF/PROMPT","name":"p"}"#,
        r#"{"name":"p"}"#,
        r#"{"type":1,"name":"p"}"#,
        r#"{"type":"ref/prompt","name":null}"#,
    ] {
        refused(&request("completion/complete", &format!(r#"{{"ref":{reference}}}"#)), Unreadable::UnclearValue);
    }
    refused(&request("completion/complete", r#"{"ref":{"type":"ref/prompt"},"name":"p"}"#), Unreadable::MissingTarget);
}

#[test]
fn a_subscription_names_all_that_it_wants_to_hear_of() {
    for notifications in [
        r#"{"resourceSubscriptions":"a"}"#,
        r#"{"resourceSubscriptions":{"0":"a"}}"#,
        r#"{"resourceSubscriptions":["a",1]}"#,
        r#"{"taskIds":[["a"]]}"#,
        r#"{"taskIds":["\ud800"]}"#,
    ] {
        refused(
            &request("subscriptions/listen", &format!(r#"{{"notifications":{notifications}}}"#)),
            Unreadable::UnclearValue,
        );
    }
    let many = vec!["\"a\""; 1_001].join(",");
    refused(
        &request("subscriptions/listen", &format!(r#"{{"notifications":{{"taskIds":[{many}]}}}}"#)),
        Unreadable::TooMany,
    );

    let listen = |ids: usize| {
        let many = vec!["\"a\""; ids].join(",");
        request("subscriptions/listen", &format!(r#"{{"notifications":{{"taskIds":[{many}]}}}}"#))
    };
    refused(&format!("[{},{}]", listen(500), listen(501)), Unreadable::TooMany);
    assert!(read(format!("[{},{}]", listen(500), listen(500)).as_bytes()).is_ok(), "a batch, as one of its elements");
    let listen = |uris: usize| {
        let many = vec![format!("\"{}\"", "a".repeat(8 * 1024)); uris].join(",");
        request("subscriptions/listen", &format!(r#"{{"notifications":{{"resourceSubscriptions":[{many}]}}}}"#))
    };
    refused(&listen(33), Unreadable::TooMany);
    assert!(read(listen(32).as_bytes()).is_ok(), "to the last byte");

    let body = request(
        "subscriptions/listen",
        r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":1,"resourcesListChanged":false,"resourceSubscriptions":["a://x","\u0062"],"taskIds":["i"]}}"#,
    );
    let wanted = [
        Target::Method("tools/list"),
        Target::Method("prompts/list"),
        Target::ResourceUri("a://x".into()),
        Target::ResourceUri("b".into()),
        Target::Task("i".into()),
    ];
    assert_eq!(one(&body).targets.as_slice(), wanted);
}

#[test]
fn every_method_gives_its_method_and_target() {
    let text = |text: &'static str| Cow::Borrowed(text);
    let about = [
        ("tools/call", r#"{"name":"Get_Weather","arguments":{"name":"other"}}"#, Target::Tool(text("Get_Weather"))),
        ("tools/call", r#"{"arguments":{},"name":"t","task":{"ttl":1}}"#, Target::Tool(text("t"))),
        ("tools/call", r#"{"name":"","uri":"u"}"#, Target::Tool(text(""))),
        ("prompts/get", r#"{"name":"p\u00e9"}"#, Target::Prompt(text("pé"))),
        ("resources/read", r#"{"uri":"file:///a%2fb"}"#, Target::ResourceUri(text("file:///a%2fb"))),
        ("resources/subscribe", r#"{"uri":"u","name":"n"}"#, Target::ResourceUri(text("u"))),
        ("resources/unsubscribe", r#"{"uri":"u"}"#, Target::ResourceUri(text("u"))),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p","title":"P"},"argument":{"name":"a","value":"b"}}"#,
            Target::Prompt(text("p")),
        ),
        (
            "completion/complete",
            r#"{"argument":{},"ref":{"uri":"u://{x}","type":"ref/resource"}}"#,
            Target::ResourceUri(text("u://{x}")),
        ),
        ("tasks/get", r#"{"taskId":"i"}"#, Target::Task(text("i"))),
        ("tasks/result", r#"{"taskId":"i"}"#, Target::Task(text("i"))),
        ("tasks/update", r#"{"taskId":"i"}"#, Target::Task(text("i"))),
        ("tasks/cancel", r#"{"taskId":"i"}"#, Target::Task(text("i"))),
    ];
    for (method, params, target) in about {
        let body = request(method, params);
        let operation = one(&body);
        assert_eq!((operation.kind, &*operation.method), (Kind::Request, method));
        assert_eq!(operation.targets.as_slice(), [target], "{body}");
        let before = format!(r#"{{"params":{params},"method":"{method}","id":1,"jsonrpc":"2.0"}}"#);
        assert_eq!(one(&before), operation, "members come in any order");
    }
    for method in [
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
        "logging/setLevel",
        "tasks/list",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
        "Tools/Call",
        "example/unknown",
    ] {
        for params in ["{}", "null", "[]", r#"{"cursor":"c","level":"debug","_meta":null,"task":null,"name":"n"}"#] {
            let body = request(method, params);
            let operation = one(&body);
            assert_eq!((&*operation.method, operation.targets), (method, Targets::None), "{body}");
        }
    }
}

#[test]
fn an_id_is_kept_as_it_was_written() {
    for id in ["1", "-1.5e3", "0", "\"a\"", "\"\"", "\"\\u0061\\ud800\"", "123456789012345678901234567890"] {
        let body = format!(r#"{{"jsonrpc":"2.0", "id" : {id} ,"method":"ping"}}"#);
        assert_eq!(one(&body).id.map(Id::as_json), Some(id));
        let response = format!(r#"{{"jsonrpc":"2.0","error":{{"code":1}},"id":{id}}}"#);
        assert_eq!((one(&response).kind, one(&response).id.map(Id::as_json)), (Kind::Response, Some(id)));
    }
    let notification = one(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!((notification.kind, notification.id), (Kind::Notification, None));
}

#[test]
fn nothing_is_copied_that_has_no_escapes() {
    let body =
        request("tools/call", r#"{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#);
    let operation = one(&body);
    assert!(matches!(operation.method, Cow::Borrowed("tools/call")));
    assert!(matches!(operation.targets, Targets::One(Target::Tool(Cow::Borrowed("t")))));
    assert!(matches!(operation.protocol_version, Some(Cow::Borrowed("2026-07-28"))));
}

#[test]
fn a_uri_has_an_end() {
    for (method, params) in [
        ("resources/read", r#"{"uri":"URI"}"#),
        ("resources/subscribe", r#"{"uri":"URI"}"#),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"URI"}}"#),
        ("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":["a://b","URI"]}}"#),
    ] {
        let of_length = |length: usize| request(method, &params.replace("URI", &"u".repeat(length)));
        assert!(read(of_length(8 * 1024).as_bytes()).is_ok(), "{method}");
        refused(&of_length(8 * 1024 + 1), Unreadable::LongUri);
    }
}
