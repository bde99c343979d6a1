//! Administration: what operators do to others, by command (`commands/`) and in the browser (`endpoints/administration/`, on a
//! listener of its own). Both do it through `operator.rs`, so that the same ends with it and the same is written down.

use std::ops::Deref;

use gatelodge_service::config::PublicUrl;

use crate::app::App;

pub mod config;
pub mod operator;
pub mod session;
pub mod visit;

/// What the pages of the listener work with.
#[derive(Clone)]
pub struct Administration {
    app: App,
    /// What administrators type.
    pub url: PublicUrl,
}

impl Administration {
    /// Under this URL.
    pub fn new(app: &App, url: &PublicUrl) -> Self {
        Self { app: app.clone(), url: url.clone() }
    }
}

impl Deref for Administration {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}
