//! The real program at its most talkative, through a whole flow with everything that can go wrong in it: no secret that was
//! issued or presented is in its output or in its database, and no input can forge a line.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gatelodge_e2e::postgres;
use reqwest::Method;
use serde_json::{Value, json};

use crate::second_step::{App, recovery_codes};
use crate::support::administrator::{ADMINISTRATION, Administrator, link, promote};
use crate::support::binary::{Workplace, free_addresses};
use crate::support::mcp_client::path_of;
use crate::support::{
    Answer, Browser, ENCRYPTION_KEY, Form, ISSUER, McpClient, ONE_RESOURCE, PASSWORD, Page, Server, Tokens,
};

/// What must be nowhere.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "{secret} could be anywhere by chance");
        self.0.push(secret.to_owned());
    }

    fn add_of_page(&mut self, page: &Page, form: &str) {
        let form = page.form(form);
        self.add(form.get("transaction"));
        self.add(form.get("csrf_token"));
    }

    fn add_of_browser(&mut self, browser: &Browser<'_>) {
        self.add(browser.session().1);
    }

    fn add_tokens(&mut self, tokens: &Tokens) {
        self.add(&tokens.refresh_token);
        self.add(&tokens.access_token);
        self.add(tokens.access_token.rsplit('.').next().expect("a signature"));
    }

    /// In `text` there is none of them, nor the larger part of one.
    fn assert_none_in(&self, text: &str, place: &str) {
        for secret in &self.0 {
            let end = &secret[secret.len() / 3..];
            assert!(!text.contains(end), "{secret} is in {place}:\n{}", excerpt(text, end));
        }
    }
}

fn excerpt<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines().find(|line| line.contains(part)).unwrap_or_default()
}

const STATE: &str = "state-that-only-client-and-browser-know";
const TYPED_AT_THE_WRONG_PLACE: &str = "MyPassw0rdInTheNameField";
const WRONG_PASSWORD: &str = "NotTheRightPassword";
const FORGED: &str = "\r\n{\"level\":\"INFO\",\"message\":\"forged\"}\u{1b}[31mforged";

/// A person, two clients and everything they may do wrong.
async fn whole_flow(server: &Server, secrets: &mut Secrets) {
    secrets.add(PASSWORD);
    secrets.add(STATE);
    secrets.add(TYPED_AT_THE_WRONG_PLACE);
    secrets.add(WRONG_PASSWORD);
    let confidential = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let clients = [McpClient::register(server).await, McpClient::register_with(server, confidential).await];
    for client in &clients {
        secrets.add(&client.verifier);
        let credentials = format!("{}:{}", client.id, client.secret.clone().unwrap_or_default());
        secrets.add(&BASE64_STANDARD.encode(credentials));
        if let Some(secret) = &client.secret {
            secrets.add(secret);
        }
        let code = approve(server, client, secrets).await;
        let tokens = spend(server, client, &code, secrets).await;
        refresh(server, client, tokens, secrets).await;
    }
    second_step(server, secrets).await;
}

/// The key of an authenticator app, which is stored, and the recovery codes, of which hashes are.
async fn second_step(server: &Server, secrets: &mut Secrets) {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    browser.sign_in(&login, "ada").await;
    let page = browser.open("/account/second-factor").await;
    let form = page.form("set-up").with("code", &App::reads(&page).shows(server));
    for shown in [page.text_of("key"), page.text_of("key").replace(' ', ""), form.get("key").to_owned()] {
        secrets.add(&shown);
    }
    let codes = recovery_codes(&browser.submit("/account/second-factor", &form).await);
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let page = browser.sign_in(&login, "ada").await;
    browser.submit("/second-step", &page.form("recovery").with("recovery_code", "0000-0000-0000-0000")).await;
    let signed_in = browser.submit("/second-step", &page.form("recovery").with("recovery_code", &codes[0])).await;
    assert_eq!(signed_in.path, "/account");
    secrets.add_of_browser(&browser);
    codes.iter().for_each(|code| secrets.add(code));
}

/// Of an administrator: the link, the session, its forms, and a link for somebody's password.
async fn administer(server: &Server, workplace: &Workplace, secrets: &mut Secrets) {
    let after = |text: &str, part: &str| text.split_once(part).expect("its part").1.to_owned();
    promote(workplace, "ada");
    let link = link(workplace, "ada");
    secrets.add(&after(&link, "secret="));
    let mut ada = Administrator::outside(server);
    ada.open(&format!("{link}&x=1")).await;
    let form = ada.open(&link).await.form("enter");
    let overview = ada.submit("/enter", &form).await;
    ada.submit("/enter", &form).await.assert_error(400, "link_ended");
    secrets.add(&after(ada.cookie.as_ref().expect("a session"), "="));
    secrets.add(overview.form("sign-out").get("csrf_token"));
    let users = ada.open("/users").await.answer.body;
    let query = after(&users, "href=\"user?").split('"').next().expect("a query").to_owned();
    let page = ada.open(&format!("/user?{query}")).await;
    let made = ada.submit("/user", &page.form("password_link")).await;
    secrets.add(&after(&made.text_of("link"), "secret="));
    ada.submit("/sign-out", &overview.form("sign-out")).await.assert_error(403, "not_let_in");
}

async fn approve(server: &Server, client: &McpClient<'_>, secrets: &mut Secrets) -> String {
    let link = path_of(&client.authorization_request().with("state", STATE));
    let mut browser = Browser::new(server);
    let login = browser.open(&link).await;
    secrets.add_of_browser(&browser);
    secrets.add_of_page(&login, "login");
    browser.sign_in_with(&login, "ada", WRONG_PASSWORD).await;
    browser.sign_in_with(&login, TYPED_AT_THE_WRONG_PLACE, "").await;
    Browser::new(server).sign_in(&login, "ada").await.assert_error(400, "browser_changed");
    let consent = browser.sign_in(&login, "ada").await;
    secrets.add_of_browser(&browser);
    secrets.add_of_page(&consent, "consent");
    let forged = consent.form("consent").with("decision", "allow").with("csrf_token", "forged-token");
    browser.submit("/consent", &forged).await.assert_error(403, "form_refused");
    browser.open(&format!("{link}&state=twice")).await;
    browser.open(&format!("{link}&redirect_uri=twice")).await;
    browser.open(&format!("{link}&resource=https://other.example")).await;
    let denied = browser.open(&link).await;
    browser.deny(&denied).await;
    let switched = browser.open(&link).await;
    let login = browser.submit("/logout", &switched.form("switch-account")).await;
    secrets.add_of_browser(&browser);
    let consent = browser.sign_in(&login, "ada").await;
    secrets.add_of_browser(&browser);
    let code = browser.allow(&consent).await.answered("code");
    browser.allow(&consent).await.assert_error(400, "request_ended");
    secrets.add(&code);
    code
}

async fn post(server: &Server, client: &McpClient<'_>, form: &Form) -> Answer {
    match &client.secret {
        Some(secret) => client.post_with_basic(form, &client.id, secret).await,
        None => server.post("/token", form).await,
    }
}

async fn spend(server: &Server, client: &McpClient<'_>, code: &str, secrets: &mut Secrets) -> Tokens {
    let wrong_verifier = "wrong-verifier-wrong-verifier-wrong-verifier-";
    secrets.add(wrong_verifier);
    let good = client.code_request(code);
    post(server, client, &good.clone().with("code_verifier", wrong_verifier)).await;
    post(server, client, &good.clone().with("redirect_uri", "https://evil.example/")).await;
    post(server, client, &good.clone().with("resource", "https://evil.example/")).await;
    post(server, client, &good.clone().and("code", code)).await;
    server.post("/token", &good.clone().with("client_secret", "wrong-client-secret")).await;
    client.post_with_basic(&good, &client.id, "wrong-client-secret").await;
    secrets.add("wrong-client-secret");
    server.post(&format!("/token?{}", good.encoded()), &good).await;
    server.post_bytes("/token", "application/json", format!("{{\"code\":\"{code}\"}}")).await;
    let bearer = server.request(Method::POST, "/token").bearer_auth(code).form(good.pairs());
    Answer::of(bearer).await;
    let tokens = Tokens::of(&post(server, client, &good).await);
    post(server, client, &good).await.assert_refused(400, "invalid_grant", "a second use");
    secrets.add_tokens(&tokens);
    tokens
}

async fn refresh(server: &Server, client: &McpClient<'_>, tokens: Tokens, secrets: &mut Secrets) {
    let first = client.refresh_request(&tokens.refresh_token);
    let garbage = format!("{}x", tokens.refresh_token);
    post(server, client, &first.clone().with("scope", "notes:write")).await;
    post(server, client, &first.clone().with("refresh_token", &garbage)).await;
    post(server, client, &first.clone().with("client_id", "client_nobody")).await;
    post(server, client, &first.clone().with("refresh_token", &tokens.access_token)).await;
    let second = Tokens::of(&post(server, client, &first).await);
    secrets.add_tokens(&second);
    let again = Tokens::of(&post(server, client, &first).await);
    secrets.add_tokens(&again);
    assert_eq!(again.refresh_token, second.refresh_token);
}

/// Everything that ends up in some line of the log, with the end of a line and an escape sequence in it.
async fn try_to_forge_lines(server: &Server) {
    let encoded = Form::default().and("x", FORGED).encoded().replacen("x=", "", 1);
    for path in
        ["/authorize?client_id=", "/authorize?client_id=x&redirect_uri=", "/login?transaction=", "/", "/assets/"]
    {
        server.get(&format!("{path}{encoded}")).await;
        server.post(&format!("{path}{encoded}"), &Form::default()).await;
    }
    let client = McpClient::register(server).await;
    for name in ["client_id", "redirect_uri", "state", "scope", "resource", "response_type", "code_challenge"] {
        server.get(&path_of(&client.authorization_request().with(name, FORGED))).await;
    }
    for name in [
        "client_id",
        "grant_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "resource",
        "refresh_token",
        "scope",
        FORGED,
    ] {
        server.post("/token", &client.code_request("x").with(name, FORGED)).await;
        server.post("/token", &client.refresh_request("x").with(name, FORGED)).await;
    }
    let mut browser = Browser::new(server);
    let login = browser.open(&client.authorize_path()).await;
    browser.sign_in_with(&login, FORGED, FORGED).await;
    for member in ["client_name", "client_uri", "scope", "software_id", "token_endpoint_auth_method"] {
        let body = json!({ "redirect_uris": ["https://client.example/cb"], member: FORGED });
        server.post_bytes("/register", "application/json", body.to_string()).await;
    }
    server.post_bytes("/register", "application/json", format!("{{\"client_name\": \"{FORGED}")).await;
    let odd = server
        .request(Method::from_bytes(b"FORGED").expect("a token"), "/token")
        .header("user-agent", "\u{e9}\tforged");
    Answer::of(odd.header("x-request-id", "forged").header("x-forwarded-for", "forged")).await;
}

/// Runs the flow against a server of its own, and returns its output.
fn run(format: &str, database_url: &str) -> (Workplace, Secrets, String) {
    let [listen, health] = free_addresses();
    let [administration, _] = free_addresses();
    let table = ADMINISTRATION.replace("127.0.0.1:0", &administration.to_string());
    let toml = format!(
        "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[database]\nurl = \"{database_url}\"\n\
         {ONE_RESOURCE}\n{table}\n[keys]\n{ENCRYPTION_KEY}\n[logs]\nformat = \"{format}\"\nlevel = \"trace\"\n"
    );
    let workplace = Workplace::new(&toml);
    workplace.add_ada();
    let (mut process, mut server) = workplace.serve(listen, health, ISSUER);
    server.administration_address = Some(administration);
    let mut secrets = Secrets::default();
    secrets.0.extend(ENCRYPTION_KEY.split('"').nth(1).map(str::to_owned));
    actix_web::rt::System::new().block_on(async {
        whole_flow(&server, &mut secrets).await;
        administer(&server, &workplace, &mut secrets).await;
        try_to_forge_lines(&server).await;
    });
    assert!(process.stop().success());
    let log = process.log();
    for said in ["signed in", "sign-in refused", "consent given", "access token issued", "client registered", "stopped"]
    {
        assert!(log.contains(said), "{said} is not in the log:\n{log}");
    }
    (workplace, secrets, log)
}

#[track_caller]
fn assert_clean(log: &str, secrets: &Secrets) {
    secrets.assert_none_in(log, "the log");
    for kind in [
        "gatelodge_rt_",
        "gatelodge_code_",
        "gatelodge_cs_",
        "gatelodge_session_",
        "gatelodge_txn_",
        "gatelodge_enter_",
        "gatelodge_admin_",
        "gatelodge_reset_",
        "eyJ",
    ] {
        assert!(!log.contains(kind), "{kind} is in the log:\n{}", excerpt(log, kind));
    }
    assert!(!log.contains(|c: char| c.is_control() && c != '\n'), "a control character is in the log:\n{log:?}");
}

/// Proves RFC 6749 §10.3: no log holds a token, a code or a password.
#[test]
fn json_logs_hold_no_secret_and_every_line_is_one_event() {
    let (workplace, secrets, log) = run("json", "sqlite://DIRECTORY/gatelodge.db");
    assert_clean(&log, &secrets);
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string() && event["timestamp"].is_string(), "{line}");
        assert_ne!(event["message"], "forged", "{line}");
    }
    for file in ["gatelodge.db", "gatelodge.db-wal"] {
        let bytes = std::fs::read(workplace.path().join(file)).unwrap_or_default();
        assert_database_clean(&String::from_utf8_lossy(&bytes), &secrets);
    }
}

#[test]
fn text_logs_hold_no_secret_and_every_line_begins_with_its_time() {
    let (_, secrets, log) = run("text", "sqlite://DIRECTORY/gatelodge.db");
    assert_clean(&log, &secrets);
    for line in log.lines() {
        let begins_with_time = line.len() > 20 && line.starts_with("20") && line.as_bytes()[10] == b'T';
        assert!(begins_with_time, "{line}");
    }
}

/// Proves RFC 6819 §5.1.4.1.3: no code, token or secret is stored in clear.
#[test]
fn a_dump_of_postgresql_holds_no_secret() {
    let Some(postgres) = postgres::for_test("a_dump_of_postgresql_holds_no_secret") else { return };
    let url = postgres.fresh_database();
    let (_, secrets, log) = run("json", &url);
    assert_clean(&log, &secrets);
    let tables = postgres.psql(&url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    assert!(tables.lines().count() >= 8, "{tables}");
    for table in tables.lines() {
        assert_database_clean(&postgres.psql(&url, &format!("SELECT t::text FROM {table} t")), &secrets);
    }
}

/// The state waits there with its request until the person has decided; everything else is a hash or is not there.
fn assert_database_clean(dump: &str, secrets: &Secrets) {
    let kept = Secrets(secrets.0.iter().filter(|secret| *secret != STATE).cloned().collect());
    kept.assert_none_in(dump, "the database");
    let as_hex: Vec<String> =
        kept.0.iter().map(|secret| secret.bytes().map(|byte| format!("{byte:02x}")).collect()).collect();
    Secrets(as_hex).assert_none_in(dump, "the database");
}
