//! Every route that `app.rs` has, found in its source, so that one that is added later is looked at too: whatever the method and
//! the status, an answer keeps to itself, no page can be framed, no form is sent on by a redirect (RFC 9700 §4.12, §4.16), and
//! no other site can send a form for somebody (RFC 6749 §10.12).

use std::collections::BTreeSet;

use gatelodge_e2e::mail_server::MailServer;
use reqwest::Method;

use crate::browser_pages::assert_private;
use crate::support::openid_provider::OpenIdProvider;
use crate::support::{Answer, Browser, Database, Form, McpClient, PASSWORD, Server, on_any_database};

on_any_database! {
    every_route_answers_every_method_and_keeps_to_itself,
    no_other_site_can_send_a_form_to_any_route_and_no_form_goes_without_its_token,
}

/// What anybody may read, and keep.
const PUBLIC: [&str; 5] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/jwks",
    "/status-list",
    "/assets/",
];

/// What programs ask, with proofs of their own and never with the cookie of a person.
const FOR_PROGRAMS: [&str; 7] =
    ["/token", "/revoke", "/introspect", "/register", "/register/", "/par", "/device_authorization"];

/// A device's code is no secret of the page: `/device` shows nothing and changes nothing but who is asked for consent, for which
/// its form needs no token. The forms behind a one-time link are of nobody's session, and hold its secret. Another site can send none
/// of them either.
const WITHOUT_TOKEN: [&str; 3] = ["/device", "/setup", "/reset"];

/// Of a server with everything that can be switched on.
pub fn routes() -> Vec<String> {
    let source = include_str!("../../src/app.rs");
    let found = source.split("at(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let routes =
        found.map(|path| path.replace("{id}", "idp").replace("{client_id}", "client_x").replace("{name}", "x.css"));
    let mut routes: Vec<String> = routes.filter(|path| path.starts_with('/')).collect();
    routes.extend(
        PUBLIC[..2].iter().chain(&["/status-list", "/assets/style.css", "/nothing"]).map(|path| (*path).to_owned()),
    );
    assert!(routes.len() > 25, "app.rs names its routes in another way now: {routes:?}");
    routes
}

fn is_among(paths: &[&str], path: &str) -> bool {
    paths.iter().any(|one| path == *one || (one.ends_with('/') && path.starts_with(one)))
}

async fn everything_on(database: &Database) -> (OpenIdProvider, Server) {
    let provider = OpenIdProvider::start(&gatelodge_service::clock::Clock::system());
    let mail = MailServer::start().toml("[login]\nmethods = [\"oidc\", \"password\", \"passkey\", \"email_code\"]");
    let settings = provider.settings(&format!("allow_everybody = true\n[grants]\ndevice_code = true\n{mail}"));
    let server = Server::start_with(database, settings).await;
    (provider, server)
}

/// Proves RFC 9700 §4.12: no answer repeats a request with its body elsewhere.
async fn every_route_answers_every_method_and_keeps_to_itself(database: &Database) {
    let (_provider, server) = everything_on(database).await;
    let client = McpClient::register(&server).await;
    let mut signed_in = Browser::new(&server);
    signed_in.consent_page(&client).await.assert_consent();
    let (name, value) = signed_in.session();
    let cookie = format!("{name}={value}");
    for path in routes() {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            for cookie in [None, Some(&cookie)] {
                let request = server.request(method.clone(), &path).header("accept", "text/html");
                let request = if let Some(cookie) = cookie { request.header("cookie", cookie) } else { request };
                let before = database.count("browser_sessions");
                let answer = Answer::of(request).await;
                let what = format!("{method} {path}, signed in: {}", cookie.is_some());
                // Whoever has a session is not sent it again; whoever is given one has it.
                let (made, is_given) =
                    (database.count("browser_sessions") - before, answer.header("set-cookie").is_some());
                assert_eq!((made == 1, made == 1 && cookie.is_none()), (is_given, is_given), "{what}: {answer:?}");
                assert!(answer.status < 500 && !matches!(answer.status, 301 | 302 | 307 | 308), "{what}: {answer:?}");
                if answer.status == 200 && is_among(&PUBLIC, &path) {
                    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}: {answer:?}");
                    assert!(answer.header("set-cookie").is_none(), "{what}: {answer:?}");
                } else {
                    assert_private(&answer, &what);
                }
            }
        }
    }
}

/// Proves RFC 6749 §10.12: at every route that takes a form.
async fn no_other_site_can_send_a_form_to_any_route_and_no_form_goes_without_its_token(database: &Database) {
    let (_provider, server) = everything_on(database).await;
    let client = McpClient::register(&server).await;
    let (mut forms, mut with_form, all) = (0, BTreeSet::new(), routes());
    for path in all.iter().filter(|path| !is_among(&FOR_PROGRAMS, path)) {
        for form in forms_of_somebody(&server, &client).await {
            let (mut browser, form) = form;
            let before = database.facts();
            let without = browser.submit_without_following(path, &form.clone().without("csrf_token")).await;
            if matches!(without.status, 404 | 405) {
                continue;
            }
            with_form.insert(path);
            let mut refused = Vec::new();
            // Whoever has signed in in another tab meanwhile holds a form of before, and goes on. Nothing is changed by it.
            let goes_on =
                path.starts_with("/login") && without.header("location").is_some_and(|to| to.starts_with("/consent?"));
            if !is_among(&WITHOUT_TOKEN, path) && !goes_on {
                refused.push(("no token", without));
                let foreign = form.clone().with("csrf_token", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
                refused.push(("a foreign token", browser.submit_without_following(path, &foreign).await));
            }
            for (origin, site) in [("https://evil.example", "cross-site"), ("https://other.example.com", "same-site")] {
                let post = browser.form_post(path).header("origin", origin).header("sec-fetch-site", site);
                refused.push((origin, browser.send(post.form(form.pairs())).await));
            }
            // The form of another page may lack what is looked for first.
            let is_its_own = refused.iter().all(|(_, answer)| answer.status == 403);
            forms += usize::from(is_its_own);
            for (why, answer) in refused {
                assert!(matches!(answer.status, 400 | 403), "POST {path}, {why}: {answer:?}");
                assert_eq!(answer.header("set-cookie"), None, "POST {path}, {why}");
            }
            assert_eq!(database.facts(), before, "POST {path}");
        }
    }
    assert!(with_form.len() >= 10 && forms >= with_form.len(), "{forms} forms of their own at {with_form:?}");
}

/// A signed-in browser with a question open, and everything that a form of any page may hold: with the tokens of the question,
/// and with those of the session.
async fn forms_of_somebody<'s>(server: &'s Server, client: &McpClient<'_>) -> Vec<(Browser<'s>, Form)> {
    let everything = [
        ("decision", "allow"),
        ("username", "ada"),
        ("password", PASSWORD),
        ("old_password", PASSWORD),
        ("new_password", "another long password"),
        ("new_password_again", "another long password"),
        ("end", "apps"),
        ("user_code", "BCDF-GHJK"),
        ("name", "x"),
        ("code", "123456"),
    ];
    let filled = |form: Form| everything.iter().fold(form, |form, (name, value)| form.with(name, value));
    let mut deciding = Browser::new(server);
    let consent = deciding.consent_page(client).await.form("consent");
    let mut at_home = Browser::new(server);
    let login = at_home.open("/login").await;
    let account = at_home.sign_in(&login, "ada").await.form("sign-out");
    vec![(deciding, filled(consent)), (at_home, filled(account))]
}
