//! Two listeners: nothing of the administration is on the public one, and nothing of the public pages where administrators are let in.
//! The routes are found in the source, so that one that is added later is looked at too.

use reqwest::Method;

use crate::browser_pages::assert_private;
use crate::every_route;
use crate::support::administrator::{ADMINISTRATION, Administrator, operator, promote, settings};
use crate::support::binary::Workplace;
use crate::support::{Answer, Database, Server, Settings, on_any_database};

on_any_database! {
    the_public_listener_has_nothing_of_the_administration_and_the_other_way_round,
    every_route_of_the_administration_answers_every_method_and_keeps_to_itself,
    without_the_table_there_is_no_such_listener,
}

fn routes() -> Vec<String> {
    let source = include_str!("../../src/endpoints/administration/mod.rs");
    let quoted = source.split('"').filter(|text| text.starts_with('/') && !text.contains('{'));
    let routes: Vec<String> = quoted.map(str::to_owned).collect();
    assert!(routes.len() >= 7, "endpoints/administration/mod.rs names its routes in another way now: {routes:?}");
    routes
}

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).expect("a method")
}

/// Proves RFC 9700 §4.16: what administers is not where strangers come.
async fn the_public_listener_has_nothing_of_the_administration_and_the_other_way_round(database: &Database) {
    let server = Server::start_with(database, settings()).await;
    for path in routes() {
        for name in METHODS {
            for host in ["mcp.example.com", "localhost:8092"] {
                let answer = Answer::of(server.request(method(name), &path).header("host", host)).await;
                assert_eq!(answer.status, 404, "{name} {path} at {host}: {answer:?}");
            }
        }
    }
    let outside = Administrator::outside(&server);
    let ours = routes();
    for path in every_route::routes().iter().filter(|path| !ours.contains(path) && !path.starts_with("/assets/")) {
        for name in METHODS {
            let answer = Answer::of(outside.request(method(name), path)).await;
            assert_eq!(answer.status, 404, "{name} {path}: {answer:?}");
        }
    }
}

/// Proves RFC 9700 §4.16: no page is framed or kept, no answer repeats a request elsewhere.
async fn every_route_of_the_administration_answers_every_method_and_keeps_to_itself(database: &Database) {
    let https = ADMINISTRATION.replace("http://localhost:8092", "https://admin.example.com").leak();
    let now = gatelodge_service::clock::Clock::system().now();
    let clock = gatelodge_service::clock::Clock::manual(now);
    let server = Server::start_at(database, Settings { more: https, ..settings() }, clock).await;
    let cookie = let_in_by_https(database, &server, https).await;
    let mut seen = 0;
    for path in routes().iter().map(String::as_str).chain(["/nothing", "/assets/nothing"]) {
        for name in METHODS {
            for cookie in ["", &cookie] {
                let request = server.administration_request(method(name), path).header("cookie", cookie);
                let answer = Answer::of(request.header("host", "admin.example.com")).await;
                let what = format!("{name} {path}, let in: {}", !cookie.is_empty());
                assert!(answer.status < 500 && !matches!(answer.status, 301 | 302 | 307 | 308), "{what}: {answer:?}");
                assert!(answer.header("set-cookie").is_none(), "{what}: {answer:?}");
                assert_private(&answer, &what);
                seen += usize::from(answer.status == 200 && !cookie.is_empty());
            }
        }
    }
    assert!(seen >= 6, "pages that are shown to whoever is let in");
    let asset =
        Answer::of(server.administration_request(Method::GET, "/assets/style.css").header("host", "admin.example.com"));
    assert_eq!(asset.await.status, 200);
}

/// The cookie of a session, in a browser that comes by https.
async fn let_in_by_https(database: &Database, server: &Server, table: &'static str) -> String {
    let operator = Workplace::new(&Settings { more: table, ..settings() }.toml(&database.url));
    promote(&operator, "ada");
    let said = operator.run(&["administration", "link"], &[]);
    let printed = String::from_utf8(said.stdout).expect("text");
    let secret = printed.trim().rsplit_once("https://admin.example.com/enter?secret=").expect("a link").1;
    let request = server.administration_request(Method::POST, "/enter").header("host", "admin.example.com");
    let answer = Answer::of(request.form(&[("secret", secret)])).await;
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(cookie.starts_with("__Host-gatelodge_administration=") && cookie.contains("; Secure"), "{cookie}");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// Proves RFC 9700 §4.16: it is off unless it is wanted.
async fn without_the_table_there_is_no_such_listener(database: &Database) {
    let server = Server::start(database).await;
    assert_eq!(server.administration_address, None);
    let said = operator(database).run(&["check"], &[]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("http://localhost:8092"), "{said:?}");
}
