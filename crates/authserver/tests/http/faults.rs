//! The database goes away: clients are told to try again and never that their tokens or registrations are bad, people see a
//! page, nothing is half done, and afterwards everything goes on with the same tokens.

use futures_util::future::join_all;
use gatelodge_e2e::postgres::{self, Options, Postgres};
use gatelodge_e2e::scale::scale;
use reqwest::Method;
use serde_json::json;

use crate::support::database::{self, Database};
use crate::support::proxy::{Cut, Proxy};
use crate::support::{Answer, Browser, McpClient, Page, RESOURCE, Server, Settings, Tokens, on_any_database};

on_any_database! { a_database_that_others_keep_busy_is_waited_for_and_then_excused }

/// RFC 6749 §4.1.2.1 has the name, RFC 9110 §10.2.3 the header. Anything else makes some client throw its tokens away.
#[track_caller]
fn assert_excused(answer: &Answer) {
    answer.assert_refused(503, "temporarily_unavailable", "the database is away");
    let seconds = answer.header("retry-after").and_then(|value| value.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=5).contains(&seconds)), "{answer:?}");
    assert_says_nothing_about_the_inside(answer);
}

#[track_caller]
fn assert_page(page: &Page) {
    page.assert_error(503, "temporarily_unavailable");
    assert!(page.answer.header("retry-after").is_some());
    assert_says_nothing_about_the_inside(&page.answer);
}

#[track_caller]
fn assert_says_nothing_about_the_inside(answer: &Answer) {
    let body = answer.body.to_ascii_lowercase();
    for inside in ["postgres", "sqlite", "sql", "127.0.0.1", "connection", "database", "/tmp", ".rs", "panick"] {
        assert!(!body.contains(inside), "{inside}: {answer:?}");
    }
}

/// Everything that is open when the database goes away.
struct World<'s> {
    server: &'s Server,
    client: McpClient<'s>,
    refresh_token: String,
    code: String,
    at_login: Browser<'s>,
    login: Page,
    at_consent: Browser<'s>,
    consent: Page,
}

impl<'s> World<'s> {
    async fn new(server: &'s Server) -> Self {
        let client = McpClient::register(server).await;
        let (mut at_login, mut at_consent) = (Browser::new(server), Browser::new(server));
        let login = at_login.open(&client.authorize_path()).await;
        let consent = at_consent.consent_page(&client).await;
        let refresh_token = client.connect().await.refresh_token;
        let code = client.code().await;
        Self { server, client, refresh_token, code, at_login, login, at_consent, consent }
    }

    /// All at once, because each of them waits for the database for a while.
    async fn everything_is_excused(&mut self) {
        let registration = json!({ "redirect_uris": ["https://client.example/cb"] }).to_string();
        let (refresh, exchange) =
            (self.client.refresh_request(&self.refresh_token), self.client.code_request(&self.code));
        let lookup = [("client_id", self.client.id.as_str()), ("token", &self.refresh_token)];
        let answers = [
            self.server.request(Method::POST, "/revoke").form(&lookup),
            self.server.request(Method::POST, "/introspect").form(&lookup),
            self.server.request(Method::POST, "/token").form(refresh.pairs()),
            self.server.request(Method::POST, "/token").form(exchange.pairs()),
            self.server
                .request(Method::POST, "/register")
                .header("content-type", "application/json")
                .body(registration),
        ];
        let mut newcomer = Browser::new(self.server);
        let link = self.client.authorize_path();
        let (answers, opened, signed_in, allowed) = tokio::join!(
            join_all(answers.map(Answer::of)),
            newcomer.open(&link),
            self.at_login.sign_in(&self.login, "ada"),
            self.at_consent.allow(&self.consent),
        );
        answers.iter().for_each(assert_excused);
        [opened, signed_in, allowed].iter().for_each(assert_page);
        // What needs no database goes on.
        for path in ["/.well-known/oauth-authorization-server", "/jwks"] {
            assert_eq!(self.server.get(path).await.status, 200, "{path}");
        }
    }

    async fn everything_goes_on(&mut self) {
        self.client.refreshed(&self.refresh_token).await;
        Tokens::of(&self.client.exchange(&self.code).await);
        self.at_login.sign_in(&self.login, "ada").await.assert_consent();
        self.at_consent.allow(&self.consent).await.answered("code");
        McpClient::register(self.server).await.connect().await;
    }
}

#[test]
fn a_stopped_postgresql_is_excused_and_everything_goes_on_when_it_is_back() {
    let test = "a_stopped_postgresql_is_excused_and_everything_goes_on_when_it_is_back";
    if postgres::for_test(test).is_none() {
        return;
    }
    let postgres = Postgres::dedicated(Options::default()).expect("PostgreSQL starts");
    database::run(Database::at(postgres.fresh_database()), async |database: &Database| {
        let server = Server::start(database).await;
        let mut world = World::new(&server).await;
        assert!(server.is_ready().await);
        postgres.stop_immediate();
        world.everything_is_excused().await;
        assert!(!server.is_ready().await);
        postgres.start();
        world.everything_goes_on().await;
        assert!(server.is_ready().await);
    });
}

async fn a_database_that_others_keep_busy_is_waited_for_and_then_excused(database: &Database) {
    let server = Server::start(database).await;
    let mut world = World::new(&server).await;
    let busy = database.hold_the_only_writer();
    world.everything_is_excused().await;
    drop(busy);
    world.everything_goes_on().await;
}

/// A server whose connections to PostgreSQL go through the proxy.
fn behind_proxy(test: &str, body: impl AsyncFnOnce(&Database, &Server, &Proxy)) {
    if postgres::for_test(test).is_none() {
        return;
    }
    let postgres = Postgres::dedicated(Options::default()).expect("PostgreSQL starts");
    database::run(Database::at(postgres.fresh_database()), async |direct: &Database| {
        let proxy = Proxy::start(postgres.port()).await;
        let port = |port: u16| format!(":{port}/");
        let through = Database::at(direct.url.replace(&port(postgres.port()), &port(proxy.port)));
        // What is cut is a COMMIT of the request, and none of what is written behind its back.
        let settings = Settings { more: "[connections]\nretention = \"off\"\n", ..Settings::default() };
        let server = Server::start_with(&through, settings).await;
        body(direct, &server, &proxy).await;
        through.stop_servers().await;
    });
}

/// How often each of the next two cuts.
fn cuts() -> usize {
    scale(100, 1_000)
}

const BOTH_CUTS: [Cut; 2] = [Cut::BeforeCommit, Cut::AfterCommit];

#[test]
fn a_refresh_that_is_cut_at_its_commit_is_answered_all_the_same() {
    behind_proxy("a_refresh_that_is_cut_at_its_commit_is_answered_all_the_same", async |database, server, proxy| {
        let client = McpClient::register(server).await;
        let mut token = client.connect().await.refresh_token;
        for cut in BOTH_CUTS.into_iter().cycle().take(cuts()) {
            proxy.cut(cut, 0);
            let answered = client.refreshed(&token).await;
            assert!(proxy.has_cut());
            // The same answer for whoever missed it: the first commit, or the second, was the only one.
            assert_eq!(client.refreshed(&token).await.refresh_token, answered.refresh_token, "{cut:?}");
            token = answered.refresh_token;
        }
        assert_eq!(database.count("refresh_tokens"), 1 + i64::try_from(cuts()).expect("a small number"));
        assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 1);
        assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    });
}

#[test]
fn an_exchange_that_is_cut_at_its_commit_is_answered_all_the_same() {
    behind_proxy("an_exchange_that_is_cut_at_its_commit_is_answered_all_the_same", async |database, server, proxy| {
        let client = McpClient::register(server).await;
        for cut in BOTH_CUTS.into_iter().cycle().take(cuts()) {
            let code = client.code().await;
            proxy.cut(cut, 0);
            let tokens = Tokens::of(&client.exchange(&code).await);
            assert!(proxy.has_cut());
            assert_eq!(crate::support::claims(&tokens.access_token)["aud"], RESOURCE);
            client.refreshed(&tokens.refresh_token).await;
            client.exchange(&code).await.assert_refused(
                400,
                "invalid_grant",
                "only the request that did it repeats it",
            );
        }
        let chains = i64::try_from(cuts()).expect("a small number");
        assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), chains);
        assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    });
}

#[test]
fn a_client_without_refresh_tokens_is_answered_too_when_its_exchange_is_cut() {
    let test = "a_client_without_refresh_tokens_is_answered_too_when_its_exchange_is_cut";
    behind_proxy(test, async |database, server, proxy| {
        let client = McpClient::register_with(server, json!({ "grant_types": ["authorization_code"] })).await;
        for cut in BOTH_CUTS {
            let code = client.code().await;
            proxy.cut(cut, 0);
            let answer = client.exchange(&code).await;
            assert_eq!(answer.status, 200, "{cut:?}: {answer:?}");
            assert!(answer.json()["access_token"].is_string() && answer.json()["refresh_token"].is_null());
            client.exchange(&code).await.assert_refused(400, "invalid_grant", "it is spent");
        }
        assert_eq!(database.count("refresh_tokens"), 0);
    });
}

#[test]
fn a_refresh_waits_for_a_database_that_comes_back() {
    let test = "a_refresh_waits_for_a_database_that_comes_back";
    if postgres::for_test(test).is_none() {
        return;
    }
    let postgres = Postgres::dedicated(Options::default()).expect("PostgreSQL starts");
    database::run(Database::at(postgres.fresh_database()), async |database: &Database| {
        let server = Server::start(database).await;
        let client = McpClient::register(&server).await;
        let (mut tokens, mut codes) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            tokens.push(client.connect().await.refresh_token);
            codes.push(client.code().await);
        }
        // The requests are on their way before the database is back.
        postgres.stop_immediate();
        let refreshes = join_all(tokens.iter().map(|token| client.refresh(token)));
        let exchanges = join_all(codes.iter().map(|code| client.exchange(code)));
        let back = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            // This blocks the clients and not the server, which has threads of its own.
            postgres.start();
        };
        let (refreshed, exchanged, ()) = tokio::join!(refreshes, exchanges, back);
        for answer in refreshed.iter().chain(&exchanged) {
            Tokens::of(answer);
        }
        assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 16);
    });
}

#[test]
fn an_approval_that_is_cut_at_its_commit_writes_one_code_or_none() {
    behind_proxy("an_approval_that_is_cut_at_its_commit_writes_one_code_or_none", async |database, server, proxy| {
        let client = McpClient::register(server).await;
        let mut browser = Browser::new(server);
        let consent = browser.consent_page(&client).await;
        // Two transactions make an approval: the first looks the session up, the second writes the code.
        for (cut, passing) in [(Cut::BeforeCommit, 0), (Cut::AfterCommit, 0), (Cut::BeforeCommit, 1)] {
            proxy.cut(cut, passing);
            assert_page(&browser.allow(&consent).await);
            assert!(proxy.has_cut());
            assert_eq!((database.count("authorization_codes"), database.count("grants")), (0, 0));
        }
        proxy.cut(Cut::AfterCommit, 1);
        assert_page(&browser.allow(&consent).await);
        browser.allow(&consent).await.assert_error(400, "request_ended");
        assert_eq!((database.count("authorization_codes"), database.count("grants")), (1, 1));
        let again = browser.open(&client.authorize_path()).await;
        Tokens::of(&client.exchange(&browser.allow(&again).await.answered("code")).await);
    });
}
