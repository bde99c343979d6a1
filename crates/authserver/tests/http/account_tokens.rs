//! Personal tokens that people make for themselves on the account page: shown once, no wider and no longer than may be, and ended
//! there too.

use futures_util::future::join_all;
use reqwest::Method;

use crate::support::{
    Answer, Browser, Database, Form, Page, RESOURCE, Server, Settings, TWO_RESOURCES, claims, on_any_database,
    on_both_databases,
};

on_both_databases! {
    a_token_is_shown_once_works_and_stops_when_its_owner_revokes_it,
    of_many_copies_of_a_form_one_makes_a_token,
    nothing_is_made_without_a_recent_sign_in_and_our_own_form,
}

on_any_database! {
    no_token_is_wider_or_lives_longer_than_may_be,
    of_several_resources_each_has_its_own_scopes,
    nobody_has_more_than_a_hundred,
    the_operator_can_turn_it_off,
}

const PATH: &str = "/account/tokens";

/// Who may ask about tokens.
const ASKER: &str = "[[client]]\nid = \"rs\"\nname = \"RS\"\nsecret = \"0123456789abcdefghijklmnop\"\ngrant_types = []\n\
                     introspection = true\n";

async fn signed_in<'s>(server: &'s Server, username: &str) -> Browser<'s> {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, username).await.path, "/account");
    browser
}

fn filled_in(page: &Page) -> Form {
    let form = page.form("token-1").without("scope").and("scope", "mcp:use");
    form.with("name", "laptop").with("lifetime", "30d")
}

/// RFC 7662 §2.2.
async fn is_active(server: &Server, token: &str) -> bool {
    let request = server.request(Method::POST, "/introspect").form(&[("token", token)]);
    let answer = Answer::of(request.basic_auth("rs", Some("0123456789abcdefghijklmnop"))).await;
    answer.json()["active"].as_bool().expect("a boolean")
}

async fn a_token_is_shown_once_works_and_stops_when_its_owner_revokes_it(database: &Database) {
    let server = Server::start_with(database, Settings { more: ASKER, ..Settings::default() }).await;
    let mut browser = signed_in(&server, "ada").await;
    let page = browser.open("/account").await;
    assert_eq!(page.resolved(&page.link("new-token")), PATH);
    let page = browser.open(PATH).await;
    let form = filled_in(&page).and("scope", "notes:read");
    let made = browser.submit(&page.action("token-1"), &form).await;
    assert_eq!((made.answer.status, made.path.as_str()), (200, PATH), "it is in no URL");
    assert_eq!(made.answer.header("cache-control"), Some("no-store"));
    let token = made.text_of("token");
    let claims = claims(&token);
    assert_eq!((&claims["client_id"], &claims["aud"]), (&"personal_token".into(), &RESOURCE.into()));
    assert_eq!(claims["scope"], "mcp:use notes:read");
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 30 * 86_400));
    assert!(is_active(&server, &token).await);

    let again = browser.submit(PATH, &form).await;
    assert_eq!(again.answer.status, 409, "a reload of the page");
    for page in [again, browser.open(PATH).await, browser.open("/account").await] {
        assert!(!page.answer.body.contains("eyJ") && !page.has("token"), "{page:?}");
    }
    assert_eq!(database.count("grants"), 1);

    let account = browser.open("/account").await;
    assert!(account.answer.body.contains("laptop") && account.answer.body.contains("Read notes"));
    let id = account.answer.body.split("value=\"grant_").nth(1).and_then(|rest| rest.split('"').next());
    let end = Form::new([("csrf_token", page.form("token-1").get("csrf_token")), ("end", "grant")]);
    browser.submit("/account", &end.with("id", &format!("grant_{}", id.expect("an entry")))).await;
    assert!(!is_active(&server, &token).await);
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL AND status_index IS NOT NULL"), 1);
}

async fn of_many_copies_of_a_form_one_makes_a_token(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = signed_in(&server, "ada").await;
    let form = filled_in(&browser.open(PATH).await);
    let mut tabs: Vec<Browser> = (0..8).map(|_| browser.second_tab()).collect();
    let pages = join_all(tabs.iter_mut().map(|tab| tab.submit(PATH, &form))).await;
    let mut statuses: Vec<u16> = pages.iter().map(|page| page.answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!((database.count("grants"), pages.iter().filter(|page| page.has("token")).count()), (1, 1));
    // Another copy of the page is another form.
    let form = filled_in(&browser.open(PATH).await);
    assert!(browser.submit(PATH, &form).await.has("token"));
    assert_eq!(database.count("grants"), 2);
}

async fn nothing_is_made_without_a_recent_sign_in_and_our_own_form(database: &Database) {
    let server = Server::start(database).await;
    assert_eq!(Browser::new(&server).open(PATH).await.path, "/login");
    let mut browser = signed_in(&server, "ada").await;
    let page = browser.open(PATH).await;
    let form = filled_in(&page);
    let token = form.get("csrf_token").to_owned();
    let of_stranger = signed_in(&server, "bob").await.open(PATH).await.form("token-1").get("csrf_token").to_owned();
    for wrong in ["", "x", &token[1..], &format!("{token}A"), &of_stranger] {
        let refused = browser.submit(PATH, &form.clone().with("csrf_token", wrong)).await;
        refused.assert_error(403, "form_refused");
    }
    browser.submit(PATH, &form.clone().without("csrf_token")).await.assert_error(403, "form_refused");
    for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin"), ("null", "same-site")] {
        let post = browser.form_post(PATH).header("origin", origin).header("sec-fetch-site", site);
        assert_eq!(browser.send(post.form(form.pairs())).await.status, 403);
    }
    for id in ["", "x", "0123456789abcdefghijk/", "0123456789abcdefghijklm"] {
        browser.submit(PATH, &form.clone().with("form", id)).await.assert_error(400, "request_invalid");
    }
    browser.submit(PATH, &form.clone().and("name", "twice")).await.assert_error(400, "request_invalid");
    server.advance(600);
    assert_eq!(browser.open(PATH).await.path, "/login");
    assert_eq!(browser.submit(PATH, &form).await.path, "/login");
    assert_eq!(database.count("grants"), 0);
}

async fn no_token_is_wider_or_lives_longer_than_may_be(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = signed_in(&server, "ada").await;
    let page = browser.open(PATH).await;
    assert!(page.answer.body.contains("value=\"90d\"") && !page.answer.body.contains("value=\"365d\""));
    let good = filled_in(&page);
    let long = "x".repeat(81);
    for (name, value) in [
        ("scope", ""),
        ("scope", "admin"),
        ("scope", "mcp:use admin"),
        ("scope", "mcp:use notes:read"),
        ("resource", "https://evil.example/mcp"),
        ("resource", "https://mcp.example.com/mcp/"),
        ("resource", ""),
        ("lifetime", "91d"),
        ("lifetime", "0s"),
        ("lifetime", "-1d"),
        ("lifetime", "99999999999999999999d"),
        ("lifetime", "for ever"),
        ("lifetime", ""),
        ("name", ""),
        ("name", " "),
        ("name", "a\nb"),
        ("name", &long),
    ] {
        let page = browser.submit(PATH, &good.clone().with(name, value)).await;
        assert!(page.answer.status == 400 && page.has("problem"), "{name} = {value:?}: {page:?}");
    }
    for more in ["admin", "mcp:use\tnotes:read"] {
        let page = browser.submit(PATH, &good.clone().and("scope", more)).await;
        assert!(page.answer.status == 400 && page.has("problem"), "{more}: {page:?}");
    }
    assert_eq!(database.count("grants"), 0);
    let page = browser.submit(PATH, &good.with("name", "  kept  ").with("lifetime", "91d")).await;
    assert_eq!(page.form("token-1").get("name"), "  kept  ");
}

async fn of_several_resources_each_has_its_own_scopes(database: &Database) {
    let server = Server::start_with(database, Settings { resources: TWO_RESOURCES, ..Settings::default() }).await;
    let mut browser = signed_in(&server, "ada").await;
    let page = browser.open(PATH).await;
    let other = page.form("token-2").with("name", "other").with("lifetime", "1d");
    assert_eq!((other.get("resource"), other.get("scope")), ("https://mcp.example.com/other", "other:use"));
    for (resource, scope) in [(RESOURCE, "other:use"), ("https://mcp.example.com/other", "mcp:use")] {
        let refused = browser.submit(PATH, &other.clone().with("resource", resource).with("scope", scope)).await;
        assert_eq!(refused.answer.status, 400);
    }
    let made = browser.submit(PATH, &other).await;
    assert_eq!(claims(&made.text_of("token"))["aud"], "https://mcp.example.com/other");
}

async fn nobody_has_more_than_a_hundred(database: &Database) {
    let server = Server::start(database).await;
    let mut browser = signed_in(&server, "ada").await;
    for number in 0..99 {
        database.execute(&format!(
            "INSERT INTO grants (id, user_id, client_id, resource, scope, created_at, expires_at) SELECT 'grant_{number}', \
             id, 'personal_token', '{RESOURCE}', 'mcp:use', 1, 4000000000 FROM users WHERE username = 'ada'"
        ));
    }
    let form = filled_in(&browser.open(PATH).await);
    assert_eq!(browser.submit(PATH, &form).await.answer.status, 200);
    let form = filled_in(&browser.open(PATH).await);
    let refused = browser.submit(PATH, &form).await;
    assert!(refused.answer.status == 409 && refused.has("problem"), "{refused:?}");
    assert_eq!(database.count("grants"), 100);
}

async fn the_operator_can_turn_it_off(database: &Database) {
    let more = "[account]\npersonal_tokens = false\n";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let mut browser = signed_in(&server, "ada").await;
    assert!(!browser.open("/account").await.has("new-token"));
    assert_eq!(browser.open(PATH).await.answer.status, 404);
    let answer = browser.submit_without_following(PATH, &Form::new([("name", "x")])).await;
    assert_eq!((answer.status, database.count("grants")), (404, 0));
}
