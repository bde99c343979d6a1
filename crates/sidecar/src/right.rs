//! What an event stream lives by: what was begun with a right must not outlive it (MCP authorization). Found by `endpoint.rs`
//! and `legacy_sse.rs`; `forward.rs` ends the stream with it.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::access_token::AccessToken;
use tokio::sync::oneshot;

use crate::holders::Stay;
use crate::tokens::Tokens;

/// What an event stream lives by.
pub enum Right {
    /// The token that it was opened with.
    Token(TokenRight),
    /// The session of a stranger, while it is a stranger's.
    Stranger(Stay),
    /// Of HTTP+SSE, where a stranger opened it: the token of whoever takes it over.
    Taker(oneshot::Receiver<TokenRight>),
}

/// That of whoever has a token.
pub struct TokenRight {
    /// Who knows.
    pub tokens: Arc<Tokens>,
    /// The token that it was opened with.
    pub token: Arc<AccessToken>,
    /// How much longer it may go on.
    pub grace: Duration,
}

impl Right {
    /// Comes to its end when the stream has to.
    pub async fn ends(self) {
        match self {
            Right::Token(right) => right.ends().await,
            Right::Stranger(stay) => stay.ends().await,
            Right::Taker(taker) => match taker.await {
                Ok(right) => right.ends().await,
                // Nobody took it over, or somebody who needs no token.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl TokenRight {
    async fn ends(self) {
        self.tokens.end_of(&self.token, self.grace).await;
        tracing::info!(subject = self.token.subject, "an event stream ends with its access token");
    }
}
