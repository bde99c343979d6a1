//! Hostile input at the token endpoint: RFC 6749 §3.2 and appendix B. Whatever comes, the answer is JSON that names the fault
//! of the request, and never a fault of the server.

use reqwest::Method;

use crate::support::{Answer, Database, McpClient, Server, Tokens, on_both_databases};

on_both_databases! {
    only_a_form_is_read,
    a_repeated_parameter_is_refused_and_the_code_survives,
    parameters_in_the_url_are_refused,
    unknown_parameters_are_ignored,
    malformed_input_is_never_a_fault_of_the_server,
    a_body_has_an_end,
    only_post_is_answered,
    pages_of_other_origins_may_read_every_answer,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Proves RFC 6749 §4.1.3: a token request is a form.
async fn only_a_form_is_read(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let form = client.refresh_request(&tokens.refresh_token).encoded();
    for refused in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded-not",
        "application/x-www-form-urlencode",
        "*/*",
        "form",
        "",
    ] {
        let answer = server.post_bytes("/token", refused, form.clone()).await;
        answer.assert_refused(400, "invalid_request", refused);
    }
    let without_type = server.request(Method::POST, "/token").body(form.clone());
    Answer::of(without_type).await.assert_refused(400, "invalid_request", "no content type");
    // RFC 9110 §8.3.1: parameters and case do not make another type.
    for accepted in [
        FORM,
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;x=y",
        "Application/X-WWW-Form-URLEncoded",
    ] {
        Tokens::of(&server.post_bytes("/token", accepted, form.clone()).await);
    }
}

/// Proves RFC 6749 §3.2: a repeated parameter is refused.
async fn a_repeated_parameter_is_refused_and_the_code_survives(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let form = client.code_request(&code);
    for (name, value) in form.pairs().iter().filter(|(name, _)| name != "resource") {
        for second in [value.as_str(), "other", ""] {
            let answer = server.post("/token", &form.clone().and(name, second)).await;
            answer.assert_refused(400, "invalid_request", name);
        }
    }
    server.post("/token", &form.clone().and("client_secret", "").and("client_secret", "")).await.assert_refused(
        400,
        "invalid_request",
        "two empty secrets",
    );
    let tokens = Tokens::of(&server.post("/token", &form).await);
    let refresh = client.refresh_request(&tokens.refresh_token);
    for (name, value) in refresh.clone().and("scope", "mcp:use").pairs() {
        let twice = refresh.clone().with(name, value).and(name, value);
        server.post("/token", &twice).await.assert_refused(400, "invalid_request", name);
    }
    client.refreshed(&tokens.refresh_token).await;
}

/// Proves RFC 6749 §2.3.1: credentials are not taken from the URL.
async fn parameters_in_the_url_are_refused(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let form = client.code_request(&code);
    for query in [form.encoded(), format!("code_verifier={}", client.verifier), "x=y".into(), "client_secret=x".into()]
    {
        server.post(&format!("/token?{query}"), &form).await.assert_refused(400, "invalid_request", &query);
    }
    let all_in_url = server.request(Method::POST, &format!("/token?{}", form.encoded())).header("content-type", FORM);
    Answer::of(all_in_url).await.assert_refused(400, "invalid_request", "nothing in the body");
    Tokens::of(&server.post("/token", &form).await);
}

/// Proves RFC 6749 §3.2: an unknown parameter is ignored.
async fn unknown_parameters_are_ignored(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let form = client.code_request(&client.code().await).and("audience", "x").and("audience", "y").and("", "z");
    let tokens = Tokens::of(&server.post("/token", &form.and("scope", "offline_access")).await);
    assert_eq!(tokens.scope, "mcp:use");
}

/// Bodies that nobody means well with.
fn hostile_bodies(good: &str) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "&",
        "=",
        "?",
        "&&&&",
        "====",
        "=&=",
        "%",
        "%%",
        "%zz",
        "%00",
        "%0",
        "+",
        "\0",
        "\r\n",
        "grant_type",
        "grant_type=",
        "grant_type=%",
        "grant_type=%00",
        "grant_type=authorization_code",
        "grant_type=refresh_token",
        "grant_type=password",
        "grant_type=client_credentials",
        "grant_type=implicit",
        "grant_type=AUTHORIZATION_CODE",
        "grant_type=refresh_token%20",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
        "grant_type=urn:ietf:params:oauth:grant-type:device_code",
        "grant_type[]=refresh_token",
        "grant_type[0]=refresh_token",
        "client_id=x",
        "client_id=%00",
        "client_id=%F0%9F%94%91",
        "client_id=x&client_secret=%00",
        "grant_type=refresh_token&client_id=%00&refresh_token=x",
        "grant_type=refresh_token&client_id=x%00y&refresh_token=x",
        "grant_type=refresh_token&client_id=%0D%0A&refresh_token=x",
        "{\"grant_type\":\"refresh_token\"}",
        "[]",
        "null",
        "<xml/>",
        "<!--#exec-->",
        "../../../../etc/passwd",
        "client_id='; DROP TABLE clients; --",
        "client_id=${jndi:ldap://x}",
        "client_id={{7*7}}",
        "grant_type=refresh_token&refresh_token",
        "grant_type=refresh_token&client_id=x&refresh_token=",
        "grant_type=refresh_token;client_id=x",
        "grant_type=refresh_token,client_id=x",
        "\u{feff}grant_type=refresh_token",
        "grant_type=refresh_token&client_id=x&refresh_token=gatelodge_rt_",
        "GRANT_TYPE=refresh_token",
        " grant_type=refresh_token",
        "grant_type =refresh_token",
        "grant_type=refresh_token\n",
        "grant%5Ftype=refresh_token",
        "--x\r\nContent-Disposition: form-data",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.extend([
        b"\xff\xfe".to_vec(),
        b"grant_type=\xff".to_vec(),
        b"grant_type=%ff".to_vec(),
        b"client_id=%c3%28".to_vec(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(),
        [good.as_bytes(), b"&x=%ff"].concat(),
        [good.as_bytes(), b"\0"].concat(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        good.replace('=', "%3D").into_bytes(),
        good.replace('&', "%26").into_bytes(),
        good.replace('&', ";").into_bytes(),
        format!("{good}&{}", "a=b&".repeat(3000)).replace("grant_type", "grant").into_bytes(),
        format!("client_id={}", "a".repeat(15_000)).into_bytes(),
        format!("grant_type=refresh_token&client_id=x&refresh_token={}", "a".repeat(15_000)).into_bytes(),
        format!("grant_type={}", "%41".repeat(5_000)).into_bytes(),
        "\u{1F511}".repeat(4_000).into_bytes(),
    ]);
    bodies
}

async fn malformed_input_is_never_a_fault_of_the_server(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let before = database.facts();
    let bodies = hostile_bodies(&client.refresh_request(&tokens.refresh_token).encoded());
    assert!(bodies.len() >= 60, "{}", bodies.len());
    for body in bodies {
        let answer = server.post_bytes("/token", FORM, body.clone()).await;
        let text = String::from_utf8_lossy(&body);
        let start: String = text.chars().take(80).collect();
        assert!(matches!(answer.status, 400 | 401), "{start:?}: {answer:?}");
        let known = ["invalid_request", "invalid_client", "invalid_grant", "unsupported_grant_type"];
        assert!(known.contains(&answer.error().as_str()), "{start:?}: {answer:?}");
        answer.assert_refused(answer.status, &answer.error(), &start);
        assert!(!answer.body.contains("gatelodge_rt_"), "{start:?} comes back: {answer:?}");
    }
    assert_eq!(database.facts(), before);
    client.refreshed(&tokens.refresh_token).await;
}

async fn a_body_has_an_end(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let form = client.refresh_request(&tokens.refresh_token).encoded();
    let filled = |length: usize| format!("{form}&x={}", "a".repeat(length - form.len() - 3));
    for length in [16 * 1024 + 1, 1024 * 1024] {
        server.post_bytes("/token", FORM, filled(length)).await.assert_refused(400, "invalid_request", "too large");
    }
    Tokens::of(&server.post_bytes("/token", FORM, filled(16 * 1024)).await);
}

/// Proves RFC 6749 §3.2: the token endpoint answers POST only.
async fn only_post_is_answered(database: &Database) {
    let server = Server::start(database).await;
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = Answer::of(server.request(method.clone(), "/token")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
        if method != Method::HEAD {
            assert_eq!(answer.error(), "method_not_allowed", "{method}");
        }
    }
}

async fn pages_of_other_origins_may_read_every_answer(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let form = client.code_request(&code);
    for (form, status) in [(form.clone().without("code"), 400), (form.clone().with("client_id", "x"), 401), (form, 200)]
    {
        let request = server.request(Method::POST, "/token").header("origin", "https://inspector.example");
        let answer = Answer::of(request.form(form.pairs())).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("*")), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}
