//! Requests to servers that the operator named (OpenID providers): bounded in time and in the size of the answer, and without
//! redirects. Used by libraries that bring requests and take answers in the types of the crate `http`.

use std::time::Duration;

use http::{Request, Response};

use crate::http_client::{self, HttpClientOptions, Tls};

/// The longest answer that is read, in bytes. Key sets of providers have a few thousand.
const MAX_ANSWER: usize = 1024 * 1024;

/// For a whole exchange: a person waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct BoundedClient(reqwest::Client);

/// Why there is no answer. Nothing of the request is in the text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoAnswer {
    /// It was not reached, or broke off.
    #[error("{0}")]
    Failed(String),
    /// It is too long.
    #[error("its answer has more than {MAX_ANSWER} bytes")]
    TooLong,
}

impl BoundedClient {
    /// A client for these URLs and whatever lies beside them.
    pub fn for_urls<'u>(urls: impl IntoIterator<Item = &'u str>) -> Result<Self, NoAnswer> {
        let tls = Tls::for_urls(urls);
        let options = HttpClientOptions { response_timeout: Some(TIMEOUT), tls, ..HttpClientOptions::default() };
        http_client::build(&options).map(Self).map_err(failed)
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, NoAnswer> {
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut response = self.0.execute(request).await.map_err(failed)?;
        let mut answer = Response::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.body().len() + chunk.len() > MAX_ANSWER {
                return Err(NoAnswer::TooLong);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn failed(error: reqwest::Error) -> NoAnswer {
    NoAnswer::Failed(http_client::cause(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// What a server with this answer is understood to say.
    async fn asked(answer: String) -> Result<Response<Vec<u8>>, NoAnswer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/?secret=1", listener.local_addr().expect("an address"));
        let client = BoundedClient::for_urls([url.as_str()]).expect("a client");
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.expect("a client");
            // Nobody is answered before the question, and what is left unread would break the connection.
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert_ne!(connection.read_buf(&mut head).await.expect("a request"), 0);
            }
            // The client may leave before the end.
            connection.write_all(answer.as_bytes()).await.ok();
        });
        let answer = client.send(Request::get(url).body(Vec::new()).expect("a request")).await;
        server.await.expect("no panic");
        answer
    }

    #[actix_web::test]
    async fn an_answer_comes_whole_and_a_redirect_is_an_answer() {
        let answer = asked("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nhi".into());
        let answer = answer.await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (302, &b"hi"[..]));
        assert_eq!(answer.headers()["location"], "http://127.0.0.1:1/");
    }

    #[actix_web::test]
    async fn an_answer_without_an_end_is_given_up() {
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(MAX_ANSWER + 1));
        assert!(matches!(asked(endless).await, Err(NoAnswer::TooLong)));
        let cut = asked("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi".into()).await.expect_err("it is cut");
        assert!(!cut.to_string().contains("secret"), "{cut}");
    }
}
