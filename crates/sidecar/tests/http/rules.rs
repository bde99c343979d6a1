//! Rules for everything that is no tool: prompts, resources, methods, and scopes that include others.

use reqwest::RequestBuilder;

use crate::support::World;

const RULES: &str = r#"
login = "lazy"
[resource.access]
public_prompts = ["hello"]
public_resources = ["docs://*"]
[[resource.access.rule]]
prompts = ["secret"]
resources = ["vault://*"]
methods = ["tools/list", "resources/unsubscribe"]
deny = true
[[resource.access.rule]]
prompts = ["weekly"]
resources = ["db://*"]
scopes = ["reports"]
[[resource.access.rule]]
methods = ["logging/setLevel", "resources/subscribe"]
scopes = ["admin"]
[resource.implies]
boss = ["lead"]
lead = ["reports"]
one = ["other"]
other = ["one", "admin"]
"#;

fn body(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

/// Proves MCP authorization, scope selection: a rule counts for whatever it names, and a denial for everybody.
#[actix_web::test]
async fn rules_count_for_prompts_resources_and_methods_as_for_tools() {
    let world = World::with(|toml| toml + RULES).await;
    let prompt = |name: &str| format!(r#""ref":{{"type":"ref/prompt","name":"{name}"}},"argument":{{}}"#);
    let template = |uri: &str| format!(r#""ref":{{"type":"ref/resource","uri":"{uri}"}},"argument":{{}}"#);
    let listen = |what: &str| format!(r#""notifications":{{{what}}}"#);
    let name = |name: &str| format!(r#""name":"{name}""#);
    let uri = |uri: &str| format!(r#""uri":"{uri}""#);
    let (free, open, denied) = ([200, 200, 200, 200], [401, 200, 200, 200], [403; 4]);
    let (reports, admin) = ([401, 403, 200, 403], [401, 403, 403, 200]);
    for (method, params, expected) in [
        ("prompts/get", name("hello"), free),
        ("prompts/get", name("other"), open),
        ("prompts/get", name("weekly"), reports),
        ("prompts/get", name("secret"), denied),
        ("completion/complete", prompt("hello"), free),
        ("completion/complete", prompt("other"), open),
        ("completion/complete", prompt("weekly"), reports),
        ("completion/complete", prompt("secret"), denied),
        ("completion/complete", template("docs://{x}"), free),
        ("completion/complete", template("db://{x}"), reports),
        ("completion/complete", template("vault://{x}"), denied),
        ("resources/read", uri("docs://a"), free),
        ("resources/read", uri("db://a"), reports),
        ("resources/read", uri("vault://a"), denied),
        ("resources/subscribe", uri("docs://a"), admin),
        ("resources/subscribe", uri("vault://a"), denied),
        ("resources/unsubscribe", uri("docs://a"), denied),
        ("logging/setLevel", r#""level":"debug""#.into(), admin),
        ("ping", String::new(), free),
        ("tools/list", String::new(), denied),
        ("subscriptions/listen", listen(r#""toolsListChanged":true"#), denied),
        ("subscriptions/listen", listen(r#""toolsListChanged":false,"promptsListChanged":true"#), open),
        ("subscriptions/listen", listen(r#""resourceSubscriptions":["docs://a","db://a"]"#), reports),
        ("subscriptions/listen", listen(r#""resourceSubscriptions":["docs://a","vault://a"]"#), denied),
    ] {
        let users = [None, Some(("u", "mcp:use")), Some(("u", "mcp:use reports")), Some(("u", "mcp:use admin"))];
        let mut answers = [0; 4];
        for (answer, user) in answers.iter_mut().zip(users) {
            *answer = status(world.post(user, body(method, &params))).await;
        }
        assert_eq!(answers, expected, "{method} {params}");
    }
}

/// Proves MCP authorization, scope hierarchies: a broader scope counts for those that it includes, over any number of steps.
#[actix_web::test]
async fn a_scope_includes_what_those_include_that_it_includes_also_in_a_circle() {
    let world = World::with(|toml| toml + RULES).await;
    let (weekly, level) = (body("prompts/get", r#""name":"weekly""#), body("logging/setLevel", r#""level":"debug""#));
    for (scope, expected) in [
        ("lead", [200, 403]),
        ("boss", [200, 403]),
        ("one", [403, 200]),
        ("other", [403, 200]),
        ("reports", [200, 403]),
        ("unrelated", [403, 403]),
    ] {
        let scope = format!("mcp:use {scope}");
        let ask = |body: &String| status(world.post(Some(("u", &scope)), body.clone()));
        assert_eq!([ask(&weekly).await, ask(&level).await], expected, "{scope}");
    }
}

/// Proves MCP server/prompts and server/resources: what nobody may is in no list.
#[actix_web::test]
async fn what_is_denied_is_in_no_list_of_prompts_resources_and_templates() {
    let world = World::with(|toml| toml + RULES).await;
    for (method, member, naming, all, shown) in [
        ("prompts/list", "prompts", "name", ["hello", "secret", "weekly"], ["hello", "weekly"]),
        ("resources/list", "resources", "uri", ["vault://a", "docs://a", "db://a"], ["docs://a", "db://a"]),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            ["docs://{x}", "db://{x}", "vault://{x}"],
            ["docs://{x}", "db://{x}"],
        ),
    ] {
        let list = |names: &[&str]| {
            let entries: Vec<String> = names.iter().map(|name| format!(r#"{{"{naming}":"{name}"}}"#)).collect();
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{member}":[{}]}}}}"#, entries.join(","))
        };
        for user in [None, Some(("u", "mcp:use"))] {
            let request = world.post(user, body(method, "")).header("x-test", "say").header("x-say", list(&all));
            let answer = request.send().await.expect("an answer").text().await.expect("a body");
            assert_eq!(answer, list(&shown), "{method} for {user:?}");
        }
    }
}
