//! The answer to a refresh is cut after each of its bytes in turn. What arrived is useless to the client, which comes again with
//! the token that it has, and is given the same successor (RFC 9700 §4.14.2 would let a server log it out).

use std::cell::Cell;
use std::rc::Rc;

use gatelodge_e2e::scale::report;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Database, McpClient, Server, http_client, on_both_databases};

on_both_databases! { a_refresh_whose_answer_is_cut_at_any_byte_is_repeated_with_the_same_successor }

/// Passes requests on, and the first `passing` bytes of each answer.
struct CuttingProxy {
    port: u16,
    passing: Rc<Cell<usize>>,
    /// What the server answered last, in whole.
    answered: Rc<Cell<Vec<u8>>>,
}

impl CuttingProxy {
    async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = Self { port, passing: Rc::default(), answered: Rc::default() };
        let (to, passing, answered) = (server.address, Rc::clone(&proxy.passing), Rc::clone(&proxy.answered));
        actix_web::rt::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(to).await.expect("the server listens");
                let mut request = vec![0; 16 * 1024];
                // Small requests on loopback come in one piece; the server is asked to close, so the answer has an end.
                let length = client.read(&mut request).await.expect("a request");
                server.write_all(&request[..length]).await.expect("the server reads");
                let mut answer = Vec::new();
                server.read_to_end(&mut answer).await.expect("the server answers and closes");
                let _ = client.write_all(&answer[..passing.get().min(answer.len())]).await;
                answered.set(answer);
            }
        });
        proxy
    }
}

/// Proves RFC 6749 §6: wherever the answer is cut, the same token gets the same successor.
async fn a_refresh_whose_answer_is_cut_at_any_byte_is_repeated_with_the_same_successor(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut token = client.connect().await.refresh_token;
    let proxy = CuttingProxy::start(&server).await;
    let url = format!("http://127.0.0.1:{}/token", proxy.port);
    for cut in 0.. {
        proxy.passing.set(cut);
        let request = http_client().post(&url).header("connection", "close");
        let received = async {
            let response = request.form(client.refresh_request(&token).pairs()).send().await?;
            response.text().await
        };
        let received = received.await;
        let sent = proxy.answered.take();
        let sent_whole = cut >= sent.len();
        assert_eq!(received.is_ok(), sent_whole, "cut after {cut} bytes of {}: {received:?}", sent.len());
        let again = client.refreshed(&token).await.refresh_token;
        let sent = String::from_utf8(sent).expect("UTF-8");
        assert!(sent.contains(&again), "after {cut} bytes another successor was made");
        if sent_whole {
            let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
            report(&format!("cut answers, {kind}"), format_args!("cut after each of {cut} bytes, same successor"));
            break;
        }
        token = again;
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 1);
}
