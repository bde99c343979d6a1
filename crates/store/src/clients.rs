//! The clients that this server keeps: self-registered (RFC 7591), described by a document, or added by command. Used by
//! registration, the authorization endpoint and client authentication.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::{RowName, beginning, to_json};
use crate::schema::pending_authorizations as pending;
use crate::schema::{clients as t, grants};
use crate::{Insertion, StoreError, Tx};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = t, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: String,
    name: Option<String>,
    redirect_uris: String,
    grant_types: String,
    token_endpoint_auth_method: String,
    secret_hash: Option<Vec<u8>>,
    client_uri: Option<String>,
    issued_at: i64,
    registration: String,
    other_auth_methods: Option<String>,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    scope: Option<String>,
    resources: Option<String>,
    may_introspect: bool,
    metadata: Option<String>,
    fingerprint: Option<Vec<u8>>,
    management_hash: Option<Vec<u8>>,
    fresh_until: Option<i64>,
    unused_since: Option<i64>,
}

impl TryFrom<Row> for Client {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName::of("clients", &row.id);
        let own_method = name.parse("token_endpoint_auth_method", &row.token_endpoint_auth_method)?;
        let mut auth_methods: Vec<TokenEndpointAuthMethod> = vec![own_method];
        if let Some(others) = &row.other_auth_methods {
            auth_methods.extend(name.json::<Vec<TokenEndpointAuthMethod>>("other_auth_methods", others)?);
        }
        Ok(Self {
            id: ClientId::new(row.id),
            registration: name.parse("registration", &row.registration)?,
            name: row.name,
            redirect_uris: name.json("redirect_uris", &row.redirect_uris)?,
            grant_types: name.json("grant_types", &row.grant_types)?,
            auth_methods,
            secret: row.secret_hash.map(|hash| name.hash("secret_hash", hash)).transpose()?,
            keys: row.jwks.map(ClientKeys::Inline).or(row.jwks_uri.map(ClientKeys::Uri)),
            client_uri: row.client_uri,
            scope: row.scope.map(|scope| name.parse("scope", &scope)).transpose()?,
            resources: row.resources.map(|resources| name.json("resources", &resources)).transpose()?,
            may_introspect: row.may_introspect,
            issued_at: Timestamp::from_unix(row.issued_at),
        })
    }
}

impl Row {
    fn of(client: &Client) -> Self {
        let others = client.auth_methods.get(1..).filter(|others| !others.is_empty());
        let own_method = client.auth_methods.first().copied().unwrap_or(TokenEndpointAuthMethod::None);
        let (jwks, jwks_uri) = match client.keys.clone() {
            None => (None, None),
            Some(ClientKeys::Inline(set)) => (Some(set), None),
            Some(ClientKeys::Uri(uri)) => (None, Some(uri)),
        };
        Self {
            id: client.id.as_str().to_owned(),
            name: client.name.clone(),
            redirect_uris: to_json(&client.redirect_uris),
            grant_types: to_json(&client.grant_types),
            token_endpoint_auth_method: own_method.as_str().to_owned(),
            secret_hash: client.secret.map(|secret| secret.as_bytes().to_vec()),
            client_uri: client.client_uri.clone(),
            issued_at: client.issued_at.as_unix(),
            registration: client.registration.as_str().to_owned(),
            other_auth_methods: others.map(|others| to_json(&others)),
            jwks,
            jwks_uri,
            scope: client.scope.as_ref().map(ToString::to_string),
            resources: client.resources.as_ref().map(to_json),
            may_introspect: client.may_introspect,
            metadata: None,
            fingerprint: None,
            management_hash: None,
            fresh_until: None,
            unused_since: None,
        }
    }
}

/// Clients that one call clears away at most.
const BATCH: i64 = 1000;

/// What a client registered by itself (RFC 7591 §3.1), with what only the server keeps.
#[derive(Debug, Clone)]
pub struct SelfRegistration {
    /// The client of it.
    pub client: Client,
    /// Everything that was registered, as JSON.
    pub metadata: String,
    /// What makes another registration the same client.
    pub fingerprint: Option<[u8; 32]>,
    /// SHA-256 of its registration access token (RFC 7592 §3).
    pub management: Option<HashedSecret>,
}

impl Row {
    fn of_registration(registration: &SelfRegistration) -> Self {
        Self {
            metadata: Some(registration.metadata.clone()),
            fingerprint: registration.fingerprint.map(|fingerprint| fingerprint.to_vec()),
            management_hash: registration.management.map(|management| management.as_bytes().to_vec()),
            ..Self::of(&registration.client)
        }
    }
}

/// Adds a client that registers itself, and returns it; or the one that registered the same before, whoever is faster.
pub fn register(tx: &mut Tx, new: &SelfRegistration, now: Timestamp) -> Result<(Insertion, Client), StoreError> {
    if let Some(same) = registered_before(tx, new, now)? {
        return Ok((Insertion::AlreadyExists, same));
    }
    let row = Row { unused_since: Some(now.as_unix()), ..Row::of_registration(new) };
    match unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))? {
        Insertion::Inserted => Ok((Insertion::Inserted, new.client.clone())),
        Insertion::AlreadyExists => match registered_before(tx, new, now)? {
            Some(same) => Ok((Insertion::AlreadyExists, same)),
            None => Err(StoreError::Conflict("a client of the same registration came and went".into())),
        },
    }
}

/// The client with the same fingerprint. Registering again makes it as young as a new one.
fn registered_before(tx: &mut Tx, new: &SelfRegistration, now: Timestamp) -> Result<Option<Client>, StoreError> {
    let Some(fingerprint) = &new.fingerprint else { return Ok(None) };
    let same = || t::table.filter(t::fingerprint.eq(Some(fingerprint.to_vec())));
    let Some(row) = same().first::<Row>(&mut tx.0).optional()? else { return Ok(None) };
    if row.unused_since.is_some_and(|since| since != now.as_unix()) {
        diesel::update(same().filter(t::unused_since.is_not_null()))
            .set(t::unused_since.eq(Some(now.as_unix())))
            .execute(&mut tx.0)?;
    }
    Client::try_from(row).map(Some)
}

/// By identifier, with what only its own registration holds. `None` also for a client that did not register itself.
pub fn find_registration(tx: &mut Tx, id: &ClientId) -> Result<Option<SelfRegistration>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    let Some(mut row) = row else { return Ok(None) };
    let name = RowName::of("clients", &row.id);
    let management = row.management_hash.take().map(|hash| name.hash("management_hash", hash)).transpose()?;
    let fingerprint = row.fingerprint.take().map(|hash| name.hash("fingerprint", hash)).transpose()?;
    let Some(metadata) = row.metadata.take() else { return Ok(None) };
    let fingerprint = fingerprint.map(|fingerprint| *fingerprint.as_bytes());
    Ok(Some(SelfRegistration { client: Client::try_from(row)?, metadata, fingerprint, management }))
}

/// RFC 7592 §2.2: puts a registration in the place of the one with the same identifier and the same registration access token;
/// `false` when that is gone.
pub fn replace(tx: &mut Tx, new: &SelfRegistration) -> Result<bool, StoreError> {
    let this = t::table.filter(t::id.eq(new.client.id.as_str()));
    let Some(unused_since) = this.select(t::unused_since).first::<Option<i64>>(&mut tx.0).optional()? else {
        return Ok(false);
    };
    let row = Row { unused_since, ..Row::of_registration(new) };
    let management = row.management_hash.clone();
    let same_owner = this.filter(t::management_hash.eq(management));
    Ok(diesel::update(same_owner).set(row).execute(&mut tx.0)? == 1)
}

/// Takes a client out; `false` when there is none. Its grants are ended by [`crate::grants::revoke_all_of_client`].
pub fn delete(tx: &mut Tx, id: &ClientId) -> Result<bool, StoreError> {
    Ok(diesel::delete(t::table.filter(t::id.eq(id.as_str()))).execute(&mut tx.0)? == 1)
}

/// Which clients are wanted; what is left out is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// That came here in this way.
    pub registration: Option<Registration>,
    /// With this identifier, or a name that begins so.
    pub called: Option<String>,
}

/// At most `limit` clients behind that one, in the order of their identifiers, and whether each was never allowed anything.
pub fn page(
    tx: &mut Tx,
    search: &Search,
    after: Option<&ClientId>,
    limit: i64,
) -> Result<Vec<(Client, bool)>, StoreError> {
    let mut query = t::table.into_boxed();
    if let Some(registration) = search.registration {
        query = query.filter(t::registration.eq(registration.as_str()));
    }
    if let Some(called) = &search.called {
        let begins = t::name.like(beginning(called)).escape('\\').assume_not_null();
        query = query.filter(t::id.eq(called.clone()).or(begins));
    }
    if let Some(after) = after {
        query = query.filter(t::id.gt(after.as_str().to_owned()));
    }
    let rows = query.order(t::id).limit(limit).load::<Row>(&mut tx.0)?;
    let with_use = |row: Row| {
        let is_unused = row.unused_since.is_some();
        Ok((Client::try_from(row)?, is_unused))
    };
    rows.into_iter().map(with_use).collect()
}

/// Every client that is kept here, in the order of their identifiers.
pub fn list(tx: &mut Tx) -> Result<Vec<Client>, StoreError> {
    let rows = t::table.order(t::id).load::<Row>(&mut tx.0)?;
    rows.into_iter().map(Client::try_from).collect()
}

/// Clears away a batch of the clients that registered by `until` and were never allowed anything.
pub fn delete_unused(tx: &mut Tx, until: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
    let batch = t::table
        .filter(t::unused_since.le(until.as_unix()))
        .order((t::unused_since, t::id))
        .select(t::id)
        .limit(BATCH)
        .load::<String>(&mut tx.0)?;
    delete_if_unused(tx, batch, now)
}

/// Clears away the oldest of the clients that were never allowed anything, so that `keep` of them remain.
pub fn evict_unused(tx: &mut Tx, keep: u32, now: Timestamp) -> Result<usize, StoreError> {
    let batch = t::table
        .filter(t::unused_since.is_not_null())
        .order((t::unused_since.desc(), t::id.desc()))
        .select(t::id)
        .offset(i64::from(keep))
        .limit(BATCH)
        .load::<String>(&mut tx.0)?;
    delete_if_unused(tx, batch, now)
}

/// `unused_since` is looked at again by the deletion itself, after it waited for whoever changes the row: a grant that is made
/// meanwhile keeps its client. So does a person who has the request of the client on the screen.
fn delete_if_unused(tx: &mut Tx, batch: Vec<String>, now: Timestamp) -> Result<usize, StoreError> {
    if batch.is_empty() {
        return Ok(0);
    }
    let waiting =
        pending::table.filter(pending::client_id.eq(t::id.nullable())).filter(pending::expires_at.gt(now.as_unix()));
    let unused =
        t::table.filter(t::id.eq_any(batch)).filter(t::unused_since.is_not_null()).filter(not(exists(waiting)));
    Ok(diesel::delete(unused).execute(&mut tx.0)?)
}

/// Adds a client, unless its identifier is taken.
pub fn insert(tx: &mut Tx, client: &Client) -> Result<Insertion, StoreError> {
    let row = Row::of(client);
    unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))
}

/// By identifier.
pub fn find(tx: &mut Tx, id: &ClientId) -> Result<Option<Client>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    row.map(Client::try_from).transpose()
}

/// A client as it was last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The client; for one that a document describes, `issued_at` is when the document was read.
    pub client: Client,
    /// Until when its document need not be asked for again.
    pub fresh_until: Option<Timestamp>,
}

/// By identifier, with what is known of its document.
pub fn find_known(tx: &mut Tx, id: &ClientId) -> Result<Option<Known>, StoreError> {
    let row = t::table.filter(t::id.eq(id.as_str())).first::<Row>(&mut tx.0).optional()?;
    let Some(row) = row else { return Ok(None) };
    let fresh_until = row.fresh_until.map(Timestamp::from_unix);
    Ok(Some(Known { client: Client::try_from(row)?, fresh_until }))
}

/// Keeps what a document says, in place of what it said before. A client that came here in another way stays as it is.
pub fn keep_document(tx: &mut Tx, client: &Client, fresh_until: Timestamp) -> Result<(), StoreError> {
    let row = Row { fresh_until: Some(fresh_until.as_unix()), ..Row::of(client) };
    let described = t::table.filter(t::id.eq(row.id.clone()));
    let described = described.filter(t::registration.eq(Registration::MetadataDocument.as_str()));
    let changed = diesel::update(described)
        .set((
            t::name.eq(row.name.clone()),
            t::redirect_uris.eq(row.redirect_uris.clone()),
            t::grant_types.eq(row.grant_types.clone()),
            t::token_endpoint_auth_method.eq(row.token_endpoint_auth_method.clone()),
            t::other_auth_methods.eq(row.other_auth_methods.clone()),
            t::jwks.eq(row.jwks.clone()),
            t::jwks_uri.eq(row.jwks_uri.clone()),
            t::client_uri.eq(row.client_uri.clone()),
            t::issued_at.eq(row.issued_at),
            t::fresh_until.eq(row.fresh_until),
        ))
        .execute(&mut tx.0)?;
    if changed == 0 {
        unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))?;
    }
    Ok(())
}

/// Forgets documents that were read before `before` and that no grant stands on, `limit` at most.
pub(crate) fn forget_documents(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let unused = || {
        let granted = grants::table.filter(grants::client_id.eq(t::id)).select(grants::id);
        t::table
            .filter(t::registration.eq(Registration::MetadataDocument.as_str()))
            .filter(t::issued_at.le(before.as_unix()))
            .filter(diesel::dsl::not(diesel::dsl::exists(granted)))
    };
    let batch = unused().select(t::id).order(t::issued_at).limit(limit).load::<String>(&mut tx.0)?;
    // Whatever was read again in between stays.
    let batch = t::table.filter(t::id.eq_any(batch)).filter(t::issued_at.le(before.as_unix()));
    Ok(diesel::delete(batch).execute(&mut tx.0)?)
}
