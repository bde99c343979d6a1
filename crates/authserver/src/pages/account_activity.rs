//! `account_activity.html`: what happened to somebody's access, and what was done with it. Shown by `endpoints/account_activity.rs`.

use gatelodge_oauth::time::Timestamp;
use serde::Serialize;

use super::{HOSTILE, LONG_NAME, Moment, Page};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct ActivityPage {
    /// Who is signed in.
    pub account: String,
    /// The newest first.
    pub happenings: Vec<Happening>,
    /// The event that the next page begins behind.
    pub older: Option<String>,
}

/// One event. Its text is `activity-<what>`.
#[derive(Clone, Serialize)]
pub struct Happening {
    /// What happened.
    pub what: &'static str,
    /// What the client calls itself.
    pub client: Option<String>,
    /// The tool, or what somebody calls their token.
    pub name: Option<String>,
    /// The MCP server, as the operator calls it.
    pub resource: Option<String>,
    /// How, or by whom: its text is `activity-by-<how>`.
    pub how: Option<&'static str>,
    /// When.
    pub time: Moment,
    /// From which network.
    pub source: Option<String>,
}

impl Page for ActivityPage {
    const TEMPLATE: &'static str = "account_activity.html";
    const ROOT: &'static str = "../";

    fn samples() -> Vec<Self> {
        let at = |minutes: i64| Moment::from(Timestamp::from_unix(1_795_000_000 - minutes * 60));
        let event = |what, how, minutes| Happening {
            what,
            client: None,
            name: None,
            resource: None,
            how,
            time: at(minutes),
            source: Some("198.51.100.0/24".to_owned()),
        };
        let call = |what, minutes| Happening {
            client: Some("Claude".to_owned()),
            name: Some("search_tickets".to_owned()),
            resource: Some("Acme MCP".to_owned()),
            source: None,
            ..event(what, None, minutes)
        };
        let with_client = |what, how, minutes| Happening {
            client: Some("Claude".to_owned()),
            resource: Some("Acme MCP".to_owned()),
            ..event(what, how, minutes)
        };
        let token = |what, how, minutes| Happening {
            name: Some("laptop".to_owned()),
            resource: Some("Acme MCP".to_owned()),
            ..event(what, how, minutes)
        };
        let all = vec![
            with_client("revoked", Some("owner"), 0),
            with_client("revoked", Some("replayed"), 1),
            call("called", 5),
            call("refused", 6),
            with_client("granted", None, 9),
            with_client("denied", None, 9),
            token("token_revoked", Some("operator"), 20),
            call("token_called", 21),
            call("token_refused", 22),
            token("token_made", None, 30),
            event("password_changed", Some("link"), 49),
            event("password_changed", None, 50),
            event("password_link_sent", None, 51),
            event("signed_out", None, 55),
            event("signed_out_here", None, 56),
            event("signed_out_everywhere", None, 57),
            event("signed_in", Some("password"), 60),
            event("signed_in", Some("oidc"), 61),
            event("signed_in", Some("email_code"), 61),
            event("signed_in", None, 62),
            event("code_failed", None, 64),
            event("secret_known", None, 64),
            event("signed_in", Some("totp"), 63),
            event("signed_in", Some("passkey"), 64),
            event("signed_in", Some("recovery_code"), 64),
            event("sign_in_failed", None, 65),
            event("second_step_failed", Some("totp"), 66),
            event("second_factor_added", Some("passkey"), 67),
            event("second_factor_removed", Some("operator"), 68),
            event("recovery_codes_made", Some("owner"), 69),
            event("all_revoked", Some("operator"), 71),
            event("everything_ended", Some("owner"), 72),
            event("account_added", Some("oidc"), 70),
            event("address_set", Some("operator"), 70),
            event("address_removed", Some("operator"), 70),
            event("identity_linked", Some("operator"), 70),
            event("identity_unlinked", Some("operator"), 70),
            event("account_disabled", Some("operator"), 72),
            event("account_enabled", Some("operator"), 73),
            event("administrator_made", Some("operator"), 74),
            event("administrator_unmade", Some("operator"), 75),
            event("password_link_made", Some("operator"), 76),
            event("administration_entered", Some("link"), 77),
            event("administration_link_made", Some("operator"), 78),
            event("administration_left", None, 79),
            Happening { client: None, ..with_client("revoked", Some("client"), 70) },
        ];
        let text = |text: &str| {
            let what = |happening: &Happening| Happening {
                client: happening.client.is_some().then(|| text.to_owned()),
                name: happening.name.is_some().then(|| text.to_owned()),
                resource: Some(text.to_owned()),
                source: Some(text.to_owned()),
                ..happening.clone()
            };
            Self { account: text.to_owned(), happenings: all.iter().map(what).collect(), older: Some(text.to_owned()) }
        };
        vec![
            Self { account: "nora".to_owned(), happenings: Vec::new(), older: None },
            Self { account: "nora".to_owned(), happenings: all.clone(), older: Some("as-00-sample".to_owned()) },
            text(LONG_NAME),
            text(HOSTILE),
        ]
    }
}
