//! People, as lists of the administration are asked for them and show them.

use std::collections::HashMap;

use gatelodge_oauth::grant::UserId;
use gatelodge_store::{StoreError, Tx, users};

use super::paging;
use crate::login::password::canonical_username;
use crate::pages::administration::Whose;
use crate::people;

/// Who is called so: by name, by address, or by their identifier, which is all that is left of somebody who is gone.
pub fn id_of(tx: &mut Tx, typed: &str) -> Result<Option<UserId>, StoreError> {
    if let Some(user) = people::called(tx, typed)? {
        return Ok(Some(user.id));
    }
    let is_id = typed.starts_with(UserId::PREFIX) && canonical_username(typed).is_some();
    Ok(is_id.then(|| UserId::from_stored(typed.to_owned())))
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
