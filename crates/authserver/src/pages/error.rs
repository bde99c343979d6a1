//! `error.html`: every refusal that cannot be redirected to the client (RFC 6749 §4.1.2.1). Made by `problem.rs`.

use gatelodge_oauth::known_clients::KnownClient;
use serde::Serialize;

use super::{HOSTILE, Page, long_url};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ErrorPage {
    code: &'static str,
    /// Its texts: `error-<code>`, with the attributes `text` and one for each step.
    message: String,
    steps: Vec<String>,
    /// How each known client is made to register anew, the ones that the request may come from first.
    ways_out: Vec<WayOut>,
    /// How many of them that are.
    likely: usize,
    detail: Option<String>,
    /// The sign-in page to go back to.
    back: Option<String>,
    request_id: String,
    /// The way up to where the assets are.
    root: String,
}

/// What went wrong, as far as the person in front of the page can tell. The names of the codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A passkey that is not known here, or did not sign what it was asked.
    PasskeyRefused,
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
    /// An OpenID provider does not answer.
    ProviderUnreachable,
    /// The person said no there.
    SignInCancelled,
    /// The operator lets in others only.
    SignInNotAllowed,
    /// The operator has linked this person to nobody.
    SignInNotLinked,
    /// What the provider answered is not good.
    SignInFailed,
    /// Nobody is expected back from a provider like this, or not any more.
    SignInEnded,
    /// The way to the provider began in another browser.
    SignInElsewhere,
    /// Somebody else signed in there than who is signed in here and was to be proven again.
    SignInOtherUser,
    /// The link that makes the first administrator works no more.
    SetupLinkEnded,
    /// The link to a new password works no more.
    PasswordLinkEnded,
    /// Too much was asked, by this source or by all together.
    TooManyRequests,
    /// The store does not answer.
    TemporarilyUnavailable,
    /// A fault of ours.
    ServerError,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Failure; 24] = [
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
        Failure::ProviderUnreachable,
        Failure::SignInCancelled,
        Failure::SignInNotAllowed,
        Failure::SignInNotLinked,
        Failure::SignInFailed,
        Failure::SignInEnded,
        Failure::SignInElsewhere,
        Failure::SignInOtherUser,
        Failure::PasskeyRefused,
        Failure::SetupLinkEnded,
        Failure::PasswordLinkEnded,
        Failure::TooManyRequests,
        Failure::TemporarilyUnavailable,
        Failure::ServerError,
    ];

    /// The HTTP status of its page. An unknown client is a 400: some clients ask once themselves and register anew on it.
    pub const fn status(self) -> u16 {
        match self {
            Failure::FormRefused
            | Failure::ClientNotAllowed
            | Failure::SignInCancelled
            | Failure::SignInNotAllowed
            | Failure::SignInNotLinked
            | Failure::SignInFailed
            | Failure::SignInElsewhere
            | Failure::PasskeyRefused
            | Failure::SignInOtherUser => 403,
            Failure::TemporarilyUnavailable | Failure::ClientDocumentUnreachable | Failure::ProviderUnreachable => 503,
            Failure::TooManyRequests => 429,
            Failure::ServerError => 500,
            _ => 400,
        }
    }

    /// Its stable name, which is also the one of its texts: a title, an explanation, and what to do step by step.
    pub const fn code(self) -> &'static str {
        match self {
            Failure::ClientUnknown => "client_unknown",
            Failure::ClientDocumentRefused => "client_document_refused",
            Failure::ClientDocumentUnreachable => "client_document_unreachable",
            Failure::ClientNotAllowed => "client_not_allowed",
            Failure::RedirectUriRefused => "redirect_uri_refused",
            Failure::RequestInvalid => "request_invalid",
            Failure::RequestEnded => "request_ended",
            Failure::BrowserChanged => "browser_changed",
            Failure::InteractionRequired => "interaction_required",
            Failure::FormRefused => "form_refused",
            Failure::ProviderUnreachable => "provider_unreachable",
            Failure::SignInCancelled => "sign_in_cancelled",
            Failure::SignInNotAllowed => "sign_in_not_allowed",
            Failure::SignInNotLinked => "sign_in_not_linked",
            Failure::SignInFailed => "sign_in_failed",
            Failure::SignInEnded => "sign_in_ended",
            Failure::SignInElsewhere => "sign_in_elsewhere",
            Failure::SignInOtherUser => "sign_in_other_user",
            Failure::PasskeyRefused => "passkey_refused",
            Failure::SetupLinkEnded => "setup_link_ended",
            Failure::PasswordLinkEnded => "password_link_ended",
            Failure::TooManyRequests => "too_many_requests",
            Failure::TemporarilyUnavailable => "temporarily_unavailable",
            Failure::ServerError => "server_error",
        }
    }

    /// How many steps there are. Those for an unknown client differ by client besides.
    const fn steps(self) -> usize {
        match self {
            Failure::ClientDocumentRefused => 3,
            Failure::ClientUnknown | Failure::ClientNotAllowed | Failure::FormRefused | Failure::SignInNotLinked => 1,
            _ => 2,
        }
    }
}

impl ErrorPage {
    /// The page for this failure; the request id leads to the line in the log.
    pub fn new(failure: Failure, request_id: impl Into<String>) -> Self {
        let message = format!("error-{}", failure.code());
        Self {
            code: failure.code(),
            steps: (1..=failure.steps()).map(|step| format!("{message}.step-{step}")).collect(),
            message,
            ways_out: ways_out(&[]),
            likely: 0,
            detail: None,
            back: None,
            request_id: request_id.into(),
            root: String::new(),
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

    /// Adds the way back to the sign-in page, as seen from the top.
    pub fn with_way_back(self, path: impl Into<String>) -> Self {
        Self { back: Some(path.into()), ..self }
    }

    /// For a page at this path below that of the issuer: what it loads lies at the top.
    pub fn at(self, path: &str) -> Self {
        Self { root: "../".repeat(path.matches('/').count().saturating_sub(1)), ..self }
    }

    /// The stable code, also for the log.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// One of them; its text is `way-out-<id>`.
#[derive(Clone, Serialize)]
struct WayOut {
    id: &'static str,
    name: &'static str,
}

fn ways_out(likely: &[KnownClient]) -> Vec<WayOut> {
    let others = KnownClient::ALL.into_iter().filter(|client| !likely.contains(client));
    likely.iter().copied().chain(others).map(|client| WayOut { id: client.id(), name: client.name() }).collect()
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn samples() -> Vec<Self> {
        let page = |failure| Self::new(failure, "0198c0de-5eed-7000-8000-00000000beef");
        let mut samples: Vec<Self> = Failure::ALL.into_iter().map(page).collect();
        samples.push(page(Failure::ClientUnknown).perhaps_of(&[KnownClient::Codex, KnownClient::Zed]));
        samples.extend(KnownClient::ALL.map(|client| page(Failure::ClientUnknown).perhaps_of(&[client])));
        samples.push(page(Failure::SignInCancelled).with_way_back("login?transaction=gatelodge_txn_sample"));
        samples.push(page(Failure::SignInNotLinked).with_detail("Google: 110169484474386276334"));
        samples.push(page(Failure::RequestInvalid).with_detail("the parameter client_id is repeated"));
        samples.push(Self::new(Failure::RequestInvalid, HOSTILE).with_detail(HOSTILE));
        samples.push(page(Failure::RequestInvalid).with_detail(long_url()));
        samples
    }
}
