//! The end of a session that nobody uses, and the bound of their number.

use gatelodge_oauth::access_token::AccessToken;

use super::*;

fn caller(subject: &str) -> Caller {
    Caller::Token(Arc::new(AccessToken {
        issuer: "https://h.example".into(),
        subject: subject.into(),
        client_id: "client_1".into(),
        scope: "mcp:use".parse().expect("a scope"),
        issued_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(1),
        id: "token_1".into(),
        status: None,
        kid: None,
    }))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

const DAY: i64 = 24 * 3600;

#[test]
fn a_session_that_nobody_used_for_a_day_has_ended_and_each_use_begins_the_day_anew() {
    let (ada, bob) = (caller("ada"), caller("bob"));
    let sessions = Sessions::new(Unknown::Refuse);
    sessions.begun("s", &ada, at(0)).expect("begun");
    let mine = |caller: &Caller, now: i64| sessions.check(Named::Session("s"), caller, at(now)).is_ok();
    assert!(mine(&ada, DAY - 1));
    assert!(!mine(&bob, 2 * DAY - 2), "and to ask for it in vain is no use of it");
    assert!(mine(&ada, 2 * DAY - 2));
    assert!(!mine(&ada, 3 * DAY - 2), "a day later");
    assert!(sessions.begun("s", &bob, at(3 * DAY - 3)).is_err(), "until then its id is not handed over");
    assert!(sessions.begun("s", &bob, at(3 * DAY - 2)).is_ok());
    assert!(mine(&bob, 3 * DAY) && !mine(&ada, 3 * DAY));
}

#[test]
fn a_session_that_has_ended_is_adopted_like_one_that_is_unknown() {
    let sessions = Sessions::new(Unknown::Adopt);
    sessions.begun("s", &caller("ada"), at(0)).expect("begun");
    let mine = |subject: &str, now: i64| sessions.check(Named::Session("s"), &caller(subject), at(now)).is_ok();
    assert!(!mine("bob", DAY - 1));
    assert!(mine("bob", DAY));
    assert!(!mine("ada", DAY + 1));
}

#[test]
fn who_begins_very_many_sessions_takes_no_more_memory_and_pushes_out_none_that_is_in_use() {
    let (ada, mallory) = (caller("ada"), caller("mallory"));
    let sessions = Sessions::new(Unknown::Refuse);
    sessions.begun("of-ada", &ada, at(0)).expect("begun");
    for number in 0..3 * REMEMBERED {
        sessions.begun(&format!("of-mallory-{number}"), &mallory, at(0)).expect("begun");
        if number % 10_000 == 0 {
            assert!(sessions.check(Named::Session("of-ada"), &ada, at(0)).is_ok(), "after {number}");
        }
    }
    assert!(sessions.holders.len() <= REMEMBERED, "{}", sessions.holders.len());
    let is_known = |number: &usize| {
        let id = format!("of-mallory-{number}");
        sessions.check(Named::Session(&id), &mallory, at(0)) != Err(Fault::UnknownSession)
    };
    let known = (0..3 * REMEMBERED).filter(is_known).count();
    assert!(known < REMEMBERED, "{known} are known: for the others the client begins a new one");
}
