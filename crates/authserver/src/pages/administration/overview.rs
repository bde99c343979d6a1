//! `administration_overview.html`: where an administrator begins.

use serde::Serialize;

use super::{Frame, HOSTILE, LONG_NAME, at, frame, hostile_frame};
use crate::pages::{Moment, Page};

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct OverviewPage {
    /// What every page shows.
    pub frame: Frame,
    /// Until when the session lasts.
    pub until: Moment,
    /// The issuer.
    pub issuer: String,
    /// Of the program.
    pub version: String,
    /// The MCP servers, as the operator calls them.
    pub resources: Vec<String>,
}

impl Page for OverviewPage {
    const TEMPLATE: &'static str = "administration_overview.html";

    fn samples() -> Vec<Self> {
        let plain = Self {
            frame: frame("overview"),
            until: at(4),
            issuer: "https://mcp.example.com".to_owned(),
            version: "0.1.0".to_owned(),
            resources: vec!["Acme MCP".to_owned(), "Other MCP".to_owned()],
        };
        vec![
            plain.clone(),
            Self { resources: vec![LONG_NAME.to_owned()], ..plain.clone() },
            Self { frame: hostile_frame("overview"), resources: vec![HOSTILE.to_owned()], ..plain },
        ]
    }
}
