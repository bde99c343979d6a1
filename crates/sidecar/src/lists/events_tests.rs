use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::iter;
use tokio::sync::mpsc;

use super::*;
use crate::event_stream::kept_alive;
use crate::limits::Room;
use crate::lists::{List, Overlay};

/// Hides `hidden`; at rest until the test says otherwise.
#[derive(Default)]
struct Caller {
    is_at_rest: Rc<Cell<bool>>,
}

impl View for Caller {
    fn shows(&self, _: List, name: &str) -> bool {
        name != "hidden"
    }

    fn depends_on_caller(&self) -> bool {
        false
    }

    fn is_at_rest(&self) -> bool {
        self.is_at_rest.get()
    }
}

fn rewriter() -> Rewriter<Caller> {
    Rewriter { overlay: Arc::new(Overlay::default()), view: Caller::default(), listed: None, is_modern: false }
}

fn no_limit() -> Held {
    Held::of(&Arc::new(Room::new(usize::MAX)))
}

fn asked() -> Asked {
    Asked::by([("1", List::Tools)])
}

/// Everything that comes out, and the error that ended it.
fn run(chunks: Vec<Bytes>, asked: Asked) -> (Vec<u8>, Option<Unrewritable>) {
    let events = iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let out = Box::pin(edited(events, Lists { rewriter: rewriter(), asked }, no_limit()))
        .collect::<Vec<_>>()
        .now_or_never()
        .expect("nothing to wait for");
    let mut bytes = Vec::new();
    let mut refused = None;
    for chunk in out {
        assert_eq!(refused, None, "an error is the last");
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(Broken::Unrewritable(why)) => refused = Some(why),
            Err(Broken::Upstream(never)) => match never {},
        }
    }
    (bytes, refused)
}

fn text(input: &str, asked: Asked) -> (String, Option<Unrewritable>) {
    let (out, refused) = run(vec![Bytes::copy_from_slice(input.as_bytes())], asked);
    (String::from_utf8(out).expect("UTF-8"), refused)
}

const LIST: &str = "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"},{\"name\":\"ü\"}]}}";
const SHOWN: &str = "{\"id\":1,\"result\":{\"tools\":[{\"name\":\"ü\"}]}}";

/// Streams and what becomes of them, with each end of line.
fn streams() -> Vec<(String, String)> {
    let progress = "id: 4\ndata: {\"method\":\"notifications/progress\",\"params\":{\"x\":1e400}}\n\n";
    let whole = [
        "data: LIST\n\n",
        "\u{feff}data: LIST\n\n",
        "\u{feff}: hello\n\ndata: LIST\n\n",
        &format!("{progress}id: 5\nevent: message\nretry: 10\ndata: LIST\n\n{progress}"),
        ": a comment\n\nid: 1\ndata: \n\ndata\n\ndata: LIST\nid: 7\nretry: 3\n:x\n\n: more\n\nid",
        "event: endpoint\ndata: /messages?sessionId=1\n\ndata: LIST\n\n",
        "data: LIST",
        "\n\n\ndata: LIST\n\n\n\n\n",
        "data: [LIST]\n\n",
        "datax: no\ndata: LIST\ndata_\n\n",
    ];
    let mut streams: Vec<_> =
        whole.iter().map(|stream| (stream.replace("LIST", LIST), stream.replace("LIST", SHOWN))).collect();
    streams.push((format!("data:{LIST}\n\n"), format!("data: {SHOWN}\n\n")));
    streams.push((
        "id: 9\ndata: {\"id\":1,\ndata:\ndata:  \"result\":{\"tools\":[{\"name\":\"hidden\"}]\nevent: message\ndata\ndata: }}\n\n"
            .into(),
        "id: 9\ndata: {\"id\":1,   \"result\":{\"tools\":[]  }}\nevent: message\n\n".into(),
    ));
    let with = |end: &str| {
        let streams = streams.iter().map(|(before, after)| (before.replace('\n', end), after.replace('\n', end)));
        streams.collect::<Vec<_>>()
    };
    let mut all = [with("\n"), with("\r\n"), with("\r")].concat();
    for mixed in ["id: 5\rdata: LIST\r\n\rdata: {}\n\r\n\n\r", "\r\n\n\r\r\ndata: LIST\n\r\n:\r"] {
        all.push((mixed.replace("LIST", LIST), mixed.replace("LIST", SHOWN)));
    }
    all
}

#[test]
fn a_list_is_rewritten_wherever_the_stream_is_cut_and_all_else_stays() {
    for (before, after) in streams() {
        assert_eq!(text(&before, asked()), (after.clone(), None), "{before:?}");
        assert_eq!(text(&before, Asked::elsewhere()), (after.clone(), None), "{before:?}");
        let bytes = Bytes::from(before.clone());
        for cut in 0..=bytes.len() {
            let (out, refused) = run(vec![bytes.slice(..cut), Bytes::new(), bytes.slice(cut..)], Asked::elsewhere());
            assert_eq!(
                (String::from_utf8_lossy(&out), refused),
                (after.as_str().into(), None),
                "{before:?} cut at {cut}"
            );
        }
        let single = (0..bytes.len()).map(|at| bytes.slice(at..=at)).collect();
        assert_eq!(run(single, asked()), (after.into_bytes(), None), "{before:?} byte by byte");
    }
}

#[test]
fn a_stream_without_lists_stays_byte_for_byte() {
    for stream in [
        "",
        "data: {\"id\":2,\"result\":{\"content\":[]}}\n\n",
        "data: {\"id\":1,\ndata: \"error\":{}}\n\ndata: not JSON\n\n",
        "data: x\ndata: y\n",
        "data: NaN\n\n:\u{0}\n\n",
        "\u{feff}",
        "Data: {\n\n data: {\n\n",
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', end);
            assert_eq!(text(&stream, Asked::elsewhere()), (stream.clone(), None), "{stream:?}");
        }
    }
    let (out, refused) = run(vec![Bytes::from_static(b"data: \xff\xfe\n\n")], Asked::elsewhere());
    assert_eq!((out.as_slice(), refused), (b"data: \xff\xfe\n\n".as_slice(), None), "nor need it be UTF-8");
}

#[test]
fn what_could_be_a_list_and_cannot_be_read_ends_the_stream_after_what_was_before() {
    let before = "data: {\"method\":\"a\"}\n\nid: 3\n";
    for (bad, why) in [
        ("data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}\n\n", Unrewritable::NotJson),
        ("data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\"", Unrewritable::NotJson),
        ("data:   \u{9} [NaN]\n\n", Unrewritable::NotJson),
        ("data: \u{feff}{\"id\":1}\n\n", Unrewritable::NotJson),
        ("data: {\"x\":1}\ndata: {\"id\":1,\"result\":{\"tools\":[]}}\n\n", Unrewritable::NotJson),
        ("data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\",\"name\":\"hidden\"}]}}\n\n", Unrewritable::Ambiguous),
        ("data: {\"id\":1,\"result\":{\"tools\":[1]}}\n\n", Unrewritable::NotAList),
    ] {
        let stream = format!("{before}{bad}data: {{\"method\":\"b\"}}\n\n");
        let (out, refused) =
            text(if bad.ends_with("\n\n") { &stream } else { stream.split_at(before.len() + bad.len()).0 }, asked());
        assert_eq!((out.as_str(), refused), (before, Some(why)), "{bad}");
    }
    let bytes = [b"data: {\"x\":\"\xff\"}\n\n".as_slice()].concat();
    assert_eq!(run(vec![bytes.into()], asked()), (Vec::new(), Some(Unrewritable::NotJson)));
}

#[test]
fn an_event_above_the_limit_ends_the_stream_with_bounded_memory() {
    let piece = Bytes::from(vec![b'a'; MAX_SIZE / 16]);
    let mut taken = 0;
    let endless = futures_util::stream::repeat_with(|| {
        taken += 1;
        Ok::<_, Infallible>(piece.clone())
    });
    let begin = iter([Ok(Bytes::from_static(b"data: {}\n\ndata: \""))]);
    let out = Box::pin(
        edited(Box::pin(begin.chain(endless)), Lists { rewriter: rewriter(), asked: asked() }, no_limit())
            .map(|chunk| chunk.map_err(|_| ())),
    );
    let out: Vec<_> = out.collect().now_or_never().expect("it ends");
    assert_eq!(out, [Ok(Bytes::from_static(b"data: {}\n\n")), Err(())]);
    assert_eq!(taken, 16, "no more is taken than the limit");

    let lines: Vec<Bytes> = std::iter::repeat_n(Bytes::from("data\n".repeat(MAX_SIZE / 50)), 11).collect();
    assert_eq!(run(lines, asked()), (Vec::new(), Some(Unrewritable::TooLarge)), "many lines of one event");
}

#[test]
fn an_event_that_finds_no_room_ends_its_stream_and_gives_its_room_back() {
    let room = Arc::new(Room::new(300_000));
    let event = |length: usize| vec![Ok::<_, Infallible>(Bytes::from(format!("data: \"{}", "a".repeat(length))))];
    let held = |length: usize| {
        let events = iter(event(length)).chain(futures_util::stream::pending());
        let mut stream = Box::pin(edited(events, Lists { rewriter: rewriter(), asked: asked() }, Held::of(&room)));
        let next = stream.next().now_or_never().flatten();
        (stream, next.map(|next| next.is_ok()))
    };
    let (first, nothing_yet) = held(200_000);
    assert_eq!((nothing_yet, held(200_000).1, held(60_000).1), (None, Some(false), None), "small events need none");
    drop(first);
    assert_eq!(held(200_000).1, None);
}

#[test]
fn what_begins_at_rest_passes_to_its_end_and_what_begins_after_it_is_looked_at() {
    let hidden = format!("data: {LIST}\n\n");
    for rest in ["", "\n", "\r\n"] {
        for at in 0..hidden.len() {
            let is_at_rest = Rc::new(Cell::new(true));
            let rewriter = Rewriter { view: Caller { is_at_rest: Rc::clone(&is_at_rest) }, ..rewriter() };
            let (begun, behind) = hidden.as_bytes().split_at(at);
            let parts = [begun.to_vec(), [behind, rest.as_bytes(), hidden.as_bytes()].concat()];
            let parts = iter(parts.map(Bytes::from).map(Ok::<_, Infallible>));
            let editor = Lists { rewriter, asked: Asked::elsewhere() };
            let mut out = Box::pin(edited(parts, editor, no_limit()));
            let mut passed = Vec::new();
            while let Some(part) = out.next().now_or_never().expect("nothing to wait for") {
                passed.extend_from_slice(&part.expect("no error"));
                is_at_rest.set(false);
            }
            let shown = format!("data: {SHOWN}\n\n");
            let first = if at == 0 { &shown } else { &hidden };
            assert_eq!(String::from_utf8_lossy(&passed), format!("{first}{rest}{shown}"), "cut at {at}");
        }
    }
}

#[test]
fn an_upstream_that_breaks_breaks_the_stream() {
    let events = iter([Ok(Bytes::from_static(b"data: {\n\ndata: x")), Err(std::io::Error::other("cut"))]);
    let mut out = Box::pin(edited(events, Lists { rewriter: rewriter(), asked: Asked::by([]) }, no_limit()));
    assert!(out.next().now_or_never().is_some_and(|chunk| chunk.is_some_and(|chunk| chunk.is_ok())));
    assert!(matches!(out.next().now_or_never(), Some(Some(Err(Broken::Upstream(_))))));
}

#[test]
fn nothing_is_read_while_no_list_is_awaited() {
    let bad = "data: {\"tools\":\n\ndata: {";
    assert_eq!(text(bad, Asked::by([])), (bad.into(), None), "none was asked for");
    let after = format!("data: {LIST}\n\n{bad}");
    assert_eq!(text(&after, asked()), (format!("data: {SHOWN}\n\n{bad}"), None), "the only one has come");
    let other = format!("data: {}\n\n", LIST.replace("\"id\":1", "\"id\":\"1\""));
    let both = format!("{other}data: {LIST}\n\n");
    assert_eq!(text(&both, asked()).0.matches("hidden").count(), 0, "an answer to another request is not the one");
}

#[tokio::test(start_paused = true)]
async fn each_event_goes_out_at_once_and_comments_never_fall_inside_one() {
    const SILENCE: Duration = Duration::from_secs(15);
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, Infallible>>(4);
    let events = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    let out = Box::pin(edited(events, Lists { rewriter: rewriter(), asked: Asked::elsewhere() }, no_limit()));
    let mut out = Box::pin(kept_alive(out, SILENCE).map(|chunk| chunk.expect("no error")));
    let send = |part: &'static str| sender.try_send(Ok(Bytes::from_static(part.as_bytes()))).expect("open");
    let begin = tokio::time::Instant::now();

    for part in ["id: 1\r", "data: {}\r\r", "\n: still here\n", "\ndata: []\n\n"] {
        send(part);
        assert_eq!(out.next().await.expect("open"), part);
    }
    assert_eq!(begin.elapsed(), Duration::ZERO, "nothing waits for what comes after it");

    send("data: {\"id\":1,\"result\":{\"to");
    assert_eq!(out.next().await.expect("open"), ":\n\n", "of the list nothing has gone out yet");
    send("ols\":[{\"name\":\"hidden\"}]}}\n");
    assert_eq!(out.next().await.expect("open"), ":\n\n");
    send("\n");
    assert_eq!(out.next().await.expect("open"), "data: {\"id\":1,\"result\":{\"tools\":[]}}\n\n");
    send("id: 2\ndata: {");
    assert_eq!(out.next().await.expect("open"), "id: 2\n");
    assert!(tokio::time::timeout(SILENCE * 10, out.next()).await.is_err(), "its event has begun");
    send("}\n\n");
    assert_eq!(out.next().await.expect("open"), "data: {}\n\n");
}
