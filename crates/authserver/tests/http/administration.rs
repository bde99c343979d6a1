//! Who is let in to administer, by what, and for how long. No RFC; the attacks are those that a page on the operator's own machine
//! meets: other sites, other names for this address, links that others have seen.

use std::time::Duration;

use futures_util::future::join_all;
use gatelodge_oauth::secret::{Kind, Secret};
use reqwest::Method;

use crate::support::administrator::{Administrator, HOST, link, operator, promote, server};
use crate::support::binary::Workplace;
use crate::support::{Answer, Browser, Database, Form, on_both_databases};

on_both_databases! {
    a_link_lets_an_administrator_in_once,
    of_ten_that_hold_a_link_one_is_let_in,
    nobody_but_an_administrator_who_may_sign_in_gets_a_link,
    links_and_sessions_end,
    whoever_is_no_administrator_any_more_is_out_at_once,
    no_other_site_and_no_other_name_of_this_address_gets_anything,
}

/// What a command says that must fail.
fn refused(operator: &Workplace, arguments: &[&str]) -> String {
    let said = operator.run(arguments, &[]);
    assert!(!said.status.success() && said.stdout.is_empty(), "{arguments:?}: {said:?}");
    String::from_utf8(said.stderr).expect("text")
}

/// Proves RFC 9700 §4.12: opening a link changes nothing, and its form leads to the overview by a GET.
async fn a_link_lets_an_administrator_in_once(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    promote(&operator, "ada");
    let link = link(&operator, "ada");
    let mut ada = Administrator::outside(&server);
    ada.open("/overview").await.assert_error(403, "not_let_in");
    for _ in 0..3 {
        let page = ada.open(&link).await;
        assert!(page.text_of("account") == "ada" && page.answer.header("set-cookie").is_none(), "{page:?}");
    }
    assert_eq!((database.count("administration_links"), database.count("administration_sessions")), (1, 0));
    let form = ada.open(&link).await.form("enter");
    let overview = ada.submit("/enter", &form).await;
    assert_eq!((overview.path.as_str(), overview.text_of("account").as_str()), ("/overview", "ada"));
    let cookie = ada.cookie.clone().expect("a session");
    let secret = cookie.split_once('=').expect("a value").1;
    assert!(Secret::parse(Kind::AdministrationSession, secret).is_some(), "{secret}");
    assert!(!overview.answer.body.contains(secret), "{overview:?}");
    assert_eq!(database.count("audit_events WHERE outcome = 'administration_entered'"), 1);
    assert_eq!((database.count("administration_links"), database.count("administration_sessions")), (0, 1));

    let mut other = Administrator::outside(&server);
    other.open(&link).await.assert_error(400, "link_ended");
    other.submit("/enter", &form).await.assert_error(400, "link_ended");
    assert_eq!(other.cookie, None);

    let form = ada.open("/overview").await.form("sign-out");
    ada.submit("/sign-out", &form).await.assert_error(403, "not_let_in");
    assert_eq!((ada.cookie.clone(), database.count("administration_sessions")), (None, 0));
    ada.cookie = Some(cookie);
    ada.open("/overview").await.assert_error(403, "not_let_in");
}

/// Proves RFC 9700 §4.12: of many posts of one form one counts.
async fn of_ten_that_hold_a_link_one_is_let_in(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    promote(&operator, "ada");
    let page = Administrator::outside(&server).open(&link(&operator, "ada")).await;
    let form = page.form("enter");
    let posts = (0..10).map(|_| Answer::of(Administrator::outside(&server).post("/enter", &form)));
    let answers: Vec<Answer> = join_all(posts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    assert_eq!(database.count("administration_sessions"), 1);
}

/// Proves RFC 6749 §10.12: what lets somebody in is made by whoever runs the server, for an administrator.
async fn nobody_but_an_administrator_who_may_sign_in_gets_a_link(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    assert!(refused(&operator, &["administration", "link"]).contains("gatelodge user set-admin"));
    promote(&operator, "ada");
    let one = operator.run(&["administration", "link"], &[]);
    assert!(String::from_utf8_lossy(&one.stdout).contains("lets ada in"), "{one:?}");
    promote(&operator, "bob");
    promote(&operator, "carol");
    assert!(refused(&operator, &["administration", "link"]).contains("administrators are ada, bob"));
    assert!(refused(&operator, &["administration", "link", "--as", "carol"]).contains("is disabled"));
    assert!(refused(&operator, &["administration", "link", "--as", "nobody"]).contains("there is no user nobody"));
    assert!(operator.run(&["user", "set-admin", "bob", "--off"], &[]).status.success());
    assert!(refused(&operator, &["administration", "link", "--as", "bob"]).contains("is no administrator"));
    assert_eq!(database.count("administration_links"), 1);

    // Nor does the sign-in of the public pages open anything here, also under the name of the cookie.
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    assert_eq!(browser.sign_in(&login, "ada").await.path, "/account");
    let (name, value) = browser.session();
    for cookie in [format!("{name}={value}"), format!("gatelodge_administration={value}")] {
        let mut ada = Administrator { cookie: Some(cookie), ..Administrator::outside(&server) };
        ada.open("/overview").await.assert_error(403, "not_let_in");
    }
    // Where there is no administration there is no link.
    let without = Workplace::new(&crate::support::Settings::default().toml(&database.url));
    assert!(refused(&without, &["administration", "link"]).contains("write [administration] into"));
}

/// Proves RFC 9700 §2.1: what is handed out ends by itself.
async fn links_and_sessions_end(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut inside = Administrator::let_in(&server, &operator, "ada").await;
    let (older, newer) = (link(&operator, "ada"), link(&operator, "ada"));
    let mut ada = Administrator::outside(&server);
    ada.open(&older).await.assert_error(400, "link_ended");
    let form = ada.open(&newer).await.form("enter");
    for secret in ["", "x", Secret::generate(Kind::AdministrationLink).expose(), Secret::generate(Kind::Setup).expose()]
    {
        ada.open(&format!("/enter?secret={secret}")).await.assert_error(400, "link_ended");
        ada.submit("/enter", &form.clone().with("secret", secret)).await.assert_error(400, "link_ended");
    }
    server.clock.advance(Duration::from_secs(10 * 60 + 5));
    ada.open(&newer).await.assert_error(400, "link_ended");
    ada.submit("/enter", &form).await.assert_error(400, "link_ended");

    assert_eq!(inside.open("/overview").await.answer.status, 200);
    server.clock.advance(Duration::from_secs(4 * 60 * 60 - 11 * 60));
    assert_eq!(inside.open("/overview").await.answer.status, 200, "however much it was used");
    server.clock.advance(Duration::from_secs(60));
    inside.open("/overview").await.assert_error(403, "not_let_in");
}

/// Proves RFC 9700 §4.14: what somebody may no longer do ends at once, in the browser that they have open too.
async fn whoever_is_no_administrator_any_more_is_out_at_once(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    for (out, back) in [
        (["user", "set-admin", "--off", "ada"].as_slice(), ["user", "set-admin", "ada"].as_slice()),
        (&["user", "disable", "ada"], &["user", "enable", "ada"]),
    ] {
        let mut ada = Administrator::let_in(&server, &operator, "ada").await;
        let form = ada.open("/overview").await.form("sign-out");
        let unused = link(&operator, "ada");
        assert!(operator.run(out, &[]).status.success());
        ada.open("/overview").await.assert_error(403, "not_let_in");
        ada.submit("/sign-out", &form).await.assert_error(403, "not_let_in");
        assert!(operator.run(back, &[]).status.success());
        ada.open("/overview").await.assert_error(403, "not_let_in");
        ada.open(&unused).await.assert_error(400, "link_ended");
    }
    // However they came out, past every command.
    for (out, back) in [("is_admin = FALSE", "is_admin = TRUE"), ("disabled_at = 1", "disabled_at = NULL")] {
        let mut ada = Administrator::let_in(&server, &operator, "ada").await;
        let unused = link(&operator, "ada");
        let form = ada.open(&unused).await.form("enter");
        database.execute(&format!("UPDATE users SET {out} WHERE username = 'ada'"));
        ada.open("/overview").await.assert_error(403, "not_let_in");
        Administrator::outside(&server).submit("/enter", &form).await.assert_error(400, "link_ended");
        database.execute(&format!("UPDATE users SET {back} WHERE username = 'ada'"));
    }
    let mut ada = Administrator::let_in(&server, &operator, "ada").await;
    assert!(operator.run(&["user", "remove", "ada"], &[]).status.success());
    ada.open("/overview").await.assert_error(403, "not_let_in");
    assert_eq!(database.count("administration_sessions"), 0);
}

/// Proves RFC 6749 §10.12: no form of another site, and no page of another name (DNS rebinding).
async fn no_other_site_and_no_other_name_of_this_address_gets_anything(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let cookie = bob.cookie.clone().expect("a session");
    let ada = bob.open("/users?search=ada").await;
    let ada = ada.answer.body.split("user?id=").nth(1).and_then(|rest| rest.split('"').next()).expect("ada").to_owned();
    let page = bob.open(&format!("/user?id={ada}")).await;
    let form = page.form("disable");
    let is_untouched = || database.count("users WHERE username = 'ada' AND disabled_at IS NULL") == 1;

    let address = server.administration_address.expect("it listens").to_string();
    for host in [
        "evil.example",
        "evil.example:8092",
        "localhost",
        "localhost:80",
        "127.0.0.1:8092",
        "localhost.:8092",
        &address,
    ] {
        for request in [
            server.administration_request(Method::GET, "/overview"),
            server.administration_request(Method::GET, "/assets/style.css"),
            server.administration_request(Method::GET, "/nothing"),
            server
                .administration_request(Method::POST, "/user")
                .form(form.pairs())
                .header("sec-fetch-site", "same-origin"),
        ] {
            let answer = Answer::of(request.header("host", host).header("cookie", &cookie)).await;
            assert!(answer.status == 421 && answer.body.contains("host_refused"), "{host}: {answer:?}");
            assert!(!answer.body.contains("localhost:8092"), "{host}: {answer:?}");
        }
    }
    for (origin, site) in [
        ("null", "cross-site"),
        ("null", "same-site"),
        ("https://evil.example", "same-origin"),
        ("http://localhost:8093", "same-origin"),
        ("https://mcp.example.com", "same-origin"),
    ] {
        for (path, form) in [("/user", &form), ("/sign-out", &form), ("/enter", &Form::new([("secret", "x")]))] {
            let request = bob.request(Method::POST, path).header("origin", origin).header("sec-fetch-site", site);
            let answer = Answer::of(request.form(form.pairs())).await;
            assert!(answer.status == 403 && answer.body.contains("form_refused"), "{origin} {site} {path}: {answer:?}");
        }
    }
    let foreign = bob.server.administration_request(Method::POST, "/user").header("host", HOST);
    assert_eq!(Answer::of(foreign.form(form.pairs())).await.status, 403, "without the cookie");
    let other = Administrator::let_in(&server, &operator, "bob").await;
    for bad in [form.clone().without("csrf_token"), form.clone().with("csrf_token", "x")] {
        bob.submit("/user", &bad).await.assert_error(403, "form_refused");
    }
    assert_eq!(Answer::of(other.post("/user", &form)).await.status, 403, "the token of another session");
    assert!(is_untouched());
    bob.submit("/user", &form).await;
    assert!(!is_untouched(), "and the form itself is good");
}
