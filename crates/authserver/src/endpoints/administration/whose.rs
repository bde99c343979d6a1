//! People, as lists of the administration are asked for them and show them.

use std::collections::HashMap;

use gatelodge_oauth::grant::UserId;
use gatelodge_store::{StoreError, Tx, users};

use super::paging;
use crate::pages::administration::Whose;
use crate::people;

/// Who is called so: by their identifier, which is all that is left of somebody who is gone, by address, or by name. An identifier comes
/// first: people may be called as they like at a provider, also like that of somebody else.
pub fn id_of(tx: &mut Tx, typed: &str) -> Result<Option<UserId>, StoreError> {
    if let Some(id) = UserId::parse(typed) {
        return Ok(Some(id));
    }
    Ok(people::called(tx, typed)?.map(|user| user.id))
}

/// The names of those of these that there are.
pub fn names(tx: &mut Tx, ids: impl Iterator<Item = String>) -> Result<HashMap<UserId, String>, StoreError> {
    let mut ids: Vec<UserId> = ids.map(UserId::from_stored).collect();
    ids.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    Ok(users::find_all(tx, &ids)?.into_iter().map(|user| (user.id, user.username)).collect())
}

/// Somebody with the way to their page.
pub fn shown(id: &UserId, name: &str) -> Whose {
    Whose { query: paging::query(&[("id", id.as_str())]), name: name.to_owned() }
}
