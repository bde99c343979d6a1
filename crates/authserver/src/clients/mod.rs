//! Which client is this? One answer for every endpoint.

use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_store::{StoreError, Tx, clients};

use crate::app::App;

pub mod authenticate;
pub mod configured;
pub mod document_config;
pub mod keys;
pub mod metadata_document;
mod pinned;
pub mod registration;

pub use metadata_document::{Unresolved, known, resolve};

/// The client of this name, as it is known now. What the operator wrote down comes first: nobody can register over it. Nothing
/// is fetched here, so a client whose host is down stays who it was; one that the operator no longer trusts is gone.
pub fn find(tx: &mut Tx, app: &App, id: &ClientId) -> Result<Option<Client>, StoreError> {
    if let Some(configured) = configured::find(&app.config, id) {
        return Ok(Some(configured.clone()));
    }
    let found = clients::find(tx, id)?;
    Ok(found.filter(|client| app.config.client_documents.permits(client)))
}
