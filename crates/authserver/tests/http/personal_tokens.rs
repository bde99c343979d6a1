//! Personal tokens and the revocation of grants, by the command line beside a running server.

use std::time::Duration;

use gatelodge_oauth::access_token::{Expectation, VerifyingKeys, verify};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;
use serde_json::Value;

use crate::support::binary::Workplace;
use crate::support::{Database, ISSUER, McpClient, RESOURCE, Server, Settings, claims, on_both_databases};

on_both_databases! {
    a_personal_token_is_good_until_it_is_revoked,
    a_personal_token_outlives_the_key_that_signs_next,
    what_cannot_be_made_is_refused_with_a_reason,
    everything_allowed_before_a_time_can_be_revoked,
}

struct Operator(Workplace);

impl Operator {
    fn of(database: &Database) -> Self {
        Self(Workplace::new(&Settings::default().toml(&database.url)))
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.0.run(arguments, &[]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat()).expect("it works");
        serde_json::from_str(&said).expect("JSON")
    }
}

async fn start(database: &Database) -> Server {
    Server::start_at(database, Settings::default(), Clock::system()).await
}

async fn is_good(server: &Server, token: &str) -> bool {
    let keys = VerifyingKeys::from_jwks(server.get("/jwks").await.body.as_bytes()).expect("keys");
    let audience = ResourceId::from_config(RESOURCE).expect("a resource");
    let expected = Expectation { issuer: ISSUER.into(), audience, leeway: Duration::ZERO };
    verify(token, &keys, &expected, server.clock.now()).is_ok()
}

async fn a_personal_token_is_good_until_it_is_revoked(database: &Database) {
    let server = start(database).await;
    let operator = Operator::of(database);
    let made = operator.json(&["token", "create", "--user", "Ada", "--name", "laptop", "--scope", "notes:read"]);
    let (id, token) = (made["id"].as_str().expect("an id"), made["access_token"].as_str().expect("a token"));
    assert!(is_good(&server, token).await);
    let claims = claims(token);
    assert_eq!((&claims["client_id"], &claims["scope"]), (&"personal_token".into(), &"notes:read".into()));
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("user_")));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 90 * 86_400));
    assert!(claims["status"]["status_list"]["idx"].is_u64());

    let listed = operator.json(&["token", "list", "--user", "ada"]);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["name"], &listed[0]["state"]),
        (&id.into(), &"laptop".into(), &"active".into())
    );
    assert_eq!(operator.json(&["token", "list", "--user", "bob"]), Value::Array(Vec::new()));
    let text = operator.run(&["token", "list"]).expect("it works");
    assert!(text.contains("laptop") && text.contains("ada") && !text.contains("eyJ"), "{text}");
    assert!(!String::from_utf8_lossy(&std::fs::read(operator.0.config()).expect("read")).contains(token));

    assert!(operator.run(&["token", "revoke", id]).expect("it works").starts_with("revoked "));
    assert_eq!(operator.json(&["token", "list"])[0]["state"], "revoked");
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 1);
}

async fn a_personal_token_outlives_the_key_that_signs_next(database: &Database) {
    let server = Server::start(database).await;
    let made = Operator::of(database).json(&["token", "create", "--user", "ada", "--name", "x", "--lifetime", "80d"]);
    let token = made["access_token"].as_str().expect("a token");
    // The clock of the server is in the year after: only the key is looked at.
    let kid = crate::support::segment(token, 0)["kid"].clone();
    let until = claims(token)["exp"].as_i64().expect("a time");
    let row = format!("signing_keys WHERE kid = '{}' AND needed_until > {until}", kid.as_str().expect("a name"));
    assert_eq!(database.count(&row), 1);
    assert_eq!(server.get("/jwks").await.json()["keys"][0]["kid"], kid);
}

async fn what_cannot_be_made_is_refused_with_a_reason(database: &Database) {
    let _server = start(database).await;
    let operator = Operator::of(database);
    for (arguments, says) in [
        (&["--user", "nobody", "--name", "x"][..], "gatelodge user list"),
        (&["--user", "carol", "--name", "x"], "is disabled"),
        (&["--user", "ada", "--name", "x", "--scope", "admin"], "the scopes of"),
        (&["--user", "ada", "--name", "x", "--resource", "https://evil.example/mcp"], "--resource"),
        (&["--user", "ada", "--name", "x", "--lifetime", "91d"], "refresh_token_lifetime"),
        (&["--user", "ada", "--name", "x", "--lifetime", "0s"], "refresh_token_lifetime"),
        (&["--user", "ada", "--name", " "], "--name"),
    ] {
        let said = operator.run(&[&["token", "create"], arguments].concat()).expect_err("it is refused");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert_eq!(database.count("grants"), 0);
    for arguments in [["token", "revoke", "grant_x"], ["grant", "revoke", "grant_x"]] {
        assert!(operator.run(&arguments).expect_err("there is none").contains("there is no grant_x"));
    }
    assert!(
        operator.run(&["grant", "revoke", "--all-before", "yesterday"]).expect_err("no time").contains("2026-11-21T")
    );
}

async fn everything_allowed_before_a_time_can_be_revoked(database: &Database) {
    let server = start(database).await;
    let operator = Operator::of(database);
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    operator.run(&["token", "create", "--user", "ada", "--name", "x"]).expect("it works");
    let made = "outcome = 'token_made' AND mcp_name = 'x' AND reason = 'operator' AND actor = 'command'";
    assert_eq!(database.count(&format!("audit_events WHERE {made}")), 1);
    assert_eq!(operator.json(&["grant", "list", "--user", "ada"]).as_array().map(Vec::len), Some(2));
    assert_eq!(operator.run(&["grant", "revoke", "--all-before", "2020-01-01T00:00:00Z"]), Ok("revoked 0\n".into()));
    assert_eq!(operator.run(&["grant", "revoke", "--all-before", "2100-01-01T00:00:00Z"]), Ok("revoked 2\n".into()));
    assert_eq!(client.refresh(&tokens.refresh_token).await.error(), "invalid_grant");
    assert_eq!(
        database.count("audit_events WHERE outcome = 'all_revoked' AND actor = 'command' AND subject IS NULL"),
        1
    );
}
