//! The flight recorder: an operator sees how far each connection came, whatever strangers do, and no request waits for it.

use std::time::Duration;

use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::oidc_sign_in::go_there;
use crate::rfc8628_device::DEVICE_CODE;
use crate::second_step::{type_code, with_app};
use crate::support::binary::Workplace;
use crate::support::mcp_client::path_of;
use crate::support::openid_provider::OpenIdProvider;
use crate::support::{
    Answer, Browser, Database, McpClient, RESOURCE, Server, Settings, http_client, on_any_database, on_both_databases,
};

on_both_databases! {
    a_connection_is_a_timeline_from_the_metadata_to_the_first_call,
    an_attempt_that_stops_says_where_and_why,
    a_sign_in_that_fails_elsewhere_or_half_way_says_so,
    a_recorder_that_cannot_write_fails_nobody,
    whoever_leaves_takes_their_attempts_along,
    what_strangers_cause_has_an_end_and_others_are_recorded_meanwhile,
}

on_any_database! {
    the_attempt_of_a_device_begins_at_the_device,
    an_unknown_connection_is_none,
    an_operator_can_have_nothing_recorded,
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const AUDIT: &str = "[audit]\nsecret = \"0123456789abcdef0123456789abcdef\"\n";

fn settings() -> Settings {
    Settings { more: AUDIT, ..Settings::default() }
}

/// As long ago as nobody is waited for any more: the command has the time of the machine.
async fn start(database: &Database, settings: Settings) -> Server {
    let then = Clock::system().now().minus(Duration::from_secs(3_600));
    Server::start_at(database, settings, Clock::manual(then)).await
}

fn said(database: &Database, arguments: &[&str]) -> String {
    let workplace = Workplace::new(&settings().toml(&database.url));
    let output = workplace.run(arguments, &[]);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn attempts(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let said = said(database, &[&["connections", "--json"], arguments].concat());
    serde_json::from_str(&said).expect("JSON")
}

fn steps(attempt: &Value) -> Vec<&str> {
    attempt["steps"].as_array().expect("a list").iter().map(|step| step["step"].as_str().expect("a name")).collect()
}

fn summary(attempt: &Value) -> &str {
    attempt["diagnosis"]["summary"].as_str().expect("a text")
}

/// The newest attempt, once this is its last step.
async fn once_it_came_to(database: &Database, last: &str) -> Value {
    loop {
        let newest = attempts(database, &["--limit", "1", "--all"]).into_iter().next();
        match newest.filter(|attempt| steps(attempt).last() == Some(&last)) {
            Some(attempt) => return attempt,
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn send(server: &Server, event: &Value) {
    let url = format!("http://{}/audit/events", server.health_address);
    let request = http_client().post(url).header("content-type", "application/x-ndjson").bearer_auth(SECRET);
    assert_eq!(Answer::of(request.body(event.to_string())).await.status, 204);
}

/// Proves RFC 6749 §4.1: an operator can follow each step of a flow, and reads no secret of it.
async fn a_connection_is_a_timeline_from_the_metadata_to_the_first_call(database: &Database) {
    let server = start(database, settings()).await;
    let now = server.clock.now().as_unix();
    let challenged = json!({ "id": "a", "at": now - 5, "outcome": "challenged", "resource": RESOURCE, "status": 401 });
    send(&server, &challenged).await;
    server.get("/.well-known/oauth-authorization-server").await;
    server.get("/.well-known/openid-configuration").await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.consent_page(&client).await;
    let transaction = consent.form("consent").get("transaction").to_owned();
    let code = browser.allow(&consent).await.answered("code");
    let tokens = crate::support::Tokens::of(&client.exchange(&code).await);

    let attempt = once_it_came_to(database, "token_issued").await;
    let all = ["metadata_read", "registered", "asked", "signed_in", "consent_shown", "allowed", "token_issued"];
    assert_eq!(steps(&attempt), all);
    assert_eq!((&attempt["client_name"], &attempt["user"]), (&json!("Test Client"), &json!("ada")));
    assert_eq!((&attempt["client_id"], &attempt["resource"]), (&json!(client.id), &json!(RESOURCE)));
    assert_eq!(attempt["steps"][2]["detail"], "answer to client.example");
    assert_eq!((&attempt["source"], summary(&attempt)), (&json!("127.0.0.0/24"), "token issued, never came back"));
    assert!(attempt["challenged_at"].is_string() && attempt["call"].is_null(), "{attempt}");
    assert_eq!(attempts(database, &["--user", "ada", "--client", &client.id]), std::slice::from_ref(&attempt));
    assert!(attempts(database, &["--user", "bob"]).is_empty());
    assert_eq!(attempts(database, &["--state", "stopped"]), std::slice::from_ref(&attempt));
    assert!(attempts(database, &["--state", "connected"]).is_empty());

    let id = attempt["id"].as_str().expect("an id");
    let page = said(database, &["connections", "show", id]);
    for words in ["challenged", "asked for authorization", "token issued", "user        ada", "CDN", "stopped"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for secret in [code.as_str(), "state-of-the-client", &client.verifier, &transaction, &tokens.refresh_token] {
        assert!(!page.contains(secret) && !attempt.to_string().contains(secret), "{page}");
    }

    let subject = crate::support::claims(&tokens.access_token)["sub"].clone();
    let call = json!({
        "id": "b", "at": now + 1, "outcome": "challenged", "resource": RESOURCE, "client_id": client.id, "subject": subject,
        "status": 403, "reason": "insufficient_scope", "mcp_method": "tools/call",
    });
    send(&server, &call).await;
    let refused = attempts(database, &[]).remove(0);
    assert_eq!(summary(&refused), "came with its token and was refused");
    assert!(refused["diagnosis"]["cause"].as_str().is_some_and(|cause| cause.contains("insufficient_scope")));
    let elsewhere = json!({ "id": "c", "outcome": "forwarded", "resource": "https://mcp.example.com/other" });
    let somebody = json!({ "id": "d", "outcome": "forwarded", "subject": "user_other" });
    let earlier = json!({ "id": "e", "outcome": "forwarded", "at": now - 1 });
    for other in [elsewhere, somebody, earlier] {
        let mut event = call.clone();
        other.as_object().expect("an object").iter().for_each(|(name, value)| event[name] = value.clone());
        send(&server, &event).await;
        assert_eq!(attempts(database, &[]).remove(0)["diagnosis"], refused["diagnosis"], "{other}");
    }
    let forwarded =
        json!({ "id": "f", "at": now + 2, "outcome": "forwarded", "status": 200, "mcp_method": "initialize" });
    let mut event = call;
    forwarded.as_object().expect("an object").iter().for_each(|(name, value)| event[name] = value.clone());
    send(&server, &event).await;
    let connected = attempts(database, &[]).remove(0);
    assert_eq!((summary(&connected), &connected["call"]["mcp_method"]), ("connected", &json!("initialize")));
    assert!(said(database, &["connections", "show", id]).contains("first call"));
}

async fn an_attempt_that_stops_says_where_and_why(database: &Database) {
    let server = start(database, settings()).await;
    server.get("/.well-known/oauth-authorization-server").await;
    let reader = once_it_came_to(database, "metadata_read").await;
    assert_eq!(summary(&reader), "read the metadata and went away");
    assert!(attempts(database, &[]).is_empty(), "readers are shown to whoever asks for them");
    server.post_bytes("/register", "application/json", "{}").await;
    let refused = once_it_came_to(database, "registration_refused").await;
    assert_eq!((steps(&refused).len(), summary(&refused)), (2, "registration refused"));

    let client = McpClient::register(&server).await;
    let registered = once_it_came_to(database, "registered").await;
    assert_eq!((steps(&registered), summary(&registered)), (vec!["registered"], "registered, and no browser came"));

    let mut browser = Browser::new(&server);
    let elsewhere = client.authorization_request().with("redirect_uri", "https://evil.example/cb");
    browser.open(&path_of(&elsewhere)).await.assert_error(400, "redirect_uri_refused");
    let refused = once_it_came_to(database, "request_refused").await;
    assert_eq!((steps(&refused).len(), summary(&refused)), (2, "authorization request refused"));
    let malformed = client.authorization_request().with("client_id", "nobody\u{1b}[2J");
    browser.open(&path_of(&malformed)).await;
    let client = McpClient::register(&server).await;
    once_it_came_to(database, "registered").await;
    let unknown = client.authorization_request().with("client_id", "nobody");
    browser.open(&path_of(&unknown)).await;
    let refused = once_it_came_to(database, "request_refused").await;
    assert_eq!((steps(&refused).len(), &refused["client_id"]), (1, &json!("nobody")));
    assert_eq!(database.count("connection_steps WHERE step = 'request_refused'"), 3);

    let login = browser.open(&client.authorize_path()).await;
    let asked = once_it_came_to(database, "asked").await;
    assert_eq!((steps(&asked), summary(&asked)), (vec!["registered", "asked"], "nobody signed in"));
    browser.sign_in_with(&login, "ada", "wrong").await;
    assert_eq!(summary(&once_it_came_to(database, "sign_in_failed").await), "could not sign in");
    let consent = browser.sign_in(&login, "ada").await;
    assert_eq!(summary(&once_it_came_to(database, "consent_shown").await), "the question was not answered");
    browser.deny(&consent).await;
    assert_eq!(summary(&once_it_came_to(database, "denied").await), "denied");

    let consent = browser.open(&client.authorize_path()).await;
    let code = browser.allow(&consent).await.answered("code");
    let allowed = once_it_came_to(database, "allowed").await;
    assert_eq!(summary(&allowed), "allowed, and the code was not fetched");
    assert_eq!(steps(&allowed), ["asked", "consent_shown", "allowed"], "a registration begins one attempt");
    let wrong = client.code_request(&code).with("code_verifier", &"x".repeat(43));
    assert_eq!(server.post("/token", &wrong).await.error(), "invalid_grant");
    let refused = once_it_came_to(database, "token_refused").await;
    assert_eq!((&refused["id"], summary(&refused)), (&allowed["id"], "the token was refused"));
    assert!(refused["steps"][3]["detail"].as_str().is_some_and(|detail| detail.starts_with("invalid_grant: ")));
}

/// Proves RFC 6749 §4.1: an operator sees at which step a sign-in failed, and why.
async fn a_sign_in_that_fails_elsewhere_or_half_way_says_so(database: &Database) {
    let clock = Clock::manual(Clock::system().now().minus(Duration::from_secs(3_600)));
    let provider = OpenIdProvider::start(&clock);
    let server = Server::start_at(database, provider.settings("allow.domains = [\"other.example\"]"), clock).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&client.authorize_path()).await;
    let away = go_there(&mut browser, &login).await;
    once_it_came_to(database, "sent_to_provider").await;
    browser.open(&provider.refuse(&away, "access_denied")).await;
    let cancelled = once_it_came_to(database, "provider_failed").await;
    assert_eq!(summary(&cancelled), "the provider signed nobody in");
    assert!(cancelled["diagnosis"]["cause"].as_str().is_some_and(|cause| cause.contains("idp: sign_in_cancelled")));
    let away = go_there(&mut browser, &login).await;
    once_it_came_to(database, "sent_to_provider").await;
    browser.open(&provider.answer(&away, "lin")).await;
    let refused = once_it_came_to(database, "provider_failed").await;
    let detail = refused["steps"].as_array().and_then(|steps| steps.last()).expect("a step")["detail"].clone();
    assert_eq!(detail, "idp: sign_in_not_allowed");

    let (_, _, codes) = with_app(&server, "ada").await;
    let login = browser.open(&client.authorize_path()).await;
    let half = browser.sign_in(&login, "ada").await;
    once_it_came_to(database, "second_step_asked").await;
    type_code(&mut browser, &half, "000000").await;
    let wrong = once_it_came_to(database, "second_step_failed").await;
    assert_eq!(summary(&wrong), "the second step failed");
    assert!(
        wrong["diagnosis"]["cause"]
            .as_str()
            .is_some_and(|cause| cause.contains("wrong once; the last time: code of the app"))
    );
    let form = half.form("recovery").with("recovery_code", &codes[0]);
    browser.submit(&half.action("recovery"), &form).await.assert_consent();
    assert_eq!(summary(&once_it_came_to(database, "consent_shown").await), "the question was not answered");
}

async fn a_recorder_that_cannot_write_fails_nobody(database: &Database) {
    let server = start(database, settings()).await;
    database.execute("DROP TABLE connection_steps");
    server.get("/.well-known/oauth-authorization-server").await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    client.refreshed(&tokens.refresh_token).await;
}

/// Proves GDPR Art. 15 and 17: what is recorded about somebody is shown to them, and goes with them.
async fn whoever_leaves_takes_their_attempts_along(database: &Database) {
    let server = start(database, settings()).await;
    let client = McpClient::register(&server).await;
    client.connect().await;
    once_it_came_to(database, "token_issued").await;
    let exported: Value = serde_json::from_str(&said(database, &["user", "export", "ada"])).expect("JSON");
    let own = exported["connections"].as_array().expect("a list");
    assert_eq!((own.len(), &own[0]["step"], &own[5]["step"]), (6, &json!("registered"), &json!("token_issued")));
    said(database, &["user", "remove", "ada"]);
    assert_eq!(database.count("connection_steps"), 0);
}

async fn what_strangers_cause_has_an_end_and_others_are_recorded_meanwhile(database: &Database) {
    let settings = Settings { trusted_proxies: "[\"127.0.0.0/8\"]", ..settings() };
    let server = start(database, settings).await;
    let client = McpClient::register(&server).await;
    let path = client.authorize_path().replace(&client.id, "nobody");
    let ask = async |source: &str| {
        let request = server.request(Method::GET, &path).header("x-forwarded-for", source);
        Answer::of(request).await.status
    };
    for _ in 0..300 {
        assert_eq!(ask("198.51.100.1").await, 400, "it is answered as ever");
    }
    assert_eq!(ask("203.0.113.1").await, 400);
    while database.count("connection_steps WHERE source = '203.0.113.0/24'") == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(database.count("connection_steps WHERE source = '198.51.100.0/24'"), 120);

    // Far more than there may be of strangers, and one of somebody, all of yesterday.
    let yesterday = server.clock.now().minus(Duration::from_secs(86_400)).as_unix();
    database.execute(&format!(
        "INSERT INTO connection_steps (id, connection, at, step) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 21000) \
         SELECT 'flood-' || i, 'flood', {yesterday}, 'request_refused' FROM n"
    ));
    let old = Timestamp::from_unix(yesterday).minus(Duration::from_secs(30 * 86_400)).as_unix();
    database.execute(&format!(
        "INSERT INTO connection_steps (id, connection, at, step, user_id) VALUES \
         ('ada', 'ada', {yesterday}, 'allowed', 'ada'), ('old', 'old', {old}, 'allowed', 'ada')"
    ));
    // A server sweeps when it starts.
    database.stop_servers().await;
    let _server = start(database, Settings::default()).await;
    while database.count("connection_steps WHERE user_id IS NULL") > 20_000
        || database.count("connection_steps WHERE id = 'old'") > 0
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(database.count("connection_steps WHERE user_id IS NULL"), 20_000);
    assert_eq!(database.count("connection_steps WHERE user_id = 'ada'"), 1);
    assert_eq!(database.count("connection_steps WHERE source IS NOT NULL"), 122, "the newest are kept");
}

/// Proves RFC 8628 §3: from the codes of a device to its token it is one attempt.
async fn the_attempt_of_a_device_begins_at_the_device(database: &Database) {
    let more = "[audit]\nsecret = \"0123456789abcdef0123456789abcdef\"\n[grants]\ndevice_code = true\n";
    let server = start(database, Settings { more, ..Settings::default() }).await;
    let grant_types = json!(["authorization_code", DEVICE_CODE, "refresh_token"]);
    let client = McpClient::register_with(&server, json!({ "grant_types": grant_types })).await;
    let form = crate::support::Form::new([("client_id", client.id.as_str()), ("resource", RESOURCE)]);
    let codes = server.post("/device_authorization", &form).await;
    let waiting = once_it_came_to(database, "device_asked").await;
    assert_eq!(summary(&waiting), "nobody typed the code of the device");
    let mut browser = Browser::new(&server);
    let typed = browser.open("/device").await;
    let form = typed.form("device").with("user_code", &codes.member("user_code"));
    let login = browser.submit("/device", &form).await;
    let consent = browser.sign_in(&login, "ada").await;
    browser.allow(&consent).await;
    let poll = crate::support::Form::new([
        ("grant_type", DEVICE_CODE),
        ("client_id", client.id.as_str()),
        ("device_code", &codes.member("device_code")),
    ]);
    assert_eq!(server.post("/token", &poll).await.status, 200);
    let attempt = once_it_came_to(database, "token_issued").await;
    let all = ["registered", "device_asked", "asked", "signed_in", "consent_shown", "allowed", "token_issued"];
    assert_eq!(steps(&attempt), all);
    assert!(!attempt.to_string().contains(&codes.member("user_code")), "{attempt}");
}

async fn an_unknown_connection_is_none(database: &Database) {
    let _server = start(database, settings()).await;
    let workplace = Workplace::new(&settings().toml(&database.url));
    for (arguments, error) in [
        (&["connections", "show", "nothing"][..], "there is no connection nothing"),
        (&["connections", "--user", "nobody"], "there is no user nobody"),
    ] {
        let output = workplace.run(arguments, &[]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(error), "{output:?}");
    }
    assert_eq!(said(database, &["connections"]).trim(), "no attempts to connect are recorded");
}

async fn an_operator_can_have_nothing_recorded(database: &Database) {
    let off = || Settings { more: "[connections]\nretention = \"off\"\n", ..Settings::default() };
    let server = start(database, off()).await;
    McpClient::register(&server).await.connect().await;
    // What is noted is written when it stops, at the latest.
    database.stop_servers().await;
    assert_eq!(database.count("connection_steps"), 0);
    let now = server.clock.now().as_unix();
    database
        .execute(&format!("INSERT INTO connection_steps (id, connection, at, step) VALUES ('a', 'a', {now}, 'asked')"));
    let _server = start(database, off()).await;
    while database.count("connection_steps") > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
