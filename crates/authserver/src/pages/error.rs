//! `error.html`: every refusal that cannot be redirected to the client (RFC 6749 §4.1.2.1). Made by `respond.rs`.

use gatelodge_oauth::known_clients::KnownClient;
use serde::Serialize;

use super::{HOSTILE, Page, long_url};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ErrorPage {
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    steps: &'static [&'static str],
    /// How each known client is made to register anew, the ones that the request may come from first.
    ways_out: Vec<&'static str>,
    /// How many of them that are.
    likely: usize,
    detail: Option<String>,
    request_id: String,
}

/// What went wrong, as far as the person in front of the page can tell. The names of the codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No such `client_id`: the client keeps a registration that is gone here.
    ClientUnknown,
    /// The document that its `client_id` is the URL of cannot be used.
    ClientDocumentRefused,
    /// The host of that document does not give it out.
    ClientDocumentUnreachable,
    /// The operator does not trust that host.
    ClientNotAllowed,
    /// The redirect URI is not the client's.
    RedirectUriRefused,
    /// The request cannot be read, and so cannot be answered to the client.
    RequestInvalid,
    /// The transaction is unknown, answered or expired.
    RequestEnded,
    /// The transaction belongs to another browser session.
    BrowserChanged,
    /// `prompt=none`: the client wants an answer without asking the person.
    InteractionRequired,
    /// The form carries no valid CSRF token, or came from another site.
    FormRefused,
    /// Too much was asked, by this source or by all together.
    TooManyRequests,
    /// The store does not answer.
    TemporarilyUnavailable,
    /// A fault of ours.
    ServerError,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Failure; 13] = [
        Failure::ClientUnknown,
        Failure::ClientDocumentRefused,
        Failure::ClientDocumentUnreachable,
        Failure::ClientNotAllowed,
        Failure::RedirectUriRefused,
        Failure::RequestInvalid,
        Failure::RequestEnded,
        Failure::BrowserChanged,
        Failure::InteractionRequired,
        Failure::FormRefused,
        Failure::TooManyRequests,
        Failure::TemporarilyUnavailable,
        Failure::ServerError,
    ];

    /// The HTTP status of its page. An unknown client is a 400: some clients ask once themselves and register anew on it.
    pub const fn status(self) -> u16 {
        match self {
            Failure::FormRefused | Failure::ClientNotAllowed => 403,
            Failure::TemporarilyUnavailable | Failure::ClientDocumentUnreachable => 503,
            Failure::TooManyRequests => 429,
            Failure::ServerError => 500,
            _ => 400,
        }
    }

    /// Code, title, explanation and steps. The steps for an unknown client differ by client and stand in the template.
    const fn words(self) -> (&'static str, &'static str, &'static str, &'static [&'static str]) {
        match self {
            Failure::ClientUnknown => (
                "client_unknown",
                "This client is not registered here",
                "The client that sent you here uses a registration that this server does not know, or knows no longer. Trying again does not help until the client registers anew.",
                &[],
            ),
            Failure::ClientDocumentRefused => (
                "client_document_refused",
                "This client cannot be identified",
                "It is described by a document on its website, and that document is missing something or says something that is not safe. Nothing was allowed.",
                &[
                    "If you followed a link from a message or a web page, close this page.",
                    "If you started this in the client yourself, update the client and connect again.",
                    "If that does not help, tell whoever makes the client: the reason is below.",
                ],
            ),
            Failure::ClientDocumentUnreachable => (
                "client_document_unreachable",
                "The website of the client does not answer",
                "This server has to read there what the client is before you can allow it anything, and could not. Nothing is lost, and clients that are connected stay connected.",
                &[
                    "Wait half a minute, then load this page again.",
                    "If it happens again, tell whoever runs this server: the reason is below and in its log.",
                ],
            ),
            Failure::ClientNotAllowed => (
                "client_not_allowed",
                "This client is not allowed here",
                "Whoever runs this server does not let clients of this website connect.",
                &["If you need this client, ask whoever runs this server to allow it."],
            ),
            Failure::RedirectUriRefused => (
                "redirect_uri_refused",
                "This request was stopped",
                "It wanted to send the answer to an address that its client never registered. Nothing was sent there.",
                &[
                    "If you followed a link from a message or a web page, close this page: somebody may have tried to get at your access.",
                    "If you started this in the client yourself, update the client, remove the server there and connect again.",
                ],
            ),
            Failure::RequestInvalid => (
                "request_invalid",
                "This request cannot be read",
                "The client sent something that this server does not understand, so there is nothing to allow.",
                &["Go back to the client and connect again.", "If that does not help, update the client."],
            ),
            Failure::RequestEnded => (
                "request_ended",
                "This request is over",
                "It was answered before, or it waited too long for an answer. Opening it again changes nothing.",
                &[
                    "If the client is connected now, close this page.",
                    "If it is not, go back to the client and connect again.",
                ],
            ),
            Failure::BrowserChanged => (
                "browser_changed",
                "This request was opened in another browser",
                "It can only be answered where it began. This also happens when cookies are blocked for this site, or in a private window.",
                &[
                    "Go back to the client, connect again, and stay in the window that opens.",
                    "If this page comes again, allow cookies for this site.",
                ],
            ),
            Failure::InteractionRequired => (
                "interaction_required",
                "This request wants an answer without you",
                "The client asked to be let in without a question to you. This server asks every time, so nothing was given.",
                &["Go back to the client and connect again.", "If that does not help, update the client."],
            ),
            Failure::FormRefused => (
                "form_refused",
                "This form was not accepted",
                "It did not come from a page that this server showed you, or you signed in or out meanwhile. Nothing was changed.",
                &["Go back to the client and connect again."],
            ),
            Failure::TooManyRequests => (
                "too_many_requests",
                "Just a moment, please",
                "Too much is being asked of this server, by your network or by everybody together. Nothing was changed, and nothing is lost.",
                &["Wait a minute, then load this page again.", "If it happens again, tell whoever runs this server."],
            ),
            Failure::TemporarilyUnavailable => (
                "temporarily_unavailable",
                "Just a moment, please",
                "This server cannot answer right now. Nothing was changed, and nothing is lost.",
                &[
                    "Wait a few seconds, then load this page again.",
                    "If it asks you to start over, go back to the client and connect again.",
                ],
            ),
            Failure::ServerError => (
                "server_error",
                "Something went wrong here",
                "The fault is on this server, not with you or the client.",
                &["Go back to the client and connect again.", "If it happens again, tell whoever runs this server."],
            ),
        }
    }
}

impl ErrorPage {
    /// The page for this failure; the request id leads to the line in the log.
    pub fn new(failure: Failure, request_id: impl Into<String>) -> Self {
        let (code, title, explanation, steps) = failure.words();
        Self {
            code,
            title,
            explanation,
            steps,
            ways_out: ways_out(&[]),
            likely: 0,
            detail: None,
            request_id: request_id.into(),
        }
    }

    /// Puts the way out for these clients first, when the client is unknown.
    pub fn perhaps_of(self, clients: &[KnownClient]) -> Self {
        Self { ways_out: ways_out(clients), likely: clients.len(), ..self }
    }

    /// Adds a reason for the developer of the client.
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The stable code, also for the log.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

fn ways_out(likely: &[KnownClient]) -> Vec<&'static str> {
    let others = KnownClient::ALL.into_iter().filter(|client| !likely.contains(client));
    likely.iter().copied().chain(others).map(KnownClient::id).collect()
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn samples() -> Vec<Self> {
        let page = |failure| Self::new(failure, "0198c0de-5eed-7000-8000-00000000beef");
        let mut samples: Vec<Self> = Failure::ALL.into_iter().map(page).collect();
        samples.push(page(Failure::ClientUnknown).perhaps_of(&[KnownClient::Codex, KnownClient::Zed]));
        samples.extend(KnownClient::ALL.map(|client| page(Failure::ClientUnknown).perhaps_of(&[client])));
        samples.push(page(Failure::RequestInvalid).with_detail("the parameter client_id is repeated"));
        samples.push(Self::new(Failure::RequestInvalid, HOSTILE).with_detail(HOSTILE));
        samples.push(page(Failure::RequestInvalid).with_detail(long_url()));
        samples
    }
}
