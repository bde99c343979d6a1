//! Registered clients (RFC 7591). Used by registration, the authorization endpoint and client authentication.

use diesel::prelude::*;
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::{RowName, to_json};
use crate::schema::clients as t;
use crate::{Insertion, StoreError, Tx};

#[derive(Queryable, Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: String,
    name: Option<String>,
    redirect_uris: String,
    grant_types: String,
    token_endpoint_auth_method: String,
    secret_hash: Option<Vec<u8>>,
    client_uri: Option<String>,
    issued_at: i64,
}

impl TryFrom<Row> for Client {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of("clients", &row.id);
        Ok(Self {
            id: ClientId::new(row.id),
            name: row.name,
            redirect_uris: name.json("redirect_uris", &row.redirect_uris)?,
            grant_types: name.json("grant_types", &row.grant_types)?,
            token_endpoint_auth_method: name.parse("token_endpoint_auth_method", &row.token_endpoint_auth_method)?,
            secret: row.secret_hash.map(|hash| name.hash("secret_hash", hash)).transpose()?,
            client_uri: row.client_uri,
            issued_at: Timestamp::from_unix(row.issued_at),
        })
    }
}

/// Adds a client, unless its identifier is taken.
pub fn insert(tx: &mut Tx, client: &Client) -> Result<Insertion, StoreError> {
    let row = Row {
        id: client.id.as_str().to_owned(),
        name: client.name.clone(),
        redirect_uris: to_json(&client.redirect_uris),
        grant_types: to_json(&client.grant_types),
        token_endpoint_auth_method: client.token_endpoint_auth_method.as_str().to_owned(),
        secret_hash: client.secret.map(|secret| secret.as_bytes().to_vec()),
        client_uri: client.client_uri.clone(),
        issued_at: client.issued_at.as_unix(),
    };
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By identifier.
pub fn find(tx: &mut Tx, id: &ClientId) -> Result<Option<Client>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    row.map(Client::try_from).transpose()
}
