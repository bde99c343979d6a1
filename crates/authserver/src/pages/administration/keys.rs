//! `administration_keys.html`: the keys that tokens are signed with.

use serde::Serialize;

use super::{Frame, HOSTILE, at, frame, hostile_frame};
use crate::pages::{Moment, Page};

/// What the page shows. It POSTs `csrf_token` and `do` to `/keys`, with `kid` and `confirm` for what takes one out of use.
#[derive(Clone, Serialize)]
pub struct KeysPage {
    /// What every page shows.
    pub frame: Frame,
    /// The newest first.
    pub keys: Vec<KeyLine>,
    /// One of them signs soon.
    pub has_next: bool,
}

/// A key.
#[derive(Clone, Serialize)]
pub struct KeyLine {
    /// Its name.
    pub kid: String,
    /// `alg` (RFC 7518 §3.1).
    pub algorithm: String,
    /// `active`, `next` or `retired`; its text is `administration-key-<state>`.
    pub state: &'static str,
    /// Since when, from when, or until when.
    pub time: Option<Moment>,
    /// The box was not ticked.
    pub is_unconfirmed: bool,
}

impl Page for KeysPage {
    const TEMPLATE: &'static str = "administration_keys.html";
    const FIELDS: &'static [&'static str] = &["csrf_token", "do"];

    fn samples() -> Vec<Self> {
        let key = |number: u8, state, time| KeyLine {
            kid: format!("{number}Zr5IYUCMHNSmHMEbnZWSCKuUwkkXSrhXVQXE1i_9Mo"),
            algorithm: "ES256".to_owned(),
            state,
            time,
            is_unconfirmed: false,
        };
        let alone = Self { frame: frame("keys"), keys: vec![key(2, "active", Some(at(0)))], has_next: false };
        let all = vec![
            key(1, "next", Some(at(48))),
            key(2, "active", Some(at(0))),
            key(3, "retired", Some(at(20))),
            key(4, "retired", None),
        ];
        let unconfirmed = |line: KeyLine| KeyLine { is_unconfirmed: line.state == "active", ..line };
        vec![
            alone.clone(),
            Self { keys: all.clone(), has_next: true, ..alone.clone() },
            Self { keys: all.into_iter().map(unconfirmed).collect(), has_next: true, ..alone.clone() },
            Self {
                frame: hostile_frame("keys"),
                keys: vec![KeyLine {
                    kid: HOSTILE.to_owned(),
                    algorithm: HOSTILE.to_owned(),
                    ..key(5, "retired", None)
                }],
                ..alone
            },
        ]
    }
}
