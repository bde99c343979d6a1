//! The caller as what the MCP server accepts already, from each source; and what happens when there is none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gatelodge_oauth::access_token::Claims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Minter, World, header, soon};

const MINTED: &str = "{\"credential\": \"minted-1\", \"expires_in\": 300}";

/// A sidecar with this in `[resource.identity.credential]`.
async fn with(credential: &str) -> World {
    let table = "[resource.identity]\nkind = \"credential\"\n[resource.identity.credential]";
    World::with(|toml| format!("{toml}{table}\n{credential}")).await
}

async fn webhook(minter: &Minter) -> World {
    with(&format!("[resource.identity.credential.webhook]\nurl = \"{}\"\nsecret = \"hook-s3cret\"\n", minter.url)).await
}

/// What the caller gets, with the code in the body.
async fn told(world: &World, subject: &str) -> (u16, String) {
    let claims = Claims { sub: subject.into(), ..world.authority.claims() };
    let request = world.request(Method::POST).bearer_auth(world.authority.sign(&claims));
    let answer = request.send().await.expect("an answer");
    assert_eq!(header(&answer, "www-authenticate"), "", "no token would help");
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

/// A hundred ways to write a name, as header names allow.
fn spellings(words: &[&str]) -> Vec<String> {
    let joints =
        ["-", "_", ".", "--", "__", "-_", "_-", "~", "!", "'", "|", "+", "*", "$", "%", "&", "#", "^", "`", ""];
    let mut names = Vec::new();
    for joint in joints {
        let name = words.join(joint);
        names.extend([name.to_uppercase(), format!("{name}_"), format!("-{name}"), format!("{name}-2"), name]);
    }
    names
}

#[actix_web::test]
async fn no_spelling_of_the_credentials_header_comes_from_outside() {
    let world = with("header = \"X-Agent-Token\"\nformat = \"Token {credential}\"\nvalue = \"the-real-one\"\n").await;
    let names = spellings(&["x", "agent", "token"]);
    assert_eq!(names.len(), 100);
    for name in &names {
        let request = world.authorized(Method::POST).header(name, "forged").header("Connection", "x-agent-token");
        assert_eq!(request.send().await.expect("an answer").status(), 200, "{name}");
    }
    for (seen, name) in world.upstream.seen().iter().zip(&names) {
        assert_eq!(seen.all("x-agent-token"), ["Token the-real-one"], "{name}");
        assert!(!seen.everything().contains("forged"), "{name}: {seen:?}");
        assert!(seen.all("x-mcp-auth-sub").is_empty() && seen.all("authorization").is_empty());
    }
}

fn written(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).expect("a file");
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::rename(&beside, path).expect("renamed");
}

#[actix_web::test]
async fn a_file_of_credentials_is_read_again_when_it_changes() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("map.toml");
    written(&file, "user_1 = \"hers\"\n\"client:other\" = \"x\"\n");
    let world = with(&format!("[resource.identity.credential.map]\nentries_file = {file:?}\n")).await;
    assert_eq!(told(&world, "user_1").await.0, 200);
    assert_eq!(world.upstream.only().all("authorization"), ["Bearer hers"]);
    assert_eq!(told(&world, "user_2").await, (403, "no_credential".into()));

    written(&file, "user_2 = \"his\"\n");
    let changed = async {
        while told(&world, "user_2").await.0 != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    soon("the new file counts", changed).await;
    assert_eq!(world.upstream.seen().last().expect("one").all("authorization"), ["Bearer his"]);
    assert_eq!(told(&world, "user_1").await, (403, "no_credential".into()), "who was removed is out");
}

#[actix_web::test]
async fn a_webhook_is_told_who_calls_and_asked_once() {
    let minter = Minter::start(200, MINTED);
    let world = webhook(&minter).await;
    for _ in 0..3 {
        assert_eq!(told(&world, "user_1").await.0, 200);
    }
    let seen = world.upstream.seen();
    assert!(seen.iter().all(|seen| seen.all("authorization") == ["Bearer minted-1"]), "{seen:?}");
    let [asked] = &minter.asked()[..] else { panic!("{:?}", minter.asked()) };
    assert_eq!((asked.authorization.as_str(), asked.content_type.as_str()), ("Bearer hook-s3cret", "application/json"));
    let expected = json!({
        "issuer": "https://mcp.example.com", "subject": "user_1", "client_id": "client_1",
        "scope": "mcp:use tickets:read", "resource": "https://mcp.example.com/mcp",
    });
    assert_eq!(serde_json::from_str::<Value>(&asked.body).expect("JSON"), expected);
    assert!(!asked.body.contains("eyJ"), "no token");
    assert_eq!(told(&world, "user_2").await.0, 200);
    assert_eq!(minter.asked().len(), 2, "somebody else's credential is their own");
}

#[actix_web::test]
async fn many_requests_of_one_caller_wait_for_one_credential_and_a_client_that_leaves_spoils_nothing() {
    let minter = Minter::holding(200, MINTED);
    let world = webhook(&minter).await;
    let mut leaver = Box::pin(world.authorized(Method::POST).send());
    let asked = async {
        while minter.asked().is_empty() {
            let wait = tokio::time::timeout(std::time::Duration::from_millis(5), &mut leaver).await;
            assert!(wait.is_err(), "answered without a credential");
        }
    };
    soon("the webhook is asked", asked).await;
    drop(leaver);
    let requests = (0..50).map(|_| world.authorized(Method::POST).send());
    let all = futures_util::future::join_all(requests);
    let release = async {
        tokio::task::yield_now().await;
        minter.answer_all();
    };
    let (answers, ()) = soon("all are answered", futures_util::future::join(all, release)).await;
    assert!(answers.into_iter().all(|answer| answer.expect("an answer").status() == 200));
    assert_eq!(minter.asked().len(), 1);
}

#[actix_web::test]
async fn a_no_of_the_webhook_is_403_and_every_failure_503() {
    for (status, body, expected) in [
        (403, "{}", (403, "no_credential")),
        (404, "", (403, "no_credential")),
        (401, "{}", (503, "temporarily_unavailable")),
        (500, "{}", (503, "temporarily_unavailable")),
        (302, "", (503, "temporarily_unavailable")),
        (200, "", (503, "temporarily_unavailable")),
        (200, "{\"expires_in\": 5}", (503, "temporarily_unavailable")),
        (200, "{\"credential\": \"\"}", (503, "temporarily_unavailable")),
        (200, "{\"credential\": 5}", (503, "temporarily_unavailable")),
        (200, "{\"credential\": \"a\", \"credential\": \"b\"}", (503, "temporarily_unavailable")),
        (200, "{\"credential\": \"a\\r\\nX-Admin: 1\"}", (503, "temporarily_unavailable")),
        (200, "{\"credential\": \"a\", \"expires_in\": -1}", (503, "temporarily_unavailable")),
    ] {
        let minter = Minter::start(status, body);
        let world = webhook(&minter).await;
        assert_eq!(told(&world, "user_1").await, (expected.0, expected.1.to_owned()), "{status} {body}");
        assert!(world.upstream.seen().is_empty(), "{status} {body}");
    }
    let huge = format!("{{\"credential\": \"{}\"}}", "a".repeat(70_000));
    let minter = Minter::start(200, &huge);
    assert_eq!(told(&webhook(&minter).await, "user_1").await.0, 503);
    let world = with("[resource.identity.credential.webhook]\nurl = \"http://127.0.0.1:9/\"\nsecret = \"x\"\n").await;
    assert_eq!(told(&world, "user_1").await.0, 503);
}

#[actix_web::test]
async fn an_mcp_server_that_refuses_a_credential_is_no_reason_to_throw_the_token_away() {
    let minter = Minter::start(200, MINTED);
    let world = webhook(&minter).await;
    let answer = world.authorized(Method::POST).header("x-test", "401").send().await.expect("an answer");
    assert_eq!((answer.status(), header(&answer, "www-authenticate")), (StatusCode::BAD_GATEWAY, String::new()));
}

#[actix_web::test]
async fn a_credential_that_the_mcp_server_refuses_is_minted_anew_for_a_later_request() {
    let minter = Minter::start(200, MINTED);
    let world = webhook(&minter).await;
    let replaced = async {
        while minter.asked().len() < 2 {
            let request = world.authorized(Method::POST).header("x-test", "401");
            assert_eq!(request.send().await.expect("an answer").status(), 502);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("another credential is minted", replaced).await;
    let refused = world.upstream.seen().len();
    assert!(refused > 2, "a new credential is not replaced at once: {refused}");
}

fn exchange(minter: &Minter) -> String {
    format!(
        "[resource.identity.credential.exchange]\ntoken_endpoint = \"{}\"\nclient_id = \"side:car\"\n\
         client_secret = \"p/w\"\naudience = \"urn:mcp\"\nscope = \"time:read\"\n",
        minter.url
    )
}

#[actix_web::test]
async fn a_token_is_exchanged_and_never_forwarded() {
    let minter =
        Minter::start(200, "{\"access_token\": \"exchanged\", \"token_type\": \"Bearer\", \"expires_in\": 60}");
    let world = with(&exchange(&minter)).await;
    let token = world.authority.token();
    for _ in 0..2 {
        let answer = world.request(Method::POST).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    for seen in world.upstream.seen() {
        assert_eq!(seen.all("authorization"), ["Bearer exchanged"]);
        assert!(!seen.everything().contains(&token));
    }
    let [asked] = &minter.asked()[..] else { panic!("{:?}", minter.asked()) };
    // printf 'side%%3Acar:p%%2Fw' | base64
    assert_eq!(asked.authorization, "Basic c2lkZSUzQWNhcjpwJTJGdw==");
    let sent: Vec<(String, String)> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token.as_str()),
        ("subject_token_type", access_token),
        ("requested_token_type", access_token),
        ("audience", "urn:mcp"),
        ("scope", "time:read"),
    ];
    assert_eq!(sent, expected);
}

#[actix_web::test]
async fn a_no_of_the_exchange_is_403_and_every_failure_503() {
    let minter = Minter::start(200, "");
    for (status, body, expected) in [
        (400, "{\"error\": \"invalid_request\"}".to_owned(), 403),
        (400, "{\"error\": \"access_denied\"}".to_owned(), 403),
        (401, "{\"error\": \"invalid_client\"}".to_owned(), 503),
        (400, "{\"error\": \"invalid_target\"}".to_owned(), 503),
        (500, "{\"error\": \"access_denied\"}".to_owned(), 503),
        (200, "{}".to_owned(), 503),
    ] {
        minter.set_answer(status, &body);
        let world = with(&exchange(&minter)).await;
        assert_eq!(told(&world, "user_1").await.0, expected, "{status} {body}");
        assert!(world.upstream.seen().is_empty());
    }
    let world = with(&exchange(&minter)).await;
    let token = world.authority.token();
    minter.set_answer(200, &json!({ "access_token": token }).to_string());
    let answer = world.request(Method::POST).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(answer.status(), 503, "the same token back would be the client's token passed on");
    assert!(world.upstream.seen().is_empty());
}
