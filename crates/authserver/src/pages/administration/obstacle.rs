//! `administration_obstacle.html`: why there is no other page, and what to do. Made by `administration/visit.rs`.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::HOSTILE;
use crate::pages::Page;

/// What is in the way. The names of the codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The request is for another host than that of `administration.url`.
    HostRefused,
    /// Nobody is let in here, or not any more.
    NotLetIn,
    /// The link works no more.
    LinkEnded,
    /// The form carries no valid token, or came from another site.
    FormRefused,
    /// The request cannot be read.
    RequestInvalid,
    /// There is no such thing, or not any more.
    NotFound,
    /// The store does not answer.
    Unavailable,
    /// A fault of ours.
    Fault,
}

impl Obstacle {
    /// Everything.
    pub const ALL: [Obstacle; 8] = [
        Obstacle::HostRefused,
        Obstacle::NotLetIn,
        Obstacle::LinkEnded,
        Obstacle::FormRefused,
        Obstacle::RequestInvalid,
        Obstacle::NotFound,
        Obstacle::Unavailable,
        Obstacle::Fault,
    ];

    /// Its stable name, which is also the one of its texts.
    pub const fn code(self) -> &'static str {
        match self {
            Obstacle::HostRefused => "host_refused",
            Obstacle::NotLetIn => "not_let_in",
            Obstacle::LinkEnded => "link_ended",
            Obstacle::FormRefused => "form_refused",
            Obstacle::RequestInvalid => "request_invalid",
            Obstacle::NotFound => "not_found",
            Obstacle::Unavailable => "unavailable",
            Obstacle::Fault => "fault",
        }
    }

    /// The HTTP status of its page. Whoever is not let in gets 403: 401 would have to name a scheme of HTTP (RFC 9110 §15.5.2).
    pub const fn status(self) -> StatusCode {
        match self {
            Obstacle::HostRefused => StatusCode::MISDIRECTED_REQUEST,
            Obstacle::NotLetIn | Obstacle::FormRefused => StatusCode::FORBIDDEN,
            Obstacle::LinkEnded | Obstacle::RequestInvalid => StatusCode::BAD_REQUEST,
            Obstacle::NotFound => StatusCode::NOT_FOUND,
            Obstacle::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Obstacle::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the overview can be reached from here.
    const fn leads_back(self) -> bool {
        !matches!(self, Obstacle::HostRefused | Obstacle::NotLetIn | Obstacle::LinkEnded)
    }
}

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ObstaclePage {
    code: &'static str,
    /// Its text: `administration-obstacle-<code>`, with the attribute `text`.
    message: String,
    leads_back: bool,
    detail: Option<String>,
    request_id: String,
}

impl ObstaclePage {
    /// The page; the request id leads to the line in the log.
    pub fn new(obstacle: Obstacle, detail: Option<String>, request_id: impl Into<String>) -> Self {
        Self {
            code: obstacle.code(),
            message: format!("administration-obstacle-{}", obstacle.code()),
            leads_back: obstacle.leads_back(),
            detail,
            request_id: request_id.into(),
        }
    }
}

impl Page for ObstaclePage {
    const TEMPLATE: &'static str = "administration_obstacle.html";

    fn samples() -> Vec<Self> {
        let page = |obstacle| Self::new(obstacle, None, "0198c0de-5eed-7000-8000-00000000beef");
        let mut samples: Vec<Self> = Obstacle::ALL.into_iter().map(page).collect();
        samples
            .push(Self { detail: Some("there is no parameter serach".to_owned()), ..page(Obstacle::RequestInvalid) });
        samples.push(Self::new(Obstacle::RequestInvalid, Some(HOSTILE.to_owned()), HOSTILE));
        samples
    }
}
