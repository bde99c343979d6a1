//! `administration_users.html`: everybody who may sign in, or whose names begin so.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, frame, hostile_frame};
use crate::pages::Page;

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct UsersPage {
    /// What every page shows.
    pub frame: Frame,
    /// What was looked for.
    pub search: String,
    /// By name.
    pub users: Vec<UserLine>,
    /// The query of the next page.
    pub next: Option<String>,
}

/// A person.
#[derive(Clone, Serialize)]
pub struct UserLine {
    /// The query of their page.
    pub query: String,
    /// Their name.
    pub name: String,
    /// Where messages to them go.
    pub address: Option<String>,
    /// They administer this server.
    pub is_admin: bool,
    /// They are shut out.
    pub disabled: bool,
}

impl Page for UsersPage {
    const TEMPLATE: &'static str = "administration_users.html";

    fn samples() -> Vec<Self> {
        let user = |name: &str, is_admin: bool, disabled| UserLine {
            query: format!("id=user_{}", name.len()),
            name: name.to_owned(),
            address: is_admin.then(|| format!("{name}@example.com")),
            is_admin,
            disabled,
        };
        let plain = Self { frame: frame("users"), search: String::new(), users: Vec::new(), next: None };
        vec![
            Self {
                users: vec![user("ada", true, false), user("carol", false, true), user("nora", true, true)],
                ..plain.clone()
            },
            Self { search: "nobody".to_owned(), ..plain.clone() },
            Self {
                search: LONG_NAME.to_owned(),
                users: vec![user(LONG_NAME, true, true)],
                next: Some("search=a&after=ada".to_owned()),
                ..plain.clone()
            },
            Self {
                frame: hostile_frame("users"),
                search: HOSTILE.to_owned(),
                users: vec![UserLine {
                    query: HOSTILE.to_owned(),
                    name: HOSTILE.to_owned(),
                    address: Some(HOSTILE.to_owned()),
                    is_admin: true,
                    disabled: true,
                }],
                next: Some(HOSTILE.to_owned()),
            },
        ]
    }
}
