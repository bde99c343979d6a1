//! Same answers with and without the sidecar: what may differ, each with its reason, and everything else byte for byte.

use crate::player::Exchange;

/// How a header may differ.
enum Rule {
    /// It belongs to one connection, or says nothing of the MCP server.
    Ignored,
    /// Of an event stream only.
    OfEvents,
    /// The sidecar may add it with this value to an event stream, where the server sends none.
    AddedAs(&'static str),
    /// The sidecar may add these list items at the end.
    Extended(&'static str),
}

/// Every exception. Nothing else may differ.
const EXCEPTIONS: &[(&str, Rule, &str)] = &[
    ("connection", Rule::Ignored, "RFC 9110 §7.6.1: of one connection"),
    ("keep-alive", Rule::Ignored, "RFC 9110 §7.6.1: of one connection"),
    ("transfer-encoding", Rule::Ignored, "RFC 9112 §6.1: of one connection"),
    (
        "content-length",
        Rule::OfEvents,
        "comments may come in between, so the sidecar promises no length of an event stream",
    ),
    ("date", Rule::Ignored, "RFC 9110 §6.6.1: when the message was made"),
    ("x-request-id", Rule::Ignored, "the sidecar names each request, for its log"),
    ("vary", Rule::Extended("Origin"), "the sidecar's CORS headers depend on the origin"),
    ("x-accel-buffering", Rule::AddedAs("no"), "a proxy in front of the sidecar must not hold events back"),
    ("cache-control", Rule::AddedAs("no-store"), "events of one caller are not for a cache"),
];

/// Steps that the sidecar answers itself: status, part of the body, and the reason. What it says is checked instead.
const OWN_ANSWERS: &[(&str, u16, &str, &str)] = &[(
    AFTER_THE_END,
    404,
    r#"{"error":"unknown_session""#,
    "a session belongs to whoever began it, and one that has ended to nobody: the server is not asked. A client takes 404 as \
     the sign to begin anew (MCP specification, basic/transports, Session Management)",
)];

/// A request with the id of a session that was ended.
pub const AFTER_THE_END: &str = "after the end of the session";

/// After so much silence the sidecar sends this (WHATWG HTML §9.2: no event); only a machine under load gets to see it.
const KEEP_ALIVE: &str = ":\n\n";

/// What differs, in words; empty when nothing does.
pub fn differences(direct: &[Exchange], through: &[Exchange]) -> Vec<String> {
    let mut found = Vec::new();
    for (one, other) in direct.iter().zip(through) {
        let mut note = |what: String| found.push(format!("{}: {what}", one.step));
        if let Some((_, status, body, _)) = OWN_ANSWERS.iter().find(|(step, ..)| *step == one.step) {
            if other.status != *status || !other.body.starts_with(body) {
                note(format!("the sidecar's own answer is {} {:?}", other.status, other.body));
            }
            continue;
        }
        if one.step != other.step {
            note(format!("the other run is at {}", other.step));
        }
        if one.status != other.status {
            note(format!("status {} directly, {} through the sidecar: {:?}", one.status, other.status, other.body));
        }
        if one.body != without_keep_alives(&other.body) {
            note(format!("body directly\n{:?}\nthrough the sidecar\n{:?}", one.body, other.body));
        }
        different_headers(one, other).into_iter().for_each(note);
    }
    if direct.len() != through.len() {
        found.push(format!("{} answers directly, {} through the sidecar", direct.len(), through.len()));
    }
    found
}

/// Only between events: anywhere else it would be damage.
fn without_keep_alives(mut body: &str) -> String {
    let mut kept = String::new();
    while !body.is_empty() {
        let between = kept.is_empty() || kept.ends_with("\n\n") || kept.ends_with("\r\n\r\n");
        if let Some(rest) = body.strip_prefix(KEEP_ALIVE).filter(|_| between) {
            body = rest;
            continue;
        }
        let (line, rest) = body.split_at(body.find('\n').map_or(body.len(), |at| at + 1));
        kept += line;
        body = rest;
    }
    kept
}

fn different_headers(direct: &Exchange, through: &Exchange) -> Vec<String> {
    let mut names: Vec<&str> = direct.headers.iter().chain(&through.headers).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let differs = names.into_iter().filter(|name| !may_differ(name, direct, through));
    let say =
        |name| format!("{name}: {:?} directly, {:?} through the sidecar", values(direct, name), values(through, name));
    differs.map(say).collect()
}

fn values<'a>(exchange: &'a Exchange, name: &str) -> Vec<&'a str> {
    exchange.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}

fn may_differ(name: &str, direct: &Exchange, through: &Exchange) -> bool {
    let (one, other) = (values(direct, name), values(through, name));
    if one == other {
        return true;
    }
    let is_event_stream = values(direct, "content-type").iter().any(|value| value.starts_with("text/event-stream"));
    EXCEPTIONS.iter().any(|(exception, rule, _)| {
        *exception == name
            && match rule {
                Rule::Ignored => true,
                Rule::OfEvents => is_event_stream,
                Rule::AddedAs(value) => is_event_stream && one.is_empty() && other == [*value],
                Rule::Extended(item) => other == [one.as_slice(), &[*item]].concat(),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)], body: &str) -> Vec<Exchange> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        vec![Exchange { step: "step".to_owned(), status: 200, headers, body: body.to_owned() }]
    }

    #[test]
    fn whatever_is_not_excepted_is_a_difference() {
        let events = ("content-type", "text/event-stream");
        let direct = answer(&[events], "data: 1\n\n");
        for (through, why) in [
            (answer(&[events], "data: 1.0\n\n"), "another body"),
            (answer(&[events], ":\n\ndata: 1\n"), "a byte is missing"),
            (answer(&[events], "data: 1\n:\n\n\n"), "a comment within an event"),
            (answer(&[("content-type", "text/event-stream; charset=utf-8")], "data: 1\n\n"), "another value"),
            (answer(&[events, ("x-new", "1")], "data: 1\n\n"), "a new header"),
            (answer(&[events, ("cache-control", "public")], "data: 1\n\n"), "another value than the sidecar's"),
            (answer(&[], "data: 1\n\n"), "a lost header"),
            (Vec::new(), "a lost answer"),
        ] {
            assert!(!differences(&direct, &through).is_empty(), "{why}");
        }
    }

    #[test]
    fn what_the_sidecar_adds_is_no_difference() {
        let events = ("content-type", "text/event-stream");
        let direct = answer(&[events, ("content-length", "9"), ("vary", "Accept")], "data: 1\n\n");
        let added =
            [events, ("vary", "Accept"), ("vary", "Origin"), ("x-accel-buffering", "no"), ("x-request-id", "1")];
        let through = answer(&added, ":\n\ndata: 1\n\n:\n\n");
        assert_eq!(differences(&direct, &through), [""; 0]);
    }

    #[test]
    fn the_sidecar_answers_for_a_session_that_has_ended() {
        let ended = |status, body: &str| {
            let exchange =
                Exchange { step: AFTER_THE_END.to_owned(), status, headers: Vec::new(), body: body.to_owned() };
            vec![exchange]
        };
        let direct = ended(400, "not initialized");
        assert_eq!(differences(&direct, &ended(404, r#"{"error":"unknown_session"}"#)), [""; 0]);
        assert_eq!(differences(&direct, &ended(400, "not initialized")).len(), 1);
    }

    #[test]
    fn an_answer_in_json_keeps_its_length() {
        let json = ("content-type", "application/json");
        let found = differences(&answer(&[json, ("content-length", "2")], "{}"), &answer(&[json], "{}"));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
