use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::config::ToolConfig;
use crate::lists::{Overlay, SecurityScheme};

/// Hides what begins with `hidden`.
#[derive(Default)]
struct Caller {
    is_one_of_many: bool,
    has_schemes: bool,
}

impl View for Caller {
    fn shows(&self, _: List, name: &str) -> bool {
        !name.starts_with("hidden")
    }

    fn security_schemes(&self, tool: &str) -> Option<Vec<SecurityScheme>> {
        let scopes = vec![format!("{tool}:use")];
        self.has_schemes.then(|| vec![SecurityScheme::NoAuth, SecurityScheme::OAuth2 { scopes }])
    }

    fn depends_on_caller(&self) -> bool {
        self.is_one_of_many
    }
}

fn rewriter(tools: &[(&str, ToolConfig)]) -> Rewriter<Caller> {
    let tools: BTreeMap<_, _> = tools.iter().map(|(name, tool)| ((*name).to_owned(), tool.clone())).collect();
    Rewriter { overlay: Arc::new(Overlay::new(&tools)), view: Caller::default(), listed: None, is_modern: false }
}

fn rewritten(rewriter: &Rewriter<Caller>, body: &str, asked: Asked) -> Result<Option<String>, Unrewritable> {
    let new = rewriter.json(body.as_bytes(), asked)?;
    Ok(new.map(|new| String::from_utf8(new).expect("UTF-8")))
}

fn one(list: List) -> Asked {
    Asked::by([("1", list)])
}

/// The `result` of a response to request 1, before and after.
#[track_caller]
fn becomes(rewriter: &Rewriter<Caller>, list: List, result: &str, after: Option<&str>) {
    let response = |result: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{result}}}");
    for asked in [one(list), Asked::elsewhere()] {
        assert_eq!(rewritten(rewriter, &response(result), asked), Ok(after.map(response)), "{result}");
    }
}

fn tool(change: impl FnOnce(&mut ToolConfig)) -> ToolConfig {
    let mut tool = ToolConfig::default();
    change(&mut tool);
    tool
}

#[test]
fn what_is_hidden_is_left_out_and_everything_else_stays_as_it_was_written() {
    let hide = rewriter(&[("delete", tool(|tool| tool.hide = true))]);
    for (before, after) in [
        ("{\"tools\":[]}", None),
        ("{\"tools\":null}", None),
        ("{\"tools\":[{\"name\":\"a\"}]}", None),
        ("{\"tools\":[{\"name\":\"delete\"}]}", Some("{\"tools\":[]}")),
        ("{\"tools\":[ {\"name\":\"delete\"} , {\"name\":\"hidden\"} ]}", Some("{\"tools\":[  ]}")),
        ("{\"tools\":[{\"name\":\"a\"},{\"name\":\"delete\"}]}", Some("{\"tools\":[{\"name\":\"a\"}]}")),
        ("{\"tools\":[{\"name\":\"delete\"} , {\"name\":\"a\"}]}", Some("{\"tools\":[{\"name\":\"a\"}]}")),
        (
            "{\"tools\":[{\"name\":\"a\"},\n {\"name\":\"delete\"},\n {\"name\":\"hidden\"},\n {\"name\":\"b\"},\n {\"name\":\"delete\"}\n]}",
            Some("{\"tools\":[{\"name\":\"a\"},\n {\"name\":\"b\"}\n]}"),
        ),
        (
            "{\"_meta\":{\"x\":1e400},\"tools\":[{\"name\":\"delete\"}],\"nextCursor\":\"\\u0063\",\"z\":12345678901234567890123}",
            Some("{\"_meta\":{\"x\":1e400},\"tools\":[],\"nextCursor\":\"\\u0063\",\"z\":12345678901234567890123}"),
        ),
        ("{\"tools\":[{\"name\":\"Delete\"},{\"name\":\"délete\"},{\"name\":\"删除 \"}]}", None),
    ] {
        becomes(&hide, List::Tools, before, after);
    }
}

#[test]
fn a_name_behind_escapes_is_the_same_name() {
    let hide = rewriter(&[("delete", tool(|tool| tool.hide = true))]);
    for hidden in [
        "{\"name\":\"\\u0064elete\"}",
        "{\"\\u006eame\":\"delete\"}",
        "{\"description\":\"\\\"name\\\":\\\"a\\\"\",\"n\\u0061me\":\"del\\u0065te\"}",
        "{\"x\":{\"name\":\"a\"},\"name\":\"delete\"}",
    ] {
        let before = format!("{{\"t\\u006fols\":[{hidden},{{\"name\":\"a\"}}]}}");
        becomes(&hide, List::Tools, &before, Some("{\"t\\u006fols\":[{\"name\":\"a\"}]}"));
    }
}

#[test]
fn what_readers_read_differently_is_refused() {
    let hide = rewriter(&[("delete", tool(|tool| tool.title = Some("Delete".into())))]);
    for message in [
        "{\"id\":1,\"result\":{},\"result\":{\"tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"Result\":{\"tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":2,\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[],\"tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}],\"tools\":5}}",
        "{\"id\":1,\"result\":{\"tools\":[],\"Tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tool\u{17f}\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\",\"name\":\"a\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\",\"NAME\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"Name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\",\"title\":\"a\",\"title\":\"b\"}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\",\"annotations\":{},\"annotations\":{}}]}}",
        "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\",\"annotations\":{\"title\":\"a\",\"Title\":\"b\"}}]}}",
        "{\"id\":1,\"result\":{\"to\\ud800ols\":[{\"name\":\"hidden\"}]}}",
    ] {
        for asked in [one(List::Tools), Asked::elsewhere()] {
            assert_eq!(rewritten(&hide, message, asked), Err(Unrewritable::Ambiguous), "{message}");
        }
    }
}

#[test]
fn a_list_that_cannot_be_read_is_not_passed_on() {
    let hide = rewriter(&[]);
    for (message, why) in [
        ("{\"id\":1,\"result\":{\"tools\":{\"name\":\"hidden\"}}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":\"hidden\"}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[\"hidden\"]}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\"},[]]}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[{\"title\":\"hidden\"}]}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[{\"name\":5}]}}", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\\ud800\"}]}}", Unrewritable::NotAList),
        ("[[{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}}]]", Unrewritable::NotAList),
        ("{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}", Unrewritable::NotJson),
        ("{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}} {}", Unrewritable::NotJson),
        ("\u{feff}{\"id\":1,\"result\":{\"tools\":[]}}", Unrewritable::NotJson),
        ("{\"id\":1,\"result\":{\"x\":NaN,\"tools\":[]}}", Unrewritable::NotJson),
        ("", Unrewritable::NotJson),
    ] {
        assert_eq!(rewritten(&hide, message, one(List::Tools)), Err(why), "{message}");
    }
    assert_eq!(
        hide.json(b"{\"id\":1,\"result\":{\"x\":\"\xff\",\"tools\":[]}}", one(List::Tools)),
        Err(Unrewritable::NotJson)
    );
}

#[test]
fn an_answer_above_the_limit_is_refused_and_none_is_made() {
    let large = " ".repeat(MAX_SIZE + 1);
    assert_eq!(rewritten(&rewriter(&[]), &large, one(List::Tools)), Err(Unrewritable::TooLarge));

    let long = tool(|tool| tool.description = Some("d".repeat(MAX_SIZE / 100)));
    let tools = vec!["{\"name\":\"a\"}"; 101].join(",");
    let body = format!("{{\"id\":1,\"result\":{{\"tools\":[{tools}]}}}}");
    assert_eq!(rewritten(&rewriter(&[("a", long)]), &body, one(List::Tools)), Err(Unrewritable::TooLarge));
}

#[test]
fn errors_and_what_is_no_list_pass() {
    let hide = rewriter(&[]);
    for message in [
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"tools: [{name: hidden}]\"}}",
        "{\"id\":1,\"result\":{\"resultType\":\"input_required\"}}",
        "{\"id\":1,\"result\":null}",
        "{\"method\":\"notifications/tools/list_changed\"}",
        "{\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{\"tools\":[{\"name\":\"hidden\"}]}}",
        "{\"id\":1,\"result\":{\"content\":[],\"structuredContent\":{\"tools\":[{\"name\":\"hidden\"}]}}}",
        "{\"id\":2,\"result\":{\"tools\":5}}",
        "{\"id\":2,\"result\":{\"tools\":[\"hidden\"],\"Tools\":1}}",
    ] {
        assert_eq!(rewritten(&hide, message, one(List::Tools)), Ok(None), "{message}");
    }
}

#[test]
fn prompts_resources_and_templates_are_filtered_by_what_names_them() {
    let hide = rewriter(&[("hidden", tool(|tool| tool.title = Some("no prompt".into())))]);
    for (list, member, naming) in [
        (List::Prompts, "prompts", "name"),
        (List::Resources, "resources", "uri"),
        (List::ResourceTemplates, "resourceTemplates", "uriTemplate"),
    ] {
        let before = format!("{{\"{member}\":[{{\"{naming}\":\"hidden\"}},{{\"name\":\"a\",\"{naming}\":\"a\"}}]}}");
        let before = if naming == "name" { before.replacen("\"name\":\"a\",", "", 1) } else { before };
        let after = before.replace(&format!("{{\"{naming}\":\"hidden\"}},"), "");
        becomes(&hide, list, &before, Some(&after));
    }
    for (method, list) in [
        ("tools/list", Some(List::Tools)),
        ("prompts/list", Some(List::Prompts)),
        ("resources/list", Some(List::Resources)),
        ("resources/templates/list", Some(List::ResourceTemplates)),
        ("tools/call", None),
        ("Tools/list", None),
    ] {
        assert_eq!(List::asked_by(method), list, "{method}");
    }
}

#[test]
fn a_batch_is_filtered_in_each_response() {
    let hide = rewriter(&[]);
    let asked = Asked::by([("1", List::Tools), ("\"p\"", List::Prompts)]);
    let before = "[ {\"id\":7,\"result\":{\"content\":[]}}, {\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}},\
                  {\"id\":\"p\",\"result\":{\"prompts\":[{\"name\":\"a\"},{\"name\":\"hidden\"}]}} ]";
    let after = "[ {\"id\":7,\"result\":{\"content\":[]}}, {\"id\":1,\"result\":{\"tools\":[]}},\
                 {\"id\":\"p\",\"result\":{\"prompts\":[{\"name\":\"a\"}]}} ]";
    assert_eq!(rewritten(&hide, before, asked), Ok(Some(after.to_owned())));
}

#[test]
fn a_list_under_an_id_that_some_clients_take_for_the_right_one_is_filtered_too() {
    for id in ["1", "\"1\"", "1.0", "1e0", "2", "null"] {
        let before = format!("{{\"id\":{id},\"result\":{{\"tools\":[{{\"name\":\"hidden\"}}]}}}}");
        let after = format!("{{\"id\":{id},\"result\":{{\"tools\":[]}}}}");
        assert_eq!(rewritten(&rewriter(&[]), &before, one(List::Tools)), Ok(Some(after)), "{id}");
    }
}

#[test]
fn only_the_right_id_of_the_right_type_ends_the_waiting() {
    let list = "\"result\":{\"tools\":[]}";
    for (asked_id, id, rest, is_answered) in [
        ("1", "1", list, true),
        ("1", "\"1\"", list, false),
        ("1", "1.0", list, false),
        ("\"1\"", "\"\\u0031\"", list, true),
        ("\"1\"", "1", list, false),
        ("12345678901234567890123", "12345678901234567890124", list, false),
        ("1", "1", "\"error\":{\"code\":1}", true),
        ("1", "1", "\"error\":null", false),
        ("1", "1", "\"result\":{}", false),
        ("1", "1", "\"result\":{\"tools\":[]},\"error\":{}", false),
        ("1", "1", "\"result\":{\"prompts\":[]}", false),
        ("1", "1", "\"method\":\"ping\"", false),
        ("1", "1", "\"method\":\"ping\",\"result\":{\"tools\":[]}", false),
    ] {
        let mut asked = Asked::by([(asked_id, List::Tools)]);
        let message = format!("{{\"id\":{id},{rest}}}");
        rewriter(&[]).message(&message, &mut asked).expect("readable");
        assert_eq!(asked.is_answered(), is_answered, "{asked_id}: {message}");
    }
}

#[test]
fn what_the_operator_says_of_a_tool_replaces_what_the_server_says() {
    let described = rewriter(&[(
        "delete",
        tool(|tool| {
            tool.title = Some("Delete \"it\"\n".into());
            tool.description = Some("Für immer".into());
            tool.read_only = Some(false);
            tool.destructive = Some(true);
        }),
    )]);
    for (before, after) in [
        (
            "{\"tools\":[{\"name\":\"a\"},{\"name\":\"delete\",\"inputSchema\":{\"maximum\":1e400,\"minimum\":-0.00}}]}",
            "{\"tools\":[{\"name\":\"a\"},{\"name\":\"delete\",\"inputSchema\":{\"maximum\":1e400,\"minimum\":-0.00},\
             \"title\":\"Delete \\\"it\\\"\\n\",\"description\":\"Für immer\",\"annotations\":{\"title\":\"Delete \\\"it\\\"\\n\",\
             \"readOnlyHint\":false,\"destructiveHint\":true}}]}",
        ),
        (
            "{\"tools\":[{\"description\":\"old\",\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":true},\"name\":\"delete\",\
             \"title\":\"old\"}]}",
            "{\"tools\":[{\"description\":\"Für immer\",\"annotations\":{\"readOnlyHint\":false,\"openWorldHint\":true,\
             \"title\":\"Delete \\\"it\\\"\\n\",\"destructiveHint\":true},\"name\":\"delete\",\"title\":\"Delete \\\"it\\\"\\n\"}]}",
        ),
    ] {
        becomes(&described, List::Tools, before, Some(after));
    }
}

#[test]
fn security_schemes_are_set_on_each_tool() {
    let mut schemes = rewriter(&[]);
    schemes.view.has_schemes = true;
    let before = "{\"tools\":[{\"name\":\"a\",\"securitySchemes\":[]}]}";
    let after = "{\"tools\":[{\"name\":\"a\",\"securitySchemes\":[{\"type\":\"noauth\"},{\"type\":\"oauth2\",\"scopes\":[\"a:use\"]}]}]}";
    becomes(&schemes, List::Tools, before, Some(after));
}

#[test]
fn no_cache_shares_a_list_that_depends_on_the_caller() {
    let mut many = rewriter(&[]);
    many.view.is_one_of_many = true;
    for (is_modern, before, after) in [
        (true, "{\"tools\":[],\"ttlMs\":5}", Some("{\"tools\":[],\"ttlMs\":5,\"cacheScope\":\"private\"}")),
        (false, "{\"tools\":[]}", None),
        (true, "{\"cacheScope\":\"public\",\"tools\":[]}", Some("{\"cacheScope\":\"private\",\"tools\":[]}")),
        (false, "{\"cacheScope\":5,\"tools\":[]}", Some("{\"cacheScope\":\"private\",\"tools\":[]}")),
        (true, "{\"tools\":[],\"cacheScope\":\"private\"}", None),
        (
            true,
            "{\"tools\":[{\"name\":\"hidden\"}],\"cacheScope\":\"public\"}",
            Some("{\"tools\":[],\"cacheScope\":\"private\"}"),
        ),
    ] {
        many.is_modern = is_modern;
        let response = |result: &str| format!("{{\"id\":1,\"result\":{result}}}");
        assert_eq!(rewritten(&many, &response(before), one(List::Tools)), Ok(after.map(response)), "{before}");
    }
    let twice = "{\"id\":1,\"result\":{\"tools\":[],\"cacheScope\":\"private\",\"cacheScope\":\"public\"}}";
    assert_eq!(rewritten(&many, twice, one(List::Tools)), Err(Unrewritable::Ambiguous));
}
