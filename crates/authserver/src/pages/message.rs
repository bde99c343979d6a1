//! `message.html`: an end that is no error and needs no form. Shown by `endpoints/login.rs`.

use serde::Serialize;

use super::Page;

/// What the page shows.
#[derive(Clone, Serialize)]
pub struct MessagePage {
    title: &'static str,
    text: &'static str,
}

impl MessagePage {
    /// After `/logout` without a request to go on with.
    pub const SIGNED_OUT: Self = Self {
        title: "You are signed out",
        text: "Clients that you allowed keep their access. You can close this page.",
    };
}

impl Page for MessagePage {
    const TEMPLATE: &'static str = "message.html";

    fn samples() -> Vec<Self> {
        vec![Self::SIGNED_OUT]
    }
}
