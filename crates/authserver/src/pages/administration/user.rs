//! `administration_user.html`: one person, what may act for them, and what an administrator can do about it.

use actix_web::http::StatusCode;
use serde::Serialize;

use super::grants::{GrantEntry, sample_grants};
use super::{Frame, HOSTILE, LONG_NAME, at, frame, hostile_frame};
use crate::pages::{Moment, Page, SecondFactorLine};

/// What the page shows. It POSTs `csrf_token`, `id` and `do` to `/user`, with `name` for what cannot be undone.
#[derive(Clone, Serialize)]
pub struct UserPage {
    /// What every page shows.
    pub frame: Frame,
    /// Their identifier.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Where messages to them go.
    pub address: Option<String>,
    /// When they were added.
    pub created: Moment,
    /// Since when they are shut out.
    pub disabled: Option<Moment>,
    /// They administer this server.
    pub is_admin: bool,
    /// It is who looks at the page.
    pub is_self: bool,
    /// They have a password.
    pub has_password: bool,
    /// Who they are at OpenID providers.
    pub providers: Vec<String>,
    /// What their sign-in asks for besides.
    pub second_factor: SecondFactorLine,
    /// In how many browsers they are signed in.
    pub browsers: i64,
    /// When they last signed in to one of those.
    pub signed_in: Option<Moment>,
    /// When one of those was last used.
    pub last_seen: Option<Moment>,
    /// What may act for them, the newest first.
    pub grants: Vec<GrantEntry>,
    /// There is more than that.
    pub more: bool,
    /// The query of the page that shows all.
    pub query: String,
    /// What can be done about them.
    pub actions: Vec<UserAction>,
    /// The link with which they choose a password, shown this once.
    pub link: Option<String>,
    /// Why nothing was changed.
    pub problem: Option<UserProblem>,
}

/// What an administrator can do about somebody. Its name is the value of `do`, and the one of its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserAction {
    /// End whatever may act for them.
    RevokeAll,
    /// Sign them out everywhere.
    SignOut,
    /// Make a link with which they choose a password.
    PasswordLink,
    /// Take away what their second step asks for.
    ResetSecondFactor,
    /// Make them an administrator.
    MakeAdministrator,
    /// Make them one no more.
    UnmakeAdministrator,
    /// Shut them out.
    Disable,
    /// Let them in again.
    Enable,
    /// Take them out. Their name is typed for it.
    Remove,
}

impl UserAction {
    /// Everything.
    pub const ALL: [Self; 9] = [
        Self::RevokeAll,
        Self::SignOut,
        Self::PasswordLink,
        Self::ResetSecondFactor,
        Self::MakeAdministrator,
        Self::UnmakeAdministrator,
        Self::Disable,
        Self::Enable,
        Self::Remove,
    ];

    /// By its name in the form.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RevokeAll => "revoke_all",
            Self::SignOut => "sign_out",
            Self::PasswordLink => "password_link",
            Self::ResetSecondFactor => "reset_second_factor",
            Self::MakeAdministrator => "make_administrator",
            Self::UnmakeAdministrator => "unmake_administrator",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Remove => "remove",
        }
    }

    /// Whether somebody is an administrator who may sign in afterwards, if they were before.
    pub const fn leaves_administrator(self) -> bool {
        !matches!(self, Self::UnmakeAdministrator | Self::Disable | Self::Remove)
    }
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserProblem {
    /// The name that was typed is another one.
    Name,
    /// Nobody else administers this server.
    LastAdministrator,
    /// Nobody who is shut out can choose a password.
    Disabled,
}

impl UserProblem {
    /// The status of the page.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Name => StatusCode::BAD_REQUEST,
            Self::LastAdministrator | Self::Disabled => StatusCode::CONFLICT,
        }
    }

    const ALL: [Self; 3] = [Self::Name, Self::LastAdministrator, Self::Disabled];
}

impl Page for UserPage {
    const TEMPLATE: &'static str = "administration_user.html";
    const FIELDS: &'static [&'static str] = &["csrf_token", "id", "do"];

    fn samples() -> Vec<Self> {
        let own = |text: Option<&str>| sample_grants(text).into_iter().filter(|grant| grant.user.is_some()).collect();
        let plain = Self {
            frame: frame("users"),
            id: "user_1".to_owned(),
            name: "bob".to_owned(),
            address: None,
            created: at(0),
            disabled: None,
            is_admin: false,
            is_self: false,
            has_password: false,
            providers: Vec::new(),
            second_factor: SecondFactorLine { app_since: None, codes_left: 0, passkeys: None },
            browsers: 0,
            signed_in: None,
            last_seen: None,
            grants: Vec::new(),
            more: false,
            query: "user=bob".to_owned(),
            actions: UserAction::ALL.into(),
            link: None,
            problem: None,
        };
        let busy = Self {
            address: Some("bob@example.com".to_owned()),
            has_password: true,
            providers: vec!["google:110169484474386276334".to_owned()],
            second_factor: SecondFactorLine { app_since: Some(at(3)), codes_left: 9, passkeys: Some(2) },
            browsers: 2,
            signed_in: Some(at(20)),
            last_seen: Some(at(31)),
            grants: own(None),
            more: true,
            ..plain.clone()
        };
        let with = |text: &str, frame| Self {
            frame,
            id: text.to_owned(),
            name: text.to_owned(),
            address: Some(text.to_owned()),
            providers: vec![text.to_owned()],
            grants: own(Some(text)),
            query: text.to_owned(),
            link: Some(text.to_owned()),
            ..busy.clone()
        };
        let mut samples = vec![
            plain.clone(),
            busy.clone(),
            Self { disabled: Some(at(40)), ..plain.clone() },
            Self { is_admin: true, is_self: true, actions: vec![UserAction::RevokeAll], ..busy.clone() },
            Self { is_admin: true, is_self: true, ..plain.clone() },
            Self {
                link: Some(format!("https://mcp.example.com/reset?secret=gatelodge_reset_{}", "x".repeat(49))),
                ..busy.clone()
            },
            with(LONG_NAME, frame("users")),
            with(HOSTILE, hostile_frame("users")),
        ];
        samples.extend(UserProblem::ALL.map(|problem| Self { problem: Some(problem), ..plain.clone() }));
        samples
    }
}
