//! RFC 7662: tokens that only their issuer can read.

use std::time::Duration;

use gatelodge_service::clock::Clock;
use serde_json::{Value, json};

use crate::support::{Authority, Site, World, header, soon};

const ISSUER: &str = "https://other.example";

/// What is said of a good token.
fn active() -> Value {
    let now = Clock::system().now().as_unix();
    json!({"active": true, "iss": ISSUER, "sub": "user_1", "client_id": "client_1", "aud": "https://mcp.example.com/mcp",
        "scope": "mcp:use", "token_type": "Bearer", "iat": now, "exp": now + 3600})
}

fn table(site: &Site, issuer: &str, prefix: &str) -> String {
    format!(
        "[[issuer]]\nissuer = \"{issuer}\"\n[issuer.introspection]\nurl = \"{}/introspect\"\nclient_id = \"side:car\"\n\
         client_secret = \"s/cret\"\ntoken_prefix = \"{prefix}\"\n",
        site.url
    )
}

async fn world(site: &Site, clock: &Clock) -> World {
    World::around(Authority::start(), clock.clone(), |toml| toml + &table(site, ISSUER, "")).await
}

/// The same behind a proxy that names who calls.
async fn behind_a_proxy(site: &Site) -> World {
    World::with(|toml| format!("trusted_proxies = [\"127.0.0.0/8\"]\n{toml}{}", table(site, ISSUER, ""))).await
}

/// How a token is answered that comes from there.
async fn status_from(world: &World, source: String, token: impl AsRef<str>) -> u16 {
    let request = world.request(reqwest::Method::POST).bearer_auth(token.as_ref()).header("X-Forwarded-For", source);
    request.send().await.expect("an answer").status().as_u16()
}

/// Proves RFC 7662 §2.1: the token is in the body of a POST, and whoever asks says who it is.
#[actix_web::test]
async fn an_opaque_token_is_asked_about_once_in_a_body_and_by_name() {
    let site = Site::start();
    let world = world(&site, &Clock::system()).await;
    site.say("opaque", &active());
    let many = (0..50).map(|_| world.status("opaque"));
    assert!(futures_util::future::join_all(many.collect::<Vec<_>>()).await.iter().all(|status| *status == 200));
    let questions = site.questions();
    assert_eq!(questions.len(), 1, "{questions:?}");
    assert_eq!(questions[0].body, "token=opaque&token_type_hint=access_token");
    assert_eq!(
        (questions[0].query.as_str(), questions[0].authorization.as_str()),
        ("", "Basic c2lkZSUzQWNhcjpzJTJGY3JldA==")
    );
    let seen = world.upstream.seen();
    assert_eq!(seen[0].all("x-mcp-auth-sub"), ["user_1"]);
}

/// Proves RFC 7662 §4: the answer is checked like a token.
#[actix_web::test]
async fn what_is_said_of_a_token_is_checked_like_a_token() {
    let site = Site::start();
    let world = world(&site, &Clock::system()).await;
    let now = Clock::system().now().as_unix();
    let cases = [
        ("iss", json!("https://evil.example"), 401),
        ("iss", Value::Null, 401),
        ("aud", json!("https://mcp.example.com"), 401),
        ("aud", json!("https://mcp.example.com/other"), 401),
        ("aud", json!(["x", "https://mcp.example.com/mcp"]), 200),
        ("aud", json!([]), 401),
        ("exp", json!(now - 3600), 401),
        ("exp", json!("4000000000"), 401),
        ("nbf", json!(now + 3600), 401),
        ("scope", json!("other"), 403),
        ("client_id", json!(""), 401),
        ("token_type", json!("bearer"), 200),
        ("token_type", json!("DPoP"), 401),
        ("cnf", json!({"jkt": "x"}), 401),
        ("active", json!(false), 401),
    ];
    for (number, (name, value, expected)) in cases.into_iter().enumerate() {
        let (token, mut answer) = (format!("changed-{number}"), active());
        answer[name] = value.clone();
        site.say(&token, &answer);
        assert_eq!(world.status(&token).await, expected, "{name} = {value}");
    }
    for (name, expected) in
        [("aud", 401), ("exp", 401), ("client_id", 401), ("token_type", 401), ("scope", 403), ("iss", 200)]
    {
        let (token, mut answer) = (format!("without-{name}"), active());
        answer.as_object_mut().expect("an object").remove(name);
        site.say(&token, &answer);
        assert_eq!(world.status(&token).await, expected, "without {name}");
    }
    assert_eq!(world.status("unknown").await, 401);
    let client = active().to_string().replace("\"sub\":\"user_1\",", "");
    site.answer("of-a-client", 200, &client);
    assert_eq!(world.status("of-a-client").await, 200);
    let last = world.upstream.seen().pop().expect("a request");
    assert_eq!(last.all("x-mcp-auth-sub"), ["client_1"], "a client that acts for itself");
}

#[actix_web::test]
async fn an_answer_that_is_none_says_nothing_of_the_token() {
    let site = Site::start();
    let world = world(&site, &Clock::system()).await;
    let twice = active().to_string().replacen('{', "{\"active\":false,", 1);
    let large = format!("{}{}", active(), " ".repeat(70 * 1024));
    for (status, body) in [
        (500, "{}"),
        (401, "{\"error\":\"invalid_client\"}"),
        (302, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, "{\"active\":\"true\"}"),
        (200, "[]"),
        (200, twice.as_str()),
        (200, large.as_str()),
    ] {
        site.answer("opaque", status, body);
        let answer = world.request(reqwest::Method::POST).bearer_auth("opaque").send().await.expect("an answer");
        assert_eq!(answer.status(), 503, "{status} {body:.40}");
        assert_eq!((header(&answer, "www-authenticate"), header(&answer, "retry-after")), (String::new(), "5".into()));
    }
    site.say("opaque", &active());
    assert_eq!(world.status("opaque").await, 200, "and it is asked again at once");
}

#[actix_web::test]
async fn a_good_word_counts_for_half_a_minute_and_a_bad_one_for_ten_seconds() {
    let (site, clock) = (Site::start(), Clock::manual(Clock::system().now()));
    let world = world(&site, &clock).await;
    site.say("good", &active());
    assert_eq!((world.status("good").await, world.status("bad").await), (200, 401));
    site.say("good", &json!({"active": false}));
    site.say("bad", &active());
    clock.advance(Duration::from_secs(9));
    assert_eq!((world.status("good").await, world.status("bad").await), (200, 401));
    assert_eq!(site.questions().len(), 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!((world.status("good").await, world.status("bad").await), (200, 200));
    clock.advance(Duration::from_secs(19));
    assert_eq!(world.status("good").await, 200, "the last second of the half minute");
    clock.advance(Duration::from_secs(1));
    assert_eq!(world.status("good").await, 401, "what was revoked ends");
}

#[actix_web::test]
async fn a_token_ends_when_it_was_said_to_end_however_lately_that_was() {
    let (site, clock) = (Site::start(), Clock::manual(Clock::system().now()));
    let world = World::around(Authority::start(), clock.clone(), |toml| {
        toml.replace("[authorization_server]", "[authorization_server]\nclock_leeway = \"0s\"")
            + &table(&site, ISSUER, "")
    })
    .await;
    let mut answer = active();
    answer["exp"] = json!(clock.now().as_unix() + 5);
    site.say("short", &answer);
    clock.advance(Duration::from_secs(4));
    assert_eq!(world.status("short").await, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(world.status("short").await, 401);
}

#[actix_web::test]
async fn each_issuer_hears_of_its_own_tokens_only() {
    let (one, two) = (Site::start(), Site::start());
    let second = "https://second.example";
    let world = World::with(|toml| toml + &table(&one, ISSUER, "one_") + &table(&two, second, "two_")).await;
    one.say("one_a", &active());
    let mut answer = active();
    answer["iss"] = json!(second);
    two.say("two_a", &answer);
    two.say("one_b", &answer);
    for (token, expected) in
        [("one_a", 200), ("two_a", 200), ("one_b", 401), ("three_a", 401), ("One_a", 401), ("a.b.c", 401)]
    {
        assert_eq!(world.status(token).await, expected, "{token}");
    }
    let signed = world.authority.token();
    assert_eq!(world.status(&signed).await, 200);
    let asked = |site: &Site| site.questions().into_iter().map(|question| question.body).collect::<Vec<_>>();
    assert_eq!(asked(&one), ["token=one_a&token_type_hint=access_token", "token=one_b&token_type_hint=access_token"]);
    assert_eq!(asked(&two), ["token=two_a&token_type_hint=access_token"]);
}

/// Waits until so many questions are on their way.
async fn waits_for(site: &Site, number: usize) {
    soon("as many as may", async {
        while site.most_waiting() < number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[actix_web::test]
async fn so_many_questions_are_on_their_way_at_a_time_and_the_others_wait() {
    for (sources, most) in [(100, 32), (1, 8)] {
        let site = Site::start();
        let world = behind_a_proxy(&site).await;
        let tokens: Vec<String> = (0..100).map(|number| format!("opaque-{number}")).collect();
        tokens.iter().for_each(|token| site.say(token, &active()));
        site.hold();
        let each = tokens.iter().enumerate();
        let each = each.map(|(number, token)| status_from(&world, format!("198.51.100.{}", number % sources), token));
        let let_go = async {
            waits_for(&site, most).await;
            site.go_on();
        };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(each), let_go);
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        assert_eq!((site.most_waiting(), site.questions().len()), (most, 100));
    }
}

#[actix_web::test]
async fn garbage_that_the_endpoint_chokes_on_keeps_nobody_elses_tokens_waiting() {
    let site = Site::start();
    let world = behind_a_proxy(&site).await;
    site.hang_on("garbage");
    let garbage = (0..60).map(|number| status_from(&world, "203.0.113.9".into(), format!("garbage-{number}")));
    let mut garbage = std::pin::pin!(futures_util::future::join_all(garbage));
    tokio::select! {
        answers = &mut garbage => panic!("it is answered: {answers:?}"),
        () = waits_for(&site, 8) => {}
    }
    for number in 0..100 {
        let token = format!("honest-{number}");
        site.say(&token, &active());
        assert_eq!(status_from(&world, format!("198.51.100.{number}"), &token).await, 200);
    }
    assert!(garbage.await.iter().all(|status| *status == 503), "nothing is known of it");
    site.say("honest-after", &active());
    assert_eq!(
        status_from(&world, "203.0.113.9".into(), "honest-after").await,
        200,
        "and its source has its share back"
    );
}

#[actix_web::test]
async fn an_endpoint_that_never_answers_says_nothing_of_the_token() {
    let site = Site::start();
    let world = world(&site, &Clock::system()).await;
    site.say("opaque", &active());
    site.hold();
    assert_eq!(world.status("opaque").await, 503);
    assert_eq!(world.status(&world.authority.token()).await, 200, "signed tokens need no endpoint");
    site.go_on();
    assert_eq!(world.status("opaque").await, 200);
}
