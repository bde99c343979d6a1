//! Whatever the MCP server does, a POST reaches it at most once, and the client gets one answer or a cut connection (RFC 9110 §9.2.2).

use crate::support::raw::{Bench, GOOD};
use crate::support::wire::Manner;

const IMPATIENT: &str = "response_timeout = \"1s\"\n[development]\nallow_unsafe_values = true\n";

#[actix_web::test]
async fn a_post_is_delivered_at_most_once_whatever_the_server_does() {
    for (manner, statuses) in [
        (Manner::KeepsAlive, &[200][..]),
        (Manner::HangsUp, &[200]),
        (Manner::AnswersEarly, &[200]),
        (Manner::TalksNonsense, &[502]),
        (Manner::Stalls, &[504]),
        (Manner::Resets, &[502]),
        (Manner::BreaksOff, &[]),
        (Manner::AnswersTwice, &[200]),
    ] {
        let bench = Bench::with(manner, IMPATIENT).await;
        for (fields, body) in [
            ("Content-Length: 30\r\n", GOOD.to_owned()),
            ("Transfer-Encoding: chunked\r\n", format!("1e\r\n{GOOD}\r\n0\r\n\r\n")),
            ("Content-Length: 300000\r\n", format!("{GOOD}{}", " ".repeat(299_970))),
        ] {
            let before = bench.wire.requests().len();
            let answers = bench.send(&bench.post(fields, &body)).await;
            let delivered = bench.wire.requests().len() - before;
            assert_eq!(delivered, 1, "{manner:?} {fields:?}: {:?}", bench.wire.requests());
            if manner == Manner::BreaksOff {
                // Cut, with or without a head: never complete.
                assert!(answers.closed && !answers.text.contains("{\"error"), "{fields:?}: {}", answers.text);
                continue;
            }
            assert_eq!(answers.statuses(), statuses, "{manner:?} {fields:?}: {}", answers.text);
        }
        assert!(bench.wire.strays().is_empty(), "{manner:?}: {:?}", bench.wire.strays());
    }
}

/// The race that tempts to repeat: the pooled connection is closed by the server just when the next request takes it.
#[actix_web::test]
async fn connections_that_the_server_closes_between_requests_repeat_none() {
    let bench = Bench::start(Manner::HangsUp).await;
    let mut answered = 0;
    for number in 0..200 {
        let bytes = bench.post(&format!("X-Number: {number}\r\nContent-Length: 30\r\nConnection: close\r\n"), GOOD);
        answered += usize::from(bench.send(&bytes).await.statuses() == [200]);
        let same =
            bench.wire.requests().iter().filter(|request| request.all("x-number") == [number.to_string()]).count();
        assert!(same <= 1, "request {number} was delivered {same} times");
    }
    assert!(answered > 0 && bench.wire.requests().len() >= answered);
}

#[actix_web::test]
async fn the_second_answer_of_a_server_reaches_nobody() {
    let bench = Bench::start(Manner::AnswersTwice).await;
    for _ in 0..20 {
        let answers = bench.send(&bench.post("Content-Length: 30\r\nConnection: close\r\n", GOOD)).await;
        assert!(!answers.text.contains("!!"), "{}", answers.text);
        assert!(answers.statuses().len() == 1, "{}", answers.text);
    }
}
