//! Assertions that clients proved themselves with (RFC 7523 §3, 7), by hash, so that none works twice: not here and not at
//! another server on the same database. Written inside the transaction of the request that the assertion came with.

use diesel::prelude::*;
use gatelodge_oauth::client_assertion::UsedAssertion;

use crate::insertion::unless_exists;
use crate::schema::used_assertions as t;
use crate::{Insertion, StoreError, Tx};

/// Spends an assertion: `true` for exactly one request, however often that one is tried. `request` is its own random name.
pub fn spend(tx: &mut Tx, used: &UsedAssertion, request: &str) -> Result<bool, StoreError> {
    let hash = &used.hash.as_bytes()[..];
    let row = (t::hash.eq(hash), t::expires_at.eq(used.expires_at.as_unix()), t::request.eq(Some(request)));
    let inserted = unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))?;
    if inserted == Insertion::Inserted {
        return Ok(true);
    }
    let spent_by = t::table.filter(t::hash.eq(hash)).select(t::request).first::<Option<String>>(&mut tx.0);
    Ok(spent_by.optional()?.flatten().is_some_and(|other| other == request))
}
