//! Bodies and lists that are held whole share a room, and small ones need none of it.

use std::time::Duration;

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{PING, World, header, soon};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const HIDING: &str = "[resource.tools.hidden]\nhide = true\n";

/// A call of so many bytes.
fn call(length: usize) -> String {
    PING.to_owned() + &" ".repeat(length - PING.len())
}

async fn status(world: &World, length: usize) -> u16 {
    world.authorized(Method::POST).body(call(length)).send().await.expect("an answer").status().as_u16()
}

/// A connection on which a body of 4 MiB has come but for its last byte.
async fn unfinished(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let token = world.authority.token_of("mallory", "mcp:use");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        4 << 20
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(call((4 << 20) - 1).as_bytes()).await.expect("sent");
    stream
}

/// The same, when it has all that it may. A call that tries whether it does may have taken some away: then once more.
async fn filled(world: &World, is_full: impl AsyncFn() -> bool) -> TcpStream {
    loop {
        let stream = unfinished(world).await;
        let full = async {
            while !is_full().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            _ = stream.readable() => {}
            () = full => return stream,
        }
    }
}

#[actix_web::test]
async fn bodies_that_never_end_fill_the_room_and_keep_no_ordinary_call_away() {
    let world = World::with(|toml| toml + "[limits]\nbody_memory = \"4MiB\"\n").await;
    let mut stream = soon("the room is full", filled(&world, async || status(&world, 100_000).await == 503)).await;
    let refused = world.authorized(Method::POST).body(call(100_000)).send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "5".into()));
    assert_eq!(header(&refused, "www-authenticate"), "", "no client is to throw its token away");
    assert_eq!(status(&world, 64 * 1024).await, 200, "an ordinary call");
    let before = world.upstream.seen().len();

    stream.write_all(b" ").await.expect("sent");
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!((&answer, world.upstream.seen().len()), (b"HTTP/1.1 200", before + 1), "it had its room");
    assert_eq!(status(&world, 1 << 20).await, 200, "and gave it back");

    let stream = unfinished(&world).await;
    drop(stream);
    soon("who leaves gives it back too", async { while status(&world, 4 << 20).await != 200 {} }).await;
}

#[actix_web::test]
async fn one_user_fills_a_share_of_the_room_and_keeps_nobody_else_from_it() {
    let world = World::with(|toml| toml + "[limits]\nbody_memory = \"17MiB\"\n").await;
    let of_mallory = async || {
        let answer = world.post(Some(("mallory", "mcp:use")), call(1 << 20)).send().await.expect("an answer");
        (answer.status().as_u16(), header(&answer, "retry-after"))
    };
    let is_full = async || of_mallory().await == (429, "5".to_owned());
    let mut stream = soon("her share is full", filled(&world, is_full)).await;
    assert_eq!(status(&world, 4 << 20).await, 200, "others have their own");
    let small = world.post(Some(("mallory", "mcp:use")), PING).send().await.expect("an answer");
    assert_eq!(small.status(), 200, "an ordinary call");
    stream.write_all(b" ").await.expect("sent");
    soon("she has it back", async { while of_mallory().await.0 != 200 {} }).await;
}

#[actix_web::test]
async fn the_limit_of_a_body_is_the_resources_own() {
    let world = World::with(|toml| {
        let other = toml[toml.find("[[resource]]").expect("one")..].replace("\"/mcp\"", "\"/other\"");
        format!("{}{other}", toml.replace("name = ", "body_limit = \"100KiB\"\nname = "))
    })
    .await;
    let at = async |path: &str, length: usize| {
        let request = world.client.post(world.url(path)).header("content-type", "application/json").body(call(length));
        let claims = gatelodge_oauth::access_token::Claims {
            aud: gatelodge_oauth::resource::ResourceId::from_stored(format!("https://mcp.example.com{path}")),
            ..world.authority.claims()
        };
        request.bearer_auth(world.authority.sign(&claims)).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((at("/mcp", 100 * 1024).await, at("/mcp", 100 * 1024 + 1).await), (200, 413));
    assert_eq!((at("/other", 100 * 1024 + 1).await, at("/other", (4 << 20) + 1).await), (200, 413));
}

#[actix_web::test]
async fn lists_that_never_end_fill_a_room_of_their_own() {
    let world = World::with(|toml| format!("{toml}{HIDING}[limits]\nlist_memory = \"4MiB\"\n")).await;
    let list = |plan: &str| world.authorized(Method::POST).body(LIST).header("x-test", plan);
    // Each stands still at three quarters of the room: there is none for a second.
    let two = [list("stalling list").send(), list("stalling list").send()].map(Box::pin);
    let (answer, _, _held) = soon("the room is full", futures_util::future::select_all(two)).await;
    assert_eq!(answer.expect("an answer").status(), 503);
    let small = list("say").header("x-say", r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#);
    assert_eq!(small.send().await.expect("an answer").status(), 200);
    assert_eq!(status(&world, 4 << 20).await, 200, "bodies have their own");
}
