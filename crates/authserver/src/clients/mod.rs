//! Which client is this? One answer for every endpoint.

use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_store::{StoreError, Tx, clients};

use crate::app::App;

pub mod authenticate;

/// The client of this name, as it is known now.
pub fn find(tx: &mut Tx, _app: &App, id: &ClientId) -> Result<Option<Client>, StoreError> {
    clients::find(tx, id)
}
