//! Which spellings of an id are one task, when a task ends, and what is seen in answers however they are cut.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use gatelodge_oauth::access_token::AccessToken;
use gatelodge_service::clock::Clock;

use super::*;
use crate::caller::Viewer;
use crate::mcp;

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

/// Whether this user may ask about the task.
fn may(tasks: &Tasks, caller: &Caller, id: &str, now: i64) -> bool {
    let id = serde_json::Value::from(id);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{{"taskId":{id}}}}}"#);
    let message = mcp::read(body.as_bytes()).expect("a message");
    tasks.check(message.operations(), caller, Timestamp::from_unix(now)).is_ok()
}

#[test]
fn another_spelling_of_an_id_is_no_other_task() {
    const ID: &str = "786512e2-9e0d-44bd-8f29-789f320fe840";
    let spellings = [
        "786512E2-9E0D-44BD-8F29-789F320FE840",
        "786512e29e0d44bd8f29789f320fe840",
        "{786512e2-9e0d-44bd-8f29-789f320fe840}",
        "urn:uuid:786512e2-9e0d-44bd-8f29-789f320fe840",
        " 786512e2-9e0d-44bd-8f29-789f320fe840\n",
    ];
    let (ada, bob) = (caller("ada"), caller("bob"));
    let tasks = Tasks::new(Unknown::Adopt);
    tasks.begun(ID, &ada, Timestamp::from_unix(0));
    tasks.begun("Task-One", &ada, Timestamp::from_unix(0));
    for spelling in spellings.into_iter().chain(["task-one", "TASK-ONE ", "\tTask-One"]) {
        assert!(!may(&tasks, &bob, spelling, 0) && may(&tasks, &ada, spelling, 0), "{spelling:?}");
    }
    assert!(may(&tasks, &bob, "Task-Two", 0), "that one nobody had");
}

#[test]
fn a_task_stays_with_whom_it_was_created_for_until_nobody_asked_for_a_week() {
    const WEEK: i64 = 7 * 24 * 3600;
    let (ada, bob) = (caller("ada"), caller("bob"));
    let tasks = Tasks::new(Unknown::Refuse);
    tasks.begun("t", &ada, Timestamp::from_unix(0));
    tasks.begun("t", &bob, Timestamp::from_unix(1));
    assert!(may(&tasks, &ada, "t", WEEK - 1) && !may(&tasks, &bob, "t", WEEK - 1));
    assert!(may(&tasks, &ada, "t", 2 * WEEK - 2), "each question begins the week anew");
    assert!(!may(&tasks, &ada, "t", 3 * WEEK - 2));
    assert!(tasks.shows("t", &ada) && !tasks.shows("t", &bob));
}

/// What goes through, in these parts, and whether the task is known once the last of them went on.
async fn passes(parts: Vec<Bytes>, is_event_stream: bool) -> bool {
    let (tasks, ada) = (Arc::new(Tasks::new(Unknown::Refuse)), caller("ada"));
    let watch = Watch { tasks: Arc::clone(&tasks), viewer: Viewer::One(ada.clone()), clock: Clock::system() };
    let body = iter(parts.clone().into_iter().map(Ok::<_, Infallible>));
    let mut watched = Watched::new(body, Some(watch), is_event_stream, None);
    for part in &parts {
        let passed = watched.next().await.expect("a part").expect("no error");
        assert_eq!(passed, part);
    }
    // Before its end is seen: the client has all of it.
    tasks.shows("t", &ada)
}

#[tokio::test]
async fn a_task_is_known_before_its_creator_can_ask_about_it_however_the_answer_is_cut() {
    const MESSAGE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t","status":"working"}}}"#;
    let long = format!("data: {}\n\n", "x".repeat(100_000));
    for (text, is_event_stream) in [
        (MESSAGE.to_owned(), false),
        (format!(" {MESSAGE}\r\n"), false),
        (format!("data: {MESSAGE}\n\n"), true),
        (format!("event: message\r\nid: 1\r\ndata: {MESSAGE}\r\n\r\n"), true),
        (format!(": hello\r\rdata:{MESSAGE}\r\r"), true),
        (format!("data: {}\n\n", MESSAGE.replace(",\"result", "\ndata: ,\"result")), true),
        (format!("data: 1\n\ndata: {MESSAGE}\n\ndata: 2\n\n"), true),
    ] {
        let cut = |at: usize| [&text[..at], &text[at..]].map(|part| Bytes::copy_from_slice(part.as_bytes())).to_vec();
        for at in 0..text.len() {
            assert!(passes(cut(at), is_event_stream).await, "{text:?} cut at {at}");
        }
        let single: Vec<Bytes> = text.bytes().map(|byte| Bytes::copy_from_slice(&[byte])).collect();
        assert!(passes(single, is_event_stream).await, "{text:?}");
    }
    let behind = vec![Bytes::from(long), Bytes::from(format!("data: {MESSAGE}\n\n"))];
    assert!(passes(behind, true).await, "a long event before it hides none");
    let huge = MESSAGE.replace("working", &"x".repeat(100_000));
    assert!(
        !passes(vec![huge.clone().into()], false).await
            && !passes(vec![format!("data: {huge}\n\n").into()], true).await
    );
}
