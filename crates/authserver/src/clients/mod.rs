//! Which client is this? One answer for every endpoint.

use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_store::{StoreError, Tx, clients};

use crate::app::App;

pub mod authenticate;
pub mod configured;

/// The client of this name, as it is known now. What the operator wrote down comes first: nobody can register over it.
pub fn find(tx: &mut Tx, app: &App, id: &ClientId) -> Result<Option<Client>, StoreError> {
    match app.config.clients.iter().find(|client| client.id == *id) {
        Some(configured) => Ok(Some(configured.clone())),
        None => clients::find(tx, id),
    }
}
