//! The pages of the administration (`administration_*.html`), which has a listener of its own. What they have in common: who is let in,
//! and the way to the others.

use gatelodge_oauth::time::Timestamp;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Moment, ScopeLine};

mod audit;
mod client;
mod clients;
mod connections;
mod enter;
mod grants;
mod keys;
mod obstacle;
mod overview;
mod user;
mod users;

pub use audit::{AuditFilter, AuditLine, AuditPage, Fact, Kind};
pub use client::{ClientAction, ClientPage};
pub use clients::{ClientLine, ClientUse, ClientsPage};
pub use connections::{AttemptHead, ConnectionFilter, ConnectionPage, ConnectionsPage, StateChoice, TimelineMoment};
pub use enter::EnterPage;
pub use grants::{GrantEntry, GrantFilter, GrantsPage, Whose};
pub use keys::{KeyLine, KeysPage};
pub use obstacle::{Obstacle, ObstaclePage};
pub use overview::OverviewPage;
pub use user::{UserAction, UserPage, UserProblem};
pub use users::{UserLine, UsersPage};

/// What every page shows to whoever is let in.
#[derive(Clone, Serialize)]
pub struct Frame {
    /// Ties the forms to the session.
    pub csrf_token: String,
    /// Who.
    pub administrator: String,
    /// Where the page is among the others: the path of one of them.
    pub current: &'static str,
    /// There are attempts to connect to be looked at.
    pub records_connections: bool,
}

/// For samples.
fn frame(current: &'static str) -> Frame {
    Frame { csrf_token: "sample".to_owned(), administrator: "nora".to_owned(), current, records_connections: true }
}

/// For samples: everything that a stranger may have said.
fn hostile_frame(current: &'static str) -> Frame {
    Frame { csrf_token: HOSTILE.to_owned(), administrator: HOSTILE.to_owned(), ..frame(current) }
}

/// For samples.
fn at(hours: i64) -> Moment {
    Moment::from(Timestamp::from_unix(1_795_000_000 + hours * 3_600))
}
