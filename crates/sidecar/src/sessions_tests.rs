//! The end of a session that nobody uses, the bound of their number, and races for one.

use std::sync::{Arc, Barrier};
use std::thread;

use futures_util::FutureExt as _;
use gatelodge_oauth::access_token::AccessToken;

use super::*;
use crate::holders::REMEMBERED;

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
    assert!(sessions.0.len() <= REMEMBERED, "{}", sessions.0.len());
    let is_known = |number: &usize| {
        let id = format!("of-mallory-{number}");
        sessions.check(Named::Session(&id), &mallory, at(0)).is_ok()
    };
    let known = (0..3 * REMEMBERED).filter(is_known).count();
    assert!(known < REMEMBERED, "{known} are known: for the others the client begins a new one");
}

#[test]
fn of_many_that_take_over_a_session_at_once_one_does() {
    const RACING: usize = 8;
    let callers: Vec<Caller> = (0..RACING).map(|number| caller(&format!("user_{number}"))).collect();
    let (lazy, adopting) = (Sessions::new(Unknown::Refuse), Sessions::new(Unknown::Adopt));
    let beginning = Sessions::new(Unknown::Refuse);
    for round in 0..300 {
        let id = format!("s{round}");
        lazy.begun(&id, &Caller::Anonymous, at(0)).expect("begun");
        let takes: [&(dyn Fn(&Caller) -> bool + Sync); 3] = [
            &|caller| lazy.check(Named::Session(&id), caller, at(1)).is_ok(),
            &|caller| adopting.check(Named::Session(&id), caller, at(1)).is_ok(),
            &|caller| beginning.begun(&id, caller, at(1)).is_ok(),
        ];
        for (kind, take) in takes.into_iter().enumerate() {
            let start = Barrier::new(RACING);
            let race = |caller| {
                start.wait();
                take(caller)
            };
            let won: Vec<bool> = thread::scope(|scope| {
                let threads: Vec<_> = callers.iter().map(|caller| scope.spawn(move || race(caller))).collect();
                threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
            });
            assert_eq!(won.iter().filter(|won| **won).count(), 1, "{kind} in round {round}: {won:?}");
            let holds: Vec<bool> = callers.iter().map(take).collect();
            assert_eq!(holds, won, "who was told so has it");
        }
    }
}

#[test]
fn a_stay_is_over_when_the_session_is_somebodys_or_no_more() {
    let (stranger, ada) = (Caller::Anonymous, caller("ada"));
    let ends = |change: &dyn Fn(&Sessions)| {
        let sessions = Sessions::new(Unknown::Adopt);
        sessions.begun("s", &stranger, at(0)).expect("begun");
        let stay = sessions.check(Named::Session("s"), &stranger, at(0)).expect("a stranger's").expect("a stay");
        change(&sessions);
        stay.ends().now_or_never().is_some()
    };
    let uses = |caller: &Caller, now| {
        let caller = caller.clone();
        move |sessions: &Sessions| drop(sessions.check(Named::Session("s"), &caller, at(now)))
    };
    assert!(!ends(&|_| {}));
    assert!(!ends(&uses(&stranger, 1)), "other strangers are the same");
    assert!(ends(&uses(&ada, 1)), "somebody logs in");
    assert!(ends(&uses(&ada, DAY)), "somebody adopts what has ended");
    assert!(ends(&|sessions| sessions.ended(Named::Session("s"))));
    assert!(ends(&|sessions| sessions.begun("s", &stranger, at(1)).expect("begun")), "another session of that name");
}

#[test]
fn whoever_is_known_has_no_stay_that_could_end() {
    let sessions = Sessions::new(Unknown::Refuse);
    sessions.begun("s", &caller("ada"), at(0)).expect("begun");
    assert!(sessions.check(Named::Session("s"), &caller("ada"), at(0)).expect("hers").is_none());
}
